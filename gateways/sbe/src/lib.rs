//! Simple Binary Encoding: answers, events and market data as little-endian bytes at fixed places.
//!
//! The tables of [`layout`] say what each message holds and where its values stand in the JSON of the API. [`answer`](answer::answer) and its siblings
//! turn the JSON that a method has written into a message; [`decode`](decode::decode) turns a message back into that JSON. Methods are
//! written once, in JSON, and gain this form by a line in a table. The four events of market streams are written without JSON, by [`stream`].
//!
//! # Units and rounding
//! Times are microseconds: ask the method for them. Decimals are mantissas with the exponent -8, or a finer one when a value needs it;
//! nothing is rounded. A message whose decimals are all the text `0` has the exponent 0 for them. Only the percentages of tickers are binary fractions, because the format says so.
//!
//! # Versions
//! The schema of answers is 3, spoken since version 2; that of market streams is 1:0. Who asks for a deprecated version is answered in the
//! newest one, which decoders of older ones read by skipping what they do not know.
//!
//! # Errors
//! [`Refused`](encode::Refused). What the table demands and JSON leaves out is written as zero or as the ordinary word, and reported in
//! [`Encoded::missing`](encode::Encoded) when no word is ordinary.
//!
//! Source of the rules: the FIX SBE specification, and the schemas and the SBE FAQ that Binance publishes for its Spot API.

pub mod answer;
mod decimal;
pub mod decode;
pub mod encode;
pub mod layout;
pub mod stream;
mod version;

use std::sync::LazyLock;

pub use version::{Asked, Format, NEWEST, OLDEST, SCHEMA, from_headers, from_pair};

use layout::Schema;

/// Answers and user data events.
pub static SPOT: LazyLock<Schema> =
    LazyLock::new(|| table(SCHEMA, OLDEST, NEWEST, include_str!("spot.layout")));

/// Market streams.
pub static STREAM: LazyLock<Schema> =
    LazyLock::new(|| table(1, 0, 0, include_str!("stream.layout")));

/// A table of this crate, which its tests have read.
fn table(id: u16, oldest: u16, newest: u16, text: &str) -> Schema {
    match Schema::parse(id, oldest, newest, text) {
        Ok(schema) => schema,
        Err(error) => panic!("{error}"),
    }
}
