//! Orders that wait for a trade price, and what lets them act.

use protocol::{
    CloseReason, Event, Events, MarketStatus, Order, OrderClosed, OrderKind, OrderPegged,
    OrderTriggered, Pegged, TrailingStarted,
};
use types::{AssetId, ClientId, Decimal, OrderId, Side, Time, Wallet};

use super::check::asked;
use super::lists::What;
use super::{Market, Naive, by_market};

/// How many act behind one record.
const AT_ONCE: usize = 16;

/// Where an order that does not act yet stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Waits for another order of its list.
    Pending,
    /// For its stop price.
    Stop,
    /// For the price to come back from its extreme.
    Trail,
    /// May act.
    Reached,
}

/// An order that does not act yet.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub order: Order,
    pub hold: (AssetId, i128),
    pub stage: Stage,
    pub extreme: Option<Decimal>,
}

/// Does it wait for a rising price?
fn waits_above(order: &Order) -> bool {
    let stop = matches!(order.kind, OrderKind::StopLoss | OrderKind::StopLossLimit);
    stop == (order.side == Side::Buy)
}

/// Is the price where the order waits for it?
pub(super) fn is_there(order: &Order, price: Decimal, stop: Decimal) -> bool {
    match waits_above(order) {
        true => price >= stop,
        false => price <= stop,
    }
}

impl Waiting {
    fn came_back(&self, price: Decimal) -> bool {
        let Some(extreme) = self.extreme else {
            return false;
        };
        let delta = i128::from(asked(&self.order).trailing_delta);
        let (price, extreme) = (i128::from(price.0) * 10_000, i128::from(extreme.0));
        match waits_above(&self.order) {
            true => price >= extreme * (10_000 + delta),
            false => price <= extreme * (10_000 - delta),
        }
    }
}

impl Naive {
    /// Lets an order wait for its price.
    pub(super) fn let_wait(&mut self, at: usize, order: Order, hold: (AssetId, i128)) {
        self.add(order.account, Wallet::SPOT, hold.0, -hold.1, hold.1);
        let stage = match asked(&order).stop_price.0 {
            0 => Stage::Trail,
            _ => Stage::Stop,
        };
        self.markets[at].waiting.push(Waiting {
            order,
            hold,
            stage,
            extreme: None,
        });
    }

    /// A trade happened: which orders does it reach?
    pub(super) fn reach(&mut self, time: Time, at: usize, price: Decimal, events: &mut Events) {
        let market = &mut self.markets[at];
        let stop = |w: &Waiting| asked(&w.order).stop_price;
        let key = |w: &Waiting| match (w.stage, waits_above(&w.order)) {
            (Stage::Stop, true) => (0, stop(w).0, w.order.id),
            (Stage::Stop, false) => (1, stop(w).0, w.order.id),
            _ => (2, 0, w.order.id),
        };
        let touched = |w: &&Waiting| match w.stage {
            Stage::Stop => is_there(&w.order, price, stop(w)),
            Stage::Trail => true,
            Stage::Pending | Stage::Reached => false,
        };
        let mut reached: Vec<&Waiting> = market.waiting.iter().filter(touched).collect();
        reached.sort_by_key(|w| key(w));
        let ids: Vec<OrderId> = reached.iter().map(|w| w.order.id).collect();
        for id in ids {
            market.touch(time, id, price, events);
        }
    }

    /// Lets orders act whose turn it is.
    pub(super) fn act_reached(&mut self, time: Time, events: &mut Events) {
        let mut acted = 0;
        for at in 0..self.markets.len() {
            while acted < AT_ONCE
                && self.markets[at].instrument.status == MarketStatus::Trading
                && let Some(id) = self.markets[at].queue.first().copied()
            {
                acted += 1;
                let waiting = self.markets[at].waiting(id);
                if waiting.order.status == protocol::OrderStatus::PendingNew {
                    self.activate(time, at, id, events);
                } else {
                    self.trigger(time, at, id, events);
                }
                self.follow_all(time, events);
            }
        }
    }

    fn trigger(&mut self, time: Time, at: usize, id: OrderId, events: &mut Events) {
        let waiting = self.markets[at].take_waiting(id);
        let (asset, amount) = waiting.hold;
        let mut order = waiting.order;
        self.add(order.account, Wallet::SPOT, asset, amount, -amount);
        events.push(Event::OrderTriggered(OrderTriggered {
            instrument: order.instrument,
            order: id,
            account: order.account,
        }));
        if let Some(condition) = &mut order.condition {
            condition.triggered_at = Some(time);
        }
        self.close_others(time, at, id, events);
        self.act_alone(time, at, order, events);
    }

    /// An order that waited goes to the book, or ends there and then.
    pub(super) fn act_alone(
        &mut self,
        time: Time,
        at: usize,
        mut order: Order,
        events: &mut Events,
    ) {
        order.updated_at = time;
        let priced = self.price_by_peg(time, at, &mut order, events);
        if priced && self.markets[at].has_room(&order) && self.affords(&order).is_ok() {
            self.enter(time, at, &mut order, events);
            return;
        }
        self.note(at, order.id, What::Ended);
        self.tell_refused(&order, events);
    }

    pub(super) fn tell_refused(&self, order: &Order, events: &mut Events) {
        events.push(Event::OrderClosed(OrderClosed {
            instrument: order.instrument,
            order: order.id,
            account: order.account,
            reason: CloseReason::Refused,
            open_qty: order.open_qty(),
            client_id: ClientId::NONE,
            update: None,
        }));
    }

    /// Gives an order that has a peg its price. False when it gets none.
    pub(super) fn price_by_peg(
        &self,
        time: Time,
        at: usize,
        order: &mut Order,
        events: &mut Events,
    ) -> bool {
        let Some(pegged) = order.peg() else {
            return by_market(order.kind) || order.price.0 != 0;
        };
        let Some(price) = self.markets[at].price_now(time, order) else {
            return false;
        };
        order.price = price;
        order.set_more(|more| {
            more.peg = Some(Pegged {
                priced: true,
                ..pegged
            });
        });
        events.push(Event::OrderPegged(OrderPegged {
            instrument: order.instrument,
            order: order.id,
            account: order.account,
            price,
        }));
        true
    }
}

impl Market {
    /// The price of a pegged order that waited, if the book and the filters let it have one.
    pub(super) fn price_now(&self, time: Time, order: &Order) -> Option<Decimal> {
        let price = self.pegged_price(order)?;
        self.price_filter(price).ok()?;
        self.percent_filters(time, order.side, price).ok()?;
        self.notional_filters(price, order.qty).ok()?;
        Some(price)
    }

    pub(super) fn waiting(&self, id: OrderId) -> &Waiting {
        let found = self.waiting.iter().find(|w| w.order.id == id);
        found.expect("the order waits")
    }

    /// Takes an order out of those that wait, and out of the queue.
    pub(super) fn take_waiting(&mut self, id: OrderId) -> Waiting {
        self.queue.retain(|other| *other != id);
        let i = self.waiting.iter().position(|w| w.order.id == id);
        self.waiting.remove(i.expect("the order waits"))
    }

    /// A trade at `price` reached this order, or moved what it follows.
    fn touch(&mut self, time: Time, id: OrderId, price: Decimal, events: &mut Events) {
        let i = self.waiting.iter().position(|w| w.order.id == id);
        let w = &mut self.waiting[i.expect("the order waits")];
        let begins = w.extreme.is_none();
        if w.stage == Stage::Stop && asked(&w.order).trailing_delta == 0 {
            w.stage = Stage::Reached;
            self.queue.push(id);
            return;
        }
        w.stage = Stage::Trail;
        let extreme = w.extreme.unwrap_or(price);
        w.extreme = Some(match waits_above(&w.order) {
            true => extreme.min(price),
            false => extreme.max(price),
        });
        if begins {
            if let Some(condition) = &mut w.order.condition {
                condition.trailing_at = Some(time);
            }
            events.push(Event::TrailingStarted(TrailingStarted {
                instrument: w.order.instrument,
                order: id,
                account: w.order.account,
            }));
        } else if w.came_back(price) {
            w.stage = Stage::Reached;
            self.queue.push(id);
        }
    }
}
