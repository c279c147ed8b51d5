//! Partners that call us: only with a signature that holds, answered only when it is stored.

use crate::exchange_world::{TestSecrets, fast, options};
use crate::partner_link::small;
use crate::partner_server::{Server, answer};
use crate::reading_world::{counters, order, put};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use sync_engine::engine::Engine;
use sync_engine::partner::{Secret, Secrets};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

const KEY: &str = "a secret that both sides share";

/// An engine whose partners call it, with the address of its hooks.
async fn called_engine(dir: &Path) -> (Engine, String) {
    let secrets = Arc::new(TestSecrets::default());
    secrets.set("small.push", Secret::new(KEY.to_owned())).unwrap();
    let mut options = options(dir, &secrets, &fast());
    options.background = false;
    let engine = Engine::start(options).await.expect("an engine");
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/hooks/small", listener.local_addr().unwrap());
    let serving = sync_engine::api::hooks::serve(
        listener,
        engine.clone(),
        CancellationToken::new(),
        Duration::from_secs(5),
    );
    tokio::spawn(serving);
    (engine, url)
}

fn configured(url: &str, push: Value) -> Value {
    let mut config = small(url);
    config["streams"]["orders"]["push"] = push;
    let streams = config["streams"].as_object_mut().unwrap();
    let mut quiet = streams["orders"].clone();
    quiet.as_object_mut().unwrap().remove("push");
    streams.insert("quiet".to_owned(), quiet);
    config
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn signed(body: &str) -> String {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    hex(&mac.finalize().into_bytes())
}

async fn call(url: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(url).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_the_partner_signed_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let push = json!({"signature": {"header": "X-Signature", "key": {"secret": "small.push"}}, "items": ["." ]});
    put(dir.path(), &configured("http://127.0.0.1:9", push));
    let (engine, url) = called_engine(dir.path()).await;
    let orders = format!("{url}/orders");
    let body = order("P-1").to_string();
    let good = signed(&body);

    for (name, expected, path, headers, body) in [
        (
            "signed",
            202,
            "orders",
            vec![("x-signature", good.as_str())],
            body.as_str(),
        ),
        (
            "again, in capitals",
            202,
            "orders",
            vec![("x-signature", &*good.to_uppercase())],
            body.as_str(),
        ),
        ("not signed", 401, "orders", vec![], body.as_str()),
        (
            "signed otherwise",
            401,
            "orders",
            vec![("x-signature", &*signed("other"))],
            body.as_str(),
        ),
        (
            "cut short",
            401,
            "orders",
            vec![("x-signature", &good[..10])],
            body.as_str(),
        ),
        ("empty", 401, "orders", vec![("x-signature", "")], body.as_str()),
        (
            "no JSON",
            400,
            "orders",
            vec![("x-signature", &*signed("hello"))],
            "hello",
        ),
        (
            "a stream without calls",
            404,
            "quiet",
            vec![("x-signature", good.as_str())],
            body.as_str(),
        ),
        (
            "no such stream",
            404,
            "nothing",
            vec![("x-signature", good.as_str())],
            body.as_str(),
        ),
    ] {
        let status = call(&format!("{url}/{path}"), &headers, body.to_owned()).await;
        assert_eq!(status, expected, "{name}");
    }
    assert_eq!(
        call(
            &orders.replace("small", "other"),
            &[("x-signature", &good)],
            body.clone()
        )
        .await,
        404
    );
    let long = vec![b' '; 11 * 1024 * 1024];
    assert_eq!(call(&orders, &[("x-signature", &good)], long).await, 413);
    let counted = counters(&engine);
    assert_eq!((counted.documents, counted.duplicates, counted.quarantine), (1, 1, 0));

    // Several at once; what is wrong with one is a matter of that one.
    let several = json!([order("P-2"), {"id": "P-3", "lines": 7}, order("P-4")]).to_string();
    assert_eq!(
        call(&orders, &[("x-signature", &signed(&several))], several.clone()).await,
        202
    );
    let counted = counters(&engine);
    assert_eq!((counted.documents, counted.quarantine), (3, 1));

    // A paused partner calls again later; nothing is lost and nothing is taken.
    let partner = sync_engine::domain::PartnerId("small".to_owned());
    engine.set_paused(&partner, true, "user:it").await.unwrap();
    let next = order("P-5").to_string();
    assert_eq!(
        call(&orders, &[("x-signature", &signed(&next))], next.clone()).await,
        503
    );
    engine.set_paused(&partner, false, "user:it").await.unwrap();
    assert_eq!(
        call(&orders, &[("x-signature", &signed(&next))], next.clone()).await,
        202
    );
    assert_eq!(counters(&engine).documents, 4);
    engine.stop(Duration::from_secs(20)).await;
    assert_eq!(
        call(&orders, &[("x-signature", &signed(&next))], next.clone()).await,
        503,
        "stopped"
    );
}

/// What a caller without the key sends: a head, and a byte of its body.
async fn slow(url: &str, signature: Option<&str>) -> TcpStream {
    let address = url.trim_start_matches("http://").split('/').next().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let signature = signature.map_or_else(String::new, |s| format!("x-signature: {s}\r\n"));
    let head = format!("POST /hooks/small/orders HTTP/1.1\r\nhost: x\r\n{signature}content-length: 100\r\n\r\n{{");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// The status that comes without any more being sent.
async fn told(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 12];
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_exact(&mut bytes)).await;
    read.expect("an answer comes").expect("an answer");
    String::from_utf8_lossy(&bytes[9..]).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_take_their_time_hold_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let push = json!({"signature": {"header": "X-Signature", "key": {"secret": "small.push"}}});
    put(dir.path(), &configured("http://127.0.0.1:9", push));
    let (engine, url) = called_engine(dir.path()).await;
    // Without what looks like a signature nobody waits for the rest.
    for signature in [None, Some(""), Some("abc"), Some(&*"f".repeat(128))] {
        let mut stream = slow(&url, signature).await;
        assert_eq!(told(&mut stream).await, "401", "{signature:?}");
    }
    // With one that is made up there are more of them than places, and none ends by itself.
    let made_up = "0".repeat(64);
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let mut stream = slow(&url, Some(&made_up)).await;
        crowd.spawn(async move { told(&mut stream).await });
    }
    for _ in 0..28 {
        let status = crowd.join_next().await.expect("one gives way").expect("no panic");
        assert_eq!(status, "503");
    }
    let begun = std::time::Instant::now();
    for number in 0..30 {
        let body = order(format!("S-{number}")).to_string();
        let status = call(
            &format!("{url}/orders"),
            &[("x-signature", &signed(&body))],
            body.clone(),
        )
        .await;
        assert_eq!(status, 202, "S-{number}");
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "no body's time ran out");
    assert_eq!(counters(&engine).documents, 30);
    engine.stop(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_call_is_not_taken_again() {
    let dir = tempfile::tempdir().unwrap();
    let push = json!({
        "signature": {
            "algorithm": "hmacSha512", "header": "X-Signature", "key": {"secret": "small.push"}, "prefix": "v1=",
            "encoding": "base64", "template": "{time}.{path}.{header.X-Id}.{body}", "timeHeader": "X-Time", "toleranceSeconds": 60
        },
        "items": ".orders"
    });
    put(dir.path(), &configured("http://127.0.0.1:9", push));
    let (engine, url) = called_engine(dir.path()).await;
    let url = format!("{url}/orders");
    let body = json!({"orders": [order("T-1")]}).to_string();
    let sign = |time: &str, body: &str| {
        let mut mac = <Hmac<Sha512> as Mac>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(format!("{time}./hooks/small/orders.7.{body}").as_bytes());
        format!("v1={}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    };
    let now = chrono::Utc::now().timestamp();
    for (seconds, expected) in [(now, 202), (now - 3600, 401), (now + 3600, 401)] {
        let time = seconds.to_string();
        let headers = [("x-time", &*time), ("x-id", "7"), ("x-signature", &*sign(&time, &body))];
        assert_eq!(call(&url, &headers, body.clone()).await, expected, "{}", seconds - now);
    }
    // The time is signed too: it cannot be made new.
    let (old, new) = ((now - 3600).to_string(), now.to_string());
    let headers = [("x-time", &*new), ("x-id", "7"), ("x-signature", &*sign(&old, &body))];
    assert_eq!(call(&url, &headers, body.clone()).await, 401);
    assert_eq!(counters(&engine).documents, 1);
    engine.stop(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_only_names_documents_has_them_fetched() {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let server = Server::start(move |asked| match asked.uri.path() {
        _ if is_down.load(Ordering::SeqCst) => answer(503, &[("retry-after", "60")], ""),
        path => answer(200, &[], order(path.trim_start_matches("/orders/")).to_string()),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let push = json!({
        "signature": {"algorithm": "secret", "header": "X-Token", "key": {"secret": "small.push"}},
        "items": ".changed", "then": "fetch"
    });
    let mut config = configured(&server.url, push);
    config["streams"]["orders"]["detail"] = json!({"request": {"path": "/orders/{.stub.no}"}});
    put(dir.path(), &config);
    let (engine, url) = called_engine(dir.path()).await;
    let url = format!("{url}/orders");
    let body = r#"{"changed":[{"no":"F-1"},{"no":"F-2"}]}"#;
    assert_eq!(call(&url, &[("x-token", "guess")], body).await, 401);
    assert!(server.asked().is_empty(), "nothing is fetched for a stranger");
    assert_eq!(
        call(&url, &[("x-token", KEY)], body).await,
        503,
        "what is not stored is not answered as taken"
    );
    assert_eq!(counters(&engine).documents, 0);
    down.store(false, Ordering::SeqCst);
    assert_eq!(call(&url, &[("x-token", KEY)], body).await, 202);
    assert_eq!(counters(&engine).documents, 2);
    engine.stop(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_may_bring_xml() {
    let dir = tempfile::tempdir().unwrap();
    let push = json!({"signature": {"header": "X-Signature", "key": {"secret": "small.push"}}, "items": ".order"});
    let mut config = configured("http://127.0.0.1:9", push);
    config["streams"]["orders"]["format"] = json!("xml");
    config["streams"]["orders"]["map"]["lines"]["$each"] = json!(".line");
    put(dir.path(), &config);
    let (engine, url) = called_engine(dir.path()).await;
    let body = "<orders><order><id>X-1</id><line><n>1</n><qty>2</qty></line></order><order><id>X-2</id><line><n>1</n><qty>2.5</qty></line></order></orders>";
    let status = call(&format!("{url}/orders"), &[("x-signature", &signed(body))], body).await;
    assert_eq!(status, 202);
    let counted = counters(&engine);
    assert_eq!((counted.documents, counted.quarantine), (2, 0));
    engine.stop(Duration::from_secs(20)).await;
}

#[test]
fn mistakes_of_push_are_named() {
    let signature = json!({"header": "X-Signature", "key": {"secret": "small.push"}});
    let with = |more: Value| {
        let mut signature = signature.clone();
        signature
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"signature": signature})
    };
    for (push, expected) in [
        (json!({}), "\"signature\" is missing"),
        (json!({"signature": {"key": {"secret": "x"}}}), "\"header\" is missing"),
        (json!({"signature": {"header": "X", "key": "text"}}), "/signature/key"),
        (with(json!({"algorithm": "hmac"})), "did you mean \"hmacSha512\"?"),
        (
            with(json!({"template": "{time}.{body}"})),
            "{time} needs \"timeHeader\"",
        ),
        (with(json!({"template": "{bdy}"})), "did you mean \"body\"?"),
        (with(json!({"template": "{path}"})), "the template must hold {body}"),
        (with(json!({"toleranceSeconds": 5})), "\"timeHeader\" is missing"),
        (
            json!({"signature": signature, "then": "fetch"}),
            "\"fetch\" needs \"detail\" or \"batch\"",
        ),
    ] {
        let mut config = small("https://api.acme.example");
        config["streams"]["orders"]["push"] = push;
        let errors = sync_engine::partner::parse(&config.to_string(), "f.json", Path::new(".")).unwrap_err();
        assert!(errors.to_string().contains(expected), "{expected} is not in:\n{errors}");
    }
}

#[cfg(unix)]
#[test]
fn the_service_takes_calls_on_an_address_of_its_own() {
    use crate::cli_program::{Running, countersign};
    let home = tempfile::tempdir().unwrap();
    let arguments = ["serve", "--port", "0", "--hooks", "127.0.0.1:0", "--json"];
    let served = Running::start(countersign(home.path(), &arguments));
    let told = served.told();
    let (hooks, api) = (told["hooks"].as_str().unwrap(), told["address"].as_str().unwrap());
    assert_ne!(hooks, api);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        assert_eq!(
            call(&format!("http://{hooks}/hooks/nobody/orders"), &[], "{}").await,
            404
        );
        // Neither the clerk's API there, nor the partners' calls here.
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let health = client
            .get(format!("http://{hooks}/api/v1/health"))
            .send()
            .await
            .unwrap();
        assert_eq!(health.status().as_u16(), 404);
        let here = call(&format!("http://{api}/hooks/nobody/orders"), &[], "{}").await;
        assert!(matches!(here, 401 | 404 | 405), "{here}");
    });
    assert_eq!(served.terminate(), Some(0));
}
