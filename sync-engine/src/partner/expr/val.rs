//! The values of jq expressions: JSON with exact decimals, every touch paid from the budget.

mod arithmetic;
mod jaq;

use super::budget::{deeper, spend};
use super::trace;
use crate::partner::json::{Kind, Node};
use jaq_core::val::Range;
use jaq_core::{Error, ValR};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

#[derive(Debug)]
pub(super) enum Val {
    Null,
    Bool(bool),
    Num(Num),
    Str(Rc<str>),
    Arr(Rc<List>),
    Obj(Rc<Object>),
}

/// A number: exact, or its text when it has more digits than can be worked with.
#[derive(Debug, Clone)]
pub(super) enum Num {
    Exact(Decimal),
    Text(Rc<str>),
}

#[derive(Debug, Clone, Default)]
pub(super) struct List {
    pub items: Vec<Val>,
    depth: u16,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    pub members: BTreeMap<Rc<str>, Val>,
    depth: u16,
}

impl Clone for Val {
    /// jq clones a value wherever it goes two ways: no evaluation is long without this.
    fn clone(&self) -> Self {
        spend(1);
        match self {
            Self::Null => Self::Null,
            Self::Bool(b) => Self::Bool(*b),
            Self::Num(n) => Self::Num(n.clone()),
            Self::Str(s) => Self::Str(s.clone()),
            Self::Arr(a) => Self::Arr(a.clone()),
            Self::Obj(o) => Self::Obj(o.clone()),
        }
    }
}

impl Val {
    pub fn read(value: Node<'_>) -> Self {
        spend(1);
        match value.kind() {
            Kind::Null => Self::Null,
            Kind::Bool(is) => Self::Bool(is),
            Kind::Number(number) => Self::number(number),
            Kind::Text(text) => Self::Str(Rc::from(text)),
            Kind::List => value.within().map(|(_, value)| Self::read(value)).collect(),
            Kind::Object => {
                let members = value.within().map(|(name, value)| (Rc::from(name), Self::read(value)));
                Self::object(members.collect())
            }
        }
    }

    /// An object with those of its members alone.
    pub fn read_members(object: Node<'_>, names: &BTreeSet<String>) -> Self {
        spend(1);
        let named = names.iter().filter_map(|name| Some((name, object.member(name)?)));
        Self::object(
            named
                .map(|(name, value)| (Rc::from(name.as_str()), Self::read(value)))
                .collect(),
        )
    }

    pub fn write(&self) -> Value {
        spend(1);
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Num(n) => n.to_string().parse().map_or(Value::Null, Value::Number),
            Self::Str(s) => Value::from(&**s),
            Self::Arr(a) => a.items.iter().map(Self::write).collect(),
            Self::Obj(o) => o.members.iter().map(|(k, v)| ((**k).to_owned(), v.write())).collect(),
        }
    }

    fn number(text: &str) -> Self {
        Self::Num(match crate::partner::map::values::decimal_of(text) {
            Ok(exact) => Num::Exact(exact),
            Err(_) => Num::Text(Rc::from(text)),
        })
    }

    fn object(members: BTreeMap<Rc<str>, Val>) -> Self {
        let depth = members.values().map(Self::depth).max().unwrap_or(0);
        Self::Obj(Rc::new(Object {
            members,
            depth: deeper(depth),
        }))
    }

    fn list(items: Vec<Val>) -> Self {
        spend(items.len() as u64);
        let depth = items.iter().map(Self::depth).max().unwrap_or(0);
        Self::Arr(Rc::new(List {
            items,
            depth: deeper(depth),
        }))
    }

    fn depth(&self) -> u16 {
        match self {
            Self::Null | Self::Bool(_) | Self::Num(_) | Self::Str(_) => 0,
            Self::Arr(a) => a.depth,
            Self::Obj(o) => o.depth,
        }
    }

    pub fn text(text: &str) -> Self {
        spend(text.len() as u64 / 16);
        Self::Str(Rc::from(text))
    }

    fn exact(&self) -> Option<Decimal> {
        match self {
            Self::Num(Num::Exact(n)) => Some(*n),
            _ => None,
        }
    }

    /// Position that an index means in a list of that length; negative ones count from its end.
    fn position(&self, length: usize) -> Option<usize> {
        let at = self.exact()?.trunc().to_i64()?;
        let at = if at < 0 {
            at.checked_add(i64::try_from(length).ok()?)?
        } else {
            at
        };
        usize::try_from(at).ok().filter(|at| *at < length)
    }

    /// `None` where there is nothing at the index.
    pub fn find(&self, index: &Self) -> ValR<Option<Self>, Self> {
        spend(1);
        match (self, index) {
            (Self::Null, _) => Ok(None),
            (Self::Obj(o), Self::Str(key)) => Ok(o.members.get(key).map(|member| self.taken(key, member))),
            (Self::Arr(a), Self::Num(_)) => {
                let at = index.position(a.items.len());
                Ok(at.map(|at| self.taken(at, &a.items[at])))
            }
            _ => Err(Error::str(format_args!("{} has no {index}", self.kind()))),
        }
    }

    /// A child as an evaluation takes it.
    fn taken(&self, key: impl std::fmt::Display, child: &Self) -> Self {
        if trace::is_on() {
            trace::child_read(self, key, child);
        }
        child.clone()
    }

    /// An element of a list.
    fn item(&self, at: usize) -> Self {
        match self {
            Self::Arr(a) => a.items.get(at).map_or(Self::Null, |item| self.taken(at, item)),
            _ => Self::Null,
        }
    }

    /// Tells one container from another as long as both are there.
    pub fn address(&self) -> Option<usize> {
        match self {
            Self::Arr(a) => Some(Rc::as_ptr(a).addr()),
            Self::Obj(o) => Some(Rc::as_ptr(o).addr()),
            Self::Null | Self::Bool(_) | Self::Num(_) | Self::Str(_) => None,
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Num(_) => "a number",
            Self::Str(_) => "a text",
            Self::Arr(_) => "a list",
            Self::Obj(_) => "an object",
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(false) => 1,
            Self::Bool(true) => 2,
            Self::Num(_) => 3,
            Self::Str(_) => 4,
            Self::Arr(_) => 5,
            Self::Obj(_) => 6,
        }
    }
}

impl std::fmt::Display for Num {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(n) => n.fmt(f),
            Self::Text(t) => f.write_str(t),
        }
    }
}

/// JSON.
impl std::fmt::Display for Val {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.write())
    }
}

impl From<bool> for Val {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<isize> for Val {
    fn from(i: isize) -> Self {
        Self::Num(Num::Exact(Decimal::from(i)))
    }
}

impl From<usize> for Val {
    fn from(i: usize) -> Self {
        Self::Num(Num::Exact(Decimal::from(i)))
    }
}

impl From<f64> for Val {
    fn from(f: f64) -> Self {
        Decimal::from_f64(f).map_or(Self::Null, |n| Self::Num(Num::Exact(n)))
    }
}

impl From<String> for Val {
    fn from(s: String) -> Self {
        Self::text(&s)
    }
}

impl From<Range<Val>> for Val {
    fn from(range: Range<Val>) -> Self {
        let ends = [("start", range.start), ("end", range.end)];
        Self::object(ends.into_iter().filter_map(|(k, v)| Some((Rc::from(k), v?))).collect())
    }
}

impl FromIterator<Self> for Val {
    fn from_iter<T: IntoIterator<Item = Self>>(iter: T) -> Self {
        Self::list(iter.into_iter().inspect(|_| spend(1)).collect())
    }
}

impl Ord for Val {
    fn cmp(&self, other: &Self) -> Ordering {
        spend(1);
        match (self, other) {
            (Self::Num(Num::Exact(x)), Self::Num(Num::Exact(y))) => x.cmp(y),
            (Self::Num(x), Self::Num(y)) => x.to_string().cmp(&y.to_string()),
            (Self::Str(x), Self::Str(y)) => x.cmp(y),
            (Self::Arr(x), Self::Arr(y)) => x.items.cmp(&y.items),
            (Self::Obj(x), Self::Obj(y)) => x
                .members
                .keys()
                .cmp(y.members.keys())
                .then_with(|| x.members.values().cmp(y.members.values())),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Val {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Val {}
