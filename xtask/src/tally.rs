//! Counting: steps with a name, a time, and how many of their tests passed and failed.

use crate::house;
use anyhow::Result;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one step came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
}

impl Score {
    /// A step that is one test.
    pub fn of(ok: bool) -> Score {
        Score {
            passed: u64::from(ok),
            failed: u64::from(!ok),
        }
    }

    /// Adds another score to this one.
    pub fn add(&mut self, other: Score) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The whole run: steps go on after a failure, so that one run shows everything.
#[derive(Debug, Default)]
pub struct Tally {
    steps: Vec<(String, Score, Duration)>,
}

impl Tally {
    /// Runs one step. An error is one failed test, and its text is shown.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<Score>) {
        house::say(name);
        let start = Instant::now();
        let score = work().unwrap_or_else(|error| {
            println!("  {name}: {error:#}");
            Score::of(false)
        });
        let took = start.elapsed();
        let verdict = if score.failed == 0 { "ok" } else { "FAILED" };
        println!(
            "  {verdict}: {name}: {} passed, {} failed, {:.1} s",
            score.passed,
            score.failed,
            took.as_secs_f64()
        );
        self.steps.push((name.to_string(), score, took));
    }

    /// Prints the table of steps and, as the last line, the total. Answers whether nothing failed.
    pub fn close(&self) -> bool {
        let mut total = Score::default();
        println!();
        for (name, score, took) in &self.steps {
            total.add(*score);
            let verdict = if score.failed == 0 {
                "ok    "
            } else {
                "FAILED"
            };
            println!(
                "{verdict} {name:<28} {:>6} passed {:>4} failed {:>8.1} s",
                score.passed,
                score.failed,
                took.as_secs_f64()
            );
        }
        println!();
        println!("{} passed, {} failed", total.passed, total.failed);
        total.failed == 0 && total.passed > 0
    }
}

/// Runs a program, shows its standard output line by line and hands each line to `read`, which may
/// recognise a count. A program that fails without having counted a failure counts as one.
pub fn count(command: &mut Command, mut read: impl FnMut(&str) -> Score) -> Result<Score> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut score = Score::default();
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).lines() {
            let line = line?;
            score.add(read(&line));
            println!("  {line}");
        }
    }
    let status = child.wait()?;
    if !status.success() && score.failed == 0 {
        println!("  {} ended with {status}", house::shown(command));
        score.failed = 1;
    }
    Ok(score)
}

/// Reads cargo's `test result: ok. 12 passed; 0 failed; …`.
pub fn cargo_line(line: &str) -> Score {
    let Some(rest) = line.strip_prefix("test result: ") else {
        return Score::default();
    };
    Score {
        passed: before(rest, " passed"),
        failed: before(rest, " failed"),
    }
}

/// Reads the plain closing line `12 passed, 0 failed`, which our own scripts print.
pub fn plain_line(line: &str) -> Score {
    let mut words = line.split(' ');
    match (
        words.next(),
        words.next(),
        words.next(),
        words.next(),
        words.next(),
    ) {
        (Some(p), Some("passed,"), Some(f), Some("failed"), None) => match (p.parse(), f.parse()) {
            (Ok(passed), Ok(failed)) => Score { passed, failed },
            _ => Score::default(),
        },
        _ => Score::default(),
    }
}

/// Reads a line that tells of one step that went well: `ok  the book moves`.
pub fn ok_line(line: &str) -> Score {
    Score {
        passed: u64::from(line.starts_with("ok ")),
        failed: 0,
    }
}

/// Reads vitest's `Tests  3 passed (3)` or `Tests  1 failed | 2 passed (3)`.
pub fn vitest_line(line: &str) -> Score {
    let plain = without_colour(line);
    let Some(rest) = plain.trim_start().strip_prefix("Tests ") else {
        return Score::default();
    };
    Score {
        passed: before(rest, " passed"),
        failed: before(rest, " failed"),
    }
}

/// The number that stands before a word, or 0.
fn before(text: &str, word: &str) -> u64 {
    let Some(at) = text.find(word) else { return 0 };
    let head = &text[..at];
    let digits = head.len() - head.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    head[head.len() - digits..].parse().unwrap_or(0)
}

fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut inside = false;
    for c in line.chars() {
        match (inside, c) {
            (false, '\x1b') => inside = true,
            (true, 'm') => inside = false,
            (false, c) => plain.push(c),
            (true, _) => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_the_runners_are_understood() {
        let score = |passed, failed| Score { passed, failed };
        assert_eq!(
            cargo_line("test result: ok. 12 passed; 3 failed; 0 ignored"),
            score(12, 3)
        );
        assert_eq!(cargo_line("running 12 tests"), score(0, 0));
        assert_eq!(plain_line("7 passed, 2 failed"), score(7, 2));
        assert_eq!(plain_line("  7 passed, 2 failed"), score(0, 0));
        assert_eq!(plain_line("there are 7 passed, 2 failed"), score(0, 0));
        assert_eq!(
            vitest_line("\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m5 passed\x1b[39m (5)"),
            score(5, 0)
        );
        assert_eq!(vitest_line(" Tests  1 failed | 4 passed (5)"), score(4, 1));
    }

    #[test]
    fn a_step_that_errs_is_one_failure_and_the_run_goes_on() {
        let mut tally = Tally::default();
        tally.step("broken", || anyhow::bail!("on purpose"));
        tally.step("fine", || {
            Ok(Score {
                passed: 2,
                failed: 0,
            })
        });
        assert!(!tally.close());
        assert_eq!(tally.steps.len(), 2);
        assert_eq!(tally.steps[0].1, Score::of(false));
    }

    #[test]
    fn a_run_without_any_test_is_not_a_success() {
        assert!(!Tally::default().close());
    }

    #[test]
    fn a_program_that_fails_silently_counts_as_one_failure() {
        let score = count(Command::new("false").arg("x"), plain_line);
        assert_eq!(score.ok(), Some(Score::of(false)));
    }
}
