//! What goes over the wire: the shapes of `configs/partners/sandbox/*.schema.json`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PurchaseOrder {
    pub schema_version: String,
    /// `PURCHASE_ORDER`, `PURCHASE_ORDER_CHANGE` or `PURCHASE_ORDER_CANCEL`.
    pub document_type: String,
    pub po_number: String,
    pub version: u32,
    pub supersedes: Option<String>,
    pub message_id: uuid::Uuid,
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
    pub issued_at: String,
    pub updated_at: String,
    pub requested_delivery: String,
    pub currency: String,
    pub incoterm: String,
    pub incoterm_place: String,
    pub payment_terms: PaymentTerms,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_ref: Option<String>,
    pub requisition_ref: String,
    pub language: String,
    pub priority: String,
    pub buyer: Party,
    pub seller: Party,
    pub ship_to: Address,
    pub bill_to: Address,
    pub partial_shipment_allowed: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    pub lines: Vec<OrderLine>,
    pub totals: Totals,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PaymentTerms {
    pub code: String,
    pub days: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub code: String,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Party {
    pub id: String,
    pub name: String,
    pub tax_id: String,
    pub address: Address,
    pub contact: Contact,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address {
    pub name: String,
    pub street: String,
    pub city: String,
    pub postal_code: String,
    pub country: String,
    pub gln: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contact {
    pub name: String,
    pub email: String,
    pub phone: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrderLine {
    pub line_no: u32,
    pub sku: String,
    pub buyer_sku: String,
    pub gtin: String,
    pub description: String,
    pub quantity: Decimal,
    pub uom: String,
    pub unit_price: Decimal,
    /// Whole percent.
    pub tax_pct: u32,
    pub net: Decimal,
    pub requested_delivery: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backorder_allowed: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Totals {
    pub net: Decimal,
    pub tax: Decimal,
    pub gross: Decimal,
    pub line_count: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryNote {
    pub schema_version: String,
    pub document_type: String,
    pub note_number: String,
    pub version: u32,
    pub supersedes: Option<String>,
    pub message_id: uuid::Uuid,
    /// `ORIGINAL`, `REPLACE`, `CANCEL` or `FINAL`.
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
    pub issued_at: String,
    pub shipped_at: String,
    pub expected_delivery: String,
    pub language: String,
    pub carrier: String,
    pub tracking_id: String,
    pub supplier: Party,
    pub buyer: Party,
    pub ship_to: Address,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    pub lines: Vec<NoteLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NoteLine {
    pub line_no: u32,
    pub po_number: String,
    pub po_line_no: u32,
    pub sku: String,
    pub gtin: String,
    pub description: String,
    pub delivered: Decimal,
    pub outstanding: Decimal,
    pub uom: String,
    pub batch: String,
}

/// The body of `POST /api/operations`, read after `operation.schema.json` has passed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operation {
    pub operation: OperationName,
    #[serde(default)]
    pub po_number: Option<String>,
    #[serde(default)]
    pub note_number: Option<String>,
    pub version: u32,
    pub answered_at: String,
    #[serde(default)]
    pub reason: Option<Reason>,
    #[serde(default)]
    pub note: Option<String>,
    /// Answer lines or receipt lines, by the operation.
    #[serde(default)]
    pub lines: Vec<serde_json::Value>,
    /// What is issued to the sandbox.
    #[serde(default)]
    pub document: Option<serde_json::Value>,
    /// The sandbox's own name of it, from the second version on.
    #[serde(default)]
    pub document_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OperationName {
    Submit,
    Update,
    Cancel,
    Despatch,
    Acknowledge,
    Confirm,
    Reject,
    Counter,
    Receipt,
}

impl OperationName {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Confirm => "confirm",
            Self::Reject => "reject",
            Self::Counter => "counter",
            Self::Receipt => "receipt",
            Self::Submit => "submit",
            Self::Update => "update",
            Self::Cancel => "cancel",
            Self::Despatch => "despatch",
        }
    }

    /// Status of the document on the partner's side once the answer is applied.
    pub(super) fn applied_status(self) -> &'static str {
        match self {
            Self::Acknowledge => "ACKNOWLEDGED",
            Self::Confirm => "CONFIRMED",
            Self::Reject => "REJECTED",
            Self::Counter => "COUNTERED",
            Self::Receipt => "RECEIVED",
            Self::Submit | Self::Update | Self::Despatch => "TAKEN",
            Self::Cancel => "CANCELLED",
        }
    }

    /// Whether it issues a document to the sandbox; the others answer one of its own.
    pub(super) fn issues(self) -> bool {
        match self {
            Self::Submit | Self::Update | Self::Cancel | Self::Despatch => true,
            Self::Acknowledge | Self::Confirm | Self::Reject | Self::Counter | Self::Receipt => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reason {
    pub code: String,
    #[serde(default)]
    pub text: Option<String>,
}

/// One answer line of a counter-offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnswerLine {
    pub line_no: u32,
    pub code: String,
    #[serde(default)]
    pub quantity: Option<Decimal>,
    #[serde(default)]
    pub unit_price: Option<Decimal>,
    #[serde(default)]
    pub date: Option<String>,
    #[serde(default)]
    pub substitute_sku: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
}
