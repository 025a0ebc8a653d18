//! Every short sequence of a small alphabet of commands: engine and twin agree after each command of each.
//!
//! The sequences are walked as a tree. Each child begins from its parent's snapshot, so that every state on the way is also restored, and
//! must write the same snapshot again.

use engine::Engine;
use protocol::{
    Admin, AmendOrder, Calculation, CancelAll, Command, ExecutionRules, Extras, Filters, ListKind,
    OrderKey, OrderKind, Peg, PegKind, PlaceList, PlaceOrder, PriceRange, Request, SetReference,
    SetTradeGroup, StpMode, TimeInForce,
};
use testkit::naive::Naive;
use testkit::{Exchange, random, registry};
use types::{
    AccountId, Amount, ClientId, Decimal, InstrumentId, OrderId, RequestId, Seq, Side, Time,
    TradeGroupId,
};

use crate::twins::sorted;

const ANN: AccountId = AccountId(1001);
const BOB: AccountId = AccountId(1002);
const MARKET: InstrumentId = InstrumentId(1);

fn dec(units: i64) -> Decimal {
    Decimal(units * Decimal::SCALE)
}

fn name(text: &str, depth: usize) -> ClientId {
    ClientId::new(&format!("{text}{depth}")).unwrap()
}

fn order(kind: OrderKind, side: Side, price: i64, qty: i64, id: ClientId) -> PlaceOrder {
    PlaceOrder {
        instrument: MARKET,
        side,
        kind,
        tif: TimeInForce::Gtc,
        stp: None,
        price: dec(price),
        qty: dec(qty),
        quote_qty: Decimal::ZERO,
        client_id: id,
        strategy_id: None,
        strategy_kind: None,
        extras: None,
    }
}

fn with(mut order: PlaceOrder, extras: Extras) -> PlaceOrder {
    order.extras = extras.boxed();
    order
}

fn stop(price: i64) -> Extras {
    Extras {
        stop_price: dec(price),
        ..Extras::NONE
    }
}

/// Some of everything, around a price of ten. What is placed at another depth has another name.
fn alphabet(depth: usize) -> Vec<(AccountId, Command)> {
    use OrderKind::*;
    use Side::*;
    let id = |text| name(text, depth);
    let iceberg = Extras {
        iceberg_qty: dec(1),
        ..Extras::NONE
    };
    let trailing = Extras {
        trailing_delta: 1_000,
        ..Extras::NONE
    };
    let peg = Peg {
        kind: PegKind::Market,
        offset: 0,
    };
    let peg = Extras {
        peg: Some(peg),
        ..Extras::NONE
    };
    let mut apart = order(Market, Sell, 0, 2, id("apart"));
    apart.stp = Some(StpMode::Decrement);
    let mut handed = order(Limit, Sell, 10, 3, id("handed"));
    handed.stp = Some(StpMode::Transfer);
    let mut spend = order(Market, Buy, 0, 0, id("spend"));
    spend.quote_qty = dec(25);
    let pair = vec![
        order(LimitMaker, Sell, 12, 1, id("above")),
        with(order(StopLoss, Sell, 0, 1, id("below")), stop(10)),
    ];
    let pays = vec![
        order(Limit, Buy, 10, 2, id("works")),
        order(Limit, Sell, 12, 0, id("sells")),
    ];
    let list = |kind, legs| {
        Command::PlaceList(Box::new(PlaceList {
            instrument: MARKET,
            kind,
            client_id: id("list"),
            legs,
        }))
    };
    let place = Command::PlaceOrder;
    let mut bids = order(Limit, Buy, 10, 2, id("bids"));
    bids.stp = Some(StpMode::Transfer);
    vec![
        (ANN, place(bids)),
        (
            BOB,
            place(with(order(Limit, Sell, 10, 3, id("ice")), iceberg)),
        ),
        (BOB, place(order(Limit, Sell, 11, 1, id("asks")))),
        (BOB, place(handed)),
        (ANN, place(apart)),
        (BOB, place(spend)),
        (
            ANN,
            place(with(order(StopLoss, Sell, 0, 1, id("stop")), stop(9))),
        ),
        (
            BOB,
            place(with(
                order(TakeProfitLimit, Buy, 11, 1, id("trail")),
                trailing,
            )),
        ),
        (ANN, list(ListKind::Oco, pair)),
        (BOB, list(ListKind::Opo, pays)),
        (ANN, place(with(order(Limit, Sell, 0, 1, id("peg")), peg))),
        (
            BOB,
            Command::AmendOrder(AmendOrder {
                instrument: MARKET,
                order: OrderKey::Id(OrderId(1)),
                new_qty: dec(1),
                client_id: id("less"),
            }),
        ),
        (
            ANN,
            Command::CancelAll(CancelAll {
                instrument: MARKET,
                client_id: id("all"),
            }),
        ),
    ]
}

/// Two accounts of one trade group, on a market with a reference price of ten and a range of half around it.
fn world() -> Exchange {
    let mut exchange = Exchange::new();
    let (btc, usdt) = (exchange.asset("BTC", 8), exchange.asset("USDT", 8));
    for _ in 0..2 {
        let user = exchange.account();
        exchange.fund(user, btc, Amount(4 * 100_000_000));
        exchange.fund(user, usdt, Amount(45 * 100_000_000));
    }
    exchange.list(random::instrument(
        "BTCUSDT",
        btc,
        usdt,
        Filters::default(),
        0,
    ));
    let told = SetReference {
        instrument: MARKET,
        calculation: Some(Calculation::External(0)),
        price: Some(dec(10)),
    };
    let range = PriceRange {
        bid_up: Some(Decimal(Decimal::SCALE * 11 / 10)),
        ask_down: Some(Decimal(Decimal::SCALE * 95 / 100)),
        ..PriceRange::default()
    };
    let rules = ExecutionRules {
        instrument: MARKET,
        range: Some(range),
    };
    let mut acts = vec![
        Admin::SetReference(told),
        Admin::SetExecutionRules(Box::new(rules)),
    ];
    for account in [ANN, BOB] {
        let group = Some(TradeGroupId(1));
        acts.push(Admin::SetTradeGroup(SetTradeGroup { account, group }));
    }
    for act in acts {
        exchange
            .run(AccountId::TREASURY, Command::Admin(act))
            .unwrap();
    }
    exchange
}

fn snapshot(engine: &Engine) -> Vec<u8> {
    let mut bytes = Vec::new();
    engine.snapshot(&mut |piece| bytes.extend_from_slice(piece));
    bytes
}

/// What the walk has seen.
#[derive(Default)]
struct Seen {
    compared: u64,
    accepted: u64,
}

/// Every command of the alphabet behind `path`, and behind each of those that changed something all again.
fn walk(state: (&[u8], &Naive, Time), path: &mut Vec<usize>, depth: usize, seen: &mut Seen) {
    let (bytes, twin, time) = state;
    let time = time.plus_micros(1_000_000);
    for (letter, (actor, command)) in alphabet(path.len()).into_iter().enumerate() {
        path.push(letter);
        let request = Request {
            actor,
            id: RequestId(0),
            expires: Time(i64::MAX),
            command,
        };
        let mut engine = Engine::restore(registry(), bytes).unwrap();
        let mut twin = twin.clone();
        let mut events = Vec::new();
        let seq = Seq(100 + path.len() as u64);
        let got = engine.execute(seq, time, &request, &mut events);
        let expected = twin.execute(time, &request);
        seen.compared += 1;
        match (got, expected) {
            (Ok(reply), Ok((twins, told))) => {
                seen.accepted += 1;
                assert_eq!(reply, twins, "{path:?}");
                assert_eq!(sorted(events), sorted(told), "{path:?}");
                engine.audit().unwrap_or_else(|e| panic!("{path:?}: {e}"));
                let bytes = snapshot(&engine);
                let again = Engine::restore(registry(), &bytes).unwrap();
                assert_eq!(snapshot(&again), bytes, "{path:?}");
                if path.len() < depth {
                    walk((&bytes, &twin, time), path, depth, seen);
                }
            }
            (Err(reject), Err(twins)) => assert_eq!(reject, twins, "{path:?}"),
            (got, expected) => {
                panic!("{path:?}: engine {got:?}, twin {:?}", expected.map(|e| e.0))
            }
        }
        path.pop();
    }
}

#[test]
fn every_short_sequence_goes_alike() {
    // longer by TWIN_DEPTH=7
    let depth = std::env::var("TWIN_DEPTH").map_or(5, |n| n.parse().unwrap());
    let exchange = world();
    let mut twin = Naive::new();
    for record in exchange.records() {
        twin.execute(record.time, &record.request).unwrap();
    }
    let mut seen = Seen::default();
    let begin = (&exchange.snapshot()[..], &twin, exchange.time);
    walk(begin, &mut Vec::new(), depth, &mut seen);
    assert!(
        seen.accepted * 2 > seen.compared,
        "most commands are accepted"
    );
}
