//! The store in one SQLite file.

mod apply;
mod archive;
mod attempts;
mod audit;
mod care;
mod chain;
mod checkpoint;
mod claim;
mod compact;
mod disk;
mod documents;
mod drill;
mod examine;
mod facts;
mod hosted;
mod incidents;
mod issued;
mod jobs;
mod journal;
mod leases;
mod live;
mod note;
mod open;
mod operations;
mod page;
mod partners;
mod person;
#[cfg(test)]
mod plans;
mod quarantine;
mod queue;
mod readers;
mod replay;
mod retire;
mod search;
mod text;
mod tx;
mod typed;
mod unpack;
mod versions;
mod words;
mod writer;
mod written;

use super::{
    Announced, Archive, ArchiveQuery, ArchiveReport, ArchivedDocument, AttemptRow, AuditCheck, AuditRow, BackupReport,
    ChangeRow, Committed, Counters, DocumentQuery, DocumentRow, ErasedWork, IncidentRow, Lane, OperationQuery,
    OperationRow, Page, PartnerState, Payload, PayloadId, QuarantineQuery, QuarantineRow, ReceivedAnswer, Store,
    StoreError, StoreReport, StoreTrouble, VersionContent, VersionRow,
};
use crate::clock::{Stopwatch, stopwatch};
use crate::domain::{Chain, CompanyId, DocumentId, DocumentKind, OperationId, PartnerId, Timestamp, VersionNumber};
use disk::{Disk, Told};
pub use hosted::HostedWriter;
use journal::Counter;
use live::Live;
#[cfg(test)]
pub use open::known_schema;
use queue::Queue;
use readers::Readers;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::broadcast;
use writer::Writer;
pub use written::WrittenDocument;

/// Change rows that one read returns at most.
const CHANGES_LIMIT: u32 = 10_000;

/// Takes one row of an archive, with its table's name.
pub type TakeRow<'a> = dyn FnMut(&str, serde_json::Map<String, serde_json::Value>) -> Result<(), StoreError> + 'a;

/// The SQLite implementation of `Store`. One process writes through one of these; others may read and write beside it,
/// each with its own.
pub struct SqliteStore {
    path: PathBuf,
    queue: Arc<Queue>,
    readers: Readers,
    live: Arc<Live>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Whoever opened it runs the writer, and reads run where they are asked for.
    is_hosted: bool,
    synchronous: String,
    told: Arc<Told>,
}

impl SqliteStore {
    /// Opens the database at `path`, makes it when there is none, brings its schema up to date, starts the writer.
    ///
    /// # Errors
    /// `NewerDatabase`, `Open` (not a database, another program's, damaged, no rights, folder missing), `Pragma`.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        let db = open::open_writer(&path)?;
        Self::start(db, path)
    }

    /// A database that is full at `pages`, for tests of what happens then.
    #[cfg(test)]
    pub fn open_limited(path: &Path, pages: u32) -> Result<Self, StoreError> {
        let db = open::open_writer(path)?;
        db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        Self::start(db, path.to_path_buf())
    }

    /// Opened by a later program that has one more migration, for tests of upgrades.
    #[cfg(test)]
    pub fn open_later(path: &Path, migration: refinery::Migration) -> Result<Self, StoreError> {
        let db = open::open_writer_later(path, migration)?;
        Self::start(db, path.to_path_buf())
    }

    fn start(mut db: rusqlite::Connection, path: PathBuf) -> Result<Self, StoreError> {
        let checkpoint = checkpoint::Checkpoint::start(&mut db, &path)?;
        let (mut store, writer) = Self::prepare(db, path, checkpoint, stopwatch())?;
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|e| StoreError::Open {
                path: store.path.display().to_string(),
                reason: format!("its writer did not start: {e}"),
            })?;
        store.writer = Mutex::new(Some(thread));
        store.is_hosted = false;
        store.readers = Readers::new(store.path.clone(), Some(stopwatch()));
        Ok(store)
    }

    /// The store, and the writer that someone has to run.
    fn prepare(
        db: rusqlite::Connection,
        path: PathBuf,
        checkpoint: checkpoint::Checkpoint,
        stopwatch: Stopwatch,
    ) -> Result<(Self, Writer), StoreError> {
        check_at_start(&db, &path)?;
        let synchronous = open::read_pragma(&db, "synchronous")?;
        let told = Arc::clone(&checkpoint.told);
        let queue = Arc::new(Queue::default());
        let live = Arc::new(Live::of(&db)?);
        let writer = Writer {
            db,
            queue: Arc::clone(&queue),
            live: Arc::clone(&live),
            checkpoint,
            disk: Disk::new(path.clone(), Arc::clone(&told), Arc::clone(&stopwatch)),
            bulk_waits_since: None,
            last_interactive: None,
            bulk_commit: Duration::ZERO,
            stopwatch,
        };
        let store = Self {
            // Whoever hosts it owns the time, and a read has none of its own there.
            readers: Readers::new(path.clone(), None),
            path,
            queue,
            live,
            writer: Mutex::new(None),
            is_hosted: true,
            synchronous,
            told,
        };
        Ok((store, writer))
    }

    /// Reads an archive to its end: nothing missing, nothing altered, its part of the audit trail whole.
    ///
    /// # Errors
    /// `Conflict` with what is wrong.
    pub fn examine_archive(path: &Path) -> Result<ArchiveReport, StoreError> {
        archive::examine(path)
    }

    /// Hands over every row of an archive with its table. They count only when this answers `Ok`.
    ///
    /// # Errors
    /// As `examine_archive`, and what `each` answers.
    pub fn read_archive(path: &Path, each: &mut TakeRow<'_>) -> Result<(), StoreError> {
        archive::read(path, each).map(drop)
    }

    /// Documents of an archive with this text in their number or their counterparty's name. The archive is examined.
    ///
    /// # Errors
    /// As `examine_archive`.
    pub fn find_in_archive(path: &Path, text: &str) -> Result<Vec<ArchivedDocument>, StoreError> {
        archive::find(path, text)
    }

    /// Makes a database of an archive, which is examined first, at `database`, which must not exist; and checks it.
    ///
    /// # Errors
    /// As `examine_archive`; `NewerDatabase` for a newer program's archive; `Open` when the file exists or cannot be made.
    pub fn open_archive(path: &Path, database: &Path) -> Result<ArchiveReport, StoreError> {
        unpack::unpack(path, database)
    }

    /// Durable commits since the store was opened.
    pub fn commits(&self) -> u64 {
        self.queue.commits()
    }
}

fn check_at_start(db: &rusqlite::Connection, path: &Path) -> Result<(), StoreError> {
    if care::bytes_of(path, "") > care::START_CHECK_BYTES {
        return Ok(());
    }
    // Twice: a page that the disk did not give the first time is no damaged one.
    if care::quick_check(db)? == "ok" {
        return Ok(());
    }
    let found = care::quick_check(db)?;
    if found == "ok" {
        return Ok(());
    }
    let what = if found.contains("error code=") || found.contains("failed to get page") {
        "the disk does not read it: check the disk"
    } else {
        "it is damaged: restore a backup"
    };
    Err(StoreError::Open {
        path: path.display().to_string(),
        reason: format!("{what} ({found})"),
    })
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl Store for SqliteStore {
    fn submit(&self, lane: Lane, work: ErasedWork) -> Committed<Box<dyn std::any::Any + Send>> {
        self.queue.submit(lane, work)
    }

    fn announce(&self) -> Announced {
        Queue::announce(&self.queue)
    }

    fn is_hosted(&self) -> bool {
        self.is_hosted
    }

    fn list_documents(&self, query: &DocumentQuery) -> Result<Page<DocumentRow>, StoreError> {
        self.readers.read(|db| documents::list(db, query))
    }

    fn document(&self, id: DocumentId) -> Result<Option<DocumentRow>, StoreError> {
        self.readers.read(|db| documents::one(db, id))
    }

    fn find_document(
        &self,
        company: &CompanyId,
        partner: &PartnerId,
        kind: DocumentKind,
        number: &str,
    ) -> Result<Option<DocumentId>, StoreError> {
        self.readers
            .read(|db| documents::find(db, company, partner, kind, number))
    }

    fn chain(&self, id: DocumentId) -> Result<Option<Chain>, StoreError> {
        self.readers
            .read(|db| Ok(chain::load_by_id(db, id)?.map(|stored| stored.loaded.chain)))
    }

    fn versions(&self, id: DocumentId) -> Result<Vec<VersionRow>, StoreError> {
        self.readers.read(|db| documents::versions(db, id))
    }

    fn version_content(&self, id: DocumentId, number: VersionNumber) -> Result<Option<VersionContent>, StoreError> {
        self.readers.read(|db| documents::version_content(db, id, number))
    }

    fn received_answers(&self, id: DocumentId, limit: u32) -> Result<Vec<ReceivedAnswer>, StoreError> {
        self.readers.read(|db| issued::received_answers(db, id, limit))
    }

    fn notes_of_order(
        &self,
        company: &CompanyId,
        partner: &PartnerId,
        order_number: &str,
    ) -> Result<Vec<DocumentId>, StoreError> {
        self.readers
            .read(|db| issued::notes_of_order(db, company, partner, order_number))
    }

    fn payload(&self, id: PayloadId) -> Result<Option<Payload>, StoreError> {
        self.readers.read(|db| documents::payload(db, id))
    }

    fn history(&self, id: DocumentId, before: Option<i64>, limit: u32) -> Result<Page<AuditRow>, StoreError> {
        self.readers.read(|db| documents::history(db, id, before, limit))
    }

    fn list_operations(&self, query: &OperationQuery) -> Result<Page<OperationRow>, StoreError> {
        self.readers.read(|db| operations::list(db, query))
    }

    fn operation(&self, id: OperationId) -> Result<Option<OperationRow>, StoreError> {
        self.readers.read(|db| operations::one(db, id))
    }

    fn attempts(&self, id: OperationId) -> Result<Vec<AttemptRow>, StoreError> {
        self.readers.read(|db| operations::attempts(db, id))
    }

    fn next_due(&self, _now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.readers.read(operations::next_due)
    }

    fn list_quarantine(&self, query: &QuarantineQuery) -> Result<Page<QuarantineRow>, StoreError> {
        self.readers.read(|db| quarantine::list(db, query))
    }

    fn quarantine(&self, id: i64) -> Result<Option<QuarantineRow>, StoreError> {
        self.readers.read(|db| quarantine::one(db, id))
    }

    fn partner_states(&self, company: &CompanyId) -> Result<Vec<PartnerState>, StoreError> {
        self.readers.read(|db| partners::all(db, company))
    }

    fn incidents(&self, company: &CompanyId, limit: u32) -> Result<Vec<IncidentRow>, StoreError> {
        self.readers.read(|db| incidents::list(db, company, limit))
    }

    fn open_incidents(&self, company: &CompanyId) -> Result<Vec<IncidentRow>, StoreError> {
        self.readers.read(|db| incidents::open(db, company))
    }

    fn dead_by_partner(&self, company: &CompanyId) -> Result<Vec<(PartnerId, i64)>, StoreError> {
        self.readers.read(|db| incidents::dead_by_partner(db, company))
    }

    fn watermark(&self, company: &CompanyId, partner: &PartnerId, stream: &str) -> Result<Option<String>, StoreError> {
        self.readers.read(|db| leases::watermark(db, company, partner, stream))
    }

    fn counters(&self, company: &CompanyId) -> Result<Counters, StoreError> {
        self.readers.read(|db| counters(db, company))
    }

    fn changes(&self, after: i64, limit: u32) -> Result<Vec<ChangeRow>, StoreError> {
        self.readers.read(|db| live::after(db, after, limit.min(CHANGES_LIMIT)))
    }

    fn verify_audit(&self) -> Result<AuditCheck, StoreError> {
        self.readers.read_all(audit::verify)
    }

    fn backup(&self, to: &Path) -> Result<BackupReport, StoreError> {
        care::backup(&self.readers, &self.path, to)
    }

    fn archive(&self, folder: &Path, query: &ArchiveQuery, moment: &str) -> Result<Option<Archive>, StoreError> {
        self.readers.read_all(|db| archive::write(db, folder, query, moment))
    }

    fn doctor(&self) -> Result<StoreReport, StoreError> {
        care::doctor(&self.readers, &self.path, &self.synchronous)
    }

    fn trouble(&self) -> Option<StoreTrouble> {
        self.told.trouble()
    }

    fn close(&self) {
        self.queue.close();
        self.readers.close();
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A unit of work may hold the last pointer to its own store: the writer cannot wait for itself.
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer ended with a panic");
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<ChangeRow> {
        self.live.subscribe()
    }

    fn newest_told(&self) -> i64 {
        self.live.newest()
    }

    fn look_for_others(&self) -> Result<(), StoreError> {
        self.readers.read(|db| self.live.look(db))
    }
}

fn counters(db: &rusqlite::Connection, company: &CompanyId) -> Result<Counters, StoreError> {
    use crate::domain::DeliveryState as State;
    let mut counters = Counters::default();
    let mut select = db.prepare_cached("SELECT name, value FROM counter WHERE company = ?1")?;
    let mut rows = select.query([company])?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_str().unwrap_or_default();
        let fields = [
            (Counter::Documents, &mut counters.documents),
            (Counter::NeedsAnswer, &mut counters.needs_answer),
            (Counter::Quarantine, &mut counters.quarantine),
            (Counter::Duplicates, &mut counters.duplicates),
            (Counter::Delivery(State::Queued), &mut counters.queued),
            (Counter::Delivery(State::Sending), &mut counters.sending),
            (Counter::Delivery(State::Retrying), &mut counters.retrying),
            (Counter::Delivery(State::Delivered), &mut counters.delivered),
            (Counter::Delivery(State::Applied), &mut counters.applied),
            (Counter::Delivery(State::Unknown), &mut counters.unknown),
            (Counter::Delivery(State::Held), &mut counters.held),
            (Counter::Delivery(State::Dead), &mut counters.dead),
        ];
        if let Some((_, field)) = fields.into_iter().find(|(counter, _)| counter.name() == name) {
            *field = row.get(1)?;
        }
    }
    Ok(counters)
}
