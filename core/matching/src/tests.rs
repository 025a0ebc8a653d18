//! The fast book against a sorted list, written from the rules alone.

use protocol::StpMode;
use types::{OrderId, Price, Qty, Side};

use super::*;

/// Orders in arrival order; the best is searched for anew each time.
#[derive(Default)]
struct Naive {
    orders: Vec<Resting>,
}

impl Naive {
    fn best(&self, side: Side) -> Option<usize> {
        let of_side = self
            .orders
            .iter()
            .enumerate()
            .filter(|(_, o)| o.side == side);
        match side {
            // the first of equals: max_by_key would take the last
            Side::Buy => of_side.rev().max_by_key(|(_, o)| o.price).map(|(i, _)| i),
            Side::Sell => of_side.min_by_key(|(_, o)| o.price).map(|(i, _)| i),
        }
    }

    fn submit(
        &mut self,
        taker: &Taker,
        limit: Limit,
        out: &mut Vec<(MatchKind, u64, i64, i64)>,
    ) -> Remainder {
        let mut limit = limit;
        loop {
            let Some(at) = self.best(taker.side.opposite()) else {
                let stop = if limit == Limit::Lots(Qty(0)) {
                    Stop::Filled
                } else {
                    Stop::Exhausted
                };
                return Remainder { stop, limit };
            };
            if limit == Limit::Lots(Qty(0)) {
                return Remainder {
                    stop: Stop::Filled,
                    limit,
                };
            }
            let maker = self.orders[at];
            let reached = taker.price.is_none_or(|p| match taker.side {
                Side::Buy => maker.price <= p,
                Side::Sell => maker.price >= p,
            });
            if !reached {
                return Remainder {
                    stop: Stop::Exhausted,
                    limit,
                };
            }
            let wanted = |limit| match limit {
                Limit::Lots(q) => q.0,
                Limit::Notional(n) => {
                    i64::try_from(n / i128::from(maker.price.0)).unwrap_or(i64::MAX)
                }
            };
            if wanted(limit) == 0 {
                return Remainder {
                    stop: done(out),
                    limit,
                };
            }
            let own = maker.owner == taker.owner;
            let decrements = matches!(taker.stp, StpMode::Decrement | StpMode::Transfer);
            if own && taker.stp != StpMode::None && !decrements {
                let maker_ends = taker.stp != StpMode::ExpireTaker;
                let taker_ends = taker.stp != StpMode::ExpireMaker;
                out.push((
                    MatchKind::Prevented {
                        maker_ends,
                        taker_ends,
                    },
                    maker.id.0,
                    maker.price.0,
                    maker.open.0,
                ));
                if maker_ends {
                    self.orders.remove(at);
                }
                if taker_ends {
                    return Remainder {
                        stop: Stop::Prevented,
                        limit,
                    };
                }
                continue;
            }
            let qty = wanted(limit).min(maker.shown().0);
            let kind = if own && decrements {
                MatchKind::Decremented {
                    transfer: (taker.stp, maker.stp) == (StpMode::Transfer, StpMode::Transfer),
                }
            } else {
                MatchKind::Trade
            };
            out.push((kind, maker.id.0, maker.price.0, qty));
            limit = match limit {
                Limit::Lots(q) => Limit::Lots(Qty(q.0 - qty)),
                Limit::Notional(n) => {
                    Limit::Notional(n - i128::from(maker.price.0) * i128::from(qty))
                }
            };
            let mut order = self.orders[at];
            order.open.0 -= qty;
            if let Some(iceberg) = &mut order.iceberg {
                iceberg.shown.0 -= qty;
            }
            self.orders[at] = order;
            if order.shown().0 == 0 {
                self.orders.remove(at);
                if let Some(iceberg) = &mut order.iceberg
                    && order.open.0 > 0
                {
                    iceberg.shown.0 = iceberg.peak.0.min(order.open.0);
                    self.orders.push(order);
                }
            }
            if wanted(limit) == 0 {
                return Remainder {
                    stop: done(out),
                    limit,
                };
            }
        }
    }

    fn listed(&self, side: Side) -> Vec<Resting> {
        let mut all: Vec<Resting> = self
            .orders
            .iter()
            .copied()
            .filter(|o| o.side == side)
            .collect();
        match side {
            Side::Buy => all.sort_by_key(|o| core::cmp::Reverse(o.price)),
            Side::Sell => all.sort_by_key(|o| o.price),
        }
        all
    }
}

/// Who wants nothing more was filled, unless the last of it was taken off by prevention.
fn done(out: &[(MatchKind, u64, i64, i64)]) -> Stop {
    match out.last() {
        Some((MatchKind::Decremented { .. }, ..)) => Stop::Prevented,
        _ => Stop::Filled,
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        SlotIndex::hash_of(SlotIndex::hash_of(self.0)) % n
    }
}

/// Where a run draws its prices from.
type Prices = fn(&mut Random, u64) -> i64;

fn run(seed: u64, steps: u64, prices: Prices) {
    let mut random = Random(seed);
    let (mut book, mut naive) = (TickBook::new(), Naive::default());
    let mut stale = Vec::new();
    for step in 1..=steps {
        let price = Price(prices(&mut random, step));
        let side = if random.below(2) == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        match random.below(10) {
            0..6 => {
                let stp = [
                    StpMode::None,
                    StpMode::ExpireTaker,
                    StpMode::ExpireMaker,
                    StpMode::ExpireBoth,
                    StpMode::Decrement,
                    StpMode::Transfer,
                ][usize::try_from(random.below(6)).unwrap()];
                let owner = Owner(u32::try_from(random.below(3)).unwrap());
                let market = random.below(8) == 0;
                let taker = Taker {
                    side,
                    owner,
                    stp,
                    price: (!market).then_some(price),
                };
                let qty = Qty(1 + i64::try_from(random.below(9)).unwrap());
                let limit = if random.below(8) == 0 {
                    Limit::Notional(i128::from(random.below(50)) * i128::from(price.0))
                } else {
                    Limit::Lots(qty)
                };
                let quote = book.quote(&taker, limit);
                let (mut matches, mut expected) = (Vec::new(), Vec::new());
                let got = book.submit(&taker, limit, &mut matches);
                let want = naive.submit(&taker, limit, &mut expected);
                let seen: Vec<_> = matches
                    .iter()
                    .map(|m| (m.kind, m.maker_id.0, m.price.0, m.qty.0))
                    .collect();
                assert_eq!((seen, got), (expected, want), "step {step}");
                let moved = [MatchKind::Trade, MatchKind::Decremented { transfer: true }];
                let traded = matches.iter().filter(|m| moved.contains(&m.kind));
                let (lots, notional) = traded.fold((0, 0), |(q, n), m| {
                    (q + m.qty.0, n + i128::from(m.price.0) * i128::from(m.qty.0))
                });
                let lost = matches
                    .iter()
                    .filter(|m| matches!(m.kind, MatchKind::Decremented { .. }));
                assert_eq!(
                    quote,
                    Quote {
                        decremented: Qty(lost.map(|m| m.qty.0).sum()),
                        qty: Qty(lots),
                        notional,
                        stop: got.stop
                    },
                    "step {step}"
                );
                if let (Limit::Lots(open), Stop::Exhausted, false) = (got.limit, got.stop, market) {
                    let peak = Qty(1 + i64::try_from(random.below(3)).unwrap());
                    let iceberg = (random.below(4) == 0).then(|| Iceberg {
                        peak,
                        shown: peak.min(open),
                    });
                    let resting = Resting {
                        id: OrderId(step),
                        side,
                        price,
                        open,
                        owner,
                        stp,
                        iceberg,
                    };
                    let reference = book.rest(&resting);
                    assert_eq!(book.get(reference), Some(resting));
                    naive.orders.push(resting);
                    stale.push((reference, OrderId(step)));
                }
            }
            6..9 if !stale.is_empty() => {
                let at = usize::try_from(random.below(stale.len() as u64)).unwrap();
                let (reference, id) = stale.swap_remove(at);
                let expected = naive
                    .orders
                    .iter()
                    .position(|o| o.id == id)
                    .map(|i| naive.orders.remove(i));
                assert_eq!(book.find(id), expected.map(|_| reference));
                assert_eq!(book.cancel(reference), expected);
                assert_eq!(book.cancel(reference), None);
            }
            _ if !stale.is_empty() => {
                let (reference, id) =
                    stale[usize::try_from(random.below(stale.len() as u64)).unwrap()];
                match naive.orders.iter_mut().find(|o| o.id == id) {
                    Some(order) if order.open.0 > 1 => {
                        order.open.0 -= 1;
                        if let Some(iceberg) = &mut order.iceberg {
                            iceberg.shown = iceberg.shown.min(order.open);
                        }
                        assert!(book.reduce(reference, order.open));
                    }
                    Some(_) => {}
                    None => assert!(!book.reduce(reference, Qty(1))),
                }
            }
            _ => {}
        }
        if step % 16 == 0 || steps < 500 {
            book.audit().unwrap_or_else(|e| panic!("step {step}: {e}"));
            for side in [Side::Buy, Side::Sell] {
                let mut listed = Vec::new();
                book.each(side, &mut |_, order| listed.push(order));
                assert_eq!(listed, naive.listed(side), "step {step}");
                if let Some(first) = listed.first() {
                    let total = listed
                        .iter()
                        .filter(|o| o.price == first.price)
                        .map(|o| o.shown().0)
                        .sum();
                    assert_eq!(book.level_qty(side, first.price), Qty(total));
                }
            }
        }
    }
}

#[test]
fn agrees_with_the_naive_book_in_a_narrow_market() {
    for seed in 0..40 {
        run(seed, 1_500, |r, _| 1 + i64::try_from(r.below(9)).unwrap());
    }
}

#[test]
fn agrees_while_the_touch_wanders_through_many_windows() {
    for seed in 0..8 {
        run(seed, 6_000, |r, step| {
            let middle = 100_000 + i64::try_from(step).unwrap() * 7;
            middle + i64::try_from(r.below(3_000)).unwrap()
        });
    }
}

#[test]
fn agrees_when_prices_leap_over_the_whole_range() {
    for seed in 0..8 {
        run(seed, 6_000, |r, step| match r.below(4) {
            0 => 1 + i64::try_from(r.below(5_000)).unwrap(),
            1 => 5_000_000_000_000 + i64::try_from(r.below(60) * 100_000_000).unwrap(),
            2 => i64::MAX - 1 - i64::try_from(r.below(5_000)).unwrap(),
            _ => {
                1_000_000 * (1 + i64::try_from(step / 500 % 7).unwrap())
                    + i64::try_from(r.below(200)).unwrap()
            }
        });
    }
}

#[test]
fn a_far_price_costs_no_memory() {
    let mut book = TickBook::new();
    for i in 0..1_000_i64 {
        let order = Resting {
            id: OrderId(u64::try_from(i).unwrap() + 1),
            side: Side::Buy,
            price: Price(1 + i * 1_000_000_000_000),
            open: Qty(1),
            owner: Owner(0),
            stp: StpMode::None,
            iceberg: None,
        };
        book.rest(&order);
    }
    book.audit().unwrap();
    assert_eq!(
        book.best(Side::Buy),
        Some(Price(999 * 1_000_000_000_000 + 1))
    );
}

/// Two icebergs and a plain order: each part that is used up goes behind everybody.
#[test]
fn an_iceberg_refills_behind_its_level() {
    let mut book = TickBook::new();
    let order = |id, open, peak: Option<i64>| Resting {
        id: OrderId(id),
        side: Side::Sell,
        price: Price(10),
        open: Qty(open),
        owner: Owner(0),
        stp: StpMode::None,
        iceberg: peak.map(|peak| Iceberg {
            peak: Qty(peak),
            shown: Qty(peak),
        }),
    };
    book.rest(&order(1, 5, Some(2)));
    book.rest(&order(2, 3, None));
    book.rest(&order(3, 4, Some(3)));
    assert_eq!(book.level_qty(Side::Sell, Price(10)), Qty(8));
    let taker = Taker {
        side: Side::Buy,
        owner: Owner(1),
        stp: StpMode::None,
        price: None,
    };
    let mut met = Vec::new();
    book.submit(&taker, Limit::Lots(Qty(9)), &mut met);
    let seen: Vec<_> = met
        .iter()
        .map(|m| (m.maker_id.0, m.qty.0, m.maker_open.0, m.refill.0))
        .collect();
    assert_eq!(
        seen,
        [(1, 2, 3, 2), (2, 3, 0, 0), (3, 3, 1, 1), (1, 1, 2, 0)]
    );
    assert_eq!(book.level_qty(Side::Sell, Price(10)), Qty(2));
    book.audit().unwrap();
    met.clear();
    let quote = book.quote(&taker, Limit::Lots(Qty(9)));
    assert_eq!((quote.qty, quote.stop), (Qty(3), Stop::Exhausted));
    book.submit(&taker, Limit::Lots(Qty(9)), &mut met);
    assert!(book.is_empty());
    book.audit().unwrap();
}
