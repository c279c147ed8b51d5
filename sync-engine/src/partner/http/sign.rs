//! Signs a request as it is sent: over its bytes, with the time and the nonce of this attempt.

use super::keys::PrivateKey;
use super::token::TokenError;
use super::vault::Vault;
use super::wire::{WireError, header_name, header_value};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::partner::config::{JwtAlgorithm, KeyEncoding, Piece, SignAlgorithm, SignEncoding, SignTemplate, Signing};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use reqwest::header::HeaderMap;
use ring::hmac;
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

pub(crate) struct Signer {
    config: Signing,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    /// The key in force, with the secret that it was read from.
    key: Mutex<Option<(String, Arc<Key>)>>,
}

enum Key {
    Shared(hmac::Key),
    Private(PrivateKey),
}

/// What a signature is over.
pub(crate) struct Signed<'a> {
    pub method: &'a str,
    pub url: &'a Url,
    pub body: &'a [u8],
}

struct Moment {
    at: Timestamp,
    nonce: String,
}

impl Signer {
    pub fn new(config: Signing, vault: Arc<Vault>, clock: Arc<dyn Clock>) -> Self {
        Self {
            config,
            vault,
            clock,
            key: Mutex::default(),
        }
    }

    /// Adds the configured headers, those with the signature last.
    ///
    /// # Errors
    /// `Token` when the key cannot be had or read; `Unfit` when a header cannot carry what it should.
    pub fn sign(&self, request: &Signed<'_>, headers: &mut HeaderMap) -> Result<(), WireError> {
        let key = self.key()?;
        let moment = Moment {
            at: self.clock.now(),
            nonce: self.clock.new_operation_id().to_string(),
        };
        let mut signature = None;
        for (name, template) in &self.config.headers {
            if signature.is_none() && template.0.contains(&Piece::Signature) {
                let text = filled(&self.config.template, request, headers, &moment, "");
                signature = Some(self.encoded(&key.sign(&text).map_err(refused)?));
            }
            let text = filled(template, request, headers, &moment, signature.as_deref().unwrap_or(""));
            let text = String::from_utf8(text)
                .map_err(|_| WireError::Unfit(format!("signing.headers.{name} gives no text")))?;
            headers.insert(
                header_name(name).map_err(WireError::Unfit)?,
                header_value(&text).map_err(WireError::Unfit)?,
            );
        }
        Ok(())
    }

    /// Names of the headers that `sign` adds.
    pub fn header_names(&self) -> impl Iterator<Item = &str> {
        self.config.headers.iter().map(|(name, _)| name.as_str())
    }

    fn encoded(&self, signature: &[u8]) -> String {
        match self.config.encoding {
            SignEncoding::Base64 => BASE64_STANDARD.encode(signature),
            SignEncoding::Base64url => BASE64_URL_SAFE_NO_PAD.encode(signature),
            SignEncoding::Hex => hex(signature),
        }
    }

    fn key(&self) -> Result<Arc<Key>, WireError> {
        let secret = self.vault.read(&self.config.key).map_err(WireError::Token)?;
        let mut held = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((text, key)) = &*held
            && text == secret.expose()
        {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(self.read(secret.expose()).map_err(refused)?);
        *held = Some((secret.expose().to_owned(), Arc::clone(&key)));
        Ok(key)
    }

    fn read(&self, secret: &str) -> Result<Key, String> {
        let algorithm = match self.config.algorithm {
            SignAlgorithm::RsaSha256 => return PrivateKey::read(secret, JwtAlgorithm::RS256).map(Key::Private),
            SignAlgorithm::HmacSha256 => hmac::HMAC_SHA256,
            SignAlgorithm::HmacSha512 => hmac::HMAC_SHA512,
        };
        let bytes = match self.config.key_encoding {
            KeyEncoding::Text => secret.as_bytes().to_vec(),
            KeyEncoding::Base64 => BASE64_STANDARD
                .decode(secret.trim())
                .map_err(|_| "the signing key is no base64, as signing.keyEncoding says".to_owned())?,
            KeyEncoding::Hex => unhex(secret.trim())
                .ok_or_else(|| "the signing key is no hexadecimal text, as signing.keyEncoding says".to_owned())?,
        };
        Ok(Key::Shared(hmac::Key::new(algorithm, &bytes)))
    }
}

impl Key {
    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::Shared(key) => Ok(hmac::sign(key, text).as_ref().to_vec()),
            Self::Private(key) => key.sign(text),
        }
    }
}

fn refused(message: String) -> WireError {
    WireError::Token(TokenError::Refused { status: None, message })
}

fn filled(
    template: &SignTemplate,
    request: &Signed<'_>,
    headers: &HeaderMap,
    moment: &Moment,
    signature: &str,
) -> Vec<u8> {
    let mut text = Vec::new();
    let time = |form: &str| {
        chrono::DateTime::from_timestamp_millis(moment.at.0).map_or_else(String::new, |t| t.format(form).to_string())
    };
    let url = request.url;
    for piece in &template.0 {
        match piece {
            Piece::Text(constant) => text.extend_from_slice(constant.as_bytes()),
            Piece::Method => text.extend_from_slice(request.method.as_bytes()),
            Piece::Host => text.extend_from_slice(url[url::Position::BeforeHost..url::Position::AfterPort].as_bytes()),
            Piece::Path => text.extend_from_slice(url.path().as_bytes()),
            Piece::Query => text.extend_from_slice(url.query().unwrap_or_default().as_bytes()),
            Piece::Target => {
                text.extend_from_slice(url[url::Position::BeforePath..url::Position::AfterQuery].as_bytes());
            }
            Piece::Body => text.extend_from_slice(request.body),
            Piece::BodyHash => text.extend_from_slice(hex(&Sha256::digest(request.body)).as_bytes()),
            Piece::BodyHashBase64 => {
                text.extend_from_slice(BASE64_STANDARD.encode(Sha256::digest(request.body)).as_bytes());
            }
            Piece::Time => text.extend_from_slice(time("%Y-%m-%dT%H:%M:%SZ").as_bytes()),
            Piece::EpochSeconds => text.extend_from_slice(moment.at.0.div_euclid(1000).to_string().as_bytes()),
            Piece::EpochMillis => text.extend_from_slice(moment.at.0.to_string().as_bytes()),
            Piece::HttpDate => text.extend_from_slice(time("%a, %d %b %Y %H:%M:%S GMT").as_bytes()),
            Piece::Nonce => text.extend_from_slice(moment.nonce.as_bytes()),
            Piece::Header(name) => text.extend_from_slice(headers.get(name).map(|v| v.as_bytes()).unwrap_or_default()),
            Piece::Signature => text.extend_from_slice(signature.as_bytes()),
        }
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs
        .remainder()
        .is_empty()
        .then(|| pairs.map(|p| p.iter().fold(0, |n, d| n * 16 + d)).collect())
}
