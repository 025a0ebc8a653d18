use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use journal::{BatchBuf, EventLog, Fatal, Writer};
use relay::Relay;
use types::Seq;

use crate::executor::{Pending, Sealed};
use crate::{Accepted, Answer};

/// The high-water mark: everything up to this record is durable under the configured policy. Shared by whoever wants to know.
#[derive(Clone, Default)]
pub struct Mark(Arc<AtomicU64>);

impl Mark {
    #[must_use]
    pub fn get(&self) -> Seq {
        Seq(self.0.load(Ordering::Acquire))
    }

    pub(crate) fn set(&self, seq: Seq) {
        self.0.store(seq.0, Ordering::Release);
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// Makes batches durable, then tells the world: mark, event log, readers, answers, in this order. No thread of its own.
pub(crate) struct Keeper {
    writer: Writer,
    events: Arc<EventLog>,
    relay: Relay,
    mark: Mark,
    marks: journal::Mark,
}

impl Keeper {
    pub(crate) fn new(writer: Writer, events: EventLog, relay: Relay, mark: Mark) -> Keeper {
        let marks = journal::Mark {
            seq: mark.get(),
            synced: mark.get(),
        };
        Keeper {
            writer,
            events: Arc::new(events),
            relay,
            mark,
            marks,
        }
    }

    pub(crate) fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }

    pub(crate) fn shared_mark(&self) -> Mark {
        self.mark.clone()
    }

    pub(crate) fn mark(&self) -> Seq {
        self.mark.get()
    }

    pub(crate) fn events(&self) -> &Arc<EventLog> {
        &self.events
    }

    pub(crate) fn into_parts(self) -> (Writer, Arc<EventLog>) {
        (self.writer, self.events)
    }

    /// Nothing of the batch leaves before this has passed its records below the mark. Gives the request buffer back for reuse.
    pub(crate) fn keep(&mut self, mut sealed: Sealed) -> Result<BatchBuf, Fatal> {
        if !sealed.requests.is_empty() {
            let last = sealed.requests.last_seq();
            match self
                .writer
                .append(&mut sealed.requests)
                .and_then(|()| self.writer.commit())
            {
                Ok(marks) => self.marks = marks,
                Err(fatal) => {
                    sealed.lose();
                    return Err(fatal);
                }
            }
            self.mark.set(last);
        }
        let Sealed {
            mut requests,
            events,
            batch,
            answers,
        } = sealed;
        let batch = Arc::new(batch);
        if !batch.records.is_empty() {
            let synced = self.marks;
            self.events.offer(events, synced);
            self.relay.publish(&batch);
        }
        for pending in answers {
            match pending {
                Pending::Accepted { index, done } => {
                    let time = batch.records[index as usize].time;
                    done(Ok(Answer {
                        time,
                        outcome: Ok(Accepted {
                            batch: Arc::clone(&batch),
                            index,
                        }),
                    }));
                }
                Pending::Rejected { answer, done } => done(Ok(answer)),
                Pending::Checked { result, done } => done(Ok(result)),
                Pending::Inspected { state, done } => done(Ok(state)),
            }
        }
        requests.clear();
        Ok(requests)
    }
}
