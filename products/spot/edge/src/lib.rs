//! Spot as the world sees it: the methods of `/api/v3` and of the WebSocket API, one file for each family.
//!
//! | file | methods |
//! |---|---|
//! | [`general`] | `ping`, `time`, `exchangeInfo` |
//! | [`market`] | `depth`, `trades`, `historicalTrades`, `aggTrades`, `klines`, `uiKlines`, `avgPrice` |
//! | [`tickers`] | `ticker/24hr`, `ticker/tradingDay`, `ticker`, `ticker/price`, `ticker/bookTicker` |
//! | [`orders`] | placing and testing |
//! | [`changes`] | canceling, replacing, amending |
//! | [`lists`] | order lists |
//! | [`routed`] | orders routed over several books |
//! | [`records`] | prevented matches, allocations, amendments of the caller |
//! | [`reference`] | execution rules and reference prices |
//! | [`account`] | balances, commissions, orders and trades of the caller |
//!
//! A method is a row of its file's table (see [`kit::Method`]); [`TABLES`] is what a router is made of. Market data and open orders are answered
//! from memory; history waits for SQL; what changes something waits for the engine's answer below the mark. Members stand in the order in
//! which the public API writes them, and members that it leaves out when they say nothing are left out here.
//!
//! Prices and quantities have eight decimals; amounts have their asset's precision.

use kit::Method;

pub mod account;
pub mod changes;
mod filters;
pub mod general;
pub mod lists;
pub mod market;
pub mod orders;
pub mod records;
pub mod reference;
mod report;
pub mod routed;
mod symbols;
pub mod tickers;

/// Every method of the product.
pub const TABLES: &[&[Method]] = &[
    general::METHODS,
    market::METHODS,
    tickers::METHODS,
    orders::METHODS,
    changes::METHODS,
    lists::METHODS,
    routed::METHODS,
    account::METHODS,
    records::METHODS,
    reference::METHODS,
];
