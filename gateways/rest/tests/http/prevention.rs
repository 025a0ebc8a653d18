//! Self-trade prevention that takes quantity off, and trade groups, as clients see them.

use serde_json::{Value, json};

use crate::venue::{Trader, Venue};

const ORDER: &str = "/api/v3/order";

async fn order(venue: &Venue, who: &Trader, side: &str, qty: &str, mode: &str) -> Value {
    let params = format!(
        "symbol=ABCUSDT&side={side}&type=LIMIT&timeInForce=GTC&price=20&quantity={qty}&newOrderRespType=FULL&selfTradePreventionMode={mode}"
    );
    venue.good(who, "POST", ORDER, &params).await
}

async fn join(venue: &Venue, who: &Trader, group: Value) -> Value {
    let path = format!("/sandbox/v1/accounts/{}", who.account);
    let body = json!({"tradeGroupId": group}).to_string();
    let reply = venue.send("PUT", &path, &[], &body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

async fn free(venue: &Venue, who: &Trader) -> Vec<(String, String)> {
    let account = venue.good(who, "GET", "/api/v3/account", "").await;
    let of = |b: &Value| {
        let text = |name: &str| b[name].as_str().unwrap().to_owned();
        (text("free"), text("locked"))
    };
    account["balances"]
        .as_array()
        .unwrap()
        .iter()
        .map(of)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn decrement_leaves_the_larger_order_open_with_less() {
    let (venue, ann, _) = Venue::with_market().await;
    let maker = order(&venue, &ann, "BUY", "6", "NONE").await;
    let taker = order(&venue, &ann, "SELL", "2", "DECREMENT").await;
    assert_eq!(taker["status"], "EXPIRED_IN_MATCH", "{taker}");
    assert_eq!(taker["preventedQuantity"], "2.00000000");
    assert_eq!(taker["preventedMatchId"], 1);
    let depth = venue.get("/api/v3/depth?symbol=ABCUSDT").await.json();
    assert_eq!(depth["bids"], json!([["20.00000000", "4.00000000"]]));
    let open = venue
        .good(&ann, "GET", "/api/v3/openOrders", "symbol=ABCUSDT")
        .await;
    assert_eq!(open[0]["orderId"], maker["orderId"]);
    assert_eq!(open[0]["status"], "NEW");
    assert_eq!(open[0]["origQty"], "6.00000000");
    assert_eq!(open[0]["preventedQuantity"], "2.00000000");
    assert_eq!(open[0]["preventedMatchId"], 1);
    let params = format!("symbol=ABCUSDT&orderId={}", maker["orderId"]);
    for settled in [false, true] {
        if settled {
            assert!(venue.context.views.settle());
        }
        let seen = venue
            .good(&ann, "GET", "/api/v3/myPreventedMatches", &params)
            .await;
        assert_eq!(seen[0]["selfTradePreventionMode"], "DECREMENT");
        assert_eq!(seen[0]["takerPreventedQuantity"], "2.00000000");
        assert_eq!(seen[0]["makerPreventedQuantity"], "2.00000000");
        assert_eq!(seen[0]["tradeGroupId"], -1);
        let told = venue.good(&ann, "GET", ORDER, &params).await;
        assert_eq!(told, open[0]);
    }
    assert_eq!(venue.state().await["audit"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn transfer_moves_what_was_prevented_between_accounts_of_a_group() {
    let (venue, ann, bob) = Venue::with_market().await;
    assert_eq!(join(&venue, &ann, json!(7)).await["tradeGroupId"], 7);
    join(&venue, &bob, json!(7)).await;
    let account = venue.good(&ann, "GET", "/api/v3/account", "").await;
    assert_eq!(account["tradeGroupId"], 7);
    let (before, others) = (free(&venue, &ann).await, free(&venue, &bob).await);
    order(&venue, &ann, "BUY", "6", "TRANSFER").await;
    let taker = order(&venue, &bob, "SELL", "2", "TRANSFER").await;
    assert_eq!(taker["status"], "EXPIRED_IN_MATCH", "{taker}");
    assert_eq!(taker["executedQty"], "0.00000000");
    let gained = |before: &[(String, String)], after: &[(String, String)]| -> Vec<f64> {
        let value =
            |b: &(String, String)| b.0.parse::<f64>().unwrap() + b.1.parse::<f64>().unwrap();
        let each = before.iter().zip(after);
        each.map(|(b, a)| ((value(a) - value(b)) * 1e6).round() / 1e6)
            .collect()
    };
    let (after, others_after) = (free(&venue, &ann).await, free(&venue, &bob).await);
    let (mine, theirs) = (gained(&before, &after), gained(&others, &others_after));
    let mut sorted = mine.clone();
    sorted.sort_by(f64::total_cmp);
    assert_eq!(
        (sorted[0], *sorted.last().unwrap()),
        (-40.0, 2.0),
        "{mine:?}"
    );
    assert!(
        mine.iter().zip(&theirs).all(|(a, b)| a + b == 0.0),
        "{mine:?} {theirs:?}"
    );
    assert!(venue.context.views.settle());
    let params = format!("symbol=ABCUSDT&orderId={}", taker["orderId"]);
    for who in [&ann, &bob] {
        let seen = venue
            .good(who, "GET", "/api/v3/myPreventedMatches", &params)
            .await;
        assert_eq!(seen[0]["selfTradePreventionMode"], "TRANSFER", "{seen}");
        assert_eq!(seen[0]["tradeGroupId"], 7);
    }
    let trades = venue
        .good(&bob, "GET", "/api/v3/myTrades", "symbol=ABCUSDT")
        .await;
    assert_eq!(trades, json!([]));
    assert_eq!(join(&venue, &ann, Value::Null).await["tradeGroupId"], -1);
    let path = format!("/sandbox/v1/accounts/{}", ann.account);
    for body in [
        "{\"tradeGroupId\":-2}",
        "{\"tradeGroupId\":4294967296}",
        "{}",
    ] {
        assert_eq!(
            venue.send("PUT", &path, &[], body).await.code(),
            -1130,
            "{body}"
        );
    }
}
