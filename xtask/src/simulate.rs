//! `cargo xtask simulate`: the test program of the simulation, with the options that it was asked for.

use crate::Outcome;
use crate::process::{command, say};

pub fn run(args: &[String]) -> Outcome {
    say("Building the simulation");
    let mut arguments = vec!["test", "-p", "sync-engine", "--test", "simulate", "--"];
    arguments.extend(args.iter().map(String::as_str));
    match command("cargo", &arguments, "").status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("a promise was broken: the command above replays it".to_owned()),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}
