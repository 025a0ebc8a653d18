//! Execution rules and reference prices, as the engine told them.

use protocol::{Event, PriceRange, Reference};
use types::InstrumentId;

use crate::{Inner, Views};

impl Inner {
    pub(crate) fn rules_event(&self, event: &Event) {
        match event {
            Event::ReferenceChanged(reference) => {
                self.market(reference.instrument).write().reference = Some(reference.clone());
            }
            Event::ExecutionRulesChanged(rules) => {
                self.market(rules.instrument).write().range = rules.range;
            }
            _ => {}
        }
    }
}

impl Views {
    /// The reference price's state; `None` when there never was one.
    #[must_use]
    pub fn reference(&self, instrument: InstrumentId) -> Option<Box<Reference>> {
        let market = self.inner.markets.read().get(&instrument).cloned()?;
        let market = market.read();
        market.reference.clone()
    }

    /// How far from the reference price takers trade.
    #[must_use]
    pub fn price_range(&self, instrument: InstrumentId) -> Option<PriceRange> {
        let market = self.inner.markets.read().get(&instrument).cloned()?;
        let market = market.read();
        market.range
    }
}
