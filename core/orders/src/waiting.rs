use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::{Order, OrderStatus};
use types::{Amount, ClientId, OrderId, Price};

use crate::SeatId;
use crate::followers::Followers;

/// An order that has not acted yet: a conditional one, or a pending order of a list, which waits for another order and holds nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// As it is told: its condition says what it waits for.
    pub order: Order,
    pub seat: SeatId,
    /// Which balance is held (0 base, 1 quote), and how much of it, until it acts.
    pub hold: (u8, Amount),
    /// Waits for a trade at its price or above; else at its price or below.
    pub above: bool,
    /// In ticks; `None` for a trailing order that follows from the next trade on.
    pub stop: Option<Price>,
    /// Hundredths of a percent; zero: not trailing.
    pub delta: u32,
    /// The best price since it began to follow, when it was put in or has stopped: the lowest for an order that waits above, else the highest.
    /// In between, [`WaitingOrders::extreme`] knows.
    pub extreme: Option<Price>,
}

impl Waiting {
    /// Waits for another order of its list.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.order.status == OrderStatus::PendingNew
    }

    /// Direction and delta.
    const fn terms(&self) -> (bool, u32) {
        (self.above, self.delta)
    }

    fn follows(&self) -> bool {
        self.delta != 0 && (self.stop.is_none() || self.extreme.is_some())
    }
}

/// The conditional orders of one instrument, by what they wait for. Those whose price was reached stand in a queue until the engine lets
/// them act.
///
/// A trade costs O(log n) and the orders that it reaches; trailing orders that follow are looked at in groups.
#[derive(Debug, Default)]
pub struct WaitingOrders {
    by_id: BTreeMap<OrderId, Waiting>,
    by_client_id: BTreeMap<(u32, ClientId), OrderId>,
    by_seat: BTreeMap<u32, BTreeSet<OrderId>>,
    above: BTreeSet<(Price, OrderId)>,
    below: BTreeSet<(Price, OrderId)>,
    following: Followers,
    /// Wait for another order.
    pending: BTreeSet<OrderId>,
    reached: VecDeque<OrderId>,
    /// How often the quantities of those were lowered of which any was.
    amends: BTreeMap<OrderId, u32>,
}

/// What a trade did to a waiting order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reached {
    /// It stands in the queue now.
    Triggered(OrderId),
    /// A trailing order's stop price: it follows from here.
    Following(OrderId),
}

impl Reached {
    const fn id(&self) -> OrderId {
        match self {
            Reached::Triggered(id) | Reached::Following(id) => *id,
        }
    }
}

impl WaitingOrders {
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// By id.
    pub fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.by_id.values()
    }

    #[must_use]
    pub fn get(&self, id: OrderId) -> Option<&Waiting> {
        self.by_id.get(&id)
    }

    pub fn get_mut(&mut self, id: OrderId) -> Option<&mut Waiting> {
        self.by_id.get_mut(&id)
    }

    /// The best price that a trailing order has seen since it began to follow.
    #[must_use]
    pub fn extreme(&self, id: OrderId) -> Option<Price> {
        let followed = self.following.extreme(id);
        followed.or_else(|| self.by_id.get(&id)?.extreme)
    }

    #[must_use]
    pub fn find_client_id(&self, seat: SeatId, client_id: &ClientId) -> Option<OrderId> {
        if self.by_client_id.is_empty() {
            return None;
        }
        self.by_client_id.get(&(seat.0, *client_id)).copied()
    }

    /// Gives an order another name.
    pub fn rename(&mut self, id: OrderId, client_id: ClientId) {
        if let Some(waiting) = self.by_id.get_mut(&id) {
            let seat = waiting.seat.0;
            self.by_client_id.remove(&(seat, waiting.order.client_id));
            waiting.order.client_id = client_id;
            self.by_client_id.insert((seat, client_id), id);
        }
    }

    /// How often an order's quantity was lowered.
    #[must_use]
    pub fn amends(&self, id: OrderId) -> u32 {
        self.amends.get(&id).copied().unwrap_or(0)
    }

    pub fn count_amend(&mut self, id: OrderId) {
        *self.amends.entry(id).or_default() += 1;
    }

    /// Puts back what [`WaitingOrders::amends`] said. False when no such order waits.
    #[must_use]
    pub fn restore_amends(&mut self, id: OrderId, amends: u32) -> bool {
        amends > 0 && self.by_id.contains_key(&id) && self.amends.insert(id, amends).is_none()
    }

    /// An order that was taken out goes to the book, or has ended: from here on it is counted elsewhere, or no more.
    pub fn take_amends(&mut self, id: OrderId) -> u32 {
        match self.amends.is_empty() {
            true => 0,
            false => self.amends.remove(&id).unwrap_or(0),
        }
    }

    /// How many wait for one account.
    #[must_use]
    pub fn count_of(&self, seat: SeatId) -> u32 {
        self.by_seat
            .get(&seat.0)
            .map_or(0, |ids| u32::try_from(ids.len()).unwrap_or(u32::MAX))
    }

    /// An account's, oldest first.
    pub fn of(&self, seat: SeatId) -> impl Iterator<Item = &Waiting> {
        let ids = self.by_seat.get(&seat.0).into_iter().flatten();
        ids.filter_map(|id| self.by_id.get(id))
    }

    /// An account's oldest.
    #[must_use]
    pub fn first_of(&self, seat: SeatId) -> Option<OrderId> {
        self.by_seat.get(&seat.0)?.first().copied()
    }

    pub fn insert(&mut self, waiting: Waiting) {
        let (id, seat) = (waiting.order.id, waiting.seat.0);
        if waiting.is_pending() {
            self.pending.insert(id);
        } else if waiting.follows() {
            self.following.insert(id, waiting.terms(), waiting.extreme);
        } else if let Some(stop) = waiting.stop {
            self.side(waiting.above).insert((stop, id));
        }
        self.by_client_id
            .insert((seat, waiting.order.client_id), id);
        self.by_seat.entry(seat).or_default().insert(id);
        self.by_id.insert(id, waiting);
    }

    /// Takes an order out, wherever it stands.
    pub fn remove(&mut self, id: OrderId) -> Option<Waiting> {
        let mut waiting = self.by_id.remove(&id)?;
        waiting.extreme = self.following.extreme(id).or(waiting.extreme);
        let seat = waiting.seat.0;
        self.by_client_id.remove(&(seat, waiting.order.client_id));
        if let Some(ids) = self.by_seat.get_mut(&seat) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_seat.remove(&seat);
            }
        }
        self.following.remove(id, waiting.delta);
        self.pending.remove(&id);
        if let Some(stop) = waiting.stop {
            self.side(waiting.above).remove(&(stop, id));
        }
        if self.reached.front() == Some(&id) {
            self.reached.pop_front();
        } else {
            self.reached.retain(|other| *other != id);
        }
        Some(waiting)
    }

    fn side(&mut self, above: bool) -> &mut BTreeSet<(Price, OrderId)> {
        if above {
            &mut self.above
        } else {
            &mut self.below
        }
    }

    /// A trade happened: what it reached is appended to `out`, lowest stop price first, then oldest; followers after, oldest first.
    pub fn traded(&mut self, price: Price, out: &mut Vec<Reached>) {
        let by_id = &self.by_id;
        // those whose stop price this trade reaches have seen its price already
        let followed = self
            .following
            .traded(price, |id| by_id.get(&id).map_or((true, 1), Waiting::terms));
        let up: Vec<OrderId> = self
            .above
            .range(..=(price, OrderId(u64::MAX)))
            .map(|(_, id)| *id)
            .collect();
        let down: Vec<OrderId> = self
            .below
            .range((price, OrderId(0))..)
            .map(|(_, id)| *id)
            .collect();
        for id in up.into_iter().chain(down) {
            out.push(self.stop_reached(id, price));
        }
        let first = out.len();
        out.extend(followed.begun.into_iter().map(Reached::Following));
        for (id, extreme) in followed.act {
            if let Some(waiting) = self.by_id.get_mut(&id) {
                waiting.extreme = Some(extreme);
            }
            out.push(Reached::Triggered(id));
        }
        out[first..].sort_unstable_by_key(|reached| reached.id());
        let act = out[first..].iter().filter_map(|reached| match reached {
            Reached::Triggered(id) => Some(*id),
            Reached::Following(_) => None,
        });
        self.reached.extend(act);
    }

    fn stop_reached(&mut self, id: OrderId, price: Price) -> Reached {
        let waiting = self.by_id.get(&id).expect("the index holds waiting orders");
        let (above, stop) = (
            waiting.above,
            waiting.stop.expect("it stands under its stop price"),
        );
        let (trailing, terms) = (waiting.delta != 0, waiting.terms());
        self.side(above).remove(&(stop, id));
        if trailing {
            self.following.insert(id, terms, Some(price));
            Reached::Following(id)
        } else {
            self.reached.push_back(id);
            Reached::Triggered(id)
        }
    }

    /// The order that a pending one waits for was filled. False when no such order pends.
    pub fn release(&mut self, id: OrderId) -> bool {
        let pended = self.pending.remove(&id);
        if pended {
            self.reached.push_back(id);
        }
        pended
    }

    /// How many of an account's are conditional, pending or not.
    #[must_use]
    pub fn conditional_of(&self, seat: SeatId) -> u32 {
        let count = self.of(seat).filter(|w| w.order.kind.is_conditional());
        u32::try_from(count.count()).unwrap_or(u32::MAX)
    }

    /// The next that may act.
    #[must_use]
    pub fn next_reached(&self) -> Option<OrderId> {
        self.reached.front().copied()
    }

    /// The queue of those whose price was reached, first come first.
    pub fn queue(&self) -> impl ExactSizeIterator<Item = OrderId> + '_ {
        self.reached.iter().copied()
    }

    /// Puts back what [`WaitingOrders::queue`] said. False when one of them does not wait.
    #[must_use]
    pub fn restore_queue(&mut self, ids: &[OrderId]) -> bool {
        for id in ids {
            let Some(waiting) = self.by_id.get(id) else {
                return false;
            };
            let (above, stop) = (waiting.above, waiting.stop);
            self.following.remove(*id, waiting.delta);
            self.pending.remove(id);
            if let Some(stop) = stop {
                self.side(above).remove(&(stop, *id));
            }
            self.reached.push_back(*id);
        }
        true
    }

    /// # Errors
    /// A sentence about the first index that disagrees.
    pub fn audit(&self) -> Result<(), String> {
        let waiting = self.by_id.len();
        let by_seat: usize = self.by_seat.values().map(BTreeSet::len).sum();
        let placed = self.above.len()
            + self.below.len()
            + self.following.len()
            + self.reached.len()
            + self.pending.len();
        if by_seat != waiting || self.by_client_id.len() != waiting || placed != waiting {
            return Err(format!(
                "{waiting} orders wait, {by_seat} by account, {} client ids, {placed} for a price",
                self.by_client_id.len()
            ));
        }
        self.following.audit()?;
        if let Some(id) = self.amends.keys().find(|id| !self.by_id.contains_key(id)) {
            return Err(format!("order {id} was amended and does not wait"));
        }
        for (id, order) in &self.by_id {
            if self.find_client_id(order.seat, &order.order.client_id) != Some(*id) {
                return Err(format!("waiting order {id} is not found by its client id"));
            }
        }
        Ok(())
    }
}
