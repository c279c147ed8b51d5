//! Versions that we issue: drafts from saving to delivery. A draft takes effect when the partner has it, as an answer
//! does; until then nothing else of the chain changes.

use super::step::{NewVersion, Step};
use super::version::{self, Arrival, Placed};
use super::{Act, Author, ChainState, Outcome, PendingAnswer, Purpose, Refusal, VersionState};
use crate::domain::ids::{OperationId, VersionNumber};
use crate::domain::rules::PartnerRules;

/// We save a version: a draft, with its operation. One act of ours at a time is on its way.
pub(super) fn saved(step: &mut Step, operation: OperationId, new: &Arrival) -> Outcome {
    if step.chain.pending.iter().any(|p| p.operation == operation) {
        return Outcome::Duplicate;
    }
    if let Err(refusal) = may_save(step, new) {
        return Outcome::Refused(refusal);
    }
    let supersedes = step.chain.current.filter(|_| step.chain.state != ChainState::Draft);
    let base = new.base.filter(|b| step.chain.version(*b).is_some());
    let number = step.store(NewVersion {
        author: Author::Us,
        purpose: new.purpose,
        state: VersionState::Draft,
        sequence: new.sequence,
        hash: new.hash,
        supersedes,
        base,
    });
    if supersedes.is_none() {
        step.chain.current = Some(number);
    }
    step.chain.pending.push(PendingAnswer {
        operation,
        version: number,
        act: Act::Issue,
        held: false,
    });
    Outcome::Applied
}

fn may_save(step: &Step, new: &Arrival) -> Result<(), Refusal> {
    version::allowed(step, new)?;
    if new.purpose == Purpose::Counter {
        return Err(Refusal::CodeNotAllowed);
    }
    match step.chain.state {
        ChainState::Cancelled | ChainState::Closed => return Err(Refusal::ChainEnded),
        // Nothing of it has reached the partner: only an original may, where the one before was taken back.
        ChainState::Draft => {
            let original = matches!(new.purpose, Purpose::Original | Purpose::Final);
            if !original {
                return Err(Refusal::NotAnOriginal);
            }
        }
        ChainState::Issued
        | ChainState::Confirmed
        | ChainState::CounterOpen
        | ChainState::ChangePending
        | ChainState::CancelPending
        | ChainState::Rejected => match new.purpose {
            Purpose::Original => return Err(Refusal::AlreadyIssued),
            Purpose::Cancellation if step.chain.state == ChainState::CancelPending => {
                return Err(Refusal::AlreadyDecided);
            }
            Purpose::Change | Purpose::Cancellation | Purpose::Counter | Purpose::Final => {}
        },
    }
    if step.chain.pending.is_empty() {
        Ok(())
    } else {
        Err(Refusal::AnswerPending)
    }
}

/// The partner has our draft. It is in force there, whatever came meanwhile, so it takes effect; only an ended chain is
/// not opened again.
pub(super) fn take_effect(step: &mut Step, number: VersionNumber, rules: &PartnerRules) -> Outcome {
    let Some(draft) = step.chain.version(number).cloned() else {
        return Outcome::Refused(Refusal::VersionUnknown);
    };
    match (draft.state, step.chain.state) {
        (VersionState::Draft, ChainState::Cancelled | ChainState::Closed) => return Outcome::Stale,
        (VersionState::Draft, _) => {}
        // The partner's answer came first and showed that it has it.
        (_, _) => return Outcome::Stale,
    }
    let arrival = Arrival {
        author: draft.author,
        purpose: draft.purpose,
        sequence: draft.sequence,
        hash: draft.hash,
        base: draft.base,
        overtaken: false,
    };
    version::in_force(step, &arrival, Placed::Already(number), rules)
}

/// A person took the draft back before it left.
pub(super) fn taken_back(step: &mut Step, number: VersionNumber) {
    if step
        .chain
        .version(number)
        .is_some_and(|v| v.state == VersionState::Draft)
    {
        step.set_state(number, VersionState::Withdrawn);
    }
}
