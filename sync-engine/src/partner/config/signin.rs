//! How we sign in: the section `auth`.

use super::mistakes::{Mistakes, child};
use super::raw::RawTextOrSecret;
use super::raw_reading::RawPlace;
use super::request::{header_name, header_value};
use super::sections::{secret, text_or_secret, token_url};
use super::{Place, TextOrSecret};
use crate::partner::expr::Expr;
use crate::partner::map::Compile;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawAuth {
    #[serde(rename = "type")]
    pub kind: Option<RawAuthKind>,
    pub username: Option<RawTextOrSecret>,
    pub password: Option<RawTextOrSecret>,
    pub value: Option<RawTextOrSecret>,
    pub header: Option<String>,
    pub prefix: Option<String>,
    pub query: Option<String>,
    pub grant: Option<RawGrant>,
    pub token_url: Option<String>,
    pub client_id: Option<RawTextOrSecret>,
    pub client_secret: Option<RawTextOrSecret>,
    pub refresh_token: Option<RawTextOrSecret>,
    pub client_authentication: Option<ClientAuthentication>,
    pub assertion: Option<RawAssertion>,
    pub scopes: Vec<String>,
    pub parameters: BTreeMap<String, RawTextOrSecret>,
    pub token_headers: BTreeMap<String, RawTextOrSecret>,
    pub token_media_type: Option<RawTokenMediaType>,
    pub token: Option<RawPlace>,
    pub expires_in: Option<String>,
    pub token_header: Option<String>,
    pub token_prefix: Option<String>,
    pub expired_statuses: Vec<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawAuthKind {
    Oauth2,
    Basic,
    Key,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RawGrant {
    ClientCredentials,
    RefreshToken,
    JwtBearer,
    Parameters,
}

/// How the client proves at the token endpoint who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ClientAuthentication {
    Basic,
    Body,
    PrivateKey,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum RawTokenMediaType {
    #[serde(rename = "application/x-www-form-urlencoded")]
    Form,
    #[serde(rename = "application/json")]
    Json,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawAssertion {
    pub key: Option<RawTextOrSecret>,
    pub algorithm: Option<JwtAlgorithm>,
    pub key_id: Option<String>,
    pub audience: Option<String>,
    pub lifetime_seconds: Option<u64>,
    pub claims: Map<String, Value>,
    pub headers: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum JwtAlgorithm {
    RS256,
    PS256,
    ES256,
}

#[derive(Debug)]
pub(crate) enum Auth {
    None,
    Basic {
        username: TextOrSecret,
        password: TextOrSecret,
    },
    Key {
        value: TextOrSecret,
        place: KeyPlace,
    },
    OAuth2(Box<OAuth2>),
}

#[derive(Debug, Clone)]
pub(crate) enum KeyPlace {
    Header { name: String, prefix: String },
    Query(String),
}

#[derive(Debug)]
pub(crate) struct OAuth2 {
    pub token_url: Url,
    pub grant: Grant,
    /// Missing for the grant `parameters` only.
    pub client_id: Option<TextOrSecret>,
    pub client_secret: Option<TextOrSecret>,
    pub authentication: ClientAuthentication,
    pub assertion: Option<Assertion>,
    pub scopes: Vec<String>,
    pub parameters: Vec<(String, TextOrSecret)>,
    pub headers: Vec<(String, TextOrSecret)>,
    /// The token request is JSON in place of a form.
    pub json: bool,
    pub token: Place,
    pub expires_in: Expr,
    pub token_header: String,
    /// With the space after it, where there is one.
    pub token_prefix: String,
    /// Beside 401.
    pub expired_statuses: Vec<u16>,
}

#[derive(Debug)]
pub(crate) enum Grant {
    ClientCredentials,
    RefreshToken(TextOrSecret),
    /// The assertion is the grant itself (RFC 7523, 2.1).
    JwtBearer,
    /// Nothing but the configured parameters is sent: a login of the partner's own kind.
    Parameters,
}

#[derive(Debug, Clone)]
pub(crate) struct Assertion {
    /// Name of the secret that holds the private key, PEM.
    pub key: TextOrSecret,
    pub algorithm: JwtAlgorithm,
    pub key_id: Option<String>,
    /// The token endpoint's address when absent.
    pub audience: Option<String>,
    pub lifetime: Duration,
    /// Beside `iss sub aud jti iat exp`, or in their place.
    pub claims: Map<String, Value>,
    /// Beside `alg typ kid`, or others in place of `typ kid`.
    pub headers: Map<String, Value>,
}

pub(super) fn any_header(name: &str, pointer: &str, mistakes: &mut Mistakes) {
    if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
        mistakes.add(pointer, format!("\"{name}\" is no name of a header"));
    }
}

pub(super) fn auth(raw: Option<&RawAuth>, base: Option<&Url>, ctx: &mut Compile<'_>) -> Option<Auth> {
    let raw = raw?;
    let kind = raw.kind?;
    foreign(raw, kind, ctx.mistakes);
    match kind {
        RawAuthKind::None => Some(Auth::None),
        RawAuthKind::Basic => basic(raw, ctx.mistakes),
        RawAuthKind::Key => key(raw, ctx.mistakes),
        RawAuthKind::Oauth2 => oauth2(raw, base, ctx).map(|auth| Auth::OAuth2(Box::new(auth))),
    }
}

/// Fields that another type uses.
fn foreign(raw: &RawAuth, kind: RawAuthKind, mistakes: &mut Mistakes) {
    use RawAuthKind::{Basic, Key, Oauth2};
    let fields = [
        ("username", Basic, raw.username.is_some()),
        ("password", Basic, raw.password.is_some()),
        ("value", Key, raw.value.is_some()),
        ("header", Key, raw.header.is_some()),
        ("prefix", Key, raw.prefix.is_some()),
        ("query", Key, raw.query.is_some()),
        ("grant", Oauth2, raw.grant.is_some()),
        ("tokenUrl", Oauth2, raw.token_url.is_some()),
        ("clientId", Oauth2, raw.client_id.is_some()),
        ("clientSecret", Oauth2, raw.client_secret.is_some()),
        ("refreshToken", Oauth2, raw.refresh_token.is_some()),
        ("clientAuthentication", Oauth2, raw.client_authentication.is_some()),
        ("assertion", Oauth2, raw.assertion.is_some()),
        ("scopes", Oauth2, !raw.scopes.is_empty()),
        ("parameters", Oauth2, !raw.parameters.is_empty()),
        ("tokenHeaders", Oauth2, !raw.token_headers.is_empty()),
        ("tokenMediaType", Oauth2, raw.token_media_type.is_some()),
        ("token", Oauth2, raw.token.is_some()),
        ("expiresIn", Oauth2, raw.expires_in.is_some()),
        ("tokenHeader", Oauth2, raw.token_header.is_some()),
        ("tokenPrefix", Oauth2, raw.token_prefix.is_some()),
        ("expiredStatuses", Oauth2, !raw.expired_statuses.is_empty()),
    ];
    for (name, user, present) in fields {
        if present && user != kind {
            let user = match user {
                Oauth2 => "oauth2",
                Basic => "basic",
                Key => "key",
                RawAuthKind::None => "none",
            };
            mistakes.add(child("/auth", name), format!("only the type {user} uses it"));
        }
    }
}

fn need(present: bool, section: &str, name: &str, why: &str, mistakes: &mut Mistakes) {
    if !present && !mistakes.is_at(&child(section, name)) {
        mistakes.add(section, format!("\"{name}\" is missing: {why}"));
    }
}

fn basic(raw: &RawAuth, mistakes: &mut Mistakes) -> Option<Auth> {
    let why = "the type basic needs it";
    need(raw.username.is_some(), "/auth", "username", why, mistakes);
    need(raw.password.is_some(), "/auth", "password", why, mistakes);
    let password = secret(raw.password.as_ref(), "/auth/password", mistakes);
    Some(Auth::Basic {
        username: text_or_secret(raw.username.as_ref()?),
        password: password?,
    })
}

fn key(raw: &RawAuth, mistakes: &mut Mistakes) -> Option<Auth> {
    need(
        raw.value.is_some(),
        "/auth",
        "value",
        "the key, as {\"secret\": \"NAME\"}",
        mistakes,
    );
    let value = secret(raw.value.as_ref(), "/auth/value", mistakes);
    let place = match (&raw.header, &raw.query) {
        (Some(_), Some(_)) => {
            mistakes.add(
                "/auth/query",
                "the key goes into \"header\" or into \"query\", not both",
            );
            return None;
        }
        (None, Some(name)) => {
            if raw.prefix.is_some() {
                mistakes.add("/auth/prefix", "only \"header\" uses it");
            }
            KeyPlace::Query(name.clone())
        }
        (header, None) => {
            need(
                header.is_some(),
                "/auth",
                "header",
                "the header (or \"query\": the parameter) that carries the key",
                mistakes,
            );
            let name = header.clone()?;
            credential_header(&name, "/auth/header", mistakes);
            KeyPlace::Header {
                prefix: prefix(&name, raw.prefix.as_deref(), ""),
                name,
            }
        }
    };
    Some(Auth::Key { value: value?, place })
}

/// A header for a credential: Authorization, or one that is not the engine's own.
fn credential_header(name: &str, pointer: &str, mistakes: &mut Mistakes) {
    if !name.eq_ignore_ascii_case("authorization") {
        header_name(name, pointer, mistakes);
    }
}

fn prefix(header: &str, given: Option<&str>, in_authorization: &str) -> String {
    match given {
        Some("") => String::new(),
        Some(prefix) => format!("{} ", prefix.trim()),
        None if header.eq_ignore_ascii_case("authorization") && !in_authorization.is_empty() => {
            format!("{in_authorization} ")
        }
        None => String::new(),
    }
}

fn oauth2(raw: &RawAuth, base: Option<&Url>, ctx: &mut Compile<'_>) -> Option<OAuth2> {
    let grant = raw.grant.unwrap_or(RawGrant::ClientCredentials);
    needed(raw, grant, ctx.mistakes);
    let token_url = raw
        .token_url
        .as_deref()
        .and_then(|text| token_url(text, base, ctx.mistakes));
    let client_secret = secret(raw.client_secret.as_ref(), "/auth/clientSecret", ctx.mistakes);
    let refresh_token = secret(raw.refresh_token.as_ref(), "/auth/refreshToken", ctx.mistakes);
    let assertion = raw.assertion.as_ref().map(|raw| assertion(raw, ctx.mistakes));
    let token_header = raw.token_header.clone().unwrap_or_else(|| "Authorization".to_owned());
    credential_header(&token_header, "/auth/tokenHeader", ctx.mistakes);
    let token_prefix = prefix(&token_header, raw.token_prefix.as_deref(), "Bearer");
    let body = RawPlace::Body(".access_token".to_owned());
    let token = Place::compile(raw.token.as_ref().unwrap_or(&body), "/auth/token", ctx);
    let expires_in = ctx.expr(raw.expires_in.as_deref().unwrap_or(".expires_in"), "/auth/expiresIn");
    for (name, value) in &raw.token_headers {
        let at = child("/auth/tokenHeaders", name);
        credential_header(name, &at, ctx.mistakes);
        if let RawTextOrSecret::Text(text) = value {
            header_value(text, &at, ctx.mistakes);
        }
    }
    let pairs = |raw: &BTreeMap<String, RawTextOrSecret>| {
        raw.iter()
            .map(|(name, value)| (name.clone(), text_or_secret(value)))
            .collect()
    };
    Some(OAuth2 {
        token_url: token_url?,
        grant: match grant {
            RawGrant::ClientCredentials => Grant::ClientCredentials,
            RawGrant::RefreshToken => Grant::RefreshToken(refresh_token?),
            RawGrant::JwtBearer => Grant::JwtBearer,
            RawGrant::Parameters => Grant::Parameters,
        },
        client_id: raw.client_id.as_ref().map(text_or_secret),
        client_secret,
        authentication: raw.client_authentication.unwrap_or(ClientAuthentication::Basic),
        assertion: match assertion {
            None => None,
            Some(compiled) => Some(compiled?),
        },
        scopes: raw.scopes.clone(),
        parameters: pairs(&raw.parameters),
        headers: pairs(&raw.token_headers),
        json: raw.token_media_type == Some(RawTokenMediaType::Json),
        token: token?,
        expires_in: expires_in?,
        token_header,
        token_prefix,
        expired_statuses: raw.expired_statuses.clone(),
    })
}

/// What the grant and the way of proving who we are need, and what they do not use.
fn needed(raw: &RawAuth, grant: RawGrant, mistakes: &mut Mistakes) {
    let by = raw.client_authentication.unwrap_or(ClientAuthentication::Basic);
    let mut need = |present: bool, name: &str, why: &str| need(present, "/auth", name, why, mistakes);
    need(raw.token_url.is_some(), "tokenUrl", "the address of the token endpoint");
    let own = grant == RawGrant::Parameters;
    need(
        raw.client_id.is_some() || own,
        "clientId",
        "the name under which the partner knows us",
    );
    if grant == RawGrant::RefreshToken {
        need(
            raw.refresh_token.is_some(),
            "refreshToken",
            "the grant refreshToken needs it",
        );
    }
    let proves = matches!(by, ClientAuthentication::Basic | ClientAuthentication::Body);
    if grant == RawGrant::ClientCredentials && proves {
        need(
            raw.client_secret.is_some(),
            "clientSecret",
            "the grant clientCredentials needs it",
        );
    }
    let asserts = by == ClientAuthentication::PrivateKey || grant == RawGrant::JwtBearer;
    if asserts {
        need(
            raw.assertion.is_some(),
            "assertion",
            "the private key that signs our assertion",
        );
    }
    if grant == RawGrant::Parameters && raw.parameters.is_empty() {
        need(false, "parameters", "the grant parameters sends nothing else");
    }
    let mut unused = |present: bool, name: &str, why: &str| {
        if present {
            mistakes.add(child("/auth", name), why);
        }
    };
    unused(
        raw.refresh_token.is_some() && grant != RawGrant::RefreshToken,
        "refreshToken",
        "only the grant refreshToken uses it",
    );
    unused(
        raw.assertion.is_some() && !asserts,
        "assertion",
        "only clientAuthentication privateKey and the grant jwtBearer use it",
    );
    unused(
        raw.client_secret.is_some() && !proves,
        "clientSecret",
        "only clientAuthentication basic and body use it",
    );
}

fn assertion(raw: &RawAssertion, mistakes: &mut Mistakes) -> Option<Assertion> {
    let at = "/auth/assertion";
    need(
        raw.key.is_some(),
        at,
        "key",
        "the private key (PEM), as {\"secret\": \"NAME\"}",
        mistakes,
    );
    if raw.headers.contains_key("alg") {
        mistakes.add(
            "/auth/assertion/headers/alg",
            "\"algorithm\" says it, and signs accordingly",
        );
    }
    Some(Assertion {
        key: secret(raw.key.as_ref(), "/auth/assertion/key", mistakes)?,
        algorithm: raw.algorithm.unwrap_or(JwtAlgorithm::RS256),
        key_id: raw.key_id.clone(),
        audience: raw.audience.clone(),
        lifetime: Duration::from_secs(raw.lifetime_seconds.unwrap_or(120)),
        claims: raw.claims.clone(),
        headers: raw.headers.clone(),
    })
}
