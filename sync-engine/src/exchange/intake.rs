//! A payload becomes a version, or is kept with what is wrong. One way for polling and for running again.

use super::answer::take_answer;
use super::earlier::goods_left;
use crate::domain::chain::{Attention, Author};
use crate::domain::counter::{answer_due, restates};
use crate::domain::diff::diff;
use crate::domain::money::check_amounts;
use crate::domain::rules::OnChange;
use crate::domain::{
    CanonicalDocument, Chain, CompanyId, DocumentId, DocumentKind, Event, Outcome, PartnerId, PartnerRules, Purpose,
    Side, Timestamp, VersionNumber, chain::Refusal, decide,
};
use crate::partner::{Intake, IntakeError, PartnerLink, RawItem, StreamInfo, VersionIntake};
use crate::store::{
    ApplyChange, DocumentKey, Note, PayloadRef, Problem, StoreError, StoreTx, VersionContentRef, WrittenDocument,
};
use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Where a payload came from, and under which rules it is taken in.
#[derive(Clone)]
pub struct Source {
    pub company: CompanyId,
    pub partner: PartnerId,
    pub stream: StreamInfo,
    pub rules: PartnerRules,
    pub actor: Arc<str>,
}

impl Source {
    pub fn of(company: &CompanyId, link: &dyn PartnerLink, stream: &StreamInfo) -> Self {
        Self {
            company: company.clone(),
            partner: link.id().clone(),
            stream: stream.clone(),
            rules: link.rules().clone(),
            actor: format!("partner:{}", link.id()).into(),
        }
    }
}

/// A payload, read as far as it could be.
pub struct Arrival {
    pub raw: RawItem,
    pub read: Result<Intake, Wrong>,
    /// When it came, where it lay in quarantine since.
    pub came_at: Option<Timestamp>,
    /// Of a version that was read.
    written: Option<WrittenDocument>,
}

impl Arrival {
    /// One that could not be had as it should be.
    pub fn aside(raw: RawItem, wrong: Wrong) -> Self {
        Self {
            raw,
            read: Err(wrong),
            came_at: None,
            written: None,
        }
    }
}

/// Why a payload is no version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// `schema`, `mapping`, `limit`, `conflict` or `chain`.
    pub stage: &'static str,
    pub number: Option<String>,
    pub problems: Vec<Problem>,
}

impl From<IntakeError> for Wrong {
    fn from(error: IntakeError) -> Self {
        let problems = error.problems.into_iter();
        Self {
            stage: error.stage,
            number: error.number,
            problems: problems
                .map(|p| Problem {
                    pointer: p.pointer,
                    message: p.message,
                })
                .collect(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    Version(DocumentId),
    Duplicate(DocumentId),
    /// Nothing to us.
    Skipped,
    Wrong(Wrong),
}

/// CPU-bound: limits, schema, mapping. Call it where blocking is allowed.
pub fn read(link: &dyn PartnerLink, stream: &str, raw: RawItem) -> Arrival {
    // A fault in one payload's reading must not hold up the others of its page.
    let read = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let read = link.intake(stream, &raw.bytes);
        let written = match &read {
            Ok(Intake::Version(version)) => WrittenDocument::of(&version.document).ok(),
            Ok(Intake::Answer(_) | Intake::Skipped) | Err(_) => None,
        };
        (read, written)
    }));
    let (read, written) = match read {
        Ok((read, written)) => (read.map_err(Wrong::from), written),
        Err(_) => {
            let wrong = Wrong {
                stage: "mapping",
                number: None,
                problems: vec![Problem {
                    pointer: String::new(),
                    message: "reading it broke off inside Countersign: keep the payload and report it".to_owned(),
                }],
            };
            (Err(wrong), None)
        }
    };
    Arrival {
        raw,
        read,
        came_at: None,
        written,
    }
}

/// Takes one payload in: load, decide, apply.
///
/// # Errors
/// Only the store's own; a payload that is wrong is `Taken::Wrong`.
pub fn take_in(tx: &mut dyn StoreTx, source: &Source, arrival: &Arrival, at: Timestamp) -> Result<Taken, StoreError> {
    match &arrival.read {
        Ok(Intake::Version(intake)) => take_version(tx, source, arrival, intake, at),
        Ok(Intake::Answer(answer)) => take_answer(tx, source, &arrival.raw, answer, at),
        Ok(Intake::Skipped) => Ok(Taken::Skipped),
        Err(wrong) => Ok(Taken::Wrong(wrong.clone())),
    }
}

fn take_version(
    tx: &mut dyn StoreTx,
    source: &Source,
    arrival: &Arrival,
    intake: &VersionIntake,
    at: Timestamp,
) -> Result<Taken, StoreError> {
    let key = DocumentKey {
        company: source.company.clone(),
        partner: source.partner.clone(),
        kind: intake.document.kind(),
        number: intake.document.number().to_owned(),
    };
    let loaded = tx.load(&key)?;
    let id = loaded.as_ref().map(|l| l.id);
    let chain = match loaded {
        Some(loaded) => loaded.chain,
        None => Chain::new(key.kind, source.stream.side),
    };
    let base = restated_counter(tx, id, &chain, intake)?;
    let rules = rules_for(tx, source, &chain, intake)?;
    let event = Event::Version {
        author: Author::Partner,
        purpose: intake.purpose,
        sequence: intake.sequence,
        hash: intake.hash,
        base,
        overtaken: overtaken(tx, id, arrival)?,
    };
    let decision = decide(&chain, &event, &rules);
    match (decision.outcome, id) {
        (Outcome::Duplicate, Some(id)) => {
            note(tx, source, id, Note::DUPLICATE, intake, at)?;
            return Ok(Taken::Duplicate(id));
        }
        (Outcome::Conflict, id) => {
            if let Some(id) = id {
                note(tx, source, id, Note::CONFLICT, intake, at)?;
            }
            return Ok(Taken::Wrong(wrong(intake, "conflict", conflict_text(intake))));
        }
        (Outcome::Refused(refusal), _) => {
            return Ok(Taken::Wrong(wrong(intake, "chain", refusal_text(refusal).to_owned())));
        }
        (Outcome::Applied | Outcome::Late | Outcome::Stale | Outcome::Duplicate, _) => {}
    }
    let change_summary = what_changed(tx, id, &chain, &intake.document)?;
    let content = decision.stored.map(|_| VersionContentRef {
        document: &intake.document,
        written: arrival.written.as_ref(),
        payload: PayloadRef {
            media_type: &arrival.raw.media_type,
            bytes: &arrival.raw.bytes,
        },
        sequence: intake.sequence,
        revision: intake.revision.as_deref(),
        partner_ref: intake.partner_ref.as_ref(),
        change_summary: change_summary.as_deref(),
        answer_due: due(&source.rules, &intake.document, source.stream.side, at),
        doubtful: doubtful(&intake.document, &source.rules),
        came_at: arrival.came_at,
    });
    let detail = serde_json::json!({
        "version": decision.stored,
        "purpose": intake.purpose,
        "sequence": intake.sequence,
        "late": decision.outcome == Outcome::Late,
        "changed": change_summary,
        "attention": attention_texts(&decision.attention),
    });
    let id = tx.apply(&ApplyChange {
        key: &key,
        id,
        decision: &decision,
        content,
        actor: &source.actor,
        action: "version",
        at,
        detail,
    })?;
    Ok(Taken::Version(id))
}

/// Whether a version came after this payload, which was in quarantine meanwhile.
fn overtaken(tx: &mut dyn StoreTx, id: Option<DocumentId>, arrival: &Arrival) -> Result<bool, StoreError> {
    let (Some(id), Some(came_at)) = (id, arrival.came_at) else {
        return Ok(false);
    };
    Ok(tx.newest_received(id)?.is_some_and(|newest| newest > came_at))
}

fn doubtful(document: &CanonicalDocument, rules: &PartnerRules) -> bool {
    match document {
        CanonicalDocument::Order(order) => !check_amounts(order, rules.amount_tolerance_minor_units).is_empty(),
        CanonicalDocument::DespatchAdvice(_) => false,
    }
}

/// The partner's rules for this version: a change that comes when goods have left, and is blocked then, undoes nothing.
fn rules_for<'s>(
    tx: &mut dyn StoreTx,
    source: &'s Source,
    chain: &Chain,
    intake: &VersionIntake,
) -> Result<Cow<'s, PartnerRules>, StoreError> {
    let rules = &source.rules;
    let CanonicalDocument::Order(order) = &intake.document else {
        return Ok(Cow::Borrowed(rules));
    };
    let undoes = chain.agreed.is_some() && rules.on_change == OnChange::DropAgreed;
    let blocked = rules.changes_blocked_once_shipped
        && undoes
        && goods_left(tx, (&source.company, &source.partner), &order.number)?;
    Ok(if blocked {
        Cow::Owned(rules.once_shipped())
    } else {
        Cow::Borrowed(rules)
    })
}

/// The buyer's change that says what our open counter-offer says takes it: both sides have accepted it.
fn restated_counter(
    tx: &mut dyn StoreTx,
    id: Option<DocumentId>,
    chain: &Chain,
    intake: &VersionIntake,
) -> Result<Option<VersionNumber>, StoreError> {
    let open = chain.current_version().filter(|v| {
        // Many partners have no word for a change: what they show is the order as it is now.
        let changes = matches!(intake.purpose, Purpose::Change | Purpose::Original);
        v.purpose == Purpose::Counter && v.author == Author::Us && changes
    });
    let (Some(id), Some(counter)) = (id, open) else {
        return Ok(None);
    };
    let number = counter.number;
    let Some(content) = tx.version_content(id, number)? else {
        return Ok(None);
    };
    let same = match (content.document()?, &intake.document) {
        (CanonicalDocument::Order(counter), CanonicalDocument::Order(update)) => restates(&counter, update),
        (CanonicalDocument::Order(_) | CanonicalDocument::DespatchAdvice(_), _) => false,
    };
    Ok(same.then_some(number))
}

/// In one line, against the version last agreed, else the one before.
fn what_changed(
    tx: &mut dyn StoreTx,
    id: Option<DocumentId>,
    chain: &Chain,
    document: &CanonicalDocument,
) -> Result<Option<String>, StoreError> {
    let (Some(id), Some(base)) = (id, chain.agreed.or(chain.current)) else {
        return Ok(None);
    };
    let before = tx
        .version_content(id, base)?
        .map(|content| content.document())
        .transpose();
    match before {
        Ok(before) => Ok(before.map(|before| diff(&before, document).summary())),
        Err(error) => {
            tracing::error!(document = %id, version = %base, %error, "no summary of what changed");
            Ok(None)
        }
    }
}

fn due(rules: &PartnerRules, document: &CanonicalDocument, side: Side, received_at: Timestamp) -> Option<Timestamp> {
    let issued_at = match (document, side) {
        (CanonicalDocument::Order(order), Side::Seller) => order.issued_at,
        (CanonicalDocument::DespatchAdvice(note), Side::Buyer) => note.issued_at,
        (CanonicalDocument::Order(_), Side::Buyer) | (CanonicalDocument::DespatchAdvice(_), Side::Seller) => {
            return None;
        }
    };
    answer_due(issued_at.unwrap_or(received_at), rules)
}

fn note(
    tx: &mut dyn StoreTx,
    source: &Source,
    id: DocumentId,
    action: &str,
    intake: &VersionIntake,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.note(&Note {
        document: Some(id),
        company: &source.company,
        partner: Some(&source.partner),
        actor: &source.actor,
        action,
        at,
        detail: serde_json::json!({ "sequence": intake.sequence, "hash": intake.hash }),
    })
}

fn wrong(intake: &VersionIntake, stage: &'static str, message: String) -> Wrong {
    Wrong {
        stage,
        number: Some(intake.document.number().to_owned()),
        problems: vec![Problem {
            pointer: String::new(),
            message,
        }],
    }
}

fn conflict_text(intake: &VersionIntake) -> String {
    let sequence = intake.sequence.map_or_else(String::new, |s| format!(" {s}"));
    format!("version{sequence} came before with other content: ask the partner which one holds, and dismiss the other")
}

pub fn refusal_text(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotOurDocument | Refusal::NotTheirDocument => {
            "the partner cannot issue this: the stream's side in the configuration does not fit the document"
        }
        Refusal::ChainEnded => "the document is closed or cancelled: a new version of it cannot be taken",
        Refusal::VersionUnknown => "the version that this one is based on is not known",
        Refusal::NotAnOriginal => "a change came before its original",
        Refusal::AlreadyIssued => "the original of this document is here already",
        Refusal::CodeNotAllowed => "a document of this kind has no such version",
        Refusal::VersionNotCurrent
        | Refusal::AlreadyDecided
        | Refusal::AnswerPending
        | Refusal::NoSuchAnswer
        | Refusal::NotHeld
        | Refusal::NoCounterOpen
        | Refusal::Empty
        | Refusal::RejectedBefore
        | Refusal::CounterMissing
        | Refusal::Undecided => "the document's state does not allow this version",
    }
}

pub fn attention_texts(attention: &[Attention]) -> Vec<String> {
    attention
        .iter()
        .map(|a| match a {
            Attention::AnswerHeld(operation) => format!("answerHeld:{operation}"),
            Attention::SequenceConflict => "sequenceConflict".to_owned(),
            Attention::SequenceGap => "sequenceGap".to_owned(),
            Attention::NotUndone(operation) => format!("notUndone:{operation}"),
        })
        .collect()
}

/// The stream that a quarantined payload came from: by name, else the first of its kind that brings documents.
pub fn stream_of<'a>(link: &'a dyn PartnerLink, name: &str, kind: DocumentKind) -> Option<&'a StreamInfo> {
    let streams = link.streams();
    streams
        .iter()
        .find(|s| s.name == name)
        .or_else(|| streams.iter().find(|s| s.kind == kind && !s.answers))
}
