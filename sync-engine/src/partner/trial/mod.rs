//! What a configuration makes of payloads, and what it would send: for the integrator's eyes. Nothing is stored and
//! nothing but reads of the streams is sent.

mod gaps;
mod issued;
mod plausible;
mod requests;

use super::expr::trace::{Trace, traced};
use super::http::HttpPartner;
use super::{FetchError, Intake, IntakeProblem, PartnerLink, RawItem, RenderInput, Stage, VersionIntake};
use crate::domain::{Answer, CanonicalDocument, DocumentKind, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Documents of one page that are looked at.
pub const MAX_DOCUMENTS: usize = 20;

/// What to try a configuration on.
#[derive(Debug, Clone, Default)]
pub struct TrialInput {
    /// A stream's name; the first one, or each in turn, when it is not said.
    pub stream: Option<String>,
    /// A document of the partner. Without one the partner is asked for one page.
    pub payload: Option<RawItem>,
    /// The answer to send for the operations that it fits, as of the API; a plausible one where there is none.
    pub answer: Option<Value>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    pub partner: String,
    pub name: String,
    pub streams: Vec<TrialStream>,
    /// The requests that would carry documents of ours: of an order that was read, else of a sample.
    pub issued: Vec<TrialOperation>,
}

/// One stream that was tried.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrialStream {
    pub stream: String,
    /// The request of the stream's first page; it was made unless a payload was given.
    pub request: Option<ShownRequest>,
    /// Why no page could be had.
    pub failure: Option<TrialFailure>,
    /// Documents of the page; at most 20 of them are looked at.
    pub items: usize,
    /// Whether there is another page.
    pub more: bool,
    /// What would be stored as the watermark after this page, were it the run's last.
    pub watermark: Option<String>,
    pub documents: Vec<TrialDocument>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrialFailure {
    pub code: String,
    pub message: String,
    pub status: Option<u16>,
}

/// One payload and what the map made of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrialDocument {
    pub outcome: TrialOutcome,
    /// As it came.
    pub payload: String,
    /// In canonical form, with purpose, sequence and partnerRef beside the document's own fields.
    #[schema(value_type = Option<Object>)]
    pub canonical: Option<Value>,
    /// Of what would go to quarantine: `limit`, `schema` or `mapping`.
    pub stage: Option<String>,
    pub problems: Vec<IntakeProblem>,
    /// Fields of the payload that nothing in the configuration read, lists taken together.
    pub unread: Vec<UnreadField>,
    /// Fields of the canonical document that the map left empty.
    pub empty: Vec<String>,
    /// Rows of code tables (units too) that were used, and codes that are in none.
    pub codes: Vec<TrialCode>,
    /// What a person should look at.
    pub warnings: Vec<String>,
    /// The request of each operation that fits the document. None of them is sent.
    pub operations: Vec<TrialOperation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum TrialOutcome {
    /// It would become a version of a document.
    Version,
    /// It would be taken as an answer to a document of ours.
    Answer,
    /// The map's `$when` says that it is nothing to us.
    Skipped,
    /// It would go to quarantine.
    Quarantine,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct UnreadField {
    /// As an expression would name it, such as `.lines[].text`.
    pub path: String,
    /// The first value that it has.
    #[schema(value_type = Value)]
    pub example: Value,
    pub count: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrialCode {
    /// Name of the table; `units` for units of measure.
    pub table: String,
    /// The partner's.
    pub code: String,
    /// Ours; none for a code that is in no row.
    pub ours: Option<String>,
    pub count: usize,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrialOperation {
    /// `acknowledge`, `confirm`, `reject`, `counter`, `receipt`, ...
    pub operation: String,
    /// Which of its requests, where it has several: the name of the step, `prepare` for the read before it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// The answer that it was rendered from.
    #[schema(value_type = Value)]
    pub answer: Value,
    pub request: Option<ShownRequest>,
    /// Why there is no request.
    pub problems: Vec<IntakeProblem>,
}

/// A request as it would go over the wire, secrets as `***`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShownRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<ShownHeader>,
    pub body: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct ShownHeader {
    pub name: String,
    pub value: String,
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
            None => {
                let several = if input.payload.is_some() { 1 } else { usize::MAX };
                self.streams().iter().take(several).collect()
            }
        };
        let (mut tried, mut read) = (Vec::new(), Vec::new());
        for stream in streams {
            tried.push(self.try_stream(&stream.name, input, now, &mut read).await);
        }
        Ok(Trial {
            partner: self.id().to_string(),
            name: self.name().to_owned(),
            streams: tried,
            issued: issued::operations(self, &read, now),
        })
    }

    async fn try_stream(
        &self,
        name: &str,
        input: &TrialInput,
        now: Timestamp,
        read: &mut Vec<CanonicalDocument>,
    ) -> TrialStream {
        let mut tried = TrialStream {
            stream: name.to_owned(),
            request: self.show_fetch(name).ok(),
            failure: None,
            items: 0,
            more: false,
            watermark: None,
            documents: Vec::new(),
        };
        let items = match &input.payload {
            Some(item) => vec![item.clone()],
            None => match self.fetch(name, None, None).await {
                Ok(page) => {
                    tried.more = page.next.is_some();
                    tried.watermark = page.watermark;
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
            .map(|item| self.try_document(name, item, (input.answer.as_ref(), now), read))
            .collect();
        tried
    }

    fn try_document(
        &self,
        stream: &str,
        item: &RawItem,
        (answer, now): (Option<&Value>, Timestamp),
        documents: &mut Vec<CanonicalDocument>,
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
                    document.operations = self.try_operations(stream, version, &item.bytes, answer, now, &mut trace);
                    documents.push(version.document.clone());
                }
            }
        }
        if let Some(payload) = self.payload_as_read(stream, &item.bytes) {
            document.unread = gaps::unread(&payload, &trace);
        }
        document
    }

    /// The requests of the operations that fit the document. What they read of the payload is added to `trace`.
    fn try_operations(
        &self,
        stream: &str,
        version: &VersionIntake,
        payload: &[u8],
        given: Option<&Value>,
        now: Timestamp,
        trace: &mut Trace,
    ) -> Vec<TrialOperation> {
        let side = self.streams().iter().find(|s| s.name == stream).map(|s| s.side);
        let mut operations = Vec::new();
        for kind in self.operations() {
            let Some(answer) = plausible::answer(*kind, side, &version.document, given, now) else {
                continue;
            };
            let input = RenderInput {
                operation_id: uuid::Uuid::nil(),
                kind: *kind,
                answer: &answer,
                document: &version.document,
                previous: None,
                order: None,
                revision: version.revision.as_deref(),
                partner_ref: version.partner_ref.as_ref(),
                payload,
                answered_at: now,
                stage: Stage::default(),
            };
            let (requests, read) = traced(|| requests::shown(self, &input));
            trace.read.extend(of_payload(&read));
            operations.extend(requests.into_iter().map(|made| made.of(*kind, &answer)));
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
        code: used.code.clone(),
        ours: used.found.clone(),
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
