//! One instrument's live state.

use contract::{Registry, Terms};
use instruments::Spec;
use ledger::{BalanceRef, Key, Ledger};
use matching::{Book, Resting, TickBook};
use std::collections::BTreeMap;

use orders::{LiveOrder, LiveOrders, SeatId, WaitingOrders};
use prices::Prices;
use protocol::{
    Condition, Filters, Instrument, More, Order, OrderStatus, Pegged, RejectCode, WorkingFloor,
};
use types::{
    AccountId, AssetId, Decimal, InstrumentId, OrderId, Price, Qty, Rate, Side, TradeGroupId,
    UpdateId, Wallet,
};

use crate::commission::SeatRates;
use crate::lists::Lists;
use crate::reference::Rules;

pub(crate) struct Market {
    pub spec: Spec,
    pub terms: Terms,
    /// Position in the registry.
    pub contract: usize,
    /// Which wallet its orders draw on.
    pub wallet: Wallet,
    pub book: TickBook,
    pub live: LiveOrders,
    /// Conditional orders that have not acted yet.
    pub waiting: WaitingOrders,
    /// What the conditional orders in the book waited for.
    pub conditions: BTreeMap<OrderId, Condition>,
    /// How the pegged orders in the book came by their prices.
    pub pegs: BTreeMap<OrderId, Pegged>,
    pub lists: Lists,
    pub prices: Prices,
    pub rules: Option<Box<Rules>>,
    /// The fees account's balances of base and quote.
    pub fees: [BalanceRef; 2],
    /// What each seat pays, by its number; may be shorter than there are seats.
    pub rates: Vec<SeatRates>,
    pub last_order: u64,
    pub last_trade: u64,
    pub last_update: u64,
    pub last_prevented: u64,
    /// Of block trades.
    pub last_block: u64,
    /// The group whose books fill this market's routed orders.
    pub route: Option<Box<str>>,
    pub next_allocation: u64,
    /// The seat of [`AccountId::ROUTER`], once it has one.
    pub router: Option<SeatId>,
}

impl Market {
    /// # Errors
    /// When the specification cannot be traded.
    pub fn new(
        instrument: Instrument,
        registry: &Registry,
        precision: impl Fn(AssetId) -> Option<u8>,
        ledger: &mut Ledger,
    ) -> Result<Market, RejectCode> {
        let (terms, contract) = Market::terms(&instrument, registry, precision)?;
        let wallet = registry.contract_at(contract).wallet(&instrument);
        let minutes = averaged_minutes(&instrument.filters);
        let fees = [instrument.base, instrument.quote]
            .map(|asset| ledger.open(Key::new(AccountId::FEES, wallet, asset)));
        Ok(Market {
            spec: Spec::new(instrument)?,
            terms,
            contract,
            wallet,
            book: TickBook::new(),
            live: LiveOrders::default(),
            waiting: WaitingOrders::default(),
            conditions: BTreeMap::new(),
            pegs: BTreeMap::new(),
            lists: Lists::default(),
            prices: Prices::new(minutes),
            rules: None,
            fees,
            rates: Vec::new(),
            last_order: 0,
            last_trade: 0,
            last_update: 0,
            last_prevented: 0,
            last_block: 0,
            route: None,
            next_allocation: 0,
            router: None,
        })
    }

    /// What makes a specification tradable: a contract, two assets, grids that fit them.
    ///
    /// # Errors
    /// The first thing that is missing.
    pub fn terms(
        instrument: &Instrument,
        registry: &Registry,
        precision: impl Fn(AssetId) -> Option<u8>,
    ) -> Result<(Terms, usize), RejectCode> {
        Spec::new(instrument.clone())?;
        let contract = registry
            .position_of(instrument.contract)
            .ok_or(RejectCode::InvalidSpecification)?;
        let base = precision(instrument.base).ok_or(RejectCode::UnknownAsset)?;
        let quote = precision(instrument.quote).ok_or(RejectCode::UnknownAsset)?;
        registry.contract_at(contract).admit(instrument)?;
        let terms = Terms::new(
            instrument.tick_size(),
            instrument.lot_size(),
            base,
            quote,
            instrument.maker_fee,
            instrument.taker_fee,
        )
        .ok_or(RejectCode::InvalidSpecification)?;
        Ok((terms, contract))
    }

    pub fn id(&self) -> InstrumentId {
        self.spec.instrument().id
    }

    pub fn next_update(&mut self) -> UpdateId {
        self.last_update += 1;
        UpdateId(self.last_update)
    }

    pub fn legs(&self) -> [AssetId; 2] {
        [self.spec.instrument().base, self.spec.instrument().quote]
    }

    /// The account's seat, taken now if it has none.
    pub fn seat(
        &mut self,
        account: AccountId,
        group: Option<TradeGroupId>,
        ledger: &mut Ledger,
    ) -> SeatId {
        if let Some(seat) = self.live.seat_of(account) {
            return seat;
        }
        let balances = self
            .legs()
            .map(|asset| ledger.open(Key::new(account, self.wallet, asset)).number());
        let seat = self.live.take_seat(account, balances, group);
        if account == AccountId::ROUTER {
            self.router = Some(seat);
        }
        seat
    }

    pub fn balances(&self, seat: SeatId) -> [BalanceRef; 2] {
        self.live.seat(seat).balances.map(BalanceRef::from_number)
    }

    /// The orders of a seat that stand in the book, oldest first.
    pub fn resting_of(&self, seat: SeatId) -> impl Iterator<Item = matching::Resting> {
        let first = self.live.first_of(seat);
        let slots = std::iter::successors(first, |slot| self.live.next_of(*slot));
        slots.filter_map(|slot| {
            let at = self.book.find(self.live.get(slot).id)?;
            self.book.get(at)
        })
    }

    /// The lots that a seat's open BUY orders still want.
    pub fn bidding(&self, seat: SeatId) -> i128 {
        let resting = self.resting_of(seat).filter(|r| r.side == Side::Buy);
        let lots: i128 = resting.map(|r| i128::from(r.open.0)).sum();
        let waiting = self.waiting.of(seat).filter(|w| w.order.side == Side::Buy);
        lots + waiting
            .filter_map(|w| self.spec.lots(w.order.open_qty()))
            .map(|qty| i128::from(qty.0))
            .sum::<i128>()
    }

    /// Would an order at this price trade at once?
    pub fn crosses(&self, side: Side, price: Price) -> bool {
        match side {
            Side::Buy => self.book.best(Side::Sell).is_some_and(|ask| price >= ask),
            Side::Sell => self.book.best(Side::Buy).is_some_and(|bid| price <= bid),
        }
    }

    pub fn price(&self, price: Price) -> Decimal {
        self.spec.price_decimal(price)
    }

    pub fn qty(&self, qty: Qty) -> Decimal {
        self.spec.qty_decimal(qty)
    }

    /// Both halves of an order as one.
    pub fn order(&self, live: &LiveOrder, shape: &Shape, status: OrderStatus) -> Order {
        Order {
            instrument: self.id(),
            id: live.id,
            account: self.live.seat(live.seat).account,
            client_id: live.client_id,
            side: shape.side,
            kind: live.kind,
            tif: live.tif,
            stp: shape.stp,
            price: shape.price.map_or(Decimal::ZERO, |p| self.price(p)),
            qty: self.qty(live.qty),
            quote_qty: shape.quote_qty,
            executed_qty: self.qty(live.executed),
            executed_quote: live.executed_quote,
            prevented_qty: self.qty(live.prevented),
            status,
            placed_at: live.placed_at,
            updated_at: live.updated_at,
            strategy_id: live.strategy_id,
            strategy_kind: live.strategy_kind,
            condition: match live.kind.is_conditional() {
                true => self.conditions.get(&live.id).copied().map(Box::new),
                false => None,
            },
            more: match live.is_rare() || shape.iceberg.is_some() {
                true => self.more(live, shape),
                false => None,
            },
        }
    }

    /// What only few orders have.
    #[cold]
    fn more(&self, live: &LiveOrder, shape: &Shape) -> Option<Box<More>> {
        let mut more = match live.listed {
            true => self.lists.more(live.id),
            false => More::default(),
        };
        if let Some(peak) = shape.iceberg {
            more.iceberg_qty = Some(self.qty(peak));
        }
        if live.pegged {
            more.peg = self.pegs.get(&live.id).copied();
        }
        if live.routed {
            more.floor = Some(WorkingFloor::Exchange);
        }
        more.boxed()
    }

    /// An open order as one, with how much of it is shown.
    pub fn stored_order(&self, live: &LiveOrder, resting: &Resting) -> Order {
        let mut order = self.open_order(live, resting);
        if let Some(iceberg) = resting.iceberg {
            order.set_more(|more| more.shown_qty = Some(self.qty(iceberg.shown)));
        }
        order
    }

    /// An open order as one.
    pub fn open_order(&self, live: &LiveOrder, resting: &Resting) -> Order {
        let status = if live.executed.0 == 0 {
            OrderStatus::New
        } else {
            OrderStatus::PartiallyFilled
        };
        self.order(live, &Shape::of(resting), status)
    }

    /// Other filters, found fit by [`Market::terms`], on the same grid.
    pub fn set_filters(&mut self, instrument: Instrument) {
        self.prices = self.prices.over(averaged_minutes(&instrument.filters));
        self.spec = Spec::new(instrument).expect("the specification was checked");
    }

    /// Other rates of its own.
    pub fn set_rates(&mut self, maker: Rate, taker: Rate) {
        let instrument = Instrument {
            maker_fee: maker,
            taker_fee: taker,
            ..self.spec.instrument().clone()
        };
        self.spec = Spec::new(instrument).expect("the rates were checked");
        self.terms.maker_fee = maker;
        self.terms.taker_fee = taker;
    }

    /// An order left the book.
    #[inline]
    pub fn forget(&mut self, live: &LiveOrder) {
        if live.kind.is_conditional() {
            self.conditions.remove(&live.id);
        }
        if live.pegged {
            self.pegs.remove(&live.id);
        }
    }

    /// The open orders of one account: in the book and waiting.
    pub fn open_orders(&self, seat: SeatId) -> u32 {
        self.live
            .seat(seat)
            .open
            .saturating_add(self.waiting.count_of(seat))
    }

    /// Every open order: bids, then asks, each in priority order; then those that wait, oldest first.
    pub fn each_order(&self, f: &mut dyn FnMut(Order)) {
        for side in [Side::Buy, Side::Sell] {
            self.book.each(side, &mut |at, resting| {
                f(self.stored_order(self.live.get(at.slot), &resting));
            });
        }
        self.waiting.iter().for_each(|w| f(w.order.clone()));
    }
}

/// The longest average that a filter asks for.
fn averaged_minutes(filters: &Filters) -> u32 {
    let minutes = [
        filters.notional.map(|f| f.avg_price_mins),
        filters.percent_price_by_side.map(|f| f.avg_price_mins),
        filters.percent_price.map(|f| f.avg_price_mins),
        filters.min_notional.map(|f| f.avg_price_mins),
    ];
    minutes.into_iter().flatten().max().unwrap_or(0)
}

/// What the book, or the command, knows of an order.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub side: Side,
    pub stp: protocol::StpMode,
    pub price: Option<Price>,
    pub quote_qty: Decimal,
    /// How much of it the book shows at most.
    pub iceberg: Option<Qty>,
}

impl Shape {
    pub fn of(resting: &Resting) -> Shape {
        Shape {
            side: resting.side,
            stp: resting.stp,
            price: Some(resting.price),
            quote_qty: Decimal::ZERO,
            iceberg: resting.iceberg.map(|iceberg| iceberg.peak),
        }
    }
}
