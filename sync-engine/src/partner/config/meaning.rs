//! What the partner's statuses mean in truth: the section `statuses`.

use super::mistakes::child;
use super::outcomes::case;
use super::raw::RawMeaning;
use super::{Case, Meaning};
use crate::partner::map::Compile;
use serde_json::json;

pub(super) fn meanings(raw: &[RawMeaning], ctx: &mut Compile<'_>) -> Vec<Meaning> {
    let one = |(n, raw): (usize, &RawMeaning)| {
        let at = child("/statuses", n);
        let Some(counts_as) = raw.counts_as else {
            // The schema has said so.
            return None;
        };
        let mut of = json!({});
        if let Some(status) = &raw.status {
            of["status"] = status.clone();
        }
        if let Some(when) = &raw.when {
            of["when"] = json!(when);
        }
        let case: Case = case(&of, &at, ctx)?;
        Some(Meaning { case, counts_as })
    };
    raw.iter().enumerate().filter_map(one).collect()
}
