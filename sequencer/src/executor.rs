use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use engine::Engine;
use journal::BatchBuf;
use protocol::{Admin, Batch, Command, Executed, Reject, RejectCode, Reply, Request, Wake, Wire};
use types::{AccountId, RequestId, Seq, Time};

use crate::brake::Brake;
use crate::client::{Done, Job};
use crate::{Answer, Clock, State, Unavailable};

/// Steps of due work that one `Wake` record may do, so that no record is unbounded.
const WAKE_BUDGET: u32 = 64;
/// `Wake` records between two client commands at the most: a cascade never starves cancels.
const WAKES_AT_ONCE: u32 = 16;

/// Where the engine stands in the journal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    pub seq: Seq,
    pub time: Time,
    pub chain: u64,
}

/// One batch on its way from the engine to the journal: records as they will lie on disk, the same as values, and the answers to release.
pub(crate) struct Sealed {
    pub(crate) requests: BatchBuf,
    pub(crate) events: BatchBuf,
    pub(crate) batch: Batch,
    pub(crate) answers: Vec<Pending>,
}

/// An answer that waits for the mark.
pub(crate) enum Pending {
    Accepted {
        index: u32,
        done: Done<Answer>,
    },
    Rejected {
        answer: Answer,
        done: Done<Answer>,
    },
    Checked {
        result: Result<(), Reject>,
        done: Done<Result<(), Reject>>,
    },
    Inspected {
        state: State,
        done: Done<State>,
    },
}

/// A command that made the engine panic: the engine's memory is not to be trusted any more.
pub(crate) struct Poison {
    pub(crate) request: Request,
    pub(crate) done: Option<Done<Answer>>,
}

/// The engine with its place in the journal. No thread, no disk: jobs in, sealed batches out.
pub(crate) struct Executor {
    engine: Engine,
    position: Position,
    clock: Arc<dyn Clock>,
    brake: Brake,
    scratch: Vec<u8>,
    max_batch_bytes: usize,
}

impl Executor {
    pub(crate) fn new(
        engine: Engine,
        position: Position,
        clock: Arc<dyn Clock>,
        brake: Brake,
        max_batch_bytes: usize,
    ) -> Executor {
        Executor {
            engine,
            position,
            clock,
            brake,
            scratch: Vec::with_capacity(4096),
            max_batch_bytes,
        }
    }

    pub(crate) fn position(&self) -> Position {
        self.position
    }

    pub(crate) fn into_parts(self) -> (Engine, Position) {
        (self.engine, self.position)
    }

    /// Puts a rebuilt engine in place of one that panicked.
    pub(crate) fn replace(&mut self, engine: Engine, position: Position) {
        self.engine = engine;
        self.position = position;
    }

    /// Work waits that no client asked for.
    pub(crate) fn is_due(&self) -> bool {
        self.engine.due(self.clock.now())
    }

    pub(crate) fn has_room(&self, sealed: &Sealed) -> bool {
        sealed.requests.body_len() < self.max_batch_bytes
    }

    /// Stamps the time of a batch: never before the last one's.
    pub(crate) fn begin(&mut self) -> Time {
        self.position.time = self.position.time.max(self.clock.now());
        self.position.time
    }

    /// Does what has fallen due, in records of its own, before the next client command.
    pub(crate) fn wake(&mut self, sealed: &mut Sealed) -> Result<(), Box<Poison>> {
        let mut wakes = 0;
        while wakes < WAKES_AT_ONCE && self.engine.due(self.position.time) {
            let request = venue_request(Command::Wake(Wake {
                budget: WAKE_BUDGET,
            }));
            self.execute(sealed, request, None)?;
            wakes += 1;
        }
        Ok(())
    }

    /// Journals the end of a market after a defect.
    pub(crate) fn halt(
        &mut self,
        sealed: &mut Sealed,
        poison: &Request,
    ) -> Result<(), Box<Poison>> {
        match poison.command.instrument() {
            Some(instrument) => self.execute(
                sealed,
                venue_request(Command::Admin(Admin::HaltInstrument(instrument))),
                None,
            ),
            None => Ok(()),
        }
    }

    pub(crate) fn take(&mut self, sealed: &mut Sealed, job: Job) -> Result<(), Box<Poison>> {
        match job {
            Job::Submit { request, done } if self.brake.refuses(&request.command) => {
                done(Err(Unavailable::DiskFull));
                Ok(())
            }
            Job::Submit { request, done } => self.execute(sealed, request, Some(done)),
            Job::Check { request, done } => {
                let time = self.position.time;
                match catch_unwind(AssertUnwindSafe(|| self.engine.check(time, &request))) {
                    Ok(result) => sealed.answers.push(Pending::Checked { result, done }),
                    // `check` takes the engine by shared reference: it cannot have changed anything.
                    Err(_) => sealed.answers.push(Pending::Checked {
                        result: Err(RejectCode::Fault.into()),
                        done,
                    }),
                }
                Ok(())
            }
            Job::State { done } => {
                let state = self.inspect();
                sealed.answers.push(Pending::Inspected { state, done });
                Ok(())
            }
            Job::Wake | Job::Durability { .. } | Job::Stop => Ok(()),
        }
    }

    fn inspect(&self) -> State {
        let seq = self.position.seq;
        let audit = self
            .engine
            .audit()
            .map_err(|violation| violation.to_string());
        State {
            seq,
            mark: seq,
            digest: self.engine.digest().to_string(),
            audit,
        }
    }

    fn execute(
        &mut self,
        sealed: &mut Sealed,
        request: Request,
        done: Option<Done<Answer>>,
    ) -> Result<(), Box<Poison>> {
        let Sealed { batch, answers, .. } = sealed;
        let start = batch.events.len();
        let seq = Seq(self.position.seq.0 + 1);
        let time = self.position.time;
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.engine.execute(seq, time, &request, &mut batch.events)
        }));
        match result {
            Err(_) => {
                batch.events.truncate(start);
                return Err(Box::new(Poison { request, done }));
            }
            Ok(Err(reject)) => {
                debug_assert_eq!(batch.events.len(), start, "a refusal left events");
                if let Some(done) = done {
                    answers.push(Pending::Rejected {
                        answer: Answer {
                            time,
                            outcome: Err(reject),
                        },
                        done,
                    });
                }
            }
            Ok(Ok(reply)) => self.accept(sealed, seq, request, reply, start, done),
        }
        Ok(())
    }

    fn accept(
        &mut self,
        sealed: &mut Sealed,
        seq: Seq,
        request: Request,
        reply: Reply,
        start: usize,
        done: Option<Done<Answer>>,
    ) {
        let time = self.position.time;
        self.scratch.clear();
        request.put(&mut self.scratch);
        let split = self.scratch.len();
        for event in &sealed.batch.events[start..] {
            event.put(&mut self.scratch);
        }
        let (request_bytes, event_bytes) = self.scratch.split_at(split);
        let chain = protocol::chain(self.position.chain, seq, time, request_bytes, event_bytes);
        sealed.requests.push(seq, time, chain, request_bytes);
        sealed.events.push(seq, time, chain, event_bytes);
        self.position = Position { seq, time, chain };
        let index = u32::try_from(sealed.batch.records.len()).unwrap_or(u32::MAX);
        let events = (
            u32::try_from(start).unwrap_or(u32::MAX),
            u32::try_from(sealed.batch.events.len()).unwrap_or(u32::MAX),
        );
        sealed.batch.records.push(Executed {
            seq,
            time,
            request,
            reply,
            chain,
            events,
        });
        if let Some(done) = done {
            sealed.answers.push(Pending::Accepted { index, done });
        }
    }
}

impl Sealed {
    pub(crate) fn new(requests: BatchBuf, events: BatchBuf) -> Sealed {
        Sealed {
            requests,
            events,
            batch: Batch::default(),
            answers: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.answers.is_empty()
    }

    /// The journal failed: nobody learns what became of these.
    pub(crate) fn lose(self) {
        for pending in self.answers {
            match pending {
                Pending::Accepted { done, .. } | Pending::Rejected { done, .. } => {
                    done(Err(Unavailable::Lost))
                }
                Pending::Checked { done, .. } => done(Err(Unavailable::Lost)),
                Pending::Inspected { done, .. } => done(Err(Unavailable::Lost)),
            }
        }
    }
}

fn venue_request(command: Command) -> Request {
    Request {
        actor: AccountId::TREASURY,
        id: RequestId(0),
        expires: Time(i64::MAX),
        command,
    }
}
