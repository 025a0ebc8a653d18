//! Reference prices and the range of execution, over HTTP.

use serde_json::{Value, json};

use crate::venue::{Reply, Venue};

const SYMBOL: &str = "symbol=ABCUSDT";

async fn put(venue: &Venue, body: Value) -> Reply {
    let path = "/sandbox/v1/symbols/ABCUSDT";
    venue.send("PUT", path, &[], &body.to_string()).await
}

async fn set(venue: &Venue, body: Value) {
    let reply = put(venue, body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

async fn ask(venue: &Venue, what: &str) -> (u16, Value) {
    let reply = venue.get(&format!("/api/v3/{what}?{SYMBOL}")).await;
    (reply.status, reply.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_price_is_told_or_computed() {
    let (venue, ann, bob) = Venue::with_market().await;
    set(&venue, json!({"referencePrice": "100.5"})).await;
    let now = venue.now_ms();
    let (_, price) = ask(&venue, "referencePrice").await;
    assert_eq!(
        price,
        json!({"symbol": "ABCUSDT", "referencePrice": "100.50000000", "timestamp": now})
    );
    let (_, told) = ask(&venue, "referencePrice/calculation").await;
    assert_eq!(
        told,
        json!({"symbol": "ABCUSDT", "calculationType": "EXTERNAL", "externalCalculationId": 0})
    );
    set(&venue, json!({"referencePrice": null})).await;
    let (status, price) = ask(&venue, "referencePrice").await;
    assert_eq!((status, &price["referencePrice"]), (200, &Value::Null));

    let mean =
        json!({"calculationType": "ARITHMETIC_MEAN", "bucketCount": 10, "bucketWidthMs": 60_000});
    set(&venue, json!({"referencePriceCalculation": mean})).await;
    for price in ["99", "102"] {
        let order = |side: &str| {
            format!("{SYMBOL}&side={side}&type=LIMIT&timeInForce=GTC&quantity=1&price={price}")
        };
        venue
            .good(&ann, "POST", "/api/v3/order", &order("SELL"))
            .await;
        venue
            .good(&bob, "POST", "/api/v3/order", &order("BUY"))
            .await;
    }
    let (_, price) = ask(&venue, "referencePrice").await;
    assert_eq!(price["referencePrice"], "100.50000000");
    let (_, told) = ask(&venue, "referencePrice/calculation").await;
    assert_eq!(
        (&told["bucketCount"], &told["bucketWidthMs"]),
        (&json!(10), &json!(60_000))
    );

    set(&venue, json!({"referencePriceCalculation": null})).await;
    assert_eq!(
        ask(&venue, "referencePrice").await.1["referencePrice"],
        Value::Null
    );
    assert_eq!(
        ask(&venue, "referencePrice/calculation").await.1["code"],
        -2043
    );
    for body in [
        json!({"referencePrice": "0"}),
        json!({"referencePrice": "1", "referencePriceCalculation": null}),
        json!({"referencePriceCalculation": {"calculationType": "ARITHMETIC_MEAN", "bucketCount": 0, "bucketWidthMs": 1}}),
        json!({"executionRules": [{"ruleType": "PRICE_RANGE"}]}),
        json!({"executionRules": [{"ruleType": "PRICE_RANGE", "bidLimitMultUp": "-1"}]}),
    ] {
        let reply = put(&venue, body.clone()).await;
        assert_eq!((reply.status, reply.code()), (400, -1130), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_outside_of_the_range_expires_and_says_why() {
    let (venue, ann, bob) = Venue::with_market().await;
    let rule =
        json!({"ruleType": "PRICE_RANGE", "bidLimitMultUp": "1.1", "askLimitMultDown": "0.9"});
    set(
        &venue,
        json!({"referencePrice": "100", "executionRules": [rule]}),
    )
    .await;
    let (_, rules) = ask(&venue, "executionRules").await;
    let told = json!({"ruleType": "PRICE_RANGE", "bidLimitMultUp": "1.10000000", "askLimitMultDown": "0.90000000"});
    assert_eq!(
        rules,
        json!({"symbolRules": [{"symbol": "ABCUSDT", "rules": [told]}]})
    );

    for price in ["100", "111"] {
        let order =
            format!("{SYMBOL}&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price={price}");
        venue.good(&ann, "POST", "/api/v3/order", &order).await;
    }
    let order = format!("{SYMBOL}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=3&price=120");
    let placed = venue.good(&bob, "POST", "/api/v3/order", &order).await;
    let reason = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED";
    assert_eq!(
        (&placed["status"], &placed["expiryReason"]),
        (&json!("EXPIRED"), &json!(reason))
    );
    assert_eq!(placed["executedQty"], "1.00000000");
    let order = format!("{SYMBOL}&side=BUY&type=MARKET&quantity=1");
    let market = venue.good(&bob, "POST", "/api/v3/order", &order).await;
    assert_eq!(
        (&market["status"], &market["expiryReason"]),
        (&json!("EXPIRED"), &json!(reason))
    );
    for placed in [placed, market] {
        let which = format!("{SYMBOL}&orderId={}", placed["orderId"]);
        let seen = venue.good(&bob, "GET", "/api/v3/order", &which).await;
        assert_eq!(
            (&seen["status"], &seen["expiryReason"]),
            (&json!("EXPIRED"), &json!(reason))
        );
    }
    set(&venue, json!({"executionRules": []})).await;
    let order = format!("{SYMBOL}&side=BUY&type=MARKET&quantity=1");
    let filled = venue.good(&bob, "POST", "/api/v3/order", &order).await;
    assert_eq!(filled["status"], "FILLED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_trade_is_settled_and_kept() {
    let (venue, ann, bob) = Venue::with_market().await;
    let path = "/sandbox/v1/symbols/ABCUSDT/blockTrades";
    let block = |price: &str, qty: &str| {
        json!({"buyer": ann.account, "seller": bob.account, "price": price, "quantity": qty, "isBuyerMaker": true}).to_string()
    };
    for (price, qty) in [("90.5", "2"), ("91", "3.001"), ("92", "1")] {
        let reply = venue.send("POST", path, &[], &block(price, qty)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    for (price, qty, code) in [
        ("0", "1", -1130),
        ("1", "0.0001", -1130),
        ("1", "2000", -2010),
    ] {
        let reply = venue.send("POST", path, &[], &block(price, qty)).await;
        assert_eq!(reply.code(), code, "{reply:?}");
    }
    let now = venue.now_ms();
    let row = |id: u32, price: &str, qty: &str, quote: &str| json!({"id": id, "price": price, "qty": qty, "quoteQty": quote, "time": now, "isBuyerMaker": true});
    let rows = [
        row(1, "90.50000000", "2.00000000", "181.00000000"),
        row(2, "91.00000000", "3.00100000", "273.09100000"),
        row(3, "92.00000000", "1.00000000", "92.00000000"),
    ];
    let asked = |from: u32, limit: u32| {
        format!("/api/v3/historicalBlockTrades?{SYMBOL}&fromId={from}&limit={limit}")
    };
    for _ in 0..2 {
        assert_eq!(venue.get(&asked(0, 9)).await.json(), json!(rows));
        assert_eq!(venue.get(&asked(2, 1)).await.json(), json!([rows[1]]));
        assert!(venue.context.views.settle());
    }
    let account = venue
        .good(&ann, "GET", "/api/v3/account", "omitZeroBalances=true")
        .await;
    let abc = account["balances"]
        .as_array()
        .unwrap()
        .iter()
        .find(|b| b["asset"] == "ABC");
    assert_eq!(abc.unwrap()["free"], "1006.00100000");
}
