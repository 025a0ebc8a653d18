use types::{AssetId, ContractKind, Decimal, InstrumentId, Rate};

use crate::codec::{Malformed, Wire};
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
        /// As [`MarketStatus::Break`], until the next day of trading.
        5 = EndOfDay,
    }
}

wire_enum! {
    /// What a market may leave out. Limit orders, with or without taking, and cancels are always there.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    pub enum Feature {
        0 = Market,
        1 = StopLoss,
        2 = StopLossLimit,
        3 = TakeProfit,
        4 = TakeProfitLimit,
        5 = Iceberg,
        /// MARKET orders by quote amount.
        6 = QuoteQty,
        7 = Trailing,
        8 = Peg,
        /// Pairs that cancel each other, alone or behind a working order.
        9 = Oco,
        /// A working order that lets others act.
        10 = Oto,
        /// The same, where the others sell what it buys.
        11 = Opo,
        12 = CancelReplace,
        13 = Amend,
    }
}

/// The [`Feature`]s that a market does not offer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Denied(pub u16);

impl Denied {
    pub const NONE: Denied = Denied(0);
    /// All there are.
    pub const EVERY: Denied = Denied((1 << 14) - 1);

    #[must_use]
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u8) != 0
    }

    #[must_use]
    pub const fn with(self, feature: Feature) -> Denied {
        Denied(self.0 | 1 << feature as u8)
    }

    #[must_use]
    pub const fn without(self, feature: Feature) -> Denied {
        Denied(self.0 & !(1 << feature as u8))
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
    /// PERCENT_PRICE: as [`PercentPriceBySideFilter`], the same for both sides.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct PercentPriceFilter { pub up: Decimal, pub down: Decimal, pub avg_price_mins: u32 }
}
wire_struct! {
    /// MIN_NOTIONAL: the least price x qty, in quote units. For MARKET as [`NotionalFilter`].
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct MinNotionalFilter { pub min: Decimal, pub apply_to_market: bool, pub avg_price_mins: u32 }
}
wire_struct! {
    /// TRAILING_DELTA, in basis points. Above: stops of buyers and take-profits of sellers; below: the other two.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct TrailingDeltaFilter {
        pub min_above: u32,
        pub max_above: u32,
        pub min_below: u32,
        pub max_below: u32,
    }
}

/// What an order on one instrument has to pass. `None` is off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Filters {
    pub price: Option<PriceFilter>,
    pub lot_size: Option<LotSizeFilter>,
    pub market_lot_size: Option<LotSizeFilter>,
    pub notional: Option<NotionalFilter>,
    pub percent_price_by_side: Option<PercentPriceBySideFilter>,
    /// Open orders of one account on this instrument.
    pub max_num_orders: Option<u32>,
    pub percent_price: Option<PercentPriceFilter>,
    pub min_notional: Option<MinNotionalFilter>,
    /// Open stop and take-profit orders of one account.
    pub max_num_algo_orders: Option<u32>,
    pub max_num_iceberg_orders: Option<u32>,
    /// Into how many parts an iceberg may be cut.
    pub iceberg_parts: Option<u32>,
    /// Base asset owned and bid for by one account, in base units.
    pub max_position: Option<Decimal>,
    pub trailing_delta: Option<TrailingDeltaFilter>,
    /// How often one order may be amended.
    pub max_num_order_amends: Option<u32>,
    /// Open order lists of one account.
    pub max_num_order_lists: Option<u32>,
}

/// Format 1 ended with `max_num_orders`. When a later filter is set, [`MORE_FOLLOW`] is added to that option's tag, and behind it stand a
/// count and that many filters, each a number and its fields: bytes of the past stay readable and are written as they were.
impl Wire for Filters {
    fn put(&self, out: &mut Vec<u8>) {
        self.price.put(out);
        self.lot_size.put(out);
        self.market_lot_size.put(out);
        self.notional.put(out);
        self.percent_price_by_side.put(out);
        let tag_at = out.len();
        self.max_num_orders.put(out);
        let count_at = out.len();
        let mut more = More { out, count: 0 };
        more.put(1, &self.percent_price);
        more.put(2, &self.min_notional);
        more.put(3, &self.max_num_algo_orders);
        more.put(4, &self.max_num_iceberg_orders);
        more.put(5, &self.iceberg_parts);
        more.put(6, &self.max_position);
        more.put(7, &self.trailing_delta);
        more.put(8, &self.max_num_order_amends);
        more.put(9, &self.max_num_order_lists);
        let count = more.count;
        if count > 0 {
            out[tag_at] += MORE_FOLLOW;
            out.insert(count_at, count);
        }
    }

    fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
        let mut filters = Filters {
            price: Wire::take(input)?,
            lot_size: Wire::take(input)?,
            market_lot_size: Wire::take(input)?,
            notional: Wire::take(input)?,
            percent_price_by_side: Wire::take(input)?,
            ..Filters::default()
        };
        let tag = u8::take(input)?;
        filters.max_num_orders = match tag % MORE_FOLLOW {
            0 => None,
            _ => Some(u32::take(input)?),
        };
        match tag / MORE_FOLLOW {
            0 => Ok(filters),
            1 => {
                for _ in 0..u8::take(input)? {
                    filters.take_more(input)?;
                }
                Ok(filters)
            }
            _ => Err(Malformed("option")),
        }
    }
}

/// See [`Filters`]' bytes.
const MORE_FOLLOW: u8 = 2;

struct More<'a> {
    out: &'a mut Vec<u8>,
    count: u8,
}

impl More<'_> {
    fn put(&mut self, number: u8, filter: &Option<impl Wire>) {
        if let Some(filter) = filter {
            self.count += 1;
            self.out.push(number);
            filter.put(self.out);
        }
    }
}

impl Filters {
    fn take_more(&mut self, input: &mut &[u8]) -> Result<(), Malformed> {
        fn fill<T: Wire>(field: &mut Option<T>, input: &mut &[u8]) -> Result<(), Malformed> {
            match field.replace(T::take(input)?) {
                None => Ok(()),
                Some(_) => Err(Malformed("a filter stands twice")),
            }
        }
        match u8::take(input)? {
            1 => fill(&mut self.percent_price, input),
            2 => fill(&mut self.min_notional, input),
            3 => fill(&mut self.max_num_algo_orders, input),
            4 => fill(&mut self.max_num_iceberg_orders, input),
            5 => fill(&mut self.iceberg_parts, input),
            6 => fill(&mut self.max_position, input),
            7 => fill(&mut self.trailing_delta, input),
            8 => fill(&mut self.max_num_order_amends, input),
            9 => fill(&mut self.max_num_order_lists, input),
            _ => Err(Malformed("number of a filter")),
        }
    }
}

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
    pub denied: Denied,
}

/// In the byte of the allowed modes: what is denied stands behind all other fields. It stands there only when something is.
const DENIED_FOLLOW: u8 = 0x80;

impl Wire for Instrument {
    fn put(&self, out: &mut Vec<u8>) {
        let denies = self.denied != Denied::NONE;
        self.id.put(out);
        self.symbol.put(out);
        self.contract.put(out);
        self.base.put(out);
        self.quote.put(out);
        self.status.put(out);
        self.filters.put(out);
        self.default_stp.put(out);
        out.push(self.allowed_stp.0 | if denies { DENIED_FOLLOW } else { 0 });
        self.maker_fee.put(out);
        self.taker_fee.put(out);
        if denies {
            self.denied.0.put(out);
        }
    }

    fn take(input: &mut &[u8]) -> Result<Self, Malformed> {
        let mut instrument = Instrument {
            id: Wire::take(input)?,
            symbol: Wire::take(input)?,
            contract: Wire::take(input)?,
            base: Wire::take(input)?,
            quote: Wire::take(input)?,
            status: Wire::take(input)?,
            filters: Wire::take(input)?,
            default_stp: Wire::take(input)?,
            allowed_stp: Wire::take(input)?,
            maker_fee: Wire::take(input)?,
            taker_fee: Wire::take(input)?,
            denied: Denied::NONE,
        };
        if instrument.allowed_stp.0 & DENIED_FOLLOW != 0 {
            instrument.allowed_stp.0 &= !DENIED_FOLLOW;
            instrument.denied = Denied(u16::take(input)?);
            if instrument.denied == Denied::NONE {
                return Err(Malformed("a block that says nothing"));
            }
        }
        Ok(instrument)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_denied_leaves_former_bytes_alone() {
        let plain = Instrument {
            id: InstrumentId(7),
            symbol: "AB".into(),
            contract: ContractKind(1),
            base: AssetId(2),
            quote: AssetId(3),
            status: MarketStatus::EndOfDay,
            filters: Filters::default(),
            default_stp: StpMode::None,
            allowed_stp: StpModes::ALL,
            maker_fee: Rate(4),
            taker_fee: Rate(5),
            denied: Denied::NONE,
        };
        let denies = Instrument {
            denied: Denied::NONE.with(Feature::Market).with(Feature::Oto),
            ..plain.clone()
        };
        let bytes = |instrument: &Instrument| {
            let mut bytes = Vec::new();
            instrument.put(&mut bytes);
            assert_eq!(Instrument::take(&mut &bytes[..]).as_ref(), Ok(instrument));
            bytes
        };
        let (before, mut after) = (bytes(&plain), bytes(&denies));
        assert_eq!(after.split_off(before.len()), [0b0000_0001, 0b0000_0100]);
        let changed = (0..before.len()).filter(|at| before[*at] != after[*at]);
        let changed: Vec<usize> = changed.collect();
        assert_eq!(changed.len(), 1);
        assert_eq!(after[changed[0]], before[changed[0]] | 0x80);
        assert!(denies.denied.contains(Feature::Oto) && !denies.denied.contains(Feature::Oco));
        assert!(Instrument::take(&mut &after[..]).is_err(), "cut off");
    }

    #[test]
    fn later_filters_leave_former_bytes_alone() {
        let former = Filters {
            max_num_orders: Some(7),
            ..Filters::default()
        };
        let mut bytes = Vec::new();
        former.put(&mut bytes);
        assert_eq!(bytes, [0, 0, 0, 0, 0, 1, 7, 0, 0, 0]);
        assert_eq!(Filters::take(&mut &bytes[..]), Ok(former));
        for max_num_orders in [None, Some(7)] {
            let every = Filters {
                max_num_orders,
                percent_price: Some(PercentPriceFilter::default()),
                min_notional: Some(MinNotionalFilter::default()),
                max_num_algo_orders: Some(1),
                max_num_iceberg_orders: Some(2),
                iceberg_parts: Some(3),
                max_position: Some(Decimal(4)),
                trailing_delta: Some(TrailingDeltaFilter::default()),
                max_num_order_amends: Some(5),
                max_num_order_lists: Some(6),
                ..Filters::default()
            };
            let mut bytes = Vec::new();
            every.put(&mut bytes);
            let mut input = &bytes[..];
            assert_eq!(Filters::take(&mut input), Ok(every));
            assert!(input.is_empty());
            for end in 0..bytes.len() {
                assert!(Filters::take(&mut &bytes[..end]).is_err(), "{end} bytes");
            }
        }
    }
}
