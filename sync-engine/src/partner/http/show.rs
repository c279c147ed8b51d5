//! Requests as they would go over the wire, for a person to read: nothing is sent, and no secret is shown.

use super::wire::{Outgoing, WireError};
use super::{HttpPartner, wire_message};
use crate::domain::Progress;
use crate::partner::config::RequestTemplate;
use crate::partner::expr::Scope;
use crate::partner::page::Run;
use crate::partner::{OutboundKind, RenderedRequest, ShownHeader, ShownRequest};
use serde_json::Value;

impl HttpPartner {
    /// The request of a stream's first page, from no watermark.
    ///
    /// # Errors
    /// A sentence when the request cannot be made.
    pub(crate) fn show_fetch(&self, stream: &str) -> Result<ShownRequest, String> {
        let stream = self.stream(stream).ok_or("there is no such stream")?;
        let run = Run::resume(stream, None, None, self.clock.now()).map_err(|e| e.message)?;
        let out = self.page_request(stream, &run).map_err(|e| e.message)?;
        self.show(&out.borrow())
    }

    /// The request of an operation.
    ///
    /// # Errors
    /// A sentence when it cannot be sent as it is.
    pub(crate) fn show_operation(
        &self,
        kind: OutboundKind,
        operation_id: uuid::Uuid,
        progress: &Progress,
        request: &RenderedRequest,
    ) -> Result<ShownRequest, String> {
        let (_, step) = self.step(kind, progress).ok_or("there is no such operation")?;
        self.show(&self.carried(step, progress, operation_id, request))
    }

    /// A read from its template.
    ///
    /// # Errors
    /// A sentence when it cannot be made.
    pub(crate) fn show_read(&self, template: &RequestTemplate, scope: &Scope<'_>) -> Result<ShownRequest, String> {
        let out = self.outgoing(template, scope, uuid::Uuid::nil().to_string())?;
        self.show(&out.borrow())
    }

    /// The payload as the stream's expressions see it.
    pub(crate) fn payload_as_read(&self, stream: &str, raw: &[u8]) -> Option<Value> {
        let stream = self.stream(stream)?;
        crate::partner::intake::parse(&stream.format, &self.config.limits, raw).ok()
    }

    fn show(&self, out: &Outgoing<'_>) -> Result<ShownRequest, String> {
        let clean = |text: &str| self.wire.clean(text);
        let (url, headers) = self.wire.shown(out).map_err(|e: WireError| clean(&wire_message(&e)))?;
        let body = String::from_utf8_lossy(&out.request.body);
        Ok(ShownRequest {
            method: out.request.method.clone(),
            url: self.wire.masked(url.as_str()),
            headers: headers
                .into_iter()
                .map(|(name, value)| ShownHeader { name, value })
                .collect(),
            body: (!out.request.media_type.is_empty()).then(|| self.wire.masked(&body)),
        })
    }
}
