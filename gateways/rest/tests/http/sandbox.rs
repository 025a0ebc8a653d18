//! What the sandbox changes is what traders meet.

use serde_json::json;

use crate::venue::{Venue, market};

const PLACE: &str = "/api/v3/order";
const GOOD: &str = "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50";

#[tokio::test(flavor = "multi_thread")]
async fn filters_change_under_an_open_market() {
    let (venue, trader, _) = Venue::with_market().await;
    let probe = venue.get("/sandbox/v1").await;
    assert_eq!(
        (probe.status, &probe.json()["sandbox"]),
        (200, &json!(true))
    );
    for known in probe.json()["requests"].as_array().unwrap() {
        // every one that is named has a route: a verb that no path takes is another refusal
        let (verb, path) = known.as_str().unwrap().split_once(' ').unwrap();
        let reply = venue
            .send(verb, &format!("/sandbox/v1{path}"), &[], "nonsense")
            .await;
        assert!(
            reply.status == 200 || !reply.body.contains("-1020"),
            "{verb} {path}: {reply:?}"
        );
    }
    let path = "/sandbox/v1/symbols/ABCUSDT";
    let mut filters = market("ABCUSDT")["filters"].as_array().unwrap().clone();
    filters.push(json!({"filterType": "MIN_NOTIONAL", "minNotional": "1000000.00000000", "applyToMarket": true, "avgPriceMins": 0}));
    let body = json!({"filters": filters}).to_string();
    let reply = venue.send("PUT", path, &[], &body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let refused = venue.signed(&trader, "POST", PLACE, GOOD).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json(),
        json!({"code": -1013, "msg": "Filter failure: MIN_NOTIONAL"})
    );
    let info = venue.get("/api/v3/exchangeInfo").await.json();
    let told = info["symbols"][0]["filters"].as_array().unwrap();
    assert!(told.contains(&filters[filters.len() - 1]), "{told:?}");
    filters[0]["tickSize"] = json!("0.02");
    for body in [json!({"filters": filters}), json!({})] {
        let refused = venue.send("PUT", path, &[], &body.to_string()).await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, -1130),
            "{refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_cannot_be_locked_nor_unlocked() {
    let (venue, ann, _) = Venue::with_market().await;
    let before = venue.digest().await;
    for (act, asset, amount, said) in [
        ("lock", "NEVER", "1", "NEVER"),
        ("lock", "USDT", "100000.00000001", "balance"),
        ("lock", "USDT", "0", "amount"),
        ("lock", "USDT", "-1", "-1"),
        ("unlock", "USDT", "1", "amount"),
    ] {
        let path = format!("/sandbox/v1/accounts/{}/{act}", ann.account);
        let body = json!({"asset": asset, "amount": amount}).to_string();
        let reply = venue.send("POST", &path, &[], &body).await;
        let refused = reply.status == 400 && reply.body.contains(said);
        assert!(refused, "{act} {body}: {reply:?}");
    }
    assert_eq!(venue.digest().await, before);
}
