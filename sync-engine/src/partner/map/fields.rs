//! Reads a section of a map: known names, each a value, a list or a section of its own.

use super::directives::Compile;
use super::spec::{IN_DIRECTIVES, Spec};
use crate::domain::document::DateRange;
use crate::partner::config::mistakes::child;
use crate::partner::expr::{Expr, Problem, Scope, kind_of};
use serde_json::{Map, Value};

pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    pointer: String,
}

impl<'a> Fields<'a> {
    /// Reports every name that is not in `known`.
    pub fn new(map: &'a Map<String, Value>, pointer: String, known: &[&str], ctx: &mut Compile<'_>) -> Self {
        for key in map.keys().filter(|k| !known.contains(&k.as_str())) {
            ctx.mistakes.unknown(
                child(&pointer, key),
                format!("there is no field \"{key}\" here"),
                key,
                known.iter().copied(),
            );
        }
        Self { map, pointer }
    }

    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    pub fn value(&self, name: &str) -> Option<(&'a Value, String)> {
        Some((self.map.get(name)?, child(&self.pointer, name)))
    }

    pub fn spec(&self, name: &str, ctx: &mut Compile<'_>) -> Option<Spec> {
        let (value, pointer) = self.value(name)?;
        Spec::compile(value, &pointer, ctx)
    }

    pub fn required(&self, name: &str, ctx: &mut Compile<'_>) -> Option<Spec> {
        if !self.map.contains_key(name) {
            ctx.mistakes.add(&*self.pointer, format!("\"{name}\" is missing"));
        }
        self.spec(name, ctx)
    }

    pub fn expr(&self, name: &str, ctx: &mut Compile<'_>) -> Option<Expr> {
        match self.value(name)? {
            (Value::String(source), pointer) => ctx.expr(source, &pointer),
            (other, pointer) => {
                ctx.mistakes.add(
                    pointer,
                    format!("an expression is expected, this is {}", kind_of(other)),
                );
                None
            }
        }
    }

    /// A section of its own.
    pub fn section(&self, name: &str, known: &[&str], ctx: &mut Compile<'_>) -> Option<Fields<'a>> {
        let (value, pointer) = self.value(name)?;
        match value {
            Value::Object(map) => Some(Fields::new(map, pointer, known, ctx)),
            other => {
                ctx.mistakes
                    .add(pointer, format!("an object is expected, this is {}", kind_of(other)));
                None
            }
        }
    }

    /// One value, or a list of values.
    pub fn list(&self, name: &str, ctx: &mut Compile<'_>) -> Vec<Spec> {
        match self.value(name) {
            None => Vec::new(),
            Some((Value::Array(list), pointer)) => list
                .iter()
                .enumerate()
                .filter_map(|(n, value)| Spec::compile(value, &child(&pointer, n), ctx))
                .collect(),
            Some((value, pointer)) => Spec::compile(value, &pointer, ctx).into_iter().collect(),
        }
    }

    pub fn range(&self, name: &str, ctx: &mut Compile<'_>) -> Option<RangeMap> {
        let (value, pointer) = self.value(name)?;
        if let Value::Object(map) = value
            && !map.keys().any(|k| IN_DIRECTIVES.contains(&k.as_str()))
        {
            let fields = Fields::new(map, pointer, &["first", "last"], ctx);
            let (first, last) = (fields.required("first", ctx), fields.required("last", ctx));
            return Some(RangeMap::Two(Box::new((first?, last?))));
        }
        Spec::compile(value, &pointer, ctx).map(RangeMap::One)
    }
}

/// A span of days: one value (a day or an interval), or first and last.
#[derive(Debug)]
pub(crate) enum RangeMap {
    One(Spec),
    Two(Box<(Spec, Spec)>),
}

impl RangeMap {
    pub fn get<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<DateRange> {
        let (first, last, at) = match self {
            Self::One(spec) => {
                let (first, last) = spec.range(scope, problems)?;
                (first, last, spec)
            }
            Self::Two(both) => {
                let (first, last) = &**both;
                match (first.date(scope, problems), last.date(scope, problems)) {
                    (None, None) => return None,
                    (Some(a), Some(b)) => (a, b, last),
                    (Some(a), None) | (None, Some(a)) => (a, a, last),
                }
            }
        };
        if last < first {
            problems.push(Problem {
                pointer: at.pointer(scope),
                message: format!("the last day {last} lies before the first day {first}"),
            });
            return None;
        }
        Some(DateRange { first, last })
    }
}
