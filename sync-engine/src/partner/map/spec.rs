//! One value of a map: an expression or a constant, with code table, default and form.

use super::codes::CodeTable;
use super::values::{self, DateForm};
use crate::domain::{Date, Decimal, Timestamp};
use crate::partner::config::mistakes::{Mistakes, child};
use crate::partner::expr::{Expr, Problem, Scope, kind_of};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// What a map is compiled with.
pub(crate) struct Compile<'a> {
    pub mistakes: &'a mut Mistakes,
    pub codes: &'a HashMap<String, Arc<CodeTable>>,
}

impl Compile<'_> {
    pub fn expr(&mut self, source: &str, pointer: &str) -> Option<Expr> {
        match Expr::compile(source) {
            Ok(expr) => Some(expr),
            Err(reason) => {
                self.mistakes.add(pointer, reason);
                None
            }
        }
    }

    pub fn table(&mut self, name: &Value, pointer: &str) -> Option<Arc<CodeTable>> {
        let Value::String(name) = name else {
            self.mistakes.add(pointer, "the name of a code table is expected");
            return None;
        };
        let found = self.codes.get(name).cloned();
        if found.is_none() {
            let known: Vec<&str> = self.codes.keys().map(String::as_str).collect();
            self.mistakes.unknown(
                pointer,
                format!("there is no code table \"{name}\" under /codes"),
                name,
                known,
            );
        }
        found
    }
}

/// Names of the directives of an incoming value.
pub(crate) const IN_DIRECTIVES: &[&str] = &[
    "$from", "$join", "$with", "$value", "$codes", "$default", "$date", "$round",
];

#[derive(Debug)]
pub(crate) struct Spec {
    source: Source,
    codes: Option<Arc<CodeTable>>,
    default: Option<Value>,
    date: DateForm,
    round: Option<u32>,
}

#[derive(Debug)]
enum Source {
    Expr(Expr),
    /// Texts of several expressions, with a text between those that are there.
    Join(Vec<Expr>, String),
    Constant(Value),
}

impl Spec {
    /// Reads `".path"`, `{"$from": …}` or `{"$value": …}`.
    pub fn compile(value: &Value, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        match value {
            Value::String(source) => Some(Self::plain(ctx.expr(source, pointer)?)),
            Value::Object(map) => Self::directives(map, pointer, ctx),
            other => {
                ctx.mistakes.add(
                    pointer,
                    format!(
                        "an expression or an object with \"$from\" or \"$value\" is expected, this is {}",
                        kind_of(other)
                    ),
                );
                None
            }
        }
    }

    fn plain(expr: Expr) -> Self {
        Self {
            source: Source::Expr(expr),
            codes: None,
            default: None,
            date: DateForm::Iso,
            round: None,
        }
    }

    fn directives(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        for key in map.keys().filter(|k| !IN_DIRECTIVES.contains(&k.as_str())) {
            ctx.mistakes.unknown(
                child(pointer, key),
                format!("\"{key}\" is unknown here; known are {}", IN_DIRECTIVES.join(", ")),
                key,
                IN_DIRECTIVES.iter().copied(),
            );
        }
        let source = source(map, pointer, ctx)?;
        let codes = map
            .get("$codes")
            .and_then(|name| ctx.table(name, &child(pointer, "$codes")));
        let date = date_form(map, pointer, ctx);
        let round = round_digits(map, pointer, ctx);
        Some(Self {
            source,
            codes,
            default: map.get("$default").filter(|v| !v.is_null()).cloned(),
            date,
            round,
        })
    }

    /// Applies `table` to a spec that names none of its own.
    pub fn with_codes(mut self, table: Option<&Arc<CodeTable>>) -> Self {
        if self.codes.is_none() {
            self.codes = table.cloned();
        }
        self
    }

    pub fn pointer(&self, scope: &Scope<'_>) -> String {
        match &self.source {
            Source::Expr(expr) => expr.pointer(scope, 0),
            Source::Join(..) | Source::Constant(_) => scope.pointer(),
        }
    }

    fn report(&self, scope: &Scope<'_>, message: String, problems: &mut Vec<Problem>) {
        problems.push(Problem {
            pointer: self.pointer(scope),
            message,
        });
    }

    /// The value as it is, with the default applied, before any table.
    fn value<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Cow<'s, Value>> {
        let found = match &self.source {
            Source::Constant(value) => Some(Cow::Borrowed(value)),
            Source::Join(exprs, between) => joined(exprs, between, scope, problems).map(Cow::Owned),
            Source::Expr(expr) => match expr.one(scope) {
                Ok(found) => found,
                Err(problem) => {
                    problems.push(problem);
                    return None;
                }
            },
        };
        let empty = match found.as_deref() {
            None => true,
            Some(Value::String(text)) => text.trim().is_empty(),
            Some(_) => false,
        };
        if empty {
            self.default.as_ref().map(Cow::Borrowed)
        } else {
            found
        }
    }

    fn read<'s, T>(
        &'s self,
        scope: &Scope<'s>,
        problems: &mut Vec<Problem>,
        convert: impl FnOnce(&Value) -> Result<Option<T>, String>,
    ) -> Option<T> {
        let value = self.value(scope, problems)?;
        match convert(&value) {
            Ok(found) => found,
            Err(message) => {
                self.report(scope, message, problems);
                None
            }
        }
    }

    pub fn text<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<String> {
        self.read(scope, problems, |value| {
            let Some(text) = values::text(value)? else {
                return Ok(None);
            };
            match &self.codes {
                Some(table) => Ok(Some(table.incoming(&text)?.to_owned())),
                None => Ok(Some(text.into_owned())),
            }
        })
    }

    pub fn decimal<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Decimal> {
        self.read(scope, problems, |value| {
            let number = values::decimal(value)?;
            Ok(number.map(|n| match self.round {
                Some(digits) => n.round_dp_with_strategy(digits, rust_decimal::RoundingStrategy::MidpointAwayFromZero),
                None => n,
            }))
        })
    }

    pub fn timestamp<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Timestamp> {
        self.read(scope, problems, |value| values::timestamp(value, self.date))
    }

    pub fn date<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Date> {
        self.read(scope, problems, |value| values::date(value, self.date))
    }

    pub fn range<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<(Date, Date)> {
        self.read(scope, problems, |value| values::range(value, self.date))
    }

    pub fn boolean<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<bool> {
        self.read(scope, problems, |value| match value {
            Value::Bool(b) => Ok(Some(*b)),
            Value::Null => Ok(None),
            other => match values::text(other)?.as_deref() {
                None => Ok(None),
                Some("true") => Ok(Some(true)),
                Some("false") => Ok(Some(false)),
                Some(text) => Err(format!("true or false is expected, not \"{}\"", values::short(text))),
            },
        })
    }

    /// One of our own codes, after the table.
    pub fn choice<'s, T: Copy>(
        &'s self,
        known: &[(&str, T)],
        what: &str,
        scope: &Scope<'s>,
        problems: &mut Vec<Problem>,
    ) -> Option<T> {
        let text = self.text(scope, problems)?;
        let found = known.iter().find(|(code, _)| *code == text);
        if found.is_none() {
            let codes: Vec<_> = known.iter().map(|(code, _)| *code).collect();
            let message = format!("\"{}\" is no {what} ({})", values::short(&text), codes.join(", "));
            self.report(scope, message, problems);
        }
        found.map(|(_, value)| *value)
    }

    /// The partner's order of versions: a whole number, or a moment as milliseconds.
    pub fn sequence<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<i64> {
        self.read(scope, problems, |value| {
            let Some(text) = values::text(value)? else {
                return Ok(None);
            };
            if let Ok(number) = text.parse() {
                return Ok(Some(number));
            }
            values::timestamp(value, self.date)
                .map(|t| t.map(|t| t.0))
                .map_err(|_| {
                    format!(
                        "a whole number or a date and time is expected, not \"{}\"",
                        values::short(&text)
                    )
                })
        })
    }

    /// Every text that the expression gives; a list counts as its elements.
    pub fn texts<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Vec<String> {
        let Source::Expr(expr) = &self.source else {
            return self.text(scope, problems).into_iter().collect();
        };
        let found = match expr.elements(scope) {
            Ok(found) => found,
            Err(problem) => {
                problems.push(problem);
                return Vec::new();
            }
        };
        let mut texts = Vec::with_capacity(found.len());
        for (nth, value) in found.iter().enumerate() {
            match values::text(value) {
                Ok(text) => texts.extend(text.map(Cow::into_owned)),
                Err(message) => problems.push(Problem {
                    pointer: expr.pointer(scope, nth),
                    message,
                }),
            }
        }
        texts
    }
}

/// The texts that are there; `None` when there is none.
fn joined(exprs: &[Expr], between: &str, scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Option<Value> {
    let mut parts = Vec::new();
    for expr in exprs {
        match expr.elements(scope) {
            Err(problem) => problems.push(problem),
            Ok(found) => {
                for (nth, value) in found.iter().enumerate() {
                    match values::text(value) {
                        Ok(text) => parts.extend(text.map(Cow::into_owned)),
                        Err(message) => problems.push(Problem {
                            pointer: expr.pointer(scope, nth),
                            message,
                        }),
                    }
                }
            }
        }
    }
    (!parts.is_empty()).then(|| Value::String(parts.join(between)))
}

fn source(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Source> {
    const SOURCES: &[&str] = &["$from", "$join", "$value"];
    let given: Vec<_> = SOURCES.iter().filter(|name| map.contains_key(**name)).collect();
    let [name] = given.as_slice() else {
        ctx.mistakes.add(
            pointer,
            if given.is_empty() {
                "\"$from\", \"$join\" or \"$value\" is missing"
            } else {
                "\"$from\", \"$join\" and \"$value\" exclude each other"
            },
        );
        return None;
    };
    if map.contains_key("$with") && **name != "$join" {
        ctx.mistakes
            .add(child(pointer, "$with"), "\"$with\" stands beside \"$join\"");
    }
    let at = child(pointer, name);
    match (**name, map.get(**name)?) {
        ("$value", value) => Some(Source::Constant(value.clone())),
        ("$from", Value::String(from)) => Some(Source::Expr(ctx.expr(from, &at)?)),
        ("$join", Value::Array(list)) => {
            let exprs: Vec<_> = list
                .iter()
                .enumerate()
                .map(|(n, source)| match source {
                    Value::String(source) => ctx.expr(source, &child(&at, n)),
                    other => {
                        let this = kind_of(other);
                        ctx.mistakes
                            .add(child(&at, n), format!("an expression is expected, this is {this}"));
                        None
                    }
                })
                .collect();
            let between = map.get("$with").and_then(Value::as_str).unwrap_or(" ").to_owned();
            Some(Source::Join(exprs.into_iter().collect::<Option<_>>()?, between))
        }
        (name, other) => {
            let expected = if name == "$join" {
                "a list of expressions"
            } else {
                "an expression"
            };
            ctx.mistakes
                .add(at, format!("{expected} is expected, this is {}", kind_of(other)));
            None
        }
    }
}

fn date_form(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> DateForm {
    const FORMS: &[&str] = &["iso", "epochSeconds", "epochMillis"];
    match map.get("$date") {
        None => DateForm::Iso,
        Some(Value::String(name)) if name == "iso" => DateForm::Iso,
        Some(Value::String(name)) if name == "epochSeconds" => DateForm::EpochSeconds,
        Some(Value::String(name)) if name == "epochMillis" => DateForm::EpochMillis,
        Some(other) => {
            ctx.mistakes.unknown(
                child(pointer, "$date"),
                format!("{other} is no form of date; known are {}", FORMS.join(", ")),
                other.as_str().unwrap_or_default(),
                FORMS.iter().copied(),
            );
            DateForm::Iso
        }
    }
}

pub(crate) fn round_digits(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<u32> {
    let value = map.get("$round")?;
    let digits = value.as_u64().filter(|d| *d <= 28).and_then(|d| u32::try_from(d).ok());
    if digits.is_none() {
        ctx.mistakes.add(
            child(pointer, "$round"),
            "a number of decimals from 0 to 28 is expected",
        );
    }
    digits
}
