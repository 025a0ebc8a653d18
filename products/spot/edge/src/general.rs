//! Is anybody there, what time is it, what trades here.

use std::collections::BTreeMap;
use std::sync::Arc;

use kit::{ApiError, Call, Context, Handler, Input, Json, Kind, Method, Outcome, Param, Weight};

use protocol::Instrument;

use crate::symbols::{self, Chosen, SYMBOL_STATUS};

pub const METHODS: &[Method] = &[
    Method::public(
        "/api/v3/ping",
        Some("ping"),
        Weight::Fixed(1),
        &[],
        Handler::Now(ping),
    ),
    Method::public(
        "/api/v3/time",
        Some("time"),
        Weight::Fixed(1),
        &[],
        Handler::Now(time),
    ),
    Method::public(
        "/api/v3/exchangeInfo",
        Some("exchangeInfo"),
        Weight::Fixed(20),
        EXCHANGE_INFO,
        Handler::Now(exchange_info),
    )
    .with_conditions(one_choice),
];

const EXCHANGE_INFO: &[Param] = &[
    Param::optional("symbol", Kind::Symbol),
    Param::optional("symbols", Kind::Symbols),
    Param::optional("permissions", Kind::Names),
    Param::optional("showPermissionSets", Kind::Flag),
    Param::optional("symbolStatus", SYMBOL_STATUS),
];

fn ping(_: &Context, _: &Call) -> Outcome {
    Ok(b"{}".to_vec())
}

fn time(_: &Context, call: &Call) -> Outcome {
    let mut json = Json::new(call.unit);
    json.begin().time("serverTime", call.now).end();
    Ok(json.finish())
}

/// Symbols are chosen in one way only: by name, by names, or by permission and status.
fn one_choice(input: &Input<'_>) -> Result<(), ApiError> {
    let named = input.has("symbol") || input.has("symbols");
    if named && (input.has("permissions") || input.has("symbolStatus")) {
        return Err(ApiError::bad_combination());
    }
    symbols::not_both(input)
}

fn exchange_info(ctx: &Context, call: &Call) -> Outcome {
    let permitted = call
        .params
        .list("permissions")
        .is_none_or(|list| list.iter().any(|name| &**name == "SPOT"));
    let list = match symbols::chosen(ctx, call)? {
        Chosen::One(one) => vec![one],
        Chosen::Several(list) if permitted => list,
        Chosen::Several(_) => Vec::new(),
    };
    let show_permissions = call.params.flag("showPermissionSets").unwrap_or(true);
    let mut json = Json::new(call.unit);
    json.begin()
        .str("timezone", "UTC")
        .time("serverTime", call.now);
    json.array("rateLimits", |json| ctx.limits.write(json, None));
    json.array("exchangeFilters", |json| {
        crate::filters::write_exchange(json, &ctx.views.exchange_filters());
    });
    json.array("symbols", |json| {
        for one in &list {
            symbols::write(json, ctx, one, show_permissions);
        }
    });
    write_sors(&mut json, ctx);
    json.end();
    Ok(json.finish())
}

/// The routing groups; left out when there are none.
fn write_sors(json: &mut Json, ctx: &Context) {
    let mut groups: BTreeMap<Box<str>, Vec<Arc<Instrument>>> = BTreeMap::new();
    for (id, group) in ctx.views.routes() {
        if let Some(instrument) = ctx.views.instrument_by_id(id) {
            groups.entry(group).or_default().push(instrument);
        }
    }
    if groups.is_empty() {
        return;
    }
    json.array("sors", |json| {
        for members in groups.values() {
            let base = members.first().and_then(|one| ctx.views.asset(one.base));
            json.begin()
                .str("baseAsset", base.as_ref().map_or("", |asset| &asset.name));
            json.strs("symbols", members.iter().map(|one| &*one.symbol))
                .end();
        }
    });
}
