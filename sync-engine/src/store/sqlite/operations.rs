//! Reads operations, their attempts, and when the next one is due.

use super::page::{self, Cursor};
use super::text::Json;
use crate::domain::{CompanyId, DeliveryState, OperationId, PartnerId, Timestamp};
use crate::store::{AttemptRow, OperationError, OperationQuery, OperationRow, Page, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

const COLUMNS: &str =
    "o.id, o.company, o.partner, o.document_id, d.kind, d.number, o.version, o.kind, a.answer, o.state,
    o.attempts, o.due_at, o.last_error, o.created_at, o.updated_at, o.actor, o.seq, o.replay_of, o.replayed_as";
const JOINS: &str = "JOIN document d ON d.id = o.document_id JOIN operation_answer a ON a.operation_seq = o.seq";

fn read(row: &Row<'_>) -> rusqlite::Result<OperationRow> {
    Ok(OperationRow {
        id: row.get(0)?,
        company: row.get(1)?,
        partner: row.get(2)?,
        document: row.get(3)?,
        document_kind: row.get(4)?,
        document_number: row.get(5)?,
        version: row.get(6)?,
        kind: row.get(7)?,
        answer: row.get::<_, Json<serde_json::Value>>(8)?.0,
        state: row.get(9)?,
        attempts: row.get(10)?,
        due_at: row.get(11)?,
        last_error: row.get::<_, Option<Json<OperationError>>>(12)?.map(|json| json.0),
        created_at: row.get(13)?,
        updated_at: row.get(14)?,
        actor: row.get(15)?,
        replay_of: row.get(17)?,
        replayed_as: row.get(18)?,
    })
}

pub fn one(db: &Connection, id: OperationId) -> Result<Option<OperationRow>, StoreError> {
    Ok(db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM operation o {JOINS} WHERE o.id = ?1"))?
        .query_row([id], read)
        .optional()?)
}

/// The SQL for one state, or for all. Newest first, each from an index that has its order; those in flight are few and
/// are sorted: an index of theirs would be written twice for every attempt.
pub fn list_sql(query: &OperationQuery, state: Option<DeliveryState>) -> String {
    let index = match (&query.document, state, &query.partner) {
        (Some(_), _, _) => "INDEXED BY operation_document",
        (None, Some(DeliveryState::Sending), _) => "INDEXED BY operation_in_flight",
        (None, Some(_), _) => "INDEXED BY operation_state",
        (None, None, Some(_)) => "INDEXED BY operation_partner",
        (None, None, None) => "NOT INDEXED",
    };
    let (in_flight, at_rest) = match state {
        Some(DeliveryState::Sending) => (true, false),
        Some(_) => (false, true),
        None => (false, false),
    };
    let mut filters = String::new();
    for (present, filter) in [
        (query.company.is_some(), " AND o.company = :company"),
        (query.partner.is_some(), " AND o.partner = :partner"),
        (query.document.is_some(), " AND o.document_id = :document"),
        (state.is_some(), " AND o.state = :state"),
        (in_flight, " AND o.lease_until IS NOT NULL"),
        (at_rest, " AND o.state <> 'Sending'"),
        (query.kind.is_some(), " AND o.kind = :kind"),
        (query.error.is_some(), " AND o.last_error ->> '$.code' = :error"),
        (query.since.is_some(), " AND o.updated_at >= :since"),
    ] {
        if present {
            filters.push_str(filter);
        }
    }
    format!(
        "SELECT {COLUMNS} FROM operation o {index} {JOINS}
         WHERE o.seq < :before{filters} ORDER BY o.seq DESC LIMIT :limit"
    )
}

pub fn list(db: &Connection, query: &OperationQuery) -> Result<Page<OperationRow>, StoreError> {
    let before = match Cursor::read(query.cursor.as_deref(), 'o')? {
        Some(cursor) => cursor.id,
        None => i64::MAX,
    };
    let mut states = query.states.clone();
    states.sort_unstable();
    states.dedup();
    let mut rows = Vec::new();
    if states.is_empty() {
        rows = part(db, query, None, before)?;
    } else {
        // One walk per state and a merge here: cheaper than a sort of all of them in SQL.
        for state in states {
            rows.extend(part(db, query, Some(state), before)?);
        }
        rows.sort_unstable_by_key(|(_, seq)| std::cmp::Reverse(*seq));
        rows.truncate(page::limit(query.limit) as usize);
    }
    let page = page::cut(rows, query.limit, |(_, seq)| Cursor::new('o', "", *seq));
    Ok(Page {
        items: page.items.into_iter().map(|(row, _)| row).collect(),
        next: page.next,
    })
}

fn part(
    db: &Connection,
    query: &OperationQuery,
    state: Option<DeliveryState>,
    before: i64,
) -> Result<Vec<(OperationRow, i64)>, StoreError> {
    let limit = page::limit(query.limit);
    let mut params: Vec<(&str, &dyn ToSql)> = vec![(":before", &before), (":limit", &limit)];
    if let Some(company) = &query.company {
        params.push((":company", company));
    }
    if let Some(partner) = &query.partner {
        params.push((":partner", partner));
    }
    if let Some(document) = &query.document {
        params.push((":document", document));
    }
    if let Some(kind) = &query.kind {
        params.push((":kind", kind));
    }
    if let Some(error) = &query.error {
        params.push((":error", error));
    }
    if let Some(since) = &query.since {
        params.push((":since", since));
    }
    if let Some(state) = &state {
        params.push((":state", state));
    }
    let mut select = db.prepare_cached(&list_sql(query, state))?;
    let rows = select.query_map(params.as_slice(), |row| Ok((read(row)?, row.get(16)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn attempts(db: &Connection, id: OperationId) -> Result<Vec<AttemptRow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT t.number, t.step, t.started_at, t.ended_at - t.started_at, t.status, t.result, t.error,
                t.response_excerpt
         FROM operation o JOIN attempt t ON t.operation_seq = o.seq WHERE o.id = ?1 ORDER BY t.number",
    )?;
    let rows = select.query_map([id], |row| {
        Ok(AttemptRow {
            number: row.get(0)?,
            step: row.get(1)?,
            started_at: row.get(2)?,
            duration_ms: row.get(3)?,
            status: row.get(4)?,
            result: row.get(5)?,
            error: row.get::<_, Option<Json<OperationError>>>(6)?.map(|json| json.0),
            response_excerpt: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub const NEXT_LEASE: &str =
    "SELECT min(lease_until) FROM operation INDEXED BY operation_in_flight WHERE lease_until IS NOT NULL";
pub const NEXT_DUE: &str = "SELECT company, partner, due_at FROM operation INDEXED BY operation_ready
         WHERE ready = 1 AND (company, partner) > (?1, ?2) ORDER BY company, partner, due_at LIMIT 1";

/// The earliest of what is due next with any partner and the first lease to run out: one index step per partner.
pub fn next_due(db: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let mut earliest: Option<Timestamp> = db.prepare_cached(NEXT_LEASE)?.query_row([], |row| row.get(0))?;
    let mut next_partner = db.prepare_cached(NEXT_DUE)?;
    let (mut company, mut partner) = (CompanyId(String::new()), PartnerId(String::new()));
    loop {
        let found: Option<(CompanyId, PartnerId, Timestamp)> = next_partner
            .query_row((&company, &partner), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((next_company, next, due)) = found else {
            return Ok(earliest);
        };
        earliest = Some(earliest.map_or(due, |known| known.min(due)));
        (company, partner) = (next_company, next);
    }
}
