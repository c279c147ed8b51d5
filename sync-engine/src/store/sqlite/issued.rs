//! What is kept of documents that we issue: the partner's name for them, its answers, their orders, and the way back.

use super::text::{Json, json};
use super::tx::{Tx, one_row};
use crate::domain::{CanonicalDocument, CompanyId, DocumentId, OperationId, PartnerId, VersionNumber};
use crate::store::{ApplyChange, Marks, NewReceivedAnswer, ReceivedAnswer, StoreError};
use rusqlite::{Connection, OptionalExtension};

/// The orders that a delivery note's version has lines of.
pub fn note_orders(
    tx: &Tx<'_>,
    change: &ApplyChange<'_>,
    document: DocumentId,
    content: &CanonicalDocument,
) -> Result<(), StoreError> {
    let CanonicalDocument::DespatchAdvice(note) = content else {
        return Ok(());
    };
    let mut last = None;
    for line in &note.lines {
        // Lines of one order mostly follow each other.
        if last.replace(&line.order_number) == Some(&line.order_number) {
            continue;
        }
        tx.db
            .prepare_cached(
                "INSERT OR IGNORE INTO note_of_order (company, partner, order_number, document_id)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((&change.key.company, &change.key.partner, &line.order_number, document))?;
    }
    Ok(())
}

pub fn notes_of_order(
    db: &Connection,
    company: &CompanyId,
    partner: &PartnerId,
    order_number: &str,
) -> Result<Vec<DocumentId>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT document_id FROM note_of_order WHERE company = ?1 AND partner = ?2 AND order_number = ?3
         ORDER BY document_id",
    )?;
    let rows = select.query_map((company, partner, order_number), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn set_partner_ref(
    tx: &mut Tx<'_>,
    id: DocumentId,
    number: VersionNumber,
    partner_ref: &serde_json::Value,
) -> Result<(), StoreError> {
    let changed = tx
        .db
        .prepare_cached(
            "UPDATE version_content SET partner_ref = ?3
             WHERE version_id = (SELECT id FROM version WHERE document_id = ?1 AND number = ?2)",
        )?
        .execute((id, number, json(partner_ref)?))?;
    one_row(changed, "version", number)
}

pub fn keep_received_answer(tx: &mut Tx<'_>, new: &NewReceivedAnswer<'_>) -> Result<bool, StoreError> {
    let known: bool = tx
        .db
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM received_answer WHERE document_id = ?1 AND hash = ?2)")?
        .query_row((new.document, new.hash), |row| row.get(0))?;
    if known {
        return Ok(false);
    }
    tx.db
        .prepare_cached("INSERT INTO payload (media_type, bytes) VALUES (?1, ?2)")?
        .execute((new.payload.media_type, new.payload.bytes))?;
    let payload = tx.db.last_insert_rowid();
    tx.db
        .prepare_cached(
            "INSERT INTO received_answer (document_id, version, code, hash, answer, payload_id, stale, received_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            new.document,
            new.version,
            new.code,
            new.hash,
            json(new.answer)?,
            payload,
            new.stale,
            new.at,
        ))?;
    Ok(true)
}

pub fn received_answers(db: &Connection, id: DocumentId, limit: u32) -> Result<Vec<ReceivedAnswer>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT version, code, answer, payload_id, stale, received_at FROM received_answer
         WHERE document_id = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let rows = select.query_map((id, limit), |row| {
        Ok(ReceivedAnswer {
            version: row.get(0)?,
            code: row.get(1)?,
            answer: row.get::<_, Json<serde_json::Value>>(2)?.0,
            payload: row.get(3)?,
            stale: row.get(4)?,
            received_at: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn keep_marks(tx: &mut Tx<'_>, id: OperationId, marks: &Marks) -> Result<(), StoreError> {
    let changed = tx
        .db
        .prepare_cached(
            "INSERT OR REPLACE INTO operation_marks (operation_seq, marks)
             SELECT seq, ?2 FROM operation WHERE id = ?1",
        )?
        .execute((id, json(marks)?))?;
    one_row(changed, "operation", id)
}

pub fn take_marks(tx: &mut Tx<'_>, id: OperationId) -> Result<Option<Marks>, StoreError> {
    let found: Option<Json<Marks>> = tx
        .db
        .prepare_cached(
            "DELETE FROM operation_marks WHERE operation_seq = (SELECT seq FROM operation WHERE id = ?1)
             RETURNING marks",
        )?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(found.map(|json| json.0))
}
