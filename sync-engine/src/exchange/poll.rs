//! Polling of one stream: page by page from the durable watermark, under a lease.
//!
//! Three stages run at once: the next page is fetched while this one is read and those before are written.

use super::Exchange;
use super::breaker::Report;
use super::gate::{Credentials, Learned, Use};
use super::intake::{self, Arrival, Source};
use super::line::Line;
use super::pace::millis;
use super::pages::{Lease, ReadPage, chunks};
use super::partners::Partner;
use crate::partner::{FetchError, FetchedPage, PartnerLink, RawItem, StreamInfo};
use crate::store::{Lane, OperationError, StoreError, StoreExt, StoreTrouble, panic_text};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde::Serialize;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use utoipa::ToSchema;

/// Items of one run that are in memory at once, in KiB. A larger page is alone.
const ROOM_KIB: u32 = 32 * 1024;
/// Chunks of a page that are read at once: at most so many, and one core is left to the writer.
const CHUNKS_AT_ONCE: usize = 4;
/// A document of more bytes is read alone.
const LARGE_BYTES: usize = 512 * 1024;
static ALONE: Mutex<()> = Mutex::new(());

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
    /// The disk takes no writes.
    #[error("{}", .0.message)]
    Disk(StoreTrouble),
    #[error("another engine polls this stream now")]
    Elsewhere,
    #[error("stopped")]
    Stopped,
    #[error("polling broke off inside Countersign: {0}")]
    Panicked(String),
}

/// Polls a stream from its watermark to its end.
pub async fn run(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    stream: &StreamInfo,
) -> Result<SyncReport, PollError> {
    // Nothing is fetched that could not be stored.
    if let Some(trouble) = exchange.store.trouble() {
        return Err(PollError::Disk(trouble));
    }
    let lease = take_lease(exchange, partner, stream).await?;
    // A fault ends this run alone: its lease is given back, and the loop that repeats it goes on.
    let run = AssertUnwindSafe(until_nothing_is_new(exchange, partner, stream, &lease)).catch_unwind();
    let result = run
        .await
        .unwrap_or_else(|panic| Err(PollError::Panicked(panic_text(&*panic))));
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

/// Where the partner is told what was stored, it lists the rest next: the run is repeated as long as that brings news.
async fn until_nothing_is_new(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    stream: &StreamInfo,
    lease: &Lease,
) -> Result<SyncReport, PollError> {
    let mut whole = SyncReport::default();
    let mut steps = 0;
    for _ in 0..exchange.pace.pages_per_run {
        let (report, told) = run_leased(exchange, partner, stream, lease, &mut steps).await?;
        whole.add(&report);
        if !told || report.versions == 0 {
            break;
        }
    }
    Ok(whole)
}

/// One run, and whether the partner was told of all that it brought. `steps` are those taken under the lease.
async fn run_leased(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    stream: &StreamInfo,
    lease: &Lease,
    steps: &mut i64,
) -> Result<(SyncReport, bool), PollError> {
    let link = partner.link();
    let (company, id, name) = (exchange.company.clone(), partner.id.clone(), stream.name.clone());
    let watermark = exchange
        .store
        .read(move |store| store.watermark(&company, &id, &name))
        .await?;
    // One page waits between two stages, and some for the writer; `ROOM_KIB` bounds them all.
    let (fetched, to_read) = mpsc::channel(1);
    let (read, to_store) = mpsc::channel(1);
    let source = Arc::new(Source::of(&exchange.company, link.as_ref(), stream));
    let fetching = fetch_pages(exchange, partner, &link, stream, watermark.as_deref(), fetched);
    let reading = read_pages(exchange, &link, stream, to_read, read);
    let line = Line::new(exchange, &source, lease, steps);
    let storing = store_pages(partner, line, watermark.clone(), to_store);
    let work = async { tokio::join!(fetching, reading, storing) };
    let (fetched, all_read, (keys, stored)) = tokio::select! {
        biased;
        done = work => done,
        never = renew(exchange, lease) => match never {},
    };
    // What was stored is told also when the run broke off after it.
    let told = tell_stored(exchange, partner, &link, stream, &keys).await;
    // What could not be stored is the cause; a fetch that was cut off because of it is not.
    let report = stored?;
    all_read?;
    fetched?;
    Ok((report, told))
}

/// Keeps the lease while details are fetched: a page can take longer than the lease lasts.
async fn renew(exchange: &Exchange, lease: &Lease) -> std::convert::Infallible {
    loop {
        exchange.clock.sleep(exchange.pace.lease_renewal).await;
        let until = exchange.clock.now().plus_millis(millis(exchange.pace.lease));
        let (name, epoch) = (Arc::clone(&lease.name), lease.epoch);
        let renewed = exchange
            .store
            .write(Lane::Bulk, move |tx| tx.extend_lease(&name, epoch, until));
        if let Err(error) = renewed.await {
            // The next page notices that the lease is lost.
            tracing::warn!(lease = %lease.name, %error, "polling lease not renewed");
            std::future::pending::<()>().await;
        }
    }
}

/// Whether there was something to tell, and the partner has it. At least once: what it has not is listed again, and
/// told again then.
async fn tell_stored(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    link: &Arc<dyn PartnerLink>,
    stream: &StreamInfo,
    keys: &[serde_json::Value],
) -> bool {
    if keys.is_empty() || exchange.stopping() {
        return false;
    }
    let told = tokio::select! {
        biased;
        told = link.stored(&stream.name, keys) => told,
        () = exchange.stop.cancelled() => return false,
    };
    match told {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(
                partner = %partner.id, stream = stream.name, code = error.code, status = error.status, %error,
                "the partner could not be told what is stored: it is told at the next run"
            );
            false
        }
    }
}

async fn fetch_pages(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    link: &Arc<dyn PartnerLink>,
    stream: &StreamInfo,
    watermark: Option<&str>,
    pages: mpsc::Sender<Held<FetchedPage>>,
) -> Result<(), PollError> {
    let room = Arc::new(Semaphore::new(ROOM_KIB as usize));
    let mut held = None;
    let mut cursor = None;
    for _ in 0..exchange.pace.pages_per_run {
        // A large page is stored before the next one is fetched.
        drop(room.acquire_many(ROOM_KIB / 2).await);
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
        held = held.or(page.held.clone());
        if pages.send(Held::of(page, &room).await).await.is_err() {
            return Ok(());
        }
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    // The rest of the run is stored; what was missing in it is why the next run begins where this one did.
    held.map_or(Ok(()), |error| Err(PollError::Fetch(error)))
}

/// A page with its place in memory, which is free again when the page is stored.
struct Held<T> {
    page: T,
    room: Option<OwnedSemaphorePermit>,
}

impl Held<FetchedPage> {
    async fn of(page: FetchedPage, room: &Arc<Semaphore>) -> Self {
        let bytes: usize = page.items.iter().map(|item| item.bytes.len()).sum();
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX).min(ROOM_KIB);
        let room = Arc::clone(room).acquire_many_owned(kib).await;
        // It is never closed.
        Self { page, room: room.ok() }
    }
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
            biased;
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

fn chunks_at_once() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() - 1).clamp(1, CHUNKS_AT_ONCE))
}

async fn read_pages(
    exchange: &Arc<Exchange>,
    link: &Arc<dyn PartnerLink>,
    info: &StreamInfo,
    mut pages: mpsc::Receiver<Held<FetchedPage>>,
    read: mpsc::Sender<Held<ReadPage>>,
) -> Result<(), StoreError> {
    while let Some(Held { page, room }) = pages.recv().await {
        let chunks = chunks(page.items, |raw| raw.bytes.len());
        let mut reading = stream::iter(chunks)
            .map(|chunk| read_chunk(exchange, link, info, chunk))
            .buffered(chunks_at_once());
        let mut arrivals = Vec::new();
        while let Some(chunk) = reading.next().await {
            match chunk {
                Ok(chunk) => arrivals.extend(chunk),
                Err(error) => {
                    // The page is not stored, so nothing of it is lost: the next run fetches it again.
                    tracing::error!(partner = %link.id(), stream = info.name, %error, "reading a page broke off");
                    return Err(error);
                }
            }
        }
        let aside = page.set_aside.into_iter();
        arrivals.extend(aside.map(|aside| Arrival::aside(aside.raw, aside.error.into())));
        let page = ReadPage {
            arrivals,
            watermark: page.watermark,
            keys: page.keys,
        };
        if read.send(Held { page, room }).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn read_chunk(
    exchange: &Exchange,
    link: &Arc<dyn PartnerLink>,
    stream: &StreamInfo,
    chunk: Vec<RawItem>,
) -> impl Future<Output = Result<Vec<Arrival>, StoreError>> + Send {
    let (link, name) = (Arc::clone(link), stream.name.clone());
    exchange.aside(move || {
        // Large documents one after another: each takes a multiple of its size while it is read.
        let large = chunk.iter().any(|raw| raw.bytes.len() > LARGE_BYTES);
        let _alone = large.then(|| ALONE.lock().unwrap_or_else(PoisonError::into_inner));
        chunk
            .into_iter()
            .map(|raw| intake::read(link.as_ref(), &name, raw))
            .collect()
    })
}

async fn store_pages(
    partner: &Partner,
    mut line: Line<'_>,
    mut watermark: Option<String>,
    mut read: mpsc::Receiver<Held<ReadPage>>,
) -> (Vec<serde_json::Value>, Result<SyncReport, PollError>) {
    let mut report = SyncReport::default();
    let mut keys = Vec::new();
    let mut more = true;
    while more || !line.is_empty() {
        let written = tokio::select! {
            biased;
            page = read.recv(), if more && line.has_room() => {
                match page {
                    None => more = false,
                    // Mostly there is nothing new: nothing is written for that.
                    Some(Held { page, .. })
                        if page.arrivals.is_empty() && (page.watermark.is_none() || page.watermark == watermark) =>
                    {
                        report.pages += 1;
                    }
                    Some(Held { page, room }) => {
                        watermark.clone_from(&page.watermark);
                        line.put(page, room);
                    }
                }
                continue;
            }
            written = line.answered(), if !line.is_empty() => written,
        };
        match line.settle(written).await {
            Ok((one, stored)) => {
                report.add(&one);
                keys.extend(stored);
            }
            Err(error) => return (keys, Err(error.into())),
        }
    }
    if report.received > 0 {
        tracing::info!(
            partner = %partner.id, stream = line.source.stream.name, pages = report.pages, received = report.received,
            versions = report.versions, duplicates = report.duplicates, quarantined = report.quarantined,
            "polled"
        );
    }
    (keys, Ok(report))
}
