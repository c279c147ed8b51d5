//! `countersign serve`, killed again and again in the middle of polling, saving and delivering, against a sandbox that
//! lives on: answers to its orders, and orders, changes and delivery notes that we issue. Nothing that was acknowledged is lost, the partner sees no effect twice, the database is whole.

use crate::cli_program::{Running, countersign};
use crate::exchange_world::{sandbox_options, write_config};
use crate::sandbox_trader::client;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use sync_engine::partner::{FileSecrets, Secret, Secrets};
use sync_engine::sandbox::{Fault, FaultKind, OrderSpec, Sandbox};
use sync_engine::store::{SqliteStore, Store};

/// How often it is killed unless `COUNTERSIGN_KILLS` says so.
const KILLS: u32 = 200;
/// Orders that may wait for an answer before no more are issued.
const BACKLOG: usize = 40;
/// Documents that we issue at most: orders, changes of them, delivery notes, each a third.
const ISSUED: u32 = 450;
/// After the last kill everything has to come to its end within this.
const DRAIN: Duration = Duration::from_secs(180);

/// What the program said is saved: operation, and which version of what it answers or issues.
#[derive(Default)]
struct Acknowledged {
    answers: Mutex<BTreeMap<String, (String, u32)>>,
    issued: Mutex<BTreeMap<String, (String, u32)>>,
    tried: AtomicU32,
}

impl Acknowledged {
    fn issued(&self, saved: Option<(u16, Value)>) {
        if let Some((201, operation)) = saved {
            let text = |name: &str| operation[name].as_str().expect("text").to_owned();
            let version = operation["version"].as_u64().expect("a number");
            let version = u32::try_from(version).expect("small");
            let mut all = self.issued.lock().expect("not poisoned");
            all.insert(text("id"), (text("documentNumber"), version));
        }
    }
}

/// `countersign serve`.
pub struct Program {
    running: Mutex<Option<Running>>,
    base: String,
    token: String,
    http: reqwest::Client,
}

impl Program {
    pub fn start(home: &Path) -> Running {
        let mut command = countersign(home, &["serve", "--port", "0", "--json"]);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(home.join("serve.log"));
        command.stderr(log.expect("a log"));
        Running::start(command)
    }

    pub fn ready(running: Running, home: &Path) -> Self {
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| running.told()));
        let told = told.unwrap_or_else(|_| {
            let log = std::fs::read_to_string(home.join("serve.log")).unwrap_or_default();
            let end = log.len().saturating_sub(3000);
            panic!("it did not start: {}", log.get(end..).unwrap_or(&log));
        });
        let text = |name: &str| told[name].as_str().expect("told").to_owned();
        Self {
            base: text("baseUrl"),
            token: text("token"),
            http: client(),
            running: Mutex::new(Some(running)),
        }
    }

    /// SIGKILL.
    pub fn kill(&self) {
        drop(self.running.lock().expect("not poisoned").take());
    }

    pub async fn get(&self, path: &str) -> Option<Value> {
        let request = self
            .http
            .get(format!("{}/api/v1/{path}", self.base))
            .bearer_auth(&self.token);
        let response = request.send().await.ok()?;
        serde_json::from_slice(&response.bytes().await.ok()?).ok()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let request = self
            .http
            .post(format!("{}/api/v1/{path}", self.base))
            .bearer_auth(&self.token);
        let request = request
            .header("Content-Type", "application/json")
            .body(body.to_string());
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, serde_json::from_slice(&response.bytes().await.ok()?).ok()?))
    }
}

/// Small numbers that look random and are the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn trouble() -> Vec<Fault> {
    let post = |fault: Fault| Fault {
        method: Some("POST".to_owned()),
        ..fault.on("/api/operations")
    };
    let slow = Fault {
        milliseconds: Some(40),
        ..Fault::sometimes(FaultKind::Slow, 0.5)
    };
    vec![
        slow,
        post(Fault::sometimes(FaultKind::DropAfter, 0.08)),
        post(Fault::sometimes(FaultKind::DropBefore, 0.05)),
        post(Fault::sometimes(FaultKind::ServerError, 0.05)),
        Fault::sometimes(FaultKind::Duplicated, 0.1),
        Fault::sometimes(FaultKind::Reordered, 0.1),
        Fault::sometimes(FaultKind::ServerError, 0.03).on("/api/purchase-orders"),
    ]
}

/// Answers what needs one until the program is killed, and keeps what was acknowledged.
async fn clerk(program: Arc<Program>, acknowledged: Arc<Acknowledged>) {
    loop {
        let Some(page) = program.get("documents?view=needsAnswer&limit=20").await else {
            return;
        };
        let rows = page["items"].as_array().cloned().unwrap_or_default();
        let mut answers = tokio::task::JoinSet::new();
        for row in rows {
            let (program, acknowledged) = (Arc::clone(&program), Arc::clone(&acknowledged));
            answers.spawn(async move {
                let number = row["number"].as_str().unwrap_or_default().to_owned();
                let version = row["current"].as_u64().unwrap_or_default();
                let rejects = number.bytes().last().is_some_and(|b| b % 5 == 0);
                let answer = if rejects {
                    json!({ "code": "RE", "reason": { "code": "DEL" } })
                } else {
                    json!({ "code": "AP" })
                };
                let body = json!({ "version": version, "answer": answer });
                let saved = program.post(&format!("documents/{}/answers", row["id"]), &body).await;
                if let Some((201, operation)) = saved {
                    let id = operation["id"].as_str().expect("an id").to_owned();
                    let mut all = acknowledged.answers.lock().expect("not poisoned");
                    all.insert(id, (number, u32::try_from(version).expect("small")));
                }
            });
        }
        while answers.join_next().await.is_some() {}
        if issue_one(&program, &acknowledged).await.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A new order, a change of one that is confirmed, or a delivery note for one that we confirmed. `None`: it was killed.
async fn issue_one(program: &Program, acknowledged: &Acknowledged) -> Option<()> {
    let turn = acknowledged.tried.fetch_add(1, Ordering::Relaxed);
    if turn >= ISSUED {
        return Some(());
    }
    if turn.is_multiple_of(3) {
        let order = json!({
            "number": format!("K-{turn:04}"), "currency": "EUR", "buyer": {"name": "We"}, "seller": {"name": "They"},
            "lines": [{"id": "1", "item": {"sellerId": "A-100"}, "quantity": "10", "unit": "C62", "price": "1.50"}]
        });
        let body = json!({ "partner": "sandbox", "kind": "Order", "document": order });
        acknowledged.issued(program.post("documents", &body).await);
        return Some(());
    }
    let side = if turn % 3 == 1 { "Buyer" } else { "Seller" };
    let page = program
        .get("documents?view=all&kind=Order&state=Confirmed&limit=200")
        .await?;
    let rows = page["items"].as_array().cloned().unwrap_or_default();
    let rows: Vec<_> = rows.iter().filter(|row| row["side"] == side).collect();
    let Some(row) = rows.get(turn as usize % rows.len().max(1)) else {
        return Some(());
    };
    let (id, current) = (&row["id"], &row["current"]);
    let version = program.get(&format!("documents/{id}/versions/{current}")).await?;
    let mut order = version["document"]["Order"].clone();
    if side == "Buyer" {
        order["lines"][0]["quantity"] = json!((10 + turn).to_string());
        let body = json!({ "version": current, "document": order });
        acknowledged.issued(program.post(&format!("documents/{id}/versions"), &body).await);
        return Some(());
    }
    let line = &order["lines"][0];
    let note = json!({
        "number": format!("KN-{turn:04}"), "buyer": order["buyer"], "seller": order["seller"],
        "lines": [{
            "id": "1", "orderNumber": order["number"], "orderLineId": line["id"], "item": line["item"],
            "unit": line["unit"], "delivered": "1"
        }]
    });
    let body = json!({ "partner": "sandbox", "kind": "DespatchAdvice", "document": note });
    acknowledged.issued(program.post("documents", &body).await);
    Some(())
}

fn issue(sandbox: &Sandbox, acknowledged: &Acknowledged, dice: &mut Dice) {
    let state = sandbox.state();
    let answered = acknowledged.answers.lock().expect("not poisoned").len();
    if state.counts.order_versions.saturating_sub(answered) < BACKLOG {
        let spec = OrderSpec {
            count: Some(4),
            lines: Some(1 + usize::try_from(dice.below(3)).expect("small")),
            ..OrderSpec::default()
        };
        sandbox.issue_order(&spec).expect("issued");
    }
    if dice.below(3) == 0
        && let Some(order) = state
            .orders
            .get(usize::try_from(dice.below(1 + state.orders.len() as u64)).expect("small"))
    {
        sandbox.change_order(&order.number).expect("changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_happens_twice() {
    let kills: u32 = std::env::var("COUNTERSIGN_KILLS").map_or(KILLS, |n| n.parse().expect("a number"));
    let begun = Instant::now();
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("data");
    let sandbox = Sandbox::start(sandbox_options()).await.expect("a sandbox");
    std::fs::create_dir_all(data.join("partners")).expect("a folder");
    write_config(&data.join("partners"), &sandbox.url(), |config| {
        config["streams"]["orders"]["everySeconds"] = 1.into();
    });
    let secrets = FileSecrets::new(data.join("secrets.json"));
    secrets
        .set("sandbox.client_secret", Secret::new("sandbox-secret".to_owned()))
        .expect("kept");
    sandbox.set_faults(trouble());

    let acknowledged = Arc::new(Acknowledged::default());
    let mut dice = Dice(7);
    for _ in 0..kills {
        issue(&sandbox, &acknowledged, &mut dice);
        let running = Program::start(home.path());
        if dice.below(6) == 0 {
            // While it starts, migrates, loads, takes over.
            tokio::time::sleep(Duration::from_millis(dice.below(250))).await;
            drop(running);
            continue;
        }
        let at = home.path().to_owned();
        let program = Arc::new(
            tokio::task::spawn_blocking(move || Program::ready(running, &at))
                .await
                .expect("it starts"),
        );
        let clerk = tokio::spawn(clerk(Arc::clone(&program), Arc::clone(&acknowledged)));
        tokio::time::sleep(Duration::from_millis(80 + dice.below(700))).await;
        // The clerk's last requests are cut off with it.
        tokio::task::spawn_blocking(move || program.kill())
            .await
            .expect("killed");
        clerk.await.expect("the clerk ends");
    }
    let killed_for = begun.elapsed();

    sandbox.set_faults(Vec::new());
    let running = Program::start(home.path());
    let at = home.path().to_owned();
    let program = tokio::task::spawn_blocking(move || Program::ready(running, &at))
        .await
        .expect("it starts");
    drained(&program, &sandbox).await;
    program.kill();
    check(&data, &sandbox, &acknowledged);
    let answers = acknowledged.answers.lock().expect("not poisoned").len();
    let kinds = issued_kinds(&acknowledged, &sandbox);
    println!("killed for {killed_for:?}, {:?}", sandbox.state().counts);
    crate::evidence::ran(
        "kill::nothing_is_lost_and_nothing_happens_twice",
        &format!("{kills} kills, {answers} answers acknowledged, issued {kinds:?}"),
    );
    // After a few kills only there is nothing confirmed yet to be changed.
    let wanted = ["submit", "update", "despatch"];
    assert!(
        kills < KILLS || wanted.iter().all(|kind| kinds.contains_key(*kind)),
        "{kinds:?}"
    );
}

/// Waits until all that the partner issued is here and nothing is on its way; what waits for its time is hastened.
async fn drained(program: &Program, sandbox: &Sandbox) {
    let deadline = Instant::now() + DRAIN;
    loop {
        let mut left = BTreeSet::new();
        for state in ["Queued", "Sending", "Retrying", "Unknown", "Delivered"] {
            let page = program
                .get(&format!("operations?state={state}&limit=200"))
                .await
                .expect("it answers");
            for row in page["items"].as_array().expect("rows") {
                let id = row["id"].as_str().expect("an id").to_owned();
                if matches!(state, "Retrying" | "Unknown") {
                    program.post(&format!("operations/{id}/retry"), &Value::Null).await;
                }
                left.insert(format!("{id} {state} {}", row["lastError"]));
            }
        }
        let documents = program.get("counters").await.expect("it answers")["documents"].as_u64();
        let state = sandbox.state();
        let ours = state
            .operations
            .iter()
            .filter(|o| matches!(o.operation.as_str(), "submit" | "despatch"));
        let ours: BTreeSet<_> = ours.map(|o| o.number.as_str()).collect();
        let all_here = documents == Some((state.counts.orders + ours.len()) as u64);
        if left.is_empty() && all_here {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "not drained: {documents:?} documents, {left:#?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// How many of each kind the program said were saved, and the partner has.
fn issued_kinds(acknowledged: &Acknowledged, sandbox: &Sandbox) -> BTreeMap<String, usize> {
    let issued = acknowledged.issued.lock().expect("not poisoned");
    let mut kinds = BTreeMap::new();
    for operation in sandbox.state().operations {
        if issued.contains_key(&operation.key) {
            *kinds.entry(operation.operation).or_default() += 1;
        }
    }
    kinds
}

fn check(data: &Path, sandbox: &Sandbox, acknowledged: &Acknowledged) {
    let store = SqliteStore::open(data.join("countersign.db")).expect("it opens");
    let state = sandbox.state();
    for effect in &state.effects {
        assert_eq!(effect.count, 1, "an effect happened twice: {effect:?}");
    }
    let at_partner: BTreeMap<_, _> = state.operations.iter().map(|o| (o.key.as_str(), o)).collect();
    let mut all = acknowledged.answers.lock().expect("not poisoned").clone();
    all.append(&mut acknowledged.issued.lock().expect("not poisoned").clone());
    for (id, (number, version)) in &all {
        let operation = store.operation(id.parse().map(sync_engine::domain::OperationId).expect("an id"));
        let operation = operation
            .expect("readable")
            .unwrap_or_else(|| panic!("lost: {id} on {number}"));
        assert_eq!(
            (operation.document_number.as_str(), operation.version.0),
            (number.as_str(), *version)
        );
        use sync_engine::domain::DeliveryState as S;
        match operation.state {
            S::Applied => assert!(at_partner.contains_key(id.as_str()), "{id} is not at the partner"),
            // Its version was superseded before it left: the clerk is asked.
            S::Held => assert!(
                !at_partner.contains_key(id.as_str()),
                "{id} is held, and the partner has it"
            ),
            // Its order was changed after the partner took it and before it took effect: the partner says so.
            S::Dead
                if operation
                    .last_error
                    .as_ref()
                    .is_some_and(|e| e.code == "partner.failed") =>
            {
                assert_eq!(at_partner[id.as_str()].status, "FAILED", "{id}");
            }
            other => panic!("{id} ended {other:?}: {:?}", operation.last_error),
        }
    }
    let company = sync_engine::domain::CompanyId("main".to_owned());
    let partner = sync_engine::domain::PartnerId("sandbox".to_owned());
    for order in &state.orders {
        let kind = sync_engine::domain::DocumentKind::Order;
        let id = store
            .find_document(&company, &partner, kind, &order.number)
            .expect("readable");
        let versions = store.versions(id.expect("every order arrived")).expect("readable");
        let theirs: BTreeSet<_> = versions.iter().filter_map(|v| v.sequence).collect();
        assert_eq!(theirs.len(), order.versions.len(), "versions of {}", order.number);
    }
    assert_eq!(store.verify_audit().expect("readable").broken_at, None);
    let backup = store.backup(&data.join("copy.db")).expect("copied");
    assert_eq!(backup.integrity, "ok");
    let report = store.doctor().expect("readable");
    assert_eq!(
        (report.journal_mode.as_str(), report.quick_check.as_str()),
        ("wal", "ok")
    );
    store.close();
}
