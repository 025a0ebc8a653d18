use serde_json::Value;

use crate::venue::{Trader, Venue};

const OCO: &str = "symbol=ABCUSDT&quantity=1&abovePrice=120&belowStopPrice=80&aboveType=LIMIT_MAKER&belowType=STOP_LOSS&side=SELL";
const OTO: &str = "symbol=ABCUSDT&workingType=LIMIT&workingTimeInForce=GTC&workingSide=BUY&workingPrice=90&workingQuantity=1";

/// What follows the beginning of a request, and the code that it is refused with; zero: nothing is wrong with it.
const REFUSED: &[(&str, &str, &str, i64)] = &[
    ("orderList/oco", OCO, "", 0),
    ("orderList/oco", OCO, "&belowTrailingDelta=100", 0),
    ("orderList/oco", OCO, "&aboveTimeInForce=GTC", -1106),
    ("orderList/oco", OCO, "&belowPrice=79", -1106),
    ("orderList/oco", OCO, "&aboveStopPrice=120", -1106),
    ("orderList/oco", OCO, "&aboveStrategyType=7", -1134),
    ("orderList/oco", OCO, "&abovePegOffsetValue=1", -1128),
    ("orderList/oco", OCO, "&price=1", -1104),
    ("orderList/oco", OCO, "&aboveIcebergQty=0.5", 0),
    ("orderList/oco", OCO, "&belowIcebergQty=0.5", -1106),
    ("orderList/oco", OCO, "&aboveIcebergQty=2", -2010),
    (
        "orderList/oco",
        OCO,
        "&abovePegOffsetType=PRICE_LEVEL&abovePegOffsetValue=1",
        -1102,
    ),
    (
        "orderList/oco",
        OCO,
        "&belowPegPriceType=PRIMARY_PEG",
        -2010,
    ),
    ("orderList/oco", OCO, "&abovePegPriceType=MARKET_PEG", -2010),
    ("orderList/oco", OCO, "&abovePegPriceType=BEST", -1210),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=LIMIT_MAKER&abovePrice=120&belowType=STOP_LOSS_LIMIT&belowStopPrice=80&belowPegPriceType=MARKET_PEG&belowTimeInForce=GTC&belowIcebergQty=0.5",
        0,
    ),
    (
        "order/oco",
        "symbol=ABCUSDT&side=SELL&quantity=1&price=120&stopPrice=80",
        "&limitIcebergQty=0.5&stopLimitPrice=79&stopLimitTimeInForce=GTC&stopIcebergQty=0.25",
        0,
    ),
    (
        "orderList/oto",
        OTO,
        "&workingIcebergQty=0.5&pendingType=LIMIT&pendingSide=SELL&pendingQuantity=1&pendingTimeInForce=GTC&pendingPegPriceType=PRIMARY_PEG&pendingPegOffsetType=PRICE_LEVEL&pendingPegOffsetValue=3&pendingIcebergQty=0.5",
        0,
    ),
    (
        "orderList/opoco",
        OTO,
        "&pendingSide=SELL&pendingAboveType=LIMIT_MAKER&pendingAbovePegPriceType=PRIMARY_PEG&pendingAboveIcebergQty=0.1&pendingBelowType=STOP_LOSS_LIMIT&pendingBelowStopPrice=80&pendingBelowTimeInForce=GTC&pendingBelowPegPriceType=MARKET_PEG",
        0,
    ),
    ("orderList/oco", "symbol=ABCUSDT&quantity=1", "", -1102),
    // each on its side of the market
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=BUY",
        "&aboveType=STOP_LOSS&aboveStopPrice=120&belowType=LIMIT_MAKER&belowPrice=80",
        0,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=BUY",
        "&aboveType=LIMIT_MAKER&abovePrice=120&belowType=STOP_LOSS&belowStopPrice=80",
        -1165,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=BUY",
        "&aboveType=STOP_LOSS&aboveStopPrice=120&belowType=STOP_LOSS&belowStopPrice=80",
        -1196,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=BUY",
        "&aboveType=TAKE_PROFIT&aboveStopPrice=120&belowType=TAKE_PROFIT&belowStopPrice=80",
        -1198,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=STOP_LOSS&aboveStopPrice=120&belowType=STOP_LOSS&belowStopPrice=80",
        -1197,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=TAKE_PROFIT&aboveStopPrice=120&belowType=TAKE_PROFIT&belowStopPrice=80",
        -1199,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=TAKE_PROFIT&aboveStopPrice=120&belowType=LIMIT_MAKER&belowPrice=80",
        -1166,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=LIMIT_MAKER&abovePrice=120&belowType=LIMIT_MAKER&belowPrice=80",
        -1168,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=LIMIT&aboveTimeInForce=GTC&abovePrice=120&belowType=STOP_LOSS&belowStopPrice=80",
        -1158,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=LIMIT_MAKER&abovePrice=120&belowType=STOP_LOSS_LIMIT&belowStopPrice=80&belowPrice=79&belowTimeInForce=IOC&belowIcebergQty=1",
        -1160,
    ),
    (
        "orderList/oco",
        "symbol=NOPE&quantity=1&side=SELL",
        "&aboveType=LIMIT_MAKER&abovePrice=120&belowType=STOP_LOSS&belowStopPrice=80",
        -1121,
    ),
    (
        "order/oco",
        "symbol=ABCUSDT&side=SELL&quantity=1&price=120&stopPrice=80",
        "",
        0,
    ),
    (
        "order/oco",
        "symbol=ABCUSDT&side=SELL&quantity=1&price=120&stopPrice=80",
        "&stopLimitPrice=79",
        -1102,
    ),
    (
        "order/oco",
        "symbol=ABCUSDT&side=SELL&quantity=1&price=120&stopPrice=80",
        "&stopLimitTimeInForce=GTC",
        -1106,
    ),
    (
        "orderList/oto",
        OTO,
        "&pendingType=MARKET&pendingSide=SELL&pendingQuantity=1",
        0,
    ),
    (
        "orderList/oto",
        OTO,
        "&pendingType=MARKET&pendingSide=SELL",
        -1102,
    ),
    (
        "orderList/oto",
        OTO,
        "&pendingType=LIMIT&pendingSide=SELL&pendingQuantity=1&pendingPrice=110",
        -1102,
    ),
    (
        "orderList/oto",
        OTO,
        "&pendingType=STOP_LOSS&pendingSide=SELL&pendingQuantity=1",
        -1102,
    ),
    (
        "orderList/oto",
        "symbol=ABCUSDT&workingType=MARKET&workingSide=BUY&workingQuantity=1",
        "&pendingType=MARKET&pendingSide=SELL&pendingQuantity=1",
        -1116,
    ),
    (
        "orderList/otoco",
        OTO,
        "&pendingSide=SELL&pendingQuantity=1&pendingAboveType=LIMIT_MAKER&pendingAbovePrice=120&pendingBelowType=STOP_LOSS&pendingBelowStopPrice=80",
        0,
    ),
    (
        "orderList/otoco",
        OTO,
        "&pendingSide=BUY&pendingQuantity=1&pendingAboveType=LIMIT_MAKER&pendingAbovePrice=120&pendingBelowType=STOP_LOSS&pendingBelowStopPrice=80",
        -1165,
    ),
    (
        "orderList/otoco",
        OTO,
        "&pendingSide=SELL&pendingQuantity=1&pendingAboveType=LIMIT_MAKER&pendingAbovePrice=120",
        -1102,
    ),
    (
        "orderList/opo",
        OTO,
        "&pendingType=MARKET&pendingSide=SELL",
        0,
    ),
    (
        "orderList/opo",
        OTO,
        "&pendingType=MARKET&pendingSide=BUY",
        -1223,
    ),
    (
        "orderList/opo",
        OTO,
        "&pendingType=MARKET&pendingSide=SELL&pendingQuantity=1",
        -1104,
    ),
    (
        "orderList/opo",
        "symbol=ABCUSDT&workingType=LIMIT_MAKER&workingSide=SELL&workingPrice=90&workingQuantity=1",
        "&pendingType=MARKET&pendingSide=SELL",
        -1222,
    ),
    (
        "orderList/opoco",
        OTO,
        "&pendingSide=SELL&pendingAboveType=LIMIT_MAKER&pendingAbovePrice=120&pendingBelowType=STOP_LOSS&pendingBelowStopPrice=80",
        0,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn parameters_of_lists_are_checked() {
    let (venue, trader, _) = Venue::with_market().await;
    let before = venue.digest().await;
    for (path, begin, rest, code) in REFUSED {
        if *code == 0 {
            continue;
        }
        let params = format!("{begin}{rest}");
        let reply = venue
            .signed(&trader, "POST", &format!("/api/v3/{path}"), &params)
            .await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, *code),
            "{path} {params}: {reply:?}"
        );
    }
    assert_eq!(venue.digest().await, before);
    let counted = venue
        .good(&trader, "GET", "/api/v3/rateLimit/order", "")
        .await;
    assert_eq!(counted[0]["count"], 0, "{counted}");
    let mut orders = 0;
    for (path, begin, rest, code) in REFUSED {
        if *code != 0 {
            continue;
        }
        let params = format!("{begin}{rest}");
        let path = format!("/api/v3/{path}");
        let list = venue.good(&trader, "POST", &path, &params).await;
        let legs = list["orders"].as_array().unwrap().len();
        assert_eq!(legs, list["orderReports"].as_array().unwrap().len());
        orders += legs;
        let params = format!("symbol=ABCUSDT&orderListId={}", list["orderListId"]);
        let path = "/api/v3/orderList";
        let canceled = venue.good(&trader, "DELETE", path, &params).await;
        assert_eq!(canceled["listOrderStatus"], "ALL_DONE", "{canceled}");
        assert_eq!(canceled["orderReports"].as_array().unwrap().len(), legs);
    }
    let counted = venue
        .good(&trader, "GET", "/api/v3/rateLimit/order", "")
        .await;
    assert_eq!(counted[0]["count"], orders, "{counted}");
}

async fn trade(venue: &Venue, seller: &Trader, buyer: &Trader, price: &str, qty: &str) {
    for (who, side) in [(seller, "SELL"), (buyer, "BUY")] {
        let order = format!(
            "symbol=ABCUSDT&type=LIMIT&timeInForce=GTC&side={side}&quantity={qty}&price={price}"
        );
        venue.good(who, "POST", "/api/v3/order", &order).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_otoco_is_told_through_its_whole_life() {
    let (venue, trader, stranger) = Venue::with_market().await;
    let third = venue.trader().await;
    trade(&venue, &stranger, &third, "100", "1").await;
    let params = format!(
        "{OTO}&pendingSide=SELL&pendingQuantity=1&pendingAboveType=LIMIT_MAKER&pendingAbovePrice=120\
         &pendingBelowType=STOP_LOSS&pendingBelowStopPrice=80&listClientOrderId=whole&workingClientOrderId=w\
         &pendingAboveClientOrderId=a&pendingBelowClientOrderId=b"
    );
    let path = "/api/v3/orderList/otoco";
    let list = venue.good(&trader, "POST", path, &params).await;
    let told = |list: &Value| {
        let text = |name: &str| list[name].as_str().unwrap().to_owned();
        (
            text("contingencyType"),
            text("listStatusType"),
            text("listOrderStatus"),
            text("listClientOrderId"),
        )
    };
    let words = |status: &str, orders: &str| {
        let owned = ["OTO", status, orders, "whole"].map(str::to_owned);
        let [a, b, c, d] = owned;
        (a, b, c, d)
    };
    assert_eq!(told(&list), words("EXEC_STARTED", "EXECUTING"));
    let reports = list["orderReports"].as_array().unwrap();
    let states: Vec<_> = reports.iter().map(|o| o["status"].clone()).collect();
    assert_eq!(states, ["NEW", "PENDING_NEW", "PENDING_NEW"]);
    assert_eq!(reports[1]["workingTime"], -1);
    let id = list["orderListId"].clone();
    let order = async |name: &str| {
        let params = format!("symbol=ABCUSDT&origClientOrderId={name}");
        venue.good(&trader, "GET", "/api/v3/order", &params).await
    };
    for name in ["w", "a", "b"] {
        assert_eq!(order(name).await["orderListId"], id);
    }
    // filled: the pair begins
    let sell = "symbol=ABCUSDT&type=LIMIT&timeInForce=GTC&side=SELL&quantity=1&price=90";
    venue.good(&stranger, "POST", "/api/v3/order", sell).await;
    let (above, below) = (order("a").await, order("b").await);
    assert_eq!(
        (&above["status"], &above["isWorking"]),
        (&"NEW".into(), &true.into())
    );
    assert_eq!(
        (&below["status"], &below["isWorking"]),
        (&"NEW".into(), &false.into())
    );
    let open = venue
        .good(&trader, "GET", "/api/v3/openOrderList", "")
        .await;
    assert_eq!(open[0]["orderListId"], id);
    assert_eq!(open[0]["orders"].as_array().unwrap().len(), 3);
    // the stop acts: the limit order expires, the list is done, in memory and in the database
    let buy = "symbol=ABCUSDT&type=LIMIT&timeInForce=GTC&side=BUY&quantity=5&price=70";
    venue.good(&third, "POST", "/api/v3/order", buy).await;
    trade(&venue, &stranger, &third, "80", "0.1").await;
    for settled in [false, true] {
        if settled {
            assert!(venue.context.views.settle());
        }
        assert_eq!(order("b").await["status"], "FILLED");
        let above = order("a").await;
        assert_eq!(
            (&above["status"], &above["expiryReason"]),
            (&"EXPIRED".into(), &"OCO_TRIGGER".into())
        );
        for params in [
            format!("orderListId={id}"),
            "origClientOrderId=whole".to_owned(),
        ] {
            let found = venue
                .good(&trader, "GET", "/api/v3/orderList", &params)
                .await;
            assert_eq!(told(&found), words("ALL_DONE", "ALL_DONE"), "{params}");
        }
        let path = "/api/v3/myTrades";
        let trades = venue.good(&trader, "GET", path, "symbol=ABCUSDT").await;
        for trade in trades.as_array().unwrap() {
            assert_eq!(trade["orderListId"], id, "{trade}");
        }
        let all = venue.good(&trader, "GET", "/api/v3/allOrderList", "").await;
        assert_eq!(all.as_array().unwrap().len(), 1);
        let open = venue
            .good(&trader, "GET", "/api/v3/openOrderList", "")
            .await;
        assert_eq!(open, serde_json::json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn canceling_an_order_of_a_list_is_answered_with_the_list() {
    let (venue, trader, _) = Venue::with_market().await;
    let single = "symbol=ABCUSDT&type=LIMIT&timeInForce=GTC&side=BUY&quantity=1&price=50";
    let path = "/api/v3/orderList/oco";
    let list = venue.good(&trader, "POST", path, OCO).await;
    let order = &list["orders"][0]["orderId"];
    let params = format!("symbol=ABCUSDT&orderId={order}");
    let done = venue
        .good(&trader, "DELETE", "/api/v3/order", &params)
        .await;
    assert_eq!(done["orderListId"], list["orderListId"]);
    let states: Vec<_> = done["orderReports"].as_array().unwrap().iter().collect();
    assert!(states.iter().all(|o| o["status"] == "CANCELED"), "{done}");
    venue.good(&trader, "POST", "/api/v3/order", single).await;
    venue.good(&trader, "POST", path, OCO).await;
    let path = "/api/v3/openOrders";
    let all = venue.good(&trader, "DELETE", path, "symbol=ABCUSDT").await;
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    assert_eq!(all[0]["orderListId"], -1);
    assert_eq!(all[1]["orderReports"].as_array().unwrap().len(), 2);
    let balances = venue.good(&trader, "GET", "/api/v3/account", "").await;
    for balance in balances["balances"].as_array().unwrap() {
        assert_eq!(
            balance["locked"].as_str().unwrap().trim_matches(['0', '.']),
            ""
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_lists_to_be_found() {
    let (venue, trader, _) = Venue::with_market().await;
    for path in ["/api/v3/openOrderList", "/api/v3/allOrderList"] {
        assert_eq!(
            venue.good(&trader, "GET", path, "").await,
            serde_json::json!([])
        );
    }
    for (verb, path, params, code) in [
        ("GET", "orderList", "", -1102),
        ("GET", "orderList", "orderListId=1", -2013),
        ("GET", "orderList", "origClientOrderId=x", -2013),
        ("GET", "allOrderList", "fromId=1&startTime=1", -1128),
        ("GET", "allOrderList", "startTime=1&endTime=86400002", -1127),
        ("DELETE", "orderList", "symbol=ABCUSDT", -1102),
        ("DELETE", "orderList", "symbol=ABCUSDT&orderListId=1", -2011),
        ("DELETE", "orderList", "symbol=NOPE&orderListId=1", -1121),
    ] {
        let reply = venue
            .signed(&trader, verb, &format!("/api/v3/{path}"), params)
            .await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, code),
            "{verb} {path} {params}"
        );
    }
}

/// Amending one order of a pair is answered with its list, and told of both orders, in memory and from the database.
#[tokio::test(flavor = "multi_thread")]
async fn an_amended_pair_is_told_with_its_list() {
    let (venue, trader, stranger) = Venue::with_market().await;
    let third = venue.trader().await;
    trade(&venue, &stranger, &third, "100", "1").await;
    let params = format!("{OCO}&aboveClientOrderId=a&belowClientOrderId=b&listClientOrderId=pair");
    let path = "/api/v3/orderList/oco";
    let list = venue.good(&trader, "POST", path, &params).await;
    let (above, below) = (&list["orders"][0]["orderId"], &list["orders"][1]["orderId"]);
    let path = "/api/v3/order/amend/keepPriority";
    let params = "symbol=ABCUSDT&origClientOrderId=b&newQty=0.4&newClientOrderId=c";
    let done = venue.good(&trader, "PUT", path, params).await;
    let expected = serde_json::json!({
        "orderListId": list["orderListId"], "contingencyType": "OCO", "listOrderStatus": "EXECUTING",
        "listClientOrderId": "pair", "symbol": "ABCUSDT",
        "orders": [
            {"symbol": "ABCUSDT", "orderId": above, "clientOrderId": "a"},
            {"symbol": "ABCUSDT", "orderId": below, "clientOrderId": "c"},
        ],
    });
    assert_eq!(done["listStatus"], expected, "{done}");
    let related = &done["relatedOrders"];
    assert_eq!(related.as_array().unwrap().len(), 1, "{done}");
    for (name, value) in [
        ("orderId", above.clone()),
        ("qty", "0.40000000".into()),
        ("clientOrderId", "a".into()),
    ] {
        assert_eq!(related[0][name], value, "{name} of {related}");
    }
    let order = &done["amendedOrder"];
    for (name, value) in [
        ("orderId", below.clone()),
        ("qty", "0.40000000".into()),
        ("stopPrice", "80.00000000".into()),
        ("origClientOrderId", "b".into()),
        ("clientOrderId", "c".into()),
        ("workingTime", (-1).into()),
    ] {
        assert_eq!(order[name], value, "{name} of {order}");
    }
    let asks = venue.get("/api/v3/depth?symbol=ABCUSDT").await.json()["asks"].clone();
    assert_eq!(asks, serde_json::json!([["120.00000000", "0.40000000"]]));
    for settled in [false, true] {
        if settled {
            assert!(venue.context.views.settle());
        }
        for (id, name, before) in [(above, "a", "a"), (below, "c", "b")] {
            let params = format!("symbol=ABCUSDT&orderId={id}");
            let seen = venue.good(&trader, "GET", "/api/v3/order", &params).await;
            assert_eq!(
                (&seen["origQty"], &seen["clientOrderId"]),
                (&"0.40000000".into(), &name.into())
            );
            let path = "/api/v3/order/amendments";
            let rows = venue.good(&trader, "GET", path, &params).await;
            assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
            for (field, value) in [
                ("origQty", "1.00000000"),
                ("newQty", "0.40000000"),
                ("origClientOrderId", before),
                ("newClientOrderId", name),
            ] {
                assert_eq!(rows[0][field], value, "{rows}");
            }
        }
    }
    // a pending order has no time at which it began to work
    let params = format!(
        "{OTO}&pendingType=MARKET&pendingSide=SELL&pendingQuantity=1&pendingClientOrderId=p"
    );
    venue
        .good(&trader, "POST", "/api/v3/orderList/oto", &params)
        .await;
    let params = "symbol=ABCUSDT&origClientOrderId=p&newQty=0.5";
    let done = venue.good(&trader, "PUT", path, params).await;
    let order = &done["amendedOrder"];
    assert_eq!(
        (&order["status"], order.get("workingTime")),
        (&"PENDING_NEW".into(), None)
    );
    let params = format!("{OTO}&pendingType=MARKET&pendingSide=SELL&pendingClientOrderId=o");
    venue
        .good(&trader, "POST", "/api/v3/orderList/opo", &params)
        .await;
    let params = "symbol=ABCUSDT&origClientOrderId=o&newQty=0.5";
    let refused = venue.signed(&trader, "PUT", path, params).await;
    assert_eq!(
        (refused.status, refused.code()),
        (400, -2038),
        "{refused:?}"
    );
    assert_eq!(venue.state().await["audit"], "ok");
}
