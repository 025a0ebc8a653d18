//! Reading the event log.

use types::Seq;

use super::{event_path, list, open_segment};
use crate::error::JournalError;
use crate::folder::Folder;
use crate::format::{FRAME_HEADER, Record, decode_record};
use crate::walk::{Step, Walk};

/// Reads the events of records `from..=through` in order; each payload is what [`crate::EventLog::offer`] was given for that record.
///
/// What is lost is reported as [`JournalError::EventsMissing`] with its bounds, never passed over: regenerate it, or go on behind it with
/// [`EventReader::seek`].
pub struct EventReader {
    folder: Folder,
    walk: Option<Walk>,
    first: Seq,
    at: usize,
    left: u32,
    next: Seq,
    through: Seq,
}

impl std::fmt::Debug for EventReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventReader")
            .field("next", &self.next)
            .field("through", &self.through)
            .finish_non_exhaustive()
    }
}

impl EventReader {
    /// Reads from record `from` to `through`.
    #[must_use]
    pub fn open(folder: &Folder, from: Seq, through: Seq) -> EventReader {
        EventReader {
            folder: folder.clone(),
            walk: None,
            first: Seq(0),
            at: 0,
            left: 0,
            next: from,
            through,
        }
    }

    /// Goes on at another record.
    pub fn seek(&mut self, from: Seq) {
        self.walk = None;
        self.left = 0;
        self.next = from;
    }

    /// Moves the end further, for a reader that follows the log.
    pub fn extend(&mut self, through: Seq) {
        self.through = self.through.max(through);
    }

    /// The record that [`EventReader::next`] will return.
    #[must_use]
    pub fn next_seq(&self) -> Seq {
        self.next
    }

    /// The next record's events; `None` after `through`.
    #[allow(clippy::should_implement_trait)] // it lends
    pub fn next(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        if self.next > self.through {
            return Ok(None);
        }
        if self.left == 0 || self.walk.is_none() {
            self.load()?;
        }
        let Some(walk) = &self.walk else {
            return Ok(None);
        };
        let Some((record, len)) = decode_record(&walk.frame()[self.at..]) else {
            return Err(self.missing(self.through, "a record's checksum is wrong"));
        };
        self.at += len;
        self.left -= 1;
        self.next = Seq(self.next.0 + 1);
        Ok(Some(record))
    }

    /// Loads the frame that holds the next record.
    fn load(&mut self) -> Result<(), JournalError> {
        if self.walk.is_none() {
            self.enter()?;
        }
        loop {
            let Some(walk) = &mut self.walk else {
                return Err(self.missing(self.through, "there is no such segment"));
            };
            let shown = self.folder.storage.describe(&event_path(self.first));
            match walk.step().map_err(JournalError::io("read", shown))? {
                Step::Frame(frame) if frame.next_seq() > self.next => {
                    self.at = FRAME_HEADER;
                    self.left = frame.count;
                    for _ in frame.first_seq.0..self.next.0 {
                        self.skip_one();
                    }
                    return Ok(());
                }
                Step::Frame(_) => {}
                Step::End(fault) => self.enter_next(fault)?,
            }
        }
    }

    fn skip_one(&mut self) {
        if let Some(walk) = &self.walk
            && let Some((_, len)) = decode_record(&walk.frame()[self.at..])
        {
            self.at += len;
            self.left -= 1;
        }
    }

    /// Opens the segment that should hold the next record.
    fn enter(&mut self) -> Result<(), JournalError> {
        let names = list(&self.folder)?;
        let Some(first) = names.iter().rfind(|first| **first <= self.next).copied() else {
            let to = names.first().map_or(self.through, |f| Seq(f.0 - 1));
            return Err(self.missing(to, "they were removed, or never written"));
        };
        let (file, header) = open_segment(&self.folder, first)?;
        let Some(header) = header else {
            return Err(self.missing(
                self.before_next(first, &names),
                "the segment's header is damaged",
            ));
        };
        self.first = first;
        self.walk = Some(Walk::new(file, &header));
        Ok(())
    }

    /// The current segment gives no more: the next one continues it, or something is missing.
    fn enter_next(&mut self, fault: &'static str) -> Result<(), JournalError> {
        let reached = self.walk.as_ref().map_or(self.next, |w| w.tip.next);
        let names = list(&self.folder)?;
        if reached <= self.next && names.contains(&self.next) && self.next != self.first {
            self.walk = None;
            return self.enter();
        }
        let to = self.before_next(self.first, &names);
        let why = if to < self.through {
            fault
        } else {
            "the log ends before"
        };
        // what is missing now may be written later: the next call looks again
        self.walk = None;
        Err(self.missing(to, why))
    }

    /// The last record before the segment that follows `first`.
    fn before_next(&self, first: Seq, names: &[Seq]) -> Seq {
        names
            .iter()
            .find(|f| **f > first)
            .map_or(self.through, |f| Seq(f.0 - 1).min(self.through))
    }

    fn missing(&self, to: Seq, why: &str) -> JournalError {
        JournalError::EventsMissing {
            from: self.next,
            to: to.min(self.through),
            why: why.into(),
        }
    }
}
