//! Objects of one object stream. Those that look alike are written below each other in columns: from one to the next
//! only some digits differ, and PNG's filter "up" (each byte as the difference to the one above) leaves little else to
//! compress.

use super::pack::Object;
use std::collections::BTreeMap;
use std::io::Write;

/// Most objects of one object stream, so that a reader need not unpack a long document at once.
const GROUP: usize = 1000;
/// So few lines are not worth a stream of their own.
const FEW: usize = 100;
/// Longer than the one in the middle by so much, an object is written elsewhere.
const ODD: usize = 4;

/// Objects that lie in one stream.
pub(super) struct Group {
    in_columns: bool,
    pub objects: Vec<Object>,
}

/// What an object stream has in it, not compressed.
pub(super) struct Content {
    pub data: Vec<u8>,
    /// Where the first object begins.
    pub first: usize,
    /// Width of a line, where it is written in columns.
    pub columns: Option<usize>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    /// A structure element with this role.
    Element(Vec<u8>),
    /// An array of references and nothing else.
    References,
    Other,
}

fn shape(body: &[u8]) -> Shape {
    if let Some(rest) = body.strip_prefix(b"<</Type/StructElem/S/") {
        return Shape::Element(rest.iter().copied().take_while(u8::is_ascii_alphanumeric).collect());
    }
    match references(body) {
        Some(_) => Shape::References,
        None => Shape::Other,
    }
}

/// An array of nothing but references: its brackets and each of them.
fn references(body: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = body.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let mut lines = vec![b"[".as_slice()];
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (reference, after) = rest.split_at_checked(digits + b" 0 R".len())?;
        if digits == 0 || !reference.ends_with(b" 0 R") {
            return None;
        }
        lines.push(reference);
        rest = after.strip_prefix(b" ").unwrap_or(after);
    }
    lines.push(b"]");
    Some(lines)
}

/// The pieces of an object that stand below each other.
fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let references = references(body);
    let whole = references.is_none().then_some(body);
    references.into_iter().flatten().chain(whole)
}

pub(super) fn groups(objects: Vec<Object>) -> Vec<Group> {
    let mut shapes: BTreeMap<Shape, Vec<Object>> = BTreeMap::new();
    for object in objects {
        shapes.entry(shape(&object.body)).or_default().push(object);
    }
    let mut others = shapes.remove(&Shape::Other).unwrap_or_default();
    let mut groups = Vec::new();
    for alike in shapes.into_values() {
        let mut lengths: Vec<usize> = alike.iter().flat_map(|o| lines(&o.body).map(<[u8]>::len)).collect();
        lengths.sort_unstable();
        let most = lengths.get(lengths.len() / 2).map_or(0, |middle| middle + ODD);
        let fits = |o: &Object| lines(&o.body).all(|line| line.len() <= most);
        let (alike, odd): (Vec<_>, Vec<_>) = alike.into_iter().partition(fits);
        others.extend(odd);
        if lengths.len() < FEW {
            others.extend(alike);
        } else {
            push(&mut groups, true, alike);
        }
    }
    others.sort_unstable_by_key(|o| o.number);
    push(&mut groups, false, others);
    groups
}

fn push(groups: &mut Vec<Group>, in_columns: bool, objects: Vec<Object>) {
    let mut objects = objects.into_iter().peekable();
    while objects.peek().is_some() {
        groups.push(Group {
            in_columns,
            objects: objects.by_ref().take(GROUP).collect(),
        });
    }
}

impl Group {
    pub fn content(&self) -> Content {
        let all = || self.objects.iter().flat_map(|o| lines(&o.body));
        let widest = all().map(|line| line.len() + 1).max().unwrap_or(1);
        let columns = self.in_columns.then_some(widest);
        let mut bodies = Vec::new();
        let mut data = Vec::new();
        for object in &self.objects {
            // Writing to memory cannot fail.
            drop(write!(data, "{} {}", object.number, bodies.len()));
            fill(&mut data, columns);
            if self.in_columns {
                for line in lines(&object.body) {
                    bodies.extend(line);
                    fill(&mut bodies, columns);
                }
            } else {
                bodies.extend(&object.body);
                fill(&mut bodies, columns);
            }
        }
        let first = data.len();
        data.extend(bodies);
        Content { data, first, columns }
    }
}

/// Blanks up to the next line, or one.
fn fill(out: &mut Vec<u8>, columns: Option<usize>) {
    let end = (out.len() + 1).next_multiple_of(columns.unwrap_or(1));
    out.resize(end, b' ');
}

/// Each line as its difference to the one above. The last one may be shorter.
pub(super) fn predicted(data: &[u8], columns: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + data.len() / columns.max(1) + 1);
    let nothing = vec![0; columns];
    let mut above = nothing.as_slice();
    for line in data.chunks(columns.max(1)) {
        out.push(2);
        out.extend(line.iter().zip(above).map(|(byte, up)| byte.wrapping_sub(*up)));
        above = line;
    }
    out
}

/// How a reader undoes `predicted`.
pub(super) fn parameters(columns: usize) -> String {
    format!("/DecodeParms<</Columns {columns}/Predictor 12>>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(number: usize, body: String) -> Object {
        Object {
            number,
            body: body.into_bytes(),
        }
    }

    /// As a reader does it.
    fn undone(data: &[u8], columns: usize) -> Vec<u8> {
        let mut out: Vec<u8> = Vec::new();
        for line in data.chunks(columns + 1) {
            assert_eq!(line[0], 2);
            for byte in &line[1..] {
                let up = out.len().checked_sub(columns).map_or(0, |above| out[above]);
                out.push(byte.wrapping_add(up));
            }
        }
        out
    }

    #[test]
    fn every_object_is_found_again_where_the_index_says() {
        let cell = |n| object(n, format!("<</Type/StructElem/S/TD/P 7 0 R/K[{n}]/Pg 9 0 R>>"));
        let mut objects: Vec<Object> = (20..1300).map(cell).collect();
        objects.push(object(3, "<</Type/Catalog/Lang(a b)>>".to_owned()));
        objects.push(object(4, format!("[{}]", "12 0 R ".repeat(150).trim_end())));
        objects.push(object(
            5,
            format!("<</Type/StructElem/S/TD/P 7 0 R/K[{}]/Pg 9 0 R>>", "1 ".repeat(50)),
        ));
        let expected: BTreeMap<usize, Vec<u8>> = objects.iter().map(|o| (o.number, o.body.clone())).collect();
        let mut found = BTreeMap::new();
        let groups = groups(objects);
        assert_eq!(groups.iter().filter(|g| g.in_columns).count(), 3);
        for group in groups {
            let Content { data, first, columns } = group.content();
            if let Some(columns) = columns {
                assert_eq!(undone(&predicted(&data, columns), columns), data);
            }
            let text = String::from_utf8(data).expect("text");
            let (index, bodies) = text.split_at(first);
            let index: Vec<usize> = index.split_whitespace().map(|n| n.parse().expect("a number")).collect();
            for (nth, pair) in index.chunks(2).enumerate() {
                let end = index.get(2 * nth + 3).copied().unwrap_or(bodies.len());
                let body = bodies[pair[1]..end].split_whitespace().collect::<Vec<_>>().join(" ");
                found.insert(pair[0], body.replace("[ ", "[").replace(" ]", "]").into_bytes());
            }
        }
        let plain = |body: &Vec<u8>| String::from_utf8_lossy(body).replace(" ]", "]");
        assert_eq!(
            found.values().map(plain).collect::<Vec<_>>(),
            expected.values().map(plain).collect::<Vec<_>>()
        );
    }
}
