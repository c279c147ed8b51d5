//! Server-sent events: live, resumed, and ended by the host.

use crate::api_host::{Host, PATIENCE, TOKEN};
use crate::exchange_world::{World, fast, partner, sandbox_options};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;
use sync_engine::api::{Feed, FeedEvent};
use sync_engine::exchange::Pace;
use sync_engine::sandbox::OrderSpec;
use sync_engine::store::Store;

/// One event as it comes over the wire.
#[derive(Debug, Default)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

struct Events {
    body: std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
}

impl Events {
    async fn open(host: &Host, last: Option<&str>) -> Self {
        let mut request = host.client.get(host.url("/events")).bearer_auth(TOKEN);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: Box::pin(response.bytes_stream()),
            text: String::new(),
        }
    }

    /// The next event; `None` when the stream ended. Comments are passed over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = parse(block);
                self.text = rest.to_owned();
                if !event.name.is_empty() {
                    return Some(event);
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next())
                .await
                .expect("something comes")?;
            self.text.push_str(&String::from_utf8_lossy(&chunk.expect("a chunk")));
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event::default();
    for line in block.lines() {
        match line.split_once(": ") {
            Some(("event", name)) => event.name = name.to_owned(),
            Some(("id", id)) => event.id = id.to_owned(),
            Some(("data", data)) => event.data = serde_json::from_str(data).expect("JSON"),
            _ => {}
        }
    }
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_come_live_and_are_replayed_to_one_who_was_away() {
    let host = Host::quiet().await;
    let mut events = Events::open(&host, None).await;
    let number = host.orders(1, 1).await.remove(0);
    let id = host.row(&number).await["id"].clone();
    let first = loop {
        let event = events.next().await.expect("an event");
        if event.data["document"] == id {
            break event;
        }
    };
    assert_eq!(first.name, "change");
    assert_eq!(first.data["id"].to_string(), first.id);
    assert_eq!(first.data["kind"], "document");
    drop(events);

    // Away: two more orders come.
    host.sandbox
        .issue_order(&OrderSpec {
            count: Some(2),
            ..OrderSpec::default()
        })
        .expect("orders");
    host.fetch().await;
    let mut events = Events::open(&host, Some(&first.id)).await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let event = events.next().await.expect("an event");
        assert!(event.id.parse::<i64>().expect("a number") > first.id.parse().expect("a number"));
        if event.data["kind"] == "document" && !seen.contains(&event.data["document"]) {
            seen.push(event.data["document"].clone());
        }
    }
    // And live again after the replay.
    let answer = json!({ "version": 1, "answer": { "code": "AP" } });
    host.post(&format!("/documents/{id}/answers"), &answer)
        .await
        .expect(201);
    loop {
        if events.next().await.expect("an event").data["document"] == id {
            break;
        }
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_the_streams() {
    let host = Host::quiet().await;
    let mut events = Events::open(&host, None).await;
    host.stop().await;
    while events.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saw_changes_that_a_restore_took_back_reads_again_and_hears_what_comes() {
    let host = Host::quiet().await;
    host.orders(1, 1).await;
    let mut feed = Feed::subscribe(&host.engine, Some(1_000_000))
        .await
        .expect("subscribed");
    assert!(matches!(feed.next().await, Some(FeedEvent::Lagged(_))));
    host.orders(1, 1).await;
    assert!(matches!(feed.next().await, Some(FeedEvent::Change(_))));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_cannot_keep_up_is_told_to_read_again() {
    let host = Host::quiet().await;
    let mut feed = Feed::subscribe(&host.engine, None).await.expect("subscribed");
    host.orders(1_100, 1).await;
    let first = feed.next().await.expect("an event");
    let FeedEvent::Lagged(lagged) = first else {
        panic!("{first:?}");
    };
    assert!(lagged.missed > 0);
    assert!(matches!(feed.next().await, Some(FeedEvent::Change(_))));
    host.stop().await;
}

/// The window and the service on one data folder: each shows what the other one did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_hears_of_what_another_engine_on_its_database_wrote() {
    let pace = Pace {
        poll_interval: Some(Duration::from_secs(1_000_000)),
        ..fast()
    };
    let world = World::with(pace, sandbox_options()).await;
    let other = world.second_engine().await;
    let mut feed = Feed::subscribe(&world.engine, None).await.expect("subscribed");
    let store: &dyn Store = world.store().as_ref();
    let before = store
        .changes(0, 10_000)
        .expect("readable")
        .last()
        .map_or(0, |row| row.id);
    // In turns, and then the other one alone, so that nothing of ours shows what it wrote.
    for nth in 0..40 {
        let engine = if nth % 3 == 0 && nth < 30 {
            &world.engine
        } else {
            &other
        };
        let wrong = format!("{{\"nonsense\":{nth}}}");
        engine.import(&partner(), "orders", wrong.into()).await.expect("stored");
    }
    let written: Vec<i64> = store
        .changes(before, 10_000)
        .expect("readable")
        .iter()
        .map(|row| row.id)
        .collect();
    assert!(written.len() >= 40, "{written:?}");
    let mut heard = Vec::new();
    while heard.last() != written.last() {
        let event = tokio::time::timeout(PATIENCE, feed.next())
            .await
            .expect("something comes");
        match event.expect("the store is open") {
            FeedEvent::Change(row) => heard.push(row.id),
            FeedEvent::Lagged(lagged) => panic!("{lagged:?} after {heard:?}"),
        }
    }
    heard.retain(|id| *id > before);
    assert_eq!(heard, written);
    other.stop(Duration::from_secs(20)).await;
    world.end(&[]).await;
}
