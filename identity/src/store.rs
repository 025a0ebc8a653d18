use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;
use rand::Rng as _;
use rand::distr::Alphanumeric;
use sqlx::Row as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use types::AccountId;

use crate::key::{hmac_verifier, public_key_bytes, public_verifier};
use crate::seal::Sealer;
use crate::{Error, Key, KeyKind, Permissions, Result};

/// What a key shall be.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub account: AccountId,
    pub kind: KeyKind,
    /// PEM, for Ed25519 and RSA.
    pub public_key: Option<String>,
    pub permissions: Permissions,
    /// From where it may be used; empty for anywhere.
    pub ips: Vec<IpAddr>,
}

/// The key as its owner is told. The secret is shown here and never again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    pub api_key: String,
    /// For HMAC keys only.
    pub secret: Option<String>,
}

/// Every API key. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    pool: SqlitePool,
    sealer: Sealer,
    index: RwLock<HashMap<Box<str>, Arc<Key>>>,
}

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS api_keys (
    api_key TEXT PRIMARY KEY, account INTEGER NOT NULL, kind TEXT NOT NULL, sealed_secret BLOB, public_key BLOB,
    may_read INTEGER NOT NULL, may_trade INTEGER NOT NULL, ips TEXT NOT NULL
) STRICT";

impl Keys {
    /// Opens `identity.db` and `identity.key` in the data folder, making what is missing.
    ///
    /// # Errors
    /// [`Error`], when a file cannot be read or does not belong to the other.
    pub async fn open(folder: impl AsRef<Path>) -> Result<Keys> {
        let folder = folder.as_ref();
        let sealer = Sealer::open(&folder.join("identity.key"))?;
        let options = SqliteConnectOptions::new()
            .filename(folder.join("identity.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new()
            .max_connections(2)
            .connect_with(options)
            .await?;
        sqlx::query(SCHEMA).execute(&pool).await?;
        let rows = sqlx::query("SELECT * FROM api_keys")
            .fetch_all(&pool)
            .await?;
        let mut index = HashMap::with_capacity(rows.len());
        for row in &rows {
            let key = read(row, &sealer)?;
            index.insert(key.api_key.clone(), Arc::new(key));
        }
        Ok(Keys(Arc::new(Inner {
            pool,
            sealer,
            index: RwLock::new(index),
        })))
    }

    /// Makes a key; durable and usable when this returns.
    ///
    /// # Errors
    /// [`Error::PublicKey`] and [`Error::PublicKeyMismatch`] for the caller's mistakes; others for ours.
    pub async fn create(&self, new: NewKey) -> Result<Created> {
        let api_key = random_text();
        let public = check(new.kind, new.public_key.as_deref())?;
        let secret = public.is_none().then(random_text);
        let sealed = match &secret {
            Some(secret) => Some(self.0.sealer.seal(&api_key, secret)?),
            None => None,
        };
        let verifier = match (&secret, &public) {
            (Some(secret), _) => hmac_verifier(secret),
            (None, Some(bytes)) => public_verifier(new.kind, bytes.clone())?,
            (None, None) => return Err(Error::PublicKeyMismatch),
        };
        let ips: Vec<String> = new.ips.iter().map(IpAddr::to_string).collect();
        sqlx::query("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(api_key.as_str())
            .bind(i64::from(new.account.0))
            .bind(new.kind.name())
            .bind(sealed)
            .bind(public)
            .bind(new.permissions.read)
            .bind(new.permissions.trade)
            .bind(ips.join(" "))
            .execute(&self.0.pool)
            .await?;
        let key = Key {
            api_key: api_key.as_str().into(),
            account: new.account,
            kind: new.kind,
            permissions: new.permissions,
            ips: new.ips,
            verifier,
        };
        self.0
            .index
            .write()
            .insert(api_key.as_str().into(), Arc::new(key));
        Ok(Created { api_key, secret })
    }

    /// Ends a key; durable when this returns. `false` when there is no such key.
    ///
    /// # Errors
    /// [`Error::Database`]. The key is unusable from the call on even then, until the next start.
    pub async fn revoke(&self, api_key: &str) -> Result<bool> {
        let known = self.0.index.write().remove(api_key).is_some();
        let gone = sqlx::query("DELETE FROM api_keys WHERE api_key = ?")
            .bind(api_key)
            .execute(&self.0.pool)
            .await?;
        Ok(known || gone.rows_affected() > 0)
    }

    #[must_use]
    pub fn lookup(&self, api_key: &str) -> Option<Arc<Key>> {
        self.0.index.read().get(api_key).cloned()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.index.read().len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Closes the database; keys that were looked up stay usable.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("len", &self.len()).finish()
    }
}

/// Whether a key of this kind can be made with this public key; its bytes for the kinds that have one.
///
/// # Errors
/// [`Error::PublicKey`] and [`Error::PublicKeyMismatch`].
pub fn check(kind: KeyKind, public_key: Option<&str>) -> Result<Option<Vec<u8>>> {
    match (kind, public_key) {
        (KeyKind::Hmac, None) => Ok(None),
        (KeyKind::Hmac, Some(_)) | (_, None) => Err(Error::PublicKeyMismatch),
        (kind, Some(pem)) => public_key_bytes(kind, pem).map(Some),
    }
}

/// 64 letters and digits: 381 bits.
fn random_text() -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(64)
        .map(char::from)
        .collect()
}

fn read(row: &SqliteRow, sealer: &Sealer) -> Result<Key> {
    let api_key: String = row.try_get("api_key")?;
    let damaged = |what: &str| Error::Damaged(format!("{what} of {api_key}"));
    let kind: String = row.try_get("kind")?;
    let kind = KeyKind::from_name(&kind).ok_or_else(|| damaged("the kind"))?;
    let account: i64 = row.try_get("account")?;
    let account = u32::try_from(account).map_err(|_| damaged("the account"))?;
    let sealed: Option<Vec<u8>> = row.try_get("sealed_secret")?;
    let public: Option<Vec<u8>> = row.try_get("public_key")?;
    let verifier = match (sealed, public) {
        (Some(sealed), None) => hmac_verifier(&sealer.unseal(&api_key, &sealed)?),
        (None, Some(public)) => public_verifier(kind, public)?,
        _ => return Err(damaged("the secret")),
    };
    let ips: String = row.try_get("ips")?;
    let ips = ips
        .split_whitespace()
        .map(|ip| ip.parse().map_err(|_| damaged("an address")))
        .collect::<Result<Vec<IpAddr>>>()?;
    Ok(Key {
        api_key: api_key.as_str().into(),
        account: AccountId(account),
        kind,
        permissions: Permissions {
            read: row.try_get("may_read")?,
            trade: row.try_get("may_trade")?,
        },
        ips,
        verifier,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    fn new(kind: KeyKind, public_key: Option<String>) -> NewKey {
        NewKey {
            account: AccountId(1001),
            kind,
            public_key,
            permissions: Permissions {
                read: true,
                trade: false,
            },
            ips: vec!["10.0.0.1".parse().unwrap()],
        }
    }

    fn sign(secret: &str, payload: &[u8]) -> String {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        hex::encode(ring::hmac::sign(&key, payload))
    }

    #[tokio::test]
    async fn keys_survive_a_restart_and_secrets_are_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).await.unwrap();
        let made = keys.create(new(KeyKind::Hmac, None)).await.unwrap();
        let secret = made.secret.clone().unwrap();
        assert_eq!((made.api_key.len(), secret.len()), (64, 64));
        keys.close().await;

        let keys = Keys::open(folder.path()).await.unwrap();
        let key = keys.lookup(&made.api_key).unwrap();
        assert_eq!(
            (key.account, key.kind, key.permissions.trade, key.ips.len()),
            (AccountId(1001), KeyKind::Hmac, false, 1)
        );
        assert!(key.verify(b"a=1", &sign(&secret, b"a=1")));
        assert!(!key.verify(b"a=2", &sign(&secret, b"a=1")));
        keys.close().await;
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(
                !bytes.windows(64).any(|w| w == secret.as_bytes()),
                "the secret lies open"
            );
        }
        let mode = std::fs::metadata(folder.path().join("identity.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_revoked_key_is_gone_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).await.unwrap();
        let made = keys.create(new(KeyKind::Hmac, None)).await.unwrap();
        assert!(keys.revoke(&made.api_key).await.unwrap());
        assert!(keys.lookup(&made.api_key).is_none());
        assert!(!keys.revoke(&made.api_key).await.unwrap());
        keys.close().await;
        assert!(Keys::open(folder.path()).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_ed25519_key_verifies_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let prefix = [
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ];
        let der = [prefix.as_slice(), pair.public_key().as_ref()].concat();
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            BASE64_STANDARD.encode(der)
        );
        let keys = Keys::open(folder.path()).await.unwrap();
        let made = keys.create(new(KeyKind::Ed25519, Some(pem))).await.unwrap();
        assert_eq!(made.secret, None);
        keys.close().await;
        let keys = Keys::open(folder.path()).await.unwrap();
        let key = keys.lookup(&made.api_key).unwrap();
        let signature = BASE64_STANDARD.encode(pair.sign(b"timestamp=1"));
        assert!(key.verify(b"timestamp=1", &signature));
        assert!(!key.verify(b"timestamp=2", &signature));
        assert!(!key.verify(b"timestamp=1", "AAAA"));
    }

    #[tokio::test]
    async fn a_foreign_key_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).await.unwrap();
        keys.create(new(KeyKind::Hmac, None)).await.unwrap();
        keys.close().await;
        std::fs::write(folder.path().join("identity.key"), [1; 32]).unwrap();
        assert!(matches!(
            Keys::open(folder.path()).await,
            Err(Error::Sealed(_))
        ));
        std::fs::write(folder.path().join("identity.key"), [1; 31]).unwrap();
        assert!(matches!(
            Keys::open(folder.path()).await,
            Err(Error::KeyFile(_))
        ));
    }

    #[tokio::test]
    async fn a_key_needs_what_its_kind_needs() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).await.unwrap();
        for new in [
            new(KeyKind::Hmac, Some("x".into())),
            new(KeyKind::Rsa, None),
        ] {
            assert!(matches!(
                keys.create(new).await,
                Err(Error::PublicKeyMismatch)
            ));
        }
        assert!(matches!(
            keys.create(new(KeyKind::Rsa, Some("x".into()))).await,
            Err(Error::PublicKey(_))
        ));
        assert!(keys.is_empty());
    }
}
