//! `countersign audit`: whether the history is what was written.

use super::args::{AuditArgs, AuditCommand, Global};
use super::failure::{Exit, Failure};
use super::{host, terminal};
use std::path::Path;
use std::process::ExitCode;
use sync_engine::clock::{Clock, SystemClock};
use sync_engine::store::{AuditBreak, AuditCheck, SqliteStore};

pub fn run(global: &Global, args: AuditArgs) -> Result<ExitCode, Failure> {
    let AuditCommand::Verify { file } = args.command;
    let path = match file {
        Some(file) if file.is_file() => file,
        Some(file) => return Err(Failure::not_found(format!("there is no file {}", file.display()))),
        None => host::existing_database(&host::settings(global, None)?)?,
    };
    verify(global, &path)
}

fn verify(global: &Global, path: &Path) -> Result<ExitCode, Failure> {
    let bar = terminal::waiting(global.json, "following the history");
    let check = SqliteStore::follow_audit(path, &mut |rows| bar.set_message(format!("{rows} rows followed")));
    bar.finish_and_clear();
    let check = check?;
    if global.json {
        terminal::json(&check)?;
    } else {
        terminal::line(told(&check))?;
    }
    Ok(match check.broken_at {
        None => ExitCode::SUCCESS,
        Some(_) => Exit::Failed.into(),
    })
}

fn told(check: &AuditCheck) -> String {
    let Some(id) = check.broken_at else {
        return format!(
            "{} rows: each is there, is what was written, and follows from the one before it",
            check.rows
        );
    };
    let how = match check.how {
        Some(AuditBreak::Removed) => "rows before it are missing",
        Some(AuditBreak::End) => "rows were cut off the end, or added there",
        Some(AuditBreak::Unlinked) => "its document's history was set to begin elsewhere",
        Some(AuditBreak::Altered) | None => "it was altered, or does not follow from the one before it",
    };
    let whole = match check.whole_until {
        Some(at) => format!("what was written up to {} holds", terminal::time(at, SystemClock.now())),
        None => "nothing before it is there to compare with".to_owned(),
    };
    format!(
        "the history breaks at row {id}: {how}; {whole}\n  keep this file, and compare it with a backup: countersign audit verify --file BACKUP"
    )
}
