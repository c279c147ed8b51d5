//! The one writer: takes every waiting unit of work, runs them in one transaction, each so that it can be undone alone,
//! commits once, answers.

use super::checkpoint::{Beside, Checkpoint};
use super::disk::Disk;
use super::journal::Journal;
use super::live::Live;
use super::queue::{Answer, BULK_PATIENCE, Queue, Unit, Value};
use super::tx::Tx;
use crate::clock::Stopwatch;
use crate::store::{ErasedWork, StoreError, panic_text};
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Bulk work after which a group commits: the more in one, the fewer pages are written twice ...
const GROUP_BULK: Duration = Duration::from_millis(40);
/// ... but less while a person is at work: so long it may hold the writer, its commit included.
const HOLD_BESIDE: Duration = Duration::from_millis(5);
/// For so long after an answer a person counts as at work.
const AT_WORK: Duration = Duration::from_secs(30);
/// Units in one group at most.
const GROUP_UNITS: usize = 1_000;
/// How a unit ended.
enum Ended {
    /// Its rows stand in the transaction, or are undone.
    Alone(Result<Value, StoreError>),
    /// It could not be undone alone: the transaction must not be committed.
    WithGroup(StoreError),
}

/// What a group has run so far.
#[derive(Default)]
struct Group {
    answers: Vec<(Answer, Result<Value, StoreError>)>,
    journal: Journal,
    /// A unit that succeeded stands in the transaction.
    holds_rows: bool,
    interactive: usize,
    bulk: usize,
    bulk_time: Duration,
}

pub struct Writer {
    pub db: Connection,
    pub queue: Arc<Queue>,
    pub live: Arc<Live>,
    pub checkpoint: Checkpoint,
    pub disk: Disk,
    /// Since when bulk work has waited through whole groups.
    pub bulk_waits_since: Option<Duration>,
    pub last_interactive: Option<Duration>,
    /// What the commit of a bulk group took lately, beside a person.
    pub bulk_commit: Duration,
    pub stopwatch: Stopwatch,
}

/// However it ends, nobody waits for it for ever.
impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

impl Writer {
    /// Runs until the queue is closed and empty, then checkpoints.
    pub fn run(mut self) {
        while self.queue.wait(self.disk.look_every(), &self.stopwatch) {
            self.step();
        }
        self.checkpoint.at_close(&self.db);
    }

    /// One group, if anything waits: what the thread repeats, and a simulation calls when it chooses.
    pub fn step(&mut self) -> bool {
        let waiting = self.queue.is_waiting();
        if waiting {
            self.group();
            let beside = match self.at_work() {
                false => Beside::Nobody,
                true if self.queue.is_person_waiting() => Beside::Waiting,
                true => Beside::AtWork,
            };
            self.checkpoint.after_commit(&self.db, beside);
        }
        self.disk.look(&self.db);
        waiting
    }

    pub fn is_waiting(&self) -> bool {
        self.queue.is_waiting()
    }

    /// Whether a person waits now and then.
    fn at_work(&self) -> bool {
        let now = (self.stopwatch)();
        self.last_interactive
            .is_some_and(|last| now.saturating_sub(last) < AT_WORK)
    }

    /// Bulk work in one group. Where the disk alone takes that long, half as much again is little beside it.
    fn bulk_limit(&self) -> Duration {
        match self.at_work() {
            true => HOLD_BESIDE.saturating_sub(self.bulk_commit).max(self.bulk_commit / 2),
            false => GROUP_BULK,
        }
    }

    fn group(&mut self) {
        let begun = match self.disk.ready(&self.db) {
            Ok(()) => execute(&self.db, "BEGIN IMMEDIATE").map_err(StoreError::from),
            Err(error) => Err(error),
        };
        if let Err(error) = begun {
            self.disk.failed(&error);
            for unit in self.queue.take_all() {
                let _ = unit.answer.send(Err(copy(&error)));
            }
            return;
        }
        let mut group = Group::default();
        while let Some(unit) = self.next(&mut group) {
            let started = (self.stopwatch)();
            let is_bulk = group.bulk > 0;
            let ended = match group.holds_rows {
                false => self.first(unit.work, &mut group.journal),
                true => self.unit(unit.work, &mut group.journal),
            };
            if is_bulk {
                group.bulk_time += (self.stopwatch)().saturating_sub(started);
            }
            let result = match ended {
                Ended::WithGroup(error) => return self.lose(group, unit.answer, error),
                // SQLite itself rolls everything back on a full disk or an I/O error.
                Ended::Alone(result) if self.db.is_autocommit() => {
                    return self.lose(group, unit.answer, result.err().unwrap_or_else(lost));
                }
                Ended::Alone(result) => result,
            };
            match &result {
                Ok(_) => group.holds_rows = true,
                Err(error) => {
                    self.disk.failed(error);
                }
            }
            group.answers.push((unit.answer, result));
        }
        let learns = group.bulk > 0 && self.at_work();
        let worked = (self.stopwatch)();
        self.commit(group);
        if learns {
            let took = (self.stopwatch)().saturating_sub(worked);
            self.bulk_commit = (self.bulk_commit + took) / 2;
        }
    }

    /// Interactive units first. Bulk ones until their time is up or an interactive one is announced, and none after an
    /// interactive one, whose caller waits for the commit; only when bulk was passed over for a while, one unit of it
    /// gets in.
    fn next(&mut self, group: &mut Group) -> Option<Unit> {
        let now = (self.stopwatch)();
        let since = |moment: Duration| now.saturating_sub(moment);
        let mut waiting = self.queue.lock();
        if group.answers.len() >= GROUP_UNITS {
            return None;
        }
        if let Some(unit) = waiting.interactive.pop_front() {
            group.interactive += 1;
            self.last_interactive = Some(now);
            return Some(unit);
        }
        let bulk_allowed = if group.interactive > 0 {
            let waited = self
                .bulk_waits_since
                .is_some_and(|waiting| since(waiting) >= BULK_PATIENCE);
            waited && group.bulk == 0
        } else {
            group.bulk == 0 || (!waiting.is_announced() && group.bulk_time < self.bulk_limit())
        };
        if bulk_allowed && let Some(unit) = waiting.bulk.pop_front() {
            group.bulk += 1;
            return Some(unit);
        }
        self.bulk_waits_since = match group.bulk == 0 && !waiting.bulk.is_empty() {
            true => self.bulk_waits_since.or(Some(now)),
            false => None,
        };
        None
    }

    /// A unit with nothing before it in the transaction: an error or a panic undoes all of that. Without a savepoint,
    /// which keeps a copy of every page that is changed under it.
    fn first(&self, work: ErasedWork, journal: &mut Journal) -> Ended {
        match run(&self.db, work, journal) {
            Ok((value, left)) => {
                journal.absorb(left);
                Ended::Alone(Ok(value))
            }
            Err(error) if self.db.is_autocommit() => Ended::Alone(Err(error)),
            Err(error) => match execute(&self.db, "ROLLBACK").and_then(|()| execute(&self.db, "BEGIN IMMEDIATE")) {
                Ok(()) => Ended::Alone(Err(error)),
                Err(lost) => Ended::WithGroup(lost.into()),
            },
        }
    }

    /// One unit in its own savepoint. An error or a panic undoes it alone.
    fn unit(&self, work: ErasedWork, journal: &mut Journal) -> Ended {
        if let Err(error) = execute(&self.db, "SAVEPOINT unit") {
            return Ended::WithGroup(error.into());
        }
        let result = run(&self.db, work, journal);
        let ended = match &result {
            Ok(_) => execute(&self.db, "RELEASE unit"),
            Err(_) if self.db.is_autocommit() => Ok(()),
            Err(_) => execute(&self.db, "ROLLBACK TO unit").and_then(|()| execute(&self.db, "RELEASE unit")),
        };
        match (result, ended) {
            (Ok((value, left)), Ok(())) => {
                journal.absorb(left);
                Ended::Alone(Ok(value))
            }
            (Err(error), Ok(())) => Ended::Alone(Err(error)),
            // Half a unit may stand in the transaction.
            (_, Err(error)) => Ended::WithGroup(error.into()),
        }
    }

    fn commit(&mut self, group: Group) {
        let Group { answers, journal, .. } = group;
        let flushed = journal.flush(&self.db);
        let at_commit = flushed.is_ok();
        let committed =
            flushed.and_then(|changes| execute(&self.db, "COMMIT").map(|()| changes).map_err(StoreError::from));
        match committed {
            Ok(changes) => {
                self.queue.committed();
                self.live.committed(&self.db, changes);
                for (answer, result) in answers {
                    // The caller may have gone; the work is done all the same.
                    let _ = answer.send(result);
                }
            }
            Err(error) => self.undo(answers, error, at_commit),
        }
    }

    /// A unit took its whole group with it: what had succeeded in it gets the error too.
    fn lose(&mut self, group: Group, last: Answer, error: StoreError) {
        let mut answers = group.answers;
        answers.push((last, Err(copy(&error))));
        self.undo(answers, error, false);
    }

    /// Rolls the transaction back and tells everyone in it. Where the disk failed at the commit itself and goes on to
    /// fail, its frames may be in the log and valid: that is said.
    fn undo(&mut self, answers: Vec<(Answer, Result<Value, StoreError>)>, error: StoreError, at_commit: bool) {
        tracing::error!(error = %error, units = answers.len(), "a group of writes was rolled back");
        if !self.db.is_autocommit()
            && let Err(error) = execute(&self.db, "ROLLBACK")
        {
            tracing::error!(error = %error, "the rollback of a group failed");
        }
        let mut error = error;
        if self.disk.failed(&error)
            && let Err(still) = self.disk.settle(&self.db)
            && at_commit
            && matches!(error, StoreError::Disk(_))
        {
            error = StoreError::Uncertain(still.to_string());
        }
        for (answer, result) in answers {
            let _ = answer.send(result.and_then(|_| Err(copy(&error))));
        }
    }
}

/// Runs a unit after those that left `before`. What it wrote is still to be kept or undone.
fn run(db: &Connection, work: ErasedWork, before: &Journal) -> Result<(Value, Journal), StoreError> {
    let mut tx = Tx::new(db, before);
    match catch_unwind(AssertUnwindSafe(|| work(&mut tx))) {
        Ok(result) => result.and_then(|value| Ok((value, tx.end()?))),
        Err(panic) => Err(StoreError::Panicked(panic_text(&*panic))),
    }
}

fn execute(db: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    db.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn lost() -> StoreError {
    StoreError::Conflict("the transaction ended before its commit: nothing was changed".to_owned())
}

/// `rusqlite::Error` is not `Clone`; what callers look at is.
fn again(error: &rusqlite::Error) -> StoreError {
    StoreError::from(match error {
        rusqlite::Error::SqliteFailure(code, text) => rusqlite::Error::SqliteFailure(*code, text.clone()),
        other => rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR),
            Some(other.to_string()),
        ),
    })
}

fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::DiskFull => StoreError::DiskFull,
        StoreError::Disk(reason) => StoreError::Disk(reason.clone()),
        StoreError::Uncertain(reason) => StoreError::Uncertain(reason.clone()),
        StoreError::Sql(error) => again(error),
        other => StoreError::Conflict(format!("nothing was changed: {other}")),
    }
}
