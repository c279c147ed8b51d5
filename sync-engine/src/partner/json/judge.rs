//! Payloads as `jsonschema` looks at them, whichever way they lie in memory.

use super::node::{Inner, Node};
use super::tape::{Kind, Shape, number};
use jsonschema::JsonType;
use jsonschema::json::{self, Array, JsonNumber, NodeIdentity, Object, cmp};
use serde_json::{Number, Value};
use std::borrow::Cow;

/// The representation that schemas are compiled for.
pub(crate) struct Payloads;

impl json::Json for Payloads {
    type Node<'a> = Node<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = ();

    // Members are looked through one by one.
    const KEYS_PER_LOOKUP: usize = 16;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Node<'_>) -> T) -> T {
        f(Node::Text(string))
    }
}

impl<'a> json::Node<'a, Payloads> for Node<'a> {
    type Object = Within<'a>;
    type Array = Within<'a>;
    type Number = Literal<'a>;

    fn as_object(&self) -> Option<Within<'a>> {
        (self.shape() == Shape::Object).then_some(Within(*self))
    }

    fn as_array(&self) -> Option<Within<'a>> {
        (self.shape() == Shape::List).then_some(Within(*self))
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::Text(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<Literal<'a>> {
        match self.kind() {
            Kind::Number(text) => Some(Literal(text)),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self.kind() {
            Kind::Bool(is) => Some(is),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        Node::is_null(*self)
    }

    fn json_type(&self) -> JsonType {
        match self.shape() {
            Shape::Null => JsonType::Null,
            Shape::True | Shape::False => JsonType::Boolean,
            Shape::Number => JsonType::Number,
            Shape::Text => JsonType::String,
            Shape::List => JsonType::Array,
            Shape::Object => JsonType::Object,
        }
    }

    fn is_number(&self) -> bool {
        self.shape() == Shape::Number
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self.kind(), expected) {
            (Kind::Text(text), Value::String(expected)) => text == expected,
            (Kind::Bool(is), Value::Bool(expected)) => is == *expected,
            (Kind::Null, Value::Null) => true,
            (Kind::Text(_) | Kind::Bool(_) | Kind::Null, _) => false,
            (Kind::Number(_) | Kind::List | Kind::Object, _) => cmp::equal(&self.value(), expected),
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        self.value()
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(match self {
            Self::Value(value) => NodeIdentity::new(std::ptr::from_ref(*value).addr()),
            Self::Tape { tape, at } => NodeIdentity::tagged(std::ptr::from_ref(*tape).addr(), *at),
            Self::Text(_) => return None,
        })
    }
}

/// A number as it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Literal<'a>(&'a str);

impl Literal<'_> {
    fn is_digits(&self) -> bool {
        let digits = self.0.strip_prefix('-').unwrap_or(self.0);
        digits.bytes().all(|b| b.is_ascii_digit())
    }
}

impl JsonNumber for Literal<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse::<f64>().ok().filter(|float| float.is_finite())
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Owned(number(self.0).unwrap_or_else(|| Number::from(0)))
    }

    fn is_integer(&self) -> bool {
        self.is_digits() || self.to_number().is_integer()
    }

    fn is_written_as_integer(&self) -> bool {
        self.is_digits() || self.to_number().is_written_as_integer()
    }
}

/// A list or an object.
#[derive(Clone, Copy)]
pub(crate) struct Within<'a>(Node<'a>);

impl<'a> Object<'a, Payloads> for Within<'a> {
    type Node = Node<'a>;
    type MemberName = &'a str;
    type MembersIter = Inner<'a>;

    fn len(&self) -> usize {
        self.0.count()
    }

    fn get(&self, key: &Box<str>) -> Option<Node<'a>> {
        self.0.member(key)
    }

    fn members(&self) -> Inner<'a> {
        self.0.within()
    }
}

impl<'a> Array<'a, Payloads> for Within<'a> {
    type Node = Node<'a>;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.0.count()
    }

    fn elements(&self) -> Elements<'a> {
        Elements(self.0.within())
    }
}

pub(crate) struct Elements<'a>(Inner<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.0.next().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::json::{NO_LIMITS, Tape};
    use jsonschema::Validator;
    use proptest::prelude::*;
    use serde_json::json;
    use std::sync::LazyLock;

    /// Each keyword that looks at a value in its own way, compiled for our payloads and for serde_json's.
    static SCHEMAS: LazyLock<Vec<(Validator<Payloads>, Validator)>> = LazyLock::new(|| {
        let names = json!({ "a": { "type": "integer" }, "b": { "$ref": "#/$defs/text" }, "c": {} });
        let draft4 = "http://json-schema.org/draft-04/schema#";
        let schemas = [
            json!({ "type": "object", "properties": names, "$defs": { "text": { "type": "string" } } }),
            json!({ "type": "object", "required": ["a", "b"], "additionalProperties": false, "properties": { "a": {}, "b": {} } }),
            json!({ "anyOf": [{ "type": "array", "items": { "type": ["number", "null"] } }, { "type": "string", "maxLength": 3 }] }),
            json!({ "oneOf": [{ "minProperties": 2 }, { "maxItems": 1 }, { "minLength": 2, "pattern": "^[a-c]+$" }] }),
            json!({ "properties": { "a": { "minimum": -1, "exclusiveMaximum": 12.5 }, "b": { "multipleOf": 0.5 } } }),
            json!({ "$schema": draft4, "properties": { "a": { "type": "integer" }, "b": { "type": "number" } } }),
            json!({ "enum": [1, "a", null, true, [1.0], { "a": 1 }] }),
            json!({ "properties": { "a": { "const": 1 }, "b": { "const": "a" } } }),
            json!({ "propertyNames": { "pattern": "^[ab]", "maxLength": 2 }, "unevaluatedProperties": { "type": "string" } }),
            json!({ "uniqueItems": true, "contains": { "type": "integer" }, "prefixItems": [{}, { "type": "string" }] }),
            json!({ "patternProperties": { "^a": { "type": "number" } }, "additionalProperties": { "type": "array" } }),
            json!({ "if": { "properties": { "a": { "type": "number" } } }, "then": { "required": ["b"] }, "else": { "not": { "required": ["c"] } } }),
            json!({ "properties": { "a": { "format": "date" }, "b": { "$ref": "#" } }, "dependentRequired": { "a": ["b"] } }),
        ];
        let both = |schema| {
            let ours = jsonschema::options_for::<Payloads>()
                .should_validate_formats(true)
                .build(schema);
            let theirs = jsonschema::options().should_validate_formats(true).build(schema);
            (ours.expect("a schema"), theirs.expect("a schema"))
        };
        schemas.iter().map(both).collect()
    });

    fn document() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3i64..15).prop_map(Value::from),
            "-?[1-9][0-9]{0,24}(\\.[0-9]{1,3})?".prop_map(|n| Value::Number(n.parse().expect("a number"))),
            "(1|1\\.0|12\\.5|-0|0\\.0)".prop_map(|n| Value::Number(n.parse().expect("a number"))),
            "[a-cé\"]{0,4}".prop_map(Value::from),
            "2026-0[0-9]-[0-3][0-9]".prop_map(Value::from),
        ];
        scalar.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_payload_on_a_tape_is_judged_as_a_value_is(value in document()) {
            let text = value.to_string();
            let tape = Tape::read(&text, NO_LIMITS).expect("nothing uncommon");
            for (ours, theirs) in SCHEMAS.iter() {
                let expected = theirs.is_valid(&value);
                prop_assert_eq!(ours.is_valid(Node::whole(&tape)), expected, "{}", text);
                prop_assert_eq!(ours.is_valid(Node::Value(&value)), expected, "{}", text);
                let said = |e: jsonschema::ValidationError<'_>| format!("{} {e}", e.instance_path());
                let words: Vec<_> = ours.iter_errors(Node::Value(&value)).map(said).collect();
                prop_assert_eq!(words, theirs.iter_errors(&value).map(said).collect::<Vec<_>>(), "{}", text);
            }
        }
    }
}
