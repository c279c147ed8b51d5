//! Calls of the partner: whether they are the partner's, and what they bring.

use super::HttpPartner;
use crate::domain::Timestamp;
use crate::partner::config::StreamConfig;
use crate::partner::config::push::{Push, PushAlgorithm, PushEncoding, PushSignature, SignedPart};
use crate::partner::page::{call_items, moment};
use crate::partner::{PushCall, PushRefusal, Pushed, Secret};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};
use std::fmt::Write as _;
use subtle::ConstantTimeEq;

impl HttpPartner {
    /// The items of a call that is the partner's, and whether they only name what is to be fetched.
    pub(super) fn read_call(&self, stream: &str, call: &PushCall<'_>) -> Result<Pushed, PushRefusal> {
        let (stream, push) = self.called(stream)?;
        self.check_signature(&push.signature, call)?;
        let items = call_items(call.body, &push.items, &stream.format).map_err(PushRefusal::Unreadable)?;
        if items.len() > self.config.limits.max_items {
            return Err(PushRefusal::Unreadable(format!(
                "the call has {} items, at most {} are taken",
                items.len(),
                self.config.limits.max_items
            )));
        }
        Ok(Pushed {
            items,
            media_type: stream.format.media_type(),
            fetch: push.fetch,
        })
    }

    /// Whether a call with this head can be the partner's: it has what looks like a signature, or the secret itself.
    pub(super) fn read_head(&self, stream: &str, headers: &[(String, String)]) -> Result<(), PushRefusal> {
        let signature = &self.called(stream)?.1.signature;
        let key = self.push_key(signature)?;
        let sent = sent(signature, headers)?;
        let bytes = match signature.algorithm {
            PushAlgorithm::Secret => return same(key.expose(), &sent),
            PushAlgorithm::HmacSha256 => <Sha256 as Digest>::output_size(),
            PushAlgorithm::HmacSha512 => <Sha512 as Digest>::output_size(),
        };
        if sent.len() != encoded(&vec![0; bytes], signature.encoding).len() {
            return Err(PushRefusal::Forged);
        }
        Ok(())
    }

    fn called(&self, stream: &str) -> Result<(&StreamConfig, &Push), PushRefusal> {
        let stream = self.stream(stream).ok_or(PushRefusal::NotConfigured)?;
        let push = stream.push.as_ref().ok_or(PushRefusal::NotConfigured)?;
        Ok((stream, push))
    }

    fn push_key(&self, signature: &PushSignature) -> Result<Secret, PushRefusal> {
        let key = self.secrets.get(&signature.key);
        let key = key.map_err(|e| PushRefusal::Secret(e.to_string()))?;
        // An empty secret would let anyone in.
        if key.expose().is_empty() {
            return Err(PushRefusal::Forged);
        }
        Ok(key)
    }

    fn check_signature(&self, signature: &PushSignature, call: &PushCall<'_>) -> Result<(), PushRefusal> {
        let forged = || PushRefusal::Forged;
        let key = self.push_key(signature)?;
        let sent = sent(signature, call.headers)?;
        let made = match signature.algorithm {
            PushAlgorithm::Secret => key.expose().to_owned(),
            PushAlgorithm::HmacSha256 => {
                let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key.expose().as_bytes()).map_err(|_| forged())?;
                feed(&mut mac, signature, call)?;
                encoded(&mac.finalize().into_bytes(), signature.encoding)
            }
            PushAlgorithm::HmacSha512 => {
                let mut mac = <Hmac<Sha512> as Mac>::new_from_slice(key.expose().as_bytes()).map_err(|_| forged())?;
                feed(&mut mac, signature, call)?;
                encoded(&mac.finalize().into_bytes(), signature.encoding)
            }
        };
        same(&made, &sent)?;
        // Looked at after the signature: who cannot sign learns nothing of our clock.
        match &signature.time {
            Some((header, tolerance)) => timely(value_of(call.headers, header), *tolerance, call.at),
            None => Ok(()),
        }
    }
}

fn value_of<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// The signature as it was sent, in the letters that ours has.
fn sent(signature: &PushSignature, headers: &[(String, String)]) -> Result<String, PushRefusal> {
    let sent = value_of(headers, &signature.header).and_then(|sent| sent.strip_prefix(signature.prefix.as_str()));
    let sent = sent.ok_or(PushRefusal::Forged)?.trim();
    let hex = signature.algorithm != PushAlgorithm::Secret && signature.encoding == PushEncoding::Hex;
    Ok(if hex {
        sent.to_ascii_lowercase()
    } else {
        sent.to_owned()
    })
}

/// How long the comparison takes tells nothing of the secret.
fn same(made: &str, sent: &str) -> Result<(), PushRefusal> {
    let same = bool::from(made.as_bytes().ct_eq(sent.as_bytes()));
    if same { Ok(()) } else { Err(PushRefusal::Forged) }
}

fn timely(sent: Option<&str>, tolerance: std::time::Duration, now: Timestamp) -> Result<(), PushRefusal> {
    let sent = sent.and_then(moment::parse).ok_or(PushRefusal::Stale)?.0;
    let apart = (sent.timestamp_millis() - now.0).unsigned_abs();
    if u128::from(apart) > tolerance.as_millis() {
        return Err(PushRefusal::Stale);
    }
    Ok(())
}

fn feed(mac: &mut impl Mac, signature: &PushSignature, call: &PushCall<'_>) -> Result<(), PushRefusal> {
    for part in &signature.template {
        match part {
            SignedPart::Text(text) => mac.update(text.as_bytes()),
            SignedPart::Body => mac.update(call.body),
            SignedPart::Path => mac.update(call.path.as_bytes()),
            SignedPart::Time => {
                let header = signature.time.as_ref().map(|(header, _)| header.as_str());
                let time = header
                    .and_then(|h| value_of(call.headers, h))
                    .ok_or(PushRefusal::Forged)?;
                mac.update(time.as_bytes());
            }
            SignedPart::Header(name) => mac.update(value_of(call.headers, name).ok_or(PushRefusal::Forged)?.as_bytes()),
        }
    }
    Ok(())
}

fn encoded(bytes: &[u8], encoding: PushEncoding) -> String {
    match encoding {
        PushEncoding::Base64 => BASE64_STANDARD.encode(bytes),
        PushEncoding::Hex => bytes.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    }
}
