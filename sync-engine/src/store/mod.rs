//! The durable store. Every line of SQL lives below this module.
//!
//! One writer thread groups waiting transactions into one durable commit; readers have their own connections.
//! A write is answered only after its commit.

mod ext;
mod sqlite;
mod types;

pub use ext::StoreExt;
pub use sqlite::{HostedWriter, SqliteStore, TakeRow, WrittenDocument};
pub use types::*;

use crate::domain::{
    Chain, CompanyId, DeliveryState, DocumentId, DocumentKind, OperationId, PartnerId, Timestamp, VersionNumber,
};
use std::path::Path;

/// Which queue of the writer a transaction waits in. Interactive ones overtake bulk ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// A person waits for the answer.
    Interactive,
    /// Polling and dispatching. One unit of work should hold the writer for at most 5 ms.
    Bulk,
}

/// One unit of work: runs on the writer thread inside a savepoint of the group's transaction.
/// An `Err` rolls back this unit alone; the others of the group commit.
pub type Work<T> = Box<dyn FnOnce(&mut dyn StoreTx) -> Result<T, StoreError> + Send>;

/// Erased form of `Work`, for the trait object.
pub type ErasedWork = Box<dyn FnOnce(&mut dyn StoreTx) -> Result<Box<dyn std::any::Any + Send>, StoreError> + Send>;

/// A future that resolves after the durable commit (or the rollback).
pub type Committed<T> = std::pin::Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// An interactive unit of work that is being prepared; see `Store::announce`.
pub struct Announced {
    _ends_when_dropped: Box<dyn std::any::Any + Send + Sync>,
}

impl Announced {
    /// Lasts as long as `held`.
    pub fn until_dropped(held: impl std::any::Any + Send + Sync) -> Self {
        Self {
            _ends_when_dropped: Box::new(held),
        }
    }
}

/// Reads take a reader connection and block for as long as SQLite takes (milliseconds): call them through
/// `tokio::task::spawn_blocking` or `StoreExt::read` from async code.
pub trait Store: Send + Sync + 'static {
    fn submit(&self, lane: Lane, work: ErasedWork) -> Committed<Box<dyn std::any::Any + Send>>;

    /// Says that a person's write is being prepared: until what this answers is dropped, bulk work lets the writer go,
    /// for some milliseconds at most, so that the write finds it free.
    fn announce(&self) -> Announced;

    /// It has no threads of its own: reads run on the thread that asks.
    fn is_hosted(&self) -> bool {
        false
    }

    // --- documents
    fn list_documents(&self, query: &DocumentQuery) -> Result<Page<DocumentRow>, StoreError>;
    fn document(&self, id: DocumentId) -> Result<Option<DocumentRow>, StoreError>;
    fn find_document(
        &self,
        company: &CompanyId,
        partner: &PartnerId,
        kind: DocumentKind,
        number: &str,
    ) -> Result<Option<DocumentId>, StoreError>;
    fn chain(&self, id: DocumentId) -> Result<Option<Chain>, StoreError>;
    fn versions(&self, id: DocumentId) -> Result<Vec<VersionRow>, StoreError>;
    /// The canonical form, as the JSON that was stored.
    fn version_content(&self, id: DocumentId, number: VersionNumber) -> Result<Option<VersionContent>, StoreError>;
    /// The partner's answers to a document of ours, newest first.
    fn received_answers(&self, id: DocumentId, limit: u32) -> Result<Vec<ReceivedAnswer>, StoreError>;
    /// Delivery notes with lines of an order, oldest first.
    fn notes_of_order(
        &self,
        company: &CompanyId,
        partner: &PartnerId,
        order_number: &str,
    ) -> Result<Vec<DocumentId>, StoreError>;
    /// The payload byte for byte, as it came (or as we sent it).
    fn payload(&self, id: PayloadId) -> Result<Option<Payload>, StoreError>;
    fn history(&self, id: DocumentId, before: Option<i64>, limit: u32) -> Result<Page<AuditRow>, StoreError>;

    // --- operations and jobs
    fn list_operations(&self, query: &OperationQuery) -> Result<Page<OperationRow>, StoreError>;
    fn operation(&self, id: OperationId) -> Result<Option<OperationRow>, StoreError>;
    fn attempts(&self, id: OperationId) -> Result<Vec<AttemptRow>, StoreError>;
    /// When the next job of a partner becomes due; for the dispatcher's sleep.
    fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    // --- quarantine, partners, counters
    fn list_quarantine(&self, query: &QuarantineQuery) -> Result<Page<QuarantineRow>, StoreError>;
    fn quarantine(&self, id: i64) -> Result<Option<QuarantineRow>, StoreError>;
    fn partner_states(&self, company: &CompanyId) -> Result<Vec<PartnerState>, StoreError>;
    /// What lasts first, then what has ended, newest first.
    fn incidents(&self, company: &CompanyId, limit: u32) -> Result<Vec<IncidentRow>, StoreError>;
    /// What lasts, oldest first.
    fn open_incidents(&self, company: &CompanyId) -> Result<Vec<IncidentRow>, StoreError>;
    /// How many operations wait in the dead-letter list, by partner; looks at the newest 1,000.
    fn dead_by_partner(&self, company: &CompanyId) -> Result<Vec<(PartnerId, i64)>, StoreError>;
    fn watermark(&self, company: &CompanyId, partner: &PartnerId, stream: &str) -> Result<Option<String>, StoreError>;
    fn counters(&self, company: &CompanyId) -> Result<Counters, StoreError>;
    /// Changes after `after` (exclusive), oldest first, at most `limit`.
    fn changes(&self, after: i64, limit: u32) -> Result<Vec<ChangeRow>, StoreError>;
    /// Walks the audit chain; the first row that does not fit, if any.
    fn verify_audit(&self) -> Result<AuditCheck, StoreError>;

    // --- care
    /// Copies the database online to `to` (which must not exist) and checks the copy with `integrity_check`.
    fn backup(&self, to: &Path) -> Result<BackupReport, StoreError>;
    /// Writes what was settled of a company into a new compressed file in `folder`, brings it to disk and reads it
    /// back; at most some seconds' worth. `None` when nothing is old enough. Nothing is deleted: `StoreTx::forget` does
    /// that with the batches of what this answers. `moment` makes the file's name.
    fn archive(&self, folder: &Path, query: &ArchiveQuery, moment: &str) -> Result<Option<Archive>, StoreError>;
    /// Pragmas as read back, schema version, sizes, `quick_check`.
    fn doctor(&self) -> Result<StoreReport, StoreError>;
    /// Why nothing can be written now; `None` while all is well. It ends by itself: the writer looks again every few
    /// seconds, and before each write.
    fn trouble(&self) -> Option<StoreTrouble>;
    /// Commits what waits, checkpoints, then ends the writer; blocks meanwhile. Later writes answer
    /// `StoreError::Closed`.
    fn close(&self);
    /// Is told of every committed change row, once and in the order of their ids; a hint, the store is the truth. What
    /// other processes wrote is told before what this one writes next, or when it is looked for. A gap between two ids
    /// says that too much was written to tell it all.
    fn subscribe(&self) -> tokio::sync::broadcast::Receiver<ChangeRow>;
    /// Id of the newest change row that subscribers were told of.
    fn newest_told(&self) -> i64;
    /// Tells subscribers what other processes wrote since.
    fn look_for_others(&self) -> Result<(), StoreError>;
}

/// What a unit of work can do. All rows belong to the transaction.
pub trait StoreTx {
    /// The document and its chain, for `decide`. `None` when it is not known yet.
    fn load(&mut self, key: &DocumentKey) -> Result<Option<Loaded>, StoreError>;
    fn load_by_id(&mut self, id: DocumentId) -> Result<Option<Loaded>, StoreError>;
    /// Writes a decision: document head (inserted when new), the stored version with payload and canonical form,
    /// version states, pending answers' held flags on their jobs, counters, search index, audit and change row.
    fn apply(&mut self, change: &ApplyChange<'_>) -> Result<DocumentId, StoreError>;
    /// The content of a version, for what changed against it.
    fn version_content(&mut self, id: DocumentId, number: VersionNumber) -> Result<Option<VersionContent>, StoreError>;
    /// When the newest version of the partner came.
    fn newest_received(&mut self, id: DocumentId) -> Result<Option<Timestamp>, StoreError>;
    fn operation(&mut self, id: OperationId) -> Result<Option<OperationRow>, StoreError>;
    /// As `Store::received_answers`.
    fn received_answers(&mut self, id: DocumentId, limit: u32) -> Result<Vec<ReceivedAnswer>, StoreError>;
    /// As `Store::notes_of_order`.
    fn notes_of_order(
        &mut self,
        company: &CompanyId,
        partner: &PartnerId,
        order_number: &str,
    ) -> Result<Vec<DocumentId>, StoreError>;
    /// What the partner calls a document of ours, learnt when it took a version or answered it.
    fn set_partner_ref(
        &mut self,
        id: DocumentId,
        number: VersionNumber,
        partner_ref: &serde_json::Value,
    ) -> Result<(), StoreError>;
    /// Keeps an answer of the partner with its payload; false when the document has it already.
    fn keep_received_answer(&mut self, answer: &NewReceivedAnswer<'_>) -> Result<bool, StoreError>;
    /// The chain before and after an operation's effect, kept while its end is still to come.
    fn keep_marks(&mut self, id: OperationId, marks: &Marks) -> Result<(), StoreError>;
    /// Takes the marks of an operation out of the store.
    fn take_marks(&mut self, id: OperationId) -> Result<Option<Marks>, StoreError>;
    /// For something that changed no chain: an entry in the history and a change row. `Note::DUPLICATE` is only
    /// counted, `Note::CONFLICT` marks the document.
    fn note(&mut self, note: &Note<'_>) -> Result<(), StoreError>;

    /// Inserts an operation with its job, `Queued` (or `Held`).
    fn enqueue(&mut self, operation: &NewOperation) -> Result<(), StoreError>;
    /// Keeps the request of an operation that was just saved as a draft, made with a configuration's fingerprint.
    /// The first claim lets it leave as it is, while that configuration is in force; after that it is never changed.
    fn draft_request(&mut self, id: OperationId, request: &StoredRequest, made_with: &str) -> Result<(), StoreError>;
    /// Claims due operations: lease and epoch set, `Queued` and `Retrying` become `Sending`. At most one per document is
    /// ever in flight; within a document the oldest unfinished one has its turn, and one that is held or dead lets the
    /// next pass. Also takes over operations whose lease ran out: those come back with `taken_over = true`, because
    /// they may have been sent.
    fn claim(&mut self, request: &ClaimRequest<'_>) -> Result<Vec<Claimed>, StoreError>;
    /// Stores the byte-exact body and its hash before the first send. Kept as it is if there is one already that may have
    /// left; a draft is replaced.
    fn store_request(
        &mut self,
        id: OperationId,
        epoch: i64,
        request: &StoredRequest,
    ) -> Result<StoredRequest, StoreError>;
    /// Gives a claimed operation back as it was before the claim, without an attempt; `LeaseLost` when the epoch is over.
    fn give_back(&mut self, id: OperationId, epoch: i64, due_at: Timestamp) -> Result<(), StoreError>;
    fn renew_lease(&mut self, id: OperationId, epoch: i64, until: Timestamp) -> Result<(), StoreError>;
    /// Writes an attempt and the outcome, only if the epoch still holds; `StoreError::LeaseLost` otherwise.
    /// The effect on the chain (`AnswerDelivered`) is decided and applied before this, in the same transaction: a
    /// finished operation is no pending answer of the chain any more.
    fn finish(&mut self, finish: &FinishAttempt<'_>) -> Result<(), StoreError>;
    /// Replays a dead letter as a new operation: the old one ends as `Withdrawn`, each names the other, the history has one
    /// entry. Goes under the old key with the old bytes where the partner may have it. Refused for one that is not dead.
    fn replay(&mut self, replay: &Replay) -> Result<(), StoreError>;
    /// A person's act on an operation that is not in flight: replay, release, withdraw. Audited.
    /// `due_at` is also the time of the act. Refused for one in flight, and for `Applied` and `Withdrawn`.
    fn set_operation_state(
        &mut self,
        id: OperationId,
        to: DeliveryState,
        due_at: Timestamp,
        actor: &str,
    ) -> Result<(), StoreError>;

    fn watermark(
        &mut self,
        company: &CompanyId,
        partner: &PartnerId,
        stream: &str,
    ) -> Result<Option<String>, StoreError>;
    fn set_watermark(
        &mut self,
        company: &CompanyId,
        partner: &PartnerId,
        stream: &str,
        value: &str,
    ) -> Result<(), StoreError>;
    /// A named lease (polling of one stream, scheduling). Returns the epoch when it is ours, `None` while anyone
    /// holds it, the same holder too: `extend_lease` prolongs it.
    fn take_lease(
        &mut self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<i64>, StoreError>;
    /// Moves the end of a named lease that is still ours; `StoreError::LeaseLost` otherwise.
    fn extend_lease(&mut self, name: &str, epoch: i64, until: Timestamp) -> Result<(), StoreError>;
    fn release_lease(&mut self, name: &str, epoch: i64) -> Result<(), StoreError>;
    /// Fails with `StoreError::LeaseLost` unless `name` is still held with `epoch`.
    fn check_lease(&mut self, name: &str, epoch: i64) -> Result<(), StoreError>;
    /// Steps under a named lease count from 1 with each epoch. True when the one before `step` was taken, in this
    /// transaction or an earlier one, and `step` is taken now; `LeaseLost` as of `check_lease`. What is queued step by
    /// step is so written in order without holes, whatever fails or is rolled back in between.
    fn take_step(&mut self, name: &str, epoch: i64, step: i64) -> Result<bool, StoreError>;

    /// Ends every lease of a holder that is gone, on jobs and by name, at `now`; how many there were. The next claim takes
    /// its jobs over.
    fn end_leases_of(&mut self, holder: &str, now: Timestamp) -> Result<usize, StoreError>;

    /// After a clock that was ahead: what it put off is due at `now`, and no lease lasts longer than to `lease_until`.
    /// Costs nothing to speak of when nothing lately was written later than `now`. How many were put off.
    fn catch_up(&mut self, now: Timestamp, lease_until: Timestamp) -> Result<usize, StoreError>;

    fn put_quarantine(&mut self, item: &NewQuarantine<'_>) -> Result<i64, StoreError>;
    /// Settles an open item: it became a version, or a person dismissed it, or the new problems of another run.
    fn settle_quarantine(
        &mut self,
        id: i64,
        how: &QuarantineSettled,
        actor: &str,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Deletes rows that an archive holds; how many there were. What changed since then stays.
    fn forget(&mut self, batch: &Forget) -> Result<usize, StoreError>;
    /// Gives free pages back to the disk, at most `most`, and none of those that the next work is likely to use; how many.
    /// The file is shorter after the next checkpoint.
    fn shrink(&mut self, most: u32) -> Result<u32, StoreError>;
    fn partner_state(&mut self, company: &CompanyId, partner: &PartnerId) -> Result<Option<PartnerState>, StoreError>;
    /// Written with a change row.
    fn set_partner_state(&mut self, state: &PartnerState) -> Result<(), StoreError>;
    /// Begins what is present and was not open, ends what is open and not present any more, and says which turned.
    fn settle_incidents(
        &mut self,
        company: &CompanyId,
        present: &[PresentIncident],
        at: Timestamp,
    ) -> Result<Vec<IncidentTurn>, StoreError>;
}

#[cfg(test)]
mod tests;
