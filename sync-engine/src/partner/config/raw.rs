//! The configuration file as it is written. Nothing here is checked beyond names and types.

use super::raw_details::{RawAfterStore, RawBatch, RawDetail, RawPart};
use super::raw_push::RawPush;
use super::raw_reading::{RawItems, RawPaging, RawWatermark};
use super::session::RawSession;
use super::signin::RawAuth;
use super::signing::RawSigning;
use crate::domain::PartnerRules;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawPartner {
    /// For editors; not read.
    #[serde(rename = "$schema")]
    pub _schema: Option<String>,
    pub id: Option<String>,
    pub name: Option<String>,
    pub base_url: Option<String>,
    pub network: Option<RawNetwork>,
    pub ca_certificates: Option<String>,
    pub client_certificate: Option<RawTextOrSecret>,
    pub auth: Option<RawAuth>,
    pub signing: Option<RawSigning>,
    pub session: Option<RawSession>,
    pub headers: BTreeMap<String, RawTextOrSecret>,
    pub correlation_header: Option<String>,
    pub accept: Option<String>,
    pub media_type: Option<String>,
    pub statuses: Vec<RawMeaning>,
    pub idempotency: Option<RawIdempotency>,
    pub redirects: Vec<String>,
    pub limits: RawLimits,
    pub rules: Option<PartnerRules>,
    pub codes: BTreeMap<String, RawCodes>,
    pub units: Option<RawCodes>,
    pub xml: Option<RawXml>,
    pub streams: BTreeMap<String, Value>,
    pub operations: BTreeMap<String, Value>,
}

/// What the partner's status means in truth.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawMeaning {
    /// A status, or a list of them.
    pub status: Option<Value>,
    pub when: Option<String>,
    #[serde(rename = "as")]
    pub counts_as: Option<u16>,
}

/// Where the partner's addresses may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawNetwork {
    Public,
    Private,
}

/// A text, or `{"secret": "NAME"}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum RawTextOrSecret {
    Text(String),
    Secret(RawSecret),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSecret {
    pub secret: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawIdempotency {
    pub header: Option<String>,
    pub honoured: Option<bool>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawLimits {
    pub concurrency: Option<u64>,
    pub requests_per_second: Option<u64>,
    pub max_body_bytes: Option<u64>,
    pub max_inflated_bytes: Option<u64>,
    pub max_depth: Option<u64>,
    pub max_lines: Option<u64>,
    pub max_string_bytes: Option<u64>,
    pub max_pages: Option<u64>,
    pub max_items: Option<u64>,
    pub rate_headers: Option<RawRateHeaders>,
    pub connect_seconds: Option<u64>,
    pub request_seconds: Option<u64>,
    pub token_seconds: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawRateHeaders {
    pub remaining: Option<String>,
    pub reset: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawCodes {
    /// The partner's code -> ours.
    pub values: BTreeMap<String, String>,
    /// Ours -> the partner's: where several of theirs mean the same, or where there is no way back.
    pub out: BTreeMap<String, String>,
    pub unknown: Option<RawUnknown>,
    pub unknown_out: Option<RawUnknown>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum RawUnknown {
    Rule(RawUnknownRule),
    Use(RawUse),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawUnknownRule {
    Refuse,
    Keep,
}

/// `{"use": CODE}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawUse {
    #[serde(rename = "use")]
    pub code: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawStream {
    pub same_as: Option<String>,
    pub kind: Option<RawKind>,
    pub side: Option<RawSide>,
    pub every_seconds: Option<u64>,
    pub request: Option<RawRequest>,
    pub empty_statuses: Vec<u16>,
    pub format: Option<RawFormat>,
    pub items: Option<RawItems>,
    pub paging: Option<RawPaging>,
    pub watermark: Option<RawWatermark>,
    pub detail: Option<RawDetail>,
    pub batch: Option<RawBatch>,
    pub parts: BTreeMap<String, RawPart>,
    pub after_store: Option<RawAfterStore>,
    pub push: Option<RawPush>,
    pub schema: Option<String>,
    pub hash_except: Vec<String>,
    pub hash_of: Option<RawHashOf>,
    pub map: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawKind {
    Order,
    DespatchAdvice,
    OrderResponse,
    ReceiptAdvice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawFormat {
    Json,
    Xml,
}

/// What makes a new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawHashOf {
    Payload,
    Document,
}

/// How the partner's XML is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawXml {
    pub lists: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawSide {
    Seller,
    Buyer,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawRequest {
    pub method: Option<String>,
    pub path: Option<String>,
    pub query: Option<Map<String, Value>>,
    pub headers: BTreeMap<String, Value>,
    pub body: Option<Value>,
    pub body_text: Option<Value>,
    pub form: Option<Map<String, Value>>,
    pub media_type: Option<String>,
    pub accept: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawOperation {
    pub same_as: Option<String>,
    pub silent: bool,
    pub request: Option<RawRequest>,
    pub schema: Option<String>,
    pub outcomes: RawOutcomes,
    pub receipt: Option<Value>,
    pub results: Option<RawResults>,
    pub max_lines: Option<u64>,
    pub verify: Option<RawProbe>,
    pub lookup: Option<RawProbe>,
    pub prepare: Option<RawPrepare>,
    pub conflict: Option<RawConflict>,
    pub steps: Vec<RawStep>,
}

/// One request of several, or all repetitions of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawStep {
    pub name: Option<String>,
    pub each: Option<String>,
    pub prepare: Option<RawPrepare>,
    pub request: Option<RawRequest>,
    pub schema: Option<String>,
    pub outcomes: RawOutcomes,
    pub receipt: Option<Value>,
    pub results: Option<RawResults>,
    pub verify: Option<RawProbe>,
    pub lookup: Option<RawProbe>,
}

/// A read right before a request is made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawPrepare {
    pub request: Option<RawRequest>,
    pub keep: Option<Value>,
    pub unchanged: Option<String>,
    pub stream: Option<String>,
    pub item: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawConflict {
    Person,
    Reread,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawOutcomes {
    /// Each a status or a `RawCase`.
    pub success: Vec<Value>,
    pub applied: Vec<Value>,
    pub already_done: Vec<Value>,
    pub again: Vec<Value>,
    pub conflict: Vec<Value>,
    pub rejected: Vec<Value>,
    pub error_text: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawCase {
    /// A status, or a list of them.
    pub status: Option<Value>,
    pub when: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawResults {
    pub each: Option<String>,
    pub id: Option<String>,
    pub state: Option<String>,
    pub applied: Vec<String>,
    pub failed: Vec<String>,
    pub again: Vec<String>,
    pub error_text: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawProbe {
    pub request: Option<RawRequest>,
    pub state: Option<String>,
    pub applied: Vec<String>,
    pub pending: Vec<String>,
    pub taken: Vec<String>,
    pub failed: Vec<String>,
    /// Statuses, and states.
    pub not_seen: Vec<Value>,
    pub resend: Vec<String>,
    pub error_text: Option<String>,
    pub results: Option<RawResults>,
    pub every_seconds: Option<u64>,
    pub receipt: Option<Value>,
}
