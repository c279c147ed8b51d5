//! Whether anything may go to a partner now: paused, credentials, breaker, places, retry budget. One per partner.

use super::breaker::{Breaker, Pass, Report, Room, Turn};
use super::budget::RetryBudget;
use super::pace::{BreakerPace, Pace, millis};
use crate::clock::Clock;
use crate::domain::{CompanyId, DocumentId, PartnerId, Timestamp};
use crate::store::{BreakerState, Lane, Note, OperationError, PartnerState, Store, StoreError, StoreExt, StoreTx};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[cfg(test)]
mod tests;

/// A success is written down at most this often; turns are written at once.
const SAVE_EVERY_MILLIS: i64 = 60_000;
/// Turns that wait to be written, where the store takes no writes; of more the oldest are not told.
const MOST_UNTOLD: usize = 16;

/// Which of the two uses of the credentials was refused: the same use has to succeed before they count as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Poll,
    Deliver,
}

/// What a request taught about the partner.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    pub report: Report,
    pub credentials: Credentials,
    /// What went wrong, for the partner's view.
    pub error: Option<OperationError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    Accepted,
    Refused,
    NotAsked,
}

/// A turn that a person is told of, once: written as audit and change row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Unreachable,
    Reachable,
    CredentialsBroken,
    CredentialsGood,
    Paused,
    Resumed,
}

impl Told {
    /// It is told by who asked for it, and told anew when that failed.
    fn is_of_a_person(self) -> bool {
        matches!(self, Self::Paused | Self::Resumed)
    }

    fn action(self) -> &'static str {
        match self {
            Self::Unreachable => "partner.unreachable",
            Self::Reachable => "partner.reachable",
            Self::CredentialsBroken => "partner.credentialsBroken",
            Self::CredentialsGood => "partner.credentialsGood",
            Self::Paused => "partner.paused",
            Self::Resumed => "partner.resumed",
        }
    }
}

pub struct Gate {
    pace: Pace,
    inner: Mutex<Inner>,
}

struct Inner {
    state: PartnerState,
    breaker: Breaker,
    budget: RetryBudget,
    refused: Option<Refused>,
    delivering: usize,
    clock_skew_ms: Option<i64>,
    saved_at: Timestamp,
    /// Turns that are not written yet: the next save tells them.
    untold: Vec<(Told, Timestamp)>,
    /// How often a pause was set or taken away: what was read before that is older.
    pauses: u64,
}

/// Refused credentials are tried again, slowly: someone may mend them at the partner's side.
struct Refused {
    by: Use,
    probe_at: Timestamp,
    /// From then on the other use is let through, too: the one that was refused may have nothing to do any more.
    other_at: Timestamp,
    wait: Duration,
    probing: bool,
}

impl Gate {
    pub fn new(company: &CompanyId, partner: &PartnerId, pace: &Pace) -> Self {
        let state = PartnerState {
            company: company.clone(),
            partner: partner.clone(),
            breaker: BreakerState::Closed,
            credentials_broken: false,
            paused: false,
            last_success_at: None,
            last_failure_at: None,
            last_error: None,
            probe_at: None,
        };
        Self::restored(state, pace, Timestamp(0))
    }

    pub fn restored(state: PartnerState, pace: &Pace, now: Timestamp) -> Self {
        let refused = state
            .credentials_broken
            .then(|| Refused::at(Use::Poll, now, pace.breaker.probe_after));
        let breaker = Breaker::restored(pace.breaker.clone(), state.breaker, state.probe_at, now);
        Self {
            pace: pace.clone(),
            inner: Mutex::new(Inner {
                state,
                breaker,
                budget: RetryBudget::default(),
                refused,
                delivering: 0,
                clock_skew_ms: None,
                saved_at: Timestamp(0),
                untold: Vec::new(),
                pauses: 0,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change below is whole before anything that could panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many operations may be claimed now.
    pub fn places(&self, concurrency: usize, now: Timestamp) -> u32 {
        let inner = self.lock();
        if inner.state.paused {
            return 0;
        }
        let most = match (&inner.refused, inner.breaker.room(now)) {
            (_, Room::None) => 0,
            (Some(refused), _) => usize::from(refused.lets(Use::Deliver, now)),
            (None, Room::One) => 1,
            (None, Room::Free) => concurrency.max(1),
        };
        u32::try_from(most.saturating_sub(inner.delivering)).unwrap_or(u32::MAX)
    }

    /// Starts a request. `None`: not now.
    pub fn enter(self: &Arc<Self>, purpose: Use, clock: &Arc<dyn Clock>) -> Option<Entered> {
        let now = clock.now();
        let mut inner = self.lock();
        if inner.state.paused || inner.refused.as_ref().is_some_and(|r| !r.lets(purpose, now)) {
            return None;
        }
        let pass = inner.breaker.enter(now)?;
        if let Some(refused) = &mut inner.refused {
            refused.probing = true;
            refused.by = purpose;
        }
        inner.budget.sent(now);
        if purpose == Use::Deliver {
            inner.delivering += 1;
        }
        drop(inner);
        Some(Entered {
            gate: Arc::clone(self),
            clock: Arc::clone(clock),
            pass: Some(pass),
            purpose,
        })
    }

    fn leave(&self, pass: Pass, purpose: Use, learned: &Learned, now: Timestamp) -> Option<Told> {
        let mut inner = self.lock();
        if purpose == Use::Deliver {
            inner.delivering = inner.delivering.saturating_sub(1);
        }
        match (&learned.error, learned.report) {
            (Some(error), _) => {
                inner.state.last_failure_at = Some(now);
                inner.state.last_error = Some(error.clone());
            }
            (None, Report::Reached) => inner.state.last_success_at = Some(now),
            (None, Report::Failed | Report::Neither) => {}
        }
        let turn = inner.breaker.leave(pass, learned.report, now);
        let told = inner.credentials(purpose, learned.credentials, now, &self.pace.breaker);
        told.or(turn.map(|turn| match turn {
            Turn::Opened => Told::Unreachable,
            Turn::Closed => Told::Reachable,
        }))
    }

    /// A place for a retry that is wanted at `due`.
    pub fn place_retry(&self, now: Timestamp, due: Timestamp) -> Timestamp {
        self.lock().budget.place(now, due, &self.pace.breaker)
    }

    /// A person asked: what waits for its time is tried now.
    pub fn hasten(&self, now: Timestamp) {
        let mut inner = self.lock();
        inner.breaker.hasten(now);
        if let Some(refused) = &mut inner.refused {
            // Whichever use comes first: nothing may be left to do for the one that was refused.
            (refused.probe_at, refused.other_at) = (now, now);
        }
    }

    pub fn note_skew(&self, skew_ms: Option<i64>) {
        if skew_ms.is_some() {
            self.lock().clock_skew_ms = skew_ms;
        }
    }

    pub fn clock_skew_ms(&self) -> Option<i64> {
        self.lock().clock_skew_ms
    }

    pub fn state(&self) -> PartnerState {
        let inner = self.lock();
        let mut state = inner.state.clone();
        state.breaker = inner.breaker.state();
        state.probe_at = inner.breaker.probe_at();
        state.credentials_broken = inner.refused.is_some();
        state
    }

    pub fn set_paused(&self, paused: bool) {
        let mut inner = self.lock();
        inner.state.paused = paused;
        inner.pauses += 1;
    }

    /// To be asked before a row is read that `follow_pause` is given.
    pub fn pauses(&self) -> u64 {
        self.lock().pauses
    }

    /// What a row says that was read after `pauses` answered `since`, unless a pause was set or taken away meanwhile.
    /// Whether it is a resumption.
    pub fn follow_pause(&self, since: u64, paused: bool) -> bool {
        let mut inner = self.lock();
        let resumed = inner.state.paused && !paused;
        if inner.pauses != since {
            return false;
        }
        inner.state.paused = paused;
        resumed
    }

    /// When something that is shut now may go again; `None` when time alone does not change it.
    pub fn opens_at(&self) -> Option<Timestamp> {
        let inner = self.lock();
        let credentials = inner.refused.as_ref().map(|r| r.probe_at);
        inner.breaker.probe_at().max(credentials)
    }

    /// Whether something turned that could not be written when it did.
    pub fn has_untold(&self) -> bool {
        !self.lock().untold.is_empty()
    }

    /// What a save has to tell, and when the one before it was; `None` when there is no need of one. What it takes, it
    /// gives back when it fails.
    fn begin_save(&self, told: Option<Told>, now: Timestamp) -> Option<(Vec<(Told, Timestamp)>, Timestamp)> {
        let mut inner = self.lock();
        let turn = told.filter(|told| !told.is_of_a_person());
        inner.untold.extend(turn.map(|turn| (turn, now)));
        let is_due = now.0.saturating_sub(inner.saved_at.0) >= SAVE_EVERY_MILLIS;
        if told.is_none() && inner.untold.is_empty() && !is_due {
            return None;
        }
        let before = std::mem::replace(&mut inner.saved_at, now);
        Some((std::mem::take(&mut inner.untold), before))
    }

    fn save_failed(&self, mut turns: Vec<(Told, Timestamp)>, before: Timestamp) {
        let mut inner = self.lock();
        inner.saved_at = before;
        turns.append(&mut inner.untold);
        let too_many = turns.len().saturating_sub(MOST_UNTOLD);
        inner.untold = turns.split_off(too_many);
    }

    /// Writes the state down: at once when a person is told of something, else now and then. What could not be written is
    /// told by the next one.
    /// A pause that another process wrote is kept, and taken over here; so is what it told of an outage (`together`).
    pub async fn save(
        self: &Arc<Self>,
        store: &Arc<dyn Store>,
        told: Option<(Told, &str)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some((turns, before)) = self.begin_save(told.map(|(told, _)| told), now) else {
            return Ok(());
        };
        let of_a_person = told.filter(|(told, _)| told.is_of_a_person());
        let of_a_person = of_a_person.map(|(told, actor)| (told, actor.to_owned()));
        let (gate, telling) = (Arc::clone(self), turns.clone());
        let saved = store.write(Lane::Bulk, move |tx| gate.write(tx, &telling, of_a_person, now));
        let saved = saved.await;
        if saved.is_err() {
            self.save_failed(turns, before);
        }
        saved
    }

    fn write(
        &self,
        tx: &mut dyn StoreTx,
        turns: &[(Told, Timestamp)],
        of_a_person: Option<(Told, String)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ours = self.state();
        let stored = tx.partner_state(&ours.company, &ours.partner)?;
        let was_paused = stored.as_ref().is_some_and(|stored| stored.paused);
        let mut state = together(ours, stored.as_ref(), turns.last().map(|(told, _)| *told));
        // What is told counts: the gate may have followed an older row meanwhile.
        state.paused = match &of_a_person {
            Some((told, _)) => *told == Told::Paused,
            None => stored.map_or(state.paused, |stored| stored.paused),
        };
        self.set_paused(state.paused);
        // The row says whether there is anything to tell: what the gate said may be another engine's older turn.
        let is_asked = of_a_person.is_some();
        let of_a_person = of_a_person.filter(|_| was_paused != state.paused);
        if is_asked && of_a_person.is_none() && turns.is_empty() {
            return Ok(());
        }
        tx.set_partner_state(&state)?;
        let turns = turns.iter().map(|(told, at)| (*told, "engine", *at));
        let of_a_person = of_a_person.as_ref().map(|(told, actor)| (*told, actor.as_str(), now));
        for (told, actor, at) in turns.chain(of_a_person) {
            tx.note(&Note {
                document: None,
                company: &state.company,
                partner: Some(&state.partner),
                actor,
                action: told.action(),
                at,
                detail: serde_json::json!({ "partner": state.partner, "error": state.last_error }),
            })?;
        }
        Ok(())
    }
}

/// What several engines know of one partner. Each follows its own requests, so an outage that one of them told of stays
/// until one tells its end, or reached the partner since: what the others have not noticed (yet, or still) changes nothing.
fn together(ours: PartnerState, stored: Option<&PartnerState>, told: Option<Told>) -> PartnerState {
    let Some(stored) = stored else { return ours };
    let turned = told.is_some_and(|told| !told.is_of_a_person());
    let is_shut = |state: &PartnerState| state.credentials_broken || state.breaker != BreakerState::Closed;
    let reached_since = ours.last_success_at > stored.last_failure_at.or(stored.last_success_at);
    let is_ours = match (is_shut(&ours), is_shut(stored)) {
        (true, true) | (false, false) => true,
        (false, true) => turned || reached_since,
        (true, false) => turned,
    };
    let mut state = if is_ours { ours.clone() } else { stored.clone() };
    state.last_success_at = ours.last_success_at.max(stored.last_success_at);
    if ours.last_failure_at < stored.last_failure_at {
        state.last_failure_at = stored.last_failure_at;
        state.last_error.clone_from(&stored.last_error);
    } else {
        state.last_failure_at = ours.last_failure_at;
        state.last_error = ours.last_error;
    }
    state
}

/// A request under way. Dropped without an outcome, it gives its place back and says nothing of the partner.
pub struct Entered {
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    pass: Option<Pass>,
    purpose: Use,
}

impl Entered {
    /// The request is about this document. Of one that is about none, each outcome counts on its own.
    pub fn about(mut self, document: DocumentId) -> Self {
        self.pass = self.pass.map(|pass| pass.about(document));
        self
    }

    /// Ends the request; what a person is to be told of, if anything turned.
    pub fn leave(mut self, learned: &Learned) -> Option<Told> {
        let pass = self.pass.take()?;
        self.gate.leave(pass, self.purpose, learned, self.clock.now())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            let nothing = Learned {
                report: Report::Neither,
                credentials: Credentials::NotAsked,
                error: None,
            };
            self.gate.leave(pass, self.purpose, &nothing, self.clock.now());
        }
    }
}

impl Refused {
    fn at(by: Use, probe_at: Timestamp, wait: Duration) -> Self {
        Self {
            by,
            probe_at,
            other_at: probe_at.plus_millis(millis(wait)),
            wait,
            probing: false,
        }
    }

    /// The use that was refused is tried; the other one when that has nothing to do any more.
    fn lets(&self, purpose: Use, now: Timestamp) -> bool {
        let from = if self.by == purpose {
            self.probe_at
        } else {
            self.other_at
        };
        !self.probing && now >= from
    }
}

impl Inner {
    fn credentials(&mut self, purpose: Use, seen: Credentials, now: Timestamp, pace: &BreakerPace) -> Option<Told> {
        match (seen, &mut self.refused) {
            (Credentials::Refused, None) => {
                let probe_at = now.plus_millis(millis(pace.probe_after));
                self.refused = Some(Refused::at(purpose, probe_at, pace.probe_after));
                Some(Told::CredentialsBroken)
            }
            (Credentials::Refused, Some(refused)) if refused.by == purpose => {
                let wait = refused.wait.saturating_mul(2).min(pace.probe_cap);
                *refused = Refused::at(purpose, now.plus_millis(millis(wait)), wait);
                None
            }
            (Credentials::Accepted, Some(refused)) if refused.by == purpose => {
                self.refused = None;
                Some(Told::CredentialsGood)
            }
            (Credentials::NotAsked, Some(refused)) if refused.by == purpose => {
                refused.probing = false;
                None
            }
            (Credentials::Refused | Credentials::Accepted | Credentials::NotAsked, _) => None,
        }
    }
}
