//! A few read-only connections, opened when they are first needed.

use super::open;
use crate::clock::Stopwatch;
use crate::store::StoreError;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Connections at most; a read waits for one of them.
const READERS: usize = 4;
/// So long a read may take: what it sees keeps the log from going back into the database, and its connection from others.
const AT_MOST: Duration = Duration::from_secs(30);
/// Steps of SQLite's machine between two looks at the watch.
const STEPS: i32 = 10_000;

#[derive(Default)]
struct Pool {
    idle: Vec<Reader>,
    open: usize,
    closed: bool,
}

/// A connection, and when the watch ends what it reads.
struct Reader {
    db: Connection,
    ends_at: Arc<AtomicU64>,
}

pub struct Readers {
    path: PathBuf,
    pool: Mutex<Pool>,
    freed: Condvar,
    /// What looks after the length of reads.
    watch: Option<Stopwatch>,
}

impl Readers {
    /// With a watch a read ends after `AT_MOST`.
    pub fn new(path: PathBuf, watch: Option<Stopwatch>) -> Self {
        Self {
            path,
            pool: Mutex::default(),
            freed: Condvar::new(),
            watch,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        // Counters and a list: whole at every step, also after a panic elsewhere.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in one read transaction: all that it reads is of one moment.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.run(self.watch.as_ref(), work)
    }

    /// As `read`, for what reads the whole of a large database and takes as long as that does.
    pub fn read_all<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.run(None, work)
    }

    fn run<T>(
        &self,
        watch: Option<&Stopwatch>,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let lent = Lent {
            readers: self,
            reader: Some(self.take()?),
        };
        let Some(reader) = lent.reader.as_ref() else {
            return Err(StoreError::Closed);
        };
        let snapshot = Snapshot::of(&reader.db)?;
        // Over before the snapshot is: its end is not to be cut short.
        let _watched = watch.map(|watch| Watched::from_now(watch, &reader.ends_at));
        work(snapshot.0)
    }

    fn open(&self) -> Result<Reader, StoreError> {
        let mut reader = Reader {
            db: open::open_reader(&self.path)?,
            ends_at: Arc::new(AtomicU64::new(u64::MAX)),
        };
        if let Some(watch) = self.watch.clone() {
            let ends_at = Arc::clone(&reader.ends_at);
            let over = move || nanos(watch()) >= ends_at.load(Ordering::Relaxed);
            reader.db.progress_handler(STEPS, Some(over))?;
        }
        Ok(reader)
    }

    fn take(&self) -> Result<Reader, StoreError> {
        let mut pool = self.lock();
        loop {
            if pool.closed {
                return Err(StoreError::Closed);
            }
            if let Some(reader) = pool.idle.pop() {
                return Ok(reader);
            }
            if pool.open < READERS {
                pool.open += 1;
                drop(pool);
                return self.open().inspect_err(|_| {
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

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A read that the watch ends.
struct Watched<'r>(&'r AtomicU64);

impl<'r> Watched<'r> {
    fn from_now(watch: &Stopwatch, ends_at: &'r AtomicU64) -> Self {
        ends_at.store(nanos(watch() + AT_MOST), Ordering::Relaxed);
        Self(ends_at)
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }
}

/// Goes back into the pool however the read ended.
struct Lent<'r> {
    readers: &'r Readers,
    reader: Option<Reader>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        let mut pool = self.readers.lock();
        if pool.closed {
            pool.open -= 1;
        } else {
            pool.idle.push(reader);
        }
        self.readers.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_that_takes_too_long_is_ended_and_its_connection_reads_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("countersign.db");
        drop(open::open_writer(&path).expect("made"));
        // Every look at it is a second later.
        let looks = AtomicU64::new(0);
        let watch: Stopwatch = Arc::new(move || Duration::from_secs(looks.fetch_add(1, Ordering::Relaxed)));
        let readers = Readers::new(path, Some(watch));
        let count = |db: &Connection, to: i64| -> Result<i64, StoreError> {
            let sql =
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT max(i) FROM n";
            Ok(db.prepare_cached(sql)?.query_row([to], |row| row.get(0))?)
        };
        let long = 1_000_000;
        let ended = readers.read(|db| count(db, long)).expect_err("too long");
        assert!(matches!(ended, StoreError::TooLong), "{ended}");
        // The next is as good as any, also one that takes its time because it reads all.
        assert_eq!(readers.read(|db| count(db, 10)).expect("short"), 10);
        assert_eq!(readers.read_all(|db| count(db, long)).expect("all"), long);
        // Many short ones in one read count together.
        let many = readers.read(|db| (0..long).try_for_each(|_| count(db, 10).map(drop)));
        assert!(matches!(many, Err(StoreError::TooLong)), "{many:?}");
        assert_eq!(readers.lock().open, 1, "one connection");
    }
}
