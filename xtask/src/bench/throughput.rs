//! How much goes through: orders in, answers out, the queue alone.

use super::Effort;
use super::programs::{Measured, Programs};
use super::report::{Report, Series};
use std::path::Path;

/// Rate and CPU of one side, round by round.
#[derive(Default)]
struct Side {
    rate: Series,
    cpu: Series,
}

impl Side {
    fn push(&mut self, measured: &Measured, rate: &str) -> Result<(), String> {
        self.rate.push(measured.number(rate)?);
        self.cpu.push(measured.number("cpu_us_per")?);
        Ok(())
    }
}

pub fn path(dir: &Path) -> String {
    dir.to_string_lossy().into_owned()
}

/// Runs all sides in turn, each round beginning with another one, so that none always comes first. The first round
/// begins with the first side.
pub fn in_turn(rounds: u32, sides: &mut [&mut dyn FnMut() -> Result<(), String>]) -> Result<(), String> {
    for round in 0..rounds as usize {
        for at in 0..sides.len() {
            let side = (round + at) % sides.len();
            sides[side]()?;
        }
    }
    Ok(())
}

pub fn ingest(programs: &Programs, effort: &Effort, report: &mut Report) -> Result<(), String> {
    let (_stub, base) = programs.stub(effort.ingest, None)?;
    let (count, schema) = (effort.ingest.to_string(), programs.fixture("po.schema.json"));
    let (mut ours, mut node, mut ceiling) = (Side::default(), Side::default(), Side::default());
    in_turn(
        effort.rounds,
        &mut [
            &mut || {
                let dir = path(&programs.fresh("ingest")?);
                let m = programs.ours(&["ingest", "--base", &base, "--dir", &dir, "--count", &count])?;
                ours.push(&m, "per_s")
            },
            &mut || {
                let db = format!("--db={}", path(&programs.fresh("node")?.join("node.db")));
                let base = format!("--base={base}");
                let m = programs.node(&["pipeline.mjs", "ingest", &count, "--txn=page", &db, &base])?;
                node.push(&m, "docs_per_s")
            },
            &mut || {
                let db = path(&programs.fresh("ceiling")?.join("ceiling.db"));
                let work = ["--base", &base, "--db", &db, "--count", &count];
                let m = programs.ceiling(&[&work[..], &["ingest", "--schema", &schema]].concat())?;
                ceiling.push(&m, "per_s")
            },
        ],
    )?;
    let what = "Ingest per page, orders of 20 lines, per second";
    report.pair(
        &format!("{what} (Node `--txn=page`)"),
        &ours.rate,
        &node.rate,
        "level now, 2.5 in step 3",
    );
    report.pair(
        "Ingest, CPU µs per order (Node)",
        &ours.cpu,
        &node.cpu,
        "0.55 in step 3",
    );
    report.pair(&format!("{what} (ceiling)"), &ours.rate, &ceiling.rate, "0.7 in step 3");
    report.pair("Ingest, CPU µs per order (ceiling)", &ours.cpu, &ceiling.cpu, "-");
    Ok(())
}

pub fn drain(programs: &Programs, effort: &Effort, report: &mut Report) -> Result<(), String> {
    let (_stub, base) = programs.stub(effort.drain, None)?;
    let count = effort.drain.to_string();
    // Ours comes first and leaves a body that it sent: the baselines send the same.
    let sent = path(&programs.kept("drain")?.join("body.json"));
    let (mut ours, mut node, mut ceiling) = (Side::default(), Side::default(), Side::default());
    in_turn(
        effort.rounds,
        &mut [
            &mut || {
                let dir = path(&programs.fresh("drain")?);
                let m = programs.ours(&["drain", "--base", &base, "--dir", &dir, "--count", &count])?;
                ours.push(&m, "per_s")
            },
            &mut || {
                let db = format!("--db={}", path(&programs.fresh("node")?.join("node.db")));
                let (base, body) = (format!("--base={base}"), format!("--body={sent}"));
                let work = ["pipeline.mjs", "drain", &count, "--conc=32", "--group"];
                let m = programs.node(&[&work[..], &[&body, &db, &base]].concat())?;
                node.push(&m, "ops_per_s")
            },
            &mut || {
                let db = path(&programs.fresh("ceiling")?.join("ceiling.db"));
                let work = ["--base", &base, "--db", &db, "--count", &count];
                let m = programs.ceiling(&[&work[..], &["drain", "--body", &sent]].concat())?;
                ceiling.push(&m, "per_s")
            },
        ],
    )?;
    let what = "Drain, 32 in flight, per second";
    report.pair(
        &format!("{what} (Node `--group`)"),
        &ours.rate,
        &node.rate,
        "level now, 2 in step 3",
    );
    report.pair("Drain, CPU µs per operation (Node)", &ours.cpu, &node.cpu, "-");
    report.pair(&format!("{what} (ceiling)"), &ours.rate, &ceiling.rate, "0.7 in step 3");
    report.pair("Drain, CPU µs per operation (ceiling)", &ours.cpu, &ceiling.cpu, "-");
    Ok(())
}

/// Operations that do nothing: the queue alone, with what an operation of ours writes besides.
pub fn queue(programs: &Programs, effort: &Effort, report: &mut Report) -> Result<(), String> {
    let (_stub, base) = programs.stub(effort.drain, Some(3))?;
    let count = effort.drain.to_string();
    let (mut ours, mut effectum, mut plainjob) = (Side::default(), Side::default(), Side::default());
    in_turn(
        effort.rounds,
        &mut [
            &mut || {
                let dir = path(&programs.fresh("queue")?);
                let m = programs.ours(&["queue", "--base", &base, "--dir", &dir, "--count", &count])?;
                ours.push(&m, "per_s")
            },
            &mut || {
                let db = path(&programs.fresh("effectum")?.join("queue.db"));
                let m = programs.effectum(&["--db", &db, "--count", &count])?;
                effectum.push(&m, "per_s")
            },
            &mut || {
                let db = path(&programs.fresh("plainjob")?.join("queue.db"));
                let m = programs.node(&["queue.mjs", &count, &db])?;
                plainjob.push(&m, "per_s")
            },
        ],
    )?;
    let what = "Queue with nothing to do, 32 workers, per second";
    report.pair(
        &format!("{what} (effectum, not FULL)"),
        &ours.rate,
        &effectum.rate,
        "1.5 in step 3",
    );
    report.pair(
        &format!("{what} (plainjob, FULL)"),
        &ours.rate,
        &plainjob.rate,
        "10 in step 3",
    );
    report.pair(
        "Queue with nothing to do, CPU µs (effectum)",
        &ours.cpu,
        &effectum.cpu,
        "-",
    );
    Ok(())
}
