//! Our own answers between saving and delivery. They take effect when the partner has them.

use super::answered::{self, Effect};
use super::step::Step;
use super::{Act, Author, ChainState, HeaderAnswer, Outcome, PendingAnswer, Refusal, issue};
use crate::domain::ids::{OperationId, VersionNumber};
use crate::domain::rules::PartnerRules;
use crate::domain::value::ContentHash;

pub(super) fn saved(
    step: &mut Step,
    operation: OperationId,
    number: VersionNumber,
    code: HeaderAnswer,
    rules: &PartnerRules,
) -> Outcome {
    if step.chain.pending.iter().any(|p| p.operation == operation) {
        return Outcome::Duplicate;
    }
    match may_save(step, number, code, rules) {
        Ok(()) => {
            step.chain.pending.push(PendingAnswer {
                operation,
                version: number,
                act: code.into(),
                held: false,
            });
            Outcome::Applied
        }
        Err(refusal) => Outcome::Refused(refusal),
    }
}

fn may_save(step: &Step, number: VersionNumber, code: HeaderAnswer, rules: &PartnerRules) -> Result<(), Refusal> {
    step.must_be_answerer(Author::Us)?;
    let chain = &step.chain;
    if chain.versions.is_empty() {
        return Err(Refusal::Empty);
    }
    let version = chain.version(number).ok_or(Refusal::VersionUnknown)?;
    match chain.state {
        ChainState::Cancelled | ChainState::Closed => return Err(Refusal::ChainEnded),
        ChainState::Draft
        | ChainState::Issued
        | ChainState::Confirmed
        | ChainState::CounterOpen
        | ChainState::ChangePending
        | ChainState::CancelPending
        | ChainState::Rejected => {}
    }
    match answered::effect(chain, version, code, rules) {
        Effect::Refused(refusal) => return Err(refusal),
        Effect::Same => return Err(Refusal::AlreadyDecided),
        Effect::Acknowledge | Effect::Accept | Effect::Reject | Effect::Counter => {}
    }
    if chain.answerable() != Some(number) {
        return Err(Refusal::VersionNotCurrent);
    }
    // An acknowledgement on its way does not stop the decision that follows it: the queue keeps their order. A held
    // answer to another version waits for a person and blocks nothing.
    let blocked = chain.pending.iter().any(|p| {
        let decides = match p.act {
            Act::AB => code == HeaderAnswer::AB,
            Act::AP | Act::RE | Act::CA | Act::Issue | Act::Close => true,
        };
        decides && (p.version == number || !p.held)
    });
    if blocked { Err(Refusal::AnswerPending) } else { Ok(()) }
}

/// The partner has the answer. When its version was superseded meanwhile it is stale: it leaves `pending` and changes
/// nothing else.
pub(super) fn delivered(
    step: &mut Step,
    operation: OperationId,
    counter: Option<ContentHash>,
    rules: &PartnerRules,
) -> Outcome {
    let Some(index) = step.chain.pending.iter().position(|p| p.operation == operation) else {
        return Outcome::Refused(Refusal::NoSuchAnswer);
    };
    let answer = step.chain.pending.remove(index);
    let code = match answer.act {
        Act::Issue => return issue::take_effect(step, answer.version, rules),
        Act::Close => return closed(step),
        Act::AB => HeaderAnswer::AB,
        Act::AP => HeaderAnswer::AP,
        Act::RE => HeaderAnswer::RE,
        Act::CA => HeaderAnswer::CA,
    };
    let Some(version) = step.chain.version(answer.version).cloned() else {
        return Outcome::Refused(Refusal::VersionUnknown);
    };
    let ended = match step.chain.state {
        ChainState::Cancelled | ChainState::Closed => true,
        ChainState::Draft
        | ChainState::Issued
        | ChainState::Confirmed
        | ChainState::CounterOpen
        | ChainState::ChangePending
        | ChainState::CancelPending
        | ChainState::Rejected => false,
    };
    if ended || step.chain.answerable() != Some(version.number) {
        return Outcome::Stale;
    }
    match answered::effect(&step.chain, &version, code, rules) {
        // Decided by another way meanwhile.
        Effect::Same | Effect::Refused(_) => Outcome::Stale,
        effect @ (Effect::Acknowledge | Effect::Accept | Effect::Reject | Effect::Counter) => {
            match answered::apply(step, &version, effect, counter.map(|hash| (hash, None))) {
                Outcome::Duplicate => Outcome::Stale,
                outcome @ (Outcome::Applied
                | Outcome::Conflict
                | Outcome::Stale
                | Outcome::Late
                | Outcome::Refused(_)) => outcome,
            }
        }
    }
}

pub(super) fn released(step: &mut Step, operation: OperationId) -> Outcome {
    match step.chain.pending.iter_mut().find(|p| p.operation == operation) {
        None => Outcome::Refused(Refusal::NoSuchAnswer),
        Some(answer) if !answer.held => Outcome::Refused(Refusal::NotHeld),
        Some(answer) => {
            answer.held = false;
            Outcome::Applied
        }
    }
}

pub(super) fn withdrawn(step: &mut Step, operation: OperationId) -> Outcome {
    let Some(index) = step.chain.pending.iter().position(|p| p.operation == operation) else {
        return Outcome::Refused(Refusal::NoSuchAnswer);
    };
    let taken_back = step.chain.pending.remove(index);
    if taken_back.act == Act::Issue {
        issue::taken_back(step, taken_back.version);
    }
    Outcome::Applied
}

/// Saved as an answer is: it closes the document when the partner has it.
pub(super) fn close_saved(step: &mut Step, operation: OperationId) -> Outcome {
    let Some(version) = step.chain.current else {
        return Outcome::Refused(Refusal::Empty);
    };
    let mut trial = Step::new(&step.chain);
    match super::close(&mut trial) {
        Outcome::Applied => {
            step.chain.pending.push(PendingAnswer {
                operation,
                version,
                act: Act::Close,
                held: false,
            });
            Outcome::Applied
        }
        outcome @ (Outcome::Duplicate | Outcome::Conflict | Outcome::Stale | Outcome::Late | Outcome::Refused(_)) => {
            outcome
        }
    }
}

/// The partner knows that nothing more will come. Whatever was opened meanwhile stays open.
fn closed(step: &mut Step) -> Outcome {
    match super::close(step) {
        Outcome::Applied => Outcome::Applied,
        Outcome::Duplicate | Outcome::Conflict | Outcome::Stale | Outcome::Late | Outcome::Refused(_) => Outcome::Stale,
    }
}
