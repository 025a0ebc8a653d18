use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use identity::{Key, Keys};
use protocol::{Command, Reject, Request};
use sequencer::{Accepted, Client};
use types::{AccountId, Time};

use crate::auth::{self, IMPLICIT};
use crate::params::{check_form, check_names};
use crate::{
    ApiError, Call, Dialect, Handler, Input, Json, Limits, Method, OrderCount, Orders, Params,
    Security, TimeUnit, Usage, Weight,
};

/// What handlers may ask. Cheap to share; one for all gateways.
#[derive(Clone, Debug)]
pub struct Context {
    pub sequencer: Client,
    pub views: views::Views,
    pub keys: Keys,
    pub limits: Arc<Limits>,
}

impl Context {
    /// The venue's time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.sequencer.now()
    }

    /// Has the engine execute a command for the caller of `call`; answered when it is durable.
    ///
    /// # Errors
    /// Outside, what hinders the engine from answering: -1006, -1007 (the status is unknown then), -1008, -1016. Inside, its refusal.
    pub async fn submit(
        &self,
        call: &Call,
        command: Command,
    ) -> Result<Result<Accepted, Reject>, ApiError> {
        let answer = self.sequencer.submit(self.request(call, command));
        match tokio::time::timeout(ENGINE_TIMEOUT, answer).await {
            Ok(answer) => Ok(answer?.outcome),
            Err(_) => Err(ApiError::timeout()),
        }
    }

    /// As [`Context::submit`] with every check and without any effect.
    ///
    /// # Errors
    /// As [`Context::submit`], both as one.
    pub async fn check(&self, call: &Call, command: Command) -> Result<(), ApiError> {
        let answer = self.sequencer.check(self.request(call, command));
        match tokio::time::timeout(ENGINE_TIMEOUT, answer).await {
            Ok(answer) => Ok(answer??),
            Err(_) => Err(ApiError::timeout()),
        }
    }

    fn request(&self, call: &Call, command: Command) -> Request {
        Request {
            actor: call.account,
            id: self.sequencer.next_id(),
            expires: call.expires,
            command,
        }
    }
}

/// After this the status of a request is unknown to its client.
const ENGINE_TIMEOUT: Duration = Duration::from_secs(10);

/// The answer to a call, before a transport dresses it.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// The result, or `{"code":…,"msg":…}`.
    pub body: Vec<u8>,
    pub usage: Usage,
    /// With 418 and 429: when to come back, and in how many whole seconds.
    pub retry_at: Option<Time>,
    pub retry_after_seconds: Option<i64>,
}

impl Response {
    /// A refusal outside of any method: an unknown path, a body that is no frame.
    #[must_use]
    pub fn refusal(mut error: ApiError, usage: Usage, dialect: Dialect, now: Time) -> Response {
        if let (Some(until), Dialect::WebSocket, None) = (error.retry_at, dialect, &error.data) {
            let mut json = Json::new(TimeUnit::Millis);
            json.begin()
                .time("serverTime", now)
                .time("retryAfter", until)
                .end();
            error.data = Some(json.finish().into_boxed_slice());
        }
        Response {
            status: error.status,
            body: error.body(),
            usage,
            retry_at: error.retry_at,
            retry_after_seconds: error
                .retry_at
                .map(|until| (until.since(now) + 999_999).max(1_000_000) / 1_000_000),
        }
    }

    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status == 200
    }
}

/// Serves one call: counts it, finds out who asks, reads the parameters, and lets the method's handler answer.
///
/// The refusals come in one order for every method; see the crate's documentation. `session` is the key that a WebSocket API connection has
/// logged on with.
pub async fn call(
    ctx: &Context,
    method: &'static Method,
    input: &Input<'_>,
    peer: IpAddr,
    session: Option<&Arc<Key>>,
) -> Response {
    let now = ctx.now();
    let (due, if_refused) = match method.weight {
        Weight::Fixed(weight) => (weight, 0),
        Weight::By(weigh) => (weigh(input), 0),
        Weight::UnlessSuccessful(weight) => (0, weight),
    };
    let weight = match ctx.limits.enter(peer, due, now) {
        Ok(weight) => weight,
        Err(error) => {
            let usage = Usage {
                weight: ctx.limits.used_weight(peer, now),
                orders: None,
            };
            return Response::refusal(error, usage, input.dialect, now);
        }
    };
    let mut usage = Usage {
        weight,
        orders: None,
    };
    let outcome = match prepare(ctx, method, input, peer, session, now) {
        Ok(call) => answer(ctx, method, &call, &mut usage).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(body) => Response {
            status: 200,
            body,
            usage,
            retry_at: None,
            retry_after_seconds: None,
        },
        Err(error) => {
            if if_refused > 0 {
                usage.weight = ctx.limits.charge(peer, if_refused, now);
            }
            Response::refusal(error, usage, input.dialect, now)
        }
    }
}

/// Who asks, without a method: how a session logs on and a user data stream is subscribed by signature. `params` are those that may stand
/// beside `timestamp` and `recvWindow`.
///
/// # Errors
/// In the order of the crate's documentation, up to the parameters' names.
pub fn authenticate(
    ctx: &Context,
    security: Security,
    params: &'static [crate::Param],
    input: &Input<'_>,
    peer: IpAddr,
    session: Option<&Arc<Key>>,
) -> Result<(Arc<Key>, Time), ApiError> {
    let now = ctx.now();
    let key = auth::identify(&ctx.keys, security, input, peer, session)?;
    auth::check_presence(input, session)?;
    check_form(params, input)?;
    let expires = auth::check_timing(input, now)?;
    auth::check_signature(&key, input, session)?;
    check_names(params, IMPLICIT, input)?;
    Ok((key, expires))
}

fn prepare(
    ctx: &Context,
    method: &'static Method,
    input: &Input<'_>,
    peer: IpAddr,
    session: Option<&Arc<Key>>,
    now: Time,
) -> Result<Call, ApiError> {
    let (key, expires) = if method.security == Security::Public {
        check_form(method.params, input)?;
        check_names(method.params, &[], input)?;
        (None, Time(i64::MAX))
    } else {
        let (key, expires) =
            authenticate(ctx, method.security, method.params, input, peer, session)?;
        (Some(key), expires)
    };
    (method.conditions)(input)?;
    let params = Params::read(method.params, input)?;
    let account = key.as_ref().map_or(AccountId::default(), |key| key.account);
    Ok(Call {
        params,
        key,
        account,
        peer,
        unit: input.unit,
        dialect: input.dialect,
        now,
        expires,
    })
}

/// Why a call on a session was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Its parameters make no sense together or on their own: nobody was asked.
    Unread(ApiError),
    /// What it asks for was refused.
    Denied(ApiError),
}

/// A call of another dialect's session, whose key has proved itself when it logged on: nothing is signed and no weight is due. Orders are
/// counted as everywhere.
///
/// # Errors
/// [`Refusal`].
pub async fn call_on_session(
    ctx: &Context,
    method: &'static Method,
    input: &Input<'_>,
    peer: IpAddr,
    key: &Arc<Key>,
    expires: Time,
) -> Result<Vec<u8>, Refusal> {
    let params = check_form(method.params, input)
        .and_then(|()| check_names(method.params, IMPLICIT, input))
        .and_then(|()| (method.conditions)(input))
        .and_then(|()| Params::read(method.params, input))
        .map_err(Refusal::Unread)?;
    let call = Call {
        params,
        key: Some(Arc::clone(key)),
        account: key.account,
        peer,
        unit: input.unit,
        dialect: input.dialect,
        now: ctx.now(),
        expires,
    };
    let mut usage = Usage::default();
    answer(ctx, method, &call, &mut usage)
        .await
        .map_err(Refusal::Denied)
}

async fn answer(ctx: &Context, method: &Method, call: &Call, usage: &mut Usage) -> crate::Outcome {
    let orders = match method.orders {
        Orders::Count(orders) => orders,
        Orders::None | Orders::ByHandler => 0,
    };
    let counted = match orders {
        0 => Ok(OrderCount::default()),
        _ => ctx.limits.take_orders(call.account, orders, call.now),
    };
    let outcome = match (counted, method.handler) {
        (Err(limit), _) => Err(limit),
        (Ok(_), handler) => {
            let outcome = match handler {
                Handler::Now(handle) => handle(ctx, call),
                Handler::Later(handle) => handle(ctx, call).await,
            };
            if outcome.is_err() && orders > 0 {
                ctx.limits.lower_orders(call.account, orders, call.now);
            }
            outcome
        }
    };
    if method.orders != Orders::None {
        usage.orders = Some(ctx.limits.order_count(call.account, call.now));
    }
    outcome
}
