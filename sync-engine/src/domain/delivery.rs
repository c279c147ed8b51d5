//! Delivery of an operation: where it is on its way to the partner. Apart from the business state.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum DeliveryState {
    /// Saved, waiting for its turn.
    Queued,
    /// A worker holds the lease and may have sent it.
    Sending,
    /// The partner took it.
    Delivered,
    /// The partner shows it. Final.
    Applied,
    /// Failed in a way that is worth another attempt, at a known time.
    Retrying,
    /// Sent, no answer: it may have been applied.
    Unknown,
    /// Waits for a person.
    Held,
    /// Dead letter: will not be sent again unless a person replays it.
    Dead,
    /// A person withdrew it before it left. Final.
    Withdrawn,
}

/// What can happen to an operation on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryEvent {
    /// A worker took the lease: to send, to settle an unknown outcome, or to verify.
    Claimed,
    /// The partner took it.
    Taken,
    /// The partner shows it.
    SeenApplied,
    /// Worth another attempt; also when the partner, asked, never saw it.
    Again,
    /// The connection broke or timed out after the request left, or the lease of a sender ran out.
    NoAnswer,
    /// A person has to decide: conflict, credentials, an effect that cannot be settled.
    NeedsPerson,
    /// Will never succeed as it is, or the last attempt failed.
    GivenUp,
    /// Its version was superseded before it left.
    Overtaken,
    /// A person sends a held one as it is.
    Released,
    /// A person replays a dead letter, or tries a waiting one now.
    Replayed,
    /// A person takes it back.
    Withdrawn,
}

/// Why an event is not allowed in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DeliveryRefusal {
    #[error("it is being sent right now: wait for the outcome")]
    InFlight,
    #[error("it may have reached the partner: settle that first")]
    MayHaveArrived,
    #[error("the partner has it already")]
    PartnerHasIt,
    #[error("it was withdrawn")]
    WasWithdrawn,
    #[error("it is not waiting for a person")]
    NotHeld,
    #[error("a person decides first: release or withdraw it")]
    WaitsForPerson,
    #[error("it is a dead letter: replay or withdraw it")]
    IsDead,
    #[error("no worker holds it")]
    NotClaimed,
}

impl DeliveryState {
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Sending,
        Self::Delivered,
        Self::Applied,
        Self::Retrying,
        Self::Unknown,
        Self::Held,
        Self::Dead,
        Self::Withdrawn,
    ];

    /// Nothing happens to it any more.
    pub fn is_final(self) -> bool {
        match self {
            Self::Applied | Self::Withdrawn => true,
            Self::Queued
            | Self::Sending
            | Self::Delivered
            | Self::Retrying
            | Self::Unknown
            | Self::Held
            | Self::Dead => false,
        }
    }
}

impl DeliveryEvent {
    pub const ALL: [Self; 11] = [
        Self::Claimed,
        Self::Taken,
        Self::SeenApplied,
        Self::Again,
        Self::NoAnswer,
        Self::NeedsPerson,
        Self::GivenUp,
        Self::Overtaken,
        Self::Released,
        Self::Replayed,
        Self::Withdrawn,
    ];
}

/// The state after `event`.
///
/// # Errors
/// `DeliveryRefusal` with the reason when the event is not allowed in this state; nothing changes then.
pub fn next(state: DeliveryState, event: DeliveryEvent) -> Result<DeliveryState, DeliveryRefusal> {
    match event {
        DeliveryEvent::Claimed => claimed(state),
        DeliveryEvent::Taken => outcome(state, DeliveryState::Delivered),
        DeliveryEvent::SeenApplied => outcome(state, DeliveryState::Applied),
        DeliveryEvent::Again => outcome(state, DeliveryState::Retrying),
        DeliveryEvent::NoAnswer => outcome(state, DeliveryState::Unknown),
        DeliveryEvent::NeedsPerson => outcome(state, DeliveryState::Held),
        DeliveryEvent::GivenUp => outcome(state, DeliveryState::Dead),
        DeliveryEvent::Overtaken => overtaken(state),
        DeliveryEvent::Released => released(state),
        DeliveryEvent::Replayed => replayed(state),
        DeliveryEvent::Withdrawn => withdrawn(state),
    }
}

fn claimed(state: DeliveryState) -> Result<DeliveryState, DeliveryRefusal> {
    match state {
        // Sending: a lease that ran out is taken over.
        DeliveryState::Queued
        | DeliveryState::Retrying
        | DeliveryState::Unknown
        | DeliveryState::Delivered
        | DeliveryState::Sending => Ok(DeliveryState::Sending),
        DeliveryState::Applied => Err(DeliveryRefusal::PartnerHasIt),
        DeliveryState::Held => Err(DeliveryRefusal::WaitsForPerson),
        DeliveryState::Dead => Err(DeliveryRefusal::IsDead),
        DeliveryState::Withdrawn => Err(DeliveryRefusal::WasWithdrawn),
    }
}

/// Only the worker that holds it reports an outcome.
fn outcome(state: DeliveryState, to: DeliveryState) -> Result<DeliveryState, DeliveryRefusal> {
    match state {
        DeliveryState::Sending => Ok(to),
        DeliveryState::Queued
        | DeliveryState::Delivered
        | DeliveryState::Applied
        | DeliveryState::Retrying
        | DeliveryState::Unknown
        | DeliveryState::Held
        | DeliveryState::Dead
        | DeliveryState::Withdrawn => Err(DeliveryRefusal::NotClaimed),
    }
}

/// What may have left is settled first; a dead letter stays where a person finds it.
fn overtaken(state: DeliveryState) -> Result<DeliveryState, DeliveryRefusal> {
    match state {
        DeliveryState::Queued | DeliveryState::Retrying | DeliveryState::Held => Ok(DeliveryState::Held),
        DeliveryState::Sending => Err(DeliveryRefusal::InFlight),
        DeliveryState::Unknown => Err(DeliveryRefusal::MayHaveArrived),
        DeliveryState::Delivered | DeliveryState::Applied => Err(DeliveryRefusal::PartnerHasIt),
        DeliveryState::Dead => Err(DeliveryRefusal::IsDead),
        DeliveryState::Withdrawn => Err(DeliveryRefusal::WasWithdrawn),
    }
}

fn released(state: DeliveryState) -> Result<DeliveryState, DeliveryRefusal> {
    match state {
        DeliveryState::Held => Ok(DeliveryState::Queued),
        DeliveryState::Withdrawn => Err(DeliveryRefusal::WasWithdrawn),
        DeliveryState::Queued
        | DeliveryState::Sending
        | DeliveryState::Delivered
        | DeliveryState::Applied
        | DeliveryState::Retrying
        | DeliveryState::Unknown
        | DeliveryState::Dead => Err(DeliveryRefusal::NotHeld),
    }
}

fn replayed(state: DeliveryState) -> Result<DeliveryState, DeliveryRefusal> {
    match state {
        DeliveryState::Dead | DeliveryState::Retrying | DeliveryState::Queued => Ok(DeliveryState::Queued),
        // Stays unknown, so that it is settled before anything is sent again.
        DeliveryState::Unknown => Ok(DeliveryState::Unknown),
        DeliveryState::Sending => Err(DeliveryRefusal::InFlight),
        DeliveryState::Delivered | DeliveryState::Applied => Err(DeliveryRefusal::PartnerHasIt),
        DeliveryState::Held => Err(DeliveryRefusal::WaitsForPerson),
        DeliveryState::Withdrawn => Err(DeliveryRefusal::WasWithdrawn),
    }
}

fn withdrawn(state: DeliveryState) -> Result<DeliveryState, DeliveryRefusal> {
    match state {
        DeliveryState::Queued | DeliveryState::Retrying | DeliveryState::Held | DeliveryState::Dead => {
            Ok(DeliveryState::Withdrawn)
        }
        DeliveryState::Sending => Err(DeliveryRefusal::InFlight),
        DeliveryState::Unknown => Err(DeliveryRefusal::MayHaveArrived),
        DeliveryState::Delivered | DeliveryState::Applied => Err(DeliveryRefusal::PartnerHasIt),
        DeliveryState::Withdrawn => Err(DeliveryRefusal::WasWithdrawn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_in_every_state() {
        let mut table = String::new();
        for state in DeliveryState::ALL {
            for event in DeliveryEvent::ALL {
                let to = match next(state, event) {
                    Ok(to) => format!("{to:?}"),
                    Err(refusal) => format!("refused: {refusal}"),
                };
                table += &format!("{:<10} {:<12} -> {to}\n", format!("{state:?}"), format!("{event:?}"));
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn final_states_are_never_left() {
        for state in DeliveryState::ALL.into_iter().filter(|s| s.is_final()) {
            for event in DeliveryEvent::ALL {
                assert!(next(state, event).is_err(), "{state:?} {event:?}");
            }
        }
    }
}
