use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::RwLock;
use protocol::{Batch, Event, Instrument, Order, OrderKey};
use types::{AccountId, AssetId, InstrumentId, Seq, Time, TradeId, Wallet};

use crate::account::Account;
use crate::catalog::Catalog;
use crate::commission::Fees;
use crate::history::{self, Loaded, Pipe, Sql};
use crate::market::Market;
use crate::model::{
    Asset, AvgPrice, Balance, Best, Depth, HistoryError, PublicTrade, Ticker, Window,
};

/// Where history lives and what time it is.
#[derive(Clone)]
pub struct Options {
    /// `sqlite:///path/to/file.db` (created when missing) or `postgres://…`.
    pub url: String,
    /// Drop what the database holds and take every record again.
    pub rebuild: bool,
    /// Rows that may wait for the database. Beyond, the relay waits, and with it the answers: history never loses a row.
    pub tail_rows: usize,
    /// Trades of each instrument that memory keeps at least: what [`Views::recent_trades`] can answer.
    pub recent_trades: usize,
    /// The venue's clock: where tickers and candles end.
    pub clock: Arc<dyn Fn() -> Time + Send + Sync>,
}

impl Options {
    #[must_use]
    pub fn new(
        url: impl Into<String>,
        clock: impl Fn() -> Time + Send + Sync + 'static,
    ) -> Options {
        Options {
            url: url.into(),
            rebuild: false,
            tail_rows: 2_000_000,
            recent_trades: 5_000,
            clock: Arc::new(clock),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // not the URL: it may hold a password
        f.debug_struct("Options")
            .field("rebuild", &self.rebuild)
            .field("tail_rows", &self.tail_rows)
            .field("recent_trades", &self.recent_trades)
            .finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    pub clock: Arc<dyn Fn() -> Time + Send + Sync>,
    pub catalog: ArcSwap<Catalog>,
    pub markets: RwLock<HashMap<InstrumentId, Arc<RwLock<Market>>>>,
    pub accounts: RwLock<HashMap<AccountId, Arc<RwLock<Account>>>>,
    pub fees: RwLock<Fees>,
    /// Of the newest record, microseconds.
    pub last_time: AtomicI64,
    pub pipe: Pipe,
    pub sql: Sql,
    pub recent_trades: usize,
}

impl Inner {
    /// The venue's time, never before the newest record's.
    pub fn now(&self) -> Time {
        Time((self.clock)().0.max(self.last_time.load(Ordering::Acquire)))
    }

    /// Takes a record unless it is known already. Waits while too many rows wait for the database.
    fn take(&self, seq: Seq, time: Time, events: &[Event]) {
        let mut pending = self.pipe.pending.lock();
        if seq <= pending.applied {
            return;
        }
        while pending.rows() >= self.pipe.limit && !pending.ended {
            self.pipe.work.notify_one();
            self.pipe.progress.wait(&mut pending);
        }
        self.project(seq, time, events, &mut pending.chunk);
        pending.applied = seq;
        if pending.seal_if_full() {
            self.pipe.work.notify_one();
        }
    }

    /// Has the writer write everything and end, and waits for that: whoever opens the database next finds it at rest.
    fn stop(&self) {
        let mut pending = self.pipe.pending.lock();
        pending.stop = true;
        self.pipe.work.notify_all();
        while !pending.ended {
            self.pipe.progress.wait(&mut pending);
        }
    }
}

/// Views that are being brought up to the engine's state.
///
/// First every record that history lacks ([`Opening::apply`] from [`Opening::next_seq`] on), then the engine's state
/// ([`Opening::start`]).
pub struct Opening {
    inner: Option<Arc<Inner>>,
    options: Options,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening")
            .field("next_seq", &self.next_seq())
            .finish()
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            inner.stop();
        }
    }
}

impl Opening {
    fn inner(&self) -> &Arc<Inner> {
        self.inner
            .as_ref()
            .expect("taken only by start, which consumes")
    }

    /// The first record that history lacks.
    #[must_use]
    pub fn next_seq(&self) -> Seq {
        Seq(self.inner().pipe.pending.lock().applied.0 + 1)
    }

    /// Takes one record of the event log. Records that history holds are passed over.
    ///
    /// # Errors
    /// When a record between is missing.
    pub fn apply(&mut self, seq: Seq, time: Time, events: &[Event]) -> Result<(), HistoryError> {
        let next = self.next_seq();
        if seq > next {
            return Err(HistoryError::Hole {
                applied: next.0 - 1,
                found: seq.0,
            });
        }
        self.inner().take(seq, time, events);
        Ok(())
    }

    /// [`Opening::apply`] for each.
    ///
    /// # Errors
    /// When a record between is missing.
    pub fn catch_up<'a>(
        &mut self,
        records: impl IntoIterator<Item = (Seq, Time, &'a [Event])>,
    ) -> Result<(), HistoryError> {
        for (seq, time, events) in records {
            self.apply(seq, time, events)?;
        }
        Ok(())
    }

    /// Lets history begin after `seq`: the records before are no longer anywhere. What the database holds of the time before the gap goes
    /// too, since orders and candles across a gap would be wrong.
    ///
    /// # Errors
    /// When the database cannot be emptied.
    pub fn begin_after(&mut self, seq: Seq) -> Result<(), HistoryError> {
        if self.next_seq() > Seq(1) && self.next_seq() <= seq {
            if let Some(inner) = self.inner.take() {
                inner.stop();
            }
            let rebuild = Options {
                rebuild: true,
                ..self.options.clone()
            };
            *self = Views::open(rebuild)?;
        }
        let mut pending = self.inner().pipe.pending.lock();
        pending.applied = pending.applied.max(seq);
        pending.chunk.through = pending.chunk.through.max(seq);
        Ok(())
    }

    /// Replaces what is open by what the engine says is open, as of record `at`, and begins. `tell` is called once with the place to tell it
    /// to (`Engine::tell`).
    ///
    /// # Errors
    /// When history does not stand at `at`, or disagrees with the engine about what is open: it is of another journal, to be rebuilt.
    pub fn start(
        mut self,
        at: Seq,
        tell: impl FnOnce(&mut dyn FnMut(Event)),
    ) -> Result<(Views, ViewsReader), HistoryError> {
        let next = self.next_seq();
        if next.0 > at.0 + 1 {
            return Err(HistoryError::Ahead {
                applied: next.0 - 1,
                end: at.0,
            });
        }
        if next.0 != at.0 + 1 {
            return Err(HistoryError::Hole {
                applied: next.0 - 1,
                found: at.0 + 1,
            });
        }
        let inner = Arc::clone(self.inner());
        let mut known = inner.reset();
        let mut unknown: Vec<Order> = Vec::new();
        tell(&mut |event| {
            if let Event::OrderRestored(order) = &event
                && known.remove(&(order.instrument, order.id)).is_none()
            {
                unknown.push((**order).clone());
            }
            inner.tell(&event);
        });
        if let Some((_, order)) = known.first_key_value() {
            return Err(HistoryError::Corrupt {
                what: format!(
                    "order {} of instrument {} as open, which the engine does not know",
                    order.id, order.instrument
                ),
            });
        }
        inner.pipe.pending.lock().chunk.orders.append(&mut unknown);
        self.inner = None;
        Ok((
            Views {
                inner: Arc::clone(&inner),
            },
            ViewsReader { inner },
        ))
    }
}

/// The relay's way in. One per [`Views`]; dropping it waits until history has written what is left.
pub struct ViewsReader {
    inner: Arc<Inner>,
}

impl fmt::Debug for ViewsReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewsReader").finish_non_exhaustive()
    }
}

impl relay::Reader for ViewsReader {
    fn apply(&mut self, batch: &Arc<Batch>) {
        for (record, events) in batch.iter() {
            self.inner.take(record.seq, record.time, events);
        }
    }
}

impl Drop for ViewsReader {
    fn drop(&mut self) {
        self.inner.stop();
    }
}

/// Queries. Cheap to clone.
#[derive(Clone)]
pub struct Views {
    pub(crate) inner: Arc<Inner>,
}

impl fmt::Debug for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Views").finish_non_exhaustive()
    }
}

impl Views {
    /// Opens the database, makes its tables where they are missing, and reads what memory needs of it. Blocks meanwhile.
    ///
    /// # Errors
    /// When the database cannot be opened or read.
    pub fn open(options: Options) -> Result<Opening, HistoryError> {
        sqlx::any::install_default_drivers();
        let mut url = options.url.clone();
        if url.starts_with("sqlite:") && !url.contains("mode=") {
            url.push_str(if url.contains('?') {
                "&mode=rwc"
            } else {
                "?mode=rwc"
            });
        }
        let sql = Sql::new(&url)?;
        let (
            Loaded {
                applied,
                markets,
                open,
            },
            give,
        ) = history::spawn(url, options.rebuild, options.recent_trades)?;
        let shared = |(id, market)| (id, Arc::new(RwLock::new(market)));
        let inner = Arc::new(Inner {
            clock: Arc::clone(&options.clock),
            catalog: ArcSwap::default(),
            markets: RwLock::new(markets.into_iter().map(shared).collect()),
            accounts: RwLock::default(),
            fees: RwLock::default(),
            last_time: AtomicI64::new(0),
            pipe: Pipe::new(options.tail_rows, applied),
            sql,
            recent_trades: options.recent_trades,
        });
        for order in open {
            inner.tell(&Event::OrderRestored(Box::new(order)));
        }
        give.send(Arc::clone(&inner))
            .map_err(|_| HistoryError::Stopped)?;
        Ok(Opening {
            inner: Some(inner),
            options,
        })
    }

    #[must_use]
    pub fn instrument(&self, symbol: &str) -> Option<Arc<Instrument>> {
        self.inner.catalog.load().by_symbol(symbol)
    }

    #[must_use]
    pub fn instrument_by_id(&self, id: InstrumentId) -> Option<Arc<Instrument>> {
        self.inner.catalog.load().by_id(id)
    }

    /// In the order of their listing.
    #[must_use]
    pub fn instruments(&self) -> Arc<[Arc<Instrument>]> {
        Arc::clone(&self.inner.catalog.load().instruments)
    }

    #[must_use]
    pub fn asset(&self, id: AssetId) -> Option<Arc<Asset>> {
        self.inner.catalog.load().asset(id)
    }

    #[must_use]
    pub fn asset_by_name(&self, name: &str) -> Option<Arc<Asset>> {
        self.inner.catalog.load().asset_by_name(name)
    }

    /// In the order of their creation.
    #[must_use]
    pub fn assets(&self) -> Vec<Arc<Asset>> {
        self.inner.catalog.load().assets()
    }

    #[must_use]
    pub fn account_exists(&self, account: AccountId) -> bool {
        self.inner.accounts.read().contains_key(&account)
    }

    /// Where tickers and candles end: the venue's clock, never before the newest record.
    #[must_use]
    pub fn now(&self) -> Time {
        self.inner.now()
    }

    /// The best `limit` levels of each side.
    #[must_use]
    pub fn depth(&self, id: InstrumentId, limit: usize) -> Depth {
        self.read_market(id, |m| m.book.depth(limit))
            .unwrap_or_default()
    }

    #[must_use]
    pub fn best(&self, id: InstrumentId) -> Best {
        self.read_market(id, |m| m.book.best()).unwrap_or_default()
    }

    /// Of the last trade; `None` before the first.
    #[must_use]
    pub fn last_price(&self, id: InstrumentId) -> Option<types::Decimal> {
        self.read_market(id, |m| m.last_price)
            .filter(|price| !price.is_zero())
    }

    /// The newest trades that memory holds (at least [`Options::recent_trades`], or all), ascending.
    #[must_use]
    pub fn recent_trades(&self, id: InstrumentId, limit: usize) -> Vec<PublicTrade> {
        self.read_market(id, |m| {
            m.tape
                .newest(limit)
                .map(crate::tape::TradeRow::public)
                .collect()
        })
        .unwrap_or_default()
    }

    /// The number of the last aggregate trade: a reader that counts [`protocol::aggregates`] itself begins here.
    #[must_use]
    pub fn last_aggregate(&self, id: InstrumentId) -> u64 {
        self.read_market(id, |m| m.last_agg).unwrap_or(0)
    }

    /// The aggregate that a recent trade belongs to; `None` when the trade is older than memory.
    #[must_use]
    pub fn aggregate_of(&self, id: InstrumentId, trade: TradeId) -> Option<u64> {
        self.read_market(id, |m| m.tape.get(trade).map(|row| row.agg))
            .flatten()
    }

    /// `None` for an unknown instrument.
    #[must_use]
    pub fn avg_price(&self, id: InstrumentId) -> Option<AvgPrice> {
        let now = self.inner.now();
        let precision = self.inner.catalog.load().quote_precision(id);
        self.read_market(id, |m| m.avg_price(now, precision))
    }

    /// `None` for an unknown instrument.
    #[must_use]
    pub fn ticker(&self, id: InstrumentId, window: Window) -> Option<Ticker> {
        let now = self.inner.now();
        let precision = self.inner.catalog.load().quote_precision(id);
        self.read_market(id, |m| m.ticker(window, now, precision))
    }

    /// Waits until the database holds every record that memory holds. False when the writing thread ended before.
    pub fn settle(&self) -> bool {
        let pipe = &self.inner.pipe;
        let mut pending = pipe.pending.lock();
        while (pending.flushed < pending.applied || pending.rows() > 0) && !pending.ended {
            pending.hurry = true;
            pipe.work.notify_one();
            pipe.progress.wait(&mut pending);
        }
        pending.flushed >= pending.applied
    }

    /// The last record in memory, the last in the database, and the rows between.
    #[must_use]
    pub fn progress(&self) -> (Seq, Seq, usize) {
        let pending = self.inner.pipe.pending.lock();
        (pending.applied, pending.flushed, pending.rows())
    }

    /// Ascending by instrument and id.
    #[must_use]
    pub fn open_orders(&self, account: AccountId, id: Option<InstrumentId>) -> Vec<Order> {
        self.read_account(account, |a| a.open_orders(id))
            .unwrap_or_default()
    }

    #[must_use]
    pub fn open_order_count(&self, account: AccountId, id: InstrumentId) -> usize {
        self.read_account(account, |a| a.open_count(id))
            .unwrap_or(0)
    }

    /// An open order, without asking history.
    #[must_use]
    pub fn open_order(&self, account: AccountId, id: InstrumentId, key: OrderKey) -> Option<Order> {
        self.read_account(account, |a| {
            a.find(id, &key).filter(|o| o.is_open()).cloned()
        })
        .flatten()
    }

    /// The spot wallet, ascending by asset.
    #[must_use]
    pub fn balances(&self, account: AccountId) -> Vec<Balance> {
        self.balances_of(account, Wallet::SPOT)
    }

    #[must_use]
    pub fn balances_of(&self, account: AccountId, wallet: Wallet) -> Vec<Balance> {
        self.read_account(account, |a| a.balances(wallet))
            .unwrap_or_default()
    }

    /// When one of its balances last changed, as far as memory reaches; zero otherwise.
    #[must_use]
    pub fn last_update_time(&self, account: AccountId) -> Time {
        self.read_account(account, |a| a.last_update)
            .unwrap_or_default()
    }

    pub(crate) fn read_market<T>(
        &self,
        id: InstrumentId,
        read: impl FnOnce(&Market) -> T,
    ) -> Option<T> {
        let market = self.inner.markets.read().get(&id).cloned()?;
        let market = market.read();
        Some(read(&market))
    }

    pub(crate) fn read_account<T>(
        &self,
        id: AccountId,
        read: impl FnOnce(&Account) -> T,
    ) -> Option<T> {
        let account = self.inner.accounts.read().get(&id).cloned()?;
        let account = account.read();
        Some(read(&account))
    }
}
