//! The one writer of the journal.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use types::{Seq, Time};

use crate::aside::{Aside, Done, Job};
use crate::batch::{BatchBuf, Place};
use crate::error::{Fatal, JournalError};
use crate::folder::Folder;
use crate::format::{Identity, Kind, SECTOR, SEGMENT_HEADER, SegmentHeader, State};
use crate::recover::Recovered;
use crate::segments::{PrepareError, SegmentFile, segment_path};
use crate::storage::{File, Storage, write_all};
use crate::walk::Tip;
use crate::{Durability, Options, Retain};

/// How far the journal has got.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mark {
    /// The high-water mark under the configured policy: everything up to here may leave the exchange.
    pub seq: Seq,
    /// Everything up to here is on the disk, whatever the policy.
    pub synced: Seq,
}

/// Whether the journal will have room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Health {
    /// The next segment is made: a roll will not wait.
    pub next_ready: bool,
    /// What the current segment still takes, frames included.
    pub bytes_left: u64,
    /// Why the next segment could not be made, usually for want of space. New orders should be refused now, so that what is left serves cancels.
    pub trouble: Option<String>,
}

/// Appends batches to segments. Used by one thread; [`Writer::append`] then [`Writer::commit`], batch after batch.
///
/// After the first [`Fatal`] every call answers with it again.
#[derive(Debug)]
pub struct Writer {
    storage: Arc<dyn Storage>,
    identity: Identity,
    options: Options,
    aside: Aside,
    current: Option<Segment>,
    /// Begun segments before the current one, oldest first.
    older: VecDeque<Older>,
    next: Next,
    /// Generation of the newest segment that was asked for.
    newest: u64,
    tip: Tip,
    synced: Seq,
    /// Syncs of full segments under way (policies other than `Disk`).
    syncing: usize,
    dirty: bool,
    /// Sealed frames that were not handed to the operating system yet (`Durability::None`), and where they start.
    pending: Vec<u8>,
    confirmation: BatchBuf,
    confirmed: bool,
    broken: Option<Fatal>,
}

#[derive(Debug)]
struct Segment {
    generation: u64,
    file: Arc<dyn File>,
    first_seq: Seq,
    size: u64,
    /// Where the next frame goes.
    at: u64,
    /// Where `pending` goes.
    written: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Older {
    pub generation: u64,
    pub first_seq: Seq,
    pub size: u64,
}

#[derive(Debug)]
enum Next {
    Wanted,
    Asked,
    Ready(u64, u64, Arc<dyn File>),
    Failed(u64, String),
}

const NONE_FLUSH: usize = 1 << 20;

impl Writer {
    pub(crate) fn new(
        folder: &Folder,
        options: Options,
        recovered: &Recovered,
    ) -> Result<Writer, JournalError> {
        let aside =
            Aside::start(options.threads, folder.storage.clone(), folder.identity).map_err(
                JournalError::io("start a thread for", folder.storage.describe("journal")),
            )?;
        let current = recovered.current.as_ref().map(|c| Segment {
            generation: c.generation,
            file: c.file.clone(),
            first_seq: c.first_seq,
            size: c.size,
            at: c.at,
            written: c.at,
        });
        let next = match &recovered.prepared {
            Some((generation, size, file)) => Next::Ready(*generation, *size, file.clone()),
            None => Next::Wanted,
        };
        let newest = match (&next, &current) {
            (Next::Ready(generation, ..), _) => *generation,
            (_, Some(c)) => c.generation,
            _ => 0,
        };
        let mut writer = Writer {
            storage: folder.storage.clone(),
            identity: folder.identity,
            options,
            aside,
            current,
            older: recovered.older.iter().copied().collect(),
            next,
            newest,
            tip: recovered.tip.clone(),
            synced: Seq(recovered.tip.next.0 - 1),
            syncing: 0,
            dirty: false,
            pending: Vec::new(),
            confirmation: BatchBuf::with_capacity(SECTOR as usize),
            confirmed: recovered.clean,
            broken: None,
        };
        writer.want_next();
        Ok(writer)
    }

    /// The sequence number that the next record must have.
    #[must_use]
    pub fn next_seq(&self) -> Seq {
        self.tip.next
    }

    /// The chain after the last record.
    #[must_use]
    pub fn chain(&self) -> u64 {
        self.tip.chain
    }

    /// Seals and writes a batch. It is not durable before [`Writer::commit`]. An empty batch is nothing.
    pub fn append(&mut self, batch: &mut BatchBuf) -> Result<(), Fatal> {
        self.alive()?;
        if batch.is_empty() {
            return Ok(());
        }
        let result = self.append_checked(batch);
        self.remember(result)
    }

    /// Makes what was appended durable as the policy says, and tells the mark. One `fdatasync` at most.
    pub fn commit(&mut self) -> Result<Mark, Fatal> {
        self.alive()?;
        let result = self.collect().and_then(|()| match self.options.durability {
            Durability::Disk => self.sync_current(),
            Durability::Os | Durability::None => Ok(()),
        });
        self.remember(result)?;
        Ok(self.mark())
    }

    /// Makes everything durable, whatever the policy: before a snapshot, and at the end of a bulk load.
    pub fn sync(&mut self) -> Result<Mark, Fatal> {
        self.alive()?;
        let result = self.sync_everything();
        self.remember(result)?;
        Ok(self.mark())
    }

    /// Changes the policy. Going to `Disk` makes everything so far durable first.
    pub fn set_durability(&mut self, durability: Durability) -> Result<Mark, Fatal> {
        self.alive()?;
        let result = match durability {
            Durability::Disk => self.sync_everything(),
            Durability::Os => self.flush(),
            Durability::None => Ok(()),
        };
        self.remember(result)?;
        self.options.durability = durability;
        Ok(self.mark())
    }

    /// Writes down that everything so far is durable, so that damage to the last batch can be told from an unfinished one. Worth its
    /// `fdatasync` when there is nothing else to do, and at the end; it is a no-op when nothing was written since the last time.
    pub fn confirm(&mut self) -> Result<Mark, Fatal> {
        self.alive()?;
        let result = self.confirm_checked();
        self.remember(result)?;
        Ok(self.mark())
    }

    /// Syncs, confirms and ends the writer.
    pub fn close(mut self) -> Result<Mark, Fatal> {
        self.confirm()
    }

    /// The older of the two newest snapshots covers everything up to `covered`: segments below it may be recycled, as far as
    /// [`Options::retain`] allows.
    pub fn retire(&mut self, covered: Seq) -> Result<(), Fatal> {
        self.alive()?;
        if let Retain::Bytes(keep) = self.options.retain {
            let current = self
                .current
                .as_ref()
                .map_or((u64::MAX, 0), |c| (c.first_seq.0, c.size));
            let mut total: u64 = self.older.iter().map(|o| o.size).sum::<u64>() + current.1;
            while let Some(oldest) = self.older.front().copied() {
                let next_first = self.older.get(1).map_or(current.0, |o| o.first_seq.0);
                if total <= keep || next_first > covered.0.saturating_add(1) {
                    break;
                }
                self.older.pop_front();
                total -= oldest.size;
                self.aside.submit(Job::Retire {
                    generation: oldest.generation,
                });
            }
        }
        let result = self.collect();
        self.remember(result)
    }

    /// Whether there is room, and whether there will be. Tries again to make the next segment when that failed before.
    pub fn health(&mut self) -> Result<Health, Fatal> {
        self.alive()?;
        let result = self.collect();
        self.remember(result)?;
        let trouble = match &self.next {
            Next::Failed(_, error) => Some(error.clone()),
            _ => None,
        };
        let health = Health {
            next_ready: matches!(self.next, Next::Ready(..)),
            bytes_left: self
                .current
                .as_ref()
                .map_or(0, |c| c.size.saturating_sub(c.at)),
            trouble,
        };
        if health.trouble.is_some() {
            self.want_next();
        }
        Ok(health)
    }

    /// The first record that the segments still hold.
    #[must_use]
    pub fn oldest_seq(&self) -> Seq {
        let current = self.current.as_ref().map_or(self.tip.next, |c| c.first_seq);
        self.older.front().map_or(current, |o| o.first_seq)
    }

    fn mark(&self) -> Mark {
        Mark {
            seq: Seq(self.tip.next.0 - 1),
            synced: self.synced,
        }
    }

    fn alive(&self) -> Result<(), Fatal> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    fn remember(&mut self, result: Result<(), Fatal>) -> Result<(), Fatal> {
        if let Err(fatal) = &result {
            tracing::error!(%fatal, "the journal can no longer be written");
            self.broken = Some(fatal.clone());
        }
        result
    }

    fn append_checked(&mut self, batch: &mut BatchBuf) -> Result<(), Fatal> {
        if batch.first_seq() != self.tip.next {
            return Err(Fatal::OutOfOrder {
                expected: self.tip.next,
                got: batch.first_seq(),
            });
        }
        self.make_room(batch.frame_len(), batch.first_time())?;
        let last = (batch.last_seq(), batch.last_chain());
        self.put(batch)?;
        self.tip.next = Seq(last.0.0 + 1);
        self.tip.chain = last.1;
        Ok(())
    }

    /// Seals a batch at the current place and writes it (or keeps it, without durability).
    fn put(&mut self, batch: &mut BatchBuf) -> Result<(), Fatal> {
        let keep = self.options.durability == Durability::None;
        let Some(segment) = &mut self.current else {
            return Err(Fatal::Full {
                error: "there is no segment".into(),
            });
        };
        let place = Place {
            generation: segment.generation,
            offset: segment.at,
            next_seq: self.tip.next,
            synced: self.synced,
            chain: self.tip.chain,
            prev: self.tip.prev,
        };
        self.tip.prev = batch
            .seal(&place)
            .map_err(|(expected, got)| Fatal::OutOfOrder { expected, got })?;
        segment.at += batch.frame_len();
        self.dirty = true;
        self.confirmed = false;
        if keep {
            let len = usize::try_from(batch.frame_len()).unwrap_or(usize::MAX);
            self.pending.extend_from_slice(&batch.frame()[..len]);
            if self.pending.len() >= NONE_FLUSH {
                self.flush()
            } else {
                Ok(())
            }
        } else {
            self.flush()?;
            let Some(segment) = &mut self.current else {
                return Ok(());
            };
            // the padding up to the page must not reach over the end that was prepared
            let room = segment
                .size
                .saturating_sub(segment.written)
                .max(batch.frame_len());
            let len = batch
                .frame()
                .len()
                .min(usize::try_from(room).unwrap_or(usize::MAX));
            write_all(&*segment.file, &batch.frame()[..len], segment.written)
                .map_err(write_failed(&*self.storage, segment.generation))?;
            segment.written = segment.at;
            Ok(())
        }
    }

    /// Hands what was kept back to the operating system.
    fn flush(&mut self) -> Result<(), Fatal> {
        if let Some(segment) = &mut self.current
            && !self.pending.is_empty()
        {
            write_all(&*segment.file, &self.pending, segment.written)
                .map_err(write_failed(&*self.storage, segment.generation))?;
            segment.written += self.pending.len() as u64;
            self.pending.clear();
        }
        Ok(())
    }

    fn sync_current(&mut self) -> Result<(), Fatal> {
        if !self.dirty {
            return Ok(());
        }
        self.flush()?;
        if let Some(segment) = &self.current {
            segment
                .file
                .sync_data()
                .map_err(sync_failed(&*self.storage, segment.generation))?;
        }
        self.dirty = false;
        // full segments before this one may still be on their way
        if self.syncing == 0 {
            self.synced = Seq(self.tip.next.0 - 1);
        }
        Ok(())
    }

    fn sync_everything(&mut self) -> Result<(), Fatal> {
        while self.syncing > 0 {
            match self.aside.wait() {
                Some(done) => self.take(done)?,
                None => break,
            }
        }
        self.sync_current()?;
        self.synced = Seq(self.tip.next.0 - 1);
        Ok(())
    }

    fn confirm_checked(&mut self) -> Result<(), Fatal> {
        self.sync_everything()?;
        // every roll leaves a sector for it, so there is room
        if self.confirmed || self.current.is_none() {
            return Ok(());
        }
        let mut confirmation = std::mem::take(&mut self.confirmation);
        confirmation.clear();
        let result = self
            .put(&mut confirmation)
            .and_then(|()| self.sync_current());
        self.confirmation = confirmation;
        self.confirmed = result.is_ok();
        result
    }

    /// Rolls to the next segment when the current one has no room for a frame and a confirmation behind it.
    fn make_room(&mut self, frame: u64, time: Time) -> Result<(), Fatal> {
        if let Some(segment) = &self.current
            && segment.at + frame + SECTOR <= segment.size
        {
            return Ok(());
        }
        self.finish_current()?;
        let (generation, size, file) = self.take_next()?;
        let header = SegmentHeader {
            kind: Kind::Journal,
            state: State::Begun,
            identity: self.identity,
            generation,
            size,
            first_seq: self.tip.next,
            chain: self.tip.chain,
            synced: self.synced,
            time,
            prev: self.tip.prev,
        };
        write_all(&*file, &header.encode(), 0).map_err(write_failed(&*self.storage, generation))?;
        self.current = Some(Segment {
            generation,
            file,
            first_seq: self.tip.next,
            // a batch larger than a whole segment makes its segment longer
            size: size.max(SEGMENT_HEADER + frame + SECTOR),
            at: SEGMENT_HEADER,
            written: SEGMENT_HEADER,
        });
        self.dirty = true;
        self.want_next();
        Ok(())
    }

    /// The current segment is full: what is not durable yet becomes so now, or beside the path, or never, as the policy says.
    fn finish_current(&mut self) -> Result<(), Fatal> {
        self.flush()?;
        let dirty = self.dirty;
        let Some(segment) = self.current.take() else {
            return Ok(());
        };
        let path = segment_path(segment.generation);
        self.older.push_back(Older {
            generation: segment.generation,
            first_seq: segment.first_seq,
            size: segment.size,
        });
        if !dirty {
            return Ok(());
        }
        let through = Seq(self.tip.next.0 - 1);
        if self.options.durability == Durability::Disk {
            segment
                .file
                .sync_data()
                .map_err(sync_failed(&*self.storage, segment.generation))?;
            if self.syncing == 0 {
                self.synced = through;
            }
        } else {
            self.aside.submit(Job::Sync {
                file: segment.file,
                path,
                through,
            });
            self.syncing += 1;
        }
        self.dirty = false;
        Ok(())
    }

    fn want_next(&mut self) {
        let generation = match &self.next {
            Next::Wanted => self.newest + 1,
            Next::Failed(generation, _) => *generation,
            Next::Asked | Next::Ready(..) => return,
        };
        self.newest = generation;
        let size = self.size_of(generation);
        self.next = Next::Asked;
        self.aside.submit(Job::Prepare { generation, size });
    }

    /// Early segments are small, so that a new folder is ready at once; each is twice the one before, up to the configured size.
    fn size_of(&self, generation: u64) -> u64 {
        let full = self
            .options
            .segment_bytes
            .max(2 * SEGMENT_HEADER)
            .next_multiple_of(SEGMENT_HEADER);
        let doublings = u32::try_from(generation.saturating_sub(1))
            .unwrap_or(u32::MAX)
            .min(32);
        let first = self
            .options
            .first_segment_bytes
            .max(2 * SEGMENT_HEADER)
            .next_multiple_of(SEGMENT_HEADER);
        first.saturating_mul(1 << doublings).min(full)
    }

    fn take_next(&mut self) -> Result<(u64, u64, Arc<dyn File>), Fatal> {
        let mut tries = 0;
        loop {
            match std::mem::replace(&mut self.next, Next::Wanted) {
                Next::Ready(generation, size, file) => return Ok((generation, size, file)),
                Next::Failed(_, error) if tries > 0 => return Err(Fatal::Full { error }),
                failed @ Next::Failed(..) => {
                    tries += 1;
                    self.next = failed;
                    self.want_next();
                }
                Next::Wanted => self.want_next(),
                asked @ Next::Asked => {
                    self.next = asked;
                    match self.aside.wait() {
                        Some(done) => self.take(done)?,
                        None => {
                            return Err(Fatal::Full {
                                error: "the preparing thread has ended".into(),
                            });
                        }
                    }
                }
            }
        }
    }

    /// Takes in what was finished beside the path.
    fn collect(&mut self) -> Result<(), Fatal> {
        while let Some(done) = self.aside.poll() {
            self.take(done)?;
        }
        Ok(())
    }

    fn take(&mut self, done: Done) -> Result<(), Fatal> {
        match done {
            Done::Prepared {
                generation,
                result: Ok(file),
            } => {
                let size = file
                    .len()
                    .map_err(write_failed(&*self.storage, generation))?;
                self.next = Next::Ready(generation, size, file);
            }
            Done::Prepared {
                generation,
                result: Err(PrepareError::NotMade(e)),
            } => {
                tracing::warn!(generation, error = %e, "the next journal segment could not be made");
                self.next = Next::Failed(generation, e.to_string());
            }
            Done::Prepared {
                result: Err(PrepareError::Folder(e)),
                ..
            } => {
                return Err(Fatal::Sync {
                    file: self.storage.describe("journal"),
                    error: e.to_string(),
                });
            }
            Done::Retired { generation, result } => {
                result.map_err(write_failed(&*self.storage, generation))?
            }
            Done::Synced {
                path,
                through,
                result,
            } => {
                self.syncing -= 1;
                result.map_err(|e| Fatal::Sync {
                    file: self.storage.describe(&path),
                    error: e.to_string(),
                })?;
                self.synced = self.synced.max(through);
            }
        }
        Ok(())
    }
}

fn write_failed(storage: &dyn Storage, generation: u64) -> impl FnOnce(io::Error) -> Fatal {
    move |e| Fatal::Write {
        file: storage.describe(&segment_path(generation)),
        error: e.to_string(),
    }
}

fn sync_failed(storage: &dyn Storage, generation: u64) -> impl FnOnce(io::Error) -> Fatal {
    move |e| Fatal::Sync {
        file: storage.describe(&segment_path(generation)),
        error: e.to_string(),
    }
}

impl SegmentFile {
    pub(crate) fn as_older(&self, header: &SegmentHeader) -> Older {
        Older {
            generation: self.generation,
            first_seq: header.first_seq,
            size: header.size,
        }
    }
}
