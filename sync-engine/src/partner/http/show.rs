//! Requests as they would go over the wire, for a person to read: nothing is sent, and no secret is shown.

use super::wire::{Outgoing, WireError};
use super::{HttpPartner, wire_message};
use crate::partner::page::Run;
use crate::partner::{OutboundKind, RenderedRequest, ShownHeader, ShownRequest};
use serde_json::Value;
use url::Url;

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
        request: &RenderedRequest,
    ) -> Result<ShownRequest, String> {
        let operation = self.config.operations.get(&kind).ok_or("there is no such operation")?;
        let url = Url::parse(&request.url).map_err(|e| e.to_string())?;
        self.show(&self.carried(operation, operation_id, request, url))
    }

    /// The payload as the stream's expressions see it.
    pub(crate) fn payload_as_read(&self, stream: &str, raw: &[u8]) -> Option<Value> {
        let stream = self.stream(stream)?;
        crate::partner::intake::parse(&stream.format, &self.config.limits, raw).ok()
    }

    fn show(&self, out: &Outgoing<'_>) -> Result<ShownRequest, String> {
        let clean = |text: &str| self.wire.redactor.clean(text);
        let headers = self.wire.shown_headers(out);
        let headers = headers.map_err(|e: WireError| clean(&wire_message(&e)))?;
        Ok(ShownRequest {
            method: out.method.to_owned(),
            url: clean(out.url.as_str()),
            headers: headers
                .into_iter()
                .map(|(name, value)| ShownHeader { name, value })
                .collect(),
            body: out.content.map(|(_, body)| clean(&String::from_utf8_lossy(body))),
        })
    }
}
