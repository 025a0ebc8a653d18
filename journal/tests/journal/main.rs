//! One binary for all integration tests of the crate.
// how many cases there were belongs to the result
#![allow(clippy::print_stdout)]

mod crash;
mod damage;
mod faults;
mod files;
mod forged;
mod golden;
mod world;
