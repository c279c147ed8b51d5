//! `cargo xtask run`: a sandbox partner on loopback, and the window (or the headless service) signed in to it.

use crate::Outcome;
use crate::process::{Group, cargo, command, interrupted, root, run as run_to_end, say, target_dir};
use crate::setup;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where the sandbox partner listens unless something else does.
const SANDBOX_PORT: u16 = 7700;
/// Where the headless service listens unless something else does.
const SERVE_PORT: u16 = 7710;
/// How long the sandbox partner may take to write the partner's configuration.
const SANDBOX_START: Duration = Duration::from_secs(30);

struct Options {
    headless: bool,
    fresh: bool,
}

pub fn run(args: &[String]) -> Outcome {
    let mut options = Options {
        headless: !has_display(),
        fresh: false,
    };
    for arg in args {
        match arg.as_str() {
            "--headless" => options.headless = true,
            "--fresh" => options.fresh = true,
            other => {
                return Err(format!(
                    "there is no option \"{other}\" here; `cargo xtask help` lists them"
                ));
            }
        }
    }
    if options.headless {
        setup::for_headless()?;
        say("Building the headless service (the first time takes a few minutes)");
        run_to_end(cargo(&["build", "--package", "sync-engine", "--bins"]))?;
    } else {
        setup::for_run()?;
        say("Building the engine and the window (the first time takes several minutes)");
        run_to_end(cargo(&["build", "--workspace", "--bins"]))?;
    }
    start(&options)
}

fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

fn start(options: &Options) -> Outcome {
    let home = root().join(".local/run");
    std::fs::create_dir_all(&home).map_err(|e| format!("{}: {e}", home.display()))?;
    let lock = home.join("lock");
    let Some(_held) = hold(&lock)? else {
        return second_start(&home, options);
    };
    if options.fresh {
        // Both sides together: the partner's orders have to fit what the database knows of them.
        for old in ["data", "partners", "partner-side"] {
            remove(&home.join(old))?;
        }
    }
    let port = free_port(SANDBOX_PORT)?;
    say(&format!(
        "Starting the sandbox partner; what it sees: http://127.0.0.1:{port}/"
    ));
    let mut sandbox = sandbox(port, &home)?;
    if !home.join("data/countersign.db").exists() {
        orders_of_ours(&home)?;
    }
    let mut app = if options.headless {
        serve(&home)?
    } else {
        say("Opening the window; Ctrl+C here, or Quit in its menu, ends everything");
        Group::start(desktop(&home), "the window")?
    };
    loop {
        if interrupted() {
            say("Stopping");
            app.stop();
            sandbox.stop();
            return Ok(());
        }
        if let Some(success) = app.ended() {
            sandbox.stop();
            return match success {
                true => Ok(()),
                false => Err("Countersign ended with an error; what it said is above".into()),
            };
        }
        if sandbox.ended().is_some() {
            return Err("the sandbox partner ended; what it said is above".into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// `None` when another run holds it. The lock goes with the process, however that ends.
fn hold(path: &Path) -> Result<Option<File>, String> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|e| format!("{}: {e}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(e)) => Err(format!("{}: {e}", path.display())),
    }
}

/// It runs already: show it rather than start a second one on the same data.
fn second_start(home: &Path, options: &Options) -> Outcome {
    if options.headless {
        say("It runs already, in another terminal; its address is printed there");
        return Ok(());
    }
    say("It runs already: bringing its window to the front");
    // The second instance of the window hands over to the first and ends.
    run_to_end(desktop(home))
}

fn remove(dir: &Path) -> Outcome {
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {e}", dir.display())),
        _ => Ok(()),
    }
}

fn free_port(wanted: u16) -> Result<u16, String> {
    let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|l| l.local_addr());
    listen(wanted)
        .or_else(|_| listen(0))
        .map(|address| address.port())
        .map_err(|e| format!("no port is free on 127.0.0.1: {e}"))
}

fn program(name: &str) -> PathBuf {
    target_dir()
        .join("debug")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn sandbox(port: u16, home: &Path) -> Result<Group, String> {
    let state = home.join("partner-side");
    std::fs::create_dir_all(&state).map_err(|e| format!("{}: {e}", state.display()))?;
    // Written last and in one step, when the sandbox partner listens.
    let configuration = home.join("partners/sandbox.json");
    match std::fs::remove_file(&configuration) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("{}: {e}", configuration.display()));
        }
        _ => {}
    }
    let mut c = command(&program("countersign").to_string_lossy(), &["sandbox"], "");
    c.args(["--port", &port.to_string()])
        .arg("--write-partner")
        .arg(home.join("partners"))
        .arg("--data-dir")
        .arg(home.join("data"))
        .arg("--state-file")
        .arg(state.join("state.jsonl"));
    let mut group = Group::start(c, "the sandbox partner")?;
    let until = Instant::now() + SANDBOX_START;
    while !configuration.exists() {
        if group.ended().is_some() {
            return Err(
                "the sandbox partner did not start; what it said is above. If its state is from another \
                        version, `cargo xtask run --fresh` begins anew"
                    .into(),
            );
        }
        if Instant::now() > until || interrupted() {
            return Err("the sandbox partner did not get ready in time".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(group)
}

/// What we buy from the sandbox partner, for the first look: it confirms one of them, counters one, and leaves one open.
/// They leave as soon as the app runs.
fn orders_of_ours(home: &Path) -> Outcome {
    let folder = root().join("fixtures/demo");
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let mut c = command(&program("countersign").to_string_lossy(), &["submit"], "");
    c.args(files).arg("--data-dir").arg(home.join("data"));
    c.arg("--partners-dir").arg(home.join("partners"));
    run_to_end(c)
}

fn desktop(home: &Path) -> std::process::Command {
    let mut c = command(&program("countersign-desktop").to_string_lossy(), &[], "");
    c.arg("--data-dir")
        .arg(home.join("data"))
        .arg("--partners-dir")
        .arg(home.join("partners"));
    c
}

fn serve(home: &Path) -> Result<Group, String> {
    let port = free_port(SERVE_PORT)?;
    say("Starting the headless service; open the address that it prints in a browser. Ctrl+C ends everything");
    let mut c = command(&program("countersign").to_string_lossy(), &["serve"], "");
    c.args(["--port", &port.to_string()])
        .arg("--data-dir")
        .arg(home.join("data"));
    c.arg("--partners-dir").arg(home.join("partners"));
    Group::start(c, "the headless service")
}
