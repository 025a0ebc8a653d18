//! Placing orders, and trying out whether they could be placed.

use kit::{
    ApiError, Call, Context, Handler, Input, Json, Kind, Later, Method, Orders, Outcome, Param,
    Security, Weight, random_client_id,
};
use protocol::{
    Command, Commission, Extras, Instrument, OrderKind, Peg, PegKind, PlaceOrder, RejectCode,
    Reply, TimeInForce,
};
use types::{Decimal, Side};

use crate::report::{self, Detail};
use crate::symbols;

pub const METHODS: &[Method] = &[
    Method {
        rest: Some(("POST", "/api/v3/order")),
        ws: Some("order.place"),
        security: Security::Trade,
        params: PLACE,
        conditions,
        weight: Weight::UnlessSuccessful(1),
        orders: Orders::Count(1),
        handler: Handler::Later(place),
    },
    Method {
        rest: Some(("POST", "/api/v3/order/test")),
        ws: Some("order.test"),
        security: Security::Trade,
        params: TEST,
        conditions,
        weight: Weight::By(test_weight),
        orders: Orders::None,
        handler: Handler::Later(test),
    },
];

pub(crate) const SIDE: Kind = Kind::Choice {
    words: &["BUY", "SELL"],
    error: ApiError::bad_side,
};
pub(crate) const ORDER_TYPE: Kind = Kind::Choice {
    words: &[
        "LIMIT",
        "MARKET",
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
        "LIMIT_MAKER",
    ],
    error: ApiError::bad_order_type,
};
pub(crate) const TIF: Kind = Kind::Choice {
    words: &["GTC", "IOC", "FOK"],
    error: ApiError::bad_tif,
};
pub(crate) const ANY_INT: Kind = Kind::Int {
    min: 0,
    max: i64::MAX,
};
/// Basis points.
pub(crate) const TRAILING_DELTA: Kind = Kind::Int {
    min: 1,
    max: u32::MAX as i64,
};
pub(crate) const STP: Kind = Kind::Word(&[
    "NONE",
    "EXPIRE_TAKER",
    "EXPIRE_MAKER",
    "EXPIRE_BOTH",
    "DECREMENT",
    "TRANSFER",
]);

macro_rules! place_params {
    ($($more:expr),*) => {
        &[
            Param::required("symbol", Kind::Symbol),
            Param::required("side", SIDE),
            Param::required("type", ORDER_TYPE),
            Param::optional("timeInForce", TIF),
            Param::optional("quantity", Kind::Decimal),
            Param::optional("quoteOrderQty", Kind::Decimal),
            Param::optional("price", Kind::Decimal),
            Param::optional("newClientOrderId", Kind::ClientId),
            Param::optional("strategyId", ANY_INT),
            Param::optional("strategyType", Kind::Int { min: 0, max: i32::MAX as i64 }),
            Param::optional("stopPrice", Kind::Decimal),
            Param::optional("trailingDelta", TRAILING_DELTA),
            Param::optional("icebergQty", Kind::Decimal),
            Param::optional("newOrderRespType", Kind::Word(&["ACK", "RESULT", "FULL"])),
            Param::optional("selfTradePreventionMode", STP),
            Param::optional("pegPriceType", Kind::Choice { words: &["PRIMARY_PEG", "MARKET_PEG"], error: ApiError::bad_peg_price_type }),
            Param::optional("pegOffsetValue", Kind::Int { min: 1, max: 100 }),
            Param::optional("pegOffsetType", Kind::Choice { words: &["PRICE_LEVEL"], error: ApiError::bad_peg_offset_type }),
            $($more),*
        ]
    };
}
pub(crate) use place_params;

const PLACE: &[Param] = place_params![];
const TEST: &[Param] = place_params![Param::optional("computeCommissionRates", Kind::Flag)];

/// What a type of order needs, and what it may not have.
pub(crate) struct Needs {
    pub(crate) kind: &'static str,
    pub(crate) needed: &'static [&'static str],
    /// One of `stopPrice` and `trailingDelta` at least.
    pub(crate) trigger: bool,
    pub(crate) excluded: &'static [&'static str],
}

pub(crate) const NEEDS: &[Needs] = &[
    Needs {
        kind: "LIMIT",
        needed: &["timeInForce", "quantity", "price"],
        trigger: false,
        excluded: &["quoteOrderQty", "stopPrice", "trailingDelta"],
    },
    Needs {
        kind: "MARKET",
        needed: &[],
        trigger: false,
        excluded: &[
            "timeInForce",
            "price",
            "stopPrice",
            "trailingDelta",
            "icebergQty",
        ],
    },
    Needs {
        kind: "STOP_LOSS",
        needed: &["quantity"],
        trigger: true,
        excluded: &["timeInForce", "price", "quoteOrderQty", "icebergQty"],
    },
    Needs {
        kind: "TAKE_PROFIT",
        needed: &["quantity"],
        trigger: true,
        excluded: &["timeInForce", "price", "quoteOrderQty", "icebergQty"],
    },
    Needs {
        kind: "STOP_LOSS_LIMIT",
        needed: &["timeInForce", "quantity", "price"],
        trigger: true,
        excluded: &["quoteOrderQty"],
    },
    Needs {
        kind: "TAKE_PROFIT_LIMIT",
        needed: &["timeInForce", "quantity", "price"],
        trigger: true,
        excluded: &["quoteOrderQty"],
    },
    Needs {
        kind: "LIMIT_MAKER",
        needed: &["quantity", "price"],
        trigger: false,
        excluded: &["timeInForce", "quoteOrderQty", "stopPrice", "trailingDelta"],
    },
];

/// Which parameters an order of its type needs and excludes. An unknown type is for the words' check to refuse.
pub(crate) fn conditions(input: &Input<'_>) -> Result<(), ApiError> {
    let kind = input.get("type").unwrap_or_default();
    let Some(needs) = NEEDS.iter().find(|needs| needs.kind == kind) else {
        return Ok(());
    };
    // A pegged order takes its price from the book.
    let given = |name: &str| input.has(name) || (name == "price" && input.has("pegPriceType"));
    if let Some(name) = needs.needed.iter().find(|name| !given(name)) {
        return Err(ApiError::mandatory(name));
    }
    if needs.trigger && !input.has("stopPrice") && !input.has("trailingDelta") {
        return Err(ApiError::either("stopPrice", "trailingDelta"));
    }
    if kind == "MARKET" {
        match (input.has("quantity"), input.has("quoteOrderQty")) {
            (false, false) => return Err(ApiError::either("quantity", "quoteOrderQty")),
            (true, true) => return Err(ApiError::not_required("quoteOrderQty")),
            _ => {}
        }
    }
    if let Some(name) = needs.excluded.iter().find(|name| input.has(name)) {
        return Err(ApiError::not_required(name));
    }
    if input.has("pegOffsetValue") != input.has("pegOffsetType") {
        return Err(ApiError::both_needed("pegOffsetType", "pegOffsetValue"));
    }
    if input.has("pegOffsetType") && !input.has("pegPriceType") {
        return Err(ApiError::mandatory("pegPriceType"));
    }
    Ok(())
}

/// A type of order by its word, which was checked.
pub(crate) fn kind_of(word: &str) -> OrderKind {
    match word {
        "LIMIT" => OrderKind::Limit,
        "MARKET" => OrderKind::Market,
        "LIMIT_MAKER" => OrderKind::LimitMaker,
        "STOP_LOSS" => OrderKind::StopLoss,
        "STOP_LOSS_LIMIT" => OrderKind::StopLossLimit,
        "TAKE_PROFIT" => OrderKind::TakeProfit,
        _ => OrderKind::TakeProfitLimit,
    }
}

/// The peg that a price type and an offset, both checked, ask for.
pub(crate) fn peg_of(kind: Option<&str>, offset: Option<i64>) -> Option<Peg> {
    kind.map(|word| Peg {
        kind: match word {
            "MARKET_PEG" => PegKind::Market,
            _ => PegKind::Primary,
        },
        offset: offset
            .and_then(|value| u8::try_from(value).ok())
            .unwrap_or(0),
    })
}

/// The command that a call asks for, and how much detail its answer wants.
///
/// # Errors
/// A self-trade prevention mode that there is not.
pub(crate) fn command(
    call: &Call,
    instrument: &Instrument,
) -> Result<(PlaceOrder, Detail), ApiError> {
    let params = &call.params;
    let kind = kind_of(params.word("type").unwrap_or_default());
    let extras = Extras {
        stop_price: params.decimal("stopPrice").unwrap_or(Decimal::ZERO),
        trailing_delta: params
            .int("trailingDelta")
            .and_then(|delta| u32::try_from(delta).ok())
            .unwrap_or(0),
        iceberg_qty: params.decimal("icebergQty").unwrap_or(Decimal::ZERO),
        peg: peg_of(params.word("pegPriceType"), params.int("pegOffsetValue")),
    };
    let stp = match params.word("selfTradePreventionMode") {
        None => None,
        Some(word) => Some(kit::words::stp_named(word).ok_or(RejectCode::StpModeNotAllowed)?),
    };
    let order = PlaceOrder {
        instrument: instrument.id,
        side: if params.word("side") == Some("SELL") {
            Side::Sell
        } else {
            Side::Buy
        },
        kind,
        tif: match params.word("timeInForce") {
            Some("IOC") => TimeInForce::Ioc,
            Some("FOK") => TimeInForce::Fok,
            _ => TimeInForce::Gtc,
        },
        stp,
        price: params.decimal("price").unwrap_or(Decimal::ZERO),
        qty: params.decimal("quantity").unwrap_or(Decimal::ZERO),
        quote_qty: params.decimal("quoteOrderQty").unwrap_or(Decimal::ZERO),
        client_id: params
            .client_id("newClientOrderId")
            .unwrap_or_else(random_client_id),
        strategy_id: params.int("strategyId"),
        strategy_kind: params
            .int("strategyType")
            .and_then(|kind| i32::try_from(kind).ok()),
        extras: extras.boxed(),
    };
    Ok((order, Detail::of(params.word("newOrderRespType"), kind)))
}

/// What is refused of the values before the symbol is looked up.
pub(crate) fn check_values(call: &Call) -> Result<(), ApiError> {
    match call.params.int("strategyType") {
        Some(kind) if kind < 1_000_000 => Err(ApiError::bad_strategy_type()),
        _ => Ok(()),
    }
}

fn place<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    submit(ctx, call, Command::PlaceOrder, false)
}

/// Places the order of a call by the command that carries it; `listed`: the answer is a list of one.
pub(crate) fn submit<'a>(
    ctx: &'a Context,
    call: &'a Call,
    carry: fn(PlaceOrder) -> Command,
    listed: bool,
) -> Later<'a> {
    Box::pin(async move {
        check_values(call)?;
        let instrument = symbols::instrument(ctx, call)?;
        let (order, detail) = command(call, &instrument)?;
        let accepted = ctx.submit(call, carry(order)).await??;
        let Reply::Placed(placed) = accepted.reply() else {
            return Err(ApiError::unexpected_response());
        };
        let mut json = Json::new(call.unit);
        if listed {
            json.begin_array();
        }
        report::placed(
            &mut json,
            ctx,
            &instrument,
            placed,
            accepted.events(),
            accepted.time(),
            detail,
        );
        if listed {
            json.end_array();
        }
        Ok(json.finish())
    })
}

pub(crate) fn test_weight(input: &Input<'_>) -> u32 {
    if input
        .get("computeCommissionRates")
        .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    {
        20
    } else {
        1
    }
}

fn test<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    check(ctx, call, Command::PlaceOrder)
}

/// Tries out whether the order of a call could be placed by the command that carries it.
pub(crate) fn check<'a>(
    ctx: &'a Context,
    call: &'a Call,
    carry: fn(PlaceOrder) -> Command,
) -> Later<'a> {
    Box::pin(async move {
        check_values(call)?;
        let instrument = symbols::instrument(ctx, call)?;
        let (order, _) = command(call, &instrument)?;
        let side = order.side;
        ctx.check(call, carry(order)).await?;
        if call.params.flag("computeCommissionRates") == Some(true) {
            Ok(rates(ctx, call, &instrument, side))
        } else {
            Ok(b"{}".to_vec())
        }
    })
}

/// What an order of this side would pay in either role: the part for the role and the one for the side as one.
pub(crate) fn rates(ctx: &Context, call: &Call, instrument: &Instrument, side: Side) -> Vec<u8> {
    let mut json = Json::new(call.unit);
    let commission = ctx.views.commission(call.account, instrument);
    json.begin();
    for (name, parts) in [
        ("standardCommissionForOrder", &commission.standard),
        ("specialCommissionForOrder", &commission.special),
        ("taxCommissionForOrder", &commission.tax),
    ] {
        json.object(name, |json| {
            json.dec("maker", Decimal(parts.rate(side, true).0))
                .dec("taker", Decimal(parts.rate(side, false).0));
        });
    }
    json.object("discount", |json| write_discount(json, ctx, &commission));
    json.end();
    json.finish()
}

/// A venue without a discount asset names none.
pub(crate) fn write_discount(json: &mut Json, ctx: &Context, commission: &Commission) {
    let asset = commission.discount.and_then(|d| ctx.views.asset(d.asset));
    let share = commission.discount.map_or(0, |d| d.share.0);
    json.flag("enabledForAccount", commission.enabled_for_account)
        .flag("enabledForSymbol", commission.enabled_for_symbol)
        .str("discountAsset", asset.as_ref().map_or("", |a| &a.name))
        .dec("discount", Decimal(share));
}

/// For handlers that answer with JSON they write themselves.
pub(crate) fn written(call: &Call, write: impl FnOnce(&mut Json)) -> Outcome {
    let mut json = Json::new(call.unit);
    write(&mut json);
    Ok(json.finish())
}
