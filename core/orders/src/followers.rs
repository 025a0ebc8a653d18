use std::collections::{BTreeMap, BTreeSet};

use types::{OrderId, Price};

/// A trailing delta is in hundredths of a percent.
const WHOLE: i128 = 10_000;

/// Trailing orders that follow the price, grouped by the best price that they have seen.
///
/// All orders of a group and a direction act at prices that depend on their deltas alone, so that the one of the smallest delta says when
/// the group has to be looked at. A price better than the extremes of several groups makes one group of them: the smaller ones move into the
/// largest, so that an order moves O(log n) times in its life. A trade costs O(log n), and the orders that begin to follow, move or act.
#[derive(Debug, Default)]
pub(crate) struct Followers {
    /// They begin with the next trade.
    fresh: BTreeSet<OrderId>,
    /// Those that wait for a higher price and follow it down, and the others.
    above: Trail,
    below: Trail,
    /// Which direction, and which of its groups.
    places: BTreeMap<OrderId, (bool, u64)>,
}

/// One direction. Prices are turned over for orders that follow upwards, so that both look for the lowest and act on the way up.
#[derive(Debug, Default)]
struct Trail {
    groups: BTreeMap<u64, Group>,
    /// No two groups have one extreme.
    by_extreme: BTreeMap<i64, u64>,
    /// When the first of a group acts.
    by_trigger: BTreeSet<(i128, u64)>,
    last_group: u64,
}

#[derive(Debug)]
struct Group {
    extreme: i64,
    /// By delta.
    orders: BTreeSet<(u32, OrderId)>,
}

/// What a trade did to those that follow.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    /// They have begun to follow.
    pub begun: Vec<OrderId>,
    /// They act, with the best price that they had seen.
    pub act: Vec<(OrderId, Price)>,
}

const fn turned(above: bool, price: i64) -> i64 {
    if above { price } else { -price }
}

/// Where an order acts that has seen `extreme`: the first price, turned like it, that has come back by the delta. Exact.
fn trigger(extreme: i64, delta: u32) -> i128 {
    let (extreme, delta) = (i128::from(extreme), i128::from(delta));
    // up by the delta from a low, down by it from a high: away from zero, or towards it, and the next whole tick in either case
    let scaled = extreme * WHOLE + extreme.abs() * delta;
    -(-scaled).div_euclid(WHOLE)
}

impl Group {
    fn trigger(&self) -> Option<i128> {
        let first = self.orders.first();
        first.map(|(delta, _)| trigger(self.extreme, *delta))
    }
}

impl Trail {
    fn place(&mut self, extreme: i64, delta: u32, id: OrderId) -> u64 {
        let number = match self.by_extreme.get(&extreme) {
            Some(number) => *number,
            None => {
                self.last_group += 1;
                self.by_extreme.insert(extreme, self.last_group);
                let orders = BTreeSet::new();
                self.groups
                    .insert(self.last_group, Group { extreme, orders });
                self.last_group
            }
        };
        self.change(number, |group| {
            group.orders.insert((delta, id));
        });
        number
    }

    /// Changes a group's orders; an empty one is forgotten.
    fn change(&mut self, number: u64, change: impl FnOnce(&mut Group)) {
        let Some(group) = self.groups.get_mut(&number) else {
            return;
        };
        let before = group.trigger();
        change(group);
        let after = group.trigger();
        let (extreme, empty) = (group.extreme, group.orders.is_empty());
        if before != after {
            if let Some(trigger) = before {
                self.by_trigger.remove(&(trigger, number));
            }
            if let Some(trigger) = after {
                self.by_trigger.insert((trigger, number));
            }
        }
        if empty {
            self.groups.remove(&number);
            self.by_extreme.remove(&extreme);
        }
    }

    /// Takes a group out.
    fn take(&mut self, number: u64) -> Option<Group> {
        let group = self.groups.remove(&number)?;
        self.by_extreme.remove(&group.extreme);
        if let Some(trigger) = group.trigger() {
            self.by_trigger.remove(&(trigger, number));
        }
        Some(group)
    }

    /// A better price than some have seen: they are one group from here on. `moved` hears of the orders that changed groups.
    fn improve(&mut self, price: i64, mut moved: impl FnMut(OrderId, u64)) {
        let mut largest: Option<(u64, Group)> = None;
        while let Some((extreme, number)) = self.by_extreme.range(price..).next_back() {
            if *extreme == price && largest.is_none() {
                return;
            }
            let number = *number;
            let Some(group) = self.take(number) else {
                return;
            };
            let (into, small) = match largest.take() {
                None => ((number, group), None),
                Some(other) if other.1.orders.len() < group.orders.len() => {
                    ((number, group), Some(other.1))
                }
                Some(other) => (other, Some(group)),
            };
            let (number, mut group) = into;
            for (delta, id) in small.into_iter().flat_map(|small| small.orders) {
                group.orders.insert((delta, id));
                moved(id, number);
            }
            largest = Some((number, group));
        }
        if let Some((number, mut group)) = largest {
            group.extreme = price;
            self.by_extreme.insert(price, number);
            if let Some(trigger) = group.trigger() {
                self.by_trigger.insert((trigger, number));
            }
            self.groups.insert(number, group);
        }
    }

    /// Takes out those that act at this price, with their extremes.
    fn come_back(&mut self, price: i64, mut acts: impl FnMut(OrderId, i64)) {
        while let Some((at, number)) = self.by_trigger.first().copied() {
            if at > i128::from(price) {
                return;
            }
            self.change(number, |group| {
                if let Some((_, id)) = group.orders.pop_first() {
                    acts(id, group.extreme);
                }
            });
        }
    }
}

impl Followers {
    pub fn len(&self) -> usize {
        self.fresh.len() + self.places.len()
    }

    /// An order follows: from this extreme, or from the next trade on.
    pub fn insert(&mut self, id: OrderId, (above, delta): (bool, u32), extreme: Option<Price>) {
        let Some(extreme) = extreme else {
            self.fresh.insert(id);
            return;
        };
        let number = self.trail(above).place(turned(above, extreme.0), delta, id);
        self.places.insert(id, (above, number));
    }

    fn trail(&mut self, above: bool) -> &mut Trail {
        match above {
            true => &mut self.above,
            false => &mut self.below,
        }
    }

    /// The best price that an order has seen, if it follows.
    pub fn extreme(&self, id: OrderId) -> Option<Price> {
        let (above, number) = self.places.get(&id)?;
        let trail = if *above { &self.above } else { &self.below };
        let group = trail.groups.get(number)?;
        Some(Price(turned(*above, group.extreme)))
    }

    /// Takes out an order, if it follows.
    pub fn remove(&mut self, id: OrderId, delta: u32) {
        if self.len() == 0 || self.fresh.remove(&id) {
            return;
        }
        if let Some((above, number)) = self.places.remove(&id) {
            self.trail(above).change(number, |group| {
                group.orders.remove(&(delta, id));
            });
        }
    }

    /// A trade happened. `terms` tells direction and delta of an order that begins.
    pub fn traded(&mut self, price: Price, terms: impl Fn(OrderId) -> (bool, u32)) -> Followed {
        let mut followed = Followed::default();
        if self.len() == 0 {
            return followed;
        }
        let places = &mut self.places;
        for (above, trail) in [(true, &mut self.above), (false, &mut self.below)] {
            let price = turned(above, price.0);
            trail.improve(price, |id, number| {
                places.insert(id, (above, number));
            });
            trail.come_back(price, |id, extreme| {
                places.remove(&id);
                followed.act.push((id, Price(turned(above, extreme))));
            });
        }
        for id in std::mem::take(&mut self.fresh) {
            self.insert(id, terms(id), Some(price));
            followed.begun.push(id);
        }
        followed
    }

    /// # Errors
    /// A sentence about the first index that disagrees.
    pub fn audit(&self) -> Result<(), String> {
        let mut found = 0;
        for (above, trail) in [(true, &self.above), (false, &self.below)] {
            let groups = trail.groups.len();
            if trail.by_extreme.len() != groups || trail.by_trigger.len() != groups {
                return Err(format!(
                    "{groups} groups of trailing orders are indexed otherwise"
                ));
            }
            for (number, group) in &trail.groups {
                let listed = group.trigger().map(|at| (at, *number));
                let known = listed.is_some_and(|at| trail.by_trigger.contains(&at))
                    && trail.by_extreme.get(&group.extreme) == Some(number);
                let placed =
                    |(_, id): &(u32, OrderId)| self.places.get(id) == Some(&(above, *number));
                if !known || !group.orders.iter().all(placed) {
                    return Err(format!(
                        "trailing orders at {} are not found",
                        group.extreme
                    ));
                }
                found += group.orders.len();
            }
        }
        if found != self.places.len() {
            return Err(format!(
                "{found} orders follow and {} are placed",
                self.places.len()
            ));
        }
        Ok(())
    }
}
