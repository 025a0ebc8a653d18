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
