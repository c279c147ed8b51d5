//! What is old and settled, and how it leaves the database once an archive holds it.

use super::archive::{Row, row_of};
use super::audit;
use super::journal::{Counter, WordsChange};
use super::tx::{Tx, one_row};
use crate::domain::{CompanyId, DeliveryState, DocumentId, Timestamp};
use crate::store::{ArchiveQuery, ChangeKind, Forget, StoreError};
use rusqlite::{Connection, OptionalExtension};

/// Most of one archive: what is written in some seconds.
const DOCUMENTS: u32 = 2_000;
const QUARANTINE: u32 = 2_000;
const AUDIT: u32 = 50_000;

/// Nothing of it is to be done, by us or by the partner: cancelled, rejected, closed, or confirmed and its last
/// day is over. A delivery note says what of its orders was delivered: it goes after them.
const SETTLED: &str = "d.needs_answer = 0 AND d.in_delivery = 0 AND d.updated_at < :before
    AND (d.state IN ('Cancelled', 'Rejected', 'Closed')
         OR (d.state = 'Confirmed' AND (d.last_day < :day OR d.last_day = '~')))
    AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.document_id = d.id
                    AND (o.due_at IS NOT NULL OR o.lease_until IS NOT NULL))
    AND NOT EXISTS (SELECT 1 FROM note_of_order n JOIN document o ON o.company = n.company AND o.partner = n.partner
                    AND o.kind = 'Order' AND o.number = n.order_number WHERE n.document_id = d.id)";

#[derive(Debug, Default)]
pub struct Settled {
    pub documents: Vec<(DocumentId, Timestamp)>,
    pub quarantine: Vec<(i64, Timestamp)>,
    pub audit_to: Option<i64>,
}

impl Settled {
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.quarantine.is_empty() && self.audit_to.is_none()
    }
}

/// In the order in which they were settled, from a place on.
pub fn documents_sql() -> String {
    format!(
        "SELECT d.id, d.updated_at FROM document d INDEXED BY document_all
         WHERE d.company = :company AND (d.updated_at, d.id) > (:at, :id) AND {SETTLED}
         ORDER BY d.updated_at, d.id LIMIT {DOCUMENTS}"
    )
}

pub fn quarantine_sql() -> String {
    format!(
        "SELECT id, updated_at FROM quarantine INDEXED BY quarantine_all
         WHERE company = ?1 AND id > ?2 AND state IN ('Resolved', 'Dismissed') AND updated_at < ?3
         ORDER BY id LIMIT {QUARANTINE}"
    )
}

/// Up to the first row that is younger, or another company's, which keeps its rows as long as it wants: the trail is one
/// chain, and cut at one place.
pub fn audit_sql() -> String {
    format!(
        "WITH oldest AS MATERIALIZED (SELECT id, at, company FROM audit ORDER BY id LIMIT {AUDIT})
         SELECT max(id) FROM oldest
         WHERE id < coalesce((SELECT min(id) FROM oldest WHERE at >= ?1 OR company <> ?2), {})",
        i64::MAX
    )
}

/// The oldest of what is settled.
pub fn settled(db: &Connection, query: &ArchiveQuery) -> Result<Settled, StoreError> {
    let ArchiveQuery { company, before, after } = query;
    let (at, id) = after.document.unwrap_or((Timestamp(i64::MIN), DocumentId(0)));
    let day = before.date().to_string();
    let params = rusqlite::named_params! {":company": company, ":at": at, ":id": id, ":before": before, ":day": day};
    let mut documents = db.prepare(&documents_sql())?;
    let documents = documents
        .query_map(params, |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut quarantine = db.prepare(&quarantine_sql())?;
    let quarantine = quarantine
        .query_map((company, after.quarantine, before), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<_, _>>()?;
    let audit_to = db.query_row(&audit_sql(), (before, company), |row| row.get(0))?;
    Ok(Settled {
        documents,
        quarantine,
        audit_to,
    })
}

/// Tables of a document with the condition that finds its rows, in the order that they can be put in.
pub const OF_DOCUMENT: [(&str, &str); 11] = [
    ("document", "id = ?1"),
    (
        "payload",
        "id IN (SELECT payload_id FROM version WHERE document_id = ?1
                UNION SELECT payload_id FROM received_answer WHERE document_id = ?1)",
    ),
    ("version", "document_id = ?1"),
    (
        "version_content",
        "version_id IN (SELECT id FROM version WHERE document_id = ?1)",
    ),
    ("note_of_order", "document_id = ?1"),
    ("received_answer", "document_id = ?1"),
    ("operation", "document_id = ?1"),
    ("operation_answer", OF_OPERATION),
    ("operation_marks", OF_OPERATION),
    ("request", OF_OPERATION),
    ("attempt", OF_OPERATION),
];
const OF_OPERATION: &str = "operation_seq IN (SELECT seq FROM operation WHERE document_id = ?1)";

/// Hands over every row of what was found, with its table.
pub fn each_row(
    db: &Connection,
    found: &Settled,
    each: &mut dyn FnMut(&str, Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for (document, _) in &found.documents {
        for (table, condition) in OF_DOCUMENT {
            rows(db, table, condition, document.0, each)?;
        }
    }
    for (id, _) in &found.quarantine {
        rows(
            db,
            "payload",
            "id IN (SELECT payload_id FROM quarantine WHERE id = ?1)",
            *id,
            each,
        )?;
        rows(db, "quarantine", "id = ?1", *id, each)?;
    }
    match found.audit_to {
        Some(to) => rows(db, "audit", "id <= ?1 ORDER BY id", to, each),
        None => Ok(()),
    }
}

fn rows(
    db: &Connection,
    table: &str,
    condition: &str,
    id: i64,
    each: &mut dyn FnMut(&str, Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut select = db.prepare_cached(&format!("SELECT * FROM {table} WHERE {condition}"))?;
    let names: Vec<String> = select.column_names().map(str::to_owned).collect();
    let mut rows = select.query([id])?;
    while let Some(row) = rows.next()? {
        each(table, row_of(row, &names)?)?;
    }
    Ok(())
}

/// Deletes a batch; how many there were. What changed since it was archived stays.
pub fn forget(tx: &mut Tx<'_>, batch: &Forget) -> Result<usize, StoreError> {
    match batch {
        Forget::Documents(documents) => {
            let mut gone = 0;
            for (id, updated_at) in documents {
                gone += usize::from(document(tx, *id, *updated_at)?);
            }
            Ok(gone)
        }
        Forget::Quarantine(items) => {
            let mut gone = 0;
            for (id, updated_at) in items {
                gone += usize::from(quarantine(tx, *id, *updated_at)?);
            }
            Ok(gone)
        }
        Forget::Audit { to, most } => audit::cut(tx.db, *to, *most),
    }
}

fn document(tx: &mut Tx<'_>, id: DocumentId, updated_at: Timestamp) -> Result<bool, StoreError> {
    let (before, day) = (Timestamp(updated_at.0 + 1), "~");
    let found: Option<(CompanyId, i64)> = tx
        .db
        .prepare_cached(&format!(
            "SELECT d.company, d.current_version FROM document d WHERE d.id = :id AND d.updated_at = :at AND {SETTLED}"
        ))?
        .query_row(
            rusqlite::named_params! {":id": id, ":at": updated_at, ":before": before, ":day": day},
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((company, current)) = found else {
        return Ok(false);
    };
    tx.forget();
    let states: Vec<(DeliveryState, i64)> = tx
        .db
        .prepare_cached("SELECT state, count(*) FROM operation WHERE document_id = ?1 GROUP BY state")?
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let payloads: Vec<i64> = tx
        .db
        .prepare_cached(
            "SELECT payload_id FROM version WHERE document_id = ?1
             UNION SELECT payload_id FROM received_answer WHERE document_id = ?1",
        )?
        .query_map([id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    tx.db
        .prepare_cached("UPDATE quarantine SET document_id = NULL WHERE document_id = ?1")?
        .execute([id])?;
    for (table, condition) in OF_DOCUMENT.iter().rev().filter(|(table, _)| *table != "payload") {
        let mut delete = tx
            .db
            .prepare_cached(&format!("DELETE FROM {table} WHERE {condition}"))?;
        let gone = delete.execute([id])?;
        if *table == "document" {
            one_row(gone, "document", id)?;
        }
    }
    for payload in payloads {
        let gone = tx
            .db
            .prepare_cached("DELETE FROM payload WHERE id = ?1")?
            .execute([payload])?;
        one_row(gone, "payload", payload)?;
    }
    tx.journal.words(WordsChange::Remove { version: current });
    tx.journal.count(&company, Counter::Documents, -1);
    for (state, count) in states {
        tx.journal.count(&company, Counter::Delivery(state), -count);
    }
    tx.journal.change(ChangeKind::Document, id.to_string(), Some(id));
    Ok(true)
}

fn quarantine(tx: &mut Tx<'_>, id: i64, updated_at: Timestamp) -> Result<bool, StoreError> {
    let payload: Option<i64> = tx
        .db
        .prepare_cached(
            "DELETE FROM quarantine WHERE id = ?1 AND updated_at = ?2 AND state IN ('Resolved', 'Dismissed')
             RETURNING payload_id",
        )?
        .query_row((id, updated_at), |row| row.get(0))
        .optional()?;
    let Some(payload) = payload else { return Ok(false) };
    let gone = tx
        .db
        .prepare_cached("DELETE FROM payload WHERE id = ?1")?
        .execute([payload])?;
    one_row(gone, "payload", payload)?;
    tx.journal.change(ChangeKind::Quarantine, id.to_string(), None);
    Ok(true)
}
