//! Log lines: to standard error, and of the service to files as well.

use super::args::{Command, Global, LogFormat};
use super::host;
use super::settings::Settings;
use std::sync::Arc;
use sync_engine::clock::SystemClock;
use sync_engine::log::{self, Console, LogFiles};

/// Name of the service's log files.
const NAME: &str = "countersign";

/// A long-running command tells what it does; the others only what goes wrong. Settings that are wrong are told by the
/// command itself.
pub fn start(global: &Global, command: &Command) {
    let settings = match command {
        Command::Serve(args) => host::settings(global, Some(args)).ok(),
        _ => None,
    };
    let usual = match command {
        Command::Serve(_) | Command::Sandbox(_) => "info",
        _ => "error",
    };
    let level = settings.as_ref().and_then(|s| s.log.level.clone());
    let console = match global.log_format {
        LogFormat::Json => Console::Json,
        LogFormat::Text => Console::Text,
    };
    let files = settings.as_ref().filter(|s| host::make_data_dir(s).is_ok()).map(files);
    if let Err(sentence) = log::start(console, level.as_deref().unwrap_or(usual), files) {
        tracing::warn!(reason = sentence, "no log file is written");
    }
}

/// Where the service's log files are.
pub fn files(settings: &Settings) -> LogFiles {
    LogFiles::in_data_dir(&settings.data_dir, NAME, &settings.log, Arc::new(SystemClock))
}
