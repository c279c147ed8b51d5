//! How a list is paged and where the next run goes on, from its parameters and its answer.

use super::asked::{
    is_cursor, is_date, is_limit, is_link, is_moment, is_offset, is_page, is_token, more, since, total, until_of,
};
use super::description::Description;
use super::endpoints::{Endpoint, Parameter};
use super::fields::{self, Field, Shape};
use super::notes::{Notes, todo_expression};
use super::words::{has, words};
use serde_json::{Map, Value, json};

/// Entries that one page is asked for, where the description says nothing.
const PAGE: u64 = 100;
/// Most entries that one page is asked for.
const MOST: u64 = 1000;

/// The parts of a stream that ask for pages.
#[derive(Debug, Default)]
pub(super) struct Asking {
    pub query: Map<String, Value>,
    pub headers: Map<String, Value>,
    pub body: Map<String, Value>,
    pub paging: Option<Value>,
    pub watermark: Option<Value>,
}

impl Asking {
    /// What was told is not on the list any more, so the first page is the next one too.
    pub fn by_flag(&mut self, parameter: &str) {
        self.paging = None;
        self.query
            .retain(|_, value| ![".offset", ".page", ".cursor"].contains(&value.as_str().unwrap_or_default()));
        for value in self.query.values_mut().filter(|value| *value == ".limit") {
            *value = json!({ "$value": PAGE });
        }
        self.query.insert(parameter.to_owned(), json!({ "$value": false }));
    }
}

pub(super) struct Pages<'a, 'd> {
    pub d: &'d Description,
    pub endpoint: &'a Endpoint<'d>,
    /// Fields of the documents.
    pub item: &'a [Field<'d>],
    /// JSON pointer of the stream.
    pub pointer: String,
}

impl<'d> Pages<'_, 'd> {
    pub fn propose(&self, notes: &mut Notes) -> Asking {
        let parameters = self.parameters();
        let mut asking = Asking::default();
        self.paging(&parameters, &mut asking, notes);
        self.watermark(&parameters, &mut asking, notes);
        self.others(&parameters, &mut asking, notes);
        asking
    }

    /// Parameters of the query, and what a search by POST takes in its body.
    fn parameters(&self) -> Vec<Parameter<'d>> {
        let mut found: Vec<Parameter<'d>> = self
            .endpoint
            .parameters
            .iter()
            .filter(|p| p.place != "path")
            .cloned()
            .collect();
        if let Some(body) = self.endpoint.body.filter(|_| self.endpoint.method == "POST") {
            let members = fields::properties(self.d, body.schema).into_iter();
            found.extend(members.map(|(name, schema, required)| Parameter {
                name,
                words: words(name),
                place: "body",
                required,
                schema,
                description: schema.text("description").unwrap_or_default(),
            }));
        }
        found
    }

    fn paging(&self, parameters: &[Parameter<'d>], asking: &mut Asking, notes: &mut Notes) {
        let at = format!("{}/paging", self.pointer);
        let answer = self
            .endpoint
            .answer
            .map(|a| fields::fields(self.d, a))
            .unwrap_or_default();
        let answer: Vec<&Field<'_>> = answer.iter().filter(|f| f.lists() == 0 && f.is_leaf()).collect();
        let number = |p: &&Parameter<'_>| self.shape(p) != Shape::Boolean && !is_date(p);
        let limit = parameters.iter().filter(number).find(|p| is_limit(&p.words));
        let page = parameters.iter().filter(number).find(|p| is_page(&p.words));
        let offset = parameters.iter().filter(number).find(|p| is_offset(&p.words));
        let cursor = parameters.iter().filter(number).find(|p| is_cursor(&p.words));
        let link = answer.iter().find(|f| is_link(f));
        let token = answer.iter().find(|f| is_token(f));
        let (more, total) = (more(&answer), total(&answer));
        let size = limit.map_or(PAGE, |p| self.size(p));
        let mut paging = if let (Some(token), Some(cursor)) = (token, cursor) {
            set(asking, cursor, json!(".cursor"));
            notes.sure(
                &at,
                format!(
                    "the answer names the next page at {}, the parameter {} asks for it",
                    token.path(0),
                    cursor.name
                ),
            );
            json!({ "type": "token", "next": token.path(0) })
        } else if let Some(link) = link {
            notes.sure(
                &at,
                format!("the answer has the address of the next page at {}", link.path(0)),
            );
            json!({ "type": "url", "next": link.path(0) })
        } else if self
            .endpoint
            .answer_headers
            .iter()
            .any(|h| h.eq_ignore_ascii_case("link"))
        {
            notes.sure(&at, "the answer has the Link header".to_owned());
            json!({ "type": "link" })
        } else if let Some(offset) = offset {
            set(asking, offset, json!(".offset"));
            notes.likely(
                &at,
                format!(
                    "counted by {}{}",
                    offset.name,
                    limit.map_or_else(String::new, |l| format!(" and {}", l.name))
                ),
            );
            match (&more, &total) {
                (Some(more), _) => json!({ "type": "offset", "more": more }),
                (None, Some(total)) => json!({ "type": "offset", "total": total }),
                // A server may send fewer than it was asked for.
                (None, None) => json!({ "type": "offset", "until": "empty" }),
            }
        } else if let Some(page) = page {
            let from_zero = self.counts_from_zero(page);
            set(asking, page, json!(if from_zero { ".page - 1" } else { ".page" }));
            notes.likely(&at, format!("counted by {}, from {}", page.name, u8::from(!from_zero)));
            match &more {
                Some(more) => json!({ "type": "page", "more": more }),
                None => json!({ "type": "page", "until": "empty" }),
            }
        } else {
            notes.guess(&at, "no way to a next page was found: one page is read".to_owned());
            return;
        };
        if let Some(limit) = limit {
            set(asking, limit, json!(".limit"));
        }
        if limit.is_some() || matches!(paging["type"].as_str(), Some("offset" | "page")) {
            paging["limit"] = json!(size);
        }
        asking.paging = Some(paging);
    }

    fn shape(&self, parameter: &Parameter<'_>) -> Shape {
        fields::shape(self.d, parameter.schema)
    }

    fn size(&self, limit: &Parameter<'_>) -> u64 {
        let number = |word: &str| limit.schema.value.get(word).and_then(Value::as_u64);
        number("maximum")
            .or_else(|| number("default"))
            .unwrap_or(PAGE)
            .clamp(1, MOST)
    }

    fn counts_from_zero(&self, page: &Parameter<'_>) -> bool {
        let zero = |word: &str| page.schema.value.get(word).and_then(Value::as_u64) == Some(0);
        let said = page.description.to_lowercase();
        zero("default")
            || zero("minimum")
            || [
                "zero-based",
                "zero based",
                "starting at 0",
                "starts at 0",
                "0-based",
                "0 based",
            ]
            .iter()
            .any(|w| said.contains(w))
    }

    fn watermark(&self, parameters: &[Parameter<'d>], asking: &mut Asking, notes: &mut Notes) {
        let at = format!("{}/watermark", self.pointer);
        let changed = self.changed_field();
        let mut since: Vec<(u8, &Parameter<'_>)> = parameters.iter().filter_map(|p| Some((since(p)?, p))).collect();
        since.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        if let Some((rank, since)) = since.first().copied() {
            let field = if rank >= 3 {
                changed
            } else {
                self.created_field().or(changed)
            };
            if rank < 3 {
                notes.guess(
                    &at,
                    format!(
                        "{} may leave out later changes of a document: look for a parameter of changes",
                        since.name
                    ),
                );
            }
            let until = parameters.iter().find(|p| until_of(p, since));
            self.since(since, until, field, asking, notes);
        } else if let (Some(field), Some(filter)) = (changed, parameters.iter().find(|p| p.name == "$filter")) {
            // OData 2 writes a moment with its type; its answers have `/Date(…)/`.
            let moment = if super::map::is_dot_net(field) {
                "datetimeoffset'\\(.watermark)'"
            } else {
                "\\(.watermark)"
            };
            let condition = format!("if .watermark then \"{} gt {moment}\" else empty end", field.name);
            set(asking, filter, json!(condition));
            notes.likely(&at, format!("changes since, by an OData filter on {}", field.name));
            asking.watermark = Some(json!({ "item": field.path(0), "overlapSeconds": 300, "format": "dateTime" }));
        } else {
            notes.guess(
                &at,
                "no parameter of changes was found: every run reads the whole list".to_owned(),
            );
        }
    }

    fn since(
        &self,
        since: &Parameter<'_>,
        until: Option<&Parameter<'_>>,
        field: Option<&Field<'_>>,
        asking: &mut Asking,
        notes: &mut Notes,
    ) {
        let at = format!("{}/watermark", self.pointer);
        let shape = self.shape(since);
        let form = match since.schema.text("format") {
            Some("date") => "date",
            Some("int64") => "epochMillis",
            _ if shape == Shape::Integer => "epochSeconds",
            None if since.place == "header" => "httpDate",
            _ => "dateTime",
        };
        match field {
            Some(field) => {
                set(asking, since, json!(".watermark"));
                notes.likely(
                    &at,
                    format!("{} takes the highest {} that was read", since.name, field.path(0)),
                );
                asking.watermark = Some(json!({ "item": field.path(0), "overlapSeconds": 300, "format": form }));
            }
            None => {
                set(asking, since, json!(".from"));
                if let Some(until) = until {
                    set(asking, until, json!(".until"));
                }
                notes.guess(&at, format!("the documents have no field of their last change: {} is asked for in intervals of a day; see \"start\"", since.name));
                asking.watermark = Some(json!({
                    "window": { "seconds": 86400 }, "start": "2026-01-01T00:00:00Z", "overlapSeconds": 300, "format": form,
                    "$comment": "guess: from when on documents count is for you to say (start)"
                }));
            }
        }
    }

    fn changed_field(&self) -> Option<&Field<'d>> {
        self.moment(&["update", "change", "change date"])
    }

    fn created_field(&self) -> Option<&Field<'d>> {
        self.moment(&["create", "order date"])
    }

    /// A date and time whose name has one of these words: of the document, else of its lines.
    fn moment(&self, wanted: &[&str]) -> Option<&Field<'d>> {
        self.moment_within(0, wanted).or_else(|| self.moment_within(1, wanted))
    }

    fn moment_within(&self, lists: usize, wanted: &[&str]) -> Option<&Field<'d>> {
        let dates = self
            .item
            .iter()
            .filter(|f| f.lists() == lists && f.is_leaf() && f.depth() <= 3 + lists && is_moment(f));
        let fits = |f: &&Field<'d>| wanted.iter().any(|w| has(&f.words, &w.split(' ').collect::<Vec<_>>()));
        // A person who changed it is no time.
        dates
            .filter(fits)
            .min_by_key(|f| (f.format() != "date-time", f.depth()))
    }

    /// Parameters that are none of paging: what must be there, and what asks for the lines.
    fn others(&self, parameters: &[Parameter<'d>], asking: &mut Asking, notes: &mut Notes) {
        let at = format!("{}/request", self.pointer);
        for parameter in parameters {
            let name = parameter.name;
            let taken =
                asking.query.contains_key(name) || asking.headers.contains_key(name) || asking.body.contains_key(name);
            let by_engine =
                ["authorization", "accept", "content-type", "host"].contains(&name.to_ascii_lowercase().as_str());
            if taken || by_engine {
                continue;
            }
            let options = fields::options(parameter.schema);
            let default = parameter.schema.value.get("default").filter(|v| !v.is_null());
            if let Some(default) = default.filter(|_| parameter.required) {
                set(asking, parameter, json!({ "$value": default }));
            } else if let ([only], true) = (options.as_slice(), parameter.required) {
                set(asking, parameter, json!({ "$value": only }));
            } else if name == "$expand" {
                self.expand(parameter, asking, notes);
            } else if self.shape(parameter) == Shape::Boolean
                && has(&parameter.words, &["include"])
                && ["detail", "line", "item", "position"]
                    .iter()
                    .any(|w| has(&parameter.words, &[w]))
            {
                set(asking, parameter, json!({ "$value": true }));
                notes.guess(&at, format!("{name}: true, so that the list has whole documents"));
            } else if parameter.required && parameter.place != "header" {
                let what = format!("the parameter {name} is needed: {}", short(parameter.description));
                notes.todo(&at, what.clone());
                set(
                    asking,
                    parameter,
                    json!({ "$from": todo_expression(&what), "$comment": format!("TODO: {what}") }),
                );
            }
        }
    }

    /// OData leaves lines out unless it is asked for them.
    fn expand(&self, parameter: &Parameter<'_>, asking: &mut Asking, notes: &mut Notes) {
        let lists = self.item.iter().filter(|f| f.shape == Shape::List);
        // OData 2 has a list of its own in what was asked for: `.to_Items.results[]`.
        let lines: Vec<&str> = lists
            .filter_map(|f| match f.depth() {
                1 => Some(f.name.as_str()),
                2 if f.name == "results" => Some(f.parent()),
                _ => None,
            })
            .filter(|name| has(&words(name), &["line"]) || has(&words(name), &["item"]))
            .collect();
        if !lines.is_empty() {
            set(asking, parameter, json!({ "$value": lines.join(",") }));
            notes.likely(
                format!("{}/request/query/$expand", self.pointer),
                format!("asks for {}", lines.join(" and ")),
            );
        }
    }
}

fn set(asking: &mut Asking, parameter: &Parameter<'_>, value: Value) {
    let name = parameter.name.to_owned();
    match (parameter.place, &value) {
        ("header", Value::String(_)) => asking.headers.insert(name, json!({ "$from": value })),
        ("header", _) => asking.headers.insert(name, value),
        ("body", _) => asking.body.insert(name, value),
        _ => asking.query.insert(name, value),
    };
}

/// The first sentence of a description.
pub(super) fn short(text: &str) -> String {
    let first = text.split(['\n', '.']).next().unwrap_or_default().trim();
    first.chars().take(120).collect()
}
