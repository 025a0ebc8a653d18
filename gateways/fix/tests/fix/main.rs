//! The whole gateway from outside: real TLS, real engine.

mod features;
mod lists;
mod market;
mod sbe;
mod session;
mod trading;
mod venue;
