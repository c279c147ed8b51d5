//! What a partner brings by calling us: checked, completed, and in the store before it is answered.

use super::Exchange;
use super::intake::{self, Arrival, Source};
use super::pages;
use super::partners::Partner;
use super::poll::SyncReport;
use crate::partner::{FetchError, PushCall, PushRefusal, RawItem, StreamInfo};
use crate::store::{Lane, StoreError, StoreExt};
use std::sync::Arc;

/// Why a call is not taken. Nothing of it is answered as taken; what was stored before stays, and is recognised when
/// it comes again.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    #[error("the configuration takes no such calls")]
    Unknown,
    #[error("{0}")]
    Refused(PushRefusal),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the partner is paused, or the engine stops")]
    Shut,
}

/// Takes a call in. When it returns well, everything that it brought is stored durably.
///
/// # Errors
/// `PushError`; the partner may call again.
pub async fn take(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    stream: &StreamInfo,
    call: &PushCall<'_>,
) -> Result<SyncReport, PushError> {
    let link = partner.link();
    let pushed = link.pushed(&stream.name, call).map_err(PushError::Refused)?;
    if exchange.stopping() || partner.gate.state().paused {
        return Err(PushError::Shut);
    }
    let mut arrivals = Vec::new();
    let (items, held) = if pushed.fetch {
        let page = link.complete(&stream.name, pushed.items).await?;
        let aside = page.set_aside.into_iter();
        arrivals.extend(aside.map(|aside| Arrival::aside(aside.raw, aside.error.into())));
        (page.items, page.held)
    } else {
        let whole = pushed.items.into_iter().map(|bytes| RawItem {
            bytes,
            media_type: pushed.media_type.to_owned(),
        });
        (whole.collect(), None)
    };
    let (reading, name) = (Arc::clone(&link), stream.name.clone());
    let read = exchange.aside(move || {
        items
            .into_iter()
            .map(|raw| intake::read(reading.as_ref(), &name, raw))
            .collect::<Vec<_>>()
    });
    // A panic in one payload is caught where it is read.
    arrivals.extend(read.await.map_err(|_| PushError::Shut)?);
    let source = Arc::new(Source::of(&exchange.company, link.as_ref(), stream));
    let mut report = SyncReport::default();
    for arrival in arrivals {
        report.received += 1;
        report.add(&store(exchange, &source, arrival).await?);
    }
    tracing::info!(
        partner = %partner.id, stream = stream.name, received = report.received, versions = report.versions,
        duplicates = report.duplicates, quarantined = report.quarantined, "called"
    );
    match held {
        None => Ok(report),
        Some(error) => Err(error.into()),
    }
}

/// Takes one payload in that came in no answer of the partner, such as a file: the same way as one that was polled.
///
/// # Errors
/// The store's own; a payload that is wrong lies in quarantine.
pub async fn import(
    exchange: &Arc<Exchange>,
    partner: &Arc<Partner>,
    stream: &StreamInfo,
    raw: RawItem,
) -> Result<SyncReport, StoreError> {
    let link = partner.link();
    let source = Arc::new(Source::of(&exchange.company, link.as_ref(), stream));
    let name = stream.name.clone();
    let read = exchange.aside(move || intake::read(link.as_ref(), &name, raw));
    let arrival = read.await?;
    let mut report = SyncReport {
        received: 1,
        ..SyncReport::default()
    };
    report.add(&store(exchange, &source, arrival).await?);
    Ok(report)
}

/// One payload in a transaction of its own; one that cannot be stored as a version goes to quarantine.
async fn store(exchange: &Exchange, source: &Arc<Source>, arrival: Arrival) -> Result<SyncReport, StoreError> {
    let now = exchange.clock.now();
    let arrival = Arc::new(arrival);
    let (of, one) = (Arc::clone(source), Arc::clone(&arrival));
    let stored = exchange
        .store
        .write(Lane::Bulk, move |tx| {
            pages::store_chunk(tx, &of, std::slice::from_ref(&one), now)
        })
        .await;
    match stored {
        Err(error) if pages::speaks_of_a_payload(&error) => {
            let wrong = pages::unstorable(&error);
            let of = Arc::clone(source);
            let put = exchange
                .store
                .write(Lane::Bulk, move |tx| pages::put_aside(tx, &of, &arrival, &wrong, now));
            put.await?;
            Ok(SyncReport {
                quarantined: 1,
                ..SyncReport::default()
            })
        }
        stored => stored,
    }
}
