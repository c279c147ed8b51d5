//! The work list with many documents in the store.

use crate::Outcome;
use crate::measure::{cpu_us, percentiles, status_mb};
use crate::setup::{company, engine, ingest};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use sync_engine::store::{DocumentQuery, DocumentView};

const PAGE: u32 = 50;
const LOOKS: u32 = 2000;

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

/// The first page of the work list, read and written as the JSON that a screen gets.
pub async fn measure(dir: &Path, base_url: &str) -> Outcome {
    let engine = engine(dir, base_url).await?;
    let query = DocumentQuery {
        company: company(),
        view: DocumentView::NeedsAnswer,
        partner: None,
        kind: None,
        state: None,
        search: None,
        cursor: None,
        limit: PAGE,
    };
    let look = || -> Result<usize, crate::Error> {
        let page = engine.store().list_documents(&query)?;
        Ok(serde_json::to_vec(&page)?.len())
    };
    let bytes = look()?;
    let cpu = cpu_us();
    let mut samples = Vec::new();
    for _ in 0..LOOKS {
        let start = Instant::now();
        look()?;
        samples.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let cpu = (cpu_us() - cpu) / f64::from(LOOKS);
    let (p50, p99) = percentiles(samples);
    let documents = engine.store().counters(&company())?.documents;
    println!(
        "{}",
        json!({ "what": "list", "documents": documents, "p50_us": p50, "p99_us": p99, "cpu_us_per": cpu,
                "bytes": bytes, "rss_mb": status_mb("VmRSS:") })
    );
    engine.stop(Duration::from_secs(5)).await;
    Ok(())
}
