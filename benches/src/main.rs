//! Measurements, each a ratio taken side by side in one run: `cargo x bench [engine|durable|recovery|http]`.
//!
//! Absolute figures belong to the machine and the hour; ratios of interleaved pairs travel. Each bench prints what it ran, every pair, and the
//! median with its spread.

mod core_engine;
mod durable;
mod flow;
mod http;
mod load;
mod recovery;
mod stats;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    bench: Option<Bench>,
}

#[derive(Subcommand)]
enum Bench {
    /// The book and the full engine against a book of maps and queues.
    Engine {
        #[arg(long, default_value_t = 500_000)]
        commands: usize,
        #[arg(long, default_value_t = 5)]
        pairs: usize,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// The queue with its journal on the disk against the same without.
    Durable {
        #[arg(long, default_value_t = 200_000)]
        commands: usize,
        #[arg(long, default_value_t = 5)]
        pairs: usize,
    },
    /// Commands replayed per second when a journal is opened.
    Recovery {
        #[arg(long, default_value_t = 500_000)]
        commands: usize,
    },
    /// Orders over HTTP (HMAC, durable, answered) against an axum hello on the same cores.
    Http {
        #[arg(long, default_value_t = 5)]
        pairs: usize,
        #[arg(long, default_value_t = 3)]
        seconds: u64,
        #[arg(long, default_value_t = 64)]
        connections: usize,
    },
    /// The peer of `http`: a hello served by axum. Prints its address.
    #[command(hide = true)]
    Hello,
}

fn main() -> Result<()> {
    match Cli::parse().bench {
        Some(Bench::Engine {
            commands,
            pairs,
            seed,
        }) => core_engine::run(commands, pairs, seed),
        Some(Bench::Durable { commands, pairs }) => durable::run(commands, pairs),
        Some(Bench::Recovery { commands }) => recovery::run(commands),
        Some(Bench::Http {
            pairs,
            seconds,
            connections,
        }) => http::run(pairs, seconds, connections),
        Some(Bench::Hello) => http::hello(),
        None => {
            core_engine::run(500_000, 5, 1)?;
            durable::run(200_000, 5)?;
            recovery::run(500_000)?;
            http::run(5, 3, 64)
        }
    }
}
