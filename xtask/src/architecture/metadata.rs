//! What `cargo metadata` knows: our crates, what they depend on, and the libraries behind them.

use crate::house;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One crate of ours.
#[derive(Debug, Clone)]
pub struct Crate {
    /// The package's name.
    pub name: String,
    /// Its folder, relative to the root: `core/ledger`.
    pub folder: String,
    /// Names of the crates of ours that its product needs (test-only dependencies are not in it).
    pub uses: BTreeSet<String>,
    /// Names of all libraries that its product reaches.
    pub reaches: BTreeSet<String>,
}

/// All crates of ours and the licences of everything else.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Our crates, by name.
    pub crates: BTreeMap<String, Crate>,
    /// Library name and version → licence expression.
    pub licences: BTreeMap<String, String>,
    /// Everything that is not ours.
    pub libraries: Vec<Library>,
    /// Which crate of ours takes any version (`*`) of which library.
    pub wildcards: Vec<(String, String)>,
}

/// One version of one library.
#[derive(Debug, Clone)]
pub struct Library {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from, as cargo says; `None`: a folder.
    pub source: Option<String>,
    /// Names of what depends on it directly.
    pub users: BTreeSet<String>,
}

impl Workspace {
    /// Asks cargo.
    pub fn load() -> Result<Workspace> {
        let text = house::text(house::cargo().args(["metadata", "--format-version", "1"]))?;
        let json: Value = serde_json::from_str(&text).context("cargo metadata printed no JSON")?;
        Self::read(&json)
    }

    fn read(json: &Value) -> Result<Workspace> {
        let root = json["workspace_root"]
            .as_str()
            .context("no workspace_root")?;
        let members: BTreeSet<&str> = strings(&json["workspace_members"]).collect();
        let mut names = BTreeMap::new();
        let mut workspace = Workspace::default();
        for package in list(&json["packages"]) {
            let id = package["id"].as_str().context("a package without id")?;
            let name = package["name"].as_str().context("a package without name")?;
            names.insert(id, name);
            if members.contains(id) {
                let manifest = package["manifest_path"]
                    .as_str()
                    .context("no manifest_path")?;
                let folder = manifest.trim_start_matches(root).trim_start_matches('/');
                let folder = folder
                    .trim_end_matches("Cargo.toml")
                    .trim_end_matches('/')
                    .to_string();
                let own = Crate {
                    name: name.into(),
                    folder,
                    uses: BTreeSet::new(),
                    reaches: BTreeSet::new(),
                };
                workspace.crates.insert(name.into(), own);
            } else {
                let version = package["version"].as_str().unwrap_or("?");
                let licence = package["license"].as_str().unwrap_or("none stated");
                workspace
                    .licences
                    .insert(format!("{name} {version}"), licence.to_string());
                workspace.libraries.push(Library {
                    name: name.into(),
                    version: version.into(),
                    source: package["source"].as_str().map(str::to_string),
                    users: users(json, id),
                });
                continue;
            }
            let any = list(&package["dependencies"])
                .filter(|d| d["req"].as_str() == Some("*") && d["path"].is_null())
                .filter_map(|d| d["name"].as_str());
            let taken = any.map(|library| (name.to_string(), library.to_string()));
            workspace.wildcards.extend(taken);
        }
        let graph = edges(json);
        for own in workspace.crates.values_mut() {
            let Some(id) = members.iter().find(|id| names[**id] == own.name) else {
                continue;
            };
            for next in graph.get(*id).into_iter().flatten() {
                if members.contains(next) {
                    own.uses.insert(names[next].to_string());
                }
            }
            own.reaches = closure(&graph, id)
                .into_iter()
                .map(|id| names[id].to_string())
                .collect();
        }
        Ok(workspace)
    }
}

/// Package id → ids of what its product needs. Test-only dependencies are left out: they ship nowhere.
fn edges(json: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for node in list(&json["resolve"]["nodes"]) {
        let Some(id) = node["id"].as_str() else {
            continue;
        };
        let entry = graph.entry(id).or_default();
        for dep in list(&node["deps"]) {
            let shipped = list(&dep["dep_kinds"]).any(|k| k["kind"].as_str() != Some("dev"));
            if let (true, Some(to)) = (shipped, dep["pkg"].as_str()) {
                entry.insert(to);
            }
        }
    }
    graph
}

/// Names of the packages that depend on one directly, for whatever purpose.
fn users(json: &Value, id: &str) -> BTreeSet<String> {
    let depends = |node: &&Value| list(&node["deps"]).any(|d| d["pkg"].as_str() == Some(id));
    let by: BTreeSet<&str> = list(&json["resolve"]["nodes"])
        .filter(depends)
        .filter_map(|node| node["id"].as_str())
        .collect();
    let named =
        list(&json["packages"]).filter(|p| p["id"].as_str().is_some_and(|p| by.contains(p)));
    named
        .filter_map(|p| p["name"].as_str())
        .map(str::to_string)
        .collect()
}

fn closure<'a>(graph: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = graph.get(from).into_iter().flatten().copied().collect();
    while let Some(id) = open.pop() {
        if let Some((key, nexts)) = graph.get_key_value(id)
            && seen.insert(*key)
        {
            open.extend(nexts.iter().copied());
        }
    }
    seen
}

/// Libraries whose licence is not one of `[licenses] allow` in deny.toml.
pub fn licences(workspace: &Workspace, deny: &str) -> Result<Vec<String>> {
    let deny: toml::Table = deny.parse().context("deny.toml is not TOML")?;
    let allowed: BTreeSet<&str> = deny
        .get("licenses")
        .and_then(|l| l.get("allow"))
        .and_then(toml::Value::as_array)
        .context("deny.toml has no list [licenses] allow")?
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    let mut findings = Vec::new();
    for (library, licence) in &workspace.licences {
        if !satisfied(licence, &allowed) {
            findings.push(format!(
                "{library} is under \"{licence}\", which [licenses] allow in deny.toml does not grant; use another library, or add the licence there after reading it"
            ));
        }
    }
    Ok(findings)
}

/// Whether an SPDX expression is granted: `OR` needs one side, `AND` both. Parentheses nest; the old `/` means OR.
fn satisfied(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let granted = either(&words, &mut at, allowed);
    granted && at == words.len()
}

fn either(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let mut granted = both(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        granted |= both(words, at, allowed);
    }
    granted
}

fn both(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let mut granted = term(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        granted &= term(words, at, allowed);
    }
    granted
}

fn term(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> bool {
    let Some(word) = words.get(*at) else {
        return false;
    };
    *at += 1;
    if *word == "(" {
        let granted = either(words, at, allowed);
        *at += 1;
        return granted;
    }
    let mut name = (*word).to_string();
    if words.get(*at) == Some(&"WITH") {
        name = format!("{name} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    allowed.contains(name.as_str())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    list(value).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions_are_understood() {
        let allowed = BTreeSet::from([
            "MIT",
            "Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "BSD-3-Clause",
        ]);
        for yes in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND BSD-3-Clause",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(satisfied(yes, &allowed), "{yes}");
        }
        for no in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "none stated",
            "",
            "(MIT OR ISC) AND ISC",
        ] {
            assert!(!satisfied(no, &allowed), "{no}");
        }
    }

    #[test]
    fn test_only_dependencies_are_not_part_of_the_product() {
        let json = serde_json::json!({
            "workspace_root": "/w",
            "workspace_members": ["a", "b"],
            "packages": [
                {"id": "a", "name": "a", "manifest_path": "/w/core/a/Cargo.toml", "version": "1"},
                {"id": "b", "name": "b", "manifest_path": "/w/b/Cargo.toml", "version": "1"},
                {"id": "l", "name": "lib", "manifest_path": "/x/Cargo.toml", "version": "2", "license": "MIT"},
                {"id": "m", "name": "deep", "manifest_path": "/x/Cargo.toml", "version": "3", "license": "MIT"}
            ],
            "resolve": {"nodes": [
                {"id": "a", "deps": [
                    {"pkg": "b", "dep_kinds": [{"kind": "dev"}]},
                    {"pkg": "l", "dep_kinds": [{"kind": null}]}]},
                {"id": "b", "deps": []},
                {"id": "l", "deps": [{"pkg": "m", "dep_kinds": [{"kind": null}, {"kind": "dev"}]}]},
                {"id": "m", "deps": []}
            ]}
        });
        let workspace = Workspace::read(&json).expect("read");
        let a = &workspace.crates["a"];
        assert_eq!(a.folder, "core/a");
        assert!(a.uses.is_empty());
        assert_eq!(a.reaches.iter().collect::<Vec<_>>(), ["deep", "lib"]);
        assert_eq!(workspace.licences["lib 2"], "MIT");
    }
}
