//! The feed against a naive exchange that makes the same events as the engine: a list of orders in priority order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::{
    Admin, AssetCreated, BalanceChanged, CloseReason, Command, Executed, Filters, MarketStatus,
    Order, OrderAmended, OrderClosed, OrderKind, OrderPlaced, OrderRested, OrderStatus, Party,
    Reply, Request, StpMode, StpModes, TimeInForce, Traded, Transferred,
};
use serde_json::Value;
use types::{
    Amount, AssetId, ClientId, ContractKind, Decimal, OrderId, Rate, RequestId, Side, TradeId,
    UpdateId, Wallet,
};

use super::*;
use crate::outbox::Bounds;

mod binary;

const MARKET: InstrumentId = InstrumentId(1);
const START: i64 = 1_700_000_000_000_000;

/// The naive exchange.
struct World {
    /// Open orders in order of arrival.
    orders: Vec<Order>,
    last_order: u64,
    last_trade: u64,
    update: u64,
    seq: u64,
    time: i64,
    /// The book after every update, by side and price.
    past: BTreeMap<u64, Levels>,
}

type Levels = BTreeMap<(u8, i64), i64>;

impl World {
    fn new() -> World {
        let past = BTreeMap::from([(0, Levels::new())]);
        World {
            orders: Vec::new(),
            last_order: 0,
            last_trade: 0,
            update: 0,
            seq: 0,
            time: START,
            past,
        }
    }

    fn levels(&self) -> Levels {
        let mut levels = Levels::new();
        for order in &self.orders {
            *levels.entry((order.side as u8, order.price.0)).or_default() += order.open_qty().0;
        }
        levels
    }

    fn next_update(&mut self) -> UpdateId {
        self.update += 1;
        UpdateId(self.update)
    }

    fn remember(&mut self) {
        let levels = self.levels();
        self.past.insert(self.update, levels);
    }

    fn place(&mut self, account: u32, side: Side, price: i64, qty: i64) -> Vec<Event> {
        self.last_order += 1;
        let mut order = order(self.last_order, account, side, price, qty, self.time);
        let mut events = vec![Event::OrderPlaced(OrderPlaced {
            order: order.clone(),
        })];
        while order.open_qty().0 > 0 {
            let crosses = |maker: &&mut Order| {
                maker.side != side
                    && if side == Side::Buy {
                        maker.price.0 <= price
                    } else {
                        maker.price.0 >= price
                    }
            };
            let rank = |maker: &&mut Order| {
                if side == Side::Buy {
                    maker.price.0
                } else {
                    -maker.price.0
                }
            };
            let Some(maker) = self.orders.iter_mut().filter(crosses).min_by_key(rank) else {
                break;
            };
            let qty = maker.open_qty().min(order.open_qty());
            maker.executed_qty.0 += qty.0;
            order.executed_qty.0 += qty.0;
            let party = |of: &Order| Party {
                account: of.account,
                order: of.id,
                fee: Amount(i128::from(qty.0) / 1000),
                fee_asset: AssetId(if of.side == Side::Buy { 1 } else { 2 }),
                open_qty: of.open_qty(),
            };
            let (maker_party, price) = (party(maker), maker.price);
            self.orders.retain(|other| other.open_qty().0 > 0);
            self.last_trade += 1;
            let update = self.next_update();
            self.remember();
            events.push(Event::Traded(Traded {
                instrument: MARKET,
                trade: TradeId(self.last_trade),
                price,
                qty,
                quote: Amount(i128::from(price.0) * i128::from(qty.0) / 100_000_000),
                aggressor_side: side,
                maker: maker_party,
                taker: party(&order),
                update,
            }));
        }
        if order.open_qty().0 > 0 {
            let update = self.next_update();
            let (id, open_qty) = (order.id, order.open_qty());
            self.orders.push(order);
            self.remember();
            events.push(Event::OrderRested(OrderRested {
                instrument: MARKET,
                order: id,
                side,
                price: Decimal(price),
                open_qty,
                update,
            }));
        }
        events
    }

    fn cancel(&mut self, pick: usize) -> Vec<Event> {
        if self.orders.is_empty() {
            return Vec::new();
        }
        let order = self.orders.remove(pick % self.orders.len());
        let update = self.next_update();
        self.remember();
        vec![Event::OrderClosed(OrderClosed {
            instrument: MARKET,
            order: order.id,
            account: order.account,
            reason: CloseReason::Canceled,
            open_qty: order.open_qty(),
            client_id: ClientId::new("cancel").unwrap(),
            update: Some(update),
        })]
    }

    fn amend(&mut self, pick: usize) -> Vec<Event> {
        let update = UpdateId(self.update + 1);
        let n = self.orders.len().max(1);
        let Some(order) = self
            .orders
            .get_mut(pick % n)
            .filter(|order| order.open_qty().0 > 1)
        else {
            return Vec::new();
        };
        order.qty.0 -= order.open_qty().0 / 2;
        let event = OrderAmended {
            instrument: MARKET,
            order: order.id,
            account: order.account,
            qty: order.qty,
            open_qty: order.open_qty(),
            client_id: ClientId::new("amended").unwrap(),
            update,
        };
        self.next_update();
        self.remember();
        vec![Event::OrderAmended(event)]
    }

    fn batch(&mut self, events: Vec<Event>) -> Message {
        self.seq += 1;
        let command = Command::Admin(Admin::OpenAccount);
        let request = Request {
            actor: AccountId(1001),
            id: RequestId(1),
            expires: Time(i64::MAX),
            command,
        };
        let end = u32::try_from(events.len()).unwrap();
        let record = Executed {
            seq: Seq(self.seq),
            time: Time(self.time),
            request,
            reply: Reply::Done,
            chain: 0,
            events: (0, end),
        };
        Message::Batch(Arc::new(Batch {
            records: vec![record],
            events,
        }))
    }
}

fn order(id: u64, account: u32, side: Side, price: i64, qty: i64, time: i64) -> Order {
    Order {
        instrument: MARKET,
        id: OrderId(id),
        account: AccountId(account),
        client_id: ClientId::new(&format!("order-{id}")).unwrap(),
        side,
        kind: OrderKind::Limit,
        tif: TimeInForce::Gtc,
        stp: StpMode::None,
        price: Decimal(price),
        qty: Decimal(qty),
        quote_qty: Decimal::ZERO,
        executed_qty: Decimal::ZERO,
        executed_quote: Amount::ZERO,
        prevented_qty: Decimal::ZERO,
        status: OrderStatus::New,
        placed_at: Time(time),
        updated_at: Time(time),
        strategy_id: None,
        strategy_kind: None,
        condition: None,
        more: None,
    }
}

fn listing() -> Vec<Event> {
    let asset = |id, name: &str| {
        Event::AssetCreated(AssetCreated {
            asset: AssetId(id),
            precision: 8,
            name: name.into(),
        })
    };
    let instrument = Instrument {
        id: MARKET,
        symbol: "BTCUSDT".into(),
        contract: ContractKind(1),
        base: AssetId(1),
        quote: AssetId(2),
        status: MarketStatus::Trading,
        filters: Filters::default(),
        default_stp: StpMode::None,
        allowed_stp: StpModes::ALL,
        maker_fee: Rate(0),
        taker_fee: Rate(0),
        denied: protocol::Denied::NONE,
    };
    vec![
        asset(1, "BTC"),
        asset(2, "USDT"),
        Event::InstrumentListed(Box::new(instrument)),
    ]
}

/// A feed that knows one market, its views, and a connection that listens.
struct Scene {
    feed: Feed,
    world: World,
    outbox: Arc<Outbox>,
    reader: views::ViewsReader,
    _folder: tempfile::TempDir,
}

const CONN: ConnId = ConnId(1);

impl Scene {
    fn new(streams: &[&str]) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("views.db").display());
        let options = views::Options::new(url, || Time(START));
        let (views, reader) = Views::open(options)
            .unwrap()
            .start(Seq(0), |tell| listing().into_iter().for_each(tell))
            .unwrap();
        let mut feed = Feed::new(views);
        listing().iter().for_each(|event| feed.seed(event));
        let outbox = Arc::new(Outbox::new(Bounds::DEFAULT));
        let (unit, form) = (TimeUnit::Millis, Form::Raw);
        feed.handle(
            Message::Open {
                conn: CONN,
                outbox: outbox.clone(),
                unit,
                form,
            },
            Time(START),
        );
        let mut scene = Scene {
            feed,
            world: World::new(),
            outbox,
            reader,
            _folder: folder,
        };
        scene.listen(streams);
        scene
    }

    fn listen(&mut self, streams: &[&str]) {
        let add = streams
            .iter()
            .map(|name| Topic::parse(name).unwrap())
            .collect();
        self.tell(Message::Streams {
            conn: CONN,
            add,
            remove: Vec::new(),
            combined: None,
            reply: Bytes::new(),
        });
    }

    fn tell(&mut self, message: Message) {
        if let Message::Batch(batch) = &message {
            relay::Reader::apply(&mut self.reader, batch);
        }
        self.feed.handle(message, Time(self.world.time));
    }

    fn act(&mut self, act: impl FnOnce(&mut World) -> Vec<Event>) {
        let events = act(&mut self.world);
        let message = self.world.batch(events);
        self.tell(message);
    }

    fn pass(&mut self, us: i64) {
        self.world.time += us;
        self.feed.tick(Time(self.world.time));
    }

    /// The frames that wait.
    fn frames(&self) -> Vec<Value> {
        let mut frames = Vec::new();
        while let Ok(text) = self.outbox.try_next() {
            frames.push(serde_json::from_slice(&text.bytes).expect("valid JSON"));
        }
        frames
    }
}

fn qty_of(level: &Value) -> (i64, i64) {
    let part = |i: usize| Decimal::parse(level[i].as_str().unwrap()).unwrap().0;
    (part(0), part(1))
}

/// What a careful client does with diff frames.
fn follow(book: &mut Levels, last: &mut u64, frame: &Value) {
    assert_eq!(
        frame["U"].as_u64().unwrap(),
        *last + 1,
        "a change was skipped"
    );
    for (side, name) in [(Side::Buy, "b"), (Side::Sell, "a")] {
        for level in frame[name].as_array().unwrap() {
            let (price, qty) = qty_of(level);
            if qty == 0 {
                book.remove(&(side as u8, price));
            } else {
                book.insert((side as u8, price), qty);
            }
        }
    }
    *last = frame["u"].as_u64().unwrap();
}

#[derive(Clone, Debug)]
enum Act {
    Place(bool, i64, i64),
    Cancel(usize),
    Amend(usize),
    Pass(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        5 => (any::<bool>(), 90_i64..110, 1_i64..50).prop_map(|(buy, price, qty)| Act::Place(buy, price, qty)),
        2 => any::<usize>().prop_map(Act::Cancel),
        1 => any::<usize>().prop_map(Act::Amend),
        2 => (1_i64..400_000).prop_map(Act::Pass),
    ];
    proptest::collection::vec(act, 1..150)
}

fn run(scene: &mut Scene, act: &Act) {
    match *act {
        Act::Place(buy, price, qty) => {
            let side = if buy { Side::Buy } else { Side::Sell };
            scene.act(|world| world.place(1001, side, price, qty));
        }
        Act::Cancel(pick) => scene.act(|world| world.cancel(pick)),
        Act::Amend(pick) => scene.act(|world| world.amend(pick)),
        Act::Pass(us) => scene.pass(us),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_client_that_follows_the_diffs_has_the_book_at_every_update(before in acts(), after in acts()) {
        let mut scene = Scene::new(&[]);
        before.iter().for_each(|act| run(&mut scene, act));
        // the snapshot and the first frame meet without a gap, whatever happened before somebody listened
        let mut last = scene.world.update;
        let mut book = scene.world.levels();
        scene.listen(&["btcusdt@depth@100ms", "btcusdt@bookTicker", "btcusdt@depth5"]);
        for act in &after {
            run(&mut scene, act);
            for frame in scene.frames() {
                if frame["e"] == "depthUpdate" {
                    follow(&mut book, &mut last, &frame);
                    prop_assert_eq!(&book, &scene.world.past[&last]);
                } else if let Some(update) = frame["u"].as_u64() {
                    check_touch(&frame, &scene.world.past[&update]);
                } else {
                    check_partial(&frame, &scene.world.past[&frame["lastUpdateId"].as_u64().unwrap()]);
                }
            }
        }
        scene.pass(100_000);
        for frame in scene.frames().iter().filter(|frame| frame["e"] == "depthUpdate") {
            follow(&mut book, &mut last, frame);
        }
        prop_assert_eq!(last, scene.world.update);
        prop_assert_eq!(book, scene.world.levels());
    }
}

fn side_of(levels: &Levels, side: Side) -> Vec<(i64, i64)> {
    let of_side = levels
        .iter()
        .filter(|((of, _), _)| *of == side as u8)
        .map(|((_, price), qty)| (*price, *qty));
    if side == Side::Buy {
        of_side.rev().collect()
    } else {
        of_side.collect()
    }
}

fn check_touch(frame: &Value, levels: &Levels) {
    let read = |name: &str| Decimal::parse(frame[name].as_str().unwrap()).unwrap().0;
    let best = |side| side_of(levels, side).first().copied().unwrap_or_default();
    assert_eq!((read("b"), read("B")), best(Side::Buy));
    assert_eq!((read("a"), read("A")), best(Side::Sell));
}

fn check_partial(frame: &Value, levels: &Levels) {
    for (side, name) in [(Side::Buy, "bids"), (Side::Sell, "asks")] {
        let told: Vec<_> = frame[name].as_array().unwrap().iter().map(qty_of).collect();
        assert_eq!(
            told,
            side_of(levels, side)
                .into_iter()
                .take(5)
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn trades_are_told_one_by_one_and_summed() {
    let mut scene = Scene::new(&["btcusdt@trade", "btcusdt@aggTrade", "ethusdt@trade"]);
    scene.act(|world| world.place(1001, Side::Sell, 100, 3));
    scene.act(|world| world.place(1001, Side::Sell, 100, 4));
    scene.act(|world| world.place(1001, Side::Sell, 101, 5));
    scene.act(|world| world.place(1002, Side::Buy, 101, 9));
    let told: Vec<String> = scene
        .frames()
        .iter()
        .map(|f| match f["e"].as_str().unwrap() {
            "trade" => format!("{}: {} at {}", f["t"], f["q"], f["p"]),
            _ => format!("sum {} of {} to {}: {}", f["a"], f["f"], f["l"], f["q"]),
        })
        .collect();
    assert_eq!(
        told,
        [
            r#"1: "0.00000003" at "0.00000100""#,
            r#"2: "0.00000004" at "0.00000100""#,
            r#"3: "0.00000002" at "0.00000101""#,
            r#"sum 1 of 1 to 2: "0.00000007""#,
            r#"sum 2 of 3 to 3: "0.00000002""#,
        ]
    );
}

#[test]
fn nothing_changed_means_no_frame() {
    let mut scene = Scene::new(&["btcusdt@depth@100ms", "btcusdt@depth5@100ms"]);
    scene.pass(100_000);
    assert_eq!(
        scene.frames().len(),
        1,
        "the partial book's present state, once"
    );
    scene.pass(100_000);
    assert_eq!(scene.frames().len(), 0);
    scene.act(|world| world.place(1001, Side::Sell, 100, 3));
    scene.pass(100_000);
    assert_eq!(scene.frames().len(), 2);
}

#[test]
fn candles_close_once_and_continue_with_the_last_price() {
    let mut scene = Scene::new(&["btcusdt@kline_1m", "btcusdt@kline_1s"]);
    scene.world.time = START - START % 60_000_000 + 10_000_000;
    scene.act(|world| world.place(1001, Side::Sell, 100, 3));
    scene.act(|world| world.place(1002, Side::Buy, 100, 1));
    scene.act(|world| world.place(1002, Side::Buy, 100, 2));
    for _ in 0..55 {
        scene.pass(1_000_000);
    }
    let frames = scene.frames();
    let closed = |interval: &str| {
        let of = |f: &&Value| f["k"]["i"] == interval && f["k"]["x"] == true;
        frames
            .iter()
            .filter(of)
            .map(|f| f["k"].clone())
            .collect::<Vec<_>>()
    };
    let minutes = closed("1m");
    assert_eq!(minutes.len(), 1);
    let k = &minutes[0];
    assert_eq!(k["T"].as_i64().unwrap() - k["t"].as_i64().unwrap(), 59_999);
    assert_eq!(
        (&k["f"], &k["L"], &k["n"]),
        (&1.into(), &2.into(), &2.into())
    );
    assert_eq!(
        (&k["v"], &k["V"]),
        (&"0.00000003".into(), &"0.00000003".into())
    );
    let seconds = closed("1s");
    assert!(seconds.len() >= 53, "{}", seconds.len());
    let opens: Vec<i64> = seconds.iter().map(|k| k["t"].as_i64().unwrap()).collect();
    assert!(
        opens.windows(2).all(|pair| pair[1] == pair[0] + 1000),
        "each second once"
    );
    let last = seconds.last().unwrap();
    assert_eq!(
        (&last["o"], &last["n"], &last["f"]),
        (&"0.00000100".into(), &0.into(), &(-1).into())
    );
    let running = frames.iter().rev().find(|f| f["k"]["i"] == "1m").unwrap();
    assert_eq!(running["k"]["x"], false);
    assert_eq!(running["k"]["t"], k["t"].as_i64().unwrap() + 60_000);
}

#[test]
fn owners_hear_of_their_orders_in_order() {
    let mut scene = Scene::new(&[]);
    let reply = Bytes::from_static(br#"{"reply":true}"#);
    scene.tell(Message::Subscribe {
        conn: CONN,
        account: AccountId(1002),
        id: 7,
        reply,
    });
    scene.act(|world| world.place(1001, Side::Sell, 100, 3));
    scene.act(|world| world.place(1002, Side::Buy, 100, 5));
    scene.act(|world| world.amend(0));
    scene.act(|world| world.cancel(0));
    let balance = BalanceChanged {
        account: AccountId(1002),
        wallet: Wallet::SPOT,
        asset: AssetId(2),
        free: Amount(5),
        held: Amount(0),
    };
    let transfer = Transferred {
        account: AccountId(1002),
        wallet: Wallet::SPOT,
        asset: AssetId(2),
        delta: Amount(5),
    };
    scene.act(|_| vec![Event::Transferred(transfer), Event::BalanceChanged(balance)]);
    let frames = scene.frames();
    assert_eq!(frames[0]["reply"], true, "the answer goes first");
    assert!(frames[1..].iter().all(|f| f["subscriptionId"] == 7));
    let told: Vec<String> = frames[1..]
        .iter()
        .map(|f| {
            let e = &f["event"];
            match e["e"].as_str().unwrap() {
                "executionReport" => {
                    let word = |name: &str| e[name].as_str().unwrap().to_owned();
                    format!(
                        "{} {} {} was '{}': {} of {}, w {}",
                        word("x"),
                        word("X"),
                        word("c"),
                        word("C"),
                        word("z"),
                        word("q"),
                        e["w"]
                    )
                }
                other => other.to_owned(),
            }
        })
        .collect();
    assert_eq!(
        told,
        [
            "NEW NEW order-2 was '': 0.00000000 of 0.00000005, w true",
            "TRADE PARTIALLY_FILLED order-2 was '': 0.00000003 of 0.00000005, w true",
            "REPLACED PARTIALLY_FILLED amended was 'order-2': 0.00000003 of 0.00000004, w true",
            "CANCELED CANCELED cancel was 'amended': 0.00000003 of 0.00000004, w false",
            "balanceUpdate",
            "outboundAccountPosition",
        ]
    );
    scene.tell(Message::Unsubscribe {
        conn: CONN,
        ids: vec![7],
        reply: Bytes::from_static(b"{}"),
    });
    scene.act(|world| world.place(1002, Side::Buy, 50, 5));
    let frames = scene.frames();
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0]["event"]["e"], "eventStreamTerminated");
}

#[test]
fn tickers_and_averages_come_with_the_second_and_when_they_change() {
    let mut scene = Scene::new(&[
        "btcusdt@ticker",
        "btcusdt@avgPrice",
        "!miniTicker@arr",
        "btcusdt@ticker_1h",
    ]);
    scene.act(|world| world.place(1001, Side::Sell, 100, 3));
    scene.act(|world| world.place(1002, Side::Buy, 100, 1));
    scene.pass(1_000_000);
    let mut names: Vec<String> = scene
        .frames()
        .iter()
        .map(|f| f["e"].as_str().or(f[0]["e"].as_str()).unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["1hTicker", "24hrMiniTicker", "24hrTicker", "avgPrice"]
    );
    scene.pass(1_000_000);
    assert_eq!(scene.frames().len(), 0);
}

#[test]
fn a_stream_of_a_symbol_that_is_listed_later_begins_then() {
    let mut scene = Scene::new(&["ethusdt@depth@100ms"]);
    let mut events = listing();
    if let Some(Event::InstrumentListed(instrument)) = events.last_mut() {
        instrument.id = InstrumentId(2);
        instrument.symbol = "ETHUSDT".into();
    }
    scene.act(|_| events.split_off(2));
    let rested = OrderRested {
        instrument: InstrumentId(2),
        order: OrderId(1),
        side: Side::Buy,
        price: Decimal(5),
        open_qty: Decimal(6),
        update: UpdateId(1),
    };
    scene.act(|_| vec![Event::OrderRested(rested)]);
    scene.pass(100_000);
    let frames = scene.frames();
    assert_eq!(
        (&frames[0]["s"], &frames[0]["U"]),
        (&"ETHUSDT".into(), &1.into())
    );
}

#[test]
fn who_left_is_forgotten() {
    let mut scene = Scene::new(&["btcusdt@depth@100ms", "nowhere@trade", "!miniTicker@arr"]);
    scene.tell(Message::Close(CONN));
    assert!(scene.feed.waiting.is_empty() && scene.feed.everywhere.is_empty());
    assert!(!scene.feed.markets[&MARKET].has_listeners());
}
