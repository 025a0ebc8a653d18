//! What we encode, read by the decoder that the published schema drives.

use sbe::answer::{answer, event, refusal};
use sbe::{NEWEST, SPOT};
use serde_json::{Value, json};

use crate::independent::Decoder;
use crate::schemas::published;

/// Encodes the answer to a call and has both decoders read it: ours must find the JSON again, apart from what the format leaves out.
fn read(call: &str, body: &Value) -> Option<(String, Value)> {
    let encoded = answer(&SPOT, NEWEST, call, body).unwrap();
    assert_eq!(encoded.missing, Vec::<String>::new(), "{call}");
    let again = sbe::decode::decode(&SPOT, &encoded.bytes).unwrap();
    assert_eq!(again.version, NEWEST);
    let xml = published("spot_3_5.xml")?;
    Some(Decoder::new(&xml).decode(&encoded.bytes))
}

fn check(call: &str, body: &Value, message: &str, expected: &[(&str, Value)]) {
    let Some((name, value)) = read(call, body) else {
        return;
    };
    assert_eq!(name, message, "{call}");
    for (pointer, expected) in expected {
        assert_eq!(
            value.pointer(pointer),
            Some(expected),
            "{call} {pointer} of {value}"
        );
    }
}

fn order() -> Value {
    json!({
        "symbol": "币安USDT", "orderId": 28, "orderListId": -1, "clientOrderId": "mine",
        "transactTime": 1_507_725_176_595_123_i64, "price": "0.10000000", "origQty": "10.00000000",
        "executedQty": "10.00000000", "origQuoteOrderQty": "0.00000000", "cummulativeQuoteQty": "1.00000000",
        "status": "FILLED", "timeInForce": "GTC", "type": "LIMIT", "side": "SELL",
        "workingTime": -1, "selfTradePreventionMode": "EXPIRE_MAKER",
    })
}

#[test]
fn order_answers_in_their_three_sizes() {
    let short = json!({"symbol": "BTCUSDT", "orderId": 28, "orderListId": 7, "clientOrderId": "mine", "transactTime": 5});
    check(
        "order.place",
        &short,
        "NewOrderAckResponse",
        &[("/orderListId", json!(7)), ("/transactTime", json!(5))],
    );
    check(
        "POST /api/v3/order",
        &order(),
        "NewOrderResultResponse",
        &[
            ("/symbol", json!("币安USDT")),
            ("/orderListId", Value::Null),
            ("/workingTime", Value::Null),
            ("/stopPrice", Value::Null),
            ("/price", json!("0.10000000")),
            ("/status", json!("FILLED")),
            ("/side", json!("SELL")),
            ("/orderCapacity", json!("PRINCIPAL")),
            ("/workingFloor", json!("EXCHANGE")),
            ("/usedSor", json!("FALSE")),
            ("/pegPriceType", Value::Null),
            ("/expiryReason", Value::Null),
            ("/transactTime", json!(1_507_725_176_595_123_i64)),
        ],
    );
    let mut full = order();
    full["expiryReason"] = json!("INSUFFICIENT_LIQUIDITY");
    full["workingFloor"] = json!("SOR");
    full["fills"] = json!([
        {"price": "0.1", "qty": "10.0", "commission": "0.00000004", "commissionAsset": "USDT", "tradeId": 56},
        {"price": "0.1", "qty": "1.0", "commission": "4", "commissionAsset": "BNB", "allocId": 0, "matchType": "ONE_PARTY_TRADE_REPORT"},
    ]);
    check(
        "sor.order.place",
        &full,
        "NewOrderFullResponse",
        &[
            ("/fills/0/tradeId", json!(56)),
            ("/fills/0/allocId", Value::Null),
            ("/fills/0/commission", json!("0.00000004")),
            ("/fills/0/matchType", json!("AUTO_MATCH")),
            ("/fills/1/tradeId", Value::Null),
            ("/fills/1/allocId", json!(0)),
            ("/fills/1/commissionAsset", json!("BNB")),
            ("/fills/1/matchType", json!("ONE_PARTY_TRADE_REPORT")),
            ("/preventedMatches", json!([])),
            ("/expiryReason", json!("INSUFFICIENT_LIQUIDITY")),
            ("/workingFloor", json!("SOR")),
            ("/clientOrderId", json!("mine")),
        ],
    );
}

#[test]
fn tickers_by_list_and_size() {
    let mini = json!({
        "symbol": "BTCUSDT", "openPrice": "99.0", "highPrice": "100.0", "lowPrice": "0.1", "lastPrice": "0.00000000",
        "volume": "123456789012345678901.00000001", "quoteVolume": "15.3", "openTime": 1, "closeTime": 2,
        "firstId": -1, "lastId": -1, "count": 0,
    });
    let mut full = mini.clone();
    full["priceChange"] = json!("-94.99999800");
    full["priceChangePercent"] = json!("-95.960");
    full["weightedAvgPrice"] = json!("0.29628482");
    let expected = [
        ("/volume", json!("123456789012345678901.00000001")),
        ("/lastPrice", Value::Null),
        ("/firstId", Value::Null),
    ];
    check("ticker", &mini, "TickerSymbolMiniResponse", &expected);
    check(
        "GET /api/v3/ticker/24hr",
        &mini,
        "Ticker24hSymbolMiniResponse",
        &expected,
    );
    check(
        "ticker",
        &json!([mini]),
        "TickerMiniResponse",
        &[("/tickers/0/openPrice", json!("99.00000000"))],
    );
    let expected = [
        ("/priceChange", json!("-94.99999800")),
        ("/priceChangePercent", json!(-95.96_f32)),
    ];
    check(
        "ticker.tradingDay",
        &full,
        "TickerSymbolFullResponse",
        &expected,
    );
    check(
        "ticker",
        &json!([full]),
        "TickerFullResponse",
        &[("/tickers/0/priceChange", json!("-94.99999800"))],
    );
    for call in ["ticker.price", "GET /api/v3/ticker/price"] {
        check(
            call,
            &json!({"symbol": "A", "price": "4"}),
            "PriceTickerSymbolResponse",
            &[],
        );
        check(
            call,
            &json!([]),
            "PriceTickerResponse",
            &[("/tickers", json!([]))],
        );
    }
}

#[test]
fn lists_and_rows() {
    let depth = json!({"lastUpdateId": 9, "bids": [["4.00000000", "431.0"]], "asks": [["4.1", "12"], ["5", "1"]]});
    let expected = [
        ("/bids/0/price", json!("4.00000000")),
        ("/bids/0/qty", json!("431.00000000")),
        ("/asks/1/price", json!("5.00000000")),
        ("/lastUpdateId", json!(9)),
    ];
    check("depth", &depth, "DepthResponse", &expected);
    let candle = json!([[
        1, "1.0", "2.0", "0.5", "1.5", "100", 2, "150", 3, "50", "75", "0"
    ]]);
    let expected = [
        ("/klines/0/highPrice", json!("2.00000000")),
        ("/klines/0/closeTime", json!(2)),
        ("/klines/0/numTrades", json!(3)),
        ("/klines/0/takerBuyQuoteVolume", json!("75.00000000")),
    ];
    check("uiKlines", &candle, "KlinesResponse", &expected);
    let trade = json!([{"id": 28457, "price": "4.00000100", "qty": "12", "quoteQty": "48.000012", "time": 7, "isBuyerMaker": true, "isBestMatch": true}]);
    let expected = [
        ("/trades/0/id", json!(28457)),
        ("/trades/0/isBuyerMaker", json!("TRUE")),
    ];
    check("trades.historical", &trade, "TradesResponse", &expected);
    let canceled = json!({
        "symbol": "BTCUSDT", "origClientOrderId": "a", "orderId": 4, "orderListId": -1, "clientOrderId": "b", "transactTime": 1,
        "price": "2", "origQty": "1", "executedQty": "0", "cummulativeQuoteQty": "0", "status": "CANCELED",
        "timeInForce": "GTC", "type": "LIMIT", "side": "BUY", "selfTradePreventionMode": "NONE",
    });
    check(
        "openOrders.cancelAll",
        &json!([canceled]),
        "CancelOpenOrdersResponse",
        &[
            (
                "/responses/0/response/message",
                json!("CancelOrderResponse"),
            ),
            ("/responses/0/response/value/origClientOrderId", json!("a")),
        ],
    );
    let replaced = json!({"cancelResult": "SUCCESS", "newOrderResult": "FAILURE", "cancelResponse": canceled,
        "newOrderResponse": {"code": -2010, "msg": "Duplicate order sent."}});
    check(
        "order.cancelReplace",
        &replaced,
        "CancelReplaceOrderResponse",
        &[
            ("/cancelResponse/message", json!("CancelOrderResponse")),
            ("/newOrderResponse/value/code", json!(-2010)),
            ("/newOrderResult", json!("FAILURE")),
        ],
    );
}

#[test]
fn the_exchange_describes_itself() {
    let body = json!({
        "timezone": "UTC", "serverTime": 1,
        "rateLimits": [{"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000}],
        "exchangeFilters": [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}],
        "symbols": [{
            "symbol": "BTCUSDT", "status": "CANCEL_ONLY", "baseAsset": "BTC", "baseAssetPrecision": 8, "quoteAsset": "USDT",
            "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
            "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"], "icebergAllowed": true, "ocoAllowed": true, "otoAllowed": false,
            "quoteOrderQtyMarketAllowed": true, "allowTrailingStop": true, "cancelReplaceAllowed": true, "amendAllowed": true,
            "pegInstructionsAllowed": true, "isSpotTradingAllowed": true, "isMarginTradingAllowed": false,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
                {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
            ],
            "permissions": [], "permissionSets": [["SPOT", "MARGIN"], []],
            "defaultSelfTradePreventionMode": "NONE", "allowedSelfTradePreventionModes": ["NONE", "TRANSFER"],
        }],
        "sors": [{"baseAsset": "BTC", "symbols": ["BTCUSDT", "BTCUSDC"]}],
    });
    check(
        "exchangeInfo",
        &body,
        "ExchangeInfoResponse",
        &[
            ("/rateLimits/0/interval", json!("DAY")),
            (
                "/exchangeFilters/0/filter/message",
                json!("ExchangeMaxNumOrdersFilter"),
            ),
            ("/symbols/0/status", json!("CANCEL_ONLY")),
            (
                "/symbols/0/orderTypes",
                json!(["MARKET", "LIMIT", "LIMIT_MAKER"]),
            ),
            (
                "/symbols/0/allowedSelfTradePreventionModes",
                json!(["NONE", "TRANSFER"]),
            ),
            ("/symbols/0/pegInstructionsAllowed", json!("TRUE")),
            ("/symbols/0/filters/0/filter/message", json!("PriceFilter")),
            (
                "/symbols/0/filters/0/filter/value/tickSize",
                json!("0.01000000"),
            ),
            (
                "/symbols/0/permissionSets/0/permissions/1/permission",
                json!("MARGIN"),
            ),
            ("/symbols/0/permissionSets/1/permissions", json!([])),
            ("/symbols/0/quoteAsset", json!("USDT")),
            ("/sors/0/sorSymbols/1/symbol", json!("BTCUSDC")),
        ],
    );
}

#[test]
fn older_versions_know_less() {
    let symbol = |status: &str| json!({"symbolRules": [], "status": status});
    for version in 2..=NEWEST {
        let rules = answer(&SPOT, version, "executionRules", &symbol(""));
        assert_eq!(rules.is_ok(), version >= 3, "version {version}");
        let mut order = order();
        order["expiryReason"] = json!("OCO_TRIGGER");
        order["isWorking"] = json!(true);
        order["time"] = json!(1);
        order["updateTime"] = json!(1);
        let encoded = answer(&SPOT, version, "order.status", &order).unwrap();
        let read = sbe::decode::decode(&SPOT, &encoded.bytes).unwrap().json;
        assert_eq!(read.get("expiryReason").is_some(), version >= 4);
        let Some(xml) = published(&format!("spot_3_{version}.xml")) else {
            continue;
        };
        let (_, value) = Decoder::new(&xml).decode(&encoded.bytes);
        assert_eq!(value["clientOrderId"], "mine");
    }
}

#[test]
fn refusals_and_events() {
    let banned =
        json!({"code": -1003, "msg": "Way too much.", "data": {"serverTime": 5, "retryAfter": 7}});
    let refused = refusal(&SPOT, NEWEST, &banned).unwrap();
    let report = json!({
        "e": "outboundAccountPosition", "E": 10, "u": 11,
        "B": [{"a": "ETH", "f": "9.000000000000000001", "l": "0.00000000"}],
    });
    let event = event(&SPOT, NEWEST, Some(3), &report).unwrap();
    assert_eq!((refused.missing.len(), event.missing.len()), (0, 0));
    let Some(xml) = published("spot_3_5.xml") else {
        return;
    };
    let decoder = Decoder::new(&xml);
    let (name, value) = decoder.decode(&refused.bytes);
    assert_eq!(name, "ErrorResponse");
    assert_eq!(
        value,
        json!({"code": -1003, "serverTime": 5000, "retryAfter": 7000, "msg": "Way too much.", "data": null})
    );
    let (name, value) = decoder.decode(&event.bytes);
    assert_eq!(name, "OutboundAccountPositionEvent");
    assert_eq!(value["subscriptionId"], 3);
    // eight places are too few, so a finer exponent is taken
    assert_eq!(value["balances"][0]["exponent"], -18);
    assert_eq!(value["balances"][0]["free"], "9.000000000000000001");
}

/// Prints what an answer costs; nothing depends on it.
#[test]
#[ignore = "prints a figure, asserts nothing about speed"]
fn cost() {
    let mut full = order();
    full["fills"] = json!([{"price": "0.1", "qty": "10.0", "commission": "0.00000004", "commissionAsset": "USDT", "tradeId": 56}]);
    let text = full.to_string();
    let rounds = 100_000_u32;
    let begun = std::time::Instant::now();
    for _ in 0..rounds {
        let json: Value = serde_json::from_str(&text).unwrap();
        std::hint::black_box(answer(&SPOT, NEWEST, "order.place", &json).unwrap());
    }
    eprintln!(
        "{:?} for each full order answer of {} bytes",
        begun.elapsed() / rounds,
        text.len()
    );
}
