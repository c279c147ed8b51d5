//! Our words in the code lists of the field, both ways. `None` where a list has no such code.
//!
//! Sources: Peppol UNCL1229 and UNCL4343 subsets, OPStatusReason (OpenPEPPOL poacc-upgrade-3, structure/codelist);
//! X12 data elements 668 and 670; EDIFACT 1225 and 1229; cXML ItemConfirmation; OpenPEPPOL logistics-bis codelists.

use super::answer::{HeaderAnswer, LineAnswerCode, ReasonCode, RejectAction, RejectReason};
use super::document::Purpose;
use super::value::Decimal;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// What differs on a changed line: some lists have a code for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Differs {
    /// Offered against ordered quantity.
    pub quantity: Option<Ordering>,
    pub price: bool,
    pub date: bool,
}

impl Differs {
    pub fn quantity(ordered: Decimal, offered: Decimal) -> Option<Ordering> {
        Some(offered.cmp(&ordered)).filter(|o| o.is_ne())
    }
}

impl HeaderAnswer {
    pub const ALL: [Self; 4] = [Self::AB, Self::AP, Self::RE, Self::CA];

    /// UNCL4343, as in Peppol's order response.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AB => "AB",
            Self::AP => "AP",
            Self::RE => "RE",
            Self::CA => "CA",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == code)
    }
}

impl LineAnswerCode {
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Changed,
        Self::Substituted,
        Self::Backordered,
        Self::Rejected,
        Self::Added,
        Self::AlreadyDelivered,
        Self::Held,
    ];

    /// A backorder is a quantity of its own there (maximum backorder quantity), not a code.
    pub fn to_peppol(self) -> Option<&'static str> {
        match self {
            Self::Accepted => Some("5"),
            Self::Changed | Self::Substituted => Some("3"),
            Self::Rejected => Some("7"),
            Self::Added => Some("1"),
            Self::AlreadyDelivered => Some("42"),
            Self::Backordered | Self::Held => None,
        }
    }

    /// `substitute`: the answer line names a substituted item.
    pub fn from_peppol(code: &str, substitute: bool) -> Option<Self> {
        match code {
            "5" => Some(Self::Accepted),
            "3" if substitute => Some(Self::Substituted),
            "3" => Some(Self::Changed),
            "7" => Some(Self::Rejected),
            "1" => Some(Self::Added),
            "42" => Some(Self::AlreadyDelivered),
            _ => None,
        }
    }

    /// `part`: only a part of the line is backordered, the balance ships.
    pub fn to_x12(self, differs: Differs, part: bool) -> Option<&'static str> {
        match self {
            Self::Accepted => Some("IA"),
            Self::Changed => Some(match (differs.quantity.is_some(), differs.price, differs.date) {
                (true, false, false) => "IQ",
                (false, true, false) => "IP",
                (false, false, true) => "DR",
                (true, true, _) | (true, _, true) | (_, true, true) | (false, false, false) => "IC",
            }),
            Self::Substituted => Some("IS"),
            Self::Backordered => Some(if part { "BP" } else { "IB" }),
            Self::Rejected => Some("IR"),
            Self::AlreadyDelivered => Some("AC"),
            Self::Held => Some("IH"),
            Self::Added => None,
        }
    }

    pub fn from_x12(code: &str) -> Option<Self> {
        match code {
            "IA" => Some(Self::Accepted),
            "IQ" | "IP" | "DR" | "IC" => Some(Self::Changed),
            "IS" => Some(Self::Substituted),
            "IB" | "BP" => Some(Self::Backordered),
            "IR" => Some(Self::Rejected),
            "AC" => Some(Self::AlreadyDelivered),
            "IH" | "IE" | "SP" => Some(Self::Held),
            _ => None,
        }
    }

    pub fn to_edifact(self) -> Option<&'static str> {
        match self {
            Self::Accepted => Some("5"),
            Self::Changed | Self::Substituted => Some("6"),
            Self::Rejected => Some("7"),
            Self::Added => Some("1"),
            Self::Backordered | Self::AlreadyDelivered | Self::Held => None,
        }
    }

    /// `substitute`: the answer line names another item.
    pub fn from_edifact(code: &str, substitute: bool) -> Option<Self> {
        match code {
            "5" => Some(Self::Accepted),
            "6" if substitute => Some(Self::Substituted),
            "6" => Some(Self::Changed),
            "7" => Some(Self::Rejected),
            "1" => Some(Self::Added),
            _ => None,
        }
    }

    pub fn to_cxml(self) -> Option<&'static str> {
        match self {
            Self::Accepted => Some("accept"),
            Self::Changed | Self::Substituted => Some("detail"),
            Self::Backordered => Some("backordered"),
            Self::Rejected => Some("reject"),
            Self::Held => Some("unknown"),
            Self::Added | Self::AlreadyDelivered => None,
        }
    }

    /// `item`: the confirmation detail names another item.
    pub fn from_cxml(kind: &str, item: bool) -> Option<Self> {
        match kind {
            "accept" => Some(Self::Accepted),
            "detail" if item => Some(Self::Substituted),
            "detail" => Some(Self::Changed),
            "backordered" => Some(Self::Backordered),
            "reject" => Some(Self::Rejected),
            "unknown" => Some(Self::Held),
            _ => None,
        }
    }
}

/// What the buyer's change does to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LineChangeCode {
    Added,
    Deleted,
    Changed,
    Unchanged,
}

impl LineChangeCode {
    pub const ALL: [Self; 4] = [Self::Added, Self::Deleted, Self::Changed, Self::Unchanged];

    pub fn to_peppol(self) -> &'static str {
        match self {
            Self::Added => "1",
            Self::Deleted => "2",
            Self::Changed => "3",
            Self::Unchanged => "4",
        }
    }

    pub fn from_peppol(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.to_peppol() == code)
    }

    /// Element 670.
    pub fn to_x12(self, differs: Differs) -> &'static str {
        match self {
            Self::Added => "AI",
            Self::Deleted => "DI",
            Self::Unchanged => "NC",
            Self::Changed => match (differs.quantity, differs.price, differs.date) {
                (Some(Ordering::Greater), false, false) => "QI",
                (Some(Ordering::Less), false, false) => "QD",
                (None, true, false) => "PC",
                (None, false, true) => "RS",
                (Some(_), _, _) | (None, true, true) | (None, false, false) => "CA",
            },
        }
    }

    pub fn from_x12(code: &str) -> Option<Self> {
        match code {
            "AI" => Some(Self::Added),
            "DI" => Some(Self::Deleted),
            "QI" | "QD" | "PC" | "RS" | "CA" => Some(Self::Changed),
            "NC" => Some(Self::Unchanged),
            _ => None,
        }
    }
}

impl ReasonCode {
    pub const ALL: [Self; 12] = [
        Self::Ref,
        Self::Leg,
        Self::Rec,
        Self::Qua,
        Self::Del,
        Self::Pri,
        Self::Qty,
        Self::Itm,
        Self::Pay,
        Self::Unr,
        Self::Fin,
        Self::Oth,
    ];

    /// OPStatusReason.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ref => "REF",
            Self::Leg => "LEG",
            Self::Rec => "REC",
            Self::Qua => "QUA",
            Self::Del => "DEL",
            Self::Pri => "PRI",
            Self::Qty => "QTY",
            Self::Itm => "ITM",
            Self::Pay => "PAY",
            Self::Unr => "UNR",
            Self::Fin => "FIN",
            Self::Oth => "OTH",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == code)
    }
}

/// Status of a delivery note as EDIFACT 1225: 9 original, 5 replace, 1 cancel, 22 final. `None` on a counter-offer.
pub fn despatch_status(purpose: Purpose) -> Option<&'static str> {
    match purpose {
        Purpose::Original => Some("9"),
        Purpose::Change => Some("5"),
        Purpose::Cancellation => Some("1"),
        Purpose::Final => Some("22"),
        Purpose::Counter => None,
    }
}

pub fn despatch_purpose(status: &str) -> Option<Purpose> {
    match status {
        "9" => Some(Purpose::Original),
        "5" => Some(Purpose::Change),
        "1" => Some(Purpose::Cancellation),
        "22" => Some(Purpose::Final),
        _ => None,
    }
}

impl RejectReason {
    pub const ALL: [Self; 9] = [
        Self::Broken,
        Self::Quality,
        Self::WrongItem,
        Self::WrongVersion,
        Self::Label,
        Self::Price,
        Self::Packaging,
        Self::PackagingAndDamage,
        Self::Other,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::Broken => "1",
            Self::Quality => "2",
            Self::WrongItem => "3",
            Self::WrongVersion => "4",
            Self::Label => "5",
            Self::Price => "6",
            Self::Packaging => "7",
            Self::PackagingAndDamage => "8",
            Self::Other => "99",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }
}

impl RejectAction {
    pub const ALL: [Self; 2] = [Self::Replace, Self::CreditAndCancel];

    pub fn code(self) -> &'static str {
        match self {
            Self::Replace => "1",
            Self::CreditAndCancel => "2",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_back_to_its_word() {
        for code in HeaderAnswer::ALL {
            assert_eq!(HeaderAnswer::parse(code.as_str()), Some(code));
        }
        for code in ReasonCode::ALL {
            assert_eq!(ReasonCode::parse(code.as_str()), Some(code));
            assert_eq!(serde_json::to_value(code).ok(), Some(code.as_str().into()));
        }
        for code in RejectReason::ALL {
            assert_eq!(RejectReason::from_code(code.code()), Some(code));
        }
        for code in RejectAction::ALL {
            assert_eq!(RejectAction::from_code(code.code()), Some(code));
        }
        for code in LineChangeCode::ALL {
            assert_eq!(LineChangeCode::from_peppol(code.to_peppol()), Some(code));
            assert_eq!(LineChangeCode::from_x12(code.to_x12(Differs::default())), Some(code));
        }
        for purpose in [
            Purpose::Original,
            Purpose::Change,
            Purpose::Cancellation,
            Purpose::Final,
        ] {
            assert_eq!(despatch_status(purpose).and_then(despatch_purpose), Some(purpose));
        }
        for code in LineAnswerCode::ALL {
            let substitute = code == LineAnswerCode::Substituted;
            let back = |text: Option<&str>, from: &dyn Fn(&str) -> Option<LineAnswerCode>| {
                if let Some(text) = text {
                    assert_eq!(from(text), Some(code), "{text}");
                }
            };
            back(code.to_peppol(), &|t| LineAnswerCode::from_peppol(t, substitute));
            back(code.to_edifact(), &|t| LineAnswerCode::from_edifact(t, substitute));
            back(code.to_cxml(), &|t| LineAnswerCode::from_cxml(t, substitute));
            for part in [false, true] {
                back(code.to_x12(Differs::default(), part), &LineAnswerCode::from_x12);
            }
        }
    }

    #[test]
    fn x12_names_what_differs() {
        let quantity = |o| Differs {
            quantity: Some(o),
            ..Differs::default()
        };
        let price = Differs {
            price: true,
            ..Differs::default()
        };
        let date = Differs {
            date: true,
            ..Differs::default()
        };
        let both = Differs { price: true, ..date };
        let answers = [
            (quantity(Ordering::Less), "IQ", "QD"),
            (quantity(Ordering::Greater), "IQ", "QI"),
            (price, "IP", "PC"),
            (date, "DR", "RS"),
            (both, "IC", "CA"),
        ];
        for (differs, answer, change) in answers {
            assert_eq!(LineAnswerCode::Changed.to_x12(differs, false), Some(answer));
            assert_eq!(LineChangeCode::Changed.to_x12(differs), change);
        }
    }
}
