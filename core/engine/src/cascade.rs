//! What follows from an order of a list: its pair ends, its pending orders begin or expire, the list ends.
//!
//! While a command is carried out, what happens to orders of lists is only noted; the consequences come behind it, before conditional
//! orders act, and after each of those. A filled working order puts the first of its pending orders into the queue of those that may
//! act, so that activation is bounded like triggers.

use contract::Settlement;
use matching::{Book, Limit};
use orders::{LiveOrder, SeatId, Waiting};
use protocol::{
    CloseReason, Event, Events, Order, OrderActivated, OrderClosed, OrderList, OrderStatus,
    RejectCode,
};
use std::collections::BTreeMap;
use types::{AccountId, Amount, AssetId, ClientId, ListId, OrderId, Qty, Side, Time, TradeGroupId};

use crate::Engine;
use crate::commission::Paid;
use crate::conditional::Wait;
use crate::lists::List;
use crate::market::Market;
use crate::place::Plan;

/// What happened to an order of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effect {
    market: usize,
    order: OrderId,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// A trade, with the base asset that a buyer received before and after commission.
    Traded {
        gross: Amount,
        net: Amount,
    },
    Filled,
    /// A prevented match took something off it, and it goes on.
    Decremented {
        qty: Qty,
        prevented: u64,
    },
    /// Closed before it was filled, otherwise than by a cancel.
    Ended,
}

impl Effect {
    pub fn ended(market: usize, order: OrderId) -> Effect {
        Effect {
            market,
            order,
            what: What::Ended,
        }
    }

    pub fn decremented(market: usize, order: OrderId, qty: Qty, prevented: u64) -> Effect {
        Effect {
            market,
            order,
            what: What::Decremented { qty, prevented },
        }
    }
}

impl Market {
    pub fn book_holds(&self, order: OrderId) -> bool {
        self.book.find(order).is_some()
    }

    /// Every list is open, has its orders, and every order of a list has its list. Adds what is locked.
    pub fn audit_lists(
        &self,
        last: u64,
        holds: &mut BTreeMap<ledger::Key, i128>,
    ) -> Result<(), String> {
        let base = self.legs()[0];
        for list in self.lists.iter() {
            let told = &list.told;
            let open = told.legs.iter().any(|leg| self.is_open(leg.order));
            let account = self.live.seat(list.seat).account;
            let pays = told.kind.pays() || list.locked == Amount::ZERO;
            if !open || told.id.0 > last || account != told.account || told.done || !pays {
                return Err(format!("list {} disagrees with its orders", told.id));
            }
            let key = ledger::Key::new(account, self.wallet, base);
            *holds.entry(key).or_default() += list.locked.0;
            let linked = told
                .legs
                .iter()
                .all(|leg| self.lists.of(leg.order) == Some(told.id));
            if !linked {
                return Err(format!("list {} and its orders are not linked", told.id));
            }
        }
        let mut stray = None;
        self.each_order(&mut |order| {
            let list = order.list();
            if list != self.lists.of(order.id)
                || list.is_some_and(|id| self.lists.get(id).is_none())
            {
                stray = Some(order.id);
            }
        });
        match stray {
            Some(id) => Err(format!("order {id} and its list are not linked")),
            None => Ok(()),
        }
    }
}

impl Engine {
    /// Notes a trade in which one order at least is a part of a list.
    #[cold]
    pub(crate) fn listed_traded(
        &mut self,
        plan: &Plan,
        matched: &matching::Match,
        taker: OrderId,
        (settlement, paid): (&Settlement, Paid),
    ) {
        let ids = [matched.maker_id, taker];
        // the base asset that the buyer received before commission
        let gross = match plan.side {
            Side::Buy => settlement.taker.received,
            Side::Sell => settlement.maker.received,
        };
        let market = &self.markets[plan.market];
        let base = market.legs()[0];
        for (order, (fee, asset)) in ids.into_iter().zip(paid) {
            if market.lists.of(order).is_none() {
                continue;
            }
            let net = match asset == base {
                true => gross.minus(fee),
                false => gross,
            };
            self.effects.push(Effect {
                market: plan.market,
                order,
                what: What::Traded { gross, net },
            });
        }
        if matched.maker_open.0 == 0 {
            self.effects.push(Effect {
                market: plan.market,
                order: ids[0],
                what: What::Filled,
            });
        }
    }

    /// Notes how an order of a list came out of its way through the book.
    #[cold]
    pub(crate) fn listed_entered(&mut self, market: usize, order: OrderId, status: OrderStatus) {
        let what = match status {
            OrderStatus::New | OrderStatus::PartiallyFilled | OrderStatus::PendingNew => return,
            OrderStatus::Filled => What::Filled,
            OrderStatus::Canceled | OrderStatus::Expired | OrderStatus::ExpiredInMatch => {
                What::Ended
            }
        };
        self.effects.push(Effect {
            market,
            order,
            what,
        });
    }

    /// Draws the consequences of everything that was noted.
    pub(crate) fn cascade(&mut self, time: Time, out: &mut Events) {
        let mut next = 0;
        while let Some(effect) = self.effects.get(next).copied() {
            next += 1;
            self.follow(time, effect, out);
        }
        self.effects.clear();
    }

    #[cold]
    fn follow(&mut self, time: Time, effect: Effect, out: &mut Events) {
        let (at, order) = (effect.market, effect.order);
        let lists = &self.markets[at].lists;
        let Some(list) = lists.of(order).and_then(|id| lists.get(id)) else {
            return;
        };
        let id = list.told.id;
        if let What::Decremented { qty, prevented } = effect.what {
            return self.decrement_other(time, at, order, (qty, prevented), out);
        }
        if !list.is_working(order) {
            self.close_others(time, at, order, out);
        } else {
            match effect.what {
                What::Traded { gross, net } => self.lock(at, id, gross, net),
                What::Filled => {
                    let first = list.others()[0].order;
                    self.reached += usize::from(self.markets[at].waiting.release(first));
                }
                What::Decremented { .. } => {}
                What::Ended => {
                    let pending: Vec<OrderId> = list.others().iter().map(|l| l.order).collect();
                    let why = (CloseReason::PhaseOneExpired, ClientId::NONE);
                    for order in pending {
                        self.close_leg(time, at, order, why, out);
                    }
                    self.unlock(at, id);
                }
            }
        }
        self.end_if_done(time, at, id, out);
    }

    /// One of a pair acted or ended: the other ends.
    pub(crate) fn close_others(&mut self, time: Time, at: usize, order: OrderId, out: &mut Events) {
        let lists = &self.markets[at].lists;
        let Some(list) = lists.of(order).and_then(|id| lists.get(id)) else {
            return;
        };
        let pair = list.pair();
        if !pair.iter().any(|leg| leg.order == order) {
            return;
        }
        let other = pair.iter().map(|leg| leg.order).find(|id| *id != order);
        if let Some(other) = other {
            let why = (CloseReason::OcoTriggered, ClientId::NONE);
            self.close_leg(time, at, other, why, out);
        }
    }

    /// Locks what a working order bought for the orders that will sell it. Commission is taken from what is free besides, where that is
    /// enough and the asset is not the one in which commission is paid at a discount.
    fn lock(&mut self, at: usize, id: ListId, gross: Amount, net: Amount) {
        let discount = self.discount_asset();
        let market = &mut self.markets[at];
        let base = market.legs()[0];
        let Some(list) = market.lists.get_mut(id).filter(|l| l.told.kind.pays()) else {
            return;
        };
        let seat = list.seat;
        let balance = market.live.seat(seat).balances[0];
        let balance = ledger::BalanceRef::from_number(balance);
        let free = self.ledger.free(balance);
        let amount = match free >= gross && discount != Some(base) {
            true => gross,
            false => net.min(free),
        };
        list.locked = list.locked.plus(amount);
        self.ledger.hold(balance, amount);
    }

    fn discount_asset(&self) -> Option<AssetId> {
        self.fees.schedule().discount.map(|d| d.asset)
    }

    /// The working order was filled: its pending orders begin.
    pub(crate) fn activate(&mut self, time: Time, at: usize, id: OrderId, out: &mut Events) {
        let market = &mut self.markets[at];
        let list = market.lists.of(id).and_then(|id| market.lists.get(id));
        let List { told, seat, .. } = list.expect("a pending order has its list").clone();
        let queued = market.waiting.queue().len();
        let mut orders: Vec<Order> = Vec::with_capacity(2);
        for leg in &told.legs[1..] {
            orders.extend(market.waiting.remove(leg.order).map(|w| w.order));
        }
        self.reached -= queued - market.waiting.queue().len();
        let locked = self.unlock(at, told.id);
        if told.kind.pays() {
            let qty = self.paid_qty(at, locked, &orders);
            let market = &self.markets[at];
            for order in &mut orders {
                order.qty = market.qty(qty);
            }
        }
        let group = self.group(told.account);
        let market = &mut self.markets[at];
        let plans: Vec<Plan> = orders
            .iter_mut()
            .map(|order| {
                order.status = OrderStatus::New;
                order.updated_at = time;
                market.lists.activated(order.id, time);
                order.set_more(|more| more.activated_at = Some(time));
                market.plan_again(time, at, (seat, group), order)
            })
            .collect();
        if self.may_begin(&told, &orders, &plans).is_err() {
            return self.refuse(at, &orders, out);
        }
        for order in &orders {
            out.push(Event::OrderActivated(OrderActivated {
                instrument: order.instrument,
                order: order.id,
                account: order.account,
                qty: order.qty,
            }));
        }
        self.begin(time, (at, seat), orders, plans, out);
    }

    fn begin(
        &mut self,
        time: Time,
        (at, seat): (usize, SeatId),
        orders: Vec<Order>,
        plans: Vec<Plan>,
        out: &mut Events,
    ) {
        if let [plan] = &plans[..] {
            let order = orders.into_iter().next().expect("one order for one plan");
            return match &plan.wait {
                None => self.act_alone(time, at, seat, &order, out),
                Some(wait) => {
                    let hold = self.needed(plan).expect("it was found feasible");
                    self.let_wait(plan, wait, seat, order, hold);
                }
            };
        }
        let mut opened = Vec::with_capacity(2);
        for (plan, order) in plans.into_iter().zip(orders) {
            let mut live = listed_live(&order, seat, plan.qty());
            if plan.wait.is_none() {
                live.amends = self.markets[at].waiting.take_amends(order.id);
            }
            if let (Some(price), Some(_), None) = (plan.price, plan.peg, &plan.wait) {
                live.pegged = true;
                self.markets[at].tell_pegged(&order, price, out);
            }
            opened.push((plan, live, order));
        }
        self.start_pair(time, opened, out);
    }

    /// The whole lots in what was bought, as coarse as the orders that will sell it need.
    fn paid_qty(&self, at: usize, locked: Amount, orders: &[Order]) -> Qty {
        let market = &self.markets[at];
        let lot = market.terms.base(Qty(1));
        let lots = i64::try_from(locked.0 / lot.0).unwrap_or(i64::MAX);
        let filters = &market.spec.instrument().filters;
        let by_market = orders.iter().any(|order| order.kind.is_market());
        let step = filters
            .market_lot_size
            .filter(|_| by_market)
            .and_then(|f| market.spec.lots(f.step))
            .map_or(1, |step| step.0.max(1));
        Qty(lots - lots % step)
    }

    /// The checks of orders that pended: like those of a new order, without what was checked of them before.
    fn may_begin(
        &self,
        told: &OrderList,
        orders: &[Order],
        plans: &[Plan],
    ) -> Result<(), RejectCode> {
        let account: AccountId = told.account;
        for (order, plan) in orders.iter().zip(plans) {
            if told.kind.pays() {
                let spec = &self.markets[plan.market].spec;
                let qty = spec.qty(order.qty)?;
                if order.kind.is_market() {
                    spec.market_qty(order.qty)?;
                }
                if let Some(price) = plan.price {
                    spec.min_notional(price, qty)?;
                    spec.notional(price, qty)?;
                }
                if let Some(peak) = plan.iceberg {
                    self.markets[plan.market].check_parts(qty, peak)?;
                }
            }
            if plan.peg.is_some() && plan.wait.is_none() && plan.price.is_none() {
                return Err(RejectCode::PegLiquidity);
            }
            if !self.has_room(plan) {
                return Err(RejectCode::MaxNumOrders);
            }
        }
        match plans {
            [above, below] => self.pair_feasible(account, above, below),
            [plan] => self.feasible(account, plan),
            _ => Ok(()),
        }
    }

    /// Money, room or a price was lacking: the orders end as they would have begun.
    fn refuse(&mut self, at: usize, orders: &[Order], out: &mut Events) {
        for order in orders {
            self.markets[at].waiting.take_amends(order.id);
            self.effects.push(Effect::ended(at, order.id));
            out.push(Event::OrderClosed(OrderClosed {
                instrument: order.instrument,
                order: order.id,
                account: order.account,
                reason: CloseReason::Refused,
                open_qty: order.qty,
                client_id: ClientId::NONE,
                update: None,
            }));
        }
    }

    /// A pending order of a snapshot.
    pub(crate) fn restore_pending(
        &mut self,
        market: &mut Market,
        order: Order,
        hold: (u8, Amount),
    ) -> Option<()> {
        let known = self.is_user(order.account)
            && order.instrument == market.id()
            && order.executed_qty.is_zero()
            && !market.book_holds(order.id)
            && hold == (0, Amount::ZERO);
        let more = order.more.as_deref().copied()?;
        if !known || market.spec.lots(order.qty)? < Qty(0) || more.activated_at.is_some() {
            return None;
        }
        let unpriced = order.peg().is_some() && order.price.is_zero();
        if !order.kind.is_market() && !unpriced {
            market.spec.ticks(order.price)?;
        }
        if order.condition.is_some() != order.kind.is_conditional()
            || !market.more_fits(&order, false)
        {
            return None;
        }
        more.list?;
        market.lists.announce(order.id, more.of_list())?;
        let group = self.group(order.account);
        let seat = market.seat(order.account, group, &mut self.ledger);
        market.waiting.insert(Waiting {
            order,
            seat,
            hold,
            above: false,
            stop: None,
            delta: 0,
            extreme: None,
        });
        Some(())
    }

    /// A list of a snapshot, whose orders are there already.
    pub(crate) fn restore_list(&mut self, told: OrderList, locked: Amount) -> Option<()> {
        let last = self.last_list;
        let known = self.is_user(told.account) && told.id.0 <= last && locked >= Amount::ZERO;
        let market = self.market_mut(told.instrument).ok()?;
        let seat = market.live.seat_of(told.account)?;
        let free = market.lists.find_name(seat, &told.client_id).is_none();
        let legs = told.legs.len() == told.kind.legs()
            && told.legs.iter().all(|leg| {
                leg.order.0 <= market.last_order
                    && (!market.is_open(leg.order) || market.lists.of(leg.order) == Some(told.id))
            });
        if !known || !free || !legs || told.done {
            return None;
        }
        market.lists.insert(List { told, seat, locked });
        Some(())
    }
}

/// A listed order that waited, as the book keeps it.
pub(crate) fn listed_live(order: &Order, seat: SeatId, qty: Qty) -> LiveOrder {
    let mut live = LiveOrder::new(order.id, seat, order.client_id, qty, order.placed_at);
    live.kind = order.kind;
    live.tif = order.tif;
    live.updated_at = order.updated_at;
    live.strategy_id = order.strategy_id;
    live.strategy_kind = order.strategy_kind;
    live.listed = true;
    live
}

impl Market {
    /// The plan of an order that was checked when its list was placed.
    fn plan_again(
        &self,
        time: Time,
        at: usize,
        (seat, group): (SeatId, Option<TradeGroupId>),
        order: &Order,
    ) -> Plan {
        let asked = order.condition.as_deref().map(|c| c.asked);
        Plan {
            market: at,
            seat: Some(seat),
            group,
            side: order.side,
            kind: order.kind,
            tif: order.tif,
            stp: order.stp,
            price: match (order.peg(), asked) {
                (Some(pegged), None) => self.price_now(order, pegged, time),
                _ if order.kind.is_market() || order.price.is_zero() => None,
                _ => self.spec.ticks(order.price),
            },
            limit: Limit::Lots(self.spec.lots(order.qty).unwrap_or(Qty(0))),
            quote_qty: order.quote_qty,
            routed: false,
            iceberg: self
                .spec
                .lots(order.iceberg_qty())
                .filter(|peak| *peak > Qty(0)),
            peg: order.peg(),
            wait: asked.map(|asked| Wait {
                above: order.kind.triggers_above(order.side),
                stop: match asked.stop_price.is_zero() {
                    true => None,
                    false => self.spec.ticks(asked.stop_price),
                },
                delta: asked.trailing_delta,
            }),
        }
    }
}
