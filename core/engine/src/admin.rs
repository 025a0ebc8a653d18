//! The venue's own acts.

use contract::Terms;
use ledger::{Key, SUPPLY_LIMIT};
use protocol::{
    Admin, AssetCreated, Denied, Event, Events, Filters, Fund, Instrument, MarketStatus,
    RejectCode, Reply, SetFeatures, SetFilters,
};
use types::{AccountId, Amount, AssetId, InstrumentId, Time};

use crate::market::Market;
use crate::state::Asset;
use crate::{Engine, RULES_VERSION};

/// The finest asset.
const MAX_PRECISION: u8 = Terms::MAX_PRECISION;

impl Engine {
    pub(crate) fn check_admin(&self, actor: AccountId, c: &Admin) -> Result<(), RejectCode> {
        if actor != AccountId::TREASURY {
            return Err(RejectCode::NotPermitted);
        }
        match c {
            Admin::OpenAccount => {
                let more = self.accounts_end.0 < u32::MAX;
                more.then_some(()).ok_or(RejectCode::NotPermitted)
            }
            Admin::CreateAsset(asset) => {
                if !instruments::is_asset_name(&asset.name) {
                    return Err(RejectCode::InvalidName);
                }
                if asset.precision > MAX_PRECISION {
                    return Err(RejectCode::InvalidSpecification);
                }
                if self.assets.iter().any(|a| a.name == asset.name) {
                    return Err(RejectCode::AlreadyExists);
                }
                Ok(())
            }
            Admin::ListInstrument(c) => self.check_listing(&c.instrument),
            Admin::SetStatus(c) => self.market(c.instrument).map(|_| ()),
            Admin::HaltInstrument(id) => self.market(*id).map(|_| ()),
            Admin::SetFilters(c) => self.check_filters(c),
            Admin::SetFeatures(c) => self.check_features(c),
            Admin::SetRouting(c) => self.check_routing(c),
            Admin::SetExchangeFilters(c) => self.check_exchange_filters(c),
            Admin::RecordBlockTrade(c) => self.check_block(c).map(|_| ()),
            Admin::SetReference(c) => self.check_reference(c),
            Admin::SetExecutionRules(c) => self.check_execution_rules(c),
            Admin::Fund(c) => self.check_fund(c),
            Admin::SetFees(c) => self.check_fees(c),
            Admin::SetInstrumentFees(c) => {
                self.market(c.instrument)?;
                self.fees.check_instrument(c)
            }
            Admin::SetAccountFees(c) => {
                if !self.is_user(c.account) {
                    return Err(RejectCode::UnknownAccount);
                }
                self.fees.check_account(c)
            }
            Admin::SetTradeGroup(c) => self.check_group(c),
            Admin::LockBalance(c) => self.check_lock(c),
            Admin::SetRulesVersion(version) => {
                let known = (1..=RULES_VERSION).contains(version);
                known.then_some(()).ok_or(RejectCode::InvalidSpecification)
            }
        }
    }

    fn precision(&self, asset: AssetId) -> Option<u8> {
        self.asset(asset).map(|a| a.precision)
    }

    fn check_listing(&self, instrument: &Instrument) -> Result<(), RejectCode> {
        Market::terms(instrument, &self.registry, |asset| self.precision(asset))?;
        let taken = |m: &Market| m.spec.instrument().symbol == instrument.symbol;
        if self.markets.iter().any(taken) {
            return Err(RejectCode::AlreadyExists);
        }
        Ok(())
    }

    fn check_filters(&self, c: &SetFilters) -> Result<(), RejectCode> {
        let now = self.market(c.instrument)?.spec.instrument();
        let next = with_filters(now, &c.filters);
        Market::terms(&next, &self.registry, |asset| self.precision(asset))?;
        let same = (next.tick_size(), next.lot_size()) == (now.tick_size(), now.lot_size());
        same.then_some(()).ok_or(RejectCode::InvalidSpecification)
    }

    fn act_filters(&mut self, c: &SetFilters, out: &mut Events) -> Reply {
        let market = self
            .market_mut(c.instrument)
            .expect("the instrument was checked");
        let next = with_filters(market.spec.instrument(), &c.filters);
        market.set_filters(next.clone());
        out.push(Event::InstrumentChanged(Box::new(next)));
        Reply::Done
    }

    fn check_features(&self, c: &SetFeatures) -> Result<(), RejectCode> {
        let next = with_features(self.market(c.instrument)?.spec.instrument(), c);
        Market::terms(&next, &self.registry, |asset| self.precision(asset)).map(|_| ())
    }

    fn act_features(&mut self, c: &SetFeatures, out: &mut Events) -> Reply {
        let market = self
            .market_mut(c.instrument)
            .expect("the instrument was checked");
        let next = with_features(market.spec.instrument(), c);
        market.set_filters(next.clone());
        out.push(Event::InstrumentChanged(Box::new(next)));
        Reply::Done
    }

    fn check_fund(&self, c: &Fund) -> Result<(), RejectCode> {
        if !self.is_user(c.account) && c.account != AccountId::ROUTER {
            return Err(RejectCode::UnknownAccount);
        }
        if !self.is_wallet(c.wallet) {
            return Err(RejectCode::NotPermitted);
        }
        self.asset(c.asset).ok_or(RejectCode::UnknownAsset)?;
        let treasury = Key::new(AccountId::TREASURY, types::Wallet::SPOT, c.asset);
        let owed = Amount::ZERO.minus(self.ledger.balance(treasury).0);
        if c.amount <= Amount::ZERO || c.amount > SUPPLY_LIMIT.minus(owed) {
            return Err(RejectCode::InvalidAmount);
        }
        Ok(())
    }

    pub(crate) fn act_admin(&mut self, time: Time, c: &Admin, out: &mut Events) -> Reply {
        match c {
            Admin::OpenAccount => {
                let id = self.accounts_end;
                self.accounts_end = AccountId(id.0 + 1);
                out.push(Event::AccountOpened(id));
                Reply::AccountOpened(id)
            }
            Admin::CreateAsset(c) => {
                self.assets.push(Asset {
                    name: c.name.clone(),
                    precision: c.precision,
                });
                let asset = AssetId(count(self.assets.len()));
                out.push(Event::AssetCreated(AssetCreated {
                    asset,
                    precision: c.precision,
                    name: c.name.clone(),
                }));
                Reply::AssetCreated(asset)
            }
            Admin::ListInstrument(c) => self.act_list(&c.instrument, out),
            Admin::SetStatus(c) => self.act_status(c.instrument, c.status, out),
            Admin::HaltInstrument(id) => self.act_status(*id, MarketStatus::Halt, out),
            Admin::SetFilters(c) => self.act_filters(c, out),
            Admin::SetFeatures(c) => self.act_features(c, out),
            Admin::SetRouting(c) => self.act_routing(c, out),
            Admin::SetExchangeFilters(c) => self.act_exchange_filters(c, out),
            Admin::RecordBlockTrade(c) => self.act_block(c, out),
            Admin::SetReference(c) => self.act_reference(time, c, out),
            Admin::SetExecutionRules(c) => self.act_execution_rules(c, out),
            Admin::SetFees(c) => {
                self.act_fees(time, c, out);
                Reply::Done
            }
            Admin::SetInstrumentFees(c) => {
                self.act_instrument_fees(c, out);
                Reply::Done
            }
            Admin::SetAccountFees(c) => {
                self.act_account_fees(c, out);
                Reply::Done
            }
            Admin::SetTradeGroup(c) => {
                self.act_group(c, out);
                Reply::Done
            }
            Admin::LockBalance(c) => {
                self.act_lock(c, out);
                Reply::Done
            }
            Admin::Fund(c) => {
                let from = Key::new(AccountId::TREASURY, types::Wallet::SPOT, c.asset);
                let to = Key::new(c.account, c.wallet, c.asset);
                self.transfer(from, to, c.amount, out);
                Reply::Done
            }
            Admin::SetRulesVersion(version) => {
                self.rules_version = *version;
                Reply::Done
            }
        }
    }

    fn act_list(&mut self, instrument: &Instrument, out: &mut Events) -> Reply {
        let id = InstrumentId(count(self.markets.len() + 1));
        let mut instrument = instrument.clone();
        instrument.id = id;
        let assets = &self.assets;
        let precision = |asset: AssetId| {
            let at = (asset.0 as usize).checked_sub(1)?;
            assets.get(at).map(|a| a.precision)
        };
        let market = Market::new(
            instrument.clone(),
            &self.registry,
            precision,
            &mut self.ledger,
        )
        .expect("the listing was checked");
        self.markets.push(market);
        if !self.fees.is_flat() {
            self.find_ways();
        }
        out.push(Event::InstrumentListed(Box::new(instrument)));
        Reply::InstrumentListed(id)
    }

    fn act_status(&mut self, id: InstrumentId, status: MarketStatus, out: &mut Events) -> Reply {
        let market = self.market_mut(id).expect("the instrument was checked");
        market.spec.set_status(status);
        out.push(Event::InstrumentChanged(Box::new(
            market.spec.instrument().clone(),
        )));
        Reply::Done
    }
}

fn with_filters(instrument: &Instrument, filters: &Filters) -> Instrument {
    Instrument {
        filters: *filters,
        ..instrument.clone()
    }
}

fn with_features(instrument: &Instrument, c: &SetFeatures) -> Instrument {
    Instrument {
        denied: Denied(c.denied),
        default_stp: c.default_stp,
        allowed_stp: c.allowed_stp,
        ..instrument.clone()
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).expect("fewer than four billion")
}
