//! The single queue: stamp, batch, execute, have it journalled, release.
//!
//! Two threads. The engine's thread takes jobs from the queue, stamps `Seq` and `Time`, executes, and seals what was accepted into a batch as
//! it will lie on the disk. The journal's thread writes the batch, syncs it once, moves the high-water mark, hands the batch to the event log
//! and to the relay's readers, and only then releases the answers. While one batch is written the next is executed; because only one sealed
//! batch may wait, batches grow by themselves to what one sync carries.
//! [`Steps`] is the same two halves without threads, for a simulation that decides itself which of them goes on.
//!
//! **Refusals** take no `Seq` and leave no record, but travel with the batch of their time, so that an answer never overtakes what it was
//! based on.
//!
//! **Panics.** A command that makes the engine panic was never journalled. Everything before it is written, the engine is rebuilt from
//! snapshot and tail, the culprit is refused (-1000) and its market halted by a journalled record; everything else goes on.
//!
//! **Snapshots** are taken by a second engine on a thread of its own that follows the journal; trading does not pause. Counted in records to
//! replay, so that recovery stays bounded.
//!
//! **Failed writes and syncs are fatal**: waiting answers are lost (execution status unknown), the caller is told and should end the process.
//!
//! **A full disk** is foreseen by the journal, which makes its segments one ahead. While the next one cannot be made, [`Brake`] is on: only
//! what takes orders off the books is taken, the rest is denied, and trading goes on by itself when there is room again.

mod brake;
mod client;
mod clock;
mod executor;
mod keeper;
mod recover;
mod run;
mod steps;

pub use brake::Brake;
pub use client::{Accepted, Answer, Client, State, Unavailable};
pub use clock::{Clock, ManualClock, SystemClock};
pub use executor::Position;
pub use journal::Durability;
pub use keeper::Mark;
pub use recover::{RecoverError, Rules, read_events, replay, restore};
pub use run::{Doom, Options, Recovered, Report, Sequencer};
pub use steps::{Stepped, Steps};
