//! Backup and examination.

use super::drill::with_suffix;
use super::readers::Readers;
use super::{audit, open};
use crate::store::{BackupReport, StoreError, StoreReport};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::fs::{File, OpenOptions};
use std::path::Path;

/// Pages that a backup copies at once.
const BACKUP_STEP_PAGES: i32 = 4_096;
/// A copy has this ending until it is whole.
const PARTIAL: &str = ".part";
/// The file beside a database whose lock all share who copy it; alone it is held to clear away what killed ones left.
const COPYING: &str = "-copying";
/// Larger databases are not checked at every start; `doctor` does it.
pub const START_CHECK_BYTES: u64 = 64 << 20;

fn failed(path: &Path, reason: impl std::fmt::Display) -> StoreError {
    StoreError::Conflict(format!("the backup {} was not made: {reason}", path.display()))
}

/// Copies the `database` of one moment to a new file, checks the copy, and brings it to disk. It gets its name then.
pub fn backup(readers: &Readers, database: &Path, to: &Path) -> Result<BackupReport, StoreError> {
    check_free(to)?;
    let _copying = begin(database, to).map_err(|e| failed(to, e))?;
    let part = with_suffix(to, PARTIAL);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&part)
        .map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => failed(to, format!("{} is in the way", part.display())),
            std::io::ErrorKind::NotFound => failed(to, "its folder does not exist"),
            _ => failed(to, e),
        })?;
    make(readers, &part, to).inspect_err(|_| remove_partial(&part))
}

/// An existing file is never touched.
fn check_free(to: &Path) -> Result<(), StoreError> {
    match to.symlink_metadata() {
        Ok(_) => Err(failed(to, "the file exists already, name another one")),
        Err(_) => Ok(()),
    }
}

/// The lock of those who copy the database, until the answer is dropped. The first of them clears away what killed ones
/// left.
fn begin(database: &Path, to: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let copying = options.open(with_suffix(database, COPYING))?;
    if copying.try_lock().is_ok() {
        clear(database, to);
        copying.unlock()?;
    }
    // It waits only as long as another one clears.
    copying.lock_shared()?;
    Ok(copying)
}

fn clear(database: &Path, to: &Path) {
    remove_partial(&with_suffix(to, PARTIAL));
    let folder = |file: &Path| file.parent().and_then(|folder| folder.canonicalize().ok());
    let (Some(data), Some(copies)) = (folder(database), folder(to)) else {
        return;
    };
    // Elsewhere they may be those of another installation.
    if !copies.starts_with(data) {
        return;
    }
    let ending = format!(".db{PARTIAL}");
    for entry in std::fs::read_dir(copies).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().ends_with(&ending) {
            remove_partial(&entry.path());
        }
    }
}

/// A database that did not come to be, with the files beside it.
pub fn remove_partial(to: &Path) {
    // Last the one by which it is found.
    for suffix in ["-journal", "-wal", "-shm", ""] {
        let name = with_suffix(to, suffix);
        if let Err(error) = std::fs::remove_file(&name)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(error = %error, file = %name.display(), "a part of a database was left behind");
        }
    }
}

/// Every page of what `db` sees in its read transaction.
fn copy(db: &Connection, target: &mut Connection, at_once: i32, mut between: impl FnMut()) -> Result<(), StoreError> {
    // A transaction sees one moment from its first read on. Before that each step sees a moment of its own, and the copy
    // begins anew whenever something was written between two.
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let backup = Backup::new(db, target)?;
    loop {
        match backup.step(at_once)? {
            StepResult::Done => return Ok(()),
            StepResult::More => between(),
            _ => return Err(StoreError::Conflict("another program holds the copy".to_owned())),
        }
    }
}

fn make(readers: &Readers, part: &Path, to: &Path) -> Result<BackupReport, StoreError> {
    let mut target = Connection::open(part)?;
    // A journal that a power cut brings back would empty the copy.
    target.execute_batch("PRAGMA synchronous = EXTRA")?;
    // Only that long: what a reader sees keeps the log from going back into the database.
    readers
        .read_all(|db| copy(db, &mut target, BACKUP_STEP_PAGES, || {}))
        .map_err(|error| match error {
            StoreError::Conflict(reason) => failed(to, reason),
            other => other,
        })?;
    // One file, without a log beside it.
    let mode: String = target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(failed(to, format!("its journal mode stays {mode}")));
    }
    let integrity: String = target.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if integrity != "ok" {
        return Err(failed(to, format!("the copy is damaged: {integrity}")));
    }
    target.close().map_err(|(_, e)| e)?;
    // Windows flushes only what was opened for writing.
    let file = OpenOptions::new().write(true).open(part).map_err(|e| failed(to, e))?;
    file.sync_all().map_err(|e| failed(to, e))?;
    let bytes = file.metadata().map_err(|e| failed(to, e))?.len();
    drop(file);
    check_free(to)?;
    std::fs::rename(part, to).map_err(|e| failed(to, e))?;
    if let Err(error) = sync_folder(to) {
        remove_partial(to);
        return Err(failed(to, error));
    }
    Ok(BackupReport {
        path: to.display().to_string(),
        bytes,
        integrity,
    })
}

/// The name of a new file is durable only when its folder is.
#[cfg(unix)]
pub fn sync_folder(file: &Path) -> std::io::Result<()> {
    match file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

#[cfg(not(unix))]
pub fn sync_folder(_file: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Free pages that stay: what comes next finds them at once, where new ones have to be made and moved back again.
const KEPT_PAGES: i64 = 4_096;
/// ... or this share of a large database.
const KEPT_SHARE: i64 = 16;

/// Moves pages from the end of the file into free ones, and cuts the end off, at most `most`; how many. Nothing is done in a
/// database that was not made for it.
pub fn shrink(db: &Connection, most: u32) -> Result<u32, StoreError> {
    let free = |db: &Connection| db.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0));
    let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    let before = free(db)?;
    let spare = before - KEPT_PAGES.max(pages / KEPT_SHARE);
    let wanted = spare.min(i64::from(most));
    if wanted <= 0 {
        return Ok(0);
    }
    // A row for each page: it is done when all were asked for.
    let mut vacuum = db.prepare(&format!("PRAGMA incremental_vacuum({wanted})"))?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    Ok(u32::try_from(before - free(db)?).unwrap_or(0))
}

pub fn bytes_of(path: &Path, suffix: &str) -> u64 {
    std::fs::metadata(with_suffix(path, suffix)).map_or(0, |meta| meta.len())
}

pub fn quick_check(db: &Connection) -> Result<String, StoreError> {
    Ok(db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?)
}

/// `synchronous` belongs to the writer's connection and was read there.
pub fn doctor(readers: &Readers, path: &Path, synchronous: &str) -> Result<StoreReport, StoreError> {
    // Each of a moment of its own: between two the log can go back into the database.
    let quick_check = readers.read_all(quick_check)?;
    let audit = readers.read_all(audit::verify)?;
    let (schema_version, journal_mode) =
        readers.read(|db| Ok((open::schema_version(db)?, open::read_pragma(db, "journal_mode")?)))?;
    Ok(StoreReport {
        path: path.display().to_string(),
        schema_version,
        journal_mode,
        synchronous: match synchronous {
            "2" => "full".to_owned(),
            other => other.to_owned(),
        },
        database_bytes: bytes_of(path, ""),
        wal_bytes: bytes_of(path, "-wal"),
        quick_check,
        audit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_of_one_moment_and_comes_to_its_end_however_much_is_written_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("countersign.db");
        let writer = open::open_writer(&path).expect("opened");
        writer
            .execute_batch("CREATE TABLE filler (bytes BLOB NOT NULL)")
            .expect("a table");
        let put = || {
            writer
                .execute("INSERT INTO filler (bytes) VALUES (zeroblob(100000))", [])
                .expect("written");
        };
        (0..10).for_each(|_| put());
        let pages: usize = writer
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .expect("a number");
        let (at_once, mut steps) = (16, 0);
        let copied = folder.path().join("copy.db");
        let mut target = Connection::open(&copied).expect("made");
        Readers::new(path, None)
            .read(|db| {
                copy(db, &mut target, at_once, || {
                    put();
                    steps += 1;
                    assert!(steps <= pages / 16, "it begins anew at every commit");
                })
            })
            .expect("copied");
        assert!(steps > 10, "{steps} steps");
        let rows: i64 = target
            .query_row("SELECT count(*) FROM filler", [], |row| row.get(0))
            .expect("readable");
        assert_eq!(rows, 10, "what was written beside it is not in it");
        let integrity: String = target
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .expect("readable");
        assert_eq!(integrity, "ok");
    }
}
