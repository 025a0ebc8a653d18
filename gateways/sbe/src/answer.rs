//! Which message answers which call.
//!
//! A call may have several: a list or a single object, with more or fewer members. The first whose shape the JSON has is taken.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::encode::{Encoded, Refused, encode};
use crate::layout::{Kind, Path, Schema};

/// The answer to a call of the WebSocket API, around a message.
pub const WRAPPER: u16 = 50;
const ERROR: u16 = 100;
const CANCELED: u16 = 305;
const CANCEL_REPLACE: u16 = 307;
const LIST_CANCELED: u16 = 312;

/// A message, and a member that its JSON has, when others come into question.
type Choice = (u16, Option<&'static str>);

const fn only(template: u16) -> [Choice; 1] {
    [(template, None)]
}

const ORDER: &[Choice] = &[(302, Some("fills")), (301, Some("status")), (300, None)];
const TEST: &[Choice] = &[(315, Some("standardCommissionForOrder")), (303, None)];
const CANCEL: &[Choice] = &[(312, Some("contingencyType")), (305, None)];
const LIST: &[Choice] = &[
    (311, Some("orderReports.0.fills")),
    (310, Some("orderReports.0.status")),
    (309, None),
];
const DAY: &[Choice] = &[
    (205, Some("priceChange")),
    (206, Some("0.priceChange")),
    (207, None),
    (208, None),
];
const TICKER: &[Choice] = &[
    (213, Some("priceChange")),
    (214, Some("0.priceChange")),
    (215, None),
    (216, None),
];

/// REST, WebSocket API, messages.
const ANSWERS: &[(&str, &str, &[Choice])] = &[
    ("", "session.logon", &only(51)),
    ("", "session.status", &only(52)),
    ("", "session.logout", &only(53)),
    ("", "session.subscriptions", &only(54)),
    ("", "userDataStream.subscribe", &only(503)),
    ("", "userDataStream.subscribe.signature", &only(503)),
    ("", "userDataStream.unsubscribe", &only(504)),
    ("GET /api/v3/ping", "ping", &only(101)),
    ("GET /api/v3/time", "time", &only(102)),
    ("GET /api/v3/exchangeInfo", "exchangeInfo", &only(103)),
    ("GET /api/v3/executionRules", "executionRules", &only(104)),
    ("GET /api/v3/myFilters", "myFilters", &only(105)),
    ("GET /api/v3/depth", "depth", &only(200)),
    ("GET /api/v3/trades", "trades.recent", &only(201)),
    (
        "GET /api/v3/historicalTrades",
        "trades.historical",
        &only(201),
    ),
    ("GET /api/v3/aggTrades", "trades.aggregate", &only(202)),
    ("GET /api/v3/klines", "klines", &only(203)),
    ("GET /api/v3/uiKlines", "uiKlines", &only(203)),
    ("GET /api/v3/avgPrice", "avgPrice", &only(204)),
    ("GET /api/v3/ticker/24hr", "ticker.24hr", DAY),
    ("GET /api/v3/ticker", "ticker", TICKER),
    ("GET /api/v3/ticker/tradingDay", "ticker.tradingDay", TICKER),
    (
        "GET /api/v3/ticker/price",
        "ticker.price",
        &[(209, None), (210, None)],
    ),
    (
        "GET /api/v3/ticker/bookTicker",
        "ticker.book",
        &[(211, None), (212, None)],
    ),
    ("GET /api/v3/referencePrice", "referencePrice", &only(217)),
    (
        "GET /api/v3/referencePrice/calculation",
        "referencePrice.calculation",
        &only(218),
    ),
    (
        "GET /api/v3/historicalBlockTrades",
        "blockTrades.historical",
        &only(219),
    ),
    ("POST /api/v3/order", "order.place", ORDER),
    ("POST /api/v3/sor/order", "sor.order.place", ORDER),
    ("POST /api/v3/order/test", "order.test", TEST),
    ("POST /api/v3/sor/order/test", "sor.order.test", TEST),
    ("GET /api/v3/order", "order.status", &only(304)),
    ("DELETE /api/v3/order", "order.cancel", CANCEL),
    (
        "DELETE /api/v3/openOrders",
        "openOrders.cancelAll",
        &only(306),
    ),
    (
        "POST /api/v3/order/cancelReplace",
        "order.cancelReplace",
        &only(307),
    ),
    ("GET /api/v3/openOrders", "openOrders.status", &only(308)),
    ("GET /api/v3/allOrders", "allOrders", &only(308)),
    ("POST /api/v3/order/oco", "orderList.place", LIST),
    ("POST /api/v3/orderList/oco", "orderList.place.oco", LIST),
    ("POST /api/v3/orderList/oto", "orderList.place.oto", LIST),
    (
        "POST /api/v3/orderList/otoco",
        "orderList.place.otoco",
        LIST,
    ),
    ("POST /api/v3/orderList/opo", "orderList.place.opo", LIST),
    (
        "POST /api/v3/orderList/opoco",
        "orderList.place.opoco",
        LIST,
    ),
    ("DELETE /api/v3/orderList", "orderList.cancel", &only(312)),
    ("GET /api/v3/orderList", "orderList.status", &only(313)),
    (
        "GET /api/v3/openOrderList",
        "openOrderLists.status",
        &only(314),
    ),
    ("GET /api/v3/allOrderList", "allOrderLists", &only(314)),
    (
        "GET /api/v3/order/amendments",
        "order.amendments",
        &only(316),
    ),
    (
        "PUT /api/v3/order/amend/keepPriority",
        "order.amend.keepPriority",
        &only(317),
    ),
    ("GET /api/v3/account", "account.status", &only(400)),
    ("GET /api/v3/myTrades", "myTrades", &only(401)),
    (
        "GET /api/v3/rateLimit/order",
        "account.rateLimits.orders",
        &only(402),
    ),
    (
        "GET /api/v3/myPreventedMatches",
        "myPreventedMatches",
        &only(403),
    ),
    ("GET /api/v3/myAllocations", "myAllocations", &only(404)),
    (
        "GET /api/v3/account/commission",
        "account.commission",
        &only(405),
    ),
];

/// Events of the user data stream, by their `e`.
const EVENTS: &[(&str, u16)] = &[
    ("allocationReport", 600),
    ("balanceUpdate", 601),
    ("eventStreamTerminated", 602),
    ("executionReport", 603),
    ("externalLockUpdate", 604),
    ("listStatus", 606),
    ("outboundAccountPosition", 607),
    ("serverShutdown", 610),
];

/// Encodes the JSON that answers a call; `call` is `GET /api/v3/time` over REST and `time` over the WebSocket API. Times of the JSON are
/// microseconds.
///
/// # Errors
/// [`Refused`].
pub fn answer(schema: &Schema, version: u16, call: &str, json: &Value) -> Result<Encoded, Refused> {
    let call = call.strip_prefix("v3/").unwrap_or(call);
    let (_, _, choices) = ANSWERS
        .iter()
        .find(|(rest, ws, _)| *rest == call || *ws == call)
        .ok_or_else(|| Refused::Shape(format!("{call} has no message")))?;
    let template = choose(schema, choices, json)
        .ok_or_else(|| Refused::Shape(format!("no message of {call} has this shape")))?;
    encode(schema, version, template, json)
}

/// Encodes `{"code", "msg", "data"}`. Of refusals alone the times are milliseconds, as over the WebSocket API in JSON.
///
/// # Errors
/// [`Refused`].
pub fn refusal(schema: &Schema, version: u16, json: &Value) -> Result<Encoded, Refused> {
    encode(schema, version, ERROR, &flat(json))
}

/// Lifts the times out of `data`; what stays there is a message.
fn flat(json: &Value) -> Cow<'_, Value> {
    let Some(data) = json.get("data").and_then(Value::as_object) else {
        return Cow::Borrowed(json);
    };
    if data.contains_key("cancelResult") {
        return Cow::Borrowed(json);
    }
    let mut members = Map::new();
    for name in ["code", "msg"] {
        if let Some(value) = json.get(name) {
            members.insert(name.to_owned(), value.clone());
        }
    }
    for name in ["serverTime", "retryAfter"] {
        if let Some(millis) = data.get(name).and_then(Value::as_i64) {
            members.insert(name.to_owned(), json!(millis.saturating_mul(1000)));
        }
    }
    Cow::Owned(Value::Object(members))
}

/// Encodes an event of a user data stream, with the number of its subscription.
///
/// # Errors
/// [`Refused`].
pub fn event(
    schema: &Schema,
    version: u16,
    subscription: Option<u32>,
    json: &Value,
) -> Result<Encoded, Refused> {
    let name = json.get("e").and_then(Value::as_str).unwrap_or_default();
    let template = EVENTS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, template)| *template)
        .ok_or_else(|| Refused::Shape(format!("{name} has no message")))?;
    let mut json = json.clone();
    if let (Some(number), Value::Object(members)) = (subscription, &mut json) {
        members.insert("subscriptionId".to_owned(), number.into());
    }
    encode(schema, version, template, &json)
}

/// The first choice that the JSON has the shape of.
fn choose(schema: &Schema, choices: &[Choice], json: &Value) -> Option<u16> {
    let fits = |(template, mark): &&Choice| {
        let of_list = schema.message(*template).is_some_and(|message| {
            let groups = &message.body.groups;
            groups.iter().any(|group| group.path == Path::Itself)
        });
        of_list == json.is_array() && mark.is_none_or(|mark| has(json, mark))
    };
    choices.iter().find(fits).map(|(template, _)| *template)
}

fn has(json: &Value, path: &str) -> bool {
    path.split('.')
        .try_fold(json, |json, name| match name.parse::<usize>() {
            Ok(index) => json.get(index),
            Err(_) => json.get(name),
        })
        .is_some()
}

/// The message that stands inside another one.
pub(crate) fn inner_template(schema: &Schema, json: &Value) -> Option<u16> {
    let has = |name| json.get(name).is_some();
    if let Some(word) = json.get("filterType").or_else(|| json.get("ruleType")) {
        let word = word.as_str()?;
        let is_named = |kind: &Kind| matches!(kind, Kind::Const(text) if text == word);
        return schema
            .messages
            .iter()
            .find(|message| {
                message
                    .body
                    .fields
                    .iter()
                    .any(|field| is_named(&field.kind))
            })
            .map(|message| message.id);
    }
    if has("cancelResult") {
        Some(CANCEL_REPLACE)
    } else if has("code") && has("msg") {
        Some(ERROR)
    } else if has("contingencyType") {
        Some(LIST_CANCELED)
    } else if has("origClientOrderId") {
        Some(CANCELED)
    } else {
        choose(schema, ORDER, json)
    }
}
