use kit::Profile;

use crate::venue::Venue;

fn limit(id: &str, side: u8, price: &str, qty: &str) -> String {
    format!("11={id}|38={qty}|40=2|44={price}|54={side}|55=TIDEUSDT|59=1")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_lives_and_dies() {
    let venue = Venue::open(Profile::WIDE).await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    let mut sells = venue.session(0, &maker, "MAKER").await;
    let mut buys = venue.session(0, &taker, "TAKER").await;
    sells.send("D", &limit("s1", 2, "10.00", "5")).await;
    let report = sells.report("0", "s1").await;
    for (tag, value) in [
        (14, "0.00000000"),
        (32, "0.00000000"),
        (38, "5.00000000"),
        (39, "0"),
        (40, "2"),
        (44, "10.00000000"),
        (54, "2"),
        (55, "TIDEUSDT"),
        (59, "1"),
        (151, "5.00000000"),
        (636, "Y"),
        (25001, "4"),
        (25017, "0.00000000"),
    ] {
        if tag != 25001 {
            assert_eq!(report.get(tag), Some(value), "{tag} of {report:?}");
        }
    }
    assert!(
        report.get(25001).is_some() && report.get(25018).is_some() && report.get(25023).is_some()
    );
    buys.send("D", "11=b1|38=2|40=1|54=1|55=TIDEUSDT").await;
    let fill = buys.report("F", "b1").await;
    for (tag, value) in [
        (31, "10.00000000"),
        (32, "2.00000000"),
        (39, "2"),
        (136, "1"),
        (138, "TIDE"),
        (139, "4"),
        (1057, "Y"),
        (1003, "1"),
    ] {
        assert_eq!(fill.get(tag), Some(value), "{tag} of {fill:?}");
    }
    let fill = sells.report("F", "s1").await;
    assert_eq!(
        (fill.get(39), fill.get(151), fill.get(1057)),
        (Some("1"), Some("3.00000000"), Some("N"))
    );

    let id = report.get(37).unwrap().to_owned();
    sells
        .send("XAK", &format!("11=s2|37={id}|38=4|55=TIDEUSDT"))
        .await;
    let amended = sells.report("5", "s2").await;
    assert_eq!(
        (amended.get(38), amended.get(41)),
        (Some("4.00000000"), Some("s1"))
    );
    sells.send("F", "11=c1|41=s2|55=TIDEUSDT").await;
    let canceled = sells.report("4", "c1").await;
    assert_eq!(
        (canceled.get(39), canceled.get(41), canceled.get(151)),
        (Some("4"), Some("s2"), Some("0.00000000"))
    );
    venue.close().await;
}

/// Commission in the discount asset has its tags like any other.
#[tokio::test(flavor = "multi_thread")]
async fn commission_is_told_in_the_asset_it_was_paid_in() {
    let venue = Venue::open(Profile::WIDE).await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    for account in [1001, 1002] {
        let on = serde_json::json!({"discountToken": true});
        venue
            .sandbox("PUT", &format!("/accounts/{account}"), &on)
            .await;
    }
    let mut sells = venue.session(0, &maker, "MAKER").await;
    let mut buys = venue.session(0, &taker, "TAKER").await;
    sells.send("D", &limit("s1", 2, "10.00", "5")).await;
    sells.report("0", "s1").await;
    buys.send("D", &limit("b1", 1, "10.00", "5")).await;
    for report in [buys.report("F", "b1").await, sells.report("F", "s1").await] {
        // 0.1 % of 5 TIDE, or of 50 USDT at 10, and three quarters of it
        for (tag, value) in [(136, "1"), (137, "0.00375000"), (138, "TIDE"), (139, "4")] {
            assert_eq!(report.get(tag), Some(value), "{tag} of {report:?}");
        }
    }
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_their_own_messages() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "NO").await;
    client.send("D", &limit("poor", 1, "10", "5000")).await;
    let report = client.report("8", "poor").await;
    for (tag, value) in [
        (39, "8"),
        (103, "99"),
        (25016, "-2010"),
        (58, "Account has insufficient balance for requested action."),
        (38, "5000"),
        (40, "2"),
    ] {
        assert_eq!(report.get(tag), Some(value), "{tag} of {report:?}");
    }
    client.send("F", "11=c1|37=999|55=TIDEUSDT").await;
    let reject = client.kind("9").await;
    for (tag, value) in [
        (11, "c1"),
        (37, "999"),
        (55, "TIDEUSDT"),
        (434, "1"),
        (25016, "-2011"),
        (58, "Unknown order sent."),
    ] {
        assert_eq!(reject.get(tag), Some(value), "{tag} of {reject:?}");
    }
    client.send("XAK", "11=a1|41=nobody|38=1|55=TIDEUSDT").await;
    let reject = client.kind("XAR").await;
    assert_eq!(
        (reject.get(11), reject.get(38), reject.get(25016)),
        (Some("a1"), Some("1"), Some("-2038"))
    );
    client.send("q", "11=m1|55=TIDEUSDT|530=1").await;
    let reject = client.kind("r").await;
    assert_eq!(
        (reject.get(531), reject.get(532), reject.get(25016)),
        (Some("0"), Some("99"), Some("-2011"))
    );
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_canceled_at_once() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "ALL").await;
    for n in 1..=3 {
        client
            .send("D", &limit(&format!("o{n}"), 1, "1", "10"))
            .await;
        client.report("0", &format!("o{n}")).await;
    }
    client.send("q", "11=m1|55=TIDEUSDT|530=1").await;
    // The reports come before the summary.
    let summary = client.kind("r").await;
    assert_eq!((summary.get(531), summary.get(533)), (Some("1"), Some("3")));
    let canceled = |message: &fix::codec::Message| {
        message.get(150) == Some("4") && message.get(11) == Some("m1")
    };
    assert_eq!(client.kept(canceled), 3);
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_and_replace_in_every_outcome() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "SWAP").await;
    client.send("D", &limit("old", 1, "1", "10")).await;
    client.report("0", "old").await;
    client
        .send(
            "XCN",
            &format!("{}|25033=1|41=old|25034=gone", limit("new", 1, "2", "10")),
        )
        .await;
    assert_eq!(client.report("4", "gone").await.get(41), Some("old"));
    client.report("0", "new").await;
    // Nothing to cancel: the new order is not tried, or tried all the same.
    client
        .send(
            "XCN",
            &format!("{}|25033=1|41=old|25034=g2", limit("n2", 1, "2", "10")),
        )
        .await;
    let reject = client.kind("9").await;
    assert_eq!(
        (reject.get(11), reject.get(41), reject.get(25016)),
        (Some("g2"), Some("old"), Some("-2011"))
    );
    client
        .send(
            "XCN",
            &format!("{}|25033=2|41=old|25034=g3", limit("n3", 1, "2", "10")),
        )
        .await;
    assert_eq!(client.kind("9").await.get(11), Some("g3"));
    client.report("0", "n3").await;
    // The cancel works and the order does not.
    client
        .send(
            "XCN",
            &format!("{}|25033=1|41=n3|25034=g4", limit("n4", 1, "2", "100000")),
        )
        .await;
    client.report("4", "g4").await;
    assert_eq!(client.report("8", "n4").await.get(25016), Some("-2010"));
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_other_gateways_are_told_and_copied() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut all = venue.session(0, &trader, "ALL").await;
    let mut acks = venue.session_with(0, &trader, "ACKS", "|25036=2").await;
    let mut copy = venue.session(1, &trader, "COPY").await;
    let router = kit::Router::new(spot_edge::TABLES);
    let method = router.ws("order.place").unwrap();
    let pairs = [
        ("symbol", "TIDEUSDT"),
        ("side", "BUY"),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", "10"),
        ("price", "1"),
        ("newClientOrderId", "elsewhere"),
    ];
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| kit::Pair {
            name: (*name).into(),
            value: (*value).into(),
        })
        .collect();
    let input = kit::Input {
        sent: pairs.len(),
        pairs,
        ..Default::default()
    };
    let key = venue.context.keys.lookup(&trader.api_key).unwrap();
    let peer = std::net::IpAddr::from([127, 0, 0, 1]);
    kit::call_on_session(
        &venue.context,
        method,
        &input,
        peer,
        &key,
        types::Time(i64::MAX),
    )
    .await
    .unwrap();
    all.report("0", "elsewhere").await;
    acks.send("D", &limit("mine", 1, "1", "10")).await;
    acks.report("0", "mine").await;
    assert_eq!(
        acks.kept(|message| message.kind() == "8"),
        0,
        "only its own acknowledgements"
    );
    all.report("0", "mine").await;
    copy.report("0", "elsewhere").await;
    copy.report("0", "mine").await;
    copy.send("D", &limit("no", 1, "1", "10")).await;
    assert_eq!(copy.rejected().await, (-1183, Some(35)));
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_told_and_kept() {
    let venue = Venue::open(Profile::BINANCE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "LIMIT").await;
    client.send("XLQ", "6136=q1").await;
    let answer = client.kind("XLR").await;
    let values: Vec<_> = answer.fields()[5..]
        .iter()
        .map(|(tag, value)| format!("{tag}={value}"))
        .collect();
    let expected = "6136=q1|25003=3|25004=2|25005=1|25006=10000|25007=10|25008=s|25004=1|25005=0|25006=100|25007=10|25008=s|25004=1|25005=0|25006=200000|25007=1|25008=d";
    assert_eq!(values.join("|"), expected);
    // The window may end between filling it and asking: then again.
    let account = venue.context.keys.lookup(&trader.api_key).unwrap().account;
    let mut n = 0;
    let refused = loop {
        let now = venue.context.now();
        while venue.context.limits.take_orders(account, 1, now).is_ok() {}
        n += 1;
        let id = format!("o{n}");
        client.send("D", &limit(&id, 1, "0.01", "1000")).await;
        let report = client
            .wait(|message| message.get(11) == Some(&id) && message.kind() == "8")
            .await;
        if report.get(25016) == Some("-1015") {
            break report;
        }
    };
    assert_eq!((refused.get(150), refused.get(39)), (Some("8"), Some("8")));
    venue.close().await;
}
