//! The answers that were given to an order before: what of them still holds, and whether its goods have left.

use crate::domain::{
    CanonicalDocument, ChainState, CompanyId, Earlier, EarlierAnswer, Order, OrderResponse, PartnerId, PartnerRules,
    VersionNumber, VersionState,
};
use crate::store::{OperationKind, OperationRow, ReceivedAnswer, StoreError, StoreTx, VersionContent};

/// An answer with the version that it answers.
pub type Given = (VersionNumber, OrderResponse);

/// What of `answers`, newest first, holds for version `number` with the content `order`. `content` reads a version.
///
/// # Errors
/// Those of `content`.
pub fn earlier(
    answers: Vec<Given>,
    (number, order): (VersionNumber, &Order),
    rules: &PartnerRules,
    mut content: impl FnMut(VersionNumber) -> Result<Option<VersionContent>, StoreError>,
) -> Result<Earlier, StoreError> {
    let mut given = Vec::with_capacity(answers.len());
    for (version, response) in answers.into_iter().rev() {
        let same_version = version == number;
        let answered = match same_version {
            true => Some(CanonicalDocument::Order(order.clone())),
            false => content(version)?.map(|c| c.document()).transpose()?,
        };
        if let Some(CanonicalDocument::Order(order)) = answered {
            given.push(EarlierAnswer {
                order,
                same_version,
                response,
            });
        }
    }
    Ok(Earlier::of(order, &given, rules))
}

/// Those of our own operations, newest first, that decide on an order.
///
/// # Errors
/// `Corrupt` when one does not read back: without it a line that was rejected for good could be accepted.
pub fn ours(operations: Vec<OperationRow>) -> Result<Vec<Given>, StoreError> {
    let decides = |o: &OperationRow| {
        matches!(
            o.kind,
            OperationKind::Confirm | OperationKind::Reject | OperationKind::Counter
        )
    };
    let decided = operations.into_iter().filter(decides);
    decided.map(|o| given(o.version, o.answer)).collect()
}

/// Those of a partner's answers, newest first, that came in time.
///
/// # Errors
/// As of `ours`.
pub fn theirs(answers: Vec<ReceivedAnswer>) -> Result<Vec<Given>, StoreError> {
    let in_time = answers.into_iter().filter(|a| !a.stale);
    in_time.map(|a| given(a.version, a.answer)).collect()
}

fn given(version: VersionNumber, answer: serde_json::Value) -> Result<Given, StoreError> {
    match serde_json::from_value(answer) {
        Ok(response) => Ok((version, response)),
        Err(e) => Err(StoreError::Corrupt(format!(
            "an earlier answer to version {version} does not read back: {e}"
        ))),
    }
}

/// Whether goods of an order have left, as the delivery notes say that are here. One of ours that is still on its way
/// counts: its goods leave whether the partner knows of it yet or not.
///
/// # Errors
/// The store's own.
pub fn goods_left(
    tx: &mut dyn StoreTx,
    (company, partner): (&CompanyId, &PartnerId),
    order_number: &str,
) -> Result<bool, StoreError> {
    for id in tx.notes_of_order(company, partner, order_number)? {
        let Some(loaded) = tx.load_by_id(id)? else { continue };
        let Some(current) = loaded.chain.current_version() else {
            continue;
        };
        let taken_back = loaded.chain.state == ChainState::Draft && current.state == VersionState::Withdrawn;
        if loaded.chain.state == ChainState::Cancelled || taken_back {
            continue;
        }
        let content = tx.version_content(id, current.number)?;
        if let Some(CanonicalDocument::DespatchAdvice(note)) = content.map(|c| c.document()).transpose()?
            && note.delivers(order_number)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_answer_that_does_not_read_back_is_not_passed_over() {
        let read = |code: &str| given(VersionNumber(1), serde_json::json!({ "code": code, "lines": [] }));
        assert!(read("CA").is_ok());
        assert!(matches!(read("??"), Err(StoreError::Corrupt(_))));
    }
}
