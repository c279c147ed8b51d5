//! `countersign archive`: what left the database, and reading it back.

use super::args::{ArchiveArgs, ArchiveCommand, Global};
use super::failure::Failure;
use super::settings::reason;
use super::{host, terminal};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use sync_engine::clock::{Clock, SystemClock};
use sync_engine::domain::Timestamp;
use sync_engine::exchange::care;
use sync_engine::settings::ARCHIVES_DIR;
use sync_engine::store::SqliteStore;

pub async fn run(global: &Global, args: ArchiveArgs) -> Result<ExitCode, Failure> {
    match args.command {
        ArchiveCommand::List => list(global),
        ArchiveCommand::Show { file } => show(&file),
        ArchiveCommand::Run { days } => now(global, days).await,
    }
}

fn list(global: &Global) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let folder = settings.data_dir.join(ARCHIVES_DIR);
    let mut files: Vec<PathBuf> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(Failure::failed(format!("{}: {}", folder.display(), reason(&e)))),
    };
    files.retain(|path| path.extension().is_some_and(|e| e == "gz"));
    files.sort();
    let mut wrong = None;
    let mut rows = Vec::new();
    for file in files {
        match SqliteStore::examine_archive(&file) {
            Ok(report) if global.json => terminal::json(&report)?,
            Ok(report) => rows.push(vec![
                file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                terminal::bytes(report.bytes),
                report.documents.to_string(),
                report.audit_rows.to_string(),
                report.rows.to_string(),
                "ok".to_owned(),
            ]),
            Err(error) => {
                rows.push(vec![
                    file.display().to_string(),
                    String::new(),
                    String::new(),
                    String::new(),
                    String::new(),
                    error.to_string(),
                ]);
                wrong.get_or_insert(error);
            }
        }
    }
    if !global.json {
        terminal::table(&["ARCHIVE", "SIZE", "DOCUMENTS", "HISTORY", "ROWS", "STATE"], &rows)?;
    }
    match wrong {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(error.into()),
    }
}

/// Every row as a line of JSON.
fn show(file: &Path) -> Result<ExitCode, Failure> {
    if !file.is_file() {
        return Err(Failure::not_found(format!("there is no archive {}", file.display())));
    }
    // Before anything is printed: half of a damaged file is worth nothing.
    SqliteStore::examine_archive(file)?;
    let mut printed = Ok(());
    SqliteStore::read_archive(file, &mut |table, row| {
        if printed.is_ok() {
            printed = terminal::json(&json!({ "table": table, "row": row }));
        }
        Ok(())
    })?;
    printed.map(|()| ExitCode::SUCCESS)
}

async fn now(global: &Global, days: Option<u32>) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let store = host::store(&settings)?;
    let Some(days) = days.or(settings.care.keep_days()) else {
        return Err(Failure::configuration("care.keepDays is 0: everything is kept").hint("say how many with --days"));
    };
    let before = Timestamp(SystemClock.now().0 - i64::from(days) * 24 * 60 * 60 * 1000);
    let bar = terminal::waiting(global.json, "archiving");
    let retired = care::retire(&store, &settings.data_dir.join(ARCHIVES_DIR), before).await;
    bar.finish_and_clear();
    let retired = retired?;
    care::shrink(&store, || std::future::ready(())).await?;
    store.close();
    if global.json {
        terminal::json(&json!({
            "archives": retired.archives, "documents": retired.documents,
            "quarantine": retired.quarantine, "history": retired.audit,
        }))?;
    } else {
        terminal::line(format!(
            "{} documents, {} quarantined payloads and {} rows of history are in {} archives",
            retired.documents,
            retired.quarantine,
            retired.audit,
            retired.archives.len()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
