use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body_util::Full;
use kit::{ApiError, Response, WireResponse};
use rand::Rng as _;

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
const USED_WEIGHT: HeaderName = HeaderName::from_static("x-mbx-used-weight");
const USED_WEIGHT_1M: HeaderName = HeaderName::from_static("x-mbx-used-weight-1m");
const ORDERS_10S: HeaderName = HeaderName::from_static("x-mbx-order-count-10s");
const ORDERS_1D: HeaderName = HeaderName::from_static("x-mbx-order-count-1d");
const UUID: HeaderName = HeaderName::from_static("x-mbx-uuid");
const EXPOSED: &str = "X-MBX-USED-WEIGHT, X-MBX-USED-WEIGHT-1M, X-MBX-ORDER-COUNT-10S, X-MBX-ORDER-COUNT-1D, X-MBX-UUID, Retry-After, Date";

pub(crate) fn json(status: u16, body: Vec<u8>) -> WireResponse {
    let mut response = WireResponse::new(Full::new(Bytes::from(body)));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

pub(crate) fn text(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> WireResponse {
    let mut response = WireResponse::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(crate) fn refusal(error: &ApiError) -> WireResponse {
    json(error.status, error.body())
}

/// The answer of a method, with what the limits say.
pub(crate) fn answer(answer: Response) -> WireResponse {
    let mut response = json(answer.status, answer.body);
    let headers = response.headers_mut();
    let weight = HeaderValue::from(answer.usage.weight);
    headers.insert(USED_WEIGHT, weight.clone());
    headers.insert(USED_WEIGHT_1M, weight);
    if let Some(count) = answer.usage.orders {
        headers.insert(ORDERS_10S, HeaderValue::from(count.ten_seconds));
        headers.insert(ORDERS_1D, HeaderValue::from(count.day));
    }
    if let Some(seconds) = answer.retry_after_seconds {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Names the answer, so that a client and a log can speak of the same one.
pub(crate) fn name(headers: &mut HeaderMap) {
    let bits: u128 = rand::rng().random();
    let id = (bits & !(0xf << 76) & !(0x3 << 62)) | 4 << 76 | 2 << 62;
    let text = format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        id >> 96,
        id >> 80 & 0xffff,
        id >> 64 & 0xffff,
        id >> 48 & 0xffff,
        id & 0xffff_ffff_ffff
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(UUID, value);
    }
}

/// Lets browsers of every origin read the answer.
pub(crate) fn allow_origins(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
}

/// The answer to a browser that asks whether it may ask.
pub(crate) fn preflight() -> WireResponse {
    let mut response = WireResponse::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    allow_origins(headers);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("X-MBX-APIKEY, X-MBX-TIME-UNIT, Content-Type"),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("86400"),
    );
    response
}

/// A file of the browser application.
pub(crate) fn page(path: &str, known: Option<&HeaderValue>) -> WireResponse {
    let Some(asset) = web::asset(path) else {
        return guarded(text(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            "There is no such page.\n",
        ));
    };
    let etag = HeaderValue::from_static(asset.etag);
    let fresh = known.is_some_and(|known| {
        known
            .to_str()
            .is_ok_and(|list| list.split(',').any(|tag| tag.trim() == asset.etag))
    });
    let mut response = if fresh {
        let mut response = WireResponse::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        // hyper leaves the body of an answer to HEAD unsent.
        text(
            StatusCode::OK,
            asset.content_type,
            Bytes::from_static(asset.bytes),
        )
    };
    let caching = if asset.immutable {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    response.headers_mut().insert(header::ETAG, etag);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    guarded(response)
}

fn guarded(mut response: WireResponse) -> WireResponse {
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(web::CONTENT_SECURITY_POLICY),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}
