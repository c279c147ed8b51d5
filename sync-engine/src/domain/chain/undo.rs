//! The partner took an act of ours and failed to carry it out later (a job that ends badly): its effect is undone.

use super::step::Step;
use super::{Attention, Chain, ChainState, Outcome, VersionState};
use crate::domain::ids::{OperationId, VersionNumber};
use serde::{Deserialize, Serialize};

/// All that an act may change of a chain. Kept beside an operation whose end is still to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    pub state: ChainState,
    pub current: Option<VersionNumber>,
    pub agreed: Option<VersionNumber>,
    pub before_cancel: Option<ChainState>,
    /// One per version, in the order of their numbers.
    pub versions: Vec<VersionState>,
}

impl Chain {
    pub fn mark(&self) -> Mark {
        Mark {
            state: self.state,
            current: self.current,
            agreed: self.agreed,
            before_cancel: self.before_cancel,
            versions: self.versions.iter().map(|v| v.state).collect(),
        }
    }
}

/// Back to `before`, if nothing came after the act: the chain is still as it left it. A version that the act added stays
/// in the chain, withdrawn. Otherwise the chain stays as it is, and a person is told.
pub(super) fn undone(step: &mut Step, operation: OperationId, before: &Mark, after: &Mark) -> Outcome {
    let nothing_came_after = step.chain.mark() == *after && before.versions.len() <= after.versions.len();
    if !nothing_came_after {
        step.attention.push(Attention::NotUndone(operation));
        return Outcome::Stale;
    }
    let states = before.versions.iter().copied();
    let states = states.chain(std::iter::repeat(VersionState::Withdrawn));
    for (version, state) in step.chain.versions.iter_mut().zip(states) {
        version.state = state;
    }
    step.chain.state = before.state;
    step.chain.current = before.current;
    step.chain.agreed = before.agreed;
    step.chain.before_cancel = before.before_cancel;
    step.hold_overtaken_answers();
    Outcome::Applied
}
