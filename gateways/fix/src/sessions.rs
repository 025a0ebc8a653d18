//! Who is logged on, and what they are told.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use kit::{ApiError, Profile};
use parking_lot::Mutex;
use protocol::Event;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Duration, Instant};
use types::{AccountId, ClientId, Time};
use ws::{Execution, ListReport, Report};

use crate::codec::Body;
use crate::market::Market;
use crate::{lists, report};

/// Which kind of session a door serves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    OrderEntry,
    DropCopy,
    MarketData,
}

/// How much a session may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Messages of one connection in `seconds`.
    pub messages: u32,
    pub seconds: u32,
    /// Connections of one account at a time.
    pub connections: usize,
    /// Logons of one account in `attempt_seconds`.
    pub attempts: usize,
    pub attempt_seconds: u64,
    /// Market data subscriptions of one connection, counted by symbol.
    pub subscriptions: usize,
}

impl Bounds {
    /// The public venue's figures, or figures out of the way.
    #[must_use]
    pub fn of(role: Role, profile: Profile) -> Bounds {
        let (messages, seconds, connections, attempts, attempt_seconds) = match role {
            Role::OrderEntry => (10_000, 10, 10, 15, 30),
            Role::DropCopy => (60, 60, 10, 15, 30),
            Role::MarketData => (2_000, 60, 100, 300, 300),
        };
        let wide = profile == Profile::WIDE;
        Bounds {
            messages: if wide { 1_000_000 } else { messages },
            seconds,
            connections: if wide { 10_000 } else { connections },
            attempts: if wide { 100_000 } else { attempts },
            attempt_seconds,
            subscriptions: 1_000,
        }
    }
}

/// A message on its way to one session, without its header.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub kind: &'static str,
    pub body: Bytes,
}

impl From<Body> for Outgoing {
    fn from(body: Body) -> Outgoing {
        Outgoing {
            kind: body.kind,
            body: body.bytes.into(),
        }
    }
}

/// How many messages may wait for a client that does not read; then it is cut off.
const OUTBOX: usize = 16_384;

/// One session's place among those that are logged on.
#[derive(Debug)]
pub struct Seat {
    pub account: AccountId,
    pub role: Role,
    comp_id: Box<str>,
    /// Only acknowledgements of its own requests, which are known by their names.
    only_acks: bool,
    own: Mutex<HashSet<ClientId>>,
    outbox: mpsc::Sender<Outgoing>,
    /// Told when the outbox ran over.
    pub overrun: Notify,
}

impl Seat {
    /// Hands a message to the session; one that does not read is cut off.
    pub fn send(&self, message: impl Into<Outgoing>) {
        if self.outbox.try_send(message.into()).is_err() {
            self.overrun.notify_one();
        }
    }

    /// A request of this name is about to be made.
    pub fn expect(&self, name: &str) {
        if let (true, Ok(name)) = (self.only_acks, ClientId::new(name)) {
            self.own.lock().insert(name);
        }
    }

    /// Whether the session is told of this list: one that only wants acknowledgements hears of its own when they begin, and of those that it
    /// cancels, by its request's name, from their orders.
    fn wants_list(&self, report: &ListReport<'_>) -> bool {
        match self.role {
            Role::MarketData => false,
            Role::DropCopy => true,
            Role::OrderEntry if !self.only_acks => true,
            Role::OrderEntry => !report.list.done && self.own.lock().remove(&report.list.client_id),
        }
    }

    fn wants(&self, report: &Report<'_>) -> bool {
        match self.role {
            Role::MarketData => false,
            Role::DropCopy => true,
            Role::OrderEntry if !self.only_acks => true,
            Role::OrderEntry => {
                report.execution != Execution::Trade && self.own.lock().remove(&report.client_id)
            }
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    seats: HashMap<AccountId, Vec<Arc<Seat>>>,
    attempts: HashMap<(AccountId, Role), VecDeque<Instant>>,
    /// The last record whose reports have been handed out, and what is to follow a record's reports.
    followed: u64,
    later: Vec<(u64, Arc<Seat>, Outgoing)>,
}

/// Every session of every door. The feed's thread tells it what happens.
#[derive(Debug)]
pub struct Sessions {
    inner: Mutex<Inner>,
    pub market: Market,
}

impl Sessions {
    #[must_use]
    pub fn new(views: views::Views) -> Sessions {
        Sessions {
            inner: Mutex::default(),
            market: Market::new(views),
        }
    }

    /// Takes a place for a session that has proved who it is.
    ///
    /// # Errors
    /// -1033 when the name is taken, -1034 when there are too many.
    pub fn enter(
        &self,
        account: AccountId,
        comp_id: &str,
        role: Role,
        only_acks: bool,
        bounds: &Bounds,
    ) -> Result<(Arc<Seat>, mpsc::Receiver<Outgoing>), ApiError> {
        let mut inner = self.inner.lock();
        let window = Duration::from_secs(bounds.attempt_seconds);
        let now = Instant::now();
        let attempts = inner.attempts.entry((account, role)).or_default();
        while attempts
            .front()
            .is_some_and(|at| now.duration_since(*at) >= window)
        {
            attempts.pop_front();
        }
        if attempts.len() >= bounds.attempts {
            return Err(ApiError::new(
                -1034,
                format!(
                    "Too many connection attempts for account; current limit is {} per '{} SECONDS'.",
                    bounds.attempts, bounds.attempt_seconds
                ),
            ));
        }
        attempts.push_back(now);
        let seats = inner.seats.entry(account).or_default();
        if seats.iter().filter(|seat| seat.role == role).count() >= bounds.connections {
            return Err(ApiError::new(
                -1034,
                format!(
                    "Too many concurrent connections; current limit is '{}'.",
                    bounds.connections
                ),
            ));
        }
        if seats.iter().any(|seat| *seat.comp_id == *comp_id) {
            return Err(ApiError::new(
                -1033,
                "`SenderCompId(49)` is currently in use. Concurrent use of the same SenderCompId within one account is not allowed.",
            ));
        }
        let (outbox, inbox) = mpsc::channel(OUTBOX);
        let seat = Arc::new(Seat {
            account,
            role,
            comp_id: comp_id.into(),
            only_acks,
            own: Mutex::default(),
            outbox,
            overrun: Notify::new(),
        });
        seats.push(Arc::clone(&seat));
        Ok((seat, inbox))
    }

    /// Gives the place back.
    pub fn leave(&self, seat: &Arc<Seat>) {
        self.market.leave(seat);
        let mut inner = self.inner.lock();
        inner
            .later
            .retain(|(_, other, _)| !Arc::ptr_eq(other, seat));
        if let Some(seats) = inner.seats.get_mut(&seat.account) {
            seats.retain(|other| !Arc::ptr_eq(other, seat));
            if seats.is_empty() {
                inner.seats.remove(&seat.account);
            }
        }
    }

    /// Sends a message when the reports of record `seq` have been handed out.
    pub fn send_after(&self, seq: u64, seat: &Arc<Seat>, message: Outgoing) {
        let mut inner = self.inner.lock();
        if inner.followed >= seq {
            seat.send(message);
        } else {
            inner.later.push((seq, Arc::clone(seat), message));
        }
    }
}

impl ws::Listener for Sessions {
    fn wants(&self, account: AccountId) -> bool {
        self.inner.lock().seats.contains_key(&account)
    }

    fn report(&self, report: &Report<'_>) {
        let inner = self.inner.lock();
        let Some(seats) = inner.seats.get(&report.order.account) else {
            return;
        };
        let mut encoded: Option<Outgoing> = None;
        for seat in seats.iter().filter(|seat| seat.wants(report)) {
            let message = encoded.get_or_insert_with(|| report::execution(report).into());
            seat.send(message.clone());
        }
    }

    fn list(&self, report: &ListReport<'_>) {
        let inner = self.inner.lock();
        let Some(seats) = inner.seats.get(&report.list.account) else {
            return;
        };
        let mut encoded: Option<Outgoing> = None;
        for seat in seats.iter().filter(|seat| seat.wants_list(report)) {
            let message = encoded.get_or_insert_with(|| lists::status(report).into());
            seat.send(message.clone());
        }
    }

    fn followed(&self, seq: u64, time: Time, events: &[Event]) {
        self.market.followed(time, events);
        let mut inner = self.inner.lock();
        inner.followed = seq;
        if !inner.later.is_empty() {
            let due = inner.later.extract_if(.., |(after, _, _)| *after <= seq);
            due.for_each(|(_, seat, message)| seat.send(message));
        }
    }
}
