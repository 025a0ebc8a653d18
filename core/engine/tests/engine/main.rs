//! The engine alone, through its public face.
//!
//! Unsafe: the test of allocations counts them in a global allocator, and implementing one is unsafe by its trait. It only counts and hands
//! on to the system's.
#![allow(unsafe_code)]

mod allocations;
mod blocks;
mod conditional;
mod fees;
mod filters;
mod found;
mod icebergs;
mod list_extras;
mod lists;
mod locks;
mod orders;
mod pairs;
mod pegs;
mod prevention;
mod products;
mod ranges;
mod routing;
mod snapshots;
mod support;
mod venue;

#[global_allocator]
static COUNTING: allocations::Counting = allocations::Counting;
