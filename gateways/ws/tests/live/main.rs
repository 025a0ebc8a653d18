//! WebSockets of a whole exchange, over the loopback.

mod api;
mod binary;
mod streams;
mod venue;

use std::collections::BTreeMap;

use kit::Profile;
use serde_json::{Value, json};
use venue::{Venue, limit};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_filled_and_told_to_everybody_whom_it_concerns() {
    let venue = Venue::open(Profile::WIDE).await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    let mut market = venue
        .connect("/stream?streams=tideusdt@trade/tideusdt@aggTrade/tideusdt@bookTicker")
        .await;
    let mut api = venue.connect("/ws-api/v3").await;
    let subscribed = api
        .ok(
            "userDataStream.subscribe.signature",
            maker.signed(json!({})),
        )
        .await;
    assert_eq!(subscribed, json!({"subscriptionId": 0}));

    let placed = api
        .ok("order.place", maker.signed(limit("SELL", "2", "10")))
        .await;
    assert_eq!(placed["status"], "NEW", "{placed}");
    let touch = market.wait(|f| f["stream"] == "tideusdt@bookTicker").await;
    assert_eq!(
        (&touch["data"]["a"], &touch["data"]["A"]),
        (&json!("2.00000000"), &json!("10.00000000"))
    );
    let filled = api
        .ok("v3/order.place", taker.signed(limit("BUY", "2.5", "4")))
        .await;
    assert_eq!(
        (&filled["status"], &filled["fills"][0]["price"]),
        (&json!("FILLED"), &json!("2.00000000"))
    );

    let trade = market.wait(|f| f["stream"] == "tideusdt@trade").await["data"].clone();
    assert_eq!(
        (&trade["s"], &trade["t"], &trade["q"], &trade["m"]),
        (
            &json!("TIDEUSDT"),
            &json!(1),
            &json!("4.00000000"),
            &json!(false)
        )
    );
    let aggregate = market.wait(|f| f["stream"] == "tideusdt@aggTrade").await["data"].clone();
    let listed = api
        .ok("trades.aggregate", json!({"symbol": "TIDEUSDT"}))
        .await;
    for name in ["a", "p", "q", "f", "l", "T", "m"] {
        assert_eq!(aggregate[name], listed[0][name], "{name}");
    }

    let mut api = venue.connect("/ws-api/v3").await;
    api.ok(
        "userDataStream.subscribe.signature",
        maker.signed(json!({})),
    )
    .await;
    api.ok("order.place", taker.signed(limit("BUY", "2", "1")))
        .await;
    let report = api.wait(|f| f["event"]["e"] == "executionReport").await["event"].clone();
    for (name, value) in [
        ("x", json!("TRADE")),
        ("X", json!("PARTIALLY_FILLED")),
        ("i", placed["orderId"].clone()),
        ("c", placed["clientOrderId"].clone()),
        ("l", json!("1.00000000")),
        ("z", json!("5.00000000")),
        ("Z", json!("10.00000000")),
        ("t", json!(2)),
        ("m", json!(true)),
        ("N", json!("USDT")),
        ("n", json!("0.00200000")),
    ] {
        assert_eq!(report[name], value, "{name} of {report}");
    }
    let position = api
        .wait(|f| f["event"]["e"] == "outboundAccountPosition")
        .await["event"]
        .clone();
    let of = |asset: &str| {
        position["B"]
            .as_array()
            .unwrap()
            .iter()
            .find(|b| b["a"] == asset)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(of("TIDE")["l"], "5.00000000");
    let path = format!("/accounts/{}/fund", maker.account);
    venue
        .sandbox("POST", &path, &json!({"asset": "USDT", "amount": "7"}))
        .await;
    let update = api.wait(|f| f["event"]["e"] == "balanceUpdate").await;
    assert_eq!(update["event"]["d"], "7.00000000");
    let cancel = maker.signed(
        json!({"symbol": "TIDEUSDT", "orderId": placed["orderId"], "newClientOrderId": "bye"}),
    );
    api.ok("order.cancel", cancel).await;
    venue.close().await;
}

/// A reference price as it is told, again when it changes, and when there is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_price_has_a_stream_and_two_methods() {
    let venue = Venue::open(Profile::WIDE).await;
    let mut market = venue.connect("/ws/tideusdt@referencePrice").await;
    let mut api = venue.connect("/ws-api/v3").await;
    let symbol = json!({"symbol": "TIDEUSDT"});
    for price in [json!("2.5"), json!("3"), Value::Null] {
        let told = json!({"referencePrice": price});
        venue.sandbox("PUT", "/symbols/TIDEUSDT", &told).await;
        let number = |frame: &Value| frame.as_str().map(|text| text.parse::<f64>().unwrap());
        let frame = market.wait(|f| number(&f["r"]) == number(&price)).await;
        assert_eq!(
            (&frame["e"], &frame["s"]),
            (&json!("referencePrice"), &json!("TIDEUSDT"))
        );
        let asked = api.ok("referencePrice", symbol.clone()).await;
        assert_eq!(
            (&asked["referencePrice"], &asked["timestamp"]),
            (&frame["r"], &frame["t"])
        );
    }
    let told = api.ok("referencePrice.calculation", symbol).await;
    assert_eq!(told["calculationType"], "EXTERNAL");
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_trade_is_told_as_it_is_kept() {
    let venue = Venue::open(Profile::WIDE).await;
    let (buyer, seller) = (venue.trader().await, venue.trader().await);
    let mut market = venue.connect("/ws/tideusdt@blockTrade").await;
    let mut api = venue.connect("/ws-api/v3").await;
    // answered behind the subscription
    api.ok("ping", json!({})).await;
    let block =
        json!({"buyer": buyer.account, "seller": seller.account, "price": "2", "quantity": "3"});
    venue
        .sandbox("POST", "/symbols/TIDEUSDT/blockTrades", &block)
        .await;
    let told = market.wait(|f| f["e"] == "blockTrade").await;
    let asked = json!({"symbol": "TIDEUSDT", "fromId": 1});
    let kept = api.ok("blockTrades.historical", asked).await[0].clone();
    for (told_as, kept_as) in [
        ("t", "id"),
        ("p", "price"),
        ("q", "qty"),
        ("T", "time"),
        ("m", "isBuyerMaker"),
    ] {
        assert_eq!(told[told_as], kept[kept_as], "{told_as}");
    }
    assert_eq!(
        (&told["s"], &told["m"]),
        (&json!("TIDEUSDT"), &json!(false))
    );
    venue.close().await;
}

/// What `account.commission` and `order.test` say is what the execution reports of both parties say.
#[tokio::test(flavor = "multi_thread")]
async fn commission_is_told_as_it_is_charged() {
    let venue = Venue::open(Profile::WIDE).await;
    let (seller, buyer) = (venue.trader().await, venue.trader().await);
    for trader in [&seller, &buyer] {
        let path = format!("/accounts/{}", trader.account);
        let asked = json!({"tier": 5, "discountToken": true});
        let told = venue.sandbox("PUT", &path, &asked).await;
        assert_eq!(told["tier"], 5, "{told}");
    }
    let mut api = venue.connect("/ws-api/v3").await;
    for trader in [&seller, &buyer] {
        api.ok(
            "userDataStream.subscribe.signature",
            trader.signed(json!({})),
        )
        .await;
    }
    let symbol = json!({"symbol": "TIDEUSDT"});
    let whole = api.ok("account.commission", seller.signed(symbol)).await;
    let discount = json!({"enabledForAccount": true, "enabledForSymbol": true, "discountAsset": "TIDE", "discount": "0.75000000"});
    assert_eq!(
        whole,
        json!({
            "symbol": "TIDEUSDT",
            "standardCommission": {"maker": "0.00040000", "taker": "0.00060000", "buyer": "0.00000000", "seller": "0.00000000"},
            "specialCommission": {"maker": "0.00000000", "taker": "0.00000000", "buyer": "0.00000000", "seller": "0.00000000"},
            "taxCommission": {"maker": "0.00000000", "taker": "0.00000000", "buyer": "0.00000000", "seller": "0.00000000"},
            "discount": discount,
        })
    );
    let mut order = limit("SELL", "2", "100");
    order["computeCommissionRates"] = true.into();
    let told = api.ok("order.test", seller.signed(order)).await;
    assert_eq!(
        told["standardCommissionForOrder"],
        json!({"maker": "0.00040000", "taker": "0.00060000"})
    );
    assert_eq!(told["discount"], discount);
    for price in ["2", "4"] {
        api.ok("order.place", seller.signed(limit("SELL", price, "100")))
            .await;
        let filled = api
            .ok("order.place", buyer.signed(limit("BUY", price, "100")))
            .await;
        // the trade itself makes the price at which its commission is reckoned: 100 TIDE is what 200 USDT are, or 400 at 4
        let (maker, taker) = ("0.03000000", "0.04500000");
        let fill = &filled["fills"][0];
        assert_eq!(
            (&fill["commission"], &fill["commissionAsset"]),
            (&json!(taker), &json!("TIDE")),
            "{filled}"
        );
        for (of, is_maker) in [(maker, true), (taker, false)] {
            let report = api
                .wait(|f| f["event"]["x"] == "TRADE" && f["event"]["m"] == is_maker)
                .await["event"]
                .clone();
            assert_eq!(
                (&report["n"], &report["N"]),
                (&json!(of), &json!("TIDE")),
                "{report}"
            );
        }
    }
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_after_the_answer_that_subscribed_to_them_and_in_order() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut events = venue
        .connect("/ws-api/v3?timeUnit=MICROSECOND&returnRateLimits=false")
        .await;
    let answer = events
        .call(
            "userDataStream.subscribe.signature",
            trader.signed(json!({})),
        )
        .await;
    assert_eq!(
        answer,
        json!({"id": 1, "status": 200, "result": {"subscriptionId": 0}})
    );
    let mut api = venue.connect("/ws-api/v3").await;
    for i in 1..=50 {
        api.ok("order.place", trader.signed(limit("SELL", "2", "1")))
            .await;
        let cancel =
            json!({"symbol": "TIDEUSDT", "orderId": i, "newClientOrderId": format!("c{i}")});
        api.ok("order.cancel", trader.signed(cancel)).await;
    }
    let mut told = Vec::new();
    while told.len() < 100 {
        let event = events.wait(|f| f["event"]["e"] == "executionReport").await["event"].clone();
        assert!(
            event["T"].as_u64().unwrap() > 1_000_000_000_000_000,
            "microseconds"
        );
        told.push((
            event["i"].as_u64().unwrap(),
            event["x"].as_str().unwrap().to_owned(),
        ));
    }
    let expected = (1..=50).flat_map(|i| [(i, "NEW".to_owned()), (i, "CANCELED".to_owned())]);
    assert_eq!(told, expected.collect::<Vec<_>>());
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_logs_on_trades_without_signing_and_logs_out() {
    let venue = Venue::open(Profile::WIDE).await;
    let (old, trader) = (venue.trader().await, venue.modern_trader().await);
    let mut api = venue.connect("/ws-api/v3").await;
    assert_eq!(
        api.ok("session.status", json!({})).await["apiKey"],
        Value::Null
    );
    assert_eq!(
        api.refused("session.logon", old.signed(json!({}))).await,
        (400, -4056)
    );
    assert_eq!(
        api.refused("userDataStream.subscribe", json!({})).await,
        (401, -2014)
    );
    let status = api.ok("session.logon", trader.signed(json!({}))).await;
    assert_eq!(
        (&status["apiKey"], &status["userDataStream"]),
        (&json!(trader.api_key), &json!(false))
    );

    assert_eq!(
        api.ok("userDataStream.subscribe", json!({})).await["subscriptionId"],
        0
    );
    assert_eq!(
        api.refused("userDataStream.subscribe", json!({})).await,
        (400, -2035)
    );
    assert_eq!(
        api.refused(
            "userDataStream.subscribe.signature",
            trader.signed(json!({}))
        )
        .await,
        (400, -2035)
    );
    assert_eq!(
        api.ok("userDataStream.subscribe.signature", old.signed(json!({})))
            .await["subscriptionId"],
        1
    );
    assert_eq!(
        api.ok("session.subscriptions", json!({})).await,
        json!([{"subscriptionId": 0}, {"subscriptionId": 1}])
    );
    assert_eq!(
        api.refused("userDataStream.unsubscribe", json!({"subscriptionId": 9}))
            .await,
        (400, -2036)
    );

    let mut order = limit("SELL", "3", "1");
    order["timestamp"] = trader.signed(json!({}))["timestamp"].clone();
    api.ok("order.place", order).await;
    assert_eq!(
        api.wait(|f| f["subscriptionId"] == 0).await["event"]["x"],
        "NEW"
    );

    let id = json!({"id": "out", "method": "session.logout"}).to_string();
    api.send(&id).await;
    let ended = api
        .wait(|f| f["event"]["e"] == "eventStreamTerminated")
        .await;
    assert_eq!(ended["subscriptionId"], 0);
    assert_eq!(
        api.wait(|f| f["id"] == "out").await["result"]["apiKey"],
        Value::Null
    );
    assert_eq!(
        api.ok("session.subscriptions", json!({})).await,
        json!([{"subscriptionId": 1}])
    );
    assert_eq!(
        api.refused("order.place", limit("SELL", "3", "1")).await.1,
        -2014
    );

    api.ok("session.logon", trader.signed(json!({}))).await;
    venue
        .sandbox("DELETE", &format!("/keys/{}", trader.api_key), &json!({}))
        .await;
    api.send(r#"{"id":5,"method":"session.status"}"#).await;
    let revoked = api.wait(|f| f["error"].is_object()).await;
    assert_eq!(
        (
            &revoked["id"],
            &revoked["status"],
            &revoked["error"]["code"]
        ),
        (&Value::Null, &json!(401), &json!(-2015))
    );
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_frames_are_answered_and_change_nothing() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let before = venue.sandbox("GET", "/state", &json!({})).await["digest"].clone();
    let mut api = venue.connect("/ws-api/v3").await;
    for (text, code) in [
        ("hello", -1135),
        ("[]", -1135),
        (r#"{"id":1,"method":5}"#, -1135),
        (r#"{"id":{},"method":"ping"}"#, -1135),
        (r#"{"id":1,"method":"ping","params":[]}"#, -1135),
        (r#"{"id":1,"params":{}}"#, -1102),
        (r#"{"id":1,"method":"no.such"}"#, -1020),
        (r#"{"id":1,"method":"depth"}"#, -1102),
        (
            r#"{"id":1,"method":"depth","params":{"symbol":"TIDEUSDT","x":1}}"#,
            -1104,
        ),
        (
            r#"{"id":1,"method":"depth","params":{"symbol":"NOPE"}}"#,
            -1121,
        ),
        (
            r#"{"id":1,"method":"order.place","params":{"symbol":"TIDEUSDT"}}"#,
            -2014,
        ),
        (
            r#"{"id":1,"method":"time","params":{"returnRateLimits":7}}"#,
            -1130,
        ),
    ] {
        api.send(text).await;
        let answer = api.next().await.unwrap();
        assert_eq!(answer["error"]["code"], code, "{text}: {answer}");
        assert!(
            answer["status"].as_u64().unwrap() >= 400 && answer["rateLimits"].is_array(),
            "{answer}"
        );
    }
    let mut forged = trader.signed(limit("SELL", "2", "1"));
    forged["quantity"] = "100".into();
    assert_eq!(api.refused("order.place", forged).await, (400, -1022));
    assert_eq!(
        venue.sandbox("GET", "/state", &json!({})).await["digest"],
        before
    );
    assert_eq!(
        api.call("ping", json!({"returnRateLimits": false})).await["result"],
        json!({})
    );
    api.ok("order.place", trader.signed(limit("SELL", "2", "1")))
        .await;
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_book_equals_the_venues() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut api = venue.connect("/ws-api/v3").await;
    for i in 0..20 {
        let price = format!("{}", 1 + i % 7);
        api.ok(
            "order.place",
            trader.signed(limit(if i % 7 < 3 { "BUY" } else { "SELL" }, &price, "1")),
        )
        .await;
    }
    let mut diffs = venue.connect("/ws/tideusdt@depth@100ms").await;
    diffs
        .send(r#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#)
        .await;
    assert_eq!(
        diffs.next().await.unwrap(),
        json!({"result": ["tideusdt@depth@100ms"], "id": 1})
    );
    let snapshot = api
        .ok("depth", json!({"symbol": "TIDEUSDT", "limit": 5000}))
        .await;
    let mut last = snapshot["lastUpdateId"].as_u64().unwrap();
    let mut book: BTreeMap<(&str, String), String> = BTreeMap::new();
    for (side, name) in [("b", "bids"), ("a", "asks")] {
        apply(&mut book, side, &snapshot[name]);
    }
    for i in 0..200 {
        let (side, price) = (["BUY", "SELL"][i % 2], format!("{}", 1 + (i * 5) % 9));
        api.ok("order.place", trader.signed(limit(side, &price, "0.7")))
            .await;
    }
    let after = api
        .ok("depth", json!({"symbol": "TIDEUSDT", "limit": 5000}))
        .await;
    while last < after["lastUpdateId"].as_u64().unwrap() {
        let frame = diffs.next().await.unwrap();
        if frame["u"].as_u64().unwrap() <= last {
            continue;
        }
        assert!(
            frame["U"].as_u64().unwrap() <= last + 1,
            "a change was skipped"
        );
        last = frame["u"].as_u64().unwrap();
        for side in ["b", "a"] {
            apply(&mut book, side, &frame[side]);
        }
    }
    let mut expected = BTreeMap::new();
    for (side, name) in [("b", "bids"), ("a", "asks")] {
        apply(&mut expected, side, &after[name]);
    }
    assert_eq!(book, expected);
    venue.close().await;
}

fn apply(book: &mut BTreeMap<(&'static str, String), String>, side: &'static str, levels: &Value) {
    for level in levels.as_array().unwrap() {
        let text = |i: usize| level[i].as_str().unwrap().to_owned();
        if text(1) == "0.00000000" {
            book.remove(&(side, text(0)));
        } else {
            book.insert((side, text(0)), text(1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_the_end_of_the_venue_are_told() {
    let venue = Venue::open(Profile::BINANCE).await;
    let mut api = venue.connect("/ws-api/v3").await;
    let mut raw = venue.connect("/ws").await;
    let mut combined = venue.connect("/stream").await;
    let answer = api.call("time", json!({})).await;
    let limits = &answer["rateLimits"][0];
    assert_eq!(
        (&limits["rateLimitType"], &limits["limit"], &limits["count"]),
        (&json!("REQUEST_WEIGHT"), &json!(6000), &json!(3))
    );
    let mut status = 200;
    while status == 200 {
        let answer = api
            .call("depth", json!({"symbol": "TIDEUSDT", "limit": 5000}))
            .await;
        status = answer["status"].as_u64().unwrap();
        if status != 200 {
            assert_eq!((status, &answer["error"]["code"]), (429, &json!(-1003)));
            assert!(answer["error"]["data"]["retryAfter"].is_u64(), "{answer}");
        }
    }
    let mut eager = venue.connect("/ws").await;
    for i in 0..6 {
        eager
            .send(&json!({"method": "LIST_SUBSCRIPTIONS", "id": i}).to_string())
            .await;
    }
    while eager.next().await.is_some() {}

    let closing = tokio::spawn(venue.close());
    let is_shutdown = |event: &Value| event["e"] == "serverShutdown" && event["E"].is_u64();
    assert!(is_shutdown(&raw.next().await.unwrap()));
    let wrapped = combined.next().await.unwrap();
    assert!(wrapped["stream"] == "!serverShutdown" && is_shutdown(&wrapped["data"]));
    assert!(is_shutdown(&api.next().await.unwrap()["event"]));
    for client in [&mut raw, &mut combined, &mut api] {
        assert!(client.next().await.is_none());
    }
    venue::soon(closing).await.unwrap();
}

/// A pegged order of a list is reported with its price when it begins, and one that waits for a price when it acts: once each.
#[tokio::test(flavor = "multi_thread")]
async fn a_pegged_order_of_a_list_is_reported_with_its_price() {
    let venue = Venue::open(Profile::WIDE).await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    let mut api = venue.connect("/ws-api/v3").await;
    for order in [
        limit("BUY", "1", "5"),
        limit("SELL", "4", "5"),
        limit("SELL", "5", "5"),
    ] {
        api.ok("order.place", maker.signed(order)).await;
    }
    let mut events = venue.connect("/ws-api/v3").await;
    events
        .ok(
            "userDataStream.subscribe.signature",
            taker.signed(json!({})),
        )
        .await;
    let list = json!({
        "symbol": "TIDEUSDT", "workingType": "LIMIT", "workingTimeInForce": "GTC", "workingSide": "BUY", "workingPrice": "2",
        "workingQuantity": "1", "workingIcebergQty": "0.5", "pendingSide": "SELL", "pendingQuantity": "1",
        "pendingAboveType": "LIMIT_MAKER", "pendingAbovePegPriceType": "PRIMARY_PEG", "pendingAbovePegOffsetType": "PRICE_LEVEL",
        "pendingAbovePegOffsetValue": 1, "pendingBelowType": "STOP_LOSS_LIMIT", "pendingBelowStopPrice": "1.5",
        "pendingBelowTimeInForce": "GTC", "pendingBelowPegPriceType": "MARKET_PEG"
    });
    let placed = api.ok("orderList.place.otoco", taker.signed(list)).await;
    let ids: Vec<_> = placed["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["orderId"].clone())
        .collect();
    api.ok("order.place", maker.signed(limit("SELL", "2", "1")))
        .await;
    // a trade at the stop price: the pegged stop sells at the best bid
    api.ok("order.place", maker.signed(limit("BUY", "1.5", "1")))
        .await;
    let third = venue.trader().await;
    api.ok("order.place", third.signed(limit("SELL", "1.5", "1")))
        .await;
    let mut news = Vec::new();
    loop {
        let report = events.wait(|f| f["event"]["e"] == "executionReport").await["event"].clone();
        if report["i"] == ids[2] && report["x"] == "TRADE" {
            break;
        }
        if report["x"] == "NEW" && report["X"] == "NEW" {
            let pegged = report.get("gp").cloned();
            news.push((
                report["i"].clone(),
                report["F"].clone(),
                pegged,
                report["w"].clone(),
            ));
        }
    }
    let (none, price) = (json!("0.00000000"), |text: &str| Some(json!(text)));
    let expected = [
        (ids[0].clone(), json!("0.50000000"), None, json!(true)),
        (
            ids[1].clone(),
            none.clone(),
            price("5.00000000"),
            json!(true),
        ),
        (ids[2].clone(), none.clone(), None, json!(false)),
        (ids[2].clone(), none, price("1.00000000"), json!(true)),
    ];
    assert_eq!(news.len(), expected.len(), "{news:?}");
    for one in &expected {
        assert!(news.contains(one), "{one:?} in {news:?}");
    }
    venue.close().await;
}

/// Both orders of an amended pair are reported, and the list when one has another name; what prevention takes off is reported of both.
#[tokio::test(flavor = "multi_thread")]
async fn what_changes_one_of_a_pair_is_reported_of_both() {
    let venue = Venue::open(Profile::WIDE).await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    let mut api = venue.connect("/ws-api/v3").await;
    let third = venue.trader().await;
    for (who, side) in [(&maker, "BUY"), (&third, "SELL")] {
        api.ok("order.place", who.signed(limit(side, "2", "1")))
            .await;
    }
    let mut events = venue.connect("/ws-api/v3").await;
    events
        .ok(
            "userDataStream.subscribe.signature",
            taker.signed(json!({})),
        )
        .await;
    let list = json!({
        "symbol": "TIDEUSDT", "side": "SELL", "quantity": "3", "aboveType": "LIMIT_MAKER", "abovePrice": "3", "belowType": "STOP_LOSS",
        "belowStopPrice": "1", "aboveClientOrderId": "a", "belowClientOrderId": "b"
    });
    let placed = api.ok("orderList.place.oco", taker.signed(list)).await;
    let ids: Vec<_> = placed["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["orderId"].clone())
        .collect();
    let amend =
        json!({"symbol": "TIDEUSDT", "orderId": ids[0], "newQty": "2", "newClientOrderId": "c"});
    let amended = api
        .ok("order.amend.keepPriority", taker.signed(amend))
        .await;
    assert_eq!(
        amended["listStatus"]["orders"][0]["clientOrderId"], "c",
        "{amended}"
    );
    let mut meets = limit("BUY", "3", "0.5");
    meets["selfTradePreventionMode"] = json!("DECREMENT");
    api.ok("order.place", taker.signed(meets)).await;
    let mut told = Vec::new();
    while told.len() < 5 {
        let event = events
            .wait(|f| f["event"]["e"] != "outboundAccountPosition")
            .await["event"]
            .clone();
        let of_list = event["e"] == "listStatus" && event["l"] == "UPDATED";
        if of_list {
            told.push((
                json!("list"),
                event["O"][0]["c"].clone(),
                json!(null),
                json!(null),
            ));
        } else if ids.contains(&event["i"]) && event["x"] != "NEW" {
            told.push((
                event["x"].clone(),
                event["c"].clone(),
                event["q"].clone(),
                event["A"].clone(),
            ));
        }
    }
    let (two, half) = (json!("2.00000000"), json!("0.50000000"));
    let expected = [
        (json!("REPLACED"), json!("c"), two.clone(), json!(null)),
        (json!("list"), json!("c"), json!(null), json!(null)),
        (json!("REPLACED"), json!("b"), two.clone(), json!(null)),
        (
            json!("TRADE_PREVENTION"),
            json!("c"),
            two.clone(),
            half.clone(),
        ),
        (json!("TRADE_PREVENTION"), json!("b"), two, half),
    ];
    assert_eq!(told, expected);
    venue.close().await;
}
