//! Two orders of which one cancels the other have one quantity, and hold once: the one in the book what it needs, the one that waits only
//! what it needs beyond that.
//!
//! Whatever takes a part of one, an amendment or a prevented match, takes it off the other too; what both hold is worked out again.

use contract::Hold;
use ledger::BalanceRef;
use matching::Book;
use orders::Waiting;
use protocol::{Event, Events, OrderStatus, RejectCode, WaitingDecremented};
use types::{AccountId, Amount, ClientId, OrderId, Price, Qty, Side, Time};

use crate::Engine;
use crate::cancel::Found;
use crate::market::Market;

impl Market {
    /// Where an order is, if it is open.
    pub fn place_of(&self, id: OrderId) -> Option<Found> {
        match self.book.find(id) {
            Some(at) => Some(Found::Book(at)),
            None => self.waiting.get(id).map(|_| Found::Waiting(id)),
        }
    }

    pub fn name_of(&self, found: Found) -> ClientId {
        match found {
            Found::Book(at) => self.live.get(at.slot).client_id,
            Found::Waiting(id) => self.waiting.get(id).expect("it waits").order.client_id,
        }
    }

    /// The order that an order of a pair excludes.
    pub fn other_of_pair(&self, id: OrderId) -> Option<OrderId> {
        let list = self.lists.of(id).and_then(|list| self.lists.get(list))?;
        let pair = list.pair();
        let one_of_it = pair.iter().any(|leg| leg.order == id);
        let other = pair.iter().map(|leg| leg.order).find(|leg| *leg != id);
        other.filter(|_| one_of_it)
    }

    /// A pending order whose quantity will be what its list's working order buys.
    pub fn is_unsized(&self, id: OrderId) -> bool {
        let pending = self.waiting.get(id).is_some_and(Waiting::is_pending);
        let list = self.lists.of(id).and_then(|list| self.lists.get(list));
        pending && list.is_some_and(|list| list.told.kind.pays())
    }

    /// A name for an open order that no other one of its owner has.
    pub fn check_new_name(
        &self,
        account: AccountId,
        order: OrderId,
        name: &ClientId,
    ) -> Result<(), RejectCode> {
        let seat = self.live.seat_of(account);
        let in_book = seat.and_then(|seat| self.live.find_client_id(seat, name));
        let rests = in_book.map(|slot| self.live.get(slot).id);
        let waits = seat.and_then(|seat| self.waiting.find_client_id(seat, name));
        if rests.or(waits).is_some_and(|id| id != order) {
            return Err(RejectCode::DuplicateClientId);
        }
        if name.is_none() {
            return Err(RejectCode::UnsupportedCombination);
        }
        Ok(())
    }

    /// The price at which an order that waits is expected to trade; `None` for a pending MARKET order and a trailing one without prices.
    pub fn price_of_waiting(&self, waiting: &Waiting) -> Option<Price> {
        let order = &waiting.order;
        let limit = match order.kind.is_market() || order.price.is_zero() {
            true => None,
            false => self.spec.ticks(order.price),
        };
        let asked = order.condition.as_deref().map(|c| c.asked.stop_price);
        let stop = asked.filter(|stop| !stop.is_zero());
        limit.or_else(|| stop.and_then(|stop| self.spec.ticks(stop)))
    }
}

impl Engine {
    /// What an order that waits needs for `open`, where that does not depend on the price at which it was placed.
    fn need_of_waiting(&self, at: usize, waiting: &Waiting, open: Qty) -> Option<Hold> {
        let market = &self.markets[at];
        let contract = self.registry.contract_at(market.contract);
        let side = waiting.order.side;
        let price = match (market.price_of_waiting(waiting), side) {
            (None, Side::Sell) => Some(Price(1)),
            (price, _) => price,
        };
        price.map(|price| contract.exposure(&market.terms, side, price, open))
    }

    /// Less is open of an order, and of the other of its pair, than `before`: those that wait hold less. What one in the book holds is the
    /// caller's affair, and comes before.
    pub(crate) fn hold_again(&mut self, at: usize, id: OrderId, before: Qty) {
        let market = &self.markets[at];
        let list = market.lists.of(id).and_then(|list| market.lists.get(list));
        let pair = list.map_or(&[][..], |list| list.pair());
        let legs: Vec<OrderId> = match pair.iter().any(|leg| leg.order == id) {
            true => pair.iter().map(|leg| leg.order).collect(),
            false => vec![id],
        };
        let contract = self.registry.contract_at(market.contract);
        let in_book = legs.iter().find_map(|id| market.book.find(*id));
        let resting = in_book.and_then(|place| market.book.get(place));
        let exposed = resting.map(|r| {
            contract
                .exposure(&market.terms, r.side, r.price, r.open)
                .amount
        });
        let mut first = exposed.unwrap_or(Amount::ZERO);
        let mut changes: Vec<(OrderId, BalanceRef, [Amount; 2])> = Vec::with_capacity(2);
        for id in legs {
            let Some(waiting) = market.waiting.get(id).filter(|w| !w.is_pending()) else {
                continue;
            };
            let (leg, held) = waiting.hold;
            let open = market.spec.lots(waiting.order.open_qty()).unwrap_or(Qty(0));
            let need = self.need_of_waiting(at, waiting, open);
            let hold = match need {
                Some(need) => Amount((need.amount.0 - first.0).max(0)),
                None => share_rounded_up(held, open, before),
            };
            first = first.max(need.map_or(hold, |need| need.amount));
            let balance = market.balances(waiting.seat)[usize::from(leg)];
            changes.push((id, balance, [held, hold]));
        }
        for (_, balance, [held, _]) in &changes {
            self.ledger.release(*balance, *held);
        }
        for (id, balance, [_, hold]) in changes {
            self.ledger.hold(balance, hold);
            let waiting = self.markets[at].waiting.get_mut(id).expect("it waits");
            waiting.hold.1 = hold;
        }
    }

    /// A prevented match took `qty` off one of a pair, and so off the other, which waits.
    pub(crate) fn decrement_other(
        &mut self,
        time: Time,
        at: usize,
        order: OrderId,
        (qty, prevented): (Qty, u64),
        out: &mut Events,
    ) {
        let market = &mut self.markets[at];
        let lost = market.qty(qty);
        let other = market.other_of_pair(order);
        let Some(waiting) = other.and_then(|id| market.waiting.get_mut(id)) else {
            return;
        };
        let told = &mut waiting.order;
        let before = told.open_qty();
        told.prevented_qty.0 += lost.0;
        told.updated_at = time;
        debug_assert_eq!(told.status, OrderStatus::New);
        let event = WaitingDecremented {
            instrument: told.instrument,
            order: told.id,
            account: told.account,
            prevented,
            qty: lost,
            open_qty: told.open_qty(),
        };
        let before = market.spec.lots(before).unwrap_or(qty);
        self.hold_again(at, event.order, before);
        out.push(Event::WaitingDecremented(event));
    }
}

/// The part of what was held for `before` that `open` needs.
fn share_rounded_up(held: Amount, open: Qty, before: Qty) -> Amount {
    let (open, before) = (i128::from(open.0), i128::from(before.0.max(1)));
    let rest = (held.0 % before * open + before - 1) / before;
    Amount((held.0 / before * open + rest).min(held.0))
}
