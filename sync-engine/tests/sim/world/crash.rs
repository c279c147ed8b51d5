//! How a process ends, what it leaves behind, and the bugs that are planted in that.

use super::World;
use crate::kernel::Event;
use crate::plan::Plant;
use std::path::{Path, PathBuf};

impl World {
    /// The process is gone, with all that it had not committed.
    pub(super) fn crash(&mut self, engine: usize, seconds: u32) {
        let Some(host) = self.places[engine].host.take() else {
            return;
        };
        self.kernel.trace(|| format!("e{engine} crashes"));
        self.places[engine].is_frozen = false;
        self.places[engine].stopping = None;
        self.calls.broke_off(engine, &mut self.network.lock());
        let alone = self.places.iter().all(|place| place.host.is_none());
        let done = match alone {
            true => self.leave_behind(),
            false => Ok(()),
        };
        let locks = files(&self.data.join("engines"));
        drop(host);
        // A killed process leaves its file, unlocked.
        let mut left = locks.iter().filter(|lock| !lock.exists());
        let left = left.try_for_each(|lock| std::fs::write(lock, ""));
        if let Err(error) = done.and(left) {
            self.kernel.broken(|| format!("the simulation's own files: {error}"));
        }
        self.kernel.after(i64::from(seconds) * 1_000, Event::Start(engine));
    }

    /// Bugs that are put in behind the engine's back.
    pub(super) fn plant(&self) -> rusqlite::Result<()> {
        let sql = match self.plan.plant {
            Some(Plant::CounterWrong) => {
                "CREATE TRIGGER planted AFTER INSERT ON operation BEGIN
                 UPDATE counter SET value = value + 1 WHERE name = 'documents'; END"
            }
            Some(Plant::AuditAltered) => {
                "DROP TRIGGER audit_no_update; CREATE TRIGGER planted AFTER INSERT ON audit
                 WHEN NEW.id > 9 BEGIN UPDATE audit SET actor = 'nobody' WHERE id = NEW.id - 5; END"
            }
            Some(Plant::WithdrawnReturns) => {
                "CREATE TRIGGER planted AFTER UPDATE ON operation
                 WHEN NEW.state = 'Withdrawn' BEGIN
                 UPDATE operation SET state = 'Queued', ready = 1, due_at = 0 WHERE seq = NEW.seq; END"
            }
            Some(Plant::NeverAgain) => {
                "CREATE TRIGGER planted AFTER UPDATE ON operation
                 WHEN NEW.state IN ('Retrying', 'Unknown') AND NEW.due_at < 1790000000000 BEGIN
                 UPDATE operation SET due_at = due_at + 31536000000 WHERE seq = NEW.seq; END"
            }
            _ => return Ok(()),
        };
        rusqlite::Connection::open(self.data.join("countersign.db"))?.execute_batch(sql)
    }

    /// The next process finds the files as they lie now: the log is not checkpointed, nobody said goodbye.
    fn leave_behind(&mut self) -> std::io::Result<()> {
        self.generation += 1;
        let next = self.folder.path().join(format!("data{}", self.generation));
        std::fs::create_dir_all(next.join("engines"))?;
        for name in ["countersign.db", "countersign.db-wal"] {
            if self.plan.plant == Some(Plant::CommitLost) && name.ends_with("wal") {
                continue;
            }
            let from = self.data.join(name);
            if from.exists() {
                std::fs::copy(from, next.join(name))?;
            }
        }
        for lock in files(&self.data.join("engines")) {
            std::fs::write(next.join("engines").join(lock.file_name().unwrap_or_default()), "")?;
        }
        self.data = next;
        let database = self.data.join("countersign.db");
        self.checker.move_to(&database).map_err(std::io::Error::other)
    }
}

/// Files of a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "lock"));
    files.sort();
    files
}
