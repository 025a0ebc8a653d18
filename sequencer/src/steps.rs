use std::fmt;
use std::sync::Arc;

use crossbeam_channel::unbounded;
use journal::Fatal;
use relay::Relay;

use crate::keeper::Mark;
use crate::run::{Doom, Pump, Recovered, Shelf};
use crate::{Brake, Client, Clock, RecoverError};

/// The queue without threads: the same two halves, each of which does one thing when it is told to, so that a simulation decides in which
/// order. With [`journal::Threads::Inline`] nothing runs beside it.
pub struct Steps {
    pub client: Client,
    pub mark: Mark,
    pub brake: Brake,
    pump: Pump,
    shelf: Shelf,
}

/// What a step came to.
#[derive(Debug)]
pub enum Stepped {
    Done,
    /// There was nothing to do.
    Nothing,
    /// The process has to end.
    Fatal(Fatal),
    /// The process has to end: the engine panicked and could not be rebuilt.
    Doomed(Doom),
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Steps")
            .field("mark", &self.mark)
            .finish_non_exhaustive()
    }
}

impl Recovered {
    /// As [`Recovered::start`], but nothing happens unless it is told to.
    #[must_use]
    pub fn steps(self, relay: Relay, clock: Arc<dyn Clock>) -> Steps {
        let (client, pump, mut shelf) = self.wire(relay, clock, unbounded());
        shelf.take_by_hand();
        Steps {
            client,
            mark: shelf.mark(),
            brake: shelf.brake(),
            pump,
            shelf,
        }
    }
}

impl Steps {
    /// The engine's half: executes what waits, up to a batch, and hands it over.
    pub fn execute(&mut self) -> Stepped {
        let shelf = &mut self.shelf;
        // after a panic: everything that was handed over has to lie in the journal first
        let mut flush = |_: &Pump| {
            let served = loop {
                match shelf.step() {
                    Ok(true) => {}
                    Ok(false) => break shelf.sync(),
                    Err(fatal) => break Err(fatal),
                }
            };
            served.is_ok()
        };
        match self.pump.step(&mut flush) {
            Ok(true) => Stepped::Done,
            Ok(false) => Stepped::Nothing,
            Err(doom) => Stepped::Doomed(doom),
        }
    }

    /// The journal's half: writes the oldest batch that was handed over, syncs it and releases its answers.
    pub fn keep(&mut self) -> Stepped {
        match self.shelf.step() {
            Ok(true) => Stepped::Done,
            Ok(false) => Stepped::Nothing,
            Err(fatal) => self.fail(fatal),
        }
    }

    /// What the journal's half does when nothing came for a while.
    pub fn idle(&mut self) -> Stepped {
        match self.shelf.idle() {
            Ok(()) => Stepped::Done,
            Err(fatal) => self.fail(fatal),
        }
    }

    /// Whether a snapshot waits to be taken.
    #[must_use]
    pub fn snapshot_due(&self) -> bool {
        self.shelf.snapshot_due()
    }

    /// Takes the snapshot that is due, and says why if that was not possible: nothing depends on it.
    pub fn snapshot(&mut self) -> (Stepped, Option<RecoverError>) {
        if !self.snapshot_due() {
            return (Stepped::Nothing, None);
        }
        match self.shelf.snapshot() {
            Ok(error) => (Stepped::Done, error),
            Err(fatal) => (self.fail(fatal), None),
        }
    }

    fn fail(&self, fatal: Fatal) -> Stepped {
        self.shelf.lose();
        Stepped::Fatal(fatal)
    }
}
