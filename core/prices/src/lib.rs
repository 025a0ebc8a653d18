//! The prices that trades have told us: the last one, and the average of the last minutes.
//!
//! * Unit: ticks of one instrument ([`Price`]).
//! * The average is weighted by quantity over whole minutes of UTC: the current one and the `n - 1` before it, rounded down to a tick.
//!   When nothing traded in them it is the last price; before the first trade there is none.
//! * Memory is bounded by the longest window asked for: one bucket a minute, a sum of price x qty and a sum of qty in each.

use types::{Price, Qty, Time};

const MINUTE_US: i64 = 60_000_000;

/// The trades of one minute of UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bucket {
    pub minute: i64,
    /// Ticks x lots.
    pub notional: i128,
    /// Lots; zero in a bucket that was never used.
    pub qty: i128,
}

/// The prices of one instrument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prices {
    last: Option<Price>,
    /// The minute `m` stands at `m % len`.
    ring: Vec<Bucket>,
}

impl Prices {
    /// Able to average over `minutes`.
    #[must_use]
    pub fn new(minutes: u32) -> Prices {
        Prices {
            last: None,
            ring: vec![Bucket::default(); minutes as usize],
        }
    }

    #[must_use]
    pub const fn last(&self) -> Option<Price> {
        self.last
    }

    /// A trade happened.
    pub fn traded(&mut self, time: Time, price: Price, qty: Qty) {
        self.last = Some(price);
        let minute = minute(time);
        let Some(at) = self.at(minute) else { return };
        let bucket = &mut self.ring[at];
        if bucket.minute != minute || bucket.qty == 0 {
            *bucket = Bucket {
                minute,
                notional: 0,
                qty: 0,
            };
        }
        let notional = i128::from(price.0) * i128::from(qty.0);
        if let (Some(sum), Some(lots)) = (
            bucket.notional.checked_add(notional),
            bucket.qty.checked_add(i128::from(qty.0)),
        ) {
            bucket.notional = sum;
            bucket.qty = lots;
        } else {
            // beyond 127 bits: halving both keeps the average, and half of each fits again
            bucket.notional = bucket.notional / 2 + notional / 2;
            bucket.qty = bucket.qty / 2 + i128::from(qty.0) / 2;
        }
    }

    /// The average over the last `minutes`; with 0 the last price.
    #[must_use]
    pub fn average(&self, time: Time, minutes: u32) -> Option<Price> {
        let last = self.last?;
        let now = minute(time);
        let (mut notional, mut qty) = (0_i128, 0_i128);
        for back in 0..i64::from(minutes) {
            let Some(at) = self.at(now - back) else { break };
            let bucket = &self.ring[at];
            if bucket.minute == now - back {
                notional = notional.saturating_add(bucket.notional);
                qty = qty.saturating_add(bucket.qty);
            }
        }
        if qty == 0 {
            return Some(last);
        }
        Some(Price(divide(notional, qty).unwrap_or(last.0)))
    }

    fn at(&self, minute: i64) -> Option<usize> {
        let len = i64::try_from(self.ring.len()).ok()?;
        usize::try_from(minute.checked_rem_euclid(len)?).ok()
    }

    /// The used buckets, oldest minute first.
    #[must_use]
    pub fn buckets(&self) -> Vec<Bucket> {
        let mut used: Vec<Bucket> = self.ring.iter().copied().filter(|b| b.qty != 0).collect();
        used.sort_unstable_by_key(|b| b.minute);
        used
    }

    /// The same prices, able to average over `minutes`. What the window before had forgotten stays forgotten.
    #[must_use]
    pub fn over(&self, minutes: u32) -> Prices {
        let mut other = Prices::new(minutes);
        let mut kept = self.buckets();
        let newest = kept.last().map_or(0, |bucket| bucket.minute);
        kept.retain(|bucket| bucket.minute > newest - i64::from(minutes));
        let whole = other.restore(self.last, &kept);
        debug_assert!(whole, "buckets of distinct minutes within the window");
        other
    }

    /// Puts back what [`Prices::last`] and [`Prices::buckets`] said. False when they contradict each other.
    #[must_use]
    pub fn restore(&mut self, last: Option<Price>, buckets: &[Bucket]) -> bool {
        self.last = last;
        let mut previous = None;
        for bucket in buckets {
            let fresh = previous < Some(bucket.minute);
            previous = Some(bucket.minute);
            let Some(at) = self.at(bucket.minute) else {
                return false;
            };
            if !fresh || bucket.qty <= 0 || last.is_none() || self.ring[at].qty != 0 {
                return false;
            }
            self.ring[at] = *bucket;
        }
        true
    }
}

fn minute(time: Time) -> i64 {
    time.0.div_euclid(MINUTE_US)
}

fn divide(notional: i128, qty: i128) -> Option<i64> {
    match (u64::try_from(notional), u64::try_from(qty)) {
        (Ok(notional), Ok(qty)) => i64::try_from(notional / qty).ok(),
        _ => i64::try_from(notional / qty).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64, second: i64) -> Time {
        Time((minute * 60 + second) * 1_000_000)
    }

    #[test]
    fn no_price_before_the_first_trade() {
        assert_eq!(Prices::new(5).average(at(1, 0), 5), None);
    }

    #[test]
    fn weighs_by_quantity_and_forgets_by_the_minute() {
        let mut prices = Prices::new(5);
        prices.traded(at(100, 0), Price(10), Qty(1));
        prices.traded(at(100, 59), Price(20), Qty(3));
        assert_eq!(prices.average(at(100, 59), 5), Some(Price(17)));
        prices.traded(at(104, 0), Price(100), Qty(4));
        assert_eq!(prices.average(at(104, 0), 5), Some(Price(58)));
        assert_eq!(prices.average(at(105, 0), 5), Some(Price(100)));
        assert_eq!(prices.average(at(104, 0), 1), Some(Price(100)));
        assert_eq!(prices.average(at(100_000, 0), 5), Some(Price(100)));
        assert_eq!(prices.average(at(104, 0), 0), Some(Price(100)));
    }

    #[test]
    fn a_market_without_averages_knows_its_last_price() {
        let mut prices = Prices::new(0);
        prices.traded(at(1, 0), Price(7), Qty(1));
        assert_eq!(prices.average(at(9, 0), 0), Some(Price(7)));
        assert_eq!(prices.average(at(9, 0), 3), Some(Price(7)));
    }

    #[test]
    fn sums_beyond_127_bits_keep_the_average() {
        let mut prices = Prices::new(1);
        for _ in 0..8 {
            prices.traded(at(1, 0), Price(i64::MAX), Qty(i64::MAX));
        }
        let average = prices.average(at(1, 0), 1).unwrap().0;
        assert!(average >= i64::MAX - 8, "{average}");
    }

    #[test]
    fn another_window_keeps_what_it_can() {
        let mut prices = Prices::new(3);
        for minute in [50, 51, 52] {
            prices.traded(at(minute, 0), Price(minute), Qty(2));
        }
        assert_eq!(prices.over(2).average(at(52, 0), 2), Some(Price(51)));
        assert_eq!(prices.over(5).average(at(53, 0), 4), Some(Price(51)));
        assert_eq!(prices.over(0).average(at(53, 0), 0), Some(Price(52)));
        assert_eq!(Prices::new(0).over(4), Prices::new(4));
    }

    #[test]
    fn restores_what_it_told() {
        let mut prices = Prices::new(3);
        for minute in [50, 51, 53] {
            prices.traded(at(minute, 0), Price(minute), Qty(2));
        }
        let mut other = Prices::new(3);
        assert!(other.restore(prices.last(), &prices.buckets()));
        assert_eq!(prices, other);
        let twice: Vec<_> = prices.buckets().iter().flat_map(|b| [*b, *b]).collect();
        assert!(!Prices::new(3).restore(prices.last(), &twice));
    }
}
