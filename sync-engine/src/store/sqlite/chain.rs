//! Reads a document's chain back from its rows.

use crate::domain::chain::{PendingAnswer, VersionHead};
use crate::domain::{Chain, DeliveryState, DocumentId, VersionState};
use crate::store::{DocumentKey, Loaded, StoreError};
use rusqlite::{Connection, OptionalExtension, Row};

const COLUMNS: &str = "id, company, partner, kind, number, side, state, current, agreed, before_cancel, in_delivery,
    current_version, needs_answer, conflict, gap, change_summary, current_state, history";

/// A document as it is stored: its chain, and the columns of its head that a decision may change.
#[derive(Clone)]
pub struct Stored {
    pub loaded: Loaded,
    pub head: Head,
}

#[derive(Clone)]
pub struct Head {
    /// Row of the current version.
    pub current_version: i64,
    pub needs_answer: bool,
    pub conflict: bool,
    pub gap: bool,
    pub change_summary: Option<String>,
    /// The newest entry of its history.
    pub history: Option<i64>,
}

/// An act of ours that has not reached the partner, with the row of its job.
pub struct Unfinished {
    pub seq: i64,
    pub answer: PendingAnswer,
}

/// A document's row, and what else is to be read.
struct Found {
    stored: Stored,
    /// Of the current version.
    state: VersionState,
    has_pending: bool,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Found> {
    let key = DocumentKey {
        company: row.get(1)?,
        partner: row.get(2)?,
        kind: row.get(3)?,
        number: row.get(4)?,
    };
    let mut chain = Chain::new(key.kind, row.get(5)?);
    chain.state = row.get(6)?;
    chain.current = Some(row.get(7)?);
    chain.agreed = row.get(8)?;
    chain.before_cancel = row.get(9)?;
    let in_delivery: i64 = row.get(10)?;
    let stored = Stored {
        loaded: Loaded {
            id: row.get(0)?,
            key,
            chain,
        },
        head: Head {
            current_version: row.get(11)?,
            needs_answer: row.get(12)?,
            conflict: row.get(13)?,
            gap: row.get(14)?,
            change_summary: row.get(15)?,
            history: row.get(17)?,
        },
    };
    Ok(Found {
        stored,
        state: row.get(16)?,
        has_pending: in_delivery > 0,
    })
}

pub fn load(db: &Connection, key: &DocumentKey) -> Result<Option<Stored>, StoreError> {
    let head = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM document WHERE company = ?1 AND partner = ?2 AND kind = ?3 AND number = ?4"
        ))?
        .query_row((&key.company, &key.partner, key.kind, &key.number), read)
        .optional()?;
    head.map(|head| with_versions(db, head)).transpose()
}

pub fn load_by_id(db: &Connection, id: DocumentId) -> Result<Option<Stored>, StoreError> {
    let head = db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM document WHERE id = ?1"))?
        .query_row([id], read)
        .optional()?;
    head.map(|head| with_versions(db, head)).transpose()
}

fn with_versions(db: &Connection, found: Found) -> Result<Stored, StoreError> {
    let mut stored = found.stored;
    let Loaded { id, chain, .. } = &mut stored.loaded;
    chain.versions = versions(db, *id, found.state)?;
    if found.has_pending {
        chain.pending = unfinished(db, *id)?.into_iter().map(|u| u.answer).collect();
    }
    Ok(stored)
}

/// `current` is the state of the current version.
fn versions(db: &Connection, id: DocumentId, current: VersionState) -> Result<Vec<VersionHead>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT number, purpose, author, state, sequence, hash, supersedes, base
         FROM version WHERE document_id = ?1 ORDER BY number",
    )?;
    let rows = select.query_map([id], |row| {
        Ok(VersionHead {
            number: row.get(0)?,
            purpose: row.get(1)?,
            author: row.get(2)?,
            state: row.get::<_, Option<VersionState>>(3)?.unwrap_or(current),
            sequence: row.get(4)?,
            hash: row.get(5)?,
            supersedes: row.get(6)?,
            base: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub const UNFINISHED: &str = "SELECT seq, id, version, act, state, hold FROM operation INDEXED BY operation_document
    WHERE document_id = ?1 AND (state = 'Queued' OR state = 'Sending' OR state = 'Retrying' OR state = 'Unknown'
                                OR state = 'Held' OR state = 'Dead')
    ORDER BY seq";

/// Acts that wait, run, failed, are unknown, held or dead, oldest first. A dead one stays pending until a person
/// replays or withdraws it.
pub fn unfinished(db: &Connection, id: DocumentId) -> Result<Vec<Unfinished>, StoreError> {
    let mut select = db.prepare_cached(UNFINISHED)?;
    let rows = select.query_map([id], |row| {
        let state: DeliveryState = row.get(4)?;
        Ok(Unfinished {
            seq: row.get(0)?,
            answer: PendingAnswer {
                operation: row.get(1)?,
                version: row.get(2)?,
                act: row.get(3)?,
                held: state == DeliveryState::Held || row.get(5)?,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
