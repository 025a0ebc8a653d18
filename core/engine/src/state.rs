use core::fmt;
use std::collections::BTreeMap;

use contract::{Fill, Registry};
use fees::Fees;
use ledger::Ledger;
use protocol::{
    AssetCreated, BalanceChanged, Event, Events, FeeSchedule, MarketRestored, Reject, RejectCode,
    Reply, Request,
};
use types::{
    AccountId, Amount, AssetId, Decimal, InstrumentId, OrderId, Seq, Time, TradeGroupId, TradeId,
    UpdateId,
};

use crate::RULES_VERSION;
use crate::cascade::Effect;
use crate::convert::Ways;
use crate::market::Market;

/// One thing that can be owned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asset {
    pub name: Box<str>,
    pub precision: u8,
}

/// The whole exchange as one value.
pub struct Engine {
    pub(crate) registry: Registry,
    pub(crate) ledger: Ledger,
    pub(crate) fees: Fees,
    /// The trade groups of accounts that are of one.
    pub(crate) groups: BTreeMap<AccountId, TradeGroupId>,
    /// What is locked from outside of spot balances.
    pub(crate) locks: BTreeMap<(AccountId, AssetId), Amount>,
    /// To the asset in which commission may be paid.
    pub(crate) discounts: Ways,
    /// To the asset in which volumes are measured.
    pub(crate) values: Ways,
    /// The first account number that is not open.
    pub(crate) accounts_end: AccountId,
    /// By id, from 1.
    pub(crate) assets: Vec<Asset>,
    /// By id, from 1.
    pub(crate) markets: Vec<Market>,
    pub(crate) rules_version: u32,
    /// Room for one command's matches.
    pub(crate) matches: Vec<matching::Match>,
    /// Fills that products have yet to hear of; stays empty when there are no products.
    pub(crate) fills: Vec<Fill>,
    /// How many conditional orders' prices were reached and have not acted yet; the sum over the markets' queues.
    pub(crate) reached: usize,
    /// Bounds over all markets, when there are any.
    pub(crate) exchange: Option<Box<protocol::ExchangeFilters>>,
    /// The last order list's id.
    pub(crate) last_list: u64,
    /// What happened to orders of lists and has had no consequences yet; empty between records.
    pub(crate) effects: Vec<Effect>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("registry", &self.registry)
            .field("ledger", &self.ledger)
            .field("accounts_end", &self.accounts_end)
            .field("markets", &self.markets.len())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An exchange without assets, instruments and users.
    #[must_use]
    pub fn new(registry: Registry) -> Engine {
        Engine {
            registry,
            ledger: Ledger::new(),
            fees: Fees::default(),
            groups: BTreeMap::new(),
            locks: BTreeMap::new(),
            discounts: Ways::default(),
            values: Ways::default(),
            accounts_end: AccountId::FIRST_USER,
            assets: Vec::new(),
            markets: Vec::new(),
            rules_version: RULES_VERSION,
            matches: Vec::new(),
            fills: Vec::new(),
            reached: 0,
            exchange: None,
            last_list: 0,
            effects: Vec::new(),
        }
    }

    /// Executes one request and appends what followed to `out`.
    ///
    /// # Errors
    /// The refusal; nothing was changed and nothing appended.
    pub fn execute(
        &mut self,
        seq: Seq,
        time: Time,
        request: &Request,
        out: &mut Events,
    ) -> Result<Reply, Reject> {
        self.admit(time, request)?;
        let start = out.len();
        self.ledger.begin();
        let result = self.dispatch((seq, time), request, out);
        if result.is_err() {
            self.ledger.undo();
            self.fills.clear();
            out.truncate(start);
            return result;
        }
        if !self.effects.is_empty() {
            self.cascade(time, out);
        }
        if self.reached > 0 {
            self.act_reached(time, out);
        }
        if !self.fills.is_empty() {
            self.tell_fills((seq, time), out);
        }
        self.ledger
            .changes(|change| out.push(Event::BalanceChanged(change)));
        result
    }

    /// Every check of [`Engine::execute`], without effect. A product's command is only checked for its product being registered.
    ///
    /// # Errors
    /// What `execute` would refuse with.
    pub fn check(&self, time: Time, request: &Request) -> Result<(), Reject> {
        self.admit(time, request)?;
        self.check_command(time, request)
    }

    /// What comes before any command: the moment and the actor.
    fn admit(&self, time: Time, request: &Request) -> Result<(), Reject> {
        if time > request.expires {
            return Err(RejectCode::Expired.into());
        }
        if request.actor != AccountId::TREASURY && !self.is_user(request.actor) {
            return Err(RejectCode::UnknownAccount.into());
        }
        Ok(())
    }

    pub(crate) fn is_user(&self, account: AccountId) -> bool {
        account >= AccountId::FIRST_USER && account < self.accounts_end
    }

    /// Is there work waiting for [`protocol::Command::Wake`]?
    #[must_use]
    pub fn due(&self, time: Time) -> bool {
        if self.reached > 0 && self.markets.iter().any(|m| m.next_to_act().is_some()) {
            return true;
        }
        if self.fees.due(time) {
            return true;
        }
        self.registry
            .products()
            .iter()
            .filter_map(|product| product.next_wake())
            .any(|at| at <= time)
    }

    pub(crate) fn asset(&self, id: AssetId) -> Option<&Asset> {
        self.assets.get((id.0 as usize).checked_sub(1)?)
    }

    pub(crate) fn market(&self, id: InstrumentId) -> Result<&Market, RejectCode> {
        (id.0 as usize)
            .checked_sub(1)
            .and_then(|at| self.markets.get(at))
            .ok_or(RejectCode::UnknownInstrument)
    }

    pub(crate) fn market_mut(&mut self, id: InstrumentId) -> Result<&mut Market, RejectCode> {
        (id.0 as usize)
            .checked_sub(1)
            .and_then(|at| self.markets.get_mut(at))
            .ok_or(RejectCode::UnknownInstrument)
    }

    /// The whole state as events, for views to begin from: assets, accounts, instruments, fees, counters, balances, open orders in priority
    /// order per book, and open lists.
    pub fn tell(&self, out: &mut dyn FnMut(Event)) {
        for (id, asset) in (1..).zip(&self.assets) {
            out(Event::AssetCreated(AssetCreated {
                asset: AssetId(id),
                precision: asset.precision,
                name: asset.name.clone(),
            }));
        }
        for id in AccountId::FIRST_USER.0..self.accounts_end.0 {
            out(Event::AccountOpened(AccountId(id)));
        }
        for market in &self.markets {
            out(Event::InstrumentListed(Box::new(
                market.spec.instrument().clone(),
            )));
        }
        for market in &self.markets {
            market.tell_rules(out);
        }
        if *self.fees.schedule() != FeeSchedule::default() {
            out(Event::FeesChanged(Box::new(self.fees.schedule().clone())));
        }
        for fees in self.fees.instruments() {
            out(Event::InstrumentFeesChanged(Box::new(*fees)));
        }
        for fees in self.fees.accounts() {
            out(Event::AccountFeesChanged(*fees));
        }
        if let Some(filters) = &self.exchange {
            out(Event::ExchangeFiltersChanged(filters.clone()));
        }
        self.tell_routes(out);
        self.tell_groups(out);
        for market in &self.markets {
            out(Event::MarketRestored(MarketRestored {
                instrument: market.id(),
                last_order: OrderId(market.last_order),
                last_trade: TradeId(market.last_trade),
                last_update: UpdateId(market.last_update),
                last_price: market
                    .prices
                    .last()
                    .map_or(Decimal::ZERO, |p| market.spec.price_decimal(p)),
            }));
        }
        for (key, free, held) in self.ledger.sorted() {
            out(Event::BalanceChanged(BalanceChanged {
                account: key.account,
                wallet: key.wallet,
                asset: key.asset,
                free,
                held,
            }));
        }
        for market in &self.markets {
            market.each_order(&mut |order| out(Event::OrderRestored(Box::new(order))));
        }
        for market in &self.markets {
            let lists = market.lists.iter();
            lists.for_each(|list| out(Event::ListRestored(Box::new(list.told.clone()))));
        }
    }
}
