//! Makes a PDF smaller without touching what it shows: page contents are shortened (`content.rs`) and compressed, small
//! objects go into compressed object streams (`columns.rs`), and the cross-reference table becomes a compressed stream
//! (ISO 32000-1, 7.5.7 and 7.5.8). A tagged table has an object per cell, so this takes most of its bytes away.

use super::columns::{self, Content, Group};
use super::content;
use flate2::{Compression, write::ZlibEncoder};
use std::io::Write;

/// Of 500 lines the next level takes a tenth off the whole time more, and two percent off the bytes.
const LEVEL: Compression = Compression::new(5);
/// Bytes of a cross-reference row: type, offset or stream, index.
const ROW: usize = 7;

/// An object of the file: its number and the bytes between `obj` and `endobj`.
pub(super) struct Object {
    pub number: usize,
    pub body: Vec<u8>,
}

/// The same document, packed. What is not laid out as expected is given back as it is.
pub(super) fn pack(pdf: Vec<u8>) -> Vec<u8> {
    packed(&pdf).unwrap_or(pdf)
}

fn packed(pdf: &[u8]) -> Option<Vec<u8>> {
    let table_at: usize = number(after(pdf, rfind(pdf, b"startxref")?, b"startxref")?)?;
    let (offsets, trailer) = table(pdf.get(table_at..)?)?;
    let objects = objects(pdf, &offsets, table_at)?;
    let first = offsets.iter().filter(|offset| **offset > 0).min()?;
    let mut out = pdf.get(..*first)?.to_vec();
    let (streams, plain): (Vec<_>, Vec<_>) = objects.into_iter().partition(|o| o.body.ends_with(b"endstream"));
    let (groups, streams, trailer) = renumbered(columns::groups(plain), streams, &trailer, offsets.len())?;
    let size = offsets.len() + groups.len() + 1;
    let mut rows = vec![[0u8; ROW]; size];
    for stream in streams {
        *rows.get_mut(stream.number)? = row(1, out.len(), 0)?;
        let body = compressed(&stream.body).unwrap_or(stream.body);
        write_object(&mut out, stream.number, &[&body]);
    }
    for (nth, group) in groups.iter().enumerate() {
        let holder = offsets.len() + nth;
        for (index, object) in group.objects.iter().enumerate() {
            *rows.get_mut(object.number)? = row(2, holder, index)?;
        }
        *rows.get_mut(holder)? = row(1, out.len(), 0)?;
        let (dictionary, data) = object_stream(group)?;
        write_object(&mut out, holder, &[dictionary.as_bytes(), &data, b"\nendstream"]);
    }
    let here = out.len();
    *rows.last_mut()? = row(1, here, 0)?;
    let data = deflate(&columns::predicted(rows.as_flattened(), ROW))?;
    let dictionary = format!(
        "<</Type/XRef/Size {size}/W[1 4 2]{trailer}/Filter/FlateDecode{}/Length {}>>\nstream\n",
        columns::parameters(ROW),
        data.len()
    );
    write_object(&mut out, size - 1, &[dictionary.as_bytes(), &data, b"\nendstream"]);
    out.extend(format!("startxref\n{here}\n%%EOF").bytes());
    Some(out)
}

/// Objects that lie together get numbers that follow each other: then the table of their places is a plain count.
fn renumbered(
    mut groups: Vec<Group>,
    mut streams: Vec<Object>,
    trailer: &str,
    count: usize,
) -> Option<(Vec<Group>, Vec<Object>, String)> {
    let mut new = vec![0; count];
    let all = groups
        .iter_mut()
        .flat_map(|group| &mut group.objects)
        .chain(&mut streams);
    for (next, object) in (1..).zip(all) {
        *new.get_mut(object.number)? = next;
        object.number = next;
    }
    for object in groups.iter_mut().flat_map(|group| &mut group.objects) {
        object.body = refer(&object.body, &new)?;
    }
    for stream in &mut streams {
        let data_at = find(&stream.body, b"stream")?;
        let (dictionary, data) = stream.body.split_at_checked(data_at)?;
        stream.body = [refer(dictionary, &new)?.as_slice(), data].concat();
    }
    let trailer = String::from_utf8(refer(trailer.as_bytes(), &new)?).ok()?;
    Some((groups, streams, trailer))
}

/// The same text with the new numbers in its references. What is in strings stays.
fn refer(body: &[u8], new: &[usize]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    let mut open = 0usize;
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            b'\\' if open > 0 => {
                out.extend(rest.get(..2)?);
                rest = rest.get(2..)?;
                continue;
            }
            b'(' => open += 1,
            b')' => open = open.checked_sub(1)?,
            b'0'..=b'9' if open == 0 => {
                let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                let (text, after) = rest.split_at_checked(digits)?;
                match after.strip_prefix(b" 0 R") {
                    Some(after) => {
                        let to = new.get(number(text)?).filter(|to| **to > 0)?;
                        write!(out, "{to} 0 R").ok()?;
                        rest = after;
                    }
                    None => {
                        out.extend(text);
                        rest = after;
                    }
                }
                continue;
            }
            _ => {}
        }
        out.push(*byte);
        rest = after;
    }
    Some(out)
}

/// A stream that is not compressed yet, shortened if it is a page's content.
fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    let head = b"\nstream\n";
    let at = find(body, head)?;
    let (dictionary, data) = (body.get(..at)?, after(body, at, head)?);
    let data = data.strip_suffix(b"endstream")?.strip_suffix(b"\n")?;
    let dictionary = std::str::from_utf8(dictionary).ok()?;
    if dictionary.contains("/Filter") {
        return None;
    }
    let before = format!("/Length {}", data.len());
    let data = deflate(&content::shorten(data).unwrap_or_else(|| data.to_vec()))?;
    let length = format!("/Filter/FlateDecode/Length {}", data.len());
    let dictionary = dictionary.replacen(&before, &length, 1);
    dictionary
        .contains(&length)
        .then(|| [dictionary.as_bytes(), head, &data, b"\nendstream"].concat())
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

fn objects(pdf: &[u8], offsets: &[usize], end: usize) -> Option<Vec<Object>> {
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
        objects.push(Object {
            number: *number,
            body: body.to_vec(),
        });
    }
    objects.sort_unstable_by_key(|o| o.number);
    Some(objects)
}

fn object_stream(group: &Group) -> Option<(String, Vec<u8>)> {
    let Content { data, first, columns } = group.content();
    let (data, parameters) = match columns {
        Some(columns) => (columns::predicted(&data, columns), columns::parameters(columns)),
        None => (data, String::new()),
    };
    let data = deflate(&data)?;
    let dictionary = format!(
        "<</Type/ObjStm/N {}/First {first}/Filter/FlateDecode{parameters}/Length {}>>\nstream\n",
        group.objects.len(),
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

fn deflate(data: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), LEVEL);
    encoder.write_all(data).ok()?;
    encoder.finish().ok()
}

fn after<'a>(bytes: &'a [u8], at: usize, word: &[u8]) -> Option<&'a [u8]> {
    bytes.get(at + word.len()..)
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|w| w == word)
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
    fn references_get_their_new_numbers_and_strings_stay() {
        let new = [0, 7, 0, 5];
        let refer = |body: &str| super::refer(body.as_bytes(), &new).map(|out| String::from_utf8(out).expect("text"));
        assert_eq!(
            refer("<</K[1 0 R 3 0 R 1 0]/F1 3 0 R/T(1 0 R \\) (3 0 R))/N 13/S<0102>>>").as_deref(),
            Some("<</K[7 0 R 5 0 R 1 0]/F1 5 0 R/T(1 0 R \\) (3 0 R))/N 13/S<0102>>>")
        );
        assert_eq!(refer("2 0 R"), None, "an object that is not there");
    }

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
