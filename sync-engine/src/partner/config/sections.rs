//! The sections around streams and operations: addresses, signing in, limits, code tables.

use super::mistakes::{Mistakes, child};
use super::raw::{
    RawAuth, RawAuthKind, RawClientAuthentication, RawCodes, RawGrant, RawLimits, RawPartner, RawTextOrSecret,
    RawUnknown, RawUnknownRule,
};
use super::request::header_name;
use super::{Auth, CodeTables, Idempotency, Limits, OAuth2, TextOrSecret};
use crate::partner::map::{CodeTable, Unknown};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// An address that requests may go to: https, or http on loopback; no user, query or fragment.
pub(super) fn base_url(text: &str, pointer: &str, mistakes: &mut Mistakes) -> Option<Url> {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(e) => {
            mistakes.add(
                pointer,
                format!("\"{text}\" is no address ({e}): https://host/path is expected"),
            );
            return None;
        }
    };
    let before = mistakes.len();
    secure(&url, pointer, mistakes);
    if url.query().is_some() || url.fragment().is_some() {
        mistakes.add(pointer, "an address here has no ? and no #");
    }
    (mistakes.len() == before).then_some(url)
}

fn secure(url: &Url, pointer: &str, mistakes: &mut Mistakes) {
    if !url.username().is_empty() || url.password().is_some() {
        mistakes.add(
            pointer,
            "credentials do not belong in an address: they go under \"auth\", by the name of a secret",
        );
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => mistakes.add(pointer, "http is accepted on loopback only (for tests): use https"),
        other => mistakes.add(pointer, format!("{other} is not supported: use https")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

pub(super) fn redirects(raw: &[String], mistakes: &mut Mistakes) -> Vec<url::Origin> {
    raw.iter()
        .enumerate()
        .filter_map(|(n, text)| {
            let pointer = format!("/redirects/{n}");
            let url = base_url(text, &pointer, mistakes)?;
            if url.path() != "/" {
                mistakes.add(
                    pointer,
                    "an origin is expected, such as https://files.example.com, without a path",
                );
            }
            Some(url.origin())
        })
        .collect()
}

pub(super) fn auth(raw: Option<&RawAuth>, base: Option<&Url>, mistakes: &mut Mistakes) -> Option<Auth> {
    let raw = raw?;
    if raw.kind? == RawAuthKind::None {
        return Some(Auth::None);
    }
    let mut need = |present: bool, name: &str, why: &str| {
        if !present && !mistakes.is_at(&child("/auth", name)) {
            mistakes.add("/auth", format!("\"{name}\" is missing: {why}"));
        }
    };
    let refresh = raw.grant == Some(RawGrant::RefreshToken);
    need(raw.token_url.is_some(), "tokenUrl", "the address of the token endpoint");
    need(
        raw.client_id.is_some(),
        "clientId",
        "the name under which the partner knows us",
    );
    if refresh {
        need(
            raw.refresh_token.is_some(),
            "refreshToken",
            "the grant refreshToken needs it",
        );
    } else {
        need(
            raw.client_secret.is_some(),
            "clientSecret",
            "the grant clientCredentials needs it",
        );
    }
    if !refresh && raw.refresh_token.is_some() {
        mistakes.add("/auth/refreshToken", "only the grant refreshToken uses it");
    }
    let token_url = raw
        .token_url
        .as_deref()
        .and_then(|text| token_url(text, base, mistakes));
    let client_secret = secret(raw.client_secret.as_ref(), "/auth/clientSecret", mistakes);
    let refresh_token = secret(raw.refresh_token.as_ref(), "/auth/refreshToken", mistakes);
    let token_header = raw.token_header.clone().unwrap_or_else(|| "Authorization".to_owned());
    let in_authorization = token_header.eq_ignore_ascii_case("authorization");
    if !in_authorization {
        header_name(&token_header, "/auth/tokenHeader", mistakes);
    }
    let prefix = match raw.token_prefix.as_deref() {
        Some("") => String::new(),
        Some(prefix) => format!("{} ", prefix.trim()),
        None if in_authorization => "Bearer ".to_owned(),
        None => String::new(),
    };
    Some(Auth::OAuth2(Box::new(OAuth2 {
        token_url: token_url?,
        client_id: text_or_secret(raw.client_id.as_ref()?),
        client_secret,
        refresh_token: refresh_token.filter(|_| refresh),
        in_body: raw.client_authentication == Some(RawClientAuthentication::Body),
        scopes: raw.scopes.clone(),
        parameters: raw.parameters.clone().into_iter().collect(),
        token_header,
        token_prefix: prefix,
    })))
}

fn token_url(text: &str, base: Option<&Url>, mistakes: &mut Mistakes) -> Option<Url> {
    let pointer = "/auth/tokenUrl";
    if text.starts_with('/') {
        let mut url = base?.clone();
        let path = format!("{}{text}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        return Some(url);
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(e) => {
            mistakes.add(
                pointer,
                format!("\"{text}\" is no address ({e}): https://host/path, or a path that starts with /"),
            );
            return None;
        }
    };
    let before = mistakes.len();
    secure(&url, pointer, mistakes);
    (mistakes.len() == before).then_some(url)
}

fn text_or_secret(raw: &RawTextOrSecret) -> TextOrSecret {
    match raw {
        RawTextOrSecret::Text(text) => TextOrSecret::Text(text.clone()),
        RawTextOrSecret::Secret(secret) => TextOrSecret::Secret(secret.secret.clone()),
    }
}

/// A value that may come from the secret store only. The text itself is never repeated in the message.
fn secret(raw: Option<&RawTextOrSecret>, pointer: &str, mistakes: &mut Mistakes) -> Option<TextOrSecret> {
    let raw = raw?;
    if matches!(raw, RawTextOrSecret::Text(_)) {
        mistakes.add(
            pointer,
            "secrets never lie in a configuration: write {\"secret\": \"NAME\"} here and add it with `countersign partner secret NAME`",
        );
    }
    Some(text_or_secret(raw))
}

pub(super) fn idempotency(raw: &RawPartner, mistakes: &mut Mistakes) -> Idempotency {
    let Some(raw) = &raw.idempotency else {
        return Idempotency::default();
    };
    if let Some(header) = &raw.header {
        header_name(header, "/idempotency/header", mistakes);
    }
    Idempotency {
        header: raw.header.clone(),
        honoured: raw.honoured.unwrap_or(raw.header.is_some()),
    }
}

pub(super) fn limits(raw: &RawLimits) -> Limits {
    let number = |given: Option<u64>, default: usize| given.and_then(|n| usize::try_from(n).ok()).unwrap_or(default);
    let seconds = |given: Option<u64>, default: u64| Duration::from_secs(given.unwrap_or(default));
    Limits {
        concurrency: number(raw.concurrency, 4),
        requests_per_second: raw.requests_per_second.and_then(|n| u32::try_from(n).ok()),
        max_body_bytes: number(raw.max_body_bytes, 10 * 1024 * 1024),
        max_inflated_bytes: number(raw.max_inflated_bytes, 50 * 1024 * 1024),
        max_depth: number(raw.max_depth, 64),
        max_lines: number(raw.max_lines, 10_000),
        max_string_bytes: number(raw.max_string_bytes, 64 * 1024),
        max_pages: raw.max_pages.unwrap_or(1000),
        max_items: number(raw.max_items, 10_000),
        connect: seconds(raw.connect_seconds, 15),
        request: seconds(raw.request_seconds, 60),
        token: seconds(raw.token_seconds, 30),
    }
}

/// Every code table by name; `units` is one of them, with another rule for unknown codes.
pub(super) fn codes(raw: &RawPartner, mistakes: &mut Mistakes) -> CodeTables {
    let mut tables = CodeTables::new();
    let mut add = |name: &str, raw: &RawCodes, unknown: Unknown| {
        let rule = |raw: Option<&RawUnknown>| {
            raw.map(|raw| match raw {
                RawUnknown::Rule(RawUnknownRule::Refuse) => Unknown::Refuse,
                RawUnknown::Rule(RawUnknownRule::Keep) => Unknown::Keep,
                RawUnknown::Use(instead) => Unknown::Use(instead.code.clone()),
            })
        };
        let unknown = rule(raw.unknown.as_ref()).unwrap_or(unknown);
        // What is used instead is a code of ours: it says nothing of the way back.
        let back = match &unknown {
            Unknown::Keep => Unknown::Keep,
            Unknown::Refuse | Unknown::Use(_) => Unknown::Refuse,
        };
        let unknown_out = rule(raw.unknown_out.as_ref()).unwrap_or(back);
        let table = CodeTable::new(name, &raw.values, &raw.out, unknown, unknown_out);
        tables.insert(name.to_owned(), Arc::new(table));
    };
    for (name, raw) in &raw.codes {
        if name == "units" {
            mistakes.add(
                child("/codes", name),
                "the table of units goes under \"units\", beside \"codes\"",
            );
            continue;
        }
        add(name, raw, Unknown::Refuse);
    }
    let units = raw.units.clone().unwrap_or_default();
    add("units", &units, Unknown::Keep);
    tables
}
