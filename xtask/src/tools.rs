//! Tools that are not Rust: Node packages, a Python environment, a browser, strace.
//!
//! What can be installed inside the project's folder is installed there. What only the system's package
//! manager can bring is installed only where somebody said so (`--install`, or `CI=true`) and we may.

use crate::house::{self, in_ci, say};
use crate::tally::Score;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a program is, as the shell would find it.
pub fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

/// What a step says when an optional tool is missing: in CI a failure, elsewhere a plain sentence and no test counted.
pub fn missing(error: &anyhow::Error) -> Result<Score> {
    if in_ci() {
        bail!("{error:#}");
    }
    println!("  NOT RUN: {error:#}");
    Ok(Score::default())
}

/// The Python of the project's own environment, with conformance/python/requirements.txt installed.
pub fn python() -> Result<PathBuf> {
    let root = house::root();
    let wanted = root.join("conformance/python/requirements.txt");
    environment(&root.join(".venv"), &wanted)
}

/// The Python of an environment in which exactly this list is installed.
pub fn environment(venv: &Path, wanted: &Path) -> Result<PathBuf> {
    let python = venv.join("bin/python");
    if is_current(&venv.join("installed.txt"), wanted)? && python.is_file() {
        return Ok(python);
    }
    let base =
        find(&["python3", "python"]).context("no python3 found: install Python 3.11 or newer")?;
    say(&format!(
        "installing Python packages into {} (once)",
        name_of(venv)
    ));
    house::must(Command::new(base).args(["-m", "venv", "--clear"]).arg(venv))?;
    house::must(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "-r",
            ])
            .arg(wanted),
    )?;
    std::fs::copy(wanted, venv.join("installed.txt")).context("cannot note what was installed")?;
    Ok(python)
}

/// Installs the Node packages that a folder's package-lock.json names.
pub fn node_modules(folder: &Path) -> Result<()> {
    let lock = folder.join("package-lock.json");
    let note = folder.join("node_modules/.installed-lock.json");
    if is_current(&note, &lock)? {
        return Ok(());
    }
    let npm = npm()?;
    say(&format!(
        "installing the Node packages of {} (once)",
        name_of(folder)
    ));
    house::must(
        Command::new(npm)
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder),
    )?;
    std::fs::copy(&lock, &note).context("cannot note what was installed")?;
    Ok(())
}

/// npm, or how to get it.
pub fn npm() -> Result<PathBuf> {
    find(&["npm"]).context("no npm found: install Node.js 20 or newer, which brings it")
}

/// Node, or how to get it.
pub fn node() -> Result<PathBuf> {
    find(&["node"]).context("no node found: install Node.js 20 or newer")
}

/// Go, for the client in Go.
pub fn go() -> Result<PathBuf> {
    system_tool("Go 1.24", &["go"], "golang-go", true)
}

/// Chromium, for the browser tests.
pub fn browser(install: bool) -> Result<PathBuf> {
    system_tool(
        "Chromium",
        &["chromium", "chromium-browser", "google-chrome"],
        "chromium",
        install,
    )
}

/// strace, for the drill that watches system calls.
pub fn strace(install: bool) -> Result<PathBuf> {
    system_tool("strace", &["strace"], "strace", install)
}

fn system_tool(title: &str, names: &[&str], package: &str, install: bool) -> Result<PathBuf> {
    if let Some(found) = find(names) {
        return Ok(found);
    }
    let apt = find(&["apt-get"]);
    if let (Some(apt), true, true) = (apt, install || in_ci(), is_root()) {
        say(&format!("installing {title} with apt-get"));
        let quiet = |args: &[&str]| -> Result<()> {
            house::must(
                Command::new(&apt)
                    .args(["-qq", "-y"])
                    .args(args)
                    .env("DEBIAN_FRONTEND", "noninteractive"),
            )
        };
        quiet(&["update"])?;
        quiet(&["install", "--no-install-recommends", package])?;
        if let Some(found) = find(names) {
            return Ok(found);
        }
    }
    bail!(
        "{title} is not on this machine. On Debian or Ubuntu type `sudo apt-get install {package}`, elsewhere use your package manager; as root, `--install` does it for you"
    )
}

fn is_root() -> bool {
    house::text(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Whether the note of what is installed equals what is wanted.
fn is_current(note: &Path, wanted: &Path) -> Result<bool> {
    let wanted_text =
        std::fs::read(wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    Ok(std::fs::read(note).is_ok_and(|installed| installed == wanted_text))
}

fn name_of(folder: &Path) -> String {
    folder
        .strip_prefix(house::root())
        .unwrap_or(folder)
        .display()
        .to_string()
}
