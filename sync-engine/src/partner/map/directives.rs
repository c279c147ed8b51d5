//! What a map is compiled with, and the directives of a value that both ways have.

use super::codes::CodeTable;
use super::dates::{self, DATE_FORMS, Dates};
use super::spec::Source;
use crate::partner::config::mistakes::{Mistake, Mistakes, child};
use crate::partner::expr::{Expr, kind_of};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What a map is compiled with.
pub(crate) struct Compile<'a> {
    pub mistakes: &'a mut Mistakes,
    pub codes: &'a HashMap<String, Arc<CodeTable>>,
    /// Of requests that say nothing of their own.
    pub media: MediaTypes,
    /// What is compiled is part of a request, where secrets may stand.
    pub in_request: bool,
    /// Names of the secrets that stand in requests.
    pub secrets: BTreeSet<String>,
}

/// Media types that a configuration names for all of its requests.
#[derive(Debug, Default, Clone)]
pub(crate) struct MediaTypes {
    pub accept: Option<String>,
    /// Of bodies that are JSON.
    pub body: Option<String>,
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

pub(super) fn source(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Source> {
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

pub(super) fn dates(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Dates {
    let found = match map.get("$date") {
        None => Dates::default(),
        Some(value) => date_form(value, &child(pointer, "$date"), ctx).unwrap_or_default(),
    };
    found.in_zone(zone(map, pointer, ctx))
}

/// A form of dates by its name, or a pattern.
pub(super) fn date_form(value: &Value, pointer: &str, ctx: &mut Compile<'_>) -> Option<Dates> {
    let name = value.as_str().unwrap_or_default();
    match Dates::named(name) {
        Some(Ok(dates)) => Some(dates),
        Some(Err(message)) => {
            ctx.mistakes.add(pointer, message);
            None
        }
        None => {
            let known = DATE_FORMS.iter().map(|(known, _)| *known);
            let message = format!(
                "{value} is no form of date; known are {}, and patterns such as dd.MM.yyyy",
                known.clone().collect::<Vec<_>>().join(", ")
            );
            ctx.mistakes.unknown(pointer, message, name, known);
            None
        }
    }
}

pub(super) fn zone(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<jiff::tz::TimeZone> {
    let value = map.get("$zone")?;
    let found = dates::zone(value.as_str().unwrap_or_default());
    found
        .map_err(|(message, nearest)| {
            ctx.mistakes.push(Mistake {
                pointer: child(pointer, "$zone"),
                message,
                nearest,
            });
        })
        .ok()
}

/// A number of decimals.
pub(super) fn round_digits(name: &str, map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<u32> {
    let value = map.get(name)?;
    let digits = value.as_u64().filter(|d| *d <= 28).and_then(|d| u32::try_from(d).ok());
    if digits.is_none() {
        ctx.mistakes
            .add(child(pointer, name), "a number of decimals from 0 to 28 is expected");
    }
    digits
}
