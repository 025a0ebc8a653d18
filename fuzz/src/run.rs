//! One run of one target.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::random::Random;

use crate::mutate::mutate;
use crate::{Target, corpus};

/// Inputs with outcomes of their own that are kept beside the seeds.
const MOST_KEPT: usize = 1_000;

thread_local! {
    /// A panic here is caught, and told as a finding.
    static TRYING: Cell<bool> = const { Cell::new(false) };
    /// Where it was.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}
/// Panics of threads that serve a trial.
static STRAY: AtomicU64 = AtomicU64::new(0);
static HOOK: Once = Once::new();

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub inputs: u64,
    /// How often each outcome came.
    pub outcomes: BTreeMap<String, u64>,
}

/// An input that a decoder did not survive.
#[derive(Clone, Debug)]
pub struct Finding {
    pub target: &'static str,
    pub input: Vec<u8>,
    pub why: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {}\nthe input, in hexadecimal digits: {}\nmend it, and keep the input as a file in fuzz/corpus/{}",
            self.target,
            self.why,
            hex::encode(&self.input),
            self.target
        )
    }
}

fn watch_panics() {
    HOOK.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if TRYING.get() {
                let place = info.location().map(ToString::to_string);
                PLACE.replace(place.unwrap_or_default());
            } else {
                STRAY.fetch_add(1, Ordering::SeqCst);
                told(info);
            }
        }));
    });
}

/// Tries every seed, then mutated inputs for as long as `more` says, which is asked before each with how many there were.
///
/// # Errors
/// The first input that made something panic.
pub fn run(
    target: &Target,
    seed: u64,
    mut more: impl FnMut(u64) -> bool,
) -> Result<Report, Box<Finding>> {
    watch_panics();
    let mut inputs = corpus(target.name);
    inputs.extend((target.seeds)());
    assert!(!inputs.is_empty(), "{} has no seeds", target.name);
    let mut trial = (target.open)();
    let mut report = Report::default();
    let mut attempt = |input: &[u8], report: &mut Report| -> Result<bool, Box<Finding>> {
        let strays = STRAY.load(Ordering::SeqCst);
        TRYING.set(true);
        let outcome = catch_unwind(AssertUnwindSafe(|| trial(input)));
        TRYING.set(false);
        let finding = |why: String| {
            let input = input.to_vec();
            Box::new(Finding {
                target: target.name,
                input,
                why,
            })
        };
        let outcome = outcome.map_err(|panic| {
            finding(format!(
                "it panicked at {}: {}",
                PLACE.take(),
                words_of(&*panic)
            ))
        })?;
        if STRAY.load(Ordering::SeqCst) != strays {
            return Err(finding("a thread that served it panicked".to_owned()));
        }
        report.inputs += 1;
        let seen = report.outcomes.entry(outcome).or_default();
        *seen += 1;
        Ok(*seen == 1)
    };
    for input in &inputs {
        attempt(input, &mut report)?;
    }
    let mut random = Random(seed);
    while more(report.inputs) {
        let from = random.below(inputs.len() as u64) as usize;
        let input = mutate(&mut random, &inputs[from], &inputs, target.words);
        if attempt(&input, &mut report)? && inputs.len() < MOST_KEPT {
            inputs.push(input);
        }
    }
    Ok(report)
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without words").to_owned()
}
