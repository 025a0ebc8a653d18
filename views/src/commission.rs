//! What trades cost, for whoever asks: the venue's schedule and what was said of instruments and accounts, as the engine told it. And what
//! the venue's own filters are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use protocol::{
    AccountFees, Commission, Event, ExchangeFilters, FeeSchedule, Instrument, InstrumentFees,
};
use types::{AccountId, InstrumentId, TradeGroupId};

use crate::{Inner, Views};

#[derive(Debug, Default)]
pub(crate) struct Fees {
    pub schedule: Arc<FeeSchedule>,
    pub instruments: HashMap<InstrumentId, InstrumentFees>,
    /// Bounds over all instruments.
    pub filters: Arc<ExchangeFilters>,
    /// The routing groups of instruments that are of one.
    pub routes: BTreeMap<InstrumentId, Box<str>>,
}

impl Inner {
    pub(crate) fn fees_event(&self, event: &Event) {
        match event {
            Event::FeesChanged(schedule) => {
                self.fees.write().schedule = Arc::new((**schedule).clone());
            }
            Event::InstrumentFeesChanged(fees) => {
                self.fees
                    .write()
                    .instruments
                    .insert(fees.instrument, **fees);
            }
            Event::ExchangeFiltersChanged(filters) => {
                self.fees.write().filters = Arc::new((**filters).clone());
            }
            Event::RoutingChanged(set) => {
                let mut fees = self.fees.write();
                match set.group.is_empty() {
                    true => fees.routes.remove(&set.instrument),
                    false => fees.routes.insert(set.instrument, set.group.clone()),
                };
            }
            Event::AccountFeesChanged(fees) => {
                self.account(fees.account).write().fees = Some(*fees);
            }
            _ => {}
        }
    }
}

impl Views {
    #[must_use]
    pub fn fee_schedule(&self) -> Arc<FeeSchedule> {
        Arc::clone(&self.inner.fees.read().schedule)
    }

    /// Bounds over all instruments.
    #[must_use]
    pub fn exchange_filters(&self) -> Arc<ExchangeFilters> {
        Arc::clone(&self.inner.fees.read().filters)
    }

    /// Each instrument that is of a routing group, with the group's name.
    #[must_use]
    pub fn routes(&self) -> Vec<(InstrumentId, Box<str>)> {
        let fees = self.inner.fees.read();
        fees.routes
            .iter()
            .map(|(id, group)| (*id, group.clone()))
            .collect()
    }

    #[must_use]
    pub fn instrument_fees(&self, instrument: &Instrument) -> InstrumentFees {
        let fees = self.inner.fees.read();
        match fees.instruments.get(&instrument.id) {
            Some(fees) => *fees,
            None => InstrumentFees::plain(instrument),
        }
    }

    #[must_use]
    pub fn account_fees(&self, account: AccountId) -> AccountFees {
        self.read_account(account, |a| a.fees)
            .flatten()
            .unwrap_or(AccountFees::plain(account))
    }

    /// The trade group that the account belongs to.
    #[must_use]
    pub fn trade_group(&self, account: AccountId) -> Option<TradeGroupId> {
        self.read_account(account, |a| a.group).flatten()
    }

    /// What the account's next trade on the instrument costs.
    #[must_use]
    pub fn commission(&self, account: AccountId, instrument: &Instrument) -> Commission {
        Commission::of(
            &self.fee_schedule(),
            &self.instrument_fees(instrument),
            &self.account_fees(account),
        )
    }
}
