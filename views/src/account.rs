use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;

use protocol::{AccountFees, BalanceChanged, Order, OrderKey, OrderList, OrderStatus};
use types::{
    Amount, AssetId, ClientId, Decimal, InstrumentId, ListId, OrderId, Seq, Time, TradeGroupId,
    TradeId, Wallet,
};

use crate::model::{AllocationRow, Amendment, Balance, Fill, PreventedMatch};

type Key = (InstrumentId, OrderId);

/// What is known of one account: its balances and open orders, and what history does not hold yet.
#[derive(Debug, Default)]
pub(crate) struct Account {
    balances: BTreeMap<(Wallet, AssetId), (Amount, Amount)>,
    /// When a balance last changed.
    pub last_update: Time,
    /// What the venue said of its commission.
    pub fees: Option<AccountFees>,
    pub group: Option<TradeGroupId>,
    open: BTreeMap<Key, Order>,
    by_client_id: HashMap<(InstrumentId, ClientId), OrderId>,
    /// Ended, and not in the database yet.
    closed: BTreeMap<Key, Order>,
    /// Not in the database yet, ascending by trade.
    fills: HashMap<InstrumentId, VecDeque<Fill>>,
    /// Not in the database yet, with the record that each stands in.
    prevented: VecDeque<(Seq, PreventedMatch)>,
    allocations: VecDeque<(Seq, AllocationRow)>,
    amendments: VecDeque<Amendment>,
    /// Open, or not in the database yet.
    lists: BTreeMap<ListId, OrderList>,
}

impl Account {
    pub fn set_balance(&mut self, change: &BalanceChanged, time: Time) {
        self.balances
            .insert((change.wallet, change.asset), (change.free, change.held));
        self.last_update = self.last_update.max(time);
    }

    pub fn balances(&self, wallet: Wallet) -> Vec<Balance> {
        self.balances
            .range((wallet, AssetId(0))..=(wallet, AssetId(u32::MAX)))
            .map(|(&(_, asset), &(free, held))| Balance { asset, free, held })
            .collect()
    }

    pub fn insert(&mut self, order: Order) {
        self.by_client_id
            .insert((order.instrument, order.client_id), order.id);
        self.open.insert((order.instrument, order.id), order);
    }

    /// Changes an open order. When that ends it, it moves to what waits for history. Answers the order after the change, or `None` when no
    /// such order is open.
    pub fn change(&mut self, key: Key, change: impl FnOnce(&mut Order)) -> Option<&Order> {
        let order = self.open.get_mut(&key)?;
        let called = order.client_id;
        change(order);
        let (renamed, ended) = (order.client_id != called, !order.is_open());
        if renamed || ended {
            let name = (key.0, called);
            if self.by_client_id.get(&name) == Some(&key.1) {
                self.by_client_id.remove(&name);
            }
        }
        if ended {
            let order = self.open.remove(&key)?;
            return Some(self.closed.entry(key).insert_entry(order).into_mut());
        }
        let order = self.open.get(&key)?;
        if renamed {
            self.by_client_id.insert((key.0, order.client_id), key.1);
        }
        Some(order)
    }

    pub fn fill(&mut self, fill: Fill) {
        self.fills
            .entry(fill.instrument)
            .or_default()
            .push_back(fill);
    }

    pub fn prevent(&mut self, seq: Seq, row: PreventedMatch) {
        self.prevented.push_back((seq, row));
    }

    pub fn allocate(&mut self, seq: Seq, row: AllocationRow) {
        self.allocations.push_back((seq, row));
    }

    /// The allocations that wait for history, ascending.
    pub fn allocations(&self) -> impl Iterator<Item = &AllocationRow> {
        self.allocations.iter().map(|(_, row)| row)
    }

    /// The newest prevented match was one of a trade group.
    pub fn group_prevented(&mut self, group: TradeGroupId) {
        if let Some((_, row)) = self.prevented.back_mut() {
            row.group = Some(group);
        }
    }

    pub fn amend(&mut self, row: Amendment) {
        self.amendments.push_back(row);
    }

    /// An order list was placed, or has ended.
    pub fn set_list(&mut self, list: OrderList) {
        self.lists.insert(list.id, list);
    }

    /// An order of an open list answers to another name.
    pub fn rename_in_list(&mut self, list: ListId, order: OrderId, name: ClientId) {
        let list = self.lists.get_mut(&list);
        let legs = list.into_iter().flat_map(|list| &mut list.legs);
        for leg in legs.filter(|leg| leg.order == order) {
            leg.client_id = name;
        }
    }

    /// The lists that are open, or wait for history, ascending.
    pub fn lists(&self) -> impl DoubleEndedIterator<Item = &OrderList> {
        self.lists.values()
    }

    pub fn list(&self, id: ListId) -> Option<&OrderList> {
        self.lists.get(&id)
    }

    /// The database has a list that ended.
    pub fn forget_list(&mut self, id: ListId) {
        if self.lists.get(&id).is_some_and(|list| list.done) {
            self.lists.remove(&id);
        }
    }

    /// The prevented matches that wait for history, ascending.
    pub fn prevented(&self) -> impl Iterator<Item = &PreventedMatch> {
        self.prevented.iter().map(|(_, row)| row)
    }

    /// The amendments that wait for history, ascending.
    pub fn amendments(&self) -> impl Iterator<Item = &Amendment> {
        self.amendments.iter()
    }

    pub fn open_order(&self, key: Key) -> Option<&Order> {
        self.open.get(&key)
    }

    /// The order that answers to `key`, if it is open or not yet in the database. Of several ended ones that had the same client id, the
    /// newest.
    pub fn find(&self, instrument: InstrumentId, key: &OrderKey) -> Option<&Order> {
        let by_id = |id| {
            let key = (instrument, id);
            self.open.get(&key).or_else(|| self.closed.get(&key))
        };
        match key {
            OrderKey::Id(id) => by_id(*id),
            OrderKey::Both(both) => by_id(both.id).filter(|o| o.client_id == both.client_id),
            OrderKey::ClientId(name) => match self.by_client_id.get(&(instrument, *name)) {
                Some(id) => by_id(*id),
                None => of(&self.closed, instrument, OrderId(0))
                    .rev()
                    .find(|order| order.client_id == *name),
            },
        }
    }

    pub fn open_orders(&self, instrument: Option<InstrumentId>) -> Vec<Order> {
        match instrument {
            Some(id) => of(&self.open, id, OrderId(0)).cloned().collect(),
            None => self.open.values().cloned().collect(),
        }
    }

    pub fn open_count(&self, instrument: InstrumentId) -> usize {
        of(&self.open, instrument, OrderId(0)).count()
    }

    /// Open orders and those that wait for history, ascending by id from `from`.
    pub fn orders(&self, instrument: InstrumentId, from: OrderId) -> Vec<Order> {
        let open = of(&self.open, instrument, from);
        let closed = of(&self.closed, instrument, from);
        let mut all: Vec<Order> = open.chain(closed).cloned().collect();
        all.sort_unstable_by_key(|order| order.id);
        all
    }

    /// The fills that wait for history.
    pub fn fills(&self, instrument: InstrumentId) -> impl Iterator<Item = &Fill> {
        self.fills.get(&instrument).into_iter().flatten()
    }

    /// The database has these.
    pub fn forget_closed(&mut self, keys: &[Key]) {
        for key in keys {
            self.closed.remove(key);
        }
    }

    /// The database has everything up to this trade.
    pub fn forget_fills(&mut self, instrument: InstrumentId, through: TradeId) {
        let Some(fills) = self.fills.get_mut(&instrument) else {
            return;
        };
        while fills.front().is_some_and(|fill| fill.trade <= through) {
            fills.pop_front();
        }
        if fills.is_empty() {
            self.fills.remove(&instrument);
        }
    }

    /// The database has the prevented matches and amendments of every record up to this one.
    pub fn forget_notes(&mut self, through: Seq) {
        while self
            .prevented
            .front()
            .is_some_and(|(seq, _)| *seq <= through)
        {
            self.prevented.pop_front();
        }
        while self
            .allocations
            .front()
            .is_some_and(|(seq, _)| *seq <= through)
        {
            self.allocations.pop_front();
        }
        while self
            .amendments
            .front()
            .is_some_and(|row| row.seq <= through)
        {
            self.amendments.pop_front();
        }
    }

    /// Makes place for what the engine tells. Answers the orders that were open.
    pub fn reset(&mut self) -> BTreeMap<Key, Order> {
        self.balances.clear();
        self.fees = None;
        self.group = None;
        self.by_client_id.clear();
        self.lists.retain(|_, list| list.done);
        std::mem::take(&mut self.open)
    }
}

fn of(
    orders: &BTreeMap<Key, Order>,
    instrument: InstrumentId,
    from: OrderId,
) -> impl DoubleEndedIterator<Item = &Order> {
    let range = (
        Bound::Included((instrument, from)),
        Bound::Included((instrument, OrderId(u64::MAX))),
    );
    orders.range(range).map(|(_, order)| order)
}

/// One more trade of an order, of which `open_qty` is left.
pub(crate) fn executed(
    order: &mut Order,
    qty: Decimal,
    quote: Amount,
    open_qty: Decimal,
    time: Time,
) {
    order.executed_qty = Decimal(order.executed_qty.0.saturating_add(qty.0));
    order.executed_quote = order.executed_quote.plus(quote);
    follow_quote_order(order);
    order.status = if open_qty.is_zero() {
        OrderStatus::Filled
    } else {
        OrderStatus::PartiallyFilled
    };
    order.updated_at = time;
}

/// The quantity of an order by quote amount is what became of it.
pub(crate) fn follow_quote_order(order: &mut Order) {
    if !order.quote_qty.is_zero() {
        order.qty = Decimal(order.executed_qty.0.saturating_add(order.prevented_qty.0));
    }
}

#[cfg(test)]
mod tests {
    use protocol::{OrderKind, StpMode, TimeInForce};
    use types::{AccountId, Side};

    use super::*;

    #[test]
    fn an_order_by_quote_amount_has_the_quantity_that_became_of_it() {
        let mut order = Order {
            instrument: InstrumentId(1),
            id: OrderId(1),
            account: AccountId(1001),
            client_id: ClientId::NONE,
            side: Side::Buy,
            kind: OrderKind::Market,
            tif: TimeInForce::Gtc,
            stp: StpMode::None,
            price: Decimal::ZERO,
            qty: Decimal::ZERO,
            quote_qty: Decimal(500),
            executed_qty: Decimal::ZERO,
            executed_quote: Amount::ZERO,
            prevented_qty: Decimal::ZERO,
            status: OrderStatus::New,
            placed_at: Time(1),
            updated_at: Time(1),
            strategy_id: None,
            strategy_kind: None,
            condition: None,
            more: None,
        };
        executed(&mut order, Decimal(30), Amount(300), Decimal(12), Time(2));
        assert_eq!(
            (order.qty, order.status),
            (Decimal(30), OrderStatus::PartiallyFilled)
        );
        order.prevented_qty = Decimal(12);
        follow_quote_order(&mut order);
        assert_eq!(order.qty, Decimal(42));
    }
}
