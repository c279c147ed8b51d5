//! Pages in, answers out, and one answer saved while nothing or something else goes on.

use crate::measure::{Stopwatch, percentiles};
use crate::setup::{company, engine, ingest};
use crate::{Error, Outcome};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use sync_engine::domain::{DocumentId, HeaderAnswer, OrderResponse, VersionNumber};
use sync_engine::engine::Engine;
use sync_engine::store::{DocumentQuery, DocumentView};

const ACTOR: &str = "user:bench";
const DRAIN_LIMIT: Duration = Duration::from_secs(600);

/// `count` orders from the stub into an empty store.
pub async fn measure_ingest(dir: &Path, base_url: &str, count: u64) -> Outcome {
    let engine = engine(dir, base_url).await?;
    let watch = Stopwatch::start();
    ingest(&engine, i64::try_from(count)?).await?;
    println!("{}", watch.stop("ingest", count));
    engine.stop(Duration::from_secs(5)).await;
    Ok(())
}

/// `count` confirmations to the stub, 32 in flight. Taking in and answering the orders is not measured.
pub async fn measure_drain(dir: &Path, base_url: &str, count: u64) -> Outcome {
    let engine = engine(dir, base_url).await?;
    ingest(&engine, i64::try_from(count)?).await?;
    answer_all(&engine, &waiting(&engine, usize::try_from(count)?)?).await?;
    let watch = Stopwatch::start();
    engine.drain(DRAIN_LIMIT).await?;
    let measured = watch.stop("drain", count);
    std::fs::write(dir.join("body.json"), sent_body(dir)?)?;
    let counters = engine.store().counters(&company())?;
    if counters.delivered + counters.applied != i64::try_from(count)? {
        return Err(format!("not everything was delivered: {counters:?}").into());
    }
    println!("{measured}");
    engine.stop(Duration::from_secs(5)).await;
    Ok(())
}

/// A confirmation of each, many at once, so that the writer can group them.
pub async fn answer_all(engine: &Engine, documents: &[DocumentId]) -> Outcome {
    for some in documents.chunks(256) {
        let saved = some.iter().map(|document| {
            let (engine, document) = (engine.clone(), *document);
            tokio::spawn(async move { confirm(&engine, document).await })
        });
        for result in futures_util::future::join_all(saved).await {
            result??;
        }
    }
    Ok(())
}

/// What one of the operations sent, for the baseline to send the same.
fn sent_body(dir: &Path) -> Result<Vec<u8>, Error> {
    let db = rusqlite::Connection::open(dir.join("countersign.db"))?;
    Ok(db.query_row("SELECT body FROM request LIMIT 1", [], |row| row.get(0))?)
}

async fn confirm(engine: &Engine, document: DocumentId) -> Result<(), Error> {
    let answer = OrderResponse {
        code: HeaderAnswer::AP,
        reason: None,
        note: None,
        lines: Vec::new(),
    };
    engine.answer_order(document, VersionNumber(1), answer, ACTOR).await?;
    Ok(())
}

/// At most `count` orders that need an answer.
pub fn waiting(engine: &Engine, count: usize) -> Result<Vec<DocumentId>, Error> {
    let mut found = Vec::new();
    let mut cursor = None;
    while found.len() < count {
        let query = DocumentQuery {
            company: company(),
            view: DocumentView::NeedsAnswer,
            partner: None,
            kind: None,
            state: None,
            doubtful: false,
            search: None,
            cursor,
            limit: 200,
        };
        let page = engine.store().list_documents(&query)?;
        found.extend(page.items.iter().map(|row| row.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    found.truncate(count);
    Ok(found)
}

/// One answer saved, against one row committed in a database beside it, in turn; then the same while pages come in.
pub async fn measure_enqueue(dir: &Path, base_url: &str, count: u64) -> Outcome {
    let engine = engine(dir, base_url).await?;
    let count = usize::try_from(count)?;
    ingest(&engine, i64::try_from(count * 2)?).await?;
    let documents = waiting(&engine, count * 2)?;
    let (quiet, busy) = documents.split_at(documents.len() / 2);
    let bare = Bare::open(&dir.join("bare.db"))?;

    let alone = in_turn(&engine, &bare, quiet).await?;
    let background = tokio::spawn({
        let engine = engine.clone();
        async move { ingest(&engine, i64::MAX).await }
    });
    let during = in_turn(&engine, &bare, busy).await?;
    let still_busy = !background.is_finished();
    background.abort();
    let row = |(ours, bare): (Vec<f64>, Vec<f64>)| {
        let ((p50, p99), (bare_p50, bare_p99)) = (percentiles(ours), percentiles(bare));
        json!({ "p50_us": p50, "p99_us": p99, "bare_p50_us": bare_p50, "bare_p99_us": bare_p99 })
    };
    let (alone, during) = (row(alone), row(during));
    println!(
        "{}",
        json!({ "what": "enqueue", "n": count, "quiet": alone, "ingesting": during, "busy": still_busy })
    );
    engine.stop(Duration::from_secs(5)).await;
    Ok(())
}

async fn in_turn(engine: &Engine, bare: &Bare, documents: &[DocumentId]) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for document in documents {
        let start = Instant::now();
        confirm(engine, *document).await?;
        ours.push(start.elapsed().as_secs_f64() * 1e6);
        let start = Instant::now();
        bare.commit()?;
        theirs.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok((ours, theirs))
}

/// What the disk and SQLite alone cost: one row, one durable commit.
struct Bare(rusqlite::Connection);

impl Bare {
    fn open(path: &Path) -> Result<Self, Error> {
        let db = rusqlite::Connection::open(path)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.execute_batch("CREATE TABLE IF NOT EXISTS row(id INTEGER PRIMARY KEY, body TEXT NOT NULL)")?;
        Ok(Self(db))
    }

    fn commit(&self) -> Result<(), Error> {
        self.0
            .prepare_cached("INSERT INTO row(body) VALUES (?1)")?
            .execute(["one durable row of about a hundred bytes, which is what a job without its payload comes to"])?;
        Ok(())
    }
}
