use types::{Amount, Time};

/// A day of UTC.
pub const DAY_US: i64 = 86_400_000_000;
/// How many whole days before today count.
pub const WINDOW_DAYS: i64 = 30;

/// The day of UTC, counted from the epoch.
#[must_use]
pub const fn day_of(time: Time) -> i64 {
    time.0.div_euclid(DAY_US)
}

/// What one account traded on each of the last days, oldest first; days without trades are left out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Volume {
    days: Vec<(i64, Amount)>,
}

impl Volume {
    /// Adds to a day that is not before the last one. What does not count on the day `held`, nor later, is forgotten. Saturates.
    pub fn add(&mut self, day: i64, value: Amount, held: i64) {
        match self.days.last_mut() {
            Some((last, sum)) if *last >= day => *sum = Amount(sum.0.saturating_add(value.0)),
            _ => {
                self.days.retain(|(old, _)| *old >= held - WINDOW_DAYS);
                self.days.push((day, value));
            }
        }
    }

    /// The sum of the whole days that count on `day`.
    pub fn before(&self, day: i64) -> Amount {
        let counted = self
            .days
            .iter()
            .filter(|(d, _)| (day - WINDOW_DAYS..day).contains(d));
        Amount(counted.fold(0_i128, |sum, (_, value)| sum.saturating_add(value.0)))
    }

    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    pub fn clear(&mut self) {
        self.days.clear();
    }

    pub fn days(&self) -> &[(i64, Amount)] {
        &self.days
    }

    /// From [`Volume::days`]. `None` when they do not rise.
    pub fn from_days(days: Vec<(i64, Amount)>) -> Option<Volume> {
        let rising = days.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let positive = days.iter().all(|(_, value)| value.0 >= 0);
        (rising && positive).then_some(Volume { days })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_whole_days_count_and_today_does_not() {
        let mut volume = Volume::default();
        volume.add(100, Amount(1), 100);
        volume.add(100, Amount(2), 100);
        volume.add(110, Amount(10), 110);
        assert_eq!(volume.before(100), Amount(0));
        assert_eq!(volume.before(101), Amount(3));
        assert_eq!(volume.before(111), Amount(13));
        assert_eq!(volume.before(130), Amount(13));
        assert_eq!(volume.before(131), Amount(10));
        volume.add(141, Amount(5), 141);
        assert_eq!(volume.days(), [(141, Amount(5))].as_slice());
        assert_eq!(volume.before(141), Amount(0));
    }

    #[test]
    fn days_before_the_epoch_are_days() {
        assert_eq!(day_of(Time(-1)), -1);
        assert_eq!(day_of(Time(DAY_US)), 1);
    }
}
