//! The requests that an operation would make, one after another. What would come out of the partner's answers in between
//! stands in them by its name.

use super::{ShownRequest, TrialOperation, codes, items};
use crate::domain::CanonicalDocument;
use crate::partner::config::StepConfig;
use crate::partner::expr::Scope;
use crate::partner::expr::trace::Trace;
use crate::partner::http::HttpPartner;
use crate::partner::map::Template;
use crate::partner::render::{after, here};
use crate::partner::{IntakeError, IntakeProblem, OutboundKind, PartnerLink, RenderInput};
use serde_json::{Map, Value, json};

/// Said where a request cannot be made of what stands in for the partner's answer.
const GUESSED: &str =
    "the read before it was not made: give what the partner answers to it (on the command line --prepared FILE)";
/// Most requests of one operation that are shown.
const MAX_SHOWN: usize = 30;

/// One request, or why there is none.
pub(super) struct Made {
    step: String,
    request: Option<ShownRequest>,
    problems: Vec<IntakeProblem>,
}

impl Made {
    fn new(step: String, request: Result<ShownRequest, Vec<IntakeProblem>>) -> Self {
        let (request, problems) = match request {
            Ok(request) => (Some(request), Vec::new()),
            Err(problems) => (None, problems),
        };
        Self {
            step,
            request,
            problems,
        }
    }

    /// Of an operation that sends nothing.
    fn nothing() -> Self {
        Self {
            step: String::new(),
            request: None,
            problems: Vec::new(),
        }
    }

    fn of(self, kind: OutboundKind, answer: &Value, document: &CanonicalDocument) -> TrialOperation {
        TrialOperation {
            operation: kind.as_str().to_owned(),
            step: self.step,
            answer: answer.clone(),
            items: items::of_request(document, self.request.as_ref()),
            request: self.request,
            problems: self.problems,
            codes: Vec::new(),
        }
    }
}

/// The requests as they are told; `read` is what they all read.
pub(super) fn told(
    made: Vec<Made>,
    kind: OutboundKind,
    answer: &Value,
    (document, read): (&CanonicalDocument, &Trace),
) -> Vec<TrialOperation> {
    let mut told: Vec<_> = made.into_iter().map(|made| made.of(kind, answer, document)).collect();
    if let Some(first) = told.first_mut() {
        first.codes = codes(read);
    }
    told
}

/// `answered` is the body that the partner answers to the reads before requests, where it is known.
pub(super) fn shown(link: &HttpPartner, input: &RenderInput<'_>, answered: Option<&Value>) -> Vec<Made> {
    let mut made = Vec::new();
    let mut progress = None;
    while made.len() < MAX_SHOWN {
        let mut input = input.clone();
        input.stage.progress = progress.as_ref();
        let found = match here(link.config(), &input) {
            Ok(Some(found)) => found,
            Ok(None) if made.is_empty() => {
                // Said as it would be when it is sent.
                made.push(match link.render(&input) {
                    Ok(_) => Made::nothing(),
                    Err(error) => refused(String::new(), error),
                });
                break;
            }
            Ok(None) => break,
            Err(error) => {
                made.push(refused(String::new(), error));
                break;
            }
        };
        let step = found.step;
        let prepared = step.prepare.as_ref().map(|prepare| {
            let name = if step.name.is_empty() {
                "prepare".to_owned()
            } else {
                format!("{}: prepare", step.name)
            };
            let request = link.show_read(&prepare.request, &Scope::root(&found.scope));
            made.push(Made::new(name, request.map_err(problem)));
            let keep = prepare.keep.as_ref();
            keep.map_or(Value::Null, |keep| kept(keep, answered, &found.scope))
        });
        input.stage.progress = Some(&found.progress);
        input.stage.prepared = prepared.as_ref();
        let mut made_now = request(link, &input, step);
        if prepared.is_some() && answered.is_none() && !made_now.problems.is_empty() {
            made_now.problems.extend(problem(GUESSED.to_owned()));
        }
        made.push(made_now);
        let kept = step.receipt.as_ref().map(|receipt| sample(receipt, "receipt"));
        let Ok(Some(next)) = after(link.config(), &input, kept.as_ref()) else {
            break;
        };
        progress = Some(next);
    }
    made
}

fn request(link: &HttpPartner, input: &RenderInput<'_>, step: &StepConfig) -> Made {
    let progress = input.stage.progress.cloned().unwrap_or_default();
    let shown = match link.render(input) {
        Ok(request) => link
            .show_operation(input.kind, input.operation_id, &progress, &request)
            .map_err(problem),
        Err(error) => Err(error.problems),
    };
    Made::new(step.name.clone(), shown)
}

fn refused(step: String, error: IntakeError) -> Made {
    Made::new(step, Err(error.problems))
}

fn problem(message: String) -> Vec<IntakeProblem> {
    let pointer = String::new();
    vec![IntakeProblem { pointer, message }]
}

/// What `keep` makes of the partner's answer, else of none.
fn kept(keep: &Template, answered: Option<&Value>, sent: &Value) -> Value {
    let Some(body) = answered else {
        return sample(keep, "prepared");
    };
    let answer = json!({"status": 200, "headers": {}, "body": body});
    let kept = keep.render(&Scope::root(&answer).with_root(sent), "", &mut Vec::new());
    kept.unwrap_or(Value::Null)
}

/// What a template might give: each value is its own name, or 1 where the name is that of a number.
fn sample(template: &Template, name: &str) -> Value {
    match template {
        Template::Constant(value) => value.clone(),
        Template::Value(_) => Value::from(placeholder(name)),
        Template::Object { members, .. } => {
            let members = members.iter().map(|(name, value)| (name.clone(), sample(value, name)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Template::List(list) => list.iter().map(|value| sample(value, name)).collect(),
        Template::Each { item, .. } => Value::Array(vec![sample(item, name)]),
    }
}

fn placeholder(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let number = ["version", "revision", "sequence", "count", "number"];
    if number.iter().any(|word| lower.contains(word)) {
        "1".to_owned()
    } else {
        name.to_ascii_uppercase()
    }
}
