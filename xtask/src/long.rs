//! The long runs of tests that are short in CI: kills, and inputs made by chance. In the profile that ships.

use crate::Outcome;
use crate::process::{cargo, run};

/// `cargo xtask kill [--times N]`: the service is killed so often, then backups and migrations.
pub fn kill(args: &[String]) -> Outcome {
    let times = number(args, "--times", 2_000)?;
    it(&["kill::"], "COUNTERSIGN_KILLS", times)?;
    it(&["kill_care::"], "COUNTERSIGN_CARE_KILLS", times)
}

/// `cargo xtask fuzz [--inputs N] [TARGET]`: so many inputs for each target, or for one; `--coverage` leads elsewhere.
pub fn fuzz(args: &[String]) -> Outcome {
    if let [first, rest @ ..] = args
        && first == "--coverage"
    {
        return crate::coverage::fuzz(rest);
    }
    let (targets, options): (Vec<_>, Vec<_>) = match args {
        [only] if !only.starts_with("--") => (vec![only.clone()], Vec::new()),
        [first @ .., last] if !last.starts_with("--") && first.len() == 2 => (vec![last.clone()], first.to_vec()),
        all => (Vec::new(), all.to_vec()),
    };
    let inputs = number(&options, "--inputs", 1_000_000)?;
    let targets: Vec<&str> = match targets.first().map(String::as_str) {
        None => TARGETS.iter().map(|(_, test)| *test).collect(),
        Some(wanted) => vec![known(wanted)?.1],
    };
    // One process for each: its memory is measured.
    targets
        .into_iter()
        .try_for_each(|test| it(&[test], "COUNTERSIGN_FUZZ_INPUTS", inputs))
}

/// Names of the targets, and the tests that run them.
pub const TARGETS: &[(&str, &str)] = &[
    ("payload", "fuzz::payloads_in_json"),
    ("xml", "fuzz::payloads_in_xml"),
    ("configuration", "fuzz::configurations"),
    ("expression", "fuzz::expressions"),
    ("api", "fuzz::requests_to_the_api"),
];

/// The target of this name.
pub fn known(wanted: &str) -> Result<&'static (&'static str, &'static str), String> {
    let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
    TARGETS
        .iter()
        .find(|(name, _)| *name == wanted)
        .ok_or_else(|| format!("there is no target \"{wanted}\": {}", names.join(", ")))
}

fn it(filters: &[&str], variable: &str, times: u64) -> Outcome {
    let mut command = cargo(&["test", "--release", "--package", "sync-engine", "--test", "it", "--"]);
    command
        .args(filters)
        .args(["--nocapture", "--test-threads=1"])
        .env(variable, times.to_string());
    run(command)
}

fn number(args: &[String], name: &str, usual: u64) -> Result<u64, String> {
    match args {
        [] => Ok(usual),
        [said, value] if said == name => value.parse().map_err(|_| format!("{name} wants a number")),
        _ => Err(format!(
            "only {name} N is understood here; `cargo xtask help` tells more"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_what_is_not_known_is_said() {
        let args = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(number(&args(""), "--times", 7), Ok(7));
        assert_eq!(number(&args("--times 20"), "--times", 7), Ok(20));
        assert!(number(&args("--times many"), "--times", 7).is_err());
        assert!(number(&args("--time 20"), "--times", 7).is_err());
        assert!(fuzz(&args("cheese")).is_err());
    }
}
