//! What a unit of work leaves behind besides its rows: audit, change feed, counters, search words.
//!
//! Collected in memory and written once per group, right before the commit: a unit that fails drops its own, the audit
//! chain needs no repair after a rollback, and FTS5 flushes once per commit instead of once per savepoint.

use super::{audit, words};
use crate::domain::{CompanyId, DeliveryState, DocumentId, PartnerId, Timestamp};
use crate::store::{ChangeKind, ChangeRow, StoreError};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Rows of the change feed that are kept.
const CHANGES_KEPT: i64 = 100_000;
/// Rows that one group prunes at most, so that no commit becomes long.
const CHANGES_PRUNED_AT_ONCE: i64 = 2_000;
/// How far back a repeated change is looked for before it is written again.
const CHANGE_LOOK_BACK: usize = 8;

pub struct AuditEntry {
    pub at: Timestamp,
    pub company: CompanyId,
    pub partner: Option<PartnerId>,
    pub actor: String,
    pub action: String,
    pub document: Option<DocumentId>,
    /// JSON text.
    pub detail: String,
}

/// An entry with its place in the trail, and in its document's history.
pub struct Placed {
    pub id: i64,
    /// The entry before it of the same document.
    pub earlier: Option<i64>,
    pub entry: AuditEntry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    Documents,
    NeedsAnswer,
    Quarantine,
    Duplicates,
    Delivery(DeliveryState),
}

impl Counter {
    pub fn name(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::NeedsAnswer => "needsAnswer",
            Self::Quarantine => "quarantine",
            Self::Duplicates => "duplicates",
            Self::Delivery(state) => match state {
                DeliveryState::Queued => "queued",
                DeliveryState::Sending => "sending",
                DeliveryState::Delivered => "delivered",
                DeliveryState::Applied => "applied",
                DeliveryState::Retrying => "retrying",
                DeliveryState::Unknown => "unknown",
                DeliveryState::Held => "held",
                DeliveryState::Dead => "dead",
                DeliveryState::Withdrawn => "withdrawn",
            },
        }
    }
}

pub enum WordsChange {
    Put { version: i64, text: String },
    Remove { version: i64 },
}

#[derive(Default)]
pub struct Journal {
    audit: Vec<Placed>,
    changes: Vec<(ChangeKind, String, Option<DocumentId>)>,
    counters: BTreeMap<CompanyId, BTreeMap<Counter, i64>>,
    words: Vec<WordsChange>,
}

impl Journal {
    pub fn audit(&mut self, entry: Placed) {
        self.audit.push(entry);
    }

    /// How many entries of the history it holds.
    pub fn entries(&self) -> usize {
        self.audit.len()
    }

    pub fn change(&mut self, kind: ChangeKind, subject: String, document: Option<DocumentId>) {
        let row = (kind, subject, document);
        if !self
            .changes
            .iter()
            .rev()
            .take(CHANGE_LOOK_BACK)
            .any(|known| *known == row)
        {
            self.changes.push(row);
        }
    }

    pub fn count(&mut self, company: &CompanyId, counter: Counter, by: i64) {
        if by == 0 {
            return;
        }
        if !self.counters.contains_key(company) {
            self.counters.insert(company.clone(), BTreeMap::new());
        }
        if let Some(counters) = self.counters.get_mut(company) {
            *counters.entry(counter).or_default() += by;
        }
    }

    pub fn words(&mut self, change: WordsChange) {
        self.words.push(change);
    }

    /// Takes over what a unit that succeeded left.
    pub fn absorb(&mut self, unit: Self) {
        self.audit.extend(unit.audit);
        for (kind, subject, document) in unit.changes {
            self.change(kind, subject, document);
        }
        for (company, counters) in unit.counters {
            for (counter, by) in counters {
                self.count(&company, counter, by);
            }
        }
        self.words.extend(unit.words);
    }

    /// Writes everything and returns the change rows, to be told after the commit.
    pub fn flush(self, db: &Connection) -> Result<Vec<ChangeRow>, StoreError> {
        audit::append(db, &self.audit)?;
        words::write(db, &self.words)?;
        write_counters(db, &self.counters)?;
        write_changes(db, self.changes)
    }
}

fn write_counters(db: &Connection, counters: &BTreeMap<CompanyId, BTreeMap<Counter, i64>>) -> Result<(), StoreError> {
    let mut add = db.prepare_cached(
        "INSERT INTO counter (company, name, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (company, name) DO UPDATE SET value = value + excluded.value",
    )?;
    for (company, counters) in counters {
        for (counter, by) in counters.iter().filter(|(_, by)| **by != 0) {
            add.execute((company, counter.name(), by))?;
        }
    }
    Ok(())
}

fn write_changes(
    db: &Connection,
    changes: Vec<(ChangeKind, String, Option<DocumentId>)>,
) -> Result<Vec<ChangeRow>, StoreError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let mut id: i64 = db
        .prepare_cached("SELECT coalesce(max(id), 0) FROM change")?
        .query_row([], |row| row.get(0))?;
    let mut insert =
        db.prepare_cached("INSERT INTO change (id, kind, subject, document_id) VALUES (?1, ?2, ?3, ?4)")?;
    let mut rows = Vec::with_capacity(changes.len());
    for (kind, subject, document) in changes {
        id += 1;
        insert.execute((id, kind, &subject, document))?;
        rows.push(ChangeRow {
            id,
            kind,
            subject,
            document,
        });
    }
    prune_changes(db, id)?;
    Ok(rows)
}

/// Deletes from the old end. Never the newest row: its id is where the next one continues.
fn prune_changes(db: &Connection, last: i64) -> Result<(), StoreError> {
    let oldest: i64 = db
        .prepare_cached("SELECT coalesce(min(id), 0) FROM change")?
        .query_row([], |row| row.get(0))?;
    let keep_from = last - CHANGES_KEPT + 1;
    if keep_from - oldest >= CHANGES_PRUNED_AT_ONCE {
        db.prepare_cached("DELETE FROM change WHERE id < ?1")?
            .execute([oldest + CHANGES_PRUNED_AT_ONCE])?;
    }
    Ok(())
}
