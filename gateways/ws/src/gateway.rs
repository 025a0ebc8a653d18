//! From an HTTP request that asks to become a WebSocket to a served connection.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use kit::{
    ApiError, Context, Profile, Router, TimeUnit, UpgradeKind, Upgrades, WireRequest, WireResponse,
};
use sbe::Format;
use tokio_websockets::{Config, Limits, ServerBuilder};
use types::Time;

use crate::api::{Api, Opening};
use crate::binary;
use crate::connection::{Dialogue, Settings, serve};
use crate::control::{MAX_STREAMS, Session};
use crate::feed::Message;
use crate::handle::FeedHandle;
use crate::hub::Form;
use crate::topic::Topic;

/// Serves market streams and the WebSocket API.
#[derive(Clone, Debug)]
pub struct Gateway {
    context: Arc<Context>,
    router: Arc<Router>,
    feed: FeedHandle,
    settings: Settings,
}

impl Gateway {
    /// With the settings that go with the venue's limits.
    #[must_use]
    pub fn new(context: Arc<Context>, router: Arc<Router>, feed: FeedHandle) -> Gateway {
        let binance = context.limits.profile() == Profile::BINANCE;
        let settings = if binance {
            Settings::BINANCE
        } else {
            Settings::WIDE
        };
        Gateway {
            context,
            router,
            feed,
            settings,
        }
    }

    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Gateway {
        Gateway { settings, ..self }
    }

    fn accept(
        &self,
        kind: UpgradeKind,
        request: WireRequest,
        peer: IpAddr,
    ) -> Result<WireResponse, ApiError> {
        let key = websocket_key(request.headers())?;
        let query = Query::read(
            kind,
            request.uri().path(),
            request.uri().query().unwrap_or_default(),
        )?;
        if self.feed.connections() >= self.settings.connections {
            return Err(ApiError::server_busy());
        }
        let now = self.context.now();
        self.context.limits.connect(peer, now)?;
        if kind == UpgradeKind::Sbe {
            let key = request.headers().get("x-mbx-apikey");
            let key = key.map(|key| key.to_str().unwrap_or_default());
            kit::market_data_key(&self.context.keys, key, peer)?;
        }
        if kind == UpgradeKind::Api {
            self.context.limits.enter(peer, 2, now)?;
        }
        let gateway = self.clone();
        tokio::spawn(async move {
            match hyper::upgrade::on(request).await {
                Ok(upgraded) => gateway.run(kind, query, upgraded, peer).await,
                Err(error) => {
                    tracing::debug!(%error, %peer, "a WebSocket was asked for and not begun")
                }
            }
        });
        Ok(switching(&key))
    }

    async fn run(
        self,
        kind: UpgradeKind,
        query: Query,
        upgraded: hyper::upgrade::Upgraded,
        peer: IpAddr,
    ) {
        let limits = Limits::default().max_payload_len(Some(self.settings.message_bytes));
        // one frame per message, however long: some clients do not join fragments
        let config = Config::default().frame_size(usize::MAX);
        let socket = ServerBuilder::new()
            .limits(limits)
            .config(config)
            .serve(TokioIo::new(upgraded));
        let form = match kind {
            UpgradeKind::Raw => Form::Raw,
            UpgradeKind::Combined => Form::Combined,
            UpgradeKind::Api if query.format != Format::Json => Form::Binary,
            UpgradeKind::Api => Form::Api,
            UpgradeKind::Sbe => Form::BinaryStreams,
        };
        let line = Arc::new(self.feed.open(query.unit, form, self.settings.bounds));
        let dialogue = if kind == UpgradeKind::Api {
            Dialogue::Api(Api::new(Opening {
                context: self.context,
                router: self.router,
                line: line.clone(),
                peer,
                unit: query.unit,
                format: query.format,
                tells_limits: query.tells_limits,
                requests: self.settings.requests,
            }))
        } else {
            line.send(Message::Streams {
                conn: line.conn,
                add: query.streams.clone(),
                remove: Vec::new(),
                combined: None,
                reply: Bytes::new(),
            });
            Dialogue::Streams(match kind {
                UpgradeKind::Sbe => Session::binary(query.streams),
                _ => Session::new(query.streams, kind == UpgradeKind::Combined),
            })
        };
        serve(socket, line, dialogue, self.settings).await;
    }
}

impl Upgrades for Gateway {
    fn upgrade(&self, kind: UpgradeKind, request: WireRequest, peer: IpAddr) -> WireResponse {
        self.accept(kind, request, peer)
            .unwrap_or_else(|error| refusal(&error, self.context.now()))
    }
}

/// The key that the answer proves to have read.
fn websocket_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let has = |name: header::HeaderName, word: &str| {
        let values = headers.get_all(name);
        let mut words = values
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        words.any(|other| other.trim().eq_ignore_ascii_case(word))
    };
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .and_then(|key| key.to_str().ok());
    let asked = has(header::UPGRADE, "websocket") && has(header::CONNECTION, "upgrade");
    match key {
        Some(key) if asked && has(header::SEC_WEBSOCKET_VERSION, "13") => Ok(key.to_owned()),
        _ => {
            let wanted = "This address speaks WebSocket: ask for it with Upgrade, Connection, Sec-WebSocket-Key and Sec-WebSocket-Version: 13.";
            Err(ApiError::new(-1000, wanted).with_status(426))
        }
    }
}

fn switching(key: &str) -> WireResponse {
    let mut response = http::Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&accept_of(key)) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// RFC 6455 §4.2.2: the key and a fixed text, hashed.
fn accept_of(key: &str) -> String {
    use base64::Engine as _;
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(hash)
}

fn refusal(error: &ApiError, now: Time) -> WireResponse {
    let mut response = http::Response::new(Full::from(error.body()));
    *response.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json;charset=UTF-8"),
    );
    if let Some(until) = error.retry_at {
        let seconds = (until.since(now) + 999_999).max(1_000_000) / 1_000_000;
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.status == 426 {
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    }
    response
}

/// What the address says.
#[derive(Debug, PartialEq)]
struct Query {
    streams: Vec<Topic>,
    unit: TimeUnit,
    format: Format,
    tells_limits: bool,
}

impl Query {
    fn read(kind: UpgradeKind, path: &str, query: &str) -> Result<Query, ApiError> {
        let mut read = Query {
            streams: Vec::new(),
            unit: TimeUnit::Millis,
            format: Format::Json,
            tells_limits: true,
        };
        let mut asked = [None; 3];
        let parse = match kind {
            UpgradeKind::Sbe => Topic::parse_binary,
            _ => Topic::parse,
        };
        let path = match kind {
            UpgradeKind::Sbe => path.strip_prefix("/sbe").unwrap_or(path),
            _ => path,
        };
        if let (UpgradeKind::Raw | UpgradeKind::Sbe, Some(names)) =
            (kind, path.strip_prefix("/ws/"))
        {
            read.add(names, parse)?;
        }
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "streams" if kind != UpgradeKind::Api => read.add(value, parse)?,
                // events in SBE have one unit of time
                "timeUnit" if kind == UpgradeKind::Sbe => {}
                "timeUnit" => read.unit = TimeUnit::parse(value)?,
                "returnRateLimits" => {
                    read.tells_limits = value
                        .parse()
                        .map_err(|_| ApiError::invalid("returnRateLimits"))?;
                }
                "responseFormat" => asked[0] = Some(value),
                "sbeSchemaId" => asked[1] = Some(value),
                "sbeSchemaVersion" => asked[2] = Some(value),
                _ => {}
            }
        }
        if kind == UpgradeKind::Sbe {
            return Ok(read);
        }
        read.format = binary::form(asked[0], asked[1], asked[2])?;
        if read.format != Format::Json {
            if kind != UpgradeKind::Api {
                return Err(ApiError::sbe_disabled());
            }
            read.unit = TimeUnit::Micros;
        }
        Ok(read)
    }

    fn add(&mut self, names: &str, parse: fn(&str) -> Option<Topic>) -> Result<(), ApiError> {
        let names = percent_decoded(names).ok_or_else(ApiError::illegal_anything)?;
        for name in names.split('/').filter(|name| !name.is_empty()) {
            // A name that is no stream is passed over: ccxt numbers its connections by connecting to `/ws/0`, `/ws/1` and so on.
            if let Some(topic) = parse(name)
                && !self.streams.contains(&topic)
            {
                self.streams.push(topic);
            }
        }
        if self.streams.len() > MAX_STREAMS {
            return Err(ApiError::invalid("streams"));
        }
        Ok(())
    }
}

/// A `+` stays: it stands in `@+08:00`.
fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        out.push(u8::from_str_radix(digits, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proves_that_it_read_the_key() {
        // the RFC's own example
        assert_eq!(
            accept_of("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn addresses_name_streams() {
        let names = |kind, path: &str, query: &str| {
            let read = Query::read(kind, path, query).unwrap();
            read.streams
                .iter()
                .map(|topic| topic.name.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(UpgradeKind::Raw, "/ws", ""), [""; 0]);
        assert_eq!(
            names(UpgradeKind::Raw, "/ws/btcusdt@trade", ""),
            ["btcusdt@trade"]
        );
        assert_eq!(
            names(UpgradeKind::Raw, "/ws/a%40trade/b@depth5", ""),
            ["a@trade", "b@depth5"]
        );
        assert_eq!(
            names(
                UpgradeKind::Combined,
                "/stream",
                "streams=a@kline_1m@+08:00/b@trade/b@trade&timeUnit=microsecond"
            ),
            ["a@kline_1m@+08:00", "b@trade"]
        );
        let read = Query::read(
            UpgradeKind::Api,
            "/ws-api/v3",
            "returnRateLimits=false&timeUnit=MICROSECOND",
        )
        .unwrap();
        assert_eq!((read.tells_limits, read.unit), (false, TimeUnit::Micros));
        let refused = |query: &str| {
            Query::read(UpgradeKind::Combined, "/stream", query)
                .unwrap_err()
                .code
        };
        assert_eq!(refused("timeUnit=HOUR"), -1194);
        assert_eq!(refused("streams=%zz"), -1100);
        assert_eq!(
            names(UpgradeKind::Raw, "/ws/0", ""),
            [""; 0],
            "ccxt numbers its connections"
        );
        assert_eq!(
            names(UpgradeKind::Combined, "/stream", "streams=nothing/b@trade"),
            ["b@trade"]
        );
    }
}
