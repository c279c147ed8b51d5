//! Several companies in one database: what one has, the others neither read nor act on.

use crate::api_host::Host;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use std::time::Duration;
use sync_engine::api::{ApiOptions, openapi_text, router};
use sync_engine::domain::PartnerId;
use sync_engine::engine::Engine;
use tower::ServiceExt;

/// What the first company has, by id.
struct Things {
    order: Value,
    operation: String,
    quarantined: Value,
}

impl Things {
    /// An order in two versions with an answer on its way, and a payload that is no order.
    async fn of(host: &Host) -> Self {
        let number = host.orders(1, 2).await.remove(0);
        host.sandbox.change_order(&number).expect("a change");
        host.fetch().await;
        let order = host.row(&number).await["id"].clone();
        let answer = json!({ "version": 2, "answer": { "code": "AP" } });
        let saved = host.post(&format!("/documents/{order}/answers"), &answer).await;
        let partner = PartnerId("sandbox".to_owned());
        let taken = host.engine.import(&partner, "orders", "{\"no\": \"order\"}".into());
        taken.await.expect("it is set aside");
        let waiting = host.get("/quarantine").await.expect(200).json();
        Self {
            order,
            operation: saved.expect(201).json()["id"].as_str().expect("an id").to_owned(),
            quarantined: waiting["items"][0]["id"].clone(),
        }
    }

    fn path(&self, template: &str) -> String {
        let id = match template.split('/').nth(3) {
            Some("documents") => self.order.to_string(),
            Some("operations") => self.operation.clone(),
            Some("quarantine") => self.quarantined.to_string(),
            other => panic!("{template}: whose ids are those of {other:?}?"),
        };
        let path = template.replace("{id}", &id).replace("{number}", "1");
        if template.ends_with("/diff") {
            format!("{path}?from=1&to=2")
        } else {
            path
        }
    }
}

fn router_of(engine: &Engine) -> Router {
    let options = ApiOptions {
        user: "ada".to_owned(),
        shutdown: tokio_util::sync::CancellationToken::new(),
        settings_file: None,
    };
    router(engine.clone(), options)
}

/// A body that the route takes.
fn body(template: &str, order: &Value) -> Value {
    match template.rsplit('/').next() {
        Some("answers") => json!({ "version": 2, "answer": { "code": "AP" } }),
        Some("receipts") => json!({ "version": 2, "receipt": { "receivedOn": "2026-11-21", "lines": [] } }),
        Some("versions") => json!({ "version": 2, "document": order }),
        _ => json!({ "version": 2 }),
    }
}

async fn ask(router: &Router, method: &Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let mut request = Request::builder().method(method).uri(path);
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let request = request.body(body).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 22)
        .await
        .expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// Also the routes that come later: the list is the OpenAPI document's own.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_one_company_names_nothing_to_another() {
    let host = Host::quiet().await;
    let things = Things::of(&host).await;
    let other = host.engine_of("other").await;
    let (ours, theirs) = (router_of(&host.engine), router_of(&other));
    let version = host.get(&format!("/documents/{}/versions/2", things.order)).await;
    let order = version.expect(200).json()["document"]["Order"].clone();
    let seen = [
        things.path("/api/v1/documents/{id}"),
        things.path("/api/v1/documents/{id}/history"),
        things.path("/api/v1/operations/{id}"),
        things.path("/api/v1/quarantine/{id}"),
    ];
    let look = async || {
        let mut all = Vec::new();
        for path in &seen {
            all.push(ask(&ours, &Method::GET, path, None).await);
        }
        all
    };
    let before = look().await;
    assert!(before.iter().all(|(status, _)| *status == 200), "{before:#?}");

    let document: Value = serde_json::from_str(&openapi_text()).expect("JSON");
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        // A partner is a file in the partners' folder, which is each company's own.
        if !path.contains('{') || path.starts_with("/api/v1/partners/") {
            continue;
        }
        for (method, operation) in operations.as_object().expect("operations") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let body = operation.get("requestBody").map(|_| body(path, &order));
            routes.push((method, things.path(path), body));
        }
    }
    assert!(routes.len() >= 21, "{routes:#?}");
    for (method, path, body) in &routes {
        let (status, problem) = ask(&theirs, method, path, body.as_ref()).await;
        assert_eq!(
            (status, &problem["code"]),
            (404, &json!("not_found")),
            "{method} {path}: {problem}"
        );
    }
    assert_eq!(look().await, before, "nothing was changed by those who may not");
    // The same requests find something where they may.
    for (method, path, body) in &routes {
        let (status, answer) = ask(&ours, method, path, body.as_ref()).await;
        assert!(
            ![400, 404, 405, 415].contains(&status),
            "{method} {path}: {status} {answer}"
        );
    }
    other.stop(Duration::from_secs(10)).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_shows_what_is_another_companys() {
    let host = Host::quiet().await;
    let things = Things::of(&host).await;
    let other = host.engine_of("other").await;
    let (ours, theirs) = (router_of(&host.engine), router_of(&other));
    let lists = [
        "/api/v1/documents?view=all".to_owned(),
        "/api/v1/operations".to_owned(),
        format!("/api/v1/operations?document={}", things.order),
        "/api/v1/quarantine".to_owned(),
    ];
    for list in &lists {
        let (_, mine) = ask(&ours, &Method::GET, list, None).await;
        let (_, of_others) = ask(&theirs, &Method::GET, list, None).await;
        assert_eq!(mine["items"].as_array().map(Vec::len), Some(1), "{list}: {mine}");
        assert_eq!(of_others["items"], json!([]), "{list}");
    }
    other.stop(Duration::from_secs(10)).await;
    host.stop().await;
}
