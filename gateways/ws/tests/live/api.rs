//! The WebSocket API's own: frames, sessions, keys for one request, subscriptions, what is told of limits.

use kit::Profile;
use serde_json::{Value, json};

use crate::venue::{Client, Venue, limit};

const SUBSCRIBE: &str = "userDataStream.subscribe.signature";

/// Sends a text and reads the answer.
async fn ask(api: &mut Client, text: &str) -> Value {
    api.send(text).await;
    api.next().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_any_number_text_or_null_and_comes_back() {
    let venue = Venue::open(Profile::WIDE).await;
    let mut api = venue.connect("/ws-api/v3").await;
    let long = format!("\"{}\"", "x".repeat(200));
    for id in [
        "1",
        "-5",
        "0",
        "9223372036854775807",
        "1.5",
        "null",
        "\"\"",
        "\"a b\"",
        "\"\\u00e9\"",
        &long,
    ] {
        let answer = ask(&mut api, &format!(r#"{{"id":{id},"method":"v3/ping"}}"#)).await;
        assert_eq!(answer["id"], serde_json::from_str::<Value>(id).unwrap());
        assert_eq!(
            (&answer["status"], &answer["result"]),
            (&json!(200), &json!({}))
        );
        let refused = ask(&mut api, &format!(r#"{{"id":{id},"method":"no.such"}}"#)).await;
        assert_eq!(refused["id"], answer["id"]);
    }
    for (frame, code) in [
        (r#"{"id":[1],"method":"ping"}"#, -1135),
        (r#"{"id":true,"method":"ping"}"#, -1135),
        (r#"{"method":"ping"}"#, -1102),
    ] {
        let answer = ask(&mut api, frame).await;
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&Value::Null, &json!(code)),
            "{frame}"
        );
    }
    venue.close().await;
}

/// Method, parameters besides what a signature adds, whether it is signed, status, code, sentence.
type Bad = (&'static str, Value, bool, u64, i64, &'static str);

#[tokio::test(flavor = "multi_thread")]
async fn calls_about_the_connection_refuse_bad_input() {
    let venue = Venue::open(Profile::WIDE).await;
    let (trader, modern) = (venue.trader().await, venue.modern_trader().await);
    let mut api = venue.connect("/ws-api/v3").await;
    let timestamp = "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.";
    let signature = "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.";
    let one_of_one = "Not all sent parameters were read; read '0' parameter(s) but was sent '1'.";
    let one_of_four = "Not all sent parameters were read; read '3' parameter(s) but was sent '4'.";
    let no_number =
        "Illegal characters found in parameter 'subscriptionId'; legal range is '^[0-9]{1,20}$'.";
    let inactive = "User Data Stream subscription not active.";
    let format = "API-key format invalid.";
    let mut bad: Vec<Bad> = vec![
        (
            "userDataStream.subscribe",
            json!({}),
            false,
            401,
            -2014,
            format,
        ),
        (
            "userDataStream.unsubscribe",
            json!({"subscriptionId": "x"}),
            false,
            400,
            -1100,
            no_number,
        ),
        (
            "userDataStream.unsubscribe",
            json!({"subscriptionId": 1.5}),
            false,
            400,
            -1100,
            no_number,
        ),
        (
            "userDataStream.unsubscribe",
            json!({"subscriptionId": -1}),
            false,
            400,
            -2036,
            inactive,
        ),
        (
            "userDataStream.unsubscribe",
            json!({"subscriptionId": 0}),
            false,
            400,
            -2036,
            inactive,
        ),
        (
            "userDataStream.unsubscribe",
            json!({"subscriptionId": 70_000}),
            false,
            400,
            -2036,
            inactive,
        ),
        (
            "userDataStream.unsubscribe",
            json!({"x": 1}),
            false,
            400,
            -1104,
            one_of_one,
        ),
        (
            "session.logon",
            json!({}),
            true,
            400,
            -4056,
            "HMAC_SHA256 API key is not supported.",
        ),
    ];
    for method in [
        "session.status",
        "session.logout",
        "session.subscriptions",
        "userDataStream.subscribe",
    ] {
        bad.push((method, json!({"x": 1}), false, 400, -1104, one_of_one));
    }
    for method in ["session.logon", SUBSCRIBE] {
        bad.push((method, json!({}), false, 401, -2014, format));
        bad.push((
            method,
            json!({"apiKey": "short"}),
            false,
            401,
            -2014,
            format,
        ));
        bad.push((
            method,
            json!({"apiKey": modern.api_key.clone()}),
            false,
            400,
            -1102,
            timestamp,
        ));
        let unsigned = json!({"apiKey": modern.api_key.clone(), "timestamp": 1});
        bad.push((method, unsigned, false, 400, -1102, signature));
        let late = json!({"apiKey": modern.api_key.clone(), "timestamp": 1, "signature": "x"});
        bad.push((
            method,
            late,
            false,
            400,
            -1021,
            "Timestamp for this request is outside of the recvWindow.",
        ));
        bad.push((method, json!({"x": 1}), true, 400, -1104, one_of_four));
    }
    for (method, params, signs, status, code, sentence) in bad {
        let params = if signs { trader.signed(params) } else { params };
        let answer = api.call(method, params.clone()).await;
        let error = &answer["error"];
        assert_eq!(
            (&answer["status"], &error["code"], &error["msg"]),
            (&json!(status), &json!(code), &json!(sentence)),
            "{method} {params}"
        );
    }
    let state = api.ok("session.status", json!({})).await;
    assert_eq!(
        (&state["apiKey"], &state["userDataStream"]),
        (&Value::Null, &json!(false))
    );
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_name_another_key_than_the_sessions() {
    let venue = Venue::open(Profile::WIDE).await;
    let (ann, bob, other) = (
        venue.modern_trader().await,
        venue.trader().await,
        venue.modern_trader().await,
    );
    let mut api = venue.connect("/ws-api/v3").await;
    api.ok("session.logon", ann.signed(json!({}))).await;
    let placed = api
        .ok("order.place", bob.signed(limit("SELL", "3", "1")))
        .await;
    let one = json!({"symbol": "TIDEUSDT", "orderId": placed["orderId"]});
    let mut own = one.clone();
    own["timestamp"] = ann.signed(json!({}))["timestamp"].clone();
    // the session's account does not have it, the key's does
    assert_eq!(api.refused("order.status", own.clone()).await, (400, -2013));
    api.ok("order.status", bob.signed(one.clone())).await;
    // a key without its signature is not the session's
    let mut unsigned = own.clone();
    unsigned["apiKey"] = bob.api_key.clone().into();
    assert_eq!(api.refused("order.status", unsigned).await, (400, -1102));
    // a session's request is in time like every other
    let late = json!({"symbol": "TIDEUSDT", "orderId": 1, "timestamp": 1});
    assert_eq!(api.refused("order.status", late).await, (400, -1021));
    assert_eq!(api.refused("order.status", one).await, (400, -1102));
    // logging on again changes the key; the first one's subscription ends
    api.ok("userDataStream.subscribe", json!({})).await;
    let status = api.ok("session.logon", other.signed(json!({}))).await;
    assert_eq!(
        (&status["apiKey"], &status["userDataStream"]),
        (&json!(other.api_key), &json!(false))
    );
    let ended = api
        .wait(|f| f["event"]["e"] == "eventStreamTerminated")
        .await;
    assert_eq!(ended["subscriptionId"], 0);
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subscription_that_ends_is_told_so() {
    let venue = Venue::open(Profile::WIDE).await;
    let mut api = venue.connect("/ws-api/v3").await;
    let mut traders = Vec::new();
    for id in 0..4 {
        let trader = venue.trader().await;
        let subscribed = api.ok(SUBSCRIBE, trader.signed(json!({}))).await;
        assert_eq!(subscribed["subscriptionId"], id);
        traders.push(trader);
    }
    api.ok("userDataStream.unsubscribe", json!({"subscriptionId": 2}))
        .await;
    let told = |id: u64| {
        move |f: &Value| f["event"]["e"] == "eventStreamTerminated" && f["subscriptionId"] == id
    };
    assert!(api.wait(told(2)).await["event"]["E"].is_u64());
    let left = api.ok("session.subscriptions", json!({})).await;
    assert_eq!(
        left,
        json!([{"subscriptionId": 0}, {"subscriptionId": 1}, {"subscriptionId": 3}])
    );
    // an id is not given twice
    let again = api.ok(SUBSCRIBE, traders[2].signed(json!({}))).await;
    assert_eq!(again["subscriptionId"], 4);
    api.ok("userDataStream.unsubscribe", json!({})).await;
    for id in [0, 1, 3, 4] {
        api.wait(told(id)).await;
    }
    assert_eq!(api.ok("session.subscriptions", json!({})).await, json!([]));
    assert_eq!(
        api.ok("session.status", json!({})).await["userDataStream"],
        false
    );
    // what happens to them is told to nobody any more, and nothing ends that is not there
    api.ok("order.place", traders[0].signed(limit("SELL", "3", "1")))
        .await;
    api.ok("userDataStream.unsubscribe", json!({})).await;
    let quiet = ask(&mut api, r#"{"id":"end","method":"ping"}"#).await;
    assert_eq!(quiet["id"], "end");
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_told_unless_the_address_or_the_request_says_otherwise() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    for (address, usual) in [
        ("", true),
        ("?returnRateLimits=true", true),
        ("?returnRateLimits=false", false),
    ] {
        let mut api = venue.connect(&format!("/ws-api/v3{address}")).await;
        assert_eq!(
            api.ok("session.status", json!({})).await["returnRateLimits"],
            usual
        );
        for (asked, told) in [
            (Value::Null, usual),
            (json!(true), true),
            (json!(false), false),
        ] {
            let params = match asked.is_null() {
                true => json!({}),
                false => json!({"returnRateLimits": asked}),
            };
            let good = api.call("time", params.clone()).await;
            let bad = api.call("depth", params.clone()).await;
            assert_eq!(
                (good["rateLimits"].is_array(), bad["rateLimits"].is_array()),
                (told, told),
                "{address} {asked}"
            );
            // it is a part of what is signed
            let account = api.call("account.status", trader.signed(params)).await;
            assert_eq!(
                (&account["status"], account["rateLimits"].is_array()),
                (&json!(200), told)
            );
        }
    }
    let mut api = venue.connect("/ws-api/v3").await;
    let names = |answer: &Value| {
        let limits = answer["rateLimits"].as_array().unwrap().iter();
        let name = |l: &Value| {
            format!(
                "{} {} {}",
                l["rateLimitType"], l["intervalNum"], l["interval"]
            )
        };
        limits.map(|l| name(l).replace('"', "")).collect::<Vec<_>>()
    };
    let all = [
        "ORDERS 10 SECOND",
        "ORDERS 1 DAY",
        "REQUEST_WEIGHT 1 MINUTE",
    ];
    let answer = api
        .call("order.place", trader.signed(limit("SELL", "2", "1")))
        .await;
    assert_eq!(names(&answer), all);
    let answer = api
        .call("order.place", trader.signed(limit("SELL", "2", "1000000")))
        .await;
    assert_eq!(
        (&answer["status"], names(&answer)),
        (&json!(400), all.map(str::to_owned).to_vec())
    );
    assert_eq!(names(&api.call("ping", json!({})).await), all[2..]);
    venue.close().await;
}

/// Once a second, whether it changed or not.
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_price_is_told_every_second() {
    let venue = Venue::open(Profile::WIDE).await;
    venue
        .sandbox(
            "PUT",
            "/symbols/TIDEUSDT",
            &json!({"referencePrice": "2.5"}),
        )
        .await;
    let mut stream = venue.connect("/ws/tideusdt@referencePrice").await;
    let first = stream.next().await.unwrap();
    assert_eq!(
        (&first["e"], &first["r"]),
        (&json!("referencePrice"), &json!("2.50000000"))
    );
    for _ in 0..2 {
        assert_eq!(stream.next().await.unwrap(), first);
    }
    venue
        .sandbox("PUT", "/symbols/TIDEUSDT", &json!({"referencePrice": null}))
        .await;
    stream.wait(|f| f["r"].is_null()).await;
    assert!(stream.next().await.unwrap()["r"].is_null());
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_told_in_full_or_by_result_unless_asked() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut api = venue.connect("/ws-api/v3").await;
    let old = json!({"symbol": "TIDEUSDT", "side": "SELL", "quantity": "1", "price": "3", "stopPrice": "1"});
    let new = json!({"symbol": "TIDEUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "3",
        "belowType": "STOP_LOSS", "belowStopPrice": "1"});
    for (method, params, form, members) in [
        ("orderList.place", &old, None, (true, true)),
        ("orderList.place", &old, Some("RESULT"), (true, false)),
        ("orderList.place", &old, Some("ACK"), (false, false)),
        ("orderList.place.oco", &new, None, (true, false)),
        ("orderList.place.oco", &new, Some("FULL"), (true, true)),
        ("orderList.place.oco", &new, Some("ACK"), (false, false)),
    ] {
        let mut params = params.clone();
        if let Some(form) = form {
            params["newOrderRespType"] = form.into();
        }
        let placed = api.ok(method, trader.signed(params)).await;
        for report in placed["orderReports"].as_array().unwrap() {
            let told = (report["status"].is_string(), report["fills"].is_array());
            assert_eq!(told, members, "{method} {form:?}: {report}");
        }
    }
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_from_outside_is_told_and_cannot_be_spent() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let sbe = "/ws-api/v3?responseFormat=sbe&sbeSchemaId=3&sbeSchemaVersion=5";
    let mut api = venue.connect("/ws-api/v3").await;
    let mut binary = venue.connect(sbe).await;
    api.ok(SUBSCRIBE, trader.signed(json!({}))).await;
    binary.ok(SUBSCRIBE, trader.signed(json!({}))).await;
    for (act, amount, delta, free, locked) in [
        (
            "lock",
            "600",
            "600.00000000",
            "400.00000000",
            "600.00000000",
        ),
        (
            "unlock",
            "150.5",
            "-150.50000000",
            "550.50000000",
            "449.50000000",
        ),
    ] {
        let path = format!("/accounts/{}/{act}", trader.account);
        let asked = json!({"asset": "TIDE", "amount": amount});
        venue.sandbox("POST", &path, &asked).await;
        let told = api.wait(|f| f["event"]["e"] == "externalLockUpdate").await;
        let event = &told["event"];
        assert_eq!(
            (&event["a"], &event["d"]),
            (&json!("TIDE"), &json!(delta)),
            "{told}"
        );
        assert!(event["E"].is_u64() && event["T"].is_u64(), "{told}");
        let position = api
            .wait(|f| f["event"]["e"] == "outboundAccountPosition")
            .await;
        let balance = json!([{"a": "TIDE", "f": free, "l": locked}]);
        assert_eq!(position["event"]["B"], balance);
        let in_binary = binary.wait(|f| f["template"] == 604).await;
        assert!(
            in_binary["event"].to_string().contains("TIDE"),
            "{in_binary}"
        );
        let account = api
            .ok(
                "account.status",
                trader.signed(json!({"omitZeroBalances": true})),
            )
            .await;
        let told = account["balances"]
            .as_array()
            .unwrap()
            .iter()
            .find(|b| b["asset"] == "TIDE")
            .unwrap();
        assert_eq!(
            (&told["free"], &told["locked"]),
            (&json!(free), &json!(locked))
        );
    }
    let refused = api
        .call("order.place", trader.signed(limit("SELL", "2", "551")))
        .await;
    assert_eq!(
        refused["error"]["msg"],
        "Account has insufficient balance for requested action."
    );
    api.ok("order.place", trader.signed(limit("SELL", "2", "550")))
        .await;
    let state = venue.sandbox("GET", "/state", &json!({})).await;
    assert_eq!(state["audit"], "ok", "{state}");
    venue.close().await;
}
