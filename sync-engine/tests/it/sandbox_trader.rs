//! A trader signed in to the sandbox partner: what the tests of the sandbox share.

use serde_json::{Value, json};
use std::time::Duration;
use sync_engine::sandbox::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Sandbox, SandboxOptions};

/// A client without TLS needs no crypto provider, but reqwest asks for one to be there.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a client")
}

/// Signed in to a sandbox.
pub struct Trader {
    pub http: reqwest::Client,
    pub url: String,
    pub token: String,
}

impl Trader {
    pub async fn sign_in(sandbox: &Sandbox) -> Self {
        let http = client();
        let url = sandbox.url();
        let token = token(&http, &url).await;
        Self { http, url, token }
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    pub async fn json(&self, path: &str) -> Value {
        let response = self.get(path).send().await.expect("an answer");
        assert!(response.status().is_success(), "{path}: {}", response.status());
        body(response).await
    }

    pub fn post(&self, key: &str, operation: &Value) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}/api/operations", self.url))
            .bearer_auth(&self.token)
            .header("idempotency-key", key)
            .header("content-type", "application/json")
            .body(operation.to_string())
    }

    pub async fn operate(&self, key: &str, operation: &Value) -> (u16, Value) {
        let response = self.post(key, operation).send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, body(response).await)
    }

    /// Waits until the partner shows the operation with this status.
    pub async fn wait_for(&self, key: &str, status: &str) -> Value {
        let path = format!("/api/operations/{key}");
        wait(|| async {
            let found = self.json(&path).await;
            (found["status"] == status).then_some(found)
        })
        .await
    }
}

pub async fn wait<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    let patience = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < patience, "waited for a minute in vain");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn body(response: reqwest::Response) -> Value {
    serde_json::from_slice(&response.bytes().await.expect("a body")).expect("JSON")
}

pub async fn token(http: &reqwest::Client, url: &str) -> String {
    let response = http
        .post(format!("{url}/oauth/token"))
        .basic_auth(DEFAULT_CLIENT_ID, Some(DEFAULT_CLIENT_SECRET))
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 200);
    body(response).await["access_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

pub fn quick() -> SandboxOptions {
    SandboxOptions {
        apply_delay: Duration::ZERO,
        reaction_delay: Duration::ZERO,
        ..SandboxOptions::default()
    }
}

pub fn confirm(number: &str, version: u32) -> Value {
    json!({ "operation": "confirm", "poNumber": number, "version": version, "answeredAt": "2026-11-21T10:00:00Z" })
}

pub fn validator(file: &str) -> jsonschema::Validator {
    let path = format!("{}/../configs/partners/sandbox/{file}", env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema")
}
