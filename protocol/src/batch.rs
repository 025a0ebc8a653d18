use types::{Seq, Time};

use crate::{Event, Events, Reply, Request};

/// Accepted records that became durable together: what the relay hands to readers.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// In order of `Seq`, without gaps.
    pub records: Vec<Executed>,
    /// The events of all records, one after the other.
    pub events: Events,
}

/// One accepted record and what came of it.
#[derive(Clone, Debug)]
pub struct Executed {
    pub seq: Seq,
    pub time: Time,
    pub request: Request,
    pub reply: Reply,
    pub chain: u64,
    /// Its events: `batch.events[start..end]`.
    pub events: (u32, u32),
}

impl Batch {
    /// The events of one record.
    #[must_use]
    pub fn events_of(&self, record: &Executed) -> &[Event] {
        &self.events[record.events.0 as usize..record.events.1 as usize]
    }

    /// Each record with its events, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Executed, &[Event])> {
        self.records
            .iter()
            .map(|record| (record, self.events_of(record)))
    }

    #[must_use]
    pub fn last_seq(&self) -> Option<Seq> {
        self.records.last().map(|record| record.seq)
    }
}
