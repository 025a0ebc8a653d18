//! The table of crates in ARCHITECTURE.md, read as rules.
//!
//! A row's second cell names folders in backticks (`gateways/{rest,ws}`, `products/*/rules`), its fourth
//! what they may use, its fifth, in backticks, libraries that they must never reach. Plain words are for people,
//! except *everything* in the fourth cell.

use super::Workspace;
use anyhow::{Result, bail};

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    folders: Vec<String>,
    may_use: Vec<String>,
    everything: bool,
    never: Vec<String>,
}

/// Reads the first table of the document.
pub fn parse(text: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let lines = text
        .lines()
        .skip_while(|l| !l.starts_with("| # |"))
        .take_while(|l| l.starts_with('|'));
    for line in lines.skip(2) {
        let cells: Vec<&str> = line
            .trim()
            .trim_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let [_, folder, _, uses, never] = cells[..] else {
            bail!(
                "ARCHITECTURE.md: this row has {} cells, not the 5 of its heading: {line}",
                cells.len()
            );
        };
        rows.push(Row {
            folders: ticked(folder).iter().flat_map(|f| braces(f)).collect(),
            may_use: ticked(uses).iter().flat_map(|f| braces(f)).collect(),
            everything: uses.starts_with("everything"),
            never: ticked(never),
        });
    }
    if rows.is_empty() {
        bail!("ARCHITECTURE.md has no table that starts with \"| # | folder |\"");
    }
    Ok(rows)
}

/// Crates that no row names, and rows that name a folder that is not there.
pub fn homeless(rows: &[Row], workspace: &Workspace, files: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for own in workspace.crates.values() {
        if row_of(rows, &own.folder).is_none() {
            findings.push(format!(
                "the crate `{}` in {} is in no row of ARCHITECTURE.md: say there what its one responsibility is and what it may use, or give its code to a crate that has a row",
                own.name, own.folder
            ));
        }
    }
    for folder in rows.iter().flat_map(|r| &r.folders) {
        let there = files.iter().any(|f| within(folder, f));
        if !there {
            findings.push(format!(
                "ARCHITECTURE.md has a row for {folder}, where there is no file: take the row out until the folder has something to say"
            ));
        }
    }
    findings
}

/// Dependencies among our crates that the table does not allow.
pub fn trespasses(rows: &[Row], workspace: &Workspace) -> Vec<String> {
    let mut findings = Vec::new();
    for own in workspace.crates.values() {
        let Some(row) = row_of(rows, &own.folder) else {
            continue;
        };
        for used in &own.uses {
            let Some(used) = workspace.crates.get(used) else {
                continue;
            };
            let allowed = row.everything || row.may_use.iter().any(|p| matches(p, &used.folder));
            if !allowed {
                findings.push(format!(
                    "`{}` ({}) depends on `{}` ({}), but ARCHITECTURE.md lets it use only {}: move the code to a crate that may use both, pass the value in, or change the table in the same commit and write down why in docs/decisions",
                    own.name, own.folder, used.name, used.folder, words(&row.may_use)
                ));
            }
        }
    }
    findings
}

/// Libraries that a row forbids and that a crate reaches all the same, perhaps through another.
pub fn forbidden_libraries(rows: &[Row], workspace: &Workspace) -> Vec<String> {
    let mut findings = Vec::new();
    for own in workspace.crates.values() {
        let Some(row) = row_of(rows, &own.folder) else {
            continue;
        };
        for library in row.never.iter().filter(|l| own.reaches.contains(*l)) {
            findings.push(format!(
                "`{}` reaches the library {library}, which its row in ARCHITECTURE.md says it never does: find the way with `cargo tree -p {} -i {library}` and cut it",
                own.name, own.name
            ));
        }
    }
    findings
}

/// The most exact row for a folder: one that names it, before one that matches it with a star.
fn row_of<'a>(rows: &'a [Row], folder: &str) -> Option<&'a Row> {
    let exact = rows.iter().find(|r| r.folders.iter().any(|f| f == folder));
    exact.or_else(|| {
        rows.iter()
            .find(|r| r.folders.iter().any(|f| matches(f, folder)))
    })
}

fn words(list: &[String]) -> String {
    if list.is_empty() {
        "nothing of ours".into()
    } else {
        list.join(", ")
    }
}

/// The backticked words of a cell.
fn ticked(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_string)
        .collect()
}

/// `a/{b,c}` → `a/b`, `a/c`.
fn braces(pattern: &str) -> Vec<String> {
    match (pattern.split_once('{'), pattern.split_once('}')) {
        (Some((head, _)), Some((middle, tail))) => {
            let inner = middle.split_once('{').map_or("", |(_, inner)| inner);
            inner
                .split(',')
                .map(|part| format!("{head}{}{tail}", part.trim()))
                .collect()
        }
        _ => vec![pattern.to_string()],
    }
}

/// Whether a pattern, in which `*` stands for one folder name, is this folder.
fn matches(pattern: &str, folder: &str) -> bool {
    let mut wanted = pattern.split('/');
    let mut parts = folder.split('/');
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(w), Some(p)) if w == p => {}
            _ => return false,
        }
    }
}

/// Whether a file lies in the folder that a pattern names.
fn within(pattern: &str, file: &str) -> bool {
    let depth = pattern.split('/').count();
    let head: Vec<&str> = file.split('/').take(depth).collect();
    file.split('/').count() > depth && matches(pattern, &head.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Crate;
    use super::*;

    const TABLE: &str = "\
# A house
| # | folder | its one responsibility | may use | never |
|---|---|---|---|---|
| 1 | `types` | words | nothing | `serde_json`, JSON |
| 2 | `core/{ledger,risk}` | money | `types` | |
| 3 | `products/*/rules` | products | `types`, `core/*` | another product |
| – | `node` | wiring | everything | logic |

| # | other table |
";

    fn workspace(crates: &[(&str, &str, &[&str], &[&str])]) -> Workspace {
        let mut workspace = Workspace::default();
        for (name, folder, uses, reaches) in crates {
            let set = |s: &[&str]| s.iter().map(ToString::to_string).collect();
            let own = Crate {
                name: (*name).into(),
                folder: (*folder).into(),
                uses: set(uses),
                reaches: set(reaches),
            };
            workspace.crates.insert((*name).into(), own);
        }
        workspace
    }

    #[test]
    fn the_table_is_read() {
        let rows = parse(TABLE).expect("parsed");
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[1].folders, ["core/ledger", "core/risk"]);
        assert_eq!(rows[0].never, ["serde_json"]);
        assert!(rows[3].everything && !rows[2].everything);
    }

    #[test]
    fn what_the_table_allows_passes() {
        let rows = parse(TABLE).expect("parsed");
        let fine = workspace(&[
            ("types", "types", &[], &[]),
            ("ledger", "core/ledger", &["types"], &["types"]),
            ("spot", "products/spot/rules", &["ledger", "types"], &[]),
            ("node", "node", &["spot", "ledger"], &["serde_json"]),
        ]);
        assert!(trespasses(&rows, &fine).is_empty());
        assert!(forbidden_libraries(&rows, &fine).is_empty());
    }

    #[test]
    fn a_planted_trespass_is_found() {
        let rows = parse(TABLE).expect("parsed");
        let bad = workspace(&[
            ("types", "types", &[], &["serde_json"]),
            ("ledger", "core/ledger", &["spot"], &[]),
            ("spot", "products/spot/rules", &["earn"], &[]),
            ("earn", "products/earn/rules", &[], &[]),
        ]);
        let found = trespasses(&rows, &bad);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("`ledger` (core/ledger) depends on `spot`"),
            "{}",
            found[0]
        );
        assert!(
            found[1].contains("`spot` (products/spot/rules) depends on `earn`"),
            "{}",
            found[1]
        );
        assert_eq!(forbidden_libraries(&rows, &bad).len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_folder_are_found() {
        let rows = parse(TABLE).expect("parsed");
        let bad = workspace(&[("types", "types", &[], &[]), ("attic", "attic", &[], &[])]);
        let files = [
            "types/src/lib.rs",
            "core/ledger/Cargo.toml",
            "core/risk/a.rs",
            "node/b.rs",
        ]
        .map(String::from);
        let found = homeless(&rows, &bad, &files);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("the crate `attic`"));
        assert!(found[1].contains("products/*/rules"));
    }
}
