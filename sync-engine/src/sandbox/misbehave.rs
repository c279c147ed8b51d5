//! Plays the faults that are set: around every request of the partner's side.

use super::connection::DropConnection;
use super::faults::{Fault, FaultKind};
use super::server::{Shared, problem};
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::sync::Arc;
use std::time::Duration;

const DEFAULT_OVERSIZED_BYTES: usize = 64 * 1024 * 1024;
const DEFAULT_DRIP_BYTES: usize = 16;
const ELSEWHERE: &str = "https://elsewhere.example/";

/// The page faults that struck a request; the feed reads them from the request's extensions.
#[derive(Clone, Default)]
pub(super) struct PageFaults(pub(super) Vec<FaultKind>);

pub(super) async fn misbehave(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<DropConnection>,
    mut request: Request,
    next: Next,
) -> Response {
    let struck = shared.strike(request.method().as_str(), request.uri().path());
    request
        .extensions_mut()
        .insert(PageFaults(struck.iter().map(|f| f.kind).collect()));
    for fault in &struck {
        if let Some(response) = instead(&shared, fault, &connection, request.headers()).await {
            return response;
        }
    }
    let mut response = next.run(request).await;
    for fault in struck {
        response = afterwards(&fault, &connection, response).await;
    }
    response
}

/// Faults that come before the request is processed, and mostly in its place.
async fn instead(shared: &Shared, fault: &Fault, connection: &DropConnection, headers: &HeaderMap) -> Option<Response> {
    match fault.kind {
        FaultKind::Slow => {
            shared
                .sleep(Duration::from_millis(fault.milliseconds.unwrap_or(1000)))
                .await;
            None
        }
        FaultKind::TooManyRequests => {
            let refusal = problem(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "too many requests");
            Some(retry_after(refusal, Some(fault.retry_after_seconds.unwrap_or(1))))
        }
        FaultKind::ServerError => Some(failure()),
        FaultKind::Unavailable => {
            let refusal = problem(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "down for maintenance");
            Some(retry_after(refusal, fault.retry_after_seconds))
        }
        FaultKind::DropBefore => {
            connection.0.cancel();
            Some(StatusCode::OK.into_response())
        }
        FaultKind::ExpiredToken => {
            shared.revoke(headers);
            Some(super::sign_in::unauthorized("the token has expired"))
        }
        FaultKind::Redirect => {
            let to = fault.location.as_deref().unwrap_or(ELSEWHERE);
            let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static(ELSEWHERE));
            Some((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response())
        }
        FaultKind::NotJson => {
            let html = "<!doctype html><title>Sign in</title><p>Your session has ended.";
            Some(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
        }
        FaultKind::Drip
        | FaultKind::DropAfter
        | FaultKind::ErrorAfter
        | FaultKind::WrongSchema
        | FaultKind::Duplicated
        | FaultKind::Reordered
        | FaultKind::EndlessPage
        | FaultKind::Oversized => None,
    }
}

fn failure() -> Response {
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL",
        "something went wrong on our side",
    )
}

fn retry_after(mut response: Response, seconds: Option<u64>) -> Response {
    if let Some(seconds) = seconds {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

async fn afterwards(fault: &Fault, connection: &DropConnection, response: Response) -> Response {
    match fault.kind {
        FaultKind::DropAfter => {
            connection.0.cancel();
            response
        }
        FaultKind::ErrorAfter => failure(),
        FaultKind::Drip => {
            let pause = Duration::from_millis(fault.milliseconds.unwrap_or(50));
            drip(response, fault.bytes.unwrap_or(DEFAULT_DRIP_BYTES), pause).await
        }
        FaultKind::Oversized => inflate(response, fault.bytes.unwrap_or(DEFAULT_OVERSIZED_BYTES)).await,
        FaultKind::Slow
        | FaultKind::TooManyRequests
        | FaultKind::ServerError
        | FaultKind::Unavailable
        | FaultKind::DropBefore
        | FaultKind::ExpiredToken
        | FaultKind::WrongSchema
        | FaultKind::Duplicated
        | FaultKind::Reordered
        | FaultKind::EndlessPage
        | FaultKind::Redirect
        | FaultKind::NotJson => response,
    }
}

/// The whole body; empty when it cannot be had, which our own bodies always can.
async fn whole(body: Body) -> Bytes {
    axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default()
}

async fn drip(response: Response, piece: usize, pause: Duration) -> Response {
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    let rest = whole(body).await;
    let pieces = stream::unfold(rest, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let next = rest.split_to(piece.clamp(1, rest.len()));
        Some((Ok::<_, std::convert::Infallible>(next), rest))
    });
    Response::from_parts(head, Body::from_stream(pieces))
}

/// JSON may be followed by blanks: the body stays right, and grows too large to take in.
async fn inflate(response: Response, bytes: usize) -> Response {
    const BLANKS: Bytes = Bytes::from_static(&[b' '; 16 * 1024]);
    let (mut head, body) = response.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    let first = whole(body).await;
    let blanks = stream::unfold((Some(first), 0usize), move |(first, sent)| async move {
        match first {
            Some(first) => {
                let sent = first.len();
                Some((Ok::<_, std::convert::Infallible>(first), (None, sent)))
            }
            None if sent < bytes => Some((Ok(BLANKS), (None, sent + BLANKS.len()))),
            None => None,
        }
    });
    Response::from_parts(head, Body::from_stream(blanks))
}
