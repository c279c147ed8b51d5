//! When a partner is taken for unreachable, and how it is tried again. Pure: time comes with the events.
//!
//! What goes wrong again and again with one document says nothing of the others: of each document its last failure counts,
//! once, while every failed poll counts. So a row of ten is ten polls or documents, and seven of ten are seven of them.

use super::pace::{BreakerPace, millis};
use crate::domain::{DocumentId, Timestamp};
use crate::store::BreakerState;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Slices of the window; older outcomes fall out slice by slice, so memory is bounded.
const SLICES: i64 = 30;
/// Documents that are told apart within the window. With more of them failing it is no matter of one document.
const MOST_DOCUMENTS: usize = 1_000;

/// The right to make one request. Goes back with its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Opening of the breaker that this request probes; `None` for an ordinary one.
    probe: Option<u64>,
    /// What the request is about; `None` for a poll.
    document: Option<DocumentId>,
}

impl Pass {
    pub fn about(self, document: DocumentId) -> Self {
        Self {
            document: Some(document),
            ..self
        }
    }
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
    /// Documents whose last outcome was a failure, with its slice.
    failing: BTreeMap<DocumentId, i64>,
    row: Row,
}

/// Failures since the last success.
#[derive(Debug, Clone, Default)]
struct Row {
    polls: u32,
    documents: BTreeSet<DocumentId>,
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
        /// The document with which a probe failed since it is half open.
        failed: Option<DocumentId>,
        wait: Duration,
    },
}

#[derive(Debug, Clone, Copy)]
struct Slice {
    number: i64,
    reached: u32,
    /// Of polls, and of documents beyond those that are told apart.
    failed: u32,
}

impl Row {
    fn add(&mut self, document: Option<DocumentId>) {
        match document {
            Some(document) => drop(self.documents.insert(document)),
            None => self.polls += 1,
        }
    }

    fn length(&self) -> usize {
        self.documents.len() + self.polls as usize
    }
}

impl Breaker {
    pub fn new(pace: BreakerPace) -> Self {
        Self {
            pace,
            at: At::Closed,
            openings: 0,
            slices: VecDeque::new(),
            failing: BTreeMap::new(),
            row: Row::default(),
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
        let (reached, failed, wait) = match (self.room(now), self.at) {
            (Room::None, _) => return None,
            (Room::Free, _) | (Room::One, At::Closed) => {
                return Some(Pass {
                    probe: None,
                    document: None,
                });
            }
            (Room::One, At::Open { wait, .. }) => (0, None, wait),
            (
                Room::One,
                At::HalfOpen {
                    reached, failed, wait, ..
                },
            ) => (reached, failed, wait),
        };
        self.at = At::HalfOpen {
            probing: true,
            reached,
            failed,
            wait,
        };
        Some(Pass {
            probe: Some(self.openings),
            document: None,
        })
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
            (At::Closed, None) => self.count(pass.document, report, now),
            (At::HalfOpen { .. }, Some(opening)) if opening == self.openings => self.probed(pass.document, report, now),
            // An answer to a request of before the turn says nothing new.
            (At::Closed, Some(_)) | (At::Open { .. } | At::HalfOpen { .. }, _) => None,
        }
    }

    /// A poll that fails ends the round of probes, and so does the second document: the first may be the one that fails
    /// always. Fails it again, that is nothing new.
    fn probed(&mut self, document: Option<DocumentId>, report: Report, now: Timestamp) -> Option<Turn> {
        let At::HalfOpen {
            reached, failed, wait, ..
        } = self.at
        else {
            return None;
        };
        let (reached, failed) = match (report, document) {
            (Report::Reached, _) if reached + 1 >= self.pace.successes_to_close => {
                *self = Self {
                    openings: self.openings,
                    ..Self::new(self.pace.clone())
                };
                return Some(Turn::Closed);
            }
            (Report::Reached, _) => (reached + 1, failed),
            (Report::Neither, _) => (reached, failed),
            (Report::Failed, Some(document)) if failed.is_none_or(|failed| failed == document) => {
                (reached, Some(document))
            }
            (Report::Failed, _) => {
                self.open(now, wait.saturating_mul(2).min(self.pace.probe_cap));
                return None;
            }
        };
        self.at = At::HalfOpen {
            probing: false,
            reached,
            failed,
            wait,
        };
        None
    }

    fn count(&mut self, document: Option<DocumentId>, report: Report, now: Timestamp) -> Option<Turn> {
        let number = now.0 / (millis(self.pace.window) / SLICES).max(1);
        if self.slices.back().is_none_or(|s| s.number != number) {
            self.slices.retain(|s| s.number > number - SLICES);
            self.failing.retain(|_, failed| *failed > number - SLICES);
            self.slices.push_back(Slice {
                number,
                reached: 0,
                failed: 0,
            });
        }
        let slice = self.slices.back_mut()?;
        match (report, document) {
            (Report::Neither, _) => return None,
            (Report::Reached, document) => {
                slice.reached += 1;
                self.row = Row::default();
                if let Some(document) = document {
                    self.failing.remove(&document);
                }
                return None;
            }
            (Report::Failed, Some(document))
                if self.failing.len() < MOST_DOCUMENTS || self.failing.contains_key(&document) =>
            {
                self.failing.insert(document, number);
            }
            (Report::Failed, _) => slice.failed += 1,
        }
        self.row.add(document);
        if self.is_row_full() || self.are_too_many() {
            self.open(now, self.pace.probe_after);
            return Some(Turn::Opened);
        }
        None
    }

    fn is_row_full(&self) -> bool {
        self.row.length() >= self.pace.in_a_row as usize
    }

    fn are_too_many(&self) -> bool {
        let (reached, failed) = self.slices.iter().fold((0u64, 0u64), |(r, f), s| {
            (r + u64::from(s.reached), f + u64::from(s.failed))
        });
        let failed = failed + self.failing.len() as u64;
        let all = reached + failed;
        all >= u64::from(self.pace.least_outcomes) && failed * 100 >= u64::from(self.pace.failure_percent) * all
    }

    fn open(&mut self, now: Timestamp, wait: Duration) {
        self.openings += 1;
        self.slices.clear();
        self.failing.clear();
        self.row = Row::default();
        self.at = At::Open {
            probe_at: now.plus_millis(millis(wait)),
            wait,
        };
    }
}
