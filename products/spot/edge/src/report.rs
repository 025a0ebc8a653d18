//! How an order is told.

use kit::{Context, Json, words};
use protocol::{Event, Extras, Instrument, Order, OrderKind, OrderList, OrderStatus, Placed};
use types::{ClientId, Decimal, Time};

use crate::symbols::quote_precision;

/// What `newOrderRespType` asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Ack,
    Result,
    Full,
}

impl Detail {
    pub(crate) fn of(word: Option<&str>, kind: OrderKind) -> Detail {
        match word {
            Some("ACK") => Detail::Ack,
            Some("RESULT") => Detail::Result,
            Some(_) => Detail::Full,
            None if matches!(kind, OrderKind::Limit | OrderKind::Market) => Detail::Full,
            None => Detail::Ack,
        }
    }
}

/// The answer to a placement, as the next value.
pub(crate) fn placed(
    json: &mut Json,
    ctx: &Context,
    instrument: &Instrument,
    placed: &Placed,
    events: &[Event],
    time: Time,
    detail: Detail,
) {
    let order = &placed.order;
    json.begin()
        .str("symbol", &instrument.symbol)
        .num("orderId", order.id);
    list_id(json, order);
    json.str("clientOrderId", order.client_id.as_str())
        .time("transactTime", time);
    if detail != Detail::Ack {
        quantities(json, ctx, instrument, order, true);
        stop_price(json, order);
        iceberg(json, order);
        optional(json, order);
        working_time(json, order);
        if detail == Detail::Full {
            json.array("fills", |json| fills(json, ctx, order, events));
        }
        floor(json, order);
        json.str("selfTradePreventionMode", words::stp(order.stp));
        if let Some(id) = placed.prevented_match {
            json.num("preventedMatchId", id);
        }
        prevented(json, order);
        used_sor(json, order);
    }
    json.end();
}

/// The list that the order is a part of, or -1.
fn list_id(json: &mut Json, order: &Order) {
    match order.list() {
        Some(list) => json.num("orderListId", list),
        None => json.num("orderListId", -1),
    };
}

/// What a list is and what its orders are called: the members of an object that has begun.
pub(crate) fn list(json: &mut Json, symbol: &str, list: &OrderList, time: Time) {
    let (status, orders) = words::list_status(list.done);
    json.num("orderListId", list.id)
        .str("contingencyType", words::contingency(list.kind))
        .str("listStatusType", status)
        .str("listOrderStatus", orders)
        .str("listClientOrderId", list.client_id.as_str())
        .time("transactionTime", time)
        .str("symbol", symbol);
    list_orders(json, symbol, list);
}

/// A list after a cancel, with what was open of it, as the next value.
pub(crate) fn canceled_list(
    json: &mut Json,
    ctx: &Context,
    instrument: &Instrument,
    (told, orders): (&OrderList, &[Order]),
    cancel: ClientId,
    time: Time,
) {
    json.begin();
    list(json, &instrument.symbol, told, time);
    json.array("orderReports", |json| {
        for order in orders {
            canceled(json, ctx, instrument, order, cancel, time);
        }
    });
    json.end();
}

/// The trades of the record in which the order was the taker.
fn fills(json: &mut Json, ctx: &Context, order: &Order, events: &[Event]) {
    let asset = |id| {
        ctx.views.asset(id).map_or((Box::from(""), 8), |asset| {
            (asset.name.clone(), asset.precision)
        })
    };
    for event in events {
        if let Event::Allocated(allocated) = event
            && (allocated.instrument, allocated.order) == (order.instrument, order.id)
        {
            let (name, precision) = asset(allocated.fee_asset);
            json.begin().str("matchType", words::ALLOCATED);
            json.dec("price", allocated.price).dec("qty", allocated.qty);
            json.amount("commission", allocated.fee, precision)
                .str("commissionAsset", &name);
            json.num("tradeId", -1)
                .num("allocId", allocated.allocation)
                .end();
        }
        let Event::Traded(trade) = event else {
            continue;
        };
        if trade.instrument != order.instrument || trade.taker.order != order.id {
            continue;
        }
        let (name, precision) = asset(trade.taker.fee_asset);
        json.begin().dec("price", trade.price).dec("qty", trade.qty);
        json.amount("commission", trade.taker.fee, precision)
            .str("commissionAsset", &name)
            .num("tradeId", trade.trade)
            .end();
    }
}

/// `price` to `side`; answers to commands put the quote amount asked for in front of the executed one, queries put it elsewhere.
fn quantities(
    json: &mut Json,
    ctx: &Context,
    instrument: &Instrument,
    order: &Order,
    with_quote_qty: bool,
) {
    json.dec("price", order.asked_price())
        .dec("origQty", order.qty)
        .dec("executedQty", order.executed_qty);
    if with_quote_qty {
        json.dec("origQuoteOrderQty", order.quote_qty);
    }
    json.amount(
        "cummulativeQuoteQty",
        order.executed_quote,
        quote_precision(ctx, instrument),
    );
    json.str("status", words::order_status(order.status))
        .str("timeInForce", words::tif(order.tif));
    json.str("type", words::kind(order.kind))
        .str("side", words::side(order.side));
}

/// When the order began to act: -1 while it waits for a price.
fn working_time(json: &mut Json, order: &Order) {
    match order.working_at() {
        Some(at) => json.time("workingTime", at),
        None => json.num("workingTime", -1),
    };
}

fn stop_price(json: &mut Json, order: &Order) {
    if let Some(condition) = &order.condition
        && !condition.asked.stop_price.is_zero()
    {
        json.dec("stopPrice", condition.asked.stop_price);
    }
}

fn iceberg(json: &mut Json, order: &Order) {
    let qty = order.iceberg_qty();
    if !qty.is_zero() {
        json.dec("icebergQty", qty);
    }
}

/// How a pegged order comes by its price, and the price once it is known.
fn peg(json: &mut Json, order: &Order) {
    let Some(pegged) = order.peg() else {
        return;
    };
    json.str("pegPriceType", words::peg_kind(pegged.peg.kind));
    if pegged.peg.offset > 0 {
        json.str("pegOffsetType", words::PEG_OFFSET)
            .num("pegOffsetValue", pegged.peg.offset);
    }
    if pegged.priced {
        json.dec("peggedPrice", order.price);
    }
}

fn optional(json: &mut Json, order: &Order) {
    peg(json, order);
    if let Some(condition) = &order.condition
        && condition.asked.trailing_delta != 0
    {
        json.num("trailingDelta", condition.asked.trailing_delta);
        match condition.trailing_at {
            Some(at) => json.time("trailingTime", at),
            None => json.num("trailingTime", -1),
        };
    }
    if let Some(id) = order.strategy_id {
        json.num("strategyId", id);
    }
    if let Some(kind) = order.strategy_kind {
        json.num("strategyType", kind);
    }
    if let Some(reason) = words::expiry_reason(order) {
        json.str("expiryReason", reason);
    }
}

/// Where a routed order was active last.
fn floor(json: &mut Json, order: &Order) {
    if let Some(floor) = order.floor() {
        json.str("workingFloor", words::floor(floor));
    }
}

fn used_sor(json: &mut Json, order: &Order) {
    if order.floor().is_some() {
        json.flag("usedSor", true);
    }
}

fn prevented(json: &mut Json, order: &Order) {
    if order.prevented_qty != Decimal::ZERO {
        json.dec("preventedQuantity", order.prevented_qty);
    }
}

/// An order after its cancel, as the next value. `order` carries its own name, `cancel` is that of the request.
pub(crate) fn canceled(
    json: &mut Json,
    ctx: &Context,
    instrument: &Instrument,
    order: &Order,
    cancel: ClientId,
    time: Time,
) {
    json.begin()
        .str("symbol", &instrument.symbol)
        .str("origClientOrderId", order.client_id.as_str());
    json.num("orderId", order.id);
    list_id(json, order);
    json.str("clientOrderId", cancel.as_str())
        .time("transactTime", time);
    quantities(json, ctx, instrument, order, true);
    stop_price(json, order);
    iceberg(json, order);
    optional(json, order);
    floor(json, order);
    json.str("selfTradePreventionMode", words::stp(order.stp));
    prevented(json, order);
    used_sor(json, order);
    json.end();
}

/// An order as queries tell it, as the next value. `prevented_match` is the match that self-trade prevention ended it at.
pub(crate) fn queried(
    json: &mut Json,
    ctx: &Context,
    instrument: &Instrument,
    order: &Order,
    prevented_match: Option<u64>,
) {
    json.begin()
        .str("symbol", &instrument.symbol)
        .num("orderId", order.id);
    list_id(json, order);
    json.str("clientOrderId", order.client_id.as_str());
    quantities(json, ctx, instrument, order, false);
    let asked = order.condition.as_deref().map_or(Extras::NONE, |c| c.asked);
    json.dec("stopPrice", asked.stop_price)
        .dec("icebergQty", order.iceberg_qty());
    json.time("time", order.placed_at)
        .time("updateTime", order.updated_at)
        .flag("isWorking", order.is_working());
    working_time(json, order);
    json.dec("origQuoteOrderQty", order.quote_qty);
    optional(json, order);
    floor(json, order);
    json.str("selfTradePreventionMode", words::stp(order.stp));
    if let Some(id) = prevented_match {
        json.num("preventedMatchId", id);
    }
    prevented(json, order);
    used_sor(json, order);
    json.end();
}

/// An order after an amendment, as the next value; `previous` is what the amended one was called before.
pub(crate) fn amended(
    json: &mut Json,
    ctx: &Context,
    instrument: &Instrument,
    order: &Order,
    previous: Option<ClientId>,
) {
    json.begin()
        .str("symbol", &instrument.symbol)
        .num("orderId", order.id);
    list_id(json, order);
    if let Some(previous) = previous {
        json.str("origClientOrderId", previous.as_str());
    }
    json.str("clientOrderId", order.client_id.as_str());
    json.dec("price", order.asked_price())
        .dec("qty", order.qty)
        .dec("executedQty", order.executed_qty);
    json.dec("preventedQty", order.prevented_qty)
        .dec("quoteOrderQty", order.quote_qty);
    json.amount(
        "cumulativeQuoteQty",
        order.executed_quote,
        quote_precision(ctx, instrument),
    );
    json.str("status", words::order_status(order.status))
        .str("timeInForce", words::tif(order.tif));
    json.str("type", words::kind(order.kind))
        .str("side", words::side(order.side));
    stop_price(json, order);
    iceberg(json, order);
    optional(json, order);
    if order.status != OrderStatus::PendingNew {
        working_time(json, order);
    }
    json.str("selfTradePreventionMode", words::stp(order.stp))
        .end();
}

/// The list of an amended order: a member of an object that has begun.
pub(crate) fn amended_list(json: &mut Json, symbol: &str, list: &OrderList) {
    json.object("listStatus", |json| {
        json.num("orderListId", list.id)
            .str("contingencyType", words::contingency(list.kind))
            .str("listOrderStatus", words::list_status(list.done).1)
            .str("listClientOrderId", list.client_id.as_str())
            .str("symbol", symbol);
        list_orders(json, symbol, list);
    });
}

/// The orders of a list by number and name.
fn list_orders(json: &mut Json, symbol: &str, list: &OrderList) {
    json.array("orders", |json| {
        for leg in &list.legs {
            json.begin()
                .str("symbol", symbol)
                .num("orderId", leg.order)
                .str("clientOrderId", leg.client_id.as_str())
                .end();
        }
    });
}
