//! The programs that are measured, built and ready, and the stub partner that they all talk to.

use crate::process::{Group, cargo, command, output_of, root, run, say, target_dir};
use crate::setup;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const NODE: &str = "benchmarks/node";
const FIXTURES: &str = "benchmarks/fixtures";
/// Measurements that need `ceiling` and `queue`.
const WITH_BASELINES_IN_RUST: [&str; 3] = ["ingest", "drain", "queue"];
const MIGRATIONS: &str = "migrations/sqlite";

pub struct Programs {
    /// The measured side, `sync-engine/examples/bench`.
    bench: PathBuf,
    /// Baselines in Rust, each a program with a lock of its own.
    ceiling: PathBuf,
    queue: PathBuf,
    pub countersign: PathBuf,
    /// Ours with a window, and a window with nothing; built for `desktop`.
    pub desktop: PathBuf,
    pub empty_window: PathBuf,
    work: PathBuf,
}

/// One measurement as its program printed it: a line of JSON, of which numbers are read by name.
pub struct Measured(String);

impl Measured {
    /// The number behind `"name":`, the first in the line.
    pub fn number(&self, name: &str) -> Result<f64, String> {
        self.after(&format!("\"{name}\":"))
            .ok_or_else(|| format!("no \"{name}\" in {}", self.0))
    }

    /// The number behind `name` in the object behind `outer`.
    pub fn within(&self, outer: &str, name: &str) -> Result<f64, String> {
        let at = self
            .0
            .find(&format!("\"{outer}\":"))
            .ok_or_else(|| format!("no \"{outer}\" in {}", self.0))?;
        Self(self.0[at..].to_owned()).number(name)
    }

    /// A number in running text: the one that follows `before`.
    pub fn after(&self, before: &str) -> Option<f64> {
        let at = self.0.find(before)? + before.len();
        let rest = self.0[at..].trim_start();
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || ".-e".contains(c)))
            .unwrap_or(rest.len());
        rest[..end].parse().ok()
    }

    /// A number in running text: the one that comes before `unit`.
    pub fn before(&self, unit: &str) -> Option<f64> {
        let text = &self.0[..self.0.find(unit)?];
        text.trim_end()
            .rsplit(|c: char| !(c.is_ascii_digit() || c == '.'))
            .next()?
            .parse()
            .ok()
    }
}

impl Programs {
    /// Builds what the wanted measurements need.
    pub fn prepare(is_wanted: impl Fn(&str) -> bool) -> Result<Self, String> {
        let windows = is_wanted("desktop");
        match windows {
            true => setup::for_screen()?,
            false => setup::for_headless()?,
        }
        setup::npm(NODE)?;
        if !root().join(FIXTURES).join("pos.ndjson").exists() {
            say("Writing the fixtures");
            run(command("node", &["gen.mjs"], FIXTURES))?;
        }
        say("Building in release");
        let mut words = cargo(&["build", "--release", "--bins", "--example", "bench"]);
        match windows {
            // All of it at once: one set of features, and nothing is built twice.
            true => words.args(["--workspace", "--example", "empty-window"]),
            false => words.args(["--package", "sync-engine"]),
        };
        run(words)?;
        // Apart from ours: each has its own versions of what it uses.
        let apart = target_dir().join("baselines");
        let in_rust: &[&str] = match WITH_BASELINES_IN_RUST.iter().any(|name| is_wanted(name)) {
            true => &["ceiling", "queue"],
            false => &[],
        };
        for name in in_rust {
            let manifest = format!("benchmarks/{name}/Cargo.toml");
            let mut words = cargo(&[
                "build",
                "--release",
                "--locked",
                "--manifest-path",
                &manifest,
                "--target-dir",
            ]);
            words.arg(&apart);
            run(words)?;
        }
        let release = target_dir().join("release");
        let work = target_dir().join("bench");
        std::fs::create_dir_all(&work).map_err(|e| format!("{}: {e}", work.display()))?;
        Ok(Self {
            bench: release.join("examples/bench"),
            ceiling: apart.join("release/ceiling"),
            queue: apart.join("release/queue"),
            countersign: release.join("countersign"),
            desktop: release.join("countersign-desktop"),
            empty_window: release.join("examples/empty-window"),
            work,
        })
    }

    /// An empty folder for one run. The one before it is gone.
    pub fn fresh(&self, name: &str) -> Result<PathBuf, String> {
        let dir = self.work.join(name);
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        Ok(dir)
    }

    /// A folder that is kept from one run of the benchmarks to the next.
    pub fn kept(&self, name: &str) -> Result<PathBuf, String> {
        let dir = self.work.join(name);
        std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        Ok(dir)
    }

    pub fn ours(&self, args: &[&str]) -> Result<Measured, String> {
        let mut words = Command::new(&self.bench);
        words.args(args);
        measured(words)
    }

    pub fn ceiling(&self, args: &[&str]) -> Result<Measured, String> {
        let mut words = Command::new(&self.ceiling);
        words.args(args);
        measured(words)
    }

    pub fn effectum(&self, args: &[&str]) -> Result<Measured, String> {
        let mut words = Command::new(&self.queue);
        words.args(args);
        measured(words)
    }

    /// A file of the fixtures, as a path for a program that runs elsewhere.
    pub fn fixture(&self, name: &str) -> String {
        root().join(FIXTURES).join(name).to_string_lossy().into_owned()
    }

    pub fn node(&self, args: &[&str]) -> Result<Measured, String> {
        measured(command("node", args, NODE))
    }

    /// A script of `e2e` with the programs that are measured.
    pub fn end_to_end(&self, args: &[&str]) -> Result<Measured, String> {
        let mut words = command("node", args, "e2e");
        words
            .env("COUNTERSIGN_BIN_DIR", target_dir().join("release"))
            .env("COUNTERSIGN_ARTIFACTS", self.fresh("artifacts")?)
            .env("TAURI_DRIVER", setup::tool_path("tauri-driver"));
        measured(words)
    }

    /// A program of ours that has to end by itself without success.
    pub fn dies(&self, args: &[&str]) -> Result<(), String> {
        let ended = Command::new(&self.bench).args(args).stdin(Stdio::null()).status();
        match ended {
            Ok(status) if !status.success() && status.code().is_none() => Ok(()),
            Ok(status) => Err(format!("bench {} ended with {status}", args.join(" "))),
            Err(e) => Err(format!("bench cannot be started: {e}")),
        }
    }

    /// A folder for a store that is kept while the database's shape stays the same.
    pub fn kept_store(&self, name: &str) -> Result<PathBuf, String> {
        let mut shape = std::hash::DefaultHasher::new();
        let mut files: Vec<_> = std::fs::read_dir(root().join(MIGRATIONS))
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|e| format!("{MIGRATIONS}: {e}"))?
            .iter()
            .map(std::fs::DirEntry::path)
            .collect();
        files.sort();
        for file in files {
            std::fs::read(&file)
                .map_err(|e| format!("{}: {e}", file.display()))?
                .hash(&mut shape);
        }
        self.kept(&format!("{name}-{:016x}", shape.finish()))
    }

    /// A stub partner with `total` orders; it ends with what is given back.
    pub fn stub(&self, total: u64, lines: Option<u32>) -> Result<(Group, String), String> {
        self.serving(&self.fixture("pos.ndjson"), total, lines)
    }

    /// A stub partner that repeats the orders of a file.
    pub fn serving(&self, fixtures: &str, total: u64, lines: Option<u32>) -> Result<(Group, String), String> {
        let mut words = Command::new(&self.bench);
        words
            .arg("stub")
            .arg("--fixtures")
            .arg(fixtures)
            .args(["--total", &total.to_string()]);
        if let Some(lines) = lines {
            words.args(["--lines", &lines.to_string()]);
        }
        words.stdout(Stdio::piped());
        let mut group = Group::start(words, "the stub partner")?;
        let mut address = String::new();
        let out = group.take_stdout().ok_or("the stub partner has no output")?;
        BufReader::new(out).read_line(&mut address).map_err(|e| e.to_string())?;
        match address.trim() {
            "" => Err("the stub partner did not start; what it said is above".into()),
            address => Ok((group, address.to_owned())),
        }
    }
}

fn measured(mut words: Command) -> Result<Measured, String> {
    let shown = format!("{words:?}");
    let out = words
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("{shown} cannot be started: {e}"))?;
    let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    if !out.status.success() {
        return Err(format!("{shown} failed; what it said is above"));
    }
    Ok(Measured(text))
}

/// What the tables were taken on, in one line.
pub fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|t| {
            t.lines().find_map(|l| {
                l.strip_prefix("model name")?
                    .split_once(": ")
                    .map(|(_, n)| n.to_owned())
            })
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let system = output_of(command("uname", &["-sr"], "")).unwrap_or_default();
    let node = output_of(command("node", &["--version"], "")).unwrap_or_default();
    let rust = output_of(command("rustc", &["--version"], "")).unwrap_or_default();
    let rust = rust.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    format!("{cpu}, {cores} cores, {system}, {rust}, Node {node}")
}

#[cfg(test)]
mod tests {
    use super::Measured;

    #[test]
    fn numbers_are_found() {
        let json = Measured(r#"{"cmd":"ingest","docs_per_s":931,"quiet":{"p50":1.5e3},"busy":{"p50":-2}}"#.into());
        assert_eq!(json.number("docs_per_s"), Ok(931.0));
        assert_eq!(json.within("quiet", "p50"), Ok(1500.0));
        assert_eq!(json.within("busy", "p50"), Ok(-2.0));
        assert!(json.number("nothing").is_err());
        let text = Measured("pdfkit 20 lines\t13.9 docs/s\t71.90 ms\tcpu 70.12 ms\t24567 bytes".into());
        assert_eq!(text.after("cpu"), Some(70.12));
        assert_eq!(text.before(" bytes"), Some(24567.0));
    }
}
