//! Events into memory and into the rows that wait for history. One writer: the relay's thread (while opening, the thread that opens).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::RwLock;
use protocol::{
    Allocated, CloseReason, Condition, Event, IcebergShown, MatchPrevented, Order, OrderActivated,
    OrderAmended, OrderClosed, OrderDecremented, OrderPegged, OrderRested, OrderStatus, Traded,
    Transferred, WaitingAmended, WaitingDecremented, WorkingFloor,
};
use types::{AccountId, ClientId, Decimal, InstrumentId, OrderId, Seq, Side, Time, TradeGroupId};

use crate::Inner;
use crate::account::{Account, executed, follow_quote_order};
use crate::history::Chunk;
use crate::market::Market;
use crate::model::{AllocationRow, Amendment, Asset, BlockRow, PreventedMatch, TransferRow};
use crate::tape::TradeRow;

type Key = (InstrumentId, OrderId);

/// A lower quantity of an open order.
struct Lowered {
    key: Key,
    account: AccountId,
    qty: Decimal,
    client_id: ClientId,
}

fn transfer_row(seq: Seq, time: Time, moved: &Transferred) -> TransferRow {
    TransferRow {
        seq,
        account: moved.account,
        wallet: moved.wallet,
        asset: moved.asset,
        delta: moved.delta,
        time,
    }
}

impl Lowered {
    fn of_waiting(e: &WaitingAmended) -> Lowered {
        Lowered {
            key: (e.instrument, e.order),
            account: e.account,
            qty: e.qty,
            client_id: e.client_id,
        }
    }
}

/// What one record has touched so far.
#[derive(Default)]
struct Touched {
    orders: Vec<(AccountId, Key)>,
    /// The trade before, to tell whether the next belongs to the same aggregate.
    aggregate: Option<(InstrumentId, OrderId, Decimal)>,
}

impl Touched {
    fn order(&mut self, account: AccountId, key: Key) {
        // a taker comes back with every trade it makes: its first place is enough
        if self.orders.first() != Some(&(account, key)) {
            self.orders.push((account, key));
        }
    }
}

impl Inner {
    pub(crate) fn market(&self, id: InstrumentId) -> Arc<RwLock<Market>> {
        if let Some(market) = self.markets.read().get(&id) {
            return Arc::clone(market);
        }
        let new = || Arc::new(RwLock::new(Market::new(self.recent_trades)));
        Arc::clone(self.markets.write().entry(id).or_insert_with(new))
    }

    pub(crate) fn account(&self, id: AccountId) -> Arc<RwLock<Account>> {
        if let Some(account) = self.accounts.read().get(&id) {
            return Arc::clone(account);
        }
        Arc::clone(self.accounts.write().entry(id).or_default())
    }

    /// Takes one record. What history must learn goes into `chunk`.
    pub(crate) fn project(&self, seq: Seq, time: Time, events: &[Event], chunk: &mut Chunk) {
        self.last_time.fetch_max(time.0, Ordering::Release);
        let mut touched = Touched::default();
        for event in events {
            self.event(seq, time, event, &mut touched, chunk);
        }
        for (account, key) in touched.orders {
            let account = self.account(account);
            let account = account.read();
            if let Some(order) = account.find(key.0, &protocol::OrderKey::Id(key.1)) {
                chunk.orders.push(order.clone());
            }
        }
        chunk.through = seq;
    }

    fn event(&self, seq: Seq, time: Time, event: &Event, touched: &mut Touched, chunk: &mut Chunk) {
        match event {
            Event::BalanceChanged(change) => {
                self.account(change.account)
                    .write()
                    .set_balance(change, time);
            }
            Event::OrderPlaced(placed) => {
                let order = &placed.order;
                self.account(order.account).write().insert(order.clone());
                touched.order(order.account, (order.instrument, order.id));
            }
            Event::OrderRested(rested) => self.rested(rested),
            Event::Traded(trade) => self.traded(seq, time, trade, touched, chunk),
            Event::OrderClosed(closed) => self.closed(time, closed, touched),
            Event::OrderAmended(amended) => self.amended(seq, time, amended, touched, chunk),
            Event::WaitingAmended(e) => {
                let lowered = Lowered::of_waiting(e);
                self.lowered(seq, time, &lowered, touched, chunk);
            }
            Event::WaitingDecremented(e) => self.waiting_decremented(time, e, touched),
            Event::OrderTriggered(e) => {
                let key = (e.instrument, e.order);
                let act = |c: &mut Condition| c.triggered_at = Some(time);
                self.condition(e.account, key, time, touched, act);
            }
            Event::TrailingStarted(e) => {
                let key = (e.instrument, e.order);
                let follow = |c: &mut Condition| c.trailing_at = Some(time);
                self.condition(e.account, key, time, touched, follow);
            }
            Event::OrderActivated(e) => self.activated(time, e, touched),
            Event::ListPlaced(list) | Event::ListEnded(list) => {
                self.tell(event);
                chunk.lists.push((**list).clone());
            }
            Event::MatchPrevented(p) => self.kept_prevented(seq, time, p, touched, chunk),
            Event::MatchPreventedInGroup(of) => self.group_prevented(of.group, chunk),
            Event::OrderDecremented(e) => self.decremented(e),
            Event::IcebergShown(e) => self.shown(e),
            Event::OrderPegged(e) => self.pegged(e, touched),
            Event::Allocated(e) => self.allocated(seq, time, e, touched, chunk),
            Event::TradeGroupChanged(e) => self.account(e.account).write().group = e.group,
            Event::Transferred(moved) => chunk.transfers.push(transfer_row(seq, time, moved)),
            // the balance that it changed is told behind it
            Event::BalanceLocked(_) => {}
            Event::BlockTraded(traded) => {
                let traded = *traded;
                let row = BlockRow { traded, time };
                self.market(traded.trade.instrument).write().block(row);
                chunk.blocks.push(row);
            }
            Event::AssetCreated(_)
            | Event::AccountOpened(_)
            | Event::InstrumentListed(_)
            | Event::InstrumentChanged(_) => self.reference(event, chunk),
            Event::ReferenceChanged(_) | Event::ExecutionRulesChanged(_) => self.rules_event(event),
            Event::FeesChanged(_)
            | Event::InstrumentFeesChanged(_)
            | Event::AccountFeesChanged(_)
            | Event::ExchangeFiltersChanged(_)
            | Event::RoutingChanged(_) => self.fees_event(event),
            Event::OrderRestored(_) | Event::MarketRestored(_) | Event::ListRestored(_) => {
                self.tell(event);
            }
        }
    }

    /// An order stands in the book now.
    fn rested(&self, rested: &OrderRested) {
        let market = self.market(rested.instrument);
        let mut market = market.write();
        market.book.add(rested.side, rested.price, rested.open_qty);
        market.book.last_update = rested.update;
    }

    /// A pending order of a list began.
    fn activated(&self, time: Time, e: &OrderActivated, touched: &mut Touched) {
        let key = (e.instrument, e.order);
        self.account(e.account).write().change(key, |order| {
            order.status = OrderStatus::New;
            order.qty = e.qty;
            order.updated_at = time;
            order.set_more(|more| more.activated_at = Some(time));
        });
        touched.order(e.account, key);
    }

    /// An order ended without filling whole.
    fn closed(&self, time: Time, closed: &OrderClosed, touched: &mut Touched) {
        let key = (closed.instrument, closed.order);
        let account = self.account(closed.account);
        let mut account = account.write();
        let order = account.change(key, |order| {
            order.status = status_of(closed.reason);
            let reason = match closed.reason {
                // a conditional order's condition says so
                CloseReason::Refused if order.condition.is_none() => Some(closed.reason),
                reason => told_reason(reason),
            };
            if reason.is_some() {
                order.set_more(|more| more.reason = reason);
            }
            if let Some(condition) = order.condition.as_deref_mut() {
                condition.refused = closed.reason == CloseReason::Refused;
            }
            order.updated_at = time;
        });
        touched.order(closed.account, key);
        if let (Some(order), Some(update)) = (order, closed.update) {
            let (side, price) = (order.side, order.price);
            drop(account);
            self.leave_book(key.0, side, price, closed.open_qty, update);
        }
    }

    /// The quantity of an order in the book was lowered.
    fn amended(
        &self,
        seq: Seq,
        time: Time,
        amended: &OrderAmended,
        touched: &mut Touched,
        chunk: &mut Chunk,
    ) {
        let lowered = Lowered {
            key: (amended.instrument, amended.order),
            account: amended.account,
            qty: amended.qty,
            client_id: amended.client_id,
        };
        let Some((order, before)) = self.lowered(seq, time, &lowered, touched, chunk) else {
            return;
        };
        let less = match order.iceberg_qty().is_zero() {
            true => Decimal(before.0.saturating_sub(amended.open_qty.0)),
            // what is shown less of an iceberg is told by itself
            false => Decimal::ZERO,
        };
        self.leave_book(
            amended.instrument,
            order.side,
            order.price,
            less,
            amended.update,
        );
    }

    /// An order's quantity was lowered, wherever it is. Answers it with what was open of it before.
    fn lowered(
        &self,
        seq: Seq,
        time: Time,
        lowered: &Lowered,
        touched: &mut Touched,
        chunk: &mut Chunk,
    ) -> Option<(Order, Decimal)> {
        let key = lowered.key;
        let account = self.account(lowered.account);
        let mut account = account.write();
        let before = account
            .open_order(key)
            .map_or(Decimal::ZERO, Order::open_qty);
        if let Some(order) = account.open_order(key) {
            let row = Amendment {
                instrument: key.0,
                order: key.1,
                account: lowered.account,
                seq,
                client_id_before: order.client_id,
                client_id: lowered.client_id,
                qty_before: order.qty,
                qty: lowered.qty,
                time,
            };
            account.amend(row);
            chunk.amendments.push(row);
        }
        let order = account.change(key, |order| {
            order.qty = lowered.qty;
            order.client_id = lowered.client_id;
            order.updated_at = time;
        });
        touched.order(lowered.account, key);
        let order = order?.clone();
        if let Some(list) = order.list() {
            account.rename_in_list(list, key.1, lowered.client_id);
        }
        Some((order, before))
    }

    /// Prevention took something off an order that waits, because it took it off the other of its pair.
    fn waiting_decremented(&self, time: Time, e: &WaitingDecremented, touched: &mut Touched) {
        let key = (e.instrument, e.order);
        self.account(e.account).write().change(key, |order| {
            order.prevented_qty = Decimal(order.prevented_qty.0.saturating_add(e.qty.0));
            order.updated_at = time;
        });
        touched.order(e.account, key);
    }

    /// Two orders of one owner would have matched: told to both and kept.
    fn kept_prevented(
        &self,
        seq: Seq,
        time: Time,
        prevented: &MatchPrevented,
        touched: &mut Touched,
        chunk: &mut Chunk,
    ) {
        self.prevented(time, prevented, touched);
        let row = PreventedMatch {
            prevented: *prevented,
            group: None,
            time,
        };
        chunk.prevented.push(row);
        self.account(prevented.maker_account)
            .write()
            .prevent(seq, row);
        if prevented.taker_account != prevented.maker_account {
            self.account(prevented.taker_account)
                .write()
                .prevent(seq, row);
        }
    }

    /// The match that was prevented last was one of a trade group.
    fn group_prevented(&self, group: TradeGroupId, chunk: &mut Chunk) {
        let Some(row) = chunk.prevented.last_mut() else {
            return;
        };
        row.group = Some(group);
        let (maker, taker) = (row.prevented.maker_account, row.prevented.taker_account);
        self.account(maker).write().group_prevented(group);
        if taker != maker {
            self.account(taker).write().group_prevented(group);
        }
    }

    /// The venue filled a routed order.
    fn allocated(
        &self,
        seq: Seq,
        time: Time,
        e: &Allocated,
        touched: &mut Touched,
        chunk: &mut Chunk,
    ) {
        let key = (e.instrument, e.order);
        let account = self.account(e.account);
        let mut account = account.write();
        account.change(key, |order| {
            executed(order, e.qty, e.quote, e.open_qty, time);
            order.set_floor(e.floor_after(order));
        });
        let row = AllocationRow {
            allocated: *e,
            time,
        };
        account.allocate(seq, row);
        chunk.allocations.push(row);
        touched.order(e.account, key);
    }

    /// A pegged order took its price.
    fn pegged(&self, e: &OrderPegged, touched: &mut Touched) {
        let key = (e.instrument, e.order);
        self.account(e.account).write().change(key, |order| {
            order.price = e.price;
            order.set_more(|more| {
                if let Some(peg) = &mut more.peg {
                    peg.priced = true;
                }
            });
        });
        touched.order(e.account, key);
    }

    /// The book shows more or less of an iceberg.
    fn shown(&self, e: &IcebergShown) {
        let market = self.market(e.instrument);
        let mut market = market.write();
        if e.delta.0 > 0 {
            market.book.add(e.side, e.price, e.delta);
        } else {
            market.book.reduce(e.side, e.price, Decimal(-e.delta.0));
        }
        market.book.last_update = e.update;
    }

    /// Prevention took something off an order that goes on; the order itself was told by the match.
    fn decremented(&self, e: &OrderDecremented) {
        let key = (e.instrument, e.order);
        let account = self.account(e.account);
        let place = account.read().open_order(key).map(|o| (o.side, o.price));
        if let (Some((side, price)), Some(update)) = (place, e.update) {
            self.leave_book(key.0, side, price, e.qty, update);
        }
    }

    /// A conditional order's price was reached.
    fn condition(
        &self,
        account: AccountId,
        key: (InstrumentId, OrderId),
        time: Time,
        touched: &mut Touched,
        change: impl FnOnce(&mut Condition),
    ) {
        self.account(account).write().change(key, |order| {
            order.updated_at = time;
            if let Some(condition) = order.condition.as_deref_mut() {
                change(condition);
            }
        });
        touched.order(account, key);
    }

    /// Assets, accounts and instruments: from records and from a recovering engine alike.
    fn reference(&self, event: &Event, chunk: &mut Chunk) {
        match event {
            Event::AssetCreated(created) => {
                let asset = Asset {
                    id: created.asset,
                    name: created.name.clone(),
                    precision: created.precision,
                };
                self.catalog
                    .store(Arc::new(self.catalog.load().with_asset(asset.clone())));
                chunk.assets.push(asset);
            }
            Event::AccountOpened(id) => {
                self.account(*id);
            }
            Event::InstrumentListed(instrument) | Event::InstrumentChanged(instrument) => {
                self.market(instrument.id);
                self.catalog
                    .store(Arc::new(self.catalog.load().with_instrument(instrument)));
                chunk.instruments.push((**instrument).clone());
            }
            _ => {}
        }
    }

    /// What a recovering engine says of its state.
    pub(crate) fn tell(&self, event: &Event) {
        match event {
            Event::BalanceChanged(change) => {
                self.account(change.account)
                    .write()
                    .set_balance(change, Time(0));
            }
            Event::OrderRestored(order) => {
                if order.is_working() {
                    let market = self.market(order.instrument);
                    let mut market = market.write();
                    let open = order.shown_qty();
                    market.book.add(order.side, order.price, open);
                }
                let mut order = (**order).clone();
                order.set_more(|more| more.shown_qty = None);
                self.account(order.account).write().insert(order);
            }
            Event::ListPlaced(list) | Event::ListEnded(list) | Event::ListRestored(list) => {
                let account = self.account(list.account);
                account.write().set_list((**list).clone());
            }
            Event::MarketRestored(restored) => {
                let market = self.market(restored.instrument);
                let mut market = market.write();
                market.book.last_update = restored.last_update;
                market.last_price = restored.last_price;
                if market.tape.last().is_none() {
                    // history begins later than the market: ids only have to ascend
                    market.last_agg = market.last_agg.max(restored.last_trade.0);
                }
            }
            Event::TradeGroupChanged(e) => self.account(e.account).write().group = e.group,
            Event::FeesChanged(_)
            | Event::InstrumentFeesChanged(_)
            | Event::AccountFeesChanged(_)
            | Event::ExchangeFiltersChanged(_)
            | Event::RoutingChanged(_) => self.fees_event(event),
            Event::ReferenceChanged(_) | Event::ExecutionRulesChanged(_) => self.rules_event(event),
            other => self.reference(other, &mut Chunk::default()),
        }
    }

    /// Forgets what the engine is about to tell. Answers the orders that were open.
    pub(crate) fn reset(&self) -> BTreeMap<Key, Order> {
        for market in self.markets.read().values() {
            let mut market = market.write();
            market.book = Default::default();
            market.reference = None;
            market.range = None;
        }
        *self.fees.write() = Default::default();
        let mut open = BTreeMap::new();
        for account in self.accounts.read().values() {
            open.append(&mut account.write().reset());
        }
        open
    }

    fn leave_book(
        &self,
        id: InstrumentId,
        side: Side,
        price: Decimal,
        qty: Decimal,
        update: types::UpdateId,
    ) {
        let market = self.market(id);
        let mut market = market.write();
        market.book.reduce(side, price, qty);
        market.book.last_update = update;
    }

    fn traded(
        &self,
        seq: Seq,
        time: Time,
        trade: &Traded,
        touched: &mut Touched,
        chunk: &mut Chunk,
    ) {
        // the rule of `protocol::aggregates`
        let aggregate = Some((trade.instrument, trade.taker.order, trade.price));
        let market = self.market(trade.instrument);
        let row = {
            let mut market = market.write();
            let more = touched.aggregate == aggregate;
            let row = TradeRow {
                trade: *trade,
                time,
                agg: market.last_agg + u64::from(!more),
                seq,
            };
            market
                .book
                .reduce(trade.aggressor_side.opposite(), trade.price, trade.qty);
            market.book.last_update = trade.update;
            if let Some(reference) = &mut market.reference {
                reference.traded(time, trade.price);
            }
            market.trade(row);
            row
        };
        touched.aggregate = aggregate;
        for (party, maker) in [(&trade.maker, true), (&trade.taker, false)] {
            let key = (trade.instrument, party.order);
            let account = self.account(party.account);
            let mut account = account.write();
            account.fill(row.fill(maker));
            account.change(key, |order| {
                executed(order, trade.qty, trade.quote, party.open_qty, time);
                order.set_floor(WorkingFloor::Exchange);
            });
            touched.order(party.account, key);
        }
        chunk.trades.push(row);
    }

    fn prevented(&self, time: Time, prevented: &MatchPrevented, touched: &mut Touched) {
        let p = prevented;
        for (account, order, qty) in [
            (p.maker_account, p.maker, p.maker_prevented),
            (p.taker_account, p.taker, p.taker_prevented),
        ] {
            if qty.is_zero() {
                continue;
            }
            let key = (p.instrument, order);
            self.account(account).write().change(key, |order| {
                order.prevented_qty = Decimal(order.prevented_qty.0.saturating_add(qty.0));
                follow_quote_order(order);
                order.updated_at = time;
            });
            touched.order(account, key);
        }
    }
}

fn status_of(reason: CloseReason) -> OrderStatus {
    match reason {
        CloseReason::Canceled => OrderStatus::Canceled,
        CloseReason::UnfilledIoc
        | CloseReason::UnfilledFok
        | CloseReason::Refused
        | CloseReason::OcoTriggered
        | CloseReason::PhaseOneExpired
        | CloseReason::PriceRange
        | CloseReason::InsufficientLiquidity => OrderStatus::Expired,
        CloseReason::Prevented => OrderStatus::ExpiredInMatch,
    }
}

/// What an order keeps of the reason for its end, because nothing else of it tells.
fn told_reason(reason: CloseReason) -> Option<CloseReason> {
    match reason {
        CloseReason::OcoTriggered | CloseReason::PhaseOneExpired | CloseReason::PriceRange => {
            Some(reason)
        }
        _ => None,
    }
}
