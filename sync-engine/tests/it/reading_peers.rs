//! Partners that keep state: where a run goes on after a crash, what comes twice, windows, and flags.

use crate::cli_program::countersign;
use crate::partner_link::small;
use crate::partner_server::{Server, answer};
use crate::reading_world::{counters, engine, order, put, sync};
use axum::body::Body;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use sync_engine::domain::{DocumentKind, PartnerId, VersionNumber};
use sync_engine::engine::{EngineError, QuarantineRerun};

fn parameter(uri: &axum::http::Uri, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes());
    pairs.into_owned().find(|(n, _)| n == name).map(|(_, v)| v)
}

/// A log of orders, two to a page; each page overlaps the one before by one.
fn log_page(after: usize) -> String {
    let first = after.saturating_sub(1).max(1);
    let items: Vec<Value> = (first..=(after + 2).min(9)).map(order).collect();
    json!({"items": items, "at": (after + 2).min(9)}).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_after_a_crash_where_the_last_stored_page_says() {
    let hangs = Arc::new(AtomicBool::new(true));
    let hanging = Arc::clone(&hangs);
    let server = Server::start(move |asked| {
        let after: usize = parameter(&asked.uri, "after").unwrap().parse().unwrap();
        if after == 4 && hanging.load(Ordering::SeqCst) {
            return answer(
                200,
                &[],
                Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>()),
            );
        }
        answer(200, &[], log_page(after))
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = small(&server.url);
    let stream = &mut config["streams"]["orders"];
    stream["request"] = json!({"path": "/list", "query": {"after": ".watermark"}});
    stream["paging"] = json!({"type": "watermark"});
    stream["watermark"] = json!({"page": ".at", "start": "0"});
    put(dir.path(), &config);

    // The real program, killed while it waits for the third page.
    let partners = dir.path().join("partners");
    let mut command = countersign(
        dir.path(),
        &["sync", "--no-deliver", "--partners-dir", partners.to_str().unwrap()],
    );
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let database = dir.path().join("data/countersign.db");
    crate::exchange_world::until("the first two pages, stored", || {
        let waits = server
            .asked()
            .iter()
            .any(|a| parameter(&a.uri, "after").as_deref() == Some("4"));
        // Read as another program reads it.
        let stored = waits && database.exists() && {
            let db = rusqlite::Connection::open(&database).ok()?;
            let mark: Option<String> = db.query_row("SELECT value FROM watermark", [], |row| row.get(0)).ok();
            mark.as_deref() == Some("4")
        };
        stored.then_some(())
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    hangs.store(false, Ordering::SeqCst);
    let before = server.asked().len();

    let engine = engine(dir.path()).await;
    let report = sync(&engine, "small").await.unwrap();
    let asked = server.asked();
    let first = asked.get(before).expect("asked again");
    assert_eq!(
        parameter(&first.uri, "after").as_deref(),
        Some("4"),
        "not from the start"
    );
    // Pages overlap: what comes twice is recognised.
    assert_eq!(
        (report.versions, report.duplicates > 0, report.quarantined),
        (5, true, 0),
        "{report:?}"
    );
    assert_eq!(counters(&engine).documents, 9);
    engine.stop(std::time::Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_partner_was_not_told_is_told_at_the_next_run() {
    let marked = Arc::new(Mutex::new(BTreeSet::new()));
    let down = Arc::new(AtomicBool::new(true));
    let told = Arc::new(AtomicUsize::new(0));
    let (marks, is_down, counted) = (Arc::clone(&marked), Arc::clone(&down), Arc::clone(&told));
    let server = Server::start(move |asked| match asked.uri.path() {
        // Lists three at a time of what it was not told is here.
        "/list" => {
            let marks = marks.lock().unwrap();
            let new: Vec<Value> = (1..=7)
                .filter(|n: &i32| !marks.contains(&n.to_string()))
                .take(3)
                .map(order)
                .collect();
            answer(200, &[], json!({"items": new}).to_string())
        }
        "/done" if is_down.load(Ordering::SeqCst) => answer(503, &[("retry-after", "60")], ""),
        "/done" => {
            counted.fetch_add(1, Ordering::SeqCst);
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            for id in body["ids"].as_array().unwrap() {
                marks.lock().unwrap().insert(id.as_str().unwrap().to_owned());
            }
            answer(204, &[], "")
        }
        other => panic!("{other}"),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = small(&server.url);
    config["streams"]["orders"]["request"] = json!({"path": "/list"});
    config["streams"]["orders"].as_object_mut().unwrap().remove("paging");
    config["streams"]["orders"]["afterStore"] =
        json!({"key": ".id", "size": 10, "request": {"path": "/done", "body": {"ids": ".keys"}}});
    put(dir.path(), &config);
    let engine = engine(dir.path()).await;

    let report = sync(&engine, "small")
        .await
        .expect("that it cannot be told holds up nothing");
    assert_eq!((report.versions, report.duplicates), (3, 0));
    down.store(false, Ordering::SeqCst);
    // The same three again, told this time; what follows comes with the next run.
    let report = sync(&engine, "small").await.unwrap();
    assert_eq!((report.versions, report.duplicates), (0, 3));
    assert_eq!(marked.lock().unwrap().len(), 3);
    // As long as telling brings something new, the list is read again.
    let report = sync(&engine, "small").await.unwrap();
    assert_eq!((report.versions, report.duplicates), (4, 0));
    assert_eq!((counters(&engine).documents, marked.lock().unwrap().len()), (7, 7));
    assert_eq!(told.load(Ordering::SeqCst), 3);
    engine.stop(std::time::Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_are_caught_up_with_one_by_one_and_none_is_lost_when_one_fails() {
    let fails = Arc::new(AtomicBool::new(true));
    let failing = Arc::clone(&fails);
    let server = Server::start(move |asked| {
        let (from, until) = (
            parameter(&asked.uri, "from").unwrap(),
            parameter(&asked.uri, "until").unwrap(),
        );
        let (from, until): (i64, i64) = (from.parse().unwrap(), until.parse().unwrap());
        // One order on each day of the first hundred days of 2026.
        let days = (0..100).map(|day| 1_767_225_600 + day * 86_400 + 60);
        let items: Vec<Value> = days.filter(|at| (from..until).contains(at)).map(order).collect();
        if from > 1_767_225_600 + 50 * 86_400 && failing.load(Ordering::SeqCst) {
            return answer(400, &[], "the archive is closed");
        }
        answer(200, &[], json!({"items": items}).to_string())
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = small(&server.url);
    let stream = &mut config["streams"]["orders"];
    stream["request"] = json!({"path": "/list", "query": {"from": ".from", "until": ".until"}});
    stream.as_object_mut().unwrap().remove("paging");
    stream["watermark"] = json!({
        "window": {"seconds": 864_000}, "start": "2026-01-01T00:00:00Z", "overlapSeconds": 120, "format": "epochSeconds"
    });
    put(dir.path(), &config);
    let engine = engine(dir.path()).await;
    assert_eq!(sync(&engine, "small").await, Err("partner.rejected".to_owned()));
    let stored = counters(&engine).documents;
    assert!((50..100).contains(&stored), "{stored}");
    fails.store(false, Ordering::SeqCst);
    let report = sync(&engine, "small").await.unwrap();
    assert_eq!(counters(&engine).documents, 100);
    assert_eq!(i64::from(report.versions), 100 - stored, "from the window that failed");
    let now = chrono::Utc::now().timestamp() + 1;
    for asked in server.asked() {
        let until: i64 = parameter(&asked.uri, "until").unwrap().parse().unwrap();
        assert!(until <= now, "{until} is ahead of now");
    }
    engine.stop(std::time::Duration::from_secs(20)).await;
}

/// A list of references, each with its order elsewhere.
fn with_details(url: &str) -> Value {
    let mut config = small(url);
    config["streams"]["orders"]["request"] = json!({"path": "/list"});
    config["streams"]["orders"]["detail"] = json!({"request": {"path": "/orders/{.stub.ref}"}});
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_fetched_is_seen_and_asked_for_once_more() {
    let there = Arc::new(AtomicBool::new(false));
    let found = Arc::clone(&there);
    let server = Server::start(move |asked| match asked.uri.path() {
        "/list" => answer(200, &[], r#"{"items":[{"ref":"1"},{"ref":"2"}]}"#),
        "/orders/2" if !found.load(Ordering::SeqCst) => answer(410, &[], "gone"),
        path => answer(200, &[], order(path.trim_start_matches("/orders/")).to_string()),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &with_details(&server.url));
    let engine = engine(dir.path()).await;
    let report = sync(&engine, "small").await.unwrap();
    assert_eq!((report.versions, report.quarantined), (1, 1));
    there.store(true, Ordering::SeqCst);
    let row = engine.retry_quarantine(1, "user:it").await.unwrap();
    assert_eq!(row.state, sync_engine::store::QuarantineState::Resolved, "{row:?}");
    assert_eq!(counters(&engine).documents, 2);
    engine.stop(std::time::Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_had_or_is_none_of_ours_ends_no_rerun_of_the_others() {
    let later = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&later);
    let server = Server::start(move |asked| match asked.uri.path() {
        "/list" => answer(200, &[], r#"{"items":[{"ref":"1"},{"ref":"2"},{"ref":"3"}]}"#),
        "/orders/1" => answer(404, &[], ""),
        _ if !mended.load(Ordering::SeqCst) => answer(404, &[], ""),
        "/orders/2" => answer(500, &[], ""),
        path => answer(200, &[], order(path.trim_start_matches("/orders/")).to_string()),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = with_details(&server.url);
    put(dir.path(), &config);
    let first = engine(dir.path()).await;
    assert_eq!(sync(&first, "small").await.unwrap().quarantined, 3);
    first.stop(std::time::Duration::from_secs(20)).await;

    later.store(true, Ordering::SeqCst);
    config["streams"]["orders"]["detail"]["emptyStatuses"] = json!([404]);
    put(dir.path(), &config);
    let second = engine(dir.path()).await;
    let small = PartnerId("small".to_owned());
    let rerun = second.retry_all_quarantine(&small, None, "user:it").await.unwrap();
    let expected = QuarantineRerun {
        tried: 3,
        resolved: 1,
        dismissed: 1,
        still_wrong: 1,
        more: false,
    };
    assert_eq!(rerun, expected);
    assert_eq!((counters(&second).documents, counters(&second).quarantine), (1, 1));
    second.stop(std::time::Duration::from_secs(20)).await;

    // Nobody is there: that speaks of all of them.
    config["baseUrl"] = "http://127.0.0.1:1".into();
    put(dir.path(), &config);
    let third = engine(dir.path()).await;
    let rerun = third.retry_all_quarantine(&small, None, "user:it").await;
    assert!(
        matches!(&rerun, Err(EngineError::Refused { code, .. }) if *code == "partner.unreachable"),
        "{rerun:?}"
    );
    third.stop(std::time::Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lay_in_quarantine_while_a_newer_version_came_is_stored_and_is_not_the_current_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = small("http://127.0.0.1:1");
    put(dir.path(), &config);
    let small = PartnerId("small".to_owned());
    let version = |field: &str, quantity: u32| {
        let line = json!({"n": "1", field: quantity.to_string()});
        json!({"id": "PO-1", "lines": [line]}).to_string()
    };
    let first = engine(dir.path()).await;
    let versions = [("qty", 10), ("pieces", 20), ("qty", 30), ("pieces", 40), ("pieces", 50)];
    for (field, quantity) in versions {
        let bytes = version(field, quantity).into();
        first.import(&small, "orders", bytes).await.expect("stored");
        // The clock counts milliseconds.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(counters(&first).quarantine, 3);
    first.stop(std::time::Duration::from_secs(20)).await;

    config["streams"]["orders"]["map"]["lines"]["quantity"] = ".qty // .pieces".into();
    put(dir.path(), &config);
    let second = engine(dir.path()).await;
    let rerun = second.retry_all_quarantine(&small, None, "user:it").await.unwrap();
    assert_eq!((rerun.tried, rerun.resolved), (3, 3));
    let store = second.store();
    let id = store
        .find_document(second.company(), &small, DocumentKind::Order, "PO-1")
        .unwrap()
        .unwrap();
    // 20 came before 30, which was the current one; 40 and 50 came after it.
    let row = store.document(id).unwrap().unwrap();
    assert_eq!(row.current, VersionNumber(5));
    let states: Vec<_> = store
        .versions(id)
        .unwrap()
        .iter()
        .map(|v| (v.number, v.supersedes))
        .collect();
    let number = VersionNumber;
    assert!(
        states.contains(&(number(3), None)),
        "20 takes nothing's place: {states:?}"
    );
    assert!(
        states.contains(&(number(4), Some(number(2)))),
        "40 follows 30: {states:?}"
    );
    assert!(
        states.contains(&(number(5), Some(number(4)))),
        "50 follows 40: {states:?}"
    );
    second.stop(std::time::Duration::from_secs(20)).await;
}
