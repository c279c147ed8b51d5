//! A few read-only connections, opened when they are first needed.

use super::open;
use crate::store::StoreError;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Connections at most; a read waits for one of them.
const READERS: usize = 4;

#[derive(Default)]
struct Pool {
    idle: Vec<Connection>,
    open: usize,
    closed: bool,
}

pub struct Readers {
    path: PathBuf,
    pool: Mutex<Pool>,
    freed: Condvar,
}

impl Readers {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            pool: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        // Counters and a list: whole at every step, also after a panic elsewhere.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in one read transaction: all that it reads is of one moment.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let reader = Lent {
            readers: self,
            db: Some(self.take()?),
        };
        let Some(db) = reader.db.as_ref() else {
            return Err(StoreError::Closed);
        };
        let snapshot = Snapshot::of(db)?;
        work(snapshot.0)
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let mut pool = self.lock();
        loop {
            if pool.closed {
                return Err(StoreError::Closed);
            }
            if let Some(db) = pool.idle.pop() {
                return Ok(db);
            }
            if pool.open < READERS {
                pool.open += 1;
                drop(pool);
                return open::open_reader(&self.path).inspect_err(|_| {
                    self.lock().open -= 1;
                    self.freed.notify_one();
                });
            }
            pool = self.freed.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Closes what is idle; what is lent closes when it comes back.
    pub fn close(&self) {
        let mut pool = self.lock();
        pool.closed = true;
        pool.open -= pool.idle.len();
        pool.idle.clear();
        self.freed.notify_all();
    }
}

/// One read transaction, from and to which no statement is compiled.
struct Snapshot<'c>(&'c Connection);

impl<'c> Snapshot<'c> {
    fn of(db: &'c Connection) -> Result<Self, rusqlite::Error> {
        db.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(db))
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if self.0.is_autocommit() {
            return;
        }
        let ended = self.0.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
        if let Err(error) = ended {
            // The next read of this connection does not begin, and says so.
            tracing::error!(%error, "a read did not end");
        }
    }
}

/// Goes back into the pool however the read ended.
struct Lent<'r> {
    readers: &'r Readers,
    db: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        let mut pool = self.readers.lock();
        if pool.closed {
            pool.open -= 1;
        } else {
            pool.idle.push(db);
        }
        self.readers.freed.notify_one();
    }
}
