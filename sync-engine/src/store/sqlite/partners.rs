//! What is known of the way to each partner.

use super::text::{Json, json};
use super::tx::Tx;
use crate::domain::{CompanyId, PartnerId};
use crate::store::{ChangeKind, OperationError, PartnerState, StoreError};
use rusqlite::{Connection, OptionalExtension, Row};

const COLUMNS: &str = "company, partner, breaker, credentials_broken, paused, last_success_at, last_failure_at,
    last_error, probe_at";

fn read(row: &Row<'_>) -> rusqlite::Result<PartnerState> {
    Ok(PartnerState {
        company: row.get(0)?,
        partner: row.get(1)?,
        breaker: row.get(2)?,
        credentials_broken: row.get(3)?,
        paused: row.get(4)?,
        last_success_at: row.get(5)?,
        last_failure_at: row.get(6)?,
        last_error: row.get::<_, Option<Json<OperationError>>>(7)?.map(|json| json.0),
        probe_at: row.get(8)?,
    })
}

pub fn one(db: &Connection, company: &CompanyId, partner: &PartnerId) -> Result<Option<PartnerState>, StoreError> {
    Ok(db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM partner_state WHERE company = ?1 AND partner = ?2"
        ))?
        .query_row((company, partner), read)
        .optional()?)
}

pub fn all(db: &Connection, company: &CompanyId) -> Result<Vec<PartnerState>, StoreError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM partner_state WHERE company = ?1 ORDER BY partner"
    ))?;
    let rows = select.query_map([company], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Of every company in the file.
pub fn of_all(db: &Connection) -> Result<Vec<PartnerState>, StoreError> {
    let mut select = db.prepare(&format!(
        "SELECT {COLUMNS} FROM partner_state ORDER BY company, partner"
    ))?;
    let rows = select.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn set(tx: &mut Tx<'_>, state: &PartnerState) -> Result<(), StoreError> {
    tx.db
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO partner_state ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
        ))?
        .execute((
            &state.company,
            &state.partner,
            state.breaker,
            state.credentials_broken,
            state.paused,
            state.last_success_at,
            state.last_failure_at,
            state.last_error.as_ref().map(json).transpose()?,
            state.probe_at,
        ))?;
    tx.journal.change(ChangeKind::Partner, state.partner.0.clone(), None);
    Ok(())
}
