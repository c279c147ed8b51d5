//! A partner over HTTP: fetch, send, look up, verify.

mod answer;
mod assertion;
mod client;
mod credential;
mod error_text;
mod gather;
mod guard;
mod keys;
mod outcome;
mod pace;
mod pushed;
mod read;
mod results;
mod session;
mod show;
mod sign;
mod token;
mod vault;
mod wire;

pub(crate) use guard::{Reach, reach};

use super::config::{OperationConfig, PartnerConfig, Probe, RequestTemplate, Results, StreamConfig};
use super::expr::Scope;
use super::render::{rendered, request_scope};
use super::{
    FetchError, FetchedPage, Intake, IntakeError, Later, OutboundKind, PageCursor, PartnerLink, PushCall, PushRefusal,
    Pushed, RenderInput, RenderedRequest, Secrets, SendResult, StreamInfo, Verdict,
};
use crate::clock::Clock;
use crate::domain::{PartnerId, PartnerRules};
use answer::Answer;
use bytes::Bytes;
use outcome::{class_of, read_verdict, send_verdict, wire_message, wire_status};
use serde_json::{Value, json};
use std::sync::Arc;
use url::Url;
use wire::{Outgoing, Wire, WireError};

/// What is kept of an answer, in bytes.
const EXCERPT_BYTES: usize = 4096;

const FAILED: &str = "partner.failed";
const PARTLY: &str = "partner.partly";

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
    ) -> Result<Prepared<'a>, String> {
        match template.render(&self.config.base_url, scope) {
            Ok(ready) => Ok(Prepared {
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

    async fn send_operation(
        &self,
        kind: OutboundKind,
        operation_id: uuid::Uuid,
        request: &RenderedRequest,
    ) -> SendResult {
        let Some(operation) = self.config.operations.get(&kind) else {
            return refused("partner.operation", "the configuration has no such operation any more");
        };
        let out = self.carried(operation, operation_id, request);
        match self.wire.call(&out).await {
            Ok(answer) => self.sent(operation, answer),
            Err(error) => self.unanswered(send_verdict(&error), &error),
        }
    }

    /// A stored request with what its operation carries.
    fn carried<'a>(
        &'a self,
        operation: &'a OperationConfig,
        operation_id: uuid::Uuid,
        request: &'a RenderedRequest,
    ) -> Outgoing<'a> {
        let header = self.config.idempotency.header.as_deref();
        Outgoing {
            request,
            accept: &operation.request.accept,
            idempotency: header.map(|name| (name, operation_id.to_string())),
            correlation: operation_id.to_string(),
        }
    }

    fn sent(&self, operation: &OperationConfig, answer: Answer) -> SendResult {
        let outcomes = &operation.outcomes;
        let whole = seen(&answer);
        let class = class_of(answer.status, &whole, outcomes);
        let verdict = class.verdict(&answer.headers, self.clock.now());
        let success = verdict.as_ref().is_none_or(|v| *v == Verdict::Applied);
        let verdict = verdict.unwrap_or(Verdict::Taken {
            verify_after: operation.verify.as_ref().map(|v| v.every),
        });
        let receipt = operation
            .receipt
            .as_ref()
            .filter(|_| success)
            .and_then(|template| template.render(&Scope::root(&whole), "", &mut Vec::new()));
        if !success {
            let words = outcome::words(&answer, outcomes.error_text.as_ref());
            return self.result(verdict, &answer, receipt, words);
        }
        match partly(operation.results.as_deref(), &whole["body"], "partner.rejected") {
            Some((verdict, words)) => self.result(verdict, &answer, receipt, Some(words)),
            None => self.result(verdict, &answer, receipt, None),
        }
    }

    async fn probe(&self, input: &RenderInput<'_>, receipt: Option<&Value>, lookup: bool) -> SendResult {
        let Some(operation) = self.config.operations.get(&input.kind) else {
            return refused("partner.operation", "the configuration has no such operation any more");
        };
        let probe = if lookup { &operation.lookup } else { &operation.verify };
        let Some(probe) = probe else {
            return refused(
                "partner.operation",
                "the configuration says no way to ask for the operation",
            );
        };
        let scope = request_scope(input, receipt, &self.config);
        let out = match self.outgoing(&probe.request, &Scope::root(&scope), input.operation_id.to_string()) {
            Ok(out) => out,
            Err(message) => return refused("partner.request", &message),
        };
        match self.wire.call(&out.borrow()).await {
            Ok(answer) => self.probed(probe, operation, (answer, &scope), lookup),
            Err(error) => self.unanswered(read_verdict(&error), &error),
        }
    }

    /// `$root` of a state's expression is what the request saw, so that an answer can be compared with what was sent.
    fn probed(
        &self,
        probe: &Probe,
        operation: &OperationConfig,
        (answer, sent): (Answer, &Value),
        lookup: bool,
    ) -> SendResult {
        let pending = Verdict::Pending {
            again_after: probe.every,
        };
        if probe.not_seen.contains(&answer.status) {
            let verdict = if lookup { Verdict::NotSeen } else { pending };
            return self.result(verdict, &answer, None, None);
        }
        if let Some(verdict) = outcome::class(answer.status).verdict(&answer.headers, self.clock.now()) {
            let words = outcome::words(&answer, probe.error_text.as_ref());
            return self.result(verdict, &answer, None, words);
        }
        let body = body_of(&answer);
        let state = results::text(Some(&probe.state), &Scope::root(&body).with_root(sent));
        let listed = |list: &[String]| state.as_ref().is_some_and(|s| list.contains(s));
        let receipt = operation
            .receipt
            .as_ref()
            .filter(|_| lookup)
            .and_then(|template| template.render(&Scope::root(&seen(&answer)), "", &mut Vec::new()));
        let (verdict, words) = if listed(&probe.applied) {
            match partly(probe.results.as_ref(), &body, FAILED) {
                Some((verdict, words)) => (verdict, Some(words)),
                None => (Verdict::Applied, None),
            }
        } else if listed(&probe.taken) {
            let verify_after = operation.verify.as_ref().map(|v| v.every);
            (
                if lookup {
                    Verdict::Taken { verify_after }
                } else {
                    pending
                },
                None,
            )
        } else if listed(&probe.failed) {
            let words = outcome::words(&answer, probe.error_text.as_ref());
            (Verdict::Rejected { code: FAILED }, words)
        } else {
            (pending, None)
        };
        self.result(verdict, &answer, receipt, words)
    }

    fn result(&self, verdict: Verdict, answer: &Answer, receipt: Option<Value>, words: Option<String>) -> SendResult {
        let shown = &answer.body[..answer.body.len().min(EXCERPT_BYTES)];
        SendResult {
            verdict,
            status: Some(answer.status),
            receipt,
            message: words.map(|w| self.wire.clean(&w)),
            excerpt: (!shown.is_empty()).then(|| self.wire.clean(&String::from_utf8_lossy(shown))),
        }
    }

    fn unanswered(&self, verdict: Verdict, error: &WireError) -> SendResult {
        SendResult {
            verdict,
            status: wire_status(error),
            receipt: None,
            message: Some(self.wire.clean(&wire_message(error))),
            excerpt: None,
        }
    }
}

/// The verdict on a success that is none for some lines; `all` is its code when it is none for any.
fn partly(results: Option<&Results>, body: &Value, all: &'static str) -> Option<(Verdict, String)> {
    match results::lines(results?, body) {
        Ok(lines) => {
            let code = if lines.some_taken { PARTLY } else { all };
            Some((Verdict::Rejected { code }, lines.failed?))
        }
        Err(reason) => {
            let words = format!("what became of each line cannot be read: {reason}");
            Some((Verdict::Rejected { code: PARTLY }, words))
        }
    }
}

/// A read that is ready to be sent.
struct Prepared<'a> {
    request: RenderedRequest,
    /// Where the request goes, parsed.
    url: Url,
    accept: &'a str,
    correlation: String,
}

impl Prepared<'_> {
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

    fn can_look_up(&self, kind: OutboundKind) -> bool {
        self.config.operations.get(&kind).is_some_and(|o| o.lookup.is_some())
    }

    fn fetch<'a>(
        &'a self,
        stream: &'a str,
        watermark: Option<&'a str>,
        cursor: Option<&'a PageCursor>,
    ) -> Later<'a, Result<FetchedPage, FetchError>> {
        Box::pin(self.fetch_page(stream, watermark, cursor))
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

    fn send<'a>(
        &'a self,
        kind: OutboundKind,
        operation_id: uuid::Uuid,
        request: &'a RenderedRequest,
    ) -> Later<'a, SendResult> {
        Box::pin(self.send_operation(kind, operation_id, request))
    }

    fn lookup<'a>(&'a self, input: &'a RenderInput<'a>, receipt: Option<&'a Value>) -> Later<'a, SendResult> {
        Box::pin(self.probe(input, receipt, true))
    }

    fn verify<'a>(&'a self, input: &'a RenderInput<'a>, receipt: Option<&'a Value>) -> Later<'a, SendResult> {
        Box::pin(self.probe(input, receipt, false))
    }
}
