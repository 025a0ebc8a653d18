//! Orders that are routed over several books. See the engine's `routing` for what that means.

use kit::{
    ApiError, Call, Context, Dialect, Handler, Kind, Later, Method, Orders, Param, Security, Weight,
};
use protocol::Command;

use crate::orders::{self, ANY_INT, SIDE, STP, TIF, conditions, test_weight};

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

/// The WebSocket API answers with a list of one.
fn place<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    let listed = call.dialect == Dialect::WebSocket;
    orders::submit(ctx, call, Command::PlaceRouted, listed)
}

fn test<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    orders::check(ctx, call, Command::PlaceRouted)
}
