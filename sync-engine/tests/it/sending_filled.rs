//! A partner that is written to in several requests for one answer, over connections that break and by a program that is
//! killed: it does every request as often as it comes, so each effect must be asked for once.

use crate::cli_program::{Running, countersign};
use crate::exchange_world::{PATIENCE, until};
use crate::partner_link::small;
use crate::partner_server::{Asked, Server, answer};
use crate::reading_world::put;
use crate::sandbox_trader::client;
use crate::sending_steps::{attempts, confirmed, key};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use sync_engine::domain::{ChainState, DeliveryState};

/// Takes an order in several requests, and every one as often as it comes: nothing but the engine keeps it from happening
/// twice.
#[derive(Default)]
struct Filled {
    /// Requests that came in, and what was done, by key.
    calls: usize,
    effects: Vec<(String, String)>,
}

impl Filled {
    fn done(&mut self, asked: &Asked) {
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
        let effect = format!("{} {}", asked.uri.path(), body["lines"]);
        self.effects.push((key(asked), effect.replace(" null", "")));
    }

    fn reply(&mut self, asked: &Asked) -> Response<Body> {
        let path = asked.uri.path();
        if asked.method == "GET" {
            let seen = self.effects.iter().any(|(key, _)| path.ends_with(key.as_str()));
            return match seen {
                true => answer(200, &[], r#"{"state": "open", "id": "7"}"#),
                false => answer(404, &[], "{}"),
            };
        }
        answer(201, &[], r#"{"id": "7"}"#)
    }

    fn check(&self) {
        let effects: Vec<_> = self.effects.iter().map(|(_, effect)| effect.as_str()).collect();
        assert_eq!(
            effects,
            [
                "/answers",
                "/answers/7/lines [\"1\",\"2\"]",
                "/answers/7/lines [\"3\"]",
                "/answers/7/close"
            ]
        );
    }
}

fn filled_order() -> Value {
    json!({"id": "PO-1", "lines": [{"n": "1", "qty": "1"}, {"n": "2", "qty": "1"}, {"n": "3", "qty": "1"}]})
}

fn fills(operation: &mut Value) {
    let lookup = json!({
        "request": {"path": "/seen/{.key}"}, "state": ".state", "taken": ["open"], "notSeen": [404]
    });
    *operation = json!({
        "maxLines": 2,
        "steps": [
            {"name": "create", "request": {"path": "/answers", "body": {"order": ".document.number"}},
             "receipt": {"id": ".body.id"}, "lookup": lookup},
            {"name": "lines", "each": ".chunks[]", "lookup": lookup,
             "request": {"path": "/answers/{.steps.create.id}/lines", "body": {"lines": ".part.lines | map(.id)"}}},
            {"name": "close", "lookup": lookup,
             "request": {"path": "/answers/{.steps.create.id}/close", "body": {"parts": ".steps.lines | length"}}}
        ]
    });
}

/// The connection breaks in the middle of the answer.
fn broken() -> Response<Body> {
    let cut = futures_util::stream::iter([Ok("{\"id"), Err(std::io::Error::other("cut"))]);
    answer(201, &[("content-length", "100")], Body::from_stream(cut))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_created_and_filled_over_connections_that_break() {
    let peer = Arc::new(Mutex::new(Filled::default()));
    let of_server = Arc::clone(&peer);
    let server = Server::start(move |asked| {
        if asked.uri.path() == "/list" {
            return answer(200, &[], json!({"items": [filled_order()]}).to_string());
        }
        let mut peer = of_server.lock().unwrap();
        if asked.method == "POST" {
            peer.calls += 1;
            // Each odd request is done and its answer lost; the fourth is lost before it is done.
            if peer.calls != 4 {
                peer.done(asked);
            }
            if peer.calls % 2 == 1 || peer.calls == 4 {
                return broken();
            }
        }
        peer.reply(asked)
    })
    .await;
    let sent = confirmed(&server, fills, DeliveryState::Delivered).await;
    peer.lock().unwrap().check();
    assert_eq!(sent.row.state, ChainState::Confirmed);
    assert_eq!(
        attempts(&sent),
        [
            "send create - Unknown",
            "lookup create 200 Delivered",
            "send lines 201 Delivered",
            "send lines - Unknown",
            "lookup lines 200 Delivered",
            "send close - Unknown",
            "lookup close 404 Retrying",
            "send close - Unknown",
            "lookup close 200 Delivered",
        ]
    );
    sent.end().await;
}

/// Ends the program the hard way. It may be quicker than the test that has just started it.
fn kill_at_once(program: &Mutex<Option<Running>>) {
    loop {
        let mut running = program.lock().unwrap();
        if let Some(one) = running.take() {
            // Dropped with the lock held: who sees it gone may rely on it.
            drop(one);
            return;
        }
        drop(running);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether the request of this number is done before the program is killed over it.
const KILLS: [(usize, bool); 5] = [(1, false), (2, true), (3, true), (4, false), (6, true)];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_is_filled_by_a_program_that_is_killed_at_every_step() {
    let peer = Arc::new(Mutex::new(Filled::default()));
    let program = Arc::new(Mutex::new(None::<Running>));
    let (of_server, victim) = (Arc::clone(&peer), Arc::clone(&program));
    let server = Server::start(move |asked| {
        if asked.uri.path() == "/list" {
            return answer(200, &[], json!({"items": [filled_order()]}).to_string());
        }
        let mut peer = of_server.lock().unwrap();
        if asked.method == "POST" {
            peer.calls += 1;
            let kills: BTreeMap<usize, bool> = KILLS.into();
            let kill = kills.get(&peer.calls).copied();
            if kill != Some(false) {
                peer.done(asked);
            }
            if kill.is_some() {
                kill_at_once(&victim);
            }
        }
        peer.reply(asked)
    })
    .await;
    let home = tempfile::tempdir().unwrap();
    let mut config = small(&server.url);
    config["streams"]["orders"]["everySeconds"] = json!(1);
    fills(&mut config["operations"]["confirm"]);
    put(&home.path().join("data"), &config);

    let mut operation = None;
    for life in 0..=KILLS.len() {
        let running = Running::start(countersign(home.path(), &["serve", "--port", "0", "--json"]));
        let (running, told) = tokio::task::spawn_blocking(move || {
            let told = running.told();
            (running, told)
        })
        .await
        .expect("it starts");
        *program.lock().unwrap() = Some(running);
        let api = Api::new(&told);
        if operation.is_none() {
            operation = Some(api.confirm().await);
        }
        if life < KILLS.len() {
            until("it is killed", || program.lock().unwrap().is_none().then_some(())).await;
            continue;
        }
        let id = operation.clone().expect("saved");
        api.delivered(&id).await;
    }
    let peer = peer.lock().unwrap();
    peer.check();
    assert_eq!(peer.calls, 6);
    drop(program.lock().unwrap().take());
}

/// A program's API, as its client sees it while the program may be killed.
struct Api {
    base: String,
    token: String,
    http: reqwest::Client,
}

impl Api {
    fn new(told: &Value) -> Self {
        Self {
            base: told["baseUrl"].as_str().expect("told").to_owned(),
            token: told["token"].as_str().expect("told").to_owned(),
            http: client(),
        }
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let url = format!("{}/api/v1/{path}", self.base);
        let answer = self.http.get(url).bearer_auth(&self.token).send().await.ok()?;
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    }

    async fn asked<T>(&self, path: &str, found: impl Fn(Option<Value>) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.get(path).await;
            if let Some(found) = found(seen.clone()) {
                return found;
            }
            assert!(Instant::now() < deadline, "{path}: {seen:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Confirms the order as soon as it is there; the id of the operation.
    async fn confirm(&self) -> String {
        let row = self
            .asked("documents?view=needsAnswer", |page| {
                page?["items"].as_array()?.first().cloned()
            })
            .await;
        let body = json!({"version": row["current"], "answer": {"code": "AP"}});
        let url = format!("{}/api/v1/documents/{}/answers", self.base, row["id"]);
        let request = self.http.post(url).bearer_auth(&self.token);
        let request = request
            .header("Content-Type", "application/json")
            .body(body.to_string());
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 201);
        let saved: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
        saved["id"].as_str().expect("an id").to_owned()
    }

    async fn delivered(&self, id: &str) {
        let path = format!("operations/{id}");
        self.asked(&path, |seen| (seen?["operation"]["state"] == "Delivered").then_some(()))
            .await;
    }
}
