//! A dead letter once more, as a new operation.

use super::jobs::{self, Job, Move};
use super::text::{Json, json};
use super::tx::{Tx, one_row};
use crate::domain::{Act, DeliveryState, Progress, VersionNumber};
use crate::store::{NewOperation, OperationKind, Replay, ReplayKey, StoreError};

/// What the dead letter hands on.
struct Dead {
    version: VersionNumber,
    kind: OperationKind,
    act: Act,
    answer: serde_json::Value,
    /// An attempt ended without an outcome, or did not end: its request may have arrived.
    in_doubt: bool,
}

pub fn replay(tx: &mut Tx<'_>, replay: &Replay) -> Result<(), StoreError> {
    let job = jobs::job(tx, replay.dead)?;
    if job.state != DeliveryState::Dead {
        return Err(StoreError::Conflict(format!(
            "operation {} is {:?}: only a dead letter is replayed",
            replay.dead, job.state
        )));
    }
    let dead = read(tx, &job)?;
    let gone = Move {
        to: DeliveryState::Withdrawn,
        due_at: None,
        at: replay.at,
    };
    jobs::move_to(tx, &job, &gone)?;
    jobs::enqueue(
        tx,
        &NewOperation {
            id: replay.id,
            company: job.company.clone(),
            partner: job.partner.clone(),
            document: job.document,
            version: dead.version,
            kind: dead.kind,
            act: dead.act,
            answer: dead.answer,
            state: replay.state,
            due_at: replay.at,
            created_at: replay.at,
            actor: replay.actor.clone(),
        },
    )?;
    let new = jobs::job(tx, replay.id)?;
    let anew = match replay.key {
        ReplayKey::Old => false,
        ReplayKey::NewUnlessInDoubt => !dead.in_doubt,
        ReplayKey::New => true,
    };
    link(tx, &job, &new, anew)?;
    let detail = serde_json::json!({
        "operation": replay.id, "replayOf": replay.dead, "from": job.state, "to": replay.state, "anew": anew,
    });
    jobs::audit(tx, &new, "replay", &replay.actor, replay.at, &detail)
}

fn read(tx: &Tx<'_>, job: &Job) -> Result<Dead, StoreError> {
    Ok(tx
        .db
        .prepare_cached(
            "SELECT o.version, o.kind, o.act, a.answer, o.epoch > o.attempts OR EXISTS (
               SELECT 1 FROM attempt t WHERE t.operation_seq = o.seq AND t.result = 'Unknown')
             FROM operation o JOIN operation_answer a ON a.operation_seq = o.seq WHERE o.seq = ?1",
        )?
        .query_row([job.seq], |row| {
            Ok(Dead {
                version: row.get(0)?,
                kind: row.get(1)?,
                act: row.get(2)?,
                answer: row.get::<_, Json<serde_json::Value>>(3)?.0,
                in_doubt: row.get(4)?,
            })
        })?)
}

/// Each names the other. An operation of several requests goes on where it stopped. Not `anew`: key, bytes and receipt go on to the new one, which is then asked about before it is
/// sent, like any that may have left.
fn link(tx: &Tx<'_>, dead: &Job, new: &Job, anew: bool) -> Result<(), StoreError> {
    let changed = tx
        .db
        .prepare_cached("UPDATE operation SET replayed_as = ?2 WHERE seq = ?1")?
        .execute((dead.seq, new.id))?;
    one_row(changed, "operation", dead.id)?;
    let changed = tx
        .db
        .prepare_cached("UPDATE operation SET replay_of = ?2 WHERE seq = ?1")?
        .execute((new.seq, dead.id))?;
    one_row(changed, "operation", new.id)?;
    let progress: Option<Json<Progress>> = tx
        .db
        .prepare_cached("SELECT progress FROM operation WHERE seq = ?1")?
        .query_row([dead.seq], |row| row.get(0))?;
    // Requests that are through are never repeated: made anew is only the one that was refused, as its next round.
    let progress = progress.map(|Json(progress)| if anew { progress.anew() } else { progress });
    if anew && progress.is_none() {
        return Ok(());
    }
    let changed = tx
        .db
        .prepare_cached(
            "UPDATE operation SET progress = ?3, (sent_as, receipt) =
               (SELECT coalesce(o.sent_as, o.id), o.receipt FROM operation o WHERE o.seq = ?2) WHERE seq = ?1",
        )?
        .execute((new.seq, dead.seq, progress.as_ref().map(json).transpose()?))?;
    one_row(changed, "operation", new.id)?;
    if anew {
        return Ok(());
    }
    // None when it never came to a request; a draft that never left is made anew.
    tx.db
        .prepare_cached(
            "INSERT INTO request (operation_seq, method, url, headers, media_type, body, hash)
             SELECT ?1, r.method, r.url, r.headers, r.media_type, r.body, r.hash
             FROM request r JOIN operation o ON o.seq = r.operation_seq
             WHERE r.operation_seq = ?2 AND (r.made_with IS NULL OR o.left_in IS NOT NULL)",
        )?
        .execute((new.seq, dead.seq))?;
    Ok(())
}
