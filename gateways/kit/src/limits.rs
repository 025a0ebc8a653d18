use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use protocol::{Batch, Event};
use types::{AccountId, InstrumentId, OrderId, Time};

use crate::{ApiError, Json};

mod counts;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 86_400 * SECOND;
const ORDER_WINDOW: i64 = 10 * SECOND;
const RAW_WINDOW: i64 = 5 * MINUTE;
/// An address that goes on after so many refusals in one minute is banned.
const REFUSALS_BEFORE_BAN: u32 = 20;
const FIRST_BAN: i64 = 2 * MINUTE;
const LONGEST_BAN: i64 = 3 * DAY;
/// When this many addresses or accounts are known, those that have been quiet are forgotten.
const CROWDED: usize = 65_536;
/// A first fill as the maker shows that the order served the market: it weighs more than the fill of a taker.
const MAKER_FILL_CREDIT: u32 = 5;
const TAKER_FILL_CREDIT: u32 = 1;

/// How much is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Request weight of one address in a minute.
    pub weight: u32,
    /// Requests of one address in five minutes.
    pub raw: u32,
    /// Unfilled orders of one account in ten seconds.
    pub orders_10s: u32,
    /// Unfilled orders of one account in a day.
    pub orders_1d: u32,
    /// WebSocket connections of one address in five minutes.
    pub connections: u32,
}

impl Profile {
    /// The public venue's figures.
    pub const BINANCE: Profile = Profile {
        weight: 6_000,
        raw: 300_000,
        orders_10s: 100,
        orders_1d: 200_000,
        connections: 300,
    };
    /// Out of the way, for tests and load.
    pub const WIDE: Profile = Profile {
        weight: 1_000_000,
        raw: 1_000_000,
        orders_10s: 1_000_000,
        orders_1d: 1_000_000,
        connections: 1_000_000,
    };
}

/// What an answer says about the limits: used weight always, order counts after an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    pub weight: u32,
    pub orders: Option<OrderCount>,
}

/// Unfilled orders in the current windows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OrderCount {
    pub ten_seconds: u32,
    pub day: u32,
}

/// A count in the window that a moment falls into; windows are aligned to UTC, not sliding.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    index: i64,
    count: u32,
}

impl Window {
    /// The count at this moment.
    fn at(&mut self, now: Time, length: i64) -> &mut u32 {
        let index = now.0.div_euclid(length);
        if self.index != index {
            *self = Window { index, count: 0 };
        }
        &mut self.count
    }
}

fn end_of_window(now: Time, length: i64) -> Time {
    Time((now.0.div_euclid(length) + 1).saturating_mul(length))
}

#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    weight: Window,
    raw: Window,
    refusals: Window,
    connections: Window,
    banned_until: Time,
    /// Bans so far: each is twice as long as the one before. Forgotten three days after the last.
    bans: u32,
}

impl Peer {
    fn is_quiet(&self, now: Time) -> bool {
        now.since(self.banned_until) > LONGEST_BAN && now.0.div_euclid(RAW_WINDOW) != self.raw.index
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    ten_seconds: Window,
    day: Window,
}

impl Account {
    fn count(&mut self, now: Time) -> OrderCount {
        OrderCount {
            ten_seconds: *self.ten_seconds.at(now, ORDER_WINDOW),
            day: *self.day.at(now, DAY),
        }
    }

    fn lower(&mut self, now: Time, by: u32) {
        for count in [
            self.ten_seconds.at(now, ORDER_WINDOW),
            self.day.at(now, DAY),
        ] {
            *count = count.saturating_sub(by);
        }
    }
}

/// The counters of all gateways. Soft state, except that bans survive a restart, and so do counts of unfilled orders if asked to.
#[derive(Debug)]
pub struct Limits {
    profile: Profile,
    peers: Mutex<HashMap<IpAddr, Peer>>,
    accounts: Mutex<HashMap<AccountId, Account>>,
    /// Where bans are kept: a line for each, `address until_us bans`.
    bans_file: Option<PathBuf>,
    /// Where the counts of unfilled orders are kept, and whether they changed since they were written.
    counts_file: Option<Mutex<PathBuf>>,
    counts_changed: AtomicBool,
}

impl Limits {
    /// Counters that forget everything when the program ends.
    #[must_use]
    pub fn new(profile: Profile) -> Limits {
        Limits {
            profile,
            peers: Mutex::default(),
            accounts: Mutex::default(),
            bans_file: None,
            counts_file: None,
            counts_changed: AtomicBool::new(false),
        }
    }

    /// Counters whose bans are kept in a file. A line of the file that cannot be read is left out.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn with_bans(profile: Profile, file: &Path) -> std::io::Result<Limits> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(e),
        };
        let read = |line: &str| {
            let mut words = line.split(' ');
            let (ip, until, bans) = (words.next()?, words.next()?, words.next()?);
            Some((
                ip.parse().ok()?,
                Peer {
                    banned_until: Time(until.parse().ok()?),
                    bans: bans.parse().ok()?,
                    ..Peer::default()
                },
            ))
        };
        let peers: HashMap<IpAddr, Peer> = text.lines().filter_map(read).collect();
        Ok(Limits {
            peers: Mutex::new(peers),
            bans_file: Some(file.to_owned()),
            ..Limits::new(profile)
        })
    }

    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Counts a request of this weight; the weight used so far in this minute.
    ///
    /// # Errors
    /// 429 when that is too much, 418 while the address is banned; both say when to come back.
    pub fn enter(&self, peer: IpAddr, weight: u32, now: Time) -> Result<u32, ApiError> {
        let mut peers = self.peers.lock();
        if peers.len() > CROWDED {
            peers.retain(|_, peer| !peer.is_quiet(now));
        }
        let state = peers.entry(peer).or_default();
        if now < state.banned_until {
            return Err(banned(state.banned_until));
        }
        let raw = state.raw.at(now, RAW_WINDOW);
        *raw = raw.saturating_add(1);
        let error = if *raw > self.profile.raw {
            ApiError {
                retry_at: Some(end_of_window(now, RAW_WINDOW)),
                ..ApiError::too_many_requests(self.profile.raw, "5 MINUTE")
            }
        } else {
            let used = state.weight.at(now, MINUTE);
            let after = used.saturating_add(weight);
            if after <= self.profile.weight && (weight > 0 || *used < self.profile.weight) {
                *used = after;
                return Ok(after);
            }
            ApiError {
                retry_at: Some(end_of_window(now, MINUTE)),
                ..ApiError::too_much_weight(self.profile.weight, "1 MINUTE")
            }
        };
        let refusals = state.refusals.at(now, MINUTE);
        *refusals += 1;
        if *refusals <= REFUSALS_BEFORE_BAN {
            return Err(error);
        }
        if now.since(state.banned_until) > LONGEST_BAN {
            state.bans = 0;
        }
        let length = FIRST_BAN
            .saturating_mul(1 << state.bans.min(12))
            .min(LONGEST_BAN);
        state.bans += 1;
        state.refusals = Window::default();
        state.banned_until = now.plus_micros(length);
        let error = banned(state.banned_until);
        self.keep_bans(&peers, now);
        Err(error)
    }

    /// Adds weight that turned out to be due; the weight used so far in this minute.
    pub fn charge(&self, peer: IpAddr, weight: u32, now: Time) -> u32 {
        let mut peers = self.peers.lock();
        let used = peers.entry(peer).or_default().weight.at(now, MINUTE);
        *used = used.saturating_add(weight);
        *used
    }

    /// The weight that an address has used in this minute.
    #[must_use]
    pub fn used_weight(&self, peer: IpAddr, now: Time) -> u32 {
        self.charge(peer, 0, now)
    }

    /// Counts a WebSocket connection.
    ///
    /// # Errors
    /// 429 when there were too many in five minutes, 418 while the address is banned.
    pub fn connect(&self, peer: IpAddr, now: Time) -> Result<(), ApiError> {
        let mut peers = self.peers.lock();
        let state = peers.entry(peer).or_default();
        if now < state.banned_until {
            return Err(banned(state.banned_until));
        }
        let count = state.connections.at(now, RAW_WINDOW);
        *count = count.saturating_add(1);
        if *count > self.profile.connections {
            return Err(ApiError {
                retry_at: Some(end_of_window(now, RAW_WINDOW)),
                ..ApiError::too_many_connections(self.profile.connections, "5 MINUTE")
            });
        }
        Ok(())
    }

    /// Counts orders that are about to be placed.
    ///
    /// # Errors
    /// 429 when that is too many; nothing is counted then.
    pub fn take_orders(
        &self,
        account: AccountId,
        orders: u32,
        now: Time,
    ) -> Result<OrderCount, ApiError> {
        let mut accounts = self.accounts.lock();
        if accounts.len() > CROWDED {
            accounts.retain(|_, account| account.count(now) != OrderCount::default());
        }
        let state = accounts.entry(account).or_default();
        let count = state.count(now);
        let limits = [
            (
                count.ten_seconds,
                self.profile.orders_10s,
                ORDER_WINDOW,
                "10 SECOND",
            ),
            (count.day, self.profile.orders_1d, DAY, "1 DAY"),
        ];
        for (used, limit, length, name) in limits {
            if used.saturating_add(orders) > limit {
                return Err(ApiError {
                    retry_at: Some(end_of_window(now, length)),
                    ..ApiError::too_many_orders(limit, name)
                });
            }
        }
        *state.ten_seconds.at(now, ORDER_WINDOW) += orders;
        *state.day.at(now, DAY) += orders;
        self.counts_changed.store(true, Ordering::Release);
        Ok(state.count(now))
    }

    /// Uncounts orders: refused after all, or filled.
    pub fn lower_orders(&self, account: AccountId, by: u32, now: Time) {
        if let Some(state) = self.accounts.lock().get_mut(&account) {
            state.lower(now, by);
            self.counts_changed.store(true, Ordering::Release);
        }
    }

    #[must_use]
    pub fn order_count(&self, account: AccountId, now: Time) -> OrderCount {
        self.accounts
            .lock()
            .get_mut(&account)
            .map_or(OrderCount::default(), |state| state.count(now))
    }

    /// Writes the bans that are still of interest, replacing the file in one step. A disk that refuses is told of in the log: the ban holds
    /// in memory all the same.
    fn keep_bans(&self, peers: &HashMap<IpAddr, Peer>, now: Time) {
        let Some(file) = &self.bans_file else { return };
        let mut text = String::new();
        for (ip, peer) in peers
            .iter()
            .filter(|(_, peer)| peer.bans > 0 && now.since(peer.banned_until) <= LONGEST_BAN)
        {
            text.push_str(&format!("{ip} {} {}\n", peer.banned_until.0, peer.bans));
        }
        if let Err(error) = counts::replace(file, &text) {
            tracing::warn!(file = %file.display(), %error, "bans are not on disk");
        }
    }

    /// The `rateLimits` of exchangeInfo, or with `usage` those of a WebSocket API answer.
    pub fn write(&self, json: &mut Json, usage: Option<Usage>) {
        let p = self.profile;
        let with = |usage: Option<u32>, json: &mut Json, row: (&str, &str, u32, u32)| {
            json.begin()
                .str("rateLimitType", row.0)
                .str("interval", row.1)
                .num("intervalNum", row.2)
                .num("limit", row.3);
            if let Some(count) = usage {
                json.num("count", count);
            }
            json.end();
        };
        let orders = usage.and_then(|usage| usage.orders);
        if usage.is_none() {
            with(None, json, ("REQUEST_WEIGHT", "MINUTE", 1, p.weight));
        }
        if usage.is_none() || orders.is_some() {
            with(
                orders.map(|count| count.ten_seconds),
                json,
                ("ORDERS", "SECOND", 10, p.orders_10s),
            );
            with(
                orders.map(|count| count.day),
                json,
                ("ORDERS", "DAY", 1, p.orders_1d),
            );
        }
        match usage {
            None => with(None, json, ("RAW_REQUESTS", "MINUTE", 5, p.raw)),
            Some(usage) => with(
                Some(usage.weight),
                json,
                ("REQUEST_WEIGHT", "MINUTE", 1, p.weight),
            ),
        }
    }

    /// The order limits alone: the answer of `rateLimit/order`, and with `count: None` what an account may look up.
    pub fn write_orders(&self, json: &mut Json, count: Option<OrderCount>) {
        let rows = [
            (
                "SECOND",
                10,
                self.profile.orders_10s,
                count.map(|c| c.ten_seconds),
            ),
            ("DAY", 1, self.profile.orders_1d, count.map(|c| c.day)),
        ];
        for (interval, number, limit, count) in rows {
            json.begin()
                .str("rateLimitType", "ORDERS")
                .str("interval", interval)
                .num("intervalNum", number)
                .num("limit", limit);
            if let Some(count) = count {
                json.num("count", count);
            }
            json.end();
        }
    }
}

fn banned(until: Time) -> ApiError {
    ApiError {
        retry_at: Some(until),
        ..ApiError::banned(until.as_millis()).with_status(418)
    }
}

/// Follows what happens below the mark and lowers the count of unfilled orders with every order's first fill.
#[derive(Debug)]
pub struct FillsReader {
    limits: Arc<Limits>,
    /// Orders without a fill yet, waiting or on the book, of accounts that are counted.
    unfilled: HashSet<(InstrumentId, OrderId)>,
}

impl FillsReader {
    #[must_use]
    pub fn new(limits: Arc<Limits>) -> FillsReader {
        FillsReader {
            limits,
            unfilled: HashSet::new(),
        }
    }

    fn follow(&mut self, batch: &Batch) {
        for (record, events) in batch.iter() {
            for event in events {
                match event {
                    Event::OrderPlaced(placement) => {
                        let order = &placement.order;
                        if self.limits.accounts.lock().contains_key(&order.account) {
                            self.unfilled.insert((order.instrument, order.id));
                        }
                    }
                    Event::Traded(trade) => {
                        for (party, credit) in [
                            (&trade.maker, MAKER_FILL_CREDIT),
                            (&trade.taker, TAKER_FILL_CREDIT),
                        ] {
                            if self.unfilled.remove(&(trade.instrument, party.order)) {
                                self.limits.lower_orders(party.account, credit, record.time);
                            }
                        }
                    }
                    Event::OrderClosed(closed) => {
                        self.unfilled.remove(&(closed.instrument, closed.order));
                    }
                    _ => {}
                }
            }
        }
    }
}

impl relay::Reader for FillsReader {
    fn apply(&mut self, batch: &Arc<Batch>) {
        self.follow(batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_736_942_400_000_000);
    const SMALL: Profile = Profile {
        weight: 10,
        raw: 1_000,
        orders_10s: 3,
        orders_1d: 100,
        connections: 2,
    };

    fn peer(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    /// Asks until banned; for how many seconds.
    fn provoke(limits: &Limits, now: Time) -> i64 {
        for _ in 0..100 {
            if let Err(error) = limits.enter(peer(1), 10, now)
                && error.status == 418
            {
                return error.retry_at.unwrap().since(now) / SECOND;
            }
        }
        panic!("never banned");
    }

    #[test]
    fn windows_are_aligned_and_addresses_apart() {
        let limits = Limits::new(SMALL);
        assert_eq!(limits.enter(peer(1), 10, NOW), Ok(10));
        let error = limits
            .enter(peer(1), 1, NOW.plus_micros(59_999_999))
            .unwrap_err();
        assert_eq!(
            (error.status, error.retry_at),
            (429, Some(NOW.plus_micros(MINUTE)))
        );
        assert!(
            limits.enter(peer(1), 0, NOW).is_err(),
            "what may turn out to weigh something has no room either"
        );
        assert_eq!(limits.enter(peer(2), 1, NOW), Ok(1));
        assert_eq!(limits.enter(peer(1), 1, NOW.plus_micros(MINUTE)), Ok(1));
        assert_eq!(limits.charge(peer(1), 2, NOW.plus_micros(MINUTE)), 3);
    }

    #[test]
    fn bans_grow_and_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bans");
        let limits = Limits::with_bans(SMALL, &file).unwrap();
        assert_eq!(provoke(&limits, NOW), 120);
        let limits = Limits::with_bans(SMALL, &file).unwrap();
        assert_eq!(
            limits
                .enter(peer(1), 1, NOW.plus_micros(119 * SECOND))
                .unwrap_err()
                .status,
            418
        );
        assert_eq!(limits.connect(peer(1), NOW).unwrap_err().status, 418);
        let mut now = NOW.plus_micros(120 * SECOND);
        for seconds in [240, 480, 960] {
            assert_eq!(provoke(&limits, now), seconds);
            now = now.plus_micros(seconds * SECOND);
        }
        for _ in 0..12 {
            let seconds = provoke(&limits, now);
            assert!(seconds <= LONGEST_BAN / SECOND);
            now = now.plus_micros(seconds * SECOND);
        }
        assert_eq!(
            provoke(&limits, now.plus_micros(LONGEST_BAN + 1)),
            120,
            "forgotten after three days of quiet"
        );
        std::fs::write(
            &file,
            "nonsense\n10.0.0.9 x 1\n\n10.0.0.8 9000000000000000 1\n",
        )
        .unwrap();
        let limits = Limits::with_bans(SMALL, &file).unwrap();
        assert!(limits.enter(peer(9), 1, NOW).is_ok() && limits.enter(peer(8), 1, NOW).is_err());
    }

    #[test]
    fn orders_are_counted_in_both_windows() {
        let limits = Limits::new(SMALL);
        let account = AccountId(1001);
        let count = limits.take_orders(account, 3, NOW).unwrap();
        assert_eq!((count.ten_seconds, count.day), (3, 3));
        let error = limits.take_orders(account, 1, NOW).unwrap_err();
        assert_eq!((error.status, error.code), (429, -1015));
        limits.lower_orders(account, 5, NOW);
        assert_eq!(
            limits.order_count(account, NOW),
            OrderCount::default(),
            "never below zero"
        );
        limits.take_orders(account, 2, NOW).unwrap();
        let later = limits.order_count(account, NOW.plus_micros(ORDER_WINDOW));
        assert_eq!((later.ten_seconds, later.day), (0, 2));
        assert_eq!(
            limits.order_count(AccountId(1002), NOW),
            OrderCount::default()
        );
    }

    #[test]
    fn connections_are_counted() {
        let limits = Limits::new(SMALL);
        assert!(limits.connect(peer(1), NOW).is_ok() && limits.connect(peer(1), NOW).is_ok());
        assert_eq!(limits.connect(peer(1), NOW).unwrap_err().code, -1034);
        assert!(limits.connect(peer(1), NOW.plus_micros(RAW_WINDOW)).is_ok());
    }
}
