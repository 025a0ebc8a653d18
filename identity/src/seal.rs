use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::{Error, Result};

const KEY_LEN: usize = 32;

/// Seals and opens secrets. A sealed secret is a random nonce followed by ciphertext and tag.
pub(crate) struct Sealer {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Sealer {
    /// Reads the key file, or makes it when there is none.
    pub(crate) fn open(path: &Path) -> Result<Sealer> {
        let file_error = |source| Error::File {
            path: path.display().to_string(),
            source,
        };
        let random = SystemRandom::new();
        let mut bytes = Vec::new();
        match std::fs::File::open(path) {
            Ok(mut file) => {
                file.read_to_end(&mut bytes).map_err(file_error)?;
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {
                bytes.resize(KEY_LEN, 0);
                random
                    .fill(&mut bytes)
                    .map_err(|_| file_error(std::io::Error::other("no randomness")))?;
                write_private(path, &bytes).map_err(file_error)?;
            }
            Err(e) => return Err(file_error(e)),
        }
        let key = UnboundKey::new(&AES_256_GCM, &bytes)
            .map_err(|_| Error::KeyFile(path.display().to_string()))?;
        Ok(Sealer {
            key: LessSafeKey::new(key),
            random,
        })
    }

    pub(crate) fn seal(&self, owner: &str, secret: &str) -> Result<Vec<u8>> {
        let broken = |_| Error::Sealed(owner.to_owned());
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(broken)?;
        let mut text = secret.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(owner.as_bytes()),
                &mut text,
            )
            .map_err(broken)?;
        Ok([nonce.as_slice(), &text].concat())
    }

    pub(crate) fn unseal(&self, owner: &str, sealed: &[u8]) -> Result<String> {
        let broken = || Error::Sealed(owner.to_owned());
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(broken)?;
        let mut text = text.to_vec();
        let plain = self
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(owner.as_bytes()),
                &mut text,
            )
            .map_err(|_| broken())?;
        String::from_utf8(plain.to_vec()).map_err(|_| broken())
    }
}

/// Writes a file that only its owner may read, durable with its name when this returns.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::File::open(folder)?.sync_all(),
        _ => std::fs::File::open(".")?.sync_all(),
    }
}
