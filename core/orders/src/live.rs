use matching::{Owner, SlotIndex};
use protocol::{OrderKind, TimeInForce};
use types::{AccountId, Amount, ClientId, OrderId, Qty, Time, TradeGroupId};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::seats::Seats;
use crate::{NIL, Seat, SeatId};

/// What there is to know of an open order beside what the book knows (side, price, open quantity, self-trade prevention).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct LiveOrder {
    pub id: OrderId,
    pub seat: SeatId,
    pub(crate) next: u32,
    pub(crate) prev: u32,
    pub kind: OrderKind,
    pub tif: TimeInForce,
    /// A part of an order list.
    pub listed: bool,
    /// As placed or last amended.
    pub qty: Qty,
    pub executed: Qty,
    pub prevented: Qty,
    pub executed_quote: Amount,
    pub updated_at: Time,
    pub placed_at: Time,
    pub strategy_id: Option<i64>,
    pub strategy_kind: Option<i32>,
    pub client_id: ClientId,
    /// How often its quantity was lowered.
    pub amends: u32,
    /// Its price came from the book: the market knows how.
    pub pegged: bool,
    /// It could be filled from several books.
    pub routed: bool,
}

impl LiveOrder {
    /// It has fields that only few orders have.
    #[must_use]
    #[inline]
    pub const fn is_rare(&self) -> bool {
        self.listed | self.pegged | self.routed
    }

    /// A record to fill in; `seat` and `id` say whose it is.
    #[must_use]
    pub fn new(id: OrderId, seat: SeatId, client_id: ClientId, qty: Qty, time: Time) -> LiveOrder {
        LiveOrder {
            id,
            seat,
            next: NIL,
            prev: NIL,
            kind: OrderKind::Limit,
            tif: TimeInForce::Gtc,
            listed: false,
            qty,
            executed: Qty(0),
            prevented: Qty(0),
            executed_quote: Amount::ZERO,
            updated_at: time,
            placed_at: time,
            strategy_id: None,
            strategy_kind: None,
            client_id,
            amends: 0,
            pegged: false,
            routed: false,
        }
    }
}

/// The open orders of one instrument.
#[derive(Debug, Default)]
pub struct LiveOrders {
    orders: Vec<Option<LiveOrder>>,
    by_client_id: SlotIndex,
    seats: Seats,
}

impl LiveOrders {
    #[must_use]
    pub fn seat_of(&self, account: AccountId) -> Option<SeatId> {
        self.seats.find(account)
    }

    /// Gives an account, which has none, a seat.
    pub fn take_seat(
        &mut self,
        account: AccountId,
        balances: [u32; 2],
        group: Option<TradeGroupId>,
    ) -> SeatId {
        self.seats.take(account, balances, group)
    }

    /// Makes a seat's orders another party's.
    pub fn set_owner(&mut self, seat: SeatId, owner: Owner) {
        self.seats.get_mut(seat).owner = owner;
    }

    #[must_use]
    pub fn seat(&self, seat: SeatId) -> &Seat {
        self.seats.get(seat)
    }

    pub fn seats(&self) -> impl Iterator<Item = (SeatId, &Seat)> {
        self.seats.iter()
    }

    /// The record at a slot of the book.
    ///
    /// # Panics
    /// When no order is open there.
    #[must_use]
    #[inline]
    pub fn get(&self, slot: u32) -> &LiveOrder {
        self.orders[slot as usize].as_ref().expect("an open order")
    }

    /// # Panics
    /// When no order is open there.
    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut LiveOrder {
        self.orders[slot as usize].as_mut().expect("an open order")
    }

    /// The slot of a seat's open order with this client id.
    #[must_use]
    pub fn find_client_id(&self, seat: SeatId, client_id: &ClientId) -> Option<u32> {
        self.by_client_id.find(hash(seat, client_id), |slot| {
            match &self.orders[slot as usize] {
                Some(order) => order.seat == seat && order.client_id == *client_id,
                None => false,
            }
        })
    }

    /// Adds an order at the slot that the book gave it. A seat's orders stand by age, and so by id: one that had waited for its price goes
    /// before the younger ones that came to the book first.
    pub fn insert(&mut self, slot: u32, mut order: LiveOrder) {
        let at = slot as usize;
        if self.orders.len() <= at {
            self.orders.resize(at + 1, None);
        }
        self.by_client_id
            .insert(hash(order.seat, &order.client_id), slot);
        let seat = self.seats.get_mut(order.seat);
        seat.open += 1;
        let (mut before, mut behind) = (seat.last, NIL);
        while before != NIL && self.get(before).id > order.id {
            behind = before;
            before = self.get(before).prev;
        }
        (order.prev, order.next) = (before, behind);
        match before {
            NIL => self.seats.get_mut(order.seat).first = slot,
            _ => self.get_mut(before).next = slot,
        }
        match behind {
            NIL => self.seats.get_mut(order.seat).last = slot,
            _ => self.get_mut(behind).prev = slot,
        }
        self.orders[at] = Some(order);
    }

    /// Removes an order.
    ///
    /// # Panics
    /// When no order is open there.
    pub fn remove(&mut self, slot: u32) -> LiveOrder {
        let order = self.orders[slot as usize].take().expect("an open order");
        let removed = self
            .by_client_id
            .remove(hash(order.seat, &order.client_id), slot);
        debug_assert!(removed);
        if order.prev != NIL {
            self.get_mut(order.prev).next = order.next;
        }
        if order.next != NIL {
            self.get_mut(order.next).prev = order.prev;
        }
        let seat = self.seats.get_mut(order.seat);
        seat.open -= 1;
        if order.prev == NIL {
            seat.first = order.next;
        }
        if order.next == NIL {
            seat.last = order.prev;
        }
        order
    }

    /// Gives an order another client id; the former is answered.
    pub fn rename(&mut self, slot: u32, client_id: ClientId) -> ClientId {
        let order = self.get_mut(slot);
        let seat = order.seat;
        let former = core::mem::replace(&mut order.client_id, client_id);
        self.by_client_id.remove(hash(seat, &former), slot);
        self.by_client_id.insert(hash(seat, &client_id), slot);
        former
    }

    /// The oldest open order of a seat.
    #[must_use]
    pub fn first_of(&self, seat: SeatId) -> Option<u32> {
        let first = self.seats.get(seat).first;
        (first != NIL).then_some(first)
    }

    /// The next younger one of the same seat.
    #[must_use]
    pub fn next_of(&self, slot: u32) -> Option<u32> {
        let next = self.get(slot).next;
        (next != NIL).then_some(next)
    }

    /// Lists, counters and the index of client ids agree with each other and with the number of orders in the book?
    ///
    /// # Errors
    /// A sentence about the first that does not.
    pub fn audit(&self, in_book: usize) -> Result<(), String> {
        let mut listed = 0;
        for (id, seat) in self.seats.iter() {
            let (mut count, mut prev, mut slot) = (0, NIL, seat.first);
            while slot != NIL {
                let order = self.orders[slot as usize]
                    .as_ref()
                    .ok_or_else(|| format!("slot {slot} in the list of {:?} is empty", id))?;
                let younger = prev == NIL || self.get(prev).id < order.id;
                if order.seat != id || order.prev != prev || !younger || count > self.orders.len() {
                    return Err(format!("the list of open orders of {id:?} is broken"));
                }
                if self.find_client_id(id, &order.client_id) != Some(slot) {
                    return Err(format!("client id {} is not found", order.client_id));
                }
                count += 1;
                prev = slot;
                slot = order.next;
            }
            if seat.last != prev || seat.open as usize != count {
                return Err(format!(
                    "account {} counts {} open orders and lists {count}",
                    seat.account, seat.open
                ));
            }
            listed += count;
        }
        let stored = self.orders.iter().flatten().count();
        if listed != in_book || stored != in_book || self.by_client_id.len() != in_book {
            return Err(format!(
                "{in_book} orders in the book, {stored} records, {listed} listed, {} client ids",
                self.by_client_id.len()
            ));
        }
        Ok(())
    }
}

fn hash(seat: SeatId, client_id: &ClientId) -> u64 {
    xxh3_64_with_seed(client_id.as_bytes(), u64::from(seat.0))
}
