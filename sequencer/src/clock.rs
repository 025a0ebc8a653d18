use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use types::Time;

/// Where the venue's time comes from. The sequencer stamps it and never lets it run backwards.
pub trait Clock: Send + Sync {
    fn now(&self) -> Time;
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let micros = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_micros());
        Time(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

/// A clock that somebody sets, until it is released to run by the machine's clock: how the first 24 hours of a demo are made, and how
/// tests own time.
#[derive(Debug)]
pub struct ManualClock {
    /// `i64::MIN` once released.
    set: AtomicI64,
}

impl ManualClock {
    #[must_use]
    pub const fn at(time: Time) -> ManualClock {
        ManualClock {
            set: AtomicI64::new(time.0),
        }
    }

    #[must_use]
    pub const fn running() -> ManualClock {
        ManualClock {
            set: AtomicI64::new(i64::MIN),
        }
    }

    pub fn set(&self, time: Time) {
        self.set.store(time.0, Ordering::SeqCst);
    }

    /// From now on the machine's clock.
    pub fn release(&self) {
        self.set.store(i64::MIN, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        match self.set.load(Ordering::SeqCst) {
            i64::MIN => SystemClock.now(),
            micros => Time(micros),
        }
    }
}
