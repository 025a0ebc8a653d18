//! `cargo x quick`: formatting, lints and tests of the crates that you changed.

use super::{check, test};
use crate::architecture::Workspace;
use crate::house;
use crate::tally::{self, Tally};
use anyhow::Result;
use clap::Args;
use std::collections::BTreeSet;
use std::process::Command;

/// What `cargo x quick` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Compare with this commit; by default the last one, so that only uncommitted work counts
    #[arg(long, default_value = "HEAD")]
    since: String,
    /// Also the crates that use the changed ones
    #[arg(long)]
    users: bool,
}

/// Checks what changed.
pub fn run(options: &Options) -> Result<bool> {
    let workspace = Workspace::load()?;
    let mut changed = changed_crates(&workspace, &changed_files(&options.since)?);
    if options.users {
        changed = with_users(&workspace, changed);
    }
    if changed.is_empty() {
        println!("No crate changed since {}.", options.since);
        return Ok(true);
    }
    println!(
        "Changed since {}: {}",
        options.since,
        changed.iter().cloned().collect::<Vec<_>>().join(", ")
    );
    let packages: Vec<String> = changed
        .iter()
        .flat_map(|name| ["--package".to_string(), name.clone()])
        .collect();
    let mut tally = Tally::default();
    tally.step("house rules", check::score);
    tally.step("formatting", || {
        test::one(
            house::cargo()
                .arg("fmt")
                .args(&packages)
                .args(["--", "--check"]),
        )
    });
    tally.step("lints", || {
        test::one(
            house::cargo()
                .args(["clippy", "--quiet", "--all-targets"])
                .args(&packages)
                .args(["--", "-D", "warnings"]),
        )
    });
    tally.step("tests", || {
        tally::count(
            house::cargo().args(["test", "--quiet"]).args(&packages),
            tally::cargo_line,
        )
    });
    Ok(tally.close())
}

fn changed_files(since: &str) -> Result<Vec<String>> {
    let root = house::root();
    let diff = house::text(
        Command::new("git")
            .args(["diff", "--name-only", since])
            .current_dir(&root),
    )?;
    let new = house::text(
        Command::new("git")
            .args(["ls-files", "--others", "--exclude-standard"])
            .current_dir(&root),
    )?;
    Ok(diff
        .lines()
        .chain(new.lines())
        .map(str::to_string)
        .collect())
}

fn changed_crates(workspace: &Workspace, files: &[String]) -> BTreeSet<String> {
    workspace
        .crates
        .values()
        .filter(|c| {
            files
                .iter()
                .any(|f| f.starts_with(&format!("{}/", c.folder)))
        })
        .map(|c| c.name.clone())
        .collect()
}

fn with_users(workspace: &Workspace, changed: BTreeSet<String>) -> BTreeSet<String> {
    let mut all = changed.clone();
    for own in workspace.crates.values() {
        if changed.iter().any(|c| own.reaches.contains(c)) {
            all.insert(own.name.clone());
        }
    }
    all
}
