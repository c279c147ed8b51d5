//! `countersign restore`: a backup in the place of the database, after it was tried out.

use super::args::{Global, RestoreArgs};
use super::failure::{Exit, Failure, MEND_RIGHTS};
use super::settings::reason;
use super::{host, terminal};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use sync_engine::exchange::presence::{self, Alone};
use sync_engine::settings::{DATABASE_FILE, DataFolderLock};
use sync_engine::store::{DrillReport, SqliteStore};

pub fn run(global: &Global, args: &RestoreArgs) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    if !args.file.is_file() {
        return Err(Failure::not_found(format!(
            "there is no backup {}",
            args.file.display()
        )));
    }
    let dir = &settings.data_dir;
    let was_there = dir.exists();
    host::make_data_dir(&settings)?;
    if args.check {
        let tried = drill(global, &args.file, dir);
        if !was_there {
            // Only while it is as empty as it was made.
            let _ = std::fs::remove_dir(dir);
        }
        return tried.map(|_| ExitCode::SUCCESS);
    }
    // Both to the end: trying the backup out takes a while, and nobody may begin meanwhile.
    let _service = DataFolderLock::take(dir)?;
    let _alone = keep_out(dir)?;
    let report = drill(global, &args.file, dir)?;
    let moment = chrono::Local::now().format("%Y%m%d-%H%M%S").to_string();
    let kept = SqliteStore::replace(&args.file, &dir.join(DATABASE_FILE), &moment)?;
    let kept = kept.map(|path| path.display().to_string());
    if global.json {
        terminal::json(&json!({ "restored": report.path, "replaced": kept }))?;
    } else {
        let was = kept.map_or_else(String::new, |path| format!("; what was there is {path}"));
        terminal::line(format!("{} is in place{was}", report.path))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn keep_out(dir: &Path) -> Result<Alone, Failure> {
    match presence::keep_out(dir) {
        Ok(Some(alone)) => Ok(alone),
        Ok(None) => Err(
            Failure::new(Exit::InUse, format!("somebody works on {}", dir.display()))
                .hint("close the window, or end the other command: a database is never replaced while it is in use"),
        ),
        Err(e) => {
            let message = format!("the data folder {} cannot be used: {}", dir.display(), reason(&e));
            Err(Failure::failed(message).hint(MEND_RIGHTS))
        }
    }
}

/// Tries a backup out in a folder of its own inside the data folder, and tells what was found.
///
/// # Errors
/// When anything in it is wrong.
pub fn drill(global: &Global, backup: &Path, data_dir: &Path) -> Result<DrillReport, Failure> {
    let scratch = data_dir.join(format!("drill-{}", std::process::id()));
    std::fs::create_dir(&scratch).map_err(|e| {
        Failure::failed(format!(
            "the folder {} cannot be made: {}",
            scratch.display(),
            reason(&e)
        ))
    })?;
    let bar = terminal::waiting(
        global.json,
        "restoring the backup into a folder of its own, and checking it",
    );
    let report = SqliteStore::drill(backup, &scratch);
    bar.finish_and_clear();
    if let Err(error) = std::fs::remove_dir_all(&scratch) {
        tracing::warn!(folder = %scratch.display(), %error, "the folder of the drill is left behind");
    }
    let report = report?;
    if global.json {
        terminal::json(&report)?;
    } else {
        let size = terminal::bytes(report.bytes);
        terminal::line(format!(
            "{}: {size}, integrity {}, {} documents, {} versions, {} operations, {} rows of history",
            report.path, report.integrity, report.documents, report.versions, report.operations, report.audit.rows
        ))?;
    }
    match report.wrong() {
        None => Ok(report),
        Some(wrong) => Err(Failure::failed(format!("{}: {wrong}", report.path)).hint("take an older backup")),
    }
}
