//! Decimals as partners write them: with other signs than a point, or as minor units. Exact, or refused.

use super::directives::Compile;
use super::values::{decimal_in, decimal_of, minor_units, plain, short};
use crate::domain::{Currency, Decimal};
use crate::partner::config::mistakes::child;
use crate::partner::expr::{Expr, Scope};
use crate::partner::json::{Kind, Node};
use serde_json::{Map, Value};

/// The signs of a decimal text: what stands before the fraction, and between thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DecimalForm {
    separator: char,
    group: Option<char>,
}

impl DecimalForm {
    /// `{"separator": ",", "group": "."}`
    pub fn compile(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        let value = map.get("$decimal")?;
        let pointer = child(pointer, "$decimal");
        let Some(object) = value.as_object() else {
            ctx.mistakes
                .add(pointer, "{\"separator\": \",\", \"group\": \".\"} is expected");
            return None;
        };
        for key in object.keys().filter(|k| !["separator", "group"].contains(&k.as_str())) {
            ctx.mistakes.unknown(
                child(&pointer, key),
                format!("there is no field \"{key}\" here"),
                key,
                ["separator", "group"],
            );
        }
        let mut sign = |name: &str| -> Option<Option<char>> {
            let Some(value) = object.get(name) else {
                return Some(None);
            };
            let mut chars = value.as_str().unwrap_or_default().chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) if !c.is_ascii_digit() && c != '-' && c != '+' => Some(Some(c)),
                _ => {
                    ctx.mistakes
                        .add(child(&pointer, name), "one sign is expected, such as \",\"");
                    None
                }
            }
        };
        let (separator, group) = (sign("separator")?.unwrap_or('.'), sign("group")?);
        if group == Some(separator) {
            ctx.mistakes
                .add(pointer, "\"separator\" and \"group\" are the same sign");
            return None;
        }
        Some(Self { separator, group })
    }

    /// A number is taken as it is; of a text, every sign must be where it belongs.
    pub fn read(self, value: Node<'_>) -> Result<Option<Decimal>, String> {
        let Kind::Text(text) = plain(value) else {
            return decimal_in(value);
        };
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let digits = self.digits(text).ok_or_else(|| {
            let group = self
                .group
                .map_or_else(String::new, |g| format!(" and \"{g}\" between thousands"));
            format!(
                "\"{}\" is not a decimal number with \"{}\" before the fraction{group}",
                short(text),
                self.separator
            )
        })?;
        decimal_of(&digits).map(Some)
    }

    /// With a point, and nothing between thousands. The minus may stand behind, as in `12,50-`.
    fn digits(self, text: &str) -> Option<String> {
        let (negative, text) = match (text.strip_prefix('-'), text.strip_suffix('-')) {
            (None, None) => (false, text.strip_prefix('+').unwrap_or(text)),
            (Some(rest), None) => (true, rest),
            (None, Some(rest)) => (true, rest.trim_end()),
            (Some(_), Some(_)) => return None,
        };
        let (whole, fraction) = match text.split_once(self.separator) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let mut plain = String::with_capacity(text.len() + 1);
        if negative {
            plain.push('-');
        }
        let groups: Vec<&str> = match self.group {
            Some(group) => whole.split(|c| same_sign(c, group)).collect(),
            None => vec![whole],
        };
        let last = groups.len() - 1;
        for (n, digits) in groups.iter().enumerate() {
            let fits = match (n, last) {
                (_, 0) => true,
                (0, _) => (1..=3).contains(&digits.len()),
                // Thousands by three; India groups the digits before them by two.
                (n, last) if n == last => digits.len() == 3,
                _ => matches!(digits.len(), 2 | 3),
            };
            if !fits || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            plain.push_str(digits);
        }
        if let Some(fraction) = fraction {
            if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            plain.push('.');
            plain.push_str(fraction);
        }
        Some(plain)
    }

    pub fn write(self, number: Decimal) -> String {
        let text = number.to_string();
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text.as_str()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut written = sign.to_owned();
        for (n, digit) in whole.chars().enumerate() {
            if let Some(group) = self.group
                && n > 0
                && (whole.len() - n) % 3 == 0
            {
                written.push(group);
            }
            written.push(digit);
        }
        if !fraction.is_empty() {
            written.push(self.separator);
            written.push_str(fraction);
        }
        written
    }
}

/// A space between thousands is written in three ways, an apostrophe in two.
fn same_sign(c: char, group: char) -> bool {
    c == group || (group == ' ' && matches!(c, '\u{a0}' | '\u{202f}')) || (group == '\'' && c == '\u{2019}')
}

/// Minor units: how many digits of the number are behind the point.
#[derive(Debug)]
pub(crate) enum Minor {
    Digits(u32),
    /// Of the currency that the expression gives.
    Currency(Expr),
}

impl Minor {
    /// A number of digits, or an expression that gives the currency.
    pub fn compile(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        let value = map.get("$minor")?;
        let pointer = child(pointer, "$minor");
        match value {
            Value::String(source) => ctx.expr(source, &pointer).map(Self::Currency),
            other => {
                let digits = other.as_u64().filter(|d| *d <= 10).and_then(|d| u32::try_from(d).ok());
                if digits.is_none() {
                    ctx.mistakes.add(
                        pointer,
                        "the digits behind the point (0 to 10) or an expression that gives the currency is expected",
                    );
                }
                digits.map(Self::Digits)
            }
        }
    }

    pub fn expr(&self) -> Option<&Expr> {
        match self {
            Self::Digits(_) => None,
            Self::Currency(expr) => Some(expr),
        }
    }

    fn digits(&self, scope: &Scope<'_>) -> Result<u32, String> {
        let expr = match self {
            Self::Digits(digits) => return Ok(*digits),
            Self::Currency(expr) => expr,
        };
        let found = expr.one(scope).map_err(|p| p.message)?;
        let Some(Value::String(code)) = found.as_deref() else {
            return Err(format!(
                "the currency of minor units is missing: {} gives none",
                expr.source
            ));
        };
        Currency::parse(code).map(|c| c.minor_digits())
    }

    /// `1234` with two digits is `12.34`.
    pub fn read(&self, number: Decimal, scope: &Scope<'_>) -> Result<Decimal, String> {
        let whole = number.normalize();
        if whole.scale() > 0 {
            return Err(format!("{number} is no number of minor units: they are whole"));
        }
        Decimal::try_from_i128_with_scale(whole.mantissa(), self.digits(scope)?)
            .map_err(|_| format!("{number} has more digits than can be kept exactly (28)"))
    }

    /// `12.34` with two digits is `1234`; more digits than that are refused.
    pub fn write(&self, number: Decimal, scope: &Scope<'_>) -> Result<i64, String> {
        minor_units(number, self.digits(scope)?, "the currency")
    }
}
