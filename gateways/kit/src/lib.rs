//! What every gateway shares: from the pairs of a request to an answer in JSON.
//!
//! A product defines each method of its API once, as a [`Method`] in a static table: HTTP method and path, name in the WebSocket API, who may
//! call, typed parameters, weight, handler. A gateway turns its bytes into an [`Input`], finds the method with a [`Router`] and calls [`call`]:
//!
//! ```text
//! REST:          Input::rest(query, body, api_key_header, time_unit)   router.rest("POST", "/api/v3/order")
//! WebSocket API: Input::frame(&params, time_unit)                      router.ws("order.place")
//!                           └───────────── kit::call(&ctx, method, &input, peer, session) → Response ─────────────┘
//! ```
//!
//! [`Response::body`] is the result when [`Response::status`] is 200, and `{"code","msg"[,"data"]}` otherwise: REST sends it as it is; the
//! WebSocket API puts it under `result` or `error` of its frame, with `rateLimits` written by [`Limits::write`] from [`Response::usage`].
//! `session` is the key that a connection has logged on with: with it a frame needs no `apiKey` and `signature`, though still a `timestamp`.
//! Methods that are about the connection itself (logging on, subscribing to user data) are the WebSocket gateway's own: it calls
//! [`authenticate`] with their parameters, and [`Limits::enter`] with their weight.
//!
//! # Which refusal wins
//! One order for every method: banned or too much (418, 429) · no key or no key's shape (-2014) · unknown key, wrong address, missing
//! permission (-2015) · `timestamp` or `signature` missing (-1102) · a name twice in one part (-1101) · an empty value (-1105) · illegal
//! characters (-1100) · the wrong moment (-1021) · a wrong signature (-1022) · unknown names (-1104) · missing or conflicting names (-1102,
//! -1106, -1128) · unknown words (-1115 to -1117, -1130) · out of range (-1108, -1130) · too precise (-1111) · then what handlers find: unknown
//! symbol (-1121), too many orders (-1015), and the engine's own order. None of them changes anything but the counters of [`Limits`].
//!
//! # Units
//! Times are [`types::Time`]; clients send milliseconds or microseconds and are answered in the unit that they ask for ([`TimeUnit`]). Decimals
//! are read by [`types::Decimal`] and written as strings by [`Json`], which keeps members in the order in which they are written.
//!
//! # Errors
//! [`ApiError`], whose table holds every code and sentence of the gateways; refusals of the engine keep those of [`protocol::RejectCode`].

mod auth;
mod call;
mod error;
mod ids;
mod input;
mod json;
mod limits;
mod method;
mod params;
mod seam;
pub mod words;

pub use auth::market_data_key;
pub use call::{Context, Refusal, Response, authenticate, call, call_on_session};
pub use error::{ApiError, TABLE};
pub use ids::random_client_id;
pub use input::{Dialect, Input, Pair};
pub use json::{Json, TimeUnit};
pub use limits::{FillsReader, Limits, OrderCount, Profile, Usage};
pub use method::{
    Call, Handler, Later, Method, Miss, Orders, Outcome, Router, Security, Weight, no_conditions,
};
pub use params::{Kind, Param, Params};
pub use seam::{Desk, DeskAnswer, UpgradeKind, Upgrades, WireRequest, WireResponse};
