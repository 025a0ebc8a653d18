//! Open orders, kept from events, and what their owners are told of them.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use kit::{Json, TimeUnit, words};
use protocol::{
    Allocated, BalanceChanged, BalanceLock, Condition, Event, MatchPrevented, Order, OrderClosed,
    OrderDecremented, OrderKind, OrderList, OrderPegged, OrderPlaced, OrderStatus, Party, StpMode,
    Traded, Transferred, WaitingDecremented, WorkingFloor,
};
use types::{
    AccountId, Amount, AssetId, ClientId, Decimal, InstrumentId, ListId, OrderId, Time,
    TradeGroupId, Wallet,
};

use crate::binary;
use crate::hub::{ConnId, Form, Hub, encode};
use crate::report::{self, Balance, Execution, Half, ListReport, Prevented, Report};

/// What names mean: the assets and instruments that events have told of.
#[derive(Debug, Default)]
pub struct Names {
    pub assets: HashMap<AssetId, (Box<str>, u8)>,
    pub instruments: HashMap<InstrumentId, Named>,
}

#[derive(Clone, Debug)]
pub struct Named {
    pub symbol: Box<str>,
    pub quote_precision: u8,
}

impl Names {
    fn asset(&self, id: AssetId) -> (&str, u8) {
        self.assets
            .get(&id)
            .map_or(("", 8), |(name, precision)| (&**name, *precision))
    }
}

/// One account's subscription on one connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Subscription {
    conn: ConnId,
    id: u32,
}

/// The record that is being told of.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub seq: u64,
    /// Place of the event in its record.
    pub index: usize,
    pub time: Time,
    pub now: Time,
}

impl Moment {
    /// Grows with the journal, below 2^53 for two million million records.
    fn execution_id(&self) -> u64 {
        self.seq
            .saturating_mul(4096)
            .saturating_add(self.index as u64)
    }
}

/// Another dialect that tells the owners of orders what the feed works out. Called on the feed's thread: it must be quick, and never wait.
pub trait Listener: std::fmt::Debug + Send + Sync {
    /// Whether anybody wants to hear about this account's orders.
    fn wants(&self, account: AccountId) -> bool;
    /// Something happened to an order of an account that is wanted.
    fn report(&self, report: &Report<'_>);
    /// Something happened to a list of an account that is wanted.
    fn list(&self, report: &ListReport<'_>);
    /// A record has been followed to its end.
    fn followed(&self, seq: u64, time: Time, events: &[Event]);
}

/// An open list, and the types of its orders.
#[derive(Debug)]
struct Listed {
    list: OrderList,
    kinds: Vec<OrderKind>,
}

#[derive(Debug, Default)]
pub struct Users {
    pub listener: Option<Arc<dyn Listener>>,
    orders: HashMap<(InstrumentId, OrderId), Order>,
    lists: HashMap<ListId, Listed>,
    subscriptions: HashMap<AccountId, Vec<Subscription>>,
    /// The record's prevented matches, with the quantity that would have been exchanged.
    prevented: Vec<(MatchPrevented, Decimal, Option<TradeGroupId>)>,
}

impl Users {
    pub fn subscribe(&mut self, account: AccountId, conn: ConnId, id: u32) {
        let subscription = Subscription { conn, id };
        self.subscriptions
            .entry(account)
            .or_default()
            .push(subscription);
    }

    /// Ends the subscriptions of a connection that `which` names.
    pub fn unsubscribe(&mut self, conn: ConnId, which: impl Fn(u32) -> bool) {
        self.subscriptions.retain(|_, list| {
            list.retain(|other| other.conn != conn || !which(other.id));
            !list.is_empty()
        });
    }

    /// An order that was open when the program started.
    pub fn restore(&mut self, order: &Order) {
        self.orders
            .insert((order.instrument, order.id), order.clone());
    }

    pub fn order(&self, instrument: InstrumentId, id: OrderId) -> Option<&Order> {
        self.orders.get(&(instrument, id))
    }

    /// Follows one event of a record and tells the owners. `later` are the record's events after it.
    pub fn apply(&mut self, hub: &Hub, names: &Names, event: &Event, later: &[Event], at: Moment) {
        match event {
            Event::OrderPlaced(placed) => self.placed(hub, names, placed, later, at),
            Event::Traded(trade) => self.traded(hub, names, trade, later, at),
            Event::OrderClosed(closed) => self.closed(hub, names, closed, at),
            Event::Allocated(e) => self.allocated(hub, names, e, at),
            Event::OrderAmended(e) => {
                let key = (e.instrument, e.order);
                self.amended(hub, names, key, (e.qty, e.client_id), at);
            }
            Event::WaitingAmended(e) => {
                let key = (e.instrument, e.order);
                self.amended(hub, names, key, (e.qty, e.client_id), at);
            }
            Event::WaitingDecremented(e) => self.waiting_decremented(hub, names, e, at),
            Event::OrderTriggered(e) => {
                let key = (e.instrument, e.order);
                if self.condition(key, at, |c| c.triggered_at = Some(at.time))
                    && !self.is_pegged_in(later, key)
                {
                    self.tell_order(hub, names, key, at);
                }
            }
            Event::TrailingStarted(e) => {
                self.condition((e.instrument, e.order), at, |c| {
                    c.trailing_at = Some(at.time)
                });
            }
            Event::ListPlaced(list) | Event::ListEnded(list) => {
                self.list_changed(hub, names, list, later, at);
            }
            Event::OrderActivated(e) => {
                let key = (e.instrument, e.order);
                self.activated(key, e.qty, at);
                if !self.is_pegged_in(later, key) {
                    self.tell_order(hub, names, key, at);
                }
            }
            Event::MatchPrevented(prevented) => self.prevent(prevented),
            Event::MatchPreventedInGroup(of) => {
                if let Some((_, _, group)) = self.prevented.last_mut() {
                    *group = Some(of.group);
                }
            }
            Event::OrderPegged(e) => self.pegged(hub, names, e, at),
            Event::OrderDecremented(e) => self.decremented(hub, names, e, at),
            Event::Transferred(transfer) => self.transferred(hub, names, transfer, at),
            Event::BalanceLocked(lock) => self.locked(hub, names, lock, at),
            _ => {}
        }
    }

    /// Ends a record: tells of the balances that it changed.
    pub fn finish(&mut self, hub: &Hub, names: &Names, events: &[Event], at: Moment) {
        self.prevented.clear();
        if let Some(listener) = &self.listener {
            listener.followed(at.seq, at.time, events);
        }
        if self.subscriptions.is_empty() {
            return;
        }
        let changed = |event: &Event| match event {
            Event::BalanceChanged(change) if change.wallet == Wallet::SPOT => Some(*change),
            _ => None,
        };
        let mut changes: Vec<BalanceChanged> = events
            .iter()
            .filter_map(changed)
            .filter(|change| self.subscriptions.contains_key(&change.account))
            .collect();
        changes.sort_by_key(|change| change.account);
        for of_account in changes.chunk_by(|a, b| a.account == b.account) {
            let balances = || {
                of_account.iter().map(|change| {
                    let (asset, precision) = names.asset(change.asset);
                    Balance {
                        asset,
                        precision,
                        after: *change,
                    }
                })
            };
            self.tell(hub, of_account[0].account, |json| {
                report::account_position(json, balances(), at.time, at.now);
            });
        }
    }

    fn placed(
        &mut self,
        hub: &Hub,
        names: &Names,
        placed: &OrderPlaced,
        later: &[Event],
        at: Moment,
    ) {
        let mut order = placed.order.clone();
        if self.listened(order.account) {
            let mut shown = order.clone();
            if !order.quote_qty.is_zero() {
                shown.qty = executed_of(later, &order);
            }
            self.report(hub, names, &shown, at, |report| report);
        }
        order.updated_at = at.time;
        self.orders.insert((order.instrument, order.id), order);
    }

    fn traded(&mut self, hub: &Hub, names: &Names, trade: &Traded, later: &[Event], at: Moment) {
        for (party, maker) in [(&trade.maker, true), (&trade.taker, false)] {
            let key = (trade.instrument, party.order);
            let Some(order) = self.orders.get_mut(&key) else {
                continue;
            };
            order.executed_qty = Decimal(order.executed_qty.0.saturating_add(trade.qty.0));
            order.executed_quote = order.executed_quote.plus(trade.quote);
            order.updated_at = at.time;
            order.set_floor(WorkingFloor::Exchange);
            let by_quote = !order.quote_qty.is_zero();
            let goes_on = by_quote && later.iter().any(|event| goes_on(event, trade, party));
            order.status = if party.open_qty.is_zero() && !goes_on {
                OrderStatus::Filled
            } else {
                OrderStatus::PartiallyFilled
            };
            let mut after = order.clone();
            if by_quote {
                let more = executed_of(later, &after).0;
                after.qty = Decimal(after.executed_qty.0.saturating_add(more));
            }
            if after.status == OrderStatus::Filled {
                self.orders.remove(&key);
            }
            if self.listened(after.account) {
                let (fee_asset, fee_precision) = names.asset(party.fee_asset);
                let half = Half {
                    trade: Some(trade.trade),
                    allocation: None,
                    price: trade.price,
                    qty: trade.qty,
                    quote: trade.quote,
                    fee: party.fee,
                    fee_precision,
                    fee_asset,
                    maker,
                };
                self.report(hub, names, &after, at, |report| Report {
                    execution: Execution::Trade,
                    half: Some(half),
                    ..report
                });
            }
        }
    }

    /// The venue filled a routed order.
    fn allocated(&mut self, hub: &Hub, names: &Names, e: &Allocated, at: Moment) {
        let key = (e.instrument, e.order);
        let Some(order) = self.orders.get_mut(&key) else {
            return;
        };
        order.executed_qty = Decimal(order.executed_qty.0.saturating_add(e.qty.0));
        order.executed_quote = order.executed_quote.plus(e.quote);
        order.updated_at = at.time;
        order.status = match e.open_qty.is_zero() {
            true => OrderStatus::Filled,
            false => OrderStatus::PartiallyFilled,
        };
        order.set_floor(WorkingFloor::Sor);
        let after = order.clone();
        order.set_floor(e.floor_after(&after));
        if after.status == OrderStatus::Filled {
            self.orders.remove(&key);
        }
        if self.listened(after.account) {
            let (fee_asset, fee_precision) = names.asset(e.fee_asset);
            let half = Half {
                trade: None,
                allocation: Some(e.allocation),
                price: e.price,
                qty: e.qty,
                quote: e.quote,
                fee: e.fee,
                fee_precision,
                fee_asset,
                maker: false,
            };
            self.report(hub, names, &after, at, |report| Report {
                execution: Execution::Trade,
                half: Some(half),
                ..report
            });
        }
    }

    fn closed(&mut self, hub: &Hub, names: &Names, closed: &OrderClosed, at: Moment) {
        let Some(mut order) = self.orders.remove(&(closed.instrument, closed.order)) else {
            return;
        };
        let (status, execution, expiry) = report::end_of(closed.reason);
        order.status = status;
        order.updated_at = at.time;
        if !order.quote_qty.is_zero() {
            order.qty = Decimal(order.executed_qty.0.saturating_add(order.prevented_qty.0));
        }
        if !self.listened(order.account) {
            return;
        }
        let named = !closed.client_id.is_none();
        let prevented = (execution == Execution::TradePrevention)
            .then(|| self.prevention_of(names, &order))
            .flatten();
        self.report(hub, names, &order, at, |report| Report {
            execution,
            client_id: if named {
                closed.client_id
            } else {
                order.client_id
            },
            original_client_id: if named {
                order.client_id
            } else {
                ClientId::NONE
            },
            prevented,
            expiry,
            ..report
        });
    }

    fn amended(
        &mut self,
        hub: &Hub,
        names: &Names,
        key: (InstrumentId, OrderId),
        (qty, client_id): (Decimal, ClientId),
        at: Moment,
    ) {
        let Some(order) = self.orders.get_mut(&key) else {
            return;
        };
        let before = order.client_id;
        order.qty = qty;
        order.client_id = client_id;
        order.updated_at = at.time;
        let after = order.clone();
        if self.listened(after.account) {
            self.report(hub, names, &after, at, |report| Report {
                execution: Execution::Replaced,
                original_client_id: before,
                ..report
            });
        }
        let Some(listed) = after.list().and_then(|id| self.lists.get_mut(&id)) else {
            return;
        };
        for leg in listed
            .list
            .legs
            .iter_mut()
            .filter(|leg| leg.order == after.id)
        {
            leg.client_id = client_id;
        }
        if before != client_id
            && let Some(listed) = after.list().and_then(|id| self.lists.get(&id))
        {
            self.tell_list(hub, names, listed, "UPDATED", at);
        }
    }

    /// A conditional order's price was reached. False when no such order is open.
    fn condition(
        &mut self,
        key: (InstrumentId, OrderId),
        at: Moment,
        change: impl FnOnce(&mut Condition),
    ) -> bool {
        let Some(order) = self.orders.get_mut(&key) else {
            return false;
        };
        order.updated_at = at.time;
        if let Some(condition) = order.condition.as_deref_mut() {
            change(condition);
        }
        true
    }

    /// A list began or ended.
    fn list_changed(
        &mut self,
        hub: &Hub,
        names: &Names,
        list: &OrderList,
        later: &[Event],
        at: Moment,
    ) {
        let placed = list.legs.iter().filter_map(|leg| kind_in(later, leg.order));
        let kinds = match self.lists.remove(&list.id) {
            Some(before) => before.kinds,
            None => placed.collect(),
        };
        let listed = Listed {
            list: list.clone(),
            kinds,
        };
        let status = words::list_status(listed.list.done).0;
        self.tell_list(hub, names, &listed, status, at);
        if !listed.list.done {
            self.lists.insert(listed.list.id, listed);
        }
    }

    /// Something happened to a list as a whole.
    fn tell_list(
        &self,
        hub: &Hub,
        names: &Names,
        listed: &Listed,
        status: &'static str,
        at: Moment,
    ) {
        let list = &listed.list;
        let Some(named) = names.instruments.get(&list.instrument) else {
            return;
        };
        if let Some(listener) = &self.listener
            && listener.wants(list.account)
        {
            listener.list(&ListReport {
                symbol: &named.symbol,
                list,
                kinds: &listed.kinds,
                status,
                time: at.time,
            });
        }
        self.tell(hub, list.account, |json| {
            report::list_status(json, &named.symbol, list, status, at.time, at.now);
        });
    }

    /// A list that was open when the program started; its orders have been restored.
    pub fn restore_list(&mut self, list: &OrderList) {
        let kinds = (list.legs.iter())
            .filter_map(|leg| self.order(list.instrument, leg.order))
            .map(|order| order.kind);
        let listed = Listed {
            list: list.clone(),
            kinds: kinds.collect(),
        };
        self.lists.insert(list.id, listed);
    }

    /// Reports an order that begins to work.
    fn tell_order(&self, hub: &Hub, names: &Names, key: (InstrumentId, OrderId), at: Moment) {
        if let Some(order) = self.orders.get(&key)
            && self.listened(order.account)
        {
            self.report(hub, names, order, at, |report| report);
        }
    }

    /// A pending order of a list began.
    fn activated(&mut self, key: (InstrumentId, OrderId), qty: Decimal, at: Moment) {
        if let Some(order) = self.orders.get_mut(&key) {
            order.status = OrderStatus::New;
            order.qty = qty;
            order.updated_at = at.time;
            order.set_more(|more| more.activated_at = Some(at.time));
        }
    }

    /// A pegged order that had waited took its price, with which it is reported.
    fn pegged(&mut self, hub: &Hub, names: &Names, e: &OrderPegged, at: Moment) {
        let key = (e.instrument, e.order);
        if let Some(order) = self.orders.get_mut(&key) {
            order.price = e.price;
            order.set_more(|more| {
                if let Some(peg) = &mut more.peg {
                    peg.priced = true;
                }
            });
            self.tell_order(hub, names, key, at);
        }
    }

    /// Whether the rest of the record gives a pegged order its price: it is reported then, with that price.
    fn is_pegged_in(&self, later: &[Event], key: (InstrumentId, OrderId)) -> bool {
        let order = self.orders.get(&key);
        let waits = order.and_then(Order::peg).is_some_and(|peg| !peg.priced);
        waits
            && later.iter().any(|event| match event {
                Event::OrderPegged(e) => (e.instrument, e.order) == key,
                _ => false,
            })
    }

    fn prevent(&mut self, prevented: &MatchPrevented) {
        let mut open = i64::MAX;
        let sides = [
            (prevented.maker, prevented.maker_prevented),
            (prevented.taker, prevented.taker_prevented),
        ];
        for (id, qty) in sides {
            if let Some(order) = self.orders.get_mut(&(prevented.instrument, id)) {
                if order.quote_qty.is_zero() {
                    open = open.min(order.open_qty().0);
                }
                order.prevented_qty = Decimal(order.prevented_qty.0.saturating_add(qty.0));
            }
        }
        let open = match prevented.mode {
            StpMode::Decrement | StpMode::Transfer => prevented.maker_prevented.0,
            _ if open == i64::MAX => 0,
            _ => open,
        };
        self.prevented.push((*prevented, Decimal(open), None));
    }

    /// An order goes on with less.
    fn decremented(&mut self, hub: &Hub, names: &Names, e: &OrderDecremented, at: Moment) {
        let Some(order) = self.orders.get_mut(&(e.instrument, e.order)) else {
            return;
        };
        order.updated_at = at.time;
        let mut after = order.clone();
        if !after.quote_qty.is_zero() {
            let used = after.executed_qty.0.saturating_add(after.prevented_qty.0);
            after.qty = Decimal(used.saturating_add(e.open_qty.0));
        }
        if self.listened(after.account) {
            let prevented = self.prevention_of(names, &after);
            self.report(hub, names, &after, at, |report| Report {
                execution: Execution::TradePrevention,
                prevented,
                ..report
            });
        }
    }

    /// A prevented match took something off the other order of a pair: it is told what its pair is told, with its own loss.
    fn waiting_decremented(
        &mut self,
        hub: &Hub,
        names: &Names,
        e: &WaitingDecremented,
        at: Moment,
    ) {
        let Some(order) = self.orders.get_mut(&(e.instrument, e.order)) else {
            return;
        };
        order.prevented_qty = Decimal(order.prevented_qty.0.saturating_add(e.qty.0));
        order.updated_at = at.time;
        let after = order.clone();
        if !self.listened(after.account) {
            return;
        }
        let matched = self.prevented.iter().find(|(prevented, ..)| {
            (prevented.instrument, prevented.id) == (e.instrument, e.prevented)
        });
        let prevented = matched.and_then(|(prevented, match_qty, group)| {
            let named = names.instruments.get(&e.instrument)?;
            Some(Prevented {
                id: e.prevented,
                group: *group,
                last_qty: e.qty,
                counter_order: prevented.taker,
                counter_symbol: &named.symbol,
                match_qty: *match_qty,
                match_price: prevented.price,
                match_quote: quote_rounded_down(prevented.price, *match_qty, named.quote_precision),
            })
        });
        self.report(hub, names, &after, at, |report| Report {
            execution: Execution::TradePrevention,
            prevented,
            ..report
        });
    }

    fn prevention_of<'a>(&self, names: &'a Names, order: &Order) -> Option<Prevented<'a>> {
        let (prevented, match_qty, group) =
            self.prevented.iter().rev().find(|(prevented, ..)| {
                prevented.instrument == order.instrument
                    && (prevented.maker == order.id || prevented.taker == order.id)
            })?;
        let named = names.instruments.get(&order.instrument)?;
        let is_maker = prevented.maker == order.id;
        Some(Prevented {
            id: prevented.id,
            group: *group,
            last_qty: if is_maker {
                prevented.maker_prevented
            } else {
                prevented.taker_prevented
            },
            counter_order: if is_maker {
                prevented.taker
            } else {
                prevented.maker
            },
            counter_symbol: &named.symbol,
            match_qty: *match_qty,
            match_price: prevented.price,
            match_quote: quote_rounded_down(prevented.price, *match_qty, named.quote_precision),
        })
    }

    fn locked(&self, hub: &Hub, names: &Names, lock: &BalanceLock, at: Moment) {
        if self.listened(lock.account) {
            let asset = names.asset(lock.asset);
            self.tell(hub, lock.account, |json| {
                report::external_lock(json, asset, lock.delta, at.time, at.now);
            });
        }
    }

    fn transferred(&self, hub: &Hub, names: &Names, transfer: &Transferred, at: Moment) {
        if transfer.wallet == Wallet::SPOT && self.listened(transfer.account) {
            let asset = names.asset(transfer.asset);
            self.tell(hub, transfer.account, |json| {
                report::balance_update(json, asset, transfer, at.time, at.now);
            });
        }
    }

    fn listened(&self, account: AccountId) -> bool {
        self.subscriptions.contains_key(&account)
            || (self.listener.as_ref()).is_some_and(|listener| listener.wants(account))
    }

    fn report<'a>(
        &self,
        hub: &Hub,
        names: &'a Names,
        order: &'a Order,
        at: Moment,
        fill: impl FnOnce(Report<'a>) -> Report<'a>,
    ) {
        let Some(named) = names.instruments.get(&order.instrument) else {
            return;
        };
        let report = fill(Report {
            symbol: &named.symbol,
            quote_precision: named.quote_precision,
            order,
            execution: Execution::New,
            client_id: order.client_id,
            original_client_id: ClientId::NONE,
            half: None,
            prevented: None,
            expiry: None,
            execution_id: at.execution_id(),
            time: at.time,
            now: at.now,
        });
        if let Some(listener) = &self.listener {
            listener.report(&report);
        }
        self.tell(hub, order.account, |json| report.write(json));
    }

    /// Hands an event to every subscription of an account, encoded once for each unit of time.
    fn tell(&self, hub: &Hub, account: AccountId, write: impl Fn(&mut Json)) {
        let Some(list) = self.subscriptions.get(&account) else {
            return;
        };
        let mut bodies: [Option<Bytes>; 2] = Default::default();
        for subscription in list {
            if let Some(conn) = hub.conn(subscription.conn) {
                let body = bodies[usize::from(conn.unit == TimeUnit::Micros)]
                    .get_or_insert_with(|| encode(conn.unit, &write));
                let frame = event_frame(conn.form, subscription.id, body);
                conn.outbox.push(conn.form.payload(frame));
            }
        }
    }
}

/// The type of an order that the record places.
fn kind_in(events: &[Event], order: OrderId) -> Option<OrderKind> {
    events.iter().find_map(|event| match event {
        Event::OrderPlaced(placed) if placed.order.id == order => Some(placed.order.kind),
        _ => None,
    })
}

/// A user data event as the WebSocket API sends it.
pub fn event_frame(form: Form, subscription: u32, body: &[u8]) -> Bytes {
    if form == Form::Binary {
        return binary::event(Some(subscription), body);
    }
    let mut json = Json::onto(Vec::with_capacity(body.len() + 48), TimeUnit::Millis);
    json.begin().num("subscriptionId", subscription);
    json.raw("event", body).end();
    Bytes::from(json.finish())
}

/// What the rest of the record executes of an order that has just been placed or is taking.
fn executed_of(later: &[Event], order: &Order) -> Decimal {
    let qty = later.iter().map(|event| match event {
        Event::Traded(trade)
            if trade.instrument == order.instrument && trade.taker.order == order.id =>
        {
            trade.qty.0
        }
        _ => 0,
    });
    Decimal(qty.fold(0, i64::saturating_add))
}

/// Whether a later event of the record is about the same order: it was not the last word that nothing is open.
fn goes_on(event: &Event, trade: &Traded, party: &Party) -> bool {
    match event {
        Event::Traded(next) => {
            next.instrument == trade.instrument && next.taker.order == party.order
        }
        Event::OrderClosed(closed) => {
            closed.instrument == trade.instrument && closed.order == party.order
        }
        Event::OrderDecremented(e) => e.instrument == trade.instrument && e.order == party.order,
        _ => false,
    }
}

/// Price x quantity in atoms of the quote asset.
fn quote_rounded_down(price: Decimal, qty: Decimal, precision: u8) -> Amount {
    let product = i128::from(price.0).saturating_mul(i128::from(qty.0));
    let scale = 10_i128.pow(16_u32.saturating_sub(u32::from(precision)));
    Amount(product / scale)
}
