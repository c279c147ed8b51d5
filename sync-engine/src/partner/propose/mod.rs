//! A start for a configuration from an API description: finds the lists of orders and delivery notes, how they are
//! paged, which field is which of ours, and what takes an answer. Pure: text in, a proposal out.

mod answers;
mod asked;
mod body;
mod codes;
mod description;
mod endpoints;
mod fields;
mod following;
mod lines;
mod map;
mod matching;
mod notes;
mod paging;
mod parties;
mod print;
mod schema;
mod sending;
mod signin;
mod stream;
mod wanted;
mod words;

pub use description::Description;
pub use notes::{Certainty, Note};

use description::At;
use endpoints::{Candidate, Endpoint, Kind};
use notes::Notes;
use serde::Serialize;
use serde_json::{Map, Value, json};
use stream::Stream;

/// Why nothing can be proposed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// No JSON and no YAML: a sentence with the place.
    #[error("{0}")]
    Unreadable(String),
    /// Not a description of an API that is understood.
    #[error("{0}")]
    NoDescription(String),
    /// None of the endpoints looks like a list of orders or delivery notes.
    #[error("{message}")]
    NothingFound {
        message: String,
        /// What there is: method and path.
        endpoints: Vec<String>,
    },
}

/// A list that could have been taken as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunnerUp {
    pub kind: &'static str,
    /// Method and path.
    pub endpoint: String,
    pub score: i32,
    pub why: String,
}

/// What stands for one list of documents, with the fields of ours that were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposedStream {
    pub name: String,
    pub endpoint: String,
    pub paging: Option<String>,
    /// Such as `number`, `lines.quantity`.
    pub matched: Vec<String>,
}

/// A configuration that `partner check` accepts, with its schemas and everything that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    pub config: Value,
    /// Paths below the configuration's folder, and their JSON.
    pub schemas: Vec<(String, Value)>,
    /// What is not sure first.
    pub notes: Vec<Note>,
    pub streams: Vec<ProposedStream>,
    pub runners_up: Vec<RunnerUp>,
}

impl Proposal {
    /// The configuration as a file.
    pub fn text(&self) -> String {
        print::print(&self.config)
    }
}

/// # Errors
/// When there is no list of orders or delivery notes: what was looked for, and the endpoints that there are.
pub fn propose(description: &Description, id: &str) -> Result<Proposal, ProposeError> {
    let d = description;
    let endpoints = endpoints::all(d);
    let mut notes = Notes::default();
    let (mut streams, mut candidates) = (Vec::new(), Vec::new());
    for kind in [Kind::Order, Kind::DespatchAdvice] {
        let mut found = endpoints::candidates(d, &endpoints, kind).into_iter();
        if let Some(best) = found.next() {
            streams.extend(stream::propose(d, &endpoints, &best, &mut notes).map(|stream| (stream, best)));
        }
        candidates.extend(found);
    }
    let Some((_, first)) = streams.first() else {
        return Err(nothing(&endpoints));
    };
    let Some(asked) = endpoints.get(first.endpoint) else {
        return Err(nothing(&endpoints));
    };
    for lost in &d.lost {
        notes.guess("", format!("a reference of the description leads nowhere: {lost}"));
    }
    let chosen: Vec<ProposedStream> = streams
        .iter()
        .map(|(stream, candidate)| proposed(stream, endpoints.get(candidate.endpoint)))
        .collect();
    let streams: Vec<Stream<'_>> = streams.into_iter().map(|(stream, _)| stream).collect();
    let (config, schemas) = assemble(d, &endpoints, &streams, asked, id, &mut notes);
    notes.0.sort_by_key(|note| note.certainty);
    Ok(Proposal {
        config,
        schemas,
        notes: notes.0,
        streams: chosen,
        runners_up: runners_up(&endpoints, candidates),
    })
}

fn proposed(stream: &Stream<'_>, endpoint: Option<&Endpoint<'_>>) -> ProposedStream {
    ProposedStream {
        name: stream.name.to_owned(),
        endpoint: endpoint.map(Endpoint::shown).unwrap_or_default(),
        paging: stream.value["paging"]["type"].as_str().map(str::to_owned),
        matched: stream.mapped.matched.clone(),
    }
}

fn runners_up(endpoints: &[Endpoint<'_>], candidates: Vec<Candidate<'_>>) -> Vec<RunnerUp> {
    let shown = candidates.into_iter().filter_map(|candidate| {
        Some(RunnerUp {
            kind: candidate.kind.name(),
            endpoint: endpoints.get(candidate.endpoint)?.shown(),
            score: candidate.score,
            why: candidate.why.join(", "),
        })
    });
    shown.collect()
}

fn nothing(endpoints: &[Endpoint<'_>]) -> ProposeError {
    let looked = [Kind::Order, Kind::DespatchAdvice].map(Kind::spoken).join(" or ");
    ProposeError::NothingFound {
        message: format!(
            "no list of {looked} was found: looked for reads (and searches by POST) whose path, name, tags or list say \
             purchase order, order, po, shipment, despatch, delivery note or asn, and whose answer has a list of objects"
        ),
        endpoints: endpoints.iter().map(Endpoint::shown).collect(),
    }
}

fn assemble<'d>(
    d: &'d Description,
    endpoints: &[Endpoint<'d>],
    streams: &[Stream<'d>],
    asked: &Endpoint<'d>,
    id: &str,
    notes: &mut Notes,
) -> (Value, Vec<(String, Value)>) {
    let mut schemas = Vec::new();
    let (auth, headers) = signin::auth(d, asked, id, notes);
    let mut whole = json!({ "$schema": "../schema/partner.schema.json", "id": id, "name": name(d, id), "baseUrl": signin::base_url(d, notes), "auth": auth });
    if let Some(media_type) = asked
        .answer_media
        .filter(|media_type| *media_type != "application/json")
    {
        whole["accept"] = json!(media_type);
    }
    let headers = [headers, required_headers(endpoints, asked, id, notes)]
        .into_iter()
        .flatten()
        .collect::<Map<_, _>>();
    let (mut codes, units) = stream::tables(streams);
    let answers = answers::propose(d, endpoints, streams, notes);
    codes.extend(answers.codes);
    let mut operations = answers.operations;
    for (operation, n) in answers.bodies {
        let body = endpoints.get(n).and_then(|e| e.body);
        if let (Some(body), Some(value)) = (body, operations.get_mut(&operation)) {
            let file = format!("{id}/{operation}.schema.json");
            schemas.push((
                file.clone(),
                schema::standalone(d, body.schema, &format!("What {operation} sends")),
            ));
            value["schema"] = json!(file);
        }
    }
    for stream in streams {
        let mut value = stream.value.clone();
        // What is put under a name of its own is in no schema of the partner's.
        if value.get("parts").is_none() {
            let file = format!("{id}/{}.schema.json", stream.name);
            schemas.push((
                file.clone(),
                schema::standalone(d, stream.item, &format!("One of {}", stream.name)),
            ));
            value["schema"] = json!(file);
        }
        whole["streams"][stream.name] = value;
    }
    if streams.iter().any(|s| s.mapped.by_time) {
        whole["rules"] = json!({ "sequenceCounts": false });
    }
    for (member, map) in [("headers", headers), ("codes", codes), ("operations", operations)] {
        if !map.is_empty() {
            whole[member] = Value::Object(map);
        }
    }
    if let Some(units) = units {
        whole["units"] = units;
    }
    whole["$comment"] = json!(format!(
        "Proposed by `countersign partner new` from {}. Every \"guess\" is to be checked; a \"TODO\" stops what needs it until it is filled in.",
        title(d)
    ));
    (whole, schemas)
}

fn title(d: &Description) -> String {
    let info = d.get(d.root(), "info");
    let text = |name: &str| info.and_then(|i: At<'_>| i.text(name)).unwrap_or_default();
    format!("\"{}\" {}", text("title"), text("version")).trim().to_owned()
}

/// The description's title, where it is a name.
fn name(d: &Description, id: &str) -> String {
    let title = d
        .get(d.root(), "info")
        .and_then(|info| info.text("title"))
        .unwrap_or_default()
        .trim();
    let name: String = title.chars().take(120).collect();
    if name.is_empty() { id.to_owned() } else { name }
}

/// Headers that every request of the list needs: kept as secrets, because nobody but the integrator knows their values.
fn required_headers(
    endpoints: &[Endpoint<'_>],
    asked: &Endpoint<'_>,
    id: &str,
    notes: &mut Notes,
) -> Map<String, Value> {
    let own = [
        "authorization",
        "accept",
        "content-type",
        "host",
        "content-length",
        "if-match",
        "accept-encoding",
        "connection",
        "transfer-encoding",
    ];
    let needed = asked
        .parameters
        .iter()
        .filter(|p| p.place == "header" && p.required && !own.contains(&p.name.to_ascii_lowercase().as_str()));
    let everywhere = |name: &str| {
        endpoints
            .iter()
            .filter(|e| e.parameters.iter().any(|p| p.name == name))
            .count()
    };
    let mut headers = Map::new();
    for parameter in needed {
        let secret = format!("{id}.{}", signin::slug(parameter.name));
        notes.likely(
            "/headers",
            format!(
                "{} is needed by {} endpoints: put its value into the secret {secret}, or write it here",
                parameter.name,
                everywhere(parameter.name)
            ),
        );
        headers.insert(
            parameter.name.to_owned(),
            json!({ "secret": secret, "$comment": paging::short(parameter.description) }),
        );
    }
    headers
}
