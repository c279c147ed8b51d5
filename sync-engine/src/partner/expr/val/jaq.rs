//! What jaq asks of a value: children, places, slices, changes.

use super::{Num, Val};
use crate::partner::expr::budget::spend;
use crate::partner::expr::trace;
use jaq_core::box_iter::box_once;
use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error, Exn, ValR, ValX};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::BTreeMap;

impl jaq_core::ValT for Val {
    fn from_num(n: &str) -> ValR<Self> {
        Ok(Self::number(n))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(iter: I) -> ValR<Self> {
        let mut members = BTreeMap::new();
        for (key, value) in iter {
            spend(1);
            match key {
                Self::Str(key) => members.insert(key, value),
                other => return Err(Error::str(format_args!("a name is a text, this is {}", other.kind()))),
            };
        }
        Ok(Self::object(members))
    }

    fn key_values(self) -> jaq_core::box_iter::BoxIter<'static, ValR<(Self, Self), Self>> {
        match self {
            Self::Arr(ref a) => {
                let length = a.items.len();
                Box::new((0..length).map(move |i| Ok((Self::from(i), self.item(i)))))
            }
            Self::Obj(ref o) => {
                let members: Vec<_> = o
                    .members
                    .iter()
                    .map(|(k, v)| (Self::Str(k.clone()), self.taken(k, v)))
                    .collect();
                Box::new(members.into_iter().map(Ok))
            }
            other => box_once(Err(not_a_list(&other))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        match self {
            Self::Arr(ref a) => {
                let length = a.items.len();
                Box::new((0..length).map(move |i| Ok(self.item(i))))
            }
            Self::Obj(ref o) => {
                let values: Vec<_> = o.members.iter().map(|(k, v)| self.taken(k, v)).collect();
                Box::new(values.into_iter().map(Ok))
            }
            other => box_once(Err(not_a_list(&other))),
        }
    }

    fn index(self, index: &Self) -> ValR<Self> {
        Ok(self.find(index)?.unwrap_or(Self::Null))
    }

    fn range(self, range: Range<&Self>) -> ValR<Self> {
        let bounds = |length: usize| {
            let end = |v: Option<&Self>, default: usize| match v.filter(|v| !matches!(v, Self::Null)) {
                None => Ok(default),
                Some(v) => {
                    let at = v
                        .exact()
                        .and_then(|n| n.trunc().to_i64())
                        .ok_or_else(|| Error::str("a slice's ends are whole numbers"))?;
                    let length = i64::try_from(length).unwrap_or(i64::MAX);
                    let at = if at < 0 { at.saturating_add(length) } else { at };
                    Ok(usize::try_from(at.clamp(0, length)).unwrap_or(0))
                }
            };
            let (from, to) = (end(range.start, 0)?, end(range.end, length)?);
            Ok::<_, Error<Self>>((from, to.max(from)))
        };
        match &self {
            Self::Null => Ok(Self::Null),
            Self::Arr(a) => {
                let (from, to) = bounds(a.items.len())?;
                Ok(a.items[from..to].iter().cloned().collect())
            }
            Self::Str(s) => {
                spend(s.len() as u64 / 4);
                let (from, to) = bounds(s.chars().count())?;
                Ok(Self::text(&s.chars().skip(from).take(to - from).collect::<String>()))
            }
            other => Err(Error::str(format_args!("{} cannot be sliced", other.kind()))),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, opt: Opt, f: impl Fn(Self) -> I) -> ValX<'a, Self> {
        match self {
            Self::Arr(a) => a.items.iter().cloned().flat_map(f).collect(),
            Self::Obj(o) => {
                let mut members = BTreeMap::new();
                for (key, value) in &o.members {
                    if let Some(value) = f(value.clone()).next() {
                        members.insert(key.clone(), value?);
                    }
                }
                Ok(Self::object(members))
            }
            other => opt.fail(other, |v| Exn::from(not_a_list(&v))),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        match (&self, index) {
            (Self::Null, Self::Str(_)) => Self::object(BTreeMap::new()).map_index(index, opt, f),
            (Self::Obj(o), Self::Str(key)) => {
                let mut members = o.members.clone();
                let before = members.remove(key).unwrap_or(Self::Null);
                if let Some(value) = f(before).next() {
                    members.insert(key.clone(), value?);
                }
                Ok(Self::object(members))
            }
            (Self::Arr(a), Self::Num(_)) => match index.position(a.items.len()) {
                Some(at) => {
                    let mut items = a.items.clone();
                    match f(items[at].clone()).next() {
                        Some(value) => items[at] = value?,
                        None => {
                            items.remove(at);
                        }
                    }
                    Ok(Self::list(items))
                }
                None => opt.fail(self, |_| {
                    Exn::from(Error::str("there is nothing at that place of the list"))
                }),
            },
            _ => opt.fail(self, |v| {
                Exn::from(Error::str(format_args!("{} cannot be changed there", v.kind())))
            }),
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: Range<&Self>,
        opt: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        opt.fail(self, |_| Exn::from(Error::str("a slice cannot be changed here")))
    }

    fn as_bool(&self) -> bool {
        spend(1);
        !matches!(self, Self::Null | Self::Bool(false))
    }

    fn into_string(self) -> Self {
        match self {
            Self::Str(_) => self,
            other => {
                if trace::is_on() {
                    trace::written(&other);
                }
                Self::text(&other.to_string())
            }
        }
    }
}

fn not_a_list(value: &Val) -> Error<Val> {
    Error::str(format_args!("a list is expected for [], this is {}", value.kind()))
}

impl jaq_std::ValT for Val {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        match self {
            Self::Arr(a) => Ok(a.items.iter().cloned().collect()),
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        self.exact().is_some_and(|n| n.is_integer())
    }

    fn as_isize(&self) -> Option<isize> {
        self.exact().filter(Decimal::is_integer)?.to_isize()
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Num(Num::Exact(n)) => n.to_f64(),
            Self::Num(Num::Text(t)) => t.parse().ok(),
            _ => None,
        }
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Self::Str(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Str(s) => Some(s.as_bytes()),
            _ => None,
        }
    }

    fn as_sub_str(&self, sub: &[u8]) -> Self {
        Self::text(&String::from_utf8_lossy(sub))
    }

    fn from_utf8_bytes(b: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::text(&String::from_utf8_lossy(b.as_ref()))
    }
}
