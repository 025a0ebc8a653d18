//! The browser application's bundle, which the binary embeds.

use crate::{house, tools};
use anyhow::Result;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

/// Builds the bundle when it is older than its sources. Without Node the binary is built all the same, and its page says how.
pub fn build_if_stale() -> Result<()> {
    let web = house::root().join("web");
    if !web.join("package.json").is_file() {
        return Ok(());
    }
    if let Err(error) = tools::npm() {
        println!("  The trading page is not built: {error:#}. Everything else works.");
        return Ok(());
    }
    if !is_stale(&web)? {
        return Ok(());
    }
    tools::node_modules(&web)?;
    house::say("building the trading page");
    house::must(
        Command::new(tools::npm()?)
            .args(["run", "--silent", "build"])
            .current_dir(&web),
    )
}

fn is_stale(web: &Path) -> Result<bool> {
    let Ok(built) = std::fs::metadata(web.join("dist/index.html")).and_then(|m| m.modified())
    else {
        return Ok(true);
    };
    let mut newest = SystemTime::UNIX_EPOCH;
    for file in house::files()?
        .iter()
        .filter(|f| f.starts_with("web/") && !f.ends_with(".rs"))
    {
        newest = newest.max(std::fs::metadata(house::root().join(file))?.modified()?);
    }
    Ok(newest > built)
}
