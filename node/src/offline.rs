//! What is done with a data folder while no exchange runs on it: verify, replay, rebuild the views.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use engine::Engine;
use journal::{EventReader, FileStorage, Folder, Reader};
use protocol::Wire;
use sequencer::{Options, Position, Recovered};
use serde_json::json;
use types::Seq;

use crate::rules::rules;

/// Locks the folder and recovers what is in it, without changing a record.
pub fn open(data: &Path) -> Result<Recovered> {
    ensure!(
        data.is_dir(),
        "there is no data folder at {}: give the folder that `highwater run --data` was given",
        data.display()
    );
    let storage = FileStorage::new(data).with_context(|| format!("open {}", data.display()))?;
    let folder = Folder::open(storage)?;
    Ok(Recovered::open(folder, rules(), Options::default())?)
}

/// Every checksum, every record again, every digest.
pub fn verify(data: &Path) -> Result<()> {
    let begun = Instant::now();
    let recovered = open(data)?;
    recovered.settle_events();
    let (end, oldest) = (recovered.position.seq, recovered.oldest());
    let digest = recovered.engine.digest().to_string();
    recovered.engine.audit().map_err(|violation| {
        anyhow::anyhow!("the audit of the recovered state found: {violation}")
    })?;
    let executed = if oldest == Seq(1) {
        let snapshot = journal::snapshots::newest_valid(&recovered.folder)?.map(|found| found.meta);
        let position = reexecute(
            &recovered,
            snapshot.map_or(Seq(0), |meta| meta.seq),
            end,
            &digest,
        )?;
        ensure!(
            position.chain == recovered.position.chain,
            "the chain of a full replay differs from the recovered one"
        );
        end.0
    } else {
        let mut reader = Reader::open(&recovered.folder, oldest, end)?;
        while reader.next()?.is_some() {}
        recovered.report.replayed
    };
    say(&json!({
        "verified": true, "records": end.0, "oldest": oldest.0, "executed": executed, "chain": format!("{:016x}", recovered.position.chain),
        "digest": digest, "audit": "ok", "events": recovered.events_end().0, "seconds": begun.elapsed().as_secs_f64(),
    }))
}

/// From the first record to the last, in two legs, so that the newest snapshot's state is met on the way. The events of each record must be
/// those in the event log.
fn reexecute(recovered: &Recovered, snapshot: Seq, end: Seq, digest: &str) -> Result<Position> {
    let folder = &recovered.folder;
    let (mut engine, mut position) = (fresh()?, Position::default());
    let mut log = EventReader::open(folder, Seq(1), recovered.events_end());
    let mut fault = None;
    let mut at_snapshot = None;
    for through in [snapshot, end] {
        sequencer::replay(
            folder,
            &mut engine,
            &mut position,
            through,
            |at, _, _, bytes| {
                if fault.is_none() && at.seq <= recovered.events_end() {
                    fault = compare_events(&mut log, at, bytes);
                }
            },
        )?;
        at_snapshot.get_or_insert_with(|| engine.digest().to_string());
    }
    if let Some(fault) = fault {
        bail!("{fault}");
    }
    if snapshot > Seq(0) {
        let (restored, at) = sequencer::restore(folder, &rules())?;
        let (found, computed) = (
            restored.digest().to_string(),
            at_snapshot.unwrap_or_default(),
        );
        ensure!(
            at.seq != snapshot || found == computed,
            "the snapshot at record {snapshot} has digest {found}, and re-execution has {computed}"
        );
    }
    let computed = engine.digest().to_string();
    ensure!(
        computed == digest,
        "re-execution from the first record has digest {computed}, and recovery has {digest}"
    );
    engine
        .audit()
        .map_err(|violation| anyhow::anyhow!("the audit after re-execution found: {violation}"))?;
    Ok(position)
}

fn compare_events(log: &mut EventReader, at: Position, bytes: &[u8]) -> Option<String> {
    match log.next() {
        Ok(Some(record))
            if record.seq == at.seq && record.chain == at.chain && record.payload == bytes =>
        {
            None
        }
        Ok(_) => Some(format!(
            "the event log differs from re-execution at record {}: rebuild it by removing the folder `events`",
            at.seq
        )),
        // The log may lack its beginning after `--retain`, or an end that was never written; both are made again from the journal.
        Err(journal::JournalError::EventsMissing { to, .. }) => {
            log.seek(Seq(to.0 + 1));
            None
        }
        Err(error) => Some(error.to_string()),
    }
}

fn fresh() -> Result<Engine> {
    rules().fresh().map_err(Into::into)
}

/// Executes up to a record and prints the state there.
pub fn replay(data: &Path, until: Option<u64>) -> Result<()> {
    let recovered = open(data)?;
    let until = Seq(until.unwrap_or(recovered.position.seq.0));
    ensure!(
        until <= recovered.position.seq,
        "the journal ends at record {}; --until {until} is beyond it",
        recovered.position.seq
    );
    let (engine, position) = if until == recovered.position.seq {
        (recovered.engine, recovered.position)
    } else {
        ensure!(
            recovered.oldest() == Seq(1),
            "the journal begins at record {}: only its end can be replayed (leave --until out)",
            recovered.oldest()
        );
        let (mut engine, mut position) = (fresh()?, Position::default());
        sequencer::replay(
            &recovered.folder,
            &mut engine,
            &mut position,
            until,
            |_, _, _, _| {},
        )?;
        (engine, position)
    };
    let mut counts = Counts::default();
    engine.tell(&mut |event| counts.count(&event));
    say(&json!({
        "seq": position.seq.0, "time": position.time.0, "chain": format!("{:016x}", position.chain), "digest": engine.digest().to_string(),
        "audit": engine.audit().map_or_else(|violation| violation.to_string(), |()| "ok".to_owned()),
        "assets": counts.assets, "accounts": counts.accounts, "instruments": counts.instruments, "balances": counts.balances,
        "openOrders": counts.open_orders, "bytes": counts.bytes,
    }))
}

#[derive(Default)]
struct Counts {
    assets: u64,
    accounts: u64,
    instruments: u64,
    balances: u64,
    open_orders: u64,
    bytes: usize,
}

impl Counts {
    fn count(&mut self, event: &protocol::Event) {
        use protocol::Event;
        let mut bytes = Vec::new();
        event.put(&mut bytes);
        self.bytes += bytes.len();
        *match event {
            Event::AssetCreated(_) => &mut self.assets,
            Event::AccountOpened(_) => &mut self.accounts,
            Event::InstrumentListed(_) => &mut self.instruments,
            Event::BalanceChanged(_) => &mut self.balances,
            Event::OrderRestored(_) => &mut self.open_orders,
            _ => return,
        } += 1;
    }
}

/// One line of JSON on standard output.
pub fn say(line: &serde_json::Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

/// Drops history and writes it again.
pub fn rebuild_views(data: &Path) -> Result<()> {
    let begun = Instant::now();
    let recovered = open(data)?;
    let url = crate::run::sqlite_url(data)?;
    let (views, reader) = crate::run::open_views(
        &recovered,
        &url,
        std::sync::Arc::new(sequencer::SystemClock),
        true,
    )?;
    // The reader's end lets history write what is left; the last of the views waits for it.
    drop(reader);
    drop(views);
    say(
        &json!({ "rebuilt": true, "records": recovered.position.seq.0, "seconds": begun.elapsed().as_secs_f64() }),
    )
}
