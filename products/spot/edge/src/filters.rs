//! Filters, as exchangeInfo and myFilters write them.

use kit::{Context, Json};
use protocol::{ExchangeFilters, Filters, Instrument, LotSizeFilter, PriceFilter};
use types::{Decimal, format_atoms};

/// PRICE_FILTER always first: clients read the tick from there. A market without filters is told by its grid and the range of the numbers.
pub(crate) fn write(json: &mut Json, filters: &Filters) {
    let range = (Decimal(1), Decimal(i64::MAX));
    let price = filters.price.unwrap_or(PriceFilter {
        min: range.0,
        max: range.1,
        tick: range.0,
    });
    json.begin().str("filterType", "PRICE_FILTER");
    json.dec("minPrice", price.min)
        .dec("maxPrice", price.max)
        .dec("tickSize", price.tick)
        .end();
    let lot_size = filters.lot_size.unwrap_or(LotSizeFilter {
        min: range.0,
        max: range.1,
        step: range.0,
    });
    write_lot_size(json, "LOT_SIZE", lot_size);
    if let Some(filter) = filters.market_lot_size {
        write_lot_size(json, "MARKET_LOT_SIZE", filter);
    }
    if let Some(f) = filters.percent_price_by_side {
        json.begin().str("filterType", "PERCENT_PRICE_BY_SIDE");
        json.str("bidMultiplierUp", &short(f.bid_up))
            .str("bidMultiplierDown", &short(f.bid_down));
        json.str("askMultiplierUp", &short(f.ask_up))
            .str("askMultiplierDown", &short(f.ask_down));
        json.num("avgPriceMins", f.avg_price_mins).end();
    }
    if let Some(f) = filters.notional {
        json.begin().str("filterType", "NOTIONAL");
        json.dec("minNotional", f.min)
            .flag("applyMinToMarket", f.apply_min_to_market);
        json.dec("maxNotional", f.max)
            .flag("applyMaxToMarket", f.apply_max_to_market);
        json.num("avgPriceMins", f.avg_price_mins).end();
    }
    write_averaged(json, filters);
    write_counts(json, filters);
    if let Some(max) = filters.max_position {
        json.begin().str("filterType", "MAX_POSITION");
        json.dec("maxPosition", max).end();
    }
    if let Some(f) = filters.trailing_delta {
        json.begin().str("filterType", "TRAILING_DELTA");
        json.num("minTrailingAboveDelta", f.min_above)
            .num("maxTrailingAboveDelta", f.max_above);
        json.num("minTrailingBelowDelta", f.min_below)
            .num("maxTrailingBelowDelta", f.max_below)
            .end();
    }
}

/// The elements of `exchangeFilters`.
pub(crate) fn write_exchange(json: &mut Json, filters: &ExchangeFilters) {
    for (name, field, count) in [
        (
            "EXCHANGE_MAX_NUM_ORDERS",
            "maxNumOrders",
            filters.max_num_orders,
        ),
        (
            "EXCHANGE_MAX_NUM_ALGO_ORDERS",
            "maxNumAlgoOrders",
            filters.max_num_algo_orders,
        ),
        (
            "EXCHANGE_MAX_NUM_ICEBERG_ORDERS",
            "maxNumIcebergOrders",
            filters.max_num_iceberg_orders,
        ),
        (
            "EXCHANGE_MAX_NUM_ORDER_LISTS",
            "maxNumOrderLists",
            filters.max_num_order_lists,
        ),
    ] {
        if let Some(count) = count {
            json.begin().str("filterType", name).num(field, count).end();
        }
    }
}

/// The elements of `assetFilters` that bind an instrument.
pub(crate) fn write_assets(json: &mut Json, ctx: &Context, one: &Instrument) {
    let filters = ctx.views.exchange_filters();
    for id in [one.base, one.quote] {
        if let (Some(limit), Some(asset)) = (filters.max_asset(id), ctx.views.asset(id)) {
            json.begin().str("filterType", "MAX_ASSET");
            json.str("asset", &asset.name).dec("limit", limit).end();
        }
    }
}

fn write_averaged(json: &mut Json, filters: &Filters) {
    if let Some(f) = filters.percent_price {
        json.begin().str("filterType", "PERCENT_PRICE");
        json.str("multiplierUp", &short(f.up))
            .str("multiplierDown", &short(f.down));
        json.num("avgPriceMins", f.avg_price_mins).end();
    }
    if let Some(f) = filters.min_notional {
        json.begin().str("filterType", "MIN_NOTIONAL");
        json.dec("minNotional", f.min)
            .flag("applyToMarket", f.apply_to_market);
        json.num("avgPriceMins", f.avg_price_mins).end();
    }
}

fn write_counts(json: &mut Json, filters: &Filters) {
    for (name, field, count) in [
        ("ICEBERG_PARTS", "limit", filters.iceberg_parts),
        ("MAX_NUM_ORDERS", "maxNumOrders", filters.max_num_orders),
        (
            "MAX_NUM_ALGO_ORDERS",
            "maxNumAlgoOrders",
            filters.max_num_algo_orders,
        ),
        (
            "MAX_NUM_ICEBERG_ORDERS",
            "maxNumIcebergOrders",
            filters.max_num_iceberg_orders,
        ),
        (
            "MAX_NUM_ORDER_LISTS",
            "maxNumOrderLists",
            filters.max_num_order_lists,
        ),
        (
            "MAX_NUM_ORDER_AMENDS",
            "maxNumOrderAmends",
            filters.max_num_order_amends,
        ),
    ] {
        if let Some(count) = count {
            json.begin().str("filterType", name).num(field, count).end();
        }
    }
}

fn write_lot_size(json: &mut Json, name: &str, f: LotSizeFilter) {
    json.begin()
        .str("filterType", name)
        .dec("minQty", f.min)
        .dec("maxQty", f.max)
        .dec("stepSize", f.step)
        .end();
}

/// Without trailing zeros, as multipliers are written: `5`, `0.2`.
fn short(value: Decimal) -> String {
    let text = format_atoms(i128::from(value.0), 8);
    text.as_str()
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}
