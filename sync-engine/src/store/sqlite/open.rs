//! Opening: is it our database, do its promises hold, is its schema ours.

use super::drill::{COMING, with_suffix};
use super::typed;
use crate::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

mod embedded {
    refinery::embed_migrations!("../migrations/sqlite");
}

/// `PRAGMA application_id` of our databases: "CSGN".
pub const APPLICATION_ID: i64 = 0x4353_474E;
/// What every SQLite file begins with.
pub const MAGIC: &[u8] = b"SQLite format 3\0";
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const STATEMENTS_CACHED: usize = 128;
/// Truncates the log back to this after a checkpoint that emptied it.
pub const WAL_LIMIT_BYTES: i64 = 64 << 20;
const WRITER_CACHE_KIB: i64 = 16 << 10;
const READER_CACHE_KIB: i64 = 2 << 10;

pub fn refuse(path: &Path, reason: impl Into<String>) -> StoreError {
    StoreError::Open {
        path: path.display().to_string(),
        reason: reason.into(),
    }
}

/// Opens the writer's connection: checks whose file it is, sets and reads back every pragma, migrates.
pub fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    open_writer_at(path, known_schema())
}

/// As `open_writer`, with a schema that is brought up to this one only.
pub fn open_writer_at(path: &Path, schema: i64) -> Result<Connection, StoreError> {
    open_writer_by(path, embedded::migrations::runner(), schema)
}

/// As `open_writer`, as a later program does that has one more migration.
#[cfg(test)]
pub fn open_writer_later(path: &Path, migration: refinery::Migration) -> Result<Connection, StoreError> {
    let mut all = embedded::migrations::runner().get_migrations().clone();
    all.push(migration);
    let runner = refinery::Runner::new(&all);
    let schema = newest(&runner);
    open_writer_by(path, runner, schema)
}

fn open_writer_by(path: &Path, runner: refinery::Runner, schema: i64) -> Result<Connection, StoreError> {
    check_file(path)?;
    check_restored(path)?;
    let mut db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|e| refuse(path, with_advice(&e)))?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    check_owner(&db, path)?;
    // Only a database that has nothing yet can be made for it; others keep their pages for what comes next.
    if read_pragma(&db, "page_count").is_ok_and(|pages| pages == "0") {
        pragma(&db, "auto_vacuum", "2")?;
    }
    set_pragmas(&db, path)?;
    migrate(&mut db, path, runner, schema)?;
    pragma(&db, "cache_size", &(-WRITER_CACHE_KIB).to_string())?;
    keep_plans(&db)?;
    Ok(db)
}

/// Opens one of the readers' connections. The database was opened by the writer before.
pub fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|e| refuse(path, with_advice(&e)))?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    pragma(&db, "temp_store", "2")?;
    db.execute_batch(typed::VOCABULARY)
        .map_err(|e| refuse(path, with_advice(&e)))?;
    pragma(&db, "query_only", "1")?;
    pragma(&db, "cache_size", &(-READER_CACHE_KIB).to_string())?;
    keep_plans(&db)?;
    Ok(db)
}

/// Statements are compiled once. Without the planner's stability guarantee SQLite compiles many of them again at every
/// use, because a bound value might allow a better plan; ours never depend on one, and it was a sixth of a delivery.
fn keep_plans(db: &Connection) -> Result<(), StoreError> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    Ok(())
}

/// A missing or empty file becomes a new database; anything else has to be SQLite's.
pub fn check_file(path: &Path) -> Result<(), StoreError> {
    let mut start = [0u8; 16];
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
            return match folder {
                Some(folder) if !folder.is_dir() => {
                    Err(refuse(path, format!("the folder {} does not exist", folder.display())))
                }
                _ => Ok(()),
            };
        }
        Err(e) => return Err(refuse(path, e.to_string())),
    };
    match file.read(&mut start) {
        Ok(0) => Ok(()),
        Ok(16) if start == MAGIC => Ok(()),
        Ok(_) => Err(refuse(
            path,
            "it is not a database: move it away, or name another data folder",
        )),
        Err(e) => Err(refuse(path, e.to_string())),
    }
}

/// Refuses to begin anew where a restore was cut short after it took the old database away.
fn check_restored(path: &Path) -> Result<(), StoreError> {
    let coming = with_suffix(path, COMING);
    if path.exists() || !coming.exists() {
        return Ok(());
    }
    Err(refuse(
        path,
        format!(
            "a restore was cut short, and {} waits beside it: run `countersign restore` with the backup again",
            coming.display()
        ),
    ))
}

pub fn check_owner(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let ask = |sql: &str| {
        db.query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|e| refuse(path, with_advice(&e)))
    };
    let id = ask("PRAGMA application_id")?;
    // The first migration sets the id. Before it, only refinery's own table may be there.
    let tables = ask("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name <> 'refinery_schema_history'")?;
    if id == APPLICATION_ID || (id == 0 && tables == 0) {
        return Ok(());
    }
    Err(refuse(
        path,
        "it is another program's database: name another data folder",
    ))
}

fn set_pragmas(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let wanted = [
        // A new database turns to its log in a transaction with a journal. That the journal is gone has to be durable:
        // found after a power cut, it would take back everything that was saved since.
        ("synchronous", "3"),
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("foreign_keys", "1"),
        // The writer thread checkpoints itself; see `checkpoint.rs`.
        ("wal_autocheckpoint", "0"),
        ("temp_store", "2"),
        ("recursive_triggers", "1"),
        ("cell_size_check", "1"),
        ("trusted_schema", "0"),
    ];
    for (name, value) in wanted {
        pragma(db, name, value).map_err(|e| match e {
            StoreError::Sql(e) => refuse(path, with_advice(&e)),
            other => other,
        })?;
    }
    pragma(db, "journal_size_limit", &WAL_LIMIT_BYTES.to_string())?;
    pragma(db, "busy_timeout", &BUSY_TIMEOUT.as_millis().to_string())
}

/// Sets a pragma and reads it back.
fn pragma(db: &Connection, name: &'static str, value: &str) -> Result<(), StoreError> {
    // Some pragmas answer when they are set, some do not: run to the end, then ask.
    let mut set = db.prepare(&format!("PRAGMA {name} = {value}"))?;
    let mut rows = set.query([])?;
    while rows.next()?.is_some() {}
    let found = read_pragma(db, name)?;
    if found == value {
        return Ok(());
    }
    Err(StoreError::Pragma {
        pragma: name,
        wanted: value.to_owned(),
        found,
    })
}

/// A pragma's value as text; empty when it has none.
pub fn read_pragma(db: &Connection, name: &str) -> Result<String, StoreError> {
    use rusqlite::types::ValueRef;
    let mut ask = db.prepare(&format!("PRAGMA {name}"))?;
    let mut rows = ask.query([])?;
    Ok(match rows.next()? {
        None => String::new(),
        Some(row) => match row.get_ref(0)? {
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => String::new(),
        },
    })
}

fn migrate(db: &mut Connection, path: &Path, runner: refinery::Runner, schema: i64) -> Result<(), StoreError> {
    let target = i32::try_from(schema).map_err(|e| refuse(path, e.to_string()))?;
    let known = newest(&runner);
    let found = schema_version(db)?;
    if found > known {
        return Err(StoreError::NewerDatabase {
            path: path.display().to_string(),
            found,
            known,
        });
    }
    // Grouped: a migration and the row that says it was done are one transaction.
    runner
        .set_grouped(true)
        .set_target(refinery::Target::Version(target))
        .run(db)
        .map_err(|e| refuse(path, format!("its schema could not be brought up to date: {e}")))?;
    Ok(())
}

/// The newest schema that this program knows.
pub fn known_schema() -> i64 {
    newest(&embedded::migrations::runner())
}

fn newest(runner: &refinery::Runner) -> i64 {
    let versions = runner.get_migrations().iter().map(refinery::Migration::version);
    i64::from(versions.max().unwrap_or(0))
}

/// The schema that the database has; 0 for a new one.
pub fn schema_version(db: &Connection) -> Result<i64, StoreError> {
    let history = db.table_exists(None, "refinery_schema_history")?;
    if !history {
        return Ok(0);
    }
    Ok(db.query_row(
        "SELECT coalesce(max(version), 0) FROM refinery_schema_history",
        [],
        |row| row.get(0),
    )?)
}

/// What SQLite says, and what a person can do about it.
pub fn with_advice(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode;
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "it is not a database, or it is encrypted: restore a backup",
        Some(ErrorCode::DatabaseCorrupt) => "it is damaged: restore a backup",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "it cannot be written: check the rights on the file and its folder"
        }
        Some(ErrorCode::CannotOpen) => "check that the folder exists and may be written",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program holds it: close that program",
        Some(ErrorCode::DiskFull) => "the disk is full: free some space",
        _ => return error.to_string(),
    };
    format!("{advice} ({error})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    #[test]
    fn a_cached_statement_is_compiled_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("countersign.db");
        let writer = open_writer(&path).expect("opens");
        let reader = open_reader(&path).expect("opens");
        let sql = "SELECT c.canonical FROM version v JOIN version_content c ON c.version_id = v.id
                   WHERE v.document_id = ?1 AND v.number = ?2";
        for db in [&writer, &reader] {
            for id in 0..5 {
                let mut statement = db.prepare_cached(sql).expect("compiles");
                assert!(!statement.exists((id, 1)).expect("runs"));
                assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
            }
        }
    }
}
