//! Reference prices and the range around them in which takers trade.
//!
//! * The range is fixed once for an order's whole passage through the book, from the reference price of the moment at which it enters.
//! * A bound is a multiple of the reference price, exact; a price on it is inside. The next trade outside ends the taker, whatever its time
//!   in force, and what it traded before stays. A FOK order that would fill whole but for the range ends for the range.
//! * While there is no reference price, or no rule, every price is inside.
//! * Where there is a reference price the filters that compare with an average compare with it, rounded down to a tick.

use matching::{Book, Limit, MatchKind, Remainder, Stop, Taker};
use protocol::{
    CloseReason, Event, Events, ExecutionRules, Malformed, Order, PriceRange, Reference,
    RejectCode, Reply, SetReference, Wire,
};
use types::{Decimal, InstrumentId, Price, Qty, Side, Time};

use crate::Engine;
use crate::market::Market;

/// What few markets have.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub range: Option<PriceRange>,
    pub reference: Option<Reference>,
}

impl Rules {
    fn traded(&mut self, time: Time, price: Decimal) {
        if let Some(reference) = &mut self.reference {
            reference.traded(time, price);
        }
    }

    #[cold]
    pub fn price(&self, time: Time) -> Option<Decimal> {
        self.reference.as_ref()?.at(time)
    }

    /// The lowest and the highest tick at which a taker of this side trades.
    fn bounds(&self, side: Side, time: Time, tick: Decimal) -> Option<(i64, i64)> {
        let (range, price) = (self.range?, self.price(time)?);
        let (up, down) = match side {
            Side::Buy => (range.bid_up, range.bid_down),
            Side::Sell => (range.ask_up, range.ask_down),
        };
        let multiple = |by: Decimal| i128::from(price.0) * i128::from(by.0);
        let grid = i128::from(tick.0) * i128::from(Decimal::SCALE);
        let ticks = |exact: i128| i64::try_from(exact).unwrap_or(i64::MAX);
        let high = up.map_or(i64::MAX, |up| ticks(multiple(up) / grid));
        let low = down.map_or(0, |down| {
            let exact = multiple(down);
            ticks(exact / grid + i128::from(exact % grid != 0))
        });
        Some((low, high))
    }
}

impl Market {
    /// What filters compare prices with: the reference price, else the average of the last minutes.
    pub fn average(&self, time: Time, minutes: u32) -> Option<Price> {
        let reference = self.rules.as_ref().and_then(|rules| rules.price(time));
        match reference {
            Some(price) => Some(Price(price.0 / self.spec.instrument().tick_size().0)),
            None => self.prices.average(time, minutes),
        }
    }

    /// A trade happened.
    #[inline]
    pub fn traded(&mut self, time: Time, price: Price, qty: Qty) {
        self.prices.traded(time, price, qty);
        if self.rules.is_some() {
            self.note_trade(time, price);
        }
    }

    #[cold]
    fn note_trade(&mut self, time: Time, price: Price) {
        let price = self.price(price);
        if let Some(rules) = &mut self.rules {
            rules.traded(time, price);
        }
    }

    /// Keeps a taker within the range of execution, if there is one.
    #[cold]
    pub fn narrow(&self, taker: &mut Taker, time: Time) {
        let tick = self.spec.instrument().tick_size();
        let rules = self.rules.as_ref();
        let Some((low, high)) = rules.and_then(|r| r.bounds(taker.side, time, tick)) else {
            return;
        };
        // the best price is the first at which it would trade: when that lies beyond the far bound, it trades nowhere
        let best = self.book.best(taker.side.opposite()).map(|price| price.0);
        taker.price = Some(Price(match (taker.side, taker.price, best) {
            (Side::Buy, _, Some(best)) if best < low => 0,
            (Side::Sell, _, Some(best)) if best > high => i64::MAX,
            (Side::Buy, Some(price), _) => price.0.min(high),
            (Side::Sell, Some(price), _) => price.0.max(low),
            (Side::Buy, None, _) => high,
            (Side::Sell, None, _) => low,
        }));
    }

    /// Why a taker stopped that found nothing more within the range, having met `last`: is there nothing, does the range keep it from more,
    /// or is the rest of its budget too small for a lot at the next price?
    #[cold]
    pub fn stop_at_range(
        &self,
        taker: &Taker,
        remainder: &Remainder,
        last: Option<MatchKind>,
    ) -> Stop {
        let Some(best) = self.book.best(taker.side.opposite()) else {
            return Stop::Exhausted;
        };
        let reaches = taker.price.is_none_or(|price| match taker.side {
            Side::Buy => price >= best,
            Side::Sell => price <= best,
        });
        let wants = match remainder.limit {
            Limit::Lots(open) => open.0 > 0,
            Limit::Notional(budget) => budget >= i128::from(best.0),
        };
        match (reaches, wants) {
            (false, _) => Stop::Exhausted,
            (true, true) => Stop::OutOfRange,
            (true, false) => matching::end_of(last),
        }
    }

    fn rules_mut(&mut self) -> &mut Rules {
        self.rules.get_or_insert_default()
    }

    /// Rules that say nothing are none.
    fn tidy_rules(&mut self) {
        self.rules
            .take_if(|rules| rules.range.is_none() && rules.reference.is_none());
    }

    pub fn tell_rules(&self, out: &mut dyn FnMut(Event)) {
        let Some(rules) = &self.rules else { return };
        if let Some(reference) = &rules.reference {
            out(Event::ReferenceChanged(Box::new(reference.clone())));
        }
        if rules.range.is_some() {
            out(Event::ExecutionRulesChanged(Box::new(ExecutionRules {
                instrument: self.id(),
                range: rules.range,
            })));
        }
    }
}

/// An order that ended for the range says so in the answer too.
#[cold]
pub(crate) fn name_reason(order: &mut Order, out: &Events) {
    let ended = out.iter().rev().find_map(|event| match event {
        Event::OrderClosed(closed) if closed.order == order.id => Some(closed.reason),
        _ => None,
    });
    if ended == Some(CloseReason::PriceRange) {
        order.set_more(|more| more.reason = ended);
    }
}

impl Engine {
    pub(crate) fn check_reference(&self, c: &SetReference) -> Result<(), RejectCode> {
        self.market(c.instrument)?;
        let sound = Reference::new(c, Time(0)).is_sound();
        sound.then_some(()).ok_or(RejectCode::InvalidReference)
    }

    pub(crate) fn act_reference(
        &mut self,
        time: Time,
        c: &SetReference,
        out: &mut Events,
    ) -> Reply {
        let market = self.market_mut(c.instrument).expect("it was checked");
        let reference = Reference::new(c, time);
        out.push(Event::ReferenceChanged(Box::new(reference.clone())));
        market.rules_mut().reference = Some(reference);
        Reply::Done
    }

    pub(crate) fn check_execution_rules(&self, c: &ExecutionRules) -> Result<(), RejectCode> {
        self.market(c.instrument)?;
        let valid = c.range.is_none_or(|range| range.is_valid());
        valid.then_some(()).ok_or(RejectCode::InvalidExecutionRules)
    }

    pub(crate) fn act_execution_rules(&mut self, c: &ExecutionRules, out: &mut Events) -> Reply {
        let market = self.market_mut(c.instrument).expect("it was checked");
        market.rules_mut().range = c.range;
        market.tidy_rules();
        out.push(Event::ExecutionRulesChanged(Box::new(*c)));
        Reply::Done
    }

    /// The markets that have rules, in the snapshot's form.
    pub(crate) fn put_rules(&self) -> Option<Vec<u8>> {
        let ruled = self.markets.iter().filter_map(|market| {
            let rules = market.rules.as_ref()?;
            Some((market.id(), rules))
        });
        let mut bytes = Vec::new();
        u32::try_from(ruled.clone().count())
            .expect("counts fit 32 bits")
            .put(&mut bytes);
        let empty = ruled.clone().next().is_none();
        for (id, rules) in ruled {
            id.put(&mut bytes);
            rules.range.put(&mut bytes);
            rules.reference.put(&mut bytes);
        }
        (!empty).then_some(bytes)
    }

    pub(crate) fn take_rules(&mut self, input: &mut &[u8]) -> Result<(), Malformed> {
        const WRONG: Malformed = Malformed("rules of execution");
        let mut previous = InstrumentId(0);
        let count = u32::take(input)?;
        if count == 0 {
            return Err(WRONG);
        }
        for _ in 0..count {
            let id = InstrumentId::take(input)?;
            let range: Option<PriceRange> = Wire::take(input)?;
            let reference: Option<Reference> = Wire::take(input)?;
            let sound = id > previous
                && (range.is_some() || reference.is_some())
                && range.is_none_or(|range| range.is_valid())
                && reference
                    .as_ref()
                    .is_none_or(|r| r.instrument == id && r.is_sound());
            let market = self.market_mut(id).map_err(|_| WRONG)?;
            if !sound {
                return Err(WRONG);
            }
            previous = id;
            market.rules = Some(Box::new(Rules { range, reference }));
        }
        Ok(())
    }
}
