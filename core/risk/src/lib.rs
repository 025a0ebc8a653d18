//! Who can afford what: the check before the match, and the holds of open orders.
//!
//! * Unit: atoms. The contract says how much an order or a match takes ([`Contract::exposure`], [`Contract::cost`]); this crate compares it
//!   with what is free and moves it between free and held.
//! * The margin mode is cash: what may be lost is held in full. Others will stand beside it.

use contract::{Contract, Hold, Settlement, Terms};
use ledger::{BalanceRef, Ledger};
use protocol::RejectCode;
use types::{Amount, Price, Qty, Side};

/// # Errors
/// `InsufficientBalance` when less than the hold is free.
#[inline]
pub fn affordable(free: Amount, hold: Hold) -> Result<(), RejectCode> {
    if free < hold.amount {
        return Err(RejectCode::InsufficientBalance);
    }
    Ok(())
}

/// A resting order's terms, as risk sees them.
#[derive(Clone, Copy, Debug)]
pub struct OpenOrder {
    pub side: Side,
    pub price: Price,
    pub open: Qty,
}

/// Holds what an order needs that begins to rest. `balances` are its owner's of base and quote.
pub fn hold(
    ledger: &mut Ledger,
    contract: &dyn Contract,
    terms: &Terms,
    order: OpenOrder,
    balances: [BalanceRef; 2],
) {
    let hold = contract.exposure(terms, order.side, order.price, order.open);
    ledger.hold(balances[hold.leg as usize], hold.amount);
}

/// Releases what an order no longer needs when its open quantity falls from `order.open` to `open`.
pub fn release(
    ledger: &mut Ledger,
    contract: &dyn Contract,
    terms: &Terms,
    order: OpenOrder,
    open: Qty,
    balances: [BalanceRef; 2],
) {
    let before = contract.exposure(terms, order.side, order.price, order.open);
    let after = contract.exposure(terms, order.side, order.price, open);
    ledger.release(
        balances[before.leg as usize],
        before.amount.minus(after.amount),
    );
}

/// Posts a settlement: the maker's hold was released before, and the taker was found to afford it.
pub fn post(
    ledger: &mut Ledger,
    settlement: &Settlement,
    maker: [BalanceRef; 2],
    taker: [BalanceRef; 2],
    fees: [BalanceRef; 2],
) {
    debug_assert!(settlement.is_balanced());
    for leg in 0..2 {
        // Who receives comes first, so that an account trading with itself is never overdrawn in between.
        let mut changes = [
            (maker[leg], settlement.maker.legs[leg]),
            (taker[leg], settlement.taker.legs[leg]),
        ];
        if changes[0].1 < Amount::ZERO {
            changes.swap(0, 1);
        }
        for (at, delta) in changes {
            if delta != Amount::ZERO {
                ledger.post(at, delta);
            }
        }
        if settlement.fees[leg] != Amount::ZERO {
            ledger.post(fees[leg], settlement.fees[leg]);
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::Leg;

    use super::*;

    #[test]
    fn affordable_up_to_the_last_atom() {
        let hold = Hold {
            leg: Leg::Quote,
            amount: Amount(10),
        };
        assert_eq!(affordable(Amount(10), hold), Ok(()));
        assert_eq!(
            affordable(Amount(9), hold),
            Err(RejectCode::InsufficientBalance)
        );
    }
}
