//! The control side: issuing documents, setting faults, looking at everything. Without a token; loopback only.

use super::faults::Fault;
use super::options::OrderSpec;
use super::sales::Mood;
use super::server::{Shared, problem};
use super::{Issued, SandboxError};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Documents issued by one request.
const MAX_COUNT: u32 = 10_000;

pub(super) fn issue_orders(shared: &Shared, spec: &OrderSpec) -> Result<Vec<Issued>, SandboxError> {
    let now = shared.now();
    let mut world = shared.world();
    (0..spec.count.unwrap_or(1).min(MAX_COUNT))
        .map(|_| {
            let order = world
                .issue_order(spec.language.as_deref(), spec.currency.as_deref(), spec.lines, now)
                .map_err(SandboxError::State)?;
            Ok(Issued {
                number: order.po_number,
                version: order.version,
            })
        })
        .collect()
}

pub(super) fn issue_notes(shared: &Shared, spec: &OrderSpec) -> Result<Vec<Issued>, SandboxError> {
    let now = shared.now();
    let mut world = shared.world();
    (0..spec.count.unwrap_or(1).min(MAX_COUNT))
        .map(|_| {
            let note = world
                .issue_note(spec.language.as_deref(), spec.lines, now)
                .map_err(SandboxError::State)?;
            Ok(Issued {
                number: note.note_number,
                version: note.version,
            })
        })
        .collect()
}

pub(super) fn change_order(shared: &Shared, number: &str) -> Result<Issued, SandboxError> {
    let changed = shared.world().change_order(number, shared.now());
    issued(changed, number)
}

pub(super) fn cancel_order(shared: &Shared, number: &str) -> Result<Issued, SandboxError> {
    let cancelled = shared.world().cancel_order(number, shared.now());
    issued(cancelled, number)
}

fn issued(order: std::io::Result<Option<super::wire::PurchaseOrder>>, number: &str) -> Result<Issued, SandboxError> {
    let order = order
        .map_err(SandboxError::State)?
        .ok_or_else(|| SandboxError::NotFound(format!("purchase order {number}")))?;
    Ok(Issued {
        number: order.po_number,
        version: order.version,
    })
}

fn answer<T: serde::Serialize>(result: Result<T, SandboxError>) -> Response {
    match result {
        Ok(value) => (StatusCode::CREATED, Json(value)).into_response(),
        Err(error @ SandboxError::NotFound(_)) => problem(StatusCode::NOT_FOUND, "NOT_FOUND", &error.to_string()),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "STATE", &error.to_string()),
    }
}

/// An empty body stands for `{}`. Through `Value`, since numbers are read exactly.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Box<Response>> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice::<serde_json::Value>(body)
        .and_then(serde_json::from_value)
        .map_err(|e| Box::new(problem(StatusCode::BAD_REQUEST, "BAD_REQUEST", &e.to_string())))
}

pub(super) async fn post_orders(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    match read::<OrderSpec>(&body) {
        Ok(spec) => answer(issue_orders(&shared, &spec)),
        Err(refusal) => *refusal,
    }
}

pub(super) async fn post_notes(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    match read::<OrderSpec>(&body) {
        Ok(spec) => answer(issue_notes(&shared, &spec)),
        Err(refusal) => *refusal,
    }
}

pub(super) async fn post_change(State(shared): State<Arc<Shared>>, Path(number): Path<String>) -> Response {
    answer(change_order(&shared, &number))
}

pub(super) async fn post_cancel(State(shared): State<Arc<Shared>>, Path(number): Path<String>) -> Response {
    answer(cancel_order(&shared, &number))
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
struct MoodList {
    moods: Vec<Mood>,
}

/// How the next documents that are issued to the sandbox are answered.
pub(super) async fn post_moods(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    match read::<MoodList>(&body) {
        Ok(list) => {
            shared.world().sales.moods.extend(list.moods.iter().copied());
            Json(list).into_response()
        }
        Err(refusal) => *refusal,
    }
}

pub(super) async fn post_deliver(State(shared): State<Arc<Shared>>, Path(number): Path<String>) -> Response {
    answer(deliver(&shared, &number))
}

/// A delivery note for an order that was issued to the sandbox.
pub(super) fn deliver(shared: &Shared, number: &str) -> Result<String, SandboxError> {
    let now = shared.now();
    let note = shared.world().deliver(number, now).map_err(SandboxError::State)?;
    note.ok_or_else(|| SandboxError::NotFound(format!("order of yours with the number {number}")))
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
struct FaultList {
    faults: Vec<Fault>,
}

pub(super) async fn get_faults(State(shared): State<Arc<Shared>>) -> Response {
    let faults = shared.faults().current().to_vec();
    Json(FaultList { faults }).into_response()
}

pub(super) async fn post_faults(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    match read::<FaultList>(&body) {
        Ok(list) => {
            shared.faults().replace(list.faults.clone());
            Json(list).into_response()
        }
        Err(refusal) => *refusal,
    }
}

pub(super) async fn get_state(State(shared): State<Arc<Shared>>) -> Response {
    let settled = shared.settled(|world| world.view());
    match settled {
        Ok(view) => Json(view).into_response(),
        Err(refusal) => *refusal,
    }
}
