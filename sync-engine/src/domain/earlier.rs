//! What the seller said of an order before: what of it still holds when it says something more.

use super::answer::{HeaderAnswer, LineAnswer, LineAnswerCode, OrderResponse};
use super::document::{Order, OrderLine};
use super::rules::{AnswerUpdate, OnChange, PartnerRules};
use std::collections::{BTreeSet, HashMap};

/// An answer that was given, with the version that it answers.
#[derive(Debug, Clone)]
pub struct EarlierAnswer {
    pub order: Order,
    /// It answers the version that is answered now.
    pub same_version: bool,
    pub response: OrderResponse,
}

/// What earlier answers leave in force. Empty where the partner's rules do not look back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Earlier {
    /// What was said of lines and holds until a later answer names them; only where answers update line by line.
    pub lines: Vec<LineAnswer>,
    /// Lines that must stay rejected, by their ids.
    pub rejected: BTreeSet<String>,
}

impl Earlier {
    /// `answers` are oldest first. An answer to an earlier version holds for the lines that the change left as they were,
    /// and only where a change keeps confirmations.
    pub fn of(order: &Order, answers: &[EarlierAnswer], rules: &PartnerRules) -> Self {
        let mut earlier = Self::default();
        for answer in answers {
            if rules.rejected_line_final {
                let rejected = earlier.rejected_by(answer, rules);
                earlier.rejected.extend(rejected);
            }
            if rules.answer_update == AnswerUpdate::PerLine {
                earlier.take(order, answer, rules);
            }
        }
        earlier
    }

    /// `response`, with what holds of the answers before it, and with a rejection of each line that is missing where the
    /// partner's rules say so. An answer other than CA speaks of the order as a whole and is given back as it is.
    pub fn completed(&self, order: &Order, response: &OrderResponse, rules: &PartnerRules) -> OrderResponse {
        let mut whole = response.clone();
        if response.code != HeaderAnswer::CA {
            return whole;
        }
        let named: BTreeSet<&str> = response.lines.iter().map(|l| l.line_id.as_str()).collect();
        let kept = self.lines.iter().filter(|l| !named.contains(l.line_id.as_str()));
        whole.lines.extend(kept.cloned());
        if rules.missing_lines_rejected {
            let known: BTreeSet<&str> = self.lines.iter().map(|l| l.line_id.as_str()).chain(named).collect();
            let missing = order.lines.iter().filter(|l| !known.contains(l.id.as_str()));
            whole
                .lines
                .extend(missing.map(|l| plain(&l.id, LineAnswerCode::Rejected)));
        }
        whole
    }

    fn take(&mut self, order: &Order, answer: &EarlierAnswer, rules: &PartnerRules) {
        let by_id = |order: &'_ Order| -> HashMap<String, OrderLine> {
            let lines = order.lines.iter().filter(|_| !answer.same_version);
            lines.map(|l| (l.id.clone(), l.clone())).collect()
        };
        let (now, then) = (by_id(order), by_id(&answer.order));
        let kept = rules.on_change == OnChange::KeepAgreed;
        let holds = |id: &str| answer.same_version || (kept && now.get(id) == then.get(id));
        match answer.response.code {
            HeaderAnswer::AB => {}
            HeaderAnswer::RE if answer.same_version => self.lines.clear(),
            // A change that was refused leaves what was said of the version before.
            HeaderAnswer::RE => {}
            HeaderAnswer::AP => {
                let accepted = order.lines.iter().filter(|l| holds(&l.id));
                let accepted: Vec<_> = accepted.map(|l| plain(&l.id, LineAnswerCode::Accepted)).collect();
                self.replace(accepted);
            }
            HeaderAnswer::CA => {
                let named = answer.response.lines.iter().filter(|l| holds(&l.line_id));
                self.replace(named.cloned().collect());
            }
        }
    }

    fn replace(&mut self, lines: Vec<LineAnswer>) {
        let named: BTreeSet<&str> = lines.iter().map(|l| l.line_id.as_str()).collect();
        self.lines.retain(|l| !named.contains(l.line_id.as_str()));
        self.lines.extend(lines);
    }

    /// Rejected as a whole: no part of the line was given another answer.
    fn rejected_by(&self, answer: &EarlierAnswer, rules: &PartnerRules) -> Vec<String> {
        if answer.response.code != HeaderAnswer::CA {
            return Vec::new();
        }
        let whole = self.completed(&answer.order, &answer.response, rules);
        let rejected = answer.order.lines.iter().filter(|line| {
            let mut parts = whole.lines.iter().filter(|l| l.line_id == line.id).peekable();
            parts.peek().is_some() && parts.all(|l| l.code == LineAnswerCode::Rejected)
        });
        rejected.map(|l| l.id.clone()).collect()
    }
}

fn plain(line_id: &str, code: LineAnswerCode) -> LineAnswer {
    LineAnswer {
        line_id: line_id.to_owned(),
        code,
        quantity: None,
        price: None,
        date: None,
        substitute: None,
        reason: None,
    }
}
