use protocol::{
    AmendOrder, Amended, CancelAll, CancelOrder, CancelReplace, CancelReplaceMode, CancelReplaced,
    CancelRestriction, CloseReason, Event, Events, MarketStatus, Order, OrderAmended, OrderClosed,
    OrderKey, OrderStatus, Reject, RejectCode, Reply,
};
use types::{AccountId, ClientId, Decimal, InstrumentId, Time, Wallet};

use super::place::breaks;
use super::{Market, Naive, SCALE};

fn find(market: &Market, actor: AccountId, key: &OrderKey) -> Result<usize, RejectCode> {
    let own = |test: &dyn Fn(&Order) -> bool| {
        let found = market
            .orders
            .iter()
            .position(|o| o.account == actor && test(o));
        found.ok_or(RejectCode::UnknownOrder)
    };
    match key {
        OrderKey::Id(id) => own(&|o| o.id == *id),
        OrderKey::ClientId(name) => own(&|o| o.client_id == *name),
        OrderKey::Both(keys) => {
            let at = own(&|o| o.id == keys.id)?;
            if market.orders[at].client_id != keys.client_id {
                return Err(RejectCode::ClientIdMismatch);
            }
            Ok(at)
        }
    }
}

fn cancelable(market: &Market) -> Result<(), RejectCode> {
    match market.instrument.status {
        MarketStatus::Halt | MarketStatus::Break | MarketStatus::EndOfDay => {
            Err(RejectCode::CancelClosed)
        }
        MarketStatus::Trading | MarketStatus::CancelOnly => Ok(()),
    }
}

impl Naive {
    fn check_cancel(&mut self, actor: AccountId, c: &CancelOrder) -> Result<usize, RejectCode> {
        let market = self.market(c.instrument)?;
        cancelable(market)?;
        let at = find(market, actor, &c.order)?;
        let status = market.orders[at].status;
        let wrong = match c.restriction {
            None => false,
            Some(CancelRestriction::OnlyNew) => status != OrderStatus::New,
            Some(CancelRestriction::OnlyPartiallyFilled) => status != OrderStatus::PartiallyFilled,
        };
        if wrong {
            return Err(RejectCode::CancelRestricted);
        }
        Ok(at)
    }

    fn end(
        &mut self,
        time: Time,
        instrument: InstrumentId,
        at: usize,
        client_id: ClientId,
        events: &mut Events,
    ) -> Order {
        let market = &mut self.markets[instrument.0 as usize - 1];
        let mut order = market.orders.remove(at);
        let open_qty = order.open_qty();
        let (asset, held) = market.hold(order.side, order.price, open_qty);
        let update = market.next_update();
        self.add(order.account, Wallet::SPOT, asset, held, -held);
        order.status = OrderStatus::Canceled;
        order.updated_at = time;
        events.push(Event::OrderClosed(OrderClosed {
            instrument,
            order: order.id,
            account: order.account,
            reason: CloseReason::Canceled,
            open_qty,
            client_id,
            update: Some(update),
        }));
        order
    }

    pub(super) fn cancel(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &CancelOrder,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        let at = self.check_cancel(actor, c)?;
        let order = self.end(time, c.instrument, at, c.client_id, events);
        Ok(Reply::Canceled(Box::new(order)))
    }

    pub(super) fn cancel_all(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &CancelAll,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        cancelable(self.market(c.instrument)?)?;
        let mut canceled = Vec::new();
        loop {
            let orders = &self.market(c.instrument)?.orders;
            let Some(at) = orders.iter().position(|o| o.account == actor) else {
                break;
            };
            canceled.push(self.end(time, c.instrument, at, c.client_id, events));
        }
        if canceled.is_empty() {
            return Err(RejectCode::UnknownOrder);
        }
        Ok(Reply::CanceledAll(canceled, Vec::new()))
    }

    pub(super) fn cancel_replace(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &CancelReplace,
        events: &mut Events,
    ) -> Result<Reply, Reject> {
        self.check_new(time, actor, &c.place)?;
        if c.cancel.instrument != c.place.instrument {
            return Err(RejectCode::UnsupportedCombination.into());
        }
        let cancel = self.check_cancel(actor, &c.cancel);
        if let Err(code) = cancel {
            let refuse = |place| Reject::CancelReplace {
                cancel: Some(code),
                place,
            };
            if c.mode == CancelReplaceMode::StopOnFailure {
                return Err(refuse(None));
            }
            self.check_possible(actor, &c.place)
                .map_err(|place| refuse(Some(place)))?;
        }
        let cancel = cancel
            .map(|at| self.end(time, c.cancel.instrument, at, c.cancel.client_id, events))
            .map_err(Reject::from);
        let place = match self.check_possible(actor, &c.place) {
            Ok(()) => Ok(self.act(time, actor, &c.place, events)),
            Err(code) => Err(code.into()),
        };
        Ok(Reply::CancelReplaced(Box::new(CancelReplaced {
            cancel,
            place,
        })))
    }

    pub(super) fn amend(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &AmendOrder,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        let market = self.market(c.instrument)?;
        if market.instrument.status != MarketStatus::Trading {
            return Err(RejectCode::AmendClosed);
        }
        let at = find(market, actor, &c.order).map_err(|code| match code {
            RejectCode::UnknownOrder => RejectCode::AmendUnknownOrder,
            other => other,
        })?;
        let filters = market.instrument.filters;
        let order = market.orders[at].clone();
        if c.new_qty.0 <= 0 || breaks(filters.lot_size, c.new_qty) {
            return Err(RejectCode::LotSize);
        }
        if c.new_qty > order.qty {
            return Err(RejectCode::AmendIncrease);
        }
        if c.new_qty == order.qty {
            return Err(RejectCode::AmendNoChange);
        }
        let amends = market.amends.get(&order.id).copied().unwrap_or(0);
        if filters
            .max_num_order_amends
            .is_some_and(|max| amends >= max)
        {
            return Err(RejectCode::MaxNumOrderAmends);
        }
        let notional = i128::from(order.price.0) * i128::from(c.new_qty.0);
        if filters
            .min_notional
            .is_some_and(|f| notional < i128::from(f.min.0) * SCALE)
        {
            return Err(RejectCode::MinNotional);
        }
        if let Some(f) = filters.notional {
            let high = f.max.0 != 0 && notional > i128::from(f.max.0) * SCALE;
            if notional < i128::from(f.min.0) * SCALE || high {
                return Err(RejectCode::Notional);
            }
        }
        let named = |o: &Order| o.account == actor && o.client_id == c.client_id;
        if market.orders.iter().any(|o| named(o) && o.id != order.id) {
            return Err(RejectCode::DuplicateClientId);
        }
        let previous_client_id = order.client_id;
        market.amends.insert(order.id, amends + 1);
        if c.new_qty <= order.executed_qty {
            let order = self.end(time, c.instrument, at, c.client_id, events);
            return Ok(Reply::Amended(Box::new(Amended {
                order,
                previous_client_id,
                list: None,
            })));
        }
        let (_, before) = market.hold(order.side, order.price, order.open_qty());
        let new = &mut market.orders[at];
        new.qty = c.new_qty;
        new.client_id = c.client_id;
        new.updated_at = time;
        let new = new.clone();
        let open_qty = new.open_qty();
        let (asset, after) = market.hold(order.side, order.price, open_qty);
        let update = market.next_update();
        self.add(actor, Wallet::SPOT, asset, before - after, after - before);
        events.push(Event::OrderAmended(OrderAmended {
            instrument: c.instrument,
            order: new.id,
            account: actor,
            qty: Decimal(new.qty.0),
            open_qty,
            client_id: c.client_id,
            update,
        }));
        Ok(Reply::Amended(Box::new(Amended {
            order: new,
            previous_client_id,
            list: None,
        })))
    }
}
