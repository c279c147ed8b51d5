//! What a person is told of once when it begins and once when it ends.

use super::tx::Tx;
use crate::domain::{CompanyId, PartnerId, Timestamp};
use crate::store::{ChangeKind, IncidentRow, IncidentTurn, PresentIncident, StoreError};
use rusqlite::{Connection, Row};

const COLUMNS: &str = "id, kind, subject, detail, began_at, ended_at";
/// Dead letters that are looked at, newest first, to say whose they are.
const NEWEST_DEAD: u32 = 1_000;

fn read(row: &Row<'_>) -> rusqlite::Result<IncidentRow> {
    Ok(IncidentRow {
        id: row.get(0)?,
        kind: row.get(1)?,
        subject: row.get(2)?,
        detail: row.get(3)?,
        began_at: row.get(4)?,
        ended_at: row.get(5)?,
    })
}

pub fn list(db: &Connection, company: &CompanyId, limit: u32) -> Result<Vec<IncidentRow>, StoreError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM incident WHERE company = ?1 ORDER BY ended_at IS NOT NULL, id DESC LIMIT ?2"
    ))?;
    let rows = select.query_map((company, limit), read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn open(db: &Connection, company: &CompanyId) -> Result<Vec<IncidentRow>, StoreError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM incident WHERE company = ?1 AND ended_at IS NULL ORDER BY id"
    ))?;
    let rows = select.query_map([company], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// That a dead letter is not in flight is what lets the index be used.
pub const DEAD_BY_PARTNER: &str = "SELECT partner, count(*) FROM
        (SELECT partner, company FROM operation INDEXED BY operation_state
         WHERE state = 'Dead' AND state <> 'Sending' ORDER BY seq DESC LIMIT ?2)
    WHERE company = ?1 GROUP BY partner";

pub fn dead_by_partner(db: &Connection, company: &CompanyId) -> Result<Vec<(PartnerId, i64)>, StoreError> {
    let mut select = db.prepare_cached(DEAD_BY_PARTNER)?;
    let rows = select.query_map((company, NEWEST_DEAD), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn settle(
    tx: &mut Tx<'_>,
    company: &CompanyId,
    present: &[PresentIncident],
    at: Timestamp,
) -> Result<Vec<IncidentTurn>, StoreError> {
    let mut turns = Vec::new();
    for was in open(tx.db, company)? {
        if present.iter().any(|p| p.kind == was.kind && p.subject == was.subject) {
            continue;
        }
        tx.db
            .prepare_cached("UPDATE incident SET ended_at = ?2 WHERE id = ?1")?
            .execute((was.id, at))?;
        tx.journal.change(ChangeKind::Incident, was.id.to_string(), None);
        turns.push(IncidentTurn {
            began: false,
            incident: IncidentRow {
                ended_at: Some(at),
                ..was
            },
        });
    }
    for now in present {
        let begun = tx
            .db
            .prepare_cached(
                "INSERT INTO incident (company, kind, subject, detail, began_at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (company, kind, subject) WHERE ended_at IS NULL DO NOTHING",
            )?
            .execute((company, &now.kind, &now.subject, &now.detail, at))?;
        if begun == 1 {
            let id = tx.db.last_insert_rowid();
            tx.journal.change(ChangeKind::Incident, id.to_string(), None);
            turns.push(IncidentTurn {
                began: true,
                incident: IncidentRow {
                    id,
                    kind: now.kind.clone(),
                    subject: now.subject.clone(),
                    detail: now.detail.clone(),
                    began_at: at,
                    ended_at: None,
                },
            });
        }
    }
    Ok(turns)
}
