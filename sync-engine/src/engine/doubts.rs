//! What a person should know of a document before answering it. Nothing here stops it from being kept; it is worked out
//! anew each time, from what is stored and the partner's rules as they are now.

use super::answers::CHANGE_AFTER_SHIPMENT;
use super::quantities::{delivered_lines, notes_in_force};
use super::{Engine, EngineError};
use crate::domain::chain::Author;
use crate::domain::check::{AnswerProblem, beyond_tolerance};
use crate::domain::document::DespatchLine;
use crate::domain::money::check_amounts;
use crate::domain::{
    CanonicalDocument, Chain, Decimal, DespatchAdvice, DocumentId, DocumentKind, OrderResponse, PartnerRules, Purpose,
    VersionNumber,
};
use crate::exchange::order as stored_order;
use crate::store::DocumentRow;
use serde::Serialize;
use utoipa::ToSchema;

/// One thing to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Doubt {
    pub code: DoubtCode,
    /// JSON pointer into the current version's content, or into the partner's answer for `tolerance`; empty for the whole.
    pub pointer: String,
    /// The own number of the line that the pointer lies in, for people.
    pub line: Option<String>,
    /// What it is, one sentence.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DoubtCode {
    /// The partner's amounts do not add up.
    Amounts,
    /// A change came when goods had left, and the partner's rules block changes then.
    ChangeAfterShipment,
    /// More is delivered than the partner's rules allow.
    OverDelivery,
    /// A counter-offer departs farther from the order than the partner's rules allow.
    Tolerance,
}

impl Engine {
    /// Of a document's current version.
    ///
    /// # Errors
    /// The store's own.
    pub fn doubts(&self, row: &DocumentRow, chain: &Chain) -> Result<Vec<Doubt>, EngineError> {
        let rules = self.rules(&row.partner);
        let mut doubts = Vec::new();
        if chain.is_change(row.current) && !chain.we_issue() && self.changes_blocked(row)? {
            doubts.push(Doubt {
                code: DoubtCode::ChangeAfterShipment,
                pointer: String::new(),
                line: None,
                message: CHANGE_AFTER_SHIPMENT.to_owned(),
            });
        }
        let Some(current) = chain.current_version().filter(|v| v.author == Author::Partner) else {
            return Ok(doubts);
        };
        match self.content(row.id, current.number)? {
            CanonicalDocument::Order(order) => {
                let apart = check_amounts(&order, rules.amount_tolerance_minor_units);
                // What a counter-offer adds up to was worked out here.
                let theirs = current.purpose != Purpose::Counter;
                let line = |index: usize| order.lines.get(index).map(|l| l.id.clone());
                doubts.extend(
                    apart
                        .into_iter()
                        .filter(|_| theirs)
                        .map(|p| doubt(DoubtCode::Amounts, p, line)),
                );
                if let Some(base) = current.base.filter(|_| !theirs) {
                    doubts.extend(self.counter_beyond(row.id, base, &rules)?);
                }
            }
            CanonicalDocument::DespatchAdvice(note) => doubts.extend(self.over_delivered(row, &note, &rules)?),
        }
        Ok(doubts)
    }

    /// Whether goods of this order have left, and the partner's rules block changes then.
    pub(super) fn changes_blocked(&self, row: &DocumentRow) -> Result<bool, EngineError> {
        if !self.rules(&row.partner).changes_blocked_once_shipped || row.kind != DocumentKind::Order {
            return Ok(false);
        }
        let party = (&row.company, &row.partner);
        let notes = notes_in_force(self.store().as_ref(), party, &row.number, None)?;
        Ok(notes.iter().any(|(_, note)| note.delivers(&row.number)))
    }

    fn counter_beyond(
        &self,
        id: DocumentId,
        base: VersionNumber,
        rules: &PartnerRules,
    ) -> Result<Vec<Doubt>, EngineError> {
        let answers = self.store().received_answers(id, 1)?;
        let response = answers
            .into_iter()
            .next()
            .filter(|a| a.version == base)
            .and_then(|a| serde_json::from_value::<OrderResponse>(a.answer).ok());
        let (Some(response), CanonicalDocument::Order(order)) = (response, self.content(id, base)?) else {
            return Ok(Vec::new());
        };
        let line = |index: usize| response.lines.get(index).map(|l| l.line_id.clone());
        Ok(beyond_tolerance(&order, &response, rules)
            .into_iter()
            .map(|p| doubt(DoubtCode::Tolerance, p, line))
            .collect())
    }

    fn over_delivered(
        &self,
        row: &DocumentRow,
        note: &DespatchAdvice,
        rules: &PartnerRules,
    ) -> Result<Vec<Doubt>, EngineError> {
        let (mut doubts, store) = (Vec::new(), self.store().as_ref());
        if rules.over_delivery_percent.is_none() {
            return Ok(doubts);
        }
        let mut seen = std::collections::BTreeSet::new();
        for number in note
            .lines
            .iter()
            .map(|l| l.order_number.as_str())
            .filter(|n| seen.insert(*n))
        {
            let party = (&row.company, &row.partner);
            let stored = stored_order(store, party.0, party.1, number)?;
            let Some(CanonicalDocument::Order(order)) = stored.map(|s| s.document) else {
                continue;
            };
            for line in delivered_lines(store, party, &order, None, rules)? {
                let most = rules.most_delivered(line.ordered).unwrap_or(Decimal::MAX);
                let of_line = |l: &DespatchLine| l.order_number == number && l.order_line_id == line.line_id;
                let Some((index, at)) = note.lines.iter().enumerate().find(|(_, l)| of_line(l)) else {
                    continue;
                };
                if line.delivered > most {
                    doubts.push(Doubt {
                        code: DoubtCode::OverDelivery,
                        pointer: format!("/lines/{index}/delivered"),
                        line: Some(at.id.clone()),
                        message: format!(
                            "{} of line {} of order {number} are delivered in all; {} is the most",
                            line.delivered.normalize(),
                            line.line_id,
                            most.normalize()
                        ),
                    });
                }
            }
        }
        Ok(doubts)
    }
}

/// `line` names the line at a place that a pointer counts to.
fn doubt(code: DoubtCode, problem: AnswerProblem, line: impl Fn(usize) -> Option<String>) -> Doubt {
    let at = problem
        .pointer
        .strip_prefix("/lines/")
        .and_then(|rest| rest.split('/').next()?.parse().ok());
    Doubt {
        code,
        line: at.and_then(line),
        pointer: problem.pointer,
        message: problem.message,
    }
}
