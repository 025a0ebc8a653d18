//! Canceling one order, all orders, and one order to place another.

use matching::{Book, OrderRef};
use protocol::{
    CancelAll, CancelOrder, CancelReplace, CancelReplaceMode, CancelReplaced, CancelRestriction,
    CloseReason, Event, Events, ListReply, MarketStatus, Order, OrderClosed, OrderKey, OrderList,
    Reject, RejectCode, Reply,
};
use types::{AccountId, ClientId, InstrumentId, OrderId, Qty, Time};

use crate::Engine;
use crate::conditional::status_after;
use crate::market::{Market, Shape};

/// Where an open order is.
#[derive(Clone, Copy)]
pub(crate) enum Found {
    Book(OrderRef),
    /// A conditional order that has not acted yet.
    Waiting(OrderId),
}

/// Finds an open order of the account, in the book or waiting.
#[inline]
pub(crate) fn find_open(
    market: &Market,
    account: AccountId,
    key: &OrderKey,
) -> Result<Found, RejectCode> {
    let found = find(market, account, key);
    if found != Err(RejectCode::UnknownOrder) || market.waiting.is_empty() {
        return found.map(Found::Book);
    }
    let seat = market
        .live
        .seat_of(account)
        .ok_or(RejectCode::UnknownOrder)?;
    let by_id = |id| {
        let waiting = market.waiting.get(id).filter(|w| w.seat == seat);
        waiting.ok_or(RejectCode::UnknownOrder)
    };
    match key {
        OrderKey::Id(id) => by_id(*id).map(|_| Found::Waiting(*id)),
        OrderKey::ClientId(client_id) => market
            .waiting
            .find_client_id(seat, client_id)
            .map(Found::Waiting)
            .ok_or(RejectCode::UnknownOrder),
        OrderKey::Both(keys) if by_id(keys.id)?.order.client_id != keys.client_id => {
            Err(RejectCode::ClientIdMismatch)
        }
        OrderKey::Both(keys) => Ok(Found::Waiting(keys.id)),
    }
}

/// Finds an open order of the account in the book.
pub(crate) fn find(
    market: &Market,
    account: AccountId,
    key: &OrderKey,
) -> Result<OrderRef, RejectCode> {
    let seat = market
        .live
        .seat_of(account)
        .ok_or(RejectCode::UnknownOrder)?;
    let by_id = |id| {
        market
            .book
            .find(id)
            .filter(|at| market.live.get(at.slot).seat == seat)
    };
    match key {
        OrderKey::Id(id) => by_id(*id).ok_or(RejectCode::UnknownOrder),
        OrderKey::ClientId(client_id) => market
            .live
            .find_client_id(seat, client_id)
            .and_then(|slot| market.book.find(market.live.get(slot).id))
            .ok_or(RejectCode::UnknownOrder),
        OrderKey::Both(keys) => {
            let at = by_id(keys.id).ok_or(RejectCode::UnknownOrder)?;
            if market.live.get(at.slot).client_id != keys.client_id {
                return Err(RejectCode::ClientIdMismatch);
            }
            Ok(at)
        }
    }
}

/// What a cancel ended: an order of a list takes the whole list with it.
pub(crate) enum Canceled {
    One(Box<Order>),
    List(Box<ListReply>),
}

pub(crate) fn found_id(market: &Market, found: Found) -> OrderId {
    match found {
        Found::Book(at) => market.live.get(at.slot).id,
        Found::Waiting(id) => id,
    }
}

pub(crate) fn check_cancelable(market: &Market) -> Result<(), RejectCode> {
    match market.spec.status() {
        MarketStatus::Trading | MarketStatus::CancelOnly => Ok(()),
        MarketStatus::Halt | MarketStatus::Break | MarketStatus::EndOfDay => {
            Err(RejectCode::CancelClosed)
        }
    }
}

impl Engine {
    #[inline]
    pub(crate) fn check_cancel(
        &self,
        actor: AccountId,
        c: &CancelOrder,
    ) -> Result<Found, RejectCode> {
        let market = self.market(c.instrument)?;
        check_cancelable(market)?;
        let at = find_open(market, actor, &c.order)?;
        let executed = match at {
            Found::Book(at) => market.live.get(at.slot).executed.0 > 0,
            Found::Waiting(_) => false,
        };
        let allowed = match c.restriction {
            None => true,
            Some(CancelRestriction::OnlyNew) => !executed,
            Some(CancelRestriction::OnlyPartiallyFilled) => executed,
        };
        if !allowed {
            return Err(RejectCode::CancelRestricted);
        }
        Ok(at)
    }

    /// Takes an open order out, and with it the list that it is a part of.
    #[inline(always)]
    pub(crate) fn cancel_found(
        &mut self,
        time: Time,
        instrument: InstrumentId,
        found: Found,
        client_id: ClientId,
        out: &mut Events,
    ) -> Canceled {
        let at = instrument.0 as usize - 1;
        let market = &self.markets[at];
        let list = match found {
            Found::Book(at) if !market.live.get(at.slot).listed => None,
            _ => market.lists.of(found_id(market, found)),
        };
        match list {
            None => Canceled::One(self.act_cancel(time, instrument, found, client_id, out)),
            Some(list) => {
                let reply = self.act_cancel_list(time, at, list, client_id, out);
                Canceled::List(Box::new(reply))
            }
        }
    }

    /// Takes an open order out and gives its hold back.
    #[inline]
    pub(crate) fn act_cancel(
        &mut self,
        time: Time,
        instrument: InstrumentId,
        found: Found,
        client_id: ClientId,
        out: &mut Events,
    ) -> Box<Order> {
        match found {
            Found::Book(at) => {
                let why = (CloseReason::Canceled, client_id);
                self.close_in_book(time, instrument, at, why, out)
            }
            Found::Waiting(id) => {
                let why = (CloseReason::Canceled, client_id);
                Box::new(self.close_waiting(time, instrument, id, why, out))
            }
        }
    }

    pub(crate) fn close_in_book(
        &mut self,
        time: Time,
        instrument: InstrumentId,
        at: OrderRef,
        (reason, client_id): (CloseReason, ClientId),
        out: &mut Events,
    ) -> Box<Order> {
        let market = &mut self.markets[instrument.0 as usize - 1];
        let resting = market.book.cancel(at).expect("the order was found open");
        let mut live = market.live.remove(at.slot);
        live.updated_at = time;
        let contract = self.registry.contract_at(market.contract);
        let balances = market.balances(live.seat);
        let risked = risk::OpenOrder {
            side: resting.side,
            price: resting.price,
            open: resting.open,
        };
        risk::release(
            &mut self.ledger,
            contract,
            &market.terms,
            risked,
            Qty(0),
            balances,
        );
        let update = market.next_update();
        out.push(Event::OrderClosed(OrderClosed {
            instrument,
            order: live.id,
            account: market.live.seat(live.seat).account,
            reason,
            open_qty: market.qty(resting.shown()),
            client_id,
            update: Some(update),
        }));
        let order = Box::new(market.order(&live, &Shape::of(&resting), status_after(reason)));
        market.forget(&live);
        order
    }

    pub(crate) fn check_cancel_all(
        &self,
        actor: AccountId,
        c: &CancelAll,
    ) -> Result<(), RejectCode> {
        let market = self.market(c.instrument)?;
        check_cancelable(market)?;
        let seat = market.live.seat_of(actor).ok_or(RejectCode::UnknownOrder)?;
        if market.open_orders(seat) == 0 {
            return Err(RejectCode::UnknownOrder);
        }
        Ok(())
    }

    pub(crate) fn act_cancel_all(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &CancelAll,
        out: &mut Events,
    ) -> (Vec<Order>, Vec<OrderList>) {
        let mut canceled = (Vec::new(), Vec::new());
        loop {
            let market = &self.markets[c.instrument.0 as usize - 1];
            let Some(seat) = market.live.seat_of(actor) else {
                return canceled;
            };
            let first = market.live.first_of(seat);
            let in_book = first.and_then(|slot| market.book.find(market.live.get(slot).id));
            let waiting = || market.waiting.first_of(seat).map(Found::Waiting);
            let Some(at) = in_book.map(Found::Book).or_else(waiting) else {
                return canceled;
            };
            match self.cancel_found(time, c.instrument, at, c.client_id, out) {
                Canceled::One(order) => canceled.0.push(*order),
                Canceled::List(list) => {
                    canceled.0.extend(list.orders);
                    canceled.1.push(list.list);
                }
            }
        }
    }

    /// What refuses the whole, and what refuses the cancel.
    fn plan_replace(
        &self,
        time: Time,
        actor: AccountId,
        c: &CancelReplace,
    ) -> Result<(crate::place::Plan, Result<Found, RejectCode>), RejectCode> {
        if !self.is_user(actor) {
            return Err(RejectCode::NotPermitted);
        }
        let market = self.market(c.place.instrument)?;
        market.spec.offers_cancel_replace()?;
        let plan = self.plan(time, actor, &c.place)?;
        if c.cancel.instrument != c.place.instrument {
            return Err(RejectCode::UnsupportedCombination);
        }
        Ok((plan, self.check_cancel(actor, &c.cancel)))
    }

    pub(crate) fn check_cancel_replace(
        &self,
        time: Time,
        actor: AccountId,
        c: &CancelReplace,
    ) -> Result<(), Reject> {
        let (plan, cancel) = self.plan_replace(time, actor, c)?;
        let Err(code) = cancel else {
            return Ok(());
        };
        let place = match c.mode {
            CancelReplaceMode::StopOnFailure => Err(None),
            CancelReplaceMode::AllowFailure => self.feasible(actor, &plan).map_err(Some),
        };
        place.map_err(|place| Reject::CancelReplace {
            cancel: Some(code),
            place,
        })
    }

    pub(crate) fn cancel_replace(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &CancelReplace,
        out: &mut Events,
    ) -> Result<Reply, Reject> {
        self.check_cancel_replace(time, actor, c)?;
        let (plan, cancel) = self.plan_replace(time, actor, c)?;
        // From here on at least one half succeeds: a cancel that was checked, or else a placement that was.
        let cancel = cancel
            .map(|at| {
                let market = &self.markets[plan.market];
                let id = found_id(market, at);
                let name = c.cancel.client_id;
                match self.cancel_found(time, c.cancel.instrument, at, name, out) {
                    Canceled::One(order) => *order,
                    Canceled::List(list) => {
                        let named = list.orders.into_iter().find(|order| order.id == id);
                        named.expect("it was open")
                    }
                }
            })
            .map_err(Reject::from);
        let place = match self.feasible(actor, &plan) {
            Ok(()) => Ok(*self.act_place(time, actor, &c.place, &plan, out)),
            Err(code) => Err(code.into()),
        };
        Ok(Reply::CancelReplaced(Box::new(CancelReplaced {
            cancel,
            place,
        })))
    }
}
