//! Partners that mean no good, or were written without care: each ends in a clear state within its limit, the memory
//! stays small, and no other partner waits.

use crate::exchange_world::{fast, options, until};
use crate::partner_link::small;
use crate::partner_server::{Asked, Server, answer};
use crate::reading_world::{counters, engine, order, put, sync};
use axum::body::Body;
use axum::http::Response;
use flate2::{Compression, write::GzEncoder};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use sync_engine::engine::{Engine, EngineOptions};
use sync_engine::partner::{Secret, SecretError, Secrets};

/// What comes of each: a code, or a document in quarantine.
const KINDS: &[(&str, &str)] = &[
    ("endless", "limit.pages"),
    ("same", "limit.loop"),
    ("many", "limit.items"),
    ("large", "limit.body"),
    ("bomb", "limit.body"),
    ("shell", "partner.page"),
    ("html", "partner.page"),
    ("slow", "partner.timeout"),
    ("away", "partner.redirect"),
    ("elsewhere", "partner.foreign_link"),
    ("deep", "quarantine"),
    ("values", "quarantine"),
    ("expression", "quarantine"),
    ("details", "limit.page"),
];

type Chunk = Result<Vec<u8>, std::io::Error>;

fn hostile(asked: &Asked) -> Response<Body> {
    let page = |items: Value, next: Value| answer(200, &[], json!({"items": items, "next": next}).to_string());
    let count = asked
        .uri
        .query()
        .and_then(|q| q.rsplit_once('='))
        .map_or(0, |(_, n)| n.parse().unwrap_or(0));
    match asked.uri.path().split('/').nth(1).unwrap() {
        "endless" => page(
            json!([order(format!("endless-{count}"))]),
            json!((count + 1).to_string()),
        ),
        "same" => page((0..30).map(|n| order(format!("same-{n}"))).collect(), Value::Null),
        "many" => page((0..20_000).map(|_| json!({})).collect(), Value::Null),
        // As much as anyone takes.
        "large" => answer(
            200,
            &[],
            Body::from_stream(futures_util::stream::repeat_with(|| Chunk::Ok(vec![b' '; 65_536])).take(800)),
        ),
        "bomb" => answer(200, &[("content-encoding", "gzip")], bomb()),
        "shell" => answer(200, &[], format!(r#"{{"items":[],"x":[0{}]}}"#, ",0".repeat(2_000_000))),
        "html" => answer(200, &[("content-type", "text/html")], "<html>Sign in, please</html>"),
        // A byte now and then, for ever.
        "slow" => {
            let drip = futures_util::stream::repeat_with(|| ()).then(|()| async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Chunk::Ok(vec![b' '])
            });
            answer(200, &[], Body::from_stream(drip))
        }
        "away" => answer(302, &[("location", "https://files.other.example/list")], ""),
        "elsewhere" => page(json!([order("elsewhere")]), json!("https://files.other.example/list")),
        "deep" => answer(
            200,
            &[],
            format!(r#"{{"items":[{}{}]}}"#, "[".repeat(200_000), "]".repeat(200_000)),
        ),
        "values" => answer(
            200,
            &[],
            format!(r#"{{"items":[{{"id":"v","x":[0{}]}}]}}"#, ",0".repeat(4_000_000)),
        ),
        "expression" => answer(
            200,
            &[],
            format!(r#"{{"items":[{{"id":"e","n":[0{}]}}]}}"#, ",0".repeat(3_000)),
        ),
        "details" if asked.uri.path().ends_with("/list") => {
            page((0..100).map(|n| json!({"ref": n})).collect(), Value::Null)
        }
        "details" => answer(200, &[], format!(r#"{{"id":"d","x":"{}"}}"#, "x".repeat(4_000_000))),
        other => panic!("{other}"),
    }
}

/// 60 MB of JSON in 60 kB.
fn bomb() -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(br#"{"items":["#).unwrap();
    (0..60).for_each(|_| gzip.write_all(&vec![b' '; 1_000_000]).unwrap());
    gzip.write_all(b"]}").unwrap();
    gzip.finish().unwrap()
}

fn configure(dir: &Path, url: &str) {
    for (kind, _) in KINDS {
        let mut config = small(&format!("{url}/{kind}"));
        config["id"] = format!("bad-{kind}").into();
        config["limits"] = json!({"maxPages": 20, "requestSeconds": 30});
        let stream = &mut config["streams"]["orders"];
        match *kind {
            "same" => {
                stream["paging"] = json!({"type": "offset", "limit": 10});
                stream["request"] = json!({"path": "/list", "query": {"offset": ".offset", "limit": ".limit"}});
            }
            "elsewhere" => stream["paging"] = json!({"type": "url", "next": ".next"}),
            "expression" => {
                stream["map"]["number"] = "[.n[] as $a | .n[] as $b | .n[] as $c | $a] | length | tostring".into();
            }
            "details" => {
                stream["detail"] = json!({"request": {"path": "/{.stub.ref}"}, "concurrency": 8});
            }
            "slow" => config["limits"]["requestSeconds"] = json!(1),
            _ => {}
        }
        put(dir, &config);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_ends_in_a_clear_state_and_no_other_partner_waits() {
    let server = Server::start(hostile).await;
    let good = Server::start(|_| answer(200, &[], json!({"items": [order("good")]}).to_string())).await;
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), &server.url);
    let mut waits = small(&format!("{}/slow", server.url));
    waits["id"] = "bad-waits".into();
    waits["limits"] = json!({"requestSeconds": 60});
    put(dir.path(), &waits);
    let mut config = small(&good.url);
    config["id"] = "good".into();
    put(dir.path(), &config);
    let engine = engine(dir.path()).await;

    let waiting = {
        let engine = engine.clone();
        tokio::spawn(async move { sync(&engine, "bad-waits").await })
    };
    let bad = KINDS.iter().map(|(kind, expected)| {
        let (engine, partner) = (engine.clone(), format!("bad-{kind}"));
        tokio::spawn(async move { (*kind, *expected, sync(&engine, &partner).await) })
    });
    let bad: Vec<_> = bad.collect();
    let report = sync(&engine, "good").await.unwrap();
    assert_eq!(report.versions, 1);
    assert!(!waiting.is_finished(), "the other one is still being waited for");
    for ended in bad {
        let (kind, expected, result) = ended.await.unwrap();
        match result {
            Ok(report) => assert_eq!((expected, report.quarantined), ("quarantine", 1), "{kind}: {report:?}"),
            Err(code) => assert_eq!(code, expected, "{kind}"),
        }
    }
    // What came before the limit was met is here, and nothing else.
    assert_eq!(counters(&engine).quarantine, 3);
    engine.stop(Duration::from_secs(20)).await;
    waiting.abort();
}

/// Breaks off inside the program when it is asked for the first time.
#[derive(Default)]
struct FaultySecrets(AtomicUsize);

impl Secrets for FaultySecrets {
    fn get(&self, _: &str) -> Result<Secret, SecretError> {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "on purpose");
        Ok(Secret::new("key".to_owned()))
    }

    fn set(&self, _: &str, _: Secret) -> Result<(), SecretError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_while_a_partner_is_asked_ends_that_run_alone() {
    let server = Server::start(|_| answer(200, &[], json!({"items": [order("1")]}).to_string())).await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = small(&server.url);
    config["auth"] = json!({"type": "key", "header": "X-Key", "value": {"secret": "key"}});
    put(dir.path(), &config);
    let secrets = Arc::new(FaultySecrets::default());
    let options = EngineOptions {
        secrets: Arc::clone(&secrets) as Arc<dyn Secrets>,
        ..options(dir.path(), &Arc::default(), &fast())
    };
    let engine = Engine::start(options).await.expect("an engine");
    until("the order", || (counters(&engine).documents == 1).then_some(())).await;
    assert!(secrets.0.load(Ordering::Relaxed) > 1, "the first run broke off");
    engine.stop(Duration::from_secs(20)).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_stays_small() {
    let server = Server::start(hostile).await;
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), &server.url);
    let partners = dir.path().join("partners");
    let arguments = [
        "sync",
        "--no-deliver",
        "--json",
        "--partners-dir",
        partners.to_str().unwrap(),
    ];
    let mut command = crate::cli_program::countersign(dir.path(), &arguments);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let ended = crate::exchange_world::until("the end of the run", || {
        peak_kib = peak(&status).unwrap_or(peak_kib);
        child.try_wait().unwrap()
    })
    .await;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut text).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text} {ended}"));
    assert_eq!(report["partners"].as_array().unwrap().len(), KINDS.len());
    println!(
        "peak memory with {} hostile partners: {} MiB",
        KINDS.len(),
        peak_kib / 1024
    );
    assert!(peak_kib > 0 && peak_kib < 200 * 1024, "{peak_kib} KiB");
}

/// The most memory that the process ever had, in KiB.
#[cfg(target_os = "linux")]
fn peak(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
