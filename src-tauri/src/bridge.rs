//! The page's way to the engine: requests to its router, and its change feed.

use crate::startup::{Running, Startup};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use serde::Serialize;
use std::sync::Mutex;
use sync_engine::api::{Feed, FeedEvent};
use sync_engine::store::ChangeRow;
use tauri::State;
use tauri::ipc::{Channel, Response};
use tower::ServiceExt;

/// Largest answer that is passed on; the longest document's PDF is a tenth of it.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
const FEED_PATH: &str = "/api/v1/events";

/// An answer of the router.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    pub media_type: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// One line of JSON with status and media type, then the body as it is: nothing is parsed on the way.
    fn framed(self) -> Vec<u8> {
        let head = serde_json::json!({ "status": self.status.as_u16(), "mediaType": self.media_type });
        let mut out = head.to_string().into_bytes();
        out.reserve_exact(self.body.len() + 1);
        out.push(b'\n');
        out.extend_from_slice(&self.body);
        out
    }
}

/// A request of the page to the engine's router. The answer is framed as `Answer::framed` says.
///
/// # Errors
/// A sentence when the engine cannot be reached at all; everything else is an answer with its status.
#[tauri::command]
pub async fn request(
    startup: State<'_, Startup>,
    method: String,
    path: String,
    body: Option<String>,
) -> Result<Response, String> {
    let running = startup.ready().await?;
    let answer = call(running.router, &method, &path, body).await?;
    Ok(Response::new(answer.framed()))
}

/// Passes a request to the router and collects the answer.
///
/// # Errors
/// A sentence for what is no request to the API, or an answer that is cut short.
pub async fn call(router: Router, method: &str, path: &str, body: Option<String>) -> Result<Answer, String> {
    if !path.starts_with("/api/v1/") {
        return Err(format!("\"{path}\" is no path of the API"));
    }
    // The feed never ends, so its answer could never be collected.
    if path.split('?').next() == Some(FEED_PATH) {
        return Err("the change feed comes through `subscribe`".into());
    }
    let method: Method = method.parse().map_err(|_| format!("\"{method}\" is no method"))?;
    let mut request = Request::builder().method(method).uri(path);
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request
        .body(body.map_or_else(Body::empty, Body::from))
        .map_err(|e| format!("\"{path}\" cannot be asked for: {e}"))?;
    let answer = match router.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, MAX_ANSWER_BYTES)
        .await
        .map_err(|e| format!("the engine's answer was cut short: {e}"))?;
    let media_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str);
    Ok(Answer {
        status: parts.status,
        media_type: match media_type {
            Some(Ok(text)) => text.split(';').next().unwrap_or_default().trim().to_owned(),
            _ => String::new(),
        },
        body: body.into(),
    })
}

/// What the channel carries: `{event: "change", data}` or `{event: "lagged"}`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", content = "data", rename_all = "camelCase")]
pub enum Message {
    Change(ChangeRow),
    /// Changes were passed over: read again.
    Lagged,
}

/// The task that feeds the page's channel. A page that loads again takes its place.
static FEEDING: Mutex<Option<tauri::async_runtime::JoinHandle<()>>> = Mutex::new(None);

/// Sends every change since the page's first request through the channel, in order, until the page subscribes anew.
///
/// # Errors
/// A sentence when the engine cannot be reached.
#[tauri::command]
pub async fn subscribe(startup: State<'_, Startup>, channel: Channel<Message>) -> Result<(), String> {
    let running = startup.ready().await?;
    let feed = match running.first_feed() {
        Some(feed) => feed,
        // A page that was loaded again: what it has read by now may be of before.
        None => {
            let feed = Feed::subscribe(&running.engine, None)
                .await
                .map_err(|e| e.to_string())?;
            channel.send(Message::Lagged).map_err(|e| e.to_string())?;
            feed
        }
    };
    let task = tauri::async_runtime::spawn(pass_on(feed, running, channel));
    let before = FEEDING.lock().map(|mut feeding| feeding.replace(task));
    if let Ok(Some(before)) = before {
        before.abort();
    }
    Ok(())
}

async fn pass_on(mut feed: Feed, running: Running, channel: Channel<Message>) {
    loop {
        let event = tokio::select! {
            event = feed.next() => event,
            () = running.shutdown.cancelled() => None,
        };
        let message = match event {
            Some(FeedEvent::Change(row)) => Message::Change(row),
            Some(FeedEvent::Lagged(_)) => Message::Lagged,
            None => return,
        };
        if channel.send(message).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::{get, post};

    fn router() -> Router {
        Router::new()
            .route(
                "/api/v1/bytes",
                get(|| async { ([(header::CONTENT_TYPE, "application/pdf")], vec![0u8, 10, 255]) }),
            )
            .route(
                "/api/v1/echo",
                post(|headers: axum::http::HeaderMap, body: String| async move {
                    let media_type = headers.get(header::CONTENT_TYPE).cloned();
                    let media_type = media_type.unwrap_or_else(|| HeaderValue::from_static("none/none"));
                    (StatusCode::CREATED, [(header::CONTENT_TYPE, media_type)], body)
                }),
            )
    }

    #[tokio::test]
    async fn bodies_pass_unparsed() {
        // Not the form that a serializer would give it: it has to come back as it went.
        let body = "{ \"quantity\" :1.10 }";
        let answer = call(router(), "POST", "/api/v1/echo", Some(body.into()))
            .await
            .expect("an answer");
        assert_eq!(
            (answer.status.as_u16(), answer.media_type.as_str()),
            (201, "application/json")
        );
        assert_eq!(answer.body, body.as_bytes());
    }

    #[tokio::test]
    async fn a_frame_is_a_line_and_the_bytes() {
        let answer = call(router(), "GET", "/api/v1/bytes?x=1", None)
            .await
            .expect("an answer");
        let framed = answer.framed();
        let end = framed.iter().position(|b| *b == b'\n').expect("a line");
        let head: serde_json::Value = serde_json::from_slice(&framed[..end]).expect("JSON");
        assert_eq!(
            head,
            serde_json::json!({ "status": 200, "mediaType": "application/pdf" })
        );
        assert_eq!(&framed[end + 1..], &[0, 10, 255]);
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused() {
        let cases = [
            ("GET", "http://example.org/api/v1/x"),
            ("GET", "/index.html"),
            ("GET", "/api/v1/events"),
            ("GET", "/api/v1/events?x=1"),
            ("NO METHOD", "/api/v1/bytes"),
            ("GET", "/api/v1/by tes"),
        ];
        for (method, path) in cases {
            assert!(call(router(), method, path, None).await.is_err(), "{method} {path}");
        }
        let missing = call(router(), "GET", "/api/v1/nothing", None).await.expect("an answer");
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
    }

    #[test]
    fn messages_are_as_the_page_reads_them() {
        let lagged = serde_json::to_value(Message::Lagged).expect("JSON");
        assert_eq!(lagged, serde_json::json!({ "event": "lagged" }));
    }
}
