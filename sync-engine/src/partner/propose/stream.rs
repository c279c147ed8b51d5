//! One stream: the list, what is asked besides it, and the map of its documents.

use super::description::{At, Description};
use super::endpoints::{Candidate, Endpoint, Kind, in_path, is_context};
use super::fields::{self, Field, Shape, Step};
use super::following;
use super::lines::{Lines, lines_of};
use super::map::{self, Mapped, Source};
use super::notes::{Notes, todo_expression};
use super::paging::{Asking, Pages, short};
use super::words::{has, words};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is proposed for one list of documents.
#[derive(Debug)]
pub(super) struct Stream<'d> {
    pub name: &'static str,
    /// The list's path.
    pub list: &'d str,
    pub kind: Kind,
    pub side: &'static str,
    pub value: Value,
    pub mapped: Mapped,
    /// What one document is.
    pub item: At<'d>,
    pub fields: Vec<Field<'d>>,
    /// What operations find under `.partnerRef`, by name.
    pub partner_ref: BTreeMap<String, String>,
}

/// How many times the fields of a list's entry its own address must have, where the list has lines too.
const RICHER: usize = 2;

struct Whole<'d> {
    item: At<'d>,
    fields: Vec<Field<'d>>,
    lines: Option<Lines<'d>>,
    detail: Option<Value>,
    parts: Option<Value>,
}

pub(super) fn propose<'d>(
    d: &'d Description,
    endpoints: &[Endpoint<'d>],
    candidate: &Candidate<'d>,
    notes: &mut Notes,
) -> Option<Stream<'d>> {
    let endpoint = endpoints.get(candidate.endpoint)?;
    let name = if candidate.kind == Kind::Order {
        "orders"
    } else {
        "deliveries"
    };
    let pointer = format!("/streams/{name}");
    notes.likely(&pointer, format!("{}: {}", endpoint.shown(), candidate.why.join(", ")));
    let stub = fields::fields(d, candidate.item);
    let whole = whole(d, endpoints, endpoint, candidate, &stub, &pointer, notes);
    let side = side(endpoint, candidate, &pointer, notes);
    let pages = Pages {
        d,
        endpoint,
        item: &whole.fields,
        pointer: pointer.clone(),
    };
    let (asking, after_store) = asking(&pages, endpoints, notes);
    let partner_ref = partner_ref(endpoints, endpoint, &whole.fields);
    let changed = moment(&whole.fields);
    let source = Source {
        kind: candidate.kind,
        fields: &whole.fields,
        lines: whole.lines.as_ref(),
        pointer: format!("{pointer}/map"),
        partner_ref: &partner_ref,
        changed,
    };
    let mapped = map::propose(&source, notes);
    let mut value = json!({
        "$comment": format!("from {}; {}", endpoint.shown(), candidate.why.join(", ")),
        "kind": candidate.kind.name(),
        "side": side,
        "everySeconds": 300,
        "request": request(endpoint, &asking, &pointer, notes),
        "items": if candidate.items.is_empty() { ".".to_owned() } else { format!("{}?", fields::path(&candidate.items)) },
        "map": mapped.map,
    });
    for (member, part) in [
        ("paging", asking.paging),
        ("watermark", asking.watermark),
        ("detail", whole.detail),
        ("parts", whole.parts),
        ("afterStore", after_store),
    ] {
        if let Some(part) = part {
            value[member] = part;
        }
    }
    if let Some(changed) = changed {
        value["hashExcept"] = json!([changed.path(0)]);
    }
    Some(Stream {
        name,
        list: endpoint.path,
        kind: candidate.kind,
        side,
        value,
        mapped,
        item: whole.item,
        fields: whole.fields,
        partner_ref,
    })
}

/// What is asked besides the list; where it cannot be resumed by what changed, by a flag if there is one.
fn asking<'d>(pages: &Pages<'_, 'd>, endpoints: &[Endpoint<'d>], notes: &mut Notes) -> (Asking, Option<Value>) {
    let mut asking = pages.propose(notes);
    if asking.watermark.is_some() {
        return (asking, None);
    }
    let flag = following::flag(pages.d, endpoints, (pages.endpoint, pages.item), &pages.pointer, notes);
    if let Some(flag) = &flag {
        asking.by_flag(&flag.parameter);
    }
    (asking, flag.map(|flag| flag.after_store))
}

/// The documents with their lines: as the list has them, as their own address has them, or from a list of lines.
fn whole<'d>(
    d: &'d Description,
    endpoints: &[Endpoint<'d>],
    endpoint: &Endpoint<'d>,
    candidate: &Candidate<'d>,
    stub: &[Field<'d>],
    pointer: &str,
    notes: &mut Notes,
) -> Whole<'d> {
    let listed = lines_of(stub);
    let mut whole = Whole {
        item: candidate.item,
        fields: stub.to_vec(),
        lines: listed,
        detail: None,
        parts: None,
    };
    let is_whole = whole.lines.is_some();
    for detail in endpoints
        .iter()
        .filter(|e| e.method == "GET" && is_below(endpoint.path, e.path))
    {
        let Some((item, at)) = detail.answer.and_then(|answer| document_in(d, answer)) else {
            continue;
        };
        let own = fields::fields(d, at);
        let lines = lines_of(&own);
        let says_more = match is_whole {
            // The list has lines; it is a list of stubs all the same where one of it says far more.
            true => lines.is_some() && own.len() >= RICHER * stub.len(),
            false => lines.is_some() || own.len() > stub.len(),
        };
        if !says_more {
            continue;
        }
        let path = filled(detail, stub, ".stub", &format!("{pointer}/detail/request"), notes);
        notes.likely(
            format!("{pointer}/detail"),
            format!("the list has stubs; {} has the document", detail.shown()),
        );
        let mut value = json!({ "request": { "path": path }, "$comment": format!("from {}", detail.shown()) });
        if !item.is_empty() {
            value["item"] = json!(item);
        }
        whole = Whole {
            item: at,
            fields: own,
            lines,
            detail: Some(value),
            parts: None,
        };
        break;
    }
    if whole.lines.is_none() {
        part(d, endpoints, endpoint, pointer, &mut whole, notes);
    }
    whole
}

/// Lines that have a list of their own.
fn part<'d>(
    d: &'d Description,
    endpoints: &[Endpoint<'d>],
    endpoint: &Endpoint<'d>,
    pointer: &str,
    whole: &mut Whole<'d>,
    notes: &mut Notes,
) {
    for list in endpoints
        .iter()
        .filter(|e| e.method == "GET" && e.path.len() > endpoint.path.len() && e.path.starts_with(endpoint.path))
    {
        let lines = ["line", "item", "position", "detail"]
            .iter()
            .any(|w| has(&list.subject(), &[w]));
        let rest = list.path.get(endpoint.path.len()..).unwrap_or_default();
        if !lines || in_path(rest).len() != 1 || list.last_part().contains('{') {
            continue;
        }
        let Some(answer) = list.answer else { continue };
        let all = fields::fields(d, answer);
        let found = all
            .iter()
            .filter(|f| f.shape == Shape::List && f.lists() == 0)
            .min_by_key(|f| f.depth());
        let (items, entry) = match found {
            Some(found) => (found.path(0), fields::entries(d, found.at)),
            None => (".".to_owned(), fields::entries(d, answer)),
        };
        let Some(entry) = entry else { continue };
        let path = filled(
            list,
            &whole.fields,
            ".item",
            &format!("{pointer}/parts/lines/request"),
            notes,
        );
        notes.likely(
            format!("{pointer}/parts/lines"),
            format!("the lines come from {}", list.shown()),
        );
        whole.parts = Some(
            json!({ "lines": { "request": { "path": path }, "items": items, "$comment": format!("from {}; one page of them", list.shown()) } }),
        );
        let below = [Step::Name("lines".to_owned()), Step::Each];
        let mut own = fields::fields(d, entry);
        for field in &mut own {
            field.steps.splice(0..0, below.iter().cloned());
        }
        whole.lines = Some(Lines {
            each: ".lines[]".to_owned(),
            fields: own,
            depth: 2,
        });
        return;
    }
}

/// `PATH/{id}` or `PATH({id})`: one of the list.
pub(super) fn is_below(list: &str, path: &str) -> bool {
    let Some(rest) = path.strip_prefix(list.trim_end_matches('/')) else {
        return false;
    };
    let one = in_path(rest).len() == 1 && rest.trim_end_matches('/').ends_with(['}', ')']);
    one && !rest.trim_start_matches('/').contains('/')
}

/// The document in an answer: the whole, or what its only object or list has.
fn document_in<'d>(d: &'d Description, answer: At<'d>) -> Option<(String, At<'d>)> {
    if fields::shape(d, answer) == Shape::List {
        return Some((".".to_owned(), fields::entries(d, answer)?));
    }
    let members = fields::properties(d, answer);
    let leaves = members
        .iter()
        .filter(|(_, at, _)| !matches!(fields::shape(d, *at), Shape::Object | Shape::List))
        .count();
    if leaves >= 2 {
        return Some((String::new(), answer));
    }
    let inner = members.iter().find_map(|(name, at, _)| {
        let steps = Step::Name((*name).to_owned());
        let named = ["error", "warning", "link", "meta", "pagination"]
            .iter()
            .any(|w| has(&words(name), &[w]));
        match fields::shape(d, *at) {
            Shape::Object if !named && !fields::properties(d, *at).is_empty() => Some((fields::path(&[steps]), *at)),
            // A list of one entry is that entry.
            Shape::List if !named => Some((fields::path(&[steps]), fields::entries(d, *at)?)),
            _ => None,
        }
    });
    inner.or(Some((String::new(), answer)))
}

/// What we are: an order that the partner buys is one that we sell.
fn side(endpoint: &Endpoint<'_>, candidate: &Candidate<'_>, pointer: &str, notes: &mut Notes) -> &'static str {
    let subject = endpoint.subject();
    let text = [subject.clone(), endpoint.said()].concat();
    let says = |text: &[String], wanted: &str| has(text, &wanted.split(' ').collect::<Vec<_>>());
    let (side, why) = match candidate.kind {
        Kind::Order if says(&subject, "purchase order") => ("seller", "the partner buys"),
        Kind::Order if says(&text, "sale order") || says(&text, "salesorder") => ("buyer", "the partner sells"),
        Kind::Order => ("seller", "the partner buys"),
        Kind::DespatchAdvice => ("buyer", "the partner delivers, we receive"),
    };
    notes.guess(format!("{pointer}/side"), format!("{side}: {why}, by the names"));
    side
}

fn request(endpoint: &Endpoint<'_>, asking: &Asking, pointer: &str, notes: &mut Notes) -> Value {
    let mut request = json!({ "path": filled(endpoint, &[], ".", &format!("{pointer}/request"), notes) });
    if endpoint.method != "GET" {
        request["method"] = json!(endpoint.method);
    }
    for (name, members) in [
        ("query", &asking.query),
        ("headers", &asking.headers),
        ("body", &asking.body),
    ] {
        if !members.is_empty() {
            request[name] = Value::Object(members.clone());
        }
    }
    request
}

/// The path with an expression in place of each parameter: a field of what is known, else one that stops and says why.
pub(super) fn filled(
    endpoint: &Endpoint<'_>,
    known: &[Field<'_>],
    from: &str,
    pointer: &str,
    notes: &mut Notes,
) -> String {
    let mut path = endpoint.path.split('?').next().unwrap_or_default().to_owned();
    for name in in_path(endpoint.path) {
        let expression = match key(name, known).filter(|_| !is_context(name)) {
            Some(field) => format!("{from}{}", field.path(0)),
            None => {
                let said = endpoint
                    .parameters
                    .iter()
                    .find(|p| p.place == "path" && p.name == name)
                    .map(|p| short(p.description))
                    .unwrap_or_default();
                notes.todo(
                    pointer,
                    format!("{name} in the path {} is not known: put it in. {said}", endpoint.path),
                );
                todo_expression(&format!("{name} in the path"))
            }
        };
        path = path.replace(&format!("{{{name}}}"), &format!("{{{expression}}}"));
    }
    if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    }
}

/// The field that a parameter of a path names.
pub(super) fn key<'a, 'd>(parameter: &str, fields: &'a [Field<'d>]) -> Option<&'a Field<'d>> {
    let wanted = words(parameter);
    let outer: Vec<&Field<'d>> = fields.iter().filter(|f| f.depth() == 1 && f.is_leaf()).collect();
    let last = wanted.last().cloned().unwrap_or_default();
    let same = outer.iter().find(|f| f.words == wanted);
    let alone = outer
        .iter()
        .find(|f| f.words.len() == 1 && f.words.first() == Some(&last));
    let ends = outer
        .iter()
        .find(|f| f.words.len() > 1 && wanted.ends_with(&f.words) || f.words.ends_with(&wanted));
    // `{id}` of an order is its `orderId`.
    let longer = outer.iter().find(|f| {
        wanted.len() == 1 && f.words.last() == Some(&last) && f.words.iter().any(|w| w == "order" || w == "shipment")
    });
    same.or(alone).or(ends).or(longer).copied()
}

/// What the paths below the list need to name one of its documents.
fn partner_ref(endpoints: &[Endpoint<'_>], list: &Endpoint<'_>, fields: &[Field<'_>]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for endpoint in endpoints
        .iter()
        .filter(|e| e.method != "GET" && (e.path.starts_with(list.path) || e.subject() == list.subject()))
    {
        for name in in_path(endpoint.path).into_iter().filter(|name| !is_context(name)) {
            if let Some(field) = key(name, fields) {
                found.insert(field.name.clone(), field.path(0));
            }
        }
    }
    // An id that nobody asks for yet is worth keeping: an answer needs it sooner or later.
    let id = fields.iter().find(|f| f.depth() == 1 && f.words == ["id"]);
    found.extend(id.map(|f| (f.name.clone(), f.path(0))));
    found.retain(|name, _| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    found
}

/// The moment of a document's last change.
fn moment<'a, 'd>(fields: &'a [Field<'d>]) -> Option<&'a Field<'d>> {
    let time = |f: &&Field<'_>| {
        f.format().starts_with("date")
            || ["date", "time", "at", "on", "utc", "timestamp", "datetime"]
                .iter()
                .any(|w| has(&f.words, &[w]))
    };
    let changed = |f: &&Field<'_>| ["update", "change"].iter().any(|w| has(&f.words, &[w]));
    let outer = fields
        .iter()
        .filter(|f| f.depth() <= 2 && f.lists() == 0 && matches!(f.shape, Shape::Text | Shape::Integer));
    outer
        .filter(time)
        .filter(changed)
        .filter(|f| f.words.iter().all(|w| w != "by"))
        .min_by_key(|f| f.depth())
}

/// Members for the whole configuration.
pub(super) fn tables(streams: &[Stream<'_>]) -> (Map<String, Value>, Option<Value>) {
    let mut codes = Map::new();
    let mut units = None;
    for stream in streams {
        for (name, table) in &stream.mapped.codes {
            codes.entry(name.clone()).or_insert_with(|| table.clone());
        }
        units = units.or_else(|| stream.mapped.units.clone());
    }
    (codes, units)
}
