//! The program behind `cargo xtask bench`: what it measures still runs, with tiny counts.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

struct Stub(Child);

impl Drop for Stub {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A whole test run has built it as it built these tests; one of them alone may not have.
fn program() -> PathBuf {
    let here = std::env::current_exe().expect("this test");
    let profile = here.parent().and_then(Path::parent).expect("the profile's folder");
    let program = profile
        .join("examples")
        .join(format!("bench{}", std::env::consts::EXE_SUFFIX));
    if !program.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "sync-engine", "--example", "bench"])
            .args((profile.file_name() == Some("release".as_ref())).then_some("--release"))
            .arg("--target-dir")
            .arg(profile.parent().expect("the target folder"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success());
    }
    program
}

fn order() -> Value {
    let address =
        json!({ "name": "Werk 2", "street": "Hafen 1", "city": "Kiel", "postalCode": "24103", "country": "DE" });
    let party = |id: &str| json!({ "id": id, "name": format!("Company {id}"), "address": address });
    let line = |n: u32| {
        json!({
            "lineNo": n, "sku": format!("SKU-{n}"), "description": "flange of steel", "quantity": "2", "uom": "PCE",
            "unitPrice": "5.00", "net": "10.00"
        })
    };
    json!({
        "schemaVersion": "2.1", "documentType": "PURCHASE_ORDER", "poNumber": "PO-00000000", "version": 1,
        "status": "SUBMITTED", "issuedAt": "2026-11-02T08:00:00Z", "currency": "EUR", "buyer": party("B"),
        "seller": party("S"), "shipTo": address, "lines": [line(1), line(2)],
        "totals": { "net": "20.00", "tax": "0.00", "gross": "20.00" }
    })
}

#[test]
fn what_is_measured_runs() {
    let dir = tempfile::tempdir().expect("a folder");
    let (program, fixtures) = (program(), dir.path().join("orders.ndjson"));
    std::fs::write(&fixtures, format!("{}\n", order())).expect("fixtures");
    let mut stub = Command::new(&program)
        .args(["stub", "--total", "1000", "--fixtures"])
        .arg(&fixtures)
        .stdout(Stdio::piped())
        .spawn()
        .map(Stub)
        .expect("the stub runs");
    let mut base = String::new();
    let told = stub.0.stdout.take().expect("its output");
    BufReader::new(told).read_line(&mut base).expect("its address");
    let measured = |what: &str, count: &str| -> Value {
        let out = Command::new(&program)
            .args([what, "--base", base.trim(), "--count", count, "--dir"])
            .arg(dir.path().join(what))
            .output()
            .expect("it runs");
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{what}: {stderr}");
        let line: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{what}: {e}: {stderr}"));
        assert_eq!(line["what"], what);
        assert_eq!(line["n"].to_string(), count);
        line
    };
    for (what, count) in [("ingest", "300"), ("drain", "20")] {
        let line = measured(what, count);
        assert!(line["per_s"].as_f64().expect("a rate") > 0.0, "{line}");
        assert!(line["cpu_us_per"].as_f64().expect("a time") > 0.0, "{line}");
    }
    let line = measured("queue", "40");
    assert!(line["per_s"].as_f64().expect("a rate") > 0.0, "{line}");
    stores_are_read(&program, base.trim(), dir.path());
    restarts_are_measured(&program, base.trim(), dir.path());
    let line = measured("enqueue", "5");
    for load in ["quiet", "ingesting"] {
        assert!(line[load]["p50_us"].as_f64().expect("a time") > 0.0, "{line}");
    }
}

fn bench(program: &Path, base: &str, command: &str, dir: &Path, count: &str) -> std::process::Output {
    let out = Command::new(program)
        .args([command, "--base", base, "--count", count, "--dir"])
        .arg(dir)
        .output();
    out.expect("it runs")
}

fn line_of(out: &std::process::Output) -> Value {
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{stderr}");
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {stderr}"))
}

fn stores_are_read(program: &Path, base: &str, dir: &Path) {
    let store = dir.join("reads");
    assert!(bench(program, base, "fill", &store, "300").status.success());
    let line = line_of(&bench(program, base, "reads", &store, "1"));
    assert!(line["documents"].as_i64() >= Some(300), "{line}");
    for read in ["list", "next", "filter", "number", "words", "common", "open", "counts"] {
        for figure in ["p50_us", "p99_us", "cpu_p50_us", "cpu_p99_us"] {
            assert!(
                line[read][figure].as_f64().expect("a time") > 0.0,
                "{read} {figure}: {line}"
            );
        }
    }
}

/// An engine ends without a word with requests in flight; the next one goes on with them or with others.
fn restarts_are_measured(program: &Path, base: &str, dir: &Path) {
    let store = dir.join("queued");
    assert!(bench(program, base, "fill-queue", &store, "100").status.success());
    for _ in 0..2 {
        let ended = bench(program, base, "abandon", &store, "1").status;
        assert!(ended.code().is_none(), "killed, not ended: {ended}");
        let line = line_of(&bench(program, base, "recover", &store, "1"));
        assert!(line["ms"].as_f64().expect("a time") > 0.0, "{line}");
        assert!(line["n"].as_i64() > Some(0), "{line}");
    }
}
