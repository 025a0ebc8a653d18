//! The WebSocket API in SBE, for who connects with `responseFormat=sbe&sbeSchemaId=…&sbeSchemaVersion=…`: every answer and event is a
//! binary frame. Requests stay JSON in text frames. Times are microseconds, whatever `timeUnit` says.
//!
//! Answers and events are written as JSON and made into messages by the tables of [`sbe`], as over REST (docs/decisions/0009). Who asks for
//! a deprecated version is answered in the newest one, and told so in every `WebSocketResponse`; a retired one is refused before
//! the connection is made.

use bytes::Bytes;
use kit::{ApiError, Response};
use sbe::{Asked, Format};
use serde_json::{Map, Value, json};

/// What the address asks for.
///
/// # Errors
/// -1102 for what is missing, -1153 for a schema that does not exist or is retired.
pub(crate) fn form(
    format: Option<&str>,
    schema: Option<&str>,
    version: Option<&str>,
) -> Result<Format, ApiError> {
    match format {
        None | Some("json") => return Ok(Format::Json),
        Some("sbe") => {}
        Some(_) => return Err(ApiError::invalid("responseFormat")),
    }
    let schema = schema.ok_or_else(|| ApiError::mandatory("sbeSchemaId"))?;
    let version = version.ok_or_else(|| ApiError::mandatory("sbeSchemaVersion"))?;
    sbe::from_pair(schema, version).map_err(|asked| match asked {
        Asked::Malformed => ApiError::invalid("sbeSchemaVersion"),
        Asked::Unsupported => ApiError::unknown_sbe_version(),
    })
}

/// The answer to a call, wrapped. What no message can hold becomes -1000.
pub(crate) fn answer(
    call: &str,
    id: &Value,
    response: &Response,
    limits: Option<Value>,
    deprecated: bool,
) -> Bytes {
    let told = parse(&response.body);
    let message = if response.is_success() {
        sbe::answer::answer(&sbe::SPOT, sbe::NEWEST, call, &told)
    } else {
        sbe::answer::refusal(&sbe::SPOT, sbe::NEWEST, &told)
    };
    let (status, message) = match message {
        Ok(encoded) => (response.status, encoded.bytes),
        Err(refused) => {
            tracing::error!(call, ?refused, "an answer could not be written as SBE");
            let fault = ApiError::unexpected_response();
            let told = parse(&fault.body());
            let encoded = sbe::answer::refusal(&sbe::SPOT, sbe::NEWEST, &told);
            let bytes = encoded.map(|encoded| encoded.bytes).unwrap_or_default();
            (fault.status, bytes)
        }
    };
    let mut head = Map::new();
    head.insert("sbeSchemaIdVersionDeprecated".to_owned(), deprecated.into());
    head.insert("status".to_owned(), status.into());
    head.insert("id".to_owned(), name(id).into());
    if let Some(limits) = limits {
        head.insert("rateLimits".to_owned(), limits);
    }
    let wrapped = sbe::encode::wrap(&sbe::SPOT, sbe::NEWEST, &Value::Object(head), &message);
    Bytes::from(wrapped.unwrap_or_else(|refused| {
        tracing::error!(call, ?refused, "an answer could not be wrapped");
        Vec::new()
    }))
}

/// An id is a text here: a number's digits, nothing for `null`.
fn name(id: &Value) -> String {
    match id {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A user data event, or one about the connection.
pub(crate) fn event(subscription: Option<u32>, body: &[u8]) -> Bytes {
    let told = parse(body);
    match sbe::answer::event(&sbe::SPOT, sbe::NEWEST, subscription, &told) {
        Ok(encoded) => Bytes::from(encoded.bytes),
        Err(refused) => {
            tracing::error!(?refused, "an event could not be written as SBE");
            let fault = json!({"code": -1000, "msg": "An event could not be written as SBE."});
            let encoded = sbe::answer::refusal(&sbe::SPOT, sbe::NEWEST, &fault);
            Bytes::from(encoded.map(|encoded| encoded.bytes).unwrap_or_default())
        }
    }
}

fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or(Value::Null)
}
