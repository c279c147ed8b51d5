//! What a configuration makes of payloads, and what it would send: for the integrator's eyes. Nothing is stored and
//! nothing but reads of the streams is sent.

mod gaps;
mod issued;
mod items;
mod plausible;
mod requests;
mod rules;
mod types;

pub use types::{
    ShownHeader, ShownRequest, Trial, TrialCode, TrialDirection, TrialDocument, TrialFailure, TrialItem,
    TrialOperation, TrialOutcome, TrialRule, TrialSetAside, TrialStream, UnreadField,
};

use super::expr::trace::{Trace, traced};
use super::http::HttpPartner;
use super::{FetchError, Intake, PartnerLink, RawItem, RenderInput, SetAside, Stage, StreamInfo, VersionIntake};
use crate::domain::{Answer, CanonicalDocument, DocumentKind, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Documents of one page that are looked at.
pub const MAX_DOCUMENTS: usize = 20;

/// What to try a configuration on.
#[derive(Debug, Clone, Default)]
pub struct TrialInput {
    /// A stream's name. When it is not said: with a payload the first whose map takes it, else each in turn.
    pub stream: Option<String>,
    /// A document of the partner. Without one the partner is asked for one page.
    pub payload: Option<RawItem>,
    /// The answer to send for the operations that it fits, as of the API; a plausible one where there is none.
    pub answer: Option<Value>,
    /// What the partner answers to the reads before requests (`prepare`): the body. Placeholders where there is none.
    pub prepared: Option<Value>,
}

impl HttpPartner {
    /// Reads one page of each stream (or takes the payload that is given) and says everything that would come of it.
    ///
    /// # Errors
    /// A sentence when there is no such stream.
    pub async fn try_out(&self, input: &TrialInput, now: Timestamp) -> Result<Trial, String> {
        let known = || {
            let names = self.streams().iter().map(|s| s.name.as_str());
            names.collect::<Vec<_>>().join(", ")
        };
        let streams: Vec<_> = match &input.stream {
            Some(name) => {
                let found = self.streams().iter().filter(|s| s.name == *name).collect::<Vec<_>>();
                if found.is_empty() {
                    return Err(format!(
                        "there is no stream \"{name}\": the configuration has {}",
                        known()
                    ));
                }
                found
            }
            None => match &input.payload {
                Some(item) => self.stream_of(item).into_iter().collect(),
                None => self.streams().iter().collect(),
            },
        };
        let (mut tried, mut read) = (Vec::new(), Vec::new());
        for stream in streams {
            tried.push(self.try_stream(&stream.name, input, now, &mut read).await);
        }
        Ok(Trial {
            partner: self.id().to_string(),
            name: self.name().to_owned(),
            rules: rules::of_partner(self.rules()),
            streams: tried,
            issued: issued::operations(self, &read, input.prepared.as_ref(), now),
        })
    }

    /// The first stream whose map makes something of the payload, else the first of all.
    fn stream_of(&self, item: &RawItem) -> Option<&StreamInfo> {
        let taken = |intake: Intake| !matches!(intake, Intake::Skipped);
        let fits = |s: &&StreamInfo| self.intake(&s.name, &item.bytes).is_ok_and(taken);
        self.streams().iter().find(fits).or_else(|| self.streams().first())
    }

    async fn try_stream(
        &self,
        name: &str,
        input: &TrialInput,
        now: Timestamp,
        read: &mut Vec<(CanonicalDocument, Option<Value>)>,
    ) -> TrialStream {
        let mut tried = TrialStream {
            stream: name.to_owned(),
            request: self.show_fetch(name).ok(),
            failure: None,
            items: 0,
            more: false,
            watermark: None,
            documents: Vec::new(),
            set_aside: Vec::new(),
            held: None,
        };
        let items = match &input.payload {
            Some(item) => vec![item.clone()],
            None => match self.fetch(name, None, None).await {
                Ok(page) => {
                    tried.more = page.next.is_some();
                    tried.watermark = page.watermark;
                    tried.held = page.held.map(failure);
                    tried.set_aside = page.set_aside.into_iter().take(MAX_DOCUMENTS).map(set_aside).collect();
                    page.items
                }
                Err(error) => {
                    tried.failure = Some(failure(error));
                    Vec::new()
                }
            },
        };
        tried.items = items.len();
        tried.documents = items
            .iter()
            .take(MAX_DOCUMENTS)
            .map(|item| self.try_document(name, item, (input, now), read))
            .collect();
        tried
    }

    fn try_document(
        &self,
        stream: &str,
        item: &RawItem,
        (given, now): (&TrialInput, Timestamp),
        documents: &mut Vec<(CanonicalDocument, Option<Value>)>,
    ) -> TrialDocument {
        let (taken, mut trace) = traced(|| self.intake(stream, &item.bytes));
        let mut document = TrialDocument {
            outcome: TrialOutcome::Quarantine,
            payload: String::from_utf8_lossy(&item.bytes).into_owned(),
            canonical: None,
            stage: None,
            problems: Vec::new(),
            unread: Vec::new(),
            empty: Vec::new(),
            codes: codes(&trace),
            items: Vec::new(),
            rules: Vec::new(),
            warnings: Vec::new(),
            operations: Vec::new(),
        };
        match taken {
            Err(refused) => {
                document.stage = Some(refused.stage.to_owned());
                document.problems = refused.problems;
            }
            Ok(intake) => {
                document.outcome = match &intake {
                    Intake::Version(_) => TrialOutcome::Version,
                    Intake::Answer(_) => TrialOutcome::Answer,
                    Intake::Skipped => TrialOutcome::Skipped,
                };
                document.canonical = canonical(&intake);
                document.empty = document
                    .canonical
                    .as_ref()
                    .map(|c| gaps::empty(&intake, c))
                    .unwrap_or_default();
                if let Intake::Version(version) = &intake {
                    document.warnings = gaps::warnings(&version.document);
                    document.items = items::of_document(&version.document);
                    let side = self.streams().iter().find(|s| s.name == stream).map(|s| s.side);
                    document.rules = rules::of_document(self.rules(), &version.document, side, now);
                    document.operations = self.try_operations(stream, version, &item.bytes, given, now, &mut trace);
                    documents.push((version.document.clone(), version.partner_ref.clone()));
                }
            }
        }
        if let Some(payload) = self.payload_as_read(stream, &item.bytes) {
            let except = self.config().streams.iter().find(|s| s.info.name == stream);
            document.unread = gaps::unread(&payload, &trace, except.map_or(&[], |s| &s.hash_except));
        }
        document
    }

    /// The requests of the operations that fit the document. What they read of the payload is added to `trace`.
    fn try_operations(
        &self,
        stream: &str,
        version: &VersionIntake,
        payload: &[u8],
        given: &TrialInput,
        now: Timestamp,
        trace: &mut Trace,
    ) -> Vec<TrialOperation> {
        let side = self.streams().iter().find(|s| s.name == stream).map(|s| s.side);
        let mut operations = Vec::new();
        for kind in self.operations() {
            let Some(answer) = plausible::answer(*kind, side, &version.document, given.answer.as_ref(), now) else {
                continue;
            };
            let input = RenderInput {
                operation_id: uuid::Uuid::nil(),
                kind: *kind,
                answer: &answer,
                document: &version.document,
                previous: None,
                order: None,
                order_ref: None,
                revision: version.revision.as_deref(),
                partner_ref: version.partner_ref.as_ref(),
                payload,
                answered_at: now,
                stage: Stage::default(),
            };
            let (requests, read) = traced(|| requests::shown(self, &input, given.prepared.as_ref()));
            trace.read.extend(of_payload(&read));
            operations.extend(requests::told(requests, *kind, &answer, (&version.document, &read)));
        }
        operations
    }
}

/// What an operation's expressions read below `.payload`.
fn of_payload(read: &Trace) -> impl Iterator<Item = String> {
    read.read
        .iter()
        .filter_map(|p| p.strip_prefix("/payload").map(str::to_owned))
}

fn set_aside(aside: SetAside) -> TrialSetAside {
    TrialSetAside {
        payload: String::from_utf8_lossy(&aside.raw.bytes).into_owned(),
        stage: aside.error.stage.to_owned(),
        problems: aside.error.problems,
    }
}

fn failure(error: FetchError) -> TrialFailure {
    TrialFailure {
        code: error.code.to_owned(),
        message: error.message,
        status: error.status,
    }
}

fn codes(trace: &Trace) -> Vec<TrialCode> {
    let mut counted: BTreeMap<_, usize> = BTreeMap::new();
    for used in &trace.codes {
        *counted.entry(used).or_default() += 1;
    }
    let row = |(used, count): (&super::expr::trace::CodeUse, usize)| TrialCode {
        table: used.table.clone(),
        direction: if used.outgoing {
            TrialDirection::Out
        } else {
            TrialDirection::In
        },
        code: used.code.clone(),
        found: used.found.clone(),
        count,
    };
    counted.into_iter().map(row).collect()
}

/// The document's fields with what the map read beside them; `None` for what is nothing to us.
pub fn canonical(intake: &Intake) -> Option<Value> {
    let (mut value, beside) = match intake {
        Intake::Skipped => return None,
        Intake::Version(v) => {
            let document = match &v.document {
                CanonicalDocument::Order(order) => json!(order),
                CanonicalDocument::DespatchAdvice(note) => json!(note),
            };
            let beside = json!({"purpose": v.purpose, "sequence": v.sequence, "partnerRef": v.partner_ref});
            (document, beside)
        }
        Intake::Answer(a) => {
            let answer = match &a.answer {
                Answer::OrderResponse(response) => json!(response),
                Answer::ReceiptAdvice(receipt) => json!(receipt),
            };
            let beside = json!({
                "number": a.number, "revision": a.revision, "id": a.id, "issuedAt": a.issued_at,
                "sequence": a.sequence, "partnerRef": a.partner_ref,
            });
            (answer, beside)
        }
    };
    if let (Some(value), Value::Object(beside)) = (value.as_object_mut(), beside) {
        value.extend(beside.into_iter().filter(|(_, v)| !v.is_null()));
    }
    Some(value)
}

/// Which of the two documents an intake is, or answers.
fn kind_of(intake: &Intake) -> Option<DocumentKind> {
    match intake {
        Intake::Version(v) => Some(v.document.kind()),
        Intake::Answer(a) => Some(a.answer.kind()),
        Intake::Skipped => None,
    }
}
