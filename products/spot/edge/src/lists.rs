//! Order lists: OCO, OTO, OTOCO, OPO, OPOCO.
//!
//! A list's legs are told apart by the beginning of their parameters' names: `abovePrice`, `pendingBelowStopPrice`. What a leg needs and
//! excludes follows from its type as for a single order.

use kit::{
    ApiError, Call, Context, Dialect, Handler, Input, Json, Kind, Later, Method, Orders, Outcome,
    Param, Security, Weight, random_client_id,
};
use protocol::{
    CancelList, Command, Event, Extras, Instrument, ListKind, OrderKind, OrderList, PlaceList,
    PlaceOrder, Placed, RejectCode, Reply, StpMode, TimeInForce,
};
use types::{ClientId, Decimal, ListId, OrderId, Side};
use views::{ListKey, ListsQuery};

use crate::account::{LIMIT, check_span, read, rows};
use crate::changes::ORDER_ID as ID;
use crate::market::broken_history;
use crate::orders::{
    ANY_INT, NEEDS, ORDER_TYPE, SIDE, STP, TIF, TRAILING_DELTA, check_values, kind_of, peg_of,
    written,
};
use crate::report::{self, Detail};
use crate::symbols;

/// A placement: it fails for every market in one way.
const fn placement(
    path: &'static str,
    ws: &'static str,
    params: &'static [Param],
    conditions: fn(&Input<'_>) -> Result<(), ApiError>,
    orders: u32,
    handler: Handler,
) -> Method {
    Method {
        rest: Some(("POST", path)),
        ws: Some(ws),
        security: Security::Trade,
        params,
        conditions,
        weight: Weight::UnlessSuccessful(1),
        orders: Orders::Count(orders),
        handler,
    }
}

pub const METHODS: &[Method] = &[
    placement(
        "/api/v3/order/oco",
        "orderList.place",
        OLD_OCO,
        old_oco_conditions,
        2,
        Handler::Later(old_oco),
    ),
    placement(
        "/api/v3/orderList/oco",
        "orderList.place.oco",
        OCO,
        oco_conditions,
        2,
        Handler::Later(oco),
    ),
    placement(
        "/api/v3/orderList/oto",
        "orderList.place.oto",
        OTO,
        oto_conditions,
        2,
        Handler::Later(oto),
    ),
    placement(
        "/api/v3/orderList/otoco",
        "orderList.place.otoco",
        OTOCO,
        otoco_conditions,
        3,
        Handler::Later(otoco),
    ),
    placement(
        "/api/v3/orderList/opo",
        "orderList.place.opo",
        OPO,
        opo_conditions,
        2,
        Handler::Later(opo),
    ),
    placement(
        "/api/v3/orderList/opoco",
        "orderList.place.opoco",
        OPOCO,
        opoco_conditions,
        3,
        Handler::Later(opoco),
    ),
    Method {
        rest: Some(("DELETE", "/api/v3/orderList")),
        ws: Some("orderList.cancel"),
        security: Security::Trade,
        params: CANCEL,
        conditions: cancel_names_a_list,
        weight: Weight::UnlessSuccessful(1),
        orders: Orders::None,
        handler: Handler::Later(cancel),
    },
    read(
        "/api/v3/orderList",
        "orderList.status",
        Weight::Fixed(4),
        &[
            Param::optional("orderListId", ID),
            Param::optional("origClientOrderId", Kind::ClientId),
        ],
        Handler::Later(one),
    )
    .with_conditions(names_a_list),
    read(
        "/api/v3/allOrderList",
        "allOrderLists",
        Weight::Fixed(20),
        &[
            Param::optional("fromId", ID),
            Param::optional("startTime", Kind::Time),
            Param::optional("endTime", Kind::Time),
            LIMIT,
        ],
        Handler::Later(all),
    )
    .with_conditions(all_conditions),
    read(
        "/api/v3/openOrderList",
        "openOrderLists.status",
        Weight::Fixed(6),
        &[],
        Handler::Now(open),
    ),
];

const OCO_TYPE: Kind = Kind::Choice {
    words: &[
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
        "LIMIT_MAKER",
    ],
    error: ApiError::bad_oco_type,
};
const WORKING_TYPE: Kind = Kind::Choice {
    words: &["LIMIT", "LIMIT_MAKER"],
    error: ApiError::bad_order_type,
};
const PEG_PRICE_TYPE: Kind = Kind::Choice {
    words: &["PRIMARY_PEG", "MARKET_PEG"],
    error: ApiError::bad_peg_price_type,
};
const PEG_OFFSET_TYPE: Kind = Kind::Choice {
    words: &["PRICE_LEVEL"],
    error: ApiError::bad_peg_offset_type,
};
const RESPONSE: Kind = Kind::Word(&["ACK", "RESULT", "FULL"]);
const STRATEGY_TYPE: Kind = Kind::Int {
    min: 0,
    max: i32::MAX as i64,
};

/// A list's own parameters, and those of each leg.
macro_rules! list_params {
    // with a working order, which waits for nothing
    (working, $($prefix:literal),*; $($own:expr),* $(,)?) => {
        list_params![$($prefix),*;
            $($own,)*
            Param::required("workingType", WORKING_TYPE),
            Param::required("workingSide", SIDE),
            Param::required("workingQuantity", Kind::Decimal),
            Param::optional("workingClientOrderId", Kind::ClientId),
            Param::optional("workingPrice", Kind::Decimal),
            Param::optional("workingIcebergQty", Kind::Decimal),
            Param::optional("workingTimeInForce", TIF),
            Param::optional("workingStrategyId", ANY_INT),
            Param::optional("workingStrategyType", STRATEGY_TYPE),
            Param::optional("workingPegPriceType", PEG_PRICE_TYPE),
            Param::optional("workingPegOffsetType", PEG_OFFSET_TYPE),
            Param::optional("workingPegOffsetValue", Kind::Int { min: 1, max: 100 }),
        ]
    };
    ($($prefix:literal),*; $($own:expr),* $(,)?) => {
        &[
            Param::required("symbol", Kind::Symbol),
            $($own,)*
            Param::optional("listClientOrderId", Kind::ClientId),
            Param::optional("newOrderRespType", RESPONSE),
            Param::optional("selfTradePreventionMode", STP),
            $(
                Param::optional(concat!($prefix, "ClientOrderId"), Kind::ClientId),
                Param::optional(concat!($prefix, "Price"), Kind::Decimal),
                Param::optional(concat!($prefix, "StopPrice"), Kind::Decimal),
                Param::optional(concat!($prefix, "TrailingDelta"), TRAILING_DELTA),
                Param::optional(concat!($prefix, "IcebergQty"), Kind::Decimal),
                Param::optional(concat!($prefix, "TimeInForce"), TIF),
                Param::optional(concat!($prefix, "StrategyId"), ANY_INT),
                Param::optional(concat!($prefix, "StrategyType"), STRATEGY_TYPE),
                Param::optional(concat!($prefix, "PegPriceType"), PEG_PRICE_TYPE),
                Param::optional(concat!($prefix, "PegOffsetType"), PEG_OFFSET_TYPE),
                Param::optional(concat!($prefix, "PegOffsetValue"), Kind::Int { min: 1, max: 100 }),
            )*
        ]
    };
}

const OCO: &[Param] = list_params!["above", "below";
    Param::required("side", SIDE),
    Param::required("quantity", Kind::Decimal),
    Param::required("aboveType", OCO_TYPE),
    Param::required("belowType", OCO_TYPE),
];
const OTO: &[Param] = list_params![working, "pending";
    Param::required("pendingType", ORDER_TYPE),
    Param::required("pendingSide", SIDE),
    Param::required("pendingQuantity", Kind::Decimal),
];
const OTOCO: &[Param] = list_params![working, "pendingAbove", "pendingBelow";
    Param::required("pendingSide", SIDE),
    Param::required("pendingQuantity", Kind::Decimal),
    Param::required("pendingAboveType", OCO_TYPE),
    Param::optional("pendingBelowType", OCO_TYPE),
];
const OPO: &[Param] = list_params![working, "pending";
    Param::required("pendingType", ORDER_TYPE),
    Param::required("pendingSide", SIDE),
];
const OPOCO: &[Param] = list_params![working, "pendingAbove", "pendingBelow";
    Param::required("pendingSide", SIDE),
    Param::required("pendingAboveType", OCO_TYPE),
    Param::optional("pendingBelowType", OCO_TYPE),
];
const OLD_OCO: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::required("side", SIDE),
    Param::required("quantity", Kind::Decimal),
    Param::required("price", Kind::Decimal),
    Param::optional("stopPrice", Kind::Decimal),
    Param::optional("listClientOrderId", Kind::ClientId),
    Param::optional("limitClientOrderId", Kind::ClientId),
    Param::optional("limitStrategyId", ANY_INT),
    Param::optional("limitStrategyType", STRATEGY_TYPE),
    Param::optional("limitIcebergQty", Kind::Decimal),
    Param::optional("trailingDelta", TRAILING_DELTA),
    Param::optional("stopClientOrderId", Kind::ClientId),
    Param::optional("stopStrategyId", ANY_INT),
    Param::optional("stopStrategyType", STRATEGY_TYPE),
    Param::optional("stopLimitPrice", Kind::Decimal),
    Param::optional("stopIcebergQty", Kind::Decimal),
    Param::optional("stopLimitTimeInForce", TIF),
    Param::optional("newOrderRespType", RESPONSE),
    Param::optional("selfTradePreventionMode", STP),
];

const CANCEL: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::optional("orderListId", ID),
    Param::optional("listClientOrderId", Kind::ClientId),
    Param::optional("newClientOrderId", Kind::ClientId),
];

/// `price` of the leg `above` is `abovePrice`.
fn of_leg(prefix: &str, name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{prefix}{}{rest}", first.to_ascii_uppercase())
}

/// What one leg needs and excludes by its type. Its quantity is the list's affair.
fn leg(input: &Input<'_>, prefix: &str) -> Result<(), ApiError> {
    let named = |name: &str| of_leg(prefix, name);
    let has = |name: &str| input.has(&named(name));
    let kind = input.get(&named("type")).unwrap_or_default();
    let Some(needs) = NEEDS.iter().find(|needs| needs.kind == kind) else {
        return Ok(());
    };
    let quantities = ["quantity", "quoteOrderQty"];
    let missing = |name: &&&str| {
        let pegged = **name == "price" && has("pegPriceType");
        !quantities.contains(*name) && !has(name) && !pegged
    };
    if let Some(name) = needs.needed.iter().find(missing) {
        return Err(ApiError::mandatory(named(name)));
    }
    if needs.trigger && !has("stopPrice") && !has("trailingDelta") {
        return Err(ApiError::either(named("stopPrice"), named("trailingDelta")));
    }
    let extra = |name: &&&str| !quantities.contains(*name) && has(name);
    if let Some(name) = needs.excluded.iter().find(extra) {
        return Err(ApiError::not_required(named(name)));
    }
    if has("pegOffsetValue") != has("pegOffsetType") {
        return Err(ApiError::both_needed(
            named("pegOffsetType"),
            named("pegOffsetValue"),
        ));
    }
    if has("pegOffsetType") && !has("pegPriceType") {
        return Err(ApiError::mandatory(named("pegPriceType")));
    }
    let tif = input.get(&named("timeInForce"));
    if has("icebergQty") && tif.is_some_and(|tif| tif != "GTC") {
        return Err(ApiError::oco_iceberg_tif(named("icebergQty")));
    }
    Ok(())
}

/// Whether a type is one of those that its parameter may have; if not, the words' check refuses it, whatever else is wrong.
fn is_word(input: &Input<'_>, name: &str, kind: Kind) -> bool {
    let Kind::Choice { words, .. } = kind else {
        return true;
    };
    input.get(name).is_none_or(|word| words.contains(&word))
}

/// The two legs of an OCO: one takes profit, the other stops loss, each on its side of the market.
fn pair(input: &Input<'_>, side: &str, above: &str, below: &str) -> Result<(), ApiError> {
    let known = |prefix| is_word(input, &of_leg(prefix, "type"), OCO_TYPE);
    if !known(above) || !known(below) {
        return Ok(());
    }
    leg(input, above)?;
    leg(input, below)?;
    let kind = |prefix| input.get(&of_leg(prefix, "type")).unwrap_or_default();
    let (above, below) = (kind(above), kind(below));
    if above == "LIMIT_MAKER" && below == "LIMIT_MAKER" {
        return Err(ApiError::oco_of_limits());
    }
    let buys = input.get(side) == Some("BUY");
    for (kind, is_above) in [(above, true), (below, false)] {
        // a buyer stops loss above the market, a seller below; profit is on the other side
        let stops = kind.starts_with("STOP_LOSS");
        if stops == (buys == is_above) {
            continue;
        }
        let limit = kind == "LIMIT_MAKER";
        return Err(match (stops, limit, buys) {
            (true, _, true) => ApiError::buy_oco_stop_below(),
            (true, _, false) => ApiError::sell_oco_stop_above(),
            (false, true, true) => ApiError::buy_oco_limit_above(),
            (false, true, false) => ApiError::sell_oco_limit_below(),
            (false, false, true) => ApiError::buy_oco_profit_above(),
            (false, false, false) => ApiError::sell_oco_profit_below(),
        });
    }
    Ok(())
}

fn oco_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    pair(input, "side", "above", "below")
}

fn working(input: &Input<'_>) -> Result<(), ApiError> {
    match is_word(input, "workingType", WORKING_TYPE) {
        true => leg(input, "working"),
        false => Ok(()),
    }
}

fn oto_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    working(input)?;
    leg(input, "pending")
}

fn otoco_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    working(input)?;
    if !input.has("pendingBelowType") {
        return Err(ApiError::mandatory("pendingBelowType"));
    }
    pair(input, "pendingSide", "pendingAbove", "pendingBelow")
}

/// What is bought first is what is sold then.
fn opo_sides(input: &Input<'_>) -> Result<(), ApiError> {
    if input.get("workingSide") == Some("SELL") {
        return Err(ApiError::opo_working_sells());
    }
    if input.get("pendingSide") == Some("BUY") {
        return Err(ApiError::opo_pending_buys());
    }
    Ok(())
}

fn opo_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    oto_conditions(input)?;
    opo_sides(input)
}

fn opoco_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    opo_sides(input)?;
    otoco_conditions(input)
}

/// `stopLimitPrice` makes the stop a limit order, which needs to say how long it is in force. Over REST there is always a stop price, over
/// the WebSocket API a trailing delta may stand alone.
fn old_oco_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    if !input.has("stopPrice") {
        if input.dialect == Dialect::Rest {
            return Err(ApiError::mandatory("stopPrice"));
        }
        if !input.has("trailingDelta") {
            return Err(ApiError::either("stopPrice", "trailingDelta"));
        }
    }
    match (
        input.has("stopLimitPrice"),
        input.get("stopLimitTimeInForce"),
    ) {
        (true, None) => Err(ApiError::mandatory("stopLimitTimeInForce")),
        (false, Some(_)) => Err(ApiError::not_required("stopLimitTimeInForce")),
        (_, Some(tif)) if tif != "GTC" && input.has("stopIcebergQty") => {
            Err(ApiError::oco_iceberg_tif("stopIcebergQty"))
        }
        _ => Ok(()),
    }
}

/// The order that the parameters of one leg ask for. `named` says what its parameters are called.
struct Leg<'a> {
    call: &'a Call,
    prefix: &'static str,
    kind: OrderKind,
    side: Side,
    qty: Decimal,
}

impl Leg<'_> {
    fn order(&self, instrument: &Instrument) -> Result<PlaceOrder, ApiError> {
        let params = &self.call.params;
        let named = |name: &str| of_leg(self.prefix, name);
        let decimal = |name: &str| params.decimal(&named(name)).unwrap_or(Decimal::ZERO);
        let kind = params.int(&named("strategyType"));
        if kind.is_some_and(|kind| kind < 1_000_000) {
            return Err(ApiError::bad_strategy_type());
        }
        Ok(PlaceOrder {
            instrument: instrument.id,
            side: self.side,
            kind: self.kind,
            tif: tif_of(params.word(&named("timeInForce"))),
            stp: stp_of(self.call)?,
            price: decimal("price"),
            qty: self.qty,
            quote_qty: Decimal::ZERO,
            client_id: params
                .client_id(&named("clientOrderId"))
                .unwrap_or_else(random_client_id),
            strategy_id: params.int(&named("strategyId")),
            strategy_kind: kind.and_then(|kind| i32::try_from(kind).ok()),
            extras: Extras {
                stop_price: decimal("stopPrice"),
                trailing_delta: delta_of(params.int(&named("trailingDelta"))),
                iceberg_qty: decimal("icebergQty"),
                peg: peg_of(
                    params.word(&named("pegPriceType")),
                    params.int(&named("pegOffsetValue")),
                ),
            }
            .boxed(),
        })
    }
}

fn delta_of(delta: Option<i64>) -> u32 {
    delta
        .and_then(|delta| u32::try_from(delta).ok())
        .unwrap_or(0)
}

fn tif_of(word: Option<&str>) -> TimeInForce {
    match word {
        Some("IOC") => TimeInForce::Ioc,
        Some("FOK") => TimeInForce::Fok,
        _ => TimeInForce::Gtc,
    }
}

fn stp_of(call: &Call) -> Result<Option<StpMode>, ApiError> {
    match call.params.word("selfTradePreventionMode") {
        None => Ok(None),
        Some(word) => Ok(Some(
            kit::words::stp_named(word).ok_or(RejectCode::StpModeNotAllowed)?,
        )),
    }
}

fn side_of(call: &Call, name: &str) -> Side {
    match call.params.word(name) {
        Some("SELL") => Side::Sell,
        _ => Side::Buy,
    }
}

/// The legs of a list by the names of their parameters: prefix, and the parameters for side and quantity.
type Named = (&'static str, &'static str, Option<&'static str>);

fn legs(
    call: &Call,
    instrument: &Instrument,
    named: &[Named],
) -> Result<Vec<PlaceOrder>, ApiError> {
    let leg = |(prefix, side, qty): &Named| {
        let word = call.params.word(&of_leg(prefix, "type"));
        Leg {
            call,
            prefix,
            kind: kind_of(word.unwrap_or_default()),
            side: side_of(call, side),
            qty: qty
                .and_then(|qty| call.params.decimal(qty))
                .unwrap_or(Decimal::ZERO),
        }
        .order(instrument)
    };
    named.iter().map(leg).collect()
}

/// The deprecated OCO: a limit order and a stop, whose places follow from the side.
fn old_legs(call: &Call, instrument: &Instrument) -> Result<Vec<PlaceOrder>, ApiError> {
    let params = &call.params;
    let (side, qty) = (side_of(call, "side"), params.decimal("quantity"));
    let leg = |prefix, kind| {
        Leg {
            call,
            prefix,
            kind,
            side,
            qty: qty.unwrap_or(Decimal::ZERO),
        }
        .order(instrument)
    };
    let stop_kind = match params.has("stopLimitPrice") {
        true => OrderKind::StopLossLimit,
        false => OrderKind::StopLoss,
    };
    let mut limit = leg("limit", OrderKind::LimitMaker)?;
    limit.price = params.decimal("price").unwrap_or(Decimal::ZERO);
    let mut stop = leg("stop", stop_kind)?;
    stop.price = params.decimal("stopLimitPrice").unwrap_or(Decimal::ZERO);
    stop.tif = tif_of(params.word("stopLimitTimeInForce"));
    let iceberg_qty = params.decimal("stopIcebergQty").unwrap_or(Decimal::ZERO);
    stop.extras = Some(Box::new(Extras {
        stop_price: params.decimal("stopPrice").unwrap_or(Decimal::ZERO),
        trailing_delta: delta_of(params.int("trailingDelta")),
        iceberg_qty,
        peg: None,
    }));
    Ok(match side {
        Side::Sell => vec![limit, stop],
        Side::Buy => vec![stop, limit],
    })
}

async fn place(
    ctx: &Context,
    call: &Call,
    kind: ListKind,
    legs: impl FnOnce(&Instrument) -> Result<Vec<PlaceOrder>, ApiError>,
) -> Outcome {
    check_values(call)?;
    let instrument = symbols::instrument(ctx, call)?;
    let list = PlaceList {
        instrument: instrument.id,
        kind,
        client_id: call
            .params
            .client_id("listClientOrderId")
            .unwrap_or_else(random_client_id),
        legs: legs(&instrument)?,
    };
    let accepted = ctx
        .submit(call, Command::PlaceList(Box::new(list)))
        .await??;
    let Reply::ListPlaced(done) = accepted.reply() else {
        return Err(ApiError::unexpected_response());
    };
    let word = call.params.word("newOrderRespType");
    let detail = Detail::of(Some(word.unwrap_or(usual_detail(call))), OrderKind::Limit);
    let (events, time) = (accepted.events(), accepted.time());
    written(call, |json| {
        json.begin();
        report::list(json, &instrument.symbol, &done.list, time);
        json.array("orderReports", |json| {
            for order in &done.orders {
                let placed = Placed {
                    order: order.clone(),
                    prevented_match: prevented_in(events, order.id),
                };
                report::placed(json, ctx, &instrument, &placed, events, time, detail);
            }
        });
        json.end();
    })
}

/// How much is told of a list's orders unless the caller says. The public documents say it of the deprecated OCO over the WebSocket API alone
/// (FULL); their examples of the other methods, which do not ask for a form, show RESULT.
fn usual_detail(call: &Call) -> &'static str {
    // only the deprecated OCO calls its limit order's price just that
    match call.dialect == Dialect::WebSocket && call.params.has("price") {
        true => "FULL",
        false => "RESULT",
    }
}

/// The first match of the record that self-trade prevention kept an order from taking.
fn prevented_in(events: &[Event], order: OrderId) -> Option<u64> {
    events.iter().find_map(|event| match event {
        Event::MatchPrevented(prevented) if prevented.taker == order => Some(prevented.id),
        _ => None,
    })
}

macro_rules! placing {
    ($name:ident, $kind:ident, $legs:expr) => {
        fn $name<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
            Box::pin(place(ctx, call, ListKind::$kind, |instrument| {
                legs(call, instrument, $legs)
            }))
        }
    };
}
const WORKING: Named = ("working", "workingSide", Some("workingQuantity"));
const PENDING: Option<&str> = Some("pendingQuantity");
placing!(
    oco,
    Oco,
    &[
        ("above", "side", Some("quantity")),
        ("below", "side", Some("quantity"))
    ]
);
placing!(oto, Oto, &[WORKING, ("pending", "pendingSide", PENDING)]);
placing!(
    otoco,
    Otoco,
    &[
        WORKING,
        ("pendingAbove", "pendingSide", PENDING),
        ("pendingBelow", "pendingSide", PENDING)
    ]
);
placing!(opo, Opo, &[WORKING, ("pending", "pendingSide", None)]);
placing!(
    opoco,
    Opoco,
    &[
        WORKING,
        ("pendingAbove", "pendingSide", None),
        ("pendingBelow", "pendingSide", None)
    ]
);

fn old_oco<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(place(ctx, call, ListKind::Oco, |instrument| {
        old_legs(call, instrument)
    }))
}

fn cancel_names_a_list(input: &Input<'_>) -> Result<(), ApiError> {
    if input.has("orderListId") || input.has("listClientOrderId") {
        Ok(())
    } else {
        Err(ApiError::either("orderListId", "listClientOrderId"))
    }
}

fn names_a_list(input: &Input<'_>) -> Result<(), ApiError> {
    if input.has("orderListId") || input.has("origClientOrderId") {
        Ok(())
    } else {
        Err(ApiError::either("orderListId", "origClientOrderId"))
    }
}

/// By id, or by time.
fn all_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    if input.has("fromId") && (input.has("startTime") || input.has("endTime")) {
        Err(ApiError::bad_combination())
    } else {
        Ok(())
    }
}

fn cancel<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let instrument = symbols::instrument(ctx, call)?;
        let params = &call.params;
        let name = params
            .client_id("newClientOrderId")
            .unwrap_or_else(random_client_id);
        let command = CancelList {
            instrument: instrument.id,
            list: params.count("orderListId").map(ListId),
            list_client_id: params
                .client_id("listClientOrderId")
                .unwrap_or(ClientId::NONE),
            client_id: name,
        };
        let accepted = ctx.submit(call, Command::CancelList(command)).await??;
        let Reply::ListCanceled(done) = accepted.reply() else {
            return Err(ApiError::unexpected_response());
        };
        written(call, |json| {
            let list = (&done.list, &done.orders[..]);
            report::canceled_list(json, ctx, &instrument, list, name, accepted.time());
        })
    })
}

/// A list as queries tell it, as the next value.
fn told(json: &mut Json, ctx: &Context, list: &OrderList) {
    let Some(instrument) = ctx.views.instrument_by_id(list.instrument) else {
        return;
    };
    json.begin();
    report::list(json, &instrument.symbol, list, list.placed_at);
    json.end();
}

fn one<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let params = &call.params;
        let name = params.client_id("origClientOrderId");
        let key = match (params.count("orderListId"), name) {
            (Some(id), _) => ListKey::Id(ListId(id)),
            (None, Some(name)) => ListKey::Name(name),
            (None, None) => return Err(ApiError::either("orderListId", "origClientOrderId")),
        };
        let found = ctx
            .views
            .order_list(call.account, key)
            .await
            .map_err(broken_history)?;
        let list = found
            .filter(|list| name.is_none_or(|name| name == list.client_id))
            .ok_or_else(ApiError::no_such_order)?;
        written(call, |json| told(json, ctx, &list))
    })
}

fn all<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        check_span(call)?;
        let query = ListsQuery {
            from: call.params.count("fromId").map(ListId),
            start: call.params.time("startTime"),
            end: call.params.end("endTime"),
            limit: rows(call),
        };
        let lists = ctx
            .views
            .order_lists(call.account, query)
            .await
            .map_err(broken_history)?;
        many(ctx, call, &lists)
    })
}

fn open(ctx: &Context, call: &Call) -> Outcome {
    many(ctx, call, &ctx.views.open_order_lists(call.account))
}

fn many(ctx: &Context, call: &Call, lists: &[OrderList]) -> Outcome {
    written(call, |json| {
        json.begin_array();
        lists.iter().for_each(|list| told(json, ctx, list));
        json.end_array();
    })
}
