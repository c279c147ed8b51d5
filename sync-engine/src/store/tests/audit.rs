//! The audit trail: every alteration, removal and reordering is found.

use super::fixtures::*;
use crate::store::Store;
use rusqlite::Connection;

fn with_history(versions: i64) -> Opened {
    let opened = open();
    for sequence in 1..=versions {
        let lines = usize::try_from(sequence).expect("small");
        write(&opened.store, move |tx| {
            receive(tx, &order("PO-1", None, lines), sequence, NOW.plus_seconds(sequence))
        })
        .expect("a version");
    }
    opened
}

#[test]
fn the_trail_refuses_changes() {
    let opened = with_history(3);
    let db = peek(&opened.path);
    for sql in [
        "UPDATE audit SET actor = 'user:eve' WHERE id = 2",
        "DELETE FROM audit WHERE id = 2",
        "INSERT OR REPLACE INTO audit SELECT id, at, company, partner, 'user:eve', action, document_id, detail, hash
         FROM audit WHERE id = 2",
    ] {
        let error = db.execute(sql, []).expect_err(sql);
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    assert_eq!(opened.store.verify_audit().expect("verify").broken_at, None);
}

#[test]
fn what_was_done_past_the_triggers_is_found() {
    type Tamper = fn(&Connection);
    let cases: [(&str, Tamper, i64); 8] = [
        (
            "actor altered",
            |db| run(db, "UPDATE audit SET actor = 'user:eve' WHERE id = 4"),
            4,
        ),
        (
            "time altered",
            |db| run(db, "UPDATE audit SET at = at + 1 WHERE id = 1"),
            1,
        ),
        (
            "detail altered",
            |db| run(db, "UPDATE audit SET detail = '{}' WHERE id = 7"),
            7,
        ),
        (
            "document altered",
            |db| run(db, "UPDATE audit SET document_id = NULL WHERE id = 3"),
            3,
        ),
        ("one removed", |db| run(db, "DELETE FROM audit WHERE id = 5"), 6),
        ("the first removed", |db| run(db, "DELETE FROM audit WHERE id = 1"), 2),
        ("the last removed", |db| run(db, "DELETE FROM audit WHERE id = 8"), 8),
        (
            "two swapped",
            |db| {
                run(
                    db,
                    "UPDATE audit SET id = CASE id WHEN 2 THEN -3 ELSE -2 END WHERE id IN (2, 3); UPDATE audit SET id = -id WHERE id < 0",
                )
            },
            2,
        ),
    ];
    for (name, tamper, broken_at) in cases {
        let opened = with_history(8);
        let db = peek(&opened.path);
        run(&db, "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete");
        tamper(&db);
        let check = opened.store.verify_audit().expect("verify");
        assert_eq!(check.broken_at, Some(broken_at), "{name}");
    }
}

fn run(db: &Connection, sql: &str) {
    db.execute_batch(sql).expect(sql);
}

#[test]
fn fields_cannot_be_moved_into_each_other() {
    // Equal when joined, so only the lengths tell them apart.
    let opened = with_history(2);
    let db = peek(&opened.path);
    run(&db, "DROP TRIGGER audit_no_update");
    run(
        &db,
        "UPDATE audit SET actor = actor || substr(action, 1, 1), action = substr(action, 2) WHERE id = 2",
    );
    assert_eq!(opened.store.verify_audit().expect("verify").broken_at, Some(2));
}
