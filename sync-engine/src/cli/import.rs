//! `countersign import`: documents from files.

use super::args::{Global, ImportArgs};
use super::failure::Failure;
use super::{host, terminal};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use sync_engine::domain::PartnerId;
use sync_engine::engine::{Engine, SyncReport};

/// Largest file that is read, in bytes: what a document may have at most, with room.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    file: PathBuf,
    #[serde(flatten)]
    report: SyncReport,
}

pub async fn run(global: &Global, args: ImportArgs) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let engine = host::engine(&settings, false).await?;
    let result = import(&engine, &args).await;
    engine.stop(host::GRACE).await;
    let imported = result?;
    if global.json {
        terminal::json(&imported)?;
        return Ok(ExitCode::SUCCESS);
    }
    for Imported { file, report } in &imported {
        let what = match report {
            SyncReport { quarantined: 1.., .. } => "in quarantine",
            SyncReport { duplicates: 1.., .. } => "known already",
            SyncReport { skipped: 1.., .. } => "left out by the configuration",
            _ => "taken in",
        };
        terminal::line(format!("{}: {what}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn import(engine: &Engine, args: &ImportArgs) -> Result<Vec<Imported>, Failure> {
    let partner = PartnerId(args.partner.clone());
    let mut imported = Vec::new();
    for file in &args.files {
        let bytes = read(file)?;
        let report = engine.import(&partner, &args.stream, bytes.into()).await?;
        imported.push(Imported {
            file: file.clone(),
            report,
        });
    }
    Ok(imported)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |e: std::io::Error| Failure::not_found(format!("{} cannot be read: {e}", file.display()));
    let size = std::fs::metadata(file).map_err(unreadable)?.len();
    if size > MAX_FILE_BYTES {
        return Err(Failure::not_found(format!(
            "{} has {size} bytes, at most {MAX_FILE_BYTES} are read",
            file.display()
        )));
    }
    std::fs::read(file).map_err(unreadable)
}
