//! The frames of the market streams, byte by byte in the order in which the API sends their fields.
//!
//! `E` is when the frame was made, `T` when the venue's clock stamped what it tells.

use protocol::{Aggregate, BlockTraded, Traded};
use types::{Amount, Decimal, Side, Time, UpdateId, format_atoms};

use crate::book::{Book, Level};
use kit::Json;

/// What a frame is about, and when it is made.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    pub symbol: &'a str,
    pub now: Time,
}

impl Head<'_> {
    fn open(&self, json: &mut Json, event: &str) {
        json.begin().str("e", event).time("E", self.now);
        json.str("s", self.symbol);
    }
}

pub fn trade(json: &mut Json, head: &Head<'_>, trade: &Traded, time: Time) {
    head.open(json, "trade");
    json.num("t", trade.trade);
    json.dec("p", trade.price).dec("q", trade.qty);
    close_trade(json, time, trade.aggressor_side);
}

pub fn block_trade(json: &mut Json, head: &Head<'_>, traded: &BlockTraded, time: Time) {
    head.open(json, "blockTrade");
    json.num("t", traded.id)
        .dec("p", traded.trade.price)
        .dec("q", traded.trade.qty);
    json.time("T", time)
        .flag("m", traded.trade.buyer_is_maker)
        .end();
}

pub fn agg_trade(json: &mut Json, head: &Head<'_>, id: u64, trade: &Aggregate, time: Time) {
    head.open(json, "aggTrade");
    json.num("a", id).dec("p", trade.price).dec("q", trade.qty);
    json.num("f", trade.first).num("l", trade.last);
    close_trade(json, time, trade.aggressor_side);
}

/// `m`: the buyer is the maker, so the aggressor sold. `M` means nothing and is always there.
fn close_trade(json: &mut Json, time: Time, aggressor: Side) {
    json.time("T", time).flag("m", aggressor == Side::Sell);
    json.flag("M", true).end();
}

/// The touch after the change `update`. It has no event name and no time.
pub fn book_ticker(json: &mut Json, symbol: &str, update: UpdateId, best: (Level, Level)) {
    let (bid, ask) = best;
    json.begin().num("u", update).str("s", symbol);
    json.dec("b", bid.price).amount("B", Amount(bid.qty), 8);
    json.dec("a", ask.price).amount("A", Amount(ask.qty), 8);
    json.end();
}

/// What became of the named prices between the changes `first` and the book's last.
pub fn depth_update(
    json: &mut Json,
    head: &Head<'_>,
    first: UpdateId,
    book: &Book,
    changed: (&[Decimal], &[Decimal]),
) {
    head.open(json, "depthUpdate");
    json.num("U", first).num("u", book.update);
    let at = |side: Side| {
        move |price: &Decimal| Level {
            price: *price,
            qty: book.qty(side, *price),
        }
    };
    levels(json, "b", changed.0.iter().map(at(Side::Buy)));
    levels(json, "a", changed.1.iter().map(at(Side::Sell)));
    json.end();
}

/// The best levels of both sides. It has no event name, no time and no symbol.
pub fn partial_depth(json: &mut Json, book: &Book, depth: usize) {
    json.begin().num("lastUpdateId", book.update);
    levels(json, "bids", book.bids().take(depth));
    levels(json, "asks", book.asks().take(depth));
    json.end();
}

fn levels(json: &mut Json, name: &str, levels: impl Iterator<Item = Level>) {
    json.array(name, |json| {
        for level in levels {
            json.begin_array().item_dec(level.price);
            json.item(format_atoms(level.qty, 8).as_str()).end_array();
        }
    });
}

/// The venue is going down: reconnect soon.
pub fn server_shutdown(json: &mut Json, now: Time) {
    json.begin().str("e", "serverShutdown").time("E", now).end();
}

#[cfg(test)]
mod tests {
    use protocol::Party;
    use types::{AccountId, Amount, AssetId, InstrumentId, OrderId, TradeId};

    use super::*;
    use kit::TimeUnit;

    const HEAD: Head<'static> = Head {
        symbol: "BTCUSDT",
        now: Time(1_723_161_255_343_900),
    };

    fn text(write: impl FnOnce(&mut Json)) -> String {
        in_unit(TimeUnit::Millis, write)
    }

    fn in_unit(unit: TimeUnit, write: impl FnOnce(&mut Json)) -> String {
        let mut json = Json::new(unit);
        write(&mut json);
        let text = String::from_utf8(json.finish()).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).expect("valid JSON");
        text
    }

    fn traded() -> Traded {
        let party = Party {
            account: AccountId(1001),
            order: OrderId(1),
            fee: Amount(0),
            fee_asset: AssetId(1),
            open_qty: Decimal(0),
        };
        Traded {
            instrument: InstrumentId(1),
            trade: TradeId(3_735_683_259),
            price: Decimal(6_183_763_000_000),
            qty: Decimal(2_000_000),
            quote: Amount(0),
            aggressor_side: Side::Sell,
            maker: party,
            taker: party,
            update: UpdateId(9),
        }
    }

    #[test]
    fn trades() {
        let time = Time(1_723_161_255_342_001);
        assert_eq!(
            text(|json| trade(json, &HEAD, &traded(), time)),
            r#"{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}"#
        );
        let sum = Aggregate {
            instrument: InstrumentId(1),
            taker: OrderId(1),
            price: Decimal(100_000),
            qty: Decimal(10_000_000_000),
            first: TradeId(100),
            last: TradeId(105),
            aggressor_side: Side::Buy,
        };
        assert_eq!(
            in_unit(TimeUnit::Micros, |json| agg_trade(
                json, &HEAD, 12345, &sum, time
            )),
            r#"{"e":"aggTrade","E":1723161255343900,"s":"BTCUSDT","a":12345,"p":"0.00100000","q":"100.00000000","f":100,"l":105,"T":1723161255342001,"m":false,"M":true}"#
        );
    }

    #[test]
    fn books() {
        let mut book = Book::default();
        book.add(Side::Buy, Decimal(6_183_763_000_000), 378_826_000);
        book.add(Side::Buy, Decimal(6_173_763_000_000), 1);
        book.add(Side::Sell, Decimal(6_183_764_000_000), 154_698_000);
        book.update = UpdateId(50_093_239_212);
        assert_eq!(
            text(|json| book_ticker(json, "BTCUSDT", book.update, book.best())),
            r#"{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}"#
        );
        assert_eq!(
            text(|json| partial_depth(json, &book, 1)),
            r#"{"lastUpdateId":50093239212,"bids":[["61837.63000000","3.78826000"]],"asks":[["61837.64000000","1.54698000"]]}"#
        );
        let gone = [Decimal(6_183_763_000_000), Decimal(5_685_458_000_000)];
        let first = UpdateId(50_093_239_203);
        assert_eq!(
            text(|json| depth_update(json, &HEAD, first, &book, (&gone, &[]))),
            r#"{"e":"depthUpdate","E":1723161255343,"s":"BTCUSDT","U":50093239203,"u":50093239212,"b":[["61837.63000000","3.78826000"],["56854.58000000","0.00000000"]],"a":[]}"#
        );
    }

    #[test]
    fn an_empty_book_has_a_touch_of_zeros() {
        let book = Book::default();
        assert_eq!(
            text(|json| book_ticker(json, "É\"", UpdateId(0), book.best())),
            r#"{"u":0,"s":"É\"","b":"0.00000000","B":"0.00000000","a":"0.00000000","A":"0.00000000"}"#
        );
    }
}
