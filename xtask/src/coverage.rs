//! `cargo xtask fuzz --coverage`: libFuzzer on the targets of fuzz/, which it leads to what no input has reached before.
//!
//! The counters come from LLVM by options that the stable compiler has; a sanitizer would want another compiler.

use crate::Outcome;
use crate::long::{TARGETS, known};
use crate::process::{cargo, root, run, say};
use std::path::{Path, PathBuf};

/// Counters on every edge, and the operands of comparisons.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];
/// As the mutator's inputs.
const MAX_BYTES: u32 = 32 << 10;
/// An input that takes longer is kept as a finding.
const MAX_SECONDS: u32 = 20;
const MEMORY_MB: u32 = 400;

/// `[--seconds N] [TARGET]`, without the `--coverage` before it.
pub fn fuzz(args: &[String]) -> Outcome {
    let (seconds, targets) = options(args)?;
    say("Building the targets with counters: minutes for the first time");
    build()?;
    for target in &targets {
        say(&format!("{target}: {seconds} s"));
        one(target, seconds)?;
    }
    Ok(())
}

fn options(args: &[String]) -> Result<(u32, Vec<&'static str>), String> {
    let (mut seconds, mut targets) = (60, Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--seconds" {
            let given = args.next().and_then(|n| n.parse().ok());
            seconds = given.ok_or("--seconds wants a number")?;
        } else {
            targets.push(known(arg)?.0);
        }
    }
    if targets.is_empty() {
        targets.extend(TARGETS.iter().map(|(name, _)| *name));
    }
    Ok((seconds, targets))
}

/// With a target named, the options do not reach build scripts and macros.
fn triple() -> Result<String, String> {
    let mut rustc = crate::process::command("rustc", &["-vV"], "");
    rustc.env_remove("RUSTFLAGS");
    let said = crate::process::output_of(rustc).unwrap_or_default();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc does not say what it builds for".to_owned())
}

fn target_dir() -> PathBuf {
    root().join("fuzz/target")
}

fn build() -> Outcome {
    let mut command = cargo(&["build", "--release", "--bins", "--manifest-path", "fuzz/Cargo.toml"]);
    command
        .args(["--target", &triple()?, "--target-dir"])
        .arg(target_dir())
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    run(command)
}

/// What it finds to be new is kept for the next run, outside of the repository; what breaks something lies in
/// fuzz/artifacts.
fn one(target: &str, seconds: u32) -> Outcome {
    let found = target_dir().join("found").join(target);
    let broken = root().join("fuzz/artifacts").join(target);
    for folder in [&found, &broken] {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let program = target_dir().join(triple()?).join("release").join(target);
    let mut command = crate::process::command(&program.to_string_lossy(), &[], "");
    command
        .arg(&found)
        .arg(root().join("fuzz/corpus").join(target))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={MAX_BYTES}"))
        .arg(format!("-timeout={MAX_SECONDS}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB}"))
        .arg(format!("-artifact_prefix={}/", shown(&broken)))
        .args(["-print_final_stats=1", "-verbosity=1"]);
    run(command).map_err(|_| {
        format!(
            "{target} broke on an input in {}: mend it, and keep the input in fuzz/corpus/{target} as regression-*",
            broken.display()
        )
    })
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_targets_are_read() {
        let args = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(options(&args("--seconds 5 xml")), Ok((5, vec!["xml"])));
        assert_eq!(options(&args("api payload")), Ok((60, vec!["api", "payload"])));
        assert_eq!(options(&[]).map(|o| o.1.len()), Ok(TARGETS.len()));
        assert!(options(&args("--seconds soon")).is_err());
        assert!(options(&args("cheese")).is_err());
    }

    #[test]
    fn every_target_has_a_program_and_a_corpus() {
        for (target, _) in TARGETS {
            assert!(
                root().join(format!("fuzz/fuzz_targets/{target}.rs")).is_file(),
                "{target}"
            );
            assert!(root().join("fuzz/corpus").join(target).is_dir(), "{target}");
        }
    }
}
