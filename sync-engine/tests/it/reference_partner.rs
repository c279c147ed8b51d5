//! The partner of a worked example: demands exactly the requests that the page writes down, and gives its answers.

use crate::partner_server::answer;
use crate::reference_page::{Turn, difference, fits};
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use url::{Url, form_urlencoded};

/// Plays every origin that a configuration names, each at an address of its own on loopback.
pub struct ScriptedPartner {
    /// Origin in the configuration, address of the test's server.
    origins: Vec<(String, String)>,
    script: Arc<Mutex<Script>>,
}

struct Script {
    turns: VecDeque<Turn>,
    complaints: Vec<String>,
    /// Path of the token endpoint, when its requests are not part of the script.
    token: Option<(usize, String)>,
}

impl ScriptedPartner {
    pub async fn start(config: &Value, turns: Vec<Turn>) -> Self {
        let mut listeners = Vec::new();
        let mut origins = Vec::new();
        for origin in origins_of(config) {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            origins.push((origin, format!("http://{}", listener.local_addr().unwrap())));
            listeners.push(listener);
        }
        let token = token_endpoint(config, &origins).filter(|(_, path)| {
            let path = path.as_str();
            turns.iter().all(|t| !t.target.ends_with(path))
        });
        let script = Arc::new(Mutex::new(Script {
            turns: turns.into(),
            complaints: Vec::new(),
            token,
        }));
        for (n, listener) in listeners.into_iter().enumerate() {
            let (script, origins) = (Arc::clone(&script), origins.clone());
            let app = axum::Router::new().fallback(move |request: Request| async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 24).await.unwrap_or_default();
                let asked = Asked {
                    origin: n,
                    method: parts.method.to_string(),
                    target: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
                    headers: parts.headers,
                    body: String::from_utf8_lossy(&body).into_owned(),
                };
                script.lock().unwrap().reply(&asked, &origins)
            });
            tokio::spawn(async move { axum::serve(listener, app).await });
        }
        Self { origins, script }
    }

    /// The text with the addresses of the test's servers in it.
    pub fn placed(&self, text: &str) -> String {
        placed(text, &self.origins)
    }

    pub fn is_done(&self) -> bool {
        self.script.lock().unwrap().turns.is_empty()
    }

    /// What was asked and not expected, or expected and not asked.
    pub fn complaints(&self) -> Vec<String> {
        let script = self.script.lock().unwrap();
        let missing = script
            .turns
            .iter()
            .map(|t| format!("not asked: {} {}", t.method, t.target));
        script.complaints.iter().cloned().chain(missing).collect()
    }
}

struct Asked {
    origin: usize,
    method: String,
    target: String,
    headers: axum::http::HeaderMap,
    body: String,
}

impl Script {
    fn reply(&mut self, asked: &Asked, origins: &[(String, String)]) -> Response<Body> {
        if self
            .token
            .as_ref()
            .is_some_and(|(origin, path)| *origin == asked.origin && asked.target == *path)
        {
            let token = r#"{"access_token":"token","token_type":"Bearer","expires_in":3600}"#;
            return answer(200, &[("content-type", "application/json")], token);
        }
        let Some(turn) = self.turns.pop_front() else {
            self.complaints
                .push(format!("asked after the end: {} {}", asked.method, asked.target));
            return answer(418, &[], "");
        };
        if let Some(complaint) = complaint(&turn, asked, origins) {
            self.complaints
                .push(format!("{} {}: {complaint}", asked.method, asked.target));
            return answer(418, &[], "");
        }
        let body = placed(&turn.answer, origins);
        let json = body.starts_with(['{', '[']);
        let mut headers: Vec<(String, String)> = turn
            .answer_headers
            .iter()
            .map(|(name, value)| (name.clone(), placed(value, origins)))
            .collect();
        if json && !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let headers: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        answer(turn.status, &headers, body)
    }
}

fn complaint(turn: &Turn, asked: &Asked, origins: &[(String, String)]) -> Option<String> {
    let (origin, expected) = located(&turn.target, origins);
    if turn.method != asked.method || origin != asked.origin || !same_target(&expected, &asked.target) {
        return Some(format!("{} {} is expected", turn.method, turn.target));
    }
    for (name, value) in &turn.headers {
        let value = placed(value, origins);
        let found: Vec<_> = asked
            .headers
            .get_all(name)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .collect();
        if !found.iter().any(|f| fits(&value, f)) {
            return Some(format!("header {name}: {value} is expected, this is {found:?}"));
        }
    }
    let form = asked
        .headers
        .get("content-type")
        .is_some_and(|t| t.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    different_body(&placed(&turn.body, origins), &asked.body, form)
}

fn different_body(expected: &str, found: &str, form: bool) -> Option<String> {
    let differs = || Some(format!("the body\n{expected}\nis expected, this is\n{found}"));
    match (
        serde_json::from_str::<Value>(expected),
        serde_json::from_str::<Value>(found),
    ) {
        (Ok(expected), Ok(found)) => difference(&expected, &found, false, ""),
        _ if form => (!same_pairs(expected, found)).then(differs).flatten(),
        _ => (!fits(expected.trim(), found.trim())).then(differs).flatten(),
    }
}

/// Which of the origins a target belongs to, and its path and query.
fn located(target: &str, origins: &[(String, String)]) -> (usize, String) {
    let at = origins.iter().enumerate().find_map(|(n, (origin, _))| {
        let rest = target.strip_prefix(origin.as_str())?;
        Some((n, rest.to_owned()))
    });
    at.unwrap_or_else(|| (0, target.to_owned()))
}

fn same_target(expected: &str, found: &str) -> bool {
    let (path, query) = expected.split_once('?').unwrap_or((expected, ""));
    let (found_path, found_query) = found.split_once('?').unwrap_or((found, ""));
    fits(path, found_path) && same_pairs(query, found_query)
}

/// Parameters by name; those of one name in their order.
fn same_pairs(expected: &str, found: &str) -> bool {
    let pairs = |text: &str| {
        let mut pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs
    };
    let (expected, found) = (pairs(expected), pairs(found));
    expected.len() == found.len() && expected.iter().zip(&found).all(|(e, f)| e.0 == f.0 && fits(&e.1, &f.1))
}

fn placed(text: &str, origins: &[(String, String)]) -> String {
    origins.iter().fold(text.to_owned(), |text, (origin, address)| {
        text.replace(origin.as_str(), address)
    })
}

/// Every origin of the configuration, that of `baseUrl` first.
fn origins_of(config: &Value) -> Vec<String> {
    let texts = [&config["baseUrl"], &config["auth"]["tokenUrl"]];
    let redirects = config["redirects"].as_array().into_iter().flatten();
    let mut origins = Vec::new();
    for text in texts.into_iter().chain(redirects).filter_map(Value::as_str) {
        let Ok(url) = Url::parse(text) else { continue };
        let origin = url.origin().ascii_serialization();
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins
}

fn token_endpoint(config: &Value, origins: &[(String, String)]) -> Option<(usize, String)> {
    let url = config["auth"]["tokenUrl"].as_str()?;
    if !url.starts_with('/') {
        return Some(located(url, origins));
    }
    let base = Url::parse(config["baseUrl"].as_str()?).ok()?;
    Some((0, format!("{}{url}", base.path().trim_end_matches('/'))))
}
