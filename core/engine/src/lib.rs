//! The deterministic state machine: requests in, events and replies out.
//!
//! The same records give the same state, events and replies on any machine: no clock, no I/O, no randomness, no hash-ordered iteration.
//! Every command is checked completely and then carried out; a refusal changes nothing, takes no id and appends no event. Units and
//! roundings are those of the crates below; the engine adds none.
//!
//! # Order of checks
//!
//! Of several reasons to refuse, the first in this list is answered:
//!
//! 1. `Expired` (the record's time is after the request's), `UnknownAccount`, `NotPermitted` (administration by somebody else than the
//!    venue; orders by an account of the venue), `UnknownInstrument`
//! 2. placing: `UnsupportedCombination`; `PegNotForKind`, `PegKindNotForKind`, `PegLiquidity`; `IcebergExceedsQty` and the filters of icebergs behind those of prices
//!    and quantities; PRICE_FILTER, PERCENT_PRICE_BY_SIDE, LOT_SIZE, MARKET_LOT_SIZE, NOTIONAL, MAX_NUM_ORDERS (orders
//!    that may rest); `StpModeNotAllowed`; `MarketClosed`; `DuplicateClientId`; `NothingToTrade`; `WouldTake`; `NoLiquidity`,
//!    `LiquidityBelowLotSize`, `LiquidityBelowMarketLotSize`; `InsufficientBalance`
//!    a conditional order is checked for its stop price (PRICE_FILTER) too, and for `WouldTrigger` before its money
//! 3. canceling: `CancelClosed`, `UnknownOrder`, `ClientIdMismatch`, `CancelRestricted`
//! 4. amending: `AmendClosed`, `AmendPendingOpo`, `AmendUnknownOrder`, `ClientIdMismatch`, LOT_SIZE, `AmendIncrease`, `AmendNoChange`, NOTIONAL,
//!    `DuplicateClientId`
//! 5. cancel-replace: the new order up to `DuplicateClientId` as in 2; then the cancel as in 3; then the rest of 2, as things stand after
//!    the cancel
//!
//! # Order of events
//!
//! `OrderPlaced`; for each match `Traded`, or `MatchPrevented` (then `MatchPreventedInGroup` if both are of a trade group, `Transferred` for what
//! changed hands) and the maker's `OrderClosed` or `OrderDecremented`, and the taker's `OrderDecremented` when it goes on; then `OrderRested` or the taker's `OrderClosed`,
//! or nothing when it filled; at the end of the record `BalanceChanged` once for each balance that changed, in the order of their first change.
//!
//! After that: conditional orders whose price a trade of the record reached, each with `OrderTriggered` and then as above, at most
//! [`TRIGGERS_AT_ONCE`] in one record; the others act in `Wake` records of their own. `TrailingStarted` stands behind the trade that caused it.
//!
//! # Snapshot
//!
//! See [`Engine::snapshot`]: canonical bytes of the logical state alone. [`Engine::digest`] is their hash.
//!
//! Unsafe: none in the crate; its test of allocations counts them in a global allocator, whose trait is unsafe.

mod admin;
mod amend;
mod audit;
mod blocks;
mod cancel;
mod cascade;
mod command;
mod commission;
mod conditional;
mod convert;
mod extras;
mod groups;
mod limits;
mod lists;
mod locks;
mod market;
mod pairs;
mod place;
mod prevent;
mod reference;
mod routing;
mod settle;
mod snapshot;
mod state;

pub use conditional::TRIGGERS_AT_ONCE;
pub use snapshot::{Corrupt, Digest, SNAPSHOT_VERSION};
pub use state::Engine;

use core::fmt;

/// The newest behaviour of the rules that this program knows; see [`protocol::Admin::SetRulesVersion`].
pub const RULES_VERSION: u32 = 1;

/// What an audit found wrong, as a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation(pub String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}
