//! Watermarks of streams, and named leases.

use crate::domain::{CompanyId, PartnerId, Timestamp};
use crate::store::StoreError;
use rusqlite::{Connection, OptionalExtension};

pub fn watermark(
    db: &Connection,
    company: &CompanyId,
    partner: &PartnerId,
    stream: &str,
) -> Result<Option<String>, StoreError> {
    Ok(db
        .prepare_cached("SELECT value FROM watermark WHERE company = ?1 AND partner = ?2 AND stream = ?3")?
        .query_row((company, partner, stream), |row| row.get(0))
        .optional()?)
}

pub fn set_watermark(
    db: &Connection,
    company: &CompanyId,
    partner: &PartnerId,
    stream: &str,
    value: &str,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO watermark (company, partner, stream, value) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (company, partner, stream) DO UPDATE SET value = excluded.value",
    )?
    .execute((company, partner, stream, value))?;
    Ok(())
}

/// The epoch when the lease was free or had run out; `None` while anyone holds it.
pub fn take(
    db: &Connection,
    name: &str,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<i64>, StoreError> {
    Ok(db
        .prepare_cached(
            "INSERT INTO lease (name, holder, epoch, until) VALUES (?1, ?2, 1, ?4)
             ON CONFLICT (name)
             DO UPDATE SET holder = excluded.holder, epoch = epoch + 1, step = 0, until = excluded.until
             WHERE lease.holder IS NULL OR lease.until <= ?3
             RETURNING epoch",
        )?
        .query_row((name, holder, now, until), |row| row.get(0))
        .optional()?)
}

pub fn extend(db: &Connection, name: &str, epoch: i64, until: Timestamp) -> Result<(), StoreError> {
    held(
        db.prepare_cached("UPDATE lease SET until = ?3 WHERE name = ?1 AND epoch = ?2 AND holder IS NOT NULL")?
            .execute((name, epoch, until))?,
    )
}

pub fn release(db: &Connection, name: &str, epoch: i64) -> Result<(), StoreError> {
    held(
        db.prepare_cached("UPDATE lease SET holder = NULL WHERE name = ?1 AND epoch = ?2 AND holder IS NOT NULL")?
            .execute((name, epoch))?,
    )
}

/// Ends the leases of a holder that is gone; they count as run out.
pub fn end_all_of(db: &Connection, holder: &str, now: Timestamp) -> Result<usize, StoreError> {
    let named = db
        .prepare_cached("UPDATE lease SET until = ?2 WHERE holder = ?1 AND until > ?2")?
        .execute((holder, now))?;
    let jobs = db
        .prepare_cached(
            "UPDATE operation INDEXED BY operation_in_flight SET lease_until = ?2
             WHERE lease_until IS NOT NULL AND lease_until > ?2 AND lease_holder = ?1",
        )?
        .execute((holder, now))?;
    Ok(named + jobs)
}

/// No lease is given for longer: one that lasts longer is of a clock that was ahead.
pub fn shorten(db: &Connection, longest: Timestamp) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE lease SET until = ?1 WHERE until > ?1")?
        .execute([longest])?;
    db.prepare_cached(
        "UPDATE operation INDEXED BY operation_in_flight SET lease_until = ?1
         WHERE lease_until IS NOT NULL AND lease_until > ?1",
    )?
    .execute([longest])?;
    Ok(())
}

pub fn check(db: &Connection, name: &str, epoch: i64) -> Result<(), StoreError> {
    let found: Option<i64> = db
        .prepare_cached("SELECT 1 FROM lease WHERE name = ?1 AND epoch = ?2 AND holder IS NOT NULL")?
        .query_row((name, epoch), |row| row.get(0))
        .optional()?;
    held(usize::from(found.is_some()))
}

/// Whether the step was taken: only when the one before it was, in this transaction or an earlier one.
pub fn take_step(db: &Connection, name: &str, epoch: i64, step: i64) -> Result<bool, StoreError> {
    let taken = db
        .prepare_cached(
            "UPDATE lease SET step = ?3 WHERE name = ?1 AND epoch = ?2 AND holder IS NOT NULL AND step = ?3 - 1",
        )?
        .execute((name, epoch, step))?;
    if taken == 0 {
        check(db, name, epoch)?;
    }
    Ok(taken == 1)
}

fn held(rows: usize) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}
