//! Expressions of a configuration: plain paths, run as they are, and jq for everything else.

mod budget;
mod check;
mod jq;
mod path;
mod reads;
pub(crate) mod trace;
mod val;

pub(crate) use path::Path;

use super::IntakeProblem;
use super::json::{Found, Kind, Node};
use jq::Jq;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What an expression sees: `.` is `this`, `$root` is the whole payload, `$index` counts lines from 0.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'s> {
    pub this: Node<'s>,
    pub root: Node<'s>,
    pub index: usize,
    at: At<'s>,
}

/// Where `this` is in the payload; worked out only when there is something to report.
#[derive(Clone, Copy)]
enum At<'s> {
    Root,
    Below {
        parent: &'s Scope<'s>,
        expr: &'s Expr,
        nth: usize,
    },
}

impl<'s> Scope<'s> {
    pub fn root(root: impl Into<Node<'s>>) -> Self {
        let root = root.into();
        Self {
            this: root,
            root,
            index: 0,
            at: At::Root,
        }
    }

    /// Another `$root` beside the same `.`.
    pub fn with_root(self, root: &'s Value) -> Self {
        let root = Node::Value(root);
        Self { root, ..self }
    }

    /// The scope of the `nth` value that `expr` gave.
    pub fn below(parent: &'s Scope<'s>, expr: &'s Expr, nth: usize, this: impl Into<Node<'s>>) -> Self {
        Self {
            this: this.into(),
            root: parent.root,
            index: nth,
            at: At::Below { parent, expr, nth },
        }
    }

    /// Where the element that jq made comes from, when `this` is one or lies in one.
    fn loose_base(&self) -> Option<String> {
        match &self.at {
            At::Root => None,
            At::Below { parent, expr, .. } => parent
                .loose_base()
                .or_else(|| matches!(expr.program, Program::Jq(_)).then(|| parent.pointer())),
        }
    }

    /// JSON pointer of `this`.
    pub fn pointer(&self) -> String {
        match &self.at {
            At::Root => String::new(),
            At::Below { parent, expr, nth } => expr.pointer(parent, *nth),
        }
    }
}

/// Members of a scope that expressions see: each whole, or one member of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen(BTreeSet<(String, Option<String>)>);

impl Seen {
    fn add(&mut self, name: &str, member: Option<&str>) {
        self.0.insert((name.to_owned(), member.map(str::to_owned)));
    }

    /// Whether anything of a member of the scope is seen.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(seen, _)| seen == name)
    }

    /// Whether a member of a member of the scope is seen.
    pub fn has_within(&self, name: &str, member: &str) -> bool {
        let within = |seen: &Option<String>| seen.as_ref().is_none_or(|seen| seen == member);
        self.0.iter().any(|(seen, of)| seen == name && within(of))
    }
}

/// Something that is wrong with a payload, with its place.
pub(crate) type Problem = IntakeProblem;

/// Longest expression, in bytes.
const MAX_SOURCE_BYTES: usize = 2000;

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expr {
    pub source: String,
    program: Program,
}

#[derive(Debug)]
enum Program {
    Path(Path),
    /// `.a // .b`: the first that is there.
    First(Vec<Path>),
    Jq(Jq),
}

impl Expr {
    /// # Errors
    /// A sentence that says what is wrong with the text.
    pub fn compile(source: &str) -> Result<Self, String> {
        if source.len() > MAX_SOURCE_BYTES {
            return Err(format!(
                "an expression has at most {MAX_SOURCE_BYTES} characters, this has {}",
                source.len()
            ));
        }
        let program = if let Some(path) = Path::parse(source) {
            Program::Path(path)
        } else if let Some(paths) = source
            .split("//")
            .map(|p| Path::parse(p).filter(|p| !p.gives_many()))
            .collect::<Option<Vec<_>>>()
        {
            Program::First(paths)
        } else {
            Program::Jq(Jq::compile(source)?)
        };
        Ok(Self {
            source: source.to_owned(),
            program,
        })
    }

    /// Adds what it sees of `.`; false when that may be all of it, or `$root`.
    pub fn sees(&self, seen: &mut Seen) -> bool {
        let mut path = |path: &Path| {
            path.first_member()
                .map(|(name, member)| seen.add(name, member))
                .is_some()
        };
        match &self.program {
            Program::Path(only) => path(only),
            Program::First(paths) => paths.iter().all(path),
            Program::Jq(jq) => match jq.members().filter(|_| !jq.uses_root()) {
                Some(names) => {
                    names.iter().for_each(|name| seen.add(name, None));
                    true
                }
                None => false,
            },
        }
    }

    /// Whether it may see `$root`.
    pub fn sees_root(&self) -> bool {
        match &self.program {
            Program::Path(path) => path.is_from_root(),
            Program::First(paths) => paths.iter().any(Path::is_from_root),
            Program::Jq(jq) => jq.uses_root(),
        }
    }

    /// The value; `None` when there is none or it is null.
    pub fn one<'s>(&self, scope: &Scope<'s>) -> Result<Option<Cow<'s, Value>>, Problem> {
        Ok(self.find(scope)?.map(Found::value))
    }

    /// The value where it lies; `None` when there is none or it is null.
    pub fn find<'s>(&self, scope: &Scope<'s>) -> Result<Option<Found<'s>>, Problem> {
        match &self.program {
            Program::Path(path) if !path.gives_many() => Ok(followed(path, scope)?.map(Found::There)),
            Program::First(paths) => {
                for path in paths {
                    if let Some(node) = followed(path, scope)?.filter(|v| v.kind() != Kind::Bool(false)) {
                        return Ok(Some(Found::There(node)));
                    }
                }
                Ok(None)
            }
            Program::Path(_) | Program::Jq(_) => {
                let mut found = self.values(scope, true)?;
                match found.len() {
                    0 => Ok(None),
                    1 => Ok(found.pop()),
                    n => Err(Problem {
                        pointer: self.pointer(scope, 0),
                        message: format!("one value is expected, {} gives {n}", self.source),
                    }),
                }
            }
        }
    }

    /// Every value that it gives, nulls left out.
    pub fn many<'s>(&self, scope: &Scope<'s>) -> Result<Vec<Cow<'s, Value>>, Problem> {
        Ok(self.values(scope, true)?.into_iter().map(Found::value).collect())
    }

    /// `whole`: what jq gives is used as it is, and not looked into by other expressions.
    fn values<'s>(&self, scope: &Scope<'s>, whole: bool) -> Result<Vec<Found<'s>>, Problem> {
        match &self.program {
            Program::Path(path) => {
                let found = path.many(scope)?;
                if trace::is_on() {
                    for (n, value) in found.iter().enumerate() {
                        trace::value_read(scope, path.pointer(scope, n), path.names_below(), &value.value());
                    }
                }
                Ok(found.into_iter().map(Found::There).collect())
            }
            Program::First(_) => Ok(self.find(scope)?.into_iter().collect()),
            Program::Jq(jq) => match jq.run(scope, whole) {
                Ok(values) => Ok(values.into_iter().filter(|v| !v.is_null()).map(Found::Made).collect()),
                Err(reason) => Err(Problem {
                    pointer: scope.pointer(),
                    message: self
                        .own_words(&reason)
                        .unwrap_or_else(|| format!("{} cannot be worked out: {reason}", self.source)),
                }),
            },
        }
    }

    /// What the expression itself says with `error("…")`, without the expression around it.
    fn own_words(&self, reason: &str) -> Option<String> {
        // A long text comes cut off: the expression has the whole of it.
        let start = reason.trim_end_matches('…').trim_end_matches('"');
        let said = self.source.contains("error(") && start.len() > 1 && start.starts_with('"');
        let from = self.source.find(start).filter(|_| said)?;
        let mut literals = serde_json::Deserializer::from_str(&self.source[from..]).into_iter::<String>();
        literals.next()?.ok()
    }

    /// Like `many`, and a single list counts as its elements, unless the expression gives them one by one (`[]`).
    pub fn elements<'s>(&self, scope: &Scope<'s>) -> Result<Vec<Found<'s>>, Problem> {
        let mut found = self.values(scope, false)?;
        if self.source.trim_end().ends_with("[]") {
            return Ok(found);
        }
        match found.as_mut_slice() {
            [Found::There(node)] if node.kind() == Kind::List => {
                return Ok(node.within().map(|(_, node)| Found::There(node)).collect());
            }
            [Found::Made(Value::Array(list))] => {
                return Ok(std::mem::take(list).into_iter().map(Found::Made).collect());
            }
            _ => {}
        }
        Ok(found)
    }

    /// JSON pointer of the `nth` value, as near as it is known.
    pub fn pointer(&self, scope: &Scope<'_>, nth: usize) -> String {
        match &self.program {
            Program::Path(path) if !path.gives_many() && nth > 0 => {
                super::config::mistakes::child(&path.pointer(scope, 0), nth)
            }
            Program::Path(path) => path.pointer(scope, nth),
            Program::First(paths) => paths
                .iter()
                .find(|p| matches!(p.one(scope), Ok(Some(_))))
                .or(paths.first())
                .map_or_else(String::new, |p| p.pointer(scope, 0)),
            Program::Jq(_) => scope.pointer(),
        }
    }
}

/// The one value of a path, noted where somebody wants to know what is read.
fn followed<'s>(path: &Path, scope: &Scope<'s>) -> Result<Option<Node<'s>>, Problem> {
    let found = path.one(scope)?;
    if trace::is_on()
        && let Some(value) = found
    {
        trace::value_read(scope, path.pointer(scope, 0), path.names_below(), &value.value());
    }
    Ok(found)
}

/// What a value is, for a sentence.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    named(Node::Value(value).kind())
}

/// The same of a kind.
pub(crate) fn named(kind: Kind<'_>) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool(_) => "true or false",
        Kind::Number(_) => "a number",
        Kind::Text(_) => "a text",
        Kind::List => "a list",
        Kind::Object => "an object",
    }
}

#[cfg(test)]
mod tests;
