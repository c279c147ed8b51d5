//! What the API refuses, and in which words.

use crate::api_host::{Answer, Host, TOKEN};
use serde_json::{Value, json};

/// One request that is refused.
struct Case {
    what: &'static str,
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    status: u16,
    code: &'static str,
    /// Part of the sentence that the person gets.
    says: &'static str,
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const GET: Case = Case {
    what: "",
    method: "GET",
    path: "",
    headers: &[],
    body: "",
    status: 400,
    code: "request.invalid",
    says: "",
};
const POST: Case = Case {
    method: "POST",
    headers: JSON,
    ..GET
};

// One case, one line.
#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { what: "no such route", path: "/nothing", status: 404, code: "not_found", says: "there is no route /api/v1/nothing", ..GET },
    Case { what: "wrong method", method: "POST", path: "/counters", status: 405, code: "method_not_allowed", says: "/api/v1/counters does not take POST", ..GET },
    Case { what: "unknown parameter", path: "/documents?colour=red", says: "colour: this route has no such parameter; it takes view, partner, kind", ..GET },
    Case { what: "parameter where there is none", path: "/counters?since=1", says: "since: this route has no such parameter; it takes none", ..GET },
    Case { what: "parameter of an act", method: "POST", path: "/partners/sandbox/pause?minutes=5", says: "minutes: this route has no such parameter", ..GET },
    Case { what: "unknown view", path: "/documents?view=mine", says: "view: unknown variant `mine`, expected one of `needsAnswer`", ..GET },
    Case { what: "limit of nothing", path: "/documents?limit=0", says: "limit: 0 is out of range: ask for 1 to 200 rows", ..GET },
    Case { what: "limit too high", path: "/documents?limit=201", says: "limit: 201 is out of range", ..GET },
    Case { what: "flag neither true nor false", path: "/documents?doubtful=1", says: "doubtful: \"1\" is neither true nor false", ..GET },
    Case { what: "limit no number", path: "/documents?limit=many", says: "limit: \"many\" is not a whole number in range", ..GET },
    Case { what: "parameter twice", path: "/documents?q=a&q=b", says: "q: invalid type: sequence", ..GET },
    Case { what: "bad cursor", path: "/documents?cursor=nonsense", says: "is not a cursor of this list", ..GET },
    Case { what: "bad cursor of operations", path: "/operations?cursor=%00", says: "is not a cursor of this list", ..GET },
    Case { what: "bad cursor of quarantine", path: "/quarantine?cursor=nonsense", says: "is not a cursor of this list", ..GET },
    Case { what: "bad cursor of history", path: "/documents/1/history?cursor=x", says: "is not a cursor of this list", ..GET },
    Case { what: "unknown delivery state", path: "/operations?state=Sent", says: "state: unknown variant `Sent`", ..GET },
    Case { what: "document id", path: "/documents/one", says: "\"one\" in the path is not a whole number in range", ..GET },
    Case { what: "no such document", path: "/documents/999999", status: 404, code: "not_found", says: "there is no document 999999", ..GET },
    Case { what: "no such version", path: "/documents/999999/versions/1", status: 404, code: "not_found", says: "there is no document 999999", ..GET },
    Case { what: "version id", path: "/documents/1/versions/-1", says: "\"-1\" in the path is not a whole number in range", ..GET },
    Case { what: "no such payload", path: "/documents/999999/versions/1/payload", status: 404, code: "not_found", says: "there is no document 999999", ..GET },
    Case { what: "history of nothing", path: "/documents/999999/history", status: 404, code: "not_found", says: "there is no document 999999", ..GET },
    Case { what: "print of nothing", path: "/documents/999999/versions/1/print", status: 404, code: "not_found", says: "there is no", ..GET },
    Case { what: "difference without end", path: "/documents/1/diff?from=1", says: "to: say which version to compare with", ..GET },
    Case { what: "difference of nothing", path: "/documents/999999/diff?from=1&to=2", status: 404, code: "not_found", says: "there is no", ..GET },
    Case { what: "operation id", path: "/operations/17", says: "\"17\" in the path is not a UUID", ..GET },
    Case { what: "no such operation", path: "/operations/00000000-0000-7000-8000-000000000000", status: 404, code: "not_found", says: "there is no operation", ..GET },
    Case { what: "no such quarantine", path: "/quarantine/4711", status: 404, code: "not_found", says: "there is no quarantine item 4711", ..GET },
    Case { what: "no such partner", method: "POST", path: "/partners/nobody/sync", status: 404, code: "not_found", says: "there is no partner nobody", ..GET },
    Case { what: "retry of nothing", method: "POST", path: "/operations/00000000-0000-7000-8000-000000000000/retry", status: 404, code: "not_found", says: "there is no operation", ..GET },
    Case { what: "event id", path: "/events", headers: &[("last-event-id", "soon")], says: "Last-Event-ID: \"soon\" is not an event id", ..GET },
    Case { what: "a form", path: "/documents/1/answers", headers: &[("content-type", "application/x-www-form-urlencoded")], body: "version=1", status: 415, code: "request.media_type", says: "content-type: application/json", ..POST },
    Case { what: "text", path: "/documents/1/answers", headers: &[("content-type", "text/plain")], body: "{}", status: 415, code: "request.media_type", says: "the body must be JSON", ..POST },
    Case { what: "no media type", path: "/documents/1/answers", headers: &[], body: "{}", status: 415, code: "request.media_type", says: "the body must be JSON", ..POST },
    Case { what: "not JSON", path: "/documents/1/answers", body: "{", says: "not JSON: EOF while parsing an object", ..POST },
    Case { what: "no body", path: "/documents/1/answers", says: "not JSON: EOF while parsing a value", ..POST },
    Case { what: "missing field", path: "/documents/1/answers", body: r#"{"version":1}"#, says: "missing field `answer`", ..POST },
    Case { what: "unknown field", path: "/documents/1/answers", body: r#"{"version":1,"answer":{"code":"AP"},"force":true}"#, says: "/force: unknown field `force`", ..POST },
    Case { what: "unknown field within", path: "/documents/1/answers", body: r#"{"version":1,"answer":{"code":"AP","colour":1}}"#, says: "/answer/colour: unknown field `colour`", ..POST },
    Case { what: "unknown code", path: "/documents/1/answers", body: r#"{"version":1,"answer":{"code":"OK"}}"#, says: "/answer/code: unknown variant `OK`, expected one of `AB`, `AP`, `RE`, `CA`", ..POST },
    Case { what: "bad quantity", path: "/documents/1/answers", body: r#"{"version":1,"answer":{"code":"CA","lines":[{"lineId":"1","code":"Changed","quantity":"many"}]}}"#, says: "/answer/lines/0/quantity: ", ..POST },
    Case { what: "bad date", path: "/documents/1/answers", body: r#"{"version":1,"answer":{"code":"CA","lines":[{"lineId":"1","code":"Changed","date":"31.12."}]}}"#, says: "/answer/lines/0/date: ", ..POST },
    Case { what: "negative version", path: "/documents/1/answers", body: r#"{"version":-1,"answer":{"code":"AP"}}"#, says: "/version: ", ..POST },
    Case { what: "answer to nothing", path: "/documents/999999/answers", body: r#"{"version":1,"answer":{"code":"AP"}}"#, status: 404, code: "not_found", says: "there is no document 999999", ..POST },
    Case { what: "receipt to nothing", path: "/documents/999999/receipts", body: r#"{"version":1,"receipt":{"receivedOn":"2026-11-21","lines":[]}}"#, status: 404, code: "not_found", says: "there is no document 999999", ..POST },
];

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_with_a_sentence() {
    let host = Host::quiet().await;
    let mut wrong = Vec::new();
    for case in CASES {
        let verb = case.method.parse().expect("a method");
        let mut request = host.client.request(verb, host.url(case.path)).bearer_auth(TOKEN);
        for (name, value) in case.headers {
            request = request.header(*name, *value);
        }
        if !case.body.is_empty() {
            request = request.body(case.body);
        }
        let answer = host.send(request).await;
        let problem = problem(&answer, case.what);
        let detail = problem["detail"].as_str().unwrap_or_default();
        let as_told = answer.status == case.status && problem["code"] == case.code && detail.contains(case.says);
        if !as_told {
            wrong.push(format!("{}: {problem}", case.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    host.stop().await;
}

fn problem(answer: &Answer, what: &str) -> Value {
    assert_eq!(
        answer.header("content-type"),
        "application/problem+json",
        "{what}: {}",
        answer.status
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    let problem = answer.json();
    assert_eq!(problem["status"], answer.status, "{what}");
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_in_without_the_token_or_by_another_name() {
    let host = Host::quiet().await;
    let session = host.url("/session");
    let own = format!("localhost:{}", host.port);
    let other_port = "127.0.0.1:1".to_owned();
    for (what, token, name, status, code) in [
        ("no token", None, None, 401, "unauthorized"),
        ("wrong token", Some("a-token-for-the-tesTs"), None, 401, "unauthorized"),
        ("part of the token", Some("a-token"), None, 401, "unauthorized"),
        ("empty token", Some(""), None, 401, "unauthorized"),
        (
            "a name that resolves here",
            Some(TOKEN),
            Some("evil.example"),
            421,
            "forbidden",
        ),
        ("another port", Some(TOKEN), Some(other_port.as_str()), 421, "forbidden"),
        ("our name", Some(TOKEN), Some(own.as_str()), 200, ""),
        ("a configured name", Some(TOKEN), Some("orders.example.com"), 200, ""),
    ] {
        let mut request = host.client.get(&session);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(name) = name {
            request = request.header("host", name);
        }
        let answer = host.send(request).await.expect(status);
        if status != 200 {
            assert_eq!(problem(&answer, what)["code"], code, "{what}");
        }
    }
    // Files and health need no token, but the name.
    for path in ["/", "/api/v1/health", "/api/v1/ready"] {
        let url = format!("{}{path}", host.base);
        assert_eq!(host.send(host.client.get(&url)).await.status, 200, "{path}");
        assert_eq!(
            host.send(host.client.get(&url).header("host", "evil.example"))
                .await
                .status,
            421,
            "{path}"
        );
    }
    let plain = host.send(host.client.get(&session)).await;
    assert_eq!(plain.header("www-authenticate"), "Bearer");
    let preflight = host
        .client
        .request(reqwest::Method::OPTIONS, &session)
        .header("origin", "http://evil.example");
    let preflight = host.send(preflight).await;
    assert!(
        !preflight
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("access-control-"))
    );
    host.stop().await;
}

/// Also those that come later: the list is the document's own.
#[tokio::test(flavor = "multi_thread")]
async fn no_operation_is_open_but_the_two_for_monitors() {
    let host = Host::quiet().await;
    let document: Value = serde_json::from_str(&sync_engine::api::openapi_text()).expect("JSON");
    let mut open = Vec::new();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys() {
            let method: reqwest::Method = method.to_uppercase().parse().expect("a method");
            let parts = path
                .split('/')
                .map(|part| if part.starts_with('{') { "1" } else { part });
            let url = format!("{}{}", host.base, parts.collect::<Vec<_>>().join("/"));
            asked += 1;
            for token in [None, Some("a-token-for-the-tesTs")] {
                let request = host
                    .client
                    .request(method.clone(), &url)
                    .header("content-type", "application/json");
                let request = match token {
                    Some(token) => request.bearer_auth(token),
                    None => request,
                };
                let answer = host.send(request).await;
                if answer.status != 401 {
                    open.push(format!("{method} {path} {token:?}: {}", answer.status));
                }
            }
        }
    }
    assert!(asked > 40, "{asked} operations");
    open.retain(|told| !told.starts_with("GET /api/v1/health ") && !told.starts_with("GET /api/v1/ready "));
    assert!(open.is_empty(), "{open:#?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused() {
    let host = Host::quiet().await;
    let note = "x".repeat(sync_engine::api::MAX_BODY_BYTES);
    let body = json!({ "version": 1, "answer": { "code": "AP", "note": note } });
    let answer = host.post("/documents/1/answers", &body).await.expect(413);
    assert_eq!(answer.json()["code"], "request.too_large");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screens_come_with_a_strict_policy() {
    let host = Host::quiet().await;
    for path in ["/", "/documents/17", "/index.html"] {
        let answer = host.send(host.client.get(format!("{}{path}", host.base))).await;
        if path == "/index.html" && answer.status == 404 {
            continue;
        }
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(policy.contains("form-action 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    let missing = host
        .send(host.client.get(format!("{}/assets/gone.js", host.base)))
        .await;
    assert_eq!(missing.status, 404);
    let outside = host
        .send(host.client.get(format!("{}/..%2f..%2fCargo.toml", host.base)))
        .await;
    assert_eq!(outside.status, 404);
    host.stop().await;
}
