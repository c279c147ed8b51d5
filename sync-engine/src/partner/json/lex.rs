//! Where the pieces of JSON text end. As strict as serde_json, and `None` also for what is uncommon.

/// Below serde_json's own limit, which is what refuses.
pub(crate) const MAX_DEPTH: usize = 120;

/// Bytes that stand for themselves within a text.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

/// The first place from `at` on that is no white space, with its byte.
#[inline]
pub(crate) fn solid(bytes: &[u8], mut at: usize) -> Option<(usize, u8)> {
    loop {
        match *bytes.get(at)? {
            b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            byte => return Some((at, byte)),
        }
    }
}

/// Place of the closing quote of the text whose first byte is at `at`, and whether anything in it is escaped.
#[inline]
pub(crate) fn text(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut escaped = false;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| !PLAIN[usize::from(*byte)])?;
        at += match (bytes[at], bytes.get(at + 1)) {
            (b'"', _) => return Some((at, escaped)),
            (b'\\', Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')) => 2,
            (b'\\', Some(b'u')) if bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return None,
        };
        escaped = true;
    }
}

/// Behind the number that begins at `at`, and whether it has an exponent.
pub(crate) fn number(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    let start = at + usize::from(bytes.get(at) == Some(&b'-'));
    let mut end = digits(bytes, start)?;
    if bytes[start] == b'0' && end > start + 1 {
        return None;
    }
    if bytes.get(end) == Some(&b'.') {
        end = digits(bytes, end + 1)?;
    }
    if !matches!(bytes.get(end), Some(b'e' | b'E')) {
        return Some((end, false));
    }
    let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
    digits(bytes, end + 1 + sign).map(|end| (end, true))
}

/// Behind the digits at `at`, of which there is at least one.
fn digits(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let count = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
    (count > 0).then_some(at + count)
}

/// Behind `word` at `at`.
pub(crate) fn word(bytes: &[u8], at: usize, word: &str) -> Option<usize> {
    bytes.get(at..)?.starts_with(word.as_bytes()).then_some(at + word.len())
}

/// Behind the value that begins at `at`, which is looked at as a parser would, and not kept.
pub(crate) fn value(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    match *bytes.get(at)? {
        b'"' => text(bytes, at + 1).map(|(end, _)| end + 1),
        b'{' if depth < MAX_DEPTH => object(bytes, at, depth),
        b'[' if depth < MAX_DEPTH => list(bytes, at, |at| value(bytes, at, depth + 1)),
        b'-' | b'0'..=b'9' => number(bytes, at).map(|(end, _)| end),
        b't' => word(bytes, at, "true"),
        b'f' => word(bytes, at, "false"),
        b'n' => word(bytes, at, "null"),
        _ => None,
    }
}

fn object(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    members(bytes, at, |_, at| value(bytes, at, depth + 1))
}

/// Behind the object at `at`. `member` gets each name, from its first byte to its closing quote, and the place of its
/// value, and says where that ends.
pub(crate) fn members(
    bytes: &[u8],
    at: usize,
    mut member: impl FnMut(std::ops::Range<usize>, usize) -> Option<usize>,
) -> Option<usize> {
    let (mut at, mut byte) = solid(bytes, at + 1)?;
    if byte == b'}' {
        return Some(at + 1);
    }
    loop {
        if byte != b'"' {
            return None;
        }
        let (end, _) = text(bytes, at + 1)?;
        let (colon, byte_between) = solid(bytes, end + 1)?;
        if byte_between != b':' {
            return None;
        }
        let (value, _) = solid(bytes, colon + 1)?;
        let behind = member(at + 1..end, value)?;
        match solid(bytes, behind)? {
            (at, b'}') => return Some(at + 1),
            (comma, b',') => (at, byte) = solid(bytes, comma + 1)?,
            _ => return None,
        }
    }
}

/// Behind the list at `at`. `item` gets the place of each item, and says where that ends.
pub(crate) fn list(bytes: &[u8], at: usize, mut item: impl FnMut(usize) -> Option<usize>) -> Option<usize> {
    let (mut at, byte) = solid(bytes, at + 1)?;
    if byte == b']' {
        return Some(at + 1);
    }
    loop {
        match solid(bytes, item(at)?)? {
            (at, b']') => return Some(at + 1),
            (comma, b',') => (at, _) = solid(bytes, comma + 1)?,
            _ => return None,
        }
    }
}
