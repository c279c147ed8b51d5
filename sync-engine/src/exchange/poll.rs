//! Polling of one stream: page by page from the durable watermark, under a lease.
//!
//! Three stages run at once: the next page is fetched while this one is read and the one before is committed.

use super::Exchange;
use super::breaker::Report;
use super::gate::{Credentials, Learned, Use};
use super::intake::{self, Arrival, Source};
use super::pace::millis;
use super::pages::{self, Lease, ReadPage, chunks};
use super::partners::Partner;
use crate::partner::{FetchError, FetchedPage, PartnerLink, RawItem, StreamInfo};
use crate::store::{Lane, OperationError, StoreError, StoreExt};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::mpsc;
use utoipa::ToSchema;

/// What one run of polling brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncReport {
    pub pages: u32,
    pub received: u32,
    pub versions: u32,
    pub duplicates: u32,
    /// Nothing to us, by the configuration's `$when`.
    pub skipped: u32,
    pub quarantined: u32,
}

impl SyncReport {
    pub fn add(&mut self, other: &Self) {
        self.pages += other.pages;
        self.received += other.received;
        self.versions += other.versions;
        self.duplicates += other.duplicates;
        self.skipped += other.skipped;
        self.quarantined += other.quarantined;
    }
}

/// Why a run ended early. What it stored before that stays.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Paused, unreachable, or credentials broken.
    #[error("the partner is not asked now")]
    Shut,
    #[error("another engine polls this stream now")]
    Elsewhere,
    #[error("stopped")]
    Stopped,
}

/// Polls a stream from its watermark to its end.
pub async fn run(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    stream: &StreamInfo,
) -> Result<SyncReport, PollError> {
    let lease = take_lease(exchange, partner, stream).await?;
    let result = run_leased(exchange, partner, stream, &lease).await;
    let (name, epoch) = (lease.name, lease.epoch);
    let released = exchange
        .store
        .write(Lane::Bulk, move |tx| tx.release_lease(&name, epoch))
        .await;
    match released {
        Ok(()) | Err(StoreError::LeaseLost | StoreError::Closed) => {}
        Err(error) => tracing::warn!(partner = %partner.id, stream = stream.name, %error, "lease not released"),
    }
    result
}

async fn take_lease(exchange: &Exchange, partner: &Partner, stream: &StreamInfo) -> Result<Lease, PollError> {
    let name: Arc<str> = format!("poll:{}:{}:{}", exchange.company, partner.id, stream.name).into();
    let now = exchange.clock.now();
    let until = now.plus_millis(millis(exchange.pace.lease));
    let (lease, holder) = (Arc::clone(&name), exchange.holder.clone());
    let epoch = exchange
        .store
        .write(Lane::Bulk, move |tx| tx.take_lease(&lease, &holder, now, until))
        .await?;
    Ok(Lease {
        name,
        epoch: epoch.ok_or(PollError::Elsewhere)?,
    })
}

async fn run_leased(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    stream: &StreamInfo,
    lease: &Lease,
) -> Result<SyncReport, PollError> {
    let link = partner.link();
    let (company, id, name) = (exchange.company.clone(), partner.id.clone(), stream.name.clone());
    let watermark = exchange
        .store
        .read(move |store| store.watermark(&company, &id, &name))
        .await?;
    // One page waits between two stages, so at most four are in memory.
    let (fetched, to_read) = mpsc::channel(1);
    let (read, to_store) = mpsc::channel(1);
    let source = Arc::new(Source::of(&exchange.company, link.as_ref(), stream));
    let fetching = fetch_pages(exchange, partner, &link, stream, watermark.as_deref(), fetched);
    let reading = read_pages(&link, stream, to_read, read);
    let storing = store_pages(exchange, partner, &source, lease, watermark.clone(), to_store);
    let (fetched, (), stored) = tokio::join!(fetching, reading, storing);
    // What could not be stored is the cause; a fetch that was cut off because of it is not.
    let report = stored?;
    fetched?;
    Ok(report)
}

async fn fetch_pages(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    link: &Arc<dyn PartnerLink>,
    stream: &StreamInfo,
    watermark: Option<&str>,
    pages: mpsc::Sender<FetchedPage>,
) -> Result<(), PollError> {
    let mut cursor = None;
    for _ in 0..exchange.pace.pages_per_run {
        let page = fetch(exchange, partner, link, stream, watermark, cursor.as_ref()).await?;
        let next = page.next.clone();
        if next.is_some() && next == cursor {
            return Err(PollError::Fetch(FetchError {
                code: "partner.protocol",
                status: None,
                message: format!(
                    "{} gave the same next page twice: check paging in the configuration",
                    stream.name
                ),
                retry_after: None,
                transient: false,
                breaker: false,
            }));
        }
        if pages.send(page).await.is_err() {
            return Ok(());
        }
        match next {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
    Ok(())
}

/// One page, tried again quickly when that can help.
async fn fetch(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    link: &Arc<dyn PartnerLink>,
    stream: &StreamInfo,
    watermark: Option<&str>,
    cursor: Option<&crate::partner::PageCursor>,
) -> Result<FetchedPage, PollError> {
    let mut attempt = 1;
    loop {
        if exchange.stopping() {
            return Err(PollError::Stopped);
        }
        let entered = partner.gate.enter(Use::Poll, &exchange.clock).ok_or(PollError::Shut)?;
        let fetched = tokio::select! {
            fetched = link.fetch(&stream.name, watermark, cursor) => fetched,
            () = exchange.stop.cancelled() => return Err(PollError::Stopped),
        };
        let told = entered.leave(&learned(&fetched));
        exchange.remember(partner, told).await;
        let error = match fetched {
            Ok(page) => {
                partner.gate.note_skew(page.clock_skew_ms);
                return Ok(page);
            }
            Err(error) => error,
        };
        let wait = exchange.pace.quick_wait(attempt, exchange.clock.random());
        let wait = wait.max(error.retry_after.unwrap_or_default());
        attempt += 1;
        // A longer Retry-After belongs to the next run.
        if !error.transient || attempt > exchange.pace.quick_attempts || wait > exchange.pace.quick_cap {
            return Err(PollError::Fetch(error));
        }
        exchange.sleep(wait).await;
    }
}

fn learned(fetched: &Result<FetchedPage, FetchError>) -> Learned {
    match fetched {
        Ok(_) => Learned {
            report: Report::Reached,
            credentials: Credentials::Accepted,
            error: None,
        },
        Err(error) => Learned {
            report: if error.breaker { Report::Failed } else { Report::Neither },
            credentials: if error.code == "partner.credentials" {
                Credentials::Refused
            } else {
                Credentials::NotAsked
            },
            error: Some(OperationError {
                code: error.code.to_owned(),
                status: error.status,
                message: Some(error.message.clone()),
            }),
        },
    }
}

async fn read_pages(
    link: &Arc<dyn PartnerLink>,
    stream: &StreamInfo,
    mut pages: mpsc::Receiver<FetchedPage>,
    read: mpsc::Sender<ReadPage>,
) {
    while let Some(page) = pages.recv().await {
        let chunks = chunks(page.items, |raw| raw.bytes.len());
        let reading: Vec<_> = chunks
            .into_iter()
            .map(|chunk| read_chunk(link, stream, chunk))
            .collect();
        let mut arrivals = Vec::new();
        for chunk in reading {
            match chunk.await {
                Ok(chunk) => arrivals.extend(chunk),
                Err(error) => {
                    // The page is not stored, so nothing of it is lost: the next run fetches it again.
                    tracing::error!(partner = %link.id(), stream = stream.name, %error, "reading a page broke off");
                    return;
                }
            }
        }
        let page = ReadPage {
            arrivals,
            watermark: page.watermark,
        };
        if read.send(page).await.is_err() {
            return;
        }
    }
}

fn read_chunk(
    link: &Arc<dyn PartnerLink>,
    stream: &StreamInfo,
    chunk: Vec<RawItem>,
) -> tokio::task::JoinHandle<Vec<Arrival>> {
    let (link, name) = (Arc::clone(link), stream.name.clone());
    tokio::task::spawn_blocking(move || {
        chunk
            .into_iter()
            .map(|raw| intake::read(link.as_ref(), &name, raw))
            .collect()
    })
}

async fn store_pages(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    source: &Arc<Source>,
    lease: &Lease,
    mut watermark: Option<String>,
    mut read: mpsc::Receiver<ReadPage>,
) -> Result<SyncReport, PollError> {
    let mut report = SyncReport::default();
    while let Some(page) = read.recv().await {
        // Mostly there is nothing new: nothing is written for that.
        if page.arrivals.is_empty() && (page.watermark.is_none() || page.watermark == watermark) {
            report.pages += 1;
            continue;
        }
        watermark.clone_from(&page.watermark);
        report.add(&pages::store(exchange, source, lease, page).await?);
    }
    if report.received > 0 {
        tracing::info!(
            partner = %partner.id, stream = source.stream.name, pages = report.pages, received = report.received,
            versions = report.versions, duplicates = report.duplicates, quarantined = report.quarantined,
            "polled"
        );
    }
    Ok(report)
}
