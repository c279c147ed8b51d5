//! The clerk's answers: checked, decided, and saved with their job in one transaction.

use super::{Engine, EngineError, own};
use crate::domain::check::{AnswerProblem, check_order_response, check_receipt, receipt_code};
use crate::domain::{
    CanonicalDocument, DeliveryState, DocumentId, Earlier, Event, HeaderAnswer, OperationId, OrderResponse, Outcome,
    PartnerRules, ReceiptAdvice, VersionNumber, decide,
};
use crate::exchange::earlier::goods_left;
use crate::exchange::partners::Partner;
use crate::exchange::{Exchange, earlier_of_ours, outbound, stored};
use crate::partner::{RenderInput, Stage};
use crate::store::{
    ApplyChange, DocumentRow, Lane, NewOperation, OperationKind, OperationRow, Store, StoreError, StoreExt, StoreTx,
    StoredRequest, VersionRow,
};
use std::sync::Arc;

/// What stands against taking a change, where the partner's rules block changes once goods have left.
pub(super) const CHANGE_AFTER_SHIPMENT: &str =
    "goods of this order have left, and this partner takes no change after that: reject the change";

/// What an answer is checked against.
struct Answered {
    row: DocumentRow,
    version: VersionRow,
    document: CanonicalDocument,
    partner_ref: Option<serde_json::Value>,
    payload: Vec<u8>,
    /// What our answers before this one leave in force.
    earlier: Earlier,
    partner: Option<Arc<Partner>>,
    rules: PartnerRules,
}

/// A checked answer, ready to be saved.
struct Answer {
    kind: OperationKind,
    code: HeaderAnswer,
    content: serde_json::Value,
}

/// Its request, and the fingerprint of the configuration that it was made with.
struct Draft {
    request: StoredRequest,
    made_with: String,
}

impl Engine {
    /// The clerk's answer to an order version: checked, decided and saved with its job in one transaction.
    ///
    /// # Errors
    /// `Refused` with `answer.superseded` (data: the current version), `answer.pending`, `answer.decided`,
    /// `answer.incomplete` (data: a list of `{pointer, message}`), `operation.unsupported`.
    pub async fn answer_order(
        &self,
        document: DocumentId,
        version: VersionNumber,
        answer: OrderResponse,
        actor: &str,
    ) -> Result<OperationRow, EngineError> {
        let check = move |answered: &Answered| {
            let CanonicalDocument::Order(order) = &answered.document else {
                return Err(EngineError::refused(
                    "answer.refused",
                    "this is a delivery note: answer it with what arrived",
                ));
            };
            let problems = check_order_response(order, &answer, &answered.rules, &answered.earlier);
            incomplete(problems)?;
            let kind = match answer.code {
                HeaderAnswer::AB => OperationKind::Acknowledge,
                HeaderAnswer::AP => OperationKind::Confirm,
                HeaderAnswer::RE => OperationKind::Reject,
                HeaderAnswer::CA => OperationKind::Counter,
            };
            let content = json(&answer)?;
            let code = answer.code;
            Ok(Answer { kind, code, content })
        };
        self.save(document, version, check, actor).await
    }

    /// What arrived of a delivery note, and what was refused of it.
    ///
    /// # Errors
    /// As `answer_order`.
    pub async fn answer_despatch(
        &self,
        document: DocumentId,
        version: VersionNumber,
        receipt: ReceiptAdvice,
        actor: &str,
    ) -> Result<OperationRow, EngineError> {
        let check = move |answered: &Answered| {
            let CanonicalDocument::DespatchAdvice(despatch) = &answered.document else {
                return Err(EngineError::refused(
                    "answer.refused",
                    "this is an order: confirm, reject or counter it",
                ));
            };
            incomplete(check_receipt(despatch, &receipt))?;
            let kind = OperationKind::Receipt;
            let code = receipt_code(despatch, &receipt);
            let content = json(&receipt)?;
            Ok(Answer { kind, code, content })
        };
        self.save(document, version, check, actor).await
    }

    async fn save(
        &self,
        document: DocumentId,
        version: VersionNumber,
        check: impl FnOnce(&Answered) -> Result<Answer, EngineError> + Send + 'static,
        actor: &str,
    ) -> Result<OperationRow, EngineError> {
        let exchange = Arc::clone(self.exchange());
        let id = exchange.clock.new_operation_id();
        let now = exchange.clock.now();
        let announced = self.store().announce();
        // Rendering a long order takes a while, and may fail in a mapping: in one go with the reads.
        let checking = self.store().read_in_place(move |store| {
            let answered = answered(store, &exchange, document, version)?;
            let answer = check(&answered)?;
            let draft = sendable(&answered, &answer, id, now)?;
            Ok((answered, answer, draft))
        });
        let (answered, answer, draft) = checking.await?;
        let operation = NewOperation {
            id,
            company: answered.row.company,
            partner: answered.row.partner,
            document: answered.row.id,
            version: answered.version.number,
            kind: answer.kind,
            act: answer.code.into(),
            answer: answer.content,
            state: DeliveryState::Queued,
            due_at: now,
            created_at: now,
            actor: actor.to_owned(),
        };
        let (rules, code) = (answered.rules, answer.code);
        let saved = self.store().write(Lane::Interactive, move |tx| {
            save(tx, (&operation, code), draft.as_ref(), &rules)
        });
        drop(announced);
        let row = saved.await?;
        self.exchange().due.notify_waiters();
        tracing::info!(operation = %id, document = row.document_number, kind = ?row.kind, "answer saved");
        Ok(row)
    }
}

fn answered(
    store: &dyn Store,
    exchange: &Exchange,
    document: DocumentId,
    number: VersionNumber,
) -> Result<Answered, StoreError> {
    let missing = || EngineError::NotFound {
        what: "version",
        id: format!("{number} of document {document}"),
    };
    let row = own::document(store, &exchange.company, document)?;
    let version = store.versions(document)?.into_iter().find(|v| v.number == number);
    let version = version.ok_or_else(missing)?;
    let content = store.version_content(document, number)?.ok_or_else(missing)?;
    let payload = store.payload(content.payload)?.ok_or_else(missing)?;
    let partner = exchange.partners.get(&row.partner);
    let rules = partner.as_ref().map(|p| p.link().rules().clone()).unwrap_or_default();
    let canonical = content.document()?;
    let earlier = match &canonical {
        CanonicalDocument::Order(order) => earlier_of_ours(store, (document, number, order), &rules)?,
        CanonicalDocument::DespatchAdvice(_) => Earlier::default(),
    };
    Ok(Answered {
        document: canonical,
        partner_ref: content.partner_ref,
        payload: payload.bytes,
        earlier,
        rules,
        partner,
        version,
        row,
    })
}

/// The request, made now: its mistakes are better seen here than as a dead letter. It leaves as it is unless the
/// configuration changes before. A partner whose configuration is broken for the moment is no reason not to save.
fn sendable(
    answered: &Answered,
    answer: &Answer,
    id: OperationId,
    now: crate::domain::Timestamp,
) -> Result<Option<Draft>, EngineError> {
    let Some(partner) = &answered.partner else {
        return Ok(None);
    };
    let link = partner.link();
    let kind = outbound(answer.kind);
    if !link.operations().contains(&kind) {
        return Err(EngineError::Refused {
            code: "operation.unsupported",
            message: format!("{} takes no answer of this kind", link.name()),
            data: serde_json::json!({ "kind": answer.kind, "partner": partner.id }),
        });
    }
    let input = RenderInput {
        operation_id: id.0,
        kind,
        answer: &answer.content,
        document: &answered.document,
        previous: None,
        order: None,
        order_ref: None,
        revision: answered.version.revision.as_deref(),
        partner_ref: answered.partner_ref.as_ref(),
        payload: &answered.payload,
        answered_at: now,
        stage: Stage::default(),
    };
    if link.waits_for_partner(&input) {
        return Ok(None);
    }
    let error = match link.render(&input) {
        Ok(_) if !link.is_plain(kind) => return Ok(None),
        Ok(request) => {
            let made_with = link.fingerprint().to_owned();
            let request = stored(request);
            return Ok(Some(Draft { request, made_with }));
        }
        Err(error) => error,
    };
    let problems: Vec<_> = error
        .problems
        .iter()
        .map(|p| serde_json::json!({ "pointer": p.pointer, "message": p.message }))
        .collect();
    let first = error.problems.first().map_or("", |p| p.message.as_str());
    Err(EngineError::Refused {
        code: "answer.invalid",
        message: format!("{} cannot take this answer: {first}", link.name()),
        data: serde_json::Value::Array(problems),
    })
}

fn save(
    tx: &mut dyn StoreTx,
    (operation, code): (&NewOperation, HeaderAnswer),
    draft: Option<&Draft>,
    rules: &PartnerRules,
) -> Result<OperationRow, StoreError> {
    let loaded = tx
        .load_by_id(operation.document)?
        .ok_or_else(|| EngineError::NotFound {
            what: "document",
            id: operation.document.to_string(),
        })?;
    let event = Event::AnswerSaved {
        operation: operation.id,
        version: operation.version,
        code,
    };
    let decision = decide(&loaded.chain, &event, rules);
    if let Outcome::Refused(refusal) = decision.outcome {
        return Err(EngineError::answer(refusal, &loaded.chain).into());
    }
    let takes = matches!(code, HeaderAnswer::AP | HeaderAnswer::CA) && loaded.chain.is_change(operation.version);
    if takes && rules.changes_blocked_once_shipped {
        let key = &loaded.key;
        if goods_left(tx, (&key.company, &key.partner), &key.number)? {
            return Err(EngineError::refused("answer.refused", CHANGE_AFTER_SHIPMENT).into());
        }
    }
    tx.enqueue(operation)?;
    if let Some(draft) = draft {
        tx.draft_request(operation.id, &draft.request, &draft.made_with)?;
    }
    tx.apply(&ApplyChange {
        key: &loaded.key,
        id: Some(loaded.id),
        decision: &decision,
        content: None,
        actor: &operation.actor,
        action: outbound(operation.kind).as_str(),
        at: operation.created_at,
        detail: serde_json::json!({
            "operation": operation.id,
            "version": operation.version,
            "answer": operation.answer,
        }),
    })?;
    tx.operation(operation.id)?
        .ok_or_else(|| EngineError::no_operation(operation.id).into())
}

pub(super) fn order_response(row: &OperationRow) -> Option<OrderResponse> {
    match row.kind {
        OperationKind::Confirm | OperationKind::Reject | OperationKind::Counter => {
            serde_json::from_value(row.answer.clone()).ok()
        }
        OperationKind::Acknowledge
        | OperationKind::Receipt
        | OperationKind::Submit
        | OperationKind::Update
        | OperationKind::Cancel
        | OperationKind::Close
        | OperationKind::Despatch => None,
    }
}

fn incomplete(problems: Vec<AnswerProblem>) -> Result<(), EngineError> {
    let Some(first) = problems.first() else {
        return Ok(());
    };
    let message = match problems.len() {
        1 => first.message.clone(),
        more => format!("{} (and {} more)", first.message, more - 1),
    };
    Err(EngineError::Refused {
        code: "answer.incomplete",
        message,
        data: json(&problems)?,
    })
}

fn json<T: serde::Serialize>(value: &T) -> Result<serde_json::Value, EngineError> {
    serde_json::to_value(value).map_err(|e| EngineError::Internal(e.to_string()))
}
