//! What comes without being polled: calls of partners, and files.

use super::{Engine, EngineError};
use crate::domain::PartnerId;
use crate::exchange::SyncReport;
use crate::exchange::partners::Partner;
use crate::exchange::push::{self, PushError};
use crate::partner::{PushCall, RawItem, StreamInfo};
use bytes::Bytes;
use std::sync::Arc;

/// A partner's call, as a host got it.
pub struct Call<'a> {
    pub partner: &'a str,
    pub stream: &'a str,
    /// Names in lower case.
    pub headers: &'a [(String, String)],
    pub path: &'a str,
    pub body: &'a Bytes,
}

impl Engine {
    /// Takes a document in from a file, the same way as one that was polled.
    ///
    /// # Errors
    /// `NotFound` when there is no such partner, `Config` when it has no such stream.
    pub async fn import(&self, partner: &PartnerId, stream: &str, bytes: Bytes) -> Result<SyncReport, EngineError> {
        let partner = self
            .exchange()
            .partners
            .get(partner)
            .ok_or_else(|| EngineError::NotFound {
                what: "partner",
                id: partner.to_string(),
            })?;
        let link = partner.link();
        let known = link.streams();
        let info = known.iter().find(|s| s.name == stream).cloned().ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|s| s.name.as_str()).collect();
            EngineError::Config(format!(
                "{} has no stream \"{stream}\"; there is: {}",
                partner.id,
                names.join(", ")
            ))
        })?;
        let xml = bytes.iter().find(|b| b.is_ascii() && !b.is_ascii_whitespace()) == Some(&b'<');
        let media_type = if xml { "application/xml" } else { "application/json" };
        let raw = RawItem {
            bytes,
            media_type: media_type.to_owned(),
        };
        Ok(push::import(self.exchange(), &partner, &info, raw).await?)
    }

    /// Whether a call with this head (names in lower case) can be the partner's; asked before its body is waited for.
    ///
    /// # Errors
    /// `PushError::Unknown` and `Refused`: whatever its body, nothing of it would be taken.
    pub fn may_call(&self, partner: &str, stream: &str, headers: &[(String, String)]) -> Result<(), PushError> {
        let (partner, stream) = self.called(partner, stream)?;
        let link = partner.link();
        link.may_call(&stream.name, headers).map_err(PushError::Refused)
    }

    fn called(&self, partner: &str, stream: &str) -> Result<(Arc<Partner>, StreamInfo), PushError> {
        let all = self.exchange().partners.all();
        let partner = all.into_iter().find(|p| p.id.0 == partner);
        let partner = partner.ok_or(PushError::Unknown)?;
        let link = partner.link();
        let stream = link.streams().iter().find(|s| s.name == stream);
        let stream = stream.cloned().ok_or(PushError::Unknown)?;
        Ok((partner, stream))
    }

    /// Takes in what a partner brings by calling us. When it returns well, it is stored durably.
    ///
    /// # Errors
    /// `PushError`: nothing may be answered as taken.
    pub async fn take_call(&self, call: &Call<'_>) -> Result<SyncReport, PushError> {
        let (partner, stream) = self.called(call.partner, call.stream)?;
        let pushed = PushCall {
            headers: call.headers,
            path: call.path,
            body: call.body,
            at: self.exchange().clock.now(),
        };
        push::take(self.exchange(), &partner, &stream, &pushed).await
    }
}
