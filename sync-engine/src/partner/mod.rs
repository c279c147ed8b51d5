//! Trading partners: configuration -> validated partner, mapping, signing in, HTTP. Knows no store and no exchange.

pub(crate) mod config;
mod describe;
pub(crate) mod expr;
pub mod http;
mod intake;
mod issue;
mod json;
pub(crate) mod map;
mod page;
pub mod propose;
mod render;
mod scan;
pub(crate) mod schema;
mod schema_tree;
mod secrets;
mod stages;
mod trial;
pub(crate) mod xml;

pub use config::{CONFIG_SCHEMA, ConfigErrors, Mistake, PartnerConfig, config_field_names, load_file, parse};
pub use http::{Answered, HttpPartner, Reached, Unanswered};
pub use secrets::FileSecrets;
pub use trial::{
    ShownHeader, ShownRequest, Trial, TrialCode, TrialDirection, TrialDocument, TrialFailure, TrialInput, TrialItem,
    TrialOperation, TrialOutcome, TrialRule, TrialSetAside, TrialStream, UnreadField, canonical,
};

use crate::domain::{
    Answer, CanonicalDocument, ContentHash, DocumentKind, PartnerId, PartnerRules, Progress, Purpose, Side, Timestamp,
};
use bytes::Bytes;
use std::time::Duration;

/// Reads secrets by name. Two real implementations: the operating system's store (desktop) and a
/// permission-checked file (headless).
pub trait Secrets: Send + Sync + 'static {
    /// # Errors
    /// When the store cannot be read, or holds no secret of that name: a sentence that says which and what to do.
    fn get(&self, name: &str) -> Result<Secret, SecretError>;
    fn set(&self, name: &str, value: Secret) -> Result<(), SecretError>;
}

/// Text that must not be shown: prints as `***`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// For the request that carries it, and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("there is no secret \"{0}\": add it with `countersign partner secret {0}`")]
    Missing(String),
    #[error("the secret store {store} cannot be used: {reason}")]
    Store { store: String, reason: String },
}

/// One list of documents that is polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// Name in the configuration, such as `orders`.
    pub name: String,
    /// What its documents are, or what its answers answer.
    pub kind: DocumentKind,
    /// It brings answers to documents that we issued, not documents.
    pub answers: bool,
    /// What we are in its documents.
    pub side: Side,
    pub interval: Duration,
}

/// One item of a page: its own bytes as the partner sent them (a slice of the page's body).
#[derive(Debug, Clone)]
pub struct RawItem {
    pub bytes: Bytes,
    pub media_type: String,
}

/// An item of a page that could be had in part only.
#[derive(Debug, Clone)]
pub struct SetAside {
    pub raw: RawItem,
    pub error: IntakeError,
}

#[derive(Debug, Clone)]
pub struct FetchedPage {
    pub items: Vec<RawItem>,
    /// Items that cannot be had for good, with the reason: they go to quarantine.
    pub set_aside: Vec<SetAside>,
    /// What names the page's items to the partner once they are stored.
    pub keys: Vec<serde_json::Value>,
    /// Why some items could not be had now. The watermark stays where it is, so that the next run comes by again.
    pub held: Option<FetchError>,
    /// Where the next page of this run is; `None` when this was the last.
    pub next: Option<PageCursor>,
    /// The stream's watermark after this page; written only in the transaction that stores the page.
    pub watermark: Option<String>,
    /// Partner's Date header minus our clock, milliseconds.
    pub clock_skew_ms: Option<i64>,
}

/// A call of the partner, as it came.
pub struct PushCall<'a> {
    /// Names in lower case.
    pub headers: &'a [(String, String)],
    pub path: &'a str,
    pub body: &'a Bytes,
    pub at: Timestamp,
}

/// What a call brings.
#[derive(Debug, Clone)]
pub struct Pushed {
    pub items: Vec<Bytes>,
    pub media_type: &'static str,
    /// The items are named only: what belongs to them is fetched.
    pub fetch: bool,
}

/// Why a call is not the partner's, or brings nothing that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushRefusal {
    #[error("the configuration takes no calls for this stream")]
    NotConfigured,
    #[error("the signature does not hold")]
    Forged,
    #[error("the time of the call is missing, or too far from now")]
    Stale,
    #[error("{0}")]
    Unreadable(String),
    #[error("{0}")]
    Secret(String),
}

/// Where a page is, opaque to the exchange. Not durable: a run that is cut short starts again at the watermark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageCursor(pub serde_json::Value);

/// A payload that passed its schema and mapping.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::large_enum_variant,
    reason = "one is held at a time; a box would only add an allocation"
)]
pub enum Intake {
    /// A version of an order or a delivery note that the partner issued.
    Version(VersionIntake),
    /// The partner's answer to an order or a delivery note that we issued.
    Answer(AnswerIntake),
    /// Nothing to us: the map's `$when` says so (an order that the partner has not answered yet).
    Skipped,
}

impl Intake {
    pub fn into_version(self) -> Option<VersionIntake> {
        match self {
            Self::Version(version) => Some(version),
            Self::Answer(_) | Self::Skipped => None,
        }
    }

    pub fn into_answer(self) -> Option<AnswerIntake> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Version(_) | Self::Skipped => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct VersionIntake {
    pub document: CanonicalDocument,
    pub purpose: Purpose,
    /// The partner's own ordering of versions, where it has one.
    pub sequence: Option<i64>,
    pub revision: Option<String>,
    /// Hash of the payload's content: of its bytes, unless the configuration leaves fields out.
    pub hash: ContentHash,
    /// The partner's id, ETag and what else later requests need.
    pub partner_ref: Option<serde_json::Value>,
}

/// What the partner says to a document of ours. Checked for form only: whether it fits the version that it answers is
/// seen where that version is known.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerIntake {
    /// Lines are as the partner gave them, also where the header answer needs none.
    pub answer: Answer,
    /// Our number of the order or delivery note that is answered; its kind is `answer.kind()`.
    pub number: String,
    /// The revision that is answered, in the words of the partner; the newest that it has when absent.
    pub revision: Option<String>,
    /// The partner's own number of the answer.
    pub id: Option<String>,
    pub issued_at: Option<Timestamp>,
    /// The partner's own ordering of its answers to one document, where it has one.
    pub sequence: Option<i64>,
    /// As of a version: the same answer read again has the same hash.
    pub hash: ContentHash,
    /// What later requests about the document need, as of a version.
    pub partner_ref: Option<serde_json::Value>,
}

/// A payload that did not become a version. `stage` is `fetch`, `limit`, `schema` or `mapping`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeError {
    pub stage: &'static str,
    /// Where it could be read.
    pub number: Option<String>,
    pub problems: Vec<IntakeProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct IntakeProblem {
    /// JSON pointer into the payload.
    pub pointer: String,
    pub message: String,
}

/// The operations that go out. Each has its section in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutboundKind {
    Acknowledge,
    Confirm,
    Reject,
    Counter,
    Receipt,
    /// A new order of ours.
    Submit,
    /// A new version of a document of ours: an order's change, a delivery note that replaces the one before.
    Update,
    /// We withdraw a document of ours.
    Cancel,
    /// Nothing more will come of a document of ours.
    Close,
    /// A delivery note of ours.
    Despatch,
}

/// What a request is rendered from; docs/partner/documents-we-send.md says what its expressions see of it.
#[derive(Debug, Clone)]
pub struct RenderInput<'a> {
    pub operation_id: uuid::Uuid,
    pub kind: OutboundKind,
    /// `OrderResponse` or `ReceiptAdvice`; for a document that we issue, `IssuedAs`.
    pub answer: &'a serde_json::Value,
    /// The version that is answered, or issued.
    pub document: &'a CanonicalDocument,
    /// The version before the one that we issue.
    pub previous: Option<&'a CanonicalDocument>,
    /// The order that a delivery note of ours delivers.
    pub order: Option<&'a CanonicalDocument>,
    /// What the map kept of that order.
    pub order_ref: Option<&'a serde_json::Value>,
    pub revision: Option<&'a str>,
    pub partner_ref: Option<&'a serde_json::Value>,
    /// The partner's payload of that version.
    pub payload: &'a [u8],
    /// When the clerk answered; the same at every attempt.
    pub answered_at: Timestamp,
    pub stage: Stage<'a>,
}

/// Which request of its operation is rendered. The default is the first one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stage<'a> {
    pub progress: Option<&'a Progress>,
    /// What `PartnerLink::prepare` kept for it.
    pub prepared: Option<&'a serde_json::Value>,
}

/// Method, absolute URL, headers, media type and body, byte for byte as sent at every attempt. Credentials, a
/// signature and the idempotency key are added when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedRequest {
    pub method: String,
    pub url: String,
    /// Those of the operation, beside the ones that every request carries.
    pub headers: Vec<(String, String)>,
    /// Empty when there is no body, not even an empty one on purpose.
    pub media_type: String,
    pub body: Bytes,
}

/// What came of a send, a lookup or a verify.
#[derive(Debug, Clone, PartialEq)]
pub struct SendResult {
    pub verdict: Verdict,
    pub status: Option<u16>,
    /// The partner's reference to poll or verify by; given back to `lookup` and `verify`.
    pub receipt: Option<serde_json::Value>,
    /// The partner's own words where something went wrong, at most 500 characters, no secrets.
    pub message: Option<String>,
    /// First 4 KiB of the answer.
    pub excerpt: Option<String>,
    /// Of a send that some lines went through of.
    pub lines: LinesLeft,
}

/// Lines of a request that did not go through while others did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinesLeft {
    /// Ids of those that are worth sending again.
    pub again: Vec<String>,
    /// Those that are refused for good, in the partner's words.
    pub refused: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The partner took it; `verify` tells whether there is a way to see it applied.
    Taken { verify_after: Option<Duration> },
    /// The partner shows it applied.
    Applied,
    /// Not there yet (verify, job still running): look again after this.
    Pending { again_after: Duration },
    /// Lookup only: the partner never saw it, so it may be sent.
    NotSeen,
    /// Verify only: the partner took it and asks for it once more.
    Lost,
    /// Worth another attempt. `retry_after` is the partner's minimum. `breaker`: whether it counts as an outage.
    Again {
        code: &'static str,
        retry_after: Option<Duration>,
        breaker: bool,
    },
    /// It may have been applied: the connection broke or timed out after the request left.
    Unknown { code: &'static str },
    /// Credentials are refused even with a new token.
    Credentials,
    /// 412 or a conflict: read again, a person decides.
    Conflict { code: &'static str },
    /// Will never succeed as it is.
    Rejected { code: &'static str },
}

/// Why a page could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FetchError {
    /// Such as `partner.unavailable`, `partner.timeout`, `partner.credentials`, `partner.redirect`, `limit.body`.
    pub code: &'static str,
    pub status: Option<u16>,
    pub message: String,
    pub retry_after: Option<Duration>,
    /// Whether trying again can help.
    pub transient: bool,
    /// Whether it counts as an outage of the partner.
    pub breaker: bool,
}

pub type Later<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A partner on line: what the exchange sees of it. One real implementation over HTTP (`http::HttpPartner`), one in
/// the simulation.
pub trait PartnerLink: Send + Sync + 'static {
    fn id(&self) -> &PartnerId;
    fn name(&self) -> &str;
    fn rules(&self) -> &PartnerRules;
    fn streams(&self) -> &[StreamInfo];
    /// Operations that the configuration has.
    fn operations(&self) -> &[OutboundKind];
    /// Fingerprint of the configuration: while it is the same, `render` makes the same of the same.
    fn fingerprint(&self) -> &str;
    /// Most requests in flight at once.
    fn concurrency(&self) -> usize;
    /// Whether the partner promises one effect per idempotency key.
    fn honours_idempotency_key(&self) -> bool;
    /// Whether `lookup` can settle an unknown outcome of the request at `progress`.
    fn can_look_up(&self, kind: OutboundKind, progress: &Progress) -> bool;
    /// Whether it is one request that can be made before it is its turn, and that stays as it is. What is said here of
    /// other operations is by default that of a partner who has none.
    fn is_plain(&self, _kind: OutboundKind) -> bool {
        true
    }
    /// Name of the step at `progress`; empty for an operation of one request.
    fn step_name(&self, _kind: OutboundKind, _progress: &Progress) -> &str {
        ""
    }
    /// How soon the job that the request at `progress` began is looked at; `None` where it began none.
    fn job_after(&self, _kind: OutboundKind, _progress: &Progress) -> Option<Duration> {
        None
    }
    /// Whether the partner is asked before the request at `progress` can be made.
    fn prepares(&self, _kind: OutboundKind, _progress: &Progress) -> bool {
        false
    }
    /// Whether the request at the input's stage is made only once the partner was asked: it cannot be tried before.
    fn waits_for_partner(&self, input: &RenderInput<'_>) -> bool {
        let at = (!self.is_plain(input.kind)).then(|| self.here(input));
        matches!(at, Some(Ok(Some(at))) if self.prepares(input.kind, &at))
    }
    /// Whether a request that is refused because the partner holds something newer is made anew.
    fn rereads(&self, _kind: OutboundKind) -> bool {
        false
    }

    fn fetch<'a>(
        &'a self,
        stream: &'a str,
        watermark: Option<&'a str>,
        cursor: Option<&'a PageCursor>,
    ) -> Later<'a, Result<FetchedPage, FetchError>>;
    /// Looks at the head of a call (names in lower case) before its body is waited for.
    ///
    /// # Errors
    /// `PushRefusal`: whatever its body, nothing of it could be taken.
    fn may_call(&self, _stream: &str, _headers: &[(String, String)]) -> Result<(), PushRefusal> {
        Ok(())
    }
    /// Checks a call of the partner, and gives what it brings.
    ///
    /// # Errors
    /// `PushRefusal`: nothing of it may be taken.
    fn pushed(&self, stream: &str, call: &PushCall<'_>) -> Result<Pushed, PushRefusal>;
    /// Fetches what belongs to items that the partner named: details, batches, parts. Without such they are complete.
    fn complete<'a>(&'a self, stream: &'a str, stubs: Vec<Bytes>) -> Later<'a, Result<FetchedPage, FetchError>>;
    /// Tells the partner that these items are stored, where the configuration says so (`afterStore`).
    fn stored<'a>(&'a self, stream: &'a str, keys: &'a [serde_json::Value]) -> Later<'a, Result<(), FetchError>>;
    /// Pure: limits, schema, mapping. CPU-bound (about 0.2 ms for 20 lines).
    fn intake(&self, stream: &str, raw: &[u8]) -> Result<Intake, IntakeError>;
    /// Pure: the request of an operation at the input's stage, checked against its outbound schema where there is one.
    fn render(&self, input: &RenderInput<'_>) -> Result<RenderedRequest, IntakeError>;
    /// Pure: where the request at the input's stage is, or the first after it; `None` when there is none.
    fn here(&self, _input: &RenderInput<'_>) -> Result<Option<Progress>, IntakeError> {
        Ok(None)
    }
    /// Pure: where the operation goes on when the partner took that request; `None` when it was the last one.
    fn after(
        &self,
        _input: &RenderInput<'_>,
        _receipt: Option<&serde_json::Value>,
    ) -> Result<Option<Progress>, IntakeError> {
        Ok(None)
    }
    /// Reads at the partner what the request at the input's stage needs, for `Stage::prepared`.
    ///
    /// # Errors
    /// What is seen instead of a request: the read failed, or the partner's document is another one by now.
    fn prepare<'a>(&'a self, _input: &'a RenderInput<'a>) -> Later<'a, Result<Option<serde_json::Value>, SendResult>> {
        Box::pin(std::future::ready(Ok(None)))
    }
    /// Sends a request of an operation, the one at `progress`.
    fn send<'a>(
        &'a self,
        kind: OutboundKind,
        operation_id: uuid::Uuid,
        progress: &'a Progress,
        request: &'a RenderedRequest,
    ) -> Later<'a, SendResult>;
    /// Asks the partner whether it has the operation.
    fn lookup<'a>(
        &'a self,
        input: &'a RenderInput<'a>,
        receipt: Option<&'a serde_json::Value>,
    ) -> Later<'a, SendResult>;
    /// Asks whether a delivered operation is applied, or its job final: the job of the request at the input's progress,
    /// where that runs. A job that ended well is `Taken`.
    fn verify<'a>(
        &'a self,
        input: &'a RenderInput<'a>,
        receipt: Option<&'a serde_json::Value>,
    ) -> Later<'a, SendResult>;
}
