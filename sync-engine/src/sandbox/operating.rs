//! Answers over HTTP: taken, and looked up by their idempotency key.

use super::answers::Taken;
use super::compose::moment;
use super::server::{Shared, problem, state_error};
use super::world::read_operation;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

const MAX_KEY_BYTES: usize = 255;

pub(super) async fn operate(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let key = headers
        .get("idempotency-key")
        .and_then(|k| k.to_str().ok())
        .filter(|k| (1..=MAX_KEY_BYTES).contains(&k.len()));
    let Some(key) = key else {
        let message = "the header Idempotency-Key is missing, empty or longer than 255 characters";
        return problem(StatusCode::BAD_REQUEST, "KEY_MISSING", message);
    };
    let Ok(text) = std::str::from_utf8(&body) else {
        return problem(StatusCode::BAD_REQUEST, "NOT_JSON", "the body is not UTF-8");
    };
    let now = shared.now();
    let mut world = shared.world();
    if let Err(error) = world.settle(now) {
        return state_error(&error);
    }
    if let Some(again) = world.replay(key, text) {
        return outcome(&again);
    }
    let value = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => value,
        Err(error) => return problem(StatusCode::BAD_REQUEST, "NOT_JSON", &error.to_string()),
    };
    let errors: Vec<(String, String)> = shared
        .operation_schema
        .iter_errors(&value)
        .map(|e| (e.instance_path().to_string(), e.to_string()))
        .collect();
    let operation = if errors.is_empty() { read_operation(text) } else { None };
    let taken = match operation {
        Some(operation) => world.take(key, text, &operation, now),
        None => Ok(Taken::Invalid(errors)),
    };
    match taken {
        Ok(taken) => {
            world.counts.invalid += u64::from(matches!(taken, Taken::Invalid(_)));
            outcome(&taken)
        }
        Err(error) => state_error(&error),
    }
}

fn outcome(taken: &Taken) -> Response {
    match taken {
        Taken::Accepted {
            operation_id,
            document_id,
        } => {
            let mut answer = json!({ "operationId": operation_id, "status": "RECEIVED" });
            if let Some(id) = document_id {
                answer["documentId"] = json!(id);
            }
            (StatusCode::ACCEPTED, Json(answer)).into_response()
        }
        Taken::KeyReused => problem(
            StatusCode::CONFLICT,
            "KEY_REUSED",
            "this idempotency key was used with another body",
        ),
        Taken::Unknown { what, number } => problem(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            &format!("there is no {what} {number}"),
        ),
        Taken::Superseded { current } => {
            let message = format!("version {current} is the current one; answer that");
            let answer = json!({ "code": "SUPERSEDED", "message": message, "currentVersion": current });
            (StatusCode::CONFLICT, Json(answer)).into_response()
        }
        Taken::Invalid(errors) => {
            let errors: Vec<_> = errors
                .iter()
                .map(|(pointer, message)| json!({ "pointer": pointer, "message": message }))
                .collect();
            let answer = json!({ "code": "INVALID", "errors": errors });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(answer)).into_response()
        }
    }
}

pub(super) async fn operation(State(shared): State<Arc<Shared>>, Path(key): Path<String>) -> Response {
    let found = shared.settled(|world| {
        let recorded = world.operations.get(&key)?;
        let document_id = world.document_id(&recorded.operation);
        let mut answer = json!({ "operationId": recorded.operation_id, "status": recorded.status() });
        if let Some(id) = document_id {
            answer["documentId"] = json!(id);
        }
        match &recorded.applied {
            Some((at, None)) => answer["appliedAt"] = json!(moment(*at)),
            Some((_, Some(error))) => answer["error"] = json!({ "code": "SUPERSEDED", "message": error }),
            None => {}
        }
        Some(answer)
    });
    match found {
        Ok(Some(answer)) => Json(answer).into_response(),
        Ok(None) => problem(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            &format!("no operation with the key {key} was taken"),
        ),
        Err(refusal) => *refusal,
    }
}
