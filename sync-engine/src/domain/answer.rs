//! Answers: the seller's to an order version, the buyer's to a delivery note.

use super::document::{DocumentKind, Item};
use super::value::{Date, Decimal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Header answer to an order version (Peppol BIS Ordering 3, UNCL4343 subset).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum HeaderAnswer {
    /// Acknowledged: received, not yet decided.
    AB,
    /// Accepted as it is.
    AP,
    /// Rejected; a reason is required.
    RE,
    /// Accepted with changes: a counter-offer that states all lines.
    CA,
}

/// Answer to one order line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum LineAnswerCode {
    Accepted,
    /// Quantity, price or date differ; one or several.
    Changed,
    Substituted,
    Backordered,
    Rejected,
    /// Added by the seller.
    Added,
    AlreadyDelivered,
    /// Price or schedule pending.
    Held,
}

/// OPStatusReason (openPEPPOL).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReasonCode {
    Ref,
    Leg,
    Rec,
    Qua,
    Del,
    Pri,
    Qty,
    Itm,
    Pay,
    Unr,
    Fin,
    /// Other; a text is required.
    Oth,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    pub code: ReasonCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The seller's answer to one version of an order (UBL OrderResponse).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderResponse {
    pub code: HeaderAnswer,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Several answer lines may answer one order line (a split delivery). Empty for AB, AP and RE; all lines for CA.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineAnswer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LineAnswer {
    /// `OrderLine::id` that is answered; a new id on `Added`.
    pub line_id: String,
    pub code: LineAnswerCode,
    /// Quantity that this answer line stands for, in the order line's unit. The ordered quantity when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub quantity: Option<Decimal>,
    /// The price per unit that the seller offers, where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub price: Option<Decimal>,
    /// The promised day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// The item offered in place of the ordered one; only on `Substituted` and `Added`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<Item>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// The buyer's answer to a delivery note (UBL ReceiptAdvice): what arrived, what was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptAdvice {
    /// Day of arrival.
    pub received_on: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// One per delivery note line.
    pub lines: Vec<ReceiptLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptLine {
    /// `DespatchLine::id`.
    pub line_id: String,
    /// What arrived, with what was rejected and what was over.
    #[schema(value_type = String)]
    pub received: Decimal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub short: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub rejected: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_reason: Option<RejectReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<RejectAction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why goods were refused (openPEPPOL logistics, 1 to 8 and 99).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum RejectReason {
    Broken,
    Quality,
    WrongItem,
    WrongVersion,
    Label,
    Price,
    Packaging,
    PackagingAndDamage,
    Other,
}

/// What the buyer wants for refused goods (1 replace, 2 credit and cancel).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum RejectAction {
    Replace,
    CreditAndCancel,
}

/// The answer to one of the two kinds of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The seller's, to an order.
    OrderResponse(OrderResponse),
    /// The buyer's, to a delivery note.
    ReceiptAdvice(ReceiptAdvice),
}

impl Answer {
    /// What it answers.
    pub fn kind(&self) -> DocumentKind {
        match self {
            Self::OrderResponse(_) => DocumentKind::Order,
            Self::ReceiptAdvice(_) => DocumentKind::DespatchAdvice,
        }
    }
}
