//! The real program, run in a folder of its own, for the tests of this folder.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// On a loaded machine everything takes its time; nothing waits longer than this.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program with nothing of the environment but what a test gives it; the data folder is `home/data`.
pub fn countersign(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(args).current_dir(home).env_clear().stdin(Stdio::null());
    for kept in ["PATH", "SystemRoot", "TMPDIR", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command.env("HOME", home).env("USER", "ada").env("TZ", "UTC");
    command.env("COUNTERSIGN_DATA_DIR", home.join("data"));
    command
}

/// Runs a command to its end; one that does not end is killed.
pub fn run(home: &Path, args: &[&str]) -> Output {
    let mut command = countersign(home, args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the program runs");
    let id = child.id();
    let (ended, alarm) = channel::<()>();
    let watch = std::thread::spawn(move || {
        if alarm.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            // Its own child, still to be waited for: the number is not another's yet.
            let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status();
        }
    });
    let out = child.wait_with_output().expect("its output");
    let _ = ended.send(());
    let _ = watch.join();
    out
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output as JSON of a command that must succeed.
#[track_caller]
pub fn json(home: &Path, args: &[&str]) -> serde_json::Value {
    let out = run(home, args);
    assert!(out.status.success(), "{args:?}: {}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", text(&out.stdout)))
}

/// A program that runs until it is stopped. Killed when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let out = child.stdout.take().expect("its output");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        Self { child, lines }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its standard output as JSON.
    pub fn told(&self) -> serde_json::Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("a line of output");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    /// Asks it to end as a service manager does, and gives its exit code.
    #[cfg(unix)]
    pub fn terminate(self) -> Option<i32> {
        self.signal("-TERM");
        self.ended()
    }

    #[cfg(unix)]
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for its end, and gives its exit code.
    #[cfg(unix)]
    pub fn ended(mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return status.code();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A quiet sandbox partner and a folder with its configuration; gives its address.
pub fn sandbox(home: &Path, more: &[&str]) -> (Running, String) {
    let mut args = vec![
        "sandbox",
        "--port",
        "0",
        "--quiet",
        "--json",
        "--write-partner",
        "data/partners",
    ];
    args.extend(more);
    let running = Running::start(countersign(home, &args));
    let url = running.told()["url"].as_str().expect("an address").to_owned();
    (running, url)
}
