//! Templates of what goes out: bodies, queries, references. Texts are expressions.

use super::codes::CodeTable;
use super::spec::{Compile, round_digits};
use super::values;
use crate::domain::Decimal;
use crate::partner::config::mistakes::child;
use crate::partner::expr::{Expr, Problem, Scope, kind_of};
use serde_json::{Map, Number, Value};
use std::sync::Arc;

const VALUE_DIRECTIVES: &[&str] = &[
    "$from", "$value", "$codes", "$default", "$as", "$round", "$null", "$when",
];
const OBJECT_DIRECTIVES: &[&str] = &["$each", "$item", "$when"];

#[derive(Debug)]
pub(crate) enum Template {
    Constant(Value),
    Value(Box<ValueTemplate>),
    Object {
        when: Option<Expr>,
        members: Vec<(String, Template)>,
    },
    List(Vec<Template>),
    Each {
        each: Expr,
        item: Box<Template>,
    },
}

#[derive(Debug)]
pub(crate) struct ValueTemplate {
    from: Option<Expr>,
    constant: Option<Value>,
    codes: Option<Arc<CodeTable>>,
    default: Option<Value>,
    form: Option<Form>,
    round: Option<u32>,
    /// Written as null instead of being left out.
    null: bool,
    when: Option<Expr>,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Number,
    Integer,
    Boolean,
    Date,
    DateTime,
    EpochSeconds,
    EpochMillis,
    Amount,
}

const FORMS: &[(&str, Form)] = &[
    ("text", Form::Text),
    ("number", Form::Number),
    ("integer", Form::Integer),
    ("boolean", Form::Boolean),
    ("date", Form::Date),
    ("dateTime", Form::DateTime),
    ("epochSeconds", Form::EpochSeconds),
    ("epochMillis", Form::EpochMillis),
    ("amount", Form::Amount),
];

impl Template {
    pub fn compile(value: &Value, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        match value {
            Value::String(source) => Some(Self::Value(Box::new(ValueTemplate {
                from: Some(ctx.expr(source, pointer)?),
                constant: None,
                codes: None,
                default: None,
                form: None,
                round: None,
                null: false,
                when: None,
            }))),
            Value::Array(list) => {
                let items: Vec<_> = list
                    .iter()
                    .enumerate()
                    .map(|(n, v)| Self::compile(v, &child(pointer, n), ctx))
                    .collect();
                items.into_iter().collect::<Option<_>>().map(Self::List)
            }
            Value::Object(map) if map.contains_key("$from") || map.contains_key("$value") => {
                ValueTemplate::compile(map, pointer, ctx).map(|v| Self::Value(Box::new(v)))
            }
            Value::Object(map) => Self::object(map, pointer, ctx),
            other => Some(Self::Constant(other.clone())),
        }
    }

    fn object(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        let expr = |key: &str, ctx: &mut Compile<'_>| -> Option<Option<Expr>> {
            match map.get(key) {
                None => Some(None),
                Some(Value::String(source)) => ctx.expr(source, &child(pointer, key)).map(Some),
                Some(_) => {
                    ctx.mistakes.add(child(pointer, key), "an expression is expected");
                    None
                }
            }
        };
        let each = expr("$each", ctx);
        let when = expr("$when", ctx);
        let mut members = Vec::new();
        let mut whole = true;
        for (key, value) in map {
            if OBJECT_DIRECTIVES.contains(&key.as_str()) {
                continue;
            }
            if key.starts_with('$') {
                ctx.mistakes.unknown(
                    child(pointer, key),
                    format!("the directive \"{key}\" is unknown here"),
                    key,
                    OBJECT_DIRECTIVES.iter().chain(VALUE_DIRECTIVES).copied(),
                );
                continue;
            }
            match Self::compile(value, &child(pointer, key), ctx) {
                Some(template) => members.push((key.clone(), template)),
                None => whole = false,
            }
        }
        let item = match map.get("$item") {
            None => None,
            Some(value) => Some(Self::compile(value, &child(pointer, "$item"), ctx)?),
        };
        if item.is_some() && (!members.is_empty() || !map.contains_key("$each")) {
            ctx.mistakes.add(
                child(pointer, "$item"),
                "\"$item\" stands beside \"$each\" and nothing else",
            );
        }
        let (each, when) = (each?, when?);
        if !whole {
            return None;
        }
        Some(match each {
            Some(each) => Self::Each {
                each,
                item: Box::new(item.unwrap_or(Self::Object { when, members })),
            },
            None => Self::Object { when, members },
        })
    }

    /// Every table that is used, with the place where it is used.
    pub fn tables<'a>(&'a self, found: &mut Vec<&'a CodeTable>) {
        match self {
            Self::Constant(_) => {}
            Self::Value(value) => found.extend(value.codes.as_deref()),
            Self::Object { members, .. } => members.iter().for_each(|(_, t)| t.tables(found)),
            Self::List(items) => items.iter().for_each(|t| t.tables(found)),
            Self::Each { item, .. } => item.tables(found),
        }
    }

    /// The value; `None` when it is left out. `pointer` is its place in what is written.
    pub fn render<'s>(&'s self, scope: &'s Scope<'s>, pointer: &str, problems: &mut Vec<Problem>) -> Option<Value> {
        match self {
            Self::Constant(value) => Some(value.clone()),
            Self::Value(template) => template.render(scope, pointer, problems),
            Self::Object { when, members } => {
                if !holds(when.as_ref(), scope, pointer, problems) {
                    return None;
                }
                let mut object = Map::new();
                for (key, template) in members {
                    if let Some(value) = template.render(scope, &child(pointer, key), problems) {
                        object.insert(key.clone(), value);
                    }
                }
                (!object.is_empty() || members.is_empty()).then_some(Value::Object(object))
            }
            Self::List(items) => Some(Value::Array(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(n, t)| t.render(scope, &child(pointer, n), problems))
                    .collect(),
            )),
            Self::Each { each, item } => {
                let elements = match each.elements(scope) {
                    Ok(elements) => elements,
                    Err(problem) => {
                        problems.push(at(pointer, problem.message));
                        return None;
                    }
                };
                let mut list = Vec::with_capacity(elements.len());
                for (nth, element) in elements.iter().enumerate() {
                    let below = Scope::below(scope, each, nth, element);
                    list.extend(item.render(&below, &child(pointer, nth), problems));
                }
                Some(Value::Array(list))
            }
        }
    }
}

impl ValueTemplate {
    fn compile(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        for key in map.keys().filter(|k| !VALUE_DIRECTIVES.contains(&k.as_str())) {
            ctx.mistakes.unknown(
                child(pointer, key),
                format!("\"{key}\" is unknown beside \"$from\" or \"$value\""),
                key,
                VALUE_DIRECTIVES.iter().copied(),
            );
        }
        if map.contains_key("$from") && map.contains_key("$value") {
            ctx.mistakes.add(pointer, "\"$from\" and \"$value\" exclude each other");
        }
        let expr = |key: &str, ctx: &mut Compile<'_>| match map.get(key) {
            None => None,
            Some(Value::String(source)) => ctx.expr(source, &child(pointer, key)),
            Some(other) => {
                ctx.mistakes.add(
                    child(pointer, key),
                    format!("an expression is expected, this is {}", kind_of(other)),
                );
                None
            }
        };
        let (from, when) = (expr("$from", ctx), expr("$when", ctx));
        let codes = map
            .get("$codes")
            .and_then(|name| ctx.table(name, &child(pointer, "$codes")));
        Some(Self {
            from,
            constant: map.get("$value").cloned(),
            codes,
            default: map.get("$default").cloned(),
            form: form(map, pointer, ctx),
            round: round_digits(map, pointer, ctx),
            null: map.get("$null").and_then(Value::as_bool).unwrap_or(false),
            when,
        })
    }

    fn render<'s>(&'s self, scope: &Scope<'s>, pointer: &str, problems: &mut Vec<Problem>) -> Option<Value> {
        if !holds(self.when.as_ref(), scope, pointer, problems) {
            return None;
        }
        let found = match &self.from {
            None => self.constant.clone(),
            Some(from) => match from.one(scope) {
                Ok(found) => found.map(std::borrow::Cow::into_owned),
                Err(problem) => {
                    problems.push(at(pointer, problem.message));
                    return None;
                }
            },
        };
        let Some(found) = found.or_else(|| self.default.clone()) else {
            return self.null.then_some(Value::Null);
        };
        match self.write(found) {
            Ok(value) => Some(value),
            Err(message) => {
                problems.push(at(pointer, message));
                None
            }
        }
    }

    fn write(&self, value: Value) -> Result<Value, String> {
        let value = match (&self.codes, values::text(&value)) {
            (Some(table), Ok(Some(text))) => Value::String(table.outgoing(&text)?.to_owned()),
            (Some(_), Err(reason)) => return Err(reason),
            (Some(_) | None, _) => value,
        };
        let value = match self.round {
            None => value,
            Some(digits) => match values::decimal(&value)? {
                None => value,
                Some(n) => Value::String(
                    n.round_dp_with_strategy(digits, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
                        .to_string(),
                ),
            },
        };
        match self.form {
            None => Ok(value),
            Some(form) => form.write(&value),
        }
    }
}

impl Form {
    fn write(self, value: &Value) -> Result<Value, String> {
        let date = values::DateForm::Iso;
        let lacking = || "a value is expected, this is empty".to_owned();
        Ok(match self {
            Self::Text => Value::String(values::text(value)?.ok_or_else(lacking)?.into_owned()),
            Self::Number => number(&values::decimal(value)?.ok_or_else(lacking)?)?,
            Self::Integer => {
                let n = values::decimal(value)?.ok_or_else(lacking)?.normalize();
                if n.scale() > 0 {
                    return Err(format!(
                        "{n} is not a whole number, and the partner takes whole numbers only here"
                    ));
                }
                number(&n)?
            }
            Self::Boolean => match value {
                Value::Bool(b) => Value::Bool(*b),
                other => Value::Bool(values::text(other)?.as_deref() == Some("true")),
            },
            Self::Date => Value::String(values::date(value, date)?.ok_or_else(lacking)?.to_string()),
            Self::DateTime => Value::String(values::timestamp(value, date)?.ok_or_else(lacking)?.to_rfc3339()),
            Self::EpochMillis => Value::from(values::timestamp(value, date)?.ok_or_else(lacking)?.0),
            Self::EpochSeconds => Value::from(values::timestamp(value, date)?.ok_or_else(lacking)?.0.div_euclid(1000)),
            Self::Amount => amount(value)?,
        })
    }
}

/// `{minor, currency}` -> decimal text in units of the currency.
fn amount(value: &Value) -> Result<Value, String> {
    let money: crate::domain::Money = serde_json::from_value(value.clone())
        .map_err(|_| format!("an amount of money is expected, this is {}", kind_of(value)))?;
    let decimal = Decimal::try_from_i128_with_scale(i128::from(money.minor), money.currency.minor_digits())
        .map_err(|e| e.to_string())?;
    Ok(Value::String(decimal.to_string()))
}

/// A JSON number with exactly the decimal's digits.
fn number(decimal: &Decimal) -> Result<Value, String> {
    decimal
        .to_string()
        .parse::<Number>()
        .map(Value::Number)
        .map_err(|e| e.to_string())
}

fn form(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Form> {
    let name = map.get("$as")?;
    let found = name.as_str().and_then(|n| FORMS.iter().find(|(known, _)| *known == n));
    if found.is_none() {
        let known: Vec<_> = FORMS.iter().map(|(known, _)| *known).collect();
        ctx.mistakes.unknown(
            child(pointer, "$as"),
            format!("{name} is no form; known are {}", known.join(", ")),
            name.as_str().unwrap_or_default(),
            known,
        );
    }
    found.map(|(_, form)| *form)
}

/// jq's truth: everything but null and false.
fn holds<'s>(when: Option<&'s Expr>, scope: &Scope<'s>, pointer: &str, problems: &mut Vec<Problem>) -> bool {
    match when.map(|w| w.one(scope)) {
        None => true,
        Some(Ok(found)) => !matches!(found.as_deref(), None | Some(Value::Bool(false))),
        Some(Err(problem)) => {
            problems.push(at(pointer, problem.message));
            false
        }
    }
}

fn at(pointer: &str, message: String) -> Problem {
    Problem {
        pointer: pointer.to_owned(),
        message,
    }
}
