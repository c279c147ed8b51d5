//! What a parameter asks for, and what a field of an answer says of the next page, by their names.

use super::endpoints::Parameter;
use super::fields::{Field, Shape};
use super::words::{has, words};

fn is(words: &[String], one_of: &[&str]) -> bool {
    let text = words.join(" ");
    one_of.contains(&text.as_str())
}

pub(super) fn is_limit(words: &[String]) -> bool {
    is(
        words,
        &[
            "limit",
            "page size",
            "pagesize",
            "size",
            "top",
            "per page",
            "max result",
            "count",
            "max",
            "take",
            "page limit",
            "max page size",
            "row",
            "max item",
            "record per page",
            "result per page",
            "page length",
            "max record",
        ],
    )
}

pub(super) fn is_page(words: &[String]) -> bool {
    is(
        words,
        &[
            "page",
            "page number",
            "page index",
            "pageno",
            "pagenumber",
            "p",
            "current page",
        ],
    )
}

pub(super) fn is_offset(words: &[String]) -> bool {
    is(
        words,
        &[
            "offset",
            "skip",
            "start",
            "start index",
            "startindex",
            "first",
            "from index",
            "start row",
            "page offset",
            "start at",
            "first result",
        ],
    )
}

pub(super) fn is_cursor(words: &[String]) -> bool {
    let text = words.join(" ");
    (words
        .iter()
        .any(|w| ["cursor", "token", "continuation", "marker", "bookmark"].contains(&w.as_str()))
        && !text.contains("access"))
        || is(
            words,
            &["after", "starting after", "start after", "next page", "page id"],
        )
}

pub(super) fn is_date(parameter: &Parameter<'_>) -> bool {
    parameter.schema.text("format").is_some_and(|f| f.starts_with("date"))
}

pub(super) fn is_token(field: &Field<'_>) -> bool {
    let said = |w: &str| field.words.iter().any(|x| x == w);
    let named = (said("next") || said("continuation"))
        && ["token", "cursor", "page", "continuation", "marker", "key", "id"]
            .iter()
            .any(|w| said(w));
    named && field.shape != Shape::Boolean
        || is(&field.words, &["cursor", "continuation", "end cursor"])
        || field.parent() == "cursors" && field.name == "after"
}

pub(super) fn is_link(field: &Field<'_>) -> bool {
    let parent = words(field.parent());
    let links = ["link", "paging", "pagination", "page", "meta"]
        .iter()
        .any(|w| has(&parent, &[w]));
    is(
        &field.words,
        &[
            "odata next link",
            "next link",
            "next url",
            "next page url",
            "next href",
            "next uri",
            "next page link",
            "next page uri",
        ],
    ) || field.name == "__next"
        || is(&field.words, &["next"])
            && field.shape == Shape::Text
            && (links || field.format() == "uri" || field.depth() == 1)
        || field.words == ["href"] && has(&parent, &["next"])
}

/// An expression that says whether there is another page.
pub(super) fn more(answer: &[&Field<'_>]) -> Option<String> {
    let flag = answer.iter().filter(|f| f.shape == Shape::Boolean);
    for field in flag {
        if has(&field.words, &["more"]) || is(&field.words, &["has next", "has next page"]) {
            return Some(field.path(0));
        }
        if is(&field.words, &["last", "is last", "last page", "is last page"]) {
            return Some(format!("{} == false", field.path(0)));
        }
    }
    let numbered = |one_of: &[&str]| {
        answer
            .iter()
            .find(|f| f.shape == Shape::Integer && is(&f.words, one_of))
    };
    let page = numbered(&["page", "page number", "current page", "page index"])?;
    let pages = numbered(&["total page", "page count", "page total", "last page", "number of page"])?;
    Some(format!("{} < {}", page.path(0), pages.path(0)))
}

/// Where the answer says how many entries there are in all.
pub(super) fn total(answer: &[&Field<'_>]) -> Option<String> {
    const NAMES: &[&str] = &[
        "total count",
        "total result",
        "total item",
        "total record",
        "total element",
        "total entry",
        "total order",
    ];
    let counts = |f: &&&Field<'_>| f.shape == Shape::Integer && is(&f.words, NAMES);
    answer.iter().find(counts).map(|f| f.path(0))
}

/// How well a parameter says "changed since"; 3 and more are changes, fewer are dates of other things.
pub(super) fn since(parameter: &Parameter<'_>) -> Option<u8> {
    let said = |one_of: &[&str]| parameter.words.iter().any(|w| one_of.contains(&w.as_str()));
    let fits = parameter
        .schema
        .text("format")
        .is_none_or(|f| f.starts_with("date") || f == "int64" || f == "int32");
    if !fits || said(&["before", "until", "to", "end", "lte", "lt"]) || parameter.place == "path" {
        return None;
    }
    let changes = said(&["update", "change", "sync"]);
    let from = said(&["after", "since", "from", "start", "min", "gt", "gte", "ge", "begin"]);
    let date = said(&["date", "time", "timestamp", "at", "on", "utc"]) || is_date(parameter);
    match (changes, from) {
        (true, true) => Some(5),
        (true, false) if date => Some(4),
        (false, true) if said(&["since"]) => Some(4),
        (false, true) if said(&["create"]) => Some(2),
        (false, true) if date => Some(1),
        _ => None,
    }
}

/// The other end of the interval.
pub(super) fn until_of(parameter: &Parameter<'_>, since: &Parameter<'_>) -> bool {
    let turned = |word: &String| match word.as_str() {
        "after" => "before".to_owned(),
        "from" | "since" => "to".to_owned(),
        "start" | "begin" => "end".to_owned(),
        "min" => "max".to_owned(),
        word => word.to_owned(),
    };
    let wanted: Vec<String> = since.words.iter().map(turned).collect();
    parameter.words == wanted && wanted != since.words
}

pub(super) fn is_moment(field: &Field<'_>) -> bool {
    let named = ["date", "time", "at", "on", "utc", "timestamp", "datetime", "stamp"]
        .iter()
        .any(|w| has(&field.words, &[w]));
    field.format().starts_with("date") || named && matches!(field.shape, Shape::Text | Shape::Integer)
}
