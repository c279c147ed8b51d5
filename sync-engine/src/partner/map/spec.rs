//! One value of a map: an expression or a constant, with code table, default and form.

use super::codes::CodeTable;
use super::dates::Dates;
use super::decimals::{DecimalForm, Minor};
use super::directives::{Compile, dates, round_digits, source};
use super::texts::Languages;
use super::values;
use crate::domain::{Date, Decimal, Timestamp};
use crate::partner::config::mistakes::child;
use crate::partner::expr::{Expr, Problem, Scope, kind_of};
use crate::partner::json::{Found, Kind, Node};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Names of the directives of an incoming value.
pub(crate) const IN_DIRECTIVES: &[&str] = &[
    "$from", "$join", "$with", "$value", "$codes", "$default", "$date", "$zone", "$round", "$decimal", "$minor",
    "$text",
];

#[derive(Debug)]
pub(crate) struct Spec {
    source: Source,
    codes: Option<Arc<CodeTable>>,
    default: Option<Value>,
    dates: Dates,
    round: Option<u32>,
    /// `None` on nearly all.
    forms: Option<Box<Forms>>,
}

/// How decimals and texts are written, where it is not the plain way.
#[derive(Debug)]
struct Forms {
    decimal: Option<DecimalForm>,
    minor: Option<Minor>,
    languages: Option<Languages>,
}

#[derive(Debug)]
pub(super) enum Source {
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
            dates: Dates::default(),
            round: None,
            forms: None,
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
        let dates = dates(map, pointer, ctx);
        let round = round_digits("$round", map, pointer, ctx);
        let forms = Forms {
            decimal: DecimalForm::compile(map, pointer, ctx),
            minor: Minor::compile(map, pointer, ctx),
            languages: Languages::compile(map, pointer, ctx),
        };
        let plain = forms.decimal.is_none() && forms.minor.is_none() && forms.languages.is_none();
        Some(Self {
            source,
            codes,
            default: map.get("$default").filter(|v| !v.is_null()).cloned(),
            dates,
            round,
            forms: (!plain).then(|| Box::new(forms)),
        })
    }

    /// Applies `table` to a spec that names none of its own. A constant is one of ours already.
    pub fn with_codes(mut self, table: Option<&Arc<CodeTable>>) -> Self {
        if self.codes.is_none() && !matches!(self.source, Source::Constant(_)) {
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
    fn value<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Found<'s>> {
        let found = match &self.source {
            Source::Constant(value) => Some(Found::There(Node::Value(value))),
            Source::Join(exprs, between) => joined(exprs, between, scope, problems).map(Found::Made),
            Source::Expr(expr) => match expr.find(scope) {
                Ok(found) => found,
                Err(problem) => {
                    problems.push(problem);
                    return None;
                }
            },
        };
        let Some(default) = &self.default else {
            // What is empty gives nothing in every form.
            return found;
        };
        let empty = match found.as_ref().map(|found| values::plain(found.node())) {
            None | Some(Kind::Null) => true,
            Some(Kind::Text(text)) => text.trim().is_empty(),
            Some(_) => false,
        };
        if empty {
            Some(Found::There(Node::Value(default)))
        } else {
            found
        }
    }

    fn read<'s, T>(
        &'s self,
        scope: &Scope<'s>,
        problems: &mut Vec<Problem>,
        convert: impl FnOnce(Node<'_>) -> Result<Option<T>, String>,
    ) -> Option<T> {
        let value = self.value(scope, problems)?;
        match convert(value.node()) {
            Ok(found) => found,
            Err(message) => {
                self.report(scope, message, problems);
                None
            }
        }
    }

    pub fn text<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<String> {
        self.read(scope, problems, |value| {
            let whole;
            let value = match self.languages() {
                None => value,
                Some(languages) => {
                    whole = value.value();
                    match languages.pick(&whole)? {
                        Some(picked) => Node::Value(picked),
                        None => return Ok(None),
                    }
                }
            };
            let Some(text) = values::text_in(value)? else {
                return Ok(None);
            };
            match &self.codes {
                Some(table) => Ok(Some(table.incoming(text)?.to_owned())),
                None => Ok(Some(text.to_owned())),
            }
        })
    }

    pub fn decimal<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Decimal> {
        self.read(scope, problems, |value| {
            let number = match self.forms.as_deref() {
                None => values::decimal_in(value)?,
                Some(forms) => forms.decimal(value, scope)?,
            };
            Ok(number.map(|n| match self.round {
                Some(digits) => n.round_dp_with_strategy(digits, rust_decimal::RoundingStrategy::MidpointAwayFromZero),
                None => n,
            }))
        })
    }

    pub fn timestamp<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Timestamp> {
        self.read(scope, problems, |value| self.dates.timestamp(value))
    }

    pub fn date<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Date> {
        self.read(scope, problems, |value| self.dates.date(value))
    }

    pub fn range<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<(Date, Date)> {
        self.read(scope, problems, |value| self.dates.range(value))
    }

    pub fn boolean<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<bool> {
        self.read(scope, problems, |value| match value.kind() {
            Kind::Bool(is) => Ok(Some(is)),
            Kind::Null => Ok(None),
            _ => {
                let Some(text) = values::text_in(value)? else {
                    return Ok(None);
                };
                let code = match &self.codes {
                    Some(table) => table.incoming(text)?,
                    None => text,
                };
                match code {
                    "true" => Ok(Some(true)),
                    "false" => Ok(Some(false)),
                    text => Err(format!("true or false is expected, not \"{}\"", values::short(text))),
                }
            }
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
            let Some(text) = values::text_in(value)? else {
                return Ok(None);
            };
            if let Ok(number) = text.parse() {
                return Ok(Some(number));
            }
            let moment = self.dates.timestamp(value);
            moment.map(|t| t.map(|t| t.0)).map_err(|_| {
                format!(
                    "a whole number or a date and time is expected, not \"{}\"",
                    values::short(text)
                )
            })
        })
    }

    fn languages(&self) -> Option<&Languages> {
        self.forms.as_deref().and_then(|f| f.languages.as_ref())
    }

    /// Every text that the expression gives; a list counts as its elements.
    pub fn texts<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Vec<String> {
        let Source::Expr(expr) = &self.source else {
            return self.text(scope, problems).into_iter().collect();
        };
        if self.languages().is_some() {
            return self.text(scope, problems).into_iter().collect();
        }
        let found = match expr.elements(scope) {
            Ok(found) => found,
            Err(problem) => {
                problems.push(problem);
                return Vec::new();
            }
        };
        let mut texts = Vec::with_capacity(found.len());
        for (nth, value) in found.iter().enumerate() {
            match values::text_in(value.node()) {
                Ok(text) => texts.extend(text.map(str::to_owned)),
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
                    match values::text_in(value.node()) {
                        Ok(text) => parts.extend(text.map(str::to_owned)),
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

impl Forms {
    fn decimal(&self, value: Node<'_>, scope: &Scope<'_>) -> Result<Option<Decimal>, String> {
        let number = match self.decimal {
            None => values::decimal_in(value)?,
            Some(form) => form.read(value)?,
        };
        match (&self.minor, number) {
            (Some(minor), Some(number)) => minor.read(number, scope).map(Some),
            (_, number) => Ok(number),
        }
    }
}
