//! What is issued, from what a person asked for and what the store has.

use super::{Draft, Issue, IssuedAs, Seen, our_side, refused};
use crate::domain::chain::Refusal;
use crate::domain::check::{AnswerProblem, DeliveredOrder, check_despatch, check_order};
use crate::domain::diff::diff;
use crate::domain::rules::OnCounterRefused;
use crate::domain::{
    CanonicalDocument, Chain, CompanyId, DocumentId, DocumentKind, PartnerId, PartnerRules, Purpose, Timestamp,
    VersionNumber,
};
use crate::engine::EngineError;
use crate::engine::quantities::delivered_lines;
use crate::exchange::{Surroundings, order as stored_order, surroundings};
use crate::store::{DocumentKey, OperationKind, Store, StoreError};
use std::collections::BTreeSet;

/// # Errors
/// What `Engine::issue_new` and `Engine::issue_version` say.
pub(super) fn draft(
    store: &dyn Store,
    company: CompanyId,
    seen: Option<Seen>,
    issue: Issue,
    rules: &PartnerRules,
    now: Timestamp,
) -> Result<Draft, StoreError> {
    let draft = match (seen, issue) {
        (None, Issue::New { partner, document }) => new(store, company, partner, document)?,
        (Some(seen), issue) => next(store, seen, issue, rules)?,
        (None, _) => return Err(EngineError::refused("document.refused", "say which document").into()),
    };
    finish(store, draft, rules, now)
}

fn new(
    store: &dyn Store,
    company: CompanyId,
    partner: PartnerId,
    document: CanonicalDocument,
) -> Result<Draft, StoreError> {
    let kind = document.kind();
    let key = DocumentKey {
        company,
        partner,
        kind,
        number: document.number().to_owned(),
    };
    let known = store.find_document(&key.company, &key.partner, kind, &key.number)?;
    let chain = match known {
        Some(id) => store.chain(id)?,
        None => None,
    };
    let around = surroundings(
        store,
        (&key.company, &key.partner),
        (DocumentId(0), &[], None),
        &document,
    )?;
    Ok(Draft {
        id: None,
        side: our_side(kind),
        versions: chain.as_ref().map_or(0, |c| c.versions.len()),
        kind: match kind {
            DocumentKind::Order => OperationKind::Submit,
            DocumentKind::DespatchAdvice => OperationKind::Despatch,
        },
        issued: as_purpose(Purpose::Original),
        sequence: chain.as_ref().map_or(1, next_sequence),
        content: document,
        around,
        summary: None,
        key,
    })
}

fn next(store: &dyn Store, seen: Seen, issue: Issue, rules: &PartnerRules) -> Result<Draft, StoreError> {
    let missing = || EngineError::NotFound {
        what: "document",
        id: seen.document.to_string(),
    };
    let row = store.document(seen.document)?.ok_or_else(missing)?;
    let chain = store.chain(seen.document)?.ok_or_else(missing)?;
    if !chain.we_issue() {
        return Err(refused(Refusal::NotOurDocument, &chain).into());
    }
    if chain.current != Some(seen.version) {
        return Err(refused(Refusal::VersionNotCurrent, &chain).into());
    }
    let content_of = |number: VersionNumber| -> Result<CanonicalDocument, StoreError> {
        store
            .version_content(seen.document, number)?
            .ok_or_else(missing)?
            .document()
    };
    let ours = chain.answerable().unwrap_or(seen.version);
    let (kind, issued, content) = match issue {
        Issue::Change { content } => (OperationKind::Update, as_purpose(Purpose::Change), content),
        Issue::Cancel { reason } => cancellation(content_of(ours)?, reason),
        Issue::AcceptCounter => {
            let counter = open_counter(&chain)?;
            let issued = IssuedAs {
                accepts: Some(counter),
                ..as_purpose(Purpose::Change)
            };
            (OperationKind::Update, issued, content_of(counter)?)
        }
        Issue::RefuseCounter { reason } => {
            let counter = open_counter(&chain)?;
            let (kind, issued, content) = match rules.on_counter_refused {
                OnCounterRefused::HandBack => {
                    let issued = IssuedAs {
                        reason,
                        ..as_purpose(Purpose::Change)
                    };
                    (OperationKind::Update, issued, content_of(ours)?)
                }
                OnCounterRefused::CancelOrder => cancellation(content_of(ours)?, reason),
            };
            let refuses = IssuedAs {
                refuses: Some(counter),
                ..issued
            };
            (kind, refuses, content)
        }
        Issue::Close => {
            let issued = IssuedAs {
                purpose: None,
                ..as_purpose(Purpose::Original)
            };
            (OperationKind::Close, issued, content_of(ours)?)
        }
        Issue::New { .. } => return Err(refused(Refusal::AlreadyIssued, &chain).into()),
    };
    let versions = store.versions(seen.document)?;
    let around = surroundings(
        store,
        (&row.company, &row.partner),
        (seen.document, &versions, None),
        &content,
    )?;
    Ok(Draft {
        key: DocumentKey {
            company: row.company,
            partner: row.partner,
            kind: row.kind,
            number: row.number,
        },
        id: Some(seen.document),
        side: chain.side,
        versions: chain.versions.len(),
        sequence: next_sequence(&chain),
        summary: around.previous.as_ref().map(|before| diff(before, &content).summary()),
        kind,
        issued,
        content,
        around,
    })
}

fn as_purpose(purpose: Purpose) -> IssuedAs {
    IssuedAs {
        purpose: Some(purpose),
        accepts: None,
        refuses: None,
        reason: None,
    }
}

fn cancellation(
    mut content: CanonicalDocument,
    reason: Option<String>,
) -> (OperationKind, IssuedAs, CanonicalDocument) {
    match &mut content {
        CanonicalDocument::Order(order) => order.cancel_reason.clone_from(&reason),
        CanonicalDocument::DespatchAdvice(note) => note.cancel_reason.clone_from(&reason),
    }
    let issued = IssuedAs {
        reason,
        ..as_purpose(Purpose::Cancellation)
    };
    (OperationKind::Cancel, issued, content)
}

fn open_counter(chain: &Chain) -> Result<VersionNumber, EngineError> {
    chain
        .current_version()
        .filter(|v| v.purpose == Purpose::Counter)
        .map(|v| v.number)
        .ok_or_else(|| refused(Refusal::NoCounterOpen, chain))
}

/// One more than our versions so far: the partner sees them numbered.
fn next_sequence(chain: &Chain) -> i64 {
    let ours = chain.versions.iter().filter(|v| v.author == chain.issuer());
    ours.filter_map(|v| v.sequence).max().unwrap_or(0).saturating_add(1)
}

/// Names the version, and checks it: every problem at once.
fn finish(store: &dyn Store, mut draft: Draft, rules: &PartnerRules, now: Timestamp) -> Result<Draft, StoreError> {
    if draft.content.kind() != draft.key.kind {
        return Err(EngineError::refused("document.refused", "the document is of the other kind").into());
    }
    let checked = matches!(
        (draft.issued.purpose, draft.issued.accepts, draft.issued.refuses),
        (Some(Purpose::Original | Purpose::Change | Purpose::Final), None, None)
    );
    if checked {
        let problems = problems(store, &draft, rules)?;
        invalid(&problems)?;
    }
    let revision = Some(draft.sequence.to_string());
    match &mut draft.content {
        CanonicalDocument::Order(order) => {
            order.revision = revision;
            order.issued_at = Some(now);
        }
        CanonicalDocument::DespatchAdvice(note) => {
            note.revision = revision;
            note.issued_at = Some(now);
        }
    }
    Ok(draft)
}

fn problems(store: &dyn Store, draft: &Draft, rules: &PartnerRules) -> Result<Vec<AnswerProblem>, StoreError> {
    let Surroundings { previous, .. } = &draft.around;
    let party = (&draft.key.company, &draft.key.partner);
    Ok(match (&draft.content, previous) {
        (CanonicalDocument::Order(order), previous) => {
            let before = match previous {
                Some(CanonicalDocument::Order(before)) => Some(before),
                Some(CanonicalDocument::DespatchAdvice(_)) | None => None,
            };
            let delivered = match before {
                Some(before) => delivered_lines(store, party, before, None, rules)?,
                None => Vec::new(),
            };
            check_order(order, before, rules, &delivered)
        }
        (CanonicalDocument::DespatchAdvice(note), previous) => {
            let before = match previous {
                Some(CanonicalDocument::DespatchAdvice(before)) => Some(before),
                Some(CanonicalDocument::Order(_)) | None => None,
            };
            let numbers: BTreeSet<&str> = note.lines.iter().map(|l| l.order_number.as_str()).collect();
            let mut orders = Vec::new();
            for number in numbers {
                let stored = stored_order(store, &draft.key.company, &draft.key.partner, number)?;
                if let Some(CanonicalDocument::Order(order)) = stored.map(|s| s.document) {
                    let lines = delivered_lines(store, party, &order, draft.id, rules)?;
                    orders.push(DeliveredOrder { order, lines });
                }
            }
            check_despatch(note, before, rules, &orders)
        }
    })
}

fn invalid(problems: &[AnswerProblem]) -> Result<(), EngineError> {
    let Some(first) = problems.first() else {
        return Ok(());
    };
    let message = match problems.len() {
        1 => first.message.clone(),
        more => format!("{} (and {} more)", first.message, more - 1),
    };
    Err(EngineError::Refused {
        code: "document.invalid",
        message,
        data: serde_json::json!(problems),
    })
}
