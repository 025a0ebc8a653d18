//! Placing an order: plan and feasibility (pure), then the act.

use contract::{Hold, Leg};
use ledger::Key;
use matching::{Book, Iceberg, Limit, MatchKind, Quote, Remainder, Resting, Stop, Taker};
use orders::{LiveOrder, SeatId};
use protocol::{
    CloseReason, Denied, Event, Events, MarketStatus, OrderClosed, OrderKind, OrderPlaced,
    OrderRested, OrderStatus, Pegged, PlaceOrder, Placed, RejectCode, StpMode, TimeInForce,
};
use types::{AccountId, Amount, ClientId, Decimal, OrderId, Price, Qty, Side, Time, TradeGroupId};

use crate::Engine;
use crate::conditional::Wait;
use crate::extras::{extras_fit, plan_peg};
use crate::market::{Market, Shape};
use crate::reference;

/// The orders of the same command that come before one.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ahead {
    pub orders: u32,
    /// Those of them that are conditional.
    pub algos: u32,
    /// Those of them that are icebergs.
    pub icebergs: u32,
    /// The order itself goes to the book, or waits for its price, only when another one is filled.
    pub pending: bool,
}

/// A placed order in the core's units, found free of errors of its own.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub market: usize,
    /// The actor's, if it has one already.
    pub seat: Option<SeatId>,
    pub group: Option<TradeGroupId>,
    pub side: Side,
    pub kind: OrderKind,
    pub tif: TimeInForce,
    pub stp: StpMode,
    /// `None` for MARKET.
    pub price: Option<Price>,
    pub limit: Limit,
    pub quote_qty: Decimal,
    /// Set for a conditional order that has not acted yet.
    pub wait: Option<Wait>,
    /// How much of it the book shows at most.
    pub iceberg: Option<Qty>,
    pub peg: Option<Pegged>,
    /// It may be filled from several books.
    pub routed: bool,
}

impl Plan {
    /// What the command alone says.
    #[inline]
    pub fn of(c: &PlaceOrder) -> Plan {
        Plan {
            market: 0,
            seat: None,
            group: None,
            side: c.side,
            kind: c.kind,
            tif: c.tif,
            stp: StpMode::None,
            price: None,
            limit: Limit::Lots(Qty(0)),
            quote_qty: c.quote_qty,
            wait: None,
            iceberg: None,
            peg: None,
            routed: false,
        }
    }

    /// The quantity asked for; zero when it was asked by quote amount.
    pub fn qty(&self) -> Qty {
        match self.limit {
            Limit::Lots(qty) => qty,
            Limit::Notional(_) => Qty(0),
        }
    }

    pub fn may_rest(&self) -> bool {
        self.price.is_some() && self.tif == TimeInForce::Gtc
    }

    pub fn shape(&self) -> Shape {
        Shape {
            side: self.side,
            stp: self.stp,
            price: self.price,
            quote_qty: self.quote_qty,
            iceberg: self.iceberg,
        }
    }

    /// The order as it rests in the book.
    #[inline]
    fn resting(&self, order: &LiveOrder, price: Price, open: Qty) -> Resting {
        Resting {
            id: order.id,
            side: self.side,
            price,
            open,
            owner: orders::owner(order.seat, self.group),
            stp: self.stp,
            iceberg: self.iceberg.map(|peak| Iceberg {
                peak,
                shown: peak.min(open),
            }),
        }
    }

    /// The order as the book sees it. Nothing can change hands in an account that is of no trade group.
    pub fn taker(&self) -> Taker {
        Taker {
            side: self.side,
            owner: match self.seat {
                Some(seat) => orders::owner(seat, self.group),
                None => orders::owner_without_seat(self.group),
            },
            stp: match (self.stp, self.group) {
                (StpMode::Transfer, None) => StpMode::Decrement,
                (stp, _) => stp,
            },
            price: self.price,
        }
    }
}

/// Kind, time in force, price and quantities agree?
#[inline]
pub(crate) fn check_shape(c: &PlaceOrder) -> Result<(), RejectCode> {
    let (price, qty, quote) = (!c.price.is_zero(), !c.qty.is_zero(), !c.quote_qty.is_zero());
    let fits = match c.kind {
        OrderKind::Limit => !quote,
        OrderKind::LimitMaker => !quote && c.tif == TimeInForce::Gtc,
        OrderKind::Market => !price && qty != quote && c.tif != TimeInForce::Fok,
        OrderKind::StopLoss | OrderKind::TakeProfit => {
            !price && !quote && c.tif != TimeInForce::Fok
        }
        OrderKind::StopLossLimit | OrderKind::TakeProfitLimit => !quote,
    };
    if !fits || !extras_fit(c) || c.quote_qty.0 < 0 || c.client_id.is_none() {
        return Err(RejectCode::UnsupportedCombination);
    }
    Ok(())
}

/// No two open orders of one owner have one name.
pub(crate) fn check_name(
    market: &Market,
    seat: Option<SeatId>,
    client_id: &ClientId,
) -> Result<(), RejectCode> {
    if let Some(seat) = seat
        && (market.live.find_client_id(seat, client_id).is_some()
            || market.waiting.find_client_id(seat, client_id).is_some())
    {
        return Err(RejectCode::DuplicateClientId);
    }
    Ok(())
}

/// How much a MARKET order wants.
fn plan_market(market: &Market, c: &PlaceOrder, time: Time) -> Result<Limit, RejectCode> {
    let spec = &market.spec;
    let average = |minutes| market.average(time, minutes);
    if c.quote_qty.is_zero() {
        let qty = spec.qty(c.qty)?;
        spec.market_qty(c.qty)?;
        spec.market_min_notional(qty, average)?;
        spec.market_notional(qty, average)?;
        return Ok(Limit::Lots(qty));
    }
    spec.quote_min_notional(c.quote_qty)?;
    spec.quote_notional(c.quote_qty)?;
    let budget = spec.notional_of_quote_rounded_down(c.quote_qty);
    Ok(Limit::Notional(budget))
}

/// Price and quantity of a LIMIT order.
fn plan_limit(
    market: &Market,
    c: &PlaceOrder,
    plan: &mut Plan,
    time: Time,
    ahead: Ahead,
) -> Result<(), RejectCode> {
    let spec = &market.spec;
    let price = match plan.peg {
        None => spec.price(c.price)?,
        Some(_) if ahead.pending => return market.plan_pending_peg(c, plan, time),
        Some(_) => market.pegged_price(c, plan, time)?,
    };
    spec.percent_price(c.side, price, |m| market.average(time, m))?;
    let qty = spec.qty(c.qty)?;
    plan.price = Some(price);
    plan.limit = Limit::Lots(qty);
    if plan.may_rest() && !spec.sum_fits(market.book.level_open(c.side, price), qty) {
        return Err(RejectCode::LotSize);
    }
    spec.min_notional(price, qty)?;
    spec.notional(price, qty)
}

impl Engine {
    /// Everything about a new order that does not depend on the book or on money.
    pub(crate) fn plan(
        &self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
    ) -> Result<Plan, RejectCode> {
        let mut plan = Plan::of(c);
        self.plan_into(time, actor, c, Ahead::default(), &mut plan)?;
        Ok(plan)
    }

    /// The same in place, for an order that may be placed together with others that count before it.
    pub(crate) fn plan_into(
        &self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
        ahead: Ahead,
        plan: &mut Plan,
    ) -> Result<(), RejectCode> {
        if !self.is_user(actor) {
            return Err(RejectCode::NotPermitted);
        }
        let market = self.market(c.instrument)?;
        check_shape(c)?;
        let spec = &market.spec;
        if spec.instrument().denied != Denied::NONE {
            spec.offers(c)?;
        }
        plan.market = c.instrument.0 as usize - 1;
        plan.seat = market.live.seat_of(actor);
        plan.group = self.group(actor);
        plan.stp = c.stp.unwrap_or(spec.instrument().default_stp);
        if let Some(extras) = c.extras.as_deref() {
            plan_peg(c, extras, plan)?;
        }
        if c.kind.is_conditional() {
            self.plan_conditional(c, plan, time, ahead)?;
        } else if c.kind == OrderKind::Market {
            plan.limit = plan_market(market, c, time)?;
        } else {
            plan_limit(market, c, plan, time, ahead)?;
        }
        if let Some(extras) = c.extras.as_deref() {
            market.plan_iceberg(extras, plan, ahead)?;
        }
        if plan.may_rest() || plan.wait.is_some() || ahead.pending {
            spec.max_num_orders(plan.seat.map_or(0, |s| market.open_orders(s)) + ahead.orders)?;
            if market.book.len() + 1 >= matching::SlotIndex::MAX_SLOTS {
                return Err(RejectCode::MaxNumOrders);
            }
        }
        if plan.side == Side::Buy && spec.limits_position() {
            self.check_position(actor, plan)?;
        }
        if self.exchange.is_some() {
            self.check_exchange(actor, c, plan, ahead)?;
        }
        if !spec.instrument().allowed_stp.contains(plan.stp) {
            return Err(RejectCode::StpModeNotAllowed);
        }
        if spec.status() != MarketStatus::Trading {
            return Err(RejectCode::MarketClosed);
        }
        check_name(market, plan.seat, &c.client_id)
    }

    /// MAX_POSITION. Walks the actor's own open orders on the instrument, and only where the filter is set.
    #[cold]
    fn check_position(&self, actor: AccountId, plan: &Plan) -> Result<(), RejectCode> {
        let market = &self.markets[plan.market];
        let base = market.legs()[0];
        let (free, held) = self.ledger.balance(Key::new(actor, market.wallet, base));
        let precision = self.asset(base).map_or(0, |asset| asset.precision);
        let qty = match plan.limit {
            Limit::Lots(qty) => qty,
            Limit::Notional(_) => market.book.quote(&plan.taker(), plan.limit).qty,
        };
        let bidding = plan.seat.map_or(0, |seat| market.bidding(seat));
        market
            .spec
            .max_position(free.plus(held), precision, bidding, qty)
    }

    /// What depends on the book and on money, as they stand.
    pub(crate) fn feasible(&self, actor: AccountId, plan: &Plan) -> Result<(), RejectCode> {
        let hold = match (plan.price, &plan.wait) {
            (Some(price), None) => self.needed_at(plan, price)?,
            _ => self.needed(plan)?,
        };
        risk::affordable(self.free(actor, plan, hold.leg), hold)
    }

    /// What an order with a price of its own takes from its owner at most.
    #[inline(always)]
    fn needed_at(&self, plan: &Plan, price: Price) -> Result<Hold, RejectCode> {
        let market = &self.markets[plan.market];
        let qty = plan.qty();
        if market.terms.quote_rounded_down(price, qty) == Amount::ZERO {
            return Err(RejectCode::NothingToTrade);
        }
        if plan.kind == OrderKind::LimitMaker && market.crosses(plan.side, price) {
            return Err(RejectCode::WouldTake);
        }
        let contract = self.registry.contract_at(market.contract);
        Ok(contract.exposure(&market.terms, plan.side, price, qty))
    }

    /// What an order takes from its owner at most, if the book lets it be placed.
    pub(crate) fn needed(&self, plan: &Plan) -> Result<Hold, RejectCode> {
        let market = &self.markets[plan.market];
        let contract = self.registry.contract_at(market.contract);
        Ok(if let Some(wait) = &plan.wait {
            self.conditional_hold(plan, wait)?
        } else if let Some(price) = plan.price {
            self.needed_at(plan, price)?
        } else {
            let quote = market.book.quote(&plan.taker(), plan.limit);
            match plan.limit {
                Limit::Lots(qty) => contract.cost(&market.terms, plan.side, qty, quote.notional),
                Limit::Notional(budget) => {
                    check_liquidity(market, &quote)?;
                    contract.cost(&market.terms, plan.side, quote.qty, budget)
                }
            }
        })
    }

    /// What the actor may spend of one of the market's assets.
    #[inline]
    pub(crate) fn free(&self, actor: AccountId, plan: &Plan, leg: Leg) -> Amount {
        let market = &self.markets[plan.market];
        match plan.seat {
            Some(seat) => self.ledger.free(market.balances(seat)[leg as usize]),
            None => {
                let asset = market.legs()[leg as usize];
                self.ledger.balance(Key::new(actor, market.wallet, asset)).0
            }
        }
    }

    /// Carries out a plan that was found feasible.
    pub(crate) fn act_place(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
        plan: &Plan,
        out: &mut Events,
    ) -> Box<Placed> {
        if let Some(wait) = &plan.wait {
            return Box::new(self.act_wait(time, actor, c, (plan, wait), out));
        }
        let market = &mut self.markets[plan.market];
        let seat = match plan.seat {
            Some(seat) => seat,
            None => market.seat(actor, plan.group, &mut self.ledger),
        };
        market.last_order += 1;
        let id = OrderId(market.last_order);
        let mut order = LiveOrder::new(id, seat, c.client_id, plan.qty(), time);
        order.kind = plan.kind;
        order.tif = plan.tif;
        order.strategy_id = c.strategy_id;
        order.strategy_kind = c.strategy_kind;
        order.routed = plan.routed;
        if let Some(peg) = plan.peg {
            order.pegged = true;
            market.note_peg(id, peg);
        }
        out.push(Event::OrderPlaced(OrderPlaced {
            order: market.order(&order, &plan.shape(), OrderStatus::New),
        }));
        let (status, prevented_match) = self.enter(time, plan, &mut order, out);
        let market = &mut self.markets[plan.market];
        let mut told = Box::new(Placed {
            order: market.order(&order, &plan.shape(), status),
            prevented_match,
        });
        if market.rules.is_some() {
            reference::name_reason(&mut told.order, out);
        }
        if order.pegged && !told.order.is_open() {
            market.pegs.remove(&id);
        }
        told
    }

    /// Brings an order to the book: it takes, rests or ends.
    pub(crate) fn enter(
        &mut self,
        time: Time,
        plan: &Plan,
        order: &mut LiveOrder,
        out: &mut Events,
    ) -> (OrderStatus, Option<u64>) {
        let market = &mut self.markets[plan.market];
        let mut taker = plan.taker();
        if market.rules.is_some() {
            market.narrow(&mut taker, time);
        }
        let whole =
            plan.tif != TimeInForce::Fok || fills_whole(&market.book.quote(&taker, plan.limit));
        let mut remainder = if whole {
            self.matches.clear();
            market.book.submit(&taker, plan.limit, &mut self.matches)
        } else {
            Remainder {
                stop: Stop::Exhausted,
                limit: plan.limit,
            }
        };
        if market.rules.is_some() && remainder.stop == Stop::Exhausted {
            let asked = plan.taker();
            let last = self.matches.last().map(|m| m.kind);
            if whole {
                remainder.stop = market.stop_at_range(&asked, &remainder, last);
            } else if fills_whole(&market.book.quote(&asked, plan.limit)) {
                remainder.stop = Stop::OutOfRange;
            }
        }
        let prevented_match = if whole && !self.matches.is_empty() {
            self.settle(time, plan, &remainder, order, out)
        } else {
            None
        };
        let status = self.finish(time, plan, &remainder, order, out);
        if order.listed {
            self.listed_entered(plan.market, order.id, status);
        }
        (status, prevented_match)
    }

    /// What becomes of the remainder: it rests, ends, or there is none.
    pub(crate) fn finish(
        &mut self,
        time: Time,
        plan: &Plan,
        remainder: &Remainder,
        order: &mut LiveOrder,
        out: &mut Events,
    ) -> OrderStatus {
        let open = self.open_at_end(plan, remainder);
        let market = &mut self.markets[plan.market];
        match (remainder.stop, plan.price) {
            (Stop::Filled, _) => OrderStatus::Filled,
            (Stop::Exhausted, Some(price)) if plan.may_rest() => {
                let contract = self.registry.contract_at(market.contract);
                let balances = market.balances(order.seat);
                let risked = risk::OpenOrder {
                    side: plan.side,
                    price,
                    open,
                };
                risk::hold(&mut self.ledger, contract, &market.terms, risked, balances);
                let resting = plan.resting(order, price, open);
                let at = market.book.rest(&resting);
                market.live.insert(at.slot, *order);
                let update = market.next_update();
                out.push(Event::OrderRested(OrderRested {
                    instrument: market.id(),
                    order: order.id,
                    side: plan.side,
                    price: market.price(price),
                    open_qty: market.qty(resting.shown()),
                    update,
                }));
                if order.executed.0 == 0 {
                    OrderStatus::New
                } else {
                    OrderStatus::PartiallyFilled
                }
            }
            (stop, _) => {
                let reason = match (stop, plan.kind, plan.tif) {
                    (Stop::Prevented, ..) => CloseReason::Prevented,
                    (Stop::OutOfRange, ..) => CloseReason::PriceRange,
                    (_, kind, _) if kind.is_market() => CloseReason::InsufficientLiquidity,
                    (_, _, TimeInForce::Fok) => CloseReason::UnfilledFok,
                    _ => CloseReason::UnfilledIoc,
                };
                order.updated_at = time;
                out.push(Event::OrderClosed(OrderClosed {
                    instrument: market.id(),
                    order: order.id,
                    account: market.live.seat(order.seat).account,
                    reason,
                    open_qty: market.qty(open),
                    client_id: ClientId::NONE,
                    update: None,
                }));
                match reason {
                    CloseReason::Prevented => OrderStatus::ExpiredInMatch,
                    _ => OrderStatus::Expired,
                }
            }
        }
    }

    /// What is open of an order as it rests or ends: for one that prevention used up, what prevention took last.
    fn open_at_end(&self, plan: &Plan, remainder: &Remainder) -> Qty {
        match (remainder.stop, remainder.limit, self.matches.last()) {
            (Stop::Prevented, Limit::Lots(Qty(0)), Some(last)) => last.qty,
            _ => self.open_after(plan, remainder),
        }
    }

    /// The lots still wanted after matching. For an order by quote amount that did not get all it wanted: what the rest of its budget
    /// would have bought at the last price it met, at least one.
    #[inline]
    pub(crate) fn open_after(&self, plan: &Plan, remainder: &Remainder) -> Qty {
        match (remainder.stop, remainder.limit) {
            (Stop::Filled, _) => Qty(0),
            (_, Limit::Lots(open)) => open,
            (_, Limit::Notional(budget)) => {
                let market = &self.markets[plan.market];
                let last = self.matches.last().map(|m| m.price);
                let price = last.or(market.prices.last()).unwrap_or(Price(1));
                let lots = i64::try_from(budget / i128::from(price.0)).unwrap_or(i64::MAX);
                // with what traded it still has to fit the wire; feasible() left room for one
                let room = market.spec.max_qty().0 - self.consumed();
                Qty(lots.clamp(1, room))
            }
        }
    }

    /// The lots that the matches at hand used up: traded, or taken off by prevention.
    pub(crate) fn consumed(&self) -> i64 {
        let used = |m: &&matching::Match| !matches!(m.kind, MatchKind::Prevented { .. });
        self.matches.iter().filter(used).map(|m| m.qty.0).sum()
    }
}

/// Everything is traded, and nothing taken off on the way.
fn fills_whole(quote: &Quote) -> bool {
    quote.stop == Stop::Filled && quote.decremented == Qty(0)
}

/// A MARKET order by quote amount needs a book that gives it at least the smallest quantity.
fn check_liquidity(market: &Market, quote: &Quote) -> Result<(), RejectCode> {
    if quote.qty >= market.spec.max_qty() {
        return Err(RejectCode::LotSize);
    }
    if quote.stop == Stop::Prevented {
        return Ok(());
    }
    let exhausted = quote.stop == Stop::Exhausted;
    if exhausted && quote.qty.0 == 0 {
        return Err(RejectCode::NoLiquidity);
    }
    let qty = market.spec.qty_decimal(quote.qty);
    market.spec.qty(qty).map_err(|code| match exhausted {
        true => RejectCode::LiquidityBelowLotSize,
        false => code,
    })?;
    market
        .spec
        .market_bounds(qty)
        .map_err(|code| match exhausted {
            true => RejectCode::LiquidityBelowMarketLotSize,
            false => code,
        })?;
    Ok(())
}
