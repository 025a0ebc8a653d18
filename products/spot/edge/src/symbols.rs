//! Which symbols a call means, and how a symbol is described.

use std::sync::Arc;

use kit::{ApiError, Call, Context, Input, Json, Kind, words};
use protocol::{Denied, Feature, Instrument, StpMode};

use crate::filters;

/// The words of `symbolStatus`.
pub(crate) const SYMBOL_STATUS: Kind = Kind::Choice {
    words: &["TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY"],
    error: ApiError::bad_symbol_status,
};

/// The instrument of the mandatory `symbol`.
///
/// # Errors
/// -1121; -1220 when `symbolStatus` says otherwise.
pub(crate) fn instrument(ctx: &Context, call: &Call) -> Result<Arc<Instrument>, ApiError> {
    let found = named(ctx, call.params.text("symbol").unwrap_or_default())?;
    match call.params.word("symbolStatus") {
        Some(status) if status != words::market_status(found.status) => {
            Err(ApiError::status_mismatch())
        }
        _ => Ok(found),
    }
}

pub(crate) fn named(ctx: &Context, symbol: &str) -> Result<Arc<Instrument>, ApiError> {
    ctx.views
        .instrument(symbol)
        .ok_or_else(ApiError::bad_symbol)
}

/// What `symbol` and `symbols` choose.
pub(crate) enum Chosen {
    One(Arc<Instrument>),
    Several(Vec<Arc<Instrument>>),
}

/// By `symbol`, by `symbols`, or all. Of several, those of another status than `symbolStatus` are left out; of one that is an error.
///
/// # Errors
/// -1121, -1151 for a symbol that stands twice, -1220 when the one symbol has another status.
pub(crate) fn chosen(ctx: &Context, call: &Call) -> Result<Chosen, ApiError> {
    if call.params.has("symbol") {
        return instrument(ctx, call).map(Chosen::One);
    }
    let status = call.params.word("symbolStatus");
    let fits = |found: &Arc<Instrument>| {
        status.is_none_or(|status| status == words::market_status(found.status))
    };
    let Some(names) = call.params.list("symbols") else {
        return Ok(Chosen::Several(
            ctx.views
                .instruments()
                .iter()
                .filter(|found| fits(found))
                .cloned()
                .collect(),
        ));
    };
    let mut found = Vec::with_capacity(names.len());
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            return Err(ApiError::duplicate_symbols());
        }
        let one = named(ctx, name)?;
        if fits(&one) {
            found.push(one);
        }
    }
    Ok(Chosen::Several(found))
}

/// How many symbols a request names: none when it means all. For weights, which are counted before anything is checked.
pub(crate) fn how_many(input: &Input<'_>) -> Option<u32> {
    match (input.get("symbol"), input.get("symbols")) {
        (Some(_), _) => Some(1),
        (None, Some(list)) => Some(u32::try_from(list.split(',').count()).unwrap_or(u32::MAX)),
        (None, None) => None,
    }
}

/// `symbol` and `symbols` exclude each other.
pub(crate) fn not_both(input: &Input<'_>) -> Result<(), ApiError> {
    if input.has("symbol") && input.has("symbols") {
        Err(ApiError::bad_combination())
    } else {
        Ok(())
    }
}

/// As [`not_both`], and one of them there must be.
pub(crate) fn exactly_one(input: &Input<'_>) -> Result<(), ApiError> {
    not_both(input)?;
    if input.has("symbol") || input.has("symbols") {
        Ok(())
    } else {
        Err(ApiError::either("symbol", "symbols"))
    }
}

/// One element of exchangeInfo's `symbols`.
pub(crate) fn write(json: &mut Json, ctx: &Context, one: &Instrument, show_permissions: bool) {
    let asset = |id| {
        ctx.views.asset(id).map_or((Box::from(""), 8), |asset| {
            (asset.name.clone(), asset.precision)
        })
    };
    let (base, base_precision) = asset(one.base);
    let (quote, quote_precision) = asset(one.quote);
    json.begin()
        .str("symbol", &one.symbol)
        .str("status", words::market_status(one.status));
    json.str("baseAsset", &base)
        .num("baseAssetPrecision", base_precision);
    json.str("quoteAsset", &quote)
        .num("quotePrecision", quote_precision)
        .num("quoteAssetPrecision", quote_precision);
    json.num("baseCommissionPrecision", base_precision)
        .num("quoteCommissionPrecision", quote_precision);
    write_features(json, one.denied);
    json.flag("isSpotTradingAllowed", true)
        .flag("isMarginTradingAllowed", false);
    json.array("filters", |json| filters::write(json, &one.filters));
    json.strs("permissions", []);
    json.array("permissionSets", |json| {
        if show_permissions {
            json.begin_array().item("SPOT").end_array();
        }
    });
    json.str(
        "defaultSelfTradePreventionMode",
        words::stp(one.default_stp),
    );
    json.strs(
        "allowedSelfTradePreventionModes",
        StpMode::ALL
            .into_iter()
            .filter(|mode| one.allowed_stp.contains(*mode))
            .map(words::stp),
    );
    json.end();
}

/// What the symbol offers.
fn write_features(json: &mut Json, denied: Denied) {
    let offers = |feature| !denied.contains(feature);
    let types = words::ORDER_TYPES.iter();
    let types = types.filter(|(_, feature)| feature.is_none_or(offers));
    json.strs("orderTypes", types.map(|(name, _)| *name));
    json.flag("icebergAllowed", offers(Feature::Iceberg))
        .flag("ocoAllowed", offers(Feature::Oco))
        .flag("otoAllowed", offers(Feature::Oto))
        .flag("opoAllowed", offers(Feature::Opo));
    json.flag("quoteOrderQtyMarketAllowed", offers(Feature::QuoteQty))
        .flag("allowTrailingStop", offers(Feature::Trailing))
        .flag("cancelReplaceAllowed", offers(Feature::CancelReplace));
    json.flag("amendAllowed", offers(Feature::Amend))
        .flag("pegInstructionsAllowed", offers(Feature::Peg));
}

/// The decimals of an instrument's quote asset.
pub(crate) fn quote_precision(ctx: &Context, one: &Instrument) -> u8 {
    ctx.views
        .asset(one.quote)
        .map_or(8, |asset| asset.precision)
}
