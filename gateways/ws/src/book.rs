//! A book by price levels, kept from events alone, so that the ids of the depth streams are exact: what a level was at an update id is known
//! here at that id, and not at some later moment.

use std::collections::BTreeMap;

use types::{Decimal, Side, UpdateId};

/// Open quantity by price on both sides.
#[derive(Debug, Default)]
pub struct Book {
    /// Quantities in units of 10⁻⁸; wide, because the orders of one level may add up to more than any one may ask.
    bids: BTreeMap<Decimal, i128>,
    asks: BTreeMap<Decimal, i128>,
    /// The last change.
    pub update: UpdateId,
}

/// One side's best level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Level {
    pub price: Decimal,
    pub qty: i128,
}

impl Book {
    /// Adds `delta` to a level. A level without quantity is gone.
    pub fn add(&mut self, side: Side, price: Decimal, delta: i128) {
        let levels = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        let qty = levels.entry(price).or_insert(0);
        *qty = qty.saturating_add(delta);
        if *qty <= 0 {
            levels.remove(&price);
        }
    }

    /// What is open at a price; zero where nothing is.
    #[must_use]
    pub fn qty(&self, side: Side, price: Decimal) -> i128 {
        let levels = match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        };
        levels.get(&price).copied().unwrap_or(0)
    }

    /// Bids and asks, best first.
    pub fn bids(&self) -> impl Iterator<Item = Level> {
        let level = |(price, qty): (&Decimal, &i128)| Level {
            price: *price,
            qty: *qty,
        };
        self.bids.iter().rev().map(level)
    }

    pub fn asks(&self) -> impl Iterator<Item = Level> {
        let level = |(price, qty): (&Decimal, &i128)| Level {
            price: *price,
            qty: *qty,
        };
        self.asks.iter().map(level)
    }

    /// The touch; zeros where a side is empty.
    #[must_use]
    pub fn best(&self) -> (Level, Level) {
        (
            self.bids().next().unwrap_or_default(),
            self.asks().next().unwrap_or_default(),
        )
    }
}

/// The prices that changed since the last frame of a depth stream.
#[derive(Debug)]
pub struct Changes {
    /// `u` of the last frame; the next one starts at the id after it.
    since: UpdateId,
    prices: Vec<(Side, Decimal)>,
    compact_at: usize,
}

const COMPACT_FROM: usize = 1024;

impl Changes {
    #[must_use]
    pub fn from_now(update: UpdateId) -> Changes {
        Changes {
            since: update,
            prices: Vec::new(),
            compact_at: COMPACT_FROM,
        }
    }

    pub fn touch(&mut self, side: Side, price: Decimal) {
        self.prices.push((side, price));
        if self.prices.len() >= self.compact_at {
            self.sort();
            self.compact_at = (self.prices.len() * 2).max(COMPACT_FROM);
        }
    }

    fn sort(&mut self) {
        self.prices
            .sort_unstable_by_key(|(side, price)| (*side as u8, *price));
        self.prices.dedup();
    }

    /// Takes what changed up to `update`: the first id, and each side's prices, best first. `None` when nothing changed.
    pub fn take(&mut self, update: UpdateId) -> Option<(UpdateId, Vec<Decimal>, Vec<Decimal>)> {
        if update == self.since {
            return None;
        }
        self.sort();
        let first = UpdateId(self.since.0 + 1);
        self.since = update;
        self.compact_at = COMPACT_FROM;
        let mut bids = Vec::new();
        let mut asks = Vec::new();
        for (side, price) in self.prices.drain(..) {
            match side {
                Side::Buy => bids.push(price),
                Side::Sell => asks.push(price),
            }
        }
        bids.reverse();
        Some((first, bids, asks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_add_up_and_vanish() {
        let mut book = Book::default();
        book.add(Side::Buy, Decimal(10), 5);
        book.add(Side::Buy, Decimal(10), i128::from(i64::MAX));
        book.add(Side::Buy, Decimal(9), 1);
        book.add(Side::Sell, Decimal(12), 7);
        assert_eq!(
            book.best(),
            (
                Level {
                    price: Decimal(10),
                    qty: i128::from(i64::MAX) + 5
                },
                Level {
                    price: Decimal(12),
                    qty: 7
                }
            )
        );
        book.add(Side::Buy, Decimal(10), -5 - i128::from(i64::MAX));
        assert_eq!(book.qty(Side::Buy, Decimal(10)), 0);
        assert_eq!(book.best().0.price, Decimal(9));
    }

    #[test]
    fn changes_are_named_once_best_first_and_ids_have_no_gap() {
        let mut changes = Changes::from_now(UpdateId(7));
        assert_eq!(changes.take(UpdateId(7)), None);
        for price in [3, 1, 3, 2] {
            changes.touch(Side::Buy, Decimal(price));
            changes.touch(Side::Sell, Decimal(price + 10));
        }
        let prices = |of: &[i64]| of.iter().map(|p| Decimal(*p)).collect::<Vec<_>>();
        assert_eq!(
            changes.take(UpdateId(15)),
            Some((UpdateId(8), prices(&[3, 2, 1]), prices(&[11, 12, 13])))
        );
        assert_eq!(changes.take(UpdateId(15)), None);
        assert_eq!(
            changes.take(UpdateId(16)),
            Some((UpdateId(16), vec![], vec![]))
        );
    }

    #[test]
    fn a_busy_second_does_not_grow_the_list_without_end() {
        let mut changes = Changes::from_now(UpdateId(0));
        for i in 0..100_000_i64 {
            changes.touch(Side::Sell, Decimal(i % 10));
        }
        assert!(changes.prices.capacity() <= 4 * COMPACT_FROM);
        assert_eq!(changes.take(UpdateId(1)).unwrap().2.len(), 10);
    }
}
