//! Every input of the corpora, and a fixed number of inputs made from them by chance that is the same in every run.
//! `COUNTERSIGN_FUZZ_INPUTS` says how many for each target (`cargo xtask fuzz`). An input that
//! breaks something goes to the corpus, as regression-*, and stays there.

use crate::fuzz_targets::{Api, Expression, Payload, Xml, configuration, root};
use crate::kill::Dice;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// Longest input.
const MAX_BYTES: usize = 32 << 10;

const WORDS: &[&str] = &[
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "0",
    "-1",
    "1e999999",
    "0.1",
    "18446744073709551616",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\u{202e}",
    "é",
    "😀",
    "$from",
    "$each",
    "$value",
    "$codes",
    ".",
    "|",
    "..",
    "[.[]]",
    "(",
    "{",
    "\"",
    "\\",
    "<a>",
    "</a>",
    "<![CDATA[",
    "&#x0;",
    "<!--",
    "%00",
    "/../",
    "?",
    "&",
    "=",
    "1970-01-01",
    "9999-12-31T23:59:60Z",
    "-0",
    "as $x",
    "recurse",
    "range(1e9)",
    "$__prog_args",
    "@base64d",
    "limit(0;.)",
    "implode",
    "ltrimstr",
    "\t",
    "\r\n",
];

thread_local! {
    static PANICS: Cell<u32> = const { Cell::new(0) };
}

/// Counts panics of this thread, those that are caught inside of the product too.
fn count_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.with(|n| n.set(n.get() + 1));
            told(info);
        }));
    });
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = root().join("fuzz/corpus").join(target);
    // What lies in the repository anyway.
    let more = match target {
        "xml" => Some(root().join("fixtures/peers/ubl")),
        "configuration" => Some(root().join("configs/partners")),
        _ => None,
    };
    let folders = [Some(folder), more].into_iter().flatten();
    let mut found: Vec<_> = folders
        .flat_map(|folder| std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())))
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), std::fs::read(&path).expect("an input")))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no corpus of {target}");
    found
}

fn index(dice: &mut Dice, length: usize) -> usize {
    usize::try_from(dice.below(length as u64 + 1)).expect("small")
}

fn mutated(dice: &mut Dice, corpus: &[(String, Vec<u8>)]) -> Vec<u8> {
    let some = |dice: &mut Dice| &corpus[index(dice, corpus.len() - 1)].1;
    let mut input = some(dice).clone();
    for _ in 0..=dice.below(6) {
        let at = index(dice, input.len());
        let to = (at + index(dice, 40)).min(input.len());
        match dice.below(9) {
            0 if at < input.len() => input[at] ^= 1 << dice.below(8),
            1 if at < input.len() => input[at] = b"\"{}[],:.0-9eE\\<>&|$ \n\xff\x00"[index(dice, 22)],
            2 => drop(input.drain(at..to)),
            3 => input.truncate(at),
            4 => {
                // Deep, or long.
                let piece = input[at..to].to_vec();
                let times = index(dice, 300);
                input.splice(at..at, piece.repeat(times));
            }
            5 => {
                let other = some(dice).clone();
                let from = index(dice, other.len());
                let until = (from + index(dice, 200)).min(other.len());
                input.splice(at..to, other[from..until].iter().copied());
            }
            _ => {
                let word = WORDS[index(dice, WORDS.len() - 1)];
                input.splice(at..to, word.bytes());
            }
        }
        input.truncate(MAX_BYTES);
    }
    input
}

/// Runs a target on its corpus, and on so many inputs made from it.
fn try_all(target: &str, test: &str, usual: u64, run: impl Fn(&[u8])) {
    count_panics();
    let corpus = corpus(target);
    let inputs = std::env::var("COUNTERSIGN_FUZZ_INPUTS").map_or(usual, |n| n.parse().expect("a number"));
    let one = |name: &str, input: &[u8]| {
        PANICS.with(|n| n.set(0));
        let came = catch_unwind(AssertUnwindSafe(|| run(input)));
        if came.is_err() || PANICS.with(Cell::get) > 0 {
            let kept = std::env::temp_dir().join(format!("regression-{target}-{}", uuid::Uuid::now_v7()));
            std::fs::write(&kept, input).expect("kept");
            panic!(
                "{target} broke on {name}: mend it, and keep {} in fuzz/corpus/{target}",
                kept.display()
            );
        }
    };
    for (name, input) in &corpus {
        one(name, input);
    }
    let mut dice = Dice(42);
    for n in 0..inputs {
        one(&format!("input {n}"), &mutated(&mut dice, &corpus));
    }
    let memory = peak_memory_mb();
    crate::evidence::ran(
        test,
        &format!(
            "{} inputs of the corpus, {inputs} made from them, at most {memory} MB in the tests' process",
            corpus.len()
        ),
    );
    if inputs > usual {
        assert!(memory < 200, "{memory} MB");
    }
}

/// Of this process; 0 where the system does not say.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kb = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kb.unwrap_or(0) / 1024
}

#[test]
fn payloads_in_json() {
    let target = Payload::new();
    try_all("payload", "fuzz::payloads_in_json", 5_000, |bytes| target.run(bytes));
}

#[test]
fn payloads_in_xml() {
    let target = Xml::new();
    try_all("xml", "fuzz::payloads_in_xml", 5_000, |bytes| target.run(bytes));
}

#[test]
fn configurations() {
    try_all("configuration", "fuzz::configurations", 2_000, configuration);
}

#[test]
fn expressions() {
    let target = Expression::new();
    try_all("expression", "fuzz::expressions", 3_000, |bytes| target.run(bytes));
}

#[test]
fn requests_to_the_api() {
    let target = Api::new();
    try_all("api", "fuzz::requests_to_the_api", 3_000, |bytes| target.run(bytes));
}
