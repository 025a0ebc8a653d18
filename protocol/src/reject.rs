//! Every refusal of the core, in one table.

/// Why the engine refused. A refusal changes nothing, takes no `Seq` and no id, and leaves no record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reject {
    One(RejectCode),
    /// Both halves of a cancel-replace failed; `place` is `None` when it was not attempted.
    CancelReplace {
        cancel: Option<RejectCode>,
        place: Option<RejectCode>,
    },
}

impl From<RejectCode> for Reject {
    fn from(code: RejectCode) -> Self {
        Reject::One(code)
    }
}

macro_rules! rejects {
    ($($(#[$doc:meta])* $number:literal $name:ident $code:literal $message:literal;)*) => {
        /// The numbered refusals. Each hundred belongs to one crate: 1xx engine, 2xx ledger, 3xx instruments, 4xx orders and matching, 5xx risk,
        /// 6xx spot. Within one request the refusal with the lowest position in the order of checks documented in the engine wins.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum RejectCode { $($(#[$doc])* $name = $number),* }

        impl RejectCode {
            pub const ALL: &'static [RejectCode] = &[$(RejectCode::$name),*];

            /// The code that the public API documents for it.
            #[must_use]
            pub const fn api_code(self) -> i32 {
                match self { $(RejectCode::$name => $code),* }
            }

            /// The sentence that the public API documents for it.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(RejectCode::$name => $message),* }
            }

            #[must_use]
            pub const fn from_number(number: u16) -> Option<RejectCode> {
                match number { $($number => Some(RejectCode::$name),)* _ => None }
            }
        }
    };
}

rejects! {
    /// Reached the engine after `expires`.
    100 Expired -1021 "Timestamp for this request is outside of the recvWindow.";
    101 UnknownAccount -2015 "Invalid API-key, IP, or permissions for action.";
    /// An administrative command from somebody else than the venue.
    102 NotPermitted -1002 "You are not authorized to execute this request.";
    103 UnknownProduct -1020 "This operation is not supported.";
    /// The command made the engine panic: it was undone, and its market halted.
    104 Fault -1000 "An unknown error occurred while processing the request.";
    105 AlreadyExists -1130 "Data sent for parameter 'symbol' is not valid.";
    106 InvalidSpecification -1130 "Data sent for parameter 'filters' is not valid.";
    107 InvalidName -1130 "Data sent for parameter 'asset' is not valid.";

    200 InsufficientBalance -2010 "Account has insufficient balance for requested action.";
    201 UnknownAsset -1121 "Invalid symbol.";
    /// Zero, negative or beyond what the ledger holds.
    202 InvalidAmount -1130 "Data sent for parameter 'amount' is not valid.";

    300 UnknownInstrument -1121 "Invalid symbol.";
    301 MarketClosed -2010 "Market is closed.";
    302 CancelClosed -2011 "Market is closed.";
    310 PriceFilter -1013 "Filter failure: PRICE_FILTER";
    311 PercentPriceBySide -1013 "Filter failure: PERCENT_PRICE_BY_SIDE";
    312 LotSize -1013 "Filter failure: LOT_SIZE";
    313 MarketLotSize -1013 "Filter failure: MARKET_LOT_SIZE";
    314 Notional -1013 "Filter failure: NOTIONAL";
    315 MaxNumOrders -1013 "Filter failure: MAX_NUM_ORDERS";
    316 PercentPrice -1013 "Filter failure: PERCENT_PRICE";
    317 MinNotional -1013 "Filter failure: MIN_NOTIONAL";
    318 MaxPosition -1013 "Filter failure: MAX_POSITION";
    319 IcebergParts -1013 "Filter failure: ICEBERG_PARTS";
    320 MarketOrdersUnsupported -2010 "Market orders are not supported for this symbol.";
    321 QuoteQtyUnsupported -2010 "Quote order qty market orders are not support for this symbol.";
    322 IcebergUnsupported -2010 "Iceberg orders are not supported for this symbol.";
    323 StopLossUnsupported -2010 "Stop loss orders are not supported for this symbol.";
    324 StopLossLimitUnsupported -2010 "Stop loss limit orders are not supported for this symbol.";
    325 TakeProfitUnsupported -2010 "Take profit orders are not supported for this symbol.";
    326 TakeProfitLimitUnsupported -2010 "Take profit limit orders are not supported for this symbol.";
    327 TrailingUnsupported -2010 "Trailing stop orders are not supported for this symbol.";
    328 PegUnsupported -2010 "Pegged orders are not supported for this symbol.";
    329 StpModeNotAllowed -1013 "This symbol does not allow the specified self-trade prevention mode.";
    330 TrailingDelta -1013 "Filter failure: TRAILING_DELTA";
    331 MaxNumAlgoOrders -1013 "Filter failure: MAX_NUM_ALGO_ORDERS";
    332 MaxNumIcebergOrders -1013 "Filter failure: MAX_NUM_ICEBERG_ORDERS";
    333 MaxNumOrderLists -1013 "Filter failure: MAX_NUM_ORDER_LISTS";
    334 MaxNumOrderAmends -2038 "Filter failure: MAX_NUM_ORDER_AMENDS";
    335 ExchangeMaxNumOrders -1013 "Filter failure: EXCHANGE_MAX_NUM_ORDERS";
    336 ExchangeMaxNumAlgoOrders -1013 "Filter failure: EXCHANGE_MAX_NUM_ALGO_ORDERS";
    337 ExchangeMaxNumIcebergOrders -1013 "Filter failure: EXCHANGE_MAX_NUM_ICEBERG_ORDERS";
    338 ExchangeMaxNumOrderLists -1013 "Filter failure: EXCHANGE_MAX_NUM_ORDER_LISTS";
    339 MaxAsset -1013 "Filter failure: MAX_ASSET";
    340 OcoUnsupported -2010 "OCO orders are not supported for this symbol";
    341 OtoUnsupported -2010 "OTO orders are not supported for this symbol.";
    342 OpoUnsupported -2010 "OPO orders are not supported for this symbol.";
    343 CancelReplaceUnsupported -2010 "Order cancel-replace is not supported for this symbol.";
    344 AmendUnsupported -2038 "Order amend is not supported for this symbol.";

    400 UnknownOrder -2011 "Unknown order sent.";
    401 DuplicateClientId -2010 "Duplicate order sent.";
    402 ClientIdMismatch -2039 "Client order ID is not correct for this order ID.";
    403 CancelRestricted -2011 "Order was not canceled due to cancel restrictions.";
    404 AmendIncrease -2038 "Order amend (quantity increase) is not supported.";
    405 AmendNoChange -2038 "The requested action would change no state; rejecting";
    406 AmendUnknownOrder -2038 "Unknown order sent.";
    407 AmendClosed -2038 "Market is closed.";
    /// The quantity of an order that waits for what another buys is what that one buys.
    408 AmendPendingOpo -2038 "Order amend (pending OPO order) is not supported.";
    410 WouldTake -2010 "Order would immediately match and take.";
    411 NothingToTrade -2010 "Price * QTY is zero or less.";
    /// A MARKET order by quote amount on a book that cannot fill the smallest lot.
    412 NoLiquidity -2010 "Order book liquidity is less than symbol minimum quantity.";
    413 LiquidityBelowLotSize -2010 "Order book liquidity is less than `LOT_SIZE` filter minimum quantity.";
    414 LiquidityBelowMarketLotSize -2010 "Order book liquidity is less than `MARKET_LOT_SIZE` filter minimum quantity.";
    /// A combination of kind, time in force, price and quantity that is not an order.
    415 UnsupportedCombination -2010 "Unsupported order combination";
    /// The last trade is already where a conditional order waits for it.
    416 WouldTrigger -2010 "Order would trigger immediately.";

    /// The two orders of a pair do not stand on both sides of the last price.
    417 OcoPrices -2010 "The relationship of the prices for the orders is not correct.";
    /// A combination of orders that is not a list.
    418 UnsupportedList -2010 "Unsupported order combination";
    /// A number beyond what the book tells parties apart by.
    430 InvalidTradeGroup -1130 "Data sent for parameter 'tradeGroupId' is not valid.";
    431 IcebergExceedsQty -2010 "IcebergQty exceeds QTY.";
    432 PegNotForKind -2010 "This order type may not use pegged price.";
    433 PegKindNotForKind -2010 "This price peg cannot be used with this order type.";
    /// The level that the price should come from does not exist.
    434 PegLiquidity -2010 "Order book liquidity is too low for this pegged order.";

    /// A price without a calculation that takes one, or not positive; buckets beyond their bounds.
    450 InvalidReference -1130 "Data sent for parameter 'referencePrice' is not valid.";
    451 InvalidExecutionRules -1130 "Data sent for parameter 'executionRules' is not valid.";
    /// Between one account and itself, or off the market's grids.
    452 InvalidBlockTrade -1130 "Data sent for parameter 'blockTrade' is not valid.";
    /// A name that is none, or instruments that do not fit each other.
    453 InvalidRouting -1130 "Data sent for parameter 'sor' is not valid.";
    /// The instrument is of no routing group.
    454 SorUnsupported -2010 "SOR is not supported for this symbol.";

    /// Rates below zero or that may take all of what is received, tiers that do not rise, a tier too few for an account that was given it.
    500 InvalidFees -1130 "Data sent for parameter 'fees' is not valid.";
    501 UnknownTier -1130 "Data sent for parameter 'tier' is not valid.";
}

impl Reject {
    /// The first code: what a one-line log shows.
    #[must_use]
    pub fn code(self) -> RejectCode {
        match self {
            Reject::One(code) => code,
            Reject::CancelReplace { cancel, place } => {
                cancel.or(place).unwrap_or(RejectCode::Fault)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_read_back() {
        for (i, code) in RejectCode::ALL.iter().enumerate() {
            assert_eq!(RejectCode::from_number(*code as u16), Some(*code));
            assert!(
                RejectCode::ALL[..i].iter().all(|other| *other < *code),
                "{code:?} out of order"
            );
            assert!(!code.message().is_empty() && code.api_code() < 0);
        }
    }
}
