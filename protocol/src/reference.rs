//! The reference price of an instrument, how it comes about, and the range of prices around it in which a taker may trade.
//!
//! A reference price is told from outside, or is the mean of the trade prices of the last moments: every trade counts once, in the bucket
//! of its moment, and the oldest bucket counts by the part of it that lies inside the window. Counts have four decimals, sums four more
//! than a [`Decimal`]; each division rounds down. The state is here, and not in the engine, so that views compute the same price.

use types::{Decimal, InstrumentId, Time};

/// Four decimals more.
const FINER: i128 = 10_000;
const MILLI_US: i64 = 1_000;

wire_struct! {
    /// A mean over `count` buckets of `width_ms` each, ending now.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Mean { pub count: u32, pub width_ms: u32 }
}
wire_enum! {
    /// Where a reference price comes from.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum Calculation {
        /// It is told; the number says how it was found. 0: by a person.
        1 = External(u32),
        2 = Mean(Mean),
    }
}

impl Calculation {
    /// More buckets would be more memory than a price is worth.
    pub const MAX_BUCKETS: u32 = 1_440;
    /// One day.
    pub const MAX_WIDTH_MS: u32 = 86_400_000;

    #[must_use]
    pub fn is_valid(self) -> bool {
        match self {
            Calculation::External(_) => true,
            Calculation::Mean(mean) => {
                (1..=Self::MAX_BUCKETS).contains(&mean.count)
                    && (1..=Self::MAX_WIDTH_MS).contains(&mean.width_ms)
            }
        }
    }
}

wire_struct! {
    /// How an instrument's reference price comes about from now on, and what it is if it is told.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct SetReference {
        pub instrument: InstrumentId,
        /// `None` ends it.
        pub calculation: Option<Calculation>,
        /// Only with [`Calculation::External`]; `None`: there is none at present.
        pub price: Option<Decimal>,
    }
}

wire_struct! {
    /// The trades of one span of time.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Span {
        /// A multiple of the width, in microseconds.
        pub opened: i64,
        pub trades: u32,
        /// Of prices in 10⁻⁸.
        pub sum: i128,
    }
}

/// An instrument's reference price, as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    pub instrument: InstrumentId,
    pub calculation: Option<Calculation>,
    /// As told.
    pub price: Option<Decimal>,
    /// When the calculation was set, or the price was told.
    pub since: Time,
    /// Oldest first.
    pub spans: Vec<Span>,
}

impl Reference {
    #[must_use]
    pub fn new(set: &SetReference, since: Time) -> Reference {
        Reference {
            instrument: set.instrument,
            calculation: set.calculation,
            price: set.price,
            since,
            spans: Vec::new(),
        }
    }

    /// A trade happened.
    pub fn traded(&mut self, time: Time, price: Decimal) {
        let Some(Calculation::Mean(mean)) = self.calculation else {
            return;
        };
        let width = i64::from(mean.width_ms) * MILLI_US;
        let cutoff = cutoff(mean, time);
        let gone = self
            .spans
            .iter()
            .take_while(|s| s.opened.saturating_add(width) <= cutoff);
        let gone = gone.count();
        self.spans.drain(..gone);
        let opened = time.0 - time.0.rem_euclid(width);
        match self.spans.last_mut() {
            Some(span) if span.opened >= opened => {
                span.trades = span.trades.saturating_add(1);
                span.sum += i128::from(price.0);
            }
            _ => self.spans.push(Span {
                opened,
                trades: 1,
                sum: i128::from(price.0),
            }),
        }
    }

    /// The price at a moment.
    #[must_use]
    pub fn at(&self, time: Time) -> Option<Decimal> {
        let mean = match self.calculation? {
            Calculation::External(_) => return self.price,
            Calculation::Mean(mean) => mean,
        };
        let width = i64::from(mean.width_ms) * MILLI_US;
        let cutoff = cutoff(mean, time);
        let (mut trades, mut sum) = (0_i128, 0_i128);
        for span in &self.spans {
            let inside = match span.opened.saturating_add(width).saturating_sub(cutoff) {
                left if left <= 0 => continue,
                left => i128::from(left.min(width)),
            };
            let width = i128::from(width);
            trades += i128::from(span.trades) * FINER * inside / width;
            // in two steps, so that the product fits
            let (whole, rest) = (span.sum / width, span.sum % width);
            sum += whole * FINER * inside + rest * FINER * inside / width;
        }
        let price = sum.checked_div(trades)?;
        i64::try_from(price).ok().map(Decimal)
    }

    /// When [`Reference::at`] began to hold: a mean holds at its moment.
    #[must_use]
    pub fn valid_at(&self, time: Time) -> Time {
        match self.calculation {
            Some(Calculation::Mean(_)) => time,
            _ => self.since,
        }
    }

    /// Could it have come about by trades?
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let told = matches!(self.calculation, Some(Calculation::External(_)));
        let price = self.price.is_none_or(|price| told && price.0 > 0);
        let width = match self.calculation {
            Some(Calculation::Mean(mean)) if mean.width_ms > 0 => {
                i64::from(mean.width_ms) * MILLI_US
            }
            _ => return price && self.spans.is_empty() && self.is_known(),
        };
        let most = |span: &Span| i128::from(span.trades) * i128::from(i64::MAX);
        let sound = |span: &Span| {
            let filled = (1..=most(span)).contains(&span.sum);
            filled && span.opened.rem_euclid(width) == 0
        };
        let rising = self.spans.windows(2).all(|w| w[0].opened < w[1].opened);
        price && rising && self.spans.iter().all(sound) && self.is_known()
    }

    fn is_known(&self) -> bool {
        self.calculation.is_none_or(Calculation::is_valid)
    }
}

/// What trades have to be younger than.
fn cutoff(mean: Mean, time: Time) -> i64 {
    let window = i64::from(mean.width_ms) * MILLI_US * i64::from(mean.count);
    time.0.saturating_sub(window)
}

impl crate::Wire for Reference {
    fn put(&self, out: &mut Vec<u8>) {
        self.instrument.put(out);
        self.calculation.put(out);
        self.price.put(out);
        self.since.put(out);
        u32::try_from(self.spans.len()).expect("few spans").put(out);
        self.spans.iter().for_each(|span| span.put(out));
    }

    fn take(input: &mut &[u8]) -> Result<Self, crate::Malformed> {
        let mut reference = Reference {
            instrument: crate::Wire::take(input)?,
            calculation: crate::Wire::take(input)?,
            price: crate::Wire::take(input)?,
            since: crate::Wire::take(input)?,
            spans: Vec::new(),
        };
        for _ in 0..u32::take(input)? {
            reference.spans.push(Span::take(input)?);
        }
        Ok(reference)
    }
}

wire_struct! {
    /// How far from the reference price a taker may trade, as multiples of it, by the taker's side. `None` is off.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct PriceRange {
        pub bid_up: Option<Decimal>,
        pub bid_down: Option<Decimal>,
        pub ask_up: Option<Decimal>,
        pub ask_down: Option<Decimal>,
    }
}

impl PriceRange {
    /// Some multiple is given, and each is above zero and none contradicts another.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let given = [self.bid_up, self.bid_down, self.ask_up, self.ask_down];
        let order = |up: Option<Decimal>, down: Option<Decimal>| match (up, down) {
            (Some(up), Some(down)) => down <= up,
            _ => true,
        };
        given.iter().any(Option::is_some)
            && given.iter().flatten().all(|multiple| multiple.0 > 0)
            && order(self.bid_up, self.bid_down)
            && order(self.ask_up, self.ask_down)
    }
}

wire_struct! {
    /// The rules under which an instrument's orders execute.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct ExecutionRules { pub instrument: InstrumentId, pub range: Option<PriceRange> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wire;

    fn mean(count: u32, width_ms: u32) -> Reference {
        let set = SetReference {
            instrument: InstrumentId(1),
            calculation: Some(Calculation::Mean(Mean { count, width_ms })),
            price: None,
        };
        Reference::new(&set, Time(0))
    }

    #[test]
    fn a_mean_counts_trades_and_forgets_the_oldest_by_its_part() {
        let mut price = mean(2, 1_000);
        assert_eq!(price.at(Time(0)), None);
        price.traded(Time(10_000_000), Decimal(100));
        price.traded(Time(10_900_000), Decimal(200));
        price.traded(Time(11_500_000), Decimal(600));
        assert_eq!(price.at(Time(11_500_000)), Some(Decimal(300)));
        assert_eq!(price.at(Time(12_000_000)), Some(Decimal(300)));
        // half of the first second: one trade of 150, and one of 600
        assert_eq!(price.at(Time(12_500_000)), Some(Decimal(375)));
        assert_eq!(price.at(Time(13_000_000)), Some(Decimal(600)));
        assert_eq!(
            price.at(Time(13_999_999)),
            None,
            "less than a ten-thousandth of a trade"
        );
        assert_eq!(price.at(Time(13_999_000)), Some(Decimal(600)));
        price.traded(Time(13_600_000), Decimal(7));
        assert_eq!(price.spans.len(), 2, "three seconds before are gone");
        assert!(price.is_sound());
    }

    #[test]
    fn what_is_told_stays() {
        let set = SetReference {
            instrument: InstrumentId(1),
            calculation: Some(Calculation::External(3)),
            price: Some(Decimal(7)),
        };
        let mut told = Reference::new(&set, Time(5));
        told.traded(Time(6), Decimal(9));
        assert_eq!(told.at(Time(i64::MAX)), Some(Decimal(7)));
        assert!(told.is_sound());
        told.calculation = None;
        assert!(!told.is_sound() && told.at(Time(6)).is_none());
    }

    #[test]
    fn reads_back_what_it_writes() {
        let mut reference = mean(10, 500);
        reference.traded(Time(1), Decimal(i64::MAX));
        reference.traded(Time(700_000), Decimal(2));
        let mut bytes = Vec::new();
        reference.put(&mut bytes);
        assert_eq!(Reference::take(&mut &bytes[..]), Ok(reference));
        for end in 0..bytes.len() {
            assert!(Reference::take(&mut &bytes[..end]).is_err(), "{end}");
        }
    }

    /// The bytes of the commands and events, for ever.
    #[test]
    fn the_bytes_are_golden() {
        let set = SetReference {
            instrument: InstrumentId(1),
            calculation: Some(Calculation::Mean(Mean {
                count: 2,
                width_ms: 3,
            })),
            price: None,
        };
        let rules = ExecutionRules {
            instrument: InstrumentId(4),
            range: Some(PriceRange {
                bid_up: Some(Decimal(5)),
                ..PriceRange::default()
            }),
        };
        let mut reference = Reference::new(&set, Time(6));
        reference.traded(Time(6_000), Decimal(7));
        let mut bytes = Vec::new();
        crate::Admin::SetReference(set).put(&mut bytes);
        crate::Admin::SetExecutionRules(Box::new(rules)).put(&mut bytes);
        crate::Event::ReferenceChanged(Box::new(reference)).put(&mut bytes);
        crate::Event::ExecutionRulesChanged(Box::new(rules)).put(&mut bytes);
        let told: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(told, GOLDEN);
    }

    const GOLDEN: &str = "1601000000010202000000030000000017040000000101050000000000000000000019010000000102020000000300000000060000000000000001000000701700000000000001000000070000000000000000000000000000001a0400000001010500000000000000000000";

    #[test]
    fn a_range_has_a_sense() {
        let up = PriceRange {
            bid_up: Some(Decimal(2)),
            ..PriceRange::default()
        };
        assert!(up.is_valid() && !PriceRange::default().is_valid());
        let zero = PriceRange {
            ask_down: Some(Decimal(0)),
            ..up
        };
        let upside_down = PriceRange {
            bid_down: Some(Decimal(3)),
            ..up
        };
        assert!(!zero.is_valid() && !upside_down.is_valid());
    }
}
