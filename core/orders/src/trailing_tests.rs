//! Groups of trailing orders do what looking at each order would do.

use std::collections::BTreeMap;

use protocol::{Order, OrderKind, OrderStatus, StpMode, TimeInForce};
use types::{AccountId, Amount, ClientId, Decimal, InstrumentId, OrderId, Price, Side, Time};

use crate::{Reached, SeatId, Waiting, WaitingOrders};

/// A small generator, so that a failure can be told by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Every order is looked at, at every trade.
#[derive(Default)]
struct Plain {
    orders: BTreeMap<OrderId, Waiting>,
    reached: Vec<OrderId>,
}

impl Plain {
    fn follows(waiting: &Waiting) -> bool {
        waiting.delta != 0 && (waiting.stop.is_none() || waiting.extreme.is_some())
    }

    fn traded(&mut self, price: Price, out: &mut Vec<Reached>) {
        let waits = |w: &&Waiting| !self.reached.contains(&w.order.id);
        let following: Vec<OrderId> = (self.orders.values().filter(waits))
            .filter(|w| Plain::follows(w))
            .map(|w| w.order.id)
            .collect();
        let mut stops: Vec<(bool, Price, OrderId)> = (self.orders.values().filter(waits))
            .filter(|w| !Plain::follows(w))
            .filter_map(|w| w.stop.map(|stop| (!w.above, stop, w.order.id)))
            .filter(|(below, stop, _)| {
                if *below {
                    price <= *stop
                } else {
                    price >= *stop
                }
            })
            .collect();
        stops.sort_unstable();
        for (.., id) in stops {
            let waiting = self.orders.get_mut(&id).unwrap();
            if waiting.delta != 0 {
                waiting.extreme = Some(price);
                out.push(Reached::Following(id));
            } else {
                self.reached.push(id);
                out.push(Reached::Triggered(id));
            }
        }
        for id in following {
            let waiting = self.orders.get_mut(&id).unwrap();
            if waiting.extreme.is_none() {
                out.push(Reached::Following(id));
            }
            let seen = waiting.extreme.unwrap_or(price);
            let extreme = if waiting.above {
                seen.min(price)
            } else {
                seen.max(price)
            };
            waiting.extreme = Some(extreme);
            let (now, seen) = (i128::from(price.0) * 10_000, i128::from(extreme.0));
            let delta = i128::from(waiting.delta);
            let back = match waiting.above {
                true => now >= seen * (10_000 + delta),
                false => now <= seen * (10_000 - delta),
            };
            if back {
                self.reached.push(id);
                out.push(Reached::Triggered(id));
            }
        }
    }
}

fn waiting(id: u64, above: bool, stop: Option<i64>, delta: u32) -> Waiting {
    let order = Order {
        instrument: InstrumentId(1),
        id: OrderId(id),
        account: AccountId(1001),
        client_id: ClientId::new(&format!("w{id}")).unwrap(),
        side: Side::Sell,
        kind: OrderKind::StopLoss,
        tif: TimeInForce::Gtc,
        stp: StpMode::None,
        price: Decimal::ZERO,
        qty: Decimal(1),
        quote_qty: Decimal::ZERO,
        executed_qty: Decimal::ZERO,
        executed_quote: Amount::ZERO,
        prevented_qty: Decimal::ZERO,
        status: OrderStatus::New,
        placed_at: Time(0),
        updated_at: Time(0),
        strategy_id: None,
        strategy_kind: None,
        condition: None,
        more: None,
    };
    Waiting {
        order,
        seat: SeatId(u32::try_from(id % 5).unwrap()),
        hold: (0, Amount::ZERO),
        above,
        stop: stop.map(Price),
        delta,
        extreme: None,
    }
}

/// What a restart rebuilds from what is told.
fn rebuilt(from: &WaitingOrders) -> WaitingOrders {
    let mut again = WaitingOrders::default();
    for waiting in from.iter() {
        let extreme = from.extreme(waiting.order.id);
        again.insert(Waiting {
            extreme,
            ..waiting.clone()
        });
    }
    let queue: Vec<OrderId> = from.queue().collect();
    assert!(again.restore_queue(&queue));
    again
}

fn random_price(dice: &mut Dice, price: i64, wild: bool) -> i64 {
    let step = i64::try_from(dice.roll(if wild { 400 } else { 7 })).unwrap();
    let moved = if dice.roll(2) == 0 {
        price + step
    } else {
        price - step
    };
    moved.clamp(1, 20_000)
}

#[test]
fn groups_do_what_looking_at_each_order_does() {
    let (mut acted, mut begun) = (0, 0);
    for seed in 1..=60_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (mut plain, mut grouped) = (Plain::default(), WaitingOrders::default());
        let (mut price, mut next) = (1_000_i64, 1_u64);
        // few deltas meet in groups, many do not
        let deltas = [3, 2_000][usize::try_from(seed % 2).unwrap()];
        for step in 0..600 {
            match dice.roll(8) {
                0..=2 => {
                    let above = dice.roll(2) == 0;
                    let distance = i64::try_from(dice.roll(30)).unwrap() + 1;
                    let at = if above {
                        price + distance
                    } else {
                        (price - distance).max(1)
                    };
                    let stop = (dice.roll(2) == 0).then_some(at);
                    let delta = u32::try_from(1 + dice.roll(deltas)).unwrap();
                    let delta = if stop.is_some() && dice.roll(4) == 0 {
                        0
                    } else {
                        delta
                    };
                    let one = waiting(next, above, stop, delta);
                    plain.orders.insert(OrderId(next), one.clone());
                    grouped.insert(one);
                    next += 1;
                }
                3 => {
                    let id = OrderId(1 + dice.roll(next));
                    let gone = plain.orders.remove(&id);
                    plain.reached.retain(|other| *other != id);
                    assert_eq!(grouped.remove(id), gone, "seed {seed} step {step}");
                }
                _ => {
                    price = random_price(&mut dice, price, seed % 3 == 0);
                    let (mut expected, mut found) = (vec![], vec![]);
                    plain.traded(Price(price), &mut expected);
                    grouped.traded(Price(price), &mut found);
                    assert_eq!(found, expected, "seed {seed} step {step} at {price}");
                    acted += found
                        .iter()
                        .filter(|r| matches!(r, Reached::Triggered(_)))
                        .count();
                    begun += found
                        .iter()
                        .filter(|r| matches!(r, Reached::Following(_)))
                        .count();
                }
            }
            grouped.audit().unwrap();
            for (id, waiting) in &plain.orders {
                assert_eq!(
                    grouped.extreme(*id),
                    waiting.extreme,
                    "seed {seed} step {step} order {id}"
                );
            }
            assert_eq!(grouped.queue().collect::<Vec<_>>(), plain.reached);
            if step % 50 == 0 {
                grouped = rebuilt(&grouped);
            }
        }
    }
    assert!(acted > 1_000 && begun > 1_000, "{acted} {begun}");
}

/// Ten thousand orders follow a price that falls tick by tick: the trade looks at groups, not at orders.
#[test]
fn a_trade_looks_at_groups() {
    let mut grouped = WaitingOrders::default();
    let mut out = Vec::new();
    for id in 1..=10_000_u64 {
        let delta = u32::try_from(1_000 + id % 500).unwrap();
        grouped.insert(waiting(id, true, None, delta));
        grouped.traded(Price(1_000_000 - i64::try_from(id % 3).unwrap()), &mut out);
    }
    assert_eq!(out.len(), 10_000);
    out.clear();
    for tick in 0..200_000 {
        grouped.traded(Price(999_000 - tick), &mut out);
    }
    assert!(out.is_empty());
    assert_eq!(grouped.extreme(OrderId(1)), Some(Price(799_001)));
    // back by ten percent: the nearest act, and no others
    grouped.traded(Price(878_902), &mut out);
    assert_eq!(out.len(), 20);
    grouped.audit().unwrap();
}
