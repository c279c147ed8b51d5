//! Payloads that could not become a version.

use super::{PayloadId, PayloadRef};
use crate::domain::{CompanyId, DocumentId, DocumentKind, PartnerId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that is wrong with a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// JSON pointer (RFC 6901) into the payload.
    pub pointer: String,
    /// What is wrong and what was expected, one sentence.
    pub message: String,
}

pub struct NewQuarantine<'a> {
    pub company: &'a CompanyId,
    pub partner: &'a PartnerId,
    pub stream: &'a str,
    pub kind: DocumentKind,
    /// The document's number where it could be read.
    pub number: Option<&'a str>,
    pub payload: PayloadRef<'a>,
    /// `schema`, `mapping`, `limit` or `conflict`.
    pub stage: &'a str,
    pub problems: &'a [Problem],
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineRow {
    pub id: i64,
    pub company: CompanyId,
    pub partner: PartnerId,
    pub stream: String,
    pub kind: DocumentKind,
    pub number: Option<String>,
    pub stage: String,
    pub problems: Vec<Problem>,
    pub payload: PayloadId,
    pub state: QuarantineState,
    pub runs: u32,
    /// How often the same payload came; it is kept once.
    pub seen: u32,
    pub received_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum QuarantineState {
    Open,
    Resolved,
    Dismissed,
}

#[derive(Debug, Clone)]
pub enum QuarantineSettled {
    Resolved(DocumentId),
    Dismissed,
    StillWrong { stage: String, problems: Vec<Problem> },
}

#[derive(Debug, Clone)]
pub struct QuarantineQuery {
    pub company: CompanyId,
    pub partner: Option<PartnerId>,
    pub state: Option<QuarantineState>,
    pub cursor: Option<String>,
    pub limit: u32,
}
