//! Reference prices and the range of execution, from every trade that ever was.

use std::collections::BTreeMap;

use protocol::{Calculation, Event, Events, ExecutionRules, Reference, RejectCode, SetReference};
use types::{Decimal, Side, Time};

use super::{Market, Naive, SCALE};

/// What a market was told of its reference price, and its trades since.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    calculation: Option<Calculation>,
    price: Option<Decimal>,
    trades: Vec<(Time, Decimal)>,
}

impl Told {
    pub(super) fn at(&self, time: Time) -> Option<Decimal> {
        let mean = match self.calculation? {
            Calculation::External(_) => return self.price,
            Calculation::Mean(mean) => mean,
        };
        let width = i128::from(mean.width_ms) * 1_000;
        let begins = i128::from(time.0) - width * i128::from(mean.count);
        let mut buckets: BTreeMap<i128, (i128, i128)> = BTreeMap::new();
        for (at, price) in &self.trades {
            let bucket = buckets
                .entry(i128::from(at.0).div_euclid(width) * width)
                .or_default();
            bucket.0 += 1;
            bucket.1 += i128::from(price.0);
        }
        let (mut count, mut sum) = (0, 0);
        for (opened, (trades, prices)) in buckets {
            let inside = (opened + width - begins).clamp(0, width);
            count += trades * 10_000 * inside / width;
            sum += prices * 10_000 * inside / width;
        }
        let price: i128 = sum.checked_div(count)?;
        i64::try_from(price).ok().map(Decimal)
    }
}

impl Market {
    pub(super) fn reference_traded(&mut self, time: Time, price: Decimal) {
        self.told.trades.push((time, price));
    }

    /// Between which prices, in 10⁻¹⁶, a taker of this side trades now.
    pub(super) fn range_now(&self, time: Time, side: Side) -> Option<(i128, i128)> {
        let (range, price) = (self.range?, self.told.at(time)?);
        let (up, down) = match side {
            Side::Buy => (range.bid_up, range.bid_down),
            Side::Sell => (range.ask_up, range.ask_down),
        };
        let multiple = |by: Decimal| i128::from(price.0) * i128::from(by.0);
        let low = down.map_or(0, multiple);
        let high = up.map_or(i128::from(i64::MAX) * SCALE, multiple);
        Some((low, high))
    }
}

impl Naive {
    pub(super) fn set_reference(
        &mut self,
        time: Time,
        c: &SetReference,
        events: &mut Events,
    ) -> Result<(), RejectCode> {
        let at = self.at(c.instrument)?;
        let known = match c.calculation {
            None => c.price.is_none(),
            Some(Calculation::External(_)) => c.price.is_none_or(|price| price.0 > 0),
            Some(Calculation::Mean(mean)) => {
                let count = (1..=Calculation::MAX_BUCKETS).contains(&mean.count);
                let width = (1..=Calculation::MAX_WIDTH_MS).contains(&mean.width_ms);
                c.price.is_none() && count && width
            }
        };
        if !known {
            return Err(RejectCode::InvalidReference);
        }
        self.markets[at].told = Told {
            calculation: c.calculation,
            price: c.price,
            trades: Vec::new(),
        };
        events.push(Event::ReferenceChanged(Box::new(Reference {
            instrument: c.instrument,
            calculation: c.calculation,
            price: c.price,
            since: time,
            spans: Vec::new(),
        })));
        Ok(())
    }

    pub(super) fn set_range(
        &mut self,
        c: &ExecutionRules,
        events: &mut Events,
    ) -> Result<(), RejectCode> {
        let at = self.at(c.instrument)?;
        if let Some(range) = c.range {
            let multiples = [range.bid_up, range.bid_down, range.ask_up, range.ask_down];
            let given = multiples.iter().flatten();
            let crossed = |up: Option<Decimal>, down: Option<Decimal>| {
                up.zip(down).is_some_and(|(up, down)| down > up)
            };
            if given.clone().count() == 0
                || given.clone().any(|multiple| multiple.0 <= 0)
                || crossed(range.bid_up, range.bid_down)
                || crossed(range.ask_up, range.ask_down)
            {
                return Err(RejectCode::InvalidExecutionRules);
            }
        }
        self.markets[at].range = c.range;
        events.push(Event::ExecutionRulesChanged(Box::new(*c)));
        Ok(())
    }
}
