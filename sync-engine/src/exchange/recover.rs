//! What waits for no good reason any more goes at once: a partner is back after an outage, a clock that was ahead is set
//! right.

use super::Exchange;
use super::pace::millis;
use super::partners::Partner;
use crate::domain::{DeliveryState, Timestamp};
use crate::store::{Lane, OperationQuery, OperationRow, StoreError, StoreExt};

/// Operations hastened in one transaction; the others keep their time.
const MOST: u32 = 200;
const ACTOR: &str = "engine";

/// Makes due now what has never been answered. What the partner answered (Retry-After, an error of its own) keeps the
/// time that was set for it.
pub async fn hasten(exchange: &Exchange, partner: &Partner) {
    let query = OperationQuery {
        company: Some(exchange.company.clone()),
        partner: Some(partner.id.clone()),
        states: vec![DeliveryState::Retrying, DeliveryState::Unknown],
        limit: MOST,
        ..OperationQuery::default()
    };
    let now = exchange.clock.now();
    let waiting = exchange.store.read(move |store| store.list_operations(&query)).await;
    let hastened = match waiting {
        Ok(page) => hasten_rows(exchange, page.items, now).await,
        Err(error) => Err(error),
    };
    match hastened {
        Ok(0) => {}
        Ok(count) => tracing::info!(partner = %partner.id, count, "hastened after an outage"),
        Err(error) => tracing::error!(partner = %partner.id, %error, "not hastened: each keeps its time"),
    }
}

/// After the clock was set back: what was put off by the time that it showed before is due, at every partner.
pub async fn catch_up(exchange: &Exchange) {
    let now = exchange.clock.now();
    let lease_until = now.plus_millis(millis(exchange.pace.lease));
    match exchange
        .store
        .write(Lane::Bulk, move |tx| tx.catch_up(now, lease_until))
        .await
    {
        Ok(0) => {}
        Ok(count) => tracing::warn!(count, "the clock was ahead: what it put off is due now"),
        Err(error) => tracing::error!(%error, "what a wrong clock put off keeps its time"),
    }
    for partner in exchange.partners.all() {
        partner.gate.hasten(now);
    }
}

async fn hasten_rows(exchange: &Exchange, rows: Vec<OperationRow>, now: Timestamp) -> Result<usize, StoreError> {
    let unanswered = |row: &OperationRow| row.last_error.as_ref().is_some_and(|e| e.status.is_none());
    let later = |row: &OperationRow| row.due_at.is_some_and(|due| due > now);
    let ids: Vec<_> = rows
        .iter()
        .filter(|row| unanswered(row) && later(row))
        .map(|row| row.id)
        .collect();
    let done = exchange.store.write(Lane::Bulk, move |tx| {
        let mut count = 0;
        for id in ids {
            // Between reading and writing it may have been claimed, or a person may have acted on it.
            let row = tx.operation(id)?;
            let Some(row) = row.filter(|r| matches!(r.state, DeliveryState::Retrying | DeliveryState::Unknown)) else {
                continue;
            };
            match tx.set_operation_state(id, row.state, now, ACTOR) {
                Ok(()) => count += 1,
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    });
    done.await
}
