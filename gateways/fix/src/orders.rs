//! Order entry: a message becomes a call of the API's own method, and a refusal becomes the message that refuses it.
//!
//! Nothing is answered here when a request succeeds: its execution reports come below the mark, as those of every other gateway do.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use identity::Key;
use kit::{ApiError, Context, Dialect, Input, Pair, Refusal, Router};
use protocol::{CancelAll, Command, RejectCode, Reply, Request};
use types::{ClientId, InstrumentId, Time};

use crate::codec::{Body, Message};
use crate::lists;
use crate::report::{STP_MODES, TIFS};
use crate::session::{Invalid, bad_value};
use crate::tags::*;

/// Everything that a request needs to be carried out apart from its session.
#[derive(Clone, Debug)]
pub struct Asked {
    pub context: Arc<Context>,
    pub router: Arc<Router>,
    pub key: Arc<Key>,
    pub peer: IpAddr,
    /// Not to be executed after this.
    pub expires: Time,
    pub message: Message,
    pub seq: u64,
}

/// What is sent when a request is through: at once, or after the reports of a record.
#[derive(Debug)]
pub struct Done {
    pub after: Option<u64>,
    pub bodies: Vec<Body>,
}

pub type Pairs = Vec<Pair<'static>>;

/// An enumeration's words by their codes.
pub fn word(
    message: &Message,
    tag: u32,
    table: &[(&str, &'static str)],
) -> Result<Option<&'static str>, Invalid> {
    let Some(value) = message.get(tag) else {
        return Ok(None);
    };
    let known = table.iter().find(|(code, _)| *code == value);
    known
        .map(|(_, word)| Some(*word))
        .ok_or_else(|| bad_value(tag))
}

pub fn add(pairs: &mut Pairs, name: impl Into<Cow<'static, str>>, value: Option<&str>) {
    if let Some(value) = value {
        pairs.push(Pair {
            name: name.into(),
            value: Cow::Owned(value.to_owned()),
        });
    }
}

/// The public name of an order's type, and its price peg.
fn order_type(message: &Message) -> Result<&'static str, Invalid> {
    let maker = word(message, EXEC_INST, &[("6", "6")])?.is_some();
    for (tag, only) in [
        (TRIGGER_TYPE, "4"),
        (TRIGGER_ACTION, "1"),
        (TRIGGER_PRICE_TYPE, "2"),
        (PEG_MOVE_TYPE, "1"),
    ] {
        if message.get(tag).is_some_and(|value| value != only) {
            return Err(bad_value(tag));
        }
    }
    let up = word(message, TRIGGER_PRICE_DIRECTION, &[("U", "U"), ("D", "D")])?;
    // Buying when it rises and selling when it falls stops a loss; a direction is left out only when a trailing order takes profit.
    let stops = match (up, message.get(SIDE)) {
        (Some("U"), Some("1")) | (Some("D"), Some("2")) => true,
        (Some(_), _) => false,
        (None, _) if message.get(TRAILING_DELTA).is_some() => false,
        (None, _) if matches!(message.get(ORD_TYPE), Some("3" | "4")) => {
            return Err(Invalid::missing(TRIGGER_PRICE_DIRECTION));
        }
        (None, _) => false,
    };
    Ok(match (message.get(ORD_TYPE), maker) {
        (Some("1"), false) => "MARKET",
        (Some("2" | "P"), false) => "LIMIT",
        (Some("2" | "P"), true) => "LIMIT_MAKER",
        (Some("3"), false) if stops => "STOP_LOSS",
        (Some("3"), false) => "TAKE_PROFIT",
        (Some("4"), false) if stops => "STOP_LOSS_LIMIT",
        (Some("4"), false) => "TAKE_PROFIT_LIMIT",
        (Some("1" | "3" | "4"), true) => return Err(bad_value(EXEC_INST)),
        _ => return Err(bad_value(ORD_TYPE)),
    })
}

/// The parameters of the order that a message describes, but for how it is to be answered.
pub fn order(message: &Message) -> Result<Pairs, Invalid> {
    let mut pairs = Pairs::with_capacity(16);
    add(&mut pairs, "symbol", message.get(SYMBOL));
    add(
        &mut pairs,
        "side",
        word(message, SIDE, &[("1", "BUY"), ("2", "SELL")])?,
    );
    add(&mut pairs, "type", Some(order_type(message)?));
    add(
        &mut pairs,
        "timeInForce",
        word(message, TIME_IN_FORCE, TIFS)?,
    );
    add(
        &mut pairs,
        "selfTradePreventionMode",
        word(message, STP_MODE, STP_MODES)?,
    );
    let pegs = [("4", "MARKET_PEG"), ("5", "PRIMARY_PEG")];
    add(
        &mut pairs,
        "pegPriceType",
        word(message, PEG_PRICE_TYPE, &pegs)?,
    );
    add(
        &mut pairs,
        "pegOffsetType",
        word(message, PEG_OFFSET_TYPE, &[("3", "PRICE_LEVEL")])?,
    );
    for (name, tag) in NAMES {
        add(&mut pairs, *name, message.get(*tag));
    }
    Ok(pairs)
}

fn new_order(message: &Message) -> Result<Pairs, Invalid> {
    let mut pairs = order(message)?;
    add(&mut pairs, "newOrderRespType", Some("ACK"));
    Ok(pairs)
}

/// Parameters that are a tag's value as it stands.
const NAMES: &[(&str, u32)] = &[
    ("quantity", ORDER_QTY),
    ("quoteOrderQty", CASH_ORDER_QTY),
    ("price", PRICE),
    ("newClientOrderId", CL_ORD_ID),
    ("strategyId", STRATEGY_ID),
    ("strategyType", TARGET_STRATEGY),
    ("stopPrice", TRIGGER_PRICE),
    ("trailingDelta", TRAILING_DELTA),
    ("icebergQty", MAX_FLOOR),
    ("pegOffsetValue", PEG_OFFSET_VALUE),
];

/// What the API calls a parameter that came as a tag, for refusals.
const CALLED: &[(&str, u32)] = &[
    ("timeInForce", TIME_IN_FORCE),
    ("newQty", ORDER_QTY),
    ("orderId", ORDER_ID),
    ("cancelOrderId", ORDER_ID),
    ("origClientOrderId", ORIG_CL_ORD_ID),
    ("cancelOrigClientOrderId", ORIG_CL_ORD_ID),
    ("cancelNewClientOrderId", CANCEL_CL_ORD_ID),
    ("cancelRestrictions", CANCEL_RESTRICTIONS),
    ("orderListId", LIST_ID),
    ("listClientOrderId", ORIG_CL_LIST_ID),
    ("selfTradePreventionMode", STP_MODE),
    ("pegPriceType", PEG_PRICE_TYPE),
    ("pegOffsetType", PEG_OFFSET_TYPE),
    ("symbol", SYMBOL),
];

/// A refusal of parameters in the words of tags.
fn unread(mut error: ApiError) -> Invalid {
    let mut tag = None;
    // A list's orders have the same parameters, each under a name that begins with its place.
    let known = || NAMES.iter().chain(CALLED);
    let own = known().map(|(name, tag)| ((*name).to_owned(), *tag));
    let of_lists = lists::PLACES
        .iter()
        .flat_map(|place| known().map(move |(name, tag)| (lists::parameter(place, name), *tag)));
    for (name, known) in own.chain(of_lists) {
        let quoted = format!("'{name}'");
        if error.msg.contains(&quoted) {
            let called = crate::tags::name(known).unwrap_or_default();
            error.msg = error
                .msg
                .replace(&quoted, &format!("'{called} ({known})'"))
                .into();
            tag = tag.or(Some(known));
        }
    }
    let said_of = |text: String, code| ApiError::new(code, text);
    let (reason, error) = match (error.code, tag) {
        (-1102, Some(tag)) if error.msg.starts_with("Mandatory") => return Invalid::missing(tag),
        (-1102, _) => (1, error),
        (-1100, Some(tag)) if tag != CL_ORD_ID => {
            let text = "Field value was empty or malformed.";
            (6, said_of(text.into(), -1102))
        }
        (-1106, Some(tag)) => {
            let text = format!("A tag '{tag}' was sent when not required.");
            (5, said_of(text, -1106))
        }
        (-1160, _) => {
            let text = "`TimeInForce (59)` must be `GTC (1)` when `MaxFloor (111)` is used.";
            (5, said_of(text.into(), -1160))
        }
        (-1100 | -1108 | -1111, _) => (6, error),
        _ => (5, error),
    };
    Invalid { tag, reason, error }
}

const RESTRICTIONS: &[(&str, &str)] = &[("1", "ONLY_NEW"), ("2", "ONLY_PARTIALLY_FILLED")];

/// Which method a message asks for, and its parameters.
fn method(message: &Message) -> Result<(&'static str, Pairs), Invalid> {
    Ok(match message.kind() {
        "D" => {
            let sor = word(message, SOR, &[("Y", "Y"), ("N", "N")])? == Some("Y");
            (
                if sor {
                    "sor.order.place"
                } else {
                    "order.place"
                },
                new_order(message)?,
            )
        }
        "E" => lists::method(message)?,
        "XCN" => ("order.cancelReplace", replace(message)?),
        "XAK" => {
            let mut pairs = named(message);
            add(&mut pairs, "newQty", message.get(ORDER_QTY));
            ("order.amend.keepPriority", pairs)
        }
        _ if message.get(LIST_ID).is_some() || message.get(ORIG_CL_LIST_ID).is_some() => {
            let mut pairs = Pairs::new();
            add(&mut pairs, "symbol", message.get(SYMBOL));
            add(&mut pairs, "orderListId", message.get(LIST_ID));
            add(
                &mut pairs,
                "listClientOrderId",
                message.get(ORIG_CL_LIST_ID),
            );
            add(&mut pairs, "newClientOrderId", message.get(CL_ORD_ID));
            ("orderList.cancel", pairs)
        }
        _ => {
            let mut pairs = named(message);
            add(
                &mut pairs,
                "cancelRestrictions",
                word(message, CANCEL_RESTRICTIONS, RESTRICTIONS)?,
            );
            ("order.cancel", pairs)
        }
    })
}

fn replace(message: &Message) -> Result<Pairs, Invalid> {
    let mut pairs = new_order(message)?;
    let modes = [("1", "STOP_ON_FAILURE"), ("2", "ALLOW_FAILURE")];
    add(
        &mut pairs,
        "cancelReplaceMode",
        word(message, CANCEL_REPLACE_MODE, &modes)?,
    );
    let modes = [("1", "DO_NOTHING"), ("2", "CANCEL_ONLY")];
    add(
        &mut pairs,
        "orderRateLimitExceededMode",
        word(message, RATE_LIMIT_EXCEEDED_MODE, &modes)?,
    );
    add(&mut pairs, "cancelOrderId", message.get(ORDER_ID));
    add(
        &mut pairs,
        "cancelOrigClientOrderId",
        message.get(ORIG_CL_ORD_ID),
    );
    add(
        &mut pairs,
        "cancelNewClientOrderId",
        message.get(CANCEL_CL_ORD_ID),
    );
    add(
        &mut pairs,
        "cancelRestrictions",
        word(message, CANCEL_RESTRICTIONS, RESTRICTIONS)?,
    );
    Ok(pairs)
}

fn named(message: &Message) -> Pairs {
    let mut pairs = Pairs::new();
    add(&mut pairs, "symbol", message.get(SYMBOL));
    add(&mut pairs, "orderId", message.get(ORDER_ID));
    add(&mut pairs, "origClientOrderId", message.get(ORIG_CL_ORD_ID));
    add(&mut pairs, "newClientOrderId", message.get(CL_ORD_ID));
    pairs
}

/// Carries out an order entry message.
pub async fn answer(asked: Asked) -> Done {
    let Some(instrument) = asked.instrument() else {
        let error = ApiError::bad_symbol();
        return asked.invalid(&Invalid {
            tag: Some(SYMBOL),
            reason: 5,
            error,
        });
    };
    if asked.message.kind() == "q" {
        return asked.cancel_all(instrument).await;
    }
    let (name, pairs) = match method(&asked.message) {
        Ok(method) => method,
        Err(invalid) => return asked.invalid(&invalid),
    };
    let Some(method) = asked.router.ws(name) else {
        return asked.refused(&ApiError::unsupported_operation());
    };
    let input = Input {
        sent: pairs.len(),
        pairs,
        dialect: Dialect::WebSocket,
        ..Input::default()
    };
    let called = kit::call_on_session(
        &asked.context,
        method,
        &input,
        asked.peer,
        &asked.key,
        asked.expires,
    );
    match called.await {
        Ok(_) => Done {
            after: None,
            bodies: Vec::new(),
        },
        Err(Refusal::Unread(error)) => asked.invalid(&unread(error)),
        Err(Refusal::Denied(error)) => asked.refused(&error),
    }
}

impl Asked {
    fn instrument(&self) -> Option<InstrumentId> {
        let symbol = self.message.get(SYMBOL)?;
        Some(self.context.views.instrument(symbol)?.id)
    }

    fn invalid(&self, invalid: &Invalid) -> Done {
        let body = invalid.body(Some(self.seq), Some(self.message.kind()));
        Done {
            after: None,
            bodies: vec![body],
        }
    }

    fn refused(&self, error: &ApiError) -> Done {
        let bodies = match self.message.kind() {
            "D" => vec![self.order_rejected(error.code, &error.msg)],
            "E" => vec![lists::rejected(&self.message, error, self.context.now())],
            "XAK" => vec![self.amend_rejected(error)],
            "XCN" => self.replace_rejected(error),
            _ => vec![self.cancel_rejected(error.code, &error.msg)],
        };
        Done {
            after: None,
            bodies,
        }
    }

    fn copy(&self, body: &mut Body, tags: &[u32]) {
        for tag in tags {
            body.maybe(*tag, self.message.get(*tag));
        }
    }

    fn order_rejected(&self, code: i32, text: &str) -> Body {
        let mut body = Body::new("8");
        let head = [CL_ORD_ID];
        let described = [
            EXEC_INST,
            ORDER_QTY,
            ORD_TYPE,
            PRICE,
            SIDE,
            SYMBOL,
            TIME_IN_FORCE,
        ];
        let more = [
            CASH_ORDER_QTY,
            MAX_FLOOR,
            TARGET_STRATEGY,
            TRIGGER_PRICE,
            STRATEGY_ID,
            STP_MODE,
        ];
        self.copy(&mut body, &head);
        body.put(CUM_QTY, "0.00000000").put(LAST_QTY, "0.00000000");
        body.put(ORD_STATUS, 8);
        self.copy(&mut body, &described);
        body.text(TEXT, text)
            .time(TRANSACT_TIME, self.context.now())
            .put(ORD_REJ_REASON, 99)
            .put(EXEC_TYPE, 8)
            .put(LEAVES_QTY, "0.00000000");
        self.copy(&mut body, &more);
        body.put(ERROR_CODE, code);
        body
    }

    fn cancel_rejected(&self, code: i32, text: &str) -> Body {
        let mut body = Body::new("9");
        body.maybe(
            CL_ORD_ID,
            self.message
                .get(CANCEL_CL_ORD_ID)
                .or(self.message.get(CL_ORD_ID)),
        );
        self.copy(&mut body, &[ORDER_ID, ORIG_CL_ORD_ID, SYMBOL]);
        body.text(TEXT, text);
        self.copy(&mut body, &[LIST_ID]);
        body.put(CXL_REJ_RESPONSE_TO, 1);
        self.copy(&mut body, &[CANCEL_RESTRICTIONS, ORIG_CL_LIST_ID]);
        body.put(ERROR_CODE, code);
        body
    }

    fn amend_rejected(&self, error: &ApiError) -> Body {
        let mut body = Body::new("XAR");
        self.copy(
            &mut body,
            &[CL_ORD_ID, ORDER_ID, ORDER_QTY, ORIG_CL_ORD_ID, SYMBOL],
        );
        body.text(TEXT, &error.msg).put(ERROR_CODE, error.code);
        body
    }

    /// Both halves of a cancel and replace stand in the refusal's data; what succeeded has its own report.
    fn replace_rejected(&self, error: &ApiError) -> Vec<Body> {
        let data = error.data.as_deref().unwrap_or(b"null");
        let data: serde_json::Value = serde_json::from_slice(data).unwrap_or_default();
        let half = |result: &str, response: &str| -> Option<(i32, String)> {
            if data.get(result)?.as_str()? != "FAILURE" {
                return None;
            }
            let half = data.get(response)?;
            let code = i32::try_from(half.get("code")?.as_i64()?).ok()?;
            Some((code, half.get("msg")?.as_str()?.to_owned()))
        };
        let mut bodies = Vec::new();
        let canceled = half("cancelResult", "cancelResponse");
        let placed = half("newOrderResult", "newOrderResponse");
        if let Some((code, text)) = &canceled {
            bodies.push(self.cancel_rejected(*code, text));
        }
        match (placed, canceled) {
            (Some((code, text)), _) => bodies.push(self.order_rejected(code, &text)),
            (None, None) => bodies.push(self.order_rejected(error.code, &error.msg)),
            (None, Some(_)) => {}
        }
        bodies
    }

    async fn cancel_all(&self, instrument: InstrumentId) -> Done {
        if self.message.get(MASS_CANCEL_REQUEST_TYPE) != Some("1") {
            return self.invalid(&bad_value(MASS_CANCEL_REQUEST_TYPE));
        }
        let name = self
            .message
            .get(CL_ORD_ID)
            .and_then(|name| ClientId::new(name).ok());
        let request = Request {
            actor: self.key.account,
            id: self.context.sequencer.next_id(),
            expires: self.expires,
            command: Command::CancelAll(CancelAll {
                instrument,
                client_id: name.unwrap_or_default(),
            }),
        };
        let mut body = Body::new("r");
        self.copy(&mut body, &[CL_ORD_ID, SYMBOL]);
        let outcome = match self.context.sequencer.submit(request).await {
            Ok(answer) => answer.outcome.map_err(ApiError::from),
            Err(unavailable) => Err(unavailable.into()),
        };
        let accepted = outcome.and_then(|accepted| match accepted.reply() {
            Reply::CanceledAll(orders, _) if orders.is_empty() => {
                Err(RejectCode::UnknownOrder.into())
            }
            Reply::CanceledAll(orders, _) => Ok((accepted.seq().0, orders.len())),
            _ => Err(ApiError::unexpected_response()),
        });
        match accepted {
            Ok((seq, count)) => {
                body.put(MASS_CANCEL_REQUEST_TYPE, 1)
                    .put(MASS_CANCEL_RESPONSE, 1)
                    .put(TOTAL_AFFECTED_ORDERS, count);
                Done {
                    after: Some(seq),
                    bodies: vec![body],
                }
            }
            Err(error) => {
                body.text(TEXT, &error.msg)
                    .put(MASS_CANCEL_REQUEST_TYPE, 1)
                    .put(MASS_CANCEL_RESPONSE, 0)
                    .put(MASS_CANCEL_REJECT_REASON, 99)
                    .put(ERROR_CODE, error.code);
                Done {
                    after: None,
                    bodies: vec![body],
                }
            }
        }
    }
}
