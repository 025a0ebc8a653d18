//! What refuses a new order, in the order in which reasons are told.

use protocol::{
    Condition, Extras, LotSizeFilter, MarketStatus, More, Order, OrderKind, OrderStatus, PegKind,
    Pegged, PlaceOrder, RejectCode, TimeInForce,
};
use types::{AccountId, Amount, Decimal, OrderId, Side, Time, Wallet};

use super::walk::{End, Met, Passage};
use super::{Market, Naive, SCALE, by_market, conditional, waits};

/// No iceberg is cut into more parts.
const MOST_PARTS: i64 = 10_000;

/// Orders of the same command that count before one.
#[derive(Clone, Copy, Default)]
pub(super) struct Ahead {
    pub orders: usize,
    pub algos: usize,
    pub icebergs: usize,
    /// It begins only when another one is filled.
    pub pending: bool,
}

/// Kind, time in force, price, quantities and rare fields go together.
pub(super) fn combination(c: &PlaceOrder) -> Result<(), RejectCode> {
    let extras = c.extras.as_deref().copied().unwrap_or(Extras::NONE);
    let priced = c.price.0 != 0;
    let kind = match c.kind {
        OrderKind::Limit | OrderKind::StopLossLimit | OrderKind::TakeProfitLimit => true,
        OrderKind::LimitMaker => c.tif == TimeInForce::Gtc,
        OrderKind::StopLoss | OrderKind::TakeProfit => !priced && c.tif != TimeInForce::Fok,
        OrderKind::Market => {
            !priced && (c.qty.0 == 0) != (c.quote_qty.0 == 0) && c.tif != TimeInForce::Fok
        }
    };
    let quoted = c.quote_qty.0 == 0 || (c.kind == OrderKind::Market && c.quote_qty.0 > 0);
    let waits = extras.stop_price.0 != 0 || extras.trailing_delta != 0;
    let empty = c.extras.is_some() && extras == Extras::NONE;
    let iceberg = extras.iceberg_qty.0 == 0
        || (extras.iceberg_qty.0 > 0 && !by_market(c.kind) && c.tif == TimeInForce::Gtc);
    let named = !c.client_id.is_none() && extras.trailing_delta < 10_000;
    if kind && quoted && waits == conditional(c.kind) && !empty && iceberg && named {
        return Ok(());
    }
    Err(RejectCode::UnsupportedCombination)
}

pub(super) fn peg_fits(c: &PlaceOrder) -> Result<(), RejectCode> {
    let Some(peg) = c.extras.as_deref().and_then(|extras| extras.peg) else {
        return Ok(());
    };
    match (c.kind, peg.kind) {
        (kind, _) if by_market(kind) => Err(RejectCode::PegNotForKind),
        (OrderKind::LimitMaker, PegKind::Market) => Err(RejectCode::PegKindNotForKind),
        (OrderKind::Limit, PegKind::Primary) if c.tif != TimeInForce::Gtc => {
            Err(RejectCode::UnsupportedCombination)
        }
        _ => Ok(()),
    }
}

pub(super) fn breaks(filter: Option<LotSizeFilter>, qty: Decimal) -> bool {
    let f = filter.unwrap_or_default();
    qty < f.min || (f.max.0 != 0 && qty > f.max) || (f.step.0 != 0 && qty.0 % f.step.0 != 0)
}

impl Market {
    /// The order that a request means.
    pub(super) fn new_order(&self, time: Time, actor: AccountId, c: &PlaceOrder) -> Order {
        let extras = c.extras.as_deref().copied().unwrap_or(Extras::NONE);
        let waits = conditional(c.kind);
        let mut order = Order {
            instrument: c.instrument,
            id: OrderId(0),
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
            condition: waits.then(|| {
                Box::new(Condition {
                    asked: Extras {
                        iceberg_qty: Decimal::ZERO,
                        peg: None,
                        ..extras
                    },
                    trailing_at: None,
                    triggered_at: None,
                    refused: false,
                })
            }),
            more: None,
        };
        let more = More {
            iceberg_qty: (extras.iceberg_qty.0 != 0).then_some(extras.iceberg_qty),
            peg: extras.peg.map(|peg| Pegged {
                peg,
                asked: c.price,
                priced: !waits,
            }),
            ..More::default()
        };
        order.more = more.boxed();
        order
    }

    pub(super) fn price_filter(&self, price: Decimal) -> Result<(), RejectCode> {
        let f = self.instrument.filters.price.unwrap_or_default();
        let high = f.max.0 != 0 && price > f.max;
        let grid = f.tick.0 != 0 && price.0 % f.tick.0 != 0;
        let top = price.0 / self.instrument.tick_size().0 == i64::MAX;
        match price.0 <= 0 || top || price < f.min || high || grid {
            true => Err(RejectCode::PriceFilter),
            false => Ok(()),
        }
    }

    pub(super) fn percent_filters(
        &self,
        time: Time,
        side: Side,
        price: Decimal,
    ) -> Result<(), RejectCode> {
        let filters = self.instrument.filters;
        let outside = |minutes, up: Decimal, down: Decimal| {
            let price = i128::from(price.0) * SCALE;
            self.average(time, minutes).is_some_and(|average| {
                price > average * i128::from(up.0) || price < average * i128::from(down.0)
            })
        };
        if let Some(f) = filters.percent_price
            && outside(f.avg_price_mins, f.up, f.down)
        {
            return Err(RejectCode::PercentPrice);
        }
        if let Some(f) = filters.percent_price_by_side {
            let (up, down) = match side {
                Side::Buy => (f.bid_up, f.bid_down),
                Side::Sell => (f.ask_up, f.ask_down),
            };
            if outside(f.avg_price_mins, up, down) {
                return Err(RejectCode::PercentPriceBySide);
            }
        }
        Ok(())
    }

    pub(super) fn lot_filter(&self, qty: Decimal) -> Result<(), RejectCode> {
        match qty.0 <= 0 || breaks(self.instrument.filters.lot_size, qty) {
            true => Err(RejectCode::LotSize),
            false => Ok(()),
        }
    }

    pub(super) fn market_lot_filter(&self, qty: Decimal) -> Result<(), RejectCode> {
        match breaks(self.instrument.filters.market_lot_size, qty) {
            true => Err(RejectCode::MarketLotSize),
            false => Ok(()),
        }
    }

    /// Both filters of notional, of an order with a price of its own.
    pub(super) fn notional_filters(&self, price: Decimal, qty: Decimal) -> Result<(), RejectCode> {
        let filters = self.instrument.filters;
        let notional = i128::from(price.0) * i128::from(qty.0);
        if filters
            .min_notional
            .is_some_and(|f| notional < i128::from(f.min.0) * SCALE)
        {
            return Err(RejectCode::MinNotional);
        }
        if filters.notional.is_some_and(|f| {
            let high = f.max.0 != 0 && notional > i128::from(f.max.0) * SCALE;
            notional < i128::from(f.min.0) * SCALE || high
        }) {
            return Err(RejectCode::Notional);
        }
        Ok(())
    }

    /// The same of a MARKET order: at the average price if it names a quantity.
    pub(super) fn market_notional_filters(
        &self,
        time: Time,
        order: &Order,
    ) -> Result<(), RejectCode> {
        let filters = self.instrument.filters;
        let notional = |minutes| match order.quote_qty.0 {
            0 => self
                .average(time, minutes)
                .map(|price| price * i128::from(order.qty.0)),
            quote => Some(i128::from(quote) * SCALE),
        };
        if let Some(f) = filters.min_notional
            && f.apply_to_market
            && notional(f.avg_price_mins).is_some_and(|n| n < i128::from(f.min.0) * SCALE)
        {
            return Err(RejectCode::MinNotional);
        }
        if let Some(f) = filters.notional
            && let Some(notional) = notional(f.avg_price_mins)
        {
            let low = f.apply_min_to_market && notional < i128::from(f.min.0) * SCALE;
            let high =
                f.apply_max_to_market && f.max.0 != 0 && notional > i128::from(f.max.0) * SCALE;
            if low || high {
                return Err(RejectCode::Notional);
            }
        }
        Ok(())
    }

    /// What rests at one price stays a number that can be written.
    pub(super) fn has_room(&self, order: &Order) -> bool {
        let level = self
            .book
            .iter()
            .filter(|r| r.order.side == order.side && r.order.price == order.price);
        let open: i128 = level.map(|r| i128::from(r.order.open_qty().0)).sum();
        !may_rest(order) || open + i128::from(order.open_qty().0) <= i128::from(i64::MAX)
    }

    /// The price that an order's peg means now.
    pub(super) fn pegged_price(&self, order: &Order) -> Option<Decimal> {
        let peg = order.peg()?.peg;
        let side = match peg.kind {
            PegKind::Primary => order.side,
            PegKind::Market => order.side.opposite(),
        };
        let of_side = self.book.iter().filter(|r| r.order.side == side);
        let mut levels: Vec<i64> = of_side.map(|r| r.order.price.0).collect();
        levels.sort_unstable();
        levels.dedup();
        if side == Side::Buy {
            levels.reverse();
        }
        levels.get(usize::from(peg.offset)).map(|p| Decimal(*p))
    }

    /// Price and quantity of an order that goes to the book now. Gives a pegged one its price.
    fn check_limit(&self, time: Time, order: &mut Order, pending: bool) -> Result<(), RejectCode> {
        let alone = |price: Decimal| {
            self.price_filter(price)?;
            self.percent_filters(time, order.side, price)?;
            self.lot_filter(order.qty)
        };
        if order.peg().is_some() {
            if order.price.0 != 0 {
                alone(order.price)?;
                self.notional_filters(order.price, order.qty)?;
            }
            if pending {
                leave_unpriced(order);
                return self.lot_filter(order.qty);
            }
            let price = self.pegged_price(order).ok_or(RejectCode::PegLiquidity)?;
            alone(price)?;
            order.price = price;
        } else {
            alone(order.price)?;
        }
        if !self.has_room(order) {
            return Err(RejectCode::LotSize);
        }
        self.notional_filters(order.price, order.qty)
    }

    fn check_market(&self, time: Time, order: &Order) -> Result<(), RejectCode> {
        if order.quote_qty.0 == 0 {
            self.lot_filter(order.qty)?;
            self.market_lot_filter(order.qty)?;
        }
        self.market_notional_filters(time, order)
    }

    /// The two filters of orders that wait for a price.
    pub(super) fn algo_filters(&self, order: &Order, ahead: usize) -> Result<(), RejectCode> {
        let filters = self.instrument.filters;
        let asked = asked(order);
        if let Some(f) = filters.trailing_delta
            && asked.trailing_delta != 0
        {
            let profit = matches!(
                order.kind,
                OrderKind::TakeProfit | OrderKind::TakeProfitLimit
            );
            let bounds = match (order.side, profit) {
                (Side::Buy, false) | (Side::Sell, true) => f.min_above..=f.max_above,
                (Side::Buy, true) | (Side::Sell, false) => f.min_below..=f.max_below,
            };
            if !bounds.contains(&asked.trailing_delta) {
                return Err(RejectCode::TrailingDelta);
            }
        }
        let mine = self
            .waiting
            .iter()
            .filter(|w| w.order.account == order.account && conditional(w.order.kind));
        if filters
            .max_num_algo_orders
            .is_some_and(|max| mine.count() + ahead >= max as usize)
        {
            return Err(RejectCode::MaxNumAlgoOrders);
        }
        Ok(())
    }

    fn check_conditional(&self, time: Time, order: &Order, ahead: Ahead) -> Result<(), RejectCode> {
        let asked = asked(order);
        if asked.stop_price.0 != 0 {
            self.price_filter(asked.stop_price)?;
        }
        let unpriced = by_market(order.kind) || (order.peg().is_some() && order.price.0 == 0);
        if !unpriced {
            self.price_filter(order.price)?;
            self.percent_filters(time, order.side, order.price)?;
        }
        self.lot_filter(order.qty)?;
        if by_market(order.kind) {
            self.market_lot_filter(order.qty)?;
        }
        let at = match unpriced {
            true => asked.stop_price,
            false => order.price,
        };
        if at.0 != 0 {
            self.notional_filters(at, order.qty)?;
        }
        self.algo_filters(order, ahead.algos)
    }

    /// An iceberg of this quantity may be cut into its parts.
    pub(super) fn check_parts(&self, order: &Order, qty: Decimal) -> Result<(), RejectCode> {
        let peak = order.iceberg_qty();
        if peak.0 == 0 {
            return Ok(());
        }
        if peak > qty {
            return Err(RejectCode::IcebergExceedsQty);
        }
        let parts = i128::from(qty.0) + i128::from(peak.0) - 1;
        let parts = parts / i128::from(peak.0);
        let most = self.instrument.filters.iceberg_parts;
        if most.is_some_and(|most| parts > i128::from(most)) || qty.0 / peak.0 >= MOST_PARTS {
            return Err(RejectCode::IcebergParts);
        }
        Ok(())
    }

    pub(super) fn check_iceberg(
        &self,
        order: &Order,
        qty: Decimal,
        ahead: usize,
    ) -> Result<(), RejectCode> {
        if order.iceberg_qty().0 == 0 {
            return Ok(());
        }
        self.lot_filter(order.iceberg_qty())?;
        self.check_parts(order, qty)?;
        let filters = self.instrument.filters;
        let icebergs = self
            .open()
            .filter(|o| o.account == order.account && o.iceberg_qty().0 != 0);
        if filters
            .max_num_iceberg_orders
            .is_some_and(|max| icebergs.count() + ahead >= max as usize)
        {
            return Err(RejectCode::MaxNumIcebergOrders);
        }
        Ok(())
    }

    pub(super) fn count_filter(&self, actor: AccountId, ahead: usize) -> Result<(), RejectCode> {
        let mine = self.open().filter(|o| o.account == actor).count();
        match self.instrument.filters.max_num_orders {
            Some(max) if mine + ahead >= max as usize => Err(RejectCode::MaxNumOrders),
            _ => Ok(()),
        }
    }

    /// What the market as it stands lets nobody do.
    pub(super) fn check_market_state(&self, order: &Order) -> Result<(), RejectCode> {
        if !self.instrument.allowed_stp.contains(order.stp) {
            return Err(RejectCode::StpModeNotAllowed);
        }
        if self.instrument.status != MarketStatus::Trading {
            return Err(RejectCode::MarketClosed);
        }
        let named = |o: &Order| o.account == order.account && o.client_id == order.client_id;
        match self.open().any(named) {
            true => Err(RejectCode::DuplicateClientId),
            false => Ok(()),
        }
    }
}

/// A peg that is looked up later.
pub(super) fn leave_unpriced(order: &mut Order) {
    order.price = Decimal::ZERO;
    order.set_more(|more| {
        if let Some(peg) = &mut more.peg {
            peg.priced = false;
        }
    });
}

/// What an order waits for.
pub(super) fn asked(order: &Order) -> Extras {
    let condition = order.condition.as_deref();
    condition.map_or(Extras::NONE, |condition| condition.asked)
}

pub(super) fn may_rest(order: &Order) -> bool {
    !by_market(order.kind) && order.tif == TimeInForce::Gtc
}

impl Naive {
    /// The order that a request means, unless something about itself refuses it.
    pub(super) fn draft(
        &self,
        time: Time,
        actor: AccountId,
        c: &PlaceOrder,
        ahead: Ahead,
    ) -> Result<Order, RejectCode> {
        if !self.is_user(actor) {
            return Err(RejectCode::NotPermitted);
        }
        let at = self.at(c.instrument)?;
        let market = &self.markets[at];
        combination(c)?;
        market.check_offers(c)?;
        peg_fits(c)?;
        let mut order = market.new_order(time, actor, c);
        if conditional(c.kind) {
            market.check_conditional(time, &order, ahead)?;
        } else if c.kind == OrderKind::Market {
            market.check_market(time, &order)?;
        } else {
            market.check_limit(time, &mut order, ahead.pending)?;
        }
        market.check_iceberg(&order, order.qty, ahead.icebergs)?;
        if may_rest(&order) || conditional(c.kind) || ahead.pending {
            market.count_filter(actor, ahead.orders)?;
        }
        if c.side == Side::Buy && !self.position_fits(at, &order) {
            return Err(RejectCode::MaxPosition);
        }
        self.exchange_filters(&order, order.qty, ahead)?;
        market.check_market_state(&order)?;
        Ok(order)
    }

    /// What the actor owns of the base asset, wants in open orders and wants now, against MAX_POSITION.
    fn position_fits(&self, at: usize, order: &Order) -> bool {
        let market = &self.markets[at];
        let Some(max) = market.instrument.filters.max_position else {
            return true;
        };
        let base = market.instrument.base;
        let bids = market
            .open()
            .filter(|o| o.account == order.account && o.side == Side::Buy);
        let wanted: i128 = bids.map(|o| i128::from(o.open_qty().0)).sum();
        let now = match order.quote_qty.0 {
            0 => i128::from(order.qty.0),
            _ => self.walk(at, order, None).moved(),
        };
        let key = (order.account, Wallet::SPOT, base);
        let (free, held) = self.balances.get(&key).copied().unwrap_or_default();
        let unit = 10_i128.pow(u32::from(market.base_precision));
        let position = (free + held)
            .checked_mul(SCALE)
            .zip((wanted + now).checked_mul(unit))
            .and_then(|(owned, wants)| owned.checked_add(wants));
        position.is_some_and(|position| position <= i128::from(max.0) * unit)
    }

    /// What an order takes from its owner at most; the refusals that depend on the book.
    pub(super) fn need(&self, order: &Order) -> Result<(types::AssetId, i128), RejectCode> {
        let at = order.instrument.0 as usize - 1;
        let market = &self.markets[at];
        if waits(order) {
            return market.need_of_waiting(order);
        }
        if by_market(order.kind) {
            let passage = self.walk(at, order, None);
            if order.quote_qty.0 != 0 {
                check_gets_enough(market, &passage)?;
            }
            return Ok(market.cost(order, &passage));
        }
        let open_qty = order.open_qty();
        if market.quote_down(i128::from(order.price.0) * i128::from(open_qty.0)) == 0 {
            return Err(RejectCode::NothingToTrade);
        }
        let other = super::walk::best(&market.book, order.side.opposite());
        let takes = other.is_some_and(|i| super::walk::reaches(order, market.book[i].order.price));
        if order.kind == OrderKind::LimitMaker && takes {
            return Err(RejectCode::WouldTake);
        }
        Ok(market.hold(order.side, order.price, open_qty))
    }

    pub(super) fn affords(&self, order: &Order) -> Result<(), RejectCode> {
        let (asset, need) = self.need(order)?;
        match self.free(order.account, Wallet::SPOT, asset) < need {
            true => Err(RejectCode::InsufficientBalance),
            false => Ok(()),
        }
    }
}

impl Market {
    /// What a MARKET order costs.
    fn cost(&self, order: &Order, passage: &Passage) -> (types::AssetId, i128) {
        let (base, quote) = (self.instrument.base, self.instrument.quote);
        match (order.side, order.quote_qty.0) {
            (Side::Buy, 0) => (quote, self.quote_down(passage.notional())),
            (Side::Buy, amount) => {
                // the budget is counted in whole ticks x lots
                let unit = self.unit();
                let budget = i128::from(amount) * SCALE / unit * unit;
                (quote, self.quote_down(budget))
            }
            (Side::Sell, 0) => (base, self.base(order.open_qty())),
            (Side::Sell, _) => {
                let qty = i64::try_from(passage.moved()).unwrap_or(i64::MAX);
                (base, self.base(Decimal(qty)))
            }
        }
    }

    /// What an order holds until its price is reached.
    fn need_of_waiting(&self, order: &Order) -> Result<(types::AssetId, i128), RejectCode> {
        let last = self.trades.last().map(|(_, price, _)| *price);
        let stop = Some(asked(order).stop_price).filter(|stop| stop.0 != 0);
        if let (Some(stop), Some(last)) = (stop, last)
            && super::wait::is_there(order, last, stop)
        {
            return Err(RejectCode::WouldTrigger);
        }
        let own = Some(order.price).filter(|price| price.0 != 0);
        if let Some(price) = own
            && self.quote_down(i128::from(price.0) * i128::from(order.qty.0)) == 0
        {
            return Err(RejectCode::NothingToTrade);
        }
        let price = own.or(stop).or(last).unwrap_or(Decimal::ZERO);
        Ok(self.hold(order.side, price, order.qty))
    }
}

/// A MARKET order by quote amount gets at least the smallest quantity.
fn check_gets_enough(market: &Market, passage: &Passage) -> Result<(), RejectCode> {
    let lots = passage.moved();
    let lot = market.instrument.lot_size().0;
    if lots >= i128::from(i64::MAX / lot * lot) {
        return Err(RejectCode::LotSize);
    }
    if passage.end == End::Prevented {
        return Ok(());
    }
    let exhausted = passage.end == End::Exhausted;
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

impl Passage {
    /// What would change hands, if all orders that may transfer were of other accounts.
    pub(super) fn moved(&self) -> i128 {
        self.moving().map(|m| i128::from(m.qty.0)).sum()
    }

    pub(super) fn notional(&self) -> i128 {
        let each = self.moving();
        each.map(|m| i128::from(m.price.0) * i128::from(m.qty.0))
            .sum()
    }

    pub(super) fn moving(&self) -> impl Iterator<Item = &super::walk::Meeting> {
        self.meetings
            .iter()
            .filter(|m| matches!(m.met, Met::Trade | Met::Decrement { transfer: true }))
    }
}
