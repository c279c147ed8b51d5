//! The log: to standard error for whoever started us from a terminal, and to a file for whoever asks afterwards.

use std::path::Path;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

/// A longer file is put aside when the program starts; one older file is kept.
const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024;

/// Opens `logs/desktop.log` in the data folder. `COUNTERSIGN_LOG` chooses what is logged.
///
/// # Errors
/// A sentence when the file cannot be opened.
pub fn open(data_dir: &Path) -> Result<(), String> {
    let dir = data_dir.join("logs");
    let path = dir.join("desktop.log");
    let told = |e: std::io::Error| format!("The log {} cannot be written: {e}", path.display());
    std::fs::create_dir_all(&dir).map_err(told)?;
    if std::fs::metadata(&path).is_ok_and(|m| m.len() > MAX_FILE_BYTES) {
        std::fs::rename(&path, dir.join("desktop.log.1")).map_err(told)?;
    }
    let file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(told)?;
    let filter = EnvFilter::try_from_env("COUNTERSIGN_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // Fails only when a subscriber is there already, as in a test.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(file).and(std::io::stderr))
        .try_init();
    Ok(())
}
