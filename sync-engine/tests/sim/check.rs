//! What has to hold after every commit, and at the end. Looks at the database with a connection of its own.

use crate::lease::{Leases, Process};
use crate::network::Net;
use crate::partner::{Listed, Stream};
use crate::plan::Mode;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use sync_engine::domain::chain::Author;
use sync_engine::domain::{Chain, ChainState, DocumentId, Purpose, VersionHead, VersionState};
use uuid::Uuid;

type Wrong = Result<(), String>;

pub struct Checker {
    db: Connection,
    changes_seen: i64,
    audit_seen: i64,
    leases: Leases,
}

/// A row of `operation`, as far as the checks need it.
#[derive(Debug)]
pub struct Operation {
    pub seq: i64,
    /// Its idempotency key: what the partner knows it by.
    pub id: Uuid,
    pub own_id: Uuid,
    pub is_replayed: bool,
    pub partner: String,
    pub number: String,
    pub state: String,
    pub due_at: Option<i64>,
    pub created_at: i64,
    pub error: Option<String>,
}

impl Operation {
    /// The partner said that it lost it when something had come after it already.
    pub fn is_said_to_be_lost(&self) -> bool {
        self.error
            .as_ref()
            .is_some_and(|error| error.contains("\"partner.lost\""))
    }
}

impl Checker {
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let db = Connection::open(path)?;
        db.set_prepared_statement_cache_capacity(64);
        Ok(Self {
            db,
            changes_seen: 0,
            audit_seen: 0,
            leases: Leases::default(),
        })
    }

    /// Another file of the same history: what was looked at need not be looked at again.
    pub fn move_to(&mut self, path: &Path) -> rusqlite::Result<()> {
        self.db = Connection::open(path)?;
        self.db.set_prepared_statement_cache_capacity(64);
        Ok(())
    }

    fn number(&self, sql: &str) -> Result<i64, String> {
        let asked = self
            .db
            .prepare_cached(sql)
            .and_then(|mut s| s.query_row([], |row| row.get(0)));
        asked.map_err(|e| format!("{sql}: {e}"))
    }

    /// Documents that changed since this was asked last.
    pub fn changed(&mut self) -> Result<Vec<DocumentId>, String> {
        let mut ask = self
            .db
            .prepare_cached("SELECT id, document_id FROM change WHERE id > ?1")
            .map_err(text)?;
        let rows = ask.query_map([self.changes_seen], |row| {
            Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?))
        });
        let rows: Vec<(i64, Option<i64>)> = rows.map_err(text)?.collect::<Result<_, _>>().map_err(text)?;
        self.changes_seen = rows.last().map_or(self.changes_seen, |row| row.0);
        let ids: BTreeSet<i64> = rows.into_iter().filter_map(|row| row.1).collect();
        Ok(ids.into_iter().map(DocumentId).collect())
    }

    /// Operations that a person has released since this was asked last: each is a consent to send once more.
    pub fn released(&mut self) -> Result<Vec<Uuid>, String> {
        let sql = "SELECT id, action, json_extract(detail, '$.operation') FROM audit WHERE id > ?1";
        let mut ask = self.db.prepare_cached(sql).map_err(text)?;
        let rows = ask.query_map([self.audit_seen], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let rows: Vec<(i64, String, Option<String>)> = rows.map_err(text)?.collect::<Result<_, _>>().map_err(text)?;
        self.audit_seen = rows.last().map_or(self.audit_seen, |row| row.0);
        let released = rows.into_iter().filter(|row| row.1 == "release");
        Ok(released.filter_map(|row| Uuid::parse_str(&row.2?).ok()).collect())
    }

    /// Outcomes are written by those who hold the lease.
    pub fn outcomes(&mut self, by: Process) -> Wrong {
        self.leases.look(&self.db, by)
    }

    /// Numbers on the screen are what a count gives; dead letters keep what a person needs.
    pub fn commit(&self) -> Wrong {
        let sql = "SELECT 'documents', count(*) FROM document
            UNION ALL SELECT 'needsAnswer', coalesce(sum(needs_answer), 0) FROM document
            UNION ALL SELECT 'quarantine', count(*) FROM quarantine WHERE state = 'Open'
            UNION ALL SELECT lower(state), count(*) FROM operation GROUP BY state";
        let counted = self.pairs(sql)?;
        let kept = self.pairs("SELECT name, value FROM counter WHERE name <> 'duplicates'")?;
        for name in counted.keys().chain(kept.keys()) {
            let (counted, kept) = (counted.get(name).unwrap_or(&0), kept.get(name).unwrap_or(&0));
            if counted != kept {
                return Err(format!("the screen says {kept} {name}, there are {counted}"));
            }
        }
        let poor = self.number(
            "SELECT count(*) FROM operation o WHERE state = 'Dead' AND (last_error IS NULL
             OR NOT EXISTS (SELECT 1 FROM request r WHERE r.operation_seq = o.seq UNION ALL
               SELECT 1 FROM attempt a WHERE a.operation_seq = o.seq AND a.number = o.attempts AND a.step LIKE 'prepare%')
             OR NOT EXISTS (SELECT 1 FROM attempt a WHERE a.operation_seq = o.seq AND a.error IS NOT NULL))",
        )?;
        if poor > 0 {
            return Err(format!("{poor} dead letters lack their request, answer or reason"));
        }
        Ok(())
    }

    fn pairs(&self, sql: &str) -> Result<BTreeMap<String, i64>, String> {
        let mut ask = self.db.prepare_cached(sql).map_err(text)?;
        let rows = ask.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(text)?;
        rows.collect::<Result<_, _>>().map_err(text)
    }

    /// A request that left lies in the store, byte for byte.
    pub fn is_stored(&self, operation: Uuid, body: &[u8]) -> Result<bool, String> {
        let sql = "SELECT 1 FROM operation o JOIN request r ON r.operation_seq = o.seq WHERE ?1 IN (o.id, o.sent_as) AND r.body = ?2";
        let mut ask = self.db.prepare_cached(sql).map_err(text)?;
        ask.exists((operation.as_bytes(), body)).map_err(text)
    }

    pub fn operations(&self) -> Result<Vec<Operation>, String> {
        let sql = "SELECT o.seq, coalesce(o.sent_as, o.id), o.partner, d.number, o.id, o.state, o.due_at, o.created_at, o.last_error,
            o.replayed_as IS NOT NULL
            FROM operation o JOIN document d ON d.id = o.document_id ORDER BY o.seq";
        let mut ask = self.db.prepare_cached(sql).map_err(text)?;
        let rows = ask.query_map([], |row| {
            Ok(Operation {
                seq: row.get(0)?,
                id: Uuid::from_slice(&row.get::<_, Vec<u8>>(1)?).unwrap_or_default(),
                partner: row.get(2)?,
                number: row.get(3)?,
                own_id: Uuid::from_slice(&row.get::<_, Vec<u8>>(4)?).unwrap_or_default(),
                state: row.get(5)?,
                due_at: row.get(6)?,
                created_at: row.get(7)?,
                error: row.get(8)?,
                is_replayed: row.get(9)?,
            })
        });
        rows.map_err(text)?.collect::<Result<_, _>>().map_err(text)
    }

    /// Nothing waits for anything but a person, and every list has been read to its end.
    pub fn is_drained(&self, net: &Net) -> Result<bool, String> {
        let waiting = self.number(
            "SELECT count(*) FROM operation WHERE state IN ('Queued', 'Sending', 'Retrying', 'Unknown')
             OR (state = 'Delivered' AND due_at IS NOT NULL)",
        )?;
        Ok(waiting == 0
            && self
                .watermarks()?
                .iter()
                .all(|((p, s), at)| *at >= net.servers[*p].lists[*s as usize].len())
            && net
                .servers
                .iter()
                .enumerate()
                .flat_map(|(i, server)| {
                    Stream::ALL.map(|stream| ((i, stream), server.lists[stream as usize].is_empty()))
                })
                .all(|(list, is_empty)| is_empty || self.watermarks().is_ok_and(|w| w.contains_key(&list))))
    }

    fn watermarks(&self) -> Result<BTreeMap<(usize, Stream), usize>, String> {
        let mut ask = self
            .db
            .prepare_cached("SELECT partner, stream, value FROM watermark")
            .map_err(text)?;
        let rows = ask
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .map_err(text)?;
        let rows: Vec<(String, String, String)> = rows.collect::<Result<_, _>>().map_err(text)?;
        let read = |(partner, stream, at): &(String, String, String)| {
            let partner = partner.trim_start_matches('p').parse().ok()?;
            Some(((partner, Stream::of(stream)?), at.parse().ok()?))
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// What the watermark is past is in the store, byte for byte.
    pub fn received(&self, net: &Net) -> Wrong {
        let mut ask = self
            .db
            .prepare_cached("SELECT 1 FROM payload WHERE bytes = ?1")
            .map_err(text)?;
        for ((partner, stream), at) in self.watermarks()? {
            let length = net.servers[partner].lists[stream as usize].len();
            if at > length {
                return Err(format!(
                    "the watermark of p{partner} {stream:?} is at {at}, and its list has {length}"
                ));
            }
            let passed = net.servers[partner].lists[stream as usize].iter().take(at);
            for (place, Listed { bytes, .. }) in passed.enumerate() {
                if !ask.exists([&bytes[..]]).map_err(text)? {
                    return Err(format!(
                        "item {place} of p{partner} {stream:?} is not in the store, and the watermark is at {at}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// A payload that was answered as taken is kept.
    pub fn is_kept(&self, bytes: &[u8]) -> Result<bool, String> {
        let mut ask = self
            .db
            .prepare_cached("SELECT 1 FROM payload WHERE bytes = ?1")
            .map_err(text)?;
        ask.exists([bytes]).map_err(text)
    }

    pub fn is_whole(&self) -> Wrong {
        let mut ask = self.db.prepare("PRAGMA integrity_check").map_err(text)?;
        let said: String = ask.query_row([], |row| row.get(0)).map_err(text)?;
        if said == "ok" {
            Ok(())
        } else {
            Err(format!("integrity_check: {said}"))
        }
    }

    /// A hash of every row of every table, in the order of their keys.
    pub fn hash(&self) -> Result<u64, String> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'refinery%'
                   AND name NOT LIKE 'document_words%' ORDER BY name";
        let mut ask = self.db.prepare(sql).map_err(text)?;
        let tables: Vec<String> = ask
            .query_map([], |row| row.get(0))
            .map_err(text)?
            .collect::<Result<_, _>>()
            .map_err(text)?;
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        for table in tables {
            add(table.as_bytes());
            let mut all = self
                .db
                .prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))
                .map_err(text)?;
            let columns = all.column_count();
            let mut rows = all.query([]).map_err(text)?;
            while let Some(row) = rows.next().map_err(text)? {
                for column in 0..columns {
                    match row.get_ref(column).map_err(text)? {
                        ValueRef::Null => add(&[0]),
                        ValueRef::Integer(n) => add(&n.to_le_bytes()),
                        ValueRef::Real(n) => add(&n.to_le_bytes()),
                        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => add(bytes),
                    }
                }
            }
        }
        Ok(hash)
    }
}

fn text(error: rusqlite::Error) -> String {
    error.to_string()
}

/// The chain is one that the domain's rules can lead to.
pub fn chain(chain: &Chain) -> Wrong {
    let wrong = |what: &str| Err(format!("{what}: {chain:?}"));
    if chain.versions.is_empty() != chain.current.is_none() {
        return wrong("no current version, or one too many");
    }
    for (index, version) in chain.versions.iter().enumerate() {
        if version.number.0 as usize != index + 1 || version.base.is_some_and(|b| b >= version.number) {
            return wrong("versions are not in order");
        }
    }
    if let Some(agreed) = chain.agreed
        && chain.version(agreed).is_none_or(|v| v.state != VersionState::Accepted)
    {
        return wrong("agreed is no accepted version");
    }
    if chain.state == ChainState::Confirmed && chain.agreed.is_none() {
        return wrong("confirmed, and nothing is agreed");
    }
    if chain.before_cancel.is_some() != (chain.state == ChainState::CancelPending) {
        return wrong("the way back from a cancellation");
    }
    let ids: BTreeSet<_> = chain.pending.iter().map(|p| p.operation).collect();
    if ids.len() != chain.pending.len() {
        return wrong("an operation is pending twice");
    }
    for draft in chain.versions.iter().filter(|v| v.state == VersionState::Draft) {
        if !chain.pending.iter().any(|p| p.version == draft.number) {
            return wrong("a draft that no operation carries");
        }
    }
    current(chain)
}

fn current(chain: &Chain) -> Wrong {
    let Some(current) = chain.current_version() else {
        return Ok(());
    };
    let fits = match chain.state {
        ChainState::CancelPending => current.purpose == Purpose::Cancellation,
        ChainState::CounterOpen => current.purpose == Purpose::Counter && current.state == VersionState::Proposed,
        ChainState::Issued | ChainState::ChangePending => matches!(
            current.state,
            VersionState::Proposed | VersionState::Acknowledged | VersionState::Rejected
        ),
        ChainState::Draft
        | ChainState::Confirmed
        | ChainState::Cancelled
        | ChainState::Rejected
        | ChainState::Closed => true,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("the current version does not fit the state: {chain:?}"))
    }
}

/// The newest version of theirs that counts, by their own ordering.
fn newest(chain: &Chain) -> Option<&VersionHead> {
    chain
        .versions
        .iter()
        .filter(|v| v.author == Author::Partner)
        .max_by_key(|v| v.sequence)
}

/// Both sides say the same of an order of theirs.
pub fn agrees(chain: &Chain, net: &Net, partner: usize, number: &str) -> Wrong {
    let server = &net.servers[partner];
    let Some(known) = server.orders.get(number) else {
        return if server.plan.mode == Mode::Blind {
            Ok(())
        } else {
            server.theirs.agrees(chain, number)
        };
    };
    let latest = known.latest.sequence;
    if newest(chain).and_then(|v| v.sequence) != Some(latest) {
        return Err(format!("p{partner} is at {latest} of {number}, we are not: {chain:?}"));
    }
    let answers: Vec<&str> = server
        .ledger
        .iter()
        .filter(|e| e.sent.number == number && e.sent.sequence == Some(latest) && e.sent.is_last)
        .map(|e| e.sent.kind.as_str())
        .collect();
    let confirmed = answers.first() == Some(&"Confirm") && answers.len() == 1;
    let was_confirmed = chain
        .agreed
        .and_then(|a| chain.version(a))
        .is_some_and(|v| v.sequence == Some(latest));
    // A blind partner's effect may be one that we cannot know of.
    let is_known = server.plan.mode != Mode::Blind;
    if is_known && confirmed && known.latest.purpose != Purpose::Cancellation && !was_confirmed {
        return Err(format!(
            "p{partner} has {number} confirmed at {latest}, we have not: {chain:?}"
        ));
    }
    if was_confirmed && known.latest.purpose != Purpose::Cancellation && !answers.contains(&"Confirm") {
        return Err(format!(
            "we have {number} confirmed at {latest}, p{partner} has not: {chain:?}"
        ));
    }
    Ok(())
}
