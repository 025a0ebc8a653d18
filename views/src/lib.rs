//! Views: what happened, as tables, candles, tickers and depth. Never the authority on money.
//!
//! **Fed below the mark.** [`ViewsReader`] takes each record on the relay's thread before its answer is released, so a client reads its own
//! writes at once. Books, tickers, candles, balances, open orders and recent trades are answered from memory, one short lock for each market
//! and each account. One thread writes memory; any number read it.
//!
//! **History is SQL** (SQLite, or PostgreSQL by URL), written by a thread of its own in transactions of up to 40,000 rows, each with the
//! number of its last record. Memory keeps a row until the transaction that holds it has committed, and queries read memory before the
//! database: so a query sees each row exactly once, at every moment of a flush, and never waits for one.
//!
//! **When the database is slow**, rows wait in memory, up to [`Options::tail_rows`]. Beyond that the relay waits for the database, and
//! clients with it: the exchange slows down rather than forget a row or fill the memory. When the database fails, its transaction is tried
//! again every second, and said so in the log.
//!
//! **Everything here can be made again** from the event log. [`Views::open`] says where history stands; [`Opening::apply`] takes what it
//! lacks, record by record, each once by its `Seq`; [`Opening::start`] then takes the present state from the engine. With
//! [`Options::rebuild`] the tables are dropped first and every record is taken again.
//!
//! **Units.** Prices and quantities are [`types::Decimal`]; sums over trades are [`types::Amount`] (base at 10⁻⁸, quote in atoms), because a
//! sum may not fit in a `Decimal`. Averages round down. **Precision of windows:** the 24-hour ticker and the average price begin at a whole
//! second, rolling windows and trading days at a whole minute (so they may be up to a second, or 59 seconds, longer than asked); inside,
//! every trade is counted exactly.

mod account;
mod book;
mod candles;
mod catalog;
mod commission;
mod history;
mod interval;
mod market;
mod model;
mod project;
mod query;
mod rules;
mod series;
mod tape;
mod views;

pub use interval::Interval;
pub use model::{
    AggQuery, AggTrade, AllocationRow, AllocationsQuery, Amendment, Asset, AvgPrice, Balance, Best,
    BlockRow, Candle, Depth, Fill, FillsQuery, HistoryError, ListKey, ListsQuery, OrderKey,
    OrdersQuery, PreventedMatch, PreventedQuery, PublicTrade, Ticker, TransferRow, Window,
};
pub(crate) use views::Inner;
pub use views::{Opening, Options, Views, ViewsReader};
