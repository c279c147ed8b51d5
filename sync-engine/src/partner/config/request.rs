//! Request templates: method, path, query, headers, body.

use super::mistakes::{Mistakes, child};
use super::raw::RawRequest;
use crate::partner::expr::{Expr, Problem, Scope};
use crate::partner::map::{Compile, Template, values};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
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

#[derive(Debug)]
pub(crate) struct RequestTemplate {
    pub method: String,
    path: PathTemplate,
    query: Vec<(String, Template)>,
    pub headers: Vec<(String, String)>,
    pub body: Option<Template>,
    pub media_type: String,
    pub accept: String,
}

/// Literal parts and expressions in turn.
#[derive(Debug)]
pub(crate) struct PathTemplate(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Value(Expr),
}

impl RequestTemplate {
    pub fn compile(raw: &RawRequest, method: &str, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        let path = raw
            .path
            .as_deref()
            .and_then(|p| PathTemplate::compile(p, &child(pointer, "path"), ctx));
        let mut query = Vec::new();
        for (name, value) in raw.query.iter().flatten() {
            let at = child(&child(pointer, "query"), name);
            if let Some(template) = Template::compile(value, &at, ctx) {
                query.push((name.clone(), template));
            }
        }
        let headers = headers(&raw.headers, &child(pointer, "headers"), ctx.mistakes);
        let body = raw
            .body
            .as_ref()
            .and_then(|body| Template::compile(body, &child(pointer, "body"), ctx));
        Some(Self {
            method: raw.method.clone().unwrap_or_else(|| method.to_owned()),
            path: path?,
            query,
            headers,
            body,
            media_type: raw.media_type.clone().unwrap_or_else(|| "application/json".to_owned()),
            accept: raw.accept.clone().unwrap_or_else(|| "application/json".to_owned()),
        })
    }

    /// The absolute address. Problems name the part of the request that is wrong.
    pub fn url<'s>(&'s self, base: &Url, scope: &'s Scope<'s>, problems: &mut Vec<Problem>) -> Option<Url> {
        let path = self.path.render(scope, problems)?;
        let base_path = base.path().trim_end_matches('/');
        let mut url = base.clone();
        url.set_path(&format!("{base_path}{path}"));
        if !self.query.is_empty() {
            let mut pairs = url.query_pairs_mut();
            for (name, template) in &self.query {
                let at = format!("/query/{name}");
                match template.render(scope, &at, problems) {
                    None | Some(Value::Null) => {}
                    Some(Value::Array(list)) => {
                        for value in &list {
                            pair(&mut pairs, name, value);
                        }
                    }
                    Some(value) => pair(&mut pairs, name, &value),
                }
            }
        }
        if url.query() == Some("") {
            url.set_query(None);
        }
        Some(url)
    }
}

fn pair(pairs: &mut url::form_urlencoded::Serializer<'_, url::UrlQuery<'_>>, name: &str, value: &Value) {
    match value {
        Value::String(text) => pairs.append_pair(name, text),
        other => pairs.append_pair(name, &other.to_string()),
    };
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
            parts.push(Part::Value(ctx.expr(expr, pointer)?));
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
                Part::Value(expr) => {
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
                    path.extend(utf8_percent_encode(&text, IN_PATH));
                }
            }
        }
        Some(path)
    }
}

/// Constant headers, checked for what HTTP allows and for what the engine sets itself.
pub(super) fn headers(
    raw: &std::collections::BTreeMap<String, String>,
    pointer: &str,
    mistakes: &mut Mistakes,
) -> Vec<(String, String)> {
    for (name, value) in raw {
        let at = child(pointer, name);
        header_name(name, &at, mistakes);
        if reqwest::header::HeaderValue::from_str(value).is_err() {
            mistakes.add(&*at, "a header's value is visible ASCII");
        }
    }
    raw.iter().map(|(n, v)| (n.clone(), v.clone())).collect()
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
