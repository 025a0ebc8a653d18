use crate::venue::{NOON, Venue};

const LIMIT: &str = "symbol=ABCUSDT&type=LIMIT&timeInForce=GTC";

#[tokio::test(flavor = "multi_thread")]
async fn prevented_matches_are_found_by_match_and_by_order() {
    let (venue, trader, stranger) = Venue::with_market().await;
    let mut makers = Vec::new();
    for price in ["100", "101"] {
        let order = format!("{LIMIT}&side=SELL&quantity=2&price={price}");
        makers.push(venue.good(&trader, "POST", "/api/v3/order", &order).await["orderId"].clone());
    }
    let order =
        format!("{LIMIT}&side=BUY&quantity=5&price=101&selfTradePreventionMode=EXPIRE_MAKER");
    let taker = venue.good(&trader, "POST", "/api/v3/order", &order).await;
    assert_eq!(taker["status"], "NEW", "{taker}");

    let ask = async |who, params: &str| {
        let params = format!("symbol=ABCUSDT&{params}");
        venue
            .good(who, "GET", "/api/v3/myPreventedMatches", &params)
            .await
    };
    let by_taker = ask(&trader, &format!("orderId={}", taker["orderId"])).await;
    assert_eq!(
        by_taker[0],
        serde_json::json!({
            "symbol": "ABCUSDT", "preventedMatchId": 1, "takerOrderId": taker["orderId"], "makerSymbol": "ABCUSDT",
            "makerOrderId": makers[0], "tradeGroupId": -1, "selfTradePreventionMode": "EXPIRE_MAKER",
            "price": "100.00000000", "makerPreventedQuantity": "2.00000000", "transactTime": NOON.as_millis(),
        })
    );
    assert_eq!(by_taker.as_array().unwrap().len(), 2);
    // in memory first, then in the database: the same
    assert!(venue.context.views.settle());
    assert_eq!(
        ask(&trader, &format!("orderId={}", taker["orderId"])).await,
        by_taker
    );
    assert_eq!(
        ask(&trader, &format!("orderId={}", makers[1])).await,
        serde_json::json!([by_taker[1]])
    );
    assert_eq!(
        ask(&trader, "preventedMatchId=2").await,
        serde_json::json!([by_taker[1]])
    );
    let paged = format!(
        "orderId={}&fromPreventedMatchId=1&limit=1",
        taker["orderId"]
    );
    assert_eq!(ask(&trader, &paged).await, serde_json::json!([by_taker[0]]));
    assert_eq!(
        ask(&stranger, "preventedMatchId=2").await,
        serde_json::json!([])
    );
    for (params, code) in [
        ("symbol=ABCUSDT", -1102),
        ("symbol=ABCUSDT&preventedMatchId=1&orderId=1", -1128),
        ("symbol=ABCUSDT&orderId=1&limit=5", -1128),
        ("symbol=NOPE&orderId=1", -1121),
    ] {
        let reply = venue
            .signed(&trader, "GET", "/api/v3/myPreventedMatches", params)
            .await;
        assert_eq!((reply.status, reply.code()), (400, code), "{params}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn amendments_of_an_order_are_told_in_order() {
    let (venue, trader, stranger) = Venue::with_market().await;
    let order = format!("{LIMIT}&side=SELL&quantity=5&price=100&newClientOrderId=first");
    let placed = venue.good(&trader, "POST", "/api/v3/order", &order).await;
    let mut executions = Vec::new();
    for (qty, name) in [("4", "second"), ("3", "third")] {
        let amend = format!(
            "symbol=ABCUSDT&orderId={}&newQty={qty}&newClientOrderId={name}",
            placed["orderId"]
        );
        let done = venue
            .good(&trader, "PUT", "/api/v3/order/amend/keepPriority", &amend)
            .await;
        executions.push(done["executionId"].clone());
    }
    let which = format!("symbol=ABCUSDT&orderId={}", placed["orderId"]);
    let path = "/api/v3/order/amendments";
    let told = venue.good(&trader, "GET", path, &which).await;
    assert_eq!(
        told[1],
        serde_json::json!({
            "symbol": "ABCUSDT", "orderId": placed["orderId"], "executionId": executions[1], "origClientOrderId": "second",
            "newClientOrderId": "third", "origQty": "4.00000000", "newQty": "3.00000000", "time": NOON.as_millis(),
        })
    );
    assert_eq!(told[0]["origClientOrderId"], "first");
    assert!(venue.context.views.settle());
    assert_eq!(venue.good(&trader, "GET", path, &which).await, told);
    let later = format!("{which}&fromExecutionId={}&limit=9", executions[1]);
    assert_eq!(
        venue.good(&trader, "GET", path, &later).await,
        serde_json::json!([told[1]])
    );
    assert_eq!(
        venue.good(&stranger, "GET", path, &which).await,
        serde_json::json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_market_here_has_is_said_so() {
    let (venue, trader, _) = Venue::with_market().await;
    let rules = serde_json::json!({"symbolRules": [{"symbol": "ABCUSDT", "rules": []}]});
    for (path, status, code) in [
        ("executionRules", 200, 0),
        ("executionRules?symbol=ABCUSDT", 200, 0),
        ("executionRules?symbolStatus=TRADING", 200, 0),
        ("executionRules?symbol=NOPE", 400, -1121),
        (
            "executionRules?symbol=ABCUSDT&symbolStatus=TRADING",
            400,
            -1128,
        ),
        ("referencePrice?symbol=ABCUSDT", 400, -2043),
        ("referencePrice/calculation?symbol=ABCUSDT", 400, -2043),
        ("referencePrice?symbol=NOPE", 400, -1121),
        ("historicalBlockTrades?symbol=ABCUSDT", 400, -1102),
        ("historicalBlockTrades?symbol=NOPE&fromId=1", 400, -1121),
    ] {
        let reply = venue.get(&format!("/api/v3/{path}")).await;
        assert_eq!((reply.status, reply.code()), (status, code), "{path}");
        if status == 200 {
            assert_eq!(reply.json(), rules, "{path}");
        }
    }
    let blocks = venue
        .get("/api/v3/historicalBlockTrades?symbol=ABCUSDT&fromId=1")
        .await;
    assert_eq!(blocks.json(), serde_json::json!([]));
    let path = "/api/v3/myAllocations";
    assert_eq!(
        venue.good(&trader, "GET", path, "symbol=ABCUSDT").await,
        serde_json::json!([])
    );
    for (params, code) in [
        ("symbol=ABCUSDT&orderId=1&startTime=1", -1128),
        ("symbol=ABCUSDT&startTime=1&endTime=86400002", -1127),
    ] {
        let reply = venue.signed(&trader, "GET", path, params).await;
        assert_eq!((reply.status, reply.code()), (400, code), "{params}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_prevention_ended_names_its_match() {
    let (venue, trader, _) = Venue::with_market().await;
    let order = format!("{LIMIT}&side=SELL&quantity=2&price=100");
    let maker = venue.good(&trader, "POST", "/api/v3/order", &order).await["orderId"].clone();
    let order =
        format!("{LIMIT}&side=BUY&quantity=5&price=100&selfTradePreventionMode=EXPIRE_BOTH");
    let taker = venue.good(&trader, "POST", "/api/v3/order", &order).await;
    assert_eq!(taker["status"], "EXPIRED_IN_MATCH", "{taker}");
    assert_eq!(taker["preventedMatchId"], 1, "{taker}");
    let untouched = format!("{LIMIT}&side=BUY&quantity=1&price=90");
    venue
        .good(&trader, "POST", "/api/v3/order", &untouched)
        .await;
    // in memory first, then in the database
    for _ in 0..2 {
        for (id, qty) in [(&maker, "2.00000000"), (&taker["orderId"], "5.00000000")] {
            let params = format!("symbol=ABCUSDT&orderId={id}");
            let told = venue.good(&trader, "GET", "/api/v3/order", &params).await;
            assert_eq!(told["status"], "EXPIRED_IN_MATCH", "{told}");
            assert_eq!(told["preventedMatchId"], 1, "{told}");
            assert_eq!(told["preventedQuantity"], qty, "{told}");
        }
        let all = venue
            .good(&trader, "GET", "/api/v3/allOrders", "symbol=ABCUSDT")
            .await;
        let matches: Vec<_> = (0..3)
            .map(|at| all[at]["preventedMatchId"].as_u64())
            .collect();
        assert_eq!(matches, [Some(1), Some(1), None], "{all}");
        assert!(venue.context.views.settle());
    }
}
