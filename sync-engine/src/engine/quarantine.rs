//! What arrived and is no version: run again after a fix, or put aside.

use super::{Engine, EngineError, own};
use crate::domain::PartnerId;
use crate::exchange::intake::{self, Arrival, Source, Taken, Wrong, stream_of};
use crate::exchange::{speaks_of_a_payload, unstorable};
use crate::partner::{PartnerLink, RawItem, SetAside};
use crate::store::{Lane, QuarantineQuery, QuarantineRow, QuarantineSettled, QuarantineState, StoreError, StoreExt};
use serde::Serialize;
use std::sync::PoisonError;
use utoipa::ToSchema;

/// Payloads that one request runs again at most.
const MAX_RERUN: usize = 1000;
const ROWS: u32 = 200;
/// Payloads for which the partner lets time run out, one after another, before the others are left for another time.
const UNANSWERED_IN_A_ROW: u32 = 3;

/// What came of running everything of a partner again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantineRerun {
    pub tried: u32,
    /// Became a version or an answer, or were known already.
    pub resolved: u32,
    /// Are nothing to us by now.
    pub dismissed: u32,
    pub still_wrong: u32,
    /// More than 1,000 wait: ask again for the rest.
    pub more: bool,
}

impl Engine {
    /// Takes everything of a partner (or of one of its streams) that waits in quarantine in once more, with the present
    /// configuration, in the order in which it came.
    ///
    /// # Errors
    /// As of `retry_quarantine`, where they speak of the partner or the store and not of one payload; what was done
    /// before stays done.
    pub async fn retry_all_quarantine(
        &self,
        partner: &PartnerId,
        stream: Option<&str>,
        actor: &str,
    ) -> Result<QuarantineRerun, EngineError> {
        self.partner(partner)?;
        let mut waiting = Vec::new();
        let mut cursor = None;
        loop {
            let query = QuarantineQuery {
                company: self.company().clone(),
                partner: Some(partner.clone()),
                state: Some(QuarantineState::Open),
                cursor,
                limit: ROWS,
            };
            let page = self.store().read(move |store| store.list_quarantine(&query)).await?;
            let fitting = page.items.iter().filter(|row| stream.is_none_or(|s| s == row.stream));
            waiting.extend(fitting.map(|row| row.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        // Newest first as they are listed; a change must not come before what it changes.
        waiting.reverse();
        self.go_on_with(&mut waiting, partner, stream);
        let mut report = QuarantineRerun {
            more: waiting.len() > MAX_RERUN,
            ..QuarantineRerun::default()
        };
        let mut unanswered = 0;
        for id in waiting.into_iter().take(MAX_RERUN) {
            // Its file may have been taken away meanwhile: that speaks of all of them.
            self.partner(partner)?;
            let state = match self.retry_quarantine(id, actor).await {
                Ok(row) => row.state,
                Err(error) => match fault(&error) {
                    Fault::Settled => continue,
                    Fault::All => return Err(error),
                    Fault::Silence if unanswered + 1 == UNANSWERED_IN_A_ROW => return Err(error),
                    fault @ (Fault::Silence | Fault::Item) => {
                        tracing::warn!(quarantine = id, %error, "a quarantined payload cannot be run again now");
                        unanswered = if fault == Fault::Silence { unanswered + 1 } else { 0 };
                        report.tried += 1;
                        report.still_wrong += 1;
                        continue;
                    }
                },
            };
            unanswered = 0;
            report.tried += 1;
            match state {
                QuarantineState::Resolved => report.resolved += 1,
                QuarantineState::Dismissed => report.dismissed += 1,
                QuarantineState::Open => report.still_wrong += 1,
            }
        }
        Ok(report)
    }

    /// Leaves out what the request before this one ran, when more waited than it could: those that are still wrong would
    /// stand before the rest for ever.
    fn go_on_with(&self, waiting: &mut Vec<i64>, partner: &PartnerId, stream: Option<&str>) {
        let mut reruns = self.inner.reruns.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (partner.clone(), stream.map(str::to_owned));
        let ran = reruns.remove(&key).unwrap_or_default();
        if waiting.last().is_some_and(|newest| *newest > ran) {
            waiting.retain(|id| *id > ran);
        }
        if waiting.len() > MAX_RERUN
            && let Some(last) = waiting.get(MAX_RERUN - 1)
        {
            reruns.insert(key, *last);
        }
    }

    /// Takes the payload in once more, with the present configuration. The row says what came of it. Where the partner
    /// has no sequence and a version came after it, it is stored as an earlier one and is not the current one.
    ///
    /// # Errors
    /// `NotFound`; `Refused` with `quarantine.settled`; `Config` when its partner has no good configuration.
    pub async fn retry_quarantine(&self, id: i64, actor: &str) -> Result<QuarantineRow, EngineError> {
        let row = self.open_quarantine(id).await?;
        let link = self.exchange().partners.get(&row.partner).map(|p| p.link());
        let link = link.ok_or_else(|| {
            EngineError::Config(format!(
                "{} has no configuration that is in force: mend its file first",
                row.partner
            ))
        })?;
        let stream = stream_of(link.as_ref(), &row.stream, row.kind)
            .cloned()
            .ok_or_else(|| EngineError::Config(format!("{} has no stream {} any more", row.partner, row.stream)))?;
        let payload_id = row.payload;
        let kept = self.store().read(move |store| {
            let missing = || EngineError::Internal(format!("the payload of quarantine item {id} is gone"));
            let payload = store.payload(payload_id)?.ok_or_else(missing)?;
            Ok(RawItem {
                bytes: payload.bytes.into(),
                media_type: payload.media_type,
            })
        });
        let raw = complete(link.as_ref(), &stream.name, &row.stage, kept.await?).await?;
        let (reading, name) = (std::sync::Arc::clone(&link), stream.name.clone());
        let came_at = row.received_at;
        let arrival = self.store().read(move |_| {
            Ok(match raw {
                Had::Kept(raw) => {
                    let mut arrival = intake::read(reading.as_ref(), &name, raw);
                    arrival.came_at = Some(came_at);
                    Some(arrival)
                }
                Had::Fetched(raw) => Some(intake::read(reading.as_ref(), &name, raw)),
                Had::Aside(aside) => Some(Arrival::aside(aside.raw, aside.error.into())),
                Had::NoneOfOurs => None,
            })
        });
        let arrival = arrival.await?;
        let source = Source {
            actor: actor.into(),
            ..Source::of(self.company(), link.as_ref(), &stream)
        };
        let now = self.exchange().clock.now();
        let settled = self.store().write(Lane::Interactive, move |tx| {
            let taken = match &arrival {
                Some(arrival) => intake::take_in(tx, &source, arrival, now)?,
                None => Taken::Skipped,
            };
            let how = match taken {
                Taken::Version(document) | Taken::Duplicate(document) => QuarantineSettled::Resolved(document),
                // What is nothing to us by now needs nobody.
                Taken::Skipped => QuarantineSettled::Dismissed,
                Taken::Wrong(wrong) => still(wrong),
            };
            tx.settle_quarantine(id, &how, &source.actor, now)
        });
        match settled.await {
            Ok(()) => {}
            Err(error) if speaks_of_a_payload(&error) => {
                // Not when someone else settled it meanwhile.
                self.open_quarantine(id).await?;
                tracing::error!(quarantine = id, %error, "a quarantined payload cannot be stored");
                let (how, actor) = (still(unstorable(&error)), actor.to_owned());
                let kept = self
                    .store()
                    .write(Lane::Interactive, move |tx| tx.settle_quarantine(id, &how, &actor, now));
                kept.await?;
            }
            Err(error) => return Err(error.into()),
        }
        self.quarantine_row(id).await
    }

    /// Puts a quarantined payload aside for good; it is kept.
    ///
    /// # Errors
    /// `NotFound`; `Refused` with `quarantine.settled`.
    pub async fn dismiss_quarantine(&self, id: i64, actor: &str) -> Result<QuarantineRow, EngineError> {
        self.open_quarantine(id).await?;
        let (actor, now) = (actor.to_owned(), self.exchange().clock.now());
        self.store()
            .write(Lane::Interactive, move |tx| {
                tx.settle_quarantine(id, &QuarantineSettled::Dismissed, &actor, now)
            })
            .await?;
        self.quarantine_row(id).await
    }

    async fn open_quarantine(&self, id: i64) -> Result<QuarantineRow, EngineError> {
        let row = self.quarantine_row(id).await?;
        match row.state {
            QuarantineState::Open => Ok(row),
            QuarantineState::Resolved | QuarantineState::Dismissed => Err(EngineError::Refused {
                code: "quarantine.settled",
                message: "this payload is settled already".to_owned(),
                data: serde_json::json!({ "state": row.state }),
            }),
        }
    }

    async fn quarantine_row(&self, id: i64) -> Result<QuarantineRow, EngineError> {
        let company = self.company().clone();
        let row = self
            .store()
            .read(move |store| Ok(own::quarantined(store, &company, id)?));
        Ok(row.await?)
    }
}

fn still(wrong: Wrong) -> QuarantineSettled {
    QuarantineSettled::StillWrong {
        stage: wrong.stage.to_owned(),
        problems: wrong.problems,
    }
}

/// What a run that failed says of the others that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Someone else settled it meanwhile.
    Settled,
    /// Nothing.
    Item,
    /// Nothing, unless it repeats itself: the partner let the time run out.
    Silence,
    /// They would fail as well.
    All,
}

fn fault(error: &EngineError) -> Fault {
    match error {
        EngineError::Refused {
            code: "quarantine.settled",
            ..
        }
        | EngineError::Store(StoreError::Conflict(_))
        | EngineError::NotFound { .. } => Fault::Settled,
        EngineError::Refused { code, .. } => match *code {
            "partner.timeout" | "partner.broken" => Fault::Silence,
            "partner.unreachable"
            | "partner.credentials"
            | "partner.certificate"
            | "partner.token"
            | "partner.address"
            | "partner.rate_limited" => Fault::All,
            _ => Fault::Item,
        },
        EngineError::Store(error) if !speaks_of_a_payload(error) => Fault::All,
        EngineError::Store(_) | EngineError::Config(_) | EngineError::Internal(_) => Fault::Item,
    }
}

/// What a payload is now.
enum Had {
    /// What came then.
    Kept(RawItem),
    /// What the partner says now.
    Fetched(RawItem),
    Aside(SetAside),
    /// The partner says so by now.
    NoneOfOurs,
}

/// What the partner's list named and could not be had before is asked for once more; anything else is whole.
async fn complete(link: &dyn PartnerLink, stream: &str, stage: &str, kept: RawItem) -> Result<Had, EngineError> {
    if stage != "fetch" {
        return Ok(Had::Kept(kept));
    }
    let page = link.complete(stream, vec![kept.bytes.clone()]).await;
    let mut page = page.map_err(|error| EngineError::Refused {
        code: error.code,
        message: error.message,
        data: serde_json::Value::Null,
    })?;
    Ok(match (page.items.pop(), page.set_aside.pop()) {
        (Some(raw), _) => Had::Fetched(raw),
        (None, Some(aside)) => Had::Aside(aside),
        (None, None) => Had::NoneOfOurs,
    })
}
