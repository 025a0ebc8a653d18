//! The official Rust SDK, unmodified, against a running exchange: REST, market streams, WebSocket API, user data.

mod board;
mod rest;
mod streams;
mod wsapi;

use anyhow::Result;
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<()> {
    let board = board::Board::new()?;
    let market = board.market("RUS").await?;
    rest::market_data(&board, &market).await?;
    rest::trading(&board, &market).await?;
    rest::lists(&board, &market).await?;
    streams::run(&board, &market).await?;
    wsapi::run(&board, &market).await?;
    board
        .check("state", "the audit is clean at the end", async {
            let state = board.sandbox(reqwest::Method::GET, "/state", Value::Null).await?;
            board::equal(&state["audit"], "ok")
        })
        .await;
    Ok(())
}
