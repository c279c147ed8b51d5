//! What may be done with a document of ours, or on top of an order that we confirmed.

use crate::domain::rules::OnCounterRefused;
use crate::domain::{
    Chain, ChainState, ContentHash, DocumentKind, Event, OperationId, Outcome, PartnerRules, Purpose, Side, decide,
};
use crate::partner::OutboundKind;
use serde::Serialize;
use utoipa::ToSchema;

/// Beside answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PossibleAct {
    Change,
    Cancel,
    AcceptCounter,
    RefuseCounter,
    Close,
    /// A delivery note for this order.
    Despatch,
}

impl PossibleAct {
    /// What is possible now, with a partner that offers `operations`. `blocked`: it takes no change any more.
    pub fn of(chain: &Chain, rules: &PartnerRules, operations: &[OutboundKind], blocked: bool) -> Vec<Self> {
        let offers = |kind| operations.contains(&kind);
        // The id stands for an operation that is not there yet.
        let operation = OperationId(uuid::Uuid::nil());
        let issues = |purpose| {
            let event = Event::IssueSaved {
                operation,
                purpose,
                sequence: None,
                hash: ContentHash([0; 32]),
                base: None,
            };
            decide(chain, &event, rules).outcome == Outcome::Applied
        };
        let countered = chain.current_version().is_some_and(|v| v.purpose == Purpose::Counter);
        let (changes, cancels) = (
            offers(OutboundKind::Update) && issues(Purpose::Change),
            offers(OutboundKind::Cancel) && issues(Purpose::Cancellation),
        );
        let refuses = match rules.on_counter_refused {
            OnCounterRefused::HandBack => changes,
            OnCounterRefused::CancelOrder => cancels,
        };
        let closes = offers(OutboundKind::Close)
            && chain.we_issue()
            && decide(chain, &Event::CloseSaved { operation }, rules).outcome == Outcome::Applied;
        let despatches = offers(OutboundKind::Despatch)
            && chain.kind == DocumentKind::Order
            && chain.side == Side::Seller
            && chain.agreed.is_some()
            && !matches!(chain.state, ChainState::Cancelled | ChainState::Closed);
        [
            (Self::AcceptCounter, countered && changes),
            (Self::RefuseCounter, countered && refuses),
            (Self::Change, changes && !blocked),
            (Self::Cancel, cancels),
            (Self::Close, closes),
            (Self::Despatch, despatches),
        ]
        .into_iter()
        .filter_map(|(act, possible)| possible.then_some(act))
        .collect()
    }
}
