//! The partner's answer to a document that we issued: kept once, decided, applied.

use super::earlier::{earlier, theirs};
use super::intake::{Source, Taken, Wrong, attention_texts, refusal_text};
use super::outcome::merged;
use crate::domain::check::{AnswerProblem, check_order_response, check_receipt, receipt_code, taken_back};
use crate::domain::counter::{counter_offer, restates};
use crate::domain::{
    Answer, CanonicalDocument, Chain, DespatchAdvice, DocumentId, Earlier, Event, HeaderAnswer, Order, OrderResponse,
    Outcome, PartnerRules, ReceiptAdvice, Timestamp, VersionNumber, VersionState, decide,
};
use crate::partner::{AnswerIntake, RawItem};
use crate::store::{
    ApplyChange, DocumentKey, Loaded, NewReceivedAnswer, Note, PayloadRef, Problem, StoreError, StoreTx,
    VersionContentRef,
};

/// How far back a partner's earlier answers are looked for.
const EARLIER_ANSWERS: u32 = 50;

/// An answer that fits the version that it answers.
struct Fitting {
    code: HeaderAnswer,
    answer: serde_json::Value,
    /// The seller's version that a counter-offer makes.
    offer: Option<CanonicalDocument>,
}

/// Takes an answer in: load, decide, apply.
///
/// # Errors
/// Only the store's own; an answer that is wrong is `Taken::Wrong`.
pub fn take_answer(
    tx: &mut dyn StoreTx,
    source: &Source,
    raw: &RawItem,
    intake: &AnswerIntake,
    at: Timestamp,
) -> Result<Taken, StoreError> {
    let key = DocumentKey {
        company: source.company.clone(),
        partner: source.partner.clone(),
        kind: intake.answer.kind(),
        number: intake.number.clone(),
    };
    let Some(loaded) = tx.load(&key)? else {
        let message = "it answers a document that we have not issued: it may be one from before, or of another number";
        return Ok(wrong(intake, "", message.to_owned()));
    };
    let Some(version) = answered_version(tx, &loaded, intake)? else {
        let named = intake.revision.as_deref().unwrap_or_default();
        let message = format!("it answers version \"{named}\", and no version that we issued has that name");
        return Ok(wrong(intake, "", message));
    };
    let Some(content) = tx.version_content(loaded.id, version)? else {
        return Err(StoreError::Corrupt(format!(
            "version {version} of {} has no content",
            loaded.id
        )));
    };
    let document = content.document()?;
    let earlier = earlier_of_theirs(tx, loaded.id, (version, &document), &source.rules)?;
    let fitting = match fit(&document, &intake.answer, &source.rules, &earlier) {
        Ok(fitting) => fitting,
        Err(problems) => return Ok(all_wrong(intake, problems)),
    };
    let event = Event::AnswerReceived {
        version,
        code: fitting.code,
        counter: fitting.offer.is_some().then_some(intake.hash),
    };
    let decision = decide(&loaded.chain, &event, &source.rules);
    if let Outcome::Refused(refusal) = decision.outcome {
        return Ok(wrong(intake, "", refusal_text(refusal).to_owned()));
    }
    let payload = PayloadRef {
        media_type: &raw.media_type,
        bytes: &raw.bytes,
    };
    let new = tx.keep_received_answer(&NewReceivedAnswer {
        document: loaded.id,
        version,
        code: fitting.code,
        hash: intake.hash,
        answer: &fitting.answer,
        payload: PayloadRef {
            media_type: &raw.media_type,
            bytes: &raw.bytes,
        },
        stale: decision.outcome == Outcome::Stale,
        at,
    })?;
    if !new || decision.outcome == Outcome::Duplicate {
        duplicate(tx, source, &loaded, intake, at)?;
        return Ok(Taken::Duplicate(loaded.id));
    }
    learn(tx, &loaded, version, intake)?;
    let content = match (&decision.stored, &fitting.offer) {
        (Some(_), Some(document)) => Some(VersionContentRef {
            document,
            written: None,
            payload,
            sequence: intake.sequence,
            revision: None,
            partner_ref: None,
            change_summary: None,
            answer_due: None,
            doubtful: false,
            came_at: None,
        }),
        (Some(_) | None, _) => None,
    };
    let id = tx.apply(&ApplyChange {
        key: &key,
        id: Some(loaded.id),
        decision: &decision,
        content,
        actor: &source.actor,
        action: "answered",
        at,
        detail: serde_json::json!({
            "version": version,
            "code": fitting.code,
            "counter": decision.stored,
            "id": intake.id,
            "answer": fitting.answer,
            "stale": decision.outcome == Outcome::Stale,
            "attention": attention_texts(&decision.attention),
        }),
    })?;
    Ok(Taken::Version(id))
}

/// What the partner's answers before this one leave in force.
fn earlier_of_theirs(
    tx: &mut dyn StoreTx,
    id: DocumentId,
    (version, document): (VersionNumber, &CanonicalDocument),
    rules: &PartnerRules,
) -> Result<Earlier, StoreError> {
    match document {
        CanonicalDocument::Order(order) if rules.look_back() => {
            let given = theirs(tx.received_answers(id, EARLIER_ANSWERS)?)?;
            earlier(given, (version, order), rules, |version| {
                tx.version_content(id, version)
            })
        }
        CanonicalDocument::Order(_) | CanonicalDocument::DespatchAdvice(_) => Ok(Earlier::default()),
    }
}

/// The version that the partner names, by our number of it or by its own; the one to answer when it names none.
fn answered_version(
    tx: &mut dyn StoreTx,
    loaded: &Loaded,
    intake: &AnswerIntake,
) -> Result<Option<VersionNumber>, StoreError> {
    let chain = &loaded.chain;
    let Some(named) = &intake.revision else {
        return Ok(waiting_draft(chain).or(chain.answerable()));
    };
    let ours = || chain.versions.iter().rev().filter(|v| v.author == chain.issuer());
    if let Some(version) = ours().find(|v| v.sequence.is_some_and(|s| s.to_string() == *named)) {
        return Ok(Some(version.number));
    }
    for version in ours() {
        let content = tx.version_content(loaded.id, version.number)?;
        let known = content.and_then(|c| c.partner_ref);
        if known.as_ref().and_then(|r| r.get("revision")).and_then(text).as_ref() == Some(named) {
            return Ok(Some(version.number));
        }
    }
    Ok(None)
}

/// The first version of ours, sent without an answer yet: only it can be meant.
fn waiting_draft(chain: &Chain) -> Option<VersionNumber> {
    let drafts = chain.versions.iter().all(|v| match v.state {
        VersionState::Draft | VersionState::Withdrawn => true,
        VersionState::Proposed
        | VersionState::Acknowledged
        | VersionState::Accepted
        | VersionState::Countered
        | VersionState::Rejected
        | VersionState::Superseded => false,
    });
    drafts.then_some(chain.current).flatten()
}

fn text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn fit(
    document: &CanonicalDocument,
    answer: &Answer,
    rules: &PartnerRules,
    earlier: &Earlier,
) -> Result<Fitting, Vec<Problem>> {
    match (document, answer) {
        (CanonicalDocument::Order(order), Answer::OrderResponse(response)) => {
            fit_response(order, response, rules, earlier)
        }
        (CanonicalDocument::DespatchAdvice(note), Answer::ReceiptAdvice(receipt)) => fit_receipt(note, receipt),
        (CanonicalDocument::Order(_) | CanonicalDocument::DespatchAdvice(_), _) => Err(vec![Problem {
            pointer: String::new(),
            message: "it answers a document of the other kind".to_owned(),
        }]),
    }
}

/// A partner's answer is read as it is meant: lines beside AB, AP and RE say nothing more, and a counter-offer that
/// offers what was ordered accepts it. What makes no offer (unknown lines, impossible quantities) is wrong, and so is what
/// accepts a line that this partner has rejected for good.
fn fit_response(
    order: &Order,
    response: &OrderResponse,
    rules: &PartnerRules,
    earlier: &Earlier,
) -> Result<Fitting, Vec<Problem>> {
    let plain = |p: AnswerProblem| Problem {
        pointer: p.pointer,
        message: p.message,
    };
    let back: Vec<Problem> = taken_back(order, response, earlier).into_iter().map(plain).collect();
    if !back.is_empty() {
        return Err(back);
    }
    let json = |response: &OrderResponse| serde_json::json!(response);
    if response.code != HeaderAnswer::CA {
        let mut plain = response.clone();
        plain.lines.clear();
        return Ok(Fitting {
            code: response.code,
            answer: json(&plain),
            offer: None,
        });
    }
    // How far it may depart from the order is for the clerk to see, and stops nothing.
    let unbounded = PartnerRules {
        quantity_tolerance_percent: None,
        ..rules.clone()
    };
    let problems: Vec<Problem> = check_order_response(order, response, &unbounded, earlier)
        .into_iter()
        .filter(|p| p.pointer.ends_with("/lineId") || p.pointer.ends_with("/quantity"))
        .map(plain)
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let offer = counter_offer(order, response, rules, earlier);
    if restates(order, &offer) {
        let accepted = OrderResponse {
            code: HeaderAnswer::AP,
            ..response.clone()
        };
        return Ok(Fitting {
            code: HeaderAnswer::AP,
            answer: json(&accepted),
            offer: None,
        });
    }
    Ok(Fitting {
        code: HeaderAnswer::CA,
        answer: json(response),
        offer: Some(CanonicalDocument::Order(offer)),
    })
}

fn fit_receipt(note: &DespatchAdvice, receipt: &ReceiptAdvice) -> Result<Fitting, Vec<Problem>> {
    let problems: Vec<Problem> = check_receipt(note, receipt)
        .into_iter()
        .filter(|p| p.pointer.ends_with("/lineId"))
        .map(|p| Problem {
            pointer: p.pointer,
            message: p.message,
        })
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Fitting {
        code: receipt_code(note, receipt),
        answer: serde_json::json!(receipt),
        offer: None,
    })
}

/// What the partner calls the document may come with its answer.
fn learn(
    tx: &mut dyn StoreTx,
    loaded: &Loaded,
    version: VersionNumber,
    intake: &AnswerIntake,
) -> Result<(), StoreError> {
    let Some(learnt) = &intake.partner_ref else {
        return Ok(());
    };
    let known = tx.version_content(loaded.id, version)?.and_then(|c| c.partner_ref);
    match merged(known, Some(learnt)) {
        Some(partner_ref) => tx.set_partner_ref(loaded.id, version, &partner_ref),
        None => Ok(()),
    }
}

fn duplicate(
    tx: &mut dyn StoreTx,
    source: &Source,
    loaded: &Loaded,
    intake: &AnswerIntake,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.note(&Note {
        document: Some(loaded.id),
        company: &source.company,
        partner: Some(&source.partner),
        actor: &source.actor,
        action: Note::DUPLICATE,
        at,
        detail: serde_json::json!({ "id": intake.id, "hash": intake.hash }),
    })
}

fn wrong(intake: &AnswerIntake, pointer: &str, message: String) -> Taken {
    all_wrong(
        intake,
        vec![Problem {
            pointer: pointer.to_owned(),
            message,
        }],
    )
}

fn all_wrong(intake: &AnswerIntake, problems: Vec<Problem>) -> Taken {
    Taken::Wrong(Wrong {
        stage: "chain",
        number: Some(intake.number.clone()),
        problems,
    })
}
