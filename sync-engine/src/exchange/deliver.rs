//! The dispatcher: claims what is due within each partner's free places and starts an attempt for each.

use super::Exchange;
use super::attempt::{self, Ended};
use super::gate::Use;
use super::pace::millis;
use super::recover;
use crate::domain::{OperationId, PartnerId, Timestamp};
use crate::store::{ClaimRequest, Claimed, Lane, StoreError, StoreExt};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// How often the store is asked while something due waits for its partner.
const BLOCKED_TICK: Duration = Duration::from_millis(500);

/// A clock that goes back by more than this many milliseconds was set.
const SET_BACK: i64 = 2_000;

/// Between two looks at the clock; when more has passed, it was set ahead, or the process stood still.
const LONGEST_PASS: i64 = 30_000;

/// How long the dispatcher goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    Stopped,
    /// Nothing due and nothing in flight, or this moment.
    Idle(Timestamp),
}

struct Dispatcher {
    exchange: Arc<Exchange>,
    attempts: TaskTracker,
    /// A place became free.
    freed: Arc<Notify>,
    taken: Arc<AtomicU64>,
}

/// Delivers; returns how many operations the partners took. Attempts in flight at a stop are waited for.
pub async fn run(exchange: Arc<Exchange>, until: Until) -> u64 {
    let dispatcher = Dispatcher {
        exchange,
        attempts: TaskTracker::new(),
        freed: Arc::new(Notify::new()),
        taken: Arc::new(AtomicU64::new(0)),
    };
    dispatcher.dispatch(until).await;
    dispatcher.attempts.close();
    dispatcher.attempts.wait().await;
    dispatcher.taken.load(Ordering::Relaxed)
}

impl Dispatcher {
    async fn dispatch(&self, until: Until) {
        let mut latest = self.exchange.clock.now();
        loop {
            if self.exchange.stopping() {
                return;
            }
            self.notice_clock(&mut latest).await;
            // Subscribed before the store is asked, so that nothing falls between.
            let told = self.exchange.due.notified();
            // What is in flight now may leave more to claim when it ends.
            let idle = self.attempts.is_empty();
            let claimed = match self.claim().await {
                Ok(claimed) => claimed,
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::error!(%error, "claiming failed");
                    0
                }
            };
            if claimed > 0 {
                continue;
            }
            let now = self.exchange.clock.now();
            let wait = match until {
                Until::Stopped => self.exchange.pace.idle_tick,
                Until::Idle(deadline) if now >= deadline => return,
                Until::Idle(_) if idle => return,
                Until::Idle(deadline) => between(now, deadline),
            };
            // With every place taken there is nothing to look for until one is free.
            let quiet = if places(&self.exchange, &self.attempts).is_empty() && !self.attempts.is_empty() {
                BLOCKED_TICK
            } else {
                self.until_due(now).await
            };
            tokio::select! {
                biased;
                () = told => {}
                () = self.freed.notified() => {}
                () = self.exchange.clock.sleep(quiet.min(wait)) => {}
                () = self.exchange.stop.cancelled() => return,
            }
        }
    }

    /// What waits for a moment of a clock that was ahead would wait until that moment comes again.
    async fn notice_clock(&self, latest: &mut Timestamp) {
        let now = self.exchange.clock.now();
        let passed = now.0.saturating_sub(latest.0);
        if !(-SET_BACK..=LONGEST_PASS).contains(&passed) {
            self.exchange.doubts.forget();
        }
        if passed < -SET_BACK {
            recover::catch_up(&self.exchange).await;
        }
        *latest = now;
    }

    /// Until the next job is due; a job that is due and not claimed waits for its partner, so not at once.
    async fn until_due(&self, now: Timestamp) -> Duration {
        let due = self.exchange.store.read(move |store| store.next_due(now)).await;
        match due {
            Ok(Some(due)) if due > now => between(now, due),
            Ok(due) => {
                // What is due and waits for its partner hides what is due a little later with another one.
                let blocked = due.map_or(self.exchange.pace.idle_tick, |_| BLOCKED_TICK);
                let opening = self.exchange.partners.next_opening(now);
                opening.map_or(blocked, |at| between(now, at).min(blocked))
            }
            Err(error) => {
                tracing::error!(%error, "the next due time cannot be read");
                self.exchange.pace.idle_tick
            }
        }
    }

    /// Claims for the places that are free when the writer comes to it: those that become free while it waits count
    /// too, so that few commits carry many claims.
    async fn claim(&self) -> Result<usize, StoreError> {
        if places(&self.exchange, &self.attempts).is_empty() {
            return Ok(0);
        }
        let (exchange, attempts) = (Arc::clone(&self.exchange), self.attempts.clone());
        let claimed = self.exchange.store.write(Lane::Bulk, move |tx| {
            let now = exchange.clock.now();
            let working: Vec<_> = working(&exchange).iter().copied().collect();
            tx.claim(&ClaimRequest {
                company: &exchange.company,
                now,
                lease_until: now.plus_millis(millis(exchange.pace.lease)),
                holder: &exchange.holder,
                partners: &places(&exchange, &attempts),
                working: &working,
                made_with: &exchange.partners.fingerprints(),
            })
        });
        let claimed = claimed.await?;
        let count = claimed.len();
        for one in claimed {
            self.start(one).await?;
        }
        Ok(count)
    }

    async fn start(&self, claimed: Claimed) -> Result<(), StoreError> {
        let partner = self.exchange.partners.get(&claimed.partner);
        let entered = partner
            .as_ref()
            .and_then(|p| p.gate.enter(Use::Deliver, &self.exchange.clock))
            .map(|entered| entered.about(claimed.document));
        let (Some(partner), Some(entered)) = (partner, entered) else {
            // The gate shut between the count of places and the claim.
            let due = self
                .exchange
                .clock
                .now()
                .plus_millis(millis(self.exchange.pace.quick_base));
            let written = self.exchange.store.write(Lane::Bulk, move |tx| {
                tx.give_back(claimed.operation, claimed.epoch, due)
            });
            return written.await;
        };
        let (exchange, freed, taken) = (
            Arc::clone(&self.exchange),
            Arc::clone(&self.freed),
            Arc::clone(&self.taken),
        );
        let working = Working::on(&self.exchange, claimed.operation);
        self.attempts.spawn(async move {
            let _working = working;
            // It is large, and a task is moved about before it starts.
            let attempt = Box::pin(attempt::run(exchange, partner, claimed, entered, &freed));
            if attempt.await == Ended::Taken {
                taken.fetch_add(1, Ordering::Relaxed);
            }
            freed.notify_one();
        });
        Ok(())
    }
}

/// How many operations may be claimed now, by partner.
fn places(exchange: &Exchange, attempts: &TaskTracker) -> Vec<(PartnerId, u32)> {
    let now = exchange.clock.now();
    let mut free = u32::try_from(exchange.pace.in_flight.saturating_sub(attempts.len())).unwrap_or(0);
    let mut places = Vec::new();
    for partner in exchange.partners.all() {
        let wanted = partner.gate.places(partner.link().concurrency(), now).min(free);
        if wanted > 0 {
            free -= wanted;
            places.push((partner.id.clone(), wanted));
        }
    }
    places
}

fn working(exchange: &Exchange) -> MutexGuard<'_, BTreeSet<OperationId>> {
    exchange.working.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An operation in the hands of this engine, until this is dropped.
struct Working {
    exchange: Arc<Exchange>,
    operation: OperationId,
}

impl Working {
    fn on(exchange: &Arc<Exchange>, operation: OperationId) -> Self {
        working(exchange).insert(operation);
        Self {
            exchange: Arc::clone(exchange),
            operation,
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        working(&self.exchange).remove(&self.operation);
    }
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0))
}
