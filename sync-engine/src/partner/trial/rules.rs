//! The partner's business rules in words: where they depart from the usual ones, and what they do with a document.

use super::TrialRule;
use crate::domain::counter::answer_due;
use crate::domain::money::check_amounts;
use crate::domain::rules::{AnswerUpdate, OnChange, OnCounterRefused};
use crate::domain::{CanonicalDocument, PartnerRules, Side, Timestamp};

fn rule(name: &str, effect: impl Into<String>) -> TrialRule {
    TrialRule {
        rule: name.to_owned(),
        effect: effect.into(),
    }
}

/// Each rule that departs from the usual one.
pub(super) fn of_partner(rules: &PartnerRules) -> Vec<TrialRule> {
    let usual = PartnerRules::default();
    let mut out = Vec::new();
    let mut add = |name: &str, departs: bool, effect: String| {
        if departs {
            out.push(rule(name, effect));
        }
    };
    let percent = |value: Option<u32>| value.map_or_else(String::new, |p| p.to_string());
    add(
        "missingLinesRejected",
        rules.missing_lines_rejected,
        "a line that a counter-offer leaves out is rejected".to_owned(),
    );
    add(
        "rejectedLineFinal",
        rules.rejected_line_final,
        "no later answer takes a line that was rejected once".to_owned(),
    );
    add(
        "answerUpdate",
        rules.answer_update == AnswerUpdate::PerLine,
        "a later answer replaces only the lines that it names".to_owned(),
    );
    if let Some(hours) = rules.answer_deadline_hours {
        add(
            "answerDeadlineHours",
            true,
            format!("an answer is due {hours} hours after issue"),
        );
    }
    add(
        "onChange",
        rules.on_change == OnChange::DropAgreed,
        "a change undoes the confirmation at once".to_owned(),
    );
    add(
        "changesBlockedOnceShipped",
        rules.changes_blocked_once_shipped,
        "once goods have left, a change of theirs can only be rejected, and none of ours is sent".to_owned(),
    );
    add(
        "sequenceCounts",
        !rules.sequence_counts,
        "a hole between two sequences is no missing version".to_owned(),
    );
    add(
        "onCounterRefused",
        rules.on_counter_refused == OnCounterRefused::CancelOrder,
        "to refuse a counter-offer cancels the order".to_owned(),
    );
    add(
        "overDeliveryPercent",
        rules.over_delivery_percent.is_some(),
        format!(
            "at most {} % more than ordered may be delivered",
            percent(rules.over_delivery_percent)
        ),
    );
    add(
        "quantityTolerancePercent",
        rules.quantity_tolerance_percent.is_some(),
        format!(
            "a quantity in an answer lies at most {} % from the ordered one",
            percent(rules.quantity_tolerance_percent)
        ),
    );
    add(
        "priceTolerancePercent",
        rules.price_tolerance_percent.is_some(),
        format!(
            "a price in an answer lies at most {} % from the ordered one",
            percent(rules.price_tolerance_percent)
        ),
    );
    add(
        "amountToleranceMinorUnits",
        rules.amount_tolerance_minor_units != usual.amount_tolerance_minor_units,
        format!(
            "amounts may differ by {} minor units",
            rules.amount_tolerance_minor_units
        ),
    );
    out
}

/// What they do with one document, by itself.
pub(super) fn of_document(
    rules: &PartnerRules,
    document: &CanonicalDocument,
    side: Option<Side>,
    now: Timestamp,
) -> Vec<TrialRule> {
    let mut out = Vec::new();
    let (issued_at, answered_by) = match document {
        CanonicalDocument::Order(order) => (order.issued_at, Side::Seller),
        CanonicalDocument::DespatchAdvice(note) => (note.issued_at, Side::Buyer),
    };
    if side == Some(answered_by)
        && let Some(due) = answer_due(issued_at.unwrap_or(now), rules)
    {
        let late = if due < now { ", which is over" } else { "" };
        out.push(rule(
            "answerDeadlineHours",
            format!("the answer is due at {}{late}", due.to_rfc3339()),
        ));
    }
    if let CanonicalDocument::Order(order) = document {
        let apart = check_amounts(order, rules.amount_tolerance_minor_units);
        out.extend(
            apart
                .into_iter()
                .map(|p| rule("amountToleranceMinorUnits", p.to_string())),
        );
    }
    out
}
