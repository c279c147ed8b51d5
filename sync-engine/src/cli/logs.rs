//! Log lines, to standard error.

use super::args::{Global, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// Which lines: `COUNTERSIGN_LOG`, such as `debug` or `sync_engine::exchange=trace,info`.
const LEVEL_VARIABLE: &str = "COUNTERSIGN_LOG";

/// A long-running command tells what it does; the others only what goes wrong.
pub fn start(global: &Global, long_running: bool) {
    let usual = if long_running { "info" } else { "error" };
    let wanted = std::env::var(LEVEL_VARIABLE).ok().filter(|v| !v.is_empty());
    let filter = match wanted.as_deref().map(EnvFilter::try_new) {
        None => EnvFilter::new(usual),
        Some(Ok(filter)) => filter,
        Some(Err(e)) => {
            eprintln!("warning: {LEVEL_VARIABLE} is not understood ({e}); \"{usual}\" is used");
            EnvFilter::new(usual)
        }
    };
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match global.log_format {
        LogFormat::Json => lines.json().init(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).init(),
    }
}
