//! Plain paths: the part of jq that most fields need, run on the JSON as it is.

use super::{Problem, Scope, named};
use crate::partner::config::details::ETAG;
use crate::partner::config::mistakes::child;
use crate::partner::json::{Node, Shape};

/// `.a.b[0]`, `."a b"`, `.["a"]`, `.a[]` (of a list), `.a?`, or `$root` followed by such; `$etag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    from_root: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    kind: StepKind,
    /// With `?`: another type of value counts as missing instead of being a mistake.
    optional: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum StepKind {
    Key(String),
    Index(i64),
    Each,
}

impl Path {
    /// `None` when the text is not a plain path (it may be jq then).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == ETAG {
            return Some(Self {
                from_root: true,
                steps: vec![Step {
                    kind: StepKind::Key(ETAG.to_owned()),
                    optional: true,
                }],
            });
        }
        let (from_root, mut rest) = match text.strip_prefix("$root") {
            Some("") => {
                return Some(Self {
                    from_root: true,
                    steps: Vec::new(),
                });
            }
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if rest == "." {
            return (!from_root).then_some(Self {
                from_root,
                steps: Vec::new(),
            });
        }
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (kind, after) = step(rest)?;
            let (optional, after) = match after.strip_prefix('?') {
                Some(after) => (true, after),
                None => (false, after),
            };
            steps.push(Step { kind, optional });
            rest = after;
        }
        (!steps.is_empty()).then_some(Self { from_root, steps })
    }

    pub fn gives_many(&self) -> bool {
        self.steps.iter().any(|s| s.kind == StepKind::Each)
    }

    /// The member of `.` that it begins with, and the name by which it goes on from there; `None` when it may see more
    /// of `.`, or `$root`.
    pub fn first_member(&self) -> Option<(&str, Option<&str>)> {
        let key = |at: usize| match self.steps.get(at).map(|s| &s.kind) {
            Some(StepKind::Key(key)) => Some(key.as_str()),
            Some(StepKind::Index(_) | StepKind::Each) | None => None,
        };
        key(0).filter(|_| !self.from_root).map(|first| (first, key(1)))
    }

    /// Keys from the document's root, when the path is nothing else.
    pub fn keys(&self) -> Option<Vec<&str>> {
        self.steps
            .iter()
            .map(|s| match &s.kind {
                StepKind::Key(key) => Some(key.as_str()),
                StepKind::Index(_) | StepKind::Each => None,
            })
            .collect()
    }

    /// Whether a step may be missing (`?`).
    pub fn is_optional(&self) -> bool {
        self.steps.iter().any(|s| s.optional)
    }

    /// Names of the fields on the way, lists passed through: `.items[].read` gives `items`, `read`.
    pub fn field_names(&self) -> Option<Vec<String>> {
        self.steps
            .iter()
            .filter_map(|s| match &s.kind {
                StepKind::Key(key) => Some(Some(key.clone())),
                StepKind::Each => None,
                StepKind::Index(_) => Some(None),
            })
            .collect()
    }

    /// Names of the fields on the way from `.`, places in lists left out; `None` from `$root`.
    pub fn names_below(&self) -> Option<Vec<String>> {
        let names = self.steps.iter().filter_map(|s| match &s.kind {
            StepKind::Key(key) => Some(key.clone()),
            StepKind::Index(_) | StepKind::Each => None,
        });
        (!self.from_root).then(|| names.collect())
    }

    /// Fields on the way, `None` for each step into a list; nothing at all for a path that a `?` makes tolerant.
    pub fn fields_and_lists(&self) -> Option<Vec<Option<&str>>> {
        let steps = self.steps.iter().map(|s| match &s.kind {
            StepKind::Key(key) => Some(key.as_str()),
            StepKind::Index(_) | StepKind::Each => None,
        });
        (!self.is_optional()).then(|| steps.collect())
    }

    pub fn is_from_root(&self) -> bool {
        self.from_root
    }

    /// The one value of a path without `[]`; `None` when it is missing or null.
    pub fn one<'s>(&self, scope: &Scope<'s>) -> Result<Option<Node<'s>>, Problem> {
        let mut value = if self.from_root { scope.root } else { scope.this };
        for (n, step) in self.steps.iter().enumerate() {
            let next = match (&step.kind, value.shape()) {
                (_, Shape::Null) => None,
                (StepKind::Key(key), Shape::Object) => value.member(key),
                (StepKind::Index(index), Shape::List) => at(value, *index),
                _ if step.optional => None,
                _ => return Err(self.wrong_type(scope, n, value)),
            };
            match next {
                Some(next) => value = next,
                None => return Ok(None),
            }
        }
        Ok((!value.is_null()).then_some(value))
    }

    /// Every value that the path gives, nulls left out.
    pub fn many<'s>(&self, scope: &Scope<'s>) -> Result<Vec<Node<'s>>, Problem> {
        let start = if self.from_root { scope.root } else { scope.this };
        let mut found = vec![start];
        for (n, step) in self.steps.iter().enumerate() {
            let mut next = Vec::with_capacity(found.len());
            for value in found {
                match (&step.kind, value.shape()) {
                    (_, Shape::Null) => {}
                    (StepKind::Key(key), Shape::Object) => next.extend(value.member(key)),
                    (StepKind::Index(index), Shape::List) => next.extend(at(value, *index)),
                    (StepKind::Each, Shape::List) => next.extend(value.within().map(|(_, value)| value)),
                    _ if step.optional => {}
                    _ => return Err(self.wrong_type(scope, n, value)),
                }
            }
            found = next;
        }
        found.retain(|v| !v.is_null());
        Ok(found)
    }

    /// JSON pointer of the `nth` value that the path gives; as far as the path can be followed.
    pub fn pointer(&self, scope: &Scope<'_>, nth: usize) -> String {
        let (start, base) = if self.from_root {
            (scope.root, String::new())
        } else {
            (scope.this, scope.pointer())
        };
        let mut found = vec![(base, Some(start))];
        for step in &self.steps {
            let mut next = Vec::new();
            for (pointer, value) in found {
                let list = value.filter(|v| v.shape() == Shape::List);
                match (&step.kind, list) {
                    (StepKind::Key(key), _) => {
                        next.push((child(&pointer, key), value.and_then(|v| v.member(key))));
                    }
                    (StepKind::Index(index), Some(list)) => {
                        let index = if *index < 0 {
                            *index + list.count() as i64
                        } else {
                            *index
                        };
                        let value = usize::try_from(index).ok().and_then(|i| list.nth(i));
                        next.push((child(&pointer, index), value));
                    }
                    (StepKind::Index(index), None) => next.push((child(&pointer, index), None)),
                    (StepKind::Each, Some(list)) => {
                        let values = list.within().enumerate();
                        next.extend(values.map(|(i, (_, value))| (child(&pointer, i), Some(value))));
                    }
                    (StepKind::Each, None) => next.push((pointer, None)),
                }
            }
            found = next;
        }
        if self.gives_many() {
            found.retain(|(_, v)| v.is_some_and(|v| !v.is_null()));
        }
        found
            .into_iter()
            .nth(nth)
            .map_or_else(|| scope.pointer(), |(pointer, _)| pointer)
    }

    fn wrong_type(&self, scope: &Scope<'_>, step: usize, value: Node<'_>) -> Problem {
        let before = Self {
            from_root: self.from_root,
            steps: self.steps[..step].to_vec(),
        };
        let expected = match &self.steps[step].kind {
            StepKind::Key(key) => format!("an object with \"{key}\""),
            StepKind::Index(_) | StepKind::Each => "a list".to_owned(),
        };
        Problem {
            pointer: before.pointer(scope, 0),
            message: format!("{expected} is expected here, this is {}", named(value.kind())),
        }
    }
}

fn at(list: Node<'_>, index: i64) -> Option<Node<'_>> {
    let index = if index < 0 {
        index.checked_add(i64::try_from(list.count()).ok()?)?
    } else {
        index
    };
    list.nth(usize::try_from(index).ok()?)
}

/// One step from the start of `text`, and what follows it.
fn step(text: &str) -> Option<(StepKind, &str)> {
    if let Some(rest) = text.strip_prefix(".[").or_else(|| text.strip_prefix('[')) {
        let (inner, after) = if rest.starts_with('"') {
            let (key, after) = quoted(rest)?;
            return Some((StepKind::Key(key), after.strip_prefix(']')?));
        } else {
            rest.split_once(']')?
        };
        let inner = inner.trim();
        if inner.is_empty() {
            return Some((StepKind::Each, after));
        }
        return Some((StepKind::Index(inner.parse().ok()?), after));
    }
    let rest = text.strip_prefix('.')?;
    if rest.starts_with('"') {
        let (key, after) = quoted(rest)?;
        return Some((StepKind::Key(key), after));
    }
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    let key = &rest[..end];
    if key.is_empty() || key.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some((StepKind::Key(key.to_owned()), &rest[end..]))
}

/// A JSON string at the start of `text`, without jq's interpolation, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find_map(|(i, c)| {
        if escaped {
            escaped = false;
            None
        } else if c == '\\' {
            escaped = true;
            None
        } else {
            (c == '"').then_some(i + 1)
        }
    })?;
    Some((serde_json::from_str(&text[..end]).ok()?, &text[end..]))
}
