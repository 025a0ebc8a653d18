//! A candle stream: the current candle, continued trade by trade from what views knew when the first listener came.

use kit::Json;
use protocol::Traded;
use types::{Amount, Decimal, Side, Time, TradeId};
use views::{Candle, Interval};

use crate::encode::Head;
use crate::topic::Offset;

#[derive(Debug)]
pub struct Kline {
    pub interval: Interval,
    offset: Offset,
    /// `None` before the first trade of the market.
    candle: Option<Candle>,
    closed: bool,
    /// Something is to be told with the next tick.
    pub changed: bool,
}

impl Kline {
    /// `seen` is the time of the newest record: a candle that opened later begins empty.
    #[must_use]
    pub fn new(interval: Interval, offset: Offset, now: Option<Candle>, seen: Time) -> Kline {
        let open = interval.open_of(seen, offset.minutes());
        let candle = now.filter(|candle| !candle.open.is_zero() && candle.open_time >= open);
        Kline {
            interval,
            offset,
            candle,
            closed: false,
            changed: true,
        }
    }

    /// Adds a trade, unless the candle has it already or is beyond it: views may have been ahead of the feed.
    pub fn trade(&mut self, trade: &Traded, time: Time) {
        let candle = self
            .candle
            .get_or_insert_with(|| flat(self.interval, self.offset, time, trade.price));
        let known = candle.last_trade.is_some_and(|last| trade.trade <= last);
        if known || time < candle.open_time {
            return;
        }
        if candle.first_trade.is_none() {
            candle.first_trade = Some(trade.trade);
            candle.open = trade.price;
            candle.high = trade.price;
            candle.low = trade.price;
        }
        candle.last_trade = Some(trade.trade);
        candle.high = candle.high.max(trade.price);
        candle.low = candle.low.min(trade.price);
        candle.close = trade.price;
        candle.trades += 1;
        let base = Amount(i128::from(trade.qty.0));
        candle.volume = candle.volume.plus(base);
        candle.quote_volume = candle.quote_volume.plus(trade.quote);
        if trade.aggressor_side == Side::Buy {
            candle.taker_base = candle.taker_base.plus(base);
            candle.taker_quote = candle.taker_quote.plus(trade.quote);
        }
        self.changed = true;
    }

    /// Moves on to the candle that contains `time`: the one that ends is told as closed, and those between are told flat.
    pub fn roll_to(&mut self, time: Time, write: &mut dyn FnMut(&Kline)) {
        let mut told = 0;
        while let Some(candle) = self.candle.filter(|candle| time > candle.close_time) {
            self.closed = true;
            // after a long silence the newest matter: a year of closed seconds helps nobody
            if told < 8 {
                write(self);
                told += 1;
            }
            self.closed = false;
            let next = if told < 8 {
                Time(candle.close_time.0 + 1)
            } else {
                time
            };
            self.candle = Some(flat(self.interval, self.offset, next, candle.close));
            self.changed = true;
        }
    }

    pub fn tell(&mut self, write: &mut dyn FnMut(&Kline)) {
        if self.candle.is_some() {
            write(self);
            self.changed = false;
        }
    }

    pub fn write(&self, json: &mut Json, head: &Head<'_>, quote_precision: u8) {
        let Some(candle) = &self.candle else { return };
        json.begin().str("e", "kline").time("E", head.now);
        json.str("s", head.symbol);
        json.object("k", |json| {
            json.time("t", candle.open_time);
            json.time("T", candle.close_time);
            json.str("s", head.symbol).str("i", self.interval.as_str());
            id(json, "f", candle.first_trade);
            id(json, "L", candle.last_trade);
            json.dec("o", candle.open).dec("c", candle.close);
            json.dec("h", candle.high).dec("l", candle.low);
            json.amount("v", candle.volume, 8).num("n", candle.trades);
            json.flag("x", self.closed);
            json.amount("q", candle.quote_volume, quote_precision);
            json.amount("V", candle.taker_base, 8);
            json.amount("Q", candle.taker_quote, quote_precision);
            json.str("B", "0");
        });
        json.end();
    }
}

/// A trade's id, −1 where there is none.
pub fn id(json: &mut Json, name: &str, id: Option<TradeId>) {
    match id {
        Some(id) => json.num(name, id),
        None => json.num(name, -1),
    };
}

/// The candle that contains `time`, before its first trade.
fn flat(interval: Interval, offset: Offset, time: Time, price: Decimal) -> Candle {
    let open_time = interval.open_of(time, offset.minutes());
    let next = interval.next(open_time, offset.minutes());
    Candle {
        open_time,
        close_time: Time(next.0 - 1),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Amount::ZERO,
        quote_volume: Amount::ZERO,
        trades: 0,
        taker_base: Amount::ZERO,
        taker_quote: Amount::ZERO,
        first_trade: None,
        last_trade: None,
    }
}
