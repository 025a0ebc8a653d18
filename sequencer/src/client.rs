use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Sender, TrySendError};
use protocol::{Batch, Event, Executed, Reject, Reply, Request};
use types::{RequestId, Seq, Time};

use crate::Clock;

/// What the engine said, released because everything up to it is durable.
#[derive(Clone, Debug)]
pub struct Answer {
    pub time: Time,
    pub outcome: Result<Accepted, Reject>,
}

/// An accepted record: its place in the batch that carried it below the mark.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub batch: Arc<Batch>,
    pub index: u32,
}

impl Accepted {
    #[must_use]
    pub fn record(&self) -> &Executed {
        &self.batch.records[self.index as usize]
    }
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.record().seq
    }
    #[must_use]
    pub fn time(&self) -> Time {
        self.record().time
    }
    #[must_use]
    pub fn reply(&self) -> &Reply {
        &self.record().reply
    }
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.record().request
    }
    #[must_use]
    pub fn events(&self) -> &[Event] {
        self.batch.events_of(self.record())
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unavailable {
    /// The queue is full: nothing happened, ask again later.
    #[error("the queue in front of the engine is full")]
    Overloaded,
    /// Nothing happened: the journal's disk is full, and what room is left serves cancels.
    #[error("the journal's disk is full: only cancels are taken until there is room again")]
    DiskFull,
    /// Nothing happened.
    #[error("the exchange is shutting down")]
    ShuttingDown,
    /// The journal failed: whether the request happened is known after the restart.
    #[error("the journal failed before the request was known to be durable")]
    Lost,
}

/// A consistent look at the whole exchange between two records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    pub seq: Seq,
    /// Everything up to here is durable; equal to `seq` when this is answered.
    pub mark: Seq,
    pub digest: String,
    /// The full audit; the sentence of the first violation otherwise.
    pub audit: Result<(), String>,
}

pub(crate) type Done<T> = Box<dyn FnOnce(Result<T, Unavailable>) + Send>;

/// What waits in front of the engine.
pub(crate) enum Job {
    Submit {
        request: Request,
        done: Done<Answer>,
    },
    Check {
        request: Request,
        done: Done<Result<(), Reject>>,
    },
    State {
        done: Done<State>,
    },
    /// From the batches before this on, the journal keeps its promise in another way.
    Durability {
        durability: journal::Durability,
        done: Done<()>,
    },
    /// Work fell due while nobody asked for anything.
    Wake,
    Stop,
}

impl Job {
    fn refuse(self, why: Unavailable) {
        match self {
            Job::Submit { done, .. } => done(Err(why)),
            Job::Check { done, .. } => done(Err(why)),
            Job::State { done } => done(Err(why)),
            Job::Durability { done, .. } => done(Err(why)),
            Job::Wake | Job::Stop => {}
        }
    }
}

/// A place in the queue in front of the engine. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) queue: Sender<Job>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<AtomicU64>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("queued", &self.queue.len())
            .finish()
    }
}

impl Client {
    pub(crate) fn new(queue: Sender<Job>, clock: Arc<dyn Clock>) -> Client {
        Client {
            queue,
            clock,
            ids: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Executes the request; answered when it is durable.
    ///
    /// # Errors
    /// [`Unavailable`]; of its kinds only [`Unavailable::Lost`] leaves open whether the request happened.
    pub async fn submit(&self, request: Request) -> Result<Answer, Unavailable> {
        let (send, receive) = tokio::sync::oneshot::channel();
        self.submit_with(request, move |answer| {
            let _ = send.send(answer);
        });
        receive.await.unwrap_or(Err(Unavailable::Lost))
    }

    /// As [`Client::submit`]; `done` is called on the journal's thread and must be quick.
    pub fn submit_with(
        &self,
        request: Request,
        done: impl FnOnce(Result<Answer, Unavailable>) + Send + 'static,
    ) {
        self.enqueue(Job::Submit {
            request,
            done: Box::new(done),
        });
    }

    /// Every check of execution without its effects.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn check(&self, request: Request) -> Result<Result<(), Reject>, Unavailable> {
        let (send, receive) = tokio::sync::oneshot::channel();
        let done = Box::new(move |answer| {
            let _ = send.send(answer);
        });
        self.enqueue(Job::Check { request, done });
        receive.await.unwrap_or(Err(Unavailable::Lost))
    }

    /// Digest and full audit between two records. Costs a walk over everything.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn state(&self) -> Result<State, Unavailable> {
        let (send, receive) = tokio::sync::oneshot::channel();
        let done = Box::new(move |answer| {
            let _ = send.send(answer);
        });
        self.enqueue(Job::State { done });
        receive.await.unwrap_or(Err(Unavailable::Lost))
    }

    /// As [`Client::state`]; `done` is called on the journal's thread and must be quick.
    pub fn state_with(&self, done: impl FnOnce(Result<State, Unavailable>) + Send + 'static) {
        self.enqueue(Job::State {
            done: Box::new(done),
        });
    }

    /// Switches what durable means, once everything before is durable in the new sense: how a first start loads in bulk.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn set_durability(&self, durability: journal::Durability) -> Result<(), Unavailable> {
        let (send, receive) = tokio::sync::oneshot::channel();
        let done = Box::new(move |answer| {
            let _ = send.send(answer);
        });
        self.enqueue(Job::Durability { durability, done });
        receive.await.unwrap_or(Err(Unavailable::Lost))
    }

    fn enqueue(&self, job: Job) {
        match self.queue.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => job.refuse(Unavailable::Overloaded),
            Err(TrySendError::Disconnected(job)) => job.refuse(Unavailable::ShuttingDown),
        }
    }

    #[must_use]
    pub fn next_id(&self) -> RequestId {
        RequestId(self.ids.fetch_add(1, Ordering::Relaxed))
    }

    /// The venue's time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Requests that wait in front of the engine.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }
}
