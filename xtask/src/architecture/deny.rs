//! deny.toml without cargo-deny: what may not be used, where libraries may come from, and what may stand in the lock file twice; and
//! what deterministic crates may reach at all.

use super::metadata::{Library, Workspace};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// All that deterministic crates reach when they are built for use, and why each is harmless: none asks the machine for anything.
/// `cargo tree` shows who brings another.
const CORE_REACHES: [(&str, &str); 11] = [
    ("hashbrown", "tables with a hasher that we fix"),
    ("allocator-api2", "of hashbrown, where others turn it on"),
    ("equivalent", "of hashbrown, where others turn it on"),
    (
        "foldhash",
        "of hashbrown, where others turn it on: core names its hasher, and does not compile alone if it forgets to",
    ),
    ("xxhash-rust", "a hash"),
    ("thiserror", "words for errors"),
    ("thiserror-impl", "of thiserror, while compiling"),
    ("proc-macro2", "of thiserror, while compiling"),
    ("quote", "of thiserror, while compiling"),
    ("syn", "of thiserror, while compiling"),
    ("unicode-ident", "of thiserror, while compiling"),
];

fn parse(deny: &str) -> Result<Table> {
    deny.parse().context("deny.toml is not TOML")
}

/// The entries of a list in `[bans]`.
fn bans<'a>(deny: &'a Table, list: &str) -> impl Iterator<Item = &'a Value> {
    let list = deny.get("bans").and_then(|bans| bans.get(list));
    list.and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Libraries that `[bans] deny` names, unless all that use them are its `wrappers`; and versions that are any.
pub fn banned(workspace: &Workspace, deny: &str) -> Result<Vec<String>> {
    let deny = parse(deny)?;
    let mut findings = Vec::new();
    for entry in bans(&deny, "deny") {
        let (name, reason) = (text(entry, "crate"), text(entry, "reason"));
        let wrappers = entry.get("wrappers").and_then(Value::as_array);
        let wrappers: BTreeSet<&str> = wrappers
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for library in workspace.libraries.iter().filter(|l| l.name == name) {
            let others = library.users.iter().map(String::as_str);
            let others: Vec<&str> = others.filter(|user| !wrappers.contains(user)).collect();
            if wrappers.is_empty() || !others.is_empty() {
                findings.push(format!(
                    "{name} is used by {}, and [bans] deny in deny.toml says: {reason}; use something else there",
                    others.join(", ")
                ));
            }
        }
    }
    for (own, library) in &workspace.wildcards {
        findings.push(format!(
            "{own} takes any version of {library}: name one in [workspace.dependencies]"
        ));
    }
    Ok(findings)
}

/// Libraries that come from elsewhere than the registry.
pub fn sources(workspace: &Workspace) -> Vec<String> {
    let strange = |library: &&Library| {
        let source = library.source.as_deref().unwrap_or("a folder");
        !source.starts_with("registry+")
    };
    let strange = workspace.libraries.iter().filter(strange);
    strange
        .map(|library| {
            format!(
                "{} {} comes from {}: use a version that was released to the registry",
                library.name,
                library.version,
                library
                    .source
                    .as_deref()
                    .unwrap_or("a folder that is not a member of the workspace")
            )
        })
        .collect()
}

/// Libraries in more than one version that `[bans] skip` does not name, and names there that are in one version alone.
pub fn doubles(workspace: &Workspace, deny: &str) -> Result<Vec<String>> {
    let deny = parse(deny)?;
    let skipped: BTreeSet<&str> = bans(&deny, "skip").map(|e| text(e, "crate")).collect();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for library in &workspace.libraries {
        let known = versions.entry(&library.name).or_default();
        known.insert(&library.version);
    }
    let mut findings = Vec::new();
    for (name, versions) in versions {
        let listed: Vec<&str> = versions.iter().copied().collect();
        match (versions.len() > 1, skipped.contains(name)) {
            (true, false) => findings.push(format!(
                "{name} is in the lock file as {}: bring its users to one version, or name it with a reason in [bans] skip of deny.toml",
                listed.join(" and ")
            )),
            (false, true) => findings.push(format!(
                "{name} is in the lock file once: take it out of [bans] skip in deny.toml"
            )),
            _ => {}
        }
    }
    Ok(findings)
}

/// Is this the folder of a crate whose every run must be the same?
pub fn is_deterministic(folder: &str) -> bool {
    folder == "types"
        || folder == "protocol"
        || folder.starts_with("core/")
        || (folder.starts_with("products/") && folder.ends_with("/rules"))
}

/// Libraries that deterministic crates reach and that are not known to be harmless.
pub fn core_reaches(workspace: &Workspace) -> Vec<String> {
    let harmless: BTreeSet<&str> = CORE_REACHES.iter().map(|(name, _)| *name).collect();
    let mut findings = Vec::new();
    for own in workspace.crates.values() {
        let strange = own.reaches.iter().filter(|name| {
            !harmless.contains(name.as_str()) && !workspace.crates.contains_key(*name)
        });
        for name in strange.filter(|_| is_deterministic(&own.folder)) {
            findings.push(format!(
                "{} reaches {name}: deterministic crates reach only libraries of which somebody has read that they touch no clock, thread, file or random source (CORE_REACHES in xtask/src/architecture/deny.rs)",
                own.folder
            ));
        }
        for name in own.uses.iter().filter(|_| is_deterministic(&own.folder)) {
            let folder = &workspace.crates[name].folder;
            if !is_deterministic(folder) {
                findings.push(format!(
                    "{} uses {folder}, which is not deterministic",
                    own.folder
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::metadata::Crate;

    const DENY: &str = r#"
        [bans]
        deny = [
            { crate = "openssl", reason = "one is enough" },
            { crate = "time", wrappers = ["certs"], reason = "one calendar" },
        ]
        skip = [{ crate = "rand" }, { crate = "gone" }]
    "#;

    fn library(name: &str, version: &str, users: &[&str]) -> Library {
        Library {
            name: name.into(),
            version: version.into(),
            source: Some("registry+x".into()),
            users: users.iter().map(|user| (*user).to_string()).collect(),
        }
    }

    fn workspace(libraries: Vec<Library>) -> Workspace {
        Workspace {
            libraries,
            ..Workspace::default()
        }
    }

    #[test]
    fn a_ban_holds_except_for_its_wrappers() {
        let found = |libraries| banned(&workspace(libraries), DENY).unwrap().len();
        assert_eq!(found(vec![library("time", "1", &["certs"])]), 0);
        assert_eq!(found(vec![library("time", "1", &["certs", "ours"])]), 1);
        assert_eq!(found(vec![library("openssl", "1", &["ours"])]), 1);
        let mut any = workspace(Vec::new());
        any.wildcards.push(("ours".into(), "serde".into()));
        assert_eq!(banned(&any, DENY).unwrap().len(), 1);
    }

    #[test]
    fn two_versions_need_a_reason_and_one_needs_none() {
        let two = |name| vec![library(name, "1", &[]), library(name, "2", &[])];
        let found = |libraries| doubles(&workspace(libraries), DENY).unwrap();
        assert!(found(two("rand")).is_empty());
        assert_eq!(found(two("serde")).len(), 1);
        let once = found(vec![library("gone", "1", &[])]);
        assert_eq!(once.len(), 1, "{once:?}");
    }

    #[test]
    fn a_library_of_a_repository_is_refused() {
        let mut strange = library("fork", "1", &[]);
        strange.source = Some("git+https://example.org/fork".into());
        assert_eq!(sources(&workspace(vec![strange])).len(), 1);
        assert!(sources(&workspace(vec![library("serde", "1", &[])])).is_empty());
    }

    #[test]
    fn what_the_core_reaches_is_named() {
        let mut all = workspace(Vec::new());
        let own = |folder: &str, library: &str| Crate {
            name: folder.into(),
            folder: folder.into(),
            uses: BTreeSet::new(),
            reaches: BTreeSet::from([library.to_string()]),
        };
        for (folder, library) in [
            ("core/a", "hashbrown"),
            ("core/b", "rand"),
            ("gateways/c", "rand"),
            ("products/d/rules", "tokio"),
        ] {
            all.crates.insert(folder.into(), own(folder, library));
        }
        assert_eq!(core_reaches(&all).len(), 2);
    }
}
