//! What a person has to know of for as long as it lasts: told once when it begins and once when it ends, however many
//! attempts fail in between, also over restarts and by whichever engine sees it.

use super::Exchange;
use crate::domain::{CompanyId, PartnerId};
use crate::store::{BreakerState, IncidentRow, Lane, PartnerState, PresentIncident, Store, StoreError, StoreExt};
use std::sync::{Arc, PoisonError};

/// The partner does not answer: the breaker is not closed.
pub const UNREACHABLE: &str = "partner.unreachable";
/// The partner refuses our credentials.
pub const CREDENTIALS: &str = "partner.credentials";
/// A configuration file has mistakes; the last good one stays in force where there was one.
pub const CONFIGURATION: &str = "partner.configuration";
/// Operations of this partner wait for a person in the dead-letter list.
pub const DEAD: &str = "queue.dead";
/// The scheduled backup cannot be made.
pub const BACKUP: &str = "care.backup";
/// What is old and settled cannot be archived.
pub const ARCHIVE: &str = "care.archive";
/// Each kind in words.
const IN_WORDS: [(&str, &str); 6] = [
    (UNREACHABLE, "the partner cannot be reached"),
    (CREDENTIALS, "the partner refuses our credentials"),
    (CONFIGURATION, "the partner's configuration is wrong"),
    (DEAD, "answers could not be delivered"),
    (BACKUP, "the scheduled backup fails"),
    (ARCHIVE, "what is old cannot be archived"),
];

/// A kind in words; one of a newer program stays the code that it is.
pub fn in_words(kind: &str) -> &str {
    let known = IN_WORDS.iter().find(|(known, _)| *known == kind);
    known.map_or(kind, |(_, words)| words)
}

/// Subject of the incidents of care: there is one database.
const DATABASE: &str = "database";

/// Compares what is with what was told, and writes down and tells what turned.
pub async fn look(exchange: &Arc<Exchange>) {
    let company = exchange.company.clone();
    let looking = Arc::clone(exchange);
    let read = exchange.store.read(move |store| {
        let open = store.open_incidents(&company)?;
        let present = present(&looking, store, &company, &open)?;
        let same = open.len() == present.len()
            && present
                .iter()
                .all(|p| open.iter().any(|o| o.kind == p.kind && o.subject == p.subject));
        Ok((!same).then_some(present))
    });
    let present = match read.await {
        Ok(None) => return,
        Ok(Some(present)) => present,
        Err(error) => return tracing::error!(%error, "what goes wrong cannot be looked up"),
    };
    let (company, now) = (exchange.company.clone(), exchange.clock.now());
    let settled = exchange
        .store
        .write(Lane::Bulk, move |tx| tx.settle_incidents(&company, &present, now));
    match settled.await {
        Ok(turns) => {
            for turn in turns {
                let of = &turn.incident;
                if turn.began {
                    tracing::warn!(
                        kind = of.kind,
                        subject = of.subject,
                        detail = of.detail,
                        "incident began"
                    );
                } else {
                    tracing::info!(kind = of.kind, subject = of.subject, "incident ended");
                }
            }
        }
        Err(error) => tracing::error!(%error, "what goes wrong cannot be written down"),
    }
}

fn present(
    exchange: &Exchange,
    store: &dyn Store,
    company: &CompanyId,
    open: &[IncidentRow],
) -> Result<Vec<PresentIncident>, StoreError> {
    let mut found = cares(exchange, open);
    for state in store.partner_states(company)? {
        if exchange.partners.get(&state.partner).is_some() && !state.paused {
            found.extend(of_partner(&state));
        }
    }
    for file in exchange.partners.files() {
        if let Some(first) = file.errors.first() {
            found.push(PresentIncident {
                kind: CONFIGURATION.to_owned(),
                subject: file.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                detail: first.clone(),
            });
        }
    }
    found.extend(dead_letters(store, company, open)?);
    Ok(found)
}

/// Of each partner that has any. Only the newest are looked at: where there are more, one that was told stays.
fn dead_letters(
    store: &dyn Store,
    company: &CompanyId,
    open: &[IncidentRow],
) -> Result<Vec<PresentIncident>, StoreError> {
    let all = store.counters(company)?.dead;
    if all == 0 {
        return Ok(Vec::new());
    }
    let by_partner = store.dead_by_partner(company)?;
    let seen: i64 = by_partner.iter().map(|(_, count)| count).sum();
    let mut found: Vec<PresentIncident> = by_partner
        .iter()
        .map(|(partner, count)| dead(partner, *count))
        .collect();
    if seen < all {
        let not_seen = |told: &&IncidentRow| told.kind == DEAD && found.iter().all(|f| f.subject != told.subject);
        let kept: Vec<PresentIncident> = open.iter().filter(not_seen).map(as_told).collect();
        found.extend(kept);
    }
    Ok(found)
}

fn as_told(told: &IncidentRow) -> PresentIncident {
    PresentIncident {
        kind: told.kind.clone(),
        subject: told.subject.clone(),
        detail: told.detail.clone(),
    }
}

/// What care found last; an engine that has not looked yet, or takes no care, leaves it as it was told.
fn cares(exchange: &Exchange, open: &[IncidentRow]) -> Vec<PresentIncident> {
    let known = exchange.cared.lock().unwrap_or_else(PoisonError::into_inner);
    let of_kind = |kind: &str| match known.get(kind) {
        None => open.iter().find(|o| o.kind == kind).map(as_told),
        Some(trouble) => trouble.as_ref().map(|detail| PresentIncident {
            kind: kind.to_owned(),
            subject: DATABASE.to_owned(),
            detail: detail.clone(),
        }),
    };
    [BACKUP, ARCHIVE].into_iter().filter_map(of_kind).collect()
}

fn of_partner(state: &PartnerState) -> Option<PresentIncident> {
    let kind = match (state.credentials_broken, state.breaker) {
        (true, _) => CREDENTIALS,
        (false, BreakerState::Open | BreakerState::HalfOpen) => UNREACHABLE,
        (false, BreakerState::Closed) => return None,
    };
    let error = state.last_error.as_ref();
    let words = error.and_then(|e| e.message.clone()).or(error.map(|e| e.code.clone()));
    Some(PresentIncident {
        kind: kind.to_owned(),
        subject: state.partner.0.clone(),
        detail: words.unwrap_or_default(),
    })
}

fn dead(partner: &PartnerId, count: i64) -> PresentIncident {
    PresentIncident {
        kind: DEAD.to_owned(),
        subject: partner.0.clone(),
        detail: match count {
            1 => "1 could not be delivered and waits for a person".to_owned(),
            more => format!("{more} could not be delivered and wait for a person"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{ARCHIVE, BACKUP, CONFIGURATION, CREDENTIALS, DEAD, UNREACHABLE, in_words};

    #[test]
    fn every_kind_has_words() {
        for kind in [UNREACHABLE, CREDENTIALS, CONFIGURATION, DEAD, BACKUP, ARCHIVE] {
            assert!(in_words(kind).contains(' ') && !in_words(kind).contains(kind), "{kind}");
        }
        assert_eq!(in_words("queue.newer"), "queue.newer");
    }
}
