//! The window as a clerk has it: how soon after its start the list stands there, and how soon after a key the next
//! document does.

use super::Effort;
use super::growth::filled;
use super::programs::Programs;
use super::report::{Report, Series};
use super::screen::{Band, EVERYTHING, Key, Look, Screen};
use super::throughput::in_turn;
use crate::process::Group;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Where a list has its rows: below its head, above its foot. The empty window's text is there too.
const ROWS: Band = Band(88, 760);
/// What did not change for so long after a start is as it stays: longer than all that comes by itself.
const STARTED: Duration = Duration::from_millis(1_500);
/// The same after a key. A clerk looks at least as long before the next.
const SHOWN: Duration = Duration::from_millis(250);
/// A key that moves a row or shows a document changes at least so many of the lines that are read.
const CHANGED_LINES: usize = 2;
/// In the page no more documents are gone through than the list's first page has.
const IN_PAGE: u32 = 90;
const LIST_TARGET: &str = "1.25";
const KEY_TARGET: &str = "p95 50";

/// # Errors
/// When a program fails. Where there is no screen to be had, the report says so and that is no error.
pub fn desktop(programs: &Programs, effort: &Effort, report: &mut Report) -> Result<(), String> {
    let screen = match Screen::start(&programs.fresh("screen")?) {
        Ok(screen) => screen,
        Err(reason) => {
            let missing = format!("not measured: {reason}");
            report.row("The window: start to the list, ms", &missing, "-", "-", LIST_TARGET);
            report.row(
                "The window: key to the next document, ms",
                &missing,
                "-",
                "-",
                KEY_TARGET,
            );
            return Ok(());
        }
    };
    for size in &effort.sizes {
        let (_stub, _base, dir) = filled(programs, *size)?;
        give_secret(programs, Path::new(&dir))?;
        start(programs, &screen, effort, Path::new(&dir), *size, report)?;
    }
    let (_stub, _base, dir) = filled(programs, effort.largest())?;
    keys(programs, &screen, effort, Path::new(&dir), report)?;
    in_page(programs, effort, Path::new(&dir), report)
}

/// From the start of the process until the rows of the list are painted, in turn with a window that has a static page.
fn start(
    programs: &Programs,
    screen: &Screen,
    effort: &Effort,
    dir: &Path,
    size: u64,
    report: &mut Report,
) -> Result<(), String> {
    let ours = || opened(screen, window(programs, screen, dir), is_list).map(|(took, _)| took);
    let empty = || opened(screen, screen.program(&programs.empty_window), is_text).map(|(took, _)| took);
    // The first start of either fills the system's caches, and the web view's.
    ours()?;
    empty()?;
    let (mut our_times, mut empty_times) = (Series::default(), Series::default());
    in_turn(
        effort.rounds,
        &mut [&mut || ours().map(|took| our_times.push(ms(took))), &mut || {
            empty().map(|took| empty_times.push(ms(took)))
        }],
    )?;
    let what = format!("Start of the window to its list at {size} documents, ms (an empty Tauri window)");
    report.pair(&what, &our_times, &empty_times, LIST_TARGET);
    Ok(())
}

/// Keys as X delivers them, until the pixels stand still.
fn keys(programs: &Programs, screen: &Screen, effort: &Effort, dir: &Path, report: &mut Report) -> Result<(), String> {
    let mut took: [(&str, Quantiles); 3] = [
        (
            "Key to the next document on the screen (`j` in a document)",
            Quantiles::default(),
        ),
        (
            "Key to the next row on the screen (Down in the list)",
            Quantiles::default(),
        ),
        (
            "Key to the row's document on the screen (Enter in the list)",
            Quantiles::default(),
        ),
    ];
    for _ in 0..effort.rounds {
        let (_, mut program) = opened(screen, window(programs, screen, dir), is_list)?;
        let mut press = |key| pressed(screen, &mut program, key);
        // What a screen needs only once is loaded by its first use.
        for key in [Key::Down, Key::Enter, Key::J, Key::Escape] {
            press(key)?;
        }
        let (mut next, mut row, mut enter) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..effort.keys / 4 {
            row.push(press(Key::Down)?);
            enter.push(press(Key::Enter)?);
            for _ in 0..4 {
                next.push(press(Key::J)?);
            }
            press(Key::Escape)?;
        }
        for ((_, quantiles), times) in took.iter_mut().zip([next, row, enter]) {
            quantiles.push(times);
        }
    }
    for (what, quantiles) in &took {
        let what = format!("{what} at {} documents, ms p50 / p95", effort.largest());
        report.row(&what, &quantiles.shown(), "-", "-", KEY_TARGET);
    }
    Ok(())
}

/// `j` in a document, measured in the page: from the event to the frame after the one that has the next document.
fn in_page(programs: &Programs, effort: &Effort, dir: &Path, report: &mut Report) -> Result<(), String> {
    let mut took = Quantiles::default();
    let count = effort.keys.min(IN_PAGE).to_string();
    for _ in 0..effort.rounds {
        let measured = programs.end_to_end(&["bench/keys.mjs", &dir.to_string_lossy(), &count])?;
        took.middle.push(measured.number("p50_ms")?);
        took.most.push(measured.number("p95_ms")?);
    }
    let what = format!(
        "The same `j` in the page, event to frame, at {} documents, ms p50 / p95",
        effort.largest()
    );
    report.row(&what, &took.shown(), "-", "-", KEY_TARGET);
    Ok(())
}

#[derive(Default)]
struct Quantiles {
    middle: Series,
    most: Series,
}

impl Quantiles {
    fn push(&mut self, mut times: Vec<f64>) {
        times.sort_by(f64::total_cmp);
        let at = |part: f64| {
            times
                .get((times.len() as f64 * part) as usize)
                .copied()
                .unwrap_or(f64::NAN)
        };
        self.middle.push(at(0.5));
        self.most.push(at(0.95));
    }

    fn shown(&self) -> String {
        format!("{} / {}", self.middle.shown(), self.most.shown())
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn window(programs: &Programs, screen: &Screen, dir: &Path) -> Command {
    let mut words = screen.program(&programs.desktop);
    words.arg("--data-dir").arg(dir);
    words.env("COUNTERSIGN_LOG", "error");
    words
}

/// Starts a program on the empty screen: how long until its rows stood there, and the program.
fn opened(screen: &Screen, words: Command, complete: impl Fn(&Look) -> bool) -> Result<(Duration, Group), String> {
    screen.empty()?;
    let begun = Instant::now();
    let mut program = Group::start(words, "the window")?;
    let (took, _) = screen.settled(ROWS, begun, STARTED, &mut program, complete)?;
    Ok((took, program))
}

/// A full page of rows: text in at least a quarter of the lines (rows have margins), and not one message in the middle.
fn is_list(look: &Look) -> bool {
    let (written, all) = look.written();
    written * 4 >= all
}

fn is_text(look: &Look) -> bool {
    look.written().0 > 0
}

/// Milliseconds from a key until what it changed is on the screen.
fn pressed(screen: &Screen, program: &mut Group, key: Key) -> Result<f64, String> {
    let before = screen.look(EVERYTHING)?;
    let begun = screen.press(key)?;
    let changed = |look: &Look| look.differing(&before) >= CHANGED_LINES;
    screen
        .settled(EVERYTHING, begun, SHOWN, program, changed)
        .map(|(took, _)| ms(took))
}

/// The stub's client secret, where the window finds it: it polls as it does at work.
fn give_secret(programs: &Programs, dir: &Path) -> Result<(), String> {
    let mut words = Command::new(&programs.countersign);
    words
        .args(["partner", "secret", "sandbox.client_secret", "--data-dir"])
        .arg(dir);
    words.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = words
        .spawn()
        .map_err(|e| format!("countersign cannot be started: {e}"))?;
    let input = child.stdin.take().ok_or("countersign has no input")?;
    std::io::Write::write_all(&mut { input }, b"sandbox-secret").map_err(|e| e.to_string())?;
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        _ => Err("countersign does not take the stub's secret; what it said is above".into()),
    }
}
