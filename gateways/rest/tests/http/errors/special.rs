//! Errors that need a venue of their own, a frame, or a header.

use std::net::IpAddr;
use std::time::Duration;

use identity::{KeyKind, NewKey, Permissions};
use kit::Profile;
use rest::Bounds;
use serde_json::{Value, json};
use types::AccountId;

use crate::errors::encoded;
use crate::frames::{Api, signed};
use crate::venue::{NOON, Reply, Trader, Venue, market, sign};

const PLACE: &str = "/api/v3/order";
const GOOD: &str = "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50";
const BAD_TIME: &str = "Timestamp for this request is outside of the recvWindow.";
const AHEAD: &str = "Timestamp for this request was 1000ms ahead of the server's time.";
const BAD_SIGNATURE: &str = "Signature for this request is not valid.";
const BAD_KEY: &str = "API-key format invalid.";
const REJECTED_KEY: &str = "Invalid API-key, IP, or permissions for action.";
const MANDATORY: &str = "Mandatory parameter '%s' was not sent, was empty/null, or malformed.";

#[track_caller]
fn said(reply: &Reply, status: u16, code: i64, sentence: &str) {
    let msg = reply.json()["msg"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (reply.status, reply.code(), msg.as_str()),
        (status, code, sentence),
        "{reply:?}"
    );
}

#[track_caller]
fn told(answer: &Value, status: u16, code: i64, sentence: &str) {
    let error = &answer["error"];
    assert_eq!(
        (&answer["status"], &error["code"], &error["msg"]),
        (&json!(status), &json!(code), &json!(sentence)),
        "{answer}"
    );
}

/// Asks for a WebSocket, and does not read on when it is one.
async fn upgrade(venue: &Venue, target: &str) -> Reply {
    let headers = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    venue.send("GET", target, &headers, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come() {
    let bounds = Bounds {
        body_timeout: Duration::from_millis(100),
        ..Bounds::default()
    };
    let venue = Venue::start(Profile::WIDE, bounds).await;
    let head =
        format!("POST {PLACE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9\r\n");
    let reply = venue.raw(format!("{head}\r\n").as_bytes()).await;
    let sentence = "Internal error; unable to process your request. Please try again.";
    said(&reply, 408, -1001, sentence);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_from_elsewhere_is_not_authorized() {
    let (venue, _, _) = Venue::with_market().await;
    let before = venue.digest().await;
    let origin = [("Origin", "http://elsewhere.example")];
    let reply = venue
        .send("POST", "/sandbox/v1/accounts", &origin, "{}")
        .await;
    let sentence = "You are not authorized to execute this request.";
    said(&reply, 403, -1002, sentence);
    assert_eq!(venue.digest().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_named_and_bans_dated() {
    let small = Profile {
        weight: 102,
        raw: 10_000,
        orders_10s: 3,
        orders_1d: 5,
        connections: 1,
    };
    let venue = Venue::start(small, Bounds::default()).await;
    let listed = market("ABCUSDT").to_string();
    venue
        .send("POST", "/sandbox/v1/symbols", &[], &listed)
        .await;
    let ann = venue.trader().await;
    let mut api = Api::open(&venue).await;
    let reply = upgrade(&venue, "/ws-api/v3").await;
    let sentence = "Too many connection attempts from IP; current limit is 1 per '5 MINUTE'.";
    said(&reply, 429, -1034, sentence);
    assert_eq!(reply.header("retry-after"), Some("300"));

    for _ in 0..3 {
        venue.good(&ann, "POST", PLACE, GOOD).await;
    }
    let before = venue.digest().await;
    let sentence = "Too many new orders; current limit is 3 orders per 10 SECOND.";
    let reply = venue.signed(&ann, "POST", PLACE, GOOD).await;
    said(&reply, 429, -1015, sentence);
    assert_eq!(reply.header("retry-after"), Some("10"));
    let mut order = json!({"symbol": "ABCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "50"});
    order["timestamp"] = venue.now_ms().into();
    let answer = api.call("order.place", signed(&ann, order)).await;
    told(&answer, 429, -1015, sentence);
    let now = NOON.as_millis();
    assert_eq!(
        answer["error"]["data"],
        json!({"serverTime": now, "retryAfter": now + 10_000})
    );
    assert_eq!(venue.digest().await, before);

    // 2 for the connection, 1 each for the two refusals, 4 times 20: 18 are left.
    for _ in 0..4 {
        venue.get("/api/v3/exchangeInfo").await;
    }
    let sentence = "Too much request weight used; current limit is 102 request weight per 1 MINUTE. \
                    Please use WebSocket Streams for live updates to avoid polling the API.";
    let reply = venue.get("/api/v3/exchangeInfo").await;
    said(&reply, 429, -1003, sentence);
    assert_eq!(reply.header("retry-after"), Some("60"));
    let answer = api.call("exchangeInfo", json!({})).await;
    told(&answer, 429, -1003, sentence);
    assert_eq!(
        answer["error"]["data"],
        json!({"serverTime": now, "retryAfter": now + 60_000})
    );
    for _ in 0..20 {
        venue.get("/api/v3/exchangeInfo").await;
    }
    let until = now + 120_000;
    let sentence = format!(
        "Way too much request weight used; IP banned until {until}. Please use WebSocket Streams for live updates to avoid bans."
    );
    let reply = venue.get("/api/v3/ping").await;
    said(&reply, 418, -1003, &sentence);
    assert_eq!(reply.header("retry-after"), Some("120"));
    let answer = api.call("ping", json!({})).await;
    told(&answer, 418, -1003, &sentence);
    assert_eq!(answer["error"]["data"]["retryAfter"], until);
    api.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many() {
    let settings = ws::Settings {
        connections: 1,
        ..ws::Settings::WIDE
    };
    let venue = Venue::start_with(Profile::WIDE, Bounds::default(), settings).await;
    let mut first = Api::open(&venue).await;
    first.call("ping", json!({})).await;
    let sentence =
        "Server is currently overloaded with other requests. Please try again in a few minutes.";
    let reply = upgrade(&venue, "/ws-api/v3").await;
    said(&reply, 503, -1008, sentence);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_that_ends_is_no_longer_available() {
    let (mut venue, ann, _) = Venue::with_market().await;
    let mut api = Api::open(&venue).await;
    let sequencer = venue.sequencer.take().unwrap();
    tokio::task::spawn_blocking(move || sequencer.stop())
        .await
        .unwrap()
        .unwrap();
    let sentence = "This service is no longer available.";
    let reply = venue.signed(&ann, "POST", PLACE, GOOD).await;
    said(&reply, 503, -1016, sentence);
    let cancel = json!({"symbol": "ABCUSDT", "orderId": 1, "timestamp": venue.now_ms()});
    let answer = api.call("order.cancel", signed(&ann, cancel)).await;
    told(&answer, 503, -1016, sentence);
}

/// A request of Ann's key in the words of both dialects: the pairs, who signs, and the signature if it is not hers.
struct Claim {
    key: String,
    signer: Option<String>,
    signature: Option<&'static str>,
    times: Vec<(&'static str, String)>,
    expected: (u16, i64, String),
}

async fn claims(venue: &Venue, ann: &Trader) -> Vec<Claim> {
    let reader = venue.open(&json!({"permissions": ["READ"]})).await;
    let elsewhere = venue.open(&json!({"ips": ["10.0.0.1"]})).await;
    let now = venue.now_ms();
    let at = |time: i64| vec![("timestamp", time.to_string())];
    let windowed = |window: &str| {
        vec![
            ("timestamp", now.to_string()),
            ("recvWindow", window.into()),
        ]
    };
    let of = |who: &Trader, times, status, code, sentence: &str| Claim {
        key: who.api_key.clone(),
        signer: Some(who.secret.clone()),
        signature: None,
        times,
        expected: (status, code, sentence.to_owned()),
    };
    let forged = |key: &str, status, code, sentence: &str| Claim {
        key: key.to_owned(),
        signature: Some("00"),
        ..of(ann, at(now), status, code, sentence)
    };
    let mandatory = |name: &str| MANDATORY.replace("%s", name);
    let too_great = "'recvWindow' contains unexpected value. Cannot be greater than 60000.";
    let decimal = r"Illegal characters found in parameter 'recvWindow'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'.";
    let digits =
        "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'.";
    let unsigned = Claim {
        signer: None,
        ..of(ann, at(now), 400, -1102, &mandatory("signature"))
    };
    vec![
        forged("short", 401, -2014, BAD_KEY),
        forged(&"a b".repeat(21), 401, -2014, BAD_KEY),
        forged(&"A".repeat(64), 401, -2015, REJECTED_KEY),
        of(&reader, at(now), 401, -2015, REJECTED_KEY),
        of(&elsewhere, at(now), 401, -2015, REJECTED_KEY),
        forged(&ann.api_key, 400, -1022, BAD_SIGNATURE),
        Claim {
            signer: Some("other".into()),
            ..of(ann, at(now), 400, -1022, BAD_SIGNATURE)
        },
        of(ann, vec![], 400, -1102, &mandatory("timestamp")),
        unsigned,
        of(ann, at(now - 5_001), 400, -1021, BAD_TIME),
        of(ann, at(now + 1_000), 400, -1021, AHEAD),
        of(ann, at(-1), 400, -1100, digits),
        of(ann, vec![("timestamp", "1e3".into())], 400, -1100, digits),
        of(
            ann,
            vec![("timestamp", "9".repeat(20))],
            400,
            -1108,
            "Parameter 'timestamp' overflowed.",
        ),
        of(
            ann,
            vec![("timestamp", String::new())],
            400,
            -1105,
            "Parameter 'timestamp' was empty.",
        ),
        of(ann, windowed("60000.001"), 400, -1102, too_great),
        of(ann, windowed("99999999999999999999"), 400, -1102, too_great),
        of(
            ann,
            windowed("1.0001"),
            400,
            -1111,
            "Parameter 'recvWindow' has too much precision.",
        ),
        of(ann, windowed("-5"), 400, -1100, decimal),
        of(ann, windowed("5e3"), 400, -1100, decimal),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_times_and_signatures() {
    let (venue, ann, _) = Venue::with_market().await;
    let mut api = Api::open(&venue).await;
    let claims = claims(&venue, &ann).await;
    let before = venue.digest().await;
    let mut wrong = Vec::new();
    for claim in &claims {
        let mut query = GOOD.to_owned();
        let mut asked = json!({"apiKey": claim.key});
        for (name, value) in GOOD.split('&').filter_map(|pair| pair.split_once('=')) {
            asked[name] = value.into();
        }
        for (name, value) in &claim.times {
            query += &format!("&{name}={}", encoded(value));
            asked[*name] = value.clone().into();
        }
        let as_trader = Trader {
            account: 0,
            api_key: claim.key.clone(),
            secret: claim.signer.clone().unwrap_or_default(),
        };
        let mut signature = sign(&as_trader.secret, &query);
        let mut frame = signed(&as_trader, asked.clone());
        if let Some(forged) = claim.signature {
            signature = forged.into();
            frame["signature"] = forged.into();
        }
        if claim.signer.is_some() {
            query += &format!("&signature={signature}");
        } else {
            frame = asked;
        }
        let target = format!("{PLACE}?{query}");
        let headers = [("X-MBX-APIKEY", claim.key.as_str())];
        let reply = venue.send("POST", &target, &headers, "").await;
        let in_body = venue.send("POST", PLACE, &headers, &query).await;
        let answer = api.call("order.place", frame).await;
        let got = |status: Option<u64>, error: &Value| {
            let msg = error["msg"].as_str().unwrap_or_default().to_owned();
            let status = u16::try_from(status.unwrap_or(0)).unwrap();
            (status, error["code"].as_i64().unwrap_or(0), msg)
        };
        for got in [
            got(Some(reply.status.into()), &reply.json()),
            got(Some(in_body.status.into()), &in_body.json()),
            got(answer["status"].as_u64(), &answer["error"]),
        ] {
            if got != claim.expected {
                wrong.push(format!(
                    "{query}:\n expected {:?}\n got {got:?}",
                    claim.expected
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(venue.digest().await, before);
    said(
        &venue.send("POST", PLACE, &[], GOOD).await,
        401,
        -2014,
        BAD_KEY,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_are_no_texts() {
    let bounds = Bounds {
        body_bytes: 1024,
        ..Bounds::default()
    };
    let venue = Venue::start(Profile::WIDE, bounds).await;
    let reply = venue.get("/api/v3/depth?symbol=%ff").await;
    said(
        &reply,
        400,
        -1100,
        "Illegal characters found in a parameter.",
    );
    let reply = venue.send("POST", PLACE, &[], &"a".repeat(1025)).await;
    said(
        &reply,
        413,
        -1101,
        "Too many parameters sent for this endpoint.",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_symbols() {
    let (venue, _, _) = Venue::with_market().await;
    let mut api = Api::open(&venue).await;
    let names: Vec<String> = (0..101).map(|i| format!("S{i}")).collect();
    let list = encoded(&json!(names).to_string());
    let sentence = "Too many parameters; expected '100' and received '101'.";
    for (path, name) in [
        ("ticker/tradingDay", "ticker.tradingDay"),
        ("ticker", "ticker"),
    ] {
        let reply = venue.get(&format!("/api/v3/{path}?symbols={list}")).await;
        said(&reply, 400, -1101, sentence);
        let answer = api.call(name, json!({"symbols": names})).await;
        told(&answer, 400, -1101, sentence);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_no_requests() {
    let (venue, _, _) = Venue::with_market().await;
    let mut api = Api::open(&venue).await;
    let no_json = "Invalid JSON Request";
    let of = |name: &str| format!("JSON sent for parameter '{name}' is not valid");
    for (frame, code, sentence) in [
        ("hello", -1135, no_json.to_owned()),
        ("[]", -1135, no_json.to_owned()),
        (r#"{"id":1,"method":"ping""#, -1135, no_json.to_owned()),
        (r#"{"id":{},"method":"ping"}"#, -1135, of("id")),
        (r#"{"id":1,"method":5}"#, -1135, of("method")),
        (
            r#"{"id":1,"method":"ping","params":[]}"#,
            -1135,
            of("params"),
        ),
        (
            r#"{"id":1,"method":"depth","params":{"symbol":{}}}"#,
            -1135,
            of("symbol"),
        ),
        (r#"{"id":1}"#, -1102, MANDATORY.replace("%s", "method")),
        (
            r#"{"id":1,"method":"no.such"}"#,
            -1020,
            "This operation is not supported.".into(),
        ),
    ] {
        let answer = api.ask(frame.into()).await;
        told(&answer, 400, code, &sentence);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_and_units_that_there_are_not() {
    let (venue, _, _) = Venue::with_market().await;
    for (schema, code, sentence) in [
        (
            None,
            -1152,
            "Invalid `X-MBX-SBE` header; expected `<SCHEMA_ID>:<VERSION>`.",
        ),
        (
            Some("3"),
            -1152,
            "Invalid `X-MBX-SBE` header; expected `<SCHEMA_ID>:<VERSION>`.",
        ),
        (
            Some("9:9"),
            -1153,
            "Unsupported SBE schema ID or version specified in the `X-MBX-SBE` header.",
        ),
        (
            Some("3:0"),
            -1153,
            "Unsupported SBE schema ID or version specified in the `X-MBX-SBE` header.",
        ),
    ] {
        let mut head = "GET /api/v3/time HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept: application/sbe\r\n".to_owned();
        if let Some(schema) = schema {
            head += &format!("X-MBX-SBE: {schema}\r\n");
        }
        let bytes = venue.exchange(format!("{head}\r\n").as_bytes()).await;
        assert!(bytes.starts_with(b"HTTP/1.1 400 "), "{schema:?}");
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let refusal = sbe::decode::decode(&sbe::SPOT, &bytes[end + 4..])
            .expect("a message")
            .json;
        assert_eq!(
            (&refusal["code"], &refusal["msg"]),
            (&json!(code), &json!(sentence))
        );
    }
    let unit = "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.";
    let reply = venue
        .send("GET", "/api/v3/time", &[("X-MBX-TIME-UNIT", "HOUR")], "")
        .await;
    said(&reply, 400, -1194, unit);
    let version = "Invalid SBE schema ID or version specified.";
    for (target, status, code, sentence) in [
        ("/ws-api/v3?timeUnit=HOUR", 400, -1194, unit),
        ("/stream?timeUnit=HOUR", 400, -1194, unit),
        (
            "/ws-api/v3?responseFormat=sbe&sbeSchemaId=9&sbeSchemaVersion=9",
            400,
            -1153,
            version,
        ),
        (
            "/stream?responseFormat=sbe&sbeSchemaId=3&sbeSchemaVersion=5",
            406,
            -1155,
            "SBE is not enabled.",
        ),
    ] {
        said(&upgrade(&venue, target).await, status, code, sentence);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_unfilled_is_archived_after_ninety_days() {
    const DAY: i64 = 86_400_000_000;
    let (venue, ann, bob) = Venue::with_market().await;
    let mut api = Api::open(&venue).await;
    // 1 is canceled, 2 partly filled and canceled, 3 filled, 4 stays open
    for price in ["10", "60", "70", "10"] {
        let params = GOOD.replace("price=50", &format!("price={price}"));
        venue.good(&ann, "POST", PLACE, &params).await;
    }
    let sell = "symbol=ABCUSDT&side=SELL&type=MARKET&quantity=1.5";
    venue.good(&bob, "POST", PLACE, sell).await;
    for id in [1, 2] {
        let params = format!("symbol=ABCUSDT&orderId={id}");
        venue.good(&ann, "DELETE", PLACE, &params).await;
    }
    let sentence = "Order was canceled or expired with no executed qty over 90 days ago and has been archived.";
    for (days, first) in [(90, 200), (91, 400)] {
        venue.clock.set(NOON.plus_micros(days * DAY));
        for (id, status) in [(1, first), (2, 200), (3, 200), (4, 200)] {
            let reply = venue
                .signed(&ann, "GET", PLACE, &format!("symbol=ABCUSDT&orderId={id}"))
                .await;
            assert_eq!(reply.status, status, "{id} after {days} days: {reply:?}");
            let asked = json!({"symbol": "ABCUSDT", "orderId": id, "timestamp": venue.now_ms()});
            let answer = api.call("order.status", signed(&ann, asked)).await;
            if status == 400 {
                said(&reply, 400, -2026, sentence);
                told(&answer, 400, -2026, sentence);
            } else {
                assert_eq!(answer["result"], reply.json());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_that_there_are_or_are_not() {
    const MOST: u64 = 1_000;
    const SUBSCRIBE: &str = "userDataStream.subscribe.signature";
    let (venue, ann, _) = Venue::with_market().await;
    let mut api = Api::open(&venue).await;
    let now = json!({"timestamp": venue.now_ms()});
    let answer = api.call(SUBSCRIBE, signed(&ann, now.clone())).await;
    assert_eq!(answer["result"]["subscriptionId"], 0, "{answer}");
    let answer = api.call(SUBSCRIBE, signed(&ann, now.clone())).await;
    told(
        &answer,
        400,
        -2035,
        "User Data Stream subscription already active.",
    );
    for id in [json!(1), json!(99_999_999_999_i64)] {
        let unsubscribe = json!({"subscriptionId": id});
        let answer = api.call("userDataStream.unsubscribe", unsubscribe).await;
        told(
            &answer,
            400,
            -2036,
            "User Data Stream subscription not active.",
        );
    }
    for account in 1..MOST {
        let trader = key_of(&venue, 5_000 + account).await;
        let answer = api.call(SUBSCRIBE, signed(&trader, now.clone())).await;
        assert_eq!(answer["result"]["subscriptionId"], account, "{answer}");
    }
    let last = key_of(&venue, 9_000).await;
    let answer = api.call(SUBSCRIBE, signed(&last, now)).await;
    told(
        &answer,
        400,
        -2042,
        "Maximum subscription ID reached for this connection.",
    );
}

/// A key of an account that nobody opened: enough to subscribe to what will happen to it.
async fn key_of(venue: &Venue, account: u64) -> Trader {
    let new = NewKey {
        account: AccountId(u32::try_from(account).unwrap()),
        kind: KeyKind::Hmac,
        public_key: None,
        permissions: Permissions {
            read: true,
            trade: false,
        },
        ips: Vec::<IpAddr>::new(),
    };
    let created = venue.context.keys.create(new).await.unwrap();
    Trader {
        account,
        api_key: created.api_key,
        secret: created.secret.unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_replace_that_fails_in_half() {
    let (venue, ann, _) = Venue::with_market().await;
    let mut api = Api::open(&venue).await;
    let sentence = "Order cancel-replace partially failed.";
    for (cancel, quantity, canceled, placed) in [
        // no such order: the new one is placed
        ("4711", "1", "FAILURE", "SUCCESS"),
        // the order of before: gone, and the new one is too expensive
        ("1", "2001", "SUCCESS", "FAILURE"),
    ] {
        let params = GOOD.replace("quantity=1", &format!("quantity={quantity}"));
        let params = format!("{params}&cancelReplaceMode=ALLOW_FAILURE&cancelOrderId={cancel}");
        let reply = venue
            .signed(&ann, "POST", "/api/v3/order/cancelReplace", &params)
            .await;
        said(&reply, 409, -2021, sentence);
        let data = reply.json()["data"].clone();
        assert_eq!(
            (&data["cancelResult"], &data["newOrderResult"]),
            (&json!(canceled), &json!(placed))
        );
        let mut asked = json!({"timestamp": venue.now_ms()});
        for (name, value) in params.split('&').filter_map(|pair| pair.split_once('=')) {
            asked[name] = value.into();
        }
        asked["cancelOrderId"] = if cancel == "1" { "2" } else { cancel }.into();
        let answer = api.call("order.cancelReplace", signed(&ann, asked)).await;
        told(&answer, 409, -2021, sentence);
        assert_eq!(answer["error"]["data"]["cancelResult"], canceled);
    }
    let open = venue.good(&ann, "GET", "/api/v3/openOrders", "").await;
    assert_eq!(open, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_of_the_whole_venue_bound_every_market() {
    let (venue, ann, _) = Venue::with_market().await;
    let mut api = Api::open(&venue).await;
    let before = venue.digest().await;
    let stop = "symbol=ABCUSDT&side=SELL&type=STOP_LOSS&quantity=1&stopPrice=40";
    let iceberg = format!("{GOOD}&icebergQty=0.5");
    let oco = "symbol=ABCUSDT&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=120&belowType=STOP_LOSS&belowStopPrice=80";
    for (name, field, path, method, params) in [
        ("ORDERS", "maxNumOrders", PLACE, "order.place", GOOD),
        (
            "ALGO_ORDERS",
            "maxNumAlgoOrders",
            PLACE,
            "order.place",
            stop,
        ),
        (
            "ICEBERG_ORDERS",
            "maxNumIcebergOrders",
            PLACE,
            "order.place",
            iceberg.as_str(),
        ),
        (
            "ORDER_LISTS",
            "maxNumOrderLists",
            "/api/v3/orderList/oco",
            "orderList.place.oco",
            oco,
        ),
    ] {
        let filter = json!({"filterType": format!("EXCHANGE_MAX_NUM_{name}"), field: 0});
        let body = json!({"exchangeFilters": [filter]}).to_string();
        let set = venue.send("PUT", "/sandbox/v1/filters", &[], &body).await;
        assert_eq!(set.status, 200, "{set:?}");
        let sentence = format!("Filter failure: EXCHANGE_MAX_NUM_{name}");
        let reply = venue.signed(&ann, "POST", path, params).await;
        said(&reply, 400, -1013, &sentence);
        let mut asked = json!({"timestamp": venue.now_ms()});
        for (name, value) in params.split('&').filter_map(|pair| pair.split_once('=')) {
            asked[name] = value.into();
        }
        let answer = api.call(method, signed(&ann, asked)).await;
        told(&answer, 400, -1013, &sentence);
    }
    let none = json!({"exchangeFilters": []}).to_string();
    venue.send("PUT", "/sandbox/v1/filters", &[], &none).await;
    assert_eq!(venue.digest().await, before);
}
