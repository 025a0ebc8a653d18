//! On the real disk.

use std::io::Read;

use journal::{
    BatchBuf, EventLog, EventOptions, EventReader, FileStorage, Folder, Journal, JournalError,
    Mark, Options, Reader, SnapshotMeta, snapshots,
};
use types::{Seq, Time};

fn fill(batch: &mut BatchBuf, from: u64, count: u64) {
    batch.clear();
    for seq in from..from + count {
        batch.push(
            Seq(seq),
            Time(seq as i64 * 10),
            seq * 7,
            format!("record {seq}").as_bytes(),
        );
    }
}

fn small() -> Options {
    Options {
        segment_bytes: 64 << 10,
        first_segment_bytes: 16 << 10,
        ..Options::default()
    }
}

fn read_all(folder: &Folder, from: u64, through: u64) -> Vec<u64> {
    let mut reader = Reader::open(folder, Seq(from), Seq(through)).unwrap();
    let mut seen = Vec::new();
    while let Some(r) = reader.next().unwrap() {
        assert_eq!(r.payload, format!("record {}", r.seq).as_bytes());
        assert_eq!((r.time, r.chain), (Time(r.seq.0 as i64 * 10), r.seq.0 * 7));
        seen.push(r.seq.0);
    }
    seen
}

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut next = 1;
    for round in 0..4u64 {
        let folder = Folder::open(FileStorage::new(dir.path()).unwrap()).unwrap();
        assert_eq!(folder.existed(), round > 0);
        let mut journal = Journal::open(&folder, small()).unwrap();
        assert_eq!(journal.writer.next_seq(), Seq(next));
        let mut batch = BatchBuf::default();
        for n in 1..60 {
            fill(&mut batch, next, n % 13 + 1);
            journal.writer.append(&mut batch).unwrap();
            let mark = journal.writer.commit().unwrap();
            next = batch.last_seq().0 + 1;
            assert_eq!(
                mark,
                Mark {
                    seq: Seq(next - 1),
                    synced: Seq(next - 1)
                }
            );
        }
        if round % 2 == 0 {
            journal.writer.close().unwrap();
        }
        let all: Vec<u64> = (1..next).collect();
        assert_eq!(read_all(&folder, 1, next - 1), all);
        assert_eq!(
            read_all(&folder, next / 2, next - 1),
            all[next as usize / 2 - 1..]
        );
    }
}

#[test]
fn a_second_process_is_refused_and_told_which_one_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(FileStorage::new(dir.path()).unwrap()).unwrap();
    let refused = Folder::open(FileStorage::new(dir.path()).unwrap()).unwrap_err();
    assert!(
        matches!(&refused, JournalError::InUse { holder, .. } if *holder == format!("process {}", std::process::id())),
        "{refused}"
    );
    drop(folder);
    Folder::open(FileStorage::new(dir.path()).unwrap()).unwrap();
}

#[test]
fn a_snapshot_comes_back_and_a_damaged_one_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(FileStorage::new(dir.path()).unwrap()).unwrap();
    let mut journal = Journal::open(&folder, small()).unwrap();
    let mut batch = BatchBuf::default();
    fill(&mut batch, 1, 30);
    journal.writer.append(&mut batch).unwrap();
    let mark = journal.writer.commit().unwrap();
    for seq in [10, 20, 30] {
        let meta = SnapshotMeta {
            seq: Seq(seq),
            chain: seq * 7,
            ..SnapshotMeta::default()
        };
        snapshots::write(&folder, mark, meta, |w| {
            w.write_all(&vec![seq as u8; 700_000])
        })
        .unwrap();
    }
    assert_eq!(snapshots::covered(&folder).unwrap(), Some(Seq(20)));
    let read = |_: &SnapshotMeta, r: &mut dyn Read| {
        let mut v = Vec::new();
        r.read_to_end(&mut v).map(|_| v)
    };
    let (snapshot, state) = snapshots::restore(&folder, read).unwrap().unwrap();
    assert_eq!((snapshot.meta.seq, state), (Seq(30), vec![30u8; 700_000]));
    let newest = dir.path().join("snapshots/00000000000000000030.snap");
    let mut bytes = std::fs::read(&newest).unwrap();
    bytes[400_000] ^= 4;
    std::fs::write(&newest, bytes).unwrap();
    let (snapshot, state) = snapshots::restore(&folder, read).unwrap().unwrap();
    assert_eq!((snapshot.meta.seq, state), (Seq(20), vec![20u8; 700_000]));
}

#[test]
fn a_snapshot_of_what_is_not_on_the_disk_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(FileStorage::new(dir.path()).unwrap()).unwrap();
    let meta = SnapshotMeta {
        seq: Seq(3),
        ..SnapshotMeta::default()
    };
    let refused = snapshots::write(
        &folder,
        Mark {
            seq: Seq(3),
            synced: Seq(2),
        },
        meta,
        |w| w.write_all(b"x"),
    )
    .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("record 3 is not on the disk yet"),
        "{refused}"
    );
}

#[test]
fn the_event_log_is_read_back_and_a_gap_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(FileStorage::new(dir.path()).unwrap()).unwrap();
    let options = EventOptions {
        segment_bytes: 8 << 10,
        ..EventOptions::default()
    };
    let log = EventLog::open(&folder, options, Seq(1000)).unwrap();
    let mut batch = BatchBuf::default();
    for from in (1..400).step_by(10) {
        fill(&mut batch, from, 10);
        batch = log.offer(
            batch,
            Mark {
                seq: Seq(from + 9),
                synced: Seq(0),
            },
        );
    }
    fill(&mut batch, 395, 20);
    batch = log.offer(batch, Mark::default());
    fill(&mut batch, 500, 5);
    log.offer(batch, Mark::default());
    log.close();
    let mut reader = EventReader::open(&folder, Seq(17), Seq(504));
    for seq in 17..415 {
        let r = reader.next().unwrap().unwrap();
        assert_eq!(
            (r.seq, r.payload),
            (Seq(seq), format!("record {seq}").as_bytes())
        );
    }
    let gap = reader.next().unwrap_err();
    assert!(
        matches!(
            gap,
            JournalError::EventsMissing {
                from: Seq(415),
                to: Seq(499),
                ..
            }
        ),
        "{gap}"
    );
    reader.seek(Seq(500));
    for seq in 500..505 {
        assert_eq!(reader.next().unwrap().unwrap().seq, Seq(seq));
    }
    assert!(reader.next().unwrap().is_none());
    let log = EventLog::open(&folder, options, Seq(502)).unwrap();
    assert_eq!(log.last(), Seq(414));
}

#[test]
fn verify_reads_everything_and_names_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(FileStorage::new(dir.path()).unwrap()).unwrap();
    let mut journal = Journal::open(&folder, small()).unwrap();
    let mut batch = BatchBuf::default();
    for from in (1..300).step_by(30) {
        fill(&mut batch, from, 30);
        journal.writer.append(&mut batch).unwrap();
        journal.writer.commit().unwrap();
    }
    let mark = journal.writer.sync().unwrap();
    let log = EventLog::open(&folder, EventOptions::default(), mark.seq).unwrap();
    for (from, count) in [(11, 20), (51, 250)] {
        fill(&mut batch, from, count);
        batch = log.offer(batch, mark);
    }
    log.close();
    snapshots::write(
        &folder,
        mark,
        SnapshotMeta {
            seq: Seq(300),
            ..SnapshotMeta::default()
        },
        |w| w.write_all(b"state"),
    )
    .unwrap();
    let found = journal::verify(&folder, Seq(1), mark.seq).unwrap();
    assert_eq!(
        (found.records, found.chain, found.snapshots),
        (300, 2100, vec![(Seq(300), None)])
    );
    assert_eq!(
        found
            .missing_events
            .iter()
            .map(|(a, b, _)| (a.0, b.0))
            .collect::<Vec<_>>(),
        [(31, 50)]
    );
    let path = dir.path().join("snapshots/00000000000000000300.snap");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[145] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let found = journal::verify(&folder, Seq(1), mark.seq).unwrap();
    assert_eq!(
        found.snapshots,
        vec![(Seq(300), Some("chunk 0 is damaged".into()))]
    );
}
