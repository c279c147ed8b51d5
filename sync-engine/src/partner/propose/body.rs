//! Bodies of what we send: what their schema needs, from what is known; what is not known stops the request.

use super::codes;
use super::description::{At, Description};
use super::fields::{self, Field, Shape};
use super::notes::{Notes, todo_expression};
use super::sending::{
    Known, OF_ANSWER, OF_ISSUED, OF_LINE, OF_LINE_ANSWERED, OF_LINE_ISSUED, OF_LINE_RECEIVED, OF_PART,
};
use super::words::{alike, has, words};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Levels of a body that are filled.
const MAX_DEPTH: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Document,
    Line,
    /// One of the answers to a line.
    Part,
}

pub(super) struct Bodies<'a, 'd> {
    pub d: &'d Description,
    pub operation: &'a str,
    pub pointer: String,
    pub codes: &'a mut Map<String, Value>,
    /// What the map keeps for later requests, by name.
    pub partner_ref: &'a BTreeMap<String, String>,
    /// There is a table of units.
    pub units: bool,
    pub notes: &'a mut Notes,
    /// Words of the party that is being written.
    pub outer: Vec<String>,
}

impl<'d> Bodies<'_, 'd> {
    pub fn propose(&mut self, schema: At<'d>) -> Value {
        let schema = self.d.resolve(schema);
        if fields::shape(self.d, schema) == Shape::List {
            return self
                .list("", schema, Scope::Document, true, 0)
                .unwrap_or_else(|| json!([]));
        }
        self.object(schema, Scope::Document, true, 0)
            .unwrap_or_else(|| json!({}))
    }

    /// Answers to orders: a line may have several.
    fn answers(&self) -> bool {
        !self.issued() && self.operation != "receipt"
    }

    fn issued(&self) -> bool {
        ["submit", "update", "cancel", "despatch"].contains(&self.operation)
    }

    fn object(&mut self, at: At<'d>, scope: Scope, needed: bool, depth: usize) -> Option<Value> {
        let mut members = Map::new();
        let best = self.best(at, scope);
        for (name, schema, required) in fields::properties(self.d, at) {
            if schema.is("readOnly") || depth > MAX_DEPTH {
                continue;
            }
            let value = match fields::shape(self.d, schema) {
                Shape::Object => self.within(name, schema, scope, required && needed, depth),
                Shape::List => self.list(name, schema, scope, required && needed, depth),
                _ => self
                    .leaf(name, "", schema, scope, required && needed)
                    .filter(|value| required || is_best(&best, value, name)),
            };
            members.extend(value.map(|value| (name.to_owned(), value)));
        }
        (!members.is_empty()).then_some(Value::Object(members))
    }

    /// An object below: a wrapped value (`quantity: {amount, unit}`), or more of the same.
    fn within(&mut self, name: &str, at: At<'d>, scope: Scope, required: bool, depth: usize) -> Option<Value> {
        let parts = fields::properties(self.d, at);
        let wraps = parts.iter().any(|(part, ..)| ["amount", "value"].contains(part));
        if !wraps {
            // What is not needed is written only where it carries the lines or the document.
            let carries = carries(&fields::fields(self.d, at));
            return if required || carries && depth < 3 {
                self.outer(name, |bodies| bodies.object(at, scope, true, depth + 1))
            } else {
                None
            };
        }
        let mut members = Map::new();
        for (part, schema, needed) in parts {
            let value = if ["amount", "value"].contains(&part) {
                self.leaf(name, part, schema, scope, required)
            } else {
                // The unit of a price is none of the line's.
                let price = has(&words(part), &["unit"]) && !has(&words(name), &["quantity"]);
                if price && !(needed && required) {
                    None
                } else {
                    self.leaf(part, name, schema, scope, needed && required)
                }
            };
            members.extend(value.map(|value| (part.to_owned(), value)));
        }
        members
            .keys()
            .any(|k| k == "amount" || k == "value")
            .then_some(Value::Object(members))
    }

    fn list(&mut self, name: &str, at: At<'d>, scope: Scope, required: bool, depth: usize) -> Option<Value> {
        let entry = fields::entries(self.d, at)?;
        if fields::shape(self.d, entry) != Shape::Object {
            return required.then(|| self.unknown(name, at));
        }
        let all = fields::fields(self.d, entry);
        let quantity = all
            .iter()
            .any(|f| f.lists() == 0 && f.words.iter().any(|w| w == "quantity"));
        let own = words(name);
        let lines = quantity
            || ["line", "item", "position"]
                .iter()
                .any(|w| own.last().is_some_and(|l| l == w));
        let (scope, each) = match scope {
            Scope::Document if lines => (Scope::Line, ".lines[]"),
            Scope::Line if self.answers() && is_schedule(&all) => (Scope::Part, ".answers[]"),
            Scope::Document => {
                // A list around the document: we send one at a time.
                if !required && (depth > 0 || !carries(&all)) {
                    return None;
                }
                let whole = self.object(entry, Scope::Document, true, depth + 1)?;
                return Some(json!([whole]));
            }
            Scope::Line | Scope::Part => return None,
        };
        let mut value = self.object(entry, scope, true, depth + 1)?;
        value["$each"] = json!(each);
        Some(value)
    }

    fn leaf(&mut self, name: &str, part: &str, at: At<'d>, scope: Scope, required: bool) -> Option<Value> {
        if let Some(value) = self.code(name, at, scope) {
            return Some(value);
        }
        if let Some(value) = self.decided(name, at, scope) {
            return Some(value);
        }
        let wanted = words(name);
        let best = self.rated(name, scope).filter(|(degree, expression)| {
            let unit = expression.ends_with(".unit");
            let coded = !fields::options(at).is_empty() && !unit && !expression.ends_with(".currency");
            let fits = !unit || fields::shape(self.d, at) == Shape::Text;
            *degree >= if required { 0.68 } else { 0.84 } && fits && !coded
        });
        match best {
            Some((_, expression)) => match self.named(expression, name) {
                Some(expression) => Some(self.outgoing(&expression, at)),
                None => required.then(|| self.unknown(name, at)),
            },
            // A unit beside a quantity that is written.
            None if has(&wanted, &["unit"])
                && has(&words(part), &["quantity"])
                && fields::shape(self.d, at) == Shape::Text =>
            {
                let from = if scope == Scope::Part {
                    "$root.lines[0].unit"
                } else {
                    ".unit"
                };
                Some(self.outgoing(from, at))
            }
            None => required.then(|| self.unknown(if part.is_empty() || name == part { name } else { part }, at)),
        }
    }

    /// Yes or no to a line, by its name.
    fn decided(&mut self, name: &str, at: At<'d>, scope: Scope) -> Option<Value> {
        let said = |one_of: &[&str]| words(name).iter().any(|w| one_of.contains(&w.as_str()));
        if scope != Scope::Line || !self.answers() || fields::shape(self.d, at) != Shape::Boolean {
            return None;
        }
        let code = if said(&["accept", "accepted", "confirm", "confirmed", "approve", "approved"]) {
            "Accepted"
        } else if said(&["reject", "rejected", "refuse", "refused", "decline", "declined"]) {
            "Rejected"
        } else {
            return None;
        };
        let expression = format!("all(.answers[]; .code == \"{code}\")");
        self.notes
            .guess(self.pointer.clone(), format!("{name} is {expression}, by its name"));
        Some(json!(expression))
    }

    /// What is known for a name, with how well it fits.
    fn rated(&self, name: &str, scope: Scope) -> Option<(f64, &'static str)> {
        let tables: &[&[Known]] = match (scope, self.issued()) {
            (Scope::Document, false) => &[OF_ANSWER],
            (Scope::Document, true) => &[OF_ISSUED],
            (Scope::Line, _) if self.operation == "receipt" => &[OF_LINE_RECEIVED, OF_LINE],
            (Scope::Line, false) => &[OF_LINE_ANSWERED, OF_LINE],
            (Scope::Line, true) => &[OF_LINE_ISSUED, OF_LINE],
            (Scope::Part, _) => &[OF_PART],
        };
        let own = words(name);
        let whole = [self.outer.clone(), own.clone()].concat();
        let rated = tables.iter().flat_map(|table| table.iter()).map(|(expression, names)| {
            let degrees = names.split(", ").enumerate().map(|(n, known)| {
                let known = words(known);
                let degree = if self.outer.is_empty() {
                    alike(&own, &known)
                } else {
                    alike(&whole, &known)
                };
                degree - 0.01 * f64::from(u32::try_from(n).unwrap_or(99))
            });
            (degrees.fold(0.0, f64::max), *expression)
        });
        rated.max_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// For each thing that is known, the name that fits it best.
    fn best(&self, at: At<'d>, scope: Scope) -> BTreeMap<&'static str, (f64, &'d str)> {
        let mut best: BTreeMap<&'static str, (f64, &'d str)> = BTreeMap::new();
        for (name, schema, _) in fields::properties(self.d, at) {
            if schema.is("readOnly") {
                continue;
            }
            if let Some((degree, expression)) = self.rated(name, scope) {
                let known = best.entry(expression).or_insert((degree, name));
                if degree > known.0 {
                    *known = (degree, name);
                }
            }
        }
        best
    }

    /// Within an object of that name, whose members are nothing without it.
    fn outer<T>(&mut self, name: &str, within: impl FnOnce(&mut Self) -> T) -> T {
        let party = ["party", "seller", "buyer", "supplier", "customer", "address"];
        let named = words(name);
        let outer = if named.iter().any(|w| party.contains(&w.as_str())) {
            named
        } else {
            Vec::new()
        };
        let before = std::mem::replace(&mut self.outer, outer);
        let found = within(self);
        self.outer = before;
        found
    }

    /// A code for our answer, by the words of the partner's codes.
    fn code(&mut self, name: &str, at: At<'d>, scope: Scope) -> Option<Value> {
        let options = fields::options(at);
        if self.issued() || options.is_empty() {
            return None;
        }
        let (table, ours, from) = match scope {
            Scope::Document => ("answer", codes::ANSWERS, ".answer.code"),
            Scope::Line => ("lineAnswer", codes::LINE_ANSWERS, ".answers[0].code"),
            Scope::Part => ("lineAnswer", codes::LINE_ANSWERS, ".code"),
        };
        let out = codes::outward(&options, ours);
        let both = ["AP", "Accepted"].iter().any(|code| out.contains_key(*code))
            && ["RE", "Rejected"].iter().any(|code| out.contains_key(*code));
        if !both {
            return None;
        }
        self.notes
            .guess(format!("/codes/{table}"), format!("for {name}: {}", codes::shown(&out)));
        self.codes.entry(table).or_insert_with(|| json!({ "$comment": format!("guess, by the codes' names; the partner has {}", options.join(", ")), "out": out }));
        Some(json!({ "$from": from, "$codes": table }))
    }

    /// The expression, with the partner's own id by the name under which the map keeps it.
    fn named(&self, expression: &str, name: &str) -> Option<String> {
        if expression != ".partnerRef.id" {
            return Some(expression.to_owned());
        }
        // What a delivery note delivers is an order of the partner's.
        if self.operation == "despatch" && has(&words(name), &["order"]) {
            return Some(".document.lines[0].orderNumber".to_owned());
        }
        // A new document has no id of the partner's.
        if ["submit", "despatch"].contains(&self.operation) {
            return None;
        }
        let wanted = words(name);
        let same = self.partner_ref.keys().find(|known| words(known) == wanted);
        let id = same.or_else(|| self.partner_ref.keys().find(|known| *known == "id"))?;
        Some(format!(".partnerRef.{id}"))
    }

    fn outgoing(&self, expression: &str, at: At<'d>) -> Value {
        let mut value = json!({ "$from": expression });
        let shape = fields::shape(self.d, at);
        match (shape, at.text("format")) {
            (Shape::Number, _) => value["$as"] = json!("number"),
            (Shape::Integer, _) => value["$as"] = json!("integer"),
            (_, Some("date")) => value["$as"] = json!("date"),
            (_, Some("date-time")) => value["$as"] = json!("dateTime"),
            _ => {}
        }
        if expression.ends_with(".unit") && self.units {
            value["$codes"] = json!("units");
        }
        match value.as_object() {
            Some(only) if only.len() == 1 => json!(expression),
            _ => value,
        }
    }

    /// Something that must be there and that nobody knows.
    fn unknown(&mut self, name: &str, at: At<'d>) -> Value {
        let options = fields::options(at);
        let of = if options.is_empty() {
            String::new()
        } else {
            format!(" (one of {})", options.join(", "))
        };
        self.notes.todo(
            self.pointer.clone(),
            format!(
                "{name} is needed and not known{of}: {}",
                super::paging::short(at.text("description").unwrap_or_default())
            ),
        );
        json!({ "$from": todo_expression(&format!("{name} of the body")), "$comment": format!("TODO: {name}{of}") })
    }
}

/// What carries the lines, or names the document.
fn carries(all: &[Field<'_>]) -> bool {
    let order = |f: &Field<'_>| {
        f.words.len() > 1 && has(&f.words, &["order"]) && f.words.last().is_some_and(|w| w == "number" || w == "id")
    };
    all.iter().any(|f| f.words.iter().any(|w| w == "quantity") || order(f))
}

/// Parts of a line: each with a quantity, and with a day, a code or a reason.
fn is_schedule(all: &[Field<'_>]) -> bool {
    let own = |one_of: &[&str]| {
        let mut near = all.iter().filter(|f| f.lists() == 0 && f.depth() <= 2);
        near.any(|f| f.words.iter().any(|w| one_of.contains(&w.as_str())))
    };
    own(&["quantity"]) && own(&["date", "status", "acknowledge", "confirm", "reason"])
}

/// Whether no other member fits better what this one says.
fn is_best(best: &BTreeMap<&'static str, (f64, &str)>, value: &Value, name: &str) -> bool {
    let expression = value.as_str().or_else(|| value.get("$from").and_then(Value::as_str));
    let found = expression.and_then(|e| best.get(e));
    found.is_none_or(|(_, best)| *best == name)
}
