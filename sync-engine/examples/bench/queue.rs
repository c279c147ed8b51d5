//! The queue alone: operations to a partner who takes them without a request leaving; and how soon the first one
//! leaves after a restart.

use crate::exchange::{answer_all, waiting};
use crate::measure::Stopwatch;
use crate::setup::{OneSecret, company, engine, ingest, options, write_partner};
use crate::{Error, Outcome};
use bytes::Bytes;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use sync_engine::clock::SystemClock;
use sync_engine::domain::{PartnerId, PartnerRules, Progress};
use sync_engine::engine::{Engine, Parts};
use sync_engine::exchange::Load;
use sync_engine::partner::{
    FetchError, FetchedPage, Intake, IntakeError, Later, LinesLeft, OutboundKind, PageCursor, PartnerLink, PushCall,
    PushRefusal, Pushed, RenderInput, RenderedRequest, SendResult, StreamInfo, Verdict, load_file,
};
use sync_engine::store::SqliteStore;
use tokio::sync::Notify;

const LIMIT: Duration = Duration::from_secs(600);
const AT_ONCE: usize = 2_000;
/// So many are in flight when the engine before it ends without a word.
const LEFT_IN_FLIGHT: u64 = 32;

/// Saves an answer to each of `count` orders and sends nothing. What is there from an earlier run stays.
pub async fn fill(dir: &Path, base_url: &str, count: u64) -> Outcome {
    let engine = engine(dir, base_url).await?;
    let count = i64::try_from(count)?;
    ingest(&engine, count).await?;
    loop {
        // Some of an earlier run may be in flight, or were when it ended.
        let there = engine.store().counters(&company())?;
        let left = count - (there.queued + there.sending + there.retrying + there.unknown);
        if left <= 0 {
            break;
        }
        let some = waiting(&engine, usize::try_from(left)?.min(AT_ONCE))?;
        if some.is_empty() {
            return Err("there are fewer orders than answers asked for".into());
        }
        answer_all(&engine, &some).await?;
    }
    engine.stop(Duration::from_secs(60)).await;
    Ok(())
}

/// `count` operations claimed, taken by nobody and ended, 32 at once.
pub async fn measure(dir: &Path, base_url: &str, count: u64) -> Outcome {
    fill(dir, base_url, count).await?;
    let seen = Arc::new(Seen::default());
    let engine = silent_engine(dir, base_url, &seen, false, true).await?;
    let watch = Stopwatch::start();
    engine.drain(LIMIT).await?;
    let measured = watch.stop("queue", count);
    if seen.sent.load(Relaxed) != count {
        return Err(format!("{} of {count} operations were sent", seen.sent.load(Relaxed)).into());
    }
    println!("{measured}");
    engine.stop(Duration::from_secs(5)).await;
    Ok(())
}

/// An engine that begins to deliver and ends as if its process was killed, with requests in flight.
pub async fn abandon(dir: &Path, base_url: &str) -> Outcome {
    let seen = Arc::new(Seen::default());
    let _engine = silent_engine(dir, base_url, &seen, true, false).await?;
    while seen.sent.load(Relaxed) < LEFT_IN_FLIGHT {
        seen.again.notified().await;
    }
    std::process::abort();
}

/// From the start of the program until the first operation is on its way, milliseconds; ends like `abandon`.
pub async fn recover(dir: &Path, base_url: &str, begun: Instant) -> Outcome {
    let seen = Arc::new(Seen::default());
    let engine = silent_engine(dir, base_url, &seen, true, false).await?;
    while seen.sent.load(Relaxed) == 0 {
        seen.again.notified().await;
    }
    let took = begun.elapsed();
    let queued = engine.store().counters(&company())?.queued;
    println!(
        "{}",
        json!({ "what": "recover", "n": queued, "ms": took.as_secs_f64() * 1e3 })
    );
    std::process::exit(0);
}

#[derive(Default)]
struct Seen {
    sent: AtomicU64,
    again: Notify,
}

/// The sandbox partner's configuration, with nobody behind it. Not `answering`, a request stays in flight for ever.
async fn silent_engine(
    dir: &Path,
    base_url: &str,
    seen: &Arc<Seen>,
    background: bool,
    answering: bool,
) -> Result<Engine, Error> {
    let partners = dir.join("partners");
    std::fs::create_dir_all(&partners)?;
    write_partner(&partners, base_url)?;
    let store = SqliteStore::open(dir.join("countersign.db"))?;
    let seen = Arc::clone(seen);
    let load: Box<Load> = Box::new(move |path| {
        let config = load_file(path).map_err(|e| vec![format!("{e:?}")])?;
        let real = config
            .connect(Arc::new(OneSecret), Arc::new(SystemClock))
            .map_err(|e| vec![e])?;
        Ok(Arc::new(Silent {
            real: Box::new(real),
            seen: Arc::clone(&seen),
            answering,
        }))
    });
    let parts = Parts {
        store: Arc::new(store),
        load,
        watched: false,
    };
    Ok(Engine::start_with(options(dir, background), parts).await?)
}

struct Silent {
    real: Box<dyn PartnerLink>,
    seen: Arc<Seen>,
    answering: bool,
}

impl PartnerLink for Silent {
    fn id(&self) -> &PartnerId {
        self.real.id()
    }
    fn name(&self) -> &str {
        self.real.name()
    }
    fn rules(&self) -> &PartnerRules {
        self.real.rules()
    }
    /// Nothing is polled.
    fn streams(&self) -> &[StreamInfo] {
        &[]
    }
    fn operations(&self) -> &[OutboundKind] {
        self.real.operations()
    }
    fn fingerprint(&self) -> &str {
        self.real.fingerprint()
    }
    fn concurrency(&self) -> usize {
        self.real.concurrency()
    }
    fn honours_idempotency_key(&self) -> bool {
        true
    }
    fn can_look_up(&self, _kind: OutboundKind, _progress: &Progress) -> bool {
        false
    }
    fn fetch<'a>(
        &'a self,
        stream: &'a str,
        watermark: Option<&'a str>,
        cursor: Option<&'a PageCursor>,
    ) -> Later<'a, Result<FetchedPage, FetchError>> {
        self.real.fetch(stream, watermark, cursor)
    }
    fn pushed(&self, stream: &str, call: &PushCall<'_>) -> Result<Pushed, PushRefusal> {
        self.real.pushed(stream, call)
    }
    fn complete<'a>(&'a self, stream: &'a str, stubs: Vec<Bytes>) -> Later<'a, Result<FetchedPage, FetchError>> {
        self.real.complete(stream, stubs)
    }
    fn stored<'a>(&'a self, stream: &'a str, keys: &'a [serde_json::Value]) -> Later<'a, Result<(), FetchError>> {
        self.real.stored(stream, keys)
    }
    fn intake(&self, stream: &str, raw: &[u8]) -> Result<Intake, IntakeError> {
        self.real.intake(stream, raw)
    }
    fn render(&self, input: &RenderInput<'_>) -> Result<RenderedRequest, IntakeError> {
        self.real.render(input)
    }
    fn send<'a>(
        &'a self,
        _kind: OutboundKind,
        _operation_id: uuid::Uuid,
        _progress: &'a Progress,
        _request: &'a RenderedRequest,
    ) -> Later<'a, SendResult> {
        self.seen.sent.fetch_add(1, Relaxed);
        self.seen.again.notify_one();
        match self.answering {
            true => Box::pin(std::future::ready(taken())),
            false => Box::pin(std::future::pending()),
        }
    }
    fn lookup<'a>(&'a self, _: &'a RenderInput<'a>, _: Option<&'a serde_json::Value>) -> Later<'a, SendResult> {
        Box::pin(std::future::ready(taken()))
    }
    fn verify<'a>(&'a self, _: &'a RenderInput<'a>, _: Option<&'a serde_json::Value>) -> Later<'a, SendResult> {
        Box::pin(std::future::ready(taken()))
    }
}

fn taken() -> SendResult {
    SendResult {
        verdict: Verdict::Taken { verify_after: None },
        status: Some(200),
        receipt: None,
        message: None,
        excerpt: None,
        lines: LinesLeft::default(),
    }
}
