//! `countersign diagnostics`: what somebody needs who helps, in one file.

use super::args::{DiagnosticsArgs, Global};
use super::failure::Failure;
use super::settings::reason;
use super::{host, terminal};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use sync_engine::diagnostics::{self, Live};

pub async fn run(global: &Global, args: DiagnosticsArgs) -> Result<ExitCode, Failure> {
    let installation = host::installation(global)?;
    let to = args
        .out
        .unwrap_or_else(|| PathBuf::from(diagnostics::file_name(&installation)));
    if to.exists() {
        return Err(Failure::failed(format!("{} exists already", to.display())).hint("name a file that does not"));
    }
    let bar = terminal::waiting(global.json, "looking at everything");
    let bundle = diagnostics::bundle(&installation, Live::Service).await;
    bar.finish_and_clear();
    let bundle = bundle.map_err(|e| Failure::failed(e.to_string()))?;
    write(&to, &bundle).map_err(|e| Failure::failed(format!("{} cannot be written: {}", to.display(), reason(&e))))?;
    if global.json {
        terminal::json(&serde_json::json!({ "path": to.display().to_string(), "bytes": bundle.len() }))?;
    } else {
        let size = terminal::bytes(bundle.len() as u64);
        terminal::line(format!(
            "{}: {size}, without secrets and without documents. Look into it before you hand it on.",
            to.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write(to: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(to)?.write_all(bytes)
}
