//! One answer, one PDF, one process: what is measured, and against what.

use super::Effort;
use super::growth::filled;
use super::programs::Programs;
use super::report::{Report, Series};
use super::throughput::{in_turn, path};
use crate::process::Group;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const READY_LIMIT: Duration = Duration::from_secs(60);
/// What a started engine does in the background has settled by then.
const SETTLE: Duration = Duration::from_secs(5);

pub fn enqueue(programs: &Programs, effort: &Effort, report: &mut Report) -> Result<(), String> {
    // Enough orders that the stub does not run dry while the second half is measured.
    let (_stub, base) = programs.stub(1_000_000, None)?;
    let count = effort.enqueue.to_string();
    let mut series: [Series; 8] = Default::default();
    for _ in 0..effort.rounds {
        let dir = path(&programs.fresh("enqueue")?);
        let m = programs.ours(&["enqueue", "--base", &base, "--dir", &dir, "--count", &count])?;
        let names = ["p50_us", "bare_p50_us", "p99_us", "bare_p99_us"];
        for (at, (outer, name)) in ["quiet", "ingesting"]
            .iter()
            .flat_map(|o| names.map(|n| (o, n)))
            .enumerate()
        {
            series[at].push(m.within(outer, name)?);
        }
    }
    let [
        p50,
        bare_p50,
        p99,
        bare_p99,
        busy_p50,
        busy_bare_p50,
        busy_p99,
        busy_bare_p99,
    ] = series;
    report.pair("One answer saved, µs p50 (one bare commit)", &p50, &bare_p50, "1.3");
    report.pair("One answer saved, µs p99", &p99, &bare_p99, "2");
    report.pair(
        "One answer saved while ingesting, µs p50 (one bare commit beside it)",
        &busy_p50,
        &busy_bare_p50,
        "1.3",
    );
    report.pair(
        "One answer saved while ingesting, µs p99",
        &busy_p99,
        &busy_bare_p99,
        "2",
    );
    Ok(())
}

pub fn pdf(programs: &Programs, effort: &Effort, report: &mut Report) -> Result<(), String> {
    pdf_of(
        programs,
        effort,
        report,
        "20",
        "4 ms; 15 times pdfkit in step 3",
        "20,000",
    )?;
    pdf_of(
        programs,
        effort,
        report,
        "500",
        "30 ms; 6 times pdfkit in step 3",
        "60,000",
    )
}

fn pdf_of(
    programs: &Programs,
    effort: &Effort,
    report: &mut Report,
    lines: &str,
    cpu_target: &str,
    size_target: &str,
) -> Result<(), String> {
    let order = programs.fixture(&format!("po{lines}.json"));
    let (_stub, base) = programs.serving(&order, 1, None)?;
    let seconds = effort.pdf_seconds.to_string();
    let (mut ours, mut kit) = (Series::default(), Series::default());
    let (mut bytes, mut kit_bytes) = (Series::default(), Series::default());
    in_turn(
        effort.rounds,
        &mut [
            &mut || {
                let dir = path(&programs.fresh("pdf")?);
                let m = programs.ours(&["pdf", "--base", &base, "--dir", &dir, "--seconds", &seconds])?;
                ours.push(m.number("cpu_us_per")? / 1000.0);
                bytes.push(m.number("bytes")?);
                Ok(())
            },
            &mut || {
                let m = programs.node(&["pdf-bench.mjs", lines, &seconds])?;
                kit.push(m.after("cpu").ok_or("pdf-bench printed no CPU time")?);
                kit_bytes.push(m.before(" bytes").ok_or("pdf-bench printed no size")?);
                Ok(())
            },
        ],
    )?;
    report.pair(
        &format!("PDF of {lines} lines, CPU ms (pdfkit)"),
        &ours,
        &kit,
        cpu_target,
    );
    report.pair(
        &format!("PDF of {lines} lines, bytes (pdfkit)"),
        &bytes,
        &kit_bytes,
        size_target,
    );
    Ok(())
}

pub fn memory(programs: &Programs, effort: &Effort, report: &mut Report) -> Result<(), String> {
    let empty = programs.fresh("serve")?;
    std::fs::create_dir_all(empty.join("partners")).map_err(|e| e.to_string())?;
    let idle = resident_mb(programs, &empty)?;
    report.row(
        "Memory of `countersign serve`, empty store, MB",
        &format!("{idle:.1}"),
        "-",
        "-",
        "30",
    );
    for size in &effort.sizes {
        let (_stub, _base, dir) = filled(programs, *size)?;
        let full = resident_mb(programs, Path::new(&dir))?;
        let what = format!("Memory of `countersign serve` at {size} documents, list read 100 times, MB");
        report.row(&what, &format!("{full:.1}"), "-", "-", "80 at a million");
    }
    Ok(())
}

/// `VmRSS` of a started engine that has shown its list a hundred times.
fn resident_mb(programs: &Programs, dir: &Path) -> Result<f64, String> {
    let (service, address, token, _) = serve(programs, dir)?;
    for _ in 0..100 {
        let answer = get(&address, "/api/v1/documents?limit=50", Some(&token))?;
        if !answer.starts_with("HTTP/1.1 200") {
            return Err(format!(
                "the list cannot be read: {}",
                answer.lines().next().unwrap_or_default()
            ));
        }
    }
    std::thread::sleep(SETTLE);
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).map_err(|e| e.to_string())?;
    let kb = status.lines().find_map(|l| {
        l.strip_prefix("VmRSS:")?
            .trim()
            .strip_suffix(" kB")?
            .trim()
            .parse::<f64>()
            .ok()
    });
    Ok(kb.ok_or("no VmRSS for the engine")? / 1024.0)
}

pub fn start(programs: &Programs, effort: &Effort, report: &mut Report) -> Result<(), String> {
    let (_stub, base) = programs.stub(1, None)?;
    let (mut ours, mut node) = (Series::default(), Series::default());
    in_turn(
        effort.rounds,
        &mut [
            &mut || {
                let dir = programs.fresh("serve")?;
                let partners = path(&dir.join("partners"));
                std::fs::create_dir_all(&partners).map_err(|e| e.to_string())?;
                programs.ours(&["configure", "--base", &base, "--dir", &partners])?;
                let (_service, _, _, ready) = serve(programs, &dir)?;
                ours.push(ready.as_secs_f64() * 1000.0);
                Ok(())
            },
            &mut || {
                let db = format!("--db={}", path(&programs.fresh("node")?.join("node.db")));
                let begun = Instant::now();
                programs.node(&["pipeline.mjs", "ingest", "0", &db, &format!("--base={base}")])?;
                node.push(begun.elapsed().as_secs_f64() * 1000.0);
                Ok(())
            },
        ],
    )?;
    report.pair(
        "Start to ready, new store, ms (Node pipeline with nothing to do)",
        &ours,
        &node,
        "0.4 in step 3",
    );
    let mut full = Series::default();
    for _ in 0..effort.rounds {
        let (_stub, _base, dir) = filled(programs, effort.largest())?;
        let (_service, _, _, ready) = serve(programs, Path::new(&dir))?;
        full.push(ready.as_secs_f64() * 1000.0);
    }
    let what = format!("Start to ready at {} documents, ms", effort.largest());
    report.pair(&what, &full, &node, "0.4 in step 3");
    Ok(())
}

/// Starts `countersign serve` and waits until it is ready: the process, its address, its token, how long it took.
fn serve(programs: &Programs, dir: &Path) -> Result<(Group, String, String, Duration), String> {
    let begun = Instant::now();
    let mut words = Command::new(&programs.countersign);
    words
        .args(["serve", "--port", "0", "--data-dir"])
        .arg(dir)
        .arg("--partners-dir")
        .arg(dir.join("partners"));
    words.env("COUNTERSIGN_LOG", "error").stdout(Stdio::piped());
    let mut service = Group::start(words, "countersign serve")?;
    let out = service.take_stdout().ok_or("countersign serve has no output")?;
    let mut lines = BufReader::new(out);
    let mut line = String::new();
    let (address, token) = loop {
        line.clear();
        if lines.read_line(&mut line).map_err(|e| e.to_string())? == 0 {
            return Err("countersign serve ended before it printed its address; what it said is above".into());
        }
        let found = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.trim().split_once("/#token="));
        if let Some((address, token)) = found {
            break (address.to_owned(), token.to_owned());
        }
    };
    // Somebody has to read what else it prints.
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    while !get(&address, "/api/v1/ready", None).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
        if begun.elapsed() > READY_LIMIT {
            return Err("countersign serve is not ready after a minute".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok((service, address, token, begun.elapsed()))
}

fn get(address: &str, path: &str, token: Option<&str>) -> Result<String, String> {
    let mut stream = TcpStream::connect(address).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(READY_LIMIT)).map_err(|e| e.to_string())?;
    let authorization = token
        .map(|t| format!("Authorization: Bearer {t}\r\n"))
        .unwrap_or_default();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\n{authorization}Connection: close\r\n\r\n"
    )
    .map_err(|e| e.to_string())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
