//! Partner configuration: raw -> checked -> validated. Every mistake of a file is reported at once.

mod check;
pub(crate) mod details;
mod format;
mod listing;
mod meaning;
pub(crate) mod mistakes;
mod names;
mod operations;
mod outcomes;
mod paths;
pub(crate) mod push;
pub(crate) mod raw;
mod raw_details;
mod raw_push;
mod raw_reading;
mod reading;
mod request;
mod sections;
mod session;
mod signin;
mod signing;
mod steps;
mod streams;
mod validate;

pub(crate) use format::Format;
pub use mistakes::{ConfigErrors, Mistake};
pub use names::config_field_names;
pub(crate) use reading::{ItemsAt, Listing, Paging, Place, Watermark, WatermarkSource};
pub(crate) use request::RequestTemplate;
pub(crate) use sections::is_loopback;
pub(crate) use session::Session;
pub(crate) use signin::{Assertion, Auth, ClientAuthentication, Grant, JwtAlgorithm, KeyPlace, OAuth2};
pub(crate) use signing::{KeyEncoding, Piece, SignAlgorithm, SignEncoding, SignTemplate, Signing};

use super::expr::{Expr, Seen};
use super::map::{CodeTable, DocumentMap, Template};
use super::schema::PayloadSchema;
use super::xml::XmlReading;
use super::{OutboundKind, StreamInfo};
use crate::domain::{PartnerId, PartnerRules, Progress};
use mistakes::Mistakes;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The JSON Schema of configuration files, for editors.
pub const CONFIG_SCHEMA: &str = include_str!("../../../../configs/schema/partner.schema.json");
/// Largest configuration file, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A configuration that holds: made by `load_file` and `parse` only.
#[derive(Debug)]
pub struct PartnerConfig {
    /// Of the text and of the program that reads it: what is made from two that are equal is equal.
    pub(crate) fingerprint: String,
    pub(crate) id: PartnerId,
    pub(crate) name: String,
    pub(crate) base_url: Url,
    /// The partner is on the company's network: its names may resolve to private addresses.
    pub(crate) private_network: bool,
    /// DER, trusted beside the system's.
    pub(crate) ca_certificates: Vec<Vec<u8>>,
    /// Key and certificates (PEM) that we show to the partner.
    pub(crate) client_certificate: Option<TextOrSecret>,
    pub(crate) auth: Auth,
    pub(crate) signing: Option<Signing>,
    pub(crate) session: Option<Session>,
    pub(crate) headers: Vec<(String, TextOrSecret)>,
    pub(crate) correlation_header: Option<String>,
    pub(crate) meanings: Vec<Meaning>,
    /// Names of the secrets that stand in requests, sorted.
    pub(crate) secrets_in_requests: Vec<String>,
    pub(crate) idempotency: Idempotency,
    /// Origins, as `https://host:port`, to which a read may be redirected.
    pub(crate) redirects: Vec<url::Origin>,
    pub(crate) limits: Limits,
    pub(crate) rules: PartnerRules,
    /// How XML of the partner is read, whatever brings it.
    pub(crate) xml: Arc<XmlReading>,
    pub(crate) streams: Vec<StreamConfig>,
    pub(crate) operations: BTreeMap<OutboundKind, OperationConfig>,
    /// What is no mistake and yet hardly meant.
    pub(crate) warnings: Vec<Mistake>,
    /// As it was written, and where its schemas lie: for descriptions.
    pub(crate) written: serde_json::Value,
    pub(crate) dir: std::path::PathBuf,
}

impl PartnerConfig {
    pub fn id(&self) -> &PartnerId {
        &self.id
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// What is no mistake and yet hardly meant, such as a path that the payload's schema does not have.
    pub fn warnings(&self) -> &[Mistake] {
        &self.warnings
    }

    /// Names of the secrets that the configuration asks for, sorted.
    pub fn secret_names(&self) -> Vec<&str> {
        let mut all: Vec<&TextOrSecret> = self.client_certificate.iter().collect();
        match &self.auth {
            Auth::None => {}
            Auth::Basic { username, password } => all.extend([username, password]),
            Auth::Key { value, .. } => all.push(value),
            Auth::OAuth2(auth) => {
                all.extend(auth.client_id.iter().chain(&auth.client_secret));
                all.extend(auth.assertion.iter().map(|a| &a.key));
                all.extend(auth.parameters.iter().chain(&auth.headers).map(|(_, value)| value));
                if let Grant::RefreshToken(token) = &auth.grant {
                    all.push(token);
                }
            }
        }
        all.extend(self.signing.iter().map(|s| &s.key));
        all.extend(self.headers.iter().map(|(_, value)| value));
        let pushes = self.streams.iter().filter_map(|s| s.push.as_ref());
        let mut names: BTreeSet<&str> = pushes.map(|push| push.signature.key.as_str()).collect();
        let named = all.into_iter().filter_map(|value| match value {
            TextOrSecret::Secret(name) => Some(name.as_str()),
            TextOrSecret::Text(_) => None,
        });
        names.extend(named);
        names.extend(self.secrets_in_requests.iter().map(String::as_str));
        names.into_iter().collect()
    }

    /// Puts the partner on line.
    ///
    /// # Errors
    /// When no HTTP client can be made: a sentence.
    pub fn connect(
        self,
        secrets: Arc<dyn super::Secrets>,
        clock: Arc<dyn crate::clock::Clock>,
    ) -> Result<super::http::HttpPartner, String> {
        super::http::HttpPartner::new(self, secrets, clock)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TextOrSecret {
    Text(String),
    Secret(String),
}

#[derive(Debug, Default)]
pub(crate) struct Idempotency {
    pub header: Option<String>,
    pub honoured: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub concurrency: usize,
    pub requests_per_second: Option<u32>,
    pub rate_headers: Option<RateHeaders>,
    pub max_body_bytes: usize,
    pub max_inflated_bytes: usize,
    pub max_depth: usize,
    pub max_lines: usize,
    pub max_string_bytes: usize,
    pub max_pages: u64,
    pub max_items: usize,
    pub connect: Duration,
    pub request: Duration,
    pub token: Duration,
}

/// Names of the headers in which an answer says how many requests are left, and when there are new ones.
#[derive(Debug, Clone)]
pub(crate) struct RateHeaders {
    pub remaining: String,
    pub reset: String,
}

#[derive(Debug)]
pub(crate) struct StreamConfig {
    pub info: StreamInfo,
    pub request: RequestTemplate,
    pub empty_statuses: Vec<u16>,
    pub format: Format,
    pub listing: Listing,
    pub enrichment: details::Enrichment,
    pub after_store: Option<details::AfterStore>,
    pub push: Option<push::Push>,
    pub watermark: Option<Watermark>,
    pub schema: Option<PayloadSchema>,
    /// Field names on the way to fields that are left out of the hash.
    pub hash_except: Vec<Vec<String>>,
    /// The hash is that of the canonical document: what the map does not read makes no new version.
    pub hash_of_document: bool,
    pub map: DocumentMap,
}

#[derive(Debug)]
pub(crate) struct OperationConfig {
    /// Made in this order; none at all of one that is always silent.
    pub steps: Vec<StepConfig>,
    /// Where no step applies, nothing is sent and the operation takes effect here.
    pub silent: bool,
    /// Most lines in one request.
    pub max_lines: Option<usize>,
    pub verify: Option<Probe>,
    /// A request that is refused because the partner holds something newer is made anew.
    pub rereads: bool,
    /// What the request of a plain one sees of its scope; `None` where it may see all of it.
    pub seen: Option<Seen>,
}

impl OperationConfig {
    /// The step that a progress is at; `None` past the last one.
    pub fn step(&self, progress: &Progress) -> Option<&StepConfig> {
        self.steps.get(usize::try_from(progress.step).ok()?)
    }

    /// One request that depends on nothing but the document and the answer, and that is never made anew.
    pub fn is_plain(&self) -> bool {
        match self.steps.as_slice() {
            [only] => {
                only.each.is_none()
                    && only.prepare.is_none()
                    && only.results.as_ref().is_none_or(|r| r.again.is_empty())
                    && !self.rereads
            }
            _ => false,
        }
    }
}

/// A request of an operation.
#[derive(Debug)]
pub(crate) struct StepConfig {
    /// Empty for the only request of an operation without steps.
    pub name: String,
    /// It is repeated, once for each of these values.
    pub each: Option<Expr>,
    pub prepare: Option<Prepare>,
    pub request: RequestTemplate,
    pub schema: Option<PayloadSchema>,
    pub outcomes: Outcomes,
    pub receipt: Option<Template>,
    pub results: Option<Results>,
    /// Its job must end before the next step.
    pub verify: Option<Probe>,
    pub lookup: Option<Probe>,
}

/// A read right before a request is made.
#[derive(Debug)]
pub(crate) struct Prepare {
    pub request: RequestTemplate,
    /// Over `{status, headers, body}`; `$root` is what the request sees.
    pub keep: Option<Template>,
    /// As `keep`: true while the partner's document is the one that is answered.
    pub unchanged: Option<Expr>,
    /// The document in the answer's body, and the stream whose map reads it.
    pub document: Option<(String, Option<Expr>)>,
}

#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    pub success: Vec<Case>,
    pub applied: Vec<Case>,
    pub already_done: Vec<Case>,
    pub again: Vec<Case>,
    pub conflict: Vec<Case>,
    pub rejected: Vec<Case>,
    pub error_text: Option<Expr>,
}

/// Answers that mean the same.
#[derive(Debug)]
pub(crate) struct Case {
    /// Empty for every status.
    pub statuses: Vec<u16>,
    /// Over the body; `$root` is the whole answer.
    pub when: Option<Expr>,
}

/// Answers that count as another status.
#[derive(Debug)]
pub(crate) struct Meaning {
    pub case: Case,
    pub counts_as: u16,
}

/// What an answer says of each line.
#[derive(Debug)]
pub(crate) struct Results {
    pub each: Expr,
    pub id: Option<Expr>,
    /// Without it, every result is a failure.
    pub state: Option<Expr>,
    pub applied: Vec<String>,
    pub failed: Vec<String>,
    /// Lines that did not go through and are worth sending again.
    pub again: Vec<String>,
    pub error_text: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct Probe {
    pub request: RequestTemplate,
    pub state: Expr,
    pub applied: Vec<String>,
    pub taken: Vec<String>,
    pub failed: Vec<String>,
    /// Statuses and states that prove that it never arrived.
    pub not_seen: Vec<u16>,
    pub not_seen_states: Vec<String>,
    /// States by which the partner asks for it once more.
    pub resend: Vec<String>,
    pub error_text: Option<Expr>,
    pub results: Option<Results>,
    pub every: Duration,
    /// What to keep of a job's final answer, beside what was kept before.
    pub receipt: Option<Template>,
}

pub(crate) type CodeTables = HashMap<String, Arc<CodeTable>>;

/// Reads and checks a configuration file. Schema files are looked for beside it.
///
/// # Errors
/// Every mistake of the file, with its place.
pub fn load_file(path: &Path) -> Result<PartnerConfig, ConfigErrors> {
    let file = path.display().to_string();
    let whole = |message: String| ConfigErrors::whole_file(&file, message);
    let size = std::fs::metadata(path)
        .map_err(|e| whole(format!("the file cannot be read: {e}")))?
        .len();
    if size > MAX_FILE_BYTES {
        return Err(whole(format!(
            "the file has {size} bytes, at most {MAX_FILE_BYTES} are read"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|e| whole(format!("the file cannot be read: {e}")))?;
    parse(&text, &file, path.parent().unwrap_or(Path::new(".")))
}

/// Checks a configuration's text. `file` is its name in messages, schema files lie below `dir`.
///
/// # Errors
/// Every mistake of the text, with its place.
pub fn parse(text: &str, file: &str, dir: &Path) -> Result<PartnerConfig, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let raw = check::read(text, &mut mistakes);
    let config = raw.and_then(|raw| validate::validate(raw, dir, &mut mistakes));
    match (config, mistakes.into_errors(file)) {
        (Some(mut config), None) => {
            config.fingerprint = fingerprint(text);
            // It was read as JSON before.
            config.written = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
            check::strip_comments(&mut config.written, "", &mut Mistakes::default());
            Ok(config)
        }
        (_, Some(errors)) => Err(errors),
        (None, None) => Err(ConfigErrors::whole_file(file, "the configuration is incomplete")),
    }
}

fn fingerprint(text: &str) -> String {
    let program = concat!(env!("CARGO_PKG_VERSION"), "\n");
    let hash = Sha256::new().chain_update(program).chain_update(text).finalize();
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
