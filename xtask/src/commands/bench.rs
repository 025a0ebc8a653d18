//! `cargo x bench`: measurements, as ratios within one run.

use crate::house;
use anyhow::Result;
use clap::Args;

/// What `cargo x bench` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Handed to the `benches` program; `--help` there lists what it knows
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

/// Runs the `benches` program, built for release.
pub fn run(options: &Options) -> Result<bool> {
    house::say("building the benches for release");
    house::must(house::cargo().args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "benches",
        "--package",
        "node",
    ]))?;
    house::must(
        house::cargo()
            .args(["run", "--quiet", "--release", "--package", "benches", "--"])
            .args(&options.more),
    )?;
    Ok(true)
}
