//! Bytes change behind the journal's back: that is noticed, or it was of no consequence. Wrong records are never served.

use std::sync::{Arc, OnceLock};

use journal::sim::{Call, Effect, SimStorage};
use journal::{EventReader, Folder, Journal, JournalError, Options, Reader, snapshots};
use proptest::prelude::*;
use types::Seq;

use crate::world::{Op, World, event_options, options};

struct Sample {
    disk: SimStorage,
    given: Vec<(Vec<u8>, u64)>,
}

fn keep_all() -> Options {
    Options {
        retain: journal::Retain::All,
        ..options()
    }
}

fn sample(history: &[Op]) -> Sample {
    let mut world = World::new(SimStorage::new(3), keep_all()).expect("a new journal opens");
    for op in history {
        world.apply(*op, keep_all()).expect("nothing fails");
    }
    Sample {
        disk: world.disk.after_kill(),
        given: world.given().to_vec(),
    }
}

/// Three segments, two snapshots, an event log, closed.
fn closed() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let b = Op::Batch;
        sample(&[
            b(1, 40),
            b(3, 300),
            Op::Snapshot,
            b(2, 900),
            b(5, 100),
            Op::Events,
            b(1, 9),
            Op::Snapshot,
            b(9, 200),
            b(9, 400),
            b(9, 900),
            b(1, 30),
            Op::Events,
            Op::Restart,
        ])
    })
}

#[derive(PartialEq, Debug)]
enum Outcome {
    Refused,
    Whole,
}

/// Opens and reads everything: it must be whole, or refused.
fn open_and_read(disk: &SimStorage, given: &[(Vec<u8>, u64)]) -> Result<(), JournalError> {
    let end = Seq(given.len() as u64);
    let folder = Folder::open(Arc::new(disk.clone()))?;
    let journal = Journal::open(&folder, keep_all())?;
    assert_eq!(
        journal.writer.next_seq(),
        Seq(end.0 + 1),
        "records were dropped in silence"
    );
    let mut reader = Reader::open(&folder, Seq(1), end)?;
    for (i, (payload, chain)) in given.iter().enumerate() {
        let record = reader.next()?.expect("the reader knows its end");
        assert_eq!(
            (record.seq.0, record.payload, record.chain),
            (i as u64 + 1, &payload[..], *chain),
            "a wrong record was served"
        );
    }
    let state = snapshots::restore(&folder, |meta, r| {
        let mut state = Vec::new();
        r.read_to_end(&mut state).map(|_| (meta.seq, state))
    })?;
    if let Some((_, (seq, state))) = state {
        let expected: Vec<u8> = given[..seq.0 as usize].iter().map(|g| g.0[0]).collect();
        assert_eq!(state, expected, "a wrong snapshot was served");
    }
    let log = journal::EventLog::open(&folder, event_options(), end)?;
    let mut events = EventReader::open(&folder, Seq(1), log.last());
    while let Some(record) = events.next()? {
        let (payload, chain) = &given[record.seq.0 as usize - 1];
        assert_eq!(
            (record.payload, record.chain),
            (&payload[..], *chain),
            "wrong events were served"
        );
    }
    Ok(())
}

fn outcome(disk: &SimStorage, given: &[(Vec<u8>, u64)], what: &dyn std::fmt::Debug) -> Outcome {
    let result =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open_and_read(disk, given)));
    match result {
        Ok(Ok(())) => Outcome::Whole,
        Ok(Err(_)) => Outcome::Refused,
        Err(_) => panic!("{what:?} was not handled"),
    }
}

#[test]
fn the_sample_is_whole_and_has_several_segments() {
    let sample = closed();
    open_and_read(&sample.disk.after_kill(), &sample.given).expect("it is whole");
    let paths = sample.disk.paths();
    assert!(
        paths.iter().filter(|p| p.ends_with(".seg")).count() >= 4,
        "{paths:?}"
    );
    assert_eq!(paths.iter().filter(|p| p.ends_with(".snap")).count(), 2);
}

/// Whether a byte belongs to a header of a segment, a frame, or the first record of one; or to a file that is nearly all headers.
fn is_header(path: &str, bytes: &[u8], at: usize) -> bool {
    let sector = &bytes[at / 512 * 512..];
    let starts = sector.starts_with(b"HWB1") || sector.starts_with(b"HWSEGMT");
    (starts && at % 512 < 160) || !(path.ends_with(".seg") || path.ends_with(".ev"))
}

#[test]
fn every_bit_that_matters_is_guarded() {
    let sample = closed();
    let every = crate::crash::cases() > 10_000;
    let (mut flips, mut refused) = (0u32, 0u32);
    for path in sample
        .disk
        .paths()
        .into_iter()
        .filter(|p| !p.ends_with("LOCK"))
    {
        let bytes = sample.disk.contents(&path).expect("it is listed");
        for at in 0..bytes.len() {
            // all bits of what was written; of the zeros between, one bit each of some bytes
            let near = bytes[at.saturating_sub(4)..bytes.len().min(at + 5)]
                .iter()
                .any(|b| *b != 0);
            let bits = match near {
                _ if every => 0xff_u8,
                true if is_header(&path, &bytes, at) => 0xff,
                // inside payloads all bits are guarded by the same checksums: a few of them stand for the rest
                true if at % 3 == 0 => 1 << (at % 8),
                true => 0,
                false if at % 31 == 0 => 0x10,
                false => 0,
            };
            for bit in (0..8).filter(|b| bits & (1 << b) != 0) {
                let disk = sample.disk.after_kill();
                disk.corrupt(&path, |b| b[at] ^= 1 << bit);
                let found = outcome(&disk, &sample.given, &(&path, at, bit));
                // Zeros that were never written are guarded by nothing, and need not be.
                flips += u32::from(near);
                refused += u32::from(near && found == Outcome::Refused);
            }
        }
    }
    println!("{flips} bits changed, {refused} refused");
    assert!(refused > flips / 3, "{refused} of {flips}");
}

/// In the journal itself every bit of a closed one is guarded, except the padding, the confirmation and what was never begun.
#[test]
fn a_bit_in_any_record_is_refused_by_name() {
    let sample = closed();
    let mut refused = 0;
    for path in sample
        .disk
        .paths()
        .into_iter()
        .filter(|p| p.ends_with(".seg"))
    {
        let bytes = sample.disk.contents(&path).expect("it is listed");
        let frames = (4096..bytes.len())
            .step_by(512)
            .filter(|at| bytes[*at..].starts_with(b"HWB1"));
        for at in frames.filter(|at| {
            u32::from_le_bytes(bytes[at + 28..at + 32].try_into().expect("four bytes")) > 0
        }) {
            let body = u32::from_le_bytes(bytes[at + 24..at + 28].try_into().expect("four bytes"))
                as usize;
            for byte in (at..at + 128 + body).step_by(13) {
                let disk = sample.disk.after_kill();
                disk.corrupt(&path, |b| b[byte] ^= 0x20);
                let error = open_and_read(&disk, &sample.given).expect_err("a record was changed");
                let JournalError::Hole { file, offset, .. } = &error else {
                    panic!("{error}")
                };
                assert_eq!(
                    (file, *offset),
                    (&format!("sim:{path}"), at as u64),
                    "{error}"
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 500, "only {refused}");
}

#[test]
fn an_unfinished_last_batch_goes_and_everything_else_stays() {
    let sample = sample(&[Op::Batch(2, 300), Op::Batch(1, 10), Op::Batch(4, 400)]);
    let path = "journal/0000000001.seg";
    let bytes = sample.disk.contents(path).expect("it is there");
    let last = (4096..bytes.len())
        .step_by(512)
        .rfind(|at| bytes[*at..].starts_with(b"HWB1"))
        .expect("there are frames");
    for torn in [last, last + 100, last + 600, last + 1500] {
        let disk = sample.disk.after_kill();
        disk.corrupt(path, |b| b[torn..last + 2048].fill(0));
        let folder = Folder::open(Arc::new(disk.clone())).expect("opens");
        let journal = Journal::open(&folder, keep_all()).expect("an unfinished batch is no damage");
        assert_eq!(journal.writer.next_seq(), Seq(4));
        let after = disk.contents(path).expect("it is there");
        assert!(
            after[last..].iter().all(|b| *b == 0),
            "what was never promised is zeroed"
        );
        assert_eq!(after[..last], bytes[..last]);
    }
}

#[test]
fn the_event_log_bears_witness_for_the_last_batch() {
    let sample = sample(&[Op::Batch(2, 300), Op::Batch(4, 400), Op::Events]);
    let path = "journal/0000000001.seg";
    let bytes = sample.disk.contents(path).expect("it is there");
    let last = (4096..bytes.len())
        .step_by(512)
        .rfind(|at| bytes[*at..].starts_with(b"HWB1"))
        .expect("there are frames");
    let disk = sample.disk.after_kill();
    disk.corrupt(path, |b| b[last + 200] ^= 1);
    let before = disk.contents(path);
    let error = open_and_read(&disk, &sample.given).expect_err("record 6 was acknowledged");
    assert!(
        matches!(
            error,
            JournalError::Behind {
                end: Seq(2),
                promised: Seq(6),
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(disk.contents(path), before, "a refusal changes nothing");
}

#[test]
fn a_hole_in_the_middle_is_refused_and_left_as_it_is() {
    let sample = closed();
    for (path, at) in [
        ("journal/0000000001.seg", 4096),
        ("journal/0000000002.seg", 4096),
        ("journal/0000000002.seg", 0),
        ("journal/0000000003.seg", 0),
    ] {
        let disk = sample.disk.after_kill();
        disk.corrupt(path, |b| b[at..at + 512].fill(0));
        let before = disk.contents(path);
        let error = open_and_read(&disk, &sample.given).expect_err("a sector is gone");
        assert!(
            matches!(&error, JournalError::Hole { file, .. } if *file == format!("sim:{path}")),
            "{path} {at}: {error}"
        );
        assert_eq!(disk.contents(path), before);
    }
}

#[test]
fn missing_swapped_stale_and_foreign_segments_are_refused() {
    let sample = closed();
    let (first, second) = ("journal/0000000001.seg", "journal/0000000002.seg");
    let get = |path: &str| sample.disk.contents(path).expect("it is there");
    let changed = |path: &str, bytes: &[u8]| {
        let disk = sample.disk.after_kill();
        disk.corrupt(path, |b| *b = bytes.to_vec());
        open_and_read(&disk, &sample.given).expect_err("the segment is another one")
    };
    changed(first, &get(second));
    changed(second, &get(first));
    // a segment as it was a while ago: all writes since then were lost
    let mut stale = get(second);
    stale[4096 + 512..].fill(0);
    changed(second, &stale);
    let foreign = SimStorage::new(99);
    let mut other = World::new(foreign.clone(), keep_all()).expect("a new journal opens");
    other
        .apply(Op::Batch(1, 1), keep_all())
        .expect("nothing fails");
    let error = changed(second, &foreign.contents(first).expect("it is there"));
    assert!(matches!(error, JournalError::Foreign { .. }), "{error}");
    let disk = sample.disk.after_kill();
    journal::Storage::remove(&disk, second).expect("it is there");
    let error = open_and_read(&disk, &sample.given).expect_err("a segment is missing");
    assert!(
        error
            .to_string()
            .contains("0000000002.seg is damaged: the segment is missing"),
        "{error}"
    );
}

#[test]
fn a_newer_format_is_named_and_left_alone() {
    let disk = closed().disk.after_kill();
    disk.corrupt("FORMAT", |b| {
        let text = String::from_utf8(b.clone())
            .expect("it is text")
            .replace("format 1", "format 2");
        let body = text
            .split("crc")
            .next()
            .expect("it has a checksum")
            .to_string();
        *b = format!("{body}crc {:08x}\n", crc32c::crc32c(body.as_bytes())).into_bytes();
    });
    let error = Folder::open(Arc::new(disk)).expect_err("it is newer");
    assert!(
        matches!(
            error,
            JournalError::NewerFormat {
                found: 2,
                supported: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn when_no_snapshot_is_sound_that_is_said() {
    let disk = closed().disk.after_kill();
    for path in disk.paths().into_iter().filter(|p| p.ends_with(".snap")) {
        disk.corrupt(&path, |b| b[150] ^= 1);
    }
    let folder = Folder::open(Arc::new(disk)).expect("opens");
    let error = snapshots::newest_valid(&folder).expect_err("both are damaged");
    assert!(matches!(error, JournalError::NoSoundSnapshot(_)), "{error}");
}

/// Lost and misdirected writes of every single call are noticed, unless the last thing written is all that was lost.
#[test]
fn lost_and_misdirected_writes_are_noticed() {
    let history = [
        Op::Batch(2, 300),
        Op::Batch(1, 700),
        Op::Batch(3, 200),
        Op::Confirm,
        Op::Batch(9, 900),
        Op::Batch(1, 8),
        Op::Restart,
    ];
    let mut noticed = 0;
    for effect in [Effect::Lie, Effect::Astray(512), Effect::Astray(2048)] {
        for nth in 1.. {
            let disk = SimStorage::new(3);
            let mut world = World::new(disk.clone(), keep_all()).expect("a new journal opens");
            let writes_before = disk.calls();
            disk.inject(Call::Write, nth, effect);
            let done = history
                .iter()
                .try_for_each(|op| world.apply(*op, keep_all()));
            if nth > disk.calls() - writes_before {
                break;
            }
            if done.is_err() {
                noticed += 1;
                continue;
            }
            let given = world.given().to_vec();
            noticed += u32::from(
                outcome(&world.disk.after_kill(), &given, &(effect, nth)) == Outcome::Refused,
            );
        }
    }
    assert!(noticed > 15, "only {noticed}");
}

#[derive(Clone, Debug)]
enum Harm {
    Flip(usize, u8),
    Burst(usize, usize, u8),
    Zero(usize),
    Swap(usize, usize),
    Copy(usize, usize),
    Cut(usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = 0..40_000_usize;
    prop_oneof![
        (at.clone(), 1..=255u8).prop_map(|(a, x)| Harm::Flip(a, x)),
        (at.clone(), 1..2000_usize, any::<u8>()).prop_map(|(a, n, x)| Harm::Burst(a, n, x)),
        at.clone().prop_map(Harm::Zero),
        (at.clone(), at.clone()).prop_map(|(a, b)| Harm::Swap(a, b)),
        (at.clone(), at.clone()).prop_map(|(a, b)| Harm::Copy(a, b)),
        at.prop_map(Harm::Cut),
    ]
}

fn inflict(bytes: &mut Vec<u8>, harm: &Harm) {
    let len = bytes.len().max(512);
    let sector = |at: usize| at % len / 512 * 512;
    bytes.resize(len.next_multiple_of(512), 0);
    match *harm {
        Harm::Flip(at, x) => bytes[at % len] ^= x,
        Harm::Burst(at, n, x) => {
            let start = at % len;
            let end = (start + n).min(len);
            bytes[start..end].fill(x);
        }
        Harm::Zero(at) => bytes[sector(at)..sector(at) + 512].fill(0),
        Harm::Swap(a, b) => {
            let (a, b) = (sector(a), sector(b));
            let one = bytes[a..a + 512].to_vec();
            bytes.copy_within(b..b + 512, a);
            bytes[b..b + 512].copy_from_slice(&one);
        }
        Harm::Copy(a, b) => bytes.copy_within(sector(a)..sector(a) + 512, sector(b)),
        Harm::Cut(at) => bytes.truncate(at % len),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Several harms to one file at once: wrong records are never served, and a closed journal never gets shorter in silence, except where the
    /// confirmation and the end before it go together.
    #[test]
    fn harm_of_any_kind_never_makes_wrong_records(file in any::<prop::sample::Index>(), harms in prop::collection::vec(harm(), 1..4)) {
        let sample = closed();
        let paths: Vec<String> = sample.disk.paths().into_iter().filter(|p| !p.ends_with("LOCK")).collect();
        let path = file.get(&paths);
        let disk = sample.disk.after_kill();
        disk.corrupt(path, |b| harms.iter().for_each(|h| inflict(b, h)));
        let Ok(folder) = Folder::open(Arc::new(disk.clone())) else { return Ok(()) };
        let Ok(journal) = Journal::open(&folder, keep_all()) else { return Ok(()) };
        let end = Seq(journal.writer.next_seq().0 - 1);
        prop_assert!(end.0 as usize <= sample.given.len());
        let Ok(mut reader) = Reader::open(&folder, Seq(1), end) else { return Ok(()) };
        while let Ok(Some(record)) = reader.next() {
            let (payload, chain) = &sample.given[record.seq.0 as usize - 1];
            prop_assert_eq!((record.payload, record.chain), (&payload[..], *chain));
        }
    }

    /// What goes in comes out, whatever its sizes.
    #[test]
    fn batches_of_any_shape_are_read_back(shapes in prop::collection::vec((1..30u8, 0..1500u16), 1..20), from in any::<prop::sample::Index>()) {
        let mut world = World::new(SimStorage::new(8), keep_all()).expect("a new journal opens");
        for (count, len) in shapes {
            world.apply(Op::Batch(count, len), keep_all()).expect("nothing fails");
        }
        world.apply(Op::Restart, keep_all()).expect("nothing fails");
        world.check().expect("all is there");
        let start = from.index(world.given().len());
        let mut reader = Reader::open(&world.folder, Seq(start as u64 + 1), world.end()).expect("it is there");
        prop_assert_eq!(reader.next().expect("it is sound").expect("it is there").payload, &world.given()[start].0[..]);
    }
}
