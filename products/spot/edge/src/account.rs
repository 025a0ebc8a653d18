//! The caller's own: balances, commissions, orders, trades, limits.

use std::collections::{BTreeSet, HashMap};

use kit::{
    ApiError, Call, Context, Handler, Input, Json, Kind, Later, Method, Orders, Outcome, Param,
    Security, Weight,
};
use protocol::{FeeParts, Instrument, Order, OrderKey, OrderStatus};
use types::{Amount, Decimal, ListId, OrderId, Time, TradeId};
use views::{Fill, FillsQuery, ListsQuery, OrdersQuery, PreventedQuery};

use crate::changes::{ORDER_ID, key, names_an_order};
use crate::market::broken_history;
use crate::orders::{write_discount, written};
use crate::records::group_number;
use crate::{report, symbols};

pub(crate) const fn read(
    path: &'static str,
    ws: &'static str,
    weight: Weight,
    params: &'static [Param],
    handler: Handler,
) -> Method {
    Method {
        rest: Some(("GET", path)),
        ws: Some(ws),
        security: Security::Read,
        params,
        conditions: kit::no_conditions,
        weight,
        orders: Orders::None,
        handler,
    }
}

pub const METHODS: &[Method] = &[
    read(
        "/api/v3/account",
        "account.status",
        Weight::Fixed(20),
        &[Param::optional("omitZeroBalances", Kind::Flag)],
        Handler::Now(account),
    ),
    read(
        "/api/v3/account/commission",
        "account.commission",
        Weight::Fixed(20),
        SYMBOL,
        Handler::Now(commission),
    ),
    read(
        "/api/v3/rateLimit/order",
        "account.rateLimits.orders",
        Weight::Fixed(40),
        &[],
        Handler::Now(order_counts),
    ),
    read(
        "/api/v3/myFilters",
        "myFilters",
        Weight::Fixed(40),
        SYMBOL,
        Handler::Now(filters),
    ),
    read(
        "/api/v3/order",
        "order.status",
        Weight::Fixed(4),
        ORDER,
        Handler::Later(order),
    )
    .with_conditions(names_an_order),
    read(
        "/api/v3/openOrders",
        "openOrders.status",
        Weight::By(open_weight),
        OPEN,
        Handler::Later(open_orders),
    ),
    read(
        "/api/v3/allOrders",
        "allOrders",
        Weight::Fixed(20),
        ALL_ORDERS,
        Handler::Later(all_orders),
    ),
    read(
        "/api/v3/myTrades",
        "myTrades",
        Weight::By(trades_weight),
        TRADES,
        Handler::Later(trades),
    )
    .with_conditions(trades_conditions),
];

const SYMBOL: &[Param] = &[Param::required("symbol", Kind::Symbol)];
const OPEN: &[Param] = &[Param::optional("symbol", Kind::Symbol)];
const ORDER: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::optional("orderId", ORDER_ID),
    Param::optional("origClientOrderId", Kind::ClientId),
];
pub(crate) const LIMIT: Param = Param::optional("limit", Kind::Limit { max: 1000 });
const ALL_ORDERS: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::optional("orderId", ORDER_ID),
    Param::optional("startTime", Kind::Time),
    Param::optional("endTime", Kind::Time),
    LIMIT,
];
const TRADES: &[Param] = &[
    Param::required("symbol", Kind::Symbol),
    Param::optional("orderId", ORDER_ID),
    Param::optional("startTime", Kind::Time),
    Param::optional("endTime", Kind::Time),
    Param::optional("fromId", ORDER_ID),
    LIMIT,
];
const DAY_US: i64 = 86_400_000_000;
const ARCHIVED_AFTER_US: i64 = 90 * DAY_US;
/// Rates of the answers are in units of 10⁻⁸, its older whole numbers in basis points.
const UNITS_IN_BASIS_POINT: i64 = 10_000;

fn account(ctx: &Context, call: &Call) -> Outcome {
    // Commissions belong to instruments; the account's are those of the first, which are those of every market unless it was listed with others.
    let rates = ctx
        .views
        .instruments()
        .first()
        .map_or(FeeParts::default(), |one| {
            ctx.views.commission(call.account, one).standard
        });
    let can_trade = call.key.as_ref().is_some_and(|key| key.permissions.trade);
    let omit_zero = call.params.flag("omitZeroBalances").unwrap_or(false);
    written(call, |json| {
        json.begin()
            .num("makerCommission", rates.maker.0 / UNITS_IN_BASIS_POINT)
            .num("takerCommission", rates.taker.0 / UNITS_IN_BASIS_POINT)
            .num("buyerCommission", rates.buyer.0 / UNITS_IN_BASIS_POINT)
            .num("sellerCommission", rates.seller.0 / UNITS_IN_BASIS_POINT);
        json.object("commissionRates", |json| write_rates(json, &rates));
        json.flag("canTrade", can_trade)
            .flag("canWithdraw", false)
            .flag("canDeposit", false);
        json.flag("brokered", false)
            .flag("requireSelfTradePrevention", false)
            .flag("preventSor", false);
        json.time("updateTime", ctx.views.last_update_time(call.account))
            .str("accountType", "SPOT");
        json.array("balances", |json| {
            write_balances(json, ctx, call, omit_zero)
        });
        json.strs("permissions", ["SPOT"])
            .num("uid", call.account)
            .num(
                "tradeGroupId",
                group_number(ctx.views.trade_group(call.account)),
            )
            .end();
    })
}

/// Every asset of the venue, or those that the account has some of.
fn write_balances(json: &mut Json, ctx: &Context, call: &Call, omit_zero: bool) {
    let known = ctx.views.balances(call.account);
    for asset in ctx.views.assets() {
        let balance = known.iter().find(|balance| balance.asset == asset.id);
        let (free, held) = balance.map_or((Amount::ZERO, Amount::ZERO), |balance| {
            (balance.free, balance.held)
        });
        if omit_zero && free == Amount::ZERO && held == Amount::ZERO {
            continue;
        }
        json.begin().str("asset", &asset.name);
        json.amount("free", free, asset.precision)
            .amount("locked", held, asset.precision)
            .end();
    }
}

fn write_rates(json: &mut Json, parts: &FeeParts) {
    json.dec("maker", Decimal(parts.maker.0))
        .dec("taker", Decimal(parts.taker.0))
        .dec("buyer", Decimal(parts.buyer.0))
        .dec("seller", Decimal(parts.seller.0));
}

fn commission(ctx: &Context, call: &Call) -> Outcome {
    let instrument = symbols::instrument(ctx, call)?;
    let commission = ctx.views.commission(call.account, &instrument);
    written(call, |json| {
        json.begin().str("symbol", &instrument.symbol);
        for (name, parts) in [
            ("standardCommission", &commission.standard),
            ("specialCommission", &commission.special),
            ("taxCommission", &commission.tax),
        ] {
            json.object(name, |json| write_rates(json, parts));
        }
        json.object("discount", |json| write_discount(json, ctx, &commission));
        json.end();
    })
}

fn order_counts(ctx: &Context, call: &Call) -> Outcome {
    let count = ctx.limits.order_count(call.account, call.now);
    written(call, |json| {
        json.begin_array();
        ctx.limits.write_orders(json, Some(count));
        json.end_array();
    })
}

fn filters(ctx: &Context, call: &Call) -> Outcome {
    let instrument = symbols::instrument(ctx, call)?;
    let count = ctx.limits.order_count(call.account, call.now);
    written(call, |json| {
        json.begin().array("exchangeFilters", |json| {
            crate::filters::write_exchange(json, &ctx.views.exchange_filters());
        });
        json.array("symbolFilters", |json| {
            crate::filters::write(json, &instrument.filters)
        });
        json.array("assetFilters", |json| {
            crate::filters::write_assets(json, ctx, &instrument);
        });
        json.array("rateLimits", |json| {
            ctx.limits.write_orders(json, Some(count));
        });
        json.end();
    })
}

fn order<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let instrument = symbols::instrument(ctx, call)?;
        let key = key(call, "orderId", "origClientOrderId")?;
        // Found by its id, and then its name must agree.
        let wanted = match key {
            OrderKey::Both(both) => OrderKey::Id(both.id),
            one => one,
        };
        let found = ctx
            .views
            .order(call.account, instrument.id, wanted)
            .await
            .map_err(broken_history)?;
        let found = found.ok_or_else(ApiError::no_such_order)?;
        match key {
            OrderKey::Both(both) if both.client_id != found.client_id => {
                Err(ApiError::wrong_client_id())
            }
            _ if is_archived(&found, call.now) => Err(ApiError::archived()),
            _ => {
                let ended_at = prevented_match(ctx, call, &found).await?;
                written(call, |json| {
                    report::queried(json, ctx, &instrument, &found, ended_at);
                })
            }
        }
    })
}

/// What ended without an execution is not told any more after a while.
fn is_archived(order: &Order, now: Time) -> bool {
    let ended = matches!(
        order.status,
        OrderStatus::Canceled | OrderStatus::Expired | OrderStatus::ExpiredInMatch
    );
    ended && order.executed_qty.is_zero() && now.since(order.updated_at) > ARCHIVED_AFTER_US
}

fn open_weight(input: &Input<'_>) -> u32 {
    if input.has("symbol") { 6 } else { 80 }
}

fn open_orders<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        let one = match call.params.text("symbol") {
            Some(symbol) => Some(symbols::named(ctx, symbol)?),
            None => None,
        };
        let orders = ctx
            .views
            .open_orders(call.account, one.as_ref().map(|one| one.id));
        let mut told = Vec::with_capacity(orders.len());
        for order in orders {
            let prevented = prevented_match(ctx, call, &order).await?;
            told.push((order, prevented));
        }
        written(call, |json| {
            json.begin_array();
            for (order, prevented) in &told {
                if let Some(instrument) = ctx.views.instrument_by_id(order.instrument) {
                    report::queried(json, ctx, &instrument, order, *prevented);
                }
            }
            json.end_array();
        })
    })
}

/// A span of at most 24 hours, when both ends are given.
pub(crate) fn check_span(call: &Call) -> Result<(), ApiError> {
    match (call.params.time("startTime"), call.params.time("endTime")) {
        (Some(start), Some(end)) if end.since(start) > DAY_US => Err(ApiError::span_too_long(24)),
        _ => Ok(()),
    }
}

pub(crate) fn rows(call: &Call) -> usize {
    call.params
        .count("limit")
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(500)
}

fn all_orders<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        check_span(call)?;
        let instrument = symbols::instrument(ctx, call)?;
        let query = OrdersQuery {
            from: call.params.count("orderId").map(OrderId),
            start: call.params.time("startTime"),
            end: call.params.end("endTime"),
            limit: rows(call),
        };
        let orders = ctx
            .views
            .orders(call.account, instrument.id, query)
            .await
            .map_err(broken_history)?;
        let mut told = Vec::with_capacity(orders.len());
        for order in orders {
            let ended_at = prevented_match(ctx, call, &order).await?;
            told.push((order, ended_at));
        }
        written(call, |json| {
            json.begin_array();
            for (order, ended_at) in &told {
                report::queried(json, ctx, &instrument, order, *ended_at);
            }
            json.end_array();
        })
    })
}

/// The match at which self-trade prevention last took something off an order.
async fn prevented_match(
    ctx: &Context,
    call: &Call,
    order: &Order,
) -> Result<Option<u64>, ApiError> {
    if order.prevented_qty.is_zero() {
        return Ok(None);
    }
    let query = PreventedQuery {
        order: Some(order.id),
        from: 0,
        through: None,
        limit: usize::MAX,
    };
    let matches = ctx
        .views
        .prevented_matches(call.account, order.instrument, query)
        .await
        .map_err(broken_history)?;
    Ok(matches.last().map(|row| row.prevented.id))
}

fn trades_weight(input: &Input<'_>) -> u32 {
    if input.has("orderId") { 5 } else { 20 }
}

/// An id, a span, or an order with or without an id: nothing else goes together.
fn trades_conditions(input: &Input<'_>) -> Result<(), ApiError> {
    let spans = input.has("startTime") || input.has("endTime");
    if spans && (input.has("orderId") || input.has("fromId")) {
        Err(ApiError::bad_combination())
    } else {
        Ok(())
    }
}

fn trades<'a>(ctx: &'a Context, call: &'a Call) -> Later<'a> {
    Box::pin(async move {
        check_span(call)?;
        let instrument = symbols::instrument(ctx, call)?;
        let query = FillsQuery {
            order: call.params.count("orderId").map(OrderId),
            from: call.params.count("fromId").map(TradeId),
            start: call.params.time("startTime"),
            end: call.params.end("endTime"),
            limit: rows(call),
        };
        let fills = ctx
            .views
            .fills(call.account, instrument.id, query)
            .await
            .map_err(broken_history)?;
        let lists = lists_of(ctx, call, &instrument, &fills).await?;
        written(call, |json| {
            json.begin_array();
            for fill in &fills {
                let list = lists.get(&fill.order).copied();
                write_fill(json, ctx, &instrument, fill, list);
            }
            json.end_array();
        })
    })
}

/// The lists that the orders of these fills are parts of. Accounts without lists, which are most, cost one look.
async fn lists_of(
    ctx: &Context,
    call: &Call,
    instrument: &Instrument,
    fills: &[Fill],
) -> Result<HashMap<OrderId, ListId>, ApiError> {
    let any = ListsQuery {
        from: None,
        start: None,
        end: None,
        limit: 1,
    };
    let (views, account) = (&ctx.views, call.account);
    let has_lists = !views
        .order_lists(account, any)
        .await
        .map_err(broken_history)?
        .is_empty();
    let mut lists = HashMap::new();
    let orders: BTreeSet<OrderId> = fills
        .iter()
        .filter(|_| has_lists)
        .map(|f| f.order)
        .collect();
    for id in orders {
        let order = views
            .order(account, instrument.id, OrderKey::Id(id))
            .await
            .map_err(broken_history)?;
        lists.extend(order.and_then(|order| order.list()).map(|list| (id, list)));
    }
    Ok(lists)
}

fn write_fill(
    json: &mut Json,
    ctx: &Context,
    instrument: &Instrument,
    fill: &Fill,
    list: Option<ListId>,
) {
    let (asset, precision) = ctx
        .views
        .asset(fill.fee_asset)
        .map_or((Box::from(""), 8), |asset| {
            (asset.name.clone(), asset.precision)
        });
    json.begin()
        .str("symbol", &instrument.symbol)
        .num("id", fill.trade)
        .num("orderId", fill.order);
    match list {
        Some(list) => json.num("orderListId", list),
        None => json.num("orderListId", -1),
    };
    json.dec("price", fill.price).dec("qty", fill.qty);
    json.amount(
        "quoteQty",
        fill.quote,
        symbols::quote_precision(ctx, instrument),
    );
    json.amount("commission", fill.fee, precision)
        .str("commissionAsset", &asset)
        .time("time", fill.time);
    json.flag("isBuyer", fill.buyer)
        .flag("isMaker", fill.maker)
        .flag("isBestMatch", true)
        .end();
}
