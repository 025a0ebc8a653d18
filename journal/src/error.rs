//! What can go wrong, each with what was found, what was expected and what to do.

use std::io;

use types::Seq;

/// The journal could not be opened or read. Nothing was changed on the disk by the refusal itself.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{action} {path}: {source}")]
    Io {
        action: &'static str,
        path: String,
        source: io::Error,
    },
    #[error(
        "the data folder {folder} is in use by {holder}: two programs must never write one journal. Stop that one first, or choose another folder"
    )]
    InUse { folder: String, holder: String },
    #[error(
        "{path} has format {found}, and this program reads formats up to {supported}: run the newer program that wrote it"
    )]
    NewerFormat {
        path: String,
        found: u32,
        supported: u32,
    },
    #[error("{path} is damaged: {what}. Restore the data folder from a backup")]
    BadFolder { path: String, what: String },
    #[error(
        "{path} belongs to another data folder (identity {found}, expected {expected}): files of two journals were mixed. \
         Put the right files back; nothing was changed"
    )]
    Foreign {
        path: String,
        found: String,
        expected: String,
    },
    #[error(
        "{file} is damaged at byte {offset}: record {expected} should stand there and does not ({fault}), yet {evidence}. This is not the unfinished \
         last batch of a crash, so nothing was truncated. Put a sound copy of this file in its place, from a backup or a replica, and start again"
    )]
    Hole {
        file: String,
        offset: u64,
        expected: Seq,
        fault: &'static str,
        evidence: String,
    },
    #[error(
        "the journal ends at record {end}, but {promised_by} proves that record {promised} was acknowledged: the journal's end is lost. \
         Restore the journal from a backup or a replica, or remove what promises more, knowing that acknowledged records are gone"
    )]
    Behind {
        end: Seq,
        promised: Seq,
        promised_by: String,
    },
    #[error(
        "record {wanted} is no longer kept: the oldest is {oldest}. Start from a snapshot, or run with --retain all from the beginning"
    )]
    Recycled { wanted: Seq, oldest: Seq },
    #[error(
        "no snapshot is sound: {0}. Re-execute the journal from record 1 if it still has it, or restore a snapshot from a backup"
    )]
    NoSoundSnapshot(String),
    #[error(
        "records {from} to {to} are not in the event log ({why}): re-execute the journal to regenerate them"
    )]
    EventsMissing { from: Seq, to: Seq, why: String },
}

impl JournalError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> JournalError {
        let path = path.into();
        move |source| JournalError::Io {
            action,
            path,
            source,
        }
    }
}

/// The journal can no longer be written. Every later call answers the same: stop the process, and start again from what is on the disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    #[error(
        "fdatasync of {file} failed ({error}): what was written since the last one may or may not be on the disk, and asking again would be \
         answered wrongly. The process must stop; restart it when the disk is well"
    )]
    Sync { file: String, error: String },
    #[error(
        "writing {file} failed ({error}): the process must stop; restart it when the disk is well"
    )]
    Write { file: String, error: String },
    #[error("there is no room for the next segment ({error}): free some space and restart")]
    Full { error: String },
    #[error(
        "record {got} was appended where {expected} was due: a defect of the caller. Nothing of the batch was written"
    )]
    OutOfOrder { expected: Seq, got: Seq },
}
