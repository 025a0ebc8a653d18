//! What queries take and answer.

use protocol::{Allocated, BlockTraded, MatchPrevented};
use types::{
    AccountId, Amount, AssetId, ClientId, Decimal, InstrumentId, ListId, OrderId, Seq, Side, Time,
    TradeGroupId, TradeId, UpdateId,
};

pub use protocol::OrderKey;

/// One thing that can be owned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asset {
    pub id: AssetId,
    pub name: Box<str>,
    pub precision: u8,
}

/// A book by price level, best first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Depth {
    pub last_update: UpdateId,
    pub bids: Vec<(Decimal, Decimal)>,
    pub asks: Vec<(Decimal, Decimal)>,
}

/// The touch: price and quantity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Best {
    pub last_update: UpdateId,
    pub bid: Option<(Decimal, Decimal)>,
    pub ask: Option<(Decimal, Decimal)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PublicTrade {
    pub id: TradeId,
    pub price: Decimal,
    pub qty: Decimal,
    /// Atoms of the quote asset.
    pub quote: Amount,
    pub time: Time,
    pub buyer_is_maker: bool,
}

/// What one taker order took at one price, see [`protocol::Aggregate`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AggTrade {
    /// Counts per instrument, from 1, without gaps.
    pub id: u64,
    pub price: Decimal,
    pub qty: Decimal,
    pub first: TradeId,
    pub last: TradeId,
    pub time: Time,
    pub buyer_is_maker: bool,
}

/// One candle. Without trades: all four prices are the previous close, and there are no trade ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candle {
    pub open_time: Time,
    /// The last microsecond that belongs to it.
    pub close_time: Time,
    pub open: Decimal,
    pub high: Decimal,
    pub low: Decimal,
    pub close: Decimal,
    /// Base units of 10⁻⁸. An `Amount`, because a month of the largest meme coin does not fit in a [`Decimal`].
    pub volume: Amount,
    /// Atoms of the quote asset.
    pub quote_volume: Amount,
    pub trades: u64,
    /// The part of `volume` where the taker bought.
    pub taker_base: Amount,
    pub taker_quote: Amount,
    pub first_trade: Option<TradeId>,
    pub last_trade: Option<TradeId>,
}

/// Which trades a ticker counts. All windows end now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Window {
    /// Exactly 24 hours, its start rounded down to the second.
    Last24h,
    /// This many minutes (at most 7 days), its start rounded down to the minute.
    Rolling(u32),
    /// Since midnight at this offset from UTC, in minutes.
    TradingDay(i32),
}

impl Window {
    /// The longest rolling window.
    pub const MAX_MINUTES: u32 = 7 * 24 * 60;
}

/// Statistics of one window. Without trades in it every price is the last known one and the ids are `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticker {
    pub open_time: Time,
    pub close_time: Time,
    pub price_change: Decimal,
    /// Thousandths of a percent, rounded toward zero: 1.234 % is 1234.
    pub price_change_milli_percent: i64,
    /// Quote volume by volume, rounded down; zero without trades.
    pub weighted_avg_price: Decimal,
    /// The price of the last trade before the window; that of the first in it when there is none before.
    pub prev_close: Decimal,
    pub last_price: Decimal,
    pub last_qty: Decimal,
    pub bid: Option<(Decimal, Decimal)>,
    pub ask: Option<(Decimal, Decimal)>,
    pub open: Decimal,
    pub high: Decimal,
    pub low: Decimal,
    /// Base units of 10⁻⁸.
    pub volume: Amount,
    /// Atoms of the quote asset.
    pub quote_volume: Amount,
    pub first_trade: Option<TradeId>,
    pub last_trade: Option<TradeId>,
    pub trades: u64,
}

/// The volume-weighted price of the last minutes; the last price when nothing traded in them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AvgPrice {
    pub mins: u32,
    pub price: Decimal,
    /// Of the last trade; zero before the first.
    pub close_time: Time,
}

/// One party's half of a trade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    pub instrument: InstrumentId,
    pub account: AccountId,
    pub trade: TradeId,
    pub order: OrderId,
    pub price: Decimal,
    pub qty: Decimal,
    /// Atoms of the quote asset, before commission.
    pub quote: Amount,
    /// Atoms of `fee_asset`.
    pub fee: Amount,
    pub fee_asset: AssetId,
    pub time: Time,
    pub buyer: bool,
    pub maker: bool,
}

/// A match of two orders of one owner that did not happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PreventedMatch {
    pub prevented: MatchPrevented,
    /// That both accounts belonged to.
    pub group: Option<TradeGroupId>,
    pub time: Time,
}

/// A trade outside of the book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockRow {
    pub traded: BlockTraded,
    pub time: Time,
}

/// A fill of a routed order by the venue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocationRow {
    pub allocated: Allocated,
    pub time: Time,
}

/// Which allocations of an account: ascending, or the newest when only an end is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocationsQuery {
    pub order: Option<OrderId>,
    pub from: Option<u64>,
    pub start: Option<Time>,
    pub end: Option<Time>,
    pub limit: usize,
}

impl AllocationsQuery {
    pub(crate) fn newest(&self) -> bool {
        self.from.is_none() && self.start.is_none() && self.end.is_some()
    }

    pub(crate) fn wants(&self, row: &AllocationRow) -> bool {
        let a = &row.allocated;
        self.order.is_none_or(|order| order == a.order)
            && self.from.is_none_or(|from| a.allocation >= from)
            && self.start.is_none_or(|start| row.time >= start)
            && self.end.is_none_or(|end| row.time <= end)
    }
}

/// One lowering of an order's quantity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Amendment {
    pub instrument: InstrumentId,
    pub order: OrderId,
    pub account: AccountId,
    /// Of the record: names the execution.
    pub seq: Seq,
    pub client_id_before: ClientId,
    pub client_id: ClientId,
    pub qty_before: Decimal,
    pub qty: Decimal,
    pub time: Time,
}

/// One balance of an account's spot wallet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Balance {
    pub asset: AssetId,
    pub free: Amount,
    pub held: Amount,
}

/// Money that came or went without a trade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransferRow {
    pub seq: types::Seq,
    pub account: AccountId,
    pub wallet: types::Wallet,
    pub asset: AssetId,
    /// Signed.
    pub delta: Amount,
    pub time: Time,
}

// Paging is the same everywhere. No bound: the newest `limit`. A lower bound (`from`, `start`): the oldest `limit` from it. Only an upper
// bound: the newest `limit` up to it. The answer always ascends. Times are microseconds and inclusive on both sides: who reads milliseconds
// from a client passes `end = ms * 1000 + 999`.

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AggQuery {
    /// An aggregate's id.
    pub from_id: Option<u64>,
    pub start: Option<Time>,
    pub end: Option<Time>,
    pub limit: usize,
}

/// Times are those of placement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OrdersQuery {
    /// This order and later ones.
    pub from: Option<OrderId>,
    pub start: Option<Time>,
    pub end: Option<Time>,
    pub limit: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FillsQuery {
    /// Only fills of this order.
    pub order: Option<OrderId>,
    /// This trade and later ones.
    pub from: Option<TradeId>,
    pub start: Option<Time>,
    pub end: Option<Time>,
    pub limit: usize,
}

/// Prevented matches of one account, ascending by id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PreventedQuery {
    /// Only those in which this order took part, on either side.
    pub order: Option<OrderId>,
    /// This one and later ones.
    pub from: u64,
    /// This one and earlier ones.
    pub through: Option<u64>,
    pub limit: usize,
}

/// History could not be read: the database failed or answered something that it was never told.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(
        "the history database failed: {0}. Nothing is lost: it is rebuilt from the event log by `highwater views rebuild`"
    )]
    Database(#[from] sqlx::Error),
    #[error("the history database holds {what}; rebuild it by `highwater views rebuild`")]
    Corrupt { what: String },
    #[error(
        "the history database was written by format {found} and this program reads format {expected}; rebuild it by `highwater views rebuild`"
    )]
    Format { found: i64, expected: i64 },
    #[error(
        "the history database holds record {applied}, but the journal ends at {end}: it is of another journal, or the journal lost its end; rebuild it by `highwater views rebuild`"
    )]
    Ahead { applied: u64, end: u64 },
    #[error(
        "history stands at record {applied} and the event log continues at {found}: the records between are missing. Regenerate them by re-execution, or rebuild by `highwater views rebuild`"
    )]
    Hole { applied: u64, found: u64 },
    #[error("the thread that writes history could not be started: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the thread that writes history has ended; restart the program")]
    Stopped,
}

impl HistoryError {
    /// What the database holds is of no use, and taking every record again mends it.
    #[must_use]
    pub const fn needs_rebuild(&self) -> bool {
        matches!(
            self,
            Self::Ahead { .. } | Self::Corrupt { .. } | Self::Format { .. }
        )
    }
}

/// True for a trade whose buyer was the maker.
pub(crate) fn buyer_is_maker(aggressor: Side) -> bool {
    aggressor == Side::Sell
}

/// How an order list is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListKey {
    Id(ListId),
    /// The newest of this name.
    Name(ClientId),
}

/// Which order lists, by id or by when they were placed. Without `from` and `start` the newest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListsQuery {
    pub from: Option<ListId>,
    pub start: Option<Time>,
    pub end: Option<Time>,
    pub limit: usize,
}

impl ListsQuery {
    pub(crate) fn newest(&self) -> bool {
        self.from.is_none() && self.start.is_none()
    }

    pub(crate) fn wants(&self, list: &protocol::OrderList) -> bool {
        self.from.is_none_or(|from| list.id >= from)
            && self.start.is_none_or(|start| list.placed_at >= start)
            && self.end.is_none_or(|end| list.placed_at <= end)
    }
}
