//! Counts tests in the closing lines of cargo test, node's test runner and vitest.

use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Rust tests by their full name, and whether they passed.
    pub named: BTreeMap<String, bool>,
}

impl Counts {
    pub fn add(&mut self, other: &Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.named
            .extend(other.named.iter().map(|(name, passed)| (name.clone(), *passed)));
    }

    /// Adds what a line says, if it is a closing line.
    pub fn read_line(&mut self, line: &str) {
        let line = plain(line);
        let line = line.trim();
        if let Some((name, came)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
            let name = name.trim_end_matches(" - should panic").to_owned();
            match came {
                "ok" => self.named.insert(name, true),
                "FAILED" => self.named.insert(name, false),
                _ => None,
            };
        } else if let Some(rest) = line.strip_prefix("test result:") {
            self.passed += before(rest, "passed");
            self.failed += before(rest, "failed");
            self.skipped += before(rest, "ignored");
        } else if let Some(rest) = line.strip_prefix("Tests ") {
            // vitest: `Tests  2 failed | 40 passed | 1 skipped (43)`
            self.passed += before(rest, "passed");
            self.failed += before(rest, "failed");
            self.skipped += before(rest, "skipped");
        } else if let Some(rest) = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# ")) {
            // node --test
            let mut words = rest.split(' ');
            let (name, number, end) = (
                words.next(),
                words.next().and_then(|n| n.parse::<u64>().ok()),
                words.next(),
            );
            if let (Some(name), Some(number), None) = (name, number, end) {
                match name {
                    "pass" => self.passed += number,
                    "fail" | "cancelled" => self.failed += number,
                    "skipped" | "todo" => self.skipped += number,
                    _ => {}
                }
            }
        }
    }
}

/// The number in front of a word.
fn before(text: &str, word: &str) -> u64 {
    let words: Vec<&str> = text.split([' ', ';', '|', '.']).filter(|w| !w.is_empty()).collect();
    words
        .windows(2)
        .find(|pair| pair[1] == word)
        .and_then(|pair| pair[0].parse().ok())
        .unwrap_or(0)
}

/// Without colours.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_closing_lines() {
        let cases = [
            (
                "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out",
                (12, 0, 1),
            ),
            (
                "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured",
                (3, 2, 0),
            ),
            (
                "\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m40 passed\x1b[39m\x1b[22m\x1b[90m (40)\x1b[39m",
                (40, 0, 0),
            ),
            ("      Tests  2 failed | 38 passed | 1 skipped (41)", (38, 2, 1)),
            ("ℹ pass 7", (7, 0, 0)),
            ("# fail 1", (0, 1, 0)),
            ("# cancelled 2", (0, 2, 0)),
            ("# pass me the salt", (0, 0, 0)),
            ("running 12 tests", (0, 0, 0)),
            (" Test Files  3 passed (3)", (0, 0, 0)),
        ];
        for (line, (passed, failed, skipped)) in cases {
            let mut counts = Counts::default();
            counts.read_line(line);
            assert_eq!(
                counts,
                Counts {
                    passed,
                    failed,
                    skipped,
                    ..Counts::default()
                },
                "{line}"
            );
        }
    }

    #[test]
    fn keeps_what_came_of_each_test() {
        let mut counts = Counts::default();
        for line in [
            "test a::b ... ok",
            "test a::c ... FAILED",
            "test a::d ... ignored",
            "test result: ok.",
        ] {
            counts.read_line(line);
        }
        let named: Vec<_> = counts
            .named
            .iter()
            .map(|(name, passed)| (name.as_str(), *passed))
            .collect();
        assert_eq!(named, [("a::b", true), ("a::c", false)]);
    }
}
