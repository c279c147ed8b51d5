//! Operations of several requests, one of which begins a job that must end before the next: across a restart in between,
//! with a job that fails, and with one that never ends. What counts is what happened at the partner: each effect once.

use crate::exchange_world::{TestSecrets, confirm, fast, options, until};
use crate::partner_link::small;
use crate::partner_server::{Asked, Server, answer};
use crate::reading_world::put;
use crate::sending_peers::partner;
use axum::body::Body;
use axum::http::Response;
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync_engine::domain::{ChainState, DeliveryState, DocumentKind, OperationId, PartnerId};
use sync_engine::engine::Engine;
use sync_engine::store::{DocumentRow, OperationRow};

/// A partner that works on what begins for as long as the test says.
#[derive(Default)]
struct Works {
    /// What each look at a job is told, one after another; the last one stays.
    states: Vec<&'static str>,
    /// Keys of what began, and results that were handed in.
    begun: Vec<String>,
    finished: Vec<String>,
    looks: usize,
}

impl Works {
    fn reply(&mut self, asked: &Asked) -> Response<Body> {
        match (asked.method.as_str(), asked.uri.path()) {
            ("POST", "/begin") => {
                self.begun
                    .push(asked.headers["idempotency-key"].to_str().unwrap().to_owned());
                answer(202, &[], json!({"job": format!("j{}", self.begun.len())}).to_string())
            }
            ("GET", path) if path.starts_with("/jobs/j") => {
                self.looks += 1;
                let state = if self.states.len() > 1 {
                    self.states.remove(0)
                } else {
                    self.states[0]
                };
                let result = format!("r-of-{}", &path["/jobs/".len()..]);
                answer(
                    200,
                    &[],
                    json!({"state": state, "result": result, "why": "Out of stock"}).to_string(),
                )
            }
            ("POST", path) => {
                self.finished.push(path.to_owned());
                answer(200, &[], "{}")
            }
            (method, path) => panic!("{method} {path}"),
        }
    }
}

struct Shop {
    works: Arc<Mutex<Works>>,
    _server: Server,
    dir: tempfile::TempDir,
}

async fn engine(dir: &Path) -> Engine {
    let options = options(dir, &Arc::new(TestSecrets::default()), &fast());
    Engine::start(options).await.expect("an engine")
}

impl Shop {
    async fn with(states: &[&'static str]) -> (Self, Engine) {
        let works = Arc::new(Mutex::new(Works {
            states: states.to_vec(),
            ..Works::default()
        }));
        let of_server = Arc::clone(&works);
        let server = partner(move |asked| of_server.lock().unwrap().reply(asked)).await;
        let dir = tempfile::tempdir().unwrap();
        let mut config = small(&server.url);
        config["operations"]["confirm"] = json!({"steps": [
            {
                "name": "begin",
                "request": {"path": "/begin", "body": {"order": ".document.number"}},
                "receipt": {"job": ".body.job"},
                "verify": {
                    "request": {"path": "/jobs/{.receipt.job}"}, "state": ".state", "applied": ["DONE"],
                    "failed": ["FAILED"], "errorText": ".why", "everySeconds": 1, "receipt": {"result": ".body.result"}
                }
            },
            {"name": "finish", "request": {"path": "/finish/{.steps.begin.job}/{.steps.begin.result}", "body": {}}}
        ]});
        put(dir.path(), &config);
        let engine = engine(dir.path()).await;
        (
            Self {
                works,
                _server: server,
                dir,
            },
            engine,
        )
    }

    async fn confirms(&self, engine: &Engine) -> OperationRow {
        let row = until("the order", || order_of(engine)).await;
        let saved = engine.answer_order(row.id, row.current, confirm(), "user:clerk").await;
        saved.expect("saved")
    }
}

fn order_of(engine: &Engine) -> Option<DocumentRow> {
    let small = PartnerId("small".to_owned());
    let id = engine
        .store()
        .find_document(engine.company(), &small, DocumentKind::Order, "PO-1")
        .unwrap()?;
    engine.store().document(id).unwrap()
}

async fn reaches(engine: &Engine, id: OperationId, state: DeliveryState) -> OperationRow {
    until(&format!("{state:?}"), || {
        let operation = engine.store().operation(id).unwrap()?;
        (operation.state == state).then_some(operation)
    })
    .await
}

fn attempts(engine: &Engine, id: OperationId) -> Vec<String> {
    let attempts = engine.store().attempts(id).expect("readable");
    attempts.iter().map(|a| format!("{} {:?}", a.step, a.result)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_request_goes_once_the_job_has_ended() {
    let (shop, engine) = Shop::with(&["QUEUED", "RUNNING", "DONE"]).await;
    let saved = shop.confirms(&engine).await;
    reaches(&engine, saved.id, DeliveryState::Delivered).await;
    assert_eq!(
        attempts(&engine, saved.id),
        [
            "send begin Delivered",
            "job begin Retrying",
            "job begin Retrying",
            "job begin Delivered",
            "send finish Delivered"
        ]
    );
    assert_eq!(shop.works.lock().unwrap().finished, ["/finish/j1/r-of-j1"]);
    assert_eq!(order_of(&engine).unwrap().state, ChainState::Confirmed);
    engine.stop(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_goes_on_across_a_restart_and_nothing_begins_twice() {
    let (shop, engine) = Shop::with(&["RUNNING"]).await;
    let saved = shop.confirms(&engine).await;
    until("a look at the job", || {
        (shop.works.lock().unwrap().looks > 0).then_some(())
    })
    .await;
    assert_ne!(
        order_of(&engine).unwrap().state,
        ChainState::Confirmed,
        "nothing is agreed yet"
    );
    engine.stop(Duration::ZERO).await;
    drop(engine);
    shop.works.lock().unwrap().states = vec!["DONE"];
    let engine = self::engine(shop.dir.path()).await;
    reaches(&engine, saved.id, DeliveryState::Delivered).await;
    {
        let works = shop.works.lock().unwrap();
        assert_eq!(
            (works.begun.len(), &works.finished[..]),
            (1, &["/finish/j1/r-of-j1".to_owned()][..])
        );
    }
    assert_eq!(order_of(&engine).unwrap().state, ChainState::Confirmed);
    engine.stop(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_ends_the_operation_before_the_next_request() {
    let (shop, engine) = Shop::with(&["RUNNING", "FAILED"]).await;
    let saved = shop.confirms(&engine).await;
    let dead = reaches(&engine, saved.id, DeliveryState::Dead).await;
    let error = dead.last_error.expect("why");
    assert_eq!(
        (error.code.as_str(), error.message.as_deref()),
        ("partner.failed", Some("Out of stock"))
    );
    assert_ne!(order_of(&engine).unwrap().state, ChainState::Confirmed);
    assert!(shop.works.lock().unwrap().finished.is_empty(), "it stopped there");

    // A person sends it once more: the job that failed is begun anew, under a key of its own.
    shop.works.lock().unwrap().states = vec!["DONE"];
    let replayed = engine.retry_operation(saved.id, "user:clerk").await.expect("replayed");
    reaches(&engine, replayed.id, DeliveryState::Delivered).await;
    {
        let works = shop.works.lock().unwrap();
        assert_eq!(
            (works.begun.len(), &works.finished[..]),
            (2, &["/finish/j2/r-of-j2".to_owned()][..])
        );
        assert_ne!(works.begun[0], works.begun[1]);
    }
    engine.stop(Duration::from_secs(20)).await;
}
