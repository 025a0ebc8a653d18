//! One connection from its first byte to its last: logon, sequence, heartbeats, limits.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::{Buf as _, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use identity::{Key, KeyKind};
use kit::ApiError;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, timeout};
use types::Time;

use crate::codec::{self, Body, Garbled, Header, Message};
use crate::form::check_form;
use crate::orders::{Asked, Done, answer};
use crate::sbe::{self, Coding};
use crate::sessions::{Outgoing, Role, Seat};
use crate::tags::{self, *};
use crate::{Door, requests};

/// A message that cannot be processed, and why: what `Reject` tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invalid {
    pub tag: Option<u32>,
    /// `SessionRejectReason`.
    pub reason: u8,
    pub error: ApiError,
}

impl Invalid {
    pub fn new(tag: Option<u32>, reason: u8, code: i32, text: impl Into<String>) -> Invalid {
        Invalid {
            tag,
            reason,
            error: ApiError::new(code, text.into()),
        }
    }

    #[must_use]
    pub fn missing(tag: u32) -> Invalid {
        Invalid {
            tag: Some(tag),
            reason: 1,
            error: ApiError::new(-1102, format!("Required tag '{tag}' missing.")),
        }
    }

    /// `3`.
    #[must_use]
    pub fn body(&self, seq: Option<u64>, kind: Option<&str>) -> Body {
        let mut body = Body::new("3");
        body.maybe(REF_SEQ_NUM, seq)
            .text(TEXT, &self.error.msg)
            .maybe(REF_TAG_ID, self.tag)
            .maybe(REF_MSG_TYPE, kind)
            .put(SESSION_REJECT_REASON, self.reason)
            .put(ERROR_CODE, self.error.code);
        body
    }
}

/// A tag by name and number.
#[must_use]
pub fn called(tag: u32) -> String {
    tags::name(tag).map_or_else(|| tag.to_string(), |name| format!("{name} ({tag})"))
}

/// A value that is none of those that its tag may have.
#[must_use]
pub fn bad_value(tag: u32) -> Invalid {
    Invalid {
        tag: Some(tag),
        reason: 5,
        error: ApiError::invalid(called(tag)),
    }
}

/// What a session is once it has logged on.
struct Logged {
    key: Arc<Key>,
    seat: Arc<Seat>,
    comp_id: Box<str>,
    heartbeat: Duration,
    /// Execution reports in their small form.
    small: bool,
    /// The window of all requests of a session in SBE, in milliseconds.
    window: Option<Box<str>>,
}

/// Whether a session goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

/// How long a client may take to log on, and to take what it is sent.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests of one session that wait for their answers; beyond it nothing more is read.
const IN_FLIGHT: usize = 1_000;
/// How long a drop copy waits.
const DROP_COPY_DELAY: Duration = Duration::from_secs(1);
const DEFAULT_WINDOW_MS: i64 = 5_000;
const HEARTBEATS: std::ops::RangeInclusive<u64> = 5..=60;

type Pending = std::pin::Pin<Box<dyn Future<Output = Done> + Send>>;

pub(crate) struct Session<S> {
    io: S,
    door: Arc<Door>,
    peer: IpAddr,
    logged: Option<Logged>,
    inbox: Option<mpsc::Receiver<Outgoing>>,
    pending: FuturesUnordered<Pending>,
    delayed: VecDeque<(Instant, Outgoing)>,
    received: BytesMut,
    out: Vec<u8>,
    /// Where each message in `out` ends.
    ends: Vec<usize>,
    next_in: u64,
    next_out: u64,
    /// Messages in the current window, and when it began.
    counted: (u32, Instant),
    heard: Instant,
    said: Instant,
    /// A `TestRequest` that has not been answered.
    asked: Option<(String, Instant)>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Session<S> {
    pub(crate) fn new(io: S, door: Arc<Door>, peer: IpAddr) -> Session<S> {
        let now = Instant::now();
        Session {
            io,
            door,
            peer,
            logged: None,
            inbox: None,
            pending: FuturesUnordered::new(),
            delayed: VecDeque::new(),
            received: BytesMut::with_capacity(8 * 1024),
            out: Vec::with_capacity(8 * 1024),
            ends: Vec::new(),
            next_in: 1,
            next_out: 1,
            counted: (0, now),
            heard: now,
            said: now,
            asked: None,
        }
    }

    pub(crate) async fn serve(mut self) {
        let _ = self.run().await;
        if let Some(logged) = &self.logged {
            self.door.sessions.leave(&logged.seat);
        }
        let _ = timeout(PATIENCE, self.io.shutdown()).await;
    }

    async fn run(&mut self) -> std::io::Result<()> {
        let stop = self.door.stop.clone();
        loop {
            self.flush().await?;
            let deadline = self.deadline();
            let readable = self.pending.len() < IN_FLIGHT;
            let seat = self.logged.as_ref().map(|logged| Arc::clone(&logged.seat));
            let overrun = async {
                match &seat {
                    Some(seat) => seat.overrun.notified().await,
                    None => std::future::pending().await,
                }
            };
            let inbox = &mut self.inbox;
            let told = async {
                match inbox {
                    Some(inbox) => inbox.recv().await,
                    None => std::future::pending().await,
                }
            };
            let then = tokio::select! {
                read = self.io.read_buf(&mut self.received), if readable => {
                    if read? == 0 {
                        return Ok(());
                    }
                    self.messages()
                }
                Some(done) = self.pending.next(), if !self.pending.is_empty() => {
                    self.done(done);
                    Then::GoOn
                }
                Some(message) = told => {
                    self.told(message);
                    Then::GoOn
                }
                () = overrun => return Ok(()),
                () = tokio::time::sleep_until(deadline) => self.tick(),
                () = stop.stopped() => self.farewell(),
            };
            if then == Then::End {
                return self.flush().await;
            }
        }
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        // Each message is a TLS record of its own: the public Python client drops what it has read of a message that follows a whole one.
        let write = async {
            let mut from = 0;
            for end in &self.ends {
                self.io.write_all(&self.out[from..*end]).await?;
                from = *end;
            }
            self.io.flush().await
        };
        match timeout(PATIENCE, write).await {
            Ok(written) => written?,
            Err(_) => return Err(std::io::ErrorKind::TimedOut.into()),
        }
        self.out.clear();
        self.ends.clear();
        Ok(())
    }

    fn say(&mut self, message: impl Into<Outgoing>) {
        let message = message.into();
        let target = self.logged.as_ref().map_or("", |logged| &logged.comp_id);
        self.put(target.to_owned().as_str(), &message);
    }

    fn put(&mut self, target: &str, message: &Outgoing) {
        let header = Header {
            sender: "SPOT",
            target,
            seq: self.next_out,
            sent: self.door.context.now(),
        };
        if self.door.coding.answers_in_sbe() {
            let small = self.logged.as_ref().is_some_and(|logged| logged.small);
            sbe::put(&mut self.out, &header, message, small);
        } else {
            codec::put(&mut self.out, &header, message.kind, &message.body);
        }
        self.ends.push(self.out.len());
        self.next_out += 1;
        self.said = Instant::now();
    }

    fn told(&mut self, message: Outgoing) {
        let delayed = self
            .logged
            .as_ref()
            .is_some_and(|logged| logged.seat.role == Role::DropCopy);
        if delayed {
            self.delayed
                .push_back((Instant::now() + DROP_COPY_DELAY, message));
        } else {
            self.say(message);
            // What else waits goes into the same packet.
            while let Some(Ok(more)) = self.inbox.as_mut().map(mpsc::Receiver::try_recv) {
                self.say(more);
                if self.out.len() > 64 * 1024 {
                    break;
                }
            }
        }
    }

    fn done(&mut self, done: Done) {
        let Some(logged) = &self.logged else { return };
        let seat = Arc::clone(&logged.seat);
        for body in done.bodies {
            match done.after {
                Some(seq) => self.door.sessions.send_after(seq, &seat, body.into()),
                None => self.say(body),
            }
        }
    }

    /// When something is due although nothing comes.
    fn deadline(&self) -> Instant {
        let Some(logged) = &self.logged else {
            return self.heard + PATIENCE;
        };
        let heard = self.asked.as_ref().map_or(self.heard, |(_, at)| *at);
        let due = (heard + logged.heartbeat).min(self.said + logged.heartbeat);
        self.delayed.front().map_or(due, |(at, _)| due.min(*at))
    }

    fn tick(&mut self) -> Then {
        let now = Instant::now();
        let Some(logged) = &self.logged else {
            return Then::End;
        };
        let heartbeat = logged.heartbeat;
        while self.delayed.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, message)) = self.delayed.pop_front() {
                self.say(message);
            }
        }
        match &self.asked {
            Some((_, at)) if now >= *at + heartbeat => {
                return self.log_out("The TestRequest was not answered in time.");
            }
            None if now >= self.heard + heartbeat => {
                let id = format!("{}", self.door.context.now().0);
                let mut body = Body::new("1");
                body.put(TEST_REQ_ID, &id);
                self.say(body);
                self.asked = Some((id, now));
            }
            _ => {}
        }
        if now >= self.said + heartbeat {
            self.say(Body::new("0"));
        }
        Then::GoOn
    }

    fn farewell(&mut self) -> Then {
        if self.logged.is_none() {
            return Then::End;
        }
        let mut news = Body::new("B");
        news.put(
            HEADLINE,
            "Your connection is about to be closed. Please reconnect.",
        );
        self.say(news);
        self.log_out("The exchange is going down.")
    }

    fn log_out(&mut self, text: &str) -> Then {
        let mut body = Body::new("5");
        body.text(TEXT, text);
        self.say(body);
        Then::End
    }

    fn take(&self) -> Option<(usize, Result<Message, Garbled>)> {
        if self.door.coding != Coding::Binary {
            return codec::take(&self.received);
        }
        let logged = self.logged.as_ref();
        let logged = logged.map(|logged| (&*logged.comp_id, logged.window.as_deref()));
        sbe::take(&self.received, logged)
    }

    /// Takes every whole message that has come.
    fn messages(&mut self) -> Then {
        while let Some((length, message)) = self.take() {
            self.received.advance(length);
            self.heard = Instant::now();
            let then = match message {
                Ok(message) => self.message(message),
                Err(garbled) => self.garbled(garbled),
            };
            if then == Then::End {
                return Then::End;
            }
        }
        Then::GoOn
    }

    fn garbled(&mut self, garbled: Garbled) -> Then {
        let invalid = Invalid::new(None, 99, garbled.code(), garbled.to_string());
        self.say(invalid.body(None, None));
        if garbled.keeps_place() && self.logged.is_some() {
            Then::GoOn
        } else {
            Then::End
        }
    }

    fn message(&mut self, message: Message) -> Then {
        if self.logged.is_none() {
            return self.log_on(&message);
        }
        if self.too_many() {
            let bounds = self.door.bounds;
            return self.log_out(&format!(
                "Too many messages; current limit is '{}' messages per '{} SECONDS'.",
                bounds.messages, bounds.seconds
            ));
        }
        let seq = message.get(MSG_SEQ_NUM).and_then(|seq| seq.parse().ok());
        match self.check(&message, seq) {
            Ok(expires) => self.dispatch(message, expires),
            Err(invalid) => {
                self.say(invalid.body(seq, Some(message.kind())));
                Then::GoOn
            }
        }
    }

    fn too_many(&mut self) -> bool {
        let now = Instant::now();
        if now.duration_since(self.counted.1)
            >= Duration::from_secs(self.door.bounds.seconds.into())
        {
            self.counted = (0, now);
        }
        self.counted.0 += 1;
        self.counted.0 > self.door.bounds.messages
    }

    /// Session rules, then the message's form. A message of the right number counts, however wrong it is otherwise.
    fn check(&mut self, message: &Message, seq: Option<u64>) -> Result<Time, Invalid> {
        if seq != Some(self.next_in) {
            let text = format!(
                "`MsgSeqNum(34)` contains an unexpected value. Expected: '{}'.",
                self.next_in
            );
            return Err(Invalid::new(Some(MSG_SEQ_NUM), 5, -1179, text));
        }
        self.next_in += 1;
        let expires = check_form(message, self.door.context.now(), None)?;
        let comp_id = self.logged.as_ref().map(|logged| &*logged.comp_id);
        if message.get(SENDER_COMP_ID) != comp_id {
            let text = "`SenderCompId(49)` contains an incorrect value. The SenderCompID value should not change throughout the lifetime of a session.";
            return Err(Invalid::new(Some(SENDER_COMP_ID), 5, -1178, text));
        }
        Ok(expires)
    }

    fn dispatch(&mut self, message: Message, expires: Time) -> Then {
        let role = self.door.role;
        let seq = self.next_in - 1;
        match (message.kind(), role) {
            ("0", _) => {
                if self
                    .asked
                    .as_ref()
                    .is_some_and(|(id, _)| message.get(TEST_REQ_ID) == Some(id))
                {
                    self.asked = None;
                }
            }
            ("1", _) => {
                let mut body = Body::new("0");
                body.maybe(TEST_REQ_ID, message.get(TEST_REQ_ID));
                self.say(body);
            }
            ("3", _) => {}
            ("5", _) => return self.log_out("Logout acknowledgment."),
            ("A", _) => self.reject(
                &message,
                Invalid::new(None, 99, -1176, "Logon`<A>` should only be sent once."),
            ),
            ("XLQ", _) => self.limits(&message),
            ("D" | "E" | "F" | "XCN" | "XAK" | "q", Role::OrderEntry) => {
                self.ask(message, seq, expires)
            }
            ("x", Role::MarketData) => self.instruments(&message),
            ("V", Role::MarketData) => self.market(&message),
            (_, Role::OrderEntry) => self.misplaced(&message, -1186, "order entry"),
            (_, Role::DropCopy) => self.misplaced(&message, -1183, "DropCopy"),
            (_, Role::MarketData) => self.misplaced(&message, -1187, "market data"),
        }
        Then::GoOn
    }

    fn reject(&mut self, message: &Message, invalid: Invalid) {
        self.say(invalid.body(Some(self.next_in - 1), Some(message.kind())));
    }

    fn misplaced(&mut self, message: &Message, code: i32, sessions: &str) {
        let text = format!("Requested operation is not allowed in {sessions} sessions.");
        self.reject(message, Invalid::new(Some(MSG_TYPE), 99, code, text));
    }

    fn ask(&mut self, message: Message, seq: u64, expires: Time) {
        let Some(logged) = &self.logged else { return };
        for (tag, value) in message.fields() {
            if matches!(*tag, CL_ORD_ID | CANCEL_CL_ORD_ID | CL_LIST_ID) {
                logged.seat.expect(value);
            }
        }
        // Requests are polled in the order in which they came, and submit themselves when they are first polled.
        self.pending.push(Box::pin(answer(Asked {
            context: Arc::clone(&self.door.context),
            router: Arc::clone(&self.door.router),
            key: Arc::clone(&logged.key),
            peer: self.peer,
            expires,
            message,
            seq,
        })));
    }

    fn limits(&mut self, message: &Message) {
        let Some(logged) = &self.logged else { return };
        let body = requests::limits(&self.door, &logged.seat, message, self.counted.0);
        self.say(body);
    }

    fn instruments(&mut self, message: &Message) {
        match requests::instruments(&self.door.context.views, message) {
            Ok(body) => self.say(body),
            Err(invalid) => self.reject(message, invalid),
        }
    }

    fn market(&mut self, message: &Message) {
        let Some(logged) = &self.logged else { return };
        let seat = Arc::clone(&logged.seat);
        match requests::market(&self.door, &seat, message) {
            Ok(None) => {}
            Ok(Some(refusal)) => self.say(refusal),
            Err(invalid) => self.reject(message, invalid),
        }
    }

    fn log_on(&mut self, message: &Message) -> Then {
        let target = message.get(SENDER_COMP_ID).unwrap_or_default().to_owned();
        match self.admit(message) {
            Ok((logged, inbox)) => {
                let mut body = Body::new("A");
                body.put(ENCRYPT_METHOD, 0)
                    .put(HEART_BT_INT, logged.heartbeat.as_secs())
                    .put(UUID, &self.door.uuid);
                sbe::put_deprecated(&mut body, self.door.coding, message);
                self.put(&target, &body.into());
                self.logged = Some(logged);
                self.inbox = Some(inbox);
                self.next_in = 2;
                Then::GoOn
            }
            Err(invalid) => {
                let seq: Option<u64> = message.get(MSG_SEQ_NUM).and_then(|seq| seq.parse().ok());
                let body = invalid.body(seq, Some(message.kind()));
                self.put(&target, &body.into());
                Then::End
            }
        }
    }

    fn admit(&self, message: &Message) -> Result<(Logged, mpsc::Receiver<Outgoing>), Invalid> {
        if message.kind() != "A" {
            return Err(Invalid::new(
                Some(MSG_TYPE),
                99,
                -1180,
                "Logon`<A>` must be the first message in the session.",
            ));
        }
        check_form(message, self.door.context.now(), Some(DEFAULT_WINDOW_MS))?;
        let logon = read_logon(message, self.door.role, self.door.coding)?;
        let rejected = |error: ApiError| Invalid {
            tag: Some(USERNAME),
            reason: 99,
            error,
        };
        let api_key = message.get(USERNAME).unwrap_or_default();
        let key = self
            .door
            .context
            .keys
            .lookup(api_key)
            .ok_or_else(|| rejected(ApiError::rejected_key()))?;
        let permitted = match self.door.role {
            Role::OrderEntry => key.permissions.trade,
            Role::DropCopy | Role::MarketData => key.permissions.read,
        };
        if key.kind != KeyKind::Ed25519 || !permitted || !key.allows(self.peer) {
            return Err(rejected(ApiError::rejected_key()));
        }
        if !key.verify(&signed(message), message.get(RAW_DATA).unwrap_or_default()) {
            return Err(Invalid {
                tag: Some(RAW_DATA),
                reason: 8,
                error: ApiError::bad_signature(),
            });
        }
        let comp_id = message.get(SENDER_COMP_ID).unwrap_or_default();
        let (seat, inbox) = self
            .door
            .sessions
            .enter(
                key.account,
                comp_id,
                self.door.role,
                logon.only_acks,
                &self.door.bounds,
            )
            .map_err(|error| Invalid {
                tag: None,
                reason: 99,
                error,
            })?;
        let logged = Logged {
            key,
            seat,
            comp_id: comp_id.into(),
            heartbeat: logon.heartbeat,
            small: logon.small,
            window: message.get(RECV_WINDOW).map(Into::into),
        };
        Ok((logged, inbox))
    }
}

/// What a logon signs: type, sender, target, number and time, with SOH between them.
#[must_use]
pub fn signed(message: &Message) -> Vec<u8> {
    let parts = [
        MSG_TYPE,
        SENDER_COMP_ID,
        TARGET_COMP_ID,
        MSG_SEQ_NUM,
        SENDING_TIME,
    ];
    parts
        .map(|tag| message.get(tag).unwrap_or_default())
        .join("\u{1}")
        .into_bytes()
}

struct Logon {
    heartbeat: Duration,
    only_acks: bool,
    small: bool,
}

fn read_logon(message: &Message, role: Role, coding: Coding) -> Result<Logon, Invalid> {
    if message
        .get(ENCRYPT_METHOD)
        .is_some_and(|method| method != "0")
    {
        return Err(bad_value(ENCRYPT_METHOD));
    }
    if message.get(RESET_SEQ_NUM_FLAG) != Some("Y") || message.get(MSG_SEQ_NUM) != Some("1") {
        let text = "Continuation of sequence numbers to new session is currently unsupported. Sequence numbers must be reset for each new session.";
        return Err(Invalid::new(Some(RESET_SEQ_NUM_FLAG), 5, -1175, text));
    }
    let seconds: Option<u64> = message.get(HEART_BT_INT).and_then(|text| text.parse().ok());
    let seconds = seconds
        .filter(|seconds| HEARTBEATS.contains(seconds))
        .ok_or_else(|| bad_value(HEART_BT_INT))?;
    let length = message
        .get(RAW_DATA_LENGTH)
        .and_then(|text| text.parse().ok());
    if length != message.get(RAW_DATA).map(str::len) {
        return Err(bad_value(RAW_DATA_LENGTH));
    }
    if !matches!(message.get(MESSAGE_HANDLING), Some("1" | "2")) {
        return Err(bad_value(MESSAGE_HANDLING));
    }
    let only_acks = match message.get(RESPONSE_MODE) {
        None | Some("1") => false,
        Some("2") => true,
        Some(_) => return Err(bad_value(RESPONSE_MODE)),
    };
    let small = match message.get(EXECUTION_REPORT_TYPE) {
        None | Some("1") => false,
        Some("2") if only_acks && coding.answers_in_sbe() && role != Role::MarketData => true,
        Some(_) => return Err(bad_value(EXECUTION_REPORT_TYPE)),
    };
    sbe::check_schema(message, coding)?;
    let drop_copy = match message.get(DROP_COPY_FLAG) {
        None | Some("N") => false,
        Some("Y") => true,
        Some(_) => return Err(bad_value(DROP_COPY_FLAG)),
    };
    let refused = match (role, drop_copy) {
        (Role::DropCopy, false) => Some((
            -1185,
            "Only DropCopy sessions are supported on this server. Either reconnect to order entry server or send `DropCopyFlag (9406)` field.",
        )),
        (Role::OrderEntry | Role::MarketData, true) => Some((
            -1184,
            "DropCopy sessions are not supported on this server. Please reconnect to a drop copy server.",
        )),
        _ => None,
    };
    match refused {
        Some((code, text)) => Err(Invalid::new(Some(DROP_COPY_FLAG), 99, code, text)),
        None => Ok(Logon {
            heartbeat: Duration::from_secs(seconds),
            only_acks,
            small,
        }),
    }
}
