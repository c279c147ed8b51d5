//! One attempt of one claimed operation: look, render, send, write down what came of it.

use super::Exchange;
use super::breaker::Report;
use super::gate::{Credentials, Entered, Learned};
use super::material::{Material, outbound};
use super::outcome::{self, Seen, counter_offer, is_held};
use super::pace::millis;
use super::partners::Partner;
use super::settle::{Circumstances, Recourse, Settlement, Step, first_step, settle};
use super::together::Write;
use crate::domain::{ContentHash, DeliveryState, Timestamp};
use crate::partner::{IntakeError, OutboundKind, PartnerLink, RenderedRequest, SendResult, Verdict};
use crate::store::{Claimed, Lane, OperationError, StoreError, StoreExt, StoredRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Tries to write an outcome down before it is left to the lease's end.
const FINISH_TRIES: u32 = 5;

/// What came of an attempt, for the dispatcher's count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The partner has it.
    Taken,
    Otherwise,
}

struct Attempt {
    exchange: Arc<Exchange>,
    partner: Arc<Partner>,
    link: Arc<dyn PartnerLink>,
    kind: OutboundKind,
    claimed: Arc<Claimed>,
    started_at: Timestamp,
}

/// Works on one claimed operation to the end of its attempt.
///
/// `freed` is told as soon as the partner has another place: what came of this request is written down beside the next.
pub async fn run(
    exchange: Arc<Exchange>,
    partner: Arc<Partner>,
    claimed: Claimed,
    entered: Entered,
    freed: &Notify,
) -> Ended {
    let attempt = Attempt {
        link: partner.link(),
        kind: outbound(claimed.kind),
        started_at: exchange.clock.now(),
        claimed: Arc::new(claimed),
        exchange,
        partner,
    };
    let id = attempt.claimed.operation;
    let partner = attempt.partner.id.clone();
    match attempt.work(entered, freed).await {
        Ok(ended) => ended,
        Err(StoreError::LeaseLost) => {
            tracing::warn!(operation = %id, %partner, "lease lost: another engine settles it");
            Ended::Otherwise
        }
        Err(error) => {
            tracing::error!(operation = %id, %partner, %error, "outcome not written: settled when the lease ends");
            Ended::Otherwise
        }
    }
}

impl Attempt {
    async fn work(self, entered: Entered, freed: &Notify) -> Result<Ended, StoreError> {
        let claimed = &self.claimed;
        let recourse = Recourse {
            can_look_up: self.link.can_look_up(self.kind),
            honours_key: self.link.honours_idempotency_key(),
        };
        // The request is stored before the first send: without one nothing was sent.
        let possibly_sent = claimed.request.is_some()
            && !claimed.leaves_first
            && (claimed.taken_over || claimed.was == DeliveryState::Queued);
        let Some(step) = first_step(claimed.was, possibly_sent, recourse) else {
            return self
                .hold(
                    "partner.unsettled",
                    "it may have been sent, and the partner cannot be asked",
                )
                .await;
        };
        // Made when it was saved, and let go by the claim: nothing is left to read or to write. A counter-offer becomes a
        // version, for which the order is read.
        let ready = claimed.leaves_first && self.kind != OutboundKind::Counter;
        let material = match ready {
            true => None,
            false => match Material::read(&self.exchange.store, &self.claimed, &self.link, step).await? {
                Some(material) => Some(material),
                None => {
                    return self
                        .hold("store.corrupt", "the version that it answers is not in the store")
                        .await;
                }
            },
        };
        let request = match (step, &material) {
            (Step::Lookup | Step::Verify, _) | (Step::Send, None) => claimed.request.clone(),
            (Step::Send, Some(material)) => match self.prepare(material).await? {
                Ok(request) => Some(request),
                Err(ended) => return Ok(ended),
            },
        };
        if self.exchange.stopping() && step != Step::Send {
            return self.give_back().await;
        }
        let Some(result) = self.perform(step, material.as_ref(), request.as_ref()).await? else {
            return self.give_back().await;
        };
        let now = self.exchange.clock.now();
        let at = Circumstances {
            attempts: claimed.attempts.saturating_add(1),
            scheduled_from: claimed.scheduled_from,
            now,
            random: self.exchange.clock.random(),
            recourse,
        };
        let mut settlement = settle(step, &result, &at, &self.exchange.pace);
        let told = entered.leave(&settlement.learned);
        freed.notify_one();
        if settlement.retry {
            settlement.due_at = settlement.due_at.map(|due| self.partner.gate.place_retry(now, due));
        }
        let counter = match (settlement.taken, request, &material) {
            (true, Some(request), Some(material)) => {
                let offer = counter_offer(
                    claimed,
                    &material.document,
                    self.link.rules(),
                    material.previous.as_ref(),
                );
                offer.map(|document| (document, request))
            }
            (_, Some(_) | None, _) => None,
        };
        let seen = Seen {
            step,
            result,
            settlement,
            counter,
        };
        let ended = self.finish(seen).await;
        self.exchange.remember(&self.partner, told).await;
        ended
    }

    /// The request to send, durable before it is sent; or the end, when the answer is held or cannot be rendered.
    async fn prepare(&self, material: &Material) -> Result<Result<StoredRequest, Ended>, StoreError> {
        let request = match (&self.claimed.request, &material.rendered) {
            (Some(request), _) => request.clone(),
            (None, Some(Ok(rendered))) => stored(rendered.clone()),
            (None, Some(Err(error))) => return self.unsendable(error).await.map(Err),
            (None, None) => return self.give_back().await.map(Err),
        };
        let claimed = Arc::clone(&self.claimed);
        let prepared = self.exchange.store.write(Lane::Bulk, move |tx| {
            let loaded = tx.load_by_id(claimed.document)?;
            // A version that came meanwhile holds the answer: it is never sent blindly.
            if loaded.is_some_and(|l| is_held(&l.chain, &claimed)) {
                return Ok(None);
            }
            tx.store_request(claimed.operation, claimed.epoch, &request).map(Some)
        });
        match prepared.await? {
            Some(request) => Ok(Ok(request)),
            None => self
                .hold("answer.superseded", "a new version came before it was sent")
                .await
                .map(Err),
        }
    }

    /// Makes the request, renewing the lease meanwhile. `None`: stopped before it mattered.
    async fn perform(
        &self,
        step: Step,
        material: Option<&Material>,
        request: Option<&StoredRequest>,
    ) -> Result<Option<SendResult>, StoreError> {
        let input = material.map(|material| material.input(&self.claimed));
        let receipt = self.claimed.receipt.as_ref();
        let rendered = request.map(|r| RenderedRequest {
            method: r.method.clone(),
            url: r.url.clone(),
            headers: r.headers.clone(),
            media_type: r.media_type.clone(),
            body: r.body.clone(),
        });
        let mut asking = match (step, &rendered, &input) {
            (Step::Send, Some(rendered), _) => self.link.send(self.kind, self.claimed.key.0, rendered),
            (Step::Lookup, _, Some(input)) => self.link.lookup(input, receipt),
            (Step::Verify, _, Some(input)) => self.link.verify(input, receipt),
            (Step::Send, None, _) | (Step::Lookup | Step::Verify, _, None) => return Ok(None),
        };
        let pace = &self.exchange.pace;
        loop {
            tokio::select! {
                biased;
                result = &mut asking => return Ok(Some(result)),
                () = self.exchange.clock.sleep(pace.lease_renewal) => {
                    let (id, epoch) = (self.claimed.operation, self.claimed.epoch);
                    let until = self.exchange.clock.now().plus_millis(millis(pace.lease));
                    let renewed = self.exchange.store.write(Lane::Bulk, move |tx| tx.renew_lease(id, epoch, until));
                    renewed.await?;
                }
                () = self.exchange.abort.cancelled() => return Ok(match step {
                    Step::Send => Some(cut_off()),
                    Step::Lookup | Step::Verify => None,
                }),
            }
        }
    }

    async fn give_back(&self) -> Result<Ended, StoreError> {
        let (id, epoch, now) = (self.claimed.operation, self.claimed.epoch, self.exchange.clock.now());
        self.exchange
            .store
            .write(Lane::Bulk, move |tx| tx.give_back(id, epoch, now))
            .await?;
        Ok(Ended::Otherwise)
    }

    /// A person decides: nothing was asked of the partner.
    async fn hold(&self, code: &str, message: &str) -> Result<Ended, StoreError> {
        self.end_unasked(DeliveryState::Held, code, message.to_owned()).await
    }

    async fn unsendable(&self, error: &IntakeError) -> Result<Ended, StoreError> {
        let problems: Vec<_> = error
            .problems
            .iter()
            .map(|p| format!("{}: {}", if p.pointer.is_empty() { "/" } else { &p.pointer }, p.message))
            .collect();
        let message = problems.join("; ").chars().take(500).collect();
        self.end_unasked(DeliveryState::Dead, "request.invalid", message).await
    }

    async fn end_unasked(&self, to: DeliveryState, code: &str, message: String) -> Result<Ended, StoreError> {
        let error = OperationError {
            code: code.to_owned(),
            status: None,
            message: Some(message.clone()),
        };
        let nothing = Learned {
            report: Report::Neither,
            credentials: Credentials::NotAsked,
            error: None,
        };
        self.finish(Seen {
            step: Step::Send,
            result: SendResult {
                verdict: Verdict::NotSeen,
                status: None,
                receipt: None,
                message: Some(message),
                excerpt: None,
            },
            settlement: Settlement {
                to,
                due_at: None,
                error: Some(error),
                taken: false,
                retry: false,
                learned: nothing,
            },
            counter: None,
        })
        .await
    }

    /// Writes attempt and outcome, and the answer's effect on the chain with it.
    async fn finish(&self, seen: Seen) -> Result<Ended, StoreError> {
        let ended = if seen.settlement.taken {
            Ended::Taken
        } else {
            Ended::Otherwise
        };
        let seen = Arc::new(seen);
        let mut tries = 1;
        loop {
            let (claimed, written) = (Arc::clone(&self.claimed), Arc::clone(&seen));
            let rules = self.link.rules().clone();
            let (started_at, now) = (self.started_at, self.exchange.clock.now());
            let write: Write = Arc::new(move |tx| outcome::write(tx, &claimed, &written, &rules, started_at, now));
            match self.exchange.together.write(&self.exchange.store, write).await {
                Ok(to) => {
                    self.log(&seen, to);
                    let took = u64::try_from(now.0 - self.started_at.0).unwrap_or(0);
                    let took = Duration::from_millis(took);
                    self.exchange
                        .meter
                        .attempt(&self.partner.id, seen.step.name(), to, took);
                    if to == DeliveryState::Held {
                        // The version that stands in the way may be there to fetch.
                        self.partner.poll.notify_one();
                    }
                    return Ok(ended);
                }
                Err(error @ (StoreError::LeaseLost | StoreError::Closed)) => return Err(error),
                Err(error) if tries >= FINISH_TRIES => return Err(error),
                Err(_) => {
                    let wait = Duration::from_millis(100 << tries);
                    tries += 1;
                    self.exchange.clock.sleep(wait).await;
                }
            }
        }
    }

    fn log(&self, seen: &Seen, to: DeliveryState) {
        let claimed = &self.claimed;
        let error = seen.settlement.error.as_ref().map(|e| e.code.as_str());
        tracing::info!(
            operation = %claimed.operation, partner = %self.partner.id, document = claimed.document_number,
            step = seen.step.name(), attempt = claimed.attempts + 1, status = seen.result.status, state = ?to, error,
            "attempt ended"
        );
    }
}

pub fn stored(request: RenderedRequest) -> StoredRequest {
    StoredRequest {
        hash: ContentHash::of(&request.body),
        method: request.method,
        url: request.url,
        headers: request.headers,
        media_type: request.media_type,
        body: request.body,
    }
}

/// Stopped while a request was on its way.
fn cut_off() -> SendResult {
    SendResult {
        verdict: Verdict::Unknown { code: "engine.stopped" },
        status: None,
        receipt: None,
        message: None,
        excerpt: None,
    }
}
