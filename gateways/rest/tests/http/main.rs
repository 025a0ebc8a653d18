//! The real exchange in one process, spoken to over loopback: sequencer, journal, engine, views, keys, method table, listener.

mod agreement;
mod bounds;
mod errors;
mod features;
mod fees;
mod frames;
mod golden;
mod history;
mod icebergs;
mod inputs;
mod limits;
mod lists;
mod prevention;
mod ranges;
mod records;
mod refusals;
mod routing;
mod sandbox;
mod sbe_answers;
mod trading;
mod venue;
