//! Icebergs and pegged orders, as clients see them.

use serde_json::{Value, json};

use crate::venue::{Trader, Venue};

const ORDER: &str = "/api/v3/order";

async fn place(venue: &Venue, who: &Trader, params: &str) -> Value {
    let params = format!("symbol=ABCUSDT&newOrderRespType=FULL&{params}");
    venue.good(who, "POST", ORDER, &params).await
}

async fn depth(venue: &Venue) -> Value {
    let mut depth = venue.get("/api/v3/depth?symbol=ABCUSDT").await.json();
    depth["lastUpdateId"].take();
    depth
}

/// The order as memory and as the database tell it: the same.
async fn queried(venue: &Venue, who: &Trader, placed: &Value) -> Value {
    let params = format!("symbol=ABCUSDT&orderId={}", placed["orderId"]);
    let told = venue.good(who, "GET", ORDER, &params).await;
    assert!(venue.context.views.settle());
    assert_eq!(venue.good(who, "GET", ORDER, &params).await, told);
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn depth_shows_a_part_of_an_iceberg_and_then_the_next() {
    let (venue, ann, bob) = Venue::with_market().await;
    let ice = place(
        &venue,
        &ann,
        "side=SELL&type=LIMIT&timeInForce=GTC&price=50&quantity=5&icebergQty=2",
    )
    .await;
    assert_eq!(ice["icebergQty"], "2.00000000", "{ice}");
    assert_eq!(
        depth(&venue).await["asks"],
        json!([["50.00000000", "2.00000000"]])
    );
    let taker = place(
        &venue,
        &bob,
        "side=BUY&type=LIMIT&timeInForce=GTC&price=50&quantity=3",
    )
    .await;
    assert_eq!(taker["status"], "FILLED");
    assert_eq!(taker["fills"].as_array().unwrap().len(), 2);
    assert_eq!(
        depth(&venue).await["asks"],
        json!([["50.00000000", "1.00000000"]])
    );
    let seen = queried(&venue, &ann, &ice).await;
    assert_eq!(seen["icebergQty"], "2.00000000");
    assert_eq!(seen["executedQty"], "3.00000000");
    let amend = format!("symbol=ABCUSDT&orderId={}&newQty=4", ice["orderId"]);
    let amended = venue
        .good(&ann, "PUT", "/api/v3/order/amend/keepPriority", &amend)
        .await;
    assert_eq!(amended["amendedOrder"]["qty"], "4.00000000", "{amended}");
    assert_eq!(
        depth(&venue).await["asks"],
        json!([["50.00000000", "1.00000000"]])
    );
    let cancel = format!("symbol=ABCUSDT&orderId={}", ice["orderId"]);
    let canceled = venue.good(&ann, "DELETE", ORDER, &cancel).await;
    assert_eq!(canceled["icebergQty"], "2.00000000");
    assert_eq!(depth(&venue).await["asks"], json!([]));
    assert_eq!(venue.state().await["audit"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pegged_order_tells_its_price_beside_the_one_asked_for() {
    let (venue, ann, bob) = Venue::with_market().await;
    for price in ["50", "49", "52"] {
        let side = if price == "52" { "SELL" } else { "BUY" };
        let params = format!("side={side}&type=LIMIT&timeInForce=GTC&price={price}&quantity=2");
        place(&venue, &bob, &params).await;
    }
    let limit = "type=LIMIT&timeInForce=GTC&quantity=1";
    let first = place(
        &venue,
        &ann,
        &format!("side=BUY&{limit}&pegPriceType=PRIMARY_PEG"),
    )
    .await;
    assert_eq!(first["price"], "0.00000000", "{first}");
    assert_eq!(first["pegPriceType"], "PRIMARY_PEG");
    assert_eq!(first["peggedPrice"], "50.00000000");
    assert_eq!(first.get("pegOffsetValue"), None);
    let second = place(
        &venue,
        &ann,
        &format!(
            "side=BUY&{limit}&price=51&pegPriceType=PRIMARY_PEG&pegOffsetType=PRICE_LEVEL&pegOffsetValue=1"
        ),
    )
    .await;
    assert_eq!(second["price"], "51.00000000");
    assert_eq!(second["peggedPrice"], "49.00000000");
    assert_eq!(
        (&second["pegOffsetType"], &second["pegOffsetValue"]),
        (&json!("PRICE_LEVEL"), &json!(1))
    );
    let seen = queried(&venue, &ann, &second).await;
    assert_eq!(seen["peggedPrice"], "49.00000000");
    assert_eq!(
        depth(&venue).await["bids"],
        json!([["50.00000000", "3.00000000"], ["49.00000000", "3.00000000"]])
    );
    let taker = place(
        &venue,
        &ann,
        "side=BUY&type=LIMIT&timeInForce=IOC&quantity=1&pegPriceType=MARKET_PEG",
    )
    .await;
    assert_eq!(taker["status"], "FILLED", "{taker}");
    assert_eq!(taker["peggedPrice"], "52.00000000");

    // a stop takes its price when it acts
    let stop = place(
        &venue,
        &ann,
        "side=SELL&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=1&stopPrice=50&pegPriceType=PRIMARY_PEG",
    )
    .await;
    assert_eq!(stop.get("peggedPrice"), None, "{stop}");
    place(
        &venue,
        &ann,
        "side=SELL&type=LIMIT&timeInForce=GTC&quantity=2&price=50&selfTradePreventionMode=NONE",
    )
    .await;
    let seen = queried(&venue, &ann, &stop).await;
    assert_eq!(seen["peggedPrice"], "52.00000000", "{seen}");
    assert_eq!(
        (&seen["price"], &seen["isWorking"]),
        (&json!("0.00000000"), &json!(true))
    );
    assert_eq!(venue.state().await["audit"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn icebergs_and_pegs_are_refused_in_the_documented_words() {
    let (venue, ann, _) = Venue::with_market().await;
    let before = venue.digest().await;
    let limit = "side=BUY&type=LIMIT&quantity=2";
    for (params, code, msg) in [
        (
            format!("{limit}&timeInForce=GTC&price=50&icebergQty=3"),
            -2010,
            "IcebergQty exceeds QTY.",
        ),
        (
            format!("{limit}&timeInForce=IOC&price=50&icebergQty=1"),
            -2010,
            "Unsupported order combination",
        ),
        (
            "side=BUY&type=MARKET&quantity=2&icebergQty=1".to_owned(),
            -1106,
            "Parameter 'icebergQty' sent when not required.",
        ),
        (
            format!("{limit}&timeInForce=GTC&pegPriceType=PRIMARY_PEG"),
            -2010,
            "Order book liquidity is too low for this pegged order.",
        ),
        (
            format!("{limit}&timeInForce=IOC&pegPriceType=PRIMARY_PEG"),
            -2010,
            "Unsupported order combination",
        ),
        (
            "side=BUY&type=MARKET&quantity=2&pegPriceType=PRIMARY_PEG".to_owned(),
            -2010,
            "This order type may not use pegged price.",
        ),
        (
            "side=BUY&type=LIMIT_MAKER&quantity=2&pegPriceType=MARKET_PEG".to_owned(),
            -2010,
            "This price peg cannot be used with this order type.",
        ),
        (
            format!("{limit}&timeInForce=GTC&pegPriceType=BEST"),
            -1210,
            "Invalid pegPriceType.",
        ),
    ] {
        let reply = venue
            .signed(&ann, "POST", ORDER, &format!("symbol=ABCUSDT&{params}"))
            .await;
        assert_eq!(
            (reply.code(), reply.json()["msg"].as_str().unwrap()),
            (code, msg),
            "{params}"
        );
    }
    assert_eq!(venue.digest().await, before);
}

/// A list whose orders are icebergs or pegged: its answer, its orders' later answers, and what they are when they have acted.
#[tokio::test(flavor = "multi_thread")]
async fn orders_of_a_list_may_be_icebergs_and_pegged() {
    let (venue, ann, bob) = Venue::with_market().await;
    let limit = "type=LIMIT&timeInForce=GTC";
    for params in [
        format!("side=SELL&{limit}&price=150&quantity=1"),
        format!("side=SELL&{limit}&price=160&quantity=1"),
    ] {
        place(&venue, &bob, &params).await;
    }
    let list = "symbol=ABCUSDT&workingType=LIMIT&workingTimeInForce=GTC&workingSide=BUY&workingPrice=90&workingQuantity=2\
        &workingIcebergQty=0.5&pendingSide=SELL&pendingQuantity=2&pendingAboveType=LIMIT_MAKER\
        &pendingAbovePegPriceType=PRIMARY_PEG&pendingAbovePegOffsetType=PRICE_LEVEL&pendingAbovePegOffsetValue=1\
        &pendingAboveIcebergQty=0.5&pendingBelowType=STOP_LOSS_LIMIT&pendingBelowStopPrice=80&pendingBelowTimeInForce=GTC\
        &pendingBelowPegPriceType=MARKET_PEG&pendingBelowPrice=79";
    let list = venue
        .good(&ann, "POST", "/api/v3/orderList/otoco", list)
        .await;
    let reports = &list["orderReports"];
    assert_eq!(reports[0]["icebergQty"], "0.50000000", "{list}");
    assert_eq!(
        depth(&venue).await["bids"],
        json!([["90.00000000", "0.50000000"]])
    );
    let (above, below) = (&reports[1], &reports[2]);
    for (order, price, peg, iceberg) in [
        (above, "0.00000000", "PRIMARY_PEG", json!("0.50000000")),
        (below, "79.00000000", "MARKET_PEG", Value::Null),
    ] {
        assert_eq!(order["status"], "PENDING_NEW");
        assert_eq!(
            (&order["price"], &order["pegPriceType"]),
            (&json!(price), &json!(peg))
        );
        assert_eq!(
            (order.get("peggedPrice"), &order["icebergQty"]),
            (None, &iceberg)
        );
    }
    assert_eq!(
        (&above["pegOffsetType"], &above["pegOffsetValue"]),
        (&json!("PRICE_LEVEL"), &json!(1))
    );
    // what is sold to it begins the pair: the limit order at the second ask, a part of it shown
    let filled = place(
        &venue,
        &bob,
        &format!("side=SELL&{limit}&price=90&quantity=2"),
    )
    .await;
    assert_eq!(filled["status"], "FILLED");
    let seen = queried(&venue, &ann, above).await;
    assert_eq!(
        (&seen["status"], &seen["price"], &seen["peggedPrice"]),
        (&json!("NEW"), &json!("0.00000000"), &json!("160.00000000"))
    );
    assert_eq!(
        depth(&venue).await["asks"],
        json!([
            ["150.00000000", "1.00000000"],
            ["160.00000000", "1.50000000"]
        ])
    );
    // the stop acts, at the best bid
    place(
        &venue,
        &bob,
        &format!("side=BUY&{limit}&price=70&quantity=5"),
    )
    .await;
    place(
        &venue,
        &bob,
        &format!("side=BUY&{limit}&price=80&quantity=1"),
    )
    .await;
    let third = venue.trader().await;
    place(&venue, &third, "side=SELL&type=MARKET&quantity=1").await;
    let stopped = queried(&venue, &ann, below).await;
    assert_eq!(
        (
            &stopped["status"],
            &stopped["peggedPrice"],
            &stopped["executedQty"]
        ),
        (
            &json!("FILLED"),
            &json!("70.00000000"),
            &json!("2.00000000")
        )
    );
    let expired = queried(&venue, &ann, above).await;
    assert_eq!(
        (
            &expired["status"],
            &expired["expiryReason"],
            &expired["peggedPrice"]
        ),
        (
            &json!("EXPIRED"),
            &json!("OCO_TRIGGER"),
            &json!("160.00000000")
        )
    );
    assert_eq!(venue.state().await["audit"], "ok");
}
