//! The four events of market streams: golden bytes (packed by another program), our tables, and a decoder that reads the published schema.

use sbe::stream::{self, Level, Trade};
use serde_json::{Value, json};

use crate::independent::Decoder;
use crate::schemas::published;

const EVENT: i64 = 1_723_161_255_343_900;
const TRANSACT: i64 = 1_723_161_255_342_001;
const SYMBOL: &str = "BTCUSDT";

fn level(price: i64, qty: i128) -> Level {
    Level { price, qty }
}

/// Each event, its bytes, and what it holds.
fn cases() -> Vec<(Vec<u8>, &'static str, Value)> {
    let trades = [
        Trade {
            id: 3_735_683_259,
            price: 6_183_763_000_000,
            qty: 2_000_000,
            is_buyer_maker: true,
        },
        Trade {
            id: 3_735_683_260,
            price: 6_183_762_000_000,
            qty: 1,
            is_buyer_maker: false,
        },
    ];
    let bids = [
        level(6_183_763_000_000, 378_826_000),
        level(6_173_763_000_000, 0),
    ];
    let asks = [level(6_183_764_000_000, 154_698_000)];
    vec![
        (
            stream::trades(EVENT, TRANSACT, &trades, SYMBOL),
            "12001027010000001cf783be341f0600b1ef83be341f0600f8f8190002000000bb00aade00000000c03affc49f050000 \
             80841e000000000001bc00aade0000000080f8efc49f0500000100000000000000000742544355534454",
            json!({
                "eventTime": EVENT, "transactTime": TRANSACT, "symbol": SYMBOL,
                "trades": [
                    {"id": 3_735_683_259_i64, "price": "61837.63000000", "qty": "0.02000000", "isBuyerMaker": true},
                    {"id": 3_735_683_260_i64, "price": "61837.62000000", "qty": "0.00000001", "isBuyerMaker": false},
                ],
            }),
        ),
        (
            stream::best_bid_ask(EVENT, 50_093_239_212, bids[0], asks[0], SYMBOL),
            "32001127010000001cf783be341f0600ac2bcaa90b000000f8f8c03affc49f050000106d941600000000007d0ec59f05 \
             000010813809000000000742544355534454",
            json!({
                "eventTime": EVENT, "bookUpdateId": 50_093_239_212_i64, "symbol": SYMBOL,
                "bidPrice": "61837.63000000", "bidQty": "3.78826000", "askPrice": "61837.64000000", "askQty": "1.54698000",
            }),
        ),
        (
            stream::depth_snapshot(EVENT, 50_093_239_212, &bids[..1], &asks, SYMBOL),
            "12001227010000001cf783be341f0600ac2bcaa90b000000f8f810000100c03affc49f050000106d9416000000001000 \
             0100007d0ec59f05000010813809000000000742544355534454",
            json!({
                "eventTime": EVENT, "bookUpdateId": 50_093_239_212_i64, "symbol": SYMBOL,
                "bids": [{"price": "61837.63000000", "qty": "3.78826000"}],
                "asks": [{"price": "61837.64000000", "qty": "1.54698000"}],
            }),
        ),
        (
            stream::depth_diff(
                EVENT,
                (50_093_239_203, 50_093_239_212),
                &bids,
                &[],
                "币安USDT",
            ),
            "1a001327010000001cf783be341f0600a32bcaa90b000000ac2bcaa90b000000f8f810000200c03affc49f050000106d \
             941600000000c056f3709d0500000000000000000000100000000ae5b881e5ae8955534454",
            json!({
                "eventTime": EVENT, "firstBookUpdateId": 50_093_239_203_i64, "lastBookUpdateId": 50_093_239_212_i64, "symbol": "币安USDT",
                "bids": [{"price": "61837.63000000", "qty": "3.78826000"}, {"price": "61737.63000000", "qty": "0.00000000"}],
                "asks": [],
            }),
        ),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn events_have_their_bytes() {
    for (bytes, golden, _) in cases() {
        let golden: String = golden.split_whitespace().collect();
        assert_eq!(hex(&bytes), golden);
    }
}

/// Members that the schema has and `expected` leaves out are the exponents, and what is always so.
fn holds(read: &Value, expected: &Value) {
    match (read, expected) {
        (Value::Object(read), Value::Object(expected)) => {
            for (name, value) in expected {
                holds(&read[name], value);
            }
        }
        (Value::Array(read), Value::Array(expected)) => {
            assert_eq!(read.len(), expected.len());
            read.iter().zip(expected).for_each(|(a, b)| holds(a, b));
        }
        // the published schema calls the two truths True and False
        (Value::String(read), Value::Bool(expected)) => {
            assert_eq!(*read, expected.to_string().to_uppercase());
        }
        (read, expected) => assert_eq!(read, expected),
    }
}

#[test]
fn tables_read_what_was_written_without_them() {
    for (bytes, _, expected) in cases() {
        let read = sbe::decode::decode(&sbe::STREAM, &bytes).unwrap();
        holds(&read.json, &expected);
        if let Some(trades) = read.json.get("trades").and_then(Value::as_array) {
            assert!(trades.iter().all(|trade| trade["isBestMatch"] == true));
        }
        let again = sbe::encode::encode(&sbe::STREAM, 0, read.template, &read.json).unwrap();
        assert_eq!(again.bytes, bytes);
        assert_eq!(again.missing, [""; 0]);
    }
}

#[test]
fn the_published_schema_reads_them() {
    let Some(xml) = published("stream_1_0.xml") else {
        return;
    };
    let decoder = Decoder::new(&xml);
    let names = cases().into_iter().map(|(bytes, _, expected)| {
        let (name, read) = decoder.decode(&bytes);
        holds(&read, &expected);
        name
    });
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            "TradesStreamEvent",
            "BestBidAskStreamEvent",
            "DepthSnapshotStreamEvent",
            "DepthDiffStreamEvent"
        ]
    );
}

/// A level of a coin that is worth little: more than 64 bits of 10⁻⁸, but whole lots.
#[test]
fn a_quantity_that_is_too_large_for_the_units_has_greater_ones() {
    let lot = 100_000_000_i128;
    let bids = [level(40, 500_000_000_000 * lot), level(39, 3 * lot)];
    let bytes = stream::depth_snapshot(EVENT, 7, &bids, &[], "BTTCUSDT");
    let read = sbe::decode::decode(&sbe::STREAM, &bytes).unwrap();
    assert_eq!(
        read.json["bids"],
        json!([
            {"price": "0.00000040", "qty": "500000000000.0000000"},
            {"price": "0.00000039", "qty": "3.0000000"},
        ])
    );
}

#[test]
fn no_more_levels_than_can_be_counted() {
    let levels = vec![level(1, 1); stream::MAX_LEVELS + 1];
    let bytes = stream::depth_diff(EVENT, (1, 2), &levels, &levels[..3], SYMBOL);
    let read = sbe::decode::decode(&sbe::STREAM, &bytes).unwrap();
    let count = |side: &str| read.json[side].as_array().map(Vec::len);
    assert_eq!(
        (count("bids"), count("asks")),
        (Some(stream::MAX_LEVELS), Some(3))
    );
}
