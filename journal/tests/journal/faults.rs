//! Calls fail, fall short or lie.

use std::io::ErrorKind;

use journal::sim::{Call, Choices, Effect, SimStorage};
use journal::{BatchBuf, EventLog, Fatal, Folder, Journal, Mark};
use types::{Seq, Time};

use crate::world::{Op, World, event_options, options};

const HISTORY: [Op; 12] = [
    Op::Batch(2, 300),
    Op::Events,
    Op::Batch(1, 700),
    Op::Snapshot,
    Op::Uncommitted(3, 500),
    Op::Batch(6, 900),
    Op::Snapshot,
    Op::Batch(6, 900),
    Op::Events,
    Op::Snapshot,
    Op::Confirm,
    Op::Batch(2, 40),
];

/// Runs the history with the `nth` call of a kind failing; `None` when there are not so many.
fn run(call: Call, nth: u64, effect: Effect) -> (World, Option<String>) {
    let disk = SimStorage::new(5);
    let mut world = World::new(disk.clone(), options()).expect("a new journal opens");
    disk.inject(call, nth, effect);
    let failed = HISTORY
        .iter()
        .find_map(|op| world.apply(*op, options()).err());
    (world, failed)
}

#[test]
fn whatever_call_fails_nothing_acknowledged_is_lost_and_nothing_is_retried() {
    let mut failures = 0;
    for call in [
        Call::Write,
        Call::Sync,
        Call::SetLen,
        Call::Create,
        Call::Rename,
        Call::Remove,
        Call::SyncDir,
        Call::Open,
        Call::Read,
    ] {
        for nth in 1..=120 {
            let (mut world, failed) = run(call, nth, Effect::Fail(ErrorKind::Other));
            failures += u32::from(failed.is_some());
            if let Some(Err(fatal)) = world.commit() {
                let calls = world.disk.calls();
                assert_eq!(world.writer().sync(), Err(fatal.clone()));
                assert_eq!(world.writer().append(&mut one_record()), Err(fatal.clone()));
                assert_eq!(world.writer().confirm(), Err(fatal));
                assert_eq!(
                    world.disk.calls(),
                    calls,
                    "a broken writer touches the disk no more"
                );
            }
            for seed in 0..3 {
                let mut choices = Choices::seeded(nth * 7 + seed);
                if let Err(e) = world.after_power_loss(&mut choices, options()) {
                    panic!("{call:?} {nth}, power loss {seed}: {e}");
                }
                // the process alone restarts, finds what only the system's cache holds, and then power is lost after all
                let restarted = world
                    .after_kill(options())
                    .unwrap_or_else(|e| panic!("{call:?} {nth}, restart: {e}"));
                if let Err(e) = restarted.after_power_loss(&mut choices, options()) {
                    panic!("{call:?} {nth}, restart and power loss {seed}: {e}");
                }
            }
        }
    }
    assert!(failures > 40, "only {failures} failures");
}

/// After a failed call the process alone ends. The next one finds what only the system's cache holds, builds on it, and then power is lost.
#[test]
fn what_a_restart_builds_on_is_on_the_disk() {
    const MORE: [Op; 4] = [
        Op::Batch(2, 3_000),
        Op::Confirm,
        Op::Batch(2, 3_000),
        Op::Batch(2, 3_000),
    ];
    let mut failures = 0;
    for call in [Call::Write, Call::Sync, Call::Rename, Call::SyncDir] {
        for nth in 1..=60 {
            let (world, failed) = run(call, nth, Effect::Fail(ErrorKind::Other));
            failures += u32::from(failed.is_some());
            let mut restarted = world
                .after_kill(options())
                .unwrap_or_else(|e| panic!("{call:?} {nth}, restart: {e}"));
            for op in MORE {
                if let Err(e) = restarted.apply(op, options()) {
                    panic!("{call:?} {nth}, {op:?} behind the restart: {e}");
                }
            }
            for seed in 0..4 {
                let mut choices = Choices::seeded(nth * 5 + seed);
                if let Err(e) = restarted.after_power_loss(&mut choices, options()) {
                    panic!("{call:?} {nth}, restart, more, and power loss {seed}: {e}");
                }
            }
        }
    }
    assert!(failures > 15, "only {failures} failures");
}

/// A segment was renamed into its place and the process ended before the folder was synced. The next one writes into it, and has no reason of
/// its own to sync the folder, because the segment after it cannot be made.
#[test]
fn a_name_that_was_not_synced_is_synced_before_it_is_built_on() {
    let mut failures = 0;
    for nth in 1..=20 {
        let (world, failed) = run(Call::SyncDir, nth, Effect::Fail(ErrorKind::Other));
        failures += u32::from(failed.is_some());
        let mut restarted = world.after_kill(options()).expect("restarts");
        for create in 1..=4 {
            let full = Effect::Fail(ErrorKind::StorageFull);
            restarted.disk.inject(Call::Create, create, full);
        }
        // until there is no room any more
        while restarted.apply(Op::Batch(1, 900), options()).is_ok() && restarted.end() < Seq(90) {}
        for seed in 0..8 {
            let mut choices = Choices::seeded(nth * 8 + seed);
            if let Err(e) = restarted.after_power_loss(&mut choices, options()) {
                panic!("{nth}, restart, more, and power loss {seed}: {e}");
            }
        }
    }
    assert!(failures > 2, "only {failures} failures");
}

fn one_record() -> BatchBuf {
    let mut batch = BatchBuf::with_capacity(100);
    batch.push(Seq(1), Time(0), 0, b"x");
    batch
}

#[test]
fn a_failing_recovery_can_be_repeated() {
    let (world, failed) = run(Call::Read, u64::MAX, Effect::Lie);
    assert_eq!(failed, None);
    let mut failures = 0;
    for call in [
        Call::Write,
        Call::Sync,
        Call::SetLen,
        Call::Create,
        Call::Rename,
        Call::Remove,
        Call::SyncDir,
        Call::Open,
        Call::Read,
        Call::List,
    ] {
        for nth in 1..=40 {
            let disk = world.disk.after_power_loss(&mut Choices::seeded(nth));
            disk.inject(call, nth, Effect::Fail(ErrorKind::Other));
            failures += u32::from(world.reopen_on(disk.clone(), options()).is_err());
            let again = world
                .reopen_on(disk.after_kill(), options())
                .unwrap_or_else(|e| panic!("{call:?} {nth}: {e}"));
            if let Err(e) = again.after_power_loss(&mut Choices::seeded(nth), options()) {
                panic!("{call:?} {nth}, power loss: {e}");
            }
        }
    }
    assert!(failures > 20, "only {failures} failures");
}

#[test]
fn interruptions_and_short_transfers_change_nothing() {
    for call in [Call::Write, Call::Read] {
        for effect in [
            Effect::Fail(ErrorKind::Interrupted),
            Effect::Short(1),
            Effect::Short(100),
        ] {
            for nth in 1..=60 {
                let (world, failed) = run(call, nth, effect);
                assert_eq!(failed, None, "{call:?} {nth} {effect:?}");
                world
                    .check()
                    .unwrap_or_else(|e| panic!("{call:?} {nth} {effect:?}: {e}"));
                world
                    .after_kill(options())
                    .unwrap_or_else(|e| panic!("{call:?} {nth} {effect:?}: {e}"));
            }
        }
    }
}

#[test]
fn a_lying_disk_loses_its_end_or_is_refused_but_never_serves_anything_else() {
    for seed in 0..150 {
        let mut choices = Choices::seeded(seed);
        let mut world = World::new(SimStorage::new(5), options()).expect("a new journal opens");
        world.disk.lie_about_syncs(true);
        for op in HISTORY {
            world
                .apply(op, options())
                .expect("the disk says that all is well");
        }
        // reopening compares every record with what was given
        drop(world.reopen_forgiving(world.disk.after_power_loss(&mut choices), options()));
    }
}

#[test]
fn a_full_disk_is_foreseen_and_what_is_prepared_is_still_used() {
    let disk = SimStorage::new(5);
    let mut world = World::new(disk.clone(), options()).expect("a new journal opens");
    world
        .apply(Op::Batch(1, 10), options())
        .expect("there is room");
    let used: usize = disk
        .paths()
        .iter()
        .filter_map(|p| disk.contents(p))
        .map(|b| b.len())
        .sum();
    disk.set_capacity(Some(used as u64 + 1000));
    // the next segment is there already; the one after it cannot be made
    let mut batches = 0;
    let refused = loop {
        if let Err(e) = world.apply(Op::Batch(1, 800), options()) {
            break e;
        }
        batches += 1;
        let health = world.writer().health().expect("nothing is broken yet");
        if batches > 8 {
            assert!(
                health.trouble.is_some() && !health.next_ready && health.bytes_left > 0,
                "{health:?}"
            );
        }
        assert!(batches < 100, "the disk never got full");
    };
    assert!(
        refused.contains("no room for the next segment"),
        "{refused}"
    );
    assert!(batches > 12, "only {batches} batches were taken");
    assert!(matches!(world.commit(), Some(Err(Fatal::Full { .. }))));
    let after = world
        .after_power_loss(&mut Choices::seeded(1), options())
        .expect("recovers");
    assert!(after.end() >= world.acked);
}

#[test]
fn room_that_comes_back_is_used() {
    let disk = SimStorage::new(5);
    let mut world = World::new(disk.clone(), options()).expect("a new journal opens");
    world
        .apply(Op::Batch(1, 10), options())
        .expect("there is room");
    let used: usize = disk
        .paths()
        .iter()
        .filter_map(|p| disk.contents(p))
        .map(|b| b.len())
        .sum();
    disk.set_capacity(Some(used as u64 + 1000));
    for _ in 0..9 {
        world
            .apply(Op::Batch(1, 800), options())
            .expect("what is prepared suffices");
    }
    assert!(
        world
            .writer()
            .health()
            .expect("nothing is broken")
            .trouble
            .is_some()
    );
    disk.set_capacity(None);
    // asking makes it try again
    world.writer().health().expect("nothing is broken");
    assert!(
        world
            .writer()
            .health()
            .expect("nothing is broken")
            .next_ready
    );
    for _ in 0..50 {
        world
            .apply(Op::Batch(1, 800), options())
            .expect("there is room again");
    }
    world.check().expect("all is there");
}

#[test]
fn a_batch_out_of_order_is_a_defect_that_writes_nothing() {
    let disk = SimStorage::new(5);
    let mut world = World::new(disk.clone(), options()).expect("a new journal opens");
    world
        .apply(Op::Batch(2, 10), options())
        .expect("nothing fails");
    let before = disk.contents("journal/0000000001.seg");
    let refused = world
        .writer()
        .append(&mut one_record())
        .expect_err("record 3 is due");
    assert_eq!(
        refused,
        Fatal::OutOfOrder {
            expected: Seq(3),
            got: Seq(1)
        }
    );
    assert_eq!(disk.contents("journal/0000000001.seg"), before);
}

#[test]
fn a_failing_event_log_stops_alone_and_is_completed_after_a_restart() {
    let disk = SimStorage::new(5);
    let folder = Folder::open(std::sync::Arc::new(disk.clone())).expect("opens");
    let journal = Journal::open(&folder, options()).expect("opens");
    let log = EventLog::open(&folder, event_options(), Seq(9)).expect("opens");
    let batch = |from: u64, count: u64| {
        let mut batch = BatchBuf::with_capacity(100);
        for seq in from..from + count {
            batch.push(Seq(seq), Time(0), 0, b"events");
        }
        batch
    };
    log.offer(batch(1, 3), Mark::default());
    disk.inject(Call::Write, 1, Effect::Fail(ErrorKind::StorageFull));
    log.offer(batch(4, 3), Mark::default());
    log.offer(batch(7, 3), Mark::default());
    assert!(log.stopped());
    assert_eq!(log.last(), Seq(3));
    log.close();
    let log = EventLog::open(&folder, event_options(), Seq(9)).expect("opens");
    assert_eq!((log.last(), log.stopped()), (Seq(3), false));
    log.offer(batch(1, 9), Mark::default());
    assert_eq!(log.last(), Seq(9));
    drop(journal);
}
