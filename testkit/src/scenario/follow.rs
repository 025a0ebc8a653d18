//! Orders as their events tell of them, also after their end.

use std::collections::BTreeMap;

use protocol::{CloseReason, Event, Order, OrderStatus};
use types::{AccountId, Amount, ClientId, Decimal, OrderId};

/// Every order there was, by number.
#[derive(Debug, Default)]
pub(crate) struct Followed(BTreeMap<OrderId, Order>);

impl Followed {
    /// The newest of an account's orders of this name.
    pub fn find(&self, account: AccountId, name: &ClientId) -> Option<&Order> {
        let mut newest = self.0.values().rev();
        newest.find(|order| order.account == account && order.client_id == *name)
    }

    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::OrderPlaced(placed) => {
                self.0.insert(placed.order.id, placed.order.clone());
            }
            Event::Traded(t) => {
                for party in [&t.maker, &t.taker] {
                    self.traded(party.order, t.qty, t.quote, party.open_qty);
                }
            }
            Event::OrderClosed(closed) => self.change(closed.order, |order| {
                order.status = match closed.reason {
                    CloseReason::Canceled => OrderStatus::Canceled,
                    CloseReason::Prevented => OrderStatus::ExpiredInMatch,
                    _ => OrderStatus::Expired,
                };
            }),
            Event::OrderAmended(amended) => self.change(amended.order, |order| {
                order.qty = amended.qty;
                order.client_id = amended.client_id;
            }),
            Event::WaitingAmended(amended) => self.change(amended.order, |order| {
                order.qty = amended.qty;
                order.client_id = amended.client_id;
            }),
            Event::WaitingDecremented(e) => {
                self.change(e.order, |order| order.prevented_qty.0 += e.qty.0);
            }
            Event::OrderActivated(begun) => self.change(begun.order, |order| {
                order.status = OrderStatus::New;
                order.qty = begun.qty;
            }),
            Event::MatchPrevented(p) => {
                for (id, qty) in [(p.maker, p.maker_prevented), (p.taker, p.taker_prevented)] {
                    self.change(id, |order| order.prevented_qty.0 += qty.0);
                }
            }
            _ => {}
        }
    }

    fn traded(&mut self, id: OrderId, qty: Decimal, quote: Amount, open: Decimal) {
        self.change(id, |order| {
            order.executed_qty.0 += qty.0;
            order.executed_quote = order.executed_quote.plus(quote);
            order.status = match open.is_zero() {
                true => OrderStatus::Filled,
                false => OrderStatus::PartiallyFilled,
            };
        });
    }

    fn change(&mut self, id: OrderId, change: impl FnOnce(&mut Order)) {
        if let Some(order) = self.0.get_mut(&id) {
            change(order);
        }
    }
}
