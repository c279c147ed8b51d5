//! The live end of the change feed: what this process commits, and what others committed beside it, once and in order.
//!
//! Ids of changes have no gaps, and grow in the order of the commits of all processes.

use crate::store::{ChangeRow, StoreError};
use rusqlite::Connection;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

/// Change rows that a subscriber may be behind before it is told that it lags. What others wrote is told up to as many
/// at once; of more only the newest, and the gap before it says that there were more.
const BUFFERED: u32 = 1_024;

pub struct Live {
    sender: broadcast::Sender<ChangeRow>,
    /// Id of the newest change that subscribers were told of.
    newest: Mutex<i64>,
}

impl Live {
    /// # Errors
    /// When the newest change cannot be read.
    pub fn of(db: &Connection) -> Result<Self, StoreError> {
        let newest = newest(db)?.map_or(0, |row| row.id);
        Ok(Self {
            sender: broadcast::channel(BUFFERED as usize).0,
            newest: Mutex::new(newest),
        })
    }

    pub fn subscribe(&self) -> broadcast::Receiver<ChangeRow> {
        self.sender.subscribe()
    }

    pub fn newest(&self) -> i64 {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, i64> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what the writer committed, after what others committed before it.
    pub fn committed(&self, db: &Connection, ours: Vec<ChangeRow>) {
        let Some(first) = ours.first().map(|row| row.id) else {
            return;
        };
        let mut newest = self.lock();
        let others = first - *newest - 1;
        if (1..=i64::from(BUFFERED)).contains(&others) {
            match after(db, *newest, u32::try_from(others).unwrap_or(BUFFERED)) {
                Ok(rows) => self.tell(&mut newest, rows),
                Err(error) => tracing::warn!(%error, "what other processes wrote is passed over"),
            }
        }
        self.tell(&mut newest, ours);
    }

    /// Tells what others committed since. One look at the end of the table where that is nothing. The writer does not
    /// wait for the read: what it tells meanwhile is not told again.
    pub fn look(&self, db: &Connection) -> Result<(), StoreError> {
        let known = self.newest();
        let mut rows = after(db, known, BUFFERED + 1)?;
        if rows.len() > BUFFERED as usize {
            rows = newest(db)?.into_iter().collect();
        }
        self.tell(&mut self.lock(), rows);
        Ok(())
    }

    fn tell(&self, newest: &mut i64, rows: Vec<ChangeRow>) {
        for row in rows {
            if row.id > *newest {
                *newest = row.id;
                // Nobody listens: nothing is lost, the store is the truth.
                let _ = self.sender.send(row);
            }
        }
    }
}

/// Changes after an id, oldest first.
pub fn after(db: &Connection, id: i64, most: u32) -> Result<Vec<ChangeRow>, StoreError> {
    let mut select =
        db.prepare_cached("SELECT id, kind, subject, document_id FROM change WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let rows = select.query_map((id, most), change)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn newest(db: &Connection) -> Result<Option<ChangeRow>, StoreError> {
    let mut select = db.prepare_cached("SELECT id, kind, subject, document_id FROM change ORDER BY id DESC LIMIT 1")?;
    let mut rows = select.query_map([], change)?;
    Ok(rows.next().transpose()?)
}

fn change(row: &rusqlite::Row<'_>) -> rusqlite::Result<ChangeRow> {
    Ok(ChangeRow {
        id: row.get(0)?,
        kind: row.get(1)?,
        subject: row.get(2)?,
        document: row.get(3)?,
    })
}
