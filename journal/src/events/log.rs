//! Writing the event log.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use types::Seq;

use super::{event_path, list, open_segment};
use crate::aside::Threads;
use crate::batch::{BatchBuf, Place};
use crate::error::JournalError;
use crate::folder::{EVENTS, Folder};
use crate::format::{Kind, SECTOR, SEGMENT_HEADER, SegmentHeader, State};
use crate::storage::{File, Storage, write_all, zero_fill};
use crate::walk::{Step, Tip, Walk};
use crate::writer::Mark;
use crate::{EventOptions, Retain};

/// The writing side of the event log. Dropping it writes what is queued.
#[derive(Debug)]
pub struct EventLog {
    shared: Arc<Shared>,
    lane: Lane,
}

#[derive(Debug)]
enum Lane {
    Own {
        queue: Option<Sender<(BatchBuf, Mark)>>,
        free: Receiver<BatchBuf>,
        thread: Option<JoinHandle<()>>,
    },
    Inline(Mutex<Worker>),
}

#[derive(Debug, Default)]
struct Shared {
    last: AtomicU64,
    stopped: AtomicBool,
}

impl EventLog {
    /// Opens the log of a folder whose journal ends at record `end`. What is torn, or is of records that the journal does not have, is cut off:
    /// afterwards [`EventLog::last`] says from where the caller has to regenerate.
    pub fn open(
        folder: &Folder,
        options: EventOptions,
        end: Seq,
    ) -> Result<EventLog, JournalError> {
        let worker = Worker::open(folder, options, end)?;
        let shared = worker.shared.clone();
        let lane = match options.threads {
            Threads::Inline => Lane::Inline(Mutex::new(worker)),
            Threads::Own => {
                let (queue, inbox) = bounded(options.queue.max(1));
                let (back, free) = bounded(options.queue.max(1) + 1);
                let thread = std::thread::Builder::new()
                    .name("journal-events".into())
                    .spawn(move || run(worker, &inbox, &back))
                    .map_err(JournalError::io(
                        "start a thread for",
                        folder.storage.describe(EVENTS),
                    ))?;
                Lane::Own {
                    queue: Some(queue),
                    free,
                    thread: Some(thread),
                }
            }
        };
        Ok(EventLog { shared, lane })
    }

    /// The last record up to which the log is complete since its last gap; 0 when it is empty.
    #[must_use]
    pub fn last(&self) -> Seq {
        Seq(self.shared.last.load(Ordering::Acquire))
    }

    /// Whether a failed write has ended the log until the next start.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Acquire)
    }

    /// Hands over the events of records below the mark (one record each, with an empty payload where nothing happened) and takes an empty
    /// buffer in return. Waits when the queue is full.
    ///
    /// Records that the log has already are skipped, so a re-execution may offer more than is missing. A jump forward leaves a gap, which
    /// readers are told of.
    pub fn offer(&self, batch: BatchBuf, mark: Mark) -> BatchBuf {
        match &self.lane {
            Lane::Own {
                queue: Some(queue),
                free,
                ..
            } => {
                if queue.send((batch, mark)).is_err() {
                    self.shared.stopped.store(true, Ordering::Release);
                }
                free.try_recv().unwrap_or_default()
            }
            Lane::Own { queue: None, .. } => batch,
            Lane::Inline(worker) => lock(worker).take(batch, mark),
        }
    }

    /// Like [`EventLog::offer`], but gives the batch back when the queue is full.
    pub fn try_offer(&self, batch: BatchBuf, mark: Mark) -> Result<BatchBuf, BatchBuf> {
        match &self.lane {
            Lane::Own {
                queue: Some(queue),
                free,
                ..
            } => match queue.try_send((batch, mark)) {
                Ok(()) => Ok(free.try_recv().unwrap_or_default()),
                Err(TrySendError::Full((batch, _)) | TrySendError::Disconnected((batch, _))) => {
                    Err(batch)
                }
            },
            _ => Ok(self.offer(batch, mark)),
        }
    }

    /// Writes what is queued, syncs it and ends the log's thread.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        match &mut self.lane {
            Lane::Own { queue, thread, .. } => {
                queue.take();
                if let Some(thread) = thread.take() {
                    // a panic there was printed; the log's loss is not fatal
                    let _ = thread.join();
                }
            }
            Lane::Inline(worker) => lock(worker).end(),
        }
    }
}

fn lock(worker: &Mutex<Worker>) -> std::sync::MutexGuard<'_, Worker> {
    worker.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(mut worker: Worker, inbox: &Receiver<(BatchBuf, Mark)>, back: &Sender<BatchBuf>) {
    for (batch, mark) in inbox {
        let empty = worker.take(batch, mark);
        // when enough of them are waiting, this one is dropped
        let _ = back.try_send(empty);
    }
    worker.end();
}

#[derive(Debug)]
struct Worker {
    folder: Folder,
    options: EventOptions,
    shared: Arc<Shared>,
    /// Closed segments and their sizes, oldest first.
    older: VecDeque<(Seq, u64)>,
    current: Option<Current>,
    tip: Tip,
    /// Nothing was ever written: the first batch may start anywhere.
    fresh: bool,
}

#[derive(Debug)]
struct Current {
    first: Seq,
    file: Arc<dyn File>,
    at: u64,
}

impl Worker {
    fn open(folder: &Folder, options: EventOptions, end: Seq) -> Result<Worker, JournalError> {
        let mut worker = Worker {
            folder: folder.clone(),
            options,
            shared: Arc::default(),
            older: VecDeque::new(),
            current: None,
            tip: Tip {
                next: Seq(1),
                chain: 0,
                prev: [0; 32],
            },
            fresh: true,
        };
        let mut names = list(folder)?;
        while let Some(first) = names.pop() {
            if worker.resume(first, end)? {
                break;
            }
            let path = event_path(first);
            let shown = folder.storage.describe(&path);
            tracing::warn!(
                file = shown,
                "a segment of the event log holds nothing usable and was removed"
            );
            folder
                .storage
                .remove(&path)
                .map_err(JournalError::io("remove", shown))?;
        }
        for first in names {
            let path = event_path(first);
            let file = folder
                .storage
                .open(&path)
                .map_err(JournalError::io("open", folder.storage.describe(&path)))?;
            let size = file
                .len()
                .map_err(JournalError::io("read", folder.storage.describe(&path)))?;
            worker.older.push_back((first, size));
        }
        worker
            .shared
            .last
            .store(worker.tip.next.0 - 1, Ordering::Release);
        Ok(worker)
    }

    /// Goes on behind the last sound batch of a segment that the journal knows too; `false` if there is none.
    fn resume(&mut self, first: Seq, end: Seq) -> Result<bool, JournalError> {
        let (file, header) = open_segment(&self.folder, first)?;
        let shown = self.folder.storage.describe(&event_path(first));
        let Some(header) = header.filter(|h| h.first_seq <= end) else {
            return Ok(false);
        };
        let mut walk = Walk::new(file.clone(), &header);
        let mut good = (walk.at, walk.tip.clone());
        while let Step::Frame(frame) = walk
            .step()
            .map_err(JournalError::io("read", shown.clone()))?
        {
            if frame.next_seq().0 > end.0 + 1 {
                break;
            }
            good = (walk.at, walk.tip.clone());
        }
        if good.0 == SEGMENT_HEADER {
            return Ok(false);
        }
        file.set_len(good.0)
            .map_err(JournalError::io("truncate", shown))?;
        self.tip = good.1;
        self.fresh = false;
        self.current = Some(Current {
            first,
            file,
            at: good.0,
        });
        Ok(true)
    }

    /// Writes a batch; returns its buffer, empty.
    fn take(&mut self, mut batch: BatchBuf, mark: Mark) -> BatchBuf {
        if !self.shared.stopped.load(Ordering::Acquire)
            && let Err(e) = self.write(&mut batch, mark)
        {
            tracing::error!(error = %e, next = self.tip.next.0, "the event log cannot be written and stops here; the next start regenerates the rest");
            self.shared.stopped.store(true, Ordering::Release);
        }
        batch.clear();
        batch
    }

    fn write(&mut self, batch: &mut BatchBuf, mark: Mark) -> io::Result<()> {
        if batch.is_empty() || (!self.fresh && batch.last_seq() < self.tip.next) {
            return Ok(());
        }
        if !self.fresh && batch.first_seq() < self.tip.next {
            let mut rest = batch.from(self.tip.next).map_err(out_of_order)?;
            return self.write(&mut rest, mark);
        }
        let gap = batch.first_seq() != self.tip.next;
        let full = self
            .current
            .as_ref()
            .is_none_or(|c| c.at >= self.options.segment_bytes);
        if gap || full {
            self.begin(batch, gap, mark)?;
        }
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        let place = Place {
            generation: current.first.0,
            offset: current.at,
            next_seq: batch.first_seq(),
            synced: mark.synced,
            chain: self.tip.chain,
            prev: self.tip.prev,
        };
        self.tip.prev = batch.seal(&place).map_err(out_of_order)?;
        let len = usize::try_from(batch.frame_len()).map_err(io::Error::other)?;
        write_all(&*current.file, &batch.frame()[..len], current.at)?;
        current.at += batch.frame_len();
        self.tip.next = Seq(batch.last_seq().0 + 1);
        self.tip.chain = batch.last_chain();
        self.fresh = false;
        self.shared
            .last
            .store(batch.last_seq().0, Ordering::Release);
        Ok(())
    }

    /// Ends the current segment and begins the next with this batch.
    fn begin(&mut self, batch: &BatchBuf, gap: bool, mark: Mark) -> io::Result<()> {
        let storage = self.folder.storage.clone();
        if let Some(old) = self.current.take() {
            old.file.sync_data()?;
            self.older.push_back((old.first, old.at));
        }
        let first = batch.first_seq();
        self.tip = Tip {
            next: first,
            chain: if gap { 0 } else { self.tip.chain },
            prev: [0; 32],
        };
        let path = event_path(first);
        let file = storage.create(&path)?;
        let header = SegmentHeader {
            state: State::Begun,
            first_seq: first,
            chain: self.tip.chain,
            synced: mark.synced,
            time: batch.first_time(),
            prev: self.tip.prev,
            ..SegmentHeader::prepared(Kind::Events, self.folder.identity, first.0, 0)
        };
        write_all(&*file, &header.encode(), 0)?;
        zero_fill(&*file, SECTOR, SEGMENT_HEADER)?;
        storage.sync_dir(EVENTS)?;
        self.current = Some(Current {
            first,
            file,
            at: SEGMENT_HEADER,
        });
        self.drop_old(&*storage)
    }

    fn drop_old(&mut self, storage: &dyn Storage) -> io::Result<()> {
        let Retain::Bytes(keep) = self.options.retain else {
            return Ok(());
        };
        let mut total: u64 = self.older.iter().map(|(_, size)| *size).sum();
        while total > keep {
            let Some((first, size)) = self.older.pop_front() else {
                break;
            };
            storage.remove(&event_path(first))?;
            total -= size;
        }
        Ok(())
    }

    fn end(&mut self) {
        if let Some(current) = &self.current
            && let Err(e) = current.file.sync_data()
        {
            tracing::warn!(error = %e, "the event log could not be synced; the next start regenerates what is missing");
        }
    }
}

fn out_of_order((expected, got): (Seq, Seq)) -> io::Error {
    io::Error::other(format!("record {got} stands where {expected} was due"))
}
