//! How a value of ours is written for the partner.

use super::codes::CodeTable;
use super::dates::Dates;
use super::decimals::{DecimalForm, Minor};
use super::directives::{Compile, date_form, round_digits, zone};
use super::values;
use crate::domain::{Decimal, Money};
use crate::partner::config::mistakes::child;
use crate::partner::expr::{Expr, Scope, kind_of};
use serde_json::{Map, Number, Value};
use std::sync::Arc;

/// The directives of a value that goes out, in the order in which they are applied.
#[derive(Debug, Default)]
pub(super) struct Writing {
    pub codes: Option<Arc<CodeTable>>,
    round: Option<u32>,
    /// Exactly so many decimals.
    scale: Option<u32>,
    minor: Option<Minor>,
    decimal: Option<DecimalForm>,
    form: Option<Form>,
    /// Most characters.
    truncate: Option<usize>,
    pad: Option<Pad>,
}

#[derive(Debug)]
enum Form {
    Text,
    Number,
    Integer,
    Boolean,
    Amount,
    Dates(Dates),
}

#[derive(Debug)]
struct Pad {
    to: usize,
    with: char,
    left: bool,
}

impl Writing {
    pub fn compile(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Self {
        let codes = map
            .get("$codes")
            .and_then(|name| ctx.table(name, &child(pointer, "$codes")));
        Self {
            codes,
            round: round_digits("$round", map, pointer, ctx),
            scale: round_digits("$scale", map, pointer, ctx),
            minor: Minor::compile(map, pointer, ctx),
            decimal: DecimalForm::compile(map, pointer, ctx),
            form: form(map, pointer, ctx),
            truncate: truncate(map, pointer, ctx),
            pad: Pad::compile(map, pointer, ctx),
        }
    }

    /// What it looks at beside the value.
    pub fn expr(&self) -> Option<&Expr> {
        self.minor.as_ref().and_then(Minor::expr)
    }

    pub fn write(&self, value: Value, scope: &Scope<'_>) -> Result<Value, String> {
        let mut value = value;
        if let Some(table) = &self.codes
            && let Some(text) = values::text(&value)?
        {
            value = Value::String(table.outgoing(&text)?.to_owned());
        }
        if (self.round, self.scale) != (None, None) || self.minor.is_some() || self.decimal.is_some() {
            value = self.decimal(value, scope)?;
        }
        if let Some(form) = &self.form {
            value = form.write(&value)?;
        }
        if self.truncate.is_none() && self.pad.is_none() {
            return Ok(value);
        }
        let Some(text) = values::text(&value)? else {
            return Ok(value);
        };
        let mut text = match self.truncate.and_then(|most| text.char_indices().nth(most)) {
            Some((end, _)) => text[..end].trim_end().to_owned(),
            None => text.into_owned(),
        };
        if let Some(pad) = &self.pad {
            text = pad.fill(text);
        }
        Ok(Value::String(text))
    }

    /// Rounded, with so many decimals, as minor units or with other signs: whatever is told, and nothing lost untold.
    fn decimal(&self, value: Value, scope: &Scope<'_>) -> Result<Value, String> {
        let value = if value.is_object() { amount(&value)? } else { value };
        let Some(mut number) = values::decimal(&value)? else {
            return Ok(value);
        };
        if let Some(digits) = self.round {
            number = number.round_dp_with_strategy(digits, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        }
        if let Some(digits) = self.scale {
            if number.normalize().scale() > digits {
                return Err(format!(
                    "{number} has more than {digits} decimals: say \"$round\": {digits} beside \"$scale\" where that may be"
                ));
            }
            number.rescale(digits);
            if number.scale() != digits {
                return Err(format!("{number} has more digits than can be kept exactly (28)"));
            }
        }
        if let Some(minor) = &self.minor {
            return minor.write(number, scope).map(Value::from);
        }
        Ok(Value::String(match self.decimal {
            Some(form) => form.write(number),
            None => number.to_string(),
        }))
    }
}

impl Form {
    fn write(&self, value: &Value) -> Result<Value, String> {
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
            Self::Amount => amount(value)?,
            Self::Dates(dates) => dates.write(value)?,
        })
    }
}

impl Pad {
    /// `{"to": 10, "with": "0", "side": "left"}`; with spaces on the right unless told.
    fn compile(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        const FIELDS: [&str; 3] = ["to", "with", "side"];
        let value = map.get("$pad")?;
        let pointer = child(pointer, "$pad");
        let Some(object) = value.as_object() else {
            ctx.mistakes
                .add(pointer, "{\"to\": 10, \"with\": \"0\", \"side\": \"left\"} is expected");
            return None;
        };
        for key in object.keys().filter(|k| !FIELDS.contains(&k.as_str())) {
            let message = format!("there is no field \"{key}\" here");
            ctx.mistakes.unknown(child(&pointer, key), message, key, FIELDS);
        }
        let to = characters(object.get("to"));
        if to.is_none() {
            ctx.mistakes.add(
                child(&pointer, "to"),
                "a number of characters from 1 to 1000 is expected",
            );
        }
        let mut with = object
            .get("with")
            .map_or(" ", |v| v.as_str().unwrap_or_default())
            .chars();
        let (with, more) = (with.next(), with.next());
        if with.is_none() || more.is_some() {
            ctx.mistakes.add(child(&pointer, "with"), "one character is expected");
        }
        let side = object.get("side").map_or("right", |v| v.as_str().unwrap_or_default());
        if !["left", "right"].contains(&side) {
            let message = format!("\"{side}\" is neither left nor right");
            ctx.mistakes
                .unknown(child(&pointer, "side"), message, side, ["left", "right"]);
        }
        Some(Self {
            to: to?,
            with: with?,
            left: side == "left",
        })
    }

    fn fill(&self, text: String) -> String {
        let lacking = self.to.saturating_sub(text.chars().count());
        let fill = std::iter::repeat_n(self.with, lacking);
        if self.left {
            fill.chain(text.chars()).collect()
        } else {
            text.chars().chain(fill).collect()
        }
    }
}

fn characters(value: Option<&Value>) -> Option<usize> {
    let number = value?.as_u64().filter(|n| (1..=1000).contains(n))?;
    usize::try_from(number).ok()
}

fn truncate(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<usize> {
    let value = map.get("$truncate")?;
    let most = characters(Some(value));
    if most.is_none() {
        ctx.mistakes.add(
            child(pointer, "$truncate"),
            "a number of characters from 1 to 1000 is expected",
        );
    }
    most
}

/// `{minor, currency}` -> decimal text in units of the currency.
fn amount(value: &Value) -> Result<Value, String> {
    let money: Money = serde_json::from_value(value.clone())
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

/// What a value is written as; a form of dates or a pattern, in `$zone`.
fn form(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Form> {
    const NAMES: [&str; 5] = ["text", "number", "integer", "boolean", "amount"];
    let here = zone(map, pointer, ctx);
    let at = child(pointer, "$as");
    let Some(value) = map.get("$as") else {
        if here.is_some() {
            let message = "\"$zone\" stands beside an \"$as\" that names a form of dates";
            ctx.mistakes.add(child(pointer, "$zone"), message);
        }
        return None;
    };
    Some(match value.as_str().unwrap_or_default() {
        "text" => Form::Text,
        "number" => Form::Number,
        "integer" => Form::Integer,
        "boolean" => Form::Boolean,
        "amount" => Form::Amount,
        name => {
            if Dates::named(name).is_none() {
                let dates = super::dates::DATE_FORMS.iter().map(|(known, _)| *known);
                let known: Vec<_> = NAMES.into_iter().chain(dates).collect();
                let message = format!(
                    "{value} is no form; known are {}, and patterns such as dd.MM.yyyy",
                    known.join(", ")
                );
                ctx.mistakes.unknown(at, message, name, known);
                return None;
            }
            let dates = date_form(value, &at, ctx)?;
            Form::Dates(dates.in_zone(here))
        }
    })
}
