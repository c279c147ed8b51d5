//! What follows a request: a job whose end is to be waited for, a flag by which the partner is told that we have it.

use super::description::Description;
use super::endpoints::{Endpoint, Parameter, in_path, is_context};
use super::fields::{self, Field, Shape};
use super::notes::Notes;
use super::stream;
use super::words::{has, words};
use serde_json::{Map, Value, json};

/// What an answer calls a job that it began; its name ends in an id.
const JOBS: &[&str] = &[
    "transaction",
    "job",
    "process",
    "task",
    "operation",
    "batch",
    "feed",
    "import",
];
/// What a list calls documents that were fetched.
const FLAGS: &[&str] = &[
    "exported",
    "downloaded",
    "fetched",
    "synced",
    "imported",
    "processed",
    "retrieved",
];
const WELL: &[&str] = &[
    "success",
    "succe",
    "complete",
    "done",
    "finish",
    "processed",
    "applied",
    "ok",
];
const BADLY: &[&str] = &["fail", "error", "reject", "timeout", "abort", "cancel", "invalid"];

fn says(option: &str, one_of: &[&str]) -> bool {
    words(option)
        .iter()
        .any(|word| one_of.iter().any(|wanted| word.starts_with(wanted)))
}

/// `receipt` and `verify` of an operation whose answer names a job that another endpoint tells the end of.
pub(super) fn job<'d>(
    d: &'d Description,
    endpoints: &[Endpoint<'d>],
    asked: &Endpoint<'d>,
    pointer: &str,
    notes: &mut Notes,
) -> Option<(Value, Value)> {
    let answer = fields::fields(d, asked.answer?);
    let named = |f: &&Field<'_>| f.is_leaf() && f.lists() == 0 && has(&f.words, &["id"]) && is_one_of(&f.words, JOBS);
    for id in answer.iter().filter(named) {
        let tells = endpoints.iter().filter(|e| e.method == "GET").find_map(|e| {
            let parameter = in_path(e.path).into_iter().rfind(|p| !is_context(p))?;
            let (of, wanted) = (words(parameter), &id.words);
            let same = of == *wanted || of.ends_with(wanted) || wanted.ends_with(&of) && is_one_of(&e.subject(), JOBS);
            let end = fields::fields(d, e.answer?);
            let state = end.iter().find(|f| is_state(f))?;
            (same && e.last_part().contains(parameter)).then(|| (e, parameter, state.clone(), end.clone()))
        });
        let Some((end, parameter, state, told)) = tells else {
            continue;
        };
        let options = state.options();
        let sorted = |wanted: &[&str]| -> Vec<&String> { options.iter().filter(|o| says(o, wanted)).collect() };
        let (applied, failed) = (sorted(WELL), sorted(BADLY));
        if applied.is_empty() {
            notes.guess(
                pointer,
                format!(
                    "{} tells how the job ends, and not by which words: say so under \"verify\"",
                    end.shown()
                ),
            );
            return None;
        }
        let pending: Vec<&String> = options
            .iter()
            .filter(|o| !applied.contains(o) && !failed.contains(o))
            .collect();
        notes.guess(
            format!("{pointer}/verify"),
            format!("{} names a job, {} tells its end", id.path(0), end.shown()),
        );
        let path = end.path.replace(&format!("{{{parameter}}}"), "{.receipt.job}");
        let mut verify = json!({
            "$comment": format!("guess: {}, by the names of its parameter and states", end.shown()),
            "request": { "path": path }, "state": state.path(0), "applied": applied, "pending": pending, "failed": failed
        });
        let words_of =
            |f: &&Field<'_>| f.is_leaf() && f.lists() == 0 && has(&f.words, &["error"]) && f.shape == Shape::Text;
        if let Some(words) = told.iter().find(words_of) {
            verify["errorText"] = json!(words.path(0));
        }
        let kept = match id.path(0).as_str() {
            "." => ".body".to_owned(),
            path => format!(".body{path}"),
        };
        return Some((json!({ "job": kept }), verify));
    }
    None
}

fn is_one_of(text: &[String], wanted: &[&str]) -> bool {
    wanted.iter().any(|w| has(text, &[w]))
}

fn is_state(field: &Field<'_>) -> bool {
    let named = field.words.last().is_some_and(|w| w == "status" || w == "state");
    named && field.is_leaf() && field.lists() == 0
}

/// A list of what was not fetched yet, and the write that says of a document that it was.
pub(super) struct Flag {
    /// The list's parameter.
    pub parameter: String,
    pub after_store: Value,
}

pub(super) fn flag<'d>(
    d: &'d Description,
    endpoints: &[Endpoint<'d>],
    (list, item): (&Endpoint<'d>, &[Field<'d>]),
    pointer: &str,
    notes: &mut Notes,
) -> Option<Flag> {
    let is_flag = |p: &&Parameter<'_>| p.place == "query" && p.words.iter().any(|w| FLAGS.contains(&w.as_str()));
    let parameter = list.parameters.iter().find(is_flag)?;
    let field = item
        .iter()
        .find(|f| f.depth() == 1 && f.is_leaf() && f.words == parameter.words)?;
    let told = endpoints.iter().find(|e| {
        let sets = |body: &super::endpoints::Body<'d>| {
            let known = fields::fields(d, body.schema);
            known.iter().any(|f| f.depth() == 1 && f.name == field.name)
        };
        matches!(e.method, "PATCH" | "PUT") && stream::is_below(list.path, e.path) && e.body.as_ref().is_some_and(sets)
    })?;
    let name = in_path(told.path).into_iter().rfind(|p| !is_context(p))?;
    let key = stream::key(name, item)?.path(0);
    notes.guess(
        format!("{pointer}/afterStore"),
        format!(
            "{} sets {}, which {} asks for",
            told.shown(),
            field.name,
            parameter.name
        ),
    );
    let mut body = Map::new();
    body.insert(field.name.clone(), json!({ "$value": true }));
    let path = told.path.replace(&format!("{{{name}}}"), "{.key}");
    Some(Flag {
        parameter: parameter.name.to_owned(),
        after_store: json!({
            "$comment": format!("guess: {}, by the name of the flag", told.shown()),
            "key": key, "request": { "method": told.method, "path": path, "body": body }
        }),
    })
}
