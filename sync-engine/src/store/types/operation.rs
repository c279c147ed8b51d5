//! Operations, their delivery jobs, claims and attempts.

use crate::domain::{
    Act, CompanyId, ContentHash, DeliveryState, DocumentId, DocumentKind, OperationId, PartnerId, Progress, Timestamp,
    VersionNumber,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an operation does. Vocabulary: operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperationKind {
    Confirm,
    Reject,
    Counter,
    /// AB: received, not yet decided.
    Acknowledge,
    /// Answer to a delivery note.
    Receipt,
    /// A new order of ours.
    Submit,
    /// A new version of a document of ours.
    Update,
    /// We withdraw a document of ours.
    Cancel,
    /// Nothing more will come of a document of ours.
    Close,
    /// A new delivery note of ours.
    Despatch,
}

impl OperationKind {
    /// Whether it carries a version that we issue.
    pub fn issues(self) -> bool {
        match self {
            Self::Submit | Self::Update | Self::Cancel | Self::Despatch => true,
            Self::Confirm | Self::Reject | Self::Counter | Self::Acknowledge | Self::Receipt | Self::Close => false,
        }
    }
}

#[derive(Debug, Clone)]
pub struct NewOperation {
    pub id: OperationId,
    pub company: CompanyId,
    pub partner: PartnerId,
    pub document: DocumentId,
    pub version: VersionNumber,
    pub kind: OperationKind,
    /// As given to the event that saved it; comes back in `Chain::pending`.
    pub act: Act,
    /// `OrderResponse` or `ReceiptAdvice` as JSON; for a document of ours, what is done with it (`IssuedAs`).
    pub answer: serde_json::Value,
    pub state: DeliveryState,
    pub due_at: Timestamp,
    pub created_at: Timestamp,
    pub actor: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationRow {
    pub id: OperationId,
    pub company: CompanyId,
    pub partner: PartnerId,
    pub document: DocumentId,
    pub document_kind: DocumentKind,
    pub document_number: String,
    pub version: VersionNumber,
    pub kind: OperationKind,
    /// `OrderResponse` or `ReceiptAdvice`; for a document of ours, what is done with it (`IssuedAs`).
    #[schema(value_type = Object)]
    pub answer: serde_json::Value,
    pub state: DeliveryState,
    pub attempts: u32,
    pub due_at: Option<Timestamp>,
    pub last_error: Option<OperationError>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub actor: String,
    /// The dead letter that this one replays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<OperationId>,
    /// The operation that replays this dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed_as: Option<OperationId>,
}

/// Under which key a replay goes. With the old one go the old bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayKey {
    /// The partner may have it.
    Old,
    /// The partner refused it; the old one all the same where an attempt before that ended without an outcome.
    NewUnlessInDoubt,
    /// The partner knows it and says that it failed.
    New,
}

/// A replay of a dead letter: a new operation.
#[derive(Debug, Clone)]
pub struct Replay {
    pub dead: OperationId,
    pub id: OperationId,
    /// `Queued`, or `Held` when its version was superseded meanwhile.
    pub state: DeliveryState,
    pub key: ReplayKey,
    pub at: Timestamp,
    pub actor: String,
}

/// Why an operation is not through: a code for the screen's table, and what was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationError {
    /// Such as `partner.rejected`, `partner.unavailable`, `partner.timeout`, `partner.credentials`, `request.invalid`.
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The partner's own words, trimmed to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct OperationQuery {
    pub company: Option<CompanyId>,
    pub partner: Option<PartnerId>,
    pub document: Option<DocumentId>,
    /// Empty for all. Newest first.
    pub states: Vec<DeliveryState>,
    pub kind: Option<OperationKind>,
    /// Code of the last error.
    pub error: Option<String>,
    /// Only what changed its state at this moment or later.
    pub since: Option<Timestamp>,
    pub cursor: Option<String>,
    pub limit: u32,
}

#[derive(Debug, Clone)]
pub struct ClaimRequest<'a> {
    pub company: &'a CompanyId,
    pub now: Timestamp,
    pub lease_until: Timestamp,
    pub holder: &'a str,
    /// Partners to claim for, each with the most that it may get (its free places). Others are passed over: paused,
    /// breaker open, not configured.
    pub partners: &'a [(PartnerId, u32)],
    /// What this engine works on: not taken over, although a clock that was set makes its lease look run out.
    pub working: &'a [OperationId],
    /// Fingerprints of the configurations in force: drafts that were made with one of them may leave as they are.
    pub made_with: &'a [String],
}

#[derive(Debug, Clone)]
pub struct Claimed {
    pub operation: OperationId,
    /// Its idempotency key: its own id, or that of the dead letter that it replays.
    pub key: OperationId,
    pub epoch: i64,
    /// Nothing may be sent under this claim after it, unless it was renewed.
    pub lease_until: Timestamp,
    pub company: CompanyId,
    pub partner: PartnerId,
    pub document: DocumentId,
    pub document_number: String,
    pub version: VersionNumber,
    pub kind: OperationKind,
    pub answer: serde_json::Value,
    /// Attempts since it was saved, or since a person last set its state (replay, release).
    pub attempts: u32,
    pub created_at: Timestamp,
    /// When it was saved, or a person last set its state: where the schedule of retries starts.
    pub scheduled_from: Timestamp,
    /// The request as stored before its first send, if there was one.
    pub request: Option<StoredRequest>,
    /// `request` was made when the operation was saved, and leaves for the first time under this claim.
    pub leaves_first: bool,
    /// What the partner answered when it took it (job or transaction id to poll), JSON.
    pub receipt: Option<serde_json::Value>,
    /// State before the claim: `Queued`, `Retrying`, `Unknown`, or `Delivered` (a verify is due). The last two keep their
    /// state while they are looked up; the others are `Sending`. `Unknown` after a lease that ran out while sending.
    pub was: DeliveryState,
    /// A lease ran out: it may have been sent.
    pub taken_over: bool,
    /// Of an operation that is past its first request: where `request` belongs, or the one that is to be made.
    pub progress: Option<Progress>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub media_type: String,
    pub body: Bytes,
    pub hash: ContentHash,
}

pub struct FinishAttempt<'a> {
    pub operation: OperationId,
    pub epoch: i64,
    pub started_at: Timestamp,
    pub at: Timestamp,
    /// What was done: `prepare`, `send`, `lookup`, `verify`; behind it the step's name, where the operation has several.
    pub step: &'a str,
    pub status: Option<u16>,
    pub to: DeliveryState,
    /// When to look again: for `Retrying`, `Unknown`, and `Delivered` with a verify to come.
    pub due_at: Option<Timestamp>,
    pub error: Option<&'a OperationError>,
    /// Kept when present: id to poll, partner's reference.
    pub receipt: Option<&'a serde_json::Value>,
    /// First 4 KiB of the partner's answer.
    pub response_excerpt: Option<&'a str>,
    /// The request that was stored is through, and another one is to be made.
    pub next: Option<NextRequest<'a>>,
}

/// Where an operation goes on.
#[derive(Debug, Clone, Copy)]
pub struct NextRequest<'a> {
    pub progress: &'a Progress,
    /// The partner took the one before: attempts and schedule start anew. Otherwise it is the same one, made anew.
    pub onward: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRow {
    pub number: u32,
    pub step: String,
    pub started_at: Timestamp,
    pub duration_ms: i64,
    pub status: Option<u16>,
    pub result: DeliveryState,
    pub error: Option<OperationError>,
    pub response_excerpt: Option<String>,
}
