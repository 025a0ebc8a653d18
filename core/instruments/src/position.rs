//! MAX_POSITION: how much of the base asset one account may own and bid for.

use protocol::RejectCode;
use types::{Amount, Decimal, Qty};

use crate::{SCALE, Spec};

impl Spec {
    /// Is MAX_POSITION set? Its sum is only worth forming then.
    #[must_use]
    #[inline]
    pub const fn limits_position(&self) -> bool {
        self.instrument.filters.max_position.is_some()
    }

    /// MAX_POSITION for one more BUY order: what the account owns of the base asset, free and held, what its open BUY orders still want, and
    /// this order. `precision` is the base asset's.
    ///
    /// # Errors
    /// `MaxPosition`, also when the sum overflows.
    pub fn max_position(
        &self,
        owned: Amount,
        precision: u8,
        bidding: i128,
        qty: Qty,
    ) -> Result<(), RejectCode> {
        let Some(max) = self.instrument.filters.max_position else {
            return Ok(());
        };
        let within = self
            .position(owned, precision, bidding, qty)
            .zip(scaled(max, precision))
            .is_some_and(|(position, max)| position <= max);
        within.then_some(()).ok_or(RejectCode::MaxPosition)
    }

    /// In 10⁻⁸ of an atom; `None` beyond 127 bits.
    fn position(&self, owned: Amount, precision: u8, bidding: i128, qty: Qty) -> Option<i128> {
        let lots = bidding.checked_add(i128::from(qty.0))?;
        let atoms = 10_i128.checked_pow(u32::from(precision))?;
        let wanted = lots.checked_mul(i128::from(self.lot))?.checked_mul(atoms)?;
        owned.0.checked_mul(SCALE)?.checked_add(wanted)
    }
}

/// A number of base units in 10⁻⁸ of an atom.
fn scaled(units: Decimal, precision: u8) -> Option<i128> {
    10_i128
        .checked_pow(u32::from(precision))?
        .checked_mul(i128::from(units.0))
}
