//! `cargo x conformance`: public clients, unmodified, against the release binary; a scoreboard in docs/conformance.md.

use crate::server::Server;
use crate::tally::Score;
use crate::{house, server, tools};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// What `cargo x conformance` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// How long clients build local books from the demo's streams
    #[arg(long, default_value_t = 120)]
    book_seconds: u32,
    /// Only the clients whose name contains this word; leaves docs/conformance.md alone
    #[arg(long)]
    only: Option<String>,
}

impl Options {
    /// As `cargo x test` runs it.
    pub fn short() -> Options {
        Options {
            book_seconds: 20,
            only: None,
        }
    }

    /// As `cargo x docs` runs it.
    pub fn full() -> Options {
        Options {
            book_seconds: 120,
            only: None,
        }
    }
}

/// One client's script: what it is called, its program, and whether it wants the demo's market.
struct Script {
    client: &'static str,
    file: &'static str,
    demo: bool,
}

const SCRIPTS: [Script; 7] = [
    Script {
        client: "binance-sdk-spot (Python)",
        file: "python/official.py",
        demo: false,
    },
    Script {
        client: "ccxt (Python)",
        file: "python/ccxt_spot.py",
        demo: false,
    },
    Script {
        client: "python-binance",
        file: "python/python_binance.py",
        demo: false,
    },
    Script {
        client: "plain HTTP",
        file: "python/wire.py",
        demo: false,
    },
    Script {
        client: "@binance/spot (Node)",
        file: "node/official.mjs",
        demo: false,
    },
    Script {
        client: "ccxt (Node)",
        file: "node/ccxt_spot.mjs",
        demo: false,
    },
    Script {
        client: "local books",
        file: "python/books.py",
        demo: true,
    },
];

/// Builds, runs every client, prints the scoreboard, and answers whether all checks passed.
pub fn run(options: &Options) -> Result<bool> {
    server::build()?;
    let score = score(options)?;
    println!("{} passed, {} failed", score.passed, score.failed);
    Ok(score.failed == 0 && score.passed > 0)
}

/// One check that a script made.
#[derive(Debug)]
struct Row {
    client: String,
    area: String,
    check: String,
    pass: bool,
    detail: String,
}

/// Runs the clients against the binary that is already built.
pub fn score(options: &Options) -> Result<Score> {
    let python = tools::python()?;
    let node = tools::node()?;
    let folder = house::root().join("conformance");
    tools::node_modules(&folder.join("node"))?;
    let scratch = house::empty_scratch("conformance")?;
    let mut rows = Vec::new();
    let wanted = |s: &&Script| {
        options
            .only
            .as_ref()
            .is_none_or(|w| s.client.contains(w.as_str()) || s.file.contains(w.as_str()))
    };
    for (demo, mode) in [(false, "--sandbox"), (true, "--demo")] {
        let scripts: Vec<&Script> = SCRIPTS
            .iter()
            .filter(wanted)
            .filter(|s| s.demo == demo)
            .collect();
        if scripts.is_empty() {
            continue;
        }
        let name = mode.trim_start_matches("--");
        let exchange = Server::start(
            &format!("conformance-{name}"),
            &scratch.join(name),
            &[mode, "--listen", "127.0.0.1:0"],
        )?;
        for script in scripts {
            house::say(script.client);
            let program = if script.file.ends_with(".py") {
                &python
            } else {
                &node
            };
            let out = scratch.join(format!("{}.jsonl", script.file.replace('/', "-")));
            rows.extend(run_script(
                script,
                program,
                &folder,
                &exchange,
                &out,
                options.book_seconds,
            )?);
        }
        exchange.stop()?;
    }
    let board = scoreboard(&rows);
    println!("{board}");
    if options.only.is_none() {
        std::fs::write(
            house::root().join("docs/conformance.md"),
            document(&rows, &board, &versions(&folder)?),
        )
        .context("cannot write docs/conformance.md")?;
    }
    Ok(Score {
        passed: rows.iter().filter(|r| r.pass).count() as u64,
        failed: rows.iter().filter(|r| !r.pass).count() as u64,
    })
}

fn run_script(
    script: &Script,
    program: &Path,
    folder: &Path,
    exchange: &Server,
    out: &Path,
    seconds: u32,
) -> Result<Vec<Row>> {
    let status = Command::new(program)
        .arg(folder.join(script.file))
        .env("HIGHWATER_READY", exchange.ready.to_string())
        .env("HIGHWATER_ROWS", out)
        .env("HIGHWATER_BOOK_SECONDS", seconds.to_string())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1")
        .current_dir(folder.join(if script.file.ends_with(".py") {
            "python"
        } else {
            "node"
        }))
        .status()
        .with_context(|| format!("cannot run {}", script.file))?;
    let text = std::fs::read_to_string(out).unwrap_or_default();
    let mut rows = Vec::new();
    for line in text.lines() {
        rows.push(row(script.client, line)?);
    }
    // A script ends with 0 whatever its checks say; anything else means that it broke off.
    let finished = status.success() && !rows.is_empty();
    let detail = if finished {
        String::new()
    } else {
        format!(
            "{} ended with {status} after {} checks",
            script.file,
            rows.len()
        )
    };
    rows.push(Row {
        client: script.client.into(),
        area: "script".into(),
        check: "ran to its end".into(),
        pass: finished,
        detail,
    });
    for row in rows.iter().filter(|r| !r.pass) {
        println!("  FAILED {}: {}: {}", row.area, row.check, row.detail);
    }
    println!(
        "  {} of {} checks passed",
        rows.iter().filter(|r| r.pass).count(),
        rows.len()
    );
    Ok(rows)
}

fn row(client: &str, line: &str) -> Result<Row> {
    let json: Value = serde_json::from_str(line)
        .with_context(|| format!("{client} wrote a row that is no JSON: {line}"))?;
    let field = |name: &str| json[name].as_str().unwrap_or("").to_string();
    let (Some(pass), false) = (json["pass"].as_bool(), field("check").is_empty()) else {
        bail!("{client} wrote a row without check or verdict: {line}");
    };
    Ok(Row {
        client: client.into(),
        area: field("area"),
        check: field("check"),
        pass,
        detail: field("detail"),
    })
}

/// Client by area: passed of all.
fn scoreboard(rows: &[Row]) -> String {
    let mut clients: BTreeMap<&str, BTreeMap<&str, (usize, usize)>> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.area != "script") {
        let cell = clients
            .entry(&row.client)
            .or_default()
            .entry(&row.area)
            .or_default();
        cell.0 += usize::from(row.pass);
        cell.1 += 1;
    }
    let mut text = String::from("| client | area | passed | of |\n|---|---|---:|---:|\n");
    for (client, areas) in &clients {
        for (area, (passed, all)) in areas {
            let _ = writeln!(text, "| {client} | {area} | {passed} | {all} |");
        }
    }
    let passed = rows.iter().filter(|r| r.pass).count();
    let _ = writeln!(text, "| **all** | | **{passed}** | **{}** |", rows.len());
    text
}

fn document(rows: &[Row], board: &str, versions: &str) -> String {
    let mut text = String::from(
        "# Conformance\n\nWritten by `cargo x conformance`; do not edit. Public clients, unmodified, with only the address changed, \
         run against the release binary. A check is one line below.\n\n## Scoreboard\n\n",
    );
    text.push_str(board);
    let _ = write!(text, "\nVersions: {versions}\n");
    let mut heading = (String::new(), String::new());
    for row in rows {
        if row.client != heading.0 {
            let _ = write!(text, "\n## {}\n", row.client);
            heading = (row.client.clone(), String::new());
        }
        if row.area != heading.1 {
            let _ = write!(text, "\n**{}**\n\n", row.area);
            heading.1.clone_from(&row.area);
        }
        let mark = if row.pass { "" } else { "**failed**: " };
        let _ = writeln!(text, "- {mark}{}", row.check);
    }
    text
}

/// The clients' versions, as they are pinned.
fn versions(folder: &Path) -> Result<String> {
    let pins = std::fs::read_to_string(folder.join("python/requirements.txt"))
        .context("cannot read the pinned requirements")?;
    let mut named: Vec<String> = pins
        .lines()
        .filter(|l| {
            ["binance-sdk-spot==", "ccxt==", "python-binance=="]
                .iter()
                .any(|p| l.starts_with(p))
        })
        .map(|l| l.replace("==", " ") + " (Python)")
        .collect();
    let package = std::fs::read_to_string(folder.join("node/package.json"))
        .context("cannot read conformance/node/package.json")?;
    let package: Value = serde_json::from_str(&package)?;
    for (name, version) in package["dependencies"].as_object().into_iter().flatten() {
        named.push(format!("{name} {} (Node)", version.as_str().unwrap_or("?")));
    }
    Ok(named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_a_scoreboard_and_a_document_without_times() {
        let rows = vec![
            row("a", r#"{"area":"orders","check":"place","pass":true}"#).expect("row"),
            row(
                "a",
                r#"{"area":"orders","check":"cancel","pass":false,"detail":"500 after 12 ms"}"#,
            )
            .expect("row"),
        ];
        let board = scoreboard(&rows);
        assert!(board.contains("| a | orders | 1 | 2 |"), "{board}");
        let text = document(&rows, &board, "a 1");
        assert!(
            text.contains("- place")
                && text.contains("- **failed**: cancel")
                && !text.contains("12 ms")
        );
        assert!(row("a", r#"{"area":"orders","check":"place"}"#).is_err());
    }
}
