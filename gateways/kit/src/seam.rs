//! Where the one listener hands on what it does not serve itself.

use std::net::IpAddr;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::Full;

/// A request as it came from the wire.
pub type WireRequest = http::Request<hyper::body::Incoming>;
/// What goes back.
pub type WireResponse = http::Response<Full<Bytes>>;

/// Which WebSocket a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpgradeKind {
    /// `/ws` and `/ws/<stream>…`: market streams, raw.
    Raw,
    /// `/stream`: market streams wrapped in `{"stream","data"}`.
    Combined,
    /// `/ws-api/v3`: the WebSocket API.
    Api,
    /// Market streams in SBE, under `/sbe` or at a host called `stream-sbe.…`: from `/ws…` or `/stream`.
    Sbe,
}

/// Takes over connections that ask to become WebSockets. The listener has checked nothing but the path: the handler answers 101 and waits for
/// `hyper::upgrade::on(request)` in a task of its own, or answers a refusal.
pub trait Upgrades: Send + Sync {
    fn upgrade(&self, kind: UpgradeKind, request: WireRequest, peer: IpAddr) -> WireResponse;
}

/// The answer of a [`Desk`]: status and JSON.
pub type DeskAnswer<'a> = Pin<Box<dyn Future<Output = (u16, Vec<u8>)> + Send + 'a>>;

/// A small JSON API beside the exchange's own, under one prefix of the path (the sandbox). The listener has read and bounded the body.
pub trait Desk: Send + Sync {
    /// `path` without the prefix, beginning with `/`.
    fn answer<'a>(&'a self, verb: &'a str, path: &'a str, body: &'a [u8]) -> DeskAnswer<'a>;
}
