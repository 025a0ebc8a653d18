//! Bytes from strangers: every decoder of foreign bytes is given mutated ones, and must answer or refuse, and never panic.
//!
//! A [`Target`] is one decoder: seeds that it understands, words that matter to it, and a trial that says in a word or two what came of an
//! input. Inputs are made from the seeds by [`mutate`]; one that has an outcome not seen before joins the seeds. So the search is guided by
//! what the decoder says, without any instrumentation, and runs on the stable compiler. The same seed number makes the same inputs.
//!
//! * Seeds stand in `corpus/TARGET`, one file each; an input that was once fatal is kept there too, and stays a test. Targets of bytes that
//!   only the program itself writes (snapshots, records, journals) make their seeds themselves, from a random history.
//! * In continuous integration each target has a fixed number of inputs. `cargo x fuzz [TARGET] --seconds N` goes on with new seed numbers.
//!
//! Trials also check what must hold of an input that is taken: what was read is written so that it is read again as the same, a restored
//! engine passes its audit and writes a snapshot of the same state, a server still serves.

pub mod mutate;
pub mod run;
mod targets;

pub use run::{Finding, Report};
pub use targets::TARGETS;

/// Tries one input: what came of it, in a few words without numbers of the input's own.
pub type Trial = Box<dyn FnMut(&[u8]) -> String>;

/// One decoder of foreign bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub name: &'static str,
    /// What its bytes are.
    pub says: &'static str,
    /// What a mutation may insert.
    pub words: &'static [&'static str],
    /// Seeds beside those of the corpus.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Makes ready; what it opens is closed when the trial is dropped.
    pub open: fn() -> Trial,
    /// How many inputs a run in continuous integration has.
    pub inputs: u64,
}

/// The committed seeds of a target.
///
/// # Panics
/// When the folder cannot be read.
#[must_use]
pub fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read(file).expect("a seed is readable"))
        .collect()
}
