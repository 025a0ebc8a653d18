//! Market streams over one connection, each message as the SDK's own model.

use crate::board::{Board, Market, filled, until};
use anyhow::{Context, Result, ensure};
use binance_sdk::config::ConfigurationWebsocketStreams;
use binance_sdk::spot::SpotWsStreams;
use binance_sdk::spot::websocket_streams::*;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub async fn run(board: &Board, market: &Market) -> Result<()> {
    let config = ConfigurationWebsocketStreams::builder().ws_url(board.address("ws")).build()?;
    let streams = SpotWsStreams::from_config(config).connect().await?;
    let symbol = || market.symbol.to_lowercase();
    let mut got: Vec<(&str, &str, Arc<Mutex<Vec<Value>>>)> = Vec::new();
    macro_rules! listen {
        ($($name:ident($params:expr) has $field:literal),+ $(,)?) => {
            $({
                let stream = streams.$name($params.build()?).await.context(stringify!($name))?;
                let messages = Arc::new(Mutex::new(Vec::new()));
                let sink = messages.clone();
                stream.on_message(move |message| sink.lock().expect("no callback panics").push(filled(&message).unwrap_or(Value::Null)));
                got.push((stringify!($name), $field, messages));
                // A connection may send five messages a second.
                tokio::time::sleep(Duration::from_millis(250)).await;
            })+
        };
    }
    listen!(
        trade(TradeParams::builder(symbol())) has "t",
        agg_trade(AggTradeParams::builder(symbol())) has "a",
        kline(KlineParams::builder(symbol(), KlineIntervalEnum::Interval1m)) has "k",
        diff_book_depth(DiffBookDepthParams::builder(symbol()).update_speed(DiffBookDepthUpdateSpeedEnum::UpdateSpeed100ms)) has "U",
        partial_book_depth(PartialBookDepthParams::builder(symbol(), PartialBookDepthLevelsEnum::Levels5).update_speed(PartialBookDepthUpdateSpeedEnum::UpdateSpeed100ms)) has "lastUpdateId",
        book_ticker(BookTickerParams::builder(symbol())) has "u",
        ticker(TickerParams::builder(symbol())) has "c",
        mini_ticker(MiniTickerParams::builder(symbol())) has "c",
        rolling_window_ticker(RollingWindowTickerParams::builder(symbol(), RollingWindowTickerWindowSizeEnum::WindowSize1h)) has "c",
        avg_price(AvgPriceParams::builder(symbol())) has "w",
        all_mini_ticker(AllMiniTickerParams::builder()) has "c",
    );
    for _ in 0..10 {
        market.trade("0.1", "100.00").await?;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    for (name, field, messages) in got {
        board
            .check("streams", name, async {
                let first = until("a message of the SDK's model", || {
                    messages.lock().expect("no callback panics").first().cloned()
                })
                .await?;
                let message = if first.is_array() { &first[0] } else { &first };
                ensure!(!message[field].is_null(), "{field} is not in {message}");
                Ok(())
            })
            .await;
    }
    streams.disconnect().await
}
