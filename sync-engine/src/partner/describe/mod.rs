//! The partner's side of the exchange as an OpenAPI 3.1 document: what the configuration asks and sends, and what it
//! makes of each answer.

mod bodies;

use super::config::PartnerConfig;
use bodies::Bodies;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

impl PartnerConfig {
    /// Every request of the configuration with its parameters, bodies, answers and credentials.
    pub fn openapi(&self) -> Value {
        let whole = &self.written;
        let mut document = Document {
            paths: BTreeMap::new(),
            bodies: Bodies::new(&self.dir),
            whole,
        };
        for (name, stream) in members(whole, "streams") {
            let stream = inherited(stream, whole.get("streams"));
            document.stream(name, &stream);
        }
        for (name, operation) in members(whole, "operations") {
            let operation = inherited(operation, whole.get("operations"));
            document.operation(name, &operation);
        }
        let mut components = json!({ "schemas": document.bodies.into_components() });
        let scheme = security(whole);
        let secured = scheme.is_some();
        if let Some(scheme) = scheme {
            components["securitySchemes"] = json!({ "partner": scheme });
        }
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": self.name(),
                "version": "1",
                "description": format!("What Countersign asks of and sends to {}, from its configuration \"{}\".", self.name(), self.id()),
            },
            "servers": [{ "url": self.base_url().as_str().trim_end_matches('/') }],
            "security": if secured { json!([{ "partner": [] }]) } else { json!([]) },
            "paths": document.paths,
            "components": components,
        })
    }
}

struct Document<'c> {
    paths: BTreeMap<String, Map<String, Value>>,
    bodies: Bodies,
    whole: &'c Value,
}

impl Document<'_> {
    fn stream(&mut self, name: &str, stream: &Value) {
        let item = self.bodies.payload(stream.get("schema"));
        let list = bodies::listed(stream.get("items"), item);
        let mut responses = json!({
            "200": { "description": "One page of documents", "content": content(self.media_type(stream.get("request"), "accept"), list) },
        });
        for status in statuses(stream.get("emptyStatuses")) {
            responses[status] = json!({ "description": "There is nothing" });
        }
        let kind = text(stream, "kind").unwrap_or("order");
        let summary = format!("Stream {name}: reads {kind}s page by page");
        self.request(name, &summary, stream.get("request"), "GET", None, responses);
        for part in ["detail", "batch", "afterStore"] {
            if let Some(section) = stream.get(part) {
                let summary = format!("Stream {name}: {part}");
                self.read(&format!("{name}-{part}"), &summary, section);
            }
        }
        for (part, section) in members(stream, "parts") {
            self.read(
                &format!("{name}-{part}"),
                &format!("Stream {name}: part {part}"),
                section,
            );
        }
    }

    fn read(&mut self, id: &str, summary: &str, section: &Value) {
        let responses = json!({ "2XX": { "description": "Read" } });
        self.request(id, summary, section.get("request"), "GET", None, responses);
    }

    fn operation(&mut self, name: &str, operation: &Value) {
        self.sent(name, &format!("Operation {name}"), operation);
        let steps = operation.get("steps").and_then(Value::as_array).into_iter().flatten();
        for step in steps {
            let of = text(step, "name").unwrap_or_default();
            self.sent(&format!("{name}-{of}"), &format!("Operation {name}, step {of}"), step);
        }
    }

    /// A request that is sent, and the reads around it.
    fn sent(&mut self, id: &str, summary: &str, section: &Value) {
        let schema = section.get("schema").map(|schema| self.bodies.payload(Some(schema)));
        let mut responses = Map::new();
        let outcomes = section.get("outcomes").unwrap_or(&Value::Null);
        for (list, meaning) in OUTCOMES {
            for status in statuses(outcomes.get(*list)) {
                responses.insert(status, json!({ "description": meaning }));
            }
        }
        if outcomes.get("success").is_none() {
            responses
                .entry("2XX")
                .or_insert_with(|| json!({ "description": "The partner took it" }));
        }
        let rest = json!({ "description": "Tried again where the status says so (408, 425, 429, 5xx), else a person decides" });
        responses.entry("default").or_insert(rest);
        let request = section.get("request");
        self.request(id, summary, request, "POST", schema, Value::Object(responses));
        for probe in ["prepare", "verify", "lookup"] {
            if let Some(read) = section.get(probe) {
                self.read(&format!("{id}-{probe}"), &format!("{summary}: {probe}"), read);
            }
        }
    }

    /// One request. Several of the same method and path share a description.
    fn request(
        &mut self,
        id: &str,
        summary: &str,
        request: Option<&Value>,
        method: &str,
        schema: Option<Value>,
        responses: Value,
    ) {
        let Some(request) = request else { return };
        let method = text(request, "method").unwrap_or(method).to_ascii_lowercase();
        let (path, mut parameters) = path(text(request, "path").unwrap_or("/"));
        parameters.extend(self.parameters(request, method != "get"));
        let mut operation = json!({
            "operationId": id, "summary": summary, "parameters": parameters, "responses": responses,
        });
        if let Some(body) = request.get("body") {
            let schema = schema.unwrap_or_else(|| bodies::template(body));
            operation["requestBody"] =
                json!({ "required": true, "content": content(self.media_type(Some(request), "mediaType"), schema) });
        }
        let item = self.paths.entry(path).or_default();
        match item.get_mut(&method) {
            Some(before) => merge(before, operation),
            None => {
                item.insert(method, operation);
            }
        }
    }

    /// What a request says of its own, else what the configuration says of all.
    fn media_type<'v>(&'v self, request: Option<&'v Value>, name: &str) -> &'v str {
        let own = request.and_then(|request| text(request, name));
        own.or_else(|| text(self.whole, name)).unwrap_or("application/json")
    }

    fn parameters(&self, request: &Value, writes: bool) -> Vec<Value> {
        let query = members(request, "query").map(|(name, value)| {
            json!({
                "name": name, "in": "query", "description": format!("`{}`", shown(value)), "schema": {},
            })
        });
        let constant = |(name, value): (&String, &Value)| {
            json!({
                "name": name, "in": "header", "required": value.is_string(),
                "description": format!("`{}`", shown(value)), "schema": { "type": "string" },
            })
        };
        let headers = members(self.whole, "headers")
            .chain(members(request, "headers"))
            .map(constant);
        let own = |header: Option<&Value>, meaning: &str| {
            let name = header.and_then(Value::as_str)?;
            Some(
                json!({ "name": name, "in": "header", "description": meaning, "schema": { "type": "string", "format": "uuid" } }),
            )
        };
        let key = self.whole.pointer("/idempotency/header").filter(|_| writes);
        let mut all: Vec<Value> = query.chain(headers).collect();
        all.extend(own(key, "Our id of the operation, the same at every attempt"));
        all.extend(own(
            self.whole.get("correlationHeader"),
            "Our id, for the partner's log",
        ));
        let mut seen = std::collections::BTreeSet::new();
        // OpenAPI leaves these three to other places, and knows a parameter by its place and name.
        all.retain(|p| {
            let (place, name) = (
                p["in"].to_string(),
                p["name"].as_str().unwrap_or_default().to_ascii_lowercase(),
            );
            !["accept", "content-type", "authorization"].contains(&name.as_str()) && seen.insert((place, name))
        });
        all
    }
}

/// What the lists of `outcomes` mean.
const OUTCOMES: &[(&str, &str)] = &[
    ("success", "The partner took it"),
    ("applied", "The partner shows it applied"),
    ("alreadyDone", "It was done before: taken"),
    ("again", "Tried again later"),
    ("conflict", "The partner holds something newer"),
    ("rejected", "No, for good: a person decides"),
];

/// A second use of the same request.
fn merge(before: &mut Value, other: Value) {
    let summary = |of: &Value| of["summary"].as_str().unwrap_or_default().to_owned();
    before["summary"] = json!(format!("{}; {}", summary(before), summary(&other)));
    if let (Some(responses), Some(more)) = (before["responses"].as_object_mut(), other["responses"].as_object()) {
        for (status, response) in more {
            responses.entry(status.clone()).or_insert_with(|| response.clone());
        }
    }
    let names: Vec<Value> = before["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|p| p["name"].clone())
        .collect();
    let more = other["parameters"].as_array().cloned().unwrap_or_default();
    if let Some(parameters) = before["parameters"].as_array_mut() {
        parameters.extend(more.into_iter().filter(|p| !names.contains(&p["name"])));
    }
    let Some(body) = other.get("requestBody") else { return };
    let Some(known) = before.get_mut("requestBody") else {
        before["requestBody"] = body.clone();
        return;
    };
    for (media_type, content) in members(body, "content") {
        match known["content"].get_mut(media_type) {
            None => known["content"][media_type] = content.clone(),
            Some(known) if known["schema"] == content["schema"] => {}
            Some(known) => match known["schema"].get_mut("anyOf").and_then(Value::as_array_mut) {
                Some(forms) => forms.push(content["schema"].clone()),
                None => known["schema"] = json!({ "anyOf": [known["schema"].clone(), content["schema"].clone()] }),
            },
        }
    }
}

/// `/orders/{.document.number}` -> `/orders/{number}` and its parameter.
fn path(template: &str) -> (String, Vec<Value>) {
    let (mut path, mut parameters, mut rest) = (String::new(), Vec::new(), template);
    while let Some((before, after)) = rest.split_once('{') {
        let Some((expression, after)) = after.split_once('}') else {
            break;
        };
        let words = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        let name = expression.split(words).rfind(|w| !w.is_empty()).unwrap_or("value");
        let taken = parameters.iter().any(|p: &Value| p["name"] == name);
        let name = if taken {
            format!("{name}{}", parameters.len() + 1)
        } else {
            name.to_owned()
        };
        path.push_str(before);
        path.push_str(&format!("{{{name}}}"));
        parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": format!("`{expression}`"),
            "schema": { "type": "string" },
        }));
        rest = after;
    }
    path.push_str(rest);
    (path, parameters)
}

fn content(media_type: &str, schema: Value) -> Value {
    json!({ media_type: { "schema": schema } })
}

/// Statuses of a list: as numbers, or as `{"status": …}` with one or several.
fn statuses(list: Option<&Value>) -> Vec<String> {
    let entries = list.and_then(Value::as_array).into_iter().flatten();
    entries
        .flat_map(|entry| match entry.get("status").unwrap_or(entry) {
            Value::Array(several) => several.clone(),
            one => vec![one.clone()],
        })
        .filter_map(|status| status.as_u64().map(|s| s.to_string()))
        .collect()
}

fn security(whole: &Value) -> Option<Value> {
    let auth = whole.get("auth")?;
    let header = |name: &str| json!({ "type": "apiKey", "in": "header", "name": name });
    match text(auth, "type")? {
        "oauth2" => Some(match (text(auth, "tokenHeader"), text(auth, "grant")) {
            (Some(name), _) if !name.eq_ignore_ascii_case("authorization") => header(name),
            (_, Some("refreshToken")) => json!({
                "type": "http", "scheme": "bearer", "description": "A token of the refresh-token grant",
            }),
            _ => {
                let scopes = auth.get("scopes").and_then(Value::as_array).into_iter().flatten();
                let scopes: Map<String, Value> = scopes
                    .filter_map(|s| Some((s.as_str()?.to_owned(), json!(""))))
                    .collect();
                json!({
                    "type": "oauth2",
                    "flows": { "clientCredentials": { "tokenUrl": text(auth, "tokenUrl").unwrap_or("/"), "scopes": scopes } },
                })
            }
        }),
        "basic" => Some(json!({ "type": "http", "scheme": "basic" })),
        "key" => Some(match text(auth, "query") {
            Some(name) => json!({ "type": "apiKey", "in": "query", "name": name }),
            None => header(text(auth, "header").unwrap_or("Authorization")),
        }),
        _ if whole.get("clientCertificate").is_some() => Some(json!({ "type": "mutualTLS" })),
        _ => None,
    }
}

/// A section with what it takes from the one that `sameAs` names.
fn inherited(section: &Value, all: Option<&Value>) -> Value {
    let base = text(section, "sameAs").and_then(|from| all?.get(from)?.as_object());
    let mut whole = base.cloned().unwrap_or_default();
    whole.extend(section.as_object().cloned().unwrap_or_default());
    Value::Object(whole)
}

fn members<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = (&'v String, &'v Value)> + use<'v> {
    value.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
