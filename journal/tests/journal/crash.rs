//! Power is lost at every point, and everything that a disk may then keep or lose is tried.

use journal::sim::{Choices, SimStorage};
use journal::{Durability, JournalError, Options};

use crate::world::{Op, World, options};

const ALPHABET: [Op; 6] = [
    Op::Batch(1, 40),
    Op::Batch(3, 500),
    Op::Uncommitted(1, 600),
    Op::Confirm,
    Op::Snapshot,
    Op::Restart,
];

/// How many random histories: more with `JOURNAL_CASES=100000 cargo test -p journal --release`.
pub fn cases() -> u64 {
    std::env::var("JOURNAL_CASES")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(400)
}

fn disk() -> SimStorage {
    SimStorage::new(1)
}

fn run(history: &[Op], options: Options) -> World {
    let mut world = World::new(disk(), options).expect("a new journal opens");
    for op in history {
        world
            .apply(*op, options)
            .expect("nothing fails before the power is cut");
    }
    world
}

/// Runs a history with the power cut at call `at` of its last step; `None` when it has fewer calls.
fn run_cut(history: &[Op], at: u64, options: Options) -> Option<World> {
    let (last, before) = history.split_last()?;
    let mut world = run(before, options);
    let call = world.disk.calls() + at;
    world.disk.cut_power_at(call);
    let disk = world.disk.clone();
    let survived = world.apply(*last, options).is_ok();
    (!survived || disk.is_off()).then_some(world)
}

#[test]
fn every_outcome_of_every_cut_in_every_short_history_recovers() {
    let mut outcomes = 0u64;
    let depth = if cases() > 10_000 { 4 } else { 3 };
    let mut history = Vec::new();
    for code in 0..ALPHABET.len().pow(depth) {
        history.clear();
        let mut rest = code;
        for _ in 0..depth {
            history.push(ALPHABET[rest % ALPHABET.len()]);
            rest /= ALPHABET.len();
        }
        for at in 1.. {
            let Some(world) = run_cut(&history, at, options()) else {
                break;
            };
            let mut choices = Choices::every();
            loop {
                if let Err(e) = world.after_power_loss(&mut choices, options()) {
                    panic!("{history:?} cut at call {at}: {e}");
                }
                outcomes += 1;
                if !choices.next_round() {
                    break;
                }
            }
        }
    }
    println!("{outcomes} outcomes");
    assert!(outcomes > 5_000, "only {outcomes} outcomes");
}

/// A history that crashes again and again, at any call, recovery included.
fn live_through(seed: u64, options: Options) -> Result<World, JournalError> {
    let mut choices = Choices::seeded(seed);
    let mut world = World::new(disk(), options)?;
    for _ in 0..3 + choices.pick(4) {
        let cut = world.disk.calls() + 1 + choices.pick(120);
        world.disk.cut_power_at(cut);
        for _ in 0..choices.pick(40) {
            if world.apply(random_op(&mut choices), options).is_err() {
                assert!(world.disk.is_off(), "nothing fails while there is power");
                break;
            }
        }
        world = match choices.pick(4) {
            0 => world.after_kill(options)?,
            _ => world.through_failing_recoveries(&mut choices, options)?,
        };
    }
    Ok(world)
}

fn random_op(choices: &mut Choices) -> Op {
    let (count, len) = (1 + choices.pick(6) as u8, choices.pick(900) as u16);
    match choices.pick(20) {
        0..=9 => Op::Batch(count, len),
        10..=11 => Op::Uncommitted(count, len),
        12 => Op::Batch(20, 900),
        13 => Op::Confirm,
        14..=16 => Op::Snapshot,
        17..=18 => Op::Events,
        _ => Op::Restart,
    }
}

#[test]
fn random_long_histories_lose_nothing_acknowledged() {
    for seed in 0..cases() {
        if let Err(e) = live_through(seed, options()) {
            panic!("seed {seed}: {e}");
        }
    }
}

#[test]
fn without_a_sync_per_batch_only_the_unsynced_end_is_lost_and_never_refused() {
    for durability in [Durability::Os, Durability::None] {
        for seed in 0..cases() {
            if let Err(e) = live_through(
                seed,
                Options {
                    durability,
                    ..options()
                },
            ) {
                panic!("seed {seed}, {durability:?}: {e}");
            }
        }
    }
}

/// If the tests above could not fail, this one would.
#[test]
fn a_disk_that_lies_about_syncs_is_caught_by_these_histories() {
    let mut caught = 0;
    for seed in 0..60 {
        let mut choices = Choices::seeded(seed);
        let mut world = World::new(disk(), options()).expect("a new journal opens");
        world.disk.lie_about_syncs(true);
        for _ in 0..10 {
            world
                .apply(Op::Batch(2, 300), options())
                .expect("the disk says that all is well");
        }
        // acknowledged and lost, and either noticed as damage or missed by the list of what was acknowledged
        let honest = world.after_power_loss(&mut choices.clone(), options());
        caught += u32::from(honest.is_err());
        // whatever is served is still right
        drop(world.reopen_forgiving(world.disk.after_power_loss(&mut choices), options()));
    }
    assert!(caught > 50, "only {caught} of 60 lies were caught");
}

#[test]
fn recycled_segments_hold_old_batches_and_are_never_read_as_new_ones() {
    let mut world = World::new(disk(), options()).expect("a new journal opens");
    for _ in 0..30 {
        world
            .apply(Op::Batch(4, 900), options())
            .expect("nothing fails");
        world.apply(Op::Snapshot, options()).expect("nothing fails");
    }
    let segments: Vec<String> = world
        .disk
        .paths()
        .into_iter()
        .filter(|p| p.ends_with(".seg"))
        .collect();
    assert!(segments.len() < 6, "{segments:?}");
    let newest = world
        .disk
        .contents(segments.last().expect("there is a segment"))
        .expect("it is listed");
    let stale = newest
        .chunks(512)
        .skip(8)
        .filter(|s| s.starts_with(b"HWB1"))
        .count();
    assert!(stale > 0, "the next segment was not made of an old one");
    for seed in 0..200 {
        let after = world
            .after_power_loss(&mut Choices::seeded(seed), options())
            .expect("recovers");
        assert_eq!(after.end(), world.end());
    }
}
