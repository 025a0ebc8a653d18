//! Market streams, user data streams and the WebSocket API.
//!
//! ```text
//! relay ──Arc<Batch>──▶ feed thread ──frame, encoded once per form──▶ outbox ──▶ connection task ──▶ socket
//!                        book, candles,                                (one per connection, bounded)
//!                        open orders, timers
//! ```
//!
//! The *feed* is one thread that takes durable batches, subscriptions and the passing of time from one queue: a subscription begins exactly
//! between two records, and nobody who fills the queue ever waits. It keeps each book by price levels from events alone, so that the ids of
//! the depth streams are those of the engine and no change is skipped: the next frame's `U` is the last one's `u` plus one.
//!
//! Only streams that somebody listens to are encoded, once for each form that is listened to (raw or combined, milliseconds or
//! microseconds), and the bytes are shared. A connection's *outbox* keeps every frame or closes the connection; frames of streams whose
//! newer frame says all that an older one said (touch, partial depth, tickers) replace their waiting predecessor.
//!
//! The streams in SBE (`/sbe/ws`, `/sbe/stream`) are the same feed in another form: trades, touch, diffs of the book and its best levels as
//! binary messages of [`sbe::stream`], for who shows an Ed25519 key. Control frames and their answers are texts there as well.
//!
//! Tickers and average prices are asked of views once a second. Candles are taken from views when the first listener comes and then
//! continued trade by trade; a candle is told as closed when a record stamped after it has been seen, or a second after its end.
//!
//! # Bounds
//! [`Settings`]: connections, sizes, paces, ping and pong, age. 1,024 streams and 1,000 user data subscriptions per connection.
//!
//! # Errors
//! Clients are answered in the API's own words: control frames of streams with `{"error":{"code","msg"},"id"}`, calls with `status` and
//! `error`. A name in the address that is no stream is passed over; an address that asks for no WebSocket is answered with 426.

mod api;
mod binary;
mod book;
mod candle;
mod connection;
mod control;
mod encode;
mod events;
mod feed;
mod gateway;
mod handle;
mod hub;
mod market;
mod outbox;
mod report;
mod statistics;
mod topic;
mod users;

pub use connection::Settings;
pub use feed::Feed;
pub use gateway::Gateway;
pub use handle::{FeedHandle, FeedReader, Now, start};
pub use outbox::Bounds;
pub use report::{Execution, Half, ListReport, Prevented, Report};
pub use users::Listener;

/// How often the feed looks at the clock, in microseconds: the period of its fastest streams in JSON, and what divides the periods of those
/// in SBE, while somebody listens to one.
pub const TICK_US: i64 = 100_000;
pub const FAST_TICK_US: i64 = 10_000;
