//! Decoders of files: journal, configuration, recordings.

use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use journal::sim::SimStorage;
use journal::{BatchBuf, Folder, Journal, Options, Reader, Retain, Threads};
use market::recording::{Print, Quote, Recording, Reel};
use types::{Seq, Side, Time};

use crate::Trial;

/// How the program reads its settings; the program itself is no library.
#[path = "../../../node/src/cli.rs"]
#[allow(dead_code)]
mod cli;

const SEGMENT: &str = "journal/0000000001.seg";

fn options() -> Options {
    Options {
        segment_bytes: 16 << 10,
        first_segment_bytes: 8 << 10,
        retain: Retain::Bytes(0),
        threads: Threads::Inline,
        ..Options::default()
    }
}

/// A journal of a few batches, closed or not.
fn written(closed: bool) -> SimStorage {
    let disk = SimStorage::new(3);
    let folder = Folder::open(Arc::new(disk.clone())).expect("an empty folder");
    let mut writer = Journal::open(&folder, options())
        .expect("a new journal")
        .writer;
    let mut seq = 0;
    for size in [1, 3, 2] {
        let mut batch = BatchBuf::with_capacity(256);
        for _ in 0..size {
            seq += 1;
            let payload = vec![seq as u8; 20 + seq as usize];
            batch.push(Seq(seq), Time(seq as i64), seq, &payload);
        }
        writer.append(&mut batch).expect("it has room");
        writer.commit().expect("it is written");
    }
    if closed {
        writer.close().expect("it is closed");
    }
    disk.after_kill()
}

pub fn segments() -> Vec<Vec<u8>> {
    let content = |closed| written(closed).contents(SEGMENT).expect("a segment");
    vec![content(true), content(false)]
}

/// Where frames may begin, in a segment; see the journal's description of its format.
const FIRST_FRAME: usize = 4096;
const SECTOR: usize = 512;
const FRAME_HEADER: usize = 128;
const RECORD_HEADER: usize = 32;
/// The header of a segment; its checksum covers what stands behind itself.
const SEGMENT_HEADER: usize = 512;

fn number(bytes: &[u8], at: usize) -> usize {
    let four = bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
    four.map_or(0, |b| u32::from_le_bytes(b) as usize)
}

/// Makes every checksum and hash of a segment right again, so that what else is wrong is looked at.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() >= SEGMENT_HEADER {
        let crc = crc32c::crc32c(&bytes[12..SEGMENT_HEADER]);
        bytes[8..12].copy_from_slice(&crc.to_le_bytes());
    }
    for at in (FIRST_FRAME..bytes.len()).step_by(SECTOR) {
        let frame = &mut bytes[at..];
        let body = number(frame, 24);
        if !frame.starts_with(b"HWB1") || frame.len() < FRAME_HEADER + body {
            continue;
        }
        let mut record = FRAME_HEADER;
        while record + RECORD_HEADER <= FRAME_HEADER + body {
            let end = record + RECORD_HEADER + number(frame, record + 4);
            let Some(checked) = frame.get(record + 4..end) else {
                break;
            };
            let crc = crc32c::crc32c(checked);
            frame[record..record + 4].copy_from_slice(&crc.to_le_bytes());
            record = end;
        }
        let mut hash = blake3::Hasher::new();
        hash.update(&frame[8..96]);
        hash.update(&frame[FRAME_HEADER..FRAME_HEADER + body]);
        frame[96..128].copy_from_slice(hash.finalize().as_bytes());
        let crc = crc32c::crc32c(&frame[8..FRAME_HEADER]);
        frame[4..8].copy_from_slice(&crc.to_le_bytes());
    }
    bytes
}

/// The journal with another first segment, as it is and with its checksums mended: it is opened and read, or refused.
pub fn journal() -> Trial {
    let open = opened();
    Box::new(move |bytes| format!("{}; mended {}", open(bytes), open(&mended(bytes))))
}

fn opened() -> impl Fn(&[u8]) -> String {
    let disk = written(false);
    move |bytes| {
        let disk = disk.after_kill();
        disk.corrupt(SEGMENT, |segment| *segment = bytes.to_vec());
        let opened = Folder::open(Arc::new(disk)).and_then(|folder| {
            let journal = Journal::open(&folder, options())?;
            let end = journal.writer.next_seq();
            let mut records = 0;
            if end > Seq(1) {
                let from = journal.writer.oldest_seq();
                let mut reader = Reader::open(&folder, from, Seq(end.0 - 1))?;
                while reader.next()?.is_some() {
                    records += 1;
                }
            }
            Ok((records, journal.tail.clean))
        });
        match opened {
            Ok((records, clean)) => format!("{records} records, clean {clean}"),
            Err(error) => {
                let words = error.to_string();
                let words = words.chars().filter(|c| !c.is_ascii_digit());
                words.take(80).collect()
            }
        }
    }
}

pub fn configuration() -> Trial {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("highwater.toml");
    Box::new(move |bytes| {
        // the folder is removed with the trial
        debug_assert!(path.starts_with(folder.path()));
        std::fs::write(&path, bytes).expect("a file in a temporary folder");
        let args = cli::RunArgs {
            config: Some(path.clone()),
            ..cli::RunArgs::default()
        };
        match args.with_file() {
            Ok(args) => format!(
                "{:?} demo {} retain {}",
                args.limits(),
                args.demo,
                args.retain_bytes().is_ok()
            ),
            Err(error) => {
                let said = error.chain().last().map(ToString::to_string);
                let said = said.unwrap_or_default();
                let last = said.lines().last().unwrap_or_default();
                last.chars()
                    .filter(|c| !c.is_ascii_digit())
                    .take(40)
                    .collect()
            }
        }
    })
}

/// The body of a recording, which is deflated in the file.
pub fn recordings() -> Vec<Vec<u8>> {
    let quote = |at, bid| Quote {
        at,
        bid,
        ask: bid + 2,
        bid_qty: 5,
        ask_qty: 7,
    };
    let print = |at, side| Print {
        at,
        side,
        price: 101,
        qty: 3,
    };
    let reel = |symbol: &str| Reel {
        symbol: symbol.to_owned(),
        tick: 1_000_000,
        lot: 1_000,
        quotes: vec![quote(0, 100), quote(40, 101), quote(90, 99)],
        prints: vec![print(3, Side::Buy), print(50, Side::Sell)],
    };
    let recording = Recording {
        reels: vec![reel("TIDEUSDT"), reel("REEFUSDT")],
    };
    let bytes = recording.write().expect("it is written to memory");
    let mut plain = Vec::new();
    let mut inflate = flate2::read::DeflateDecoder::new(&bytes[6..]);
    std::io::Read::read_to_end(&mut inflate, &mut plain).expect("it was deflated");
    vec![plain, bytes]
}

pub fn recording() -> Trial {
    Box::new(|bytes| {
        let mut file = DeflateEncoder::new(b"HWREC\x01".to_vec(), Compression::fast());
        file.write_all(bytes).expect("it is written to memory");
        let deflated = file.finish().expect("it is written to memory");
        let said = |read: Result<Recording, _>| match read {
            Ok(recording) => {
                let again = recording.write().map(|bytes| Recording::read(&bytes));
                assert_eq!(
                    again.expect("it is written to memory").ok(),
                    Some(recording)
                );
                "read".to_owned()
            }
            Err(error) => {
                let words: market::recording::Unreadable = error;
                words.to_string()
            }
        };
        format!(
            "{}; {}",
            said(Recording::read(&deflated)),
            said(Recording::read(bytes))
        )
    })
}

/// Lines of frames, which are compressed in the file.
pub fn frames() -> Trial {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Box::new(move |bytes| {
        let mut file = GzEncoder::new(Vec::new(), Compression::fast());
        file.write_all(bytes).expect("it is written to memory");
        let bytes = file.finish().expect("it is written to memory");
        std::fs::write(folder.path().join("a.gz"), bytes).expect("a file in a temporary folder");
        match market::frames::read_folder(folder.path()) {
            Ok(films) => format!("{} films", films.len()),
            Err(error) => {
                let said = error.to_string();
                let last = said.rsplit(": ").next().unwrap_or_default();
                last.chars()
                    .filter(|c| !c.is_ascii_digit())
                    .take(40)
                    .collect()
            }
        }
    })
}
