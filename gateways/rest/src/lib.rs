//! The one listener: HTTP/1.1 with keep-alive and pipelining, and everything that starts as HTTP.
//!
//! | path | answered by |
//! |---|---|
//! | `/api/…` | the method table of the product that the `Host` header names (`api.localhost`; any other name means the default) |
//! | `/ws…`, `/stream`, `/ws-api/v3` | [`kit::Upgrades`] |
//! | `/sbe/ws…`, `/sbe/stream`, and `/ws…`, `/stream` at a host called `stream-sbe.…` | the same, in SBE |
//! | `/sandbox/v1/…` | [`kit::Desk`], when there is one |
//! | `/healthz`, `/readyz` | 200 while the process lives; 200 once it serves, 503 before and while it ends |
//! | everything else, by GET | the browser application |
//!
//! A second listener ([`metrics::serve`]) answers Prometheus text.
//!
//! # Bounds
//! [`Bounds`]: how many connections, how many bytes of headers (431) and body (413), how long a client may take to send them (a slow head
//! is cut off, a slow body is answered 408). All answers carry `x-mbx-uuid`; those of the API carry the used weight, and their order counts
//! after an order. Browsers of every origin may call the API; the sandbox answers its own origin only, because it needs no key.
//!
//! # Errors
//! [`std::io::Error`] when the address cannot be bound. Everything else is answered to the client.

mod binary;
pub mod metrics;
mod respond;
mod route;
mod server;

pub use metrics::Metrics;
pub use route::{Hosts, Site};
pub use server::{Bounds, Listener, Stop};
