//! What must not grow with the store: what a screen reads, and how soon the queue goes on after a restart.

use super::Effort;
use super::programs::Programs;
use super::report::{Report, Series};
use super::throughput::path;
use crate::process::{Group, say};

/// What a screen reads, as the measuring program names it, in words.
const READS: [(&str, &str); 8] = [
    ("list", "first page of the work list"),
    ("next", "the next page of all documents"),
    ("filter", "one partner, kind and state"),
    ("open", "one document with versions and history"),
    ("number", "search for a number"),
    ("words", "search for two words"),
    ("common", "search for a word of every order"),
    ("counts", "the counts of the screen"),
];

/// A store with so many documents of three lines, made once and kept.
pub fn filled(programs: &Programs, size: u64) -> Result<(Group, String, String), String> {
    store(programs, "fill", "filled", size)
}

fn store(programs: &Programs, command: &str, name: &str, size: u64) -> Result<(Group, String, String), String> {
    let (stub, base) = programs.stub(size, Some(3))?;
    let dir = path(&programs.kept_store(&format!("{name}-{size}"))?);
    say(&format!(
        "A store with {size} documents ({name}): made in minutes, once"
    ));
    programs.ours(&[command, "--base", &base, "--dir", &dir, "--count", &size.to_string()])?;
    Ok((stub, base, dir))
}

pub fn list(programs: &Programs, effort: &Effort, report: &mut Report) -> Result<(), String> {
    let mut curves: Vec<Vec<[Series; 4]>> = vec![Vec::new(); READS.len()];
    for size in &effort.sizes {
        let (_stub, base, dir) = filled(programs, *size)?;
        for curve in &mut curves {
            curve.push(Default::default());
        }
        for _ in 0..effort.rounds {
            let m = programs.ours(&["reads", "--base", &base, "--dir", &dir])?;
            for ((name, _), curve) in READS.iter().zip(&mut curves) {
                let Some(last) = curve.last_mut() else { continue };
                for (series, figure) in last.iter_mut().zip(["p50_us", "p99_us", "cpu_p50_us", "cpu_p99_us"]) {
                    series.push(m.within(name, figure)? / 1000.0);
                }
            }
        }
    }
    for ((name, what), curve) in READS.iter().zip(&curves) {
        let cells: Vec<String> = curve
            .iter()
            .map(|[_, wall, _, cpu]| format!("{} / {}", wall.brief(), cpu.brief()))
            .collect();
        let growth = match (curve.first(), curve.last()) {
            (Some(small), Some(large)) => large[2].median() / small[2].median(),
            _ => f64::NAN,
        };
        let target = match *name {
            "number" | "words" | "common" => "3 ms CPU",
            "counts" => "constant",
            _ => "16 ms wall, 2 ms CPU; 4 times",
        };
        report.curve(
            "Read, p99 ms: wall / CPU",
            &effort.sizes,
            what,
            &cells,
            &format!("{growth:.2}"),
            target,
        );
    }
    let of = |curve: &Vec<[Series; 4]>| curve.iter().map(|[.., cpu]| cpu.median()).collect::<Vec<_>>();
    let lines: Vec<_> = READS
        .iter()
        .zip(&curves)
        .map(|((_, what), curve)| (*what, of(curve)))
        .collect();
    report.chart("p99 of CPU ms by documents in the store", &effort.sizes, &lines);
    Ok(())
}

/// Engines that end with requests in flight, and how soon the next one has its first operation on its way.
pub fn recovery(programs: &Programs, effort: &Effort, report: &mut Report) -> Result<(), String> {
    let (mut cells, mut medians) = (Vec::new(), Vec::new());
    for size in &effort.sizes {
        let (_stub, base, dir) = store(programs, "fill-queue", "queued", *size)?;
        let mut took = Series::default();
        for _ in 0..effort.rounds {
            programs.dies(&["abandon", "--base", &base, "--dir", &dir])?;
            took.push(
                programs
                    .ours(&["recover", "--base", &base, "--dir", &dir])?
                    .number("ms")?,
            );
        }
        cells.push(took.shown());
        medians.push(took.median());
    }
    let growth = match (medians.first(), medians.last()) {
        (Some(small), Some(large)) => large / small,
        _ => f64::NAN,
    };
    let what = "from the start of the program until the first operation is on its way, after an end with 32 in flight";
    report.curve(
        "Restart with so many queued, ms",
        &effort.sizes,
        what,
        &cells,
        &format!("{growth:.2}"),
        "300 ms at a million",
    );
    Ok(())
}
