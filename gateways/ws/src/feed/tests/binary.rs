//! The streams in SBE against those in JSON, and against the naive exchange. They are read by a decoder of its own: places and widths are
//! counted here once more.

use super::*;

const BINARY: ConnId = ConnId(2);

type Side2 = [Vec<(i64, i64)>; 2];

/// What one message says.
#[derive(Clone, PartialEq, Debug)]
enum Told {
    Trades {
        event: i64,
        at: i64,
        trades: Vec<(i64, i64, i64, bool)>,
    },
    Touch {
        event: i64,
        update: i64,
        bid: (i64, i64),
        ask: (i64, i64),
    },
    Partial {
        event: i64,
        update: i64,
        sides: Side2,
    },
    Diff {
        event: i64,
        ids: (i64, i64),
        sides: Side2,
    },
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_first_chunk::<N>().expect("more bytes");
        self.0 = rest;
        *taken
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes())
    }

    fn i64(&mut self) -> i64 {
        i64::from_le_bytes(self.bytes())
    }

    fn pair(&mut self) -> (i64, i64) {
        (self.i64(), self.i64())
    }

    fn exponents(&mut self) {
        assert_eq!(self.bytes().map(u8::cast_signed), [-8, -8]);
    }

    fn sides(&mut self) -> Side2 {
        [(), ()].map(|()| {
            assert_eq!(self.u16(), 16);
            (0..self.u16()).map(|_| self.pair()).collect()
        })
    }

    fn trade(&mut self) -> (i64, i64, i64, bool) {
        let (id, (price, qty), [maker]) = (self.i64(), self.pair(), self.bytes());
        (id, price, qty, maker == 1)
    }

    fn end(mut self, symbol: &str) {
        let [length] = self.bytes();
        assert_eq!(
            (usize::from(length), self.0),
            (symbol.len(), symbol.as_bytes())
        );
    }
}

fn read(bytes: &[u8]) -> Told {
    let mut cursor = Cursor(bytes);
    let (block, template) = (cursor.u16(), cursor.u16());
    assert_eq!((cursor.u16(), cursor.u16()), (1, 0), "schema and version");
    let event = cursor.i64();
    let told = match (template, block) {
        (10_000, 18) => {
            let at = cursor.i64();
            cursor.exponents();
            assert_eq!(cursor.u16(), 25);
            let count = u32::from_le_bytes(cursor.bytes());
            let trades = (0..count).map(|_| cursor.trade()).collect();
            Told::Trades { event, at, trades }
        }
        (10_001, 50) => {
            let update = cursor.i64();
            cursor.exponents();
            let (bid, ask) = (cursor.pair(), cursor.pair());
            Told::Touch {
                event,
                update,
                bid,
                ask,
            }
        }
        (10_002, 18) => {
            let update = cursor.i64();
            cursor.exponents();
            let sides = cursor.sides();
            Told::Partial {
                event,
                update,
                sides,
            }
        }
        (10_003, 26) => {
            let ids = cursor.pair();
            cursor.exponents();
            let sides = cursor.sides();
            Told::Diff { event, ids, sides }
        }
        other => panic!("no message of a stream is {other:?}"),
    };
    cursor.end("BTCUSDT");
    told
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

fn levels(value: &Value) -> Vec<(i64, i64)> {
    value.as_array().unwrap().iter().map(qty_of).collect()
}

/// A frame in JSON in the words of [`Told`]; `event` for the two kinds that JSON tells without their time.
fn of_json(frame: &Value, event: i64) -> Told {
    let decimal = |name: &str| Decimal::parse(frame[name].as_str().unwrap()).unwrap().0;
    if frame["e"] == "trade" {
        let maker = frame["m"].as_bool().unwrap();
        return Told::Trades {
            event: number(&frame["E"]),
            at: number(&frame["T"]),
            trades: vec![(number(&frame["t"]), decimal("p"), decimal("q"), maker)],
        };
    }
    if frame["e"] == "depthUpdate" {
        return Told::Diff {
            event: number(&frame["E"]),
            ids: (number(&frame["U"]), number(&frame["u"])),
            sides: [levels(&frame["b"]), levels(&frame["a"])],
        };
    }
    if frame["bids"].is_array() {
        return Told::Partial {
            event,
            update: number(&frame["lastUpdateId"]),
            sides: [levels(&frame["bids"]), levels(&frame["asks"])],
        };
    }
    Told::Touch {
        event,
        update: number(&frame["u"]),
        bid: (decimal("b"), decimal("B")),
        ask: (decimal("a"), decimal("A")),
    }
}

/// A listener in JSON, in microseconds, and one in SBE.
struct Both {
    scene: Scene,
    outbox: Arc<Outbox>,
}

impl Both {
    fn new() -> Both {
        let mut scene = Scene::new(&[]);
        let outbox = Arc::new(Outbox::new(Bounds::DEFAULT));
        for (conn, outbox, form) in [
            (CONN, &scene.outbox, Form::Raw),
            (BINARY, &outbox, Form::BinaryStreams),
        ] {
            let open = Message::Open {
                conn,
                outbox: outbox.clone(),
                unit: TimeUnit::Micros,
                form,
            };
            scene.feed.handle(open, Time(START));
        }
        Both { scene, outbox }
    }

    fn listen(&mut self, streams: &[&str]) {
        let add = streams
            .iter()
            .map(|name| Topic::parse_binary(name).unwrap());
        let add = add.collect();
        self.scene.tell(Message::Streams {
            conn: BINARY,
            add,
            remove: Vec::new(),
            combined: None,
            reply: Bytes::new(),
        });
    }

    fn told(&self) -> Vec<Told> {
        let mut told = Vec::new();
        while let Ok(frame) = self.outbox.try_next() {
            assert!(frame.is_binary);
            told.push(read(&frame.bytes));
        }
        told
    }

    fn told_in_json(&self) -> Vec<Told> {
        let event = self.scene.world.time;
        let frames = self.scene.frames();
        frames.iter().map(|frame| of_json(frame, event)).collect()
    }
}

/// Each trade by itself, as JSON tells them, and in an order of their own: JSON tells trades as they come, SBE at the end of the record.
fn sorted(told: Vec<Told>) -> Vec<String> {
    let mut texts = Vec::new();
    for one in told {
        match one {
            Told::Trades { event, at, trades } => texts.extend(
                trades
                    .into_iter()
                    .map(|trade| format!("{event} {at} {trade:?}")),
            ),
            other => texts.push(format!("{other:?}")),
        }
    }
    texts.sort();
    texts
}

/// What a client who follows the diffs does with one.
fn take(book: &mut Levels, sides: Side2) {
    for (levels, side) in sides.into_iter().zip([Side::Buy, Side::Sell]) {
        for (price, qty) in levels {
            match qty {
                0 => book.remove(&(side as u8, price)),
                qty => book.insert((side as u8, price), qty),
            };
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn sbe_says_what_json_says_event_by_event(before in acts(), after in acts()) {
        let mut both = Both::new();
        before.iter().for_each(|act| run(&mut both.scene, act));
        both.scene.listen(&["btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth@100ms", "btcusdt@depth20@100ms"]);
        both.listen(&["btcusdt@trade", "btcusdt@bestBidAsk", "btcusdt@depth", "btcusdt@depth20"]);
        for act in &after {
            // time stands still until the moment at which the slower of the two speaks
            match act {
                Act::Pass(us) => both.scene.pass(us / 100_000 * 100_000 + 100_000 - both.scene.world.time % 100_000),
                other => run(&mut both.scene, other),
            }
            let (json, sbe) = (sorted(both.told_in_json()), sorted(both.told()));
            prop_assert_eq!(sbe, json);
        }
    }

    #[test]
    fn a_client_that_follows_the_fast_diffs_has_the_book_at_every_update(before in acts(), after in acts()) {
        let mut both = Both::new();
        before.iter().for_each(|act| run(&mut both.scene, act));
        let mut next = i64::try_from(both.scene.world.update).unwrap() + 1;
        let mut book = both.scene.world.levels();
        both.listen(&["btcusdt@depth", "btcusdt@depth20", "btcusdt@bestBidAsk"]);
        for act in after.iter().chain([&Act::Pass(600_000)]) {
            match act {
                Act::Pass(us) => both.scene.pass(us / 10),
                other => run(&mut both.scene, other),
            }
            for told in both.told() {
                let at = |update: i64| both.scene.world.past[&u64::try_from(update).unwrap()].clone();
                match told {
                    Told::Diff { ids: (first, last), sides, .. } => {
                        prop_assert_eq!(first, next, "a change was skipped");
                        next = last + 1;
                        take(&mut book, sides);
                        prop_assert_eq!(&book, &at(last));
                    }
                    Told::Partial { update, sides, .. } => {
                        for (levels, side) in sides.into_iter().zip([Side::Buy, Side::Sell]) {
                            let best: Vec<_> = side_of(&at(update), side).into_iter().take(20).collect();
                            prop_assert_eq!(levels, best);
                        }
                    }
                    Told::Touch { update, bid, ask, .. } => {
                        let best = |side| side_of(&at(update), side).first().copied().unwrap_or_default();
                        prop_assert_eq!((bid, ask), (best(Side::Buy), best(Side::Sell)));
                    }
                    Told::Trades { .. } => prop_assert!(false, "nobody listens to trades"),
                }
            }
        }
        prop_assert_eq!(&book, &both.scene.world.levels());
    }
}

#[test]
fn the_trades_of_one_order_come_together() {
    let mut both = Both::new();
    both.listen(&["btcusdt@trade", "ethusdt@trade"]);
    for price in [100, 101] {
        both.scene
            .act(|world| world.place(1001, Side::Sell, price, 3));
    }
    both.scene.act(|world| world.place(1002, Side::Buy, 101, 5));
    let trades = vec![(1, 100, 3, false), (2, 101, 2, false)];
    let (event, at) = (START, START);
    assert_eq!(both.told(), [Told::Trades { event, at, trades }]);
}

#[test]
fn diffs_come_every_20_ms_partials_every_50_and_only_when_something_changed() {
    let mut both = Both::new();
    assert_eq!(both.scene.feed.period(), crate::TICK_US);
    both.listen(&["btcusdt@depth", "btcusdt@depth20"]);
    assert_eq!(both.scene.feed.period(), crate::FAST_TICK_US);
    both.scene.pass(100_000);
    both.told();
    let mut heard = Vec::new();
    for step in 1..=20 {
        both.scene
            .act(|world| world.place(1001, Side::Buy, 50 + step, 1));
        both.scene.pass(10_000);
        for told in both.told() {
            heard.push((matches!(told, Told::Diff { .. }), step * 10));
        }
    }
    let at = |is_diff: bool| {
        let of = heard.iter().filter(|(of, _)| *of == is_diff);
        of.map(|(_, ms)| *ms).collect::<Vec<_>>()
    };
    assert_eq!(at(true), [20, 40, 60, 80, 100, 120, 140, 160, 180, 200]);
    assert_eq!(at(false), [50, 100, 150, 200]);
    both.scene.pass(1_000_000);
    assert_eq!(both.told(), []);
}

#[test]
fn who_is_behind_hears_the_newest_touch_and_every_trade() {
    let mut both = Both::new();
    both.listen(&["btcusdt@bestBidAsk", "btcusdt@trade"]);
    for price in 100..110 {
        both.scene
            .act(|world| world.place(1001, Side::Sell, 200, 1));
        both.scene
            .act(|world| world.place(1001, Side::Buy, price, 1));
        both.scene.act(|world| world.place(1002, Side::Buy, 200, 1));
    }
    let told = both.told();
    let bids: Vec<_> = told
        .iter()
        .filter_map(|one| match one {
            Told::Touch { bid, .. } => Some(bid.0),
            _ => None,
        })
        .collect();
    assert_eq!((bids, told.len()), (vec![109], 11));
}

#[test]
fn names_of_both_forms_do_not_meet_and_answers_are_texts() {
    let mut both = Both::new();
    both.scene.listen(&["btcusdt@depth"]);
    both.listen(&["btcusdt@depth"]);
    both.scene.act(|world| world.place(1001, Side::Buy, 5, 1));
    both.scene.pass(1);
    both.told();
    both.scene.frames();
    both.scene.act(|world| world.place(1001, Side::Buy, 5, 1));
    both.scene.pass(20_000);
    assert_eq!((both.told().len(), both.scene.frames().len()), (1, 0));
    both.scene.tell(Message::Streams {
        conn: BINARY,
        add: Vec::new(),
        remove: vec!["btcusdt@depth".into()],
        combined: Some(true),
        reply: Bytes::from("{}"),
    });
    both.scene.act(|world| world.place(1001, Side::Buy, 6, 1));
    both.scene.pass(1_000_000);
    let answer = both.outbox.try_next().unwrap();
    assert_eq!((answer.is_binary, &*answer.bytes), (false, &b"{}"[..]));
    assert_eq!((both.told().len(), both.scene.frames().len()), (0, 1));
    assert_eq!(both.scene.feed.period(), crate::TICK_US);
    both.scene.tell(Message::Announce);
    let goodbye = both.outbox.try_next().unwrap();
    assert!(!goodbye.is_binary);
    assert!(goodbye.bytes.starts_with(b"{\"e\":\"serverShutdown\""));
}

#[test]
fn more_levels_than_one_message_counts_come_in_several_of_the_same_ids() {
    let most = sbe::stream::MAX_LEVELS;
    let mut book = crate::book::Book::default();
    book.update = UpdateId(9);
    let prices: Vec<Decimal> = (1..).take(most + 5).map(Decimal).collect();
    let changed = (prices.as_slice(), [].as_slice());
    let messages = crate::events::depth_diffs("BTCUSDT", UpdateId(3), &book, changed, Time(START));
    let counts: Vec<_> = messages
        .map(|message| match read(&message) {
            Told::Diff { ids, sides, .. } => (ids, sides[0].len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(counts, [((3, 9), most), ((3, 9), 5)]);
}
