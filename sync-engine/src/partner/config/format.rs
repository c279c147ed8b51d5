//! What the payloads of a stream are written in.

use super::raw::{RawFormat, RawXml};
use crate::partner::scan::GENEROUS;
use crate::partner::xml::{self, XmlReading};
use serde_json::Value;
use std::sync::Arc;

#[derive(Debug, Clone)]
pub(crate) enum Format {
    Json,
    Xml(Arc<XmlReading>),
}

impl Format {
    pub(super) fn of(raw: Option<RawFormat>, reading: &Arc<XmlReading>) -> Self {
        match raw {
            None | Some(RawFormat::Json) => Self::Json,
            Some(RawFormat::Xml) => Self::Xml(Arc::clone(reading)),
        }
    }

    pub fn media_type(&self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml(_) => "application/xml",
        }
    }

    /// A payload that was looked at before; `None` when it cannot be read.
    pub fn value(&self, bytes: &[u8]) -> Option<Value> {
        match self {
            Self::Json => serde_json::from_slice(bytes).ok(),
            Self::Xml(reading) => xml::read(bytes, reading, GENEROUS).ok(),
        }
    }
}

pub(super) fn reading(raw: Option<&RawXml>) -> Arc<XmlReading> {
    let lists = raw.map(|raw| raw.lists.iter().cloned().collect()).unwrap_or_default();
    Arc::new(XmlReading { lists })
}
