use std::io;
use std::sync::Arc;

use engine::{Corrupt, Engine};
use journal::{BatchBuf, EventReader, Folder, JournalError, Reader, SnapshotMeta, snapshots};
use protocol::{Event, Events, Reject, Request, Wire};
use types::{Seq, Time};

use crate::executor::Position;

/// How an engine is born: which contracts and products it knows. The same for a new one, for recovery and for the one that takes snapshots.
#[derive(Clone)]
pub struct Rules(Arc<Build>);

type Build = dyn Fn(Option<&[u8]>) -> Result<Engine, Corrupt> + Send + Sync;

impl Rules {
    /// `build` makes an empty engine from `None`, and one with the given snapshot's state from `Some`.
    pub fn new(
        build: impl Fn(Option<&[u8]>) -> Result<Engine, Corrupt> + Send + Sync + 'static,
    ) -> Rules {
        Rules(Arc::new(build))
    }

    /// An empty engine.
    ///
    /// # Errors
    /// When the rules do not fit together.
    pub fn fresh(&self) -> Result<Engine, RecoverError> {
        (self.0)(None).map_err(RecoverError::Snapshot)
    }

    fn restore(&self, bytes: &[u8]) -> Result<Engine, RecoverError> {
        (self.0)(Some(bytes)).map_err(RecoverError::Snapshot)
    }
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rules")
    }
}

/// Why the state could not be had again.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(
        "the engine does not accept a snapshot whose checksums are right ({0}): it was written by other rules. Use the program that wrote it"
    )]
    Snapshot(Corrupt),
    #[error(
        "record {0} has right checksums but is no request of this program: it was written by a newer one. Use that one"
    )]
    Unreadable(Seq),
    #[error(
        "record {seq} was accepted when it was journalled and is refused on replay ({reject:?}): this program's rules differ from those that wrote it"
    )]
    Refused { seq: Seq, reject: Reject },
    #[error(
        "record {seq} had other consequences when it was journalled (chain {found:016x}, replayed {computed:016x}): this program's rules differ from those that wrote it"
    )]
    Diverged { seq: Seq, found: u64, computed: u64 },
    #[error(
        "the snapshot at record {seq} says digest {found} and its state has {computed}: use an older snapshot"
    )]
    Digest {
        seq: Seq,
        found: String,
        computed: String,
    },
}

/// The newest sound snapshot's state, or an empty engine; records after it are not executed yet.
///
/// # Errors
/// When a snapshot cannot be read or is of other rules.
pub fn restore(folder: &Folder, rules: &Rules) -> Result<(Engine, Position), RecoverError> {
    let restored = snapshots::restore(folder, |meta, reader| {
        let mut bytes = Vec::new();
        io::Read::read_to_end(reader, &mut bytes)?;
        Ok((*meta, bytes))
    })?;
    match restored {
        None => Ok((rules.fresh()?, Position::default())),
        Some((_, (meta, bytes))) => {
            let engine = rules.restore(&bytes)?;
            let (found, computed) = (digest_text(&meta.digest), engine.digest().to_string());
            if found != computed {
                return Err(RecoverError::Digest {
                    seq: meta.seq,
                    found,
                    computed,
                });
            }
            Ok((
                engine,
                Position {
                    seq: meta.seq,
                    time: meta.time,
                    chain: meta.chain,
                },
            ))
        }
    }
}

/// Executes the records after `position` up to `through` and compares the chain at each. `on` is told each record with its request, its
/// events and their bytes.
///
/// # Errors
/// At the first record that cannot be read or does not come out as it did.
pub fn replay(
    folder: &Folder,
    engine: &mut Engine,
    position: &mut Position,
    through: Seq,
    mut on: impl FnMut(Position, &Request, &[Event], &[u8]),
) -> Result<(), RecoverError> {
    if position.seq >= through {
        return Ok(());
    }
    let mut reader = Reader::open(folder, Seq(position.seq.0 + 1), through)?;
    let mut events = Events::new();
    let mut event_bytes = Vec::new();
    while let Some(record) = reader.next()? {
        let mut payload = record.payload;
        let request =
            Request::take(&mut payload).map_err(|_| RecoverError::Unreadable(record.seq))?;
        if !payload.is_empty() {
            return Err(RecoverError::Unreadable(record.seq));
        }
        events.clear();
        engine
            .execute(record.seq, record.time, &request, &mut events)
            .map_err(|reject| RecoverError::Refused {
                seq: record.seq,
                reject,
            })?;
        event_bytes.clear();
        for event in &events {
            event.put(&mut event_bytes);
        }
        let computed = protocol::chain(
            position.chain,
            record.seq,
            record.time,
            record.payload,
            &event_bytes,
        );
        if computed != record.chain {
            return Err(RecoverError::Diverged {
                seq: record.seq,
                found: record.chain,
                computed,
            });
        }
        *position = Position {
            seq: record.seq,
            time: record.time,
            chain: record.chain,
        };
        on(*position, &request, &events, &event_bytes);
    }
    Ok(())
}

/// Reads the events of records `from..=through` from the event log.
///
/// # Errors
/// When some are missing there: re-execution makes them again.
pub fn read_events(
    folder: &Folder,
    from: Seq,
    through: Seq,
    mut on: impl FnMut(Seq, Time, &[Event]),
) -> Result<(), RecoverError> {
    let mut reader = EventReader::open(folder, from, through);
    let mut events = Events::new();
    while let Some(record) = reader.next()? {
        events.clear();
        let mut payload = record.payload;
        while !payload.is_empty() {
            events
                .push(Event::take(&mut payload).map_err(|_| RecoverError::Unreadable(record.seq))?);
        }
        on(record.seq, record.time, &events);
    }
    Ok(())
}

/// Writes the engine's state as a snapshot. `mark` says how far the journal is on the disk.
pub(crate) fn write_snapshot(
    folder: &Folder,
    mark: journal::Mark,
    engine: &Engine,
    position: Position,
) -> Result<(), RecoverError> {
    let meta = SnapshotMeta {
        seq: position.seq,
        time: position.time,
        chain: position.chain,
        digest: digest_bytes(&engine.digest().to_string()),
    };
    snapshots::write(folder, mark, meta, |writer| {
        let mut failed = None;
        engine.snapshot(&mut |bytes| {
            if failed.is_none() {
                failed = writer.write_all(bytes).err();
            }
        });
        failed.map_or(Ok(()), Err)
    })?;
    Ok(())
}

/// A digest's text in the fixed field of a snapshot's header, padded with zeros.
fn digest_bytes(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    let len = text.len().min(32);
    bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
    bytes
}

fn digest_text(bytes: &[u8; 32]) -> String {
    String::from_utf8_lossy(bytes)
        .trim_end_matches('\0')
        .to_owned()
}

/// Offers regenerated events to the event log, a buffer at a time.
pub(crate) struct Regenerate<'a> {
    log: &'a journal::EventLog,
    buffer: BatchBuf,
    mark: journal::Mark,
}

impl<'a> Regenerate<'a> {
    pub(crate) fn new(log: &'a journal::EventLog, mark: journal::Mark) -> Regenerate<'a> {
        Regenerate {
            log,
            buffer: BatchBuf::default(),
            mark,
        }
    }

    pub(crate) fn push(&mut self, position: Position, event_bytes: &[u8]) {
        self.buffer
            .push(position.seq, position.time, position.chain, event_bytes);
        if self.buffer.body_len() >= 1 << 20 {
            self.flush();
        }
    }

    pub(crate) fn flush(&mut self) {
        if !self.buffer.is_empty() {
            let full = std::mem::take(&mut self.buffer);
            self.buffer = self.log.offer(full, self.mark);
        }
    }
}
