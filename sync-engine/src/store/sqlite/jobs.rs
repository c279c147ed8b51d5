//! The delivery job of an operation: one row, one function that moves its state, and what follows from a move.

use super::journal::{AuditEntry, Counter};
use super::text::json;
use super::tx::{Tx, one_row};
use crate::domain::{CompanyId, DeliveryState, DocumentId, OperationId, PartnerId, Timestamp};
use crate::store::{ChangeKind, NewOperation, StoreError};
use rusqlite::{OptionalExtension, Row};

/// The facts of a job that a move needs.
pub struct Job {
    pub seq: i64,
    pub id: OperationId,
    pub company: CompanyId,
    pub partner: PartnerId,
    pub document: DocumentId,
    pub state: DeliveryState,
    pub epoch: i64,
    pub leased: bool,
    pub claimed_from: Option<DeliveryState>,
    pub attempts: u32,
    pub hold: bool,
}

/// For `read`, of a table called `o`.
pub const COLUMNS: &str = "o.seq, o.id, o.company, o.partner, o.document_id, o.state, o.epoch,
    o.lease_until IS NOT NULL, o.claimed_from, o.attempts, o.hold";

pub fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        seq: row.get(0)?,
        id: row.get(1)?,
        company: row.get(2)?,
        partner: row.get(3)?,
        document: row.get(4)?,
        state: row.get(5)?,
        epoch: row.get(6)?,
        leased: row.get(7)?,
        claimed_from: row.get(8)?,
        attempts: row.get(9)?,
        hold: row.get(10)?,
    })
}

pub fn job(tx: &Tx<'_>, id: OperationId) -> Result<Job, StoreError> {
    tx.db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM operation o WHERE o.id = ?1"))?
        .query_row([id], read)
        .optional()?
        .ok_or_else(|| StoreError::NotFound {
            what: "operation",
            id: id.to_string(),
        })
}

pub fn job_by_seq(tx: &Tx<'_>, seq: i64) -> Result<Job, StoreError> {
    Ok(tx
        .db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM operation o WHERE o.seq = ?1"))?
        .query_row([seq], read)?)
}

/// The job, if `epoch` still holds its lease.
pub fn leased_job(tx: &Tx<'_>, id: OperationId, epoch: i64) -> Result<Job, StoreError> {
    let job = job(tx, id)?;
    if job.leased && job.epoch == epoch {
        Ok(job)
    } else {
        Err(StoreError::LeaseLost)
    }
}

/// Takes its turn within its document: the oldest of these is the one that may be sent.
fn waits(state: DeliveryState) -> bool {
    match state {
        DeliveryState::Queued | DeliveryState::Sending | DeliveryState::Retrying | DeliveryState::Unknown => true,
        DeliveryState::Delivered
        | DeliveryState::Applied
        | DeliveryState::Held
        | DeliveryState::Dead
        | DeliveryState::Withdrawn => false,
    }
}

/// Counts in `document.in_delivery`.
fn in_delivery(state: DeliveryState) -> bool {
    waits(state) || matches!(state, DeliveryState::Held | DeliveryState::Dead)
}

pub fn enqueue(tx: &mut Tx<'_>, new: &NewOperation) -> Result<(), StoreError> {
    if !matches!(new.state, DeliveryState::Queued | DeliveryState::Held) {
        return Err(StoreError::Conflict(format!(
            "an operation is saved as Queued or Held, not as {:?}",
            new.state
        )));
    }
    tx.db
        .prepare_cached(
            "INSERT INTO operation (id, company, partner, document_id, version, kind, act, actor, created_at, state,
             ready, due_at, scheduled_from, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?9, ?9)",
        )?
        .execute(rusqlite::params![
            new.id,
            new.company,
            new.partner,
            new.document,
            new.version,
            new.kind,
            new.act,
            new.actor,
            new.created_at,
            new.state,
            new.due_at,
        ])?;
    let seq = tx.db.last_insert_rowid();
    tx.db
        .prepare_cached("INSERT INTO operation_answer (operation_seq, answer) VALUES (?1, ?2)")?
        .execute((seq, json(&new.answer)?))?;
    tx.in_delivery(new.document, 1, Some(seq))?;
    if waits(new.state) {
        settle_turn(tx, new.document)?;
    }
    if new.state == DeliveryState::Held {
        tx.unsettled(new.document);
    }
    tx.journal.count(&new.company, Counter::Delivery(new.state), 1);
    tx.journal
        .change(ChangeKind::Operation, new.id.to_string(), Some(new.document));
    Ok(())
}

/// A move of a job that ends its lease, if it has one.
pub struct Move {
    pub to: DeliveryState,
    pub due_at: Option<Timestamp>,
    pub at: Timestamp,
}

/// A delivered operation is claimed again where the partner shows what it applied.
pub fn verifies(state: DeliveryState, due_at: Option<Timestamp>) -> bool {
    state == DeliveryState::Delivered && due_at.is_some()
}

/// Writes the new state, and what follows from it.
pub fn move_to(tx: &mut Tx<'_>, job: &Job, to: &Move) -> Result<(), StoreError> {
    let changed = tx
        .db
        .prepare_cached(
            "UPDATE operation SET state = ?3, ready = ?4, due_at = ?5, lease_holder = NULL, lease_until = NULL,
             claimed_from = NULL, hold = hold AND ?7, updated_at = ?6 WHERE seq = ?1 AND epoch = ?2",
        )?
        .execute((
            job.seq,
            job.epoch,
            to.to,
            verifies(to.to, to.due_at),
            to.due_at,
            to.at,
            // Queued again: a person let it go.
            to.to != DeliveryState::Queued,
        ))?;
    one_row(changed, "operation", job.id)?;
    follow(tx, job, to.to, to.at)
}

/// Whose turn it is, then counters and lists.
pub fn follow(tx: &mut Tx<'_>, job: &Job, to: DeliveryState, at: Timestamp) -> Result<(), StoreError> {
    if waits(job.state) || waits(to) {
        settle_turn(tx, job.document)?;
    }
    moved(tx, job, to, at)
}

/// Counters, feed and head after a state changed.
pub fn moved(tx: &mut Tx<'_>, job: &Job, to: DeliveryState, at: Timestamp) -> Result<(), StoreError> {
    tx.journal
        .change(ChangeKind::Operation, job.id.to_string(), Some(job.document));
    if job.state == to {
        return Ok(());
    }
    tx.journal.count(&job.company, Counter::Delivery(job.state), -1);
    tx.journal.count(&job.company, Counter::Delivery(to), 1);
    let by = i64::from(in_delivery(to)) - i64::from(in_delivery(job.state));
    if by != 0 {
        tx.in_delivery(job.document, by, None)?;
    }
    // A person is asked: to the top of the lists. The rest moves when the chain does.
    if matches!(to, DeliveryState::Held | DeliveryState::Dead | DeliveryState::Unknown) {
        let changed = tx
            .db
            .prepare_cached("UPDATE document SET updated_at = max(updated_at, ?2) WHERE id = ?1")?
            .execute((job.document, at))?;
        one_row(changed, "document", job.document)?;
    }
    // What is pending, or held, decides whether the document needs an answer.
    if by != 0 || job.state == DeliveryState::Held || to == DeliveryState::Held {
        tx.unsettled(job.document);
    }
    Ok(())
}

/// One comparison after the other: SQLite makes a table of its own for a list of more than two, at every run.
pub const WAITING: &str = "SELECT seq, ready, lease_until IS NOT NULL FROM operation INDEXED BY operation_document
    WHERE document_id = ?1 AND (state = 'Queued' OR state = 'Sending' OR state = 'Retrying' OR state = 'Unknown')
    ORDER BY seq";

/// Makes exactly the oldest waiting operation of a document ready, unless it is in flight.
fn settle_turn(tx: &mut Tx<'_>, document: DocumentId) -> Result<(), StoreError> {
    let mut select = tx.db.prepare_cached(WAITING)?;
    let mut waiting = select.query([document])?;
    let mut turn = true;
    let mut moved: Vec<(i64, bool)> = Vec::new();
    while let Some(row) = waiting.next()? {
        let (seq, ready, leased): (i64, bool, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        match std::mem::replace(&mut turn, false) {
            true if !ready && !leased => moved.push((seq, true)),
            true => {}
            // Only an operation that came back (replay, release) pushes a younger one off its turn.
            false if ready => moved.push((seq, false)),
            false => {}
        }
    }
    for (seq, ready) in moved {
        let changed = tx
            .db
            .prepare_cached("UPDATE operation SET ready = ?2 WHERE seq = ?1 AND due_at IS NOT NULL")?
            .execute((seq, ready))?;
        one_row(changed, "due operation", seq)?;
    }
    Ok(())
}

/// Marks an operation that is in flight, or takes the mark away.
pub fn set_hold(tx: &Tx<'_>, job: &Job, hold: bool) -> Result<(), StoreError> {
    let changed = tx
        .db
        .prepare_cached("UPDATE operation SET hold = ?3 WHERE seq = ?1 AND epoch = ?2")?
        .execute((job.seq, job.epoch, hold))?;
    one_row(changed, "operation", job.id)
}

/// An entry in the history of the operation's document.
pub fn audit(
    tx: &mut Tx<'_>,
    job: &Job,
    action: &str,
    actor: &str,
    at: Timestamp,
    detail: &serde_json::Value,
) -> Result<(), StoreError> {
    tx.audit(AuditEntry {
        at,
        company: job.company.clone(),
        partner: Some(job.partner.clone()),
        actor: actor.to_owned(),
        action: action.to_owned(),
        document: Some(job.document),
        detail: json(detail)?,
    })
}

/// The newest entries of the history among which one of a clock that was ahead is looked for.
const LATELY: u32 = 100;

/// Whether something that is its document's next was put off by a clock that was ahead: of looks at what was delivered,
/// and of what was given back, the history says nothing either. Goes through what waits for a later moment, partner by
/// partner, and not through what is due.
fn was_put_off(db: &rusqlite::Connection, now: Timestamp) -> Result<bool, StoreError> {
    let mut next = db.prepare_cached(NEXT_PARTNER)?;
    let mut put_off = db.prepare_cached(PUT_OFF)?;
    let (mut company, mut partner) = (CompanyId(String::new()), PartnerId(String::new()));
    loop {
        let found = next
            .query_row((&company, &partner), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some(found) = found else {
            return Ok(false);
        };
        (company, partner) = found;
        if put_off.exists((&company, &partner, now))? {
            return Ok(true);
        }
    }
}

pub const NEXT_PARTNER: &str = "SELECT company, partner FROM operation INDEXED BY operation_ready
    WHERE ready = 1 AND (company, partner) > (?1, ?2) ORDER BY company, partner LIMIT 1";
pub const PUT_OFF: &str = "SELECT 1 FROM operation INDEXED BY operation_ready
    WHERE ready = 1 AND company = ?1 AND partner = ?2 AND due_at > ?3 AND updated_at > ?3";

pub const AHEAD: &str = "SELECT EXISTS (SELECT 1 FROM (SELECT at FROM audit ORDER BY id DESC LIMIT ?2) WHERE at > ?1)
    OR EXISTS (SELECT 1 FROM operation INDEXED BY operation_state
               WHERE state IN ('Retrying', 'Unknown') AND state <> 'Sending'
                 AND (updated_at > ?1 OR scheduled_from > ?1))";

/// Makes due now what was written later than now and put off. A schedule that begins later than now begins now, whenever
/// it was written last: it would not end before it began.
pub fn catch_up(db: &rusqlite::Connection, now: Timestamp) -> Result<usize, StoreError> {
    // Of an attempt that failed the history says nothing: those that failed lately are few. Of those that wait for
    // their first one there may be a million, and the history says when each was saved.
    let was_ahead = was_put_off(db, now)?
        || db
            .prepare_cached(AHEAD)?
            .query_row((now, LATELY), |row| row.get::<_, bool>(0))?;
    if !was_ahead {
        return Ok(0);
    }
    // Those that wait for their turn or are in flight, and those that are to be verified.
    let mut count = 0;
    for which in [
        "state IN ('Queued', 'Retrying', 'Unknown', 'Sending')",
        "ready = 1 AND state = 'Delivered'",
    ] {
        let sql = format!(
            "UPDATE operation SET due_at = CASE WHEN updated_at > ?1 THEN min(due_at, ?1) ELSE due_at END,
                 scheduled_from = min(scheduled_from, ?1)
             WHERE {which} AND (scheduled_from > ?1 OR (due_at > ?1 AND updated_at > ?1))"
        );
        count += db.prepare_cached(&sql)?.execute([now])?;
    }
    Ok(count)
}
