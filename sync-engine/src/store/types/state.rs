//! Partners, counters, the change feed, the audit trail, and the care of the file.

use super::OperationError;
use crate::domain::chain::Mark;
use crate::domain::{CompanyId, DocumentId, PartnerId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is known of the way to a partner, apart from its configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartnerState {
    pub company: CompanyId,
    pub partner: PartnerId,
    pub breaker: BreakerState,
    pub credentials_broken: bool,
    pub paused: bool,
    pub last_success_at: Option<Timestamp>,
    pub last_failure_at: Option<Timestamp>,
    pub last_error: Option<OperationError>,
    /// When the breaker lets the next probe through.
    pub probe_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum BreakerState {
    Closed,
    Open,
    HalfOpen,
}

/// Numbers on the screen; kept on write, read in constant time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    pub documents: i64,
    pub needs_answer: i64,
    pub queued: i64,
    pub sending: i64,
    pub retrying: i64,
    pub delivered: i64,
    pub applied: i64,
    pub unknown: i64,
    pub held: i64,
    pub dead: i64,
    pub quarantine: i64,
    pub duplicates: i64,
}

/// The chain before an operation's effect, and after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    pub before: Mark,
    pub after: Mark,
}

/// An entry of the change feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeRow {
    pub id: i64,
    pub kind: ChangeKind,
    /// Document, operation (as text), quarantine id, partner id or incident id that changed.
    pub subject: String,
    pub document: Option<DocumentId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChangeKind {
    Document,
    Operation,
    Quarantine,
    Partner,
    Incident,
}

/// Something that lasts and that a person should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentIncident {
    /// Code, such as `partner.unreachable`.
    pub kind: String,
    /// Partner or file.
    pub subject: String,
    /// Why, in a sentence.
    pub detail: String,
}

/// An incident from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentRow {
    pub id: i64,
    /// `partner.unreachable`, `partner.credentials`, `partner.configuration`, `queue.dead`, `care.backup` or `care.archive`.
    pub kind: String,
    /// Partner, the name of the configuration file, or `database`.
    pub subject: String,
    /// Why, in a sentence, as it was when it began.
    pub detail: String,
    pub began_at: Timestamp,
    /// Absent while it lasts.
    pub ended_at: Option<Timestamp>,
}

/// An incident that began or ended just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentTurn {
    pub began: bool,
    pub incident: IncidentRow,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    pub id: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub document: Option<DocumentId>,
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditCheck {
    pub rows: i64,
    /// Id of the first row that was altered, removed before, or reordered.
    pub broken_at: Option<i64>,
    /// What is wrong there.
    pub how: Option<AuditBreak>,
    /// When the last row was written that still fits.
    pub whole_until: Option<Timestamp>,
}

/// How the audit trail breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AuditBreak {
    /// The row is not what was written, or does not follow from the one before it.
    Altered,
    /// Rows before it are missing.
    Removed,
    /// The end is not where it is recorded: rows were cut off or added.
    End,
    /// The row is not where its document's history begins, though it is the newest, or the history begins at a row that is
    /// not the document's.
    Unlinked,
}

/// What keeps the store from writing now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreTrouble {
    /// `store.disk_full` or `store.disk_failed`.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    pub path: String,
    pub bytes: u64,
    pub integrity: String,
}

/// What was found in a backup that was restored into a folder of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DrillReport {
    pub path: String,
    pub bytes: u64,
    /// After it was brought up to date.
    pub schema_version: i64,
    /// `ok`, or the first thing that SQLite finds wrong.
    pub integrity: String,
    pub audit: AuditCheck,
    pub documents: i64,
    pub versions: i64,
    pub operations: i64,
    /// The number of documents kept on write equals a count of them.
    pub counters_fit: bool,
}

impl DrillReport {
    /// The first thing that is wrong, if any.
    pub fn wrong(&self) -> Option<String> {
        if self.integrity != "ok" {
            return Some(format!("it is damaged: {}", self.integrity));
        }
        if let Some(id) = self.audit.broken_at {
            return Some(format!("its history does not fit together from row {id} on"));
        }
        (!self.counters_fit).then(|| "its counts do not fit its rows".to_owned())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreReport {
    pub path: String,
    pub schema_version: i64,
    pub journal_mode: String,
    pub synchronous: String,
    pub database_bytes: u64,
    pub wal_bytes: u64,
    pub quick_check: String,
    pub audit: AuditCheck,
}
