//! The end of a claim: an attempt with its outcome, or nothing done.

use super::jobs::{self, Job, Move};
use super::text::json;
use super::tx::{Tx, one_row};
use crate::domain::{DeliveryState, OperationId, Timestamp};
use crate::store::{FinishAttempt, StoreError};

/// Where an operation goes that would wait for its turn again: a marked one waits for a person.
fn held_back(job: &Job, to: DeliveryState, due_at: Option<Timestamp>) -> (DeliveryState, Option<Timestamp>) {
    match to {
        DeliveryState::Queued | DeliveryState::Retrying if job.hold => (DeliveryState::Held, None),
        _ => (to, due_at),
    }
}

pub fn give_back(tx: &mut Tx<'_>, id: OperationId, epoch: i64, due_at: Timestamp) -> Result<(), StoreError> {
    let job = jobs::leased_job(tx, id, epoch)?;
    super::claim::did_not_leave(tx, &job)?;
    let (to, due) = held_back(&job, job.claimed_from.unwrap_or(DeliveryState::Queued), Some(due_at));
    let back = Move {
        to,
        due_at: due,
        at: due_at,
    };
    jobs::move_to(tx, &job, &back)
}

pub fn finish(tx: &mut Tx<'_>, finish: &FinishAttempt<'_>) -> Result<(), StoreError> {
    let job = jobs::leased_job(tx, finish.operation, finish.epoch)?;
    let due_at = match finish.to {
        DeliveryState::Queued | DeliveryState::Retrying | DeliveryState::Unknown => {
            Some(finish.due_at.unwrap_or(finish.at))
        }
        DeliveryState::Delivered => finish.due_at,
        DeliveryState::Applied | DeliveryState::Held | DeliveryState::Dead | DeliveryState::Withdrawn => None,
        DeliveryState::Sending => {
            return Err(StoreError::Conflict("an attempt does not end in Sending".to_owned()));
        }
    };
    let (to, due_at) = held_back(&job, finish.to, due_at);
    let error = finish.error.map(json).transpose()?;
    insert_attempt(tx, &job, finish, error.as_deref())?;
    let through = matches!(to, DeliveryState::Delivered | DeliveryState::Applied);
    let changed = tx
        .db
        .prepare_cached(
            "UPDATE operation SET state = ?3, ready = ?4, due_at = ?5, lease_holder = NULL, lease_until = NULL,
             claimed_from = NULL, updated_at = ?6, attempts = attempts + 1, receipt = coalesce(?7, receipt),
             last_error = CASE WHEN ?8 THEN NULL ELSE coalesce(?9, last_error) END
             WHERE seq = ?1 AND epoch = ?2",
        )?
        .execute(rusqlite::params![
            job.seq,
            job.epoch,
            to,
            jobs::verifies(to, due_at),
            due_at,
            finish.at,
            finish.receipt.map(json).transpose()?,
            through,
            error,
        ])?;
    one_row(changed, "operation", job.id)?;
    if let Some(next) = finish.next {
        super::claim::go_on(tx, &job, next, finish.at)?;
    }
    jobs::follow(tx, &job, to, finish.at)?;
    let action = match to {
        DeliveryState::Applied => "applied",
        DeliveryState::Held => "held",
        DeliveryState::Dead => "dead",
        DeliveryState::Queued
        | DeliveryState::Sending
        | DeliveryState::Delivered
        | DeliveryState::Retrying
        | DeliveryState::Unknown
        | DeliveryState::Withdrawn => return Ok(()),
    };
    let detail = serde_json::json!({"operation": job.id, "error": finish.error});
    jobs::audit(tx, &job, action, "engine", finish.at, &detail)
}

fn insert_attempt(tx: &Tx<'_>, job: &Job, finish: &FinishAttempt<'_>, error: Option<&str>) -> Result<(), StoreError> {
    let result = match finish.next {
        Some(next) if next.onward => DeliveryState::Delivered,
        Some(_) | None => finish.to,
    };
    tx.db
        .prepare_cached(
            "INSERT INTO attempt
             (operation_seq, number, step, started_at, ended_at, status, result, error, response_excerpt)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute((
            job.seq,
            job.attempts + 1,
            finish.step,
            finish.started_at,
            finish.at,
            finish.status,
            result,
            error,
            finish.response_excerpt.map(excerpt),
        ))?;
    Ok(())
}

/// Bytes of a partner's answer that an attempt keeps.
const EXCERPT_BYTES: usize = 4 << 10;

fn excerpt(text: &str) -> &str {
    &text[..text.floor_char_boundary(EXCERPT_BYTES)]
}
