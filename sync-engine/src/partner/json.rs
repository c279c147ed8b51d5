//! JSON text as a `Value`, in one pass: what serde_json makes of it, without its detours where numbers stay text
//! (a number is read twice there, and every object is asked whether it is one).
//!
//! Only the common is read here. Anything else, and whatever is wrong, is left to serde_json and its words.

use serde_json::{Map, Number, Value};

/// Below serde_json's own limit, which is what refuses.
const MAX_DEPTH: usize = 120;
/// Of names that mean something to serde_json itself.
const PRIVATE: &str = "$serde_json";
/// Integers of fewer digits always fit.
const SHORT_INTEGER_BYTES: usize = 18;

/// # Errors
/// Those of serde_json.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => quick(text).map_or_else(|| serde_json::from_str(text), Ok),
        Err(_) => serde_json::from_slice(bytes),
    }
}

/// `None`: let serde_json read it.
fn quick(text: &str) -> Option<Value> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.peek().is_none().then_some(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let b' ' | b'\n' | b'\r' | b'\t' = bytes.get(self.at)? {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        match self.peek()? {
            b'"' => self.string().map(Value::String),
            b'{' if depth < MAX_DEPTH => self.object(depth),
            b'[' if depth < MAX_DEPTH => self.array(depth),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => None,
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(value)
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut members = Map::new();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(Value::Object(members));
        }
        loop {
            if self.peek()? != b'"' {
                return None;
            }
            let name = self.string()?;
            if name.starts_with(PRIVATE) {
                return None;
            }
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            members.insert(name, value);
            match self.after_value()? {
                b',' => {}
                b'}' => return Some(Value::Object(members)),
                _ => return None,
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            match self.after_value()? {
                b',' => {}
                b']' => return Some(Value::Array(items)),
                _ => return None,
            }
        }
    }

    fn after_value(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// From its quote on.
    fn string(&mut self) -> Option<String> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let length = bytes[start..]
            .iter()
            .position(|b| matches!(b, b'"' | b'\\' | 0..0x20))?;
        let mut end = start + length;
        if bytes[end] == b'"' {
            self.at = end + 1;
            return self.text.get(start..end).map(str::to_owned);
        }
        while *bytes.get(end)? != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        self.at = end + 1;
        serde_json::from_str(self.text.get(start - 1..=end)?).ok()
    }

    fn number(&mut self) -> Option<Value> {
        let rest = &self.text.as_bytes()[self.at..];
        let plain = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        let more = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E');
        let length = plain
            + rest[plain..]
                .iter()
                .position(|b| !more(b))
                .unwrap_or(rest.len() - plain);
        let text = self.text.get(self.at..self.at + length)?;
        self.at += length;
        let number: Number = if plain == length && length <= SHORT_INTEGER_BYTES && !(length > 1 && rest[0] == b'0') {
            text.parse::<u64>().ok()?.into()
        } else {
            text.parse().ok()?
        };
        Some(Value::Number(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(text: &str) {
        let theirs = serde_json::from_str::<Value>(text);
        if let Some(ours) = quick(text) {
            assert_eq!(Some(&ours), theirs.as_ref().ok(), "{text}");
        }
        let ours = parse(text.as_bytes()).map_err(|e| e.to_string());
        assert_eq!(ours, theirs.map_err(|e| e.to_string()), "{text}");
    }

    #[test]
    fn texts_that_are_read_here_are_read_alike() {
        let common = [
            "0",
            "-0",
            "7",
            "12.50",
            "1e5",
            "1E+5",
            "-1.5e-3",
            "123456789012345678",
            "1234567890123456789012345678901234",
            "0.000",
            "\"\"",
            "\"a\"",
            "\"\\u00e9\\n\\\"\\\\\"",
            "\"Łódź\"",
            "true",
            "false",
            "null",
            "[]",
            "{}",
            " [ 1 , 2 ] ",
            "{\"a\":1,\"a\":2}",
            "{ \"b\" : { \"a\" : [ null ] } }",
            "{\"\\u0061\":1}",
        ];
        for text in common {
            assert!(quick(text).is_some(), "{text}");
            same(text);
        }
    }

    #[test]
    fn what_is_wrong_is_left_to_serde_json() {
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        let wrong = [
            "",
            " ",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "--1",
            "1-2",
            "1.2.3",
            "tru",
            "nul",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "\"a",
            "\"\\",
            "\"\\x\"",
            "\"a\nb\"",
            "\"\\ud800\"",
            "1 1",
            "[",
            "{",
            "{\"a\":",
            "\u{feff}1",
            "{\"$serde_json::private::Number\":\"1\"}",
            &deep,
        ];
        for text in wrong {
            assert!(quick(text).is_none(), "{text}");
            same(text);
        }
        assert!(parse(b"\"\xff\"").is_err());
    }

    fn json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "-?[1-9][0-9]{0,24}(\\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?"
                .prop_map(|n| Value::Number(n.parse().expect("a number"))),
            "\\PC{0,12}".prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-c\"\\\\é]{0,3}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_document_is_read_alike(value in json(), pretty in any::<bool>()) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            prop_assert!(quick(&text).is_some(), "{}", text);
            same(&text);
        }

        #[test]
        fn any_document_with_a_fault_in_it_is_read_alike(value in json(), at in any::<prop::sample::Index>(), with in "[\\PC\\x00-\\x7f]?") {
            let mut chars: Vec<char> = value.to_string().chars().collect();
            let at = at.index(chars.len());
            chars.splice(at..=at, with.chars());
            same(&chars.into_iter().collect::<String>());
        }
    }
}
