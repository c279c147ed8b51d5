//! A bug put in on purpose: a store that takes every outcome, whoever's lease the operation is under by then.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use sync_engine::domain::{
    Chain, CompanyId, DeliveryState, DocumentId, DocumentKind, OperationId, PartnerId, Timestamp, VersionNumber,
};
use sync_engine::store::*;

/// The newest epoch of each operation, over all engines.
pub type Epochs = Arc<Mutex<BTreeMap<OperationId, i64>>>;

pub struct Forgetful {
    pub store: Arc<SqliteStore>,
    pub epochs: Epochs,
}

struct ForgetfulTx<'t> {
    tx: &'t mut dyn StoreTx,
    epochs: Epochs,
}

impl ForgetfulTx<'_> {
    fn newest(&self, id: OperationId, epoch: i64) -> i64 {
        let epochs = self.epochs.lock().expect("one thread");
        epochs.get(&id).copied().unwrap_or(epoch)
    }
}

type Told<T> = Result<T, StoreError>;

/// What is passed on as it is.
macro_rules! passed_on {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $name(&self, $($arg: $type),*) -> $answer { self.store.$name($($arg),*) })*
    };
}
macro_rules! passed_on_tx {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $name(&mut self, $($arg: $type),*) -> $answer { self.tx.$name($($arg),*) })*
    };
}

impl Store for Forgetful {
    fn submit(&self, lane: Lane, work: ErasedWork) -> Committed<Box<dyn Any + Send>> {
        let epochs = Arc::clone(&self.epochs);
        let forgetful = Box::new(move |tx: &mut dyn StoreTx| work(&mut ForgetfulTx { tx, epochs }));
        self.store.submit(lane, forgetful)
    }

    passed_on! {
        announce() -> Announced;
        is_hosted() -> bool;
        list_documents(query: &DocumentQuery) -> Told<Page<DocumentRow>>;
        document(id: DocumentId) -> Told<Option<DocumentRow>>;
        find_document(company: &CompanyId, partner: &PartnerId, kind: DocumentKind, number: &str)
            -> Told<Option<DocumentId>>;
        chain(id: DocumentId) -> Told<Option<Chain>>;
        versions(id: DocumentId) -> Told<Vec<VersionRow>>;
        version_content(id: DocumentId, number: VersionNumber) -> Told<Option<VersionContent>>;
        received_answers(id: DocumentId, limit: u32) -> Told<Vec<ReceivedAnswer>>;
        notes_of_order(company: &CompanyId, partner: &PartnerId, number: &str) -> Told<Vec<DocumentId>>;
        payload(id: PayloadId) -> Told<Option<Payload>>;
        history(id: DocumentId, before: Option<i64>, limit: u32) -> Told<Page<AuditRow>>;
        list_operations(query: &OperationQuery) -> Told<Page<OperationRow>>;
        operation(id: OperationId) -> Told<Option<OperationRow>>;
        attempts(id: OperationId) -> Told<Vec<AttemptRow>>;
        next_due(now: Timestamp) -> Told<Option<Timestamp>>;
        list_quarantine(query: &QuarantineQuery) -> Told<Page<QuarantineRow>>;
        quarantine(id: i64) -> Told<Option<QuarantineRow>>;
        partner_states(company: &CompanyId) -> Told<Vec<PartnerState>>;
        incidents(company: &CompanyId, limit: u32) -> Told<Vec<IncidentRow>>;
        open_incidents(company: &CompanyId) -> Told<Vec<IncidentRow>>;
        dead_by_partner(company: &CompanyId) -> Told<Vec<(PartnerId, i64)>>;
        watermark(company: &CompanyId, partner: &PartnerId, stream: &str) -> Told<Option<String>>;
        counters(company: &CompanyId) -> Told<Counters>;
        changes(after: i64, limit: u32) -> Told<Vec<ChangeRow>>;
        verify_audit() -> Told<AuditCheck>;
        backup(to: &Path) -> Told<BackupReport>;
        archive(folder: &Path, query: &ArchiveQuery, moment: &str) -> Told<Option<Archive>>;
        doctor() -> Told<StoreReport>;
        trouble() -> Option<StoreTrouble>;
        close() -> ();
        subscribe() -> tokio::sync::broadcast::Receiver<ChangeRow>;
        newest_told() -> i64;
        look_for_others() -> Told<()>;
    }
}

impl StoreTx for ForgetfulTx<'_> {
    fn claim(&mut self, request: &ClaimRequest<'_>) -> Told<Vec<Claimed>> {
        let claimed = self.tx.claim(request)?;
        let mut epochs = self.epochs.lock().expect("one thread");
        epochs.extend(claimed.iter().map(|c| (c.operation, c.epoch)));
        drop(epochs);
        Ok(claimed)
    }

    fn store_request(&mut self, id: OperationId, epoch: i64, request: &StoredRequest) -> Told<StoredRequest> {
        let epoch = self.newest(id, epoch);
        self.tx.store_request(id, epoch, request)
    }

    fn give_back(&mut self, id: OperationId, epoch: i64, due_at: Timestamp) -> Told<()> {
        let epoch = self.newest(id, epoch);
        self.tx.give_back(id, epoch, due_at)
    }

    fn renew_lease(&mut self, id: OperationId, epoch: i64, until: Timestamp) -> Told<()> {
        let epoch = self.newest(id, epoch);
        self.tx.renew_lease(id, epoch, until)
    }

    fn finish(&mut self, finish: &FinishAttempt<'_>) -> Told<()> {
        let epoch = self.newest(finish.operation, finish.epoch);
        self.tx.finish(&FinishAttempt { epoch, ..*finish })
    }

    passed_on_tx! {
        load(key: &DocumentKey) -> Told<Option<Loaded>>;
        load_by_id(id: DocumentId) -> Told<Option<Loaded>>;
        received_answers(id: DocumentId, limit: u32) -> Told<Vec<ReceivedAnswer>>;
        shrink(pages: u32) -> Told<u32>;
        apply(change: &ApplyChange<'_>) -> Told<DocumentId>;
        version_content(id: DocumentId, number: VersionNumber) -> Told<Option<VersionContent>>;
        newest_received(id: DocumentId) -> Told<Option<Timestamp>>;
        operation(id: OperationId) -> Told<Option<OperationRow>>;
        notes_of_order(company: &CompanyId, partner: &PartnerId, number: &str) -> Told<Vec<DocumentId>>;
        set_partner_ref(id: DocumentId, number: VersionNumber, partner_ref: &serde_json::Value) -> Told<()>;
        keep_received_answer(answer: &NewReceivedAnswer<'_>) -> Told<bool>;
        keep_marks(id: OperationId, marks: &Marks) -> Told<()>;
        take_marks(id: OperationId) -> Told<Option<Marks>>;
        note(note: &Note<'_>) -> Told<()>;
        enqueue(operation: &NewOperation) -> Told<()>;
        draft_request(id: OperationId, request: &StoredRequest, made_with: &str) -> Told<()>;
        replay(replay: &Replay) -> Told<()>;
        set_operation_state(id: OperationId, to: DeliveryState, due_at: Timestamp, actor: &str) -> Told<()>;
        watermark(company: &CompanyId, partner: &PartnerId, stream: &str) -> Told<Option<String>>;
        set_watermark(company: &CompanyId, partner: &PartnerId, stream: &str, value: &str) -> Told<()>;
        take_lease(name: &str, holder: &str, now: Timestamp, until: Timestamp) -> Told<Option<i64>>;
        extend_lease(name: &str, epoch: i64, until: Timestamp) -> Told<()>;
        release_lease(name: &str, epoch: i64) -> Told<()>;
        check_lease(name: &str, epoch: i64) -> Told<()>;
        take_step(name: &str, epoch: i64, step: i64) -> Told<bool>;
        end_leases_of(holder: &str, now: Timestamp) -> Told<usize>;
        catch_up(now: Timestamp, lease_until: Timestamp) -> Told<usize>;
        put_quarantine(item: &NewQuarantine<'_>) -> Told<i64>;
        settle_quarantine(id: i64, how: &QuarantineSettled, actor: &str, at: Timestamp) -> Told<()>;
        forget(batch: &Forget) -> Told<usize>;
        partner_state(company: &CompanyId, partner: &PartnerId) -> Told<Option<PartnerState>>;
        set_partner_state(state: &PartnerState) -> Told<()>;
        settle_incidents(company: &CompanyId, present: &[PresentIncident], at: Timestamp) -> Told<Vec<IncidentTurn>>;
    }
}
