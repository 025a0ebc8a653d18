//! Conditional orders: they wait outside the book for a trade price, and then act like an order placed at that moment.
//!
//! * What they wait for is the price of each trade of their instrument. STOP_LOSS to buy and TAKE_PROFIT to sell wait for it from below,
//!   the other two from above. With a trailing delta they wait for the price to come back from its extreme, from the trade that reaches
//!   the stop price on, or without one from the next trade on (public documents: enums, trailing stop FAQ).
//! * What is held meanwhile: as for an order at the limit price; without one at the stop price, else at the last price, else nothing.
//!   It is released when the order acts, which must then be affordable as any other: an order that is not ends as `Refused`.
//! * An order acts behind the record that reached its price, in the order in which prices were reached. Its own trades may reach more, so
//!   that one record does at most [`TRIGGERS_AT_ONCE`]; the rest is due work.

use contract::{Hold, Leg};
use matching::{Book, Limit};
use orders::{LiveOrder, Reached, SeatId, Waiting};
use protocol::{
    CloseReason, Condition, Event, Events, Extras, MarketStatus, Order, OrderClosed, OrderKind,
    OrderPlaced, OrderStatus, OrderTriggered, PlaceOrder, Placed, RejectCode, TrailingStarted,
    Wire,
};
use types::{AccountId, Amount, ClientId, Decimal, InstrumentId, OrderId, Price, Qty, Side, Time};

use crate::Engine;
use crate::cascade::Effect;
use crate::market::Market;
use crate::place::{Ahead, Plan};
use crate::snapshot::Corrupt;

/// What an order is that was taken out for this reason.
pub(crate) fn status_after(reason: CloseReason) -> OrderStatus {
    match reason {
        CloseReason::Canceled => OrderStatus::Canceled,
        _ => OrderStatus::Expired,
    }
}

/// What a conditional order waits for, as it is told.
pub(crate) fn condition_of(c: &PlaceOrder) -> Option<Box<Condition>> {
    let asked = c.extras.as_deref().filter(|_| c.kind.is_conditional())?;
    Some(Box::new(Condition {
        asked: Extras {
            iceberg_qty: Decimal::ZERO,
            peg: None,
            ..*asked
        },
        trailing_at: None,
        triggered_at: None,
        refused: false,
    }))
}

/// How many conditional orders one record lets act.
pub const TRIGGERS_AT_ONCE: usize = 16;
/// A trailing delta is in hundredths of a percent.
pub(crate) const WHOLE: u32 = 10_000;

/// What a conditional order waits for, in the core's units.
#[derive(Clone, Copy)]
pub(crate) struct Wait {
    pub above: bool,
    pub stop: Option<Price>,
    pub delta: u32,
}

impl Market {
    /// The next conditional order that may act now.
    pub fn next_to_act(&self) -> Option<OrderId> {
        match self.spec.status() {
            MarketStatus::Trading => self.waiting.next_reached(),
            _ => None,
        }
    }
}

impl Engine {
    /// The checks of a conditional order that need neither book nor money.
    pub(crate) fn plan_conditional(
        &self,
        c: &PlaceOrder,
        plan: &mut Plan,
        time: Time,
        ahead: Ahead,
    ) -> Result<(), RejectCode> {
        let market = &self.markets[plan.market];
        let spec = &market.spec;
        let Some(extras) = c.extras.as_deref() else {
            return Err(RejectCode::UnsupportedCombination);
        };
        let stop = match extras.stop_price.is_zero() {
            true => None,
            false => Some(spec.price(extras.stop_price)?),
        };
        let at = if c.kind.is_market() || (plan.peg.is_some() && c.price.is_zero()) {
            stop
        } else {
            let price = spec.price(c.price)?;
            spec.percent_price(c.side, price, |m| market.average(time, m))?;
            plan.price = Some(price);
            plan.price
        };
        let qty = spec.qty(c.qty)?;
        if c.kind.is_market() {
            spec.market_qty(c.qty)?;
        }
        if let Some(at) = at {
            spec.min_notional(at, qty)?;
            spec.notional(at, qty)?;
        }
        if extras.trailing_delta != 0 {
            let take_profit = matches!(c.kind, OrderKind::TakeProfit | OrderKind::TakeProfitLimit);
            spec.trailing_delta(c.side, take_profit, extras.trailing_delta)?;
        }
        if spec.instrument().filters.max_num_algo_orders.is_some() {
            let waiting = plan.seat.map_or(0, |s| market.waiting.conditional_of(s));
            spec.max_num_algo_orders(waiting + ahead.algos)?;
        }
        plan.limit = Limit::Lots(qty);
        plan.wait = Some(Wait {
            above: c.kind.triggers_above(c.side),
            stop,
            delta: extras.trailing_delta,
        });
        Ok(())
    }

    /// What a conditional order holds while it waits.
    pub(crate) fn conditional_hold(&self, plan: &Plan, wait: &Wait) -> Result<Hold, RejectCode> {
        let market = &self.markets[plan.market];
        let last = market.prices.last();
        if let (Some(stop), Some(last)) = (wait.stop, last)
            && (if wait.above {
                last >= stop
            } else {
                last <= stop
            })
        {
            return Err(RejectCode::WouldTrigger);
        }
        let qty = plan.qty();
        if let Some(price) = plan.price
            && market.terms.quote_rounded_down(price, qty) == Amount::ZERO
        {
            return Err(RejectCode::NothingToTrade);
        }
        let contract = self.registry.contract_at(market.contract);
        let price = plan.price.or(wait.stop).or(last);
        Ok(match (price, plan.side) {
            (Some(price), side) => contract.exposure(&market.terms, side, price, qty),
            (None, Side::Sell) => contract.exposure(&market.terms, Side::Sell, Price(1), qty),
            (None, Side::Buy) => Hold {
                leg: Leg::Quote,
                amount: Amount::ZERO,
            },
        })
    }

    /// Lets a conditional order wait.
    #[cold]
    pub(crate) fn act_wait(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
        (plan, wait): (&Plan, &Wait),
        out: &mut Events,
    ) -> Placed {
        let hold = self
            .conditional_hold(plan, wait)
            .expect("it was found feasible");
        let market = &mut self.markets[plan.market];
        let seat = match plan.seat {
            Some(seat) => seat,
            None => market.seat(actor, plan.group, &mut self.ledger),
        };
        market.last_order += 1;
        let id = OrderId(market.last_order);
        let mut live = LiveOrder::new(id, seat, c.client_id, plan.qty(), time);
        live.kind = plan.kind;
        live.tif = plan.tif;
        live.strategy_id = c.strategy_id;
        live.strategy_kind = c.strategy_kind;
        let mut order = market.order(&live, &plan.shape(), OrderStatus::New);
        order.condition = condition_of(c);
        if plan.peg.is_some() {
            order.set_more(|more| more.peg = plan.peg);
        }
        let balances = market.balances(seat);
        self.ledger.hold(balances[hold.leg as usize], hold.amount);
        out.push(Event::OrderPlaced(OrderPlaced {
            order: order.clone(),
        }));
        market.waiting.insert(Waiting {
            order: order.clone(),
            seat,
            hold: (hold.leg as u8, hold.amount),
            above: wait.above,
            stop: wait.stop,
            delta: wait.delta,
            extreme: None,
        });
        Placed {
            order,
            prevented_match: None,
        }
    }

    /// A trade happened on a market where orders wait.
    #[cold]
    pub(crate) fn reach(&mut self, time: Time, at: usize, price: Price, out: &mut Events) {
        let market = &mut self.markets[at];
        let mut reached = Vec::new();
        market.waiting.traded(price, &mut reached);
        for what in reached {
            match what {
                Reached::Triggered(_) => self.reached += 1,
                Reached::Following(id) => {
                    let instrument = market.id();
                    let waiting = market.waiting.get_mut(id).expect("it waits");
                    if let Some(condition) = waiting.order.condition.as_deref_mut() {
                        condition.trailing_at = Some(time);
                    }
                    out.push(Event::TrailingStarted(TrailingStarted {
                        instrument,
                        order: id,
                        account: waiting.order.account,
                    }));
                }
            }
        }
    }

    /// Lets the orders act whose price was reached, as many as one record may.
    #[cold]
    pub(crate) fn act_reached(&mut self, time: Time, out: &mut Events) {
        let mut left = TRIGGERS_AT_ONCE;
        for at in 0..self.markets.len() {
            while left > 0
                && let Some(id) = self.markets[at].next_to_act()
            {
                self.trigger(time, at, id, out);
                self.cascade(time, out);
                left -= 1;
            }
        }
    }

    fn trigger(&mut self, time: Time, at: usize, id: OrderId, out: &mut Events) {
        if self.markets[at]
            .waiting
            .get(id)
            .is_some_and(Waiting::is_pending)
        {
            return self.activate(time, at, id, out);
        }
        let market = &mut self.markets[at];
        let instrument = market.id();
        let waiting = market.waiting.remove(id).expect("it waits");
        self.reached -= 1;
        let (leg, amount) = waiting.hold;
        let balances = market.balances(waiting.seat);
        self.ledger.release(balances[usize::from(leg)], amount);
        let order = waiting.order;
        out.push(Event::OrderTriggered(OrderTriggered {
            instrument,
            order: id,
            account: order.account,
        }));
        if let Some(mut condition) = order.condition.as_deref().copied() {
            condition.triggered_at = Some(time);
            market.conditions.insert(id, condition);
        }
        let listed = order.list().is_some();
        if listed {
            self.close_others(time, at, id, out);
        }
        self.act_alone(time, at, waiting.seat, &order, out);
    }

    /// What an order that waited asks of the book now. It has no price when its peg gives it none.
    fn plan_waited(
        &mut self,
        time: Time,
        at: usize,
        seat: SeatId,
        order: &Order,
        out: &mut Events,
    ) -> Plan {
        let market = &self.markets[at];
        let open = market.spec.lots(order.open_qty());
        let qty = open.expect("it was placed in lots");
        let iceberg = market.spec.lots(order.iceberg_qty());
        let price = match order.peg() {
            Some(pegged) => self.price_waiting(time, at, order, pegged, out),
            None => market.spec.ticks(order.price),
        };
        Plan {
            market: at,
            seat: Some(seat),
            group: self.group(order.account),
            side: order.side,
            kind: order.kind,
            tif: order.tif,
            stp: order.stp,
            price: price.filter(|_| !order.kind.is_market()),
            limit: Limit::Lots(qty),
            quote_qty: order.quote_qty,
            wait: None,
            iceberg: iceberg.filter(|peak| *peak > Qty(0)),
            peg: order.peg(),
            routed: false,
        }
    }

    /// An order that waited goes to the book, or ends when money or room is lacking.
    pub(crate) fn act_alone(
        &mut self,
        time: Time,
        at: usize,
        seat: SeatId,
        order: &Order,
        out: &mut Events,
    ) {
        let id = order.id;
        let plan = self.plan_waited(time, at, seat, order, out);
        let market = &mut self.markets[at];
        let lots = |qty| market.spec.lots(qty).expect("it was placed in lots");
        let (qty, prevented) = (lots(order.qty), lots(order.prevented_qty));
        let mut live = LiveOrder::new(id, seat, order.client_id, qty, order.placed_at);
        live.kind = order.kind;
        live.tif = order.tif;
        live.prevented = prevented;
        live.updated_at = time;
        live.strategy_id = order.strategy_id;
        live.strategy_kind = order.strategy_kind;
        live.listed = order.list().is_some();
        live.amends = market.waiting.take_amends(id);
        live.pegged = plan.peg.is_some();
        let priced = plan.price.is_some() || order.kind.is_market();
        if priced && self.has_room(&plan) && self.feasible(order.account, &plan).is_ok() {
            self.enter(time, &plan, &mut live, out);
        } else {
            if live.listed {
                self.effects.push(Effect::ended(at, id));
            }
            out.push(Event::OrderClosed(OrderClosed {
                instrument: order.instrument,
                order: id,
                account: order.account,
                reason: CloseReason::Refused,
                open_qty: order.open_qty(),
                client_id: ClientId::NONE,
                update: None,
            }));
        }
        self.markets[at].forget_unless_open(id);
    }

    /// May the order's remainder rest, as far as the book's numbers go?
    pub(crate) fn has_room(&self, plan: &Plan) -> bool {
        let market = &self.markets[plan.market];
        let Some(price) = plan.price.filter(|_| plan.may_rest()) else {
            return true;
        };
        market.book.len() + 1 < matching::SlotIndex::MAX_SLOTS
            && market
                .spec
                .sum_fits(market.book.level_open(plan.side, price), plan.qty())
    }

    /// Takes out an order that waits.
    #[cold]
    pub(crate) fn close_waiting(
        &mut self,
        time: Time,
        instrument: InstrumentId,
        id: OrderId,
        (reason, client_id): (CloseReason, ClientId),
        out: &mut Events,
    ) -> Order {
        let market = &mut self.markets[instrument.0 as usize - 1];
        let queued = market.waiting.queue().len();
        let waiting = market
            .waiting
            .remove(id)
            .expect("the order was found waiting");
        self.reached -= queued - market.waiting.queue().len();
        let (leg, amount) = waiting.hold;
        let balances = market.balances(waiting.seat);
        self.ledger.release(balances[usize::from(leg)], amount);
        market.waiting.take_amends(id);
        let mut order = waiting.order;
        let open_qty = order.open_qty();
        order.status = status_after(reason);
        order.updated_at = time;
        out.push(Event::OrderClosed(OrderClosed {
            instrument,
            order: id,
            account: order.account,
            reason,
            open_qty,
            client_id,
            update: None,
        }));
        order
    }

    /// The part of a market's snapshot that holds its conditional orders.
    pub(crate) fn read_waiting(
        &mut self,
        market: &mut Market,
        input: &mut &[u8],
    ) -> Result<(), Corrupt> {
        let mut previous = OrderId(0);
        for _ in 0..u32::take(input)? {
            let order = Order::take(input)?;
            let (leg, amount) = (u8::take(input)?, Amount::take(input)?);
            let extreme: Option<i64> = Wire::take(input)?;
            let id = order.id;
            let waits = self.restore_waiting(market, order, (leg, amount), extreme.map(Price));
            if id <= previous || waits.is_none() {
                return Err(Corrupt(format!("order {id} cannot wait")));
            }
            previous = id;
        }
        let mut queue = Vec::new();
        for _ in 0..u32::take(input)? {
            queue.push(OrderId::take(input)?);
        }
        if !market.waiting.restore_queue(&queue) {
            return Err(Corrupt("the queue of orders that may act is broken".into()));
        }
        self.reached += queue.len();
        Ok(())
    }

    fn restore_waiting(
        &mut self,
        market: &mut Market,
        order: Order,
        hold: (u8, Amount),
        extreme: Option<Price>,
    ) -> Option<()> {
        if order.status == OrderStatus::PendingNew {
            return self.restore_pending(market, order, hold);
        }
        let condition = order.condition.as_deref()?;
        let asked = condition.asked;
        let known = self.is_user(order.account)
            && order.instrument == market.id()
            && order.kind.is_conditional()
            && order.status == OrderStatus::New
            && condition.triggered_at.is_none()
            && market.book.find(order.id).is_none();
        let used = market.spec.lots(order.prevented_qty)?;
        let open = market.spec.lots(order.open_qty())?;
        if !known || hold.0 > 1 || open <= Qty(0) || used < Qty(0) {
            return None;
        }
        let unpriced = order.peg().is_some() && order.price.is_zero();
        if !order.kind.is_market() && !unpriced {
            market.spec.ticks(order.price)?;
        }
        if !market.more_fits(&order, false) {
            return None;
        }
        let stop = match asked.stop_price.is_zero() {
            true => None,
            false => Some(market.spec.ticks(asked.stop_price)?),
        };
        if stop.is_none() && asked.trailing_delta == 0 || asked.trailing_delta >= WHOLE {
            return None;
        }
        let more = order
            .more
            .as_deref()
            .and_then(|more| more.of_list().boxed());
        if let Some(more) = more {
            more.list?;
            market.lists.announce(order.id, *more)?;
        }
        let group = self.group(order.account);
        let seat = market.seat(order.account, group, &mut self.ledger);
        market.waiting.insert(Waiting {
            above: order.kind.triggers_above(order.side),
            order,
            seat,
            hold,
            stop,
            delta: asked.trailing_delta,
            extreme,
        });
        Some(())
    }
}
