//! By what the lines of a document name their items, and which of that stands in a request.

use super::{ShownRequest, TrialItem};
use crate::domain::CanonicalDocument;
use crate::domain::document::Item;

/// A name of an item, and where it stands in one.
type Id = (&'static str, fn(&Item) -> Option<&String>);

const IDS: [Id; 3] = [
    ("sellerId", |item| item.seller_id.as_ref()),
    ("buyerId", |item| item.buyer_id.as_ref()),
    ("gtin", |item| item.gtin.as_ref()),
];

pub(super) fn of_document(document: &CanonicalDocument) -> Vec<TrialItem> {
    counted(document, |_| true)
}

/// Those that stand as a value in the request's body.
pub(super) fn of_request(document: &CanonicalDocument, request: Option<&ShownRequest>) -> Vec<TrialItem> {
    let Some(body) = request.and_then(|r| r.body.as_deref()) else {
        return Vec::new();
    };
    // A value ends where no letter or digit follows: "10" does not stand in "100".
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    counted(document, |id| {
        body.match_indices(id).any(|(at, found)| {
            let (before, after) = (body.get(..at), body.get(at + found.len()..));
            ends(before.and_then(|t| t.chars().next_back())) && ends(after.and_then(|t| t.chars().next()))
        })
    })
}

fn counted(document: &CanonicalDocument, stands: impl Fn(&str) -> bool) -> Vec<TrialItem> {
    let items: Vec<&Item> = match document {
        CanonicalDocument::Order(order) => order.lines.iter().map(|l| &l.item).collect(),
        CanonicalDocument::DespatchAdvice(note) => note.lines.iter().map(|l| &l.item).collect(),
    };
    let one = |(id, of_item): &Id| {
        let found = items
            .iter()
            .filter_map(|item| of_item(item))
            .filter(|id| !id.is_empty() && stands(id));
        let found: Vec<&String> = found.collect();
        let example = (*found.first()?).clone();
        Some(TrialItem {
            id: (*id).to_owned(),
            lines: found.len(),
            of: items.len(),
            example,
        })
    };
    IDS.iter().filter_map(one).collect()
}
