//! The canonical documents: what every partner's payload is mapped to and every screen shows.

use super::value::{Currency, Date, Decimal, Money, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which of the two documents that have a chain of versions. UBL `Order`, `DespatchAdvice`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum DocumentKind {
    Order,
    DespatchAdvice,
}

/// What we are in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Side {
    Seller,
    Buyer,
}

/// What a version does to its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Purpose {
    /// The first issue (delivery note status 9).
    Original,
    /// The issuer's change (OrderChange; delivery note status 5, replace).
    Change,
    /// The issuer withdraws the whole document (OrderCancellation; delivery note status 1).
    Cancellation,
    /// The seller's counter-offer to the version it is based on.
    Counter,
    /// The last delivery note of its order (status 22, final).
    Final,
}

/// A version's content in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[allow(
    clippy::large_enum_variant,
    reason = "one is held at a time; a box would only add an allocation"
)]
pub enum CanonicalDocument {
    Order(Order),
    DespatchAdvice(DespatchAdvice),
}

impl CanonicalDocument {
    pub fn kind(&self) -> DocumentKind {
        match self {
            Self::Order(_) => DocumentKind::Order,
            Self::DespatchAdvice(_) => DocumentKind::DespatchAdvice,
        }
    }

    /// The issuer's number of the document; the same in every version.
    pub fn number(&self) -> &str {
        match self {
            Self::Order(o) => &o.number,
            Self::DespatchAdvice(d) => &d.number,
        }
    }
}

/// A purchase order: one version of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub number: String,
    /// The partner's own name of this version, as text: revision, sequence, ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<Timestamp>,
    pub currency: Currency,
    pub buyer: Party,
    pub seller: Party,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<Party>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill_to: Option<Party>,
    /// First and last day of the delivery that the buyer asks for; equal for a single day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_delivery: Option<DateRange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_terms: Option<String>,
    /// Incoterms code and place, such as `DAP Hamburg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_terms: Option<String>,
    /// BCP 47 language of the document, for the printed page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    pub lines: Vec<OrderLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totals: Option<Totals>,
    /// Why the buyer cancels; only on a cancellation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    /// The buyer's line number, as text; unique in the order.
    pub id: String,
    pub item: Item,
    #[schema(value_type = String)]
    pub quantity: Decimal,
    /// Unit of measure, UN/ECE Recommendation 20 where it is known, else the partner's own code.
    pub unit: String,
    /// Price of one unit (or of `price_base` units), before tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub price: Option<Decimal>,
    /// Units that `price` is for; one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub price_base: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub tax_percent: Option<Decimal>,
    /// Line total before tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_delivery: Option<DateRange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backorder_allowed: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer_id: Option<String>,
    /// GS1 global trade item number, 8 to 14 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Party {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gln: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub street: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// First and last day, both included; `last >= first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DateRange {
    pub first: Date,
    pub last: Date,
}

/// A reference by kind, such as `contract`, `project`, `requisition`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    pub kind: String,
    pub id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    pub net: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gross: Option<Money>,
}

/// The seller's delivery note: what leaves, for which order lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DespatchAdvice {
    pub number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<Timestamp>,
    pub buyer: Party,
    pub seller: Party,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<Party>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub despatched_on: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_delivery: Option<DateRange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    pub lines: Vec<DespatchLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
}

impl DespatchAdvice {
    /// Whether goods of that order leave with it.
    pub fn delivers(&self, order_number: &str) -> bool {
        let mut lines = self.lines.iter().filter(|l| l.order_number == order_number);
        lines.any(|l| l.delivered > Decimal::ZERO)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DespatchLine {
    pub id: String,
    pub order_number: String,
    pub order_line_id: String,
    pub item: Item,
    #[schema(value_type = String)]
    pub delivered: Decimal,
    /// Will come later. Ordered - delivered - outstanding never comes: the line is closed short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub outstanding: Option<Decimal>,
    pub unit: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
}
