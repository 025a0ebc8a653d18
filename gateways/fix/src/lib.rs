//! FIX 4.4 over TLS: order entry, drop copy and market data.
//!
//! ```text
//! TLS ─▶ codec ─▶ session ─▶ orders ─▶ kit::call_on_session ─▶ the product's method ─▶ sequencer
//!                    ▲                                                                    │ below the mark
//!                    └── sessions ◀── execution reports, market data ◀── the ws feed ◀────┘
//! ```
//!
//! A new order is translated into the parameters of the API's own method and handed to it, so that every check, limit and order type is that of
//! the other gateways. What becomes of orders is told by the feed that also makes user data streams, whichever gateway an order came by; a
//! session that wants acknowledgements alone knows its own by their names.
//!
//! # Sessions
//! A session begins with a Logon that an Ed25519 key has signed; both sides count from 1, and nothing is ever resent: a message of any other
//! number than the next is refused and does not count. One `SenderCompID` per account at a time. Heartbeats are those of the Logon, 5 to 60
//! seconds; silence is asked about once and then ended. A client that does not read is cut off. Figures: [`Bounds`].
//!
//! # Units
//! Prices and quantities have eight decimals, times are UTC in microseconds.
//!
//! # Errors
//! A message that cannot be read, lacks a field or names an unknown symbol: `Reject <3>`. A sound one that is refused: `ExecutionReport <8>`
//! (rejected), `ListStatus <N>` (rejected), `OrderCancelReject <9>`, `OrderAmendReject <XAR>`, `OrderMassCancelReport <r>`, `MarketDataRequestReject <Y>`, with the API's own
//! code and sentence in `ErrorCode (25016)` and `Text (58)`.
//!
//! # Encodings
//! Every role has three doors: tag=value; requests in tag=value and answers in SBE; SBE both ways ([`sbe`]). They share sessions, limits and names.

pub mod ca;
pub mod codec;
mod form;
mod lists;
mod market;
mod orders;
mod report;
mod requests;
pub mod sbe;
mod session;
mod sessions;
mod tags;

use std::net::SocketAddr;
use std::sync::Arc;

use kit::{Context, Router};
use rand::Rng as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsAcceptor;

pub use sbe::Coding;
use session::Session;
pub use sessions::{Bounds, Role, Sessions};

/// Tells every session to say goodbye.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Returns when it is time to end.
    pub async fn stopped(&self) {
        // A sender that is gone has nobody left to serve.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }
}

/// What the sessions of one listener share.
#[derive(Debug)]
pub struct Door {
    role: Role,
    coding: Coding,
    context: Arc<Context>,
    router: Arc<Router>,
    sessions: Arc<Sessions>,
    bounds: Bounds,
    uuid: String,
    stop: Stop,
}

/// The gateway: three doors for each role.
#[derive(Debug)]
pub struct Gateway {
    pub context: Arc<Context>,
    pub router: Arc<Router>,
    pub sessions: Arc<Sessions>,
    pub tls: Arc<rustls::ServerConfig>,
}

/// Listeners that are bound and do not serve yet: for each encoding those of order entry, drop copy and market data.
#[derive(Debug)]
pub struct Listeners(Vec<(Coding, Role, TcpListener)>);

const CODINGS: [Coding; 3] = [Coding::Text, Coding::Mixed, Coding::Binary];
const ROLES: [Role; 3] = [Role::OrderEntry, Role::DropCopy, Role::MarketData];

/// The gateway at work.
#[derive(Debug)]
pub struct Serving {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Connections of one door at a time, whoever they belong to.
const CONNECTIONS: usize = 10_000;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often books are compared.
const TICK: Duration = Duration::from_millis(100);

impl Listeners {
    /// Takes nine ports in a row; port 0 takes nine free ones.
    ///
    /// # Errors
    /// When one of them is in use.
    pub async fn bind(first: SocketAddr) -> std::io::Result<Listeners> {
        let port = |n: u16| match first.port() {
            0 => 0,
            port => port.saturating_add(n),
        };
        let mut listeners = Vec::with_capacity(9);
        let doors = CODINGS
            .into_iter()
            .flat_map(|c| ROLES.map(|role| (c, role)));
        for (n, (coding, role)) in (0..).zip(doors) {
            let address = SocketAddr::new(first.ip(), port(n));
            listeners.push((coding, role, TcpListener::bind(address).await?));
        }
        Ok(Listeners(listeners))
    }

    /// Order entry, drop copy and market data in one encoding.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn addresses(&self, coding: Coding) -> std::io::Result<[SocketAddr; 3]> {
        let mut addresses = [SocketAddr::from(([0, 0, 0, 0], 0)); 3];
        let doors = self.0.iter().filter(|(of, ..)| *of == coding);
        for (place, (_, _, listener)) in addresses.iter_mut().zip(doors) {
            *place = listener.local_addr()?;
        }
        Ok(addresses)
    }
}

impl Gateway {
    /// Begins to serve.
    #[must_use]
    pub fn serve(self, listeners: Listeners) -> Serving {
        let (stop, stopped) = watch::channel(false);
        let stopped = Stop(stopped);
        let mut tasks = JoinSet::new();
        let uuid = random_uuid();
        for (coding, role, listener) in listeners.0 {
            let door = Arc::new(Door {
                role,
                coding,
                context: Arc::clone(&self.context),
                router: Arc::clone(&self.router),
                sessions: Arc::clone(&self.sessions),
                bounds: Bounds::of(role, self.context.limits.profile()),
                uuid: uuid.clone(),
                stop: stopped.clone(),
            });
            tasks.spawn(accept(
                listener,
                TlsAcceptor::from(Arc::clone(&self.tls)),
                door,
            ));
        }
        let (sessions, end) = (self.sessions, stopped);
        tasks.spawn(async move {
            let mut tick = tokio::time::interval(TICK);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = tick.tick() => sessions.market.tick(),
                    () = end.stopped() => return,
                }
            }
        });
        Serving { stop, tasks }
    }
}

impl Serving {
    /// Says goodbye to every session; returns when all are closed, or after `patience`.
    pub async fn shut_down(mut self, patience: Duration) {
        self.stop.send_replace(true);
        let _ = timeout(patience, async {
            while self.tasks.join_next().await.is_some() {}
        })
        .await;
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, door: Arc<Door>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // Beyond the bound a connection is closed at once.
                    if let Ok(place) = Arc::clone(&room).try_acquire_owned() {
                        let (tls, door) = (tls.clone(), Arc::clone(&door));
                        sessions.spawn(async move {
                            begin(stream, peer, tls, door).await;
                            drop(place);
                        });
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "a FIX connection was not taken");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
            () = door.stop.stopped() => break,
        }
    }
    while sessions.join_next().await.is_some() {}
}

async fn begin(stream: TcpStream, peer: SocketAddr, tls: TlsAcceptor, door: Arc<Door>) {
    let _ = stream.set_nodelay(true);
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => Session::new(stream, door, peer.ip()).serve().await,
        Ok(Err(error)) => tracing::debug!(%error, %peer, "no TLS"),
        Err(_) => tracing::debug!(%peer, "no TLS in time"),
    }
}

/// A random UUID (version 4).
fn random_uuid() -> String {
    let mut bytes: [u8; 16] = rand::rng().random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
