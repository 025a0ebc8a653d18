//! What a symbol offers, and the state in which nothing is.

use serde_json::{Value, json};

use crate::venue::{Reply, Trader, Venue};

async fn put(venue: &Venue, body: &Value) -> Reply {
    let path = "/sandbox/v1/symbols/ABCUSDT";
    venue.send("PUT", path, &[], &body.to_string()).await
}

async fn set(venue: &Venue, body: Value) {
    let reply = put(venue, &body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

async fn told(venue: &Venue) -> Value {
    let info = venue.get("/api/v3/exchangeInfo?symbol=ABCUSDT").await;
    info.json()["symbols"][0].clone()
}

const PLACE: &str = "/api/v3/order";

/// What a feature is called, a request that needs it, and how that is refused without it.
type Need = (
    &'static str,
    (&'static str, &'static str, &'static str),
    i64,
    &'static str,
);

const NEEDS: &[Need] = &[
    (
        "icebergAllowed",
        (
            "POST",
            PLACE,
            "type=LIMIT&side=BUY&timeInForce=GTC&quantity=10&price=1&icebergQty=2",
        ),
        -2010,
        "Iceberg orders are not supported for this symbol.",
    ),
    (
        "ocoAllowed",
        (
            "POST",
            "/api/v3/orderList/oco",
            "side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=200&belowType=STOP_LOSS&belowStopPrice=50",
        ),
        -2010,
        "OCO orders are not supported for this symbol",
    ),
    (
        "otoAllowed",
        (
            "POST",
            "/api/v3/orderList/oto",
            "workingType=LIMIT_MAKER&workingSide=BUY&workingPrice=1&workingQuantity=1&pendingType=LIMIT_MAKER&pendingSide=SELL&pendingQuantity=1&pendingPrice=200",
        ),
        -2010,
        "OTO orders are not supported for this symbol.",
    ),
    (
        "opoAllowed",
        (
            "POST",
            "/api/v3/orderList/opo",
            "workingType=LIMIT_MAKER&workingSide=BUY&workingPrice=1&workingQuantity=1&pendingType=LIMIT_MAKER&pendingSide=SELL&pendingPrice=200",
        ),
        -2010,
        "OPO orders are not supported for this symbol.",
    ),
    (
        "quoteOrderQtyMarketAllowed",
        ("POST", PLACE, "type=MARKET&side=BUY&quoteOrderQty=10"),
        -2010,
        "Quote order qty market orders are not support for this symbol.",
    ),
    (
        "allowTrailingStop",
        (
            "POST",
            PLACE,
            "type=STOP_LOSS&side=SELL&quantity=1&trailingDelta=100",
        ),
        -2010,
        "Trailing stop orders are not supported for this symbol.",
    ),
    (
        "cancelReplaceAllowed",
        (
            "POST",
            "/api/v3/order/cancelReplace",
            "cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId=1&type=LIMIT&side=BUY&timeInForce=GTC&quantity=20&price=1",
        ),
        -2010,
        "Order cancel-replace is not supported for this symbol.",
    ),
    (
        "amendAllowed",
        (
            "PUT",
            "/api/v3/order/amend/keepPriority",
            "orderId=1&newQty=10",
        ),
        -2038,
        "Order amend is not supported for this symbol.",
    ),
    (
        "pegInstructionsAllowed",
        (
            "POST",
            PLACE,
            "type=LIMIT&side=BUY&timeInForce=GTC&quantity=1&pegPriceType=PRIMARY_PEG",
        ),
        -2010,
        "Pegged orders are not supported for this symbol.",
    ),
];

async fn refused(venue: &Venue, trader: &Trader, what: (&str, &str, &str)) -> (i64, String) {
    let query = format!("symbol=ABCUSDT&{}", what.2);
    let query = query.trim_end_matches('&');
    let reply = venue.signed(trader, what.0, what.1, query).await;
    let message = reply.json()["msg"].as_str().unwrap_or_default().to_owned();
    (reply.code(), message)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_symbol_does_not_offer_is_refused_by_name() {
    let (venue, ann, bob) = Venue::with_market().await;
    let first = "symbol=ABCUSDT&type=LIMIT&side=BUY&timeInForce=GTC&quantity=20&price=2";
    venue.good(&bob, "POST", PLACE, first).await;
    venue.good(&ann, "POST", PLACE, first).await;
    for (name, request, code, text) in NEEDS {
        set(&venue, json!({ *name: false })).await;
        let info = told(&venue).await;
        for (other, ..) in NEEDS {
            assert_eq!(info[*other], json!(other != name), "{other}");
        }
        let before = venue.digest().await;
        let answer = refused(&venue, &bob, *request).await;
        assert_eq!(answer, (*code, (*text).to_owned()), "{name}");
        assert_eq!(venue.digest().await, before, "{name}");
        set(&venue, json!({ *name: true })).await;
        let (_, text) = refused(&venue, &bob, *request).await;
        assert!(!text.contains("not support"), "{name}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn order_types_and_modes_are_chosen() {
    let (venue, ann, _) = Venue::with_market().await;
    let all = told(&venue).await["orderTypes"].clone();
    let kinds = [
        ("MARKET", "quantity=1", "Market orders are"),
        (
            "STOP_LOSS",
            "quantity=1&stopPrice=1",
            "Stop loss orders are",
        ),
        (
            "STOP_LOSS_LIMIT",
            "quantity=1&stopPrice=1&price=1&timeInForce=GTC",
            "Stop loss limit orders are",
        ),
        (
            "TAKE_PROFIT",
            "quantity=1&stopPrice=1",
            "Take profit orders are",
        ),
        (
            "TAKE_PROFIT_LIMIT",
            "quantity=1&stopPrice=1&price=1&timeInForce=GTC",
            "Take profit limit orders are",
        ),
    ];
    for (kind, rest, text) in kinds {
        let names: Vec<&str> = all
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let names: Vec<&str> = names.into_iter().filter(|name| *name != kind).collect();
        set(&venue, json!({"orderTypes": names})).await;
        assert_eq!(told(&venue).await["orderTypes"], json!(names));
        let query = format!("type={kind}&side=SELL&{rest}");
        let answer = refused(&venue, &ann, ("POST", PLACE, &query)).await;
        assert_eq!(
            answer,
            (-2010, format!("{text} not supported for this symbol."))
        );
    }
    set(
        &venue,
        json!({"orderTypes": all, "stpModes": ["NONE", "DECREMENT"], "defaultStpMode": "NONE"}),
    )
    .await;
    let info = told(&venue).await;
    assert_eq!(
        info["allowedSelfTradePreventionModes"],
        json!(["NONE", "DECREMENT"])
    );
    assert_eq!(info["defaultSelfTradePreventionMode"], "NONE");
    let order = "type=LIMIT&side=BUY&timeInForce=GTC&quantity=20&price=1&selfTradePreventionMode";
    let answer = refused(
        &venue,
        &ann,
        ("POST", PLACE, &format!("{order}=EXPIRE_TAKER")),
    )
    .await;
    assert_eq!(
        answer,
        (
            -1013,
            "This symbol does not allow the specified self-trade prevention mode.".to_owned()
        )
    );
    let placed = format!("symbol=ABCUSDT&{order}=DECREMENT");
    venue.good(&ann, "POST", PLACE, &placed).await;
    for (body, said) in [
        (json!({"orderTypes": ["MARKET"]}), "LIMIT_MAKER"),
        (
            json!({"orderTypes": ["LIMIT", "LIMIT_MAKER", "STOP"]}),
            "STOP",
        ),
        (json!({"stpModes": ["DECREMENT"]}), "NONE"),
        (json!({"stpModes": ["NONE", "DECLINE"]}), "DECLINE"),
        (json!({"otoAllowed": "yes"}), "yes"),
        (json!({"otoAllowd": true}), "otoAllowd"),
        (json!({}), "stpModes"),
    ] {
        let before = venue.digest().await;
        let reply = put(&venue, &body).await;
        let text = reply.json()["msg"].as_str().unwrap_or_default().to_owned();
        assert!(reply.status == 400 && text.contains(said), "{body}: {text}");
        assert_eq!(venue.digest().await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_the_day_nothing_goes_on() {
    let (venue, ann, _) = Venue::with_market().await;
    let order = "symbol=ABCUSDT&type=LIMIT&side=BUY&timeInForce=GTC&quantity=20&price=2";
    venue.good(&ann, "POST", PLACE, order).await;
    set(&venue, json!({"status": "END_OF_DAY"})).await;
    assert_eq!(told(&venue).await["status"], "END_OF_DAY");
    let closed = |code: i64| (code, "Market is closed.".to_owned());
    let order = &order["symbol=ABCUSDT&".len()..];
    let before = venue.digest().await;
    for (verb, path, query, code) in [
        ("POST", PLACE, order, -2010),
        ("POST", "/api/v3/order/test", order, -2010),
        ("DELETE", PLACE, "orderId=1", -2011),
        ("DELETE", "/api/v3/openOrders", "", -2011),
        (
            "PUT",
            "/api/v3/order/amend/keepPriority",
            "orderId=1&newQty=10",
            -2038,
        ),
    ] {
        let answer = refused(&venue, &ann, (verb, path, query)).await;
        assert_eq!(answer, closed(code), "{verb} {path}");
    }
    assert_eq!(venue.digest().await, before);
    let named = venue
        .get("/api/v3/exchangeInfo?symbolStatus=END_OF_DAY")
        .await
        .json();
    assert_eq!(named["symbols"][0]["symbol"], "ABCUSDT");
    set(&venue, json!({"status": "TRADING"})).await;
    venue
        .good(&ann, "DELETE", PLACE, "symbol=ABCUSDT&orderId=1")
        .await;
}

async fn bind(venue: &Venue, body: Value) -> Reply {
    let text = body.to_string();
    venue.send("PUT", "/sandbox/v1/filters", &[], &text).await
}

const REST: &str = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=20&price=2";
const STOP: &str = "side=BUY&type=STOP_LOSS&quantity=20&stopPrice=3";
const ICEBERG: &str = "side=BUY&type=LIMIT&timeInForce=GTC&quantity=20&price=2&icebergQty=5";
const LIST: &str = "side=BUY&quantity=20&aboveType=STOP_LOSS&aboveStopPrice=300&belowType=LIMIT_MAKER&belowPrice=2";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_so_many_orders_on_the_whole_exchange() {
    let (venue, ann, bob) = Venue::with_market().await;
    let other = json!({"symbol": "XYZUSDT", "baseAsset": "XYZ", "quoteAsset": "USDT"}).to_string();
    venue.send("POST", "/sandbox/v1/symbols", &[], &other).await;
    let oco = "/api/v3/orderList/oco";
    let cases = [
        ("EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders", PLACE, REST),
        (
            "EXCHANGE_MAX_NUM_ALGO_ORDERS",
            "maxNumAlgoOrders",
            PLACE,
            STOP,
        ),
        (
            "EXCHANGE_MAX_NUM_ICEBERG_ORDERS",
            "maxNumIcebergOrders",
            PLACE,
            ICEBERG,
        ),
        (
            "EXCHANGE_MAX_NUM_ORDER_LISTS",
            "maxNumOrderLists",
            oco,
            LIST,
        ),
    ];
    for (name, field, path, order) in cases {
        let filter = json!([{"filterType": name, field: 2}]);
        let reply = bind(&venue, json!({"exchangeFilters": filter})).await;
        assert_eq!(reply.json()["exchangeFilters"], filter, "{reply:?}");
        let info = venue.get("/api/v3/exchangeInfo").await.json();
        assert_eq!(info["exchangeFilters"], filter);
        let mine = venue
            .good(&bob, "GET", "/api/v3/myFilters", "symbol=XYZUSDT")
            .await;
        assert_eq!(mine["exchangeFilters"], filter);
        // One on each market is all there may be, wherever the third would be; somebody else is not concerned.
        for symbol in ["ABCUSDT", "XYZUSDT"] {
            venue
                .good(&bob, "POST", path, &format!("symbol={symbol}&{order}"))
                .await;
        }
        let before = venue.digest().await;
        for symbol in ["ABCUSDT", "XYZUSDT"] {
            let query = format!("symbol={symbol}&{order}");
            let reply = venue.signed(&bob, "POST", path, &query).await;
            let text = format!("Filter failure: {name}");
            assert_eq!(
                (reply.code(), &reply.json()["msg"]),
                (-1013, &json!(text)),
                "{name}"
            );
        }
        assert_eq!(venue.digest().await, before);
        venue
            .good(&ann, "POST", path, &format!("symbol=XYZUSDT&{order}"))
            .await;
        for trader in [&ann, &bob] {
            for symbol in ["ABCUSDT", "XYZUSDT"] {
                let query = format!("symbol={symbol}");
                venue
                    .signed(trader, "DELETE", "/api/v3/openOrders", &query)
                    .await;
            }
        }
        venue
            .good(&bob, "POST", path, &format!("symbol=ABCUSDT&{order}"))
            .await;
        venue
            .good(&bob, "DELETE", "/api/v3/openOrders", "symbol=ABCUSDT")
            .await;
    }
    // A list counts with all of its orders.
    let filter = json!([{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1}]);
    bind(&venue, json!({"exchangeFilters": filter})).await;
    let reply = venue
        .signed(&bob, "POST", oco, &format!("symbol=ABCUSDT&{LIST}"))
        .await;
    assert_eq!(
        reply.json()["msg"],
        "Filter failure: EXCHANGE_MAX_NUM_ORDERS"
    );
    bind(&venue, json!({"exchangeFilters": []})).await;
    venue
        .good(&bob, "POST", oco, &format!("symbol=ABCUSDT&{LIST}"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_order_moves_so_much_of_an_asset() {
    let (venue, ann, bob) = Venue::with_market().await;
    let limits = json!([
        {"filterType": "MAX_ASSET", "asset": "ABC", "limit": "30.00000000"},
        {"filterType": "MAX_ASSET", "asset": "USDT", "limit": "42.00000000"},
    ]);
    let reply = bind(&venue, json!({"assetFilters": limits})).await;
    let told = reply.json()["assetFilters"].as_array().map(Vec::len);
    assert_eq!(told, Some(2), "{reply:?}");
    let mine = venue
        .good(&bob, "GET", "/api/v3/myFilters", "symbol=ABCUSDT")
        .await;
    assert_eq!(mine["assetFilters"], limits);
    let refused = json!("Filter failure: MAX_ASSET");
    let limit = "symbol=ABCUSDT&type=LIMIT&timeInForce=GTC";
    for (trader, order, fits) in [
        (
            &bob,
            format!("{limit}&side=BUY&quantity=20&price=2.1"),
            true,
        ),
        (
            &bob,
            format!("{limit}&side=BUY&quantity=20&price=2.11"),
            false,
        ),
        (&bob, format!("{limit}&side=BUY&quantity=30&price=1"), true),
        (&bob, format!("{limit}&side=BUY&quantity=31&price=1"), false),
        (
            &ann,
            format!("{limit}&side=SELL&quantity=10&price=4.2"),
            true,
        ),
        (
            &ann,
            format!("{limit}&side=SELL&quantity=10&price=4.21"),
            false,
        ),
        (
            &bob,
            "symbol=ABCUSDT&side=BUY&type=MARKET&quoteOrderQty=42.01".to_owned(),
            false,
        ),
        (
            &bob,
            "symbol=ABCUSDT&side=BUY&type=STOP_LOSS&quantity=10&stopPrice=4.3".to_owned(),
            false,
        ),
        (
            &bob,
            "symbol=ABCUSDT&side=BUY&type=STOP_LOSS&quantity=10&stopPrice=4.2".to_owned(),
            true,
        ),
    ] {
        let reply = venue
            .signed(trader, "POST", "/api/v3/order/test", &order)
            .await;
        match fits {
            true => assert_eq!(reply.status, 200, "{order}: {reply:?}"),
            false => assert_eq!(reply.json()["msg"], refused, "{order}"),
        }
    }
    for (body, said) in [
        (
            json!({"assetFilters": [{"filterType": "MAX_ASSET", "asset": "NONE", "limit": "1"}]}),
            "NONE",
        ),
        (
            json!({"assetFilters": [{"filterType": "MIN_ASSET", "asset": "ABC", "limit": "1"}]}),
            "MIN_ASSET",
        ),
        (json!({"assetFilters": [limits[0], limits[0]]}), "twice"),
        (
            json!({"exchangeFilters": [{"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 1}]}),
            "EXCHANGE_MAX_NUM_ORDERS",
        ),
        (
            json!({"exchangeFilters": [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": "1"}]}),
            "maxNumOrders",
        ),
        (json!({}), "assetFilters"),
    ] {
        let reply = bind(&venue, body.clone()).await;
        let text = reply.json()["msg"].as_str().unwrap_or_default().to_owned();
        assert!(reply.status == 400 && text.contains(said), "{body}: {text}");
    }
}
