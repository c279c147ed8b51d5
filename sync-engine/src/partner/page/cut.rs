//! The items of an answer and the rest of it, in one pass over the common answer.

use super::split::MAX_SHELL_BYTES;
use crate::partner::json::{self, lex};
use serde_json::{Map, Value};

/// The items of the list at `keys`, and the answer with null in their place. `None`: there is no list, or something is
/// wrong or uncommon, and who has the words for it has to look.
pub(super) fn cut<'b>(body: &'b [u8], keys: &[String]) -> Option<(Vec<&'b [u8]>, Value)> {
    let mut cutter = Cutter {
        text: std::str::from_utf8(body).ok()?,
        items: None,
    };
    let (start, _) = lex::solid(body, 0)?;
    let (shell, end) = cutter.walk(start, keys)?;
    let items = cutter.items?;
    lex::solid(body, end).is_none().then_some((items, shell))
}

struct Cutter<'b> {
    text: &'b str,
    items: Option<Vec<&'b [u8]>>,
}

impl Cutter<'_> {
    /// What is beside the items in the value at `at`, and where that ends.
    fn walk(&mut self, at: usize, keys: &[String]) -> Option<(Value, usize)> {
        let body = self.text.as_bytes();
        let Some((key, rest)) = keys.split_first() else {
            return self.items(at).map(|end| (Value::Null, end));
        };
        if *body.get(at)? != b'{' {
            return None;
        }
        let mut shell = Map::new();
        let mut beside = 0;
        let end = lex::members(body, at, |name, at| {
            let name: String = serde_json::from_str(self.text.get(name.start - 1..=name.end)?).ok()?;
            if name == *key {
                let (inner, end) = self.walk(at, rest)?;
                shell.insert(name, inner);
                return Some(end);
            }
            let end = lex::value(body, at, 0)?;
            beside += end - at;
            if beside > MAX_SHELL_BYTES {
                return None;
            }
            shell.insert(name, json::parse(body.get(at..end)?).ok()?);
            Some(end)
        })?;
        Some((Value::Object(shell), end))
    }

    fn items(&mut self, at: usize) -> Option<usize> {
        let body = self.text.as_bytes();
        // Two members of one name: the last one counts.
        if *body.get(at)? != b'[' || self.items.is_some() {
            return None;
        }
        let mut items = Vec::new();
        let end = lex::list(body, at, |at| {
            let end = lex::value(body, at, 0)?;
            items.push(body.get(at..end)?);
            Some(end)
        })?;
        self.items = Some(items);
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::config::ItemsAt;
    use crate::partner::page::split::split_slowly;

    fn same(body: &str, keys: &[&str]) -> bool {
        let keys: Vec<String> = keys.iter().map(|k| (*k).to_owned()).collect();
        let Some(quick) = cut(body.as_bytes(), &keys) else {
            return false;
        };
        let place = ItemsAt { keys, optional: false };
        assert_eq!(split_slowly(body.as_bytes(), &[place]).as_ref(), Ok(&quick), "{body}");
        true
    }

    #[test]
    fn a_page_is_cut_in_one_pass_as_in_several() {
        for (body, keys) in [
            (r#"{"items":[],"next":0}"#, &["items"][..]),
            (
                r#" { "next" : "a" , "items" : [ {"a":"]"} , 1.50 , "\"" ] } "#,
                &["items"],
            ),
            (r#"[{"a":1},{"b":[2,{}]}]"#, &[]),
            (r#"{"a":{"b":[1],"c":{"d":1e5}},"e":null,"e":2}"#, &["a", "b"]),
            (r#"{"\u0061":[1]}"#, &["a"]),
        ] {
            assert!(same(body, keys), "{body}");
        }
        // Left to the others, whatever they say.
        for (body, keys) in [
            (r#"{"items":null}"#, &["items"][..]),
            (r#"{"items":{"a":1}}"#, &["items"]),
            (r#"{"items":[1],"items":[2]}"#, &["items"]),
            (r#"{"other":[]}"#, &["items"]),
            (r#"{"items":[1]"#, &["items"]),
            (r#"{"items":[1,]}"#, &["items"]),
            (r#"{"items":[01]}"#, &["items"]),
            (r#"{"items":[1]} x"#, &["items"]),
            (r#"{"items":["\x"]}"#, &["items"]),
            ("", &[]),
        ] {
            assert!(!same(body, keys), "{body}");
        }
    }
}
