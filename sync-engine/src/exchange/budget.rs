//! Retries stay a small share of the traffic to a partner, so that trouble is not made worse. Pure.

use super::pace::BreakerPace;
use crate::domain::Timestamp;
use std::collections::BTreeMap;

const MINUTE: i64 = 60_000;
/// Minutes ahead in which a place is looked for; past that the due time stands as it is.
const HORIZON_MINUTES: i64 = 24 * 60;

/// Places for retries, minute by minute.
#[derive(Debug, Clone, Default)]
pub struct RetryBudget {
    minute: i64,
    sent: u32,
    sent_before: u32,
    planned: BTreeMap<i64, u32>,
}

impl RetryBudget {
    /// Counts a request that goes out.
    pub fn sent(&mut self, now: Timestamp) {
        self.turn(now);
        self.sent = self.sent.saturating_add(1);
    }

    /// The first moment from `due` on that has a place left, and takes the place.
    pub fn place(&mut self, now: Timestamp, due: Timestamp, pace: &BreakerPace) -> Timestamp {
        self.turn(now);
        let traffic = u64::from(self.sent.max(self.sent_before));
        let share = traffic * u64::from(pace.retry_percent) / 100;
        let places = u32::try_from(share).unwrap_or(u32::MAX).max(pace.retry_floor);
        let first = due.0 / MINUTE;
        for minute in first..=first + HORIZON_MINUTES {
            let planned = self.planned.entry(minute).or_default();
            if *planned < places {
                *planned += 1;
                // Past the minute asked for, places follow one another instead of bunching at its start.
                let spread = MINUTE / i64::from(places.max(1)) * i64::from(*planned - 1);
                return if minute == first {
                    due
                } else {
                    Timestamp(minute * MINUTE + spread)
                };
            }
        }
        due
    }

    fn turn(&mut self, now: Timestamp) {
        let minute = now.0 / MINUTE;
        if minute != self.minute {
            self.sent_before = if minute == self.minute + 1 { self.sent } else { 0 };
            self.sent = 0;
            self.minute = minute;
            self.planned = self.planned.split_off(&minute);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Pace;

    #[test]
    fn the_floor_holds_without_traffic() {
        let pace = Pace::default().breaker;
        let mut budget = RetryBudget::default();
        let due: Vec<_> = (0..25)
            .map(|_| budget.place(Timestamp(0), Timestamp(5000), &pace).0)
            .collect();
        assert!(due[..10].iter().all(|&d| d == 5000));
        assert!(due[10..20].iter().all(|&d| (MINUTE..2 * MINUTE).contains(&d)));
        assert!(due[20..].iter().all(|&d| (2 * MINUTE..3 * MINUTE).contains(&d)));
    }

    #[test]
    fn a_share_of_the_traffic_is_let_through() {
        let pace = Pace::default().breaker;
        let mut budget = RetryBudget::default();
        (0..100).for_each(|_| budget.sent(Timestamp(0)));
        let at_once = (0..100)
            .filter(|_| budget.place(Timestamp(0), Timestamp(0), &pace).0 < MINUTE)
            .count();
        assert_eq!(at_once, 20);
    }
}
