//! `countersign archive`: what left the database, and reading it back.

use super::args::{ArchiveArgs, ArchiveCommand, Global};
use super::failure::{Exit, Failure};
use super::settings::reason;
use super::{host, terminal};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use sync_engine::clock::{Clock, SystemClock};
use sync_engine::domain::Timestamp;
use sync_engine::exchange::care;
use sync_engine::settings::{ARCHIVES_DIR, DATABASE_FILE, SETTINGS_FILE};
use sync_engine::store::{ArchiveReport, OPENED_ARCHIVE, SqliteStore, StoreError};

pub async fn run(global: &Global, args: ArchiveArgs) -> Result<ExitCode, Failure> {
    match args.command {
        ArchiveCommand::List => list(global),
        ArchiveCommand::Show { file } => show(&file),
        ArchiveCommand::Find { text } => find(global, &text),
        ArchiveCommand::Open { file, into } => open(global, &file, into),
        ArchiveCommand::Run { days } => now(global, days).await,
    }
}

fn list(global: &Global) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    host::existing_data_dir(&settings)?;
    let archives = archives(&settings.data_dir.join(ARCHIVES_DIR))?;
    let examined: Vec<_> = archives
        .iter()
        .map(|file| (file, SqliteStore::examine_archive(file)))
        .collect();
    if global.json {
        let told = examined.iter().map(|(file, report)| match report {
            Ok(report) => json!({ "file": file, "ok": true, "report": report }),
            Err(error) => json!({ "file": file, "ok": false, "message": error.to_string() }),
        });
        terminal::json(&told.collect::<Vec<_>>())?;
    } else if examined.is_empty() {
        terminal::line("nothing is archived yet")?;
    } else {
        let rows: Vec<_> = examined.iter().map(|(file, report)| row(file, report)).collect();
        terminal::table(&["ARCHIVE", "SIZE", "DOCUMENTS", "HISTORY", "ROWS", "STATE"], &rows)?;
    }
    Ok(match examined.iter().all(|(_, report)| report.is_ok()) {
        true => ExitCode::SUCCESS,
        false => Exit::Failed.into(),
    })
}

/// Oldest first.
fn archives(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |e: std::io::Error| Failure::failed(format!("{}: {}", folder.display(), reason(&e)));
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(unreadable(e)),
    };
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry.map_err(unreadable)?.path());
    }
    files.retain(|path| path.extension().is_some_and(|e| e == "gz"));
    files.sort();
    Ok(files)
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn row(file: &Path, report: &Result<ArchiveReport, StoreError>) -> Vec<String> {
    match report {
        Ok(report) => vec![
            name(file),
            terminal::bytes(report.bytes),
            report.documents.to_string(),
            report.audit_rows.to_string(),
            report.rows.to_string(),
            "ok".to_owned(),
        ],
        Err(error) => vec![
            name(file),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            error.to_string(),
        ],
    }
}

fn find(global: &Global, text: &str) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    host::existing_data_dir(&settings)?;
    let files = archives(&settings.data_dir.join(ARCHIVES_DIR))?;
    let count = files.len();
    let (mut told, mut rows) = (Vec::new(), Vec::new());
    for file in files {
        for found in SqliteStore::find_in_archive(&file, text)? {
            told.push(json!({ "archive": file, "document": found }));
            rows.push(vec![
                found.number,
                format!("{:?}", found.kind),
                found.partner.0,
                found.counterparty.unwrap_or_default(),
                format!("{:?}", found.state),
                found.current.to_string(),
                found.updated_at.date().to_string(),
                name(&file),
            ]);
        }
    }
    if rows.is_empty() {
        return Err(Failure::not_found(format!(
            "none of {count} archives has a document with \"{text}\" in its number or counterparty"
        )));
    }
    if global.json {
        terminal::json(&told)?;
    } else {
        let head = [
            "NUMBER",
            "KIND",
            "PARTNER",
            "COUNTERPARTY",
            "STATE",
            "VERSIONS",
            "CHANGED",
            "ARCHIVE",
        ];
        terminal::table(&head, &rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A data folder of its own, with what of the settings concerns reading.
fn open(global: &Global, file: &Path, into: Option<PathBuf>) -> Result<ExitCode, Failure> {
    let mut settings = host::settings(global, None)?;
    let archives = settings.data_dir.join(ARCHIVES_DIR);
    let file = match archives.join(file) {
        listed if !file.is_file() && listed.is_file() => listed,
        _ => file.to_owned(),
    };
    if !file.is_file() {
        return Err(no_archive(&file));
    }
    settings.data_dir = into.unwrap_or_else(|| archives.join(name(&file).trim_end_matches(".jsonl.gz")));
    let folder = &settings.data_dir;
    let database = folder.join(DATABASE_FILE);
    if database.exists() {
        return Err(
            Failure::failed(format!("there is a database in {} already", folder.display()))
                .hint("if it is this archive, go on with it; else say another folder with --into"),
        );
    }
    host::make_data_dir(&settings)?;
    let write = |name: &str, value: &serde_json::Value| {
        let path = folder.join(name);
        std::fs::write(&path, format!("{value:#}\n"))
            .map_err(|e| Failure::failed(format!("{} cannot be written: {}", path.display(), reason(&e))))
    };
    // Before there is a database: nothing ever works on one of an archive as if it were an installation's.
    write(OPENED_ARCHIVE, &json!({ "archive": file }))?;
    let kept = json!({ "company": settings.company, "letterhead": settings.letterhead, "care": { "keepDays": 0 } });
    write(SETTINGS_FILE, &kept)?;
    let report = SqliteStore::open_archive(&file, &database)?;
    if global.json {
        terminal::json(&json!({ "folder": folder, "archive": report }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = folder.display();
    terminal::line(format!(
        "{}: {} documents and {} rows of history are in {folder}\n  countersign print NUMBER --data-dir {folder}\n  \
         countersign serve --port 0 --data-dir {folder}",
        file.display(),
        report.documents,
        report.audit_rows
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn no_archive(file: &Path) -> Failure {
    Failure::not_found(format!("there is no archive {}", file.display()))
}

/// Every row as a line of JSON.
fn show(file: &Path) -> Result<ExitCode, Failure> {
    if !file.is_file() {
        return Err(no_archive(file));
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
    let alone = host::store(&settings)?;
    let store = &alone.store;
    let Some(days) = days.or(settings.care.keep_days()) else {
        return Err(Failure::configuration("care.keepDays is 0: everything is kept").hint("say how many with --days"));
    };
    let before = Timestamp(SystemClock.now().0 - i64::from(days) * 24 * 60 * 60 * 1000);
    let bar = terminal::waiting(global.json, "archiving");
    let retired = care::retire(store, &settings.data_dir.join(ARCHIVES_DIR), &settings.company, before).await;
    bar.finish_and_clear();
    let retired = retired?;
    care::shrink(store, || std::future::ready(())).await?;
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
