//! What became of the caller's orders besides trades: matches that were prevented, amendments, allocations.

use kit::{
    ApiError, Call, Context, Handler, Input, Json, Kind, Later, Method, Param, Weight, words,
};
use protocol::{Instrument, StpMode};
use types::{OrderId, Seq, Side, TradeGroupId};
use views::{AllocationRow, AllocationsQuery, Amendment, PreventedMatch, PreventedQuery};

use crate::account::{LIMIT, check_span, read, rows};
use crate::changes::ORDER_ID as ID;
use crate::market::broken_history;
use crate::orders::written;
use crate::symbols;

pub const METHODS: &[Method] = &[
    read(
        "/api/v3/myPreventedMatches",
        "myPreventedMatches",
        Weight::By(prevented_weight),
        PREVENTED,
        Handler::Later(prevented),
    )
    .with_conditions(prevented_conditions),
    read(
        "/api/v3/order/amendments",
        "order.amendments",
        Weight::Fixed(4),
        AMENDMENTS,
        Handler::Later(amendments),
    ),
    read(
        "/api/v3/myAllocations",
        "myAllocations",
        Weight::Fixed(20),
        ALLOCATIONS,
        Handler::Later(allocations),
    )
    .with_conditions(allocations_conditions),
];

const PREVENTED: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::optional("preventedMatchId", ID),
    Param::optional("orderId", ID),
    Param::optional("fromPreventedMatchId", ID),
    LIMIT,
];
const AMENDMENTS: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::required("orderId", ID),
    Param::optional("fromExecutionId", ID),
    LIMIT,
];
const ALLOCATIONS: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::optional("startTime", Kind::Time),
    Param::optional("endTime", Kind::Time),
    Param::optional("fromAllocationId", ID),
    LIMIT,
    Param::optional("orderId", ID),
];

fn prevented_weight(input: &Input<'_>) -> u32 {
    if input.has("orderId") { 20 } else { 2 }
}

/// By a match, or by an order: from its first match, or from a given one.
fn prevented_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    let (by_match, by_order) = (input.has("preventedMatchId"), input.has("orderId"));
    if !by_match && !by_order {
        return Err(ApiError::either("preventedMatchId", "orderId"));
    }
    let paged = input.has("fromPreventedMatchId");
    if (by_match && (by_order || paged)) || (input.has("limit") && !paged) {
        return Err(ApiError::bad_combination());
    }
    Ok(())
}

fn prevented<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let instrument = symbols::instrument(ctx, call)?;
        let one = call.params.count("preventedMatchId");
        let from = call.params.count("fromPreventedMatchId");
        let query = PreventedQuery {
            order: call.params.count("orderId").map(OrderId),
            from: one.or(from).unwrap_or(0),
            through: one,
            limit: rows(call),
        };
        let matches = ctx
            .views
            .prevented_matches(call.account, instrument.id, query)
            .await
            .map_err(broken_history)?;
        written(call, |json| {
            json.begin_array();
            for row in &matches {
                write_prevented(json, &instrument, row);
            }
            json.end_array();
        })
    })
}

/// As the API tells a trade group: -1 for none.
pub(crate) fn group_number(group: Option<TradeGroupId>) -> i64 {
    group.map_or(-1, |group| i64::from(group.0))
}

/// A side's quantity is told when the mode took something off that side.
fn write_prevented(json: &mut Json, instrument: &Instrument, row: &PreventedMatch) {
    let p = &row.prevented;
    json.begin()
        .str("symbol", &instrument.symbol)
        .num("preventedMatchId", p.id)
        .num("takerOrderId", p.taker);
    json.str("makerSymbol", &instrument.symbol)
        .num("makerOrderId", p.maker)
        .num("tradeGroupId", group_number(row.group));
    json.str("selfTradePreventionMode", words::stp(p.mode))
        .dec("price", p.price);
    if p.mode != StpMode::ExpireMaker {
        json.dec("takerPreventedQuantity", p.taker_prevented);
    }
    if p.mode != StpMode::ExpireTaker {
        json.dec("makerPreventedQuantity", p.maker_prevented);
    }
    json.time("transactTime", row.time).end();
}

fn amendments<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let instrument = symbols::instrument(ctx, call)?;
        let order = OrderId(call.params.count("orderId").unwrap_or(0));
        let from = Seq(call.params.count("fromExecutionId").unwrap_or(0));
        let found = ctx
            .views
            .amendments(call.account, instrument.id, order, from, rows(call))
            .await
            .map_err(broken_history)?;
        written(call, |json| {
            json.begin_array();
            for row in &found {
                write_amendment(json, &instrument, row);
            }
            json.end_array();
        })
    })
}

fn write_amendment(json: &mut Json, instrument: &Instrument, row: &Amendment) {
    json.begin()
        .str("symbol", &instrument.symbol)
        .num("orderId", row.order)
        .num("executionId", row.seq);
    json.str("origClientOrderId", row.client_id_before.as_str())
        .str("newClientOrderId", row.client_id.as_str());
    json.dec("origQty", row.qty_before)
        .dec("newQty", row.qty)
        .time("time", row.time)
        .end();
}

/// A span, an allocation to begin with, or an order with or without one: nothing else goes together.
fn allocations_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    let spans = input.has("startTime") || input.has("endTime");
    if spans && (input.has("orderId") || input.has("fromAllocationId")) {
        Err(ApiError::bad_combination())
    } else {
        Ok(())
    }
}

fn allocations<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        check_span(call)?;
        let instrument = symbols::instrument(ctx, call)?;
        let query = AllocationsQuery {
            order: call.params.count("orderId").map(OrderId),
            from: call.params.count("fromAllocationId"),
            start: call.params.time("startTime"),
            end: call.params.end("endTime"),
            limit: rows(call),
        };
        let found = ctx
            .views
            .allocations(call.account, instrument.id, query)
            .await
            .map_err(broken_history)?;
        written(call, |json| {
            json.begin_array();
            for row in &found {
                write_allocation(json, ctx, &instrument, row);
            }
            json.end_array();
        })
    })
}

fn write_allocation(json: &mut Json, ctx: &Context, instrument: &Instrument, row: &AllocationRow) {
    let a = &row.allocated;
    let fee_asset = ctx.views.asset(a.fee_asset);
    let (name, precision) =
        (fee_asset.as_ref()).map_or(("", 8), |asset| (&*asset.name, asset.precision));
    json.begin()
        .str("symbol", &instrument.symbol)
        .num("allocationId", a.allocation)
        .str("allocationType", "SOR");
    json.num("orderId", a.order).num("orderListId", -1);
    json.dec("price", a.price).dec("qty", a.qty);
    json.amount(
        "quoteQty",
        a.quote,
        symbols::quote_precision(ctx, instrument),
    );
    json.amount("commission", a.fee, precision)
        .str("commissionAsset", name)
        .time("time", row.time);
    json.flag("isBuyer", a.side == Side::Buy)
        .flag("isMaker", false)
        .flag("isAllocator", false)
        .end();
}
