//! Answers whose status says little: an error with 200, nothing found with 404. From here on they count as what the
//! configuration says.

use super::answer::Answer;
use super::outcome::holds;
use super::seen;
use crate::partner::config::Meaning;

/// Larger answers are pages and documents: their bodies are not looked into.
const LOOKED_INTO_BYTES: usize = 1024 * 1024;

/// Puts the status that the answer counts as in its status's place. The first meaning that fits counts.
pub(super) fn apply(meanings: &[Meaning], answer: &mut Answer) {
    let mut whole = None;
    let found = meanings.iter().find(|meaning| {
        let case = &meaning.case;
        if !(case.statuses.is_empty() || case.statuses.contains(&answer.status)) {
            return false;
        }
        if case.when.is_some() && answer.body.len() > LOOKED_INTO_BYTES {
            return false;
        }
        case.when.is_none() || holds(case, answer.status, whole.get_or_insert_with(|| seen(answer)))
    });
    if let Some(meaning) = found {
        tracing::debug!(
            status = answer.status,
            counts_as = meaning.counts_as,
            "an answer counts as another status"
        );
        answer.status = meaning.counts_as;
    }
}
