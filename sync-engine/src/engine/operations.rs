//! A person's acts on an operation: try now, replay, release, withdraw.

use super::{Engine, EngineError, own};
use crate::domain::delivery::{self, DeliveryEvent, DeliveryRefusal};
use crate::domain::{DeliveryState, Event, OperationId, Outcome, PartnerRules, Progress, Timestamp, decide};
use crate::exchange::{is_in_doubt, is_overtaken, outbound, replay_key};
use crate::store::{ApplyChange, Lane, Loaded, OperationRow, Replay, StoreError, StoreExt, StoreTx};

/// What a person does to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Retry,
    Release,
    Withdraw,
}

impl Act {
    fn event(self) -> DeliveryEvent {
        match self {
            Self::Retry => DeliveryEvent::Replayed,
            Self::Release => DeliveryEvent::Released,
            Self::Withdraw => DeliveryEvent::Withdrawn,
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Release => "release",
            Self::Withdraw => "withdraw",
        }
    }
}

impl Engine {
    /// Tries a waiting operation now, or replays a dead letter: as a new operation, which is returned and names the old
    /// one. What the partner refused goes as the configuration in force makes it, under a key of its own; what it may
    /// have goes as it went, under its old key, and is looked up first.
    ///
    /// # Errors
    /// `NotFound`; `Refused` with `operation.in_flight` or `operation.state`.
    pub async fn retry_operation(&self, id: OperationId, actor: &str) -> Result<OperationRow, EngineError> {
        self.act(id, Act::Retry, actor).await
    }

    /// Sends a held answer as it is, although its version was superseded.
    ///
    /// # Errors
    /// As `retry_operation`.
    pub async fn release_operation(&self, id: OperationId, actor: &str) -> Result<OperationRow, EngineError> {
        self.act(id, Act::Release, actor).await
    }

    /// Takes a queued, held or dead operation back: it will not be sent, the document needs an answer again. One whose
    /// outcome is not known is settled first, where the partner can be asked or honours its key: released, it is looked
    /// for before it is sent, and until then not taken back.
    ///
    /// # Errors
    /// As `retry_operation`.
    pub async fn withdraw_operation(&self, id: OperationId, actor: &str) -> Result<OperationRow, EngineError> {
        self.act(id, Act::Withdraw, actor).await
    }

    async fn act(&self, id: OperationId, act: Act, actor: &str) -> Result<OperationRow, EngineError> {
        let now = self.exchange().clock.now();
        let new = self.exchange().clock.new_operation_id();
        let actor = actor.to_owned();
        let company = self.company().clone();
        let read = self.store().read(move |store| Ok(own::operation(store, &company, id)?));
        let row = read.await?;
        let unsettled = match act {
            Act::Withdraw => self.unsettled(&row).await?,
            Act::Retry | Act::Release => None,
        };
        let done = self.store().write(Lane::Interactive, move |tx| {
            if let Some(attempts) = unsettled
                && let Some(row) = tx.operation(id)?
                && row.state != DeliveryState::Dead
                && row.attempts == attempts
            {
                return Err(refused(DeliveryRefusal::MayHaveArrived, &row).into());
            }
            change(tx, (id, new), act, &actor, now)
        });
        let row = done.await?;
        tracing::info!(operation = %id, act = act.action(), state = ?row.state, "operation changed by a person");
        self.exchange().due.notify_waiters();
        Ok(row)
    }

    /// The number of attempts, when they leave it open whether the partner has it, and the partner could tell.
    async fn unsettled(&self, row: &OperationRow) -> Result<Option<u32>, EngineError> {
        let id = row.id;
        let attempts = self.store().read(move |store| store.attempts(id)).await?;
        let link = self.exchange().partners.get(&row.partner).map(|partner| partner.link());
        let can_tell = link.is_some_and(|link| {
            link.honours_idempotency_key() || link.can_look_up(outbound(row.kind), &Progress::default())
        });
        Ok((can_tell && is_in_doubt(&attempts)).then_some(row.attempts))
    }
}

fn change(
    tx: &mut dyn StoreTx,
    (id, new): (OperationId, OperationId),
    act: Act,
    actor: &str,
    now: Timestamp,
) -> Result<OperationRow, StoreError> {
    let row = tx.operation(id)?.ok_or_else(|| EngineError::no_operation(id))?;
    let mut to = delivery::next(row.state, act.event()).map_err(|refusal| refused(refusal, &row))?;
    // A replay is no consent to answer a version that was superseded meanwhile: that is asked for on its own.
    if act == Act::Retry && to == DeliveryState::Queued {
        let loaded = tx.load_by_id(row.document)?;
        if loaded.is_some_and(|l| is_overtaken(&l.chain, id)) {
            to = DeliveryState::Held;
        }
    }
    if act == Act::Retry && row.state == DeliveryState::Dead {
        tx.replay(&Replay {
            dead: id,
            id: new,
            state: to,
            key: replay_key(row.last_error.as_ref()),
            at: now,
            actor: actor.to_owned(),
        })?;
        return tx.operation(new)?.ok_or_else(|| EngineError::no_operation(new).into());
    }
    let withdrawn = match (act, row.kind.issues()) {
        (Act::Withdraw, true) => tx.load_by_id(row.document)?,
        (Act::Withdraw, false) | (Act::Retry | Act::Release, _) => None,
    };
    match tx.set_operation_state(id, to, now, actor) {
        // It is looked up or verified right now, which its state does not show.
        Err(StoreError::Conflict(_)) => return Err(refused(DeliveryRefusal::InFlight, &row).into()),
        done => done?,
    }
    if let Some(loaded) = withdrawn {
        take_back(tx, &loaded, id, actor, now)?;
    }
    tx.operation(id)?.ok_or_else(|| EngineError::no_operation(id).into())
}

/// The version of ours that did not leave stays in the chain as withdrawn.
fn take_back(
    tx: &mut dyn StoreTx,
    loaded: &Loaded,
    operation: OperationId,
    actor: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let event = Event::AnswerWithdrawn { operation };
    let decision = decide(&loaded.chain, &event, &PartnerRules::default());
    if decision.outcome != Outcome::Applied {
        return Ok(());
    }
    tx.apply(&ApplyChange {
        key: &loaded.key,
        id: Some(loaded.id),
        decision: &decision,
        content: None,
        actor,
        action: "takenBack",
        at,
        detail: serde_json::json!({ "operation": operation }),
    })
    .map(drop)
}

fn refused(refusal: DeliveryRefusal, row: &OperationRow) -> EngineError {
    let code = match refusal {
        DeliveryRefusal::InFlight => "operation.in_flight",
        DeliveryRefusal::MayHaveArrived
        | DeliveryRefusal::PartnerHasIt
        | DeliveryRefusal::WasWithdrawn
        | DeliveryRefusal::NotHeld
        | DeliveryRefusal::WaitsForPerson
        | DeliveryRefusal::IsDead
        | DeliveryRefusal::NotClaimed => "operation.state",
    };
    let state: DeliveryState = row.state;
    EngineError::Refused {
        code,
        message: refusal.to_string(),
        data: serde_json::json!({ "operation": row.id, "state": state }),
    }
}
