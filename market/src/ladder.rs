//! The market's own orders on one instrument, and the planner that turns "the book should look like this" into the fewest commands.
//!
//! Prices are ticks and quantities lots. A level grows by a further order behind everybody who waits there, and shrinks from its newest order, so
//! that a user's order in the same level keeps its place and is reached when the recorded trades have eaten what was before it.
//!
//! Planning runs ahead of the answers: each order has what is known to be open (`open`) and what will be once the commands of this step are
//! done (`planned`). When the answers are in, the known figure wins.

use std::collections::{BTreeMap, HashMap};

use types::{OrderId, Seq, Side};

/// Orders of ours in one level; beyond that the newest is replaced by a larger one.
const ORDERS_PER_LEVEL: usize = 3;

/// One command of a plan. `maker` is an index into the accounts that quote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    Place {
        name: u64,
        maker: usize,
        side: Side,
        price: i64,
        qty: i64,
    },
    /// `qty` is the order's new total, executed part included.
    Amend {
        name: u64,
        maker: usize,
        qty: i64,
    },
    Cancel {
        name: u64,
        maker: usize,
    },
    /// A taker's limit order that does not rest.
    Take {
        side: Side,
        price: i64,
        qty: i64,
    },
}

#[derive(Clone, Copy, Debug)]
struct Own {
    name: u64,
    maker: usize,
    id: OrderId,
    qty: i64,
    open: i64,
    planned: i64,
    /// The record that `open` is from.
    seq: Seq,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Ladder {
    bids: BTreeMap<i64, Vec<Own>>,
    asks: BTreeMap<i64, Vec<Own>>,
    by_id: HashMap<OrderId, (Side, i64)>,
    by_name: HashMap<u64, (Side, i64)>,
    /// Open orders of each maker.
    load: Vec<u32>,
    next_name: u64,
    /// Orders whose plan and knowledge may differ.
    unsure: Vec<u64>,
    /// The smallest price x qty of an order, in ticks x lots.
    min_notional: i64,
}

impl Ladder {
    #[must_use]
    pub fn new(makers: usize, min_notional: i64) -> Ladder {
        Ladder {
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            by_id: HashMap::new(),
            by_name: HashMap::new(),
            load: vec![0; makers.max(1)],
            next_name: 1,
            unsure: Vec::new(),
            min_notional,
        }
    }

    /// Forgets everything: after all of the makers' orders were canceled.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
        self.by_id.clear();
        self.by_name.clear();
        self.unsure.clear();
        self.load.fill(0);
    }

    /// Own best price and quantity on a side, as known.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<(i64, i64)> {
        let open = |(price, level): (&i64, &Vec<Own>)| (*price, level.iter().map(|o| o.open).sum());
        match side {
            Side::Buy => self.bids.iter().next_back().map(open),
            Side::Sell => self.asks.iter().next().map(open),
        }
    }

    /// Levels on a side.
    #[must_use]
    pub fn depth(&self, side: Side) -> usize {
        self.side_ref(side).len()
    }

    /// The fewest lots that an order at this price may have.
    #[must_use]
    pub fn min_qty(&self, price: i64) -> i64 {
        (self.min_notional + price - 1)
            .div_euclid(price.max(1))
            .max(1)
    }

    /// Plans a recorded trade: whatever of ours would be hit at a better price is withdrawn, the level is topped up to the quantity, and the taker
    /// comes. A user's better-priced order is hit first, as it should be.
    pub fn trade(&mut self, side: Side, price: i64, qty: i64, ops: &mut Vec<Op>) {
        let book = side.opposite();
        self.withdraw_better(book, price, ops);
        self.withdraw_crossing(side, price, ops);
        let waiting: i64 = self.level(book, price).iter().map(|o| o.planned).sum();
        if waiting < qty {
            let missing = (qty - waiting).max(self.min_qty(price));
            self.place(book, price, missing, ops);
        }
        let qty = qty.max(self.min_qty(price));
        ops.push(Op::Take { side, price, qty });
        let mut left = qty;
        let mut hit = Vec::new();
        for own in self.side(book).get_mut(&price).into_iter().flatten() {
            let eaten = left.min(own.planned);
            if eaten > 0 {
                own.planned -= eaten;
                left -= eaten;
                hit.push(own.name);
            }
        }
        self.unsure.append(&mut hit);
    }

    /// Plans the whole book: `bids` from the highest price down, `asks` from the lowest up, each `(price, qty)`.
    pub fn set(&mut self, bids: &[(i64, i64)], asks: &[(i64, i64)], ops: &mut Vec<Op>) {
        if let Some(&(ask, _)) = asks.first() {
            self.withdraw_crossing(Side::Buy, ask, ops);
        }
        if let Some(&(bid, _)) = bids.first() {
            self.withdraw_crossing(Side::Sell, bid, ops);
        }
        for at in 0..bids.len().max(asks.len()) {
            if let Some(&(price, qty)) = bids.get(at) {
                self.adjust(Side::Buy, price, qty, ops);
            }
            if let Some(&(price, qty)) = asks.get(at) {
                self.adjust(Side::Sell, price, qty, ops);
            }
        }
        let gone = |levels: &BTreeMap<i64, Vec<Own>>, wanted: &dyn Fn(i64) -> bool| -> Vec<i64> {
            levels.keys().copied().filter(|p| !wanted(*p)).collect()
        };
        let bid = |p: i64| bids.binary_search_by(|probe| p.cmp(&probe.0)).is_ok();
        let ask = |p: i64| asks.binary_search_by(|probe| probe.0.cmp(&p)).is_ok();
        for price in gone(&self.bids, &bid) {
            self.withdraw_level(Side::Buy, price, ops);
        }
        for price in gone(&self.asks, &ask) {
            self.withdraw_level(Side::Sell, price, ops);
        }
    }

    fn adjust(&mut self, side: Side, price: i64, qty: i64, ops: &mut Vec<Op>) {
        let least = self.min_qty(price);
        let wanted = qty.max(least);
        let level = self.level(side, price);
        let planned: i64 = level.iter().map(|o| o.planned).sum();
        let orders = level.iter().filter(|o| o.planned > 0).count();
        if wanted > planned {
            let mut missing = wanted - planned;
            if missing < least || orders >= ORDERS_PER_LEVEL {
                missing += self.withdraw_newest(side, price, ops);
            }
            self.place(side, price, missing.max(least), ops);
        } else {
            self.shrink(side, price, planned - wanted, least, ops);
        }
    }

    fn shrink(&mut self, side: Side, price: i64, mut excess: i64, least: i64, ops: &mut Vec<Op>) {
        while excess > 0 {
            let Some(own) = self
                .side(side)
                .get_mut(&price)
                .and_then(|l| l.iter_mut().rev().find(|o| o.planned > 0))
            else {
                return;
            };
            if own.planned > excess && own.qty - excess >= least {
                own.qty -= excess;
                own.planned -= excess;
                let (name, maker, qty) = (own.name, own.maker, own.qty);
                ops.push(Op::Amend { name, maker, qty });
                self.unsure.push(name);
                return;
            }
            let withdrawn = self.withdraw_newest(side, price, ops);
            if withdrawn > excess {
                self.place(side, price, (withdrawn - excess).max(least), ops);
            }
            excess -= withdrawn;
        }
    }

    fn place(&mut self, side: Side, price: i64, qty: i64, ops: &mut Vec<Op>) {
        let name = self.next_name;
        self.next_name += 1;
        let least = self.load.iter().enumerate().min_by_key(|(_, load)| **load);
        let maker = least.map_or(0, |(maker, _)| maker);
        self.load[maker] += 1;
        let own = Own {
            name,
            maker,
            id: OrderId(0),
            qty,
            open: 0,
            planned: qty,
            seq: Seq(0),
        };
        self.side(side).entry(price).or_default().push(own);
        self.by_name.insert(name, (side, price));
        self.unsure.push(name);
        ops.push(Op::Place {
            name,
            maker,
            side,
            price,
            qty,
        });
    }

    /// Cancels the newest order of a level and returns what was planned to be open of it.
    fn withdraw_newest(&mut self, side: Side, price: i64, ops: &mut Vec<Op>) -> i64 {
        let newest = self
            .level(side, price)
            .iter()
            .rev()
            .find(|o| o.planned > 0)
            .copied();
        let Some(own) = newest else { return 0 };
        ops.push(Op::Cancel {
            name: own.name,
            maker: own.maker,
        });
        self.remove(own.name);
        own.planned
    }

    fn withdraw_level(&mut self, side: Side, price: i64, ops: &mut Vec<Op>) {
        while self.withdraw_newest(side, price, ops) > 0 {}
    }

    /// Own orders of `side` that would trade with an order of the other side at `price`.
    fn withdraw_crossing(&mut self, side: Side, price: i64, ops: &mut Vec<Op>) {
        let crossing: Vec<i64> = match side {
            Side::Buy => self.bids.range(price..).map(|(p, _)| *p).collect(),
            Side::Sell => self.asks.range(..=price).map(|(p, _)| *p).collect(),
        };
        for level in crossing {
            self.withdraw_level(side, level, ops);
        }
    }

    fn withdraw_better(&mut self, side: Side, price: i64, ops: &mut Vec<Op>) {
        match side {
            Side::Buy => self.withdraw_crossing(side, price + 1, ops),
            Side::Sell => self.withdraw_crossing(side, price - 1, ops),
        }
    }

    /// A placed order was accepted under `id` and has `open` lots left.
    pub fn placed(&mut self, name: u64, id: OrderId, open: i64, seq: Seq) {
        if let Some(&place) = self.by_name.get(&name) {
            self.by_id.insert(id, place);
            self.update(name, |own| {
                own.id = id;
                own.open = open;
                own.seq = seq;
            });
        }
    }

    /// An order's open quantity as of record `seq`; older news is ignored.
    pub fn opened(&mut self, id: OrderId, open: i64, seq: Seq) {
        let Some(&(side, price)) = self.by_id.get(&id) else {
            return;
        };
        let own = self.level(side, price).iter().find(|o| o.id == id).copied();
        if let Some(own) = own.filter(|own| own.seq <= seq) {
            self.unsure.push(own.name);
            self.update(own.name, |own| {
                own.open = open;
                own.seq = seq;
            });
        }
    }

    /// An order is not in the book, whatever we thought.
    pub fn lost(&mut self, name: u64) {
        self.remove(name);
    }

    /// All answers of a step are in: what is known replaces what was planned.
    pub fn settle(&mut self) {
        for name in std::mem::take(&mut self.unsure) {
            let mut ended = false;
            self.update(name, |own| {
                own.planned = own.open;
                ended = own.open <= 0;
            });
            if ended {
                self.remove(name);
            }
        }
    }

    fn update(&mut self, name: u64, change: impl FnOnce(&mut Own)) {
        let Some(&(side, price)) = self.by_name.get(&name) else {
            return;
        };
        let level = self.side(side).get_mut(&price);
        if let Some(own) = level.and_then(|l| l.iter_mut().find(|o| o.name == name)) {
            change(own);
        }
    }

    fn remove(&mut self, name: u64) {
        let Some((side, price)) = self.by_name.remove(&name) else {
            return;
        };
        let levels = self.side(side);
        let Some(level) = levels.get_mut(&price) else {
            return;
        };
        let own = level
            .iter()
            .position(|o| o.name == name)
            .map(|at| level.remove(at));
        if level.is_empty() {
            levels.remove(&price);
        }
        if let Some(own) = own {
            self.by_id.remove(&own.id);
            self.load[own.maker] -= 1;
        }
    }

    fn side_ref(&self, side: Side) -> &BTreeMap<i64, Vec<Own>> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side(&mut self, side: Side) -> &mut BTreeMap<i64, Vec<Own>> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn level(&self, side: Side, price: i64) -> &[Own] {
        self.side_ref(side).get(&price).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers a plan as a book without users would.
    fn obey(ladder: &mut Ladder, ops: &mut Vec<Op>) {
        let seq = Seq(1);
        for op in ops.drain(..) {
            if let Op::Place { name, qty, .. } = op {
                ladder.placed(name, OrderId(name), qty, seq);
            }
        }
    }

    fn settled(ladder: &mut Ladder, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> usize {
        let mut ops = Vec::new();
        ladder.set(bids, asks, &mut ops);
        let count = ops.len();
        obey(ladder, &mut ops);
        // amends and cancels take effect as planned
        for levels in [&mut ladder.bids, &mut ladder.asks] {
            levels
                .values_mut()
                .flatten()
                .for_each(|own| own.open = own.planned);
        }
        ladder.settle();
        count
    }

    #[test]
    fn the_same_book_twice_costs_nothing() {
        let mut ladder = Ladder::new(2, 500);
        let (bids, asks) = ([(100, 50), (98, 70)], [(101, 20), (105, 30)]);
        assert_eq!(settled(&mut ladder, &bids, &asks), 4);
        assert_eq!(settled(&mut ladder, &bids, &asks), 0);
        assert_eq!(ladder.best(Side::Buy), Some((100, 50)));
        assert_eq!(ladder.best(Side::Sell), Some((101, 20)));
        assert_eq!(ladder.load, [2, 2]);
    }

    #[test]
    fn a_level_grows_behind_and_shrinks_from_behind() {
        let mut ladder = Ladder::new(1, 100);
        settled(&mut ladder, &[(100, 50)], &[(101, 50)]);
        let mut ops = Vec::new();
        ladder.set(&[(100, 60)], &[(101, 45)], &mut ops);
        assert_eq!(
            ops,
            [
                Op::Place {
                    name: 3,
                    maker: 0,
                    side: Side::Buy,
                    price: 100,
                    qty: 10
                },
                Op::Amend {
                    name: 2,
                    maker: 0,
                    qty: 45
                },
            ]
        );
    }

    #[test]
    fn moving_through_the_spread_withdraws_before_it_places() {
        let mut ladder = Ladder::new(1, 100);
        settled(&mut ladder, &[(100, 50)], &[(101, 50)]);
        let mut ops = Vec::new();
        ladder.set(&[(103, 50)], &[(104, 50)], &mut ops);
        let cancel_ask = ops
            .iter()
            .position(|op| *op == Op::Cancel { name: 2, maker: 0 })
            .unwrap();
        let place_bid = ops
            .iter()
            .position(|op| {
                matches!(
                    op,
                    Op::Place {
                        side: Side::Buy,
                        ..
                    }
                )
            })
            .unwrap();
        assert!(cancel_ask < place_bid, "{ops:?}");
    }

    #[test]
    fn a_trade_finds_its_quantity_at_its_price() {
        let mut ladder = Ladder::new(1, 100);
        settled(&mut ladder, &[(100, 50)], &[(101, 50), (103, 5)]);
        let mut ops = Vec::new();
        ladder.trade(Side::Buy, 103, 25, &mut ops);
        assert_eq!(
            ops,
            [
                Op::Cancel { name: 2, maker: 0 },
                Op::Place {
                    name: 4,
                    maker: 0,
                    side: Side::Sell,
                    price: 103,
                    qty: 20
                },
                Op::Take {
                    side: Side::Buy,
                    price: 103,
                    qty: 25
                },
            ]
        );
        ops.clear();
        // everything there is eaten: the next book starts from nothing
        ladder.set(&[(100, 50)], &[(103, 7)], &mut ops);
        assert_eq!(
            ops,
            [Op::Place {
                name: 5,
                maker: 0,
                side: Side::Sell,
                price: 103,
                qty: 7
            }]
        );
    }

    #[test]
    fn orders_below_the_least_notional_are_never_planned() {
        let mut ladder = Ladder::new(1, 1_000);
        let mut ops = Vec::new();
        ladder.set(&[(100, 3)], &[(101, 25)], &mut ops);
        ladder.trade(Side::Sell, 100, 1, &mut ops);
        ladder.set(&[(100, 14)], &[(101, 26)], &mut ops);
        for op in ops {
            let (Op::Place { qty, .. } | Op::Amend { qty, .. } | Op::Take { qty, .. }) = op else {
                continue;
            };
            assert!(qty >= 10, "{op:?}");
        }
    }

    #[test]
    fn what_users_took_is_planned_again() {
        let mut ladder = Ladder::new(1, 100);
        settled(&mut ladder, &[(100, 50)], &[(101, 50)]);
        ladder.opened(OrderId(2), 0, Seq(9));
        ladder.opened(OrderId(1), 10, Seq(9));
        ladder.opened(OrderId(1), 30, Seq(8));
        ladder.settle();
        assert_eq!(ladder.best(Side::Sell), None);
        assert_eq!(settled(&mut ladder, &[(100, 50)], &[(101, 50)]), 2);
        assert_eq!(ladder.best(Side::Sell), Some((101, 50)));
        assert_eq!(ladder.best(Side::Buy), Some((100, 50)));
    }
}
