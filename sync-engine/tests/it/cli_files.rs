//! Commands that read files: documents from outside, and archives.

use crate::cli_program::{json, run, sandbox, text};
use serde_json::Value;
use sync_engine::store::{PayloadId, SqliteStore, Store};

#[test]
fn import_takes_every_file_that_it_can_and_says_what_became_of_each() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &["--orders", "1"]);
    json(path, &["sync", "--json"]);
    let store = SqliteStore::open(path.join("data/countersign.db")).expect("opens");
    let payload = store.payload(PayloadId(1)).expect("readable").expect("a payload");
    store.close();
    std::fs::write(path.join("known.json"), payload.bytes).expect("written");
    std::fs::write(path.join("broken.json"), "{}").expect("written");
    let import = |files: &[&str]| {
        run(
            path,
            &[&["import", "--partner", "sandbox", "--stream", "orders"], files].concat(),
        )
    };

    let out = import(&["missing.json", "known.json", "broken.json"]);
    assert_eq!(out.status.code(), Some(5));
    assert_eq!(
        text(&out.stdout),
        "known.json: known already\nbroken.json: in quarantine\n"
    );
    assert_eq!(
        text(&out.stderr),
        "missing.json: it cannot be read: there is no such file or folder\nerror: 1 of 3 files are refused\n"
    );
    let out = import(&["--json", "missing.json", "known.json"]);
    let told: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let duplicates = told[1]["report"]["duplicates"].as_u64();
    assert_eq!(
        (told[0]["ok"].as_bool(), told[1]["ok"].as_bool(), duplicates),
        (Some(false), Some(true), Some(1)),
        "{told}"
    );
    let out = run(
        path,
        &["import", "known.json", "--partner", "nobody", "--stream", "orders"],
    );
    assert_eq!(out.status.code(), Some(5), "{}", text(&out.stderr));
}

#[test]
fn what_is_archived_is_listed_read_back_and_told_when_it_is_damaged() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &["--orders", "2"]);
    json(path, &["sync", "--json"]);
    assert_eq!(json(path, &["archive", "list", "--json"]), Value::Array(Vec::new()));
    assert_eq!(
        text(&run(path, &["archive", "list"]).stdout),
        "nothing is archived yet\n"
    );
    let db = rusqlite::Connection::open(path.join("data/countersign.db")).expect("opens");
    db.execute_batch("UPDATE document SET state = 'Rejected', needs_answer = 0, updated_at = 1 WHERE id = 1")
        .expect("settled");
    drop(db);
    let ran = json(path, &["archive", "run", "--days", "365", "--json"]);
    assert_eq!(ran["documents"], 1, "{ran}");
    let listed = json(path, &["archive", "list", "--json"]);
    assert_eq!(
        (&listed[0]["ok"], &listed[0]["report"]["documents"]),
        (&Value::Bool(true), &Value::from(1))
    );
    let file = listed[0]["file"].as_str().expect("a path").to_owned();
    let shown = text(&run(path, &["archive", "show", &file]).stdout);
    let rows: Vec<Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for table in ["document", "payload", "version", "version_content"] {
        assert!(rows.iter().any(|row| row["table"] == table), "no {table}: {shown}");
    }

    let whole = std::fs::read(&file).expect("bytes");
    std::fs::write(&file, &whole[..whole.len() / 2]).expect("written");
    for args in [
        &["archive", "list"][..],
        &["archive", "list", "--json"],
        &["archive", "show", &file],
    ] {
        let out = run(path, args);
        assert_eq!(out.status.code(), Some(1), "{args:?}");
        let told = format!("{}{}", text(&out.stdout), text(&out.stderr));
        assert!(
            told.contains("damaged") || told.contains("its end is missing"),
            "{args:?}: {told}"
        );
    }
}

#[test]
fn a_data_folder_that_cannot_be_worked_in_is_told_with_what_to_do() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &[]);
    json(path, &["sync", "--json"]);
    let data = path.join("data");
    for (file, args) in [
        ("engines/everybody", &["queue", "list"][..]),
        ("countersign.lock", &["serve", "--port", "0"]),
    ] {
        let file = data.join(file);
        if file.exists() {
            std::fs::remove_file(&file).expect("removed");
        }
        std::fs::create_dir(&file).expect("a folder in its place");
        let out = run(path, args);
        let told = text(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{args:?}: {told}");
        assert!(
            told.contains("cannot be used") && told.contains("mend the folder's rights"),
            "{args:?}: {told}"
        );
        std::fs::remove_dir(&file).expect("removed");
    }
}
