//! The partner's business rules: fields of its configuration that change what an event does.

use super::value::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Defaults are the plain reading of the standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PartnerRules {
    /// Lines missing from a counter-offer count as rejected.
    pub missing_lines_rejected: bool,
    /// A line once rejected cannot be accepted by a later answer.
    pub rejected_line_final: bool,
    /// Whether a later answer replaces the earlier one as a whole or line by line.
    pub answer_update: AnswerUpdate,
    /// Hours after issue within which the partner wants an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_deadline_hours: Option<u32>,
    /// What a change does to the confirmation that stands.
    pub on_change: OnChange,
    /// Changes are refused once goods have left.
    pub changes_blocked_once_shipped: bool,
    /// The partner numbers versions 1, 2, 3 without holes, so a hole is a missing version. Off where the sequence is a
    /// time or skips numbers.
    pub sequence_counts: bool,
    /// What the buyer's refusal of a counter-offer does.
    pub on_counter_refused: OnCounterRefused,
    /// Percent of the ordered quantity that may be delivered over it, in all; no limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_delivery_percent: Option<u32>,
}

impl PartnerRules {
    /// The most that may be delivered of what was ordered, where there is a limit.
    pub fn most_delivered(&self, ordered: Decimal) -> Option<Decimal> {
        let percent = Decimal::from(self.over_delivery_percent?);
        let over = ordered.checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?;
        Some(ordered.saturating_add(over))
    }
}

impl Default for PartnerRules {
    fn default() -> Self {
        Self {
            missing_lines_rejected: false,
            rejected_line_final: false,
            answer_update: AnswerUpdate::Whole,
            answer_deadline_hours: None,
            on_change: OnChange::KeepAgreed,
            changes_blocked_once_shipped: false,
            sequence_counts: true,
            on_counter_refused: OnCounterRefused::HandBack,
            over_delivery_percent: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerUpdate {
    Whole,
    PerLine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnChange {
    /// The agreed version stays in force until the change is answered.
    KeepAgreed,
    /// The confirmation is dropped: nothing is agreed until the change is answered.
    DropAgreed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnCounterRefused {
    CancelOrder,
    HandBack,
}
