//! Signatures over requests, checked over exactly what arrived; and sessions that are fetched beforehand.

use crate::partner_link::{connect, secrets, small, small_answer};
use crate::partner_server::{Asked, Server, answer};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::{digest, hmac, signature};
use serde_json::json;
use std::sync::{Arc, Mutex};
use sync_engine::domain::Progress;
use sync_engine::partner::{OutboundKind, PartnerLink, Verdict};

const PAGE: &str = r#"{"items":[]}"#;

fn text<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked.headers[name].to_str().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[tokio::test]
async fn a_shared_key_signs_what_arrives() {
    let nonces = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&nonces);
    let server = Server::start(move |asked| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"\x01\x02shared key of some length");
        let hash = hex(digest::digest(&digest::SHA256, &asked.body).as_ref());
        let mut told = format!(
            "{}\n{}\n{}\n{}\n{}\n{}\n{hash}\n",
            asked.method,
            asked.uri.path(),
            asked.uri.query().unwrap_or(""),
            text(asked, "x-time"),
            text(asked, "x-nonce"),
            asked.headers.get("content-type").map_or("", |v| v.to_str().unwrap()),
        )
        .into_bytes();
        told.extend_from_slice(&asked.body);
        let given = BASE64_STANDARD
            .decode(text(asked, "authorization").strip_prefix("HMAC key1:").unwrap())
            .unwrap();
        let fits = hmac::verify(&key, &told, &given).is_ok();
        let fresh = (chrono::Utc::now().timestamp() - text(asked, "x-time").parse::<i64>().unwrap()).abs() < 300;
        let mut nonces = seen.lock().unwrap();
        let new = !nonces.contains(&text(asked, "x-nonce").to_owned());
        nonces.push(text(asked, "x-nonce").to_owned());
        assert_eq!(
            text(asked, "digest"),
            format!(
                "SHA-256={}",
                BASE64_STANDARD.encode(digest::digest(&digest::SHA256, &asked.body))
            )
        );
        answer(if fits && fresh && new { 200 } else { 401 }, &[], PAGE)
    })
    .await;
    let mut config = small(&server.url);
    config["signing"] = json!({
        "algorithm": "hmacSha256", "key": {"secret": "k"}, "keyEncoding": "base64",
        "template": "{method}\n{path}\n{query}\n{header.X-Time}\n{nonce}\n{header.content-type}\n{bodyHash}\n{body}",
        "header": "Authorization", "prefix": "HMAC key1:",
        "headers": {"X-Time": "{time.epochSeconds}", "X-Nonce": "{nonce}", "Digest": "SHA-256={bodyHash.base64}"}
    });
    let key = BASE64_STANDARD.encode(b"\x01\x02shared key of some length");
    let partner = connect(&config, secrets(&[("k", &key)]));
    partner.fetch("orders", Some("ä ö"), None).await.unwrap();
    let answering = small_answer(&partner);
    let request = answering.render(&partner);
    // The same bytes at every attempt, with another time and nonce.
    for _ in 0..3 {
        let sent = partner
            .send(OutboundKind::Confirm, answering.id, &Progress::default(), &request)
            .await;
        assert!(matches!(sent.verdict, Verdict::Taken { .. }), "{sent:?}");
    }
    assert_eq!(nonces.lock().unwrap().len(), 4);
    let wrong = connect(&config, secrets(&[("k", "bm90IHRoZSBrZXk=")]));
    assert_eq!(
        wrong.fetch("orders", None, None).await.unwrap_err().code,
        "partner.credentials"
    );
    let unread = connect(&config, secrets(&[("k", "no base64!")]))
        .fetch("orders", None, None)
        .await
        .unwrap_err();
    assert!(unread.message.contains("no base64"), "{unread}");
}

#[tokio::test]
async fn a_private_key_signs_and_the_signature_may_stand_inside_a_header() {
    // Only for its fresh RSA key.
    let provider = crate::partner_link::Peer::start("oidc.mjs", &["600"]);
    let pem = provider.said["keys"]["RS256"].as_str().unwrap().to_owned();
    let der = <rustls::pki_types::PrivateKeyDer as rustls::pki_types::pem::PemObject>::from_pem_slice(pem.as_bytes())
        .unwrap();
    let public = signature::RsaKeyPair::from_pkcs8(der.secret_der())
        .unwrap()
        .public()
        .as_ref()
        .to_vec();
    let server = Server::start(move |asked| {
        let parts = text(asked, "authorization")
            .strip_prefix("Signature keyId=\"us\",signature=\"")
            .unwrap();
        let given = BASE64_STANDARD.decode(parts.strip_suffix('"').unwrap()).unwrap();
        let told = format!(
            "(request-target): get {}\nhost: {}\ndate: {}",
            asked.uri,
            text(asked, "host"),
            text(asked, "date")
        );
        let key = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, &public);
        answer(
            if key.verify(told.as_bytes(), &given).is_ok() {
                200
            } else {
                401
            },
            &[],
            PAGE,
        )
    })
    .await;
    let mut config = small(&server.url);
    config["signing"] = json!({
        "algorithm": "rsaSha256", "key": {"secret": "k"},
        "template": "(request-target): get {target}\nhost: {host}\ndate: {header.date}",
        "headers": {"Date": "{time.httpDate}", "Authorization": "Signature keyId=\"us\",signature=\"{signature}\""}
    });
    connect(&config, secrets(&[("k", &pem)]))
        .fetch("orders", Some("7"), None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_session_is_fetched_once_and_again_when_it_ended() {
    let sessions = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&sessions);
    let server = Server::start(move |asked| {
        let mut n = counter.lock().unwrap();
        if asked.uri.path() == "/session" {
            assert_eq!(text(asked, "x-csrf-token"), "Fetch");
            *n += 1;
            let (token, a) = (
                format!("csrf-{n}"),
                format!("SAP_SESSION=s{n}; path=/; secure; HttpOnly"),
            );
            return answer(
                200,
                &[("x-csrf-token", &token), ("set-cookie", &a), ("set-cookie", "lang=en")],
                "{}",
            );
        }
        if asked.method == "GET" {
            assert!(!asked.headers.contains_key("x-csrf-token") && !asked.headers.contains_key("cookie"));
            return answer(200, &[], PAGE);
        }
        assert_eq!(
            text(asked, "cookie"),
            format!(
                "SAP_SESSION=s{}; lang=en",
                text(asked, "x-csrf-token").trim_start_matches("csrf-")
            )
        );
        let ended = text(asked, "x-csrf-token") == "csrf-1" && asked.headers["x-round"] == "2";
        let never = asked.headers["x-round"] == "3";
        answer(
            if ended || never { 403 } else { 200 },
            &[("x-csrf-token", "Required")],
            "{}",
        )
    })
    .await;
    let mut config = small(&server.url);
    config["session"] = json!({"request": {"path": "/session", "headers": {"X-CSRF-Token": "Fetch"}}, "header": {"X-CSRF-Token": {"header": "x-csrf-token"}}});
    config["operations"]["confirm"]["request"]["headers"] = json!({"X-Round": {"$from": ".answer.note"}});
    let partner = connect(&config, secrets(&[]));
    partner.fetch("orders", None, None).await.unwrap();
    assert_eq!(*sessions.lock().unwrap(), 0, "reads need none");
    for (round, expected) in [("1", 1), ("2", 2), ("3", 3)] {
        let mut answering = small_answer(&partner);
        answering.answer = json!({"code": "AP", "note": round});
        let request = answering.render(&partner);
        let sent = partner
            .send(OutboundKind::Confirm, answering.id, &Progress::default(), &request)
            .await;
        let taken = matches!(sent.verdict, Verdict::Taken { .. });
        assert_eq!(taken, round != "3", "{round}: {sent:?}");
        assert_eq!(*sessions.lock().unwrap(), expected, "{round}");
    }
}

#[tokio::test]
async fn a_write_whose_session_cannot_be_had_never_left() {
    for (status, expected) in [
        (
            503,
            "Again { code: \"partner.token\", retry_after: None, breaker: true }",
        ),
        (404, "Credentials"),
    ] {
        let server =
            Server::start(move |asked| answer(if asked.uri.path() == "/session" { status } else { 200 }, &[], "{}"))
                .await;
        let mut config = small(&server.url);
        config["session"] = json!({"request": {"path": "/session"}, "header": {"X-CSRF-Token": ".token"}});
        let partner = connect(&config, secrets(&[]));
        let answering = small_answer(&partner);
        let sent = partner
            .send(
                OutboundKind::Confirm,
                answering.id,
                &Progress::default(),
                &answering.render(&partner),
            )
            .await;
        assert_eq!(format!("{:?}", sent.verdict), expected);
        assert!(server.asked().iter().all(|a| a.uri.path() == "/session"));
    }
}
