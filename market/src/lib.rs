//! The living market of a demo: recorded and made-up traders who use the exchange as any client does.
//!
//! They have accounts, send requests through the sequencer's [`Client`](sequencer::Client) and read what everybody can read; nothing here touches
//! the engine. Accounts, symbols and funds are set up by the venue's own (treasury) requests at the first start and found again later, and nothing
//! about the market is stored outside the exchange: after a restart it cancels what it left and goes on at the price where it stood.
//!
//! | module | what it is |
//! |---|---|
//! | [`recording`], [`tape`] | the shipped recording of three symbols, and how it is played for ever |
//! | [`depth`] | what stands behind the touch |
//! | [`symbols`], [`agents`] | the other symbols, and prices that nobody recorded |
//! | [`prologue`] | the day before the first start, and the gaps of downtime |
//! | [`frames`] | raw recorded frames instead of the demo |
//! | [`ladder`] | from the book that should be to the fewest commands |
//! | [`ears`] | what the market is told of its own orders and accounts |
//! | [`live`] | the steps in which all of it happens |
//!
//! Units: prices are ticks and quantities lots of one instrument; floats model prices and sizes only, and become integers on the instrument's
//! grid before they are money. The same seed, clock and users give the same market.
//!
//! In use: `Market::open` makes the market and its past while it owns the clock; `Market::spawn` lets it run.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "prices and sizes are modelled in doubles; what is sent is rounded to the grid"
)]

pub mod agents;
mod config;
pub mod depth;
mod desk;
pub mod ears;
pub mod frames;
pub mod ladder;
pub mod live;
pub mod prologue;
pub mod recording;
pub mod rng;
pub mod symbols;
pub mod tape;

pub use config::{Config, Fidelity, Source, Speed};
pub use desk::MarketError;
pub use ears::Ears;
pub use live::Market;
