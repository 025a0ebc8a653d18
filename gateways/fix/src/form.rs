//! The form of a request: which tags there are, each at most once, what they may look like, and the moment that it was sent at.

use kit::ApiError;
use types::{ClientId, Time};

use crate::codec::{Message, read_time};
use crate::session::{Invalid, bad_value, called};
use crate::tags::{self, *};

const MAX_WINDOW_MS: i64 = 60_000;
/// How far a client's clock may run ahead.
const AHEAD_US: i64 = 1_000_000;

/// Tags that name requests and orders.
const IDS: &[u32] = &[
    CL_ORD_ID,
    ORIG_CL_ORD_ID,
    CANCEL_CL_ORD_ID,
    CL_LIST_ID,
    ORIG_CL_LIST_ID,
    MD_REQ_ID,
];

/// Which tags there are, each at most once, and the header's values; until when the message is good. `window_ms` counts when the message gives
/// none.
pub fn check_form(message: &Message, now: Time, window_ms: Option<i64>) -> Result<Time, Invalid> {
    let kind = message.kind();
    let form = Form::of(kind).ok_or_else(|| Invalid {
        tag: Some(MSG_TYPE),
        reason: 5,
        error: ApiError::invalid(called(MSG_TYPE)),
    })?;
    let fields = message.fields();
    for (place, (tag, value)) in fields.iter().enumerate() {
        if tags::name(*tag).is_none() {
            return Err(Invalid::new(Some(*tag), 0, -1169, "Invalid tag number."));
        }
        if !form.allows(*tag) {
            let text = format!("Tag '{tag}' not defined for this message type.");
            return Err(Invalid::new(Some(*tag), 2, -1170, text));
        }
        if !form.repeated.contains(tag) && fields[..place].iter().any(|(other, _)| other == tag) {
            let text = format!("Tag '{tag}' appears more than once.");
            return Err(Invalid::new(Some(*tag), 13, -1171, text));
        }
        if value.is_empty() {
            let text = "Tag specified without a value.";
            return Err(Invalid::new(Some(*tag), 4, -1177, text));
        }
        if IDS.contains(tag) && !is_id(value, ClientId::MAX_LEN) {
            let error = ApiError::illegal(called(*tag), "^[a-zA-Z0-9-_]{1,36}$");
            return Err(Invalid {
                tag: Some(*tag),
                reason: 6,
                error,
            });
        }
    }
    if let Some(tag) = form.needs().find(|tag| message.get(*tag).is_none()) {
        return Err(Invalid::missing(tag));
    }
    if message.get(TARGET_COMP_ID) != Some("SPOT") {
        return Err(bad_value(TARGET_COMP_ID));
    }
    if !message.get(SENDER_COMP_ID).is_some_and(|id| is_id(id, 8)) {
        let error = ApiError::illegal(called(SENDER_COMP_ID), "^[a-zA-Z0-9-_]{1,8}$");
        return Err(Invalid {
            tag: Some(SENDER_COMP_ID),
            reason: 6,
            error,
        });
    }
    check_time(message, now, window_ms)
}

fn is_id(text: &str, longest: usize) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=longest).contains(&text.len()) && text.bytes().all(legal)
}

fn check_time(message: &Message, now: Time, window_ms: Option<i64>) -> Result<Time, Invalid> {
    let wrong = |tag: u32| Invalid {
        tag: Some(tag),
        reason: 6,
        error: ApiError::invalid(called(tag)),
    };
    let sent = message
        .get(SENDING_TIME)
        .and_then(read_time)
        .ok_or_else(|| wrong(SENDING_TIME))?;
    let window_us = match message.get(RECV_WINDOW) {
        Some(text) => {
            // A number of milliseconds with up to three decimals.
            let window = types::Decimal::parse(text)
                .map_err(|_| wrong(RECV_WINDOW))?
                .0;
            let unit = types::Decimal::SCALE / 1000;
            if window > MAX_WINDOW_MS * types::Decimal::SCALE || window % unit != 0 {
                return Err(bad_value(RECV_WINDOW));
            }
            Some(window / unit)
        }
        None => window_ms.map(|ms| ms * 1000),
    };
    let Some(window_us) = window_us else {
        return Ok(Time(i64::MAX));
    };
    let late = |error| Invalid {
        tag: Some(SENDING_TIME),
        reason: 10,
        error,
    };
    if sent.since(now) >= AHEAD_US {
        return Err(late(ApiError::ahead_of_time()));
    }
    if now.since(sent) > window_us {
        return Err(late(ApiError::outside_recv_window()));
    }
    Ok(sent.plus_micros(window_us))
}
