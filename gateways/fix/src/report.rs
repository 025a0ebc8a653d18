//! Execution reports: what happened to an order, by whichever gateway it came.

use kit::words;
use protocol::{Order, OrderKind, PegKind, WorkingFloor};
use types::{Decimal, Side, format_atoms};
use ws::{Execution, Report};

use crate::codec::Body;
use crate::tags::*;

/// `OrdType` and `ExecInst` of an order type's public name.
#[must_use]
pub fn order_type(kind: &str) -> (char, Option<char>) {
    match kind {
        "MARKET" => ('1', None),
        "LIMIT_MAKER" => ('2', Some('6')),
        "STOP_LOSS" | "TAKE_PROFIT" => ('3', None),
        "STOP_LOSS_LIMIT" | "TAKE_PROFIT_LIMIT" => ('4', None),
        _ => ('2', None),
    }
}

/// `SelfTradePreventionMode` by public name.
pub const STP_MODES: &[(&str, &str)] = &[
    ("1", "NONE"),
    ("2", "EXPIRE_TAKER"),
    ("3", "EXPIRE_MAKER"),
    ("4", "EXPIRE_BOTH"),
    ("5", "DECREMENT"),
    ("6", "TRANSFER"),
];

/// `TimeInForce` by public name.
pub const TIFS: &[(&str, &str)] = &[("1", "GTC"), ("3", "IOC"), ("4", "FOK")];

fn coded(table: &[(&'static str, &str)], word: &str) -> Option<&'static str> {
    table
        .iter()
        .find(|(_, other)| *other == word)
        .map(|(code, _)| *code)
}

const fn exec_type(execution: Execution) -> char {
    match execution {
        Execution::New => '0',
        Execution::Trade => 'F',
        Execution::Canceled => '4',
        Execution::Replaced => '5',
        _ => 'C',
    }
}

fn order_status(word: &str) -> char {
    match word {
        "NEW" => '0',
        "PENDING_NEW" => 'A',
        "PARTIALLY_FILLED" => '1',
        "FILLED" => '2',
        "CANCELED" => '4',
        "REJECTED" => '8',
        _ => 'C',
    }
}

fn expiry_reason(word: &str) -> Option<u8> {
    let words = [
        "REJECTED",
        "EXCHANGE_CANCELED",
        "OCO_TRIGGER",
        "OTO_PHASE_ONE_EXPIRED",
        "UNFILLED_IOC_QUANTITY_EXPIRED",
        "UNFILLED_FOK_ORDER_EXPIRED",
        "INSUFFICIENT_LIQUIDITY",
        "EXECUTION_RULE_PRICE_RANGE_EXCEEDED",
    ];
    let place = words.iter().position(|other| *other == word)?;
    u8::try_from(place + 1).ok()
}

/// How a pegged order comes by its price.
fn put_peg(body: &mut Body, order: &Order) {
    if let Some(pegged) = order.peg() {
        let offset = (pegged.peg.offset > 0).then_some(pegged.peg.offset);
        body.put(
            PEG_PRICE_TYPE,
            if pegged.peg.kind == PegKind::Market {
                4
            } else {
                5
            },
        )
        .put(PEG_MOVE_TYPE, 1)
        .maybe(PEG_OFFSET_TYPE, offset.map(|_| 3))
        .maybe(PEG_OFFSET_VALUE, offset)
        .maybe(PEGGED_PRICE, pegged.priced.then_some(order.price));
    }
}

/// Where a routed order is filled.
fn put_route(body: &mut Body, report: &Report<'_>) {
    let allocation = report.half.and_then(|half| half.allocation);
    body.maybe(ALLOC_ID, allocation)
        .maybe(MATCH_TYPE, allocation.map(|_| 1));
    if let Some(floor) = report.order.floor() {
        let floor = match floor {
            WorkingFloor::Exchange => 1,
            WorkingFloor::Sor => 3,
        };
        body.put(WORKING_FLOOR, floor).put(SOR, 'Y');
    }
}

/// What a conditional order waits, or waited, for.
fn put_condition(body: &mut Body, order: &Order) {
    let Some(condition) = order.condition.as_deref() else {
        return;
    };
    let stops = matches!(order.kind, OrderKind::StopLoss | OrderKind::StopLossLimit);
    // Buying stops a loss above and takes profit below the market; selling the other way round.
    let rises = stops == (order.side == Side::Buy);
    let price = condition.asked.stop_price;
    let price = (!price.is_zero()).then_some(price);
    let delta = condition.asked.trailing_delta;
    body.put(TRIGGER_TYPE, 4)
        .put(TRIGGER_ACTION, 1)
        .maybe(TRIGGER_PRICE, price)
        .put(TRIGGER_PRICE_TYPE, 2)
        .maybe(
            TRIGGER_PRICE_DIRECTION,
            price.map(|_| if rises { 'U' } else { 'D' }),
        )
        .maybe(TRAILING_DELTA, (delta != 0).then_some(delta));
    if let Some(at) = condition.trailing_at {
        body.time(TRAILING_TIME, at);
    }
}

fn put_prevented(body: &mut Body, report: &Report<'_>) {
    if let Some(prevented) = report.prevented {
        body.put(PREVENTED_MATCH_ID, prevented.id)
            .put(PREVENTED_EXECUTION_PRICE, prevented.match_price)
            .put(PREVENTED_EXECUTION_QTY, prevented.match_qty)
            .maybe(TRADE_GROUP_ID, prevented.group)
            .put(COUNTER_SYMBOL, prevented.counter_symbol)
            .put(COUNTER_ORDER_ID, prevented.counter_order)
            .put(PREVENTED_QTY, report.order.prevented_qty)
            .put(LAST_PREVENTED_QTY, prevented.last_qty);
    }
}

/// `8`, for an order that the engine knows.
#[must_use]
pub fn execution(report: &Report<'_>) -> Body {
    let order = report.order;
    let half = report.half;
    let mut body = Body::new("8");
    let (kind, inst) = match (order_type(words::kind(order.kind)), order.peg()) {
        (('2', inst), Some(_)) => ('P', inst),
        (plain, _) => plain,
    };
    let original = (!report.original_client_id.is_none()).then_some(report.original_client_id);
    let some = |value: Decimal| (!value.is_zero()).then_some(value);
    let works = order.is_open() && order.is_working();
    body.put(CL_ORD_ID, report.client_id)
        .put(CUM_QTY, order.executed_qty)
        .put(EXEC_ID, report.execution_id)
        .maybe(EXEC_INST, inst)
        .maybe(LAST_PX, half.map(|half| half.price))
        .put(LAST_QTY, half.map_or(Decimal::ZERO, |half| half.qty))
        .put(ORDER_ID, order.id)
        .put(ORDER_QTY, order.qty)
        .put(ORD_STATUS, order_status(words::order_status(order.status)))
        .put(ORD_TYPE, kind)
        .maybe(ORIG_CL_ORD_ID, original)
        .maybe(PRICE, some(order.asked_price()))
        .put(SIDE, if order.side == Side::Buy { 1 } else { 2 })
        .put(SYMBOL, report.symbol)
        .maybe(TIME_IN_FORCE, coded(TIFS, words::tif(order.tif)))
        .time(TRANSACT_TIME, report.time)
        .maybe(LIST_ID, order.list());
    if let Some(half) = half {
        body.put(NO_MISC_FEES, 1)
            .put(MISC_FEE_AMT, format_atoms(half.fee.0, half.fee_precision))
            .put(MISC_FEE_CURR, half.fee_asset)
            .put(MISC_FEE_TYPE, 4);
    }
    let aggressor = match (half, report.execution) {
        (Some(half), _) => Some(!half.maker),
        (None, Execution::New) => Some(true),
        _ => None,
    };
    body.put(EXEC_TYPE, exec_type(report.execution))
        .put(LEAVES_QTY, order.open_qty())
        .maybe(CASH_ORDER_QTY, some(order.quote_qty))
        .maybe(MAX_FLOOR, some(order.iceberg_qty()))
        .maybe(WORKING_INDICATOR, works.then_some('Y'))
        .maybe(TARGET_STRATEGY, order.strategy_kind)
        .maybe(TRADE_ID, half.and_then(|half| half.trade))
        .maybe(
            AGGRESSOR_INDICATOR,
            aggressor.map(|yes| if yes { 'Y' } else { 'N' }),
        )
        .maybe(STRATEGY_ID, order.strategy_id)
        .maybe(STP_MODE, coded(STP_MODES, words::stp(order.stp)))
        .put(
            CUM_QUOTE_QTY,
            format_atoms(order.executed_quote.0, report.quote_precision),
        )
        .time(ORDER_CREATION_TIME, order.placed_at);
    if let Some(at) = order.working_at() {
        body.time(WORKING_TIME, at);
    }
    put_condition(&mut body, order);
    put_route(&mut body, report);
    put_peg(&mut body, order);
    put_prevented(&mut body, report);
    body.maybe(EXPIRY_REASON, report.expiry.and_then(expiry_reason));
    body
}
