//! JSON text, read in one pass into a flat list that copies nothing (`tape`), and as a `Value` where one is needed: what
//! serde_json makes of it, without its detours where numbers stay text.
//!
//! Only the common is read here. Anything else, and whatever is wrong, is left to serde_json and its words.

mod judge;
pub(crate) mod lex;
mod node;
mod tape;

pub(crate) use judge::Payloads;
pub(crate) use node::{Found, Node};
pub(crate) use tape::{Kind, Shape, Tape};

use super::scan::ScanLimits;
use serde_json::Value;

/// Those of this reader alone hold.
const NO_LIMITS: ScanLimits = ScanLimits {
    max_depth: usize::MAX,
    max_string_bytes: usize::MAX,
};

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
    Tape::read(text, NO_LIMITS).map(|tape| tape.value(0))
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
            "{ \"b\" : { \"a\" : [ null ] } }",
            "{\"\\u0061\":1}",
        ];
        for text in common {
            assert!(quick(text).is_some(), "{text}");
            same(text);
        }
    }

    #[test]
    fn what_is_uncommon_is_left_to_serde_json() {
        let many = (0..300).map(|n| format!("\"{n}\":{n}")).collect::<Vec<_>>().join(",");
        let uncommon = [
            "1e5",
            "1E+5",
            "-1.5e-3",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            &format!("{{{many}}}"),
        ];
        for text in uncommon {
            assert!(quick(text).is_none(), "{text}");
            assert!(parse(text.as_bytes()).is_ok(), "{text}");
            same(text);
        }
    }

    #[test]
    fn what_is_wrong_is_left_to_serde_json() {
        let deep = "[".repeat(lex::MAX_DEPTH + 1) + &"]".repeat(lex::MAX_DEPTH + 1);
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
            "-?[1-9][0-9]{0,24}(\\.[0-9]{1,6})?".prop_map(|n| Value::Number(n.parse().expect("a number"))),
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
        fn any_document_over_a_limit_is_left_alone(value in json(), max_depth in 0usize..5, max_string_bytes in 0usize..12) {
            let text = value.to_string();
            let limits = ScanLimits { max_depth, max_string_bytes };
            let within = super::super::scan::scan(text.as_bytes(), limits).is_ok();
            prop_assert_eq!(Tape::read(&text, limits).is_some(), within, "{}", text);
        }

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
