//! Operations of several requests: which one it is the turn of, and what its expressions see.

use super::RenderInput;
use super::config::{OperationConfig, PartnerConfig, StepConfig};
use super::expr::{Problem, Scope, Seen};
use super::render::request_scope;
use crate::domain::Progress;
use serde_json::{Value, json};

/// Most repetitions of one step.
const MAX_PARTS: usize = 1000;

/// A request that is to be made.
pub(super) struct Here<'c> {
    pub step: &'c StepConfig,
    pub progress: Progress,
    /// What its expressions see.
    pub scope: Value,
}

/// The request at the input's progress, or the first after it; `None` when there is none. Its scope has what is `seen`,
/// or everything.
///
/// # Errors
/// More lines than the partner takes, or a repetition that cannot be worked out.
pub(super) fn here<'c>(
    config: &PartnerConfig,
    operation: &'c OperationConfig,
    input: &RenderInput<'_>,
    seen: Option<&Seen>,
) -> Result<Option<Here<'c>>, Vec<Problem>> {
    let mut progress = input.stage.progress.cloned().unwrap_or_default();
    let mut scope = request_scope(input, None, config, seen);
    if let Some(most) = operation.max_lines {
        chunks(&mut scope, most, operation)?;
    }
    while let Some(step) = operation.step(&progress) {
        if let Some(part) = part(step, &progress, &scope).map_err(|problem| vec![problem])? {
            complete(&mut scope, input, (&progress, part));
            return left(&mut scope, &progress).map(|()| Some(Here { step, progress, scope }));
        }
        progress = progress.next_step();
    }
    Ok(None)
}

/// Null for the only part of a step that is not repeated.
fn part(step: &StepConfig, progress: &Progress, scope: &Value) -> Result<Option<Value>, Problem> {
    let Some(each) = &step.each else {
        return Ok((progress.part == 0).then_some(Value::Null));
    };
    let parts = each.elements(&Scope::root(scope))?;
    if parts.len() > MAX_PARTS {
        return Err(Problem {
            pointer: "/each".to_owned(),
            message: format!(
                "the step \"{}\" is repeated at most {MAX_PARTS} times, this is {}",
                step.name,
                parts.len()
            ),
        });
    }
    let nth = usize::try_from(progress.part).ok();
    Ok(nth
        .and_then(|n| parts.get(n))
        .map(|part| part.node().value().into_owned()))
}

fn complete(scope: &mut Value, input: &RenderInput<'_>, (progress, part): (&Progress, Value)) {
    if let Some(members) = scope.as_object_mut() {
        let key = progress.key(crate::domain::OperationId(input.operation_id));
        members.insert("key".to_owned(), json!(key));
        members.insert("part".to_owned(), part);
        members.insert("prepared".to_owned(), json!(input.stage.prepared));
    }
}

/// Leaves only the lines that have not gone through.
fn left(scope: &mut Value, progress: &Progress) -> Result<(), Vec<Problem>> {
    let Some(left) = &progress.left else { return Ok(()) };
    let mut remaining = 0;
    let mut keep = |list: Option<&mut Value>, id: &str| {
        if let Some(Value::Array(lines)) = list {
            lines.retain(|line| {
                let id = line.get(id).and_then(Value::as_str);
                id.is_some_and(|id| left.iter().any(|l| l == id))
            });
            remaining += lines.len();
        }
    };
    keep(scope.get_mut("lines"), "id");
    keep(scope.get_mut("added"), "lineId");
    keep(scope.get_mut("changes"), "id");
    keep(scope.pointer_mut("/part/lines"), "id");
    if remaining > 0 {
        return Ok(());
    }
    Err(vec![Problem {
        pointer: "/lines".to_owned(),
        message: format!(
            "the partner wants lines again that are not in the request: {}",
            left.join(", ")
        ),
    }])
}

/// The lines in lots of as many as the partner takes at once. Without a step that is repeated they all go at once.
fn chunks(scope: &mut Value, most: usize, operation: &OperationConfig) -> Result<(), Vec<Problem>> {
    let Some(Value::Array(lines)) = scope.get("lines") else {
        return Ok(());
    };
    if lines.len() > most && operation.steps.iter().all(|step| step.each.is_none()) {
        return Err(vec![Problem {
            pointer: "/lines".to_owned(),
            message: format!(
                "the partner takes at most {most} lines in one request, these are {}",
                lines.len()
            ),
        }]);
    }
    if operation.steps.iter().any(|step| step.each.is_some()) {
        let lots: Vec<Value> = lines.chunks(most.max(1)).map(|lot| json!({ "lines": lot })).collect();
        if let Some(members) = scope.as_object_mut() {
            members.insert("chunks".to_owned(), Value::Array(lots));
        }
    }
    Ok(())
}
