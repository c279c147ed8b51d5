//! What an answer does to the chain once both sides have it, and what the issuer's refusal of a counter-offer does.

use super::step::{NewVersion, Step};
use super::{Author, Chain, ChainState, HeaderAnswer, Outcome, Purpose, Refusal, VersionHead, VersionState, issue};
use crate::domain::document::DocumentKind;
use crate::domain::ids::VersionNumber;
use crate::domain::rules::{OnCounterRefused, PartnerRules};
use crate::domain::value::ContentHash;

/// What an answer would do to a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Acknowledge,
    Accept,
    Reject,
    Counter,
    /// It has been answered so already.
    Same,
    Refused(Refusal),
}

/// The effect of `code` on `version`. One version may be answered several times: a counter-offer may be followed by an
/// acceptance, a rejection may be taken back unless the partner's rules forbid it, and an accepted version may still be
/// countered (a delay that shows later). What is accepted is not rejected afterwards: that is the issuer's cancellation.
pub(super) fn effect(chain: &Chain, version: &VersionHead, code: HeaderAnswer, rules: &PartnerRules) -> Effect {
    use HeaderAnswer::{AB, AP, CA, RE};
    if !exists(chain.kind, version.purpose, code) {
        return Effect::Refused(Refusal::CodeNotAllowed);
    }
    match (version.state, code) {
        (VersionState::Proposed, AB) => Effect::Acknowledge,
        (VersionState::Acknowledged, AB) => Effect::Same,
        (VersionState::Proposed | VersionState::Acknowledged | VersionState::Countered, AP) => Effect::Accept,
        (VersionState::Proposed | VersionState::Acknowledged | VersionState::Countered, RE) => Effect::Reject,
        (VersionState::Proposed | VersionState::Acknowledged | VersionState::Countered, CA) => Effect::Counter,
        // The seller takes its own later counter-offer back: what was accepted stands.
        (VersionState::Accepted, AP) if chain.state == ChainState::CounterOpen => Effect::Accept,
        (VersionState::Accepted, AP) | (VersionState::Rejected, RE) => Effect::Same,
        (VersionState::Accepted, CA) => Effect::Counter,
        (VersionState::Rejected, AP) if !rules.rejected_line_final => Effect::Accept,
        (VersionState::Rejected, CA) if !rules.rejected_line_final => Effect::Counter,
        (VersionState::Rejected, AP | CA) => Effect::Refused(Refusal::RejectedBefore),
        (VersionState::Accepted, AB | RE) | (VersionState::Rejected | VersionState::Countered, AB) => {
            Effect::Refused(Refusal::AlreadyDecided)
        }
        (VersionState::Draft | VersionState::Superseded | VersionState::Withdrawn, AB | AP | RE | CA) => {
            Effect::Refused(Refusal::VersionNotCurrent)
        }
    }
}

/// Which answers there are to which version. A receipt (AP, CA, RE) is the only answer to a delivery note; its
/// cancellation has none. A cancellation is taken or refused. The buyer takes a counter-offer by an update.
fn exists(kind: DocumentKind, purpose: Purpose, code: HeaderAnswer) -> bool {
    use HeaderAnswer::{AB, AP, CA, RE};
    match (purpose, kind, code) {
        (Purpose::Counter, DocumentKind::Order | DocumentKind::DespatchAdvice, AB | AP | RE | CA)
        | (Purpose::Cancellation, DocumentKind::DespatchAdvice, AB | AP | RE | CA)
        | (Purpose::Cancellation, DocumentKind::Order, CA)
        | (Purpose::Original | Purpose::Change | Purpose::Final, DocumentKind::DespatchAdvice, AB) => false,
        (Purpose::Cancellation, DocumentKind::Order, AB | AP | RE)
        | (Purpose::Original | Purpose::Change | Purpose::Final, DocumentKind::Order, AB | AP | RE | CA)
        | (Purpose::Original | Purpose::Change | Purpose::Final, DocumentKind::DespatchAdvice, AP | RE | CA) => true,
    }
}

/// Carries out an effect on the answerable `version`. `counter` is the counter-offer's hash and sequence.
pub(super) fn apply(
    step: &mut Step,
    version: &VersionHead,
    effect: Effect,
    counter: Option<(ContentHash, Option<i64>)>,
) -> Outcome {
    match effect {
        Effect::Refused(refusal) => return Outcome::Refused(refusal),
        Effect::Same => return Outcome::Duplicate,
        Effect::Acknowledge => step.set_state(version.number, VersionState::Acknowledged),
        Effect::Accept => accept(step, version),
        Effect::Reject => reject(step, version),
        Effect::Counter => match step.chain.kind {
            DocumentKind::DespatchAdvice => differ(step, version),
            DocumentKind::Order => {
                let Some((hash, sequence)) = counter else {
                    return Outcome::Refused(Refusal::CounterMissing);
                };
                if step
                    .chain
                    .versions
                    .iter()
                    .any(|v| v.is_open_counter() && v.hash == hash)
                {
                    return Outcome::Duplicate;
                }
                store_counter(step, version, hash, sequence);
            }
        },
    }
    step.point_at_current();
    step.hold_overtaken_answers();
    Outcome::Applied
}

fn accept(step: &mut Step, version: &VersionHead) {
    match version.purpose {
        Purpose::Cancellation => {
            step.end_open_versions(Some(version.number), VersionState::Withdrawn);
            step.chain.state = ChainState::Cancelled;
            step.chain.before_cancel = None;
        }
        Purpose::Original | Purpose::Change | Purpose::Counter | Purpose::Final => {
            step.end_open_counters(VersionState::Withdrawn);
            step.chain.state = ChainState::Confirmed;
        }
    }
    step.agree(version.number);
}

/// A refused cancellation leads back to what was. Else what is agreed stays in force; with nothing agreed, the
/// document as it stands is rejected.
fn reject(step: &mut Step, version: &VersionHead) {
    step.set_state(version.number, VersionState::Rejected);
    match version.purpose {
        Purpose::Cancellation => {
            step.chain.state = step.chain.before_cancel.take().unwrap_or(ChainState::Issued);
            reopen_late_version(step);
        }
        Purpose::Original | Purpose::Change | Purpose::Counter | Purpose::Final => {
            step.end_open_counters(VersionState::Withdrawn);
            step.chain.state = if step.chain.agreed.is_some() {
                ChainState::Confirmed
            } else {
                ChainState::Rejected
            };
        }
    }
}

/// A version that came late behind the cancellation is the newest again once that is refused: it is open, and takes
/// the place of what was open before it.
fn reopen_late_version(step: &mut Step) {
    let late = step
        .newest_issued()
        .and_then(|number| step.chain.version(number))
        .filter(|v| v.state == VersionState::Superseded);
    let Some(number) = late.map(|v| v.number) else { return };
    step.end_open_versions(None, VersionState::Superseded);
    step.set_state(number, VersionState::Proposed);
    step.chain.state = if step.chain.agreed.is_some() {
        ChainState::ChangePending
    } else {
        ChainState::Issued
    };
}

/// A receipt with differences: a fact, not an offer, so no version is stored. Open until a replacement or a close.
fn differ(step: &mut Step, version: &VersionHead) {
    if step.chain.agreed != Some(version.number) {
        step.set_state(version.number, VersionState::Countered);
    }
    step.chain.state = ChainState::CounterOpen;
}

/// The seller's version, based on the one that it answers. An agreed base stays agreed until the buyer takes the offer.
fn store_counter(step: &mut Step, version: &VersionHead, hash: ContentHash, sequence: Option<i64>) {
    step.end_open_counters(VersionState::Superseded);
    if step.chain.agreed != Some(version.number) {
        step.set_state(version.number, VersionState::Countered);
    }
    let author = match step.chain.issuer() {
        Author::Us => Author::Partner,
        Author::Partner => Author::Us,
    };
    step.store(NewVersion {
        author,
        purpose: Purpose::Counter,
        state: VersionState::Proposed,
        sequence,
        hash,
        supersedes: step.chain.current,
        base: Some(version.number),
    });
    step.chain.state = ChainState::CounterOpen;
}

/// The partner answered a version that we issued.
pub(super) fn received(
    step: &mut Step,
    number: VersionNumber,
    code: HeaderAnswer,
    counter: Option<ContentHash>,
    rules: &PartnerRules,
) -> Outcome {
    if let Err(refusal) = step.must_be_answerer(Author::Partner) {
        return Outcome::Refused(refusal);
    }
    if step.chain.versions.is_empty() {
        return Outcome::Refused(Refusal::Empty);
    }
    // What it answers has reached it, though we have not heard so yet.
    issue::take_effect(step, number, rules);
    let Some(version) = step.chain.version(number).cloned() else {
        return Outcome::Refused(Refusal::VersionUnknown);
    };
    if version.purpose != Purpose::Counter && step.chain.answerable() != Some(number) {
        return Outcome::Stale;
    }
    match step.chain.state {
        ChainState::Cancelled | ChainState::Closed => match effect(&step.chain, &version, code, rules) {
            Effect::Same => Outcome::Duplicate,
            Effect::Acknowledge | Effect::Accept | Effect::Reject | Effect::Counter | Effect::Refused(_) => {
                Outcome::Refused(Refusal::ChainEnded)
            }
        },
        ChainState::Draft
        | ChainState::Issued
        | ChainState::Confirmed
        | ChainState::CounterOpen
        | ChainState::ChangePending
        | ChainState::CancelPending
        | ChainState::Rejected => {
            let effect = effect(&step.chain, &version, code, rules);
            apply(step, &version, effect, counter.map(|hash| (hash, None)))
        }
    }
}

/// The issuer refused the open counter-offer (or disputes a receipt's differences).
pub(super) fn counter_refused(step: &mut Step, author: Author, rules: &PartnerRules) -> Outcome {
    if let Err(refusal) = step.must_be_issuer(author) {
        return Outcome::Refused(refusal);
    }
    match step.chain.state {
        ChainState::CounterOpen => {}
        ChainState::Draft
        | ChainState::Issued
        | ChainState::Confirmed
        | ChainState::ChangePending
        | ChainState::CancelPending
        | ChainState::Cancelled
        | ChainState::Rejected
        | ChainState::Closed => return Outcome::Refused(Refusal::NoCounterOpen),
    }
    let base = step.chain.answerable();
    step.end_open_counters(VersionState::Rejected);
    match (step.chain.kind, rules.on_counter_refused) {
        (DocumentKind::Order, OnCounterRefused::CancelOrder) => {
            step.end_open_versions(None, VersionState::Withdrawn);
            if let Some(agreed) = step.chain.agreed.take() {
                step.set_state(agreed, VersionState::Withdrawn);
            }
            step.chain.state = ChainState::Cancelled;
        }
        (DocumentKind::Order, OnCounterRefused::HandBack)
        | (DocumentKind::DespatchAdvice, OnCounterRefused::CancelOrder | OnCounterRefused::HandBack) => {
            hand_back(step, base);
        }
    }
    step.point_at_current();
    step.hold_overtaken_answers();
    Outcome::Applied
}

/// The version that was countered waits for an answer again, unless it is agreed: then that stands.
fn hand_back(step: &mut Step, base: Option<VersionNumber>) {
    step.chain.state = match (step.chain.agreed, base) {
        (Some(agreed), Some(base)) if agreed == base => ChainState::Confirmed,
        (agreed, base) => {
            if let Some(base) = base {
                step.set_state(base, VersionState::Proposed);
            }
            if agreed.is_some() {
                ChainState::ChangePending
            } else {
                ChainState::Issued
            }
        }
    };
}
