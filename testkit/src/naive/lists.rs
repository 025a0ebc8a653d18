//! Order lists: who follows whom, and what is locked meanwhile.

use protocol::{
    CancelList, CloseReason, Event, Events, ListKind, ListLeg, ListReply, Order, OrderActivated,
    OrderKind, OrderList, OrderPlaced, OrderStatus, PlaceList, PlaceOrder, RejectCode, Reply,
};
use types::{AccountId, ClientId, Decimal, ListId, OrderId, Side, Time, Wallet};

use super::cancel::cancelable;
use super::check::{Ahead, asked, combination, leave_unpriced, peg_fits};
use super::wait::{Stage, Waiting};
use super::{Market, Naive, by_market, conditional, waits};

/// An open list, and what its working order bought for the others.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub told: OrderList,
    pub locked: i128,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// The base asset that changed hands, before and after commission.
    Traded {
        gross: i128,
        net: i128,
    },
    /// A prevented match took something off it, and it goes on.
    Decremented {
        qty: Decimal,
        prevented: u64,
    },
    Filled,
    /// Otherwise than by a cancel.
    Ended,
}

/// How many orders of a list come before those that depend on them.
fn leading(kind: ListKind) -> usize {
    usize::from(kind != ListKind::Oco)
}

fn excludes(kind: ListKind) -> bool {
    matches!(kind, ListKind::Oco | ListKind::Otoco | ListKind::Opoco)
}

fn pays(kind: ListKind) -> bool {
    matches!(kind, ListKind::Opo | ListKind::Opoco)
}

impl List {
    /// The two orders of which one ends the other.
    pub(super) fn pair(&self) -> &[ListLeg] {
        match excludes(self.told.kind) {
            true => &self.told.legs[leading(self.told.kind)..],
            false => &[],
        }
    }

    pub(super) fn pays(&self) -> bool {
        pays(self.told.kind)
    }

    pub(super) fn pairs(&self, order: OrderId) -> bool {
        self.pair().iter().any(|leg| leg.order == order)
    }
}

/// Do these orders make a list of their kind?
fn check_list(c: &PlaceList) -> Result<(), RejectCode> {
    let lead = leading(c.kind);
    let orders = lead + 1 + usize::from(excludes(c.kind));
    let same = |leg: &PlaceOrder| leg.instrument == c.instrument && leg.quote_qty.0 == 0;
    if c.legs.len() != orders || c.client_id.is_none() || !c.legs.iter().all(same) {
        return Err(RejectCode::UnsupportedList);
    }
    let (working, others) = c.legs.split_at(lead);
    let mut wrong = working
        .iter()
        .any(|leg| !matches!(leg.kind, OrderKind::Limit | OrderKind::LimitMaker));
    if pays(c.kind) {
        wrong |= working[0].side != Side::Buy;
        wrong |= others
            .iter()
            .any(|leg| leg.side != Side::Sell || leg.qty.0 != 0);
    }
    if excludes(c.kind) {
        let maker = |leg: &PlaceOrder| leg.kind == OrderKind::LimitMaker;
        wrong |= others[0].side != others[1].side || others[0].qty != others[1].qty;
        wrong |= others.iter().all(maker);
        wrong |= others
            .iter()
            .any(|leg| !maker(leg) && !conditional(leg.kind));
    }
    match wrong {
        true => Err(RejectCode::UnsupportedList),
        false => Ok(()),
    }
}

/// Where one of a pair stands or waits.
fn level(order: &Order) -> Option<Decimal> {
    let price = match waits(order) {
        true => asked(order).stop_price,
        false => order.price,
    };
    Some(price).filter(|price| price.0 != 0)
}

impl Market {
    pub(super) fn list_of(&self, order: OrderId) -> Option<usize> {
        let has = |list: &List| list.told.legs.iter().any(|leg| leg.order == order);
        self.lists.iter().position(has)
    }

    /// The whole lots in what was bought for orders to sell, as coarse as they need.
    fn paid_qty(&self, locked: i128, orders: &[Order]) -> Decimal {
        let lot = self.instrument.lot_size();
        let mut lots = locked / self.base(lot);
        if orders.iter().any(|order| by_market(order.kind))
            && let Some(f) = self.instrument.filters.market_lot_size
            && f.step.0 > 0
        {
            let step = i128::from(f.step.0 / lot.0).max(1);
            lots -= lots % step;
        }
        Decimal(i64::try_from(lots * i128::from(lot.0)).unwrap_or(i64::MAX))
    }
}

impl Naive {
    pub(super) fn note(&mut self, at: usize, order: OrderId, what: What) {
        self.happened.push((at, order, what));
    }

    /// The orders of a new list, unless something about themselves refuses them.
    fn draft_list(
        &self,
        time: Time,
        actor: AccountId,
        c: &PlaceList,
    ) -> Result<Vec<Order>, RejectCode> {
        if !self.is_user(actor) {
            return Err(RejectCode::NotPermitted);
        }
        let market = &self.markets[self.at(c.instrument)?];
        check_list(c)?;
        market.check_offers_list(c.kind)?;
        let mut orders: Vec<Order> = Vec::new();
        for (i, leg) in c.legs.iter().enumerate() {
            let before = orders.iter().filter(|o| conditional(o.kind));
            let ahead = Ahead {
                orders: i,
                algos: before.count(),
                icebergs: orders.iter().filter(|o| o.iceberg_qty().0 != 0).count(),
                pending: i >= 1 && leading(c.kind) == 1,
            };
            orders.push(match pays(c.kind) && i > 0 {
                true => self.draft_unsized(time, actor, leg, (c.legs[0].qty, ahead))?,
                false => self.draft(time, actor, leg, ahead)?,
            });
        }
        let lists = market.lists.iter().filter(|l| l.told.account == actor);
        if let Some(max) = market.instrument.filters.max_num_order_lists
            && lists.clone().count() >= max as usize
        {
            return Err(RejectCode::MaxNumOrderLists);
        }
        self.exchange_lists(actor)?;
        let mut names: Vec<ClientId> = c.legs.iter().map(|leg| leg.client_id).collect();
        names.push(c.client_id);
        names.sort();
        names.dedup();
        let taken = lists.clone().any(|l| l.told.client_id == c.client_id);
        if names.len() != c.legs.len() + 1 || taken {
            return Err(RejectCode::DuplicateClientId);
        }
        Ok(orders)
    }

    /// An order whose quantity will be what another one buys: every check but those of the quantity.
    fn draft_unsized(
        &self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
        (like, ahead): (Decimal, Ahead),
    ) -> Result<Order, RejectCode> {
        let market = &self.markets[self.at(c.instrument)?];
        combination(&PlaceOrder {
            qty: like,
            ..c.clone()
        })?;
        market.check_offers(c)?;
        let mut order = market.new_order(time, actor, c);
        market.lot_filter(like)?;
        peg_fits(c)?;
        market.check_iceberg(&order, like, ahead.icebergs)?;
        if !by_market(order.kind) && (order.peg().is_none() || order.price.0 != 0) {
            market.price_filter(order.price)?;
            market.percent_filters(time, order.side, order.price)?;
        }
        if !conditional(order.kind) && order.peg().is_some() {
            leave_unpriced(&mut order);
        }
        if conditional(order.kind) {
            let stop = asked(&order).stop_price;
            if stop.0 != 0 {
                market.price_filter(stop)?;
            }
            market.algo_filters(&order, ahead.algos)?;
        }
        market.count_filter(actor, ahead.orders)?;
        self.exchange_filters(&order, like, ahead)?;
        market.check_market_state(&order)?;
        Ok(order)
    }

    /// Two orders of which one ends the other: their prices, and the money for the dearer one.
    fn affords_pair(&self, above: &Order, below: &Order) -> Result<(), RejectCode> {
        let market = &self.markets[above.instrument.0 as usize - 1];
        let last = market.trades.last().map(|(_, price, _)| *price);
        let (high, low) = (level(above), level(below));
        let wrong = |a: Option<Decimal>, b: Option<Decimal>| a.zip(b).is_some_and(|(a, b)| a <= b);
        if wrong(high, low) || wrong(high, last) || wrong(last, low) {
            return Err(RejectCode::OcoPrices);
        }
        let ((asset, a), (_, b)) = (self.need(above)?, self.need(below)?);
        match self.free(above.account, Wallet::SPOT, asset) < a.max(b) {
            true => Err(RejectCode::InsufficientBalance),
            false => Ok(()),
        }
    }

    pub(super) fn place_list(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &PlaceList,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        let mut orders = self.draft_list(time, actor, c)?;
        if let ([above, below], ListKind::Oco) = (&orders[..], c.kind) {
            self.affords_pair(above, below)?;
        } else {
            self.affords(&orders[0])?;
        }
        let at = self.at(c.instrument)?;
        self.last_list += 1;
        let id = ListId(self.last_list);
        let lead = leading(c.kind);
        for (i, order) in orders.iter_mut().enumerate() {
            order.id = self.markets[at].next_order();
            order.set_more(|more| more.list = Some(id));
            if lead == 1 && i > 0 {
                order.status = OrderStatus::PendingNew;
            }
        }
        let leg = |order: &Order| ListLeg {
            order: order.id,
            client_id: order.client_id,
        };
        let told = OrderList {
            instrument: c.instrument,
            id,
            account: actor,
            client_id: c.client_id,
            kind: c.kind,
            legs: orders.iter().map(leg).collect(),
            placed_at: time,
            updated_at: time,
            done: false,
        };
        events.push(Event::ListPlaced(Box::new(told.clone())));
        let placed = |order: &Order| {
            Event::OrderPlaced(OrderPlaced {
                order: order.clone(),
            })
        };
        events.extend(orders.iter().map(placed));
        self.markets[at].lists.push(List {
            told: told.clone(),
            locked: 0,
        });
        if lead == 0 {
            self.start_pair(time, at, orders.clone(), events);
        } else {
            let nothing = (self.markets[at].instrument.base, 0);
            for order in orders[1..].iter().cloned() {
                self.markets[at].waiting.push(Waiting {
                    order,
                    hold: nothing,
                    stage: Stage::Pending,
                    extreme: None,
                });
            }
            self.enter(time, at, &mut orders[0], events);
        }
        let reply = ListReply { list: told, orders };
        Ok(Reply::ListPlaced(Box::new(reply)))
    }

    /// The one in the book holds all that it needs; the other, what it needs beyond.
    fn start_pair(&mut self, time: Time, at: usize, orders: Vec<Order>, events: &mut Events) {
        let (later, first): (Vec<Order>, Vec<Order>) = orders.into_iter().partition(waits);
        let mut held = 0;
        for mut order in first.into_iter().chain(later) {
            let (asset, need) = self.need(&order).expect("the pair was checked");
            if waits(&order) {
                self.let_wait(at, order, (asset, (need - held).max(0)));
            } else {
                self.enter(time, at, &mut order, events);
            }
            held = held.max(need);
        }
    }

    /// What follows from everything that happened, in that order.
    pub(super) fn follow_all(&mut self, time: Time, events: &mut Events) {
        let mut next = 0;
        while let Some((at, order, what)) = self.happened.get(next).copied() {
            next += 1;
            self.follow(time, at, (order, what), events);
        }
        self.happened.clear();
    }

    fn follow(
        &mut self,
        time: Time,
        at: usize,
        (order, what): (OrderId, What),
        events: &mut Events,
    ) {
        let market = &mut self.markets[at];
        let Some(i) = market.list_of(order) else {
            return;
        };
        let told = market.lists[i].told.clone();
        if let What::Decremented { qty, prevented } = what {
            return self.decrement_other(time, at, order, (qty, prevented), events);
        }
        if told.kind == ListKind::Oco || told.legs[0].order != order {
            self.close_others(time, at, order, events);
        } else {
            match what {
                What::Decremented { .. } => {}
                What::Traded { gross, net } => self.lock(at, i, gross, net),
                What::Filled => {
                    let first = told.legs[1].order;
                    let pended = market.waiting.iter_mut().find(|w| w.order.id == first);
                    let pended = pended.expect("it pends until its working order is filled");
                    pended.stage = Stage::Reached;
                    market.queue.push(first);
                }
                What::Ended => {
                    let why = (CloseReason::PhaseOneExpired, ClientId::NONE);
                    for leg in &told.legs[1..] {
                        self.close_if_open(time, at, leg.order, why, events);
                    }
                    self.unlock(at, i);
                }
            }
        }
        self.end_if_done(time, at, told.id, events);
    }

    /// One of a pair acts or ended: so does the other end.
    pub(super) fn close_others(
        &mut self,
        time: Time,
        at: usize,
        order: OrderId,
        events: &mut Events,
    ) {
        let market = &self.markets[at];
        let Some(list) = market.list_of(order).map(|i| market.lists[i].clone()) else {
            return;
        };
        if list.pairs(order) {
            let why = (CloseReason::OcoTriggered, ClientId::NONE);
            for leg in list.pair().iter().filter(|leg| leg.order != order) {
                self.close_if_open(time, at, leg.order, why, events);
            }
        }
    }

    fn close_if_open(
        &mut self,
        time: Time,
        at: usize,
        order: OrderId,
        why: (CloseReason, ClientId),
        events: &mut Events,
    ) -> Option<Order> {
        let open = self.markets[at].open().any(|o| o.id == order);
        open.then(|| self.close(time, at, order, why, events))
    }

    /// Locks what a working order bought, whole if the commission can be taken from what is free besides.
    fn lock(&mut self, at: usize, i: usize, gross: i128, net: i128) {
        let market = &self.markets[at];
        let (told, base) = (market.lists[i].told.clone(), market.instrument.base);
        if !pays(told.kind) {
            return;
        }
        let free = self.free(told.account, Wallet::SPOT, base);
        let amount = match free >= gross && self.fees.discount_asset() != Some(base) {
            true => gross,
            false => net.min(free),
        };
        self.markets[at].lists[i].locked += amount;
        self.add(told.account, Wallet::SPOT, base, -amount, amount);
    }

    fn unlock(&mut self, at: usize, i: usize) -> i128 {
        let market = &mut self.markets[at];
        let locked = core::mem::take(&mut market.lists[i].locked);
        let (account, base) = (market.lists[i].told.account, market.instrument.base);
        self.add(account, Wallet::SPOT, base, locked, -locked);
        locked
    }

    fn end_if_done(
        &mut self,
        time: Time,
        at: usize,
        id: ListId,
        events: &mut Events,
    ) -> Option<OrderList> {
        let market = &mut self.markets[at];
        let i = market.lists.iter().position(|l| l.told.id == id)?;
        let legs = &market.lists[i].told.legs;
        if legs
            .iter()
            .any(|leg| market.open().any(|o| o.id == leg.order))
        {
            return None;
        }
        let mut told = market.lists.remove(i).told;
        told.done = true;
        told.updated_at = time;
        events.push(Event::ListEnded(Box::new(told.clone())));
        Some(told)
    }

    /// A working order was filled: the others begin, or none of them.
    pub(super) fn activate(&mut self, time: Time, at: usize, id: OrderId, events: &mut Events) {
        let market = &mut self.markets[at];
        let i = market.list_of(id).expect("a pending order has its list");
        let told = market.lists[i].told.clone();
        let legs = told.legs[1..].iter();
        let mut orders: Vec<Order> = legs
            .map(|leg| market.take_waiting(leg.order).order)
            .collect();
        let locked = self.unlock(at, i);
        let market = &self.markets[at];
        let qty = market.paid_qty(locked, &orders);
        for order in &mut orders {
            order.status = OrderStatus::New;
            order.updated_at = time;
            order.set_more(|more| more.activated_at = Some(time));
            if pays(told.kind) {
                order.qty = qty;
            }
        }
        let mut begun = orders.clone();
        let unpriced = |order: &&mut Order| !waits(order) && order.peg().is_some();
        for order in begun.iter_mut().filter(unpriced) {
            order.price = market.price_now(time, order).unwrap_or(Decimal::ZERO);
        }
        if self.may_begin(&told, &begun).is_err() {
            for order in &orders {
                self.note(at, order.id, What::Ended);
                self.tell_refused(order, events);
            }
            return;
        }
        for order in &orders {
            events.push(Event::OrderActivated(OrderActivated {
                instrument: order.instrument,
                order: order.id,
                account: order.account,
                qty: order.qty,
            }));
        }
        if orders.len() == 2 {
            for order in orders.iter_mut().filter(unpriced) {
                self.price_by_peg(time, at, order, events);
            }
            return self.start_pair(time, at, orders, events);
        }
        for order in orders {
            match waits(&order) {
                true => {
                    let hold = self.need(&order).expect("it was checked");
                    self.let_wait(at, order, hold);
                }
                false => self.act_alone(time, at, order, events),
            }
        }
    }

    fn may_begin(&self, told: &OrderList, orders: &[Order]) -> Result<(), RejectCode> {
        let market = &self.markets[told.instrument.0 as usize - 1];
        for order in orders {
            if pays(told.kind) {
                market.lot_filter(order.qty)?;
                if by_market(order.kind) {
                    market.market_lot_filter(order.qty)?;
                }
                if order.price.0 != 0 {
                    market.notional_filters(order.price, order.qty)?;
                }
                market.check_parts(order, order.qty)?;
            }
            if !waits(order) && order.peg().is_some() && order.price.0 == 0 {
                return Err(RejectCode::PegLiquidity);
            }
            if !market.has_room(order) {
                return Err(RejectCode::MaxNumOrders);
            }
        }
        match orders {
            [above, below] => self.affords_pair(above, below),
            [order] => self.affords(order),
            _ => Ok(()),
        }
    }

    pub(super) fn cancel_list(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &CancelList,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        let at = self.at(c.instrument)?;
        let market = &self.markets[at];
        cancelable(market)?;
        let named = |l: &List| match c.list {
            Some(id) => l.told.id == id,
            None => l.told.client_id == c.list_client_id,
        };
        let agrees = |l: &List| c.list_client_id.is_none() || l.told.client_id == c.list_client_id;
        let mut mine = market.lists.iter().filter(|l| l.told.account == actor);
        let found = mine.find(|l| named(l) && agrees(l));
        let id = found.ok_or(RejectCode::UnknownOrder)?.told.id;
        let reply = self.end_list(time, at, id, c.client_id, events);
        Ok(Reply::ListCanceled(Box::new(reply)))
    }

    /// Cancels whatever is open of a list.
    pub(super) fn end_list(
        &mut self,
        time: Time,
        at: usize,
        id: ListId,
        client_id: ClientId,
        events: &mut Events,
    ) -> ListReply {
        let lists = &self.markets[at].lists;
        let i = lists.iter().position(|l| l.told.id == id);
        let i = i.expect("the list is open");
        let legs = lists[i].told.legs.clone();
        let why = (CloseReason::Canceled, client_id);
        let orders = legs
            .iter()
            .filter_map(|leg| self.close_if_open(time, at, leg.order, why, events))
            .collect();
        self.unlock(at, i);
        let list = self.end_if_done(time, at, id, events);
        ListReply {
            list: list.expect("nothing of it is open"),
            orders,
        }
    }
}
