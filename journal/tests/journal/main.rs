//! One binary for all integration tests of the crate.

mod crash;
mod files;
mod world;
