//! The thread that writes history. It owns a connection and a small runtime, and nobody waits for it but who asks to.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use protocol::Order;
use sqlx::{AnyConnection, Connection};
use types::{AccountId, InstrumentId, OrderId, TradeId};

use super::Chunk;
use super::load::{Loaded, load};
use super::schema::prepare;
use super::write::Scribe;
use crate::Inner;
use crate::model::HistoryError;

/// Fewer rows than a full chunk wait this long for company.
const LINGER: Duration = Duration::from_millis(500);
/// Between two tries of a transaction that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Tries once everything is to end: what is not written is taken again from the event log.
const LAST_TRIES: u32 = 3;
/// Accounts are locked for this many orders at a time.
const STRIDE: usize = 256;

/// Starts the thread and waits until it has read what the database holds. The thread begins to write when it is given the views.
pub(crate) fn spawn(
    url: String,
    rebuild: bool,
    recent_trades: usize,
) -> Result<(Loaded, mpsc::Sender<Arc<Inner>>), HistoryError> {
    let (told, hear) = mpsc::channel();
    let (give, given) = mpsc::channel::<Arc<Inner>>();
    thread::Builder::new()
        .name("history".into())
        .spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
            {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = told.send(Err(error.into()));
                    return;
                }
            };
            let begun = runtime.block_on(async {
                let mut conn = AnyConnection::connect(&url).await?;
                let applied = prepare(&mut conn, rebuild).await?;
                let loaded = load(&mut conn, applied, recent_trades).await?;
                Ok::<_, HistoryError>((conn, loaded))
            });
            let (conn, scribe) = match begun {
                Ok((conn, loaded)) => {
                    let scribe = Scribe::new(loaded.growing());
                    let _ = told.send(Ok(loaded));
                    (conn, scribe)
                }
                Err(error) => {
                    let _ = told.send(Err(error));
                    return;
                }
            };
            // who drops the other end without giving has given up
            if let Ok(inner) = given.recv() {
                let writer = Writer {
                    url,
                    conn: Some(conn),
                    scribe,
                    inner,
                };
                runtime.block_on(writer.run());
            }
        })?;
    let loaded = hear.recv().map_err(|_| HistoryError::Stopped)??;
    Ok((loaded, give))
}

struct Writer {
    url: String,
    /// `None` after a failure.
    conn: Option<AnyConnection>,
    scribe: Scribe,
    inner: Arc<Inner>,
}

impl Drop for Writer {
    /// Also when the thread panics: nobody may wait for it any longer.
    fn drop(&mut self) {
        self.inner.pipe.pending.lock().ended = true;
        self.inner.pipe.progress.notify_all();
    }
}

impl Writer {
    async fn run(mut self) {
        while let Some(chunk) = self.next() {
            let mut tries = 0;
            while let Err(error) = self.write(&chunk).await {
                tries += 1;
                self.conn = None;
                tracing::error!(%error, through = chunk.through.0, rows = chunk.rows(), tries, "history could not be written; trying again");
                let mut pending = self.inner.pipe.pending.lock();
                if pending.stop && tries >= LAST_TRIES {
                    return;
                }
                self.inner.pipe.work.wait_for(&mut pending, PAUSE);
            }
            self.forget(&chunk);
            let mut pending = self.inner.pipe.pending.lock();
            pending.committed(chunk.rows(), chunk.through);
            self.inner.pipe.progress.notify_all();
        }
    }

    /// Waits for something to write; `None` when everything is to end and everything is written.
    fn next(&self) -> Option<Chunk> {
        let pipe = &self.inner.pipe;
        let mut pending = pipe.pending.lock();
        loop {
            if pending.has_sealed() || (pending.has_work() && (pending.stop || pending.hurry)) {
                return Some(pending.take());
            }
            if pending.stop {
                return None;
            }
            let waited = pipe.work.wait_for(&mut pending, LINGER);
            if waited.timed_out() && pending.has_work() {
                return Some(pending.take());
            }
        }
    }

    async fn write(&mut self, chunk: &Chunk) -> Result<(), HistoryError> {
        let conn = match &mut self.conn {
            Some(conn) => conn,
            none => {
                let mut conn = AnyConnection::connect(&self.url).await?;
                prepare(&mut conn, false).await?;
                none.insert(conn)
            }
        };
        self.scribe.write(conn, chunk).await
    }

    /// The database shows the chunk: memory need not.
    fn forget(&self, chunk: &Chunk) {
        let mut last: HashMap<InstrumentId, TradeId> = HashMap::new();
        let mut fills: HashMap<(AccountId, InstrumentId), TradeId> = HashMap::new();
        for row in &chunk.trades {
            let t = &row.trade;
            last.insert(t.instrument, t.trade);
            fills.insert((t.maker.account, t.instrument), t.trade);
            fills.insert((t.taker.account, t.instrument), t.trade);
        }
        for (instrument, through) in last {
            self.inner.market(instrument).write().flushed(through);
        }
        for ((account, instrument), through) in fills {
            self.inner
                .account(account)
                .write()
                .forget_fills(instrument, through);
        }
        let noted = chunk
            .prevented
            .iter()
            .flat_map(|row| [row.prevented.maker_account, row.prevented.taker_account])
            .chain(chunk.amendments.iter().map(|row| row.account));
        for account in noted.collect::<BTreeSet<_>>() {
            let account = self.inner.account(account);
            account.write().forget_notes(chunk.through);
        }
        let mut ended: HashMap<AccountId, Vec<(InstrumentId, OrderId)>> = HashMap::new();
        let closed = |order: &&Order| !order.is_open();
        for order in chunk.orders.iter().filter(closed) {
            ended
                .entry(order.account)
                .or_default()
                .push((order.instrument, order.id));
        }
        for list in chunk.lists.iter().filter(|list| list.done) {
            let account = self.inner.account(list.account);
            account.write().forget_list(list.id);
        }
        for (account, keys) in ended {
            let account = self.inner.account(account);
            for keys in keys.chunks(STRIDE) {
                account.write().forget_closed(keys);
            }
        }
    }
}
