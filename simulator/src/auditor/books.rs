//! A book rebuilt from what is told: who stands where, and what of it can be seen.

use std::collections::{BTreeMap, VecDeque};

use types::{Decimal, OrderId, Side};

#[derive(Clone, Debug, Default)]
pub struct Book {
    bids: BTreeMap<Decimal, VecDeque<OrderId>>,
    asks: BTreeMap<Decimal, VecDeque<OrderId>>,
    /// Of each order: where it stands and what it shows.
    places: BTreeMap<OrderId, (Side, Decimal, Decimal)>,
}

impl Book {
    fn side(&mut self, side: Side) -> &mut BTreeMap<Decimal, VecDeque<OrderId>> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    pub fn rest(&mut self, order: OrderId, side: Side, price: Decimal, shown: Decimal) {
        self.side(side).entry(price).or_default().push_back(order);
        self.places.insert(order, (side, price, shown));
    }

    pub fn remove(&mut self, order: OrderId) {
        let Some((side, price, _)) = self.places.remove(&order) else {
            return;
        };
        let levels = self.side(side);
        if let Some(queue) = levels.get_mut(&price) {
            queue.retain(|id| *id != order);
            if queue.is_empty() {
                levels.remove(&price);
            }
        }
    }

    pub fn set(&mut self, order: OrderId, shown: Decimal) {
        if let Some(place) = self.places.get_mut(&order) {
            place.2 = shown;
        }
    }

    /// Takes a part of what is shown; an order that shows nothing any more has left the queue.
    pub fn take(&mut self, order: OrderId, qty: Decimal) -> Result<(), String> {
        let place = self
            .places
            .get_mut(&order)
            .ok_or_else(|| format!("{order:?} is not in the book"))?;
        if place.2 < qty {
            return Err(format!("{order:?} shows {:?} and loses {qty:?}", place.2));
        }
        place.2 = Decimal(place.2.0 - qty.0);
        if place.2.is_zero() {
            self.remove(order);
        }
        Ok(())
    }

    /// An iceberg shows its next part, behind the queue; or less of this one.
    pub fn show(&mut self, order: OrderId, side: Side, price: Decimal, delta: Decimal) {
        match self.places.get_mut(&order) {
            Some(place) => place.2 = Decimal(place.2.0 + delta.0),
            None => self.rest(order, side, price, delta),
        }
    }

    #[must_use]
    pub fn shown(&self, order: OrderId) -> Option<Decimal> {
        self.places.get(&order).map(|place| place.2)
    }

    /// Best price first, and of one price the first that came.
    pub fn is_next(&self, side: Side, price: Decimal, order: OrderId) -> Result<(), String> {
        let best = match side {
            Side::Buy => self.bids.last_key_value(),
            Side::Sell => self.asks.first_key_value(),
        };
        match best {
            Some((at, queue)) if *at == price && queue.front() == Some(&order) => Ok(()),
            other => Err(format!(
                "{order:?} at {price:?} traded out of turn, before {other:?}"
            )),
        }
    }

    #[must_use]
    pub fn touch(&self) -> Option<(Decimal, Decimal)> {
        let (bid, _) = self.bids.last_key_value()?;
        let (ask, _) = self.asks.first_key_value()?;
        Some((*bid, *ask))
    }
}
