//! One seed's story: what is asked, what breaks, and what is true afterwards.

mod clients;
mod faults;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use engine::Engine;
use journal::sim::{Choices, SimStorage};
use journal::{Folder, Threads};
use protocol::{Batch, Event, Request, Wire};
use relay::{Reader, Relay};
use sequencer::{
    Answer, ManualClock, Options, Recovered, Rules, State, Stepped, Steps, Unavailable,
};
use testkit::random::{Commands, Features, Random};
use types::{RequestId, Seq, Time};

use crate::Markers;
use crate::auditor::Auditor;
use faults::Plan;

/// What came of a seed.
#[derive(Clone, Debug)]
pub struct Ran {
    pub commands: u64,
    pub records: u64,
    pub crashes: u64,
    pub end: End,
    pub markers: Markers,
    /// The chain after the last record: two runs of one seed have the same.
    pub chain: u64,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything asked was answered or resolved.
    Quiet,
    /// A dishonest disk was found out.
    Detected,
    /// A dishonest disk lost what nothing bore witness for.
    Excused,
}

/// What an answer can say, in the order in which answers left.
enum Said {
    Answer(RequestId, Result<Answer, Unavailable>),
    State(Result<State, Unavailable>),
}

type Shared<T> = Arc<Mutex<Vec<T>>>;

fn drain<T>(shared: &Shared<T>) -> Vec<T> {
    std::mem::take(&mut *shared.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A reader of the relay that only keeps what it is told.
struct Ear(Shared<Arc<Batch>>);

impl Reader for Ear {
    fn apply(&mut self, batch: &Arc<Batch>) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(Arc::clone(batch));
    }
}

struct World {
    random: Random,
    commands: Commands,
    disk: SimStorage,
    clock: Arc<ManualClock>,
    now: Time,
    steps: Option<Steps>,
    options: Options,
    plan: Plan,
    auditor: Auditor,
    said: Shared<Said>,
    heard: Shared<Arc<Batch>>,
    /// Asked, and not known to be answered.
    open: BTreeMap<RequestId, Request>,
    /// Asked again because the answer got lost, with what was asked first.
    again: BTreeMap<RequestId, RequestId>,
    /// To be asked next, before anything new.
    next: VecDeque<Request>,
    last_id: u64,
    crashes: u64,
    /// The venue's own acts of the beginning, until they are done.
    furnishing: VecDeque<Request>,
    fees: bool,
}

fn rules() -> Rules {
    Rules::new(|bytes| match bytes {
        None => Ok(Engine::new(testkit::registry())),
        Some(bytes) => Engine::restore(testkit::registry(), bytes),
    })
}

/// Runs a seed of so many commands.
///
/// # Errors
/// The promise that was broken, in a sentence.
pub fn run(seed: u64, commands: u64) -> Result<Ran, String> {
    let mut world = World::new(seed);
    let end = world.live(commands)?;
    let auditor = &world.auditor;
    Ok(Ran {
        commands: world.last_id,
        records: auditor.last.0,
        crashes: world.crashes,
        end,
        markers: auditor.markers.clone(),
        chain: auditor.chain(auditor.last),
    })
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = Random(seed ^ 0x51a1);
        let all = Features {
            conditional: true,
            groups: true,
            icebergs: true,
            pegs: true,
            lists: true,
            ranges: true,
            venue: true,
        };
        let mut options = Options::default();
        options.journal.threads = Threads::Inline;
        options.journal.first_segment_bytes = 8 << 10;
        options.journal.segment_bytes = 64 << 10;
        options.events.threads = Threads::Inline;
        options.events.segment_bytes = 64 << 10;
        options.snapshot_records = random.pick(&[40, 150, 400, 1_000_000]);
        options.max_batch_bytes = random.pick(&[1, 600, 4_000, 1 << 20, 1 << 20]);
        options.queue = random.pick(&[8, 200, 4_000]);
        let plan = Plan::new(&mut random);
        let fees = random.one_in(3);
        let mut story = testkit::Exchange::new();
        testkit::random::furnish(&mut story);
        let furnishing = story.records().iter().map(|r| r.request.clone()).collect();
        World {
            random,
            commands: Commands::with(seed, all.subset(seed)),
            disk: SimStorage::new(seed),
            clock: Arc::new(ManualClock::at(story.time)),
            now: story.time,
            steps: None,
            options,
            plan,
            auditor: Auditor::default(),
            said: Shared::default(),
            heard: Shared::default(),
            open: BTreeMap::new(),
            again: BTreeMap::new(),
            next: VecDeque::new(),
            last_id: 0,
            crashes: 0,
            furnishing,
            fees,
        }
    }

    fn live(&mut self, commands: u64) -> Result<End, String> {
        while self.last_id < commands {
            if self.steps.is_none()
                && let Some(end) = self.start()?
            {
                return Ok(end);
            }
            self.misbehave();
            self.step()?;
            self.listen()?;
        }
        self.settle()
    }

    /// One thing happens.
    fn step(&mut self) -> Result<(), String> {
        let sum = self.plan.weights.iter().sum();
        let mut at = self.random.below(sum);
        let mut chosen = 0;
        while at >= self.plan.weights[chosen] {
            at -= self.plan.weights[chosen];
            chosen += 1;
        }
        let Some(steps) = &mut self.steps else {
            return Ok(());
        };
        let stepped = match chosen {
            0 => {
                self.ask();
                return Ok(());
            }
            1 => steps.execute(),
            2 => {
                let kept = steps.keep();
                if self.disk.is_off() {
                    let markers = &mut self.auditor.markers;
                    markers.hit("power lost while a batch was written");
                }
                kept
            }
            3 => steps.idle(),
            4 => steps.snapshot().0,
            _ => {
                self.tick();
                return Ok(());
            }
        };
        self.outcome(stepped)
    }

    fn outcome(&mut self, stepped: Stepped) -> Result<(), String> {
        match stepped {
            Stepped::Done | Stepped::Nothing => {}
            Stepped::Fatal(_) => self.crash(),
            // the engine never panics here; if it could not be rebuilt for want of power that is a crash like others
            Stepped::Doomed(doom) if !self.disk.is_off() => return Err(doom.to_string()),
            Stepped::Doomed(_) => self.crash(),
        }
        if self.disk.is_off() && self.steps.is_some() {
            self.crash();
        }
        Ok(())
    }

    fn tick(&mut self) {
        let micros = match self.random.below(40) {
            0 => {
                self.auditor.markers.hit("the clock jumped forward");
                self.random.below(90_000_000_000) as i64
            }
            1 => {
                self.auditor.markers.hit("the clock jumped back");
                -(self.random.below(3_000_000_000) as i64)
            }
            _ => self.random.below(9_000_000) as i64,
        };
        self.now = self.now.plus_micros(micros);
        self.clock.set(self.now);
    }

    /// The process dies, and perhaps the power with it. What was said before has left.
    fn crash(&mut self) {
        self.crashes += 1;
        self.steps = None;
        let killed = !self.disk.is_off() && self.random.one_in(2);
        self.auditor
            .markers
            .hit(if killed { "killed" } else { "power lost" });
        self.disk = match killed {
            true => self.disk.after_kill(),
            false => {
                let mut choices = Choices::seeded(self.random.word());
                self.disk.after_power_loss(&mut choices)
            }
        };
    }

    /// Begins a life: recovers, compares what is there with what was told, and goes on. An end when the disk was found to be dishonest.
    fn start(&mut self) -> Result<Option<End>, String> {
        // what left before the crash
        self.listen()?;
        let cut = self.plan.crashes && self.last_id > 0 && self.random.one_in(5);
        if cut {
            let at = self.disk.calls() + 1 + self.random.below(12);
            self.disk.cut_power_at(at);
        }
        let folder = Folder::open(Arc::new(self.disk.clone()));
        let recovered = folder.map_err(|e| e.to_string()).and_then(|folder| {
            Recovered::open(folder, rules(), self.options).map_err(|e| e.to_string())
        });
        if self.disk.is_off() {
            drop(recovered);
            self.auditor.markers.hit("power lost during recovery");
            self.crash();
            return Ok(None);
        }
        let recovered = match recovered {
            Ok(recovered) => recovered,
            Err(_) if self.plan.lied => {
                self.auditor.markers.hit("damage was detected");
                return Ok(Some(End::Detected));
            }
            Err(why) => return Err(format!("an honest disk does not recover: {why}")),
        };
        if let Some(end) = self.inspect(&recovered)? {
            return Ok(Some(end));
        }
        let relay = Relay::new().with(Ear(Arc::clone(&self.heard)));
        self.steps = Some(recovered.steps(relay, self.clock.clone()));
        self.resolve()?;
        Ok(None)
    }

    /// What was promised is there, what nobody was told of is added, and the state is the one that was told.
    fn inspect(&mut self, recovered: &Recovered) -> Result<Option<End>, String> {
        let (told, found) = (self.auditor.last, recovered.position.seq);
        let markers = &mut self.auditor.markers;
        match recovered.report.snapshot.0 {
            0 if found.0 > 0 => markers.hit("recovered from the first record"),
            0 => {}
            _ => markers.hit("recovered from a snapshot"),
        }
        if recovered.report.truncated.is_some() {
            markers.hit("an unfinished batch was cut off");
        }
        if found < told {
            if self.plan.lied && self.auditor.chain(found) == recovered.position.chain {
                self.auditor.markers.hit("a lying disk was excused");
                return Ok(Some(End::Excused));
            }
            return Err(format!(
                "record {told} was told to everybody, and after recovery {found} is the last"
            ));
        }
        if found > told {
            self.auditor
                .markers
                .hit("a batch was journalled and nobody was told");
        }
        self.read(&recovered.folder, told, found)?;
        if self.auditor.chain(found) != recovered.position.chain {
            return Err(format!("another record {found} came back than was told"));
        }
        recovered.engine.audit().map_err(|v| v.to_string())?;
        let digest = recovered.engine.digest().to_string();
        self.auditor.digest(found, digest)?;
        let mut state = Vec::new();
        recovered.engine.tell(&mut |event| state.push(event));
        self.auditor.compare(&state)?;
        if self.plan.lied {
            self.auditor.markers.hit("a lying disk was harmless");
        }
        Ok(None)
    }

    /// Takes records from journal and event log, as a reader does that was away.
    fn read(&mut self, folder: &Folder, after: Seq, through: Seq) -> Result<(), String> {
        if through <= after {
            return Ok(());
        }
        let from = Seq(after.0 + 1);
        let mut told: BTreeMap<Seq, Vec<Event>> = BTreeMap::new();
        let read = sequencer::read_events(folder, from, through, |seq, _, events| {
            told.insert(seq, events.to_vec());
        });
        if read.is_err() {
            // the event log may be lost, on a full disk say: executing the journal again tells the same
            self.auditor.markers.hit("the event log was short");
            let again = |e: sequencer::RecoverError| e.to_string();
            let (mut engine, mut position) = sequencer::restore(folder, &rules()).map_err(again)?;
            sequencer::replay(
                folder,
                &mut engine,
                &mut position,
                through,
                |at, _, events, _| {
                    told.insert(at.seq, events.to_vec());
                },
            )
            .map_err(again)?;
        }
        let mut reader = journal::Reader::open(folder, from, through).map_err(|e| e.to_string())?;
        while let Some(record) = reader.next().map_err(|e| e.to_string())? {
            let mut payload = record.payload;
            let request = Request::take(&mut payload).map_err(|e| format!("{e:?}"))?;
            let stamp = (record.seq, record.time, record.chain);
            let events = told
                .remove(&record.seq)
                .ok_or_else(|| format!("record {} has no events", record.seq))?;
            self.auditor.record(stamp, &request, &events)?;
        }
        Ok(())
    }

    /// Faults end: everything that was asked is answered, or known to have happened or not.
    fn settle(&mut self) -> Result<End, String> {
        self.plan.calm();
        self.disk.set_capacity(None);
        self.disk.lie_about_syncs(false);
        // what was made to fail may still lie ahead: a process that ends of it is started again
        for _ in 0..20 {
            if self.steps.is_none()
                && let Some(end) = self.start()?
            {
                return Ok(end);
            }
            self.quiet()?;
            if self.steps.is_some() && self.open.is_empty() {
                break;
            }
        }
        if let Some(end) = self.end_faults()? {
            return Ok(end);
        }
        self.tick();
        for _ in 0..20 {
            self.ask();
            self.quiet()?;
        }
        if self.steps.is_none() || !self.open.is_empty() {
            return Err(format!(
                "{} requests are never answered after the faults have stopped",
                self.open.len()
            ));
        }
        // and once more from the disk alone
        Ok(self.end_faults()?.unwrap_or(End::Quiet))
    }

    /// A restart, behind which nothing is left of what was made to fail.
    fn end_faults(&mut self) -> Result<Option<End>, String> {
        self.crash();
        self.start()
    }

    /// Steps until nothing is left to do.
    fn quiet(&mut self) -> Result<(), String> {
        for _ in 0..10_000 {
            let Some(steps) = &mut self.steps else {
                return Ok(());
            };
            let halves = [steps.execute(), steps.keep(), steps.idle()];
            let rests = matches!(halves[..2], [Stepped::Nothing, Stepped::Nothing]);
            for stepped in halves {
                self.outcome(stepped)?;
            }
            self.listen()?;
            if rests {
                return Ok(());
            }
        }
        Err("it never comes to rest".to_owned())
    }
}
