//! `cargo x sim [SEED]`: seeds of the simulator, one line of figures at the end.
// This is a command-line program: standard output is its screen.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use simulator::{End, Markers};

/// Simulates the whole exchange on a disk, a clock and a network that misbehave.
#[derive(Debug, Parser)]
#[command(name = "cargo x sim", max_term_width = 100)]
struct Cli {
    /// The first seed
    #[arg(default_value_t = 1)]
    seed: u64,
    /// How many seeds; one alone tells more
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Commands of each seed
    #[arg(long, default_value_t = 3_000)]
    commands: u64,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    println!("seed {} and {} after it", cli.seed, cli.seeds - 1);
    let begun = Instant::now();
    let mut markers = Markers::default();
    let (mut commands, mut records, mut crashes, mut failed) = (0, 0, 0, 0u64);
    let (mut detected, mut excused) = (0, 0);
    for seed in cli.seed..cli.seed.saturating_add(cli.seeds) {
        match std::panic::catch_unwind(|| simulator::run(seed, cli.commands))
            .unwrap_or_else(|_| Err("a panic".to_owned()))
        {
            Ok(ran) => {
                commands += ran.commands;
                records += ran.records;
                crashes += ran.crashes;
                detected += u64::from(ran.end == End::Detected);
                excused += u64::from(ran.end == End::Excused);
                markers.add(&ran.markers);
            }
            Err(why) => {
                failed += 1;
                println!("seed {seed}: {why}");
                println!("  again: cargo x sim {seed} --commands {}", cli.commands);
            }
        }
    }
    for name in simulator::markers::ALL {
        println!("{:>9}  {name}", markers.count(name));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let figures = serde_json::json!({
        "seed": cli.seed, "seeds": cli.seeds, "commands": commands, "records": records, "crashes": crashes,
        "violations": failed, "damage_detected": detected, "damage_excused": excused,
        "markers": simulator::markers::ALL.len(), "markers_never_met": markers.missing(),
        "commands_per_second": (commands as f64 / seconds).round() as u64,
    });
    println!("{figures}");
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
