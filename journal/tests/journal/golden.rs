//! The bytes of version 1, kept for ever: written the same, and read back.
//!
//! `GOLDEN_WRITE=1 cargo test -p journal golden` makes them anew: only for a new version, in a new folder.

use std::path::PathBuf;
use std::sync::Arc;

use journal::sim::SimStorage;
use journal::{EventReader, Folder, Journal, Reader, Storage, snapshots};
use types::Seq;

use crate::world::{Op, World, event_options, options};

/// Path in the data folder, and name of the fixture.
const FILES: [(&str, &str); 6] = [
    ("FORMAT", "format.bin"),
    ("journal/0000000001.seg", "segment-1.bin"),
    ("journal/0000000002.seg", "segment-2.bin"),
    ("journal/0000000003.seg", "segment-3.bin"),
    ("snapshots/00000000000000000003.snap", "snapshot.bin"),
    ("events/00000000000000000001.ev", "events.bin"),
];

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/v1")
        .join(name)
}

fn world() -> World {
    let mut world = World::new(SimStorage::new(1), options()).expect("a new journal opens");
    for op in [
        Op::Batch(1, 16),
        Op::Batch(2, 100),
        Op::Snapshot,
        Op::Batch(3, 900),
        Op::Batch(2, 300),
        Op::Confirm,
        Op::Events,
        Op::Batch(1, 700),
    ] {
        world.apply(op, options()).expect("nothing fails");
    }
    world
}

#[test]
fn what_is_written_is_byte_for_byte_what_version_1_wrote() {
    let world = world();
    for (path, name) in FILES {
        let bytes = world
            .disk
            .contents(path)
            .unwrap_or_else(|| panic!("{path} is not there: {:?}", world.disk.paths()));
        if std::env::var_os("GOLDEN_WRITE").is_some() {
            std::fs::create_dir_all(fixture("")).expect("the folder can be made");
            std::fs::write(fixture(name), &bytes).expect("it can be written");
        }
        let golden = std::fs::read(fixture(name)).expect("the fixture is there");
        assert!(
            bytes == golden,
            "{path} differs from {name}: the format has changed. A change needs a new version, and this one stays readable"
        );
    }
}

#[test]
fn what_version_1_wrote_is_read_back() {
    let disk = SimStorage::new(77);
    for (path, name) in FILES {
        let bytes = std::fs::read(fixture(name)).expect("the fixture is there");
        disk.create(path)
            .and_then(|f| f.write_at(&bytes, 0))
            .expect("it can be written");
    }
    let expected = world();
    let folder = Folder::open(Arc::new(disk)).expect("opens");
    let journal = Journal::open(&folder, options()).expect("opens");
    assert_eq!(journal.writer.next_seq(), Seq(10));
    assert_eq!(journal.writer.chain(), expected.given()[8].1);
    let mut reader = Reader::open(&folder, Seq(1), Seq(9)).expect("opens");
    let mut events = EventReader::open(&folder, Seq(1), Seq(8));
    for (i, (payload, chain)) in expected.given().iter().enumerate() {
        let record = reader.next().expect("is sound").expect("is there");
        assert_eq!(
            (record.seq.0, record.time.0, record.payload, record.chain),
            (i as u64 + 1, i as i64 + 1, &payload[..], *chain)
        );
        if i < 8 {
            assert_eq!(
                events.next().expect("is sound").expect("is there").payload,
                &payload[..]
            );
        }
    }
    assert_eq!(
        snapshots::newest_valid(&folder)
            .expect("is sound")
            .expect("is there")
            .meta
            .seq,
        Seq(3)
    );
    journal::EventLog::open(&folder, event_options(), Seq(9)).expect("opens");
}
