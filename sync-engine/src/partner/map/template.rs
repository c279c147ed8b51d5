//! Templates of what goes out: bodies, queries, references. Texts are expressions.

use super::codes::CodeTable;
use super::directives::Compile;
use super::secret_place;
use super::write::Writing;
use crate::partner::config::mistakes::child;
use crate::partner::expr::{Expr, Problem, Scope, Seen, kind_of};
use serde_json::{Map, Value};

const VALUE_DIRECTIVES: &[&str] = &[
    "$from",
    "$value",
    "$codes",
    "$default",
    "$as",
    "$zone",
    "$round",
    "$scale",
    "$decimal",
    "$minor",
    "$truncate",
    "$pad",
    "$null",
    "$when",
];
const SECRET: &str = "$secret";
const OBJECT_DIRECTIVES: &[&str] = &["$each", "$item", "$when", "$omitEmpty"];

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
        /// Left out, instead of being written as an empty list.
        omit_empty: bool,
    },
}

#[derive(Debug)]
pub(crate) struct ValueTemplate {
    from: Option<Expr>,
    constant: Option<Value>,
    writing: Writing,
    default: Option<Value>,
    /// Written as null instead of being left out.
    null: bool,
    when: Option<Expr>,
}

impl Template {
    pub fn compile(value: &Value, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        match value {
            Value::String(source) => Some(Self::Value(Box::new(ValueTemplate {
                from: Some(ctx.expr(source, pointer)?),
                constant: None,
                writing: Writing::default(),
                default: None,
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
            Value::Object(map) if map.contains_key(SECRET) => secret(map, pointer, ctx),
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
        let beside_each = map
            .get("$omitEmpty")
            .is_none_or(|v| v.is_boolean() && map.contains_key("$each"));
        if !beside_each {
            ctx.mistakes.add(
                child(pointer, "$omitEmpty"),
                "\"$omitEmpty\" is true or false, beside \"$each\"",
            );
        }
        let (each, when) = (each?, when?);
        if !whole {
            return None;
        }
        Some(match each {
            Some(each) => Self::Each {
                each,
                omit_empty: map.get("$omitEmpty") == Some(&Value::Bool(true)),
                item: Box::new(item.unwrap_or(Self::Object { when, members })),
            },
            None => Self::Object { when, members },
        })
    }

    /// What a body is of which nothing is there: an empty object or list, and not an empty body.
    pub fn empty(&self) -> Option<Value> {
        match self {
            Self::Object { when: None, .. } => Some(Value::Object(Map::new())),
            Self::List(_) => Some(Value::Array(Vec::new())),
            Self::Object { .. } | Self::Constant(_) | Self::Value(_) | Self::Each { .. } => None,
        }
    }

    /// Every table that is used, with the place where it is used.
    pub fn tables<'a>(&'a self, found: &mut Vec<&'a CodeTable>) {
        match self {
            Self::Constant(_) => {}
            Self::Value(value) => found.extend(value.writing.codes.as_deref()),
            Self::Object { members, .. } => members.iter().for_each(|(_, t)| t.tables(found)),
            Self::List(items) => items.iter().for_each(|t| t.tables(found)),
            Self::Each { item, .. } => item.tables(found),
        }
    }

    /// Adds what its expressions see of `.`; false when that may be all of it, or `$root`.
    pub fn sees(&self, seen: &mut Seen) -> bool {
        match self {
            Self::Constant(_) => true,
            Self::Value(value) => value.exprs().all(|expr| expr.sees(seen)),
            Self::Object { when, members } => {
                when.iter().all(|when| when.sees(seen)) && members.iter().all(|(_, t)| t.sees(seen))
            }
            Self::List(items) => items.iter().all(|t| t.sees(seen)),
            // What is below sees elements.
            Self::Each { each, item, .. } => each.sees(seen) && !item.sees_root(),
        }
    }

    fn sees_root(&self) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Value(value) => value.exprs().any(Expr::sees_root),
            Self::Object { when, members } => {
                when.iter().any(Expr::sees_root) || members.iter().any(|(_, t)| t.sees_root())
            }
            Self::List(items) => items.iter().any(Self::sees_root),
            Self::Each { each, item, .. } => each.sees_root() || item.sees_root(),
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
            Self::List(items) => {
                let list: Vec<Value> = items
                    .iter()
                    .enumerate()
                    .filter_map(|(n, t)| t.render(scope, &child(pointer, n), problems))
                    .collect();
                (!list.is_empty() || items.is_empty()).then_some(Value::Array(list))
            }
            Self::Each { each, item, omit_empty } => {
                let elements = match each.elements(scope) {
                    Ok(elements) => elements,
                    Err(problem) => {
                        problems.push(at(pointer, problem.message));
                        return None;
                    }
                };
                let mut list = Vec::with_capacity(elements.len());
                for (nth, element) in elements.iter().enumerate() {
                    let below = Scope::below(scope, each, nth, element.node());
                    list.extend(item.render(&below, &child(pointer, nth), problems));
                }
                (!list.is_empty() || !omit_empty).then_some(Value::Array(list))
            }
        }
    }
}

impl ValueTemplate {
    fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.from.iter().chain(&self.when).chain(self.writing.expr())
    }

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
        Some(Self {
            from,
            constant: map.get("$value").cloned(),
            writing: Writing::compile(map, pointer, ctx),
            default: map.get("$default").cloned(),
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
        match self.writing.write(found, scope) {
            Ok(mut value) => {
                secret_place::guard(&mut value);
                Some(value)
            }
            Err(message) => {
                problems.push(at(pointer, message));
                None
            }
        }
    }
}

/// The place of a secret: `{"$secret": NAME}`, in requests only, so that its value is kept nowhere.
fn secret(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Template> {
    if let Some(other) = map.keys().find(|key| *key != SECRET) {
        ctx.mistakes
            .add(child(pointer, other), "\"$secret\" stands alone: {\"$secret\": NAME}");
    }
    let name = map.get(SECRET).and_then(Value::as_str).filter(|name| !name.is_empty());
    let Some(name) = name else {
        ctx.mistakes.add(
            child(pointer, SECRET),
            "the name of a secret is expected: add it with `countersign partner secret NAME`",
        );
        return None;
    };
    if !ctx.in_request {
        ctx.mistakes.add(
            child(pointer, SECRET),
            "a secret stands in \"body\", \"form\" and \"query\" of a request only",
        );
        return None;
    }
    ctx.secrets.insert(name.to_owned());
    Some(Template::Constant(secret_place::of(name)))
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
