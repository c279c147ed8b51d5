//! What the engine may not reach for by itself: time, randomness, threads.

use crate::architecture::{code, files, root};

/// What the exchange must have from outside, so that a simulation can own it: time, randomness, the order of threads.
const OUTSIDE: [(&str, &str); 9] = [
    ("SystemTime::now", "the time is `Clock::now`"),
    ("Instant::now", "how long work takes is told by a `clock::Stopwatch`"),
    ("Utc::now", "the time is `Clock::now`"),
    ("tokio::time::", "waiting is `Clock::sleep`"),
    ("thread::sleep", "waiting is `Clock::sleep`"),
    ("rand::random", "randomness is `Clock::random`"),
    ("Uuid::new_v4", "ids are `Clock::new_operation_id`"),
    ("Uuid::now_v7", "ids are `Clock::new_operation_id`"),
    (
        "spawn_blocking",
        "work beside the async threads is `Exchange::aside` or `StoreExt::read`",
    ),
];

/// Where that stands all the same, and why it does no harm.
const ALLOWED: [(&str, &str); 5] = [
    ("clock.rs", ""),
    // Stops an expression that hangs; the simulation evaluates none.
    ("partner/expr/budget.rs", "Instant::now"),
    // The threads of the product; a hosted store has none.
    ("store/ext.rs", "spawn_blocking"),
    ("engine.rs", "spawn_blocking"),
    // A person saves a configuration's file.
    ("engine/configuration.rs", "spawn_blocking"),
];

/// The code of a file up to its tests.
fn product_code(text: &str) -> String {
    code(text.split("#[cfg(test)]\nmod ").next().unwrap_or_default())
}

/// Every form of `OUTSIDE` in the text, and every `select!` that lets chance choose.
fn reaches_outside(code: &str) -> Vec<String> {
    let named = OUTSIDE.iter().filter(|(what, _)| code.contains(what));
    let mut found: Vec<String> = named.map(|(what, instead)| format!("{what}: {instead}")).collect();
    let chosen = code
        .split("select! {")
        .skip(1)
        .filter(|rest| !rest.trim_start().starts_with("biased;"));
    found.extend(chosen.map(|_| "select! without `biased;`: chance must not choose".to_owned()));
    found
}

#[test]
fn time_and_chance_come_from_outside() {
    let src = root().join("sync-engine/src");
    let (mut wrong, mut read) = (Vec::new(), 0);
    for file in files(&src, &["rs"]) {
        let name = file
            .strip_prefix(&src)
            .expect("below it")
            .to_string_lossy()
            .replace('\\', "/");
        let room = name.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        let tests = name.contains("/tests/") || name.ends_with("tests.rs");
        if tests || !["domain", "store", "partner", "exchange", "engine"].contains(&room) {
            continue;
        }
        read += 1;
        let text = std::fs::read_to_string(&file).expect("a source file reads");
        for found in reaches_outside(&product_code(&text)) {
            if !ALLOWED
                .iter()
                .any(|(file, what)| *file == name && found.starts_with(what))
            {
                wrong.push(format!("{name}: {found}"));
            }
        }
    }
    assert!(read > 100, "only {read} source files were found");
    assert!(wrong.is_empty(), "a simulation cannot own these:\n{}", wrong.join("\n"));
}

/// Every macro of the log in the text whose message is put together, from its name to its end.
fn made_messages(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for level in ["error", "warn", "info", "debug", "trace"] {
        for part in code.split(&format!("tracing::{level}!(")).skip(1) {
            // The message is the last argument.
            let end = part.find(");").or_else(|| part.find("),")).unwrap_or(part.len());
            let body = part[..end].trim_end().trim_end_matches(',');
            let message = body.strip_suffix('"').and_then(|body| body.rsplit('"').next());
            if message.is_some_and(|message| message.contains('{')) {
                found.push(format!("{level}: {body}"));
            }
        }
    }
    found
}

/// Diagnostics hand messages on, and of the fields only those that are known.
#[test]
fn messages_of_the_log_are_constant() {
    let (mut wrong, mut read) = (Vec::new(), 0);
    for folder in ["sync-engine/src", "src-tauri/src"] {
        for file in files(&root().join(folder), &["rs"]) {
            let text = std::fs::read_to_string(&file).expect("a source file reads");
            read += text.matches("tracing::").count();
            let made = made_messages(&product_code(&text)).into_iter();
            wrong.extend(made.map(|message| format!("{}: {message}", file.display())));
        }
    }
    assert!(read > 50, "only {read} macros were found");
    assert!(wrong.is_empty(), "say what differs in a field:\n{}", wrong.join("\n"));
    let planted = "tracing::warn!(a, \"told {b}\");\ntracing::info!(c = \"{d}\", \"constant\");";
    assert_eq!(made_messages(planted), ["warn: a, \"told {b}\""]);
}

#[test]
fn what_reaches_outside_is_seen() {
    let text = "fn f() { Instant::now(); // Utc::now\n tokio::select! {\n a => {} }\n select! { biased; b => {} } }\n#[cfg(test)]\nmod tests { rand::random() }";
    let found = reaches_outside(&product_code(text));
    assert_eq!(found.len(), 2, "{found:?}");
}
