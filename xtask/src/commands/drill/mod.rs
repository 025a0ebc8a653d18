//! `cargo x drill`: break the exchange on purpose and count what was lost.
//!
//! An oracle is a program of its own in conformance/drills: it knows the exchange only through its public
//! API and keeps its own log of what was acknowledged. Other drills are tests of a crate that are given more time.

mod report;
mod table;

use crate::tally::{self, Score, Tally};
use crate::{house, server, tools};
use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::process::Command;
use table::{DRILLS, Drill, How};

/// What `cargo x drill` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Which ones, by id; none: list them
    drills: Vec<String>,
    /// Every one
    #[arg(long)]
    all: bool,
    /// Seconds for each; by default each has its own
    #[arg(long)]
    budget: Option<u64>,
    /// Where the random numbers start; it is printed, and written into the log
    #[arg(long)]
    seed: Option<u64>,
    /// Install strace with apt-get, as root
    #[arg(long)]
    install: bool,
    /// Only write docs/reliability.md anew from the log
    #[arg(long)]
    report: bool,
}

/// Runs what was asked for, notes the figures in the log and writes the page.
pub fn run(options: &Options) -> Result<bool> {
    if options.report {
        report::write()?;
        return Ok(true);
    }
    let chosen: Vec<&Drill> = match options.all {
        true => DRILLS.iter().collect(),
        false => options
            .drills
            .iter()
            .map(|id| find(id))
            .collect::<Result<_>>()?,
    };
    if chosen.is_empty() {
        list();
        return Ok(true);
    }
    server::build()?;
    let mut tally = Tally::default();
    for drill in chosen {
        let title = format!("{} {}", drill.id, drill.promise);
        tally.step(&title, || {
            let budget = options.budget.unwrap_or(drill.budget);
            let (score, figures) = one(drill, budget, options.seed, options.install)?;
            report::note(&figures)?;
            Ok(score)
        });
    }
    report::write()?;
    Ok(tally.close())
}

/// The short part of every drill that has one: for `cargo x test`.
pub fn smoke(install: bool) -> Result<Score> {
    let mut score = Score::default();
    for drill in DRILLS {
        if let Some(seconds) = drill.smoke {
            println!("  {} {}", drill.id, drill.promise);
            score.add(one(drill, seconds, None, install)?.0);
        }
    }
    Ok(score)
}

fn find(id: &str) -> Result<&'static Drill> {
    let wanted = |drill: &&Drill| drill.id.eq_ignore_ascii_case(id);
    match DRILLS.iter().find(wanted) {
        Some(drill) => Ok(drill),
        None => bail!("there is no drill {id}; `cargo x drill` lists them"),
    }
}

fn list() {
    for drill in DRILLS {
        println!("{}  {:>4} s  {}", drill.id, drill.budget, drill.promise);
    }
    println!(
        "\n`cargo x drill D01 --seed 1 --budget 60` runs one, `--all` every one; figures go to docs/drills.jsonl and docs/reliability.md."
    );
}

/// One drill: its score, and its figures as the log has them.
fn one(drill: &Drill, budget: u64, seed: Option<u64>, install: bool) -> Result<(Score, Value)> {
    let (score, mut figures) = match drill.how {
        How::Oracle { file, strace } => {
            let mut oracle = oracle(file, drill.id)?;
            oracle.args(["--budget", &budget.to_string()]);
            if let Some(seed) = seed {
                oracle.args(["--seed", &seed.to_string()]);
            }
            if strace {
                match tools::strace(install) {
                    Ok(strace) => oracle.arg("--strace").arg(strace),
                    Err(error) => return Ok((tools::missing(&error)?, Value::Null)),
                };
            }
            watched(&mut oracle, tally::plain_line)?
        }
        How::Tests {
            package,
            filter,
            variable,
            per_second,
        } => {
            let count = (budget * per_second / filter.len() as u64).max(1);
            let mut score = Score::default();
            for word in filter {
                let mut cargo = house::cargo();
                cargo.args(["test", "--release", "--quiet", "-p", package, word]);
                cargo.env(variable, count.to_string());
                score.add(tally::count(&mut cargo, tally::cargo_line)?);
            }
            let figures = json!({"tests": score.passed + score.failed, "cases_of_each": count});
            (score, figures)
        }
    };
    figures["drill"] = drill.id.into();
    figures["budget"] = budget.into();
    figures["commit"] = report::commit().into();
    figures["pass"] = (score.failed == 0 && score.passed > 0).into();
    Ok((score, figures))
}

/// Runs a program; answers its score and the last line that was an object.
fn watched(command: &mut Command, read: impl Fn(&str) -> Score) -> Result<(Score, Value)> {
    let found = RefCell::new(json!({}));
    let score = tally::count(command, |line| {
        if line.starts_with('{')
            && let Ok(figures) = serde_json::from_str(line)
        {
            found.replace(figures);
        }
        read(line)
    })?;
    Ok((score, found.into_inner()))
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
