//! A file per command. Each has `Options` (what clap parses) and `run`, which answers whether all went well.

pub mod bench;
pub mod check;
pub mod conformance;
pub mod docs;
pub mod drill;
pub mod fuzz;
pub mod quick;
pub mod run;
pub mod sim;
pub mod test;
