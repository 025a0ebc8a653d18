//! The WebSocket API in SBE says what it says in JSON.

use kit::Profile;
use serde_json::{Value, json};

use crate::venue::{Venue, limit};

const SBE: &str = "/ws-api/v3?responseFormat=sbe&sbeSchemaId=3&sbeSchemaVersion=5";

/// Everything that the message holds stands in JSON, too; decimals may differ in trailing zeros.
fn same(sbe: &Value, json: &Value) -> bool {
    match (sbe, json) {
        (Value::String(a), Value::String(b)) if a != b => {
            a.parse::<f64>().ok() == b.parse::<f64>().ok() && a.parse::<f64>().is_ok()
        }
        (Value::Number(a), Value::String(b)) => a.as_f64() == b.parse().ok(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => a.iter().all(|(name, value)| match b.get(name) {
            Some(other) => same(value, other),
            // what JSON leaves out is null, false, nothing or the ordinary word
            None => !matches!(value, Value::Array(list) if !list.is_empty()),
        }),
        (a, b) => a == b,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_answered_alike() {
    let venue = Venue::open(Profile::WIDE).await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    let mut binary = venue.connect(SBE).await;
    let mut plain = venue.connect("/ws-api/v3?timeUnit=microsecond").await;
    let order = maker.signed(limit("SELL", "2", "10"));
    let placed = binary.ok("order.place", order).await;
    assert_eq!(placed["status"], "NEW", "{placed}");
    let order = taker.signed(limit("BUY", "2", "4"));
    let filled = binary.ok("order.place", order).await;
    assert_eq!(filled["status"], "FILLED", "{filled}");
    assert_eq!(filled["fills"].as_array().unwrap().len(), 1);
    let symbol = json!({"symbol": "TIDEUSDT"});
    let one = json!({"symbol": "TIDEUSDT", "orderId": placed["orderId"]});
    for (method, params, signs) in [
        ("ping", json!({}), false),
        ("depth", symbol.clone(), false),
        ("trades.recent", symbol.clone(), false),
        ("trades.aggregate", symbol.clone(), false),
        ("ticker.price", symbol.clone(), false),
        ("order.status", one, true),
        ("openOrders.status", symbol.clone(), true),
        ("allOrders", symbol.clone(), true),
        ("myTrades", symbol.clone(), true),
        ("account.commission", symbol.clone(), true),
        ("openOrderLists.status", json!({}), true),
    ] {
        let params = match signs {
            true => maker.signed(params),
            false => params,
        };
        let (mut sbe, json) = (
            binary.call(method, params.clone()).await,
            plain.call(method, params).await,
        );
        assert_eq!(sbe["deprecated"], false);
        assert_eq!(
            (&sbe["status"], &json["status"]),
            (&json!(200), &json!(200))
        );
        assert!(sbe["rateLimits"].as_array().is_some_and(|l| !l.is_empty()));
        let (sbe, json) = (sbe["result"].take(), &json["result"]);
        assert!(same(&sbe, json), "{method}: {sbe} is not {json}");
    }
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_refusals_are_messages() {
    let venue = Venue::open(Profile::WIDE).await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    let mut binary = venue.connect(SBE).await;
    let subscribe = "userDataStream.subscribe.signature";
    let subscribed = binary.ok(subscribe, maker.signed(json!({}))).await;
    assert_eq!(subscribed["subscriptionId"], 0);
    let placed = binary
        .ok("order.place", maker.signed(limit("SELL", "2", "10")))
        .await;
    let mut plain = venue.connect("/ws-api/v3").await;
    let buy = taker.signed(limit("BUY", "2", "1"));
    plain.ok("order.place", buy).await;
    let report = binary
        .wait(|f| f["template"] == 603 && f["event"]["x"] == "TRADE")
        .await;
    assert_eq!(report["subscriptionId"], 0);
    let report = &report["event"];
    assert_eq!(
        (&report["i"], &report["X"], &report["g"]),
        (&placed["orderId"], &json!("PARTIALLY_FILLED"), &json!(-1)),
        "{report}"
    );
    assert!(same(&report["z"], &json!("1.00000000")), "{report}");
    binary.wait(|f| f["template"] == 607).await;
    let list = json!({
        "symbol": "TIDEUSDT", "workingType": "LIMIT", "workingTimeInForce": "GTC", "workingSide": "SELL", "workingPrice": "3",
        "workingQuantity": "5", "pendingType": "LIMIT_MAKER", "pendingSide": "BUY", "pendingPrice": "1", "pendingQuantity": "5",
    });
    let list = binary.ok("orderList.place.oto", maker.signed(list)).await;
    let status = binary.wait(|f| f["template"] == 606).await;
    assert_eq!(status["event"]["g"], list["orderListId"], "{status}");
    let refusals = [
        (
            "order.status",
            json!({"symbol": "TIDEUSDT", "orderId": 999}),
            -2013,
        ),
        (
            "order.cancel",
            json!({"symbol": "TIDEUSDT", "orderId": 999}),
            -2011,
        ),
        ("no.such.method", json!({}), -1020),
    ];
    for (method, params, code) in refusals {
        let answer = binary.call(method, maker.signed(params)).await;
        assert_eq!(answer["template"], 100, "{answer}");
        assert_eq!(answer["error"]["code"], code, "{method}: {answer}");
    }
    let gone = binary.ok("userDataStream.unsubscribe", json!({})).await;
    assert_eq!(gone, json!({}));
    binary.wait(|f| f["template"] == 602).await;
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_are_chosen_in_the_address() {
    let venue = Venue::open(Profile::WIDE).await;
    let path = |rest: &str| format!("/ws-api/v3?responseFormat=sbe{rest}");
    let mut old = venue
        .connect(&path("&sbeSchemaId=3&sbeSchemaVersion=3"))
        .await;
    assert_eq!(old.call("time", json!({})).await["deprecated"], true);
    for wrong in [
        "",
        "&sbeSchemaId=3",
        "&sbeSchemaId=3&sbeSchemaVersion=x",
        "&sbeSchemaId=3&sbeSchemaVersion=0",
        "&sbeSchemaId=2&sbeSchemaVersion=1",
    ] {
        assert_eq!(venue.refused(&path(wrong)).await, 400, "{wrong}");
    }
    assert_eq!(venue.refused("/ws-api/v3?responseFormat=xml").await, 400);
    venue.close().await;
}
