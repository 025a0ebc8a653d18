use crate::venue::{NOON, Venue};

const LIMIT: &str = "symbol=ABCUSDT&type=LIMIT&timeInForce=GTC";

#[tokio::test(flavor = "multi_thread")]
async fn an_order_rests_fills_and_is_seen_everywhere() {
    let (venue, maker, taker) = Venue::with_market().await;
    let rested = venue
        .good(
            &maker,
            "POST",
            "/api/v3/order",
            &format!("{LIMIT}&side=SELL&quantity=2&price=100.5&newClientOrderId=ask-1"),
        )
        .await;
    assert_eq!(rested["status"], "NEW");
    assert_eq!(rested["price"], "100.50000000");
    assert_eq!(rested["clientOrderId"], "ask-1");
    assert_eq!(rested["fills"], serde_json::json!([]));
    assert_eq!(rested["transactTime"], NOON.as_millis());

    let depth = venue.get("/api/v3/depth?symbol=ABCUSDT").await.json();
    assert_eq!(
        depth["asks"],
        serde_json::json!([["100.50000000", "2.00000000"]])
    );

    let bought = venue
        .good(
            &taker,
            "POST",
            "/api/v3/order",
            "symbol=ABCUSDT&type=MARKET&side=BUY&quantity=0.5",
        )
        .await;
    assert_eq!(bought["status"], "FILLED");
    assert_eq!(bought["cummulativeQuoteQty"], "50.25000000");
    assert_eq!(bought["clientOrderId"].as_str().unwrap().len(), 22);
    let fill = &bought["fills"][0];
    assert_eq!(
        (&fill["price"], &fill["qty"], &fill["commissionAsset"]),
        (&"100.50000000".into(), &"0.50000000".into(), &"ABC".into())
    );
    assert_eq!(fill["commission"], "0.00050000");

    let seen = venue
        .good(
            &maker,
            "GET",
            "/api/v3/order",
            "symbol=ABCUSDT&origClientOrderId=ask-1",
        )
        .await;
    assert_eq!(
        (&seen["status"], &seen["executedQty"]),
        (&"PARTIALLY_FILLED".into(), &"0.50000000".into())
    );
    let open = venue.good(&maker, "GET", "/api/v3/openOrders", "").await;
    assert_eq!(open.as_array().unwrap().len(), 1);
    let fills = venue
        .good(&maker, "GET", "/api/v3/myTrades", "symbol=ABCUSDT")
        .await;
    assert_eq!(
        (&fills[0]["isMaker"], &fills[0]["isBuyer"]),
        (&true.into(), &false.into())
    );
    assert_eq!(fills[0]["quoteQty"], "50.25000000");
    let balances = venue
        .good(&taker, "GET", "/api/v3/account", "omitZeroBalances=true")
        .await["balances"]
        .clone();
    let of = |asset: &str| {
        balances
            .as_array()
            .unwrap()
            .iter()
            .find(|b| b["asset"] == asset)
            .unwrap()["free"]
            .clone()
    };
    assert_eq!(
        (of("ABC"), of("USDT")),
        ("1000.49950000".into(), "99949.75000000".into())
    );
    let trades = venue.get("/api/v3/trades?symbol=ABCUSDT").await.json();
    assert_eq!(
        (&trades[0]["price"], &trades[0]["isBuyerMaker"]),
        (&"100.50000000".into(), &false.into())
    );
    let price = venue
        .get("/api/v3/ticker/price?symbol=ABCUSDT")
        .await
        .json();
    assert_eq!(price["price"], "100.50000000");

    let canceled = venue
        .good(
            &maker,
            "DELETE",
            "/api/v3/order",
            "symbol=ABCUSDT&origClientOrderId=ask-1",
        )
        .await;
    assert_eq!(
        (&canceled["status"], &canceled["origClientOrderId"]),
        (&"CANCELED".into(), &"ask-1".into())
    );
    assert_ne!(canceled["clientOrderId"], "ask-1");
    let all = venue
        .good(&maker, "GET", "/api/v3/allOrders", "symbol=ABCUSDT")
        .await;
    assert_eq!(all[0]["status"], "CANCELED");
    venue.state().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_detail_that_was_asked_for() {
    let (venue, trader, _) = Venue::with_market().await;
    let members = |json: &serde_json::Value| json.as_object().unwrap().len();
    let order = |extra: &str| format!("{LIMIT}&side=BUY&quantity=1&price=50{extra}");
    let ack = venue
        .good(
            &trader,
            "POST",
            "/api/v3/order",
            &order("&newOrderRespType=ACK"),
        )
        .await;
    assert_eq!(members(&ack), 5, "{ack}");
    let result = venue
        .good(
            &trader,
            "POST",
            "/api/v3/order",
            &order("&newOrderRespType=RESULT&strategyId=7&strategyType=1000000"),
        )
        .await;
    assert!(
        result.get("fills").is_none() && result["strategyId"] == 7,
        "{result}"
    );
    let maker = "symbol=ABCUSDT&type=LIMIT_MAKER&side=BUY&quantity=1&price=50";
    assert_eq!(
        members(&venue.good(&trader, "POST", "/api/v3/order", maker).await),
        5,
        "ACK is the default of all but LIMIT and MARKET"
    );
    let canceled = venue
        .good(&trader, "DELETE", "/api/v3/openOrders", "symbol=ABCUSDT")
        .await;
    assert_eq!(canceled.as_array().unwrap().len(), 3);

    let before = venue.digest().await;
    let tried = venue
        .good(&trader, "POST", "/api/v3/order/test", &order(""))
        .await;
    assert_eq!(tried, serde_json::json!({}));
    let rates = venue
        .good(
            &trader,
            "POST",
            "/api/v3/order/test",
            &order("&computeCommissionRates=true"),
        )
        .await;
    assert_eq!(rates["standardCommissionForOrder"]["maker"], "0.00100000");
    assert_eq!(venue.digest().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_replaced_and_amended() {
    let (venue, trader, _) = Venue::with_market().await;
    let placed = venue
        .good(
            &trader,
            "POST",
            "/api/v3/order",
            &format!("{LIMIT}&side=BUY&quantity=1&price=50"),
        )
        .await;
    let id = placed["orderId"].as_u64().unwrap();
    let amended = venue
        .good(
            &trader,
            "PUT",
            "/api/v3/order/amend/keepPriority",
            &format!("symbol=ABCUSDT&orderId={id}&newQty=0.5"),
        )
        .await;
    assert_eq!(
        (
            &amended["amendedOrder"]["qty"],
            &amended["amendedOrder"]["orderId"]
        ),
        (&"0.50000000".into(), &id.into())
    );
    let refused = venue
        .signed(
            &trader,
            "PUT",
            "/api/v3/order/amend/keepPriority",
            &format!("symbol=ABCUSDT&orderId={id}&newQty=2"),
        )
        .await;
    assert_eq!((refused.status, refused.code()), (400, -2038));

    let replace = |mode: &str, id: u64, rest: &str| {
        format!("{LIMIT}&side=BUY&cancelReplaceMode={mode}&cancelOrderId={id}&{rest}")
    };
    let path = "/api/v3/order/cancelReplace";
    let both = venue
        .good(
            &trader,
            "POST",
            path,
            &replace("STOP_ON_FAILURE", id, "quantity=1&price=51"),
        )
        .await;
    assert_eq!(
        (&both["cancelResult"], &both["newOrderResult"]),
        (&"SUCCESS".into(), &"SUCCESS".into())
    );
    let next = both["newOrderResponse"]["orderId"].as_u64().unwrap();

    let neither = venue
        .signed(
            &trader,
            "POST",
            path,
            &replace("STOP_ON_FAILURE", 999, "quantity=1&price=51"),
        )
        .await;
    assert_eq!((neither.status, neither.code()), (400, -2022));
    let data = neither.json()["data"].clone();
    assert_eq!(
        (&data["cancelResult"], &data["newOrderResult"]),
        (&"FAILURE".into(), &"NOT_ATTEMPTED".into())
    );
    assert_eq!(
        (&data["cancelResponse"]["code"], &data["newOrderResponse"]),
        (&(-2011).into(), &serde_json::Value::Null)
    );

    let one = venue
        .signed(
            &trader,
            "POST",
            path,
            &replace("ALLOW_FAILURE", 999, "quantity=1&price=52"),
        )
        .await;
    assert_eq!((one.status, one.code()), (409, -2021));
    assert_eq!(one.json()["data"]["newOrderResult"], "SUCCESS");
    // Twice the account's money: the cancel succeeds, the new order does not.
    let other = venue
        .signed(
            &trader,
            "POST",
            path,
            &replace("STOP_ON_FAILURE", next, "quantity=4000&price=50"),
        )
        .await;
    assert_eq!((other.status, other.code()), (409, -2021), "{other:?}");
    assert_eq!(other.json()["data"]["newOrderResponse"]["code"], -2010);
    venue.state().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_market_describes_itself() {
    let (venue, ..) = Venue::with_market().await;
    let info = venue
        .get("/api/v3/exchangeInfo?symbol=ABCUSDT")
        .await
        .json();
    let symbol = &info["symbols"][0];
    assert_eq!(symbol["filters"][0]["filterType"], "PRICE_FILTER");
    assert_eq!(symbol["filters"][0]["tickSize"], "0.01000000");
    assert_eq!(symbol["permissionSets"], serde_json::json!([["SPOT"]]));
    assert_eq!(info["rateLimits"].as_array().unwrap().len(), 4);
    let none = venue
        .get("/api/v3/exchangeInfo?permissions=%5B%22MARGIN%22%5D")
        .await
        .json();
    assert_eq!(none["symbols"], serde_json::json!([]));

    for (path, array) in [
        ("/api/v3/ticker/24hr?symbol=ABCUSDT", false),
        ("/api/v3/ticker/24hr", true),
        (
            "/api/v3/ticker/24hr?symbols=%5B%22ABCUSDT%22%5D&type=MINI",
            true,
        ),
        (
            "/api/v3/ticker/tradingDay?symbol=ABCUSDT&timeZone=-03:30",
            false,
        ),
        ("/api/v3/ticker?symbol=ABCUSDT&windowSize=7d", false),
        ("/api/v3/ticker/bookTicker", true),
        ("/api/v3/ticker/price?symbolStatus=TRADING", true),
        ("/api/v3/klines?symbol=ABCUSDT&interval=1m", true),
        (
            "/api/v3/uiKlines?symbol=ABCUSDT&interval=1M&timeZone=5:45&limit=1",
            true,
        ),
        ("/api/v3/aggTrades?symbol=ABCUSDT", true),
        ("/api/v3/historicalTrades?symbol=ABCUSDT&fromId=0", true),
        ("/api/v3/avgPrice?symbol=ABCUSDT", false),
    ] {
        let reply = venue.get(path).await;
        assert_eq!(
            (reply.status, reply.json().is_array()),
            (200, array),
            "{path}: {reply:?}"
        );
    }
    let micros = venue
        .send(
            "GET",
            "/api/v3/time",
            &[("X-MBX-TIME-UNIT", "microsecond")],
            "",
        )
        .await
        .json();
    assert_eq!(micros["serverTime"], NOON.0);
}

/// A stop waits outside the book, is told as waiting, acts when a trade reaches its price, and its history remembers.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_acts_and_is_told_of() {
    let (venue, maker, taker) = Venue::with_market().await;
    let order = |trader, params: &'static str| {
        let venue = &venue;
        async move { venue.good(trader, "POST", "/api/v3/order", params).await }
    };
    let sell = "symbol=ABCUSDT&type=LIMIT&timeInForce=GTC&side=SELL";
    let buy = "symbol=ABCUSDT&type=LIMIT&timeInForce=GTC&side=BUY";
    for params in [
        format!("{sell}&quantity=1&price=100"),
        format!("{sell}&quantity=1&price=95"),
    ] {
        venue.good(&maker, "POST", "/api/v3/order", &params).await;
        let take = "symbol=ABCUSDT&type=MARKET&side=BUY&quantity=1";
        let stop = "symbol=ABCUSDT&type=STOP_LOSS_LIMIT&side=SELL&quantity=0.5&timeInForce=GTC\
            &price=94&stopPrice=95&newClientOrderId=stop-1&newOrderRespType=RESULT";
        venue.good(&taker, "POST", "/api/v3/order", take).await;
        if params.ends_with("=95") {
            break;
        }
        let waiting = order(&maker, stop).await;
        assert_eq!(waiting["status"], "NEW");
        assert_eq!(waiting["workingTime"], -1);
        assert_eq!(waiting["stopPrice"], "95.00000000");
        let depth = venue.get("/api/v3/depth?symbol=ABCUSDT").await.json();
        assert_eq!(
            depth["asks"],
            serde_json::json!([]),
            "a stop stood in the book"
        );
        let name = "symbol=ABCUSDT&origClientOrderId=stop-1";
        let seen = venue.good(&maker, "GET", "/api/v3/order", name).await;
        assert_eq!(seen["isWorking"], false);
        let above = "symbol=ABCUSDT&type=STOP_LOSS&side=SELL&quantity=0.5&stopPrice=100";
        let refused = venue.signed(&maker, "POST", "/api/v3/order", above).await;
        assert_eq!(refused.code(), -2010);
        assert_eq!(refused.json()["msg"], "Order would trigger immediately.");
    }
    let name = "symbol=ABCUSDT&origClientOrderId=stop-1";
    let seen = venue.good(&maker, "GET", "/api/v3/order", name).await;
    assert_eq!(seen["isWorking"], true);
    assert_eq!(seen["workingTime"], NOON.as_millis());
    let depth = venue.get("/api/v3/depth?symbol=ABCUSDT").await.json();
    assert_eq!(
        depth["asks"],
        serde_json::json!([["94.00000000", "0.50000000"]])
    );
    venue
        .good(
            &taker,
            "POST",
            "/api/v3/order",
            &format!("{buy}&quantity=0.5&price=94"),
        )
        .await;
    let seen = venue.good(&maker, "GET", "/api/v3/order", name).await;
    assert_eq!(
        (&seen["status"], &seen["type"], &seen["stopPrice"]),
        (
            &"FILLED".into(),
            &"STOP_LOSS_LIMIT".into(),
            &"95.00000000".into()
        )
    );
    let trailing = order(
        &maker,
        "symbol=ABCUSDT&type=TAKE_PROFIT&side=SELL&quantity=0.5&trailingDelta=150&newOrderRespType=FULL",
    )
    .await;
    assert_eq!(trailing["trailingDelta"], 150);
    let all = "symbol=ABCUSDT";
    let gone = venue
        .good(&maker, "DELETE", "/api/v3/openOrders", all)
        .await;
    assert_eq!(gone[0]["type"], "TAKE_PROFIT");
    assert_eq!(gone[0]["status"], "CANCELED");
}

/// After a gap, a stop may cost more than its owner has: it ends, and says why whenever it is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_cannot_be_paid_is_told_as_rejected() {
    let (venue, maker, taker) = Venue::with_market().await;
    let poor = venue
        .open(&serde_json::json!({"balances": {"USDT": "150"}}))
        .await;
    let path = "/api/v3/order";
    let sell = "symbol=ABCUSDT&type=LIMIT&timeInForce=GTC&side=SELL&quantity=1";
    for price in [100, 101, 200] {
        let order = format!("{sell}&price={price}");
        venue.good(&maker, "POST", path, &order).await;
    }
    let take = "symbol=ABCUSDT&type=MARKET&side=BUY&quantity=1";
    venue.good(&taker, "POST", path, take).await;
    let stop =
        "symbol=ABCUSDT&type=STOP_LOSS&side=BUY&quantity=1&stopPrice=101&newClientOrderId=poor";
    venue.good(&poor, "POST", path, stop).await;
    venue.good(&taker, "POST", path, take).await;
    let name = "symbol=ABCUSDT&origClientOrderId=poor";
    let seen = venue.good(&poor, "GET", path, name).await;
    assert_eq!(
        (&seen["status"], &seen["expiryReason"], &seen["executedQty"]),
        (&"EXPIRED".into(), &"REJECTED".into(), &"0.00000000".into())
    );
    let account = venue.good(&poor, "GET", "/api/v3/account", "").await;
    let balances = account["balances"].as_array().unwrap();
    let usdt = balances.iter().find(|b| b["asset"] == "USDT").unwrap();
    assert_eq!(usdt["free"], "150.00000000");
}
