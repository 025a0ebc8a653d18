use serde_json::json;

use crate::venue::{NOON, Trader, Venue, sign};

const PLACE: &str = "/api/v3/order";
const GOOD: &str = "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50";

/// Verb, path, parameters, status, code: signed and in time, and still refused.
const REFUSED: &[(&str, &str, &str, u16, i64)] = &[
    // a name twice, nothing behind a name, illegal characters
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1",
        400,
        -1101,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=&price=50",
        400,
        -1105,
    ),
    (
        "POST",
        PLACE,
        "symbol=abcusdt&side=BUY&type=MARKET&quantity=1",
        400,
        -1100,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABC%20USDT&side=BUY&type=MARKET&quantity=1",
        400,
        -1100,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1e-05",
        400,
        -1100,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=-1",
        400,
        -1100,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1&newClientOrderId=a%20b",
        400,
        -1100,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1&strategyId=x",
        400,
        -1100,
    ),
    // unknown names, before missing ones
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&nonsense=1",
        400,
        -1104,
    ),
    ("GET", "/api/v3/account", "symbol=ABCUSDT", 400, -1104),
    // missing names, and those that exclude each other
    ("POST", PLACE, "side=BUY&type=MARKET&quantity=1", 400, -1102),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&quantity=1&price=50",
        400,
        -1102,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1",
        400,
        -1102,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET",
        400,
        -1102,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=SELL&type=STOP_LOSS&quantity=1",
        400,
        -1102,
    ),
    ("DELETE", PLACE, "symbol=ABCUSDT", 400, -1102),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1&timeInForce=GTC",
        400,
        -1106,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1&price=1",
        400,
        -1106,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT_MAKER&quantity=1&price=1&timeInForce=GTC",
        400,
        -1106,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=1&pegOffsetValue=1",
        400,
        -1128,
    ),
    (
        "GET",
        "/api/v3/myTrades",
        "symbol=ABCUSDT&orderId=1&startTime=1",
        400,
        -1128,
    ),
    // unknown words
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=1&price=50",
        400,
        -1115,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=OCO&quantity=1",
        400,
        -1116,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=HOLD&type=MARKET&quantity=1",
        400,
        -1117,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1&newOrderRespType=ALL",
        400,
        -1130,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1&selfTradePreventionMode=ALL",
        400,
        -1130,
    ),
    (
        "DELETE",
        PLACE,
        "symbol=ABCUSDT&orderId=1&cancelRestrictions=ANY",
        400,
        -1145,
    ),
    // range, precision, and what follows them
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=99999999999999999999",
        400,
        -1108,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=0.000000001",
        400,
        -1111,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1&strategyType=999999",
        400,
        -1134,
    ),
    (
        "POST",
        PLACE,
        "symbol=NONE&side=BUY&type=MARKET&quantity=1",
        400,
        -1121,
    ),
    (
        "GET",
        "/api/v3/allOrders",
        "symbol=ABCUSDT&startTime=1&endTime=100000000",
        400,
        -1127,
    ),
    (
        "GET",
        "/api/v3/myTrades",
        "symbol=ABCUSDT&limit=0",
        400,
        -1130,
    ),
    // filters and the engine
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50.001",
        400,
        -1013,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1.0001&price=50",
        400,
        -1013,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50",
        400,
        -1013,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=2001&price=50",
        400,
        -2010,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=SELL&type=STOP_LOSS&quantity=1&stopPrice=40.001",
        400,
        -1013,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50&icebergQty=1.5",
        400,
        -2010,
    ),
    (
        "POST",
        PLACE,
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50&newClientOrderId=taken",
        400,
        -2010,
    ),
    ("DELETE", PLACE, "symbol=ABCUSDT&orderId=4711", 400, -2011),
    (
        "DELETE",
        PLACE,
        "symbol=ABCUSDT&orderId=1&cancelRestrictions=ONLY_PARTIALLY_FILLED",
        400,
        -2011,
    ),
    (
        "DELETE",
        PLACE,
        "symbol=ABCUSDT&orderId=1&origClientOrderId=other",
        400,
        -2039,
    ),
    ("GET", PLACE, "symbol=ABCUSDT&orderId=4711", 400, -2013),
    (
        "GET",
        PLACE,
        "symbol=ABCUSDT&orderId=1&origClientOrderId=other",
        400,
        -2039,
    ),
    (
        "POST",
        "/api/v3/order/test",
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=2001&price=50",
        400,
        -2010,
    ),
];

const PUBLIC: &[(&str, u16, i64)] = &[
    ("/api/v3/depth", 400, -1102),
    ("/api/v3/depth?symbol=NONE", 400, -1121),
    ("/api/v3/depth?symbol=ABCUSDT&limit=x", 400, -1100),
    ("/api/v3/depth?symbol=ABCUSDT&limit=0", 400, -1130),
    ("/api/v3/depth?symbol=ABCUSDT&more=1", 400, -1104),
    ("/api/v3/depth?symbol=ABCUSDT&symbolStatus=HALT", 400, -1220),
    (
        "/api/v3/depth?symbol=ABCUSDT&symbolStatus=CLOSED",
        400,
        -1122,
    ),
    ("/api/v3/klines?symbol=ABCUSDT", 400, -1102),
    ("/api/v3/klines?symbol=ABCUSDT&interval=7m", 400, -1120),
    (
        "/api/v3/klines?symbol=ABCUSDT&interval=1m&timeZone=25",
        400,
        -1130,
    ),
    (
        "/api/v3/aggTrades?symbol=ABCUSDT&fromId=1&startTime=1",
        400,
        -1128,
    ),
    (
        "/api/v3/ticker/24hr?symbol=ABCUSDT&symbols=%5B%22ABCUSDT%22%5D",
        400,
        -1128,
    ),
    (
        "/api/v3/ticker/24hr?symbols=%5B%22ABCUSDT%22,%22ABCUSDT%22%5D",
        400,
        -1151,
    ),
    ("/api/v3/ticker/24hr?symbols=ABCUSDT", 400, -1100),
    ("/api/v3/ticker/24hr?symbol=ABCUSDT&type=HUGE", 400, -1139),
    ("/api/v3/ticker", 400, -1102),
    ("/api/v3/ticker?symbol=ABCUSDT&windowSize=60m", 400, -1130),
    ("/api/v3/exchangeInfo?symbol=NONE", 400, -1121),
    (
        "/api/v3/exchangeInfo?symbol=ABCUSDT&permissions=SPOT",
        400,
        -1128,
    ),
    ("/api/v3/account", 401, -2014),
    ("/api/v3/nothing", 404, -1020),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_the_documented_one_and_changes_nothing() {
    let (venue, trader, _) = Venue::with_market().await;
    venue
        .good(
            &trader,
            "POST",
            PLACE,
            &format!("{GOOD}&newClientOrderId=taken"),
        )
        .await;
    let before = venue.digest().await;
    let mut wrong = Vec::new();
    for (verb, path, params, status, code) in REFUSED {
        let reply = venue.signed(&trader, verb, path, params).await;
        if (reply.status, reply.code()) != (*status, *code) || venue.digest().await != before {
            wrong.push(format!(
                "{verb} {path}?{params}: expected {status} {code}, got {} {}",
                reply.status, reply.body
            ));
        }
        assert!(
            reply
                .header("content-type")
                .unwrap()
                .starts_with("application/json")
        );
    }
    for (target, status, code) in PUBLIC {
        let reply = venue.get(target).await;
        if (reply.status, reply.code()) != (*status, *code) {
            wrong.push(format!(
                "{target}: expected {status} {code}, got {} {}",
                reply.status, reply.body
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(venue.digest().await, before);
    venue.good(&trader, "POST", PLACE, GOOD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_not_sign_in_time_is_refused() {
    let (venue, trader, _) = Venue::with_market().await;
    let reader = venue
        .open(&json!({"balances": {"USDT": "1000"}, "permissions": ["READ"]}))
        .await;
    let elsewhere = venue.open(&json!({"ips": ["10.0.0.1"]})).await;
    let before = venue.digest().await;
    let now = venue.now_ms();
    let signed = |trader: &Trader, query: String| {
        (
            trader.api_key.clone(),
            format!("{query}&signature={}", sign(&trader.secret, &query)),
        )
    };
    let plain = |key: &str, query: &str| (key.to_owned(), query.to_owned());
    let unknown = "A".repeat(64);
    let cases = [
        (
            plain("", &format!("{GOOD}&timestamp={now}&signature=00")),
            401,
            -2014,
        ),
        (
            plain("short", &format!("{GOOD}&timestamp={now}&signature=00")),
            401,
            -2014,
        ),
        (
            plain(&unknown, &format!("{GOOD}&timestamp={now}&signature=00")),
            401,
            -2015,
        ),
        (
            signed(&reader, format!("{GOOD}&timestamp={now}")),
            401,
            -2015,
        ),
        (
            signed(&elsewhere, format!("{GOOD}&timestamp={now}")),
            401,
            -2015,
        ),
        (plain(&trader.api_key, GOOD), 400, -1102),
        (
            plain(&trader.api_key, &format!("{GOOD}&timestamp={now}")),
            400,
            -1102,
        ),
        (
            plain(
                &trader.api_key,
                &format!("{GOOD}&timestamp={now}&signature=00"),
            ),
            400,
            -1022,
        ),
        (
            plain(
                &trader.api_key,
                &format!("{GOOD}&timestamp={now}&signature={}", sign("other", GOOD)),
            ),
            400,
            -1022,
        ),
        (
            signed(&trader, format!("{GOOD}&timestamp={}", now - 5_001)),
            400,
            -1021,
        ),
        (
            signed(&trader, format!("{GOOD}&timestamp={}", now + 1_000)),
            400,
            -1021,
        ),
        (
            signed(
                &trader,
                format!("{GOOD}&timestamp={}&recvWindow=100.5", now - 101),
            ),
            400,
            -1021,
        ),
        (
            signed(&trader, format!("{GOOD}&timestamp={now}&recvWindow=60001")),
            400,
            -1102,
        ),
        (
            signed(&trader, format!("{GOOD}&timestamp={now}&recvWindow=1.0001")),
            400,
            -1111,
        ),
        (
            signed(&trader, format!("{GOOD}&timestamp=yesterday")),
            400,
            -1100,
        ),
        // The wrong moment is said before the wrong signature, the wrong signature before unknown names.
        (
            plain(&trader.api_key, &format!("{GOOD}&timestamp=1&signature=00")),
            400,
            -1021,
        ),
        (
            plain(
                &trader.api_key,
                &format!("{GOOD}&nonsense=1&timestamp={now}&signature=00"),
            ),
            400,
            -1022,
        ),
    ];
    for ((key, query), status, code) in cases {
        let reply = venue
            .send(
                "POST",
                &format!("{PLACE}?{query}"),
                &[("X-MBX-APIKEY", &key)],
                "",
            )
            .await;
        assert_eq!(
            (reply.status, reply.code()),
            (status, code),
            "{query}: {reply:?}"
        );
    }
    assert_eq!(venue.digest().await, before);

    // In microseconds, at the edge of the window, in the body, mixed, with an upper-case signature: all good.
    let edge = NOON.0 - 5_000_000;
    let (key, query) = signed(&trader, format!("{GOOD}&timestamp={edge}"));
    assert_eq!(
        venue
            .send(
                "POST",
                &format!("{PLACE}?{query}"),
                &[("X-MBX-APIKEY", &key)],
                ""
            )
            .await
            .status,
        200
    );
    assert_eq!(
        venue
            .send("POST", PLACE, &[("X-MBX-APIKEY", &key)], &query)
            .await
            .status,
        200
    );
    let stamp = format!("timestamp={now}");
    let signature = sign(&trader.secret, &format!("{stamp}{GOOD}")).to_uppercase();
    let target = format!("{PLACE}?{stamp}&signature={signature}");
    assert_eq!(
        venue
            .send("POST", &target, &[("X-MBX-APIKEY", &key)], GOOD)
            .await
            .status,
        200
    );
    assert_eq!(
        venue
            .send("GET", "/api/v3/ping", &[("X-MBX-APIKEY", "nobody")], "")
            .await
            .status,
        200,
        "a key on a public route is not looked at"
    );
    let reply = venue.signed(&reader, "GET", "/api/v3/account", "").await;
    assert_eq!(reply.status, 200, "{reply:?}");

    assert_eq!(
        venue
            .send(
                "DELETE",
                &format!("/sandbox/v1/keys/{}", trader.api_key),
                &[],
                ""
            )
            .await
            .status,
        200
    );
    assert_eq!(
        venue.signed(&trader, "POST", PLACE, GOOD).await.code(),
        -2015
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_that_is_not_trading_says_so() {
    let (venue, trader, _) = Venue::with_market().await;
    venue.good(&trader, "POST", PLACE, GOOD).await;
    for (status, place, cancel) in [("HALT", -2010, -2011), ("CANCEL_ONLY", -2010, 0)] {
        let body = json!({"status": status}).to_string();
        assert_eq!(
            venue
                .send("PUT", "/sandbox/v1/symbols/ABCUSDT", &[], &body)
                .await
                .status,
            200
        );
        assert_eq!(
            venue.signed(&trader, "POST", PLACE, GOOD).await.code(),
            place,
            "{status}"
        );
        assert_eq!(
            venue
                .signed(&trader, "DELETE", PLACE, "symbol=ABCUSDT&orderId=1")
                .await
                .code(),
            cancel,
            "{status}"
        );
        let info = venue.get("/api/v3/exchangeInfo").await.json();
        assert_eq!(info["symbols"][0]["status"], status);
    }
    assert_eq!(
        venue
            .send(
                "PUT",
                "/sandbox/v1/symbols/ABCUSDT",
                &[],
                "{\"status\":\"TRADING\"}"
            )
            .await
            .status,
        200
    );
    venue.good(&trader, "POST", PLACE, GOOD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_teaches() {
    let (venue, trader, _) = Venue::with_market().await;
    let before = venue.digest().await;
    for (verb, path, body, status, said) in [
        ("POST", "/accounts", "{\"balance\":{}}", 400, "balance"),
        (
            "POST",
            "/accounts",
            "{\"balances\":{\"USDT\":\"-1\"}}",
            400,
            "-1",
        ),
        (
            "POST",
            "/accounts",
            "{\"balances\":{\"usdt\":\"1\"}}",
            400,
            "usdt",
        ),
        (
            "POST",
            "/accounts",
            "{\"balances\":{\"NEWASSET\":\"1\"},\"keyType\":\"RSA\",\"publicKey\":\"x\"}",
            400,
            "PEM",
        ),
        (
            "POST",
            "/accounts",
            "{\"keyType\":\"ED25519\"}",
            400,
            "public key",
        ),
        ("POST", "/accounts", "{\"keyType\":\"DSA\"}", 400, "DSA"),
        (
            "POST",
            "/accounts",
            "{\"permissions\":[\"FLY\"]}",
            400,
            "FLY",
        ),
        (
            "POST",
            "/accounts/99999/fund",
            "{\"asset\":\"USDT\",\"amount\":\"1\"}",
            404,
            "99999",
        ),
        ("POST", "/accounts/99999/keys", "{}", 404, "99999"),
        (
            "POST",
            "/accounts/1001/keys",
            "{\"balances\":{}}",
            400,
            "balances",
        ),
        (
            "POST",
            "/accounts/1001/fund",
            "{\"asset\":\"USDT\"}",
            400,
            "amount",
        ),
        (
            "POST",
            "/symbols",
            "{\"symbol\":\"ABCUSDT\",\"baseAsset\":\"ABC\",\"quoteAsset\":\"USDT\"}",
            409,
            "exists",
        ),
        (
            "POST",
            "/symbols",
            "{\"symbol\":\"XY\",\"baseAsset\":\"X\",\"quoteAsset\":\"X\"}",
            400,
            "two assets",
        ),
        (
            "POST",
            "/symbols",
            "{\"symbol\":\"XY\",\"baseAsset\":\"X\",\"quoteAsset\":\"Y\",\"filters\":[{\"filterType\":\"T_PLUS_SELL\"}]}",
            400,
            "T_PLUS_SELL",
        ),
        (
            "PUT",
            "/symbols/NONE",
            "{\"status\":\"HALT\"}",
            404,
            "symbol",
        ),
        (
            "PUT",
            "/symbols/ABCUSDT",
            "{\"status\":\"SHUT\"}",
            400,
            "SHUT",
        ),
        ("DELETE", "/keys/none", "", 404, "key"),
        ("GET", "/accounts", "", 405, "GET"),
        ("GET", "/nothing", "", 404, "/nothing"),
    ] {
        let reply = venue
            .send(verb, &format!("/sandbox/v1{path}"), &[], body)
            .await;
        let msg = reply.json()["msg"].as_str().unwrap().to_owned();
        assert!(
            reply.status == status && msg.contains(said),
            "{verb} {path} {body}: {reply:?}"
        );
    }
    assert_eq!(venue.digest().await, before);
    let other = venue
        .send(
            "POST",
            "/sandbox/v1/accounts",
            &[("Origin", "http://elsewhere.example")],
            "{}",
        )
        .await;
    assert_eq!(other.status, 403);
    let same = venue
        .send(
            "POST",
            "/sandbox/v1/accounts",
            &[("Origin", "http://localhost")],
            "",
        )
        .await;
    assert_eq!(same.status, 200);
    let plain = venue
        .send(
            "POST",
            "/sandbox/v1/symbols",
            &[],
            "{\"symbol\":\"DEFABC\",\"baseAsset\":\"DEF\",\"quoteAsset\":\"ABC\"}",
        )
        .await;
    assert_eq!(plain.status, 200, "{plain:?}");
    let fund = json!({"asset": "DEF", "amount": "3.5"}).to_string();
    let funded = venue
        .send(
            "POST",
            &format!("/sandbox/v1/accounts/{}/fund", trader.account),
            &[],
            &fund,
        )
        .await;
    assert_eq!(funded.json()["amount"], "3.50000000");
    let order =
        "symbol=DEFABC&side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.00000001&price=0.00000001";
    let tiny = venue.signed(&trader, "POST", PLACE, order).await;
    assert!(tiny.status == 200 || tiny.code() == -2010, "{tiny:?}");
    venue
        .good(
            &trader,
            "POST",
            PLACE,
            "symbol=DEFABC&side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.00000001&price=1",
        )
        .await;
}
