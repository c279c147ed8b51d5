//! The sections around streams and operations: addresses, signing in, limits, code tables.

use super::mistakes::{Mistakes, child};
use super::raw::{RawCodes, RawLimits, RawPartner, RawTextOrSecret, RawUnknown, RawUnknownRule};
use super::request::header_name;
use super::signin::any_header;
use super::{CodeTables, Idempotency, Limits, RateHeaders, TextOrSecret};
use crate::partner::http::{Reach, reach};
use crate::partner::map::{CodeTable, Unknown};
use std::net::IpAddr;
use std::path::Path;
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

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

pub(super) fn redirects(raw: &[String], private_network: bool, mistakes: &mut Mistakes) -> Vec<url::Origin> {
    raw.iter()
        .enumerate()
        .filter_map(|(n, text)| {
            let pointer = format!("/redirects/{n}");
            let url = base_url(text, &pointer, mistakes)?;
            if url.path() != "/" {
                mistakes.add(
                    &pointer,
                    "an origin is expected, such as https://files.example.com, without a path",
                );
            } else {
                reachable(&url, private_network, &pointer, mistakes);
            }
            Some(url.origin())
        })
        .collect()
}

/// Root certificates beside those of the system: a PEM file below the configuration's folder.
pub(super) fn ca_certificates(file: Option<&String>, dir: &Path, mistakes: &mut Mistakes) -> Vec<Vec<u8>> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let Some(file) = file else { return Vec::new() };
    let pointer = "/caCertificates";
    let inside = Path::new(file)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    if !inside {
        mistakes.add(
            pointer,
            format!("\"{file}\" does not lie below the configuration's folder"),
        );
        return Vec::new();
    }
    let pem = match std::fs::read(dir.join(file)) {
        Ok(pem) => pem,
        Err(e) => {
            mistakes.add(pointer, format!("{file} cannot be read: {e}"));
            return Vec::new();
        }
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(certificates) if !certificates.is_empty() => certificates.iter().map(|c| c.to_vec()).collect(),
        Ok(_) | Err(_) => {
            mistakes.add(pointer, format!("{file} holds no certificates in PEM form"));
            Vec::new()
        }
    }
}

/// An address that is written as a number, not as a name: the public network only, unless told.
pub(super) fn reachable(url: &Url, private_network: bool, pointer: &str, mistakes: &mut Mistakes) {
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        Some(Host::Domain(_)) | None => return,
    };
    match reach(ip) {
        Reach::Public => {}
        Reach::Private if private_network => {}
        Reach::Private => mistakes.add(
            pointer,
            format!(
                "{ip} is an address inside a network: say \"network\": \"private\" if the partner is on the company's"
            ),
        ),
        // Plain loopback is for tests.
        Reach::Never if ip.is_loopback() => {}
        Reach::Never => mistakes.add(pointer, format!("{ip} is no address of a partner")),
    }
}

pub(super) fn token_url(text: &str, base: Option<&Url>, mistakes: &mut Mistakes) -> Option<Url> {
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

pub(super) fn text_or_secret(raw: &RawTextOrSecret) -> TextOrSecret {
    match raw {
        RawTextOrSecret::Text(text) => TextOrSecret::Text(text.clone()),
        RawTextOrSecret::Secret(secret) => TextOrSecret::Secret(secret.secret.clone()),
    }
}

/// A value that may come from the secret store only. The text itself is never repeated in the message.
pub(super) fn secret(raw: Option<&RawTextOrSecret>, pointer: &str, mistakes: &mut Mistakes) -> Option<TextOrSecret> {
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

fn rate_headers(raw: &RawLimits, mistakes: &mut Mistakes) -> Option<RateHeaders> {
    let raw = raw.rate_headers.as_ref()?;
    let at = "/limits/rateHeaders";
    let mut name = |given: &Option<String>, field: &str, why: &str| {
        match given {
            Some(name) => any_header(name, &child(at, field), mistakes),
            None => mistakes.add(at, format!("\"{field}\" is missing: {why}")),
        }
        given.clone()
    };
    let remaining = name(
        &raw.remaining,
        "remaining",
        "the header that says how many requests are left",
    );
    let reset = name(&raw.reset, "reset", "the header that says when there are new ones");
    Some(RateHeaders {
        remaining: remaining?,
        reset: reset?,
    })
}

pub(super) fn limits(raw: &RawLimits, mistakes: &mut Mistakes) -> Limits {
    let number = |given: Option<u64>, default: usize| given.and_then(|n| usize::try_from(n).ok()).unwrap_or(default);
    let seconds = |given: Option<u64>, default: u64| Duration::from_secs(given.unwrap_or(default));
    Limits {
        concurrency: number(raw.concurrency, 4),
        requests_per_second: raw.requests_per_second.and_then(|n| u32::try_from(n).ok()),
        rate_headers: rate_headers(raw, mistakes),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn limits_that_nobody_gives_are_those_that_the_schema_names() {
        let schema: Value =
            serde_json::from_str(include_str!("../../../../configs/schema/partner.schema.json")).unwrap();
        let named = |name: &str| {
            schema["$defs"]["limits"]["properties"][name]["default"]
                .as_u64()
                .unwrap()
        };
        let ours = limits(&RawLimits::default(), &mut Mistakes::default());
        let (megabyte, seconds) = (1024 * 1024, |time: Duration| time.as_secs());
        // Ours, the schema's name, what is promised.
        let table = [
            (ours.concurrency as u64, "concurrency", 4),
            (ours.max_body_bytes as u64, "maxBodyBytes", 10 * megabyte),
            (ours.max_inflated_bytes as u64, "maxInflatedBytes", 50 * megabyte),
            (ours.max_depth as u64, "maxDepth", 64),
            (ours.max_lines as u64, "maxLines", 10_000),
            (ours.max_string_bytes as u64, "maxStringBytes", 64 * 1024),
            (ours.max_pages, "maxPages", 1_000),
            (ours.max_items as u64, "maxItems", 10_000),
            (seconds(ours.connect), "connectSeconds", 15),
            (seconds(ours.request), "requestSeconds", 60),
            (seconds(ours.token), "tokenSeconds", 30),
        ];
        for (ours, name, promised) in table {
            assert_eq!((ours, named(name)), (promised, promised), "{name}");
        }
    }
}
