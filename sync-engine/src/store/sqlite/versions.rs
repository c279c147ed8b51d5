//! Writes versions: added once, changed in nothing but their state.

use super::text::json;
use super::tx::{Tx, one_row};
use crate::domain::chain::Author;
use crate::domain::{Chain, DocumentId, Timestamp, VersionHead, VersionNumber, VersionState};
use crate::store::{ApplyChange, StoreError, VersionContentRef};
use rusqlite::{Connection, OptionalExtension};
use std::borrow::Cow;

/// The version that the decision adds, with its content.
pub fn added<'a>(
    change: &'a ApplyChange<'a>,
) -> Result<Option<(&'a VersionHead, &'a VersionContentRef<'a>)>, StoreError> {
    match (change.decision.stored, &change.content) {
        (None, None) => Ok(None),
        (Some(number), Some(content)) => {
            let head = change.decision.chain.version(number).ok_or_else(|| {
                StoreError::Conflict(format!(
                    "the decision stores version {number}, which its chain does not have"
                ))
            })?;
            Ok(Some((head, content)))
        }
        (Some(_), None) | (None, Some(_)) => Err(StoreError::Conflict(
            "a decision that stores a version comes with its content, any other without".to_owned(),
        )),
    }
}

/// Chosen before the insert, because the head names it. Safe: there is one writer, and versions are never deleted.
pub fn next_row(tx: &Tx<'_>) -> Result<i64, StoreError> {
    Ok(tx
        .db
        .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM version")?
        .query_row([], |row| row.get(0))?)
}

/// When the newest version of the partner came.
pub fn newest_received(db: &Connection, document: DocumentId) -> Result<Option<Timestamp>, StoreError> {
    let mut select = db.prepare_cached(NEWEST_RECEIVED)?;
    Ok(select.query_row((document, Author::Partner), |row| row.get(0))?)
}

pub const NEWEST_RECEIVED: &str = "SELECT max(received_at) FROM version WHERE document_id = ?1 AND author = ?2";

pub fn insert(
    tx: &Tx<'_>,
    change: &ApplyChange<'_>,
    document: DocumentId,
    row: i64,
    version: &VersionHead,
    content: &VersionContentRef<'_>,
) -> Result<(), StoreError> {
    let payload = payload_of(tx, document, version, content)?;
    tx.db
        .prepare_cached(
            "INSERT INTO version (id, document_id, number, purpose, author, state, sequence, revision, supersedes, base,
             hash, payload_id, change_summary, answer_due, doubtful, actor, received_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?
        .execute(rusqlite::params![
            row,
            document,
            version.number,
            version.purpose,
            version.author,
            stored_state(&change.decision.chain, version),
            version.sequence.or(content.sequence),
            content.revision,
            version.supersedes,
            version.base,
            version.hash,
            payload,
            content.change_summary,
            content.answer_due,
            content.doubtful,
            change.actor,
            content.came_at.unwrap_or(change.at),
        ])?;
    let canonical = match content.written {
        Some(written) => Cow::Borrowed(&written.canonical),
        None => Cow::Owned(json(content.document)?),
    };
    tx.db
        .prepare_cached("INSERT INTO version_content (version_id, canonical, partner_ref) VALUES (?1, ?2, ?3)")?
        .execute((row, canonical.as_str(), content.partner_ref.map(json).transpose()?))?;
    super::issued::note_orders(tx, change, document, content.document)
}

/// Bytes that the chain has already are not stored again.
fn payload_of(
    tx: &Tx<'_>,
    document: DocumentId,
    version: &VersionHead,
    content: &VersionContentRef<'_>,
) -> Result<i64, StoreError> {
    if version.number.0 > 1 {
        let known: Option<i64> = tx
            .db
            .prepare_cached(
                "SELECT p.id FROM version v JOIN payload p ON p.id = v.payload_id
                 WHERE v.document_id = ?1 AND v.hash = ?2 AND p.media_type = ?3 AND p.bytes = ?4 LIMIT 1",
            )?
            .query_row(
                (
                    document,
                    version.hash,
                    content.payload.media_type,
                    content.payload.bytes,
                ),
                |row| row.get(0),
            )
            .optional()?;
        if let Some(known) = known {
            return Ok(known);
        }
    }
    tx.db
        .prepare_cached("INSERT INTO payload (media_type, bytes) VALUES (?1, ?2)")?
        .execute((content.payload.media_type, content.payload.bytes))?;
    Ok(tx.db.last_insert_rowid())
}

/// What stands in a version's row: the current one's state is kept with its document.
fn stored_state(chain: &Chain, version: &VersionHead) -> Option<VersionState> {
    (chain.current != Some(version.number)).then_some(version.state)
}

pub fn write_states(tx: &Tx<'_>, id: DocumentId, stored: &Chain, wanted: &Chain) -> Result<(), StoreError> {
    for (before, after) in stored.versions.iter().zip(&wanted.versions) {
        let (was, is) = (stored_state(stored, before), stored_state(wanted, after));
        if was == is {
            continue;
        }
        let changed = tx
            .db
            .prepare_cached("UPDATE version SET state = ?4 WHERE document_id = ?1 AND number = ?2 AND state IS ?3")?
            .execute((id, before.number, was, is))?;
        one_row(changed, "version", before.number)?;
    }
    Ok(())
}

/// A version that is stored is never changed but in its state, and none goes away.
pub fn check_kept(stored: &Chain, wanted: &Chain, added: Option<VersionNumber>) -> Result<(), StoreError> {
    let expected = stored.versions.len() + usize::from(added.is_some());
    let kept = wanted.versions.len() == expected
        && stored.versions.iter().zip(&wanted.versions).all(|(before, after)| {
            before.number == after.number && before.hash == after.hash && before.author == after.author
        });
    if kept {
        Ok(())
    } else {
        Err(StoreError::Conflict(
            "the decision does not continue the stored chain: it was made from an older one".to_owned(),
        ))
    }
}
