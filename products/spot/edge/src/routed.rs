//! Orders that are routed over several books. See the engine's `routing` for what that means.

use kit::{
    ApiError, Call, Context, Dialect, Handler, Json, Kind, Later, Method, Orders, Param, Security,
    Weight,
};
use protocol::{Command, Reply};

use crate::orders::{
    ANY_INT, SIDE, STP, TIF, check_values, command, conditions, rates, test_weight,
};
use crate::{report, symbols};

pub const METHODS: &[Method] = &[
    Method {
        rest: Some(("POST", "/api/v3/sor/order")),
        ws: Some("sor.order.place"),
        security: Security::Trade,
        params: PLACE,
        conditions,
        weight: Weight::UnlessSuccessful(1),
        orders: Orders::Count(1),
        handler: Handler::Later(place),
    },
    Method {
        rest: Some(("POST", "/api/v3/sor/order/test")),
        ws: Some("sor.order.test"),
        security: Security::Trade,
        params: TEST,
        conditions,
        weight: Weight::By(test_weight),
        orders: Orders::None,
        handler: Handler::Later(test),
    },
];

const KIND: Kind = Kind::Choice {
    words: &["LIMIT", "MARKET"],
    error: ApiError::bad_order_type,
};

macro_rules! params {
    ($($more:expr),*) => {
        &[
            Param::required("symbol", Kind::Symbol),
            Param::required("side", SIDE),
            Param::required("type", KIND),
            Param::required("quantity", Kind::Decimal),
            Param::optional("timeInForce", TIF),
            Param::optional("price", Kind::Decimal),
            Param::optional("newClientOrderId", Kind::ClientId),
            Param::optional("strategyId", ANY_INT),
            Param::optional("strategyType", Kind::Int { min: 0, max: i32::MAX as i64 }),
            Param::optional("icebergQty", Kind::Decimal),
            Param::optional("newOrderRespType", Kind::Word(&["ACK", "RESULT", "FULL"])),
            Param::optional("selfTradePreventionMode", STP),
            $($more),*
        ]
    };
}

const PLACE: &[Param] = params![];
const TEST: &[Param] = params![Param::optional("computeCommissionRates", Kind::Flag)];

fn place<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        check_values(call)?;
        let instrument = symbols::instrument(ctx, call)?;
        let (order, detail) = command(call, &instrument)?;
        let accepted = ctx.submit(call, Command::PlaceRouted(order)).await??;
        let Reply::Placed(placed) = accepted.reply() else {
            return Err(ApiError::unexpected_response());
        };
        let mut json = Json::new(call.unit);
        // The WebSocket API answers with a list of one.
        let listed = call.dialect == Dialect::WebSocket;
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

fn test<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        check_values(call)?;
        let instrument = symbols::instrument(ctx, call)?;
        let (order, _) = command(call, &instrument)?;
        let side = order.side;
        ctx.check(call, Command::PlaceRouted(order)).await?;
        if call.params.flag("computeCommissionRates") == Some(true) {
            Ok(rates(ctx, call, &instrument, side))
        } else {
            Ok(b"{}".to_vec())
        }
    })
}
