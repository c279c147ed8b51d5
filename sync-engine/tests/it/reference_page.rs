//! A page of the reference: its fenced blocks, and the exchanges that they write down.

use serde_json::Value;
use std::path::PathBuf;

/// Stands for any text in what is expected.
const ANY: char = '…';

pub struct Page {
    pub name: String,
    pub text: String,
    pub blocks: Vec<Block>,
}

/// A fenced block: ```` ```LANGUAGE WORDS ````.
pub struct Block {
    pub line: usize,
    pub language: String,
    pub words: Vec<String>,
    pub body: String,
}

impl Block {
    pub fn word(&self, n: usize) -> &str {
        self.words.get(n).map_or("", String::as_str)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("line {}: {e}", self.line))
    }
}

pub fn folder() -> PathBuf {
    crate::partner_link::root().join("docs/partner")
}

/// Every page, README.md first.
pub fn pages() -> Vec<Page> {
    let mut files: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "md"))
        .collect();
    files.sort_by_key(|p| (!p.ends_with("README.md"), p.clone()));
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        Page {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            blocks: blocks(&text),
            text,
        }
    };
    files.iter().map(read).collect()
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (n, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(label) => {
                open = true;
                let mut words = label.split_whitespace().map(str::to_owned);
                blocks.push(Block {
                    line: n + 1,
                    language: words.next().unwrap_or_default(),
                    words: words.collect(),
                    body: String::new(),
                });
            }
            None if open => {
                let body = &mut blocks.last_mut().unwrap().body;
                body.push_str(line);
                body.push('\n');
            }
            None => {}
        }
    }
    blocks
}

/// One request that must come, and what the partner answers.
#[derive(Clone)]
pub struct Turn {
    pub method: String,
    /// Path and query, or a whole address where the request goes to another origin than `baseUrl`.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub status: u16,
    pub answer_headers: Vec<(String, String)>,
    pub answer: String,
}

/// The lines of an `http` block.
pub fn turns(body: &str) -> Vec<Turn> {
    let mut turns = Vec::new();
    let lines: Vec<&str> = body.lines().filter(|l| !l.trim().is_empty()).collect();
    let mut rest = lines.as_slice();
    while !rest.is_empty() {
        let (asked, after) = side(rest, '>');
        let (answered, after) = side(after, '<');
        assert!(
            !asked.is_empty() && !answered.is_empty(),
            "a request (>) and its answer (<) are expected at \"{}\"",
            rest[0]
        );
        rest = after;
        let (method, target) = asked[0].split_once(' ').expect("METHOD TARGET");
        let (headers, body) = message(&asked[1..]);
        let (answer_headers, answer) = message(&answered[1..]);
        turns.push(Turn {
            method: method.to_owned(),
            target: target.trim().to_owned(),
            headers,
            body,
            status: answered[0].trim().parse().expect("a status"),
            answer_headers,
            answer,
        });
    }
    turns
}

/// The lines that start with `mark`, without it, and those after them.
fn side<'l, 'b>(lines: &'l [&'b str], mark: char) -> (Vec<&'b str>, &'l [&'b str]) {
    let end = lines.iter().position(|l| !l.starts_with(mark)).unwrap_or(lines.len());
    let own = lines[..end].iter().map(|l| {
        let line = &l[mark.len_utf8()..];
        line.strip_prefix(' ').unwrap_or(line)
    });
    (own.collect(), &lines[end..])
}

/// Header lines, then the body, which begins where a line is no header (or after an empty one).
fn message(lines: &[&str]) -> (Vec<(String, String)>, String) {
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        is_name.then(|| (name.to_ascii_lowercase(), value.to_owned()))
    };
    let headers: Vec<_> = lines.iter().map_while(|line| header(line)).collect();
    let body = &lines[headers.len()..];
    let body = body
        .strip_prefix(&[""])
        .or_else(|| body.strip_prefix(&[">"]))
        .unwrap_or(body);
    (headers, body.join("\n"))
}

/// Whether a text is the expected one, where `…` stands for any.
pub fn fits(expected: &str, found: &str) -> bool {
    let mut parts = expected.split(ANY);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = found.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// What differs between JSON that is expected and JSON that was found. `subset`: members that are not expected may be there.
pub fn difference(expected: &Value, found: &Value, subset: bool, at: &str) -> Option<String> {
    let differs = || Some(format!("at \"{at}\": {expected} is expected, this is {found}"));
    match (expected, found) {
        (Value::String(expected), found) if expected.contains(ANY) => {
            let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            (!fits(expected, &text)).then(differs).flatten()
        }
        (Value::Object(members), Value::Object(has)) => {
            for (name, expected) in members {
                let at = format!("{at}/{name}");
                match has.get(name) {
                    Some(found) => {
                        if let Some(difference) = difference(expected, found, subset, &at) {
                            return Some(difference);
                        }
                    }
                    None if expected.is_null() && subset => {}
                    None => return Some(format!("\"{at}\" is missing")),
                }
            }
            let extra = has.keys().find(|name| !subset && !members.contains_key(*name));
            extra.map(|name| format!("\"{at}/{name}\" is not expected"))
        }
        (Value::Array(expected_items), Value::Array(items)) => {
            if expected_items.len() != items.len() {
                return differs();
            }
            let pairs = expected_items.iter().zip(items).enumerate();
            pairs
                .map(|(n, (e, f))| difference(e, f, subset, &format!("{at}/{n}")))
                .find_map(|difference| difference)
        }
        (expected, found) if expected == found => None,
        _ => differs(),
    }
}
