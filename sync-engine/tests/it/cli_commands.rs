//! The commands as they are meant to be used.

use crate::cli_program::{PATIENCE, Running, countersign, json, run, sandbox, text};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Asks a served API, blocking.
fn ask(base: &str, token: &str, path: &str) -> (u16, Value) {
    let client = client();
    answer(client.get(format!("{base}{path}")).bearer_auth(token))
}

fn send(url: &str, token: &str, body: &'static str) -> (u16, Value) {
    let request = client()
        .post(url)
        .bearer_auth(token)
        .header("content-type", "application/json");
    answer(request.body(body))
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let request = async {
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    };
    let (status, body) = tokio::runtime::Runtime::new().expect("a runtime").block_on(request);
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

#[test]
fn every_command_has_help_with_an_example() {
    let home = tempfile::tempdir().expect("a folder");
    for command in [
        &["serve"][..],
        &["sync"],
        &["import"],
        &["submit"],
        &["sandbox"],
        &["partner"],
        &["partner", "check"],
        &["partner", "new"],
        &["partner", "try"],
        &["partner", "openapi"],
        &["partner", "list"],
        &["partner", "secret"],
        &["queue"],
        &["queue", "list"],
        &["queue", "retry"],
        &["print"],
        &["backup"],
        &["restore"],
        &["archive"],
        &["archive", "list"],
        &["archive", "show"],
        &["archive", "find"],
        &["archive", "open"],
        &["archive", "run"],
        &["doctor"],
        &["diagnostics"],
        &["audit"],
        &["audit", "verify"],
        &["openapi"],
    ] {
        let out = run(home.path(), &[command, &["--help"]].concat());
        let help = text(&out.stdout);
        assert!(help.contains("Example"), "{command:?}: {help}");
        assert!(
            help.contains(&format!("countersign {}", command.join(" "))),
            "{command:?}: {help}"
        );
    }
    let top = text(&run(home.path(), &["--help"]).stdout);
    assert!(top.contains("Exit codes:"), "{top}");
}

#[cfg(unix)]
#[test]
fn serve_tells_its_address_and_stops_on_a_signal() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("a folder");
    let served = Running::start(countersign(home.path(), &["serve", "--port", "0", "--json"]));
    let told = served.told();
    let (base, token) = (
        told["baseUrl"].as_str().expect("an address"),
        told["token"].as_str().expect("a token"),
    );
    assert_eq!(told["url"], format!("{base}/#token={token}"));
    assert_eq!(ask(base, "", "/api/v1/health").0, 200);
    assert_eq!(ask(base, "", "/api/v1/session").0, 401);
    let (status, session) = ask(base, token, "/api/v1/session");
    assert_eq!((status, session["user"].as_str()), (200, Some("ada")));
    let file = home.path().join("data/token");
    let mode = std::fs::metadata(&file).expect("the token file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&file).expect("text"), token);
    assert_eq!(served.terminate(), Some(0));

    // The token stays the same, unless others may read it.
    let again = Running::start(countersign(home.path(), &["serve", "--port", "0", "--json"]));
    assert_eq!(again.told()["token"], token);
    assert_eq!(again.terminate(), Some(0));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("set");
    let refused = run(home.path(), &["serve", "--port", "0"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        text(&refused.stderr).contains("others may read the token file"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn the_token_may_come_from_the_environment() {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = countersign(home.path(), &["serve", "--port", "0", "--json"]);
    command.env("COUNTERSIGN_TOKEN", "given-by-the-environment");
    let served = Running::start(command);
    assert_eq!(served.told()["token"], "given-by-the-environment");
    assert!(!home.path().join("data/token").exists());
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file() {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(
        home.path().join("s.json"),
        r#"{"company": "from-file", "partnersDir": "from-file"}"#,
    )
    .expect("written");
    let settings = |more: &[&str], environment: &[(&str, &str)]| {
        let mut command = countersign(home.path(), &[&["doctor", "--json"], more].concat());
        command.envs(environment.iter().copied());
        let out = command.output().expect("it runs");
        let told: Value = serde_json::from_slice(&out.stdout).expect("JSON");
        let checks = told["checks"].as_array().expect("checks").clone();
        let found = checks.iter().find(|c| c["name"] == "settings").expect("settings");
        found["message"].as_str().expect("text").to_owned()
    };
    let environment = [
        ("COUNTERSIGN_COMPANY", "from-env"),
        ("COUNTERSIGN_PARTNERS_DIR", "from-env"),
    ];
    let default = settings(&[], &[]);
    assert!(
        default.contains("company main") && default.contains("data/partners"),
        "{default}"
    );
    let file = settings(&["--config", "s.json"], &[]);
    assert!(
        file.contains("company from-file") && file.contains("partners in from-file"),
        "{file}"
    );
    let env = settings(&["--config", "s.json"], &environment);
    assert!(
        env.contains("company from-env") && env.contains("partners in from-env"),
        "{env}"
    );
    let flag = settings(&["--config", "s.json", "--partners-dir", "from-flag"], &environment);
    assert!(flag.contains("partners in from-flag"), "{flag}");
}

#[test]
fn orders_are_fetched_printed_and_backed_up() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &["--orders", "3"]);
    let synced = json(path, &["sync", "sandbox", "--json"]);
    assert_eq!(synced["partners"][0]["versions"], 3, "{synced}");
    let again = text(&run(path, &["sync"]).stdout);
    assert!(again.starts_with("sandbox: "), "{again}");

    let printed = json(path, &["print", "1", "--output", "one.pdf", "--json"]);
    assert_eq!(printed["version"], 1);
    assert!(
        std::fs::read(path.join("one.pdf"))
            .expect("a file")
            .starts_with(b"%PDF-")
    );
    let streamed = run(path, &["print", "1", "--output", "-"]);
    assert!(streamed.stdout.starts_with(b"%PDF-"));

    let saved = json(path, &["backup", "--json"]);
    assert_eq!(saved["integrity"], "ok", "{saved}");
    let copy = saved["path"].as_str().expect("a path");
    assert!(Path::new(copy).starts_with(path.join("data/backups")), "{copy}");

    let page = path.join("data/settings.json");
    assert!(page.exists(), "the sandbox's own company heads the pages");
    let partners = json(path, &["partner", "list", "--json"]);
    assert_eq!(partners[0]["id"], "sandbox");
    let table = text(&run(path, &["partner", "list"]).stdout);
    assert!(table.starts_with("PARTNER"), "{table}");

    let looked = run(path, &["doctor"]);
    let told = text(&looked.stdout);
    assert_eq!(looked.status.code(), Some(0), "{told}");
    for name in [
        "data folder",
        "settings",
        "disk",
        "database",
        "durability",
        "integrity",
        "audit",
        "partner sandbox",
    ] {
        assert!(told.contains(&format!("ok    {name}: ")), "{name}: {told}");
    }
}

#[cfg(unix)]
#[test]
fn the_queue_is_listed_and_a_dead_letter_replayed() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, partner) = sandbox(path, &["--orders", "1"]);
    json(path, &["sync", "--json"]);
    assert_eq!(text(&run(path, &["queue", "list"]).stdout), "nothing is on its way\n");
    let none_dead = run(path, &["queue", "list", "--state", "dead"]);
    assert_eq!(text(&none_dead.stdout), "no operation is like that\n");

    // The partner redirects the answer, which is never followed: a dead letter at once.
    let fault = r#"{"faults": [{"kind": "redirect", "path": "/api/operations", "method": "POST"}]}"#;
    assert_eq!(send(&format!("{partner}/sandbox/faults"), "", fault).0, 200);
    let served = Running::start(countersign(path, &["serve", "--port", "0", "--json"]));
    let told = served.told();
    let (base, token) = (
        told["baseUrl"].as_str().expect("an address"),
        told["token"].as_str().expect("a token"),
    );
    let answer = r#"{"version": 1, "answer": {"code": "AP"}}"#;
    let (status, saved) = send(&format!("{base}/api/v1/documents/1/answers"), token, answer);
    assert_eq!(status, 201, "{saved}");
    let operation = saved["id"].as_str().expect("an id");
    let begun = Instant::now();
    while ask(base, token, &format!("/api/v1/operations/{operation}")).1["operation"]["state"] != "Dead" {
        assert!(
            begun.elapsed() < PATIENCE,
            "{}",
            ask(base, token, "/api/v1/operations").1
        );
        std::thread::sleep(Duration::from_millis(50));
    }

    let table = text(&run(path, &["queue", "list"]).stdout);
    assert!(
        table.starts_with("OPERATION") && table.contains(operation) && table.contains("Dead"),
        "{table}"
    );
    assert_eq!(
        send(&format!("{partner}/sandbox/faults"), "", r#"{"faults": []}"#).0,
        200
    );
    for none in [
        ["--error", "partner.timeout"],
        ["--kind", "reject"],
        ["--since", "2999-01-01"],
        ["--partner", "other"],
    ] {
        let none = json(path, &[&["queue", "retry", "--dead", "--json"], &none[..]].concat());
        assert_eq!(none, serde_json::json!([]));
    }
    let one = [
        "--error",
        "partner.redirect",
        "--kind",
        "confirm",
        "--since",
        "2h",
        "--document",
        "1",
    ];
    let replayed = json(path, &[&["queue", "retry", "--dead", "--json"], &one[..]].concat());
    assert_eq!(replayed[0]["id"], operation, "{replayed}");
    let dead = operation;
    let operation = replayed[0]["replayedAs"].as_str().expect("a new operation");
    let (_, detail) = ask(base, token, &format!("/api/v1/operations/{dead}"));
    assert_eq!(detail["operation"]["replayedAs"], operation, "{detail}");
    // The engine that runs sees it, though another process asked for it.
    while ask(base, token, &format!("/api/v1/operations/{operation}")).1["operation"]["state"] != "Applied" {
        assert!(
            begun.elapsed() < PATIENCE,
            "{}",
            ask(base, token, "/api/v1/operations").1
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let listed = json(path, &["queue", "list", "--all", "--json"]);
    assert_eq!(listed[0]["state"], "Applied", "{listed}");
    let shortened = run(path, &["queue", "list", "--all", "--limit", "1"]);
    assert!(text(&shortened.stdout).ends_with("\nand more: --limit says how many are listed, 1 now\n"));
    assert_eq!(served.terminate(), Some(0));
}

#[test]
fn the_shipped_configurations_pass_and_a_broken_one_tells_every_mistake() {
    let home = tempfile::tempdir().expect("a folder");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/partners");
    let files: Vec<String> = std::fs::read_dir(&shipped)
        .expect("the folder")
        .filter_map(|entry| Some(entry.ok()?.path()).filter(|p| p.extension().is_some_and(|e| e == "json")))
        .map(|path| path.display().to_string())
        .collect();
    assert!(!files.is_empty());
    let mut args = vec!["partner", "check"];
    args.extend(files.iter().map(String::as_str));
    let good = run(home.path(), &args);
    assert_eq!(
        good.status.code(),
        Some(0),
        "{}{}",
        text(&good.stdout),
        text(&good.stderr)
    );

    std::fs::write(
        home.path().join("bad.json"),
        r#"{"id": "Bad Name", "nmae": "x", "baseUrl": "ftp://x", "streams": {}}"#,
    )
    .expect("written");
    let bad = run(home.path(), &["partner", "check", "bad.json", "--json"]);
    assert_eq!(bad.status.code(), Some(3));
    let told: Value = serde_json::from_slice(&bad.stdout).expect("JSON");
    assert!(told[0]["mistakes"].as_array().is_some_and(|m| m.len() > 1), "{told}");
}

#[test]
fn a_secret_is_read_from_standard_input() {
    use std::io::Write;
    use std::process::Stdio;
    let home = tempfile::tempdir().expect("a folder");
    let mut command = countersign(home.path(), &["partner", "secret", "acme.client_secret"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    child
        .stdin
        .take()
        .expect("its input")
        .write_all(b"s3cret-canary\n")
        .expect("written");
    let out = child.wait_with_output().expect("it ends");
    assert!(out.status.success());
    assert!(!text(&out.stdout).contains("canary"));
}

#[cfg(unix)]
#[test]
fn doctor_says_what_is_wrong_and_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &[]);
    std::fs::write(path.join("data/partners/acme.json"), r#"{"id": "acme"}"#).expect("written");
    let shipped = std::fs::read_to_string(path.join("data/partners/sandbox.json")).expect("text");
    let other = shipped
        .replace("\"sandbox\"", "\"other\"")
        .replace("sandbox.client_secret", "other.secret");
    std::fs::write(path.join("data/partners/other.json"), other).expect("written");
    let told = run(path, &["doctor"]);
    let text_told = text(&told.stdout);
    assert_eq!(told.status.code(), Some(1), "{text_told}");
    for expected in [
        "warn  database: there is no database in ",
        "FAIL  partner file acme.json: ",
        "countersign partner check ",
        "FAIL  partner other: there is no secret \"other.secret\": add it with `countersign partner secret other.secret`",
        "ok    partner sandbox: ",
    ] {
        assert!(text_told.contains(expected), "{expected}: {text_told}");
    }
    let secrets = path.join("data/secrets.json");
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o644)).expect("set");
    let open = text(&run(path, &["doctor"]).stdout);
    assert!(
        open.contains("FAIL  partner sandbox: ") && open.contains("chmod 600"),
        "{open}"
    );
}

#[test]
fn the_shipped_settings_are_read_and_fit_their_schema() {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
    let text = std::fs::read_to_string(configs.join("schema/settings.schema.json")).expect("the schema");
    let written: Value = serde_json::from_str(&text).expect("JSON");
    let schema = jsonschema::validator_for(&written).expect("a schema");
    for entry in std::fs::read_dir(configs.join("settings")).expect("the folder") {
        let file = entry.expect("an entry").path();
        sync_engine::settings::FileSettings::read(Some(&file), Path::new(".")).expect("it is right");
        let value = serde_json::from_str(&std::fs::read_to_string(&file).expect("text")).expect("JSON");
        schema.validate(&value).expect("it fits");
    }
    // What the program names as known fields, the schema knows too.
    let unknown = serde_json::from_str::<sync_engine::settings::FileSettings>(r#"{"no": 1}"#).expect_err("refused");
    for field in ["$schema", "company", "letterhead", "partnersDir", "listen", "hosts"] {
        assert!(unknown.to_string().contains(&format!("`{field}`")), "{unknown}");
        assert!(written["properties"].get(field).is_some(), "{field}");
    }
}

#[cfg(unix)]
#[test]
fn secrets_are_in_no_log_and_no_database() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &["--orders", "2"]);
    let log = std::fs::File::create(path.join("log")).expect("a file");
    let mut command = countersign(path, &["serve", "--port", "0", "--json", "--log-format", "json"]);
    command.env("COUNTERSIGN_LOG", "trace").stderr(log);
    let served = Running::start(command);
    let told = served.told();
    let (base, token) = (
        told["baseUrl"].as_str().expect("an address"),
        told["token"].as_str().expect("a token"),
    );
    let begun = Instant::now();
    while ask(base, token, "/api/v1/counters").1["documents"] != 2 {
        assert!(begun.elapsed() < PATIENCE, "no order came");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(served.terminate(), Some(0));
    let written = std::fs::read_to_string(path.join("log")).expect("text");
    assert!(written.contains("\"request\""), "the log is there: {written}");
    assert!(serde_json::from_str::<Value>(written.lines().next().expect("a line")).is_ok());
    let mut searched = 0;
    for entry in std::fs::read_dir(path.join("data"))
        .expect("the folder")
        .chain([Ok(entry_of(path, "log"))])
    {
        let file = entry.expect("an entry").path();
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        if file.is_dir() || name == "secrets.json" || name == "token" {
            continue;
        }
        searched += 1;
        let held = String::from_utf8_lossy(&std::fs::read(&file).expect("bytes")).into_owned();
        for secret in ["sandbox-secret", token] {
            assert!(!held.contains(secret), "{name} holds {secret}");
        }
    }
    assert!(searched > 1, "{searched}");
}

fn entry_of(folder: &Path, name: &str) -> std::fs::DirEntry {
    let mut entries = std::fs::read_dir(folder).expect("the folder").map_while(Result::ok);
    entries.find(|entry| entry.file_name() == name).expect("the file")
}
