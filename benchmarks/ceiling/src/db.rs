//! The same tables as the Node pipeline's.

use crate::Outcome;
use rusqlite::Connection;
use std::path::Path;

const TABLES: &str = "
CREATE TABLE documents(id INTEGER PRIMARY KEY, partner TEXT NOT NULL, kind TEXT NOT NULL, number TEXT NOT NULL,
    current_version INTEGER NOT NULL, status TEXT NOT NULL, updated_at INTEGER NOT NULL, UNIQUE(partner, kind, number));
CREATE TABLE versions(id INTEGER PRIMARY KEY, document_id INTEGER NOT NULL REFERENCES documents(id),
    version INTEGER NOT NULL, supersedes INTEGER REFERENCES versions(id), status TEXT NOT NULL, sha256 BLOB NOT NULL,
    body BLOB NOT NULL, received_at INTEGER NOT NULL, UNIQUE(document_id, version));
CREATE TABLE inbox(id INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE,
    version_id INTEGER NOT NULL REFERENCES versions(id), state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL);
CREATE TABLE outbox(id INTEGER PRIMARY KEY, idem TEXT NOT NULL UNIQUE, op TEXT NOT NULL, body TEXT NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_at INTEGER NOT NULL, lease_until INTEGER,
    sent_at INTEGER);
CREATE INDEX outbox_ready ON outbox(state, next_at);
CREATE TABLE send_log(id INTEGER PRIMARY KEY, outbox_id INTEGER NOT NULL, at INTEGER NOT NULL, http INTEGER);";

/// An empty database with WAL and FULL.
pub fn open(path: &Path) -> Outcome<Connection> {
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let db = Connection::open(path)?;
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=4000;",
    )?;
    db.execute_batch(TABLES)?;
    Ok(db)
}

/// Milliseconds since 1970.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| d.as_millis() as i64)
}
