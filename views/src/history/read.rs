//! Queries of the database alone.

use protocol::{Order, OrderList};
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, AssertSqlSafe};
use types::{AccountId, ClientId, InstrumentId, OrderId, Seq};

use super::columns::{self, big};
use crate::model::{
    AllocationRow, AllocationsQuery, Amendment, BlockRow, HistoryError, ListKey, ListsQuery,
    PreventedMatch, PreventedQuery,
};
use crate::series::Bucket;
use crate::tape::TradeRow;

type Result<T> = std::result::Result<T, HistoryError>;

/// Connections for queries, opened when they are needed, on the runtime of who asks.
#[derive(Clone, Debug)]
pub(crate) struct Sql {
    pool: AnyPool,
}

/// Trades by id and time, all bounds inclusive; the oldest `limit` of them, or the newest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TradeRange {
    pub from: u64,
    pub through: u64,
    pub start: i64,
    pub end: i64,
    pub limit: usize,
    pub newest: bool,
}

impl TradeRange {
    pub const ALL: TradeRange = TradeRange {
        from: 0,
        through: i64::MAX as u64,
        start: i64::MIN,
        end: i64::MAX,
        limit: usize::MAX,
        newest: false,
    };

    pub fn holds(&self, id: u64, time: i64) -> bool {
        (self.from..=self.through).contains(&id) && (self.start..=self.end).contains(&time)
    }

    fn order(&self) -> &'static str {
        if self.newest { "DESC" } else { "ASC" }
    }
}

/// Orders by id and time of placement, all bounds inclusive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderRange {
    pub from: OrderId,
    pub start: Option<i64>,
    pub end: Option<i64>,
    pub limit: usize,
    pub newest: bool,
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl Sql {
    pub fn new(url: &str) -> Result<Sql> {
        let pool = AnyPoolOptions::new()
            .max_connections(4)
            // no upkeep: it would need a runtime here and now
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy(url)?;
        Ok(Sql { pool })
    }

    /// Ascending.
    pub async fn trades(&self, id: InstrumentId, r: TradeRange) -> Result<Vec<TradeRow>> {
        if r.from > r.through || r.limit == 0 {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {} FROM trades WHERE instrument = $1 AND id >= $2 AND id <= $3 AND time >= $4 AND time <= $5 ORDER BY id {} LIMIT $6",
            columns::TRADE,
            r.order()
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(id.0))
            .bind(big(r.from))
            .bind(big(r.through))
            .bind(r.start)
            .bind(r.end)
            .bind(count(r.limit));
        let rows = query.fetch_all(&self.pool).await?;
        let mut trades: Vec<_> = rows.iter().map(columns::trade).collect::<Result<_>>()?;
        if r.newest {
            trades.reverse();
        }
        Ok(trades)
    }

    /// The trades in which an account was the maker (or the taker), optionally by one order; unordered between the two ends.
    pub async fn fills(
        &self,
        account: AccountId,
        id: InstrumentId,
        maker: bool,
        order: Option<OrderId>,
        r: TradeRange,
    ) -> Result<Vec<TradeRow>> {
        if r.from > r.through || r.limit == 0 {
            return Ok(Vec::new());
        }
        let party = if maker { "maker" } else { "taker" };
        let of_order = match order {
            Some(order) => format!("AND {party}_order = {}", order.0),
            None => String::new(),
        };
        let sql = format!(
            "SELECT {} FROM trades WHERE {party}_account = $1 AND instrument = $2 AND id >= $3 AND id <= $4 AND time >= $5 \
             AND time <= $6 {of_order} ORDER BY id {} LIMIT $7",
            columns::TRADE,
            r.order()
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(account.0))
            .bind(i64::from(id.0))
            .bind(big(r.from))
            .bind(big(r.through))
            .bind(r.start)
            .bind(r.end)
            .bind(count(r.limit))
            // one statement for each order would push the useful ones out
            .persistent(order.is_none());
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(columns::trade).collect()
    }

    /// The buckets that start in `[from, to)`, ascending.
    pub async fn buckets(
        &self,
        id: InstrumentId,
        width: i64,
        from: i64,
        to: i64,
    ) -> Result<Vec<Bucket>> {
        let rest = "AND start >= $3 AND start < $4 ORDER BY start";
        let sql = format!(
            "SELECT {} FROM candles WHERE instrument = $1 AND width = $2 {rest}",
            columns::CANDLE
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(id.0))
            .bind(width)
            .bind(from)
            .bind(to);
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(columns::candle).collect()
    }

    /// The first bucket that starts at `from` or later.
    pub async fn bucket_from(
        &self,
        id: InstrumentId,
        width: i64,
        from: i64,
    ) -> Result<Option<Bucket>> {
        self.bucket(id, width, "start >= $3 ORDER BY start ASC", from)
            .await
    }

    /// The last bucket that starts at `through` or before.
    pub async fn bucket_through(
        &self,
        id: InstrumentId,
        width: i64,
        through: i64,
    ) -> Result<Option<Bucket>> {
        self.bucket(id, width, "start <= $3 ORDER BY start DESC", through)
            .await
    }

    /// The last bucket whose first aggregate is `agg` or before.
    pub async fn bucket_of_agg(
        &self,
        id: InstrumentId,
        width: i64,
        agg: u64,
    ) -> Result<Option<Bucket>> {
        self.bucket(
            id,
            width,
            "first_agg <= $3 ORDER BY first_agg DESC",
            big(agg),
        )
        .await
    }

    async fn bucket(
        &self,
        id: InstrumentId,
        width: i64,
        rest: &str,
        value: i64,
    ) -> Result<Option<Bucket>> {
        let sql = format!(
            "SELECT {} FROM candles WHERE instrument = $1 AND width = $2 AND {rest} LIMIT 1",
            columns::CANDLE
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(id.0))
            .bind(width)
            .bind(value);
        let row = query.fetch_optional(&self.pool).await?;
        row.as_ref().map(columns::candle).transpose()
    }

    pub async fn order(
        &self,
        account: AccountId,
        id: InstrumentId,
        order: OrderId,
    ) -> Result<Option<Order>> {
        let sql = format!(
            "SELECT {} FROM orders WHERE account = $1 AND instrument = $2 AND id = $3",
            columns::ORDER
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(account.0))
            .bind(i64::from(id.0))
            .bind(big(order.0));
        let row = query.fetch_optional(&self.pool).await?;
        row.as_ref().map(columns::order).transpose()
    }

    /// The newest order of that name before the order `below`.
    pub async fn order_by_name(
        &self,
        account: AccountId,
        id: InstrumentId,
        name: ClientId,
        below: OrderId,
    ) -> Result<Option<Order>> {
        let sql = format!(
            "SELECT {} FROM orders WHERE account = $1 AND instrument = $2 AND client_id = $3 AND id < $4 ORDER BY id DESC LIMIT 1",
            columns::ORDER
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(account.0))
            .bind(i64::from(id.0))
            .bind(name.as_str().to_owned())
            .bind(big(below.0));
        let row = query.fetch_optional(&self.pool).await?;
        row.as_ref().map(columns::order).transpose()
    }

    /// In the order of the range's direction.
    pub async fn orders(
        &self,
        account: AccountId,
        id: InstrumentId,
        r: OrderRange,
    ) -> Result<Vec<Order>> {
        // times ascend with ids; naming only the bounds that are given lets the database choose the right index
        let mut bounds = String::new();
        if let Some(start) = r.start {
            bounds.push_str(&format!(" AND placed_at >= {start}"));
        }
        if let Some(end) = r.end {
            bounds.push_str(&format!(" AND placed_at <= {end}"));
        }
        let direction = if r.newest { "DESC" } else { "ASC" };
        let by = if bounds.is_empty() {
            format!("id {direction}")
        } else {
            format!("placed_at {direction}, id {direction}")
        };
        let sql = format!(
            "SELECT {} FROM orders WHERE account = $1 AND instrument = $2 AND id >= $3{bounds} ORDER BY {by} LIMIT $4",
            columns::ORDER
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(account.0))
            .bind(i64::from(id.0))
            .bind(big(r.from.0))
            .bind(count(r.limit))
            .persistent(bounds.is_empty());
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(columns::order).collect()
    }

    /// The prevented matches in which an account took part, ascending.
    pub async fn prevented(
        &self,
        account: AccountId,
        id: InstrumentId,
        q: PreventedQuery,
    ) -> Result<Vec<PreventedMatch>> {
        let of_order = if q.order.is_some() {
            " AND (maker = $6 OR taker = $6)"
        } else {
            ""
        };
        let sql = format!(
            "SELECT {} FROM prevented WHERE instrument = $1 AND id >= $2 AND id <= $3 \
             AND (maker_account = $4 OR taker_account = $4){of_order} ORDER BY id LIMIT $5",
            columns::PREVENTED
        );
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(id.0))
            .bind(big(q.from))
            .bind(q.through.map_or(i64::MAX, big))
            .bind(i64::from(account.0))
            .bind(count(q.limit));
        if let Some(order) = q.order {
            query = query.bind(big(order.0));
        }
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(columns::prevented).collect()
    }

    /// The amendments of one order from a record on, ascending.
    pub async fn amendments(
        &self,
        account: AccountId,
        id: InstrumentId,
        order: OrderId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<Amendment>> {
        let sql = format!(
            "SELECT {} FROM amendments WHERE account = $1 AND instrument = $2 AND order_id = $3 AND seq >= $4 ORDER BY seq LIMIT $5",
            columns::AMENDMENT
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(account.0))
            .bind(i64::from(id.0))
            .bind(big(order.0))
            .bind(big(from.0))
            .bind(count(limit));
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(columns::amendment).collect()
    }

    /// The allocations of an account, ascending, or the newest descending.
    pub async fn allocations(
        &self,
        account: AccountId,
        id: InstrumentId,
        q: AllocationsQuery,
    ) -> Result<Vec<AllocationRow>> {
        let mut bounds = String::new();
        if let Some(order) = q.order {
            bounds.push_str(&format!(" AND order_id = {}", order.0));
        }
        if let Some(start) = q.start {
            bounds.push_str(&format!(" AND time >= {}", start.0));
        }
        if let Some(end) = q.end {
            bounds.push_str(&format!(" AND time <= {}", end.0));
        }
        let direction = if q.newest() { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT {} FROM allocations WHERE account = $1 AND instrument = $2 AND id >= $3{bounds} ORDER BY id {direction} LIMIT $4",
            columns::ALLOCATION
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(account.0))
            .bind(i64::from(id.0))
            .bind(big(q.from.unwrap_or(0)))
            .bind(count(q.limit))
            .persistent(bounds.is_empty());
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(columns::allocation).collect()
    }

    /// Block trades from an id on, ascending.
    pub async fn blocks(&self, id: InstrumentId, from: u64, limit: usize) -> Result<Vec<BlockRow>> {
        let sql = format!(
            "SELECT {} FROM blocks WHERE instrument = $1 AND id >= $2 ORDER BY id LIMIT $3",
            columns::BLOCK
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(id.0))
            .bind(big(from))
            .bind(count(limit));
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(columns::block).collect()
    }

    /// One list by its id, or the newest of a name.
    pub async fn list(&self, account: AccountId, key: ListKey) -> Result<Option<OrderList>> {
        let (which, id, name) = match key {
            ListKey::Id(id) => ("id = $2", Some(id), None),
            ListKey::Name(name) => ("client_id = $2", None, Some(name)),
        };
        let sql = format!(
            "SELECT {} FROM lists WHERE account = $1 AND {which} ORDER BY id DESC LIMIT 1",
            columns::LIST
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(account.0));
        let query = match (id, name) {
            (Some(id), _) => query.bind(big(id.0)),
            (_, name) => query.bind(name.map_or(String::new(), |n| n.as_str().to_owned())),
        };
        let row = query.fetch_optional(&self.pool).await?;
        row.as_ref().map(columns::list).transpose()
    }

    /// Lists of an account by id and time of placement, unordered between memory and here.
    pub async fn lists(&self, account: AccountId, q: &ListsQuery) -> Result<Vec<OrderList>> {
        let order = if q.newest() { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT {} FROM lists WHERE account = $1 AND id >= $2 AND placed_at >= $3 AND placed_at <= $4 ORDER BY id {order} LIMIT $5",
            columns::LIST
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(account.0))
            .bind(big(q.from.map_or(0, |id| id.0)))
            .bind(q.start.map_or(i64::MIN, |t| t.0))
            .bind(q.end.map_or(i64::MAX, |t| t.0))
            .bind(count(q.limit));
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(columns::list).collect()
    }
}
