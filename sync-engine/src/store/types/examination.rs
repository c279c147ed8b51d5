//! What a database file tells from outside: sizes, states and counts, and nothing of any document.

use super::{AuditCheck, PartnerState};
use crate::domain::{CompanyId, DeliveryState, PartnerId, Timestamp};
use serde::Serialize;

/// What was found in a database file, read only.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Examination {
    pub path: String,
    pub schema_version: i64,
    /// The newest that this program knows.
    pub known_schema: i64,
    pub journal_mode: String,
    /// `incremental`, `full` or `none`.
    pub auto_vacuum: &'static str,
    pub database_bytes: u64,
    pub wal_bytes: u64,
    /// Pages that are used again by what comes next, or given back.
    pub free_bytes: u64,
    /// The file and its folder take writes; else why not.
    pub read_only: Option<String>,
    /// `ok`, or the first thing that SQLite finds wrong; absent when it was cut short.
    pub quick_check: Option<String>,
    /// Absent when it was cut short.
    pub audit: Option<AuditCheck>,
    /// Absent when it was cut short.
    pub tables: Option<Vec<TableSize>>,
    pub counters: Vec<CounterValue>,
    pub operations: Vec<OperationCount>,
    pub quarantine: Vec<QuarantineCount>,
    pub incidents: Vec<IncidentCount>,
    pub partners: Vec<PartnerState>,
    pub leases: Vec<LeaseView>,
    /// What is empty or absent above because it could not be read: of another schema, or damaged.
    pub unread: Vec<Unread>,
}

impl Examination {
    pub fn has_read(&self, what: &str) -> bool {
        self.unread.iter().all(|unread| unread.what != what)
    }
}

/// A part of a database that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The field's name in the examination.
    pub what: &'static str,
    /// In SQLite's words.
    pub why: String,
}

/// A table or an index with what it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableSize {
    pub name: String,
    pub bytes: i64,
    /// Of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<i64>,
}

/// A number that is kept on write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CounterValue {
    pub company: CompanyId,
    pub name: String,
    pub value: i64,
}

/// Operations of one partner in one state, with one code of the last error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperationCount {
    pub partner: PartnerId,
    pub state: DeliveryState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub count: i64,
    /// When the oldest of them changed last.
    pub oldest: Timestamp,
}

/// Payloads of one stream that could not become a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantineCount {
    pub partner: PartnerId,
    pub stream: String,
    /// Where it stopped: `fetch`, `limit`, `schema`, `mapping` …
    pub stage: String,
    pub state: String,
    pub count: i64,
    pub oldest: Timestamp,
}

/// Incidents of one kind and subject; why they began is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentCount {
    pub kind: String,
    pub subject: String,
    pub count: i64,
    pub open: i64,
    pub last_began_at: Timestamp,
}

/// A named lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeaseView {
    pub name: String,
    pub holder: Option<String>,
    pub epoch: i64,
    pub until: Timestamp,
}
