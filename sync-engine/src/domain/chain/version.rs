//! A version arrives, or we issue one.

use super::answered::{self, Effect};
use super::step::{NewVersion, Step};
use super::{Act, Author, Chain, ChainState, Outcome, Purpose, Refusal, VersionHead, VersionState};
use crate::domain::document::DocumentKind;
use crate::domain::ids::VersionNumber;
use crate::domain::rules::{OnChange, PartnerRules};
use crate::domain::value::ContentHash;

/// The fields of `Event::Version`.
pub(super) struct Arrival {
    pub author: Author,
    pub purpose: Purpose,
    pub sequence: Option<i64>,
    pub hash: ContentHash,
    pub base: Option<VersionNumber>,
    pub overtaken: bool,
}

impl Chain {
    /// Whether the version of an order is a change that is not in force: it followed another one, and is not agreed.
    pub fn is_change(&self, number: VersionNumber) -> bool {
        let follows = self.version(number).is_some_and(|v| {
            v.supersedes.is_some()
                && matches!(v.purpose, Purpose::Original | Purpose::Change)
                && v.author == self.issuer()
        });
        self.kind == DocumentKind::Order && follows && self.agreed != Some(number)
    }
}

/// Where an arrival stands among the versions that are known.
enum Place {
    Newest,
    Known,
    SameSequence,
    Earlier,
}

pub(super) fn arrived(step: &mut Step, new: &Arrival, rules: &PartnerRules) -> Outcome {
    if let Err(refusal) = allowed(step, new) {
        return Outcome::Refused(refusal);
    }
    let drafting = step.chain.pending.iter().any(|p| p.act == Act::Issue);
    if new.author == Author::Us && drafting {
        return Outcome::Refused(Refusal::AnswerPending);
    }
    match place(step, new, rules) {
        Place::Known => return Outcome::Duplicate,
        Place::SameSequence => return Outcome::Conflict,
        Place::Earlier => return late(step, new, rules),
        Place::Newest => {}
    }
    match step.chain.state {
        ChainState::Cancelled | ChainState::Closed => return Outcome::Refused(Refusal::ChainEnded),
        ChainState::Draft
        | ChainState::Issued
        | ChainState::Confirmed
        | ChainState::CounterOpen
        | ChainState::ChangePending
        | ChainState::CancelPending
        | ChainState::Rejected => {}
    }
    if let Err(refusal) = first_and_following(step, new) {
        return Outcome::Refused(refusal);
    }
    in_force(step, new, Placed::New, rules)
}

/// Who may issue what.
pub(super) fn allowed(step: &Step, new: &Arrival) -> Result<(), Refusal> {
    match new.purpose {
        Purpose::Original | Purpose::Change | Purpose::Cancellation => step.must_be_issuer(new.author),
        Purpose::Final => match step.chain.kind {
            DocumentKind::Order => Err(Refusal::CodeNotAllowed),
            DocumentKind::DespatchAdvice => step.must_be_issuer(new.author),
        },
        Purpose::Counter => match step.chain.kind {
            DocumentKind::Order => step.must_be_answerer(new.author),
            DocumentKind::DespatchAdvice => Err(Refusal::CodeNotAllowed),
        },
    }
}

/// Whether the version is to be stored, or is there as a draft.
#[derive(Debug, Clone, Copy)]
pub(super) enum Placed {
    New,
    Already(VersionNumber),
}

/// Both sides have the version: what that does.
pub(super) fn in_force(step: &mut Step, new: &Arrival, placed: Placed, rules: &PartnerRules) -> Outcome {
    let outcome = match new.purpose {
        Purpose::Original | Purpose::Change | Purpose::Final => issued(step, new, placed, rules),
        Purpose::Cancellation => cancelled(step, new, placed),
        Purpose::Counter => countered(step, new, rules),
    };
    step.point_at_current();
    step.hold_overtaken_answers();
    step.note_gap(rules);
    outcome
}

/// Compares with the versions of the same author: by the partner's sequence where both have one, else by content, and
/// by when they came.
fn place(step: &Step, new: &Arrival, rules: &PartnerRules) -> Place {
    // What has not reached the other side is known to nobody there.
    let known = || {
        let of_author = step.chain.versions.iter().filter(|v| v.author == new.author);
        of_author.filter(|v| step.has_left(v))
    };
    // A cancellation may carry the order unchanged, so equal content is a duplicate only for an equal act.
    let same = |v: &VersionHead| {
        v.hash == new.hash && (v.purpose == Purpose::Cancellation) == (new.purpose == Purpose::Cancellation)
    };
    let overtaken = new.overtaken && known().next().is_some();
    let Some(sequence) = new.sequence else {
        return if known().any(same) {
            Place::Known
        } else if overtaken || (new.purpose == Purpose::Original && only_changes_known(step)) {
            Place::Earlier
        } else {
            Place::Newest
        };
    };
    if let Some(equal) = known().find(|v| v.sequence == Some(sequence)) {
        return if same(equal) { Place::Known } else { Place::SameSequence };
    }
    // A refused cancellation is as if it had not been: what comes before it may still be the newest of the rest.
    let refused = |v: &VersionHead| v.purpose == Purpose::Cancellation && v.state == VersionState::Rejected;
    match known().filter(|v| !refused(v)).filter_map(|v| v.sequence).max() {
        Some(newest) if sequence < newest => {
            if known().any(same) {
                Place::Known
            } else {
                Place::Earlier
            }
        }
        // A sequence that is a time says when the partner touched the document: unchanged, it is the newest version again.
        Some(newest) if !rules.sequence_counts && known().any(|v| v.sequence == Some(newest) && same(v)) => {
            Place::Known
        }
        None if overtaken => Place::Earlier,
        Some(_) | None => Place::Newest,
    }
}

/// Changes or a cancellation came first: the original that they belong to is the earlier one.
fn only_changes_known(step: &Step) -> bool {
    let mut issued = step
        .chain
        .versions
        .iter()
        .filter(|v| v.author == step.chain.issuer())
        .peekable();
    issued.peek().is_some()
        && issued.all(|v| match v.purpose {
            Purpose::Change | Purpose::Cancellation => true,
            Purpose::Original | Purpose::Final | Purpose::Counter => false,
        })
}

/// An earlier version after a later one: kept, and changes nothing else. It may close a gap.
fn late(step: &mut Step, new: &Arrival, rules: &PartnerRules) -> Outcome {
    step.store(NewVersion {
        author: new.author,
        purpose: new.purpose,
        state: VersionState::Superseded,
        sequence: new.sequence,
        hash: new.hash,
        supersedes: None,
        base: None,
    });
    step.note_gap(rules);
    Outcome::Late
}

/// We issue an original once and changes after it. From a partner both orders are taken: many give only the newest
/// form of an order, and a later version may come first.
fn first_and_following(step: &Step, new: &Arrival) -> Result<(), Refusal> {
    let first = step.chain.versions.is_empty();
    match new.purpose {
        Purpose::Counter if first => Err(Refusal::Empty),
        Purpose::Counter | Purpose::Final => Ok(()),
        Purpose::Original => match new.author {
            Author::Us if !first => Err(Refusal::AlreadyIssued),
            Author::Us | Author::Partner => Ok(()),
        },
        Purpose::Change | Purpose::Cancellation => match new.author {
            Author::Us if first => Err(Refusal::NotAnOriginal),
            Author::Us | Author::Partner => Ok(()),
        },
    }
}

fn store(step: &mut Step, new: &Arrival, placed: Placed, state: VersionState) -> VersionNumber {
    if let Placed::Already(number) = placed {
        step.set_state(number, state);
        return number;
    }
    let supersedes = step.chain.current;
    let base = new.base.filter(|b| step.chain.version(*b).is_some());
    step.store(NewVersion {
        author: new.author,
        purpose: new.purpose,
        state,
        sequence: new.sequence,
        hash: new.hash,
        supersedes,
        // A base that is not known here says nothing.
        base,
    })
}

/// The issuer's original, change or final: everything open before it is superseded, the agreed version stays in force
/// unless the partner's rules drop it.
fn issued(step: &mut Step, new: &Arrival, placed: Placed, rules: &PartnerRules) -> Outcome {
    let restates_counter = step
        .chain
        .current_version()
        .is_some_and(|c| c.is_open_counter() && new.base == Some(c.number));
    step.end_open_versions(None, VersionState::Superseded);
    step.chain.before_cancel = None;
    if let (Some(agreed), OnChange::DropAgreed) = (step.chain.agreed, rules.on_change) {
        step.set_state(agreed, VersionState::Superseded);
        step.chain.agreed = None;
    }
    let number = store(step, new, placed, VersionState::Proposed);
    if restates_counter {
        step.agree(number);
        step.chain.state = ChainState::Confirmed;
    } else if step.chain.agreed.is_some() {
        step.chain.state = ChainState::ChangePending;
    } else {
        step.chain.state = ChainState::Issued;
    }
    Outcome::Applied
}

/// The issuer withdraws the whole document. What was open stays as it is until the answer, so that a refusal leads
/// back to it. A delivery note's cancellation takes effect at once: the standard has no answer to it.
fn cancelled(step: &mut Step, new: &Arrival, placed: Placed) -> Outcome {
    match step.chain.kind {
        DocumentKind::DespatchAdvice => {
            step.end_open_versions(None, VersionState::Withdrawn);
            store(step, new, placed, VersionState::Accepted);
            step.chain.state = ChainState::Cancelled;
        }
        DocumentKind::Order => {
            let before = match step.chain.state {
                // A second cancellation takes the place of the first.
                ChainState::CancelPending => {
                    if let Some(first) = step.chain.current {
                        step.set_state(first, VersionState::Superseded);
                    }
                    step.chain.before_cancel
                }
                // The order itself has not come yet; it would be open.
                ChainState::Draft => Some(ChainState::Issued),
                state @ (ChainState::Issued
                | ChainState::Confirmed
                | ChainState::CounterOpen
                | ChainState::ChangePending
                | ChainState::Cancelled
                | ChainState::Rejected
                | ChainState::Closed) => Some(state),
            };
            store(step, new, placed, VersionState::Proposed);
            step.chain.before_cancel = before;
            step.chain.state = ChainState::CancelPending;
        }
    }
    Outcome::Applied
}

/// A counter-offer that comes as a version of its own: the same as CA on its base.
fn countered(step: &mut Step, new: &Arrival, rules: &PartnerRules) -> Outcome {
    let Some(base) = new.base.and_then(|b| step.chain.version(b)).cloned() else {
        return Outcome::Refused(Refusal::VersionUnknown);
    };
    if step.chain.answerable() != Some(base.number) {
        return Outcome::Stale;
    }
    match answered::effect(&step.chain, &base, super::HeaderAnswer::CA, rules) {
        Effect::Refused(refusal) => Outcome::Refused(refusal),
        Effect::Same => Outcome::Duplicate,
        effect @ (Effect::Acknowledge | Effect::Accept | Effect::Reject | Effect::Counter) => {
            answered::apply(step, &base, effect, Some((new.hash, new.sequence)))
        }
    }
}
