//! What a trial shows.

use crate::partner::IntakeProblem;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What came of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    pub partner: String,
    pub name: String,
    /// The partner's business rules where they depart from the usual ones.
    pub rules: Vec<TrialRule>,
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
    /// Items of the page that could not be had as they should be, and would go to quarantine; at most 20 are shown.
    pub set_aside: Vec<TrialSetAside>,
    /// Why some items could not be had now: the next run comes by again.
    pub held: Option<TrialFailure>,
}

/// An item of a page that the partner gives in part only.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrialSetAside {
    /// What is there of it.
    pub payload: String,
    /// `limit`, `schema` or `mapping`.
    pub stage: String,
    pub problems: Vec<IntakeProblem>,
}

/// A business rule and what it does here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrialRule {
    /// Its name in the configuration.
    pub rule: String,
    /// What it does, one sentence; beside a document, what it does with that one.
    pub effect: String,
}

/// By what lines name their items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrialItem {
    /// `sellerId`, `buyerId` or `gtin`.
    pub id: String,
    /// How many of the document's lines have it; of a request, how many of those stand in it.
    pub lines: usize,
    pub of: usize,
    /// The first one.
    pub example: String,
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
    /// By what the lines name their items.
    pub items: Vec<TrialItem>,
    /// What the partner's rules do with this document.
    pub rules: Vec<TrialRule>,
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
    pub direction: TrialDirection,
    /// What was looked up: the partner's code on the way in, ours on the way out.
    pub code: String,
    /// What stands for it; none for a code that is in no row.
    pub found: Option<String>,
    pub count: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum TrialDirection {
    /// From the partner to us.
    In,
    /// From us to the partner.
    Out,
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
    /// Rows of code tables that all requests of the operation use; with the first of them.
    pub codes: Vec<TrialCode>,
    /// By what this request names the items of the lines.
    pub items: Vec<TrialItem>,
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
