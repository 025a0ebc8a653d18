//! Work beside the path: the next segment made ready before it is needed, old ones recycled.
//!
//! With [`Threads::Own`] a thread does it; with [`Threads::Inline`] each job runs where it is asked for, so that a simulation is one
//! deterministic sequence of disk operations.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};
use types::Seq;

use crate::format::Identity;
use crate::segments::{self, PrepareError};
use crate::storage::{File, Storage};

/// Who does the work beside the path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Threads {
    /// A thread of its own.
    #[default]
    Own,
    /// The caller, at once: for simulations.
    Inline,
}

pub(crate) enum Job {
    Prepare {
        generation: u64,
        size: u64,
    },
    Retire {
        generation: u64,
    },
    /// Makes a full segment durable where the policy did not do so batch by batch.
    Sync {
        file: Arc<dyn File>,
        path: String,
        through: Seq,
    },
}

pub(crate) enum Done {
    Prepared {
        generation: u64,
        result: Result<Arc<dyn File>, PrepareError>,
    },
    Retired {
        generation: u64,
        result: io::Result<()>,
    },
    Synced {
        path: String,
        through: Seq,
        result: io::Result<()>,
    },
}

pub(crate) struct Aside {
    lane: Lane,
}

enum Lane {
    Own {
        jobs: Option<Sender<Job>>,
        done: Receiver<Done>,
        thread: Option<JoinHandle<()>>,
    },
    Inline {
        worker: Worker,
        done: VecDeque<Done>,
    },
}

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aside")
    }
}

impl Aside {
    pub fn start(
        threads: Threads,
        storage: Arc<dyn Storage>,
        identity: Identity,
    ) -> io::Result<Aside> {
        let mut worker = Worker {
            storage,
            identity,
            spare: None,
        };
        let lane = match threads {
            Threads::Inline => Lane::Inline {
                worker,
                done: VecDeque::new(),
            },
            Threads::Own => {
                let (jobs, inbox) = unbounded::<Job>();
                let (outbox, done) = unbounded();
                let thread = std::thread::Builder::new()
                    .name("journal-prepare".into())
                    .spawn(move || {
                        for job in inbox {
                            if outbox.send(worker.run(job)).is_err() {
                                return;
                            }
                        }
                    })?;
                Lane::Own {
                    jobs: Some(jobs),
                    done,
                    thread: Some(thread),
                }
            }
        };
        Ok(Aside { lane })
    }

    pub fn submit(&mut self, job: Job) {
        match &mut self.lane {
            // the thread ends only when this side is dropped
            Lane::Own {
                jobs: Some(jobs), ..
            } => drop(jobs.send(job)),
            Lane::Own { jobs: None, .. } => {}
            Lane::Inline { worker, done } => done.push_back(worker.run(job)),
        }
    }

    pub fn poll(&mut self) -> Option<Done> {
        match &mut self.lane {
            Lane::Own { done, .. } => done.try_recv().ok(),
            Lane::Inline { done, .. } => done.pop_front(),
        }
    }

    /// The next result, waiting for it; `None` when nothing is under way.
    pub fn wait(&mut self) -> Option<Done> {
        match &mut self.lane {
            Lane::Own { done, .. } => done.recv().ok(),
            Lane::Inline { done, .. } => done.pop_front(),
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Lane::Own { jobs, thread, .. } = &mut self.lane {
            jobs.take();
            if let Some(thread) = thread.take() {
                // a panic there has already been printed, and there is nobody left to tell
                let _ = thread.join();
            }
        }
    }
}

struct Worker {
    storage: Arc<dyn Storage>,
    identity: Identity,
    /// One retired segment waiting to be used again; further ones are removed.
    spare: Option<u64>,
}

impl Worker {
    fn run(&mut self, job: Job) -> Done {
        match job {
            Job::Prepare { generation, size } => {
                let spare = self.spare.take();
                let result =
                    segments::prepare(&*self.storage, self.identity, generation, size, spare);
                Done::Prepared { generation, result }
            }
            Job::Retire { generation } => Done::Retired {
                generation,
                result: self.retire(generation),
            },
            Job::Sync {
                file,
                path,
                through,
            } => Done::Synced {
                path,
                through,
                result: file.sync_data(),
            },
        }
    }

    fn retire(&mut self, generation: u64) -> io::Result<()> {
        segments::retire(&*self.storage, generation)?;
        if let Some(old) = self.spare.replace(generation) {
            // a file that stays is removed at the next start
            if let Err(e) = segments::remove_spare(&*self.storage, old) {
                tracing::warn!(generation = old, error = %e, "an old journal segment could not be removed");
            }
        }
        Ok(())
    }
}
