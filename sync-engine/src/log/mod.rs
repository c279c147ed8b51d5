//! The log: structured lines for the terminal and for files that rotate, secrets taken out of both; from the files they
//! go on to Loki. Both hosts start it.

mod batch;
mod file;
mod last;
mod loki;
mod settings;
#[cfg(test)]
mod tests;

pub use batch::backlog;
pub use file::{FileLimits, RotatingFile};
pub use last::{PROGRAMS, last_lines};
pub use loki::{Credential, Loki, Shipper, ship};
pub use settings::{LogSettings, LokiSettings};

use crate::clock::Clock;
use crate::redact;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Which lines: `COUNTERSIGN_LOG`, such as `debug` or `sync_engine::exchange=trace,info`.
pub const LEVEL_VARIABLE: &str = "COUNTERSIGN_LOG";

/// Folder of the log files, in the data folder.
pub const LOGS_DIR: &str = "logs";

/// How lines look on the terminal. Files are JSON always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Console {
    Text,
    Json,
}

/// Where the files of one program are.
#[derive(Clone)]
pub struct LogFiles {
    pub dir: PathBuf,
    /// `countersign` or `desktop`: two programs never write to one file.
    pub name: String,
    pub limits: FileLimits,
    pub clock: Arc<dyn Clock>,
}

impl LogFiles {
    pub fn in_data_dir(data_dir: &Path, name: &str, settings: &LogSettings, clock: Arc<dyn Clock>) -> Self {
        Self {
            dir: data_dir.join(LOGS_DIR),
            name: name.to_owned(),
            limits: settings.limits(),
            clock,
        }
    }
}

/// Starts the log of this process. The environment's level goes over `usual`.
///
/// # Errors
/// A sentence when the file cannot be written; the lines still go to the terminal.
pub fn start(console: Console, usual: &str, files: Option<LogFiles>) -> Result<(), String> {
    let (file, failed) = match files.map(open).transpose() {
        Ok(file) => (file, None),
        Err(sentence) => (None, Some(sentence)),
    };
    let errors = || Redacted(io::stderr);
    let console = match console {
        Console::Json => tracing_subscriber::fmt::layer().json().with_writer(errors()).boxed(),
        Console::Text => tracing_subscriber::fmt::layer()
            .with_ansi(io::stderr().is_terminal())
            .with_writer(errors())
            .boxed(),
    };
    let file = file.map(|file| {
        tracing_subscriber::fmt::layer()
            .json()
            .with_writer(Redacted(Mutex::new(file)))
    });
    // Fails only when a subscriber is there already, as in a test.
    let _ = tracing_subscriber::registry()
        .with(filter(usual))
        .with(console)
        .with(file)
        .try_init();
    failed.map_or(Ok(()), Err)
}

fn open(files: LogFiles) -> Result<RotatingFile, String> {
    RotatingFile::open(&files.dir, &files.name, files.limits, files.clock)
        .map_err(|e| format!("the log in {} cannot be written: {e}", files.dir.display()))
}

fn filter(usual: &str) -> EnvFilter {
    let wanted = std::env::var(LEVEL_VARIABLE).ok().filter(|v| !v.is_empty());
    match wanted.as_deref().map(EnvFilter::try_new) {
        None => EnvFilter::new(usual),
        Some(Ok(filter)) => filter,
        Some(Err(e)) => {
            // Before there is a log: to whoever started us.
            let _ = writeln!(
                io::stderr(),
                "warning: {LEVEL_VARIABLE} is not understood ({e}); \"{usual}\" is used"
            );
            EnvFilter::new(usual)
        }
    }
}

/// Takes secrets out of each line on its way to the writer inside.
pub(crate) struct Redacted<M>(pub M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Redacted<M> {
    type Writer = RedactedWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactedWriter(self.0.make_writer())
    }
}

pub(crate) struct RedactedWriter<W>(W);

/// One call is one event: the subscriber hands over whole lines.
impl<W: Write> Write for RedactedWriter<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let cleaned = redact::for_log(&String::from_utf8_lossy(line));
        self.0.write_all(cleaned.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
