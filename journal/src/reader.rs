//! Reading the journal, from any record to a known end.

use types::Seq;

use crate::error::JournalError;
use crate::folder::Folder;
use crate::format::{FRAME_HEADER, Record, SEGMENT_HEADER, decode_record};
use crate::recover::tip_of;
use crate::segments::{SegmentFile, list_segments, segment_path};
use crate::walk::{Step, Tip, Walk};

/// Reads records `from..=through` in order, checking every checksum, the batch hashes and the sequence on the way.
///
/// The end is given by the caller ([`crate::Writer::next_seq`] or a mark), so that a journal that stops early is an error and never looks like
/// a shorter one.
pub struct Reader {
    folder: Folder,
    walk: Option<Walk>,
    /// Where the next record starts in the walk's frame.
    at: usize,
    left: u32,
    next: Seq,
    through: Seq,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("next", &self.next)
            .field("through", &self.through)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Reads from record `from` (1 is the first ever) to `through`.
    pub fn open(folder: &Folder, from: Seq, through: Seq) -> Result<Reader, JournalError> {
        let mut reader = Reader {
            folder: folder.clone(),
            walk: None,
            at: 0,
            left: 0,
            next: from,
            through,
        };
        if from > through {
            return Ok(reader);
        }
        let files = list_segments(folder)?;
        let begun: Vec<&SegmentFile> = files.iter().filter(|f| f.begun().is_some()).collect();
        let starts = |f: &SegmentFile| f.begun().map_or(Seq(u64::MAX), |h| h.first_seq);
        let Some(start) = begun.iter().rposition(|f| starts(f) <= from) else {
            let oldest = begun.first().map_or(Seq(1), |f| starts(f));
            return Err(reader.recycled(oldest));
        };
        reader.enter(begun[start])?;
        while reader.frames_end() <= from {
            reader.next_frame()?;
        }
        reader.skip_to(from);
        Ok(reader)
    }

    /// The next record; `None` after `through`.
    #[allow(clippy::should_implement_trait)] // it lends
    pub fn next(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        if self.next > self.through {
            return Ok(None);
        }
        while self.left == 0 {
            self.next_frame()?;
        }
        let Some(walk) = &self.walk else {
            return Ok(None);
        };
        let Some((record, len)) = decode_record(&walk.frame()[self.at..]) else {
            return Err(self.hole("a record's checksum is wrong"));
        };
        self.at += len;
        self.left -= 1;
        self.next = Seq(self.next.0 + 1);
        Ok(Some(record))
    }

    /// The record that [`Reader::next`] will return.
    #[must_use]
    pub fn next_seq(&self) -> Seq {
        self.next
    }

    /// Moves the end further, for a reader that follows the mark.
    pub fn extend(&mut self, through: Seq) -> Result<(), JournalError> {
        if self.walk.is_none() && through >= self.next {
            *self = Reader::open(&self.folder, self.next, through)?;
        }
        self.through = self.through.max(through);
        Ok(())
    }

    /// The first record behind the frame that is loaded.
    fn frames_end(&self) -> Seq {
        self.walk.as_ref().map_or(Seq(u64::MAX), |w| w.tip.next)
    }

    fn skip_to(&mut self, seq: Seq) {
        let Some(walk) = &self.walk else { return };
        let mut at = walk.tip.next.0 - u64::from(self.left);
        while at < seq.0 {
            let Some((_, len)) = decode_record(&walk.frame()[self.at..]) else {
                return;
            };
            self.at += len;
            self.left -= 1;
            at += 1;
        }
    }

    fn enter(&mut self, segment: &SegmentFile) -> Result<(), JournalError> {
        let storage = &self.folder.storage;
        if let Some(header) = segment.begun() {
            let file = storage
                .open(&segment.path)
                .map_err(JournalError::io("open", storage.describe(&segment.path)))?;
            self.walk = Some(Walk::new(file, header));
            self.left = 0;
        }
        Ok(())
    }

    fn next_frame(&mut self) -> Result<(), JournalError> {
        loop {
            let Some(walk) = &mut self.walk else {
                return Err(self.hole("no segment is open"));
            };
            let path = segment_path(walk.generation);
            match walk.step().map_err(JournalError::io(
                "read",
                self.folder.storage.describe(&path),
            ))? {
                Step::Frame(frame) => {
                    self.at = FRAME_HEADER;
                    self.left = frame.count;
                    return Ok(());
                }
                Step::End(fault) => {
                    let (generation, tip) = (walk.generation, walk.tip.clone());
                    if !self.enter_after(generation, &tip)? {
                        return Err(self.hole(fault));
                    }
                }
            }
        }
    }

    /// Goes on to the next segment, if it continues this one.
    fn enter_after(&mut self, generation: u64, tip: &Tip) -> Result<bool, JournalError> {
        let files = list_segments(&self.folder)?;
        let oldest = files
            .iter()
            .find_map(SegmentFile::begun)
            .map_or(Seq(1), |h| h.first_seq);
        if files.first().is_some_and(|f| f.generation > generation) && oldest > tip.next {
            return Err(self.recycled(oldest));
        }
        match files.iter().find(|f| f.generation == generation + 1) {
            Some(next) if next.begun().is_some_and(|h| tip_of(h) == *tip) => {
                self.enter(next)?;
                Ok(true)
            }
            Some(next) if next.header.is_none() => Err(JournalError::Hole {
                file: self.folder.storage.describe(&next.path),
                offset: 0,
                expected: tip.next,
                fault: "the segment's header is damaged",
                evidence: self.evidence(),
            }),
            _ => Ok(false),
        }
    }

    fn evidence(&self) -> String {
        format!(
            "the journal is known to hold records up to {}",
            self.through
        )
    }

    fn recycled(&self, oldest: Seq) -> JournalError {
        JournalError::Recycled {
            wanted: self.next,
            oldest,
        }
    }

    fn hole(&self, fault: &'static str) -> JournalError {
        let (path, offset, expected) = match &self.walk {
            Some(w) => (segment_path(w.generation), w.at, w.tip.next),
            None => (segment_path(1), SEGMENT_HEADER, self.next),
        };
        JournalError::Hole {
            file: self.folder.storage.describe(&path),
            offset,
            expected,
            fault,
            evidence: self.evidence(),
        }
    }
}
