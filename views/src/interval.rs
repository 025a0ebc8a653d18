use types::Time;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 1970-01-05 was a Monday: weeks begin there.
const FIRST_MONDAY: i64 = 4 * DAY;

/// How long a candle is. Days, weeks (from Monday) and months begin at midnight of a time zone given as minutes east of UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Interval {
    S1,
    M1,
    M3,
    M5,
    M15,
    M30,
    H1,
    H2,
    H4,
    H6,
    H8,
    H12,
    D1,
    D3,
    W1,
    Month1,
}

impl Interval {
    pub const ALL: [Interval; 16] = [
        Interval::S1,
        Interval::M1,
        Interval::M3,
        Interval::M5,
        Interval::M15,
        Interval::M30,
        Interval::H1,
        Interval::H2,
        Interval::H4,
        Interval::H6,
        Interval::H8,
        Interval::H12,
        Interval::D1,
        Interval::D3,
        Interval::W1,
        Interval::Month1,
    ];

    /// As the API writes it: `1m` is a minute and `1M` a month.
    #[must_use]
    pub fn parse(text: &str) -> Option<Interval> {
        Self::ALL
            .into_iter()
            .find(|interval| interval.as_str() == text)
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Interval::S1 => "1s",
            Interval::M1 => "1m",
            Interval::M3 => "3m",
            Interval::M5 => "5m",
            Interval::M15 => "15m",
            Interval::M30 => "30m",
            Interval::H1 => "1h",
            Interval::H2 => "2h",
            Interval::H4 => "4h",
            Interval::H6 => "6h",
            Interval::H8 => "8h",
            Interval::H12 => "12h",
            Interval::D1 => "1d",
            Interval::D3 => "3d",
            Interval::W1 => "1w",
            Interval::Month1 => "1M",
        }
    }

    /// Microseconds, or `None` for a month.
    const fn width(self) -> Option<i64> {
        Some(match self {
            Interval::S1 => 1_000_000,
            Interval::M1 => MINUTE,
            Interval::M3 => 3 * MINUTE,
            Interval::M5 => 5 * MINUTE,
            Interval::M15 => 15 * MINUTE,
            Interval::M30 => 30 * MINUTE,
            Interval::H1 => HOUR,
            Interval::H2 => 2 * HOUR,
            Interval::H4 => 4 * HOUR,
            Interval::H6 => 6 * HOUR,
            Interval::H8 => 8 * HOUR,
            Interval::H12 => 12 * HOUR,
            Interval::D1 => DAY,
            Interval::D3 => 3 * DAY,
            Interval::W1 => 7 * DAY,
            Interval::Month1 => return None,
        })
    }

    /// When the candle that contains `time` began.
    #[must_use]
    pub fn open_of(self, time: Time, offset_minutes: i32) -> Time {
        let shift = i64::from(offset_minutes) * MINUTE;
        let local = time.0 + shift;
        let floored = match self.width() {
            Some(width) if self == Interval::W1 => local - (local - FIRST_MONDAY).rem_euclid(width),
            Some(width) => local - local.rem_euclid(width),
            None => {
                let (year, month) = month_of_day(local.div_euclid(DAY));
                first_day(year, month) * DAY
            }
        };
        Time(floored - shift)
    }

    /// When the candle after the one that opens at `open` begins.
    #[must_use]
    pub fn next(self, open: Time, offset_minutes: i32) -> Time {
        self.step(open, offset_minutes, 1)
    }

    /// The opening of the candle `count` places after (before, if negative) the one that opens at `open`.
    #[must_use]
    pub fn step(self, open: Time, offset_minutes: i32, count: i64) -> Time {
        if let Some(width) = self.width() {
            return Time(open.0.saturating_add(width.saturating_mul(count)));
        }
        let shift = i64::from(offset_minutes) * MINUTE;
        let (year, month) = month_of_day((open.0 + shift).div_euclid(DAY));
        let months = year * 12 + (month - 1) + count;
        Time(first_day(months.div_euclid(12), months.rem_euclid(12) + 1) * DAY - shift)
    }
}

/// Days since 1970-01-01 of the first of a month, in the proleptic Gregorian calendar.
fn first_day(year: i64, month: i64) -> i64 {
    // years begin in March, so that the leap day is the last of its year
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 - 719_468
}

/// Year and month (1 to 12) of a day since 1970-01-01.
fn month_of_day(day: i64) -> (i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * of_year + 2) / 153;
    let year = era * 400 + year_of_era;
    if m < 10 {
        (year, m + 3)
    } else {
        (year + 1, m - 9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        let stamp: jiff::Timestamp = text.parse().unwrap();
        Time(stamp.as_microsecond())
    }

    #[test]
    fn names_read_back() {
        for interval in Interval::ALL {
            assert_eq!(Interval::parse(interval.as_str()), Some(interval));
        }
        assert_eq!(Interval::parse("1H"), None);
        assert_ne!(Interval::parse("1m"), Interval::parse("1M"));
    }

    #[test]
    fn candles_begin_where_the_calendar_says() {
        let time = at("2026-11-25T13:47:12.5Z");
        let cases = [
            (Interval::S1, 0, "2026-11-25T13:47:12Z"),
            (Interval::M15, 0, "2026-11-25T13:45:00Z"),
            (Interval::H6, 0, "2026-11-25T12:00:00Z"),
            (Interval::H1, 345, "2026-11-25T13:15:00Z"),
            (Interval::D1, 0, "2026-11-25T00:00:00Z"),
            (Interval::D1, 8 * 60, "2026-11-24T16:00:00Z"),
            (Interval::D1, 11 * 60, "2026-11-25T13:00:00Z"),
            (Interval::W1, 0, "2026-11-23T00:00:00Z"),
            (Interval::Month1, 0, "2026-11-01T00:00:00Z"),
            (Interval::Month1, -60, "2026-11-01T01:00:00Z"),
        ];
        for (interval, offset, open) in cases {
            assert_eq!(
                interval.open_of(time, offset),
                at(open),
                "{interval:?} {offset}"
            );
        }
    }

    #[test]
    fn months_follow_each_other_through_leap_years() {
        let mut open = at("2023-11-01T00:00:00Z");
        for next in [
            "2023-12-01",
            "2024-01-01",
            "2024-02-01",
            "2024-03-01",
            "2024-04-01",
        ] {
            assert_eq!(Interval::Month1.step(open, 0, 0), open);
            open = Interval::Month1.next(open, 0);
            assert_eq!(open, at(&format!("{next}T00:00:00Z")));
        }
        assert_eq!(
            Interval::Month1.step(open, 0, -14),
            at("2023-02-01T00:00:00Z")
        );
        for day in (-300_000..300_000).step_by(17) {
            let (year, month) = month_of_day(day);
            assert!(
                first_day(year, month) <= day && day < first_day(year, month) + 31,
                "{day}"
            );
        }
    }
}
