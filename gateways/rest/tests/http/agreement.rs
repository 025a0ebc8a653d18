//! One method, asked in every way: over REST and over the WebSocket API, in milliseconds and in microseconds, by query and by body.

use serde_json::Value;

use crate::errors::{Stage, encoded, method};
use crate::frames::signed;
use crate::inputs::{Entry, Pairs, entries};
use crate::venue::sign;

/// Where a path of a JSON value leads to a moment.
const MOMENTS: &[&str] = &[
    "time",
    "T",
    "serverTime",
    "transactTime",
    "transactionTime",
    "workingTime",
    "updateTime",
    "openTime",
    "closeTime",
    "timestamp",
    "trailingTime",
];

/// The same value, with moments in milliseconds where the other has microseconds.
fn agree(millis: &Value, micros: &Value, name: &str, found: &mut usize) -> bool {
    match (millis, micros) {
        (Value::Object(a), Value::Object(b)) => {
            let same_names = a.keys().eq(b.keys());
            same_names
                && a.iter()
                    .all(|(name, value)| agree(value, &b[name], name, found))
        }
        (Value::Array(a), Value::Array(b)) => {
            // a candle begins and ends by its first and its seventh element
            let candle = a.len() == 12 && a[0].is_number();
            a.len() == b.len()
                && a.iter().zip(b).enumerate().all(|(i, (a, b))| {
                    let name = if candle && (i == 0 || i == 6) {
                        "time"
                    } else {
                        name
                    };
                    agree(a, b, name, found)
                })
        }
        (Value::Number(a), Value::Number(b)) if MOMENTS.contains(&name) => {
            let (a, b) = (a.as_i64().unwrap(), b.as_i64().unwrap());
            *found += 1;
            // -1 and 0 stand for never
            a == b && a <= 0 || (b.div_euclid(1000) == a && b > 100_000_000_000_000)
        }
        _ => millis == micros,
    }
}

/// A query's answer over REST.
async fn asked(stage: &Stage, entry: &Entry, call: &Pairs, micros: bool) -> Value {
    let parts = call
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)));
    let mut query = parts.collect::<Vec<_>>().join("&");
    let mut headers = vec![("X-MBX-APIKEY", stage.ann.api_key.as_str())];
    if micros {
        headers.push(("X-MBX-TIME-UNIT", "microsecond"));
    }
    let known = method(entry.verb, entry.path).unwrap();
    if known.security != kit::Security::Public {
        let joint = if query.is_empty() { "" } else { "&" };
        query += &format!("{joint}timestamp={}", stage.venue.now_ms());
        query += &format!("&signature={}", sign(&stage.ann.secret, &query));
    }
    let reply = stage
        .venue
        .send("GET", &format!("{}?{query}", entry.path), &headers, "")
        .await;
    assert_eq!(reply.status, 200, "{query}: {reply:?}");
    reply.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_tells_the_same_in_every_way() {
    let mut stage = Stage::set().await;
    let mut moments = 0;
    for entry in entries().iter().filter(|entry| entry.verb == "GET") {
        for call in &entry.good {
            let mut call = call.clone();
            for (_, value) in call.iter_mut().filter(|(_, value)| value == "LIST") {
                *value = stage.list.to_string();
            }
            let millis = asked(&stage, entry, &call, false).await;
            let micros = asked(&stage, entry, &call, true).await;
            let label = format!("{} {call:?}:\n{millis}\n{micros}", entry.path);
            assert!(agree(&millis, &micros, "", &mut moments), "{label}");
            let known = method(entry.verb, entry.path).unwrap();
            let mut params = serde_json::json!({});
            for (name, value) in &call {
                params[name] = value.as_str().into();
            }
            if known.security != kit::Security::Public {
                params["timestamp"] = stage.venue.now_ms().into();
                params = signed(&stage.ann, params);
            }
            let answer = stage.api.call(entry.ws, params).await;
            assert_eq!(
                told(&answer["result"], entry),
                told(&millis, entry),
                "{label}"
            );
            assert!(answer["rateLimits"][0]["count"].is_u64(), "{answer}");
        }
    }
    assert!(moments > 60, "{moments}");
}

/// What counts requests of the caller himself differs from one to the next.
fn told(answer: &Value, entry: &Entry) -> Value {
    let mut answer = answer.clone();
    if entry.path.ends_with("/myFilters") {
        answer["rateLimits"].take();
    }
    answer
}

/// A parameter may stand in the query or in the body; the query's counts when it stands in both, whatever the body's is.
#[tokio::test(flavor = "multi_thread")]
async fn query_and_body_make_one_request() {
    let stage = Stage::set().await;
    let place = |query: &str, body: &str| {
        let stamp = format!("{query}&timestamp={}", stage.venue.now_ms());
        let signature = sign(&stage.ann.secret, &format!("{stamp}{body}"));
        (
            format!("/api/v3/order?{stamp}&signature={signature}"),
            body.to_owned(),
        )
    };
    let key = [("X-MBX-APIKEY", stage.ann.api_key.as_str())];
    for (query, body, status, code) in [
        (
            "symbol=ABCUSDT&side=BUY&type=LIMIT",
            "timeInForce=GTC&quantity=1&price=50",
            200,
            0,
        ),
        (
            "symbol=ABCUSDT&side=BUY&type=LIMIT",
            "timeInForce=GTC&quantity=1&price=50&side=HOLD",
            200,
            0,
        ),
        (
            "symbol=ABCUSDT&side=HOLD&type=LIMIT",
            "timeInForce=GTC&quantity=1&price=50&side=BUY",
            400,
            -1117,
        ),
        (
            "symbol=ABCUSDT&side=BUY&type=LIMIT",
            "timeInForce=GTC&quantity=1&price=50&price=51",
            400,
            -1101,
        ),
        (
            "symbol=ABCUSDT&side=BUY&type=LIMIT",
            "timeInForce=GTC&quantity=1&price=",
            400,
            -1105,
        ),
        (
            "symbol=ABCUSDT&side=BUY&type=LIMIT",
            "timeInForce=GTC&quantity=1&price=50&more=1",
            400,
            -1104,
        ),
    ] {
        let (target, body) = place(query, body);
        let reply = stage.venue.send("POST", &target, &key, &body).await;
        assert_eq!(
            (reply.status, reply.code()),
            (status, code),
            "{target} {body}: {reply:?}"
        );
    }
}
