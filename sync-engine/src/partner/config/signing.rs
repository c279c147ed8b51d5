//! How requests are signed: the section `signing`.

use super::TextOrSecret;
use super::mistakes::{Mistakes, child};
use super::raw::RawTextOrSecret;
use super::request::header_name;
use super::sections::secret;
use super::signin::any_header;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawSigning {
    pub algorithm: Option<SignAlgorithm>,
    pub key: Option<RawTextOrSecret>,
    pub key_encoding: Option<KeyEncoding>,
    pub template: Option<String>,
    pub encoding: Option<SignEncoding>,
    pub header: Option<String>,
    pub prefix: Option<String>,
    pub headers: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SignAlgorithm {
    HmacSha256,
    HmacSha512,
    RsaSha256,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SignEncoding {
    Base64,
    Base64url,
    Hex,
}

/// How an HMAC key is written in the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum KeyEncoding {
    Text,
    Base64,
    Hex,
}

#[derive(Debug)]
pub(crate) struct Signing {
    pub algorithm: SignAlgorithm,
    pub key: TextOrSecret,
    pub key_encoding: KeyEncoding,
    pub template: SignTemplate,
    pub encoding: SignEncoding,
    /// Set in their order: those that carry the signature come last.
    pub headers: Vec<(String, SignTemplate)>,
}

#[derive(Debug)]
pub(crate) struct SignTemplate(pub Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Method,
    Host,
    Path,
    Query,
    Target,
    Body,
    BodyHash,
    BodyHashBase64,
    Time,
    EpochSeconds,
    EpochMillis,
    HttpDate,
    Nonce,
    Header(String),
    Signature,
}

const PIECES: &[(&str, Piece)] = &[
    ("method", Piece::Method),
    ("host", Piece::Host),
    ("path", Piece::Path),
    ("query", Piece::Query),
    ("target", Piece::Target),
    ("body", Piece::Body),
    ("bodyHash", Piece::BodyHash),
    ("bodyHash.base64", Piece::BodyHashBase64),
    ("time", Piece::Time),
    ("time.epochSeconds", Piece::EpochSeconds),
    ("time.epochMillis", Piece::EpochMillis),
    ("time.httpDate", Piece::HttpDate),
    ("nonce", Piece::Nonce),
    ("signature", Piece::Signature),
];

impl SignTemplate {
    fn compile(text: &str, pointer: &str, mistakes: &mut Mistakes) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                mistakes.add(pointer, "a { without its }");
                return Self(pieces);
            };
            pieces.push(Piece::Text(before.to_owned()));
            if let Some(header) = name.strip_prefix("header.") {
                any_header(header, pointer, mistakes);
                pieces.push(Piece::Header(header.to_owned()));
            } else if let Some((_, piece)) = PIECES.iter().find(|(known, _)| *known == name) {
                pieces.push(piece.clone());
            } else {
                let known = PIECES.iter().map(|(known, _)| *known);
                mistakes.unknown(
                    pointer,
                    format!(
                        "{{{name}}} is unknown; known are {}, header.NAME",
                        known.clone().collect::<Vec<_>>().join(", ")
                    ),
                    name,
                    known,
                );
            }
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|p| *p != Piece::Text(String::new()));
        Self(pieces)
    }

    fn uses(&self, piece: &Piece) -> bool {
        self.0.contains(piece)
    }
}

pub(super) fn signing(raw: Option<&RawSigning>, mistakes: &mut Mistakes) -> Option<Signing> {
    let raw = raw?;
    let at = "/signing";
    for (name, present, why) in [
        (
            "algorithm",
            raw.algorithm.is_some(),
            "hmacSha256, hmacSha512 or rsaSha256",
        ),
        ("key", raw.key.is_some(), "the key, as {\"secret\": \"NAME\"}"),
        ("template", raw.template.is_some(), "the text that is signed"),
    ] {
        if !present && !mistakes.is_at(&child(at, name)) {
            mistakes.add(at, format!("\"{name}\" is missing: {why}"));
        }
    }
    let template = SignTemplate::compile(raw.template.as_deref()?, "/signing/template", mistakes);
    if template.uses(&Piece::Signature) {
        mistakes.add(
            "/signing/template",
            "the signature cannot sign itself: {signature} stands in headers only",
        );
    }
    let mut headers: Vec<_> = raw
        .headers
        .iter()
        .map(|(name, text)| {
            let at = child("/signing/headers", name);
            signed_header(name, &at, mistakes);
            (name.clone(), SignTemplate::compile(text, &at, mistakes))
        })
        .collect();
    match &raw.header {
        Some(name) => {
            signed_header(name, "/signing/header", mistakes);
            let prefix = raw.prefix.clone().unwrap_or_default();
            headers.push((name.clone(), SignTemplate(vec![Piece::Text(prefix), Piece::Signature])));
        }
        None if headers.iter().all(|(_, t)| !t.uses(&Piece::Signature)) => mistakes.add(
            at,
            "\"header\" is missing: the header that carries the signature, unless one under \"headers\" has {signature}",
        ),
        None => {
            if raw.prefix.is_some() {
                mistakes.add("/signing/prefix", "only \"header\" uses it");
            }
        }
    }
    headers.sort_by_key(|(_, template)| template.uses(&Piece::Signature));
    if raw.key_encoding.is_some() && raw.algorithm == Some(SignAlgorithm::RsaSha256) {
        mistakes.add(
            "/signing/keyEncoding",
            "only the HMAC algorithms use it: a private key is PEM",
        );
    }
    Some(Signing {
        algorithm: raw.algorithm?,
        key: secret(raw.key.as_ref(), "/signing/key", mistakes)?,
        key_encoding: raw.key_encoding.unwrap_or(KeyEncoding::Text),
        template,
        encoding: raw.encoding.unwrap_or(SignEncoding::Base64),
        headers,
    })
}

fn signed_header(name: &str, pointer: &str, mistakes: &mut Mistakes) {
    if !name.eq_ignore_ascii_case("authorization") {
        header_name(name, pointer, mistakes);
    }
}
