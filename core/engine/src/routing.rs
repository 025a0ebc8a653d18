//! Smart order routing: an order takes the best prices of all books of its group.
//!
//! Who is met trades with the venue's own account [`AccountId::ROUTER`], in the book where it stands and in that book's quote asset; what the router
//! gets for an order it hands on in one allocation for each price, in the order's own quote asset, 1 to 1. So the router holds no position:
//! it gives and takes base one for one, and exchanges quote assets at par out of what the venue has funded it with. A book that it
//! cannot pay in is left out.
//!
//! The same way of matching is kept wherever routing could break a rule: an order is an ordinary one (its own book, ordinary trades) when no
//! other book would be met; when its account has orders on the other side of its own book or belongs to a trade group, so that self-trade
//! prevention decides; when its market bounds prices. Another book is left out when it is not trading, bounds prices, or holds
//! orders of the account on the other side.
//!
//! Source of the public behaviour: the SOR FAQ. Decision: docs/decisions/0015.

use contract::Match;
use ledger::Key;
use matching::{Book, Limit, Remainder, Stop};
use orders::LiveOrder;
use protocol::{
    Allocated, Event, Events, Malformed, MarketStatus, Order, OrderKind, OrderPlaced, OrderStatus,
    PlaceOrder, Placed, RejectCode, Reply, SetRouting, StpMode, TimeInForce, Wire, WorkingFloor,
};
use types::{
    AccountId, Amount, AssetId, ClientId, Decimal, InstrumentId, OrderId, Price, Qty, Side, Time,
};

use crate::Engine;
use crate::market::Market;
use crate::place::Plan;

/// The routing groups' names are as short as assets'.
const LONGEST_NAME: usize = 20;

/// So much at one price of one book.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    market: usize,
    price: Price,
    qty: Qty,
}

/// A routed order found free of errors.
#[derive(Debug)]
pub(crate) enum Route {
    /// As any other order: no other book is met.
    Own,
    Over(Vec<Step>),
}

/// An order's way through one book.
struct Cursor {
    market: usize,
    next: Option<Price>,
}

impl Market {
    fn has_orders_on(&self, account: AccountId, side: Side) -> bool {
        let seat = self.live.seat_of(account);
        seat.is_some_and(|seat| self.resting_of(seat).any(|r| r.side == side))
    }

    /// Whether orders may be filled from here for an account that takes from `side`.
    fn is_eligible(&self, account: AccountId, side: Side) -> bool {
        self.spec.status() == MarketStatus::Trading
            && self
                .rules
                .as_ref()
                .is_none_or(|rules| rules.range.is_none())
            && !self.has_orders_on(account, side)
    }
}

impl Engine {
    /// Every group has one base asset, quote assets of one precision that differ, and one grid.
    pub(crate) fn check_routing(&self, c: &SetRouting) -> Result<(), RejectCode> {
        let own = self.market(c.instrument)?;
        if c.group.is_empty() {
            return Ok(());
        }
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if c.group.len() > LONGEST_NAME || !c.group.chars().all(legal) {
            return Err(RejectCode::InvalidRouting);
        }
        let precision = |market: &Market| self.asset(market.legs()[1]).map(|asset| asset.precision);
        let fits = |other: &Market| {
            let (a, b) = (own.spec.instrument(), other.spec.instrument());
            a.base == b.base
                && a.quote != b.quote
                && a.contract == b.contract
                && (a.tick_size(), a.lot_size()) == (b.tick_size(), b.lot_size())
                && precision(own) == precision(other)
        };
        let others = self.markets.iter().filter(|m| m.id() != c.instrument);
        let mut members = others.filter(|m| m.route.as_deref() == Some(&*c.group));
        match members.all(fits) {
            true => Ok(()),
            false => Err(RejectCode::InvalidRouting),
        }
    }

    pub(crate) fn act_routing(&mut self, c: &SetRouting, out: &mut Events) -> Reply {
        let market = self.market_mut(c.instrument).expect("it was checked");
        market.route = (!c.group.is_empty()).then(|| c.group.clone());
        out.push(Event::RoutingChanged(c.clone()));
        Reply::Done
    }

    /// # Errors
    /// As for any order, and `SorUnsupported`.
    #[cold]
    pub(crate) fn plan_routed(
        &self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
    ) -> Result<(Plan, Route), RejectCode> {
        let plan = self.plan(time, actor, c)?;
        let plain = matches!(c.kind, OrderKind::Limit | OrderKind::Market);
        if !plain || !c.quote_qty.is_zero() || plan.peg.is_some() {
            return Err(RejectCode::UnsupportedCombination);
        }
        let group = self.markets[plan.market].route.as_deref();
        let group = group.ok_or(RejectCode::SorUnsupported)?;
        let mut books: Vec<usize> = (0..self.markets.len())
            .filter(|at| self.markets[*at].route.as_deref() == Some(group))
            .collect();
        let route = loop {
            let steps = self.steps(actor, &plan, &books);
            if steps.iter().all(|step| step.market == plan.market) {
                break Route::Own;
            }
            match self.unpaid(&plan, &steps) {
                Some(market) if market == plan.market => break Route::Own,
                Some(market) => books.retain(|other| *other != market),
                None => break Route::Over(steps),
            }
        };
        match &route {
            Route::Own => self.feasible(actor, &plan)?,
            Route::Over(steps) => self.routed_feasible(actor, &plan, steps)?,
        }
        Ok((plan, route))
    }

    /// The levels that the order would take, best first; its own book before others at one price.
    fn steps(&self, actor: AccountId, plan: &Plan, books: &[usize]) -> Vec<Step> {
        let other = plan.side.opposite();
        let own = &self.markets[plan.market];
        let Limit::Lots(wanted) = plan.limit else {
            return Vec::new();
        };
        if plan.group.is_some() || !own.is_eligible(actor, other) {
            return Vec::new();
        }
        let eligible = |at: &&usize| self.markets[**at].is_eligible(actor, other);
        let mut cursors: Vec<Cursor> = (books.iter().filter(eligible))
            .map(|at| Cursor {
                market: *at,
                next: self.markets[*at].book.best(other),
            })
            .collect();
        let mut steps = Vec::new();
        let mut open = wanted.0;
        while open > 0 {
            let behind = |price: Price| match plan.side {
                Side::Buy => price.0,
                Side::Sell => -price.0,
            };
            let best = (cursors.iter_mut())
                .filter_map(|cursor| cursor.next.map(|price| (price, cursor)))
                .min_by_key(|(price, cursor)| (behind(*price), cursor.market != plan.market));
            let Some((price, cursor)) = best else {
                break;
            };
            if plan
                .price
                .is_some_and(|limit| behind(price) > behind(limit))
            {
                break;
            }
            let book = &self.markets[cursor.market].book;
            let qty = Qty(book.level_open(other, price).0.min(open));
            open -= qty.0;
            steps.push(Step {
                market: cursor.market,
                price,
                qty,
            });
            cursor.next = book.next_level(other, price);
        }
        steps
    }

    /// What the router gives and gets at a step: of base, and of a quote asset.
    fn amounts(&self, step: &Step) -> (Amount, Amount) {
        let terms = &self.markets[step.market].terms;
        let quote = terms.quote_rounded_down(step.price, step.qty);
        (terms.base(step.qty), quote)
    }

    fn router(&self, plan: &Plan, asset: AssetId) -> Amount {
        let wallet = self.markets[plan.market].wallet;
        self.ledger
            .balance(Key::new(AccountId::ROUTER, wallet, asset))
            .0
    }

    /// The first book that the router could not pay in. It must have all that it gives: what it gets for it comes after.
    fn unpaid(&self, plan: &Plan, steps: &[Step]) -> Option<usize> {
        let own = &self.markets[plan.market];
        let mut given: Vec<(AssetId, i128)> = Vec::new();
        for step in steps {
            let [base, quote] = self.markets[step.market].legs();
            let (qty, money) = self.amounts(step);
            // buying it pays in that book's money; selling it gives base, and pays its customer in the order's own money
            let needs = match plan.side {
                Side::Buy => [(quote, money.0), (base, 0)],
                Side::Sell => [(base, qty.0), (own.legs()[1], money.0)],
            };
            for (asset, amount) in needs {
                let sum = match given.iter_mut().find(|(other, _)| *other == asset) {
                    Some((_, sum)) => sum,
                    None => {
                        given.push((asset, 0));
                        &mut given.last_mut()?.1
                    }
                };
                *sum += amount;
                if *sum > self.router(plan, asset).0 {
                    return Some(step.market);
                }
            }
        }
        None
    }

    /// The account can pay for all steps, and for what may rest behind them.
    fn routed_feasible(
        &self,
        actor: AccountId,
        plan: &Plan,
        steps: &[Step],
    ) -> Result<(), RejectCode> {
        if plan.tif == TimeInForce::Fok && open_after(plan, steps) > Qty(0) {
            // it ends without giving anything
            return Ok(());
        }
        let own = &self.markets[plan.market];
        let contract = self.registry.contract_at(own.contract);
        let hold = match plan.price {
            Some(price) => contract.exposure(&own.terms, plan.side, price, plan.qty()),
            None => {
                let taken = steps.iter().map(|step| step.qty.0).sum();
                let notional = (steps.iter())
                    .map(|step| i128::from(step.price.0) * i128::from(step.qty.0))
                    .sum();
                contract.cost(&own.terms, plan.side, Qty(taken), notional)
            }
        };
        risk::affordable(self.free(actor, plan, hold.leg), hold)
    }

    pub(crate) fn act_routed(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
        (plan, route): (&Plan, &Route),
        out: &mut Events,
    ) -> Placed {
        match route {
            Route::Own => {
                let mut plan = *plan;
                plan.routed = true;
                let mut placed = self.act_place(time, actor, c, &plan, out);
                on_floor(&mut placed.order, WorkingFloor::Exchange);
                *placed
            }
            Route::Over(steps) => self.act_route(time, actor, c, (plan, steps), out),
        }
    }

    fn act_route(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
        (plan, steps): (&Plan, &[Step]),
        out: &mut Events,
    ) -> Placed {
        let market = &mut self.markets[plan.market];
        let seat = market.seat(actor, plan.group, &mut self.ledger);
        let plan = &Plan {
            seat: Some(seat),
            routed: true,
            ..*plan
        };
        market.last_order += 1;
        let id = OrderId(market.last_order);
        let mut order = LiveOrder::new(id, seat, c.client_id, plan.qty(), time);
        order.kind = plan.kind;
        order.tif = plan.tif;
        order.strategy_id = c.strategy_id;
        order.strategy_kind = c.strategy_kind;
        order.routed = true;
        let placed = market.order(&order, &plan.shape(), OrderStatus::New);
        out.push(Event::OrderPlaced(OrderPlaced { order: placed }));
        let killed = plan.tif == TimeInForce::Fok && open_after(plan, steps) > Qty(0);
        if !killed {
            for step in steps {
                self.take(time, plan, step, out);
                self.allocate(time, plan, step, &mut order, out);
            }
        }
        let rest = Qty(plan.qty().0 - order.executed.0);
        let status = self.end_route(time, plan, rest, &mut order, out);
        let mut told = self.markets[plan.market].order(&order, &plan.shape(), status);
        let rests = told.is_open() || killed;
        on_floor(
            &mut told,
            match rests {
                true => WorkingFloor::Exchange,
                false => WorkingFloor::Sor,
            },
        );
        Placed {
            order: told,
            prevented_match: None,
        }
    }

    /// The router takes one level, in an order of its own.
    fn take(&mut self, time: Time, plan: &Plan, step: &Step, out: &mut Events) {
        let market = &self.markets[step.market];
        let c = PlaceOrder {
            instrument: market.id(),
            side: plan.side,
            kind: OrderKind::Limit,
            tif: TimeInForce::Ioc,
            stp: Some(StpMode::None),
            price: market.price(step.price),
            qty: market.qty(step.qty),
            quote_qty: Decimal::ZERO,
            client_id: ClientId::new(&format!("sor-{}", market.last_order + 1))
                .expect("a short name"),
            strategy_id: None,
            strategy_kind: None,
            extras: None,
        };
        let taking = Plan {
            market: step.market,
            seat: market.live.seat_of(AccountId::ROUTER),
            group: None,
            kind: OrderKind::Limit,
            tif: TimeInForce::Ioc,
            stp: StpMode::None,
            price: Some(step.price),
            limit: Limit::Lots(step.qty),
            iceberg: None,
            routed: false,
            ..*plan
        };
        let placed = self.act_place(time, AccountId::ROUTER, &c, &taking, out);
        assert!(
            placed.order.status == OrderStatus::Filled,
            "the level was counted"
        );
        self.matches.clear();
    }

    /// Hands on what was taken, as if the router were the maker: at the level's price, in the order's own money.
    fn allocate(
        &mut self,
        time: Time,
        plan: &Plan,
        step: &Step,
        order: &mut LiveOrder,
        out: &mut Events,
    ) {
        let market = &mut self.markets[plan.market];
        let router = market.seat(AccountId::ROUTER, None, &mut self.ledger);
        let seats = [router, order.seat];
        let mut rates = self.rates(plan.market, plan.side, seats);
        rates.rates[0] = types::Rate(0);
        let market = &mut self.markets[plan.market];
        let contract = self.registry.contract_at(market.contract);
        let settlement = contract.settle(
            &market.terms,
            &Match {
                price: step.price,
                qty: step.qty,
                aggressor_side: plan.side,
                rates: rates.rates,
            },
        );
        order.executed.0 += step.qty.0;
        order.executed_quote = order.executed_quote.plus(settlement.quote);
        order.updated_at = time;
        let balances = seats.map(|seat| market.balances(seat));
        let [maker, taker] = balances;
        risk::post(&mut self.ledger, &settlement, maker, taker, market.fees);
        let mut reserve = Amount::ZERO;
        let at = (time, plan.market, plan.side);
        let paid = self.paid(at, seats, &rates, &settlement, &mut reserve);
        let market = &mut self.markets[plan.market];
        let (fee, fee_asset) = paid[1];
        let allocation = market.next_allocation;
        market.next_allocation += 1;
        out.push(Event::Allocated(Allocated {
            instrument: market.id(),
            account: market.live.seat(order.seat).account,
            order: order.id,
            side: plan.side,
            allocation,
            price: market.price(step.price),
            qty: market.qty(step.qty),
            quote: settlement.quote,
            fee,
            fee_asset,
            open_qty: market.qty(Qty(plan.qty().0 - order.executed.0)),
        }));
    }

    /// What is left rests in the order's own book, or ends.
    fn end_route(
        &mut self,
        time: Time,
        plan: &Plan,
        rest: Qty,
        order: &mut LiveOrder,
        out: &mut Events,
    ) -> OrderStatus {
        if rest == Qty(0) {
            return OrderStatus::Filled;
        }
        let remainder = Remainder {
            stop: Stop::Exhausted,
            limit: Limit::Lots(rest),
        };
        self.finish(time, plan, &remainder, order, out)
    }

    pub(crate) fn put_routes(&self) -> Option<Vec<u8>> {
        let routed = |m: &&Market| m.route.is_some() || m.next_allocation > 0;
        let routed: Vec<_> = self.markets.iter().filter(routed).collect();
        let mut bytes = Vec::new();
        u32::try_from(routed.len())
            .expect("counts fit 32 bits")
            .put(&mut bytes);
        for market in &routed {
            market.id().put(&mut bytes);
            market.route.clone().unwrap_or_default().put(&mut bytes);
            market.next_allocation.put(&mut bytes);
        }
        (!routed.is_empty()).then_some(bytes)
    }

    pub(crate) fn take_routes(&mut self, input: &mut &[u8]) -> Result<(), Malformed> {
        const WRONG: Malformed = Malformed("routing groups");
        let mut previous = InstrumentId(0);
        let count = u32::take(input)?;
        for _ in 0..count {
            let set = SetRouting {
                instrument: InstrumentId::take(input)?,
                group: Wire::take(input)?,
            };
            let next = u64::take(input)?;
            let says = !set.group.is_empty() || next > 0;
            if set.instrument <= previous || !says || self.check_routing(&set).is_err() {
                return Err(WRONG);
            }
            previous = set.instrument;
            let market = self.market_mut(set.instrument).map_err(|_| WRONG)?;
            market.route = (!set.group.is_empty()).then_some(set.group);
            market.next_allocation = next;
        }
        (count > 0).then_some(()).ok_or(WRONG)
    }

    pub(crate) fn tell_routes(&self, out: &mut dyn FnMut(Event)) {
        for market in &self.markets {
            if let Some(group) = &market.route {
                out(Event::RoutingChanged(SetRouting {
                    instrument: market.id(),
                    group: group.clone(),
                }));
            }
        }
    }
}

fn on_floor(order: &mut Order, floor: WorkingFloor) {
    order.set_more(|more| more.floor = Some(floor));
}

/// What the steps leave of the order.
fn open_after(plan: &Plan, steps: &[Step]) -> Qty {
    let taken: i64 = steps.iter().map(|step| step.qty.0).sum();
    Qty(plan.qty().0 - taken)
}
