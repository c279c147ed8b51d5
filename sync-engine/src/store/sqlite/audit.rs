//! The audit trail: append-only, each row's hash covers the hash before it and the row's own fields.

use super::archive::{Row, hex};
use super::journal::Placed;
use crate::domain::Timestamp;
use crate::store::{AuditBreak, AuditCheck, StoreError};
use base64::prelude::{BASE64_STANDARD, Engine as _};
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
    earlier: Option<i64>,
    detail: &'a str,
}

impl Fields<'_> {
    fn hash(&self, before: &Hash) -> Hash {
        let mut sha = Sha256::new();
        sha.update(before);
        sha.update(self.id.to_be_bytes());
        sha.update(self.at.to_be_bytes());
        // No document has the id -1, and no entry.
        sha.update(self.document.unwrap_or(-1).to_be_bytes());
        sha.update(self.earlier.unwrap_or(-1).to_be_bytes());
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
pub fn append(db: &Connection, placed: &[Placed]) -> Result<(), StoreError> {
    if placed.is_empty() {
        return Ok(());
    }
    let (mut id, mut hash) = end(db)?;
    let mut insert = db.prepare_cached(
        "INSERT INTO audit (id, at, company, partner, actor, action, document_id, earlier, detail, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for Placed {
        id: place,
        earlier,
        entry,
    } in placed
    {
        id += 1;
        // Its document and the entries after it name it already.
        if id != *place {
            return Err(StoreError::Corrupt(format!(
                "entry {place} of the audit trail would become its row {id}"
            )));
        }
        hash = Fields {
            id,
            at: entry.at.0,
            company: &entry.company.0,
            partner: entry.partner.as_ref().map(|p| p.0.as_str()),
            actor: &entry.actor,
            action: &entry.action,
            document: entry.document.map(|d| d.0),
            earlier: *earlier,
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
            earlier,
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

/// The newest row.
pub fn last_id(db: &Connection) -> Result<i64, StoreError> {
    Ok(db
        .prepare_cached("SELECT last_id FROM audit_end WHERE one = 1")?
        .query_row([], |row| row.get(0))?)
}

fn end(db: &Connection) -> Result<(i64, Hash), StoreError> {
    Ok(db
        .prepare_cached("SELECT last_id, last_hash FROM audit_end WHERE one = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// The row before the first that is there: where the trail was cut, or nothing.
pub fn start(db: &Connection) -> Result<(i64, Hash), StoreError> {
    Ok(db
        .prepare_cached("SELECT last_id, last_hash FROM audit_start WHERE one = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Says where the chain begins and ends in a database whose rows came from elsewhere; `hash` in hex.
pub fn anchor(db: &Connection, id: i64, hash: &str) -> Result<(), StoreError> {
    let hash = unhex(hash).ok_or_else(|| StoreError::Corrupt(format!("{hash} is no hash of the audit trail")))?;
    // Not moved along the chain, as a cut is: the row before the first never was in this database.
    db.execute("DELETE FROM audit_start", [])?;
    db.execute(
        "INSERT INTO audit_start (one, last_id, last_hash) VALUES (1, ?1, ?2)",
        (id, hash),
    )?;
    let moved = db.execute(
        "UPDATE audit_end SET (last_id, last_hash) = (SELECT last_id, last_hash FROM audit_start
         UNION ALL SELECT id, hash FROM audit ORDER BY 1 DESC LIMIT 1)",
        [],
    )?;
    super::tx::one_row(moved, "end of the audit trail", id)
}

/// Deletes rows from the old end, at most `most` and none after `to`. The last one's hash becomes the anchor of the rest.
pub fn cut(db: &Connection, to: i64, most: u32) -> Result<usize, StoreError> {
    let (first, _) = start(db)?;
    let to = to.min(first + i64::from(most));
    if to <= first {
        return Ok(0);
    }
    let moved = db
        .prepare_cached(
            "UPDATE audit_start SET last_id = ?1, last_hash = (SELECT hash FROM audit WHERE id = ?1) WHERE one = 1",
        )?
        .execute([to])?;
    super::tx::one_row(moved, "start of the audit trail", to)?;
    Ok(db.prepare_cached("DELETE FROM audit WHERE id <= ?1")?.execute([to])?)
}

/// Rows after which the follower is told.
const TOLD_EVERY: i64 = 10_000;

/// Walks the whole chain, with where each document's history begins: linear in its length.
pub fn verify(db: &Connection) -> Result<AuditCheck, StoreError> {
    follow(db, &mut |_| {})
}

/// As `verify`, inside a transaction; `told` learns now and then how many rows were followed.
pub fn follow(db: &Connection, told: &mut dyn FnMut(i64)) -> Result<AuditCheck, StoreError> {
    let ((first_id, first_hash), (last_id, last_hash)) = (start(db)?, end(db)?);
    let mut all = db.prepare(
        "SELECT a.id, a.at, a.company, a.partner, a.actor, a.action, a.document_id, a.detail, a.hash, a.earlier,
             d.id IS NOT NULL AND a.id > coalesce(d.history, 0)
         FROM audit a LEFT JOIN document d ON d.id = a.document_id ORDER BY a.id",
    )?;
    let mut rows = all.query([])?;
    let mut check = AuditCheck {
        rows: 0,
        broken_at: None,
        how: None,
        whole_until: None,
    };
    let mut before: Hash = first_hash;
    while let Some(row) = rows.next()? {
        let fields = Fields {
            id: row.get(0)?,
            at: row.get(1)?,
            company: row.get_ref(2)?.as_str().unwrap_or_default(),
            partner: row.get_ref(3)?.as_str_or_null().unwrap_or_default(),
            actor: row.get_ref(4)?.as_str().unwrap_or_default(),
            action: row.get_ref(5)?.as_str().unwrap_or_default(),
            document: row.get(6)?,
            earlier: row.get(9)?,
            detail: row.get_ref(7)?.as_str().unwrap_or_default(),
        };
        let stored: Hash = row.get(8)?;
        // Ids count without holes: the first row after one that was removed is where the chain breaks.
        let is_next = fields.id == first_id + check.rows + 1;
        if check.broken_at.is_none() {
            // Which entry of a document is its newest is no part of the chain, and says what its history shows.
            let past_newest: bool = row.get(10)?;
            check.how = match is_next {
                false => Some(AuditBreak::Removed),
                true if fields.hash(&before) != stored => Some(AuditBreak::Altered),
                true if past_newest => Some(AuditBreak::Unlinked),
                true => None,
            };
            match check.how {
                None => check.whole_until = Some(Timestamp(fields.at)),
                Some(_) => check.broken_at = Some(fields.id),
            }
        }
        check.rows += 1;
        if check.rows % TOLD_EVERY == 0 {
            told(check.rows);
        }
        before = stored;
    }
    if check.broken_at.is_none() && (first_id + check.rows != last_id || before != last_hash) {
        check.broken_at = Some(first_id + check.rows + 1);
        check.how = Some(AuditBreak::End);
    }
    if check.broken_at.is_none() {
        check.broken_at = db.query_row(NOT_ITS_OWN, [first_id], |row| row.get(0))?;
        check.how = check.broken_at.map(|_| AuditBreak::Unlinked);
    }
    Ok(check)
}

/// The newest entry of a document by its own row, when it is none of its entries; one that went into an archive is not
/// looked for.
const NOT_ITS_OWN: &str = "SELECT min(d.history) FROM document d WHERE d.history > ?1
    AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.id = d.history AND a.document_id = d.id)";

/// Archived rows of the trail, in their order.
#[derive(Default)]
pub struct Walk {
    rows: Vec<Row>,
}

impl Walk {
    pub fn step(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The first row that does not follow from the one before; `first` is the anchor before them, its hash as hex.
    pub fn broken_at(&self, first: (i64, &str)) -> Option<i64> {
        let (mut id, mut before) = (first.0, first.1.to_owned());
        for row in &self.rows {
            let hash = archived_hash(row, &before);
            let stored = archived_bytes(&row["hash"]).map(|bytes| hex(&bytes));
            id += 1;
            if row["id"].as_i64() != Some(id) || hash.is_none() || hash != stored {
                return Some(id);
            }
            before = hash.unwrap_or_default();
        }
        None
    }
}

fn archived_bytes(value: &serde_json::Value) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(value["base64"].as_str()?).ok()
}

fn unhex(text: &str) -> Option<Hash> {
    let bytes = (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn archived_hash(row: &Row, before: &str) -> Option<String> {
    let hash = Fields {
        id: row["id"].as_i64()?,
        at: row["at"].as_i64()?,
        company: row["company"].as_str()?,
        partner: row["partner"].as_str(),
        actor: row["actor"].as_str()?,
        action: row["action"].as_str()?,
        document: row["document_id"].as_i64(),
        earlier: row["earlier"].as_i64(),
        detail: row["detail"].as_str()?,
    }
    .hash(&unhex(before)?);
    Some(hex(&hash))
}

#[cfg(test)]
mod tests;
