//! When the next request may start: requests per second, and what the partner says of its own limit.

use super::outcome::retry_after;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::partner::config::{Limits, RateHeaders};
use crate::partner::map::values;
use chrono::DateTime;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest wait within a request; what has to wait longer is told so and comes again.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// Longest time that a partner may shut us out.
const MAX_SHUT_MILLIS: i64 = 24 * 3600 * 1000;
/// A larger number in a reset header is a moment (seconds since 1970), a smaller one a time from now.
const FIRST_EPOCH_SECONDS: i64 = 1_000_000_000;
/// A larger one still counts milliseconds.
const FIRST_EPOCH_MILLIS: i64 = 1_000_000_000_000;

pub(crate) struct Turns {
    /// Time between the starts of two requests.
    spacing: Option<Duration>,
    rate: Option<RateHeaders>,
    next: Mutex<Next>,
    clock: Arc<dyn Clock>,
}

struct Next {
    start: Timestamp,
    /// The partner takes nothing before.
    shut_until: Timestamp,
}

impl Turns {
    pub fn new(limits: &Limits, clock: Arc<dyn Clock>) -> Self {
        Self {
            spacing: limits.requests_per_second.map(|n| Duration::from_secs(1) / n.max(1)),
            rate: limits.rate_headers.clone(),
            next: Mutex::new(Next {
                start: Timestamp(0),
                shut_until: Timestamp(0),
            }),
            clock,
        }
    }

    /// Waits for this request's turn.
    ///
    /// # Errors
    /// How long the partner takes nothing, when that is too long to wait here.
    pub async fn wait(&self) -> Result<(), Duration> {
        let now = self.clock.now();
        let wait = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let shut = Duration::from_millis(u64::try_from(next.shut_until.0 - now.0).unwrap_or(0));
            if shut > MAX_PAUSE {
                return Err(shut);
            }
            let start = next.start.max(now).max(next.shut_until);
            if let Some(spacing) = self.spacing {
                next.start = start.plus_millis(i64::try_from(spacing.as_millis()).unwrap_or(0).max(1));
            }
            start.0 - now.0
        };
        if let Ok(millis) = u64::try_from(wait)
            && millis > 0
        {
            self.clock.sleep(Duration::from_millis(millis)).await;
        }
        Ok(())
    }

    /// Takes in what an answer says of the partner's limit.
    pub fn note(&self, status: u16, headers: &HeaderMap) {
        let now = self.clock.now();
        let asked = retry_after(headers, now).filter(|_| status == 429);
        let asked = asked.map(|wait| now.plus_millis(i64::try_from(wait.as_millis()).unwrap_or(0)));
        let spent = self.rate.as_ref().and_then(|rate| spent_until(rate, headers, now));
        let Some(until) = asked.max(spent) else { return };
        let until = until.min(now.plus_millis(MAX_SHUT_MILLIS));
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.shut_until = next.shut_until.max(until);
    }
}

/// When there are new requests, if none is left.
fn spent_until(rate: &RateHeaders, headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let left = values::decimal_of(text(&rate.remaining)?).ok()?;
    if left >= rust_decimal::Decimal::ONE {
        return None;
    }
    moment(text(&rate.reset)?, now)
}

/// Seconds from now, seconds or milliseconds since 1970, an HTTP date or an ISO one.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(number) = values::decimal_of(text) {
        let millis = number.checked_mul(rust_decimal::Decimal::ONE_THOUSAND)?.ceil();
        let millis = i64::try_from(millis).ok()?;
        let seconds = millis / 1000;
        return Some(if seconds < FIRST_EPOCH_SECONDS {
            now.plus_millis(millis)
        } else if seconds < FIRST_EPOCH_MILLIS {
            Timestamp(millis)
        } else {
            Timestamp(seconds)
        });
    }
    if let Ok(date) = DateTime::parse_from_rfc2822(text) {
        return Some(Timestamp(date.timestamp_millis()));
    }
    values::timestamp(&Value::from(text), values::DateForm::Iso)
        .ok()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_read_in_every_form() {
        let now = Timestamp(1_763_712_000_000);
        for (text, expected) in [
            ("17", Some(1_763_712_017_000)),
            ("0.5", Some(1_763_712_000_500)),
            ("1763712060", Some(1_763_712_060_000)),
            ("1763712060123", Some(1_763_712_060_123)),
            ("Fri, 21 Nov 2025 08:01:00 GMT", Some(1_763_712_060_000)),
            ("2025-11-21T08:01:00Z", Some(1_763_712_060_000)),
            ("soon", None),
            // As many digits as a decimal has, and more than it has room for in milliseconds.
            ("9999999999999999999999999999", None),
            ("-9999999999999999999999999999", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(moment(text, now), expected.map(Timestamp), "{text}");
        }
    }
}
