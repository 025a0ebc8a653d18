//! What the journal costs on this disk, as ratios in one run: `cargo run --release -p journal --example cost`.
#![allow(clippy::print_stdout)]

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use journal::{BatchBuf, Durability, FileStorage, Folder, Journal, Options, Reader, Writer, chain};
use types::{Seq, Time};

const PAYLOAD: [u8; 96] = [7; 96];

fn fill(batch: &mut BatchBuf, from: Seq, count: u64) {
    batch.clear();
    for seq in from.0..from.0 + count {
        batch.push(Seq(seq), Time(0), seq, &PAYLOAD);
    }
}

fn micros(mut all: Vec<Duration>, share: usize) -> f64 {
    all.sort();
    all[(all.len() - 1) * share / 100].as_secs_f64() * 1e6
}

fn per(start: Instant, n: u64) -> f64 {
    start.elapsed().as_secs_f64() * 1e9 / n as f64
}

fn committed(writer: &mut Writer, batch: &mut BatchBuf, count: u64) -> Duration {
    fill(batch, writer.next_seq(), count);
    let start = Instant::now();
    writer
        .append(batch)
        .and_then(|()| writer.commit())
        .expect("the disk is well");
    start.elapsed()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir_in(std::env::args().nth(1).unwrap_or_else(|| ".".into()))?;
    let folder = Folder::open(FileStorage::new(dir.path().join("data"))?)?;
    let mut writer = Journal::open(
        &folder,
        Options {
            first_segment_bytes: 64 << 20,
            ..Options::default()
        },
    )?
    .writer;
    let mut batch = BatchBuf::default();

    let bare = OpenOptions::new()
        .create_new(true)
        .write(true)
        .open(dir.path().join("bare"))?;
    bare.write_all_at(&vec![0; 64 << 20], 0)?;
    bare.sync_all()?;
    for (count, bytes) in [(1, 512_usize), (500, 65_536), (4000, 520_192)] {
        let (mut with, mut without) = (Vec::new(), Vec::new());
        let buf = vec![1; bytes];
        for i in 0..100_u64 {
            with.push(committed(&mut writer, &mut batch, count));
            let start = Instant::now();
            bare.write_all_at(&buf, i * bytes as u64)?;
            bare.sync_data()?;
            without.push(start.elapsed());
        }
        let (a, b) = (micros(with.clone(), 50), micros(without.clone(), 50));
        println!(
            "batch of {count:>4}: append and commit p50 {a:.0} us, p99 {:.0}; bare write and fdatasync of {bytes} bytes p50 {b:.0}, p99 {:.0}; ratio {:.2}",
            micros(with, 99),
            micros(without, 99),
            a / b
        );
    }

    writer.set_durability(Durability::Os)?;
    let (n, each) = (2_000_000, 1000);
    let (mut pushing, mut writing) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..n / each {
        let start = Instant::now();
        fill(&mut batch, writer.next_seq(), each);
        pushing += start.elapsed();
        let start = Instant::now();
        writer.append(&mut batch)?;
        writer.commit()?;
        writing += start.elapsed();
    }
    println!(
        "push {:.1} ns a record; append without a sync {:.1} ns",
        pushing.as_secs_f64() * 1e9 / n as f64,
        writing.as_secs_f64() * 1e9 / n as f64
    );
    writer.sync()?;

    let start = Instant::now();
    let (mut reader, mut records) = (
        Reader::open(&folder, Seq(1), Seq(writer.next_seq().0 - 1))?,
        0,
    );
    while reader.next()?.is_some() {
        records += 1;
    }
    println!(
        "read and checked: {:.1} ns a record ({records} records)",
        per(start, records)
    );

    let start = Instant::now();
    let value = (0..10_000_000).fold(0, |c, _| chain(c, &PAYLOAD));
    println!(
        "chain over 96 bytes: {:.1} ns ({value:x})",
        per(start, 10_000_000)
    );
    writer.close()?;
    drop((reader, folder));
    let start = Instant::now();
    let folder = Folder::open(FileStorage::new(dir.path().join("data"))?)?;
    Journal::open(&folder, Options::default())?;
    println!(
        "open after a clean end: {:.1} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}
