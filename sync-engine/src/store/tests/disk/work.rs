//! What a store is given to do, and what is in it afterwards.

use super::super::fixtures::*;
use super::Disk;
use crate::domain::{DeliveryState, DocumentId, DocumentKind, VersionNumber};
use crate::store::{
    BreakerState, FinishAttempt, Lane, NewQuarantine, PartnerState, PayloadRef, SqliteStore, StoreError, StoreExt,
    StoreTx, StoredRequest,
};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;

/// One unit of work, or a group of them; each on the rows of its round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Receive,
    Change,
    Confirm,
    Claim,
    Finish,
    Quarantine,
    Stream,
    Partner,
    /// Three units in one commit, the second of which refuses in the middle.
    Group,
}

pub const KINDS: [Kind; 9] = [
    Kind::Receive,
    Kind::Change,
    Kind::Confirm,
    Kind::Claim,
    Kind::Finish,
    Kind::Quarantine,
    Kind::Stream,
    Kind::Partner,
    Kind::Group,
];

/// A step of a history: a kind and the number of its round. Steps are done in the order of kinds within a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub kind: Kind,
    pub round: usize,
}

fn document(tx: &mut dyn StoreTx, round: usize) -> Result<DocumentId, StoreError> {
    let key = key_of(&partner(), &format!("PO-{round}"));
    tx.load(&key)?
        .map(|loaded| loaded.id)
        .ok_or_else(|| StoreError::Conflict("not there".into()))
}

fn act(tx: &mut dyn StoreTx, Step { kind, round }: Step) -> Result<(), StoreError> {
    let at = NOW.plus_millis(i64::try_from(round).unwrap_or(0));
    let operation = operation_id(round as u128);
    match kind {
        Kind::Receive => receive(tx, &order(&format!("PO-{round}"), Some("2027-05-05"), 8), 1, at).map(drop),
        Kind::Change => receive(tx, &order(&format!("PO-{round}"), None, 9), 2, at).map(drop),
        Kind::Confirm => {
            let document = document(tx, round)?;
            confirm(tx, document, operation, VersionNumber(2), at)
        }
        Kind::Claim => {
            let claimed = claim(tx, at, 1)?;
            assert_eq!(claimed[0].operation, operation);
            tx.store_request(operation, 1, &request(round)).map(drop)
        }
        Kind::Finish => {
            let document = document(tx, round)?;
            let delivered = crate::domain::chain::Event::AnswerDelivered {
                operation,
                counter: None,
            };
            happen(tx, document, &delivered, "delivered", at)?;
            tx.finish(&FinishAttempt {
                next: None,
                operation,
                epoch: 1,
                started_at: at,
                at,
                step: "send",
                status: Some(200),
                to: DeliveryState::Delivered,
                due_at: None,
                error: None,
                receipt: None,
                response_excerpt: Some("{\"ok\":true}"),
            })
        }
        Kind::Quarantine => tx
            .put_quarantine(&NewQuarantine {
                company: &company(),
                partner: &partner(),
                stream: "orders",
                kind: DocumentKind::Order,
                number: None,
                payload: PayloadRef {
                    media_type: "application/json",
                    bytes: &vec![round as u8; 30_000],
                },
                stage: "schema",
                problems: &[],
                at,
            })
            .map(drop),
        Kind::Stream => {
            tx.take_lease(&format!("poll-{round}"), "test", at, at.plus_seconds(60))?;
            tx.set_watermark(&company(), &partner(), "orders", &round.to_string())
        }
        Kind::Group => Ok(()),
        Kind::Partner => tx.set_partner_state(&PartnerState {
            company: company(),
            partner: partner(),
            breaker: BreakerState::Closed,
            credentials_broken: false,
            paused: round.is_multiple_of(2),
            last_success_at: Some(at),
            last_failure_at: None,
            last_error: None,
            probe_at: None,
        }),
    }
}

fn request(round: usize) -> StoredRequest {
    let body = vec![b'x'; 2_000 + round];
    StoredRequest {
        method: "POST".into(),
        url: "https://acme.example/answers".into(),
        headers: Vec::new(),
        media_type: "application/json".into(),
        hash: crate::domain::ContentHash::of(&body),
        body: body.into(),
    }
}

/// Does a step; what the clerk would be told.
pub fn run(store: &Arc<SqliteStore>, step: Step) -> Result<(), StoreError> {
    run_armed(store, step, || {})
}

/// As `run`; `arm` is called before the first I/O, of a group when its transaction has begun.
pub fn run_armed(store: &Arc<SqliteStore>, step: Step, arm: impl FnOnce()) -> Result<(), StoreError> {
    if step.kind != Kind::Group {
        arm();
        return write(store, move |tx| act(tx, step));
    }
    // The first holds the writer until the others wait, so that all share its commit.
    let (go, wait_for) = channel::<()>();
    let (entered, begun) = channel::<()>();
    let first = store.write(Lane::Interactive, move |_| {
        let _ = entered.send(());
        let _ = wait_for.recv();
        Ok(())
    });
    begun.recv().expect("its transaction begins");
    let refused = store.write(Lane::Interactive, move |tx| {
        receive(tx, &order(&format!("NEVER-{}", step.round), None, 3), 1, NOW)?;
        Err::<(), _>(StoreError::Refused("no".into()))
    });
    let last = store.write(Lane::Interactive, move |tx| {
        receive(tx, &order(&format!("GROUP-{}", step.round), None, 3), 1, NOW).map(drop)
    });
    arm();
    let _ = go.send(());
    let (first, refused, last) = (wait(first), wait(refused), wait(last));
    assert!(refused.is_err(), "it refuses");
    // Where the second takes the group with it, the third is done in the next one.
    assert!(
        first.is_ok() || last.is_err() || refused_by_disk(&refused),
        "one commit: {first:?}, {last:?}"
    );
    last
}

fn refused_by_disk(refused: &Result<(), StoreError>) -> bool {
    !matches!(refused, Err(StoreError::Refused(_)))
}

/// A store in a folder with a disk under it.
pub struct Watched {
    pub store: Option<Arc<SqliteStore>>,
    pub disk: Arc<Disk>,
    pub path: PathBuf,
    pub folder: tempfile::TempDir,
}

impl Watched {
    /// Without a store yet.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            store: None,
            disk: Disk::under(folder.path()),
            path: folder.path().canonicalize().expect("the folder").join("countersign.db"),
            folder,
        }
    }

    pub fn open(&mut self) -> Result<&Arc<SqliteStore>, StoreError> {
        let store = Arc::new(SqliteStore::open(&self.path)?);
        Ok(self.store.insert(store))
    }

    pub fn store(&self) -> &Arc<SqliteStore> {
        self.store.as_ref().expect("an open store")
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Before its folder goes.
        self.store = None;
    }
}

/// Every row of every table, a number for each table. What only numbers attempts is left out.
pub type Content = BTreeMap<String, u64>;

pub fn content(path: &Path) -> Content {
    let db = peek(path);
    let mut tables = db
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'document_words_%'
             AND name NOT LIKE 'sqlite_%' AND name NOT IN ('refinery_schema_history', 'document_words')",
        )
        .expect("tables");
    let names: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect)
        .expect("names");
    let mut content = Content::new();
    for name in names {
        content.insert(name.clone(), rows(&db, &format!("SELECT * FROM {name}")));
    }
    let words = "SELECT rowid FROM document_words WHERE document_words MATCH '\"bolt\"' ORDER BY rowid";
    content.insert("words".to_owned(), rows(&db, words));
    content
}

fn rows(db: &rusqlite::Connection, sql: &str) -> u64 {
    let mut select = db.prepare(sql).expect(sql);
    let columns = select.column_count();
    let mut rows = select.query([]).expect(sql);
    let mut hasher = DefaultHasher::new();
    while let Some(row) = rows.next().expect(sql) {
        for column in 0..columns {
            format!("{:?}", row.get_ref(column).expect(sql)).hash(&mut hasher);
        }
        "row".hash(&mut hasher);
    }
    hasher.finish()
}

/// The file is whole in SQLite's eyes and in ours.
pub fn assert_whole(path: &Path, why: &str) {
    let db = peek(path);
    let integrity: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("checked");
    assert_eq!(integrity, "ok", "{why}");
    db.execute(
        "INSERT INTO document_words (document_words) VALUES ('integrity-check')",
        [],
    )
    .unwrap_or_else(|e| panic!("{why}: the index of words: {e}"));
}

/// The database and its log, as another program would find them now.
pub fn copy(from: &Path, folder: &Path) -> PathBuf {
    let to = folder.join("countersign.db");
    for suffix in ["", "-wal"] {
        let name = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if name(from).exists() {
            std::fs::copy(name(from), name(&to)).expect("copied");
        }
    }
    to
}

/// A healthy store that does what a failing one is asked to do.
pub struct Twin {
    opened: Opened,
    pub content: Content,
}

impl Twin {
    pub fn new() -> Self {
        let opened = open();
        let content = content(&opened.path);
        Self { opened, content }
    }

    pub fn run(&mut self, step: Step) {
        run(&self.opened.store, step).unwrap_or_else(|e| panic!("{step:?} on a healthy disk: {e}"));
        self.content = content(&self.opened.path);
    }

    /// What it would hold after the step.
    pub fn after(&self, step: Step) -> Content {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = copy(&self.opened.path, folder.path());
        let store = Arc::new(SqliteStore::open(&path).expect("a copy"));
        run(&store, step).expect("a healthy disk");
        content(&path)
    }
}
