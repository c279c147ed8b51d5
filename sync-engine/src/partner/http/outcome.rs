//! What an answer means: status and error -> verdict, as data.

use super::answer::Answer;
use super::error_text::error_text;
use super::token::TokenError;
use super::wire::WireError;
use crate::domain::Timestamp;
use crate::partner::config::{Case, Outcomes};
use crate::partner::expr::{Expr, Scope};
use crate::partner::{FetchError, Verdict};
use chrono::DateTime;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::time::Duration;

/// Longest wait that a partner may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);
/// Statuses that are worth another attempt, everywhere.
const AGAIN: &[u16] = &[408, 425, 429, 500, 502, 503, 504];
const CONFLICT: &[u16] = &[409, 412];
const REJECTED: Class = Class::Rejected {
    code: "partner.rejected",
};

/// What a status means by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Success,
    /// Success, and the partner shows it applied.
    Applied,
    Again {
        code: &'static str,
        breaker: bool,
    },
    Credentials,
    Conflict,
    Rejected {
        code: &'static str,
    },
}

pub(crate) fn class(status: u16) -> Class {
    match status {
        200..=299 => Class::Success,
        401 => Class::Credentials,
        429 => Class::Again {
            code: "partner.rate_limited",
            breaker: false,
        },
        _ if AGAIN.contains(&status) => Class::Again {
            code: "partner.unavailable",
            breaker: status >= 500,
        },
        _ if CONFLICT.contains(&status) => Class::Conflict,
        300..=399 => Class::Rejected {
            code: "partner.redirect",
        },
        403 => Class::Rejected {
            code: "partner.forbidden",
        },
        404 | 410 => Class::Rejected {
            code: "partner.not_found",
        },
        _ => Class::Rejected {
            code: "partner.rejected",
        },
    }
}

/// What a status means where a configuration says nothing else; `None` is a success.
pub fn plain_verdict(status: u16, retry_after: Option<Duration>) -> Option<Verdict> {
    let verdict = class(status).verdict(&HeaderMap::new(), Timestamp(0))?;
    Some(match verdict {
        Verdict::Again { code, breaker, .. } => Verdict::Again {
            code,
            retry_after: retry_after.map(|wait| wait.min(MAX_RETRY_AFTER)),
            breaker,
        },
        other => other,
    })
}

/// The class under an operation's own rules. `whole` is the answer as `{status, headers, body}`.
pub(crate) fn class_of(status: u16, whole: &Value, outcomes: &Outcomes) -> Class {
    let again = Class::Again {
        code: if status == 429 {
            "partner.rate_limited"
        } else {
            "partner.unavailable"
        },
        breaker: status >= 500,
    };
    let default = class(status);
    let rejected = match default {
        Class::Rejected { .. } => default,
        Class::Success | Class::Applied | Class::Again { .. } | Class::Credentials | Class::Conflict => REJECTED,
    };
    let lists = [
        (&outcomes.rejected, rejected),
        (&outcomes.conflict, Class::Conflict),
        (&outcomes.again, again),
        (&outcomes.already_done, Class::Success),
        (&outcomes.applied, Class::Applied),
        (&outcomes.success, Class::Success),
    ];
    // What the body says is the closer description.
    for by_body in [true, false] {
        for (cases, class) in &lists {
            let mut cases = cases.iter().filter(|case| case.when.is_some() == by_body);
            if cases.any(|case| holds(case, status, whole)) {
                return *class;
            }
        }
    }
    match default {
        Class::Success if !outcomes.success.is_empty() => REJECTED,
        Class::Conflict if !outcomes.conflict.is_empty() => REJECTED,
        other => other,
    }
}

pub(super) fn holds(case: &Case, status: u16, whole: &Value) -> bool {
    if !(case.statuses.is_empty() || case.statuses.contains(&status)) {
        return false;
    }
    let Some(when) = &case.when else { return true };
    let body = whole.get("body").unwrap_or(&Value::Null);
    let found = when.one(&Scope::root(body).with_root(whole)).ok().flatten();
    !matches!(found.as_deref(), None | Some(Value::Null | Value::Bool(false)))
}

impl Class {
    /// The verdict on anything but a success.
    pub fn verdict(self, headers: &HeaderMap, now: Timestamp) -> Option<Verdict> {
        Some(match self {
            Self::Success => return None,
            Self::Applied => Verdict::Applied,
            Self::Again { code, breaker } => Verdict::Again {
                code,
                retry_after: retry_after(headers, now),
                breaker,
            },
            Self::Credentials => Verdict::Credentials,
            Self::Conflict => Verdict::Conflict {
                code: "partner.conflict",
            },
            Self::Rejected { code } => Verdict::Rejected { code },
        })
    }
}

/// The verdict on a send that brought no answer.
pub(crate) fn send_verdict(error: &WireError) -> Verdict {
    match error {
        WireError::Unreachable(_) => Verdict::Again {
            code: "partner.unreachable",
            retry_after: None,
            breaker: true,
        },
        WireError::Certificate(_) => Verdict::Rejected {
            code: "partner.certificate",
        },
        WireError::TimedOut => Verdict::Unknown {
            code: "partner.timeout",
        },
        WireError::Broken(_) => Verdict::Unknown { code: "partner.broken" },
        // The partner answered, so it had the request; what it said cannot be known.
        WireError::TooLarge(_) => Verdict::Unknown { code: "limit.body" },
        WireError::Redirect { .. } => Verdict::Rejected {
            code: "partner.redirect",
        },
        WireError::Token(TokenError::Refused { .. }) => Verdict::Credentials,
        WireError::Token(TokenError::Unavailable {
            status, retry_after, ..
        }) => Verdict::Again {
            code: "partner.token",
            retry_after: *retry_after,
            // That it was asked too often is no outage.
            breaker: status.is_none_or(|status| !(300..500).contains(&status)),
        },
        WireError::Token(TokenError::Untrusted { code, .. }) => Verdict::Rejected { code },
        WireError::Inside(_) => Verdict::Rejected {
            code: "partner.address",
        },
        WireError::Shut(wait) => Verdict::Again {
            code: "partner.rate_limited",
            retry_after: Some(*wait),
            breaker: false,
        },
        WireError::Unfit(_) => Verdict::Rejected {
            code: "partner.request",
        },
    }
}

/// A read has no effect, so whatever broke may be tried again.
pub(crate) fn read_verdict(error: &WireError) -> Verdict {
    match send_verdict(error) {
        Verdict::Unknown { code } => Verdict::Again {
            code,
            retry_after: None,
            breaker: true,
        },
        other => other,
    }
}

pub(crate) fn fetch_error(error: &WireError) -> FetchError {
    let retry_after = match error {
        WireError::Shut(wait) => Some(*wait),
        WireError::Token(TokenError::Unavailable { retry_after, .. }) => *retry_after,
        _ => None,
    };
    let (code, transient, breaker) = match read_verdict(error) {
        Verdict::Again { code, breaker, .. } => (code, code != "limit.body", breaker && code != "limit.body"),
        Verdict::Credentials => ("partner.credentials", false, false),
        Verdict::Rejected { code } => (code, false, false),
        Verdict::Taken { .. }
        | Verdict::Applied
        | Verdict::Pending { .. }
        | Verdict::NotSeen
        | Verdict::Lost
        | Verdict::Unknown { .. }
        | Verdict::Conflict { .. } => ("partner.request", false, false),
    };
    FetchError {
        code,
        status: wire_status(error),
        message: wire_message(error),
        retry_after,
        transient,
        breaker,
    }
}

/// A page's answer that is no success.
pub(crate) fn fetch_refusal(answer: &Answer, now: Timestamp, words: Option<String>) -> FetchError {
    let (code, transient, breaker) = match class(answer.status) {
        Class::Again { code, breaker } => (code, true, breaker),
        Class::Credentials => ("partner.credentials", false, false),
        Class::Rejected { code } => (code, false, false),
        Class::Success | Class::Applied | Class::Conflict => ("partner.rejected", false, false),
    };
    let status = answer.status;
    FetchError {
        code,
        status: Some(status),
        message: match words {
            Some(words) => format!("the partner answers {status}: {words}"),
            None => format!("the partner answers {status}"),
        },
        retry_after: retry_after(&answer.headers, now),
        transient,
        breaker,
    }
}

pub(crate) fn wire_status(error: &WireError) -> Option<u16> {
    match error {
        WireError::Redirect { status, .. } => Some(*status),
        WireError::Token(TokenError::Refused { status, .. } | TokenError::Unavailable { status, .. }) => *status,
        WireError::Unreachable(_)
        | WireError::Certificate(_)
        | WireError::TimedOut
        | WireError::Broken(_)
        | WireError::TooLarge(_)
        | WireError::Inside(_)
        | WireError::Shut(_)
        | WireError::Token(TokenError::Untrusted { .. })
        | WireError::Unfit(_) => None,
    }
}

/// A sentence for a person.
pub(crate) fn wire_message(error: &WireError) -> String {
    match error {
        WireError::Unreachable(reason) => format!("the partner cannot be reached: {reason}"),
        WireError::Certificate(reason) => format!("the partner's certificate does not hold: {reason}"),
        WireError::TimedOut => "the partner did not answer in time".to_owned(),
        WireError::Broken(reason) => format!("the connection to the partner broke: {reason}"),
        WireError::TooLarge(reason) | WireError::Unfit(reason) | WireError::Inside(reason) => reason.clone(),
        WireError::Shut(wait) => format!("the partner takes no more requests for {} s", wait.as_secs()),
        WireError::Redirect { status, to } => format!(
            "the partner redirects to {to} ({status}): that is refused unless the origin stands under \"redirects\" in the configuration"
        ),
        WireError::Token(
            TokenError::Refused { message, .. }
            | TokenError::Unavailable { message, .. }
            | TokenError::Untrusted { message, .. },
        ) => message.clone(),
    }
}

pub(crate) fn words(answer: &Answer, from: Option<&Expr>) -> Option<String> {
    error_text(&answer.body, from)
}

/// Seconds, in decimals too, or an HTTP date (RFC 9110, 10.2.3), at most a day.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text
        .parse::<f64>()
        .ok()
        .and_then(|s| Duration::try_from_secs_f64(s).ok());
    let wait = if let Some(wait) = seconds {
        wait
    } else {
        let at = DateTime::parse_from_rfc2822(text).ok()?.timestamp_millis();
        Duration::from_millis(u64::try_from(at.saturating_sub(now.0)).unwrap_or(0))
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The partner's clock minus ours, in milliseconds.
pub(crate) fn clock_skew(headers: &HeaderMap, now: Timestamp) -> Option<i64> {
    let text = headers.get(reqwest::header::DATE)?.to_str().ok()?;
    let theirs = DateTime::parse_from_rfc2822(text).ok()?.timestamp_millis();
    let skew = theirs - now.0;
    // The header counts whole seconds.
    Some(if skew.abs() < 2000 { 0 } else { skew })
}
