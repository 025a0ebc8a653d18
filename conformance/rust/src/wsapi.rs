//! The WebSocket API: requests, the life of an order, order lists, and the user's events on the same connection.

use crate::board::{Board, Market, PATIENCE, decimal, equal, filled, refused, until};
use anyhow::{Result, ensure};
use binance_sdk::config::ConfigurationWebsocketApi;
use binance_sdk::models::WebsocketApiResponse;
use binance_sdk::spot::SpotWsApi;
use binance_sdk::spot::rest_api::NewOrderSideEnum;
use binance_sdk::spot::websocket_api::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

type Events = Arc<Mutex<Vec<UserDataStreamEventsResponse>>>;

fn typed<T: Serialize + DeserializeOwned>(response: anyhow::Result<WebsocketApiResponse<T>>) -> Result<Value> {
    filled(&response?.data()?)
}

macro_rules! reads {
    ($board:expr, $api:expr, $area:expr, $($method:ident($params:expr)),+ $(,)?) => {
        $($board.check($area, stringify!($method), async {
            typed($api.$method($params.build()?).await).map(drop)
        }).await;)+
    };
}

pub async fn run(board: &Board, market: &Market) -> Result<()> {
    let account = board.account(json!({"USDT": "100000", "RUS": "100"})).await?;
    let field = |name: &str| account[name].as_str().unwrap_or("").to_string();
    let config = ConfigurationWebsocketApi::builder()
        .ws_url(board.address("wsapi"))
        .timeout(PATIENCE)
        .api_key(field("apiKey"))
        .api_secret(field("secretKey"))
        .build()?;
    let api = SpotWsApi::from_config(config).connect().await?;
    let events: Events = Arc::default();
    board
        .check("user data", "userDataStream.subscribe.signature", async {
            let (answer, stream) = api
                .user_data_stream_subscribe_signature(UserDataStreamSubscribeSignatureParams::default())
                .await?;
            let sink = events.clone();
            stream.on_message(move |event| sink.lock().expect("no callback panics").push(event));
            ensure!(answer.data()?.subscription_id.is_some(), "no subscription id");
            Ok(())
        })
        .await;
    market_data(board, &api, market).await;
    orders(board, &api, market, &events).await;
    lists(board, &api, market, &events).await;
    board
        .check("user data", "balanceUpdate, as its model", async {
            let path = format!("/accounts/{}/fund", account["accountId"]);
            board
                .sandbox(reqwest::Method::POST, &path, json!({"asset": "USDT", "amount": "5"}))
                .await?;
            until("the deposit", || {
                events.lock().expect("no callback panics").iter().find_map(|e| match e {
                    UserDataStreamEventsResponse::BalanceUpdate(b) if b.d.as_deref() == Some("5.00000000") => Some(()),
                    _ => None,
                })
            })
            .await
        })
        .await;
    board
        .check("user data", "every event is one of the SDK's models", async {
            let events = events.lock().expect("no callback panics");
            let others = events.iter().filter(|e| matches!(e, UserDataStreamEventsResponse::Other(_))).count();
            ensure!(!events.is_empty() && others == 0, "{others} of {} events are unknown", events.len());
            Ok(())
        })
        .await;
    api.disconnect().await
}

async fn market_data(board: &Board, api: &WebsocketApi, market: &Market) {
    let symbol = || market.symbol.clone();
    reads!(
        board,
        api,
        "WebSocket API",
        time(TimeParams::builder()),
        exchange_info(ExchangeInfoParams::builder().symbol(symbol())),
        depth(DepthParams::builder(symbol())),
        trades_recent(TradesRecentParams::builder(symbol())),
        trades_historical(TradesHistoricalParams::builder(symbol()).from_id(0)),
        trades_aggregate(TradesAggregateParams::builder(symbol())),
        klines(KlinesParams::builder(symbol(), KlinesIntervalEnum::Interval1m)),
        ui_klines(UiKlinesParams::builder(symbol(), UiKlinesIntervalEnum::Interval1m)),
        avg_price(AvgPriceParams::builder(symbol())),
    );
}

async fn orders(board: &Board, api: &WebsocketApi, market: &Market, events: &Events) {
    let symbol = || market.symbol.clone();
    board
        .check("WebSocket API", "place, partial fill, query, amend, cancel, and its reports", async {
            let order = OrderPlaceParams::builder(symbol(), OrderPlaceSideEnum::Buy, OrderPlaceTypeEnum::Limit)
                .time_in_force(OrderPlaceTimeInForceEnum::Gtc)
                .quantity(decimal("0.5"))
                .price(decimal("100.00"));
            let id = api.order_place(order.build()?).await?.data()?.order_id.unwrap_or(0);
            market.limit(&market.maker, NewOrderSideEnum::Sell, "0.1", "100.00").await?;
            equal(
                &typed(api.order_status(OrderStatusParams::builder(symbol()).order_id(id).build()?).await)?["status"],
                "PARTIALLY_FILLED",
            )?;
            typed(api.open_orders_status(OpenOrdersStatusParams::builder().symbol(symbol()).build()?).await)?;
            let amend = OrderAmendKeepPriorityParams::builder(symbol(), decimal("0.4")).order_id(id);
            equal(
                &typed(api.order_amend_keep_priority(amend.build()?).await)?["amendedOrder"]["qty"],
                "0.40000000",
            )?;
            equal(
                &typed(api.order_cancel(OrderCancelParams::builder(symbol()).order_id(id).build()?).await)?["status"],
                "CANCELED",
            )?;
            let kinds = until("four reports", || {
                let kinds: Vec<String> = reports(events, id).into_iter().filter_map(|r| r.x).collect();
                (kinds.len() >= 4).then_some(kinds)
            })
            .await?;
            equal(&json!(kinds), json!(["NEW", "TRADE", "REPLACED", "CANCELED"]))
        })
        .await;
    board
        .check("WebSocket API", "an order to its fill, with its report and the position", async {
            market.limit(&market.maker, NewOrderSideEnum::Sell, "0.3", "101.00").await?;
            let order = OrderPlaceParams::builder(symbol(), OrderPlaceSideEnum::Buy, OrderPlaceTypeEnum::Market).quantity(decimal("0.3"));
            let answer = typed(api.order_place(order.build()?).await)?;
            equal(&answer["status"], "FILLED")?;
            let id = answer["orderId"].as_i64().unwrap_or(0);
            let report = until("the trade's report", || {
                reports(events, id).into_iter().find(|r| r.x.as_deref() == Some("TRADE"))
            })
            .await?;
            equal(
                &json!([report.l_uppercase, report.l, report.z, report.x_uppercase]),
                json!(["101.00000000", "0.30000000", "0.30000000", "FILLED"]),
            )?;
            until("the new position", || {
                events
                    .lock()
                    .expect("no callback panics")
                    .iter()
                    .find_map(|e| matches!(e, UserDataStreamEventsResponse::OutboundAccountPosition(p) if p.b_uppercase.is_some()).then_some(()))
            })
            .await
        })
        .await;
    board
        .check("WebSocket API", "code and message", async {
            let order = OrderPlaceParams::builder(symbol(), OrderPlaceSideEnum::Buy, OrderPlaceTypeEnum::Limit)
                .time_in_force(OrderPlaceTimeInForceEnum::Gtc)
                .quantity(decimal("0.1"))
                .price(decimal("100.001"));
            refused(api.order_place(order.build()?).await, -1013, "Filter failure: PRICE_FILTER")
        })
        .await;
    reads!(
        board,
        api,
        "WebSocket API",
        account_status(AccountStatusParams::builder()),
        account_commission(AccountCommissionParams::builder(symbol())),
        account_rate_limits_orders(AccountRateLimitsOrdersParams::builder()),
        all_orders(AllOrdersParams::builder(symbol())),
        my_trades(MyTradesParams::builder(symbol())),
    );
}

async fn lists(board: &Board, api: &WebsocketApi, market: &Market, events: &Events) {
    let symbol = || market.symbol.clone();
    board
        .check("WebSocket API", "an OCO is placed, found and canceled, and listStatus tells it", async {
            let oco = OrderListPlaceOcoParams::builder(
                symbol(),
                OrderListPlaceOcoSideEnum::Sell,
                decimal("0.5"),
                OrderListPlaceOcoAboveTypeEnum::LimitMaker,
                OrderListPlaceOcoBelowTypeEnum::StopLoss,
            )
            .above_price(decimal("120.00"))
            .below_stop_price(decimal("80.00"));
            let list = typed(api.order_list_place_oco(oco.build()?).await)?;
            let id = list["orderListId"].as_i64().unwrap_or(-1);
            equal(
                &typed(
                    api.order_list_status(OrderListStatusParams::builder().order_list_id(i32::try_from(id)?).build()?)
                        .await,
                )?["listOrderStatus"],
                "EXECUTING",
            )?;
            equal(
                &typed(
                    api.order_list_cancel(OrderListCancelParams::builder(symbol()).order_list_id(i32::try_from(id)?).build()?)
                        .await,
                )?["listOrderStatus"],
                "ALL_DONE",
            )?;
            let told = until("two list statuses", || {
                let all = events.lock().expect("no callback panics");
                let told: Vec<Option<String>> = all
                    .iter()
                    .filter_map(|e| match e {
                        UserDataStreamEventsResponse::ListStatus(s) if s.g == Some(id) => Some(s.l_uppercase.clone()),
                        _ => None,
                    })
                    .collect();
                (told.len() >= 2).then_some(told)
            })
            .await?;
            equal(&json!(told), json!(["EXECUTING", "ALL_DONE"]))
        })
        .await;
}

/// The reports of one order, in the order in which they came.
fn reports(events: &Events, id: i64) -> Vec<ExecutionReport> {
    let all = events.lock().expect("no callback panics");
    all.iter()
        .filter_map(|e| match e {
            UserDataStreamEventsResponse::ExecutionReport(r) if r.i == Some(id) => Some((**r).clone()),
            _ => None,
        })
        .collect()
}
