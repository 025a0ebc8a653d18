//! The `highwater` program: configuration and wiring, no logic of its own. The stages of a start stand in [`run`].

mod cli;
mod offline;
mod rules;
mod run;

use anyhow::Result;
use clap::Parser as _;
use cli::{Cli, Do, ViewsCommand};
use tracing_subscriber::EnvFilter;

fn main() -> Result<()> {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match Cli::parse().command {
        Do::Run(args) => run::run(*args),
        Do::Verify(args) => offline::verify(&args.data),
        Do::Replay { data, until } => offline::replay(&data.data, until),
        Do::Views {
            command: ViewsCommand::Rebuild(args),
        } => offline::rebuild_views(&args.data),
    }
}
