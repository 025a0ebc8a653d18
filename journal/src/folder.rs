//! The data folder itself: who may open it and in which format it is.

use std::sync::Arc;

use crate::error::JournalError;
use crate::format::{FORMAT_VERSION, Identity};
use crate::storage::{LockError, LockGuard, Storage, read_to_end, replace_file};

const LOCK: &str = "LOCK";
const FORMAT: &str = "FORMAT";
pub(crate) const JOURNAL: &str = "journal";
pub(crate) const SNAPSHOTS: &str = "snapshots";
pub(crate) const EVENTS: &str = "events";

/// An open, locked data folder. Everything else of this crate is reached through it; the lock is released when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Folder {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) identity: Identity,
    /// Whether `FORMAT` was there when the folder was opened: if so, a journal must be there too.
    pub(crate) existed: bool,
    _lock: Arc<dyn LockGuard>,
}

impl Folder {
    /// Locks the folder and reads (or, in a new folder, chooses) its identity. Refused when another process has it, when it was written by a
    /// newer program, or when `FORMAT` is damaged.
    pub fn open(storage: Arc<dyn Storage>) -> Result<Folder, JournalError> {
        let lock = lock(&*storage)?;
        let (identity, existed) = match read_format(&*storage)? {
            Some(identity) => (identity, true),
            None => {
                if let Some(name) = first_data_file(&*storage)? {
                    return Err(JournalError::BadFolder {
                        path: storage.describe(FORMAT),
                        what: format!("the file is missing although {name} is there"),
                    });
                }
                (
                    storage.entropy().map_err(JournalError::io(
                        "read randomness for",
                        storage.describe(""),
                    ))?,
                    false,
                )
            }
        };
        for dir in [JOURNAL, SNAPSHOTS, EVENTS] {
            storage
                .make_dir(dir)
                .map_err(JournalError::io("make", storage.describe(dir)))?;
        }
        // also names that an earlier process gave and did not live to sync: nothing may be built on a file whose name a loss of power takes away
        for dir in ["", JOURNAL, SNAPSHOTS, EVENTS] {
            storage
                .sync_dir(dir)
                .map_err(JournalError::io("sync", storage.describe(dir)))?;
        }
        Ok(Folder {
            storage,
            identity,
            existed,
            _lock: lock.into(),
        })
    }

    #[must_use]
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Whether the folder held a journal before.
    #[must_use]
    pub fn existed(&self) -> bool {
        self.existed
    }

    /// Sixteen random bytes in hexadecimal, chosen when the folder was made and repeated in each of its files.
    #[must_use]
    pub fn identity(&self) -> String {
        hex(&self.identity)
    }

    /// Written last when a folder is made: from then on a missing journal is damage, and not a new folder.
    pub(crate) fn write_format(&self) -> Result<(), JournalError> {
        replace_file(
            &*self.storage,
            "",
            FORMAT,
            format_text(FORMAT_VERSION, &self.identity).as_bytes(),
        )
        .map_err(JournalError::io("write", self.storage.describe(FORMAT)))
    }
}

fn lock(storage: &dyn Storage) -> Result<Box<dyn LockGuard>, JournalError> {
    match storage.lock(LOCK, &format!("process {}\n", std::process::id())) {
        Ok(guard) => Ok(guard),
        Err(LockError::Held(holder)) => Err(JournalError::InUse {
            folder: storage.describe(""),
            holder: if holder.is_empty() {
                "another process".into()
            } else {
                holder
            },
        }),
        Err(LockError::Io(source)) => Err(JournalError::io("lock", storage.describe(LOCK))(source)),
    }
}

/// A folder without `FORMAT` may hold what a crash left of its making (prepared segments), but nothing that was ever written to.
fn first_data_file(storage: &dyn Storage) -> Result<Option<String>, JournalError> {
    for dir in [SNAPSHOTS, EVENTS, JOURNAL] {
        for name in storage
            .list(dir)
            .map_err(JournalError::io("list", storage.describe(dir)))?
        {
            let path = format!("{dir}/{name}");
            if name.ends_with(".tmp")
                || (dir == JOURNAL && !crate::segments::is_begun(storage, &path)?)
            {
                continue;
            }
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn format_text(version: u32, identity: &Identity) -> String {
    let text = format!(
        "highwater data folder\nformat {version}\nidentity {}\n",
        hex(identity)
    );
    let crc = crc32c::crc32c(text.as_bytes());
    format!("{text}crc {crc:08x}\n")
}

fn read_format(storage: &dyn Storage) -> Result<Option<Identity>, JournalError> {
    let path = storage.describe(FORMAT);
    let bytes = match storage.open(FORMAT) {
        Ok(file) => read_to_end(&*file).map_err(JournalError::io("read", path.clone()))?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(JournalError::io("open", path)(e)),
    };
    let bad = |what: &str| JournalError::BadFolder {
        path: path.clone(),
        what: what.into(),
    };
    let text = String::from_utf8(bytes).map_err(|_| bad("it is not text"))?;
    let field = |name: &str| {
        text.lines()
            .find_map(|l| l.strip_prefix(name))
            .map(str::trim)
    };
    let version: u32 = field("format ")
        .and_then(|v| v.parse().ok())
        .ok_or_else(|| bad("it names no format"))?;
    let identity = field("identity ")
        .and_then(unhex)
        .ok_or_else(|| bad("it names no identity"))?;
    if text != format_text(version, &identity) {
        return Err(bad("its checksum is wrong"));
    }
    if version > FORMAT_VERSION {
        return Err(JournalError::NewerFormat {
            path,
            found: version,
            supported: FORMAT_VERSION,
        });
    }
    Ok(Some(identity))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut s, b| {
        // writing to a String cannot fail
        let _ = write!(s, "{b:02x}");
        s
    })
}

fn unhex(text: &str) -> Option<Identity> {
    let mut out = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(out)
}
