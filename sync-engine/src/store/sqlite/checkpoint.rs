//! When the write-ahead log goes back into the database.
//!
//! A thread of its own checkpoints passively before the log reaches 64 MiB, so that no write waits for it, and sooner
//! while nobody is at work. Where writes never pause it cannot reach their end: then the writer puts the last few pages
//! back itself, between two groups, and starts the log from the front. To write over a log costs less than to let it grow: for a new page the system has to
//! find and clear memory, and room on the disk. Only when the log outgrows four times its limit (a reader pins it) does
//! the writer stop and truncate it.

use super::disk::Told;
use super::open::WAL_LIMIT_BYTES;
use crate::store::StoreError;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

const FORCED_BYTES: i64 = 4 * WAL_LIMIT_BYTES;
/// Where the thread starts: it is done about when the limit is reached.
const START_BYTES: i64 = WAL_LIMIT_BYTES / 4 * 3;
/// ... while nobody is at work: bulk work comes at tens of MiB a second.
const QUIET_START_BYTES: i64 = 16 << 20;
/// After a passive run that could not finish, the log grows by this much before the next.
const STEP_BYTES: i64 = 8 << 20;
/// So much may be left for the writer: a few milliseconds.
const REST_PAGES: i64 = 512;
/// ... while nobody waits for it: what a group or two of bulk work write.
const QUIET_REST_PAGES: i64 = 4096;
/// Rounds of the thread after another: each has only what was written during the one before.
const ROUNDS: u32 = 4;

pub struct Checkpoint {
    pages: Arc<AtomicI64>,
    page_bytes: i64,
    next_at: i64,
    /// Pages of the log that the thread has put back; 0 while it is at work, or was not.
    put_back: Arc<AtomicI64>,
    thread: Option<(SyncSender<()>, JoinHandle<()>)>,
    pub told: Arc<Told>,
}

impl Checkpoint {
    /// Hooks into the writer's commits; the writer checkpoints itself.
    pub fn on(writer: &mut Connection) -> Result<Self, rusqlite::Error> {
        let page_bytes = writer.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let pages = Arc::new(AtomicI64::new(0));
        let counted = Arc::clone(&pages);
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count: std::ffi::c_int| {
            counted.store(i64::from(count), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            pages,
            page_bytes,
            next_at: 0,
            put_back: Arc::default(),
            thread: None,
            told: Arc::default(),
        })
    }

    /// As `on`, with a thread and a connection of its own.
    pub fn start(writer: &mut Connection, path: &Path) -> Result<Self, rusqlite::Error> {
        let mut checkpoint = Self::on(writer)?;
        let own = Connection::open(path)?;
        own.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;")?;
        let (wake, woken) = sync_channel(1);
        let tell = Arc::clone(&checkpoint.told);
        let put_back = Arc::clone(&checkpoint.put_back);
        checkpoint.thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || {
                while woken.recv().is_ok() {
                    put_back.store(follow(&own, &tell), Ordering::Release);
                }
            })
            .ok()
            .map(|thread| (wake, thread));
        Ok(checkpoint)
    }

    /// `quiet`: nobody is at work now.
    pub fn after_commit(&mut self, writer: &Connection, quiet: bool) {
        let pages = self.pages.load(Ordering::Relaxed);
        let bytes = pages.saturating_mul(self.page_bytes);
        let (start, rest) = match quiet {
            true => (QUIET_START_BYTES, QUIET_REST_PAGES),
            false => (START_BYTES, REST_PAGES),
        };
        if bytes < start {
            self.next_at = 0;
            // What is said there is of the log before it started from the front.
            self.put_back.store(0, Ordering::Relaxed);
            return;
        }
        let put_back = self.put_back.swap(0, Ordering::Acquire);
        if bytes >= FORCED_BYTES {
            run(writer, "TRUNCATE", &self.told);
            self.pages.store(0, Ordering::Relaxed);
        } else if put_back > 0 && (0..=rest).contains(&(pages - put_back)) {
            // The next write finds everything put back, and starts from the front.
            run(writer, "PASSIVE", &self.told);
        } else if bytes >= self.next_at || put_back > 0 {
            self.next_at = bytes + STEP_BYTES;
            match &self.thread {
                // Full: it is at work already.
                Some((wake, _)) => drop(wake.try_send(())),
                None => drop(run(writer, "PASSIVE", &self.told)),
            }
        }
    }

    pub fn at_close(&mut self, writer: &Connection) {
        if let Some((wake, thread)) = self.thread.take() {
            drop(wake);
            // It ends when its channel does; a panic in it has nothing to undo.
            let _ = thread.join();
        }
        run(writer, "TRUNCATE", &self.told);
    }
}

/// Checkpoints while others write, until little was written meanwhile, or not less than before. How many pages of the log
/// are put back; 0 where a reader stands in the way.
fn follow(db: &Connection, told: &Told) -> i64 {
    let (mut before, mut written) = (0, i64::MAX);
    for _ in 0..ROUNDS {
        let Some((pages, put_back)) = run(db, "PASSIVE", told).filter(|(pages, put_back)| put_back == pages) else {
            return 0;
        };
        if pages - before <= REST_PAGES / 2 || pages - before >= written {
            return put_back;
        }
        (before, written) = (put_back, pages - before);
    }
    before
}

/// Pages in the log, and how many of them are put back; `None` when nothing was done.
fn run(db: &Connection, mode: &str, told: &Told) -> Option<(i64, i64)> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    match db.query_row(&sql, [], |row| Ok((row.get(1)?, row.get(2)?))) {
        Ok((pages, put_back)) => (pages >= 0).then_some((pages, put_back)),
        Err(error) => {
            // The log stays as it is and nothing is lost: the next run tries again.
            tracing::warn!(error = %error, mode, "the write-ahead log was not checkpointed");
            told.failed(&StoreError::from(error));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn log_bytes(path: &Path) -> i64 {
        let log = path.with_extension("db-wal");
        std::fs::metadata(log).map_or(0, |log| i64::try_from(log.len()).expect("a length"))
    }

    #[test]
    fn while_nobody_is_at_work_the_log_starts_from_the_front_however_much_is_written() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log.db");
        let mut db = Connection::open(&path).expect("opens");
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (bytes BLOB NOT NULL)",
        )
        .expect("a table");
        let mut checkpoint = Checkpoint::start(&mut db, &path).expect("starts");
        let mut rows = 0;
        let mut write = |checkpoint: &mut Checkpoint, quiet| {
            // A mebibyte in each commit: never so little that a person would not notice.
            db.execute("INSERT INTO t (bytes) VALUES (zeroblob(1 << 20))", [])
                .expect("written");
            rows += 1;
            checkpoint.after_commit(&db, quiet);
            checkpoint.pages.load(Ordering::Relaxed) * checkpoint.page_bytes
        };
        while write(&mut checkpoint, false) < START_BYTES - STEP_BYTES {
            assert_eq!(
                checkpoint.put_back.load(Ordering::Relaxed),
                0,
                "beside a person it grows"
            );
        }
        let long = log_bytes(&path);
        let end = Instant::now() + Duration::from_secs(60);
        write(&mut checkpoint, true);
        while checkpoint.put_back.load(Ordering::Relaxed) == 0 {
            assert!(Instant::now() < end, "the thread does not come to its end");
            std::thread::yield_now();
        }
        write(&mut checkpoint, true);
        assert!(
            write(&mut checkpoint, true) < QUIET_START_BYTES,
            "it starts from the front"
        );
        assert!(log_bytes(&path) >= long, "its pages are written over, not given back");
        checkpoint.at_close(&db);
        assert_eq!(log_bytes(&path), 0);
        drop(db);
        let db = Connection::open(&path).expect("opens again");
        let there: i64 = db
            .query_row("SELECT count(*) FROM t WHERE length(bytes) = 1 << 20", [], |row| {
                row.get(0)
            })
            .expect("readable");
        assert_eq!(there, rows);
    }
}
