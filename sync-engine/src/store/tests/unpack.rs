//! An archive that is opened again has all that the database had, and one that does not fit together opens nowhere.

use super::archive::{DAY, dismissed, order_of, run};
use super::fixtures::*;
use crate::domain::{DocumentId, DocumentKind, VersionNumber};
use crate::store::{DocumentView, SqliteStore, Store, StoreError};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

#[test]
fn an_archive_opens_as_a_database_of_its_own() {
    let opened = open();
    for number in 0..12 {
        order_of(&opened, number, 0, true);
    }
    // Its first part went into an archive before: the history of the next one begins behind that.
    run(&opened, NOW.plus_seconds(DAY)).expect("archived");
    for number in 20..32 {
        order_of(&opened, number, 10, true);
    }
    dismissed(&opened, 1);
    let ids: Vec<_> = opened
        .store
        .list_documents(&query(DocumentView::All))
        .expect("list")
        .items
        .iter()
        .map(|row| row.id)
        .collect();
    let before: Vec<_> = ids.iter().map(|id| all_of(&opened.store, *id)).collect();
    let archive = run(&opened, NOW.plus_seconds(20 * DAY))
        .expect("archived")
        .archives
        .remove(0);

    let found = SqliteStore::find_in_archive(archive.as_ref(), "po-2").expect("whole");
    let numbers: Vec<_> = found.iter().map(|document| document.number.as_str()).collect();
    assert_eq!(
        numbers,
        [
            "PO-20", "PO-21", "PO-22", "PO-23", "PO-24", "PO-25", "PO-26", "PO-27", "PO-28", "PO-29"
        ]
    );
    assert_eq!((&found[0].partner, found[0].kind), (&partner(), DocumentKind::Order));
    assert!(
        SqliteStore::find_in_archive(archive.as_ref(), "PO-1")
            .expect("whole")
            .is_empty()
    );

    let copy = opened.path.with_file_name("read.db");
    let report = SqliteStore::open_archive(archive.as_ref(), &copy).expect("opened");
    assert_eq!((report.documents, before.len()), (12, 12));
    let store = SqliteStore::open(&copy).expect("opens");
    for (id, was) in ids.iter().zip(&before) {
        assert_eq!(&all_of(&store, *id), was);
    }
    let by_word = crate::store::DocumentQuery {
        search: Some("bolt".into()),
        ..query(DocumentView::All)
    };
    assert_eq!(store.list_documents(&by_word).expect("search").items.len(), 12);
    let checked = store.verify_audit().expect("verified");
    assert_eq!(
        (checked.broken_at, checked.rows),
        (None, i64::try_from(report.audit_rows).expect("few"))
    );
    assert_eq!(store.next_due(NOW).expect("asked"), None, "nothing there is to be done");
    let counters = store.counters(&company()).expect("counters");
    assert_eq!(
        (counters.documents, counters.applied, counters.needs_answer),
        (12, 12, 0)
    );

    // Never over what is there.
    let again = SqliteStore::open_archive(archive.as_ref(), &copy).expect_err("it is there");
    assert!(matches!(again, StoreError::Open { .. }), "{again}");
    assert_eq!(store.counters(&company()).expect("counters").documents, 12);
}

/// What a screen shows of a document.
fn all_of(store: &SqliteStore, id: DocumentId) -> String {
    let row = store.document(id).expect("readable");
    let versions = store.versions(id).expect("readable");
    let content = store.version_content(id, VersionNumber(1)).expect("readable");
    let history = store.history(id, None, 100).expect("readable").items;
    let payload = store.payload(versions[0].payload).expect("readable");
    let operation = row.as_ref().and_then(|row| row.operation.as_ref()).map(|o| o.id);
    let operation = operation.map(|id| {
        (
            store.operation(id).expect("readable"),
            store.attempts(id).expect("readable"),
        )
    });
    format!("{row:#?} {versions:#?} {content:#?} {history:#?} {payload:#?} {operation:#?}")
}

/// What is done to a line of an archive.
type Change<'c> = &'c dyn Fn(&mut serde_json::Value);

#[test]
fn an_archive_that_does_not_fit_together_makes_no_database() {
    let opened = open();
    order_of(&opened, 1, 0, true);
    let archive = run(&opened, NOW.plus_seconds(DAY))
        .expect("archived")
        .archives
        .remove(0);
    let copy = opened.path.with_file_name("read.db");
    let touched = opened.path.with_file_name("touched.jsonl.gz");
    let known = opened.store.doctor().expect("readable").schema_version;
    let cases: [(&str, Change<'_>); 5] = [
        ("a newer program's", &|line| {
            if line.get("schemaVersion").is_some() {
                line["schemaVersion"] = (known + 1).into();
            }
        }),
        ("a table of another", &|line| {
            if line["table"] == "version" {
                line["table"] = "sqlite_schema".into();
            }
        }),
        ("a column that is none", &|line| {
            if line["table"] == "document" {
                line["row"]["id) SELECT 1; --"] = 1.into();
            }
        }),
        ("an altered history", &|line| {
            if line["table"] == "audit" {
                line["row"]["actor"] = "user:mallory".into();
            }
        }),
        ("a document that is missing", &|line| {
            if line["table"] == "document" {
                line["table"] = "payload".into();
            }
        }),
    ];
    for (what, touch) in cases {
        rewrite(archive.as_ref(), &touched, touch);
        SqliteStore::open_archive(&touched, &copy).expect_err(what);
        let left = std::fs::read_dir(copy.parent().expect("a folder")).expect("readable");
        let left: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
        assert!(
            !left.iter().any(|name| name.to_string_lossy().starts_with("read.db")),
            "{what}: {left:?}"
        );
    }
    rewrite(archive.as_ref(), &touched, &|_| {});
    SqliteStore::open_archive(&touched, &copy).expect("nothing was touched");
}

/// A copy of an archive with its lines altered, whose end fits them.
fn rewrite(from: &Path, to: &Path, touch: &dyn Fn(&mut serde_json::Value)) {
    let mut text = String::new();
    GzDecoder::new(File::open(from).expect("there"))
        .read_to_string(&mut text)
        .expect("whole");
    let mut lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let mut end = lines.pop().expect("an end");
    lines.iter_mut().for_each(touch);
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    end["sha256"] = Sha256::digest(&body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        .into();
    let mut out = GzEncoder::new(File::create(to).expect("made"), Compression::default());
    writeln!(out, "{body}{end}").expect("written");
    out.finish().expect("written");
}
