//! The words and rules of the exchange: documents, the version chain, answers, delivery.
//!
//! Pure: no IO, no clock, no randomness. Everything here is a function of its arguments.

pub mod answer;
pub mod chain;
pub mod check;
pub mod codes;
pub mod counter;
pub mod delivery;
pub mod diff;
pub mod document;
pub mod earlier;
pub mod ids;
pub mod money;
pub mod progress;
pub mod quantity;
pub mod rules;
pub mod value;

pub use answer::{Answer, HeaderAnswer, LineAnswer, LineAnswerCode, OrderResponse, ReceiptAdvice, ReceiptLine};
pub use chain::{Act, Chain, ChainState, Decision, Event, Outcome, VersionHead, VersionState, decide};
pub use delivery::DeliveryState;
pub use document::{CanonicalDocument, DespatchAdvice, DocumentKind, Order, Purpose, Side};
pub use earlier::{Earlier, EarlierAnswer};
pub use ids::{CompanyId, DocumentId, OperationId, PartnerId, VersionNumber};
pub use progress::Progress;
pub use rules::PartnerRules;
pub use value::{ContentHash, Currency, Date, Decimal, Money, Timestamp};

#[cfg(test)]
mod tests;
