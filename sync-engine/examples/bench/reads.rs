//! What a screen reads, with few and with many documents in the store.

use crate::measure::{percentiles, thread_cpu_us};
use crate::setup::{company, engine, ingest, partner};
use crate::{Error, Outcome};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use sync_engine::domain::{CanonicalDocument, ChainState, DocumentId, DocumentKind};
use sync_engine::engine::Engine;
use sync_engine::store::{DocumentQuery, DocumentView, Store};

const PAGE: u32 = 50;
const LOOKS: u32 = 1000;
/// In every third line of the fixtures or so.
const COMMON: &str = "steel";

/// Takes in `count` orders, unless they are there from an earlier run.
pub async fn fill(dir: &Path, base_url: &str, count: u64) -> Outcome {
    let engine = engine(dir, base_url).await?;
    let count = i64::try_from(count)?;
    if engine.store().counters(&company())?.documents < count {
        ingest(&engine, count).await?;
    }
    engine.stop(Duration::from_secs(30)).await;
    Ok(())
}

/// Each read as the screen makes it, up to the JSON that it gets: p50 and p99, wall and CPU, microseconds.
pub async fn measure(dir: &Path, base_url: &str) -> Outcome {
    let engine = engine(dir, base_url).await?;
    let reader = engine.clone();
    let line = tokio::task::spawn_blocking(move || reads(&reader)).await??;
    println!("{line}");
    engine.stop(Duration::from_secs(5)).await;
    Ok(())
}

fn reads(engine: &Engine) -> Result<Value, Error> {
    let store = engine.store().as_ref();
    let documents = store.counters(&company())?.documents;
    // The same ids at every size and in every run, spread over the whole store.
    let id = |look: u32| DocumentId(i64::from(look).wrapping_mul(7_919_317) % documents + 1);
    let words: Vec<(String, String)> = (0..200)
        .map(|look| two_words(store, id(look)))
        .collect::<Result<_, _>>()?;
    let pair = |look: u32| &words[look as usize % words.len()];
    let mut next = None;
    Ok(json!({
        "what": "reads",
        "documents": documents,
        "list": looked(|_| page(store, &query(DocumentView::NeedsAnswer)).map(|_| ()))?,
        "next": looked(|_| {
            next = page(store, &DocumentQuery { cursor: next.take(), ..query(DocumentView::All) })?;
            Ok(())
        })?,
        "filter": looked(|_| {
            let filtered = DocumentQuery {
                partner: Some(partner()),
                kind: Some(DocumentKind::Order),
                state: Some(ChainState::Issued),
                ..query(DocumentView::All)
            };
            page(store, &filtered).map(|_| ())
        })?,
        "number": looked(|look| search(store, format!("PO-{:08}", id(look).0)))?,
        "words": looked(|look| search(store, format!("{} {}", pair(look).0, pair(look).1)))?,
        "common": looked(|_| search(store, COMMON.to_owned()))?,
        "open": looked(|look| open(store, id(look)))?,
        "counts": looked(|_| {
            serde_json::to_vec(&store.counters(&company())?)?;
            Ok(())
        })?,
    }))
}

fn query(view: DocumentView) -> DocumentQuery {
    DocumentQuery {
        company: company(),
        view,
        partner: None,
        kind: None,
        state: None,
        doubtful: false,
        search: None,
        cursor: None,
        limit: PAGE,
    }
}

/// One page, and where the next one begins.
fn page(store: &dyn Store, query: &DocumentQuery) -> Result<Option<String>, Error> {
    let page = store.list_documents(query)?;
    serde_json::to_vec(&page)?;
    Ok(page.next)
}

fn search(store: &dyn Store, words: String) -> Outcome {
    let searched = DocumentQuery {
        search: Some(words),
        ..query(DocumentView::All)
    };
    let found = store.list_documents(&searched)?;
    if found.items.is_empty() {
        return Err(format!("nothing was found for {:?}", searched.search).into());
    }
    serde_json::to_vec(&found)?;
    Ok(())
}

/// What the document's screen asks for first.
fn open(store: &dyn Store, id: DocumentId) -> Outcome {
    let row = store.document(id)?.ok_or("a document is gone")?;
    let versions = store.versions(id)?;
    let last = versions.last().ok_or("a document without a version")?;
    let content = store
        .version_content(id, last.number)?
        .ok_or("a version without content")?;
    let history = store.history(id, None, PAGE)?;
    serde_json::to_vec(&(row, versions, content.canonical, history))?;
    Ok(())
}

/// Two words of one line of the document.
fn two_words(store: &dyn Store, id: DocumentId) -> Result<(String, String), Error> {
    let versions = store.versions(id)?;
    let number = versions.last().ok_or("a document without a version")?.number;
    let content = store.version_content(id, number)?.ok_or("a version without content")?;
    let CanonicalDocument::Order(order) = content.document()? else {
        return Err("the stub has only orders".into());
    };
    let line = order.lines.first().ok_or("an order without lines")?;
    let text = line.item.description.as_deref().unwrap_or_default();
    let mut words = text.split_whitespace().map(str::to_owned);
    Ok((
        words.next().ok_or("a line without words")?,
        words.next_back().ok_or("a line of one word")?,
    ))
}

fn looked(mut look: impl FnMut(u32) -> Outcome) -> Result<Value, Error> {
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    // The first one compiles the statements.
    look(0)?;
    for number in 0..LOOKS {
        let (begun, used) = (Instant::now(), thread_cpu_us());
        look(number)?;
        cpu.push(thread_cpu_us() - used);
        wall.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    let ((p50_us, p99_us), (cpu_p50_us, cpu_p99_us)) = (percentiles(wall), percentiles(cpu));
    Ok(json!({ "p50_us": p50_us, "p99_us": p99_us, "cpu_p50_us": cpu_p50_us, "cpu_p99_us": cpu_p99_us }))
}
