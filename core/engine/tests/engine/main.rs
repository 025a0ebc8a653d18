//! The engine alone, through its public face.

mod support;

mod orders;
