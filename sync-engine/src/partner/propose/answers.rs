//! What we send: which endpoints take answers, delivery notes and orders of ours, and what their bodies need.

use super::body::Bodies;
use super::codes;
use super::description::Description;
use super::endpoints::{Endpoint, Kind};
use super::fields;
use super::following;
use super::notes::Notes;
use super::stream::{self, Stream};
use super::words::{has, words};
use serde_json::{Map, Value, json};

/// Operations, and the schemas of their bodies by operation.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub operations: Map<String, Value>,
    pub codes: Map<String, Value>,
    /// Name of the operation, and index of the endpoint whose body it is.
    pub bodies: Vec<(String, usize)>,
}

/// The words by which an endpoint is taken for an operation on orders of the partner's.
const SELLER: &[(&str, &[&str])] = &[
    ("acknowledge", &["acknowledge"]),
    ("confirm", &["confirm", "accept"]),
    ("reject", &["reject"]),
    ("counter", &["counter", "propose", "proposal"]),
];
/// An endpoint that takes every answer.
const ANY_ANSWER: &[&str] = &["acknowledge", "response", "respond", "answer", "confirm"];

pub(super) fn propose<'d>(
    d: &'d Description,
    endpoints: &[Endpoint<'d>],
    streams: &[Stream<'d>],
    notes: &mut Notes,
) -> Answers {
    let mut answers = Answers::default();
    let orders = streams.iter().find(|s| s.kind == Kind::Order);
    match orders {
        Some(orders) if orders.side == "seller" => sold(d, endpoints, orders, &mut answers, notes),
        Some(orders) => bought(d, endpoints, orders, &mut answers, notes),
        None => {}
    }
    if let Some(deliveries) = streams.iter().find(|s| s.kind == Kind::DespatchAdvice) {
        let receipt = endpoints
            .iter()
            .position(|e| writes(e) && has(&text(e), &["receipt"]) && !has(&text(e), &["invoice"]));
        if let Some(n) = receipt {
            operation(d, endpoints, n, "receipt", deliveries, &mut answers, notes);
        }
    }
    for name in ["confirm", "reject"] {
        if orders.is_some_and(|o| o.side == "seller") && !answers.operations.contains_key(name) {
            notes.guess(
                "/operations",
                format!("no endpoint was found that takes \"{name}\": it is not offered to the clerk"),
            );
        }
    }
    answers
}

fn writes(endpoint: &Endpoint<'_>) -> bool {
    matches!(endpoint.method, "POST" | "PUT" | "PATCH") && !endpoint.at.is("deprecated")
}

fn text(endpoint: &Endpoint<'_>) -> Vec<String> {
    let path = endpoint
        .path
        .split('/')
        .filter(|part| !part.starts_with('{'))
        .flat_map(words);
    path.chain(endpoint.said()).collect()
}

/// We sell: answers to orders, and delivery notes of ours.
fn sold<'d>(
    d: &'d Description,
    endpoints: &[Endpoint<'d>],
    orders: &Stream<'d>,
    answers: &mut Answers,
    notes: &mut Notes,
) {
    let of_orders = |e: &Endpoint<'_>| {
        let text = text(e);
        (has(&text, &["order"]) || has(&text, &["po"]) || has(&text, &["acknowledge"]))
            && !["shipment", "despatch", "asn", "invoice", "ship", "receipt", "payment"]
                .iter()
                .any(|w| has(&words(e.path), &[w]))
    };
    for (name, wanted) in SELLER {
        let best = endpoints.iter().enumerate().filter(|(_, e)| writes(e) && of_orders(e));
        let best = best.filter(|(_, e)| {
            wanted
                .iter()
                .any(|w| has(&e.subject(), &[w]) || has(&words(e.at.text("operationId").unwrap_or_default()), &[w]))
        });
        // The shortest path is the one for whole orders.
        if let Some((n, _)) = best.min_by_key(|(_, e)| {
            let subject = e.subject();
            let named = wanted.first().copied().unwrap_or_default();
            (
                // An action of the order itself: /orders/{id}/acknowledge.
                !(e.path.starts_with(orders.list) && subject == [named]),
                !has(&subject, &[named]),
                e.path.len(),
            )
        }) {
            operation(d, endpoints, n, name, orders, answers, notes);
        }
    }
    let any = endpoints.iter().position(|e| {
        writes(e) && of_orders(e) && ANY_ANSWER.iter().any(|w| has(&e.subject(), &[w])) && answers_both(d, e)
    });
    if let Some(n) = any {
        // One endpoint for every answer: what its codes say.
        answers.operations.remove("acknowledge");
        if !answers.operations.contains_key("confirm") {
            operation(d, endpoints, n, "confirm", orders, answers, notes);
        }
        for name in ["reject", "counter"] {
            answers.operations.entry(name).or_insert_with(
                || json!({ "sameAs": "confirm", "$comment": "guess: the same request takes every answer" }),
            );
        }
        notes.guess(
            "/operations",
            "reject and counter go the way of confirm: look at the requests that partner try shows".to_owned(),
        );
    }
    if !answers.operations.contains_key("confirm") {
        by_change(d, endpoints, orders, answers, notes);
    }
    let despatch = endpoints.iter().position(|e| {
        e.method == "POST"
            && ["shipment", "despatch", "asn", "fulfillment"]
                .iter()
                .any(|w| has(&e.subject(), &[w]))
            && e.body.is_some()
    });
    if let Some(n) = despatch {
        operation(d, endpoints, n, "despatch", orders, answers, notes);
    }
}

/// Codes of its body accept and reject.
fn answers_both(d: &Description, endpoint: &Endpoint<'_>) -> bool {
    let Some(body) = endpoint.body else { return false };
    fields::fields(d, body.schema).iter().any(|f| {
        let table = codes::outward(&f.options(), codes::ANSWERS);
        table.contains_key("AP") && table.contains_key("RE")
    })
}

/// Nothing takes an answer: the order itself is changed.
fn by_change<'d>(
    d: &'d Description,
    endpoints: &[Endpoint<'d>],
    orders: &Stream<'d>,
    answers: &mut Answers,
    notes: &mut Notes,
) {
    let list = orders.value["request"]["path"].as_str().unwrap_or_default();
    let subject = words(list.rsplit('/').next().unwrap_or_default());
    let own = |e: &Endpoint<'_>| {
        let order = e.subject() == subject || has(&e.subject(), &["order"]);
        writes(e) && e.body.is_some() && e.last_part().contains('{') && order
    };
    let found = endpoints.iter().enumerate().filter(|(_, e)| own(e));
    let Some((n, _)) = found.min_by_key(|(_, e)| e.subject() != subject) else {
        return;
    };
    operation(d, endpoints, n, "confirm", orders, answers, notes);
    notes.guess(
        "/operations/confirm",
        "no endpoint takes answers: the order itself is changed; say in the body what confirms it".to_owned(),
    );
    let says = answers
        .operations
        .get("confirm")
        .is_some_and(|o| o.to_string().contains("\"$codes\":\"answer\""));
    if says {
        answers.operations.insert(
            "reject".to_owned(),
            json!({ "sameAs": "confirm", "$comment": "guess: the same request with another code" }),
        );
    } else if let Some(body) = answers
        .operations
        .get_mut("confirm")
        .and_then(|o| o.pointer_mut("/request/body"))
        .and_then(Value::as_object_mut)
    {
        notes.todo(
            "/operations/confirm/request/body",
            "nothing in the body says that the order is confirmed".to_owned(),
        );
        body.insert(
            "TODO".to_owned(),
            json!(super::notes::todo_expression(
                "what in the body says that the order is confirmed?"
            )),
        );
    }
}

/// We buy: the partner takes orders of ours where it lists them.
fn bought<'d>(
    d: &'d Description,
    endpoints: &[Endpoint<'d>],
    orders: &Stream<'d>,
    answers: &mut Answers,
    notes: &mut Notes,
) {
    for (name, methods, below) in [
        ("submit", &["POST"][..], false),
        ("update", &["PATCH", "PUT"][..], true),
        ("cancel", &["DELETE"][..], true),
    ] {
        let found = endpoints.iter().position(|e| {
            methods.contains(&e.method)
                && if below {
                    stream::is_below(orders.list, e.path)
                } else {
                    e.path == orders.list
                }
        });
        // An action of the order itself: /orders/{id}/cancel.
        let acts = || {
            let acts = |e: &Endpoint<'_>| {
                writes(e) && below && e.path.starts_with(orders.list) && e.path.contains('{') && e.subject() == [name]
            };
            endpoints.iter().position(acts)
        };
        let found = found.or_else(acts);
        if let Some(n) = found {
            operation(d, endpoints, n, name, orders, answers, notes);
        }
    }
}

fn operation<'d>(
    d: &'d Description,
    endpoints: &[Endpoint<'d>],
    n: usize,
    name: &str,
    of: &Stream<'d>,
    answers: &mut Answers,
    notes: &mut Notes,
) {
    let Some(endpoint) = endpoints.get(n) else { return };
    let pointer = format!("/operations/{name}");
    notes.guess(&pointer, format!("{}, by its name", endpoint.shown()));
    let request_at = format!("{pointer}/request");
    let path = path(endpoint, of, name, &request_at, notes);
    let mut request = json!({ "path": path });
    if endpoint.method != "POST" {
        request["method"] = json!(endpoint.method);
    }
    let needed = endpoint.parameters.iter().filter(|p| p.required && p.place == "query");
    for parameter in needed {
        let what = format!("the parameter {} is needed", parameter.name);
        notes.todo(&request_at, what.clone());
        request["query"][parameter.name] = json!(super::notes::todo_expression(&what));
    }
    if let Some(body) = endpoint.body {
        let mut bodies = Bodies {
            d,
            operation: name,
            pointer: format!("{request_at}/body"),
            codes: &mut answers.codes,
            partner_ref: &of.partner_ref,
            units: of.mapped.units.is_some(),
            notes,
            outer: Vec::new(),
        };
        request["body"] = bodies.propose(body.schema);
        if body.media_type != "application/json" && body.media_type.contains("json") {
            request["mediaType"] = json!(body.media_type);
        }
        if body.media_type.contains("json") {
            answers.bodies.push((name.to_owned(), n));
        }
    }
    let if_match = endpoint
        .parameters
        .iter()
        .any(|p| p.place == "header" && p.name.eq_ignore_ascii_case("if-match"));
    if if_match {
        let etag = of
            .fields
            .iter()
            .find(|f| f.depth() == 1 && f.words.iter().any(|w| w == "etag"));
        let expression = etag.map_or_else(
            || ".payload.\"@odata.etag\"? // \"*\"".to_owned(),
            |f| format!(".payload{}", f.path(0)),
        );
        notes.guess(format!("{request_at}/headers/If-Match"), expression.clone());
        request["headers"] = json!({ "If-Match": { "$from": expression, "$comment": "guess: what the document said when it was read" } });
    }
    let mut value = json!({ "$comment": format!("guess: {}, by its name", endpoint.shown()), "request": request });
    if let Some((receipt, verify)) = following::job(d, endpoints, endpoint, &pointer, notes) {
        value["receipt"] = receipt;
        value["verify"] = verify;
    }
    answers.operations.insert(name.to_owned(), value);
}

/// The path with what names the document.
fn path(endpoint: &Endpoint<'_>, of: &Stream<'_>, name: &str, pointer: &str, notes: &mut Notes) -> String {
    let issued = ["submit", "update", "cancel", "despatch"].contains(&name);
    if !issued {
        return stream::filled(endpoint, &of.fields, ".payload", pointer, notes);
    }
    // Of a document of ours the partner's name is known from its answer to the first version.
    let mut path = stream::filled(endpoint, &[], ".", pointer, &mut Notes::default());
    for parameter in super::endpoints::in_path(endpoint.path)
        .into_iter()
        .filter(|p| !super::endpoints::is_context(p))
    {
        let todo = super::notes::todo_expression(&format!("{parameter} in the path"));
        if let Some(field) = stream::key(parameter, &of.fields) {
            let at = if field.words.last().is_some_and(|w| w == "number") {
                ".document.number".to_owned()
            } else {
                format!(".partnerRef.{}", field.name)
            };
            path = path.replace(&todo, &at);
        }
    }
    if path.contains("error(") {
        notes.todo(
            pointer,
            format!("the path {} needs something that is not known", endpoint.path),
        );
    }
    path
}
