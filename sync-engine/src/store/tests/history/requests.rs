//! Requests of operations: drafts, what leaves, what goes on to a replay.

use super::super::fixtures::*;
use super::model::{Model, Operation, partner_of};
use super::world::{World, agree};
use super::{Act, FINGERPRINTS, HOLDERS};
use crate::domain::{ContentHash, DeliveryState as State, Progress};
use crate::store::{ClaimRequest, Replay, ReplayKey, StoredRequest};

/// A request as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    body: String,
    /// Of a draft.
    made_with: Option<&'static str>,
    /// The epoch in which the draft left.
    left_in: Option<i64>,
}

impl Kept {
    pub fn draft(number: usize, made_with: usize) -> Self {
        Self {
            body: draft_of(number),
            made_with: Some(FINGERPRINTS[made_with]),
            left_in: None,
        }
    }

    /// A draft that has not left is nobody's request yet.
    fn may_have_left(&self) -> bool {
        self.made_with.is_none() || self.left_in.is_some()
    }

    pub fn did_not_leave(&mut self, epoch: i64) {
        self.left_in = self.left_in.filter(|left| *left != epoch);
    }
}

pub fn draft_of(number: usize) -> String {
    format!("draft of {number}")
}

pub fn request(body: &str) -> StoredRequest {
    StoredRequest {
        method: "POST".to_owned(),
        url: "http://127.0.0.1/api/operations".to_owned(),
        headers: Vec::new(),
        media_type: "application/json".to_owned(),
        body: body.as_bytes().to_vec().into(),
        hash: ContentHash::of(body.as_bytes()),
    }
}

/// What a claim gives of an operation's request: whether it leaves first, its body, its key, where it belongs.
type Given = (bool, Option<String>, usize, Option<Progress>);

impl Model {
    /// What the claims of `claimed` have to give, and what they do to the drafts.
    fn give(&mut self, (number, was, taken_over): (usize, State, bool), made_with: &str) -> Given {
        let operation = &mut self.operations[number];
        let first = was == State::Queued && !taken_over && !operation.hold;
        let key = (operation.key, operation.progress.clone());
        let Some(request) = &mut operation.request else {
            return (false, None, key.0, key.1);
        };
        if request.may_have_left() {
            return (false, Some(request.body.clone()), key.0, key.1);
        }
        let leaves = first && request.made_with == Some(made_with);
        if leaves {
            request.left_in = Some(operation.epoch);
        }
        (leaves, leaves.then(|| request.body.clone()), key.0, key.1)
    }

    /// The request is through, or is made anew.
    pub fn go_on(&mut self, number: usize, onward: bool) -> Progress {
        let operation = &mut self.operations[number];
        let at = operation.progress.clone().unwrap_or_default();
        let next = if onward { at.onward("", false, None) } else { at.anew() };
        operation.progress = Some(next.clone());
        operation.request = None;
        if onward {
            operation.before = operation.attempts.len();
            if let Some(last) = operation.attempts.last_mut() {
                *last = State::Delivered;
            }
        }
        next
    }

    /// False when it is no dead letter.
    fn replay(&mut self, number: usize, key: &ReplayKey, state: State, at: crate::domain::Timestamp) -> bool {
        let Some(dead) = self.operations.get(number).filter(|o| o.state == State::Dead).cloned() else {
            return false;
        };
        let in_doubt = dead.epoch > dead.attempts.len() as i64 || dead.attempts.contains(&State::Unknown);
        let anew = match key {
            ReplayKey::Old => false,
            ReplayKey::NewUnlessInDoubt => !in_doubt,
            ReplayKey::New => true,
        };
        self.set(number, State::Withdrawn, None, at);
        let new = self.operations.len();
        let fresh = Operation::new(new, dead.document, dead.version, at);
        let kept = dead.request.filter(|request| !anew && request.may_have_left());
        self.operations.push(Operation {
            state,
            key: if anew && dead.progress.is_none() { new } else { dead.key },
            progress: dead.progress.map(|at| if anew { at.anew() } else { at }),
            request: kept.map(|request| Kept {
                made_with: None,
                left_in: None,
                ..request
            }),
            ..fresh
        });
        self.tell(new, "replay");
        true
    }
}

impl World {
    pub fn claim(&mut self, places: u32, holder: usize, made_with: usize) {
        let (now, until, holder) = (self.now, self.now.plus_seconds(120), HOLDERS[holder]);
        let made_with = FINGERPRINTS[made_with];
        // At most two documents of a partner can be in flight: every lease that ran out finds a place.
        let places = places.max(2);
        let expected = self.model.claim(now, until, places as usize);
        let mut expected: Vec<_> = expected
            .into_iter()
            .map(|claim| {
                self.model.operations[claim.0].holder = holder;
                (claim, self.model.give(claim, made_with))
            })
            .collect();
        let claimed = write(&self.store, move |tx| {
            tx.claim(&ClaimRequest {
                company: &company(),
                now,
                lease_until: until,
                holder,
                partners: &[(partner_of(0), places), (partner_of(2), places)],
                working: &[],
                made_with: &[made_with.to_owned()],
            })
        });
        let number = |id: crate::domain::OperationId| usize::try_from(id.0.as_u128()).expect("small");
        let mut found: Vec<_> = claimed
            .expect("claimed")
            .into_iter()
            .map(|c| {
                let operation = &self.model.operations[number(c.operation)];
                assert_eq!(c.epoch, operation.epoch);
                assert_eq!(c.attempts as usize, operation.attempts.len() - operation.before);
                let body = c.request.map(|r| String::from_utf8_lossy(&r.body).into_owned());
                let given = (c.leaves_first, body, number(c.key), c.progress);
                ((number(c.operation), c.was, c.taken_over), given)
            })
            .collect();
        found.sort_unstable_by_key(|(claim, _)| *claim);
        expected.sort_unstable_by_key(|(claim, _)| *claim);
        assert_eq!(found, expected, "claimed");
    }

    /// Before the first send: what may have left already stays as it is.
    pub fn store_request(&mut self, act: &Act, operation: usize, stale: bool) {
        let Some((id, epoch)) = self.epoch(operation, stale) else {
            return;
        };
        let expected = self.model.holds(operation, epoch);
        let body = format!("made at {}", self.now.0);
        let stored = request(&body);
        let stored = write(&self.store, move |tx| tx.store_request(id, epoch, &stored));
        let Some(stored) = agree(expected, stored, act) else {
            return;
        };
        let known = &mut self.model.operations[operation].request;
        let kept = known.take().filter(Kept::may_have_left);
        let kept = kept.unwrap_or(Kept {
            body,
            made_with: None,
            left_in: None,
        });
        assert_eq!(stored, request(&kept.body), "{act:?}");
        *known = Some(kept);
    }

    pub fn replay(&mut self, act: &Act, operation: usize, key: usize, held: bool) {
        let keys = [ReplayKey::Old, ReplayKey::NewUnlessInDoubt, ReplayKey::New];
        let (now, state) = (self.now, if held { State::Held } else { State::Queued });
        let new = operation_id(self.model.operations.len() as u128);
        let expected = self.model.replay(operation, &keys[key], state, now);
        let replay = Replay {
            dead: operation_id(operation as u128),
            id: new,
            state,
            key: keys.into_iter().nth(key).unwrap_or(ReplayKey::Old),
            at: now,
            actor: "user:anna".to_owned(),
        };
        agree(expected, write(&self.store, move |tx| tx.replay(&replay)), act);
    }
}
