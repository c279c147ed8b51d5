//! What an answer says line by line: which lines went through, and why the others did not.

use super::error_text::{shorten, words};
use crate::partner::config::Results;
use crate::partner::expr::{Expr, Scope};
use crate::partner::map::values;
use serde_json::Value;
use std::borrow::Cow;

/// Most results of one answer that are looked at.
const MAX_RESULTS: usize = 10_000;

/// Lines that did not go through.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// For good, each in the partner's words, such as `line 10: no such item`.
    pub failed: Vec<String>,
    /// Ids of those that are worth sending again, and the partner's words about them.
    pub again: Vec<String>,
    pub delayed: Vec<String>,
    /// Whether any went through.
    pub some_taken: bool,
}

/// # Errors
/// The results cannot be read: whether every line went through is not known.
pub(super) fn lines(results: &Results, body: &Value) -> Result<Lines, String> {
    let root = Scope::root(body);
    let found = results.each.elements(&root).map_err(|p| p.message)?;
    if found.len() > MAX_RESULTS {
        return Err(format!("the answer has more than {MAX_RESULTS} results"));
    }
    let mut lines = Lines::default();
    for (n, one) in found.iter().enumerate() {
        let scope = Scope::below(&root, &results.each, n, one.node());
        let id = text(results.id.as_ref(), &scope);
        let state = text(results.state.as_ref(), &scope);
        let listed = |list: &[String]| state.as_ref().is_some_and(|s| list.contains(s));
        let went_through = match (&results.state, results.failed.is_empty()) {
            (None, _) => false,
            (Some(_), true) => listed(&results.applied),
            (Some(_), false) => !listed(&results.failed) && !listed(&results.again),
        };
        if went_through {
            lines.some_taken = true;
            continue;
        }
        let again = listed(&results.again);
        let name = id.unwrap_or_else(|| (n + 1).to_string());
        let said = said(results.error_text.as_ref(), &scope).or(state);
        let words = match said {
            Some(said) => format!("line {name}: {said}"),
            None => format!("line {name}"),
        };
        if again {
            lines.again.push(name);
            lines.delayed.push(words);
        } else {
            lines.failed.push(words);
        }
    }
    Ok(lines)
}

/// Words about several lines, as one text for a person.
pub(super) fn joined(words: &[String]) -> String {
    shorten(&words.join("; "))
}

/// What a state or an id is as text.
pub(super) fn text(expr: Option<&Expr>, scope: &Scope<'_>) -> Option<String> {
    let found = expr?.one(scope).ok().flatten()?;
    match &*found {
        Value::Bool(b) => Some(b.to_string()),
        other => values::text(other).ok().flatten().map(Cow::into_owned),
    }
}

fn said(expr: Option<&Expr>, scope: &Scope<'_>) -> Option<String> {
    match expr {
        Some(expr) => {
            let found = expr.many(scope).ok()?;
            let all: Vec<_> = found.iter().filter_map(|v| words(v)).collect();
            (!all.is_empty()).then(|| all.join("; "))
        }
        None => words(&scope.this.value()),
    }
}
