//! Redirects, pace and slow partners: what a partner does to a connection, and that each ends in a clear state.

use crate::partner_link::{connect, secrets, small, small_answer};
use crate::partner_server::{Server, answer};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use sync_engine::domain::Progress;
use sync_engine::partner::{OutboundKind, PartnerLink, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PAGE: &str = r#"{"items":[]}"#;

#[tokio::test]
async fn no_credential_of_any_kind_leaves_its_origin() {
    let elsewhere = Server::start(|_| answer(200, &[], PAGE)).await;
    let target = format!("{}/list?x=1", elsewhere.url);
    let server = Server::start(move |asked| match asked.uri.path() {
        "/token" => answer(200, &[], r#"{"access_token":"a-long-token-text"}"#),
        _ => answer(302, &[("location", &target), ("set-cookie", "a=b")], ""),
    })
    .await;
    let auths = [
        json!({"type": "oauth2", "tokenUrl": "/token", "clientId": "c", "clientSecret": {"secret": "s"}, "tokenHeader": "X-Token"}),
        json!({"type": "basic", "username": "us", "password": {"secret": "s"}}),
        json!({"type": "key", "value": {"secret": "s"}, "header": "X-Api-Key"}),
        json!({"type": "key", "value": {"secret": "s"}, "query": "api-key"}),
    ];
    for auth in &auths {
        let mut config = small(&server.url);
        config["auth"] = auth.clone();
        config["headers"] = json!({"X-Second-Key": {"secret": "s"}});
        config["streams"]["orders"]["request"]["headers"] = json!({"X-Own": "7"});
        config["signing"] =
            json!({"algorithm": "hmacSha256", "key": {"secret": "s"}, "template": "{path}", "header": "X-Signature"});
        config["redirects"] = json!([elsewhere.url]);
        connect(&config, secrets(&[("s", "a-long-secret")]))
            .fetch("orders", None, None)
            .await
            .unwrap();
    }
    let asked = elsewhere.asked();
    assert_eq!(asked.len(), auths.len());
    for one in asked {
        let names: Vec<_> = one.headers.keys().map(|n| n.as_str()).collect();
        for name in &names {
            assert!(
                ["accept", "accept-encoding", "host", "user-agent"].contains(name),
                "{names:?}"
            );
        }
        assert_eq!(one.uri.query(), Some("x=1"));
    }
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let server = Server::start(|_| answer(307, &[("location", "/list")], "")).await;
    let mut config = small(&server.url);
    config["redirects"] = json!([server.url]);
    let error = connect(&config, secrets(&[]))
        .fetch("orders", None, None)
        .await
        .unwrap_err();
    assert_eq!((error.code, error.transient), ("partner.redirect", false), "{error}");
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn nothing_is_sent_while_the_partners_limit_is_spent() {
    let starts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&starts);
    let server = Server::start(move |asked| {
        let mut starts = seen.lock().unwrap();
        starts.push(Instant::now());
        let reset = if asked.uri.query() == Some("after=far") {
            "3600"
        } else {
            "1"
        };
        let left = if starts.len() == 2 { "0" } else { "9" };
        answer(200, &[("x-rate-remaining", left), ("x-rate-reset", reset)], PAGE)
    })
    .await;
    let mut config = small(&server.url);
    config["limits"] = json!({"rateHeaders": {"remaining": "X-Rate-Remaining", "reset": "X-Rate-Reset"}});
    let partner = connect(&config, secrets(&[]));
    for _ in 0..4 {
        partner.fetch("orders", None, None).await.unwrap();
    }
    {
        let starts = starts.lock().unwrap();
        let gaps: Vec<_> = starts.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(gaps[1] >= Duration::from_millis(900), "{gaps:?}");
        assert!(gaps[2] < Duration::from_millis(900), "{gaps:?}");
    }
    // What would take too long to wait for comes back with the time.
    starts.lock().unwrap().truncate(1);
    partner.fetch("orders", Some("far"), None).await.unwrap();
    let error = partner.fetch("orders", None, None).await.unwrap_err();
    assert_eq!(
        (error.code, error.transient, error.breaker),
        ("partner.rate_limited", true, false)
    );
    let wait = error.retry_after.unwrap();
    assert!(
        wait > Duration::from_secs(3500) && wait <= Duration::from_secs(3600),
        "{wait:?}"
    );
    let answering = small_answer(&partner);
    let before = server.asked().len();
    let sent = partner
        .send(
            OutboundKind::Confirm,
            answering.id,
            &Progress::default(),
            &answering.render(&partner),
        )
        .await;
    let Verdict::Again { code, breaker, .. } = sent.verdict else {
        panic!("{sent:?}")
    };
    assert_eq!((code, breaker), ("partner.rate_limited", false));
    assert_eq!(server.asked().len(), before, "nothing left");
}

#[tokio::test]
async fn retry_after_holds_everything_to_that_partner() {
    let server = Server::start(|asked| {
        let busy = asked.method == "POST";
        answer(
            if busy { 429 } else { 200 },
            if busy { &[("retry-after", "600")] } else { &[] },
            PAGE,
        )
    })
    .await;
    let partner = connect(&small(&server.url), secrets(&[]));
    partner.fetch("orders", None, None).await.unwrap();
    let answering = small_answer(&partner);
    let sent = partner
        .send(
            OutboundKind::Confirm,
            answering.id,
            &Progress::default(),
            &answering.render(&partner),
        )
        .await;
    let expected = Verdict::Again {
        code: "partner.rate_limited",
        retry_after: Some(Duration::from_secs(600)),
        breaker: false,
    };
    assert_eq!(sent.verdict, expected);
    let error = partner.fetch("orders", None, None).await.unwrap_err();
    assert_eq!(error.code, "partner.rate_limited");
    assert!(error.retry_after.unwrap() > Duration::from_secs(500));
    assert_eq!(server.asked().len(), 2);
}

/// A partner that sends its answer a byte at a time and never comes to the end.
async fn dripping(head: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let _ = socket.read(&mut buffer).await;
                let _ = socket.write_all(head.as_bytes()).await;
                while socket.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn a_slow_drip_ends_when_the_time_for_a_request_is_over() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx-slow:",
    ] {
        let url = dripping(head).await;
        let mut config = small(&url);
        config["limits"] = json!({"requestSeconds": 1, "tokenSeconds": 1});
        let partner = connect(&config, secrets(&[]));
        let started = Instant::now();
        let error = partner.fetch("orders", None, None).await.unwrap_err();
        assert_eq!(
            (error.code, error.transient, error.breaker),
            ("partner.timeout", true, true),
            "{error}"
        );
        let answering = small_answer(&partner);
        let sent = partner
            .send(
                OutboundKind::Confirm,
                answering.id,
                &Progress::default(),
                &answering.render(&partner),
            )
            .await;
        assert_eq!(
            sent.verdict,
            Verdict::Unknown {
                code: "partner.timeout"
            },
            "it may have arrived"
        );
        config["auth"] =
            json!({"type": "oauth2", "tokenUrl": "/token", "clientId": "c", "clientSecret": {"secret": "s"}});
        let error = connect(&config, secrets(&[("s", "a-long-secret")]))
            .fetch("orders", None, None)
            .await
            .unwrap_err();
        assert_eq!((error.code, error.transient), ("partner.token", true), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
