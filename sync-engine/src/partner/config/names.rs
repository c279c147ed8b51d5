//! The names that each section knows: for the test that holds the JSON Schema against them.

use super::raw::{
    RawCase, RawCodes, RawIdempotency, RawLimits, RawOperation, RawOutcomes, RawPartner, RawPrepare, RawProbe,
    RawRateHeaders, RawRequest, RawResults, RawStep, RawStream, RawXml,
};
use super::raw_details::{RawAfterStore, RawBatch, RawDetail, RawPart};
use super::raw_push::{RawPush, RawPushSignature};
use super::raw_reading::{RawPaging, RawWatermark, RawWindow};
use super::session::RawSession;
use super::signin::{RawAssertion, RawAuth};
use super::signing::RawSigning;
use crate::domain::PartnerRules;
use crate::partner::map::{despatch, head, order, party, receipt, response};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// Sections of a configuration by their name in the JSON Schema (`""` is the whole), with the names that they know.
pub fn config_field_names() -> Vec<(&'static str, Vec<String>)> {
    let union = |lists: &[&[&str]]| {
        let all: BTreeSet<String> = lists.iter().flat_map(|l| l.iter().map(|n| (*n).to_owned())).collect();
        all.into_iter().collect::<Vec<_>>()
    };
    vec![
        ("", known::<RawPartner>()),
        ("auth", known::<RawAuth>()),
        ("assertion", known::<RawAssertion>()),
        ("signing", known::<RawSigning>()),
        ("session", known::<RawSession>()),
        ("idempotency", known::<RawIdempotency>()),
        ("limits", known::<RawLimits>()),
        ("rateHeaders", known::<RawRateHeaders>()),
        ("rules", known::<PartnerRules>()),
        ("codes", known::<RawCodes>()),
        ("xml", known::<RawXml>()),
        ("stream", known::<RawStream>()),
        ("request", known::<RawRequest>()),
        ("paging", known::<RawPaging>()),
        ("watermark", known::<RawWatermark>()),
        ("window", known::<RawWindow>()),
        ("detail", known::<RawDetail>()),
        ("batch", known::<RawBatch>()),
        ("part", known::<RawPart>()),
        ("afterStore", known::<RawAfterStore>()),
        ("push", known::<RawPush>()),
        ("pushSignature", known::<RawPushSignature>()),
        ("operation", known::<RawOperation>()),
        ("outcomes", known::<RawOutcomes>()),
        ("case", known::<RawCase>()),
        ("results", known::<RawResults>()),
        ("step", known::<RawStep>()),
        ("prepare", known::<RawPrepare>()),
        ("probe", known::<RawProbe>()),
        (
            "map",
            union(&[
                head::HEAD_FIELDS,
                order::ORDER_FIELDS,
                despatch::DESPATCH_FIELDS,
                response::ANSWER_FIELDS,
                response::RESPONSE_FIELDS,
                receipt::RECEIPT_FIELDS,
            ]),
        ),
        (
            "lines",
            union(&[
                order::ORDER_LINE_FIELDS,
                despatch::DESPATCH_LINE_FIELDS,
                response::RESPONSE_LINE_FIELDS,
                receipt::RECEIPT_LINE_FIELDS,
            ]),
        ),
        ("party", union(&[party::PARTY_FIELDS])),
        ("item", union(&[party::ITEM_FIELDS])),
        ("reason", union(&[response::REASON_FIELDS])),
        ("totals", union(&[order::TOTALS_FIELDS])),
    ]
}

/// A struct that denies unknown fields names its own when it meets one.
fn known<T: DeserializeOwned>() -> Vec<String> {
    let refusal = serde_json::from_value::<T>(serde_json::json!({"\u{0}": null}))
        .err()
        .map(|e| e.to_string())
        .unwrap_or_default();
    let list = refusal.split_once("expected").map_or("", |(_, list)| list);
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
