//! Order lists: several orders of one account and instrument that depend on each other (public documents: order lists, OPO FAQ).
//!
//! * OCO: two orders of which one cancels the other. They have one side and one quantity and stand on both sides of the last price. Held
//!   is what the larger of the two needs: the one that acts first is held as ever, the other only for what it needs beyond.
//! * OTO, OTOCO: the first order works, the others pend: they are `PendingNew`, hold nothing and do nothing. When the working order is
//!   filled whole they are activated behind its record, and must then be affordable like any other; else they end as `Refused`.
//! * OPO, OPOCO: the pending orders sell what the working one bought. What is received is locked at once; the quantity is that amount in
//!   whole lots, and the rest is released when they are activated.
//! * Every order may be an iceberg, and every limit order pegged. A pegged order that goes to the book at once has its price then; one that
//!   waits for a price or for another order has it when it acts, and ends as `Refused` when book or filters do not give it one.
//! * Whatever ends a list in part is in `cascade.rs`; a cancel of one order cancels the whole list.

use contract::Hold;
use orders::{LiveOrder, SeatId, Waiting};
use protocol::{
    CancelList, CloseReason, Event, Events, ListLeg, ListReply, MarketStatus, More, Order,
    OrderKind, OrderList, OrderPlaced, OrderStatus, PlaceList, PlaceOrder, RejectCode,
};
use std::collections::BTreeMap;
use types::{AccountId, Amount, ClientId, Decimal, ListId, OrderId, Price, Side, Time};

use crate::Engine;
use crate::cancel::{check_cancelable, find_open};
use crate::conditional::{Wait, condition_of};
use crate::extras::plan_peg;
use crate::market::Market;
use crate::place::{Ahead, Plan, check_name, check_shape};
use crate::reference;

/// An open list.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub told: OrderList,
    pub seat: SeatId,
    /// Atoms of the base asset that the working order of an OPO bought.
    pub locked: Amount,
}

/// The open lists of one market.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    by_id: BTreeMap<ListId, List>,
    by_name: BTreeMap<(u32, ClientId), ListId>,
    /// Every order of an open list, also those that have ended.
    by_order: BTreeMap<OrderId, More>,
}

impl Lists {
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &List> {
        self.by_id.values()
    }

    pub fn get(&self, id: ListId) -> Option<&List> {
        self.by_id.get(&id)
    }

    pub fn get_mut(&mut self, id: ListId) -> Option<&mut List> {
        self.by_id.get_mut(&id)
    }

    /// The list of an open order.
    pub fn of(&self, order: OrderId) -> Option<ListId> {
        self.by_order.get(&order).and_then(|more| more.list)
    }

    pub fn more(&self, order: OrderId) -> More {
        self.by_order.get(&order).copied().unwrap_or_default()
    }

    pub fn activated(&mut self, order: OrderId, time: Time) {
        let more = self.by_order.entry(order).or_default();
        more.activated_at = Some(time);
    }

    /// An order of a list is called something else now.
    pub fn rename(&mut self, order: OrderId, client_id: ClientId) {
        let list = self.of(order).and_then(|id| self.by_id.get_mut(&id));
        let legs = list.into_iter().flat_map(|list| &mut list.told.legs);
        for leg in legs.filter(|leg| leg.order == order) {
            leg.client_id = client_id;
        }
    }

    pub fn find_name(&self, seat: SeatId, client_id: &ClientId) -> Option<ListId> {
        self.by_name.get(&(seat.0, *client_id)).copied()
    }

    pub fn count_of(&self, seat: SeatId) -> u32 {
        let lists = self.by_id.values().filter(|list| list.seat == seat);
        u32::try_from(lists.count()).unwrap_or(u32::MAX)
    }

    pub fn insert(&mut self, list: List) {
        let id = list.told.id;
        self.by_name.insert((list.seat.0, list.told.client_id), id);
        for leg in &list.told.legs {
            self.by_order.entry(leg.order).or_default().list = Some(id);
        }
        self.by_id.insert(id, list);
    }

    pub fn remove(&mut self, id: ListId) -> Option<List> {
        let list = self.by_id.remove(&id)?;
        self.by_name.remove(&(list.seat.0, list.told.client_id));
        for leg in &list.told.legs {
            self.by_order.remove(&leg.order);
        }
        Some(list)
    }

    /// An order of a snapshot says that it is a part of a list. `None` when it says so twice.
    pub fn announce(&mut self, order: OrderId, more: More) -> Option<()> {
        self.by_order.insert(order, more).is_none().then_some(())
    }
}

impl List {
    /// The orders that wait for the first, or the two of an OCO.
    pub fn others(&self) -> &[ListLeg] {
        &self.told.legs[usize::from(self.told.kind.has_working())..]
    }

    /// The two orders that exclude each other, if there are such.
    pub fn pair(&self) -> &[ListLeg] {
        match self.told.kind.has_pair() {
            true => self.others(),
            false => &[],
        }
    }

    pub fn is_working(&self, order: OrderId) -> bool {
        self.told.kind.has_working() && self.told.legs[0].order == order
    }
}

/// Are these orders, in this order, a list of its kind?
fn check_list(c: &PlaceList) -> Result<(), RejectCode> {
    let kind = c.kind;
    let fits = c.legs.len() == kind.legs()
        && !c.client_id.is_none()
        && c.legs
            .iter()
            .all(|leg| leg.instrument == c.instrument && leg.quote_qty.is_zero());
    if !fits {
        return Err(RejectCode::UnsupportedList);
    }
    let (working, others) = c.legs.split_at(usize::from(kind.has_working()));
    let works = |leg: &PlaceOrder| matches!(leg.kind, OrderKind::Limit | OrderKind::LimitMaker);
    let pays = !kind.pays()
        || working.iter().all(|leg| leg.side == Side::Buy)
            && others
                .iter()
                .all(|leg| leg.side == Side::Sell && leg.qty.is_zero());
    let limit = |leg: &PlaceOrder| leg.kind == OrderKind::LimitMaker;
    let pairs = !kind.has_pair()
        || others[0].side == others[1].side
            && others[0].qty == others[1].qty
            && others
                .iter()
                .all(|leg| limit(leg) || leg.kind.is_conditional())
            && !others.iter().all(limit);
    if working.iter().all(works) && pays && pairs {
        Ok(())
    } else {
        Err(RejectCode::UnsupportedList)
    }
}

/// Where one of a pair waits for the price, or stands in the book.
fn level(plan: &Plan) -> Option<Price> {
    match &plan.wait {
        Some(wait) => wait.stop,
        None => plan.price,
    }
}

impl Market {
    /// The two of a pair, above and below, on both sides of the last price?
    fn check_pair(&self, above: &Plan, below: &Plan) -> Result<(), RejectCode> {
        let (above, below, last) = (level(above), level(below), self.prices.last());
        let wrong = |high: Option<Price>, low: Option<Price>| match (high, low) {
            (Some(high), Some(low)) => high <= low,
            _ => false,
        };
        if wrong(above, below) || wrong(above, last) || wrong(last, below) {
            return Err(RejectCode::OcoPrices);
        }
        Ok(())
    }

    pub fn is_open(&self, order: OrderId) -> bool {
        self.book_holds(order) || self.waiting.get(order).is_some()
    }
}

impl Engine {
    /// Everything about a new list that does not depend on the book or on money: a plan for each of its orders.
    #[cold]
    pub(crate) fn plan_list(
        &self,
        time: Time,
        actor: AccountId,
        c: &PlaceList,
    ) -> Result<Vec<Plan>, RejectCode> {
        if !self.is_user(actor) {
            return Err(RejectCode::NotPermitted);
        }
        let market = self.market(c.instrument)?;
        check_list(c)?;
        market.spec.offers_list(c.kind)?;
        let mut plans: Vec<Plan> = Vec::with_capacity(c.legs.len());
        let mut ahead = Ahead::default();
        for (at, leg) in c.legs.iter().enumerate() {
            ahead.pending = c.kind.has_working() && at > 0;
            let plan = if c.kind.pays() && at > 0 {
                self.plan_unsized(time, actor, leg, (c.legs[0].qty, ahead))?
            } else {
                let mut plan = Plan::of(leg);
                self.plan_into(time, actor, leg, ahead, &mut plan)?;
                plan
            };
            ahead.orders += 1;
            ahead.algos += u32::from(leg.kind.is_conditional());
            ahead.icebergs += u32::from(plan.iceberg.is_some());
            plans.push(plan);
        }
        let seat = market.live.seat_of(actor);
        let lists = seat.map_or(0, |seat| market.lists.count_of(seat));
        market.spec.max_num_order_lists(lists)?;
        self.check_exchange_lists(actor)?;
        let mut names = vec![c.client_id];
        for leg in &c.legs {
            if names.contains(&leg.client_id) {
                return Err(RejectCode::DuplicateClientId);
            }
            names.push(leg.client_id);
        }
        if seat.is_some_and(|seat| market.lists.find_name(seat, &c.client_id).is_some()) {
            return Err(RejectCode::DuplicateClientId);
        }
        Ok(plans)
    }

    /// What an order says of itself, before any filter has looked at it. Its instrument is known.
    fn bare_plan(&self, actor: AccountId, c: &PlaceOrder) -> Plan {
        let at = c.instrument.0 as usize - 1;
        let market = &self.markets[at];
        Plan {
            market: at,
            seat: market.live.seat_of(actor),
            group: self.group(actor),
            side: c.side,
            kind: c.kind,
            tif: c.tif,
            stp: c.stp.unwrap_or(market.spec.instrument().default_stp),
            price: None,
            limit: matching::Limit::Lots(types::Qty(0)),
            quote_qty: Decimal::ZERO,
            iceberg: None,
            peg: None,
            wait: None,
            routed: false,
        }
    }

    /// A pending order whose quantity will be what the working one buys: all checks but those of the quantity.
    fn plan_unsized(
        &self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
        (like, ahead): (Decimal, Ahead),
    ) -> Result<Plan, RejectCode> {
        let market = self.market(c.instrument)?;
        let spec = &market.spec;
        let seat = market.live.seat_of(actor);
        // what it sells at most
        let sized = PlaceOrder {
            qty: like,
            ..c.clone()
        };
        check_shape(&sized)?;
        spec.offers(c)?;
        // the filters of icebergs look at the quantity
        let mut plan = self.bare_plan(actor, c);
        plan.limit = matching::Limit::Lots(spec.qty(like)?);
        if let Some(extras) = c.extras.as_deref() {
            plan_peg(c, extras, &mut plan)?;
            market.plan_iceberg(extras, &mut plan, ahead)?;
        }
        let price = match c.kind.is_market() || (plan.peg.is_some() && c.price.is_zero()) {
            true => None,
            false => Some(spec.price(c.price)?),
        };
        // a peg takes its price when the order begins
        let keeps = plan.peg.is_none() || c.kind.is_conditional();
        plan.price = price.filter(|_| keeps);
        if let Some(price) = price {
            spec.percent_price(c.side, price, |m| market.average(time, m))?;
        }
        if let Some(extras) = c.extras.as_deref().filter(|_| c.kind.is_conditional()) {
            if !extras.stop_price.is_zero() {
                spec.price(extras.stop_price)?;
            }
            if extras.trailing_delta != 0 {
                let profit = matches!(c.kind, OrderKind::TakeProfit | OrderKind::TakeProfitLimit);
                spec.trailing_delta(c.side, profit, extras.trailing_delta)?;
            }
            if spec.instrument().filters.max_num_algo_orders.is_some() {
                let waiting = seat.map_or(0, |seat| market.waiting.conditional_of(seat));
                spec.max_num_algo_orders(waiting + ahead.algos)?;
            }
        }
        spec.max_num_orders(seat.map_or(0, |seat| market.open_orders(seat)) + ahead.orders)?;
        self.check_exchange(actor, &sized, &plan, ahead)?;
        if !spec.instrument().allowed_stp.contains(plan.stp) {
            return Err(RejectCode::StpModeNotAllowed);
        }
        if spec.status() != MarketStatus::Trading {
            return Err(RejectCode::MarketClosed);
        }
        check_name(market, seat, &c.client_id)?;
        plan.limit = matching::Limit::Lots(types::Qty(0));
        Ok(plan)
    }

    /// What depends on the book and on money, as they stand: only of the orders that begin to act or to wait now.
    pub(crate) fn list_feasible(
        &self,
        actor: AccountId,
        c: &PlaceList,
        plans: &[Plan],
    ) -> Result<(), RejectCode> {
        match plans {
            [above, below] if !c.kind.has_working() => self.pair_feasible(actor, above, below),
            _ => self.feasible(actor, &plans[0]),
        }
    }

    pub(crate) fn pair_feasible(
        &self,
        actor: AccountId,
        above: &Plan,
        below: &Plan,
    ) -> Result<(), RejectCode> {
        self.markets[above.market].check_pair(above, below)?;
        let (a, b) = (self.needed(above)?, self.needed(below)?);
        let hold = Hold {
            leg: a.leg,
            amount: a.amount.max(b.amount),
        };
        risk::affordable(self.free(actor, above, hold.leg), hold)
    }

    /// Carries out a list that was found feasible. A working order that is filled at once leaves the others pending in the answer.
    pub(crate) fn act_place_list(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &PlaceList,
        plans: &[Plan],
        out: &mut Events,
    ) -> ListReply {
        let at = plans[0].market;
        let market = &mut self.markets[at];
        let seat = market.seat(actor, plans[0].group, &mut self.ledger);
        self.last_list += 1;
        let first = market.last_order + 1;
        let told = OrderList {
            instrument: c.instrument,
            id: ListId(self.last_list),
            account: actor,
            client_id: c.client_id,
            kind: c.kind,
            legs: (first..)
                .zip(&c.legs)
                .map(|(order, leg)| ListLeg {
                    order: OrderId(order),
                    client_id: leg.client_id,
                })
                .collect(),
            placed_at: time,
            updated_at: time,
            done: false,
        };
        market.lists.insert(List {
            told: told.clone(),
            seat,
            locked: Amount::ZERO,
        });
        out.push(Event::ListPlaced(Box::new(told.clone())));
        let mut opened: Vec<(Plan, LiveOrder, Order)> = Vec::with_capacity(plans.len());
        for (leg, plan) in c.legs.iter().zip(plans) {
            let status = match c.kind.has_working() && !opened.is_empty() {
                true => OrderStatus::PendingNew,
                false => OrderStatus::New,
            };
            let plan = Plan {
                seat: Some(seat),
                ..*plan
            };
            opened.push(self.open_leg((time, seat), leg, plan, status, out));
        }
        let orders = if c.kind.has_working() {
            self.start_working(time, opened, out)
        } else {
            self.start_pair(time, opened, out)
        };
        ListReply { list: told, orders }
    }

    /// Gives an order of a list its id and tells of it.
    fn open_leg(
        &mut self,
        (time, seat): (Time, SeatId),
        c: &PlaceOrder,
        plan: Plan,
        status: OrderStatus,
        out: &mut Events,
    ) -> (Plan, LiveOrder, Order) {
        let market = &mut self.markets[plan.market];
        market.last_order += 1;
        let id = OrderId(market.last_order);
        let mut live = LiveOrder::new(id, seat, c.client_id, plan.qty(), time);
        live.kind = plan.kind;
        live.tif = plan.tif;
        live.strategy_id = c.strategy_id;
        live.strategy_kind = c.strategy_kind;
        live.listed = true;
        let enters = status == OrderStatus::New && plan.wait.is_none();
        if let Some(peg) = plan.peg.filter(|_| enters) {
            live.pegged = true;
            market.note_peg(id, peg);
        }
        let mut order = market.order(&live, &plan.shape(), status);
        order.condition = condition_of(c);
        if plan.peg.is_some() && !enters {
            order.set_more(|more| more.peg = plan.peg);
        }
        out.push(Event::OrderPlaced(OrderPlaced {
            order: order.clone(),
        }));
        (plan, live, order)
    }

    fn start_working(
        &mut self,
        time: Time,
        opened: Vec<(Plan, LiveOrder, Order)>,
        out: &mut Events,
    ) -> Vec<Order> {
        let mut orders = Vec::with_capacity(opened.len());
        let mut opened = opened.into_iter();
        let working = opened.next();
        for (plan, live, order) in opened {
            orders.push(order.clone());
            self.markets[plan.market].waiting.insert(Waiting {
                order,
                seat: live.seat,
                hold: (0, Amount::ZERO),
                above: false,
                stop: None,
                delta: 0,
                extreme: None,
            });
        }
        if let Some((plan, mut live, _)) = working {
            let (status, _) = self.enter(time, &plan, &mut live, out);
            let market = &mut self.markets[plan.market];
            let mut told = market.order(&live, &plan.shape(), status);
            if market.rules.is_some() {
                reference::name_reason(&mut told, out);
            }
            orders.insert(0, told);
            market.forget_unless_open(live.id);
        }
        orders
    }

    /// Both of a pair begin at once: the one in the book first, held as ever; the other is held for what it needs beyond.
    pub(crate) fn start_pair(
        &mut self,
        time: Time,
        opened: Vec<(Plan, LiveOrder, Order)>,
        out: &mut Events,
    ) -> Vec<Order> {
        let orders = opened.iter().map(|(_, _, order)| order.clone()).collect();
        let mut held = Amount::ZERO;
        let (waiting, book): (Vec<_>, Vec<_>) = opened
            .into_iter()
            .partition(|(plan, _, _)| plan.wait.is_some());
        for (plan, live, order) in book.into_iter().chain(waiting) {
            let need = self.needed(&plan).expect("the pair was found feasible");
            match &plan.wait {
                None => {
                    let mut live = live;
                    self.enter(time, &plan, &mut live, out);
                    self.markets[plan.market].forget_unless_open(live.id);
                }
                Some(wait) => {
                    let beyond = Amount((need.amount.0 - held.0).max(0));
                    let hold = Hold {
                        leg: need.leg,
                        amount: beyond,
                    };
                    self.let_wait(&plan, wait, live.seat, order, hold);
                }
            }
            held = held.max(need.amount);
        }
        orders
    }

    pub(crate) fn let_wait(
        &mut self,
        plan: &Plan,
        wait: &Wait,
        seat: SeatId,
        order: Order,
        hold: Hold,
    ) {
        let market = &mut self.markets[plan.market];
        let balances = market.balances(seat);
        self.ledger.hold(balances[hold.leg as usize], hold.amount);
        market.waiting.insert(Waiting {
            order,
            seat,
            hold: (hold.leg as u8, hold.amount),
            above: wait.above,
            stop: wait.stop,
            delta: wait.delta,
            extreme: None,
        });
    }

    /// The list that a cancel names.
    pub(crate) fn check_cancel_list(
        &self,
        actor: AccountId,
        c: &CancelList,
    ) -> Result<(usize, ListId), RejectCode> {
        let market = self.market(c.instrument)?;
        check_cancelable(market)?;
        let seat = market.live.seat_of(actor).ok_or(RejectCode::UnknownOrder)?;
        let named = match c.list {
            Some(id) => Some(id),
            None => market.lists.find_name(seat, &c.list_client_id),
        };
        let list = named
            .and_then(|id| market.lists.get(id))
            .filter(|list| list.seat == seat)
            .filter(|list| c.list_client_id.is_none() || list.told.client_id == c.list_client_id)
            .ok_or(RejectCode::UnknownOrder)?;
        Ok((c.instrument.0 as usize - 1, list.told.id))
    }

    /// Takes out whatever is open of a list.
    #[cold]
    pub(crate) fn act_cancel_list(
        &mut self,
        time: Time,
        at: usize,
        id: ListId,
        client_id: ClientId,
        out: &mut Events,
    ) -> ListReply {
        let list = self.markets[at].lists.get(id).expect("the list is open");
        let told = list.told.clone();
        let mut orders = Vec::with_capacity(told.legs.len());
        for leg in &told.legs {
            let why = (CloseReason::Canceled, client_id);
            orders.extend(self.close_leg(time, at, leg.order, why, out));
        }
        self.unlock(at, id);
        let list = self.end_if_done(time, at, id, out).unwrap_or(told);
        ListReply { list, orders }
    }

    /// Takes out one order of a list, if it is open.
    pub(crate) fn close_leg(
        &mut self,
        time: Time,
        at: usize,
        order: OrderId,
        why: (CloseReason, ClientId),
        out: &mut Events,
    ) -> Option<Order> {
        let market = &self.markets[at];
        let (instrument, list) = (market.id(), market.lists.of(order)?);
        let account = market.lists.get(list)?.told.account;
        let found = find_open(market, account, &protocol::OrderKey::Id(order)).ok()?;
        Some(match found {
            crate::cancel::Found::Book(place) => {
                *self.close_in_book(time, instrument, place, why, out)
            }
            crate::cancel::Found::Waiting(id) => self.close_waiting(time, instrument, id, why, out),
        })
    }

    /// What an OPO had bought is free again.
    pub(crate) fn unlock(&mut self, at: usize, id: ListId) -> Amount {
        let market = &mut self.markets[at];
        let Some(list) = market.lists.get_mut(id) else {
            return Amount::ZERO;
        };
        let locked = core::mem::take(&mut list.locked);
        let seat = list.seat;
        if locked > Amount::ZERO {
            self.ledger.release(market.balances(seat)[0], locked);
        }
        locked
    }

    /// Closes a list of which nothing is open.
    pub(crate) fn end_if_done(
        &mut self,
        time: Time,
        at: usize,
        id: ListId,
        out: &mut Events,
    ) -> Option<OrderList> {
        let market = &mut self.markets[at];
        let list = market.lists.get(id)?;
        if list.told.legs.iter().any(|leg| market.is_open(leg.order)) {
            return None;
        }
        debug_assert_eq!(list.locked, Amount::ZERO);
        let mut told = market.lists.remove(id)?.told;
        told.done = true;
        told.updated_at = time;
        out.push(Event::ListEnded(Box::new(told.clone())));
        Some(told)
    }
}
