//! Checks of an answer before it is saved: every problem at once, each with where and what to do.
//!
//! Sources: OpenPEPPOL poacc-upgrade-3 guides/transactions/116 (order response), logistics-bis guides (receipt advice).

mod issue;
mod receipt;
mod response;

pub use issue::{CHANGE_OF_OURS_AFTER_SHIPMENT, DeliveredOrder, check_despatch, check_order};
pub use receipt::{check_receipt, receipt_code};
pub use response::{beyond_tolerance, check_order_response, taken_back};

use super::answer::{Reason, ReasonCode};
use serde::Serialize;
use utoipa::ToSchema;

/// Longest text of a note or reason that is sent, in characters.
pub const MAX_TEXT: usize = 2_000;
/// Most lines of an answer.
pub const MAX_LINES: usize = 10_000;

/// One thing that is wrong with an answer or a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AnswerProblem {
    /// JSON pointer (RFC 6901) into the answer; empty for the whole of it.
    pub pointer: String,
    /// What is wrong and what to do, one sentence.
    pub message: String,
}

/// `/lines/0/quantity: more than zero`.
impl std::fmt::Display for AnswerProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.message),
            pointer => write!(f, "{pointer}: {}", self.message),
        }
    }
}

/// Collects problems.
#[derive(Default)]
pub(super) struct Problems(pub Vec<AnswerProblem>);

impl Problems {
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(AnswerProblem {
            pointer: pointer.into(),
            message: message.into(),
        });
    }

    fn text(&mut self, pointer: &str, text: Option<&str>) {
        let length = text.map_or(0, |t| t.chars().count());
        if length > MAX_TEXT {
            self.add(
                pointer,
                format!("the text has {length} characters; {MAX_TEXT} is the most"),
            );
        }
    }

    fn reason(&mut self, pointer: &str, reason: Option<&Reason>) {
        let Some(reason) = reason else { return };
        self.text(&format!("{pointer}/text"), reason.text.as_deref());
        let empty = reason.text.as_deref().is_none_or(|t| t.trim().is_empty());
        if reason.code == ReasonCode::Oth && empty {
            self.add(
                format!("{pointer}/text"),
                "reason OTH (other) needs a text that says what it is",
            );
        }
    }

    fn too_many_lines(&mut self, lines: usize) -> bool {
        if lines > MAX_LINES {
            self.add("/lines", format!("there are {lines} lines; {MAX_LINES} is the most"));
        }
        lines > MAX_LINES
    }
}
