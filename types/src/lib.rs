//! The words of the exchange, and arithmetic that states its rounding.
//!
//! | type | unit | where it lives |
//! |---|---|---|
//! | [`Decimal`] | 10⁻⁸ of whatever it measures | on the wire: prices and quantities as people write them |
//! | [`Price`] | ticks of one instrument | inside the core |
//! | [`Qty`] | lots of one instrument | inside the core |
//! | [`Amount`] | atoms of one asset (10⁻ᵖʳᵉᶜⁱˢⁱᵒⁿ, eight digits unless the asset says otherwise) | the ledger |
//! | [`Time`] | microseconds since 1970-01-01 UTC | everywhere |
//! | [`Rate`] | 10⁻⁸ (a commission of 0.1 % is 100,000) | fees |
//!
//! Everything is an integer. Arithmetic is checked: an overflow is an error to answer or a panic in the core, never a wrapped value.
//! `i64` at 10⁻⁸ is the range of the public API itself (its largest quantity is 92,233,720,368.54775807); balances are `i128`, because the
//! supply of the largest meme coins at eight decimals does not fit in 64 bits.

mod decimal;
mod text;

pub use decimal::{Decimal, DecimalError, format_atoms};
pub use text::{ClientId, TextError};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// Who owns balances and orders. [`AccountId::TREASURY`] and [`AccountId::FEES`] belong to the venue; people start at [`AccountId::FIRST_USER`].
    AccountId(u32)
);
id!(
    /// One thing that can be owned: BTC, USDT.
    AssetId(u32)
);
id!(
    /// One contract's specification: what trades under a symbol.
    InstrumentId(u32)
);
id!(
    /// Accounts whose orders self-trade prevention takes for one party's.
    TradeGroupId(u32)
);
id!(
    /// Counts per instrument, from 1; refusals consume none.
    OrderId(u64)
);
id!(
    /// One order list. Counts over all instruments, from 1.
    ListId(u64)
);
id!(
    /// Counts per instrument, from 1, without gaps.
    TradeId(u64)
);
id!(
    /// Counts the changes of one instrument's book, from 1, without gaps. The depth stream's `U` and `u`.
    UpdateId(u64)
);
id!(
    /// Place of a record in the journal, from 1, without gaps.
    Seq(u64)
);
id!(
    /// Chosen by the gateway to match answers to requests; carries no meaning in the core.
    RequestId(u64)
);
id!(
    /// A number of ticks. Zero where an order has no price (MARKET).
    Price(i64)
);
id!(
    /// A number of lots.
    Qty(i64)
);
id!(
    /// Atoms of one asset. Signed, because a difference is an amount too; no user's balance is ever negative.
    Amount(i128)
);
id!(
    /// A share in units of 10⁻⁸.
    Rate(i64)
);
id!(
    /// Microseconds since the epoch, UTC.
    Time(i64)
);
id!(
    /// Which plug of the registry handles an instrument (spot is 1).
    ContractKind(u16)
);
id!(
    /// Which plug of the registry handles a product's commands.
    ProductId(u16)
);

impl AccountId {
    /// The other side of every funding: the one account that may go below zero, so that each asset sums to zero.
    pub const TREASURY: AccountId = AccountId(1);
    /// Receives commissions.
    pub const FEES: AccountId = AccountId(2);
    /// Receives the taxes among them.
    pub const TAXES: AccountId = AccountId(3);
    /// Receives what a commission, rounded down as a whole, exceeds its parts, each rounded down.
    pub const RESIDUE: AccountId = AccountId(4);
    /// Trades for orders that are routed over several books, out of what the venue has given it.
    pub const ROUTER: AccountId = AccountId(5);
    /// Accounts below this number belong to the venue.
    pub const FIRST_USER: AccountId = AccountId(1001);

    #[must_use]
    pub const fn is_system(self) -> bool {
        self.0 < Self::FIRST_USER.0
    }
}

/// Which purse of an account: part of the ledger's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Wallet(pub u32);

impl Wallet {
    pub const SPOT: Wallet = Wallet(0);
    pub const FUNDING: Wallet = Wallet(1);
    pub const CROSS_MARGIN: Wallet = Wallet(2);
    pub const USD_M: Wallet = Wallet(3);
    pub const COIN_M: Wallet = Wallet(4);
    pub const OPTION: Wallet = Wallet(5);
    pub const PORTFOLIO: Wallet = Wallet(6);
    const ISOLATED: u32 = 1 << 31;

    /// The isolated-margin wallet of one instrument.
    #[must_use]
    pub const fn isolated(instrument: InstrumentId) -> Wallet {
        Wallet(Self::ISOLATED | instrument.0)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Side {
    Buy = 0,
    Sell = 1,
}

impl Side {
    #[must_use]
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }
}

impl Amount {
    pub const ZERO: Amount = Amount(0);

    /// # Panics
    /// On overflow of 127 bits: a state that no supply can reach, so a defect.
    #[must_use]
    pub const fn plus(self, other: Amount) -> Amount {
        Amount(
            self.0
                .checked_add(other.0)
                .expect("amount overflows 127 bits"),
        )
    }

    /// # Panics
    /// On overflow of 127 bits.
    #[must_use]
    pub const fn minus(self, other: Amount) -> Amount {
        Amount(
            self.0
                .checked_sub(other.0)
                .expect("amount overflows 127 bits"),
        )
    }

    /// The commission on this amount, rounded down to whole atoms: what is not charged stays with the payer.
    ///
    /// # Panics
    /// When the amount is beyond 10³⁰ atoms.
    #[must_use]
    pub const fn fee_rounded_down(self, rate: Rate) -> Amount {
        let product = self
            .0
            .checked_mul(rate.0 as i128)
            .expect("fee overflows 127 bits");
        Amount(product.div_euclid(Decimal::SCALE as i128))
    }
}

impl Time {
    #[must_use]
    pub const fn from_millis(ms: i64) -> Time {
        Time(ms.saturating_mul(1000))
    }

    /// Whole milliseconds, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    #[must_use]
    pub const fn plus_micros(self, us: i64) -> Time {
        Time(self.0.saturating_add(us))
    }

    /// `self - earlier` in microseconds.
    #[must_use]
    pub const fn since(self, earlier: Time) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_round_down_to_whole_atoms() {
        assert_eq!(Amount(999).fee_rounded_down(Rate(100_000)), Amount(0));
        assert_eq!(Amount(1_000).fee_rounded_down(Rate(100_000)), Amount(1));
        assert_eq!(Amount(1_999).fee_rounded_down(Rate(100_000)), Amount(1));
    }

    #[test]
    fn a_balance_holds_the_largest_supply() {
        // 10^15 whole coins at eight decimals, a thousand times over
        let supply = Amount(10_i128.pow(15 + 8 + 3));
        assert_eq!(supply.plus(supply).minus(supply), supply);
    }

    #[test]
    fn isolated_wallets_are_apart_from_the_named_ones() {
        assert_ne!(Wallet::isolated(InstrumentId(0)), Wallet::SPOT);
        assert_ne!(
            Wallet::isolated(InstrumentId(1)),
            Wallet::isolated(InstrumentId(2))
        );
    }
}
