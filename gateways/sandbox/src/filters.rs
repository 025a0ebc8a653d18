//! Filters, as exchangeInfo writes them.

use kit::ApiError;
use protocol::{
    Filters, LotSizeFilter, MinNotionalFilter, NotionalFilter, PercentPriceBySideFilter,
    PercentPriceFilter, PriceFilter, TrailingDeltaFilter,
};
use serde::Deserialize;
use serde_json::Value;
use types::Decimal;

use crate::body::{decimal, wrong};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Price {
    min_price: String,
    max_price: String,
    tick_size: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LotSize {
    min_qty: String,
    max_qty: String,
    step_size: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Notional {
    min_notional: String,
    #[serde(default)]
    apply_min_to_market: bool,
    #[serde(default)]
    max_notional: Option<String>,
    #[serde(default)]
    apply_max_to_market: bool,
    #[serde(default)]
    avg_price_mins: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PercentPriceBySide {
    bid_multiplier_up: String,
    bid_multiplier_down: String,
    ask_multiplier_up: String,
    ask_multiplier_down: String,
    #[serde(default)]
    avg_price_mins: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PercentPrice {
    multiplier_up: String,
    multiplier_down: String,
    #[serde(default)]
    avg_price_mins: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MinNotional {
    min_notional: String,
    #[serde(default)]
    apply_to_market: bool,
    #[serde(default)]
    avg_price_mins: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MaxPosition {
    max_position: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TrailingDelta {
    min_trailing_above_delta: u32,
    max_trailing_above_delta: u32,
    min_trailing_below_delta: u32,
    max_trailing_below_delta: u32,
}

const KNOWN: &str = "PRICE_FILTER, PERCENT_PRICE, PERCENT_PRICE_BY_SIDE, LOT_SIZE, MARKET_LOT_SIZE, MIN_NOTIONAL, NOTIONAL, ICEBERG_PARTS, \
    MAX_NUM_ORDERS, MAX_NUM_ALGO_ORDERS, MAX_NUM_ICEBERG_ORDERS, MAX_NUM_ORDER_LISTS, MAX_NUM_ORDER_AMENDS, MAX_POSITION and TRAILING_DELTA";

/// Reads the list; each type may stand once.
///
/// # Errors
/// -1130, naming the filter and what is wrong with it.
pub(crate) fn read(list: Vec<Value>) -> Result<Filters, ApiError> {
    let mut filters = Filters::default();
    for mut one in list {
        let name = match one
            .as_object_mut()
            .and_then(|fields| fields.shift_remove("filterType"))
        {
            Some(Value::String(name)) => name,
            _ => {
                return Err(wrong(
                    "A filter is an object with a `filterType`, as exchangeInfo writes it.",
                ));
            }
        };
        if !add(&mut filters, &name, one)? {
            return Err(wrong(format!(
                "Filter {name} stands twice; once is expected."
            )));
        }
    }
    Ok(filters)
}

/// `false` when there is one of this type already.
fn add(filters: &mut Filters, name: &str, fields: Value) -> Result<bool, ApiError> {
    Ok(match name {
        "PRICE_FILTER" => filters.price.replace(price(name, fields)?).is_none(),
        "LOT_SIZE" => filters.lot_size.replace(lot_size(name, fields)?).is_none(),
        "MARKET_LOT_SIZE" => filters
            .market_lot_size
            .replace(lot_size(name, fields)?)
            .is_none(),
        "NOTIONAL" => filters.notional.replace(notional(name, fields)?).is_none(),
        "PERCENT_PRICE_BY_SIDE" => filters
            .percent_price_by_side
            .replace(percent(name, fields)?)
            .is_none(),
        "PERCENT_PRICE" => filters
            .percent_price
            .replace(either_side(name, fields)?)
            .is_none(),
        "MIN_NOTIONAL" => filters
            .min_notional
            .replace(min_notional(name, fields)?)
            .is_none(),
        "MAX_POSITION" => filters
            .max_position
            .replace(max_position(name, fields)?)
            .is_none(),
        "TRAILING_DELTA" => filters
            .trailing_delta
            .replace(trailing_delta(name, fields)?)
            .is_none(),
        "ICEBERG_PARTS" => {
            let limit = count(name, "limit", fields)?;
            filters.iceberg_parts.replace(limit).is_none()
        }
        "MAX_NUM_ORDERS" => {
            let max = count(name, "maxNumOrders", fields)?;
            filters.max_num_orders.replace(max).is_none()
        }
        "MAX_NUM_ALGO_ORDERS" => {
            let max = count(name, "maxNumAlgoOrders", fields)?;
            filters.max_num_algo_orders.replace(max).is_none()
        }
        "MAX_NUM_ICEBERG_ORDERS" => {
            let max = count(name, "maxNumIcebergOrders", fields)?;
            filters.max_num_iceberg_orders.replace(max).is_none()
        }
        "MAX_NUM_ORDER_LISTS" => {
            let max = count(name, "maxNumOrderLists", fields)?;
            filters.max_num_order_lists.replace(max).is_none()
        }
        "MAX_NUM_ORDER_AMENDS" => {
            let max = count(name, "maxNumOrderAmends", fields)?;
            filters.max_num_order_amends.replace(max).is_none()
        }
        _ => {
            return Err(wrong(format!(
                "Filter type '{name}' is not known here; known are {KNOWN}."
            )));
        }
    })
}

fn typed<T: serde::de::DeserializeOwned>(name: &str, fields: Value) -> Result<T, ApiError> {
    serde_json::from_value(fields)
        .map_err(|error| wrong(format!("Filter {name} cannot be read: {error}.")))
}

/// A filter of one whole number.
fn count(name: &str, field: &str, fields: Value) -> Result<u32, ApiError> {
    let mut map: std::collections::BTreeMap<String, u32> = typed(name, fields)?;
    match (map.remove(field), map.keys().next()) {
        (Some(count), None) => Ok(count),
        (None, _) => Err(wrong(format!("Filter {name} lacks the field `{field}`."))),
        (_, Some(other)) => Err(wrong(format!(
            "Filter {name} has no field `{other}`; `{field}` alone is expected."
        ))),
    }
}

fn either_side(name: &str, fields: Value) -> Result<PercentPriceFilter, ApiError> {
    let f: PercentPrice = typed(name, fields)?;
    Ok(PercentPriceFilter {
        up: decimal(name, "multiplierUp", &f.multiplier_up)?,
        down: decimal(name, "multiplierDown", &f.multiplier_down)?,
        avg_price_mins: f.avg_price_mins,
    })
}

fn min_notional(name: &str, fields: Value) -> Result<MinNotionalFilter, ApiError> {
    let f: MinNotional = typed(name, fields)?;
    Ok(MinNotionalFilter {
        min: decimal(name, "minNotional", &f.min_notional)?,
        apply_to_market: f.apply_to_market,
        avg_price_mins: f.avg_price_mins,
    })
}

fn max_position(name: &str, fields: Value) -> Result<Decimal, ApiError> {
    let f: MaxPosition = typed(name, fields)?;
    decimal(name, "maxPosition", &f.max_position)
}

fn trailing_delta(name: &str, fields: Value) -> Result<TrailingDeltaFilter, ApiError> {
    let f: TrailingDelta = typed(name, fields)?;
    Ok(TrailingDeltaFilter {
        min_above: f.min_trailing_above_delta,
        max_above: f.max_trailing_above_delta,
        min_below: f.min_trailing_below_delta,
        max_below: f.max_trailing_below_delta,
    })
}

fn price(name: &str, fields: Value) -> Result<PriceFilter, ApiError> {
    let f: Price = typed(name, fields)?;
    Ok(PriceFilter {
        min: decimal(name, "minPrice", &f.min_price)?,
        max: decimal(name, "maxPrice", &f.max_price)?,
        tick: decimal(name, "tickSize", &f.tick_size)?,
    })
}

fn lot_size(name: &str, fields: Value) -> Result<LotSizeFilter, ApiError> {
    let f: LotSize = typed(name, fields)?;
    Ok(LotSizeFilter {
        min: decimal(name, "minQty", &f.min_qty)?,
        max: decimal(name, "maxQty", &f.max_qty)?,
        step: decimal(name, "stepSize", &f.step_size)?,
    })
}

fn notional(name: &str, fields: Value) -> Result<NotionalFilter, ApiError> {
    let f: Notional = typed(name, fields)?;
    Ok(NotionalFilter {
        min: decimal(name, "minNotional", &f.min_notional)?,
        apply_min_to_market: f.apply_min_to_market,
        max: decimal(
            name,
            "maxNotional",
            f.max_notional.as_deref().unwrap_or("0"),
        )?,
        apply_max_to_market: f.apply_max_to_market,
        avg_price_mins: f.avg_price_mins,
    })
}

fn percent(name: &str, fields: Value) -> Result<PercentPriceBySideFilter, ApiError> {
    let f: PercentPriceBySide = typed(name, fields)?;
    Ok(PercentPriceBySideFilter {
        bid_up: decimal(name, "bidMultiplierUp", &f.bid_multiplier_up)?,
        bid_down: decimal(name, "bidMultiplierDown", &f.bid_multiplier_down)?,
        ask_up: decimal(name, "askMultiplierUp", &f.ask_multiplier_up)?,
        ask_down: decimal(name, "askMultiplierDown", &f.ask_multiplier_down)?,
        avg_price_mins: f.avg_price_mins,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_known_type_is_read() {
        let filters = read(vec![
            json!({"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000", "tickSize": "0.01000000"}),
            json!({"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"}),
            json!({"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "100", "stepSize": "0"}),
            json!({"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": true, "maxNotional": "9000000", "applyMaxToMarket": false, "avgPriceMins": 5}),
            json!({"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2", "askMultiplierUp": "5", "askMultiplierDown": "0.2", "avgPriceMins": 5}),
            json!({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200}),
            json!({"filterType": "PERCENT_PRICE", "multiplierUp": "1.3", "multiplierDown": "0.7", "avgPriceMins": 5}),
            json!({"filterType": "MIN_NOTIONAL", "minNotional": "10", "applyToMarket": true, "avgPriceMins": 1}),
            json!({"filterType": "MAX_POSITION", "maxPosition": "10.5"}),
            json!({"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000, "minTrailingBelowDelta": 11, "maxTrailingBelowDelta": 2001}),
            json!({"filterType": "ICEBERG_PARTS", "limit": 100}),
            json!({"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5}),
            json!({"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": 6}),
            json!({"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20}),
            json!({"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10}),
        ])
        .unwrap();
        assert_eq!(filters.price.unwrap().tick, Decimal(1_000_000));
        assert_eq!(filters.lot_size.unwrap().step, Decimal(1_000));
        assert_eq!(
            filters.market_lot_size.unwrap().max,
            Decimal(100 * Decimal::SCALE)
        );
        assert!(filters.notional.unwrap().apply_min_to_market);
        assert_eq!(
            filters.percent_price_by_side.unwrap().bid_down,
            Decimal(20_000_000)
        );
        assert_eq!(filters.max_num_orders, Some(200));
        assert_eq!(filters.percent_price.unwrap().up, Decimal(130_000_000));
        assert!(filters.min_notional.unwrap().apply_to_market);
        assert_eq!(filters.max_position, Some(Decimal(1_050_000_000)));
        assert_eq!(filters.trailing_delta.unwrap().max_below, 2001);
        assert_eq!(filters.iceberg_parts, Some(100));
        assert_eq!(filters.max_num_algo_orders, Some(5));
        assert_eq!(filters.max_num_iceberg_orders, Some(6));
        assert_eq!(filters.max_num_order_lists, Some(20));
        assert_eq!(filters.max_num_order_amends, Some(10));
    }

    #[test]
    fn the_rest_is_refused_by_name() {
        for (filter, said) in [
            (
                json!({"filterType": "T_PLUS_SELL", "limit": 10}),
                "T_PLUS_SELL",
            ),
            (json!({"limit": 10}), "filterType"),
            (json!("PRICE_FILTER"), "filterType"),
            (json!({"filterType": "LOT_SIZE", "minQty": "0"}), "maxQty"),
            (
                json!({"filterType": "LOT_SIZE", "minQty": 0, "maxQty": "1", "stepSize": "1"}),
                "LOT_SIZE",
            ),
            (
                json!({"filterType": "LOT_SIZE", "minQty": "x", "maxQty": "1", "stepSize": "1"}),
                "minQty",
            ),
            (
                json!({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 1, "more": 2}),
                "more",
            ),
        ] {
            let error = read(vec![filter]).unwrap_err();
            assert!(
                error.code == -1130 && error.msg.contains(said),
                "{}",
                error.msg
            );
        }
        let twice = json!({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 1});
        assert!(
            read(vec![twice.clone(), twice])
                .unwrap_err()
                .msg
                .contains("twice")
        );
    }
}
