//! A database file looked at from outside: nothing is migrated and nothing written, so that it may be newer, damaged, on
//! a disk that takes no writes, or in use by an engine.

use super::care::{bytes_of, quick_check};
use super::{SqliteStore, audit, open, partners};
use crate::clock::stopwatch;
use crate::store::{
    AuditCheck, CounterValue, Examination, IncidentCount, LeaseView, OperationCount, QuarantineCount, StoreError,
    TableSize, Unread,
};
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};
use std::path::Path;
use std::time::Duration;

const BUSY: Duration = Duration::from_secs(5);
/// Steps of SQLite's machine between two looks at the watch.
const STEPS: i32 = 10_000;
/// Groups that one list holds at most.
const GROUPS: u32 = 1_000;

impl SqliteStore {
    /// Reads what a database file tells of itself. What reads the whole of it (pages, history, sizes) is cut short after
    /// `limit` each. `rows` is told now and then how many rows of the history were followed.
    ///
    /// # Errors
    /// `Open` when there is no file, or it is not a database of ours; what SQLite says of one that is too damaged to be
    /// read at all.
    pub fn examine(path: &Path, limit: Option<Duration>, rows: &mut dyn FnMut(i64)) -> Result<Examination, StoreError> {
        let mut db = open_to_look(path)?;
        // What reads all of it first: it needs the connection for itself. Each of a moment of its own, so that an engine's
        // log can go back into the database between two.
        let quick_check = within(&mut db, limit, quick_check).unwrap_or_else(|e| Some(e.to_string()));
        // What is damaged, or of another schema, does not keep the rest from being read.
        let mut unread = Vec::new();
        let audit = within(&mut db, limit, |db| audit::follow(&*db.unchecked_transaction()?, rows));
        let audit = or_unread("audit", audit, &mut unread);
        let tables = or_unread("tables", within(&mut db, limit, tables), &mut unread);
        // All the rest of one moment, while others write.
        db.execute_batch("BEGIN")?;
        let pragma = |name: &str| open::read_pragma(&db, name);
        let number = |name: &str| pragma(name).map(|text| text.parse::<u64>().unwrap_or(0));
        Ok(Examination {
            path: path.display().to_string(),
            schema_version: open::schema_version(&db)?,
            known_schema: open::known_schema(),
            journal_mode: pragma("journal_mode")?,
            auto_vacuum: match pragma("auto_vacuum")?.as_str() {
                "2" => "incremental",
                "1" => "full",
                _ => "none",
            },
            database_bytes: bytes_of(path, ""),
            wal_bytes: bytes_of(path, "-wal"),
            free_bytes: number("freelist_count")?.saturating_mul(number("page_size")?),
            read_only: read_only(path),
            quick_check,
            audit,
            tables,
            counters: or_unread("counters", counters(&db), &mut unread),
            operations: or_unread("operations", operations(&db), &mut unread),
            quarantine: or_unread("quarantine", quarantine(&db), &mut unread),
            incidents: or_unread("incidents", incidents(&db), &mut unread),
            partners: or_unread("partners", partners::of_all(&db), &mut unread),
            leases: or_unread("leases", leases(&db), &mut unread),
            unread,
        })
    }

    /// Follows the whole history of a database file, also beside a running engine. `rows` is told now and then how many
    /// were followed.
    ///
    /// # Errors
    /// As `examine`.
    pub fn follow_audit(path: &Path, rows: &mut dyn FnMut(i64)) -> Result<AuditCheck, StoreError> {
        let db = open_to_look(path)?;
        audit::follow(&*db.unchecked_transaction()?, rows)
    }
}

/// For reading alone. A database whose log is empty is read as it lies where a reader may not make the files that it
/// shares with others.
fn open_to_look(path: &Path) -> Result<Connection, StoreError> {
    let open = |target: &str, more: OpenFlags| {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        let db = Connection::open_with_flags(target, flags)?;
        db.busy_timeout(BUSY)?;
        // The first look at the file itself.
        db.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
        Ok::<_, rusqlite::Error>(db)
    };
    open::check_file(path)?;
    let shown = path.to_string_lossy();
    let db = match open(&shown, OpenFlags::empty()) {
        Err(error) if refused(&error) && bytes_of(path, "-wal") == 0 => {
            let address = url::Url::from_file_path(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
            match address {
                Ok(address) => open(&format!("{address}?immutable=1"), OpenFlags::SQLITE_OPEN_URI),
                Err(()) => Err(error),
            }
        }
        other => other,
    };
    let db = db.map_err(|e| open::refuse(path, open::with_advice(&e)))?;
    open::check_owner(&db, path)?;
    Ok(db)
}

fn refused(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    )
}

/// Why the engine could not write it; nothing is written to find out but an empty file beside it, which goes again.
fn read_only(path: &Path) -> Option<String> {
    if let Err(error) = std::fs::OpenOptions::new().write(true).open(path) {
        return Some(format!("the file cannot be written: {error}"));
    }
    let beside = path.with_extension(format!("look-{}", std::process::id()));
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&beside);
    match made.and_then(|_| std::fs::remove_file(&beside)) {
        Ok(()) => None,
        Err(error) => Some(format!("its folder cannot be written: {error}")),
    }
}

/// What was read, or nothing with a note that it could not be.
fn or_unread<T: Default>(what: &'static str, read: Result<T, StoreError>, unread: &mut Vec<Unread>) -> T {
    read.unwrap_or_else(|error| {
        let why = error.to_string();
        unread.push(Unread { what, why });
        T::default()
    })
}

/// What `work` answers, or `None` when it was not through after `limit`.
fn within<T>(
    db: &mut Connection,
    limit: Option<Duration>,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    if let Some(limit) = limit {
        let watch = stopwatch();
        db.progress_handler(STEPS, Some(move || watch() > limit))?;
    }
    let done = work(db);
    db.progress_handler(0, None::<fn() -> bool>)?;
    match done {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::TooLong) => Ok(None),
        Err(error) => Err(error),
    }
}

fn all<T>(db: &Connection, sql: &str, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>, StoreError> {
    let mut select = db.prepare(&format!("{sql} LIMIT {GROUPS}"))?;
    let rows = select.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn tables(db: &Connection) -> Result<Vec<TableSize>, StoreError> {
    let mut sizes = all(
        db,
        "SELECT d.name, d.pgsize, s.type = 'table' AND s.sql NOT LIKE 'CREATE VIRTUAL%'
         FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name WHERE d.aggregate = TRUE ORDER BY d.pgsize DESC",
        |row| {
            let is_table = row.get::<_, Option<bool>>(2)?.unwrap_or(false);
            Ok((
                TableSize {
                    name: row.get(0)?,
                    bytes: row.get(1)?,
                    rows: None,
                },
                is_table,
            ))
        },
    )?;
    for (size, is_table) in &mut sizes {
        if *is_table {
            // The name is the schema's own.
            let sql = format!("SELECT count(*) FROM \"{}\"", size.name.replace('"', "\"\""));
            size.rows = Some(db.query_row(&sql, [], |row| row.get(0))?);
        }
    }
    Ok(sizes.into_iter().map(|(size, _)| size).collect())
}

fn counters(db: &Connection) -> Result<Vec<CounterValue>, StoreError> {
    all(
        db,
        "SELECT company, name, value FROM counter ORDER BY company, name",
        |row| {
            Ok(CounterValue {
                company: row.get(0)?,
                name: row.get(1)?,
                value: row.get(2)?,
            })
        },
    )
}

fn operations(db: &Connection) -> Result<Vec<OperationCount>, StoreError> {
    all(
        db,
        "SELECT partner, state, json_extract(last_error, '$.code') AS code, count(*), min(updated_at)
         FROM operation GROUP BY partner, state, code ORDER BY partner, state, code",
        |row| {
            Ok(OperationCount {
                partner: row.get(0)?,
                state: row.get(1)?,
                error: row.get(2)?,
                count: row.get(3)?,
                oldest: row.get(4)?,
            })
        },
    )
}

fn quarantine(db: &Connection) -> Result<Vec<QuarantineCount>, StoreError> {
    all(
        db,
        "SELECT partner, stream, stage, state, count(*), min(received_at)
         FROM quarantine GROUP BY partner, stream, stage, state ORDER BY partner, stream, stage, state",
        |row| {
            Ok(QuarantineCount {
                partner: row.get(0)?,
                stream: row.get(1)?,
                stage: row.get(2)?,
                state: row.get(3)?,
                count: row.get(4)?,
                oldest: row.get(5)?,
            })
        },
    )
}

fn incidents(db: &Connection) -> Result<Vec<IncidentCount>, StoreError> {
    all(
        db,
        "SELECT kind, subject, count(*), sum(ended_at IS NULL), max(began_at)
         FROM incident GROUP BY kind, subject ORDER BY kind, subject",
        |row| {
            Ok(IncidentCount {
                kind: row.get(0)?,
                subject: row.get(1)?,
                count: row.get(2)?,
                open: row.get(3)?,
                last_began_at: row.get(4)?,
            })
        },
    )
}

fn leases(db: &Connection) -> Result<Vec<LeaseView>, StoreError> {
    all(
        db,
        "SELECT name, holder, epoch, until FROM lease ORDER BY name",
        |row| {
            Ok(LeaseView {
                name: row.get(0)?,
                holder: row.get(1)?,
                epoch: row.get(2)?,
                until: row.get(3)?,
            })
        },
    )
}
