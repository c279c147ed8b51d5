//! An answer, read as a whole within its limits.

use super::client::classified;
use super::wire::WireError;
use flate2::read::MultiGzDecoder;
use reqwest::header::HeaderMap;
use std::io::Read;

pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerLimits {
    /// On the wire.
    pub body_bytes: usize,
    /// After gzip was undone.
    pub inflated_bytes: usize,
}

impl Answer {
    /// # Errors
    /// `TooLarge` past a limit, `Broken` when it ends early or its encoding cannot be undone.
    pub async fn read(mut response: reqwest::Response, limits: AnswerLimits) -> Result<Self, WireError> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let limit = limits.body_bytes;
        let too_large = || WireError::TooLarge(format!("the answer is larger than {limit} bytes"));
        if response.content_length().is_some_and(|n| n > limit as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(classified)? {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let encoding = headers
            .get("content-encoding")
            .and_then(|e| e.to_str().ok())
            .unwrap_or("identity");
        let body = match encoding.to_ascii_lowercase().as_str() {
            "identity" | "" => body,
            "gzip" | "x-gzip" => inflate(&body, limits.inflated_bytes)?,
            other => {
                return Err(WireError::Broken(format!(
                    "the answer is encoded as {other}, which was not asked for"
                )));
            }
        };
        Ok(Self { status, headers, body })
    }
}

/// Undoes gzip up to a limit, so that a small answer cannot fill the memory.
fn inflate(body: &[u8], limit: usize) -> Result<Vec<u8>, WireError> {
    let mut inflated = Vec::new();
    MultiGzDecoder::new(body)
        .take(limit as u64 + 1)
        .read_to_end(&mut inflated)
        .map_err(|e| WireError::Broken(format!("the answer's gzip cannot be undone: {e}")))?;
    if inflated.len() > limit {
        return Err(WireError::TooLarge(format!(
            "the answer inflates to more than {limit} bytes"
        )));
    }
    Ok(inflated)
}
