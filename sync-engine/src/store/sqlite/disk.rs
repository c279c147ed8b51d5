//! Whether the disk takes writes.
//!
//! After a failed write nothing else is written before a small transaction went through. That transaction also settles
//! what failed at its commit: it takes the failed one's place in the log, which could come back to life otherwise when
//! the database is opened the next time.

use crate::clock::Stopwatch;
use crate::store::{StoreError, StoreTrouble};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Room that has to be there before a full disk counts as having some.
const ROOM_BYTES: usize = 8 << 20;
/// The number of the first page counts up to this.
const NUMBERS: i64 = 1 << 30;
/// How often the disk is looked at while it is in trouble.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the writer tells everybody else.
#[derive(Default)]
pub struct Told(Mutex<Option<StoreTrouble>>);

impl Told {
    pub fn trouble(&self) -> Option<StoreTrouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, trouble: Option<StoreTrouble>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Notes an error that the disk caused; any other is none of its business.
    pub fn failed(&self, error: &StoreError) -> bool {
        let Some(trouble) = trouble_of(error) else { return false };
        if self.trouble().as_ref() != Some(&trouble) {
            tracing::error!(code = trouble.code, error = %error, "the disk takes no writes");
            self.set(Some(trouble));
        }
        true
    }
}

fn trouble_of(error: &StoreError) -> Option<StoreTrouble> {
    let (code, message) = match error {
        StoreError::DiskFull => (
            "store.disk_full",
            "the disk is full: nothing can be saved until there is room".to_owned(),
        ),
        StoreError::Disk(reason) | StoreError::Uncertain(reason) => (
            "store.disk_failed",
            format!("the disk does not take what is saved: {reason}"),
        ),
        _ => return None,
    };
    Some(StoreTrouble { code, message })
}

pub struct Disk {
    path: PathBuf,
    told: Arc<Told>,
    /// A write failed, and none has gone through since.
    suspect: bool,
    stopwatch: Stopwatch,
    looked: Duration,
}

impl Disk {
    pub fn new(path: PathBuf, told: Arc<Told>, stopwatch: Stopwatch) -> Self {
        Self {
            path,
            told,
            suspect: false,
            looked: stopwatch(),
            stopwatch,
        }
    }

    /// How long the writer may sleep.
    pub fn look_every(&self) -> Option<Duration> {
        (self.suspect || self.told.trouble().is_some()).then_some(LOOK_EVERY)
    }

    /// To be called before a group, outside of a transaction.
    pub fn ready(&mut self, db: &Connection) -> Result<(), StoreError> {
        if self.suspect { self.settle(db) } else { Ok(()) }
    }

    /// A write failed; whether the disk had a part in it.
    pub fn failed(&mut self, error: &StoreError) -> bool {
        let disk = self.told.failed(error);
        self.suspect |= disk;
        disk
    }

    /// Makes certain, outside of a transaction, that what failed stays undone.
    pub fn settle(&mut self, db: &Connection) -> Result<(), StoreError> {
        self.looked = (self.stopwatch)();
        if let Err(error) = probe(db) {
            self.told.failed(&error);
            return Err(error);
        }
        self.suspect = false;
        self.end_of_trouble();
        Ok(())
    }

    /// Looks whether the trouble is over, from time to time.
    pub fn look(&mut self, db: &Connection) {
        if self.look_every().is_none() || (self.stopwatch)().saturating_sub(self.looked) < LOOK_EVERY {
            return;
        }
        self.looked = (self.stopwatch)();
        if self.suspect {
            // What it answers is told already.
            let _ = self.settle(db);
        } else {
            self.end_of_trouble();
        }
    }

    fn end_of_trouble(&self) {
        let Some(trouble) = self.told.trouble() else { return };
        if trouble.code == "store.disk_full" && room(&self.path).is_err() {
            return;
        }
        tracing::info!(code = trouble.code, "the disk takes writes again");
        self.told.set(None);
    }
}

/// A transaction that changes nothing of ours: SQLite keeps a number for programs in the first page.
fn probe(db: &Connection) -> Result<(), StoreError> {
    let write = || -> Result<(), rusqlite::Error> {
        db.execute_batch("BEGIN IMMEDIATE")?;
        let number: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        db.execute_batch(&format!("PRAGMA user_version = {}; COMMIT", (number + 1) % NUMBERS))
    };
    let written = write();
    if written.is_err() && !db.is_autocommit() {
        // Failing too, it leaves the transaction open, and the next `BEGIN` fails: nothing is written meanwhile.
        let _ = db.execute_batch("ROLLBACK");
    }
    Ok(written?)
}

/// Whether a file of some size can be written beside the database.
fn room(database: &Path) -> std::io::Result<()> {
    let mut name = database.as_os_str().to_owned();
    name.push("-room");
    let written = std::fs::write(&name, vec![0u8; ROOM_BYTES]);
    let removed = std::fs::remove_file(&name);
    written.and(removed)
}
