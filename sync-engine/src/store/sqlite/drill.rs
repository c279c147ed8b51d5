//! Trying a backup out, and putting it in the database's place.

use super::care::{bytes_of, sync_folder};
use super::{SqliteStore, open};
use crate::store::{DrillReport, Store, StoreError};
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a restore brings lies beside the database under this ending, until it is in its place.
pub const COMING: &str = "-restoring";
/// Files that belong to a database.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

fn refuse(path: &Path, reason: impl std::fmt::Display) -> StoreError {
    StoreError::Conflict(format!("{}: {reason}", path.display()))
}

pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Bytes of the head of a database file, and where in it the program's number lies.
const HEAD: u64 = 100;
const PROGRAM: std::ops::Range<usize> = 68..72;

/// Refuses what is no database of ours by its first bytes: opening it would make a new one of an empty file.
fn check_ours(backup: &Path) -> Result<(), StoreError> {
    if !backup.is_file() {
        return Err(refuse(backup, "there is no such file"));
    }
    let mut head = Vec::new();
    let file = File::open(backup).map_err(|e| refuse(backup, e))?;
    file.take(HEAD).read_to_end(&mut head).map_err(|e| refuse(backup, e))?;
    if head.is_empty() {
        return Err(refuse(backup, "it is empty, nothing was backed up"));
    }
    if !head.starts_with(open::MAGIC) {
        return Err(refuse(backup, "it is not a database"));
    }
    let ours = i32::try_from(open::APPLICATION_ID).map(i32::to_be_bytes);
    match (head.get(PROGRAM), ours) {
        (Some(program), Ok(ours)) if program == ours => Ok(()),
        _ => Err(refuse(backup, "it is another program's database")),
    }
}

/// The schema of a copy of `backup`, which has one or nothing was ever saved in it.
fn check_schema(copy: &Path, backup: &Path) -> Result<(), StoreError> {
    let said = |e: rusqlite::Error| refuse(backup, open::with_advice(&e));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(copy, flags).map_err(said)?;
    match open::schema_version(&db) {
        Ok(0) => Err(refuse(backup, "it has no tables of ours")),
        Ok(_) => Ok(()),
        Err(StoreError::Sql(error)) => Err(said(error)),
        Err(error) => Err(error),
    }
}

impl SqliteStore {
    /// Restores a backup into the empty folder `scratch`, opens it as the program does (which brings its schema up to
    /// date), and examines every page, every row of the audit trail and the numbers kept on write.
    ///
    /// # Errors
    /// As `open`; `Conflict` when the file is no database of ours or cannot be copied. What is wrong inside is in the report.
    pub fn drill(backup: &Path, scratch: &Path) -> Result<DrillReport, StoreError> {
        let path = scratch.join("countersign.db");
        check_ours(backup)?;
        std::fs::copy(backup, &path).map_err(|e| refuse(backup, e))?;
        check_schema(&path, backup)?;
        let store = Self::open(&path)?;
        let report = store.readers.read_all(|db| {
            let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
            let documents = count("SELECT count(*) FROM document")?;
            let kept = count("SELECT coalesce(sum(value), 0) FROM counter WHERE name = 'documents'")?;
            Ok(DrillReport {
                path: backup.display().to_string(),
                bytes: bytes_of(backup, ""),
                schema_version: open::schema_version(db)?,
                integrity: db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?,
                audit: super::audit::verify(db)?,
                documents,
                versions: count("SELECT count(*) FROM version")?,
                operations: count("SELECT count(*) FROM operation")?,
                counters_fit: documents == kept,
            })
        });
        store.close();
        report
    }

    /// Puts a copy of `backup` in the place of `database`, which nothing may have open. What was there is kept beside it
    /// under the answered name, with its log. The backup is not examined here: `drill` it first.
    ///
    /// # Errors
    /// `Conflict` with the file and the reason. The old database is in its place until the new one is whole beside it.
    pub fn replace(backup: &Path, database: &Path, moment: &str) -> Result<Option<PathBuf>, StoreError> {
        check_ours(backup)?;
        let coming = with_suffix(database, COMING);
        std::fs::copy(backup, &coming).map_err(|e| refuse(&coming, e))?;
        // Windows flushes only what was opened for writing.
        let file = OpenOptions::new()
            .write(true)
            .open(&coming)
            .map_err(|e| refuse(&coming, e))?;
        file.sync_all().map_err(|e| refuse(&coming, e))?;
        drop(file);
        let old = database.with_file_name(format!("replaced-{moment}.db"));
        if old.exists() {
            return Err(refuse(&old, "it exists already: wait a second"));
        }
        let mut kept = None;
        for suffix in SUFFIXES {
            let from = with_suffix(database, suffix);
            if from.exists() {
                std::fs::rename(&from, with_suffix(&old, suffix)).map_err(|e| refuse(&from, e))?;
                kept = Some(old.clone());
            }
        }
        std::fs::rename(&coming, database).map_err(|e| refuse(&coming, e))?;
        sync_folder(database).map_err(|e| refuse(database, e))?;
        Ok(kept)
    }
}
