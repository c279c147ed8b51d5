//! The version chain: one pure function from (chain, event, rules) to what changes.
//!
//! The rules are the table of OpenPEPPOL poacc-upgrade-3 (guides/transactions/114 to 116, guides/profiles/65) as our
//! vocabulary states it. Where the table leaves room, the choice stands beside the code that makes it.

mod answered;
mod issue;
mod pending;
mod step;
mod undo;
mod version;

#[cfg(test)]
mod tests;

pub use undo::Mark;

use step::Step;

use super::answer::HeaderAnswer;
use super::document::{DocumentKind, Purpose, Side};
use super::ids::{OperationId, VersionNumber};
use super::rules::PartnerRules;
use super::value::ContentHash;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum VersionState {
    Draft,
    Proposed,
    Acknowledged,
    Accepted,
    Countered,
    Rejected,
    Superseded,
    Withdrawn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum ChainState {
    Draft,
    Issued,
    Confirmed,
    CounterOpen,
    ChangePending,
    CancelPending,
    Cancelled,
    Rejected,
    Closed,
}

/// Who brought an event about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Author {
    Us,
    Partner,
}

/// What the chain knows of one version. The content lies in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionHead {
    pub number: VersionNumber,
    pub purpose: Purpose,
    pub author: Author,
    pub state: VersionState,
    /// The partner's own ordering of versions, where it has one.
    pub sequence: Option<i64>,
    pub hash: ContentHash,
    /// The version that was current when this one came.
    pub supersedes: Option<VersionNumber>,
    /// On a counter-offer, the version that it answers.
    pub base: Option<VersionNumber>,
}

/// What we do to a document: answer a version (AB, AP, RE, CA), issue one, or close it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Act {
    AB,
    AP,
    RE,
    CA,
    /// The version itself goes out: an original, a change, a cancellation.
    Issue,
    Close,
}

impl Act {
    pub fn answer(self) -> Option<HeaderAnswer> {
        match self {
            Self::AB => Some(HeaderAnswer::AB),
            Self::AP => Some(HeaderAnswer::AP),
            Self::RE => Some(HeaderAnswer::RE),
            Self::CA => Some(HeaderAnswer::CA),
            Self::Issue | Self::Close => None,
        }
    }
}

impl From<HeaderAnswer> for Act {
    fn from(code: HeaderAnswer) -> Self {
        match code {
            HeaderAnswer::AB => Self::AB,
            HeaderAnswer::AP => Self::AP,
            HeaderAnswer::RE => Self::RE,
            HeaderAnswer::CA => Self::CA,
        }
    }
}

/// An act of ours that is saved and has not reached the partner yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingAnswer {
    pub operation: OperationId,
    /// The version that is answered, issued, or closed on.
    pub version: VersionNumber,
    pub act: Act,
    /// Its version was superseded before it left; a person decides.
    pub held: bool,
}

/// A document's chain of versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    pub kind: DocumentKind,
    pub side: Side,
    pub state: ChainState,
    /// Ascending by number, without holes in the number.
    pub versions: Vec<VersionHead>,
    /// The newest version known: the cancellation while one is pending or in force, the counter-offer while one is
    /// open, else the issuer's newest version that is not a refused cancellation.
    pub current: Option<VersionNumber>,
    /// The newest version that both sides accepted.
    pub agreed: Option<VersionNumber>,
    /// The state to go back to when a cancellation is refused; only while `CancelPending`.
    pub before_cancel: Option<ChainState>,
    pub pending: Vec<PendingAnswer>,
}

impl Chain {
    pub fn new(kind: DocumentKind, side: Side) -> Self {
        Self {
            kind,
            side,
            state: ChainState::Draft,
            versions: Vec::new(),
            current: None,
            agreed: None,
            before_cancel: None,
            pending: Vec::new(),
        }
    }

    pub fn version(&self, number: VersionNumber) -> Option<&VersionHead> {
        self.versions.get((number.0 as usize).checked_sub(1)?)
    }

    /// Whether we are the one who issues this document (orders: the buyer; delivery notes: the seller).
    pub fn we_issue(&self) -> bool {
        match (self.kind, self.side) {
            (DocumentKind::Order, Side::Buyer) | (DocumentKind::DespatchAdvice, Side::Seller) => true,
            (DocumentKind::Order, Side::Seller) | (DocumentKind::DespatchAdvice, Side::Buyer) => false,
        }
    }

    pub fn issuer(&self) -> Author {
        if self.we_issue() { Author::Us } else { Author::Partner }
    }

    /// The issuer's version that an answer may name now: the current one, or the one that the open counter-offer is
    /// based on.
    pub fn answerable(&self) -> Option<VersionNumber> {
        let current = self.current_version()?;
        match current.purpose {
            Purpose::Counter => current.base,
            Purpose::Original | Purpose::Change | Purpose::Cancellation | Purpose::Final => Some(current.number),
        }
    }

    pub fn current_version(&self) -> Option<&VersionHead> {
        self.version(self.current?)
    }

    /// Whether a pending act was made in view of another state of things: its version cannot be answered any more, or
    /// a version came that the draft does not follow. It is not sent without asking a person.
    pub fn is_overtaken(&self, pending: &PendingAnswer) -> bool {
        match pending.act {
            Act::AB | Act::AP | Act::RE | Act::CA => self.answerable() != Some(pending.version),
            Act::Close => self.current != Some(pending.version),
            Act::Issue => self.version(pending.version).is_none_or(|draft| {
                let waits = draft.state == VersionState::Draft && self.state != ChainState::Draft;
                waits && draft.supersedes != self.current
            }),
        }
    }
}

/// What can happen to a chain. `author` says whose act it is; with the chain's side it says seller or buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A version arrived from the partner, or we issued one. `base` names the version that this one is based on:
    /// required on a counter-offer; on the buyer's change it says that the change restates that open counter-offer,
    /// so that both sides have accepted it. `overtaken`: it came before a version of the same author that is known, and
    /// lay in quarantine since; that counts where no sequence tells their order.
    Version {
        author: Author,
        purpose: Purpose,
        sequence: Option<i64>,
        hash: ContentHash,
        base: Option<VersionNumber>,
        overtaken: bool,
    },
    /// We save an answer (or receipt: AP = all as advised, CA = with differences, RE = all refused). It is pending until the partner has it.
    AnswerSaved {
        operation: OperationId,
        version: VersionNumber,
        code: HeaderAnswer,
    },
    /// We save a version that we issue: a draft until the partner has it. `base` as in `Version`.
    IssueSaved {
        operation: OperationId,
        purpose: Purpose,
        sequence: Option<i64>,
        hash: ContentHash,
        base: Option<VersionNumber>,
    },
    /// We save that nothing more will come.
    CloseSaved { operation: OperationId },
    /// The partner has our saved act: its effect on the chain takes place.
    /// `counter` is the content hash of the counter-offer, present exactly for CA on an order.
    AnswerDelivered {
        operation: OperationId,
        counter: Option<ContentHash>,
    },
    /// The partner took our act and failed to carry it out later: back to `before`, if the chain is still as the act
    /// left it in `after`.
    Undone {
        operation: OperationId,
        before: Mark,
        after: Mark,
    },
    /// A person let a held act go as it is.
    AnswerReleased { operation: OperationId },
    /// A person took a saved act back before it left.
    AnswerWithdrawn { operation: OperationId },
    /// The partner answered a version that we issued.
    AnswerReceived {
        version: VersionNumber,
        code: HeaderAnswer,
        counter: Option<ContentHash>,
    },
    /// The buyer refused the counter-offer that is open.
    CounterRefused { author: Author },
    /// The document is finished: nothing more will come.
    Close { author: Author },
}

/// How an event was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
pub enum Outcome {
    Applied,
    /// Known already: counted, nothing changes.
    Duplicate,
    /// Same sequence, other content: the chain stays as it is; the payload is kept for the clerk (quarantine).
    Conflict,
    /// An answer to a superseded version: stored, flagged, never applied.
    Stale,
    /// An earlier version after a later one: stored; the later one stays current.
    Late,
    /// Not allowed in this state.
    Refused(Refusal),
}

/// Why an event is not allowed; the screen has a sentence for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
pub enum Refusal {
    NotOurDocument,
    NotTheirDocument,
    VersionUnknown,
    VersionNotCurrent,
    AlreadyDecided,
    AnswerPending,
    NoSuchAnswer,
    NotHeld,
    NoCounterOpen,
    ChainEnded,
    NotAnOriginal,
    Empty,
    RejectedBefore,
    /// This answer does not exist for this version (AB on a delivery note, CA on a cancellation, any on a counter-offer).
    CodeNotAllowed,
    /// An original for a document that has one: issue a change instead.
    AlreadyIssued,
    /// CA on an order without the counter-offer's content.
    CounterMissing,
    /// Something is still open on it.
    Undecided,
}

/// What a person has to look at because of this event, beyond the list of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
pub enum Attention {
    /// Our pending answer is held: the version that it answers was superseded.
    AnswerHeld(OperationId),
    /// Versions with equal sequence and different content.
    SequenceConflict,
    /// A version is missing between two that are known, or the original is. Raised by every event that stores a
    /// version as long as the gap is there, so a version stored without it closes the gap.
    SequenceGap,
    /// The partner failed to carry out what it had taken, and its effect cannot be undone: something came after it.
    NotUndone(OperationId),
}

/// Everything that changes. `chain` is the whole new chain; `stored` is the version that the event added, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub outcome: Outcome,
    pub chain: Chain,
    pub stored: Option<VersionNumber>,
    pub attention: Vec<Attention>,
}

/// Decides what `event` does to `chain`. Same input, same output; never panics.
///
/// A refused, duplicate or conflicting event leaves the chain exactly as it was. `Applied`, `Late` and `Stale` may
/// change it (a stale answer leaves `pending`), so write whatever differs.
pub fn decide(chain: &Chain, event: &Event, rules: &PartnerRules) -> Decision {
    let mut step = Step::new(chain);
    let outcome = match event {
        Event::Version {
            author,
            purpose,
            sequence,
            hash,
            base,
            overtaken,
        } => version::arrived(
            &mut step,
            &version::Arrival {
                author: *author,
                purpose: *purpose,
                sequence: *sequence,
                hash: *hash,
                base: *base,
                overtaken: *overtaken,
            },
            rules,
        ),
        Event::AnswerSaved {
            operation,
            version,
            code,
        } => pending::saved(&mut step, *operation, *version, *code, rules),
        Event::IssueSaved {
            operation,
            purpose,
            sequence,
            hash,
            base,
        } => issue::saved(
            &mut step,
            *operation,
            &version::Arrival {
                author: Author::Us,
                purpose: *purpose,
                sequence: *sequence,
                hash: *hash,
                base: *base,
                overtaken: false,
            },
        ),
        Event::CloseSaved { operation } => pending::close_saved(&mut step, *operation),
        Event::Undone {
            operation,
            before,
            after,
        } => undo::undone(&mut step, *operation, before, after),
        Event::AnswerDelivered { operation, counter } => pending::delivered(&mut step, *operation, *counter, rules),
        Event::AnswerReleased { operation } => pending::released(&mut step, *operation),
        Event::AnswerWithdrawn { operation } => pending::withdrawn(&mut step, *operation),
        Event::AnswerReceived { version, code, counter } => {
            answered::received(&mut step, *version, *code, *counter, rules)
        }
        Event::CounterRefused { author } => answered::counter_refused(&mut step, *author, rules),
        Event::Close { author: _ } => close(&mut step),
    };
    step.into_decision(chain, outcome)
}

/// Either side may say that nothing more will come, once nothing is open.
fn close(step: &mut Step) -> Outcome {
    if !step.chain.pending.is_empty() {
        return Outcome::Refused(Refusal::AnswerPending);
    }
    match step.chain.state {
        ChainState::Draft => Outcome::Refused(Refusal::Empty),
        ChainState::Issued | ChainState::CounterOpen | ChainState::ChangePending | ChainState::CancelPending => {
            Outcome::Refused(Refusal::Undecided)
        }
        ChainState::Cancelled => Outcome::Refused(Refusal::ChainEnded),
        ChainState::Closed => Outcome::Duplicate,
        ChainState::Confirmed | ChainState::Rejected => {
            step.chain.state = ChainState::Closed;
            Outcome::Applied
        }
    }
}

/// The answers that may be saved now to the current version, in the order AB, AP, CA, RE. Empty when there are none.
pub fn allowed_answers(chain: &Chain, rules: &PartnerRules) -> Vec<HeaderAnswer> {
    let Some(version) = chain.answerable() else {
        return Vec::new();
    };
    // The id stands for an operation that is not there yet: no pending answer has it.
    let operation = OperationId(uuid::Uuid::nil());
    [HeaderAnswer::AB, HeaderAnswer::AP, HeaderAnswer::CA, HeaderAnswer::RE]
        .into_iter()
        .filter(|&code| {
            let event = Event::AnswerSaved {
                operation,
                version,
                code,
            };
            decide(chain, &event, rules).outcome == Outcome::Applied
        })
        .collect()
}

/// Whether the current version waits for our answer: it is theirs, undecided, and no answer of ours is pending.
pub fn needs_answer(chain: &Chain) -> bool {
    let Some(version) = chain.current_version() else {
        return false;
    };
    version.author == Author::Partner
        && matches!(version.state, VersionState::Proposed | VersionState::Acknowledged)
        && !chain.pending.iter().any(|p| !p.held && p.act != Act::AB)
        && !matches!(
            chain.state,
            ChainState::Cancelled | ChainState::Rejected | ChainState::Closed
        )
}
