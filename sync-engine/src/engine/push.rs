//! Calls of partners.

use super::Engine;
use crate::exchange::SyncReport;
use crate::exchange::partners::Partner;
use crate::exchange::push::{self, PushError};
use crate::partner::PushCall;
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
    /// Takes in what a partner brings by calling us. When it returns well, it is stored durably.
    ///
    /// # Errors
    /// `PushError`: nothing may be answered as taken.
    pub async fn take_call(&self, call: &Call<'_>) -> Result<SyncReport, PushError> {
        let all = self.exchange().partners.all();
        let partner: Option<Arc<Partner>> = all.into_iter().find(|p| p.id.0 == call.partner);
        let partner = partner.ok_or(PushError::Unknown)?;
        let link = partner.link();
        let stream = link.streams().iter().find(|s| s.name == call.stream);
        let stream = stream.cloned().ok_or(PushError::Unknown)?;
        let pushed = PushCall {
            headers: call.headers,
            path: call.path,
            body: call.body,
            at: self.exchange().clock.now(),
        };
        push::take(self.exchange(), &partner, &stream, &pushed).await
    }
}
