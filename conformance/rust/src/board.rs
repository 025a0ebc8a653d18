//! What the parts share: rows of the scoreboard, the sandbox gateway, a market with a little history.
//!
//! A row is one check. The program ends with 0 whatever its rows say; only one that breaks off ends otherwise.

use anyhow::{Context, Result, anyhow, ensure};
use binance_sdk::config::ConfigurationRestApi;
use binance_sdk::models::RestApiResponse;
use binance_sdk::spot::SpotRestApi;
use binance_sdk::spot::rest_api::{self, NewOrderParams, NewOrderSideEnum, NewOrderTimeInForceEnum, NewOrderTypeEnum, RestApi};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use std::fs::File;
use std::future::Future;
use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Milliseconds that one call may take; nothing is measured here.
pub const PATIENCE: u64 = 20_000;

/// Where the exchange is, and where the rows go.
pub struct Board {
    ready: Value,
    rows: Mutex<File>,
    http: reqwest::Client,
}

impl Board {
    pub fn new() -> Result<Board> {
        let ready = std::env::var("HIGHWATER_READY").context("HIGHWATER_READY is not set: start this with `cargo x conformance`")?;
        let path = std::env::var("HIGHWATER_ROWS").context("HIGHWATER_ROWS is not set")?;
        Ok(Board {
            ready: serde_json::from_str(&ready)?,
            rows: Mutex::new(File::options().create(true).append(true).open(path)?),
            http: reqwest::Client::new(),
        })
    }

    /// One of the exchange's addresses: `rest`, `ws`, `wsapi`, `sandbox`.
    pub fn address(&self, name: &str) -> String {
        self.ready[name].as_str().unwrap_or("").to_string()
    }

    /// One check: passes when its work errs nowhere.
    pub async fn check(&self, area: &str, name: &str, work: impl Future<Output = Result<()>>) {
        let result = work.await;
        let detail: String = result
            .as_ref()
            .err()
            .map_or(String::new(), |e| format!("{e:#}").chars().take(400).collect());
        let row = json!({"area": area, "check": name, "pass": result.is_ok(), "detail": detail});
        let mut rows = self.rows.lock().expect("no check panics while it writes");
        writeln!(rows, "{row}").expect("the rows can be written");
    }

    /// A request of the sandbox gateway.
    pub async fn sandbox(&self, method: reqwest::Method, path: &str, body: Value) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.address("sandbox")));
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "sandbox {path}: {status} {text}");
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    /// An account with money and an HMAC key.
    pub async fn account(&self, balances: Value) -> Result<Value> {
        self.sandbox(reqwest::Method::POST, "/accounts", json!({"balances": balances, "keyType": "HMAC"}))
            .await
    }

    /// The SDK's REST client, with an account's key or without one.
    pub fn rest(&self, account: &Value) -> Result<RestApi> {
        let mut config = ConfigurationRestApi::builder()
            .base_path(self.address("rest"))
            .timeout(PATIENCE)
            .retries(0);
        if let (Some(key), Some(secret)) = (account["apiKey"].as_str(), account["secretKey"].as_str()) {
            config = config.api_key(key).api_secret(secret);
        }
        Ok(SpotRestApi::from_config(config.build()?))
    }

    /// A market of its own, a maker, and three trades.
    pub async fn market(&self, base: &str) -> Result<Market> {
        let symbol = format!("{base}USDT");
        let filters = json!([
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
            {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": true, "maxNotional": "9000000", "applyMaxToMarket": false, "avgPriceMins": 5},
        ]);
        let body = json!({"symbol": symbol, "baseAsset": base, "quoteAsset": "USDT", "filters": filters});
        self.sandbox(reqwest::Method::POST, "/symbols", body).await?;
        let wealth = json!({"USDT": "10000000", base: "10000"});
        let (maker, taker) = (self.account(wealth.clone()).await?, self.account(wealth).await?);
        let market = Market {
            symbol,
            maker: self.rest(&maker)?,
            taker: self.rest(&taker)?,
        };
        for price in ["100.00", "100.50", "99.50"] {
            market.trade("1", price).await?;
        }
        market.limit(&market.maker, NewOrderSideEnum::Buy, "1", "90.00").await?;
        market.limit(&market.maker, NewOrderSideEnum::Sell, "1", "110.00").await?;
        Ok(market)
    }
}

/// A symbol and two accounts that keep it alive.
pub struct Market {
    pub symbol: String,
    pub maker: RestApi,
    pub taker: RestApi,
}

impl Market {
    /// One trade, and so one change of the book.
    pub async fn trade(&self, quantity: &str, price: &str) -> Result<()> {
        self.limit(&self.maker, NewOrderSideEnum::Sell, quantity, price).await?;
        self.limit(&self.taker, NewOrderSideEnum::Buy, quantity, price).await?;
        Ok(())
    }

    /// A limit order of somebody.
    pub async fn limit(&self, who: &RestApi, side: NewOrderSideEnum, quantity: &str, price: &str) -> Result<rest_api::NewOrderResponse> {
        let order = NewOrderParams::builder(self.symbol.clone(), side, NewOrderTypeEnum::Limit)
            .time_in_force(NewOrderTimeInForceEnum::Gtc)
            .quantity(decimal(quantity))
            .price(decimal(price))
            .build()?;
        Ok(who.new_order(order).await?.data().await?)
    }
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal number in this program's own text")
}

/// The answer as the SDK's own model, written out as JSON; an answer without any field of the model is an error.
pub async fn typed<T: Serialize + Send + 'static>(response: anyhow::Result<RestApiResponse<T>>) -> Result<Value> {
    let response = response?;
    let counted = response.rate_limits.as_ref().is_some_and(|limits| !limits.is_empty());
    let value = filled(&response.data().await?)?;
    ensure!(counted, "the answer's headers tell no limit");
    Ok(value)
}

/// The model as JSON, which must hold something.
pub fn filled<T: Serialize>(model: &T) -> Result<Value> {
    let value = serde_json::to_value(model)?;
    let first = value.as_array().map_or(Some(&value), |all| all.first());
    let empty = first.is_none_or(|v| v.is_null() || v.as_object().is_some_and(|o| o.is_empty()));
    ensure!(!empty, "nothing of the model is in the answer: {value}");
    Ok(value)
}

/// Says both sides when they differ.
pub fn equal(actual: &Value, expected: impl Into<Value>) -> Result<()> {
    let expected = expected.into();
    ensure!(*actual == expected, "expected {expected}, got {actual}");
    Ok(())
}

/// The work must be refused with this code and this message.
pub fn refused<T>(result: anyhow::Result<T>, code: i64, message: &str) -> Result<()> {
    use binance_sdk::errors::{ConnectorError, WebsocketError};
    let error = result.err().ok_or_else(|| anyhow!("was not refused"))?;
    let got = match (error.downcast_ref::<ConnectorError>(), error.downcast_ref::<WebsocketError>()) {
        (Some(ConnectorError::BadRequestError { msg, code }), _) => (code.unwrap_or(0), msg.clone()),
        (_, Some(WebsocketError::ResponseError { code, message, .. })) => (*code, message.clone()),
        _ => return Err(error.context("refused, but not as a bad request")),
    };
    ensure!(got == (code, message.to_string()), "expected {code} {message}, got {got:?}");
    Ok(())
}

/// Waits for something to come about; the deadline is there only so that nothing hangs.
pub async fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> Result<T> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = condition() {
            return Ok(value);
        }
        ensure!(Instant::now() < end, "did not come about in 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
