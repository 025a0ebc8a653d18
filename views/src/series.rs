//! What traded, by second, minute, quarter, hour and day: the material of candles and tickers.
//!
//! Only buckets in which something traded exist. Each level is kept in memory for longer than the longest ticker that needs it; all but the
//! seconds are in the history database too.

use std::collections::VecDeque;

use types::{Time, TradeId};

use crate::tape::TradeRow;
use protocol::Traded;
use types::Side;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The widths of the levels and how long each is kept in memory, in microseconds.
pub(crate) const LEVELS: [(i64, i64); 5] = [
    (SECOND, 25 * 3_600 * SECOND),
    (60 * SECOND, 8 * DAY),
    (900 * SECOND, 33 * DAY),
    (3_600 * SECOND, 63 * DAY),
    (DAY, 1_100 * DAY),
];
pub(crate) const SECONDS: usize = 0;
pub(crate) const MINUTES: usize = 1;
pub(crate) const QUARTERS: usize = 2;
pub(crate) const HOURS: usize = 3;
pub(crate) const DAYS: usize = 4;

/// The trades of one span of time, summed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bucket {
    /// Microseconds.
    pub start: i64,
    pub open: i64,
    pub high: i64,
    pub low: i64,
    pub close: i64,
    /// Base, 10⁻⁸.
    pub volume: i128,
    /// Quote atoms.
    pub quote: i128,
    pub taker_base: i128,
    pub taker_quote: i128,
    pub trades: u64,
    pub first_trade: u64,
    /// The aggregate that the first trade belongs to: a sparse index of the aggregates.
    pub first_agg: u64,
}

impl Bucket {
    pub fn of(trade: &TradeRow, start: i64) -> Bucket {
        let t = &trade.trade;
        let bought = t.aggressor_side == Side::Buy;
        let (qty, quote) = (i128::from(t.qty.0), t.quote.0);
        Bucket {
            start,
            open: t.price.0,
            high: t.price.0,
            low: t.price.0,
            close: t.price.0,
            volume: qty,
            quote,
            taker_base: if bought { qty } else { 0 },
            taker_quote: if bought { quote } else { 0 },
            trades: 1,
            first_trade: t.trade.0,
            first_agg: trade.agg,
        }
    }

    /// Adds what traded later.
    pub fn join(&mut self, later: &Bucket) {
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.volume += later.volume;
        self.quote += later.quote;
        self.taker_base += later.taker_base;
        self.taker_quote += later.taker_quote;
        self.trades += later.trades;
    }

    pub fn add(&mut self, trade: &Traded) {
        self.high = self.high.max(trade.price.0);
        self.low = self.low.min(trade.price.0);
        self.close = trade.price.0;
        self.volume += i128::from(trade.qty.0);
        self.quote += trade.quote.0;
        if trade.aggressor_side == Side::Buy {
            self.taker_base += i128::from(trade.qty.0);
            self.taker_quote += trade.quote.0;
        }
        self.trades += 1;
    }

    /// Trade ids have no gaps.
    pub fn last_trade(&self) -> TradeId {
        TradeId(self.first_trade + self.trades - 1)
    }
}

/// One level: every bucket that starts at `complete_from` or later is in memory.
#[derive(Debug)]
pub(crate) struct Level {
    pub width: i64,
    keep: i64,
    pub buckets: VecDeque<Bucket>,
    pub complete_from: i64,
}

impl Level {
    /// The buckets that start in `[from, to)`.
    pub fn range(&self, from: i64, to: i64) -> impl DoubleEndedIterator<Item = &Bucket> {
        let first = self.buckets.partition_point(|b| b.start < from);
        let end = self.buckets.partition_point(|b| b.start < to).max(first);
        self.buckets.range(first..end)
    }

    /// The newest bucket that ended at `time` or before.
    pub fn ended_by(&self, time: i64) -> Option<&Bucket> {
        let end = self
            .buckets
            .partition_point(|b| b.start + self.width <= time);
        end.checked_sub(1).and_then(|i| self.buckets.get(i))
    }

    /// Forgets what is old and, by `flushed`, safe in the database.
    fn prune(&mut self, flushed: TradeId) {
        let Some(newest) = self.buckets.back().map(|b| b.start) else {
            return;
        };
        while let Some(front) = self.buckets.front() {
            if front.start >= newest - self.keep || front.last_trade() > flushed {
                return;
            }
            self.complete_from = front.start + self.width;
            self.buckets.pop_front();
        }
    }
}

/// All levels of one instrument.
#[derive(Debug)]
pub(crate) struct Series {
    pub levels: [Level; 5],
    /// When the first trade of all took place.
    pub first_time: Option<Time>,
}

impl Default for Series {
    fn default() -> Self {
        let level = |(width, keep)| Level {
            width,
            keep,
            buckets: VecDeque::new(),
            complete_from: i64::MIN,
        };
        Series {
            levels: LEVELS.map(level),
            first_time: None,
        }
    }
}

impl Series {
    pub fn push(&mut self, row: &TradeRow, flushed: TradeId) {
        self.first_time.get_or_insert(row.time);
        for level in &mut self.levels {
            let start = row.time.0 - row.time.0.rem_euclid(level.width);
            match level.buckets.back_mut() {
                Some(last) if last.start == start => last.add(&row.trade),
                _ => {
                    level.buckets.push_back(Bucket::of(row, start));
                    level.prune(flushed);
                }
            }
        }
    }

    /// Everything that traded at `from` (a whole second) or later, summed over the widest buckets that fit.
    pub fn since(&self, from: i64) -> Option<Bucket> {
        let mut sum: Option<Bucket> = None;
        let mut at = from;
        for (index, level) in self.levels.iter().enumerate() {
            if index == QUARTERS {
                continue;
            }
            // up to where the next wider level takes over; the widest runs to the end
            let until = match self.levels.get(if index + 1 == QUARTERS {
                HOURS
            } else {
                index + 1
            }) {
                Some(wider) => at + (-at).rem_euclid(wider.width),
                None => i64::MAX,
            };
            for bucket in level.range(at, until) {
                match &mut sum {
                    None => sum = Some(*bucket),
                    Some(sum) => sum.join(bucket),
                }
            }
            at = until;
        }
        sum
    }

    /// The price of the last trade before `time` (a whole second), as far as memory reaches.
    pub fn close_before(&self, time: i64) -> Option<i64> {
        self.levels
            .iter()
            .filter_map(|level| level.ended_by(time))
            .max_by_key(|bucket| bucket.last_trade())
            .map(|bucket| bucket.close)
    }
}
