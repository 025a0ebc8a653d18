//! Smart order routing: the examples of the public FAQ, with money that adds up.

use serde_json::{Value, json};

use crate::venue::{Trader, Venue};

const SOR: &str = "/api/v3/sor/order";
const SYMBOLS: [&str; 3] = ["BTCUSDT", "BTCUSDC", "BTCUSDP"];

/// Three books of one base asset. `side` is that of the resting orders: symbol, quantity, price.
async fn books(side: &str, levels: &[(&str, &str, &str)]) -> (Venue, Trader, Trader) {
    let venue = Venue::start(kit::Profile::WIDE, rest::Bounds::default()).await;
    for symbol in SYMBOLS {
        let body = json!({"symbol": symbol, "baseAsset": "BTC", "quoteAsset": &symbol[3..]});
        let reply = venue
            .send("POST", "/sandbox/v1/symbols", &[], &body.to_string())
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
        group(&venue, symbol, json!("USD")).await;
    }
    let money = json!({"balances": {"BTC": "1000", "USDT": "10000000", "USDC": "10000000", "USDP": "10000000"}});
    let (maker, taker) = (venue.open(&money).await, venue.open(&money).await);
    for (symbol, qty, price) in levels {
        let order = format!(
            "symbol={symbol}&side={side}&type=LIMIT&timeInForce=GTC&quantity={qty}&price={price}"
        );
        venue.good(&maker, "POST", "/api/v3/order", &order).await;
    }
    (venue, maker, taker)
}

async fn group(venue: &Venue, symbol: &str, name: Value) -> u16 {
    let path = format!("/sandbox/v1/symbols/{symbol}");
    let body = json!({"sor": name}).to_string();
    venue.send("PUT", &path, &[], &body).await.status
}

const ASKS: &[(&str, &str, &str)] = &[
    ("BTCUSDT", "3", "30800"),
    ("BTCUSDT", "3", "30500"),
    ("BTCUSDC", "1", "30000"),
    ("BTCUSDC", "1", "28000"),
    ("BTCUSDP", "1", "35000"),
    ("BTCUSDP", "1", "29000"),
];

async fn free(venue: &Venue, trader: &Trader, asset: &str) -> String {
    let account = venue.good(trader, "GET", "/api/v3/account", "").await;
    let balances = account["balances"].as_array().unwrap();
    let found = balances.iter().find(|b| b["asset"] == asset);
    found.map_or(String::new(), |b| b["free"].as_str().unwrap().to_owned())
}

async fn audit(venue: &Venue) {
    let state = venue.get("/sandbox/v1/state").await.json();
    assert_eq!(state["audit"], "ok");
}

fn fills(order: &Value) -> Vec<(String, String, i64)> {
    let fills = order["fills"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    fills
        .map(|fill| {
            assert_eq!(fill["matchType"], "ONE_PARTY_TRADE_REPORT");
            assert_eq!(fill["tradeId"], -1);
            (
                text(&fill["price"]),
                text(&fill["qty"]),
                fill["allocId"].as_i64().unwrap(),
            )
        })
        .collect()
}

fn level(price: &str, qty: &str, id: i64) -> (String, String, i64) {
    (format!("{price}.00000000"), format!("{qty}00000000"), id)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_price_of_all_books_is_taken() {
    let (venue, maker, taker) = books("SELL", ASKS).await;
    let info = venue.get("/api/v3/exchangeInfo").await.json();
    assert_eq!(
        info["sors"],
        json!([{"baseAsset": "BTC", "symbols": SYMBOLS}])
    );
    let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.5&price=31000";
    // A reference price alone bounds nothing.
    let reference = json!({"referencePrice": "30000"}).to_string();
    for symbol in SYMBOLS {
        let path = format!("/sandbox/v1/symbols/{symbol}");
        assert_eq!(venue.send("PUT", &path, &[], &reference).await.status, 200);
    }
    let tried = venue
        .good(&taker, "POST", "/api/v3/sor/order/test", order)
        .await;
    assert_eq!(tried, json!({}));
    let placed = venue.good(&taker, "POST", SOR, order).await;
    assert_eq!(
        fills(&placed),
        [("28000.00000000".to_owned(), "0.50000000".to_owned(), 0)]
    );
    for (field, value) in [
        ("status", json!("FILLED")),
        ("executedQty", json!("0.50000000")),
        ("cummulativeQuoteQty", json!("14000.00000000")),
        ("workingFloor", json!("SOR")),
        ("usedSor", json!(true)),
    ] {
        assert_eq!(placed[field], value, "{field}");
    }
    // It pays in its own money, and its commission in what it got; the maker is paid in that of his book.
    assert_eq!(free(&venue, &taker, "USDT").await, "9986000.00000000");
    assert_eq!(free(&venue, &taker, "USDC").await, "10000000.00000000");
    assert_eq!(free(&venue, &taker, "BTC").await, "1000.49950000");
    assert_eq!(free(&venue, &maker, "USDC").await, "10013986.00000000");
    let order = venue
        .good(&taker, "GET", "/api/v3/order", "symbol=BTCUSDT&orderId=3")
        .await;
    assert_eq!(
        (&order["workingFloor"], &order["usedSor"]),
        (&json!("SOR"), &json!(true))
    );
    let found = venue
        .good(&taker, "GET", "/api/v3/myAllocations", "symbol=BTCUSDT")
        .await;
    assert_eq!(
        found,
        json!([{
            "symbol": "BTCUSDT", "allocationId": 0, "allocationType": "SOR", "orderId": 3, "orderListId": -1,
            "price": "28000.00000000", "qty": "0.50000000", "quoteQty": "14000.00000000",
            "commission": "0.00050000", "commissionAsset": "BTC", "time": found[0]["time"],
            "isBuyer": true, "isMaker": false, "isAllocator": false
        }])
    );
    let trades = venue
        .good(&taker, "GET", "/api/v3/myTrades", "symbol=BTCUSDT")
        .await;
    assert_eq!(trades, json!([]), "an allocation is no trade of his");
    // The trade itself is one of the other book's.
    let trades = venue.get("/api/v3/trades?symbol=BTCUSDC").await.json();
    assert_eq!(
        (trades.as_array().unwrap().len(), &trades[0]["price"]),
        (1, &json!("28000.00000000"))
    );
    audit(&venue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_books_are_walked_by_price() {
    let (venue, _, taker) = books("SELL", ASKS).await;
    let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=5&price=31000";
    let placed = venue.good(&taker, "POST", SOR, order).await;
    let expected = [
        level("28000", "1.", 0),
        level("29000", "1.", 1),
        level("30000", "1.", 2),
        level("30500", "2.", 3),
    ];
    assert_eq!(fills(&placed), expected);
    assert_eq!(placed["cummulativeQuoteQty"], "148000.00000000");
    assert_eq!(free(&venue, &taker, "USDT").await, "9852000.00000000");
    // A MARKET order takes all there is, and the rest expires.
    let order = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=11";
    let placed = venue.good(&taker, "POST", SOR, order).await;
    assert_eq!(placed["status"], "EXPIRED");
    assert_eq!(placed["executedQty"], "5.00000000");
    assert_eq!(fills(&placed).len(), 3);
    assert_eq!(placed["workingFloor"], "SOR");
    for symbol in SYMBOLS {
        let depth = venue
            .get(&format!("/api/v3/depth?symbol={symbol}"))
            .await
            .json();
        assert_eq!(depth["asks"], json!([]), "{symbol}");
    }
    audit(&venue).await;
    let page = |query: &'static str| {
        let (venue, taker) = (&venue, &taker);
        async move {
            let query = format!("symbol=BTCUSDT{query}");
            let rows = venue
                .good(taker, "GET", "/api/v3/myAllocations", &query)
                .await;
            let ids = rows.as_array().unwrap().iter();
            ids.map(|row| row["allocationId"].as_i64().unwrap())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(page("").await, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(page("&fromAllocationId=5").await, [5, 6]);
    assert_eq!(page("&limit=2").await, [0, 1]);
    assert_eq!(page("&endTime=99999999999999&limit=2").await, [5, 6]);
    assert_eq!(page("&orderId=3&fromAllocationId=2").await, [2, 3]);
    assert!(page("&orderId=99").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn selling_brings_the_money_of_the_order() {
    let bids = [
        ("BTCUSDT", "5", "29500"),
        ("BTCUSDC", "5", "35000"),
        ("BTCUSDC", "5", "30000"),
        ("BTCUSDP", "5", "28000"),
    ];
    let (venue, maker, taker) = books("BUY", &bids).await;
    let order = "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=10&price=29000";
    let placed = venue.good(&taker, "POST", SOR, order).await;
    assert_eq!(
        fills(&placed),
        [level("35000", "5.", 0), level("30000", "5.", 1)]
    );
    assert_eq!(placed["cummulativeQuoteQty"], "325000.00000000");
    // less a thousandth of what it received
    assert_eq!(free(&venue, &taker, "USDT").await, "10324675.00000000");
    assert_eq!(free(&venue, &taker, "USDC").await, "10000000.00000000");
    assert_eq!(free(&venue, &maker, "BTC").await, "1009.99000000");
    audit(&venue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_rests_in_the_orders_own_book() {
    let (venue, maker, taker) = books("SELL", ASKS).await;
    let order = "symbol=BTCUSDC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=4&price=29500";
    let placed = venue.good(&taker, "POST", SOR, order).await;
    assert_eq!(
        fills(&placed),
        [level("28000", "1.", 0), level("29000", "1.", 1)]
    );
    assert_eq!(placed["status"], "PARTIALLY_FILLED");
    assert_eq!(placed["workingFloor"], "EXCHANGE", "it was placed last");
    let depth = venue.get("/api/v3/depth?symbol=BTCUSDC").await.json();
    assert_eq!(depth["bids"], json!([["29500.00000000", "2.00000000"]]));
    // There it trades as any other.
    let sell = "symbol=BTCUSDC&side=SELL&type=MARKET&quantity=1";
    venue.good(&maker, "POST", "/api/v3/order", sell).await;
    let order = venue
        .good(&taker, "GET", "/api/v3/openOrders", "symbol=BTCUSDC")
        .await;
    assert_eq!(order[0]["executedQty"], "3.00000000");
    assert_eq!(
        (&order[0]["workingFloor"], &order[0]["usedSor"]),
        (&json!("EXCHANGE"), &json!(true))
    );
    let trades = venue
        .good(&taker, "GET", "/api/v3/myTrades", "symbol=BTCUSDC")
        .await;
    assert_eq!(trades.as_array().unwrap().len(), 1);
    let canceled = venue
        .good(&taker, "DELETE", "/api/v3/openOrders", "symbol=BTCUSDC")
        .await;
    assert_eq!(canceled[0]["usedSor"], true);
    audit(&venue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_routing_would_break_a_rule_the_order_is_an_ordinary_one() {
    let (venue, maker, taker) = books("SELL", ASKS).await;
    let order = |symbol: &str, rest: &str| format!("symbol={symbol}&side=BUY&type=LIMIT&{rest}");
    // Its own book has the best price: an ordinary trade.
    let own = venue
        .good(
            &taker,
            "POST",
            SOR,
            &order("BTCUSDC", "timeInForce=GTC&quantity=1&price=28500"),
        )
        .await;
    assert_eq!(
        (&own["workingFloor"], &own["usedSor"]),
        (&json!("EXCHANGE"), &json!(true))
    );
    assert_eq!(own["fills"][0]["tradeId"], 1);
    // The maker's own orders are not met in other books, and prevented in its own.
    let mine = venue
        .good(
            &maker,
            "POST",
            SOR,
            &order(
                "BTCUSDT",
                "timeInForce=IOC&quantity=1&price=30500&selfTradePreventionMode=EXPIRE_TAKER",
            ),
        )
        .await;
    assert_eq!(
        (&mine["status"], &mine["executedQty"]),
        (&json!("EXPIRED_IN_MATCH"), &json!("0.00000000"))
    );
    // Not enough in all books together: nothing at all.
    let whole = venue
        .good(
            &taker,
            "POST",
            SOR,
            &order("BTCUSDT", "timeInForce=FOK&quantity=10&price=40000"),
        )
        .await;
    assert_eq!(
        (&whole["status"], &whole["executedQty"]),
        (&json!("EXPIRED"), &json!("0.00000000"))
    );
    let whole = venue
        .good(
            &taker,
            "POST",
            SOR,
            &order("BTCUSDT", "timeInForce=FOK&quantity=9&price=40000"),
        )
        .await;
    assert_eq!(
        (&whole["status"], &whole["executedQty"]),
        (&json!("FILLED"), &json!("9.00000000"))
    );
    audit(&venue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_routed_is_refused() {
    let (venue, _, taker) = books("SELL", ASKS).await;
    let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.5&price=31000";
    let before = venue.digest().await;
    for (query, code) in [
        (order.replace("LIMIT&timeInForce=GTC", "LIMIT_MAKER"), -1116),
        (order.replace("&price=31000", ""), -1102),
        (order.replace("&quantity=0.5", ""), -1102),
        (format!("{order}&quoteOrderQty=5"), -1104),
        (format!("{order}&stopPrice=5"), -1104),
        (order.replace("0.5", "500"), -2010),
    ] {
        let reply = venue.signed(&taker, "POST", SOR, &query).await;
        assert_eq!(reply.code(), code, "{query}: {reply:?}");
    }
    assert_eq!(venue.digest().await, before);
    // Out of its group.
    assert_eq!(group(&venue, "BTCUSDT", Value::Null).await, 200);
    let reply = venue.signed(&taker, "POST", SOR, order).await;
    assert_eq!(reply.json()["msg"], "SOR is not supported for this symbol.");
    let info = venue.get("/api/v3/exchangeInfo").await.json();
    assert_eq!(info["sors"][0]["symbols"], json!(["BTCUSDC", "BTCUSDP"]));
    // A group has one base asset, and no quote asset twice.
    let body = json!({"symbol": "ETHUSDT", "baseAsset": "ETH", "quoteAsset": "USDT"}).to_string();
    venue.send("POST", "/sandbox/v1/symbols", &[], &body).await;
    assert_eq!(group(&venue, "ETHUSDT", json!("USD")).await, 400);
    assert_eq!(group(&venue, "BTCUSDT", json!("no name")).await, 400);
    assert_eq!(group(&venue, "BTCUSDT", json!("USD")).await, 200);
}
