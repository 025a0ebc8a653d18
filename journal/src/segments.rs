//! Segment files: names, headers, making and recycling them.
//!
//! `journal/0000000007.seg` is the seventh segment (its *generation*). It is made under a `.tmp` name, filled with zeros, given a *prepared*
//! header, synced and only then renamed, so that a `.seg` is always whole. Its header becomes *begun* together with its first batch.

use std::io;
use std::sync::Arc;

use crate::error::JournalError;
use crate::folder::{Folder, JOURNAL, hex};
use crate::format::{FORMAT_VERSION, Identity, Kind, SegmentHeader, State};
use crate::storage::{File, Storage, read_full, write_all, zero_fill};

/// A `.seg` file and its header, if that checks out.
#[derive(Clone, Debug)]
pub(crate) struct SegmentFile {
    pub path: String,
    pub generation: u64,
    pub header: Option<SegmentHeader>,
}

impl SegmentFile {
    pub fn begun(&self) -> Option<&SegmentHeader> {
        self.header.as_ref().filter(|h| h.state == State::Begun)
    }
}

pub(crate) fn segment_path(generation: u64) -> String {
    format!("{JOURNAL}/{generation:010}.seg")
}

fn spare_path(generation: u64) -> String {
    format!("{JOURNAL}/{generation:010}.tmp")
}

fn parse_name(name: &str) -> Option<u64> {
    name.strip_suffix(".seg")
        .filter(|s| s.len() == 10)?
        .parse()
        .ok()
}

pub(crate) fn read_header(file: &dyn File) -> io::Result<Result<SegmentHeader, Option<u32>>> {
    let mut b = [0; 512];
    let n = read_full(file, &mut b, 0)?;
    Ok(SegmentHeader::decode(&b[..n]))
}

pub(crate) fn is_begun(storage: &dyn Storage, path: &str) -> Result<bool, JournalError> {
    let file = storage
        .open(path)
        .map_err(JournalError::io("open", storage.describe(path)))?;
    let header = read_header(&*file).map_err(JournalError::io("read", storage.describe(path)))?;
    Ok(!matches!(header, Ok(h) if h.state == State::Prepared))
}

/// All segments in order. Refuses headers of a newer format, of another folder or of another kind; one that is merely damaged is `None`.
pub(crate) fn list_segments(folder: &Folder) -> Result<Vec<SegmentFile>, JournalError> {
    let storage = &*folder.storage;
    let names = storage
        .list(JOURNAL)
        .map_err(JournalError::io("list", storage.describe(JOURNAL)))?;
    let mut segments = Vec::new();
    for generation in names.iter().filter_map(|n| parse_name(n)) {
        let path = segment_path(generation);
        let shown = storage.describe(&path);
        let file = storage
            .open(&path)
            .map_err(JournalError::io("open", shown.clone()))?;
        let header = read_header(&*file).map_err(JournalError::io("read", shown.clone()))?;
        let header = accept(header, &folder.identity, Kind::Journal, &shown)?;
        segments.push(SegmentFile {
            path,
            generation,
            header: header.filter(|h| h.generation == generation),
        });
    }
    segments.sort_by_key(|s| s.generation);
    Ok(segments)
}

pub(crate) fn accept(
    header: Result<SegmentHeader, Option<u32>>,
    identity: &Identity,
    kind: Kind,
    shown: &str,
) -> Result<Option<SegmentHeader>, JournalError> {
    match header {
        Err(Some(found)) => Err(JournalError::NewerFormat {
            path: shown.into(),
            found,
            supported: FORMAT_VERSION,
        }),
        Err(None) => Ok(None),
        Ok(h) if h.identity != *identity => Err(JournalError::Foreign {
            path: shown.into(),
            found: hex(&h.identity),
            expected: hex(identity),
        }),
        Ok(h) => Ok(Some(h).filter(|h| h.kind == kind)),
    }
}

/// Why a segment could not be made.
#[derive(Debug)]
pub(crate) enum PrepareError {
    /// Nothing of it is in place (most often the disk is full): may be tried again later, with a fresh file.
    NotMade(io::Error),
    /// The folder could not be synced: whether the segment would survive is unknown, and asking again would be answered wrongly.
    Folder(io::Error),
}

/// Makes segment `generation` ready to be begun: from a spare file if there is one, else by filling a new one with zeros.
pub(crate) fn prepare(
    storage: &dyn Storage,
    identity: Identity,
    generation: u64,
    size: u64,
    spare: Option<u64>,
) -> Result<Arc<dyn File>, PrepareError> {
    let tmp = spare_path(spare.unwrap_or(generation));
    let file = fill(storage, identity, generation, size, &tmp, spare.is_some())
        .inspect_err(|_| {
            // a file that could not be filled is not tried again; a leftover goes at the next start
            let _ = storage.remove(&tmp);
        })
        .map_err(PrepareError::NotMade)?;
    storage
        .rename(&tmp, &segment_path(generation))
        .map_err(PrepareError::NotMade)?;
    storage.sync_dir(JOURNAL).map_err(PrepareError::Folder)?;
    Ok(file)
}

fn fill(
    storage: &dyn Storage,
    identity: Identity,
    generation: u64,
    size: u64,
    tmp: &str,
    spare: bool,
) -> io::Result<Arc<dyn File>> {
    let file = if spare {
        storage.open(tmp)?
    } else {
        match storage.remove(tmp) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => storage.create(tmp)?,
        }
    };
    let len = file.len()?;
    let size = size.max(len);
    // From here on nothing in a recycled file belongs to a begun segment.
    write_all(
        &*file,
        &SegmentHeader::prepared(Kind::Journal, identity, generation, size).encode(),
        0,
    )?;
    zero_fill(&*file, len.max(512), size)?;
    file.sync_data()?;
    Ok(file)
}

/// Takes a segment out of the journal; its blocks wait under a `.tmp` name to be used again.
pub(crate) fn retire(storage: &dyn Storage, generation: u64) -> io::Result<()> {
    storage.rename(&segment_path(generation), &spare_path(generation))?;
    // At once: if two removals could come back in any order, a crash could leave a gap that looks like damage.
    storage.sync_dir(JOURNAL)
}

pub(crate) fn remove_spare(storage: &dyn Storage, generation: u64) -> io::Result<()> {
    storage.remove(&spare_path(generation))
}

/// Removes what a crash left half made.
pub(crate) fn remove_leftovers(storage: &dyn Storage, dir: &str) -> Result<(), JournalError> {
    for name in storage
        .list(dir)
        .map_err(JournalError::io("list", storage.describe(dir)))?
    {
        if name.ends_with(".tmp") {
            let path = format!("{dir}/{name}");
            storage
                .remove(&path)
                .map_err(JournalError::io("remove", storage.describe(&path)))?;
        }
    }
    Ok(())
}
