//! A JSON value that expressions and schemas look at, whether it is a `Value` or lies on a tape.

use super::tape::{Kind, Shape, Tape, Within};
use serde_json::Value;
use std::borrow::Cow;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Node<'s> {
    Value(&'s Value),
    Tape {
        tape: &'s Tape<'s>,
        at: u32,
    },
    /// A text without a place, such as a member's name.
    Text(&'s str),
}

impl<'s> From<&'s Value> for Node<'s> {
    fn from(value: &'s Value) -> Self {
        Self::Value(value)
    }
}

impl<'s> Node<'s> {
    /// The whole of a tape.
    pub fn whole(tape: &'s Tape<'s>) -> Self {
        Self::Tape { tape, at: 0 }
    }

    /// Cheaper than `kind`, where what it says does not matter.
    #[inline]
    pub fn shape(self) -> Shape {
        match self {
            Self::Tape { tape, at } => tape.shape(at),
            Self::Text(_) => Shape::Text,
            Self::Value(value) => match value {
                Value::Null => Shape::Null,
                Value::Bool(true) => Shape::True,
                Value::Bool(false) => Shape::False,
                Value::Number(_) => Shape::Number,
                Value::String(_) => Shape::Text,
                Value::Array(_) => Shape::List,
                Value::Object(_) => Shape::Object,
            },
        }
    }

    #[inline]
    pub fn kind(self) -> Kind<'s> {
        match self {
            Self::Value(value) => match value {
                Value::Null => Kind::Null,
                Value::Bool(is) => Kind::Bool(*is),
                Value::Number(number) => Kind::Number(number.as_str()),
                Value::String(text) => Kind::Text(text),
                Value::Array(_) => Kind::List,
                Value::Object(_) => Kind::Object,
            },
            Self::Tape { tape, at } => tape.kind(at),
            Self::Text(text) => Kind::Text(text),
        }
    }

    #[inline]
    pub fn is_null(self) -> bool {
        self.shape() == Shape::Null
    }

    /// A member of an object.
    #[inline]
    pub fn member(self, name: &str) -> Option<Self> {
        match self {
            Self::Value(value) => value.as_object()?.get(name).map(Self::Value),
            Self::Tape { tape, at } if tape.shape(at) == Shape::Object => {
                let at = tape.member(at, name)?;
                Some(Self::Tape { tape, at })
            }
            Self::Tape { .. } | Self::Text(_) => None,
        }
    }

    /// Values of a list, or members of an object; nothing of another.
    pub fn within(self) -> Inner<'s> {
        match self {
            Self::Value(Value::Array(list)) => Inner::Values(list.iter()),
            Self::Value(Value::Object(members)) => Inner::Members(members.iter()),
            Self::Tape { tape, at } => Inner::Tape(tape, tape.within(at)),
            Self::Value(_) | Self::Text(_) => Inner::Values([].iter()),
        }
    }

    /// How many are `within`.
    pub fn count(self) -> usize {
        match self {
            Self::Value(Value::Array(list)) => list.len(),
            Self::Value(Value::Object(members)) => members.len(),
            Self::Tape { tape, at } => tape.count(at),
            Self::Value(_) | Self::Text(_) => 0,
        }
    }

    /// The value of a list at that place.
    pub fn nth(self, nth: usize) -> Option<Self> {
        match self {
            Self::Value(Value::Array(list)) => list.get(nth).map(Self::Value),
            other => other.within().nth(nth).map(|(_, value)| value),
        }
    }

    pub fn value(self) -> Cow<'s, Value> {
        match self {
            Self::Value(value) => Cow::Borrowed(value),
            Self::Tape { tape, at } => Cow::Owned(tape.value(at)),
            Self::Text(text) => Cow::Owned(Value::String(text.to_owned())),
        }
    }
}

/// Values within one, with their names in an object.
#[derive(Clone)]
pub(crate) enum Inner<'s> {
    Values(std::slice::Iter<'s, Value>),
    Members(serde_json::map::Iter<'s>),
    Tape(&'s Tape<'s>, Within<'s>),
}

impl<'s> Iterator for Inner<'s> {
    type Item = (&'s str, Node<'s>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Values(list) => list.next().map(|value| ("", Node::Value(value))),
            Self::Members(members) => members.next().map(|(name, value)| (name.as_str(), Node::Value(value))),
            Self::Tape(tape, within) => {
                let (tape, at) = (*tape, within.next()?);
                Some((tape.name(at), Node::Tape { tape, at }))
            }
        }
    }
}

/// What an expression gave: a value where it lies, or one that was made.
#[derive(Debug, Clone)]
pub(crate) enum Found<'s> {
    There(Node<'s>),
    Made(Value),
}

impl<'s> Found<'s> {
    pub fn node(&self) -> Node<'_> {
        match self {
            Self::There(node) => *node,
            Self::Made(value) => Node::Value(value),
        }
    }

    pub fn value(self) -> Cow<'s, Value> {
        match self {
            Self::There(node) => node.value(),
            Self::Made(value) => Cow::Owned(value),
        }
    }
}
