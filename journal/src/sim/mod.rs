//! A simulated disk: the real code of this crate runs on it, and its power can be cut.
//!
//! What a real disk may do to data that was not synced, this one does:
//!
//! * each 512-byte sector written since the last sync survives in any of its versions, or not at all, independently of all others;
//! * a sector may be torn in the middle;
//! * a file that grew may keep its new length with zeros, or with what other files left on those blocks, where the data did not arrive;
//! * creations, renames and removals since the last sync of their folder happen or do not, one by one;
//! * a sync that fails marks the data as clean although it never arrived, so that the next sync succeeds without writing it (as Linux does).
//!
//! Beyond crashes: single calls can be made to fail, to be short, to lie, to be lost or to land elsewhere ([`SimStorage::inject`]); the disk can
//! be full ([`SimStorage::set_capacity`]); and any byte can be changed ([`SimStorage::corrupt`]).
//!
//! Which of all this happens is asked of [`Choices`]: seeded, or enumerating every possibility in turn.

mod choices;
mod disk;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use choices::Choices;
use disk::Disk;

use crate::storage::{File, LockError, LockGuard, Storage};

/// The kinds of call that can be made to misbehave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    Read,
    Write,
    Sync,
    SetLen,
    Create,
    Open,
    Rename,
    Remove,
    List,
    SyncDir,
}

/// What such a call does instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Fails. A write has then written nothing; a sync has lost what it should have made durable.
    Fail(io::ErrorKind),
    /// Reads or writes at most so many bytes.
    Short(usize),
    /// Says that it succeeded and did nothing.
    Lie,
    /// Writes so many bytes further on in the file than asked.
    Astray(u64),
}

/// A disk of its own, in memory. Clones share it.
#[derive(Clone, Debug)]
pub struct SimStorage {
    disk: Arc<Mutex<Disk>>,
}

impl SimStorage {
    /// An empty disk. The seed decides only what [`Storage::entropy`] gives.
    #[must_use]
    pub fn new(seed: u64) -> SimStorage {
        SimStorage {
            disk: Arc::new(Mutex::new(Disk::new(seed))),
        }
    }

    /// How many calls have changed something, or tried to, so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.disk().calls
    }

    /// Cuts the power at a changing call, counted like [`SimStorage::calls`]: it and all later ones fail. What a write was about to write is then
    /// among what may survive.
    pub fn cut_power_at(&self, call: u64) {
        self.disk().cut_at = Some(call);
    }

    /// Whether the power was cut.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.disk().is_off()
    }

    /// The disk as a restart finds it after power was lost now. The original is left as it is, so that many outcomes can be tried.
    #[must_use]
    pub fn after_power_loss(&self, choices: &mut Choices) -> SimStorage {
        SimStorage {
            disk: Arc::new(Mutex::new(self.disk().after_power_loss(choices))),
        }
    }

    /// The disk as a restart finds it after the process was killed: nothing is lost, but nothing more is durable either.
    #[must_use]
    pub fn after_kill(&self) -> SimStorage {
        SimStorage {
            disk: Arc::new(Mutex::new(self.disk().after_kill())),
        }
    }

    /// Makes the `nth` call of a kind from now on (1 is the next) misbehave.
    pub fn inject(&self, call: Call, nth: u64, effect: Effect) {
        self.disk().inject(call, nth, effect);
    }

    /// From now on every sync of a file says that it succeeded and does nothing.
    pub fn lie_about_syncs(&self, lie: bool) {
        self.disk().lying = lie;
    }

    /// How many bytes all files together may have; writes that need more fail.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.disk().capacity = bytes;
    }

    /// Names of all files.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.disk().names.keys().cloned().collect()
    }

    /// A file's contents, as the running system sees them.
    #[must_use]
    pub fn contents(&self, path: &str) -> Option<Vec<u8>> {
        self.disk().contents(path)
    }

    /// Changes a file's bytes behind the system's back, for good.
    ///
    /// # Panics
    /// When there is no such file.
    pub fn corrupt(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        self.disk().corrupt(path, change);
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for SimStorage {
    fn make_dir(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.disk().list(dir)
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let inode = self.disk().create(path)?;
        Ok(Arc::new(SimFile {
            storage: self.clone(),
            inode,
        }))
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let inode = self.disk().open(path)?;
        Ok(Arc::new(SimFile {
            storage: self.clone(),
            inode,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk().rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk().remove(path)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.disk().sync_dir(dir)
    }

    fn lock(&self, _: &str, holder: &str) -> Result<Box<dyn LockGuard>, LockError> {
        let mut disk = self.disk();
        if let Some(by) = &disk.locked_by {
            return Err(LockError::Held(by.trim().to_string()));
        }
        disk.locked_by = Some(holder.to_string());
        Ok(Box::new(SimLock {
            storage: self.clone(),
        }))
    }

    fn entropy(&self) -> io::Result<[u8; 16]> {
        Ok(self.disk().entropy())
    }

    fn describe(&self, path: &str) -> String {
        format!("sim:{path}")
    }
}

#[derive(Debug)]
struct SimFile {
    storage: SimStorage,
    inode: u64,
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.storage.disk().read(self.inode, buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.storage.disk().write(self.inode, buf, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.storage.disk().sync(self.inode)
    }

    fn len(&self) -> io::Result<u64> {
        self.storage.disk().len(self.inode)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.storage.disk().set_len(self.inode, len)
    }
}

#[derive(Debug)]
struct SimLock {
    storage: SimStorage,
}

impl LockGuard for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.storage.disk().locked_by = None;
    }
}
