use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::{hmac, signature};
use types::AccountId;

use crate::{Error, Result};

/// How the holder of a key proves that a request is theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    /// HMAC-SHA256 with a shared secret, in hexadecimal of either case.
    Hmac,
    /// Ed25519, base64.
    Ed25519,
    /// RSA PKCS#1 v1.5 with SHA-256, base64.
    Rsa,
}

impl KeyKind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            KeyKind::Hmac => "HMAC",
            KeyKind::Ed25519 => "ED25519",
            KeyKind::Rsa => "RSA",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<KeyKind> {
        [KeyKind::Hmac, KeyKind::Ed25519, KeyKind::Rsa]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// What the holder of a key may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Permissions {
    pub read: bool,
    pub trade: bool,
}

impl Permissions {
    pub const ALL: Permissions = Permissions {
        read: true,
        trade: true,
    };
}

pub(crate) enum Verifier {
    Hmac(hmac::Key),
    Public(signature::UnparsedPublicKey<Vec<u8>>),
}

/// A key that may be used now.
pub struct Key {
    pub api_key: Box<str>,
    pub account: AccountId,
    pub kind: KeyKind,
    pub permissions: Permissions,
    /// From where the key may be used; empty for anywhere.
    pub ips: Vec<IpAddr>,
    pub(crate) verifier: Verifier,
}

impl Key {
    /// Whether `signature` was made over `payload` by the holder of this key. Comparison takes constant time.
    #[must_use]
    pub fn verify(&self, payload: &[u8], signature: &str) -> bool {
        match &self.verifier {
            Verifier::Hmac(key) => {
                hex::decode(signature).is_ok_and(|bytes| hmac::verify(key, payload, &bytes).is_ok())
            }
            Verifier::Public(key) => BASE64_STANDARD
                .decode(signature)
                .is_ok_and(|bytes| key.verify(payload, &bytes).is_ok()),
        }
    }

    /// Whether the key may be used from this address.
    #[must_use]
    pub fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.ips.is_empty() || self.ips.iter().any(|ip| ip.to_canonical() == peer)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("account", &self.account)
            .field("kind", &self.kind)
            .field("permissions", &self.permissions)
            .finish_non_exhaustive()
    }
}

pub(crate) fn hmac_verifier(secret: &str) -> Verifier {
    Verifier::Hmac(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
}

/// The bytes of a public key as `ring` wants them: 32 bytes for Ed25519, PKCS#1 `RSAPublicKey` for RSA.
pub(crate) fn public_verifier(kind: KeyKind, bytes: Vec<u8>) -> Result<Verifier> {
    let algorithm: &'static dyn signature::VerificationAlgorithm = match kind {
        KeyKind::Ed25519 => &signature::ED25519,
        KeyKind::Rsa => &signature::RSA_PKCS1_2048_8192_SHA256,
        KeyKind::Hmac => return Err(Error::PublicKeyMismatch),
    };
    Ok(Verifier::Public(signature::UnparsedPublicKey::new(
        algorithm, bytes,
    )))
}

const ED25519: spki::ObjectIdentifier = spki::ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: spki::ObjectIdentifier = spki::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Reads a PEM public key of the given kind.
pub(crate) fn public_key_bytes(kind: KeyKind, pem: &str) -> Result<Vec<u8>> {
    let (label, der) = pem_rfc7468::decode_vec(pem.trim().as_bytes()).map_err(|_| {
        Error::PublicKey("it is not PEM (`-----BEGIN PUBLIC KEY-----`, base64 lines, `-----END PUBLIC KEY-----`)")
    })?;
    if label != "PUBLIC KEY" {
        return Err(Error::PublicKey(
            "the PEM must be labelled `PUBLIC KEY`: send the public half, as `openssl pkey -pubout` prints it",
        ));
    }
    let info = spki::SubjectPublicKeyInfoRef::try_from(der.as_slice())
        .map_err(|_| Error::PublicKey("the PEM does not hold a SubjectPublicKeyInfo"))?;
    let (oid, bytes) = (
        info.algorithm.oid,
        info.subject_public_key
            .as_bytes()
            .ok_or(Error::PublicKey("the key has stray bits"))?,
    );
    match kind {
        KeyKind::Ed25519 if oid == ED25519 && bytes.len() == 32 => Ok(bytes.to_vec()),
        KeyKind::Ed25519 => Err(Error::PublicKey("it is not an Ed25519 key")),
        KeyKind::Rsa if oid == RSA => Ok(rsa_of_usable_size(bytes)?.to_vec()),
        KeyKind::Rsa => Err(Error::PublicKey("it is not an RSA key")),
        KeyKind::Hmac => Err(Error::PublicKeyMismatch),
    }
}

/// `RSAPublicKey ::= SEQUENCE { modulus, exponent }`, the modulus of 2048 to 8192 bits.
fn rsa_of_usable_size(der: &[u8]) -> Result<&[u8]> {
    // The modulus makes all but about ten bytes of the structure.
    if (256..=1040).contains(&der.len().saturating_sub(10)) {
        Ok(der)
    } else {
        Err(Error::PublicKey("an RSA key has 2048 to 8192 bits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hmac_key() -> Key {
        Key {
            api_key: "k".into(),
            account: AccountId(1001),
            kind: KeyKind::Hmac,
            permissions: Permissions::ALL,
            ips: vec!["127.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
            verifier: hmac_verifier(
                "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
            ),
        }
    }

    #[test]
    fn the_published_vectors_verify() {
        let key = hmac_key();
        let order = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        for (payload, signature) in [
            (
                format!("symbol=LTCBTC&{order}"),
                "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
            ),
            (
                format!("symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&{order}"),
                "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
            ),
            (
                "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00&quantity=0.01000000&recvWindow=100\
                 &side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT"
                    .to_owned(),
                "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
            ),
        ] {
            assert!(key.verify(payload.as_bytes(), signature), "{payload}");
            assert!(key.verify(payload.as_bytes(), &signature.to_uppercase()), "either case");
            assert!(!key.verify(payload.as_bytes(), &signature.replace('c', "d")));
            assert!(!key.verify(payload.replace("BUY", "SELL").replace("SELL", "BUY").replace('1', "2").as_bytes(), signature));
        }
        for nonsense in [
            "",
            "zz",
            "c8",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b7",
        ] {
            assert!(!key.verify(b"", nonsense));
        }
    }

    #[test]
    fn an_address_list_binds() {
        let key = hmac_key();
        assert!(key.allows("127.0.0.1".parse().unwrap()));
        assert!(key.allows("::ffff:127.0.0.1".parse().unwrap()));
        assert!(key.allows("2001:db8::1".parse().unwrap()));
        assert!(!key.allows("127.0.0.2".parse().unwrap()));
    }

    #[test]
    fn public_keys_are_read_by_kind() {
        // Made with `openssl genpkey -algorithm ed25519 | openssl pkey -pubout`.
        let ed = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        assert_eq!(public_key_bytes(KeyKind::Ed25519, ed).unwrap().len(), 32);
        assert!(public_key_bytes(KeyKind::Rsa, ed).is_err());
        assert!(public_key_bytes(KeyKind::Hmac, ed).is_err());
        for broken in [
            "",
            "MCow",
            &ed.replace("PUBLIC", "PRIVATE"),
            &ed.replace("MCow", "MCox"),
        ] {
            assert!(
                public_key_bytes(KeyKind::Ed25519, broken).is_err(),
                "{broken:?}"
            );
        }
    }

    /// The fixtures were made with openssl: `dgst -sha256 -sign` over the payload below.
    #[test]
    fn an_rsa_signature_of_another_program_verifies() {
        let pem = include_str!("../tests/fixtures/rsa-2048.pem");
        let signature = include_str!("../tests/fixtures/rsa-2048.signature").trim();
        let bytes = public_key_bytes(KeyKind::Rsa, pem).unwrap();
        let key = Key {
            kind: KeyKind::Rsa,
            verifier: public_verifier(KeyKind::Rsa, bytes).unwrap(),
            ..hmac_key()
        };
        assert!(key.verify(b"symbol=BTCUSDT&timestamp=1", signature));
        assert!(!key.verify(b"symbol=BTCUSDT&timestamp=2", signature));
        assert!(!key.verify(b"symbol=BTCUSDT&timestamp=1", &signature.to_lowercase()));
        assert!(public_key_bytes(KeyKind::Ed25519, pem).is_err());
        let short = include_str!("../tests/fixtures/rsa-1024.pem");
        assert!(public_key_bytes(KeyKind::Rsa, short).is_err());
    }
}
