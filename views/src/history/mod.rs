//! History in SQL: what waits for it, the thread that writes it, and the queries that read it.

mod columns;
mod load;
mod pipe;
mod read;
mod schema;
mod write;
mod writer;

pub(crate) use load::Loaded;
pub(crate) use pipe::{Chunk, Pipe};
pub(crate) use read::{OrderRange, Sql, TradeRange};
pub(crate) use writer::spawn;
