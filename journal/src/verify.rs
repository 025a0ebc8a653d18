//! Reading everything, to see whether it is sound.

use types::Seq;

use crate::error::JournalError;
use crate::events::{self, EventReader};
use crate::folder::Folder;
use crate::reader::Reader;
use crate::snapshots;

/// What [`verify`] found. The journal itself is sound, or there would be an error instead.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verified {
    /// The oldest record that is kept.
    pub oldest: Seq,
    pub records: u64,
    /// The chain after the last record.
    pub chain: u64,
    /// The record of each snapshot, and what is wrong with it.
    pub snapshots: Vec<(Seq, Option<String>)>,
    /// What the event log lacks between its first and its last record: from, to, why. It can be regenerated.
    pub missing_events: Vec<(Seq, Seq, String)>,
}

/// Checks every checksum and hash of a data folder whose journal runs from `oldest` ([`crate::Writer::oldest_seq`]) to `end`.
pub fn verify(folder: &Folder, oldest: Seq, end: Seq) -> Result<Verified, JournalError> {
    let mut found = Verified {
        oldest,
        snapshots: snapshots::check_all(folder)?,
        ..Verified::default()
    };
    let mut reader = Reader::open(folder, oldest, end)?;
    while let Some(record) = reader.next()? {
        found.records += 1;
        found.chain = record.chain;
    }
    let Some(first) = events::list(folder)?.first().copied() else {
        return Ok(found);
    };
    let mut reader = EventReader::open(folder, first, end);
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(found),
            Err(JournalError::EventsMissing { from, to, why }) => {
                reader.seek(Seq(to.0 + 1));
                found.missing_events.push((from, to, why));
            }
            Err(e) => return Err(e),
        }
    }
}
