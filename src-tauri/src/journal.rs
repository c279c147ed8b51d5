//! The log: to standard error for whoever started us from a terminal, and to files for whoever asks afterwards.

use crate::options::Resolved;
use std::sync::Arc;
use sync_engine::clock::SystemClock;
use sync_engine::log::{self, Console, LogFiles};

/// Opens `logs/desktop.log` in the data folder. The settings, or `COUNTERSIGN_LOG`, choose what is logged.
///
/// # Errors
/// A sentence when the file cannot be opened.
pub fn open(options: &Resolved) -> Result<(), String> {
    let usual = options.log.level.as_deref().unwrap_or("info");
    log::start(Console::Text, usual, Some(files(options)))
}

/// Where the window's log files are.
pub fn files(options: &Resolved) -> LogFiles {
    LogFiles::in_data_dir(&options.data_dir, "desktop", &options.log, Arc::new(SystemClock))
}
