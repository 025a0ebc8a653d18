//! The filters of the whole venue.

use kit::ApiError;
use protocol::{Admin, ExchangeFilters, MaxAsset};
use serde::Deserialize;
use serde_json::Value;

use crate::body::{self, decimal, wrong};
use crate::desk::{Answer, Sandbox, written};

/// Each replaces all of its kind; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Changed {
    exchange_filters: Option<Vec<Value>>,
    asset_filters: Option<Vec<AssetFilter>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AssetFilter {
    filter_type: String,
    asset: String,
    limit: String,
}

/// Each filter's name and its only field.
const COUNTS: [(&str, &str); 4] = [
    ("EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders"),
    ("EXCHANGE_MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders"),
    ("EXCHANGE_MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders"),
    ("EXCHANGE_MAX_NUM_ORDER_LISTS", "maxNumOrderLists"),
];

fn counts(filters: &[Value], next: &mut ExchangeFilters) -> Result<(), ApiError> {
    let mut found = [None; 4];
    for filter in filters {
        let name = filter.get("filterType").and_then(Value::as_str);
        let at = COUNTS.iter().position(|(known, _)| name == Some(*known));
        let Some(at) = at else {
            let known = COUNTS.map(|(known, _)| known).join(", ");
            return Err(wrong(format!(
                "exchangeFilters: {filter} has no filterType that is known: {known} are."
            )));
        };
        let field = COUNTS[at].1;
        let count = filter.get(field).and_then(Value::as_u64);
        let count = count.and_then(|count| u32::try_from(count).ok());
        let fields = filter.as_object().map_or(0, serde_json::Map::len);
        match (count, fields) {
            (Some(count), 2) if found[at].is_none() => found[at] = Some(count),
            _ => {
                return Err(wrong(format!(
                    "exchangeFilters: {filter} stands twice, or is not of filterType and {field}, a whole number."
                )));
            }
        }
    }
    [
        next.max_num_orders,
        next.max_num_algo_orders,
        next.max_num_iceberg_orders,
        next.max_num_order_lists,
    ] = found;
    Ok(())
}

impl Sandbox {
    pub(crate) async fn change_filters(&self, body: &[u8]) -> Answer {
        let new: Changed = body::read(body)?;
        let mut next = (*self.views().exchange_filters()).clone();
        if new.exchange_filters.is_none() && new.asset_filters.is_none() {
            return Err(wrong(
                "Nothing is to be changed; `exchangeFilters` or `assetFilters` is expected.",
            ));
        }
        if let Some(filters) = &new.exchange_filters {
            counts(filters, &mut next)?;
        }
        if let Some(filters) = &new.asset_filters {
            next.max_assets = self.assets(filters)?;
        }
        self.admin(Admin::SetExchangeFilters(Box::new(next)))
            .await?;
        Ok(self.told_filters())
    }

    fn assets(&self, filters: &[AssetFilter]) -> Result<Vec<MaxAsset>, ApiError> {
        let mut assets = Vec::with_capacity(filters.len());
        for filter in filters {
            if filter.filter_type != "MAX_ASSET" {
                return Err(wrong(format!(
                    "assetFilters: filterType '{}' is not known: MAX_ASSET is expected.",
                    filter.filter_type
                )));
            }
            let name = body::asset_name(&filter.asset)?;
            let asset = self.views().asset_by_name(name).ok_or_else(|| {
                wrong(format!("assetFilters: there is no asset {name} yet; list a symbol or fund an account with it first."))
            })?;
            let limit = decimal("MAX_ASSET", "limit", &filter.limit)?;
            assets.push(MaxAsset {
                asset: asset.id,
                limit,
            });
        }
        assets.sort_by_key(|filter| filter.asset);
        match assets.is_sorted_by(|a, b| a.asset < b.asset) {
            true => Ok(assets),
            false => Err(wrong("assetFilters: an asset stands twice.")),
        }
    }

    pub(crate) fn told_filters(&self) -> Vec<u8> {
        let filters = self.views().exchange_filters();
        let found = [
            filters.max_num_orders,
            filters.max_num_algo_orders,
            filters.max_num_iceberg_orders,
            filters.max_num_order_lists,
        ];
        written(|json| {
            json.array("exchangeFilters", |json| {
                for ((name, field), count) in COUNTS.iter().zip(found) {
                    if let Some(count) = count {
                        json.begin().str("filterType", name).num(field, count).end();
                    }
                }
            });
            json.array("assetFilters", |json| {
                for filter in &filters.max_assets {
                    let asset = self.views().asset(filter.asset);
                    let name = asset.map_or_else(String::new, |asset| asset.name.to_string());
                    json.begin().str("filterType", "MAX_ASSET");
                    json.str("asset", &name).dec("limit", filter.limit).end();
                }
            });
        })
    }
}
