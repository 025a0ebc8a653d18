use std::collections::BTreeMap;

use types::{Decimal, Side, UpdateId};

use crate::model::{Best, Depth};

/// One instrument's book by price level: 10⁻⁸ of base at each price. Sums are wider than one quantity.
#[derive(Debug, Default)]
pub(crate) struct Book {
    bids: BTreeMap<i64, i128>,
    asks: BTreeMap<i64, i128>,
    pub last_update: UpdateId,
}

impl Book {
    fn side(&mut self, side: Side) -> &mut BTreeMap<i64, i128> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    pub fn add(&mut self, side: Side, price: Decimal, qty: Decimal) {
        *self.side(side).entry(price.0).or_insert(0) += i128::from(qty.0);
    }

    pub fn reduce(&mut self, side: Side, price: Decimal, qty: Decimal) {
        let levels = self.side(side);
        if let Some(open) = levels.get_mut(&price.0) {
            *open -= i128::from(qty.0);
            if *open <= 0 {
                levels.remove(&price.0);
            }
        }
    }

    pub fn depth(&self, limit: usize) -> Depth {
        let level = |(price, qty): (&i64, &i128)| (Decimal(*price), fit(*qty));
        Depth {
            last_update: self.last_update,
            bids: self.bids.iter().rev().take(limit).map(level).collect(),
            asks: self.asks.iter().take(limit).map(level).collect(),
        }
    }

    pub fn best(&self) -> Best {
        let level = |(price, qty): (&i64, &i128)| (Decimal(*price), fit(*qty));
        Best {
            last_update: self.last_update,
            bid: self.bids.last_key_value().map(level),
            ask: self.asks.first_key_value().map(level),
        }
    }
}

/// The API's numbers end at 92 billion: a level beyond shows as that.
fn fit(qty: i128) -> Decimal {
    Decimal(i64::try_from(qty).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_add_up_and_vanish() {
        let mut book = Book::default();
        book.add(Side::Buy, Decimal(10), Decimal(3));
        book.add(Side::Buy, Decimal(10), Decimal(4));
        book.add(Side::Buy, Decimal(9), Decimal(1));
        book.add(Side::Sell, Decimal(11), Decimal(i64::MAX));
        book.add(Side::Sell, Decimal(11), Decimal(5));
        assert_eq!(book.best().bid, Some((Decimal(10), Decimal(7))));
        assert_eq!(book.best().ask, Some((Decimal(11), Decimal(i64::MAX))));
        book.reduce(Side::Sell, Decimal(11), Decimal(i64::MAX));
        assert_eq!(book.best().ask, Some((Decimal(11), Decimal(5))));
        book.reduce(Side::Buy, Decimal(10), Decimal(7));
        assert_eq!(book.depth(5).bids, [(Decimal(9), Decimal(1))]);
    }
}
