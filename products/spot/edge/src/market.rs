//! The public market: books, trades, candles.

use kit::{
    ApiError, Call, Context, Handler, Input, Json, Kind, Later, Method, Outcome, Param, Weight,
};
use types::{Decimal, TradeId};
use views::{AggQuery, Candle, Interval, PublicTrade};

use crate::symbols::{self, SYMBOL_STATUS};

pub const METHODS: &[Method] = &[
    Method::public(
        "/api/v3/depth",
        Some("depth"),
        Weight::By(depth_weight),
        DEPTH,
        Handler::Now(depth),
    ),
    Method::public(
        "/api/v3/trades",
        Some("trades.recent"),
        Weight::Fixed(25),
        TRADES,
        Handler::Now(trades),
    ),
    Method::public(
        "/api/v3/historicalTrades",
        Some("trades.historical"),
        Weight::Fixed(25),
        HISTORICAL,
        Handler::Later(historical_trades),
    ),
    Method::public(
        "/api/v3/historicalBlockTrades",
        Some("blockTrades.historical"),
        Weight::Fixed(25),
        BLOCKS,
        Handler::Later(block_trades),
    ),
    Method::public(
        "/api/v3/aggTrades",
        Some("trades.aggregate"),
        Weight::Fixed(4),
        AGGREGATES,
        Handler::Later(aggregates),
    )
    .with_conditions(aggregate_conditions),
    Method::public(
        "/api/v3/klines",
        Some("klines"),
        Weight::Fixed(2),
        CANDLES,
        Handler::Later(candles),
    ),
    Method::public(
        "/api/v3/uiKlines",
        Some("uiKlines"),
        Weight::Fixed(2),
        CANDLES,
        Handler::Later(candles),
    ),
    Method::public(
        "/api/v3/avgPrice",
        Some("avgPrice"),
        Weight::Fixed(2),
        SYMBOL,
        Handler::Now(avg_price),
    ),
];

const SYMBOL: &[Param] = &[Param::required("symbol", Kind::Symbol)];
const DEPTH: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::optional("limit", Kind::Limit { max: 5000 }),
    Param::optional("symbolStatus", SYMBOL_STATUS),
];
const TRADES: &[Param] = &[Param::required("symbol", Kind::Symbol), LIMIT];
const HISTORICAL: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    LIMIT,
    Param::optional("fromId", ID),
];
const BLOCKS: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::required("fromId", ID),
    LIMIT,
];
const AGGREGATES: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::optional("fromId", ID),
    Param::optional("startTime", Kind::Time),
    Param::optional("endTime", Kind::Time),
    LIMIT,
];
const CANDLES: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::required(
        "interval",
        Kind::Choice {
            words: &[
                "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d",
                "3d", "1w", "1M",
            ],
            error: ApiError::bad_interval,
        },
    ),
    Param::optional("startTime", Kind::Time),
    Param::optional("endTime", Kind::Time),
    Param::optional("timeZone", Kind::Zone),
    LIMIT,
];
const LIMIT: Param = Param::optional("limit", Kind::Limit { max: 1000 });
const ID: Kind = Kind::Int {
    min: 0,
    max: i64::MAX,
};
const DEFAULT_ROWS: usize = 500;

/// The rows asked for.
fn limit(call: &Call, default: usize) -> usize {
    call.params
        .count("limit")
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(default)
}

fn depth_weight(input: &Input<'_>) -> u32 {
    match input.get("limit").map_or(Ok(100), str::parse::<u64>) {
        Ok(0..=100) | Err(_) => 5,
        Ok(101..=500) => 25,
        Ok(501..=1000) => 50,
        Ok(_) => 250,
    }
}

fn depth(ctx: &Context, call: &Call) -> Outcome {
    let instrument = symbols::instrument(ctx, call)?;
    let depth = ctx.views.depth(instrument.id, limit(call, 100));
    let mut json = Json::onto(
        Vec::with_capacity(64 + 40 * (depth.bids.len() + depth.asks.len())),
        call.unit,
    );
    json.begin().num("lastUpdateId", depth.last_update);
    for (name, side) in [("bids", &depth.bids), ("asks", &depth.asks)] {
        json.array(name, |json| write_levels(json, side));
    }
    json.end();
    Ok(json.finish())
}

fn write_levels(json: &mut Json, levels: &[(Decimal, Decimal)]) {
    for (price, qty) in levels {
        json.begin_array()
            .item_dec(*price)
            .item_dec(*qty)
            .end_array();
    }
}

fn trades(ctx: &Context, call: &Call) -> Outcome {
    let instrument = symbols::instrument(ctx, call)?;
    let trades = ctx
        .views
        .recent_trades(instrument.id, limit(call, DEFAULT_ROWS));
    Ok(write_trades(
        &trades,
        symbols::quote_precision(ctx, &instrument),
        call,
    ))
}

fn historical_trades<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let instrument = symbols::instrument(ctx, call)?;
        let from = call.params.count("fromId").map(TradeId);
        let trades = ctx
            .views
            .historical_trades(instrument.id, from, limit(call, DEFAULT_ROWS))
            .await
            .map_err(broken_history)?;
        Ok(write_trades(
            &trades,
            symbols::quote_precision(ctx, &instrument),
            call,
        ))
    })
}

/// Trades that were agreed on outside the book.
fn block_trades<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let instrument = symbols::instrument(ctx, call)?;
        let from = call.params.count("fromId").unwrap_or_default();
        let rows = ctx
            .views
            .blocks(instrument.id, from, limit(call, DEFAULT_ROWS))
            .await
            .map_err(broken_history)?;
        let precision = symbols::quote_precision(ctx, &instrument);
        let mut json = Json::onto(Vec::with_capacity(8 + 140 * rows.len()), call.unit);
        json.begin_array();
        for row in &rows {
            let trade = &row.traded.trade;
            json.begin()
                .num("id", row.traded.id)
                .dec("price", trade.price)
                .dec("qty", trade.qty);
            json.amount("quoteQty", row.traded.quote, precision)
                .time("time", row.time);
            json.flag("isBuyerMaker", trade.buyer_is_maker).end();
        }
        json.end_array();
        Ok(json.finish())
    })
}

fn write_trades(trades: &[PublicTrade], quote_precision: u8, call: &Call) -> Vec<u8> {
    let mut json = Json::onto(Vec::with_capacity(8 + 160 * trades.len()), call.unit);
    json.begin_array();
    for trade in trades {
        json.begin()
            .num("id", trade.id)
            .dec("price", trade.price)
            .dec("qty", trade.qty);
        json.amount("quoteQty", trade.quote, quote_precision)
            .time("time", trade.time);
        json.flag("isBuyerMaker", trade.buyer_is_maker)
            .flag("isBestMatch", true)
            .end();
    }
    json.end_array();
    json.finish()
}

/// An id and a span exclude each other, and a span does not end before it begins.
fn aggregate_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    let spans = input.has("startTime") || input.has("endTime");
    if spans && input.has("fromId") {
        Err(ApiError::bad_combination())
    } else {
        Ok(())
    }
}

fn aggregates<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let instrument = symbols::instrument(ctx, call)?;
        let query = AggQuery {
            from_id: call.params.count("fromId"),
            start: call.params.time("startTime"),
            end: call.params.end("endTime"),
            limit: limit(call, DEFAULT_ROWS),
        };
        let rows = ctx
            .views
            .agg_trades(instrument.id, query)
            .await
            .map_err(broken_history)?;
        let mut json = Json::onto(Vec::with_capacity(8 + 120 * rows.len()), call.unit);
        json.begin_array();
        for row in rows {
            json.begin()
                .num("a", row.id)
                .dec("p", row.price)
                .dec("q", row.qty)
                .num("f", row.first)
                .num("l", row.last);
            json.time("T", row.time)
                .flag("m", row.buyer_is_maker)
                .flag("M", true)
                .end();
        }
        json.end_array();
        Ok(json.finish())
    })
}

fn candles<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let instrument = symbols::instrument(ctx, call)?;
        let interval = call
            .params
            .word("interval")
            .and_then(Interval::parse)
            .ok_or_else(ApiError::bad_interval)?;
        let offset = call
            .params
            .int("timeZone")
            .and_then(|minutes| i32::try_from(minutes).ok())
            .unwrap_or(0);
        let (start, end) = (call.params.time("startTime"), call.params.end("endTime"));
        let rows = ctx
            .views
            .candles(
                instrument.id,
                interval,
                start,
                end,
                limit(call, DEFAULT_ROWS),
                offset,
            )
            .await
            .map_err(broken_history)?;
        let precision = symbols::quote_precision(ctx, &instrument);
        let mut json = Json::onto(Vec::with_capacity(8 + 200 * rows.len()), call.unit);
        json.begin_array();
        for row in &rows {
            write_candle(&mut json, row, precision);
        }
        json.end_array();
        Ok(json.finish())
    })
}

fn write_candle(json: &mut Json, row: &Candle, quote_precision: u8) {
    json.begin_array().item_time(row.open_time);
    json.item_dec(row.open)
        .item_dec(row.high)
        .item_dec(row.low)
        .item_dec(row.close)
        .item_amount(row.volume, 8);
    json.item_time(row.close_time)
        .item_amount(row.quote_volume, quote_precision)
        .item_num(row.trades);
    json.item_amount(row.taker_base, 8)
        .item_amount(row.taker_quote, quote_precision)
        .item("0")
        .end_array();
}

fn avg_price(ctx: &Context, call: &Call) -> Outcome {
    let instrument = symbols::instrument(ctx, call)?;
    let average = ctx
        .views
        .avg_price(instrument.id)
        .ok_or_else(ApiError::bad_symbol)?;
    let mut json = Json::new(call.unit);
    json.begin()
        .num("mins", average.mins)
        .dec("price", average.price)
        .time("closeTime", average.close_time)
        .end();
    Ok(json.finish())
}

/// History that cannot be read is ours to mend: the log says what happened.
pub(crate) fn broken_history(error: impl std::fmt::Display) -> ApiError {
    tracing::error!(%error, "a question about history could not be answered");
    ApiError::disconnected()
}
