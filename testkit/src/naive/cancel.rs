//! Taking orders out.

use protocol::{
    CancelAll, CancelOrder, CancelReplace, CancelReplaceMode, CancelReplaced, CancelRestriction,
    CloseReason, Event, Events, ListReply, MarketStatus, Order, OrderClosed, OrderKey, OrderStatus,
    Reject, RejectCode, Reply,
};
use types::{AccountId, ClientId, Decimal, OrderId, Time, Wallet};

use super::check::Ahead;
use super::{Market, Naive};

pub(super) fn find<'a>(
    mut orders: impl Iterator<Item = &'a Order>,
    actor: AccountId,
    key: &OrderKey,
) -> Result<&'a Order, RejectCode> {
    let named = |o: &&Order| match key {
        OrderKey::Id(id) => o.id == *id,
        OrderKey::ClientId(name) => o.client_id == *name,
        OrderKey::Both(keys) => o.id == keys.id,
    };
    let order = orders
        .find(|o| o.account == actor && named(o))
        .ok_or(RejectCode::UnknownOrder)?;
    match key {
        OrderKey::Both(keys) if order.client_id != keys.client_id => {
            Err(RejectCode::ClientIdMismatch)
        }
        _ => Ok(order),
    }
}

pub(super) fn cancelable(market: &Market) -> Result<(), RejectCode> {
    match market.instrument.status {
        MarketStatus::Halt | MarketStatus::Break | MarketStatus::EndOfDay => {
            Err(RejectCode::CancelClosed)
        }
        MarketStatus::Trading | MarketStatus::CancelOnly => Ok(()),
    }
}

impl Naive {
    fn check_cancel(&self, actor: AccountId, c: &CancelOrder) -> Result<OrderId, RejectCode> {
        let market = &self.markets[self.at(c.instrument)?];
        cancelable(market)?;
        let order = find(market.open(), actor, &c.order)?;
        let executed = order.executed_qty.0 > 0;
        let wrong = match c.restriction {
            None => false,
            Some(CancelRestriction::OnlyNew) => executed,
            Some(CancelRestriction::OnlyPartiallyFilled) => !executed,
        };
        match wrong {
            true => Err(RejectCode::CancelRestricted),
            false => Ok(order.id),
        }
    }

    /// Ends one open order, wherever it is.
    pub(super) fn close(
        &mut self,
        time: Time,
        at: usize,
        id: OrderId,
        (reason, client_id): (CloseReason, ClientId),
        events: &mut Events,
    ) -> Order {
        let market = &mut self.markets[at];
        let mut closed = OrderClosed {
            instrument: market.instrument.id,
            order: id,
            account: AccountId(0),
            reason,
            open_qty: Decimal::ZERO,
            client_id,
            update: None,
        };
        let (mut order, (asset, held));
        if let Some(i) = market.book.iter().position(|r| r.order.id == id) {
            let resting = market.book.remove(i);
            order = resting.order;
            (asset, held) = market.hold(order.side, order.price, order.open_qty());
            closed.open_qty = resting.shown;
            closed.update = Some(market.next_update());
        } else {
            let waiting = market.take_waiting(id);
            order = waiting.order;
            (asset, held) = waiting.hold;
            closed.open_qty = order.open_qty();
        }
        closed.account = order.account;
        self.add(order.account, Wallet::SPOT, asset, held, -held);
        order.status = match reason {
            CloseReason::Canceled => OrderStatus::Canceled,
            _ => OrderStatus::Expired,
        };
        order.updated_at = time;
        events.push(Event::OrderClosed(closed));
        order
    }

    /// Cancels one order, or the list that it is a part of.
    pub(super) fn end(
        &mut self,
        time: Time,
        at: usize,
        id: OrderId,
        client_id: ClientId,
        events: &mut Events,
    ) -> Result<Order, ListReply> {
        let market = &self.markets[at];
        match market.list_of(id).map(|i| market.lists[i].told.id) {
            Some(list) => Err(self.end_list(time, at, list, client_id, events)),
            None => Ok(self.close(time, at, id, (CloseReason::Canceled, client_id), events)),
        }
    }

    /// The same; answers the one order.
    fn end_one(
        &mut self,
        time: Time,
        at: usize,
        id: OrderId,
        client_id: ClientId,
        events: &mut Events,
    ) -> Order {
        let ended = self.end(time, at, id, client_id, events);
        ended.unwrap_or_else(|list| {
            let named = list.orders.into_iter().find(|order| order.id == id);
            named.expect("it was open")
        })
    }

    pub(super) fn cancel(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &CancelOrder,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        let id = self.check_cancel(actor, c)?;
        let at = self.at(c.instrument)?;
        Ok(match self.end(time, at, id, c.client_id, events) {
            Ok(order) => Reply::Canceled(Box::new(order)),
            Err(list) => Reply::ListCanceled(Box::new(list)),
        })
    }

    pub(super) fn cancel_all(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &CancelAll,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        let at = self.at(c.instrument)?;
        cancelable(&self.markets[at])?;
        let (mut orders, mut lists) = (Vec::new(), Vec::new());
        loop {
            // first those in the book, then those that wait, each by age
            let market = &self.markets[at];
            let mine = |o: &&Order| o.account == actor;
            let resting = market.book.iter().map(|r| &r.order).filter(mine);
            let waiting = market.waiting.iter().map(|w| &w.order).filter(mine);
            let oldest = resting.min_by_key(|o| o.id);
            let first = oldest.or(waiting.min_by_key(|o| o.id));
            let Some(id) = first.map(|o| o.id) else {
                break;
            };
            match self.end(time, at, id, c.client_id, events) {
                Ok(order) => orders.push(order),
                Err(list) => {
                    orders.extend(list.orders);
                    lists.push(list.list);
                }
            }
        }
        match orders.is_empty() {
            true => Err(RejectCode::UnknownOrder),
            false => Ok(Reply::CanceledAll(orders, lists)),
        }
    }

    pub(super) fn cancel_replace(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &CancelReplace,
        events: &mut Events,
    ) -> Result<Reply, Reject> {
        if !self.is_user(actor) {
            return Err(RejectCode::NotPermitted.into());
        }
        self.markets[self.at(c.place.instrument)?].check_offers_replacing()?;
        let new = self.draft(time, actor, &c.place, Ahead::default())?;
        if c.cancel.instrument != c.place.instrument {
            return Err(RejectCode::UnsupportedCombination.into());
        }
        let at = self.at(c.place.instrument)?;
        let cancel = self.check_cancel(actor, &c.cancel);
        if let Err(code) = cancel {
            let refuse = |place| Reject::CancelReplace {
                cancel: Some(code),
                place,
            };
            if c.mode == CancelReplaceMode::StopOnFailure {
                return Err(refuse(None));
            }
            self.affords(&new).map_err(|place| refuse(Some(place)))?;
        }
        let cancel = cancel
            .map(|id| self.end_one(time, at, id, c.cancel.client_id, events))
            .map_err(Reject::from);
        let place = match self.affords(&new) {
            Ok(()) => Ok(self.act(time, new, events)),
            Err(code) => Err(code.into()),
        };
        Ok(Reply::CancelReplaced(Box::new(CancelReplaced {
            cancel,
            place,
        })))
    }
}
