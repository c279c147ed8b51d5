//! Calls of partners: `POST /hooks/{partner}/{stream}`, on an address of its own. No token and no screens there: a call
//! shows by its signature that it is the partner's.

use crate::engine::{Call, Engine, PushError};
use crate::partner::PushRefusal;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Largest body of a call.
pub const MAX_CALL_BYTES: usize = 10 * 1024 * 1024;
/// Calls that are worked on at once; others are asked to come again.
const MAX_CALLS: usize = 8;
/// How long a caller may take to send its body.
const BODY_TIME: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Hooks {
    engine: Engine,
    places: Arc<Semaphore>,
}

/// The route for partners alone.
pub fn router(engine: Engine) -> Router {
    let hooks = Hooks {
        engine,
        places: Arc::new(Semaphore::new(MAX_CALLS)),
    };
    Router::new()
        .route("/hooks/{partner}/{stream}", post(called))
        .with_state(hooks)
}

async fn called(
    State(hooks): State<Hooks>,
    Path((partner, stream)): Path<(String, String)>,
    request: Request,
) -> Response {
    let Ok(_place) = hooks.places.try_acquire() else {
        return later("too many calls at once");
    };
    let (parts, body) = request.into_parts();
    let body = match tokio::time::timeout(BODY_TIME, to_bytes(body, MAX_CALL_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            return plain(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body cannot be read, or is too large",
            );
        }
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    };
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let call = Call {
        partner: &partner,
        stream: &stream,
        headers: &headers,
        path: parts.uri.path(),
        body: &body,
    };
    match hooks.engine.take_call(&call).await {
        Ok(_) => StatusCode::ACCEPTED.into_response(),
        Err(error) => refused(&partner, &stream, &error),
    }
}

/// What the caller is told is little: who is no partner learns nothing here.
fn refused(partner: &str, stream: &str, error: &PushError) -> Response {
    tracing::warn!(partner, stream, %error, "a call was not taken");
    match error {
        PushError::Unknown | PushError::Refused(PushRefusal::NotConfigured) => {
            plain(StatusCode::NOT_FOUND, "no calls are taken here")
        }
        PushError::Refused(PushRefusal::Forged) => plain(StatusCode::UNAUTHORIZED, "the signature does not hold"),
        PushError::Refused(PushRefusal::Stale) => plain(
            StatusCode::UNAUTHORIZED,
            "the time of the call is missing, or too far from now",
        ),
        PushError::Refused(PushRefusal::Unreadable(reason)) => plain(StatusCode::BAD_REQUEST, reason),
        PushError::Refused(PushRefusal::Secret(_)) | PushError::Fetch(_) | PushError::Store(_) | PushError::Shut => {
            later("it cannot be taken now")
        }
    }
}

fn plain(status: StatusCode, words: &str) -> Response {
    (status, words.to_owned()).into_response()
}

fn later(words: &'static str) -> Response {
    let mut response = Response::new(Body::from(words));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, header::HeaderValue::from_static("30"));
    response
}
