//! Queries that reach into history.
//!
//! Each reads memory first and the database after it. What memory no longer holds had been committed before memory let go of it, so the
//! database shows it: nothing is missing while a transaction is under way. What both hold is taken once, from memory.

use protocol::{Order, OrderKey, OrderList};
use types::{AccountId, ClientId, InstrumentId, OrderId, Seq, Time, TradeId};

use crate::history::{OrderRange, TradeRange};
use crate::model::{
    AggQuery, AggTrade, AllocationRow, AllocationsQuery, Amendment, BlockRow, Fill, FillsQuery,
    HistoryError, ListKey, ListsQuery, OrdersQuery, PreventedMatch, PreventedQuery, PublicTrade,
};
use crate::series::{Bucket, LEVELS, MINUTES};
use crate::tape::{TradeRow, aggregate};
use crate::views::Views;

type Result<T> = std::result::Result<T, HistoryError>;

impl Views {
    /// Old trades: from a trade on, or the newest. Ascending.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn historical_trades(
        &self,
        id: InstrumentId,
        from: Option<TradeId>,
        limit: usize,
    ) -> Result<Vec<PublicTrade>> {
        let range = TradeRange {
            from: from.map_or(0, |from| from.0),
            limit,
            newest: from.is_none(),
            ..TradeRange::ALL
        };
        let rows = self.trade_rows(id, range).await?;
        Ok(rows.iter().map(TradeRow::public).collect())
    }

    /// Aggregate trades, ascending.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn agg_trades(&self, id: InstrumentId, query: AggQuery) -> Result<Vec<AggTrade>> {
        let newest = query.from_id.is_none() && query.start.is_none();
        let Some(mut range) = self.trade_range(id, query.start, query.end).await? else {
            return Ok(Vec::new());
        };
        if let Some(agg) = query.from_id {
            range.from = range.from.max(self.first_trade_of(id, agg).await?);
        }
        range.newest = newest;
        range.limit = query.limit.saturating_mul(2).saturating_add(8);
        let limit = query.limit;
        // the aggregate at the far end may be cut: one more than asked for must be seen, or everything
        loop {
            let rows = self.trade_rows(id, range).await?;
            let all = rows.len() < range.limit;
            let mut found = aggregate(
                rows.iter()
                    .filter(|row| query.from_id.is_none_or(|agg| row.agg >= agg)),
            );
            if all || found.len() > limit {
                if newest {
                    found.drain(..found.len().saturating_sub(limit));
                } else {
                    found.truncate(limit);
                }
                return Ok(found);
            }
            range.limit = range.limit.saturating_mul(4);
        }
    }

    /// An order that is open or was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order(
        &self,
        account: AccountId,
        id: InstrumentId,
        key: OrderKey,
    ) -> Result<Option<Order>> {
        if let Some(order) = self
            .read_account(account, |a| a.find(id, &key).cloned())
            .flatten()
        {
            return Ok(Some(order));
        }
        match key {
            OrderKey::Id(order) => self.inner.sql.order(account, id, order).await,
            OrderKey::ClientId(name) => self.order_by_name(account, id, name).await,
            OrderKey::Both(both) => {
                let order = self.inner.sql.order(account, id, both.id).await?;
                Ok(order.filter(|order| order.client_id == both.client_id))
            }
        }
    }

    /// The newest order of a name that memory does not know. An open order's row may be of before it was renamed: memory's name counts.
    async fn order_by_name(
        &self,
        account: AccountId,
        id: InstrumentId,
        name: ClientId,
    ) -> Result<Option<Order>> {
        let mut below = OrderId(u64::MAX);
        loop {
            let row = self
                .inner
                .sql
                .order_by_name(account, id, name, below)
                .await?;
            let Some(row) = row else {
                return Ok(None);
            };
            below = row.id;
            let newer = self
                .read_account(account, |a| a.find(id, &OrderKey::Id(row.id)).cloned())
                .flatten();
            match newer {
                Some(order) if order.client_id != name => {}
                Some(order) => return Ok(Some(order)),
                None => return Ok(Some(row)),
            }
        }
    }

    /// Orders, open or not, ascending.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orders(
        &self,
        account: AccountId,
        id: InstrumentId,
        query: OrdersQuery,
    ) -> Result<Vec<Order>> {
        let range = OrderRange {
            from: query.from.unwrap_or(OrderId(0)),
            start: query.start.map(|t| t.0),
            end: query.end.map(|t| t.0),
            limit: query.limit,
            newest: query.from.is_none() && query.start.is_none(),
        };
        let mut orders = self
            .read_account(account, |a| a.orders(id, range.from))
            .unwrap_or_default();
        orders.retain(|order| {
            range.start.is_none_or(|start| order.placed_at.0 >= start)
                && range.end.is_none_or(|end| order.placed_at.0 <= end)
        });
        orders.append(&mut self.inner.sql.orders(account, id, range).await?);
        // stable: of two of one id, memory's comes first and stays
        orders.sort_by_key(|order| order.id);
        orders.dedup_by_key(|order| order.id);
        Ok(page(orders, range.newest, range.limit))
    }

    /// An order list, open or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order_list(&self, account: AccountId, key: ListKey) -> Result<Option<OrderList>> {
        let found = self.read_account(account, |a| match key {
            ListKey::Id(id) => a.list(id).cloned(),
            ListKey::Name(name) => a.lists().rev().find(|l| l.client_id == name).cloned(),
        });
        match found.flatten() {
            Some(list) => Ok(Some(list)),
            None => Ok(self.inner.sql.list(account, key).await?),
        }
    }

    /// Order lists, open or not, ascending by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order_lists(
        &self,
        account: AccountId,
        query: ListsQuery,
    ) -> Result<Vec<OrderList>> {
        let mut lists: Vec<OrderList> = self
            .read_account(account, |a| {
                a.lists()
                    .filter(|list| query.wants(list))
                    .cloned()
                    .collect()
            })
            .unwrap_or_default();
        lists.append(&mut self.inner.sql.lists(account, &query).await?);
        // stable: of two of one id, memory's comes first and stays
        lists.sort_by_key(|list| list.id);
        lists.dedup_by_key(|list| list.id);
        Ok(page(lists, query.newest(), query.limit))
    }

    /// The open order lists, ascending by id.
    #[must_use]
    pub fn open_order_lists(&self, account: AccountId) -> Vec<OrderList> {
        self.read_account(account, |a| {
            a.lists().filter(|list| !list.done).cloned().collect()
        })
        .unwrap_or_default()
    }

    /// The matches between orders of an account (or with another of its trade group) that were prevented.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prevented_matches(
        &self,
        account: AccountId,
        id: InstrumentId,
        query: PreventedQuery,
    ) -> Result<Vec<PreventedMatch>> {
        let wanted = |row: &&PreventedMatch| {
            let p = &row.prevented;
            p.instrument == id
                && p.id >= query.from
                && query.through.is_none_or(|through| p.id <= through)
                && query
                    .order
                    .is_none_or(|order| p.maker == order || p.taker == order)
        };
        let mut rows: Vec<PreventedMatch> = self
            .read_account(account, |a| a.prevented().filter(wanted).copied().collect())
            .unwrap_or_default();
        rows.append(&mut self.inner.sql.prevented(account, id, query).await?);
        rows.sort_by_key(|row| row.prevented.id);
        rows.dedup_by_key(|row| row.prevented.id);
        Ok(page(rows, false, query.limit))
    }

    /// The allocations of an account's routed orders, ascending.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn allocations(
        &self,
        account: AccountId,
        id: InstrumentId,
        query: AllocationsQuery,
    ) -> Result<Vec<AllocationRow>> {
        let wanted = |row: &&AllocationRow| row.allocated.instrument == id && query.wants(row);
        let mut rows: Vec<AllocationRow> = self
            .read_account(account, |a| {
                a.allocations().filter(wanted).copied().collect()
            })
            .unwrap_or_default();
        rows.append(&mut self.inner.sql.allocations(account, id, query).await?);
        rows.sort_by_key(|row| row.allocated.allocation);
        rows.dedup_by_key(|row| row.allocated.allocation);
        Ok(page(rows, query.newest(), query.limit))
    }

    /// How an order's quantity was lowered, from the record `from` on, ascending.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn amendments(
        &self,
        account: AccountId,
        id: InstrumentId,
        order: OrderId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<Amendment>> {
        let wanted =
            |row: &&Amendment| row.instrument == id && row.order == order && row.seq >= from;
        let mut rows: Vec<Amendment> = self
            .read_account(account, |a| {
                a.amendments().filter(wanted).copied().collect()
            })
            .unwrap_or_default();
        let sql = &self.inner.sql;
        rows.append(&mut sql.amendments(account, id, order, from, limit).await?);
        rows.sort_by_key(|row| row.seq);
        rows.dedup_by_key(|row| row.seq);
        Ok(page(rows, false, limit))
    }

    /// Block trades from an id on, ascending.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn blocks(&self, id: InstrumentId, from: u64, limit: usize) -> Result<Vec<BlockRow>> {
        let market = self.inner.markets.read().get(&id).cloned();
        let mut rows: Vec<BlockRow> = market.map_or(Vec::new(), |market| {
            let market = market.read();
            let wanted = market.blocks.iter().filter(|row| row.traded.id >= from);
            wanted.copied().collect()
        });
        // memory holds what the database may not have yet
        rows.append(&mut self.inner.sql.blocks(id, from, limit).await?);
        rows.sort_by_key(|row| row.traded.id);
        rows.dedup_by_key(|row| row.traded.id);
        Ok(page(rows, false, limit))
    }

    /// An account's fills, ascending by trade.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fills(
        &self,
        account: AccountId,
        id: InstrumentId,
        query: FillsQuery,
    ) -> Result<Vec<Fill>> {
        let newest = query.from.is_none() && query.start.is_none();
        let (mut start, mut end) = (query.start, query.end);
        if let Some(order) = query.order {
            let Some(order) = self.order(account, id, OrderKey::Id(order)).await? else {
                return Ok(Vec::new());
            };
            // an order trades between its placement and its last change: that bounds the search
            start = start.max(Some(order.placed_at));
            if !order.is_open() {
                end = Some(end.map_or(order.updated_at, |end| end.min(order.updated_at)));
            }
        }
        let wanted = |fill: &&Fill| {
            query.order.is_none_or(|order| fill.order == order)
                && query.from.is_none_or(|from| fill.trade >= from)
                && start.is_none_or(|start| fill.time >= start)
                && end.is_none_or(|end| fill.time <= end)
        };
        let (mut fills, oldest) = self
            .read_account(account, |a| {
                let oldest = a.fills(id).next().map(|fill| fill.trade.0);
                (
                    a.fills(id).filter(wanted).copied().collect::<Vec<_>>(),
                    oldest,
                )
            })
            .unwrap_or_default();
        if let Some(mut range) = self.trade_range(id, start, end).await? {
            range.from = range.from.max(query.from.map_or(0, |from| from.0));
            range.through = range
                .through
                .min(oldest.map_or(u64::MAX, |oldest| oldest - 1));
            range.newest = newest;
            range.limit = query.limit;
            for maker in [true, false] {
                let rows = self
                    .inner
                    .sql
                    .fills(account, id, maker, query.order, range)
                    .await?;
                fills.extend(rows.iter().map(|row| row.fill(maker)));
            }
        }
        fills.sort_unstable_by_key(|fill| (fill.trade, !fill.maker));
        Ok(page(fills, newest, query.limit))
    }

    /// Trades of a range, memory and database joined. Memory holds every trade from a certain one on, the database those before.
    pub(crate) async fn trade_rows(
        &self,
        id: InstrumentId,
        range: TradeRange,
    ) -> Result<Vec<TradeRow>> {
        let wanted = |row: &&TradeRow| range.holds(row.trade.trade.0, row.time.0);
        let (first, mut recent) = self
            .read_market(id, |m| {
                let rows = m.tape.from(TradeId(range.from)).filter(wanted).copied();
                let recent: Vec<TradeRow> = if range.newest {
                    let mut rows: Vec<_> = rows.rev().take(range.limit).collect();
                    rows.reverse();
                    rows
                } else {
                    rows.take(range.limit).collect()
                };
                (m.tape.first(), recent)
            })
            .unwrap_or_default();
        let mut old = range;
        if let Some(first) = first {
            old.through = old.through.min(first.0 - 1);
        }
        if range.newest {
            old.limit -= recent.len();
        }
        let mut rows = self.inner.sql.trades(id, old).await?;
        if !range.newest {
            recent.truncate(range.limit - rows.len());
        }
        rows.append(&mut recent);
        Ok(rows)
    }

    /// The trades between two moments, as a range of ids too (minutes are the index); `None` when there are none.
    pub(crate) async fn trade_range(
        &self,
        id: InstrumentId,
        start: Option<Time>,
        end: Option<Time>,
    ) -> Result<Option<TradeRange>> {
        let mut range = TradeRange::ALL;
        let width = LEVELS[MINUTES].0;
        if let Some(start) = start {
            range.start = start.0;
            let from = start.0 - start.0.rem_euclid(width);
            let bucket = match self.minute(id, |l| {
                (l.complete_from <= from).then(|| l.range(from, i64::MAX).next().copied())
            }) {
                Some(known) => known,
                None => self.inner.sql.bucket_from(id, width, from).await?,
            };
            // not found while trading goes on: it began after memory was asked
            match bucket {
                Some(bucket) => range.from = bucket.first_trade,
                None => return Ok(None),
            }
        }
        if let Some(end) = end {
            range.end = end.0;
            let known = self.minute(id, |l| {
                let bucket = l
                    .range(i64::MIN, end.0.saturating_add(1))
                    .next_back()
                    .copied();
                (bucket.is_some() || l.complete_from == i64::MIN).then_some(bucket)
            });
            let bucket = match known {
                Some(known) => known,
                None => self.inner.sql.bucket_through(id, width, end.0).await?,
            };
            match bucket {
                Some(bucket) => range.through = bucket.last_trade().0,
                None => return Ok(None),
            }
        }
        Ok(Some(range))
    }

    /// What the minutes in memory say, or `None` when they do not reach.
    fn minute(
        &self,
        id: InstrumentId,
        ask: impl FnOnce(&crate::series::Level) -> Option<Option<Bucket>>,
    ) -> Option<Option<Bucket>> {
        self.read_market(id, |m| ask(&m.series.levels[MINUTES]))
            .unwrap_or(Some(None))
    }

    /// A trade at or before the first one of an aggregate, and near to it.
    async fn first_trade_of(&self, id: InstrumentId, agg: u64) -> Result<u64> {
        let near = self
            .read_market(id, |m| {
                let first = m.tape.newest(usize::MAX).next()?;
                (first.agg < agg || first.trade.trade.0 == 1).then(|| m.tape.first_of(agg))
            })
            .flatten();
        match near {
            Some(trade) => Ok(trade.0),
            None => {
                let bucket = self
                    .inner
                    .sql
                    .bucket_of_agg(id, LEVELS[MINUTES].0, agg)
                    .await?;
                Ok(bucket.map_or(0, |bucket| bucket.first_trade))
            }
        }
    }
}

fn page<T>(mut rows: Vec<T>, newest: bool, limit: usize) -> Vec<T> {
    if newest {
        rows.drain(..rows.len().saturating_sub(limit));
    } else {
        rows.truncate(limit);
    }
    rows
}
