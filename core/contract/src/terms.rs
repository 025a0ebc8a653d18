use types::{Amount, Decimal, Price, Qty, Rate};

/// An instrument's grids as factors between ticks, lots and atoms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Base atoms in one lot.
    base_per_lot: i64,
    /// Quote atoms in one tick x lot, as a fraction in lowest terms.
    quote_num: i64,
    quote_den: i64,
    pub maker_fee: Rate,
    pub taker_fee: Rate,
}

impl Terms {
    /// The finest grid of an asset: with it the product of a price and a quantity is still a whole number of atoms over a power of ten.
    pub const MAX_PRECISION: u8 = 16;

    /// `None` when one lot is not a whole number of base atoms, or the factors leave 63 bits.
    #[must_use]
    pub fn new(
        tick: Decimal,
        lot: Decimal,
        base_precision: u8,
        quote_precision: u8,
        maker_fee: Rate,
        taker_fee: Rate,
    ) -> Option<Terms> {
        if base_precision > Self::MAX_PRECISION || quote_precision > Self::MAX_PRECISION {
            return None;
        }
        let scale = i128::from(Decimal::SCALE);
        let base = i128::from(lot.0).checked_mul(10_i128.pow(u32::from(base_precision)))?;
        if base % scale != 0 {
            return None;
        }
        let unit = i128::from(tick.0).checked_mul(i128::from(lot.0))?;
        let den = 10_i128.pow(u32::from(Self::MAX_PRECISION - quote_precision));
        let common = gcd(unit, den);
        Some(Terms {
            base_per_lot: i64::try_from(base / scale).ok()?,
            quote_num: i64::try_from(unit / common).ok()?,
            quote_den: i64::try_from(den / common).ok()?,
            maker_fee,
            taker_fee,
        })
    }

    /// Base atoms of a quantity; exact.
    #[must_use]
    #[inline]
    pub fn base(&self, qty: Qty) -> Amount {
        Amount(i128::from(qty.0) * i128::from(self.base_per_lot))
    }

    /// Quote atoms of price x qty, rounded down: what changes hands at a trade.
    #[must_use]
    #[inline]
    pub fn quote_rounded_down(&self, price: Price, qty: Qty) -> Amount {
        self.quote_of_notional_rounded_down(i128::from(price.0) * i128::from(qty.0))
    }

    /// Quote atoms of price x qty, rounded up: what is held for a buy order.
    #[must_use]
    #[inline]
    pub fn quote_rounded_up(&self, price: Price, qty: Qty) -> Amount {
        self.quote_of_notional(i128::from(price.0) * i128::from(qty.0), self.quote_den - 1)
    }

    /// Quote atoms of a notional in ticks x lots, rounded down. Saturates.
    #[must_use]
    #[inline]
    pub fn quote_of_notional_rounded_down(&self, notional: i128) -> Amount {
        self.quote_of_notional(notional, 0)
    }

    #[inline]
    fn quote_of_notional(&self, notional: i128, round: i64) -> Amount {
        // 64 bits hold almost every trade there is, and divide ten times faster than 128
        if let (Ok(n), Ok(num), Ok(den), Ok(round)) = (
            u64::try_from(notional),
            u64::try_from(self.quote_num),
            u64::try_from(self.quote_den),
            u64::try_from(round),
        ) && let Some(product) = n.checked_mul(num).and_then(|p| p.checked_add(round))
        {
            return Amount(i128::from(if den == 1 { product } else { product / den }));
        }
        let atoms = notional
            .checked_mul(i128::from(self.quote_num))
            .and_then(|p| p.checked_add(i128::from(round)))
            .map_or(i128::MAX, |p| p.div_euclid(i128::from(self.quote_den)));
        Amount(atoms)
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(tick: i64, lot: i64, base: u8, quote: u8) -> Option<Terms> {
        Terms::new(Decimal(tick), Decimal(lot), base, quote, Rate(0), Rate(0))
    }

    #[test]
    fn rounds_as_it_is_called() {
        let finest = terms(1, 1, 8, 8).unwrap();
        // 1e-8 x 1e-8 is a hundred-millionth of an atom
        assert_eq!(finest.quote_rounded_down(Price(1), Qty(1)), Amount(0));
        assert_eq!(finest.quote_rounded_up(Price(1), Qty(1)), Amount(1));
        let coarse = terms(1_000_000, 1_000, 8, 8).unwrap();
        assert_eq!(coarse.quote_rounded_down(Price(3), Qty(7)), Amount(210));
        assert_eq!(coarse.quote_rounded_up(Price(3), Qty(7)), Amount(210));
        assert_eq!(coarse.base(Qty(7)), Amount(7_000));
    }

    #[test]
    fn the_fast_and_the_wide_path_agree_at_their_border() {
        let finest = terms(1, 1, 8, 8).unwrap();
        let border = i64::MAX;
        for (price, qty) in [(border, 2), (border, 3), (border, border)] {
            let exact = i128::from(price) * i128::from(qty);
            assert_eq!(
                finest.quote_rounded_down(Price(price), Qty(qty)),
                Amount(exact / 100_000_000)
            );
            assert_eq!(
                finest.quote_rounded_up(Price(price), Qty(qty)),
                Amount((exact + 99_999_999) / 100_000_000)
            );
        }
    }

    #[test]
    fn a_lot_is_a_whole_number_of_atoms() {
        assert!(terms(1, 1, 7, 8).is_none());
        assert!(terms(1, 10, 7, 8).is_some());
        assert!(terms(1, 1, 17, 8).is_none());
        assert!(terms(i64::MAX, i64::MAX, 8, 8).is_none());
    }
}
