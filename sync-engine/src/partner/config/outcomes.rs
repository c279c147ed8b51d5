//! What an operation's answers mean, by status and by what the body says.

use super::mistakes::child;
use super::raw::{RawCase, RawOutcomes, RawResults};
use super::{Case, Outcomes, Results};
use crate::partner::expr::Expr;
use crate::partner::map::Compile;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn outcomes(raw: &RawOutcomes, pointer: &str, ctx: &mut Compile<'_>) -> Outcomes {
    let mut seen: BTreeMap<u16, &str> = BTreeMap::new();
    let mut cases = |name: &'static str, list: &[Value]| {
        let at = child(pointer, name);
        list.iter()
            .enumerate()
            .filter_map(|(n, value)| {
                let case = case(value, &child(&at, n), ctx)?;
                for status in case.statuses.iter().filter(|_| case.when.is_none()) {
                    if let Some(before) = seen.insert(*status, name) {
                        ctx.mistakes
                            .add(&*at, format!("status {status} is under \"{before}\" already"));
                    }
                }
                Some(case)
            })
            .collect()
    };
    let (success, applied) = (cases("success", &raw.success), cases("applied", &raw.applied));
    let already_done = cases("alreadyDone", &raw.already_done);
    let (again, conflict) = (cases("again", &raw.again), cases("conflict", &raw.conflict));
    let rejected = cases("rejected", &raw.rejected);
    Outcomes {
        success,
        applied,
        already_done,
        again,
        conflict,
        rejected,
        error_text: optional(raw.error_text.as_deref(), &child(pointer, "errorText"), ctx),
    }
}

/// A status, or `{"status": …, "when": …}`.
pub(super) fn case(value: &Value, pointer: &str, ctx: &mut Compile<'_>) -> Option<Case> {
    let number = |value: &Value| value.as_u64().and_then(|n| u16::try_from(n).ok());
    if !value.is_object() {
        return Some(Case {
            statuses: vec![number(value)?],
            when: None,
        });
    }
    let raw: RawCase = serde_json::from_value(value.clone()).ok()?;
    let statuses: Vec<u16> = match &raw.status {
        None => Vec::new(),
        Some(Value::Array(list)) => list.iter().filter_map(number).collect(),
        Some(one) => number(one).into_iter().collect(),
    };
    if statuses.is_empty() && raw.when.is_none() {
        ctx.mistakes.add(
            pointer,
            "\"status\" or \"when\" is missing: which answers this is about",
        );
        return None;
    }
    let when = match &raw.when {
        None => None,
        Some(text) => Some(ctx.expr(text, &child(pointer, "when"))?),
    };
    Some(Case { statuses, when })
}

pub(super) fn results(raw: &RawResults, pointer: &str, ctx: &mut Compile<'_>) -> Option<Results> {
    let each = raw
        .each
        .as_deref()
        .and_then(|text| ctx.expr(text, &child(pointer, "each")));
    let id = optional(raw.id.as_deref(), &child(pointer, "id"), ctx);
    let state = optional(raw.state.as_deref(), &child(pointer, "state"), ctx);
    let error_text = optional(raw.error_text.as_deref(), &child(pointer, "errorText"), ctx);
    let lists = [
        ("applied", &raw.applied),
        ("failed", &raw.failed),
        ("again", &raw.again),
    ];
    if !raw.again.is_empty() && raw.id.is_none() {
        ctx.mistakes.add(
            child(pointer, "again"),
            "\"id\" is missing: which lines are to be sent again",
        );
    }
    if raw.state.is_none() {
        for (name, _) in lists.iter().filter(|(_, list)| !list.is_empty()) {
            ctx.mistakes.add(
                child(pointer, name),
                "these are states: \"state\", where a state is in a result, is missing",
            );
        }
    } else if raw.applied.is_empty() && raw.failed.is_empty() {
        ctx.mistakes.add(
            pointer,
            "\"applied\" or \"failed\" is missing: the states that say whether a line went through",
        );
    }
    Some(Results {
        each: each?,
        id,
        state,
        applied: raw.applied.clone(),
        failed: raw.failed.clone(),
        again: raw.again.clone(),
        error_text,
    })
}

pub(super) fn optional(text: Option<&str>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Expr> {
    text.and_then(|text| ctx.expr(text, pointer))
}
