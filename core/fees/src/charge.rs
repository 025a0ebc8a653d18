use protocol::Commission;
use types::{Amount, Decimal, Side};

/// One commission in its three parts, in 10⁻⁸ of an atom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charge {
    pub standard: i128,
    pub tax: i128,
    pub special: i128,
}

/// A commission in atoms. The whole is what is paid: the parts and the residue sum up to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Split {
    pub whole: Amount,
    /// Standard and special commission, each rounded down.
    pub fees: Amount,
    pub tax: Amount,
    pub residue: Amount,
}

const SCALE: i128 = Decimal::SCALE as i128;

impl Charge {
    /// What an order of this side and role owes of `received` atoms.
    #[must_use]
    pub fn of(
        commission: &Commission,
        side: Side,
        maker: bool,
        received: Amount,
    ) -> Option<Charge> {
        let part = |rate: types::Rate| received.0.checked_mul(i128::from(rate.0));
        Some(Charge {
            standard: part(commission.standard.rate(side, maker))?,
            tax: part(commission.tax.rate(side, maker))?,
            special: part(commission.special.rate(side, maker))?,
        })
    }

    /// With the standard part reduced to `share` (in 10⁻⁸).
    #[must_use]
    pub fn discounted(self, share: types::Rate) -> Option<Charge> {
        let reduced = self.standard.checked_mul(i128::from(share.0))?;
        Some(Charge {
            standard: reduced.div_euclid(SCALE),
            ..self
        })
    }

    /// In another asset, each part by itself. `convert` rounds down.
    #[must_use]
    pub fn converted(self, convert: impl Fn(i128) -> Option<i128>) -> Option<Charge> {
        Some(Charge {
            standard: convert(self.standard)?,
            tax: convert(self.tax)?,
            special: convert(self.special)?,
        })
    }

    /// In atoms.
    #[must_use]
    pub fn split(self) -> Option<Split> {
        let sum = self
            .standard
            .checked_add(self.tax)?
            .checked_add(self.special)?;
        let atoms = |part: i128| Amount(part.div_euclid(SCALE));
        let (whole, tax) = (atoms(sum), atoms(self.tax));
        let fees = atoms(self.standard).plus(atoms(self.special));
        Some(Split {
            whole,
            fees,
            tax,
            residue: whole.minus(fees).minus(tax),
        })
    }
}

#[cfg(test)]
mod tests {
    use protocol::{AccountFees, FeeParts, FeeSchedule, InstrumentFees};
    use types::{AccountId, InstrumentId, Rate};

    use super::*;

    fn commission(standard: i64, tax: i64, special: i64) -> Commission {
        let parts = |rate| FeeParts {
            taker: Rate(rate),
            ..FeeParts::default()
        };
        let fees = InstrumentFees {
            instrument: InstrumentId(1),
            standard: parts(standard),
            tax: parts(tax),
            special: parts(special),
            discounted: true,
        };
        Commission::of(
            &FeeSchedule::default(),
            &fees,
            &AccountFees::plain(AccountId(1001)),
        )
    }

    /// The example of the public documents: 0.49975 at 35,000, sold by a taker.
    #[test]
    fn the_documented_example() {
        let received = Amount(1_749_125_000_000);
        let rates = commission(60, 230, 6_000_000);
        let charge = Charge::of(&rates, Side::Sell, false, received).unwrap();
        let atoms = |part| part / SCALE;
        assert_eq!(atoms(charge.standard), 1_049_475);
        assert_eq!(atoms(charge.tax), 4_022_987, "0.0402298750, rounded down");
        assert_eq!(atoms(charge.special), 104_947_500_000);
        let reduced = charge.discounted(Rate(25_000_000)).unwrap();
        let bnb = reduced.converted(|part| Some(part / 260)).unwrap();
        let split = bnb.split().unwrap();
        assert_eq!(split.whole, Amount(403_660_712));
    }

    #[test]
    fn parts_and_residue_sum_up_to_the_whole_and_the_residue_is_small() {
        for received in [0, 1, 333, 999_999, 1_749_125_000_000] {
            for rates in [(1, 1, 1), (33_333_333, 33_333_333, 33_333_334), (99, 7, 0)] {
                let rates = commission(rates.0, rates.1, rates.2);
                let charge = Charge::of(&rates, Side::Buy, false, Amount(received)).unwrap();
                let split = charge.split().unwrap();
                assert_eq!(split.whole, split.fees.plus(split.tax).plus(split.residue));
                assert!((0..=2).contains(&split.residue.0), "{split:?}");
                let rate = rates.rate(Side::Buy, false);
                assert_eq!(split.whole, Amount(received).fee_rounded_down(rate));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_none() {
        let charge = Charge {
            standard: i128::MAX,
            tax: 1,
            special: 0,
        };
        assert_eq!(charge.discounted(Rate(2)), None);
        assert_eq!(charge.split(), None);
        let rates = commission(100_000, 0, 0);
        assert_eq!(
            Charge::of(&rates, Side::Buy, false, Amount(i128::MAX)),
            None
        );
    }
}
