use core::fmt;
use core::hash::{Hash, Hasher};

/// The name a client gives its order: up to 36 ASCII characters of `[.A-Z:/a-z0-9_-]`, held inline.
#[derive(Clone, Copy)]
pub struct ClientId {
    len: u8,
    bytes: [u8; 36],
}

/// A text is empty, too long, or has a character outside the legal range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TextError;

impl ClientId {
    pub const MAX_LEN: usize = 36;
    pub const NONE: ClientId = ClientId {
        len: 0,
        bytes: [0; 36],
    };
    /// What a legal id looks like, as refusals word it.
    pub const PATTERN: &'static str = "^[\\.A-Z\\:/a-z0-9_-]{1,36}$";

    /// # Errors
    /// When `text` does not match [`ClientId::PATTERN`].
    pub fn new(text: &str) -> Result<ClientId, TextError> {
        let legal =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'/' | b'_' | b'-');
        if text.is_empty() || text.len() > Self::MAX_LEN || !text.bytes().all(legal) {
            return Err(TextError);
        }
        let mut bytes = [0; 36];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(ClientId {
            len: u8::try_from(text.len()).map_err(|_| TextError)?,
            bytes,
        })
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or("")
    }

    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.len == 0
    }
}

impl Default for ClientId {
    fn default() -> Self {
        Self::NONE
    }
}

impl PartialEq for ClientId {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for ClientId {}

impl PartialOrd for ClientId {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ClientId {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for ClientId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({})", self.as_str())
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_legal_range_only() {
        assert_eq!(
            ClientId::new("x-A.b:c/d_9").map(|id| id.as_str().to_owned()),
            Ok("x-A.b:c/d_9".to_owned())
        );
        for text in [
            "",
            "a b",
            "é",
            "a,b",
            "0123456789012345678901234567890123456",
        ] {
            assert_eq!(ClientId::new(text), Err(TextError), "{text:?}");
        }
    }
}
