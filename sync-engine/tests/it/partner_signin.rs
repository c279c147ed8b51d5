//! Signing in: every way, against servers that look closely, and against a certified OpenID provider.

use crate::exchange_world::TestSecrets;
use crate::partner_link::{Peer, connect, secrets, small, small_answer};
use crate::partner_peers::{guarded, issued};
use crate::partner_server::{Asked, Server, answer};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use sync_engine::domain::Progress;
use sync_engine::partner::{OutboundKind, PartnerLink, Secrets, Verdict};

const PAGE: &str = r#"{"items":[]}"#;

/// A token endpoint at /token and lists everywhere else.
async fn partner(
    token: impl Fn(&Asked) -> (u16, Vec<(&'static str, String)>, String) + Send + Sync + 'static,
) -> Server {
    Server::start(move |asked| {
        if asked.uri.path() != "/token" {
            return answer(200, &[], PAGE);
        }
        let (status, headers, body) = token(asked);
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        answer(status, &headers, body)
    })
    .await
}

fn form(asked: &Asked) -> Vec<(String, String)> {
    url::form_urlencoded::parse(&asked.body).into_owned().collect()
}

#[tokio::test]
async fn names_passwords_and_keys() {
    let server = Server::start(|_| answer(200, &[], PAGE)).await;
    let basic = BASE64_STANDARD.encode("büyer:pass:word & more");
    let rows: &[(Value, &str, String)] = &[
        (
            json!({"type": "basic", "username": "büyer", "password": {"secret": "s"}}),
            "authorization",
            format!("Basic {basic}"),
        ),
        (
            json!({"type": "key", "value": {"secret": "s"}, "header": "X-Api-Key"}),
            "x-api-key",
            "pass:word & more".to_owned(),
        ),
        (
            json!({"type": "key", "value": {"secret": "s"}, "header": "Authorization", "prefix": "ApiKey"}),
            "authorization",
            "ApiKey pass:word & more".to_owned(),
        ),
    ];
    for (auth, header, expected) in rows {
        let mut config = small(&server.url);
        config["auth"] = auth.clone();
        let partner = connect(&config, secrets(&[("s", "pass:word & more")]));
        partner.fetch("orders", None, None).await.unwrap();
        let asked = server.asked();
        let last = asked.last().unwrap();
        assert_eq!(last.headers[*header], expected.as_str());
    }
    let mut config = small(&server.url);
    config["auth"] = json!({"type": "key", "value": {"secret": "s"}, "query": "api-key"});
    let partner = connect(&config, secrets(&[("s", "pass:word & more")]));
    partner.fetch("orders", Some("7"), None).await.unwrap();
    let asked = server.asked();
    assert_eq!(
        asked.last().unwrap().uri.query(),
        Some("after=7&api-key=pass%3Aword+%26+more")
    );

    // A key beside the token, in a header of its own.
    config["auth"] = json!({"type": "none"});
    config["headers"] = json!({"Ocp-Apim-Subscription-Key": {"secret": "s"}, "X-Tenant": "7"});
    let partner = connect(&config, secrets(&[("s", "pass:word & more")]));
    partner.fetch("orders", None, None).await.unwrap();
    let asked = server.asked();
    let last = asked.last().unwrap();
    assert_eq!(last.headers["ocp-apim-subscription-key"], "pass:word & more");
    assert_eq!(last.headers["x-tenant"], "7");
    let lacking = connect(&config, secrets(&[]))
        .fetch("orders", None, None)
        .await
        .unwrap_err();
    assert_eq!(
        (lacking.code, lacking.transient),
        ("partner.credentials", false),
        "{lacking}"
    );
}

#[tokio::test]
async fn a_key_that_was_changed_in_the_store_is_taken_up_at_once() {
    let server = Server::start(|asked| {
        let new = asked.headers["x-api-key"] == "the-new-key";
        answer(if new { 200 } else { 401 }, &[], PAGE)
    })
    .await;
    let mut config = small(&server.url);
    config["auth"] = json!({"type": "key", "value": {"secret": "s"}, "header": "X-Api-Key"});
    let store = Arc::new(TestSecrets(Mutex::new(
        [("s".to_owned(), "the-old-key".to_owned())].into(),
    )));
    let partner = connect(&config, store.clone() as Arc<dyn Secrets>);
    let refused = partner.fetch("orders", None, None).await.unwrap_err();
    assert_eq!(refused.code, "partner.credentials");
    assert_eq!(server.asked().len(), 1, "the same key is not tried twice");
    store.0.lock().unwrap().insert("s".to_owned(), "the-new-key".to_owned());
    partner.fetch("orders", None, None).await.unwrap();
}

#[tokio::test]
async fn tokens_in_every_form() {
    let ok = |body: Value| (200, vec![], body.to_string());
    type Row = (
        Value,
        Box<dyn Fn(&Asked) -> (u16, Vec<(&'static str, String)>, String) + Send + Sync>,
        &'static str,
    );
    let rows: Vec<Row> = vec![
        // A login of the partner's own kind: JSON in, the token in a header.
        (
            json!({"grant": "parameters", "tokenMediaType": "application/json", "parameters": {"user": "us", "password": {"secret": "s"}},
                   "token": {"header": "X-Session"}, "tokenHeader": "X-Session"}),
            Box::new(|asked| {
                assert_eq!(asked.headers["content-type"], "application/json");
                assert_eq!(
                    serde_json::from_slice::<Value>(&asked.body).unwrap(),
                    json!({"user": "us", "password": "a-long-secret"})
                );
                (201, vec![("x-session", "tok".to_owned())], String::new())
            }),
            "x-session: tok",
        ),
        // Another path, a life as a text, a grant type of the partner's own, a header of the token request.
        (
            json!({"clientId": "c", "clientSecret": {"secret": "s"}, "parameters": {"grant_type": "openapi_2lo"},
                   "token": ".data.token.value", "expiresIn": ".data.ttl", "tokenHeaders": {"X-Tenant": {"secret": "s"}}}),
            Box::new(move |asked| {
                assert_eq!(form(asked), [("grant_type".to_owned(), "openapi_2lo".to_owned())]);
                assert_eq!(asked.headers["x-tenant"], "a-long-secret");
                assert_eq!(
                    asked.headers["authorization"],
                    format!("Basic {}", BASE64_STANDARD.encode("c:a-long-secret")).as_str()
                );
                ok(json!({"data": {"token": {"value": "tok"}, "ttl": "12.5"}}))
            }),
            "authorization: Bearer tok",
        ),
        // Only the id: mutual TLS or nothing proves who we are. No life in the answer.
        (
            json!({"clientId": "c", "clientAuthentication": "none", "scopes": ["a", "b"], "tokenPrefix": "Token"}),
            Box::new(move |asked| {
                let expected = [
                    ("grant_type", "client_credentials"),
                    ("scope", "a b"),
                    ("client_id", "c"),
                ];
                assert_eq!(form(asked), expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
                assert!(!asked.headers.contains_key("authorization"));
                ok(json!({"access_token": "tok"}))
            }),
            "authorization: Token tok",
        ),
        // The standard's request as JSON, with a parameter of ours in place of one; the answer is called a page of text.
        (
            json!({"clientId": "c", "clientSecret": {"secret": "s"}, "clientAuthentication": "body", "scopes": ["a"],
                   "parameters": {"scope": "b"}, "tokenMediaType": "application/json"}),
            Box::new(|asked| {
                assert_eq!(asked.headers["content-type"], "application/json");
                assert_eq!(asked.headers["accept"], "application/json");
                assert_eq!(
                    serde_json::from_slice::<Value>(&asked.body).unwrap(),
                    json!({"grant_type": "client_credentials", "client_id": "c", "client_secret": "a-long-secret", "scope": "b"})
                );
                let said = json!({"access_token": "tok", "expires_in": null, "token_type": 7});
                (200, vec![("content-type", "text/html".to_owned())], said.to_string())
            }),
            "authorization: Bearer tok",
        ),
        // No secret to prove the id with: it stands in the body.
        (
            json!({"grant": "refreshToken", "clientId": "c", "refreshToken": {"secret": "s"}}),
            Box::new(move |asked| {
                let expected = [
                    ("grant_type", "refresh_token"),
                    ("refresh_token", "a-long-secret"),
                    ("client_id", "c"),
                ];
                assert_eq!(form(asked), expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
                assert!(!asked.headers.contains_key("authorization"));
                ok(json!({"access_token": "tok"}))
            }),
            "authorization: Bearer tok",
        ),
        // A login of the partner's own kind, with id and secret in the header.
        (
            json!({"grant": "parameters", "clientId": "c", "clientSecret": {"secret": "s"}, "parameters": {"user": "us"}}),
            Box::new(move |asked| {
                assert_eq!(form(asked), [("user".to_owned(), "us".to_owned())]);
                assert_eq!(
                    asked.headers["authorization"],
                    format!("Basic {}", BASE64_STANDARD.encode("c:a-long-secret")).as_str()
                );
                ok(json!({"access_token": "tok"}))
            }),
            "authorization: Bearer tok",
        ),
    ];
    for (auth, token, expected) in rows {
        let server = partner(token).await;
        let mut config = small(&server.url);
        config["auth"] = auth;
        config["auth"]["type"] = json!("oauth2");
        config["auth"]["tokenUrl"] = json!("/token");
        let partner = connect(&config, secrets(&[("s", "a-long-secret")]));
        partner
            .fetch("orders", None, None)
            .await
            .unwrap_or_else(|e| panic!("{expected}: {e}"));
        let asked = server.asked();
        let (name, value) = expected.split_once(": ").unwrap();
        assert_eq!(asked.last().unwrap().headers[name], value);
    }
}

#[tokio::test]
async fn an_answer_without_a_token_says_where_it_was_looked_for() {
    let server = partner(|_| (200, vec![], json!({"token": "elsewhere"}).to_string())).await;
    let mut config = small(&server.url);
    config["auth"] = json!({"type": "oauth2", "tokenUrl": "/token", "clientId": "c", "clientSecret": {"secret": "s"}});
    let error = connect(&config, secrets(&[("s", "a-long-secret")]))
        .fetch("orders", None, None)
        .await
        .unwrap_err();
    assert_eq!((error.code, error.transient), ("partner.token", true));
    assert!(error.message.contains("no token at .access_token"), "{error}");
}

#[tokio::test]
async fn a_refusal_is_told_in_the_partners_words_and_no_more_than_a_person_reads() {
    let long = "far too long ".repeat(1000);
    let rows = [
        (
            json!({"error": "invalid_scope", "error_description": "orders is unknown", "error_uri": "https://acme.example/e7"}),
            "(400): invalid_scope: orders is unknown (see https://acme.example/e7)",
        ),
        (json!({"error": "unauthorized_client"}), "(400): unauthorized_client"),
        (
            json!({"error": {"message": "the account is closed"}}),
            "(400): the account is closed",
        ),
        (json!({}), "(400): it does not say why"),
        (
            json!({"error": "invalid_client", "error_description": long}),
            "(400): invalid_client: far too long",
        ),
    ];
    for (said, expected) in rows {
        let server = partner(move |_| (400, vec![], said.to_string())).await;
        let mut config = small(&server.url);
        config["auth"] =
            json!({"type": "oauth2", "tokenUrl": "/token", "clientId": "c", "clientSecret": {"secret": "s"}});
        let error = connect(&config, secrets(&[("s", "a-long-secret")]))
            .fetch("orders", None, None)
            .await
            .unwrap_err();
        assert_eq!((error.code, error.transient), ("partner.credentials", false));
        assert!(error.message.contains(expected), "{error}");
        assert!(error.message.chars().count() < 600, "{error}");
    }
}

#[tokio::test]
async fn a_refresh_token_that_rotates_is_kept_and_used_next() {
    let server = partner(|asked| {
        let form = form(asked);
        let used = form
            .iter()
            .find(|(n, _)| n == "refresh_token")
            .map(|(_, v)| v.as_str())
            .unwrap();
        let n: u32 = used.strip_prefix("refresh-").unwrap().parse().unwrap();
        let next =
            json!({"access_token": format!("tok-{n}"), "expires_in": 0, "refresh_token": format!("refresh-{}", n + 1)});
        (200, vec![], next.to_string())
    })
    .await;
    let mut config = small(&server.url);
    config["auth"] = json!({"type": "oauth2", "grant": "refreshToken", "tokenUrl": "/token", "clientId": "c",
        "clientAuthentication": "none", "refreshToken": {"secret": "r"}});
    let store = Arc::new(TestSecrets(Mutex::new(
        [("r".to_owned(), "refresh-1".to_owned())].into(),
    )));
    let partner = connect(&config, store.clone() as Arc<dyn Secrets>);
    for n in 1..=3 {
        partner.fetch("orders", None, None).await.unwrap();
        assert_eq!(
            server.asked().last().unwrap().headers["authorization"],
            format!("Bearer tok-{n}").as_str()
        );
        assert_eq!(store.get("r").unwrap().expose(), format!("refresh-{}", n + 1));
    }
    // After a restart too.
    connect(&config, store.clone() as Arc<dyn Secrets>)
        .fetch("orders", None, None)
        .await
        .unwrap();
    assert_eq!(store.get("r").unwrap().expose(), "refresh-5");
}

#[tokio::test]
async fn other_statuses_may_mean_an_expired_token() {
    let tokens = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&tokens);
    let server = Server::start(move |asked| {
        let mut n = counter.lock().unwrap();
        if asked.uri.path() == "/token" {
            *n += 1;
            return answer(
                200,
                &[],
                json!({"access_token": format!("tok-{n}"), "expires_in": 3600}).to_string(),
            );
        }
        let expired = asked.headers["authorization"] == "Bearer tok-1";
        let forbidden = asked.method == "POST";
        answer(if expired || forbidden { 403 } else { 200 }, &[], PAGE)
    })
    .await;
    let mut config = small(&server.url);
    config["auth"] = json!({"type": "oauth2", "tokenUrl": "/token", "clientId": "c", "clientSecret": {"secret": "s"}, "expiredStatuses": [403]});
    let partner = connect(&config, secrets(&[("s", "a-long-secret")]));
    partner.fetch("orders", None, None).await.unwrap();
    assert_eq!(*tokens.lock().unwrap(), 2, "403 was an expired token");
    // With a new token 403 means what it means otherwise, and the tokens are not asked for again and again.
    let answering = small_answer(&partner);
    let request = answering.render(&partner);
    for expected in [3, 3, 3] {
        let sent = partner
            .send(OutboundKind::Confirm, answering.id, &Progress::default(), &request)
            .await;
        assert_eq!(
            sent.verdict,
            Verdict::Rejected {
                code: "partner.forbidden"
            }
        );
        assert_eq!(*tokens.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn an_assertion_may_be_the_grant_itself() {
    let key = rcgen::KeyPair::generate().unwrap();
    let server = partner(|asked| {
        let form: std::collections::BTreeMap<_, _> = form(asked).into_iter().collect();
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
        let part = |n: usize| -> Value {
            let text = form["assertion"].split('.').nth(n).unwrap();
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        assert_eq!(
            part(0),
            json!({"alg": "ES256", "typ": "JWT", "kid": "k1", "x5t#S256": "abc"})
        );
        assert_eq!(
            (&part(1)["sub"], &part(1)["aud"]),
            (&json!("buyer@acme"), &json!("https://login.example"))
        );
        (200, vec![], json!({"access_token": "tok"}).to_string())
    })
    .await;
    let mut config = small(&server.url);
    config["auth"] = json!({"type": "oauth2", "grant": "jwtBearer", "tokenUrl": "/token", "clientId": "c", "clientAuthentication": "none",
        "assertion": {"key": {"secret": "k"}, "algorithm": "ES256", "keyId": "k1", "audience": "https://login.example",
            "claims": {"sub": "buyer@acme"}, "headers": {"x5t#S256": "abc"}}});
    let partner = connect(&config, secrets(&[("k", &key.serialize_pem())]));
    partner.fetch("orders", None, None).await.unwrap();
    let unread = connect(&config, secrets(&[("k", "no key at all")]))
        .fetch("orders", None, None)
        .await
        .unwrap_err();
    assert_eq!(unread.code, "partner.credentials");
    assert!(unread.message.contains("no private key in PEM form"), "{unread}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certified_provider_takes_our_private_keys_and_rotates_our_refresh_tokens() {
    let provider = Peer::start("oidc.mjs", &["600"]);
    let api = guarded(provider.url().to_owned()).await;
    let pem = |algorithm: &str| provider.said["keys"][algorithm].as_str().unwrap().to_owned();
    for algorithm in ["RS256", "PS256", "ES256"] {
        let mut config = small(&api);
        config["auth"] = json!({"type": "oauth2", "tokenUrl": format!("{}/token", provider.url()), "clientId": format!("signs-{algorithm}"),
            "clientAuthentication": "privateKey", "scopes": ["orders:read"],
            "assertion": {"key": {"secret": "k"}, "algorithm": algorithm, "keyId": format!("key-{algorithm}")}});
        let partner = connect(&config, secrets(&[("k", &pem(algorithm))]));
        partner
            .fetch("orders", None, None)
            .await
            .unwrap_or_else(|e| panic!("{algorithm}: {e}"));
        if algorithm == "RS256" {
            let others = connect(&config, secrets(&[("k", &pem("PS256"))]));
            let refused = others.fetch("orders", None, None).await.unwrap_err();
            assert_eq!(refused.code, "partner.credentials", "{refused}");
        }
    }
    let first = reqwest::get(format!("{}/refresh-token", provider.url()))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let secret = provider.said["secret"].as_str().unwrap().to_owned();
    let store = Arc::new(TestSecrets(Mutex::new(
        [("s".to_owned(), secret), ("r".to_owned(), first.clone())].into(),
    )));
    let mut config = small(&api);
    config["auth"] = json!({"type": "oauth2", "grant": "refreshToken", "tokenUrl": format!("{}/token", provider.url()), "clientId": "refreshes",
        "clientSecret": {"secret": "s"}, "clientAuthentication": "body", "refreshToken": {"secret": "r"}});
    let before = issued(provider.url()).await;
    for n in 1..=2 {
        // A new process each time: what the first one kept is all that the second one has.
        let partner = connect(&config, store.clone() as Arc<dyn Secrets>);
        partner
            .fetch("orders", None, None)
            .await
            .unwrap_or_else(|e| panic!("{n}: {e}"));
        assert_eq!(issued(provider.url()).await - before, n);
    }
    assert_ne!(store.get("r").unwrap().expose(), first, "the provider rotates");
}
