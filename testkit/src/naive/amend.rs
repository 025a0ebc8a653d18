//! Making orders smaller, and pairs with them.

use protocol::{
    AmendOrder, Amended, Event, Events, IcebergShown, MarketStatus, Order, OrderAmended, OrderKind,
    OrderStatus, RejectCode, Reply, WaitingAmended, WaitingDecremented,
};
use types::{AccountId, ClientId, Decimal, OrderId, Side, Time, Wallet};

use super::cancel::find;
use super::check::asked;
use super::{Market, Naive, by_market};

/// The price at which an order that waits is expected to trade.
fn expected(order: &Order) -> Option<Decimal> {
    let own = Some(order.price).filter(|_| !by_market(order.kind));
    let stop = Some(asked(order).stop_price);
    own.filter(|price| price.0 != 0)
        .or(stop.filter(|price| price.0 != 0))
}

impl Market {
    fn order(&self, id: OrderId) -> &Order {
        let found = self.open().find(|order| order.id == id);
        found.expect("the order is open")
    }

    fn is_in_book(&self, id: OrderId) -> bool {
        self.book.iter().any(|r| r.order.id == id)
    }

    /// The other open order of a pair.
    fn other_of_pair(&self, id: OrderId) -> Option<OrderId> {
        let list = &self.lists[self.list_of(id)?];
        if !list.pairs(id) {
            return None;
        }
        let other = list.pair().iter().map(|leg| leg.order).find(|o| *o != id);
        other.filter(|other| self.open().any(|order| order.id == *other))
    }

    fn check_lower(&self, time: Time, id: OrderId, qty: Decimal) -> Result<(), RejectCode> {
        let order = self.order(id);
        if self.is_in_book(id) {
            return self.notional_filters(order.price, qty);
        }
        if by_market(order.kind) {
            self.market_lot_filter(qty)?;
        }
        if order.kind == OrderKind::Market {
            let lower = Order {
                qty,
                ..order.clone()
            };
            return self.market_notional_filters(time, &lower);
        }
        expected(order).map_or(Ok(()), |price| self.notional_filters(price, qty))
    }
}

impl Naive {
    fn check_amend(
        &self,
        time: Time,
        actor: AccountId,
        c: &AmendOrder,
    ) -> Result<OrderId, RejectCode> {
        let market = &self.markets[self.at(c.instrument)?];
        if market.instrument.status != MarketStatus::Trading {
            return Err(RejectCode::AmendClosed);
        }
        market.check_offers_amends()?;
        let order = find(market.open(), actor, &c.order).map_err(|code| match code {
            RejectCode::UnknownOrder => RejectCode::AmendUnknownOrder,
            other => other,
        })?;
        let list = market.list_of(order.id).map(|i| &market.lists[i]);
        if order.status == OrderStatus::PendingNew && list.is_some_and(|list| list.pays()) {
            return Err(RejectCode::AmendPendingOpo);
        }
        market.lot_filter(c.new_qty)?;
        if c.new_qty > order.qty {
            return Err(RejectCode::AmendIncrease);
        }
        if c.new_qty == order.qty {
            return Err(RejectCode::AmendNoChange);
        }
        let most = market.instrument.filters.max_num_order_amends;
        let amends = market.amends.get(&order.id).copied().unwrap_or(0);
        if most.is_some_and(|max| amends >= max) {
            return Err(RejectCode::MaxNumOrderAmends);
        }
        market.check_lower(time, order.id, c.new_qty)?;
        if let Some(other) = market.other_of_pair(order.id) {
            market.check_lower(time, other, c.new_qty)?;
        }
        let named = |o: &Order| o.account == actor && o.client_id == c.client_id;
        match market.open().any(|o| named(o) && o.id != order.id) {
            true => Err(RejectCode::DuplicateClientId),
            false => Ok(order.id),
        }
    }

    pub(super) fn amend(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &AmendOrder,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        let id = self.check_amend(time, actor, c)?;
        let at = self.at(c.instrument)?;
        let old = self.markets[at].order(id).clone();
        let previous_client_id = old.client_id;
        if c.new_qty.0 <= old.executed_qty.0 + old.prevented_qty.0 {
            let (order, list, related) = match self.end(time, at, id, c.client_id, events) {
                Ok(order) => (order, None, Vec::new()),
                Err(list) => {
                    let (named, others): (Vec<Order>, Vec<Order>) =
                        list.orders.into_iter().partition(|order| order.id == id);
                    let named = named.into_iter().next();
                    (named.expect("it was open"), Some(list.list), others)
                }
            };
            return Ok(Reply::Amended(Box::new(Amended {
                order,
                previous_client_id,
                list,
                related,
            })));
        }
        let order = self.lower(time, at, (id, c.new_qty), c.client_id, events);
        let mut related = Vec::new();
        if let Some(other) = self.markets[at].other_of_pair(id) {
            let name = self.markets[at].order(other).client_id;
            related.push(self.lower(time, at, (other, c.new_qty), name, events));
        }
        self.hold_again(at, id, old.open_qty());
        let market = &self.markets[at];
        let list = market.list_of(id).map(|i| market.lists[i].told.clone());
        Ok(Reply::Amended(Box::new(Amended {
            order,
            previous_client_id,
            list,
            related,
        })))
    }

    fn lower(
        &mut self,
        time: Time,
        at: usize,
        (id, qty): (OrderId, Decimal),
        client_id: ClientId,
        events: &mut Events,
    ) -> Order {
        let market = &mut self.markets[at];
        *market.amends.entry(id).or_default() += 1;
        if let Some(i) = market.list_of(id) {
            let legs = market.lists[i].told.legs.iter_mut();
            for leg in legs.filter(|leg| leg.order == id) {
                leg.client_id = client_id;
            }
        }
        let waiting = market.waiting.iter_mut().find(|w| w.order.id == id);
        if let Some(waiting) = waiting {
            let order = &mut waiting.order;
            (order.qty, order.client_id, order.updated_at) = (qty, client_id, time);
            events.push(Event::WaitingAmended(WaitingAmended {
                instrument: order.instrument,
                order: id,
                account: order.account,
                qty,
                client_id,
            }));
            return order.clone();
        }
        let resting = market.book.iter_mut().find(|r| r.order.id == id);
        let resting = resting.expect("the order is open");
        let held = resting.order.open_qty();
        let order = &mut resting.order;
        (order.qty, order.client_id, order.updated_at) = (qty, client_id, time);
        let open_qty = order.open_qty();
        let less = resting.shown.0 - open_qty.0;
        resting.shown = resting.shown.min(open_qty);
        let order = order.clone();
        self.release(at, &order, held);
        let market = &mut self.markets[at];
        events.push(Event::OrderAmended(OrderAmended {
            instrument: order.instrument,
            order: id,
            account: order.account,
            qty,
            open_qty,
            client_id,
            update: market.next_update(),
        }));
        // of a plain order all is shown, which the amendment itself says
        if order.iceberg_qty().0 > 0 && less > 0 {
            events.push(Event::IcebergShown(IcebergShown {
                instrument: order.instrument,
                order: id,
                side: order.side,
                price: order.price,
                delta: Decimal(-less),
                update: market.next_update(),
            }));
        }
        order
    }

    /// An order that waits, and the other of its pair, hold what is needed now; `before` was open of it.
    fn hold_again(&mut self, at: usize, id: OrderId, before: Decimal) {
        let market = &self.markets[at];
        let pair = market.list_of(id).map(|i| &market.lists[i]);
        let legs: Vec<OrderId> = match pair.filter(|list| list.pairs(id)) {
            Some(list) => list.pair().iter().map(|leg| leg.order).collect(),
            None => vec![id],
        };
        let resting = market.book.iter().find(|r| legs.contains(&r.order.id));
        let mut first = resting.map_or(0, |r| {
            market
                .hold(r.order.side, r.order.price, r.order.open_qty())
                .1
        });
        for id in legs {
            let market = &self.markets[at];
            let waiting = market.waiting.iter().find(|w| w.order.id == id);
            let waiting = waiting.filter(|w| w.order.status != OrderStatus::PendingNew);
            let Some(waiting) = waiting else { continue };
            let (order, open) = (&waiting.order, waiting.order.open_qty());
            let need = match (expected(order), order.side) {
                (Some(price), side) => Some(market.hold(side, price, open).1),
                (None, Side::Sell) => Some(market.base(open)),
                (None, Side::Buy) => None,
            };
            let (asset, held) = waiting.hold;
            let (open, before) = (i128::from(open.0), i128::from(before.0));
            // it was held at a price of the past: the part of that, rounded up
            let share = (held * open + before - 1) / before;
            let hold = need.map_or(share, |need| (need - first).max(0));
            first = first.max(need.unwrap_or(hold));
            let account = order.account;
            self.add(account, Wallet::SPOT, asset, held - hold, hold - held);
            let waiting = self.markets[at].waiting.iter_mut();
            for waiting in waiting.filter(|w| w.order.id == id) {
                waiting.hold.1 = hold;
            }
        }
    }

    /// Prevention took a part of an order: of a pair, the other that waits loses it too.
    pub(super) fn decrement_other(
        &mut self,
        time: Time,
        at: usize,
        order: OrderId,
        (qty, prevented): (Decimal, u64),
        events: &mut Events,
    ) {
        let market = &mut self.markets[at];
        let other = market.other_of_pair(order);
        let waiting = market
            .waiting
            .iter_mut()
            .find(|w| Some(w.order.id) == other);
        let Some(waiting) = waiting else { return };
        let order = &mut waiting.order;
        let before = order.open_qty();
        order.prevented_qty.0 += qty.0;
        order.updated_at = time;
        let event = WaitingDecremented {
            instrument: order.instrument,
            order: order.id,
            account: order.account,
            prevented,
            qty,
            open_qty: order.open_qty(),
        };
        self.hold_again(at, event.order, before);
        events.push(Event::WaitingDecremented(event));
    }
}
