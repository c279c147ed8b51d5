//! Makes a PDF smaller without touching its content: small objects go into compressed object streams and the
//! cross-reference table becomes a compressed stream (ISO 32000-1, 7.5.7 and 7.5.8). A tagged table has an object per
//! cell, so this halves a page of twenty lines.

use flate2::{Compression, write::ZlibEncoder};
use std::io::Write;

/// Most objects of one object stream, so that a reader need not unpack a long document at once.
const GROUP: usize = 1000;
/// Of 500 lines the best level saves half a percent and takes a fifth longer.
const LEVEL: Compression = Compression::new(4);
/// Bytes of a cross-reference row: type, offset or stream, index.
const ROW: usize = 7;

/// An object of the file: its number and the bytes between `obj` and `endobj`.
struct Object<'a> {
    number: usize,
    body: &'a [u8],
}

/// The same document, packed. What is not laid out as expected is given back as it is.
pub(super) fn pack(pdf: Vec<u8>) -> Vec<u8> {
    packed(&pdf).unwrap_or(pdf)
}

fn packed(pdf: &[u8]) -> Option<Vec<u8>> {
    let table_at: usize = number(after(pdf, rfind(pdf, b"startxref")?, b"startxref")?)?;
    let (offsets, trailer) = table(pdf.get(table_at..)?)?;
    let objects = objects(pdf, &offsets, table_at)?;
    let first = objects.iter().map(|o| offsets.get(o.number)).min()??;
    let mut out = pdf.get(..*first)?.to_vec();
    let (streams, plain): (Vec<_>, Vec<_>) = objects.into_iter().partition(|o| o.body.ends_with(b"endstream"));
    let groups = plain.chunks(GROUP);
    let size = offsets.len() + groups.len() + 1;
    let mut rows = vec![[0u8; ROW]; size];
    for stream in streams {
        *rows.get_mut(stream.number)? = row(1, out.len(), 0)?;
        write_object(&mut out, stream.number, &[stream.body]);
    }
    for (nth, group) in groups.enumerate() {
        let holder = offsets.len() + nth;
        for (index, object) in group.iter().enumerate() {
            *rows.get_mut(object.number)? = row(2, holder, index)?;
        }
        *rows.get_mut(holder)? = row(1, out.len(), 0)?;
        let (dictionary, data) = object_stream(group)?;
        write_object(&mut out, holder, &[dictionary.as_bytes(), &data, b"\nendstream"]);
    }
    let here = out.len();
    *rows.last_mut()? = row(1, here, 0)?;
    let data = deflate(&predicted(&rows))?;
    let dictionary = format!(
        "<</Type/XRef/Size {size}/W[1 4 2]{trailer}/Filter/FlateDecode/DecodeParms<</Columns {ROW}/Predictor 12>>/Length {}>>\nstream\n",
        data.len()
    );
    write_object(&mut out, size - 1, &[dictionary.as_bytes(), &data, b"\nendstream"]);
    out.extend(format!("startxref\n{here}\n%%EOF").bytes());
    Some(out)
}

/// Offsets by object number (zero where there is none), and the trailer's entries without its size.
fn table(from: &[u8]) -> Option<(Vec<usize>, String)> {
    let rest = from.strip_prefix(b"xref\n0 ")?;
    let count: usize = number(rest)?;
    let lines_at = rest.iter().position(|b| *b == b'\n')? + 1;
    let mut offsets = Vec::with_capacity(count);
    for line in rest.get(lines_at..)?.chunks_exact(20).take(count) {
        let used = line.get(17) == Some(&b'n');
        offsets.push(if used { number(line)? } else { 0 });
    }
    if offsets.len() != count {
        return None;
    }
    let trailer = after(rest, rfind(rest, b"trailer")?, b"trailer")?;
    let end = rfind(trailer, b">>")?;
    let text = std::str::from_utf8(trailer.get(..end)?).ok()?;
    let entries = text.trim_start().strip_prefix("<<")?;
    let size = format!("/Size {count}");
    Some((offsets, entries.replacen(&size, "", 1).trim().to_owned()))
}

fn objects<'a>(pdf: &'a [u8], offsets: &[usize], end: usize) -> Option<Vec<Object<'a>>> {
    let mut used: Vec<(usize, usize)> = offsets
        .iter()
        .enumerate()
        .filter(|(_, offset)| **offset > 0)
        .map(|(number, offset)| (*offset, number))
        .collect();
    used.sort_unstable();
    let ends = used.iter().skip(1).map(|(offset, _)| *offset).chain([end]);
    let mut objects = Vec::with_capacity(used.len());
    for ((start, number), end) in used.iter().zip(ends) {
        let head = format!("{number} 0 obj");
        let text = pdf.get(*start..end)?.strip_prefix(head.as_bytes())?;
        let body = text.trim_ascii().strip_suffix(b"endobj")?.trim_ascii();
        objects.push(Object { number: *number, body });
    }
    objects.sort_unstable_by_key(|o| o.number);
    Some(objects)
}

fn object_stream(group: &[Object<'_>]) -> Option<(String, Vec<u8>)> {
    let mut index = String::new();
    let mut bodies: Vec<u8> = Vec::new();
    for object in group {
        index += &format!("{} {} ", object.number, bodies.len());
        bodies.extend(object.body);
        bodies.push(b'\n');
    }
    let data = deflate(&[index.as_bytes(), &bodies].concat())?;
    let dictionary = format!(
        "<</Type/ObjStm/N {}/First {}/Filter/FlateDecode/Length {}>>\nstream\n",
        group.len(),
        index.len(),
        data.len()
    );
    Some((dictionary, data))
}

fn write_object(out: &mut Vec<u8>, number: usize, parts: &[&[u8]]) {
    out.extend(format!("{number} 0 obj\n").bytes());
    for part in parts {
        out.extend(*part);
    }
    out.extend(b"\nendobj\n");
}

fn row(kind: u8, place: usize, index: usize) -> Option<[u8; ROW]> {
    let [a, b, c, d] = u32::try_from(place).ok()?.to_be_bytes();
    let [e, f] = u16::try_from(index).ok()?.to_be_bytes();
    Some([kind, a, b, c, d, e, f])
}

/// PNG's filter "up": each byte as the difference to the one above, which leaves almost nothing to compress.
fn predicted(rows: &[[u8; ROW]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * (ROW + 1));
    let mut above = [0u8; ROW];
    for row in rows {
        out.push(2);
        out.extend(row.iter().zip(above).map(|(byte, up)| byte.wrapping_sub(up)));
        above = *row;
    }
    out
}

fn deflate(data: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), LEVEL);
    encoder.write_all(data).ok()?;
    encoder.finish().ok()
}

fn after<'a>(bytes: &'a [u8], at: usize, word: &[u8]) -> Option<&'a [u8]> {
    bytes.get(at + word.len()..)
}

fn rfind(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).rposition(|w| w == word)
}

/// The number that the bytes start with, after white space.
fn number(bytes: &[u8]) -> Option<usize> {
    let digits: String = bytes
        .trim_ascii_start()
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .map(|b| char::from(*b))
        .collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_such_file_is_given_back() {
        for bytes in [
            &b""[..],
            b"startxref",
            b"startxref\n99999\n%%EOF",
            b"xref\n0 9\ntrailer\n<<>>\nstartxref\n0\n%%EOF",
        ] {
            assert_eq!(pack(bytes.to_vec()), bytes);
        }
    }
}
