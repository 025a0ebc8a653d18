//! Market streams in SBE, over the loopback.

use kit::Profile;
use serde_json::{Value, json};

use crate::venue::{Client, Venue, limit};

const KEY: &str = "X-MBX-APIKEY";

/// Waits for the answer to a control frame.
async fn control(client: &mut Client, frame: Value) -> Value {
    client.send(&frame.to_string()).await;
    client.wait(|answer| answer.get("id").is_some()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ed25519_key_opens_them_and_no_other() {
    let venue = Venue::open(Profile::WIDE).await;
    let (old, modern) = (venue.trader().await, venue.modern_trader().await);
    for path in [
        "/sbe/ws",
        "/sbe/stream?streams=tideusdt@trade",
        "/sbe/ws/tideusdt@trade",
    ] {
        assert_eq!(venue.refused(path).await, 401, "{path}");
        for key in [old.api_key.as_str(), "short", &"k".repeat(64)] {
            assert_eq!(venue.refused_with(path, &[(KEY, key)]).await, 401);
        }
        let mut client = venue.connect_with(path, &[(KEY, &modern.api_key)]).await;
        let list = json!({"method": "LIST_SUBSCRIPTIONS", "id": 1});
        let listed = control(&mut client, list).await;
        let expected = match path {
            "/sbe/ws" => json!([]),
            _ => json!(["tideusdt@trade"]),
        };
        assert_eq!(listed["result"], expected, "{path}");
    }
    assert_eq!(
        venue
            .refused_with("/sbe/ws-api/v3", &[(KEY, &modern.api_key)])
            .await,
        200,
        "a page"
    );
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_messages_and_say_what_json_says() {
    let venue = Venue::open(Profile::WIDE).await;
    let (maker, taker) = (venue.modern_trader().await, venue.trader().await);
    let key = [(KEY, maker.api_key.as_str())];
    let path = "/sbe/stream?streams=tideusdt@trade/tideusdt@bestBidAsk";
    let mut binary = venue.connect_with(path, &key).await;
    let subscribe = json!({"method": "SUBSCRIBE", "params": ["tideusdt@depth", "tideusdt@depth20"], "id": "both"});
    assert_eq!(
        control(&mut binary, subscribe).await,
        json!({"result": null, "id": "both"})
    );
    let path = "/ws/tideusdt@trade/tideusdt@bookTicker/tideusdt@depth@100ms?timeUnit=microsecond";
    let mut plain = venue.connect(path).await;
    let mut api = venue.connect("/ws-api/v3").await;
    for price in ["2", "3"] {
        api.ok("order.place", maker.signed(limit("SELL", price, "10")))
            .await;
    }
    api.ok("order.place", taker.signed(limit("BUY", "3", "15")))
        .await;

    let trades = binary.wait(|f| f["template"] == 10_000).await["event"].clone();
    assert_eq!(trades["symbol"], "TIDEUSDT");
    let told = trades["trades"].as_array().unwrap().clone();
    assert_eq!(told.len(), 2, "{trades}");
    for trade in told {
        let json = plain.wait(|f| f["e"] == "trade").await;
        assert_eq!(
            (
                &trade["id"],
                &trade["price"],
                &trade["qty"],
                &trade["isBuyerMaker"],
                &trade["isBestMatch"]
            ),
            (&json["t"], &json["p"], &json["q"], &json["m"], &json["M"])
        );
        assert_eq!(
            (&trades["transactTime"], &trades["eventTime"]),
            (&json["T"], &json["E"])
        );
    }
    let last = |f: &Value| f["A"] == "5.00000000";
    let json = plain.wait(last).await;
    let touch = binary
        .wait(|f| f["template"] == 10_001 && f["event"]["askQty"] == "5.00000000")
        .await["event"]
        .clone();
    for (sbe, name) in [
        ("bookUpdateId", "u"),
        ("bidPrice", "b"),
        ("bidQty", "B"),
        ("askPrice", "a"),
        ("askQty", "A"),
        ("symbol", "s"),
    ] {
        assert_eq!(touch[sbe], json[name], "{sbe}");
    }
    let update = touch["bookUpdateId"].clone();
    binary
        .wait(|f| f["template"] == 10_003 && f["event"]["lastBookUpdateId"] == update)
        .await;
    let best = binary
        .wait(|f| f["template"] == 10_002 && f["event"]["bookUpdateId"] == update)
        .await["event"]
        .clone();
    assert_eq!(best["bids"], json!([]));
    assert_eq!(
        best["asks"],
        json!([{"price": "3.00000000", "qty": "5.00000000"}])
    );

    let all = [
        "tideusdt@trade",
        "tideusdt@bestBidAsk",
        "tideusdt@depth",
        "tideusdt@depth20",
    ];
    let leave = json!({"method": "UNSUBSCRIBE", "params": all, "id": 2});
    assert_eq!(
        control(&mut binary, leave).await,
        json!({"result": null, "id": 2})
    );
    let other = json!({"method": "SUBSCRIBE", "params": ["tideusdt@kline_1m"], "id": 3});
    let refused = control(&mut binary, other).await;
    assert_eq!(refused["error"]["code"], 2, "{refused}");
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_of_their_own_has_the_paths_of_json() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.modern_trader().await;
    let host = [
        ("host", "stream-sbe.example"),
        (KEY, trader.api_key.as_str()),
    ];
    assert_eq!(venue.refused_with("/ws", &host[..1]).await, 401);
    let mut binary = venue.connect_with("/ws/tideusdt@bestBidAsk", &host).await;
    let mut api = venue.connect("/ws-api/v3").await;
    // who subscribes first is told first: the answer comes when the stream has begun
    control(
        &mut binary,
        json!({"method": "LIST_SUBSCRIPTIONS", "id": 1}),
    )
    .await;
    api.ok("order.place", trader.signed(limit("BUY", "2", "10")))
        .await;
    let touch = binary.wait(|f| f["template"] == 10_001).await;
    assert_eq!(touch["event"]["bidQty"], "10.00000000");
    let feed = venue.feed.clone();
    let down =
        tokio::spawn(async move { feed.shut_down(std::time::Duration::from_secs(30)).await });
    binary.wait(|f| f["e"] == "serverShutdown").await;
    while binary.next().await.is_some() {}
    drop(api);
    down.await.unwrap();
    venue.close().await;
}
