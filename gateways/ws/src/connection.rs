//! One WebSocket: reads frames, writes what waits, and ends when the peer is dead, slow, or too eager.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_websockets::{CloseCode, Message as Frame, WebSocketStream};

use crate::api::Api;
use crate::control::Session;
use crate::feed::Message;
use crate::handle::Line;
use crate::outbox::{Bounds, Close, Payload};

/// How connections are treated.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Connections at a time.
    pub connections: usize,
    /// The server's pings, how long a pong may take, and how long one write may take.
    pub ping_every: Duration,
    pub pong_within: Duration,
    /// A connection ends at this age.
    pub life: Duration,
    /// The largest message that is read.
    pub message_bytes: usize,
    /// Frames of every kind that a market stream connection may send in a second; `None` for any number.
    pub frames_per_second: Option<u32>,
    /// Requests of one connection that are served at a time; the next is read when one of them is answered.
    pub requests: usize,
    /// What may wait to be written.
    pub bounds: Bounds,
}

impl Settings {
    /// The public venue's figures.
    pub const BINANCE: Settings = Settings {
        connections: 8_192,
        ping_every: Duration::from_secs(20),
        pong_within: Duration::from_secs(60),
        life: Duration::from_secs(24 * 3600),
        message_bytes: 128 << 10,
        frames_per_second: Some(5),
        requests: 64,
        bounds: Bounds::DEFAULT,
    };
    /// Any number of control frames, for tests and load.
    pub const WIDE: Settings = Settings {
        frames_per_second: None,
        ..Settings::BINANCE
    };
}

/// What the frames of a connection are about.
#[derive(Debug)]
pub(crate) enum Dialogue {
    Streams(Session),
    Api(Arc<Api>),
}

/// Why a connection ends.
enum End {
    /// The peer left, or broke the protocol.
    Gone,
    /// We say so.
    Refused(CloseCode, &'static str),
    /// We say nothing: the peer does not read.
    Cut,
}

pub(crate) async fn serve<S>(
    mut socket: WebSocketStream<S>,
    line: Arc<Line>,
    mut dialogue: Dialogue,
    settings: Settings,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let goodbye = match converse(&mut socket, &line, &mut dialogue, settings).await {
        End::Cut => return,
        End::Gone => None,
        End::Refused(code, reason) => Some(Frame::close(Some(code), reason)),
    };
    let ending = async {
        if let Some(goodbye) = goodbye {
            let _ = socket.send(goodbye).await;
        }
        // until the peer has our last words and the connection is down
        let _ = socket.close().await;
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), ending).await;
}

async fn converse<S>(
    socket: &mut WebSocketStream<S>,
    line: &Line,
    dialogue: &mut Dialogue,
    settings: Settings,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut alive = Alive::new(settings);
    let mut pace = Pace::new(settings.frames_per_second);
    let mut pings =
        tokio::time::interval_at(Instant::now() + settings.ping_every, settings.ping_every);
    let life = tokio::time::sleep(settings.life);
    tokio::pin!(life);
    let mut frames = Vec::new();
    loop {
        let listens = match dialogue {
            Dialogue::Streams(_) => true,
            Dialogue::Api(api) => api.has_room(),
        };
        tokio::select! {
            read = socket.next(), if listens => {
                let Some(Ok(frame)) = read else { return End::Gone };
                let streams = matches!(dialogue, Dialogue::Streams(_));
                if streams && !pace.allows(Instant::now()) {
                    return End::Refused(CloseCode::POLICY_VIOLATION, "Too many requests");
                }
                if frame.is_pong() {
                    alive.answered(frame.as_payload());
                } else if frame.is_close() {
                    return End::Gone;
                } else if !frame.is_ping() {
                    let Some(text) = frame.as_text() else {
                        return End::Refused(CloseCode::UNSUPPORTED_DATA, "text frames only");
                    };
                    follow(dialogue, line, text);
                }
            }
            taken = line.outbox.take(&mut frames) => match taken {
                Ok(()) => {
                    if let Err(end) = write(socket, line, &mut frames, settings).await {
                        return end;
                    }
                }
                Err(Close::TooSlow) => return End::Cut,
                Err(Close::Banned) => return End::Refused(CloseCode::POLICY_VIOLATION, "banned"),
                Err(Close::Shutdown) => return End::Refused(CloseCode::GOING_AWAY, "the venue is going down"),
            },
            _ = pings.tick() => {
                let Some(ping) = alive.ping(Instant::now()) else {
                    return End::Cut;
                };
                if let Err(end) = send(socket, line, Frame::ping(ping), settings).await {
                    return end;
                }
            }
            () = &mut life => return End::Refused(CloseCode::NORMAL_CLOSURE, "connections live for 24 hours"),
        }
    }
}

fn follow(dialogue: &mut Dialogue, line: &Line, text: &str) {
    match dialogue {
        Dialogue::Streams(session) => {
            let effect = session.follow(text);
            line.send(Message::Streams {
                conn: line.conn,
                add: effect.add,
                remove: effect.remove,
                combined: effect.combined,
                reply: effect.reply,
            });
        }
        Dialogue::Api(api) => api.follow(text),
    }
}

/// Writes frames, unless the peer takes too long or falls too far behind meanwhile.
async fn write<S>(
    socket: &mut WebSocketStream<S>,
    line: &Line,
    frames: &mut Vec<Payload>,
    settings: Settings,
) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let writing = async {
        for frame in frames.drain(..) {
            let frame = match frame.is_binary {
                true => Frame::binary(frame.bytes),
                false => Frame::text(frame.bytes),
            };
            socket.feed(frame).await?;
        }
        socket.flush().await
    };
    bounded(writing, line, settings).await
}

async fn send<S>(
    socket: &mut WebSocketStream<S>,
    line: &Line,
    frame: Frame,
    settings: Settings,
) -> Result<(), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    bounded(socket.send(frame), line, settings).await
}

async fn bounded(
    writing: impl Future<Output = Result<(), tokio_websockets::Error>>,
    line: &Line,
    settings: Settings,
) -> Result<(), End> {
    tokio::select! {
        written = writing => written.map_err(|_| End::Gone),
        () = line.outbox.cut() => Err(End::Cut),
        () = tokio::time::sleep(settings.pong_within) => Err(End::Cut),
    }
}

/// The pings that have not been answered.
struct Alive {
    within: Duration,
    count: u64,
    unanswered: VecDeque<(Bytes, Instant)>,
}

impl Alive {
    fn new(settings: Settings) -> Alive {
        Alive {
            within: settings.pong_within,
            count: 0,
            unanswered: VecDeque::new(),
        }
    }

    /// The next ping's payload; `None` when an earlier one has waited for too long.
    fn ping(&mut self, now: Instant) -> Option<Bytes> {
        if self
            .unanswered
            .front()
            .is_some_and(|(_, sent)| now.duration_since(*sent) >= self.within)
        {
            return None;
        }
        self.count += 1;
        let payload = Bytes::from(self.count.to_string());
        self.unanswered.push_back((payload.clone(), now));
        Some(payload)
    }

    /// A pong answers the ping of the same payload and those before it. Others are allowed and say nothing.
    fn answered(&mut self, payload: &[u8]) {
        if let Some(place) = self.unanswered.iter().position(|(ping, _)| ping == payload) {
            self.unanswered.drain(..=place);
        }
    }
}

/// How many frames have come in this second.
struct Pace {
    limit: Option<u32>,
    second: Instant,
    count: u32,
}

impl Pace {
    fn new(limit: Option<u32>) -> Pace {
        Pace {
            limit,
            second: Instant::now(),
            count: 0,
        }
    }

    fn allows(&mut self, now: Instant) -> bool {
        let Some(limit) = self.limit else { return true };
        if now.duration_since(self.second) >= Duration::from_secs(1) {
            self.second = now;
            self.count = 0;
        }
        self.count += 1;
        self.count <= limit
    }
}

#[cfg(test)]
mod tests;
