//! `cargo xtask simulate`: the test program of the simulation, with the options that it was asked for.
//!
//! Many seeds run in the profile that ships, several times as fast; one seed in the profile of the tests, which is built
//! already when somebody looks for a bug. Both have the same trace.

use crate::Outcome;
use crate::process::{command, say};

pub fn run(args: &[String]) -> Outcome {
    say("Building the simulation");
    let mut arguments = vec!["test", "-p", "sync-engine", "--test", "simulate"];
    if args.iter().any(|arg| arg == "--seeds" || arg == "--hours") {
        arguments.push("--release");
    }
    arguments.push("--");
    arguments.extend(args.iter().map(String::as_str));
    match command("cargo", &arguments, "").status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("a promise was broken: the command above replays it".to_owned()),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}
