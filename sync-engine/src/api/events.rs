//! The change feed as a stream: server-sent events over HTTP, window events in the desktop.

use super::{ApiError, ApiState};
use crate::engine::Engine;
use crate::store::{ChangeRow, Store, StoreError};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use utoipa::ToSchema;

/// Changes read at once when a client resumes.
const REPLAY_PAGE: u32 = 500;
/// A client that missed more than this reads its screens again instead.
const REPLAY_MAX: usize = 5_000;
/// Most event streams at once; each screen that is open holds one.
pub(super) const MAX_STREAMS: usize = 64;
const KEEP_ALIVE_SECONDS: u64 = 15;
/// How soon a browser connects again, milliseconds.
const RECONNECT_MS: u64 = 1_000;

/// What a subscriber hears. Events are hints: the store is the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum FeedEvent {
    Change(ChangeRow),
    /// Changes were passed over: read again.
    Lagged(Lagged),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lagged {
    /// How many were missed; 0 when it is not known.
    pub missed: u64,
}

/// A subscription. Made before the first read of a screen, it misses nothing that comes after.
pub struct Feed {
    store: Arc<dyn Store>,
    live: Receiver<ChangeRow>,
    /// Replayed first.
    waiting: VecDeque<FeedEvent>,
    last: i64,
}

impl Feed {
    /// Changes from now on; with `after`, first those that a client missed since that id.
    ///
    /// # Errors
    /// `StoreError` when the missed changes cannot be read.
    pub async fn subscribe(engine: &Engine, after: Option<i64>) -> Result<Self, StoreError> {
        let store = engine.store().clone();
        // Before the subscription: what is told between the two is a gap that is seen.
        let last = store.newest_told();
        // Subscribe before the query, so that nothing falls between the two.
        let live = store.subscribe();
        let mut feed = Self {
            store,
            live,
            waiting: VecDeque::new(),
            last,
        };
        if let Some(after) = after {
            feed.replay(after).await?;
        }
        Ok(feed)
    }

    async fn replay(&mut self, after: i64) -> Result<(), StoreError> {
        // The newest change is always there. One that is not, nor any after it, is of a database that a backup replaced.
        if after > 0 && self.changes(after - 1, 1).await?.is_empty() {
            self.waiting.push_back(FeedEvent::Lagged(Lagged { missed: 0 }));
            return Ok(());
        }
        let told = std::mem::replace(&mut self.last, after);
        while self.waiting.len() < REPLAY_MAX {
            let page = self.changes(self.last, REPLAY_PAGE).await?;
            let Some(newest) = page.last() else {
                return Ok(());
            };
            self.last = newest.id;
            self.waiting.extend(page.into_iter().map(FeedEvent::Change));
        }
        self.last = self.last.max(told);
        self.waiting.clear();
        self.waiting.push_back(FeedEvent::Lagged(Lagged { missed: 0 }));
        Ok(())
    }

    async fn changes(&self, after: i64, most: u32) -> Result<Vec<ChangeRow>, StoreError> {
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.changes(after, most))
            .await
            .map_err(|_| StoreError::Closed)?
    }

    /// The next event; `None` when the store was closed.
    pub async fn next(&mut self) -> Option<FeedEvent> {
        if let Some(event) = self.waiting.pop_front() {
            return Some(event);
        }
        loop {
            match self.live.recv().await {
                Ok(row) if row.id <= self.last => {}
                Ok(row) => {
                    let missed = u64::try_from(row.id - self.last - 1).unwrap_or(0);
                    self.last = row.id;
                    let change = FeedEvent::Change(row);
                    if missed == 0 {
                        return Some(change);
                    }
                    self.waiting.push_back(change);
                    return Some(FeedEvent::Lagged(Lagged { missed }));
                }
                // The id of the next one shows it.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }

    pub fn into_stream(self) -> impl Stream<Item = FeedEvent> + Send {
        stream::unfold(
            self,
            |mut feed| async move { feed.next().await.map(|event| (event, feed)) },
        )
    }
}

/// Changes as they are committed: `event: change` with a ChangeRow, `event: lagged` when some were passed over.
/// A client that connects again sends the last id it saw as `Last-Event-ID`.
#[utoipa::path(get, path = "/events", tag = "events",
    params(("Last-Event-ID" = Option<i64>, Header, description = "The last id seen")),
    responses((status = 200, description = "Server-sent events; `data` of `change`", body = ChangeRow,
        content_type = "text/event-stream")))]
pub(super) async fn events(State(state): State<ApiState>, headers: HeaderMap) -> Result<impl IntoResponse, ApiError> {
    let after = match headers.get("last-event-id").map(|v| v.to_str().unwrap_or_default()) {
        None | Some("") => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| ApiError::invalid("Last-Event-ID", format!("\"{text}\" is not an event id")))?,
        ),
    };
    let place = state.streams.clone().try_acquire_owned().map_err(|_| {
        let detail = format!("{MAX_STREAMS} event streams are open: close a screen and try again");
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "events.too_many", detail)
    })?;
    let feed = Feed::subscribe(&state.engine, after).await?;
    let stopped = state.shutdown.clone().cancelled_owned();
    let greeting = Event::default()
        .comment("connected")
        .retry(Duration::from_millis(RECONNECT_MS));
    let stream = stream::once(std::future::ready(greeting))
        .chain(feed.into_stream().map(|event| sse_event(&event)))
        .take_until(Box::pin(stopped))
        .map(move |event| {
            let _held_while_streaming = &place;
            Ok::<_, Infallible>(event)
        });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(KEEP_ALIVE_SECONDS))))
}

fn sse_event(event: &FeedEvent) -> Event {
    match event {
        FeedEvent::Change(row) => {
            let data = serde_json::to_string(row).unwrap_or_default();
            Event::default().event("change").id(row.id.to_string()).data(data)
        }
        FeedEvent::Lagged(lagged) => {
            let data = serde_json::to_string(lagged).unwrap_or_default();
            Event::default().event("lagged").data(data)
        }
    }
}
