//! The search index: which words a document's current version has.

use super::journal::WordsChange;
use crate::domain::document::{Item, Party};
use crate::domain::{CanonicalDocument, DespatchAdvice, Order};
use crate::store::{StoreError, VersionContentRef};
use rusqlite::Connection;

/// Characters of a document that are indexed. A thousand lines fit.
const TEXT_LIMIT: usize = 256 << 10;

pub fn write(db: &Connection, changes: &[WordsChange]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut put = db.prepare_cached("INSERT INTO document_words (rowid, words) VALUES (?1, ?2)")?;
    let mut remove = db.prepare_cached("DELETE FROM document_words WHERE rowid = ?1")?;
    for change in changes {
        match change {
            WordsChange::Put { version, text } => put.execute((version, text))?,
            WordsChange::Remove { version } => remove.execute([version])?,
        };
    }
    Ok(())
}

pub fn of(content: &VersionContentRef<'_>) -> String {
    content
        .written
        .map_or_else(|| text_of(content.document), |written| written.words.clone())
}

/// Number, parties, item ids and descriptions.
pub fn text_of(document: &CanonicalDocument) -> String {
    let mut text = Text(String::with_capacity(1024));
    match document {
        CanonicalDocument::Order(order) => text.order(order),
        CanonicalDocument::DespatchAdvice(advice) => text.despatch(advice),
    }
    text.0
}

struct Text(String);

impl Text {
    fn add(&mut self, word: &str) {
        if self.0.len() + word.len() > TEXT_LIMIT {
            return;
        }
        spaced(word, &mut self.0);
        self.0.push(' ');
    }

    fn add_all<'a>(&mut self, words: impl IntoIterator<Item = &'a Option<String>>) {
        words.into_iter().flatten().for_each(|word| self.add(word));
    }

    fn party(&mut self, party: &Party) {
        self.add_all([&party.id, &party.name, &party.city]);
    }

    fn item(&mut self, item: &Item) {
        self.add_all([&item.seller_id, &item.buyer_id, &item.gtin, &item.description]);
    }

    fn order(&mut self, order: &Order) {
        self.add(&order.number);
        self.party(&order.buyer);
        self.party(&order.seller);
        order.ship_to.iter().for_each(|party| self.party(party));
        order.references.iter().for_each(|reference| self.add(&reference.id));
        order.lines.iter().for_each(|line| self.item(&line.item));
    }

    fn despatch(&mut self, advice: &DespatchAdvice) {
        self.add(&advice.number);
        self.party(&advice.buyer);
        self.party(&advice.seller);
        advice.ship_to.iter().for_each(|party| self.party(party));
        self.add_all([&advice.carrier, &advice.tracking_id]);
        for line in &advice.lines {
            if !self.0.contains(line.order_number.as_str()) {
                self.add(&line.order_number);
            }
            self.item(&line.item);
        }
    }
}

/// Chinese, Japanese and Thai are written without spaces: each of their characters becomes a word, so that a phrase of
/// them finds any part of a text.
pub fn spaced(text: &str, into: &mut String) {
    if text.is_ascii() {
        return into.push_str(text);
    }
    for c in text.chars() {
        let alone = matches!(u32::from(c), 0x0E00..=0x0E7F | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF);
        if alone {
            into.push(' ');
        }
        into.push(c);
        if alone {
            into.push(' ');
        }
    }
}
