//! The journal: opaque records in checksummed segments, group commit, snapshots, recovery, and the event log beside them.
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
