//! The new chain while an event is decided, and the small moves that every event is made of.

use super::{Attention, Author, Chain, ChainState, Decision, Outcome, Purpose, Refusal, VersionHead, VersionState};
use crate::domain::ids::VersionNumber;
use crate::domain::rules::PartnerRules;
use crate::domain::value::ContentHash;

pub(super) struct Step {
    pub chain: Chain,
    pub stored: Option<VersionNumber>,
    pub attention: Vec<Attention>,
}

/// A version about to be stored.
pub(super) struct NewVersion {
    pub author: Author,
    pub purpose: Purpose,
    pub state: VersionState,
    pub sequence: Option<i64>,
    pub hash: ContentHash,
    pub supersedes: Option<VersionNumber>,
    pub base: Option<VersionNumber>,
}

impl Step {
    pub fn new(chain: &Chain) -> Self {
        Self {
            chain: chain.clone(),
            stored: None,
            attention: Vec::new(),
        }
    }

    pub fn into_decision(self, before: &Chain, outcome: Outcome) -> Decision {
        match outcome {
            Outcome::Applied | Outcome::Stale | Outcome::Late => Decision {
                outcome,
                chain: self.chain,
                stored: self.stored,
                attention: self.attention,
            },
            Outcome::Duplicate | Outcome::Conflict | Outcome::Refused(_) => Decision {
                outcome,
                chain: before.clone(),
                stored: None,
                attention: match outcome {
                    Outcome::Conflict => vec![Attention::SequenceConflict],
                    Outcome::Applied | Outcome::Duplicate | Outcome::Stale | Outcome::Late | Outcome::Refused(_) => {
                        Vec::new()
                    }
                },
            },
        }
    }

    /// Appends a version. Numbers are never reused and nothing that is stored is overwritten.
    pub fn store(&mut self, new: NewVersion) -> VersionNumber {
        let number = VersionNumber(u32::try_from(self.chain.versions.len()).unwrap_or(u32::MAX - 1) + 1);
        self.chain.versions.push(VersionHead {
            number,
            purpose: new.purpose,
            author: new.author,
            state: new.state,
            sequence: new.sequence,
            hash: new.hash,
            supersedes: new.supersedes,
            base: new.base,
        });
        self.stored = Some(number);
        number
    }

    pub fn set_state(&mut self, number: VersionNumber, state: VersionState) {
        if let Some(version) = self.chain.versions.iter_mut().find(|v| v.number == number) {
            version.state = state;
        }
    }

    /// Moves every version that is still open to `state`, except `keep`. Accepted and rejected ones are decided and stay.
    pub fn end_open_versions(&mut self, keep: Option<VersionNumber>, state: VersionState) {
        for version in self.chain.versions.iter_mut().filter(|v| Some(v.number) != keep) {
            match version.state {
                VersionState::Draft | VersionState::Proposed | VersionState::Acknowledged | VersionState::Countered => {
                    version.state = state;
                }
                VersionState::Accepted
                | VersionState::Rejected
                | VersionState::Superseded
                | VersionState::Withdrawn => {}
            }
        }
    }

    /// Moves open counter-offers to `state`.
    pub fn end_open_counters(&mut self, state: VersionState) {
        for version in &mut self.chain.versions {
            if version.is_open_counter() {
                version.state = state;
            }
        }
    }

    /// `number` becomes the agreed version; the one before is superseded.
    pub fn agree(&mut self, number: VersionNumber) {
        if let Some(old) = self.chain.agreed.filter(|old| *old != number) {
            self.set_state(old, VersionState::Superseded);
        }
        self.set_state(number, VersionState::Accepted);
        self.chain.agreed = Some(number);
    }

    /// Points `current` at the newest version, by the rule that stands at `Chain::current`.
    pub fn point_at_current(&mut self) {
        let cancellation = match self.chain.state {
            ChainState::CancelPending | ChainState::Cancelled => self.newest(|v| match v.purpose {
                Purpose::Cancellation => matches!(
                    v.state,
                    VersionState::Proposed | VersionState::Acknowledged | VersionState::Accepted
                ),
                Purpose::Original | Purpose::Change | Purpose::Counter | Purpose::Final => false,
            }),
            ChainState::Draft
            | ChainState::Issued
            | ChainState::Confirmed
            | ChainState::CounterOpen
            | ChainState::ChangePending
            | ChainState::Rejected
            | ChainState::Closed => None,
        };
        self.chain.current = cancellation
            .or_else(|| self.newest(VersionHead::is_open_counter))
            .or_else(|| self.newest_issued())
            .or(self.chain.current);
    }

    /// The newest original, change or final that has reached the other side.
    pub fn newest_issued(&self) -> Option<VersionNumber> {
        self.newest(|v| match v.purpose {
            Purpose::Original | Purpose::Change | Purpose::Final => self.has_left(v),
            Purpose::Cancellation | Purpose::Counter => false,
        })
    }

    /// Whether both sides know the version: not a draft, nor one that was taken back or whose effect was undone. In a
    /// document that has ended, all that was open is withdrawn.
    pub fn has_left(&self, version: &VersionHead) -> bool {
        match (version.state, self.chain.state) {
            (VersionState::Draft, _) => false,
            (VersionState::Withdrawn, state) => matches!(state, ChainState::Cancelled | ChainState::Closed),
            (
                VersionState::Proposed
                | VersionState::Acknowledged
                | VersionState::Accepted
                | VersionState::Countered
                | VersionState::Rejected
                | VersionState::Superseded,
                _,
            ) => true,
        }
    }

    /// The newest version of those that fit: by the partner's sequence, then by arrival. Versions without a sequence
    /// rank by arrival among the others, as they came after everything that was known then.
    fn newest(&self, fits: impl Fn(&VersionHead) -> bool) -> Option<VersionNumber> {
        let mut newest: Option<&VersionHead> = None;
        for version in self.chain.versions.iter().filter(|v| fits(v)) {
            let older = match (newest.and_then(|n| n.sequence), version.sequence) {
                (Some(known), Some(sequence)) => sequence < known,
                (None | Some(_), None) | (None, Some(_)) => version.was_late(),
            };
            if newest.is_none() || !older {
                newest = Some(version);
            }
        }
        newest.map(|v| v.number)
    }

    /// Holds every pending act that was overtaken.
    pub fn hold_overtaken_answers(&mut self) {
        let mut pending = std::mem::take(&mut self.chain.pending);
        for answer in &mut pending {
            if !answer.held && self.chain.is_overtaken(answer) {
                answer.held = true;
                self.attention.push(Attention::AnswerHeld(answer.operation));
            }
        }
        self.chain.pending = pending;
    }

    /// Says that there is a gap, when there is one.
    pub fn note_gap(&mut self, rules: &PartnerRules) {
        if has_gap(&self.chain, rules) {
            self.attention.push(Attention::SequenceGap);
        }
    }

    /// Whose document it is: only its issuer changes or withdraws it.
    pub fn must_be_issuer(&self, author: Author) -> Result<(), Refusal> {
        if author == self.chain.issuer() {
            return Ok(());
        }
        Err(match author {
            Author::Us => Refusal::NotOurDocument,
            Author::Partner => Refusal::NotTheirDocument,
        })
    }

    /// Only the other side answers.
    pub fn must_be_answerer(&self, author: Author) -> Result<(), Refusal> {
        if author != self.chain.issuer() {
            return Ok(());
        }
        Err(match author {
            Author::Us => Refusal::NotTheirDocument,
            Author::Partner => Refusal::NotOurDocument,
        })
    }
}

impl VersionHead {
    /// A counter-offer that waits for the other side.
    pub(super) fn is_open_counter(&self) -> bool {
        match self.purpose {
            Purpose::Counter => matches!(self.state, VersionState::Proposed),
            Purpose::Original | Purpose::Change | Purpose::Cancellation | Purpose::Final => false,
        }
    }

    /// Came after a later version, and so superseded nothing although it is not the first.
    fn was_late(&self) -> bool {
        self.supersedes.is_none() && self.number.0 > 1
    }
}

/// Whether a version is known to be missing: the original, or one between two sequences.
pub(super) fn has_gap(chain: &Chain, rules: &PartnerRules) -> bool {
    let issued = || chain.versions.iter().filter(|v| v.author == chain.issuer());
    let original_missing = issued().next().is_some()
        && !issued().any(|v| match v.purpose {
            Purpose::Original | Purpose::Final => true,
            Purpose::Change | Purpose::Cancellation | Purpose::Counter => false,
        });
    if original_missing || !rules.sequence_counts {
        return original_missing;
    }
    let mut sequences: Vec<i64> = issued().filter_map(|v| v.sequence).collect();
    sequences.sort_unstable();
    sequences
        .iter()
        .zip(sequences.iter().skip(1))
        .any(|(a, b)| b.saturating_sub(*a) > 1)
}
