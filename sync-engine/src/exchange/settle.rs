//! What comes of an attempt: one pure function from what was done and what was seen to the operation's next state.

use super::breaker::Report;
use super::gate::{Credentials, Learned};
use super::pace::{Pace, millis};
use crate::domain::{DeliveryState, Timestamp};
use crate::partner::{SendResult, Verdict};
use crate::store::{AttemptRow, OperationError, ReplayKey};
use std::time::Duration;

mod resend;
#[cfg(test)]
mod tests;

pub use resend::resent;

/// The partner had the operation and could not apply it.
const FAILED: &str = "partner.failed";
/// The same, and what says so of a part of it.
const NOT_APPLIED: &[&str] = &[FAILED, "partner.partly"];

/// A gateway's answers in the partner's place: the partner itself may have done its work.
const GATEWAY: &[u16] = &[502, 504];

/// What is done in an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reads what the request is made with; nothing is sent if that fails.
    Prepare,
    Send,
    /// Asks whether the partner has it.
    Lookup,
    /// Asks whether a delivered one is applied.
    Verify,
    /// Asks whether the job of a request that is through has ended, before the next request.
    Job,
}

impl Step {
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Send => "send",
            Self::Lookup => "lookup",
            Self::Verify => "verify",
            Self::Job => "job",
        }
    }
}

/// What the partner lets us do about an outcome that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recourse {
    pub can_look_up: bool,
    pub honours_key: bool,
}

/// The first step of a claimed operation. `None`: it may have been sent, and nothing can tell; a person decides.
///
/// `possibly_sent`: its lease ran out, or a person replays it, and a request of it was stored.
pub fn first_step(was: DeliveryState, possibly_sent: bool, recourse: Recourse) -> Option<Step> {
    match was {
        DeliveryState::Delivered => Some(Step::Verify),
        DeliveryState::Unknown => unsettled(recourse),
        DeliveryState::Queued
        | DeliveryState::Retrying
        | DeliveryState::Sending
        | DeliveryState::Applied
        | DeliveryState::Held
        | DeliveryState::Dead
        | DeliveryState::Withdrawn => {
            if possibly_sent {
                unsettled(recourse)
            } else {
                Some(Step::Send)
            }
        }
    }
}

fn unsettled(recourse: Recourse) -> Option<Step> {
    match recourse {
        Recourse { can_look_up: true, .. } => Some(Step::Lookup),
        Recourse { honours_key: true, .. } => Some(Step::Send),
        Recourse { .. } => None,
    }
}

/// Under which key a dead letter goes once more: what was refused for what it is had no effect, and would be refused
/// again; what was given up may be with the partner.
pub fn replay_key(error: Option<&OperationError>) -> ReplayKey {
    let Some(error) = error else { return ReplayKey::Old };
    match (error.code.as_str(), error.status) {
        (FAILED, _) => ReplayKey::New,
        ("request.invalid", _) => ReplayKey::NewUnlessInDoubt,
        (_, Some(408 | 409 | 425 | 429)) => ReplayKey::Old,
        (_, Some(300..500)) => ReplayKey::NewUnlessInDoubt,
        (_, Some(_) | None) => ReplayKey::Old,
    }
}

/// Whether these attempts, oldest first, leave it open that the partner has the operation.
pub fn is_in_doubt(attempts: &[AttemptRow]) -> bool {
    for attempt in attempts.iter().rev() {
        match attempt.result {
            DeliveryState::Unknown => return true,
            DeliveryState::Held if was_left_open(attempt) => return true,
            // The partner was asked and has not seen it, or took the request before.
            DeliveryState::Retrying if attempt.step.starts_with(Step::Lookup.name()) => return false,
            DeliveryState::Delivered | DeliveryState::Applied => return false,
            DeliveryState::Queued
            | DeliveryState::Sending
            | DeliveryState::Retrying
            | DeliveryState::Held
            | DeliveryState::Dead
            | DeliveryState::Withdrawn => {}
        }
    }
    false
}

/// The last one of its schedule: what was sent has no answer of the partner.
fn was_left_open(attempt: &AttemptRow) -> bool {
    let unasked = ["answer.superseded", "store.corrupt"];
    let code = attempt.error.as_ref().map_or("", |error| error.code.as_str());
    let is_answered = attempt.status.is_some_and(|status| !GATEWAY.contains(&status));
    attempt.step.starts_with(Step::Send.name()) && !is_answered && !unasked.contains(&code)
}

/// When an attempt is made and what was before it.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// An earlier send may have been applied, and nothing has ruled that out.
    pub was_unknown: bool,
    /// From then on it means something that the partner has not seen it.
    pub settled_from: Timestamp,
    /// Attempts made, this one included.
    pub attempts: u32,
    pub scheduled_from: Timestamp,
    pub now: Timestamp,
    pub random: u64,
    pub recourse: Recourse,
}

/// What is written, and what else follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    pub to: DeliveryState,
    pub due_at: Option<Timestamp>,
    pub error: Option<OperationError>,
    /// The partner has it now: the answer takes effect on the chain.
    pub taken: bool,
    /// Another attempt that counts against the budget of retries.
    pub retry: bool,
    pub learned: Learned,
}

/// Decides what `result` of `step` makes of the operation. Same input, same output.
pub fn settle(step: Step, result: &SendResult, at: &Circumstances, pace: &Pace) -> Settlement {
    let after = |wait: Duration| Some(at.now.plus_millis(millis(wait)));
    match &result.verdict {
        Verdict::Taken { verify_after } => reached(DeliveryState::Delivered, verify_after.and_then(after), true),
        Verdict::Applied => reached(DeliveryState::Applied, None, true),
        Verdict::Pending { again_after } => match step {
            Step::Prepare => again(step, "partner.unavailable", None, Report::Neither, result, at, pace),
            Step::Send | Step::Lookup => reached(DeliveryState::Delivered, after(*again_after), true),
            Step::Verify => not_applied_yet(*again_after, at, pace),
            Step::Job => runs(*again_after, at, pace),
        },
        // It went no second time: something came after it.
        Verdict::Lost => refused(DeliveryState::Dead, "partner.lost", result),
        Verdict::NotSeen => match step {
            // What was sent may still be on its way, and would be done beside what is sent now.
            Step::Lookup if at.now < at.settled_from && !at.recourse.honours_key => {
                reached(DeliveryState::Unknown, Some(at.settled_from), false)
            }
            // Sent under the same key at the next claim: one attempt row per try.
            Step::Lookup => reached(DeliveryState::Retrying, Some(at.now), false),
            Step::Verify => not_applied_yet(pace.quick_base, at, pace),
            Step::Job => runs(pace.quick_base, at, pace),
            Step::Prepare | Step::Send => again(step, "partner.unavailable", None, Report::Neither, result, at, pace),
        },
        Verdict::Again {
            code,
            retry_after,
            breaker,
        } => {
            if step == Step::Send && result.status.is_some_and(|status| GATEWAY.contains(&status)) {
                return unanswered(code, result, at, pace);
            }
            let report = if *breaker { Report::Failed } else { Report::Neither };
            again(step, code, *retry_after, report, result, at, pace)
        }
        Verdict::Unknown { code } => match step {
            Step::Send => unanswered(code, result, at, pace),
            Step::Prepare | Step::Lookup | Step::Verify | Step::Job => {
                again(step, code, None, Report::Failed, result, at, pace)
            }
        },
        Verdict::Credentials => {
            let waits = match step {
                Step::Prepare | Step::Send if !at.was_unknown => DeliveryState::Retrying,
                Step::Job => DeliveryState::Retrying,
                Step::Prepare | Step::Send | Step::Lookup => DeliveryState::Unknown,
                Step::Verify => DeliveryState::Delivered,
            };
            let mut settled = failed(waits, "partner.credentials", Report::Neither, result);
            // Due at once: the partner's gate stays shut until the credentials are good again.
            settled.due_at = Some(at.now);
            settled.learned.credentials = Credentials::Refused;
            settled
        }
        // It may be the first send that the second one is in conflict with: nothing is to be decided before that is known.
        Verdict::Conflict { code } if step == Step::Send && at.was_unknown => {
            again(step, code, None, Report::Neither, result, at, pace)
        }
        Verdict::Conflict { code } if matches!(step, Step::Prepare | Step::Send) => {
            refused(DeliveryState::Held, code, result)
        }
        Verdict::Conflict { code } | Verdict::Rejected { code } => match step {
            Step::Prepare | Step::Send => refused(DeliveryState::Dead, code, result),
            // The partner has it and could not apply it.
            Step::Lookup | Step::Verify | Step::Job if NOT_APPLIED.contains(code) => {
                refused(DeliveryState::Dead, code, result)
            }
            // The question was refused; that says nothing of the operation.
            Step::Lookup => refused(DeliveryState::Held, code, result),
            Step::Verify => Settlement {
                learned: refused(DeliveryState::Delivered, code, result).learned,
                ..not_applied_yet(pace.quick_cap, at, pace)
            },
            Step::Job => Settlement {
                learned: refused(DeliveryState::Retrying, code, result).learned,
                ..runs(pace.quick_cap, at, pace)
            },
        },
    }
}

/// The request left, and what the partner made of it is not known.
fn unanswered(code: &str, result: &SendResult, at: &Circumstances, pace: &Pace) -> Settlement {
    match unsettled(at.recourse) {
        None => failed(DeliveryState::Held, code, Report::Failed, result),
        // It waits as unknown, like one whose lookup failed.
        Some(_) => again(Step::Lookup, code, None, Report::Failed, result, at, pace),
    }
}

/// The partner is well and says no: nothing wrong with the way to it.
fn refused(to: DeliveryState, code: &str, result: &SendResult) -> Settlement {
    let mut settled = failed(to, code, Report::Neither, result);
    settled.learned.credentials = Credentials::Accepted;
    settled.learned.error = None;
    settled
}

fn reached(to: DeliveryState, due_at: Option<Timestamp>, taken: bool) -> Settlement {
    Settlement {
        to,
        due_at,
        error: None,
        taken,
        retry: false,
        learned: Learned {
            report: Report::Reached,
            credentials: Credentials::Accepted,
            error: None,
        },
    }
}

fn failed(to: DeliveryState, code: &str, report: Report, result: &SendResult) -> Settlement {
    let error = OperationError {
        code: code.to_owned(),
        status: result.status,
        message: result.message.clone(),
    };
    Settlement {
        to,
        due_at: None,
        error: Some(error.clone()),
        taken: false,
        retry: false,
        learned: Learned {
            report,
            credentials: Credentials::NotAsked,
            error: Some(error),
        },
    }
}

fn again(
    step: Step,
    code: &str,
    retry_after: Option<Duration>,
    report: Report,
    result: &SendResult,
    at: &Circumstances,
    pace: &Pace,
) -> Settlement {
    // Sent again under its key: a failure says nothing of the send before.
    let step = if step == Step::Send && at.was_unknown {
        Step::Lookup
    } else {
        step
    };
    let due_at = pace.next_attempt(at.attempts, at.scheduled_from, at.now, retry_after, at.random);
    let to = match (step, due_at) {
        (Step::Prepare | Step::Send | Step::Job, Some(_)) => DeliveryState::Retrying,
        (Step::Prepare | Step::Send, None) => DeliveryState::Dead,
        (Step::Lookup, Some(_)) => DeliveryState::Unknown,
        // It may have been applied: never a dead letter that a replay would send blindly.
        (Step::Lookup | Step::Job, None) => DeliveryState::Held,
        (Step::Verify, _) => DeliveryState::Delivered,
    };
    Settlement {
        due_at,
        retry: due_at.is_some(),
        ..failed(to, code, report, result)
    }
}

/// The job between two requests is looked at again; after that has gone on for long a person decides.
fn runs(wait: Duration, at: &Circumstances, pace: &Pace) -> Settlement {
    let waited = at.now.0.saturating_sub(at.scheduled_from.0);
    if waited >= millis(pace.give_up_after) {
        let error = OperationError {
            code: "partner.not_applied".to_owned(),
            status: None,
            message: Some("the partner's job does not end, and the next request waits for it".to_owned()),
        };
        return Settlement {
            error: Some(error),
            ..reached(DeliveryState::Held, None, false)
        };
    }
    reached(DeliveryState::Retrying, Some(at.now.plus_millis(millis(wait))), false)
}

/// Looked at again; looked up once that has gone on for long; in the end left as it is, with a remark.
fn not_applied_yet(wait: Duration, at: &Circumstances, pace: &Pace) -> Settlement {
    let remark = OperationError {
        code: "partner.not_applied".to_owned(),
        status: None,
        message: None,
    };
    let waited = at.now.0.saturating_sub(at.scheduled_from.0);
    if waited >= millis(pace.give_up_after) {
        return Settlement {
            error: Some(remark),
            ..reached(DeliveryState::Delivered, None, false)
        };
    }
    let next = at.now.plus_millis(millis(wait));
    let periods = |moment: Timestamp| (moment.0 - at.scheduled_from.0) / millis(pace.doubt_after).max(1);
    // Once in each period, when the next look falls into the next one.
    if at.recourse.can_look_up && periods(next) > periods(at.now) {
        return Settlement {
            error: Some(remark),
            ..reached(DeliveryState::Unknown, Some(next), false)
        };
    }
    reached(DeliveryState::Delivered, Some(next), false)
}
