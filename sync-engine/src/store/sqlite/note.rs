//! History's entries for what changed no chain.

use super::journal::{AuditEntry, Counter};
use super::text::json;
use super::tx::Tx;
use crate::domain::DocumentId;
use crate::store::{ChangeKind, Note, StoreError};

pub fn note(tx: &mut Tx<'_>, note: &Note<'_>) -> Result<(), StoreError> {
    match (note.action, note.document) {
        (Note::DUPLICATE, _) => {
            tx.journal.count(note.company, Counter::Duplicates, 1);
            return Ok(());
        }
        // The same conflict comes with every poll: told once.
        (Note::CONFLICT, Some(id)) if !mark_conflict(tx, id)? => return Ok(()),
        _ => {}
    }
    tx.audit(AuditEntry {
        at: note.at,
        company: note.company.clone(),
        partner: note.partner.cloned(),
        actor: note.actor.to_owned(),
        action: note.action.to_owned(),
        document: note.document,
        detail: json(&note.detail)?,
    })?;
    match (note.document, note.partner) {
        (Some(id), _) => tx.journal.change(ChangeKind::Document, id.to_string(), Some(id)),
        (None, Some(partner)) => tx.journal.change(ChangeKind::Partner, partner.0.clone(), None),
        (None, None) => {}
    }
    Ok(())
}

/// Whether the mark is new.
fn mark_conflict(tx: &mut Tx<'_>, id: DocumentId) -> Result<bool, StoreError> {
    tx.forget();
    let changed = tx
        .db
        .prepare_cached("UPDATE document SET conflict = 1 WHERE id = ?1 AND conflict = 0")?
        .execute([id])?;
    Ok(changed == 1)
}
