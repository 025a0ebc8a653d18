//! People's API keys: who may act for which account, proven by what.
//!
//! Keys live in a SQLite database of their own in the data folder (`identity.db`, every commit synchronous), outside the engine: they are not
//! money. The secret of an HMAC key must be readable to verify a signature, so it is stored sealed (AES-256-GCM, the API key as associated
//! data) under a key file of 32 random bytes beside the database (`identity.key`, mode 0600). Of Ed25519 and RSA keys only the public half is
//! ever known here. [`Keys::lookup`] answers from memory; [`Keys::create`] and [`Keys::revoke`] return when the change is durable.
//!
//! Errors are [`Error`]; each says what to do.

mod key;
mod seal;
mod store;

pub use key::{Key, KeyKind, Permissions};
pub use store::{Created, Keys, NewKey, check};

/// Why keys cannot be opened, made or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the public key is not usable: {0}")]
    PublicKey(&'static str),
    #[error(
        "a key of kind HMAC takes no public key; Ed25519 and RSA keys need one (PEM, `-----BEGIN PUBLIC KEY-----`)"
    )]
    PublicKeyMismatch,
    #[error("{path}: {source}")]
    File {
        path: String,
        source: std::io::Error,
    },
    #[error(
        "{0} is not 32 bytes: restore it from a backup; without it the stored secrets cannot be read"
    )]
    KeyFile(String),
    #[error(
        "the sealed secret of API key {0} cannot be opened: identity.key does not belong to this identity.db"
    )]
    Sealed(String),
    #[error("a stored key is damaged: {0}")]
    Damaged(String),
    #[error("the database of keys: {0}")]
    Database(#[from] sqlx::Error),
}

/// What this crate answers with.
pub type Result<T> = std::result::Result<T, Error>;
