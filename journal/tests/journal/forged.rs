//! Batches that check out by themselves and do not belong: every single tie of a batch to its place and its past is needed.

use std::sync::Arc;

use journal::sim::SimStorage;
use journal::{Folder, Journal, JournalError, Reader, snapshots};
use types::Seq;

use crate::world::{Op, World, options};

const SEGMENT: &str = "journal/0000000001.seg";

fn disk(history: &[Op]) -> SimStorage {
    let mut world = World::new(SimStorage::new(4), options()).expect("a new journal opens");
    for op in history {
        world.apply(*op, options()).expect("nothing fails");
    }
    world.disk.after_kill()
}

fn frames(disk: &SimStorage) -> Vec<usize> {
    let bytes = disk.contents(SEGMENT).expect("it is there");
    (4096..bytes.len())
        .step_by(512)
        .filter(|at| bytes[*at..].starts_with(b"HWB1"))
        .collect()
}

/// Changes a frame and makes its record checksums, its hash and its own checksum right again.
fn forge(disk: &SimStorage, at: usize, change: impl FnOnce(&mut [u8])) {
    disk.corrupt(SEGMENT, |bytes| {
        let frame = &mut bytes[at..];
        change(frame);
        let body = u32::from_le_bytes(frame[24..28].try_into().expect("four bytes")) as usize;
        let mut record = 128;
        while record < 128 + body {
            let len = u32::from_le_bytes(
                frame[record + 4..record + 8]
                    .try_into()
                    .expect("four bytes"),
            ) as usize;
            let crc = crc32c::crc32c(&frame[record + 4..record + 32 + len]);
            frame[record..record + 4].copy_from_slice(&crc.to_le_bytes());
            record += 32 + len;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&frame[8..96]);
        hasher.update(&frame[128..128 + body]);
        frame[96..128].copy_from_slice(hasher.finalize().as_bytes());
        let crc = crc32c::crc32c(&frame[8..128]);
        frame[4..8].copy_from_slice(&crc.to_le_bytes());
    });
}

fn next_seq(disk: &SimStorage) -> Result<Seq, JournalError> {
    let folder = Folder::open(Arc::new(disk.after_kill()))?;
    Ok(Journal::open(&folder, options())?.writer.next_seq())
}

#[test]
fn each_tie_of_the_last_batch_to_its_place_and_past_is_checked() {
    let whole = disk(&[Op::Batch(1, 10), Op::Batch(2, 300), Op::Batch(3, 100)]);
    assert_eq!(next_seq(&whole).expect("is sound"), Seq(7));
    let last = *frames(&whole).last().expect("there are frames");
    let untouched = whole.after_kill();
    forge(&untouched, last, |_| {});
    assert_eq!(
        next_seq(&untouched).expect("is sound"),
        Seq(7),
        "the forger works"
    );
    for (tie, field) in [
        ("generation", 8),
        ("offset", 17),
        ("first record", 32),
        ("chain", 48),
        ("hash before", 70),
    ] {
        let disk = whole.after_kill();
        forge(&disk, last, |frame| frame[field] ^= 1);
        assert_eq!(
            next_seq(&disk).expect("the last batch may go"),
            Seq(4),
            "{tie}"
        );
    }
    for (tie, field) in [("record number", 128 + 8), ("records' length", 128 + 4)] {
        let disk = whole.after_kill();
        disk.corrupt(SEGMENT, |bytes| bytes[last + field] ^= 1);
        assert_eq!(
            next_seq(&disk).expect("the last batch may go"),
            Seq(4),
            "{tie}"
        );
    }
    let disk = whole.after_kill();
    forge(&disk, last, |frame| frame[128 + 8] ^= 8);
    assert_eq!(
        next_seq(&disk).expect("the last batch may go"),
        Seq(4),
        "a record of another number inside a sound batch"
    );
}

#[test]
fn a_rewritten_past_does_not_fit_what_follows() {
    let whole = disk(&[
        Op::Batch(1, 10),
        Op::Batch(2, 300),
        Op::Batch(3, 100),
        Op::Batch(1, 10),
    ]);
    let second = frames(&whole)[1];
    let disk = whole.after_kill();
    forge(&disk, second, |frame| frame[128 + 32 + 5] ^= 1);
    let error = next_seq(&disk).expect_err("the third batch continues another second one");
    assert!(
        matches!(
            error,
            JournalError::Hole {
                expected: Seq(4),
                ..
            }
        ),
        "{error}"
    );
}

/// The record's own checksum was made right again; the batch's hash was not.
#[test]
fn a_changed_record_with_a_right_checksum_is_refused() {
    let whole = disk(&[Op::Batch(1, 10), Op::Batch(2, 300), Op::Batch(3, 100)]);
    let second = frames(&whole)[1];
    whole.corrupt(SEGMENT, |bytes| {
        let record = &mut bytes[second + 128..];
        record[32 + 5] ^= 1;
        let crc = crc32c::crc32c(&record[4..32 + 300]);
        record[0..4].copy_from_slice(&crc.to_le_bytes());
    });
    let error = next_seq(&whole).expect_err("the hash is wrong");
    assert!(
        matches!(
            error,
            JournalError::Hole {
                expected: Seq(2),
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_changed_snapshot_with_a_right_checksum_is_passed_over() {
    let disk = disk(&[Op::Batch(3, 10), Op::Snapshot]);
    let path = disk
        .paths()
        .into_iter()
        .find(|p| p.ends_with(".snap"))
        .expect("there is a snapshot");
    disk.corrupt(&path, |bytes| {
        bytes[128 + 16] ^= 1;
        let crc = crc32c::crc32c(&bytes[128 + 8..128 + 16 + 3]);
        bytes[128 + 4..128 + 8].copy_from_slice(&crc.to_le_bytes());
    });
    let folder = Folder::open(Arc::new(disk)).expect("opens");
    let error = snapshots::newest_valid(&folder).expect_err("the hash is wrong");
    assert!(
        error
            .to_string()
            .contains("does not match what stands before"),
        "{error}"
    );
}

#[test]
fn reading_what_was_recycled_says_so() {
    let mut world = World::new(SimStorage::new(4), options()).expect("a new journal opens");
    let mut early = None;
    for round in 0..12 {
        world
            .apply(Op::Batch(5, 900), options())
            .expect("nothing fails");
        world.apply(Op::Snapshot, options()).expect("nothing fails");
        if round == 0 {
            early = Some(
                Reader::open(&world.folder, Seq(1), Seq(60)).expect("record 1 is still there"),
            );
        }
    }
    let error = Reader::open(&world.folder, Seq(1), world.end()).expect_err("it is gone");
    assert!(
        matches!(error, JournalError::Recycled { wanted: Seq(1), .. }),
        "{error}"
    );
    let mut early = early.expect("it was opened");
    let error = loop {
        match early.next() {
            Ok(Some(record)) => {
                assert_eq!(record.payload, world.given()[record.seq.0 as usize - 1].0)
            }
            Ok(None) => panic!("the reader came to its end over recycled segments"),
            Err(e) => break e,
        }
    };
    assert!(matches!(error, JournalError::Recycled { .. }), "{error}");
}
