//! One attempt of one claimed operation: look, render, send, write down what came of it.

mod resend;

use super::Exchange;
use super::gate::{Entered, Told};
use super::material::{Material, outbound};
use super::onward::onward;
use super::outcome::{self, Seen, counter_offer, is_held};
use super::pace::millis;
use super::partners::Partner;
use super::settle::{Circumstances, Recourse, Step, first_step, settle};
use super::together::Write;
use crate::domain::{ContentHash, DeliveryState, Progress, Timestamp};
use crate::partner::{IntakeError, Later, LinesLeft, OutboundKind, PartnerLink, RenderedRequest, SendResult, Verdict};
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

/// What came of making a request.
enum Made {
    Request(Option<StoredRequest>),
    /// The partner was asked for what it is made with, and this was seen instead.
    Seen(SendResult),
    /// Stopped before it mattered.
    Nothing,
    Ended(Ended),
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
        let first = Progress::default();
        let recourse = Recourse {
            can_look_up: self
                .link
                .can_look_up(self.kind, claimed.progress.as_ref().unwrap_or(&first)),
            honours_key: self.link.honours_idempotency_key(),
        };
        // The request is stored before the first send: without one nothing was sent.
        let possibly_sent = claimed.request.is_some()
            && !claimed.leaves_first
            && (claimed.taken_over || claimed.was == DeliveryState::Queued);
        let was = match claimed.was {
            DeliveryState::Unknown if claimed.request.is_none() => DeliveryState::Retrying,
            was => was,
        };
        let job = claimed.progress.as_ref().is_some_and(|at| at.job.is_some());
        let step = match job {
            true => Some(Step::Job),
            false => first_step(was, possibly_sent, recourse),
        };
        // Whoever sent it is gone, and what was sent may still be on its way: to where it is looked for, or to where the
        // document's next operation must not come first.
        if claimed.taken_over && matches!(step, None | Some(Step::Lookup)) && !recourse.honours_key {
            return self.write_down_the_lost_send().await;
        }
        let Some(step) = step else {
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
                Some(material) => Some(Arc::new(material)),
                None => {
                    return self
                        .hold("store.corrupt", "the version that it answers is not in the store")
                        .await;
                }
            },
        };
        let made = match (step, &material) {
            (Step::Prepare | Step::Lookup | Step::Verify | Step::Job, _) | (Step::Send, None) => {
                Made::Request(claimed.request.clone())
            }
            (Step::Send, Some(material)) => self.make(material).await?,
        };
        let mut resent = false;
        let (step, result, request) = match made {
            Made::Ended(ended) => return Ok(ended),
            Made::Nothing => return self.give_back().await,
            Made::Seen(result) => (Step::Prepare, result, None),
            Made::Request(request) => {
                if self.exchange.stopping() && step != Step::Send {
                    return self.give_back().await;
                }
                if step == Step::Send && self.exchange.clock.now() >= claimed.lease_until {
                    return Err(StoreError::LeaseLost);
                }
                let asked = self.perform_or_resend(step, material.as_deref(), request.as_ref());
                let Some((result, second)) = asked.await? else {
                    return self.give_back().await;
                };
                resent = second;
                (step, result, request)
            }
        };
        let (mut seen, told) = self.settled((step, result, request), material.as_deref(), recourse, entered);
        if resent {
            seen.of = "resend".to_owned();
        }
        freed.notify_one();
        let ended = self.finish(seen).await;
        self.exchange.remember(&self.partner, told).await;
        ended
    }

    /// What is to be written of an attempt.
    fn settled(
        &self,
        (step, mut result, request): (Step, SendResult, Option<StoredRequest>),
        material: Option<&Material>,
        recourse: Recourse,
        entered: Entered,
    ) -> (Seen, Option<Told>) {
        let claimed = &self.claimed;
        let now = self.exchange.clock.now();
        let sent = material.and_then(|m| m.sent);
        let sent_at = sent.map(|sent| sent.over_at);
        let request_time = millis(self.exchange.pace.request_time);
        let waited_from = match step {
            Step::Lookup => {
                let doubts = &self.exchange.doubts;
                let which = sent.map(|sent| sent.written_at);
                sent_at.max(doubts.looked(claimed.operation, which, self.started_at))
            }
            _ => sent_at,
        };
        let at = Circumstances {
            settled_from: waited_from.map_or(Timestamp(0), |at| at.min(now).plus_millis(request_time)),
            was_unknown: claimed.was == DeliveryState::Unknown && step == Step::Send,
            attempts: claimed.attempts.saturating_add(1),
            scheduled_from: claimed.scheduled_from,
            now,
            random: self.exchange.clock.random(),
            recourse,
        };
        let pace = &self.exchange.pace;
        let mut settlement = settle(step, &result, &at, pace);
        if settlement.to != DeliveryState::Unknown {
            self.exchange.doubts.is_settled(claimed.operation);
        }
        let told = entered.leave(&settlement.learned);
        if settlement.retry {
            settlement.due_at = settlement.due_at.map(|due| self.partner.gate.place_retry(now, due));
        }
        let (mut next, mut of) = (None, String::new());
        if let Some(material) = material.filter(|_| !self.link.is_plain(self.kind)) {
            of = self.link.step_name(self.kind, &material.at).to_owned();
            let link = (self.kind, self.link.as_ref());
            let seen = (step, &mut result);
            next = onward((claimed, material), link, seen, &mut settlement, (&at, pace)).unwrap_or_else(|error| {
                settlement.to = DeliveryState::Dead;
                settlement.due_at = None;
                settlement.taken = false;
                settlement.error = Some(invalid(&error));
                None
            });
        }
        let counter = match (settlement.taken, request, material) {
            (true, Some(request), Some(material)) => {
                let offer = counter_offer(claimed, &material.document, self.link.rules(), &material.earlier);
                offer.map(|document| (document, request))
            }
            (_, Some(_) | None, _) => None,
        };
        let seen = Seen {
            step,
            result,
            settlement,
            counter,
            of,
            next,
        };
        (seen, told)
    }

    /// The request to send, durable before it is sent.
    async fn make(&self, material: &Arc<Material>) -> Result<Made, StoreError> {
        let request = match (&self.claimed.request, &material.rendered) {
            (Some(request), _) => request.clone(),
            (None, Some(Ok(rendered))) => stored(rendered.clone()),
            (None, Some(Err(error))) => return self.unsendable(error).await.map(Made::Ended),
            (None, None) => {
                let input = material.input(&self.claimed);
                let prepared = match self.renewing(self.link.prepare(&input)).await? {
                    None => return Ok(Made::Nothing),
                    Some(Err(seen)) => return Ok(Made::Seen(seen)),
                    Some(Ok(prepared)) => prepared,
                };
                let (material, claimed, link) =
                    (Arc::clone(material), Arc::clone(&self.claimed), Arc::clone(&self.link));
                let rendering = self
                    .exchange
                    .aside(move || material.render(&claimed, link.as_ref(), prepared.as_ref()));
                match rendering.await? {
                    Ok(rendered) => stored(rendered),
                    Err(error) => return self.unsendable(&error).await.map(Made::Ended),
                }
            }
        };
        let claimed = Arc::clone(&self.claimed);
        let kept = self.exchange.store.write(Lane::Bulk, move |tx| {
            let loaded = tx.load_by_id(claimed.document)?;
            // A version that came meanwhile holds the answer: it is never sent blindly.
            if loaded.is_some_and(|l| is_held(&l.chain, &claimed)) {
                return Ok(None);
            }
            tx.store_request(claimed.operation, claimed.epoch, &request).map(Some)
        });
        match kept.await? {
            Some(request) => Ok(Made::Request(Some(request))),
            None => self
                .hold("answer.superseded", "a new version came before it was sent")
                .await
                .map(Made::Ended),
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
        let first = Progress::default();
        let progress = material.map_or(&first, |material| &material.at);
        let asking = match (step, &rendered, &input) {
            (Step::Send, Some(rendered), _) => self.link.send(self.kind, self.claimed.key.0, progress, rendered),
            (Step::Lookup, _, Some(input)) => self.link.lookup(input, receipt),
            (Step::Verify | Step::Job, _, Some(input)) => self.link.verify(input, receipt),
            (Step::Prepare, _, _) | (Step::Send, None, _) | (Step::Lookup | Step::Verify | Step::Job, _, None) => {
                return Ok(None);
            }
        };
        if step == Step::Send {
            self.exchange.doubts.sent(self.claimed.operation, self.started_at);
        }
        let seen = self.renewing(asking).await?;
        Ok(match step {
            Step::Send => seen.or_else(|| Some(cut_off())),
            Step::Prepare | Step::Lookup | Step::Verify | Step::Job => seen,
        })
    }

    /// Waits for the partner, renewing the lease meanwhile. `None`: cut off.
    async fn renewing<T>(&self, mut asking: Later<'_, T>) -> Result<Option<T>, StoreError> {
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
                () = self.exchange.abort.cancelled() => return Ok(None),
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

    /// The engine that sent it ended before it could write an attempt: its outcome is looked for once it must be settled.
    async fn write_down_the_lost_send(&self) -> Result<Ended, StoreError> {
        let request_time = millis(self.exchange.pace.request_time);
        let error = OperationError {
            code: "engine.stopped".to_owned(),
            status: None,
            message: Some("the engine that sent it ended before the answer came".to_owned()),
        };
        let doubts = &self.exchange.doubts;
        doubts.looked(self.claimed.operation, Some(self.started_at), self.started_at);
        let mut lost = Seen::unasked(DeliveryState::Unknown, error);
        lost.settlement.due_at = Some(self.started_at.plus_millis(request_time));
        self.finish(lost).await
    }

    /// A person decides: nothing was asked of the partner.
    async fn hold(&self, code: &str, message: &str) -> Result<Ended, StoreError> {
        let error = OperationError {
            code: code.to_owned(),
            status: None,
            message: Some(message.to_owned()),
        };
        self.end_unasked(DeliveryState::Held, error).await
    }

    async fn unsendable(&self, error: &IntakeError) -> Result<Ended, StoreError> {
        self.end_unasked(DeliveryState::Dead, invalid(error)).await
    }

    async fn end_unasked(&self, to: DeliveryState, error: OperationError) -> Result<Ended, StoreError> {
        self.finish(Seen::unasked(to, error)).await
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
        lines: LinesLeft::default(),
    }
}

/// Why there is no request.
fn invalid(error: &IntakeError) -> OperationError {
    let problems: Vec<_> = error
        .problems
        .iter()
        .map(|p| format!("{}: {}", if p.pointer.is_empty() { "/" } else { &p.pointer }, p.message))
        .collect();
    OperationError {
        code: "request.invalid".to_owned(),
        status: None,
        message: Some(problems.join("; ").chars().take(500).collect()),
    }
}
