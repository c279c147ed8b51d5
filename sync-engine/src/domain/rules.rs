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
    /// Percent by which a quantity in an answer may lie over or under the ordered one; no limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity_tolerance_percent: Option<u32>,
    /// Percent by which a price in an answer may lie over or under the ordered one; no limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_tolerance_percent: Option<u32>,
    /// By how many minor units (cents) an amount of a line, or a total, may differ from what comes out.
    pub amount_tolerance_minor_units: u32,
}

impl PartnerRules {
    /// The most that may be delivered of what was ordered, where there is a limit.
    pub fn most_delivered(&self, ordered: Decimal) -> Option<Decimal> {
        Some(ordered.saturating_add(share(ordered, self.over_delivery_percent?)?))
    }

    /// These rules for a change that comes once goods have left: where changes are blocked then, it undoes nothing.
    pub fn once_shipped(&self) -> Self {
        match self.changes_blocked_once_shipped {
            true => Self {
                on_change: OnChange::KeepAgreed,
                ..self.clone()
            },
            false => self.clone(),
        }
    }

    /// Whether an answer to an order depends on those before it.
    pub fn look_back(&self) -> bool {
        self.rejected_line_final || self.answer_update == AnswerUpdate::PerLine
    }
}

/// Whether `offered` lies farther from `ordered` than `percent` of it; never without a limit.
pub fn beyond(offered: Decimal, ordered: Decimal, percent: Option<u32>) -> bool {
    let allowed = percent.and_then(|percent| share(ordered, percent));
    allowed.is_some_and(|allowed| offered.saturating_sub(ordered).abs() > allowed.abs())
}

fn share(of: Decimal, percent: u32) -> Option<Decimal> {
    of.checked_mul(Decimal::from(percent))?
        .checked_div(Decimal::ONE_HUNDRED)
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
            quantity_tolerance_percent: None,
            price_tolerance_percent: None,
            amount_tolerance_minor_units: 1,
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
