//! Whose lease each operation is under: nobody else writes an outcome.

use rusqlite::Connection;
use std::collections::BTreeMap;

/// An engine's number, and which of its lives.
pub type Process = (usize, u32);

/// What was seen of an operation after the last commit.
struct Seen {
    epoch: i64,
    attempts: i64,
    is_leased: bool,
    /// Who claimed it in this epoch.
    owner: Option<Process>,
}

/// Operations by their place in the queue.
#[derive(Default)]
pub struct Leases(BTreeMap<i64, Seen>);

impl Leases {
    /// Looks at what a process has just committed.
    pub fn look(&mut self, db: &Connection, by: Process) -> Result<(), String> {
        let text = |error: rusqlite::Error| error.to_string();
        let mut ask = db
            .prepare_cached("SELECT seq, epoch, attempts, lease_until IS NOT NULL FROM operation")
            .map_err(text)?;
        let rows = ask.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        for row in rows.map_err(text)? {
            let (seq, epoch, attempts, is_leased): (i64, i64, i64, bool) = row.map_err(text)?;
            let known = self.0.get(&seq);
            let same = known.filter(|known| known.epoch == epoch);
            if let Some(Seen {
                attempts: before,
                is_leased: true,
                owner: Some(owner),
                ..
            }) = same
                && attempts > *before
                && *owner != by
            {
                return Err(format!(
                    "engine {} wrote an outcome of operation {seq} under the lease of engine {}, epoch {epoch}",
                    by.0, owner.0
                ));
            }
            let owner = match (same, known) {
                (Some(same), _) => same.owner,
                (None, Some(known)) if epoch < known.epoch => None,
                (None, _) => (epoch > 0).then_some(by),
            };
            self.0.insert(
                seq,
                Seen {
                    epoch,
                    attempts,
                    is_leased,
                    owner,
                },
            );
        }
        Ok(())
    }
}
