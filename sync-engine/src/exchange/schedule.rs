//! When each stream is polled: at once, then at its interval, and when asked.

use super::Exchange;
use super::partners::Partner;
use super::poll::{self, PollError, SyncReport};
use crate::partner::StreamInfo;
use crate::store::StoreError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Follows the partners on line: one loop per partner and stream, started anew when the configuration changes.
pub async fn run(exchange: Arc<Exchange>) {
    let mut changed = exchange.partners.changed();
    let mut loops = tokio::task::JoinSet::new();
    loop {
        changed.mark_unchanged();
        let generation = CancellationToken::new();
        for partner in exchange.partners.all() {
            loops.spawn(follow(Arc::clone(&exchange), partner, generation.clone()));
        }
        tokio::select! {
            biased;
            _ = changed.changed() => {}
            () = exchange.stop.cancelled() => {}
        }
        generation.cancel();
        if exchange.stopping() {
            while loops.join_next().await.is_some() {}
            return;
        }
        // A run that still works ends by itself, and the next one of its stream waits for it. No other does.
        while loops.try_join_next().is_some() {}
    }
}

/// Polls the streams of one partner, each at its own interval.
async fn follow(exchange: Arc<Exchange>, partner: Arc<Partner>, generation: CancellationToken) {
    let link = partner.link();
    let mut loops = tokio::task::JoinSet::new();
    let mut asked = Vec::new();
    for stream in link.streams() {
        // One for each: who waits on one for all is woken in an order by chance.
        let one = Arc::new(Notify::new());
        asked.push(Arc::clone(&one));
        let (exchange, partner) = (Arc::clone(&exchange), Arc::clone(&partner));
        loops.spawn(follow_stream(
            exchange,
            partner,
            stream.clone(),
            one,
            generation.clone(),
        ));
    }
    loop {
        tokio::select! {
            biased;
            () = partner.poll.notified() => asked.iter().for_each(|one| one.notify_one()),
            () = generation.cancelled() => break,
        }
    }
    while loops.join_next().await.is_some() {}
}

async fn follow_stream(
    exchange: Arc<Exchange>,
    partner: Arc<Partner>,
    stream: StreamInfo,
    asked: Arc<Notify>,
    generation: CancellationToken,
) {
    while !generation.is_cancelled() {
        let lock = partner.run_lock(&stream.name);
        let alone = tokio::select! {
            biased;
            () = generation.cancelled() => return,
            alone = lock.lock() => alone,
        };
        let result = run_alone(&exchange, &partner, &stream).await;
        drop(alone);
        let wait = next_poll(&exchange, &partner, &stream, result);
        tokio::select! {
            biased;
            () = exchange.clock.sleep(wait) => {}
            () = asked.notified() => {}
            () = generation.cancelled() => {}
        }
    }
}

/// One run, alone in this process.
///
/// # Errors
/// Why it ended early; it is logged here.
pub async fn once(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    stream: &StreamInfo,
) -> Result<SyncReport, PollError> {
    let lock = partner.run_lock(&stream.name);
    let _alone = lock.lock().await;
    run_alone(exchange, partner, stream).await
}

async fn run_alone(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    stream: &StreamInfo,
) -> Result<SyncReport, PollError> {
    let result = poll::run(exchange, partner, stream).await;
    count(exchange, partner, stream, &result);
    match &result {
        Ok(_) | Err(PollError::Shut | PollError::Elsewhere | PollError::Stopped | PollError::Disk(_)) => {}
        Err(PollError::Fetch(error)) => tracing::warn!(
            partner = %partner.id, stream = stream.name, code = error.code, status = error.status, %error,
            "polling failed"
        ),
        Err(PollError::Store(StoreError::LeaseLost)) => {
            tracing::warn!(partner = %partner.id, stream = stream.name, "polling lease lost");
        }
        Err(PollError::Store(error)) => {
            tracing::error!(partner = %partner.id, stream = stream.name, %error, "polled page not stored");
        }
        Err(error @ PollError::Panicked(_)) => {
            tracing::error!(partner = %partner.id, stream = stream.name, %error, "polling broke off: it begins again at the next run");
        }
    }
    result
}

fn count(exchange: &Exchange, partner: &Partner, stream: &StreamInfo, result: &Result<SyncReport, PollError>) {
    let (meter, name) = (&exchange.meter, stream.name.as_str());
    let how = match result {
        Ok(report) => {
            for (result, count) in [
                ("version", report.versions),
                ("duplicate", report.duplicates),
                ("skipped", report.skipped),
                ("quarantined", report.quarantined),
            ] {
                meter.items(&partner.id, name, result, count);
            }
            "ok"
        }
        Err(PollError::Fetch(_) | PollError::Panicked(_)) => "failed",
        Err(PollError::Store(_) | PollError::Disk(_)) => "notStored",
        // Nobody was asked.
        Err(PollError::Shut | PollError::Elsewhere | PollError::Stopped) => return,
    };
    meter.run(&partner.id, name, how);
}

fn next_poll(
    exchange: &Exchange,
    partner: &Partner,
    stream: &StreamInfo,
    result: Result<SyncReport, PollError>,
) -> Duration {
    let interval = exchange.pace.poll_interval.unwrap_or(stream.interval);
    let now = exchange.clock.now();
    match result {
        Ok(_) | Err(PollError::Stopped) => interval,
        // The partner was not asked, or is not asked again before the disk takes writes.
        Err(PollError::Disk(_)) => interval.min(exchange.pace.idle_tick),
        Err(PollError::Store(_)) if exchange.store.trouble().is_some() => interval.min(exchange.pace.idle_tick),
        Err(PollError::Store(_) | PollError::Panicked(_)) => interval,
        // Sooner than the interval where the partner may be asked again sooner.
        Err(PollError::Shut) => match partner.gate.opens_at() {
            Some(at) if at > now => millis_between(now, at).min(interval),
            Some(_) | None => interval.min(exchange.pace.idle_tick),
        },
        Err(PollError::Elsewhere) => interval.min(exchange.pace.lease),
        Err(PollError::Fetch(error)) => {
            interval.max(error.retry_after.unwrap_or_default().min(exchange.pace.retry_after_cap))
        }
    }
}

fn millis_between(from: crate::domain::Timestamp, to: crate::domain::Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0))
}
