//! What a host is told when something cannot be done.

use crate::domain::OperationId;
use crate::domain::chain::{Chain, Refusal};
use crate::store::StoreError;

/// An error with a code; the UI's table gives severity, text and action for it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Store(StoreError),
    /// The request cannot be done as it stands: `code` such as `answer.superseded`, `answer.pending`,
    /// `answer.incomplete`, `operation.in_flight`; `data` is what a screen needs to ask the person.
    #[error("{message}")]
    Refused {
        code: &'static str,
        message: String,
        data: serde_json::Value,
    },
    #[error("there is no {what} {id}")]
    NotFound { what: &'static str, id: String },
    #[error("{0}")]
    Config(String),
    #[error("{0}")]
    Internal(String),
}

impl From<StoreError> for EngineError {
    /// A unit of work that refused carries the engine's own error through the transaction.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(inner) => match inner.downcast::<Self>() {
                Ok(own) => *own,
                Err(other) => Self::Store(StoreError::Refused(other)),
            },
            other => Self::Store(other),
        }
    }
}

impl From<EngineError> for StoreError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error,
            other => Self::Refused(Box::new(other)),
        }
    }
}

impl EngineError {
    pub(super) fn refused(code: &'static str, message: &str) -> Self {
        Self::Refused {
            code,
            message: message.to_owned(),
            data: serde_json::Value::Null,
        }
    }

    pub(super) fn no_operation(id: OperationId) -> Self {
        Self::NotFound {
            what: "operation",
            id: id.to_string(),
        }
    }

    /// An answer that the chain does not allow now.
    pub(super) fn answer(refusal: Refusal, chain: &Chain) -> Self {
        let (code, message) = match refusal {
            Refusal::VersionNotCurrent => (
                "answer.superseded",
                "a newer version of this document is here: look at what changed and answer that one",
            ),
            Refusal::AnswerPending => (
                "answer.pending",
                "an answer to this document is on its way: wait for it, or withdraw it first",
            ),
            Refusal::AlreadyDecided => ("answer.decided", "this version is answered already"),
            Refusal::RejectedBefore => (
                "answer.decided",
                "this version was rejected, and the partner takes no other answer after that",
            ),
            Refusal::ChainEnded => ("answer.refused", "the document is cancelled or closed"),
            Refusal::NotOurDocument | Refusal::NotTheirDocument => {
                ("answer.refused", "this document is not ours to answer")
            }
            Refusal::VersionUnknown | Refusal::Empty => ("answer.refused", "there is no such version of this document"),
            Refusal::CodeNotAllowed => ("answer.refused", "this version cannot be answered like that"),
            Refusal::NoSuchAnswer
            | Refusal::NotHeld
            | Refusal::NoCounterOpen
            | Refusal::NotAnOriginal
            | Refusal::AlreadyIssued
            | Refusal::CounterMissing
            | Refusal::Undecided => ("answer.refused", "the document's state does not allow this answer"),
        };
        let pending: Vec<_> = chain.pending.iter().map(|p| p.operation).collect();
        Self::Refused {
            code,
            message: message.to_owned(),
            data: serde_json::json!({
                "current": chain.current,
                "agreed": chain.agreed,
                "state": chain.state,
                "operations": pending,
                "refusal": refusal,
            }),
        }
    }
}
