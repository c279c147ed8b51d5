//! Searches, newest version first. A page takes bounded work however common its words are: where that is not enough, it
//! is shorter, or empty, and the next page goes on from there.

use super::documents::{COLUMNS, filter_params, filters, read};
use super::page::{self, Cursor};
use super::typed;
use crate::store::{DocumentQuery, DocumentRow, DocumentView, Page, StoreError};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Rows, ToSql, params};

const TAG: char = 's';
/// Entries of the index that one page looks at: about 2 ms.
const ENTRIES: u32 = 12_000;
/// What it costs to look at a document that a filter then leaves out, in entries.
const LEFT_OUT: u32 = 16;
/// A word of so few documents leads: FTS5 leaps from each of them to the other words.
const RARE: u32 = 300;

pub const MATCHES: &str = "SELECT rowid FROM document_words WHERE document_words MATCH ?1 AND rowid < ?2
     ORDER BY rowid DESC";

/// The document whose current version is `:version`, if the filters let it through.
pub fn row_sql(query: &DocumentQuery) -> String {
    let condition = match query.view {
        DocumentView::NeedsAnswer => " AND d.needs_answer = 1",
        DocumentView::InDelivery => " AND d.in_delivery > 0",
        DocumentView::All => "",
    };
    format!(
        "SELECT {COLUMNS} FROM version v
         CROSS JOIN document d ON d.id = v.document_id AND d.current_version = v.id
         LEFT JOIN operation o ON o.seq = d.operation
         WHERE v.id = :version AND d.company = :company {condition}{filters}",
        filters = filters(query)
    )
}

pub fn search(db: &Connection, query: &DocumentQuery, typed: &str) -> Result<Page<DocumentRow>, StoreError> {
    let before = match Cursor::read(query.cursor.as_deref(), TAG)? {
        Some(cursor) => cursor.id,
        None => i64::MAX,
    };
    let Some(mut expressions) = typed::expressions(db, typed)? else {
        return Ok(Page {
            items: Vec::new(),
            next: None,
        });
    };
    if expressions.len() > 1 && any_rare(db, &expressions, before)? {
        expressions = vec![expressions.join(" AND ")];
    }
    let mut statements = expressions
        .iter()
        .map(|_| db.prepare_cached(MATCHES))
        .collect::<Result<Vec<_>, _>>()?;
    let mut walk = Walk::begin(&mut statements, &expressions, before)?;
    let limit = page::limit(query.limit) as usize;
    let mut select = db.prepare_cached(&row_sql(query))?;
    let mut rows: Vec<(DocumentRow, i64)> = Vec::new();
    while rows.len() < limit {
        let version = match walk.next()? {
            Step::Match(version) => version,
            Step::End => break,
            Step::Pause { before } => {
                return Ok(Page {
                    items: rows.into_iter().map(|(row, _)| row).collect(),
                    next: Some(Cursor::new(TAG, "", before).text()),
                });
            }
        };
        let mut params: Vec<(&str, &dyn ToSql)> = vec![(":version", &version)];
        filter_params(query, &mut params);
        match select.query_row(params.as_slice(), read).optional()? {
            Some(row) => rows.push((row, version)),
            None => walk.entries = walk.entries.saturating_sub(LEFT_OUT),
        }
    }
    let page = page::cut(rows, query.limit, |(_, version)| Cursor::new(TAG, "", *version));
    Ok(Page {
        items: page.items.into_iter().map(|(row, _)| row).collect(),
        next: page.next,
    })
}

fn any_rare(db: &Connection, expressions: &[String], before: i64) -> Result<bool, StoreError> {
    let mut probe = db.prepare_cached(&format!("{MATCHES} LIMIT 1 OFFSET {}", RARE - 1))?;
    for expression in expressions {
        if !probe.exists(params![expression, before])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Walks the entries of each expression side by side, down to where they meet. FTS5's own AND would go on to the next
/// match however far that is, and cannot be stopped.
struct Walk<'s> {
    lists: Vec<Rows<'s>>,
    at: Vec<i64>,
    /// The highest that may still match.
    target: i64,
    /// What is left of `ENTRIES`.
    entries: u32,
}

enum Step {
    Match(i64),
    End,
    /// Enough was looked at. Nothing from `before` on matches that was not given.
    Pause {
        before: i64,
    },
}

impl<'s> Walk<'s> {
    fn begin(
        statements: &'s mut [CachedStatement<'_>],
        expressions: &[String],
        before: i64,
    ) -> Result<Self, StoreError> {
        let lists = statements
            .iter_mut()
            .zip(expressions)
            .map(|(statement, expression)| statement.query(params![expression, before]))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            at: vec![i64::MAX; lists.len()],
            lists,
            target: before.saturating_sub(1),
            entries: ENTRIES,
        })
    }

    fn next(&mut self) -> Result<Step, StoreError> {
        loop {
            let mut lowest = self.target;
            for (list, at) in self.lists.iter_mut().zip(&mut self.at) {
                while *at > self.target {
                    if self.entries == 0 {
                        return Ok(Step::Pause { before: lowest + 1 });
                    }
                    self.entries -= 1;
                    match list.next()? {
                        Some(row) => *at = row.get(0)?,
                        None => return Ok(Step::End),
                    }
                }
                lowest = lowest.min(*at);
            }
            if lowest == self.target {
                self.target -= 1;
                return Ok(Step::Match(lowest));
            }
            self.target = lowest;
        }
    }
}
