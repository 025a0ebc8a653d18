//! One chunk into one SQL transaction, in statements of many rows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use types::{InstrumentId, Seq};

use super::Chunk;
use super::columns::{self, Binding};
use crate::model::HistoryError;
use crate::series::{Bucket, LEVELS, MINUTES};
use crate::tape::TradeRow;

/// Rows by statement: few sizes, so that each statement is prepared once.
const SIZES: [usize; 3] = [400, 20, 1];

/// What the writing thread remembers from chunk to chunk.
#[derive(Debug, Default)]
pub(crate) struct Scribe {
    /// The growing candle of each instrument and level.
    candles: Candles,
    statements: HashMap<(&'static str, usize), Arc<str>>,
}

type Candles = HashMap<(InstrumentId, usize), Bucket>;

/// A table's statement, around the rows.
struct Table {
    name: &'static str,
    columns: &'static str,
    count: usize,
    conflict: &'static str,
}

const TRADES: Table = Table {
    name: "trades",
    columns: columns::TRADE,
    count: 16,
    conflict: "",
};
const ORDERS: Table = Table {
    name: "orders",
    columns: columns::ORDER,
    count: 25,
    conflict: " ON CONFLICT (account, instrument, id) DO UPDATE SET client_id = excluded.client_id, price = excluded.price, qty = excluded.qty, \
        executed_qty = excluded.executed_qty, executed_quote = excluded.executed_quote, prevented_qty = excluded.prevented_qty, \
        status = excluded.status, updated_at = excluded.updated_at, trailing_at = excluded.trailing_at, \
        triggered_at = excluded.triggered_at, refused = excluded.refused, more = excluded.more",
};
const CANDLES: Table = Table {
    name: "candles",
    columns: columns::CANDLE,
    count: 14,
    conflict: " ON CONFLICT (instrument, width, start) DO UPDATE SET high = excluded.high, low = excluded.low, close = excluded.close, \
        volume = excluded.volume, quote = excluded.quote, taker_base = excluded.taker_base, taker_quote = excluded.taker_quote, \
        trades = excluded.trades",
};
const TRANSFERS: Table = Table {
    name: "transfers",
    columns: "seq, place, account, wallet, asset, delta, time",
    count: 7,
    conflict: "",
};
const PREVENTED: Table = Table {
    name: "prevented",
    columns: columns::PREVENTED,
    count: 12,
    conflict: "",
};
const AMENDMENTS: Table = Table {
    name: "amendments",
    columns: columns::AMENDMENT,
    count: 9,
    conflict: "",
};
const BLOCKS: Table = Table {
    name: "blocks",
    columns: columns::BLOCK,
    count: 9,
    conflict: "",
};
const ALLOCATIONS: Table = Table {
    name: "allocations",
    columns: columns::ALLOCATION,
    count: 12,
    conflict: "",
};
const LISTS: Table = Table {
    name: "lists",
    columns: columns::LIST,
    count: 6,
    conflict: " ON CONFLICT (account, id) DO UPDATE SET body = excluded.body",
};
const ASSETS: Table = Table {
    name: "assets",
    columns: "id, name, decimals",
    count: 3,
    conflict: " ON CONFLICT (id) DO UPDATE SET name = excluded.name",
};
const INSTRUMENTS: Table = Table {
    name: "instruments",
    columns: "id, symbol, base, quote",
    count: 4,
    conflict: " ON CONFLICT (id) DO UPDATE SET symbol = excluded.symbol",
};

impl Scribe {
    pub fn new(candles: Candles) -> Scribe {
        Scribe {
            candles,
            statements: HashMap::new(),
        }
    }

    /// Writes a chunk and the number of its last record, both or neither.
    pub async fn write(
        &mut self,
        conn: &mut AnyConnection,
        chunk: &Chunk,
    ) -> Result<(), HistoryError> {
        let mut candles = self.candles.clone();
        let changed = grow(&mut candles, &chunk.trades);
        let mut sql_tx = conn.begin().await?;
        let tx = &mut *sql_tx;
        self.insert(tx, &TRADES, &chunk.trades, columns::bind_trade)
            .await?;
        let mut seen = HashSet::with_capacity(chunk.orders.len());
        let last = |order: &&protocol::Order| seen.insert((order.instrument, order.id));
        let orders: Vec<_> = chunk.orders.iter().rev().filter(last).collect();
        self.insert(tx, &ORDERS, &orders, |q, o| columns::bind_order(q, o))
            .await?;
        self.insert(tx, &CANDLES, &changed, columns::bind_candle)
            .await?;
        let transfers: Vec<_> = (0..).zip(chunk.transfers.iter().copied()).collect();
        self.insert(tx, &TRANSFERS, &transfers, columns::bind_transfer)
            .await?;
        self.insert(tx, &PREVENTED, &chunk.prevented, columns::bind_prevented)
            .await?;
        self.insert(tx, &AMENDMENTS, &chunk.amendments, columns::bind_amendment)
            .await?;
        self.insert(tx, &BLOCKS, &chunk.blocks, columns::bind_block)
            .await?;
        self.insert(
            tx,
            &ALLOCATIONS,
            &chunk.allocations,
            columns::bind_allocation,
        )
        .await?;
        let mut seen = HashSet::with_capacity(chunk.lists.len());
        let last = |list: &&protocol::OrderList| seen.insert(list.id);
        let lists: Vec<_> = chunk.lists.iter().rev().filter(last).collect();
        self.insert(tx, &LISTS, &lists, |q, l| columns::bind_list(q, l))
            .await?;
        self.write_names(tx, chunk).await?;
        if chunk.through > Seq(0) {
            sqlx::query("UPDATE meta SET value = $1 WHERE name = 'applied_seq'")
                .bind(columns::big(chunk.through.0))
                .execute(&mut *tx)
                .await?;
        }
        sql_tx.commit().await?;
        self.candles = candles;
        Ok(())
    }

    async fn write_names(
        &mut self,
        tx: &mut AnyConnection,
        chunk: &Chunk,
    ) -> Result<(), HistoryError> {
        // one by one: the same asset or instrument may come twice, and a statement may touch a row only once
        for asset in &chunk.assets {
            self.insert(
                tx,
                &ASSETS,
                std::slice::from_ref(asset),
                columns::bind_asset,
            )
            .await?;
        }
        for instrument in &chunk.instruments {
            self.insert(
                tx,
                &INSTRUMENTS,
                std::slice::from_ref(instrument),
                |q, i| {
                    q.bind(i64::from(i.id.0))
                        .bind(i.symbol.to_string())
                        .bind(i64::from(i.base.0))
                        .bind(i64::from(i.quote.0))
                },
            )
            .await?;
        }
        Ok(())
    }

    async fn insert<T>(
        &mut self,
        conn: &mut AnyConnection,
        table: &Table,
        mut rows: &[T],
        bind: impl for<'q> Fn(Binding<'q>, &T) -> Binding<'q>,
    ) -> Result<(), HistoryError> {
        let sqlite = conn.backend_name() == "SQLite";
        for size in SIZES {
            while rows.len() >= size {
                let (now, later) = rows.split_at(size);
                rows = later;
                let sql = self
                    .statements
                    .entry((table.name, size))
                    .or_insert_with(|| statement(table, size, sqlite));
                let mut query: Binding<'_> = sqlx::query(AssertSqlSafe(Arc::clone(sql)));
                for row in now {
                    query = bind(query, row);
                }
                query.execute(&mut *conn).await?;
            }
        }
        Ok(())
    }
}

/// SQLite takes `$7` for a name and looks names up one by one, which makes long statements slow: it gets `?`, PostgreSQL numbers.
fn statement(table: &Table, rows: usize, sqlite: bool) -> Arc<str> {
    use std::fmt::Write as _;
    let mut sql = format!("INSERT INTO {} ({}) VALUES ", table.name, table.columns);
    for place in 0..rows * table.count {
        let before = match (place, place % table.count) {
            (0, _) => "(",
            (_, 0) => "),(",
            _ => ",",
        };
        // writing to a String cannot fail
        let _ = match sqlite {
            true => write!(sql, "{before}?"),
            false => write!(sql, "{before}${}", place + 1),
        };
    }
    sql.push(')');
    sql.push_str(table.conflict);
    sql.into()
}

/// Adds trades to the growing candles. Answers every candle that changed, as it is now.
fn grow(candles: &mut Candles, trades: &[TradeRow]) -> Vec<(InstrumentId, i64, Bucket)> {
    let mut changed = Vec::new();
    let mut touched = HashSet::new();
    for row in trades {
        let instrument = row.trade.instrument;
        for (level, (width, _)) in LEVELS.iter().enumerate().skip(MINUTES) {
            let start = row.time.0 - row.time.0.rem_euclid(*width);
            let key = (instrument, level);
            match candles.get_mut(&key) {
                Some(bucket) if bucket.start == start => bucket.add(&row.trade),
                _ => {
                    let before = candles.insert(key, Bucket::of(row, start));
                    if let Some(before) = before.filter(|_| touched.contains(&key)) {
                        changed.push((instrument, *width, before));
                    }
                }
            }
            touched.insert(key);
        }
    }
    changed.extend(touched.into_iter().filter_map(|key| {
        let bucket = candles.get(&key)?;
        Some((key.0, LEVELS[key.1].0, *bucket))
    }));
    changed
}
