//! What waits to be written to one connection: bounded, and never waited for by whoever fills it.
//!
//! A frame is either kept or the connection is closed. Frames of streams where a newer one says all that an older one said replace
//! their waiting predecessor, so that a reader who is merely behind sees the latest state; one who falls behind by more than the bound is
//! cut off and knows it, which a silent gap would not tell.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// What one frame carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payload {
    pub bytes: Bytes,
    /// A binary frame, or a text.
    pub is_binary: bool,
}

impl Payload {
    #[must_use]
    pub fn text(bytes: Bytes) -> Payload {
        Payload {
            bytes,
            is_binary: false,
        }
    }

    #[must_use]
    pub fn binary(bytes: Bytes) -> Payload {
        Payload {
            bytes,
            is_binary: true,
        }
    }

    fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// Why a connection ends on our side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Close {
    /// Behind by more than the bound: cut without ceremony, since the peer does not read.
    TooSlow,
    /// The program is going down: what waits is written first.
    Shutdown,
    /// The peer's address is banned: what waits is written first.
    Banned,
}

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub frames: usize,
    pub bytes: usize,
}

impl Bounds {
    pub const DEFAULT: Bounds = Bounds {
        frames: 16_384,
        bytes: 8 << 20,
    };
}

#[derive(Debug)]
pub struct Outbox {
    bounds: Bounds,
    waiting: Mutex<Waiting>,
    /// Something to write, or to stop for.
    ready: Notify,
    /// Stop even in the middle of a write.
    cut: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Payload>,
    bytes: usize,
    /// How many frames have been taken out, so that places in the queue have names that last.
    taken: u64,
    /// Place of the waiting frame of each conflating topic.
    latest: HashMap<u32, u64>,
    close: Option<Close>,
}

impl Outbox {
    #[must_use]
    pub fn new(bounds: Bounds) -> Outbox {
        Outbox {
            bounds,
            waiting: Mutex::default(),
            ready: Notify::new(),
            cut: Notify::new(),
        }
    }

    /// A frame that must arrive: if it cannot wait here, the connection closes.
    pub fn push(&self, frame: Payload) {
        let mut waiting = self.waiting.lock();
        if waiting.close.is_none() {
            waiting.bytes += frame.len();
            waiting.frames.push_back(frame);
            self.check(waiting);
        }
    }

    /// A frame that replaces the topic's waiting one.
    pub fn push_latest(&self, topic: u32, frame: Payload) {
        let mut guard = self.waiting.lock();
        let waiting = &mut *guard;
        if waiting.close.is_some() {
            return;
        }
        let place = waiting.latest.get(&topic).copied();
        let index = place.and_then(|place| usize::try_from(place.checked_sub(waiting.taken)?).ok());
        if let Some(older) = index.and_then(|index| waiting.frames.get_mut(index)) {
            waiting.bytes = waiting.bytes - older.len() + frame.len();
            *older = frame;
            return;
        }
        let place = waiting.taken + waiting.frames.len() as u64;
        waiting.latest.insert(topic, place);
        waiting.bytes += frame.len();
        waiting.frames.push_back(frame);
        self.check(guard);
    }

    fn check(&self, mut waiting: parking_lot::MutexGuard<'_, Waiting>) {
        let full = waiting.frames.len() > self.bounds.frames || waiting.bytes > self.bounds.bytes;
        if full {
            waiting.close = Some(Close::TooSlow);
            waiting.frames = VecDeque::new();
            waiting.latest = HashMap::new();
            waiting.bytes = 0;
        }
        drop(waiting);
        if full {
            self.cut.notify_one();
        }
        self.ready.notify_one();
    }

    /// Ends the connection once what waits has been written.
    pub fn close(&self, why: Close) {
        let mut waiting = self.waiting.lock();
        waiting.close.get_or_insert(why);
        drop(waiting);
        self.ready.notify_one();
    }

    /// Waits for frames and moves them to `into`. `Err` when there are none and will be none.
    pub async fn take(&self, into: &mut Vec<Payload>) -> Result<(), Close> {
        loop {
            {
                let mut guard = self.waiting.lock();
                let waiting = &mut *guard;
                if !waiting.frames.is_empty() {
                    // a bounded bite, so that newer frames can still replace what waits behind it
                    let n = waiting.frames.len().min(64);
                    waiting.taken += n as u64;
                    waiting.bytes -= waiting
                        .frames
                        .iter()
                        .take(n)
                        .map(Payload::len)
                        .sum::<usize>();
                    into.extend(waiting.frames.drain(..n));
                    return Ok(());
                }
                if let Some(close) = waiting.close {
                    return Err(close);
                }
            }
            self.ready.notified().await;
        }
    }

    /// The next frame, if one waits.
    #[cfg(test)]
    pub fn try_next(&self) -> Result<Payload, Option<Close>> {
        let mut waiting = self.waiting.lock();
        let frame = waiting.frames.pop_front().ok_or(waiting.close)?;
        waiting.taken += 1;
        waiting.bytes -= frame.len();
        Ok(frame)
    }

    /// Returns when the reader has fallen too far behind to be served.
    pub async fn cut(&self) {
        self.cut.notified().await;
    }

    #[must_use]
    pub fn closed(&self) -> Option<Close> {
        self.waiting.lock().close
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Payload {
        Payload::text(Bytes::copy_from_slice(text.as_bytes()))
    }

    fn frames(texts: &[&str]) -> Vec<Payload> {
        texts.iter().map(|text| frame(text)).collect()
    }

    #[tokio::test]
    async fn order_is_kept_and_the_latest_replaces() {
        let outbox = Outbox::new(Bounds::DEFAULT);
        outbox.push(frame("trade 1"));
        outbox.push_latest(7, frame("touch 1"));
        outbox.push(frame("trade 2"));
        outbox.push_latest(7, frame("touch 2"));
        outbox.push_latest(8, frame("other"));
        let mut got = Vec::new();
        outbox.take(&mut got).await.unwrap();
        assert_eq!(got, frames(&["trade 1", "touch 2", "trade 2", "other"]));
        // what was taken is not replaced any more
        outbox.push_latest(7, frame("touch 3"));
        got.clear();
        outbox.take(&mut got).await.unwrap();
        assert_eq!(got, frames(&["touch 3"]));
    }

    #[tokio::test]
    async fn beyond_the_bound_nothing_is_skipped_silently() {
        let outbox = Outbox::new(Bounds {
            frames: 3,
            bytes: 1 << 20,
        });
        for _ in 0..3 {
            outbox.push(frame("x"));
        }
        for _ in 0..10 {
            outbox.push_latest(1, frame("y"));
        }
        outbox.cut().await;
        assert_eq!(
            outbox.take(&mut Vec::new()).await,
            Err(Close::TooSlow),
            "what waited is dropped with the connection"
        );
    }

    #[tokio::test]
    async fn bytes_are_bounded_too() {
        let outbox = Outbox::new(Bounds {
            frames: 1000,
            bytes: 10,
        });
        outbox.push_latest(1, frame("12345678"));
        outbox.push_latest(1, frame("123"));
        outbox.push(frame("1234567"));
        assert_eq!(outbox.closed(), None);
        outbox.push(frame("1"));
        assert_eq!(outbox.closed(), Some(Close::TooSlow));
    }

    #[tokio::test]
    async fn a_shutdown_lets_the_rest_out() {
        let outbox = Outbox::new(Bounds::DEFAULT);
        outbox.push(frame("last words"));
        outbox.close(Close::Shutdown);
        outbox.push(frame("too late"));
        let mut got = Vec::new();
        assert_eq!(outbox.take(&mut got).await, Ok(()));
        assert_eq!(got, frames(&["last words"]));
        assert_eq!(outbox.take(&mut got).await, Err(Close::Shutdown));
    }
}
