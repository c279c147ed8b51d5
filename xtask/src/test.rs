//! `cargo xtask test`: every check in order, a table of what came of each, one closing line.

use crate::Outcome;
use crate::checks::{CHECKS, Check};
use crate::count::Counts;
use crate::process::{interrupted, run_counted, say};
use crate::promises;
use crate::setup;
use std::time::{Duration, Instant};

struct Result {
    name: &'static str,
    what: &'static str,
    time: Duration,
    counts: Counts,
    error: Option<String>,
}

pub fn run(args: &[String]) -> Outcome {
    if args.iter().any(|a| a == "--list") {
        for check in CHECKS {
            println!("{:10} {}", check.name, check.what);
        }
        return Ok(());
    }
    go(&choose(args, CHECKS.iter().collect())?)
}

pub fn check(args: &[String]) -> Outcome {
    go(&choose(args, CHECKS.iter().filter(|c| c.quick).collect())?)
}

fn choose<'a>(args: &[String], mut chosen: Vec<&'a Check>) -> std::result::Result<Vec<&'a Check>, String> {
    let (mut only, mut skip) = (Vec::new(), Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let list = match arg.as_str() {
            "--only" => &mut only,
            "--skip" => &mut skip,
            other => {
                return Err(format!(
                    "there is no option \"{other}\" here; `cargo xtask help` lists them"
                ));
            }
        };
        let name = args.next().map(String::as_str).unwrap_or_default();
        if !CHECKS.iter().any(|c| c.name == name) {
            let names: Vec<&str> = CHECKS.iter().map(|c| c.name).collect();
            return Err(format!("{arg} wants one of: {}", names.join(", ")));
        }
        list.push(name);
    }
    chosen.retain(|c| (only.is_empty() || only.contains(&c.name)) && !skip.contains(&c.name));
    Ok(chosen)
}

fn go(checks: &[&Check]) -> Outcome {
    let start = Instant::now();
    say("Looking for what the tests need");
    setup::for_test()?;
    promises::forget()?;
    let mut results = vec![Result {
        name: "setup",
        what: "system packages, npm packages, tools, UI build",
        time: start.elapsed(),
        counts: Counts::default(),
        error: None,
    }];
    for check in checks {
        if interrupted() {
            return Err("interrupted".into());
        }
        say(&format!("{}: {}", check.name, check.what));
        let start = Instant::now();
        let (outcome, mut counts) = run_counted((check.command)(), check.limit);
        // A command without tests of its own is one check; one that failed without a failed test is one failure.
        match &outcome {
            Ok(()) if counts == Counts::default() => counts.passed = 1,
            Err(_) if counts.failed == 0 => counts.failed = 1,
            _ => {}
        }
        results.push(Result {
            name: check.name,
            what: check.what,
            time: start.elapsed(),
            counts,
            error: outcome.err(),
        });
    }
    summary(&results, start.elapsed())
}

fn summary(results: &[Result], time: Duration) -> Outcome {
    let mut wrong = Vec::new();
    if let Some(rust) = results.iter().find(|r| r.name == "rust") {
        say("Promises: docs/promises.md");
        wrong.extend(promises::table(&rust.counts.named)?.err());
    }
    say("Summary");
    let mut all = Counts::default();
    for r in results {
        let mark = if r.error.is_some() || r.counts.failed > 0 {
            "FAILED"
        } else {
            "ok"
        };
        println!(
            "{mark:6} {:10} {:>6.1} s {:>5} passed {:>3} failed {:>3} skipped   {}",
            r.name,
            r.time.as_secs_f32(),
            r.counts.passed,
            r.counts.failed,
            r.counts.skipped,
            r.what
        );
        all.add(&r.counts);
        if let Some(error) = &r.error {
            wrong.push(format!("{}: {error}", r.name));
        }
    }
    for line in &wrong {
        println!("{line}");
    }
    println!("in {:.1} minutes", time.as_secs_f32() / 60.0);
    let skipped = match all.skipped {
        0 => String::new(),
        n => format!(", {n} skipped"),
    };
    println!("{} passed, {} failed{skipped}", all.passed, all.failed);
    match all.failed {
        0 if wrong.is_empty() => Ok(()),
        _ => Err("not everything passed; see the summary above".into()),
    }
}
