//! The house's own rules, checked: the table of crates in ARCHITECTURE.md against `cargo metadata`,
//! the size of files and functions, words that must not occur, where `unsafe` may stand, licences.
//!
//! Each check answers with findings, sentences that say what was found, what was expected and what to do.

mod deny;
mod metadata;
mod pure;
mod sizes;
mod table;
mod words;

pub use metadata::Workspace;

use crate::house;
use anyhow::{Context, Result};
use std::path::Path;

/// One rule and what breaks it.
#[derive(Debug)]
pub struct Check {
    /// The rule in a few words.
    pub name: &'static str,
    /// What breaks it; empty when it is kept.
    pub findings: Vec<String>,
}

/// Runs every check on the working tree.
pub fn checks() -> Result<Vec<Check>> {
    let root = house::root();
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md"))
        .context("cannot read ARCHITECTURE.md")?;
    let rows = table::parse(&text)?;
    let workspace = Workspace::load()?;
    let files = house::files()?;
    let licences =
        std::fs::read_to_string(root.join("deny.toml")).context("cannot read deny.toml")?;
    let mut checks = vec![
        Check {
            name: "every crate has its row, every row its folder",
            findings: table::homeless(&rows, &workspace, &files),
        },
        Check {
            name: "crates depend on what the table allows",
            findings: table::trespasses(&rows, &workspace),
        },
        Check {
            name: "libraries that a crate must never reach",
            findings: table::forbidden_libraries(&rows, &workspace),
        },
        Check {
            name: "links in the documents lead somewhere",
            findings: words::broken_links(&root, &files)?,
        },
        Check {
            name: "no file above 800 lines",
            findings: sizes::long_files(&root, &files)?,
        },
        Check {
            name: "no function above 70 lines",
            findings: sizes::long_functions(&root, &files)?,
        },
        Check {
            name: "no host names of registries, no paths of a machine",
            findings: words::forbidden(&root, &files)?,
        },
        Check {
            name: "unsafe only with a written reason in the crate's header",
            findings: words::unsafe_code(&root, &files)?,
        },
        Check {
            name: "clocks, files and floats are banned in every deterministic crate",
            findings: words::core_bans(&root, &workspace)?,
        },
        Check {
            name: "crates open with a description",
            findings: words::without_description(&root, &workspace)?,
        },
        Check {
            name: "licences of the libraries are on the list",
            findings: metadata::licences(&workspace, &licences)?,
        },
    ];
    checks.extend(of_libraries(&root, &workspace, &licences, &files)?);
    Ok(checks)
}

/// What deny.toml says, and what deterministic crates may name and reach.
fn of_libraries(
    root: &Path,
    workspace: &Workspace,
    deny: &str,
    files: &[String],
) -> Result<Vec<Check>> {
    Ok(vec![
        Check {
            name: "no library that deny.toml bans, none in any version",
            findings: deny::banned(workspace, deny)?,
        },
        Check {
            name: "libraries come from the registry",
            findings: deny::sources(workspace),
        },
        Check {
            name: "libraries in two versions are named with a reason",
            findings: deny::doubles(workspace, deny)?,
        },
        Check {
            name: "deterministic crates reach only libraries that are known to be harmless",
            findings: deny::core_reaches(workspace),
        },
        Check {
            name: "deterministic crates name no clock, thread, file, float or random source",
            findings: pure::impure(root, files)?,
        },
    ])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_keeps_its_own_rules() {
        let checks = super::checks().expect("the checks could be made");
        let broken: Vec<String> = checks
            .iter()
            .flat_map(|c| c.findings.iter().map(move |f| format!("{}: {f}", c.name)))
            .collect();
        assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
    }
}
