//! A store without threads: whoever opens it runs the writer, group by group. A simulation chooses when a group commits,
//! and what of it is lost in a crash.

use super::checkpoint::Checkpoint;
use super::writer::Writer;
use super::{SqliteStore, open};
use crate::clock::Stopwatch;
use crate::store::StoreError;
use std::path::Path;

/// The writer of a store that was opened with `SqliteStore::open_hosted`. Dropped, it leaves the database as a killed
/// process does: what was not committed is gone.
pub struct HostedWriter {
    writer: Writer,
}

impl HostedWriter {
    /// Whether a unit of work waits for a group.
    pub fn is_waiting(&self) -> bool {
        self.writer.is_waiting()
    }

    /// Commits one group, if anything waits, and answers its callers. Whether anything waited.
    pub fn step(&mut self) -> bool {
        self.writer.step()
    }
}

impl SqliteStore {
    /// As `open`, with the writer in the caller's hands and reads on the threads that ask for them. The stopwatch decides
    /// how much goes into one group.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_hosted(path: impl AsRef<Path>, stopwatch: Stopwatch) -> Result<(Self, HostedWriter), StoreError> {
        let path = path.as_ref().to_path_buf();
        let mut db = open::open_writer(&path)?;
        let checkpoint = Checkpoint::on(&mut db)?;
        let (store, writer) = Self::prepare(db, path, checkpoint, stopwatch)?;
        Ok((store, HostedWriter { writer }))
    }
}
