//! Answers as SBE, for who asks for them with `Accept: application/sbe` and `X-MBX-SBE: <schema>:<version>`.
//!
//! Methods write JSON; here it is read again and written as a message by the tables of [`sbe`] (see docs/decisions/0009). Times are microseconds,
//! whatever `X-MBX-TIME-UNIT` says. Every version that is not retired is answered in the newest one, which its decoders can read; a
//! deprecated one is told so by `X-MBX-SBE-DEPRECATED: true`.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use kit::{ApiError, Response};
use sbe::{Asked, Format};
use serde_json::Value;

const SBE: HeaderValue = HeaderValue::from_static("application/sbe");
const SCHEMA: HeaderName = HeaderName::from_static("x-mbx-sbe");
const DEPRECATED: HeaderName = HeaderName::from_static("x-mbx-sbe-deprecated");

/// Which form a request asks to be answered in.
///
/// # Errors
/// -1152 for a header that is no schema and version, -1153 for one that does not exist or is retired.
pub(crate) fn form(headers: &HeaderMap) -> Result<Format, ApiError> {
    let text = |name: HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or_default());
    sbe::from_headers(text(header::ACCEPT), text(SCHEMA)).map_err(|asked| match asked {
        Asked::Malformed => ApiError::bad_sbe_header(),
        Asked::Unsupported => ApiError::unknown_sbe_schema(),
    })
}

/// Writes an answer's body anew. An answer that no message can hold becomes -1000, in SBE too.
pub(crate) fn encode(call: &str, answer: &mut Response) {
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let encoded = if answer.status == 200 {
        sbe::answer::answer(&sbe::SPOT, sbe::NEWEST, call, &json)
    } else {
        sbe::answer::refusal(&sbe::SPOT, sbe::NEWEST, &json)
    };
    answer.body = match encoded {
        Ok(encoded) => encoded.bytes,
        Err(refused) => {
            tracing::error!(call, ?refused, "an answer could not be written as SBE");
            let fault = ApiError::unexpected_response();
            answer.status = fault.status;
            let json = serde_json::from_slice(&fault.body()).unwrap_or(Value::Null);
            let encoded = sbe::answer::refusal(&sbe::SPOT, sbe::NEWEST, &json);
            encoded.map(|encoded| encoded.bytes).unwrap_or_default()
        }
    };
}

/// Says what the body is.
pub(crate) fn name(headers: &mut HeaderMap, deprecated: bool) {
    headers.insert(header::CONTENT_TYPE, SBE);
    let schema = format!("{}:{}", sbe::SCHEMA, sbe::NEWEST);
    if let Ok(schema) = HeaderValue::from_str(&schema) {
        headers.insert(SCHEMA, schema);
    }
    if deprecated {
        headers.insert(DEPRECATED, HeaderValue::from_static("true"));
    }
}
