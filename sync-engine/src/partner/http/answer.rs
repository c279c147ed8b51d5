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
        let length = response.content_length().and_then(|n| usize::try_from(n).ok());
        let mut body = Vec::with_capacity(length.unwrap_or_default());
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

/// What is inflated without knowing how much it becomes.
const SMALL_BYTES: usize = 4 << 20;

/// Undoes gzip up to a limit, so that a small answer cannot fill the memory: of a large one it is counted first what it
/// becomes, and nothing of it is kept for that.
fn inflate(body: &[u8], limit: usize) -> Result<Vec<u8>, WireError> {
    let broken = |e| WireError::Broken(format!("the answer's gzip cannot be undone: {e}"));
    let small = limit.min(SMALL_BYTES);
    let mut inflating = MultiGzDecoder::new(body);
    let mut inflated = Vec::new();
    let mut length = inflating
        .by_ref()
        .take(small as u64)
        .read_to_end(&mut inflated)
        .map_err(broken)?;
    if length < small {
        return Ok(inflated);
    }
    drop(inflated);
    let rest = std::io::copy(&mut inflating.take((limit - small) as u64 + 1), &mut std::io::sink()).map_err(broken)?;
    length = length.saturating_add(usize::try_from(rest).unwrap_or(usize::MAX));
    if length > limit {
        return Err(WireError::TooLarge(format!(
            "the answer inflates to more than {limit} bytes"
        )));
    }
    let mut inflated = Vec::with_capacity(length);
    MultiGzDecoder::new(body).read_to_end(&mut inflated).map_err(broken)?;
    Ok(inflated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    #[test]
    fn gzip_is_undone_up_to_the_limit_and_not_a_byte_further() {
        for (length, limit) in [
            (0, 10),
            (9, 10),
            (10, 10),
            (SMALL_BYTES - 1, SMALL_BYTES),
            (SMALL_BYTES, SMALL_BYTES),
            (SMALL_BYTES, 2 * SMALL_BYTES),
            (2 * SMALL_BYTES, 2 * SMALL_BYTES),
        ] {
            let text: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(&text).unwrap();
            let body = gzip.finish().unwrap();
            assert!(inflate(&body, limit).unwrap() == text, "{length} of {limit}");
            if length > 0 {
                let refused = inflate(&body, length - 1).map(|inflated| inflated.len());
                assert!(matches!(refused, Err(WireError::TooLarge(_))), "{length}: {refused:?}");
            }
        }
    }
}
