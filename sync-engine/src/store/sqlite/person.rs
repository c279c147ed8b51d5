//! A person's acts on an operation.

use super::jobs::{self, Move};
use super::tx::{Tx, one_row};
use crate::domain::{DeliveryState, OperationId, Timestamp};
use crate::store::StoreError;

pub fn set_state(
    tx: &mut Tx<'_>,
    id: OperationId,
    to: DeliveryState,
    due_at: Timestamp,
    actor: &str,
) -> Result<(), StoreError> {
    let job = jobs::job(tx, id)?;
    if job.leased {
        return Err(StoreError::Conflict(format!(
            "operation {id} is in flight: wait until its attempt has ended"
        )));
    }
    let action = act(job.state, to)
        .ok_or_else(|| StoreError::Conflict(format!("operation {id} is {:?} and cannot become {to:?}", job.state)))?;
    let due = match to {
        DeliveryState::Queued | DeliveryState::Retrying | DeliveryState::Unknown | DeliveryState::Delivered => {
            Some(due_at)
        }
        DeliveryState::Sending
        | DeliveryState::Applied
        | DeliveryState::Held
        | DeliveryState::Dead
        | DeliveryState::Withdrawn => None,
    };
    let changed = tx
        .db
        .prepare_cached(
            "UPDATE operation SET attempts_before = attempts, scheduled_from = ?3, hold = 0 WHERE seq = ?1 AND epoch = ?2",
        )?
        .execute((job.seq, job.epoch, due_at))?;
    one_row(changed, "operation", id)?;
    if job.hold {
        // Marked no more, so pending again, even where its state stays what it was.
        tx.unsettled(job.document);
    }
    let from = job.state;
    let to = Move {
        to,
        due_at: due,
        at: due_at,
    };
    jobs::move_to(tx, &job, &to)?;
    jobs::audit(
        tx,
        &job,
        action,
        actor,
        due_at,
        &serde_json::json!({"operation": id, "from": from, "to": to.to}),
    )
}

/// What a person's act is called in history; `None` where it is not allowed.
fn act(from: DeliveryState, to: DeliveryState) -> Option<&'static str> {
    use DeliveryState::{Applied, Dead, Delivered, Held, Queued, Retrying, Sending, Unknown, Withdrawn};
    match (from, to) {
        (Sending | Applied | Withdrawn, _) | (_, Sending | Applied) => None,
        (Delivered, Delivered) => Some("verify"),
        (Delivered, _) | (_, Delivered) => None,
        (Held, Queued | Retrying | Unknown) => Some("release"),
        (Queued | Retrying | Unknown | Dead, Queued | Retrying | Unknown) => Some("retry"),
        (Queued | Retrying | Unknown | Dead | Held, Held) => Some("hold"),
        (Queued | Retrying | Unknown | Dead | Held, Dead) => Some("give-up"),
        (Queued | Retrying | Unknown | Dead | Held, Withdrawn) => Some("withdraw"),
    }
}
