//! A page that was read, and what a chunk of it does in the store. See `line` for the order of chunks.

use super::intake::{self, Arrival, Source, Taken, Wrong};
use super::poll::SyncReport;
use crate::domain::Timestamp;
use crate::store::{NewQuarantine, PayloadRef, Problem, StoreError, StoreTx};
use std::sync::Arc;

/// One unit of work on the writer: at most so many payloads ...
const CHUNK_ITEMS: usize = 16;
/// ... and about so many bytes of them, so that the writer is held for at most a few ms.
const CHUNK_BYTES: usize = 128 * 1024;

/// The named lease of a run.
#[derive(Clone)]
pub struct Lease {
    pub name: Arc<str>,
    pub epoch: i64,
}

pub struct ReadPage {
    pub arrivals: Vec<Arrival>,
    pub watermark: Option<String>,
    /// What names its items to the partner once they are stored.
    pub keys: Vec<serde_json::Value>,
}

/// Errors that one payload can cause, so that the others of its chunk must not suffer.
pub fn speaks_of_a_payload(error: &StoreError) -> bool {
    match error {
        StoreError::Panicked(_)
        | StoreError::Conflict(_)
        | StoreError::Corrupt(_)
        | StoreError::Refused(_)
        | StoreError::NotFound { .. } => true,
        StoreError::NewerDatabase { .. }
        | StoreError::Open { .. }
        | StoreError::Pragma { .. }
        | StoreError::LeaseLost
        | StoreError::DiskFull
        | StoreError::Disk(_)
        | StoreError::Uncertain(_)
        | StoreError::Closed
        | StoreError::Busy { .. }
        | StoreError::TooLong
        | StoreError::BadCursor(_)
        | StoreError::Sql(_) => false,
    }
}

/// Why a payload that was read well goes to quarantine after all.
pub fn unstorable(error: &StoreError) -> Wrong {
    Wrong {
        stage: "mapping",
        number: None,
        problems: vec![Problem {
            pointer: String::new(),
            message: format!("it cannot be stored: {error}"),
        }],
    }
}

pub(super) fn store_chunk(
    tx: &mut dyn StoreTx,
    source: &Source,
    chunk: &[Arrival],
    now: Timestamp,
) -> Result<SyncReport, StoreError> {
    let mut report = SyncReport::default();
    for arrival in chunk {
        match intake::take_in(tx, source, arrival, now)? {
            Taken::Version(_) => report.versions += 1,
            Taken::Duplicate(_) => report.duplicates += 1,
            Taken::Skipped => report.skipped += 1,
            Taken::Wrong(wrong) => {
                report.quarantined += 1;
                put_aside(tx, source, arrival, &wrong, now)?;
            }
        }
    }
    Ok(report)
}

pub(super) fn put_aside(
    tx: &mut dyn StoreTx,
    source: &Source,
    arrival: &Arrival,
    wrong: &Wrong,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.put_quarantine(&NewQuarantine {
        company: &source.company,
        partner: &source.partner,
        stream: &source.stream.name,
        kind: source.stream.kind,
        number: wrong.number.as_deref(),
        payload: PayloadRef {
            media_type: &arrival.raw.media_type,
            bytes: &arrival.raw.bytes,
        },
        stage: wrong.stage,
        problems: &wrong.problems,
        at,
    })
    .map(drop)
}

/// Cuts a page into pieces of bounded number and size, in order.
pub fn chunks<T>(items: Vec<T>, bytes: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut chunks: Vec<Vec<T>> = Vec::new();
    let mut filled = CHUNK_BYTES;
    for item in items {
        let size = bytes(&item);
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_ITEMS && filled + size <= CHUNK_BYTES => {
                filled += size;
                chunk.push(item);
            }
            Some(_) | None => {
                filled = size;
                chunks.push(vec![item]);
            }
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_by_number_and_by_size() {
        let sizes = |items: Vec<usize>| -> Vec<usize> { chunks(items, |&s| s).iter().map(Vec::len).collect() };
        assert_eq!(sizes(vec![]), Vec::<usize>::new());
        assert_eq!(sizes(vec![1; 40]), [16, 16, 8]);
        assert_eq!(sizes(vec![100 * 1024, 100 * 1024, 10, 500 * 1024, 10]), [1, 2, 1, 1]);
    }
}
