//! A page that was read goes into the store, chunk by chunk, and its watermark with the last of them.

use super::Exchange;
use super::intake::{self, Arrival, Source, Taken, Wrong};
use super::pace::millis;
use super::poll::SyncReport;
use crate::domain::Timestamp;
use crate::store::{Lane, NewQuarantine, PayloadRef, Problem, StoreError, StoreExt, StoreTx};
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

/// Every chunk is committed before the last one is tried, which carries the watermark: it never passes over anything.
///
/// # Errors
/// The store's own. What is wrong with a payload puts that one aside, and nothing else.
pub async fn store(
    exchange: &Exchange,
    source: &Arc<Source>,
    lease: &Lease,
    page: ReadPage,
) -> Result<SyncReport, StoreError> {
    let mut report = SyncReport {
        pages: 1,
        received: u32::try_from(page.arrivals.len()).unwrap_or(u32::MAX),
        ..SyncReport::default()
    };
    let chunks = chunks(page.arrivals, |arrival| arrival.raw.bytes.len());
    let mut chunks: Vec<_> = chunks.into_iter().map(Arc::new).collect();
    let last = chunks.pop().unwrap_or_default();
    let waiting: Vec<_> = chunks
        .iter()
        .map(|chunk| submit(exchange, source, lease, Arc::clone(chunk), None))
        .collect();
    for (chunk, stored) in chunks.iter().zip(waiting) {
        match stored.await {
            Err(error) if speaks_of_a_payload(&error) => {
                report.add(&one_by_one(exchange, source, lease, chunk, &error).await?);
            }
            stored => report.add(&stored?),
        }
    }
    let watermark = page.watermark.map(Arc::from);
    match submit(exchange, source, lease, Arc::clone(&last), Some(watermark.clone())).await {
        Err(error) if speaks_of_a_payload(&error) && !last.is_empty() => {
            report.add(&one_by_one(exchange, source, lease, &last, &error).await?);
            submit(exchange, source, lease, Arc::default(), Some(watermark)).await?;
        }
        stored => report.add(&stored?),
    }
    Ok(report)
}

/// Puts one chunk in the writer's queue. `end`: it is the page's last, with the watermark after the page.
fn submit(
    exchange: &Exchange,
    source: &Arc<Source>,
    lease: &Lease,
    chunk: Arc<Vec<Arrival>>,
    end: Option<Option<Arc<str>>>,
) -> impl Future<Output = Result<SyncReport, StoreError>> + Send {
    let now = exchange.clock.now();
    let until = now.plus_millis(millis(exchange.pace.lease));
    let (source, lease) = (Arc::clone(source), lease.clone());
    exchange.store.write(Lane::Bulk, move |tx| {
        tx.check_lease(&lease.name, lease.epoch)?;
        let report = store_chunk(tx, &source, &chunk, now)?;
        let Some(watermark) = end else {
            return Ok(report);
        };
        tx.extend_lease(&lease.name, lease.epoch, until)?;
        if let Some(watermark) = watermark {
            tx.set_watermark(&source.company, &source.partner, &source.stream.name, &watermark)?;
        }
        Ok(report)
    })
}

/// Errors that one payload can cause, so that the others of its chunk must not suffer.
pub(super) fn speaks_of_a_payload(error: &StoreError) -> bool {
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
        | StoreError::BadCursor(_)
        | StoreError::Sql(_) => false,
    }
}

/// Why a payload that was read well goes to quarantine after all.
pub(super) fn unstorable(error: &StoreError) -> Wrong {
    Wrong {
        stage: "mapping",
        number: None,
        problems: vec![Problem {
            pointer: String::new(),
            message: format!("it cannot be stored: {error}"),
        }],
    }
}

/// Each payload of a chunk that failed in a transaction of its own; what fails again goes to quarantine.
async fn one_by_one(
    exchange: &Exchange,
    source: &Arc<Source>,
    lease: &Lease,
    chunk: &Arc<Vec<Arrival>>,
    cause: &StoreError,
) -> Result<SyncReport, StoreError> {
    tracing::error!(partner = %source.partner, stream = source.stream.name, error = %cause, "a chunk is stored one by one");
    let mut report = SyncReport::default();
    for index in 0..chunk.len() {
        let stored = store_at(exchange, source, lease, chunk, index, None).await;
        match stored {
            Err(error) if speaks_of_a_payload(&error) => {
                let wrong = unstorable(&error);
                report.add(&store_at(exchange, source, lease, chunk, index, Some(wrong)).await?);
            }
            stored => report.add(&stored?),
        }
    }
    Ok(report)
}

/// One payload of a chunk: taken in, or put aside as `wrong`.
async fn store_at(
    exchange: &Exchange,
    source: &Arc<Source>,
    lease: &Lease,
    chunk: &Arc<Vec<Arrival>>,
    index: usize,
    wrong: Option<Wrong>,
) -> Result<SyncReport, StoreError> {
    let now = exchange.clock.now();
    let (source, lease, chunk) = (Arc::clone(source), lease.clone(), Arc::clone(chunk));
    let stored = exchange.store.write(Lane::Bulk, move |tx| {
        tx.check_lease(&lease.name, lease.epoch)?;
        let mut report = SyncReport::default();
        match (chunk.get(index), wrong) {
            (None, _) => {}
            (Some(arrival), None) => report = store_chunk(tx, &source, std::slice::from_ref(arrival), now)?,
            (Some(arrival), Some(wrong)) => {
                put_aside(tx, &source, arrival, &wrong, now)?;
                report.quarantined = 1;
            }
        }
        Ok(report)
    });
    stored.await
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
