//! What a unit of work works on: the writer's connection inside a savepoint, and the journal of the unit.

use super::chain::Stored;
use super::journal::{AuditEntry, Journal, Placed};
use super::{
    attempts, audit, chain, documents, incidents, issued, jobs, leases, operations, partners, person, quarantine,
};
use crate::domain::{CompanyId, DeliveryState, DocumentId, OperationId, PartnerId, Timestamp, VersionNumber};
use crate::store::{
    ApplyChange, ClaimRequest, Claimed, DocumentKey, FinishAttempt, Forget, IncidentTurn, Loaded, Marks, NewOperation,
    NewQuarantine, NewReceivedAnswer, Note, OperationRow, PartnerState, PresentIncident, QuarantineSettled,
    ReceivedAnswer, Replay, StoreError, StoreTx, StoredRequest, VersionContent,
};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeSet;

pub struct Tx<'c> {
    pub db: &'c Connection,
    pub journal: Journal,
    /// Documents whose pending answers changed without a decision that was applied after it.
    unsettled: BTreeSet<DocumentId>,
    /// What was loaded last: a decision about it is mostly applied right after. Its pending answers may be out of date.
    last: Option<Stored>,
    /// What an operation changes of its document's row, until that is written anyway.
    delivery: Option<Delivery>,
    /// Entries of the history that the units before this one leave to be written.
    entries_before: usize,
    /// The last row of the audit trail that is written.
    trail_end: Option<i64>,
}

/// What is still to be written of an operation to its document's row.
pub struct Delivery {
    document: DocumentId,
    /// To `document.in_delivery`.
    pub by: i64,
    /// Its row, when it is the newest of the document.
    pub newest: Option<i64>,
}

impl<'c> Tx<'c> {
    /// `before` is what the units before this one in its group left.
    pub fn new(db: &'c Connection, before: &Journal) -> Self {
        Self {
            db,
            journal: Journal::default(),
            unsettled: BTreeSet::new(),
            last: None,
            delivery: None,
            entries_before: before.entries(),
            trail_end: None,
        }
    }

    /// The id of the entry of the history that comes next. Entries are written at the commit, in their order.
    pub fn next_entry(&mut self) -> Result<i64, StoreError> {
        let end = match self.trail_end {
            Some(end) => end,
            None => *self.trail_end.insert(audit::last_id(self.db)?),
        };
        let waiting = self.entries_before + self.journal.entries();
        Ok(end + i64::try_from(waiting).unwrap_or(i64::MAX) + 1)
    }

    /// Adds an entry to the history, and to its document's.
    pub fn audit(&mut self, entry: AuditEntry) -> Result<(), StoreError> {
        let id = self.next_entry()?;
        let earlier = match entry.document {
            Some(document) => self.add_to_history(document, id)?,
            None => None,
        };
        self.journal.audit(Placed { id, earlier, entry });
        Ok(())
    }

    /// The entry before it; none of a document that is gone.
    fn add_to_history(&mut self, document: DocumentId, entry: i64) -> Result<Option<i64>, StoreError> {
        let earlier: Option<Option<i64>> = self
            .db
            .prepare_cached("SELECT history FROM document WHERE id = ?1")?
            .query_row([document], |row| row.get(0))
            .optional()?;
        let Some(earlier) = earlier else {
            return Ok(None);
        };
        let changed = self
            .db
            .prepare_cached("UPDATE document SET history = ?2 WHERE id = ?1")?
            .execute((document, entry))?;
        one_row(changed, "document", document)?;
        if let Some(stored) = self.last.as_mut().filter(|stored| stored.loaded.id == document) {
            stored.head.history = Some(entry);
        }
        Ok(earlier)
    }

    /// Adds to the operations of a document that are in delivery; `newest` is the row of a new one.
    pub fn in_delivery(&mut self, document: DocumentId, by: i64, newest: Option<i64>) -> Result<(), StoreError> {
        let before = self.delivery_of(document);
        if before.is_none() {
            self.write_delivery()?;
        }
        let (known, newer) = before.map_or((0, None), |before| (before.by, before.newest));
        self.delivery = Some(Delivery {
            document,
            by: known + by,
            newest: newest.or(newer),
        });
        Ok(())
    }

    /// What is to be written with the document's row by whoever writes it now.
    pub fn delivery_of(&mut self, document: DocumentId) -> Option<Delivery> {
        self.delivery.take_if(|delivery| delivery.document == document)
    }

    /// Before a document is read again.
    fn write_delivery(&mut self) -> Result<(), StoreError> {
        let Some(Delivery { document, by, newest }) = self.delivery.take() else {
            return Ok(());
        };
        let changed = self
            .db
            .prepare_cached(
                "UPDATE document SET in_delivery = in_delivery + ?2, operation = coalesce(?3, operation) WHERE id = ?1",
            )?
            .execute((document, by, newest))?;
        one_row(changed, "document", document)
    }

    fn remember(&mut self, stored: Option<Stored>) -> Option<Loaded> {
        let loaded = stored.as_ref().map(|stored| stored.loaded.clone());
        self.last = stored;
        loaded
    }

    /// Before a document's row is written.
    pub fn forget(&mut self) {
        self.last = None;
    }

    /// A document as it is stored, its pending answers excepted: they are as of the last load.
    pub fn stored(&mut self, id: DocumentId) -> Result<Stored, StoreError> {
        if let Some(stored) = self.last.take_if(|stored| stored.loaded.id == id) {
            return Ok(stored);
        }
        self.write_delivery()?;
        chain::load_by_id(self.db, id)?.ok_or_else(|| StoreError::NotFound {
            what: "document",
            id: id.to_string(),
        })
    }

    pub fn unsettled(&mut self, document: DocumentId) {
        self.unsettled.insert(document);
    }

    pub fn settled(&mut self, document: DocumentId) {
        self.unsettled.remove(&document);
    }

    /// Ends the unit: settles what is open, and gives what is left to write at the commit.
    pub fn end(mut self) -> Result<Journal, StoreError> {
        self.write_delivery()?;
        for document in std::mem::take(&mut self.unsettled) {
            super::apply::settle_needs_answer(&mut self, document)?;
        }
        Ok(self.journal)
    }
}

/// For an `UPDATE` that has to meet exactly one row.
pub fn one_row(changed: usize, what: &'static str, id: impl std::fmt::Display) -> Result<(), StoreError> {
    match changed {
        1 => Ok(()),
        0 => Err(StoreError::NotFound {
            what,
            id: id.to_string(),
        }),
        more => Err(StoreError::Corrupt(format!("{more} rows are {what} {id}"))),
    }
}

impl StoreTx for Tx<'_> {
    fn load(&mut self, key: &DocumentKey) -> Result<Option<Loaded>, StoreError> {
        self.write_delivery()?;
        let stored = chain::load(self.db, key)?;
        Ok(self.remember(stored))
    }

    fn load_by_id(&mut self, id: DocumentId) -> Result<Option<Loaded>, StoreError> {
        self.write_delivery()?;
        let stored = chain::load_by_id(self.db, id)?;
        Ok(self.remember(stored))
    }

    fn apply(&mut self, change: &ApplyChange<'_>) -> Result<DocumentId, StoreError> {
        super::apply::apply(self, change)
    }

    fn version_content(&mut self, id: DocumentId, number: VersionNumber) -> Result<Option<VersionContent>, StoreError> {
        documents::version_content(self.db, id, number)
    }

    fn newest_received(&mut self, id: DocumentId) -> Result<Option<Timestamp>, StoreError> {
        super::versions::newest_received(self.db, id)
    }

    fn operation(&mut self, id: OperationId) -> Result<Option<OperationRow>, StoreError> {
        operations::one(self.db, id)
    }

    fn received_answers(&mut self, id: DocumentId, limit: u32) -> Result<Vec<ReceivedAnswer>, StoreError> {
        issued::received_answers(self.db, id, limit)
    }

    fn notes_of_order(
        &mut self,
        company: &CompanyId,
        partner: &PartnerId,
        order_number: &str,
    ) -> Result<Vec<DocumentId>, StoreError> {
        issued::notes_of_order(self.db, company, partner, order_number)
    }

    fn set_partner_ref(
        &mut self,
        id: DocumentId,
        number: VersionNumber,
        partner_ref: &serde_json::Value,
    ) -> Result<(), StoreError> {
        issued::set_partner_ref(self, id, number, partner_ref)
    }

    fn keep_received_answer(&mut self, answer: &NewReceivedAnswer<'_>) -> Result<bool, StoreError> {
        issued::keep_received_answer(self, answer)
    }

    fn keep_marks(&mut self, id: OperationId, marks: &Marks) -> Result<(), StoreError> {
        issued::keep_marks(self, id, marks)
    }

    fn take_marks(&mut self, id: OperationId) -> Result<Option<Marks>, StoreError> {
        issued::take_marks(self, id)
    }

    fn note(&mut self, note: &Note<'_>) -> Result<(), StoreError> {
        super::note::note(self, note)
    }

    fn enqueue(&mut self, operation: &NewOperation) -> Result<(), StoreError> {
        jobs::enqueue(self, operation)
    }

    fn draft_request(&mut self, id: OperationId, request: &StoredRequest, made_with: &str) -> Result<(), StoreError> {
        super::claim::draft_request(self, id, request, made_with)
    }

    fn claim(&mut self, request: &ClaimRequest<'_>) -> Result<Vec<Claimed>, StoreError> {
        super::claim::claim(self, request)
    }

    fn store_request(
        &mut self,
        id: OperationId,
        epoch: i64,
        request: &StoredRequest,
    ) -> Result<StoredRequest, StoreError> {
        super::claim::store_request(self, id, epoch, request)
    }

    fn give_back(&mut self, id: OperationId, epoch: i64, due_at: Timestamp) -> Result<(), StoreError> {
        attempts::give_back(self, id, epoch, due_at)
    }

    fn renew_lease(&mut self, id: OperationId, epoch: i64, until: Timestamp) -> Result<(), StoreError> {
        super::claim::renew_lease(self, id, epoch, until)
    }

    fn finish(&mut self, finish: &FinishAttempt<'_>) -> Result<(), StoreError> {
        attempts::finish(self, finish)
    }

    fn replay(&mut self, replay: &Replay) -> Result<(), StoreError> {
        super::replay::replay(self, replay)
    }

    fn set_operation_state(
        &mut self,
        id: OperationId,
        to: DeliveryState,
        due_at: Timestamp,
        actor: &str,
    ) -> Result<(), StoreError> {
        person::set_state(self, id, to, due_at, actor)
    }

    fn watermark(
        &mut self,
        company: &CompanyId,
        partner: &PartnerId,
        stream: &str,
    ) -> Result<Option<String>, StoreError> {
        leases::watermark(self.db, company, partner, stream)
    }

    fn set_watermark(
        &mut self,
        company: &CompanyId,
        partner: &PartnerId,
        stream: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        leases::set_watermark(self.db, company, partner, stream, value)
    }

    fn take_lease(
        &mut self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        leases::take(self.db, name, holder, now, until)
    }

    fn extend_lease(&mut self, name: &str, epoch: i64, until: Timestamp) -> Result<(), StoreError> {
        leases::extend(self.db, name, epoch, until)
    }

    fn release_lease(&mut self, name: &str, epoch: i64) -> Result<(), StoreError> {
        leases::release(self.db, name, epoch)
    }

    fn end_leases_of(&mut self, holder: &str, now: Timestamp) -> Result<usize, StoreError> {
        leases::end_all_of(self.db, holder, now)
    }

    fn check_lease(&mut self, name: &str, epoch: i64) -> Result<(), StoreError> {
        leases::check(self.db, name, epoch)
    }

    fn take_step(&mut self, name: &str, epoch: i64, step: i64) -> Result<bool, StoreError> {
        leases::take_step(self.db, name, epoch, step)
    }

    fn catch_up(&mut self, now: Timestamp, lease_until: Timestamp) -> Result<usize, StoreError> {
        leases::shorten(self.db, lease_until)?;
        jobs::catch_up(self.db, now)
    }

    fn put_quarantine(&mut self, item: &NewQuarantine<'_>) -> Result<i64, StoreError> {
        quarantine::put(self, item)
    }

    fn settle_quarantine(
        &mut self,
        id: i64,
        how: &QuarantineSettled,
        actor: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        quarantine::settle(self, id, how, actor, at)
    }

    fn forget(&mut self, batch: &Forget) -> Result<usize, StoreError> {
        super::retire::forget(self, batch)
    }

    fn shrink(&mut self, most: u32) -> Result<u32, StoreError> {
        super::care::shrink(self.db, most)
    }

    fn partner_state(&mut self, company: &CompanyId, partner: &PartnerId) -> Result<Option<PartnerState>, StoreError> {
        partners::one(self.db, company, partner)
    }

    fn set_partner_state(&mut self, state: &PartnerState) -> Result<(), StoreError> {
        partners::set(self, state)
    }

    fn settle_incidents(
        &mut self,
        company: &CompanyId,
        present: &[PresentIncident],
        at: Timestamp,
    ) -> Result<Vec<IncidentTurn>, StoreError> {
        incidents::settle(self, company, present, at)
    }
}
