//! Spot: base and quote change hands at the match.
//!
//! * A buyer holds price x qty of the quote asset, rounded up; a seller holds qty of the base asset.
//! * At a match the buyer gives price x qty of the quote asset, rounded down once, and the seller receives exactly that.
//! * Each party's commission is taken from what it receives, rounded down to whole atoms, and credited to the fees account.
//!
//! Rounding down at every fill and up at the hold means that a hold always covers its fills:
//! `ceil(a + b) >= floor(a) + ceil(b)`.

use contract::{Change, Contract, Hold, Leg, Match, Settlement, Terms};
use protocol::{Instrument, RejectCode};
use types::{Amount, ContractKind, Price, Qty, Rate, Side, Wallet};

/// The spot contract.
#[derive(Debug, Default, Clone, Copy)]
pub struct Spot;

impl Spot {
    pub const KIND: ContractKind = ContractKind(1);
}

impl Contract for Spot {
    fn kind(&self) -> ContractKind {
        Self::KIND
    }

    fn admit(&self, instrument: &Instrument) -> Result<(), RejectCode> {
        if instrument.base == instrument.quote {
            return Err(RejectCode::InvalidSpecification);
        }
        Ok(())
    }

    fn wallet(&self, _instrument: &Instrument) -> Wallet {
        Wallet::SPOT
    }

    #[inline]
    fn exposure(&self, terms: &Terms, side: Side, price: Price, open: Qty) -> Hold {
        match side {
            Side::Buy => Hold {
                leg: Leg::Quote,
                amount: terms.quote_rounded_up(price, open),
            },
            Side::Sell => Hold {
                leg: Leg::Base,
                amount: terms.base(open),
            },
        }
    }

    fn cost(&self, terms: &Terms, side: Side, qty: Qty, notional: i128) -> Hold {
        match side {
            Side::Buy => Hold {
                leg: Leg::Quote,
                amount: terms.quote_of_notional_rounded_down(notional),
            },
            Side::Sell => Hold {
                leg: Leg::Base,
                amount: terms.base(qty),
            },
        }
    }

    fn settle(&self, terms: &Terms, matched: &Match) -> Settlement {
        let base = terms.base(matched.qty);
        let quote = terms.quote_rounded_down(matched.price, matched.qty);
        let buy = |rate: Rate| {
            let fee = base.fee_rounded_down(rate);
            Change {
                legs: [base.minus(fee), Amount::ZERO.minus(quote)],
                received: base,
                fee,
                fee_leg: Leg::Base,
            }
        };
        let sell = |rate: Rate| {
            let fee = quote.fee_rounded_down(rate);
            Change {
                legs: [Amount::ZERO.minus(base), quote.minus(fee)],
                received: quote,
                fee,
                fee_leg: Leg::Quote,
            }
        };
        let (maker, taker) = match matched.aggressor_side {
            Side::Buy => (sell(matched.rates[0]), buy(matched.rates[1])),
            Side::Sell => (buy(matched.rates[0]), sell(matched.rates[1])),
        };
        let mut fees = [Amount::ZERO; 2];
        fees[maker.fee_leg as usize] = maker.fee;
        fees[taker.fee_leg as usize] = taker.fee;
        Settlement {
            quote,
            maker,
            taker,
            fees,
        }
    }
}

#[cfg(test)]
mod tests {
    use types::Decimal;

    use super::*;

    const RATES: [Rate; 2] = [Rate(100_000), Rate(200_000)];

    fn terms() -> Terms {
        Terms::new(Decimal(1), Decimal(1), 8, 8, RATES[0], RATES[1]).unwrap()
    }

    #[test]
    fn every_settlement_sums_to_zero() {
        for price in [1, 3, 99_999_999, 100_000_000, 5_000_000_000_001] {
            for qty in [1, 7, 12_345_678, 100_000_000] {
                for aggressor_side in [Side::Buy, Side::Sell] {
                    let settlement = Spot.settle(
                        &terms(),
                        &Match {
                            price: Price(price),
                            qty: Qty(qty),
                            aggressor_side,
                            rates: RATES,
                        },
                    );
                    assert!(settlement.is_balanced(), "{settlement:?}");
                }
            }
        }
    }

    #[test]
    fn a_hold_covers_its_fills_however_they_are_split() {
        let price = Price(33_333_333);
        let whole = Spot.exposure(&terms(), Side::Buy, price, Qty(100)).amount;
        for step in [1, 3, 7, 49] {
            let (mut open, mut paid) = (100, Amount::ZERO);
            while open > 0 {
                let fill = step.min(open);
                open -= fill;
                paid = paid.plus(terms().quote_rounded_down(price, Qty(fill)));
                let rest = Spot.exposure(&terms(), Side::Buy, price, Qty(open)).amount;
                assert!(paid.plus(rest) <= whole, "step {step}, open {open}");
            }
        }
    }

    #[test]
    fn the_commission_comes_from_what_is_received() {
        let settlement = Spot.settle(
            &terms(),
            &Match {
                price: Price(200_000_000),
                qty: Qty(10_000),
                aggressor_side: Side::Buy,
                rates: RATES,
            },
        );
        assert_eq!(settlement.quote, Amount(20_000));
        assert_eq!(settlement.taker.legs, [Amount(9_980), Amount(-20_000)]);
        assert_eq!(
            (settlement.taker.fee, settlement.taker.fee_leg),
            (Amount(20), Leg::Base)
        );
        assert_eq!(settlement.maker.legs, [Amount(-10_000), Amount(19_980)]);
        assert_eq!(
            (settlement.maker.fee, settlement.maker.fee_leg),
            (Amount(20), Leg::Quote)
        );
    }
}
