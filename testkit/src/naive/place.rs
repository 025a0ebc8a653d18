//! What an order does at the book: it takes, rests or ends.

use protocol::{
    CloseReason, Event, Events, IcebergShown, Instrument, MatchPrevented, MatchPreventedInGroup,
    Order, OrderClosed, OrderDecremented, OrderPlaced, OrderRested, OrderStatus, Party, PlaceOrder,
    Placed, RejectCode, Reply, StpMode, TimeInForce, Traded, Transferred,
};
use types::{AccountId, Amount, AssetId, ClientId, Decimal, OrderId, Side, Time, TradeId, Wallet};

use super::check::{Ahead, may_rest};
use super::fees::Half;
use super::lists::What;
use super::walk::{End, Meeting, Met, Passage, last_rank, lessen};
use super::{Market, Naive, Resting, by_market, waits};

/// An order on its way.
struct Way {
    at: usize,
    time: Time,
    /// What is open of it.
    open: Decimal,
    /// What it may still give.
    keeps: (AssetId, i128),
}

/// What an order gives and what it takes at a trade.
fn both(spec: &Instrument, side: Side, base: i128, quote: i128) -> [(AssetId, i128); 2] {
    let (base, quote) = ((spec.base, base), (spec.quote, quote));
    match side {
        Side::Buy => [quote, base],
        Side::Sell => [base, quote],
    }
}

impl Market {
    fn position(&self, id: OrderId) -> usize {
        let found = self.book.iter().position(|r| r.order.id == id);
        found.expect("a meeting is with an open order")
    }

    /// What a meeting takes from an order of this side.
    fn gives(&self, side: Side, meeting: &Meeting) -> i128 {
        match side {
            Side::Buy => self.quote_down(i128::from(meeting.price.0) * i128::from(meeting.qty.0)),
            Side::Sell => self.base(meeting.qty),
        }
    }

    /// What an order may give from now on: its meetings as a whole, and the hold of what rests of it.
    fn spends(&self, order: &Order, passage: &Passage) -> (AssetId, i128) {
        let now = match order.side {
            Side::Buy => self.quote_down(passage.notional()),
            Side::Sell => passage.moving().map(|m| self.base(m.qty)).sum(),
        };
        let (asset, later) = self.hold(order.side, order.price, passage.rest);
        (asset, now + if may_rest(order) { later } else { 0 })
    }
}

impl Naive {
    pub(super) fn place(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
        events: &mut Events,
    ) -> Result<Reply, RejectCode> {
        let order = self.draft(time, actor, c, Ahead::default())?;
        self.affords(&order)?;
        Ok(Reply::Placed(Box::new(self.act(time, order, events))))
    }

    /// Places an order that was checked.
    pub(super) fn act(&mut self, time: Time, mut order: Order, events: &mut Events) -> Placed {
        let at = order.instrument.0 as usize - 1;
        order.id = self.markets[at].next_order();
        events.push(Event::OrderPlaced(OrderPlaced {
            order: order.clone(),
        }));
        let mut prevented_match = None;
        if waits(&order) {
            let hold = self.need(&order).expect("it was checked");
            self.let_wait(at, order.clone(), hold);
        } else {
            prevented_match = self.enter(time, at, &mut order, events);
        }
        Placed {
            order,
            prevented_match,
        }
    }

    /// Brings an order to the book. Answers the first match that was prevented.
    pub(super) fn enter(
        &mut self,
        time: Time,
        at: usize,
        order: &mut Order,
        events: &mut Events,
    ) -> Option<u64> {
        let range = self.markets[at].range_now(time, order.side);
        let mut passage = self.walk(at, order, range);
        if order.tif == TimeInForce::Fok && !passage.fills_whole() {
            let in_range = !self.walk(at, order, None).fills_whole();
            passage = Passage {
                meetings: Vec::new(),
                end: if in_range {
                    End::Exhausted
                } else {
                    End::OutOfRange
                },
                rest: order.open_qty(),
            };
        }
        let mut way = Way {
            at,
            time,
            open: Decimal(passage.used() + passage.rest.0),
            keeps: self.markets[at].spends(order, &passage),
        };
        let mut prevented = None;
        for (i, meeting) in passage.meetings.iter().enumerate() {
            let ends = passage.end == End::Prevented && i + 1 == passage.meetings.len();
            let id = match meeting.met {
                Met::Trade => {
                    self.trade(&mut way, meeting, order, events);
                    None
                }
                Met::Expire => Some(self.expire(&way, meeting, order, events)),
                Met::Decrement { transfer } => {
                    Some(self.decrement(&mut way, meeting, order, (transfer, ends), events))
                }
            };
            prevented = prevented.or(id);
        }
        if order.quote_qty.0 > 0 {
            order.qty = Decimal(order.executed_qty.0 + order.prevented_qty.0);
        }
        self.finish(time, at, order, &passage, events);
        match order.status {
            OrderStatus::Filled => self.note(at, order.id, What::Filled),
            OrderStatus::Expired | OrderStatus::ExpiredInMatch => {
                self.note(at, order.id, What::Ended);
            }
            _ => {}
        }
        prevented
    }

    fn finish(
        &mut self,
        time: Time,
        at: usize,
        order: &mut Order,
        passage: &Passage,
        events: &mut Events,
    ) {
        if passage.end == End::Filled {
            order.status = OrderStatus::Filled;
            return;
        }
        if passage.end == End::Exhausted && may_rest(order) {
            if order.executed_qty.0 > 0 {
                order.status = OrderStatus::PartiallyFilled;
            }
            return self.rest(at, order, passage.rest, events);
        }
        let reason = match (passage.end, order.tif) {
            (End::Prevented, _) => CloseReason::Prevented,
            (End::OutOfRange, _) => CloseReason::PriceRange,
            _ if by_market(order.kind) => CloseReason::InsufficientLiquidity,
            (_, TimeInForce::Fok) => CloseReason::UnfilledFok,
            _ => CloseReason::UnfilledIoc,
        };
        // of one that prevention used up: what prevention took last
        let last = passage.meetings.last().map(|m| m.qty);
        let open_qty = match (passage.rest.0, last) {
            (0, Some(last)) => last,
            _ => passage.rest,
        };
        order.updated_at = time;
        order.status = match reason {
            CloseReason::Prevented => OrderStatus::ExpiredInMatch,
            _ => OrderStatus::Expired,
        };
        events.push(Event::OrderClosed(OrderClosed {
            instrument: order.instrument,
            order: order.id,
            account: order.account,
            reason,
            open_qty,
            client_id: ClientId::NONE,
            update: None,
        }));
        if reason == CloseReason::PriceRange {
            order.set_more(|more| more.reason = Some(reason));
        }
    }

    /// The remainder enters the book.
    fn rest(&mut self, at: usize, order: &Order, open_qty: Decimal, events: &mut Events) {
        let (asset, amount) = self.markets[at].hold(order.side, order.price, open_qty);
        self.add(order.account, Wallet::SPOT, asset, -amount, amount);
        let market = &mut self.markets[at];
        let shown = match order.iceberg_qty().0 {
            0 => open_qty,
            _ => open_qty.min(order.iceberg_qty()),
        };
        market.book.push(Resting {
            order: order.clone(),
            shown,
            rank: last_rank(&market.book) + 1,
        });
        events.push(Event::OrderRested(OrderRested {
            instrument: order.instrument,
            order: order.id,
            side: order.side,
            price: order.price,
            open_qty: shown,
            update: market.next_update(),
        }));
    }

    fn trade(&mut self, way: &mut Way, meeting: &Meeting, taker: &mut Order, events: &mut Events) {
        let (at, time) = (way.at, way.time);
        let market = &mut self.markets[at];
        let spec = market.instrument.clone();
        let i = market.position(meeting.maker);
        let notional = i128::from(meeting.price.0) * i128::from(meeting.qty.0);
        let (quote, base) = (market.quote_down(notional), market.base(meeting.qty));
        way.open.0 -= meeting.qty.0;
        way.keeps.1 -= market.gives(taker.side, meeting);
        let maker = &mut market.book[i].order;
        let held = maker.open_qty();
        for order in [&mut *maker, &mut *taker] {
            order.executed_qty.0 += meeting.qty.0;
            order.executed_quote.0 += quote;
            order.updated_at = time;
        }
        maker.status = OrderStatus::PartiallyFilled;
        let maker = maker.clone();
        let refill = lessen(&mut market.book, i, meeting.qty);
        market.trades.push((time, meeting.price, meeting.qty));
        market.reference_traded(time, meeting.price);
        let trade = TradeId(market.trades.len() as u64);
        let update = market.next_update();
        self.release(at, &maker, held);
        let accounts = [maker.account, taker.account];
        self.count_volume(at, time, (base, quote), accounts);
        self.exchange(&spec, [&maker, taker], (base, quote));
        let keeps = way.keeps;
        let mut half = |order: &Order, open_qty| {
            let [_, received] = both(&spec, order.side, base, quote);
            let own = order.account == accounts[1];
            let (fee_asset, fee) = self.charge(
                at,
                &Half {
                    account: order.account,
                    side: order.side,
                    maker: order.id == maker.id,
                    received,
                    keeps: if own { keeps } else { (keeps.0, 0) },
                },
            );
            Party {
                account: order.account,
                order: order.id,
                fee: Amount(fee),
                fee_asset,
                open_qty,
            }
        };
        let parties = [half(&maker, maker.open_qty()), half(taker, way.open)];
        for party in parties {
            let net = match party.fee_asset == spec.base {
                true => base - party.fee.0,
                false => base,
            };
            self.note(at, party.order, What::Traded { gross: base, net });
        }
        if maker.open_qty().0 == 0 {
            self.note(at, maker.id, What::Filled);
        }
        let [maker_half, taker_half] = parties;
        events.push(Event::Traded(Traded {
            instrument: spec.id,
            trade,
            price: meeting.price,
            qty: meeting.qty,
            quote: Amount(quote),
            aggressor_side: taker.side,
            maker: maker_half,
            taker: taker_half,
            update,
        }));
        self.tell_refill(at, &maker, refill, events);
        self.reach(time, at, meeting.price, events);
    }

    /// Base and quote change hands between two orders' owners.
    fn exchange(&mut self, spec: &Instrument, orders: [&Order; 2], (base, quote): (i128, i128)) {
        for order in orders {
            let [gives, takes] = both(spec, order.side, base, quote);
            self.add(order.account, Wallet::SPOT, gives.0, -gives.1, 0);
            self.add(order.account, Wallet::SPOT, takes.0, takes.1, 0);
        }
    }

    /// An order in the book had `held` open, and holds less now.
    pub(super) fn release(&mut self, at: usize, order: &Order, held: Decimal) {
        let market = &self.markets[at];
        let (asset, before) = market.hold(order.side, order.price, held);
        let (_, after) = market.hold(order.side, order.price, order.open_qty());
        let released = before - after;
        self.add(order.account, Wallet::SPOT, asset, released, -released);
    }

    pub(super) fn tell_refill(
        &mut self,
        at: usize,
        order: &Order,
        delta: Option<Decimal>,
        events: &mut Events,
    ) {
        if let Some(delta) = delta {
            events.push(Event::IcebergShown(IcebergShown {
                instrument: order.instrument,
                order: order.id,
                side: order.side,
                price: order.price,
                delta,
                update: self.markets[at].next_update(),
            }));
        }
    }

    fn tell_prevented(
        &mut self,
        way: &Way,
        meeting: &Meeting,
        (maker, taker): (&Order, &Order),
        (mode, lost): (StpMode, [Decimal; 2]),
        events: &mut Events,
    ) -> u64 {
        let market = &mut self.markets[way.at];
        market.prevented += 1;
        let id = market.prevented;
        events.push(Event::MatchPrevented(MatchPrevented {
            instrument: taker.instrument,
            id,
            mode,
            price: meeting.price,
            maker: maker.id,
            maker_account: maker.account,
            maker_prevented: lost[0],
            taker: taker.id,
            taker_account: taker.account,
            taker_prevented: lost[1],
        }));
        if let Some(group) = self.groups.get(&taker.account) {
            events.push(Event::MatchPreventedInGroup(MatchPreventedInGroup {
                instrument: taker.instrument,
                id,
                group: *group,
            }));
        }
        id
    }

    /// Whole orders end.
    fn expire(
        &mut self,
        way: &Way,
        meeting: &Meeting,
        taker: &mut Order,
        events: &mut Events,
    ) -> u64 {
        let maker_ends = taker.stp != StpMode::ExpireTaker;
        let taker_ends = taker.stp != StpMode::ExpireMaker;
        if taker_ends {
            taker.prevented_qty.0 += way.open.0;
            taker.updated_at = way.time;
        }
        let market = &self.markets[way.at];
        let maker = market.book[market.position(meeting.maker)].order.clone();
        let zero_unless = |ends, qty| if ends { qty } else { Decimal::ZERO };
        let lost = [
            zero_unless(maker_ends, meeting.qty),
            zero_unless(taker_ends, way.open),
        ];
        let told = (taker.stp, lost);
        let id = self.tell_prevented(way, meeting, (&maker, taker), told, events);
        if maker_ends {
            let why = (CloseReason::Prevented, ClientId::NONE);
            self.close(way.time, way.at, meeting.maker, why, events);
            self.note(way.at, meeting.maker, What::Ended);
        }
        id
    }

    /// Both orders lose the quantity.
    fn decrement(
        &mut self,
        way: &mut Way,
        meeting: &Meeting,
        taker: &mut Order,
        (transfer, ends): (bool, bool),
        events: &mut Events,
    ) -> u64 {
        let at = way.at;
        let market = &mut self.markets[at];
        let i = market.position(meeting.maker);
        let maker = &mut market.book[i].order;
        let held = maker.open_qty();
        for order in [&mut *maker, &mut *taker] {
            order.prevented_qty.0 += meeting.qty.0;
            order.updated_at = way.time;
        }
        way.open.0 -= meeting.qty.0;
        let maker = maker.clone();
        let refill = lessen(&mut market.book, i, meeting.qty);
        let transfer = transfer && maker.account != taker.account;
        let mode = match transfer {
            true => StpMode::Transfer,
            false => StpMode::Decrement,
        };
        let told = (mode, [meeting.qty; 2]);
        let id = self.tell_prevented(way, meeting, (&maker, taker), told, events);
        self.release(at, &maker, held);
        if transfer {
            way.keeps.1 -= self.markets[at].gives(taker.side, meeting);
            self.change_hands(at, meeting, (&maker, taker), events);
        }
        let told = |order: &Order, open_qty, update| {
            Event::OrderDecremented(OrderDecremented {
                instrument: order.instrument,
                order: order.id,
                account: order.account,
                qty: meeting.qty,
                open_qty,
                update,
            })
        };
        let update = Some(self.markets[at].next_update());
        if maker.open_qty().0 > 0 {
            events.push(told(&maker, maker.open_qty(), update));
            let (qty, prevented) = (meeting.qty, id);
            self.note(at, maker.id, What::Decremented { qty, prevented });
            self.tell_refill(at, &maker, refill, events);
        } else {
            self.note(at, maker.id, What::Ended);
            events.push(Event::OrderClosed(OrderClosed {
                instrument: maker.instrument,
                order: maker.id,
                account: maker.account,
                reason: CloseReason::Prevented,
                open_qty: meeting.qty,
                client_id: ClientId::NONE,
                update,
            }));
        }
        if way.open.0 > 0 && !ends {
            events.push(told(taker, way.open, None));
        }
        id
    }

    /// What was prevented is given all the same: it is no trade, and costs nothing.
    fn change_hands(
        &mut self,
        at: usize,
        meeting: &Meeting,
        (maker, taker): (&Order, &Order),
        events: &mut Events,
    ) {
        let market = &self.markets[at];
        let spec = market.instrument.clone();
        let notional = i128::from(meeting.price.0) * i128::from(meeting.qty.0);
        let (base, quote) = (market.base(meeting.qty), market.quote_down(notional));
        self.exchange(&spec, [maker, taker], (base, quote));
        for order in [maker, taker] {
            let sign = if order.side == Side::Buy { 1 } else { -1 };
            for (asset, delta) in [(spec.base, sign * base), (spec.quote, -sign * quote)] {
                if delta != 0 {
                    events.push(Event::Transferred(Transferred {
                        account: order.account,
                        wallet: Wallet::SPOT,
                        asset,
                        delta: Amount(delta),
                    }));
                }
            }
        }
    }
}
