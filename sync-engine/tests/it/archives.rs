//! `countersign archive`: a document that left the database is found, read and printed again.

use crate::cli_program::{PATIENCE, Running, countersign, json, run, sandbox, text};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Refuses the only order there is, over the API, and waits until the partner shows it.
fn refuse_order(home: &Path) -> String {
    let served = Running::start(countersign(home, &["serve", "--port", "0", "--json"]));
    let told = served.told();
    let (base, token) = (
        told["baseUrl"].as_str().expect("told"),
        told["token"].as_str().expect("told"),
    );
    let client = crate::sandbox_trader::client();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ask = |path: &str, body: Option<Value>| -> Value {
        let url = format!("{base}/api/v1/{path}");
        let request = match body {
            None => client.get(url),
            Some(body) => client
                .post(url)
                .header("content-type", "application/json")
                .body(body.to_string()),
        };
        runtime.block_on(async {
            let answer = request.bearer_auth(token).send().await.expect("an answer");
            serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON")
        })
    };
    let order = ask("documents?view=all", None)["items"][0].clone();
    let answer = json!({ "version": 1, "answer": { "code": "RE", "reason": { "code": "DEL" } } });
    let saved = ask(&format!("documents/{}/answers", order["id"]), Some(answer));
    let begun = Instant::now();
    loop {
        let operation = ask(&format!("operations/{}", saved["id"].as_str().expect("an id")), None);
        if operation["operation"]["state"] == "Applied" {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{operation}");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(served);
    order["number"].as_str().expect("a number").to_owned()
}

#[test]
fn what_went_into_an_archive_is_found_read_and_printed() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &["--orders", "1"]);
    json(path, &["sync", "--json"]);
    let number = refuse_order(path);
    let archived = json(path, &["archive", "run", "--days", "0", "--json"]);
    assert_eq!(archived["documents"], 1, "{archived}");
    assert_eq!(
        run(path, &["print", &number]).status.code(),
        Some(5),
        "it is not in the database any more"
    );

    let found = json(path, &["archive", "find", &number.to_lowercase(), "--json"])[0].clone();
    assert_eq!(
        (&found["document"]["number"], &found["document"]["state"]),
        (&number.as_str().into(), &"Rejected".into())
    );
    assert_eq!(run(path, &["archive", "find", "nowhere"]).status.code(), Some(5));
    let file = Path::new(found["archive"].as_str().expect("a file"))
        .file_name()
        .expect("a name");
    let opened = json(path, &["archive", "open", file.to_str().expect("text"), "--json"]);
    let folder = opened["folder"].as_str().expect("a folder");
    assert_eq!(opened["archive"]["documents"], 1, "{opened}");
    let again = run(path, &["archive", "open", file.to_str().expect("text")]);
    assert!(
        !again.status.success() && text(&again.stderr).contains("already"),
        "{}",
        text(&again.stderr)
    );

    let there = |args: &[&str]| run(path, &[args, &["--data-dir", folder]].concat());
    let page = there(&["print", &number, "--output", "page.pdf"]);
    assert!(page.status.success(), "{}", text(&page.stderr));
    assert!(
        std::fs::read(path.join("page.pdf"))
            .expect("written")
            .starts_with(b"%PDF")
    );
    let history = there(&["audit", "verify"]);
    assert!(history.status.success(), "{}", text(&history.stderr));
    let queue = text(&there(&["queue", "list", "--all", "--json"]).stdout);
    assert!(queue.contains("Applied") && queue.contains(&number), "{queue}");
    // Whatever the environment says, nobody is asked from there: the order would come in again, and be acknowledged.
    let mut sync = countersign(path, &["sync", "--data-dir", folder]);
    sync.env("COUNTERSIGN_PARTNERS_DIR", path.join("data/partners"));
    let polled = sync.output().expect("it runs");
    assert_eq!(polled.status.code(), Some(3), "{}", text(&polled.stdout));
    assert!(
        text(&polled.stderr).contains("there is no partner"),
        "{}",
        text(&polled.stderr)
    );
}
