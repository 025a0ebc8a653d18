//! `cargo x sim`: the whole exchange in one seeded process, on a disk, a clock and a network that misbehave.

use crate::house;
use anyhow::Result;
use clap::Args;

/// What `cargo x sim` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Handed to the `simulator` program: `[SEED] [--seeds N] [--commands N]`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

/// Runs the `simulator` program with the checks of a development build.
pub fn run(options: &Options) -> Result<bool> {
    house::must(
        house::cargo()
            .args(["run", "--quiet", "--package", "simulator", "--"])
            .args(&options.more),
    )?;
    Ok(true)
}
