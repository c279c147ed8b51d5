//! Our answer -> the partner's request.

use super::config::{Format, OperationConfig, PartnerConfig};
use super::expr::{Scope, Seen, trace};
use super::stages::{self, Here};
use super::{IntakeError, IntakeProblem, OutboundKind, RenderInput, RenderedRequest, issue};
use crate::domain::{PartnerRules, Progress};
use serde_json::{Map, Value, json};
use std::sync::Arc;

impl RenderedRequest {
    /// In place of a request, for a partner that has none of the kind: it never leaves.
    pub fn nothing() -> Self {
        Self {
            method: "NONE".to_owned(),
            url: String::new(),
            headers: Vec::new(),
            media_type: String::new(),
            body: Default::default(),
        }
    }

    pub fn is_nothing(&self) -> bool {
        self.method == "NONE"
    }
}

impl OutboundKind {
    /// Its name in configurations and in expressions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Confirm => "confirm",
            Self::Reject => "reject",
            Self::Counter => "counter",
            Self::Receipt => "receipt",
            Self::Submit => "submit",
            Self::Update => "update",
            Self::Cancel => "cancel",
            Self::Close => "close",
            Self::Despatch => "despatch",
        }
    }
}

/// The request at the input's progress, or the first after it.
///
/// # Errors
/// `mapping` when the request cannot be made, `schema` when its body does not fit the partner's schema.
pub(crate) fn rendered(config: &PartnerConfig, input: &RenderInput<'_>) -> Result<RenderedRequest, IntakeError> {
    let operation = operation(config, input)?;
    let Some(Here { step, scope, .. }) = at(config, operation, input, operation.seen.as_ref())? else {
        if operation.silent {
            return Ok(RenderedRequest::nothing());
        }
        let message = "there is nothing to send: no step of the operation applies".to_owned();
        return Err(mapping(input, message));
    };
    let ready = step
        .request
        .render(&config.base_url, &Scope::root(&scope))
        .map_err(|problems| failed(input, "mapping", problems))?;
    if let (Some(schema), Some(body)) = (&step.schema, &ready.json) {
        let problems = schema.check(body);
        if !problems.is_empty() {
            return Err(failed(input, "schema", problems));
        }
    }
    Ok(ready.request)
}

/// Where the request at the input's progress is, or the first after it; `None` when there is none.
pub(super) fn here<'c>(config: &'c PartnerConfig, input: &RenderInput<'_>) -> Result<Option<Here<'c>>, IntakeError> {
    at(config, operation(config, input)?, input, None)
}

fn operation<'c>(config: &'c PartnerConfig, input: &RenderInput<'_>) -> Result<&'c OperationConfig, IntakeError> {
    config.operations.get(&input.kind).ok_or_else(|| {
        let message = format!(
            "the configuration of {} has no operation \"{}\"",
            config.name,
            input.kind.as_str()
        );
        mapping(input, message)
    })
}

fn at<'c>(
    config: &PartnerConfig,
    operation: &'c OperationConfig,
    input: &RenderInput<'_>,
    seen: Option<&Seen>,
) -> Result<Option<Here<'c>>, IntakeError> {
    stages::here(config, operation, input, seen).map_err(|problems| failed(input, "mapping", problems))
}

/// Where the operation goes on once the request at the input's progress is through; `receipt` is what was kept of its
/// answer. `None` when it was the last one.
pub(crate) fn after(
    config: &PartnerConfig,
    input: &RenderInput<'_>,
    receipt: Option<&Value>,
) -> Result<Option<Progress>, IntakeError> {
    let progress = input.stage.progress.cloned().unwrap_or_default();
    let step = config.operations.get(&input.kind).and_then(|o| o.step(&progress));
    let Some(step) = step else { return Ok(None) };
    let next = progress.onward(&step.name, step.each.is_some(), receipt);
    let mut input = input.clone();
    input.stage.progress = Some(&next);
    Ok(here(config, &input)?.map(|here| here.progress))
}

fn failed(input: &RenderInput<'_>, stage: &'static str, problems: Vec<IntakeProblem>) -> IntakeError {
    IntakeError {
        stage,
        number: Some(input.document.number().to_owned()),
        problems,
    }
}

fn mapping(input: &RenderInput<'_>, message: String) -> IntakeError {
    let pointer = String::new();
    failed(input, "mapping", vec![IntakeProblem { pointer, message }])
}

/// What the expressions of a request see: `docs/partner/operations.md`. Of what is large only what is `seen`, where that
/// is known.
pub(crate) fn request_scope(
    input: &RenderInput<'_>,
    receipt: Option<&Value>,
    config: &PartnerConfig,
    seen: Option<&Seen>,
) -> Value {
    // Where it is watched, places are told from the whole.
    let seen = seen.filter(|_| !trace::is_on());
    let has = |name| seen.is_none_or(|seen| seen.has(name));
    let mut document = issue::plain(input.document);
    let mut lines = || {
        own_lines(
            &mut document,
            seen.is_none_or(|seen| seen.has_within("document", "lines")),
        )
    };
    let mut changes = Vec::new();
    let (lines, added) = match input.kind {
        OutboundKind::Receipt => (received_lines(lines(), input.answer), Vec::new()),
        OutboundKind::Acknowledge | OutboundKind::Confirm | OutboundKind::Reject | OutboundKind::Counter => {
            answered_lines(lines(), input.answer, &config.rules)
        }
        OutboundKind::Submit | OutboundKind::Update | OutboundKind::Cancel | OutboundKind::Close => {
            changes = issue::changes(input.document, input.previous);
            let issued = changes
                .iter()
                .filter(|l| l.get("change").is_none_or(|c| c != "Deleted"));
            (issued.cloned().collect(), Vec::new())
        }
        OutboundKind::Despatch => (issue::ordered(&document, input.order), Vec::new()),
    };
    let payload = has("payload").then(|| payload(input.payload, config));
    let mut scope = json!({
        "operation": input.kind.as_str(),
        "kind": input.document.kind(),
        "purpose": input.answer.get("purpose"),
        "operationId": input.operation_id.to_string(),
        "answer": input.answer,
        "previous": input.previous.map(issue::plain),
        "order": input.order.map(|order| issue::referred(order, input.order_ref)),
        "revision": input.revision,
        "partnerRef": input.partner_ref,
        "answeredAt": input.answered_at.to_rfc3339(),
        "receipt": receipt,
        "steps": input.stage.progress.map(|p| &p.steps),
    });
    // Moved, not copied as the macro does: they are large.
    for (name, value) in [
        ("document", document),
        ("payload", payload.unwrap_or_default()),
        ("changes", Value::Array(changes)),
        ("lines", Value::Array(lines)),
        ("added", Value::Array(added)),
    ] {
        scope[name] = value;
    }
    scope
}

/// The partner's own document, as its map saw it.
fn payload(bytes: &[u8], config: &PartnerConfig) -> Value {
    let xml = bytes.iter().find(|b| !b.is_ascii_whitespace() && b.is_ascii()) == Some(&b'<');
    let format = if xml {
        Format::Xml(Arc::clone(&config.xml))
    } else {
        Format::Json
    };
    format.value(bytes).unwrap_or(Value::Null)
}

/// A document's lines: taken out of it, unless they are to be seen there as well.
fn own_lines(document: &mut Value, stay: bool) -> Vec<Map<String, Value>> {
    let Some(Value::Array(lines)) = document.get_mut("lines") else {
        return Vec::new();
    };
    let lines = if stay { lines.clone() } else { std::mem::take(lines) };
    let objects = lines.into_iter().filter_map(|line| match line {
        Value::Object(line) => Some(line),
        _ => None,
    });
    objects.collect()
}

fn answers_of(answer: &Value) -> impl Iterator<Item = &Value> {
    answer.get("lines").and_then(Value::as_array).into_iter().flatten()
}

/// Every order line with `answers`: what the header answer or the answer lines say of it. And the lines that we add.
fn answered_lines(lines: Vec<Map<String, Value>>, answer: &Value, rules: &PartnerRules) -> (Vec<Value>, Vec<Value>) {
    let code = answer.get("code").and_then(Value::as_str).unwrap_or_default();
    let lines = lines
        .into_iter()
        .map(|mut line| {
            let mut own: Vec<Value> = answers_of(answer)
                .filter(|a| a.get("lineId") == line.get("id") && a.get("code").is_none_or(|c| c != "Added"))
                .cloned()
                .collect();
            if own.is_empty() {
                own.extend(implied(code, answer, rules));
            }
            let whole = own.len() == 1;
            for answer in own.iter_mut().filter_map(Value::as_object_mut) {
                // An answer line without a quantity stands for what was ordered.
                if whole && !answer.contains_key("quantity") {
                    answer.extend(line.get("quantity").map(|q| ("quantity".to_owned(), q.clone())));
                }
            }
            line.insert("answers".to_owned(), Value::Array(own));
            Value::Object(line)
        })
        .collect();
    let added = answers_of(answer)
        .filter(|a| a.get("code").is_some_and(|c| c == "Added"))
        .cloned()
        .collect();
    (lines, added)
}

/// What the header answer says of a line that has no answer of its own.
fn implied(code: &str, answer: &Value, rules: &PartnerRules) -> Option<Value> {
    match code {
        "AP" => Some(json!({"code": "Accepted"})),
        "RE" => Some(json!({"code": "Rejected", "reason": answer.get("reason")})),
        "CA" if rules.missing_lines_rejected => Some(json!({"code": "Rejected"})),
        _ => None,
    }
}

/// Every line of the delivery note with `receipt`: what arrived of it.
fn received_lines(lines: Vec<Map<String, Value>>, answer: &Value) -> Vec<Value> {
    lines
        .into_iter()
        .map(|mut line| {
            let receipt = answers_of(answer).find(|a| a.get("lineId") == line.get("id")).cloned();
            line.insert("receipt".to_owned(), receipt.unwrap_or(Value::Null));
            Value::Object(line)
        })
        .collect()
}
