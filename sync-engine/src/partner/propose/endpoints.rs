//! The endpoints of a description, and which of them are lists of orders or of delivery notes.

use super::description::{At, Description, Dialect};
use super::fields::{self, Field, Shape, Step};
use super::words::{has, words};
use serde_json::Value;

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete"];
/// Less than this is not taken for a list of documents.
const LEAST_SCORE: i32 = 30;

#[derive(Debug, Clone)]
pub(super) struct Parameter<'d> {
    pub name: &'d str,
    pub words: Vec<String>,
    /// `query`, `header` or `path`.
    pub place: &'d str,
    pub required: bool,
    pub schema: At<'d>,
    pub description: &'d str,
}

#[derive(Debug)]
pub(super) struct Endpoint<'d> {
    pub method: &'static str,
    pub path: &'d str,
    pub at: At<'d>,
    pub parameters: Vec<Parameter<'d>>,
    pub body: Option<Body<'d>>,
    /// Of the first answer of success.
    pub answer: Option<At<'d>>,
    /// What that answer is written in, where it is JSON.
    pub answer_media: Option<&'d str>,
    pub answer_headers: Vec<&'d str>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'d> {
    pub media_type: &'d str,
    pub schema: At<'d>,
}

impl Endpoint<'_> {
    pub fn shown(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Words of the path's last part that is no parameter.
    pub fn subject(&self) -> Vec<String> {
        let named = |part: &&str| !part.is_empty() && !part.starts_with('{');
        let last = self.path.rsplit('/').find(named).unwrap_or_default();
        words(last.split(['(', '?', ':']).next().unwrap_or_default())
    }

    pub fn last_part(&self) -> &str {
        self.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// Words of its name, its tags and its summary.
    pub fn said(&self) -> Vec<String> {
        let mut said = Vec::new();
        for name in ["operationId", "summary"] {
            said.extend(words(self.at.text(name).unwrap_or_default()));
        }
        let tags = self.at.value.get("tags").and_then(Value::as_array);
        for tag in tags.into_iter().flatten().filter_map(Value::as_str) {
            said.extend(words(tag));
        }
        said
    }
}

/// Names in braces.
pub(super) fn in_path(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}

pub(super) fn all(d: &Description) -> Vec<Endpoint<'_>> {
    let paths = d
        .get(d.root(), "paths")
        .map(|paths| d.members(paths))
        .unwrap_or_default();
    let mut found = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            if let Some(at) = d.get(item, method) {
                found.push(endpoint(d, path, method, item, at));
            }
        }
    }
    found
}

fn endpoint<'d>(d: &'d Description, path: &'d str, method: &str, item: At<'d>, at: At<'d>) -> Endpoint<'d> {
    let mut parameters: Vec<Parameter<'d>> = Vec::new();
    let mut body = None;
    for list in [d.get(at, "parameters"), d.get(item, "parameters")]
        .into_iter()
        .flatten()
    {
        for entry in d.entries(list) {
            let (Some(name), Some(place)) = (entry.text("name"), entry.text("in")) else {
                continue;
            };
            // Swagger 2 has the type in the parameter itself.
            let schema = d.get(entry, "schema").unwrap_or(entry);
            if place == "body" {
                body = Some(Body {
                    media_type: listed_media(d, at, "consumes").unwrap_or("application/json"),
                    schema,
                });
            } else if !parameters.iter().any(|p| p.name == name && p.place == place) {
                parameters.push(Parameter {
                    name,
                    words: words(name),
                    place,
                    required: entry.is("required"),
                    schema,
                    description: entry.text("description").unwrap_or_default(),
                });
            }
        }
    }
    let content = d.get(at, "requestBody").and_then(|b| d.get(b, "content"));
    body = body.or_else(|| of_content(d, content?));
    let responses = d.get(at, "responses").map(|r| d.members(r)).unwrap_or_default();
    let success = responses
        .iter()
        .filter(|(status, _)| status.starts_with('2') || *status == "default");
    let success = success.min_by_key(|(status, _)| *status);
    let answer = success.and_then(|(_, answer)| match d.dialect {
        Dialect::Swagger2 => d.get(*answer, "schema"),
        Dialect::OpenApi30 | Dialect::OpenApi31 => Some(of_content(d, d.get(*answer, "content")?)?.schema),
    });
    let answer_media = match d.dialect {
        Dialect::Swagger2 => listed_media(d, at, "produces"),
        Dialect::OpenApi30 | Dialect::OpenApi31 => success
            .and_then(|(_, answer)| of_content(d, d.get(*answer, "content")?))
            .map(|body| body.media_type)
            .filter(|media_type| media_type.contains("json")),
    };
    let headers = success.and_then(|(_, answer)| d.get(*answer, "headers"));
    Endpoint {
        method: match method {
            "get" => "GET",
            "post" => "POST",
            "put" => "PUT",
            "patch" => "PATCH",
            _ => "DELETE",
        },
        path,
        at,
        parameters,
        body,
        answer,
        answer_media,
        answer_headers: headers
            .map(|h| d.members(h))
            .unwrap_or_default()
            .into_iter()
            .map(|(name, _)| name)
            .collect(),
    }
}

/// Swagger 2: the JSON among the media types of an endpoint, else among those of all.
fn listed_media<'d>(d: &'d Description, at: At<'d>, name: &str) -> Option<&'d str> {
    let listed = |at: At<'d>| {
        let list = at.value.get(name).and_then(Value::as_array)?;
        list.iter()
            .filter_map(Value::as_str)
            .find(|media| media.contains("json"))
    };
    listed(at).or_else(|| listed(d.root()))
}

/// The JSON of a body, else whatever comes first.
fn of_content<'d>(d: &'d Description, content: At<'d>) -> Option<Body<'d>> {
    let types = d.members(content);
    let json = types.iter().find(|(name, _)| name.contains("json"));
    let (media_type, at) = json.or_else(|| types.first())?;
    Some(Body {
        media_type,
        schema: d.get(*at, "schema")?,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Order,
    DespatchAdvice,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::DespatchAdvice => "despatchAdvice",
        }
    }

    /// What people call it.
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Order => "orders",
            Self::DespatchAdvice => "delivery notes",
        }
    }
}

/// A list of documents in an answer.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'d> {
    /// Index into the endpoints.
    pub endpoint: usize,
    pub kind: Kind,
    pub score: i32,
    /// From the answer to the list; empty when it is the answer itself.
    pub items: Vec<Step>,
    pub item: At<'d>,
    /// Why it was taken for one.
    pub why: Vec<String>,
}

/// Every list that may be one of documents of that kind, best first.
pub(super) fn candidates<'d>(d: &'d Description, endpoints: &[Endpoint<'d>], kind: Kind) -> Vec<Candidate<'d>> {
    let mut found: Vec<Candidate<'d>> = Vec::new();
    for (n, endpoint) in endpoints.iter().enumerate() {
        let search = endpoint.method == "POST"
            && ["search", "query", "list", "find"]
                .iter()
                .any(|w| endpoint.said().iter().chain(&endpoint.subject()).any(|s| s == w));
        if endpoint.method != "GET" && !search {
            continue;
        }
        let Some((items, item)) = endpoint.answer.and_then(|answer| list_in(d, answer)) else {
            continue;
        };
        let (score, why) = score(d, endpoint, kind, &items, item);
        if score >= LEAST_SCORE {
            found.push(Candidate {
                endpoint: n,
                kind,
                score,
                items,
                item,
                why,
            });
        }
    }
    found.sort_by_key(|c| std::cmp::Reverse(c.score));
    found
}

/// The list of objects in an answer that is nearest to its outside.
fn list_in<'d>(d: &'d Description, answer: At<'d>) -> Option<(Vec<Step>, At<'d>)> {
    if fields::shape(d, answer) == Shape::List {
        return Some((Vec::new(), fields::entries(d, answer)?));
    }
    let all = fields::fields(d, answer);
    let lists = all
        .iter()
        .filter(|f| f.shape == Shape::List && f.lists() == 0 && f.depth() <= 3);
    // What says itself that it is something else is not the list of items.
    let beside = |f: &&Field<'d>| {
        ["error", "warning", "link", "message", "header", "include"]
            .iter()
            .any(|w| f.words.iter().any(|x| x == w))
    };
    let objects = lists.filter(|f| !beside(f)).filter_map(|f| {
        let entry = fields::entries(d, f.at)?;
        (fields::shape(d, entry) == Shape::Object).then_some((f, entry))
    });
    // Of several beside each other the richest: the others are stubs of it.
    let (list, entry) =
        objects.min_by_key(|(f, entry)| (f.depth(), std::cmp::Reverse(fields::properties(d, *entry).len())))?;
    // Several lists beside each other: it is one document, with its lines.
    let known = ["number", "quantity", "currency"].iter().any(|w| {
        all.iter()
            .any(|f| f.depth() == list.depth() && f.words.last().is_some_and(|x| x == w))
    });
    (!known
        || fields::fields(d, entry)
            .iter()
            .any(|f| f.shape == Shape::List && f.lists() == 0))
    .then(|| (list.steps.clone(), entry))
}

const NOT_ORDERS: &[&str] = &[
    "status",
    "line",
    "item",
    "history",
    "template",
    "type",
    "attachment",
    "note",
    "invoice",
    "receipt",
    "return",
    "payment",
    "shipment",
    "credit",
    "quote",
    "document",
    "label",
    "comment",
    "event",
    "transaction",
    "requisition",
    "response",
    "confirm",
    "acknowledge",
    "schedule",
    "work",
    "production",
    "transfer",
    "revision",
    "change",
    "count",
    "standing",
    "blanket",
];

fn score(d: &Description, endpoint: &Endpoint<'_>, kind: Kind, items: &[Step], item: At<'_>) -> (i32, Vec<String>) {
    let (subject, said) = (endpoint.subject(), endpoint.said());
    let (by_path, by_words) = (named(kind, &subject), named(kind, &said));
    let list: Vec<String> = items
        .iter()
        .flat_map(|s| {
            if let Step::Name(name) = s {
                words(name)
            } else {
                Vec::new()
            }
        })
        .collect();
    let by_list = named(kind, &list);
    let mut why = Vec::new();
    if by_path > 0 {
        why.push(format!("the path says \"{}\"", subject.join(" ")));
    } else if by_words > 0 {
        why.push("its name or summary says so".to_owned());
    } else if by_list > 0 {
        why.push(format!("the list is called \"{}\"", list.join(" ")));
    }
    let mut score = by_path.max(by_list * 2 / 3).max(by_words * 2 / 3);
    if score == 0 {
        return (0, why);
    }
    score += (by_words > 0) as i32 * 8 + (by_list > 0) as i32 * 5;
    let fields = fields::fields(d, item);
    if fields
        .iter()
        .any(|f| f.lists() == 1 && f.words.iter().any(|w| w == "quantity"))
    {
        score += 15;
        why.push("its items have lines with quantities".to_owned());
    }
    if fields
        .iter()
        .any(|f| f.depth() == 1 && f.words.last().is_some_and(|w| w == "number"))
    {
        score += 5;
    }
    if kind == Kind::Order {
        let others = subject.iter().filter(|w| NOT_ORDERS.contains(&w.as_str())).count();
        score -= 25 * i32::try_from(others).unwrap_or(1);
    } else if subject
        .iter()
        .any(|w| ["label", "status", "line", "item", "type", "order"].contains(&w.as_str()))
    {
        score -= 25;
    }
    // A list that belongs to one document; a company or a tenant before it is none.
    let inside = in_path(endpoint.path).iter().filter(|p| !is_context(p)).count();
    score -= 20 * i32::try_from(inside).unwrap_or(1);
    if endpoint.at.is("deprecated") {
        score -= 20;
        why.push("it is deprecated".to_owned());
    }
    (score, why)
}

/// A parameter of the path that is ours for good: a company, a tenant.
pub(super) fn is_context(parameter: &str) -> bool {
    let words = words(parameter);
    let context = [
        "company",
        "tenant",
        "account",
        "version",
        "store",
        "client",
        "site",
        "environment",
        "api",
        "entity",
        "merchant",
        "supplier",
        "buyer",
        "network",
        "location",
        "business",
        "legal",
        "region",
    ];
    let named = words
        .iter()
        .filter(|w| !["id", "number", "code", "key", "name"].contains(&w.as_str()));
    words.iter().any(|w| context.contains(&w.as_str())) && named.into_iter().all(|w| context.contains(&w.as_str()))
}

fn named(kind: Kind, text: &[String]) -> i32 {
    let says = |wanted: &[&str]| has(text, wanted);
    match kind {
        Kind::Order => match () {
            () if says(&["purchase", "order"]) || says(&["po"]) => 50,
            () if says(&["supplier", "order"]) || says(&["sale", "order"]) || says(&["customer", "order"]) => 42,
            () if says(&["order"]) => 36,
            () if says(&["purchaseorder"]) || says(&["salesorder"]) => 45,
            () => 0,
        },
        Kind::DespatchAdvice => match () {
            () if says(&["despatch"])
                || says(&["asn"])
                || says(&["deliver", "note"])
                || says(&["ship", "notice"])
                || says(&["advance", "shipment"]) =>
            {
                50
            }
            () if says(&["shipment"]) || says(&["packing", "slip"]) || says(&["goods", "issue"]) => 42,
            () if says(&["fulfillment"]) || says(&["deliver"]) => 30,
            () => 0,
        },
    }
}
