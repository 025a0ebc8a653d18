//! Sessions in SBE. The client packs and reads bytes by hand, at the places that the schema says.

use std::collections::BTreeMap;

use base64::Engine as _;
use fix::codec::Utc;
use kit::Profile;
use sequencer::{Clock as _, SystemClock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::venue::{Trader, Venue, soon};

/// Doors: order entry, drop copy and market data in tag=value, mixed and in SBE.
const MIXED_ORDERS: usize = 3;
const ORDERS: usize = 6;
const COPIES: usize = 7;
const MARKET: usize = 8;

const NULL: i64 = i64::MIN;

struct Line {
    door: usize,
    stream: TlsStream<TcpStream>,
    seq: u32,
    heard: u32,
    received: Vec<u8>,
    passed_over: Vec<Told>,
}

/// A message: its template, its block and what stands behind it.
#[derive(Clone, Debug)]
struct Told {
    template: u16,
    block: Vec<u8>,
    rest: Vec<u8>,
}

impl Told {
    fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.block[at..at + 8].try_into().unwrap())
    }

    fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.block[at..at + 4].try_into().unwrap())
    }

    fn char(&self, at: usize) -> char {
        char::from(self.block[at])
    }

    /// Texts from a place behind the block on, each after a length of so many bytes.
    fn texts(&self, mut at: usize, widths: &[usize]) -> Vec<String> {
        let text = |width: &usize| {
            let mut length = [0; 8];
            length[..*width].copy_from_slice(&self.rest[at..at + width]);
            let length = usize::try_from(u64::from_le_bytes(length)).unwrap();
            let text = self.rest[at + width..at + width + length].to_vec();
            at += width + length;
            String::from_utf8(text).unwrap()
        };
        widths.iter().map(text).collect()
    }
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(text.len()).unwrap()];
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

fn long_text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// A `NewOrderSingle` with one decimal of price and two of quantity.
fn order(id: &str, side: u8, price: i64, qty: i64) -> (Vec<u8>, Vec<u8>) {
    let mut block = vec![(-1_i8).cast_unsigned(), (-2_i8).cast_unsigned()];
    block.extend(qty.to_le_bytes());
    block.extend([b'2', 0]); // a limit order, no instruction
    block.extend(price.to_le_bytes());
    block.extend([0, 0]); // no trigger
    block.extend(NULL.to_le_bytes());
    block.extend([0, 0]);
    block.extend(u64::MAX.to_le_bytes());
    block.extend([255, 0, 255, 0]); // no peg
    block.extend([side, b'1']);
    block.extend(NULL.to_le_bytes());
    block.extend(NULL.to_le_bytes());
    block.extend(i32::MIN.to_le_bytes());
    block.extend(NULL.to_le_bytes());
    block.extend([0, 255]);
    (block, [text(id), text("TIDEUSDT")].concat())
}

impl Line {
    async fn open(venue: &Venue, door: usize) -> Line {
        Line {
            door,
            stream: venue.stream(door).await,
            seq: 0,
            heard: 0,
            received: Vec::new(),
            passed_over: Vec::new(),
        }
    }

    async fn send(&mut self, template: u16, (block, rest): (Vec<u8>, Vec<u8>)) {
        let sent = SystemClock.now().0;
        self.send_at(template, 1, sent, &block, &rest).await;
    }

    async fn send_at(&mut self, template: u16, version: u16, sent: i64, block: &[u8], rest: &[u8]) {
        self.seq += 1;
        let length = u32::try_from(26 + block.len() + rest.len()).unwrap();
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend([0x50, 0xeb]);
        for part in [u16::try_from(block.len()).unwrap(), template, 1, version] {
            bytes.extend(part.to_le_bytes());
        }
        bytes.extend(self.seq.to_le_bytes());
        bytes.extend(sent.to_le_bytes());
        bytes.extend_from_slice(block);
        bytes.extend_from_slice(rest);
        soon(self.stream.write_all(&bytes)).await.unwrap();
        soon(self.stream.flush()).await.unwrap();
    }

    /// `modes`: response mode, kind of execution reports, drop copy.
    async fn log_on(&mut self, trader: &Trader, version: u16, modes: [u8; 3]) {
        let sent = SystemClock.now();
        let name = format!("DOOR{}", self.door);
        let payload = format!("A\u{1}{name}\u{1}SPOT\u{1}1\u{1}{}", Utc(sent));
        let proof = trader.pair.sign(payload.as_bytes());
        let proof = base64::engine::general_purpose::STANDARD.encode(proof);
        let mut block = vec![0];
        block.extend(30_u32.to_le_bytes());
        block.extend([1, 2]);
        block.extend(modes);
        block.extend(60_000_000_u32.to_le_bytes());
        let mut rest = [text(&name), text("SPOT")].concat();
        rest.extend(long_text(&proof));
        rest.extend(long_text(&trader.api_key));
        self.send_at(20_008, version, sent.0, &block, &rest).await;
    }

    /// A session on a door that wants no reports in their small form.
    async fn session(venue: &Venue, door: usize, trader: &Trader) -> Line {
        let mut line = Line::open(venue, door).await;
        let copy = if door == COPIES { 1 } else { 255 };
        line.log_on(trader, 1, [255, 255, copy]).await;
        let ack = line.next().await.unwrap();
        assert_eq!(
            (ack.template, &ack.block[..]),
            (20_009, &[0, 30, 0, 0, 0, 0][..])
        );
        line
    }

    /// The next message, whose frame, schema and number are checked; `None` when the connection has ended.
    async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(told) = self.whole() {
                return Some(told);
            }
            match soon(self.stream.read_buf(&mut self.received)).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    fn whole(&mut self) -> Option<Told> {
        let head: [u8; 26] = self.received.get(..26)?.try_into().unwrap();
        let length = u32::from_le_bytes(head[..4].try_into().unwrap());
        let length = usize::try_from(length).unwrap();
        self.received.get(..length)?;
        let message: Vec<u8> = self.received.drain(..length).collect();
        let short = |at: usize| u16::from_le_bytes(head[at..at + 2].try_into().unwrap());
        self.heard += 1;
        assert_eq!((short(4), short(10), short(12)), (0xeb50, 1, 1));
        assert_eq!(head[14..18], self.heard.to_le_bytes());
        let (block, rest) = message[26..].split_at(short(6).into());
        Some(Told {
            template: short(8),
            block: block.to_vec(),
            rest: rest.to_vec(),
        })
    }

    async fn wait(&mut self, passes: impl Fn(&Told) -> bool) -> Told {
        if let Some(place) = self.passed_over.iter().position(&passes) {
            return self.passed_over.remove(place);
        }
        loop {
            let told = self.next().await;
            let told = told.unwrap_or_else(|| panic!("it ended; kept {:?}", self.passed_over));
            if passes(&told) {
                return told;
            }
            self.passed_over.push(told);
        }
    }

    async fn template(&mut self, template: u16) -> Told {
        self.wait(|told| told.template == template).await
    }
}

/// Places in the block of an `ExecutionReport`, counted from its fields.
const ORDER_ID: usize = 10;
const ORDER_QTY: usize = 18;
const PRICE: usize = 29;
const EXEC_TYPE: usize = 124;
const CUM_QTY: usize = 125;
const LEAVES_QTY: usize = 133;
const AGGRESSOR: usize = 149;
const LAST_PX: usize = 158;
const LAST_QTY: usize = 166;
const STATUS: usize = 174;
/// And behind it: one fee, or none.
const FEE: usize = 3;

fn is_report(told: &Told, exec_type: char) -> bool {
    told.template == 98 && told.char(EXEC_TYPE) == exec_type
}

const UNIT: i64 = 100_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn orders_live_and_die_in_sbe() {
    let venue = Venue::open(Profile::WIDE).await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    let mut sells = Line::session(&venue, ORDERS, &maker).await;
    let mut copies = Line::session(&venue, COPIES, &maker).await;
    let mut buys = venue.session(0, &taker, "TAKER").await;

    sells.send(99, order("s1", b'2', 105, 500)).await;
    let report = sells.wait(|told| is_report(told, '0')).await;
    assert_eq!(report.block[..2], [0xf8, 0xf8], "eight places");
    assert_eq!(
        (report.i64(ORDER_QTY), report.i64(PRICE)),
        (5 * UNIT, 10 * UNIT + UNIT / 2)
    );
    assert_eq!(
        (report.char(STATUS), report.i64(LEAVES_QTY)),
        ('0', 5 * UNIT)
    );
    assert_eq!(report.texts(FEE, &[1, 1, 1]), ["s1", "", "TIDEUSDT"]);

    buys.send("D", "11=b1|38=2|40=2|44=10.5|54=1|55=TIDEUSDT|59=1")
        .await;
    let theirs = buys.report("F", "b1").await;
    assert_eq!(theirs.get(31), Some("10.50000000"));
    let fill = sells.wait(|told| is_report(told, 'F')).await;
    assert_eq!(
        (fill.char(STATUS), fill.i64(CUM_QTY), fill.i64(LEAVES_QTY)),
        ('1', 2 * UNIT, 3 * UNIT)
    );
    assert_eq!(
        (fill.i64(LAST_PX), fill.i64(LAST_QTY), fill.block[AGGRESSOR]),
        (10 * UNIT + UNIT / 2, 2 * UNIT, 0)
    );
    // one fee: exponent, amount, kind; then its currency
    assert_eq!(fill.rest[..4], [10, 1, 0, 0xf8]);
    assert_eq!(
        (fill.rest[12], fill.texts(13, &[1, 1, 1, 1])),
        (
            4,
            ["USDT", "s1", "", "TIDEUSDT"].map(str::to_owned).to_vec()
        )
    );
    let copy = copies.wait(|told| is_report(told, 'F')).await;
    assert_eq!(
        (copy.block.clone(), copy.rest.clone()),
        (fill.block, fill.rest)
    );

    let id = report.i64(ORDER_ID);
    let mut amend = id.to_le_bytes().to_vec();
    amend.push(0);
    amend.extend(4_i64.to_le_bytes());
    let names = [text("s2"), text(""), text("TIDEUSDT")].concat();
    sells.send(105, (amend, names)).await;
    let amended = sells.wait(|told| is_report(told, '5')).await;
    assert_eq!(
        (amended.i64(ORDER_QTY), amended.i64(LEAVES_QTY)),
        (4 * UNIT, 2 * UNIT)
    );

    let mut cancel = id.to_le_bytes().to_vec();
    cancel.extend(NULL.to_le_bytes());
    cancel.push(255);
    let names = [text("bye"), text(""), text(""), text("TIDEUSDT")].concat();
    for _ in 0..2 {
        sells.send(101, (cancel.clone(), names.clone())).await;
    }
    let canceled = sells.wait(|told| is_report(told, '4')).await;
    assert_eq!(canceled.char(STATUS), '4');
    let refused = sells.template(96).await;
    assert_eq!((refused.char(17), refused.i32(18)), ('1', -2011));
    assert_eq!(refused.texts(0, &[1, 1, 1, 1, 2])[4], "Unknown order sent.");
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_may_be_small_and_old_versions_are_told_so() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut line = Line::open(&venue, ORDERS).await;
    line.log_on(&trader, 0, [2, 2, 255]).await;
    let ack = line.next().await.unwrap();
    assert_eq!((ack.template, ack.block[5]), (20_009, 1));
    line.send(99, order("s1", b'2', 100, 500)).await;
    let small = line.template(198).await;
    assert_eq!((small.char(24), small.char(25)), ('0', '0'));
    assert_eq!(small.texts(0, &[1, 1, 2]), ["s1", "TIDEUSDT", ""]);
    line.send(99, order("s2", b'2', 100, 500_000_000)).await;
    let refused = line
        .wait(|told| told.template == 198 && told.char(24) == '8')
        .await;
    assert_eq!(
        (refused.i32(27), refused.texts(0, &[1])),
        (-2010, vec!["s2".to_owned()])
    );
    // a test request, a query of limits, and the end
    line.send(20_002, (Vec::new(), text("there?"))).await;
    assert_eq!(line.template(20_001).await.texts(0, &[1]), ["there?"]);
    line.send(120, (Vec::new(), text("limits"))).await;
    let limits = line.template(121).await;
    assert_eq!(
        limits.rest[..3],
        [22, 3, b'2'],
        "three entries of 22 bytes, messages first"
    );
    line.send(20_004, (Vec::new(), long_text(""))).await;
    line.template(20_004).await;
    assert!(line.next().await.is_none());
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn market_data_come_in_a_message_for_each_kind() {
    let venue = Venue::open(Profile::WIDE).await;
    let (maker, taker) = (venue.trader().await, venue.trader().await);
    let mut market = Line::session(&venue, MARKET, &maker).await;
    for (id, depth, entries) in [("t", 1_u16, "2"), ("q", 1, "01"), ("b", 10, "01")] {
        let mut block = vec![b'1'];
        block.extend(depth.to_le_bytes());
        block.push(1);
        let mut rest = vec![0, 0, 1, 0];
        rest.extend(text("TIDEUSDT"));
        rest.extend([1, u8::try_from(entries.len()).unwrap()]);
        rest.extend(entries.bytes());
        rest.extend(text(id));
        market.send(202, (block, rest)).await;
    }
    for _ in 0..2 {
        let empty = market.template(204).await;
        assert_eq!(
            (empty.i64(0), &empty.rest[..6]),
            (0, &[16, 0, 0, 16, 0, 0][..])
        );
    }
    let mut orders = Line::session(&venue, ORDERS, &maker).await;
    orders.send(99, order("s1", b'2', 100, 500)).await;
    let number = |bytes: &[u8]| i64::from_le_bytes(bytes[..8].try_into().unwrap());
    let touch = market.template(206).await;
    assert_eq!((touch.i64(0), &touch.rest[..4]), (1, &[16, 0, 16, 1][..]));
    assert_eq!(
        (number(&touch.rest[4..]), number(&touch.rest[12..])),
        (10 * UNIT, 5 * UNIT)
    );
    let diff = market.template(207).await;
    assert_eq!(
        (diff.i64(0), diff.i64(8), &diff.rest[..6]),
        (1, 1, &[16, 0, 0, 16, 1, 0][..])
    );
    let mut buys = venue.session(0, &taker, "TAKER").await;
    buys.send("D", "11=b1|38=5|40=1|54=1|55=TIDEUSDT").await;
    let trade = market.template(205).await;
    assert_eq!(trade.rest[..6], [25, 0, 1, 0, 0, 0]);
    let values = [6, 14, 22].map(|at| number(&trade.rest[at..]));
    assert_eq!((values, trade.rest[30]), ([1, 10 * UNIT, 5 * UNIT], b'1'));
    assert_eq!(trade.texts(31, &[1]), ["TIDEUSDT"]);
    let gone = market
        .wait(|told| told.template == 206 && told.i64(0) == 2)
        .await;
    assert_eq!(
        number(&gone.rest[12..]),
        NULL,
        "no quantity: the level is gone"
    );
    // the list of instruments, and a request that is refused
    market
        .send(200, (vec![0], [text("list"), text("TIDEUSDT")].concat()))
        .await;
    let list = market.template(201).await;
    assert_eq!(list.rest[2..4], [1, 0]);
    market
        .send(
            202,
            (
                vec![b'2', 255, 255, 255],
                [vec![0, 0, 0, 0, 1, 0], text("none")].concat(),
            ),
        )
        .await;
    let refused = market.template(203).await;
    assert_eq!(refused.texts(0, &[1]), ["none"]);
    venue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_tags_may_be_answered_in_sbe() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut refused = venue.connect(MIXED_ORDERS, "MIXED").await;
    refused.log_on(&trader, "98=0|108=30|141=Y|25035=2").await;
    let mut line = Line::open(&venue, MIXED_ORDERS).await;
    line.stream = refused.stream;
    let reject = line.next().await.unwrap();
    assert_eq!((reject.template, reject.i32(9)), (20_003, -1153));
    assert!(line.next().await.is_none());

    let mut client = venue.connect(MIXED_ORDERS, "MIXED").await;
    client
        .log_on(&trader, "98=0|108=30|141=Y|25035=2|25050=1|25051=1")
        .await;
    client
        .send("D", "11=s1|38=2|40=2|44=10|54=2|55=TIDEUSDT|59=1")
        .await;
    let mut line = Line::open(&venue, MIXED_ORDERS).await;
    line.stream = client.stream;
    assert_eq!(line.next().await.unwrap().template, 20_009);
    let report = line.wait(|told| is_report(told, '0')).await;
    assert_eq!(report.i64(LEAVES_QTY), 2 * UNIT);
    venue.close().await;
}

/// What cannot be read is said with its code; only a frame that is none ends the session.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_are_refused() {
    let venue = Venue::open(Profile::WIDE).await;
    let trader = venue.trader().await;
    let mut line = Line::session(&venue, ORDERS, &trader).await;
    let mut codes = BTreeMap::new();
    let (block, rest) = order("s1", b'2', 100, 500);
    line.send_at(9, 1, 0, &[], &[]).await;
    codes.insert("template", line.template(20_003).await.i32(9));
    line.send_at(99, 2, 0, &block, &rest).await;
    codes.insert("version", line.template(20_003).await.i32(9));
    line.send_at(99, 1, 0, &block[..9], &rest).await;
    codes.insert("block", line.template(20_003).await.i32(9));
    // what could not be read did not count
    line.seq = 1;
    line.send_at(99, 1, 1, &block, &rest).await;
    codes.insert("long ago", line.template(20_003).await.i32(9));
    line.send(99, (block, rest)).await;
    line.wait(|told| is_report(told, '0')).await;
    soon(line.stream.write_all(&[26, 0, 0, 0, 0xeb, 0x50]))
        .await
        .unwrap();
    codes.insert("encoding", line.template(20_003).await.i32(9));
    assert!(line.next().await.is_none());
    let expected = [
        ("block", -1221),
        ("encoding", -1177),
        ("long ago", -1021),
        ("template", -1152),
        ("version", -1153),
    ];
    assert_eq!(codes, BTreeMap::from(expected));
    venue.close().await;
}
