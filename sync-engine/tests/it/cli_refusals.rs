//! Bad commands: the exact words and exit codes that a person gets.

use crate::cli_program::{Running, countersign, json, run, sandbox, text};
use std::fmt::Write as _;
use std::path::Path;

/// Runs each command and writes what it said, with what differs from run to run taken out.
fn transcript(home: &Path, commands: &[&[&str]]) -> String {
    let mut told = String::new();
    let here = home.display().to_string();
    for args in commands {
        let out = run(home, args);
        let code = out.status.code().unwrap_or(-1);
        let _ = writeln!(
            told,
            "$ countersign {}\n[{code}]",
            args.join(" ").replace(&here, "[HOME]")
        );
        for stream in [&out.stdout, &out.stderr] {
            let said = text(stream).replace(&here, "[HOME]");
            if !said.is_empty() {
                let _ = writeln!(told, "{}", said.trim_end());
            }
        }
        told.push('\n');
    }
    told
}

#[test]
fn without_any_data() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    std::fs::write(path.join("a-file"), "x").expect("written");
    std::fs::write(path.join("torn.json"), r#"{"company": "main""#).expect("written");
    std::fs::write(path.join("field.json"), r#"{"companyName": "main"}"#).expect("written");
    std::fs::write(path.join("type.json"), r#"{"letterhead": {"company": {"name": 7}}}"#).expect("written");
    std::fs::write(path.join("listen.json"), r#"{"listen": "everywhere"}"#).expect("written");
    std::fs::write(path.join("slug.json"), r#"{"company": "Main GmbH"}"#).expect("written");
    let commands: &[&[&str]] = &[
        &[],
        &["serv"],
        &["serve", "--port", "70000"],
        &["serve", "--listen", "localhost"],
        &["serve", "--listen", "192.0.2.1:0"],
        &["serve", "--data-dir", "a-file"],
        &["serve", "--config", "missing.json"],
        &["serve", "--config", "torn.json"],
        &["serve", "--config", "field.json"],
        &["serve", "--config", "type.json"],
        &["serve", "--config", "listen.json"],
        &["serve", "--config", "slug.json"],
        &["sync"],
        &["sync", "nobody"],
        &["sync", "--deliver-seconds", "0"],
        &["queue", "retry"],
        &["queue", "retry", "17"],
        &["queue", "list", "--data-dir", "elsewhere"],
        &["queue", "list", "--data-dir", "elsewhere", "--json"],
        &["queue", "list", "--state", "sent"],
        &["print", "PO-1", "--data-dir", "elsewhere"],
        &["print"],
        &["backup", "--data-dir", "elsewhere"],
        &["partner", "check"],
        &["partner", "check", "missing.json"],
        &["partner", "check", "torn.json"],
        &["partner", "secret", "a name"],
        &["sandbox", "--log-format", "xml"],
    ];
    insta::assert_snapshot!(transcript(path, commands));
}

#[test]
fn with_a_database() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, url) = sandbox(path, &["--orders", "1"]);
    let synced = json(path, &["sync", "--json"]);
    assert_eq!(synced["partners"][0]["versions"], 1, "{synced}");
    std::fs::write(path.join("taken.db"), "x").expect("written");
    let port = url.rsplit(':').next().expect("a port").to_owned();
    let hooks = format!("127.0.0.1:{port}");
    let commands: &[&[&str]] = &[
        &["print", "PO-NONE"],
        &["print", "999"],
        &["print", "1", "--version", "7"],
        &["print", "1", "--partner", "nobody"],
        &["print", "1", "--output", "no/such/folder.pdf"],
        &["sync", "nobody"],
        &["queue", "list"],
        &["queue", "list", "--partner", "nobody"],
        &["queue", "retry", "0197e4a5-6a9c-7cc1-b2e5-0a5f3c1d2e4f"],
        &["queue", "retry", "--dead"],
        &["backup", "taken.db"],
        &["serve", "--port", &port],
        &["serve", "--port", "0", "--hooks", &hooks],
        &["sandbox", "--port", &port],
    ];
    let told = transcript(path, commands);
    let told = told
        .replace(&format!(":{port}"), ":PORT")
        .replace(&format!("--port {port}"), "--port PORT");
    insta::assert_snapshot!(told);
}

#[test]
fn one_engine_per_data_folder() {
    let home = tempfile::tempdir().expect("a folder");
    let first = Running::start(countersign(home.path(), &["serve", "--port", "0", "--json"]));
    first.told();
    let told = transcript(home.path(), &[&["serve", "--port", "0"]]);
    insta::assert_snapshot!(told.replace(&first.id().to_string(), "PID"));
}

#[test]
fn a_newer_database_is_left_alone() {
    let home = tempfile::tempdir().expect("a folder");
    let (_sandbox, _) = sandbox(home.path(), &[]);
    json(home.path(), &["sync", "--json"]);
    let db = rusqlite::Connection::open(home.path().join("data/countersign.db")).expect("opens");
    db.execute(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (9999, 'later', '2030-01-01T00:00:00Z', '1')",
        [],
    )
    .expect("written");
    drop(db);
    insta::assert_snapshot!(transcript(
        home.path(),
        &[&["queue", "list"], &["serve", "--port", "0"]]
    ));
}

#[test]
fn an_unreachable_partner() {
    let home = tempfile::tempdir().expect("a folder");
    let (stopped, url) = sandbox(home.path(), &[]);
    drop(stopped);
    insta::assert_snapshot!(transcript(home.path(), &[&["sync"]]).replace(&url, "[SANDBOX]"));
}
