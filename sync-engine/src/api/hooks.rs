//! Calls of partners: `POST /hooks/{partner}/{stream}`, on an address of its own. No token and no screens there: a call
//! shows by its signature that it is the partner's.
//!
//! Who has not signed holds up nobody: a head without a signature is answered at once, a body that comes slowly gives way
//! to those that come after it, and a place to work is taken only by a body that is here.

use super::bodies::Bodies;
use super::connections::{self, Connections, Peer};
use crate::engine::{Call, Engine, PushError};
use crate::partner::PushRefusal;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

/// Largest body of a call.
pub const MAX_CALL_BYTES: usize = 10 * 1024 * 1024;
/// Calls that are worked on at once; others are asked to come again.
const MAX_CALLS: usize = 8;
/// Bodies that are waited for at once.
const MAX_BODIES: usize = 12;
/// How long a caller may take to send its body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How long a body that is here waits for a place: those before it may be checked in vain.
const PLACE_TIME: Duration = Duration::from_secs(2);
/// A partner says at once what it wants, and calls over few connections; all may come through one proxy.
const CONNECTIONS: Connections = Connections {
    header_time: Duration::from_secs(5),
    most: 512,
    most_of_one: 128,
};

#[derive(Clone)]
struct Hooks {
    engine: Engine,
    bodies: Arc<Bodies>,
    places: Arc<Semaphore>,
}

/// Takes partners' calls, and nothing else, until `shutdown`; then lets those in flight end, for `grace` at most.
///
/// # Errors
/// As of `connections::run`.
pub async fn serve(
    listener: TcpListener,
    engine: Engine,
    shutdown: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    let hooks = Hooks {
        engine,
        bodies: Arc::new(Bodies::new(MAX_BODIES)),
        places: Arc::new(Semaphore::new(MAX_CALLS)),
    };
    let router = Router::new()
        .route("/hooks/{partner}/{stream}", post(called))
        .with_state(hooks);
    connections::run(listener, router, CONNECTIONS, shutdown, grace).await
}

async fn called(
    State(hooks): State<Hooks>,
    Extension(Peer(peer)): Extension<Peer>,
    Path((partner, stream)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    if let Err(error) = hooks.engine.may_call(&partner, &stream, &headers) {
        return refused(&partner, &stream, &error);
    }
    let coming = hooks.bodies.enter(peer);
    let here = tokio::select! {
        biased;
        () = coming.displaced() => Err(later("other calls came faster")),
        here = arrived(&hooks.places, body) => here,
    };
    let (body, _place) = match here {
        Ok(here) => here,
        Err(answer) => return answer,
    };
    drop(coming);
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

/// The whole body, and then a place to work on it; else what the caller is told.
async fn arrived(places: &Semaphore, body: Body) -> Result<(Bytes, SemaphorePermit<'_>), Response> {
    let body = match tokio::time::timeout(BODY_TIME, to_bytes(body, MAX_CALL_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let words = "the body cannot be read, or is too large";
            return Err(plain(StatusCode::PAYLOAD_TOO_LARGE, words));
        }
        Err(_) => return Err(plain(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    };
    match tokio::time::timeout(PLACE_TIME, places.acquire()).await {
        Ok(Ok(place)) => Ok((body, place)),
        Ok(Err(_)) | Err(_) => Err(later("too many calls at once")),
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
