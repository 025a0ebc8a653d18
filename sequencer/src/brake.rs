//! What is refused while the disk is full.
//!
//! The journal makes its segments one ahead. When the next one cannot be made there is still the rest of the current one: that is kept for what
//! makes the venue smaller, so that people can leave the market while somebody makes room. Everything else is denied before the engine sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::{Admin, Command};

/// Set by the journal's thread, asked by the engine's thread; shared by whoever wants to know.
#[derive(Clone, Debug, Default)]
pub struct Brake(Arc<AtomicBool>);

impl Brake {
    /// The journal has no room for more than what it already holds.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Follows the journal's health. Off again only when the next segment is there: while it is tried again nothing is known.
    pub(crate) fn follow(&self, health: &journal::Health) {
        let was = self.is_on();
        if let (Some(why), false) = (&health.trouble, was) {
            tracing::error!(
                why,
                bytes_left = health.bytes_left,
                "the disk is full: only cancels are taken until there is room again"
            );
            self.0.store(true, Ordering::Relaxed);
        } else if was && health.next_ready {
            tracing::warn!("there is room again: everything is taken");
            self.0.store(false, Ordering::Relaxed);
        }
    }

    pub(crate) fn refuses(&self, command: &Command) -> bool {
        self.is_on() && !relieves(command)
    }
}

/// Whether a command only takes things off the books.
fn relieves(command: &Command) -> bool {
    matches!(
        command,
        Command::CancelOrder(_)
            | Command::CancelAll(_)
            | Command::CancelList(_)
            | Command::Wake(_)
            | Command::Admin(Admin::HaltInstrument(_))
    )
}
