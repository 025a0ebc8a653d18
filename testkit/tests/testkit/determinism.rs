//! Two runs are one run; a snapshot anywhere and the records after it lead to the same state.

use engine::Engine;
use testkit::random::{self, Commands};
use testkit::{Exchange, registry};

fn run(seed: u64, steps: u64) -> (Exchange, Vec<(usize, Vec<u8>)>) {
    let mut exchange = Exchange::new();
    random::furnish(&mut exchange);
    let mut commands = Commands::new(seed);
    let mut snapshots = Vec::new();
    for step in 0..steps {
        let (actor, command) = commands.command();
        exchange.time = exchange.time.plus_micros(1_000_000);
        let _ = exchange.run(actor, command);
        if commands.random.one_in(40) || step == 0 {
            snapshots.push((exchange.records().len(), exchange.snapshot()));
        }
    }
    (exchange, snapshots)
}

#[test]
fn two_runs_are_equal_to_the_byte() {
    let (one, _) = run(5, 400);
    let (two, _) = run(5, 400);
    assert_eq!(one.chain, two.chain);
    assert_eq!(one.snapshot(), two.snapshot());
}

#[test]
fn any_snapshot_and_its_tail_lead_to_the_same_state_and_chain() {
    for seed in 100..104 {
        let (exchange, snapshots) = run(seed, 400);
        assert!(snapshots.len() > 3);
        for (len, bytes) in snapshots {
            let mut engine = Engine::restore(registry(), &bytes).unwrap();
            let mut again = Vec::new();
            engine.snapshot(&mut |piece| again.extend_from_slice(piece));
            assert_eq!(again, bytes, "a restored engine writes the same snapshot");
            // the live engine's events of the tail, from the beginning
            let mut live = Engine::new(registry());
            let (mut expected, mut events) = (Vec::new(), Vec::new());
            for (at, record) in exchange.records().iter().enumerate() {
                expected.clear();
                let reply = live
                    .execute(record.seq, record.time, &record.request, &mut expected)
                    .unwrap();
                if at >= len {
                    events.clear();
                    let other =
                        engine.execute(record.seq, record.time, &record.request, &mut events);
                    assert_eq!(other.as_ref(), Ok(&reply));
                    assert_eq!(events, expected, "events in the same order");
                }
            }
            assert_eq!(engine.digest(), exchange.engine.digest());
        }
    }
}
