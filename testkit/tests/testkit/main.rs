//! The engine against its twin, and against itself.

mod determinism;
mod scenarios;
mod twins;
