//! Deterministic simulation: the real exchange, engine, store and domain with simulated time, network, partners and
//! crashes, all drawn from one seed. `cargo xtask simulate --help` tells how to run more of it.

mod calls;
mod chance;
mod check;
mod clerk;
mod end;
#[path = "../shared/evidence.rs"]
mod evidence;
mod forgetful;
mod host;
mod kernel;
mod lease;
mod link;
mod network;
mod options;
mod partner;
mod plan;
mod plants;
mod reading;
mod shrink;
mod theirs;
mod world;

use options::Options;
use plan::Plan;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use world::Ran;

/// Seeds that every test run tries.
const FIXED: u64 = 1_800;
/// Seeds that found something, once: tried in every test run, too.
const ONCE_FAILED: [u64; 18] = [
    5_402,
    5_479,
    20_321,
    20_365,
    20_733,
    30_549,
    2_000_774,
    3_000_358,
    7_001_425,
    7_001_571,
    7_001_627,
    9_000_032,
    9_001_191,
    9_010_212,
    9_010_230,
    1_795_314_094_569,
    1_795_314_096_688,
    1_795_314_098_468,
];
/// Seeds that nobody tried before, in every test run besides; `COUNTERSIGN_NEW_SEEDS` says another number.
const NEW: u64 = 50;
/// A long run says how far it is after each so many.
const SAY_EVERY: u64 = 5_000;
/// New ones have numbers above the fixed ones.
const FIRST_NEW: u64 = 1_000_000;

const TESTS: [&str; 3] = [
    "simulate::seeds",
    "simulate::new_seeds",
    "simulate::planted_bugs_are_found",
];

/// What a number of seeds came to.
#[derive(Default)]
struct Tried {
    seeds: AtomicU64,
    events: AtomicU64,
    operations: AtomicU64,
    failed: Mutex<Vec<String>>,
}

fn main() -> ExitCode {
    // What a scenario breaks on purpose would fill the screen; what matters is in the report.
    std::panic::set_hook(Box::new(|_| {}));
    match Options::read(std::env::args().skip(1)) {
        Options::Help => {
            println!("{}", options::HELP);
            ExitCode::SUCCESS
        }
        Options::List => {
            for test in TESTS {
                println!("{test}: test");
            }
            ExitCode::SUCCESS
        }
        Options::Replay { seed, keep, lines } => replay(seed, keep.as_deref(), lines),
        Options::Long { seeds, time, from } => {
            let from = from.unwrap_or_else(new_seed);
            let tried = match seeds {
                Some(count) => try_seeds(from..from.saturating_add(count), time),
                None => try_seeds(from.., time),
            };
            report("simulate", &tried)
        }
        Options::Tests { wanted } => tests(&wanted),
    }
}

fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    FIRST_NEW + u64::try_from(now.as_millis()).unwrap_or(0)
}

/// How many new seeds a test run tries.
fn new_seeds() -> u64 {
    let said = std::env::var("COUNTERSIGN_NEW_SEEDS").ok();
    said.map_or(NEW, |text| text.parse().expect("COUNTERSIGN_NEW_SEEDS is a number"))
}

/// The tests, in the form in which `cargo test` prints its own.
fn tests(wanted: &dyn Fn(&str) -> bool) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    for name in TESTS.into_iter().filter(|name| wanted(name)) {
        let is_ok = match name {
            "simulate::seeds" => seeds(name, (0..FIXED).chain(ONCE_FAILED)),
            "simulate::new_seeds" => {
                let (from, count) = (new_seed(), new_seeds());
                // Said first: a run that is ended from outside can be tried again.
                println!("{name}: cargo xtask simulate --seeds {count} --from {from}");
                seeds(name, from..from + count)
            }
            _ => plants::all_are_found(),
        };
        println!("test {name} ... {}", if is_ok { "ok" } else { "FAILED" });
        *(if is_ok { &mut passed } else { &mut failed }) += 1;
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn seeds(name: &str, seeds: impl Iterator<Item = u64> + Send) -> bool {
    let tried = try_seeds(seeds, None);
    evidence::ran(name, &tried.figures());
    report(name, &tried) == ExitCode::SUCCESS
}

/// Runs a seed twice: what is broken, or that the two differ.
fn try_seed(seed: u64) -> Result<Ran, String> {
    let plan = Plan::of(seed);
    let first = guarded(&plan, None)?;
    let second = guarded(&plan, None)?;
    match (&first.broken, first.hash == second.hash) {
        (Some(broken), _) => Err(broken.clone()),
        (None, false) => Err("not the same twice".to_owned()),
        (None, true) => Ok(first),
    }
}

/// A panic is one more thing that is broken.
fn guarded(plan: &Plan, keep: Option<&[usize]>) -> Result<Ran, String> {
    std::panic::catch_unwind(|| world::run(plan, keep, false)).unwrap_or_else(|_| Err("it panicked".to_owned()))
}

fn try_seeds(seeds: impl Iterator<Item = u64> + Send, time: Option<Duration>) -> Tried {
    let (tried, seeds, start) = (Tried::default(), Mutex::new(seeds), Instant::now());
    let next = || {
        let is_over = time.is_some_and(|time| start.elapsed() >= time);
        let mut seeds = seeds.lock().expect("no panic while it is held");
        seeds.next().filter(|_| !is_over)
    };
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(seed) = next() {
                    match try_seed(seed) {
                        Ok(ran) => tried.count(&ran),
                        Err(broken) => tried.fail(seed, &broken),
                    }
                    if tried.seeds.fetch_add(1, Ordering::Relaxed) % SAY_EVERY == SAY_EVERY - 1 {
                        println!("{}", tried.figures());
                    }
                }
            });
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    let runs = 2 * tried.seeds.load(Ordering::Relaxed).max(1);
    println!(
        "{}, {seconds:.1} s, {:.0} ms a run",
        tried.figures(),
        seconds * 1_000.0 * workers as f64 / runs as f64,
    );
    tried
}

impl Tried {
    fn figures(&self) -> String {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (seeds, events, operations) = (of(&self.seeds), of(&self.events), of(&self.operations));
        let failed = self.failed.lock().expect("no panic while it is held").len();
        format!("{seeds} seeds, each twice: {events} events, {operations} operations, {failed} failed")
    }

    fn count(&self, ran: &Ran) {
        self.events.fetch_add(ran.events, Ordering::Relaxed);
        self.operations.fetch_add(ran.operations as u64, Ordering::Relaxed);
    }

    /// Keeps what fails, with the smallest schedule that still does and the command that replays it.
    fn fail(&self, seed: u64, broken: &str) {
        let plan = Plan::of(seed);
        let kept = shrink::smallest(&plan, broken);
        let list: Vec<String> = kept.iter().map(usize::to_string).collect();
        let text = format!(
            "seed {seed}: {broken}\n  {} of {} acts are enough:\n  cargo xtask simulate --seed {seed} --keep {}",
            kept.len(),
            plan.acts.len(),
            if list.is_empty() {
                "none".to_owned()
            } else {
                list.join(",")
            },
        );
        println!("{text}");
        self.failed.lock().expect("no panic while it is held").push(text);
    }
}

fn report(what: &str, tried: &Tried) -> ExitCode {
    let failed = tried.failed.lock().expect("no panic while it is held");
    println!("{what}: {} failed", failed.len());
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn replay(seed: u64, keep: Option<&[usize]>, lines: bool) -> ExitCode {
    let plan = Plan::of(seed);
    match world::run(&plan, keep, lines) {
        Ok(ran) => {
            for line in &ran.lines {
                println!("{line}");
            }
            println!(
                "{} events, {} operations, trace {:016x}",
                ran.events, ran.operations, ran.hash
            );
            match ran.broken {
                Some(broken) => {
                    println!("BROKEN {broken}");
                    ExitCode::FAILURE
                }
                None => ExitCode::SUCCESS,
            }
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}
