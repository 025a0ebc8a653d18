//! The journal: opaque records on a disk, and the proof that they are still there.
//!
//! It stores records without knowing what they mean, makes them durable a batch at a time, keeps snapshots and the event log beside them, and
//! after a crash gives back exactly what was promised. It depends on `types` only.
//!
//! # How it is used
//!
//! ```
//! # use std::{io::Read, sync::Arc};
//! # use journal::{BatchBuf, Folder, Journal, Options, Reader, SnapshotMeta, chain, sim::SimStorage, snapshots};
//! # use types::{Seq, Time};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let storage = Arc::new(SimStorage::new(1)); // or FileStorage::new(path)?
//! let folder = Folder::open(storage)?; // locked: a second process is refused
//! let journal = Journal::open(&folder, Options::default())?; // recovered: everything in it is on the disk
//! let mut writer = journal.writer; // moves to the journal's thread
//!
//! // replay: newest sound snapshot, then the records behind it
//! let state = snapshots::restore(&folder, |_, r| { let mut v = vec![]; r.read_to_end(&mut v).map(|_| v) })?;
//! let from = state.map_or(Seq(1), |(s, _)| Seq(s.meta.seq.0 + 1));
//! let mut reader = Reader::open(&folder, from, Seq(writer.next_seq().0 - 1))?;
//! while let Some(record) = reader.next()? { /* execute it, compare record.chain */ }
//!
//! // live: the engine's thread fills, the journal's thread writes; two buffers change places
//! let mut batch = BatchBuf::default();
//! batch.push(writer.next_seq(), Time(0), chain(writer.chain(), b"outcome and events"), b"command");
//! writer.append(&mut batch)?;
//! let mark = writer.commit()?; // answers up to mark.seq may leave
//! batch.clear();
//!
//! // a snapshot, and what two of them cover is recycled
//! let mark = writer.sync()?;
//! snapshots::write(&folder, mark, SnapshotMeta { seq: mark.seq, ..SnapshotMeta::default() }, |w| w.write_all(b"state"))?;
//! if let Some(covered) = snapshots::covered(&folder)? { writer.retire(covered)?; }
//! writer.close()?;
//! # Ok(()) }
//! ```
//!
//! # Files
//!
//! ```text
//! LOCK                      held by the running process, and names it
//! FORMAT                    text: format version, identity of the folder, CRC32C; written last when a folder is made
//! journal/0000000001.seg    segments, numbered from 1 (the generation); *.tmp are being made or wait to be used again
//! snapshots/<record>.snap   the state after that record; two are kept
//! events/<record>.ev        the event log, each segment named by its first record
//! ```
//!
//! Integers are little-endian. `crc` is CRC32C, `hash` BLAKE3. Times are microseconds since the epoch, UTC.
//!
//! **Segment header**: the first 512 bytes of a page of its own (4096 bytes); frames start behind it.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 8 | `HWSEGMT` and 1 |
//! | 8 | 4 | crc of bytes 12 to 511 |
//! | 12 | 4 | format version |
//! | 16 | 4 | kind: 1 journal, 2 events |
//! | 20 | 4 | state: 1 prepared (holds nothing), 2 begun |
//! | 24 | 16 | identity of the data folder |
//! | 40 | 8 | generation: the number in the file's name (for events, the first record) |
//! | 48 | 8 | size when it was prepared |
//! | 56 | 8 | first record (from here on: only when begun) |
//! | 64 | 8 | chain before it |
//! | 72 | 8 | synced: all records up to here were on the disk when this was written |
//! | 80 | 8 | time of the first record |
//! | 88 | 32 | hash of the batch before |
//! | 120 | 392 | zeros |
//!
//! **Frame**: one batch; padded with zeros to a multiple of 512 bytes, so that no sector ever holds bytes of two batches and a torn write cannot
//! hurt an earlier one.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 4 | `HWB1` |
//! | 4 | 4 | crc of bytes 8 to 127 |
//! | 8 | 8 | generation of the segment |
//! | 16 | 8 | offset of this frame in the segment |
//! | 24 | 4 | bytes of the body |
//! | 28 | 4 | records; 0 in a confirmation |
//! | 32 | 8 | first record |
//! | 40 | 8 | synced, as above |
//! | 48 | 8 | chain before the first record |
//! | 56 | 8 | zeros |
//! | 64 | 32 | hash of the batch before |
//! | 96 | 32 | hash of bytes 8 to 95 and the body |
//! | 128 | | records |
//!
//! The first batch of a journal continues a hash of the folder's identity.
//!
//! **Record**
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 4 | crc of the rest of the record |
//! | 4 | 4 | bytes of the payload |
//! | 8 | 8 | number |
//! | 16 | 8 | time |
//! | 24 | 8 | chain after it ([`chain()`], computed by the caller) |
//! | 32 | | payload |
//!
//! **Snapshot**: a header, chunks of at most 256 KiB, a trailer.
//!
//! | offset | bytes | header |
//! |---|---|---|
//! | 0 | 8 | `HWSNAPS` and 1 |
//! | 8 | 4 | crc of bytes 12 to 127 |
//! | 12 | 4 | format version |
//! | 16 | 16 | identity of the data folder |
//! | 32 | 8 | record |
//! | 40 | 8 | its time |
//! | 48 | 8 | chain after it |
//! | 56 | 32 | digest of the state (the engine's own) |
//! | 88 | 40 | zeros |
//!
//! | offset | bytes | chunk; the trailer has number 2³²−1 |
//! |---|---|---|
//! | 0 | 4 | bytes (trailer: 0) |
//! | 4 | 4 | crc of everything behind it |
//! | 8 | 4 | number, from 0 |
//! | 12 | 4 | zeros (trailer: how many chunks) |
//! | 16 | | the bytes (trailer: 8 bytes total length, 32 bytes hash of header and all bytes) |
//!
//! # An unfinished batch, or damage?
//!
//! A crash in the middle of a write leaves any mixture of old and new sectors. Such a batch was never promised to anybody and must go; but a
//! damaged batch that *was* promised must never go in silence. Both look the same at the place itself. What tells them apart is what comes
//! later: every frame and every segment header says how far the journal was **synced** when it was written. So, where the sound history stops
//! before record *N*:
//!
//! * if anything later, in the place where it belongs, was written when *N* was already synced, *N* is lost: [`JournalError::Hole`], nothing is
//!   touched, and the message names file, offset and proof;
//! * otherwise nothing shows that *N* was promised: what stands there is zeroed, and said so in the log.
//!
//! With [`Durability::Disk`] each frame's `synced` is the record before it, so a frame proves all earlier ones. With the other policies `synced`
//! lags, and after a loss of power a hole with later frames behind it may be legitimate: the same rule cuts exactly there.
//!
//! The last batch of all has nothing behind it. Three things bear witness for it: the confirmation that [`Writer::close`] and
//! [`Writer::confirm`] append, the event log (which notes `synced` too), and the snapshots (taken only of what is synced). A journal that ends
//! before what they say is refused ([`JournalError::Behind`]). What remains undetectable is damage to the very last batch of a process that was
//! killed before anything else was written.
//!
//! What is *accepted* has to continue the history: the right generation, the right offset, the next record, the chain, the hash of the batch
//! before, its own hash, each record's crc. Hence old batches in a recycled file, batches of an abandoned end, and writes that landed elsewhere
//! are never taken for valid.
//!
//! A batch found in the last place may be only in the system's cache, and after a failed sync the system counts such pages as clean. Recovery
//! therefore writes once more whatever nothing proves to be synced, and syncs it, before anybody builds on it.
//!
//! # Failing
//!
//! A failed write or sync is never tried again: the [`Writer`] answers [`Fatal`] to everything from then on, and the process must stop.
//! A full disk is foreseen ([`Writer::health`]): segments are made one ahead, so the current and the next one still take what must go on.
//! The loss of the event log is never fatal: it can be regenerated.

mod aside;
mod batch;
mod chain;
mod error;
mod events;
mod file_storage;
mod folder;
mod format;
mod reader;
mod recover;
mod segments;
pub mod sim;
pub mod snapshots;
mod storage;
mod verify;
mod walk;
mod writer;

pub use aside::Threads;
pub use batch::BatchBuf;
pub use chain::{chain, chain_all};
pub use error::{Fatal, JournalError};
pub use events::{EventLog, EventReader};
pub use file_storage::FileStorage;
pub use folder::Folder;
pub use format::{FORMAT_VERSION, Record};
pub use reader::Reader;
pub use recover::Journal;
pub use snapshots::{Snapshot, SnapshotMeta};
pub use storage::{File, LockError, LockGuard, Storage};
pub use verify::{Verified, verify};
pub use writer::{Health, Mark, Writer};

/// When the mark may pass a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// Its batch was written and `fdatasync` has returned: survives the loss of power.
    #[default]
    Disk,
    /// Its batch was handed to the operating system: survives the death of the process.
    Os,
    /// At once; batches are written a megabyte at a time: survives nothing, until [`Writer::sync`].
    None,
}

/// How much to keep of what is no longer needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Retain {
    #[default]
    All,
    /// Remove the oldest as long as more than this is there.
    Bytes(u64),
}

/// How to write the journal. [`Options::default`] suits a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    pub durability: Durability,
    /// Size of a full-grown segment.
    pub segment_bytes: u64,
    /// Size of the first segment of a new journal; the following ones double.
    pub first_segment_bytes: u64,
    pub retain: Retain,
    pub threads: Threads,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            durability: Durability::Disk,
            segment_bytes: 64 << 20,
            first_segment_bytes: 4 << 20,
            retain: Retain::All,
            threads: Threads::Own,
        }
    }
}

/// How to write the event log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventOptions {
    /// A segment ends with the batch that reaches this size.
    pub segment_bytes: u64,
    pub retain: Retain,
    /// Batches that may wait for the log's thread.
    pub queue: usize,
    pub threads: Threads,
}

impl Default for EventOptions {
    fn default() -> EventOptions {
        EventOptions {
            segment_bytes: 64 << 20,
            retain: Retain::All,
            queue: 64,
            threads: Threads::Own,
        }
    }
}

/// How a journal ended when it was opened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tail {
    /// It was closed (or confirmed) and nothing was written since.
    pub clean: bool,
    /// File and offset from which bytes that were never promised were zeroed.
    pub truncated: Option<(String, u64)>,
    /// Segments that held nothing promised.
    pub removed: Vec<String>,
}
