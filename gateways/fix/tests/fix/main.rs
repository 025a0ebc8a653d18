//! The whole gateway from outside: real TLS, real engine.

mod market;
mod session;
mod trading;
mod venue;
