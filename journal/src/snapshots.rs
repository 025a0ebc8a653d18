//! Snapshots: the engine's state at one record, streamed to a file of its own.
//!
//! `snapshots/00000000000000001234.snap` holds the state after record 1234. It is written under a `.tmp` name, synced and renamed, so that a
//! `.snap` was whole once. Two are kept: if the newest is damaged, the older one and a longer tail give the same state.

use std::io::{self, Read, Write};
use std::sync::Arc;

use types::{Seq, Time};

use crate::error::JournalError;
use crate::folder::{Folder, SNAPSHOTS, hex};
use crate::format::{FORMAT_VERSION, array, get32, get64, put32, put64};
use crate::segments::remove_leftovers;
use crate::storage::{File, read_full, write_all};
use crate::writer::Mark;

const MAGIC: [u8; 8] = *b"HWSNAPS\x01";
const HEADER: usize = 128;
const CHUNK: usize = 256 << 10;
const CHUNK_HEADER: usize = 16;
const TRAILER: usize = 56;
const LAST: u32 = u32::MAX;
const KEEP: usize = 2;

/// What a snapshot is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SnapshotMeta {
    /// The last record that it contains.
    pub seq: Seq,
    /// Time of that record.
    pub time: Time,
    /// The chain after that record.
    pub chain: u64,
    /// The engine's own digest of the state; opaque here.
    pub digest: [u8; 32],
}

/// A snapshot on the disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    pub meta: SnapshotMeta,
    /// Bytes of the file.
    pub bytes: u64,
    pub(crate) name: String,
}

/// Writes a snapshot: `fill` streams the state into it. Durable when this returns; older ones beyond two are then removed.
///
/// `mark` must say that `meta.seq` is on the disk ([`crate::Writer::sync`] under a policy other than `Disk`): a snapshot may never be ahead of
/// the journal. What covers two snapshots may then be recycled: pass [`covered`] to [`crate::Writer::retire`].
pub fn write(
    folder: &Folder,
    mark: Mark,
    meta: SnapshotMeta,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<Snapshot, JournalError> {
    let storage = &*folder.storage;
    let name = format!("{:020}.snap", meta.seq.0);
    let tmp = format!("{SNAPSHOTS}/{:020}.tmp", meta.seq.0);
    let shown = storage.describe(&tmp);
    if mark.synced < meta.seq {
        let what = format!(
            "record {} is not on the disk yet (only up to {})",
            meta.seq, mark.synced
        );
        return Err(JournalError::io("snapshot to", shown)(io::Error::other(
            what,
        )));
    }
    remove_leftovers(storage, SNAPSHOTS)?;
    let result = stream(folder, &tmp, &meta, fill);
    let bytes = match result {
        Ok(bytes) => bytes,
        Err(e) => {
            // what is half written is of no use; if it cannot be removed now, the next snapshot does it
            let _ = storage.remove(&tmp);
            return Err(JournalError::io("write", shown)(e));
        }
    };
    let path = format!("{SNAPSHOTS}/{name}");
    storage
        .rename(&tmp, &path)
        .and_then(|()| storage.sync_dir(SNAPSHOTS))
        .inspect_err(|_| {
            // whether it would survive is unknown: it must not count as one of the two that cover the journal
            let _ = storage.remove(&path);
        })
        .map_err(JournalError::io("publish", storage.describe(&path)))?;
    drop_old(folder)?;
    Ok(Snapshot { meta, bytes, name })
}

fn stream(
    folder: &Folder,
    tmp: &str,
    meta: &SnapshotMeta,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<u64> {
    let file = folder.storage.create(tmp)?;
    let header = encode_header(folder, meta);
    write_all(&*file, &header, 0)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&header);
    let mut out = ChunkWriter {
        file,
        at: HEADER as u64,
        chunk: vec![0; CHUNK_HEADER],
        index: 0,
        payload: 0,
        hasher,
    };
    fill(&mut out)?;
    out.finish()
}

fn drop_old(folder: &Folder) -> Result<(), JournalError> {
    let names = names(folder)?;
    for (_, name) in names.iter().rev().skip(KEEP) {
        let path = format!("{SNAPSHOTS}/{name}");
        folder
            .storage
            .remove(&path)
            .map_err(JournalError::io("remove", folder.storage.describe(&path)))?;
    }
    Ok(())
}

/// What two snapshots cover: the record of the older of the two newest. `None` while there are fewer.
pub fn covered(folder: &Folder) -> Result<Option<Seq>, JournalError> {
    let names = names(folder)?;
    Ok(names.iter().rev().nth(KEEP - 1).map(|(seq, _)| *seq))
}

/// The newest snapshot whose every byte checks out, passing over damaged ones; `None` if there are none at all.
///
/// Reads the whole file. Use [`restore`] to check and read in one pass.
pub fn newest_valid(folder: &Folder) -> Result<Option<Snapshot>, JournalError> {
    restore(folder, |_, r| io::copy(r, &mut io::sink()))
        .map(|found| found.map(|(snapshot, _)| snapshot))
}

/// Reads the newest snapshot with `read`, and an older one if its file turns out to be damaged (whatever `read` made of it is dropped).
///
/// The reader gives out only bytes whose checksum is right; `read` must read to the end, where the whole is checked. An error of `read` about a
/// file that is sound is returned and not passed over.
pub fn restore<T>(
    folder: &Folder,
    mut read: impl FnMut(&SnapshotMeta, &mut dyn Read) -> io::Result<T>,
) -> Result<Option<(Snapshot, T)>, JournalError> {
    let names = names(folder)?;
    let mut faults = Vec::new();
    for (_, name) in names.iter().rev() {
        let path = folder.storage.describe(&format!("{SNAPSHOTS}/{name}"));
        let (mut reader, bytes) = match SnapshotReader::open(folder, name) {
            Ok(found) => found,
            Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::InvalidData => {
                tracing::warn!(path, fault = %source, "a snapshot is damaged; trying an older one");
                faults.push(format!("{path}: {source}"));
                continue;
            }
            Err(e) => return Err(e),
        };
        let meta = reader.meta;
        let result = read(&meta, &mut reader).and_then(|value| reader.finish().map(|()| value));
        match (result, &reader.fault) {
            (Ok(value), None) => {
                return Ok(Some((
                    Snapshot {
                        meta,
                        bytes,
                        name: name.clone(),
                    },
                    value,
                )));
            }
            (_, Some(fault)) => {
                tracing::warn!(path, fault, "a snapshot is damaged; trying an older one");
                faults.push(format!("{path}: {fault}"));
            }
            (Err(e), None) => return Err(JournalError::io("restore", path)(e)),
        }
    }
    if faults.is_empty() {
        Ok(None)
    } else {
        Err(JournalError::NoSoundSnapshot(faults.join("; ")))
    }
}

/// Reads every snapshot to its end: the record of each, oldest first, and what is wrong with it.
pub fn check_all(folder: &Folder) -> Result<Vec<(Seq, Option<String>)>, JournalError> {
    let mut found = Vec::new();
    for (seq, name) in names(folder)? {
        let fault = match SnapshotReader::open(folder, &name) {
            Ok((mut reader, _)) => reader.finish().err().map(|e| e.to_string()),
            Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::InvalidData => {
                Some(source.to_string())
            }
            Err(e) => return Err(e),
        };
        found.push((seq, fault));
    }
    Ok(found)
}

/// A snapshot's file proves that the journal was on the disk up to there, whether or not its bytes are still sound.
pub(crate) fn promised(folder: &Folder) -> Result<Option<(Seq, String)>, JournalError> {
    Ok(names(folder)?
        .pop()
        .map(|(seq, name)| (seq, format!("{SNAPSHOTS}/{name}"))))
}

/// Names of the snapshots, oldest first.
fn names(folder: &Folder) -> Result<Vec<(Seq, String)>, JournalError> {
    let storage = &*folder.storage;
    let names = storage
        .list(SNAPSHOTS)
        .map_err(JournalError::io("list", storage.describe(SNAPSHOTS)))?;
    let mut found: Vec<(Seq, String)> = names
        .into_iter()
        .filter_map(|name| {
            let digits = name.strip_suffix(".snap").filter(|d| d.len() == 20)?;
            Some((Seq(digits.parse().ok()?), name))
        })
        .collect();
    found.sort();
    Ok(found)
}

fn encode_header(folder: &Folder, meta: &SnapshotMeta) -> [u8; HEADER] {
    let mut b = [0; HEADER];
    b[0..8].copy_from_slice(&MAGIC);
    put32(&mut b, 12, FORMAT_VERSION);
    b[16..32].copy_from_slice(&folder.identity);
    put64(&mut b, 32, meta.seq.0);
    b[40..48].copy_from_slice(&meta.time.0.to_le_bytes());
    put64(&mut b, 48, meta.chain);
    b[56..88].copy_from_slice(&meta.digest);
    let crc = crc32c::crc32c(&b[12..]);
    put32(&mut b, 8, crc);
    b
}

/// Cuts the stream into chunks: length, CRC32C, number, bytes.
struct ChunkWriter {
    file: Arc<dyn File>,
    at: u64,
    chunk: Vec<u8>,
    index: u32,
    payload: u64,
    hasher: blake3::Hasher,
}

impl ChunkWriter {
    fn put_chunk(&mut self) -> io::Result<()> {
        let len = self.chunk.len() - CHUNK_HEADER;
        put32(
            &mut self.chunk,
            0,
            u32::try_from(len).map_err(io::Error::other)?,
        );
        put32(&mut self.chunk, 8, self.index);
        let crc = crc32c::crc32c(&self.chunk[8..]);
        put32(&mut self.chunk, 4, crc);
        self.hasher.update(&self.chunk[CHUNK_HEADER..]);
        write_all(&*self.file, &self.chunk, self.at)?;
        self.at += self.chunk.len() as u64;
        self.payload += len as u64;
        self.index = self
            .index
            .checked_add(1)
            .filter(|i| *i != LAST)
            .ok_or_else(|| io::Error::other("the snapshot is too large"))?;
        self.chunk.truncate(CHUNK_HEADER);
        Ok(())
    }

    fn finish(mut self) -> io::Result<u64> {
        if self.chunk.len() > CHUNK_HEADER {
            self.put_chunk()?;
        }
        let mut b = [0; TRAILER];
        put32(&mut b, 8, LAST);
        put32(&mut b, 12, self.index);
        put64(&mut b, 16, self.payload);
        b[24..56].copy_from_slice(self.hasher.finalize().as_bytes());
        let crc = crc32c::crc32c(&b[8..]);
        put32(&mut b, 4, crc);
        write_all(&*self.file, &b, self.at)?;
        self.file.sync_data()?;
        Ok(self.at + TRAILER as u64)
    }
}

impl Write for ChunkWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = buf.len().min(CHUNK + CHUNK_HEADER - self.chunk.len());
        self.chunk.extend_from_slice(&buf[..n]);
        if self.chunk.len() == CHUNK + CHUNK_HEADER {
            self.put_chunk()?;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct SnapshotReader {
    file: Arc<dyn File>,
    meta: SnapshotMeta,
    len: u64,
    at: u64,
    chunk: Vec<u8>,
    taken: usize,
    index: u32,
    payload: u64,
    hasher: blake3::Hasher,
    ended: bool,
    /// The file itself is damaged: what was read is not to be used.
    fault: Option<String>,
}

impl SnapshotReader {
    fn open(folder: &Folder, name: &str) -> Result<(SnapshotReader, u64), JournalError> {
        let path = format!("{SNAPSHOTS}/{name}");
        let shown = folder.storage.describe(&path);
        let file = folder
            .storage
            .open(&path)
            .map_err(JournalError::io("open", shown.clone()))?;
        let mut header = [0; HEADER];
        let n =
            read_full(&*file, &mut header, 0).map_err(JournalError::io("read", shown.clone()))?;
        let damaged = |what: &str| {
            JournalError::io("read", shown.clone())(io::Error::new(
                io::ErrorKind::InvalidData,
                what,
            ))
        };
        if n < HEADER || header[0..8] != MAGIC || get32(&header, 8) != crc32c::crc32c(&header[12..])
        {
            return Err(damaged("its header is damaged"));
        }
        let found = get32(&header, 12);
        if found > FORMAT_VERSION {
            return Err(JournalError::NewerFormat {
                path: shown,
                found,
                supported: FORMAT_VERSION,
            });
        }
        if header[16..32] != folder.identity {
            return Err(JournalError::Foreign {
                path: shown,
                found: hex(&header[16..32]),
                expected: hex(&folder.identity),
            });
        }
        let meta = SnapshotMeta {
            seq: Seq(get64(&header, 32)),
            time: Time(i64::from_le_bytes(array(&header, 40))),
            chain: get64(&header, 48),
            digest: array(&header, 56),
        };
        if name != format!("{:020}.snap", meta.seq.0) {
            return Err(damaged(
                "it holds the state of another record than its name says",
            ));
        }
        let len = file.len().map_err(JournalError::io("read", shown))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&header);
        let reader = SnapshotReader {
            file,
            meta,
            len,
            at: HEADER as u64,
            chunk: Vec::new(),
            taken: 0,
            index: 0,
            payload: 0,
            hasher,
            ended: false,
            fault: None,
        };
        Ok((reader, len))
    }

    fn damaged<T>(&mut self, what: impl Into<String>) -> io::Result<T> {
        let what = what.into();
        self.fault = Some(what.clone());
        Err(io::Error::new(io::ErrorKind::InvalidData, what))
    }

    /// Loads the next chunk, or checks the trailer and ends.
    fn load(&mut self) -> io::Result<()> {
        let mut head = [0; CHUNK_HEADER];
        if read_full(&*self.file, &mut head, self.at)? < CHUNK_HEADER {
            return self.damaged("the file ends too early");
        }
        let (len, index) = (get32(&head, 0) as usize, get32(&head, 8));
        if index == LAST {
            return self.check_trailer();
        }
        if index != self.index || len == 0 || len > CHUNK {
            return self.damaged(format!("chunk {} is damaged", self.index));
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.resize(len, 0);
        let n = read_full(&*self.file, &mut chunk, self.at + CHUNK_HEADER as u64)?;
        self.chunk = chunk;
        self.taken = 0;
        let crc = crc32c::crc32c_append(crc32c::crc32c(&head[8..]), &self.chunk);
        if n < len || crc != get32(&head, 4) {
            self.chunk.clear();
            return self.damaged(format!("chunk {} is damaged", self.index));
        }
        self.hasher.update(&self.chunk);
        self.at += (CHUNK_HEADER + len) as u64;
        self.payload += len as u64;
        self.index += 1;
        Ok(())
    }

    fn check_trailer(&mut self) -> io::Result<()> {
        let mut b = [0; TRAILER];
        let whole = read_full(&*self.file, &mut b, self.at)? == TRAILER
            && self.at + TRAILER as u64 == self.len;
        let sound = whole
            && get32(&b, 0) == 0
            && get32(&b, 4) == crc32c::crc32c(&b[8..])
            && get32(&b, 12) == self.index
            && get64(&b, 16) == self.payload
            && b[24..56] == *self.hasher.finalize().as_bytes();
        if !sound {
            return self.damaged("its end is damaged, or does not match what stands before");
        }
        self.ended = true;
        self.chunk.clear();
        self.taken = 0;
        Ok(())
    }

    /// Reads what was left unread, so that the whole file is checked.
    fn finish(&mut self) -> io::Result<()> {
        while !self.ended {
            self.load()?;
        }
        Ok(())
    }
}

impl Read for SnapshotReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = &self.fault {
            return Err(io::Error::new(io::ErrorKind::InvalidData, fault.clone()));
        }
        while self.taken == self.chunk.len() && !self.ended {
            self.load()?;
        }
        let n = buf.len().min(self.chunk.len() - self.taken);
        buf[..n].copy_from_slice(&self.chunk[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}
