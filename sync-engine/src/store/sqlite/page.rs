//! Keyset paging: cursors and page sizes.

use crate::store::{Page, StoreError};

/// Rows of one page at most.
pub const PAGE_LIMIT: u32 = 500;
const PAGE_DEFAULT: u32 = 50;

/// Where a page ended: the list's tag, the sort key of its last row, the row's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub tag: char,
    pub key: String,
    pub id: i64,
}

impl Cursor {
    pub fn new(tag: char, key: impl Into<String>, id: i64) -> Self {
        Self {
            tag,
            key: key.into(),
            id,
        }
    }

    /// # Errors
    /// `BadCursor` for text that this list did not give out.
    pub fn read(text: Option<&str>, tag: char) -> Result<Option<Self>, StoreError> {
        let Some(text) = text else { return Ok(None) };
        let bad = || StoreError::BadCursor(text.chars().take(80).collect());
        let rest = text.strip_prefix(tag).ok_or_else(bad)?;
        let (key, id) = rest.rsplit_once('.').ok_or_else(bad)?;
        let id = id.parse().map_err(|_| bad())?;
        Ok(Some(Self::new(tag, key, id)))
    }

    /// The key as a number, for lists that sort by time.
    pub fn number(&self) -> Result<i64, StoreError> {
        self.key.parse().map_err(|_| StoreError::BadCursor(self.text()))
    }

    pub fn text(&self) -> String {
        format!("{}{}.{}", self.tag, self.key, self.id)
    }
}

fn size(asked: u32) -> u32 {
    match asked {
        0 => PAGE_DEFAULT,
        asked => asked.min(PAGE_LIMIT),
    }
}

/// Rows to ask for: one more than the page has, to know whether there is a next one.
pub fn limit(asked: u32) -> u32 {
    size(asked) + 1
}

/// The page out of `limit` rows.
pub fn cut<T>(mut rows: Vec<T>, asked: u32, cursor: impl Fn(&T) -> Cursor) -> Page<T> {
    let size = size(asked) as usize;
    let more = rows.len() > size;
    rows.truncate(size);
    let next = if more {
        rows.last().map(|row| cursor(row).text())
    } else {
        None
    };
    Page { items: rows, next }
}
