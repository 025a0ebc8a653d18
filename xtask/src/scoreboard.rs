//! The conformance scoreboard: rows, known gaps, and docs/conformance.md.
//!
//! A gap is a check that is known to fail and whose reason is written in conformance/gaps.txt. It is shown as a gap, and fails
//! nothing. A check that is listed there and passes is a failure: the list must not outlive its reasons.

use crate::tally::Score;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Where the part about clients on demand begins; conformance/on-demand.md holds it.
const ON_DEMAND: &str = "## Clients on demand\n";

/// Where the contract's part of docs/conformance.md begins; it is the last part.
const CONTRACT: &str = "## The contract, line by line\n";

/// What stands in the document before the contract.
pub fn clients_part(document: &str) -> &str {
    document.split(CONTRACT).next().unwrap_or("")
}

/// The contract's part of the document, with its heading; empty when there is none.
pub fn contract_part(document: &str) -> &str {
    document.find(CONTRACT).map_or("", |at| &document[at..])
}

/// The clients' part, with what conformance/on-demand.md says of those that run on demand.
pub fn with_on_demand(clients: &str, folder: &Path) -> Result<String> {
    let text = std::fs::read_to_string(folder.join("on-demand.md"))
        .context("cannot read conformance/on-demand.md")?;
    if !text.starts_with(ON_DEMAND) {
        bail!("conformance/on-demand.md must begin with {ON_DEMAND:?}");
    }
    Ok(format!("{}\n\n{text}", clients.trim_end()))
}

/// Both parts as one document.
pub fn join(clients: &str, contract: &str) -> String {
    if contract.is_empty() {
        return clients.into();
    }
    format!("{}\n\n{contract}", clients.trim_end())
}

/// One check that a script made.
#[derive(Debug, Clone)]
pub struct Row {
    /// The client.
    pub client: String,
    /// A heading within the client.
    pub area: String,
    /// What was checked.
    pub check: String,
    /// Whether it held.
    pub pass: bool,
    /// Why not.
    pub detail: String,
}

impl Row {
    /// Reads the JSON line that a script wrote.
    pub fn read(client: &str, line: &str) -> Result<Row> {
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
}

/// A known gap: client, area and check as in the row, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gap {
    client: String,
    area: String,
    check: String,
    reason: String,
}

/// All rows of a run, beside the known gaps.
#[derive(Debug, Default)]
pub struct Board {
    rows: Vec<Row>,
    gaps: Vec<Gap>,
}

impl Board {
    /// With the gaps of `conformance/gaps.txt`.
    pub fn new(folder: &Path) -> Result<Board> {
        Board::with_gaps(&folder.join("gaps.txt"))
    }

    /// With the gaps of another list.
    pub fn with_gaps(list: &Path) -> Result<Board> {
        let text = std::fs::read_to_string(list)
            .with_context(|| format!("cannot read {}", list.display()))?;
        Ok(Board {
            rows: Vec::new(),
            gaps: read_gaps(&text)?,
        })
    }

    /// Takes rows, and prints those that failed.
    pub fn add(&mut self, rows: Vec<Row>) {
        for row in rows.iter().filter(|r| !r.pass) {
            let kind = if self.gap(row).is_some() {
                "gap   "
            } else {
                "FAILED"
            };
            println!("  {kind} {}: {}: {}", row.area, row.check, row.detail);
        }
        println!(
            "  {} of {} checks passed",
            rows.iter().filter(|r| r.pass).count(),
            rows.len()
        );
        self.rows.extend(rows);
    }

    fn gap(&self, row: &Row) -> Option<&Gap> {
        self.gaps
            .iter()
            .find(|g| g.client == row.client && g.area == row.area && g.check == row.check)
    }

    /// Gaps that are none any more.
    fn closed(&self) -> Vec<&Row> {
        self.rows
            .iter()
            .filter(|r| r.pass && self.gap(r).is_some())
            .collect()
    }

    /// Passed and failed; gaps are neither, closed gaps are failures.
    pub fn score(&self) -> Score {
        for row in self.closed() {
            println!(
                "  FAILED {}: {}: {}: passes, so take it out of the list of gaps",
                row.client, row.area, row.check
            );
        }
        let failed = self
            .rows
            .iter()
            .filter(|r| !r.pass && self.gap(r).is_none())
            .count();
        let closed = self.closed().len();
        Score {
            passed: (self.rows.iter().filter(|r| r.pass).count() - closed) as u64,
            failed: (failed + closed) as u64,
        }
    }

    /// Client by area: passed of all.
    pub fn table(&self) -> String {
        let mut clients: BTreeMap<&str, BTreeMap<&str, (usize, usize)>> = BTreeMap::new();
        for row in &self.rows {
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
        let passed = self.rows.iter().filter(|r| r.pass).count();
        let _ = writeln!(
            text,
            "| **all** | | **{passed}** | **{}** |",
            self.rows.len()
        );
        text
    }

    /// The contract's part of docs/conformance.md: a line per method and stream, and the totals. The row that says that the
    /// script ran to its end is no line of the contract.
    pub fn lines(&self) -> String {
        let rows: Vec<&Row> = self.rows.iter().filter(|r| r.area != "script").collect();
        let mut text = format!(
            "{CONTRACT}\nWritten by `cargo x conformance --contract`. *Yes*: the official SDK, unmodified, calls it and gets an instance \
             of its own model with something in it.\n\n**{} of {}**\n\n| method or stream | over | client | typed answer |\n|---|---|---|---|\n",
            rows.iter().filter(|r| r.pass).count(),
            rows.len()
        );
        for row in rows {
            let answer = match (row.pass, self.gap(row)) {
                (true, _) => "yes".into(),
                (false, Some(gap)) => format!("no: {}", gap.reason),
                (false, None) => "**no**".to_string(),
            };
            let over = row.area.trim_start_matches("contract: ");
            let _ = writeln!(
                text,
                "| `{}` | {over} | {} | {answer} |",
                row.check, row.client
            );
        }
        text
    }

    /// docs/conformance.md. No times and no details, so that it changes only when a verdict does.
    pub fn document(&self, versions: &str) -> String {
        let mut text = String::from(
            "# Conformance\n\nWritten by `cargo x conformance`; do not edit. Public clients, unmodified, with only the address changed, \
             run against the release binary. A check is one line below; a known gap says why.\n\n## Scoreboard\n\n",
        );
        text.push_str(&self.table());
        let _ = write!(text, "\nVersions: {versions}\n");
        let mut heading = (String::new(), String::new());
        for row in &self.rows {
            if row.client != heading.0 {
                let _ = write!(text, "\n## {}\n", row.client);
                heading = (row.client.clone(), String::new());
            }
            if row.area != heading.1 {
                let _ = write!(text, "\n**{}**\n\n", row.area);
                heading.1.clone_from(&row.area);
            }
            let _ = match (row.pass, self.gap(row)) {
                (true, _) => writeln!(text, "- {}", row.check),
                (false, Some(gap)) => writeln!(text, "- *gap*: {}: {}", row.check, gap.reason),
                (false, None) => writeln!(text, "- **failed**: {}", row.check),
            };
        }
        text
    }
}

/// Reads `client | area | check | reason` lines; `#` starts a comment.
fn read_gaps(text: &str) -> Result<Vec<Gap>> {
    let mut gaps = Vec::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
    {
        let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [client, area, check, reason] = parts[..] else {
            bail!("a list of gaps holds lines \"client | area | check | reason\"; found: {line}");
        };
        gaps.push(Gap {
            client: client.into(),
            area: area.into(),
            check: check.into(),
            reason: reason.into(),
        });
    }
    Ok(gaps)
}

/// The clients' versions, as they are pinned.
pub fn versions(folder: &Path) -> Result<String> {
    let pins = std::fs::read_to_string(folder.join("python/requirements.txt"))
        .context("cannot read the pinned requirements")?;
    let clients = [
        "binance-fix-connector==",
        "binance-sdk-spot==",
        "ccxt==",
        "python-binance==",
        "python_binance==",
    ];
    let mut named: Vec<String> = pins
        .lines()
        .filter(|l| clients.iter().any(|c| l.starts_with(c)))
        .map(|l| l.replace("==", " ").replace('_', "-") + " (Python)")
        .collect();
    let package = std::fs::read_to_string(folder.join("node/package.json"))
        .context("cannot read conformance/node/package.json")?;
    let package: Value = serde_json::from_str(&package)?;
    for (name, version) in package["dependencies"].as_object().into_iter().flatten() {
        named.push(format!("{name} {} (Node)", version.as_str().unwrap_or("?")));
    }
    let cargo = std::fs::read_to_string(folder.join("rust/Cargo.toml"))
        .context("cannot read conformance/rust/Cargo.toml")?;
    let sdk = cargo
        .lines()
        .find_map(|l| l.strip_prefix("binance-sdk = { version = \""));
    if let Some(version) = sdk.and_then(|l| l.split('"').next()) {
        named.push(format!("binance-sdk {version} (Rust)"));
    }
    Ok(named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(gaps: &str) -> Board {
        let line = |name: &str, pass: bool| {
            format!(r#"{{"area":"orders","check":"{name}","pass":{pass},"detail":"after 12 ms"}}"#)
        };
        let mut board = Board {
            rows: Vec::new(),
            gaps: read_gaps(gaps).expect("gaps"),
        };
        board.add(vec![
            Row::read("a", &line("place", true)).expect("row"),
            Row::read("a", &line("cancel", false)).expect("row"),
        ]);
        board
    }

    #[test]
    fn rows_become_a_table_and_a_document_without_times() {
        let board = board("");
        assert_eq!(
            board.score(),
            Score {
                passed: 1,
                failed: 1
            }
        );
        assert!(board.table().contains("| a | orders | 1 | 2 |"));
        let text = board.document("a 1");
        assert!(
            text.contains("- place")
                && text.contains("- **failed**: cancel")
                && !text.contains("12 ms")
        );
        assert!(Row::read("a", r#"{"area":"orders","check":"place"}"#).is_err());
    }

    #[test]
    fn the_contract_is_the_last_part_and_each_part_is_written_alone() {
        let lines = board("a | orders | cancel | comes later").lines();
        assert!(lines.contains("**1 of 2**") && lines.contains("| `place` | orders | a | yes |"));
        assert!(lines.contains("| `cancel` | orders | a | no: comes later |"));
        let whole = join("# Conformance\n", &lines);
        assert_eq!(contract_part(&whole), lines);
        assert_eq!(
            join(clients_part(&whole), contract_part(&whole)),
            whole,
            "writing one part must leave the other"
        );
        assert_eq!(join("# Conformance\n", ""), "# Conformance\n");
    }

    #[test]
    fn a_known_gap_is_neither_passed_nor_failed_and_says_why() {
        let board = board("# known\na | orders | cancel | comes with the next issue\n");
        assert_eq!(
            board.score(),
            Score {
                passed: 1,
                failed: 0
            }
        );
        assert!(
            board
                .document("a 1")
                .contains("- *gap*: cancel: comes with the next issue")
        );
    }

    #[test]
    fn a_gap_that_is_closed_must_leave_the_list() {
        let board = board("a | orders | place | was missing\na | orders | cancel | missing");
        assert_eq!(
            board.score(),
            Score {
                passed: 0,
                failed: 1
            }
        );
    }

    #[test]
    fn a_gap_without_a_reason_is_refused() {
        assert!(read_gaps("a | orders | place").is_err());
    }
}
