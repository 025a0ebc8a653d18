use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use engine::Engine;
use journal::{BatchBuf, EventLog, Fatal, Folder, Journal, Writer, snapshots};
use relay::Relay;
use types::Seq;

use crate::brake::Brake;
use crate::client::Job;
use crate::executor::{Executor, Poison, Position, Sealed};
use crate::keeper::{Keeper, Mark};
use crate::recover::{self, RecoverError, Regenerate, Rules};
use crate::{Answer, Client, Clock};

/// How the queue and its journal run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub journal: journal::Options,
    pub events: journal::EventOptions,
    /// A snapshot is taken when this many records would have to be replayed without it.
    pub snapshot_records: u64,
    /// A batch is closed when its records have this many bytes: about what one fdatasync carries at no extra cost.
    pub max_batch_bytes: usize,
    /// Requests that may wait in front of the engine; more are refused at once.
    pub queue: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            journal: journal::Options::default(),
            events: journal::EventOptions::default(),
            snapshot_records: 1_000_000,
            max_batch_bytes: 1 << 20,
            queue: 1 << 16,
        }
    }
}

/// The state as it was at the mark, before anything runs: what views are seeded from.
#[derive(Debug)]
pub struct Recovered {
    pub folder: Folder,
    pub engine: Engine,
    pub position: Position,
    pub report: Report,
    rules: Rules,
    options: Options,
    writer: Writer,
    events: EventLog,
    snapshot: Seq,
}

/// What recovery did.
#[derive(Clone, Debug)]
pub struct Report {
    /// The record that the snapshot contains; 0 without one.
    pub snapshot: Seq,
    /// Records executed after it.
    pub replayed: u64,
    pub elapsed: Duration,
    /// What was cut off at the journal's end, in words.
    pub truncated: Option<String>,
}

impl Recovered {
    /// Opens the folder's journal and brings the engine to its end: newest sound snapshot, then every later record, its chain compared.
    ///
    /// # Errors
    /// When something that was promised is missing or comes out otherwise.
    pub fn open(folder: Folder, rules: Rules, options: Options) -> Result<Recovered, RecoverError> {
        let begun = Instant::now();
        let Journal { writer, tail } = Journal::open(&folder, options.journal)?;
        let end = Seq(writer.next_seq().0 - 1);
        let events = EventLog::open(&folder, options.events, end)?;
        let (mut engine, mut position) = recover::restore(&folder, &rules)?;
        if events.last() < position.seq && writer.oldest_seq() == Seq(1) {
            // The event log is short of the snapshot: make all of it again.
            tracing::warn!(
                log = events.last().0,
                snapshot = position.seq.0,
                "the event log has a gap; executing the journal from its first record"
            );
            (engine, position) = (rules.fresh()?, Position::default());
        }
        let snapshot = position.seq;
        let mark = journal::Mark {
            seq: end,
            synced: end,
        };
        let mut regenerate = Regenerate::new(&events, mark);
        recover::replay(
            &folder,
            &mut engine,
            &mut position,
            end,
            |at, _, _, bytes| regenerate.push(at, bytes),
        )?;
        regenerate.flush();
        drop(regenerate);
        let report = Report {
            snapshot,
            replayed: end.0 - snapshot.0,
            elapsed: begun.elapsed(),
            truncated: tail.truncated.map(|(file, at)| {
                format!("an unfinished batch at byte {at} of {file}, which nobody was told of")
            }),
        };
        Ok(Recovered {
            folder,
            engine,
            position,
            report,
            rules,
            options,
            writer,
            events,
            snapshot,
        })
    }

    /// The first record that the journal still holds.
    #[must_use]
    pub fn oldest(&self) -> Seq {
        self.writer.oldest_seq()
    }

    /// The last record that the event log holds.
    #[must_use]
    pub fn events_end(&self) -> Seq {
        self.events.last()
    }

    /// Waits until the event log holds the events of everything recovered, so that it can be read up to [`Recovered::position`].
    pub fn settle_events(&self) {
        wait_for_events(&self.events, self.position.seq);
    }

    /// Starts the threads. `on_fatal` is called when the journal can no longer be written; the process should end then.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(
        self,
        relay: Relay,
        clock: Arc<dyn Clock>,
        on_fatal: impl FnOnce(Fatal) + Send + 'static,
    ) -> std::io::Result<Sequencer> {
        let (client, pump, shelf) = self.wire(relay, clock, bounded(1));
        let (mark, brake, folder) = (shelf.mark(), shelf.brake(), shelf.folder.clone());
        let named = |name: &str| thread::Builder::new().name(name.into());
        let engine_thread = named("engine").spawn(move || pump.run())?;
        let journal_thread = named("journal").spawn(move || shelf.run(on_fatal))?;
        Ok(Sequencer {
            client,
            mark,
            brake,
            folder,
            engine_thread,
            journal_thread,
        })
    }

    /// The two halves, and the way to them. `hand` lies between them.
    pub(crate) fn wire(
        self,
        relay: Relay,
        clock: Arc<dyn Clock>,
        hand: (Sender<ToKeeper>, Receiver<ToKeeper>),
    ) -> (Client, Pump, Shelf) {
        let Recovered {
            folder,
            engine,
            position,
            rules,
            options,
            writer,
            events,
            snapshot,
            ..
        } = self;
        let (queue, jobs) = bounded(options.queue);
        let (to_keeper, sealed) = hand;
        let (give_back, buffers) = unbounded();
        let mark = Mark::default();
        mark.set(position.seq);
        let client = Client::new(queue, Arc::clone(&clock));
        let brake = Brake::default();
        let executor = Executor::new(
            engine,
            position,
            clock,
            brake.clone(),
            options.max_batch_bytes,
        );
        let pump = Pump {
            executor,
            jobs,
            to_keeper,
            buffers,
            folder: folder.clone(),
            rules: rules.clone(),
        };
        let keeper = Keeper::new(writer, events, relay, mark.clone());
        let shelf = Shelf {
            keeper,
            brake: brake.clone(),
            looked: Instant::now(),
            sealed,
            give_back,
            folder: folder.clone(),
            rules,
            every: options.snapshot_records,
            last: snapshot,
            taking: None,
            by_hand: false,
        };
        (client, pump, shelf)
    }
}

/// The running queue.
pub struct Sequencer {
    pub client: Client,
    pub mark: Mark,
    pub brake: Brake,
    folder: Folder,
    engine_thread: JoinHandle<(Engine, Position)>,
    journal_thread: JoinHandle<Result<Keeper, Fatal>>,
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequencer")
            .field("mark", &self.mark)
            .finish_non_exhaustive()
    }
}

impl Sequencer {
    /// Executes what is queued, makes it durable, takes a snapshot and ends the threads.
    ///
    /// # Errors
    /// A sentence, when the journal or the snapshot could not be written.
    pub fn stop(self) -> Result<Position, String> {
        let _ = self.client.queue.send(Job::Stop);
        drop(self.client);
        let (engine, position) = self
            .engine_thread
            .join()
            .map_err(|_| "the engine's thread panicked".to_owned())?;
        let keeper = self
            .journal_thread
            .join()
            .map_err(|_| "the journal's thread panicked".to_owned())?
            .map_err(|fatal| fatal.to_string())?;
        let (mut writer, events) = keeper.into_parts();
        let mark = writer.sync().map_err(|fatal| fatal.to_string())?;
        recover::write_snapshot(&self.folder, mark, &engine, position)
            .map_err(|error| error.to_string())?;
        drop(events);
        writer.close().map_err(|fatal| fatal.to_string())?;
        Ok(position)
    }
}

/// The engine's thread: jobs in, sealed batches out.
pub(crate) struct Pump {
    executor: Executor,
    jobs: Receiver<Job>,
    to_keeper: Sender<ToKeeper>,
    buffers: Receiver<BatchBuf>,
    folder: Folder,
    rules: Rules,
}

/// What the journal's thread is asked.
pub(crate) enum ToKeeper {
    Keep(Sealed),
    /// Answer when everything before this lies in the journal, readable.
    Flush(Sender<()>),
    Durability(journal::Durability, crate::client::Done<()>),
}

/// Has everything that was sent written; false when that failed.
type Flush<'a> = &'a mut dyn FnMut(&Pump) -> bool;

/// Why the engine cannot go on after a panic: the process has to end.
#[derive(Debug, thiserror::Error)]
pub enum Doom {
    #[error("the journal failed while the engine had to be rebuilt")]
    Journal,
    #[error("the engine could not be rebuilt: {0}")]
    Rebuild(#[from] RecoverError),
    #[error("halting the market made the engine panic as well ({0})")]
    Halting(String),
}

impl Pump {
    fn run(mut self) -> (Engine, Position) {
        while let Some(first) = self.next_job() {
            match self.serve(first, &mut Pump::wait_for_keeper) {
                Ok(false) => {}
                Ok(true) => break,
                Err(why) => {
                    tracing::error!(%why, "the engine's thread cannot go on");
                    std::process::abort();
                }
            }
        }
        self.executor.into_parts()
    }

    /// What is done with one job and those behind it. True when the queue is to stop.
    fn serve(&mut self, first: Job, flush: Flush<'_>) -> Result<bool, Doom> {
        match first {
            Job::Durability { durability, done } => {
                let _ = self.to_keeper.send(ToKeeper::Durability(durability, done));
                Ok(false)
            }
            Job::Stop => Ok(true),
            first => self.batch(first, flush),
        }
    }

    /// One batch of what waits now, or of what fell due. False when there was nothing to do.
    pub(crate) fn step(&mut self, flush: Flush<'_>) -> Result<bool, Doom> {
        let job = match self.jobs.try_recv() {
            Ok(job) => job,
            Err(_) if self.executor.is_due() => Job::Wake,
            Err(_) => return Ok(false),
        };
        self.serve(job, flush).map(|_| true)
    }

    /// Waits until the journal's thread has written everything before this.
    fn wait_for_keeper(&self) -> bool {
        let (flushed, wait) = bounded(1);
        let _ = self.to_keeper.send(ToKeeper::Flush(flushed));
        wait.recv().is_ok()
    }

    /// Waits for a job; wakes the engine itself when work falls due meanwhile. `None` when all clients are gone.
    fn next_job(&mut self) -> Option<Job> {
        loop {
            match self.jobs.recv_timeout(Duration::from_millis(50)) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if self.executor.is_due() => return Some(Job::Wake),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Executes `first` and whatever else waits, up to a batch. True when the queue is to stop.
    fn batch(&mut self, first: Job, flush: Flush<'_>) -> Result<bool, Doom> {
        let mut sealed = self.new_sealed();
        self.executor.begin();
        let mut job = Some(first);
        let mut stop = false;
        while let Some(next) = job.take() {
            match next {
                Job::Stop => {
                    stop = true;
                    break;
                }
                Job::Durability { durability, done } => {
                    self.send(std::mem::replace(
                        &mut sealed,
                        Sealed::new(BatchBuf::default(), BatchBuf::default()),
                    ));
                    let _ = self.to_keeper.send(ToKeeper::Durability(durability, done));
                }
                next => {
                    let result = self
                        .executor
                        .wake(&mut sealed)
                        .and_then(|()| self.executor.take(&mut sealed, next));
                    if let Err(poison) = result {
                        sealed = self.survive(sealed, *poison, flush)?;
                    }
                }
            }
            if self.executor.has_room(&sealed) {
                job = self.jobs.try_recv().ok();
            }
        }
        self.send(sealed);
        Ok(stop)
    }

    fn new_sealed(&self) -> Sealed {
        let requests = self
            .buffers
            .try_recv()
            .unwrap_or_else(|_| BatchBuf::with_capacity(64 << 10));
        Sealed::new(requests, BatchBuf::with_capacity(64 << 10))
    }

    fn send(&self, sealed: Sealed) {
        if !sealed.is_empty() {
            // The journal's thread outlives this one; when it failed it still takes batches, to say that they are lost.
            let _ = self.to_keeper.send(ToKeeper::Keep(sealed));
        }
    }

    /// A command made the engine panic. It was not journalled, so the journal is sound: have everything before it written, rebuild the engine
    /// from snapshot and tail, refuse the culprit and halt its market.
    fn survive(
        &mut self,
        sealed: Sealed,
        poison: Poison,
        flush: Flush<'_>,
    ) -> Result<Sealed, Doom> {
        let position = self.executor.position();
        tracing::error!(seq = position.seq.0, command = ?poison.request.command, "a command made the engine panic; rebuilding the engine");
        self.send(sealed);
        if !flush(self) {
            return Err(Doom::Journal);
        }
        let begun = Instant::now();
        let (engine, at) = rebuild(&self.folder, &self.rules, position.seq)?;
        self.executor.replace(engine, at);
        tracing::warn!(ms = begun.elapsed().as_millis(), "the engine was rebuilt");
        let mut sealed = self.new_sealed();
        let time = self.executor.begin();
        if let Err(again) = self.executor.halt(&mut sealed, &poison.request) {
            return Err(Doom::Halting(format!("{:?}", again.request.command)));
        }
        if let Some(done) = poison.done {
            let answer = Answer {
                time,
                outcome: Err(protocol::RejectCode::Fault.into()),
            };
            sealed
                .answers
                .push(crate::executor::Pending::Rejected { answer, done });
        }
        Ok(sealed)
    }
}

fn rebuild(
    folder: &Folder,
    rules: &Rules,
    through: Seq,
) -> Result<(Engine, Position), RecoverError> {
    let (mut engine, mut position) = recover::restore(folder, rules)?;
    recover::replay(folder, &mut engine, &mut position, through, |_, _, _, _| {})?;
    Ok((engine, position))
}

/// After such a pause the last batch is confirmed, so that damage to it can be told from a batch that was never finished.
const IDLE: Duration = Duration::from_millis(250);

/// The journal's thread: batches in, everything else out; and now and then a thread that takes a snapshot.
pub(crate) struct Shelf {
    keeper: Keeper,
    brake: Brake,
    /// When the journal was asked for its health last.
    looked: Instant,
    sealed: Receiver<ToKeeper>,
    give_back: Sender<BatchBuf>,
    folder: Folder,
    rules: Rules,
    every: u64,
    /// The record of the newest snapshot.
    last: Seq,
    taking: Option<Taking>,
    /// Snapshots are taken when somebody says so, by [`Shelf::snapshot`], and not on a thread.
    by_hand: bool,
}

impl Shelf {
    fn run(mut self, on_fatal: impl FnOnce(Fatal)) -> Result<Keeper, Fatal> {
        while let Some(message) = self.next_message() {
            let served = match message {
                Some(message) => self.serve(message),
                None => self.keeper.writer().confirm().map(drop),
            }
            .and_then(|()| self.look_after_room());
            if let Err(fatal) = served {
                tracing::error!(%fatal, "the journal failed");
                on_fatal(fatal.clone());
                while let Ok(message) = self.sealed.recv() {
                    if let ToKeeper::Keep(sealed) = message {
                        sealed.lose();
                    }
                }
                return Err(fatal);
            }
        }
        if let Some(Taking::Thread(thread)) = self.taking.take() {
            let _ = thread.join();
        }
        Ok(self.keeper)
    }

    /// While all is well this costs a look; a disk that was full is asked again after every [`IDLE`], as each asking tries to write.
    fn look_after_room(&mut self) -> Result<(), Fatal> {
        if !self.brake.is_on() || self.looked.elapsed() >= IDLE {
            self.looked = Instant::now();
            self.look()?;
        }
        Ok(())
    }

    fn look(&mut self) -> Result<(), Fatal> {
        let health = self.keeper.writer().health()?;
        self.brake.follow(&health);
        Ok(())
    }

    /// Serves the oldest message without waiting. False when there was none.
    pub(crate) fn step(&mut self) -> Result<bool, Fatal> {
        let Ok(message) = self.sealed.try_recv() else {
            return Ok(false);
        };
        self.serve(message)?;
        if !self.brake.is_on() {
            self.look()?;
        }
        Ok(true)
    }

    /// What is done when nothing came for a while.
    pub(crate) fn idle(&mut self) -> Result<(), Fatal> {
        self.keeper.writer().confirm()?;
        self.look()
    }

    pub(crate) fn mark(&self) -> Mark {
        self.keeper.shared_mark()
    }

    pub(crate) fn brake(&self) -> Brake {
        self.brake.clone()
    }

    /// Has everything that was kept on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), Fatal> {
        self.keeper.writer().sync().map(drop)
    }

    /// After a failure: nobody learns what became of what still waits.
    pub(crate) fn lose(&self) {
        while let Ok(message) = self.sealed.try_recv() {
            if let ToKeeper::Keep(sealed) = message {
                sealed.lose();
            }
        }
    }

    /// The next thing to do; `Some(None)` when there has been nothing for a while; `None` at the end.
    #[allow(clippy::option_option)] // a message, a pause, or the end
    fn next_message(&self) -> Option<Option<ToKeeper>> {
        match self.sealed.recv_timeout(IDLE) {
            Ok(message) => Some(Some(message)),
            Err(RecvTimeoutError::Timeout) => Some(None),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    fn serve(&mut self, message: ToKeeper) -> Result<(), Fatal> {
        match message {
            ToKeeper::Keep(sealed) => {
                let requests = self.keeper.keep(sealed)?;
                let _ = self.give_back.send(requests);
                self.consider_snapshot()
            }
            ToKeeper::Flush(done) => {
                self.keeper.writer().sync()?;
                let _ = done.send(());
                Ok(())
            }
            ToKeeper::Durability(durability, done) => {
                self.keeper.writer().set_durability(durability)?;
                done(Ok(()));
                Ok(())
            }
        }
    }

    fn consider_snapshot(&mut self) -> Result<(), Fatal> {
        if matches!(&self.taking, Some(Taking::Thread(thread)) if thread.is_finished())
            && let Some(Taking::Thread(thread)) = self.taking.take()
        {
            self.taken(thread.join().ok())?;
        }
        let mark = self.keeper.mark();
        if self.taking.is_none() && mark.0.saturating_sub(self.last.0) >= self.every {
            let synced = self.keeper.writer().sync()?;
            if self.by_hand {
                self.taking = Some(Taking::Due(synced));
                return Ok(());
            }
            let (folder, rules, events) = (
                self.folder.clone(),
                self.rules.clone(),
                Arc::clone(self.keeper.events()),
            );
            self.taking = thread::Builder::new()
                .name("snapshot".into())
                .spawn(move || take_snapshot(&folder, &rules, &events, synced))
                .ok()
                .map(Taking::Thread);
        }
        Ok(())
    }

    /// A snapshot was taken, or could not be.
    fn taken(&mut self, result: Option<Result<Seq, RecoverError>>) -> Result<(), Fatal> {
        match result {
            Some(Ok(seq)) => {
                self.last = seq;
                if let Ok(Some(covered)) = snapshots::covered(&self.folder) {
                    self.keeper.writer().retire(covered)?;
                }
                return Ok(());
            }
            Some(Err(error)) => {
                tracing::error!(%error, "the snapshot could not be taken; the journal alone still recovers everything");
            }
            None => {}
        }
        self.last = self.keeper.mark();
        Ok(())
    }

    /// From now on snapshots wait for [`Shelf::snapshot`].
    pub(crate) fn take_by_hand(&mut self) {
        self.by_hand = true;
    }

    /// Whether a snapshot is due.
    pub(crate) fn snapshot_due(&self) -> bool {
        matches!(self.taking, Some(Taking::Due(_)))
    }

    /// Takes the snapshot that is due. Answers the error if it could not be taken, which nothing depends on.
    pub(crate) fn snapshot(&mut self) -> Result<Option<RecoverError>, Fatal> {
        let Some(Taking::Due(synced)) = self.taking else {
            return Ok(None);
        };
        self.taking = None;
        let result = take_snapshot(&self.folder, &self.rules, self.keeper.events(), synced);
        match result {
            Ok(seq) => self.taken(Some(Ok(seq))).map(|()| None),
            Err(error) => self.taken(None).map(|()| Some(error)),
        }
    }
}

/// A snapshot under way.
enum Taking {
    Thread(JoinHandle<Result<Seq, RecoverError>>),
    /// Of everything up to here, when somebody says so.
    Due(journal::Mark),
}

/// The event log is written off the path. A snapshot must not be ahead of it, or its missing tail could only be made again from the first record.
fn wait_for_events(events: &EventLog, seq: Seq) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while events.last() < seq && !events.stopped() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
}

/// On a thread of its own: a second engine follows the journal up to the mark and writes what it has.
fn take_snapshot(
    folder: &Folder,
    rules: &Rules,
    events: &EventLog,
    mark: journal::Mark,
) -> Result<Seq, RecoverError> {
    let begun = Instant::now();
    let (engine, position) = rebuild(folder, rules, mark.synced)?;
    wait_for_events(events, position.seq);
    recover::write_snapshot(folder, mark, &engine, position)?;
    tracing::info!(
        seq = position.seq.0,
        ms = begun.elapsed().as_millis(),
        "snapshot taken"
    );
    Ok(position.seq)
}
