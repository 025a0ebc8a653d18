//! Filters of the whole venue: how many open orders an account may have over all markets, and how much of an asset one order may move.
//!
//! Nothing is counted while no filter is set. When one is, an order costs a look at every market for its owner's seat there.

use protocol::{Event, Events, ExchangeFilters, PlaceOrder, RejectCode, Reply, Wire};
use types::{AccountId, Decimal};

use crate::Engine;
use crate::place::{Ahead, Plan};

impl Engine {
    pub(crate) fn check_exchange_filters(&self, c: &ExchangeFilters) -> Result<(), RejectCode> {
        let rising = c.max_assets.is_sorted_by(|a, b| a.asset < b.asset);
        let sound = rising && c.max_assets.iter().all(|f| f.limit.0 >= 0);
        if !sound {
            return Err(RejectCode::InvalidSpecification);
        }
        let unknown = c.max_assets.iter().any(|f| self.asset(f.asset).is_none());
        (!unknown).then_some(()).ok_or(RejectCode::UnknownAsset)
    }

    pub(crate) fn act_exchange_filters(&mut self, c: &ExchangeFilters, out: &mut Events) -> Reply {
        self.exchange = (!c.is_off()).then(|| Box::new(c.clone()));
        out.push(Event::ExchangeFiltersChanged(Box::new(c.clone())));
        Reply::Done
    }

    /// How many orders and lists an account has open, each market asked by `count`.
    fn over_all(
        &self,
        actor: AccountId,
        count: impl Fn(&crate::market::Market, orders::SeatId) -> u32,
    ) -> u32 {
        let seats = (self.markets.iter())
            .filter_map(|market| Some(count(market, market.live.seat_of(actor)?)));
        seats.fold(0, u32::saturating_add)
    }

    /// EXCHANGE_MAX_NUM_ORDERS, _ALGO_ORDERS, _ICEBERG_ORDERS and MAX_ASSET, for a planned order.
    #[cold]
    pub(crate) fn check_exchange(
        &self,
        actor: AccountId,
        c: &PlaceOrder,
        plan: &Plan,
        ahead: Ahead,
    ) -> Result<(), RejectCode> {
        let Some(filters) = &self.exchange else {
            return Ok(());
        };
        let below = |max: Option<u32>, open: &dyn Fn() -> u32, code| match max {
            Some(max) if open() >= max => Err(code),
            _ => Ok(()),
        };
        if plan.may_rest() || plan.wait.is_some() || ahead.pending {
            below(
                filters.max_num_orders,
                &|| self.over_all(actor, |m, seat| m.open_orders(seat)) + ahead.orders,
                RejectCode::ExchangeMaxNumOrders,
            )?;
        }
        if c.kind.is_conditional() {
            below(
                filters.max_num_algo_orders,
                &|| self.over_all(actor, |m, seat| m.waiting.conditional_of(seat)) + ahead.algos,
                RejectCode::ExchangeMaxNumAlgoOrders,
            )?;
        }
        if plan.iceberg.is_some() {
            below(
                filters.max_num_iceberg_orders,
                &|| self.over_all(actor, |m, seat| m.icebergs_of(seat)) + ahead.icebergs,
                RejectCode::ExchangeMaxNumIcebergOrders,
            )?;
        }
        self.check_max_asset(filters, c, plan)
    }

    /// EXCHANGE_MAX_NUM_ORDER_LISTS.
    pub(crate) fn check_exchange_lists(&self, actor: AccountId) -> Result<(), RejectCode> {
        let max = self.exchange.as_ref().and_then(|f| f.max_num_order_lists);
        let open = || self.over_all(actor, |m, seat| m.lists.count_of(seat));
        match max {
            Some(max) if open() >= max => Err(RejectCode::ExchangeMaxNumOrderLists),
            _ => Ok(()),
        }
    }

    /// MAX_ASSET. An order without a price of its own counts at its stop, else at the last price; without any it passes in the quote asset.
    fn check_max_asset(
        &self,
        filters: &ExchangeFilters,
        c: &PlaceOrder,
        plan: &Plan,
    ) -> Result<(), RejectCode> {
        let market = &self.markets[plan.market];
        let [base, quote] = market.legs();
        if filters.max_asset(base).is_some_and(|limit| c.qty > limit) {
            return Err(RejectCode::MaxAsset);
        }
        let Some(limit) = filters.max_asset(quote) else {
            return Ok(());
        };
        // a pending order without a quantity has no plan of its wait yet
        let stop = c.extras.as_deref().map(|extras| extras.stop_price);
        let price = plan
            .price
            .or_else(|| stop.and_then(|stop| market.spec.ticks(stop)))
            .or_else(|| market.prices.last())
            .map_or(Decimal::ZERO, |price| market.price(price));
        let scale = i128::from(Decimal::SCALE);
        let notional = i128::from(price.0) * i128::from(c.qty.0);
        if notional > i128::from(limit.0) * scale || c.quote_qty > limit {
            return Err(RejectCode::MaxAsset);
        }
        Ok(())
    }

    pub(crate) fn put_exchange_filters(&self) -> Option<Vec<u8>> {
        let filters = self.exchange.as_ref()?;
        let mut bytes = Vec::new();
        filters.put(&mut bytes);
        Some(bytes)
    }

    pub(crate) fn take_exchange_filters(
        &mut self,
        input: &mut &[u8],
    ) -> Result<(), crate::snapshot::Corrupt> {
        let filters = ExchangeFilters::take(input)?;
        if filters.is_off() || self.check_exchange_filters(&filters).is_err() {
            return Err(crate::snapshot::Corrupt(
                "filters of the venue that say nothing, or nothing sound".to_owned(),
            ));
        }
        self.exchange = Some(Box::new(filters));
        Ok(())
    }
}
