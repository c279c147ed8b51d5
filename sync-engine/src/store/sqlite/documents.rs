//! Reads documents: lists by keyset, heads, versions, payloads, history.

use super::facts::NO_DAY;
use super::page::{self, Cursor};
use super::search;
use super::text::{Json, Words};
use crate::domain::{ChainState, CompanyId, Currency, Date, DocumentId, DocumentKind, Money, PartnerId, VersionNumber};
use crate::store::{
    AuditRow, DocumentQuery, DocumentRow, DocumentView, OperationBrief, Page, Payload, PayloadId, StoreError,
    VersionContent, VersionRow,
};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

pub const COLUMNS: &str = "d.id, d.company, d.partner, d.kind, d.side, d.number, d.counterparty, d.state, d.current,
    d.current_state, d.current_purpose, d.agreed, d.needs_answer, d.promised_key, d.answer_due, d.line_count,
    d.total_minor, d.total_currency, d.change_summary, d.conflict, d.gap, o.id, o.kind, o.version, o.state,
    d.updated_at, d.doubtful";

pub fn read(row: &Row<'_>) -> rusqlite::Result<DocumentRow> {
    let promised: String = row.get(13)?;
    let promised_on: Option<Date> = match promised.as_str() {
        NO_DAY => None,
        day => Some(day.parse().map_err(|e| bad_column(13, e))?),
    };
    let operation = match row.get(21)? {
        None => None,
        Some(id) => Some(OperationBrief {
            id,
            kind: row.get(22)?,
            version: row.get(23)?,
            state: row.get(24)?,
        }),
    };
    Ok(DocumentRow {
        id: row.get(0)?,
        company: row.get(1)?,
        partner: row.get(2)?,
        kind: row.get(3)?,
        side: row.get(4)?,
        number: row.get(5)?,
        counterparty: row.get(6)?,
        state: row.get(7)?,
        current: row.get(8)?,
        current_state: row.get(9)?,
        current_purpose: row.get(10)?,
        agreed: row.get(11)?,
        needs_answer: row.get(12)?,
        promised_on,
        answer_due: row.get(14)?,
        line_count: row.get(15)?,
        total: total(row)?,
        change_summary: row.get(18)?,
        conflict: row.get(19)?,
        gap: row.get(20)?,
        doubtful: row.get(26)?,
        operation,
        updated_at: row.get(25)?,
    })
}

fn total(row: &Row<'_>) -> rusqlite::Result<Option<Money>> {
    let (Some(minor), Some(currency)) = (row.get(16)?, row.get::<_, Option<String>>(17)?) else {
        return Ok(None);
    };
    let currency =
        Currency::parse(&currency).map_err(|e| rusqlite::Error::FromSqlConversionFailure(17, Type::Text, e.into()))?;
    Ok(Some(Money { minor, currency }))
}

fn bad_column(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

/// How a list is walked: the index that has its order, its condition, its sort key.
struct Walk {
    index: &'static str,
    condition: &'static str,
    key: &'static str,
    descending: bool,
    tag: char,
}

const BY_STATE: &str = "document_all_state";

/// The index carries the order and the most selective filter; the others are checked row by row.
fn walk(query: &DocumentQuery) -> Walk {
    let by_change = |index, condition| Walk {
        index,
        condition,
        key: "updated_at",
        descending: true,
        tag: 'u',
    };
    match query.view {
        DocumentView::NeedsAnswer => Walk {
            index: if query.doubtful {
                "document_needs_answer_doubtful"
            } else if query.partner.is_some() {
                "document_needs_answer_partner"
            } else {
                "document_needs_answer"
            },
            condition: "AND d.needs_answer = 1",
            key: "promised_key",
            descending: false,
            tag: 'p',
        },
        DocumentView::InDelivery => by_change("document_in_delivery", "AND d.in_delivery > 0"),
        DocumentView::All if query.doubtful => by_change("document_all_doubtful", ""),
        DocumentView::All => {
            let index = match (&query.partner, query.state, query.kind) {
                (Some(_), _, _) => "document_all_partner",
                (None, Some(_), _) | (None, None, Some(_)) => BY_STATE,
                (None, None, None) => "document_all",
            };
            by_change(index, "")
        }
    }
}

pub fn filters(query: &DocumentQuery) -> String {
    let mut sql = String::new();
    if query.partner.is_some() {
        sql.push_str(" AND d.partner = :partner");
    }
    if query.kind.is_some() {
        sql.push_str(" AND d.kind = :kind");
    }
    if query.state.is_some() {
        sql.push_str(" AND d.state = :state");
    }
    if query.doubtful {
        sql.push_str(" AND d.doubtful = 1");
    }
    sql
}

pub fn filter_params<'a>(query: &'a DocumentQuery, params: &mut Vec<(&'static str, &'a dyn ToSql)>) {
    params.push((":company", &query.company));
    if let Some(partner) = &query.partner {
        params.push((":partner", partner));
    }
    if let Some(kind) = &query.kind {
        params.push((":kind", kind));
    }
    if let Some(state) = &query.state {
        params.push((":state", state));
    }
}

/// Conditions that a walk has to meet besides, so that the index has its order: one walk for each, side by side.
fn places(query: &DocumentQuery, index: &str) -> Vec<String> {
    let each = |column: &str, words: &[&str]| words.iter().map(|word| format!("AND d.{column} = '{word}'")).collect();
    match (query.state, query.kind) {
        (Some(_), None) if index == BY_STATE => each("kind", DocumentKind::WORDS),
        (None, Some(_)) if index == BY_STATE => each("state", ChainState::WORDS),
        _ => vec![String::new()],
    }
}

/// The SQL of a list without a search; `after` when it continues from a cursor.
pub fn list_sql(query: &DocumentQuery, after: bool) -> String {
    let Walk {
        index,
        condition,
        key,
        descending,
        ..
    } = walk(query);
    let (compare, order) = if descending { ("<", "DESC") } else { (">", "ASC") };
    let keyset = if after {
        format!("AND (d.{key}, d.id) {compare} (:key, :id)")
    } else {
        String::new()
    };
    let filters = filters(query);
    let walks: Vec<String> = places(query, index)
        .into_iter()
        .map(|place| {
            format!(
                "SELECT {COLUMNS} FROM document d INDEXED BY {index} LEFT JOIN operation o ON o.seq = d.operation
                 WHERE d.company = :company {condition}{filters} {place} {keyset}"
            )
        })
        .collect();
    format!(
        "{} ORDER BY d.{key} {order}, d.id {order} LIMIT :limit",
        walks.join(" UNION ALL ")
    )
}

pub fn list(db: &Connection, query: &DocumentQuery) -> Result<Page<DocumentRow>, StoreError> {
    match query.search.as_deref().map(str::trim) {
        Some(typed) if !typed.is_empty() => search::search(db, query, typed),
        _ => walk_list(db, query),
    }
}

fn walk_list(db: &Connection, query: &DocumentQuery) -> Result<Page<DocumentRow>, StoreError> {
    let walk = walk(query);
    let cursor = Cursor::read(query.cursor.as_deref(), walk.tag)?;
    let limit = page::limit(query.limit);
    // SQLite compares by type: a time is a number, a day is text.
    let number = match &cursor {
        Some(cursor) if walk.descending => Some(cursor.number()?),
        _ => None,
    };
    let mut params: Vec<(&str, &dyn ToSql)> = vec![(":limit", &limit)];
    filter_params(query, &mut params);
    if let Some(cursor) = &cursor {
        params.push((":id", &cursor.id));
        match &number {
            Some(number) => params.push((":key", number)),
            None => params.push((":key", &cursor.key)),
        }
    }
    let mut select = db.prepare_cached(&list_sql(query, cursor.is_some()))?;
    let rows = select
        .query_map(params.as_slice(), read)?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(page::cut(rows, query.limit, |row| {
        let key = if walk.descending {
            row.updated_at.0.to_string()
        } else {
            row.promised_on.map_or_else(|| NO_DAY.to_owned(), |day| day.to_string())
        };
        Cursor::new(walk.tag, key, row.id.0)
    }))
}

pub fn one(db: &Connection, id: DocumentId) -> Result<Option<DocumentRow>, StoreError> {
    Ok(db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM document d LEFT JOIN operation o ON o.seq = d.operation WHERE d.id = ?1"
        ))?
        .query_row([id], read)
        .optional()?)
}

pub fn find(
    db: &Connection,
    company: &CompanyId,
    partner: &PartnerId,
    kind: DocumentKind,
    number: &str,
) -> Result<Option<DocumentId>, StoreError> {
    Ok(db
        .prepare_cached("SELECT id FROM document WHERE company = ?1 AND partner = ?2 AND kind = ?3 AND number = ?4")?
        .query_row((company, partner, kind, number), |row| row.get(0))
        .optional()?)
}

pub fn versions(db: &Connection, id: DocumentId) -> Result<Vec<VersionRow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT v.number, v.purpose, v.author, coalesce(v.state, d.current_state), v.sequence, v.revision, v.supersedes,
                v.base, v.hash, v.payload_id, v.actor, v.received_at
         FROM document d JOIN version v ON v.document_id = d.id WHERE d.id = ?1 ORDER BY v.number",
    )?;
    let rows = select.query_map([id], |row| {
        Ok(VersionRow {
            number: row.get(0)?,
            purpose: row.get(1)?,
            author: row.get(2)?,
            state: row.get(3)?,
            sequence: row.get(4)?,
            revision: row.get(5)?,
            supersedes: row.get(6)?,
            base: row.get(7)?,
            hash: row.get(8)?,
            payload: row.get(9)?,
            actor: row.get(10)?,
            received_at: row.get(11)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn version_content(
    db: &Connection,
    id: DocumentId,
    number: VersionNumber,
) -> Result<Option<VersionContent>, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT c.canonical, c.partner_ref, v.payload_id
             FROM version v JOIN version_content c ON c.version_id = v.id
             WHERE v.document_id = ?1 AND v.number = ?2",
        )?
        .query_row((id, number), |row| {
            Ok(VersionContent {
                canonical: row.get(0)?,
                partner_ref: row.get::<_, Option<Json<serde_json::Value>>>(1)?.map(|json| json.0),
                payload: row.get(2)?,
            })
        })
        .optional()?)
}

pub fn payload(db: &Connection, id: PayloadId) -> Result<Option<Payload>, StoreError> {
    Ok(db
        .prepare_cached("SELECT media_type, bytes FROM payload WHERE id = ?1")?
        .query_row([id], |row| {
            Ok(Payload {
                media_type: row.get(0)?,
                bytes: row.get(1)?,
            })
        })
        .optional()?)
}

/// Newest first, from entry to entry; the cursor is the id of the last row.
pub fn history(db: &Connection, id: DocumentId, before: Option<i64>, limit: u32) -> Result<Page<AuditRow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT id, at, actor, action, document_id, detail, earlier FROM audit WHERE id = ?1 AND document_id = ?2",
    )?;
    let mut next = match before {
        Some(before) => earlier(db, id, before)?,
        None => newest(db, id)?,
    };
    let mut rows = Vec::new();
    while let Some(entry) = next.filter(|_| rows.len() < page::limit(limit) as usize) {
        let found = select.query_row((entry, id), |row| Ok((entry_of(row)?, row.get(6)?)));
        // Those before it went into an archive.
        let Some((row, earlier)) = found.optional()? else {
            break;
        };
        rows.push(row);
        next = earlier;
    }
    let page = page::cut(rows, limit, |row| Cursor::new('h', "", row.id));
    let next = page.next.and(page.items.last().map(|row| row.id.to_string()));
    Ok(Page {
        items: page.items,
        next,
    })
}

fn entry_of(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        id: row.get(0)?,
        at: row.get(1)?,
        actor: row.get(2)?,
        action: row.get(3)?,
        document: row.get(4)?,
        detail: row.get::<_, Json<serde_json::Value>>(5)?.0,
    })
}

fn newest(db: &Connection, id: DocumentId) -> Result<Option<i64>, StoreError> {
    let newest = db
        .prepare_cached("SELECT history FROM document WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(newest.flatten())
}

/// The newest entry of a document before this one, which need not be its own.
fn earlier(db: &Connection, id: DocumentId, before: i64) -> Result<Option<i64>, StoreError> {
    let mut select = db.prepare_cached("SELECT earlier FROM audit WHERE id = ?1 AND document_id = ?2")?;
    if let Some(earlier) = select.query_row((before, id), |row| row.get(0)).optional()? {
        return Ok(earlier);
    }
    let mut next = newest(db, id)?;
    while let Some(entry) = next.filter(|entry| *entry >= before) {
        next = select.query_row((entry, id), |row| row.get(0)).optional()?.flatten();
    }
    Ok(next)
}
