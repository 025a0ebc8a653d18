//! The living market of the demo: ordinary accounts that place, cancel and take so that a page has something to show and a bot somebody to
//! trade with.
//!
//! It has no privilege but the venue's own administration on a first start: assets, symbols, accounts and money come by [`protocol::Admin`]
//! requests; everything after that is orders. A person's orders stand in the same books, queue and match.
//!
//! * **Recorded symbols** follow the recording that ships with the program ([`recording`]): the touch and its quantities from the quotes,
//!   the tape from the trades. It is played forwards, then backwards with the takers' sides turned round, and so on for ever: the loop
//!   joins without a jump.
//! * **The others** follow seeded random walks ([`path`]); crosses of two recorded symbols follow their legs.
//! * **Behind the touch** stands depth of a measured shape ([`depth`]).
//! * **The past** ([`prologue`]): on a first start, and after a pause, up to 24 hours are made in virtual time by the same accounts, ending
//!   where the live market begins.
//!
//! Money: each account is funded once with far more than a day's trading moves; commissions go to the venue. Floats shape prices here and
//! are rounded to the grid before anything is sent.

mod depth;
mod desk;
mod live;
mod path;
mod prologue;
pub mod recording;
mod rng;
mod setup;
mod symbols;

use std::path::PathBuf;
use std::sync::Arc;

use protocol::Instrument;
use types::{AssetId, Decimal, Time};

pub use live::spawn;
pub use prologue::prologue;

/// How the market finds what is listed already.
pub trait Catalog: Send + Sync {
    fn instrument(&self, symbol: &str) -> Option<Arc<Instrument>>;
    fn asset(&self, name: &str) -> Option<AssetId>;
    /// Price and time of the last trade.
    fn last_trade(&self, symbol: &str) -> Option<(Decimal, Time)>;
}

/// How the market runs.
#[derive(Clone)]
pub struct Config {
    /// Of everything random.
    pub seed: u64,
    /// Where the numbers of the market's accounts are kept. Lost, the market opens new ones.
    pub accounts: PathBuf,
    pub catalog: Arc<dyn Catalog>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// Why the market cannot run.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    #[error(transparent)]
    Recording(#[from] recording::Unreadable),
    #[error("the exchange is gone: {0}")]
    Unavailable(#[from] sequencer::Unavailable),
    #[error("the exchange refused to {what}: {reject:?}")]
    Refused {
        what: &'static str,
        reject: protocol::Reject,
    },
    #[error("keep the market's accounts in {path}: {error}")]
    Accounts {
        path: PathBuf,
        error: std::io::Error,
    },
}
