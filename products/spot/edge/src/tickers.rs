//! Statistics of a window, last prices, best quotes.

use kit::{ApiError, Call, Context, Handler, Input, Json, Kind, Method, Outcome, Param, Weight};
use protocol::Instrument;
use types::{Decimal, TradeId};
use views::{Ticker, Window};

use crate::symbols::{self, Chosen, SYMBOL_STATUS};

pub const METHODS: &[Method] = &[
    Method::public(
        "/api/v3/ticker/24hr",
        Some("ticker.24hr"),
        Weight::By(day_weight),
        DAY,
        Handler::Now(day),
    )
    .with_conditions(symbols::not_both),
    Method::public(
        "/api/v3/ticker/tradingDay",
        Some("ticker.tradingDay"),
        Weight::By(window_weight),
        TRADING_DAY,
        Handler::Now(trading_day),
    )
    .with_conditions(symbols::exactly_one),
    Method::public(
        "/api/v3/ticker",
        Some("ticker"),
        Weight::By(window_weight),
        ROLLING,
        Handler::Now(rolling),
    )
    .with_conditions(symbols::exactly_one),
    Method::public(
        "/api/v3/ticker/price",
        Some("ticker.price"),
        Weight::By(quote_weight),
        QUOTE,
        Handler::Now(price),
    )
    .with_conditions(symbols::not_both),
    Method::public(
        "/api/v3/ticker/bookTicker",
        Some("ticker.book"),
        Weight::By(quote_weight),
        QUOTE,
        Handler::Now(book),
    )
    .with_conditions(symbols::not_both),
];

const TYPE: Param = Param::optional(
    "type",
    Kind::Choice {
        words: &["FULL", "MINI"],
        error: ApiError::bad_ticker_type,
    },
);
const ONE: Param = Param::optional("symbol", Kind::Symbol);
const SEVERAL: Param = Param::optional("symbols", Kind::Symbols);
const STATUS: Param = Param::optional("symbolStatus", SYMBOL_STATUS);
const DAY: &[Param] = &[ONE, SEVERAL, TYPE, STATUS];
const TRADING_DAY: &[Param] = &[
    ONE,
    SEVERAL,
    Param::optional("timeZone", Kind::Zone),
    TYPE,
    STATUS,
];
const ROLLING: &[Param] = &[
    ONE,
    SEVERAL,
    Param::optional("windowSize", Kind::Window),
    TYPE,
    STATUS,
];
const QUOTE: &[Param] = &[ONE, SEVERAL, STATUS];
/// Of the tickers that are weighed by symbol.
const MOST_SYMBOLS: usize = 100;

fn day_weight(input: &Input<'_>) -> u32 {
    match symbols::how_many(input) {
        Some(0..=20) => 2,
        Some(21..=100) => 40,
        _ => 80,
    }
}

fn window_weight(input: &Input<'_>) -> u32 {
    symbols::how_many(input)
        .unwrap_or(1)
        .saturating_mul(4)
        .min(200)
}

fn quote_weight(input: &Input<'_>) -> u32 {
    if input.has("symbol") { 2 } else { 4 }
}

/// One object for `symbol`, an array otherwise.
fn each(ctx: &Context, call: &Call, write: impl Fn(&mut Json, &Instrument)) -> Outcome {
    let mut json = Json::new(call.unit);
    match symbols::chosen(ctx, call)? {
        Chosen::One(one) => write(&mut json, &one),
        Chosen::Several(list) => {
            json.begin_array();
            for one in &list {
                write(&mut json, one);
            }
            json.end_array();
        }
    }
    Ok(json.finish())
}

fn day(ctx: &Context, call: &Call) -> Outcome {
    let full = is_full(call);
    each(ctx, call, |json, one| {
        let Some(ticker) = ctx.views.ticker(one.id, Window::Last24h) else {
            return;
        };
        json.begin().str("symbol", &one.symbol);
        if full {
            write_change(json, &ticker);
            json.dec("prevClosePrice", ticker.prev_close)
                .dec("lastPrice", ticker.last_price)
                .dec("lastQty", ticker.last_qty);
            write_touch(json, ticker.bid, ticker.ask);
        }
        write_prices(json, &ticker, !full);
        write_counts(json, ctx, one, &ticker);
    })
}

fn trading_day(ctx: &Context, call: &Call) -> Outcome {
    let offset = call
        .params
        .int("timeZone")
        .and_then(|minutes| i32::try_from(minutes).ok())
        .unwrap_or(0);
    window(ctx, call, Window::TradingDay(offset))
}

fn rolling(ctx: &Context, call: &Call) -> Outcome {
    let minutes = call
        .params
        .count("windowSize")
        .and_then(|minutes| u32::try_from(minutes).ok())
        .unwrap_or(24 * 60);
    window(ctx, call, Window::Rolling(minutes))
}

fn window(ctx: &Context, call: &Call, window: Window) -> Outcome {
    if let Some(list) = call
        .params
        .list("symbols")
        .filter(|list| list.len() > MOST_SYMBOLS)
    {
        return Err(ApiError::too_many_params(MOST_SYMBOLS, list.len()));
    }
    let full = is_full(call);
    each(ctx, call, |json, one| {
        let Some(ticker) = ctx.views.ticker(one.id, window) else {
            return;
        };
        json.begin().str("symbol", &one.symbol);
        if full {
            write_change(json, &ticker);
        }
        write_prices(json, &ticker, true);
        write_counts(json, ctx, one, &ticker);
    })
}

fn is_full(call: &Call) -> bool {
    call.params.word("type") != Some("MINI")
}

fn write_change(json: &mut Json, ticker: &Ticker) {
    let milli = ticker.price_change_milli_percent;
    json.dec("priceChange", ticker.price_change);
    json.amount("priceChangePercent", types::Amount(i128::from(milli)), 3);
    json.dec("weightedAvgPrice", ticker.weighted_avg_price);
}

fn write_prices(json: &mut Json, ticker: &Ticker, with_last: bool) {
    json.dec("openPrice", ticker.open)
        .dec("highPrice", ticker.high)
        .dec("lowPrice", ticker.low);
    if with_last {
        json.dec("lastPrice", ticker.last_price);
    }
}

/// The rest of the object.
fn write_counts(json: &mut Json, ctx: &Context, one: &Instrument, ticker: &Ticker) {
    json.amount("volume", ticker.volume, 8).amount(
        "quoteVolume",
        ticker.quote_volume,
        symbols::quote_precision(ctx, one),
    );
    json.time("openTime", ticker.open_time)
        .time("closeTime", ticker.close_time);
    for (name, trade) in [
        ("firstId", ticker.first_trade),
        ("lastId", ticker.last_trade),
    ] {
        match trade {
            Some(TradeId(id)) => json.num(name, id),
            None => json.num(name, -1),
        };
    }
    json.num("count", ticker.trades).end();
}

fn write_touch(json: &mut Json, bid: Option<(Decimal, Decimal)>, ask: Option<(Decimal, Decimal)>) {
    let (bid, ask) = (bid.unwrap_or_default(), ask.unwrap_or_default());
    json.dec("bidPrice", bid.0)
        .dec("bidQty", bid.1)
        .dec("askPrice", ask.0)
        .dec("askQty", ask.1);
}

fn price(ctx: &Context, call: &Call) -> Outcome {
    each(ctx, call, |json, one| {
        json.begin()
            .str("symbol", &one.symbol)
            .dec("price", ctx.views.last_price(one.id).unwrap_or_default())
            .end();
    })
}

fn book(ctx: &Context, call: &Call) -> Outcome {
    each(ctx, call, |json, one| {
        let best = ctx.views.best(one.id);
        json.begin().str("symbol", &one.symbol);
        write_touch(json, best.bid, best.ask);
        json.end();
    })
}
