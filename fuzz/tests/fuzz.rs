//! A bounded run of every target, with the same inputs on every machine.

use fuzz::TARGETS;
use fuzz::mutate::mutate;
use testkit::random::Random;

fn bounded(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("no target {name}"));
    let report = fuzz::run::run(target, 1, |inputs| inputs < target.inputs)
        .unwrap_or_else(|finding| panic!("{finding}"));
    assert!(report.inputs >= target.inputs);
    assert!(
        report.outcomes.len() > 1,
        "the seeds, or the mutations, show one side of {name} alone: {:?}",
        report.outcomes
    );
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            bounded(stringify!($name));
        })*

        #[test]
        fn every_target_has_its_test() {
            let tested = [$(stringify!($name)),*];
            for target in TARGETS {
                assert!(tested.contains(&target.name), "{} has no test", target.name);
            }
        }
    };
}

targets! {
    query form decimal json_frame control_frame http websocket fix sbe record snapshot journal configuration recording frames
}

#[test]
fn a_seed_number_makes_the_same_inputs() {
    let made = |seed| {
        let mut random = Random(seed);
        let input = b"price=12.5&quantity=3".to_vec();
        let others = vec![b"side=BUY".to_vec()];
        (0..50)
            .map(|_| mutate(&mut random, &input, &others, &["&"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(made(3), made(3));
    assert_ne!(made(3), made(4));
}
