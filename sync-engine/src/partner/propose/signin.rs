//! Where the API is and how to sign in, from the description's servers and security schemes.

use super::description::{At, Description, Dialect};
use super::endpoints::Endpoint;
use super::notes::Notes;
use serde_json::{Map, Value, json};

/// A name that no server ever has (RFC 2606): what is not known is asked nowhere.
pub(super) const NOWHERE: &str = "https://todo.invalid";

pub(super) fn base_url(d: &Description, notes: &mut Notes) -> String {
    let root = d.root();
    let found = match d.dialect {
        Dialect::Swagger2 => root
            .text("host")
            .map(|host| format!("https://{host}{}", root.text("basePath").unwrap_or_default())),
        Dialect::OpenApi30 | Dialect::OpenApi31 => server(d),
    };
    match found.map(|url| url.trim_end_matches('/').to_owned()) {
        Some(url) if url.starts_with("https://") && !url.contains('{') => {
            notes.sure(
                "/baseUrl",
                format!("{url}, the first address that the description names"),
            );
            url
        }
        found => {
            let named = found.map_or_else(String::new, |url| format!(" (it names {url})"));
            let path = named_path(&named);
            notes.todo(
                "/baseUrl",
                format!("the description names no https address of the API{named}: put it here"),
            );
            format!("{NOWHERE}{path}")
        }
    }
}

/// The path of an address that cannot be used as it is.
fn named_path(text: &str) -> String {
    let path = text
        .split("://")
        .nth(1)
        .and_then(|rest| rest.split_once('/'))
        .map(|(_, path)| path);
    let path = path.or_else(|| text.strip_prefix(" (it names /"));
    match path
        .map(|p| p.trim_end_matches(')'))
        .filter(|p| !p.contains('{') && !p.is_empty())
    {
        Some(path) => format!("/{path}"),
        None => String::new(),
    }
}

/// The first https server, with the defaults of its variables.
fn server(d: &Description) -> Option<String> {
    let servers = d.entries(d.get(d.root(), "servers")?);
    let filled = |server: &At<'_>| {
        let mut url = server.text("url").unwrap_or_default().to_owned();
        for (name, variable) in d.get(*server, "variables").map(|v| d.members(v)).unwrap_or_default() {
            if let Some(default) = variable.text("default").filter(|v| !v.is_empty()) {
                url = url.replace(&format!("{{{name}}}"), default);
            }
        }
        url
    };
    let all: Vec<String> = servers.iter().map(filled).collect();
    // A sandbox is for the test; an integrator changes it, and knows that it is there.
    let good = all
        .iter()
        .find(|url| url.starts_with("https://") && !url.contains("sandbox"));
    good.or_else(|| all.iter().find(|url| url.starts_with("https://")))
        .or_else(|| all.first())
        .cloned()
}

/// `auth`, and headers that the schemes need beside it.
pub(super) fn auth(
    d: &Description,
    endpoint: &Endpoint<'_>,
    id: &str,
    notes: &mut Notes,
) -> (Value, Map<String, Value>) {
    let root = d.root();
    let schemes = match d.dialect {
        Dialect::Swagger2 => d.get(root, "securityDefinitions"),
        Dialect::OpenApi30 | Dialect::OpenApi31 => d.get(root, "components").and_then(|c| d.get(c, "securitySchemes")),
    };
    let schemes = schemes.map(|s| d.members(s)).unwrap_or_default();
    let needed = d.get(endpoint.at, "security").or_else(|| d.get(root, "security"));
    let sets = needed.map(|n| d.entries(n)).unwrap_or_default();
    let named: Vec<(&str, Vec<String>)> = sets
        .first()
        .map(|set| d.members(*set))
        .unwrap_or_default()
        .into_iter()
        .map(|(name, scopes)| (name, texts(scopes.value)))
        .collect();
    let mut wanted: Vec<(&str, At<'_>, Vec<String>)> = Vec::new();
    for (name, scopes) in &named {
        wanted.extend(
            schemes
                .iter()
                .find(|(known, _)| known == name)
                .map(|(known, at)| (*known, *at, scopes.clone())),
        );
    }
    if wanted.is_empty() {
        wanted.extend(schemes.iter().map(|(name, at)| (*name, *at, Vec::new())));
        wanted.sort_by_key(|(_, at, _)| rank(*at));
        wanted.truncate(1);
    }
    wanted.sort_by_key(|(_, at, _)| rank(*at));
    let mut headers = Map::new();
    let mut wanted = wanted.into_iter();
    let auth = match wanted.next() {
        Some((name, at, scopes)) => scheme(d, name, at, &scopes, id, notes),
        None => {
            notes.todo(
                "/auth",
                "the description does not say how to sign in: see docs/partner/sign-in.md".to_owned(),
            );
            json!({ "type": "none", "$comment": "TODO: the description does not say how to sign in" })
        }
    };
    for (name, at, _) in wanted {
        if at.text("type") == Some("apiKey") && at.text("in") == Some("header") {
            let header = at.text("name").unwrap_or(name).to_owned();
            notes.likely(
                "/headers",
                format!("{header}: a further key, the secret {id}.{}", slug(&header)),
            );
            headers.insert(header.clone(), json!({ "secret": format!("{id}.{}", slug(&header)) }));
        }
    }
    (auth, headers)
}

fn rank(at: At<'_>) -> u8 {
    let flows = at.value.get("flows").or_else(|| at.value.get("flow"));
    let flow = flows.map(Value::to_string).unwrap_or_default();
    match at.text("type") {
        Some("oauth2") if flow.contains("clientCredentials") || flow.contains("application") => 0,
        Some("oauth2") if !flow.contains("mplicit") => 1,
        Some("apiKey") => 2,
        Some("http") => 3,
        Some("basic") => 4,
        _ => 5,
    }
}

fn scheme(d: &Description, name: &str, at: At<'_>, scopes: &[String], id: &str, notes: &mut Notes) -> Value {
    let secret = |what: &str| json!({ "secret": format!("{id}.{what}") });
    let kind = (
        at.text("type").unwrap_or_default(),
        at.text("scheme").unwrap_or_default().to_ascii_lowercase(),
    );
    match (kind.0, kind.1.as_str()) {
        ("oauth2" | "openIdConnect", _) => oauth(d, at, scopes, id, notes),
        ("basic", _) | ("http", "basic") => {
            notes.sure(
                "/auth",
                format!("Basic, as the scheme \"{name}\" says; the user name and the password are secrets"),
            );
            json!({ "type": "basic", "username": secret("username"), "password": secret("password") })
        }
        ("http", "bearer") => {
            notes.likely(
                "/auth",
                format!("a constant token (scheme \"{name}\"); where tokens run out, make it oauth2"),
            );
            json!({ "type": "key", "value": secret("token"), "header": "Authorization", "prefix": "Bearer" })
        }
        ("apiKey", _) => {
            let key = at.text("name").unwrap_or("X-API-Key");
            match at.text("in") {
                Some("query") => {
                    notes.sure("/auth", format!("a key in the parameter {key}"));
                    json!({ "type": "key", "value": secret("key"), "query": key })
                }
                Some("cookie") => {
                    notes.likely("/auth", format!("a key in a cookie: the secret holds {key}=VALUE"));
                    json!({ "type": "key", "value": secret("cookie"), "header": "Cookie" })
                }
                _ => {
                    notes.sure("/auth", format!("a key in the header {key}"));
                    json!({ "type": "key", "value": secret("key"), "header": key })
                }
            }
        }
        (kind, scheme) => {
            notes.todo(
                "/auth",
                format!("the scheme \"{name}\" ({kind} {scheme}) is not known: see docs/partner/sign-in.md"),
            );
            json!({ "type": "none", "$comment": format!("TODO: the scheme \"{name}\" ({kind} {scheme})") })
        }
    }
}

fn oauth(d: &Description, at: At<'_>, scopes: &[String], id: &str, notes: &mut Notes) -> Value {
    let flows = d.get(at, "flows");
    let flow = |name: &str| flows.and_then(|flows| d.get(flows, name));
    // Swagger 2 has one flow, in the scheme itself.
    let old = |name: &str| (at.text("flow") == Some(name)).then_some(at);
    let credentials = flow("clientCredentials").or_else(|| old("application"));
    let code = flow("authorizationCode")
        .or_else(|| old("accessCode"))
        .or_else(|| flow("password"))
        .or_else(|| old("password"));
    let chosen = credentials.or(code);
    let token_url = chosen
        .and_then(|flow| flow.text("tokenUrl"))
        .filter(|url| url.starts_with("https://") || url.starts_with('/'));
    let mut auth = json!({
        "type": "oauth2",
        "tokenUrl": token_url.unwrap_or("https://todo.invalid/token"),
        "clientId": { "secret": format!("{id}.client_id") },
        "clientSecret": { "secret": format!("{id}.client_secret") },
    });
    if token_url.is_none() {
        auth["$comment"] = json!("TODO: the description does not say where tokens come from");
        notes.todo(
            "/auth/tokenUrl",
            "the description does not say where tokens come from".to_owned(),
        );
    }
    if credentials.is_none() && code.is_some() {
        auth["grant"] = json!("refreshToken");
        auth["refreshToken"] = json!({ "secret": format!("{id}.refresh_token") });
        notes.likely(
            "/auth",
            "a person signs in once (authorization code); we go on with the refresh token".to_owned(),
        );
    } else {
        match credentials {
            Some(_) => notes.sure("/auth", "OAuth2 client credentials".to_owned()),
            None => notes.guess(
                "/auth",
                "OAuth2, for which the description knows only people who sign in: client credentials, if the partner has them".to_owned(),
            ),
        }
        let offered: Vec<String> = chosen
            .and_then(|flow| d.get(flow, "scopes"))
            .map(|s| d.members(s))
            .unwrap_or_default()
            .into_iter()
            .map(|(name, _)| name.to_owned())
            .collect();
        let scopes = if scopes.is_empty() { &offered } else { scopes };
        if !scopes.is_empty() && scopes.len() <= 5 {
            auth["scopes"] = json!(scopes);
        } else if !scopes.is_empty() {
            notes.guess(
                "/auth/scopes",
                format!(
                    "{} scopes are offered and none was taken: {}",
                    scopes.len(),
                    scopes.join(" ")
                ),
            );
        }
    }
    auth
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array();
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// As the name of a secret.
pub(super) fn slug(text: &str) -> String {
    let plain = text.chars().map(|c| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    });
    plain.collect()
}
