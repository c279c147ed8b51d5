//! What the simulated clerk does, and what the engine told the clerk.

use crate::chance::Chance;
use crate::partner;
use crate::plan::Kind;
use crate::theirs;
use std::sync::{Arc, Mutex};
use sync_engine::domain::answer::LineAnswerCode;
use sync_engine::domain::answer::{Reason, ReasonCode};
use sync_engine::domain::chain::allowed_answers;
use sync_engine::domain::document::DespatchLine;
use sync_engine::domain::{
    CanonicalDocument, DeliveryState, DocumentId, DocumentKind, HeaderAnswer, LineAnswer, Order, OrderResponse,
    PartnerId, PartnerRules, ReceiptAdvice, ReceiptLine, Side, VersionNumber,
};
use sync_engine::engine::{Engine, EngineError, Issue, Seen};
use sync_engine::store::{DocumentQuery, DocumentRow, DocumentView, OperationQuery, OperationRow, StoreError};
use uuid::Uuid;

/// What the clerk was told, in the order of telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Saved(Uuid),
    /// Will not be sent; whether it may have been.
    Withdrawn(Uuid),
    Released(Uuid),
    Retried(Uuid),
    /// The partner: whether its call was taken.
    Called(bool),
    Refused(String),
    /// The engine stopped meanwhile: nothing was saved.
    Stopped,
    /// An error of the store, which no scenario explains.
    Failed(String),
    Done,
}

pub type Book = Arc<Mutex<Vec<(usize, Told)>>>;

/// Does what an act of the clerk says, on one engine.
pub fn act(
    engine: &Engine,
    number: usize,
    kind: Kind,
    mut chance: Chance,
    book: &Book,
) -> impl Future<Output = ()> + use<> {
    let (engine, book) = (engine.clone(), Arc::clone(book));
    async move {
        if let Some(told) = perform(&engine, kind, &mut chance).await {
            book.lock().expect("one thread").push((number, told));
        }
    }
}

fn pick<T>(mut of: Vec<T>, chance: &mut Chance) -> Option<T> {
    let count = of.len() as u64;
    let at = usize::try_from(chance.next() % count.max(1)).unwrap_or(0);
    (count > 0).then(|| of.swap_remove(at))
}

fn documents(engine: &Engine) -> Vec<DocumentRow> {
    let query = DocumentQuery {
        company: engine.company().clone(),
        view: DocumentView::All,
        partner: None,
        kind: None,
        state: None,
        doubtful: false,
        search: None,
        cursor: None,
        limit: 200,
    };
    engine
        .store()
        .list_documents(&query)
        .map(|p| p.items)
        .unwrap_or_default()
}

fn operations(engine: &Engine, states: &[DeliveryState]) -> Vec<OperationRow> {
    let query = OperationQuery {
        company: Some(engine.company().clone()),
        states: states.to_vec(),
        limit: 200,
        ..OperationQuery::default()
    };
    engine
        .store()
        .list_operations(&query)
        .map(|p| p.items)
        .unwrap_or_default()
}

async fn perform(engine: &Engine, kind: Kind, chance: &mut Chance) -> Option<Told> {
    use DeliveryState::{Dead, Held, Queued, Retrying, Unknown};
    match kind {
        Kind::Answer { code, .. } => answer(engine, code, chance).await,
        Kind::Issue { partner, .. } => {
            let order = partner::order(&format!("OUR-{}", chance.next() % 100_000), &[("1".to_owned(), 5)]);
            let issued = engine.issue_new(
                PartnerId(format!("p{partner}")),
                CanonicalDocument::Order(order),
                "user:sim",
            );
            Some(told(issued.await.map(|row| Told::Saved(row.id.0))))
        }
        Kind::Amend { cancel, .. } => amend(engine, cancel, chance).await,
        Kind::Receive { .. } => receive(engine, chance).await,
        Kind::Ship { .. } => ship(engine, chance).await,
        Kind::Retry { .. } => {
            let row = pick(operations(engine, &[Dead, Retrying, Unknown, Queued]), chance)?;
            let done = engine.retry_operation(row.id, "user:sim").await;
            Some(told(done.map(|row| Told::Retried(row.id.0))))
        }
        Kind::Release { .. } => {
            let row = pick(operations(engine, &[Held]), chance)?;
            let done = engine.release_operation(row.id, "user:sim").await;
            Some(told(done.map(|row| Told::Released(row.id.0))))
        }
        Kind::TakeBack { .. } => {
            let row = pick(operations(engine, &[Dead, Retrying, Queued, Held]), chance)?;
            let done = engine.withdraw_operation(row.id, "user:sim").await;
            Some(told(done.map(|row| Told::Withdrawn(row.id.0))))
        }
        Kind::Pause { partner, on, .. } => {
            let done = engine
                .set_paused(&PartnerId(format!("p{partner}")), on, "user:sim")
                .await;
            Some(told(done.map(|_| Told::Done)))
        }
        Kind::Rerun { partner, .. } => {
            let partner = PartnerId(format!("p{partner}"));
            let done = engine.retry_all_quarantine(&partner, None, "user:sim").await;
            Some(told(done.map(|_| Told::Done)))
        }
        Kind::Sync { partner, .. } => {
            let done = engine.sync_now(&PartnerId(format!("p{partner}"))).await;
            Some(told(done.map(|_| Told::Done)))
        }
        _ => None,
    }
}

async fn answer(engine: &Engine, code: HeaderAnswer, chance: &mut Chance) -> Option<Told> {
    let rules = PartnerRules::default();
    let mut waiting = Vec::new();
    for row in documents(engine).into_iter().filter(|row| is_order(row, Side::Seller)) {
        let Ok(Some(chain)) = engine.store().chain(row.id) else {
            continue;
        };
        let version = chain
            .answerable()
            .filter(|_| allowed_answers(&chain, &rules).contains(&code));
        waiting.extend(version.map(|version| (row.id, version)));
    }
    let (document, version) = pick(waiting, chance)?;
    let answer = response(engine, document, version, code)?;
    let saved = engine.answer_order(document, version, answer, "user:sim").await;
    Some(told(saved.map(|row| Told::Saved(row.id.0))))
}

fn response(
    engine: &Engine,
    document: DocumentId,
    version: VersionNumber,
    code: HeaderAnswer,
) -> Option<OrderResponse> {
    let reason = Reason {
        code: ReasonCode::Qty,
        text: None,
    };
    let lines = match code {
        HeaderAnswer::CA => {
            let order = order_of(engine, document, version)?;
            order
                .lines
                .iter()
                .map(|line| offer(line.id.clone(), line.quantity))
                .collect()
        }
        HeaderAnswer::AB | HeaderAnswer::AP | HeaderAnswer::RE => Vec::new(),
    };
    Some(OrderResponse {
        code,
        reason: (code == HeaderAnswer::RE).then_some(reason),
        note: None,
        lines,
    })
}

fn offer(line: String, ordered: sync_engine::domain::Decimal) -> LineAnswer {
    LineAnswer {
        line_id: line,
        code: LineAnswerCode::Changed,
        quantity: Some(ordered - sync_engine::domain::Decimal::ONE),
        price: None,
        date: None,
        substitute: None,
        reason: Some(Reason {
            code: ReasonCode::Qty,
            text: None,
        }),
    }
}

fn order_of(engine: &Engine, document: DocumentId, version: VersionNumber) -> Option<Order> {
    let content = engine.store().version_content(document, version).ok()??;
    match content.document().ok()? {
        CanonicalDocument::Order(order) => Some(order),
        CanonicalDocument::DespatchAdvice(_) => None,
    }
}

fn is_order(row: &DocumentRow, side: Side) -> bool {
    row.side == side && row.kind == DocumentKind::Order
}

/// Says what arrived of a delivery of theirs.
async fn receive(engine: &Engine, chance: &mut Chance) -> Option<Told> {
    let notes = documents(engine).into_iter();
    let notes = notes.filter(|row| row.kind == DocumentKind::DespatchAdvice && row.side == Side::Buyer);
    let row = pick(notes.collect(), chance)?;
    let content = engine.store().version_content(row.id, row.current).ok()??;
    let CanonicalDocument::DespatchAdvice(note) = content.document().ok()? else {
        return None;
    };
    let line = |line: &DespatchLine| ReceiptLine {
        line_id: line.id.clone(),
        received: line.delivered,
        short: None,
        rejected: None,
        reject_reason: None,
        action: None,
        note: None,
    };
    let receipt = ReceiptAdvice {
        received_on: "2026-01-02".parse().expect("a day"),
        note: None,
        lines: note.lines.iter().map(line).collect(),
    };
    let saved = engine.answer_despatch(row.id, row.current, receipt, "user:sim").await;
    Some(told(saved.map(|row| Told::Saved(row.id.0))))
}

/// Delivers an order of theirs.
async fn ship(engine: &Engine, chance: &mut Chance) -> Option<Told> {
    let orders = documents(engine)
        .into_iter()
        .filter(|row| is_order(row, Side::Seller) && row.agreed.is_some());
    let row = pick(orders.collect(), chance)?;
    let order = order_of(engine, row.id, row.agreed?)?;
    let number = format!("SH-{}", chance.next() % 100_000);
    let note = theirs::note(&number, &order.number, &order.lines.first()?.id, 1);
    let issued = engine
        .issue_new(row.partner, CanonicalDocument::DespatchAdvice(note), "user:sim")
        .await;
    Some(told(issued.map(|row| Told::Saved(row.id.0))))
}

/// Changes or cancels an order of ours.
async fn amend(engine: &Engine, cancel: bool, chance: &mut Chance) -> Option<Told> {
    let ours = documents(engine)
        .into_iter()
        .filter(|row| is_order(row, Side::Buyer))
        .collect();
    let row = pick(ours, chance)?;
    let seen = Seen {
        document: row.id,
        version: row.current,
    };
    let issue = if cancel {
        Issue::Cancel {
            reason: Some("not needed".to_owned()),
        }
    } else {
        let mut order = order_of(engine, row.id, row.current)?;
        order.lines.first_mut()?.quantity += sync_engine::domain::Decimal::ONE;
        Issue::Change {
            content: CanonicalDocument::Order(order),
        }
    };
    let saved = engine.issue_version(seen, issue, "user:sim").await;
    Some(told(saved.map(|row| Told::Saved(row.id.0))))
}

fn told(done: Result<Told, EngineError>) -> Told {
    match done {
        Ok(told) => told,
        Err(EngineError::Refused { code, .. }) => Told::Refused(code.to_owned()),
        Err(EngineError::Store(StoreError::Closed)) => Told::Stopped,
        Err(EngineError::Store(error)) => Told::Failed(error.to_string()),
        Err(other) => Told::Refused(other.to_string()),
    }
}
