//! How fast and how long: leases, schedules, limits. Tests scale them; nothing else holds a duration.

use crate::domain::Timestamp;
use std::time::Duration;

/// Defaults are the project's promises to partners and clerks.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// A claim or a poll is ours for so long.
    pub lease: Duration,
    /// Renewed so often while it is worked on.
    pub lease_renewal: Duration,
    /// Attempts, the first included, before the durable schedule begins.
    pub quick_attempts: u32,
    /// Full jitter: the wait before quick attempt `n` is drawn from 0 to `quick_base * 2^(n-1)`.
    pub quick_base: Duration,
    pub quick_cap: Duration,
    /// Waits after the quick attempts, in order; the last one repeats.
    pub durable: Vec<Duration>,
    /// After this an operation that still fails becomes a dead letter.
    pub give_up_after: Duration,
    /// A delivered operation that the partner does not show as applied after this is looked up, as if its outcome were
    /// unknown: a gateway may have answered in the partner's place.
    pub doubt_after: Duration,
    /// A request that left may be carried out for so long: only then does it mean something that the partner has not seen
    /// it.
    pub request_time: Duration,
    /// Durable waits vary by so much both ways.
    pub jitter_percent: u32,
    /// A partner's Retry-After counts up to this.
    pub retry_after_cap: Duration,
    /// Overrides the interval of every polled stream.
    pub poll_interval: Option<Duration>,
    /// How often the store is looked at without being told of a change (another process may have written).
    pub idle_tick: Duration,
    /// How often it is looked whether the database wants care.
    pub care_every: Duration,
    /// Pages in one run of polling; the rest comes with the next run.
    pub pages_per_run: u32,
    /// Most operations in flight over all partners.
    pub in_flight: usize,
    pub breaker: BreakerPace,
}

#[derive(Debug, Clone, PartialEq)]
pub struct BreakerPace {
    pub window: Duration,
    /// Outcomes in the window before the failure ratio counts.
    pub least_outcomes: u32,
    pub failure_percent: u32,
    /// Failures one after another that open it in any case.
    pub in_a_row: u32,
    pub probe_after: Duration,
    pub probe_cap: Duration,
    pub successes_to_close: u32,
    /// Retries at most this share of a minute's traffic ...
    pub retry_percent: u32,
    /// ... but so many a minute in any case.
    pub retry_floor: u32,
}

impl Default for Pace {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self {
            lease: Duration::from_secs(120),
            lease_renewal: Duration::from_secs(30),
            quick_attempts: 3,
            quick_base: Duration::from_secs(1),
            quick_cap: Duration::from_secs(20),
            durable: vec![
                Duration::from_secs(5),
                minutes(5),
                minutes(30),
                minutes(120),
                minutes(300),
                minutes(600),
            ],
            give_up_after: minutes(72 * 60),
            doubt_after: minutes(15),
            request_time: minutes(1),
            jitter_percent: 20,
            retry_after_cap: minutes(24 * 60),
            poll_interval: None,
            idle_tick: Duration::from_secs(5),
            care_every: minutes(5),
            pages_per_run: 10_000,
            in_flight: 256,
            breaker: BreakerPace {
                window: minutes(5),
                least_outcomes: 10,
                failure_percent: 70,
                in_a_row: 10,
                probe_after: minutes(1),
                probe_cap: minutes(30),
                successes_to_close: 2,
                retry_percent: 20,
                retry_floor: 10,
            },
        }
    }
}

impl Pace {
    /// When a failed operation is tried again; `None` when it is given up.
    ///
    /// `attempts` counts those made, at least one; `since` is where its schedule started; `random` is uniform.
    pub fn next_attempt(
        &self,
        attempts: u32,
        since: Timestamp,
        now: Timestamp,
        retry_after: Option<Duration>,
        random: u64,
    ) -> Option<Timestamp> {
        if millis(self.give_up_after) <= now.0.saturating_sub(since.0) {
            return None;
        }
        let wait = match attempts.max(1) {
            n if n < self.quick_attempts => self.quick_wait(n, random),
            n => self.durable_wait(n - self.quick_attempts.max(1), random),
        };
        let least = retry_after.unwrap_or_default().min(self.retry_after_cap);
        Some(now.plus_millis(millis(wait.max(least))))
    }

    /// Full jitter before quick attempt `attempts + 1`.
    pub fn quick_wait(&self, attempts: u32, random: u64) -> Duration {
        let doubled = self.quick_base.saturating_mul(1u32 << (attempts.clamp(1, 16) - 1));
        share(doubled.min(self.quick_cap), random, 0, 1000)
    }

    /// The longest wait of the schedule, before it varies.
    pub fn longest_wait(&self) -> Duration {
        self.durable.iter().copied().max().unwrap_or(self.quick_cap)
    }

    fn durable_wait(&self, step: u32, random: u64) -> Duration {
        let wait = self.durable.get(step as usize).or(self.durable.last());
        let jitter = u64::from(self.jitter_percent.min(100)) * 10;
        share(wait.copied().unwrap_or_default(), random, 1000 - jitter, 1000 + jitter)
    }
}

/// `low..=high` thousandths of a duration, drawn by `random`.
fn share(of: Duration, random: u64, low: u64, high: u64) -> Duration {
    let thousandths = low + random % (high - low + 1);
    Duration::from_millis(u64::try_from(millis(of)).unwrap_or(0).saturating_mul(thousandths) / 1000)
}

pub(crate) fn millis(of: Duration) -> i64 {
    i64::try_from(of.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn leases_outlast_requests_and_are_renewed_in_time() {
        let pace = Pace::default();
        let seconds = [pace.lease, pace.lease_renewal, pace.request_time].map(|time| time.as_secs());
        assert_eq!(seconds, [120, 30, 60]);
    }

    #[test]
    fn waits_follow_the_schedule() {
        let pace = Pace::default();
        // attempts made, draw, least wait, most wait (milliseconds)
        let table = [
            (1, 0, 0, 0),
            (1, u64::MAX, 0, 1000),
            (2, u64::MAX, 0, 2000),
            (3, 0, 4000, 4000),
            (3, 400, 6000, 6000),
            (4, 7, 240_000, 360_000),
            (5, 7, 24 * 60_000, 36 * 60_000),
            (6, 7, 96 * 60_000, 144 * 60_000),
            (7, 7, 4 * HOUR, 6 * HOUR),
            (8, 7, 8 * HOUR, 12 * HOUR),
            (60, 7, 8 * HOUR, 12 * HOUR),
        ];
        for (attempts, random, least, most) in table {
            let due = pace.next_attempt(attempts, Timestamp(0), Timestamp(0), None, random);
            let wait = due.expect("within 72 h").0;
            assert!((least..=most).contains(&wait), "attempt {attempts}: {wait}");
        }
    }

    #[test]
    fn a_partners_retry_after_is_a_minimum_with_a_cap() {
        let pace = Pace::default();
        let at = |seconds| pace.next_attempt(1, Timestamp(0), Timestamp(0), Some(Duration::from_secs(seconds)), 1000);
        assert_eq!(at(0), Some(Timestamp(1000)));
        assert_eq!(at(90), Some(Timestamp(90_000)));
        assert_eq!(at(90 * 3600), Some(Timestamp(24 * HOUR)));
    }

    #[test]
    fn gives_up_after_a_weekend() {
        let pace = Pace::default();
        assert!(
            pace.next_attempt(9, Timestamp(0), Timestamp(72 * HOUR - 1), None, 0)
                .is_some()
        );
        assert_eq!(pace.next_attempt(9, Timestamp(0), Timestamp(72 * HOUR), None, 0), None);
    }
}
