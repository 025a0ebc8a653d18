//! `cargo x docs`: writes the generated documents again.

use super::conformance;
use crate::house;
use anyhow::Result;
use clap::Args;

/// What `cargo x docs` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Open the crates' documentation in a browser afterwards
    #[arg(long)]
    open: bool,
}

/// Builds the crates' documentation, and docs/conformance.md by running the clients.
pub fn run(options: &Options) -> Result<bool> {
    house::say("building the crates' documentation");
    let mut cargo = house::cargo();
    cargo
        .args(["doc", "--no-deps", "--workspace", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings");
    if options.open {
        cargo.arg("--open");
    }
    house::must(&mut cargo)?;
    house::say("running the public clients for docs/conformance.md");
    conformance::run(&conformance::Options::full())
}
