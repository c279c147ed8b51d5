//! The audit trail: append-only, each row's hash covers the hash before it and the row's own fields.

use super::journal::AuditEntry;
use crate::store::{AuditCheck, StoreError};
use rusqlite::Connection;
use sha2::{Digest, Sha256};

type Hash = [u8; 32];

/// The fields that a row's hash covers, in this order, each with its length, so that no two rows read alike.
struct Fields<'a> {
    id: i64,
    at: i64,
    company: &'a str,
    partner: Option<&'a str>,
    actor: &'a str,
    action: &'a str,
    document: Option<i64>,
    detail: &'a str,
}

impl Fields<'_> {
    fn hash(&self, before: &Hash) -> Hash {
        let mut sha = Sha256::new();
        sha.update(before);
        sha.update(self.id.to_be_bytes());
        sha.update(self.at.to_be_bytes());
        // No document has the id -1.
        sha.update(self.document.unwrap_or(-1).to_be_bytes());
        sha.update([u8::from(self.partner.is_some())]);
        let texts = [
            self.company,
            self.partner.unwrap_or(""),
            self.actor,
            self.action,
            self.detail,
        ];
        for text in texts {
            sha.update((text.len() as u64).to_be_bytes());
            sha.update(text.as_bytes());
        }
        sha.finalize().into()
    }
}

/// Appends rows to the chain. The end is read in the same transaction: another process may have written.
pub fn append(db: &Connection, entries: &[AuditEntry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let (mut id, mut hash) = end(db)?;
    let mut insert = db.prepare_cached(
        "INSERT INTO audit (id, at, company, partner, actor, action, document_id, detail, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for entry in entries {
        id += 1;
        hash = Fields {
            id,
            at: entry.at.0,
            company: &entry.company.0,
            partner: entry.partner.as_ref().map(|p| p.0.as_str()),
            actor: &entry.actor,
            action: &entry.action,
            document: entry.document.map(|d| d.0),
            detail: &entry.detail,
        }
        .hash(&hash);
        insert.execute(rusqlite::params![
            id,
            entry.at,
            entry.company,
            entry.partner,
            entry.actor,
            entry.action,
            entry.document,
            entry.detail,
            hash,
        ])?;
    }
    let moved = db
        .prepare_cached("UPDATE audit_end SET last_id = ?1, last_hash = ?2 WHERE one = 1")?
        .execute((id, hash))?;
    if moved == 1 {
        Ok(())
    } else {
        Err(StoreError::Corrupt(
            "the end of the audit trail is not recorded".to_owned(),
        ))
    }
}

fn end(db: &Connection) -> Result<(i64, Hash), StoreError> {
    Ok(db
        .prepare_cached("SELECT last_id, last_hash FROM audit_end WHERE one = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Walks the whole chain: linear in its length.
pub fn verify(db: &Connection) -> Result<AuditCheck, StoreError> {
    let (last_id, last_hash) = end(db)?;
    let mut all =
        db.prepare("SELECT id, at, company, partner, actor, action, document_id, detail, hash FROM audit ORDER BY id")?;
    let mut rows = all.query([])?;
    let mut check = AuditCheck {
        rows: 0,
        broken_at: None,
    };
    let mut before: Hash = [0; 32];
    while let Some(row) = rows.next()? {
        let fields = Fields {
            id: row.get(0)?,
            at: row.get(1)?,
            company: row.get_ref(2)?.as_str().unwrap_or_default(),
            partner: row.get_ref(3)?.as_str_or_null().unwrap_or_default(),
            actor: row.get_ref(4)?.as_str().unwrap_or_default(),
            action: row.get_ref(5)?.as_str().unwrap_or_default(),
            document: row.get(6)?,
            detail: row.get_ref(7)?.as_str().unwrap_or_default(),
        };
        let stored: Hash = row.get(8)?;
        // Ids count without holes: the first row after one that was removed is where the chain breaks.
        if check.broken_at.is_none() && (fields.id != check.rows + 1 || fields.hash(&before) != stored) {
            check.broken_at = Some(fields.id);
        }
        check.rows += 1;
        before = stored;
    }
    if check.broken_at.is_none() && (check.rows != last_id || before != last_hash) {
        check.broken_at = Some(check.rows + 1);
    }
    Ok(check)
}
