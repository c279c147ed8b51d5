//! What names the next page.

use super::{PageAnswer, Run, Stop, broken, fingerprint};
use crate::partner::FetchError;
use crate::partner::config::{Listing, Paging, Place};
use crate::partner::expr::Scope;
use crate::partner::map::values;
use serde_json::Value;
use url::Url;

pub(super) enum Next {
    Token(Value),
    Address(Url),
    Watermark(String),
    Offset(u64),
    Page,
}

/// The next page by the answer's own words, or by counting. `None` when this was the last.
pub(super) fn next(
    run: &Run,
    listing: &Listing,
    items: usize,
    shell: &Value,
    answer: &PageAnswer<'_>,
    page_mark: Option<&str>,
) -> Result<Option<Next>, FetchError> {
    // Without an answer of its own (204, 304, a status that means empty) there is no next page.
    if answer.nothing {
        return Ok(None);
    }
    let counted = || match (&listing.more, &listing.total) {
        (_, Some(total)) => {
            let had = match listing.paging {
                Paging::Page => run.pages.saturating_mul(listing.limit.unwrap_or(1)),
                _ => run.offset + items as u64,
            };
            Ok(items > 0 && had < whole(total, shell, answer)?)
        }
        (Some(more), None) => more
            .one(&Scope::root(shell))
            .map(|v| v.is_some_and(|v| !matches!(&*v, Value::Bool(false))) && items > 0)
            .map_err(|p| {
                broken(
                    "partner.page",
                    format!("whether there is another page cannot be read: {}", p.message),
                )
            }),
        (None, None) => {
            Ok(items > 0 && (listing.until_empty || listing.limit.is_none_or(|limit| items as u64 >= limit)))
        }
    };
    let after = run.offset + items as u64;
    Ok(match &listing.paging {
        Paging::Single => None,
        Paging::Token { next } => named(next, shell, answer)?.map(Next::Token),
        Paging::Url { next } => match named(next, shell, answer)? {
            None => None,
            Some(value) => {
                let text = values::text(&value).ok().flatten().unwrap_or_default().into_owned();
                Some(Next::Address(address(&text, listing, answer)?))
            }
        },
        Paging::Link => match linked(answer) {
            None => None,
            Some(text) => Some(Next::Address(address(&text, listing, answer)?)),
        },
        Paging::Range { .. } => {
            let total = content_range(answer, run.offset)?;
            let more = match total {
                Some(Some(total)) => items > 0 && after < total,
                Some(None) => counted()?,
                // The server ignores ranges: it sent everything.
                None => false,
            };
            more.then_some(Next::Offset(after))
        }
        Paging::Watermark => page_mark
            .filter(|mark| Some(*mark) != run.since.as_deref())
            .filter(|_| items > 0 && (listing.until_empty || listing.limit.is_none_or(|limit| items as u64 >= limit)))
            .map(|mark| Next::Watermark(mark.to_owned())),
        Paging::Offset => counted()?.then_some(Next::Offset(after)),
        Paging::Page => counted()?.then_some(Next::Page),
    })
}

/// How many items there are in all.
fn whole(place: &Place, shell: &Value, answer: &PageAnswer<'_>) -> Result<u64, FetchError> {
    let unreadable = |what: String| {
        broken(
            "partner.page",
            format!("how many items there are cannot be read: {what}"),
        )
    };
    let found = match place {
        Place::Header(name) => answer.header(name).map(Value::from),
        Place::Body(expr) => expr
            .one(&Scope::root(shell))
            .map_err(|p| unreadable(p.message))?
            .map(|v| v.into_owned()),
    };
    let text = found.as_ref().and_then(|v| values::text(v).ok().flatten());
    let text = text.ok_or_else(|| unreadable("the answer says nothing of it".to_owned()))?;
    let number = text.parse::<u64>();
    number.map_err(|_| unreadable(format!("\"{}\" is no number", values::short(&text))))
}

/// The name of the next page; false, null and an empty text say that there is none.
fn named(place: &Place, shell: &Value, answer: &PageAnswer<'_>) -> Result<Option<Value>, FetchError> {
    let found = match place {
        Place::Header(name) => answer.header(name).map(Value::from),
        Place::Body(expr) => expr
            .one(&Scope::root(shell))
            .map_err(|p| broken("partner.page", format!("the next page cannot be read: {}", p.message)))?
            .map(|v| v.into_owned()),
    };
    Ok(found.filter(|v| v.as_str().is_none_or(|text| !text.trim().is_empty()) && !matches!(v, Value::Bool(false))))
}

/// An absolute or relative address, or a whole query string, as an address on the partner's own host.
fn address(text: &str, listing: &Listing, answer: &PageAnswer<'_>) -> Result<Url, FetchError> {
    let text = text.trim();
    let is_query = !text.starts_with(['/', '?']) && !text.contains(['?', '/']) && text.contains('=');
    let joined = if is_query {
        let mut url = answer.url.clone();
        url.set_query(Some(text));
        Ok(url)
    } else {
        answer.url.join(text)
    };
    let mut url = joined.map_err(|e| {
        broken(
            "partner.page",
            format!("the next page is \"{}\", which is no address: {e}", values::short(text)),
        )
    })?;
    url.set_fragment(None);
    if listing.own_host {
        let mut ours = answer.url.clone();
        ours.set_path(url.path());
        ours.set_query(url.query());
        url = ours;
    }
    if url.origin() != answer.url.origin() {
        return Err(broken(
            "partner.foreign_link",
            format!(
                "the partner's next page is on {}, which is not the host of baseUrl: it is not asked (\"ownHost\": true under \"paging\" takes only path and query of such an address)",
                url.origin().ascii_serialization()
            ),
        ));
    }
    Ok(url)
}

/// The target of `Link: <…>; rel="next"` (RFC 8288).
fn linked(answer: &PageAnswer<'_>) -> Option<String> {
    answer
        .headers
        .get_all("link")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(links)
        .find(|(_, rel)| rel.split_ascii_whitespace().any(|r| r.eq_ignore_ascii_case("next")))
        .map(|(target, _)| target)
}

/// Targets with their relations. A comma may stand inside of `<…>` and of quotes.
fn links(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((target, after)) = after.split_once('>') else {
            break;
        };
        let (mut quoted, mut end) = (false, after.len());
        for (at, c) in after.char_indices() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let (parameters, next) = after.split_at(end);
        let rel = parameters.split(';').find_map(|p| {
            let (name, value) = p.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("rel")
                .then(|| value.trim().trim_matches('"').to_owned())
        });
        found.push((target.to_owned(), rel.unwrap_or_default()));
        rest = next;
    }
    found
}

/// `None`: the answer is no part. `Some(None)`: a part of a whole that is not known.
#[expect(
    clippy::option_option,
    reason = "no part, and a part of an unknown whole, are two things"
)]
fn content_range(answer: &PageAnswer<'_>, offset: u64) -> Result<Option<Option<u64>>, FetchError> {
    if answer.status != 206 {
        return Ok(None);
    }
    let header = answer.header("content-range");
    let parsed = header.as_deref().and_then(|text| {
        let (_, range) = text.trim().split_once(' ')?;
        let (range, total) = range.split_once('/')?;
        let (first, _) = range.split_once('-')?;
        let total = match total.trim() {
            "*" => None,
            number => Some(number.parse::<u64>().ok()?),
        };
        Some((first.trim().parse::<u64>().ok()?, total))
    });
    match parsed {
        Some((first, total)) if first == offset => Ok(Some(total)),
        Some((first, _)) => Err(broken(
            "partner.page",
            format!("the items from {offset} were asked for, the partner sends those from {first}"),
        )),
        None => Err(broken(
            "partner.page",
            "a part was sent (206) without a Content-Range that says which".to_owned(),
        )),
    }
}

impl Run {
    /// The run at the next page; `None` when this run ends here. `goes_on`: the durable watermark is after this page,
    /// so that the next run goes on from here.
    pub(super) fn forward(mut self, next: Next, max_pages: u64, goes_on: bool) -> Option<Self> {
        match next {
            Next::Token(token) => {
                self.pass(&token.to_string());
                self.cursor = Some(token);
            }
            Next::Address(url) => {
                self.pass(url.as_str());
                self.address = Some(url.into());
            }
            Next::Watermark(mark) => self.since = Some(mark),
            Next::Offset(offset) => self.offset = offset,
            Next::Page => {}
        }
        if self.pages >= max_pages && self.stop.is_none() {
            if goes_on {
                return None;
            }
            self.stop = Some(Stop::Pages);
        }
        Some(self)
    }

    /// A name of a page that was had already is a circle.
    fn pass(&mut self, name: &str) {
        let print = fingerprint(&[name]);
        if self.seen.contains(&print) {
            self.stop = Some(Stop::Loop);
        }
        self.seen.push(print);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_with_their_relations() {
        for (header, expected) in [
            (r#"<https://a/x?p=2>; rel="next""#, Some("https://a/x?p=2")),
            (
                r#"</x?a=1,2>; title="a, b"; rel=next, </y>; rel="last""#,
                Some("/x?a=1,2"),
            ),
            (r#"</1>; rel="prev", <?page=3>; rel="last next""#, Some("?page=3")),
            (r#"</1>; rel="prev""#, None),
            ("nonsense", None),
            ("<", None),
        ] {
            let found = links(header)
                .into_iter()
                .find(|(_, rel)| rel.split(' ').any(|r| r == "next"))
                .map(|(target, _)| target);
            assert_eq!(found.as_deref(), expected, "{header}");
        }
    }
}
