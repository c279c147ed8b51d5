//! What the partner gives out: pages of its feeds, single documents, the answer applied last.

use super::compose::moment;
use super::faults::FaultKind;
use super::misbehave::PageFaults;
use super::server::{Shared, problem};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 1000;

#[derive(Deserialize)]
pub(super) struct Paging {
    after: Option<usize>,
    limit: Option<usize>,
}

pub(super) async fn orders(
    State(shared): State<Arc<Shared>>,
    Extension(faults): Extension<PageFaults>,
    Query(paging): Query<Paging>,
) -> Response {
    match shared.settled(|world| feed(&world.order_feed, &paging, &faults)) {
        Ok(page) => json_text(page),
        Err(refusal) => *refusal,
    }
}

pub(super) async fn notes(
    State(shared): State<Arc<Shared>>,
    Extension(faults): Extension<PageFaults>,
    Query(paging): Query<Paging>,
) -> Response {
    match shared.settled(|world| feed(&world.note_feed, &paging, &faults)) {
        Ok(page) => json_text(page),
        Err(refusal) => *refusal,
    }
}

/// The sandbox's answers to orders that were issued to it.
pub(super) async fn answers(
    State(shared): State<Arc<Shared>>,
    Extension(faults): Extension<PageFaults>,
    Query(paging): Query<Paging>,
) -> Response {
    match shared.settled(|world| feed(&world.sales.answers, &paging, &faults)) {
        Ok(page) => json_text(page),
        Err(refusal) => *refusal,
    }
}

/// What it received of delivery notes that were issued to it.
pub(super) async fn receipts(
    State(shared): State<Arc<Shared>>,
    Extension(faults): Extension<PageFaults>,
    Query(paging): Query<Paging>,
) -> Response {
    match shared.settled(|world| feed(&world.sales.receipts, &paging, &faults)) {
        Ok(page) => json_text(page),
        Err(refusal) => *refusal,
    }
}

fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn feed(all: &[Arc<str>], paging: &Paging, faults: &PageFaults) -> String {
    let struck = |kind: FaultKind| faults.0.contains(&kind);
    let after = paging.after.unwrap_or(0);
    let limit = paging.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let mut items: Vec<Arc<str>> = all.iter().skip(after).take(limit).cloned().collect();
    let mut next = after + items.len();
    if struck(FaultKind::EndlessPage) && items.is_empty() {
        items = all.iter().rev().take(limit).cloned().collect();
        next = after + 1;
    }
    if struck(FaultKind::WrongSchema)
        && let Some(first) = items.first_mut()
    {
        *first = spoiled(first);
    }
    if struck(FaultKind::Duplicated) {
        items = items.iter().flat_map(|item| [item.clone(), item.clone()]).collect();
    }
    if struck(FaultKind::Reordered) {
        items.reverse();
    }
    format!("{{\"items\":[{}],\"next\":{next}}}", items.join(","))
}

/// The item with mistakes that its schema does not allow: a version of text, and no lines.
fn spoiled(item: &str) -> Arc<str> {
    let mut value: serde_json::Value = serde_json::from_str(item).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("version".into(), json!("first"));
        object.remove("lines");
    }
    value.to_string().into()
}

pub(super) async fn order(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Response {
    let newest = shared.settled(|world| {
        let chain = world.orders.get(&number)?;
        world.order_feed.get(chain.sequences.last()?.checked_sub(1)?).cloned()
    });
    match newest {
        Ok(newest) => document(newest, &number, &headers),
        Err(refusal) => *refusal,
    }
}

pub(super) async fn note(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Response {
    let newest = shared.settled(|world| {
        let newest = world.notes.get(&number)?.versions.last()?;
        serde_json::to_string(newest).ok().map(Arc::from)
    });
    match newest {
        Ok(newest) => document(newest, &number, &headers),
        Err(refusal) => *refusal,
    }
}

fn document(text: Option<Arc<str>>, number: &str, headers: &HeaderMap) -> Response {
    use sha2::Digest;
    let Some(text) = text else {
        return problem(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            &format!("there is no document {number}"),
        );
    };
    let hash = sha2::Sha256::digest(text.as_bytes());
    let tag: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
    let tag = format!("\"{tag}\"");
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|t| t.as_bytes() == tag.as_bytes())
    {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    ([(header::ETAG, tag)], json_text(text.as_ref().to_owned())).into_response()
}

/// The answer applied last.
pub(super) async fn response(State(shared): State<Arc<Shared>>, Path(number): Path<String>) -> Response {
    let applied = shared.settled(|world| {
        let key = world.orders.get(&number)?.response.as_ref()?;
        let recorded = world.operations.get(key)?;
        let (at, _) = recorded.applied.as_ref()?;
        Some(json!({
            "poNumber": number,
            "version": recorded.operation.version,
            "status": recorded.operation.operation.applied_status(),
            "operationId": recorded.operation_id,
            "appliedAt": moment(*at),
            "lines": recorded.operation.lines,
        }))
    });
    match applied {
        Ok(Some(applied)) => Json(applied).into_response(),
        Ok(None) => {
            let message = format!("no answer to purchase order {number} has been applied");
            problem(StatusCode::NOT_FOUND, "NOT_FOUND", &message)
        }
        Err(refusal) => *refusal,
    }
}
