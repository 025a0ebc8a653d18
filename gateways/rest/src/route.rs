use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use kit::{
    ApiError, Context, Desk, Dialect, Input, Miss, Response, Router, TimeUnit, UpgradeKind,
    Upgrades, WireRequest, WireResponse,
};

use crate::{Bounds, Metrics, Stop, binary, respond};

/// Which product's methods a host name stands for.
#[derive(Clone, Debug)]
pub struct Hosts {
    pub default: Arc<Router>,
    /// By the name in front of the port (`fapi.localhost`).
    pub named: Vec<(String, Arc<Router>)>,
}

impl Hosts {
    fn router(&self, host: Option<&HeaderValue>) -> &Router {
        let name = host_name(host);
        self.named
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or(&self.default, |(_, router)| router)
    }
}

/// What stands in front of the port.
fn host_name(host: Option<&HeaderValue>) -> &str {
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// Everything that the listener serves.
pub struct Site {
    pub context: Arc<Context>,
    pub hosts: Hosts,
    pub upgrades: Option<Arc<dyn Upgrades>>,
    /// Under `/sandbox/v1`.
    pub sandbox: Option<Arc<dyn Desk>>,
    pub metrics: Arc<Metrics>,
    pub bounds: Bounds,
    /// The same as the listener's: `/readyz` says no while it ends.
    pub stop: Stop,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

/// Answers one request.
pub(crate) async fn handle(site: &Site, request: WireRequest, peer: IpAddr) -> WireResponse {
    let path = request.uri().path();
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = match path {
        "/healthz" if is_get => respond::text(StatusCode::OK, "text/plain", "ok\n"),
        "/readyz" if is_get => ready(site),
        _ if path.starts_with("/api/") => api(site, request, peer).await,
        _ if path.starts_with("/sandbox/") => sandbox(site, request).await,
        _ => match upgrade_kind(path, host_name(request.headers().get(header::HOST))) {
            Some(kind) => upgrade(site, kind, request, peer),
            None if is_get => respond::page(path, request.headers().get(header::IF_NONE_MATCH)),
            None => respond::refusal(&ApiError::unsupported_operation().with_status(405)),
        },
    };
    respond::name(response.headers_mut());
    response
}

fn ready(site: &Site) -> WireResponse {
    if site.stop.is_stopping() {
        respond::text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "ending\n")
    } else {
        respond::text(StatusCode::OK, "text/plain", "ready\n")
    }
}

fn upgrade_kind(path: &str, host: &str) -> Option<UpgradeKind> {
    let is_stream = |path: &str| {
        let whole = path.trim_end_matches('/');
        whole == "/ws" || whole == "/stream" || path.starts_with("/ws/")
    };
    let sbe = match path.strip_prefix("/sbe") {
        Some(path) => is_stream(path),
        None => host.starts_with("stream-sbe.") && is_stream(path),
    };
    if sbe {
        return Some(UpgradeKind::Sbe);
    }
    match path.trim_end_matches('/') {
        "/ws" => Some(UpgradeKind::Raw),
        "/stream" => Some(UpgradeKind::Combined),
        "/ws-api/v3" => Some(UpgradeKind::Api),
        _ if path.starts_with("/ws/") => Some(UpgradeKind::Raw),
        _ => None,
    }
}

fn upgrade(site: &Site, kind: UpgradeKind, request: WireRequest, peer: IpAddr) -> WireResponse {
    match &site.upgrades {
        Some(upgrades) => upgrades.upgrade(kind, request, peer),
        None => respond::refusal(&ApiError::unsupported_operation().with_status(404)),
    }
}

/// `/api/…`: finds the method, reads the request, calls.
async fn api(site: &Site, request: WireRequest, peer: IpAddr) -> WireResponse {
    if request.method() == Method::OPTIONS {
        return respond::preflight();
    }
    let begun = Instant::now();
    let router = site.hosts.router(request.headers().get(header::HOST));
    let verb = if request.method() == Method::HEAD {
        "GET"
    } else {
        request.method().as_str()
    };
    let (route, mut response) = match router.rest(verb, request.uri().path()) {
        Ok(method) => (method.rest, serve(site, method, request, peer).await),
        Err(miss) => (None, missed(site, router, miss, request.uri().path(), peer)),
    };
    respond::allow_origins(response.headers_mut());
    site.metrics
        .answered(route, response.status().as_u16(), begun.elapsed());
    response
}

async fn serve(
    site: &Site,
    method: &'static kit::Method,
    request: WireRequest,
    peer: IpAddr,
) -> WireResponse {
    let ctx = &site.context;
    let (head, body) = request.into_parts();
    let body = if head.method == Method::GET || head.method == Method::HEAD {
        Bytes::new()
    } else {
        match read(body, site.bounds).await {
            Ok(body) => body,
            Err(error) => return charged_refusal(ctx, &error, peer),
        }
    };
    let form = binary::form(&head.headers);
    let is_sbe = matches!(form, Err(_) | Ok(sbe::Format::Sbe { .. }));
    let unit = match form {
        Ok(sbe::Format::Sbe { .. }) => Ok(TimeUnit::Micros),
        Ok(sbe::Format::Json) => time_unit(&head.headers),
        Err(ref error) => Err(error.clone()),
    };
    let input = unit.and_then(|unit| {
        let key = head
            .headers
            .get("x-mbx-apikey")
            .map(|key| key.to_str().unwrap_or_default());
        Input::rest(head.uri.query().unwrap_or_default(), &body, key, unit)
    });
    let mut answer = match input {
        Ok(input) => {
            let answer = kit::call(ctx, method, &input, peer, None).await;
            site.metrics.weighed(answer.usage.weight);
            answer
        }
        Err(error) => charged(ctx, &error, peer),
    };
    if !is_sbe {
        return respond::answer(answer);
    }
    let (verb, path) = method.rest.unwrap_or_default();
    binary::encode(&format!("{verb} {path}"), &mut answer);
    let mut response = respond::answer(answer);
    let deprecated = matches!(form, Ok(sbe::Format::Sbe { deprecated: true }));
    binary::name(response.headers_mut(), deprecated);
    response
}

/// A refusal before any method: it costs its address one.
fn charged_refusal(ctx: &Context, error: &ApiError, peer: IpAddr) -> WireResponse {
    respond::answer(charged(ctx, error, peer))
}

fn charged(ctx: &Context, error: &ApiError, peer: IpAddr) -> Response {
    let now = ctx.now();
    let (error, weight) = match ctx.limits.enter(peer, 1, now) {
        Ok(weight) => (error.clone(), weight),
        Err(limit) => (limit, ctx.limits.used_weight(peer, now)),
    };
    Response::refusal(
        error,
        kit::Usage {
            weight,
            orders: None,
        },
        Dialect::Rest,
        now,
    )
}

fn missed(site: &Site, router: &Router, miss: Miss, path: &str, peer: IpAddr) -> WireResponse {
    let status = match miss {
        Miss::Path => 404,
        Miss::Method => 405,
    };
    let mut response = charged_refusal(
        &site.context,
        &ApiError::unsupported_operation().with_status(status),
        peer,
    );
    if miss == Miss::Method {
        let verbs: Vec<&str> = router.verbs(path).collect();
        if let Ok(value) = HeaderValue::from_str(&verbs.join(", ")) {
            response.headers_mut().insert(header::ALLOW, value);
        }
    }
    response
}

fn time_unit(headers: &http::HeaderMap) -> Result<TimeUnit, ApiError> {
    match headers.get("x-mbx-time-unit") {
        Some(unit) => TimeUnit::parse(unit.to_str().unwrap_or_default()),
        None => Ok(TimeUnit::default()),
    }
}

/// Of a body that is too large so much is read and dropped, so that its sender reads the refusal instead of a broken connection.
const DISCARDED: usize = 1 << 20;

/// Reads a body within its bounds of size (413) and time (408).
async fn read(mut body: hyper::body::Incoming, bounds: Bounds) -> Result<Bytes, ApiError> {
    let whole = async {
        let (mut bytes, mut length) = (Vec::new(), 0_usize);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| ApiError::illegal_anything())?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            length += data.len();
            if length <= bounds.body_bytes {
                bytes.extend_from_slice(&data);
            } else if length > DISCARDED {
                break;
            }
        }
        if length > bounds.body_bytes {
            return Err(ApiError::body_too_large().with_status(413));
        }
        Ok(Bytes::from(bytes))
    };
    tokio::time::timeout(bounds.body_timeout, whole)
        .await
        .unwrap_or_else(|_| Err(ApiError::disconnected().with_status(408)))
}

/// The sandbox needs no key, so a page of another origin must not reach it through its visitor's browser.
async fn sandbox(site: &Site, request: WireRequest) -> WireResponse {
    let (head, body) = request.into_parts();
    let (Some(desk), Some(path)) = (&site.sandbox, head.uri.path().strip_prefix("/sandbox/v1"))
    else {
        return respond::refusal(&ApiError::unsupported_operation().with_status(404));
    };
    let host = head
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    if let Some(origin) = head.headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        if origin
            .split_once("://")
            .is_none_or(|(_, name)| !name.eq_ignore_ascii_case(host))
        {
            return respond::refusal(&ApiError::unauthorized().with_status(403));
        }
    }
    let body = match read(body, site.bounds).await {
        Ok(body) => body,
        Err(error) => return respond::refusal(&error),
    };
    let (status, json) = desk.answer(head.method.as_str(), path, &body).await;
    respond::json(status, json)
}
