//! What a person typed, as expressions of the search index. Each word may be the beginning of one.
//!
//! FTS5 answers a whole word from its newest document on, but collects all documents of all words that begin with a
//! prefix before it gives the first. So the words that a prefix stands for are looked up first, and the index is asked
//! for them. What has two or three characters it has an index of its own for.

use super::words;
use crate::store::StoreError;
use rusqlite::{Connection, params};
use std::sync::{Mutex, PoisonError};

/// Words typed that count; the rest is ignored.
const WORDS: usize = 16;
/// Words that one beginning may stand for; of more, FTS5 collects the documents.
const MEANINGS: usize = 40;
/// Shortest and longest beginning that the index keeps ready (`prefix` of the table).
const READY: std::ops::RangeInclusive<usize> = 2..=3;
/// Rows of one word that are passed over; after more of them it is sooner to look for the next word.
const PASSED: u32 = 8;
/// How the index cuts a text into words: the `tokenize` of `document_words`.
pub const TOKENIZE: &str = "unicode61 remove_diacritics 2";

/// The index's own words, for a reader's connection.
pub const VOCABULARY: &str = "CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, document_words, instance)";
const FROM: &str = "SELECT term FROM temp.vocabulary WHERE term >= ?1";

/// An expression for each word typed; a document has to match all of them. `None` where nothing can match: no word was
/// typed, or one that no document has.
pub fn expressions(db: &Connection, typed: &str) -> Result<Option<Vec<String>>, StoreError> {
    let words: Vec<String> = typed
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(WORDS)
        .map(|word| {
            let mut text = String::new();
            words::spaced(word, &mut text);
            text
        })
        .collect();
    let phrases = cut(&words)?;
    let mut expressions = Vec::with_capacity(phrases.len());
    for (index, phrase) in phrases.iter().enumerate() {
        let last = index + 1 == phrases.len();
        let Some(expression) = expression(db, phrase, last)? else {
            return Ok(None);
        };
        if !expressions.contains(&expression) {
            expressions.push(expression);
        }
    }
    Ok((!expressions.is_empty()).then_some(expressions))
}

/// The words as the index has them: each becomes one or, as `PO-17` does, several in a row.
fn cut(words: &[String]) -> Result<Vec<Vec<String>>, StoreError> {
    static SCRATCH: Mutex<Option<Connection>> = Mutex::new(None);
    let mut scratch = SCRATCH.lock().unwrap_or_else(PoisonError::into_inner);
    let db = match scratch.as_mut() {
        Some(db) => db,
        None => {
            let db = Connection::open_in_memory()?;
            db.execute_batch(&format!(
                "CREATE VIRTUAL TABLE typed USING fts5(words, content = '', tokenize = '{TOKENIZE}');
                 CREATE VIRTUAL TABLE cut USING fts5vocab(typed, instance);"
            ))?;
            scratch.insert(db)
        }
    };
    // Never committed.
    let scratch = db.transaction()?;
    let mut put = scratch.prepare_cached("INSERT INTO typed (rowid, words) VALUES (?1, ?2)")?;
    for (at, word) in words.iter().enumerate() {
        put.execute(params![i64::try_from(at).unwrap_or(i64::MAX), word])?;
    }
    let mut read = scratch.prepare_cached("SELECT doc, term FROM cut ORDER BY doc, \"offset\"")?;
    let mut phrases: Vec<(i64, Vec<String>)> = Vec::new();
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let (word, term): (i64, String) = (row.get(0)?, row.get(1)?);
        match phrases.last_mut() {
            Some((last, terms)) if *last == word => terms.push(term),
            Some(_) | None => phrases.push((word, vec![term])),
        }
    }
    Ok(phrases.into_iter().map(|(_, terms)| terms).collect())
}

/// `None` where no document has such a word. A single character is a beginning only while it is typed, at the end.
fn expression(db: &Connection, phrase: &[String], last: bool) -> Result<Option<String>, StoreError> {
    let Some((end, before)) = phrase.split_last() else {
        return Ok(None);
    };
    let before: String = before.iter().map(|word| format!("{word} ")).collect();
    let length = end.chars().count();
    if READY.contains(&length) {
        return Ok(Some(format!("\"{before}{end}\"*")));
    }
    if length < *READY.start() && !last {
        return Ok(Some(format!("\"{before}{end}\"")));
    }
    let Some(meanings) = meanings(db, end, length < *READY.start())? else {
        return Ok(Some(format!("\"{before}{end}\"*")));
    };
    let phrases: Vec<String> = meanings
        .iter()
        .map(|meaning| match meaning {
            Meaning::Word(word) => format!("\"{before}{word}\""),
            Meaning::Beginning(beginning) => format!("\"{before}{beginning}\"*"),
        })
        .collect();
    Ok(match phrases.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("({})", many.join(" OR "))),
    })
}

enum Meaning {
    Word(String),
    /// As long as the shortest that the index keeps ready.
    Beginning(String),
}

/// What a beginning stands for: words, or of a `short` one the beginnings that are ready. `None` when it is too much.
fn meanings(db: &Connection, start: &str, short: bool) -> Result<Option<Vec<Meaning>>, StoreError> {
    let mut found: Vec<Meaning> = Vec::new();
    let mut select = db.prepare_cached(FROM)?;
    let mut from = start.to_owned();
    'seek: loop {
        let mut rows = select.query([&from])?;
        let mut passed = 0;
        while let Some(row) = rows.next()? {
            let word = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            if !word.starts_with(start) {
                break;
            }
            if word < from.as_str() {
                passed += 1;
                if passed > PASSED {
                    continue 'seek;
                }
                continue;
            }
            if found.len() == MEANINGS {
                return Ok(None);
            }
            let ready: String = word.chars().take(*READY.start()).collect();
            // What comes next sorts behind all that this one stands for; no word has a control character.
            if short && ready.len() > start.len() {
                from = format!("{ready}\u{10FFFF}");
                found.push(Meaning::Beginning(ready));
            } else {
                from = format!("{word}\u{1}");
                found.push(Meaning::Word(word.to_owned()));
            }
            passed = 0;
        }
        return Ok(Some(found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_cut_as_the_index_cuts() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let db = crate::store::sqlite::open::open_writer(&folder.path().join("typed.db")).expect("a new database");
        let index: String = db
            .query_row(
                "SELECT sql FROM sqlite_schema WHERE name = 'document_words'",
                [],
                |row| row.get(0),
            )
            .expect("the index");
        assert!(index.contains(&format!("tokenize = '{TOKENIZE}'")), "{index}");
        assert!(index.contains("prefix = '2 3'"), "{index}");
        let words = ["PO-17", "Größe", "a🦀", "É\u{301}"].map(str::to_owned);
        let cut = cut(&words).expect("cut");
        assert_eq!(cut, [vec!["po", "17"], vec!["große"], vec!["a🦀"], vec!["e"]]);
    }
}
