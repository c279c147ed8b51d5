//! Raw -> validated. Goes on after a mistake, so that all are found.

use super::mistakes::{Mistakes, child};
use super::raw::{RawNetwork, RawPartner};
use super::request::{header_name, headers};
use super::{
    Auth, PartnerConfig, format, meaning, operations, paths, sections, session, signin, signing, steps, streams,
};
use crate::domain::PartnerId;
use crate::partner::map::{Compile, MediaTypes};
use crate::partner::schema::PayloadSchema;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use url::Url;

pub(super) fn validate(raw: RawPartner, dir: &Path, mistakes: &mut Mistakes) -> Option<PartnerConfig> {
    if let Some(id) = &raw.id {
        slug(id, mistakes);
    }
    let base_url = raw
        .base_url
        .as_deref()
        .and_then(|text| sections::base_url(text, "/baseUrl", mistakes));
    let private_network = raw.network == Some(RawNetwork::Private);
    let ca_certificates = sections::ca_certificates(raw.ca_certificates.as_ref(), dir, mistakes);
    let client_certificate = sections::secret(raw.client_certificate.as_ref(), "/clientCertificate", mistakes);
    let signing = signing::signing(raw.signing.as_ref(), mistakes);
    let headers = headers(&raw.headers, "/headers", mistakes);
    if let Some(name) = &raw.correlation_header {
        header_name(name, "/correlationHeader", mistakes);
    }
    let idempotency = sections::idempotency(&raw, mistakes);
    let redirects = sections::redirects(&raw.redirects, private_network, mistakes);
    let codes = sections::codes(&raw, mistakes);
    if raw.streams.is_empty() && raw.operations.is_empty() {
        mistakes.add(
            "",
            "there is neither a stream nor an operation: nothing would be exchanged",
        );
    }
    let limits = sections::limits(&raw.limits, mistakes);
    let mut ctx = Compile {
        mistakes,
        codes: &codes,
        media: MediaTypes {
            accept: raw.accept.clone(),
            body: raw.media_type.clone(),
        },
        in_request: false,
        secrets: BTreeSet::new(),
    };
    let meanings = meaning::meanings(&raw.statuses, &mut ctx);
    let auth = signin::auth(raw.auth.as_ref(), base_url.as_ref(), &mut ctx);
    let session = session::session(raw.session.as_ref(), &mut ctx);
    let xml = format::reading(raw.xml.as_ref());
    let streams = streams::compile(&raw.streams, &xml, dir, &mut ctx);
    let operations = operations::compile(&raw.operations, dir, &mut ctx);
    steps::check_streams(&operations, &raw.streams, &mut ctx);
    operations::check_resends(&operations, idempotency.honoured, &mut ctx);
    for (url, pointer) in [
        (base_url.as_ref(), "/baseUrl"),
        (token_url(auth.as_ref()), "/auth/tokenUrl"),
    ] {
        if let Some(url) = url {
            sections::reachable(url, private_network, pointer, ctx.mistakes);
        }
    }
    Some(PartnerConfig {
        fingerprint: String::new(),
        id: PartnerId(raw.id?),
        name: raw.name?,
        base_url: base_url?,
        private_network,
        ca_certificates,
        client_certificate,
        auth: auth?,
        signing,
        session,
        headers,
        correlation_header: raw.correlation_header,
        meanings,
        secrets_in_requests: ctx.secrets.into_iter().collect(),
        idempotency,
        redirects,
        limits,
        rules: raw.rules.unwrap_or_default(),
        xml,
        streams,
        operations,
        warnings: paths::warnings(&raw.streams, dir),
        written: Value::Null,
        dir: dir.to_owned(),
    })
}

fn token_url(auth: Option<&Auth>) -> Option<&Url> {
    match auth {
        Some(Auth::OAuth2(auth)) => Some(&auth.token_url),
        Some(Auth::None | Auth::Basic { .. } | Auth::Key { .. }) | None => None,
    }
}

fn slug(id: &str, mistakes: &mut Mistakes) {
    let fits = !id.is_empty()
        && id.len() <= 40
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !id.starts_with('-');
    if !fits {
        mistakes.add(
            "/id",
            format!("\"{id}\" is no id: 1 to 40 lower-case letters, digits and dashes, such as amazon-vendor"),
        );
    }
}

pub(super) fn schema(
    reference: Option<&String>,
    dir: &Path,
    pointer: &str,
    ctx: &mut Compile<'_>,
) -> Option<PayloadSchema> {
    match PayloadSchema::load(dir, reference?) {
        Ok(schema) => Some(schema),
        Err(reason) => {
            ctx.mistakes.add(child(pointer, "schema"), reason);
            None
        }
    }
}

/// The stream or operation with what it takes from the one that `sameAs` names.
pub(super) fn inherit(
    what: &str,
    name: &str,
    value: &Value,
    all: &BTreeMap<String, Value>,
    pointer: &str,
    ctx: &mut Compile<'_>,
) -> Option<Value> {
    let Some(from) = value.get("sameAs").and_then(Value::as_str) else {
        return Some(value.clone());
    };
    let at = child(pointer, "sameAs");
    let base = match all.get(from) {
        Some(_) if from == name => {
            ctx.mistakes
                .add(at, format!("{what} \"{name}\" cannot be the same as itself"));
            return None;
        }
        Some(base) if base.get("sameAs").is_some() => {
            ctx.mistakes.add(
                at,
                format!("\"{from}\" takes from another {what} itself: name that one instead"),
            );
            return None;
        }
        Some(base) => base,
        None => {
            ctx.mistakes.unknown(
                at,
                format!("there is no {what} \"{from}\" in this configuration"),
                from,
                all.keys().map(String::as_str).filter(|n| *n != name),
            );
            return None;
        }
    };
    let mut whole = base.as_object()?.clone();
    whole.extend(value.as_object()?.clone());
    Some(Value::Object(whole))
}
