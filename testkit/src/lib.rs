//! The harness that tests of the whole exchange stand on.
//!
//! * [`Exchange`]: a real engine that is audited after every step, must not change by a refusal, and is regularly rebuilt from a snapshot
//!   and from its own records, with equal digest and chain.
//! * [`naive`]: a second engine written from the rules alone, by lists and searches: the twin that says what is right.
//! * [`random`]: seeded commands over tiny domains, a third of them wrong.
//! * [`scenario`]: readable stories (`scenarios/*.scn`) and what runs them.
//!
//! Test code: it panics when something is wrong, with a sentence that says what.

pub mod exchange;
pub mod naive;
pub mod random;
pub mod scenario;

pub use exchange::Exchange;

/// The registry that tests run with: what the program has.
#[must_use]
pub fn registry() -> contract::Registry {
    contract::Registry::new().contract(spot_rules::Spot)
}
