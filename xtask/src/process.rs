//! Child processes: streamed, limited in time, and ended together with us.

use crate::count::Counts;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(50);
/// How long a child may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(15);

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Where cargo puts what it builds, `CARGO_TARGET_DIR` respected.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// A heading in the output.
pub fn say(text: &str) {
    let (on, off) = if std::io::stdout().is_terminal() {
        ("\x1b[1;36m", "\x1b[0m")
    } else {
        ("", "")
    };
    println!("{on}==> {text}{off}");
    // A pipe is block-buffered; a person who reads a log wants the heading before what it is about.
    let _ = std::io::stdout().flush();
}

/// True from the moment Ctrl+C or a termination signal came.
pub fn interrupted() -> bool {
    stop_flag().load(Ordering::Relaxed)
}

fn stop_flag() -> &'static Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        #[cfg(unix)]
        for signal in [
            signal_hook::consts::SIGINT,
            signal_hook::consts::SIGTERM,
            signal_hook::consts::SIGHUP,
        ] {
            // Registering fails only for signals that cannot be caught; these three can.
            let _ = signal_hook::flag::register(signal, Arc::clone(&flag));
        }
        flag
    })
}

/// A command in the repository's root, or in a folder below it.
pub fn command(program: &str, args: &[&str], folder: &str) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root().join(folder));
    command
}

/// The cargo that runs us, so that a `+toolchain` stays in force.
pub fn cargo(args: &[&str]) -> Command {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    command(&cargo, args, "")
}

fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|a| a.to_string_lossy().into_owned()));
    if let Some(file) = Path::new(&words[0]).file_name() {
        words[0] = file.to_string_lossy().into_owned();
    }
    words.join(" ")
}

/// A child in its own process group, which ends with this value.
pub struct Group {
    child: Child,
    name: String,
}

impl Group {
    /// # Errors
    /// When the program cannot be started.
    pub fn start(mut command: Command, name: &str) -> Result<Self, String> {
        stop_flag();
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .map_err(|e| format!("{} cannot be started: {e}", shown(&command)))?;
        Ok(Self {
            child,
            name: name.to_owned(),
        })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    fn take_stderr(&mut self) -> Option<std::process::ChildStderr> {
        self.child.stderr.take()
    }

    /// `Some(success)` once it has ended.
    pub fn ended(&mut self) -> Option<bool> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.success()),
            Err(_) => Some(false),
        }
    }

    /// Asks the whole group to end, then insists.
    pub fn stop(&mut self) {
        self.signal(false);
        let until = Instant::now() + GRACE;
        while self.ended().is_none() && Instant::now() < until {
            std::thread::sleep(POLL);
        }
        if self.ended().is_none() {
            eprintln!("xtask: {} does not end, so it is killed", self.name);
        }
        // The group may outlive its leader.
        self.signal(true);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    #[cfg(unix)]
    fn signal(&self, insist: bool) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let signal = if insist { Signal::KILL } else { Signal::TERM };
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Fails only when nobody of the group is left.
            let _ = kill_process_group(pid, signal);
        }
    }

    #[cfg(not(unix))]
    fn signal(&self, _insist: bool) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs a command to its end with its output passed on.
///
/// # Errors
/// When it cannot start, fails, or was interrupted.
pub fn run(command: Command) -> Result<(), String> {
    let words = shown(&command);
    let mut group = Group::start(command, &words)?;
    match wait(&mut group, None) {
        Waited::Ended(true) => Ok(()),
        Waited::Ended(false) => Err(format!("`{words}` failed; what it said is above")),
        Waited::Interrupted => Err("interrupted".into()),
        Waited::TooLong => Err(format!("`{words}` took too long")),
    }
}

/// Runs a test command: its output is passed on line by line and the tests in it are counted.
pub fn run_counted(mut command: Command, limit: Duration) -> (Result<(), String>, Counts) {
    let words = shown(&command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = match Group::start(command, &words) {
        Ok(group) => group,
        Err(e) => return (Err(e), Counts::default()),
    };
    let counts = Arc::new(Mutex::new(Counts::default()));
    let mut readers = Vec::new();
    if let Some(out) = group.take_stdout() {
        let counts = Arc::clone(&counts);
        readers.push(std::thread::spawn(move || {
            pass_on(out, &mut std::io::stdout(), Some(&counts))
        }));
    }
    if let Some(err) = group.take_stderr() {
        readers.push(std::thread::spawn(move || pass_on(err, &mut std::io::stderr(), None)));
    }
    let result = match wait(&mut group, Some(limit)) {
        Waited::Ended(true) => Ok(()),
        Waited::Ended(false) => Err(format!("`{words}` failed")),
        Waited::Interrupted => Err("interrupted".into()),
        Waited::TooLong => Err(format!(
            "`{words}` took longer than {} s and was ended",
            limit.as_secs()
        )),
    };
    group.stop();
    for reader in readers {
        let _ = reader.join();
    }
    let counts = counts.lock().map(|c| c.clone()).unwrap_or_default();
    (result, counts)
}

fn pass_on(from: impl std::io::Read, to: &mut dyn Write, counts: Option<&Mutex<Counts>>) {
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let _ = to
            .write_all(&line)
            .and_then(|()| to.write_all(b"\n"))
            .and_then(|()| to.flush());
        if let Some(Ok(mut counts)) = counts.map(Mutex::lock) {
            counts.read_line(&String::from_utf8_lossy(&line));
        }
    }
}

enum Waited {
    Ended(bool),
    Interrupted,
    TooLong,
}

fn wait(group: &mut Group, limit: Option<Duration>) -> Waited {
    let start = Instant::now();
    loop {
        if let Some(success) = group.ended() {
            return Waited::Ended(success);
        }
        if interrupted() {
            group.stop();
            return Waited::Interrupted;
        }
        if limit.is_some_and(|limit| start.elapsed() > limit) {
            group.stop();
            return Waited::TooLong;
        }
        std::thread::sleep(POLL);
    }
}

/// What a command prints, trimmed; `None` when it cannot be started or fails.
pub fn output_of(mut command: Command) -> Option<String> {
    let out = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}
