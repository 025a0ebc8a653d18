//! `cargo x test`: everything that continuous integration runs.

use super::{check, conformance, drill};
use crate::tally::{self, Score, Tally};
use crate::{bundle, house, readme, server, tools};
use anyhow::Result;
use clap::Args;
use std::process::Command;

/// What `cargo x test` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Install missing system tools (Chromium, strace) with apt-get, as root
    #[arg(long)]
    install: bool,
    /// Only the steps whose name contains this word
    #[arg(long)]
    only: Option<String>,
}

/// The crates whose code is deterministic: no clock, no files, no threads, no floats. Their folders carry a clippy.toml.
pub const CORE: [&str; 11] = [
    "types",
    "protocol",
    "ledger",
    "instruments",
    "prices",
    "matching",
    "orders",
    "risk",
    "contract",
    "engine",
    "spot-rules",
];

/// Runs every step, goes on after a failure, and prints the total as the last line.
pub fn run(options: &Options) -> Result<bool> {
    let mut tally = Tally::default();
    let mut step = |name: &str, work: &dyn Fn() -> Result<Score>| {
        if options
            .only
            .as_ref()
            .is_none_or(|word| name.contains(word.as_str()))
        {
            tally.step(name, work);
        }
    };
    step("house rules", &check::score);
    step("formatting", &|| {
        one(house::cargo().args(["fmt", "--all", "--", "--check"]))
    });
    step("trading page", &web_tests);
    step("lints", &|| one(&mut lints()));
    step("lints of the core", &|| one(&mut core_lints()));
    step("crates", &|| {
        tally::count(
            house::cargo().args(["test", "--workspace", "--no-fail-fast"]),
            tally::cargo_line,
        )
    });
    step("release build", &|| {
        server::build().map(|_| Score::of(true))
    });
    step("README", &readme::check);
    step("conformance", &|| {
        conformance::score(&conformance::Options::short())
    });
    step("contract", &|| {
        conformance::contract(&conformance::Options::short())
    });
    step("drills", &|| drill::smoke(options.install));
    step("browser", &|| browser_tests(options.install));
    Ok(tally.close())
}

/// A program that is one test.
pub fn one(command: &mut Command) -> Result<Score> {
    house::must(command).map(|()| Score::of(true))
}

/// Everything, tests too. What only the core may not do is allowed here, because its tests may: they read files and print.
fn lints() -> Command {
    let mut clippy = house::cargo();
    clippy.args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    for lint in [
        "disallowed_types",
        "disallowed_methods",
        "disallowed_macros",
    ] {
        clippy.args(["-A", &format!("clippy::{lint}")]);
    }
    clippy
}

/// What the core may not do besides: arithmetic on floats, and printing.
fn core_lints() -> Command {
    let mut clippy = house::cargo();
    clippy.args(["clippy", "--quiet", "--lib"]);
    for name in CORE {
        clippy.args(["--package", name]);
    }
    clippy.args(["--", "-D", "warnings"]);
    for lint in [
        "float_arithmetic",
        "print_stderr",
        "disallowed_types",
        "disallowed_methods",
        "disallowed_macros",
    ] {
        clippy.args(["-D", &format!("clippy::{lint}")]);
    }
    clippy
}

fn web_tests() -> Result<Score> {
    let web = house::root().join("web");
    tools::node_modules(&web)?;
    bundle::build_if_stale()?;
    tally::count(
        Command::new(tools::npm()?)
            .args(["test", "--silent"])
            .current_dir(&web),
        tally::vitest_line,
    )
}

/// The page in a real browser against the real binary; screenshots go to `target/x/browser-shots`.
fn browser_tests(install: bool) -> Result<Score> {
    let web = house::root().join("web");
    let browser = match tools::browser(install) {
        Ok(browser) => browser,
        Err(error) => return tools::missing(&error),
    };
    tools::node_modules(&web)?;
    let data = house::empty_scratch("browser")?;
    let exchange = server::Server::start("browser", &data, &["--demo", "--listen", "127.0.0.1:0"])?;
    let score = tally::count(
        Command::new(tools::node()?)
            .arg("e2e/trade.mjs")
            .arg(exchange.address("web")?)
            .arg(house::empty_scratch("browser-shots")?)
            .current_dir(&web)
            .env("CHROMIUM", browser),
        tally::ok_line,
    )?;
    exchange.stop()?;
    Ok(score)
}
