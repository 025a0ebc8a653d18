//! The deterministic state machine: requests in, events and replies out.

use core::fmt;

use contract::Registry;
use protocol::{Event, Events, Reject, RejectCode, Reply, Request};
use types::{Seq, Time};

/// The whole exchange as one value.
#[derive(Debug)]
pub struct Engine {
    registry: Registry,
}

/// One number for the logical state: equal for equal states, whatever the memory layout. Displays as hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Digest(pub u128);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Bytes that are not a snapshot of a valid state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Corrupt(pub String);

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "corrupt snapshot: {}", self.0)
    }
}

impl std::error::Error for Corrupt {}

/// What an audit found wrong, as a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation(pub String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

impl Engine {
    #[must_use]
    pub fn new(registry: Registry) -> Engine {
        Engine { registry }
    }

    /// # Errors
    /// The refusal; nothing was changed and nothing appended.
    pub fn execute(
        &mut self,
        _seq: Seq,
        _time: Time,
        _request: &Request,
        _out: &mut Events,
    ) -> Result<Reply, Reject> {
        Err(RejectCode::UnknownAccount.into())
    }

    /// Every check of [`Engine::execute`], without effect.
    ///
    /// # Errors
    /// What `execute` would refuse with.
    pub fn check(&self, _time: Time, _request: &Request) -> Result<(), Reject> {
        Err(RejectCode::UnknownAccount.into())
    }

    /// Is there work waiting for [`protocol::Command::Wake`]?
    #[must_use]
    pub fn due(&self, _time: Time) -> bool {
        false
    }

    /// Writes the canonical bytes of the logical state.
    pub fn snapshot(&self, _sink: &mut dyn FnMut(&[u8])) {}

    /// # Errors
    /// When the bytes are not a snapshot of a valid state.
    pub fn restore(registry: Registry, _bytes: &[u8]) -> Result<Engine, Corrupt> {
        Ok(Engine::new(registry))
    }

    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(0)
    }

    /// # Errors
    /// The first violation found.
    pub fn audit(&self) -> Result<(), Violation> {
        Ok(())
    }

    /// The whole state as events: what views are seeded with.
    pub fn tell(&self, _out: &mut dyn FnMut(Event)) {}

    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}
