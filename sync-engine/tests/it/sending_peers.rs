//! Partners that keep state, and what we send them: an answer that is there already, a job that fails at the end, a
//! success of some lines only, a partner that holds something newer. Each ends in a state that says what is the matter.

use crate::exchange_world::{TestSecrets, confirm, fast, options, until};
use crate::partner_link::small;
use crate::partner_server::{Asked, Server, answer};
use crate::reading_world::{order, put};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync_engine::domain::{ChainState, DeliveryState, DocumentKind, PartnerId};
use sync_engine::engine::Engine;
use sync_engine::store::{DocumentRow, OperationRow};

/// Lists one order, and leaves everything else to `reply`.
pub async fn partner(reply: impl Fn(&Asked) -> Response<Body> + Send + Sync + 'static) -> Server {
    Server::start(move |asked| match asked.uri.path() {
        "/list" => answer(200, &[], json!({"items": [order("PO-1")]}).to_string()),
        _ => reply(asked),
    })
    .await
}

pub struct Sent {
    pub engine: Engine,
    pub row: DocumentRow,
    pub operation: OperationRow,
    _dir: tempfile::TempDir,
}

/// Confirms the order and waits until the operation is where it stays. Nothing but the answers settles it.
async fn confirmed(server: &Server, change: impl FnOnce(&mut Value), stays: DeliveryState) -> Sent {
    let mut config = small(&server.url);
    config.as_object_mut().unwrap().remove("idempotency");
    let operation = &mut config["operations"]["confirm"];
    operation.as_object_mut().unwrap().remove("lookup");
    operation["verify"]["everySeconds"] = json!(1);
    change(operation);
    confirmed_by(&config, stays).await
}

/// As `confirmed`, by a whole configuration.
pub async fn confirmed_by(config: &Value, stays: DeliveryState) -> Sent {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), config);
    let engine = Engine::start(options(dir.path(), &Arc::new(TestSecrets::default()), &fast()))
        .await
        .expect("an engine");
    let small = PartnerId("small".to_owned());
    let row = until("the order", || {
        let id = engine
            .store()
            .find_document(engine.company(), &small, DocumentKind::Order, "PO-1")
            .unwrap()?;
        engine.store().document(id).unwrap()
    })
    .await;
    let saved = engine
        .answer_order(row.id, row.current, confirm(), "user:clerk")
        .await
        .expect("saved");
    let operation = until(&format!("{stays:?}"), || {
        let operation = engine.store().operation(saved.id).unwrap()?;
        (operation.state == stays).then_some(operation)
    })
    .await;
    let row = engine.store().document(row.id).unwrap().expect("there");
    Sent {
        engine,
        row,
        operation,
        _dir: dir,
    }
}

impl Sent {
    pub fn told(&self) -> String {
        let error = self.operation.last_error.as_ref().expect("an error");
        format!("{} {}", error.code, error.message.as_deref().unwrap_or_default())
    }

    pub async fn end(self) {
        self.engine.stop(Duration::from_secs(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_there_already_is_delivered_with_one_effect() {
    let effects = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&effects);
    // It takes the answer, fails at saying so, and says at the second time that it has it.
    let server = partner(move |asked| {
        if asked.uri.path().starts_with("/job/") {
            return answer(200, &[], r#"{"state": "done"}"#);
        }
        match counted.fetch_add(1, Ordering::SeqCst) {
            0 => answer(503, &[], ""),
            _ => answer(400, &[], r#"{"code": "ALREADY_ACKNOWLEDGED", "id": "7"}"#),
        }
    })
    .await;
    let rules = json!({"alreadyDone": [{"status": 400, "when": ".code == \"ALREADY_ACKNOWLEDGED\""}]});
    let sent = confirmed(&server, |o| o["outcomes"] = rules, DeliveryState::Applied).await;
    assert_eq!(sent.row.state, ChainState::Confirmed);
    assert_eq!(effects.load(Ordering::SeqCst), 2, "sent twice, and taken once");
    sent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_at_the_end_is_a_dead_letter_with_the_partners_words() {
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    let server = partner(move |asked| {
        if asked.method == "POST" {
            return answer(202, &[], r#"{"id": "7"}"#);
        }
        match counted.fetch_add(1, Ordering::SeqCst) {
            0 => answer(200, &[], r#"{"state": "running"}"#),
            _ => answer(200, &[], r#"{"state": "failed", "detail": "The price is not agreed"}"#),
        }
    })
    .await;
    let sent = confirmed(&server, |_| {}, DeliveryState::Dead).await;
    assert_eq!(sent.told(), "partner.failed The price is not agreed");
    assert_eq!(looks.load(Ordering::SeqCst), 2, "looked at until it was final");
    let posts = server.asked().iter().filter(|a| a.method == "POST").count();
    assert_eq!(posts, 1, "never sent again by itself");
    sent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_success_of_some_lines_is_a_dead_letter_that_names_the_others() {
    let body = r#"{"id": "7", "lines": [{"n": 1, "ok": true}, {"n": 2, "ok": false, "message": "Item is blocked"}]}"#;
    let server = partner(move |_| answer(200, &[], body)).await;
    let results = json!({"each": ".lines[]", "id": ".n", "state": ".ok", "applied": ["true"]});
    let sent = confirmed(&server, |o| o["results"] = results, DeliveryState::Dead).await;
    assert_eq!(sent.told(), "partner.partly line 2: Item is blocked");
    assert_ne!(sent.row.state, ChainState::Confirmed, "nothing is agreed");
    let posts = server.asked().iter().filter(|a| a.method == "POST").count();
    assert_eq!(posts, 1, "lines that went through are not sent again");
    sent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_that_holds_something_newer_is_fetched_and_a_person_decides() {
    let asked_after = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked_after);
    let server = partner(move |asked| {
        noted.lock().unwrap().push(asked.method.to_string());
        answer(412, &[], r#"{"error": {"message": {"value": "Changed meanwhile"}}}"#)
    })
    .await;
    let sent = confirmed(&server, |_| {}, DeliveryState::Held).await;
    assert_eq!(sent.told(), "partner.conflict Changed meanwhile");
    assert_eq!(*asked_after.lock().unwrap(), ["POST"], "not sent again by itself");
    sent.end().await;
}
