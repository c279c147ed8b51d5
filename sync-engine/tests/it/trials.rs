//! Partners of published APIs that nobody here has on line: each has a configuration and payloads in `fixtures/trials`,
//! and in a test a small server that keeps state and refuses what the API refuses.

use crate::exchange_world::{TestSecrets, fast, options, partners_dir, until};
use crate::partner_link::root;
use crate::partner_server::{Asked, answer};
use crate::published::{copy, named};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use sync_engine::domain::{CanonicalDocument, DeliveryState, DocumentId, DocumentKind, PartnerId};
use sync_engine::engine::{Engine, Issue, Seen, SyncReport};
use sync_engine::exchange::Pace;
use sync_engine::partner::{self, Secret, Secrets};
use sync_engine::store::{DocumentRow, OperationRow, QuarantineQuery};

/// What the configuration's secrets hold in a test.
pub const SECRET: &str = "open sesame";

/// The text of a file of a trial.
pub fn text(trial: &str, file: &str) -> String {
    std::fs::read_to_string(root().join("fixtures/trials").join(trial).join(file)).unwrap()
}

/// A saved payload of a trial.
pub fn payload(trial: &str, file: &str) -> Value {
    serde_json::from_str(&text(trial, file)).unwrap()
}

/// The origin of an address.
fn origin(address: &str) -> String {
    url::Url::parse(address).unwrap().origin().ascii_serialization()
}

/// A partner on line at a test's server, in an engine of its own.
pub struct Trial {
    pub id: PartnerId,
    pub engine: Engine,
    background: bool,
    dir: tempfile::TempDir,
    secrets: Arc<TestSecrets>,
}

impl Trial {
    /// The configuration of the trial, with nothing changed but where the partner is and how long is waited.
    pub async fn on_line(trial: &str, server: &str) -> Self {
        Self::with(trial, server, true).await
    }

    /// As `on_line`, and nothing happens by itself: for runs that are counted.
    pub async fn by_hand(trial: &str, server: &str) -> Self {
        Self::with(trial, server, false).await
    }

    async fn with(trial: &str, server: &str, background: bool) -> Self {
        let mut config = payload(trial, &format!("{trial}.json"));
        let there = |address: &Value| {
            let address = address.as_str().unwrap();
            json!(address.replacen(&origin(address), server, 1))
        };
        config["baseUrl"] = there(&config["baseUrl"]);
        if config["auth"]["tokenUrl"].as_str().is_some_and(|t| !t.starts_with('/')) {
            config["auth"]["tokenUrl"] = there(&config["auth"]["tokenUrl"]);
        }
        for operation in config["operations"].as_object_mut().unwrap().values_mut() {
            if operation.get("verify").is_some() {
                operation["verify"]["everySeconds"] = json!(1);
            }
        }
        partner::parse(&config.to_string(), trial, &root().join("fixtures/trials")).unwrap_or_else(|e| panic!("{e}"));
        let dir = tempfile::tempdir().unwrap();
        let partners = partners_dir(dir.path());
        copy(&root().join("fixtures/trials").join(trial), &partners.join(trial));
        std::fs::write(partners.join(format!("{trial}.json")), config.to_string()).unwrap();
        let secrets = Arc::new(TestSecrets::default());
        for name in named(&config) {
            secrets.set(&name, Secret::new(SECRET.to_owned())).unwrap();
        }
        let engine = start(dir.path(), &secrets, background).await;
        Self {
            id: PartnerId(trial.to_owned()),
            engine,
            background,
            dir,
            secrets,
        }
    }

    /// The engine once more, on the same database.
    pub async fn restart(&mut self) {
        self.engine.stop(std::time::Duration::from_secs(20)).await;
        self.engine = start(self.dir.path(), &self.secrets, self.background).await;
    }

    /// One run of all streams; nothing may end in quarantine.
    pub async fn sync(&self) -> SyncReport {
        let report = self.engine.sync_now(&self.id).await;
        let report = report.unwrap_or_else(|e| panic!("{}: {e}", self.id));
        let held = self.engine.store().list_quarantine(&QuarantineQuery {
            company: self.engine.company().clone(),
            partner: None,
            state: None,
            cursor: None,
            limit: 10,
        });
        let held = held.unwrap().items;
        assert!(held.is_empty(), "{}: {held:#?}", self.id);
        report
    }

    pub fn document(&self, kind: DocumentKind, number: &str) -> DocumentRow {
        let store = self.engine.store();
        let id = store.find_document(self.engine.company(), &self.id, kind, number);
        let id = id.unwrap().unwrap_or_else(|| panic!("{number} of {}", self.id));
        store.document(id).unwrap().unwrap()
    }

    pub fn order(&self, number: &str) -> DocumentRow {
        self.document(DocumentKind::Order, number)
    }

    /// The version in force, in canonical form.
    pub fn canonical(&self, row: &DocumentRow) -> Value {
        let content = self.engine.store().version_content(row.id, row.current);
        match content.unwrap().unwrap().document().unwrap() {
            CanonicalDocument::Order(order) => serde_json::to_value(order).unwrap(),
            CanonicalDocument::DespatchAdvice(note) => serde_json::to_value(note).unwrap(),
        }
    }

    /// Answers the order and waits for what becomes of that.
    pub async fn answered(&self, row: &DocumentRow, answer: Value, becomes: DeliveryState) -> OperationRow {
        let answer = serde_json::from_value(answer).unwrap();
        let saved = self
            .engine
            .answer_order(row.id, row.current, answer, "user:clerk")
            .await;
        self.becomes(&saved.unwrap_or_else(|e| panic!("{}: {e}", self.id)), becomes)
            .await
    }

    /// Issues a document of ours and waits for what becomes of that.
    pub async fn issued(&self, document: CanonicalDocument, becomes: DeliveryState) -> OperationRow {
        let saved = self.engine.issue_new(self.id.clone(), document, "user:clerk").await;
        self.becomes(&saved.unwrap_or_else(|e| panic!("{}: {e}", self.id)), becomes)
            .await
    }

    /// Issues a later version of a document of ours and waits for what becomes of that.
    pub async fn reissued(&self, document: DocumentId, issue: Issue, becomes: DeliveryState) -> OperationRow {
        let row = self.engine.store().document(document).unwrap().unwrap();
        let seen = Seen {
            document,
            version: row.current,
        };
        let saved = self.engine.issue_version(seen, issue, "user:clerk").await;
        self.becomes(&saved.unwrap_or_else(|e| panic!("{}: {e}", self.id)), becomes)
            .await
    }

    pub async fn becomes(&self, operation: &OperationRow, state: DeliveryState) -> OperationRow {
        let store = self.engine.store();
        until(&format!("{:?} {state:?} at {}", operation.kind, self.id), || {
            let row = store.operation(operation.id).unwrap().unwrap();
            if row.state != state && matches!(row.state, DeliveryState::Dead | DeliveryState::Held) {
                let attempts = store.attempts(row.id).unwrap();
                panic!("{:?}: {:?} {attempts:#?}", row.state, row.last_error);
            }
            (row.state == state).then_some(row)
        })
        .await
    }

    /// That a text is in no file of the database.
    pub fn assert_unkept(&self, text: &str) {
        let mut looked = 0;
        for entry in std::fs::read_dir(self.dir.path().join("data")).unwrap() {
            let path = entry.unwrap().path();
            let Ok(bytes) = std::fs::read(&path) else { continue };
            looked += bytes.len();
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{text} is in {}", path.display());
        }
        assert!(looked > 10_000, "{looked} bytes: this is not where the database is");
    }

    pub async fn end(self) {
        let audit = self.engine.store().verify_audit().unwrap();
        assert_eq!(audit.broken_at, None, "{audit:?}");
        self.engine.stop(std::time::Duration::from_secs(20)).await;
    }
}

async fn start(dir: &std::path::Path, secrets: &Arc<TestSecrets>, background: bool) -> Engine {
    let pace = Pace {
        poll_interval: None,
        ..fast()
    };
    let mut options = options(dir, secrets, &pace);
    options.background = background;
    Engine::start(options).await.expect("an engine")
}

/// What went wrong with an operation, as a clerk reads it.
pub fn told(operation: &OperationRow) -> String {
    let error = operation.last_error.as_ref().expect("an error");
    format!("{} {}", error.code, error.message.as_deref().unwrap_or_default())
}

/// The parameters of a request, decoded.
pub fn parameters(asked: &Asked) -> BTreeMap<String, String> {
    let query = asked.uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

pub fn header<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The body of a request, which must be JSON.
pub fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap_or_else(|e| panic!("{} {}: {e}", asked.method, asked.uri))
}

pub fn reply(status: u16, body: &Value) -> Response<Body> {
    answer(status, &[("content-type", "application/json")], body.to_string())
}

/// The connection breaks in the middle of the answer.
pub fn cut() -> Response<Body> {
    let cut = futures_util::stream::iter([Ok("{\"id"), Err(std::io::Error::other("cut"))]);
    answer(201, &[("content-length", "100")], Body::from_stream(cut))
}
