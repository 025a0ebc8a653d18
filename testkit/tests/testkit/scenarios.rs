//! Every story under `scenarios/`.

use std::collections::BTreeSet;

use testkit::scenario::{parse, run};

#[test]
fn every_story_comes_out_as_told() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "scn"))
        .collect();
    files.sort();
    let mut ids = BTreeSet::new();
    for path in files {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for story in parse(&file, &std::fs::read_to_string(&path).unwrap()) {
            assert!(ids.insert(story.id.clone()), "{} is told twice", story.id);
            run(&file, &story);
        }
    }
    assert!(ids.len() >= 25, "{} stories", ids.len());
}

/// The runner notices what is wrong.
#[test]
#[should_panic(expected = "came out as NEW")]
fn a_wrong_story_fails() {
    let text = "story X: x\nmarket\nuser ann BTC=1\nann sell limit 1 at 5 as a => FILLED\n";
    run("x.scn", &parse("x.scn", text)[0]);
}

#[test]
#[should_panic(expected = "x.scn:2: not a step")]
fn a_line_that_is_no_step_is_named() {
    let _ = parse("x.scn", "story X: x\nann dances\n");
}
