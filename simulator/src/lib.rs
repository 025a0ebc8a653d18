//! The simulator: a whole exchange from the queue to its readers in one seeded process, on a disk, a clock and a network that misbehave.
//!
//! What runs is the real code: sequencer, engine, journal, event log, snapshots, relay. [`sequencer::Steps`] is the sequencer without
//! threads, so that a seed decides which half goes on, and a failure comes again. What is simulated is what the world does: the
//! disk ([`journal::sim`]), the time, the clients and the way to them.
//!
//! * [`world`]: one seed's story. Each seed has its own mix of features, batch sizes and faults.
//! * [`auditor`]: knows requests, answers and what the relay tells, nothing else, and checks the promises.
//! * [`markers`]: rare situations, each of which has to have happened over enough seeds.
//!
//! **What a dishonest disk may cost.** A sync that lies, a write that is lost or lands elsewhere, a flipped bit: damage to what was promised
//! must be *detected*, which means that recovery refuses. One thing cannot be told from a batch that was never finished: damage to the
//! very last batches after which nothing else was synced. Such a seed ends as *excused*, provided that what is left is a true beginning
//! of what was there. What never is excused: any other state, on any disk.
//!
//! Not in here: the gateways' bytes (they have drills of their own, from outside), SQL history, orders routed between books.

pub mod auditor;
pub mod markers;
pub mod world;

pub use markers::Markers;
pub use world::{End, Ran, run};
