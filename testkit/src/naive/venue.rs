//! What the venue binds over all markets, what markets do not offer, and money that moves outside of the book.

use protocol::{
    BalanceLock, BlockTrade, BlockTraded, Event, Events, ExchangeFilters, Feature, ListKind, Order,
    OrderKind, PlaceOrder, RejectCode, SetFeatures,
};
use types::{AccountId, Amount, AssetId, Decimal, Wallet};

use super::check::{Ahead, asked, may_rest};
use super::{Market, Naive, SCALE, conditional};

impl Market {
    fn denies(&self, feature: Feature) -> bool {
        self.instrument.denied.0 >> (feature as u8) & 1 == 1
    }

    /// What of an order this market does not offer.
    pub(super) fn check_offers(&self, c: &PlaceOrder) -> Result<(), RejectCode> {
        use RejectCode::*;
        let extras = c.extras.as_deref();
        let asked = [
            (
                c.kind == OrderKind::Market,
                Feature::Market,
                MarketOrdersUnsupported,
            ),
            (
                c.kind == OrderKind::StopLoss,
                Feature::StopLoss,
                StopLossUnsupported,
            ),
            (
                c.kind == OrderKind::StopLossLimit,
                Feature::StopLossLimit,
                StopLossLimitUnsupported,
            ),
            (
                c.kind == OrderKind::TakeProfit,
                Feature::TakeProfit,
                TakeProfitUnsupported,
            ),
            (
                c.kind == OrderKind::TakeProfitLimit,
                Feature::TakeProfitLimit,
                TakeProfitLimitUnsupported,
            ),
            (c.quote_qty.0 != 0, Feature::QuoteQty, QuoteQtyUnsupported),
            (
                extras.is_some_and(|e| e.iceberg_qty.0 != 0),
                Feature::Iceberg,
                IcebergUnsupported,
            ),
            (
                extras.is_some_and(|e| e.trailing_delta != 0),
                Feature::Trailing,
                TrailingUnsupported,
            ),
            (
                extras.is_some_and(|e| e.peg.is_some()),
                Feature::Peg,
                PegUnsupported,
            ),
        ];
        self.first_denied(&asked)
    }

    pub(super) fn check_offers_list(&self, kind: ListKind) -> Result<(), RejectCode> {
        use ListKind::*;
        self.first_denied(&[
            (
                matches!(kind, Opo | Opoco),
                Feature::Opo,
                RejectCode::OpoUnsupported,
            ),
            (
                matches!(kind, Oto | Otoco),
                Feature::Oto,
                RejectCode::OtoUnsupported,
            ),
            (
                matches!(kind, Oco | Otoco | Opoco),
                Feature::Oco,
                RejectCode::OcoUnsupported,
            ),
        ])
    }

    pub(super) fn check_offers_amends(&self) -> Result<(), RejectCode> {
        self.first_denied(&[(true, Feature::Amend, RejectCode::AmendUnsupported)])
    }

    pub(super) fn check_offers_replacing(&self) -> Result<(), RejectCode> {
        self.first_denied(&[(
            true,
            Feature::CancelReplace,
            RejectCode::CancelReplaceUnsupported,
        )])
    }

    fn first_denied(&self, asked: &[(bool, Feature, RejectCode)]) -> Result<(), RejectCode> {
        let denied = asked
            .iter()
            .find(|(is, feature, _)| *is && self.denies(*feature));
        denied.map_or(Ok(()), |(.., code)| Err(*code))
    }
}

impl Naive {
    pub(super) fn set_features(
        &mut self,
        c: &SetFeatures,
        events: &mut Events,
    ) -> Result<(), RejectCode> {
        let instrument = &mut self.market(c.instrument)?.instrument;
        instrument.denied.0 = c.denied;
        instrument.default_stp = c.default_stp;
        instrument.allowed_stp = c.allowed_stp;
        events.push(Event::InstrumentChanged(Box::new(instrument.clone())));
        Ok(())
    }

    pub(super) fn set_exchange(
        &mut self,
        c: &ExchangeFilters,
        events: &mut Events,
    ) -> Result<(), RejectCode> {
        let known = |asset: AssetId| asset.0 > 0 && asset.0 as usize <= self.assets.len();
        if c.max_assets.iter().any(|f| !known(f.asset)) {
            return Err(RejectCode::UnknownAsset);
        }
        self.exchange = c.clone();
        events.push(Event::ExchangeFiltersChanged(Box::new(c.clone())));
        Ok(())
    }

    /// How many open orders of an account there are on all markets.
    fn open_of(&self, actor: AccountId, counts: impl Fn(&Order) -> bool) -> usize {
        let all = self.markets.iter().flat_map(Market::open);
        all.filter(|o| o.account == actor && counts(o)).count()
    }

    /// The filters of the venue, for an order that wants `qty`.
    pub(super) fn exchange_filters(
        &self,
        order: &Order,
        qty: Decimal,
        ahead: Ahead,
    ) -> Result<(), RejectCode> {
        let f = &self.exchange;
        let reached = |max: Option<u32>, open: usize| max.is_some_and(|max| open >= max as usize);
        let actor = order.account;
        let algo = |o: &Order| conditional(o.kind);
        let iceberg = |o: &Order| o.iceberg_qty().0 != 0;
        let stays = may_rest(order) || algo(order) || ahead.pending;
        if stays
            && reached(
                f.max_num_orders,
                self.open_of(actor, |_| true) + ahead.orders,
            )
        {
            return Err(RejectCode::ExchangeMaxNumOrders);
        }
        // what has acted waits no more
        let waiting = self.markets.iter().flat_map(|m| &m.waiting);
        let algos = waiting.filter(|w| w.order.account == actor && algo(&w.order));
        if algo(order) && reached(f.max_num_algo_orders, algos.count() + ahead.algos) {
            return Err(RejectCode::ExchangeMaxNumAlgoOrders);
        }
        let icebergs = self.open_of(actor, iceberg) + ahead.icebergs;
        if iceberg(order) && reached(f.max_num_iceberg_orders, icebergs) {
            return Err(RejectCode::ExchangeMaxNumIcebergOrders);
        }
        let market = &self.markets[order.instrument.0 as usize - 1];
        let most = |asset| f.max_assets.iter().find(|f| f.asset == asset);
        if most(market.instrument.base).is_some_and(|f| qty > f.limit) {
            return Err(RejectCode::MaxAsset);
        }
        let Some(f) = most(market.instrument.quote) else {
            return Ok(());
        };
        let last = market.trades.last().map(|(_, price, _)| *price);
        let own = [order.price, asked(order).stop_price];
        let price = own.into_iter().find(|price| price.0 != 0).or(last);
        let price = i128::from(price.unwrap_or(Decimal::ZERO).0);
        let much = price * i128::from(qty.0) > i128::from(f.limit.0) * SCALE;
        match much || order.quote_qty > f.limit {
            true => Err(RejectCode::MaxAsset),
            false => Ok(()),
        }
    }

    pub(super) fn exchange_lists(&self, actor: AccountId) -> Result<(), RejectCode> {
        let lists = self.markets.iter().flat_map(|m| &m.lists);
        let open = lists.filter(|l| l.told.account == actor).count();
        match self.exchange.max_num_order_lists {
            Some(max) if open >= max as usize => Err(RejectCode::ExchangeMaxNumOrderLists),
            _ => Ok(()),
        }
    }

    /// Money that others lock, for what is none of ours.
    pub(super) fn lock_balance(
        &mut self,
        c: &BalanceLock,
        events: &mut Events,
    ) -> Result<(), RejectCode> {
        if !self.is_user(c.account) {
            return Err(RejectCode::UnknownAccount);
        }
        if c.asset.0 == 0 || c.asset.0 as usize > self.assets.len() {
            return Err(RejectCode::UnknownAsset);
        }
        let free = self.free(c.account, Wallet::SPOT, c.asset);
        let locked = self.locks.entry((c.account, c.asset)).or_default();
        if c.delta.0 == 0 || *locked + c.delta.0 < 0 {
            return Err(RejectCode::InvalidAmount);
        }
        if c.delta.0 > free {
            return Err(RejectCode::InsufficientBalance);
        }
        *locked += c.delta.0;
        self.add(c.account, Wallet::SPOT, c.asset, -c.delta.0, c.delta.0);
        events.push(Event::BalanceLocked(*c));
        Ok(())
    }

    /// A trade outside of the book.
    pub(super) fn block(&mut self, c: &BlockTrade, events: &mut Events) -> Result<(), RejectCode> {
        let at = self.at(c.instrument)?;
        if !self.is_user(c.buyer) || !self.is_user(c.seller) {
            return Err(RejectCode::UnknownAccount);
        }
        let market = &self.markets[at];
        let spec = market.instrument.clone();
        let (tick, lot) = (spec.tick_size().0, spec.lot_size().0);
        let on_grid = c.price.0 % tick == 0 && c.price.0 / tick < i64::MAX && c.qty.0 % lot == 0;
        if !on_grid || c.price.0 <= 0 || c.qty.0 <= 0 || c.buyer == c.seller {
            return Err(RejectCode::InvalidBlockTrade);
        }
        let base = market.base(c.qty);
        let quote = market.quote_down(i128::from(c.price.0) * i128::from(c.qty.0));
        if quote == 0 {
            return Err(RejectCode::NothingToTrade);
        }
        if self.free(c.seller, Wallet::SPOT, spec.base) < base
            || self.free(c.buyer, Wallet::SPOT, spec.quote) < quote
        {
            return Err(RejectCode::InsufficientBalance);
        }
        self.markets[at].blocks += 1;
        events.push(Event::BlockTraded(BlockTraded {
            id: self.markets[at].blocks,
            trade: *c,
            quote: Amount(quote),
        }));
        let key = |account, asset| (account, Wallet::SPOT, asset);
        let (seller, buyer) = (key(c.seller, spec.base), key(c.buyer, spec.base));
        self.transfer(seller, buyer, base, events);
        let (buyer, seller) = (key(c.buyer, spec.quote), key(c.seller, spec.quote));
        self.transfer(buyer, seller, quote, events);
        Ok(())
    }
}
