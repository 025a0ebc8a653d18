//! The counts of unfilled orders survive a restart.
//!
//! They are written once a second while they change, and at the end: a crash forgets at most what was counted in its last second, which is in the
//! caller's favor. A line for each account: `account window count window count`, ten seconds first, windows numbered from 1970.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use protocol::Event;
use types::AccountId;

use super::{Account, FillsReader, Limits, Window};

impl Limits {
    /// Takes up the counts of a file, and keeps them there from now on. A line that cannot be read is left out.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn with_order_counts(self, file: &Path) -> std::io::Result<Limits> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(e),
        };
        self.accounts.lock().extend(text.lines().filter_map(read));
        Ok(Limits {
            counts_file: Some(Mutex::new(file.to_owned())),
            ..self
        })
    }

    /// Writes the counts if they changed since the last time. A disk that refuses is told of in the log; the counts hold in memory all the same.
    pub fn keep_order_counts(&self) {
        let Some(file) = &self.counts_file else {
            return;
        };
        // held while writing: two at a time would write one into the other
        let file = file.lock();
        if !self.counts_changed.swap(false, Ordering::AcqRel) {
            return;
        }
        let mut text = String::new();
        for (account, Account { ten_seconds, day }) in &*self.accounts.lock() {
            text.push_str(&format!(
                "{} {} {} {} {}\n",
                account.0, ten_seconds.index, ten_seconds.count, day.index, day.count
            ));
        }
        if let Err(error) = replace(&file, &text) {
            self.counts_changed.store(true, Ordering::Release);
            tracing::warn!(file = %file.display(), %error, "order counts are not on disk");
        }
    }
}

fn read(line: &str) -> Option<(AccountId, Account)> {
    let mut words = line.split(' ');
    let account = AccountId(words.next()?.parse().ok()?);
    let mut window = || {
        Some(Window {
            index: words.next()?.parse().ok()?,
            count: words.next()?.parse().ok()?,
        })
    };
    let (ten_seconds, day) = (window()?, window()?);
    Some((account, Account { ten_seconds, day }))
}

/// Replaces a file in one step.
pub(super) fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let next = file.with_extension("new");
    let mut out = std::fs::File::create(&next)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(&next, file)
}

impl FillsReader {
    /// Takes an event of the state that the program starts from: the first fill of an order that was placed before it still gives back.
    pub fn seed(&mut self, event: &Event) {
        if let Event::OrderRestored(order) = event
            && order.executed_qty.0 == 0
            && self.limits.accounts.lock().contains_key(&order.account)
        {
            self.unfilled.insert((order.instrument, order.id));
        }
    }
}

#[cfg(test)]
mod tests {
    use types::Time;

    use super::*;
    use crate::limits::{OrderCount, Profile};

    const NOW: Time = Time(1_736_942_400_000_000);

    #[test]
    fn counts_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("order-counts");
        let open = || {
            Limits::new(Profile::BINANCE)
                .with_order_counts(&file)
                .unwrap()
        };
        let limits = open();
        limits.keep_order_counts();
        assert!(!file.exists(), "nothing was counted");
        limits.take_orders(AccountId(1001), 30, NOW).unwrap();
        limits.take_orders(AccountId(1002), 7, NOW).unwrap();
        limits.keep_order_counts();
        limits.lower_orders(AccountId(1001), 5, NOW);
        limits.keep_order_counts();
        let again = open();
        let count = |ten_seconds, day| OrderCount { ten_seconds, day };
        assert_eq!(again.order_count(AccountId(1001), NOW), count(25, 25));
        let later = NOW.plus_micros(10_000_000);
        assert_eq!(again.order_count(AccountId(1001), later), count(0, 25));
        assert_eq!(again.order_count(AccountId(1002), later), count(0, 7));
        let tomorrow = NOW.plus_micros(86_400_000_000);
        assert_eq!(again.order_count(AccountId(1002), tomorrow), count(0, 0));
        assert_eq!(
            again
                .take_orders(AccountId(1001), 101, later)
                .unwrap_err()
                .code,
            -1015
        );
    }

    #[test]
    fn lines_that_make_no_sense_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("order-counts");
        let day = NOW.0.div_euclid(86_400_000_000);
        std::fs::write(&file, format!("nonsense\n\n1 2 3\n1001 0 0 {day} 4\n")).unwrap();
        let limits = Limits::new(Profile::BINANCE)
            .with_order_counts(&file)
            .unwrap();
        assert_eq!(limits.order_count(AccountId(1001), NOW).day, 4);
        assert_eq!(limits.accounts.lock().len(), 1);
    }
}
