//! One order as a PDF.

use crate::Outcome;
use crate::measure::Stopwatch;
use crate::setup::engine;
use std::path::Path;
use std::time::{Duration, Instant};
use sync_engine::domain::{CanonicalDocument, Timestamp};
use sync_engine::print::{Letterhead, PrintInput, render_pdf};
use sync_engine::store::{DocumentQuery, DocumentView};

/// Draws the first order of the stub for `seconds`. `out` keeps the last page drawn.
pub async fn measure(dir: &Path, base_url: &str, seconds: f64, out: Option<&Path>) -> Outcome {
    let engine = engine(dir, base_url).await?;
    crate::setup::ingest(&engine, 1).await?;
    let query = DocumentQuery {
        company: crate::setup::company(),
        view: DocumentView::All,
        partner: None,
        kind: None,
        state: None,
        doubtful: false,
        search: None,
        cursor: None,
        limit: 1,
    };
    let row = engine
        .store()
        .list_documents(&query)?
        .items
        .pop()
        .ok_or("the store is empty")?;
    let content = engine
        .store()
        .version_content(row.id, row.current)?
        .ok_or("the version has no content")?;
    let document: CanonicalDocument = content.document()?;
    let letterhead = Letterhead::default();
    let input = PrintInput {
        letterhead: &letterhead,
        document: &document,
        answer: None,
        version: 1,
        changes: None,
        printed_at: Timestamp(0),
    };
    let started = Instant::now();
    let mut bytes = render_pdf(&input)?;
    let first_ms = started.elapsed().as_secs_f64() * 1e3;
    let watch = Stopwatch::start();
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let mut count = 0;
    while Instant::now() < until {
        bytes = render_pdf(&input)?;
        count += 1;
    }
    let mut measured = watch.stop("pdf", count);
    measured["bytes"] = bytes.len().into();
    measured["first_ms"] = first_ms.into();
    measured["lines"] = row.line_count.into();
    if let Some(out) = out {
        std::fs::write(out, &bytes)?;
    }
    println!("{measured}");
    engine.stop(Duration::from_secs(5)).await;
    Ok(())
}
