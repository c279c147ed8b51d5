//! What answers and failures mean, limits of size, redirects, secrets: against a server that does each on purpose.

use crate::partner_link::{Answering, connect, secrets, small, small_answer};
use crate::partner_server::{Server, answer};
use serde_json::json;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync_engine::domain::{Progress, Timestamp};
use sync_engine::partner::{HttpPartner, OutboundKind, PartnerLink, SendResult, Verdict};

async fn send(partner: &HttpPartner) -> (SendResult, Answering) {
    let answering = small_answer(partner);
    let request = answering.render(partner);
    (
        partner
            .send(OutboundKind::Confirm, answering.id, &Progress::default(), &request)
            .await,
        answering,
    )
}

#[tokio::test]
async fn statuses_become_verdicts() {
    type Row = (u16, &'static [(&'static str, &'static str)], &'static str, &'static str);
    let rows: &[Row] = &[
        (200, &[], r#"{"id": 7}"#, "Taken { verify_after: Some(10s) }"),
        (202, &[], "", "Taken { verify_after: Some(10s) }"),
        (
            400,
            &[],
            r#"{"errors":[{"code":"X","message":"No such line"}]}"#,
            "Rejected { code: \"partner.rejected\" } No such line",
        ),
        (401, &[], "", "Credentials"),
        (403, &[], "", "Rejected { code: \"partner.forbidden\" }"),
        (404, &[], "<html>", "Rejected { code: \"partner.not_found\" }"),
        (
            408,
            &[],
            "",
            "Again { code: \"partner.unavailable\", retry_after: None, breaker: false }",
        ),
        (
            409,
            &[],
            r#"{"detail":"Newer version"}"#,
            "Conflict { code: \"partner.conflict\" } Newer version",
        ),
        (412, &[], "", "Conflict { code: \"partner.conflict\" }"),
        (
            422,
            &[],
            r#"["one","two"]"#,
            "Rejected { code: \"partner.rejected\" } one; two",
        ),
        (
            425,
            &[],
            "",
            "Again { code: \"partner.unavailable\", retry_after: None, breaker: false }",
        ),
        (
            429,
            &[("retry-after", "17")],
            "",
            "Again { code: \"partner.rate_limited\", retry_after: Some(17s), breaker: false }",
        ),
        (
            429,
            &[("retry-after", "999999")],
            "",
            "Again { code: \"partner.rate_limited\", retry_after: Some(86400s), breaker: false }",
        ),
        (
            500,
            &[],
            r#"{"error":{"code":"E","message":"Boom"}}"#,
            "Again { code: \"partner.unavailable\", retry_after: None, breaker: true } Boom",
        ),
        (501, &[], "", "Rejected { code: \"partner.rejected\" }"),
        (
            503,
            &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")],
            "",
            "Again { code: \"partner.unavailable\", retry_after: Some(0ns), breaker: true }",
        ),
        (
            504,
            &[],
            r#"{"title":"Late","detail":"Too late"}"#,
            "Again { code: \"partner.unavailable\", retry_after: None, breaker: true } Too late",
        ),
        (
            302,
            &[("location", "https://elsewhere.example/x")],
            "",
            "Rejected { code: \"partner.redirect\" }",
        ),
    ];
    for (status, headers, body, expected) in rows {
        let server = Server::start(|_| answer(*status, headers, *body)).await;
        let (sent, _) = send(&connect(&small(&server.url), secrets(&[]))).await;
        let words = sent
            .message
            .as_deref()
            .filter(|_| *status != 302)
            .map(|m| format!(" {m}"))
            .unwrap_or_default();
        assert_eq!(format!("{:?}{words}", sent.verdict), *expected, "{status}");
        assert_eq!(sent.status, Some(*status));
    }
}

#[tokio::test]
async fn an_operation_may_have_its_own_rules() {
    let server =
        Server::start(|asked| answer(if asked.uri.path().ends_with("A%2F1") { 409 } else { 500 }, &[], "")).await;
    for (outcomes, expected) in [
        (json!({"alreadyDone": [409]}), "Taken { verify_after: Some(10s) }"),
        (json!({"applied": [409]}), "Applied"),
        (
            json!({"again": [409]}),
            "Again { code: \"partner.unavailable\", retry_after: None, breaker: false }",
        ),
        (json!({"conflict": [412]}), "Rejected { code: \"partner.rejected\" }"),
    ] {
        let mut config = small(&server.url);
        config["operations"]["confirm"]["outcomes"] = outcomes;
        let (sent, _) = send(&connect(&config, secrets(&[]))).await;
        assert_eq!(format!("{:?}", sent.verdict), expected);
    }
}

#[tokio::test]
async fn a_request_carries_what_was_rendered_and_its_keys() {
    let server = Server::start(|_| answer(200, &[], r#"{"id": "job 1"}"#)).await;
    let partner = connect(&small(&server.url), secrets(&[]));
    let (sent, answering) = send(&partner).await;
    let asked = server.asked();
    let one = &asked[0];
    assert_eq!((one.method.as_str(), one.uri.path()), ("POST", "/answer/A%2F1"));
    assert_eq!(one.headers["idempotency-key"], answering.id.to_string().as_str());
    assert_eq!(one.headers["x-correlation-id"], answering.id.to_string().as_str());
    assert_eq!(one.headers["content-type"], "application/json");
    assert_eq!(
        &one.body[..],
        &answering.render(&partner).body[..],
        "byte for byte, at every attempt"
    );
    assert_eq!(sent.receipt, Some(json!({"id": "job 1"})));
    partner.verify(&answering.input(), sent.receipt.as_ref()).await;
    assert_eq!(server.asked()[1].uri.path(), "/job/job%201");
}

#[tokio::test]
async fn lookup_and_verify_read_the_partners_state() {
    for (status, body, verify, lookup) in [
        (200, r#"{"state":"done"}"#, "Applied", "Applied"),
        (
            200,
            r#"{"state":"open"}"#,
            "Pending { again_after: 10s }",
            "Taken { verify_after: Some(10s) }",
        ),
        (
            200,
            r#"{"state":"failed"}"#,
            "Rejected { code: \"partner.failed\" }",
            "Pending { again_after: 10s }",
        ),
        (
            200,
            r#"{"state":"something new"}"#,
            "Pending { again_after: 10s }",
            "Pending { again_after: 10s }",
        ),
        (
            200,
            "not JSON",
            "Pending { again_after: 10s }",
            "Pending { again_after: 10s }",
        ),
        (404, "", "Rejected { code: \"partner.not_found\" }", "NotSeen"),
        (
            503,
            "",
            "Again { code: \"partner.unavailable\", retry_after: None, breaker: true }",
            "Again { code: \"partner.unavailable\", retry_after: None, breaker: true }",
        ),
    ] {
        let server = Server::start(move |_| answer(status, &[], body)).await;
        let partner = connect(&small(&server.url), secrets(&[]));
        let answering = small_answer(&partner);
        let receipt = json!({"id": "1"});
        let seen = partner.verify(&answering.input(), Some(&receipt)).await;
        assert_eq!(format!("{:?}", seen.verdict), verify, "{status} {body}");
        let seen = partner.lookup(&answering.input(), Some(&receipt)).await;
        assert_eq!(format!("{:?}", seen.verdict), lookup, "{status} {body}");
    }
}

#[tokio::test]
async fn what_breaks_after_the_request_left_is_unknown() {
    // Nobody listens: the request never left.
    let free = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let (sent, _) = send(&connect(&small(&url), secrets(&[]))).await;
    assert!(
        matches!(
            sent.verdict,
            Verdict::Again {
                code: "partner.unreachable",
                breaker: true,
                ..
            }
        ),
        "{sent:?}"
    );

    // The connection is closed without a word, after the request was read.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let _ = tokio::io::AsyncReadExt::read(&mut socket, &mut buffer).await;
        }
    });
    let partner = connect(&small(&url), secrets(&[]));
    let (sent, _) = send(&partner).await;
    assert_eq!(sent.verdict, Verdict::Unknown { code: "partner.broken" }, "{sent:?}");
    let read = partner.fetch("orders", None, None).await.unwrap_err();
    assert!(read.transient && read.breaker, "a read may be tried again: {read:?}");

    // No answer within the time.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut config = small(&format!("http://{}", listener.local_addr().unwrap()));
    config["limits"] = json!({"requestSeconds": 1});
    let held = tokio::spawn(async move {
        std::future::pending::<()>().await;
        drop(listener);
    });
    let (sent, _) = send(&connect(&config, secrets(&[]))).await;
    assert_eq!(
        sent.verdict,
        Verdict::Unknown {
            code: "partner.timeout"
        },
        "{sent:?}"
    );
    held.abort();
}

#[tokio::test]
async fn redirects_stay_within_the_allowed_origins_and_lose_the_token() {
    let elsewhere = Server::start(|_| answer(200, &[], r#"{"items":[{"id":"A"}]}"#)).await;
    let target = format!("{}/list", elsewhere.url);
    let server = Server::start(move |asked| match asked.uri.path() {
        "/token" => answer(
            200,
            &[],
            r#"{"access_token":"a-long-token-text","token_type":"Bearer","expires_in":600}"#,
        ),
        _ => answer(307, &[("location", &target)], ""),
    })
    .await;
    let mut config = small(&server.url);
    config["auth"] = json!({"type": "oauth2", "tokenUrl": "/token", "clientId": "c", "clientSecret": {"secret": "s"}});
    let keys = || secrets(&[("s", "a-long-secret")]);
    let refused = connect(&config, keys()).fetch("orders", None, None).await.unwrap_err();
    assert_eq!(
        (refused.code, refused.transient),
        ("partner.redirect", false),
        "{refused}"
    );
    assert!(elsewhere.asked().is_empty());

    config["headers"] = json!({"X-Tenant": "17"});
    config["redirects"] = json!([elsewhere.url]);
    let page = connect(&config, keys()).fetch("orders", None, None).await.unwrap();
    assert_eq!(page.items.len(), 1);
    let asked = elsewhere.asked();
    for name in ["authorization", "x-tenant", "x-correlation-id"] {
        assert!(!asked[0].headers.contains_key(name), "{name} stays with its origin");
    }
    // A request that changes something is never redirected.
    let (sent, _) = send(&connect(&config, keys())).await;
    assert_eq!(
        sent.verdict,
        Verdict::Rejected {
            code: "partner.redirect"
        }
    );
}

#[tokio::test]
async fn answers_have_limits_on_the_wire_and_inflated() {
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zipped.write_all(b"{\"items\":[]}").unwrap();
    zipped.write_all(&vec![b' '; 20 << 20]).unwrap();
    let bomb = zipped.finish().unwrap();
    let mut small_zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    small_zip.write_all(br#"{"items":[{"id":"A"},{"id":"B"}]}"#).unwrap();
    let small_zip = small_zip.finish().unwrap();
    let server = Server::start(move |asked| match asked.uri.path() {
        "/zip/list" => answer(200, &[("content-encoding", "gzip")], small_zip.clone()),
        "/bomb/list" => answer(200, &[("content-encoding", "gzip")], bomb.clone()),
        "/br/list" => answer(200, &[("content-encoding", "br")], "x"),
        "/torn/list" => answer(200, &[("content-encoding", "gzip")], "no gzip"),
        _ => answer(200, &[], vec![b' '; 3 << 20]),
    })
    .await;
    let fetch = |path: &str| {
        let mut config = small(&format!("{}{path}", server.url));
        config["limits"] = json!({"maxBodyBytes": 2 << 20, "maxInflatedBytes": 10 << 20});
        let partner = connect(&config, secrets(&[]));
        async move { partner.fetch("orders", None, None).await }
    };
    assert_eq!(fetch("/zip").await.unwrap().items.len(), 2);
    let bomb = fetch("/bomb").await.unwrap_err();
    assert_eq!(
        (bomb.code, bomb.message.as_str()),
        ("limit.body", "the answer inflates to more than 10485760 bytes")
    );
    let wide = fetch("/wide").await.unwrap_err();
    assert_eq!(
        (wide.code, wide.message.as_str()),
        ("limit.body", "the answer is larger than 2097152 bytes")
    );
    assert!(fetch("/br").await.unwrap_err().message.contains("encoded as br"));
    assert!(
        fetch("/torn")
            .await
            .unwrap_err()
            .message
            .contains("gzip cannot be undone")
    );
}

/// A secret that is searched for in everything that comes back.
const CANARY: &str = "canary-secret-7f3a/9+b=";

#[tokio::test]
async fn secrets_never_come_back() {
    // A partner that repeats whatever it was told, in every form.
    let server = Server::start(|asked| {
        let told = asked.headers.get("authorization").and_then(|h| h.to_str().ok()).unwrap_or("");
        let body = String::from_utf8_lossy(&asked.body);
        let text = json!({"error": "invalid_client", "error_description": format!("I was told {told} {body}"), "message": format!("{told}")});
        match asked.uri.path() {
            "/token" => answer(200, &[], json!({"access_token": format!("token-{CANARY}"), "token_type": "Bearer", "expires_in": 600}).to_string()),
            _ => answer(400, &[], text.to_string()),
        }
    })
    .await;
    let clean = |text: String| {
        let forms = [
            CANARY.to_owned(),
            "canary-secret-7f3a%2F9%2Bb%3D".to_owned(),
            "Y2FuYXJ5".to_owned(),
        ];
        for form in forms {
            assert!(!text.contains(&form), "{form} in {text}");
        }
    };
    for (token_url, place) in [
        ("/token", "basic"),
        ("/token", "body"),
        ("/refuse", "basic"),
        ("/refuse", "body"),
    ] {
        let mut config = small(&server.url);
        config["auth"] = json!({
            "type": "oauth2", "tokenUrl": token_url, "clientId": "canary-client",
            "clientSecret": {"secret": "s"}, "clientAuthentication": place
        });
        let partner = connect(&config, secrets(&[("s", CANARY)]));
        clean(format!("{:?}", partner.fetch("orders", None, None).await));
        let (sent, answering) = send(&partner).await;
        clean(format!("{sent:?}"));
        clean(format!("{:?}", partner.lookup(&answering.input(), None).await));
        clean(format!("{:?}", partner.config()));
    }
}

#[tokio::test]
async fn one_new_token_for_many_that_were_refused() {
    let tokens = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&tokens);
    let server = Server::start(move |asked| {
        if asked.uri.path() == "/token" {
            let mut n = counter.lock().unwrap();
            *n += 1;
            // 201, the life as a text, no token type: as some do.
            return answer(
                201,
                &[],
                json!({"access_token": format!("token-number-{n}"), "expires_in": "600"}).to_string(),
            );
        }
        let first = asked.headers["authorization"] == "Bearer token-number-1";
        answer(if first { 401 } else { 200 }, &[], r#"{"items":[]}"#)
    })
    .await;
    let mut config = small(&server.url);
    config["auth"] = json!({"type": "oauth2", "tokenUrl": "/token", "clientId": "c", "clientSecret": {"secret": "s"}});
    let partner = connect(&config, secrets(&[("s", "a-long-secret")]));
    let pages: Vec<_> = (0..10).map(|_| partner.fetch("orders", None, None)).collect();
    for page in futures_util::future::join_all(pages).await {
        page.unwrap();
    }
    assert_eq!(*tokens.lock().unwrap(), 2);
}

#[tokio::test]
async fn requests_keep_the_partners_pace() {
    let server = Server::start(|_| answer(200, &[], r#"{"items":[]}"#)).await;
    let mut config = small(&server.url);
    config["limits"] = json!({"requestsPerSecond": 20});
    let partner = connect(&config, secrets(&[]));
    let started = std::time::Instant::now();
    let pages: Vec<_> = (0..11).map(|_| partner.fetch("orders", None, None)).collect();
    for page in futures_util::future::join_all(pages).await {
        page.unwrap();
    }
    assert!(
        started.elapsed() >= Duration::from_millis(490),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn the_partners_clock_is_compared_with_ours() {
    let server = Server::start(|_| answer(200, &[("date", "Wed, 21 Oct 2015 07:28:00 GMT")], r#"{"items":[]}"#)).await;
    let partner = connect(&small(&server.url), secrets(&[]));
    let skew = partner
        .fetch("orders", None, None)
        .await
        .unwrap()
        .clock_skew_ms
        .unwrap();
    let theirs = Timestamp(1_445_412_480_000);
    let now = chrono::Utc::now().timestamp_millis();
    assert!((theirs.0 - now - skew).abs() < 10_000, "{skew}");
}

#[cfg(unix)]
#[test]
fn a_secret_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    use sync_engine::partner::{FileSecrets, Secret, Secrets};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/secrets.json");
    let store = FileSecrets::new(&path);
    assert_eq!(
        store.get("a.b").unwrap_err().to_string(),
        "there is no secret \"a.b\": add it with `countersign partner secret a.b`"
    );
    store.set("a.b", Secret::new("first".to_owned())).unwrap();
    store.set("c", Secret::new("second".to_owned())).unwrap();
    assert_eq!(store.get("a.b").unwrap().expose(), "first");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = store.get("a.b").unwrap_err().to_string();
    assert!(
        refused.contains(&format!(
            "others may read it (mode 640): run `chmod 600 {}`",
            path.display()
        )),
        "{refused}"
    );
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&path, "{\"a\": \"canary-in-a-broken-file\"").unwrap();
    let broken = store.get("a").unwrap_err().to_string();
    assert!(broken.contains("line 1") && !broken.contains("canary"), "{broken}");
}
