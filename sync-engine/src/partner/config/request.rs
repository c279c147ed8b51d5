//! Request templates: method, path, query, headers, body.

use super::TextOrSecret;
use super::mistakes::{Mistakes, child};
use super::raw::{RawRequest, RawTextOrSecret};
use super::sections::text_or_secret;
use crate::partner::RenderedRequest;
use crate::partner::expr::{Expr, Problem, Scope, Seen, kind_of};
use crate::partner::map::{CodeTable, Compile, Template, values};
use crate::partner::xml;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::Url;

/// RFC 3986 unreserved characters stay; everything else in a value is encoded.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Headers that the engine sets by itself.
const OWN_HEADERS: &[&str] = &[
    "authorization",
    "host",
    "content-length",
    "content-type",
    "connection",
    "transfer-encoding",
    "accept-encoding",
];

const JSON: &str = "application/json";

#[derive(Debug)]
pub(crate) struct RequestTemplate {
    pub method: String,
    path: PathTemplate,
    query: Vec<(String, Template)>,
    headers: Vec<(String, Template)>,
    body: Body,
    media_type: String,
    pub accept: String,
}

#[derive(Debug)]
enum Body {
    None,
    /// No bytes, and a media type: said on purpose.
    Empty,
    Json(Template),
    /// A template of JSON that is written as XML, by the rules by which XML is read.
    Xml(Template),
    Text(Template),
    Form(Vec<(String, Template)>),
}

/// A request as it is sent, and its body as JSON for a schema, where it is JSON.
pub(crate) struct Ready {
    pub request: RenderedRequest,
    pub url: Url,
    pub json: Option<Value>,
}

/// Literal parts and expressions in turn.
#[derive(Debug)]
pub(crate) struct PathTemplate(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Value {
        expr: Expr,
        /// Between quotes, as a key in OData's style: a quote inside is doubled.
        quoted: bool,
    },
}

impl RequestTemplate {
    pub fn compile(raw: &RawRequest, method: &str, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        let path = raw
            .path
            .as_deref()
            .and_then(|p| PathTemplate::compile(p, &child(pointer, "path"), ctx));
        let headers = header_templates(&raw.headers, &child(pointer, "headers"), ctx);
        ctx.in_request = true;
        let query = parameters(raw.query.as_ref(), &child(pointer, "query"), ctx);
        let body = Body::compile(raw, pointer, ctx);
        ctx.in_request = false;
        let media_type = raw.media_type.clone().unwrap_or_else(|| match &body {
            Body::None | Body::Empty | Body::Json(_) => ctx.media.body.clone().unwrap_or_else(|| JSON.to_owned()),
            Body::Xml(_) | Body::Text(_) | Body::Form(_) => body.media_type().to_owned(),
        });
        for (name, value) in [("mediaType", Some(&media_type)), ("accept", raw.accept.as_ref())] {
            if value.is_some_and(|v| v.parse::<reqwest::header::HeaderValue>().is_err()) {
                ctx.mistakes.add(child(pointer, name), "a media type is visible ASCII");
            }
        }
        Some(Self {
            method: raw.method.clone().unwrap_or_else(|| method.to_owned()),
            path: path?,
            query,
            headers,
            body,
            media_type,
            accept: raw
                .accept
                .clone()
                .or_else(|| ctx.media.accept.clone())
                .unwrap_or_else(|| JSON.to_owned()),
        })
    }

    /// What its expressions see of `.`; `None` when that may be all of it, or `$root`.
    pub fn seen(&self) -> Option<Seen> {
        let mut seen = Seen::default();
        let path = self.path.0.iter().all(|part| match part {
            Part::Text(_) => true,
            Part::Value { expr, .. } => expr.sees(&mut seen),
        });
        let mut all = |named: &[(String, Template)]| named.iter().all(|(_, t)| t.sees(&mut seen));
        let parameters = path && all(&self.query) && all(&self.headers);
        let body = match &self.body {
            Body::None | Body::Empty => true,
            Body::Json(template) | Body::Xml(template) | Body::Text(template) => template.sees(&mut seen),
            Body::Form(form) => form.iter().all(|(_, t)| t.sees(&mut seen)),
        };
        (parameters && body).then_some(seen)
    }

    /// Every code table that the body, the form and the parameters use.
    pub fn tables<'a>(&'a self, found: &mut Vec<&'a CodeTable>) {
        match &self.body {
            Body::None | Body::Empty => {}
            Body::Json(template) | Body::Xml(template) | Body::Text(template) => template.tables(found),
            Body::Form(form) => form.iter().for_each(|(_, t)| t.tables(found)),
        }
        for (_, template) in self.query.iter().chain(&self.headers) {
            template.tables(found);
        }
    }

    /// # Errors
    /// Every problem; its pointer names the part of the request that is wrong, or the place in the body.
    pub fn render<'s>(&'s self, base: &Url, scope: &'s Scope<'s>) -> Result<Ready, Vec<Problem>> {
        let mut problems = Vec::new();
        let url = self.url(base, scope, &mut problems);
        let headers = self.headers(scope, &mut problems);
        let (body, json) = self.body.render(scope, &mut problems);
        match url {
            Some(url) if problems.is_empty() => Ok(Ready {
                request: RenderedRequest {
                    method: self.method.clone(),
                    url: url.to_string(),
                    headers,
                    media_type: body.as_ref().map(|_| self.media_type.clone()).unwrap_or_default(),
                    body: body.unwrap_or_default().into(),
                },
                url,
                json,
            }),
            Some(_) | None => Err(problems),
        }
    }

    fn url<'s>(&'s self, base: &Url, scope: &'s Scope<'s>, problems: &mut Vec<Problem>) -> Option<Url> {
        let path = self.path.render(scope, problems)?;
        let base_path = base.path().trim_end_matches('/');
        let mut url = base.clone();
        url.set_path(&format!("{base_path}{path}"));
        if !self.query.is_empty() {
            let mut pairs = url.query_pairs_mut();
            append(&mut pairs, &self.query, "/query", scope, problems);
        }
        if url.query() == Some("") {
            url.set_query(None);
        }
        Some(url)
    }

    fn headers<'s>(&'s self, scope: &'s Scope<'s>, problems: &mut Vec<Problem>) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        for (name, template) in &self.headers {
            let at = child("/headers", name);
            let Some(value) = template.render(scope, &at, problems) else {
                continue;
            };
            match values::text(&value) {
                Ok(None) => {}
                Ok(Some(text)) if reqwest::header::HeaderValue::from_str(&text).is_ok() => {
                    headers.push((name.clone(), text.into_owned()));
                }
                Ok(Some(_)) => problems.push(problem(at, "a header's value is visible ASCII")),
                Err(reason) => problems.push(problem(at, reason)),
            }
        }
        headers
    }
}

impl Body {
    fn compile(raw: &RawRequest, pointer: &str, ctx: &mut Compile<'_>) -> Self {
        let given: Vec<_> = [
            ("body", raw.body.is_some()),
            ("bodyText", raw.body_text.is_some()),
            ("form", raw.form.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
        .collect();
        if let [_, second, ..] = given.as_slice() {
            ctx.mistakes.add(
                child(pointer, second),
                format!(
                    "a request has one body: \"{}\" exclude each other",
                    given.join("\", \"")
                ),
            );
        }
        if let Some(form) = &raw.form {
            return Self::Form(parameters(Some(form), &child(pointer, "form"), ctx));
        }
        if let Some(text) = &raw.body_text {
            let template = Template::compile(text, &child(pointer, "bodyText"), ctx);
            return template.map_or(Self::None, Self::Text);
        }
        match &raw.body {
            None => Self::None,
            Some(Value::String(text)) if text.is_empty() => Self::Empty,
            Some(body) => {
                let xml = raw.media_type.as_deref().is_some_and(|m| m.contains("xml"));
                let template = Template::compile(body, &child(pointer, "body"), ctx);
                template.map_or(Self::None, if xml { Self::Xml } else { Self::Json })
            }
        }
    }

    fn media_type(&self) -> &'static str {
        match self {
            Self::None | Self::Empty | Self::Json(_) => JSON,
            Self::Xml(_) => "application/xml",
            Self::Text(_) => "text/plain; charset=utf-8",
            Self::Form(_) => "application/x-www-form-urlencoded",
        }
    }

    fn render<'s>(&'s self, scope: &'s Scope<'s>, problems: &mut Vec<Problem>) -> (Option<Vec<u8>>, Option<Value>) {
        match self {
            Self::None => (None, None),
            Self::Empty => (Some(Vec::new()), None),
            Self::Json(template) => {
                let json = template.render(scope, "", problems).or_else(|| template.empty());
                (json.as_ref().map(|b| b.to_string().into_bytes()), json)
            }
            Self::Xml(template) => {
                let json = template.render(scope, "", problems);
                let written = json.as_ref().map(xml::write).transpose();
                let bytes = written.unwrap_or_else(|reason| {
                    problems.push(problem("/body", reason));
                    None
                });
                (bytes, json)
            }
            Self::Text(template) => {
                let text = template
                    .render(scope, "/bodyText", problems)
                    .and_then(|value| match value {
                        Value::String(text) => Some(text.into_bytes()),
                        other => {
                            problems.push(problem(
                                "/bodyText",
                                format!("a text is expected, this is {}", kind_of(&other)),
                            ));
                            None
                        }
                    });
                (text, None)
            }
            Self::Form(form) => {
                let mut pairs = url::form_urlencoded::Serializer::new(String::new());
                append(&mut pairs, form, "/form", scope, problems);
                (Some(pairs.finish().into_bytes()), None)
            }
        }
    }
}

fn parameters(raw: Option<&Map<String, Value>>, pointer: &str, ctx: &mut Compile<'_>) -> Vec<(String, Template)> {
    raw.into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), Template::compile(value, &child(pointer, name), ctx)?)))
        .collect()
}

/// Parameters of an address or a form: a missing one is left out, a list repeats its name, an object is written as JSON.
fn append<'s, T: url::form_urlencoded::Target>(
    pairs: &mut url::form_urlencoded::Serializer<'_, T>,
    templates: &'s [(String, Template)],
    pointer: &str,
    scope: &'s Scope<'s>,
    problems: &mut Vec<Problem>,
) {
    let mut add = |name: &str, value: &Value| {
        match value {
            Value::String(text) => pairs.append_pair(name, text),
            other => pairs.append_pair(name, &other.to_string()),
        };
    };
    for (name, template) in templates {
        match template.render(scope, &child(pointer, name), problems) {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => list.iter().for_each(|value| add(name, value)),
            Some(value) => add(name, &value),
        }
    }
}

fn problem(pointer: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem {
        pointer: pointer.into(),
        message: message.into(),
    }
}

impl PathTemplate {
    pub fn compile(text: &str, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        if !text.starts_with('/') {
            ctx.mistakes
                .add(pointer, format!("\"{text}\" is no path: it starts with /"));
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((expr, after)) = after.split_once('}') else {
                ctx.mistakes.add(pointer, "a { without its }");
                return None;
            };
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Value {
                expr: ctx.expr(expr, pointer)?,
                quoted: before.ends_with('\'') && after.starts_with('\''),
            });
            rest = after;
        }
        if rest.contains(['?', '#']) || text.contains("/../") {
            ctx.mistakes
                .add(pointer, "a path has no ?, # or ..: parameters go under \"query\"");
            return None;
        }
        parts.push(Part::Text(rest.to_owned()));
        Some(Self(parts))
    }

    fn render<'s>(&'s self, scope: &'s Scope<'s>, problems: &mut Vec<Problem>) -> Option<String> {
        let mut path = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Value { expr, quoted } => {
                    let text = match expr.one(scope) {
                        Ok(value) => value.and_then(|v| values::text(&v).ok().flatten().map(|t| t.into_owned())),
                        Err(problem) => {
                            problems.push(problem);
                            return None;
                        }
                    };
                    // A segment of dots would be a step up; encoding does not protect it.
                    let Some(text) = text.filter(|t| !t.bytes().all(|b| b == b'.')) else {
                        problems.push(Problem {
                            pointer: "/path".to_owned(),
                            message: format!("{} gives no value for the path", expr.source),
                        });
                        return None;
                    };
                    let text = if *quoted { text.replace('\'', "''") } else { text };
                    path.extend(utf8_percent_encode(&text, IN_PATH));
                }
            }
        }
        Some(path)
    }
}

/// Headers of a request: a text is a constant, an object a template.
fn header_templates(raw: &BTreeMap<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Vec<(String, Template)> {
    let mut headers = Vec::new();
    for (name, value) in raw {
        let at = child(pointer, name);
        header_name(name, &at, ctx.mistakes);
        match value {
            Value::String(text) => {
                header_value(text, &at, ctx.mistakes);
                headers.push((name.clone(), Template::Constant(value.clone())));
            }
            Value::Object(map) if map.contains_key("$from") || map.contains_key("$value") => {
                headers.extend(Template::compile(value, &at, ctx).map(|t| (name.clone(), t)));
            }
            other => ctx.mistakes.add(
                at,
                format!(
                    "a constant text or {{\"$from\": EXPRESSION}} is expected, this is {}",
                    kind_of(other)
                ),
            ),
        }
    }
    headers
}

/// Headers of every request, checked for what HTTP allows and for what the engine sets itself.
pub(super) fn headers(
    raw: &BTreeMap<String, RawTextOrSecret>,
    pointer: &str,
    mistakes: &mut Mistakes,
) -> Vec<(String, TextOrSecret)> {
    for (name, value) in raw {
        let at = child(pointer, name);
        header_name(name, &at, mistakes);
        if let RawTextOrSecret::Text(text) = value {
            header_value(text, &at, mistakes);
        }
    }
    raw.iter().map(|(n, v)| (n.clone(), text_or_secret(v))).collect()
}

pub(super) fn header_value(text: &str, pointer: &str, mistakes: &mut Mistakes) {
    if reqwest::header::HeaderValue::from_str(text).is_err() {
        mistakes.add(pointer, "a header's value is visible ASCII");
    }
}

pub(super) fn header_name(name: &str, pointer: &str, mistakes: &mut Mistakes) {
    if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
        mistakes.add(pointer, format!("\"{name}\" is no name of a header"));
    } else if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        mistakes.add(
            pointer,
            format!(
                "the header {name} is set by the engine: credentials go under \"auth\", the type under \"mediaType\""
            ),
        );
    }
}
