//! Writes a decision: compares the chain it asks for with the one that is stored, and changes what differs.

use super::chain::{self, Head, Stored};
use super::facts::{Current, Facts};
use super::jobs::{self, Move};
use super::journal::{AuditEntry, Counter, Placed, WordsChange};
use super::text::json;
use super::tx::{Tx, one_row};
use super::{versions, words};
use crate::domain::chain::{Attention, needs_answer};
use crate::domain::{Chain, DeliveryState, DocumentId, Outcome, VersionHead};
use crate::store::{ApplyChange, ChangeKind, StoreError};
use rusqlite::ToSql;

pub fn apply(tx: &mut Tx<'_>, change: &ApplyChange<'_>) -> Result<DocumentId, StoreError> {
    match (change.decision.outcome, change.id) {
        (Outcome::Refused(refusal), _) => Err(StoreError::Conflict(format!(
            "a refused event ({refusal:?}) changes nothing and cannot be applied"
        ))),
        (Outcome::Duplicate, Some(id)) => {
            tx.journal.count(&change.key.company, Counter::Duplicates, 1);
            Ok(id)
        }
        (Outcome::Applied | Outcome::Conflict | Outcome::Stale | Outcome::Late, Some(id)) => update(tx, change, id),
        (_, None) => insert(tx, change),
    }
}

fn current_of(chain: &Chain) -> Result<&VersionHead, StoreError> {
    chain
        .current_version()
        .ok_or_else(|| StoreError::Conflict("a document has a current version".to_owned()))
}

fn insert(tx: &mut Tx<'_>, change: &ApplyChange<'_>) -> Result<DocumentId, StoreError> {
    let chain = &change.decision.chain;
    let current = current_of(chain)?;
    let (version, content) = versions::added(change)?
        .ok_or_else(|| StoreError::Conflict("a new document comes with its first version".to_owned()))?;
    let row = versions::next_row(tx)?;
    let entry = tx.next_entry()?;
    let needs = needs_answer(chain);
    let attention = &change.decision.attention;
    tx.db
        .prepare_cached(
            "INSERT INTO document (company, partner, kind, number, side, state, current, current_state, current_purpose,
             current_version, agreed, before_cancel, counterparty, needs_answer, promised_key, answer_due, line_count,
             total_minor, total_currency, change_summary, conflict, gap, doubtful, updated_at,
             history, last_day)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
             ?23, ?24, ?25, ?26)",
        )
        .and_then(|mut insert| {
            let facts = Facts::of(content, chain.side);
            insert.execute(rusqlite::params![
                change.key.company,
                change.key.partner,
                change.key.kind,
                change.key.number,
                chain.side,
                chain.state,
                current.number,
                current.state,
                current.purpose,
                row,
                chain.agreed,
                chain.before_cancel,
                facts.counterparty,
                needs,
                facts.promised_key,
                facts.answer_due,
                facts.line_count,
                facts.total_minor,
                facts.total_currency,
                facts.change_summary,
                attention.contains(&Attention::SequenceConflict),
                attention.contains(&Attention::SequenceGap),
                facts.doubtful,
                change.at,
                entry,
                facts.last_day,
            ])
        })
        .map_err(|e| known_already(e, change))?;
    let id = DocumentId(tx.db.last_insert_rowid());
    versions::insert(tx, change, id, row, version, content)?;
    tx.journal.words(WordsChange::Put {
        version: row,
        text: words::of(content),
    });
    let company = &change.key.company;
    tx.journal.count(company, Counter::Documents, 1);
    tx.journal.count(company, Counter::NeedsAnswer, i64::from(needs));
    record(tx, change, id, (entry, None))?;
    Ok(id)
}

fn known_already(error: rusqlite::Error, change: &ApplyChange<'_>) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::Conflict(format!(
            "document {} of {} is in the store already ({error})",
            change.key.number, change.key.partner
        )),
        _ => StoreError::from(error),
    }
}

fn update(tx: &mut Tx<'_>, change: &ApplyChange<'_>, id: DocumentId) -> Result<DocumentId, StoreError> {
    let Stored { loaded, head } = tx.stored(id)?;
    if loaded.key != *change.key {
        return Err(StoreError::Conflict(format!(
            "document {id} is {:?}, not {:?}",
            loaded.key, change.key
        )));
    }
    let chain = &change.decision.chain;
    let added = versions::added(change)?;
    versions::check_kept(&loaded.chain, chain, change.decision.stored)?;
    let mut current = None;
    if let Some((version, content)) = added {
        let row = versions::next_row(tx)?;
        versions::insert(tx, change, id, row, version, content)?;
        if chain.current == Some(version.number) {
            current = Some(Current {
                row,
                facts: Facts::of(content, chain.side),
                text: words::of(content),
            });
        }
    }
    versions::write_states(tx, id, &loaded.chain, chain)?;
    settle_holds(tx, change, id)?;
    if current.is_none() && chain.current != loaded.chain.current {
        current = Some(Current::stored(tx.db, id, current_of(chain)?.number, chain.side)?);
    }
    let needs = needs_answer(chain);
    let entry = tx.next_entry()?;
    write_head(tx, change, id, &head, entry, current.as_ref())?;
    if let Some(Current { row, text, .. }) = current
        && row != head.current_version
    {
        tx.journal.words(WordsChange::Remove {
            version: head.current_version,
        });
        tx.journal.words(WordsChange::Put { version: row, text });
    }
    let by = i64::from(needs) - i64::from(head.needs_answer);
    tx.journal.count(&change.key.company, Counter::NeedsAnswer, by);
    tx.settled(id);
    record(tx, change, id, (entry, head.history))?;
    Ok(id)
}

/// Whether the document needs an answer, from its chain as it is stored now.
pub fn settle_needs_answer(tx: &mut Tx<'_>, id: DocumentId) -> Result<(), StoreError> {
    tx.forget();
    let Stored { loaded, head } = tx.stored(id)?;
    let needs = needs_answer(&loaded.chain);
    if needs == head.needs_answer {
        return Ok(());
    }
    let changed = tx
        .db
        .prepare_cached("UPDATE document SET needs_answer = ?2 WHERE id = ?1 AND needs_answer <> ?2")?
        .execute((id, needs))?;
    one_row(changed, "document", id)?;
    let by = if needs { 1 } else { -1 };
    tx.journal.count(&loaded.key.company, Counter::NeedsAnswer, by);
    tx.journal.change(ChangeKind::Document, id.to_string(), Some(id));
    Ok(())
}

/// Holds waiting jobs whose answer the chain holds, and queues those it let go. One that is in flight is marked: it is
/// held when it comes back.
fn settle_holds(tx: &mut Tx<'_>, change: &ApplyChange<'_>, id: DocumentId) -> Result<(), StoreError> {
    let pending = &change.decision.chain.pending;
    if pending.is_empty() {
        return Ok(());
    }
    for stored in chain::unfinished(tx.db, id)? {
        let Some(answer) = pending.iter().find(|p| p.operation == stored.answer.operation) else {
            continue;
        };
        if answer.held == stored.answer.held {
            continue;
        }
        let job = jobs::job_by_seq(tx, stored.seq)?;
        let waits = matches!(job.state, DeliveryState::Queued | DeliveryState::Retrying) && !job.leased;
        let (to, due_at) = match (answer.held, job.state) {
            (true, _) if waits => (DeliveryState::Held, None),
            (false, DeliveryState::Held) => (DeliveryState::Queued, Some(change.at)),
            (held, _) => {
                jobs::set_hold(tx, &job, held)?;
                continue;
            }
        };
        let at = change.at;
        jobs::move_to(tx, &job, &Move { to, due_at, at })?;
    }
    Ok(())
}

/// Stays until a version without a conflict takes its place.
fn conflict_after(change: &ApplyChange<'_>, before: bool) -> bool {
    let decision = change.decision;
    if decision.attention.contains(&Attention::SequenceConflict) {
        return true;
    }
    let replaced = decision.outcome == Outcome::Applied && decision.stored.is_some();
    before && !replaced
}

/// As the newest stored version left it.
fn gap_after(change: &ApplyChange<'_>, before: bool) -> bool {
    let gap = change.decision.attention.contains(&Attention::SequenceGap);
    if change.decision.stored.is_some() {
        gap
    } else {
        before || gap
    }
}

/// Columns that are written by every decision, and those that only another current version changes: the row's many
/// columns are not written for nothing.
const HEAD: &str =
    "state = ?2, current = ?3, current_state = ?4, current_purpose = ?5, agreed = ?6, before_cancel = ?7,
    needs_answer = ?8, conflict = ?9, gap = ?10, updated_at = ?11, change_summary = ?12,
    in_delivery = in_delivery + ?13, operation = coalesce(?14, operation), history = ?15";
const FACTS: &str = "current_version = ?16, counterparty = ?17, promised_key = ?18, answer_due = ?19, line_count = ?20,
    total_minor = ?21, total_currency = ?22, doubtful = ?23, last_day = ?24";

fn write_head(
    tx: &mut Tx<'_>,
    change: &ApplyChange<'_>,
    id: DocumentId,
    before: &Head,
    entry: i64,
    current: Option<&Current>,
) -> Result<(), StoreError> {
    tx.forget();
    let (by, newest) = tx
        .delivery_of(id)
        .map_or((0, None), |delivery| (delivery.by, delivery.newest));
    let chain = &change.decision.chain;
    let version = current_of(chain)?;
    let (needs, conflict) = (needs_answer(chain), conflict_after(change, before.conflict));
    let gap = gap_after(change, before.gap);
    // Agreed on the current version: nothing differs from what is agreed.
    let summary = current
        .map_or(&before.change_summary, |current| &current.facts.change_summary)
        .as_ref()
        .filter(|_| chain.agreed != chain.current);
    let head: [&dyn ToSql; 15] = [
        &id,
        &chain.state,
        &version.number,
        &version.state,
        &version.purpose,
        &chain.agreed,
        &chain.before_cancel,
        &needs,
        &conflict,
        &gap,
        &change.at,
        &summary,
        &by,
        &newest,
        &entry,
    ];
    let changed = match current {
        None => tx
            .db
            .prepare_cached(&format!("UPDATE document SET {HEAD} WHERE id = ?1"))?
            .execute(&head[..])?,
        Some(Current { row, facts, .. }) => {
            let facts: [&dyn ToSql; 9] = [
                row,
                &facts.counterparty,
                &facts.promised_key,
                &facts.answer_due,
                &facts.line_count,
                &facts.total_minor,
                &facts.total_currency,
                &facts.doubtful,
                &facts.last_day,
            ];
            tx.db
                .prepare_cached(&format!("UPDATE document SET {HEAD}, {FACTS} WHERE id = ?1"))?
                .execute(&[&head[..], &facts[..]].concat()[..])?
        }
    };
    one_row(changed, "document", id)
}

/// `entry` stands in the document's row already, in place of `earlier`.
fn record(
    tx: &mut Tx<'_>,
    change: &ApplyChange<'_>,
    id: DocumentId,
    (entry, earlier): (i64, Option<i64>),
) -> Result<(), StoreError> {
    tx.journal.audit(Placed {
        id: entry,
        earlier,
        entry: AuditEntry {
            at: change.at,
            company: change.key.company.clone(),
            partner: Some(change.key.partner.clone()),
            actor: change.actor.to_owned(),
            action: change.action.to_owned(),
            document: Some(id),
            detail: json(&change.detail)?,
        },
    });
    tx.journal.change(ChangeKind::Document, id.to_string(), Some(id));
    Ok(())
}
