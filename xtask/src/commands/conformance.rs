//! `cargo x conformance`: public clients, unmodified, against the release binary; a scoreboard in docs/conformance.md.

use crate::clients::{CONTRACT, SCRIPTS, Script};
use crate::scoreboard::{self, Board, Row};
use crate::server::Server;
use crate::tally::Score;
use crate::{house, server};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::Path;

/// What `cargo x conformance` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// How long clients build local books from the demo's streams
    #[arg(long, default_value_t = 120)]
    book_seconds: u32,
    /// Only the clients whose name contains this word; leaves docs/conformance.md alone
    #[arg(long)]
    only: Option<String>,
    /// Also the clients that take long; leaves docs/conformance.md alone
    #[arg(long)]
    all_clients: bool,
    /// Only the contract, method by method: a row each, and that part of docs/conformance.md
    #[arg(long)]
    contract: bool,
}

impl Options {
    /// As `cargo x test` runs it.
    pub fn short() -> Options {
        Options {
            book_seconds: 20,
            only: None,
            all_clients: false,
            contract: false,
        }
    }

    /// As `cargo x docs` runs it.
    pub fn full() -> Options {
        Options {
            book_seconds: 120,
            only: None,
            all_clients: false,
            contract: false,
        }
    }

    fn wants(&self, script: &Script) -> bool {
        self.only
            .as_ref()
            .map_or(self.all_clients || !script.on_demand, |w| {
                script.client.contains(w.as_str()) || script.file.contains(w.as_str())
            })
    }
}

/// Builds, runs every client, prints the scoreboard, and answers whether all checks passed.
pub fn run(options: &Options) -> Result<bool> {
    server::build()?;
    let score = if options.contract {
        contract(options)?
    } else {
        score(options)?
    };
    println!("{} passed, {} failed", score.passed, score.failed);
    Ok(score.failed == 0 && score.passed > 0)
}

/// Runs the clients against the binary that is already built.
pub fn score(options: &Options) -> Result<Score> {
    let folder = house::root().join("conformance");
    let scratch = house::empty_scratch("conformance")?;
    let mut board = Board::new(&folder)?;
    for (demo, mode) in [(false, "--sandbox"), (true, "--demo")] {
        let scripts: Vec<&Script> = SCRIPTS
            .iter()
            .filter(|s| s.demo == demo && options.wants(s))
            .collect();
        if !scripts.is_empty() {
            let whole = in_mode(mode, &scripts, &folder, &scratch, options, &mut board);
            board.add(vec![verdict(
                &format!("highwater run {mode}"),
                "exchange",
                "starts, serves and stops with 0",
                whole,
            )]);
        }
    }
    let table = board.table();
    println!("{table}");
    if options.only.is_none() && !options.all_clients {
        let path = house::root().join("docs/conformance.md");
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        let clients = board.document(&scoreboard::versions(&folder)?);
        let clients = scoreboard::with_on_demand(&clients, &folder)?;
        std::fs::write(
            path,
            scoreboard::join(&clients, scoreboard::contract_part(&before)),
        )
        .context("cannot write docs/conformance.md")?;
    }
    Ok(board.score())
}

/// Every line of the contract against the binary that is already built. Lines that are known to be missing stand in
/// conformance/contract-gaps.txt; one that fails and is not there, or passes and is, fails the run.
pub fn contract(options: &Options) -> Result<Score> {
    let folder = house::root().join("conformance");
    let scratch = house::empty_scratch("contract")?;
    let mut board = Board::with_gaps(&folder.join("contract-gaps.txt"))?;
    in_mode(
        "--sandbox",
        &[&CONTRACT],
        &folder,
        &scratch,
        options,
        &mut board,
    )?;
    let lines = board.lines();
    println!("{lines}");
    let path = house::root().join("docs/conformance.md");
    let before = std::fs::read_to_string(&path).context("cannot read docs/conformance.md")?;
    std::fs::write(
        path,
        scoreboard::join(scoreboard::clients_part(&before), &lines),
    )
    .context("cannot write docs/conformance.md")?;
    Ok(board.score())
}

/// One exchange and the scripts that want it.
fn in_mode(
    mode: &str,
    scripts: &[&Script],
    folder: &Path,
    scratch: &Path,
    options: &Options,
    board: &mut Board,
) -> Result<()> {
    let name = mode.trim_start_matches("--");
    let exchange = Server::start(
        &format!("conformance-{name}"),
        &scratch.join(name),
        &[mode, "--listen", "127.0.0.1:0", "--fix", "127.0.0.1:0"],
    )?;
    for script in scripts {
        house::say(script.client);
        let out = scratch.join(format!("{}.jsonl", script.file.replace('/', "-")));
        let ended = script
            .prepare(folder)
            .and_then(|program| script.run(program, &exchange, &out, options.book_seconds));
        let mut rows = Vec::new();
        for line in std::fs::read_to_string(&out).unwrap_or_default().lines() {
            rows.push(Row::read(script.client, line)?);
        }
        let count = rows.len();
        let ended = ended.and_then(|()| {
            ensure!(count > 0, "it made no check");
            Ok(())
        });
        rows.push(verdict(script.client, "script", "ran to its end", ended));
        board.add(rows);
    }
    exchange.stop()
}

fn verdict(client: &str, area: &str, check: &str, result: Result<()>) -> Row {
    let detail = result
        .as_ref()
        .err()
        .map_or(String::new(), |e| format!("{e:#}"));
    Row {
        client: client.into(),
        area: area.into(),
        check: check.into(),
        pass: result.is_ok(),
        detail,
    }
}
