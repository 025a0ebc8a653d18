//! The engine against its twin, and against itself.

mod determinism;
mod exhaustive;
mod scenarios;
mod twins;
