//! Lowering an order's quantity in its place.
//!
//! * In the book it keeps its priority; an order that waits for a price or for another order goes on waiting, for less.
//! * The two orders of an OCO have one quantity: lowering one lowers the other, which keeps its name. Both must pass the filters then
//!   (public documents: order amend keep priority FAQ).
//! * The quantity of a pending order of an OPO is what will be bought: it cannot be lowered before.

use matching::{Book, OrderRef};
use protocol::{
    AmendOrder, Amended, Event, Events, MarketStatus, Order, OrderAmended, OrderKind, RejectCode,
    WaitingAmended,
};
use types::{AccountId, ClientId, OrderId, Qty, Time};

use crate::Engine;
use crate::cancel::{Canceled, Found, find_open, found_id};
use crate::market::Market;

/// An amend found free of errors.
#[derive(Clone, Copy)]
pub(crate) struct Amend {
    found: Found,
    /// The other order of its pair, if both are open.
    other: Option<Found>,
    qty: Qty,
    /// Zero or less when everything that stays has been executed: the order ends.
    open: Qty,
}

/// What there is of an order, and what is used up of it.
#[derive(Clone, Copy)]
struct Stands {
    qty: Qty,
    used: Qty,
    amends: u32,
}

impl Market {
    fn stands(&self, found: Found) -> Stands {
        match found {
            Found::Book(at) => {
                let live = self.live.get(at.slot);
                Stands {
                    qty: live.qty,
                    used: Qty(live.executed.0 + live.prevented.0),
                    amends: live.amends,
                }
            }
            Found::Waiting(id) => {
                let order = &self.waiting.get(id).expect("it waits").order;
                let lots = |qty| self.spec.lots(qty).expect("it was placed in lots");
                Stands {
                    qty: lots(order.qty),
                    used: lots(order.prevented_qty),
                    amends: self.waiting.amends(id),
                }
            }
        }
    }

    /// The filters that a lower quantity has to pass: those of its price, known or expected.
    fn check_lower(&self, time: Time, found: Found, qty: Qty) -> Result<(), RejectCode> {
        let spec = &self.spec;
        let price = match found {
            Found::Book(at) => self.book.get(at).map(|resting| resting.price),
            Found::Waiting(id) => {
                let waiting = self.waiting.get(id).ok_or(RejectCode::AmendUnknownOrder)?;
                let order = &waiting.order;
                if order.kind.is_market() {
                    spec.market_qty(self.qty(qty))?;
                }
                if order.kind == OrderKind::Market {
                    let average = |minutes| self.average(time, minutes);
                    spec.market_min_notional(qty, average)?;
                    return spec.market_notional(qty, average);
                }
                self.price_of_waiting(waiting)
            }
        };
        match price {
            Some(price) => {
                spec.min_notional(price, qty)?;
                spec.notional(price, qty)
            }
            None => Ok(()),
        }
    }
}

impl Engine {
    pub(crate) fn check_amend(
        &self,
        time: Time,
        actor: AccountId,
        c: &AmendOrder,
    ) -> Result<Amend, RejectCode> {
        let market = self.market(c.instrument)?;
        if market.spec.status() != MarketStatus::Trading {
            return Err(RejectCode::AmendClosed);
        }
        market.spec.offers_amends()?;
        let found = find_open(market, actor, &c.order).map_err(|code| match code {
            RejectCode::UnknownOrder => RejectCode::AmendUnknownOrder,
            other => other,
        })?;
        let id = found_id(market, found);
        if market.is_unsized(id) {
            return Err(RejectCode::AmendPendingOpo);
        }
        let qty = market.spec.qty(c.new_qty)?;
        let stands = market.stands(found);
        if qty > stands.qty {
            return Err(RejectCode::AmendIncrease);
        }
        if qty == stands.qty {
            return Err(RejectCode::AmendNoChange);
        }
        market.spec.max_num_order_amends(stands.amends)?;
        market.check_lower(time, found, qty)?;
        let other = market.other_of_pair(id).and_then(|id| market.place_of(id));
        if let Some(other) = other {
            market.check_lower(time, other, qty)?;
        }
        market.check_new_name(actor, id, &c.client_id)?;
        Ok(Amend {
            found,
            other,
            qty,
            open: Qty(qty.0 - stands.used.0),
        })
    }

    /// Everything that stays of an order has been executed: it ends.
    fn end_amended(
        &mut self,
        time: Time,
        c: &AmendOrder,
        amend: Amend,
        previous_client_id: ClientId,
        out: &mut Events,
    ) -> Amended {
        let id = found_id(&self.markets[c.instrument.0 as usize - 1], amend.found);
        let canceled = self.cancel_found(time, c.instrument, amend.found, c.client_id, out);
        let (order, list, related) = match canceled {
            Canceled::One(order) => (*order, None, Vec::new()),
            Canceled::List(mut list) => {
                let at = list.orders.iter().position(|order| order.id == id);
                let named = list.orders.remove(at.expect("it was open"));
                (named, Some(list.list), list.orders)
            }
        };
        Amended {
            order,
            previous_client_id,
            list,
            related,
        }
    }

    pub(crate) fn act_amend(
        &mut self,
        time: Time,
        c: &AmendOrder,
        amend: Amend,
        out: &mut Events,
    ) -> Amended {
        let at = c.instrument.0 as usize - 1;
        let market = &self.markets[at];
        let id = found_id(market, amend.found);
        let previous_client_id = market.name_of(amend.found);
        if amend.open.0 <= 0 {
            return self.end_amended(time, c, amend, previous_client_id, out);
        }
        let stands = market.stands(amend.found);
        let before = Qty(stands.qty.0 - stands.used.0);
        let order = self.lower(time, at, (amend.found, amend.qty), c.client_id, out);
        let other = amend.other.map(|other| {
            let name = self.markets[at].name_of(other);
            self.lower(time, at, (other, amend.qty), name, out)
        });
        self.hold_again(at, id, before);
        let lists = &self.markets[at].lists;
        let list = lists.of(id).and_then(|list| lists.get(list));
        Amended {
            order,
            previous_client_id,
            list: list.map(|list| list.told.clone()),
            related: other.into_iter().collect(),
        }
    }

    fn lower(
        &mut self,
        time: Time,
        at: usize,
        (found, qty): (Found, Qty),
        name: ClientId,
        out: &mut Events,
    ) -> Order {
        match found {
            Found::Book(place) => self.lower_in_book(time, at, (place, qty), name, out),
            Found::Waiting(id) => self.lower_waiting(time, at, (id, qty), name, out),
        }
    }

    fn lower_in_book(
        &mut self,
        time: Time,
        at: usize,
        (place, qty): (OrderRef, Qty),
        name: ClientId,
        out: &mut Events,
    ) -> Order {
        let market = &mut self.markets[at];
        let resting = market.book.get(place).expect("the order was found open");
        market.live.rename(place.slot, name);
        let live = market.live.get(place.slot);
        if live.listed {
            market.lists.rename(live.id, name);
        }
        let live = market.live.get_mut(place.slot);
        live.qty = qty;
        live.amends = live.amends.saturating_add(1);
        live.updated_at = time;
        let (seat, open) = (live.seat, Qty(qty.0 - live.executed.0 - live.prevented.0));
        market.book.reduce(place, open);
        let contract = self.registry.contract_at(market.contract);
        let risked = risk::OpenOrder {
            side: resting.side,
            price: resting.price,
            open: resting.open,
        };
        let balances = market.balances(seat);
        risk::release(
            &mut self.ledger,
            contract,
            &market.terms,
            risked,
            open,
            balances,
        );
        let update = market.next_update();
        let order = market.open_order(market.live.get(place.slot), &resting);
        out.push(Event::OrderAmended(OrderAmended {
            instrument: order.instrument,
            order: order.id,
            account: order.account,
            qty: order.qty,
            open_qty: market.qty(open),
            client_id: name,
            update,
        }));
        if let Some(iceberg) = resting.iceberg {
            market.shown_less(&resting, Qty(iceberg.shown.0 - open.0), out);
        }
        order
    }

    fn lower_waiting(
        &mut self,
        time: Time,
        at: usize,
        (id, qty): (OrderId, Qty),
        name: ClientId,
        out: &mut Events,
    ) -> Order {
        let market = &mut self.markets[at];
        let qty = market.qty(qty);
        market.waiting.rename(id, name);
        market.waiting.count_amend(id);
        market.lists.rename(id, name);
        let waiting = market.waiting.get_mut(id).expect("it was found waiting");
        waiting.order.qty = qty;
        waiting.order.updated_at = time;
        let order = waiting.order.clone();
        out.push(Event::WaitingAmended(WaitingAmended {
            instrument: order.instrument,
            order: id,
            account: order.account,
            qty,
            client_id: name,
        }));
        order
    }
}
