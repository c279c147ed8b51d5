//! The audit trail: every alteration, removal and reordering is found.

use super::fixtures::*;
use crate::domain::{DocumentId, VersionNumber};
use crate::store::{AuditBreak, Forget, Lane, Note, Store, StoreError, StoreExt, StoreTx};
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
        "INSERT OR REPLACE INTO audit SELECT id, at, company, partner, 'user:eve', action, document_id, earlier, detail, hash
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
    let cases: [(&str, Tamper, i64); 9] = [
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
        (
            "an entry taken out of a history",
            |db| run(db, "UPDATE audit SET earlier = earlier - 1 WHERE id = 6"),
            6,
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
        run(
            &db,
            "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; PRAGMA ignore_check_constraints = 1",
        );
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

/// Entry by entry, as many a page as asked for.
fn history(opened: &Opened, id: DocumentId, from: Option<i64>, limit: u32) -> Vec<i64> {
    let mut before = from;
    let mut ids = Vec::new();
    loop {
        let page = opened.store.history(id, before, limit).expect("readable");
        ids.extend(page.items.iter().map(|row| row.id));
        let Some(next) = page.next else { return ids };
        before = Some(next.parse().expect("an id"));
    }
}

fn noted(tx: &mut dyn StoreTx, document: DocumentId) -> Result<(), StoreError> {
    tx.note(&Note {
        document: Some(document),
        company: &company(),
        partner: None,
        actor: "engine",
        action: "noted",
        at: NOW,
        detail: serde_json::json!({}),
    })
}

#[test]
fn a_documents_history_is_all_that_the_trail_says_of_it() {
    let opened = open();
    let documents: Vec<DocumentId> = ["PO-1", "PO-2", "PO-3"]
        .into_iter()
        .map(|number| write(&opened.store, move |tx| receive(tx, &order(number, None, 1), 1, NOW)).expect("a version"))
        .collect();
    // Together, so that units that fail lie between others in one group.
    let units: Vec<_> = (0..60)
        .map(|n| {
            let document = documents[n % 3];
            opened.store.write(Lane::Bulk, move |tx| {
                let number = format!("PO-{}", n % 3 + 1);
                receive(tx, &order(&number, None, n + 2), n as i64 + 2, NOW)?;
                noted(tx, document)?;
                noted(tx, document)?;
                match n % 7 {
                    2 => Err(StoreError::Conflict("on purpose".to_owned())),
                    _ => receive(tx, &order(&number, None, n + 3), n as i64 + 100, NOW).map(drop),
                }
            })
        })
        .collect();
    for (n, unit) in units.into_iter().enumerate() {
        assert_eq!(wait(unit).is_err(), n % 7 == 2, "unit {n}");
    }
    assert_eq!(opened.store.verify_audit().expect("verified").broken_at, None);
    let rows = |id: DocumentId| -> Vec<i64> {
        let db = peek(&opened.path);
        let mut select = db
            .prepare("SELECT id FROM audit WHERE document_id = ?1 ORDER BY id DESC")
            .expect("a query");
        let ids = select.query_map([id.0], |row| row.get(0)).expect("rows");
        ids.collect::<Result<_, _>>().expect("ids")
    };
    for id in documents.iter().copied() {
        let all = rows(id);
        assert!(all.len() > 40, "{all:?}");
        for limit in [1, 7, 500] {
            assert_eq!(history(&opened, id, None, limit), all);
        }
        // Also from an entry that is another document's, or nobody's.
        for before in 0..all[0] + 2 {
            let older: Vec<i64> = all.iter().copied().filter(|entry| *entry < before).collect();
            assert_eq!(history(&opened, id, Some(before), 500), older, "before {before}");
        }
    }
    // What went into an archive is not missed.
    let kept: Vec<Vec<i64>> = documents.iter().map(|id| rows(*id)).collect();
    let to = kept[0][kept[0].len() / 2];
    write(&opened.store, move |tx| tx.forget(&Forget::Audit { to, most: 1_000 })).expect("cut");
    for (id, mut all) in documents.into_iter().zip(kept) {
        all.retain(|entry| *entry > to);
        assert_eq!(history(&opened, id, None, 7), all);
        assert_eq!(history(&opened, id, Some(to), 7), Vec::<i64>::new());
    }
}

#[test]
fn a_history_that_was_set_to_begin_elsewhere_is_found() {
    let opened = open();
    let documents = ["PO-1", "PO-2"].map(|number| {
        let order = order(number, None, 1);
        write(&opened.store, move |tx| receive(tx, &order, 1, NOW)).expect("received")
    });
    write(&opened.store, move |tx| {
        confirm(tx, documents[0], operation_id(1), VersionNumber(1), NOW)
    })
    .expect("confirmed");
    let newest = |id: DocumentId| {
        let sql = format!("SELECT history FROM document WHERE id = {}", id.0);
        count(&opened.path, &sql)
    };
    let (first, second) = (newest(documents[0]), newest(documents[1]));
    assert!(second < first);
    let set = |history: &str| {
        let sql = format!("UPDATE document SET history = {history} WHERE id = {}", documents[0].0);
        peek(&opened.path).execute(&sql, []).expect("past the program");
        let check = opened.store.verify_audit().expect("verified");
        (check.broken_at, check.how)
    };
    let own = "SELECT min(id) FROM audit WHERE document_id = (SELECT id FROM document WHERE number = 'PO-1')";
    let own = count(&opened.path, own);
    let after = |at: i64| {
        let sql = format!(
            "SELECT min(id) FROM audit WHERE document_id = {} AND id > {at}",
            documents[0].0
        );
        Some(count(&opened.path, &sql))
    };
    let unlinked = Some(AuditBreak::Unlinked);
    assert_eq!(set(&own.to_string()), (after(own), unlinked), "the newest hidden");
    assert_eq!(set("NULL"), (Some(own), unlinked), "all of it hidden");
    assert_eq!(set(&second.to_string()), (after(second), unlinked), "another's");
    assert_eq!(set(&(first + 1).to_string()), (Some(first + 1), unlinked), "nobody's");
    assert_eq!(set(&first.to_string()), (None, None), "as it was");
}
