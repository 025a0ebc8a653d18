//! `cargo x fuzz`: mutated bytes for decoders of foreign bytes. The short part, with the same bytes every time, is among the tests.

use crate::house;
use anyhow::Result;
use clap::Args;

/// What `cargo x fuzz` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Handed to the `fuzz` program: `[TARGET] [--seconds N] [--seed S]`, or `--list`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

/// Runs the `fuzz` program with the checks of a development build.
pub fn run(options: &Options) -> Result<bool> {
    house::must(
        house::cargo()
            .args(["run", "--quiet", "--package", "fuzz", "--"])
            .args(&options.more),
    )?;
    Ok(true)
}
