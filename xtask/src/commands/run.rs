//! `cargo x run`: build everything, start an exchange with a living market, say how to reach it.

use crate::{bundle, house, server};
use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// What `cargo x run` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// The data folder
    #[arg(long, default_value = "data")]
    data: std::path::PathBuf,
    /// Where to listen; a taken port falls back to a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// Start empty, without the demo's market (accounts and symbols by the sandbox gateway)
    #[arg(long)]
    sandbox: bool,
    /// Print the exchange's own ready line instead of the welcome
    #[arg(long)]
    json: bool,
    /// Anything else is handed to `highwater run`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

/// Builds, starts, and stays until the exchange ends.
pub fn run(options: &Options) -> Result<bool> {
    if !options.json {
        bundle::build_if_stale()?;
        server::build()?;
    }
    let listen = if TcpListener::bind(&options.listen).is_ok() {
        options.listen.clone()
    } else {
        println!("  {} is taken; a free port will do.", options.listen);
        "127.0.0.1:0".to_string()
    };
    let mut child = Command::new(server::binary())
        .args([
            "run",
            if options.sandbox {
                "--sandbox"
            } else {
                "--demo"
            },
            "--data",
        ])
        .arg(&options.data)
        .args(["--listen", &listen])
        .args(&options.more)
        .current_dir(house::root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", server::binary().display()))?;
    // Ctrl-C reaches the exchange too, which drains and snapshots; we wait for it. A SIGTERM reaches only us, so it is passed on.
    let id = child.id().to_string();
    ctrlc::set_handler(move || {
        let _ = Command::new("kill").args(["-TERM", &id]).status();
    })
    .context("cannot listen for Ctrl-C")?;
    match server::ready_line(&mut child) {
        Ok(ready) if options.json => println!("{ready}"),
        Ok(ready) => welcome(&ready, options.sandbox),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
    }
    Ok(child.wait()?.success())
}

fn welcome(ready: &Value, sandbox: bool) {
    let at = |name: &str| ready[name].as_str().unwrap_or("?").to_string();
    println!();
    println!(
        "  Highwater is open.{}",
        if sandbox { "" } else { " BTCUSDT is moving." }
    );
    println!();
    println!("  Trading page    {}", at("web"));
    println!("  REST            {}/api/v3/ping", at("rest"));
    println!("  Streams         {}/ws/btcusdt@trade", at("ws"));
    println!("  WebSocket API   {}", at("wsapi"));
    println!("  Metrics         {}", at("metrics"));
    println!();
    println!("  An account with money and a key:");
    println!(
        "    curl -s -X POST {}/accounts -d '{{\"balances\":{{\"USDT\":\"100000\"}}}}'",
        at("sandbox")
    );
    println!(
        "  ccxt:         exchange.urls['api']['public'] = exchange.urls['api']['private'] = '{}/api/v3'",
        at("rest")
    );
    println!(
        "  Official SDK: ConfigurationRestAPI(api_key=…, api_secret=…, base_path='{}')",
        at("rest")
    );
    println!();
    println!("  Ctrl-C stops it; what was acknowledged is on disk.");
}
