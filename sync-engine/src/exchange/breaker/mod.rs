//! When a partner is taken for unreachable, and how it is tried again. Pure: time comes with the events.

use super::pace::{BreakerPace, millis};
use crate::domain::Timestamp;
use crate::store::BreakerState;
use std::collections::VecDeque;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Slices of the window; older outcomes fall out slice by slice, so memory is bounded.
const SLICES: i64 = 30;

/// The right to make one request. Goes back with its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Opening of the breaker that this request probes; `None` for an ordinary one.
    probe: Option<u64>,
}

/// What a request said about the way to the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    Reached,
    /// DNS, connect, timeout, 5xx.
    Failed,
    /// Says nothing of an outage: 4xx, 429, not sent after all.
    Neither,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Opened,
    Closed,
}

/// How many requests may start now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Free,
    /// One probe.
    One,
    None,
}

#[derive(Debug, Clone)]
pub struct Breaker {
    pace: BreakerPace,
    at: At,
    /// Counts openings, so that a late outcome of an earlier request is no answer to a probe.
    openings: u64,
    slices: VecDeque<Slice>,
    failed_in_a_row: u32,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Closed,
    Open {
        probe_at: Timestamp,
        wait: Duration,
    },
    HalfOpen {
        probing: bool,
        reached: u32,
        wait: Duration,
    },
}

#[derive(Debug, Clone, Copy)]
struct Slice {
    number: i64,
    reached: u32,
    failed: u32,
}

impl Breaker {
    pub fn new(pace: BreakerPace) -> Self {
        Self {
            pace,
            at: At::Closed,
            openings: 0,
            slices: VecDeque::new(),
            failed_in_a_row: 0,
        }
    }

    /// As it was stored: one that was not closed waits for its probe.
    pub fn restored(pace: BreakerPace, state: BreakerState, probe_at: Option<Timestamp>, now: Timestamp) -> Self {
        let wait = pace.probe_after;
        let mut breaker = Self::new(pace);
        breaker.at = match state {
            BreakerState::Closed => At::Closed,
            BreakerState::Open | BreakerState::HalfOpen => At::Open {
                probe_at: probe_at.unwrap_or(now),
                wait,
            },
        };
        breaker
    }

    pub fn state(&self) -> BreakerState {
        match self.at {
            At::Closed => BreakerState::Closed,
            At::Open { .. } => BreakerState::Open,
            At::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// When the next probe may go; only while open.
    pub fn probe_at(&self) -> Option<Timestamp> {
        match self.at {
            At::Open { probe_at, .. } => Some(probe_at),
            At::Closed | At::HalfOpen { .. } => None,
        }
    }

    pub fn room(&self, now: Timestamp) -> Room {
        match self.at {
            At::Closed => Room::Free,
            At::Open { probe_at, .. } if now >= probe_at => Room::One,
            At::HalfOpen { probing: false, .. } => Room::One,
            At::Open { .. } | At::HalfOpen { probing: true, .. } => Room::None,
        }
    }

    /// Starts a request, or says that it must wait.
    pub fn enter(&mut self, now: Timestamp) -> Option<Pass> {
        match (self.room(now), self.at) {
            (Room::None, _) => None,
            (Room::Free, _) => Some(Pass { probe: None }),
            (Room::One, at) => {
                let (reached, wait) = match at {
                    At::HalfOpen { reached, wait, .. } => (reached, wait),
                    At::Open { wait, .. } => (0, wait),
                    At::Closed => (0, self.pace.probe_after),
                };
                self.at = At::HalfOpen {
                    probing: true,
                    reached,
                    wait,
                };
                Some(Pass {
                    probe: Some(self.openings),
                })
            }
        }
    }

    /// Lets a probe go before its time: a person asked.
    pub fn hasten(&mut self, now: Timestamp) {
        if let At::Open { wait, .. } = self.at {
            self.at = At::Open { probe_at: now, wait };
        }
    }

    /// Ends a request; `Some` when the breaker turned because of it.
    pub fn leave(&mut self, pass: Pass, report: Report, now: Timestamp) -> Option<Turn> {
        match (self.at, pass.probe) {
            (At::Closed, None) => self.count(report, now),
            (At::HalfOpen { reached, wait, .. }, Some(opening)) if opening == self.openings => {
                self.probed(reached, wait, report, now)
            }
            // An answer to a request of before the turn says nothing new.
            (At::Closed, Some(_)) | (At::Open { .. } | At::HalfOpen { .. }, _) => None,
        }
    }

    fn probed(&mut self, reached: u32, wait: Duration, report: Report, now: Timestamp) -> Option<Turn> {
        match report {
            Report::Reached if reached + 1 >= self.pace.successes_to_close => {
                *self = Self {
                    openings: self.openings,
                    ..Self::new(self.pace.clone())
                };
                return Some(Turn::Closed);
            }
            Report::Reached => {
                self.at = At::HalfOpen {
                    probing: false,
                    reached: reached + 1,
                    wait,
                };
            }
            Report::Neither => {
                self.at = At::HalfOpen {
                    probing: false,
                    reached,
                    wait,
                };
            }
            Report::Failed => self.open(now, wait.saturating_mul(2).min(self.pace.probe_cap)),
        }
        None
    }

    fn count(&mut self, report: Report, now: Timestamp) -> Option<Turn> {
        let number = now.0 / (millis(self.pace.window) / SLICES).max(1);
        self.slices.retain(|s| s.number > number - SLICES);
        if self.slices.back().is_none_or(|s| s.number != number) {
            self.slices.push_back(Slice {
                number,
                reached: 0,
                failed: 0,
            });
        }
        let slice = self.slices.back_mut()?;
        match report {
            Report::Neither => return None,
            Report::Reached => {
                slice.reached += 1;
                self.failed_in_a_row = 0;
            }
            Report::Failed => {
                slice.failed += 1;
                self.failed_in_a_row += 1;
            }
        }
        let (reached, failed) = self.slices.iter().fold((0u64, 0u64), |(r, f), s| {
            (r + u64::from(s.reached), f + u64::from(s.failed))
        });
        let all = reached + failed;
        let too_many =
            all >= u64::from(self.pace.least_outcomes) && failed * 100 >= u64::from(self.pace.failure_percent) * all;
        let opens = report == Report::Failed && (too_many || self.failed_in_a_row >= self.pace.in_a_row);
        opens.then(|| {
            self.open(now, self.pace.probe_after);
            Turn::Opened
        })
    }

    fn open(&mut self, now: Timestamp, wait: Duration) {
        self.openings += 1;
        self.slices.clear();
        self.failed_in_a_row = 0;
        self.at = At::Open {
            probe_at: now.plus_millis(millis(wait)),
            wait,
        };
    }
}
