//! One binary for all integration tests of the crate.

mod crash;
mod damage;
mod faults;
mod files;
mod golden;
mod world;
