//! An engine and a sandbox partner that talk over HTTP, with a real database in a folder of their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use sync_engine::clock::SystemClock;
use sync_engine::domain::{
    CompanyId, DeliveryState, DocumentId, DocumentKind, HeaderAnswer, LineAnswer, LineAnswerCode, OperationId,
    OrderResponse, PartnerId, VersionNumber,
    answer::{Reason, ReasonCode},
};
use sync_engine::engine::{Engine, EngineOptions};
use sync_engine::exchange::{BreakerPace, Pace};
use sync_engine::partner::{Secret, SecretError, Secrets};
use sync_engine::print::Letterhead;
use sync_engine::sandbox::{OrderSpec, Sandbox, SandboxOptions};
use sync_engine::store::{DocumentRow, OperationRow, Store};

/// Everything that is waited for comes long before this, on a loaded machine too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Secrets of a test, in memory.
#[derive(Default)]
pub struct TestSecrets(pub Mutex<BTreeMap<String, String>>);

impl Secrets for TestSecrets {
    fn get(&self, name: &str) -> Result<Secret, SecretError> {
        let secrets = self.0.lock().expect("not poisoned");
        let text = secrets.get(name).cloned();
        text.map(Secret::new)
            .ok_or_else(|| SecretError::Missing(name.to_owned()))
    }

    fn set(&self, name: &str, value: Secret) -> Result<(), SecretError> {
        let mut secrets = self.0.lock().expect("not poisoned");
        secrets.insert(name.to_owned(), value.expose().to_owned());
        Ok(())
    }
}

/// Schedules in milliseconds instead of minutes.
pub fn fast() -> Pace {
    Pace {
        lease: Duration::from_secs(20),
        lease_renewal: Duration::from_secs(4),
        quick_base: Duration::from_millis(20),
        quick_cap: Duration::from_millis(100),
        durable: vec![
            Duration::from_millis(50),
            Duration::from_millis(150),
            Duration::from_millis(400),
        ],
        give_up_after: Duration::from_secs(600),
        poll_interval: Some(Duration::from_millis(100)),
        idle_tick: Duration::from_millis(200),
        request_time: Duration::from_millis(500),
        breaker: BreakerPace {
            retry_floor: 100_000,
            probe_after: Duration::from_millis(150),
            probe_cap: Duration::from_millis(600),
            ..Pace::default().breaker
        },
        ..Pace::default()
    }
}

pub struct World {
    pub sandbox: Option<Sandbox>,
    pub engine: Engine,
    pub secrets: Arc<TestSecrets>,
    pub pace: Pace,
    pub dir: tempfile::TempDir,
}

pub fn sandbox_options() -> SandboxOptions {
    SandboxOptions {
        apply_delay: Duration::from_millis(20),
        reaction_delay: Duration::from_millis(50),
        ..SandboxOptions::default()
    }
}

impl World {
    pub async fn start() -> Self {
        Self::with(fast(), sandbox_options()).await
    }

    pub async fn with(pace: Pace, sandbox: SandboxOptions) -> Self {
        Self::in_folder(tempfile::tempdir().expect("a folder"), pace, sandbox).await
    }

    pub async fn in_folder(dir: tempfile::TempDir, pace: Pace, sandbox: SandboxOptions) -> Self {
        let sandbox = Sandbox::start(sandbox).await.expect("a sandbox");
        write_config(&partners_dir(dir.path()), &sandbox.url(), |_| {});
        let secrets = Arc::new(TestSecrets::default());
        secrets
            .set("sandbox.client_secret", Secret::new("sandbox-secret".to_owned()))
            .expect("kept");
        let engine = Engine::start(options(dir.path(), &secrets, &pace))
            .await
            .expect("an engine");
        Self {
            sandbox: Some(sandbox),
            engine,
            secrets,
            pace,
            dir,
        }
    }

    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("the sandbox runs")
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        self.engine.store()
    }

    /// A second engine on the same database.
    pub async fn second_engine(&self) -> Engine {
        Engine::start(options(self.dir.path(), &self.secrets, &self.pace))
            .await
            .expect("a second engine")
    }

    pub async fn restart(&mut self) {
        self.engine.stop(Duration::from_secs(20)).await;
        self.engine = self.second_engine().await;
    }

    pub fn configure(&self, change: impl FnOnce(&mut serde_json::Value)) {
        write_config(&partners_dir(self.dir.path()), &self.sandbox().url(), change);
    }

    /// Issues an order and waits until it is in the store.
    pub async fn order(&self, lines: usize) -> DocumentRow {
        let number = self.issue(lines);
        self.arrived(DocumentKind::Order, &number, 1).await
    }

    pub fn issue(&self, lines: usize) -> String {
        let spec = OrderSpec {
            lines: Some(lines),
            ..OrderSpec::default()
        };
        self.sandbox().issue_order(&spec).expect("issued").remove(0).number
    }

    /// The document once it has that many versions.
    pub async fn arrived(&self, kind: DocumentKind, number: &str, versions: u32) -> DocumentRow {
        let what = format!("version {versions} of {number}");
        until(&what, || {
            let row = self.find(kind, number)?;
            (row.current >= VersionNumber(versions)).then_some(row)
        })
        .await
    }

    pub fn find(&self, kind: DocumentKind, number: &str) -> Option<DocumentRow> {
        let id = self
            .store()
            .find_document(self.engine.company(), &partner(), kind, number);
        let id = id.expect("readable")?;
        self.store().document(id).expect("readable")
    }

    pub fn row(&self, id: DocumentId) -> DocumentRow {
        self.store().document(id).expect("readable").expect("there")
    }

    pub fn operation(&self, id: OperationId) -> OperationRow {
        self.store().operation(id).expect("readable").expect("there")
    }

    /// Waits until the operation is in that state, and stays readable on the way there.
    pub async fn reaches(&self, id: OperationId, state: DeliveryState) -> OperationRow {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let row = self.operation(id);
            if row.state == state {
                return row;
            }
            if Instant::now() > deadline {
                let attempts = self.store().attempts(id).expect("readable");
                panic!(
                    "{:?} instead of {state:?} ({:?}): {attempts:#?}",
                    row.state, row.last_error
                );
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn answer(&self, row: &DocumentRow, answer: OrderResponse) -> OperationRow {
        let saved = self
            .engine
            .answer_order(row.id, row.current, answer, "user:clerk")
            .await;
        saved.expect("saved")
    }

    /// Attempts of an operation as `step status result`.
    pub fn attempts(&self, id: OperationId) -> Vec<String> {
        let attempts = self.store().attempts(id).expect("readable");
        attempts
            .iter()
            .map(|a| {
                format!(
                    "{} {} {:?}",
                    a.step,
                    a.status.map_or("-".to_owned(), |s| s.to_string()),
                    a.result
                )
            })
            .collect()
    }

    /// Nothing happened twice at the partner, the database is whole, and nothing is left undone but what is named.
    pub async fn end(self, left: &[DeliveryState]) {
        if let Some(sandbox) = &self.sandbox {
            for effect in sandbox.state().effects {
                assert_eq!(effect.count, 1, "an effect happened twice: {effect:?}");
            }
        }
        let counters = self.store().counters(self.engine.company()).expect("readable");
        for (state, count) in [
            (DeliveryState::Queued, counters.queued),
            (DeliveryState::Sending, counters.sending),
            (DeliveryState::Retrying, counters.retrying),
            (DeliveryState::Unknown, counters.unknown),
            (DeliveryState::Held, counters.held),
            (DeliveryState::Dead, counters.dead),
        ] {
            assert!(count == 0 || left.contains(&state), "{count} left in {state:?}");
        }
        let audit = self.store().verify_audit().expect("readable");
        assert_eq!(audit.broken_at, None, "{audit:?}");
        self.engine.stop(Duration::from_secs(20)).await;
    }
}

pub fn partner() -> PartnerId {
    PartnerId("sandbox".to_owned())
}

pub fn partners_dir(dir: &Path) -> PathBuf {
    dir.join("partners")
}

pub fn options(dir: &Path, secrets: &Arc<TestSecrets>, pace: &Pace) -> EngineOptions {
    EngineOptions {
        company: CompanyId("main".to_owned()),
        letterhead: Letterhead::default(),
        data_dir: dir.join("data"),
        partners_dir: partners_dir(dir),
        secrets: Arc::clone(secrets) as Arc<dyn Secrets>,
        clock: Arc::new(SystemClock),
        background: true,
        pace: pace.clone(),
    }
}

/// The shipped configuration of the sandbox, at `url`.
pub fn write_config(dir: &Path, url: &str, change: impl FnOnce(&mut serde_json::Value)) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/partners");
    let schemas = dir.join("sandbox");
    if !schemas.exists() {
        std::fs::create_dir_all(&schemas).expect("a folder");
        for entry in std::fs::read_dir(shipped.join("sandbox")).expect("the shipped schemas") {
            let path = entry.expect("readable").path();
            std::fs::copy(&path, schemas.join(path.file_name().expect("a file"))).expect("copied");
        }
    }
    let text = std::fs::read_to_string(shipped.join("sandbox.json")).expect("the shipped configuration");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    config["baseUrl"] = url.into();
    change(&mut config);
    // Renamed into place, as careful editors do.
    let beside = dir.join(".sandbox.json.new");
    std::fs::write(&beside, serde_json::to_vec_pretty(&config).expect("JSON")).expect("written");
    std::fs::rename(&beside, dir.join("sandbox.json")).expect("renamed");
}

/// Waits for a condition; fails with `what` after a long while.
pub async fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn confirm() -> OrderResponse {
    OrderResponse {
        code: HeaderAnswer::AP,
        reason: None,
        note: None,
        lines: Vec::new(),
    }
}

pub fn reject() -> OrderResponse {
    OrderResponse {
        code: HeaderAnswer::RE,
        reason: Some(Reason {
            code: ReasonCode::Del,
            text: Some("no lorry until May".to_owned()),
        }),
        ..confirm()
    }
}

/// Accepts every line, the first with another quantity.
pub fn counter(world: &World, row: &DocumentRow) -> OrderResponse {
    let content = world
        .store()
        .version_content(row.id, row.current)
        .expect("readable")
        .expect("there");
    let sync_engine::domain::CanonicalDocument::Order(order) = content.document().expect("canonical") else {
        panic!("not an order")
    };
    let lines = order.lines.iter().enumerate().map(|(n, line)| LineAnswer {
        line_id: line.id.clone(),
        code: if n == 0 {
            LineAnswerCode::Changed
        } else {
            LineAnswerCode::Accepted
        },
        quantity: (n == 0).then(|| line.quantity + sync_engine::domain::Decimal::ONE),
        price: None,
        date: None,
        substitute: None,
        reason: None,
    });
    OrderResponse {
        code: HeaderAnswer::CA,
        lines: lines.collect(),
        ..confirm()
    }
}
