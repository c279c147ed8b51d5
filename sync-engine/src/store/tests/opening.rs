//! Whose file it is, which schema, which pragmas.

use super::fixtures::*;
use crate::store::{SqliteStore, Store, StoreError};

fn refused(path: &std::path::Path) -> String {
    match SqliteStore::open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_new_database_keeps_its_promises() {
    let opened = open();
    let report = opened.store.doctor().expect("doctor");
    assert_eq!(
        (report.journal_mode.as_str(), report.synchronous.as_str()),
        ("wal", "full")
    );
    assert_eq!((report.quick_check.as_str(), report.audit.broken_at), ("ok", None));
    assert!(report.schema_version >= 1 && report.database_bytes > 0);
    opened.store.close();
    let again = SqliteStore::open(&opened.path).expect("opened again");
    assert_eq!(again.doctor().expect("doctor").schema_version, report.schema_version);
}

#[test]
fn an_empty_file_becomes_a_database() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("empty.db");
    std::fs::write(&path, b"").expect("an empty file");
    SqliteStore::open(&path).expect("a new store");
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let opened = open();
    opened.store.close();
    let known = count(&opened.path, "SELECT max(version) FROM refinery_schema_history");
    peek(&opened.path)
        .execute(
            "INSERT INTO refinery_schema_history VALUES (?1, 'from_the_future', '2031-01-01T00:00:00Z', '1')",
            [known + 1],
        )
        .expect("a newer entry");
    match SqliteStore::open(&opened.path) {
        Err(StoreError::NewerDatabase { found, known: ours, .. }) => assert_eq!((found, ours), (known + 1, known)),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("opened"),
    }
}

#[test]
fn a_migration_that_was_edited_is_refused() {
    let opened = open();
    opened.store.close();
    peek(&opened.path)
        .execute(
            "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 1",
            [],
        )
        .expect("another checksum");
    let message = refused(&opened.path);
    assert!(
        message.contains("its schema could not be brought up to date"),
        "{message}"
    );
}

#[test]
fn what_is_not_our_database_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, b"this is a letter, not a database, whatever its name says").expect("garbage");
    assert!(
        refused(&garbage).contains("it is not a database"),
        "{}",
        refused(&garbage)
    );

    let short = folder.path().join("short.db");
    std::fs::write(&short, b"SQLite").expect("a short file");
    assert!(refused(&short).contains("it is not a database"));

    let other = folder.path().join("other.db");
    peek(&other)
        .execute_batch("CREATE TABLE bookmarks (url TEXT)")
        .expect("another program's");
    assert!(refused(&other).contains("another program's database"));
    assert_eq!(
        count(&other, "SELECT count(*) FROM sqlite_schema"),
        1,
        "it is left as it was"
    );

    let marked = folder.path().join("marked.db");
    peek(&marked)
        .execute_batch("PRAGMA application_id = 77; CREATE TABLE t (x)")
        .expect("another program's");
    assert!(refused(&marked).contains("another program's database"));

    let nowhere = folder.path().join("missing").join("countersign.db");
    assert!(refused(&nowhere).contains("does not exist"), "{}", refused(&nowhere));
    assert!(
        refused(folder.path()).contains("could not be opened"),
        "{}",
        refused(folder.path())
    );
}

#[test]
fn a_damaged_database_is_refused_at_start() {
    let opened = open();
    for n in 0..50 {
        let order = order(&format!("PO-{n}"), None, 10);
        write(&opened.store, move |tx| receive(tx, &order, 1, NOW)).expect("saved");
    }
    opened.store.close();
    let mut bytes = std::fs::read(&opened.path).expect("the file");
    let pages = bytes.len() / 4096;
    for page in [pages / 3, pages / 2] {
        bytes[page * 4096..page * 4096 + 512].fill(0xA5);
    }
    std::fs::write(&opened.path, bytes).expect("damaged");
    let message = refused(&opened.path);
    assert!(
        message.contains("damaged") || message.contains("malformed"),
        "{message}"
    );
}

#[cfg(unix)]
#[test]
fn a_folder_without_rights_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let opened = open();
    opened.store.close();
    let folder = opened.path.parent().expect("a folder");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o555)).expect("read-only");
    std::fs::set_permissions(&opened.path, std::fs::Permissions::from_mode(0o444)).expect("read-only");
    let writable = std::fs::write(folder.join("probe"), b"").is_ok();
    let result = SqliteStore::open(&opened.path);
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("back");
    // An administrator writes all the same.
    if !writable {
        let message = result.err().expect("refused").to_string();
        assert!(
            message.contains("cannot be written") || message.contains("may be written"),
            "{message}"
        );
    }
}
