//! From matches to money: what each meeting of orders changes.

use contract::{Fill, Match};
use matching::{Limit, MatchKind, Remainder, Stop};
use orders::LiveOrder;
use protocol::{Event, Events, Party, Traded};
use types::{Amount, Qty, Time, TradeId};

use crate::Engine;
use crate::commission::Paid;
use crate::place::Plan;

/// One incoming order on its way through its matches.
pub(crate) struct Passage<'a> {
    pub time: Time,
    pub plan: &'a Plan,
    /// What stays open of the taker.
    pub open: Qty,
    pub stop: Stop,
    /// What the taker may still give of the asset in which commission may be paid; zero while that asset is neither of the market's.
    pub reserve: Amount,
}

impl Engine {
    /// Settles everything in `self.matches`. Answers the first prevented match.
    pub(crate) fn settle(
        &mut self,
        time: Time,
        plan: &Plan,
        remainder: &Remainder,
        taker: &mut LiveOrder,
        out: &mut Events,
    ) -> Option<u64> {
        let rest = self.open_after(plan, remainder);
        let mut passage = Passage {
            time,
            plan,
            open: Qty(self.consumed() + rest.0),
            stop: remainder.stop,
            reserve: if self.fees.is_flat() {
                Amount::ZERO
            } else {
                self.reserve(plan, rest)
            },
        };
        let mut prevented = None;
        for at in 0..self.matches.len() {
            let matched = self.matches[at];
            match matched.kind {
                MatchKind::Trade => self.trade(&mut passage, &matched, taker, out),
                MatchKind::Prevented {
                    maker_ends,
                    taker_ends,
                } => {
                    let id = self.prevent(&passage, &matched, (maker_ends, taker_ends), taker, out);
                    prevented = prevented.or(Some(id));
                }
                MatchKind::Decremented { transfer } => {
                    let id = self.decrement(&mut passage, &matched, transfer, taker, out);
                    prevented = prevented.or(Some(id));
                }
            }
        }
        if matches!(plan.limit, Limit::Notional(_)) {
            taker.qty = Qty(taker.executed.0 + taker.prevented.0);
        }
        prevented
    }

    fn trade(
        &mut self,
        passage: &mut Passage<'_>,
        matched: &matching::Match,
        taker: &mut LiveOrder,
        out: &mut Events,
    ) {
        let plan = passage.plan;
        let slot = matched.maker.slot;
        let maker_seat = self.markets[plan.market].live.get(slot).seat;
        let seats = [maker_seat, taker.seat];
        let rates = self.rates(plan.market, plan.side, seats);
        let market = &mut self.markets[plan.market];
        let contract = self.registry.contract_at(market.contract);
        let maker = market.live.get_mut(slot);
        let listed = maker.listed || taker.listed;
        let settlement = contract.settle(
            &market.terms,
            &Match {
                price: matched.price,
                qty: matched.qty,
                aggressor_side: plan.side,
                rates: rates.rates,
            },
        );
        for order in [&mut *maker, &mut *taker] {
            order.executed.0 += matched.qty.0;
            order.executed_quote = order.executed_quote.plus(settlement.quote);
            order.updated_at = passage.time;
        }
        let balances = market.balances(maker_seat);
        let risked = risk::OpenOrder {
            side: plan.side.opposite(),
            price: matched.price,
            open: Qty(matched.maker_open.0 + matched.qty.0),
        };
        risk::release(
            &mut self.ledger,
            contract,
            &market.terms,
            risked,
            matched.maker_open,
            balances,
        );
        let taker_balances = market.balances(taker.seat);
        risk::post(
            &mut self.ledger,
            &settlement,
            balances,
            taker_balances,
            market.fees,
        );
        let (time, price) = (passage.time, matched.price);
        market.traded(time, price, matched.qty);
        passage.open.0 -= matched.qty.0;
        if matched.maker_open.0 == 0 {
            let filled = market.live.remove(slot);
            market.forget(&filled);
        }
        let at = (time, plan.market, plan.side);
        let paid = self.paid(at, seats, &rates, &settlement, &mut passage.reserve);
        if listed {
            self.listed_traded(plan, matched, taker.id, (&settlement, paid));
        }
        let told = (settlement.quote, paid);
        self.tell_trade(passage, matched, (maker_seat, &*taker), told, out);
        if !self.markets[plan.market].waiting.is_empty() {
            self.reach(time, plan.market, price, out);
        }
    }

    fn tell_trade(
        &mut self,
        passage: &Passage<'_>,
        matched: &matching::Match,
        (maker_seat, taker): (orders::SeatId, &LiveOrder),
        (quote, paid): (Amount, Paid),
        out: &mut Events,
    ) {
        let side = passage.plan.side;
        let market = &mut self.markets[passage.plan.market];
        market.last_trade += 1;
        let update = market.next_update();
        let party = |seat, order, (fee, fee_asset), open| Party {
            account: market.live.seat(seat).account,
            order,
            fee,
            fee_asset,
            open_qty: market.qty(open),
        };
        let event = Traded {
            instrument: market.id(),
            trade: TradeId(market.last_trade),
            price: market.price(matched.price),
            qty: market.qty(matched.qty),
            quote,
            aggressor_side: side,
            maker: party(maker_seat, matched.maker_id, paid[0], matched.maker_open),
            taker: party(taker.seat, taker.id, paid[1], passage.open),
            update,
        };
        if !self.registry.products().is_empty() {
            for (party, side) in [(&event.maker, side.opposite()), (&event.taker, side)] {
                self.fills.push(Fill {
                    instrument: event.instrument,
                    account: party.account,
                    order: party.order,
                    side,
                    price: matched.price,
                    qty: matched.qty,
                });
            }
        }
        out.push(Event::Traded(event));
        if matched.refill > Qty(0) {
            self.tell_refill(passage, matched, out);
        }
    }
}
