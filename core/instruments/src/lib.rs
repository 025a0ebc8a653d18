//! Specifications of what can be traded, and the filters that an order has to pass.
//!
//! A [`Spec`] is an [`Instrument`] prepared for use: the grids in 10⁻⁸, the bounds of the filters in ticks and lots. It turns the
//! [`Decimal`]s of a command into [`Price`] and [`Qty`] and back, and says which filter an order breaks.
//!
//! | filter | rule |
//! |---|---|
//! | PRICE_FILTER | `min <= price <= max`, `price % tick == 0`; a bound of zero is off |
//! | PERCENT_PRICE_BY_SIDE | `average x down <= price <= average x up` by side; passes while there is no price |
//! | LOT_SIZE | `min <= qty <= max`, `qty % step == 0` |
//! | MARKET_LOT_SIZE | the same in addition, for MARKET orders by quantity |
//! | NOTIONAL | bounds on price x qty; for MARKET orders by the average price, if there is one |
//! | PERCENT_PRICE | as PERCENT_PRICE_BY_SIDE, the same for both sides |
//! | MIN_NOTIONAL | the lower bound of NOTIONAL alone |
//! | MAX_POSITION | base owned + open BUY + this BUY order; an overflow breaks it |
//! | ICEBERG_PARTS | `ceil(qty / iceberg qty)` |
//! | TRAILING_DELTA | bounds in basis points, by whether the order fires above or below the market |
//! | MAX_NUM_ORDERS, _ALGO_, _ICEBERG_, MAX_NUM_ORDER_LISTS | open ones of one account, before one more |
//! | MAX_NUM_ORDER_AMENDS | amends of one order, before one more |
//!
//! Nothing is rounded: a number off the grid is refused. Products of two 64-bit numbers are formed in 128 bits and cannot overflow.

mod admit;
mod counts;
mod features;
mod position;

use protocol::{Instrument, LotSizeFilter, MarketStatus, RejectCode};
use types::{Decimal, Price, Qty, Side};

pub use admit::{is_asset_name, is_symbol};

/// The most minutes that an average price may cover.
pub const MAX_AVG_PRICE_MINS: u32 = 1_440;

const SCALE: i128 = Decimal::SCALE as i128;

/// An instrument prepared for use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spec {
    instrument: Instrument,
    tick: i64,
    lot: i64,
    /// Ticks; a bound that is off lies at the end of the range.
    price: (i64, i64),
    /// Lots.
    qty: (i64, i64),
    /// 10⁻¹⁶ in one tick x lot.
    unit: i128,
}

impl Spec {
    /// # Errors
    /// `InvalidSpecification` when the fields contradict each other.
    pub fn new(instrument: Instrument) -> Result<Spec, RejectCode> {
        admit::check(&instrument)?;
        let (tick, lot) = (instrument.tick_size().0, instrument.lot_size().0);
        let price = instrument
            .filters
            .price
            .map_or((1, i64::MAX - 1), |f| bounds(f.min, f.max, tick));
        let qty = instrument
            .filters
            .lot_size
            .map_or((1, i64::MAX), |f| bounds(f.min, f.max, lot));
        Ok(Spec {
            tick,
            lot,
            price,
            qty,
            unit: i128::from(tick) * i128::from(lot),
            instrument,
        })
    }

    #[must_use]
    pub fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    #[must_use]
    pub const fn status(&self) -> MarketStatus {
        self.instrument.status
    }

    pub fn set_status(&mut self, status: MarketStatus) {
        self.instrument.status = status;
    }

    /// As people write it.
    #[must_use]
    #[inline]
    pub const fn price_decimal(&self, price: Price) -> Decimal {
        Decimal(price.0 * self.tick)
    }

    /// As people write it.
    #[must_use]
    #[inline]
    pub const fn qty_decimal(&self, qty: Qty) -> Decimal {
        Decimal(qty.0 * self.lot)
    }

    /// The most lots that the wire can say.
    #[must_use]
    pub const fn max_qty(&self) -> Qty {
        Qty(i64::MAX / self.lot)
    }

    /// PRICE_FILTER.
    ///
    /// # Errors
    /// `PriceFilter` when the price is not positive, off the grid or out of bounds.
    #[inline]
    pub fn price(&self, price: Decimal) -> Result<Price, RejectCode> {
        let (ticks, rest) = (price.0 / self.tick, price.0 % self.tick);
        if price.0 <= 0 || rest != 0 || ticks < self.price.0 || ticks > self.price.1 {
            return Err(RejectCode::PriceFilter);
        }
        Ok(Price(ticks))
    }

    /// LOT_SIZE.
    ///
    /// # Errors
    /// `LotSize` when the quantity is not positive, off the grid or out of bounds.
    #[inline]
    pub fn qty(&self, qty: Decimal) -> Result<Qty, RejectCode> {
        let (lots, rest) = (qty.0 / self.lot, qty.0 % self.lot);
        if qty.0 <= 0 || rest != 0 || lots < self.qty.0 || lots > self.qty.1 {
            return Err(RejectCode::LotSize);
        }
        Ok(Qty(lots))
    }

    /// The bounds of MARKET_LOT_SIZE without its grid: for MARKET orders by quote amount, which fill by whole lots of LOT_SIZE.
    ///
    /// # Errors
    /// `MarketLotSize`.
    pub fn market_bounds(&self, qty: Decimal) -> Result<(), RejectCode> {
        match self.instrument.filters.market_lot_size {
            Some(f) if qty < f.min || (!f.max.is_zero() && qty > f.max) => {
                Err(RejectCode::MarketLotSize)
            }
            _ => Ok(()),
        }
    }

    /// A price on the grid, whatever the filters say; `None` when it is off the grid or not positive.
    #[must_use]
    pub fn ticks(&self, price: Decimal) -> Option<Price> {
        let ticks = price.0 / self.tick;
        (price.0 > 0 && price.0 % self.tick == 0 && ticks < i64::MAX).then_some(Price(ticks))
    }

    /// A quantity on the grid, whatever the filters say; `None` when it is off the grid or negative.
    #[must_use]
    pub fn lots(&self, qty: Decimal) -> Option<Qty> {
        (qty.0 >= 0 && qty.0 % self.lot == 0).then(|| Qty(qty.0 / self.lot))
    }

    /// Does the sum of two quantities still fit what the wire can say?
    #[must_use]
    pub fn sum_fits(&self, a: Qty, b: Qty) -> bool {
        a.0.checked_add(b.0)
            .and_then(|sum| sum.checked_mul(self.lot))
            .is_some()
    }

    /// MARKET_LOT_SIZE.
    ///
    /// # Errors
    /// `MarketLotSize`.
    pub fn market_qty(&self, qty: Decimal) -> Result<(), RejectCode> {
        match self.instrument.filters.market_lot_size {
            Some(f) if !within_lot(&f, qty) => Err(RejectCode::MarketLotSize),
            _ => Ok(()),
        }
    }

    /// PERCENT_PRICE and PERCENT_PRICE_BY_SIDE, for a limit price.
    ///
    /// # Errors
    /// `PercentPrice`, `PercentPriceBySide`.
    #[inline]
    pub fn percent_price(
        &self,
        side: Side,
        price: Price,
        average: impl Fn(u32) -> Option<Price>,
    ) -> Result<(), RejectCode> {
        let filters = &self.instrument.filters;
        if filters.percent_price.is_none() && filters.percent_price_by_side.is_none() {
            return Ok(());
        }
        self.percent_price_set(side, price, average)
    }

    fn percent_price_set(
        &self,
        side: Side,
        price: Price,
        average: impl Fn(u32) -> Option<Price>,
    ) -> Result<(), RejectCode> {
        if let Some(f) = self.instrument.filters.percent_price
            && let Some(average) = average(f.avg_price_mins)
            && !within_percent(price, average, (f.up, f.down))
        {
            return Err(RejectCode::PercentPrice);
        }
        let Some(f) = self.instrument.filters.percent_price_by_side else {
            return Ok(());
        };
        let Some(average) = average(f.avg_price_mins) else {
            return Ok(());
        };
        let multipliers = match side {
            Side::Buy => (f.bid_up, f.bid_down),
            Side::Sell => (f.ask_up, f.ask_down),
        };
        within_percent(price, average, multipliers)
            .then_some(())
            .ok_or(RejectCode::PercentPriceBySide)
    }

    /// NOTIONAL of an order with a price of its own.
    ///
    /// # Errors
    /// `Notional`.
    #[inline]
    pub fn notional(&self, price: Price, qty: Qty) -> Result<(), RejectCode> {
        let Some(f) = self.instrument.filters.notional else {
            return Ok(());
        };
        let notional = i128::from(price.0) * i128::from(qty.0) * self.unit;
        within_notional(notional, (f.min, true), (f.max, true))
    }

    /// MIN_NOTIONAL of an order with a price of its own.
    ///
    /// # Errors
    /// `MinNotional`.
    #[inline]
    pub fn min_notional(&self, price: Price, qty: Qty) -> Result<(), RejectCode> {
        let Some(f) = self.instrument.filters.min_notional else {
            return Ok(());
        };
        let notional = i128::from(price.0) * i128::from(qty.0) * self.unit;
        above_least(notional, f.min)
    }

    /// MIN_NOTIONAL of a MARKET order by quantity.
    ///
    /// # Errors
    /// `MinNotional`.
    pub fn market_min_notional(
        &self,
        qty: Qty,
        average: impl FnOnce(u32) -> Option<Price>,
    ) -> Result<(), RejectCode> {
        match self.instrument.filters.min_notional {
            Some(f) if f.apply_to_market => average(f.avg_price_mins).map_or(Ok(()), |average| {
                let notional = i128::from(average.0) * i128::from(qty.0) * self.unit;
                above_least(notional, f.min)
            }),
            _ => Ok(()),
        }
    }

    /// MIN_NOTIONAL of a MARKET order by quote amount: the amount itself.
    ///
    /// # Errors
    /// `MinNotional`.
    pub fn quote_min_notional(&self, quote_qty: Decimal) -> Result<(), RejectCode> {
        match self.instrument.filters.min_notional {
            Some(f) if f.apply_to_market => above_least(i128::from(quote_qty.0) * SCALE, f.min),
            _ => Ok(()),
        }
    }

    /// NOTIONAL of a MARKET order by quantity.
    ///
    /// # Errors
    /// `Notional`.
    pub fn market_notional(
        &self,
        qty: Qty,
        average: impl FnOnce(u32) -> Option<Price>,
    ) -> Result<(), RejectCode> {
        let Some(f) = self.instrument.filters.notional else {
            return Ok(());
        };
        let Some(average) = average(f.avg_price_mins) else {
            return Ok(());
        };
        let notional = i128::from(average.0) * i128::from(qty.0) * self.unit;
        within_notional(
            notional,
            (f.min, f.apply_min_to_market),
            (f.max, f.apply_max_to_market),
        )
    }

    /// NOTIONAL of a MARKET order by quote amount: the amount itself.
    ///
    /// # Errors
    /// `Notional`.
    pub fn quote_notional(&self, quote_qty: Decimal) -> Result<(), RejectCode> {
        let Some(f) = self.instrument.filters.notional else {
            return Ok(());
        };
        within_notional(
            i128::from(quote_qty.0) * SCALE,
            (f.min, f.apply_min_to_market),
            (f.max, f.apply_max_to_market),
        )
    }

    /// How many ticks x lots a quote amount holds, rounded down.
    #[must_use]
    pub fn notional_of_quote_rounded_down(&self, quote_qty: Decimal) -> i128 {
        i128::from(quote_qty.0) * SCALE / self.unit
    }
}

/// A filter's bounds in units of the grid, inwards; zero is off.
fn bounds(min: Decimal, max: Decimal, grid: i64) -> (i64, i64) {
    let low = min.0 / grid + i64::from(min.0 % grid != 0);
    let high = if max.is_zero() {
        i64::MAX - 1
    } else {
        max.0 / grid
    };
    (low.max(1), high.min(i64::MAX - 1))
}

/// Is the price within `(up, down)` multiples of the average?
fn within_percent(price: Price, average: Price, (up, down): (Decimal, Decimal)) -> bool {
    let scaled = i128::from(price.0) * SCALE;
    let bound = |multiplier: Decimal| i128::from(average.0) * i128::from(multiplier.0);
    (bound(down)..=bound(up)).contains(&scaled)
}

/// `notional` in 10⁻¹⁶.
fn above_least(notional: i128, min: Decimal) -> Result<(), RejectCode> {
    let enough = notional >= i128::from(min.0) * SCALE;
    enough.then_some(()).ok_or(RejectCode::MinNotional)
}

fn within_lot(f: &LotSizeFilter, qty: Decimal) -> bool {
    qty >= f.min && (f.max.is_zero() || qty <= f.max) && (f.step.is_zero() || qty.0 % f.step.0 == 0)
}

/// `notional` in 10⁻¹⁶; each bound with whether it applies.
fn within_notional(
    notional: i128,
    (min, min_applies): (Decimal, bool),
    (max, max_applies): (Decimal, bool),
) -> Result<(), RejectCode> {
    let below = min_applies && notional < i128::from(min.0) * SCALE;
    let above = max_applies && !max.is_zero() && notional > i128::from(max.0) * SCALE;
    if below || above {
        return Err(RejectCode::Notional);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
