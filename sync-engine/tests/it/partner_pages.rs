//! Pages, runs and watermarks, also against partners that do not end.

use crate::partner_link::{connect, secrets, small};
use crate::partner_server::{Server, answer};
use serde_json::json;
use std::sync::{Arc, Mutex};
use sync_engine::partner::PartnerLink;

#[tokio::test]
async fn pages_end_even_when_the_partner_does_not() {
    let count = Arc::new(Mutex::new(0));
    let server = Server::start(move |asked| {
        let mut n = count.lock().unwrap();
        *n += 1;
        match asked.uri.path() {
            // Always the same name of the next page.
            "/same/list" => answer(200, &[], format!(r#"{{"items":[{{"id":"{n}"}}],"next":"x"}}"#)),
            // Always new names, always the same page.
            "/copy/list" => answer(200, &[], format!(r#"{{"items":[{{"id":"1"}}],"next":"{n}"}}"#)),
            // Ever new pages.
            _ => answer(200, &[], format!(r#"{{"items":[{{"id":"{n}"}}],"next":"{n}"}}"#)),
        }
    })
    .await;
    for (path, code, most) in [
        ("/same", "limit.loop", 3),
        ("/copy", "limit.loop", 2),
        ("/new", "limit.pages", 6),
    ] {
        let mut config = small(&format!("{}{path}", server.url));
        config["limits"] = json!({"maxPages": 5});
        let partner = connect(&config, secrets(&[]));
        let (mut cursor, mut pages) = (None, 0);
        let error = loop {
            match partner.fetch("orders", None, cursor.as_ref()).await {
                Ok(page) => cursor = Some(page.next.expect("more")),
                Err(error) => break error,
            }
            pages += 1;
            assert!(pages <= most, "{path}");
        };
        assert_eq!(error.code, code, "{path}: {error}");
    }
}

#[tokio::test]
async fn a_watermark_advances_only_with_a_complete_run() {
    let server = Server::start(|asked| {
        let query = asked.uri.query().unwrap_or("");
        if query.contains("next=") {
            answer(200, &[], r#"{"items":[{"id":"3","at":"2026-01-02T00:00:00Z"}]}"#)
        } else {
            answer(200, &[], r#"{"items":[{"id":"1","at":"2026-01-05T10:00:00+02:00"},{"id":"2","at":"2026-01-05T09:00:00Z"}],"next":"2"}"#)
        }
    })
    .await;
    let mut config = small(&server.url);
    config["streams"]["orders"]["watermark"] =
        json!({"item": ".at", "start": "2026-01-01T00:00:00Z", "overlapSeconds": 60});
    let partner = connect(&config, secrets(&[]));
    let first = partner.fetch("orders", None, None).await.unwrap();
    assert_eq!(first.watermark, None, "page one of two");
    let last = partner.fetch("orders", None, first.next.as_ref()).await.unwrap();
    assert_eq!(last.watermark.as_deref(), Some("2026-01-05T09:00:00Z"));
    assert!(last.next.is_none());
    partner.fetch("orders", last.watermark.as_deref(), None).await.unwrap();
    let asked: Vec<_> = server
        .asked()
        .iter()
        .map(|a| a.uri.query().unwrap_or("").to_owned())
        .collect();
    assert_eq!(
        asked,
        [
            "after=2025-12-31T23%3A59%3A00Z",
            "after=2025-12-31T23%3A59%3A00Z&next=2",
            "after=2026-01-05T08%3A59%3A00Z",
        ]
    );
}
