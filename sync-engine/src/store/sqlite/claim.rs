//! Claims under leases with epochs. Costs as much as it claims, however deep the queue is.

use super::jobs::{self, Job};
use super::text::{Json, json};
use super::tx::{Tx, one_row};
use crate::domain::{DeliveryState, DocumentId, OperationId, PartnerId, Progress, Timestamp};
use crate::store::{ClaimRequest, Claimed, NextRequest, StoreError, StoredRequest};
use rusqlite::{OptionalExtension, Row};
use std::collections::HashSet;

/// Leases that ran out and are looked at by one claim.
const TAKEOVERS_AT_ONCE: u32 = 1_000;

/// What a claim reads of an operation, after the columns of its job.
const WHAT: &str = "d.number, o.version, o.kind, a.answer, o.attempts - o.attempts_before, o.created_at,
    o.scheduled_from, o.receipt, r.method, r.url, r.headers, r.media_type, r.body, r.hash,
    r.made_with, o.left_in, o.sent_as, o.progress";
const JOINS: &str = "JOIN document d ON d.id = o.document_id JOIN operation_answer a ON a.operation_seq = o.seq
    LEFT JOIN request r ON r.operation_seq = o.seq";

pub fn due_sql() -> String {
    format!(
        "SELECT {columns}, {WHAT} FROM operation o INDEXED BY operation_ready {JOINS}
         WHERE o.ready = 1 AND o.company = ?1 AND o.partner = ?2 AND o.due_at <= ?3
           AND NOT EXISTS (SELECT 1 FROM operation f
                           WHERE f.document_id = o.document_id AND f.lease_until IS NOT NULL)
         ORDER BY o.due_at, o.seq LIMIT ?4",
        columns = jobs::COLUMNS
    )
}

/// In no order: there are at most as many as were in flight when an engine ended.
pub fn expired_sql() -> String {
    format!(
        "SELECT {columns}, {WHAT} FROM operation o INDEXED BY operation_in_flight {JOINS}
         WHERE o.lease_until IS NOT NULL AND o.lease_until <= ?1 AND o.company = ?2 LIMIT ?3",
        columns = jobs::COLUMNS
    )
}

pub fn claim(tx: &mut Tx<'_>, request: &ClaimRequest<'_>) -> Result<Vec<Claimed>, StoreError> {
    let mut claimed = Vec::new();
    let mut free: Vec<(&PartnerId, u32)> = request.partners.iter().map(|(p, n)| (p, *n)).collect();
    for found in expired(tx, request)? {
        if request.working.contains(&found.job.id) {
            continue;
        }
        let partner = &found.job.partner;
        let Some((_, places)) = free.iter_mut().find(|(p, n)| *p == partner && *n > 0) else {
            continue;
        };
        *places -= 1;
        claimed.push(take(tx, found, request, true)?);
    }
    // Two operations of one document can both be due: one to send, one to verify.
    let mut documents: HashSet<DocumentId> = claimed.iter().map(|c| c.document).collect();
    for (partner, places) in free {
        for found in due(tx, request, partner, places)? {
            if documents.insert(found.job.document) {
                claimed.push(take(tx, found, request, false)?);
            }
        }
    }
    Ok(claimed)
}

/// An operation that can be claimed.
struct Found {
    job: Job,
    claimed: Claimed,
    /// A request that has not left, and what it was made with.
    draft: Option<(StoredRequest, String)>,
}

fn expired(tx: &Tx<'_>, request: &ClaimRequest<'_>) -> Result<Vec<Found>, StoreError> {
    let mut select = tx.db.prepare_cached(&expired_sql())?;
    let rows = select.query_map((request.now, request.company, TAKEOVERS_AT_ONCE), read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn due(tx: &Tx<'_>, request: &ClaimRequest<'_>, partner: &PartnerId, places: u32) -> Result<Vec<Found>, StoreError> {
    if places == 0 {
        return Ok(Vec::new());
    }
    let mut select = tx.db.prepare_cached(&due_sql())?;
    let rows = select.query_map((request.company, partner, request.now, places), read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Found> {
    let job = jobs::read(row)?;
    let stored = match row.get(19)? {
        None => None,
        Some(method) => Some(request(row, method, 20)?),
    };
    let (made_with, left_in): (Option<String>, Option<i64>) = (row.get(25)?, row.get(26)?);
    let (stored, draft) = match (stored, made_with, left_in) {
        (Some(draft), Some(made_with), None) => (None, Some((draft, made_with))),
        (stored, _, _) => (stored, None),
    };
    let claimed = Claimed {
        operation: job.id,
        key: row.get::<_, Option<OperationId>>(27)?.unwrap_or(job.id),
        epoch: job.epoch,
        lease_until: Timestamp(0),
        company: job.company.clone(),
        partner: job.partner.clone(),
        document: job.document,
        document_number: row.get(11)?,
        version: row.get(12)?,
        kind: row.get(13)?,
        answer: row.get::<_, Json<serde_json::Value>>(14)?.0,
        attempts: row.get(15)?,
        created_at: row.get(16)?,
        scheduled_from: row.get(17)?,
        receipt: row.get::<_, Option<Json<serde_json::Value>>>(18)?.map(|json| json.0),
        request: stored,
        leaves_first: false,
        was: job.state,
        taken_over: false,
        progress: row.get::<_, Option<Json<Progress>>>(28)?.map(|json| json.0),
    };
    Ok(Found { job, claimed, draft })
}

fn request(row: &Row<'_>, method: String, from: usize) -> rusqlite::Result<StoredRequest> {
    Ok(StoredRequest {
        method,
        url: row.get(from)?,
        headers: row.get::<_, Json<Vec<(String, String)>>>(from + 1)?.0,
        media_type: row.get(from + 2)?,
        body: row.get::<_, Vec<u8>>(from + 3)?.into(),
        hash: row.get(from + 4)?,
    })
}

/// Sets lease and epoch. `Queued` and `Retrying` become `Sending`; `Unknown` and `Delivered` keep their state while they
/// are looked up. A lease that ran out while sending leaves it open whether the partner has it.
fn take(tx: &mut Tx<'_>, found: Found, request: &ClaimRequest<'_>, taken_over: bool) -> Result<Claimed, StoreError> {
    let Found {
        job,
        mut claimed,
        draft,
    } = found;
    let (state, was) = match job.state {
        DeliveryState::Sending => (DeliveryState::Sending, DeliveryState::Unknown),
        DeliveryState::Unknown | DeliveryState::Delivered => (job.state, job.state),
        DeliveryState::Queued | DeliveryState::Retrying => (DeliveryState::Sending, job.state),
        DeliveryState::Applied | DeliveryState::Held | DeliveryState::Dead | DeliveryState::Withdrawn => {
            return Err(StoreError::Corrupt(format!(
                "operation {} is {:?} and ready",
                job.id, job.state
            )));
        }
    };
    // Not one that a new version holds, and not one that may have left in another form.
    let first = was == DeliveryState::Queued && !taken_over && !job.hold;
    let draft = draft.filter(|(_, made_with)| first && request.made_with.contains(made_with));
    let changed = tx
        .db
        .prepare_cached(
            "UPDATE operation SET state = ?3, ready = 0, epoch = ?2 + 1, lease_holder = ?4, lease_until = ?5,
             claimed_from = ?6, updated_at = ?7, left_in = CASE WHEN ?8 THEN ?2 + 1 ELSE left_in END
             WHERE seq = ?1 AND epoch = ?2",
        )?
        .execute((
            job.seq,
            job.epoch,
            state,
            request.holder,
            request.lease_until,
            was,
            request.now,
            draft.is_some(),
        ))?;
    one_row(changed, "operation", job.id)?;
    jobs::moved(tx, &job, state, request.now)?;
    if let Some((draft, _)) = draft {
        claimed.request = Some(draft);
        claimed.leaves_first = true;
    }
    Ok(Claimed {
        epoch: job.epoch + 1,
        lease_until: request.lease_until,
        was,
        taken_over,
        ..claimed
    })
}

/// Nothing was sent under `epoch`: what it let leave is a draft again.
pub fn did_not_leave(tx: &Tx<'_>, job: &Job) -> Result<(), StoreError> {
    tx.db
        .prepare_cached("UPDATE operation SET left_in = NULL WHERE seq = ?1 AND left_in = ?2")?
        .execute((job.seq, job.epoch))?;
    Ok(())
}

pub fn draft_request(
    tx: &mut Tx<'_>,
    id: OperationId,
    request: &StoredRequest,
    made_with: &str,
) -> Result<(), StoreError> {
    let job = jobs::job(tx, id)?;
    tx.db
        .prepare_cached(
            "INSERT INTO request (operation_seq, method, url, headers, media_type, body, hash, made_with)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            job.seq,
            &request.method,
            &request.url,
            json(&request.headers)?,
            &request.media_type,
            &request.body[..],
            request.hash,
            made_with,
        ))?;
    Ok(())
}

/// One that may have left.
fn stored_request(tx: &Tx<'_>, seq: i64) -> Result<Option<StoredRequest>, StoreError> {
    Ok(tx
        .db
        .prepare_cached(
            "SELECT r.method, r.url, r.headers, r.media_type, r.body, r.hash
             FROM operation o JOIN request r ON r.operation_seq = o.seq
             WHERE o.seq = ?1 AND (r.made_with IS NULL OR o.left_in IS NOT NULL)",
        )?
        .query_row([seq], |row| request(row, row.get(0)?, 1))
        .optional()?)
}

pub fn store_request(
    tx: &mut Tx<'_>,
    id: OperationId,
    epoch: i64,
    request: &StoredRequest,
) -> Result<StoredRequest, StoreError> {
    let job = jobs::leased_job(tx, id, epoch)?;
    if let Some(stored) = stored_request(tx, job.seq)? {
        return Ok(stored);
    }
    tx.db
        .prepare_cached(
            "INSERT INTO request (operation_seq, method, url, headers, media_type, body, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (operation_seq) DO UPDATE SET method = excluded.method, url = excluded.url,
             headers = excluded.headers, media_type = excluded.media_type, body = excluded.body,
             hash = excluded.hash, made_with = NULL",
        )?
        .execute((
            job.seq,
            &request.method,
            &request.url,
            json(&request.headers)?,
            &request.media_type,
            &request.body[..],
            request.hash,
        ))?;
    Ok(request.clone())
}

/// The stored request is through: what is stored next belongs to `progress`.
pub fn go_on(tx: &Tx<'_>, job: &Job, next: NextRequest<'_>, at: Timestamp) -> Result<(), StoreError> {
    let changed = tx
        .db
        .prepare_cached(
            "UPDATE operation SET progress = ?2, left_in = NULL,
             attempts_before = CASE WHEN ?3 THEN attempts ELSE attempts_before END,
             scheduled_from = CASE WHEN ?3 THEN ?4 ELSE scheduled_from END
             WHERE seq = ?1",
        )?
        .execute((job.seq, json(next.progress)?, next.onward, at))?;
    one_row(changed, "operation", job.id)?;
    tx.db
        .prepare_cached("DELETE FROM request WHERE operation_seq = ?1")?
        .execute([job.seq])?;
    Ok(())
}

pub fn renew_lease(tx: &mut Tx<'_>, id: OperationId, epoch: i64, until: Timestamp) -> Result<(), StoreError> {
    let job = jobs::leased_job(tx, id, epoch)?;
    let changed = tx
        .db
        .prepare_cached(
            "UPDATE operation SET lease_until = ?3 WHERE seq = ?1 AND epoch = ?2 AND lease_until IS NOT NULL",
        )?
        .execute((job.seq, epoch, until))?;
    one_row(changed, "operation", id)
}
