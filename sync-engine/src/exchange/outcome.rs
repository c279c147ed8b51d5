//! An attempt's outcome and its effect on the version chain, in one transaction.

use super::intake::attention_texts;
use super::settle::{Settlement, Step};
use crate::domain::counter;
use crate::domain::{
    CanonicalDocument, Chain, DeliveryState, Event, OrderResponse, Outcome, PartnerRules, Timestamp, VersionNumber,
    decide,
};
use crate::partner::SendResult;
use crate::store::{
    ApplyChange, Claimed, FinishAttempt, Loaded, Note, OperationError, OperationKind, PayloadRef, StoreError, StoreTx,
    StoredRequest, VersionContentRef,
};

/// What is known once the request was made, or could not be.
pub struct Seen {
    pub step: Step,
    pub result: SendResult,
    pub settlement: Settlement,
    /// The counter-offer and the request that carried it: becomes a version when the partner has it.
    pub counter: Option<(CanonicalDocument, StoredRequest)>,
}

/// Whether an answer to `version` comes too late: another version is the one to answer now.
pub fn is_overtaken(chain: &Chain, version: VersionNumber) -> bool {
    chain.answerable() != Some(version)
}

/// Whether the answer must not leave: it is held, or it is not waited for any more. What came out of an unknown state
/// has nobody's consent to an earlier version.
pub fn is_held(chain: &Chain, claimed: &Claimed) -> bool {
    let pending = chain.pending.iter().find(|p| p.operation == claimed.operation);
    pending.is_none_or(|p| p.held) || (claimed.was == DeliveryState::Unknown && is_overtaken(chain, claimed.version))
}

/// The seller's version that a counter-offer makes of the order it answers.
///
/// `previous` is the answer before it, where the partner's answers update line by line.
pub fn counter_offer(
    claimed: &Claimed,
    document: &CanonicalDocument,
    rules: &PartnerRules,
    previous: Option<&OrderResponse>,
) -> Option<CanonicalDocument> {
    match (claimed.kind, document) {
        (OperationKind::Counter, CanonicalDocument::Order(order)) => {
            let answer: OrderResponse = serde_json::from_value(claimed.answer.clone()).ok()?;
            let offer = counter::counter_offer(order, &answer, rules, previous);
            Some(CanonicalDocument::Order(offer))
        }
        (
            OperationKind::Counter
            | OperationKind::Confirm
            | OperationKind::Reject
            | OperationKind::Acknowledge
            | OperationKind::Receipt,
            _,
        ) => None,
    }
}

/// Writes the attempt with its outcome, then what the answer does to the chain once the partner has it.
/// Returns the state that was written.
///
/// # Errors
/// `LeaseLost` when the epoch is over: nothing is written.
pub fn write(
    tx: &mut dyn StoreTx,
    claimed: &Claimed,
    seen: &Seen,
    rules: &PartnerRules,
    started_at: Timestamp,
    now: Timestamp,
) -> Result<DeliveryState, StoreError> {
    let loaded = tx.load_by_id(claimed.document)?;
    let mut settlement = seen.settlement.clone();
    let held = loaded.as_ref().is_some_and(|l| is_held(&l.chain, claimed));
    if settlement.to == DeliveryState::Retrying && held {
        settlement.to = DeliveryState::Held;
        settlement.due_at = None;
        settlement.error = Some(OperationError {
            code: "answer.superseded".to_owned(),
            status: seen.result.status,
            message: seen.result.message.clone(),
        });
    }
    tx.finish(&FinishAttempt {
        operation: claimed.operation,
        epoch: claimed.epoch,
        started_at,
        at: now,
        step: seen.step.name(),
        status: seen.result.status,
        to: settlement.to,
        due_at: settlement.due_at,
        error: settlement.error.as_ref(),
        receipt: seen.result.receipt.as_ref(),
        response_excerpt: seen.result.excerpt.as_deref(),
    })?;
    if let (true, Some(loaded)) = (settlement.taken && claimed.was != DeliveryState::Delivered, loaded) {
        take_effect(tx, claimed, seen, rules, &loaded, now)?;
    }
    Ok(settlement.to)
}

fn take_effect(
    tx: &mut dyn StoreTx,
    claimed: &Claimed,
    seen: &Seen,
    rules: &PartnerRules,
    loaded: &Loaded,
    now: Timestamp,
) -> Result<(), StoreError> {
    let hash = seen.counter.as_ref().map(|(_, request)| request.hash);
    let event = Event::AnswerDelivered {
        operation: claimed.operation,
        counter: hash,
    };
    let decision = decide(&loaded.chain, &event, rules);
    let detail = serde_json::json!({
        "operation": claimed.operation,
        "version": claimed.version,
        "counter": decision.stored,
        "stale": decision.outcome == Outcome::Stale,
        "attention": attention_texts(&decision.attention),
    });
    let actor = format!("partner:{}", claimed.partner);
    if let Outcome::Refused(refusal) = decision.outcome {
        return tx.note(&Note {
            document: Some(claimed.document),
            company: &claimed.company,
            partner: Some(&claimed.partner),
            actor: &actor,
            action: "answerRefused",
            at: now,
            detail: serde_json::json!({ "operation": claimed.operation, "refusal": refusal }),
        });
    }
    let content = match (&decision.stored, &seen.counter) {
        (Some(_), Some((document, request))) => Some(VersionContentRef {
            document,
            payload: PayloadRef {
                media_type: &request.media_type,
                bytes: &request.body,
            },
            sequence: None,
            revision: None,
            partner_ref: None,
            change_summary: None,
            answer_due: None,
        }),
        (Some(_) | None, _) => None,
    };
    tx.apply(&ApplyChange {
        key: &loaded.key,
        id: Some(loaded.id),
        decision: &decision,
        content,
        actor: &actor,
        action: "answerDelivered",
        at: now,
        detail,
    })
    .map(drop)
}
