use protocol::{
    Filters, MinNotionalFilter, NotionalFilter, PercentPriceBySideFilter, PercentPriceFilter,
    PriceFilter, StpMode, StpModes, TrailingDeltaFilter,
};
use types::{Amount, AssetId, ContractKind, InstrumentId, Rate};

use super::*;

fn instrument(filters: Filters) -> Instrument {
    Instrument {
        id: InstrumentId(1),
        symbol: "BTCUSDT".into(),
        contract: ContractKind(1),
        base: AssetId(1),
        quote: AssetId(2),
        status: MarketStatus::Trading,
        filters,
        default_stp: StpMode::None,
        allowed_stp: StpModes::ALL,
        maker_fee: Rate(100_000),
        taker_fee: Rate(100_000),
        denied: protocol::Denied::NONE,
    }
}

fn spec(filters: Filters) -> Spec {
    Spec::new(instrument(filters)).unwrap()
}

fn dec(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

#[test]
fn without_filters_the_grid_is_the_finest() {
    let spec = spec(Filters::default());
    assert_eq!(spec.price(Decimal(1)), Ok(Price(1)));
    assert_eq!(spec.qty(Decimal(i64::MAX)), Ok(Qty(i64::MAX)));
    assert_eq!(spec.price(Decimal(0)), Err(RejectCode::PriceFilter));
    assert_eq!(spec.price(Decimal(-1)), Err(RejectCode::PriceFilter));
    assert_eq!(spec.qty(Decimal(0)), Err(RejectCode::LotSize));
    assert_eq!(spec.qty(Decimal(-5)), Err(RejectCode::LotSize));
    assert_eq!(spec.price(Decimal(i64::MAX)), Err(RejectCode::PriceFilter));
}

#[test]
fn price_filter_just_inside_and_outside() {
    let spec = spec(Filters {
        price: Some(PriceFilter {
            min: dec("0.05"),
            max: dec("100"),
            tick: dec("0.02"),
        }),
        ..Filters::default()
    });
    // price % tick, not (price - min) % tick
    for (text, ok) in [
        ("0.04", false),
        ("0.05", false),
        ("0.06", true),
        ("0.07", false),
        ("99.98", true),
        ("99.99", false),
        ("100", true),
        ("100.02", false),
    ] {
        assert_eq!(spec.price(dec(text)).is_ok(), ok, "{text}");
    }
    let price = spec.price(dec("0.06")).unwrap();
    assert_eq!(spec.price_decimal(price), dec("0.06"));
}

#[test]
fn lot_size_counts_from_zero() {
    let lot = LotSizeFilter {
        min: dec("0.3"),
        max: dec("9"),
        step: dec("0.2"),
    };
    let spec = spec(Filters {
        lot_size: Some(lot),
        market_lot_size: Some(LotSizeFilter {
            max: dec("5"),
            ..lot
        }),
        ..Filters::default()
    });
    for (text, limit, market) in [
        ("0.2", false, false),
        ("0.3", false, false),
        ("0.4", true, true),
        ("5", true, true),
        ("5.2", true, false),
        ("8.8", true, false),
        ("9", true, false),
        ("9.2", false, false),
    ] {
        let limit = limit && dec(text).0 % dec("0.2").0 == 0;
        assert_eq!(spec.qty(dec(text)).is_ok(), limit, "{text}");
        assert_eq!(spec.market_qty(dec(text)).is_ok(), market, "{text}");
    }
}

#[test]
fn percent_price_uses_the_bounds_of_the_side_and_passes_without_a_price() {
    let spec = spec(Filters {
        percent_price_by_side: Some(PercentPriceBySideFilter {
            bid_up: dec("1.2"),
            bid_down: dec("0.5"),
            ask_up: dec("3"),
            ask_down: dec("0.9"),
            avg_price_mins: 5,
        }),
        ..Filters::default()
    });
    let check = |side, price| {
        spec.percent_price(side, Price(price), |mins| {
            assert_eq!(mins, 5);
            Some(Price(100))
        })
        .is_ok()
    };
    assert!(check(Side::Buy, 120) && !check(Side::Buy, 121));
    assert!(check(Side::Buy, 50) && !check(Side::Buy, 49));
    assert!(check(Side::Sell, 300) && !check(Side::Sell, 301));
    assert!(check(Side::Sell, 90) && !check(Side::Sell, 89));
    assert!(spec.percent_price(Side::Buy, Price(1), |_| None).is_ok());
}

#[test]
fn notional_just_inside_and_outside() {
    let spec = spec(Filters {
        notional: Some(NotionalFilter {
            min: dec("10"),
            apply_min_to_market: true,
            max: dec("1000"),
            apply_max_to_market: false,
            avg_price_mins: 0,
        }),
        ..Filters::default()
    });
    let price = spec.price(dec("2")).unwrap();
    let qty = |text| spec.qty(dec(text)).unwrap();
    assert!(spec.notional(price, qty("5")).is_ok());
    assert!(spec.notional(price, qty("4.99999999")).is_err());
    assert!(spec.notional(price, qty("500")).is_ok());
    assert!(spec.notional(price, qty("500.00000001")).is_err());
    let average = |_| Some(price);
    assert!(spec.market_notional(qty("4.99999999"), average).is_err());
    assert!(spec.market_notional(qty("5"), average).is_ok());
    assert!(spec.market_notional(qty("501"), average).is_ok());
    assert!(spec.market_notional(qty("1"), |_| None).is_ok());
    assert!(spec.quote_notional(dec("9.99999999")).is_err());
    assert!(spec.quote_notional(dec("10")).is_ok());
}

#[test]
fn max_num_orders_counts_the_open_ones() {
    let spec = spec(Filters {
        max_num_orders: Some(2),
        ..Filters::default()
    });
    assert!(spec.max_num_orders(1).is_ok());
    assert_eq!(spec.max_num_orders(2), Err(RejectCode::MaxNumOrders));
}

#[test]
fn contradictions_are_not_listed() {
    let bad = [
        Filters {
            price: Some(PriceFilter {
                min: dec("2"),
                max: dec("1"),
                tick: dec("1"),
            }),
            ..Filters::default()
        },
        Filters {
            lot_size: Some(LotSizeFilter {
                min: Decimal(-1),
                max: Decimal(0),
                step: Decimal(0),
            }),
            ..Filters::default()
        },
        Filters {
            percent_price_by_side: Some(PercentPriceBySideFilter {
                bid_up: dec("1"),
                bid_down: dec("2"),
                ask_up: dec("1"),
                ask_down: dec("1"),
                avg_price_mins: 1,
            }),
            ..Filters::default()
        },
        Filters {
            notional: Some(NotionalFilter {
                avg_price_mins: MAX_AVG_PRICE_MINS + 1,
                ..NotionalFilter::default()
            }),
            ..Filters::default()
        },
    ];
    for filters in bad {
        assert_eq!(
            Spec::new(instrument(filters)),
            Err(RejectCode::InvalidSpecification)
        );
    }
    let mut other = instrument(Filters::default());
    other.maker_fee = Rate(-1);
    assert!(Spec::new(other.clone()).is_err());
    other.maker_fee = Rate(0);
    other.symbol = "btcusdt".into();
    assert_eq!(Spec::new(other.clone()), Err(RejectCode::InvalidName));
    other.symbol = "币安人生USDT".into();
    assert!(Spec::new(other).is_ok());
}

#[test]
fn percent_price_just_inside_and_outside() {
    let spec = spec(Filters {
        percent_price: Some(PercentPriceFilter {
            up: dec("1.3"),
            down: dec("0.7"),
            avg_price_mins: 5,
        }),
        ..Filters::default()
    });
    let average = |minutes| {
        assert_eq!(minutes, 5);
        Some(Price(10))
    };
    for side in [Side::Buy, Side::Sell] {
        for (price, result) in [
            (6, Err(RejectCode::PercentPrice)),
            (7, Ok(())),
            (13, Ok(())),
            (14, Err(RejectCode::PercentPrice)),
        ] {
            assert_eq!(spec.percent_price(side, Price(price), average), result);
        }
        assert_eq!(spec.percent_price(side, Price(14), |_| None), Ok(()));
    }
}

#[test]
fn min_notional_just_inside_and_outside() {
    let with = |apply_to_market| {
        spec(Filters {
            min_notional: Some(MinNotionalFilter {
                min: dec("5"),
                apply_to_market,
                avg_price_mins: 0,
            }),
            ..Filters::default()
        })
    };
    let less = Err(RejectCode::MinNotional);
    let (price, just) = (Price(Decimal::SCALE), dec("5").0);
    for applies in [false, true] {
        let market = |result| if applies { result } else { Ok(()) };
        let spec = with(applies);
        let average = |_| Some(price);
        assert_eq!(spec.min_notional(price, Qty(just)), Ok(()));
        assert_eq!(spec.min_notional(price, Qty(just - 1)), less);
        assert_eq!(spec.market_min_notional(Qty(just), average), Ok(()));
        assert_eq!(
            spec.market_min_notional(Qty(just - 1), average),
            market(less)
        );
        assert_eq!(spec.market_min_notional(Qty(1), |_| None), Ok(()));
        assert_eq!(spec.quote_min_notional(Decimal(just)), Ok(()));
        assert_eq!(spec.quote_min_notional(Decimal(just - 1)), market(less));
    }
}

#[test]
fn counts_just_inside_and_outside() {
    type Check = fn(&Spec, u32) -> Result<(), RejectCode>;
    let filters = Filters {
        max_num_orders: Some(3),
        max_num_algo_orders: Some(3),
        max_num_iceberg_orders: Some(3),
        max_num_order_lists: Some(3),
        max_num_order_amends: Some(3),
        ..Filters::default()
    };
    let checks: [(Check, RejectCode); 5] = [
        (Spec::max_num_orders, RejectCode::MaxNumOrders),
        (Spec::max_num_algo_orders, RejectCode::MaxNumAlgoOrders),
        (
            Spec::max_num_iceberg_orders,
            RejectCode::MaxNumIcebergOrders,
        ),
        (Spec::max_num_order_lists, RejectCode::MaxNumOrderLists),
        (Spec::max_num_order_amends, RejectCode::MaxNumOrderAmends),
    ];
    for (check, code) in checks {
        assert_eq!(check(&spec(filters), 2), Ok(()));
        assert_eq!(check(&spec(filters), 3), Err(code));
        assert_eq!(check(&spec(Filters::default()), u32::MAX), Ok(()));
    }
}

#[test]
fn iceberg_parts_just_inside_and_outside() {
    let spec = spec(Filters {
        iceberg_parts: Some(10),
        ..Filters::default()
    });
    let broken = Err(RejectCode::IcebergParts);
    for (qty, visible, result) in [
        (100, 10, Ok(())),
        (101, 10, broken),
        (91, 10, Ok(())),
        (100, 9, broken),
        (i64::MAX, i64::MAX, Ok(())),
        (10, 0, broken),
    ] {
        assert_eq!(
            spec.iceberg_parts(Qty(qty), Qty(visible)),
            result,
            "{qty} by {visible}"
        );
    }
}

#[test]
fn trailing_delta_just_inside_and_outside() {
    let spec = spec(Filters {
        trailing_delta: Some(TrailingDeltaFilter {
            min_above: 10,
            max_above: 2000,
            min_below: 20,
            max_below: 1000,
        }),
        ..Filters::default()
    });
    for (side, take_profit, inside) in [
        (Side::Buy, false, 10..=2000),
        (Side::Sell, true, 10..=2000),
        (Side::Sell, false, 20..=1000),
        (Side::Buy, true, 20..=1000),
    ] {
        for delta in [9, 10, 19, 20, 1000, 1001, 2000, 2001] {
            let result = spec.trailing_delta(side, take_profit, delta);
            assert_eq!(result.is_ok(), inside.contains(&delta), "{side:?} {delta}");
        }
    }
}

#[test]
fn max_position_just_inside_and_outside() {
    let spec = spec(Filters {
        max_position: Some(dec("10.5")),
        ..Filters::default()
    });
    // 4 owned at three decimals, 6 bid for: room for 0.5
    let (owned, bidding) = (Amount(4_000), i128::from(dec("6").0));
    let full = Err(RejectCode::MaxPosition);
    let room = dec("0.5").0;
    assert_eq!(spec.max_position(owned, 3, bidding, Qty(room)), Ok(()));
    assert_eq!(spec.max_position(owned, 3, bidding, Qty(room + 1)), full);
    assert_eq!(
        spec.max_position(Amount(4_001), 3, bidding, Qty(room)),
        full
    );
    assert_eq!(spec.max_position(owned, 3, i128::MAX, Qty(room)), full);
    assert_eq!(spec.max_position(Amount(i128::MAX), 3, 0, Qty(1)), full);
}

#[test]
fn every_failure_is_told_by_its_documented_name() {
    for (code, name) in [
        (RejectCode::PriceFilter, "PRICE_FILTER"),
        (RejectCode::PercentPrice, "PERCENT_PRICE"),
        (RejectCode::PercentPriceBySide, "PERCENT_PRICE_BY_SIDE"),
        (RejectCode::LotSize, "LOT_SIZE"),
        (RejectCode::MarketLotSize, "MARKET_LOT_SIZE"),
        (RejectCode::MinNotional, "MIN_NOTIONAL"),
        (RejectCode::Notional, "NOTIONAL"),
        (RejectCode::IcebergParts, "ICEBERG_PARTS"),
        (RejectCode::MaxPosition, "MAX_POSITION"),
        (RejectCode::TrailingDelta, "TRAILING_DELTA"),
        (RejectCode::MaxNumOrders, "MAX_NUM_ORDERS"),
        (RejectCode::MaxNumAlgoOrders, "MAX_NUM_ALGO_ORDERS"),
        (RejectCode::MaxNumIcebergOrders, "MAX_NUM_ICEBERG_ORDERS"),
        (RejectCode::MaxNumOrderLists, "MAX_NUM_ORDER_LISTS"),
        (RejectCode::MaxNumOrderAmends, "MAX_NUM_ORDER_AMENDS"),
    ] {
        assert_eq!(code.message(), format!("Filter failure: {name}"));
        let amends = code == RejectCode::MaxNumOrderAmends;
        assert_eq!(code.api_code(), if amends { -2038 } else { -1013 });
    }
}
