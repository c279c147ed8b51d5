//! Care of the database while the engine runs: old and settled things go into archives, backups are made and rotated.

use super::{Exchange, incidents};
use crate::domain::{CompanyId, Timestamp};
use crate::store::{ArchivePlace, ArchiveQuery, Forget, Lane, Store, StoreError, StoreExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
const RETIRE_EVERY_MILLIS: i64 = DAY_MILLIS;
/// Rows of the audit trail that one transaction deletes.
const AUDIT_AT_ONCE: u32 = 200;
/// Pages that one transaction gives back: a mebibyte is moved at most.
const PAGES_AT_ONCE: u32 = 256;
/// Between two of those, so that whoever works hardly notices.
const BETWEEN: Duration = Duration::from_millis(20);
/// Archives of one run at most; the rest comes the next day.
const ARCHIVES: usize = 100;
/// Backups that were scheduled are named so; others are never removed.
const SCHEDULED: &str = "scheduled-";

/// What is taken care of, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Care {
    pub archives: PathBuf,
    pub backups: PathBuf,
    /// Settled things are archived after so many days; `None` keeps them all.
    pub keep_days: Option<u32>,
    /// Hours between two backups; `None` makes none.
    pub backup_hours: Option<u32>,
    /// Scheduled backups that are kept.
    pub keep_backups: u32,
}

/// What went into archives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retired {
    pub archives: Vec<String>,
    pub documents: usize,
    pub quarantine: usize,
    pub audit: usize,
}

/// Archives what was settled of a company before `before`, then deletes it in batches that hold the writer shortly.
///
/// # Errors
/// The store's own. What an archive holds and is not deleted yet goes into the next one as well.
pub async fn retire(
    store: &Arc<dyn Store>,
    folder: &Path,
    company: &CompanyId,
    before: Timestamp,
) -> Result<Retired, StoreError> {
    let mut retired = Retired::default();
    let mut query = ArchiveQuery {
        company: company.clone(),
        before,
        after: ArchivePlace::default(),
    };
    let mut earlier = 0;
    for number in 1..=ARCHIVES {
        let (to, moment) = (folder.to_path_buf(), format!("{}-{number}", stamp(before)));
        let wanted = query.clone();
        let archive = store.read(move |store| store.archive(&to, &wanted, &moment)).await?;
        let Some(archive) = archive else {
            // The delivery notes of orders that went are settled now.
            if retired.documents == earlier {
                break;
            }
            earlier = retired.documents;
            query.after = ArchivePlace::default();
            continue;
        };
        tracing::info!(path = archive.path, rows = archive.rows, "archived");
        for batch in archive.batches() {
            let count = forget(store, batch.clone()).await?;
            match batch {
                Forget::Documents(_) => retired.documents += count,
                Forget::Quarantine(_) | Forget::Audit { .. } => retired.quarantine += count,
            }
        }
        if let Some(to) = archive.audit_to {
            loop {
                let count = forget(
                    store,
                    Forget::Audit {
                        to,
                        most: AUDIT_AT_ONCE,
                    },
                )
                .await?;
                retired.audit += count;
                if count == 0 {
                    break;
                }
            }
        }
        query.after = archive.place(query.after);
        retired.archives.push(archive.path);
    }
    Ok(retired)
}

/// Gives pages that nothing needs back to the disk, some at a time, until so many are left as the next work is likely to
/// use; how many. `between` is waited for after each step.
///
/// # Errors
/// The store's own; what was given back stays so.
pub async fn shrink<F: Future<Output = ()>>(
    store: &Arc<dyn Store>,
    between: impl Fn() -> F,
) -> Result<u64, StoreError> {
    let mut pages = 0;
    loop {
        match store.write(Lane::Bulk, |tx| tx.shrink(PAGES_AT_ONCE)).await? {
            0 => return Ok(pages),
            given => pages += u64::from(given),
        }
        between().await;
    }
}

async fn forget(store: &Arc<dyn Store>, batch: Forget) -> Result<usize, StoreError> {
    store.write(Lane::Bulk, move |tx| tx.forget(&batch)).await
}

/// A time as part of a file's name; names sort by age.
pub fn stamp(at: Timestamp) -> String {
    let digits = at.to_rfc3339();
    digits.chars().filter(char::is_ascii_digit).take(17).collect()
}

/// Until the engine stops. Not in its first minutes, when others want the disk.
pub async fn run(exchange: Arc<Exchange>, care: Care) {
    let mut retired_at: Option<Timestamp> = None;
    // What is not wanted any more cannot fail.
    if care.keep_days.is_none() {
        exchange.noted(incidents::ARCHIVE, None);
    }
    if care.backup_hours.is_none() {
        exchange.noted(incidents::BACKUP, None);
    }
    loop {
        exchange.sleep(exchange.pace.care_every).await;
        if exchange.stopping() {
            return;
        }
        let now = exchange.clock.now();
        // A disk that takes nothing takes no archive either.
        if exchange.store.trouble().is_none() {
            let due = retired_at.is_none_or(|at| now.0 - at.0 >= RETIRE_EVERY_MILLIS);
            if let (Some(days), true) = (care.keep_days, due) {
                retired_at = Some(now);
                let before = Timestamp(now.0 - i64::from(days) * DAY_MILLIS);
                match retire(&exchange.store, &care.archives, &exchange.company, before).await {
                    Ok(retired) => {
                        exchange.noted(incidents::ARCHIVE, None);
                        if retired != Retired::default() {
                            tracing::info!(?retired, "what was settled went into archives");
                        }
                    }
                    Err(StoreError::Closed) => return,
                    Err(error) => {
                        exchange.noted(incidents::ARCHIVE, Some(error.to_string()));
                        tracing::error!(%error, "not archived: it is tried again tomorrow");
                    }
                }
                match shrink(&exchange.store, || exchange.sleep(BETWEEN)).await {
                    Ok(0) => {}
                    Ok(pages) => tracing::info!(pages, "given back to the disk"),
                    Err(StoreError::Closed) => return,
                    Err(error) => {
                        tracing::error!(%error, "free pages stay in the database: it is tried again tomorrow")
                    }
                }
            }
            if let Some(hours) = care.backup_hours {
                let care = care.clone();
                let made = exchange
                    .store
                    .read(move |store| scheduled_backup(store, &care, hours, now));
                match made.await {
                    Ok(_) => exchange.noted(incidents::BACKUP, None),
                    Err(StoreError::Closed) => return,
                    Err(error) => {
                        exchange.noted(incidents::BACKUP, Some(error.to_string()));
                        tracing::error!(%error, "the scheduled backup was not made: it is tried again shortly");
                    }
                }
            }
        }
    }
}

/// A backup when the newest scheduled one is old enough; then the oldest beyond those that are kept go.
///
/// # Errors
/// As `Store::backup`; `Conflict` when the folder cannot be used.
pub fn scheduled_backup(store: &dyn Store, care: &Care, hours: u32, now: Timestamp) -> Result<bool, StoreError> {
    let wrong = |e: std::io::Error| StoreError::Conflict(format!("{}: {e}", care.backups.display()));
    std::fs::create_dir_all(&care.backups).map_err(wrong)?;
    let there = scheduled(&care.backups).map_err(wrong)?;
    let named = |at: Timestamp| format!("{SCHEDULED}{}.db", stamp(at));
    let (name, oldest_fresh) = (named(now), named(now.plus_millis(-i64::from(hours) * 60 * 60 * 1000)));
    // One from the future was made while the clock was wrong: it must not keep others from being made.
    if there.iter().any(|one| *one > oldest_fresh && *one <= name) {
        return Ok(false);
    }
    let report = store.backup(&care.backups.join(&name))?;
    tracing::info!(path = report.path, bytes = report.bytes, "scheduled backup");
    // After the new one is whole, and never the newest.
    let keep = usize::try_from(care.keep_backups.max(1)).unwrap_or(usize::MAX);
    let all = scheduled(&care.backups).map_err(wrong)?;
    for old in all.iter().take(all.len().saturating_sub(keep)) {
        std::fs::remove_file(care.backups.join(old)).map_err(wrong)?;
    }
    Ok(true)
}

/// Names of the scheduled backups, oldest first.
fn scheduled(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(SCHEDULED) && name.ends_with(".db") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SqliteStore;

    #[test]
    fn scheduled_backups_are_made_when_due_and_rotate() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("countersign.db")).expect("opened");
        let backups = folder.path().join("backups");
        let care = Care {
            archives: backups.clone(),
            backups: backups.clone(),
            keep_days: None,
            backup_hours: Some(24),
            keep_backups: 2,
        };
        std::fs::create_dir(&backups).expect("made");
        std::fs::write(backups.join("by-hand.db"), b"not ours").expect("written");
        // One that was killed is none, and goes with the next.
        let killed = format!("{SCHEDULED}{}.db.part", stamp(Timestamp(1_800_000_000_000)));
        std::fs::write(backups.join(killed), b"half of it").expect("written");
        for (hour, made) in [(0, true), (1, false), (25, true), (26, false), (50, true), (75, true)] {
            let now = Timestamp(1_800_000_000_000 + hour * 3_600_000);
            let done = scheduled_backup(&store, &care, 24, now).expect("made");
            assert_eq!(done, made, "hour {hour}");
        }
        let mut names: Vec<_> = std::fs::read_dir(&backups)
            .expect("readable")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names.len(), 3, "{names:?}");
        let scratch = folder.path().join("drill");
        std::fs::create_dir(&scratch).expect("made");
        let drilled = SqliteStore::drill(&backups.join(&names[2]), &scratch).expect("restored");
        assert_eq!(drilled.wrong(), None);
    }

    #[test]
    fn a_clock_that_was_ahead_once_does_not_end_the_backups() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("countersign.db")).expect("opened");
        let care = Care {
            archives: folder.path().join("archives"),
            backups: folder.path().join("backups"),
            keep_days: None,
            backup_hours: Some(24),
            keep_backups: 7,
        };
        let day = |day: i64| Timestamp(1_800_000_000_000 + day * DAY_MILLIS);
        for (at, made) in [(9_000, true), (0, true), (0, false), (1, true), (2, true)] {
            let done = scheduled_backup(&store, &care, 24, day(at)).expect("made");
            assert_eq!(done, made, "day {at}");
        }
        assert_eq!(scheduled(&care.backups).expect("readable").len(), 4);
    }

    #[test]
    fn names_sort_by_age() {
        assert_eq!(stamp(Timestamp(1_800_000_000_123)), "20270115080000123");
    }
}
