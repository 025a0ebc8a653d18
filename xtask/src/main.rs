//! The project's one tool: `cargo x <command>`.
//!
//! README promises two commands, `cargo x run` and `cargo x test`; the rest of the tasks live beside
//! them. Every command installs or builds what it needs and says so before it does. A tool that is
//! missing and cannot be installed by us is never skipped in silence: it is named, with the words to
//! type, and in continuous integration (`CI=true`) it fails the step.
//!
//! A file per command in `commands`; `architecture` holds the checks of the house's own rules.
// This crate is a command-line program: standard output is its screen.
#![allow(clippy::print_stdout)]

mod architecture;
mod bundle;
mod clients;
mod commands;
mod house;
mod readme;
mod scoreboard;
mod server;
mod tally;
mod tools;

use clap::{Parser, Subcommand};

/// Tasks of the Highwater project.
#[derive(Debug, Parser)]
#[command(name = "cargo x", bin_name = "cargo x", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build everything and start an exchange with a living market
    Run(commands::run::Options),
    /// Everything that continuous integration runs
    Test(commands::test::Options),
    /// The edit-and-test loop: formatting, lints and tests of the crates you changed
    Quick(commands::quick::Options),
    /// Check the house's own rules: table of crates, sizes, words, licences
    Check,
    /// Run the public clients, unmodified, against the release binary
    Conformance(commands::conformance::Options),
    /// Measure, as ratios within one run
    Bench(commands::bench::Options),
    /// Give every decoder of foreign bytes mutated ones, for as long as you like
    Fuzz(commands::fuzz::Options),
    /// Simulate the whole exchange on a disk, a clock and a network that misbehave: `[SEED] [--seeds N] [--commands N]`
    Sim(commands::sim::Options),
    /// Write the generated documents again
    Docs(commands::docs::Options),
    /// Break the exchange on purpose and count what was lost
    Drill(commands::drill::Options),
}

fn main() -> std::process::ExitCode {
    let result = match Cli::parse().command {
        Command::Run(options) => commands::run::run(&options),
        Command::Test(options) => commands::test::run(&options),
        Command::Quick(options) => commands::quick::run(&options),
        Command::Check => commands::check::run(),
        Command::Conformance(options) => commands::conformance::run(&options),
        Command::Bench(options) => commands::bench::run(&options),
        Command::Fuzz(options) => commands::fuzz::run(&options),
        Command::Sim(options) => commands::sim::run(&options),
        Command::Docs(options) => commands::docs::run(&options),
        Command::Drill(options) => commands::drill::run(&options),
    };
    match result {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo x: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
