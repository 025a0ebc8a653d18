use kit::Profile;

use crate::venue::Venue;

#[tokio::test(flavor = "multi_thread")]
async fn a_session_from_logon_to_logout() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "ONE").await;
    client.ping("are you there").await;
    client
        .send("A", "98=0|108=30|95=1|96=x|141=Y|553=y|25035=1")
        .await;
    assert_eq!(client.rejected().await, (-1176, None));
    client.send("5", "58=enough").await;
    assert_eq!(
        client.kind("5").await.get(58),
        Some("Logout acknowledgment.")
    );
    assert!(client.next().await.is_none());
    // The name is free again.
    let again = venue.session(0, &trader, "ONE").await;
    drop(again);
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logons_are_refused_for_a_reason() {
    let venue = Venue::open(Profile::WIDE).await;
    let (trader, other) = (venue.trader().await, venue.trader().await);
    let good = "98=0|108=30|141=Y|25035=2";
    for (door, fields, code, tag) in [
        (0, "98=1|108=30|141=Y|25035=2", -1130, Some(98)),
        (0, "98=0|108=4|141=Y|25035=2", -1130, Some(108)),
        (0, "98=0|108=61|141=Y|25035=2", -1130, Some(108)),
        (0, "98=0|108=30|141=N|25035=2", -1175, Some(141)),
        (0, "98=0|108=30|141=Y", -1102, Some(25035)),
        (0, "98=0|108=30|141=Y|25035=3", -1130, Some(25035)),
        (0, "98=0|108=30|141=Y|25035=2|25036=3", -1130, Some(25036)),
        (0, "98=0|108=30|141=Y|25035=2|9406=Y", -1184, Some(9406)),
        (0, "98=0|108=30|141=Y|25035=2|38=1", -1170, Some(38)),
        (
            0,
            "98=0|108=30|141=Y|25035=2|25000=70000",
            -1130,
            Some(25000),
        ),
        (1, good, -1185, Some(9406)),
        (2, "98=0|108=30|141=Y|25035=2|9406=Y", -1184, Some(9406)),
    ] {
        let mut client = venue.connect(door, "TRY").await;
        client.log_on(&trader, fields).await;
        assert_eq!(client.rejected().await, (code, tag), "{fields}");
        assert!(client.next().await.is_none(), "{fields}");
    }
    let mut client = venue.connect(0, "FIRST").await;
    client.send("1", "112=x").await;
    assert_eq!(client.rejected().await, (-1180, Some(35)));
    let mut client = venue.connect(0, "LONGNAMED").await;
    client.log_on(&trader, good).await;
    assert_eq!(client.rejected().await, (-1100, Some(49)));
    // A key that another one's holder signed for.
    let mut client = venue.connect(0, "THIEF").await;
    let forged = crate::venue::Trader {
        api_key: other.api_key.clone(),
        ..trader
    };
    client.log_on(&forged, good).await;
    assert_eq!(client.rejected().await, (-1022, Some(96)));
    // A name is taken once per account, and free for others.
    let _held = venue.session(0, &other, "TWIN").await;
    let mut client = venue.connect(2, "TWIN").await;
    client.log_on(&other, good).await;
    assert_eq!(client.rejected().await, (-1033, None));
    let third = venue.trader().await;
    venue.session(2, &third, "TWIN").await;
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_counted_by_account_and_role() {
    let venue = Venue::open(Profile::BINANCE).await;
    let trader = venue.trader().await;
    let mut held = Vec::new();
    for n in 0..10 {
        held.push(venue.session(0, &trader, &format!("N{n}")).await);
    }
    let mut told = Vec::new();
    for n in 10..16 {
        let mut client = venue.connect(0, &format!("N{n}")).await;
        client.log_on(&trader, "98=0|108=30|141=Y|25035=2").await;
        let reject = client.kind("3").await;
        assert_eq!(reject.get(25016), Some("-1034"), "{reject:?}");
        told.push(reject.get(58).unwrap().to_owned());
    }
    assert_eq!(
        (told[0].as_str(), told[5].as_str()),
        (
            "Too many concurrent connections; current limit is '10'.",
            "Too many connection attempts for account; current limit is 15 per '30 SECONDS'."
        )
    );
    venue.session(2, &trader, "N10").await;
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_forms_and_names_are_checked() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "FORM").await;
    for seq in [1, 4, 0] {
        client.send_numbered("1", "112=x", seq).await;
        let reject = client.kind("3").await;
        assert_eq!(reject.get(25016), Some("-1179"));
        assert!(
            reject.get(58).unwrap().ends_with("Expected: '2'."),
            "{reject:?}"
        );
    }
    for (kind, fields, code, tag) in [
        ("1", "", -1102, Some(112)),
        ("1", "112=x|112=y", -1171, Some(112)),
        ("1", "112=x|38=1", -1170, Some(38)),
        ("1", "112=x|31999=1", -1169, Some(31999)),
        ("1", "112=", -1177, Some(112)),
        ("Z", "", -1130, Some(35)),
        ("V", "262=a|263=1", -1186, Some(35)),
        ("D", "11=a b|40=1|54=1|55=TIDEUSDT|38=1", -1100, Some(11)),
        ("D", "40=1|54=1|55=TIDEUSDT|38=1", -1102, Some(11)),
        ("D", "11=a|40=9|54=1|55=TIDEUSDT|38=1", -1130, Some(40)),
        (
            "D",
            "11=a|40=2|54=3|55=TIDEUSDT|38=1|44=1|59=1",
            -1130,
            Some(54),
        ),
        ("D", "11=a|40=2|54=1|55=TIDEUSDT|38=1|44=1", -1102, Some(59)),
        (
            "D",
            "11=a|40=2|54=1|55=TIDEUSDT|38=x|44=1|59=1",
            -1102,
            Some(38),
        ),
        (
            "D",
            "11=a|40=2|54=1|55=NOSUCH|38=1|44=1|59=1",
            -1121,
            Some(55),
        ),
        (
            "D",
            "11=a|40=3|54=1|55=TIDEUSDT|38=1|1102=1",
            -1102,
            Some(1109),
        ),
        ("F", "11=a|55=TIDEUSDT", -1102, Some(37)),
        ("q", "11=a|55=TIDEUSDT|530=2", -1130, Some(530)),
    ] {
        client.send(kind, fields).await;
        assert_eq!(client.rejected().await, (code, tag), "{kind} {fields}");
    }
    client.ping("still here").await;
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_ends_a_session_and_a_wrong_sum_does_not() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "NOISE").await;
    client
        .send_bytes(b"8=FIX.4.4\x019=5\x0135=0\x0110=000\x01")
        .await;
    assert_eq!(client.rejected().await, (-1177, None));
    client.ping("on").await;
    client.send_bytes(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(client.rejected().await, (-1177, None));
    assert!(client.next().await.is_none());
    venue.close().await;
}

/// Bytes with the length and the sum that belong to them.
fn framed(body: &str) -> Vec<u8> {
    let body = body.replace('|', "\u{1}");
    let head = format!("8=FIX.4.4\u{1}9={}\u{1}{body}", body.len());
    let sum = head.bytes().fold(0_u8, u8::wrapping_add);
    format!("{head}10={sum:03}\u{1}").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn garbled_messages_are_told_what_is_wrong() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let cases: [(&str, Vec<u8>, &str); 5] = [
        (
            "SUM",
            b"8=FIX.4.4\x019=5\x0135=0\x0110=000\x01".to_vec(),
            "`CheckSum(10)` contains an incorrect value.",
        ),
        (
            "BEGIN",
            b"9=5\x018=FIX.4.4\x0135=0\x0110=000\x01".to_vec(),
            "`BeginString (8)` is not the first tag in a message.",
        ),
        (
            "TYPE",
            framed("49=A|35=0|"),
            "`MsgType (35)` is not the third tag in a message.",
        ),
        (
            "LENGTH",
            b"8=FIX.4.4\x019=4\x0135=0\x0110=163\x01".to_vec(),
            "`BodyLength (9)` does not contain the correct byte count.",
        ),
        (
            "CHARS",
            framed("35=0|112=\u{e9}|"),
            "Only printable ASCII characters and SOH (Start of Header) are allowed.",
        ),
    ];
    for (name, bytes, sentence) in cases {
        let mut client = venue.session(0, &trader, name).await;
        client.send_bytes(&bytes).await;
        let reject = client.kind("3").await;
        assert_eq!(
            (reject.get(25016), reject.get(58)),
            (Some("-1177"), Some(sentence)),
            "{name}"
        );
    }
    venue.close().await;
}

/// What is wrong with a field is said of its tag, not of the parameter that it stands for.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_of_tags() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "WORDS").await;
    let malformed = "Field value was empty or malformed.";
    let limit = "11=a|40=2|54=1|55=TIDEUSDT|59=1";
    for (fields, code, tag, reason, sentence) in [
        (
            "40=1|54=1|55=TIDEUSDT|38=1",
            -1102,
            11,
            "1",
            "Required tag '11' missing.",
        ),
        (
            &format!("{limit}|38=1"),
            -1102,
            44,
            "1",
            "Required tag '44' missing.",
        ),
        (
            &format!("{limit}|38=|44=1"),
            -1177,
            38,
            "4",
            "Tag specified without a value.",
        ),
        (&format!("{limit}|38=x|44=1"), -1102, 38, "6", malformed),
        (&format!("{limit}|38=1e-5|44=1"), -1102, 38, "6", malformed),
        (&format!("{limit}|38=1|44=-1"), -1102, 44, "6", malformed),
        (
            "11=a|40=1|54=1|55=TIDEUSDT|38=1|59=1",
            -1106,
            59,
            "5",
            "A tag '59' was sent when not required.",
        ),
    ] {
        client.send("D", fields).await;
        let reject = client.kind("3").await;
        let (code, tag) = (code.to_string(), tag.to_string());
        assert_eq!(
            (
                reject.get(25016),
                reject.get(371),
                reject.get(373),
                reject.get(58)
            ),
            (
                Some(code.as_str()),
                Some(tag.as_str()),
                Some(reason),
                Some(sentence)
            ),
            "{fields}"
        );
    }
    client.ping("still here").await;
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_its_name() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "ONE").await;
    client.comp_id = "OTHER".into();
    client.send("1", "112=x").await;
    client.comp_id = "ONE".into();
    assert_eq!(client.rejected().await, (-1178, Some(49)));
    client.ping("still here").await;
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_messages_end_a_session() {
    let venue = Venue::open(Profile::BINANCE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(1, &trader, "FAST").await;
    for n in 0..61 {
        client.send("1", &format!("112={n}")).await;
    }
    let logout = client.kind("5").await;
    assert!(
        logout.get(58).unwrap().contains("'60' messages"),
        "{logout:?}"
    );
    assert!(client.next().await.is_none());
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_announced() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "LAST").await;
    let closing = tokio::spawn(venue.close());
    assert!(client.kind("B").await.get(148).is_some());
    client.kind("5").await;
    assert!(client.next().await.is_none());
    closing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_asked_about_and_then_ended() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.connect(0, "QUIET").await;
    client.log_on(&trader, "98=0|108=5|141=Y|25035=1").await;
    client.kind("A").await;
    client.kind("1").await;
    let logout = client.kind("5").await;
    assert!(
        logout.get(58).unwrap().contains("TestRequest"),
        "{logout:?}"
    );
    assert!(client.next().await.is_none());
    venue.close().await;
}
