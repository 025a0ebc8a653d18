use std::collections::VecDeque;

use protocol::{PriceRange, Reference};
use types::{Time, TradeId};

use crate::book::Book;
use crate::model::{AvgPrice, Best, BlockRow, Ticker, Window};
use crate::series::Series;
use crate::tape::{Tape, TradeRow, price_rounded_down};
use types::{Amount, Decimal};

/// Many more than wait for the database at any time.
const RECENT_BLOCKS: usize = 4_096;
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 86_400 * SECOND;
const AVG_PRICE_MINS: u32 = 5;

/// One instrument as it stands: its book, its newest trades, and what traded by spans of time.
#[derive(Debug)]
pub(crate) struct Market {
    pub book: Book,
    pub tape: Tape,
    pub series: Series,
    /// The last aggregate's number.
    pub last_agg: u64,
    /// Trades up to this one are in the database.
    pub flushed: TradeId,
    /// As told by a recovering engine, for a market whose trades history does not hold.
    pub last_price: Decimal,
    pub reference: Option<Box<Reference>>,
    pub range: Option<PriceRange>,
    /// The newest ones.
    pub blocks: VecDeque<BlockRow>,
}

impl Market {
    /// A market without a past, whose tape keeps at least so many trades.
    pub fn new(recent_trades: usize) -> Market {
        Market {
            book: Book::default(),
            tape: Tape::new(recent_trades),
            series: Series::default(),
            last_agg: 0,
            flushed: TradeId(0),
            last_price: Decimal::ZERO,
            reference: None,
            range: None,
            blocks: VecDeque::new(),
        }
    }

    pub fn trade(&mut self, row: TradeRow) {
        self.last_agg = row.agg;
        self.last_price = row.trade.price;
        self.tape.push(row, self.flushed);
        self.series.push(&row, self.flushed);
    }

    pub fn block(&mut self, row: BlockRow) {
        if self.blocks.len() == RECENT_BLOCKS {
            self.blocks.pop_front();
        }
        self.blocks.push_back(row);
    }

    /// The database has everything up to this trade.
    pub fn flushed(&mut self, through: TradeId) {
        self.flushed = self.flushed.max(through);
        self.tape.prune(self.flushed);
    }

    pub fn avg_price(&self, now: Time, quote_precision: u8) -> AvgPrice {
        let from = floor(now.0, SECOND) - i64::from(AVG_PRICE_MINS) * MINUTE;
        let price = match self.series.since(from) {
            Some(sum) => price_rounded_down(Amount(sum.quote), quote_precision, sum.volume),
            None => self.last_price,
        };
        AvgPrice {
            mins: AVG_PRICE_MINS,
            price,
            close_time: self.tape.last().map_or(Time(0), |row| row.time),
        }
    }

    pub fn ticker(&self, window: Window, now: Time, quote_precision: u8) -> Ticker {
        let mut close_time = now;
        let (open_time, from) = match window {
            Window::Last24h => (now.0 - DAY, floor(now.0 - DAY, SECOND)),
            Window::Rolling(minutes) => {
                let width = i64::from(minutes.clamp(1, Window::MAX_MINUTES)) * MINUTE;
                let from = floor(now.0 - width, MINUTE);
                (from, from)
            }
            Window::TradingDay(offset) => {
                let shift = i64::from(offset) * MINUTE;
                let from = floor(now.0 + shift, DAY) - shift;
                close_time = Time(from + DAY - 1);
                (from, from)
            }
        };
        let Best { bid, ask, .. } = self.book.best();
        let before = self.series.close_before(from);
        let sum = self.series.since(from);
        let last = self.last_price.0;
        let (open, high, low) = sum.map_or((last, last, last), |s| (s.open, s.high, s.low));
        let change = last.saturating_sub(open);
        let percent = i128::from(change) * 100_000 / i128::from(open.max(1));
        let volume = sum.map_or(0, |s| s.volume);
        let quote = Amount(sum.map_or(0, |s| s.quote));
        Ticker {
            open_time: Time(open_time),
            close_time,
            price_change: Decimal(change),
            price_change_milli_percent: i64::try_from(percent).unwrap_or(i64::MAX),
            weighted_avg_price: price_rounded_down(quote, quote_precision, volume),
            prev_close: Decimal(before.unwrap_or(open)),
            last_price: Decimal(last),
            last_qty: self.tape.last().map_or(Decimal::ZERO, |row| row.trade.qty),
            bid,
            ask,
            open: Decimal(open),
            high: Decimal(high),
            low: Decimal(low),
            volume: Amount(volume),
            quote_volume: quote,
            first_trade: sum.map(|s| TradeId(s.first_trade)),
            last_trade: sum.map(|s| s.last_trade()),
            trades: sum.map_or(0, |s| s.trades),
        }
    }
}

fn floor(time: i64, width: i64) -> i64 {
    time - time.rem_euclid(width)
}
