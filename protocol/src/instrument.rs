use types::{AssetId, ContractKind, Decimal, InstrumentId, Rate};

use crate::{StpMode, StpModes};

wire_enum! {
    /// What a market lets happen.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    pub enum MarketStatus {
        1 = Trading,
        /// Nothing may be placed, amended or canceled.
        2 = Halt,
        /// As [`MarketStatus::Halt`], planned.
        3 = Break,
        /// Orders may only be canceled.
        4 = CancelOnly,
    }
}

wire_struct! {
    /// PRICE_FILTER: each field zero = off; `price % tick == 0`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct PriceFilter { pub min: Decimal, pub max: Decimal, pub tick: Decimal }
}
wire_struct! {
    /// LOT_SIZE and MARKET_LOT_SIZE: `min <= qty <= max`, `qty % step == 0` (zero = off).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct LotSizeFilter { pub min: Decimal, pub max: Decimal, pub step: Decimal }
}
wire_struct! {
    /// NOTIONAL: bounds on price x qty, in quote units. For MARKET the price is the average of `avg_price_mins` minutes (0: the last price).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct NotionalFilter {
        pub min: Decimal,
        pub apply_min_to_market: bool,
        /// Zero = off.
        pub max: Decimal,
        pub apply_max_to_market: bool,
        pub avg_price_mins: u32,
    }
}
wire_struct! {
    /// PERCENT_PRICE_BY_SIDE: bounds on a limit price as multiples of the average price. Passes while there is no price yet.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct PercentPriceBySideFilter {
        pub bid_up: Decimal,
        pub bid_down: Decimal,
        pub ask_up: Decimal,
        pub ask_down: Decimal,
        pub avg_price_mins: u32,
    }
}
wire_struct! {
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct Filters {
        pub price: Option<PriceFilter>,
        pub lot_size: Option<LotSizeFilter>,
        pub market_lot_size: Option<LotSizeFilter>,
        pub notional: Option<NotionalFilter>,
        pub percent_price_by_side: Option<PercentPriceBySideFilter>,
        /// Open orders of one account on this instrument.
        pub max_num_orders: Option<u32>,
    }
}

wire_struct! {
    /// A contract's specification. In [`crate::ListInstrument`] the id is ignored: the engine numbers instruments from 1.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Instrument {
        pub id: InstrumentId,
        /// The public name, at most 50 characters, upper case where the script has cases.
        pub symbol: Box<str>,
        pub contract: ContractKind,
        pub base: AssetId,
        pub quote: AssetId,
        pub status: MarketStatus,
        pub filters: Filters,
        pub default_stp: StpMode,
        pub allowed_stp: StpModes,
        pub maker_fee: Rate,
        pub taker_fee: Rate,
    }
}

impl Instrument {
    /// The grid of prices: the filter's tick, or 10⁻⁸.
    #[must_use]
    pub fn tick_size(&self) -> Decimal {
        match self.filters.price {
            Some(f) if !f.tick.is_zero() => f.tick,
            _ => Decimal(1),
        }
    }

    /// The grid of quantities: the filter's step, or 10⁻⁸.
    #[must_use]
    pub fn lot_size(&self) -> Decimal {
        match self.filters.lot_size {
            Some(f) if !f.step.is_zero() => f.step,
            _ => Decimal(1),
        }
    }
}
