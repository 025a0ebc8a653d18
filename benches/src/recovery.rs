//! How fast a journal is executed again, checksums and chain compared at each record.

use anyhow::{Result, anyhow, ensure};
use journal::{Durability, FileStorage, Folder};
use sequencer::{Options, Recovered};

use crate::{durable, load};

pub fn run(commands: usize) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let sequencer = durable::start(dir.path(), Durability::Os)?;
    durable::drive(&sequencer.client, load::opening(), 4096)?;
    let (live, _) = durable::drive(&sequencer.client, load::orders(commands, 7), 8192)?;
    let digest = digest_of(&sequencer)?;
    sequencer.stop().map_err(|why| anyhow!(why))?;
    std::fs::remove_dir_all(dir.path().join("snapshots"))?;
    std::fs::create_dir(dir.path().join("snapshots"))?;
    let folder = Folder::open(FileStorage::new(dir.path())?)?;
    let recovered = Recovered::open(folder, load::rules(), Options::default())?;
    ensure!(
        recovered.engine.digest().to_string() == digest,
        "the recovered state differs from the live one"
    );
    let seconds = recovered.report.elapsed.as_secs_f64();
    println!(
        "recovery: {} records in {seconds:.2} s without a snapshot: {:.0} commands/s, digest equal; live (queue, journal handed to the system) {:.0} commands/s; ratio {:.2}",
        recovered.report.replayed,
        recovered.report.replayed as f64 / seconds,
        commands as f64 / live.as_secs_f64(),
        (recovered.report.replayed as f64 / seconds) / (commands as f64 / live.as_secs_f64()),
    );
    Ok(())
}

fn digest_of(sequencer: &sequencer::Sequencer) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let state = runtime.block_on(sequencer.client.state())?;
    ensure!(state.audit.is_ok(), "the audit found: {:?}", state.audit);
    Ok(state.digest)
}
