//! Everything below the high-water mark, handed to readers in order, each record exactly once by its `Seq`.
//!
//! In one process the relay is a list of readers that the journal's thread walks after a batch has become durable and before its answers
//! are released: whoever has an answer in hand finds it in every view. A reader that has slow work to do (SQL, sockets) passes the shared
//! batch on to a thread of its own and returns.

use std::fmt;
use std::sync::Arc;

use protocol::Batch;

/// Somebody who follows what happens.
pub trait Reader: Send {
    /// Takes the next batch. Quick: everybody's answers wait for it.
    fn apply(&mut self, batch: &Arc<Batch>);
}

/// The readers of one process, in the order in which they were attached.
#[derive(Default)]
pub struct Relay {
    readers: Vec<Box<dyn Reader>>,
}

impl Relay {
    #[must_use]
    pub fn new() -> Relay {
        Relay::default()
    }

    #[must_use]
    pub fn with(mut self, reader: impl Reader + 'static) -> Relay {
        self.readers.push(Box::new(reader));
        self
    }

    /// Hands the batch to every reader.
    pub fn publish(&mut self, batch: &Arc<Batch>) {
        for reader in &mut self.readers {
            reader.apply(batch);
        }
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("readers", &self.readers.len())
            .finish()
    }
}
