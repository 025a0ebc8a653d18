//! Tables, in the subset that SQLite and PostgreSQL share: BIGINT and TEXT. Amounts are TEXT, because an `Amount` does not fit in BIGINT;
//! prices and quantities are BIGINT at 10⁻⁸, times are microseconds, enums their protocol numbers, booleans 0 and 1.

use sqlx::{AnyConnection, AssertSqlSafe, Row};
use types::Seq;

use crate::model::HistoryError;

/// Of the tables. A database of another format is rebuilt from the event log.
pub(crate) const FORMAT: i64 = 4;

const TABLES: [&str; 12] = [
    "meta",
    "assets",
    "instruments",
    "transfers",
    "candles",
    "trades",
    "orders",
    "prevented",
    "amendments",
    "lists",
    "blocks",
    "allocations",
];

// `{}` becomes WITHOUT ROWID on SQLite: the table is its primary key, as on no other database is needed.
const CREATE: [&str; 22] = [
    "CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS assets (id BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, decimals BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS instruments (id BIGINT NOT NULL PRIMARY KEY, symbol TEXT NOT NULL, base BIGINT NOT NULL, quote BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS transfers (seq BIGINT NOT NULL, place BIGINT NOT NULL, account BIGINT NOT NULL, wallet BIGINT NOT NULL, \
     asset BIGINT NOT NULL, delta TEXT NOT NULL, time BIGINT NOT NULL, PRIMARY KEY (seq, place)){}",
    "CREATE INDEX IF NOT EXISTS transfers_account ON transfers (account, seq)",
    "CREATE TABLE IF NOT EXISTS candles (instrument BIGINT NOT NULL, width BIGINT NOT NULL, start BIGINT NOT NULL, open BIGINT NOT NULL, \
     high BIGINT NOT NULL, low BIGINT NOT NULL, close BIGINT NOT NULL, volume TEXT NOT NULL, quote TEXT NOT NULL, taker_base TEXT NOT NULL, \
     taker_quote TEXT NOT NULL, trades BIGINT NOT NULL, first_trade BIGINT NOT NULL, first_agg BIGINT NOT NULL, \
     PRIMARY KEY (instrument, width, start)){}",
    "CREATE INDEX IF NOT EXISTS candles_agg ON candles (instrument, width, first_agg)",
    "CREATE TABLE IF NOT EXISTS trades (instrument BIGINT NOT NULL, id BIGINT NOT NULL, time BIGINT NOT NULL, price BIGINT NOT NULL, \
     qty BIGINT NOT NULL, quote TEXT NOT NULL, taker_sells BIGINT NOT NULL, agg BIGINT NOT NULL, maker_account BIGINT NOT NULL, \
     maker_order BIGINT NOT NULL, maker_fee TEXT NOT NULL, maker_fee_asset BIGINT NOT NULL, taker_account BIGINT NOT NULL, \
     taker_order BIGINT NOT NULL, taker_fee TEXT NOT NULL, taker_fee_asset BIGINT NOT NULL, PRIMARY KEY (instrument, id)){}",
    "CREATE INDEX IF NOT EXISTS trades_maker ON trades (maker_account, instrument, id)",
    "CREATE INDEX IF NOT EXISTS trades_taker ON trades (taker_account, instrument, id)",
    "CREATE TABLE IF NOT EXISTS orders (account BIGINT NOT NULL, instrument BIGINT NOT NULL, id BIGINT NOT NULL, client_id TEXT NOT NULL, \
     side BIGINT NOT NULL, kind BIGINT NOT NULL, tif BIGINT NOT NULL, stp BIGINT NOT NULL, price BIGINT NOT NULL, qty BIGINT NOT NULL, \
     quote_qty BIGINT NOT NULL, executed_qty BIGINT NOT NULL, executed_quote TEXT NOT NULL, prevented_qty BIGINT NOT NULL, \
     status BIGINT NOT NULL, placed_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, strategy_id BIGINT, strategy_kind BIGINT, \
     stop_price BIGINT, trailing_delta BIGINT, trailing_at BIGINT, triggered_at BIGINT, refused BIGINT, more TEXT, \
     PRIMARY KEY (account, instrument, id)){}",
    "CREATE INDEX IF NOT EXISTS orders_placed ON orders (account, instrument, placed_at, id)",
    "CREATE INDEX IF NOT EXISTS orders_client ON orders (account, instrument, client_id)",
    "CREATE INDEX IF NOT EXISTS orders_open ON orders (status) WHERE status <= 2 OR status = 7",
    "CREATE TABLE IF NOT EXISTS prevented (instrument BIGINT NOT NULL, id BIGINT NOT NULL, mode BIGINT NOT NULL, price BIGINT NOT NULL, \
     maker BIGINT NOT NULL, maker_account BIGINT NOT NULL, maker_qty BIGINT NOT NULL, taker BIGINT NOT NULL, \
     taker_account BIGINT NOT NULL, taker_qty BIGINT NOT NULL, time BIGINT NOT NULL, trade_group BIGINT, \
     PRIMARY KEY (instrument, id)){}",
    "CREATE INDEX IF NOT EXISTS prevented_maker ON prevented (instrument, maker, id)",
    "CREATE INDEX IF NOT EXISTS prevented_taker ON prevented (instrument, taker, id)",
    "CREATE TABLE IF NOT EXISTS amendments (account BIGINT NOT NULL, instrument BIGINT NOT NULL, order_id BIGINT NOT NULL, \
     seq BIGINT NOT NULL, client_id_before TEXT NOT NULL, client_id TEXT NOT NULL, qty_before BIGINT NOT NULL, qty BIGINT NOT NULL, \
     time BIGINT NOT NULL, PRIMARY KEY (account, instrument, order_id, seq)){}",
    "CREATE TABLE IF NOT EXISTS lists (account BIGINT NOT NULL, id BIGINT NOT NULL, instrument BIGINT NOT NULL, client_id TEXT NOT NULL, \
     placed_at BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (account, id)){}",
    "CREATE INDEX IF NOT EXISTS lists_client ON lists (account, client_id)",
    "CREATE TABLE IF NOT EXISTS blocks (instrument BIGINT NOT NULL, id BIGINT NOT NULL, time BIGINT NOT NULL, price BIGINT NOT NULL, \
     qty BIGINT NOT NULL, quote TEXT NOT NULL, buyer BIGINT NOT NULL, seller BIGINT NOT NULL, buyer_is_maker BIGINT NOT NULL, \
     PRIMARY KEY (instrument, id)){}",
    "CREATE TABLE IF NOT EXISTS allocations (account BIGINT NOT NULL, instrument BIGINT NOT NULL, id BIGINT NOT NULL, time BIGINT NOT NULL, \
     order_id BIGINT NOT NULL, side BIGINT NOT NULL, price BIGINT NOT NULL, qty BIGINT NOT NULL, quote TEXT NOT NULL, fee TEXT NOT NULL, \
     fee_asset BIGINT NOT NULL, open_qty BIGINT NOT NULL, PRIMARY KEY (account, instrument, id)){}",
];

/// Makes the tables where they are missing and answers the last record that they hold.
pub(crate) async fn prepare(conn: &mut AnyConnection, rebuild: bool) -> Result<Seq, HistoryError> {
    let sqlite = conn.backend_name() == "SQLite";
    if sqlite {
        for pragma in [
            "PRAGMA journal_mode = WAL",
            // a crash of the machine may lose the newest transactions: they are taken again from the event log
            "PRAGMA synchronous = NORMAL",
            "PRAGMA cache_size = -65536",
            "PRAGMA wal_autocheckpoint = 8192",
        ] {
            sqlx::query(pragma).execute(&mut *conn).await?;
        }
    }
    if rebuild {
        for table in TABLES {
            let sql = format!("DROP TABLE IF EXISTS {table}");
            sqlx::query(AssertSqlSafe(sql)).execute(&mut *conn).await?;
        }
    }
    for sql in CREATE {
        let sql = sql.replace("{}", if sqlite { " WITHOUT ROWID" } else { "" });
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *conn).await?;
    }
    sqlx::query("INSERT INTO meta (name, value) VALUES ('format', $1), ('applied_seq', 0) ON CONFLICT (name) DO NOTHING")
        .bind(FORMAT)
        .execute(&mut *conn)
        .await?;
    let found = meta(conn, "format").await?;
    if found != FORMAT {
        return Err(HistoryError::Format {
            found,
            expected: FORMAT,
        });
    }
    super::columns::id(meta(conn, "applied_seq").await?).map(Seq)
}

async fn meta(conn: &mut AnyConnection, name: &str) -> Result<i64, HistoryError> {
    let row = sqlx::query("SELECT value FROM meta WHERE name = $1")
        .bind(name.to_owned())
        .fetch_one(conn)
        .await?;
    Ok(row.try_get(0)?)
}
