//! The filters that count: each is asked before one more is added.

use protocol::RejectCode;
use types::{Qty, Side};

use crate::Spec;

impl Spec {
    /// MAX_NUM_ORDERS.
    ///
    /// # Errors
    /// `MaxNumOrders`.
    #[inline]
    pub fn max_num_orders(&self, open: u32) -> Result<(), RejectCode> {
        below(
            open,
            self.instrument.filters.max_num_orders,
            RejectCode::MaxNumOrders,
        )
    }

    /// MAX_NUM_ALGO_ORDERS: stop and take-profit orders.
    ///
    /// # Errors
    /// `MaxNumAlgoOrders`.
    pub fn max_num_algo_orders(&self, open: u32) -> Result<(), RejectCode> {
        below(
            open,
            self.instrument.filters.max_num_algo_orders,
            RejectCode::MaxNumAlgoOrders,
        )
    }

    /// MAX_NUM_ICEBERG_ORDERS.
    ///
    /// # Errors
    /// `MaxNumIcebergOrders`.
    pub fn max_num_iceberg_orders(&self, open: u32) -> Result<(), RejectCode> {
        below(
            open,
            self.instrument.filters.max_num_iceberg_orders,
            RejectCode::MaxNumIcebergOrders,
        )
    }

    /// MAX_NUM_ORDER_LISTS.
    ///
    /// # Errors
    /// `MaxNumOrderLists`.
    pub fn max_num_order_lists(&self, open: u32) -> Result<(), RejectCode> {
        below(
            open,
            self.instrument.filters.max_num_order_lists,
            RejectCode::MaxNumOrderLists,
        )
    }

    /// MAX_NUM_ORDER_AMENDS.
    ///
    /// # Errors
    /// `MaxNumOrderAmends`.
    pub fn max_num_order_amends(&self, amends: u32) -> Result<(), RejectCode> {
        below(
            amends,
            self.instrument.filters.max_num_order_amends,
            RejectCode::MaxNumOrderAmends,
        )
    }

    /// ICEBERG_PARTS: the whole quantity in pieces of the visible one, the last of which may be smaller.
    ///
    /// # Errors
    /// `IcebergParts`, also when the visible quantity is not positive.
    pub fn iceberg_parts(&self, qty: Qty, visible: Qty) -> Result<(), RejectCode> {
        let Some(limit) = self.instrument.filters.iceberg_parts else {
            return Ok(());
        };
        let within = visible.0 > 0 && {
            let parts = qty.0 / visible.0 + i64::from(qty.0 % visible.0 != 0);
            parts <= i64::from(limit)
        };
        within.then_some(()).ok_or(RejectCode::IcebergParts)
    }

    /// TRAILING_DELTA, in basis points. A buyer's stop and a seller's take-profit fire above the market, the other two below.
    ///
    /// # Errors
    /// `TrailingDelta`.
    pub fn trailing_delta(
        &self,
        side: Side,
        take_profit: bool,
        delta: u32,
    ) -> Result<(), RejectCode> {
        let Some(f) = self.instrument.filters.trailing_delta else {
            return Ok(());
        };
        let above = (side == Side::Buy) != take_profit;
        let bounds = if above {
            f.min_above..=f.max_above
        } else {
            f.min_below..=f.max_below
        };
        bounds
            .contains(&delta)
            .then_some(())
            .ok_or(RejectCode::TrailingDelta)
    }
}

#[inline]
fn below(count: u32, max: Option<u32>, code: RejectCode) -> Result<(), RejectCode> {
    match max {
        Some(max) if count >= max => Err(code),
        _ => Ok(()),
    }
}
