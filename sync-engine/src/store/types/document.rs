//! Documents, versions and what is written of a decision.

use super::{OperationKind, StoreError};
use crate::domain::{
    CanonicalDocument, Chain, ChainState, CompanyId, ContentHash, Date, Decision, DeliveryState, DocumentId,
    DocumentKind, HeaderAnswer, Money, OperationId, PartnerId, Purpose, Side, Timestamp, VersionNumber, VersionState,
    chain::Author,
};
use crate::store::WrittenDocument;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DocumentKey {
    pub company: CompanyId,
    pub partner: PartnerId,
    pub kind: DocumentKind,
    pub number: String,
}

#[derive(Debug, Clone)]
pub struct Loaded {
    pub id: DocumentId,
    pub key: DocumentKey,
    pub chain: Chain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PayloadId(pub i64);

#[derive(Debug, Clone)]
pub struct Payload {
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// A decision with what it needs to be written.
pub struct ApplyChange<'a> {
    pub key: &'a DocumentKey,
    /// `None` for a document that is not in the store yet.
    pub id: Option<DocumentId>,
    pub decision: &'a Decision,
    /// Content of `decision.stored`, present exactly when that is.
    pub content: Option<VersionContentRef<'a>>,
    /// Who or what: `partner:<id>`, `user:<name>`, `engine`.
    pub actor: &'a str,
    /// The event in one word for history, such as `version`, `confirm`, `reject`, `counter`.
    pub action: &'a str,
    pub at: Timestamp,
    /// Detail for history, JSON.
    pub detail: serde_json::Value,
}

pub struct VersionContentRef<'a> {
    pub document: &'a CanonicalDocument,
    /// Of `document`, where it was made before.
    pub written: Option<&'a WrittenDocument>,
    pub payload: PayloadRef<'a>,
    pub sequence: Option<i64>,
    pub revision: Option<&'a str>,
    /// The partner's internal id and ETag, for later requests. Free JSON kept with the version.
    pub partner_ref: Option<&'a serde_json::Value>,
    /// What changed against the version last agreed, for the list. `None` for a first version.
    pub change_summary: Option<&'a str>,
    /// The day by which the partner wants an answer, from its rules.
    pub answer_due: Option<Timestamp>,
    /// Whether the partner's amounts do not add up, by its rules.
    pub doubtful: bool,
    /// When it came, where that was before it is stored.
    pub came_at: Option<Timestamp>,
}

pub struct PayloadRef<'a> {
    pub media_type: &'a str,
    pub bytes: &'a [u8],
}

impl Note<'_> {
    /// A payload that was known already: counted, without an entry in the history.
    pub const DUPLICATE: &'static str = "duplicate";
    /// Equal sequence, other content: marks the document, with an entry when it was not marked.
    pub const CONFLICT: &'static str = "conflict";
}

/// Something that changed no chain. `action` is one word for history.
pub struct Note<'a> {
    pub document: Option<DocumentId>,
    pub company: &'a CompanyId,
    pub partner: Option<&'a PartnerId>,
    pub actor: &'a str,
    pub action: &'a str,
    pub at: Timestamp,
    pub detail: serde_json::Value,
}

/// One row of the work list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentRow {
    pub id: DocumentId,
    pub company: CompanyId,
    pub partner: PartnerId,
    pub kind: DocumentKind,
    pub side: Side,
    pub number: String,
    /// Name of the other party on the current version.
    pub counterparty: Option<String>,
    pub state: ChainState,
    pub current: VersionNumber,
    pub current_state: VersionState,
    pub current_purpose: Purpose,
    pub agreed: Option<VersionNumber>,
    pub needs_answer: bool,
    /// Earliest day that delivery is asked or promised for; the list's order.
    pub promised_on: Option<Date>,
    pub answer_due: Option<Timestamp>,
    pub line_count: u32,
    pub total: Option<Money>,
    /// What changed against the version last agreed, in one line.
    pub change_summary: Option<String>,
    pub conflict: bool,
    pub gap: bool,
    /// The partner's amounts in the current version do not add up, by its rules when that version came.
    pub doubtful: bool,
    /// The newest operation on this document and where it is.
    pub operation: Option<OperationBrief>,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationBrief {
    pub id: OperationId,
    pub kind: OperationKind,
    pub version: VersionNumber,
    pub state: DeliveryState,
}

/// What the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DocumentView {
    /// Needs our answer; oldest promise first, documents without a date last.
    #[default]
    NeedsAnswer,
    /// An operation of ours waits, failed, is unknown, held or dead; newest change first.
    InDelivery,
    /// Everything; newest change first.
    All,
}

#[derive(Debug, Clone)]
pub struct DocumentQuery {
    pub company: CompanyId,
    pub view: DocumentView,
    pub partner: Option<PartnerId>,
    pub kind: Option<DocumentKind>,
    pub state: Option<ChainState>,
    /// Only those whose amounts do not add up.
    pub doubtful: bool,
    /// Words to search: number, parties, item ids and descriptions; each a prefix. Newest version first.
    pub search: Option<String>,
    /// From `Page::next`.
    pub cursor: Option<String>,
    pub limit: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionRow {
    pub number: VersionNumber,
    pub purpose: Purpose,
    pub author: Author,
    pub state: VersionState,
    pub sequence: Option<i64>,
    pub revision: Option<String>,
    pub supersedes: Option<VersionNumber>,
    pub base: Option<VersionNumber>,
    pub hash: ContentHash,
    pub payload: PayloadId,
    pub actor: String,
    pub received_at: Timestamp,
}

/// An answer of the partner to a document of ours, to be kept.
pub struct NewReceivedAnswer<'a> {
    pub document: DocumentId,
    pub version: VersionNumber,
    pub code: HeaderAnswer,
    /// The same answer read again has the same hash.
    pub hash: ContentHash,
    /// `OrderResponse` or `ReceiptAdvice`.
    pub answer: &'a serde_json::Value,
    pub payload: PayloadRef<'a>,
    /// It came too late: its version was superseded.
    pub stale: bool,
    pub at: Timestamp,
}

/// An answer of the partner to a document of ours.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedAnswer {
    pub version: VersionNumber,
    pub code: HeaderAnswer,
    /// `OrderResponse` or `ReceiptAdvice`.
    #[schema(value_type = Object)]
    pub answer: serde_json::Value,
    pub payload: PayloadId,
    pub stale: bool,
    pub received_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct VersionContent {
    /// `CanonicalDocument` as stored JSON text: pass it on without parsing where you can.
    pub canonical: String,
    pub partner_ref: Option<serde_json::Value>,
    pub payload: PayloadId,
}

impl VersionContent {
    /// # Errors
    /// `StoreError::Corrupt` when the stored text is not a canonical document.
    pub fn document(&self) -> Result<CanonicalDocument, StoreError> {
        serde_json::from_str(&self.canonical).map_err(|e| StoreError::Corrupt(e.to_string()))
    }
}
