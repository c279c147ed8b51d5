//! How a stream is read, as it is written in the file.

use serde::Deserialize;

/// One place, or several of which the first that is there counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum RawItems {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawPaging {
    #[serde(rename = "type")]
    pub kind: Option<RawPagingKind>,
    pub next: Option<RawPlace>,
    pub limit: Option<u64>,
    pub until: Option<RawUntil>,
    pub more: Option<String>,
    pub total: Option<RawPlace>,
    pub unit: Option<String>,
    pub own_host: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawPagingKind {
    Token,
    Watermark,
    Offset,
    Page,
    Link,
    Url,
    Range,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawUntil {
    Short,
    Empty,
}

/// An expression over the answer, or `{"header": "NAME"}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum RawPlace {
    Body(String),
    Header(RawHeader),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawHeader {
    pub header: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawWatermark {
    pub page: Option<String>,
    pub item: Option<String>,
    pub header: Option<String>,
    pub window: Option<RawWindow>,
    pub start: Option<String>,
    pub overlap_seconds: Option<u64>,
    pub format: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawWindow {
    pub seconds: Option<u64>,
    pub lag_seconds: Option<u64>,
}
