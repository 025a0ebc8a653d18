use std::sync::Arc;

use kit::{FillsReader, Limits, Profile};
use protocol::Event;
use relay::Reader as _;
use rest::Bounds;

use types::AccountId;

use crate::venue::{NOON, Venue, market};

const SMALL: Profile = Profile {
    weight: 100,
    raw: 10_000,
    orders_10s: 3,
    orders_1d: 5,
    connections: 10,
};
const PLACE: &str = "/api/v3/order";
const BUY: &str = "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50";
const MINUTE: i64 = 60_000_000;

async fn small_venue() -> Venue {
    let venue = Venue::start(SMALL, Bounds::default()).await;
    let reply = venue
        .send(
            "POST",
            "/sandbox/v1/symbols",
            &[],
            &market("ABCUSDT").to_string(),
        )
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    venue
}

#[tokio::test(flavor = "multi_thread")]
async fn weight_counts_by_the_minute_then_429_then_418() {
    let venue = small_venue().await;
    for used in [20, 40, 60, 80, 100] {
        let reply = venue.get("/api/v3/exchangeInfo").await;
        assert_eq!(
            (reply.status, reply.header("x-mbx-used-weight-1m")),
            (200, Some(used.to_string().as_str()))
        );
    }
    let reply = venue.get("/api/v3/ping").await;
    assert_eq!(
        (reply.status, reply.code(), reply.header("retry-after")),
        (429, -1003, Some("60"))
    );
    venue.clock.set(NOON.plus_micros(MINUTE - 1));
    assert_eq!(
        venue.get("/api/v3/ping").await.header("retry-after"),
        Some("1")
    );
    venue.clock.set(NOON.plus_micros(MINUTE));
    let reply = venue.get("/api/v3/ping").await;
    assert_eq!(
        (reply.status, reply.header("x-mbx-used-weight-1m")),
        (200, Some("1")),
        "windows are aligned, not sliding"
    );

    for _ in 0..4 {
        venue.get("/api/v3/exchangeInfo").await;
    }
    let mut statuses = Vec::new();
    for _ in 0..22 {
        statuses.push(venue.get("/api/v3/exchangeInfo").await.status);
    }
    assert_eq!(
        (statuses[0], statuses[19], statuses[20], statuses[21]),
        (429, 429, 418, 418),
        "{statuses:?}"
    );
    let banned = venue.get("/api/v3/ping").await;
    assert_eq!(
        (banned.status, banned.code(), banned.header("retry-after")),
        (418, -1003, Some("120"))
    );
    venue.clock.set(NOON.plus_micros(3 * MINUTE));
    assert_eq!(venue.get("/api/v3/ping").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unfilled_orders_are_counted_and_fills_lower_the_count() {
    let venue = small_venue().await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    for count in ["1", "2", "3"] {
        let reply = venue.signed(&maker, "POST", PLACE, BUY).await;
        assert_eq!(
            (
                reply.status,
                reply.header("x-mbx-order-count-10s"),
                reply.header("x-mbx-order-count-1d")
            ),
            (200, Some(count), Some(count))
        );
        assert_eq!(
            reply.header("x-mbx-used-weight-1m"),
            Some("0"),
            "a successful order weighs nothing"
        );
    }
    let before = venue.digest().await;
    let reply = venue.signed(&maker, "POST", PLACE, BUY).await;
    assert_eq!(
        (reply.status, reply.code(), reply.header("retry-after")),
        (429, -1015, Some("10"))
    );
    assert_eq!(
        reply.header("x-mbx-used-weight-1m"),
        Some("1"),
        "a refused one does"
    );
    assert_eq!(venue.digest().await, before);

    // A refused order is not counted, and a taker's fill takes its own order off again.
    assert_eq!(
        venue
            .signed(
                &taker,
                "POST",
                PLACE,
                "symbol=ABCUSDT&side=SELL&type=MARKET&quantity=900000"
            )
            .await
            .status,
        400
    );
    let sold = venue
        .signed(
            &taker,
            "POST",
            PLACE,
            "symbol=ABCUSDT&side=SELL&type=MARKET&quantity=1",
        )
        .await;
    assert_eq!(
        (sold.status, sold.header("x-mbx-order-count-10s")),
        (200, Some("0")),
        "{sold:?}"
    );
    // The maker's first fill took five off, never below zero.
    let counts = venue
        .good(&maker, "GET", "/api/v3/rateLimit/order", "")
        .await;
    assert_eq!(
        (&counts[0]["count"], &counts[1]["count"]),
        (&0.into(), &0.into()),
        "{counts}"
    );

    for _ in 0..3 {
        venue.good(&maker, "POST", PLACE, BUY).await;
    }
    venue.clock.set(NOON.plus_micros(10_000_000));
    for _ in 0..2 {
        venue.good(&maker, "POST", PLACE, BUY).await;
    }
    let reply = venue.signed(&maker, "POST", PLACE, BUY).await;
    assert_eq!(
        (reply.status, reply.code()),
        (429, -1015),
        "the day's window is full: {reply:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_rested_before_a_restart_still_gives_back() {
    let venue = small_venue().await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    venue.good(&maker, "POST", PLACE, BUY).await;
    let account = AccountId(u32::try_from(maker.account).unwrap());
    let open = venue.context.views.open_orders(account, None);
    let restored = Event::OrderRestored(Box::new(open[0].clone()));

    // A program that starts now knows the counts and is told what rests.
    let limits = Arc::new(Limits::new(Profile::BINANCE));
    limits.take_orders(account, 7, NOON).unwrap();
    let mut fills = FillsReader::new(Arc::clone(&limits));
    fills.seed(&restored);
    let mut unseeded = FillsReader::new(Arc::clone(&limits));
    venue.batches.0.lock().unwrap().clear();
    let sell = "symbol=ABCUSDT&side=SELL&type=MARKET&quantity=0.4";
    for _ in 0..2 {
        venue.good(&taker, "POST", PLACE, sell).await;
    }
    for batch in venue.batches.0.lock().unwrap().iter() {
        unseeded.apply(batch);
    }
    assert_eq!(limits.order_count(account, NOON).day, 7);
    for batch in venue.batches.0.lock().unwrap().iter() {
        fills.apply(batch);
    }
    assert_eq!(
        limits.order_count(account, NOON).day,
        2,
        "the first fill alone, and a maker's"
    );
}

/// How many orders are counted for a trader.
async fn counted(venue: &Venue, who: &crate::venue::Trader) -> u64 {
    let counts = venue.good(who, "GET", "/api/v3/rateLimit/order", "").await;
    assert_eq!(counts[0]["count"], counts[1]["count"], "{counts}");
    counts[0]["count"].as_u64().unwrap()
}

/// Every order of a list is counted; the first fill of each gives one back to a taker and five to a maker, however it came to trade.
#[tokio::test(flavor = "multi_thread")]
async fn every_order_is_counted_and_given_back_by_its_first_fill() {
    let (venue, ann, bob) = Venue::with_market().await;
    let limit = "symbol=ABCUSDT&type=LIMIT&timeInForce=GTC";
    let sell = |price: &str, qty: &str| format!("{limit}&side=SELL&price={price}&quantity={qty}");
    let buy = |price: &str, qty: &str| format!("{limit}&side=BUY&price={price}&quantity={qty}");
    venue.good(&bob, "POST", PLACE, &sell("100", "50")).await;
    venue.good(&bob, "POST", PLACE, &buy("50", "50")).await;
    let working =
        "symbol=ABCUSDT&workingType=LIMIT&workingTimeInForce=GTC&workingSide=BUY&workingQuantity=1";
    let above = "AboveType=LIMIT_MAKER&pendingAbovePrice=130";
    let below = "BelowType=STOP_LOSS&pendingBelowStopPrice=30";
    let pair = format!("&pending{above}&pending{below}&pendingSide=SELL");
    let oco = "symbol=ABCUSDT&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=130&belowType=STOP_LOSS&belowStopPrice=30";
    let old = "symbol=ABCUSDT&side=SELL&quantity=1&price=130&stopPrice=30";
    let pending = "&pendingType=LIMIT&pendingTimeInForce=GTC&pendingPrice=120&pendingSide=SELL";
    let mut expected = 0;
    // one that rests, then every kind of list, resting
    for (path, params, orders) in [
        ("order", buy("40", "1"), 1),
        ("orderList/oco", oco.to_owned(), 2),
        ("order/oco", old.to_owned(), 2),
        (
            "orderList/oto",
            format!("{working}&workingPrice=40{pending}&pendingQuantity=1"),
            2,
        ),
        (
            "orderList/otoco",
            format!("{working}&workingPrice=40{pair}&pendingQuantity=1"),
            3,
        ),
        (
            "orderList/opo",
            format!("{working}&workingPrice=40{pending}"),
            2,
        ),
        (
            "orderList/opoco",
            format!("{working}&workingPrice=40{pair}"),
            3,
        ),
        (
            "order/cancelReplace",
            format!(
                "{}&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId=3",
                buy("40", "1")
            ),
            1,
        ),
    ] {
        let reply = venue
            .signed(&ann, "POST", &format!("/api/v3/{path}"), &params)
            .await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        expected += orders;
        assert_eq!(counted(&venue, &ann).await, expected, "{path}");
        let told = reply.header("x-mbx-order-count-10s");
        assert_eq!(told, Some(expected.to_string().as_str()), "{path}");
    }
    // canceling and amending count for nothing, and an order that expires is not given back
    for (verb, path, params, more) in [
        (
            "PUT",
            "order/amend/keepPriority",
            "symbol=ABCUSDT&orderId=4&newQty=0.5".to_owned(),
            0,
        ),
        ("DELETE", "openOrders", "symbol=ABCUSDT".to_owned(), 0),
        ("POST", "order", buy("40", "1").replace("GTC", "FOK"), 1),
        ("POST", "order/test", buy("40", "1"), 0),
    ] {
        let reply = venue
            .signed(&ann, verb, &format!("/api/v3/{path}"), &params)
            .await;
        assert!(
            reply.status == 200 || path.contains("amend"),
            "{path}: {reply:?}"
        );
        expected += more;
        assert_eq!(counted(&venue, &ann).await, expected, "{path}");
    }
    // as taker: an order, the working order of a list, a stop that was reached
    venue.good(&ann, "POST", PLACE, &buy("100", "0.5")).await;
    assert_eq!(counted(&venue, &ann).await, expected);
    let oto = format!("{working}&workingPrice=100{pending}&pendingQuantity=1");
    venue
        .good(&ann, "POST", "/api/v3/orderList/oto", &oto)
        .await;
    expected += 1;
    assert_eq!(counted(&venue, &ann).await, expected);
    let stop = "symbol=ABCUSDT&side=SELL&type=STOP_LOSS&quantity=1&stopPrice=60";
    venue.good(&ann, "POST", PLACE, stop).await;
    assert_eq!(counted(&venue, &ann).await, expected + 1);
    let carol = venue.trader().await;
    venue.good(&carol, "POST", PLACE, &sell("50", "0.5")).await;
    let open = venue.good(&ann, "GET", "/api/v3/openOrders", "").await;
    assert!(
        open.as_array()
            .unwrap()
            .iter()
            .all(|o| o["type"] != "STOP_LOSS"),
        "{open}"
    );
    assert_eq!(counted(&venue, &ann).await, expected);
    // as maker: five, once
    venue.good(&ann, "POST", PLACE, &buy("55", "2")).await;
    for quantity in ["0.5", "0.5", "1"] {
        let params = format!("symbol=ABCUSDT&side=SELL&type=MARKET&quantity={quantity}");
        venue.good(&carol, "POST", PLACE, &params).await;
        assert_eq!(counted(&venue, &ann).await, expected + 1 - 5, "{quantity}");
    }
    // a refused order says how many there are
    let reply = venue.signed(&ann, "POST", PLACE, &buy("40", "9000")).await;
    let told = (expected - 4).to_string();
    assert_eq!(
        (reply.status, reply.header("x-mbx-order-count-1d")),
        (400, Some(told.as_str()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_whatever_they_weigh() {
    let small = Profile {
        raw: 12,
        ..Profile::WIDE
    };
    let venue = Venue::start(small, Bounds::default()).await;
    let mut api = crate::frames::Api::open(&venue).await;
    // the connection is one, those over it and those over REST are the others
    for _ in 0..6 {
        assert_eq!(venue.get("/api/v3/ping").await.status, 200);
    }
    for _ in 0..5 {
        let answer = api.call("ping", serde_json::json!({})).await;
        assert_eq!(answer["status"], 200, "{answer}");
    }
    let reply = venue.get("/api/v3/ping").await;
    assert_eq!(
        (reply.status, reply.code(), reply.header("retry-after")),
        (429, -1003, Some("300"))
    );
    let answer = api.call("ping", serde_json::json!({})).await;
    assert_eq!(
        (&answer["status"], &answer["error"]["code"]),
        (&429.into(), &(-1003).into())
    );
    venue.clock.set(NOON.plus_micros(5 * MINUTE));
    assert_eq!(venue.get("/api/v3/ping").await.status, 200);
    let info = venue.get("/api/v3/exchangeInfo").await.json();
    let limits: Vec<String> = info["rateLimits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| {
            format!(
                "{} {} {} {}",
                l["rateLimitType"], l["interval"], l["intervalNum"], l["limit"]
            )
            .replace('"', "")
        })
        .collect();
    assert_eq!(
        limits,
        [
            "REQUEST_WEIGHT MINUTE 1 1000000",
            "ORDERS SECOND 10 1000000",
            "ORDERS DAY 1 1000000",
            "RAW_REQUESTS MINUTE 5 12"
        ]
    );
}

/// Replacing when no more orders may be placed: nothing happens, or the cancel alone.
#[tokio::test(flavor = "multi_thread")]
async fn replacing_beyond_the_limit_may_still_cancel() {
    const REPLACE: &str = "/api/v3/order/cancelReplace";
    let venue = small_venue().await;
    let ann = venue.trader().await;
    for _ in 0..3 {
        venue.good(&ann, "POST", PLACE, BUY).await;
    }
    let limit = "Too many new orders; current limit is 3 orders per 10 SECOND.";
    let ask = |mode: &str, exceeded: &str, id: u64| {
        format!(
            "{BUY}&cancelReplaceMode={mode}&orderRateLimitExceededMode={exceeded}&cancelOrderId={id}"
        )
    };
    let before = venue.digest().await;
    for mode in ["STOP_ON_FAILURE", "ALLOW_FAILURE"] {
        let reply = venue
            .signed(&ann, "POST", REPLACE, &ask(mode, "DO_NOTHING", 1))
            .await;
        assert_eq!((reply.status, reply.code()), (429, -1015), "{reply:?}");
        assert_eq!(
            (&reply.json()["msg"], reply.json().get("data")),
            (&limit.into(), None)
        );
    }
    assert_eq!(venue.digest().await, before);
    for (mode, id, status, code, canceled, placed) in [
        (
            "STOP_ON_FAILURE",
            4711,
            429,
            -2022,
            "FAILURE",
            "NOT_ATTEMPTED",
        ),
        ("ALLOW_FAILURE", 4711, 400, -2022, "FAILURE", "FAILURE"),
        ("STOP_ON_FAILURE", 1, 429, -2021, "SUCCESS", "FAILURE"),
        ("ALLOW_FAILURE", 2, 409, -2021, "SUCCESS", "FAILURE"),
    ] {
        let reply = venue
            .signed(&ann, "POST", REPLACE, &ask(mode, "CANCEL_ONLY", id))
            .await;
        assert_eq!(
            (reply.status, reply.code()),
            (status, code),
            "{mode} {id}: {reply:?}"
        );
        let after = (status == 429).then_some("10");
        assert_eq!(reply.header("retry-after"), after, "{mode} {id}");
        let data = reply.json()["data"].clone();
        assert_eq!(
            (&data["cancelResult"], &data["newOrderResult"]),
            (&canceled.into(), &placed.into())
        );
        if placed == "FAILURE" {
            assert_eq!(
                (
                    &data["newOrderResponse"]["code"],
                    &data["newOrderResponse"]["msg"]
                ),
                (&(-1015).into(), &limit.into())
            );
        } else {
            assert!(data["newOrderResponse"].is_null(), "{data}");
        }
    }
    let open = venue.good(&ann, "GET", "/api/v3/openOrders", "").await;
    assert_eq!(open.as_array().unwrap().len(), 1, "{open}");
}
