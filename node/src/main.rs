//! The `highwater` program: configuration and wiring.
mod cli;
mod offline;
mod rules;

use clap::Parser as _;

fn main() -> anyhow::Result<()> {
    let cli = cli::Cli::parse();
    match cli.command {
        cli::Do::Run(_) => anyhow::bail!("wired in the next step"),
        cli::Do::Verify(args) => offline::verify(&args.data),
        cli::Do::Replay { data, until } => offline::replay(&data.data, until),
        cli::Do::Views { .. } => anyhow::bail!("wired in the next step"),
    }
}
