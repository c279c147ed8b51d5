//! Secrets of every kind, searched for in everything that comes out: a partner that repeats whatever it was told, and the
//! program with its most talkative log. Only the secret store holds them.

use crate::cli_program::{PATIENCE, Running, countersign, run, text};
use crate::partner_link::{Peer, small};
use crate::partner_server::{Asked, Server, answer};
use axum::body::Body;
use axum::http::Response;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// With signs that look otherwise in an address, in a form and in JSON.
const CANARY: &str = "canary/7f3a+9b \"quoted\" & more=";
/// What the partner gives: a token, a session's token, a cookie.
const GIVEN: &str = "given-canary-4b1d9e27";

/// A way of signing in or signing, as members of a configuration; and its secrets.
struct Kind {
    name: &'static str,
    members: Value,
    secrets: Vec<(&'static str, String)>,
}

fn oauth(more: Value) -> Value {
    let mut auth = json!({"type": "oauth2", "tokenUrl": "/token", "clientId": "countersign"});
    auth.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "auth": auth })
}

fn kinds(rsa: &str) -> Vec<Kind> {
    let kind = |name, members| Kind {
        name,
        members,
        secrets: vec![("s", CANARY.to_owned())],
    };
    let keyed = |name, members, key: &str| Kind {
        name,
        members,
        secrets: vec![("s", key.to_owned())],
    };
    let s = || json!({"secret": "s"});
    let p256 = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let made = rcgen::generate_simple_self_signed(vec!["countersign.example".to_owned()]).unwrap();
    let certificate = made.cert.pem() + &made.signing_key.serialize_pem();
    let signing = |algorithm: &str| {
        json!({"signing": {
            "algorithm": algorithm, "key": s(), "template": "{method}{target}{bodyHash}{time}", "header": "X-Signature",
            "headers": {"X-Time": "{time}"}
        }})
    };
    let jwt = json!({"clientAuthentication": "privateKey", "assertion": {"key": s(), "algorithm": "ES256"}});
    let push = json!({"signature": {
        "algorithm": "hmacSha256", "header": "X-Signature", "key": s(), "template": "{body}", "encoding": "hex"
    }, "then": "store"});
    let login =
        json!({"grant": "parameters", "parameters": {"user": "us", "password": s()}, "tokenHeaders": {"X-Key": s()}});
    let refresh =
        json!({"grant": "refreshToken", "clientSecret": s(), "refreshToken": s(), "clientAuthentication": "body"});
    vec![
        kind("client credentials, basic", oauth(json!({"clientSecret": s()}))),
        kind(
            "client credentials, body",
            oauth(json!({"clientSecret": s(), "clientAuthentication": "body"})),
        ),
        kind(
            "a token endpoint that refuses",
            oauth(json!({"clientSecret": s(), "clientAuthentication": "body", "tokenUrl": "/refuse"})),
        ),
        kind("refresh token", oauth(refresh)),
        kind("a login of the partner's own", oauth(login)),
        keyed("private key", oauth(jwt), &p256),
        keyed(
            "certificate",
            json!({"auth": {"type": "none"}, "clientCertificate": s()}),
            &certificate,
        ),
        kind(
            "basic",
            json!({"auth": {"type": "basic", "username": "us", "password": s()}}),
        ),
        kind(
            "key in a header",
            json!({"auth": {"type": "key", "value": s(), "header": "X-Api-Key"}}),
        ),
        kind(
            "key in the address",
            json!({"auth": {"type": "key", "value": s(), "query": "api-key"}}),
        ),
        kind("key beside the token", json!({"headers": {"X-Subscription": s()}})),
        kind("HMAC signature", signing("hmacSha256")),
        keyed("RSA signature", signing("rsaSha256"), rsa),
        kind(
            "session",
            json!({
                "auth": {"type": "basic", "username": "us", "password": s()},
                "session": {"request": {"path": "/session"}, "header": {"X-CSRF-Token": {"header": "x-csrf-token"}}}
            }),
        ),
        kind("webhook", json!({ "push": push })),
    ]
}

/// Gives a token and a session, and answers everything else by saying what it was told.
fn parrot(asked: &Asked) -> Response<Body> {
    let told: Vec<String> = asked
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let said = format!(
        "I was told {} {} {}",
        asked.uri,
        told.join(" "),
        String::from_utf8_lossy(&asked.body)
    );
    match asked.uri.path() {
        "/token" => {
            let token = json!({"access_token": GIVEN, "token_type": "Bearer", "expires_in": 600});
            answer(200, &[("content-type", "application/json")], token.to_string())
        }
        "/session" => {
            let cookie = format!("SID={GIVEN}; path=/");
            answer(200, &[("x-csrf-token", GIVEN), ("set-cookie", &cookie)], "{}")
        }
        _ => {
            let problem = json!({"error": "refused", "error_description": said, "message": said});
            answer(422, &[("content-type", "application/json")], problem.to_string())
        }
    }
}

/// The forms in which a secret may stand somewhere.
fn forms(secret: &str) -> Vec<String> {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let path = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
    let escaped = json!(secret).to_string();
    let mut forms = vec![secret.to_owned(), form, path, escaped.trim_matches('"').to_owned()];
    for user in ["us", "countersign"] {
        forms.push(BASE64_STANDARD.encode(format!("{user}:{secret}")));
    }
    forms.push(BASE64_STANDARD_NO_PAD.encode(secret));
    forms.push(BASE64_URL_SAFE_NO_PAD.encode(secret));
    // Of a key each line of its own.
    if secret.contains("-----BEGIN") {
        let private = secret
            .split("-----BEGIN PRIVATE KEY-----")
            .nth(1)
            .expect("a private key");
        forms = private
            .lines()
            .filter(|l| l.len() > 40 && !l.starts_with('-'))
            .map(str::to_owned)
            .collect();
        assert!(!forms.is_empty());
    }
    forms
}

struct Search {
    kind: &'static str,
    forms: Vec<String>,
    places: usize,
}

impl Search {
    fn look(&mut self, place: &str, held: &str) {
        self.places += 1;
        for form in &self.forms {
            let at = held.find(form.as_str());
            let around = at.map(|at| held[held.floor_char_boundary(at.saturating_sub(80))..at].to_owned());
            assert!(at.is_none(), "{}: {place} holds a secret behind: {around:?}", self.kind);
        }
    }

    /// Every file of the folder, the secret store and the service's own token excepted.
    fn look_through(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                self.look_through(&path);
            } else if name != "secrets.json" {
                let held = std::fs::read(&path).expect("bytes");
                self.look(&name, &String::from_utf8_lossy(&held));
            }
        }
    }

    fn runs(&mut self, home: &Path, args: &[&str]) -> String {
        let mut command = countersign(home, args);
        command.env("COUNTERSIGN_LOG", "trace");
        let out = command.output().expect("it runs");
        self.look(&format!("{args:?}: output"), &text(&out.stdout));
        self.look(&format!("{args:?}: errors"), &text(&out.stderr));
        text(&out.stdout) + &text(&out.stderr)
    }
}

fn keep(home: &Path, name: &str, secret: &str) {
    let mut command = countersign(home, &["partner", "secret", name]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it runs");
    child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

fn configure(home: &Path, url: &str, kind: &Kind) -> String {
    let mut config = small(url);
    let sends = json!({"request": {"path": "/orders", "body": {"no": ".document.number"}}});
    config["operations"]["submit"] = sends;
    for (name, member) in kind.members.as_object().unwrap() {
        match name.as_str() {
            "push" => config["streams"]["orders"]["push"] = member.clone(),
            name => config[name] = member.clone(),
        }
    }
    let dir = home.join("data/partners");
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("small.json");
    std::fs::write(&file, config.to_string()).unwrap();
    let order = json!({
        "number": "B-1", "currency": "EUR", "buyer": {"name": "We"}, "seller": {"name": "They"},
        "lines": [{"id": "1", "item": {"sellerId": "A"}, "quantity": "1", "unit": "C62"}]
    });
    std::fs::write(home.join("order.json"), order.to_string()).unwrap();
    std::fs::write(
        home.join("payload.json"),
        json!({"id": "PO-1", "lines": [{"n": "1", "qty": "2"}]}).to_string(),
    )
    .unwrap();
    file.to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_comes_out_anywhere_whatever_way_we_sign_in() {
    let server = Server::start(parrot).await;
    let provider = Peer::start("oidc.mjs", &["600"]);
    let rsa = provider.said["keys"]["RS256"]
        .as_str()
        .expect("a key in PEM form")
        .to_owned();
    let url = server.url.clone();
    tokio::task::spawn_blocking(move || {
        for kind in kinds(&rsa) {
            searched(&url, &kind);
        }
    })
    .await
    .expect("no secret is found");
}

fn searched(url: &str, kind: &Kind) {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let file = configure(home, url, kind);
    let mut search = Search {
        kind: kind.name,
        forms: kind
            .secrets
            .iter()
            .flat_map(|(_, s)| forms(s))
            .chain(forms(GIVEN))
            .collect(),
        places: 0,
    };
    for (name, secret) in &kind.secrets {
        keep(home, name, secret);
    }
    let checked = search.runs(home, &["partner", "check", &file]);
    assert!(checked.contains("no mistake"), "{}: {checked}", kind.name);
    search.runs(home, &["partner", "openapi", &file]);
    search.runs(home, &["partner", "try", &file]);
    search.runs(home, &["partner", "try", &file, "--json", "--payload", "payload.json"]);
    // What the partner repeats becomes the partner's state, an attempt, and an operation's error.
    let issued = search.runs(home, &["submit", "order.json", "--partner", "small"]);
    search.runs(home, &["sync", "--json"]);
    let queue = search.runs(home, &["queue", "list", "--json"]);
    assert!(
        queue.contains("B-1") || issued.contains("B-1"),
        "{}: {issued} {queue}",
        kind.name
    );
    if kind.name == "webhook" {
        called(home, &mut search);
    }
    search.look_through(&home.join("data"));
    assert!(search.places > 12, "{}", search.places);
}

/// The program is called with signatures that do not hold.
fn called(home: &Path, search: &mut Search) {
    let log = home.join("data/called.log");
    let mut command = countersign(home, &["serve", "--port", "0", "--hooks", "127.0.0.1:0", "--json"]);
    command
        .env("COUNTERSIGN_LOG", "trace")
        .stderr(std::fs::File::create(&log).unwrap());
    let served = Running::start(command);
    let hooks = served.told()["hooks"].as_str().expect("an address").to_owned();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let calls = async {
        let client = reqwest::Client::new();
        for (header, value) in [("x-signature", "0000"), ("x-other", "1")] {
            let call = client
                .post(format!("http://{hooks}/hooks/small/orders"))
                .header(header, value)
                .body("{}");
            let answer = call.timeout(PATIENCE).send().await.expect("an answer");
            assert_eq!(answer.status(), 401);
            search.look("the answer to a call", &answer.text().await.expect("a text"));
        }
    };
    tokio::runtime::Runtime::new().unwrap().block_on(calls);
    drop(served);
    let _ = run(home, &["doctor"]);
}
