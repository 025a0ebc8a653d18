//! The feed's thread, and how the rest of the program reaches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use kit::TimeUnit;
use protocol::Batch;
use types::Time;

use crate::feed::{Feed, Message};
use crate::hub::{ConnId, Form};
use crate::outbox::{Bounds, Outbox};

/// The venue's clock.
pub type Now = Arc<dyn Fn() -> Time + Send + Sync>;

/// A way to the feed. Cheap to clone.
#[derive(Clone)]
pub struct FeedHandle {
    queue: Sender<Message>,
    shared: Arc<Shared>,
}

struct Shared {
    now: Now,
    ids: AtomicU64,
    connections: AtomicUsize,
}

impl std::fmt::Debug for FeedHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FeedHandle")
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

/// The feed's place among the readers of the relay: passes each batch on and returns.
#[derive(Debug)]
pub struct FeedReader {
    queue: Sender<Message>,
}

impl relay::Reader for FeedReader {
    fn apply(&mut self, batch: &Arc<Batch>) {
        // The feed ends only when the program does; what nobody is left to hear may be dropped then.
        let _ = self.queue.send(Message::Batch(batch.clone()));
    }
}

/// One connection's end of the feed; forgotten by the feed when it is dropped.
#[derive(Debug)]
pub struct Line {
    pub conn: ConnId,
    pub outbox: Arc<Outbox>,
    handle: FeedHandle,
}

impl Line {
    pub fn send(&self, message: Message) {
        let _ = self.handle.queue.send(message);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.send(Message::Close(self.conn));
        self.handle
            .shared
            .connections
            .fetch_sub(1, Ordering::Relaxed);
    }
}

/// Starts the feed's thread. `feed` has been seeded with the state that the first batch continues.
///
/// # Errors
/// When the operating system gives no thread.
pub fn start(feed: Feed, now: Now) -> std::io::Result<(FeedHandle, FeedReader, JoinHandle<()>)> {
    let (queue, messages) = channel();
    let clock = now.clone();
    let thread = std::thread::Builder::new()
        .name("feed".into())
        .spawn(move || run(feed, &messages, &clock))?;
    let shared = Arc::new(Shared {
        now,
        ids: AtomicU64::new(1),
        connections: AtomicUsize::new(0),
    });
    let reader = FeedReader {
        queue: queue.clone(),
    };
    Ok((FeedHandle { queue, shared }, reader, thread))
}

fn run(mut feed: Feed, messages: &Receiver<Message>, now: &Now) {
    let mut next = next_tick(now(), feed.period());
    loop {
        let left = next.since(now()).clamp(0, feed.period());
        let left = Duration::from_micros(u64::try_from(left).unwrap_or(0));
        match messages.recv_timeout(left) {
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(message) => {
                feed.handle(message, now());
                // a stream that has just begun may be faster than all others
                next = next.min(next_tick(now(), feed.period()));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        let time = now();
        if time >= next {
            feed.tick(time);
            next = next_tick(time, feed.period());
        }
    }
}

fn next_tick(now: Time, period: i64) -> Time {
    Time((now.0.div_euclid(period) + 1).saturating_mul(period))
}

impl FeedHandle {
    pub(crate) fn open(&self, unit: TimeUnit, form: Form, bounds: Bounds) -> Line {
        let conn = ConnId(self.shared.ids.fetch_add(1, Ordering::Relaxed));
        let outbox = Arc::new(Outbox::new(bounds));
        self.shared.connections.fetch_add(1, Ordering::Relaxed);
        let line = Line {
            conn,
            outbox: outbox.clone(),
            handle: self.clone(),
        };
        line.send(Message::Open {
            conn,
            outbox,
            unit,
            form,
        });
        line
    }

    #[must_use]
    pub fn now(&self) -> Time {
        (self.shared.now)()
    }

    /// Connections that are open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Tells every connection that the venue goes down, lets them read it and then closes them; returns when all are closed, or after
    /// `patience`.
    pub async fn shut_down(&self, patience: Duration) {
        let _ = self.queue.send(Message::Announce);
        let _ = self.queue.send(Message::CloseAll);
        let deadline = tokio::time::Instant::now() + patience;
        while self.connections() > 0 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let _ = self.queue.send(Message::Stop);
    }
}
