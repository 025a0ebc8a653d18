//! The log of drills, and the page that is made from it.

use super::table::{DRILLS, MISSING};
use crate::house;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;

const LOG: &str = "docs/drills.jsonl";
const PAGE: &str = "docs/reliability.md";

/// Appends one run.
pub fn note(figures: &Value) -> Result<()> {
    let path = house::root().join(LOG);
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    writeln!(file, "{figures}")?;
    Ok(())
}

/// What is checked out, with a plus when files differ from it.
pub fn commit() -> String {
    let git = |args: &[&str]| {
        house::text(
            std::process::Command::new("git")
                .current_dir(house::root())
                .args(args),
        )
        .map(|text| text.trim().to_owned())
    };
    let head = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|_| "unknown".to_owned());
    let dirty = git(&["status", "--porcelain"]).is_ok_and(|files| !files.is_empty());
    format!("{head}{}", if dirty { "+" } else { "" })
}

/// The last run of a drill that took at least half of its full budget, else the last of all.
fn last<'a>(runs: &'a [Value], id: &str, budget: u64) -> Option<&'a Value> {
    let of = |run: &&&'a Value| run["drill"] == id;
    let full = |run: &&&Value| run["budget"].as_u64().is_some_and(|b| b * 2 >= budget);
    let all: Vec<&Value> = runs.iter().collect();
    let rows = || all.iter().filter(of);
    rows().rfind(full).or_else(|| rows().next_back()).copied()
}

/// The figures of a run in words: each name with its value.
fn figures(run: &Value) -> String {
    let own = ["drill", "seed", "commit", "budget", "pass", "machine"];
    let Some(fields) = run.as_object() else {
        return String::new();
    };
    let told = fields
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()));
    let told: Vec<String> = told
        .map(|(name, value)| {
            let value = value.to_string().replace('"', "").replace('|', "/");
            format!("{} {value}", name.replace('_', " "))
        })
        .collect();
    told.join("; ")
}

/// Writes the page anew.
pub fn write() -> Result<()> {
    let log = std::fs::read_to_string(house::root().join(LOG)).unwrap_or_default();
    let runs: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let mut page = String::from(
        "# Reliability: what is promised, and the drill that proves it\n\n\
         Made by `cargo x drill --report` from [drills.jsonl](drills.jsonl); do not edit. A drill breaks the exchange on purpose and counts. Its oracle is a\n\
         program of its own that knows the exchange only through its public API, its system calls and its own log. `cargo x drill` lists them, `cargo x drill D01\n\
         --seed S --budget 600` runs one; `cargo x test` runs a short part of each. Zero in N trials says, with 95 % confidence, less than 3 in N.\n\n",
    );
    for drill in DRILLS {
        writeln!(page, "## {}: {}\n", drill.id, drill.promise)?;
        writeln!(page, "- How: {}.", drill.method)?;
        writeln!(page, "- Demanded: {}.", drill.demands)?;
        match last(&runs, drill.id, drill.budget) {
            None => writeln!(page, "- Not run in full yet.\n")?,
            Some(run) => {
                let verdict = if run["pass"] == true {
                    "passed"
                } else {
                    "FAILED"
                };
                writeln!(
                    page,
                    "- Last run: {verdict}, {} s at commit {}, seed {}: {}.\n",
                    run["budget"],
                    run["commit"].as_str().unwrap_or("unknown"),
                    run.get("seed").unwrap_or(&Value::Null),
                    figures(run)
                )?;
            }
        }
    }
    page.push_str("## Not drilled yet\n\n| drill | what there is |\n|---|---|\n");
    for (id, state) in MISSING {
        writeln!(page, "| {id} | {state} |")?;
    }
    let path = house::root().join(PAGE);
    std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    house::say(&format!("wrote {PAGE}"));
    Ok(())
}
