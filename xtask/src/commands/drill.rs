//! `cargo x drill`: break the exchange on purpose and count what was lost.
//!
//! The oracle is a program of its own in conformance/drills: it knows the exchange only through its public
//! API and keeps its own log of what was acknowledged.

use crate::tally::{self, Score};
use crate::{house, server, tools};
use anyhow::Result;
use clap::{Args, Subcommand};
use std::process::Command;

/// What `cargo x drill` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(subcommand)]
    drill: Drill,
}

#[derive(Debug, Subcommand)]
enum Drill {
    /// SIGKILL during load, many times: nothing acknowledged is lost or doubled
    Kill(Kill),
    /// strace: no acknowledgement reaches a socket before its record is on disk
    Acks(Acks),
}

/// The kill drill.
#[derive(Debug, Args)]
pub struct Kill {
    /// How many times to kill
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Where the random numbers start; printed first
    #[arg(long)]
    seed: Option<u64>,
}

impl Kill {
    /// As `cargo x test` runs it.
    pub fn short() -> Kill {
        Kill {
            kills: 5,
            seed: None,
        }
    }
}

/// The drill of acknowledgements.
#[derive(Debug, Args)]
pub struct Acks {
    /// How many acknowledgements to watch
    #[arg(long, default_value_t = 10_000)]
    acks: u32,
    /// Run the exchange with `--durability none` and demand that the drill finds violations
    #[arg(long)]
    sabotage: bool,
    /// Install strace with apt-get, as root
    #[arg(long)]
    install: bool,
}

impl Acks {
    /// As `cargo x test` runs it.
    pub fn short(install: bool) -> Acks {
        Acks {
            acks: 1_000,
            sabotage: false,
            install,
        }
    }
}

/// Builds and runs one drill.
pub fn run(options: &Options) -> Result<bool> {
    server::build()?;
    let score = match &options.drill {
        Drill::Kill(kill) => self::kill(kill)?,
        Drill::Acks(acks) => self::acks(acks)?,
    };
    println!("{} passed, {} failed", score.passed, score.failed);
    Ok(score.failed == 0 && score.passed > 0)
}

/// SIGKILL during load.
pub fn kill(options: &Kill) -> Result<Score> {
    let mut oracle = oracle("kill.py", "kill")?;
    oracle.args(["--kills", &options.kills.to_string()]);
    if let Some(seed) = options.seed {
        oracle.args(["--seed", &seed.to_string()]);
    }
    tally::count(&mut oracle, tally::plain_line)
}

/// The order of writes to disk and to sockets; then once more without durability, which the drill must notice.
pub fn acks(options: &Acks) -> Result<Score> {
    let strace = match tools::strace(options.install) {
        Ok(strace) => strace,
        Err(error) => return tools::missing(&error),
    };
    let mut oracle = oracle("acks.py", "acks")?;
    oracle
        .args(["--acks", &options.acks.to_string()])
        .arg("--strace")
        .arg(strace);
    if options.sabotage {
        oracle.arg("--sabotage");
    }
    tally::count(&mut oracle, tally::plain_line)
}

fn oracle(file: &str, name: &str) -> Result<Command> {
    let python = tools::python()?;
    let mut command = Command::new(python);
    command
        .arg(house::root().join("conformance/drills").join(file))
        .arg("--binary")
        .arg(server::binary())
        .arg("--scratch")
        .arg(house::empty_scratch(&format!("drill-{name}"))?)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1");
    Ok(command)
}
