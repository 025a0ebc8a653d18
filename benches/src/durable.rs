//! The queue with its journal on the disk against the same without: what durability costs.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use crossbeam_channel::bounded;
use journal::{Durability, FileStorage, Folder};
use protocol::Request;
use relay::Relay;
use sequencer::{Client, Options, Recovered, Sequencer, SystemClock};

use crate::load;
use crate::stats::{Spread, quantile};

pub fn start(dir: &Path, durability: Durability) -> Result<Sequencer> {
    let folder = Folder::open(FileStorage::new(dir)?)?;
    let mut options = Options::default();
    options.journal.durability = durability;
    options.snapshot_records = u64::MAX;
    let recovered = Recovered::open(folder, load::rules(), options)?;
    Ok(
        recovered.start(Relay::new(), Arc::new(SystemClock), |fatal| {
            panic!("{fatal}")
        })?,
    )
}

/// Sends all requests with at most `window` unanswered; returns the time that it took and each latency in nanoseconds, sorted.
pub fn drive(
    client: &Client,
    requests: Vec<Request>,
    window: usize,
) -> Result<(Duration, Vec<u64>)> {
    let (done, answers) = bounded(window);
    let begun = Instant::now();
    let mut latencies = Vec::with_capacity(requests.len());
    let mut waiting = 0;
    for request in requests {
        if waiting == window {
            latencies.push(answers.recv()?);
            waiting -= 1;
        }
        let (done, sent) = (done.clone(), Instant::now());
        client.submit_with(request, move |answer| {
            assert!(answer.is_ok(), "the queue lost a request");
            let _ = done.send(sent.elapsed().as_nanos() as u64);
        });
        waiting += 1;
    }
    while waiting > 0 {
        latencies.push(answers.recv()?);
        waiting -= 1;
    }
    let elapsed = begun.elapsed();
    latencies.sort_unstable();
    Ok((elapsed, latencies))
}

fn once(commands: usize, durability: Durability, seed: u64) -> Result<(f64, u64, u64)> {
    let dir = tempfile::tempdir()?;
    let sequencer = start(dir.path(), durability)?;
    drive(&sequencer.client, load::opening(), 4096)?;
    let (elapsed, latencies) = drive(&sequencer.client, load::orders(commands, seed), 8192)?;
    sequencer.stop().map_err(|why| anyhow!(why))?;
    Ok((
        commands as f64 / elapsed.as_secs_f64(),
        quantile(&latencies, 0.5),
        quantile(&latencies, 0.99),
    ))
}

pub fn run(commands: usize, pairs: usize) -> Result<()> {
    println!(
        "durable: {commands} orders and cancels, 8 symbols, {} accounts, 8192 in flight, one submitting thread",
        load::ACCOUNTS
    );
    let mut ratios = Vec::new();
    for pair in 0..pairs {
        let seed = 1 + pair as u64;
        let (disk, p50, p99) = once(commands, Durability::Disk, seed)?;
        let (none, p50_none, p99_none) = once(commands, Durability::None, seed)?;
        ratios.push(disk / none);
        println!(
            "  pair {pair}: fdatasync {disk:.0}/s (p50 {:.2} ms, p99 {:.2} ms), no journal promise {none:.0}/s (p50 {:.2} ms, p99 {:.2} ms), ratio {:.3}",
            p50 as f64 / 1e6,
            p99 as f64 / 1e6,
            p50_none as f64 / 1e6,
            p99_none as f64 / 1e6,
            disk / none
        );
    }
    println!("durable / not durable: {}", Spread::of(ratios));
    Ok(())
}
