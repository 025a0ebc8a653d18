//! The exchange itself, built for release and started as a child process.

use crate::house;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a start may take: the demo first runs a day of its market in virtual time.
const START: Duration = Duration::from_secs(180);
/// How long a drain and a last snapshot may take.
const STOP: Duration = Duration::from_secs(60);

/// Builds the release binary and answers where it is.
pub fn build() -> Result<PathBuf> {
    house::say("building highwater for release (the first time takes some minutes)");
    house::must(house::cargo().args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "node",
        "--bin",
        "highwater",
    ]))?;
    Ok(binary())
}

/// Where cargo puts the release binary.
pub fn binary() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| house::root().join("target"), PathBuf::from);
    target.join("release").join("highwater")
}

/// A running exchange. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// The one line that it printed when it was ready.
    pub ready: Value,
    log: PathBuf,
}

impl Server {
    /// Starts `highwater run` with these arguments on a data folder and waits for its ready line.
    /// Its log goes to `target/x/<name>.log`.
    pub fn start(name: &str, data: &Path, args: &[&str]) -> Result<Server> {
        let log = house::scratch("logs")?.join(format!("{name}.log"));
        let file = std::fs::File::create(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = Command::new(binary())
            .args(["run", "--data"])
            .arg(data)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {}", binary().display()))?;
        match ready_line(&mut child) {
            Ok(ready) => Ok(Server { child, ready, log }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                bail!("highwater did not come up: {error:#}\n{}", tail(&log));
            }
        }
    }

    /// One of the addresses of the ready line: `rest`, `ws`, `wsapi`, `sandbox`, `web`.
    pub fn address(&self, name: &str) -> Result<&str> {
        self.ready[name]
            .as_str()
            .with_context(|| format!("the ready line names no {name}: {}", self.ready))
    }

    /// Asks it to stop (SIGTERM), waits, and fails unless it ended with 0.
    pub fn stop(mut self) -> Result<()> {
        house::must(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let start = Instant::now();
        while start.elapsed() < STOP {
            if let Some(status) = self.child.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                bail!(
                    "highwater ended with {status} after SIGTERM\n{}",
                    tail(&self.log)
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!(
            "highwater was still running {STOP:?} after SIGTERM\n{}",
            tail(&self.log)
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the one JSON line that a started exchange prints.
pub fn ready_line(child: &mut Child) -> Result<Value> {
    let out = child
        .stdout
        .take()
        .context("its standard output is not ours")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(out).lines();
        let first = lines.next();
        let _ = sender.send(first);
        // Keep the pipe open and empty, whatever else it may print.
        for _ in lines {}
    });
    let line = match receiver.recv_timeout(START) {
        Ok(Some(line)) => line?,
        Ok(None) => bail!("it ended with {} and printed nothing", child.wait()?),
        Err(_) => bail!("it printed no ready line within {START:?}"),
    };
    let ready: Value = serde_json::from_str(&line)
        .with_context(|| format!("its first line is no JSON: {line}"))?;
    if ready["ready"] != Value::Bool(true) {
        bail!("its first line does not say \"ready\":true: {line}");
    }
    Ok(ready)
}

/// The last lines of a log.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
