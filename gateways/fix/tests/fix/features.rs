//! What reports say of icebergs, pegged orders, conditional orders and self-trade prevention.

use fix::codec::Message;
use kit::Profile;

use crate::venue::Venue;

fn limit(id: &str, side: u8, price: &str, qty: &str) -> String {
    format!("11={id}|38={qty}|40=2|44={price}|54={side}|55=TIDEUSDT|59=1")
}

fn assert_fields(message: &Message, expected: &[(u32, Option<&str>)]) {
    for (tag, value) in expected {
        assert_eq!(message.get(*tag), *value, "{tag} of {message:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_iceberg_says_what_it_shows() {
    let venue = Venue::open(Profile::WIDE).await;
    let (trader, other) = (venue.trader().await, venue.trader().await);
    let mut client = venue.session(0, &trader, "ICE").await;
    let mut taker = venue.session(0, &other, "TAKER").await;
    client
        .send("D", &format!("{}|111=2", limit("i", 2, "10.00", "10")))
        .await;
    let placed = client.report("0", "i").await;
    assert_fields(
        &placed,
        &[
            (38, Some("10.00000000")),
            (111, Some("2.00000000")),
            (151, Some("10.00000000")),
        ],
    );
    taker.send("D", &limit("t", 1, "10.00", "5")).await;
    // One match after another, each of what was shown.
    let mut left = Vec::new();
    for _ in 0..3 {
        let fill = client.report("F", "i").await;
        assert_eq!(fill.get(111), Some("2.00000000"));
        left.push(fill.get(151).unwrap().to_owned());
    }
    assert_eq!(left, ["8.00000000", "6.00000000", "5.00000000"]);
    client
        .send(
            "D",
            &format!(
                "{}|111=2",
                limit("j", 2, "10.00", "2").replace("59=1", "59=3")
            ),
        )
        .await;
    let refused = client
        .wait(|message| matches!(message.kind(), "8" | "3") && message.get(25016).is_some())
        .await;
    assert!(refused.get(58).is_some(), "{refused:?}");
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pegged_order_says_where_its_price_comes_from() {
    let venue = Venue::open(Profile::WIDE).await;
    let (trader, other) = (venue.trader().await, venue.trader().await);
    let mut client = venue.session(0, &trader, "PEG").await;
    let mut maker = venue.session(0, &other, "MAKER").await;
    maker.send("D", &limit("bid", 1, "9.00", "1")).await;
    maker.report("0", "bid").await;
    client
        .send("D", "11=p|38=3|40=P|54=1|55=TIDEUSDT|59=1|1094=5|835=1")
        .await;
    let placed = client.report("0", "p").await;
    assert_fields(
        &placed,
        &[
            (40, Some("P")),
            (1094, Some("5")),
            (835, Some("1")),
            (836, None),
            (211, None),
            (839, Some("9.00000000")),
        ],
    );
    // It must say that its price does not move.
    client
        .send("D", "11=q|38=3|40=P|54=1|55=TIDEUSDT|59=1|1094=5|835=2")
        .await;
    assert_eq!(client.rejected().await, (-1130, Some(835)));
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conditional_order_says_what_it_waits_for() {
    let venue = Venue::open(Profile::WIDE).await;
    let (trader, other) = (venue.trader().await, venue.trader().await);
    let mut client = venue.session(0, &trader, "COND").await;
    let mut maker = venue.session(0, &other, "MAKER").await;
    for (id, side) in [("s", 2), ("b", 1)] {
        let session = if side == 2 { &mut maker } else { &mut client };
        session.send("D", &limit(id, side, "10.00", "1")).await;
        session.report("0", id).await;
    }
    let waits = "38=1|40=4|44=12.00|59=1|1100=4|1101=1|1107=2|55=TIDEUSDT";
    client
        .send("D", &format!("11=stop|54=1|1102=11.00|1109=U|{waits}"))
        .await;
    let placed = client.report("0", "stop").await;
    let told = [
        (40, Some("4")),
        (44, Some("12.00000000")),
        (1102, Some("11.00000000")),
        (1109, Some("U")),
        (25009, None),
        (636, None),
        (25023, None),
    ];
    assert_fields(&placed, &told);
    client
        .send(
            "D",
            &format!(
                "11=trail|54=2|25009=500|{}",
                waits.replace("44=12.00", "44=9.00")
            ),
        )
        .await;
    let placed = client.report("0", "trail").await;
    assert_fields(
        &placed,
        &[
            (1102, None),
            (1109, None),
            (25009, Some("500")),
            (1100, Some("4")),
        ],
    );
    assert_eq!(placed.get(25022), None, "it trails from the next trade on");
    // The price is reached: the order works.
    maker.send("D", &limit("s2", 2, "11.00", "2")).await;
    maker.report("0", "s2").await;
    client.send("D", &limit("b2", 1, "11.00", "1")).await;
    client.report("F", "b2").await;
    let works = client.report("0", "stop").await;
    assert!(works.get(25023).is_some(), "{works:?}");
    client.report("F", "stop").await;
    // The other has followed the price since that trade.
    client.send("F", "11=end|41=trail|55=TIDEUSDT").await;
    let ended = client.report("4", "end").await;
    assert!(ended.get(25022).is_some(), "{ended:?}");
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decremented_order_says_what_was_taken_off() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "STP").await;
    client
        .send("D", &format!("{}|25001=5", limit("m", 2, "10.00", "5")))
        .await;
    let placed = client.report("0", "m").await;
    assert_eq!(placed.get(25001), Some("5"));
    client
        .send("D", &format!("{}|25001=5", limit("t", 1, "10.00", "2")))
        .await;
    let ended = client.report("C", "t").await;
    let counter = placed.get(37).map(str::to_owned);
    assert_fields(
        &ended,
        &[
            (39, Some("C")),
            (25025, Some("10.00000000")),
            (25026, Some("2.00000000")),
            (25028, Some("TIDEUSDT")),
            (25029, counter.as_deref()),
            (25030, Some("2.00000000")),
            (25031, Some("2.00000000")),
        ],
    );
    let lowered = client.report("C", "m").await;
    assert_fields(
        &lowered,
        &[
            (39, Some("0")),
            (25030, Some("2.00000000")),
            (25031, Some("2.00000000")),
            (151, Some("3.00000000")),
        ],
    );
    assert_eq!(ended.get(25024), lowered.get(25024), "one prevented match");
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routed_order_says_where_it_was_filled() {
    let venue = Venue::open(Profile::WIDE).await;
    let listed =
        serde_json::json!({"symbol": "TIDEUSDC", "baseAsset": "TIDE", "quoteAsset": "USDC"});
    venue.sandbox("POST", "/symbols", &listed).await;
    for symbol in ["TIDEUSDT", "TIDEUSDC"] {
        let group = serde_json::json!({"sor": "USD"});
        venue
            .sandbox("PUT", &format!("/symbols/{symbol}"), &group)
            .await;
    }
    let (trader, other) = (venue.trader().await, venue.trader().await);
    let mut client = venue.session(0, &trader, "SOR").await;
    let mut maker = venue.session(0, &other, "MAKER").await;
    for (id, symbol, price) in [
        ("dear", "TIDEUSDT", "12.00"),
        ("cheap", "TIDEUSDC", "10.00"),
    ] {
        let ask = limit(id, 2, price, "2").replace("TIDEUSDT", symbol);
        maker.send("D", &ask).await;
        maker.report("0", id).await;
    }
    client
        .send("D", &format!("{}|25032=Y", limit("r", 1, "11.00", "3")))
        .await;
    let placed = client.report("0", "r").await;
    assert_fields(&placed, &[(25032, Some("Y")), (25021, Some("1"))]);
    let filled = client.report("F", "r").await;
    assert_fields(
        &filled,
        &[
            (31, Some("10.00000000")),
            (32, Some("2.00000000")),
            (39, Some("1")),
            (70, Some("0")),
            (574, Some("1")),
            (1003, None),
            (25021, Some("3")),
            (25032, Some("Y")),
            (138, Some("TIDE")),
        ],
    );
    // What is left rests in its own book, and trades there.
    maker.send("D", &limit("s", 2, "11.00", "1")).await;
    let filled = client.report("F", "r").await;
    assert_fields(
        &filled,
        &[
            (39, Some("2")),
            (70, None),
            (574, None),
            (25021, Some("1")),
            (25032, Some("Y")),
        ],
    );
    assert!(filled.get(1003).is_some());
    venue.close().await;
}
