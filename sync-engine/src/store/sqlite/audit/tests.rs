//! Ten thousand ways to touch the trail, each found. Whoever reckons the whole chain anew, its end included, is not:
//! against that stands the copy of the end that lies in each backup and archive.

use super::super::journal::AuditEntry;
use super::*;
use crate::domain::{CompanyId, DocumentId, PartnerId, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const ROWS: i64 = 48;
const CHANGES: u64 = 10_000;

fn trail() -> (Connection, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = super::super::open::open_writer(&folder.path().join("audit.db")).expect("a new database");
    let entries: Vec<Placed> = (0..ROWS)
        .map(|n| Placed {
            id: n + 1,
            earlier: (n % 4 > 1).then_some(n),
            entry: AuditEntry {
                at: Timestamp(1_800_000_000_000 + n * 1_000),
                company: CompanyId("main".to_owned()),
                partner: (n % 3 > 0).then(|| PartnerId("acme".to_owned())),
                actor: format!("user:{}", n % 5),
                action: ["version", "confirm", "delivered"][n as usize % 3].to_owned(),
                document: (n % 4 > 0).then_some(DocumentId(n / 4)),
                detail: format!("{{\"n\":{n}}}"),
            },
        })
        .collect();
    append(&db, &entries).expect("appended");
    db.execute_batch(
        "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DROP TRIGGER audit_no_replace;
         PRAGMA ignore_check_constraints = 1",
    )
    .expect("past the triggers and the constraints");
    (db, folder)
}

/// One change to the trail, and what it is called. A change that leaves every row as it was is drawn again.
fn change(db: &Connection, dice: &mut StdRng) -> String {
    let id = dice.random_range(1..=ROWS);
    let other = loop {
        let other = dice.random_range(1..=ROWS);
        if other != id {
            break other;
        }
    };
    let fresh: u32 = dice.random();
    let columns = ["actor", "action", "company", "detail"];
    let column = columns[dice.random_range(0..columns.len())];
    let sql = match dice.random_range(0..12) {
        0 | 1 => format!("UPDATE audit SET {column} = {column} || '{fresh}' WHERE id = {id}"),
        2 => format!("UPDATE audit SET {column} = substr({column}, 2) WHERE id = {id}"),
        3 => format!("UPDATE audit SET at = at + 1 + {} WHERE id = {id}", fresh % 86_400_000),
        4 => format!("UPDATE audit SET document_id = coalesce(document_id + 1, {fresh}) WHERE id = {id}"),
        5 => format!("UPDATE audit SET partner = CASE WHEN partner IS NULL THEN '' END WHERE id = {id}"),
        6 => format!("UPDATE audit SET hash = randomblob(32) WHERE id = {id}"),
        7 => format!("DELETE FROM audit WHERE id = {id}"),
        8 => {
            let (from, to) = (id.min(other), id.max(other));
            format!("DELETE FROM audit WHERE id BETWEEN {from} AND {to}")
        }
        9 => format!(
            "UPDATE audit SET id = -id WHERE id IN ({id}, {other});
             UPDATE audit SET id = CASE id WHEN -{id} THEN {other} ELSE {id} END WHERE id < 0"
        ),
        10 => format!("UPDATE audit SET earlier = CASE WHEN earlier IS NULL THEN id - 1 END WHERE id = {id}"),
        _ => format!(
            "INSERT INTO audit SELECT {new}, at, company, partner, actor, action, document_id, earlier, detail, hash
             FROM audit WHERE id = {id}",
            new = ROWS + 1
        ),
    };
    db.execute_batch(&sql).expect(&sql);
    sql
}

#[test]
fn ten_thousand_altered_removed_or_reordered_rows_are_all_found() {
    let (db, _folder) = trail();
    assert_eq!(verify(&db).expect("verified").broken_at, None);
    let mut dice = StdRng::seed_from_u64(2027);
    for number in 0..CHANGES {
        db.execute_batch("SAVEPOINT untouched").expect("begun");
        let sql = change(&db, &mut dice);
        let check = verify(&db).unwrap_or_else(|e| panic!("number {number}: {sql}: {e}"));
        assert!(check.broken_at.is_some(), "number {number} is not found: {sql}");
        db.execute_batch("ROLLBACK TO untouched; RELEASE untouched")
            .expect("undone");
    }
    assert_eq!(verify(&db).expect("verified").broken_at, None);
}

#[test]
fn a_row_that_is_reckoned_anew_is_found_at_the_next() {
    let (db, _folder) = trail();
    for id in 1..=ROWS {
        db.execute_batch("SAVEPOINT untouched").expect("begun");
        db.execute("UPDATE audit SET actor = 'user:eve' WHERE id = ?1", [id])
            .expect("altered");
        let before: Hash = match id {
            1 => [0; 32],
            _ => db
                .query_row("SELECT hash FROM audit WHERE id = ?1", [id - 1], |row| row.get(0))
                .expect("a hash"),
        };
        let hash = db
            .query_row(
                "SELECT at, company, partner, action, document_id, detail, earlier FROM audit WHERE id = ?1",
                [id],
                |row| {
                    let (company, partner): (String, Option<String>) = (row.get(1)?, row.get(2)?);
                    let (action, detail): (String, String) = (row.get(3)?, row.get(5)?);
                    let fields = Fields {
                        id,
                        at: row.get(0)?,
                        company: &company,
                        partner: partner.as_deref(),
                        actor: "user:eve",
                        action: &action,
                        document: row.get(4)?,
                        earlier: row.get(6)?,
                        detail: &detail,
                    };
                    Ok(fields.hash(&before))
                },
            )
            .expect("a row");
        db.execute("UPDATE audit SET hash = ?2 WHERE id = ?1", (id, hash))
            .expect("reckoned");
        assert_eq!(verify(&db).expect("verified").broken_at, Some(id + 1), "row {id}");
        db.execute_batch("ROLLBACK TO untouched; RELEASE untouched")
            .expect("undone");
    }
}
