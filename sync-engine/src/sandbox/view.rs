//! What the sandbox tells of itself: `GET /sandbox/state`.

use super::compose::moment;
use super::sales::Mood;
use super::world::{OrderChain, Recorded, World};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The whole state, for tests and for people.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SandboxState {
    pub orders: Vec<DocumentView>,
    pub delivery_notes: Vec<DocumentView>,
    /// Answers taken, by idempotency key.
    pub operations: Vec<OperationView>,
    /// One row per document version and kind of answer; a count above one is an effect that happened twice.
    pub effects: Vec<EffectView>,
    /// How the next documents that are issued to it are answered; those after them are confirmed.
    pub moods: Vec<Mood>,
    pub counts: Counts,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentView {
    pub number: String,
    /// Version that an answer has to name.
    pub version: u32,
    pub status: String,
    pub versions: Vec<VersionView>,
    pub language: String,
    /// Orders only.
    pub currency: Option<String>,
    /// Lines of the current version.
    pub lines: usize,
    /// Idempotency key of the answer applied last.
    pub response_key: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    pub version: u32,
    /// `PURCHASE_ORDER…`, or the status of a delivery note.
    pub kind: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationView {
    pub key: String,
    pub operation_id: String,
    pub operation: String,
    pub number: String,
    pub version: u32,
    /// `RECEIVED`, `APPLIED` or `FAILED`.
    pub status: String,
    pub error: Option<String>,
    pub received_at: String,
    pub applied_at: Option<String>,
    /// How often the same was posted again.
    pub replays: u32,
    pub body: serde_json::Value,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectView {
    pub number: String,
    pub version: u32,
    pub operation: String,
    pub count: u32,
    pub keys: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub orders: usize,
    pub order_versions: usize,
    pub delivery_notes: usize,
    pub note_versions: usize,
    /// Answers taken: the effects.
    pub effects: usize,
    pub applied: usize,
    pub failed: usize,
    /// Posted again with the same key and body: no further effect.
    pub replays: u64,
    /// Refused: the key was used with another body.
    pub key_conflicts: u64,
    /// Refused: the answer was to a version that is no longer the current one.
    pub superseded: u64,
    /// Refused: the body does not fit operation.schema.json.
    pub invalid: u64,
    /// Requests to `/api`.
    pub requests: u64,
    pub unauthorized: u64,
    pub tokens_issued: u64,
    /// How often each fault struck.
    pub faults: BTreeMap<String, u64>,
}

impl World {
    pub(super) fn view(&self) -> SandboxState {
        let operations: Vec<OperationView> = self.operations.iter().map(|(k, r)| operation(k, r)).collect();
        SandboxState {
            orders: self.orders.iter().map(|(number, chain)| order(number, chain)).collect(),
            delivery_notes: self
                .notes
                .iter()
                .filter_map(|(number, chain)| {
                    let newest = chain.versions.last()?;
                    Some(DocumentView {
                        number: number.clone(),
                        version: newest.version,
                        status: chain.status.clone(),
                        versions: chain
                            .versions
                            .iter()
                            .map(|v| VersionView {
                                version: v.version,
                                kind: v.status.clone(),
                            })
                            .collect(),
                        language: newest.language.clone(),
                        currency: None,
                        lines: newest.lines.len(),
                        response_key: chain.response.clone(),
                    })
                })
                .collect(),
            effects: effects(&operations),
            moods: self.sales.moods.iter().copied().collect(),
            counts: self.counts(),
            operations,
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let applied = |wanted: &str| self.operations.values().filter(|r| r.status() == wanted).count();
        Counts {
            orders: self.orders.len(),
            order_versions: self.order_feed.len(),
            delivery_notes: self.notes.len(),
            note_versions: self.note_feed.len(),
            effects: self.operations.len(),
            applied: applied("APPLIED"),
            failed: applied("FAILED"),
            ..self.counts.clone()
        }
    }
}

fn order(number: &str, chain: &OrderChain) -> DocumentView {
    let newest = chain.versions.last();
    DocumentView {
        number: number.to_owned(),
        version: chain.current(),
        status: chain.status.clone(),
        versions: chain
            .versions
            .iter()
            .map(|v| VersionView {
                version: v.version,
                kind: v.document_type.clone(),
            })
            .collect(),
        language: newest.map(|v| v.language.clone()).unwrap_or_default(),
        currency: newest.map(|v| v.currency.clone()),
        lines: newest.map_or(0, |v| v.lines.len()),
        response_key: chain.response.clone(),
    }
}

fn operation(key: &str, recorded: &Recorded) -> OperationView {
    let (applied_at, error) = match &recorded.applied {
        Some((at, None)) => (Some(moment(*at)), None),
        Some((_, Some(error))) => (None, Some(error.clone())),
        None => (None, None),
    };
    OperationView {
        key: key.to_owned(),
        operation_id: recorded.operation_id.clone(),
        operation: recorded.operation.operation.as_str().to_owned(),
        number: recorded.number().to_owned(),
        version: recorded.operation.version,
        status: recorded.status().to_owned(),
        error,
        received_at: moment(recorded.received_at),
        applied_at,
        replays: recorded.replays,
        body: serde_json::from_str(&recorded.body).unwrap_or_default(),
    }
}

fn effects(operations: &[OperationView]) -> Vec<EffectView> {
    let mut rows = BTreeMap::<(String, u32, String), Vec<String>>::new();
    for o in operations {
        rows.entry((o.number.clone(), o.version, o.operation.clone()))
            .or_default()
            .push(o.key.clone());
    }
    rows.into_iter()
        .map(|((number, version, operation), keys)| EffectView {
            number,
            version,
            operation,
            count: u32::try_from(keys.len()).unwrap_or(u32::MAX),
            keys,
        })
        .collect()
}
