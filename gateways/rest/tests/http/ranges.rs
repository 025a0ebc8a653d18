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
