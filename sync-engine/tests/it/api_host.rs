//! The API over HTTP with a sandbox partner behind it, for the tests of this folder.

use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use sync_engine::api::{self, ApiOptions, http::HttpOptions};
use sync_engine::clock::SystemClock;
use sync_engine::domain::{CompanyId, PartnerId};
use sync_engine::engine::{Engine, EngineOptions};
use sync_engine::partner::{Secret, Secrets};
use sync_engine::sandbox::{DEFAULT_CLIENT_SECRET, OrderSpec, Sandbox, SandboxOptions};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub const TOKEN: &str = "a-token-for-the-tests";
/// On a loaded machine everything takes its time; nothing waits longer than this.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Host {
    pub base: String,
    pub port: u16,
    pub engine: Engine,
    pub sandbox: Sandbox,
    pub client: reqwest::Client,
    shutdown: CancellationToken,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
    /// Removed when the host goes.
    dir: TempDir,
}

pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

impl Host {
    /// An engine that polls and delivers by itself.
    pub async fn start() -> Self {
        Self::with(true).await
    }

    /// Nothing happens unless a test asks for it.
    pub async fn quiet() -> Self {
        Self::with(false).await
    }

    async fn with(background: bool) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().expect("a folder");
        let options = SandboxOptions {
            apply_delay: Duration::from_millis(50),
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::start(options).await.expect("the sandbox starts");
        let partners_dir = dir.path().join("partners");
        write_partner(&partners_dir, &sandbox.url());
        let engine = start_engine(dir.path(), "main", background).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shutdown = CancellationToken::new();
        let router = api::router(
            engine.clone(),
            ApiOptions {
                user: "ada".to_owned(),
                shutdown: shutdown.clone(),
                settings_file: None,
            },
        );
        let http = HttpOptions {
            token: TOKEN.to_owned(),
            hosts: vec!["orders.example.com".to_owned()],
            shutdown: shutdown.clone(),
            grace: Duration::from_secs(5),
            connections: api::connections::Connections::default(),
        };
        let served = tokio::spawn(api::http::serve(listener, router, http));
        Self {
            base: format!("http://127.0.0.1:{port}"),
            port,
            engine,
            sandbox,
            client: reqwest::Client::new(),
            shutdown,
            served,
            dir,
        }
    }

    /// Another company's engine on the same database.
    pub async fn engine_of(&self, company: &str) -> Engine {
        start_engine(self.dir.path(), company, false).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base)
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.expect("a body").to_vec(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(self.url(path)).bearer_auth(TOKEN)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.client.post(self.url(path)).bearer_auth(TOKEN);
        self.send(
            request
                .header("content-type", "application/json")
                .body(body.to_string()),
        )
        .await
    }

    /// A post without a body.
    pub async fn act(&self, path: &str) -> Answer {
        self.send(self.client.post(self.url(path)).bearer_auth(TOKEN)).await
    }

    /// Issues orders at the sandbox and fetches them.
    pub async fn orders(&self, count: u32, lines: usize) -> Vec<String> {
        let spec = OrderSpec {
            count: Some(count),
            lines: Some(lines),
            ..OrderSpec::default()
        };
        let issued = self.sandbox.issue_order(&spec).expect("orders are issued");
        self.fetch().await;
        issued.into_iter().map(|order| order.number).collect()
    }

    pub async fn fetch(&self) {
        self.engine
            .sync_now(&PartnerId("sandbox".to_owned()))
            .await
            .expect("the sandbox answers");
    }

    /// The list's row of a document.
    pub async fn row(&self, number: &str) -> Value {
        let list = self
            .get(&format!("/documents?view=all&q={number}"))
            .await
            .expect(200)
            .json();
        let rows = list["items"].as_array().cloned().unwrap_or_default();
        rows.into_iter()
            .find(|row| row["number"] == number)
            .unwrap_or_else(|| panic!("no {number} in {list}"))
    }

    /// Asks again until `done` says so.
    pub async fn until(&self, path: &str, done: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let value = self.get(path).await.expect(200).json();
            if done(&value) {
                return value;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} stays at {value}");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.served)
            .await
            .expect("the server stops");
        ended.expect("no panic").expect("it served");
        self.engine.stop(Duration::from_secs(10)).await;
        self.sandbox.stop().await;
    }
}

async fn start_engine(dir: &Path, company: &str, background: bool) -> Engine {
    let secrets = sync_engine::partner::FileSecrets::new(dir.join("secrets.json"));
    secrets
        .set("sandbox.client_secret", Secret::new(DEFAULT_CLIENT_SECRET.to_owned()))
        .expect("the secret is kept");
    Engine::start(EngineOptions {
        company: CompanyId(company.to_owned()),
        letterhead: Default::default(),
        data_dir: dir.to_path_buf(),
        partners_dir: dir.join("partners"),
        secrets: Arc::new(secrets),
        clock: Arc::new(SystemClock),
        background,
        pace: Default::default(),
    })
    .await
    .expect("the engine starts")
}

/// The shipped configuration of the sandbox partner, pointed at this one.
pub fn write_partner(dir: &Path, url: &str) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/partners");
    copy(&shipped.join("sandbox"), &dir.join("sandbox"));
    let text = std::fs::read_to_string(shipped.join("sandbox.json")).expect("the shipped configuration");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    config["baseUrl"] = json!(url);
    std::fs::write(dir.join("sandbox.json"), config.to_string()).expect("written");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

/// A counter-offer that halves the first line's quantity and takes the others as they are.
pub fn counter(version: &Value, document: &Value) -> Value {
    let lines: Vec<Value> = document["Order"]["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .enumerate()
        .map(|(index, line)| match index {
            0 => json!({ "lineId": line["id"], "code": "Changed", "quantity": "1", "reason": { "code": "QTY" } }),
            _ => json!({ "lineId": line["id"], "code": "Accepted" }),
        })
        .collect();
    json!({ "version": version, "answer": { "code": "CA", "lines": lines } })
}
