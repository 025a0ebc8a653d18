//! Lowering an order's quantity in its place.

use matching::{Book, OrderRef};
use orders::Waiting;
use protocol::{
    AmendOrder, Amended, Event, Events, MarketStatus, OrderAmended, OrderKey, RejectCode,
};
use types::{AccountId, Qty, Time};

use crate::Engine;
use crate::cancel::{Canceled, Found, find, find_open, found_id};
use crate::market::Market;

/// An amend found free of errors.
#[derive(Clone, Copy)]
pub(crate) struct Amend {
    at: OrderRef,
    qty: Qty,
    /// Zero or less when everything that stays has been executed: the order ends.
    open: Qty,
}

/// Does this order wait for what another order of its list buys?
#[cold]
fn is_pending_opo(market: &Market, actor: AccountId, key: &OrderKey) -> bool {
    let Ok(Found::Waiting(id)) = find_open(market, actor, key) else {
        return false;
    };
    let list = market.lists.of(id).and_then(|list| market.lists.get(list));
    let pending = market.waiting.get(id).is_some_and(Waiting::is_pending);
    pending && list.is_some_and(|list| list.told.kind.pays())
}

impl Engine {
    pub(crate) fn check_amend(
        &self,
        actor: AccountId,
        c: &AmendOrder,
    ) -> Result<Amend, RejectCode> {
        let market = self.market(c.instrument)?;
        if market.spec.status() != MarketStatus::Trading {
            return Err(RejectCode::AmendClosed);
        }
        market.spec.offers_amends()?;
        let at = find(market, actor, &c.order).map_err(|code| match code {
            RejectCode::UnknownOrder if is_pending_opo(market, actor, &c.order) => {
                RejectCode::AmendPendingOpo
            }
            RejectCode::UnknownOrder => RejectCode::AmendUnknownOrder,
            other => other,
        })?;
        let qty = market.spec.qty(c.new_qty)?;
        let live = market.live.get(at.slot);
        if qty > live.qty {
            return Err(RejectCode::AmendIncrease);
        }
        if qty == live.qty {
            return Err(RejectCode::AmendNoChange);
        }
        let resting = market.book.get(at).ok_or(RejectCode::AmendUnknownOrder)?;
        market.spec.max_num_order_amends(live.amends)?;
        market.spec.min_notional(resting.price, qty)?;
        market.spec.notional(resting.price, qty)?;
        let other = market.live.find_client_id(live.seat, &c.client_id);
        let waits = market.waiting.find_client_id(live.seat, &c.client_id);
        if other.is_some_and(|slot| slot != at.slot) || waits.is_some() {
            return Err(RejectCode::DuplicateClientId);
        }
        if live.listed && market.lists.is_one_of_a_pair(live.id) {
            return Err(RejectCode::AmendPair);
        }
        if c.client_id.is_none() {
            return Err(RejectCode::UnsupportedCombination);
        }
        Ok(Amend {
            at,
            qty,
            open: Qty(qty.0 - live.executed.0 - live.prevented.0),
        })
    }

    /// Everything that stays of an order has been executed: it ends.
    fn end_amended(
        &mut self,
        time: Time,
        c: &AmendOrder,
        amend: Amend,
        out: &mut Events,
    ) -> protocol::Order {
        let found = Found::Book(amend.at);
        let id = found_id(&self.markets[c.instrument.0 as usize - 1], found);
        match self.cancel_found(time, c.instrument, found, c.client_id, out) {
            Canceled::One(order) => order,
            Canceled::List(list) => {
                let named = list.orders.into_iter().find(|order| order.id == id);
                named.expect("it was open")
            }
        }
    }

    pub(crate) fn act_amend(
        &mut self,
        time: Time,
        c: &AmendOrder,
        amend: Amend,
        out: &mut Events,
    ) -> Amended {
        let market = &mut self.markets[c.instrument.0 as usize - 1];
        let previous_client_id = market.live.get(amend.at.slot).client_id;
        if amend.open.0 <= 0 {
            let order = self.end_amended(time, c, amend, out);
            return Amended {
                order,
                previous_client_id,
            };
        }
        let resting = market.book.get(amend.at).expect("the order was found open");
        market.book.reduce(amend.at, amend.open);
        market.live.rename(amend.at.slot, c.client_id);
        let live = market.live.get(amend.at.slot);
        if live.listed {
            market.lists.rename(live.id, c.client_id);
        }
        let live = market.live.get_mut(amend.at.slot);
        live.qty = amend.qty;
        live.amends = live.amends.saturating_add(1);
        live.updated_at = time;
        let seat = live.seat;
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
            amend.open,
            balances,
        );
        let update = market.next_update();
        let order = market.open_order(market.live.get(amend.at.slot), &resting);
        out.push(Event::OrderAmended(OrderAmended {
            instrument: c.instrument,
            order: order.id,
            account: order.account,
            qty: order.qty,
            open_qty: market.qty(amend.open),
            client_id: c.client_id,
            update,
        }));
        if let Some(iceberg) = resting.iceberg {
            market.shown_less(&resting, Qty(iceberg.shown.0 - amend.open.0), out);
        }
        Amended {
            order,
            previous_client_id,
        }
    }
}
