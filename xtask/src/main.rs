//! `cargo xtask`: sets up, runs, tests and measures the whole project. Every command installs what it needs, asks
//! nothing and may be run again at any time.

mod bench;
mod checks;
mod count;
mod coverage;
mod long;
mod openapi;
mod process;
mod promises;
mod run;
mod sbom;
mod setup;
mod simulate;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask COMMAND [OPTIONS]

  run      Installs what is missing, builds, starts a sandbox partner and opens the window.
           Without a display: starts the headless service and prints the address to open.
             --headless     the headless service, although there is a display
             --fresh        forget the earlier runs, on both sides
  test     Installs what is missing and runs every check and test.
             --only NAME    only this step (may be repeated): see the list that `test --list` prints
             --skip NAME    all but this step (may be repeated)
  check    The quick half of `test`: format, clippy, licences, UI lint. No tests.
  openapi  Writes the OpenAPI document and the UI's types anew from the handlers.
  bench    Measures against the baselines; `cargo xtask bench --help` tells more.
  kill     Kills the service so often, at random moments, then backups and migrations.
             --times N      2,000 when not said
  fuzz     Makes so many inputs by chance and hands them in: payload, xml, configuration, expression, api.
             --inputs N     for each, 1,000,000 when not said
             TARGET         only this one
             --coverage     led by what the inputs reach (libFuzzer; wants a C++ compiler), for
               --seconds N  each, 60 when not said
  simulate Runs the engine with simulated time, network, partners and crashes; `cargo xtask simulate --help`.
  sbom     Writes bills of materials of what ships into target/sbom: crates and npm packages (CycloneDX).
  setup    Only installs what the others need.

Examples:
  cargo xtask run
  cargo xtask test --only rust --only window
";

/// What a command ends with: the sentence goes to the person who typed it.
pub type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let outcome = match args.first().map(String::as_str) {
        Some("run") => run::run(rest),
        Some("test") => test::run(rest),
        Some("check") => test::check(rest),
        Some("openapi") => openapi::run(rest),
        Some("bench") => bench::run(rest),
        Some("kill") => long::kill(rest),
        Some("fuzz") => long::fuzz(rest),
        Some("simulate") => simulate::run(rest),
        Some("sbom") => sbom::run(rest),
        Some("setup") => setup::everything(),
        None | Some("help" | "-h" | "--help") => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("there is no command \"{other}\".\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
