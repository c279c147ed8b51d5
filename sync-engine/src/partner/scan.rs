//! Limits that hold before anything is parsed: depth, length of texts and numbers. One pass over the bytes.

/// What a payload may be at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanLimits {
    pub max_depth: usize,
    pub max_string_bytes: usize,
}

/// For an answer as a whole: each of its documents is held to the limits of the configuration.
pub(crate) const GENEROUS: ScanLimits = ScanLimits {
    max_depth: 128,
    max_string_bytes: 1024 * 1024,
};

/// Longest number literal: more digits than any exact decimal here has.
pub(crate) const MAX_NUMBER_BYTES: usize = 64;

/// Most values of one document: a thousand times those of a common one. Each takes about a hundred bytes when parsed.
pub(crate) const MAX_VALUES: usize = 400_000;

/// # Errors
/// A sentence that names the limit. Bytes that are no JSON pass: the parser has the better words for it.
pub(crate) fn scan(bytes: &[u8], limits: ScanLimits) -> Result<(), String> {
    let mut depth = 0usize;
    let mut values = 0usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if matches!(byte, b',' | b'{' | b'[') {
            values += 1;
            if values > MAX_VALUES {
                return Err(format!("it has more than {MAX_VALUES} values"));
            }
        }
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > limits.max_depth {
                    return Err(format!("it is nested deeper than {} levels", limits.max_depth));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let start = at + 1;
                at = end_of_string(bytes, start);
                if at - start > limits.max_string_bytes {
                    return Err(format!("a text is longer than {} bytes", limits.max_string_bytes));
                }
            }
            b'0'..=b'9' => {
                let start = at;
                while bytes
                    .get(at + 1)
                    .is_some_and(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
                {
                    at += 1;
                }
                if at - start > MAX_NUMBER_BYTES {
                    return Err(format!("a number has more than {MAX_NUMBER_BYTES} digits"));
                }
                if exponent(&bytes[start..=at]) > 3 {
                    return Err("a number has an exponent of more than three digits".to_owned());
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Position of the closing quote, or the end of the bytes.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len().max(start)
}

/// Digits of the exponent, leading zeros included.
fn exponent(number: &[u8]) -> usize {
    number
        .iter()
        .position(|b| matches!(b, b'e' | b'E'))
        .map_or(0, |e| number[e..].iter().filter(|b| b.is_ascii_digit()).count())
}
