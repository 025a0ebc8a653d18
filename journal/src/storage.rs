//! The narrow seam to the disk.
//!
//! Everything the journal does to a disk goes through [`Storage`] and [`File`], so that the whole of it runs unchanged on the real disk
//! ([`crate::FileStorage`]) and on a simulated one ([`crate::sim::SimStorage`]) that tears writes, loses what was not synced, and fails.
//!
//! Paths are relative to the data folder, written with `/`, at most one folder deep: `journal/0000000001.seg`.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

/// A folder on some disk.
pub trait Storage: Send + Sync + Debug {
    /// Makes a folder if it is not there yet.
    fn make_dir(&self, dir: &str) -> io::Result<()>;
    /// Names of the files in a folder, sorted. An absent folder is an empty one.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// A new, empty file; fails with `AlreadyExists`.
    fn create(&self, path: &str) -> io::Result<Arc<dyn File>>;
    /// An existing file for reading and writing.
    fn open(&self, path: &str) -> io::Result<Arc<dyn File>>;
    /// Atomic; replaces `to` if it exists. Durable only after [`Storage::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Makes creations, renames and removals inside `dir` durable. `""` is the data folder itself.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
    /// Takes the exclusive lock of a file (made if absent) and writes `holder` into it; the lock lives as long as the guard.
    fn lock(&self, path: &str, holder: &str) -> Result<Box<dyn LockGuard>, LockError>;
    /// Sixteen bytes that no other journal has.
    fn entropy(&self) -> io::Result<[u8; 16]>;
    /// Where this is, for people.
    fn describe(&self, path: &str) -> String;
}

/// One open file. All calls take offsets: there is no cursor.
pub trait File: Send + Sync + Debug {
    /// May read less than asked; 0 at the end.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// May write less than asked.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize>;
    /// Returns once the contents (and the length) are on the disk. An error is final: the contents are then unknown.
    fn sync_data(&self) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// Holds a lock until dropped.
pub trait LockGuard: Send + Sync + Debug {}

#[derive(Debug)]
pub enum LockError {
    /// Another process has it; what it wrote about itself.
    Held(String),
    Io(io::Error),
}

/// Writes all of `buf`, through interruptions and short writes.
pub(crate) fn write_all(file: &dyn File, mut buf: &[u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match file.write_at(buf, offset) {
            Ok(0) => {
                return Err(io::Error::new(
                    io::ErrorKind::WriteZero,
                    "the disk took no more bytes",
                ));
            }
            Ok(n) => {
                buf = &buf[n..];
                offset += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Reads until `buf` is full or the file ends; returns how much was read.
pub(crate) fn read_full(file: &dyn File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// The whole of a file.
pub(crate) fn read_to_end(file: &dyn File) -> io::Result<Vec<u8>> {
    let mut buf = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX)];
    let n = read_full(file, &mut buf, 0)?;
    buf.truncate(n);
    Ok(buf)
}

/// Fills `[from, to)` with zeros, so that later writes need no new blocks from the file system (twice as fast as a file that is only allocated).
pub(crate) fn zero_fill(file: &dyn File, from: u64, to: u64) -> io::Result<()> {
    const STEP: usize = 1 << 20;
    let zeros = vec![0u8; STEP.min(usize::try_from(to.saturating_sub(from)).unwrap_or(STEP))];
    let mut at = from;
    while at < to {
        let n = usize::try_from(to - at).unwrap_or(STEP).min(zeros.len());
        write_all(file, &zeros[..n], at)?;
        at += n as u64;
    }
    Ok(())
}

/// Writes a small file so that a reader sees either the old one or the whole new one, and the new one is on the disk when this returns.
pub(crate) fn replace_file(
    storage: &dyn Storage,
    dir: &str,
    name: &str,
    bytes: &[u8],
) -> io::Result<()> {
    let path = |n: &str| {
        if dir.is_empty() {
            n.to_string()
        } else {
            format!("{dir}/{n}")
        }
    };
    let tmp = path(&format!("{name}.tmp"));
    match storage.remove(&tmp) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let file = storage.create(&tmp)?;
    write_all(&*file, bytes, 0)?;
    file.sync_data()?;
    storage.rename(&tmp, &path(name))?;
    storage.sync_dir(dir)
}
