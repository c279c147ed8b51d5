//! Payloads that could not become a version: one row per partner, stream and payload.

use super::journal::{AuditEntry, Counter};
use super::page::{self, Cursor};
use super::text::{Json, json};
use super::tx::{Tx, one_row};
use crate::domain::{CompanyId, ContentHash, DocumentId, PartnerId, Timestamp};
use crate::store::{
    ChangeKind, NewQuarantine, Page, Problem, QuarantineQuery, QuarantineRow, QuarantineSettled, QuarantineState,
    StoreError,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

const COLUMNS: &str =
    "id, company, partner, stream, kind, number, stage, problems, payload_id, state, runs, seen, received_at";

fn read(row: &Row<'_>) -> rusqlite::Result<QuarantineRow> {
    Ok(QuarantineRow {
        id: row.get(0)?,
        company: row.get(1)?,
        partner: row.get(2)?,
        stream: row.get(3)?,
        kind: row.get(4)?,
        number: row.get(5)?,
        stage: row.get(6)?,
        problems: row.get::<_, Json<Vec<Problem>>>(7)?.0,
        payload: row.get(8)?,
        state: row.get(9)?,
        runs: row.get(10)?,
        seen: row.get(11)?,
        received_at: row.get(12)?,
    })
}

pub fn one(db: &Connection, id: i64) -> Result<Option<QuarantineRow>, StoreError> {
    Ok(db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM quarantine WHERE id = ?1"))?
        .query_row([id], read)
        .optional()?)
}

/// The query's SQL. Newest first, each from an index that has its order.
pub fn list_sql(query: &QuarantineQuery) -> String {
    let index = match (&query.partner, query.state) {
        (None, None) => "quarantine_all",
        (None, Some(_)) => "quarantine_state",
        (Some(_), None) => "quarantine_partner",
        (Some(_), Some(_)) => "quarantine_partner_state",
    };
    let partner = if query.partner.is_some() {
        "AND partner = :partner"
    } else {
        ""
    };
    let state = if query.state.is_some() {
        "AND state = :state"
    } else {
        ""
    };
    format!(
        "SELECT {COLUMNS} FROM quarantine INDEXED BY {index}
         WHERE company = :company {partner} {state} AND id < :before ORDER BY id DESC LIMIT :limit"
    )
}

pub fn list(db: &Connection, query: &QuarantineQuery) -> Result<Page<QuarantineRow>, StoreError> {
    let before = match Cursor::read(query.cursor.as_deref(), 'q')? {
        Some(Cursor { id, .. }) => id,
        None => i64::MAX,
    };
    let limit = page::limit(query.limit);
    let mut params: Vec<(&str, &dyn ToSql)> =
        vec![(":company", &query.company), (":before", &before), (":limit", &limit)];
    if let Some(partner) = &query.partner {
        params.push((":partner", partner));
    }
    if let Some(state) = &query.state {
        params.push((":state", state));
    }
    let mut select = db.prepare_cached(&list_sql(query))?;
    let rows = select
        .query_map(params.as_slice(), read)?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(page::cut(rows, query.limit, |row| Cursor::new('q', "", row.id)))
}

pub fn put(tx: &mut Tx<'_>, item: &NewQuarantine<'_>) -> Result<i64, StoreError> {
    let hash = ContentHash::of(item.payload.bytes);
    let known: Option<(i64, QuarantineState)> = tx
        .db
        .prepare_cached(
            "SELECT id, state FROM quarantine
             WHERE company = ?1 AND partner = ?2 AND stream = ?3 AND payload_hash = ?4",
        )?
        .query_row((item.company, item.partner, item.stream, hash), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let id = match known {
        Some((id, state)) => seen_again(tx, item, id, state)?,
        None => insert(tx, item, hash)?,
    };
    tx.journal.change(ChangeKind::Quarantine, id.to_string(), None);
    Ok(id)
}

fn insert(tx: &mut Tx<'_>, item: &NewQuarantine<'_>, hash: ContentHash) -> Result<i64, StoreError> {
    tx.db
        .prepare_cached("INSERT INTO payload (media_type, bytes) VALUES (?1, ?2)")?
        .execute((item.payload.media_type, item.payload.bytes))?;
    let payload = tx.db.last_insert_rowid();
    tx.db
        .prepare_cached(
            "INSERT INTO quarantine
             (company, partner, stream, kind, number, stage, problems, payload_id, payload_hash, state, received_at,
              updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
        )?
        .execute(rusqlite::params![
            item.company,
            item.partner,
            item.stream,
            item.kind,
            item.number,
            item.stage,
            json(item.problems)?,
            payload,
            hash,
            QuarantineState::Open,
            item.at,
        ])?;
    let id = tx.db.last_insert_rowid();
    tx.journal.count(item.company, Counter::Quarantine, 1);
    let detail = serde_json::json!({
        "quarantine": id, "stream": item.stream, "stage": item.stage, "number": item.number, "problems": item.problems.len(),
    });
    audit(
        tx,
        (item.company, item.partner),
        "quarantine",
        &format!("partner:{}", item.partner),
        item.at,
        &detail,
        None,
    )?;
    Ok(id)
}

/// The same payload came again: counted. What a person dismissed stays dismissed; what had become a version and fails
/// now is open again. It does not get old as long as it
/// comes.
fn seen_again(tx: &mut Tx<'_>, item: &NewQuarantine<'_>, id: i64, was: QuarantineState) -> Result<i64, StoreError> {
    let state = match was {
        QuarantineState::Open | QuarantineState::Resolved => QuarantineState::Open,
        QuarantineState::Dismissed => QuarantineState::Dismissed,
    };
    let changed = tx
        .db
        .prepare_cached(
            "UPDATE quarantine SET seen = seen + 1, state = ?2, stage = ?3, problems = ?4, number = ?5, updated_at = ?6
             WHERE id = ?1",
        )?
        .execute((id, state, item.stage, json(item.problems)?, item.number, item.at))?;
    one_row(changed, "quarantined payload", id)?;
    if was == QuarantineState::Resolved {
        tx.journal.count(item.company, Counter::Quarantine, 1);
    }
    Ok(id)
}

pub fn settle(tx: &mut Tx<'_>, id: i64, how: &QuarantineSettled, actor: &str, at: Timestamp) -> Result<(), StoreError> {
    let row = one(tx.db, id)?.ok_or_else(|| StoreError::NotFound {
        what: "quarantined payload",
        id: id.to_string(),
    })?;
    if row.state != QuarantineState::Open {
        return Err(StoreError::Conflict(format!(
            "the quarantined payload {id} is not open any more: it is {:?}",
            row.state
        )));
    }
    let (state, document, action) = match how {
        QuarantineSettled::Resolved(document) => (QuarantineState::Resolved, Some(*document), "quarantine-resolved"),
        QuarantineSettled::Dismissed => (QuarantineState::Dismissed, None, "quarantine-dismissed"),
        QuarantineSettled::StillWrong { .. } => (QuarantineState::Open, None, "quarantine-retried"),
    };
    let changed = match how {
        QuarantineSettled::Resolved(_) | QuarantineSettled::Dismissed => tx
            .db
            .prepare_cached(
                "UPDATE quarantine SET state = ?2, document_id = ?3, updated_at = ?4,
                 runs = runs + (?2 = 'Resolved') WHERE id = ?1 AND state = 'Open'",
            )?
            .execute((id, state, document, at))?,
        QuarantineSettled::StillWrong { stage, problems } => tx
            .db
            .prepare_cached(
                "UPDATE quarantine SET stage = ?2, problems = ?3, runs = runs + 1 WHERE id = ?1 AND state = 'Open'",
            )?
            .execute((id, stage, json(problems)?))?,
    };
    one_row(changed, "quarantined payload", id)?;
    if state != QuarantineState::Open {
        tx.journal.count(&row.company, Counter::Quarantine, -1);
    }
    tx.journal.change(ChangeKind::Quarantine, id.to_string(), document);
    let detail = serde_json::json!({"quarantine": id, "number": row.number});
    audit(tx, (&row.company, &row.partner), action, actor, at, &detail, document)
}

fn audit(
    tx: &mut Tx<'_>,
    (company, partner): (&CompanyId, &PartnerId),
    action: &str,
    actor: &str,
    at: Timestamp,
    detail: &serde_json::Value,
    document: Option<DocumentId>,
) -> Result<(), StoreError> {
    tx.audit(AuditEntry {
        at,
        company: company.clone(),
        partner: Some(partner.clone()),
        actor: actor.to_owned(),
        action: action.to_owned(),
        document,
        detail: json(detail)?,
    })
}
