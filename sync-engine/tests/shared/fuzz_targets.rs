//! What strangers and integrators can hand in, as functions from bytes: for libFuzzer (fuzz/), and for the mutator of
//! tests/it/fuzz.rs. Each must come to an end without a panic, whatever the bytes.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sync_engine::clock::SystemClock;
use sync_engine::partner::{self, HttpPartner, PartnerLink, Secret, SecretError, Secrets};

struct NoSecrets;

impl Secrets for NoSecrets {
    fn get(&self, name: &str) -> Result<Secret, SecretError> {
        Err(SecretError::Missing(name.to_owned()))
    }

    fn set(&self, name: &str, _: Secret) -> Result<(), SecretError> {
        Err(SecretError::Missing(name.to_owned()))
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn configs() -> PathBuf {
    root().join("configs")
}

fn shipped(name: &str) -> Value {
    let text = std::fs::read_to_string(configs().join(name)).expect("a shipped configuration");
    serde_json::from_str(&text).expect("JSON")
}

fn connect(config: &Value, folder: &str) -> Result<HttpPartner, String> {
    let config = partner::parse(&config.to_string(), "fuzz.json", &configs().join(folder));
    let config = config.map_err(|e| e.to_string())?;
    config.connect(Arc::new(NoSecrets), Arc::new(SystemClock))
}

/// The partner's documents in JSON, with the check by its schema and without.
pub struct Payload(Vec<(HttpPartner, &'static str)>);

impl Payload {
    pub fn new() -> Self {
        let checked = shipped("partners/sandbox.json");
        let mut lenient = checked.clone();
        for stream in lenient["streams"].as_object_mut().expect("streams").values_mut() {
            stream.as_object_mut().expect("a stream").remove("schema");
        }
        let mut ways = Vec::new();
        for stream in ["orders", "deliveryNotes", "orderResponses", "receipts"] {
            for config in [&checked, &lenient] {
                ways.push((connect(config, "partners").expect("it is shipped"), stream));
            }
        }
        Self(ways)
    }

    pub fn run(&self, bytes: &[u8]) {
        for (partner, stream) in &self.0 {
            let _ = partner.intake(stream, bytes);
        }
    }
}

/// The partner's documents in XML.
pub struct Xml(HttpPartner);

impl Xml {
    pub fn new() -> Self {
        Self(connect(&shipped("examples/ubl.json"), "examples").expect("it is shipped"))
    }

    pub fn run(&self, bytes: &[u8]) {
        for stream in ["orders", "notes", "responses", "receipts"] {
            if self.0.streams().iter().any(|s| s.name == stream) {
                let _ = self.0.intake(stream, bytes);
            }
        }
    }
}

/// A partner's configuration file.
pub fn configuration(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let config = partner::parse(&text, "fuzz.json", &configs().join("partners"));
    if let Err(errors) = config {
        assert!(!errors.mistakes.is_empty(), "refused without a reason");
    }
}

/// An expression, compiled where a configuration has it, and run on an order.
pub struct Expression(Vec<u8>);

impl Expression {
    pub fn new() -> Self {
        let order = json!({
            "id": "PO-1", "total": "12.50", "at": "2026-11-21T10:00:00Z", "note": null, "ä": [1, 2.5, -3e2],
            "lines": [{"n": 10, "qty": "5", "tags": ["a", "b"]}, {"n": 20, "qty": 0.25, "deep": {"er": {"est": [[]]}}}]
        });
        Self(order.to_string().into_bytes())
    }

    pub fn run(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let config = json!({
            "id": "fuzz", "name": "Fuzz", "baseUrl": "http://127.0.0.1:9", "auth": {"type": "none"},
            "streams": {"orders": {
                "kind": "order", "side": "seller", "request": {"path": "/list"}, "items": ".items",
                "paging": {"type": "none"},
                "map": {
                    "number": text, "currency": {"$value": "EUR"}, "requestedDelivery": text,
                    "lines": {"$each": text, "id": text, "quantity": text, "unit": {"$value": "C62"}}
                }
            }}
        });
        if let Ok(partner) = connect(&config, "partners") {
            let _ = partner.intake("orders", &self.0);
        }
    }
}

/// A request to the API: `METHOD path?query`, a line's end, the body.
pub struct Api {
    runtime: tokio::runtime::Runtime,
    router: axum::Router,
    _folder: tempfile::TempDir,
}

impl Api {
    pub fn new() -> Self {
        use sync_engine::engine::{Engine, EngineOptions};
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let options = EngineOptions {
            company: sync_engine::domain::CompanyId("main".to_owned()),
            letterhead: Default::default(),
            data_dir: folder.path().join("data"),
            partners_dir: folder.path().join("partners"),
            secrets: Arc::new(NoSecrets),
            clock: Arc::new(SystemClock),
            background: false,
            pace: Default::default(),
        };
        let engine = runtime.block_on(Engine::start(options)).expect("an engine");
        let options = sync_engine::api::ApiOptions {
            user: "fuzz".to_owned(),
            shutdown: Default::default(),
            settings_file: None,
        };
        Self {
            router: sync_engine::api::router(engine, options),
            runtime,
            _folder: folder,
        }
    }

    pub fn run(&self, bytes: &[u8]) {
        use tower::ServiceExt;
        let split = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
        let (line, body) = bytes.split_at(split);
        let Ok(line) = std::str::from_utf8(line) else { return };
        let Some((method, path)) = line.trim_end().split_once(' ') else {
            return;
        };
        let request = axum::http::Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body.get(1..).unwrap_or_default().to_vec()));
        let Ok(request) = request else { return };
        // One that never ends is no answer to read.
        if path.starts_with("/events") {
            return;
        }
        let answer = self
            .runtime
            .block_on(self.router.clone().oneshot(request))
            .expect("an answer");
        assert_ne!(answer.status().as_u16(), 500, "{line}");
    }
}
