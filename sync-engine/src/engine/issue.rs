//! Documents that we issue: checked, decided and saved with their job in one transaction, as answers are.

mod content;
mod possible;

pub use possible::PossibleAct;

use super::{Engine, EngineError, own};
use crate::domain::check::CHANGE_OF_OURS_AFTER_SHIPMENT;
use crate::domain::{
    Act, CanonicalDocument, Chain, ContentHash, DeliveryState, DocumentId, DocumentKind, Event, OperationId, Outcome,
    PartnerId, PartnerRules, Purpose, Side, Timestamp, VersionNumber, chain::Refusal, decide,
};
use crate::exchange::earlier::goods_left;
use crate::exchange::partners::Partner;
use crate::exchange::{Surroundings, outbound};
use crate::partner::{RenderInput, Stage};
use crate::store::{
    ApplyChange, DocumentKey, Lane, NewOperation, OperationKind, OperationRow, PayloadRef, StoreError, StoreExt,
    StoreTx, VersionContentRef,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What is done to a document of ours.
#[derive(Debug, Clone)]
pub enum Issue {
    /// An order (we buy) or a delivery note (we sell) that is new.
    New {
        partner: PartnerId,
        document: CanonicalDocument,
    },
    /// A new version of it.
    Change {
        content: CanonicalDocument,
    },
    Cancel {
        reason: Option<String>,
    },
    /// The seller's counter-offer is taken: an update that restates it.
    AcceptCounter,
    /// It is refused: as the partner's rules say, the order is handed back as it was, or cancelled.
    RefuseCounter {
        reason: Option<String>,
    },
    Close,
}

/// A document that is there, and the version that the person had before them.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub document: DocumentId,
    pub version: VersionNumber,
}

/// What an operation does with a document of ours; beside it stands the version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedAs {
    /// Absent when the document is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The counter-offer that it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepts: Option<VersionNumber>,
    /// The counter-offer that it refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuses: Option<VersionNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// All that is saved, put together outside of the transaction.
struct Draft {
    key: DocumentKey,
    id: Option<DocumentId>,
    side: Side,
    /// Versions that the chain had then: one more, and it is looked at again.
    versions: usize,
    kind: OperationKind,
    issued: IssuedAs,
    content: CanonicalDocument,
    /// Our number of the version.
    sequence: i64,
    around: Surroundings,
    summary: Option<String>,
}

impl Draft {
    /// A change of an order by our own wish, not what takes or refuses a counter-offer.
    fn is_change(&self) -> bool {
        let of_ours = self.issued.accepts.is_none() && self.issued.refuses.is_none();
        self.key.kind == DocumentKind::Order && self.issued.purpose == Some(Purpose::Change) && of_ours
    }
}

impl Engine {
    /// Issues a new document.
    ///
    /// # Errors
    /// `Refused` with `document.invalid` (data: a list of `{pointer, message}`), `document.exists`,
    /// `operation.unsupported`; `NotFound` when no such partner is configured.
    pub async fn issue_new(
        &self,
        partner: PartnerId,
        document: CanonicalDocument,
        actor: &str,
    ) -> Result<OperationRow, EngineError> {
        let configured = self.partner(&partner)?;
        self.issue(configured, None, Issue::New { partner, document }, actor)
            .await
    }

    /// Changes, cancels or closes a document of ours, or takes or refuses its counter-offer.
    ///
    /// # Errors
    /// `Refused` with `document.invalid`, `document.refused`, `answer.superseded` (data: the current version),
    /// `answer.pending`, `operation.unsupported`; `NotFound`.
    pub async fn issue_version(&self, seen: Seen, issue: Issue, actor: &str) -> Result<OperationRow, EngineError> {
        let company = self.company().clone();
        let row = self
            .store()
            .read(move |store| Ok(own::document(store, &company, seen.document)?))
            .await?;
        let configured = self.partner(&row.partner)?;
        self.issue(configured, Some(seen), issue, actor).await
    }

    async fn issue(
        &self,
        partner: Arc<Partner>,
        seen: Option<Seen>,
        issue: Issue,
        actor: &str,
    ) -> Result<OperationRow, EngineError> {
        let exchange = Arc::clone(self.exchange());
        let (id, now) = (exchange.clock.new_operation_id(), exchange.clock.now());
        let company = exchange.company.clone();
        let link = partner.link();
        let rules = link.rules().clone();
        let checked = rules.clone();
        let announced = self.store().announce();
        let drafted = self.store().read_in_place(move |store| {
            let draft = content::draft(store, company, seen, issue, &checked, now)?;
            sendable(link.as_ref(), &draft, id, now)?;
            Ok::<_, StoreError>(draft)
        });
        let draft = drafted.await?;
        let actor = actor.to_owned();
        let saved = self
            .store()
            .write(Lane::Interactive, move |tx| save(tx, &draft, id, &rules, &actor, now));
        drop(announced);
        let row = saved.await?;
        self.exchange().due.notify_waiters();
        tracing::info!(operation = %id, document = row.document_number, kind = ?row.kind, "document saved");
        Ok(row)
    }
}

/// Rendered once for its mistakes. It is rendered again when it leaves: what the partner calls the document may come with
/// its answer to an earlier version.
fn sendable(
    link: &dyn crate::partner::PartnerLink,
    draft: &Draft,
    id: OperationId,
    now: Timestamp,
) -> Result<(), EngineError> {
    let kind = outbound(draft.kind);
    if !link.operations().contains(&kind) {
        return Err(EngineError::Refused {
            code: "operation.unsupported",
            message: format!("{} takes no \"{}\"", link.name(), kind.as_str()),
            data: serde_json::json!({ "kind": draft.kind, "partner": link.id() }),
        });
    }
    // What is named by the partner's answer to a version that is still on its way cannot be checked yet.
    if draft.id.is_some() && draft.around.partner_ref.is_none() {
        return Ok(());
    }
    let revision = draft.sequence.to_string();
    let answer = serde_json::json!(draft.issued);
    let input = RenderInput {
        operation_id: id.0,
        kind,
        answer: &answer,
        document: &draft.content,
        previous: draft.around.previous.as_ref(),
        order: draft.around.order.as_ref(),
        order_ref: draft.around.order_ref.as_ref(),
        revision: Some(&revision),
        partner_ref: draft.around.partner_ref.as_ref(),
        payload: b"null",
        answered_at: now,
        stage: Stage::default(),
    };
    if link.waits_for_partner(&input) {
        return Ok(());
    }
    let Err(error) = link.render(&input) else { return Ok(()) };
    let problems: Vec<_> = error
        .problems
        .iter()
        .map(|p| serde_json::json!({ "pointer": p.pointer, "message": p.message }))
        .collect();
    let first = error.problems.first().map_or("", |p| p.message.as_str());
    Err(EngineError::Refused {
        code: "document.invalid",
        message: format!("{} cannot take this document: {first}", link.name()),
        data: serde_json::Value::Array(problems),
    })
}

fn save(
    tx: &mut dyn StoreTx,
    draft: &Draft,
    id: OperationId,
    rules: &PartnerRules,
    actor: &str,
    now: Timestamp,
) -> Result<OperationRow, StoreError> {
    let loaded = match draft.id {
        Some(id) => tx.load_by_id(id)?,
        None => tx.load(&draft.key)?,
    };
    let known = loaded.as_ref().map(|l| l.id);
    let chain = match loaded {
        Some(loaded) => loaded.chain,
        None => Chain::new(draft.key.kind, draft.side),
    };
    if chain.versions.len() != draft.versions {
        return Err(refused(Refusal::VersionNotCurrent, &chain).into());
    }
    if draft.is_change() && rules.changes_blocked_once_shipped {
        let party = (&draft.key.company, &draft.key.partner);
        if goods_left(tx, party, &draft.key.number)? {
            return Err(EngineError::refused("document.refused", CHANGE_OF_OURS_AFTER_SHIPMENT).into());
        }
    }
    let bytes = serde_json::to_vec(&draft.content).map_err(|e| EngineError::Internal(e.to_string()))?;
    let event = match draft.issued.purpose {
        Some(purpose) => Event::IssueSaved {
            operation: id,
            purpose,
            sequence: Some(draft.sequence),
            hash: ContentHash::of(&bytes),
            base: draft.issued.accepts,
        },
        None => Event::CloseSaved { operation: id },
    };
    let decision = decide(&chain, &event, rules);
    if decision.outcome != Outcome::Applied {
        let refusal = match decision.outcome {
            Outcome::Refused(refusal) => refusal,
            Outcome::Duplicate | Outcome::Conflict | Outcome::Stale | Outcome::Late | Outcome::Applied => {
                Refusal::AlreadyDecided
            }
        };
        return Err(refused(refusal, &chain).into());
    }
    let revision = draft.sequence.to_string();
    let content = decision.stored.map(|_| VersionContentRef {
        document: &draft.content,
        written: None,
        payload: PayloadRef {
            media_type: "application/json",
            bytes: &bytes,
        },
        sequence: Some(draft.sequence),
        revision: Some(&revision),
        partner_ref: None,
        change_summary: draft.summary.as_deref(),
        answer_due: None,
        doubtful: false,
        came_at: None,
    });
    let version = decision.stored.or(decision.chain.current).unwrap_or(VersionNumber(1));
    let document = tx.apply(&ApplyChange {
        key: &draft.key,
        id: known,
        decision: &decision,
        content,
        actor,
        action: outbound(draft.kind).as_str(),
        at: now,
        detail: serde_json::json!({ "operation": id, "version": version, "issued": draft.issued }),
    })?;
    tx.enqueue(&NewOperation {
        id,
        company: draft.key.company.clone(),
        partner: draft.key.partner.clone(),
        document,
        version,
        kind: draft.kind,
        act: if draft.issued.purpose.is_some() {
            Act::Issue
        } else {
            Act::Close
        },
        answer: serde_json::json!(draft.issued),
        state: DeliveryState::Queued,
        due_at: now,
        created_at: now,
        actor: actor.to_owned(),
    })?;
    tx.operation(id)?.ok_or_else(|| EngineError::no_operation(id).into())
}

fn refused(refusal: Refusal, chain: &Chain) -> EngineError {
    let (code, message) = match refusal {
        Refusal::AlreadyIssued => (
            "document.exists",
            "there is a document of this number already: change that one, or give this one another number",
        ),
        Refusal::VersionNotCurrent | Refusal::AnswerPending => return EngineError::answer(refusal, chain),
        Refusal::ChainEnded => ("document.refused", "the document is cancelled or closed"),
        Refusal::AlreadyDecided => ("document.refused", "that has been done already"),
        Refusal::NotOurDocument | Refusal::NotTheirDocument => {
            ("document.refused", "this document is the partner's: answer it")
        }
        Refusal::NoCounterOpen => ("document.refused", "no counter-offer is open"),
        Refusal::Undecided => (
            "document.refused",
            "something is still open on it: that is decided first",
        ),
        Refusal::VersionUnknown
        | Refusal::NoSuchAnswer
        | Refusal::NotHeld
        | Refusal::NotAnOriginal
        | Refusal::Empty
        | Refusal::RejectedBefore
        | Refusal::CodeNotAllowed
        | Refusal::CounterMissing => ("document.refused", "the document's state does not allow this"),
    };
    EngineError::Refused {
        code,
        message: message.to_owned(),
        data: serde_json::json!({ "current": chain.current, "state": chain.state, "refusal": refusal }),
    }
}

/// What we are in a document of ours of this kind.
fn our_side(kind: DocumentKind) -> Side {
    match kind {
        DocumentKind::Order => Side::Buyer,
        DocumentKind::DespatchAdvice => Side::Seller,
    }
}
