//! REST: market data, the account, the life of an order, order lists.

use crate::board::{Board, Market, decimal, equal, refused, typed};
use anyhow::{Result, ensure};
use binance_sdk::spot::rest_api::*;
use serde_json::json;

/// Calls a method without writing its name twice, and asks for its model.
macro_rules! reads {
    ($board:expr, $api:expr, $area:expr, $($method:ident($params:expr)),+ $(,)?) => {
        $($board.check($area, stringify!($method), async {
            typed($api.$method($params.build()?).await).await.map(drop)
        }).await;)+
    };
}

pub async fn market_data(board: &Board, market: &Market) -> Result<()> {
    let api = board.rest(&json!({}))?;
    let symbol = || market.symbol.clone();
    reads!(
        board,
        api,
        "market data",
        exchange_info(ExchangeInfoParams::builder().symbol(symbol())),
        execution_rules(ExecutionRulesParams::builder().symbol(symbol())),
        depth(DepthParams::builder(symbol()).limit(5)),
        get_trades(GetTradesParams::builder(symbol())),
        historical_trades(HistoricalTradesParams::builder(symbol()).from_id(0)),
        agg_trades(AggTradesParams::builder(symbol())),
        klines(KlinesParams::builder(symbol(), KlinesIntervalEnum::Interval1m)),
        ui_klines(UiKlinesParams::builder(symbol(), UiKlinesIntervalEnum::Interval1m)),
        avg_price(AvgPriceParams::builder(symbol())),
    );
    board
        .check("market data", "ping", async {
            api.ping().await?.data().await.map(drop).map_err(Into::into)
        })
        .await;
    board
        .check("market data", "time", async { typed(api.time().await).await.map(drop) })
        .await;
    // Where the answer may be one or many, the SDK falls back to bare JSON when neither fits.
    macro_rules! one_of_two {
        ($($method:ident($params:ident): $one:path | $many:path),+ $(,)?) => {
            $(board.check("market data", concat!(stringify!($method), "(symbol)"), async {
                let answer = api.$method($params::builder().symbol(symbol()).build()?).await?.data().await?;
                ensure!(matches!(answer, $one(_)), "not the model of one: {answer:?}");
                Ok(())
            }).await;
            board.check("market data", concat!(stringify!($method), "(symbols)"), async {
                let answer = api.$method($params::builder().symbols(vec![symbol()]).build()?).await?.data().await?;
                ensure!(matches!(&answer, $many(all) if all.len() == 1), "not the model of many: {answer:?}");
                Ok(())
            }).await;)+
        };
    }
    one_of_two!(
        ticker24hr(Ticker24hrParams): Ticker24hrResponse::Ticker24hrResponse1 | Ticker24hrResponse::Ticker24hrResponse2,
        ticker_trading_day(TickerTradingDayParams): TickerTradingDayResponse::TickerTradingDayResponse1 | TickerTradingDayResponse::TickerTradingDayResponse2,
        ticker_price(TickerPriceParams): TickerPriceResponse::TickerPriceResponse1 | TickerPriceResponse::TickerPriceResponse2,
        ticker_book_ticker(TickerBookTickerParams): TickerBookTickerResponse::TickerBookTickerResponse1 | TickerBookTickerResponse::TickerBookTickerResponse2,
        ticker(TickerParams): TickerResponse::TickerResponse1 | TickerResponse::TickerResponse2,
    );
    Ok(())
}

pub async fn trading(board: &Board, market: &Market) -> Result<()> {
    let account = board.account(json!({"USDT": "100000", "RUS": "100"})).await?;
    let api = board.rest(&account)?;
    let symbol = || market.symbol.clone();
    let find = async |id: Option<i64>| {
        let order = GetOrderParams::builder(symbol()).order_id(id.unwrap_or(0)).build()?;
        typed(api.get_order(order).await).await
    };
    let buy = async |quantity: &str, price: &str| market.limit(&api, NewOrderSideEnum::Buy, quantity, price).await;
    board
        .check("trading", "a limit order rests, is partially filled, filled", async {
            let order = buy("0.5", "100.00").await?;
            equal(&json!(order.status), "NEW")?;
            market.limit(&market.maker, NewOrderSideEnum::Sell, "0.2", "100.00").await?;
            equal(&find(order.order_id).await?["status"], "PARTIALLY_FILLED")?;
            market.limit(&market.maker, NewOrderSideEnum::Sell, "0.3", "100.00").await?;
            let filled = find(order.order_id).await?;
            equal(
                &json!([filled["status"], filled["executedQty"], filled["cummulativeQuoteQty"]]),
                json!(["FILLED", "0.50000000", "50.00000000"]),
            )
        })
        .await;
    board
        .check("trading", "a market order is filled and says how", async {
            market.limit(&market.maker, NewOrderSideEnum::Sell, "0.1", "101.00").await?;
            let order = NewOrderParams::builder(symbol(), NewOrderSideEnum::Buy, NewOrderTypeEnum::Market).quantity(decimal("0.1"));
            let order = typed(api.new_order(order.build()?).await).await?;
            equal(&json!([order["status"], order["fills"][0]["price"]]), json!(["FILLED", "101.00000000"]))
        })
        .await;
    board
        .check("trading", "a stop waits and is canceled", async {
            let stop = NewOrderParams::builder(symbol(), NewOrderSideEnum::Sell, NewOrderTypeEnum::StopLoss)
                .quantity(decimal("0.1"))
                .stop_price(decimal("50.00"));
            let order = api.new_order(stop.build()?).await?.data().await?;
            let canceled = DeleteOrderParams::builder(symbol()).order_id(order.order_id.unwrap_or(0));
            equal(&typed(api.delete_order(canceled.build()?).await).await?["status"], "CANCELED")
        })
        .await;
    board
        .check("trading", "amend, cancel-replace, cancel all", async {
            let first = buy("0.5", "95.00").await?;
            let amend = OrderAmendKeepPriorityParams::builder(symbol(), decimal("0.4")).order_id(first.order_id.unwrap_or(0));
            let amended = typed(api.order_amend_keep_priority(amend.build()?).await).await?;
            equal(&amended["amendedOrder"]["qty"], "0.40000000")?;
            typed(
                api.order_amendments(OrderAmendmentsParams::builder(symbol(), first.order_id.unwrap_or(0)).build()?)
                    .await,
            )
            .await?;
            let replace = OrderCancelReplaceParams::builder(
                symbol(),
                OrderCancelReplaceSideEnum::Buy,
                OrderCancelReplaceTypeEnum::Limit,
                OrderCancelReplaceCancelReplaceModeEnum::StopOnFailure,
            )
            .time_in_force(OrderCancelReplaceTimeInForceEnum::Gtc)
            .quantity(decimal("0.5"))
            .price(decimal("94.00"))
            .cancel_order_id(first.order_id.unwrap_or(0));
            let replaced = typed(api.order_cancel_replace(replace.build()?).await).await?;
            equal(
                &json!([replaced["cancelResult"], replaced["newOrderResult"]]),
                json!(["SUCCESS", "SUCCESS"]),
            )?;
            equal(
                &typed(api.get_open_orders(GetOpenOrdersParams::builder().symbol(symbol()).build()?).await).await?[0]["price"],
                "94.00000000",
            )?;
            let gone = typed(api.delete_open_orders(DeleteOpenOrdersParams::builder(symbol()).build()?).await).await?;
            equal(&json!(gone.as_array().map_or(0, Vec::len)), 1)
        })
        .await;
    board
        .check("trading", "order_test", async {
            let test = OrderTestParams::builder(symbol(), OrderTestSideEnum::Buy, OrderTestTypeEnum::Market)
                .quantity(decimal("1"))
                .compute_commission_rates(true);
            typed(api.order_test(test.build()?).await).await.map(drop)
        })
        .await;
    board
        .check("account", "get_account", async {
            let answer = typed(api.get_account(GetAccountParams::builder().omit_zero_balances(true).build()?).await).await?;
            equal(&answer["accountType"], "SPOT")
        })
        .await;
    reads!(
        board,
        api,
        "account",
        account_commission(AccountCommissionParams::builder(symbol())),
        rate_limit_order(RateLimitOrderParams::builder()),
        my_filters(MyFiltersParams::builder(symbol())),
        all_orders(AllOrdersParams::builder(symbol())),
        my_trades(MyTradesParams::builder(symbol())),
    );
    board
        .check("errors", "code and message", async {
            refused(buy("0.1", "100.001").await, -1013, "Filter failure: PRICE_FILTER")?;
            refused(
                buy("8000", "1000.00").await,
                -2010,
                "Account has insufficient balance for requested action.",
            )?;
            refused(find(Some(987_654_321)).await, -2013, "Order does not exist.")?;
            let unknown = DepthParams::builder("NOSUCHUSDT".into()).build()?;
            refused(typed(api.depth(unknown).await).await, -1121, "Invalid symbol.")
        })
        .await;
    Ok(())
}

pub async fn lists(board: &Board, market: &Market) -> Result<()> {
    let account = board.account(json!({"USDT": "100000", "RUS": "100"})).await?;
    let api = board.rest(&account)?;
    let symbol = || market.symbol.clone();
    board
        .check("order lists", "an OCO: one leg is filled, the other ends", async {
            let oco = OrderListOcoParams::builder(
                symbol(),
                OrderListOcoSideEnum::Sell,
                decimal("0.5"),
                OrderListOcoAboveTypeEnum::LimitMaker,
                OrderListOcoBelowTypeEnum::StopLoss,
            )
            .above_price(decimal("102.00"))
            .below_stop_price(decimal("80.00"));
            let list = typed(api.order_list_oco(oco.build()?).await).await?;
            equal(
                &json!([
                    list["contingencyType"],
                    list["listOrderStatus"],
                    list["orderReports"].as_array().map_or(0, Vec::len)
                ]),
                json!(["OCO", "EXECUTING", 2]),
            )?;
            typed(api.open_order_list(OpenOrderListParams::builder().build()?).await).await?;
            market.limit(&market.taker, NewOrderSideEnum::Buy, "0.5", "102.00").await?;
            let id = list["orderListId"].as_i64().unwrap_or(0);
            let done = typed(api.get_order_list(GetOrderListParams::builder().order_list_id(id).build()?).await).await?;
            equal(&json!([done["listStatusType"], done["listOrderStatus"]]), json!(["ALL_DONE", "ALL_DONE"]))
        })
        .await;
    board
        .check("order lists", "an OTO: the pending order begins when the working one is filled", async {
            let oto = OrderListOtoParams::builder(
                symbol(),
                OrderListOtoWorkingTypeEnum::Limit,
                OrderListOtoWorkingSideEnum::Buy,
                decimal("99.00"),
                decimal("0.2"),
                OrderListOtoPendingTypeEnum::Limit,
                OrderListOtoPendingSideEnum::Sell,
                decimal("0.2"),
            )
            .working_time_in_force(OrderListOtoWorkingTimeInForceEnum::Gtc)
            .pending_time_in_force(OrderListOtoPendingTimeInForceEnum::Gtc)
            .pending_price(decimal("105.00"));
            let list = typed(api.order_list_oto(oto.build()?).await).await?;
            equal(&list["contingencyType"], "OTO")?;
            market.limit(&market.maker, NewOrderSideEnum::Sell, "0.2", "99.00").await?;
            let open = typed(api.get_open_orders(GetOpenOrdersParams::builder().symbol(symbol()).build()?).await).await?;
            equal(&json!([open[0]["status"], open[0]["price"]]), json!(["NEW", "105.00000000"]))?;
            let id = list["orderListId"].as_i64().unwrap_or(0);
            let canceled = typed(
                api.delete_order_list(DeleteOrderListParams::builder(symbol()).order_list_id(id).build()?)
                    .await,
            )
            .await?;
            equal(&canceled["listOrderStatus"], "ALL_DONE")?;
            typed(api.all_order_list(AllOrderListParams::builder().build()?).await).await.map(drop)
        })
        .await;
    Ok(())
}
