//! The `highwater` program: configuration and wiring.

fn main() {}
