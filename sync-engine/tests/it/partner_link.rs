//! A partner on line for tests: a configuration at an address, secrets in memory, documents and answers to send.

use crate::exchange_world::TestSecrets;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use sync_engine::clock::SystemClock;
use sync_engine::domain::Timestamp;
use sync_engine::partner::{
    self, HttpPartner, OutboundKind, PartnerLink, RenderInput, RenderedRequest, Secrets, Stage, VersionIntake,
};
use uuid::Uuid;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn shipped(name: &str) -> Value {
    let path = root().join("configs/partners").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn secrets(pairs: &[(&str, &str)]) -> Arc<dyn Secrets> {
    let map: BTreeMap<String, String> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Arc::new(TestSecrets(Mutex::new(map)))
}

/// The configuration on line; its schemas lie where the shipped ones lie.
pub fn connect(config: &Value, secrets: Arc<dyn Secrets>) -> HttpPartner {
    let text = config.to_string();
    let config = partner::parse(&text, "test.json", &root().join("configs/partners")).unwrap_or_else(|e| panic!("{e}"));
    config.connect(secrets, Arc::new(SystemClock)).unwrap()
}

/// A small configuration: one stream of `{"id", "qty"}` orders at /list, one operation at /answer.
pub fn small(url: &str) -> Value {
    json!({
        "id": "small", "name": "Small partner", "baseUrl": url,
        "auth": {"type": "none"},
        "idempotency": {"header": "Idempotency-Key"},
        "correlationHeader": "X-Correlation-Id",
        "streams": {"orders": {
            "kind": "order", "side": "seller",
            "request": {"path": "/list", "query": {"after": ".watermark", "next": ".cursor"}},
            "items": ".items",
            "paging": {"type": "token", "next": ".next"},
            "map": {
                "number": ".id", "currency": {"$value": "EUR"},
                "lines": {"$each": ".lines[]", "id": ".n", "quantity": ".qty", "unit": {"$from": ".unit", "$default": "C62"}}
            }
        }},
        "operations": {"confirm": {
            "request": {"path": "/answer/{.document.number}", "body": {"order": ".document.number", "at": ".answeredAt"}},
            "receipt": {"id": ".body.id"},
            "verify": {"request": {"path": "/job/{.receipt.id}"}, "state": ".state", "applied": ["done"], "failed": ["failed"]},
            "lookup": {"request": {"path": "/answer/{.operationId}"}, "state": ".state", "applied": ["done"], "taken": ["open"], "notSeen": [404]}
        }}
    })
}

/// An operation on a document, ready to be rendered, sent and asked for.
pub struct Answering {
    pub id: Uuid,
    pub kind: OutboundKind,
    pub answer: Value,
    pub intake: VersionIntake,
    pub payload: Vec<u8>,
}

impl Answering {
    pub fn new(kind: OutboundKind, answer: Value, intake: VersionIntake, payload: &[u8]) -> Self {
        Self {
            id: Uuid::now_v7(),
            kind,
            answer,
            intake,
            payload: payload.to_vec(),
        }
    }

    pub fn input(&self) -> RenderInput<'_> {
        RenderInput {
            operation_id: self.id,
            kind: self.kind,
            answer: &self.answer,
            document: &self.intake.document,
            previous: None,
            order: None,
            order_ref: None,
            revision: self.intake.revision.as_deref(),
            partner_ref: self.intake.partner_ref.as_ref(),
            payload: &self.payload,
            answered_at: Timestamp(1_763_712_000_000),
            stage: Stage::default(),
        }
    }

    pub fn render(&self, partner: &HttpPartner) -> RenderedRequest {
        partner.render(&self.input()).unwrap_or_else(|e| panic!("{e:?}"))
    }
}

/// The order in a payload of the stream `orders`.
pub fn version(partner: &HttpPartner, payload: &[u8]) -> VersionIntake {
    let intake = partner.intake("orders", payload).unwrap_or_else(|e| panic!("{e:?}"));
    intake.into_version().unwrap()
}

/// A confirmation of an order of the small partner.
pub fn small_answer(partner: &HttpPartner) -> Answering {
    let payload = br#"{"id": "A/1", "lines": [{"n": 1, "qty": 2}]}"#;
    let intake = version(partner, payload);
    Answering::new(OutboundKind::Confirm, json!({"code": "AP"}), intake, payload)
}

/// A Node program of e2e/peers that says where it listens. Ends with this value.
pub struct Peer {
    pub said: Value,
    child: Child,
    /// Closing it ends the program and what it started, also when this process is killed.
    input: Option<ChildStdin>,
}

impl Peer {
    pub fn start(script: &str, args: &[&str]) -> Self {
        let folder = root().join("e2e/peers");
        assert!(
            folder.join("node_modules").exists(),
            "the packages of e2e/peers are missing: run `cargo xtask test`, or `npm ci` in e2e/peers"
        );
        let mut child = Command::new("node")
            .arg(script)
            .args(args)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts: install Node.js 20 or newer");
        let input = child.stdin.take().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let said = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{script} said \"{line}\": {e}"));
        Self {
            said,
            child,
            input: Some(input),
        }
    }

    pub fn url(&self) -> &str {
        self.said["url"].as_str().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.input.take());
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while matches!(self.child.try_wait(), Ok(None)) && std::time::Instant::now() < patience {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
