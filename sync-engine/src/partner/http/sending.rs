//! What is sent: requests of operations, the reads before them, and the questions after them.

use super::answer::Answer;
use super::outcome::{self, class_of, read_verdict, send_verdict};
use super::wire::Outgoing;
use super::{HttpPartner, body_of, refused, results, seen};
use crate::domain::{OperationId, Progress};
use crate::partner::config::{OperationConfig, Prepare, Probe, Results, StepConfig};
use crate::partner::expr::{Expr, Scope};
use crate::partner::render::{here, request_scope};
use crate::partner::{
    Intake, IntakeError, LinesLeft, OutboundKind, PartnerLink, RenderInput, RenderedRequest, SendResult, Verdict,
};
use serde_json::Value;
use std::borrow::Cow;

const FAILED: &str = "partner.failed";
const PARTLY: &str = "partner.partly";
const CHANGED: Verdict = Verdict::Conflict {
    code: "partner.conflict",
};
const NOT_THE_SAME: &str = "the partner's document is not the one that this is about any more";
const NO_SUCH_OPERATION: &str = "the configuration has no such operation any more";

impl HttpPartner {
    /// The step of an operation that a progress is at.
    pub(super) fn step(&self, kind: OutboundKind, progress: &Progress) -> Option<(&OperationConfig, &StepConfig)> {
        let operation = self.config.operations.get(&kind)?;
        operation.step(progress).map(|step| (operation, step))
    }

    pub(super) async fn send_operation(
        &self,
        (kind, progress): (OutboundKind, &Progress),
        operation_id: uuid::Uuid,
        request: &RenderedRequest,
    ) -> SendResult {
        if request.is_nothing() {
            return applied_here();
        }
        let Some((operation, step)) = self.step(kind, progress) else {
            return refused("partner.operation", NO_SUCH_OPERATION);
        };
        let out = self.carried(step, progress, operation_id, request);
        match self.wire.call(&out).await {
            Ok(answer) => self.sent((operation, step), progress, answer),
            Err(error) => self.unanswered(send_verdict(&error), &error),
        }
    }

    /// A stored request with what its operation carries.
    pub(super) fn carried<'a>(
        &'a self,
        step: &'a StepConfig,
        progress: &Progress,
        operation_id: uuid::Uuid,
        request: &'a RenderedRequest,
    ) -> Outgoing<'a> {
        let header = self.config.idempotency.header.as_deref();
        let key = || progress.key(OperationId(operation_id)).to_string();
        Outgoing {
            request,
            accept: &step.request.accept,
            idempotency: header.map(|name| (name, key())),
            correlation: operation_id.to_string(),
        }
    }

    /// # Errors
    /// What is seen instead: the read failed, or the document is not the one that is answered any more.
    pub(super) async fn read_before(&self, input: &RenderInput<'_>) -> Result<Option<Value>, SendResult> {
        let unfit = |error: IntakeError| {
            let words = error.problems.first().map(|p| p.message.clone());
            refused("partner.request", &words.unwrap_or_default())
        };
        let Some(here) = here(&self.config, input).map_err(unfit)? else {
            return Ok(None);
        };
        let Some(prepare) = &here.step.prepare else {
            return Ok(None);
        };
        let scope = Scope::root(&here.scope);
        let out = self
            .outgoing(&prepare.request, &scope, input.operation_id.to_string())
            .map_err(|message| refused("partner.request", &message))?;
        let answer = match self.wire.call(&out.borrow()).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.unanswered(read_verdict(&error), &error)),
        };
        if let Some(verdict) = outcome::class(answer.status).verdict(&answer.headers, self.clock.now()) {
            let words = outcome::words(&answer, None);
            return Err(self.result(verdict, &answer, None, words));
        }
        let whole = seen(&answer);
        let read = Scope::root(&whole).with_root(&here.scope);
        if let Some(words) = self.changed(prepare, &read, (&answer, input)) {
            return Err(self.result(CHANGED, &answer, None, Some(words)));
        }
        let mut problems = Vec::new();
        let kept = prepare
            .keep
            .as_ref()
            .and_then(|keep| keep.render(&read, "/prepare/keep", &mut problems));
        if let Some(problem) = problems.into_iter().next() {
            return Err(refused(
                "partner.request",
                &format!("{} {}", problem.pointer, problem.message),
            ));
        }
        Ok(kept)
    }

    /// Why the document in the answer is not the one that the operation is about, where `prepare` says how to see that.
    fn changed(
        &self,
        prepare: &Prepare,
        read: &Scope<'_>,
        (answer, input): (&Answer, &RenderInput<'_>),
    ) -> Option<String> {
        if let Some(unchanged) = &prepare.unchanged
            && !unchanged.one(read).is_ok_and(|found| holds(found.as_deref()))
        {
            return Some(NOT_THE_SAME.to_owned());
        }
        let (stream, item) = prepare.document.as_ref()?;
        let bytes = match document(answer, item.as_ref()) {
            Ok(bytes) => bytes,
            Err(reason) => return Some(reason),
        };
        match self.intake(stream, &bytes) {
            Ok(Intake::Version(version)) if version.document == *input.document => None,
            Ok(Intake::Version(_) | Intake::Answer(_) | Intake::Skipped) => Some(NOT_THE_SAME.to_owned()),
            Err(error) => {
                let first = error.problems.first().map_or("", |p| p.message.as_str());
                Some(format!("the partner's document cannot be read: {first}"))
            }
        }
    }

    fn sent(
        &self,
        (operation, step): (&OperationConfig, &StepConfig),
        progress: &Progress,
        answer: Answer,
    ) -> SendResult {
        let outcomes = &step.outcomes;
        let whole = seen(&answer);
        let class = class_of(answer.status, &whole, outcomes);
        let verdict = class.verdict(&answer.headers, self.clock.now());
        let success = verdict.as_ref().is_none_or(|v| *v == Verdict::Applied);
        let verdict = verdict.unwrap_or(Verdict::Taken {
            verify_after: operation.verify.as_ref().map(|v| v.every),
        });
        let receipt = step
            .receipt
            .as_ref()
            .filter(|_| success)
            .and_then(|template| template.render(&Scope::root(&whole), "", &mut Vec::new()));
        if !success {
            let words = outcome::words(&answer, outcomes.error_text.as_ref());
            return self.result(verdict, &answer, receipt, words);
        }
        let (found, lines) = match lines_of(step.results.as_ref(), &whole["body"], progress, "partner.rejected") {
            Some((verdict, words, lines)) => ((verdict, Some(words)), lines),
            None => ((verdict, None), LinesLeft::default()),
        };
        SendResult {
            lines,
            ..self.result(found.0, &answer, receipt, found.1)
        }
    }

    pub(super) async fn probe(&self, input: &RenderInput<'_>, receipt: Option<&Value>, lookup: bool) -> SendResult {
        let none = Progress::default();
        let progress = input.stage.progress.unwrap_or(&none);
        let Some((operation, step)) = self.step(input.kind, progress) else {
            return refused("partner.operation", NO_SUCH_OPERATION);
        };
        let probe = match (lookup, &progress.job) {
            (true, _) => &step.lookup,
            (false, Some(_)) => &step.verify,
            (false, None) => &operation.verify,
        };
        let Some(probe) = probe else {
            return refused(
                "partner.operation",
                "the configuration says no way to ask for the operation",
            );
        };
        let scope = match here(&self.config, input) {
            Ok(Some(here)) => asked(here.scope, receipt),
            Ok(None) | Err(_) => request_scope(input, receipt, &self.config, None),
        };
        let out = match self.outgoing(&probe.request, &Scope::root(&scope), input.operation_id.to_string()) {
            Ok(out) => out,
            Err(message) => return refused("partner.request", &message),
        };
        match self.wire.call(&out.borrow()).await {
            Ok(answer) if progress.job.is_some() && !lookup => self.job_probed(probe, operation, answer, |answer| {
                self.probed(probe, (operation, step), (answer, &scope), lookup)
            }),
            Ok(answer) => self.probed(probe, (operation, step), (answer, &scope), lookup),
            Err(error) => self.unanswered(read_verdict(&error), &error),
        }
    }

    /// A job between two steps: ended well, its request is through, and what its answer tells is kept.
    fn job_probed(
        &self,
        probe: &Probe,
        operation: &OperationConfig,
        answer: Answer,
        probed: impl FnOnce(Answer) -> SendResult,
    ) -> SendResult {
        let whole = probe.receipt.as_ref().map(|_| seen(&answer));
        let mut result = probed(answer);
        if result.verdict == Verdict::Applied {
            result.verdict = Verdict::Taken {
                verify_after: operation.verify.as_ref().map(|v| v.every),
            };
            result.receipt = probe
                .receipt
                .as_ref()
                .zip(whole.as_ref())
                .and_then(|(template, whole)| template.render(&Scope::root(whole), "", &mut Vec::new()));
        }
        result
    }

    /// `$root` of a state's expression is what the request saw, so that an answer can be compared with what was sent.
    fn probed(
        &self,
        probe: &Probe,
        (operation, step): (&OperationConfig, &StepConfig),
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
        let receipt = step
            .receipt
            .as_ref()
            .filter(|_| lookup)
            .and_then(|template| template.render(&Scope::root(&seen(&answer)), "", &mut Vec::new()));
        let (verdict, words) = if listed(&probe.applied) {
            match lines_of(probe.results.as_ref(), &body, &Progress::default(), FAILED) {
                Some((verdict, words, _)) => (verdict, Some(words)),
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
        } else if lookup && (listed(&probe.not_seen_states) || listed(&probe.resend)) {
            (Verdict::NotSeen, None)
        } else if listed(&probe.resend) {
            (Verdict::Lost, None)
        } else if listed(&probe.failed) {
            let words = outcome::words(&answer, probe.error_text.as_ref());
            (Verdict::Rejected { code: FAILED }, words)
        } else {
            (pending, None)
        };
        self.result(verdict, &answer, receipt, words)
    }
}

/// The verdict on a success that is none for some lines; `all` is its code when it is none for any. Lines that an earlier
/// round did not get through count too.
fn lines_of(
    results: Option<&Results>,
    body: &Value,
    progress: &Progress,
    all: &'static str,
) -> Option<(Verdict, String, LinesLeft)> {
    let lines = match results::lines(results?, body) {
        Ok(lines) => lines,
        Err(reason) => {
            let words = format!("what became of each line cannot be read: {reason}");
            return Some((Verdict::Rejected { code: PARTLY }, words, LinesLeft::default()));
        }
    };
    let before = progress.refused.iter().cloned();
    if !lines.again.is_empty() {
        let verdict = Verdict::Again {
            code: PARTLY,
            retry_after: None,
            breaker: false,
        };
        let words: Vec<String> = before
            .chain(lines.failed.iter().cloned())
            .chain(lines.delayed)
            .collect();
        let left = LinesLeft {
            again: lines.again,
            refused: lines.failed,
        };
        return Some((verdict, results::joined(&words), left));
    }
    let some_taken = lines.some_taken || progress.left.is_some();
    let words: Vec<String> = before.chain(lines.failed).collect();
    let code = if some_taken { PARTLY } else { all };
    (!words.is_empty()).then(|| {
        (
            Verdict::Rejected { code },
            results::joined(&words),
            LinesLeft::default(),
        )
    })
}

/// The partner has no such request, so there is nobody to wait for.
fn applied_here() -> SendResult {
    SendResult {
        verdict: Verdict::Applied,
        status: None,
        receipt: None,
        message: None,
        excerpt: None,
        lines: LinesLeft::default(),
    }
}

/// The bytes of the document in the answer to a read.
fn document<'a>(answer: &'a Answer, item: Option<&Expr>) -> Result<Cow<'a, [u8]>, String> {
    let Some(item) = item else {
        return Ok(Cow::Borrowed(&answer.body));
    };
    let body = body_of(answer);
    let found = item.one(&Scope::root(&body)).map_err(|p| p.message)?;
    let found = found.filter(|value| !value.is_null());
    let found = found.ok_or("the answer has no document where \"item\" says")?;
    Ok(Cow::Owned(found.to_string().into_bytes()))
}

fn holds(found: Option<&Value>) -> bool {
    !matches!(found, None | Some(Value::Null | Value::Bool(false)))
}

/// What a question after a request sees.
fn asked(mut scope: Value, receipt: Option<&Value>) -> Value {
    if let (Some(members), Some(receipt)) = (scope.as_object_mut(), receipt) {
        members.insert("receipt".to_owned(), receipt.clone());
    }
    scope
}
