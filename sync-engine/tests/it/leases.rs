//! Leases on a clock that the test owns: kept for as long as a long exchange takes, and taken over once they are over.
//! What counts is what happened at the partner: each effect once, and nothing written by an engine whose time is up.

use crate::exchange_world::{PATIENCE, TestSecrets, confirm, fast, options, until};
use crate::partner_link::small;
use crate::reading_world::{order, put, sync};
use axum::Router;
use axum::extract::{Path as AxumPath, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync_engine::clock::{Clock, Sleep, SystemClock};
use sync_engine::domain::{ChainState, DeliveryState, DocumentKind, OperationId, PartnerId, Timestamp};
use sync_engine::engine::{Engine, EngineOptions};
use sync_engine::store::{DocumentQuery, DocumentRow, DocumentView};
use tokio::sync::{Semaphore, watch};

/// Time passes when the test says so.
struct Hand(watch::Sender<i64>);

impl Hand {
    fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(SystemClock.now().0)))
    }

    fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.0.send_modify(|now| *now += by);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(*self.0.borrow())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let end = *self.0.borrow() + i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2);
        let mut seen = self.0.subscribe();
        Box::pin(async move {
            let _ = seen.wait_for(|now| *now >= end).await;
        })
    }

    fn random(&self) -> u64 {
        SystemClock.random()
    }
}

/// What happened at the partner; what it is asked there (a step, a page) may wait at its gate, once.
struct Partner {
    effects: Mutex<Vec<(String, String)>>,
    looks: Mutex<Vec<String>>,
    pages: Mutex<Vec<String>>,
    holds: Mutex<Option<&'static str>>,
    /// Answered with a refusal, once.
    refuses: Mutex<Option<&'static str>>,
    gate: Semaphore,
}

type Shared = State<Arc<Partner>>;

impl Partner {
    async fn wait(&self, what: &str) {
        let held = self.holds.lock().unwrap().take_if(|held| *held == what).is_some();
        if held {
            self.gate.acquire().await.expect("open").forget();
        }
    }

    fn names(&self) -> Vec<String> {
        self.effects
            .lock()
            .unwrap()
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    }
}

async fn listed(State(partner): Shared, uri: Uri) -> String {
    let query = uri.query().unwrap_or_default();
    let page = query
        .split('&')
        .find_map(|q| q.strip_prefix("next="))
        .unwrap_or("1")
        .to_owned();
    partner.pages.lock().unwrap().push(page.clone());
    partner.wait(&format!("page {page}")).await;
    let next = match page.as_str() {
        "1" => Some("2"),
        "2" => Some("3"),
        _ => None,
    };
    json!({"items": [order(format!("PO-{page}"))], "next": next}).to_string()
}

async fn step(State(partner): Shared, AxumPath(name): AxumPath<String>, headers: HeaderMap) -> StatusCode {
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    if partner
        .refuses
        .lock()
        .unwrap()
        .take_if(|refused| *refused == name)
        .is_some()
    {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    partner.effects.lock().unwrap().push((name.clone(), key));
    partner.wait(&name).await;
    StatusCode::OK
}

async fn seen(State(partner): Shared, AxumPath((name, key)): AxumPath<(String, String)>) -> (StatusCode, String) {
    partner.looks.lock().unwrap().push(name.clone());
    match partner.effects.lock().unwrap().contains(&(name, key)) {
        true => (StatusCode::OK, json!({"state": "taken"}).to_string()),
        false => (StatusCode::NOT_FOUND, "{}".to_owned()),
    }
}

struct World {
    partner: Arc<Partner>,
    dir: tempfile::TempDir,
}

impl World {
    async fn start(holds: Option<&'static str>) -> Self {
        let partner = Arc::new(Partner {
            effects: Mutex::default(),
            looks: Mutex::default(),
            pages: Mutex::default(),
            holds: Mutex::new(holds),
            refuses: Mutex::default(),
            gate: Semaphore::new(0),
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut config = small(&format!("http://{}", listener.local_addr().unwrap()));
        let step = |name: &str| {
            json!({
                "name": name, "request": {"path": format!("/s/{name}"), "body": {"order": ".document.number"}},
                "lookup": {
                    "request": {"path": format!("/seen/{name}/{{.key}}")}, "state": ".state", "taken": ["taken"],
                    "notSeen": [404]
                }
            })
        };
        config["operations"]["confirm"] = json!({"steps": [step("create"), step("lines"), step("release")]});
        let app = Router::new()
            .route("/list", get(listed))
            .route("/s/{name}", post(self::step))
            .route("/seen/{name}/{key}", get(seen))
            .with_state(Arc::clone(&partner));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), &config);
        Self { partner, dir }
    }

    async fn engine(&self, clock: &Arc<Hand>, background: bool) -> Engine {
        let mut pace = fast();
        // Pages are fetched when the test says so.
        pace.poll_interval = Some(Duration::from_secs(1_000_000));
        let options = options(self.dir.path(), &Arc::new(TestSecrets::default()), &pace);
        Engine::start(EngineOptions {
            clock: Arc::clone(clock) as Arc<dyn Clock>,
            background,
            ..options
        })
        .await
        .expect("an engine")
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("data/countersign.db")
    }
}

/// The end of the only lease of that kind; 0 without one.
fn lease_end(database: &Path, sql: &str) -> i64 {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(database, flags).unwrap();
    db.busy_timeout(PATIENCE).unwrap();
    db.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))
        .unwrap()
        .unwrap_or(0)
}

const OF_OPERATION: &str = "SELECT max(lease_until) FROM operation";
const OF_STREAM: &str = "SELECT max(until) FROM lease WHERE holder IS NOT NULL";

fn order_of(engine: &Engine) -> Option<DocumentRow> {
    let small = PartnerId("small".to_owned());
    let id = engine
        .store()
        .find_document(engine.company(), &small, DocumentKind::Order, "PO-1")
        .unwrap()?;
    engine.store().document(id).unwrap()
}

async fn confirmed(engine: &Engine) -> OperationId {
    let row = order_of(engine).expect("it was fetched");
    let saved = engine.answer_order(row.id, row.current, confirm(), "user:clerk").await;
    saved.expect("saved").id
}

async fn reaches(engine: &Engine, id: OperationId, state: DeliveryState) {
    until(&format!("{state:?}"), || {
        let operation = engine.store().operation(id).unwrap()?;
        (operation.state == state).then_some(())
    })
    .await;
}

/// Three leases, in milliseconds.
const LONG: i64 = 60_000;

/// Lets time pass until a lease is longer, and never so much that it could end meanwhile.
async fn renewed(clocks: &[&Arc<Hand>], end: impl Fn() -> i64) {
    let before = end();
    until("a longer lease", || {
        let end = end();
        if end > before {
            return Some(());
        }
        for clock in clocks.iter().filter(|clock| clock.now().0 + 5_000 < end) {
            clock.advance(Duration::from_millis(500));
        }
        None
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_kept_for_as_long_as_a_step_takes() {
    let world = World::start(Some("lines")).await;
    let clock = Hand::new();
    let one = world.engine(&clock, true).await;
    sync(&one, "small").await.expect("fetched");
    let id = confirmed(&one).await;
    until("the second step", || (world.partner.names().len() == 2).then_some(())).await;
    // Another engine of the same time looks for what was left behind, again and again, for three leases.
    let other = world.engine(&clock, true).await;
    let begun = clock.now();
    while clock.now().0 - begun.0 < LONG {
        renewed(&[&clock], || lease_end(&world.database(), OF_OPERATION)).await;
    }
    assert_eq!(world.partner.names(), ["create", "lines"]);
    world.partner.gate.add_permits(1);
    reaches(&one, id, DeliveryState::Delivered).await;
    assert_eq!(world.partner.names(), ["create", "lines", "release"]);
    assert_eq!(*world.partner.looks.lock().unwrap(), [""; 0], "nothing was in doubt");
    for engine in [other, one] {
        engine.stop(Duration::from_secs(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_whose_lease_is_over_writes_nothing_and_another_goes_on_from_its_step() {
    let world = World::start(Some("lines")).await;
    let (stopped, runs) = (Hand::new(), Hand::new());
    let one = world.engine(&stopped, true).await;
    sync(&one, "small").await.expect("fetched");
    let id = confirmed(&one).await;
    until("the second step", || (world.partner.names().len() == 2).then_some(())).await;
    // For the first engine time stands still; for the other its lease runs out.
    let other = world.engine(&runs, true).await;
    until("the other engine goes on", || {
        runs.advance(Duration::from_secs(1));
        (world.partner.names().len() == 3).then_some(())
    })
    .await;
    reaches(&other, id, DeliveryState::Delivered).await;
    assert_eq!(*world.partner.looks.lock().unwrap(), ["lines"], "asked, not sent again");
    let before = other.store().attempts(id).unwrap();
    // The first one has its answer at last.
    world.partner.gate.add_permits(1);
    one.stop(Duration::from_secs(20)).await;
    assert_eq!(other.store().attempts(id).unwrap(), before, "too late to be written");
    assert_eq!(world.partner.names(), ["create", "lines", "release"]);
    assert_eq!(order_of(&other).unwrap().state, ChainState::Confirmed);
    other.stop(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_of_a_long_run_of_pages_is_kept_and_once_it_is_over_another_run_has_the_pages() {
    let world = World::start(Some("page 2")).await;
    let (first, second) = (Hand::new(), Hand::new());
    let one = world.engine(&first, false).await;
    let other = world.engine(&second, false).await;
    let polled = one.clone();
    let run = tokio::spawn(async move { sync(&polled, "small").await });
    until("the second page", || {
        world
            .partner
            .pages
            .lock()
            .unwrap()
            .contains(&"2".to_owned())
            .then_some(())
    })
    .await;
    let begun = first.now();
    while first.now().0 - begun.0 < LONG {
        renewed(&[&first, &second], || lease_end(&world.database(), OF_STREAM)).await;
        assert_eq!(sync(&other, "small").await.map(|_| ()), Err("partner.busy".to_owned()));
    }
    // Now time stands still for the first one.
    let end = lease_end(&world.database(), OF_STREAM);
    while second.now().0 <= end {
        second.advance(Duration::from_secs(1));
    }
    let report = sync(&other, "small").await.expect("taken over");
    assert_eq!(report.received, 3);
    world.partner.gate.add_permits(1);
    let late = tokio::time::timeout(PATIENCE, run)
        .await
        .expect("it ends")
        .expect("no panic");
    late.expect_err("its pages are not written");
    let rows = other.store().list_documents(&DocumentQuery {
        company: other.company().clone(),
        view: DocumentView::All,
        partner: None,
        kind: None,
        state: None,
        doubtful: false,
        search: None,
        cursor: None,
        limit: 50,
    });
    let rows = rows.unwrap().items;
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!(other.store().versions(row.id).unwrap().len(), 1, "{}", row.number);
    }
    for engine in [other, one] {
        engine.stop(Duration::from_secs(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_that_had_gone_some_steps_goes_on_from_there() {
    let world = World::start(None).await;
    *world.partner.refuses.lock().unwrap() = Some("lines");
    let clock = Hand::new();
    let engine = world.engine(&clock, true).await;
    sync(&engine, "small").await.expect("fetched");
    let id = confirmed(&engine).await;
    reaches(&engine, id, DeliveryState::Dead).await;
    assert_eq!(world.partner.names(), ["create"]);
    let replayed = engine.retry_operation(id, "user:clerk").await.expect("replayed");
    reaches(&engine, replayed.id, DeliveryState::Delivered).await;
    assert_eq!(world.partner.names(), ["create", "lines", "release"]);
    let keys: Vec<Value> = world
        .partner
        .effects
        .lock()
        .unwrap()
        .iter()
        .map(|(_, key)| json!(key))
        .collect();
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "{keys:?}");
    assert_eq!(order_of(&engine).unwrap().state, ChainState::Confirmed);
    engine.stop(Duration::from_secs(20)).await;
}
