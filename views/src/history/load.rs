//! What memory takes from the database when it opens.

use std::collections::{HashMap, VecDeque};

use protocol::Order;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use types::{InstrumentId, Seq, Time};

use super::columns;
use crate::market::Market;
use crate::model::HistoryError;
use crate::series::{Bucket, LEVELS, MINUTES, SECONDS};
use crate::tape::TradeRow;

/// The database as memory needs it.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub applied: Seq,
    pub markets: HashMap<InstrumentId, Market>,
    pub open: Vec<Order>,
}

impl Loaded {
    /// The newest candle of each level, which later trades may still change.
    pub fn growing(&self) -> HashMap<(InstrumentId, usize), Bucket> {
        let mut growing = HashMap::new();
        for (id, market) in &self.markets {
            for (index, level) in market.series.levels.iter().enumerate().skip(MINUTES) {
                if let Some(bucket) = level.buckets.back() {
                    growing.insert((*id, index), *bucket);
                }
            }
        }
        growing
    }
}

pub(crate) async fn load(
    conn: &mut AnyConnection,
    applied: Seq,
    keep: usize,
) -> Result<Loaded, HistoryError> {
    let sql = format!(
        "SELECT {} FROM orders WHERE status <= 2 OR status = 7",
        columns::ORDER
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(&mut *conn)
        .await?;
    let open = rows.iter().map(columns::order).collect::<Result<_, _>>()?;
    let rows = sqlx::query("SELECT DISTINCT instrument FROM trades")
        .fetch_all(&mut *conn)
        .await?;
    let mut markets = HashMap::new();
    for row in rows {
        let id: i64 = row.try_get(0)?;
        let id = InstrumentId(u32::try_from(id).map_err(|_| HistoryError::Corrupt {
            what: format!("trades of an instrument {id}"),
        })?);
        markets.insert(id, market(conn, id, keep).await?);
    }
    Ok(Loaded {
        applied,
        markets,
        open,
    })
}

async fn market(
    conn: &mut AnyConnection,
    id: InstrumentId,
    keep: usize,
) -> Result<Market, HistoryError> {
    let instrument = i64::from(id.0);
    let mut market = Market::new(keep);
    let first = trades(conn, instrument, "ORDER BY id LIMIT 1").await?;
    market.series.first_time = first.first().map(|row| row.time);
    let keep = format!("ORDER BY id DESC LIMIT {}", keep.max(1));
    let mut newest = trades(conn, instrument, &keep).await?;
    newest.reverse();
    let Some(last) = newest.last().copied() else {
        return Ok(market);
    };
    market.last_agg = last.agg;
    market.last_price = last.trade.price;
    market.flushed = last.trade.trade;
    let oldest = newest.first().map_or(0, |row| row.trade.trade.0);
    for row in newest {
        market.tape.push(row, market.flushed);
    }
    for (index, (width, keep)) in LEVELS.iter().enumerate().skip(MINUTES) {
        let from = last.time.0 - last.time.0.rem_euclid(*width) - keep;
        let level = &mut market.series.levels[index];
        level.buckets = buckets(conn, instrument, *width, from).await?;
        level.complete_from = from;
    }
    seconds(conn, instrument, last.time, oldest, &mut market).await?;
    Ok(market)
}

/// Seconds are not in the database: they are summed from the trades again.
async fn seconds(
    conn: &mut AnyConnection,
    instrument: i64,
    newest: Time,
    tape_from: u64,
    market: &mut Market,
) -> Result<(), HistoryError> {
    let minute = LEVELS[MINUTES].0;
    let from = newest.0 - newest.0.rem_euclid(minute) - LEVELS[SECONDS].1;
    let first = market.series.levels[MINUTES]
        .range(from, i64::MAX)
        .next()
        .map(|b| b.first_trade);
    let Some(first) = first else {
        return Ok(());
    };
    let older = format!("AND id >= {first} AND id < {tape_from} ORDER BY id");
    let older = if first < tape_from {
        trades(conn, instrument, &older).await?
    } else {
        Vec::new()
    };
    let width = LEVELS[SECONDS].0;
    let mut sums: VecDeque<Bucket> = VecDeque::new();
    for row in older.iter().chain(market.tape.from(types::TradeId(first))) {
        let start = row.time.0 - row.time.0.rem_euclid(width);
        match sums.back_mut() {
            Some(sum) if sum.start == start => sum.add(&row.trade),
            _ => sums.push_back(Bucket::of(row, start)),
        }
    }
    let level = &mut market.series.levels[SECONDS];
    level.buckets = sums;
    level.complete_from = from;
    Ok(())
}

async fn trades(
    conn: &mut AnyConnection,
    instrument: i64,
    rest: &str,
) -> Result<Vec<TradeRow>, HistoryError> {
    let sql = format!(
        "SELECT {} FROM trades WHERE instrument = $1 {rest}",
        columns::TRADE
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(instrument)
        .fetch_all(conn)
        .await?;
    rows.iter().map(columns::trade).collect()
}

async fn buckets(
    conn: &mut AnyConnection,
    instrument: i64,
    width: i64,
    from: i64,
) -> Result<VecDeque<Bucket>, HistoryError> {
    let sql = format!(
        "SELECT {} FROM candles WHERE instrument = $1 AND width = $2 AND start >= $3 ORDER BY start",
        columns::CANDLE
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(instrument)
        .bind(width)
        .bind(from);
    let rows = query.fetch_all(conn).await?;
    rows.iter().map(columns::candle).collect()
}
