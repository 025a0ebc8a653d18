//! Market events as messages in SBE.

use protocol::Traded;
use sbe::stream::{self, MAX_LEVELS};
use types::{Decimal, Side, Time, UpdateId};

use crate::book::{Book, Level};
use crate::topic::BINARY_PARTIAL_LEVELS;

pub fn trade(trade: &Traded) -> stream::Trade {
    stream::Trade {
        id: number(trade.trade.0),
        price: trade.price.0,
        qty: trade.qty.0,
        is_buyer_maker: trade.aggressor_side == Side::Sell,
    }
}

/// The touch after the change `update`.
pub fn best_bid_ask(symbol: &str, update: UpdateId, best: (Level, Level), now: Time) -> Vec<u8> {
    let (bid, ask) = (level(best.0), level(best.1));
    stream::best_bid_ask(now.0, number(update.0), bid, ask, symbol)
}

/// The best levels of both sides.
pub fn partial_depth(symbol: &str, book: &Book, now: Time) -> Vec<u8> {
    let best = |levels: &mut dyn Iterator<Item = Level>| {
        let best = levels.take(BINARY_PARTIAL_LEVELS).map(level);
        best.collect::<Vec<_>>()
    };
    let (bids, asks) = (best(&mut book.bids()), best(&mut book.asks()));
    stream::depth_snapshot(now.0, number(book.update.0), &bids, &asks, symbol)
}

/// What became of the named prices between the changes `first` and the book's last: one message, or several with the same ids where one
/// cannot count so many levels.
pub fn depth_diffs<'a>(
    symbol: &'a str,
    first: UpdateId,
    book: &Book,
    changed: (&[Decimal], &[Decimal]),
    now: Time,
) -> impl Iterator<Item = Vec<u8>> + 'a {
    let at = |side: Side, prices: &[Decimal]| {
        let level = |price: &Decimal| stream::Level {
            price: price.0,
            qty: book.qty(side, *price),
        };
        prices.iter().map(level).collect::<Vec<_>>()
    };
    let (bids, asks) = (at(Side::Buy, changed.0), at(Side::Sell, changed.1));
    let ids = (number(first.0), number(book.update.0));
    let parts = bids.len().max(asks.len()).div_ceil(MAX_LEVELS).max(1);
    (0..parts).map(move |part| {
        let of = |side: &[stream::Level]| {
            let levels = side.iter().skip(part * MAX_LEVELS).take(MAX_LEVELS);
            levels.copied().collect::<Vec<_>>()
        };
        stream::depth_diff(now.0, ids, &of(&bids), &of(&asks), symbol)
    })
}

fn level(level: Level) -> stream::Level {
    stream::Level {
        price: level.price.0,
        qty: level.qty,
    }
}

/// Ids are counted from 1 and never come near the end of 63 bits.
fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}
