//! The WebSocket API: a frame `{id, method, params}` is one call of the method table, or one of the few methods that are about the
//! connection itself: logging on, and subscribing to user data.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use identity::{Key, KeyKind};
use kit::{ApiError, Context, Dialect, Input, Json, Response, Router, Security, TimeUnit, Usage};
use parking_lot::Mutex;
use sbe::Format;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use types::{AccountId, Time};

use crate::binary;
use crate::feed::Message;
use crate::handle::Line;
use crate::outbox::{Close, Payload};

const MAX_SUBSCRIPTIONS: usize = 1_000;
const MAX_SUBSCRIPTIONS_EVER: u32 = 65_535;
/// The status of an answer to a banned address, which is disconnected then.
const BANNED: u16 = 418;
/// What a call about the connection itself weighs.
const WEIGHT: u32 = 2;

/// One connection to the WebSocket API.
#[derive(Debug)]
pub(crate) struct Api {
    me: Weak<Api>,
    pub context: Arc<Context>,
    pub router: Arc<Router>,
    pub line: Arc<Line>,
    pub peer: IpAddr,
    pub unit: TimeUnit,
    pub format: Format,
    /// Whether answers carry `rateLimits` unless a request says otherwise.
    pub tells_limits: bool,
    connected: Time,
    requests: Arc<Semaphore>,
    session: Mutex<Session>,
}

#[derive(Debug, Default)]
struct Session {
    key: Option<(Arc<Key>, Time)>,
    subscriptions: BTreeMap<u32, Subscription>,
    subscribed: u32,
}

#[derive(Clone, Copy, Debug)]
struct Subscription {
    account: AccountId,
    /// Begun by the session's key, and ended with the session.
    of_session: bool,
}

/// Who a connection belongs to and how it is answered.
pub(crate) struct Opening {
    pub context: Arc<Context>,
    pub router: Arc<Router>,
    pub line: Arc<Line>,
    pub peer: IpAddr,
    pub unit: TimeUnit,
    pub format: Format,
    pub tells_limits: bool,
    pub requests: usize,
}

/// A frame that could be read.
struct Frame {
    id: Value,
    method: String,
    params: Map<String, Value>,
    tells_limits: bool,
}

impl Frame {
    fn call(&self) -> (&str, &Value) {
        (&self.method, &self.id)
    }
}

impl Api {
    fn tell(&self, frame: Bytes) {
        self.line.outbox.push(match self.is_binary() {
            true => Payload::binary(frame),
            false => Payload::text(frame),
        });
    }

    fn is_binary(&self) -> bool {
        self.format != Format::Json
    }

    pub fn new(opening: Opening) -> Arc<Api> {
        Arc::new_cyclic(|me| Api {
            me: me.clone(),
            connected: opening.context.now(),
            context: opening.context,
            router: opening.router,
            line: opening.line,
            peer: opening.peer,
            unit: opening.unit,
            format: opening.format,
            tells_limits: opening.tells_limits,
            requests: Arc::new(Semaphore::new(opening.requests)),
            session: Mutex::default(),
        })
    }

    /// Whether another request may be read.
    pub fn has_room(&self) -> bool {
        self.requests.available_permits() > 0
    }

    /// Serves one frame. What takes time is done in a task of its own, so answers come in the order in which they are ready.
    pub fn follow(&self, text: &str) {
        let frame = match self.read(text) {
            Ok(frame) => frame,
            Err(refused) => {
                let (id, error) = *refused;
                let now = self.context.now();
                let response = match self.context.limits.enter(self.peer, 1, now) {
                    Ok(weight) => Response::refusal(error, usage(weight), Dialect::WebSocket, now),
                    Err(error) => self.refusal(error),
                };
                return self.answer(("", &id), &response, self.tells_limits);
            }
        };
        if self.revoke_if_invalid() {
            return;
        }
        match frame.method.strip_prefix("v3/").unwrap_or(&frame.method) {
            "session.logon" => self.about_connection(&frame, |api, input| api.log_on(input)),
            "session.status" => self.about_connection(&frame, |api, input| {
                api.plain(input).map(|()| api.status().into())
            }),
            "session.logout" => self.about_connection(&frame, |api, input| api.log_out(input)),
            "session.subscriptions" => self.about_connection(&frame, |api, input| api.list(input)),
            "userDataStream.subscribe" => {
                self.about_connection(&frame, |api, input| api.subscribe_session(input))
            }
            "userDataStream.subscribe.signature" => {
                self.about_connection(&frame, |api, input| api.subscribe_signed(input));
            }
            "userDataStream.unsubscribe" => {
                self.about_connection(&frame, |api, input| api.unsubscribe(input))
            }
            _ => self.call(frame),
        }
    }

    fn read(&self, text: &str) -> Result<Frame, Box<(Value, ApiError)>> {
        let value: Value = serde_json::from_str(text)
            .map_err(|_| Box::new((Value::Null, ApiError::bad_json())))?;
        let Value::Object(mut fields) = value else {
            return Err(Box::new((Value::Null, ApiError::bad_json())));
        };
        let id = match fields.remove("id") {
            Some(id @ (Value::Null | Value::Number(_))) => id,
            Some(Value::String(id)) if id.len() <= 256 => Value::String(id),
            Some(_) => return Err(Box::new((Value::Null, ApiError::bad_json_param("id")))),
            None => return Err(Box::new((Value::Null, ApiError::mandatory("id")))),
        };
        let method = match fields.remove("method") {
            Some(Value::String(method)) => method,
            Some(_) => return Err(Box::new((id, ApiError::bad_json_param("method")))),
            None => return Err(Box::new((id, ApiError::mandatory("method")))),
        };
        let mut params = match fields.remove("params") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(params)) => params,
            Some(_) => return Err(Box::new((id, ApiError::bad_json_param("params")))),
        };
        let tells_limits = match params.get_mut("returnRateLimits") {
            None => self.tells_limits,
            Some(Value::Bool(tells)) => *tells,
            Some(Value::String(text)) if text == "true" || text == "false" => text == "true",
            Some(_) => return Err(Box::new((id, ApiError::invalid("returnRateLimits")))),
        };
        Ok(Frame {
            id,
            method,
            params,
            tells_limits,
        })
    }

    /// One call of the method table.
    fn call(&self, frame: Frame) {
        let Some(method) = self.router.ws(&frame.method) else {
            let now = self.context.now();
            let response = match self.context.limits.enter(self.peer, 1, now) {
                Ok(weight) => Response::refusal(
                    ApiError::unsupported_operation(),
                    usage(weight),
                    Dialect::WebSocket,
                    now,
                ),
                Err(error) => self.refusal(error),
            };
            return self.answer(frame.call(), &response, frame.tells_limits);
        };
        let session = self.session.lock().key.as_ref().map(|(key, _)| key.clone());
        let (Some(me), Ok(place)) = (self.me.upgrade(), self.requests.clone().try_acquire_owned())
        else {
            return;
        };
        tokio::spawn(async move {
            let response = match input(&frame.params, me.unit) {
                Ok(input) => {
                    kit::call(&me.context, method, &input, me.peer, session.as_ref()).await
                }
                Err(error) => me.refusal(error),
            };
            me.done(place, &frame, &response);
        });
    }

    fn done(&self, place: OwnedSemaphorePermit, frame: &Frame, response: &Response) {
        // first the place: the answer wakes the connection, which then reads on
        drop(place);
        self.answer(frame.call(), response, frame.tells_limits);
    }

    /// A call about the connection itself: weighed, and done at once, so that later frames find its effect.
    fn about_connection(
        &self,
        frame: &Frame,
        act: impl FnOnce(&Api, &Input<'_>) -> Result<Done, ApiError>,
    ) {
        let now = self.context.now();
        let weight = match self.context.limits.enter(self.peer, WEIGHT, now) {
            Ok(weight) => weight,
            Err(error) => {
                return self.answer(frame.call(), &self.refusal(error), frame.tells_limits);
            }
        };
        let done = input(&frame.params, self.unit).and_then(|input| act(self, &input));
        let (body, then) = match done {
            Ok(Done { body, then }) => (body, then),
            Err(error) => {
                let response = Response::refusal(error, usage(weight), Dialect::WebSocket, now);
                return self.answer(frame.call(), &response, frame.tells_limits);
            }
        };
        let response = Response {
            status: 200,
            body,
            usage: usage(weight),
            retry_at: None,
            retry_after_seconds: None,
        };
        let reply = self.frame(frame.call(), &response, frame.tells_limits);
        match then {
            Then::Nothing => self.tell(reply),
            Then::Subscribe(id, account) => {
                self.line.send(Message::Subscribe {
                    conn: self.line.conn,
                    account,
                    id,
                    reply,
                });
            }
            Then::Unsubscribe(ids) => self.line.send(Message::Unsubscribe {
                conn: self.line.conn,
                ids,
                reply,
            }),
        }
    }

    fn log_on(&self, input: &Input<'_>) -> Result<Done, ApiError> {
        let (key, _) =
            kit::authenticate(&self.context, Security::Read, &[], input, self.peer, None)?;
        if key.kind != KeyKind::Ed25519 {
            let kind = if key.kind == KeyKind::Hmac {
                "HMAC_SHA256"
            } else {
                "RSA"
            };
            return Err(ApiError::new(
                -4056,
                format!("{kind} API key is not supported."),
            ));
        }
        let mut session = self.session.lock();
        let same = session
            .key
            .as_ref()
            .is_some_and(|(old, _)| old.account == key.account);
        let ended = if same { Vec::new() } else { session.end_own() };
        session.key = Some((key, self.context.now()));
        drop(session);
        Ok(Done::new(self.status(), ended))
    }

    fn log_out(&self, input: &Input<'_>) -> Result<Done, ApiError> {
        self.plain(input)?;
        let mut session = self.session.lock();
        session.key = None;
        let ended = session.end_own();
        drop(session);
        Ok(Done::new(self.status(), ended))
    }

    /// Refuses parameters where none are read.
    fn plain(&self, input: &Input<'_>) -> Result<(), ApiError> {
        let known = |name: &str| matches!(name, "timestamp" | "recvWindow");
        let unread = input.pairs.iter().filter(|pair| !known(&pair.name)).count();
        if unread > 0 {
            return Err(ApiError::unread(input.sent - unread, input.sent));
        }
        Ok(())
    }

    fn status(&self) -> Vec<u8> {
        let session = self.session.lock();
        let mut json = Json::new(self.unit);
        json.begin();
        match &session.key {
            Some((key, since)) => json
                .str("apiKey", &key.api_key)
                .time("authorizedSince", *since),
            None => json.null("apiKey").null("authorizedSince"),
        };
        json.time("connectedSince", self.connected);
        json.flag("returnRateLimits", self.tells_limits);
        json.time("serverTime", self.context.now());
        json.flag("userDataStream", !session.subscriptions.is_empty());
        json.end();
        json.finish()
    }

    fn list(&self, input: &Input<'_>) -> Result<Done, ApiError> {
        self.plain(input)?;
        let mut json = Json::new(self.unit);
        json.begin_array();
        for id in self.session.lock().subscriptions.keys() {
            json.begin().num("subscriptionId", id).end();
        }
        json.end_array();
        Ok(json.finish().into())
    }

    fn subscribe_session(&self, input: &Input<'_>) -> Result<Done, ApiError> {
        self.plain(input)?;
        let mut session = self.session.lock();
        let account = match &session.key {
            Some((key, _)) => key.account,
            None => return Err(ApiError::bad_key_format()),
        };
        session.subscribe(account, true, self.unit)
    }

    fn subscribe_signed(&self, input: &Input<'_>) -> Result<Done, ApiError> {
        let (key, _) =
            kit::authenticate(&self.context, Security::Read, &[], input, self.peer, None)?;
        self.session.lock().subscribe(key.account, false, self.unit)
    }

    fn unsubscribe(&self, input: &Input<'_>) -> Result<Done, ApiError> {
        let unread = input
            .pairs
            .iter()
            .filter(|pair| pair.name != "subscriptionId")
            .count();
        if unread > 0 {
            return Err(ApiError::unread(input.sent - unread, input.sent));
        }
        let mut session = self.session.lock();
        let ids = match input.get("subscriptionId") {
            None => std::mem::take(&mut session.subscriptions)
                .into_keys()
                .collect(),
            Some(text) => {
                let id: i64 = text
                    .parse()
                    .map_err(|_| ApiError::illegal("subscriptionId", "^[0-9]{1,20}$"))?;
                let id = u32::try_from(id).map_err(|_| ApiError::subscription_inactive())?;
                session
                    .subscriptions
                    .remove(&id)
                    .ok_or_else(ApiError::subscription_inactive)?;
                vec![id]
            }
        };
        Ok(Done::new(b"{}".to_vec(), ids))
    }

    /// A key that was revoked since it logged on, or may not come from here any more, ends the session; the API says so without an id.
    fn revoke_if_invalid(&self) -> bool {
        let mut session = self.session.lock();
        let Some((key, _)) = &session.key else {
            return false;
        };
        let valid = self
            .context
            .keys
            .lookup(&key.api_key)
            .is_some_and(|key| key.allows(self.peer));
        if valid {
            return false;
        }
        session.key = None;
        let ids = session.end_own();
        drop(session);
        let response = self.refusal(ApiError::rejected_key());
        let reply = self.frame(("", &Value::Null), &response, false);
        self.line.send(Message::Unsubscribe {
            conn: self.line.conn,
            ids,
            reply,
        });
        true
    }

    fn refusal(&self, error: ApiError) -> Response {
        let now = self.context.now();
        let weight = self.context.limits.used_weight(self.peer, now);
        Response::refusal(error, usage(weight), Dialect::WebSocket, now)
    }

    fn answer(&self, call: (&str, &Value), response: &Response, tells_limits: bool) {
        self.tell(self.frame(call, response, tells_limits));
        if response.status == BANNED {
            self.line.outbox.close(Close::Banned);
        }
    }

    /// The answer to the call of this method and id.
    fn frame(
        &self,
        (method, id): (&str, &Value),
        response: &Response,
        tells_limits: bool,
    ) -> Bytes {
        if let Format::Sbe { deprecated } = self.format {
            let limits = tells_limits.then(|| {
                let mut json = Json::new(self.unit);
                json.begin_array();
                self.context.limits.write(&mut json, Some(response.usage));
                json.end_array();
                serde_json::from_slice(&json.finish()).unwrap_or_default()
            });
            return binary::answer(method, id, response, limits, deprecated);
        }
        let mut json = Json::onto(Vec::with_capacity(response.body.len() + 256), self.unit);
        json.begin().raw("id", id.to_string().as_bytes());
        json.num("status", response.status);
        let name = if response.is_success() {
            "result"
        } else {
            "error"
        };
        json.raw(name, &response.body);
        if tells_limits {
            json.array("rateLimits", |json| {
                self.context.limits.write(json, Some(response.usage))
            });
        }
        json.end();
        Bytes::from(json.finish())
    }
}

impl Session {
    fn subscribe(
        &mut self,
        account: AccountId,
        of_session: bool,
        unit: TimeUnit,
    ) -> Result<Done, ApiError> {
        if self
            .subscriptions
            .values()
            .any(|other| other.account == account)
        {
            return Err(ApiError::subscription_active());
        }
        if self.subscribed >= MAX_SUBSCRIPTIONS_EVER
            || self.subscriptions.len() >= MAX_SUBSCRIPTIONS
        {
            return Err(ApiError::no_more_subscription_ids());
        }
        let id = self.subscribed;
        self.subscribed += 1;
        self.subscriptions.insert(
            id,
            Subscription {
                account,
                of_session,
            },
        );
        let mut json = Json::new(unit);
        json.begin().num("subscriptionId", id).end();
        Ok(Done {
            body: json.finish(),
            then: Then::Subscribe(id, account),
        })
    }

    /// Ends the subscription that the session's key began.
    fn end_own(&mut self) -> Vec<u32> {
        let own: Vec<u32> = self
            .subscriptions
            .iter()
            .filter(|(_, subscription)| subscription.of_session)
            .map(|(id, _)| *id)
            .collect();
        self.subscriptions
            .retain(|_, subscription| !subscription.of_session);
        own
    }
}

/// The result of a call about the connection, and what the feed is to do about it.
struct Done {
    body: Vec<u8>,
    then: Then,
}

enum Then {
    Nothing,
    Subscribe(u32, AccountId),
    Unsubscribe(Vec<u32>),
}

impl Done {
    fn new(body: Vec<u8>, ended: Vec<u32>) -> Done {
        let then = if ended.is_empty() {
            Then::Nothing
        } else {
            Then::Unsubscribe(ended)
        };
        Done { body, then }
    }
}

impl From<Vec<u8>> for Done {
    fn from(body: Vec<u8>) -> Done {
        Done {
            body,
            then: Then::Nothing,
        }
    }
}

/// The parameters of a frame without the one that is about the answer; it is part of what was signed all the same.
fn input(params: &Map<String, Value>, unit: TimeUnit) -> Result<Input<'_>, ApiError> {
    let mut input = Input::frame(params, unit)?;
    let before = input.pairs.len();
    input.pairs.retain(|pair| pair.name != "returnRateLimits");
    input.sent -= before - input.pairs.len();
    Ok(input)
}

fn usage(weight: u32) -> Usage {
    Usage {
        weight,
        orders: None,
    }
}
