//! The items of an XML answer, as they are written.

use super::local;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// Every element at `keys` below the outermost one; `None` when there is none. Without keys, the answer itself.
///
/// # Errors
/// A sentence: no XML, or no UTF-8.
pub(crate) fn split<'b>(body: &'b [u8], keys: &[String]) -> Result<Option<Vec<&'b [u8]>>, String> {
    if keys.is_empty() {
        return Ok(Some(vec![body]));
    }
    let text =
        std::str::from_utf8(body).map_err(|_| "the answer is no UTF-8: only \".\" can be its items".to_owned())?;
    let mut reader = Reader::from_str(text);
    let mut items = Vec::new();
    // How many open elements lie on the way to the items, and how many there are at all.
    let (mut on_way, mut depth) = (0usize, 0usize);
    let mut item_from = None;
    loop {
        let before = place(reader.buffer_position());
        let event = reader.read_event().map_err(|e| format!("the answer is not XML: {e}"))?;
        let after = place(reader.buffer_position());
        let fits = |name: &str, on_way: usize| {
            on_way > 0 && keys.get(on_way - 1).is_some_and(|key| key == local(name)) || on_way == 0
        };
        match event {
            Event::Start(start) => {
                if depth == on_way && item_from.is_none() && fits(start.name().as_ref(), on_way) {
                    on_way += 1;
                    if on_way == keys.len() + 1 {
                        item_from = Some((before, depth));
                    }
                }
                depth += 1;
            }
            Event::Empty(start) => {
                if depth == on_way && on_way == keys.len() && item_from.is_none() && fits(start.name().as_ref(), on_way)
                {
                    items.extend(body.get(before..after));
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let Some((from, at)) = item_from
                    && at == depth
                {
                    items.extend(body.get(from..after));
                    item_from = None;
                }
                on_way = on_way.min(depth);
            }
            Event::DocType(_) => {
                return Err("the answer has a document type (DOCTYPE), which is never taken".to_owned());
            }
            Event::Eof if depth > 0 => return Err("the answer is not XML: it ends inside of an element".to_owned()),
            Event::Eof => break,
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::GeneralRef(_) => {}
        }
    }
    Ok((!items.is_empty()).then_some(items))
}

fn place(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
