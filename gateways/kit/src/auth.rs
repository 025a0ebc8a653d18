use std::net::IpAddr;
use std::sync::Arc;

use identity::{Key, KeyKind, Keys};
use types::{Decimal, DecimalError, Time};

use crate::params::read_time;
use crate::{ApiError, Input, Security};

/// What a signed request reads besides its method's own parameters.
pub(crate) const IMPLICIT: &[&str] = &["timestamp", "recvWindow"];

const DEFAULT_RECV_WINDOW_US: i64 = 5_000_000;
const MAX_RECV_WINDOW_US: i64 = 60_000_000;
/// How far a client's clock may run ahead.
const AHEAD_US: i64 = 1_000_000;

/// Who asks: by the key named in the request, else by the session.
///
/// # Errors
/// -2014 when no key is named or it is no key's shape; -2015 when it is unknown, used from a wrong address, or may not do this.
pub(crate) fn identify(
    keys: &Keys,
    security: Security,
    input: &Input<'_>,
    peer: IpAddr,
    session: Option<&Arc<Key>>,
) -> Result<Arc<Key>, ApiError> {
    let key = match (input.api_key.as_deref(), session) {
        (None, Some(key)) => keys
            .lookup(&key.api_key)
            .ok_or_else(ApiError::rejected_key)?,
        (None, None) => return Err(ApiError::bad_key_format()),
        (Some(text), _) if !is_key(text) => return Err(ApiError::bad_key_format()),
        (Some(text), _) => keys.lookup(text).ok_or_else(ApiError::rejected_key)?,
    };
    let permitted = match security {
        Security::Public => true,
        Security::Read => key.permissions.read,
        Security::Trade => key.permissions.trade,
    };
    if permitted && key.allows(peer) {
        Ok(key)
    } else {
        Err(ApiError::rejected_key())
    }
}

/// Whose key opens the market streams in SBE: an Ed25519 key with any permission, from where it may be used.
///
/// # Errors
/// -2014 when no key is named or it is no key's shape; -2015 when it is unknown, of another kind, or used from a wrong address.
pub fn market_data_key(
    keys: &Keys,
    named: Option<&str>,
    peer: IpAddr,
) -> Result<Arc<Key>, ApiError> {
    let text = named
        .filter(|text| is_key(text))
        .ok_or_else(ApiError::bad_key_format)?;
    keys.lookup(text)
        .filter(|key| key.kind == KeyKind::Ed25519 && key.allows(peer))
        .ok_or_else(ApiError::rejected_key)
}

fn is_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether a signature is needed: not on a session that has logged on, unless the request names a key itself.
fn needs_signature(input: &Input<'_>, session: Option<&Arc<Key>>) -> bool {
    input.api_key.is_some() || session.is_none()
}

/// Refuses a signed request without its `timestamp` or `signature` (-1102).
pub(crate) fn check_presence(
    input: &Input<'_>,
    session: Option<&Arc<Key>>,
) -> Result<(), ApiError> {
    if !input.has("timestamp") && !input.pairs.iter().any(|pair| pair.name == "timestamp") {
        return Err(ApiError::mandatory("timestamp"));
    }
    if needs_signature(input, session) && input.signature.as_deref().is_none_or(str::is_empty) {
        return Err(ApiError::mandatory("signature"));
    }
    Ok(())
}

/// Refuses a request of the wrong moment; until when it is good otherwise.
///
/// # Errors
/// -1100, -1102, -1108, -1111 for texts that are no times; -1021.
pub(crate) fn check_timing(input: &Input<'_>, now: Time) -> Result<Time, ApiError> {
    let timestamp = read_time("timestamp", input.get("timestamp").unwrap_or_default())?;
    let window = match input.get("recvWindow") {
        Some(text) => read_window(text)?,
        None => DEFAULT_RECV_WINDOW_US,
    };
    if timestamp.since(now) >= AHEAD_US {
        return Err(ApiError::ahead_of_time());
    }
    if now.since(timestamp) > window {
        return Err(ApiError::outside_recv_window());
    }
    Ok(timestamp.plus_micros(window))
}

/// Milliseconds with up to three decimals, as microseconds.
fn read_window(text: &str) -> Result<i64, ApiError> {
    let window = match Decimal::parse(text) {
        Ok(window) => window.0,
        Err(DecimalError::Illegal) => {
            return Err(ApiError::illegal("recvWindow", Decimal::PATTERN));
        }
        Err(DecimalError::TooPrecise) => return Err(ApiError::too_precise("recvWindow")),
        Err(DecimalError::TooLarge) => {
            return Err(ApiError::too_great("recvWindow", MAX_RECV_WINDOW_US / 1000));
        }
    };
    let unit = Decimal::SCALE / 1000;
    if window / unit > MAX_RECV_WINDOW_US
        || (window / unit == MAX_RECV_WINDOW_US && window % unit != 0)
    {
        Err(ApiError::too_great("recvWindow", MAX_RECV_WINDOW_US / 1000))
    } else if window % unit != 0 {
        Err(ApiError::too_precise("recvWindow"))
    } else {
        Ok(window / unit)
    }
}

/// Refuses a request that its key's holder did not sign (-1022).
pub(crate) fn check_signature(
    key: &Key,
    input: &Input<'_>,
    session: Option<&Arc<Key>>,
) -> Result<(), ApiError> {
    if !needs_signature(input, session) {
        return Ok(());
    }
    let signature = input.signature.as_deref().unwrap_or_default();
    // A text that was not percent-encoded was not what the client was to sign.
    let encoded = |payload: &[u8]| input.dialect == crate::Dialect::WebSocket || payload.is_ascii();
    if input
        .payloads
        .iter()
        .any(|payload| encoded(payload) && key.verify(payload, signature))
    {
        Ok(())
    } else {
        Err(ApiError::bad_signature())
    }
}
