//! Order lists over FIX: placed, refused, told of.

use fix::codec::Message;
use kit::Profile;

use crate::venue::{Client, Venue};

/// A buyer's orders of a list, without its instructions.
fn limit(id: &str, side: u8, price: &str, qty: &str) -> String {
    format!("11={id}|55=TIDEUSDT|54={side}|38={qty}|40=2|44={price}|59=1")
}

fn maker(id: &str, side: u8, price: &str, qty: &str) -> String {
    format!("11={id}|55=TIDEUSDT|54={side}|38={qty}|40=2|18=6|44={price}")
}

/// A stop loss: below the market for a seller.
fn stop(id: &str, side: u8, price: &str, qty: &str) -> String {
    let direction = if side == 1 { 'U' } else { 'D' };
    format!(
        "11={id}|55=TIDEUSDT|54={side}|38={qty}|40=3|1100=4|1101=1|1102={price}|1107=2|1109={direction}"
    )
}

const OTO: &str = "25010=1|25011=3|25012=0|25013=1";
/// Of an OCO to sell: the stop below, the limit order above.
const BELOW: &str = "25010=1|25011=2|25012=1|25013=2";
const ABOVE: &str = "25010=1|25011=1|25012=0|25013=2";

/// Gives the market a last price of 10.
async fn at_ten(venue: &Venue) {
    let (a, b) = (venue.trader().await, venue.trader().await);
    let mut sells = venue.session(0, &a, "S").await;
    let mut buys = venue.session(0, &b, "B").await;
    sells.send("D", &limit("first", 2, "10.00", "1")).await;
    sells.report("0", "first").await;
    buys.send("D", &limit("taken", 1, "10.00", "1")).await;
    buys.report("F", "taken").await;
}

/// The status of this kind of the list of this name.
async fn status(client: &mut Client, kind: &str, name: &str) -> Message {
    client
        .wait(|message| {
            message.kind() == "N"
                && message.get(429) == Some(kind)
                && message.get(25014) == Some(name)
        })
        .await
}

fn text(message: &Message) -> String {
    let fields = message.fields()[5..]
        .iter()
        .filter(|(tag, _)| !matches!(tag, 60 | 37));
    let fields: Vec<String> = fields
        .map(|(tag, value)| format!("{tag}={value}"))
        .collect();
    fields.join("|")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_working_order_lets_its_pending_order_act() {
    let venue = Venue::open(Profile::WIDE).await;
    let (trader, other) = (venue.trader().await, venue.trader().await);
    let mut client = venue.session(0, &trader, "LIST").await;
    let mut copy = venue.session(1, &trader, "COPY").await;
    let mut counter = venue.session(0, &other, "OTHER").await;
    let working = limit("w", 1, "9.00", "2");
    let pending = limit("p", 2, "12.00", "2");
    let list = format!("73=2|{working}|{pending}|{OTO}|1385=2|25014=L1");
    client.send("E", &list).await;
    let started = status(&mut client, "4", "L1").await;
    assert_eq!(
        text(&started),
        format!(
            "66=1|73=2|11=w|55=TIDEUSDT|11=p|55=TIDEUSDT|{OTO}|429=4|431=3|1385=2|25014=L1|25015=L1"
        )
    );
    let report = client.report("0", "w").await;
    assert_eq!((report.get(66), report.get(636)), (Some("1"), Some("Y")));
    let pends = client.report("0", "p").await;
    assert_eq!((pends.get(39), pends.get(66)), (Some("A"), Some("1")));
    assert_eq!(
        (pends.get(636), pends.get(25023)),
        (None, None),
        "it does not work"
    );
    status(&mut copy, "4", "L1").await;

    counter.send("D", &limit("c", 2, "9.00", "2")).await;
    client.report("F", "w").await;
    let acts = client.report("0", "p").await;
    assert_eq!((acts.get(39), acts.get(636)), (Some("0"), Some("Y")));
    // A list is canceled by its name, and with it what is left of it.
    client.send("F", "11=end|25015=L1|55=TIDEUSDT").await;
    assert_eq!(client.report("4", "end").await.get(41), Some("p"));
    let done = status(&mut client, "5", "L1").await;
    assert_eq!(done.get(431), Some("6"));
    status(&mut copy, "5", "L1").await;
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_order_of_a_pair_cancels_the_other() {
    let venue = Venue::open(Profile::WIDE).await;
    at_ten(&venue).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "PAIR").await;
    let below = stop("below", 2, "8.00", "3");
    let above = maker("above", 2, "11.00", "3");
    let list = format!("25014=L1|1385=1|73=2|{below}|{BELOW}|{above}|{ABOVE}");
    client.send("E", &list).await;
    let started = status(&mut client, "4", "L1").await;
    assert_eq!(
        text(&started),
        format!(
            "66=1|73=2|11=below|55=TIDEUSDT|{BELOW}|11=above|55=TIDEUSDT|{ABOVE}|429=4|431=3|1385=1|25014=L1|25015=L1"
        )
    );
    let waits = client.report("0", "below").await;
    for (tag, value) in [
        (40, Some("3")),
        (1100, Some("4")),
        (1101, Some("1")),
        (1102, Some("8.00000000")),
        (1107, Some("2")),
        (1109, Some("D")),
        (636, None),
    ] {
        assert_eq!(waits.get(tag), value, "{tag} of {waits:?}");
    }
    let other = venue.trader().await;
    let mut counter = venue.session(0, &other, "OTHER").await;
    counter.send("D", &limit("c", 1, "11.00", "1")).await;
    client.report("F", "above").await;
    let expired = client.report("C", "below").await;
    assert_eq!(
        (expired.get(39), expired.get(25056), expired.get(66)),
        (Some("C"), Some("3"), Some("1"))
    );
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_waits_for_its_working_order() {
    let venue = Venue::open(Profile::WIDE).await;
    at_ten(&venue).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "THREE").await;
    let working = limit("w", 1, "9.00", "2");
    let first = "25010=2|25011=3|25012=0|25013=2|25011=2|25012=2|25013=2";
    let second = "25010=2|25011=3|25012=0|25013=2|25011=1|25012=1|25013=2";
    let pairs = [("L1", "38=2|", ""), ("L2", "", "|25046=Y")];
    for (name, qty, opo) in pairs {
        let below = stop("b", 2, "8.00", "2").replace("38=2|", qty);
        let above = maker("a", 2, "11.00", "2").replace("38=2|", qty);
        let list =
            format!("25014={name}|1385=2{opo}|73=3|{working}|{below}|{first}|{above}|{second}");
        client.send("E", &list).await;
        let started = status(&mut client, "4", name).await;
        let told = text(&started);
        assert!(
            told.contains(&format!(
                "11=b|55=TIDEUSDT|{first}|11=a|55=TIDEUSDT|{second}|"
            )),
            "{told}"
        );
        client
            .send("F", &format!("11=end{name}|25015={name}|55=TIDEUSDT"))
            .await;
        status(&mut client, "5", name).await;
    }
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_refused_says_why_for_each_order() {
    let venue = Venue::open(Profile::WIDE).await;
    at_ten(&venue).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "NO").await;
    // Too dear, and a pair on the wrong sides of the market.
    let dear = format!(
        "73=2|{}|{}|{OTO}|1385=2|25014=L1",
        limit("w", 1, "9.00", "5000"),
        limit("p", 2, "12.00", "5000")
    );
    client.send("E", &dear).await;
    let refused = status(&mut client, "2", "L1").await;
    let why = "103=99|25016=-2010|58=Account has insufficient balance for requested action.";
    assert_eq!(
        text(&refused),
        format!(
            "73=2|11=w|55=TIDEUSDT|{why}|11=p|55=TIDEUSDT|{OTO}|{why}|429=2|431=7|1385=2|1386=99|25014=L1"
        )
    );
    client.ping("after").await;
    assert_eq!(
        client.kept(|message| message.kind() == "8"),
        0,
        "nothing was placed"
    );
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_the_wrong_form_is_rejected() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut client = venue.session(0, &trader, "FORM").await;
    let (w, p) = (limit("w", 1, "9.00", "2"), limit("p", 2, "12.00", "2"));
    let (below, above) = (stop("b", 2, "8.00", "3"), maker("a", 2, "11.00", "3"));
    let cases = [
        // Counts and places of groups.
        (format!("73=3|{w}|{p}|{OTO}|1385=2|25014=L"), -1188, 73),
        (format!("73=1|{w}|1385=2|25014=L"), -1188, 73),
        (
            format!("73=2|55=TIDEUSDT|{w}|{p}|{OTO}|1385=2|25014=L"),
            -1173,
            55,
        ),
        (format!("38=2|73=2|{w}|{p}|{OTO}|1385=2|25014=L"), -1173, 38),
        (format!("73=2|{w}|44=1|{p}|{OTO}|1385=2|25014=L"), -1171, 44),
        (
            format!("73=2|{w}|{p}|25010=2|25011=3|25012=0|25013=1|1385=2|25014=L"),
            -1188,
            25010,
        ),
        (
            format!("73=2|{w}|{p}|25010=1|25012=0|25011=3|25013=1|1385=2|25014=L"),
            -1173,
            25012,
        ),
        (
            format!("73=2|{w}|{p}|25010=1|25011=7|25012=0|25013=1|1385=2|25014=L"),
            -1130,
            25011,
        ),
        // What is missing, or may not be there.
        (format!("73=2|{w}|{p}|{OTO}|1385=2"), -1102, 25014),
        (format!("73=2|{w}|{p}|{OTO}|25014=L"), -1102, 1385),
        (
            format!("73=2|{w}|{}|{OTO}|1385=2|25014=L", p.replace("40=2|", "")),
            -1102,
            40,
        ),
        (
            format!("73=2|{w}|{}|{OTO}|1385=2|25014=L", p.replace("38=2|", "")),
            -1102,
            38,
        ),
        (
            format!(
                "73=2|{w}|{}|{OTO}|1385=2|25014=L",
                p.replace("44=12.00|", "")
            ),
            -1102,
            44,
        ),
        (
            format!("73=2|{w}|{}|152=5|{OTO}|1385=2|25014=L", p),
            -1106,
            152,
        ),
        (
            format!(
                "73=2|11=fl|55=TIDEUSDT|54=2|38=3|40=4|44=7.00|59=3|111=1|1100=4|1101=1|1102=8.00|1107=2|1109=D|{BELOW}|{above}|{ABOVE}|1385=1|25014=L"
            ),
            -1160,
            111,
        ),
        // Orders that do not fit each other.
        (format!("73=2|{w}|{p}|1385=2|25014=L"), -1174, 25010),
        (
            format!("73=2|{w}|{p}|25010=1|25011=2|25012=0|25013=1|1385=2|25014=L"),
            -1174,
            25010,
        ),
        (
            format!(
                "73=2|{below}|{BELOW}|{}|{ABOVE}|1385=1|25014=L",
                above.replace("38=3", "38=4")
            ),
            -1182,
            38,
        ),
        (
            format!("73=2|{w}|{p}|25001=1|{OTO}|1385=2|25014=L"),
            -1182,
            25001,
        ),
        (
            format!("73=2|{below}|{BELOW}|{above}|{ABOVE}|1385=1|25046=Y|25014=L"),
            -1182,
            1385,
        ),
        // An order that pays the other's: how much is sold is what is bought.
        (
            format!("73=2|{w}|{p}|{OTO}|1385=2|25046=Y|25014=L"),
            -1225,
            38,
        ),
        (
            format!(
                "73=2|{}|{}|{OTO}|1385=2|25046=Y|25014=L",
                w.replace("38=2|", ""),
                p.replace("38=2|", "")
            ),
            -1224,
            38,
        ),
        (format!("73=2|{w}|{p}|{OTO}|1385=2|25014=a b"), -1100, 25014),
    ];
    for (fields, code, tag) in cases {
        client.send("E", &fields).await;
        assert_eq!(client.rejected().await, (code, Some(tag)), "{fields}");
    }
    client
        .send("E", &format!("73=2|{w}|{p}|1385=2|25014=L"))
        .await;
    let reject = client.kind("3").await;
    assert_eq!(
        reject.get(58),
        Some(
            "Component 'ListTriggeringInstructions' is incorrectly populated on 'pending' order. Recommendation: '25010=1|25011=3|25012=0|25013=1|'"
        )
    );
    // Nothing was placed.
    client.ping("after").await;
    assert_eq!(
        client.kept(|message| matches!(message.kind(), "8" | "N")),
        0
    );
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_wants_acknowledgements_hears_of_its_own_lists() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut all = venue.session(0, &trader, "ALL").await;
    let mut acks = venue.session_with(0, &trader, "ACKS", "|25036=2").await;
    let of = |n: u8| {
        let (w, p) = (format!("w{n}"), format!("p{n}"));
        let (w, p) = (limit(&w, 1, "9.00", "2"), limit(&p, 2, "12.00", "2"));
        format!("73=2|{w}|{p}|{OTO}|1385=2|25014=L{n}")
    };
    all.send("E", &of(1)).await;
    status(&mut all, "4", "L1").await;
    acks.send("E", &of(2)).await;
    status(&mut acks, "4", "L2").await;
    acks.report("0", "w2").await;
    acks.report("0", "p2").await;
    assert_eq!(
        acks.kept(|_| true),
        0,
        "nothing of the other session's list"
    );
    status(&mut all, "4", "L2").await;
    venue.close().await;
}
