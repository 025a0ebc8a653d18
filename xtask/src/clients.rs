//! The clients of `cargo x conformance`: what each is called, how it is installed or built, and how it is run.
//!
//! A script is given two variables, `HIGHWATER_READY` (the exchange's ready line) and `HIGHWATER_ROWS` (the file for its rows).
//! What takes long to install runs on demand only: `cargo x conformance --only NAME`, or `--all-clients`.

use crate::house::{self, say};
use crate::server::Server;
use crate::tools;
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a client may take; each waits for nothing longer than half a minute.
const LIMIT: Duration = Duration::from_secs(600);

/// How a client's program comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file for the Python of the project's environment
    Python,
    /// A file for Node
    Node,
    /// A folder with a Cargo.toml and a lock of its own
    Rust,
    /// A folder with a go.mod
    Go,
    /// A folder with a main.py and a requirements.txt for an environment of its own
    Venv,
}

/// One client's script.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// The client, as the scoreboard names it
    pub client: &'static str,
    /// Its file or folder in conformance/
    pub file: &'static str,
    /// How it is built and run
    pub kind: Kind,
    /// Whether it wants the demo's market
    pub demo: bool,
    /// Whether only those run it who ask for it
    pub on_demand: bool,
}

const fn python(client: &'static str, file: &'static str) -> Script {
    Script {
        client,
        file,
        kind: Kind::Python,
        demo: false,
        on_demand: false,
    }
}

const fn of(kind: Kind, client: &'static str, file: &'static str) -> Script {
    let script = python(client, file);
    Script { kind, ..script }
}

const fn on_demand(kind: Kind, client: &'static str, file: &'static str) -> Script {
    let script = of(kind, client, file);
    Script {
        on_demand: true,
        ..script
    }
}

/// All clients, in the order of the scoreboard.
pub const SCRIPTS: &[Script] = &[
    python("binance-sdk-spot (Python)", "python/official.py"),
    python("ccxt (Python)", "python/ccxt_spot.py"),
    python("python-binance", "python/python_binance.py"),
    python("binance-fix-connector", "python/fix.py"),
    python("plain HTTP", "python/wire.py"),
    python("streams in SBE", "python/sbe_streams.py"),
    python("stories", "python/stories.py"),
    of(Kind::Node, "@binance/spot (Node)", "node/official.mjs"),
    of(Kind::Node, "ccxt (Node)", "node/ccxt_spot.mjs"),
    of(Kind::Node, "binance (Node)", "node/binance_npm.mjs"),
    of(Kind::Rust, "binance-sdk (Rust)", "rust"),
    Script {
        demo: true,
        ..python("local books", "python/books.py")
    },
    // It wants every market of the exchange to be as the public venue's are, and other scripts list odd ones.
    on_demand(
        Kind::Python,
        "ccxt's own test runner",
        "python/ccxt_suite.py",
    ),
    on_demand(
        Kind::Python,
        "python-binance's own suite",
        "python/python_binance_suite.py",
    ),
    on_demand(Kind::Go, "binance-connector-go", "go"),
    on_demand(Kind::Venv, "cryptofeed", "cryptofeed"),
    Script {
        demo: true,
        ..on_demand(Kind::Venv, "freqtrade", "freqtrade")
    },
];

/// Drives every method and stream of the contract, one line each.
pub const CONTRACT: Script = python("binance-sdk-spot (Python)", "python/contract.py");

impl Script {
    /// Installs or builds what it needs and answers how it is started.
    pub fn prepare(&self, folder: &Path) -> Result<Command> {
        let path = folder.join(self.file);
        let mut command = match self.kind {
            Kind::Python => Command::new(tools::python()?),
            Kind::Node => {
                tools::node_modules(&folder.join("node"))?;
                Command::new(tools::node()?)
            }
            Kind::Rust => return rust(&path),
            Kind::Go => return go(&path),
            Kind::Venv => {
                let python =
                    tools::environment(&workshop(self.file)?, &path.join("requirements.txt"))?;
                let mut command = Command::new(python);
                command.arg(path.join("main.py"));
                return Ok(command);
            }
        };
        command.arg(&path);
        command.current_dir(path.parent().unwrap_or(folder));
        Ok(command)
    }

    /// Runs it against an exchange. It ends with 0 whatever its checks say; anything else means that it broke off.
    pub fn run(
        &self,
        mut command: Command,
        exchange: &Server,
        out: &Path,
        seconds: u32,
    ) -> Result<()> {
        let mut child = command
            .env("HIGHWATER_READY", exchange.ready.to_string())
            .env("HIGHWATER_ROWS", out)
            .env("HIGHWATER_BOOK_SECONDS", seconds.to_string())
            .env("HIGHWATER_WORKSHOP", workshop(self.client)?)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", self.file))?;
        let end = Instant::now() + LIMIT + Duration::from_secs(seconds.into());
        loop {
            if let Some(status) = child.try_wait()? {
                ensure!(status.success(), "{} ended with {status}", self.file);
                return Ok(());
            }
            if Instant::now() > end {
                child.kill()?;
                child.wait()?;
                bail!(
                    "{} was still running after {LIMIT:?} and was stopped",
                    self.file
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Where clients are built and installed that are no part of the project's own environment; cleaned by `cargo clean`.
fn workshop(name: &str) -> Result<PathBuf> {
    let folder = house::root()
        .join("target/clients")
        .join(name.replace(['/', ' ', '\''], "-"));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// A Rust program outside the workspace, so that its dependencies are not ours.
fn rust(path: &Path) -> Result<Command> {
    let target = workshop("rust")?;
    say("building the Rust client (the first time takes some minutes)");
    house::must(
        house::cargo()
            .args(["build", "--quiet", "--locked", "--manifest-path"])
            .arg(path.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target),
    )?;
    Ok(Command::new(target.join("debug/conformance-rust")))
}

/// A Go program; its modules come from go.sum.
fn go(path: &Path) -> Result<Command> {
    let program = workshop("go")?.join("conformance-go");
    let go = tools::go()?;
    say("building the Go client (the first time takes some minutes)");
    house::must(
        Command::new(go)
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(path),
    )?;
    Ok(Command::new(program))
}
