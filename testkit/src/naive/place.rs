use protocol::{
    CloseReason, Event, Events, Instrument, LotSizeFilter, MarketStatus, MatchPrevented, Order,
    OrderClosed, OrderKind, OrderPlaced, OrderRested, OrderStatus, Party, PlaceOrder, Placed,
    RejectCode, Reply, StpMode, TimeInForce, Traded,
};
use types::{AccountId, Amount, AssetId, ClientId, Decimal, OrderId, Side, Time, TradeId, Wallet};

use super::fees::Half;
use super::{Market, Naive, SCALE};

/// How an order's passage through the book ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Filled,
    Exhausted,
    Prevented,
}

/// One meeting: which maker, how much, and whether it was prevented.
#[derive(Clone, Copy, Debug)]
struct Meeting {
    maker: OrderId,
    price: Decimal,
    qty: Decimal,
    prevented: bool,
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
    /// What a meeting takes from an order of this side.
    fn gives(&self, side: Side, meeting: &Meeting) -> i128 {
        match side {
            Side::Buy => self.quote_down(i128::from(meeting.price.0) * i128::from(meeting.qty.0)),
            Side::Sell => self.base(meeting.qty),
        }
    }

    /// What an order may give from now on: its meetings as a whole, and the hold of what rests of it.
    fn spends(&self, c: &PlaceOrder, meetings: &[Meeting], rest: Decimal) -> (AssetId, i128) {
        let trades = || meetings.iter().filter(|m| !m.prevented);
        let now = match c.side {
            Side::Buy => {
                let each = trades().map(|m| i128::from(m.price.0) * i128::from(m.qty.0));
                self.quote_down(each.sum())
            }
            Side::Sell => trades().map(|m| self.base(m.qty)).sum(),
        };
        let (asset, later) = self.hold(c.side, c.price, rest);
        let rests = c.kind != OrderKind::Market && c.tif == TimeInForce::Gtc;
        (asset, now + if rests { later } else { 0 })
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
        self.check_new(time, actor, c)?;
        self.check_possible(actor, c)?;
        let placed = self.act(time, actor, c, events);
        Ok(Reply::Placed(Box::new(placed)))
    }

    pub(super) fn check_new(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
    ) -> Result<(), RejectCode> {
        if !self.is_user(actor) {
            return Err(RejectCode::NotPermitted);
        }
        let market = self.market(c.instrument)?;
        let spec = market.instrument.clone();
        let limit = c.kind != OrderKind::Market;
        let combination = if limit {
            c.quote_qty.0 == 0 && (c.kind == OrderKind::Limit || c.tif == TimeInForce::Gtc)
        } else {
            c.price.0 == 0 && (c.qty.0 == 0) != (c.quote_qty.0 == 0) && c.tif != TimeInForce::Fok
        };
        if !combination || c.quote_qty.0 < 0 || c.client_id.is_none() {
            return Err(RejectCode::UnsupportedCombination);
        }
        market.price_filters(time, c)?;
        market.qty_filters(c)?;
        market.notional_filter(time, c)?;
        let filters = spec.filters;
        let may_rest = limit && c.tif == TimeInForce::Gtc;
        let own = || market.orders.iter().filter(|o| o.account == actor);
        if may_rest
            && filters
                .max_num_orders
                .is_some_and(|max| own().count() >= max as usize)
        {
            return Err(RejectCode::MaxNumOrders);
        }
        if c.side == Side::Buy && !self.position_fits(actor, c)? {
            return Err(RejectCode::MaxPosition);
        }
        let market = self.market(c.instrument)?;
        let own = || market.orders.iter().filter(|o| o.account == actor);
        if !spec.allowed_stp.contains(c.stp.unwrap_or(spec.default_stp)) {
            return Err(RejectCode::StpModeNotAllowed);
        }
        if spec.status != MarketStatus::Trading {
            return Err(RejectCode::MarketClosed);
        }
        if own().any(|o| o.client_id == c.client_id) {
            return Err(RejectCode::DuplicateClientId);
        }
        Ok(())
    }

    /// What the actor owns of the base asset, wants in open orders and wants now, against MAX_POSITION.
    fn position_fits(&mut self, actor: AccountId, c: &PlaceOrder) -> Result<bool, RejectCode> {
        let market = self.market(c.instrument)?.clone();
        let Some(max) = market.instrument.filters.max_position else {
            return Ok(true);
        };
        let base = market.instrument.base;
        let bids = market
            .orders
            .iter()
            .filter(|o| o.account == actor && o.side == Side::Buy);
        let wanted: i128 = bids.map(|o| i128::from(o.open_qty().0)).sum();
        let now = if c.quote_qty.0 > 0 {
            let (meetings, ..) = market.walk(actor, c);
            let trades = meetings.iter().filter(|m| !m.prevented);
            trades.map(|m| i128::from(m.qty.0)).sum()
        } else {
            i128::from(c.qty.0)
        };
        let (free, held) = self
            .balances
            .get(&(actor, Wallet::SPOT, base))
            .copied()
            .unwrap_or_default();
        let unit = 10_i128.pow(u32::from(self.assets[base.0 as usize - 1].1));
        let position = (free + held)
            .checked_mul(SCALE)
            .zip((wanted + now).checked_mul(unit))
            .and_then(|(owned, wants)| owned.checked_add(wants));
        Ok(position.is_some_and(|position| position <= i128::from(max.0) * unit))
    }

    pub(super) fn check_possible(
        &mut self,
        actor: AccountId,
        c: &PlaceOrder,
    ) -> Result<(), RejectCode> {
        let market = self.market(c.instrument)?;
        let (base, quote) = (market.instrument.base, market.instrument.quote);
        let (asset, need) = if c.kind == OrderKind::Market {
            let (meetings, end, _) = market.walk(actor, c);
            let trades = meetings.iter().filter(|m| !m.prevented);
            let (mut lots, mut notional) = (0_i128, 0_i128);
            for m in trades {
                lots += i128::from(m.qty.0);
                notional += i128::from(m.price.0) * i128::from(m.qty.0);
            }
            let lot = market.instrument.lot_size().0;
            if c.quote_qty.0 > 0 && lots >= i128::from(i64::MAX / lot * lot) {
                return Err(RejectCode::LotSize);
            }
            if c.quote_qty.0 > 0 && end != End::Prevented {
                check_gets_enough(market, lots, end)?;
            }
            match (c.side, c.quote_qty.0 > 0) {
                (Side::Buy, true) => {
                    // the budget is counted in whole ticks x lots
                    let unit = i128::from(market.instrument.tick_size().0)
                        * i128::from(market.instrument.lot_size().0);
                    let budget = i128::from(c.quote_qty.0) * SCALE / unit * unit;
                    (quote, market.quote_down(budget))
                }
                (Side::Buy, false) => (quote, market.quote_down(notional)),
                (Side::Sell, true) => {
                    let qty = Decimal(i64::try_from(lots).unwrap_or(i64::MAX));
                    (base, market.base(qty))
                }
                (Side::Sell, false) => (base, market.base(c.qty)),
            }
        } else {
            if market.quote_down(i128::from(c.price.0) * i128::from(c.qty.0)) == 0 {
                return Err(RejectCode::NothingToTrade);
            }
            if c.kind == OrderKind::LimitMaker {
                let other = market.best(c.side.opposite());
                if other.is_some_and(|at| reaches(c, market.orders[at].price)) {
                    return Err(RejectCode::WouldTake);
                }
            }
            market.hold(c.side, c.price, c.qty)
        };
        if self.free(actor, Wallet::SPOT, asset) < need {
            return Err(RejectCode::InsufficientBalance);
        }
        Ok(())
    }

    /// Places an order that was checked.
    pub(super) fn act(
        &mut self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
        events: &mut Events,
    ) -> Placed {
        let at = c.instrument.0 as usize - 1;
        let market = &mut self.markets[at];
        market.last_order += 1;
        let mut order = market.new_order(time, actor, c);
        events.push(Event::OrderPlaced(OrderPlaced {
            order: order.clone(),
        }));
        let (meetings, end, rest) = market.walk(actor, c);
        if c.tif == TimeInForce::Fok && end != End::Filled {
            return self.close(order, (CloseReason::UnfilledFok, c.qty), None, events);
        }
        let traded: i64 = meetings
            .iter()
            .filter(|m| !m.prevented)
            .map(|m| m.qty.0)
            .sum();
        let mut open = Decimal(traded + rest.0);
        let mut keeps = self.markets[at].spends(c, &meetings, rest);
        let mut prevented = None;
        for meeting in &meetings {
            if meeting.prevented {
                let id = self.prevent(at, time, meeting, &mut order, open, events);
                prevented = prevented.or(Some(id));
            } else {
                open.0 -= meeting.qty.0;
                keeps.1 -= self.markets[at].gives(c.side, meeting);
                self.trade(at, time, meeting, &mut order, (open, keeps), events);
            }
        }
        if c.quote_qty.0 > 0 {
            order.qty = Decimal(order.executed_qty.0 + order.prevented_qty.0);
        }
        match end {
            End::Filled => order.status = OrderStatus::Filled,
            End::Exhausted if c.kind != OrderKind::Market && c.tif == TimeInForce::Gtc => {
                if order.executed_qty.0 > 0 {
                    order.status = OrderStatus::PartiallyFilled;
                }
                self.rest(at, &order, rest, events);
            }
            _ => {
                let reason = match (end, c.kind) {
                    (End::Prevented, _) => CloseReason::Prevented,
                    (_, OrderKind::Market) => CloseReason::InsufficientLiquidity,
                    _ => CloseReason::UnfilledIoc,
                };
                order.updated_at = time;
                return self.close(order, (reason, rest), prevented, events);
            }
        }
        Placed {
            order,
            prevented_match: prevented,
        }
    }

    /// The remainder enters the book.
    fn rest(&mut self, at: usize, order: &Order, open_qty: Decimal, events: &mut Events) {
        let (asset, amount) = self.markets[at].hold(order.side, order.price, open_qty);
        self.add(order.account, Wallet::SPOT, asset, -amount, amount);
        let market = &mut self.markets[at];
        market.orders.push(order.clone());
        events.push(Event::OrderRested(OrderRested {
            instrument: order.instrument,
            order: order.id,
            side: order.side,
            price: order.price,
            open_qty,
            update: market.next_update(),
        }));
    }

    fn close(
        &mut self,
        mut order: Order,
        (reason, open_qty): (CloseReason, Decimal),
        prevented_match: Option<u64>,
        events: &mut Events,
    ) -> Placed {
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
        Placed {
            order,
            prevented_match,
        }
    }

    fn trade(
        &mut self,
        at: usize,
        time: Time,
        meeting: &Meeting,
        taker: &mut Order,
        (open, keeps): (Decimal, (AssetId, i128)),
        events: &mut Events,
    ) {
        let market = &mut self.markets[at];
        let spec = market.instrument.clone();
        let index = position(market, meeting.maker);
        let notional = i128::from(meeting.price.0) * i128::from(meeting.qty.0);
        let (quote, base) = (market.quote_down(notional), market.base(meeting.qty));
        let maker = &mut market.orders[index];
        let held = maker.open_qty();
        for order in [&mut *maker, taker] {
            order.executed_qty.0 += meeting.qty.0;
            order.executed_quote.0 += quote;
            order.updated_at = time;
        }
        maker.status = OrderStatus::PartiallyFilled;
        let maker = maker.clone();
        let maker_open = maker.open_qty();
        let (held_asset, before) = market.hold(maker.side, maker.price, held);
        let (_, after) = market.hold(maker.side, maker.price, maker_open);
        if maker_open.0 == 0 {
            market.orders.remove(index);
        }
        market.trades.push((time, meeting.price, meeting.qty));
        let trade = TradeId(market.trades.len() as u64);
        let update = market.next_update();
        let released = before - after;
        self.add(maker.account, Wallet::SPOT, held_asset, released, -released);
        let accounts = [maker.account, taker.account];
        self.count_volume(at, time, (base, quote), accounts);
        for order in [&maker, &*taker] {
            let [gives, takes] = both(&spec, order.side, base, quote);
            self.add(order.account, Wallet::SPOT, gives.0, -gives.1, 0);
            self.add(order.account, Wallet::SPOT, takes.0, takes.1, 0);
        }
        let mut half = |order: &Order, open_qty| {
            let [_, received] = both(&spec, order.side, base, quote);
            let (fee_asset, fee) = self.charge(
                at,
                &Half {
                    account: order.account,
                    side: order.side,
                    maker: order.id == maker.id,
                    received,
                    keeps: if order.account == accounts[1] {
                        keeps
                    } else {
                        (keeps.0, 0)
                    },
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
        let (maker, taker_half) = (half(&maker, maker_open), half(taker, open));
        events.push(Event::Traded(Traded {
            instrument: spec.id,
            trade,
            price: meeting.price,
            qty: meeting.qty,
            quote: Amount(quote),
            aggressor_side: taker.side,
            maker,
            taker: taker_half,
            update,
        }));
    }

    fn prevent(
        &mut self,
        at: usize,
        time: Time,
        meeting: &Meeting,
        taker: &mut Order,
        open: Decimal,
        events: &mut Events,
    ) -> u64 {
        let market = &mut self.markets[at];
        market.prevented += 1;
        let id = market.prevented;
        let index = position(market, meeting.maker);
        let maker_ends = taker.stp != StpMode::ExpireTaker;
        let taker_ends = taker.stp != StpMode::ExpireMaker;
        if taker_ends {
            taker.prevented_qty = open;
            taker.updated_at = time;
        }
        let zero_unless = |ends, qty| if ends { qty } else { Decimal::ZERO };
        events.push(Event::MatchPrevented(MatchPrevented {
            instrument: taker.instrument,
            id,
            mode: taker.stp,
            price: meeting.price,
            maker: meeting.maker,
            maker_account: taker.account,
            maker_prevented: zero_unless(maker_ends, meeting.qty),
            taker: taker.id,
            taker_account: taker.account,
            taker_prevented: zero_unless(taker_ends, open),
        }));
        if maker_ends {
            let maker = market.orders.remove(index);
            let (asset, held) = market.hold(maker.side, maker.price, meeting.qty);
            let update = market.next_update();
            self.add(maker.account, Wallet::SPOT, asset, held, -held);
            events.push(Event::OrderClosed(OrderClosed {
                instrument: maker.instrument,
                order: maker.id,
                account: maker.account,
                reason: CloseReason::Prevented,
                open_qty: meeting.qty,
                client_id: ClientId::NONE,
                update: Some(update),
            }));
        }
        id
    }
}

impl Market {
    fn new_order(&self, time: Time, actor: AccountId, c: &PlaceOrder) -> Order {
        Order {
            instrument: c.instrument,
            id: OrderId(self.last_order),
            account: actor,
            client_id: c.client_id,
            side: c.side,
            kind: c.kind,
            tif: c.tif,
            stp: c.stp.unwrap_or(self.instrument.default_stp),
            price: c.price,
            qty: c.qty,
            quote_qty: c.quote_qty,
            executed_qty: Decimal::ZERO,
            executed_quote: Amount::ZERO,
            prevented_qty: Decimal::ZERO,
            status: OrderStatus::New,
            placed_at: time,
            updated_at: time,
            strategy_id: c.strategy_id,
            strategy_kind: c.strategy_kind,
            condition: None,
            more: None,
        }
    }

    /// What the rest of a budget would have bought at the last price met, at least one lot.
    fn unspent(&self, budget: i128, meetings: &[Meeting]) -> i128 {
        let (tick, lot) = (self.instrument.tick_size(), self.instrument.lot_size().0);
        let last = meetings.last().map(|m| m.price);
        let price = last.or(self.trades.last().map(|t| t.1)).unwrap_or(tick);
        let lots = budget / i128::from(price.0) / i128::from(lot) * i128::from(lot);
        let trades = meetings.iter().filter(|m| !m.prevented);
        let traded: i64 = trades.map(|m| m.qty.0).sum();
        lots.clamp(i128::from(lot), i128::from(i64::MAX / lot * lot - traded))
    }

    fn price_filters(&self, time: Time, c: &PlaceOrder) -> Result<(), RejectCode> {
        let spec = &self.instrument;
        let filters = spec.filters;
        let limit = c.kind != OrderKind::Market;
        if limit {
            let f = filters.price.unwrap_or_default();
            let high = f.max.0 != 0 && c.price > f.max;
            let grid = f.tick.0 != 0 && c.price.0 % f.tick.0 != 0;
            if c.price.0 <= 0
                || c.price.0 / spec.tick_size().0 == i64::MAX
                || c.price < f.min
                || high
                || grid
            {
                return Err(RejectCode::PriceFilter);
            }
            if let Some(f) = filters.percent_price
                && let Some(average) = self.average(time, f.avg_price_mins)
            {
                let price = i128::from(c.price.0) * SCALE;
                if price > average * i128::from(f.up.0) || price < average * i128::from(f.down.0) {
                    return Err(RejectCode::PercentPrice);
                }
            }
            if let Some(f) = filters.percent_price_by_side
                && let Some(average) = self.average(time, f.avg_price_mins)
            {
                let (up, down) = match c.side {
                    Side::Buy => (f.bid_up, f.bid_down),
                    Side::Sell => (f.ask_up, f.ask_down),
                };
                let price = i128::from(c.price.0) * SCALE;
                if price > average * i128::from(up.0) || price < average * i128::from(down.0) {
                    return Err(RejectCode::PercentPriceBySide);
                }
            }
        }
        Ok(())
    }

    fn qty_filters(&self, c: &PlaceOrder) -> Result<(), RejectCode> {
        let filters = self.instrument.filters;
        let limit = c.kind != OrderKind::Market;
        let by_quote = c.quote_qty.0 > 0;
        if !by_quote && (c.qty.0 <= 0 || breaks(filters.lot_size, c.qty)) {
            return Err(RejectCode::LotSize);
        }
        let may_rest = limit && c.tif == TimeInForce::Gtc;
        let level: i128 = self
            .orders
            .iter()
            .filter(|o| o.side == c.side && o.price == c.price)
            .map(|o| i128::from(o.open_qty().0))
            .sum();
        if may_rest && level + i128::from(c.qty.0) > i128::from(i64::MAX) {
            return Err(RejectCode::LotSize);
        }
        if !limit && !by_quote && breaks(filters.market_lot_size, c.qty) {
            return Err(RejectCode::MarketLotSize);
        }
        Ok(())
    }

    fn notional_filter(&self, time: Time, c: &PlaceOrder) -> Result<(), RejectCode> {
        let filters = self.instrument.filters;
        let limit = c.kind != OrderKind::Market;
        let by_quote = c.quote_qty.0 > 0;
        let notional = |minutes| {
            let price = if limit {
                Some(i128::from(c.price.0))
            } else {
                self.average(time, minutes)
            };
            if by_quote {
                Some(i128::from(c.quote_qty.0) * SCALE)
            } else {
                price.map(|p| p * i128::from(c.qty.0))
            }
        };
        if let Some(f) = filters.min_notional
            && (limit || f.apply_to_market)
            && notional(f.avg_price_mins).is_some_and(|n| n < i128::from(f.min.0) * SCALE)
        {
            return Err(RejectCode::MinNotional);
        }
        if let Some(f) = filters.notional
            && let Some(notional) = notional(f.avg_price_mins)
        {
            let low = (limit || f.apply_min_to_market) && notional < i128::from(f.min.0) * SCALE;
            let high = (limit || f.apply_max_to_market)
                && f.max.0 != 0
                && notional > i128::from(f.max.0) * SCALE;
            if low || high {
                return Err(RejectCode::Notional);
            }
        }
        Ok(())
    }

    /// What an order would meet, how that ends, and what is left open.
    fn walk(&self, actor: AccountId, c: &PlaceOrder) -> (Vec<Meeting>, End, Decimal) {
        let mut book = self.clone();
        let stp = c.stp.unwrap_or(self.instrument.default_stp);
        let (tick, lot) = (self.instrument.tick_size().0, self.instrument.lot_size().0);
        let mut open = i128::from(c.qty.0);
        let unit = i128::from(tick) * i128::from(lot);
        let mut budget = i128::from(c.quote_qty.0) * SCALE / unit * unit;
        let by_quote = c.quote_qty.0 > 0;
        let wanted = |open: i128, budget: i128, price: Decimal| {
            if by_quote {
                budget / i128::from(price.0) / i128::from(lot) * i128::from(lot)
            } else {
                open
            }
        };
        let mut meetings: Vec<Meeting> = Vec::new();
        let end = loop {
            if !by_quote && open == 0 {
                break End::Filled;
            }
            let best = book.best(c.side.opposite());
            let Some(at) = best.filter(|at| reaches(c, book.orders[*at].price)) else {
                break End::Exhausted;
            };
            let maker = book.orders[at].clone();
            let want = wanted(open, budget, maker.price);
            if want == 0 {
                break End::Filled;
            }
            let mut meeting = Meeting {
                maker: maker.id,
                price: maker.price,
                qty: maker.open_qty(),
                prevented: maker.account == actor && stp != StpMode::None,
            };
            if meeting.prevented {
                meetings.push(meeting);
                book.orders.remove(at);
                if stp != StpMode::ExpireMaker {
                    break End::Prevented;
                }
                continue;
            }
            let qty = want.min(i128::from(maker.open_qty().0));
            meeting.qty = Decimal(i64::try_from(qty).unwrap_or(0));
            meetings.push(meeting);
            open -= qty;
            budget -= qty * i128::from(maker.price.0);
            book.orders[at].executed_qty.0 += meeting.qty.0;
            if book.orders[at].open_qty().0 == 0 {
                book.orders.remove(at);
            }
            if by_quote && wanted(open, budget, maker.price) == 0 {
                break End::Filled;
            }
        };
        let rest = match (end, by_quote) {
            (End::Filled, _) => 0,
            (_, false) => open,
            (_, true) => self.unspent(budget, &meetings),
        };
        (
            meetings,
            end,
            Decimal(i64::try_from(rest).unwrap_or(i64::MAX)),
        )
    }
}

fn position(market: &Market, id: OrderId) -> usize {
    let found = market.orders.iter().position(|o| o.id == id);
    found.expect("a meeting is with an open order")
}

fn reaches(c: &PlaceOrder, price: Decimal) -> bool {
    match (c.kind, c.side) {
        (OrderKind::Market, _) => true,
        (_, Side::Buy) => price <= c.price,
        (_, Side::Sell) => price >= c.price,
    }
}

pub(super) fn breaks(filter: Option<LotSizeFilter>, qty: Decimal) -> bool {
    let f = filter.unwrap_or_default();
    qty < f.min || (f.max.0 != 0 && qty > f.max) || (f.step.0 != 0 && qty.0 % f.step.0 != 0)
}

/// A MARKET order by quote amount gets at least the smallest quantity.
fn check_gets_enough(market: &Market, lots: i128, end: End) -> Result<(), RejectCode> {
    let exhausted = end == End::Exhausted;
    let refuse = |dry, filter| Err(if exhausted { dry } else { filter });
    if lots == 0 {
        return refuse(RejectCode::NoLiquidity, RejectCode::LotSize);
    }
    let qty = Decimal(i64::try_from(lots).unwrap_or(i64::MAX));
    let filters = &market.instrument.filters;
    if breaks(filters.lot_size, qty) {
        return refuse(RejectCode::LiquidityBelowLotSize, RejectCode::LotSize);
    }
    let gridless = filters.market_lot_size.map(|f| LotSizeFilter {
        step: Decimal(0),
        ..f
    });
    if breaks(gridless, qty) {
        return refuse(
            RejectCode::LiquidityBelowMarketLotSize,
            RejectCode::MarketLotSize,
        );
    }
    Ok(())
}
