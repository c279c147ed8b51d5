//! A partner over HTTP: fetch, send, look up, verify.

mod answer;
mod assertion;
mod client;
mod credential;
mod error_text;
mod fill;
mod gather;
mod grant;
mod guard;
mod keys;
mod meaning;
mod outcome;
mod pace;
mod parts;
mod pushed;
mod reach;
mod read;
mod results;
mod sending;
mod session;
mod show;
mod sign;
mod token;
mod vault;
mod wire;

pub use outcome::plain_verdict;
pub use reach::{Answered, Reached, Unanswered};

pub(crate) use guard::{Reach, reach};

use super::config::{OperationConfig, PartnerConfig, RequestTemplate, StreamConfig};
use super::expr::Scope;
use super::render::{after, here, rendered};
use super::{
    FetchError, FetchedPage, Intake, IntakeError, Later, LinesLeft, OutboundKind, PageCursor, PartnerLink, PushCall,
    PushRefusal, Pushed, RenderInput, RenderedRequest, Secrets, SendResult, StreamInfo, Verdict,
};
use crate::clock::Clock;
use crate::domain::{PartnerId, PartnerRules, Progress};
use answer::Answer;
use bytes::Bytes;
use outcome::{wire_message, wire_status};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use wire::{Outgoing, Wire, WireError};

/// What is kept of an answer, in bytes.
const EXCERPT_BYTES: usize = 4096;

/// A configured partner, on line.
pub struct HttpPartner {
    config: PartnerConfig,
    streams: Vec<StreamInfo>,
    operations: Vec<OutboundKind>,
    wire: Wire,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
}

impl HttpPartner {
    pub(crate) fn new(
        mut config: PartnerConfig,
        secrets: Arc<dyn Secrets>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let wire = Wire::new(&mut config, Arc::clone(&secrets), clock.clone())?;
        Ok(Self {
            streams: config.streams.iter().map(|s| s.info.clone()).collect(),
            operations: config.operations.keys().copied().collect(),
            wire,
            secrets,
            clock,
            config,
        })
    }

    pub fn config(&self) -> &PartnerConfig {
        &self.config
    }

    fn stream(&self, name: &str) -> Option<&StreamConfig> {
        self.config.streams.iter().find(|s| s.info.name == name)
    }

    fn clean(&self, mut error: FetchError) -> FetchError {
        error.message = self.wire.clean(&error.message);
        error
    }

    /// A read or a probe from its template.
    fn outgoing<'a>(
        &self,
        template: &'a RequestTemplate,
        scope: &Scope<'_>,
        correlation: String,
    ) -> Result<Reading<'a>, String> {
        match template.render(&self.config.base_url, scope) {
            Ok(ready) => Ok(Reading {
                request: ready.request,
                url: ready.url,
                accept: &template.accept,
                correlation,
            }),
            Err(problems) => Err(problems.first().map_or_else(
                || "the request cannot be made".to_owned(),
                |p| format!("the request cannot be made: {} {}", p.pointer, p.message),
            )),
        }
    }

    fn result(&self, verdict: Verdict, answer: &Answer, receipt: Option<Value>, words: Option<String>) -> SendResult {
        let shown = &answer.body[..answer.body.len().min(EXCERPT_BYTES)];
        SendResult {
            verdict,
            status: Some(answer.status),
            receipt,
            message: words.map(|w| self.wire.clean(&w)),
            excerpt: (!shown.is_empty()).then(|| self.wire.clean(&String::from_utf8_lossy(shown))),
            lines: LinesLeft::default(),
        }
    }

    fn unanswered(&self, verdict: Verdict, error: &WireError) -> SendResult {
        SendResult {
            verdict,
            status: wire_status(error),
            receipt: None,
            message: Some(self.wire.clean(&wire_message(error))),
            excerpt: None,
            lines: LinesLeft::default(),
        }
    }
}

/// A read that is ready to be sent.
struct Reading<'a> {
    request: RenderedRequest,
    /// Where the request goes, parsed.
    url: Url,
    accept: &'a str,
    correlation: String,
}

impl Reading<'_> {
    fn borrow(&self) -> Outgoing<'_> {
        Outgoing {
            request: &self.request,
            accept: self.accept,
            idempotency: None,
            correlation: self.correlation.clone(),
        }
    }
}

/// What the template of a receipt sees.
fn seen(answer: &Answer) -> Value {
    let headers: serde_json::Map<String, Value> = answer
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), Value::from(value.to_str().ok()?))))
        .collect();
    json!({"status": answer.status, "headers": headers, "body": body_of(answer)})
}

/// JSON, or else the text as it is.
fn body_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| match std::str::from_utf8(&answer.body) {
        Ok("") | Err(_) => Value::Null,
        Ok(text) => Value::from(text),
    })
}

fn refused(code: &'static str, message: &str) -> SendResult {
    SendResult {
        verdict: Verdict::Rejected { code },
        status: None,
        receipt: None,
        message: Some(message.to_owned()),
        excerpt: None,
        lines: LinesLeft::default(),
    }
}

impl PartnerLink for HttpPartner {
    fn id(&self) -> &PartnerId {
        &self.config.id
    }

    fn name(&self) -> &str {
        &self.config.name
    }

    fn rules(&self) -> &PartnerRules {
        &self.config.rules
    }

    fn streams(&self) -> &[StreamInfo] {
        &self.streams
    }

    fn operations(&self) -> &[OutboundKind] {
        &self.operations
    }

    fn fingerprint(&self) -> &str {
        &self.config.fingerprint
    }

    fn concurrency(&self) -> usize {
        self.config.limits.concurrency
    }

    fn honours_idempotency_key(&self) -> bool {
        self.config.idempotency.honoured && self.config.idempotency.header.is_some()
    }

    fn can_look_up(&self, kind: OutboundKind, progress: &Progress) -> bool {
        let step = self.step(kind, progress);
        step.is_some_and(|(_, step)| step.lookup.is_some())
    }

    fn job_after(&self, kind: OutboundKind, progress: &Progress) -> Option<Duration> {
        let (_, step) = self.step(kind, progress)?;
        step.verify.as_ref().map(|job| job.every)
    }

    fn is_plain(&self, kind: OutboundKind) -> bool {
        self.config.operations.get(&kind).is_none_or(OperationConfig::is_plain)
    }

    fn step_name(&self, kind: OutboundKind, progress: &Progress) -> &str {
        self.step(kind, progress).map_or("", |(_, step)| &step.name)
    }

    fn prepares(&self, kind: OutboundKind, progress: &Progress) -> bool {
        let step = self.step(kind, progress);
        step.is_some_and(|(_, step)| step.prepare.is_some())
    }

    fn rereads(&self, kind: OutboundKind) -> bool {
        self.config.operations.get(&kind).is_some_and(|o| o.rereads)
    }

    fn fetch<'a>(
        &'a self,
        stream: &'a str,
        watermark: Option<&'a str>,
        cursor: Option<&'a PageCursor>,
    ) -> Later<'a, Result<FetchedPage, FetchError>> {
        Box::pin(self.fetch_page(stream, watermark, cursor))
    }

    fn may_call(&self, stream: &str, headers: &[(String, String)]) -> Result<(), PushRefusal> {
        self.read_head(stream, headers)
    }

    fn pushed(&self, stream: &str, call: &PushCall<'_>) -> Result<Pushed, PushRefusal> {
        self.read_call(stream, call)
    }

    fn complete<'a>(&'a self, stream: &'a str, stubs: Vec<Bytes>) -> Later<'a, Result<FetchedPage, FetchError>> {
        Box::pin(self.complete_items(stream, stubs))
    }

    fn stored<'a>(&'a self, stream: &'a str, keys: &'a [Value]) -> Later<'a, Result<(), FetchError>> {
        Box::pin(self.tell_stored(stream, keys))
    }

    fn intake(&self, stream: &str, raw: &[u8]) -> Result<Intake, IntakeError> {
        match self.stream(stream) {
            Some(stream) => super::intake::intake(stream, &self.config.limits, raw),
            None => Err(IntakeError {
                stage: "mapping",
                number: None,
                problems: vec![super::IntakeProblem {
                    pointer: String::new(),
                    message: format!("the configuration has no stream \"{stream}\" any more"),
                }],
            }),
        }
    }

    fn render(&self, input: &RenderInput<'_>) -> Result<RenderedRequest, IntakeError> {
        rendered(&self.config, input)
    }

    fn here(&self, input: &RenderInput<'_>) -> Result<Option<Progress>, IntakeError> {
        Ok(here(&self.config, input)?.map(|here| here.progress))
    }

    fn after(&self, input: &RenderInput<'_>, receipt: Option<&Value>) -> Result<Option<Progress>, IntakeError> {
        after(&self.config, input, receipt)
    }

    fn prepare<'a>(&'a self, input: &'a RenderInput<'a>) -> Later<'a, Result<Option<Value>, SendResult>> {
        Box::pin(self.read_before(input))
    }

    fn send<'a>(
        &'a self,
        kind: OutboundKind,
        operation_id: uuid::Uuid,
        progress: &'a Progress,
        request: &'a RenderedRequest,
    ) -> Later<'a, SendResult> {
        Box::pin(self.send_operation((kind, progress), operation_id, request))
    }

    fn lookup<'a>(&'a self, input: &'a RenderInput<'a>, receipt: Option<&'a Value>) -> Later<'a, SendResult> {
        Box::pin(self.probe(input, receipt, true))
    }

    fn verify<'a>(&'a self, input: &'a RenderInput<'a>, receipt: Option<&'a Value>) -> Later<'a, SendResult> {
        Box::pin(self.probe(input, receipt, false))
    }
}
