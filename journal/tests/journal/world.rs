//! A journal on a simulated disk, and a model of what it must still hold.

use std::sync::Arc;

use journal::sim::{Choices, SimStorage};
use journal::{
    BatchBuf, EventLog, EventOptions, EventReader, Fatal, Folder, Journal, JournalError, Mark,
    Options, Reader, Retain, SnapshotMeta, Threads, Writer, chain, snapshots,
};
use types::{Seq, Time};

pub fn options() -> Options {
    Options {
        segment_bytes: 16 << 10,
        first_segment_bytes: 8 << 10,
        retain: Retain::Bytes(0),
        threads: Threads::Inline,
        ..Options::default()
    }
}

pub fn event_options() -> EventOptions {
    EventOptions {
        segment_bytes: 8 << 10,
        threads: Threads::Inline,
        ..EventOptions::default()
    }
}

/// One thing done to a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// A batch of so many records of so many bytes, committed.
    Batch(u8, u16),
    /// A batch that is not committed; the next commit covers it too.
    Uncommitted(u8, u16),
    Confirm,
    /// A snapshot at the mark, and recycling of what two of them cover.
    Snapshot,
    /// The events of everything below the mark.
    Events,
    /// Closed and opened again.
    Restart,
}

/// What was handed to the journal: payload and chain of record `i + 1`.
type Given = Vec<(Vec<u8>, u64)>;

#[derive(Debug)]
pub struct World {
    pub disk: SimStorage,
    pub folder: Folder,
    writer: Option<Writer>,
    events: Option<EventLog>,
    given: Given,
    pub acked: Seq,
    salt: u64,
    buf: BatchBuf,
}

impl World {
    pub fn new(disk: SimStorage, options: Options) -> Result<World, JournalError> {
        World::open(disk, options, Vec::new(), Seq(0), 0)
    }

    fn open(
        disk: SimStorage,
        options: Options,
        mut given: Given,
        acked: Seq,
        salt: u64,
    ) -> Result<World, JournalError> {
        let folder = Folder::open(Arc::new(disk.clone()))?;
        let journal = Journal::open(&folder, options)?;
        let end = Seq(journal.writer.next_seq().0 - 1);
        if end < acked {
            return Err(JournalError::Behind {
                end,
                promised: acked,
                promised_by: "the test's own list".into(),
            });
        }
        assert!(
            end.0 as usize <= given.len(),
            "found up to {end}, given {}",
            given.len()
        );
        given.truncate(end.0 as usize);
        assert_eq!(journal.writer.chain(), given.last().map_or(0, |g| g.1));
        let events = EventLog::open(&folder, event_options(), end)?;
        let world = World {
            disk,
            folder,
            writer: Some(journal.writer),
            events: Some(events),
            given,
            acked: end,
            salt,
            buf: BatchBuf::with_capacity(4096),
        };
        world.check()?;
        Ok(world)
    }

    /// What a restart makes of the disk after power was lost.
    pub fn after_power_loss(
        &self,
        choices: &mut Choices,
        options: Options,
    ) -> Result<World, JournalError> {
        self.reopen_on(self.disk.after_power_loss(choices), options)
    }

    pub fn after_kill(&self, options: Options) -> Result<World, JournalError> {
        self.reopen_on(self.disk.after_kill(), options)
    }

    /// Power is lost, and then a few times more while recovery is at work.
    pub fn through_failing_recoveries(
        &self,
        choices: &mut Choices,
        options: Options,
    ) -> Result<World, JournalError> {
        let mut disk = self.disk.after_power_loss(choices);
        for _ in 0..choices.pick(4) {
            disk.cut_power_at(disk.calls() + 1 + choices.pick(12));
            match self.reopen_on(disk.clone(), options) {
                Ok(world) => return Ok(world),
                Err(e) if !disk.is_off() => return Err(e),
                Err(_) => disk = disk.after_power_loss(choices),
            }
        }
        self.reopen_on(disk, options)
    }

    /// Opens what is on another disk, as if it were what this world left.
    pub fn reopen_on(&self, disk: SimStorage, options: Options) -> Result<World, JournalError> {
        World::open(disk, options, self.given.clone(), self.acked, self.salt + 1)
    }

    /// Opens what is on another disk, whatever was acknowledged: for disks that lie.
    pub fn reopen_forgiving(
        &self,
        disk: SimStorage,
        options: Options,
    ) -> Result<World, JournalError> {
        World::open(disk, options, self.given.clone(), Seq(0), self.salt + 1)
    }

    /// Payload and chain of each record.
    pub fn given(&self) -> &[(Vec<u8>, u64)] {
        &self.given
    }

    /// The writer's answer to a commit, if it is open.
    pub fn commit(&mut self) -> Option<Result<Mark, Fatal>> {
        self.writer.as_mut().map(Writer::commit)
    }

    pub fn end(&self) -> Seq {
        Seq(self.given.len() as u64)
    }

    pub fn writer(&mut self) -> &mut Writer {
        self.writer.as_mut().expect("the world is open")
    }

    pub fn apply(&mut self, op: Op, options: Options) -> Result<(), String> {
        match op {
            Op::Batch(count, len) => {
                self.append(count, len).map_err(text)?;
                let mark = self.writer().commit().map_err(text)?;
                self.mark(mark);
            }
            Op::Uncommitted(count, len) => self.append(count, len).map_err(text)?,
            Op::Confirm => {
                let mark = self.writer().confirm().map_err(text)?;
                self.mark(mark);
            }
            Op::Snapshot => self.snapshot()?,
            Op::Events => self.offer_events(),
            Op::Restart => {
                if let Some(writer) = self.writer.take() {
                    let mark = writer.close().map_err(text)?;
                    self.mark(mark);
                }
                self.events = None;
                *self = self.after_kill(options).map_err(text)?;
            }
        }
        Ok(())
    }

    fn mark(&mut self, mark: Mark) {
        assert!(mark.synced <= mark.seq && mark.seq == self.end());
        self.acked = mark.synced;
    }

    fn append(&mut self, count: u8, len: u16) -> Result<(), Fatal> {
        self.buf.clear();
        for _ in 0..count {
            let seq = self.end().0 + 1;
            let payload = payload(seq, self.salt, len);
            let link = chain(self.given.last().map_or(0, |g| g.1), &payload);
            self.buf.push(Seq(seq), Time(seq as i64), link, &payload);
            self.given.push((payload, link));
        }
        let mut buf = std::mem::take(&mut self.buf);
        let result = self.writer().append(&mut buf);
        self.buf = buf;
        result
    }

    fn snapshot(&mut self) -> Result<(), String> {
        let mark = self.writer().sync().map_err(text)?;
        self.mark(mark);
        let state: Vec<u8> = (0..mark.seq.0 as usize)
            .map(|i| self.given[i].0[0])
            .collect();
        let meta = SnapshotMeta {
            seq: mark.seq,
            chain: self.given.last().map_or(0, |g| g.1),
            ..SnapshotMeta::default()
        };
        snapshots::write(&self.folder, mark, meta, |w| w.write_all(&state)).map_err(text)?;
        if let Some(covered) = snapshots::covered(&self.folder).map_err(text)? {
            self.writer().retire(covered).map_err(text)?;
        }
        Ok(())
    }

    fn offer_events(&mut self) {
        let Some(log) = &self.events else { return };
        let mut batch = BatchBuf::with_capacity(1024);
        for seq in log.last().0 + 1..=self.acked.0 {
            let (payload, link) = &self.given[seq as usize - 1];
            batch.push(Seq(seq), Time(seq as i64), *link, payload);
        }
        log.offer(
            batch,
            Mark {
                seq: self.acked,
                synced: self.acked,
            },
        );
    }

    /// Everything that can be read equals what was given, and nothing acknowledged is missing.
    pub fn check(&self) -> Result<(), JournalError> {
        let writer = self.writer.as_ref().expect("the world is open");
        let oldest = writer.oldest_seq();
        let restored = snapshots::restore(&self.folder, |_, r| {
            let mut state = Vec::new();
            r.read_to_end(&mut state).map(|_| state)
        })?;
        let from = restored
            .as_ref()
            .map_or(Seq(1), |(s, _)| Seq(s.meta.seq.0 + 1));
        assert!(
            oldest <= from,
            "records from {from} are needed, and the oldest is {oldest}"
        );
        // if the newest snapshot turned out to be damaged, the older one would need its tail
        let covered = snapshots::covered(&self.folder)?.unwrap_or(Seq(0));
        assert!(
            oldest.0 <= covered.0 + 1,
            "the oldest record is {oldest}, and two snapshots cover only {covered}"
        );
        if let Some((snapshot, state)) = restored {
            let expected: Vec<u8> = (0..snapshot.meta.seq.0 as usize)
                .map(|i| self.given[i].0[0])
                .collect();
            assert_eq!(state, expected);
            assert_eq!(
                snapshot.meta.chain,
                self.given[..snapshot.meta.seq.0 as usize]
                    .last()
                    .map_or(0, |g| g.1)
            );
        }
        let mut reader = Reader::open(&self.folder, oldest, self.end())?;
        for seq in oldest.0..=self.end().0 {
            let record = reader.next()?.expect("the reader knows its end");
            assert_eq!(
                (record.seq, record.payload, record.chain),
                self.expected(seq)
            );
        }
        assert!(reader.next()?.is_none());
        self.check_events()
    }

    fn expected(&self, seq: u64) -> (Seq, &[u8], u64) {
        let (payload, link) = &self.given[seq as usize - 1];
        (Seq(seq), payload, *link)
    }

    /// The event log may lack anything, but what it gives is right, and it has what it says it has.
    fn check_events(&self) -> Result<(), JournalError> {
        let Some(log) = &self.events else {
            return Ok(());
        };
        let last = log.last();
        let mut reader = EventReader::open(&self.folder, Seq(1), last);
        loop {
            let result = reader.next().map(|r| {
                r.map(|r| {
                    (
                        r.seq,
                        r.payload == self.expected(r.seq.0).1
                            && r.chain == self.expected(r.seq.0).2,
                    )
                })
            });
            match result {
                Ok(None) => return Ok(()),
                Ok(Some((seq, same))) => {
                    assert!(same, "the events of record {seq} are not what was given")
                }
                Err(JournalError::EventsMissing { to, .. }) => {
                    assert!(to < last, "the log says that it has record {last}");
                    reader.seek(Seq(to.0 + 1));
                }
                Err(e) => return Err(e),
            }
        }
    }
}

fn text(e: impl std::fmt::Display) -> String {
    e.to_string()
}

/// Unlike the payload of the same record in another life of the journal.
fn payload(seq: u64, salt: u64, len: u16) -> Vec<u8> {
    let word = chain(seq, &salt.to_le_bytes()).to_le_bytes();
    word.iter()
        .copied()
        .cycle()
        .take(usize::from(len).max(1))
        .collect()
}
