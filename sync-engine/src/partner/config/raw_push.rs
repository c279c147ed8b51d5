//! How a partner calls us, as it is written in the file.

use super::raw::RawTextOrSecret;
use super::raw_reading::RawItems;
use serde::Deserialize;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawPush {
    pub signature: Option<RawPushSignature>,
    pub items: Option<RawItems>,
    pub then: Option<RawThen>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawThen {
    Store,
    Fetch,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawPushSignature {
    pub algorithm: Option<RawPushAlgorithm>,
    pub header: Option<String>,
    pub key: Option<RawTextOrSecret>,
    pub prefix: Option<String>,
    pub template: Option<String>,
    pub encoding: Option<RawPushEncoding>,
    pub time_header: Option<String>,
    pub tolerance_seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawPushAlgorithm {
    HmacSha256,
    HmacSha512,
    Secret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawPushEncoding {
    Hex,
    Base64,
}
