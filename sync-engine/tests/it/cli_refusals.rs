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

/// Every command that is told a file to read.
#[test]
fn a_file_that_is_not_there_ends_every_command_alike() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _url) = sandbox(path, &[]);
    json(path, &["sync", "--json"]);
    let configuration = "data/partners/sandbox.json";
    for args in [
        &["partner", "check", "missing"][..],
        &["partner", "check", "missing", configuration],
        &["partner", "try", "missing"],
        &["partner", "try", configuration, "--payload", "missing"],
        &[
            "partner",
            "try",
            configuration,
            "--payload",
            configuration,
            "--answer",
            "missing",
        ],
        &["partner", "openapi", "missing"],
        &["partner", "new", "acme", "--from", "missing"],
        &["import", "missing", "--partner", "sandbox", "--stream", "orders"],
        &["submit", "missing", "--partner", "sandbox"],
        &["archive", "show", "missing"],
        &["archive", "open", "missing"],
        &["restore", "missing"],
        &["audit", "verify", "--file", "missing"],
        &["queue", "list", "--config", "missing"],
    ] {
        let out = run(path, args);
        let said = text(&out.stdout) + &text(&out.stderr);
        assert_eq!(out.status.code(), Some(5), "{args:?}: {said}");
        assert!(said.contains("missing"), "{args:?}: {said}");
    }
    // One that is there and wrong is another matter, and the first that is refused gives the code.
    std::fs::write(path.join("torn.json"), "{").expect("written");
    let out = run(path, &["partner", "check", "torn.json", "missing"]);
    assert_eq!(out.status.code(), Some(3));
}

/// A folder that is mistyped is told, and not made.
#[test]
fn what_only_reads_makes_no_data_folder() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _url) = sandbox(path, &[]);
    let configuration = "data/partners/sandbox.json";
    let elsewhere = ["--data-dir", "elsewhere"];
    for (args, code) in [
        (&["partner", "list"][..], 5),
        (&["queue", "list"], 5),
        (&["queue", "retry", "--dead"], 5),
        (&["print", "PO-1"], 5),
        (&["backup"], 5),
        (&["archive", "list"], 5),
        (&["archive", "find", "PO-1"], 5),
        (&["archive", "run"], 5),
        (&["audit", "verify"], 5),
        (&["doctor"], 0),
        (&["diagnostics", "--out", "bundle.zip"], 0),
        (&["partner", "check", configuration], 0),
        (&["partner", "openapi", configuration], 0),
        (&["restore", configuration, "--check"], 1),
    ] {
        let out = run(path, &[args, &elsewhere].concat());
        let said = text(&out.stdout) + &text(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{args:?}: {said}");
        assert!(!path.join("elsewhere").exists(), "{args:?}");
        if code == 5 {
            assert!(
                said.contains("elsewhere") && said.contains("--data-dir"),
                "{args:?}: {said}"
            );
        }
    }
    // The same where the folder is there and a database is not.
    let out = run(path, &["partner", "list"]);
    assert_eq!(out.status.code(), Some(5), "{}", text(&out.stderr));
    assert!(!path.join("data/countersign.db").exists());
}
