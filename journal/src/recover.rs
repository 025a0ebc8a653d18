//! Opening a journal: finding its end, and telling an unfinished batch from damage.
//!
//! The rule (its reasoning stands in the crate's documentation): let the history be sound up to record `N-1` and not continue. If anything
//! later, a frame or a segment's header of the generation its place calls for, was written when record `N` was already on the disk, then `N` was
//! promised and is lost: refuse. If there is no such proof, whatever stands there was never promised: truncate.

use std::collections::VecDeque;
use std::sync::Arc;

use types::Seq;

use crate::error::JournalError;
use crate::folder::{Folder, JOURNAL};
use crate::format::{FrameHeader, SECTOR, SEGMENT_HEADER, SegmentHeader, State, genesis_hash};
use crate::segments::{self, PrepareError, SegmentFile, list_segments, remove_leftovers};
use crate::storage::{File, read_full, write_all, zero_fill};
use crate::walk::{Fault, Step, Tip, Walk, find_proof, has_own_frame, last_non_zero};
use crate::writer::{Older, Writer};
use crate::{Options, Tail, events, snapshots};

/// An opened journal, ready to be read from any place and appended to.
#[derive(Debug)]
pub struct Journal {
    pub writer: Writer,
    /// How the journal ended when it was opened.
    pub tail: Tail,
}

pub(crate) struct Recovered {
    pub tip: Tip,
    pub current: Option<Current>,
    pub older: Vec<Older>,
    pub prepared: Option<(u64, u64, Arc<dyn File>)>,
    /// The last thing written was a confirmation.
    pub clean: bool,
    tail: Tail,
}

pub(crate) struct Current {
    pub generation: u64,
    pub file: Arc<dyn File>,
    pub first_seq: Seq,
    pub size: u64,
    pub at: u64,
}

impl Journal {
    /// Opens the journal of a folder, or makes one. Everything that it then holds is on the disk; an unfinished last batch is gone.
    ///
    /// Refuses damage anywhere that it looks at: the last segment, and the earlier ones as far as they were not yet synced when the last one
    /// was begun. Damage further back is found by whoever reads there ([`crate::Reader`]).
    pub fn open(folder: &Folder, options: Options) -> Result<Journal, JournalError> {
        let recovered = if folder.existed {
            recover(folder)?
        } else {
            make(folder, &options)?
        };
        let writer = Writer::new(folder, options, &recovered)?;
        Ok(Journal {
            writer,
            tail: recovered.tail,
        })
    }
}

fn make(folder: &Folder, options: &Options) -> Result<Recovered, JournalError> {
    let storage = &*folder.storage;
    remove_leftovers(storage, JOURNAL)?;
    for name in storage
        .list(JOURNAL)
        .map_err(JournalError::io("list", storage.describe(JOURNAL)))?
    {
        // made by a start that never got as far as the FORMAT file, so by another identity
        let path = format!("{JOURNAL}/{name}");
        storage
            .remove(&path)
            .map_err(JournalError::io("remove", storage.describe(&path)))?;
    }
    let size = options
        .first_segment_bytes
        .min(options.segment_bytes)
        .max(2 * SEGMENT_HEADER)
        .next_multiple_of(SEGMENT_HEADER);
    let file = segments::prepare(storage, folder.identity, 1, size, None).map_err(|e| match e {
        PrepareError::NotMade(e) | PrepareError::Folder(e) => {
            JournalError::io("make", storage.describe(&segments::segment_path(1)))(e)
        }
    })?;
    folder.write_format()?;
    Ok(Recovered {
        tip: genesis(folder),
        current: None,
        older: Vec::new(),
        prepared: Some((1, size, file)),
        clean: true,
        tail: Tail::default(),
    })
}

fn genesis(folder: &Folder) -> Tip {
    Tip {
        next: Seq(1),
        chain: 0,
        prev: genesis_hash(&folder.identity),
    }
}

/// A snapshot is only ever taken of what is on the disk, and the event log notes how far the journal was.
fn check_promises(folder: &Folder, tip: &Tip) -> Result<(), JournalError> {
    let end = Seq(tip.next.0 - 1);
    for (promised, path) in [snapshots::promised(folder)?, events::promised(folder)?]
        .into_iter()
        .flatten()
    {
        if promised > end {
            return Err(JournalError::Behind {
                end,
                promised,
                promised_by: folder.storage.describe(&path),
            });
        }
    }
    Ok(())
}

fn recover(folder: &Folder) -> Result<Recovered, JournalError> {
    remove_leftovers(&*folder.storage, JOURNAL)?;
    let files = list_segments(folder)?;
    check_row(folder, &files)?;
    let mut search = Search {
        folder,
        files: &files,
        unproven: VecDeque::new(),
        confirmation: None,
        synced: Seq(0),
        clean: false,
    };
    let found = search.find_end()?;
    search.refuse_a_hole(&found)?;
    check_promises(folder, &found.tip)?;
    // so far nothing was changed
    search.rewrite_unproven(&found)?;
    let tail = search.wipe(&found)?;
    search.finish(found, tail)
}

/// Generations have no gap, and the first is 1 or was begun.
fn check_row(folder: &Folder, files: &[SegmentFile]) -> Result<(), JournalError> {
    let missing = |path: &str, what: String| JournalError::BadFolder {
        path: folder.storage.describe(path),
        what,
    };
    let Some(first) = files.first() else {
        return Err(missing(
            JOURNAL,
            "it was in use before, and now holds no segment at all".into(),
        ));
    };
    if first.generation != 1 && first.begun().is_none() {
        return Err(missing(
            &first.path,
            "it is the oldest segment, and its header is not that of a begun one".into(),
        ));
    }
    for pair in files.windows(2) {
        let due = pair[0].generation + 1;
        if pair[1].generation != due {
            let what = format!(
                "the segment is missing, although {} is there",
                folder.storage.describe(&pair[1].path)
            );
            return Err(missing(&segments::segment_path(due), what));
        }
    }
    Ok(())
}

/// Where the sound history stops.
struct End {
    /// Index of the segment in which the next frame would stand; `None` when not even the first segment is begun.
    index: Option<usize>,
    at: u64,
    tip: Tip,
    fault: Fault,
}

struct Search<'a> {
    folder: &'a Folder,
    files: &'a [SegmentFile],
    /// Frames that nothing proves to be on the disk: segment, offset, last record.
    unproven: VecDeque<(usize, u64, Seq)>,
    /// The first of the confirmations that stand at the end: what they say of others is true, but nothing says it of them.
    confirmation: Option<(usize, u64)>,
    synced: Seq,
    clean: bool,
}

impl Search<'_> {
    fn open(&self, index: usize) -> Result<Arc<dyn File>, JournalError> {
        let path = &self.files[index].path;
        self.folder
            .storage
            .open(path)
            .map_err(JournalError::io("open", self.shown(index)))
    }

    fn shown(&self, index: usize) -> String {
        self.folder.storage.describe(&self.files[index].path)
    }

    /// The last begun segment, or an earlier one if not all before it was on the disk when it was begun.
    fn start(&self) -> Option<usize> {
        let last = self.files.iter().rposition(|f| f.begun().is_some())?;
        let synced = self.files[last].begun()?.synced;
        (0..=last)
            .rev()
            .find(|i| {
                self.files[*i]
                    .begun()
                    .is_some_and(|h| h.first_seq.0 <= synced.0.saturating_add(1))
            })
            .or_else(|| (0..=last).find(|i| self.files[*i].begun().is_some()))
    }

    fn find_end(&mut self) -> Result<End, JournalError> {
        let Some(mut index) = self.start() else {
            return Ok(End {
                index: None,
                at: 0,
                tip: genesis(self.folder),
                fault: "no segment is begun",
            });
        };
        if let Some(i) = (0..index).find(|i| self.files[*i].begun().is_none()) {
            let missing = self.files[..i]
                .iter()
                .rev()
                .find_map(SegmentFile::begun)
                .map_or(Seq(1), |h| h.first_seq);
            let evidence = format!(
                "{} was begun when all of it was on the disk",
                self.shown(index)
            );
            return Err(self.hole(i, 0, missing, "the segment's header is damaged", evidence));
        }
        let mut header = self.files[index].begun().cloned();
        let first_tip = header
            .as_ref()
            .filter(|_| self.files[index].generation == 1)
            .map(tip_of);
        if first_tip.is_some_and(|tip| tip != genesis(self.folder)) {
            return Err(self.hole(
                index,
                0,
                Seq(1),
                "the first segment does not start the history",
                "its header is sound".into(),
            ));
        }
        loop {
            let Some(begun) = header.take() else {
                return Ok(End {
                    index: None,
                    at: 0,
                    tip: genesis(self.folder),
                    fault: "no segment is begun",
                });
            };
            self.synced = self.synced.max(begun.synced);
            let mut walk = Walk::new(self.open(index)?, &begun);
            let (at, fault) = self.walk(index, &mut walk)?;
            let tip = walk.into_tip();
            match self.files.get(index + 1).and_then(SegmentFile::begun) {
                Some(next) if tip_of(next) == tip => {
                    index += 1;
                    header = Some(next.clone());
                }
                _ => {
                    return Ok(End {
                        index: Some(index),
                        at,
                        tip,
                        fault,
                    });
                }
            }
        }
    }

    fn walk(&mut self, index: usize, walk: &mut Walk) -> Result<(u64, Fault), JournalError> {
        loop {
            let at = walk.at;
            match walk
                .step()
                .map_err(JournalError::io("read", self.shown(index)))?
            {
                Step::Frame(frame) => {
                    self.synced = self.synced.max(frame.synced);
                    self.clean = frame.count == 0;
                    self.confirmation = match self.clean {
                        true => self.confirmation.or(Some((index, at))),
                        false => None,
                    };
                    self.unproven
                        .push_back((index, at, Seq(frame.next_seq().0 - 1)));
                    while self
                        .unproven
                        .front()
                        .is_some_and(|(_, _, last)| *last <= self.synced)
                    {
                        self.unproven.pop_front();
                    }
                }
                Step::End(fault) => return Ok((at, fault)),
            }
        }
    }

    /// Looks for proof that the record missing at the end was once on the disk.
    fn refuse_a_hole(&self, end: &End) -> Result<(), JournalError> {
        let missing = end.tip.next;
        let first = end.index.unwrap_or(0);
        for index in first..self.files.len() {
            let here = end.index == Some(index);
            let file = self.open(index)?;
            let read = JournalError::io("read", self.shown(index));
            let from = if here {
                after_own_frame(&*file, self.files[index].generation, end).map_err(read)?
            } else {
                SEGMENT_HEADER
            };
            let proof = find_proof(&*file, self.files[index].generation, from, missing)
                .map_err(JournalError::io("read", self.shown(index)))?;
            let header = self.files[index]
                .begun()
                .filter(|h| !here && h.synced >= missing);
            let at = match (header, proof) {
                (Some(_), _) => 0,
                (None, Some(at)) => at,
                (None, None) => continue,
            };
            let evidence = format!(
                "byte {at} of {} was written when that record was already on the disk",
                self.shown(index)
            );
            // a segment whose own header is damaged is where the hole is, not the end of the one before
            let damaged =
                (first..=index).find(|i| end.index != Some(*i) && self.files[*i].begun().is_none());
            return Err(match damaged {
                Some(i) => self.hole(i, 0, missing, "the segment's header is damaged", evidence),
                None => self.hole(first, end.at, missing, end.fault, evidence),
            });
        }
        Ok(())
    }

    fn hole(
        &self,
        index: usize,
        offset: u64,
        expected: Seq,
        fault: Fault,
        evidence: String,
    ) -> JournalError {
        JournalError::Hole {
            file: self.shown(index),
            offset,
            expected,
            fault,
            evidence,
        }
    }

    /// Writes the last frames once more and syncs them. They were read, perhaps only from the system's cache: after a failed sync such pages
    /// count as clean and another sync would not write them, so they are made dirty again.
    fn rewrite_unproven(&self, end: &End) -> Result<(), JournalError> {
        let Some(last) = end.index else { return Ok(()) };
        let (first, offset) = self
            .unproven
            .front()
            .map(|(i, at, _)| (*i, *at))
            .or(self.confirmation)
            .unwrap_or((last, end.at));
        for index in first..=last {
            let file = self.open(index)?;
            let from = if index > first || offset == SEGMENT_HEADER {
                0
            } else {
                offset
            };
            let to = if index == last {
                end.at
            } else {
                file.len()
                    .map_err(JournalError::io("read", self.shown(index)))?
            };
            let mut buf = vec![
                0;
                usize::try_from(to.saturating_sub(from))
                    .unwrap_or(usize::MAX)
                    .min(1 << 20)
            ];
            let mut at = from;
            while at < to {
                let want = usize::try_from(to - at)
                    .unwrap_or(usize::MAX)
                    .min(buf.len());
                let n = read_full(&*file, &mut buf[..want], at)
                    .map_err(JournalError::io("read", self.shown(index)))?;
                if n == 0 {
                    break;
                }
                write_all(&*file, &buf[..n], at)
                    .map_err(JournalError::io("write", self.shown(index)))?;
                at += n as u64;
            }
            file.sync_data()
                .map_err(JournalError::io("sync", self.shown(index)))?;
        }
        Ok(())
    }

    /// Zeros what stands behind the end, and removes segments that hold parts of what was never promised.
    fn wipe(&self, end: &End) -> Result<Tail, JournalError> {
        let mut tail = Tail {
            clean: self.clean,
            ..Tail::default()
        };
        let keep = end.index.map_or(0, |i| i + 1);
        let mut touched = self.files.len();
        for index in (keep..self.files.len()).rev() {
            if !self.is_untouched(index)? {
                touched = index;
            }
        }
        // from the last one down, so that generations stay without a gap whenever this is interrupted
        for index in (touched..self.files.len()).rev() {
            tail.removed.push(self.shown(index));
            if index == 0 {
                self.replace_first()?;
                continue;
            }
            self.folder
                .storage
                .remove(&self.files[index].path)
                .map_err(JournalError::io("remove", self.shown(index)))?;
            self.folder
                .storage
                .sync_dir(JOURNAL)
                .map_err(JournalError::io(
                    "sync",
                    self.folder.storage.describe(JOURNAL),
                ))?;
        }
        if let Some(index) = end.index {
            let file = self.open(index)?;
            let read = |e| JournalError::io("read", self.shown(index))(e);
            let own =
                after_own_frame(&*file, self.files[index].generation, end).map_err(read)? > end.at;
            tail.clean &= !own;
            if !tail.clean {
                self.zero_from(index, &*file, end.at, &mut tail)?;
            }
        }
        if let Some((file, offset)) = &tail.truncated {
            tracing::warn!(
                file,
                offset,
                next = end.tip.next.0,
                why = end.fault,
                "the journal's last batch was not finished, or old bytes stood behind it: zeroed from there on"
            );
        }
        for file in &tail.removed {
            tracing::warn!(
                file,
                "a journal segment that held nothing promised was removed"
            );
        }
        Ok(tail)
    }

    /// A journal without any segment would look like one that was lost, so the first is replaced and never removed.
    fn replace_first(&self) -> Result<(), JournalError> {
        let size = self
            .open(0)?
            .len()
            .map_err(JournalError::io("read", self.shown(0)))?;
        match segments::prepare(
            &*self.folder.storage,
            self.folder.identity,
            self.files[0].generation,
            size,
            None,
        ) {
            Ok(_) => Ok(()),
            Err(PrepareError::NotMade(e) | PrepareError::Folder(e)) => {
                Err(JournalError::io("replace", self.shown(0))(e))
            }
        }
    }

    fn zero_from(
        &self,
        index: usize,
        file: &dyn File,
        at: u64,
        tail: &mut Tail,
    ) -> Result<(), JournalError> {
        let Some(last) =
            last_non_zero(file, at).map_err(JournalError::io("read", self.shown(index)))?
        else {
            return Ok(());
        };
        let to = (last + SECTOR).min(
            file.len()
                .map_err(JournalError::io("read", self.shown(index)))?,
        );
        tail.truncated = Some((self.shown(index), at));
        zero_fill(file, at, to).map_err(JournalError::io("write", self.shown(index)))?;
        file.sync_data()
            .map_err(JournalError::io("sync", self.shown(index)))
    }

    fn is_untouched(&self, index: usize) -> Result<bool, JournalError> {
        let prepared = self.files[index]
            .header
            .as_ref()
            .is_some_and(|h| h.state == State::Prepared);
        let own = has_own_frame(&*self.open(index)?, self.files[index].generation)
            .map_err(JournalError::io("read", self.shown(index)))?;
        Ok(prepared && !own)
    }

    fn finish(&self, end: End, tail: Tail) -> Result<Recovered, JournalError> {
        let keep = end.index.map_or(0, |i| i + 1);
        let mut current = None;
        if let Some(index) = end.index {
            let file = self.open(index)?;
            current = Some(Current {
                generation: self.files[index].generation,
                size: file
                    .len()
                    .map_err(JournalError::io("read", self.shown(index)))?,
                file,
                first_seq: self.files[index]
                    .begun()
                    .map_or(end.tip.next, |h| h.first_seq),
                at: end.at,
            });
        }
        let older = self.files[..keep.saturating_sub(1)]
            .iter()
            .filter_map(|f| f.begun().map(|h| f.as_older(h)))
            .collect();
        let mut prepared = None;
        if keep < self.files.len() && (tail.removed.is_empty() || keep == 0) {
            let file = self.open(keep)?;
            let size = file
                .len()
                .map_err(JournalError::io("read", self.shown(keep)))?;
            prepared = Some((self.files[keep].generation, size, file));
        }
        Ok(Recovered {
            tip: end.tip,
            current,
            older,
            prepared,
            clean: tail.clean,
            tail,
        })
    }
}

/// If a header that continues the history stands at the end, its batch is the unfinished one and what lies inside it is payload, not proof.
fn after_own_frame(file: &dyn File, generation: u64, end: &End) -> std::io::Result<u64> {
    let mut b = [0; crate::format::FRAME_HEADER];
    let n = read_full(file, &mut b, end.at)?;
    Ok(FrameHeader::decode(&b[..n])
        .filter(|h| {
            h.generation == generation
                && h.offset == end.at
                && h.first_seq == end.tip.next
                && h.prev == end.tip.prev
        })
        .map_or(end.at, |h| end.at.saturating_add(h.padded_len())))
}

pub(crate) fn tip_of(header: &SegmentHeader) -> Tip {
    Tip {
        next: header.first_seq,
        chain: header.chain,
        prev: header.prev,
    }
}
