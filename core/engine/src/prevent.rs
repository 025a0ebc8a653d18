//! Self-trade prevention: what becomes of two orders of one party that meet.

use contract::{Match, Settlement};
use orders::LiveOrder;
use protocol::{
    CloseReason, Event, Events, MatchPrevented, MatchPreventedInGroup, OrderClosed,
    OrderDecremented, StpMode, Transferred,
};
use types::{AccountId, Amount, ClientId, Qty, Rate};

use crate::Engine;
use crate::cascade::Effect;
use crate::settle::Passage;

/// What both orders lost.
struct Lost {
    mode: StpMode,
    maker: Qty,
    taker: Qty,
}

impl Engine {
    /// Whole orders end.
    #[cold]
    pub(crate) fn prevent(
        &mut self,
        passage: &Passage<'_>,
        matched: &matching::Match,
        (maker_ends, taker_ends): (bool, bool),
        taker: &mut LiveOrder,
        out: &mut Events,
    ) -> u64 {
        if taker_ends {
            taker.prevented.0 += passage.open.0;
            taker.updated_at = passage.time;
        }
        let none_unless = |ends: bool, qty: Qty| if ends { qty } else { Qty(0) };
        let lost = Lost {
            mode: passage.plan.stp,
            maker: none_unless(maker_ends, matched.qty),
            taker: none_unless(taker_ends, passage.open),
        };
        let id = self.tell_prevented(passage, matched, &lost, taker, out);
        if maker_ends {
            self.end_maker(passage, matched, out);
        }
        id
    }

    /// Both orders lose the smaller quantity; it changes hands if their accounts differ and both ask for it.
    #[cold]
    pub(crate) fn decrement(
        &mut self,
        passage: &mut Passage<'_>,
        matched: &matching::Match,
        transfer: bool,
        taker: &mut LiveOrder,
        out: &mut Events,
    ) -> u64 {
        let market = &mut self.markets[passage.plan.market];
        let maker = market.live.get_mut(matched.maker.slot);
        for order in [&mut *maker, &mut *taker] {
            order.prevented.0 += matched.qty.0;
            order.updated_at = passage.time;
        }
        passage.open.0 -= matched.qty.0;
        let transfer = transfer && maker.seat != taker.seat;
        let lost = Lost {
            mode: match transfer {
                true => StpMode::Transfer,
                false => StpMode::Decrement,
            },
            maker: matched.qty,
            taker: matched.qty,
        };
        let id = self.tell_prevented(passage, matched, &lost, taker, out);
        let whole = matching::Match {
            qty: Qty(matched.maker_open.0 + matched.qty.0),
            ..*matched
        };
        self.release_maker(passage, &whole, matched.maker_open);
        if transfer {
            self.transfer_prevented(passage, matched, taker, out);
        }
        if matched.maker_open.0 == 0 {
            self.close_maker(passage, matched, out);
        } else {
            self.tell_decremented(passage, matched, None, out);
            self.note_decrement(passage, matched, id);
            if matched.refill > Qty(0) {
                self.tell_refill(passage, matched, out);
            }
        }
        let ends = passage.open.0 == 0
            || (passage.stop == matching::Stop::Prevented && self.is_last(matched));
        if !ends {
            self.tell_decremented(passage, matched, Some(taker), out);
        }
        id
    }

    /// A maker of a list lost something.
    fn note_decrement(&mut self, passage: &Passage<'_>, matched: &matching::Match, id: u64) {
        let at = passage.plan.market;
        let maker = self.markets[at].live.get(matched.maker.slot);
        if maker.listed {
            let effect = Effect::decremented(at, maker.id, matched.qty, id);
            self.effects.push(effect);
        }
    }

    fn is_last(&self, matched: &matching::Match) -> bool {
        self.matches.last() == Some(matched)
    }

    fn tell_prevented(
        &mut self,
        passage: &Passage<'_>,
        matched: &matching::Match,
        lost: &Lost,
        taker: &LiveOrder,
        out: &mut Events,
    ) -> u64 {
        let market = &mut self.markets[passage.plan.market];
        market.last_prevented += 1;
        let id = market.last_prevented;
        let instrument = market.id();
        let account = |seat| market.live.seat(seat).account;
        out.push(Event::MatchPrevented(MatchPrevented {
            instrument,
            id,
            mode: lost.mode,
            price: market.price(matched.price),
            maker: matched.maker_id,
            maker_account: account(market.live.get(matched.maker.slot).seat),
            maker_prevented: market.qty(lost.maker),
            taker: taker.id,
            taker_account: account(taker.seat),
            taker_prevented: market.qty(lost.taker),
        }));
        if let Some(group) = passage.plan.group {
            out.push(Event::MatchPreventedInGroup(MatchPreventedInGroup {
                instrument,
                id,
                group,
            }));
        }
        id
    }

    /// The maker ends whole.
    fn end_maker(&mut self, passage: &Passage<'_>, matched: &matching::Match, out: &mut Events) {
        self.release_maker(passage, matched, Qty(0));
        self.close_maker(passage, matched, out);
    }

    /// Releases what the maker, with `matched.qty` open, does not need any more when `open` stays.
    fn release_maker(&mut self, passage: &Passage<'_>, matched: &matching::Match, open: Qty) {
        let market = &self.markets[passage.plan.market];
        let contract = self.registry.contract_at(market.contract);
        let balances = market.balances(market.live.get(matched.maker.slot).seat);
        let risked = risk::OpenOrder {
            side: passage.plan.side.opposite(),
            price: matched.price,
            open: matched.qty,
        };
        risk::release(
            &mut self.ledger,
            contract,
            &market.terms,
            risked,
            open,
            balances,
        );
    }

    /// The next part of an iceberg is shown.
    #[cold]
    pub(crate) fn tell_refill(
        &mut self,
        passage: &Passage<'_>,
        matched: &matching::Match,
        out: &mut Events,
    ) {
        let plan = passage.plan;
        let place = (matched.maker_id, plan.side.opposite(), matched.price);
        self.markets[plan.market].tell_shown(place, matched.refill, out);
    }

    /// The maker has left the book.
    fn close_maker(&mut self, passage: &Passage<'_>, matched: &matching::Match, out: &mut Events) {
        let market = &mut self.markets[passage.plan.market];
        let maker = market.live.remove(matched.maker.slot);
        if maker.listed {
            let effect = Effect::ended(passage.plan.market, maker.id);
            self.effects.push(effect);
        }
        market.forget(&maker);
        let update = market.next_update();
        out.push(Event::OrderClosed(OrderClosed {
            instrument: market.id(),
            order: maker.id,
            account: market.live.seat(maker.seat).account,
            reason: CloseReason::Prevented,
            open_qty: market.qty(matched.shown),
            client_id: ClientId::NONE,
            update: Some(update),
        }));
    }

    /// The maker, or this taker, goes on with less.
    fn tell_decremented(
        &mut self,
        passage: &Passage<'_>,
        matched: &matching::Match,
        taker: Option<&LiveOrder>,
        out: &mut Events,
    ) {
        let market = &mut self.markets[passage.plan.market];
        let update = taker.is_none().then(|| market.next_update());
        let order = taker.unwrap_or_else(|| market.live.get(matched.maker.slot));
        let open = match taker {
            Some(_) => passage.open,
            None => matched.maker_open,
        };
        out.push(Event::OrderDecremented(OrderDecremented {
            instrument: market.id(),
            order: order.id,
            account: market.live.seat(order.seat).account,
            qty: market.qty(matched.qty),
            open_qty: market.qty(open),
            update,
        }));
    }

    /// What was prevented changes hands, without commission and without being a trade.
    fn transfer_prevented(
        &mut self,
        passage: &mut Passage<'_>,
        matched: &matching::Match,
        taker: &LiveOrder,
        out: &mut Events,
    ) {
        let market = &self.markets[passage.plan.market];
        let contract = self.registry.contract_at(market.contract);
        let maker = market.live.get(matched.maker.slot);
        let settlement = contract.settle(
            &market.terms,
            &Match {
                price: matched.price,
                qty: matched.qty,
                aggressor_side: passage.plan.side,
                rates: [Rate(0); 2],
            },
        );
        let balances = [maker.seat, taker.seat].map(|seat| market.balances(seat));
        risk::post(
            &mut self.ledger,
            &settlement,
            balances[0],
            balances[1],
            market.fees,
        );
        if passage.reserve > Amount::ZERO {
            let given: i128 = settlement.taker.legs.iter().map(|leg| leg.0.min(0)).sum();
            passage.reserve = Amount(passage.reserve.0.saturating_add(given).max(0));
        }
        let accounts = [maker.seat, taker.seat].map(|seat| market.live.seat(seat).account);
        tell_transfer(market, accounts, &settlement, out);
    }
}

/// Each party's gain and loss of both assets.
fn tell_transfer(
    market: &crate::market::Market,
    accounts: [AccountId; 2],
    settlement: &Settlement,
    out: &mut Events,
) {
    for (account, change) in accounts
        .into_iter()
        .zip([&settlement.maker, &settlement.taker])
    {
        for (asset, delta) in market.legs().into_iter().zip(change.legs) {
            if delta != Amount::ZERO {
                out.push(Event::Transferred(Transferred {
                    account,
                    wallet: market.wallet,
                    asset,
                    delta,
                }));
            }
        }
    }
}
