//! `cargo xtask bench`: measures us and the baselines in turn, in one run, and says how they stand to each other.

mod cases;
mod desktop;
mod growth;
mod programs;
mod report;
mod screen;
mod throughput;

use crate::Outcome;
use crate::process::say;
use programs::Programs;
use report::Report;

const HELP: &str = "\
Usage: cargo xtask bench [OPTIONS]

Builds in release, then runs each measurement and its baseline in turn (A B A B ...), and prints medians, ranges and
paired ratios, wall and CPU. Close other programs first: what counts is the ratio, and it is steadier on a quiet machine.

  --only NAME    only this measurement (may be repeated): ingest, drain, queue, enqueue, pdf, list,
                 recovery, memory, start, desktop (the window, on a screen of its own)
  --rounds N     rounds of each pair [default: 5]
  --largest N    largest store, after one of a hundredth and one of a tenth of it [default: 1000000]; making the two
                 stores of a million takes about a quarter of an hour, once
  --quick        small counts and 3 rounds: to see that it works, not to quote
  --write        writes the tables into docs/performance.md
";

/// How much is measured.
pub struct Effort {
    pub rounds: u32,
    pub ingest: u64,
    pub drain: u64,
    pub enqueue: u64,
    pub pdf_seconds: u64,
    /// How often a key is pressed in the window.
    pub keys: u32,
    /// Documents of the stores, growing.
    pub sizes: Vec<u64>,
}

impl Effort {
    pub fn largest(&self) -> u64 {
        self.sizes.last().copied().unwrap_or(0)
    }
}

fn sizes(largest: u64) -> Vec<u64> {
    [100, 10, 1].iter().map(|part| (largest / part).max(1)).collect()
}

struct Options {
    only: Vec<String>,
    effort: Effort,
    write: bool,
    words: String,
}

const NAMES: [&str; 10] = [
    "ingest", "drain", "queue", "enqueue", "pdf", "list", "recovery", "memory", "start", "desktop",
];

pub fn run(args: &[String]) -> Outcome {
    let Some(options) = read(args)? else {
        print!("{HELP}");
        return Ok(());
    };
    let is_wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|o| o == name);
    let programs = Programs::prepare(is_wanted)?;
    let mut report = Report::new(&options.words);
    for name in NAMES {
        if !is_wanted(name) {
            continue;
        }
        say(&format!("Measuring: {name}"));
        match name {
            "ingest" => throughput::ingest(&programs, &options.effort, &mut report)?,
            "queue" => throughput::queue(&programs, &options.effort, &mut report)?,
            "recovery" => growth::recovery(&programs, &options.effort, &mut report)?,
            "drain" => throughput::drain(&programs, &options.effort, &mut report)?,
            "enqueue" => cases::enqueue(&programs, &options.effort, &mut report)?,
            "pdf" => cases::pdf(&programs, &options.effort, &mut report)?,
            "list" => growth::list(&programs, &options.effort, &mut report)?,
            "memory" => cases::memory(&programs, &options.effort, &mut report)?,
            "desktop" => desktop::desktop(&programs, &options.effort, &mut report)?,
            _ => cases::start(&programs, &options.effort, &mut report)?,
        }
    }
    println!("\n{}", report.text());
    if options.write {
        report.write()?;
    }
    Ok(())
}

fn read(args: &[String]) -> Result<Option<Options>, String> {
    let mut effort = Effort {
        rounds: 5,
        ingest: 5_000,
        drain: 5_000,
        enqueue: 400,
        pdf_seconds: 3,
        keys: 200,
        sizes: sizes(1_000_000),
    };
    let (mut only, mut write) = (Vec::new(), false);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(None),
            "--write" => write = true,
            "--quick" => {
                effort = Effort {
                    rounds: 3,
                    ingest: 1_000,
                    drain: 1_000,
                    enqueue: 100,
                    pdf_seconds: 1,
                    keys: 40,
                    sizes: sizes(20_000),
                }
            }
            "--rounds" => {
                let number = words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                effort.rounds = number.ok_or("--rounds takes a number above 0")?;
            }
            "--largest" => {
                let number = words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                effort.sizes = sizes(number.ok_or("--largest takes a number above 0")?);
            }
            "--only" => {
                let name = words.next().filter(|n| NAMES.contains(&n.as_str()));
                only.push(
                    name.ok_or_else(|| format!("--only takes one of {}", NAMES.join(", ")))?
                        .clone(),
                );
            }
            other => return Err(format!("there is no option \"{other}\".\n\n{HELP}")),
        }
    }
    let words = ["cargo xtask bench"]
        .into_iter()
        .chain(args.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ");
    Ok(Some(Options {
        only,
        effort,
        write,
        words,
    }))
}
