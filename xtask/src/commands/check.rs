//! `cargo x check`: the house's own rules, in a second.

use crate::tally::{Score, Tally};
use crate::{architecture, house, tools};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

/// Prints every rule and what breaks it.
pub fn run() -> Result<bool> {
    let mut tally = Tally::default();
    tally.step("house rules", score);
    Ok(tally.close())
}

/// The rules as one step of a run; each rule is a test.
pub fn score() -> Result<Score> {
    let mut score = Score::default();
    for check in architecture::checks()? {
        score.add(Score::of(check.findings.is_empty()));
        println!(
            "  {} {}",
            if check.findings.is_empty() {
                "ok    "
            } else {
                "FAILED"
            },
            check.name
        );
        for finding in &check.findings {
            println!("         {finding}");
        }
    }
    if let Some(deny) = tools::find(&["cargo-deny"]) {
        score.add(with_the_tool(&deny)?);
    }
    Ok(score)
}

/// deny.toml as its own tool reads it, where that is installed; the checks above read the same lists without it. Advisories would need the network.
fn with_the_tool(deny: &Path) -> Result<Score> {
    let told = Command::new(deny)
        .args(["--offline", "--log-level", "error", "check"])
        .args(["bans", "licenses", "sources"])
        .current_dir(house::root())
        .output()
        .context("cannot start cargo-deny")?;
    let passed = told.status.success();
    println!(
        "  {} cargo-deny agrees",
        if passed { "ok    " } else { "FAILED" }
    );
    if !passed {
        print!("{}", String::from_utf8_lossy(&told.stderr));
    }
    Ok(Score::of(passed))
}
