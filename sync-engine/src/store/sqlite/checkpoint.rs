//! When the write-ahead log goes back into the database.
//!
//! A thread of its own checkpoints passively once the log passes 64 MiB, so that no write waits for it. Only when the
//! log outgrows four times that (a reader pinned it, or writes never pause) does the writer stop and truncate it.

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
/// After a passive run that could not finish, the log grows by this much before the next.
const STEP_BYTES: i64 = 16 << 20;

pub struct Checkpoint {
    pages: Arc<AtomicI64>,
    page_bytes: i64,
    next_at: i64,
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
            next_at: WAL_LIMIT_BYTES,
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
        checkpoint.thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || {
                while woken.recv().is_ok() {
                    run(&own, "PASSIVE", &tell);
                }
            })
            .ok()
            .map(|thread| (wake, thread));
        Ok(checkpoint)
    }

    pub fn after_commit(&mut self, writer: &Connection) {
        let bytes = self.pages.load(Ordering::Relaxed).saturating_mul(self.page_bytes);
        if bytes < WAL_LIMIT_BYTES {
            self.next_at = WAL_LIMIT_BYTES;
        } else if bytes >= FORCED_BYTES {
            run(writer, "TRUNCATE", &self.told);
            self.pages.store(0, Ordering::Relaxed);
        } else if bytes >= self.next_at {
            self.next_at = bytes + STEP_BYTES;
            match &self.thread {
                // Full: it is at work already.
                Some((wake, _)) => drop(wake.try_send(())),
                None => run(writer, "PASSIVE", &self.told),
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

fn run(db: &Connection, mode: &str, told: &Told) {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    if let Err(error) = db.query_row(&sql, [], |_| Ok(())) {
        // The log stays as it is and nothing is lost: the next run tries again.
        tracing::warn!(error = %error, mode, "the write-ahead log was not checkpointed");
        told.failed(&StoreError::from(error));
    }
}
