//! `cargo x check`: the house's own rules, in a second.

use crate::architecture;
use crate::tally::{Score, Tally};
use anyhow::Result;

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
    Ok(score)
}
