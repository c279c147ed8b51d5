//! An attempt's outcome and its effect on the version chain, in one transaction.

use super::breaker::Report;
use super::gate::{Credentials, Learned};
use super::intake::attention_texts;
use super::settle::{Settlement, Step};
use crate::domain::counter;
use crate::domain::{
    CanonicalDocument, Chain, DeliveryState, Earlier, Event, OperationId, OrderResponse, Outcome, PartnerRules,
    Progress, Purpose, Timestamp, decide,
};
use crate::partner::{LinesLeft, SendResult, Verdict};
use crate::store::{
    ApplyChange, Claimed, FinishAttempt, Loaded, Marks, NextRequest, Note, OperationError, OperationKind, PayloadRef,
    StoreError, StoreTx, StoredRequest, VersionContentRef,
};
use serde_json::Value;
use std::borrow::Cow;

/// What is known once the request was made, or could not be.
pub struct Seen {
    pub step: Step,
    pub result: SendResult,
    pub settlement: Settlement,
    /// The counter-offer and the request that carried it: becomes a version when the partner has it.
    pub counter: Option<(CanonicalDocument, StoredRequest)>,
    /// Name of the operation's step; empty where it has one request only.
    pub of: String,
    /// Where the operation goes on, when this request is through and not its last.
    pub next: Option<Next>,
}

/// The request after one that is through.
pub struct Next {
    pub progress: Progress,
    /// The partner took the one before. Otherwise it is the same one, made anew.
    pub onward: bool,
}

impl Seen {
    /// An attempt that ends without a question to the partner.
    pub fn unasked(to: DeliveryState, error: OperationError) -> Self {
        Self {
            step: Step::Send,
            result: SendResult {
                verdict: Verdict::NotSeen,
                status: None,
                receipt: None,
                message: error.message.clone(),
                excerpt: None,
                lines: LinesLeft::default(),
            },
            settlement: Settlement {
                to,
                due_at: None,
                error: Some(error),
                taken: false,
                retry: false,
                learned: Learned {
                    report: Report::Neither,
                    credentials: Credentials::NotAsked,
                    error: None,
                },
            },
            counter: None,
            of: String::new(),
            next: None,
        }
    }
}

/// Whether an act of ours that is pending comes too late: another version is the one to answer, or to follow, now.
pub fn is_overtaken(chain: &Chain, operation: OperationId) -> bool {
    let pending = chain.pending.iter().find(|p| p.operation == operation);
    pending.is_some_and(|p| chain.is_overtaken(p))
}

/// Whether the answer must not leave: it is held, or it is not waited for any more. What came out of an unknown state
/// has nobody's consent to an earlier version.
pub fn is_held(chain: &Chain, claimed: &Claimed) -> bool {
    let pending = chain.pending.iter().find(|p| p.operation == claimed.operation);
    pending.is_none_or(|p| p.held) || (claimed.was == DeliveryState::Unknown && is_overtaken(chain, claimed.operation))
}

/// Whether nothing came after a delivered one: its document is as it left it.
///
/// # Errors
/// The database cannot be read.
pub fn is_last_word(tx: &mut dyn StoreTx, claimed: &Claimed) -> Result<bool, StoreError> {
    let Some(loaded) = tx.load_by_id(claimed.document)? else {
        return Ok(false);
    };
    // It changed nothing of the chain: then it is about the version in force.
    let Some(marks) = tx.take_marks(claimed.operation)? else {
        return Ok(loaded.chain.current == Some(claimed.version));
    };
    tx.keep_marks(claimed.operation, &marks)?;
    Ok(loaded.chain.mark() == marks.after)
}

/// The seller's version that a counter-offer makes of the order it answers.
///
/// `earlier` is what the answers before it leave in force.
pub fn counter_offer(
    claimed: &Claimed,
    document: &CanonicalDocument,
    rules: &PartnerRules,
    earlier: &Earlier,
) -> Option<CanonicalDocument> {
    match (claimed.kind, document) {
        (OperationKind::Counter, CanonicalDocument::Order(order)) => {
            let answer: OrderResponse = serde_json::from_value(claimed.answer.clone()).ok()?;
            let offer = counter::counter_offer(order, &answer, rules, earlier);
            Some(CanonicalDocument::Order(offer))
        }
        (
            OperationKind::Counter
            | OperationKind::Confirm
            | OperationKind::Reject
            | OperationKind::Acknowledge
            | OperationKind::Receipt
            | OperationKind::Submit
            | OperationKind::Update
            | OperationKind::Cancel
            | OperationKind::Close
            | OperationKind::Despatch,
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
    let step = match seen.of.as_str() {
        "" => Cow::Borrowed(seen.step.name()),
        of => Cow::Owned(format!("{} {of}", seen.step.name())),
    };
    tx.finish(&FinishAttempt {
        operation: claimed.operation,
        epoch: claimed.epoch,
        started_at,
        at: now,
        step: &step,
        status: seen.result.status,
        to: settlement.to,
        due_at: settlement.due_at,
        error: settlement.error.as_ref(),
        receipt: seen.result.receipt.as_ref(),
        response_excerpt: seen.result.excerpt.as_deref(),
        next: seen.next.as_ref().map(|next| NextRequest {
            progress: &next.progress,
            onward: next.onward,
        }),
    })?;
    let first = claimed.was != DeliveryState::Delivered;
    match (settlement.taken && first, loaded) {
        (true, Some(loaded)) => {
            take_effect(tx, claimed, seen, rules, &loaded, now)?;
            // Its end at the partner is still to come: the way back is kept until then.
            if settlement.to == DeliveryState::Delivered && settlement.due_at.is_some() {
                keep_way_back(tx, claimed, &loaded.chain)?;
            }
        }
        (false, Some(loaded)) if !first => {
            // Sent once more, it may have another name at the partner.
            if claimed.kind.issues() && seen.result.receipt.is_some() {
                learn_partner_ref(tx, claimed, seen, &loaded.chain)?;
            }
            undo(tx, claimed, settlement.to, rules, &loaded, now)?;
        }
        (_, _) => {}
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
            written: None,
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
            doubtful: false,
            came_at: None,
        }),
        (Some(_) | None, _) => None,
    };
    if claimed.kind.issues() {
        learn_partner_ref(tx, claimed, seen, &loaded.chain)?;
    }
    tx.apply(&ApplyChange {
        key: &loaded.key,
        id: Some(loaded.id),
        decision: &decision,
        content,
        actor: &actor,
        action: if claimed.kind.issues() {
            "issueDelivered"
        } else {
            "answerDelivered"
        },
        at: now,
        detail,
    })
    .map(drop)
}

/// What the partner calls a document of ours, from its answer to this version and those before.
fn learn_partner_ref(tx: &mut dyn StoreTx, claimed: &Claimed, seen: &Seen, chain: &Chain) -> Result<(), StoreError> {
    let learnt = seen.result.receipt.as_ref().or(claimed.receipt.as_ref());
    let before = chain.version(claimed.version).and_then(|v| v.supersedes);
    let before = before.and_then(|b| chain.version(b)).and_then(|v| match v.purpose {
        Purpose::Counter => v.base,
        Purpose::Original | Purpose::Change | Purpose::Cancellation | Purpose::Final => Some(v.number),
    });
    let known = match before {
        Some(number) => tx
            .version_content(claimed.document, number)?
            .and_then(|c| c.partner_ref),
        None => None,
    };
    match merged(known, learnt) {
        Some(partner_ref) => tx.set_partner_ref(claimed.document, claimed.version, &partner_ref),
        None => Ok(()),
    }
}

/// Members of `learnt` over those of `known`.
pub fn merged(known: Option<Value>, learnt: Option<&Value>) -> Option<Value> {
    match (known, learnt) {
        (Some(Value::Object(mut known)), Some(Value::Object(learnt))) => {
            known.extend(learnt.iter().map(|(name, value)| (name.clone(), value.clone())));
            Some(Value::Object(known))
        }
        (known, learnt) => learnt.cloned().or(known),
    }
}

fn keep_way_back(tx: &mut dyn StoreTx, claimed: &Claimed, before: &Chain) -> Result<(), StoreError> {
    let Some(after) = tx.load_by_id(claimed.document)? else {
        return Ok(());
    };
    let marks = Marks {
        before: before.mark(),
        after: after.chain.mark(),
    };
    if marks.before.versions.len() == marks.after.versions.len() && marks.before == marks.after {
        return Ok(());
    }
    tx.keep_marks(claimed.operation, &marks)
}

/// The partner had taken it. Carried out, there is no way back; failed, its effect on the chain is undone.
fn undo(
    tx: &mut dyn StoreTx,
    claimed: &Claimed,
    to: DeliveryState,
    rules: &PartnerRules,
    loaded: &Loaded,
    now: Timestamp,
) -> Result<(), StoreError> {
    match to {
        DeliveryState::Dead => {}
        DeliveryState::Applied => return tx.take_marks(claimed.operation).map(drop),
        DeliveryState::Queued
        | DeliveryState::Sending
        | DeliveryState::Delivered
        | DeliveryState::Retrying
        | DeliveryState::Unknown
        | DeliveryState::Held
        | DeliveryState::Withdrawn => return Ok(()),
    }
    let Some(marks) = tx.take_marks(claimed.operation)? else {
        return Ok(());
    };
    let event = Event::Undone {
        operation: claimed.operation,
        before: marks.before,
        after: marks.after,
    };
    let decision = decide(&loaded.chain, &event, rules);
    tx.apply(&ApplyChange {
        key: &loaded.key,
        id: Some(loaded.id),
        decision: &decision,
        content: None,
        actor: &format!("partner:{}", claimed.partner),
        action: "effectUndone",
        at: now,
        detail: serde_json::json!({
            "operation": claimed.operation,
            "version": claimed.version,
            "undone": decision.outcome == Outcome::Applied,
            "attention": attention_texts(&decision.attention),
        }),
    })
    .map(drop)
}
