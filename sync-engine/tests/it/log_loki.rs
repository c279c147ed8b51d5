//! Log lines reach Loki: through outages, restarts and rotation, each at least once and in order.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync_engine::clock::SystemClock;
use sync_engine::log::{FileLimits, LogFiles, Loki, LokiSettings, RotatingFile, Shipper};

/// What a Loki got, and what it answers next.
#[derive(Default)]
struct Got {
    lines: Vec<String>,
    streams: Vec<Value>,
    headers: Vec<HeaderMap>,
    answers: Vec<u16>,
}

type Shared = Arc<Mutex<Got>>;

async fn push(State(got): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let mut got = got.lock().unwrap();
    got.headers.push(headers);
    let status = if got.answers.is_empty() {
        204
    } else {
        got.answers.remove(0)
    };
    if status == 204 {
        let body: Value = serde_json::from_slice(&body).unwrap();
        for stream in body["streams"].as_array().unwrap() {
            got.streams.push(stream["stream"].clone());
            for value in stream["values"].as_array().unwrap() {
                assert!(value[0].as_str().unwrap().parse::<i64>().unwrap() > 1_700_000_000_000_000_000);
                got.lines.push(value[1].as_str().unwrap().to_owned());
            }
        }
    }
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("retry-after", "7")], "entry too far behind").into_response()
}

async fn loki() -> (String, Shared) {
    let got = Shared::default();
    let app = axum::Router::new()
        .route("/loki/api/v1/push", axum::routing::post(push))
        .with_state(got.clone());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, got)
}

fn files(dir: &Path, max_bytes: u64) -> LogFiles {
    LogFiles {
        dir: dir.to_owned(),
        name: "countersign".to_owned(),
        limits: FileLimits { max_bytes, keep: 50 },
        clock: Arc::new(SystemClock),
    }
}

fn shipper(files: &LogFiles, settings: Value) -> Shipper {
    let settings: LokiSettings = serde_json::from_value(settings).unwrap();
    let credential = Box::new(|| Ok("loki-password".to_owned()));
    Shipper::new(files.clone(), Loki { settings, credential }).unwrap()
}

fn writer(files: &LogFiles) -> RotatingFile {
    RotatingFile::open(&files.dir, &files.name, files.limits, files.clock.clone()).unwrap()
}

fn line(n: usize) -> String {
    let level = if n.is_multiple_of(2) { "INFO" } else { "WARN" };
    format!(r#"{{"timestamp":"2026-11-21T10:00:00.{n:06}Z","level":"{level}","n":{n}}}"#)
}

/// Sends until nothing is new.
async fn all(shipper: &mut Shipper) {
    while shipper.step().await.unwrap() {}
}

fn numbers(got: &Shared) -> Vec<u64> {
    let got = got.lock().unwrap();
    let number = |line: &String| serde_json::from_str::<Value>(line).unwrap()["n"].as_u64().unwrap();
    got.lines.iter().map(number).collect()
}

#[tokio::test]
async fn lines_go_with_their_time_and_level_and_only_once() {
    let (url, got) = loki().await;
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path(), 1 << 20);
    let mut log = writer(&files);
    let labels = serde_json::json!({ "url": url, "labels": { "site": "north" }, "tenant": "t1", "user": "42", "secret": "loki" });
    let mut shipper = shipper(&files, labels);
    writeln!(log, "{}", line(0)).unwrap();
    writeln!(log, "{}", line(1)).unwrap();
    // A line that is still being written waits for its end.
    write!(log, "{{\"timestamp\":").unwrap();
    all(&mut shipper).await;
    all(&mut shipper).await;
    let mut seen = numbers(&got);
    seen.sort_unstable();
    assert_eq!(seen, [0, 1]);
    let got = got.lock().unwrap();
    assert_eq!(got.headers.len(), 1);
    assert_eq!(got.headers[0]["x-scope-orgid"], "t1");
    assert_eq!(got.headers[0]["authorization"], "Basic NDI6bG9raS1wYXNzd29yZA==");
    let labels: Vec<String> = got.streams.iter().map(Value::to_string).collect();
    assert_eq!(
        labels,
        [
            r#"{"app":"countersign","level":"info","program":"countersign","site":"north"}"#,
            r#"{"app":"countersign","level":"warn","program":"countersign","site":"north"}"#
        ]
    );
}

#[tokio::test]
async fn an_outage_a_crash_and_rotation_lose_no_line() {
    let (url, got) = loki().await;
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path(), 400);
    let mut log = writer(&files);
    let settings = serde_json::json!({ "url": url });
    for n in 0..40 {
        if n == 10 {
            // Refused for a time: the same lines again later, and as late as the server asks.
            got.lock().unwrap().answers = vec![503, 429];
            let mut first = shipper(&files, settings.clone());
            for _ in 0..2 {
                let (reason, asked) = first.step().await.unwrap_err();
                assert!(reason.contains("Loki answers"), "{reason}");
                assert_eq!(asked, Some(Duration::from_secs(7)));
            }
        }
        if n == 20 {
            // Another start goes on from the place that was kept; the file in use is renamed in between.
            all(&mut shipper(&files, settings.clone())).await;
        }
        writeln!(log, "{}", line(n)).unwrap();
    }
    all(&mut shipper(&files, settings)).await;
    let mut seen = numbers(&got);
    assert_eq!(seen.len(), 40, "each once: nothing crashed between answer and place");
    seen.sort_unstable();
    assert_eq!(seen, (0..40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_place_that_was_not_kept_sends_again_rather_than_not_at_all() {
    let (url, got) = loki().await;
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path(), 1 << 20);
    let mut log = writer(&files);
    writeln!(log, "{}", line(0)).unwrap();
    all(&mut shipper(&files, serde_json::json!({ "url": url }))).await;
    std::fs::write(dir.path().join("countersign.loki"), "half a pla").unwrap();
    all(&mut shipper(&files, serde_json::json!({ "url": url }))).await;
    assert_eq!(numbers(&got), [0, 0]);
}

#[tokio::test]
async fn what_is_refused_for_good_holds_up_nothing() {
    let (url, got) = loki().await;
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path(), 1 << 20);
    let mut log = writer(&files);
    let mut shipper = shipper(&files, serde_json::json!({ "url": url }));
    got.lock().unwrap().answers = vec![400];
    writeln!(log, "{}", line(0)).unwrap();
    all(&mut shipper).await;
    writeln!(log, "{}", line(1)).unwrap();
    all(&mut shipper).await;
    assert_eq!(numbers(&got), [1]);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path(), 1 << 20);
    let mut log = writer(&files);
    writeln!(log, "{}", line(0)).unwrap();
    // tcpmux: nobody listens there.
    let mut away = shipper(&files, serde_json::json!({ "url": "http://127.0.0.1:1" }));
    assert!(away.step().await.is_err());
    let (url, got) = loki().await;
    all(&mut shipper(&files, serde_json::json!({ "url": url }))).await;
    assert_eq!(numbers(&got), [0]);
}
