//! Operators of jq: decimals exactly or not at all, texts and lists joined, every step paid.

use super::{Num, Val};
use crate::partner::expr::budget::spend;
use jaq_core::ops::Math;
use jaq_core::{Error, ValR};
use rust_decimal::Decimal;
use std::rc::Rc;

fn too_long(op: Math, l: &Val, r: &Val) -> Error<Val> {
    Error::str(format_args!(
        "{l} {} {r} has more digits than can be kept exactly",
        op.as_str()
    ))
}

impl std::ops::Add for Val {
    type Output = ValR<Self>;
    fn add(self, rhs: Self) -> Self::Output {
        match (self, rhs) {
            (Self::Null, x) | (x, Self::Null) => Ok(x),
            (l @ Self::Num(Num::Exact(_)), r @ Self::Num(Num::Exact(_))) => {
                arithmetic(&l, &r, Math::Add, Decimal::checked_add)
            }
            (Self::Str(l), Self::Str(r)) => Ok(Self::text(&[&*l, &*r].concat())),
            (Self::Arr(mut l), Self::Arr(r)) => {
                spend((l.items.len() + r.items.len()) as u64);
                let depth = l.depth.max(r.depth);
                let list = Rc::make_mut(&mut l);
                list.items.extend(r.items.iter().cloned());
                list.depth = depth;
                Ok(Self::Arr(l))
            }
            (Self::Obj(mut l), Self::Obj(r)) => {
                spend((l.members.len() + r.members.len()) as u64);
                let depth = l.depth.max(r.depth);
                let object = Rc::make_mut(&mut l);
                object
                    .members
                    .extend(r.members.iter().map(|(k, v)| (k.clone(), v.clone())));
                object.depth = depth;
                Ok(Self::Obj(l))
            }
            (l, r) => Err(Error::math(l, Math::Add, r)),
        }
    }
}

/// Decimal arithmetic that is exact or fails: no digit is lost or invented.
fn arithmetic(l: &Val, r: &Val, op: Math, f: fn(Decimal, Decimal) -> Option<Decimal>) -> ValR<Val> {
    spend(1);
    let (Some(x), Some(y)) = (l.exact(), r.exact()) else {
        return Err(Error::math(l.clone(), op, r.clone()));
    };
    // rust_decimal rounds what does not fit into 28 decimals; a result is exact when its scale is all that is needed.
    let needed = match op {
        Math::Mul => x.normalize().scale() + y.normalize().scale(),
        Math::Add | Math::Sub | Math::Rem => x.normalize().scale().max(y.normalize().scale()),
        Math::Div => 0,
    };
    f(x, y)
        .filter(|n| n.scale() >= needed)
        .map(|n| Val::Num(Num::Exact(n)))
        .ok_or_else(|| too_long(op, l, r))
}

impl std::ops::Sub for Val {
    type Output = ValR<Self>;
    fn sub(self, rhs: Self) -> Self::Output {
        match (self, rhs) {
            (Self::Arr(mut l), Self::Arr(r)) => {
                Rc::make_mut(&mut l).items.retain(|x| !r.items.contains(x));
                Ok(Self::Arr(l))
            }
            (l, r) => arithmetic(&l, &r, Math::Sub, Decimal::checked_sub),
        }
    }
}

impl std::ops::Mul for Val {
    type Output = ValR<Self>;
    fn mul(self, rhs: Self) -> Self::Output {
        arithmetic(&self, &rhs, Math::Mul, Decimal::checked_mul)
    }
}

impl std::ops::Div for Val {
    type Output = ValR<Self>;
    /// Numbers to 28 digits; a text is split at another.
    fn div(self, rhs: Self) -> Self::Output {
        match (&self, &rhs) {
            (Self::Str(text), Self::Str(at)) => {
                spend(text.len() as u64);
                if text.is_empty() {
                    return Ok(Self::list(Vec::new()));
                }
                if at.is_empty() {
                    return Ok(text.chars().map(|c| Self::text(c.encode_utf8(&mut [0; 4]))).collect());
                }
                Ok(text.split(&**at).map(Self::text).collect())
            }
            _ => arithmetic(&self, &rhs, Math::Div, |x, y| x.checked_div(y).map(|n| n.normalize())),
        }
    }
}

impl std::ops::Rem for Val {
    type Output = ValR<Self>;
    fn rem(self, rhs: Self) -> Self::Output {
        arithmetic(&self, &rhs, Math::Rem, Decimal::checked_rem)
    }
}

impl std::ops::Neg for Val {
    type Output = ValR<Self>;
    fn neg(self) -> Self::Output {
        match self {
            Self::Num(Num::Exact(n)) => Ok(Self::Num(Num::Exact(-n))),
            other => Err(Error::typ(other, "number")),
        }
    }
}
