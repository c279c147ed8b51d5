//! What is asked for: as a test of `cargo test`, or by `cargo xtask simulate`.

use std::time::Duration;

pub const HELP: &str = "\
Usage: cargo xtask simulate [OPTIONS]

Without options the tests: the fixed seeds, new ones (COUNTERSIGN_NEW_SEEDS of them, 50 when not said), and the bugs
that are planted to be found.

  --seeds N      N new seeds
  --hours N      new seeds for N hours (a fraction is fine)
  --from S       the first of these seeds
  --seed S       one seed, once, with all that happened
  --keep A,B,..  with it: only these acts of its schedule, or none";

pub enum Options {
    Help,
    List,
    Replay {
        seed: u64,
        keep: Option<Vec<usize>>,
        lines: bool,
    },
    Long {
        seeds: Option<u64>,
        time: Option<Duration>,
        from: Option<u64>,
    },
    Tests {
        wanted: Box<dyn Fn(&str) -> bool>,
    },
}

impl Options {
    /// Reads the arguments; what `cargo test` passes to every test program is understood or passed over.
    pub fn read(args: impl Iterator<Item = String>) -> Self {
        let (mut seeds, mut time, mut from, mut seed, mut keep) = (None, None, None, None, None);
        let (mut names, mut skipped, mut is_exact) = (Vec::new(), Vec::new(), false);
        let mut args = args;
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--help" | "-h" => return Self::Help,
                "--list" => return Self::List,
                "--seeds" => seeds = number(args.next()),
                "--from" => from = number(args.next()),
                "--seed" => seed = number(args.next()),
                "--hours" => {
                    let hours: Option<f64> = args.next().and_then(|a| a.parse().ok());
                    time = hours.map(|hours| Duration::from_secs_f64(hours * 3_600.0));
                }
                "--keep" => {
                    let list = args.next().unwrap_or_default();
                    keep = Some(list.split(',').filter_map(|n| n.parse().ok()).collect());
                }
                "--exact" => is_exact = true,
                "--skip" => skipped.extend(args.next()),
                "--test-threads" | "--color" | "--format" => drop(args.next()),
                other if other.starts_with('-') => {}
                name => names.push(name.to_owned()),
            }
        }
        if let Some(seed) = seed {
            return Self::Replay {
                seed,
                keep,
                lines: true,
            };
        }
        if seeds.is_some() || time.is_some() {
            return Self::Long { seeds, time, from };
        }
        let fits = move |test: &str, name: &String| {
            if is_exact {
                test == name
            } else {
                test.contains(name.as_str())
            }
        };
        Self::Tests {
            wanted: Box::new(move |test| {
                let named = names.is_empty() || names.iter().any(|name| fits(test, name));
                named && !skipped.iter().any(|name| fits(test, name))
            }),
        }
    }
}

fn number(text: Option<String>) -> Option<u64> {
    text.and_then(|text| text.parse().ok())
}
