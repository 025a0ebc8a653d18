//! What may not stand in the project's files, and what must.

use super::Workspace;
use super::deny;
use anyhow::{Context, Result};
use std::path::Path;

/// Host names of package registries and paths of one machine, kept in pieces so that this file passes its own check.
fn banned() -> Vec<(String, &'static str)> {
    let host = |parts: &[&str]| parts.join(".");
    let path = |parts: &[&str]| format!("/{}/", parts.join("/"));
    let registry = "the host of a package registry: name the package and let the client find it";
    let machine = "a path of one machine: start from the project's root or a temporary folder";
    vec![
        (host(&["pypi", "org"]), registry),
        (host(&["pythonhosted", "org"]), registry),
        (host(&["registry", "npmjs"]), registry),
        (host(&["npmjs", "org"]), registry),
        (host(&["static", "crates", "io"]), registry),
        (host(&["index", "crates", "io"]), registry),
        (host(&["proxy", "golang", "org"]), registry),
        (host(&["deb", "debian", "org"]), registry),
        (host(&["repo1", "maven"]), registry),
        (path(&["work"]), machine),
        (path(&["root"]), machine),
        (format!("/{}", ["home", "runner"].join("/")), machine),
        (format!(".{}", "pyenv"), machine),
    ]
}

/// Words that must not occur.
pub fn forbidden(root: &Path, files: &[String]) -> Result<Vec<String>> {
    let banned = banned();
    let mut findings = Vec::new();
    for file in files {
        let bytes =
            std::fs::read(root.join(file)).with_context(|| format!("cannot read {file}"))?;
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        for (word, why) in &banned {
            if let Some(at) = text.lines().position(|l| l.contains(word.as_str())) {
                findings.push(format!("{file}:{}: contains \"{word}\", {why}", at + 1));
            }
        }
    }
    Ok(findings)
}

/// `unsafe` in a crate whose header does not give a reason in a paragraph that starts with `Unsafe:`.
pub fn unsafe_code(root: &Path, files: &[String]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| f.ends_with(".rs")) {
        let text = std::fs::read_to_string(root.join(file))
            .with_context(|| format!("cannot read {file}"))?;
        let Some(at) = text.lines().position(opens_unsafe) else {
            continue;
        };
        let Some((folder, _)) = file
            .split_once("/src/")
            .or_else(|| file.split_once("/tests/"))
        else {
            continue;
        };
        let reasoned = ["lib.rs", "main.rs"].iter().any(|name| {
            std::fs::read_to_string(root.join(folder).join("src").join(name)).is_ok_and(|t| {
                t.lines()
                    .take_while(|l| l.starts_with("//"))
                    .any(|l| l.starts_with("//! Unsafe:"))
            })
        });
        if !reasoned {
            findings.push(format!(
                "{file}:{}: `unsafe`, but the header of {folder} has no paragraph that starts with \"Unsafe:\" and says why it cannot be done without: write it safely, or write the reason",
                at + 1
            ));
        }
    }
    Ok(findings)
}

fn opens_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or("");
    let word = "unsafe";
    ["{ ", "{", "fn ", "impl ", "extern "]
        .iter()
        .any(|next| code.contains(&format!("{word} {next}")))
}

/// Deterministic crates whose clippy.toml is missing or differs from the one in `core`.
pub fn core_bans(root: &Path, workspace: &Workspace) -> Result<Vec<String>> {
    let law = std::fs::read_to_string(root.join("core/clippy.toml"))
        .context("cannot read core/clippy.toml")?;
    let mut findings = Vec::new();
    for own in workspace.crates.values() {
        let folder = own.folder.as_str();
        // those in core have the one of their folder
        let needs = deny::is_deterministic(folder) && !folder.starts_with("core/");
        let kept =
            std::fs::read_to_string(root.join(folder).join("clippy.toml")).is_ok_and(|t| t == law);
        if needs && !kept {
            findings.push(format!("{folder}/clippy.toml is not the same as core/clippy.toml: copy it, so that clippy refuses clocks, files and floats there too"));
        }
    }
    Ok(findings)
}

/// Crates that do not open with `//!`.
pub fn without_description(root: &Path, workspace: &Workspace) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for own in workspace.crates.values() {
        let source = ["src/lib.rs", "src/main.rs"].map(|s| root.join(&own.folder).join(s));
        let Some(source) = source.iter().find(|s| s.is_file()) else {
            continue;
        };
        let text = std::fs::read_to_string(source)
            .with_context(|| format!("cannot read {}", source.display()))?;
        if !text.starts_with("//!") {
            findings.push(format!(
                "{} does not open with `//!`: say there what the crate is responsible for, its shapes, units, rounding and errors",
                own.folder
            ));
        }
    }
    Ok(findings)
}

/// Links from one of our documents to a file that is not there.
pub fn broken_links(root: &Path, files: &[String]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| f.ends_with(".md")) {
        let text = std::fs::read_to_string(root.join(file))
            .with_context(|| format!("cannot read {file}"))?;
        let here = Path::new(file).parent().unwrap_or(Path::new(""));
        for (number, line) in text.lines().enumerate() {
            for target in targets(line) {
                let path = target.split('#').next().unwrap_or("");
                if !path.is_empty() && !root.join(here).join(path).exists() {
                    findings.push(format!(
                        "{file}:{}: links to {path}, which is not there",
                        number + 1
                    ));
                }
            }
        }
    }
    Ok(findings)
}

/// The targets of `[text](target)` on a line that are files.
fn targets(line: &str) -> Vec<&str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|t| !t.contains("://") && !t.starts_with('#') && !t.starts_with("mailto:"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_words_links_and_unsafe_are_found() {
        let dir = std::env::temp_dir().join(format!("xtask-words-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("a/src")).expect("folder");
        let host = ["pypi", "org"].join(".");
        std::fs::write(
            dir.join("req.txt"),
            format!("x\n--index https://{host}/simple\n"),
        )
        .expect("written");
        std::fs::write(
            dir.join("README.md"),
            "[a](a/src/lib.rs) [b](gone.md) [c](https://x.y/z) [d](#here)",
        )
        .expect("written");
        let word = "unsafe";
        std::fs::write(
            dir.join("a/src/lib.rs"),
            format!("//! A crate.\nfn f() {{ {word} {{ g() }} }}\n"),
        )
        .expect("written");
        let files = ["README.md", "a/src/lib.rs", "req.txt"].map(String::from);
        let words = forbidden(&dir, &files).expect("checked");
        let links = broken_links(&dir, &files).expect("checked");
        let unsafes = unsafe_code(&dir, &files).expect("checked");
        std::fs::remove_dir_all(&dir).expect("removed");
        assert!(
            words.len() == 1 && words[0].starts_with("req.txt:2:"),
            "{words:?}"
        );
        assert_eq!(links, ["README.md:1: links to gone.md, which is not there"]);
        assert!(
            unsafes.len() == 1 && unsafes[0].starts_with("a/src/lib.rs:2:"),
            "{unsafes:?}"
        );
    }
}
