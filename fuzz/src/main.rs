//! `cargo x fuzz [TARGET] [--seconds N] [--seed S]`: gives decoders mutated bytes for so long.
// This crate's program: standard output is its screen.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use clap::Parser;

/// Give decoders of foreign bytes mutated ones, and stop at the first that panics.
#[derive(Debug, Parser)]
#[command(name = "cargo x fuzz", bin_name = "cargo x fuzz", max_term_width = 100)]
struct Cli {
    /// Which decoder; all of them when none is named
    target: Option<String>,
    /// How long for each
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The same number makes the same inputs; by default another one every second
    #[arg(long)]
    seed: Option<u64>,
    /// List the decoders and end
    #[arg(long)]
    list: bool,
}

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    if cli.list {
        for target in fuzz::TARGETS {
            println!("{:14} {}", target.name, target.says);
        }
        return std::process::ExitCode::SUCCESS;
    }
    let wanted = |name: &str| cli.target.as_deref().is_none_or(|target| target == name);
    let chosen: Vec<_> = fuzz::TARGETS.iter().filter(|t| wanted(t.name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = fuzz::TARGETS.iter().map(|t| t.name).collect();
        eprintln!("no such target; there are {}", names.join(", "));
        return std::process::ExitCode::FAILURE;
    }
    let seed = cli.seed.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |now| now.as_secs())
    });
    for target in chosen {
        let end = Instant::now() + Duration::from_secs(cli.seconds);
        match fuzz::run::run(target, seed, |_| Instant::now() < end) {
            Ok(report) => println!(
                "{:14} seed {seed}: {} inputs, {} outcomes, nothing found",
                target.name,
                report.inputs,
                report.outcomes.len()
            ),
            Err(finding) => {
                println!("FOUND with seed {seed}: {finding}");
                return std::process::ExitCode::FAILURE;
            }
        }
    }
    std::process::ExitCode::SUCCESS
}
