//! What requests are rendered from: the version that is answered or issued, and what stands around it.

use super::earlier::{earlier, ours};
use super::settle::Step;
use crate::domain::chain::Author;
use crate::domain::{
    CanonicalDocument, CompanyId, DeliveryState, DocumentId, DocumentKind, Earlier, Order, PartnerId, PartnerRules,
    Progress, Purpose, Timestamp, VersionNumber, VersionState,
};
use crate::partner::{IntakeError, IntakeProblem, OutboundKind, PartnerLink, RenderInput, RenderedRequest, Stage};
use crate::store::{AttemptRow, Claimed, OperationKind, OperationQuery, Store, StoreError, StoreExt, VersionRow};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// The last send, as it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Tells it from other sends.
    pub written_at: Timestamp,
    /// When it was over, at the latest: what was done after it may have an earlier moment. The request may have left long
    /// after its attempt began: a place, a token and a first refusal come before it.
    pub over_at: Timestamp,
}

/// How far back earlier answers are looked for.
const EARLIER_OPERATIONS: u32 = 50;

/// A version with what its requests are rendered from.
pub struct Material {
    pub document: CanonicalDocument,
    revision: Option<String>,
    partner_ref: Option<serde_json::Value>,
    payload: Vec<u8>,
    /// When it was sent last, as far as an attempt was written down; read for a lookup.
    pub sent: Option<Sent>,
    /// What our answers before a counter-offer leave in force.
    pub earlier: Earlier,
    issued: Surroundings,
    /// The request that this is about.
    pub at: Progress,
    /// Present when it is sent for the first time, and nothing is to be read at the partner before.
    pub rendered: Option<Result<RenderedRequest, IntakeError>>,
}

/// What stands around a version that we issue.
#[derive(Default)]
pub struct Surroundings {
    /// The version before it.
    pub previous: Option<CanonicalDocument>,
    /// What the partner calls the document, as far as it has said so.
    pub partner_ref: Option<serde_json::Value>,
    /// The order that a delivery note delivers.
    pub order: Option<CanonicalDocument>,
    /// What the partner calls that order.
    pub order_ref: Option<serde_json::Value>,
}

pub fn outbound(kind: OperationKind) -> OutboundKind {
    match kind {
        OperationKind::Confirm => OutboundKind::Confirm,
        OperationKind::Reject => OutboundKind::Reject,
        OperationKind::Counter => OutboundKind::Counter,
        OperationKind::Acknowledge => OutboundKind::Acknowledge,
        OperationKind::Receipt => OutboundKind::Receipt,
        OperationKind::Submit => OutboundKind::Submit,
        OperationKind::Update => OutboundKind::Update,
        OperationKind::Cancel => OutboundKind::Cancel,
        OperationKind::Close => OutboundKind::Close,
        OperationKind::Despatch => OutboundKind::Despatch,
    }
}

impl Material {
    /// Reads what the step needs, and renders the request when it is sent for the first time: both may take a while.
    /// `None`: the version is not in the store.
    pub async fn read(
        store: &Arc<dyn Store>,
        claimed: &Arc<Claimed>,
        link: &Arc<dyn PartnerLink>,
        step: Step,
    ) -> Result<Option<Self>, StoreError> {
        let (claimed, link) = (Arc::clone(claimed), Arc::clone(link));
        let read = store.read(move |store| {
            let (document, number) = (claimed.document, claimed.version);
            let Some(content) = store.version_content(document, number)? else {
                return Ok(None);
            };
            let Some(payload) = store.payload(content.payload)? else {
                return Ok(None);
            };
            let versions = store.versions(document)?;
            let canonical = content.document()?;
            let earlier = match (claimed.kind, &canonical) {
                (OperationKind::Counter, CanonicalDocument::Order(order)) => {
                    earlier_of_ours(store, (document, number, order), link.rules())?
                }
                _ => Earlier::default(),
            };
            let ours = claimed.kind.issues() || claimed.kind == OperationKind::Close;
            let mut issued = match ours {
                true => surroundings(
                    store,
                    (&claimed.company, &claimed.partner),
                    (document, &versions, Some(number)),
                    &canonical,
                )?,
                false => Surroundings::default(),
            };
            let row = versions.into_iter().find(|v| v.number == number);
            let mut material = Self {
                document: canonical,
                revision: row.and_then(|row| row.revision),
                partner_ref: content.partner_ref.or(issued.partner_ref.take()),
                payload: payload.bytes,
                earlier,
                issued,
                at: claimed.progress.clone().unwrap_or_default(),
                sent: None,
                rendered: None,
            };
            if step == Step::Lookup {
                let attempts = store.attempts(claimed.operation)?;
                material.sent = last_sent(&attempts);
            }
            let kind = outbound(claimed.kind);
            // What a verify asks for is beyond the last request.
            if !link.is_plain(kind) && step != Step::Verify {
                match guarded(|| link.here(&material.input(&claimed))) {
                    Ok(at) => material.at = at.unwrap_or(material.at),
                    Err(error) => {
                        material.rendered = Some(Err(error));
                        return Ok(Some(material));
                    }
                }
            }
            if step == Step::Send && claimed.request.is_none() && !link.prepares(kind, &material.at) {
                material.rendered = Some(material.render(&claimed, link.as_ref(), None));
            }
            Ok(Some(material))
        });
        read.await
    }

    pub fn input<'a>(&'a self, claimed: &'a Claimed) -> RenderInput<'a> {
        RenderInput {
            operation_id: claimed.key.0,
            kind: outbound(claimed.kind),
            answer: &claimed.answer,
            document: &self.document,
            previous: self.issued.previous.as_ref(),
            order: self.issued.order.as_ref(),
            order_ref: self.issued.order_ref.as_ref(),
            revision: self.revision.as_deref(),
            partner_ref: self.partner_ref.as_ref(),
            payload: &self.payload,
            answered_at: claimed.created_at,
            stage: Stage {
                progress: Some(&self.at),
                prepared: None,
            },
        }
    }

    /// CPU-bound. `prepared` is what was read at the partner for it.
    pub fn render(
        &self,
        claimed: &Claimed,
        link: &dyn PartnerLink,
        prepared: Option<&serde_json::Value>,
    ) -> Result<RenderedRequest, IntakeError> {
        let mut input = self.input(claimed);
        input.stage.prepared = prepared;
        guarded(|| link.render(&input))
    }
}

/// When the last send was over. A clock that was ahead then is no witness: what was done after it is earlier.
fn last_sent(attempts: &[AttemptRow]) -> Option<Sent> {
    // With the name of its step behind it, where there are several.
    let last = attempts.iter().rposition(|a| a.step.starts_with(Step::Send.name()))?;
    let (sent, after) = attempts[last..].split_first()?;
    let over_at = sent.started_at.plus_millis(sent.duration_ms.max(0));
    Some(Sent {
        written_at: sent.started_at,
        over_at: after.iter().map(|a| a.started_at).fold(over_at, Timestamp::min),
    })
}

/// What stands around a version of ours: before version `before` of the document, or after all of its versions.
pub fn surroundings(
    store: &dyn Store,
    (company, partner): (&CompanyId, &PartnerId),
    (document, versions, before): (DocumentId, &[VersionRow], Option<VersionNumber>),
    content: &CanonicalDocument,
) -> Result<Surroundings, StoreError> {
    let mut out = Surroundings::default();
    let earlier = versions.iter().rev().filter(|v| {
        before.is_none_or(|before| v.number < before)
            && v.author == Author::Us
            && v.purpose != Purpose::Counter
            && !matches!(v.state, VersionState::Draft | VersionState::Withdrawn)
    });
    for version in earlier {
        let Some(stored) = store.version_content(document, version.number)? else {
            continue;
        };
        if out.previous.is_none() {
            out.previous = Some(stored.document()?);
        }
        out.partner_ref = stored.partner_ref;
        if out.partner_ref.is_some() {
            break;
        }
    }
    if let CanonicalDocument::DespatchAdvice(note) = content
        && let Some(number) = note.lines.first().map(|l| &l.order_number)
    {
        let found = order(store, company, partner, number)?;
        (out.order, out.order_ref) = found.map_or((None, None), |f| (Some(f.document), f.partner_ref));
    }
    Ok(out)
}

/// An order, and what the partner calls it.
pub struct StoredOrder {
    pub document: CanonicalDocument,
    pub partner_ref: Option<serde_json::Value>,
}

/// An order as it is agreed, else as it stands. What the partner calls it is said by the newest version that says it.
pub fn order(
    store: &dyn Store,
    company: &CompanyId,
    partner: &PartnerId,
    number: &str,
) -> Result<Option<StoredOrder>, StoreError> {
    let Some(id) = store.find_document(company, partner, DocumentKind::Order, number)? else {
        return Ok(None);
    };
    let Some(row) = store.document(id)? else {
        return Ok(None);
    };
    let Some(content) = store.version_content(id, row.agreed.unwrap_or(row.current))? else {
        return Ok(None);
    };
    let mut partner_ref = None;
    for version in store.versions(id)?.iter().rev() {
        partner_ref = store.version_content(id, version.number)?.and_then(|c| c.partner_ref);
        if partner_ref.is_some() {
            break;
        }
    }
    Ok(Some(StoredOrder {
        document: content.document()?,
        partner_ref,
    }))
}

/// A fault inside the rendering makes a dead letter, not an operation that is tried for ever.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, IntakeError>) -> Result<T, IntakeError> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(IntakeError {
            stage: "mapping",
            number: None,
            problems: vec![IntakeProblem {
                pointer: String::new(),
                message: "rendering it broke off inside Countersign: report it with the answer".to_owned(),
            }],
        })
    })
}

/// What our answers that the partner has leave in force when a version is answered now.
pub fn earlier_of_ours(
    store: &dyn Store,
    (document, number, order): (DocumentId, VersionNumber, &Order),
    rules: &PartnerRules,
) -> Result<Earlier, StoreError> {
    if !rules.look_back() {
        return Ok(Earlier::default());
    }
    let given = store.list_operations(&OperationQuery {
        document: Some(document),
        states: vec![DeliveryState::Delivered, DeliveryState::Applied],
        limit: EARLIER_OPERATIONS,
        ..OperationQuery::default()
    })?;
    earlier(ours(given.items)?, (number, order), rules, |version| {
        store.version_content(document, version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_last_request_counts_whatever_step_it_was() {
        let attempt = |step: &str, at: i64| AttemptRow {
            number: 1,
            step: step.to_owned(),
            started_at: Timestamp(at),
            duration_ms: 1,
            status: None,
            result: DeliveryState::Unknown,
            error: None,
            response_excerpt: None,
        };
        let steps = [
            attempt("send header", 1),
            attempt("send lines", 5),
            attempt("lookup lines", 9),
        ];
        let sent = |written_at, over_at| {
            Some(Sent {
                written_at: Timestamp(written_at),
                over_at: Timestamp(over_at),
            })
        };
        assert_eq!(last_sent(&steps), sent(5, 6));
        let plain = [attempt("send", 2), attempt("lookup", 4)];
        assert_eq!(last_sent(&plain), sent(2, 3));
        let ahead = [attempt("send", 90), attempt("lookup", 30)];
        assert_eq!(last_sent(&ahead), sent(90, 30), "a clock that was ahead is no witness");
        assert_eq!(last_sent(&[attempt("prepare lines", 3)]), None);
    }
}
