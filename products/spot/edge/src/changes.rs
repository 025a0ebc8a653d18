//! Canceling, replacing and amending orders.

use kit::{
    ApiError, Call, Context, Handler, Input, Json, Kind, Later, Method, Orders, Param, Security,
    Weight, random_client_id,
};
use protocol::{
    AmendOrder, BothKeys, CancelAll, CancelOrder, CancelReplace, CancelReplaceMode, CancelReplaced,
    CancelRestriction, Command, Event, Instrument, OrderKey, Reject, RejectCode, Reply,
};
use types::{ClientId, OrderId, Time};

use crate::orders::{
    ANY_INT, ORDER_TYPE, SIDE, STP, TIF, TRAILING_DELTA, check_values, command, conditions,
    place_params, written,
};
use crate::report::{self, Detail};
use crate::symbols;

pub const METHODS: &[Method] = &[
    Method {
        rest: Some(("DELETE", "/api/v3/order")),
        ws: Some("order.cancel"),
        security: Security::Trade,
        params: CANCEL,
        conditions: names_an_order,
        weight: Weight::UnlessSuccessful(1),
        orders: Orders::None,
        handler: Handler::Later(cancel),
    },
    Method {
        rest: Some(("DELETE", "/api/v3/openOrders")),
        ws: Some("openOrders.cancelAll"),
        security: Security::Trade,
        params: &[Param::required("symbol", Kind::Symbol)],
        conditions: kit::no_conditions,
        weight: Weight::UnlessSuccessful(1),
        orders: Orders::None,
        handler: Handler::Later(cancel_all),
    },
    Method {
        rest: Some(("POST", "/api/v3/order/cancelReplace")),
        ws: Some("order.cancelReplace"),
        security: Security::Trade,
        params: REPLACE,
        conditions: replace_conditions,
        weight: Weight::UnlessSuccessful(1),
        orders: Orders::ByHandler,
        handler: Handler::Later(replace),
    },
    Method {
        rest: Some(("PUT", "/api/v3/order/amend/keepPriority")),
        ws: Some("order.amend.keepPriority"),
        security: Security::Trade,
        params: AMEND,
        conditions: names_an_order,
        weight: Weight::Fixed(4),
        orders: Orders::None,
        handler: Handler::Later(amend),
    },
];

pub(crate) const ORDER_ID: Kind = Kind::Int {
    min: 0,
    max: i64::MAX,
};
const RESTRICTIONS: Kind = Kind::Choice {
    words: &["ONLY_NEW", "ONLY_PARTIALLY_FILLED"],
    error: ApiError::bad_cancel_restrictions,
};
const CANCEL: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::optional("orderId", ORDER_ID),
    Param::optional("origClientOrderId", Kind::ClientId),
    Param::optional("newClientOrderId", Kind::ClientId),
    Param::optional("cancelRestrictions", RESTRICTIONS),
];
const AMEND: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::optional("orderId", ORDER_ID),
    Param::optional("origClientOrderId", Kind::ClientId),
    Param::optional("newClientOrderId", Kind::ClientId),
    Param::required("newQty", Kind::Decimal),
];
const REPLACE: &[Param] = place_params![
    Param::required(
        "cancelReplaceMode",
        Kind::Word(&["STOP_ON_FAILURE", "ALLOW_FAILURE"])
    ),
    Param::optional("cancelOrderId", ORDER_ID),
    Param::optional("cancelOrigClientOrderId", Kind::ClientId),
    Param::optional("cancelNewClientOrderId", Kind::ClientId),
    Param::optional("cancelRestrictions", RESTRICTIONS),
    Param::optional(
        "orderRateLimitExceededMode",
        Kind::Word(&["DO_NOTHING", "CANCEL_ONLY"])
    )
];

/// One of `orderId` and `origClientOrderId` at least.
pub(crate) fn names_an_order(input: &Input<'_>) -> Result<(), ApiError> {
    if input.has("orderId") || input.has("origClientOrderId") {
        Ok(())
    } else {
        Err(ApiError::either("origClientOrderId", "orderId"))
    }
}

fn replace_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    if !input.has("cancelOrderId") && !input.has("cancelOrigClientOrderId") {
        return Err(ApiError::either("cancelOrigClientOrderId", "cancelOrderId"));
    }
    conditions(input)
}

/// The order that two parameters name, one or both.
pub(crate) fn key(call: &Call, id: &str, client_id: &str) -> Result<OrderKey, ApiError> {
    match (call.params.count(id), call.params.client_id(client_id)) {
        (Some(id), None) => Ok(OrderKey::Id(OrderId(id))),
        (None, Some(client_id)) => Ok(OrderKey::ClientId(client_id)),
        (Some(id), Some(client_id)) => Ok(OrderKey::Both(BothKeys {
            id: OrderId(id),
            client_id,
        })),
        (None, None) => Err(ApiError::either(client_id, id)),
    }
}

fn cancel_command(
    call: &Call,
    instrument: &Instrument,
    names: [&str; 3],
) -> Result<CancelOrder, ApiError> {
    Ok(CancelOrder {
        instrument: instrument.id,
        order: key(call, names[0], names[1])?,
        client_id: call
            .params
            .client_id(names[2])
            .unwrap_or_else(random_client_id),
        restriction: call
            .params
            .word("cancelRestrictions")
            .map(|word| match word {
                "ONLY_NEW" => CancelRestriction::OnlyNew,
                _ => CancelRestriction::OnlyPartiallyFilled,
            }),
    })
}

fn cancel<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let instrument = symbols::instrument(ctx, call)?;
        let command = cancel_command(
            call,
            &instrument,
            ["orderId", "origClientOrderId", "newClientOrderId"],
        )?;
        let name = command.client_id;
        let accepted = ctx.submit(call, Command::CancelOrder(command)).await??;
        let time = accepted.time();
        match accepted.reply() {
            Reply::Canceled(order) => written(call, |json| {
                report::canceled(json, ctx, &instrument, order, name, time)
            }),
            Reply::ListCanceled(done) => written(call, |json| {
                let list = (&done.list, &done.orders[..]);
                report::canceled_list(json, ctx, &instrument, list, name, time);
            }),
            _ => Err(ApiError::unexpected_response()),
        }
    })
}

fn cancel_all<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let instrument = symbols::instrument(ctx, call)?;
        let name = random_client_id();
        let command = CancelAll {
            instrument: instrument.id,
            client_id: name,
        };
        let accepted = ctx.submit(call, Command::CancelAll(command)).await??;
        let Reply::CanceledAll(orders, lists) = accepted.reply() else {
            return Err(ApiError::unexpected_response());
        };
        if orders.is_empty() {
            return Err(RejectCode::UnknownOrder.into());
        }
        written(call, |json| {
            json.begin_array();
            let time = accepted.time();
            for of_list in orders.chunk_by(|a, b| a.list().is_some() && a.list() == b.list()) {
                let list = lists.iter().find(|list| Some(list.id) == of_list[0].list());
                match list {
                    Some(list) => {
                        report::canceled_list(json, ctx, &instrument, (list, of_list), name, time)
                    }
                    None => report::canceled(json, ctx, &instrument, &of_list[0], name, time),
                }
            }
            json.end_array();
        })
    })
}

/// The two halves of a cancel-replace as its answer shows them.
struct Halves {
    canceled: Option<Result<Vec<u8>, ApiError>>,
    placed: Option<Result<Vec<u8>, ApiError>>,
}

impl Halves {
    /// `cancelResult` to `newOrderResponse`; a half that was not tried is `null`.
    fn write(&self, call: &Call) -> Vec<u8> {
        let mut json = Json::new(call.unit);
        json.begin();
        for (name, half) in [
            ("cancelResult", &self.canceled),
            ("newOrderResult", &self.placed),
        ] {
            json.str(
                name,
                match half {
                    Some(Ok(_)) => "SUCCESS",
                    Some(Err(_)) => "FAILURE",
                    None => "NOT_ATTEMPTED",
                },
            );
        }
        for (name, half) in [
            ("cancelResponse", &self.canceled),
            ("newOrderResponse", &self.placed),
        ] {
            match half {
                Some(Ok(body)) => json.raw(name, body),
                Some(Err(error)) => json.raw(name, &error.body()),
                None => json.null(name),
            };
        }
        json.end();
        json.finish()
    }

    fn answer(self, call: &Call) -> kit::Outcome {
        let data = self.write(call);
        match (&self.canceled, &self.placed) {
            (Some(Ok(_)), Some(Ok(_))) => Ok(data),
            (Some(Ok(_)), _) | (_, Some(Ok(_))) => Err(ApiError::cancel_replace_partly_failed()
                .with_status(409)
                .with_data(data)),
            _ => Err(ApiError::cancel_replace_failed().with_data(data)),
        }
    }
}

fn replace<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        check_values(call)?;
        let instrument = symbols::instrument(ctx, call)?;
        let (place, detail) = command(call, &instrument)?;
        let cancel = cancel_command(
            call,
            &instrument,
            [
                "cancelOrderId",
                "cancelOrigClientOrderId",
                "cancelNewClientOrderId",
            ],
        )?;
        if let Err(limit) = ctx.limits.take_orders(call.account, 1, call.now) {
            return match call.params.word("orderRateLimitExceededMode") {
                Some("CANCEL_ONLY") => cancel_only(ctx, call, &instrument, cancel, limit).await,
                _ => Err(limit),
            };
        }
        let name = cancel.client_id;
        let mode = match call.params.word("cancelReplaceMode") {
            Some("ALLOW_FAILURE") => CancelReplaceMode::AllowFailure,
            _ => CancelReplaceMode::StopOnFailure,
        };
        let both = CancelReplace {
            cancel,
            place,
            mode,
        };
        match ctx
            .submit(call, Command::CancelReplace(Box::new(both)))
            .await?
        {
            Ok(accepted) => {
                let Reply::CancelReplaced(done) = accepted.reply() else {
                    return Err(ApiError::unexpected_response());
                };
                halves(
                    ctx,
                    call,
                    &instrument,
                    done,
                    accepted.events(),
                    (name, accepted.time(), detail),
                )
                .answer(call)
            }
            Err(Reject::One(code)) => {
                ctx.limits.lower_orders(call.account, 1, call.now);
                Err(code.into())
            }
            Err(Reject::CancelReplace { cancel, place }) => {
                let failed = |code: Option<RejectCode>| code.map(|code| Err(code.into()));
                Halves {
                    canceled: failed(cancel),
                    placed: failed(place),
                }
                .answer(call)
            }
        }
    })
}

fn halves(
    ctx: &Context,
    call: &Call,
    instrument: &Instrument,
    done: &CancelReplaced,
    events: &[Event],
    (name, time, detail): (ClientId, Time, Detail),
) -> Halves {
    let body = |write: &dyn Fn(&mut Json)| {
        let mut json = Json::new(call.unit);
        write(&mut json);
        json.finish()
    };
    let canceled = match &done.cancel {
        Ok(order) => Ok(body(&|json| {
            report::canceled(json, ctx, instrument, order, name, time)
        })),
        Err(reject) => Err((*reject).into()),
    };
    let placed = match &done.place {
        Ok(placed) => Ok(body(&|json| {
            report::placed(json, ctx, instrument, placed, events, time, detail)
        })),
        Err(reject) => Err((*reject).into()),
    };
    Halves {
        canceled: Some(canceled),
        placed: Some(placed),
    }
}

/// What the caller asked for in case that no more orders may be placed: the cancel alone. Where the new order hangs on the cancel the answer's
/// status is that of the limit, 429.
async fn cancel_only(
    ctx: &Context,
    call: &Call,
    instrument: &Instrument,
    cancel: CancelOrder,
    limit: ApiError,
) -> kit::Outcome {
    let name = cancel.client_id;
    let canceled = match ctx.submit(call, Command::CancelOrder(cancel)).await? {
        Ok(accepted) => match accepted.reply() {
            Reply::Canceled(order) => written(call, |json| {
                report::canceled(json, ctx, instrument, order, name, accepted.time())
            }),
            Reply::ListCanceled(done) => written(call, |json| {
                let list = (&done.list, &done.orders[..]);
                report::canceled_list(json, ctx, instrument, list, name, accepted.time());
            }),
            _ => return Err(ApiError::unexpected_response()),
        },
        Err(reject) => Err(reject.into()),
    };
    let stops = call.params.word("cancelReplaceMode") == Some("STOP_ON_FAILURE");
    let (status, retry_at) = (limit.status, limit.retry_at);
    let attempted = canceled.is_ok() || !stops;
    let halves = Halves {
        canceled: Some(canceled),
        placed: attempted.then_some(Err(limit)),
    };
    halves.answer(call).map_err(|error| match stops {
        true => ApiError {
            retry_at,
            ..error.with_status(status)
        },
        false => error,
    })
}

fn amend<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let instrument = symbols::instrument(ctx, call)?;
        let command = AmendOrder {
            instrument: instrument.id,
            order: key(call, "orderId", "origClientOrderId")?,
            new_qty: call.params.decimal("newQty").unwrap_or_default(),
            client_id: call
                .params
                .client_id("newClientOrderId")
                .unwrap_or_else(random_client_id),
        };
        let accepted = ctx.submit(call, Command::AmendOrder(command)).await??;
        let Reply::Amended(amended) = accepted.reply() else {
            return Err(ApiError::unexpected_response());
        };
        written(call, |json| {
            // The record's place in the journal names the execution: unique, and ascending for every order.
            json.begin()
                .time("transactTime", accepted.time())
                .num("executionId", accepted.seq());
            json.key("amendedOrder");
            report::amended(
                json,
                ctx,
                &instrument,
                &amended.order,
                Some(amended.previous_client_id),
            );
            if let Some(list) = &amended.list {
                report::amended_list(json, &instrument.symbol, list);
            }
            // not in the JSON of the documents, but in their schema of the same answer
            if !amended.related.is_empty() {
                json.array("relatedOrders", |json| {
                    for order in &amended.related {
                        report::amended(json, ctx, &instrument, order, None);
                    }
                });
            }
            json.end();
        })
    })
}
