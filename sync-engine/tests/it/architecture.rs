//! The shape of the house: who may use whom, what only the host may import, how long a file may be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A module of the engine and the modules that it may use. Downward arrows may skip a floor; none leads up, and
/// store, partner and print never meet but in the exchange.
const ARROWS: [(&str, &[&str]); 17] = [
    ("domain", &[]),
    ("clock", &["domain"]),
    ("redact", &[]),
    ("tls", &[]),
    ("meter", &["domain"]),
    ("log", &["domain", "clock", "redact", "tls"]),
    ("store", &["domain", "clock"]),
    ("partner", &["domain", "clock", "redact", "tls"]),
    ("print", &["domain"]),
    ("sandbox", &["clock"]),
    ("settings", &["domain", "print", "log"]),
    ("exchange", &["store", "partner", "print", "domain", "clock", "meter"]),
    (
        "engine",
        &["exchange", "store", "partner", "print", "domain", "clock", "meter"],
    ),
    (
        "doctor",
        &[
            "exchange", "store", "partner", "settings", "log", "domain", "clock", "tls",
        ],
    ),
    (
        "diagnostics",
        &["doctor", "engine", "partner", "settings", "log", "redact"],
    ),
    (
        "api",
        &[
            "diagnostics",
            "doctor",
            "engine",
            "exchange",
            "store",
            "partner",
            "print",
            "domain",
            "clock",
        ],
    ),
    (
        "cli",
        &[
            "api",
            "diagnostics",
            "doctor",
            "engine",
            "exchange",
            "store",
            "partner",
            "print",
            "domain",
            "clock",
            "sandbox",
            "settings",
            "log",
        ],
    ),
];

/// Lines that a file of our own may have.
const MAX_LINES: usize = 500;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file below `dir` with one of these extensions; nothing when there is no such folder.
pub(crate) fn files(dir: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.filter_map(|e| e.ok().map(|e| e.path())) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() && !["node_modules", "target", "dist"].contains(&name.as_ref()) {
                folders.push(path);
            } else if path.extension().is_some_and(|e| extensions.iter().any(|x| e == *x)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text without line comments: what a comment names is no dependency.
pub(crate) fn code(text: &str) -> String {
    text.lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .map(|l| l.split(" // ").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// First segments of every path that starts with `crate::` or `sync_engine::`, grouped imports too.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for prefix in ["crate::", "sync_engine::"] {
        for (at, _) in code.match_indices(prefix) {
            let rest = &code[at + prefix.len()..];
            match rest.strip_prefix('{') {
                Some(group) => used.extend(group_heads(group)),
                None => {
                    used.insert(identifier(rest));
                }
            }
        }
    }
    // A trailing comma in a group leaves an empty head.
    used.remove("");
    used
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

/// Heads of `a::b, c::{d, e}}`: `a` and `c`.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = vec![String::new()];
    let (mut depth, mut in_head) = (0, true);
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.push(String::new());
                in_head = true;
                continue;
            }
            _ => {}
        }
        let of_name = c.is_ascii_alphanumeric() || c == '_';
        if depth == 0 && in_head && of_name {
            if let Some(head) = heads.last_mut() {
                head.push(c);
            }
        } else if !c.is_whitespace() {
            in_head = false;
        }
    }
    heads
}

/// The module of the engine that a file belongs to. `main.rs` belongs to the command line.
fn module_of(file: &Path, src: &Path) -> Option<String> {
    let first = file.strip_prefix(src).ok()?.components().next()?;
    let name = first.as_os_str().to_string_lossy();
    match name.trim_end_matches(".rs") {
        "lib" => None,
        "main" => Some("cli".into()),
        module => Some(module.to_owned()),
    }
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let src = root().join("sync-engine/src");
    let mut wrong = Vec::new();
    let mut read = 0;
    for file in files(&src, &["rs"]) {
        let Some(module) = module_of(&file, &src) else { continue };
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: module {module} has no place in ARROWS", file.display()));
            continue;
        };
        read += 1;
        let text = std::fs::read_to_string(&file).expect("a source file reads");
        for used in used_modules(&code(&text)) {
            let known = ARROWS.iter().any(|(name, _)| *name == used);
            if known && used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: {module} must not use {used}", file.display()));
            }
        }
    }
    assert!(read > 20, "only {read} source files were found below {}", src.display());
    assert!(wrong.is_empty(), "wrong arrows:\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let text = "use crate::store::Store;\nuse crate::{\n    domain::{a, partner},\n    clock,\n};\n// crate::api is only named\nfn f() { crate::engine::x() }";
    let used: Vec<String> = used_modules(&code(text)).into_iter().collect();
    assert_eq!(used, ["clock", "domain", "engine", "store"]);
}

#[test]
fn only_the_host_folder_of_the_ui_imports_tauri() {
    let ui = root().join("ui/src");
    let wrong: Vec<String> = files(&ui, &["ts", "tsx", "js", "jsx"])
        .into_iter()
        .filter(|f| !f.starts_with(ui.join("host")))
        .filter(|f| std::fs::read_to_string(f).is_ok_and(|t| t.contains("@tauri-apps")))
        .map(|f| f.display().to_string())
        .collect();
    assert!(wrong.is_empty(), "these import @tauri-apps:\n{}", wrong.join("\n"));
}

#[test]
fn files_stay_short_enough_to_read() {
    let folders = [
        "sync-engine/src",
        "sync-engine/tests",
        "src-tauri/src",
        "xtask/src",
        "ui/src",
        "e2e",
    ];
    let mut long = Vec::new();
    for folder in folders {
        for file in files(&root().join(folder), &["rs", "ts", "tsx", "css", "mjs"]) {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let generated = text.lines().take(5).any(|l| {
                let l = l.to_ascii_lowercase();
                l.contains("generated") || l.contains("do not edit") || l.contains("auto-generated")
            });
            let lines = text.lines().count();
            if lines > MAX_LINES && !generated {
                long.push(format!("{}: {lines} lines", file.display()));
            }
        }
    }
    assert!(
        long.is_empty(),
        "split these by thing ({MAX_LINES} lines is the most):\n{}",
        long.join("\n")
    );
}
