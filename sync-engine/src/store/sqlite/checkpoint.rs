//! When the write-ahead log goes back into the database.
//!
//! A thread of its own checkpoints passively, so that no write waits for it: a little at a time beside a person, whose
//! commits share the disk with it. Where writes never pause it cannot reach their end: then the writer puts the last few
//! pages back itself, between two groups, and starts the log from the front. To write over a log costs less than to let
//! it grow: for a new page the system has to find and clear memory, and room on the disk, and has to write down where it
//! is. Only when the log outgrows four times its limit does the writer stop and truncate it. It waits for nobody then: where
//! a reader pins the log it goes on, and tries again when the log has grown by another limit.

use super::disk::Told;
use super::open::{BUSY_TIMEOUT, WAL_LIMIT_BYTES};
use crate::store::StoreError;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

const FORCED_BYTES: i64 = 4 * WAL_LIMIT_BYTES;
/// Where the thread starts, and by how much the log grows after a run that could not finish before the next: bulk work
/// comes at tens of MiB a second.
const STEP_BYTES: i64 = 16 << 20;
/// ... beside a person: so little that no commit waits long for a disk that has it to write.
const STEP_BYTES_BESIDE: i64 = 4 << 20;
/// So much may be left for the writer: what a group or two of bulk work write.
const REST_PAGES: i64 = 4096;
/// ... beside a person: a few milliseconds.
const REST_PAGES_BESIDE: i64 = 512;
/// Rounds of the thread after another: each has only what was written during the one before.
const ROUNDS: u32 = 4;

/// Who is there while the log is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    Nobody,
    /// A person who may write something at any moment.
    AtWork,
    /// One whose write waits, or is about to come.
    Waiting,
}

pub struct Checkpoint {
    pages: Arc<AtomicI64>,
    page_bytes: i64,
    next_at: i64,
    /// Where the writer truncates the log itself.
    forced_at: i64,
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
            forced_at: FORCED_BYTES,
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

    pub fn after_commit(&mut self, writer: &Connection, beside: Beside) {
        let pages = self.pages.load(Ordering::Relaxed);
        let bytes = pages.saturating_mul(self.page_bytes);
        let (step, rest) = match beside {
            Beside::Nobody => (STEP_BYTES, REST_PAGES),
            Beside::AtWork | Beside::Waiting => (STEP_BYTES_BESIDE, REST_PAGES_BESIDE),
        };
        if bytes < FORCED_BYTES {
            self.forced_at = FORCED_BYTES;
        }
        if bytes < step {
            self.next_at = 0;
            // What is said there is of the log before it started from the front.
            self.put_back.store(0, Ordering::Relaxed);
            return;
        }
        let forced = bytes >= self.forced_at;
        if beside == Beside::Waiting && !forced {
            return;
        }
        let put_back = self.put_back.swap(0, Ordering::Acquire);
        if forced {
            self.force(writer, bytes);
        } else if put_back > 0 && (0..=rest).contains(&(pages - put_back)) {
            // The next write finds everything put back, and starts from the front.
            run(writer, "PASSIVE", &self.told);
        } else if bytes >= self.next_at || put_back > 0 {
            self.next_at = bytes + step;
            match &self.thread {
                // Full: it is at work already.
                Some((wake, _)) => drop(wake.try_send(())),
                None => drop(run(writer, "PASSIVE", &self.told)),
            }
        }
    }

    /// Truncates the log where nobody stands in the way.
    fn force(&mut self, writer: &Connection, bytes: i64) {
        // Each save waits for as long as this does.
        let ran = writer
            .busy_timeout(Duration::ZERO)
            .ok()
            .and_then(|()| run(writer, "TRUNCATE", &self.told));
        if let Err(error) = writer.busy_timeout(BUSY_TIMEOUT) {
            tracing::error!(%error, "the writer waits for nobody any more");
        }
        match ran {
            Some(ran) if !ran.pinned => {
                self.pages.store(0, Ordering::Relaxed);
                self.forced_at = FORCED_BYTES;
            }
            Some(_) => self.forced_at = bytes + WAL_LIMIT_BYTES,
            // Another one is putting it back: that is over soon.
            None => {}
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
        let Some(Ran { pages, put_back, .. }) = run(db, "PASSIVE", told).filter(|ran| ran.put_back == ran.pages) else {
            return 0;
        };
        if pages - before <= REST_PAGES_BESIDE / 2 || pages - before >= written {
            return put_back;
        }
        (before, written) = (put_back, pages - before);
    }
    before
}

/// What a checkpoint came to.
struct Ran {
    /// Somebody stood in its way: there is more to do.
    pinned: bool,
    /// Pages in the log, and how many of them are put back.
    pages: i64,
    put_back: i64,
}

/// `None` when nothing was done.
fn run(db: &Connection, mode: &str, told: &Told) -> Option<Ran> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let ran = db.query_row(&sql, [], |row| {
        Ok(Ran {
            pinned: row.get(0)?,
            pages: row.get(1)?,
            put_back: row.get(2)?,
        })
    });
    match ran {
        Ok(ran) => (ran.pages >= 0).then_some(ran),
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
    use std::time::Instant;

    fn log_bytes(path: &Path) -> i64 {
        let log = path.with_extension("db-wal");
        std::fs::metadata(log).map_or(0, |log| i64::try_from(log.len()).expect("a length"))
    }

    #[test]
    fn the_log_starts_from_the_front_however_much_is_written_beside_a_person_too() {
        for (beside, at_most) in [(Beside::Nobody, 32 << 20), (Beside::AtWork, 16 << 20)] {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("log.db");
            let mut db = Connection::open(&path).expect("opens");
            db.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (bytes BLOB NOT NULL)",
            )
            .expect("a table");
            let mut checkpoint = Checkpoint::start(&mut db, &path).expect("starts");
            let mut rows = 0;
            let mut write = |checkpoint: &mut Checkpoint, beside| {
                db.execute("INSERT INTO t (bytes) VALUES (zeroblob(1 << 20))", [])
                    .expect("written");
                rows += 1;
                checkpoint.after_commit(&db, beside);
                checkpoint.pages.load(Ordering::Relaxed) * checkpoint.page_bytes
            };
            let step = if beside == Beside::Nobody {
                STEP_BYTES
            } else {
                STEP_BYTES_BESIDE
            };
            while write(&mut checkpoint, Beside::Waiting) < step {
                let put_back = checkpoint.put_back.load(Ordering::Relaxed);
                assert_eq!(put_back, 0, "{beside:?}: too little to put back");
            }
            write(&mut checkpoint, Beside::Waiting);
            assert_eq!(checkpoint.next_at, 0, "{beside:?}: not while a person waits");
            let long = log_bytes(&path);
            let end = Instant::now() + Duration::from_secs(60);
            write(&mut checkpoint, beside);
            while checkpoint.put_back.load(Ordering::Relaxed) == 0 {
                assert!(Instant::now() < end, "{beside:?}: the thread does not come to its end");
                std::thread::yield_now();
            }
            write(&mut checkpoint, beside);
            assert!(
                write(&mut checkpoint, beside) < STEP_BYTES_BESIDE,
                "{beside:?}: it starts from the front"
            );
            let now = log_bytes(&path);
            assert!(now >= long, "{beside:?}: its pages are written over, not given back");
            assert!(now < at_most, "{beside:?}: {now} bytes");
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

    #[test]
    fn no_save_waits_for_a_reader_that_pins_the_log_and_it_goes_back_once_the_reader_is_gone() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log.db");
        let mut db = Connection::open(&path).expect("opens");
        db.busy_timeout(BUSY_TIMEOUT).expect("set");
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF;
             CREATE TABLE t (bytes BLOB NOT NULL); INSERT INTO t VALUES (zeroblob(4 << 20))",
        )
        .expect("a table");
        db.pragma_update(None, "journal_size_limit", WAL_LIMIT_BYTES)
            .expect("set");
        let reader = Connection::open(&path).expect("opens");
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").expect("a moment");
        let mut checkpoint = Checkpoint::start(&mut db, &path).expect("starts");
        let save = |checkpoint: &mut Checkpoint| {
            db.execute("UPDATE t SET bytes = randomblob(4 << 20)", [])
                .expect("written");
            let (begun, before) = (Instant::now(), checkpoint.forced_at);
            checkpoint.after_commit(&db, Beside::Waiting);
            (begun.elapsed(), checkpoint.forced_at > before)
        };
        let (mut tries, mut waited) = (0, Duration::ZERO);
        while log_bytes(&path) < FORCED_BYTES + 2 * WAL_LIMIT_BYTES {
            let (took, tried) = save(&mut checkpoint);
            tries += u32::from(tried);
            waited = waited.max(took);
        }
        // At 256 MiB and at 320, and perhaps at 384.
        assert!((2..=3).contains(&tries), "{tries} tries");
        assert!(waited < Duration::from_secs(2), "a save waited {waited:?}");
        reader.execute_batch("ROLLBACK").expect("gone");
        for _ in 0..=WAL_LIMIT_BYTES / (4 << 20) + 1 {
            save(&mut checkpoint);
        }
        let left = log_bytes(&path);
        assert!(left <= WAL_LIMIT_BYTES + (8 << 20), "{left} bytes");
        assert_eq!(checkpoint.forced_at, FORCED_BYTES, "and it begins anew");
        let timeout: i64 = db.query_row("PRAGMA busy_timeout", [], |row| row.get(0)).expect("set");
        assert_eq!(timeout, 5_000);
    }
}
