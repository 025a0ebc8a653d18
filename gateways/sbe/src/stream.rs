//! The four events of the market streams, written straight from integers: they are made for every change of a market, so they do without JSON.
//! The tables of [`crate::STREAM`] say the same, and the tests compare the two.
//!
//! # Units and rounding
//! Times are microseconds. Prices and quantities come as units of 10⁻⁸ and have the exponent -8. What is open at a level may be more than
//! 64 bits hold in these units; then the quantities of that event have the next greater exponent, and the digit that goes is cut off. It is
//! zero wherever the lot is as coarse as the quantity is large.

/// One trade of a [`trades`] event. Who is not the maker is the taker, and the match was always the best one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trade {
    pub id: i64,
    pub price: i64,
    pub qty: i64,
    pub is_buyer_maker: bool,
}

/// What is open at one price; no quantity means that the level is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Level {
    pub price: i64,
    pub qty: i128,
}

/// The most levels of one side that one event can hold; its count has 16 bits.
pub const MAX_LEVELS: usize = u16::MAX as usize;

const SCHEMA: u16 = 1;
const VERSION: u16 = 0;
const EXPONENT: i8 = -8;
/// Bytes of a message's head, of a trade and of a level.
const HEAD: usize = 8;
const TRADE: u16 = 25;
const LEVEL: u16 = 16;

/// The trades of one moment: those that one order made.
#[must_use]
pub fn trades(event_time: i64, transact_time: i64, trades: &[Trade], symbol: &str) -> Vec<u8> {
    let room = HEAD + 18 + 6 + trades.len() * usize::from(TRADE) + 1 + symbol.len();
    let mut out = head(10_000, 18, room);
    out.extend_from_slice(&event_time.to_le_bytes());
    out.extend_from_slice(&transact_time.to_le_bytes());
    exponents(&mut out, EXPONENT);
    out.extend_from_slice(&TRADE.to_le_bytes());
    let count = u32::try_from(trades.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&count.to_le_bytes());
    for trade in trades {
        for part in [trade.id, trade.price, trade.qty] {
            out.extend_from_slice(&part.to_le_bytes());
        }
        out.push(u8::from(trade.is_buyer_maker));
    }
    text(&mut out, symbol);
    out
}

/// The touch after the change `update`; zeros where a side is empty.
#[must_use]
pub fn best_bid_ask(event_time: i64, update: i64, bid: Level, ask: Level, symbol: &str) -> Vec<u8> {
    let mut out = head(10_001, 50, HEAD + 50 + 1 + symbol.len());
    out.extend_from_slice(&event_time.to_le_bytes());
    out.extend_from_slice(&update.to_le_bytes());
    let scale = Scale::of(&[bid], &[ask]);
    exponents(&mut out, scale.exponent);
    level(&mut out, bid, scale);
    level(&mut out, ask, scale);
    text(&mut out, symbol);
    out
}

/// The best levels of both sides after the change `update`, best first.
#[must_use]
pub fn depth_snapshot(
    event_time: i64,
    update: i64,
    bids: &[Level],
    asks: &[Level],
    symbol: &str,
) -> Vec<u8> {
    let mut out = head(10_002, 18, HEAD + 18 + room(bids, asks) + symbol.len());
    out.extend_from_slice(&event_time.to_le_bytes());
    out.extend_from_slice(&update.to_le_bytes());
    sides(&mut out, bids, asks);
    text(&mut out, symbol);
    out
}

/// What became of the levels that the changes `first` to `last` touched: [`MAX_LEVELS`] a side at the most, more is left out.
#[must_use]
pub fn depth_diff(
    event_time: i64,
    (first, last): (i64, i64),
    bids: &[Level],
    asks: &[Level],
    symbol: &str,
) -> Vec<u8> {
    let mut out = head(10_003, 26, HEAD + 26 + room(bids, asks) + symbol.len());
    for part in [event_time, first, last] {
        out.extend_from_slice(&part.to_le_bytes());
    }
    sides(&mut out, bids, asks);
    text(&mut out, symbol);
    out
}

fn head(template: u16, block: u16, room: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(room);
    for part in [block, template, SCHEMA, VERSION] {
        out.extend_from_slice(&part.to_le_bytes());
    }
    out
}

/// Bytes of two groups of levels, and of a text's length.
fn room(bids: &[Level], asks: &[Level]) -> usize {
    (bids.len() + asks.len()) * usize::from(LEVEL) + 9
}

/// In which units the quantities of an event are written.
#[derive(Clone, Copy)]
struct Scale {
    exponent: i8,
    unit: i128,
}

impl Scale {
    /// The finest in which every quantity has 64 bits.
    fn of(bids: &[Level], asks: &[Level]) -> Scale {
        let most = bids.iter().chain(asks).map(|level| level.qty).max();
        let mut scale = Scale {
            exponent: EXPONENT,
            unit: 1,
        };
        while most.unwrap_or(0) / scale.unit > i128::from(i64::MAX) {
            scale.exponent += 1;
            scale.unit *= 10;
        }
        scale
    }

    fn mantissa(self, qty: i128) -> i64 {
        i64::try_from(qty / self.unit).unwrap_or(i64::MAX)
    }
}

fn exponents(out: &mut Vec<u8>, of_quantities: i8) {
    out.extend_from_slice(&EXPONENT.to_le_bytes());
    out.extend_from_slice(&of_quantities.to_le_bytes());
}

fn sides(out: &mut Vec<u8>, bids: &[Level], asks: &[Level]) {
    let held = |side: &[Level]| u16::try_from(side.len()).unwrap_or(u16::MAX);
    let scale = Scale::of(bids, asks);
    exponents(out, scale.exponent);
    for side in [bids, asks] {
        out.extend_from_slice(&LEVEL.to_le_bytes());
        out.extend_from_slice(&held(side).to_le_bytes());
        for one in side.iter().take(MAX_LEVELS) {
            level(out, *one, scale);
        }
    }
}

fn level(out: &mut Vec<u8>, level: Level, scale: Scale) {
    out.extend_from_slice(&level.price.to_le_bytes());
    out.extend_from_slice(&scale.mantissa(level.qty).to_le_bytes());
}

/// A text after its length in a byte. Symbols have at most fifty characters, so all of them fit.
fn text(out: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    out.push(length);
    out.extend(text.bytes().take(usize::from(length)));
}
