use kit::Profile;

use crate::venue::{Client, Venue};

async fn place(client: &mut Client, id: &str, side: u8, price: &str, qty: &str) {
    client
        .send(
            "D",
            &format!("11={id}|38={qty}|40=2|44={price}|54={side}|55=TIDEUSDT|59=1"),
        )
        .await;
    client.report("0", id).await;
}

fn entries(message: &fix::codec::Message) -> String {
    let fields = message.fields()[5..]
        .iter()
        .filter(|(tag, _)| !matches!(tag, 60 | 25043 | 25044));
    fields
        .map(|(tag, value)| format!("{tag}={value}"))
        .collect::<Vec<_>>()
        .join("|")
}

#[tokio::test(flavor = "multi_thread")]
async fn markets_are_followed() {
    let venue = Venue::open(Profile::WIDE).await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    let mut sells = venue.session(0, &maker, "MAKER").await;
    let mut buys = venue.session(0, &taker, "TAKER").await;
    let mut market = venue.session(2, &taker, "WATCH").await;
    place(&mut sells, "s1", 2, "10", "5").await;
    market
        .send(
            "V",
            "262=book|263=1|264=10|266=Y|146=1|55=TIDEUSDT|267=2|269=0|269=1",
        )
        .await;
    let book = market.kind("W").await;
    assert_eq!(
        entries(&book),
        "262=book|55=TIDEUSDT|268=1|269=1|270=10.00000000|271=5.00000000"
    );
    market
        .send(
            "V",
            "262=touch|263=1|264=1|266=Y|146=1|55=TIDEUSDT|267=2|269=0|269=1",
        )
        .await;
    market.kind("W").await;
    market
        .send(
            "V",
            "262=trade|263=1|264=1|266=Y|146=1|55=TIDEUSDT|267=1|269=2",
        )
        .await;
    market.ping("subscribed").await;
    place(&mut buys, "b1", 1, "10", "2").await;

    let of = |request: &'static str| {
        move |message: &fix::codec::Message| {
            message.kind() == "X" && message.get(262) == Some(request)
        }
    };
    let trade = market.wait(of("trade")).await;
    assert_eq!(
        entries(&trade),
        "262=trade|268=1|279=0|269=2|270=10.00000000|271=2.00000000|55=TIDEUSDT|1003=1|2446=1"
    );
    let touch = market.wait(of("touch")).await;
    assert_eq!(
        entries(&touch),
        "262=touch|268=1|279=1|269=1|270=10.00000000|271=3.00000000|55=TIDEUSDT"
    );
    let change = market.wait(of("book")).await;
    assert_eq!(
        entries(&change),
        "262=book|268=1|279=1|269=1|270=10.00000000|271=3.00000000|55=TIDEUSDT"
    );
    let number =
        |message: &fix::codec::Message, tag| message.get(tag).unwrap().parse::<u64>().unwrap();
    assert_eq!(number(&change, 25043), number(&book, 25044) + 1);
    assert_eq!(number(&change, 25044), number(&book, 25044) + 1);

    sells.send("F", "11=c1|41=s1|55=TIDEUSDT").await;
    let touch = market.wait(of("touch")).await;
    assert_eq!(
        entries(&touch),
        "262=touch|268=1|279=2|269=1|270=10.00000000|55=TIDEUSDT"
    );
    let change = market.wait(of("book")).await;
    assert_eq!(
        entries(&change),
        "262=book|268=1|279=2|269=1|270=10.00000000|55=TIDEUSDT"
    );
    market.send("V", "262=book|263=2").await;
    market.send("XLQ", "6136=q").await;
    let limits = market.kind("XLR").await;
    assert!(
        limits
            .fields()
            .windows(2)
            .any(|pair| pair[0] == (25004, "3".into()) && pair[1] == (25005, "2".into())),
        "{limits:?}"
    );
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_make_no_sense_are_refused() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut market = venue.session(2, &trader, "WATCH").await;
    let trades = "263=1|146=1|55=TIDEUSDT|267=1|269=2";
    market.send("V", &format!("262=a|{trades}")).await;
    for (fields, reason, code) in [
        (format!("262=a|{trades}"), "1", "-1190"),
        (format!("262=b|{trades}"), "2", "-1191"),
        ("262=c|263=2".to_owned(), "1", "-1190"),
    ] {
        market.send("V", &fields).await;
        let refusal = market.kind("Y").await;
        assert_eq!(
            (refusal.get(281), refusal.get(25016)),
            (Some(reason), Some(code)),
            "{fields}"
        );
    }
    for (kind, fields, code, tag) in [
        ("V", "262=d|263=3", -1130, Some(263)),
        (
            "V",
            "262=d|263=1|146=2|55=TIDEUSDT|267=1|269=2",
            -1188,
            Some(146),
        ),
        (
            "V",
            "262=d|263=1|146=2|55=TIDEUSDT|55=TIDEUSDT|267=1|269=2",
            -1189,
            Some(146),
        ),
        (
            "V",
            "262=d|263=1|146=1|55=NOSUCH|267=1|269=2",
            -1121,
            Some(55),
        ),
        (
            "V",
            "262=d|263=1|264=5001|146=1|55=TIDEUSDT|267=2|269=0|269=1",
            -1130,
            Some(264),
        ),
        (
            "V",
            "262=d|263=1|146=1|55=TIDEUSDT|267=2|269=0|269=1",
            -1102,
            Some(264),
        ),
        (
            "V",
            "262=d|263=1|264=2|146=1|55=TIDEUSDT|267=1|269=0",
            -1130,
            Some(269),
        ),
        ("x", "320=i|559=0", -1102, Some(55)),
        ("x", "320=i|559=0|55=NOSUCH", -1121, Some(55)),
        ("x", "320=i|559=2", -1130, Some(559)),
        ("D", "11=a|40=1|54=1|55=TIDEUSDT|38=1", -1187, Some(35)),
    ] {
        market.send(kind, fields).await;
        assert_eq!(market.rejected().await, (code, tag), "{kind} {fields}");
    }
    market.send("x", "320=i|559=4").await;
    let list = market.kind("y").await;
    assert_eq!(
        (list.get(320), list.get(146), list.get(55), list.get(15)),
        (Some("i"), Some("1"), Some("TIDEUSDT"), Some("USDT"))
    );
    for tag in [562, 1140, 25039, 25040, 25041, 25042, 969] {
        assert!(list.get(tag).is_some(), "{tag} of {list:?}");
    }
    venue.close().await;
}
