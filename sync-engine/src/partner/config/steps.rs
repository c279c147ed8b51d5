//! The requests of an operation: the only one, or its steps.

use super::mistakes::child;
use super::operations::{outgoing, probe};
use super::outcomes::{optional, outcomes, results};
use super::raw::{RawOperation, RawPrepare, RawStep};
use super::request::RequestTemplate;
use super::validate::schema;
use super::{OperationConfig, Prepare, StepConfig};
use crate::partner::OutboundKind;
use crate::partner::map::{Compile, Template};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as FilePath;

/// Most steps of one operation.
const MAX_STEPS: usize = 20;

pub(super) fn compile(
    raw: &RawOperation,
    dir: &FilePath,
    pointer: &str,
    ctx: &mut Compile<'_>,
) -> Option<Vec<StepConfig>> {
    if raw.silent && raw.steps.is_empty() {
        return silent(raw, pointer, ctx);
    }
    if raw.steps.is_empty() {
        if raw.request.is_none() {
            ctx.mistakes
                .add(pointer, "\"request\", \"steps\" or \"sameAs\" is missing (or \"silent\": true, where the partner has no such request)");
            return None;
        }
        return step(&only_step(raw), dir, pointer, ctx).map(|step| vec![step]);
    }
    belong_to_steps(raw, pointer, ctx);
    let at = child(pointer, "steps");
    if raw.steps.len() > MAX_STEPS {
        ctx.mistakes
            .add(&*at, format!("an operation has at most {MAX_STEPS} steps"));
    }
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut steps = Vec::new();
    for (n, raw) in raw.steps.iter().enumerate() {
        let at = child(&at, n);
        if let Some(name) = raw.name.as_deref().filter(|name| !names.insert(*name)) {
            ctx.mistakes
                .add(child(&at, "name"), format!("there is a step \"{name}\" already"));
        }
        steps.push(step(raw, dir, &at, ctx));
    }
    let last = raw.steps.len().saturating_sub(1);
    if raw.steps.last().is_some_and(|step| step.verify.is_some()) {
        ctx.mistakes.add(
            child(&child(&at, last), "verify"),
            "the last step's job is the operation's: \"verify\" belongs beside \"steps\"",
        );
    }
    steps.into_iter().collect()
}

/// The partner has no such request: nothing is sent.
fn silent(raw: &RawOperation, pointer: &str, ctx: &mut Compile<'_>) -> Option<Vec<StepConfig>> {
    let before = ctx.mistakes.len();
    let verify = raw.verify.is_some().then_some("verify");
    for name in of_a_request(raw).chain(verify) {
        ctx.mistakes.add(
            child(pointer, name),
            format!("\"silent\" alone sends nothing, so \"{name}\" is about no request: it stands beside \"steps\" whose \"each\" may give nothing"),
        );
    }
    (ctx.mistakes.len() == before).then(Vec::new)
}

/// What is given that is about one request.
fn of_a_request(raw: &RawOperation) -> impl Iterator<Item = &'static str> + use<> {
    let given = [
        ("request", raw.request.is_some()),
        ("prepare", raw.prepare.is_some()),
        ("schema", raw.schema.is_some()),
        ("receipt", raw.receipt.is_some()),
        ("results", raw.results.is_some()),
        ("lookup", raw.lookup.is_some()),
    ];
    given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name)
}

fn only_step(raw: &RawOperation) -> RawStep {
    RawStep {
        name: None,
        each: None,
        prepare: raw.prepare.clone(),
        request: raw.request.clone(),
        schema: raw.schema.clone(),
        outcomes: raw.outcomes.clone(),
        receipt: raw.receipt.clone(),
        results: raw.results.clone(),
        verify: None,
        lookup: raw.lookup.clone(),
    }
}

fn belong_to_steps(raw: &RawOperation, pointer: &str, ctx: &mut Compile<'_>) {
    for name in of_a_request(raw) {
        ctx.mistakes.add(
            child(pointer, name),
            format!("beside \"steps\", \"{name}\" belongs into the step that it is about"),
        );
    }
}

fn step(raw: &RawStep, dir: &FilePath, pointer: &str, ctx: &mut Compile<'_>) -> Option<StepConfig> {
    let each = optional(raw.each.as_deref(), &child(pointer, "each"), ctx);
    let prepare = raw
        .prepare
        .as_ref()
        .map(|raw| prepare(raw, &child(pointer, "prepare"), ctx));
    let request = raw
        .request
        .as_ref()
        .and_then(|raw| outgoing(raw, "POST", &child(pointer, "request"), ctx));
    let schema = schema(raw.schema.as_ref(), dir, pointer, ctx);
    let outcomes = outcomes(&raw.outcomes, &child(pointer, "outcomes"), ctx);
    let receipt = raw
        .receipt
        .as_ref()
        .and_then(|r| Template::compile(r, &child(pointer, "receipt"), ctx));
    let results = raw
        .results
        .as_ref()
        .and_then(|r| results(r, &child(pointer, "results"), ctx));
    let verify = raw
        .verify
        .as_ref()
        .and_then(|raw| probe(raw, &child(pointer, "verify"), ctx));
    let lookup = raw
        .lookup
        .as_ref()
        .and_then(|raw| probe(raw, &child(pointer, "lookup"), ctx));
    Some(StepConfig {
        name: raw.name.clone().unwrap_or_default(),
        each,
        prepare: match prepare {
            None => None,
            Some(prepare) => Some(prepare?),
        },
        request: request?,
        schema,
        outcomes,
        receipt,
        results,
        verify,
        lookup,
    })
}

fn prepare(raw: &RawPrepare, pointer: &str, ctx: &mut Compile<'_>) -> Option<Prepare> {
    let request = raw
        .request
        .as_ref()
        .and_then(|raw| RequestTemplate::compile(raw, "GET", &child(pointer, "request"), ctx));
    let keep = raw
        .keep
        .as_ref()
        .and_then(|keep| Template::compile(keep, &child(pointer, "keep"), ctx));
    let item = optional(raw.item.as_deref(), &child(pointer, "item"), ctx);
    let unchanged = optional(raw.unchanged.as_deref(), &child(pointer, "unchanged"), ctx);
    if raw.stream.is_none() && raw.item.is_some() {
        ctx.mistakes.add(
            child(pointer, "item"),
            "\"stream\" is missing: the stream whose map reads the document",
        );
    }
    if raw.keep.is_none() && raw.stream.is_none() && raw.unchanged.is_none() {
        ctx.mistakes.add(
            pointer,
            "\"keep\", \"stream\" or \"unchanged\" is missing: what the answer is read for",
        );
    }
    Some(Prepare {
        request: request?,
        keep,
        unchanged,
        document: raw.stream.clone().map(|stream| (stream, item)),
    })
}

/// Sending again needs a look at what the partner holds now. What answers a document of the partner must see that it is
/// still the same.
pub(super) fn can_reread(steps: &[StepConfig], kind: OutboundKind, pointer: &str, ctx: &mut Compile<'_>) {
    let prepares: Vec<_> = steps.iter().filter_map(|s| s.prepare.as_ref()).collect();
    let answers = match kind {
        OutboundKind::Acknowledge
        | OutboundKind::Confirm
        | OutboundKind::Reject
        | OutboundKind::Counter
        | OutboundKind::Receipt => true,
        OutboundKind::Submit
        | OutboundKind::Update
        | OutboundKind::Cancel
        | OutboundKind::Close
        | OutboundKind::Despatch => false,
    };
    if prepares.is_empty() {
        ctx.mistakes.add(
            pointer,
            "\"reread\" needs \"prepare\": the read that says what the partner holds now",
        );
    } else if answers && prepares.iter().all(|p| p.document.is_none() && p.unchanged.is_none()) {
        ctx.mistakes.add(
            pointer,
            "\"reread\" of an answer needs \"stream\" or \"unchanged\" in \"prepare\": how to see that the document is still the one that is answered",
        );
    }
}

/// That `prepare` names streams of this configuration.
pub(super) fn check_streams(
    operations: &BTreeMap<OutboundKind, OperationConfig>,
    streams: &BTreeMap<String, Value>,
    ctx: &mut Compile<'_>,
) {
    let known = || streams.keys().map(String::as_str);
    for (kind, operation) in operations {
        let pointer = child("/operations", kind.as_str());
        for (n, step) in operation.steps.iter().enumerate() {
            let Some((stream, _)) = step.prepare.as_ref().and_then(|p| p.document.as_ref()) else {
                continue;
            };
            if known().any(|name| name == stream) {
                continue;
            }
            let at = match step.name.as_str() {
                "" => format!("{pointer}/prepare/stream"),
                _ => format!("{pointer}/steps/{n}/prepare/stream"),
            };
            ctx.mistakes.unknown(
                at,
                format!("there is no stream \"{stream}\" in this configuration"),
                stream,
                known(),
            );
        }
    }
}
