//! Refresh tokens that rotate: the new one is all that we have, whatever happens around it.

use crate::exchange_world::{TestSecrets, until};
use crate::partner_link::{connect, small};
use crate::partner_server::{Asked, Server, answer};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use sync_engine::partner::{PartnerLink, Secret, SecretError, Secrets};

fn config(url: &str) -> Value {
    let mut config = small(url);
    config["auth"] = json!({"type": "oauth2", "grant": "refreshToken", "tokenUrl": "/token", "clientId": "c",
        "clientAuthentication": "none", "refreshToken": {"secret": "r"}});
    config
}

fn store(refresh: &str) -> Arc<TestSecrets> {
    Arc::new(TestSecrets(Mutex::new([("r".to_owned(), refresh.to_owned())].into())))
}

/// The refresh token of a token request, and the one that takes its place.
fn rotated(asked: &Asked) -> (String, String) {
    let mut form = url::form_urlencoded::parse(&asked.body);
    let used = form.find(|(name, _)| name == "refresh_token").unwrap().1.into_owned();
    let n: u32 = used.strip_prefix("refresh-").unwrap().parse().unwrap();
    (used, format!("refresh-{}", n + 1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_refresh_token_is_kept_although_who_asked_was_cut_off() {
    let (asking, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let (gate, opened) = mpsc::channel::<()>();
    let opened = Mutex::new(opened);
    let server = Server::start(move |request| {
        if request.uri.path() != "/token" {
            return answer(200, &[], r#"{"items":[]}"#);
        }
        asking.send(()).unwrap();
        // Until the gate is dropped.
        let _ = opened.lock().unwrap().recv();
        let (_, next) = rotated(request);
        let given = json!({"access_token": "tok", "expires_in": 600, "refresh_token": next});
        answer(200, &[], given.to_string())
    })
    .await;
    let store = store("refresh-1");
    let partner = connect(&config(&server.url), store.clone() as Arc<dyn Secrets>);
    tokio::select! {
        biased;
        page = partner.fetch("orders", None, None) => panic!("{:?}", page.err()),
        _ = asked.recv() => {}
    }
    drop(gate);
    until("the new refresh token", || {
        (store.get("r").unwrap().expose() == "refresh-2").then_some(())
    })
    .await;
    partner.fetch("orders", None, None).await.unwrap();
    let tokens = server.asked().iter().filter(|a| a.uri.path() == "/token").count();
    assert_eq!(tokens, 1, "the token that was fetched is used");
}

/// A store that can be read and not written.
struct Full(Arc<TestSecrets>);

impl Secrets for Full {
    fn get(&self, name: &str) -> Result<Secret, SecretError> {
        self.0.get(name)
    }

    fn set(&self, _: &str, _: Secret) -> Result<(), SecretError> {
        Err(SecretError::Store {
            store: "for the test".to_owned(),
            reason: "the disk is full".to_owned(),
        })
    }
}

#[tokio::test]
async fn a_new_refresh_token_that_the_store_refuses_is_used_until_the_store_has_another() {
    let failing = Arc::new(AtomicBool::new(false));
    let used = Arc::new(Mutex::new(Vec::new()));
    let (fails, notes) = (Arc::clone(&failing), Arc::clone(&used));
    let server = Server::start(move |request| {
        if request.uri.path() != "/token" {
            return answer(200, &[], r#"{"items":[]}"#);
        }
        let (one, next) = rotated(request);
        notes.lock().unwrap().push(one);
        if fails.swap(false, Ordering::SeqCst) {
            return answer(503, &[], "");
        }
        let given = json!({"access_token": "tok", "expires_in": 0, "refresh_token": next});
        answer(200, &[], given.to_string())
    })
    .await;
    let store = store("refresh-1");
    let partner = connect(&config(&server.url), Arc::new(Full(Arc::clone(&store))));
    partner.fetch("orders", None, None).await.unwrap();
    // A failure between: what is spent is not taken from the store again.
    failing.store(true, Ordering::SeqCst);
    partner.fetch("orders", None, None).await.unwrap_err();
    while partner.fetch("orders", None, None).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(*used.lock().unwrap(), ["refresh-1", "refresh-2", "refresh-2"]);
    // A person has put another one there.
    store.0.lock().unwrap().insert("r".to_owned(), "refresh-70".to_owned());
    failing.store(true, Ordering::SeqCst);
    partner.fetch("orders", None, None).await.unwrap_err();
    while partner.fetch("orders", None, None).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(used.lock().unwrap()[3..], ["refresh-3", "refresh-70"]);
}

/// Asked too often is no outage, and the endpoint is left alone for as long as it says.
#[tokio::test]
async fn a_token_endpoint_that_is_asked_too_often_says_when_to_come_again() {
    let server = Server::start(|request| match request.uri.path() {
        "/token" => answer(429, &[("retry-after", "3600")], "slow down"),
        _ => answer(200, &[], r#"{"items":[]}"#),
    })
    .await;
    let partner = connect(&config(&server.url), store("refresh-1") as Arc<dyn Secrets>);
    for asked in 0..3 {
        let error = partner.fetch("orders", None, None).await.unwrap_err();
        assert_eq!((error.code, error.status), ("partner.token", Some(429)), "{error}");
        assert!(error.transient && !error.breaker, "{error:?}");
        let wait = error.retry_after.unwrap().as_secs();
        assert!((3590..=3600).contains(&wait), "{wait} s, asked for the time {asked}");
    }
    assert_eq!(
        server.asked().len(),
        1,
        "those who come after are told what the first was told"
    );
}
