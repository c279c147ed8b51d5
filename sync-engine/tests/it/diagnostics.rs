//! The diagnostics bundle: what helps is in it; no secret, nothing of a document and no word of a partner is.

use crate::api_host::Host;
use crate::cli_program::{json, run, sandbox, text};
use crate::exchange_world::{World, confirm, partners_dir, until};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::net::SocketAddr;
use sync_engine::diagnostics::{Live, bundle};
use sync_engine::doctor::Installation;
use sync_engine::domain::{CanonicalDocument, DeliveryState};
use sync_engine::partner::{Secret, Secrets};

/// Name and text of every file in a zip.
fn unpacked(zip: &[u8]) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
    let mut files = BTreeMap::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).expect("a file");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("whole");
        let text = String::from_utf8(bytes).expect("text");
        files.insert(file.name().expect("a name").into_owned(), text);
    }
    files
}

/// A partner that fails with words of its own, whatever it is asked.
async fn talkative() -> SocketAddr {
    let app = axum::Router::new().fallback(async || {
        let body = r#"{"error": "canary-words-of-the-partner", "detail": "for canary-customer Ltd at 12.50"}"#;
        (axum::http::StatusCode::INTERNAL_SERVER_ERROR, body)
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Lines as the log has them, and some that it should not have.
fn log_lines() -> String {
    let line = |target: &str, fields: &str| {
        format!(r#"{{"timestamp":"2027-03-01T08:00:00Z","level":"WARN","target":"{target}","fields":{{{fields}}}}}"#)
    };
    [
        line(
            "sync_engine::exchange::schedule",
            r#""message":"polling failed","partner":"sandbox","code":"partner.rejected","error":"canary-words-in-the-log for canary-customer""#,
        ),
        line(
            "hyper_util::client",
            r#""message":"GET https://api.example.com/?token=canary-url-in-the-log and canary-trace""#,
        ),
        line(
            "sync_engine::api::http",
            r#""message":"request","headers":{"authorization":"Bearer canary-header-in-the-log"},"status":200"#,
        ),
        "half a line with canary-half".to_owned(),
    ]
    .join("\n")
        + "\n"
}

/// Secrets and texts in every place that a bundle is made from.
fn plant(world: &World) {
    let partners = partners_dir(world.dir.path());
    let store = |name: &str, secret: &str| world.secrets.set(name, Secret::new(secret.to_owned())).expect("kept");
    store("second.key", "canary-of-the-store");
    store("loki.token", "canary-of-loki");
    let second = serde_json::json!({
        "id": "second", "name": "Second", "baseUrl": "http://127.0.0.1:1",
        "$comment": "canary-comment",
        "auth": {"type": "key", "header": "X-Key", "value": {"secret": "second.key"}},
        "headers": {"X-Api-Key": "canary-literal-header", "X-Tenant": "canary0literal0tenant0without0a0name"},
        "streams": {"orders": {
            "kind": "order", "side": "seller", "items": ".items",
            "request": {"path": "/list", "query": {"key": {"$value": "canary-literal-parameter"}}},
            "map": {"number": ".id", "currency": {"$value": "EUR"}, "lines": {"$each": ".lines[]", "id": ".n", "quantity": ".qty", "unit": ".unit"}},
        }},
    });
    std::fs::write(partners.join("second.json"), second.to_string()).expect("written");
    let wrong =
        r#"{"id": "wrong", "baseUrl": "https://canary-user:canary-password@api.example.com/?sig=canary-query"}"#;
    std::fs::write(partners.join("wrong.json"), wrong).expect("written");
    std::fs::write(
        partners.join("half.json"),
        r#"{"id": "half", "password": "canary-half-a-file"#,
    )
    .expect("written");
    let data = world.dir.path().join("data");
    let settings = r#"{
        "letterhead": {"company": {"name": "canary-company", "taxId": "canary-tax"}, "footer": ["canary-footer"]},
        "log": {"loki": {"url": "http://127.0.0.1:1/?token=canary-in-an-address", "secret": "loki.token",
                         "labels": {"site": "canary-label"}}}
    }"#;
    std::fs::write(data.join("settings.json"), settings).expect("written");
    std::fs::write(data.join("token"), "canary-token-of-the-api").expect("written");
    std::fs::create_dir_all(data.join("logs")).expect("a folder");
    std::fs::write(data.join("logs/countersign.log"), log_lines()).expect("written");
}

fn installation(world: &World) -> Installation {
    Installation::at(
        world.dir.path().join("data"),
        partners_dir(world.dir.path()),
        world.engine.company().clone(),
        None,
        std::sync::Arc::clone(&world.secrets) as std::sync::Arc<dyn Secrets>,
    )
}

/// What the order says that could be told from its words: number, parties, items.
fn words_of(world: &World, row: &sync_engine::store::DocumentRow) -> Vec<String> {
    let content = world
        .store()
        .version_content(row.id, row.current)
        .expect("readable")
        .expect("there");
    let CanonicalDocument::Order(order) = content.document().expect("canonical") else {
        panic!("not an order")
    };
    let parties = [&order.buyer, &order.seller]
        .into_iter()
        .chain(&order.ship_to)
        .filter_map(|party| party.name.clone());
    let items = order
        .lines
        .iter()
        .flat_map(|line| [line.item.description.clone(), line.item.seller_id.clone()]);
    let mut words: Vec<String> = parties.chain(items.flatten()).collect();
    words.push(row.number.clone());
    assert!(words.len() > 4, "{words:?}");
    words
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_nothing_of_a_document_is_in_any_file() {
    let world = World::start().await;
    let order = world.order(3).await;
    let answered = world.answer(&order, confirm()).await;
    world.reaches(answered.id, DeliveryState::Applied).await;
    let mut left = words_of(&world, &order);
    plant(&world);
    let talkative = talkative().await;
    let other = world.order(2).await;
    world.configure(|config| config["baseUrl"] = format!("http://{talkative}").into());
    world.answer(&other, confirm()).await;
    left.extend(words_of(&world, &other));
    // The words are where a bundle could take them from.
    until("the partner's words in an incident", || {
        let open = world.store().open_incidents(world.engine.company()).expect("readable");
        open.iter()
            .any(|i| i.detail.contains("canary-words-of-the-partner"))
            .then_some(())
    })
    .await;

    let installation = installation(&world);
    let zip = bundle(&installation, Live::Engine(&world.engine))
        .await
        .expect("a bundle");
    let files = unpacked(&zip);
    left.extend(["canary", "sandbox-secret", "hunter"].map(str::to_owned));
    left.push(world.dir.path().display().to_string());
    let mut searched = 0;
    for (name, text) in &files {
        for word in &left {
            assert!(
                !name.contains(word.as_str()) && !text.contains(word.as_str()),
                "{name} holds {word}:\n{text}"
            );
            searched += 1;
        }
        if name.ends_with(".json") {
            serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
        }
    }
    crate::evidence::ran(
        "diagnostics::no_secret_and_nothing_of_a_document_is_in_any_file",
        &format!("{} files, {searched} searches", files.len()),
    );

    // What helps is there.
    for (name, expected) in [
        ("about.json", env!("CARGO_PKG_VERSION")),
        ("settings.json", "\"secret\": \"loki.token\""),
        ("partners/sandbox.json", "sandbox.client_secret"),
        ("partners/second.json", "\"X-Api-Key\": \"***\""),
        ("partners/second.json", "\"$value\": \"***\""),
        ("doctor.txt", "FAIL  token file: others may read"),
        ("partners/wrong.json", "https://api.example.com/?sig=***"),
        ("partners/half.json", "it is not JSON from line 1"),
        ("doctor.txt", "FAIL  partner file wrong.json"),
        (
            "doctor.txt",
            "FAIL  partner second api: http://127.0.0.1:1 does not answer (partner.unreachable)",
        ),
        ("doctor.txt", "ok    integrity: quick_check ok"),
        ("state.json", "\"status\": \"unreachable\""),
        (
            "metrics.txt",
            "countersign_incidents_open{kind=\"partner.unreachable\"} ",
        ),
        ("database.json", "\"name\": \"version_content\""),
        ("database.json", "\"state\": \"Applied\""),
        ("database.json", "\"kind\": \"partner.unreachable\""),
        ("logs/countersign.log", "\"code\":\"partner.rejected\""),
        ("logs/countersign.log", "(left out, "),
    ] {
        assert!(
            files[name].contains(expected),
            "{expected} is not in {name}:\n{}",
            files[name]
        );
    }
    world.engine.stop(std::time::Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_gives_a_zip_with_a_name_and_what_was_found() {
    let host = Host::quiet().await;
    let answer = host.get("/diagnostics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/zip");
    let named = answer.headers["content-disposition"].to_str().expect("text");
    assert!(
        named.starts_with("attachment; filename=\"countersign-diagnostics-2"),
        "{named}"
    );
    assert!(unpacked(&answer.body).contains_key("doctor.json"));
    let examined = host.get("/doctor").await.expect(200).json();
    let checks = examined["checks"].as_array().expect("checks");
    assert!(
        checks.iter().any(|c| c["name"] == "integrity" && c["level"] == "ok"),
        "{examined}"
    );
    host.stop().await;
}

#[cfg(unix)]
#[test]
fn the_command_writes_one_file_for_its_owner_alone_and_asks_the_service() {
    use crate::cli_program::{Running, countersign};
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &["--orders", "2"]);
    json(path, &["sync", "--json"]);
    let told = json(path, &["diagnostics", "--out", "one.zip", "--json"]);
    assert_eq!(told["path"], "one.zip");
    let file = path.join("one.zip");
    let mode = std::fs::metadata(&file).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files = unpacked(&std::fs::read(&file).expect("bytes"));
    assert!(
        files["metrics.txt"].contains("no engine of this data folder answers"),
        "{}",
        files["metrics.txt"]
    );
    assert!(
        files["database.json"].contains("\"name\": \"documents\""),
        "{}",
        files["database.json"]
    );
    let again = run(path, &["diagnostics", "--out", "one.zip"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("exists already"));

    // A running service is asked at the address of the settings.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a port")
        .port();
    let settings = path.join("data/settings.json");
    let mut written: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&settings).expect("bytes")).expect("JSON");
    written["listen"] = format!("127.0.0.1:{port}").into();
    std::fs::write(&settings, written.to_string()).expect("written");
    let served = Running::start(countersign(path, &["serve", "--json"]));
    let token = served.told()["token"].as_str().expect("a token").to_owned();
    json(path, &["diagnostics", "--out", "two.zip", "--json"]);
    let files = unpacked(&std::fs::read(path.join("two.zip")).expect("bytes"));
    assert!(
        files["metrics.txt"].contains("countersign_documents 2"),
        "{}",
        files["metrics.txt"]
    );
    assert!(
        files["state.json"].contains("\"ready\": true"),
        "{}",
        files["state.json"]
    );
    assert!(
        files["doctor.txt"].contains("ok    service: it answers and is ready"),
        "{}",
        files["doctor.txt"]
    );
    assert!(files.contains_key("logs/countersign.log"), "{:?}", files.keys());
    for text in files.values() {
        assert!(!text.contains(&token) && !text.contains("sandbox-secret"), "{text}");
    }
    assert_eq!(served.terminate(), Some(0));
}
