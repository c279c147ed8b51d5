//! What is fetched for each item of a list, and told after it is stored, as it is written in the file.

use super::raw::RawRequest;
use super::raw_reading::{RawItems, RawPaging};
use serde::Deserialize;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawDetail {
    pub request: Option<RawRequest>,
    pub item: Option<RawItems>,
    pub empty_statuses: Vec<u16>,
    pub concurrency: Option<u64>,
    pub stub_as: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawBatch {
    pub size: Option<u64>,
    pub key: Option<String>,
    #[serde(rename = "match")]
    pub matched: Option<String>,
    pub request: Option<RawRequest>,
    pub items: Option<RawItems>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawPart {
    pub request: Option<RawRequest>,
    pub items: Option<RawItems>,
    pub paging: Option<RawPaging>,
    pub when: Option<String>,
    pub size: Option<u64>,
    pub key: Option<String>,
    #[serde(rename = "match")]
    pub matched: Option<String>,
    pub empty_statuses: Vec<u16>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawAfterStore {
    pub key: Option<String>,
    pub size: Option<u64>,
    pub request: Option<RawRequest>,
}
