//! The twin: the exchange written from its rules, by lists and searches, in decimals and 128-bit integers, sharing no code with the core.
//!
//! It is slow on purpose. It knows spot alone, and changes of balances are told in key order, not in the order of the record.

mod amend;
mod bounds;
mod cancel;
mod check;
mod fees;
mod lists;
mod place;
mod venue;
mod wait;
mod walk;

use std::collections::BTreeMap;

use protocol::{
    Admin, Command, Event, Events, ExchangeFilters, Instrument, MarketStatus, Order, OrderKind,
    PriceRange, Reject, RejectCode, Reply, Request, SetTradeGroup, Transferred,
};
use types::{
    AccountId, Amount, AssetId, Decimal, InstrumentId, OrderId, Side, Time, TradeGroupId, UpdateId,
    Wallet,
};

const SCALE: i128 = 100_000_000;

/// Account, wallet, asset.
type Key = (AccountId, Wallet, AssetId);

/// An order in the book.
#[derive(Clone, Debug)]
struct Resting {
    order: Order,
    /// How much of it can be seen.
    shown: Decimal,
    /// Its place among those of its price: the lower comes first.
    rank: u64,
}

/// One market.
#[derive(Clone, Debug)]
struct Market {
    instrument: Instrument,
    base_precision: u8,
    quote_precision: u8,
    /// In the order in which they came to rest.
    book: Vec<Resting>,
    waiting: Vec<wait::Waiting>,
    /// Of those that wait: whose turn it is to act.
    queue: Vec<OrderId>,
    lists: Vec<lists::List>,
    /// How often each order was amended.
    amends: BTreeMap<OrderId, u32>,
    /// Time, price and quantity.
    trades: Vec<(Time, Decimal, Decimal)>,
    told: bounds::Told,
    range: Option<PriceRange>,
    last_order: u64,
    update: u64,
    prevented: u64,
    /// Block trades so far.
    blocks: u64,
}

/// The whole exchange, slowly.
#[derive(Clone, Debug, Default)]
pub struct Naive {
    users: u32,
    assets: Vec<(String, u8)>,
    markets: Vec<Market>,
    balances: BTreeMap<Key, (i128, i128)>,
    groups: BTreeMap<AccountId, TradeGroupId>,
    fees: fees::Fees,
    exchange: ExchangeFilters,
    /// What others have locked of an account's asset.
    locks: BTreeMap<(AccountId, AssetId), i128>,
    last_list: u64,
    /// What happened to orders and was not followed up yet.
    happened: Vec<(usize, OrderId, lists::What)>,
}

/// Has no price of its own when it acts.
fn by_market(kind: OrderKind) -> bool {
    matches!(
        kind,
        OrderKind::Market | OrderKind::StopLoss | OrderKind::TakeProfit
    )
}

/// Waits for a trade price.
fn conditional(kind: OrderKind) -> bool {
    !matches!(
        kind,
        OrderKind::Market | OrderKind::Limit | OrderKind::LimitMaker
    )
}

/// Is it conditional, and has not acted?
fn waits(order: &Order) -> bool {
    let condition = order.condition.as_deref();
    condition.is_some_and(|condition| condition.triggered_at.is_none())
}

impl Naive {
    #[must_use]
    pub fn new() -> Naive {
        Naive::default()
    }

    /// Free and held of each balance that is not zero.
    #[must_use]
    pub fn balances(&self) -> Vec<(Key, i128, i128)> {
        let all = self.balances.iter().map(|(k, (f, h))| (*k, *f, *h));
        all.filter(|(_, f, h)| (*f, *h) != (0, 0)).collect()
    }

    /// Executes one request.
    ///
    /// # Errors
    /// The refusal.
    pub fn execute(&mut self, time: Time, request: &Request) -> Result<(Reply, Events), Reject> {
        let actor = request.actor;
        if time > request.expires {
            return Err(RejectCode::Expired.into());
        }
        if actor != AccountId::TREASURY && !self.is_user(actor) {
            return Err(RejectCode::UnknownAccount.into());
        }
        let before = self.balances.clone();
        let mut events = Vec::new();
        let reply = match &request.command {
            Command::PlaceRouted(_) => unreachable!("the random commands route nothing"),
            Command::PlaceOrder(c) => self.place(time, actor, c, &mut events)?,
            Command::CancelOrder(c) => self.cancel(time, actor, c, &mut events)?,
            Command::CancelAll(c) => self.cancel_all(time, actor, c, &mut events)?,
            Command::CancelReplace(c) => self.cancel_replace(time, actor, c, &mut events)?,
            Command::AmendOrder(c) => self.amend(time, actor, c, &mut events)?,
            Command::Transfer(c) => self.move_own(actor, c, &mut events)?,
            Command::Wake(c) => {
                self.wake_fees(time, c.budget, &mut events);
                Reply::Done
            }
            Command::PlaceList(c) => self.place_list(time, actor, c, &mut events)?,
            Command::CancelList(c) => self.cancel_list(time, actor, c, &mut events)?,
            Command::Product(_) => return Err(RejectCode::UnknownProduct.into()),
            Command::Admin(c) => self.admin(time, actor, c, &mut events)?,
        };
        self.follow_all(time, &mut events);
        self.act_reached(time, &mut events);
        for ((account, wallet, asset), (free, held)) in &self.balances {
            let old = before
                .get(&(*account, *wallet, *asset))
                .copied()
                .unwrap_or_default();
            if old != (*free, *held) {
                events.push(Event::BalanceChanged(protocol::BalanceChanged {
                    account: *account,
                    wallet: *wallet,
                    asset: *asset,
                    free: Amount(*free),
                    held: Amount(*held),
                }));
            }
        }
        Ok((reply, events))
    }

    fn is_user(&self, account: AccountId) -> bool {
        (1001..1001 + self.users).contains(&account.0)
    }

    fn free(&self, account: AccountId, wallet: Wallet, asset: AssetId) -> i128 {
        self.balances
            .get(&(account, wallet, asset))
            .map_or(0, |b| b.0)
    }

    fn add(&mut self, account: AccountId, wallet: Wallet, asset: AssetId, free: i128, held: i128) {
        let balance = self.balances.entry((account, wallet, asset)).or_default();
        balance.0 += free;
        balance.1 += held;
    }

    fn at(&self, id: InstrumentId) -> Result<usize, RejectCode> {
        let at = (id.0 as usize).wrapping_sub(1);
        let known = at < self.markets.len();
        known.then_some(at).ok_or(RejectCode::UnknownInstrument)
    }

    fn market(&mut self, id: InstrumentId) -> Result<&mut Market, RejectCode> {
        let at = (id.0 as usize).wrapping_sub(1);
        self.markets
            .get_mut(at)
            .ok_or(RejectCode::UnknownInstrument)
    }

    fn move_own(
        &mut self,
        actor: AccountId,
        c: &protocol::Transfer,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        let known =
            |w: Wallet| w.0 <= 6 || (1..=self.markets.len()).any(|i| w.0 == 1 << 31 | i as u32);
        if !self.is_user(actor) || !known(c.from) || !known(c.to) {
            return Err(RejectCode::NotPermitted);
        }
        if c.asset.0 == 0 || c.asset.0 as usize > self.assets.len() {
            return Err(RejectCode::UnknownAsset);
        }
        if c.amount.0 <= 0 || c.from == c.to {
            return Err(RejectCode::InvalidAmount);
        }
        if self.free(actor, c.from, c.asset) < c.amount.0 {
            return Err(RejectCode::InsufficientBalance);
        }
        self.transfer(
            (actor, c.from, c.asset),
            (actor, c.to, c.asset),
            c.amount.0,
            events,
        );
        Ok(Reply::Done)
    }

    fn transfer(&mut self, from: Key, to: Key, amount: i128, events: &mut Events) {
        for ((account, wallet, asset), delta) in [(from, -amount), (to, amount)] {
            self.add(account, wallet, asset, delta, 0);
            events.push(Event::Transferred(Transferred {
                account,
                wallet,
                asset,
                delta: Amount(delta),
            }));
        }
    }

    /// Takes the venue's acts as given: their refusals have tests of their own.
    fn admin(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &Admin,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        if actor != AccountId::TREASURY {
            return Err(RejectCode::NotPermitted);
        }
        match c {
            Admin::OpenAccount => {
                self.users += 1;
                let id = AccountId(1000 + self.users);
                events.push(Event::AccountOpened(id));
                Ok(Reply::AccountOpened(id))
            }
            Admin::CreateAsset(c) => {
                self.assets.push((c.name.to_string(), c.precision));
                let asset = AssetId(self.assets.len() as u32);
                events.push(Event::AssetCreated(protocol::AssetCreated {
                    asset,
                    precision: c.precision,
                    name: c.name.clone(),
                }));
                Ok(Reply::AssetCreated(asset))
            }
            Admin::ListInstrument(c) => Ok(self.list(&c.instrument, events)),
            Admin::SetStatus(c) => self.set_status(c.instrument, c.status, events),
            Admin::HaltInstrument(id) => self.set_status(*id, MarketStatus::Halt, events),
            Admin::Fund(c) => {
                let treasury = (AccountId::TREASURY, Wallet::SPOT, c.asset);
                self.transfer(treasury, (c.account, c.wallet, c.asset), c.amount.0, events);
                Ok(Reply::Done)
            }
            Admin::SetFilters(c) => self.set_filters(c, events),
            Admin::SetRulesVersion(_) => Ok(Reply::Done),
            Admin::SetReference(c) => {
                self.set_reference(time, c, events)?;
                Ok(Reply::Done)
            }
            Admin::SetExecutionRules(c) => {
                self.set_range(c, events)?;
                Ok(Reply::Done)
            }
            Admin::SetTradeGroup(c) => self.set_group(c, events),
            Admin::RecordBlockTrade(c) => self.block(c, events).map(|()| Reply::Done),
            Admin::SetFeatures(c) => self.set_features(c, events).map(|()| Reply::Done),
            Admin::SetExchangeFilters(c) => self.set_exchange(c, events).map(|()| Reply::Done),
            Admin::LockBalance(c) => self.lock_balance(c, events).map(|()| Reply::Done),
            Admin::SetRouting(_) => unreachable!("the random venues route nothing"),
            Admin::SetFees(_) | Admin::SetInstrumentFees(_) | Admin::SetAccountFees(_) => {
                self.set_fees(time, c, events)
            }
        }
    }

    fn list(&mut self, instrument: &Instrument, events: &mut Events) -> Reply {
        let mut instrument = instrument.clone();
        instrument.id = InstrumentId(self.markets.len() as u32 + 1);
        let precision = |asset: AssetId| self.assets[asset.0 as usize - 1].1;
        self.markets.push(Market {
            base_precision: precision(instrument.base),
            quote_precision: precision(instrument.quote),
            instrument: instrument.clone(),
            book: Vec::new(),
            waiting: Vec::new(),
            queue: Vec::new(),
            lists: Vec::new(),
            amends: BTreeMap::new(),
            trades: Vec::new(),
            told: bounds::Told::default(),
            range: None,
            last_order: 0,
            update: 0,
            prevented: 0,
            blocks: 0,
        });
        let id = instrument.id;
        events.push(Event::InstrumentListed(Box::new(instrument)));
        Reply::InstrumentListed(id)
    }

    fn set_group(&mut self, c: &SetTradeGroup, events: &mut Events) -> Result<Reply, RejectCode> {
        if !self.is_user(c.account) {
            return Err(RejectCode::UnknownAccount);
        }
        match c.group {
            Some(group) if group.0 > (1 << 31) - 2 => return Err(RejectCode::InvalidTradeGroup),
            Some(group) => self.groups.insert(c.account, group),
            None => self.groups.remove(&c.account),
        };
        events.push(Event::TradeGroupChanged(*c));
        Ok(Reply::Done)
    }

    fn set_filters(
        &mut self,
        c: &protocol::SetFilters,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        let instrument = &mut self.market(c.instrument)?.instrument;
        let mut next = instrument.clone();
        next.filters = *c.filters;
        let grid = (next.tick_size(), next.lot_size());
        if grid != (instrument.tick_size(), instrument.lot_size()) {
            return Err(RejectCode::InvalidSpecification);
        }
        *instrument = next.clone();
        events.push(Event::InstrumentChanged(Box::new(next)));
        Ok(Reply::Done)
    }

    fn set_status(
        &mut self,
        id: InstrumentId,
        status: MarketStatus,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        let market = self.market(id)?;
        market.instrument.status = status;
        events.push(Event::InstrumentChanged(Box::new(
            market.instrument.clone(),
        )));
        Ok(Reply::Done)
    }
}

impl Market {
    /// Every open order.
    fn open(&self) -> impl Iterator<Item = &Order> {
        let waiting = self.waiting.iter().map(|w| &w.order);
        self.book.iter().map(|r| &r.order).chain(waiting)
    }

    fn next_order(&mut self) -> OrderId {
        self.last_order += 1;
        OrderId(self.last_order)
    }

    /// One tick of one lot, in 10⁻¹⁶.
    fn unit(&self) -> i128 {
        let spec = &self.instrument;
        i128::from(spec.tick_size().0) * i128::from(spec.lot_size().0)
    }

    fn next_update(&mut self) -> UpdateId {
        self.update += 1;
        UpdateId(self.update)
    }

    /// Quote atoms of a notional at 10⁻¹⁶.
    fn quote_down(&self, notional: i128) -> i128 {
        notional / 10_i128.pow(16 - u32::from(self.quote_precision))
    }

    fn quote_up(&self, notional: i128) -> i128 {
        let unit = 10_i128.pow(16 - u32::from(self.quote_precision));
        notional / unit + i128::from(notional % unit != 0)
    }

    fn base(&self, qty: Decimal) -> i128 {
        i128::from(qty.0) * 10_i128.pow(u32::from(self.base_precision)) / SCALE
    }

    /// What an open order holds: the asset and how much.
    fn hold(&self, side: Side, price: Decimal, open: Decimal) -> (AssetId, i128) {
        match side {
            Side::Buy => {
                let notional = i128::from(price.0) * i128::from(open.0);
                (self.instrument.quote, self.quote_up(notional))
            }
            Side::Sell => (self.instrument.base, self.base(open)),
        }
    }

    /// What filters compare with, in 10⁻⁸ and rounded down to a tick: the reference price, else the average of the last `minutes` of UTC.
    fn average(&self, time: Time, minutes: u32) -> Option<i128> {
        let tick = i128::from(self.instrument.tick_size().0);
        if let Some(price) = self.told.at(time) {
            return Some(i128::from(price.0) / tick * tick);
        }
        let (_, last, _) = self.trades.last()?;
        let minute = |t: Time| t.0.div_euclid(60_000_000);
        let recent = self
            .trades
            .iter()
            .filter(|(t, ..)| minute(*t) > minute(time) - i64::from(minutes));
        let (mut notional, mut qty) = (0_i128, 0_i128);
        for (_, p, q) in recent {
            notional += i128::from(p.0) * i128::from(q.0);
            qty += i128::from(q.0);
        }
        if minutes == 0 || qty == 0 {
            return Some(i128::from(last.0));
        }
        Some(notional / qty / tick * tick)
    }
}
