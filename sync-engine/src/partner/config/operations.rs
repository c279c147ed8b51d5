//! The operations of a configuration.

use super::mistakes::child;
use super::outcomes::{optional, results};
use super::raw::{RawConflict, RawOperation, RawProbe, RawRequest};
use super::request::RequestTemplate;
use super::validate::inherit;
use super::{OperationConfig, Probe, steps};
use crate::partner::OutboundKind;
use crate::partner::map::{Compile, Template};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::time::Duration;

const OPERATIONS: &[(&str, OutboundKind)] = &[
    ("acknowledge", OutboundKind::Acknowledge),
    ("confirm", OutboundKind::Confirm),
    ("reject", OutboundKind::Reject),
    ("counter", OutboundKind::Counter),
    ("receipt", OutboundKind::Receipt),
    ("submit", OutboundKind::Submit),
    ("update", OutboundKind::Update),
    ("cancel", OutboundKind::Cancel),
    ("close", OutboundKind::Close),
    ("despatch", OutboundKind::Despatch),
];

pub(super) fn compile(
    raw: &BTreeMap<String, Value>,
    dir: &FilePath,
    ctx: &mut Compile<'_>,
) -> BTreeMap<OutboundKind, OperationConfig> {
    let mut found = BTreeMap::new();
    for (name, kind) in OPERATIONS {
        let Some(value) = raw.get(*name) else { continue };
        let pointer = child("/operations", name);
        let Some(whole) = inherit("operation", name, value, raw, &pointer, ctx) else {
            continue;
        };
        // Names and types fit the schema; what does not was reported and taken out before.
        let Ok(operation) = serde_json::from_value::<RawOperation>(whole) else {
            ctx.mistakes.add(&*pointer, "this is no operation");
            continue;
        };
        found.extend(compile_operation(&operation, dir, (*kind, &pointer), ctx).map(|o| (*kind, o)));
    }
    found
}

fn compile_operation(
    raw: &RawOperation,
    dir: &FilePath,
    (kind, pointer): (OutboundKind, &str),
    ctx: &mut Compile<'_>,
) -> Option<OperationConfig> {
    receipt_of_jobs_only(raw, pointer, ctx);
    let compiled = steps::compile(raw, dir, pointer, ctx);
    let verify = raw
        .verify
        .as_ref()
        .and_then(|raw| probe(raw, &child(pointer, "verify"), ctx));
    let compiled = compiled?;
    let rereads = raw.conflict == Some(RawConflict::Reread);
    if rereads {
        steps::can_reread(&compiled, kind, &child(pointer, "conflict"), ctx);
    }
    let mut operation = OperationConfig {
        steps: compiled,
        silent: raw.silent,
        max_lines: raw.max_lines.and_then(|n| usize::try_from(n).ok()),
        verify,
        rereads,
        seen: None,
    };
    if operation.is_plain() {
        operation.seen = operation.steps.first().and_then(|only| only.request.seen());
    }
    Some(operation)
}

/// What a question tells beside its state is used by the next step, so there must be one.
fn receipt_of_jobs_only(raw: &RawOperation, pointer: &str, ctx: &mut Compile<'_>) {
    let asked = [("verify", &raw.verify), ("lookup", &raw.lookup)];
    for (name, _) in asked
        .iter()
        .filter(|(_, p)| p.as_ref().is_some_and(|p| p.receipt.is_some()))
    {
        ctx.mistakes.add(
            child(&child(pointer, name), "receipt"),
            "only \"verify\" of a step keeps something, for the steps after it",
        );
    }
}

/// A request of an operation: its code tables must be readable backwards.
pub(super) fn outgoing(
    raw: &RawRequest,
    method: &str,
    pointer: &str,
    ctx: &mut Compile<'_>,
) -> Option<RequestTemplate> {
    let request = RequestTemplate::compile(raw, method, pointer, ctx)?;
    let mut tables = Vec::new();
    request.tables(&mut tables);
    for table in tables {
        for ours in table.ambiguous() {
            let at = if table.name == "units" {
                "/units".to_owned()
            } else {
                child("/codes", &table.name)
            };
            ctx.mistakes.add(
                at,
                format!("several codes of the partner mean \"{ours}\": say under \"out\" which one is sent"),
            );
        }
    }
    Some(request)
}

fn status(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|n| u16::try_from(n).ok())
}

pub(super) fn probe(raw: &RawProbe, pointer: &str, ctx: &mut Compile<'_>) -> Option<Probe> {
    let request = raw
        .request
        .as_ref()
        .and_then(|r| outgoing(r, "GET", &child(pointer, "request"), ctx));
    let state = optional(raw.state.as_deref(), &child(pointer, "state"), ctx);
    let error_text = optional(raw.error_text.as_deref(), &child(pointer, "errorText"), ctx);
    let results = raw
        .results
        .as_ref()
        .and_then(|r| results(r, &child(pointer, "results"), ctx));
    if results.as_ref().is_some_and(|r| !r.again.is_empty()) {
        ctx.mistakes.add(
            child(pointer, "results/again"),
            "lines are sent again only where the answer to their own request says so",
        );
    }
    if raw.applied.is_empty() && raw.taken.is_empty() {
        ctx.mistakes.add(
            pointer,
            "\"applied\" or \"taken\" is missing: the states that settle the operation",
        );
    }
    one_meaning(raw, pointer, ctx);
    let receipt = raw
        .receipt
        .as_ref()
        .and_then(|r| Template::compile(r, &child(pointer, "receipt"), ctx));
    Some(Probe {
        receipt,
        request: request?,
        state: state?,
        applied: raw.applied.clone(),
        taken: raw.taken.clone(),
        failed: raw.failed.clone(),
        not_seen: raw.not_seen.iter().filter_map(status).collect(),
        not_seen_states: raw
            .not_seen
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        resend: raw.resend.clone(),
        error_text,
        results,
        every: Duration::from_secs(raw.every_seconds.unwrap_or(10)),
    })
}

/// A state that asks for another send means nothing else.
fn one_meaning(raw: &RawProbe, pointer: &str, ctx: &mut Compile<'_>) {
    let not_seen: Vec<&str> = raw.not_seen.iter().filter_map(Value::as_str).collect();
    for (n, state) in raw.resend.iter().enumerate() {
        let lists = [
            ("applied", raw.applied.contains(state)),
            ("pending", raw.pending.contains(state)),
            ("taken", raw.taken.contains(state)),
            ("failed", raw.failed.contains(state)),
            ("notSeen", not_seen.contains(&state.as_str())),
        ];
        if let Some((other, _)) = lists.iter().find(|(_, has)| *has) {
            ctx.mistakes.add(
                child(&child(pointer, "resend"), n),
                format!("state \"{state}\" is under \"{other}\" already"),
            );
        }
    }
}

/// What was taken is sent once more only where a request that comes twice has one effect.
pub(super) fn check_resends(
    operations: &BTreeMap<OutboundKind, OperationConfig>,
    honoured: bool,
    ctx: &mut Compile<'_>,
) {
    let resends = |probe: &Option<Probe>| probe.as_ref().is_some_and(|p| !p.resend.is_empty());
    for (kind, operation) in operations {
        let at = child("/operations", kind.as_str());
        if resends(&operation.verify) && !honoured {
            ctx.mistakes.add(
                child(&child(&at, "verify"), "resend"),
                "\"idempotency\" with \"honoured\": true is missing: without it a request that comes twice may have two effects",
            );
        }
        for (n, step) in operation
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| resends(&step.verify))
        {
            let at = child(&child(&child(&at, "steps"), n), "verify");
            ctx.mistakes.add(
                child(&at, "resend"),
                format!(
                    "the job of step \"{}\" is not begun again by itself: name the state under \"failed\"",
                    step.name
                ),
            );
        }
    }
}
